//! `events`: gated. Publishes an event on the tenant's bus.

use super::invalid;
use crate::bindings::naos::agent::{events, types};
use crate::host::{AbilityError, GatedAnswer, GatedRequest};
use crate::limits::{EVENT_KIND_BYTES_MAX, Limit};
use crate::run_state::{Check, RunState, Stop};
use naos_types::Unread;
use wasmtime::component::{HasSelf, Linker};

pub(super) fn link(linker: &mut Linker<RunState>) -> wasmtime::Result<()> {
    events::add_to_linker::<RunState, HasSelf<RunState>>(linker, |run| run)
}

impl events::Host for RunState {
    fn emit(
        &mut self,
        kind: String,
        data: String,
    ) -> wasmtime::Result<Result<String, types::Error>> {
        match self.gated(GatedRequest::Emit { kind, data }, check, GatedAnswer::Emit)? {
            GatedAnswer::Emit(answer) => Ok(answer.map_err(Into::into)),
            other => Err(self.mismatched(&other)),
        }
    }
}

fn check(run: &RunState, request: &GatedRequest) -> Check {
    let GatedRequest::Emit { kind, data } = request else {
        return Ok(Ok(()));
    };
    if let Err(why) = well_formed(kind) {
        return Ok(Err(why));
    }
    if !run.grants.emits(kind) {
        let what = format!("publishing {kind}");
        return Ok(Err(AbilityError::Denied(
            run.grants.item(&what, kind, "emit"),
        )));
    }
    let max = run.limits.event_bytes_max;
    if data.len() > max {
        let detail = format!("an event of {} bytes, at most {max}", data.len());
        return Err(Stop::limit(Limit::EventBytes, detail));
    }
    Ok(match naos_types::read_exactly(data.as_bytes()) {
        Ok(_) => Ok(()),
        Err(Unread::NoJson(error)) => invalid(format!("the event's data is not JSON: {error}")),
        Err(found) => invalid(format!("in the event's data, {}", found.sentence())),
    })
}

fn well_formed(kind: &str) -> Result<(), AbilityError> {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-');
    let parts_are_good = kind
        .split('.')
        .all(|part| !part.is_empty() && part.chars().all(good));
    if kind.len() > EVENT_KIND_BYTES_MAX || !parts_are_good {
        return invalid(format!(
            "an event's kind is words of a-z, 0-9, _ and - joined by dots, at most \
             {EVENT_KIND_BYTES_MAX} bytes"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds() {
        for good in ["report", "report.written", "a-b.c_d.9"] {
            assert!(well_formed(good).is_ok(), "{good}");
        }
        let long = "x".repeat(EVENT_KIND_BYTES_MAX + 1);
        for bad in ["", ".", "a..b", "a.", "Report", "a b", "é", "a\n", &long] {
            assert!(well_formed(bad).is_err(), "{bad}");
        }
    }
}
