//! What must hold: while it runs, after every crash, and in the end. Each check has a name.

use std::collections::BTreeMap;

use naos_kernel::{AnyAggregate, Key, State};
use naos_store::{Store, TenantStore};
use naos_types::fact::{Fact, document, event, member, message, plan, run, task};
use naos_types::{Actor, PlanStatus, RunStatus, TenantId};

use crate::clients::{Stand, canary, marked};
use crate::journal::replay;
use crate::sim::Sim;

impl Sim {
    /// While it runs: what a cell holds is what its journal says, and every effect that is
    /// outstanding is on its way.
    pub(crate) fn check_states(&mut self) {
        for tenant in self.tenants.clone() {
            self.read_on(tenant);
            if !self.report.violations.is_empty() {
                return;
            }
            let Some(report) = self.shard.report(tenant) else {
                continue;
            };
            if let Some(why) = report.quarantined {
                if !why.contains("a made-up panic") {
                    self.violated("no cell is quarantined", why);
                }
                continue;
            }
            let (Some(walk), Some(state)) = (self.walks.get(&tenant), self.shard.state(tenant))
            else {
                continue;
            };
            if report.seq != walk.seq || report.durable != report.seq {
                continue; // some of it isn't durable yet
            }
            if let Some(differs) = differs(state, &walk.state) {
                self.violated("the live state is what the journal says", differs);
            }
        }
    }

    /// Reads a journal on; what is wrong in it is a violation.
    fn read_on(&mut self, tenant: TenantId) {
        let Some(walk) = self.walks.get_mut(&tenant) else {
            return;
        };
        walk.catch_up(&self.store);
        if let Some(wrong) = walk.wrong.clone()
            && self.report.violations.is_empty()
        {
            self.violated("a journal makes sense", wrong);
        }
    }

    /// After a crash: records and the tail of the journal give what the whole journal gives.
    pub(crate) fn check_records(&mut self) {
        for tenant in self.tenants.clone() {
            self.read_on(tenant);
            if !self.report.violations.is_empty() {
                return;
            }
            let door = self.door(tenant);
            let Some(walk) = self.walks.get(&tenant) else {
                continue;
            };
            let rebuilt = rebuilt(door.as_ref(), walk.state.keys());
            let differs = match rebuilt {
                Ok(state) => same(&state, &walk.state),
                Err(why) => Some(why),
            };
            if let Some(differs) = differs {
                self.violated("records and tail are what the journal says", differs);
            }
        }
    }

    /// In the end, with no faults left.
    pub(crate) fn check_end(&mut self) {
        self.check_states();
        self.check_clients();
        for tenant in self.tenants.clone() {
            if !self.report.violations.is_empty() {
                return;
            }
            self.check_quarantines(tenant);
            self.check_at_rest(tenant);
            self.check_open_cell(tenant);
            self.check_marks(tenant);
            self.check_outputs(tenant);
            self.check_effects(tenant);
            self.check_logs(tenant);
            self.check_notices(tenant);
            self.check_bus(tenant);
            self.check_drivers(tenant);
            self.check_endpoints(tenant);
            self.check_schedules(tenant);
            self.check_watches(tenant);
            self.check_waits(tenant);
            self.check_money(tenant);
        }
        self.check_one_owner();
        self.check_bodies();
        self.shard.flush();
        self.store.settle();
        self.check_records();
    }

