//! People who pause runs of plans, let them go on, and skip steps.

use naos_types::fact::{Fact, plan};
use naos_types::{TenantId, command};

use crate::sim::Sim;

impl Sim {
    /// What people do about runs that are under way.
    pub(crate) fn look_at_hands(&mut self, tenant: TenantId, fact: &Fact) {
        let Fact::Plan(fact) = fact else { return };
        if !self.scenarios.hands {
            return;
        }
        let plan = fact.plan();
        let command = match fact {
            plan::Fact::Started(_) if self.hand_chance.once_in(4) => {
                command::Plan::Pause { plan }
            }
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
