//! What an event sets off: a plan, a workflow, a saga, an agent. Each event is looked at in a turn
//! of its own; what it sets off begins in the commit that says so, so it begins once.

use naos_types::command::Reply;
use naos_types::fact::event::{self, Began, Category, Published};
use naos_types::fact::task::Parent;
use naos_types::fact::{Problem, resource};
use naos_types::spec::{INSTRUCTION_PREFIX, Kind, Starts};
use naos_types::{Actor, BodyRef, Code, EventId, Name, TaskId, Time};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::handler::{self, Failure, Fault, Who};
use super::{Rest, subscription};
use crate::need::{Compute, Computed, Formula, Var};
use crate::plan::Plan;
use crate::resource::ERROR_TOPIC;
use crate::resource::driver::{self, DRIVER_WAITING_MAX, Gate};
use crate::table::{Aggregate, lengthened};
use crate::task::Wanted;
use crate::turn::{Done, Stop, Turn};

/// How many events may lead to each other before the circle is broken.
pub const HOPS_MAX: u32 = 16;
/// How often one event may lead back to where it was, all branches of what it led to counted: each
/// of those may lead to several more, so their depth alone bounds nothing.
pub const AROUND_MAX: u32 = 100;

/// An event that was handed to a trigger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caught {
    /// Which.
    pub event: EventId,
    /// Its type.
    pub topic: String,
    /// Its data.
    pub data: BodyRef,
    /// What else it says about itself.
    pub more: Option<BodyRef>,
    /// Its category.
    pub category: Category,
    /// Where it comes from.
    pub source: Option<String>,
    /// The conversation that it belongs to.
    pub correlation: String,
    /// How many events led to it.
    pub hops: u32,
    /// The subscription that led to it, and by which event.
    pub trigger: Option<(Name, EventId)>,
    /// The step of a plan that waits for a driver's answer.
    pub asks: Option<Parent>,
    /// When it was published.
    pub at: Time,
}

impl Caught {
    pub(crate) fn of(fact: &Published, at: Time) -> Self {
        Self {
            event: fact.event,
            topic: fact.topic.clone(),
            data: fact.data,
            more: fact.origin.more,
            category: fact.origin.category,
            source: fact.origin.source.clone(),
            correlation: fact.correlation(),
            hops: fact.origin.hops,
            trigger: fact.origin.trigger.clone(),
            asks: fact.origin.asks.clone(),
            at,
        }
    }

    /// The event as conditions and templates see it.
    pub(crate) fn var(&self) -> Var {
        let text = |text: &str| Var::Json(Value::String(text.to_owned()).to_string());
        let source = self.source.as_deref().map_or(Var::Null, text);
        Var::Object(vec![
            ("id".to_owned(), text(&self.event.to_string())),
            ("type".to_owned(), text(&self.topic)),
            ("source".to_owned(), source),
            ("category".to_owned(), text(self.category.word())),
            ("correlation".to_owned(), text(&self.correlation)),
            ("time".to_owned(), text(&self.at.rfc3339())),
            ("about".to_owned(), self.more.map_or(Var::Null, Var::Body)),
            ("data".to_owned(), Var::Value(self.data)),
        ])
    }
}

/// Which event set off which subscription.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TraceKey(pub EventId, pub Name);

/// What something that was set off belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// The event, as what it set off sees it.
    pub given: Option<BodyRef>,
    /// The conversation.
    pub correlation: String,
    /// How many events led to that one.
    pub hops: u32,
    /// The subscriptions that led to it, this one last.
    pub path: Vec<Name>,
    /// What it set off.
    pub began: Began,
    /// Whether that one tells of a failure: nobody is told where what it sets off fails.
    pub of_error: bool,
    /// The event that all of it began with, where that is another one.
    pub root: Option<EventId>,
    /// How often it was led back to where it was, of all that this one led to; counted at the
    /// first of them alone.
    pub around: u32,
}

