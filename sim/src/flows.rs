//! Workflows, sagas and pools: what failed is undone once, last things first, and nothing that is
//! done is done again. Read from the journal alone, without the rules' own eyes.

use std::collections::{BTreeMap, BTreeSet};

use naos_types::fact::{Fact, plan};
use naos_types::spec::{FlowSpec, FlowStep, Kind, Merge, OnError, PoolSpec, Spec, Strategy};
use naos_types::{Name, PlanId, PlanStatus, Span, TenantId, command};

use crate::chance::Chance;
use crate::journal::ensure;
use crate::sim::Sim;
use crate::workload::name;

/// The workflows and sagas of every tenant that has some.
const FLOWS: [(Kind, &str); 3] = [
    (Kind::Saga, "trip"),
    (Kind::Workflow, "line"),
    (Kind::Pool, "team"),
];

const MERGES: [Merge; 4] = [Merge::All, Merge::First, Merge::Majority, Merge::Quorum];

/// What the facts of runs with steps in a row said so far.
#[derive(Default)]
pub(crate) struct Flows(BTreeMap<PlanId, Seen>);

#[derive(Default)]
struct Seen {
    of: Option<Kind>,
    /// What undoes which step.
    undo: BTreeMap<Name, Name>,
    done: BTreeSet<Name>,
    /// What is done and can be undone, the last thing last.
    to_undo: Vec<Name>,
    undoing: bool,
}

impl Flows {
    pub(crate) fn take(&mut self, fact: &plan::Fact) -> Result<(), String> {
        if let plan::Fact::Started(f) = fact {
            if f.flow.of != Kind::Plan {
                let seen = Seen {
                    of: Some(f.flow.of),
                    undo: f.flow.undo.clone(),
                    ..Seen::default()
                };
                self.0.insert(f.plan, seen);
            }
            return Ok(());
        }
        let Some(seen) = self.0.get_mut(&fact.plan()) else {
            return Ok(()); // a plan
        };
        match fact {
            plan::Fact::StepStarted(f) => seen.begins(&f.at.step),
            plan::Fact::StepDone(f) => {
                if f.at.item.is_none() {
                    seen.ends(&f.at.step);
                }
                Ok(())
            }
            plan::Fact::UndoBegan(_) => {
                ensure(!seen.undoing, || "undone twice".into())?;
                seen.undoing = true;
                Ok(())
            }
            plan::Fact::UndoDecided(f) => {
                if f.done {
                    seen.ends(&f.at.step);
                }
                Ok(())
            }
            plan::Fact::Closed(f) => {
                let left = seen.to_undo.len();
                match f.status {
                    PlanStatus::RolledBack => ensure(seen.undoing && left == 0, || {
                        format!("rolled back with {left} steps left to undo")
                    }),
                    PlanStatus::CompensationFailed => {
                        ensure(seen.undoing, || "nothing was undone".into())
                    }
                    _ => ensure(!seen.undoing, || "it ended while it was undone".into()),
                }
            }
            _ => Ok(()),
        }
    }

    /// What a run with steps in a row is a run of.
    pub(crate) fn of(&self, plan: PlanId) -> Option<Kind> {
        self.0.get(&plan)?.of
    }
}

impl Seen {
    fn begins(&self, step: &Name) -> Result<(), String> {
        ensure(!self.done.contains(step), || {
            format!("{step} was done before and begins again")
        })?;
        match self.undo.get(step) {
            Some(of) => ensure(self.undoing && self.to_undo.last() == Some(of), || {
                format!("{step} undoes {of}, of {:?}", self.to_undo)
            }),
            None => ensure(!self.undoing, || {
                format!("{step} begins while all is undone")
            }),
        }
    }

    fn ends(&mut self, step: &Name) {
        self.done.insert(step.clone());
        match self.undo.get(step) {
            Some(of) => self.to_undo.retain(|done| done != of),
            None if self.undo.values().any(|of| of == step) => self.to_undo.push(step.clone()),
            None => {}
        }
    }
}

fn step(called: &str, agent: &str) -> FlowStep {
    FlowStep::of(name(called), name(agent))
}

