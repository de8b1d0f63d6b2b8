//! Steps that wait: for an event, a signal or a time. What they wait for ends them in the commit
//! that brings it.

use naos_types::fact::event::Published;
use naos_types::fact::plan::{self, Fact};
use naos_types::fact::{Problem, plan as facts};
use naos_types::spec::{StepDo, StepSpec, WaitFor};
use naos_types::{BodyRef, Code, Name, PlanId, Span, StepPath, StepStatus, Time};

use super::{Plan, known, outcome, vars};
use crate::event::Caught;
use crate::need::{Compute, Formula, Need};
use crate::turn::{Done, Turn};

/// What a step waits for.
pub(super) const fn of(spec: &StepSpec) -> Option<&WaitFor> {
    match &spec.action {
        StepDo::Wait(wait) => Some(wait),
        _ => None,
    }
}

/// What is wrong with a step that waits, whoever sent it.
pub(super) fn unsound(spec: &StepSpec) -> Option<String> {
    let wait = of(spec)?;
    if spec.for_each.is_some() {
        return Some("waits once, not for each item of a list".into());
    }
    match wait {
        WaitFor::Event { topic, .. } => naos_types::spec::pattern(topic).err(),
        WaitFor::Time { span } if span.0 < 1 => Some("waits for no time at all".into()),
        WaitFor::Time { .. } | WaitFor::Until { .. } if spec.timeout.is_some() => {
            Some("waits for a time, so that it has no `timeout`".into())
        }
        _ => None,
    }
}

/// Whether its time is what it waits for: then it is done when that comes, not late.
pub(super) fn is_clock(plan: &Plan, step: &Name) -> bool {
    let spec = plan.known(step);
    let wait = spec.and_then(of);
    matches!(wait, Some(WaitFor::Time { .. } | WaitFor::Until { .. }))
}

/// When the time comes that the step waits for; the inner error is a sentence.
pub(super) fn ends(
    turn: &Turn<'_>,
    plan: &Plan,
    spec: &StepSpec,
) -> Done<Result<Option<Time>, String>> {
    match of(spec) {
        Some(WaitFor::Time { span }) if crate::planted::is("times-come-early") => {
            Ok(Ok(Some(turn.now + Span(span.0 / 2))))
        }
        Some(WaitFor::Time { span }) => Ok(Ok(Some(turn.now + *span))),
        Some(WaitFor::Until { at }) => {
            let formula = Formula::Template(at.clone());
            let made = vars::value(turn, plan, &spec.name, None, formula)?;
            Ok(made.and_then(|value| {
                let text = value.as_str().unwrap_or_default();
                let at = Time::parse(text.trim());
                at.map(Some)
                    .ok_or_else(|| format!("{text:?} is no time like 2026-03-01T08:00:00Z"))
            }))
        }
        _ => Ok(Ok(spec.timeout.map(|timeout| turn.now + timeout))),
    }
}

/// The step began: whatever it waits for may be there already.
pub(super) fn begin(
    turn: &mut Turn<'_>,
    id: PlanId,
    plan: &Plan,
    spec: &StepSpec,
    at: &StepPath,
) -> Done<Result<(), String>> {
    match of(spec) {
        Some(WaitFor::Event {
            topic, correlation, ..
        }) => {
            let correlation = match correlation {
                None => None,
                Some(template) => {
                    let formula = Formula::Template(template.clone());
                    match vars::value(turn, plan, &spec.name, None, formula)? {
                        Ok(value) => value.as_str().map(str::to_owned),
                        Err(why) => return Ok(Err(why)),
                    }
                }
            };
            if !crate::event::await_event(turn, id, at, topic, correlation)? {
                let max = crate::event::WAITERS_MAX;
                let note = format!("{max} steps wait for {topic}: name a `correlation`");
                let problem = Problem::new(Code::BUSY, note);
                outcome::failed_for_good(turn, id, plan, at.clone(), problem)?;
            }
        }
        Some(WaitFor::Signal { .. }) if !crate::planted::is("early-signals-are-lost") => {
            signalled(turn, id)?;
        }
        _ => {}
    }
    Ok(Ok(()))
}

fn done(turn: &mut Turn<'_>, plan: PlanId, at: StepPath, output: Option<BodyRef>) -> Done {
    turn.emit(plan::StepDone::by_itself(plan, at, output))
}

/// The time that a step waits for has come.
pub(super) fn time_came(turn: &mut Turn<'_>, id: PlanId, at: StepPath) -> Done {
    done(turn, id, at, None)
}

/// Whether any step of the run takes this signal.
pub(crate) fn takes_signal(plan: &Plan, signal: &Name) -> bool {
    let mut all = plan.spec.steps.iter().filter_map(of);
    all.any(|wait| matches!(wait, WaitFor::Signal { name } if name == signal))
}

