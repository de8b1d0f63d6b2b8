//! Steps and what connects them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Kind, StepSpec, WaitFor};
use crate::{Name, Role, Span};

/// The type of a plan's input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InputType {
    /// Any JSON.
    #[default]
    Any,
    /// A string.
    String,
    /// A number.
    Number,
    /// True or false.
    Boolean,
    /// A list.
    List,
    /// An object.
    Object,
    /// A whole number.
    Integer,
}

impl InputType {
    /// How documents call it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Any => "value",
            Self::String => "string",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::List => "list",
            Self::Object => "object",
            Self::Integer => "integer",
        }
    }

    /// The same behind its article, as in a sentence.
    #[must_use]
    pub const fn called(self) -> &'static str {
        match self {
            Self::Any => "a value",
            Self::String => "a string",
            Self::Number => "a number",
            Self::Boolean => "a boolean",
            Self::List => "a list",
            Self::Object => "an object",
            Self::Integer => "an integer",
        }
    }

    /// Whether a value is of this type: 1.0 is an integer, too.
    #[must_use]
    pub fn fits(self, value: &Value) -> bool {
        match self {
            Self::Any => true,
            Self::String => value.is_string(),
            Self::Number => value.is_number(),
            Self::Boolean => value.is_boolean(),
            Self::List => value.is_array(),
            Self::Object => value.is_object(),
            Self::Integer => value.is_i64() || value.is_u64() || whole(value).is_some(),
        }
    }

    /// A value of this type as it is kept: the integer 1.0 is 1.
    #[must_use]
    pub fn plain(self, value: Value) -> Value {
        match (self, whole(&value)) {
            (Self::Integer, Some(whole)) => Value::from(whole),
            _ => value,
        }
    }
}

/// The whole number that one with a point is.
fn whole(value: &Value) -> Option<i64> {
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    let number = value.as_f64().filter(|_| value.is_f64())?;
    let exact = number.fract() == 0.0 && number.abs() <= EXACT_MAX;
    exact.then(|| format!("{number:.0}").parse().ok()).flatten()
}

/// One input of a plan.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct InputSpec {
    /// Its name: what templates and conditions call `inputs.NAME`.
    pub name: String,
    /// Its type.
    pub kind: InputType,
    /// Its value where none is given, as JSON text.
    pub default: Option<String>,
}

/// A step for each item of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FanOut {
    /// A CEL expression that gives the list.
    pub items: String,
    /// How many items are open at once.
    pub window: u32,
    /// Whether items that failed for good let the step go on with the others.
    pub partial: bool,
}

/// Another agent looks at a step's result before anybody else does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewSpec {
    /// The step whose result is looked at; its agent is the author.
    pub of: Name,
    /// Who looks; never the author.
    pub by: Name,
    /// What the reviewer is given: a template, as in [`StepDo::Task`].
    pub input: String,
    /// How often the author may mend what was refuted; then a person decides.
    pub rounds_max: u32,
}

/// What a step does. Templates are minijinja, strict, over `inputs`, `steps.NAME.output`, each
/// step's output by its name (`-` becomes `_`), `item`, `index` and `feedback`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepDo {
    /// Opens a task: for `agent`, or for whoever the broker finds.
    Task {
        /// Who does it.
        agent: Option<Name>,
        /// What it is called on the board: a template.
        title: String,
        /// What is given: a template; without one, the output of the step before.
        input: Option<String>,
    },
    /// A CEL expression; its value is the output.
    Compute {
        /// The expression.
        cel: String,
    },
    /// A template; its text is the output.
    Render {
        /// The template.
        template: String,
    },
    /// Refute or praise, and mend.
    Review(ReviewSpec),
    /// Asks a person.
    Approval {
        /// The question: a template.
        title: String,
        /// What is approved: a template; without one, the output of the step before.
        body: Option<String>,
        /// The least role that may answer.
        role: Role,
        /// How long to wait for an answer; without one, for ever.
        expires: Option<Span>,
    },
    /// Writes a document.
    Document {
        /// Where: a template.
        path: String,
        /// What: a template; without one, the output of the step before.
        text: Option<String>,
    },
    /// Publishes an event.
    Emit {
        /// Its type.
        kind: String,
        /// Its data: a template that gives JSON.
        data: Option<String>,
    },
    /// Waits for an event, a signal or a time.
    Wait(WaitFor),
    /// Publishes an event, and waits for the driver that answers events of its type. Where there
    /// is none, its output is what was published.
    Ask {
        /// Its type.
        kind: String,
        /// Its data: a template that gives JSON.
        data: Option<String>,
        /// Whether it fails where there is no driver: somebody uses the answer.
        needed: bool,
    },
    /// Reads a document; its output is the text, or null where there is none.
    Read {
        /// Where: a template.
        path: String,
    },
    /// Runs another plan; its output is the step's.
    Plan {
        /// A plan, a workflow, a saga or an instruction.
        of: Kind,
        /// Which.
        name: Name,
        /// Its inputs: a template, that gives a JSON object for a plan. Without one, a plan gets
        /// those of its inputs that the item or the output of the step before has; anything else
        /// the whole of it.
        input: Option<String>,
    },
}

/// A plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanSpec {
    /// What it is for, in a sentence.
    pub description: String,
    /// What it takes.
    pub inputs: Vec<InputSpec>,
    /// What it does, in the order of the file; dependencies point backwards or forwards.
    pub steps: Vec<StepSpec>,
    /// The step whose output is the plan's; without one, the last.
    pub output: Option<Name>,
}
