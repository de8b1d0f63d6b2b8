//! What a schedule starts: a run whose id follows from when it was due.

use naos_types::command::Reply;
use naos_types::spec::Kind;
use naos_types::{Actor, BodyRef, Name, PlanId};

use super::{begin, lower, steps_of};
use crate::turn::{Done, Stop, Turn};

/// Starts a run of a plan, a workflow or a saga.
pub(crate) fn start_due(
    turn: &mut Turn<'_>,
    by: &Actor,
    (of, name): (Kind, &Name),
    inputs: BodyRef,
    id: Option<PlanId>,
) -> Done<PlanId> {
    let what = steps_of(turn, of, name)?;
    started(begin(turn, by, name, what, inputs, id)?)
}

/// Gives a pool a batch.
pub(crate) fn submit_due(
    turn: &mut Turn<'_>,
    by: &Actor,
    name: &Name,
    inputs: BodyRef,
    id: Option<PlanId>,
) -> Done<PlanId> {
    let (spec, version) = crate::resource::pool(turn, name)?;
    let (spec, flow) = lower::batch(name, spec, None, None)?;
    let what = (spec, flow, version);
    started(begin(turn, by, name, what, inputs, id)?)
}

fn started(reply: Reply) -> Done<PlanId> {
    match reply {
        Reply::Plan(id) => Ok(id),
        _ => Err(Stop::broken("a plan was started without an id".into())),
    }
}
