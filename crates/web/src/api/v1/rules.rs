//! What judges expressions, templates and patterns in documents: the kernel's own checks.

use naos_kernel::compute::{self, ComputeError, Names, Type, cel, pattern, template};
use naos_manifest::{Checks, Scope};
use naos_types::{Code, Name};
use serde_json::{Map, Value, json};

/// Judges expressions with the rules' own eyes.
pub(crate) struct Rules;

fn judged<T>(result: Result<T, ComputeError>) -> Result<(), naos_manifest::Fault> {
    result.map(drop).map_err(|error| naos_manifest::Fault {
        code: error.code(),
        line: error.position().map_or(1, |at| at.line),
        column: error.position().map_or(1, |at| at.column),
        what: error.to_string(),
        help: None,
    })
}

/// A fault of a text as a whole.
fn at_its_beginning(what: String) -> naos_manifest::Fault {
    naos_manifest::Fault {
        code: Code::BAD_EXPRESSION,
        line: 1,
        column: 1,
        what,
        help: None,
    }
}

fn names(scope: &Scope) -> Names {
    match scope {
        Scope::Step {
            inputs,
            before,
            fan_out,
            open,
        } => {
            let given = inputs.as_deref().unwrap_or_default();
            let mut names = compute::plan_names(given, before, *fan_out);
            if inputs.is_none() {
                names = names.with("inputs", Type::Any);
            }
            if *open { names.open() } else { names }
        }
        Scope::Flow { before } => compute::flow_names(before),
        Scope::Policy => compute::policy_names(),
        Scope::Wait(own) => compute::wait_names(names(own)),
        Scope::Result(own) => compute::check_names(names(own)),
        Scope::Task => compute::task_names(),
        Scope::Trigger => compute::trigger_names(),
        Scope::Skill { captures } => compute::skill_names(captures),
    }
}

/// Words that make a condition ask whether something is there at all.
const ASKS: [&str; 2] = ["has(", "output"];

/// Whether a condition that says `steps` names the one it is about: `steps.a.status`.
fn names_steps(source: &str, steps: &Map<String, Value>) -> bool {
    source.match_indices("steps").all(|(at, word)| {
        let behind = source[at + word.len()..].strip_prefix('.');
        let name = behind.and_then(|behind| behind.split_once('.'));
        name.is_some_and(|(name, _)| steps.contains_key(name))
    })
}

impl Checks for Rules {
    fn decide(&self, source: &str, ends: &[(&Name, &'static str)]) -> Option<bool> {
        if ASKS.iter().any(|word| source.contains(word)) {
            return None;
        }
        let one = |(name, status): &(&Name, &'static str)| {
            let called = name.as_str().replace('-', "_");
            (called, json!({"status": status}))
        };
        let steps: Map<String, Value> = ends.iter().map(one).collect();
        if !names_steps(source, &steps) {
            return None; // it may look at all of them
        }
        let all = ("steps".to_owned(), Value::Object(steps.clone()));
        let vars: compute::Vars = steps.into_iter().chain([all]).collect();
        // What isn't given is an error, which decides nothing.
        let found = cel::evaluate(source, &vars, &compute::Limits::default());
        found.ok()?.as_bool()
    }
    fn condition(&self, source: &str, scope: &Scope) -> Result<(), naos_manifest::Fault> {
        judged(cel::check_as(source, &names(scope), &Type::Bool))
    }
    fn list(&self, source: &str, scope: &Scope) -> Result<(), naos_manifest::Fault> {
        judged(cel::check_as(source, &names(scope), &Type::list()))
    }
    fn expression(&self, source: &str, scope: &Scope) -> Result<Type, naos_manifest::Fault> {
        let checked = cel::check(source, &names(scope));
        let kind = checked.as_ref().map_or(Type::Any, |it| it.kind().clone());
        judged(checked).map(|()| kind)
    }
    fn template(&self, source: &str, scope: &Scope) -> Result<(), naos_manifest::Fault> {
        judged(template::check(source, &names(scope)))
    }
    fn schema(&self, source: &str) -> Result<(), naos_manifest::Fault> {
        compute::schema::unsound(source).map_or(Ok(()), |what| Err(at_its_beginning(what)))
    }
    fn pattern(&self, source: &str) -> Result<(), naos_manifest::Fault> {
        match pattern::fault(source) {
            None => Ok(()),
            Some(what) => Err(at_its_beginning(what)),
        }
    }
}
