//! A handler made of expressions: an event becomes other events in the commit that says that it was
//! handled, all of them or none. And what is told where something that an event set off fails.

use naos_types::fact::event::{Began, Category, Origin, Published};
use naos_types::fact::{Problem, plan, task};
use naos_types::spec::Emits;
use naos_types::{Actor, BodyRef, Code, EventId, Name, PlanStatus, Sealed, TaskStatus, Tier};
use serde_json::{Value, json};

use super::wait::{self, WAITERS_MAX};
use super::{Caught, ERROR_SAID_BYTES_MAX, TraceKey, bus, trigger};
use crate::need::{Compute, Formula, Need};
use crate::resource::ERROR_TOPIC;
use crate::state::Key;
use crate::turn::{Done, Turn};

/// Why nothing was made of an event.
pub(super) enum Fault {
    /// An expression gave no usable value, and why.
    Unusable(String),
    /// What it made can't be published.
    Refused(Problem),
}

/// Makes of an event what a handler says; `path` are the subscriptions that led to it.
pub(super) fn handle(
    turn: &mut Turn<'_>,
    name: &Name,
    emits: &[Emits],
    caught: &Caught,
    path: &[Name],
) -> Done<Result<Began, Fault>> {
    let made = match made(turn, emits, caught)? {
        Ok(made) => made,
        Err(why) => return Ok(Err(Fault::Unusable(why))),
    };
    if made.is_empty() {
        return Ok(Ok(Began::Nothing));
    }
    // Those of one circle are counted together: it must not grow with each round.
    let grows = path.contains(name) && !crate::planted::is("storm-goes-on");
    let hops = if grows { made.len() } else { 1 };
    let origin = Origin {
        category: Category::Internal,
        correlation: Some(caught.correlation.clone()),
        causation: Some(caught.event.to_string()),
        hops: caught.hops + u32::try_from(hops).unwrap_or(1),
        trigger: Some((name.clone(), caught.event)),
        ..Origin::default()
    };
    let by = Actor::Trigger(name.clone(), caught.event);
    let mut all = Vec::with_capacity(made.len());
    for (topic, data) in made {
        if let Err(refusal) = super::check(&topic, data, &origin) {
            let problem = Problem::new(refusal.code, refusal.what);
            return Ok(Err(Fault::Refused(problem)));
        }
        all.push(Published {
            event: turn.mint.next_id(),
            topic,
            data,
            by: by.clone(),
            origin: Box::new(origin.clone()),
        });
    }
    if let Err(problem) = heard(turn, &mut all)? {
        return Ok(Err(Fault::Refused(problem)));
    }
    let count = u32::try_from(all.len()).unwrap_or(u32::MAX);
    for fact in all {
        turn.emit(fact)?;
    }
    Ok(Ok(Began::Events(count)))
}

/// The types and data of what is made of an event, in order; all is asked for in one round.
fn made(
    turn: &Turn<'_>,
    emits: &[Emits],
    caught: &Caught,
) -> Done<Result<Vec<(String, BodyRef)>, String>> {
    let compute = |formula| Compute {
        formula,
        vars: vec![("trigger".to_owned(), caught.var())],
    };
    let when = |one: &Emits| one.when.clone().map(|cel| compute(Formula::Cel(cel)));
    let data = |one: &Emits| {
        let template = one.data.clone();
        template.map(|template| compute(Formula::Template(template)))
    };
    turn.all(emits.iter().filter_map(when).map(Need::Value))?;
    let mut wanted = Vec::with_capacity(emits.len());
    for one in emits {
        if let Some(when) = when(one) {
            match turn.value(when)?.map(|value| value.as_bool()) {
                Ok(Some(true)) => {}
                Ok(Some(false)) => continue,
                Ok(None) => {
                    let what = format!("`when` of {} gives neither true nor false", one.kind);
                    return Ok(Err(what));
                }
                Err(why) => return Ok(Err(format!("`when` of {}: {why}", one.kind))),
            }
        }
        wanted.push(one);
    }
    // Of what isn't emitted no content is made.
    let all = wanted.iter().filter_map(|one| data(one));
    turn.all(all.map(Need::Compute))?;
    let mut out = Vec::with_capacity(wanted.len());
    for one in wanted {
        let data = match data(one) {
            None => turn.stage(b"{}".to_vec())?,
            Some(data) => match turn.compute(data)?.and_then(|made| trigger::once(&made)) {
                Ok(data) => data,
                Err(why) => return Ok(Err(format!("`data` of {}: {why}", one.kind))),
            },
        };
        out.push((one.kind.clone(), data));
    }
    Ok(Ok(out))
}

/// Who hears them: all of it is loaded at once, and no more steps wake than one event may wake.
fn heard(turn: &Turn<'_>, all: &mut [Published]) -> Done<Result<(), Problem>> {
    let mut keys = Vec::new();
    for fact in &*all {
        keys.extend(bus::triggers(turn, fact)?.into_iter().map(Key::Consumer));
    }
    turn.load(keys)?;
    let mut steps = 0;
    for fact in all {
        steps += wait::waiting(turn, fact)?.len();
        fact.origin.heard = bus::is_heard(turn, fact)?;
    }
    if steps > WAITERS_MAX {
        let note = format!("{steps} steps wait for what is made of it, at most {WAITERS_MAX}");
        return Ok(Err(Problem::new(Code::BUSY, note)));
    }
    Ok(Ok(()))
}