    /// Every task, run and plan is closed or waits for a person; nothing is outstanding.
    fn check_at_rest(&mut self, tenant: TenantId) {
        let Some(walk) = self.walks.get(&tenant) else {
            return;
        };
        let mut stuck = Vec::new();
        let waits = |run: &naos_types::RunId| match walk.state.get(&Key::Run(*run)) {
            Some(AnyAggregate::Run(run)) => {
                matches!(
                    run.status,
                    RunStatus::Held | RunStatus::Unknown | RunStatus::Diverged
                ) || (run.status == RunStatus::Queued && Self::rests(&walk.state, &run.agent))
            }
            _ => false,
        };
        for (key, aggregate) in walk.state.all() {
            match (key, aggregate) {
                (Key::Notice(id), AnyAggregate::Notice(notice)) if notice.status.is_open() => {
                    stuck.push(format!("{id} is {}", notice.status));
                }
                (Key::Run(id), AnyAggregate::Run(run))
                    if !run.status.is_closed() && !waits(&id) =>
                {
                    stuck.push(format!("{id} is {}", run.status));
                }
                (Key::Task(id), AnyAggregate::Task(task))
                    if !task.status.is_closed() && !task.run.as_ref().is_some_and(waits) =>
                {
                    stuck.push(format!("{id} is {}", task.status));
                }
                (Key::Plan(id), AnyAggregate::Plan(plan)) if !plan.is_closed() => {
                    let task_waits = |task: &naos_types::TaskId| {
                        matches!(walk.state.get(&Key::Task(*task)),
                            Some(AnyAggregate::Task(task)) if task.run.as_ref().is_some_and(waits))
                    };
                    let person = plan.steps.values().any(|step| {
                        let items = step.fan.iter().flat_map(|fan| fan.open.values());
                        let mut tasks = items.filter_map(|item| item.task).chain(step.task);
                        tasks.any(|task| task_waits(&task))
                            || step.approval.is_some_and(|id| {
                                matches!(walk.state.get(&Key::Approval(id)),
                                    Some(aggregate) if aggregate.is_open())
                            })
                    });
                    let asked =
                        plan.status() == PlanStatus::CompensationFailed || plan.paused.is_some();
                    // Whether the run within is stuck is looked at on its own.
                    let within = plan.spec.steps.iter().any(|spec| {
                        let open = plan.steps.get(&spec.name).and_then(|s| s.fan.as_ref());
                        let items = open.iter().flat_map(|fan| fan.open.keys());
                        let mut items = items.map(|index| Some(*index)).chain([None]);
                        items.any(|item| {
                            let run = plan.nested(id, &spec.name, item);
                            let run = run.and_then(|run| walk.state.get(&Key::Plan(run)));
                            run.is_some_and(|run| run.is_open())
                        })
                    });
                    let person = person || within;
                    if !person && !asked {
                        stuck.push(format!("{id} is {}", plan.status()));
                    }
                }
                _ => {}
            }
        }
        for order in naos_kernel::open_effects(&walk.state) {
            stuck.push(format!("{:?} is outstanding", order.effect.id()));
        }
        if !stuck.is_empty() {
            self.violated("nothing is stuck", stuck.join(", "));
        }
    }

    /// The shard itself holds nothing back.
    fn check_open_cell(&mut self, tenant: TenantId) {
        let Some(report) = self.shard.report(tenant) else {
            return;
        };
        if report.seq != report.durable || report.running > 0 || report.outside > 0 {
            self.violated("a quiet cell holds nothing back", format!("{report:?}"));
        }
    }

    /// What was acknowledged is in the journal once; what was refused isn't.
    fn check_marks(&mut self, tenant: TenantId) {
        let counts = self.marks(tenant);
        let mut wrong = Vec::new();
        for asked in self
            .clients
            .asked
            .iter()
            .filter(|asked| asked.tenant == tenant)
        {
            let Some(mark) = &asked.mark else { continue };
            let count = counts.get(mark).copied().unwrap_or(0);
            let sound = match &asked.stand {
                Stand::Acked(_) => count == 1,
                Stand::Refused(_) if asked.same.is_none() && asked.in_doubt => count <= 1,
                Stand::Refused(_) => count == 0,
                Stand::Open | Stand::Unsure => count <= 1,
            };
            if !sound {
                wrong.push(format!(
                    "{:?} is {count} times there: {}",
                    asked.stand, asked.what
                ));
            }
        }
        if let Some(first) = wrong.first() {
            self.violated("acknowledged once, in the journal once", first.clone());
        }
    }

