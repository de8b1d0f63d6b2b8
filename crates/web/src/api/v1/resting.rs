//! What waits for an agent that takes no work, for a driver that is given none, or for one that
//! answers later: why, and what lets it work again. Said wherever such work would else look as if
//! it was done.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use naos_engine::read::Reader;
use naos_kernel::agent::Agent;
use naos_kernel::event::Rest;
use naos_kernel::plan::{PLAN_OPEN_MAX, Plan, Step};
use naos_kernel::run::Run;
use naos_kernel::supervisor::{Standing, Supervisor, Watch};
use naos_kernel::task::{OnBoard, Task};
use naos_types::spec::{DRIVER_PREFIX, SUPERVISION_LEVELS_MAX, StepDo};
use naos_types::{Name, PlanId, Refusal, RunStatus, StepStatus, TaskId, TaskStatus, Time};

use super::drivers;

/// How deep runs within runs are looked at.
const DEPTH_MAX: usize = 8;

/// Why an agent takes no work.
enum Why {
    /// A person stopped it.
    Stopped,
    /// The topmost supervisor above it that failed, or that a person stopped.
    Supervisor(Name, Standing),
    /// This supervisor restarts what is above it, or it itself, at that time.
    Restarts(Name, Time),
}

/// When a supervisor restarts a child of it, if it does.
fn restart_at(supervisor: &Supervisor, child: &Name) -> Option<Time> {
    let found = supervisor.children.iter().find(|one| one.name == *child);
    found.and_then(|one| one.restart_at)
}

/// The supervisor of an agent or of another supervisor.
pub(crate) fn watched_by(
    reader: &Reader,
    name: &Name,
) -> Result<Option<(Name, Arc<Supervisor>)>, Refusal> {
    let Some(watch) = reader.find::<Watch>(name)? else {
        return Ok(None);
    };
    let found = reader.find::<Supervisor>(&watch.by)?;
    Ok(found.map(|found| (watch.by.clone(), found)))
}

/// Why whoever is down is so, as far up as anything above it rests.
fn above(reader: &Reader, name: &Name) -> Result<Option<Why>, Refusal> {
    let (mut at, mut why) = (name.clone(), None);
    for _ in 0..=SUPERVISION_LEVELS_MAX {
        let Some((by, found)) = watched_by(reader, &at)? else {
            break;
        };
        match found.standing {
            // It restarts what is beneath it, whatever that one's children wait for.
            Standing::Running => {
                let at = restart_at(&found, &at);
                return Ok(at.map(|at| Why::Restarts(by, at)).or(why));
            }
            Standing::Suspended => {}
            standing => why = Some(Why::Supervisor(by.clone(), standing)),
        }
        at = by;
    }
    Ok(why)
}

/// Why this agent takes no work, and what to do about it, in a sentence; none where it works.
pub(crate) fn agent(reader: &Reader, name: &Name) -> Result<Option<String>, Refusal> {
    let Some(found) = reader.find::<Agent>(name)? else {
        return Ok(None);
    };
    let why = match (found.stopped, found.down) {
        (true, _) => Some(Why::Stopped),
        (false, true) => above(reader, name)?,
        (false, false) => None,
    };
    Ok(why.map(|why| match why {
        Why::Stopped => format!("agent {name} is stopped: `naos start {name}`"),
        Why::Supervisor(by, Standing::Stopped) => format!(
            "agent {name} rests since supervisor {by} was stopped: `naos supervisor start {by}`"
        ),
        Why::Supervisor(by, _) => format!(
            "agent {name} rests since supervisor {by} failed: `naos supervisor status {by}` shows \
             why, `naos supervisor reset {by}` starts all beneath it anew"
        ),
        Why::Restarts(by, at) => {
            format!(
                "agent {name} rests until supervisor {by} restarts it at {}",
                at.rfc3339()
            )
        }
    }))
}

/// What a step's driver says to what the step asked it: looked up once for all items of a list.
struct Asked {
    /// Which items it wasn't given yet, each with its attempt; none for a step without a list.
    pending: BTreeSet<(Option<u32>, u32)>,
    /// Why those aren't given to it, if it is given nothing now.
    held: Option<String>,
    /// Why what it was given waits, if its agent takes no work.
    rests: Option<String>,
    /// What it took and answers later, as `pending`, and why that waits.
    later: BTreeMap<(Option<u32>, u32), String>,
}

