//! What a person says to whoever is at work in a run. It is journaled when it is said, and given to
//! the model with its next turn: behind all results of what it called, never between a call and its
//! result, as a piece of the run's recording. So a crash and a replay give it at the same place.
//!
//! An answer that was under way meanwhile isn't the run's last word: the model is asked once more.

use naos_types::fact::message::Steered;
use naos_types::fact::run::Recorded;
use naos_types::input::Piece;
use naos_types::{Actor, BodyRef, Code, MessageId, Refusal, RunId};

use super::{Note, Run, known};
use crate::message;
use crate::turn::{Done, Stop, Turn};

/// How often people say something to one run.
pub const NOTES_MAX: usize = 16;

/// Says something to whoever is at work in a run.
pub(super) fn say(turn: &mut Turn<'_>, by: &Actor, id: RunId, body: BodyRef) -> Done<MessageId> {
    let run = super::held(turn, id)?;
    may_be(&run)?;
    message::sound(turn, body)?;
    let said = turn.mint.next_id();
    message::steered(turn, by, (said, body), (id, &run.agent))?;
    Ok(said)
}

fn may_be(run: &Run) -> Done {
    if run.status.is_closed() {
        let what = format!("the run is {}: nobody hears it any more", run.status);
        let help = "say it in the thread of its task (naos task say), or start another run";
        return Err(Refusal::new(Code::WRONG_STATE, what).help(help).into());
    }
    if !run.is_by_model() {
        let what = "no model works in this run: nobody in it can be told anything";
        return Err(Stop::refused(Code::WRONG_STATE, what));
    }
    if run.is_what_if() {
        let what = "the run is a what-if: what nobody said to the original nobody says to it";
        return Err(Stop::refused(Code::WRONG_STATE, what));
    }
    if run.notes.len() >= NOTES_MAX {
        let what = format!("{NOTES_MAX} things were said to the run already, all that may be");
        return Err(Stop::refused(Code::TOO_LARGE, what));
    }
    Ok(())
}

/// Whether an agent is at work in a run and can be told something more.
pub(crate) fn has_room(turn: &Turn<'_>, id: RunId) -> Done<bool> {
    Ok(may_be(known(turn, id)?).is_ok())
}

/// Whether this is an open run of an agent.
pub(crate) fn at_work(run: &Run, agent: &naos_types::Name) -> bool {
    !run.status.is_closed() && run.agent == *agent
}

/// What was said and not heard, as the next piece of the recording; none where nothing was.
pub(super) fn unheard(turn: &Turn<'_>, run: &Run) -> Done<Option<BodyRef>> {
    if run.unheard().is_empty() || crate::planted::is("notes-unheard") {
        return Ok(None);
    }
    turn.read_all(run.unheard().iter().map(|note| note.body))?;
    let mut said = Vec::new();
    for note in run.unheard() {
        let words = crate::task::text(turn, note.body)?;
        let words = words.unwrap_or_else(|| "(what was said can't be read)".to_owned());
        said.push((note.message, words));
    }
    let at = turn.now;
    super::calls::link(turn, run.tail, Piece::Notes { said, at }).map(Some)
}

pub(crate) fn fold(turn: &mut Turn<'_>, f: &Steered) -> Done {
    let (message, body) = (f.message, f.body);
    turn.run_mut(&f.run)?.notes.push(Note { message, body });
    Ok(())
}

/// Its model is given all that was said so far.
pub(super) fn fold_heard(turn: &mut Turn<'_>, f: &Recorded) -> Done {
    let run = turn.run_mut(&f.run)?;
    run.heard = u32::try_from(run.notes.len()).unwrap_or(u32::MAX);
    let mut thinking = turn.thinking(&f.run)?.cloned().unwrap_or_default();
    thinking.bytes += f.segment.len;
    thinking.pieces += 1;
    thinking.repeats = 0; // whoever is told something goes another way
    turn.put_thinking(f.run, Some(thinking));
    Ok(())
}
