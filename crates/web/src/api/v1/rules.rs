//! What judges expressions, templates and patterns in documents: the kernel's own checks.

use naos_kernel::compute::{self, ComputeError, Names, Type, cel, pattern, template};
use naos_manifest::{Checks, Scope};
use naos_types::Code;

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

fn names(scope: &Scope) -> Names {
    match scope {
        Scope::Step {
            inputs,
            before,
            fan_out,
        } => compute::plan_names(inputs, before, *fan_out),
        Scope::Flow { before } => compute::flow_names(before),
        Scope::Policy => compute::policy_names(),
        Scope::Wait(own) => compute::wait_names(names(own)),
        Scope::Trigger => compute::trigger_names(),
        Scope::Skill { captures } => compute::skill_names(captures),
    }
}

impl Checks for Rules {
    fn condition(&self, source: &str, scope: &Scope) -> Result<(), naos_manifest::Fault> {
        judged(cel::check_as(source, &names(scope), &Type::Bool))
    }
    fn list(&self, source: &str, scope: &Scope) -> Result<(), naos_manifest::Fault> {
        judged(cel::check_as(source, &names(scope), &Type::list()))
    }
    fn expression(&self, source: &str, scope: &Scope) -> Result<(), naos_manifest::Fault> {
        judged(cel::check(source, &names(scope)))
    }
    fn template(&self, source: &str, scope: &Scope) -> Result<(), naos_manifest::Fault> {
        judged(template::check(source, &names(scope)))
    }
    fn pattern(&self, source: &str) -> Result<(), naos_manifest::Fault> {
        match pattern::fault(source) {
            None => Ok(()),
            Some(what) => Err(naos_manifest::Fault {
                code: Code::BAD_EXPRESSION,
                line: 1,
                column: 1,
                what,
                help: None,
            }),
        }
    }
}