/// Who failed at an event.
#[derive(Clone, Copy)]
pub(crate) enum Who<'a> {
    /// What a subscription set off, or was to set off.
    Handler,
    /// A driver.
    Driver(&'a Name),
}

/// A failure, for whoever listens to errors.
pub(crate) struct Failure<'a> {
    /// Who failed.
    pub(crate) who: Who<'a>,
    /// The subscription that heard the event.
    pub(crate) subscription: &'a Name,
    /// The event that it failed at.
    pub(crate) event: EventId,
    /// What ran, if anything did.
    pub(crate) run: Option<String>,
    /// The conversation.
    pub(crate) correlation: String,
    /// How many events led to that one.
    pub(crate) hops: u32,
    /// Why, in a sentence.
    pub(crate) error: &'a str,
    /// Its code.
    pub(crate) code: Code,
    /// Who said something about it in their own words, and what.
    pub(crate) said: Option<(Tier, Sealed)>,
}

/// What whoever failed said of it, as data: a stranger's words stand by themselves, beside who
/// said them, and never in a sentence of naos's own.
fn words(turn: &Turn<'_>, said: Option<&(Tier, Sealed)>) -> Done<Value> {
    let nothing = json!({"by": null, "text": ""});
    let Some((tier, sealed)) = said else {
        return Ok(nothing);
    };
    let Some(text) = turn.unseal(sealed)? else {
        return Ok(nothing);
    };
    let cut = if crate::planted::is("error-tells-all") {
        text.len()
    } else {
        text.floor_char_boundary(ERROR_SAID_BYTES_MAX)
    };
    let more = if cut < text.len() { "…" } else { "" };
    Ok(json!({"by": tier.word(), "text": format!("{}{more}", &text[..cut])}))
}

/// Tells whoever listens to errors.
pub(crate) fn tell(turn: &mut Turn<'_>, failure: Failure<'_>) -> Done {
    let (key, name, bug) = match failure.who {
        Who::Handler => ("handler", failure.subscription, "handler-fails-in-silence"),
        Who::Driver(driver) => ("driver", driver, "driver-fails-in-silence"),
    };
    // Whoever listens to these may fail, too: a circle is broken, and nobody is told of that.
    if failure.code == Code::EVENT_LOOP || crate::planted::is(bug) {
        return Ok(());
    }
    let data = json!({
        key: name,
        "error": failure.error,
        "code": failure.code,
        "event": failure.event,
        "run": failure.run,
        "said": words(turn, failure.said.as_ref())?,
    });
    let data = turn.stage(data.to_string().into_bytes())?;
    let origin = Origin {
        category: Category::Internal,
        correlation: Some(failure.correlation),
        causation: Some(failure.event.to_string()),
        hops: failure.hops + 1,
        trigger: Some((failure.subscription.clone(), failure.event)),
        ..Origin::default()
    };
    super::publish(turn, &Actor::System, ERROR_TOPIC, data, origin).map(drop)
}

/// Whether this event says that this subscription failed: it isn't set off by that.
pub(super) fn is_own_failure(name: &Name, fact: &Published) -> bool {
    fact.topic == ERROR_TOPIC
        && fact.by == Actor::System
        && matches!(&fact.origin.trigger, Some((failed, _)) if failed == name)
        && !crate::planted::is("failure-sets-itself-off")
}

/// A task that an event began failed.
pub(crate) fn task_failed(turn: &mut Turn<'_>, by: &Actor, f: &task::Closed) -> Done {
    if f.status != TaskStatus::Failed {
        return Ok(());
    }
    let task = crate::task::known(turn, f.task)?;
    let run = task.run.map(|run| run.to_string());
    let said = said(task.tier, f.problem.as_ref());
    failed(turn, by, run, f.problem.as_ref(), said)
}

/// The words of whoever did a task, as they are sealed.
pub(crate) fn said(tier: Option<Tier>, problem: Option<&Problem>) -> Option<(Tier, Sealed)> {
    Some((tier?, problem?.said.clone()?))
}

/// So did a run of a plan.
pub(crate) fn plan_failed(turn: &mut Turn<'_>, f: &plan::Closed) -> Done {
    if !matches!(f.status, PlanStatus::Failed | PlanStatus::RolledBack) {
        return Ok(());
    }
    let by = crate::plan::known(turn, f.plan)?.by.clone();
    let run = Some(f.plan.to_string());
    // Who of all that took part said what stands in the plan's record.
    failed(turn, &by, run, f.problem.as_ref(), None)
}

fn failed(
    turn: &mut Turn<'_>,
    by: &Actor,
    run: Option<String>,
    problem: Option<&Problem>,
    said: Option<(Tier, Sealed)>,
) -> Done {
    let Actor::Trigger(handler, event) = by else {
        return Ok(());
    };
    if super::is_driver(handler) {
        return Ok(()); // how a driver came back says so
    }
    let trace = turn.trace(&TraceKey(*event, handler.clone()))?;
    let Some(trace) = trace.filter(|trace| !trace.of_error) else {
        return Ok(());
    };
    let failure = Failure {
        who: Who::Handler,
        subscription: handler,
        event: *event,
        run,
        correlation: trace.correlation.clone(),
        hops: trace.hops,
        error: problem.map_or("it ended without an answer", |problem| &problem.note),
        code: problem.map_or(Code::STEP_FAILED, |problem| problem.code),
        said,
    };
    tell(turn, failure)
}