impl Asked {
    /// None where the step asks no driver, or nobody answers.
    fn of(
        reader: &Reader,
        (id, plan): (PlanId, &Plan),
        name: &Name,
    ) -> Result<Option<Self>, Refusal> {
        let Some(StepDo::Ask { kind, .. }) = plan.known(name).map(|spec| &spec.action) else {
            return Ok(None);
        };
        let Some(known) = drivers::answering(reader, kind)? else {
            return Ok(None);
        };
        let consumer = drivers::consumer(reader, &known.name)?.unwrap_or_default();
        let askers = consumer
            .pending
            .iter()
            .filter_map(|caught| caught.asks.as_ref());
        let own = askers.filter(|asker| asker.plan == id && asker.at.step == *name);
        Ok(Some(Self {
            pending: own.map(|asker| (asker.at.item, asker.attempt)).collect(),
            held: match consumer.rest {
                Some(Rest::Until(at)) => Some(held(&known, at)),
                // It has others, and takes this one when it is done with them.
                Some(Rest::ForRoom) | None => None,
            },
            rests: match known.agent() {
                Some(name) => agent(reader, name)?,
                None => None,
            },
            later: match known.endpoint {
                Some(_) => answered_later(reader, id, name)?,
                None => BTreeMap::new(),
            },
        }))
    }

    /// Why the step, or this item of its list, waits.
    fn waits(&self, step: &Step, item: Option<u32>) -> Option<String> {
        let attempt = match item {
            None => step.attempt,
            Some(item) => step.fan.as_ref()?.open.get(&item)?.attempt,
        };
        let at = (item, attempt);
        let why = match self.pending.contains(&at) {
            true => &self.held,
            false => &self.rests,
        };
        why.as_ref().or_else(|| self.later.get(&at)).cloned()
    }
}

/// Which of what a step asked endpoints took and answer later.
fn answered_later(
    reader: &Reader,
    id: PlanId,
    name: &Name,
) -> Result<BTreeMap<(Option<u32>, u32), String>, Refusal> {
    let mut out = BTreeMap::new();
    for (_, found) in reader.open::<Run>()? {
        let Some(why) = later(&found) else {
            continue;
        };
        let task = reader.find::<Task>(&found.task)?;
        if let Some(asker) = task.as_ref().and_then(|task| task.parent.as_ref())
            && (asker.plan, &asker.at.step) == (id, name)
        {
            out.insert((asker.at.item, asker.attempt), why);
        }
    }
    Ok(out)
}

/// Why a run waits whose endpoint took the event: it calls back, and only a daemon hears that.
fn later(run: &Run) -> Option<String> {
    run.is_awaited().then(|| {
        let driver = run.agent.as_str();
        let driver = driver.strip_prefix(DRIVER_PREFIX).unwrap_or(driver);
        format!(
            "driver {driver} took the event and answers later, with a signed call that only a \
             running `naos up` hears"
        )
    })
}

/// Why a driver is given nothing until then.
fn held(known: &drivers::Known, until: Time) -> String {
    let (name, until) = (&known.name, until.rfc3339());
    match known.driver.resting {
        Some(_) => format!(
            "driver {name} rests until {until} since it failed again and again: `naos driver \
             show {name}` shows why, `naos driver reset {name}` lets it be asked at once"
        ),
        None => format!(
            "driver {name} takes no more events before {until}: its `rate` says how many it may \
             take"
        ),
    }
}

/// Why a run waits, if it waits for its agent, or for a driver that answers later.
pub(crate) fn run(reader: &Reader, run: &Run) -> Result<Option<String>, Refusal> {
    match run.status {
        RunStatus::Queued => agent(reader, &run.agent),
        _ => Ok(later(run)),
    }
}

/// Why an open task waits, if it waits for the agent that does it.
pub(crate) fn task(reader: &Reader, id: TaskId, task: &Task) -> Result<Option<String>, Refusal> {
    task_within(reader, id, task, 0)
}

