//! Runs: one execution of an agent for a task, its gated calls and its end.

mod asked;
mod bounds;
mod calls;
mod chain;
mod colleague;
mod end;
pub(crate) mod endpoint;
mod fetch;
mod fork;
mod form;
mod log;
mod manual;
pub(crate) mod native;
mod own_time;
mod pause;
mod propose;
mod recall;
mod remember;
mod search;
mod server;
mod skill;
mod steer;
mod talk;
mod think;
mod tools;
mod wake;
mod window;
mod workspace;

use std::sync::Arc;

use naos_types::command::{self, Reply};
use naos_types::effect::{Call, Caller, Driver, Effect, Sandbox};
use naos_types::fact::run::{self, Ability, Fact, Fork, Verdict, World};
use naos_types::fact::{Problem, task};
use naos_types::input::Answer;
use naos_types::{
    Actor, BodyRef, Code, Digest, Grant, Grants, MessageId, Micros, Name, RunId, RunLimits,
    RunStatus, Span, TaskId, Tier, Time,
};
use serde::{Deserialize, Serialize};

use crate::table::{Aggregate, lengthened};
use crate::task::Wanted;
use crate::turn::{Done, Stop, Turn};

pub(crate) use asked::estimate;
pub(crate) use bounds::{names_none_abroad, stays};
pub(crate) use calls::{answer_asked, call_ended, called, question};
pub(crate) use colleague::{answered as colleague_answered, unasked};
pub(crate) use end::{again, ended, retry_due, settle};
pub use fetch::{SENT_BYTES_MAX, http_request};
pub use fork::{FORK_ACTS_MAX, FORK_PIECES_MAX, FORKS_MAX, Forks};
pub use form::{FORM_BYTES_MAX, FORMED_BYTES_MAX, REPAIRS_MAX, sound_form};
pub use log::{Log, Page};
pub use manual::described;
use manual::told_bytes;
pub use own_time::works_until;
pub(crate) use pause::pause;
pub use propose::Proposal;
pub(crate) use propose::still_stands;
pub use recall::RECALLS_MAX;
pub use server::unlike_declared;
pub use skill::SKILL_READ_BYTES_MAX;
pub use steer::NOTES_MAX;
pub(crate) use steer::{at_work, fold as fold_steered, has_room};
pub(crate) use talk::task_by;
pub use think::{Models, Thinking};
pub(crate) use think::{fold_metered, fold_model, go_on as think, mind};
pub(crate) use tools::cut;
pub use tools::{PICTURES_MAX, TOOL_RESULT_BYTES_MAX};
pub use wake::WAKES_MAX;
pub(crate) use wake::stays as wake_stays;
pub use workspace::{CORRECTION_BYTES_MAX, CORRECTIONS_MAX, identity_of};
pub(crate) use workspace::{corrected, identity};

/// A gated call on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// Which call.
    pub index: u32,
    /// What for.
    pub ability: Ability,
    /// The request.
    pub request: BodyRef,
    /// Digest that it is compared by.
    pub digest: Digest,
    /// What may be done if the outcome is lost.
    pub world: World,
    /// How often it was tried.
    pub attempts: u32,
}

/// One run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// For which task.
    pub task: TaskId,
    /// Who.
    pub agent: Name,
    /// At which tier.
    pub tier: Tier,
    /// The component, pinned.
    pub component: Option<Digest>,
    /// What is given.
    pub input: BodyRef,
    /// What clock and dice derive from.
    pub seed: Digest,
    /// Where it stands.
    pub status: RunStatus,
    /// Counted from 1.
    pub attempt: u32,
    /// When the attempt began.
    pub started: Time,
    /// When its clock last moved.
    pub clock: Time,
    /// What the guard allowed.
    pub grant: Grant,
    /// The last segment of its recording.
    pub tail: Option<BodyRef>,
    /// How many calls the recording holds.
    pub calls: u32,
    /// The gated call that it waits for.
    pub pending: Option<Pending>,
    /// Whether an effect that can't be repeated happened.
    pub once_done: bool,
    /// When a failed attempt is followed by the next.
    pub retry_at: Option<Time>,
    /// Set aside for it.
    pub reserved: Micros,
    /// The window that the reserve counts in.
    pub window: Time,
    /// The answer.
    pub output: Option<BodyRef>,
    /// Why the last attempt failed.
    pub problem: Option<Problem>,
    /// When it ended.
    pub ended: Option<Time>,
    /// What it cost.
    pub cost: Micros,
    /// Instructions of the last attempt, roughly.
    pub fuel: u64,
    /// How long the last attempt took.
    pub took: Span,
    /// How many attempts ended because the agent was restarted, by no fault of their own.
    pub restarts: u32,
    /// Whether it rested between two attempts when it was cancelled: it was at nothing then.
    pub rested: bool,
    /// What it goes on from, where it is a what-if.
    pub fork: Option<Box<Fork>>,
    /// What people said to it while it was at work, in order.
    pub notes: Vec<Note>,
    /// How many of them its model was given in this attempt.
    pub heard: u32,
}