impl Aggregate for Trace {
    const KIND: &'static str = "trace";
    const VERSION: u8 = 3;
    fn lift(version: u8, bytes: &[u8]) -> Option<Self> {
        match version {
            1 => lengthened(bytes, 3),
            2 => lengthened(bytes, 2),
            _ => None,
        }
    }
}

/// What what led to an event belongs to.
fn before<'t>(turn: &'t Turn<'_>, caught: &Caught) -> Done<Option<&'t Trace>> {
    let Some((name, event)) = &caught.trigger else {
        return Ok(None);
    };
    turn.trace(&TraceKey(*event, name.clone()))
}

/// What an event led to first: where all that came of it is counted.
fn first(turn: &Turn<'_>, caught: &Caught, path: &[Name]) -> Done<Option<TraceKey>> {
    let (Some(first), Some((_, event))) = (path.first(), &caught.trigger) else {
        return Ok(None);
    };
    let root = before(turn, caught)?.and_then(|trace| trace.root);
    Ok(Some(TraceKey(root.unwrap_or(*event), first.clone())))
}

/// Whether what this event began with was led back to where it was as often as may be.
fn is_storm(turn: &Turn<'_>, caught: &Caught, path: &[Name], name: &Name) -> Done<bool> {
    if !path.contains(name) {
        return Ok(false);
    }
    let Some(first) = first(turn, caught, path)? else {
        return Ok(false);
    };
    let around = turn.trace(&first)?.map_or(0, |trace| trace.around);
    let late = crate::planted::is("storm-of-plans");
    Ok(around >= if late { 2 * AROUND_MAX } else { AROUND_MAX })
}

/// The event that set a run of a plan off, as its templates see it.
pub(crate) fn given(turn: &Turn<'_>, plan: &Plan) -> Done<Option<BodyRef>> {
    let Actor::Trigger(name, event) = &plan.by else {
        return Ok(None);
    };
    let trace = turn.trace(&TraceKey(*event, name.clone()))?;
    Ok(trace.and_then(|trace| trace.given))
}

/// The subscriptions that led to an event.
fn path(turn: &Turn<'_>, caught: &Caught) -> Done<Vec<Name>> {
    let trace = before(turn, caught)?;
    Ok(trace.map_or_else(Vec::new, |trace| trace.path.clone()))
}

/// Looks at the oldest event that was handed to a trigger; whether the next one may follow.
pub(super) fn set_off(turn: &mut Turn<'_>, name: &Name) -> Done<bool> {
    let Some(consumer) = turn.consumer(name)? else {
        return Ok(true);
    };
    let (waiting, rest) = (consumer.pending.len(), consumer.rest);
    let Some(caught) = consumer.pending.front().cloned() else {
        return Ok(true);
    };
    if let Some(driver) = driver::of(name) {
        match driver::gate(turn, &driver)? {
            Gate::Open => {}
            Gate::Off => {
                let note = format!("driver {driver} is given no events any more");
                let problem = Problem::new(Code::DRIVER_OFF, note);
                dead(turn, name, &caught, problem)?;
                return Ok(true);
            }
            Gate::Shut(_) if waiting > DRIVER_WAITING_MAX => {
                let note = format!("{waiting} events wait for driver {driver}");
                let problem = Problem::new(Code::DRIVER_FULL, note);
                dead(turn, name, &caught, problem)?;
                return Ok(true);
            }
            Gate::Shut(why) => {
                if rest != Some(why) {
                    let until = match why {
                        Rest::Until(at) => Some(at),
                        Rest::ForRoom => None,
                    };
                    turn.emit(resource::DriverWaits { driver, until })?;
                }
                return Ok(false);
            }
        }
    }
    look(turn, name, &caught)?;
    Ok(true)
}

