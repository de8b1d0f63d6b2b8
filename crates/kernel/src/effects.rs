//! What is outstanding, derived from the state alone: how a cell goes on after a crash.

use naos_types::effect::{Call, Caller, Driver, Effect};

use crate::need::Answers;
use crate::state::{AnyAggregate, Key, State};
use crate::turn::{Done, Input, Order, Turn};

/// What is to be done in the world according to the state, with fresh permits.
#[must_use]
pub fn open_effects(state: &State) -> Vec<Order> {
    let mut out = Vec::new();
    let answers = Answers::new();
    let turn = Turn::new(state, state.head().at, 0, &answers);
    // What a run belongs to is open as long as it is, and so is there.
    let told = |effect: Effect| crate::plan::told(&turn, effect.clone()).unwrap_or(effect);
    for (key, aggregate) in state.all() {
        let effect = match (key, aggregate) {
            (Key::Run(id), AnyAggregate::Run(run)) => run.open_effect(id).map(told),
            (Key::Notice(id), AnyAggregate::Notice(notice)) => notice.open_effect(id),
            _ => None,
        };
        out.extend(effect.map(crate::guard::renew));
    }
    out
}

/// What a call is told to its receiver to be the same as: the step that it belongs to, however
/// often that is tried; else itself.
#[must_use]
pub fn same_of(call: &Call) -> String {
    call.same.clone().unwrap_or_else(|| key_of(call))
}

/// What a call is called: the same for every attempt.
#[must_use]
pub fn key_of(call: &Call) -> String {
    let by_attempt = crate::planted::is("notice-key-of-the-attempt");
    if by_attempt && matches!(call.by, Caller::Notice(_)) {
        return format!("{}-{}", call.key(), call.attempt);
    }
    if call.driver == Driver::Endpoint && crate::planted::is("endpoint-key-of-the-attempt") {
        return format!("{}-{}", call.key(), call.attempt);
    }
    call.key()
}

/// What the cell itself is to do next according to the state.
#[must_use]
pub fn open_inputs(state: &State) -> Vec<Input> {
    let mut out = Vec::new();
    for (key, aggregate) in state.all() {
        match (key, aggregate) {
            (Key::Plan(id), AnyAggregate::Plan(plan)) if !plan.is_closed() => {
                out.push(Input::Advance(id));
            }
            (Key::Run(id), AnyAggregate::Run(run)) if run.thinks_next() => {
                out.push(Input::Think(id));
            }
            (key @ Key::Consumer(_), AnyAggregate::Consumer(consumer))
                if consumer.waits_for_room() && !crate::planted::is("room-goes-unseen") =>
            {
                out.push(Input::Due(key));
            }
            _ => {}
        }
    }
    out
}

/// The time has come for something to happen to this aggregate.
pub(crate) fn due(turn: &mut Turn<'_>, key: &Key) -> Done {
    match key {
        Key::Run(run) => crate::run::retry_due(turn, *run),
        Key::Approval(approval) => crate::approval::expire(turn, *approval),
        Key::Plan(plan) => crate::plan::due(turn, *plan),
        Key::Scale(pool) => crate::plan::look_at_pool(turn, pool),
        Key::Notice(notice) => crate::notice::due(turn, *notice),
        Key::Bundle(name) => crate::notice::bundle_due(turn, name),
        Key::Consumer(name) => crate::event::due(turn, name),
        Key::Beat(beat) => crate::schedule::due(turn, beat),
        Key::Desk(name) => crate::agent::desk::due(turn, name),
        Key::Supervisor(name) => crate::supervisor::due(turn, name),
        _ => Ok(()),
    }
}