fn task_within(
    reader: &Reader,
    id: TaskId,
    task: &Task,
    depth: usize,
) -> Result<Option<String>, Refusal> {
    if task.status.is_closed() {
        return Ok(None);
    }
    if let Some(id) = task.run {
        let found = reader.find::<Run>(&id)?;
        return found.map_or(Ok(None), |found| run(reader, &found));
    }
    let Some(found) = reader.find::<OnBoard>(&id)? else {
        return Ok(None);
    };
    if let Some(id) = found.plan {
        let plan = reader.find::<Plan>(&id)?;
        return plan.map_or(Ok(None), |plan| plan_within(reader, id, &plan, depth + 1));
    }
    match (task.status, found.card.agent()) {
        (TaskStatus::Assigned, Some(name)) => agent(reader, name),
        _ => Ok(None),
    }
}

/// Why a run of a plan waits, if all that it says is that it runs: the first of its steps that
/// waits for an agent or a driver.
pub(crate) fn plan(reader: &Reader, id: PlanId, plan: &Plan) -> Result<Option<String>, Refusal> {
    plan_within(reader, id, plan, 0)
}

fn plan_within(
    reader: &Reader,
    id: PlanId,
    plan: &Plan,
    depth: usize,
) -> Result<Option<String>, Refusal> {
    if plan.is_closed() {
        return Ok(None);
    }
    for (name, step) in &plan.steps {
        if let Some(why) = step_within(reader, (id, plan), name, step, depth)? {
            return Ok(Some(why));
        }
    }
    Ok(None)
}

/// Why a step waits, if it waits for an agent or a driver.
pub(crate) fn step(
    reader: &Reader,
    of: (PlanId, &Plan),
    name: &Name,
    step: &Step,
) -> Result<Option<String>, Refusal> {
    step_within(reader, of, name, step, 0)
}

/// How many of the items of a step's list that are open wait for an agent or a driver.
pub(crate) fn items(
    reader: &Reader,
    (id, plan): (PlanId, &Plan),
    name: &Name,
    step: &Step,
) -> Result<usize, Refusal> {
    let mut count = 0;
    if plan.is_closed() {
        return Ok(count);
    }
    let asked = Asked::of(reader, (id, plan), name)?;
    let open = step.fan.iter().flat_map(|fan| &fan.open);
    for (index, item) in open.take(PLAN_OPEN_MAX) {
        let at = (item.task, Some(*index));
        let within = item_within(reader, (id, plan), (name, step), at, asked.as_ref(), 0)?;
        count += usize::from(within.is_some());
    }
    Ok(count)
}

fn step_within(
    reader: &Reader,
    (id, plan): (PlanId, &Plan),
    name: &Name,
    step: &Step,
    depth: usize,
) -> Result<Option<String>, Refusal> {
    if step.status != StepStatus::Running || plan.is_closed() || depth > DEPTH_MAX {
        return Ok(None);
    }
    let items = step
        .fan
        .iter()
        .flat_map(|fan| &fan.open)
        .take(PLAN_OPEN_MAX);
    let items = items.map(|(index, item)| (item.task, Some(*index)));
    let asked = Asked::of(reader, (id, plan), name)?;
    for at in [(step.task, None)].into_iter().chain(items) {
        let asked = asked.as_ref();
        if let Some(why) = item_within(reader, (id, plan), (name, step), at, asked, depth)? {
            return Ok(Some(why));
        }
    }
    Ok(None)
}

/// The same of a step without a list, or of one item of one: its task, the run that it is, or the
/// driver that it asked.
fn item_within(
    reader: &Reader,
    (id, plan): (PlanId, &Plan),
    (name, step): (&Name, &Step),
    (task, item): (Option<TaskId>, Option<u32>),
    asked: Option<&Asked>,
    depth: usize,
) -> Result<Option<String>, Refusal> {
    if let Some(task) = task
        && let Some(found) = reader.find::<Task>(&task)?
        && let Some(why) = task_within(reader, task, &found, depth + 1)?
    {
        return Ok(Some(why));
    }
    if let Some(within) = plan.nested(id, name, item)
        && let Some(found) = reader.find::<Plan>(&within)?
    {
        return plan_within(reader, within, &found, depth + 1);
    }
    Ok(asked.and_then(|asked| asked.waits(step, item)))
}

/// A sentence of these as lists show it; one whose record is damaged hides nothing else.
pub(crate) fn said(reader: &Reader, found: Result<Option<String>, Refusal>) -> Option<String> {
    found.unwrap_or_else(|refusal| {
        let tenant = reader.tenant();
        tracing::warn!(%refusal, %tenant, "what something waits for can't be read");
        None
    })
}
