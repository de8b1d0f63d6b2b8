//! Gated calls: the intent is durable before the effect, the outcome before the guest goes on.

use naos_types::fact::approval::Waiting;
use naos_types::fact::run::{self, Ability, World};
use naos_types::input::{
    Answer, Asked, CallEnded, CallOutcome, GuestCall, Link, NewSegment, Piece,
};
use naos_types::{Actor, ApprovalId, BodyRef, Code, Role, RunId, RunStatus, Sealed, Tier};

use super::{Run, go_on, known};
use crate::turn::{Done, Stop, Turn};

/// The run that a guest speaks for, if it is still this attempt's turn to speak.
fn speaking<'t>(turn: &'t Turn<'_>, id: RunId, attempt: u32) -> Done<&'t Run> {
    let run = known(turn, id)?;
    if run.status != RunStatus::Running || run.attempt != attempt || run.retry_at.is_some() {
        let what = format!("attempt {attempt} of {id} doesn't count any more");
        return Err(Stop::refused(Code::WRONG_STATE, what));
    }
    Ok(run)
}

pub(crate) fn record(
    turn: &mut Turn<'_>,
    id: RunId,
    agent: &naos_types::Name,
    segment: Option<&NewSegment>,
) -> Done {
    let Some(segment) = segment else {
        return Ok(());
    };
    let (agent, calls) = (agent.clone(), segment.calls);
    turn.emit(run::Recorded {
        run: id,
        agent,
        segment: segment.body,
        calls,
    })
}

pub(crate) fn called(turn: &mut Turn<'_>, call: &GuestCall) -> Done {
    let run = speaking(turn, call.run, call.attempt)?.clone();
    if run.pending.is_some() || call.index < run.calls {
        let what = format!("call {} of {} was made before", call.index, call.run);
        return Err(Stop::refused(Code::WRONG_STATE, what));
    }
    record(turn, call.run, &run.agent, call.segment.as_ref())?;
    super::log::keep(turn, call.run, &run.agent, call.log.as_ref())?;
    let ability = call.ask.ability();
    turn.emit(run::Called {
        run: call.run,
        agent: run.agent.clone(),
        index: call.index,
        ability,
        request: call.request,
        digest: call.digest,
        world: world(&call.ask),
    })?;
    if let Err(why) = crate::guard::granted(&run.grant.grants, &run.agent, &call.ask) {
        answer(turn, call.run, Answer::Denied(why))?;
        return go_on(turn, call.run);
    }
    if world(&call.ask) == World::Once && crate::tenant::is_forked(turn, call.run)? {
        return ask_first(turn, call.run, &run, call.index);
    }
    perform(turn, call, &run)?;
    go_on(turn, call.run)
}

/// The original that a backup was taken of may have sent this already: a person decides.
pub(super) fn ask_first(turn: &mut Turn<'_>, id: RunId, run: &Run, index: u32) -> Done {
    let said = "not sent: this goes on from a backup, and the original may have sent it already";
    let said = Some(turn.seal(said.into())?);
    turn.emit(run::LeftUnknown {
        run: id,
        agent: run.agent.clone(),
        index,
        said,
    })
}

/// What the cell can do itself, it does in this turn; the rest waits for its outcome.
fn perform(turn: &mut Turn<'_>, call: &GuestCall, run: &Run) -> Done {
    let by = Actor::Agent(run.agent.clone());
    match &call.ask {
        Asked::Http { .. } => Ok(()),
        Asked::Emit { topic, data } => {
            let origin = crate::event::from_run(turn, call.run)?;
            let sound = crate::event::check(topic, *data, &origin);
            if let Err(refusal) = sound.and_then(|()| crate::event::not_ours(topic, None)) {
                return answer(turn, call.run, Answer::Invalid(refusal.what));
            }
            let event = crate::event::publish(turn, &by, topic, *data, origin)?;
            answer(turn, call.run, Answer::Text(event.to_string()))
        }
        Asked::Ask {
            title,
            body,
            options,
        } => {
            let approval = question(call.run, run.attempt, call.index);
            turn.emit(naos_types::fact::approval::Requested {
                approval,
                title: title.clone(),
                body: *body,
                options: options.clone(),
                waiting: Waiting::Call(call.run, call.index),
                author: Some(run.agent.clone()),
                evidence: None,
                disputed: false,
                role: Role::Staff,
                expires_at: None,
            })
        }
    }
}

/// What the question of a call is called: another attempt asks anew.
pub(crate) fn question(run: RunId, attempt: u32, index: u32) -> ApprovalId {
    ApprovalId::derived(run.0, &format!("ask/{attempt}/{index}"))
}

fn world(ask: &Asked) -> World {
    match ask {
        Asked::Http { method, .. } if matches!(method.as_str(), "GET" | "HEAD" | "OPTIONS") => {
            World::Repeatable
        }
        Asked::Http { keyed: true, .. } => World::Keyed,
        Asked::Http { .. } => World::Once,
        // The cell does these itself, in the commit that says so.
        Asked::Emit { .. } | Asked::Ask { .. } => World::Keyed,
    }
}