fn look(turn: &mut Turn<'_>, name: &Name, caught: &Caught) -> Done {
    let Some(spec) = subscription(turn, name)? else {
        return done(turn, name, caught, None, Began::Nothing);
    };
    let path = path(turn, caught)?;
    let late = crate::planted::is("circle-goes-on");
    let most = if late { 2 * HOPS_MAX } else { HOPS_MAX };
    // Whoever only hears of what goes round is no part of it, and goes on.
    let in_circle = path.contains(name) || crate::planted::is("circle-stops-bystanders");
    if in_circle && caught.hops >= most {
        let circle = circle(turn, &path, name)?;
        let note = format!("{HOPS_MAX} events led to each other: {circle}");
        return dead(turn, name, caught, Problem::new(Code::EVENT_LOOP, note));
    }
    if is_storm(turn, caught, &path, name)? {
        let circle = circle(turn, &path, name)?;
        let note = format!("one event led back to where it was {AROUND_MAX} times: {circle}");
        return dead(turn, name, caught, Problem::new(Code::EVENT_LOOP, note));
    }
    let vars = || vec![("trigger".to_owned(), caught.var())];
    if let Some(condition) = spec.condition {
        let formula = Formula::Cel(condition);
        let vars = vars();
        let met = turn.value(Compute { formula, vars })?;
        let met = met.and_then(|value| {
            let told = value.as_bool();
            told.ok_or_else(|| "the filter gives neither true nor false".to_owned())
        });
        match met {
            Ok(true) => {}
            Ok(false) => return done(turn, name, caught, None, Began::Nothing),
            Err(why) => return unusable(turn, name, caught, why),
        }
    }
    let Some(starts) = spec.starts else {
        let emits = super::emits(turn, name)?;
        return match handler::handle(turn, name, &emits, caught, &path)? {
            Ok(began) => done(turn, name, caught, None, began),
            Err(Fault::Unusable(why)) => unusable(turn, name, caught, why),
            Err(Fault::Refused(problem)) => dead(turn, name, caught, problem),
        };
    };
    let formula = Formula::Cel("trigger".into());
    let mut whole = caught.var();
    if let Some(driver) = driver::of(name)
        && let Some(config) = driver::config(turn, &driver)?
        && let Var::Object(fields) = &mut whole
    {
        fields.push(("config".to_owned(), config));
    }
    let vars = vec![("trigger".to_owned(), whole)];
    let given = match turn.compute(Compute { formula, vars })? {
        Ok(computed) => computed,
        Err(why) => return unusable(turn, name, caught, why),
    };
    let own = driver::of(name);
    let began = if let Some(driver) = &own
        && let Some(endpoint) = crate::run::endpoint::of(turn, name)?
    {
        let event = super::cloud::structured(caught, &given.value);
        let event = turn.stage(event.to_string().into_bytes())?;
        by_driver(turn, (name, driver), caught, event, |turn, wanted| {
            crate::run::endpoint::ask(turn, wanted, name, &endpoint)
        })
    } else if let Some(driver) = &own
        && let Some(native) = crate::run::native::of(turn, driver)?
    {
        by_driver(turn, (name, driver), caught, given.body, |turn, wanted| {
            crate::run::native::answer(turn, wanted, name, &native, &given.value["data"])
        })
    } else {
        match input(turn, &starts, caught, &given.value, given.body)? {
            Ok(input) => begin(turn, name, &starts, caught, input),
            Err(why) => return unusable(turn, name, caught, why),
        }
    };
    match began {
        Ok(began) => done(turn, name, caught, Some(given.body), began),
        Err(Stop::Refused(refusal)) => {
            let problem = Problem::new(refusal.code, refusal.what);
            dead(turn, name, caught, problem)
        }
        Err(stop) => Err(stop),
    }
}