/// What a person said to whoever is at work in a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Which message.
    pub message: MessageId,
    /// Its words.
    pub body: BodyRef,
}

impl Aggregate for Run {
    const KIND: &'static str = "run";
    const VERSION: u8 = 5;
    fn is_open(&self) -> bool {
        !self.status.is_closed()
    }
    fn due(&self) -> Option<Time> {
        self.retry_at.or_else(|| self.awaited_until())
    }
    fn lift(version: u8, bytes: &[u8]) -> Option<Self> {
        match version {
            1 => lengthened(bytes, 5), // restarts
            2 => lengthened(bytes, 4), // whether it rested
            3 => lengthened(bytes, 3), // what it goes on from
            4 => lengthened(bytes, 2), // what was said to it, and how much of it was heard
            _ => None,
        }
    }
}

impl Run {
    /// Whether it works with a model.
    #[must_use]
    pub const fn is_by_model(&self) -> bool {
        matches!(self.tier, Tier::Model) && self.component.is_none()
    }

    /// Whether it only says what would have been: then nothing follows from its end.
    #[must_use]
    pub const fn is_what_if(&self) -> bool {
        self.fork.is_some()
    }

    /// What was said to it that its model wasn't given yet.
    #[must_use]
    pub fn unheard(&self) -> &[Note] {
        let heard = usize::try_from(self.heard).unwrap_or(usize::MAX);
        self.notes.get(heard..).unwrap_or_default()
    }

    /// Whether it works with a model, and the cell itself is to go on with it.
    #[must_use]
    pub const fn thinks_next(&self) -> bool {
        self.is_by_model()
            && matches!(self.status, RunStatus::Running)
            && self.pending.is_none()
            && self.retry_at.is_none()
    }

    /// What is outstanding in the world for it.
    #[must_use]
    pub fn open_effect(&self, id: RunId) -> Option<Effect> {
        if self.status != RunStatus::Running || self.retry_at.is_some() {
            return None;
        }
        match &self.pending {
            // It waits for a task of this very cell.
            Some(pending) if pending.ability == Ability::Colleague => None,
            Some(pending) => Some(Effect::Call(Call {
                by: Caller::Run(id, pending.index),
                who: self.agent.clone(),
                driver: match pending.ability {
                    Ability::Endpoint => Driver::Endpoint,
                    Ability::Model => Driver::Model,
                    Ability::Server => Driver::Server,
                    Ability::Recall => Driver::Recall,
                    _ => Driver::Http,
                },
                request: pending.request,
                world: pending.world,
                attempt: pending.attempts + 1,
                same: None,
            })),
            None => Some(Effect::Sandbox(Box::new(Sandbox {
                run: id,
                attempt: self.attempt,
                agent: self.agent.clone(),
                component: self.component?,
                input: self.input,
                seed: self.seed,
                // A run that goes on reads the same clock as it did: what moved it since stands in
                // its recording.
                clock: if crate::planted::is("clock-runs-ahead") {
                    self.clock
                } else {
                    self.started
                },
                deadline: self.clock + self.grant.limits.wall_max,
                grant: self.grant.clone(),
                tail: self.tail,
            }))),
        }
    }
}

/// The run, or that there is none.
pub(crate) fn known<'t>(turn: &'t Turn<'_>, run: RunId) -> Done<&'t Run> {
    turn.run(&run)?.ok_or_else(|| absent(run))
}

fn absent(run: RunId) -> Stop {
    Stop::refused(Code::NOT_FOUND, format!("there is no run {run}"))
}

/// As [`known`], to hold on to while it changes.
pub(crate) fn held(turn: &Turn<'_>, run: RunId) -> Done<Arc<Run>> {
    let found = turn.tables.run.shared(&run);
    found
        .map_err(|_| Stop::record(crate::state::Key::Run(run)))?
        .ok_or_else(|| absent(run))
}

