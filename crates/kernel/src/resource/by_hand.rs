//! What a person switched off, paused or lets run empty: no document says it, so applying one
//! doesn't undo it.

use naos_types::spec::{Paused, Spec};

/// Whether it works; none where it can't be switched off.
#[must_use]
pub fn is_on(spec: &Spec) -> Option<bool> {
    match spec {
        Spec::Instruction(spec) => Some(spec.enabled),
        Spec::Driver(spec) => Some(spec.enabled),
        Spec::Server(spec) => Some(spec.enabled),
        Spec::Limited(spec) => Some(spec.driver.enabled),
        Spec::Remote(spec) => Some(spec.driver.enabled),
        Spec::Native(spec) => Some(spec.driver.enabled),
        Spec::Delivered(spec) => Some(spec.deliver.paused.is_none()),
        Spec::Pool(spec) => Some(!spec.draining),
        _ => None,
    }
}

/// Lets it work, or not; whether it can be switched at all.
pub(super) fn switch(spec: &mut Spec, on: bool) -> bool {
    match spec {
        Spec::Instruction(spec) => {
            spec.enabled = on;
            if let Some(schedule) = &mut spec.schedule {
                schedule.enabled = on;
            }
        }
        Spec::Driver(spec) => spec.enabled = on,
        Spec::Server(spec) => std::sync::Arc::make_mut(spec).enabled = on,
        Spec::Limited(spec) => spec.driver.enabled = on,
        Spec::Remote(spec) => spec.driver.enabled = on,
        Spec::Native(spec) => std::sync::Arc::make_mut(spec).driver.enabled = on,
        Spec::Delivered(spec) => spec.deliver.paused = (!on).then_some(Paused::ByHand),
        _ => return false,
    }
    true
}

/// Leaves off what is off, in place of what a document says that doesn't speak of it. Where events
/// go somewhere else from now on, that the place before was gone is no reason any more.
pub fn stays_off(kept: &Spec, spec: &mut Spec) {
    if is_on(kept) != Some(false) || is_on(spec) != Some(true) {
        return;
    }
    match (kept, spec) {
        (Spec::Delivered(kept), Spec::Delivered(spec)) => {
            let gone = kept.deliver.paused == Some(Paused::Gone);
            if !gone || kept.deliver.url == spec.deliver.url {
                spec.deliver.paused = kept.deliver.paused;
            }
        }
        (Spec::Pool(_), Spec::Pool(spec)) => spec.draining = true,
        (_, spec) => {
            switch(spec, false);
        }
    }
}
