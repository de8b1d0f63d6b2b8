//! The next command of the workload.

use naos_engine::shard::Incoming;
use naos_types::command;
use naos_types::fact::event::Origin;
use naos_types::{DocPath, Role, TenantId};

use crate::clients::{Waiter, canary, marked};
use crate::sim::Sim;
use crate::workload::{self, AGENTS, PLANS};

impl Sim {
    /// One more command of the workload.
    pub(crate) fn issue(&mut self) {
        let tenant = self.tenants[self.chance.below(self.tenants.len() as u64) as usize];
        if self.chance.once_in(6) {
            let ticket = self.ticket(Waiter::Flush { tenant });
            let begin = !self.chance.once_in(4);
            self.to_shard.push_back(Incoming::Flush {
                tenant,
                ticket,
                begin,
            });
        }
        let keyed = !self.chance.once_in(5);
        let mark = format!("{}c{}", canary(tenant), self.clients.asked.len());
        match self.chance.below(20) {
            0..7 => self.issue_task(tenant, &mark, keyed),
            7..13 => self.issue_plan(tenant, &mark, keyed),
            13 => {
                let text = self.seal(tenant, &mark);
                let command = command::Message::Post { task: None, text }.into();
                self.ask(
                    tenant,
                    command,
                    Vec::new(),
                    Some(format!("message {mark}")),
                    keyed,
                    0,
                );
            }
            14 => {
                let data = self.body(tenant, format!("{{\"mark\":\"{mark}\"}}").as_bytes());
                let found = marked("event", data.staged.name);
                let topic = "email.received".to_owned();
                let command = command::Event::Publish {
                    topic,
                    data: data.staged.name,
                    origin: Origin::default(),
                }
                .into();
                self.ask(tenant, command, vec![data], Some(found), keyed, 0);
            }
            15 | 16 => self.issue_document(tenant, &mark, keyed),
            17 => {
                let name = self.seal(tenant, &mark);
                let command = command::Member::Add {
                    name,
                    role: Role::Staff,
                    handle: None,
                }
                .into();
                self.ask(
                    tenant,
                    command,
                    Vec::new(),
                    Some(format!("member {mark}")),
                    keyed,
                    0,
                );
            }
            18 => {
                let agent = workload::name(self.chance.pick(&AGENTS).0);
                let stop = command::Agent::Stop {
                    name: agent.clone(),
                }
                .into();
                self.ask(tenant, stop, Vec::new(), None, keyed, 0);
                // Said again and again: most of it changes nothing and is remembered all the same.
                for _ in 0..self.chance.below(4) {
                    let wait = self.chance.below(20);
                    let again = command::Agent::Enable {
                        name: agent.clone(),
                    };
                    self.ask(tenant, again.into(), Vec::new(), None, true, wait);
                }
                let wait = self.chance.below(900_000);
                let enable = command::Agent::Enable { name: agent }.into();
                self.ask(tenant, enable, Vec::new(), None, true, wait);
            }
            _ => {
                // A limit that is lowered may be overdrawn; give the window back instead.
                let agent = workload::spender(self.chance.pick::<&str>(&["worker", "helper", "*"]));
                let command = command::Budget::Reset { agent }.into();
                self.ask(tenant, command, Vec::new(), None, keyed, 0);
            }
        }
    }

    /// Many say something at once: more than an inbox for few takes.
    pub(crate) fn burst(&mut self, tenant: TenantId) {
        for _ in 0..self.extra.within(4, 12) {
            let mark = format!("{}c{}", canary(tenant), self.clients.asked.len());
            let text = self.seal(tenant, &mark);
            let command = command::Message::Post { task: None, text }.into();
            let found = Some(format!("message {mark}"));
            self.ask(tenant, command, Vec::new(), found, true, 0);
        }
    }

    fn issue_task(&mut self, tenant: TenantId, mark: &str, keyed: bool) {
        let burst = if self.chance.once_in(3) { 5 } else { 1 };
        for at in 0..burst {
            let greeting = if self.chance.once_in(8) {
                "hello"
            } else {
                "work on"
            };
            let text = self.text(format!("{greeting} {mark}-{at}"));
            let input = self.body(tenant, text.as_bytes());
            let agent = match self.chance.below(8) {
                0 => None,
                _ => Some(workload::name(self.chance.pick(&AGENTS).0)),
            };
            let (found, title) = (marked("task", input.staged.name), self.seal(tenant, mark));
            let command = command::Task::Open {
                title,
                input: input.staged.name,
                agent,
            }
            .into();
            self.ask(tenant, command, vec![input], Some(found), keyed, 0);
        }
    }

    fn issue_plan(&mut self, tenant: TenantId, mark: &str, keyed: bool) {
        let items: Vec<String> = (0..self.chance.below(6))
            .map(|at| format!("\"item {at} of {mark}\""))
            .collect();
        let go = self.chance.once_in(2);
        let items = items.join(",");
        let text = format!("{{\"mark\":\"{mark}\",\"items\":[{items}],\"go\":{go}}}");
        let inputs = self.body(tenant, text.as_bytes());
        let name = workload::name(self.chance.pick::<&str>(&PLANS));
        let command = command::Plan::Start {
            of: naos_types::spec::Kind::Plan,
            name,
            inputs: inputs.staged.name,
        }
        .into();
        self.ask(
            tenant,
            command,
            vec![inputs],
            Some(format!("plan {mark}")),
            keyed,
            0,
        );
    }

    fn issue_document(&mut self, tenant: TenantId, mark: &str, keyed: bool) {
        let Ok(path) = DocPath::new("/notes/shared") else {
            return;
        };
        let text = self.text(format!("text {mark}"));
        let body = self.body(tenant, text.as_bytes());
        let found = marked("document", body.staged.name);
        let expected = self.chance.once_in(2).then(|| self.chance.below(4));
        let command = command::Document::Write {
            path,
            body: body.staged.name,
            expected,
        }
        .into();
        self.ask(tenant, command, vec![body], Some(found), keyed, 0);
    }
}
