//! What a cell leaves as it stands and looks at again after a while. To another process that may
//! have the data next it leaves calls outside of work that didn't begin here, and that lack
//! something here, the key of a model say: a run that would make one stays where it is, before its
//! intent; what is on its way and may be done again waits. And a run waits for money that others
//! have set aside.

use std::collections::BTreeSet;
use std::sync::Arc;

use naos_kernel::{AnyAggregate, Decision, Input, Key, Order};
use naos_types::effect::{Call, Caller, Effect, EffectId};
use naos_types::{Actor, RunId, Span, TaskId, Time};

use super::cell::{Cell, Queued};
use super::{NewBody, Outgoing};

/// When what was left is looked at again.
const LOOK: Span = Span(500);
/// How many times work is begun by other work, at the most.
const DEEP_MAX: usize = 64;

/// Whether a call, with its request, is another process's: told is, too, when the work began that
/// it is part of, where that is known.
pub type Leaves = Arc<dyn Fn(&Call, &[u8], Option<Time>) -> bool + Send + Sync>;

/// What was left.
#[derive(Debug, Default)]
pub(super) struct Left {
    /// Runs that would ask.
    pub(super) runs: BTreeSet<RunId>,
    /// Calls whose intents are durable.
    calls: BTreeSet<EffectId>,
    /// When they are looked at again.
    pub(super) until: Option<Time>,
}

impl Left {
    pub(super) fn is_empty(&self) -> bool {
        self.runs.is_empty() && self.calls.is_empty()
    }
}

impl Cell {
    /// Lets an order out, unless it is left.
    pub(super) fn execute(&mut self, order: Order, out: &mut Vec<Outgoing>) {
        let is_left = match &order.effect {
            // What may be done only once is lost at the next start if it is on its way.
            Effect::Call(call) if super::opening::once(&order.effect).is_none() => {
                self.is_left(call, &[])
            }
            _ => false,
        };
        if is_left {
            self.running.remove(&order.effect.id());
            self.left.calls.insert(order.effect.id());
            self.left.until.get_or_insert(self.state.head().at + LOOK);
            return;
        }
        out.push(Outgoing::Execute {
            tenant: self.id,
            order,
        });
    }

    /// Whether a decision is not taken now, since the run waits for money, or not here, since it
    /// would ask for what this process lacks: the run stands where it stood.
    pub(super) fn leaves_undecided(
        &mut self,
        now: Time,
        input: &Input,
        decision: &Decision,
        made: &[NewBody],
    ) -> bool {
        let Input::Think(run) = input else {
            return false;
        };
        let calls = decision
            .orders
            .iter()
            .filter_map(|order| match &order.effect {
                Effect::Call(call) => Some(call),
                _ => None,
            });
        let is_left = decision.waits || calls.into_iter().any(|call| self.is_left(call, made));
        if is_left {
            self.left.runs.insert(*run);
            self.left.until = Some(now + LOOK);
        }
        is_left
    }

    /// Looks again at what was left, when it is time.
    pub(super) fn look_at_left(&mut self, now: Time, out: &mut Vec<Outgoing>) {
        if self.left.until.is_none_or(|until| until > now) {
            return;
        }
        self.left.until = None;
        let runs = std::mem::take(&mut self.left.runs);
        let runs = runs.into_iter().map(|run| Queued::Own(Input::Think(run)));
        self.returns.extend(runs);
        let calls = std::mem::take(&mut self.left.calls);
        if calls.is_empty() {
            return;
        }
        for order in naos_kernel::open_effects(&self.state) {
            let id = order.effect.id();
            if calls.contains(&id) && self.running.insert(id) {
                self.execute(order, out);
            }
        }
        self.left.until = self.left.until.map(|_| now + LOOK);
    }

    fn is_left(&self, call: &Call, made: &[NewBody]) -> bool {
        let Some(leaves) = &self.leaves else {
            return false;
        };
        // What can't be read is told by whoever carries it out.
        let Ok(Some(request)) = self.content(&call.request, &[], made) else {
            return false;
        };
        leaves(call, &request, self.began(call))
    }

    /// When the work began that a call is part of, whatever began by itself in it.
    fn began(&self, call: &Call) -> Option<Time> {
        let Caller::Run(run, _) = call.by else {
            return None;
        };
        let mut at = Key::Task(self.task_of(run)?);
        for _ in 0..DEEP_MAX {
            let (by, began) = match self.state.get(&at)? {
                AnyAggregate::Task(task) => (task.by.clone(), task.opened),
                AnyAggregate::Plan(plan) => (plan.by.clone(), plan.started),
                _ => return None,
            };
            at = match by {
                Actor::Plan(plan) => Key::Plan(plan),
                Actor::Task(task) => Key::Task(task),
                Actor::Call(run, _) => Key::Task(self.task_of(run)?),
                _ => return Some(began),
            };
        }
        None
    }

    fn task_of(&self, run: RunId) -> Option<TaskId> {
        match self.state.get(&Key::Run(run))? {
            AnyAggregate::Run(run) => Some(run.task),
            _ => None,
        }
    }
}