/// What it is given: what its template says; a plan else those of its inputs that the event's data
/// has, everything else the whole event.
fn input(
    turn: &Turn<'_>,
    starts: &Starts,
    caught: &Caught,
    event: &Value,
    whole: BodyRef,
) -> Done<Result<BodyRef, String>> {
    if let Some(template) = &starts.input {
        let formula = Formula::Template(template.clone());
        let vars = vec![("trigger".to_owned(), caught.var())];
        let made = turn.compute(Compute { formula, vars })?;
        return Ok(made.and_then(|computed| once(&computed)));
    }
    if !matches!(starts.kind, Kind::Plan | Kind::Instruction) {
        return Ok(Ok(whole));
    }
    let key = crate::state::ResourceKey(starts.kind, starts.name.clone());
    if turn.resource(&key)?.is_none() {
        return Ok(Ok(whole)); // beginning it says what is missing
    }
    let (plan, ..) = match starts.kind {
        Kind::Plan => crate::resource::plan(turn, &starts.name)?,
        _ => crate::resource::instruction(turn, &starts.name)?,
    };
    let mut inputs = serde_json::Map::new();
    for wanted in &plan.inputs {
        if let Some(value) = event["data"].get(&wanted.name) {
            inputs.insert(wanted.name.clone(), value.clone());
        }
    }
    let bytes = Value::Object(inputs).to_string().into_bytes();
    Ok(Ok(turn.stage(bytes)?))
}

/// What a template made; where it is JSON, nothing of it is lost when it is read.
pub(super) fn once(made: &Computed) -> Result<BodyRef, String> {
    let text = made.value.as_str().unwrap_or_default();
    match crate::compute::unkept(text.as_bytes()) {
        Some(found) => Err(format!("in what the template gives, {found}")),
        None => Ok(made.body),
    }
}

/// The task that an event begins first.
pub(crate) fn first_task(event: EventId, name: &Name) -> TaskId {
    TaskId::derived(event.0, &format!("trigger/{name}"))
}

/// The task that an event begins now: where it failed and is given again, another one.
fn next_task(turn: &Turn<'_>, event: EventId, name: &Name) -> Done<TaskId> {
    let trace = turn.trace(&TraceKey(event, name.clone()))?;
    Ok(match trace.map(|trace| trace.began) {
        Some(Began::Task(before)) => TaskId::derived(before.0, "again"),
        _ => first_task(event, name),
    })
}

/// The task that an event begins; none where it is part of a step that gave up meanwhile.
fn wanted(
    turn: &Turn<'_>,
    name: &Name,
    caught: &Caught,
    (input, agent): (BodyRef, Option<Name>),
    parent: Option<Parent>,
) -> Done<Option<Wanted>> {
    if let Some(parent) = &parent
        && !crate::plan::still_asks(turn, parent)?
    {
        return Ok(None);
    }
    Ok(Some(Wanted {
        task: next_task(turn, caught.event, name)?,
        title: turn.seal(caught.topic.clone())?,
        input,
        agent,
        parent,
        by: Actor::Trigger(name.clone(), caught.event),
    }))
}

/// The task of a driver that does its own work, which `begins` begins.
fn by_driver<'t>(
    turn: &mut Turn<'t>,
    (name, driver): (&Name, &Name),
    caught: &Caught,
    input: BodyRef,
    begins: impl FnOnce(&mut Turn<'t>, Wanted) -> Done,
) -> Done<Began> {
    let Some(wanted) = wanted(turn, name, caught, (input, None), caught.asks.clone())? else {
        return Ok(Began::Nothing);
    };
    let task = wanted.task;
    begins(turn, wanted)?;
    driver::given(turn, driver.clone(), task, caught.event)?;
    Ok(Began::Task(task))
}

