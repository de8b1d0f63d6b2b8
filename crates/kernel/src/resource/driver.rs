//! Drivers at work: how many events each has at once and how fast they are given, how it answered,
//! and the breaker that lets one rest that fails again and again. Events wait meanwhile, in order.

use std::collections::{BTreeMap, VecDeque};

use naos_types::command::Reply;
use naos_types::fact::member::News;
use naos_types::fact::resource::{self, Came, Fact};
use naos_types::fact::{Problem, task};
pub use naos_types::spec::ERROR_TOPIC;
use naos_types::spec::{
    DRIVER_DOCUMENTS, DriverKind, DriverLimits, DriverSpec, Kind, driver_listens, driver_of,
};
use naos_types::{Actor, Code, DocPath, EventId, Name, RunLimits, Span, TaskId, TaskStatus, Time};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::event::{Caught, Failure, Rest, TraceKey, Who};
use crate::need::Var;
use crate::state::ResourceKey;
use crate::table::{Aggregate, lengthened};
use crate::turn::{Done, Stop, Turn};

/// How many events wait for one driver; the oldest ones beyond are put aside.
pub const DRIVER_WAITING_MAX: usize = 1_000;
/// How many of its last answers are kept: its error rate is theirs.
pub const ANSWERS_KEPT: usize = 20;
/// The longest rest.
const REST_MAX: Span = Span::secs(600);

/// How a driver is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Driver {
    /// What it has, and since when.
    pub open: BTreeMap<TaskId, Time>,
    /// Since when events are counted for its rate.
    pub window: Time,
    /// How many it was given since then.
    pub used: u32,
    /// How many it answered.
    pub answered: u64,
    /// How many it failed at.
    pub failed: u64,
    /// How many of those in a row, up to now.
    pub in_a_row: u32,
    /// Until when it rests; once that time has come it is given one event, and all others once it
    /// answered.
    pub resting: Option<Time>,
    /// How often it rested in a row.
    pub rests: u32,
    /// Its last answers, the newest one last.
    pub last: VecDeque<Answer>,
    /// Why it failed the last time, and when.
    pub problem: Option<(Time, Problem)>,
    /// The events that it has, by task: where it fails at one, that is put aside.
    pub caught: BTreeMap<TaskId, Caught>,
}

/// One answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// When it came.
    pub at: Time,
    /// How long it took.
    pub took: Span,
    /// Whether it was one.
    pub well: bool,
}

impl Aggregate for Driver {
    const KIND: &'static str = "driver";
    const VERSION: u8 = 2;
    fn lift(version: u8, bytes: &[u8]) -> Option<Self> {
        match version {
            1 => lengthened(bytes, 1), // no event was kept
            _ => None,
        }
    }
}

impl Driver {
    /// It works: what failed before counts no more.
    fn works_again(&mut self) {
        (self.in_a_row, self.rests, self.resting) = (0, 0, None);
    }

    /// How many of its last answers were none, in percent; none where there were none at all.
    #[must_use]
    pub fn error_percent(&self) -> Option<u64> {
        let failed = self.last.iter().filter(|answer| !answer.well).count() as u64;
        let count = self.last.len() as u64;
        (count > 0).then(|| failed * 100 / count)
    }

    /// Whether the breaker is open, half open (it rested, and is tried with one event) or closed.
    #[must_use]
    pub fn breaker(&self, now: Time) -> Breaker {
        match self.resting {
            None => Breaker::Closed,
            Some(until) if now < until => Breaker::Open,
            Some(_) => Breaker::HalfOpen,
        }
    }
}

/// Whether a driver is given events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Breaker {
    /// It is.
    Closed,
    /// It rests.
    Open,
    /// One, to see whether it answers.
    HalfOpen,
}

