//! What this crate can't judge itself: expressions, templates and patterns. Whoever has the rules
//! passes them in.

use naos_types::spec::InputSpec;
use naos_types::{Code, Name, Type};

use crate::diagnostic::Findings;
use crate::tree::{Mark, Node, Value};

/// What is wrong with an expression, a template or a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The code to look up.
    pub code: Code,
    /// Where in the text, from 1; (1, 1) where that isn't known.
    pub line: u32,
    /// The character in the line, from 1.
    pub column: u32,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub help: Option<String>,
}

/// The names that may stand in an expression or template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// In a step of a plan.
    Step {
        /// The plan's inputs; none where they couldn't be read, and anything may be one.
        inputs: Option<Vec<InputSpec>>,
        /// The steps that are closed before it, and of which type what each of them gives is.
        before: Vec<(Name, Type)>,
        /// Whether `item` and `index` are there.
        fan_out: bool,
        /// Whether any other name may be that of a step, too: one couldn't be read.
        open: bool,
    },
    /// In a step of a workflow or a saga.
    Flow {
        /// The steps before it.
        before: Vec<Name>,
    },
    /// In a policy's condition: the guard's counters.
    Policy,
    /// In a step that waits for an event: its own names, and the `event`.
    Wait(Box<Scope>),
    /// In a check of a result: the names of whoever makes it, and the `output`, its `text` and how
    /// many `bytes` it has.
    Result(Box<Scope>),
    /// In what is computed of a task of the board: its `input`, and `today`.
    Task,
    /// In a subscription: the event as `trigger`.
    Trigger,
    /// In a skill's handler: `text`, `input` and these captures.
    Skill {
        /// What its patterns capture.
        captures: Vec<String>,
    },
}

/// Judges texts in documents.
pub trait Checks {
    /// An expression that must give true or false.
    ///
    /// # Errors
    /// What is wrong with it.
    fn condition(&self, source: &str, scope: &Scope) -> Result<(), Fault>;
    /// An expression that must give a list.
    ///
    /// # Errors
    /// What is wrong with it.
    fn list(&self, source: &str, scope: &Scope) -> Result<(), Fault>;
    /// Any expression: the type of what it gives.
    ///
    /// # Errors
    /// What is wrong with it.
    fn expression(&self, source: &str, scope: &Scope) -> Result<Type, Fault>;
    /// A template.
    ///
    /// # Errors
    /// What is wrong with it.
    fn template(&self, source: &str, scope: &Scope) -> Result<(), Fault>;
    /// A skill's pattern.
    ///
    /// # Errors
    /// What is wrong with it.
    fn pattern(&self, source: &str) -> Result<(), Fault>;
    /// A JSON schema that results are compared with.
    ///
    /// # Errors
    /// Why it is none.
    fn schema(&self, _source: &str) -> Result<(), Fault> {
        Ok(())
    }
    /// What a condition comes to where steps ended so, whatever else there is; none where that
    /// doesn't say.
    fn decide(&self, _source: &str, _ends: &[(&Name, &'static str)]) -> Option<bool> {
        None
    }
}

/// Lets everything pass: for readers that only look at the structure.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoChecks;

impl Checks for NoChecks {
    fn condition(&self, _: &str, _: &Scope) -> Result<(), Fault> {
        Ok(())
    }
    fn list(&self, _: &str, _: &Scope) -> Result<(), Fault> {
        Ok(())
    }
    fn expression(&self, _: &str, _: &Scope) -> Result<Type, Fault> {
        Ok(Type::Any)
    }
    fn template(&self, _: &str, _: &Scope) -> Result<(), Fault> {
        Ok(())
    }
    fn pattern(&self, _: &str) -> Result<(), Fault> {
        Ok(())
    }
}

/// Notes a fault where the text stands in the document. Only within one-line texts is the column
/// known: how a block of text is indented and folded isn't kept.
pub(crate) fn note(judged: Result<(), Fault>, node: &Node, findings: &mut Findings) {
    let Err(fault) = judged else { return };
    let one_line = matches!(&node.value, Value::Text(text) if !text.contains('\n'));
    let (at, what) = if one_line && fault.line == 1 {
        let column = node
            .at
            .column
            .saturating_add(fault.column.saturating_sub(1));
        (Mark { column, ..node.at }, fault.what)
    } else {
        let (line, column) = (fault.line, fault.column);
        (
            node.at,
            format!("line {line}, column {column} of this text: {}", fault.what),
        )
    };
    findings.push(at, fault.code, what, fault.help);
}