fn begin(
    turn: &mut Turn<'_>,
    name: &Name,
    starts: &Starts,
    caught: &Caught,
    input: BodyRef,
) -> Done<Began> {
    if starts.kind == Kind::Agent {
        // A driver's task is part of the step that waits for its answer.
        let parent = caught.asks.clone().filter(|_| super::is_driver(name));
        let given = (input, Some(starts.name.clone()));
        let Some(wanted) = wanted(turn, name, caught, given, parent)? else {
            return Ok(Began::Nothing);
        };
        let task = wanted.task;
        crate::task::open(turn, wanted)?;
        if let Some(driver) = driver::of(name) {
            driver::given(turn, driver, task, caught.event)?;
        }
        return Ok(Began::Task(task));
    }
    let by = Actor::Trigger(name.clone(), caught.event);
    match crate::plan::start(turn, &by, starts.kind, &starts.name, input)? {
        Reply::Plan(plan) => Ok(Began::Plan(plan)),
        _ => Err(Stop::broken("a plan that began without a name".into())),
    }
}

fn done(
    turn: &mut Turn<'_>,
    name: &Name,
    caught: &Caught,
    given: Option<BodyRef>,
    began: Began,
) -> Done {
    turn.emit(event::Triggered {
        consumer: name.clone(),
        event: caught.event,
        given,
        began,
    })
}

/// An expression gave no usable value: it would again.
fn unusable(turn: &mut Turn<'_>, name: &Name, caught: &Caught, why: String) -> Done {
    let said = Some(turn.seal(why.clone())?);
    let note = format!("an expression of {name} gave no usable value");
    let error = format!("{note}: {why}");
    let code = Code::BAD_EXPRESSION;
    put_aside(turn, name, caught, Problem { code, note, said }, &error)
}

fn dead(turn: &mut Turn<'_>, name: &Name, caught: &Caught, problem: Problem) -> Done {
    let error = problem.note.clone();
    put_aside(turn, name, caught, problem, &error)
}

fn put_aside(
    turn: &mut Turn<'_>,
    name: &Name,
    caught: &Caught,
    problem: Problem,
    error: &str,
) -> Done {
    if super::is_driver(name)
        && let Some(asker) = &caught.asks
    {
        crate::plan::unanswered(turn, asker, problem.clone())?;
    }
    match &driver::of(name) {
        Some(driver) => {
            let note = &problem.note;
            handler::tell(
                turn,
                failure(Who::Driver(driver), name, caught, note, problem.code),
            )?;
        }
        None => tell(turn, name, caught, error, problem.code)?,
    }
    turn.emit(event::Dead {
        consumer: name.clone(),
        event: caught.event,
        seq: None,
        attempts: 1,
        problem,
        task: None,
    })
}

/// Tells that a subscription failed at an event, unless that one tells of a failure itself.
pub(super) fn tell(
    turn: &mut Turn<'_>,
    name: &Name,
    caught: &Caught,
    error: &str,
    code: Code,
) -> Done {
    if caught.topic == ERROR_TOPIC {
        return Ok(());
    }
    handler::tell(turn, failure(Who::Handler, name, caught, error, code))
}

/// Nothing ran.
fn failure<'a>(
    who: Who<'a>,
    subscription: &'a Name,
    caught: &Caught,
    error: &'a str,
    code: Code,
) -> Failure<'a> {
    Failure {
        who,
        subscription,
        event: caught.event,
        run: None,
        correlation: caught.correlation.clone(),
        hops: caught.hops,
        error,
        code,
        said: None,
    }
}

/// Those of the circle that ends with `name`, each once.
fn round<'p>(path: &'p [Name], name: &Name) -> &'p [Name] {
    let start = path.iter().rposition(|one| one == name).unwrap_or(0);
    &path[start..]
}

/// The circle that ends where it begins, by name, with what each of them begins between it and the
/// next one: `a → plan p → b → plan q → a`.
fn circle(turn: &Turn<'_>, path: &[Name], name: &Name) -> Done<String> {
    let mut names = Vec::new();
    for (place, one) in round(path, name).iter().enumerate() {
        let (called, begins) = by_name(turn, one, place < NAMED_MAX)?;
        names.push(called);
        names.extend(begins);
    }
    names.push(by_name(turn, name, true)?.0);
    Ok(names.join(" → "))
}

