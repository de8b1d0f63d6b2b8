//! How long a run that asks models takes by itself: what it waits for others is none of its time,
//! and what passes while no naos has its data isn't either.

use naos_types::{RunId, Span, Time};

use super::{Run, Thinking};
use crate::turn::{Done, Turn};

/// A pause between an answer and what follows that is worth a record; a running naos makes none.
const PAUSE_MIN: Span = Span::secs(1);

/// Until when a run may take, from what it does now on.
#[must_use]
pub fn works_until(run: &Run, thinking: &Thinking) -> Time {
    let waited = if crate::planted::is("waiting-counts") {
        Span(0)
    } else {
        thinking.waited
    };
    run.started + run.grant.limits.wall_max + waited
}

/// Whether it took longer than it may by what it did last: between two steps it does nothing.
pub(super) fn is_over(turn: &Turn<'_>, run: &Run, thinking: &Thinking) -> bool {
    let upto = if crate::planted::is("away-counts") {
        turn.now
    } else {
        run.clock
    };
    upto > works_until(run, thinking)
}

pub(super) fn wait(thinking: &mut Thinking, took: Span) {
    thinking.waited = Span(thinking.waited.0.saturating_add(took.0.max(0)));
}

/// Nothing happened before this step.
pub(super) fn fold_paused(turn: &mut Turn<'_>, run: RunId, took: Span) -> Done {
    if took < PAUSE_MIN || crate::planted::is("away-counts") {
        return Ok(());
    }
    let mut thinking = turn.thinking(&run)?.cloned().unwrap_or_default();
    wait(&mut thinking, took);
    turn.put_thinking(run, Some(thinking));
    Ok(())
}

/// An answer ended: where it was lost, naos was away, and nobody knows how long of it.
pub(super) fn fold_ended(turn: &mut Turn<'_>, run: RunId, took: Span) -> Done {
    if turn
        .thinking(&run)?
        .is_some_and(|thinking| thinking.lost > 0)
    {
        return fold_paused(turn, run, took);
    }
    Ok(())
}