    /// How often each command's fact stands in a journal.
    fn marks(&self, tenant: TenantId) -> BTreeMap<String, u32> {
        let door = self.door(tenant);
        let open = |sealed| {
            let plain = door.open(sealed).unwrap_or_default();
            String::from_utf8_lossy(&plain).into_owned()
        };
        let mut counts = BTreeMap::new();
        let facts = self.walks.get(&tenant).map_or(&[][..], |walk| &walk.facts);
        for (_, _, fact) in facts {
            let mark = match fact {
                Fact::Task(task::Fact::Opened(f)) if f.parent.is_none() => marked("task", f.input),
                Fact::Plan(plan::Fact::Started(f)) if !matches!(f.by, Actor::Plan(_)) => {
                    let inputs = door.body(&f.inputs).ok().flatten().unwrap_or_default();
                    let inputs: serde_json::Value =
                        serde_json::from_slice(&inputs).unwrap_or_default();
                    let mark = inputs["mark"].as_str().or(inputs[0]["mark"].as_str());
                    format!("plan {}", mark.unwrap_or_default())
                }
                Fact::Message(message::Fact::Posted(f)) => format!("message {}", open(&f.text)),
                Fact::Event(event::Fact::Published(f)) if matches!(f.by, Actor::Member(..)) => {
                    marked("event", f.data)
                }
                Fact::Event(event::Fact::Signalled(f)) => marked("signal", f.data),
                Fact::Document(document::Fact::Written(f)) if matches!(f.by, Actor::Member(..)) => {
                    marked("document", f.body)
                }
                Fact::Member(member::Fact::Added(f)) => format!("member {}", open(&f.name)),
                _ => continue,
            };
            *counts.entry(mark).or_default() += 1;
        }
        counts
    }

    /// No answer holds another tenant's words.
    fn check_outputs(&mut self, tenant: TenantId) {
        let others: Vec<String> = self
            .tenants
            .iter()
            .filter(|other| **other != tenant)
            .map(|t| canary(*t))
            .collect();
        let facts = self.walks.get(&tenant).map_or(&[][..], |walk| &walk.facts);
        let outputs = facts.iter().filter_map(|(_, _, fact)| match fact {
            Fact::Run(run::Fact::Completed(f)) => Some(f.output),
            _ => None,
        });
        let mut leaked = Vec::new();
        for output in outputs {
            match self.content(tenant, &output) {
                Err(why) => leaked.push(why),
                Ok(bytes) => {
                    let text = String::from_utf8_lossy(&bytes);
                    leaked.extend(others.iter().filter(|other| text.contains(*other)).cloned());
                }
            }
        }
        if let Some(first) = leaked.first() {
            self.violated("a tenant's answers are its own", first.clone());
        }
    }

    /// Once at whoever honours keys; at the others only again after a person said so.
    fn check_effects(&mut self, tenant: TenantId) {
        let prefix = format!("{}/", tenant.0);
        let mut wrong = Vec::new();
        for (key, count) in &self.outside.honouring.by_key {
            if key.starts_with(&prefix) && (count.effects != 1 || count.attempts < 1) {
                wrong.push(format!("{key} acted {} times", count.effects));
            }
        }
        let Some(walk) = self.walks.get(&tenant) else {
            return;
        };
        for run in walk.runs.keys() {
            for (key, count) in &self.outside.dumb.by_key {
                let of_run = key.strip_prefix(&format!("{prefix}{run}-"));
                let Some(index) = of_run.and_then(|index| index.parse().ok()) else {
                    continue;
                };
                let allowed = 1 + walk.retries(*run, index) + walk.restarts(*run);
                if count.effects > allowed {
                    let asked = format!("{key} acted {} times, {allowed} allowed", count.effects);
                    wrong.push(asked);
                }
            }
        }
        if let Some(first) = wrong.first() {
            self.violated("no effect is repeated in silence", first.clone());
        }
    }