/// A step that waits for a signal takes one that is kept.
pub(crate) fn signalled(turn: &mut Turn<'_>, id: PlanId) -> Done {
    let Some(kept) = turn.signals(&id)?.cloned() else {
        return Ok(());
    };
    let plan = known(turn, id)?;
    let running = |spec: &&StepSpec| {
        let step = plan.steps.get(&spec.name);
        step.is_some_and(|step| step.status == StepStatus::Running)
    };
    let taken = plan.spec.steps.iter().filter(running).find_map(|spec| {
        let Some(WaitFor::Signal { name }) = of(spec) else {
            return None;
        };
        let data = kept.kept.get(name)?.front()?;
        Some((spec.name.clone(), *data))
    });
    let Some((step, data)) = taken else {
        return Ok(());
    };
    done(turn, id, StepPath { step, item: None }, Some(data))
}

/// One step that waits for an event like this.
struct Asked {
    plan: PlanId,
    at: StepPath,
    condition: Option<Compute>,
}

/// An event was published: steps that wait for it are done.
pub(crate) fn heard(turn: &mut Turn<'_>, fact: &Published) -> Done {
    if !fact.origin.heard {
        return Ok(());
    }
    let waiting = crate::event::waiting(turn, fact)?;
    if waiting.is_empty() {
        return Ok(());
    }
    let caught = Caught::of(fact, turn.now);
    let mut asked = Vec::with_capacity(waiting.len());
    for (id, at) in waiting {
        let plan = known(turn, id)?;
        let spec = plan.spec_of(&at.step)?;
        let condition = match of(spec) {
            Some(WaitFor::Event { condition, .. }) => condition.clone(),
            _ => None,
        };
        let condition = condition.map(|source| {
            let mut vars = vars::vars(plan, &spec.name, None, &source);
            vars.push(("event".to_owned(), caught.var()));
            let formula = Formula::Cel(source);
            Compute { formula, vars }
        });
        asked.push(Asked {
            plan: id,
            at,
            condition,
        });
    }
    let whole = Compute {
        formula: Formula::Cel("event".into()),
        vars: vec![("event".to_owned(), caught.var())],
    };
    let conditions = asked.iter().filter_map(|one| one.condition.clone());
    turn.all(conditions.map(Need::Value))?;
    for Asked {
        plan,
        at,
        condition,
    } in asked
    {
        let met = match condition {
            None => Ok(true),
            // An event that lacks what the condition asks for isn't the one that is waited for.
            Some(condition) => match turn.value(condition)? {
                Err(why) if crate::planted::is("odd-event-ends-a-wait") => Err(why),
                told => Ok(told.is_ok_and(|value| value.as_bool() == Some(true))),
            },
        };
        let output = match met {
            Ok(false) => continue,
            Ok(true) => turn.compute(whole.clone())?,
            Err(why) => Err(why),
        };
        match output {
            Ok(computed) => done(turn, plan, at, Some(computed.body))?,
            Err(why) => broken(turn, plan, at, why)?,
        }
    }
    Ok(())
}

/// The event can't be its output: the step fails, and whoever published hears nothing of it.
fn broken(turn: &mut Turn<'_>, id: PlanId, at: StepPath, why: String) -> Done {
    let plan = super::held(turn, id)?;
    super::advance::broken_formula(turn, id, &plan, at, why)
}

/// Keeps who waits for what in step with the run.
pub(super) fn fold(turn: &mut Turn<'_>, fact: &Fact) -> Done {
    match fact {
        Fact::StepDone(facts::StepDone { plan, at, .. })
        | Fact::StepFailed(facts::StepFailed { plan, at, .. }) => {
            let found = known(turn, *plan)?;
            let wait = found.spec_of(&at.step).ok().and_then(of).cloned();
            let is_done = matches!(fact, Fact::StepDone(_));
            match wait {
                Some(WaitFor::Event { .. }) => crate::event::leave(turn, *plan, at),
                Some(WaitFor::Signal { name }) if is_done => take(turn, *plan, &name),
                _ => Ok(()),
            }
        }
        Fact::StepSkipped(facts::StepSkipped { plan, at, by, .. }) if by.is_some() => {
            crate::event::leave(turn, *plan, at)
        }
        Fact::Closed(facts::Closed { plan, .. })
        | Fact::UndoBegan(facts::UndoBegan { plan, .. }) => {
            let waits = known(turn, *plan)?
                .spec
                .steps
                .iter()
                .any(|s| of(s).is_some());
            if waits {
                crate::event::leave_all(turn, *plan)?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// The signal that a step took is kept no longer.
fn take(turn: &mut Turn<'_>, id: PlanId, name: &Name) -> Done {
    let Some(mut signals) = turn.signals(&id)?.cloned() else {
        return Ok(());
    };
    if let Some(kept) = signals.kept.get_mut(name) {
        kept.pop_front();
        if kept.is_empty() {
            signals.kept.remove(name);
        }
    }
    let left = (!signals.kept.is_empty()).then_some(signals);
    turn.put_signals(id, left);
    Ok(())
}
