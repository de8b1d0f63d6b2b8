//! Steps that ask: they publish an event and wait for the driver that answers it; and steps that
//! read a document.

use naos_types::fact::Problem;
use naos_types::fact::task::Parent;
use naos_types::spec::{PlanSpec, StepDo};
use naos_types::{Actor, Code, DocPath, Name, Refusal, StepStatus};

use super::start::{Made, Work, made};
use super::{Plan, carry, known, outcome};
use crate::turn::{Done, Stop, Turn};

/// Why a driver's answer won't come.
fn missing(kind: &str, step: &Name) -> String {
    format!("waiting: a driver that answers {kind}, which step {step} asks for")
}

/// Whether the driver is switched off that would take a step's event: then the step isn't done
/// without it. An event that no driver knows is published all the same.
fn off(turn: &Turn<'_>, kind: &str) -> Done<Option<Name>> {
    let off = crate::event::driver_off(turn, kind)?;
    Ok(off.filter(|_| !crate::planted::is("switched-off-is-done")))
}

/// Lets a step fail whose event nobody would take, since the driver that would is switched off, or
/// is there no more since the run began; whether it is so. What no driver ever took is published
/// all the same.
pub(super) fn fails_without(turn: &mut Turn<'_>, work: &Work<'_>, kind: &str) -> Done<bool> {
    let step = &work.spec.name;
    let problem = if let Some(driver) = off(turn, kind)? {
        let note = format!(
            "driver {driver}, which answers {kind} for step {step}, is switched off: `naos driver \
             enable {driver}`"
        );
        Problem::new(Code::DRIVER_OFF, note)
    } else if let Some(driver) = crate::event::driver_gone(turn, kind, work.plan.started)?
        && !crate::planted::is("emitted-to-who-is-gone-is-done")
    {
        let note = format!(
            "driver {driver}, which answered {kind} for step {step} when the run began, is deleted \
             or answers it no more: `naos apply` of a driver that does, then let the run go on"
        );
        Problem::new(Code::DRIVER_OFF, note)
    } else {
        return Ok(false);
    };
    outcome::failed(turn, work.id, work.at.clone(), problem)?;
    Ok(true)
}

/// Refuses to start a plan whose steps use answers that nobody gives.
pub(super) fn waits_for(turn: &Turn<'_>, spec: &PlanSpec) -> Done {
    for step in &spec.steps {
        if let Some(kind) = step.action.publishes()
            && let Some(driver) = off(turn, kind)?
        {
            let what = format!(
                "waiting: driver {driver}, which answers {kind} for step {}, is switched off",
                step.name
            );
            let help = format!("`naos driver enable {driver}` switches it on");
            return Err(Refusal::new(Code::WAITS_FOR, what).help(help).into());
        }
        let StepDo::Ask { kind, needed, .. } = &step.action else {
            continue;
        };
        match crate::event::driver(turn, kind)? {
            None if *needed => {
                return Err(Stop::refused(Code::WAITS_FOR, missing(kind, &step.name)));
            }
            Some((name, _)) if crate::resource::driver::needs_no_agent(turn, &name)? => {}
            Some((_, agent)) if turn.agent(&agent)?.is_none() => {
                let what = format!("waiting: agent {agent}, whose driver answers {kind}");
                return Err(Stop::refused(Code::WAITS_FOR, what));
            }
            _ => {}
        }
    }
    Ok(())
}

pub(super) fn begin(
    turn: &mut Turn<'_>,
    work: &Work<'_>,
    kind: &str,
    data: Option<&str>,
    needed: bool,
) -> Made<()> {
    let data = made!(carry::data(turn, work, data));
    let answered = crate::event::driver(turn, kind)?.is_some();
    let mut origin = crate::event::from_within(turn, &work.id.to_string(), &work.plan.by)?;
    origin.asks = answered.then(|| Parent {
        plan: work.id,
        at: work.at.clone(),
        attempt: work.attempt,
    });
    if let Err(refusal) = crate::event::check(kind, data, &origin) {
        return Ok(Err(refusal.what));
    }
    if fails_without(turn, work, kind)? {
        return Ok(Ok(()));
    }
    if needed && !answered {
        let problem = Problem::new(Code::WAITS_FOR, missing(kind, &work.spec.name));
        outcome::failed(turn, work.id, work.at.clone(), problem)?;
        return Ok(Ok(()));
    }
    crate::event::publish(turn, &Actor::Plan(work.id), kind, data, origin)?;
    if !answered {
        work.done(turn, Some(data))?;
    }
    Ok(Ok(()))
}

impl Plan {
    /// Whether a step of it still waits for the answer to what it asked.
    #[must_use]
    pub fn still_asks(&self, asker: &Parent) -> bool {
        let step = self.steps.get(&asker.at.step);
        let waits = step.is_some_and(|step| match asker.at.item {
            None => step.status == StepStatus::Running && step.attempt == asker.attempt,
            Some(item) => step.fan.as_ref().is_some_and(|fan| {
                let item = fan.open.get(&item);
                item.is_some_and(|item| item.retry_at.is_none() && item.attempt == asker.attempt)
            }),
        });
        !self.is_closed() && waits
    }
}

/// Whether a step still waits for the answer to what it asked.
pub(crate) fn still_asks(turn: &Turn<'_>, asker: &Parent) -> Done<bool> {
    Ok(known(turn, asker.plan)?.still_asks(asker))
}

/// The driver could not be asked: the step that waits for it fails.
pub(crate) fn unanswered(turn: &mut Turn<'_>, asker: &Parent, problem: Problem) -> Done {
    if !still_asks(turn, asker)? {
        return Ok(());
    }
    outcome::failed(turn, asker.plan, asker.at.clone(), problem)
}

/// The text of a document; null where there is none.
pub(super) fn read(turn: &mut Turn<'_>, work: &Work<'_>, path: &str) -> Made<()> {
    let path = made!(work.text(turn, path));
    let path = match DocPath::new(&path) {
        Ok(path) => path,
        Err(what) => return Ok(Err(what)),
    };
    let found = turn.document(&path)?.map(|document| document.body);
    work.done(turn, found)?;
    Ok(Ok(()))
}
