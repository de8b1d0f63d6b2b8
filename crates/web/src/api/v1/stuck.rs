//! What goes on by a person only, and asks nobody: a run that could not be undone, one of which
//! nobody knows whether what it did happened, a supervisor that failed with none above it, times
//! that have no run because something isn't there. It is told wherever one looks for what waits.

use std::sync::Arc;

use naos_engine::read::Reader;
use naos_kernel::ResourceKey;
use naos_kernel::plan::{Plan, Step};
use naos_kernel::run::Run;
use naos_kernel::schedule::Schedule;
use naos_kernel::supervisor::{Forest, Standing, Supervisor};
use naos_kernel::task::Task;
use naos_types::fact::Problem;
use naos_types::spec::Kind;
use naos_types::{Name, PlanId, Refusal, RunId, RunStatus, Time};
use serde_json::{Value, json};

use super::lacks::Looking;
use super::{NAMES_MAX, schedules, shapes};

/// The most of it that is told at once.
pub(crate) const STUCK_MAX: usize = 100;

/// One thing that a person must mend.
pub(crate) enum Stuck {
    /// This step of a run could not be undone since then, and nothing more is until somebody
    /// decides.
    NotUndone(PlanId, Arc<Plan>, Name, Time),
    /// Nobody knows whether what this run did happened, or it did something else than before when
    /// it was done again: it rests until somebody decides.
    Unknown(RunId, Arc<Run>),
    /// This supervisor failed, and all beneath it rests.
    GaveUp(Name, Arc<Supervisor>),
    /// The last time of this schedule had no run, and the next has none either: why, in words that
    /// follow its name.
    Missed(Box<schedules::Known>, String),
}

impl Stuck {
    /// What happened, as notices call it.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::NotUndone(..) => "plan.compensation_failed",
            Self::Unknown(_, run) if run.status == RunStatus::Diverged => "run.diverged",
            Self::Unknown(..) => "run.left_unknown",
            Self::GaveUp(..) => "supervisor.failed",
            Self::Missed(..) => "schedule.missed",
        }
    }

    /// Where one does something about it.
    pub(crate) fn path(&self) -> String {
        match self {
            Self::NotUndone(plan, ..) => format!("/plans/{plan}"),
            Self::Unknown(run, _) => format!("/runs/{run}"),
            Self::GaveUp(name, _) => format!("/supervisors/{name}"),
            Self::Missed(known, _) => format!("/schedules/{}", known.key.1),
        }
    }

    /// What is stuck, as people call it: the saga, the agent, the supervisor, or the schedule.
    pub(crate) fn name(&self) -> &Name {
        match self {
            Self::NotUndone(_, plan, ..) => &plan.name,
            Self::Unknown(_, run) => &run.agent,
            Self::GaveUp(name, _) => name,
            Self::Missed(known, _) => &known.key.1,
        }
    }

    /// The step that could not be undone, with its place among the steps, counted from 1.
    pub(crate) fn step(&self) -> Option<(&Name, usize, Option<&Step>)> {
        let Self::NotUndone(_, plan, undo, _) = self else {
            return None;
        };
        let of = plan.flow.undo.get(undo).unwrap_or(undo);
        let at = plan.forward().position(|spec| spec.name == *of)?;
        Some((of, at + 1, plan.steps.get(undo)))
    }

    /// Since when; of a schedule, since its last run.
    pub(crate) fn since(&self) -> Time {
        match self {
            Self::NotUndone(.., failed) => *failed,
            Self::Unknown(_, run) => run.started,
            Self::GaveUp(_, found) => found.since,
            Self::Missed(known, _) => {
                let last = known.schedule.last.map(|(at, _)| at);
                last.unwrap_or(known.schedule.since)
            }
        }
    }

    /// What it is about, in a sentence.
    pub(crate) fn says(&self) -> String {
        match (self, self.step()) {
            (Self::NotUndone(id, plan, undo, _), step) => {
                let of = step.map_or(undo, |(of, ..)| of);
                format!("{of} of {} ({id}) could not be undone", plan.name)
            }
            (Self::Unknown(id, run), _) if run.status == RunStatus::Diverged => {
                format!(
                    "{id} of {} did something else when it was done again",
                    run.agent
                )
            }
            (Self::Unknown(id, run), _) => {
                format!(
                    "nobody knows whether what {id} of {} did last happened",
                    run.agent
                )
            }
            (Self::GaveUp(name, _), _) => {
                format!("supervisor {name} failed with none above it: all beneath it rests")
            }
            (Self::Missed(known, why), _) => {
                let ResourceKey(kind, name) = &known.key;
                let (kind, missed) = (kind.word(), known.schedule.missed);
                format!("{kind} {name} {why}: {missed} of its times had no run")
            }
        }
    }

    /// Why.
    pub(crate) fn problem(&self) -> Option<&Problem> {
        match self {
            Self::NotUndone(..) => self.step().and_then(|(_, _, step)| step?.problem.as_ref()),
            Self::Unknown(_, run) => run.problem.as_ref(),
            Self::GaveUp(_, found) => found.problem.as_ref(),
            Self::Missed(known, _) => known.schedule.problem.as_ref(),
        }
    }

    /// The commands that do something about it; the last one ends it.
    pub(crate) fn ways(&self) -> Vec<String> {
        match (self, self.step()) {
            (Self::NotUndone(id, plan, ..), Some((_, at, _))) if plan.flow.of == Kind::Saga => {
                vec![
                    format!("naos saga retry-compensation {id} --step {at}"),
                    format!("naos saga resolve {id} --step {at}"),
                ]
            }
            (Self::NotUndone(id, ..), Some((of, ..))) => vec![
                format!("naos plan retry-compensation {id} --step {of}"),
                format!("naos plan resolve {id} --step {of}"),
            ],
            (Self::NotUndone(id, ..), None) => vec![format!("naos plan status {id}")],
            (Self::Unknown(id, run), _) if run.status == RunStatus::Diverged => vec![
                format!("naos run resolve {id} --retry"),
                format!("naos run cancel {id}"),
            ],
            (Self::Unknown(id, _), _) => vec![
                format!("naos get run {id}"),
                format!("naos run resolve {id} --retry"),
                format!("naos run resolve {id} --undo"),
                format!("naos run resolve {id} --finish"),
            ],
            (Self::GaveUp(name, _), _) => vec![
                format!("naos supervisor status {name}"),
                format!("naos supervisor reset {name}"),
            ],
            (Self::Missed(known, _), _) => vec![
                format!("naos schedule show {}", known.key.1),
                format!("naos schedule pause {}", known.key.1),
            ],
        }
    }

    pub(crate) fn shape(&self, reader: &Reader) -> Value {
        let (id, step) = match self {
            Self::NotUndone(id, ..) => (Some(id.to_string()), self.step()),
            Self::Unknown(run, _) => (Some(run.to_string()), None),
            Self::GaveUp(..) | Self::Missed(..) => (None, None),
        };
        json!({
            "what": self.word(),
            "name": self.name(),
            "run": id,
            "step": step.map(|(of, ..)| of),
            "number": step.map(|(_, at, _)| at),
            "since": self.since().rfc3339(),
            "says": self.says(),
            "problem": shapes::problem(reader, self.problem()),
            "ways": self.ways(),
            "path": self.path(),
        })
    }
}