    /// What the budgets say is what the facts sum up to.
    fn check_money(&mut self, tenant: TenantId) {
        let Some(walk) = self.walks.get(&tenant) else {
            return;
        };
        let mut wrong = Vec::new();
        for (agent, purse) in &walk.money.purses {
            let Some(AnyAggregate::Budget(budget)) = walk.state.get(&Key::Budget(agent.clone()))
            else {
                continue;
            };
            if budget.reserved != purse.set_aside() || budget.total != purse.total {
                wrong.push(format!("{agent}: {budget:?} is not {purse:?}"));
            }
        }
        if let Some(first) = wrong.first() {
            self.violated("money is conserved", first.clone());
        }
    }

    /// No task, run or plan stands in two journals.
    fn check_one_owner(&mut self) {
        let mut owners: BTreeMap<u128, TenantId> = BTreeMap::new();
        let mut shared = Vec::new();
        for (tenant, walk) in &self.walks {
            let ids = walk.tasks.keys().map(|id| id.0);
            let ids = ids.chain(walk.runs.keys().map(|id| id.0));
            for id in ids.chain(walk.plans.keys().map(|id| id.0)) {
                if owners
                    .insert(id, *tenant)
                    .is_some_and(|owner| owner != *tenant)
                {
                    shared.push(format!("{id:x}"));
                }
            }
        }
        if let Some(first) = shared.first() {
            self.violated("no fact crosses tenants", first.clone());
        }
    }
}

/// The first aggregate that `live` holds otherwise than `told` does, or lacks though it is open.
fn differs(live: &State, told: &State) -> Option<String> {
    for (key, aggregate) in live.all() {
        let found = told.get(&key);
        if found.as_ref().map(AnyAggregate::encode) != Some(aggregate.encode()) {
            return Some(format!(
                "{key:?} is {aggregate:?}, the journal says {found:?}"
            ));
        }
    }
    let open = told
        .all()
        .into_iter()
        .filter(|(_, aggregate)| aggregate.is_open());
    open.map(|(key, _)| key)
        .find(|key| live.get(key).is_none())
        .map(|key| format!("{key:?} isn't loaded"))
}

/// The first key under which two states differ.
fn same(left: &State, right: &State) -> Option<String> {
    let encoded = |state: &State, key: &Key| state.get(key).map(|found| found.encode());
    let keys = left.keys().into_iter().chain(right.keys());
    keys.into_iter()
        .find(|key| encoded(left, key) != encoded(right, key))
        .map(|key| format!("{key:?}: {:?} is not {:?}", left.get(&key), right.get(&key)))
}

/// The state as records and the tail of the journal give it.
fn rebuilt(door: &dyn TenantStore, keys: Vec<Key>) -> Result<State, String> {
    let mut state = State::new();
    let mut fetch = |state: &mut State, key: &Key| -> Result<(), String> {
        let record = door
            .record(key.kind(), &key.id())
            .map_err(|error| error.to_string())?;
        let Some(record) = record else { return Ok(()) };
        let bytes = record.bytes.as_deref().unwrap_or_default();
        let found = AnyAggregate::decode(&record.kind, record.version, bytes);
        if found
            .as_ref()
            .is_some_and(|found| found.is_open() != record.open)
        {
            return Err(format!("the record {key:?} is open or not?"));
        }
        state
            .load(key.clone(), found)
            .map_err(|key| format!("{key:?} is of another kind"))
    };
    for key in keys {
        fetch(&mut state, &key)?;
    }
    let from = door.head().map_err(|error| error.to_string())?.records_seq;
    for entry in door
        .entries(from, usize::MAX)
        .map_err(|error| error.to_string())?
    {
        let fact = Fact::decode(&entry.kind, entry.version, &entry.bytes)
            .map_err(|error| error.to_string())?;
        replay(&mut state, &fact, entry.at, &mut fetch)?;
    }
    Ok(state)
}