pub(crate) fn command(turn: &mut Turn<'_>, by: &Actor, asked: &command::Run) -> Done<Reply> {
    match asked {
        command::Run::Cancel { run } => {
            let status = known(turn, *run)?.status;
            if status.is_closed() {
                let what = format!("the run is {status} already");
                return Err(Stop::refused(Code::WRONG_STATE, what));
            }
            cancel(turn, by, *run)?;
        }
        command::Run::Resolve { run, verdict } => resolve(turn, by, *run, *verdict)?,
        command::Run::Steer { run, body } => {
            return steer::say(turn, by, *run, *body).map(Reply::Message);
        }
        command::Run::Fork {
            run,
            from,
            model,
            prompt,
            asked,
            pieces,
        } => {
            let wanted = fork::Wanted {
                of: *run,
                from: *from,
                model: model.as_ref(),
                prompt: *prompt,
                asked: *asked,
                pieces,
            };
            return fork::begin(turn, by, &wanted).map(Reply::Run);
        }
    }
    Ok(Reply::Done)
}

/// Cancels an open run: nothing that it does from now on counts.
pub(crate) fn cancel(turn: &mut Turn<'_>, by: &Actor, run: RunId) -> Done {
    let agent = known(turn, run)?.agent.clone();
    turn.emit(run::Cancelled {
        run,
        agent,
        by: by.clone(),
    })?;
    crate::guard::order(turn, Effect::Cancel(run));
    Ok(())
}

/// A person decides about an effect of unknown outcome, or a run that diverged.
fn resolve(turn: &mut Turn<'_>, by: &Actor, id: RunId, verdict: Verdict) -> Done {
    let run = held(turn, id)?;
    let fits = match run.status {
        RunStatus::Unknown => true,
        RunStatus::Diverged => verdict == Verdict::Retry,
        _ => false,
    };
    if !fits {
        let what = format!(
            "the run is {}: there is nothing to resolve this way",
            run.status
        );
        return Err(Stop::refused(Code::WRONG_STATE, what));
    }
    let index = run
        .pending
        .as_ref()
        .map_or(run.calls, |pending| pending.index);
    turn.emit(run::Resolved {
        run: id,
        agent: run.agent.clone(),
        index,
        verdict,
        by: by.clone(),
    })?;
    match verdict {
        Verdict::Retry if run.status == RunStatus::Diverged => return end::again(turn, id),
        Verdict::Retry => {}
        Verdict::Finish => {
            let said = "a person decided that it happened; its answer is lost";
            calls::answer(turn, id, Answer::Failed(said.into()))?;
        }
        Verdict::Undo => {
            let said = "a person decided that it did not happen";
            calls::answer(turn, id, Answer::Failed(said.into()))?;
        }
    }
    go_on(turn, id)
}

impl Run {
    /// Whether it did something that can't be done twice, or may have: whoever lets it be done
    /// again should know.
    #[must_use]
    pub fn may_have_acted(&self) -> bool {
        let open = self.pending.as_ref();
        self.once_done || open.is_some_and(|pending| pending.world == World::Once)
    }
}

/// Wishes for whatever the run waits for by now.
pub(crate) fn go_on(turn: &mut Turn<'_>, id: RunId) -> Done {
    if known(turn, id)?.thinks_next() {
        turn.think(id);
        return Ok(());
    }
    if let Some(effect) = known(turn, id)?.open_effect(id) {
        let wished = turn
            .orders
            .iter()
            .any(|order| order.effect.id() == effect.id());
        if !wished {
            let effect = crate::plan::told(turn, effect)?;
            crate::guard::order(turn, effect);
        }
    }
    Ok(())
}

/// An attempt failed: tried again at a time, or for good.
pub(crate) fn failed(
    turn: &mut Turn<'_>,
    id: RunId,
    agent: Name,
    problem: Problem,
    retry_at: Option<Time>,
) -> Done {
    turn.emit(run::Failed {
        run: id,
        agent,
        problem,
        retry_at,
    })
}

