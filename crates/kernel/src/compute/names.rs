//! What may be named, and of which type it is.

use naos_types::spec::InputSpec;
use naos_types::{Name, Type};

use super::Vars;

/// The names that may stand in an expression or template: the published list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    known: Vec<(String, Type)>,
    open: bool,
}

impl Names {
    /// None at all.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            known: Vec::new(),
            open: false,
        }
    }

    /// The same and one more; an earlier one of the same name is replaced.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, kind: Type) -> Self {
        let name = name.into();
        self.known.retain(|(known, _)| *known != name);
        self.known.push((name, kind));
        self
    }

    /// The same, among which any other name may stand, too, for anything.
    #[must_use]
    pub fn open(mut self) -> Self {
        self.open = true;
        for (name, kind) in &mut self.known {
            if name.as_str() == "steps" {
                *kind = Type::Any;
            }
        }
        self
    }

    /// The same and one less.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.known.retain(|(known, _)| known != name);
        self
    }

    /// Those of these values, of any type.
    #[must_use]
    pub fn of_vars(vars: &Vars) -> Self {
        let any = |(name, _): (&str, &_)| (name.to_owned(), Type::Any);
        Self {
            known: vars.iter().map(any).collect(),
            open: false,
        }
    }

    /// The type of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Type> {
        let found = self.known.iter().find(|(known, _)| known == name);
        let other = self.open.then_some(&Type::Any);
        found.map(|(_, kind)| kind).or(other)
    }

    /// All of them.
    #[must_use]
    pub fn list(&self) -> Vec<String> {
        self.known.iter().map(|(name, _)| name.clone()).collect()
    }
}

/// The names in one step of a plan: `inputs`, `trigger` (the event that set it off, else null),
/// `today`, `plan.name`, `feedback` (what a reviewer sent back, else null), each step that is
/// closed before it as `NAME` and `steps.NAME` with its `output` (of the type that `before` says),
/// `status` and `disputed` (`-` becomes `_`), and in a fan-out `item` and `index`.
#[must_use]
pub fn plan_names(inputs: &[InputSpec], before: &[(Name, Type)], fan_out: bool) -> Names {
    let field = |input: &InputSpec| (input.name.clone(), Type::of_input(input.kind));
    let step = |output: &Type| {
        Type::Object(vec![
            ("output".into(), output.clone()),
            ("status".into(), Type::Text),
            ("disputed".into(), Type::Bool),
        ])
    };
    let steps: Vec<(String, Type)> = before
        .iter()
        .map(|(name, output)| (name.as_str().replace('-', "_"), step(output)))
        .collect();
    let mut names = Names::new()
        .with("inputs", Type::Object(inputs.iter().map(field).collect()))
        .with("trigger", event_type())
        .with("today", Type::Text)
        .with("days", days_type())
        .with("plan", Type::Object(vec![("name".into(), Type::Text)]))
        .with("feedback", Type::Any);
    if fan_out {
        names = names.with("item", Type::Any).with("index", Type::Int);
    }
    for (name, kind) in &steps {
        names = names.with(name.clone(), kind.clone());
    }
    names.with("steps", Type::Object(steps))
}

/// The names in one step of a workflow or a saga: what the whole was given as `input`, the rest as
/// in a plan; what agents answer is written.
#[must_use]
pub fn flow_names(before: &[Name]) -> Names {
    let before = before.iter().map(|name| (name.clone(), Type::Written));
    let names = plan_names(&[], &before.collect::<Vec<_>>(), false);
    names
        .with("inputs", Type::Any)
        .with("input", Type::Any)
        .without("feedback")
}

/// The names in what a task of the board computes: what was to be done as `input`, and `today`.
#[must_use]
pub fn task_names() -> Names {
    Names::new()
        .with("input", Type::Written)
        .with("today", Type::Text)
}

/// The names in a check of a result: those of whoever makes it, and the `output` (the list or map
/// that it is the JSON of, else its text), its `text` and how many `bytes` that has.
#[must_use]
pub fn check_names(own: Names) -> Names {
    own.with("output", Type::Written)
        .with("text", Type::Text)
        .with("bytes", Type::Int)
}

/// The names in the condition of a step that waits for an event: its own, and the `event`.
#[must_use]
pub fn wait_names(own: Names) -> Names {
    own.with("event", event_type())
}

/// The names in a subscription: the event, as the `trigger` of what it sets off.
#[must_use]
pub fn trigger_names() -> Names {
    Names::new().with("trigger", event_type())
}

/// What an instruction calls days.
fn days_type() -> Type {
    let names = ["yesterday", "today", "tomorrow"];
    Type::Object(names.map(|name| (name.to_owned(), Type::Text)).to_vec())
}

fn event_type() -> Type {
    let text = |name: &str| (name.to_owned(), Type::Text);
    Type::Object(vec![
        text("id"),
        text("type"),
        ("source".to_owned(), Type::Any),
        text("category"),
        text("correlation"),
        text("time"),
        ("about".to_owned(), Type::Any),
        ("data".to_owned(), Type::Any),
    ])
}

/// The names in a skill's handler: the task's `text`, its `input` (JSON where it is some, else
/// the text), and what the pattern captured.
#[must_use]
pub fn skill_names(captures: &[String]) -> Names {
    let names = Names::new()
        .with("text", Type::Text)
        .with("input", Type::Any);
    let capture = |names: Names, name: &String| names.with(name.clone(), Type::Text);
    captures.iter().fold(names, capture)
}

/// The names in a policy's condition: the guard's counters and what is about to be done.
#[must_use]
pub fn policy_names() -> Names {
    let numbers = || Type::List(Box::new(Type::Int));
    Names::new()
        .with("token_usage", numbers())
        .with("daily_tokens", Type::Int)
        .with("daily_cost_micros", Type::Int)
        .with("run_cost_micros", Type::Int)
        .with("context_path", Type::Text)
        .with("agent", Type::Text)
        .with("user", Type::Text)
        .with("role", Type::Text)
        .with("tier", Type::Text)
        .with("model", Type::Text)
        .with("host", Type::Text)
        .with("event", Type::Text)
        .with("hour", Type::Int)
}
