//! People who pause runs of plans, let them go on, and skip steps; and plans that run plans.

use naos_types::fact::{Fact, plan};
use naos_types::spec::{
    FanOut, InputSpec, InputType, Kind, PlanSpec, RetryPolicy, Spec, StepDo, StepSpec,
};
use naos_types::{Actor, TenantId, command};

use crate::sim::Sim;
use crate::workload::{PLANS, name};

/// The plan that runs others.
const OUTER: &str = "outer";
/// What it gives them, and what they take.
const GIVEN: &str = "{\"mark\": \"{{ inputs.mark }}\", \"items\": {{ inputs.items | tojson }}, \
                     \"go\": true}";

impl Sim {
    /// What a tenant begins with where people lend a hand.
    pub(crate) fn begin_hands(&mut self, tenant: TenantId) {
        let chance = &mut self.hand_chance;
        let mut run = |called: &str, after: &[&str]| StepSpec {
            name: name(called),
            after: after.iter().map(|before| name(before)).collect(),
            when: None,
            action: StepDo::Plan {
                of: Kind::Plan,
                name: name(chance.pick::<&str>(&PLANS)),
                input: Some(GIVEN.into()),
            },
            for_each: None,
            retry: RetryPolicy {
                attempts_max: 2,
                ..RetryPolicy::default()
            },
            timeout: None,
            optional: chance.once_in(2),
            key: None,
        };
        let (first, mut each) = (run("first", &[]), run("each", &["first"]));
        each.for_each = Some(FanOut {
            items: "inputs.items".into(),
            window: 2,
            partial: true,
        });
        let beside = run("beside", &[]);
        let inputs = |kind, called: &str| InputSpec {
            name: called.into(),
            kind,
            default: None,
        };
        let spec = Spec::Plan(PlanSpec {
            description: "a plan of plans".into(),
            inputs: vec![
                inputs(InputType::String, "mark"),
                inputs(InputType::List, "items"),
                inputs(InputType::Boolean, "go"),
            ],
            steps: vec![first, each, beside],
            output: None,
        });
        let (kind, name) = (Kind::Plan, name(OUTER));
        let command = command::Resource::Apply { kind, name, spec };
        self.ask(tenant, command.into(), Vec::new(), None, true, 2);
    }

    /// Somebody starts the plan that runs others.
    pub(crate) fn issue_outer(&mut self) {
        if !self.scenarios.hands || !self.hand_chance.once_in(4) {
            return;
        }
        let at = self.hand_chance.below(self.tenants.len() as u64);
        let tenant = self.tenants[usize::try_from(at).unwrap_or(0)];
        let mark = format!(
            "{}c{}",
            crate::clients::canary(tenant),
            self.clients.asked.len()
        );
        let items: Vec<String> = (0..self.hand_chance.below(4))
            .map(|at| format!("\"item {at} of {mark}\""))
            .collect();
        let items = items.join(",");
        let text = format!("{{\"mark\":\"{mark}\",\"items\":[{items}],\"go\":true}}");
        let inputs = self.body(tenant, text.as_bytes());
        let command = command::Plan::Start {
            of: Kind::Plan,
            name: name(OUTER),
            inputs: inputs.staged.name,
        };
        let found = Some(format!("plan {mark}"));
        self.ask(tenant, command.into(), vec![inputs], found, true, 0);
    }

    /// What people do about runs that are under way.
    pub(crate) fn look_at_hands(&mut self, tenant: TenantId, fact: &Fact) {
        let Fact::Plan(fact) = fact else { return };
        if !self.scenarios.hands {
            return;
        }
        if let plan::Fact::Started(f) = fact
            && matches!(f.by, Actor::Plan(_))
        {
            self.report.meet("plan run by a plan", 1);
        }
        let plan = fact.plan();
        let command = match fact {
            plan::Fact::Started(_) if self.hand_chance.once_in(4) => command::Plan::Pause { plan },
            plan::Fact::UndoBegan(_) if self.hand_chance.once_in(4) => {
                command::Plan::Pause { plan }
            }
            plan::Fact::StepStarted(f) if self.hand_chance.once_in(12) => {
                let step = f.at.step.clone();
                command::Plan::Skip { plan, step }
            }
            plan::Fact::StepSkipped(f) if f.by.is_some() => {
                self.report.meet("step skipped by hand", 1);
                return;
            }
            plan::Fact::Paused(f) if matches!(f.by, Actor::Plan(_)) => {
                self.report.meet("run paused with the one above", 1);
                return;
            }
            plan::Fact::Paused(_) => {
                self.report.meet("run paused", 1);
                command::Plan::Resume { plan }
            }
            plan::Fact::Resumed(_) => {
                self.report.meet("run went on", 1);
                return;
            }
            _ => return,
        };
        let wait = self.hand_chance.below(400_000);
        self.ask(tenant, command.into(), Vec::new(), None, true, wait);
    }
}