fn flow_spec(chance: &mut Chance, kind: Kind) -> FlowSpec {
    let mut spec = FlowSpec {
        steps: vec![
            step("book", "worker"),
            step("pay", "helper"),
            step("tell", "faulty"),
            step("end", "worker"),
        ],
        ..FlowSpec::default()
    };
    spec.steps[1].input = Some("pay for {{ input.mark }}: {{ book.output }}".into());
    spec.step_timeout = chance
        .once_in(3)
        .then(|| Span::secs(chance.within(20, 400).cast_signed()));
    spec.timeout = chance
        .once_in(4)
        .then(|| Span::secs(chance.within(60, 900).cast_signed()));
    if kind == Kind::Saga {
        spec.steps[0].compensate = Some(name("faulty"));
        spec.steps[1].compensate = Some(name("helper"));
        spec.steps[2].compensate = chance.once_in(2).then(|| name("worker"));
    } else {
        spec.on_error = *chance.pick(&[OnError::Stop, OnError::Skip, OnError::Retry]);
    }
    spec
}

fn pool_spec(chance: &mut Chance) -> PoolSpec {
    PoolSpec {
        agents: vec![name("worker"), name("faulty"), name("helper")],
        size: u32::try_from(chance.within(1, 5)).unwrap_or(1),
        strategy: *chance.pick(&[Strategy::RoundRobin, Strategy::LeastBusy, Strategy::Random]),
        ..PoolSpec::default()
    }
}

impl Sim {
    /// What a tenant begins with that has workflows and sagas.
    pub(crate) fn begin_flows(&mut self, tenant: TenantId) {
        for (kind, flow) in FLOWS {
            let chance = &mut self.flow_chance;
            let spec = match kind {
                Kind::Pool => Spec::Pool(pool_spec(chance)),
                _ => Spec::Flow(flow_spec(chance, kind)),
            };
            let name = name(flow);
            let command = command::Resource::Apply { kind, name, spec };
            self.ask(tenant, command.into(), Vec::new(), None, true, 2);
        }
    }

    /// Somebody starts one.
    pub(crate) fn issue_flow(&mut self) {
        if !self.scenarios.flows || self.flow_chance.once_in(2) {
            return;
        }
        let at = self.flow_chance.below(self.tenants.len() as u64);
        let tenant = self.tenants[usize::try_from(at).unwrap_or(0)];
        let canary = crate::clients::canary(tenant);
        let mark = format!("{canary}c{}", self.clients.asked.len());
        let (of, flow) = *self.flow_chance.pick(&FLOWS);
        let task = format!("{{\"mark\":\"{mark}\"}}");
        let text = match of {
            Kind::Pool => {
                let count = self.flow_chance.within(1, 7);
                let tasks: Vec<String> = (0..count).map(|_| task.clone()).collect();
                format!("[{}]", tasks.join(","))
            }
            _ => task,
        };
        let inputs = self.body(tenant, text.as_bytes());
        let (name, staged) = (name(flow), inputs.staged.name);
        let command = match of {
            Kind::Pool => command::Plan::Submit {
                name,
                inputs: staged,
                merge: Some(*self.flow_chance.pick(&MERGES)),
                quorum: None,
            },
            of => command::Plan::Start {
                of,
                name,
                inputs: staged,
            },
        };
        let found = Some(format!("plan {mark}"));
        self.ask(tenant, command.into(), vec![inputs], found, true, 0);
    }

    /// What people do about runs that failed.
    pub(crate) fn look_at_flow(&mut self, tenant: TenantId, fact: &Fact) {
        let Fact::Plan(fact) = fact else { return };
        let walk = self.walks.get(&tenant);
        let Some(of) = walk.and_then(|walk| walk.flows.of(fact.plan())) else {
            return;
        };
        let plan = fact.plan();
        let command = match fact {
            plan::Fact::Started(_) if self.flow_chance.once_in(8) => command::Plan::Cancel { plan },
            plan::Fact::UndoBegan(_) => {
                self.report.meet("saga undone", 1);
                return;
            }
            plan::Fact::StepFailed(f)
                if f.retry_at.is_none() && f.at.step.as_str().starts_with("undo-") =>
            {
                self.report.meet("a step could not be undone", 1);
                match self.flow_chance.below(6) {
                    0 => command::Plan::Reset { plan },
                    at => command::Plan::Resolve {
                        plan,
                        step: None,
                        done: at < 3,
                    },
                }
            }
            plan::Fact::Closed(f) if of == Kind::Pool && f.status == PlanStatus::Completed => {
                self.report.meet("batch merged", 1);
                return;
            }
            plan::Fact::Closed(f)
                if of == Kind::Workflow
                    && f.status == PlanStatus::Failed
                    && self.flow_chance.once_in(2) =>
            {
                self.report.meet("workflow resumed", 1);
                command::Plan::Resume { plan }
            }
            _ => return,
        };
        let wait = self.flow_chance.below(600_000);
        self.ask(tenant, command.into(), Vec::new(), None, true, wait);
    }
}