/// Of how many in a circle it is looked up what they begin: each may be a record to load.
const NAMED_MAX: usize = 16;

/// What people call a subscription, and what it begins: that of an instruction is the instruction,
/// which is what it begins, too.
fn by_name(turn: &Turn<'_>, name: &Name, looked_up: bool) -> Done<(String, Option<String>)> {
    if let Some(own) = name.as_str().strip_prefix(INSTRUCTION_PREFIX) {
        return Ok((format!("{} {own}", Kind::Instruction.word()), None));
    }
    let called = match driver::of(name) {
        Some(own) => format!("{} {own}", Kind::Driver.word()),
        None => name.to_string(),
    };
    let starts = match looked_up {
        true => subscription(turn, name)?.and_then(|spec| spec.starts),
        false => None,
    };
    let begins = starts.map(|starts| format!("{} {}", starts.kind.word(), starts.name));
    Ok((called, begins))
}

/// How many events count as having led to one that is given again after a circle was broken: where
/// nobody mended it, it is broken again when it comes around.
pub(super) fn once_around(turn: &Turn<'_>, name: &Name, caught: &Caught) -> Done<u32> {
    if crate::planted::is("replay-begins-anew") {
        return Ok(0);
    }
    let path = path(turn, caught)?;
    let round = u32::try_from(round(&path, name).len()).unwrap_or(HOPS_MAX);
    Ok(HOPS_MAX.saturating_sub(round.max(1)))
}

pub(super) fn fold(turn: &mut Turn<'_>, f: &event::Triggered) -> Done {
    let caught = turn
        .consumer(&f.consumer)?
        .and_then(|c| c.pending.front().cloned());
    let Some(caught) = caught.filter(|caught| caught.event == f.event) else {
        return Err(Stop::broken(format!(
            "{} waits for no {}",
            f.consumer, f.event
        )));
    };
    if f.began != Began::Nothing {
        let mut path = path(turn, &caught)?;
        let first = first(turn, &caught, &path)?;
        if path.contains(&f.consumer)
            && let Some(first) = &first
            && turn.trace(first)?.is_some()
        {
            turn.trace_mut(first)?.around += 1;
        }
        path.push(f.consumer.clone());
        let key = TraceKey(f.event, f.consumer.clone());
        // What is given again goes on with what it led to before.
        let around = turn.trace(&key)?.map_or(0, |before| before.around);
        let trace = Trace {
            given: f.given,
            correlation: caught.correlation,
            hops: caught.hops,
            path,
            began: f.began,
            of_error: caught.topic == ERROR_TOPIC,
            root: first.map(|first| first.0),
            around,
        };
        turn.put_trace(key, Some(trace));
    }
    let consumer = turn.consumer_mut(&f.consumer)?;
    consumer.pending.pop_front();
    consumer.rest = None;
    consumer.done += 1;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes that were written before failures were told of, byte for byte.
    #[test]
    fn what_was_kept_before_is_read() {
        let mut old = vec![0, 1, b'c', 3, 1, 1, b's', 2]; // nothing given, c, 3 hops, by s, nothing
        let wanted = Trace {
            given: None,
            correlation: "c".into(),
            hops: 3,
            path: vec![Name::new("s").unwrap()],
            began: Began::Nothing,
            of_error: false,
            root: None,
            around: 0,
        };
        assert_eq!(Trace::lift(1, &old), Some(wanted.clone()));
        assert_eq!(Trace::lift(4, &old), None);
        old.push(0); // it tells of no failure
        assert_eq!(Trace::lift(2, &old), Some(wanted.clone()));
        old.extend([0, 0]); // it began here, and nothing was counted
        assert_eq!(postcard::to_stdvec(&wanted).unwrap(), old);
    }
}
