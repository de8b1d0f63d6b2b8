//! A cell at whose input a rule broke: it decides nothing until its owner skips the input or has
//! it decided again. Nothing that was skipped is lost in silence: whoever waits for it is told.

use naos_types::command::Reply;
use naos_types::effect::{Caller, Effect};
use naos_types::fact::tenant::{self, Broke};
use naos_types::fact::{Problem, notice, run};
use naos_types::input::{CallEnded, CallOutcome, End, RunEnded};
use naos_types::{Actor, BodyRef, Code, Refusal, RunId, Sealed, Seq, Time};
use serde::{Deserialize, Serialize};

use crate::state::Key;
use crate::table::Aggregate;
use crate::turn::{Done, Stop, Turn};

/// Why a cell decides nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarantine {
    /// The last fact before.
    pub after: Seq,
    /// When.
    pub at: Time,
    /// The name of the invariant, where one was broken.
    pub rule: Option<String>,
    /// What broke.
    pub why: Sealed,
    /// The input at which it broke.
    pub broke: Broke,
    /// The whole input; none if it was too large to keep.
    pub kept: Option<BodyRef>,
}

impl Aggregate for Quarantine {
    const KIND: &'static str = "quarantine";
    const VERSION: u8 = 1;
    fn is_open(&self) -> bool {
        true
    }
}

/// What whoever waits for a skipped input is told.
#[must_use]
pub fn given_up() -> Refusal {
    let what = "it broke a rule of naos, and the owner of the tenant gave it up";
    Refusal::new(Code::SKIPPED, what)
}

fn standing(turn: &Turn<'_>) -> Done<Quarantine> {
    turn.quarantine(&())?.cloned().ok_or_else(|| {
        let what = "this tenant's cell isn't quarantined: there is nothing to mend";
        Stop::refused(Code::WRONG_STATE, what)
    })
}

/// The cell decides about the input again, in the same append.
pub(super) fn resume(turn: &mut Turn<'_>, by: &Actor) -> Done<Reply> {
    let after = standing(turn)?.after;
    let by = by.clone();
    turn.emit(tenant::Resumed { after, by })?;
    Ok(Reply::Done)
}

/// The input is given up, with all that waits for it told.
pub(super) fn skip(turn: &mut Turn<'_>, by: &Actor, reason: &Sealed) -> Done<Reply> {
    let Quarantine { after, broke, .. } = standing(turn)?;
    let reason = if crate::planted::is("skip-without-a-reason") {
        turn.seal(String::new())?
    } else {
        reason.clone()
    };
    turn.emit(tenant::Skipped {
        after,
        reason,
        by: by.clone(),
    })?;
    if crate::planted::is("skip-drops-the-input") {
        return Ok(Reply::Done);
    }
    match broke {
        Broke::Command { .. } => {} // its asker hears it under the key of the command
        Broke::CallEnded { by, attempt } => unknown(turn, by, attempt)?,
        Broke::RunEnded { run, attempt } => crate::run::ended(turn, &stopped(run, attempt))?,
        Broke::Call { run, attempt, .. } => {
            crate::run::ended(turn, &stopped(run, attempt))?;
            crate::guard::order(turn, Effect::Cancel(run));
        }
        Broke::Advance { plan } => crate::plan::give_up(turn, by, plan, &given_up())?,
        Broke::Think { run } => {
            let attempt = crate::run::known(turn, run)?.attempt;
            crate::run::ended(turn, &stopped(run, attempt))?;
        }
        Broke::Due { kind, id } => {
            if let Some(key) = Key::parse(&kind, &id) {
                due(turn, by, &key)?;
            }
        }
    }
    Ok(Reply::Done)
}

/// Nobody knows any more what became of the call: a person decides.
fn unknown(turn: &mut Turn<'_>, by: Caller, attempt: u32) -> Done {
    let said = "its outcome broke a rule of naos, and the owner of the tenant gave it up";
    let outcome = CallOutcome::Lost(Some(turn.seal(said.into())?));
    let end = CallEnded {
        by,
        attempt,
        outcome,
    };
    match by {
        Caller::Run(run, index) => crate::run::call_ended(turn, run, index, &end),
        Caller::Notice(notice) => crate::notice::ended(turn, notice, &end),
    }
}

fn stopped(run: RunId, attempt: u32) -> RunEnded {
    let (limit, note) = (Code::SKIPPED, given_up().what);
    let call = 0;
    RunEnded::bare(run, attempt, End::Stopped { limit, call, note })
}

/// What was due doesn't happen; an approval just doesn't expire by itself any more.
fn due(turn: &mut Turn<'_>, by: &Actor, key: &Key) -> Done {
    match key {
        Key::Run(id) => {
            let found = crate::run::known(turn, *id)?;
            if found.status.is_closed() {
                return Ok(());
            }
            let (agent, call) = (found.agent.clone(), found.calls);
            turn.emit(run::Stopped {
                run: *id,
                agent,
                problem: Problem::new(Code::SKIPPED, given_up().what),
                call,
            })
        }
        Key::Plan(id) => crate::plan::cancel(turn, by, *id),
        Key::Notice(id) => {
            let Some(to) = turn.notice(id)?.map(|notice| notice.to.clone()) else {
                return Ok(());
            };
            turn.emit(notice::Withdrawn { notice: *id, to })
        }
        Key::Consumer(name) => crate::event::give_up(turn, name, &given_up()),
        Key::Beat(beat) => {
            let problem = Problem::new(Code::SKIPPED, given_up().what);
            crate::schedule::give_up(turn, beat, problem)
        }
        Key::Supervisor(name) => crate::supervisor::stop(turn, by, name).map(|_| ()),
        _ => Ok(()),
    }
}

pub(super) fn fold_quarantined(turn: &mut Turn<'_>, fact: &tenant::Quarantined) {
    let quarantine = Quarantine {
        after: fact.after,
        at: turn.now,
        rule: fact.rule.clone(),
        why: fact.why.clone(),
        broke: fact.broke.clone(),
        kept: fact.kept,
    };
    turn.put_quarantine((), Some(quarantine));
}

pub(super) fn fold_skipped(turn: &mut Turn<'_>) -> Done {
    let broke = turn.quarantine(&())?.map(|found| found.broke.clone());
    if let Some(Broke::Due { kind, id }) = broke
        && let Some(Key::Approval(id)) = Key::parse(&kind, &id)
    {
        turn.approval_mut(&id)?.expires_at = None;
    }
    turn.put_quarantine((), None);
    Ok(())
}
