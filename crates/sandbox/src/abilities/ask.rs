//! `ask`: gated. Asks a person and waits for the answer, however long that takes.

use super::invalid;
use crate::bindings::naos::agent::{ask, types};
use crate::host::{AbilityError, GatedAnswer, GatedRequest};
use crate::limits::{OPTION_BYTES_MAX, OPTIONS_MAX, QUESTION_BYTES_MAX};
use crate::run_state::{Check, RunState};
use wasmtime::component::{HasSelf, Linker};

pub(super) fn link(linker: &mut Linker<RunState>) -> wasmtime::Result<()> {
    ask::add_to_linker::<RunState, HasSelf<RunState>>(linker, |run| run)
}

impl ask::Host for RunState {
    fn person(
        &mut self,
        question: String,
        options: Vec<String>,
    ) -> wasmtime::Result<Result<String, types::Error>> {
        match self.gated(
            GatedRequest::Ask { question, options },
            check,
            GatedAnswer::Ask,
        )? {
            GatedAnswer::Ask(answer) => Ok(answer.map_err(Into::into)),
            other => Err(self.mismatched(&other)),
        }
    }
}

fn check(run: &RunState, request: &GatedRequest) -> Check {
    let GatedRequest::Ask { question, options } = request else {
        return Ok(Ok(()));
    };
    if !run.grants.ask {
        return Ok(Err(AbilityError::Denied(
            run.grants.switch("asking a person", "ask"),
        )));
    }
    Ok(well_formed(question, options))
}

fn well_formed(question: &str, options: &[String]) -> Result<(), AbilityError> {
    if question.trim().is_empty() || question.len() > QUESTION_BYTES_MAX {
        return invalid(format!(
            "a question has 1 to {QUESTION_BYTES_MAX} bytes of text"
        ));
    }
    if options.len() > OPTIONS_MAX {
        return invalid(format!("a question has at most {OPTIONS_MAX} options"));
    }
    let bad = |option: &String| option.trim().is_empty() || option.len() > OPTION_BYTES_MAX;
    if options.iter().any(bad) {
        return invalid(format!(
            "an option has 1 to {OPTION_BYTES_MAX} bytes of text"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions() {
        let yes = || "yes".to_owned();
        assert!(well_formed("ship it?", &[]).is_ok());
        assert!(well_formed("ship it?", &[yes(), "no".into()]).is_ok());
        for (question, options) in [
            (String::new(), vec![]),
            ("  ".into(), vec![]),
            ("x".repeat(QUESTION_BYTES_MAX + 1), vec![]),
            ("q".into(), vec![yes(); OPTIONS_MAX + 1]),
            ("q".into(), vec![String::new()]),
            ("q".into(), vec!["x".repeat(OPTION_BYTES_MAX + 1)]),
        ] {
            assert!(well_formed(&question, &options).is_err(), "{question:.20}");
        }
    }
}