/// The task, whose it is, and its run, of a driver that does its own work: no agent is looked for.
fn begin_own(
    turn: &mut Turn<'_>,
    wanted: Wanted,
    who: &Name,
    tier: Tier,
    (grants, limits): (Grants, RunLimits),
) -> Done<RunId> {
    room(turn)?;
    let Wanted {
        task,
        title,
        input,
        parent,
        by,
        ..
    } = wanted;
    turn.emit(task::Opened {
        task,
        title,
        input,
        agent: Some(who.clone()),
        parent,
        by,
        asks: None,
    })?;
    turn.emit(task::Routed {
        task,
        tier,
        target: who.clone(),
        confidence: 10_000,
        considered: Vec::new(),
    })?;
    let run = RunId::derived(task.0, "run");
    turn.emit(run::Started {
        run,
        task,
        agent: who.clone(),
        tier,
        component: None,
        input,
        seed: Digest::of(&run.0.to_be_bytes()),
        attempt: 1,
        deadline: turn.now + limits.wall_max,
        grant: Grant {
            grants,
            limits,
            ..Grant::default()
        },
        fork: None,
    })?;
    Ok(run)
}

/// It gave its answer, without a component that says how long it worked.
fn completed(turn: &mut Turn<'_>, id: RunId, run: &Run, output: BodyRef, cost: Micros) -> Done {
    turn.emit(run::Completed {
        run: id,
        agent: run.agent.clone(),
        task: run.task,
        tier: run.tier,
        output,
        cost,
        fuel: 0,
        took: turn.now - run.started,
    })
}

/// Refuses one open run too many.
pub(crate) fn room(turn: &Turn<'_>) -> Done {
    let open_runs = turn.head(&())?.map_or(0, |head| head.open_runs);
    if open_runs >= crate::OPEN_RUNS_MAX {
        let what = format!("{open_runs} runs are open");
        return Err(Stop::refused(Code::BUSY, what));
    }
    Ok(())
}

fn close(turn: &mut Turn<'_>, id: RunId, status: RunStatus) -> Done {
    let now = turn.now;
    let run = turn.run_mut(&id)?;
    let was_open = !run.status.is_closed();
    run.ended = Some(now);
    if status != RunStatus::Completed && !crate::planted::is("ends-take-no-time") {
        run.took = now - run.started; // one that gave an answer says it itself
    }
    run.status = status;
    run.pending = None;
    run.retry_at = None;
    let name = run.agent.clone();
    let is_fork = run.fork.is_some();
    if was_open && status.is_closed() {
        let head = turn.head_mut(&())?;
        head.open_runs = head.open_runs.saturating_sub(1);
        if turn.agent(&name)?.is_some() {
            let agent = turn.agent_mut(&name)?;
            agent.open_runs = agent.open_runs.saturating_sub(1);
            if is_fork {
                return Ok(()); // what would have been says nothing about how its agent does
            }
            agent.last = Some((id, status == RunStatus::Failed));
            match status {
                RunStatus::Completed => agent.completed += 1,
                RunStatus::Failed => agent.failed += 1,
                _ => {}
            }
        }
    }
    Ok(())
}

fn begin(turn: &mut Turn<'_>, f: &run::Started) -> Done {
    let now = turn.now;
    if f.attempt > 1 {
        let run = turn.run_mut(&f.run)?;
        run.attempt = f.attempt;
        run.seed = f.seed;
        run.started = now;
        run.clock = now;
        run.status = RunStatus::Running;
        run.retry_at = None;
        run.tail = None;
        run.calls = 0;
        run.pending = None;
        run.heard = 0; // what was said to it holds for each attempt
        if run.is_by_model() {
            turn.put_thinking(f.run, None); // another attempt begins anew
        }
        return fork::ground(turn, f.run);
    }
    let run = Run {
        task: f.task,
        agent: f.agent.clone(),
        tier: f.tier,
        component: f.component,
        input: f.input,
        seed: f.seed,
        status: RunStatus::Running,
        attempt: 1,
        started: now,
        clock: now,
        grant: f.grant.clone(),
        tail: None,
        calls: 0,
        pending: None,
        once_done: false,
        retry_at: None,
        reserved: Micros::ZERO,
        window: Time(0),
        output: None,
        problem: None,
        ended: None,
        cost: Micros::ZERO,
        fuel: 0,
        took: Span(0),
        restarts: 0,
        rested: false,
        fork: f.fork.clone(),
        notes: Vec::new(),
        heard: 0,
    };
    turn.put_run(f.run, Some(run));
    turn.head_mut(&())?.open_runs += 1;
    if turn.agent(&f.agent)?.is_some() {
        turn.agent_mut(&f.agent)?.open_runs += 1;
    }
    if f.fork.is_some() {
        return fork::ground(turn, f.run); // the task is the original's
    }
    let task = turn.task_mut(&f.task)?;
    task.run = Some(f.run);
    task.status = naos_types::TaskStatus::InProgress;
    Ok(())
}

