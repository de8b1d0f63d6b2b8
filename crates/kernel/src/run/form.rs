//! The form of an answer: the JSON schema of an agent's manifest, or of whoever asks it. An answer
//! that doesn't fit goes back to its model with the reasons, as one more turn of the run, so often
//! and no more.

use jsonschema::Validator;
use naos_types::fact::run::Recorded;
use naos_types::fact::{Problem, run};
use naos_types::input::Piece;
use naos_types::spec::MindSpec;
use naos_types::{Actor, Code, RunId};
use serde_json::Value;

use super::think::{Thinking, ask};
use super::{Run, held, server};
use crate::compute::schema;
use crate::turn::{Done, Turn};

/// The longest schema of an answer, in bytes: at worst each part of it is compared with each of the
/// answer.
pub const FORM_BYTES_MAX: usize = 16 * 1_024;
/// The longest answer that is compared with one, in bytes.
pub const FORMED_BYTES_MAX: usize = 128 * 1_024;
/// How often one attempt of a run gives an answer back to its model.
pub const REPAIRS_MAX: u32 = 2;

/// What a model is told after the reasons.
const ONCE_MORE: &str = "Give the whole answer once more: JSON alone that fits, with no words \
    around it and no code fence.";

/// Why no task is done with the word of who has nothing to do.
const IDLE: &str = "it says that there is nothing to do, and there is a task";

/// What a model is told then.
const DO_IT: &str = "Do the task and answer with its result, or with the reason why it can't be \
    done.";

/// Whether somebody who was woken for a task of the board says no more than that nothing is to be
/// done. Small models do, since their checklist tells them to where they wake for nothing.
fn is_idle(turn: &Turn<'_>, run: &Run, answer: &str) -> Done<bool> {
    let idle = answer.trim() == crate::message::QUIET;
    if !idle || crate::planted::is("idle-is-done") {
        return Ok(false);
    }
    let by = &crate::task::known(turn, run.task)?.by;
    Ok(matches!(by, Actor::Task(_)))
}

/// Whether a text can be the form of answers; why not, in a sentence.
///
/// # Errors
/// The sentence.
pub fn sound_form(schema: &str) -> Result<(), String> {
    validator(schema).map(|_| ())
}

fn validator(schema: &str) -> Result<Validator, String> {
    if schema.len() > FORM_BYTES_MAX {
        return Err(format!(
            "`output_schema` has at most {FORM_BYTES_MAX} bytes, this has {}",
            schema.len()
        ));
    }
    let read: Value = serde_json::from_str(schema)
        .map_err(|error| format!("`output_schema` is no JSON: {error}"))?;
    if !read.is_object() {
        return Err("`output_schema` is a JSON Schema, which is an object".to_owned());
    }
    schema::validator(&read).map_err(|why| format!("`output_schema` is no JSON Schema: {why}"))
}

/// What an answer is beside its form.
enum Fit {
    Fits,
    /// It doesn't; its model is told why.
    Not(String),
    /// Nobody can say: the form itself is none.
    NoForm(String),
}

fn compared(schema: &str, answer: &str) -> Fit {
    let given: Value = match serde_json::from_str(answer) {
        Ok(given) => given,
        Err(error) => return Fit::Not(format!("it is no JSON: {error}")),
    };
    if crate::planted::is("answers-unchecked") {
        return Fit::Fits;
    }
    if answer.len() > FORMED_BYTES_MAX {
        return Fit::Not(format!("it has more than {FORMED_BYTES_MAX} bytes"));
    }
    match validator(schema) {
        Ok(validator) => server::faults(&validator, &given).map_or(Fit::Fits, Fit::Not),
        Err(why) => Fit::NoForm(why),
    }
}

/// What becomes of an answer beside the form that its agent wants.
pub(super) enum Formed {
    /// It is the run's.
    Good,
    /// Its model was asked once more.
    AskedAgain,
    /// The run ends with it.
    Bad(Problem),
}

/// Compares an answer with the form that its agent wants, and asks once more where it doesn't fit.
pub(super) fn formed(
    turn: &mut Turn<'_>,
    (id, run): (RunId, &Run),
    (mind, thinking): (&MindSpec, &Thinking),
    answer: &str,
) -> Done<Formed> {
    let (why, then) = match &mind.schema {
        None if is_idle(turn, run, answer)? => (IDLE.to_owned(), DO_IT),
        None => return Ok(Formed::Good),
        Some(schema) => match compared(schema, answer) {
            Fit::Fits => return Ok(Formed::Good),
            Fit::NoForm(why) => return Ok(Formed::Bad(Problem::new(Code::BAD_DOCUMENT, why))),
            Fit::Not(why) => (why, ONCE_MORE),
        },
    };
    let may = thinking.turns < mind.turns_max && thinking.tokens < mind.tokens_max;
    if thinking.repairs >= REPAIRS_MAX || !may {
        let what = format!(
            "the answer of {} doesn't have the form that is asked for, and {}: {why}",
            run.agent,
            match thinking.repairs {
                0 => "there was no turn left to ask once more".to_owned(),
                1 => "asking once more brought none that does".to_owned(),
                more => format!("asking {more} times more brought none that does"),
            }
        );
        return Ok(Formed::Bad(Problem::new(Code::ANSWER_UNFIT, what)));
    }
    let said = format!("Your answer doesn't fit the form that is asked for: {why}\n\n{then}");
    let piece = Piece::Unfit { said, at: turn.now };
    let segment = super::calls::link(turn, run.tail, piece)?;
    turn.emit(Recorded {
        run: id,
        agent: run.agent.clone(),
        segment,
        calls: 0,
    })?;
    let run = held(turn, id)?;
    let thinking = turn.thinking(&id)?.cloned().unwrap_or_default();
    ask(turn, id, &run, mind, &thinking)?;
    Ok(Formed::AskedAgain)
}

/// Its model is told that its answer doesn't fit.
pub(super) fn fold_unfit(turn: &mut Turn<'_>, f: &run::Recorded) -> Done {
    let mut thinking = turn.thinking(&f.run)?.cloned().unwrap_or_default();
    thinking.bytes += f.segment.len;
    thinking.pieces += 1;
    thinking.repairs += 1;
    turn.put_thinking(f.run, Some(thinking));
    Ok(())
}
