//! How a run's attempt ends: an answer, a failure that is tried again, a limit, a question.

use naos_types::fact::{Problem, agent, run};
use naos_types::input::{End, RunEnded};
use naos_types::{Actor, Code, Digest, Micros, RunId, RunStatus};

use super::{Run, calls, go_on, known, pause};
use crate::state::Key;
use crate::turn::{Done, Turn};

pub(crate) fn ended(turn: &mut Turn<'_>, end: &RunEnded) -> Done {
    let run = super::held(turn, end.run)?;
    if matches!(end.end, End::Suspended) {
        // It starts again on its recording once its call is answered, perhaps it is by now. A
        // call that waits is under way: wishing for it again could do it twice.
        let goes_on =
            run.status == RunStatus::Running && run.attempt == end.attempt && run.pending.is_none();
        return if goes_on {
            go_on(turn, end.run)
        } else {
            Ok(())
        };
    }
    let counts = run.status == RunStatus::Running
        && run.attempt == end.attempt
        && run.retry_at.is_none()
        && run.pending.is_none();
    let id = end.run;
    let agent = run.agent.clone();
    // Whoever cancelled it wants to know what it was at; a page is known again if it comes twice.
    let cancelled = run.status == RunStatus::Cancelled && run.attempt == end.attempt && !run.rested;
    let log = end.log.as_ref();
    let log = log.filter(|log| counts || (cancelled && log.page.is_some()));
    super::log::keep(turn, id, &agent, log)?;
    if !counts {
        return Ok(()); // cancelled meanwhile, or an attempt of the past
    }
    match &end.end {
        End::Suspended => Ok(()),
        End::Completed(_) if overtaken(turn, end)?.is_some() => {
            let note = overtaken(turn, end)?.unwrap_or_default();
            fail(turn, id, &run, Problem::new(Code::STALE_VERSION, note))
        }
        End::Completed(output) => {
            calls::record(turn, id, &agent, end.segment.as_ref())?;
            for write in &end.documents {
                let by = Actor::Agent(agent.clone());
                let (path, expected) = (&write.path, write.expected);
                let _ = crate::document::write(turn, &by, path, write.body, expected, Some(id))?;
            }
            if !end.writes.is_empty() {
                let (name, writes) = (agent.clone(), end.writes.clone());
                turn.emit(agent::Remembered {
                    name,
                    run: id,
                    writes,
                })?;
            }
            turn.emit(run::Completed {
                run: id,
                agent,
                task: run.task,
                tier: run.tier,
                output: *output,
                cost: run.grant.cost_max,
                fuel: end.fuel,
                took: end.took,
            })
        }
        End::Diverged { call } => turn.emit(run::Diverged {
            run: id,
            agent,
            call: *call,
        }),
        End::Stopped { limit, call, note } => {
            let problem = Problem::new(*limit, note.clone());
            turn.emit(run::Stopped {
                run: id,
                agent,
                problem,
                call: *call,
            })
        }
        End::Failed(said) => {
            let note = "the agent answered with an error".into();
            let problem = Problem {
                code: Code::AGENT_ERROR,
                note,
                said: Some(said.clone()),
            };
            fail(turn, id, &run, problem)
        }
        End::Trapped(said) => {
            let note = "the agent's code stopped with a trap".into();
            let problem = Problem {
                code: Code::TRAPPED,
                note,
                said: Some(said.clone()),
            };
            fail(turn, id, &run, problem)
        }
        End::Lost => {
            let problem = Problem::new(Code::LOST, "the attempt was lost");
            fail(turn, id, &run, problem)
        }
        End::Unloadable(why) => {
            let problem = Problem::new(Code::BAD_COMPONENT, why.clone());
            super::failed(turn, id, agent, problem, None)
        }
    }
}

/// Whether somebody else changed a document that this run's version is based on.
fn overtaken(turn: &Turn<'_>, end: &RunEnded) -> Done<Option<String>> {
    let documents = end.documents.iter();
    turn.load(documents.map(|write| Key::Document(write.path.clone())))?;
    for write in &end.documents {
        let found = turn
            .document(&write.path)?
            .map_or(0, |document| document.version);
        if write.expected.is_some_and(|expected| expected != found) {
            return Ok(Some(format!("{} has version {found} by now", write.path)));
        }
    }
    Ok(None)
}

/// Fails the attempt; tried again where the policy says so and nothing was done that can't be
/// done twice.
pub(super) fn fail(turn: &mut Turn<'_>, id: RunId, run: &Run, problem: Problem) -> Done {
    let own = run.attempt.saturating_sub(run.restarts);
    let policy = turn
        .agent(&run.agent)?
        .map(|agent| agent.spec.retry.clone());
    let retry_at = match policy {
        Some(policy) if own < policy.attempts_max && !run.once_done => {
            let wait = pause(turn, &policy, own);
            Some(turn.now + wait)
        }
        _ => None,
    };
    super::failed(turn, id, run.agent.clone(), problem, retry_at)
}

/// The pause after a failed attempt is over.
pub(crate) fn retry_due(turn: &mut Turn<'_>, id: RunId) -> Done {
    if super::endpoint::overdue(turn, id)? {
        return Ok(());
    }
    let run = known(turn, id)?;
    let due = run.retry_at.is_some_and(|at| at <= turn.now) || crate::planted::is("double-timer");
    if !due || run.status.is_closed() {
        return Ok(());
    }
    if crate::supervisor::waits(turn, id)? {
        return Ok(());
    }
    again(turn, id)
}

/// Begins the next attempt, from the start.
pub(crate) fn again(turn: &mut Turn<'_>, id: RunId) -> Done {
    let run = super::held(turn, id)?;
    let attempt = run.attempt + 1;
    let asks = run.tier == naos_types::Tier::Endpoint;
    let mut seed = run.seed.0.to_vec();
    seed.extend_from_slice(&attempt.to_be_bytes());
    turn.emit(run::Started {
        run: id,
        task: run.task,
        agent: run.agent.clone(),
        tier: run.tier,
        component: run.component,
        input: run.input,
        seed: Digest::of(&seed),
        attempt,
        deadline: turn.now + run.grant.limits.wall_max,
        grant: run.grant.clone(),
        fork: None, // it keeps what its first attempt began with
    })?;
    if asks {
        return super::endpoint::call(turn, id);
    }
    go_on(turn, id)
}

/// What a run that ended cost, and what happens to its reserve.
pub(crate) fn settle(turn: &mut Turn<'_>, id: RunId, cost: Micros) -> Done {
    let run = known(turn, id)?;
    let (agent, reserved, tier) = (run.agent.clone(), run.reserved, run.tier);
    // Each answer of a model is settled by itself; what is still set aside is for one whose end
    // nobody will hear of, and counts as the worst case.
    let cost = if run.is_by_model() { reserved } else { cost };
    crate::guard::settle(turn, &agent, id, reserved, cost, tier)
}