/// What comes of a run stays where its agent's data has to; a what-if's task is the original's.
fn worked(turn: &mut Turn<'_>, id: RunId) -> Done {
    let run = known(turn, id)?;
    if run.is_what_if() {
        return Ok(());
    }
    let (agent, task) = (run.agent.clone(), run.task);
    crate::task::stays::worked(turn, &agent, task)
}

pub(crate) fn fold(turn: &mut Turn<'_>, fact: &Fact) -> Done {
    let now = turn.now;
    match fact {
        Fact::Started(f) => {
            begin(turn, f)?;
            worked(turn, f.run)?;
        }
        Fact::Recorded(f) => {
            let run = turn.run_mut(&f.run)?;
            run.tail = Some(f.segment);
            run.calls += f.calls;
            // A model's run records what people say to it, which it gets with the next question;
            // else that its answer doesn't fit.
            match (run.is_by_model(), run.unheard().is_empty()) {
                (true, false) => steer::fold_heard(turn, f)?,
                (true, true) => form::fold_unfit(turn, f)?,
                (false, _) => {}
            }
        }
        Fact::Logged(f) => log::fold(turn, f)?,
        Fact::Called(f) => {
            let run = turn.run_mut(&f.run)?;
            // Each attempt of a run that asks an endpoint is one more try of the same call.
            let before = match f.ability {
                Ability::Endpoint => run.attempt.saturating_sub(1),
                _ => 0,
            };
            run.pending = Some(Pending {
                index: f.index,
                ability: f.ability,
                request: f.request,
                digest: f.digest,
                world: f.world,
                attempts: before,
            });
            if f.ability == Ability::Ask {
                run.status = RunStatus::Held;
            }
            if run.is_by_model() {
                let paused = now - run.clock;
                run.clock = now;
                own_time::fold_paused(turn, f.run, paused)?;
            }
        }
        Fact::Answered(f) => {
            let run = turn.run_mut(&f.run)?;
            let pending = run.pending.take();
            let once = pending.as_ref().is_some_and(|p| p.world == World::Once);
            let of = pending.map(|pending| pending.ability);
            let tool = of.filter(|of| run.is_by_model() && *of != Ability::Model);
            run.once_done |= once;
            let waited = now - run.clock;
            run.tail = Some(f.answer);
            run.calls = f.index + 1;
            run.clock = now;
            run.status = RunStatus::Running;
            if let Some(of) = tool {
                think::fold_answered(turn, f, of, waited)?;
            } else if run.is_by_model() {
                own_time::fold_ended(turn, f.run, waited)?;
            }
        }
        Fact::Completed(f) => {
            let run = turn.run_mut(&f.run)?;
            run.output = Some(f.output);
            run.problem = None;
            run.fuel = f.fuel;
            run.took = f.took;
            close(turn, f.run, RunStatus::Completed)?;
            // Its agent may have been changed meanwhile.
            worked(turn, f.run)?;
        }
        Fact::Failed(f) => {
            turn.run_mut(&f.run)?.problem = Some(f.problem.clone());
            match f.retry_at {
                Some(at) => {
                    let run = turn.run_mut(&f.run)?;
                    run.retry_at = Some(at);
                    run.pending = None;
                }
                None => close(turn, f.run, RunStatus::Failed)?,
            }
        }
        Fact::Stopped(f) => {
            turn.run_mut(&f.run)?.problem = Some(f.problem.clone());
            close(turn, f.run, RunStatus::Failed)?;
        }
        Fact::Cancelled(f) => {
            let run = turn.run_mut(&f.run)?;
            run.rested = run.retry_at.is_some();
            close(turn, f.run, RunStatus::Cancelled)?;
        }
        Fact::Diverged(f) => turn.run_mut(&f.run)?.status = RunStatus::Diverged,
        Fact::LeftUnknown(f) => turn.run_mut(&f.run)?.status = RunStatus::Unknown,
        Fact::Resolved(f) => {
            let run = turn.run_mut(&f.run)?;
            run.status = RunStatus::Running;
            if let Some(pending) = &mut run.pending {
                pending.attempts += 1;
            } else {
                run.tail = None;
                run.calls = 0;
            }
        }
    }
    Ok(())
}