impl Breaker {
    /// Its word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

/// Whether the next event may be given.
pub(crate) enum Gate {
    /// It may.
    Open,
    /// Not yet.
    Shut(Rest),
    /// The driver is given none any more.
    Off,
}

/// The driver that listens with this subscription.
pub(crate) fn of(subscription: &Name) -> Option<Name> {
    driver_of(subscription)
}

/// The subscription that a driver listens with.
pub(crate) fn listens(driver: &Name) -> Done<Name> {
    driver_listens(driver).ok_or_else(|| Stop::broken(format!("driver {driver} can't listen")))
}

fn limits(turn: &Turn<'_>, driver: &Name) -> Done<Option<DriverLimits>> {
    let found = turn.resource(&ResourceKey(Kind::Driver, driver.clone()))?;
    let found = found.and_then(|found| found.spec.driver());
    Ok(found
        .filter(|(spec, _)| spec.enabled)
        .map(|(_, limits)| limits))
}

fn spec<'t>(turn: &'t Turn<'_>, driver: &Name) -> Done<Option<&'t DriverSpec>> {
    let found = turn.resource(&ResourceKey(Kind::Driver, driver.clone()))?;
    Ok(found
        .and_then(|found| found.spec.driver())
        .map(|(spec, _)| spec))
}

/// What is said of a driver that is switched off.
pub(crate) fn is_off(driver: &Name) -> String {
    format!("driver {driver} is switched off, and is given no events")
}

/// Why a driver is given no events, and what lets it be given them.
pub(crate) struct Lacks {
    /// A sentence.
    pub(crate) what: String,
    /// The command, and what it does.
    pub(crate) mends: String,
}

/// Why this driver is given no events at all; none where it is given them.
pub(crate) fn lacks(turn: &Turn<'_>, driver: &Name) -> Done<Option<Lacks>> {
    Ok(match spec(turn, driver)? {
        None => Some(Lacks {
            what: format!("there is no driver {driver} that it could be given to"),
            mends: format!("`naos apply` of a document of driver {driver} makes it"),
        }),
        Some(spec) if !spec.enabled => Some(Lacks {
            what: is_off(driver),
            mends: format!("`naos driver enable {driver}` switches it on"),
        }),
        Some(_) => None,
    })
}

/// The limits of a run, narrowed where it does a driver's work.
pub(crate) fn narrowed(turn: &Turn<'_>, by: &Actor, limits: &RunLimits) -> Done<RunLimits> {
    let driver = match by {
        Actor::Trigger(subscription, _) => of(subscription),
        _ => None,
    };
    let spec = match &driver {
        Some(driver) => spec(turn, driver)?,
        None => None,
    };
    Ok(spec.map_or_else(|| limits.clone(), |spec| narrow(spec, limits)))
}

/// What the manifest of a driver says beneath a key.
#[must_use]
pub fn said(spec: &DriverSpec, key: &str) -> Option<Value> {
    let document: Value = serde_json::from_str(&spec.document).ok()?;
    document.get(key).filter(|said| !said.is_null()).cloned()
}

fn narrow(spec: &DriverSpec, limits: &RunLimits) -> RunLimits {
    let mut narrowed = limits.clone();
    let Some(needs) = said(spec, "resource_requirements") else {
        return narrowed;
    };
    if let Some(memory) = needs["memory"].as_u64() {
        narrowed.memory_bytes_max = limits.memory_bytes_max.min(memory);
    }
    let timeout = needs["timeout"].as_str().and_then(|t| t.strip_suffix("ms"));
    if let Some(timeout) = timeout.and_then(|millis| millis.parse().ok()) {
        narrowed.wall_max = limits.wall_max.min(Span(timeout));
    }
    narrowed
}

/// How a driver is set up: the document that people write for it, else what its manifest says.
pub(crate) fn config(turn: &Turn<'_>, driver: &Name) -> Done<Option<Var>> {
    let path = DocPath::new(&format!("{DRIVER_DOCUMENTS}/{driver}"));
    if let Ok(path) = path
        && let Some(document) = turn.document(&path)?
    {
        return Ok(Some(Var::Body(document.body)));
    }
    let config = spec(turn, driver)?.and_then(|spec| said(spec, "config"));
    Ok(config.map(|config| Var::Json(config.to_string())))
}

/// Whether a driver may be given the next event.
pub(crate) fn gate(turn: &Turn<'_>, driver: &Name) -> Done<Gate> {
    let Some(limits) = limits(turn, driver)? else {
        return Ok(Gate::Off);
    };
    let Some(found) = turn.driver(driver)? else {
        return Ok(Gate::Open); // its first event
    };
    match found.breaker(turn.now) {
        Breaker::Closed => {}
        Breaker::Open => {
            let until = found.resting.unwrap_or(turn.now);
            return Ok(Gate::Shut(Rest::Until(until)));
        }
        Breaker::HalfOpen if !found.open.is_empty() => return Ok(Gate::Shut(Rest::ForRoom)),
        Breaker::HalfOpen => {}
    }
    let full = found.open.len() >= limits.open_max as usize;
    if full && !crate::planted::is("driver-crowded") {
        return Ok(Gate::Shut(Rest::ForRoom));
    }
    if let Some((calls, per)) = limits.rate {
        let next = found.window + per;
        if turn.now < next && found.used >= calls {
            return Ok(Gate::Shut(Rest::Until(next)));
        }
    }
    Ok(Gate::Open)
}

/// A driver was given an event: its task is open.
pub(crate) fn given(turn: &mut Turn<'_>, driver: Name, task: TaskId, event: EventId) -> Done {
    let per = limits(turn, &driver)?.and_then(|limits| limits.rate);
    let window = turn.driver(&driver)?.map_or(Time(0), |found| found.window);
    let over = per.is_some_and(|(_, per)| turn.now >= window + per);
    let window = if over { turn.now } else { window };
    turn.emit(resource::DriverGiven {
        driver,
        task,
        window,
        event: Some(event),
    })
}

/// The driver that was given this task, as long as it has it.
fn has(turn: &Turn<'_>, by: &Actor, task: TaskId) -> Done<Option<Name>> {
    let Actor::Trigger(subscription, _) = by else {
        return Ok(None);
    };
    let Some(driver) = of(subscription) else {
        return Ok(None);
    };
    let found = turn.driver(&driver)?;
    let has = found.is_some_and(|found| found.open.contains_key(&task));
    Ok(has.then_some(driver))
}

/// A task is over: if it was a driver's, the driver is done with it.
pub(crate) fn task_closed(turn: &mut Turn<'_>, by: &Actor, closed: &task::Closed) -> Done {
    if closed.status == TaskStatus::Cancelled {
        let Actor::Trigger(subscription, _) = by else {
            return Ok(());
        };
        return match of(subscription) {
            Some(_) => crate::event::wake(turn, subscription),
            None => Ok(()),
        };
    }
    let Some(driver) = has(turn, by, closed.task)? else {
        return Ok(());
    };
    let came = match closed.status {
        TaskStatus::Done => Came::Answered,
        _ => {
            let nothing = || Problem::new(Code::STEP_FAILED, "it ended without an answer");
            Came::Failed {
                problem: closed.problem.clone().unwrap_or_else(nothing),
                rests: match &closed.problem {
                    Some(problem) if says_it_works(problem) => None,
                    _ => rests(turn, &driver)?,
                },
            }
        }
    };
    let task = closed.task;
    if let Came::Failed { problem, .. } = &came {
        crate::event::failed_at(turn, &driver, task, problem)?;
    }
    turn.emit(resource::DriverDone { driver, task, came })
}

/// A task that isn't wanted any more says nothing about its driver: many are cancelled in one turn,
/// and their own facts are enough.
pub(crate) fn let_go(turn: &mut Turn<'_>, by: &Actor, task: TaskId) -> Done {
    if let Some(driver) = has(turn, by, task)? {
        let found = turn.driver_mut(&driver)?;
        found.open.remove(&task);
        found.caught.remove(&task);
    }
    Ok(())
}

/// Whether what failed was the event alone: what one publishes lets a driver rest for nobody else.
fn says_it_works(problem: &Problem) -> bool {
    problem.code == Code::EVENT_UNFIT && !crate::planted::is("bad-event-rests-its-driver")
}

/// Until when a driver rests that failed just now; none where it goes on.
fn rests(turn: &Turn<'_>, driver: &Name) -> Done<Option<Time>> {
    let (Some(limits), Some(found)) = (limits(turn, driver)?, turn.driver(driver)?) else {
        return Ok(None);
    };
    let once_too_often = match found.breaker(turn.now) {
        Breaker::Closed => found.in_a_row + 1 >= limits.failures_max,
        Breaker::Open => false, // one of those that it had before
        Breaker::HalfOpen => true,
    };
    if !once_too_often || crate::planted::is("driver-never-rests") {
        return Ok(None);
    }
    let pause = limits.pause.0.saturating_mul(1 << found.rests.min(16));
    let most = REST_MAX.0.max(limits.pause.0);
    Ok(Some(turn.now + Span(pause.min(most))))
}

/// Whether the driver that listens with this subscription does its work without an agent.
pub(crate) fn needs_no_agent(turn: &Turn<'_>, subscription: &Name) -> Done<bool> {
    let Some(driver) = of(subscription) else {
        return Ok(false);
    };
    let found = turn.resource(&ResourceKey(Kind::Driver, driver))?;
    Ok(found.is_some_and(|found| found.spec.needs_no_agent()))
}

/// Whether a task is the work of a driver that is a way in or out: what it publishes comes from
/// outside.
pub(crate) fn is_way_in(turn: &Turn<'_>, by: &Actor) -> Done<bool> {
    let Actor::Trigger(subscription, _) = by else {
        return Ok(false);
    };
    let Some(driver) = of(subscription) else {
        return Ok(false);
    };
    let is_io = spec(turn, &driver)?.is_some_and(|spec| spec.kind == DriverKind::Io);
    Ok(is_io && !crate::planted::is("io-drivers-are-within"))
}

/// What a driver that is a way to people answered is told to them: to those whom the event names
/// as `to`, else to all who work here.
fn show(turn: &mut Turn<'_>, f: &resource::DriverDone) -> Done {
    if spec(turn, &f.driver)?.is_none_or(|spec| spec.kind != DriverKind::Ui) {
        return Ok(());
    }
    let task = crate::task::known(turn, f.task)?;
    let (by, input, Some(answer)) = (task.by.clone(), task.input, task.output) else {
        return Ok(());
    };
    if answer.len == 0 || crate::planted::is("ui-drivers-show-nothing") {
        return Ok(());
    }
    let event = turn.body(input)?.unwrap_or_default();
    let event: Value = serde_json::from_slice(event).unwrap_or_default();
    let to = match addressed(&event["data"]) {
        Some(named) => crate::member::all_named(turn, &named),
        None => crate::member::all(turn),
    };
    let news = News::Shown(f.driver.clone(), answer);
    crate::member::tell(turn, to, news, &by)
}

/// Those whom an event names: `to: ana`, `to: [ana, hery]`; none where it names nobody.
pub(crate) fn addressed(data: &Value) -> Option<Vec<Name>> {
    let name = |text: &str| Name::new(text.trim().trim_start_matches('@')).ok();
    match data.get("to")? {
        Value::String(text) => Some(text.split(',').filter_map(name).collect()),
        Value::Array(all) => Some(all.iter().filter_map(|one| name(one.as_str()?)).collect()),
        _ => None,
    }
}

/// Lets a driver that rests be given events at once.
pub(super) fn reset(turn: &mut Turn<'_>, by: &Actor, driver: &Name) -> Done<Reply> {
    super::known(turn, Kind::Driver, driver)?;
    let resting = turn.driver(driver)?.is_some_and(|d| d.resting.is_some());
    if !resting {
        return Ok(Reply::Unchanged);
    }
    let (driver, by) = (driver.clone(), by.clone());
    turn.emit(resource::DriverReset { driver, by })?;
    Ok(Reply::Done)
}

/// What follows: somebody is told of a failure, and what waits is looked at again.
pub(crate) fn react(turn: &mut Turn<'_>, fact: &Fact) -> Done {
    let driver = match fact {
        Fact::Applied(f) if f.kind == Kind::Driver => &f.name,
        Fact::DriverDone(f) => {
            match &f.came {
                Came::Failed { problem, .. } => failed(turn, f, problem)?,
                Came::Answered => show(turn, f)?,
            }
            &f.driver
        }
        Fact::DriverReset(f) => &f.driver,
        _ => return Ok(()),
    };
    crate::event::wake(turn, &listens(driver)?)
}

fn failed(turn: &mut Turn<'_>, f: &resource::DriverDone, problem: &Problem) -> Done {
    let task = crate::task::known(turn, f.task)?;
    let (Actor::Trigger(subscription, event), run) = (task.by.clone(), task.run) else {
        return Ok(());
    };
    let said = crate::event::said(task.tier, Some(problem));
    let trace = turn.trace(&TraceKey(event, subscription.clone()))?;
    let (correlation, hops) = trace.map_or_else(
        || (event.to_string(), 0),
        |trace| (trace.correlation.clone(), trace.hops),
    );
    let failure = Failure {
        who: Who::Driver(&f.driver),
        subscription: &subscription,
        event,
        run: run.map(|run| run.to_string()),
        correlation,
        hops,
        error: &problem.note,
        code: problem.code,
        said,
    };
    crate::event::tell(turn, failure)
}

pub(super) fn fold(turn: &mut Turn<'_>, fact: &Fact) -> Done {
    let now = turn.now;
    match fact {
        Fact::DriverGiven(f) => {
            let mut found = turn.driver(&f.driver)?.cloned().unwrap_or_default();
            if found.window == f.window {
                found.used = found.used.saturating_add(1);
            } else {
                (found.window, found.used) = (f.window, 1);
            }
            found.open.insert(f.task, now);
            if let Some(event) = f.event {
                // It waits in front until the same commit says that it set the task off.
                let consumer = turn.consumer(&listens(&f.driver)?)?;
                let caught = consumer.and_then(|consumer| consumer.pending.front());
                let caught = caught.filter(|caught| caught.event == event).cloned();
                found.caught.extend(caught.map(|caught| (f.task, caught)));
            }
            turn.put_driver(f.driver.clone(), Some(found));
        }
        Fact::DriverDone(f) => {
            let found = turn.driver_mut(&f.driver)?;
            let since = found.open.remove(&f.task).unwrap_or(now);
            found.caught.remove(&f.task);
            let well = match &f.came {
                Came::Answered => {
                    found.answered += 1;
                    found.works_again();
                    true
                }
                Came::Failed { problem, rests } => {
                    found.failed += 1;
                    if says_it_works(problem) {
                        found.works_again();
                    } else {
                        found.in_a_row = found.in_a_row.saturating_add(1);
                    }
                    found.problem = Some((now, problem.clone()));
                    if rests.is_some() {
                        found.resting = *rests;
                        found.rests = found.rests.saturating_add(1);
                    }
                    false
                }
            };
            let took = now - since;
            found.last.push_back(Answer {
                at: now,
                took,
                well,
            });
            if found.last.len() > ANSWERS_KEPT {
                found.last.pop_front();
            }
        }
        Fact::DriverWaits(f) => {
            let rest = f.until.map_or(Rest::ForRoom, Rest::Until);
            turn.consumer_mut(&listens(&f.driver)?)?.rest = Some(rest);
        }
        Fact::DriverReset(f) => {
            turn.driver_mut(&f.driver)?.works_again();
        }
        _ => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes that were written before events were kept, byte for byte.
    #[test]
    fn what_was_kept_before_is_read() {
        // None open, the window, used, answered, failed, a row.
        let mut old = vec![0, 10, 1, 7, 2, 3];
        old.extend([0, 4, 0, 0]); // it doesn't rest, it rested four times, no answers, no problem
        let wanted = Driver {
            window: Time(5),
            used: 1,
            answered: 7,
            failed: 2,
            in_a_row: 3,
            rests: 4,
            ..Driver::default()
        };
        assert_eq!(Driver::lift(1, &old), Some(wanted.clone()));
        assert_eq!(Driver::lift(3, &old), None);
        old.push(0); // no event is kept
        assert_eq!(postcard::to_stdvec(&wanted).unwrap(), old);
    }
}
