//! People: they look at the journal now and then and answer what waits for them.

use naos_types::TenantId;
use naos_types::command;
use naos_types::fact::run::Verdict;
use naos_types::fact::{Fact, approval, run, task};

use crate::sim::Sim;

impl Sim {
    /// People read what is new in their tenant's journal.
    pub(crate) fn look(&mut self, tenant: TenantId) {
        let from = self.looked.get(&tenant).copied().unwrap_or(0);
        let entries = self
            .door(tenant)
            .entries(from, usize::MAX)
            .unwrap_or_default();
        for entry in entries {
            self.looked.insert(tenant, entry.seq);
            if let Ok(fact) = Fact::decode(&entry.kind, entry.version, &entry.bytes) {
                self.react(tenant, &fact);
                self.look_at_flow(tenant, &fact);
                self.look_at_watch(tenant, &fact);
                self.look_at_hands(tenant, &fact);
                self.look_at_wait(tenant, &fact);
            }
        }
    }

    fn react(&mut self, tenant: TenantId, fact: &Fact) {
        match fact {
            Fact::Approval(approval::Fact::Requested(f)) => {
                if f.expires_at.is_some() && self.chance.once_in(3) {
                    return; // nobody cares
                }
                let yes = !self.chance.once_in(3);
                let edited = (yes && self.chance.once_in(4)).then(|| {
                    let text = format!("edited by a person {}", crate::clients::canary(tenant));
                    self.body(tenant, text.as_bytes())
                });
                let command = command::Approval::Decide {
                    approval: f.approval,
                    yes,
                    seen: self.chance.once_in(2).then_some(f.body.digest),
                    comment: None,
                    edited: edited.as_ref().map(|body| body.staged.name),
                };
                let wait = self.chance.below(3_000_000);
                self.ask(
                    tenant,
                    command.into(),
                    edited.into_iter().collect(),
                    None,
                    true,
                    wait,
                );
            }
            Fact::Run(run::Fact::LeftUnknown(f)) => self.resolve(tenant, f.run, false),
            Fact::Run(run::Fact::Diverged(f)) => self.resolve(tenant, f.run, true),
            Fact::Task(task::Fact::Opened(f)) if self.chance.once_in(12) => {
                let wait = self.chance.below(60_000);
                let command = command::Task::Cancel { task: f.task }.into();
                self.ask(tenant, command, Vec::new(), None, true, wait);
            }
            Fact::Plan(naos_types::fact::plan::Fact::Started(f)) if self.chance.once_in(10) => {
                let wait = self.chance.below(600_000);
                let command = command::Plan::Cancel { plan: f.plan }.into();
                self.ask(tenant, command, Vec::new(), None, true, wait);
            }
            _ => {}
        }
    }

    fn resolve(&mut self, tenant: TenantId, run: naos_types::RunId, diverged: bool) {
        let wait = self.chance.below(900_000);
        let command = match (diverged, self.chance.below(5)) {
            (_, 0) => command::Run::Cancel { run },
            (true, _) | (_, 1 | 2) => command::Run::Resolve {
                run,
                verdict: Verdict::Retry,
            },
            (_, 3) => command::Run::Resolve {
                run,
                verdict: Verdict::Finish,
            },
            _ => command::Run::Resolve {
                run,
                verdict: Verdict::Undo,
            },
        };
        self.ask(tenant, command.into(), Vec::new(), None, true, wait);
    }
}