/// All that a person must mend, at most [`STUCK_MAX`]: supervisors first, then runs, oldest first,
/// then schedules, of which the first [`NAMES_MAX`] are looked at.
///
/// # Errors
/// A refusal if a record is damaged.
pub(crate) fn all(reader: &Reader) -> Result<Vec<Stuck>, Refusal> {
    let forest = reader.find::<Forest>(&())?;
    let parents = forest.as_ref().map(|forest| &forest.parents);
    let is_root = |name: &Name| {
        let parent = parents.and_then(|parents| parents.get(name));
        parent.is_none_or(Option::is_none)
    };
    let failed = reader.all::<Supervisor>(NAMES_MAX)?.into_iter();
    let failed = failed.filter(|(name, found)| found.standing == Standing::Failed && is_root(name));
    let mut out: Vec<Stuck> = failed
        .map(|(name, found)| Stuck::GaveUp(name, found))
        .collect();
    for (id, plan) in reader.open::<Plan>()? {
        if let Some((undo, step)) = plan.not_undone() {
            let (undo, failed) = (undo.clone(), failed_at(reader, &plan, step)?);
            out.push(Stuck::NotUndone(id, plan, undo, failed));
        }
    }
    for (id, run) in reader.open::<Run>()? {
        if matches!(run.status, RunStatus::Unknown | RunStatus::Diverged) {
            out.push(Stuck::Unknown(id, run));
        }
    }
    let looking = Looking::new(reader);
    for (key, schedule) in reader.all::<Schedule>(NAMES_MAX)? {
        if out.len() >= STUCK_MAX {
            break;
        }
        out.extend(missed(reader, &looking, key, &schedule)?);
    }
    out.truncate(STUCK_MAX);
    Ok(out)
}

/// When a step failed for good: as its last task did. One that has none failed as it began.
fn failed_at(reader: &Reader, plan: &Plan, step: &Step) -> Result<Time, Refusal> {
    let task = match step.task {
        Some(task) => reader.find::<Task>(&task)?,
        None => None,
    };
    let ended = step.ended.or(task.and_then(|task| task.ended));
    Ok(ended.or(step.started).unwrap_or(plan.started))
}

/// A schedule whose last time had no run, where the next would have none either.
fn missed(
    reader: &Reader,
    looking: &Looking<'_>,
    key: ResourceKey,
    schedule: &Schedule,
) -> Result<Option<Stuck>, Refusal> {
    if schedule.problem.is_none() || schedule.paused {
        return Ok(None); // most of them: nothing more is read
    }
    let known = schedules::with_spec(reader, key, schedule)?;
    let Some(known) = known.filter(|known| known.spec.enabled) else {
        return Ok(None);
    };
    let why = schedules::why_idle(looking, &known)?;
    Ok(why.map(|why| Stuck::Missed(Box::new(known), why)))
}

/// The same as lists show it.
pub(crate) fn shown(reader: &Reader) -> Result<Vec<Value>, Refusal> {
    Ok(all(reader)?.iter().map(|one| one.shape(reader)).collect())
}