/// Journals what the guest gets for its pending call.
pub(crate) fn answer(turn: &mut Turn<'_>, id: RunId, given: Answer) -> Done {
    let run = super::held(turn, id)?;
    let Some(pending) = &run.pending else {
        return Err(Stop::broken(format!("{id} waits for no call")));
    };
    let (index, ability, request) = (pending.index, pending.ability, pending.digest);
    let piece = Piece::Answer {
        index,
        ability,
        request,
        answer: given,
        at: turn.now,
    };
    let staged = link(turn, run.tail, piece)?;
    let (agent, attempts) = (run.agent.clone(), pending.attempts + 1);
    turn.emit(run::Answered {
        run: id,
        agent,
        index,
        answer: staged,
        attempts,
    })
}

/// A driver carried a call out, or lost it.
pub(crate) fn call_ended(turn: &mut Turn<'_>, id: RunId, index: u32, end: &CallEnded) -> Done {
    let run = super::held(turn, id)?;
    let pending = run.pending.as_ref();
    let waits = pending.is_some_and(|p| p.index == index);
    if run.tier == Tier::Endpoint && run.status == RunStatus::Running {
        return super::endpoint::ended(turn, id, &run, end);
    }
    if !waits || run.status != RunStatus::Running {
        return Ok(()); // cancelled, or told before
    }
    let asked = run.pending.as_ref().map(|pending| pending.ability);
    if asked == Some(Ability::Model) {
        return super::think::answered(turn, id, &run, &end.outcome);
    }
    if asked == Some(Ability::Recall) {
        return super::recall::answered(turn, id, &run, &end.outcome);
    }
    match &end.outcome {
        CallOutcome::Answered(body) => {
            let given = whole(turn, &run, *body)?;
            answer(turn, id, given)?;
        }
        CallOutcome::NotSent(_)
        | CallOutcome::Refused(_)
        | CallOutcome::Unfit(_)
        | CallOutcome::Busy(..) => {
            answer(
                turn,
                id,
                Answer::Failed("the request could not be sent".into()),
            )?;
        }
        CallOutcome::Later => return Ok(()), // an endpoint's alone
        // An earlier attempt that comes back late says nothing about this one.
        CallOutcome::Lost(_)
            if run
                .pending
                .as_ref()
                .is_some_and(|p| end.attempt <= p.attempts) =>
        {
            return Ok(());
        }
        CallOutcome::Lost(said) => {
            turn.emit(run::LeftUnknown {
                run: id,
                agent: run.agent.clone(),
                index,
                said: said.clone(),
            })?;
            return Ok(());
        }
    }
    go_on(turn, id)
}

/// What came back. A model is shown it with all that it is asked from then on: it stands in the
/// recording itself, whose length says how much the next answer may cost.
fn whole(turn: &Turn<'_>, run: &Run, body: BodyRef) -> Done<Answer> {
    if !run.is_by_model() || crate::planted::is("results-cost-nothing") {
        return Ok(Answer::Body(body));
    }
    let is_http = run
        .pending
        .as_ref()
        .is_some_and(|p| p.ability == Ability::Http);
    Ok(match turn.body(body)? {
        Some(bytes) if is_http => super::fetch::told(bytes),
        Some(bytes) => Answer::Text(String::from_utf8_lossy(bytes).into_owned()),
        None => Answer::Failed("what came back can't be read".into()),
    })
}

/// The most bytes of what a person said with their answer that a model is given.
const COMMENT_BYTES_MAX: usize = 8 * 1_024;

/// A person answered what a guest asked.
pub(crate) fn answer_asked(
    turn: &mut Turn<'_>,
    (id, index): (RunId, u32),
    given: Result<Option<BodyRef>, &str>,
    comment: Option<&Sealed>,
) -> Done {
    let run = super::held(turn, id)?;
    let waits = run.status == RunStatus::Held
        && run
            .pending
            .as_ref()
            .is_some_and(|pending| pending.index == index);
    if !waits {
        return Ok(());
    }
    let told = match super::propose::decided(turn, (id, &run), index, given)? {
        Some(told) => told,
        None => match given {
            Ok(Some(body)) => whole(turn, &run, body)?,
            Ok(None) => Answer::Text("yes".into()),
            Err(why) => Answer::Failed(why.into()),
        },
    };
    let told = commented(turn, &run, told, comment)?;
    answer(turn, id, told)?;
    go_on(turn, id)
}

/// The same answer with what the person said beside it. A component compares what it gets with the
/// answers that it offered: a model alone is given more.
fn commented(turn: &Turn<'_>, run: &Run, told: Answer, comment: Option<&Sealed>) -> Done<Answer> {
    let Some(comment) = comment.filter(|_| run.is_by_model()) else {
        return Ok(told);
    };
    let Some(words) = turn.unseal(comment)? else {
        return Ok(told);
    };
    let words = super::cut(words.trim(), COMMENT_BYTES_MAX);
    let with = |told: String| format!("{told}\n\nThe person who answered says: {words}");
    Ok(match told {
        Answer::Text(told) => Answer::Text(with(told)),
        Answer::Denied(told) => Answer::Denied(with(told)),
        Answer::Failed(told) => Answer::Failed(with(told)),
        other @ (Answer::Body(_) | Answer::Invalid(_)) => other,
    })
}

/// A piece behind the last one of a recording.
pub(super) fn link(turn: &Turn<'_>, before: Option<BodyRef>, piece: Piece) -> Done<BodyRef> {
    let link = Link { before, piece };
    let bytes = postcard::to_stdvec(&link).map_err(|e| Stop::broken(e.to_string()))?;
    turn.stage(bytes)
}
