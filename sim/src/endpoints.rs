//! Drivers at an address outside: each event goes there under one key however often it is tried,
//! and whatever the endpoint says, late or twice or never, its run ends.

use naos_types::effect::{Call, Caller};
use naos_types::fact::Fact;
use naos_types::fact::event::Origin;
use naos_types::fact::run::{self, Ability};
use naos_types::input::CallOutcome;
use naos_types::spec::{
    DriverKind, DriverLimits, DriverSpec, Endpoint, Enquiry, Kind, RemoteDriver, RetryPolicy, Spec,
};
use naos_types::{RunId, Span, TenantId, command};

use crate::clients::canary;
use crate::events::Event;
use crate::sim::Sim;
use crate::workload::name;

/// The driver, what it answers, and what it may publish.
const DRIVER: &str = "remote";
const TOPIC: &str = "remote.ask";
const SAYS: &str = "remote.said";
/// How often each tenant's is asked for something.
const ASKED: u32 = 8;
/// How long it may take; some later answers are too late.
const TIMEOUT: Span = Span::secs(120);

impl Sim {
    /// Some tenants that have a driver have one outside, too.
    pub(crate) fn begin_endpoints(&mut self, tenant: TenantId) {
        if self.driver_chance.once_in(3) {
            return;
        }
        let Some(runs_as) = RemoteDriver::runs_as(&name(DRIVER)) else {
            return;
        };
        let remote = RemoteDriver {
            driver: DriverSpec {
                document: "{}".into(),
                kind: DriverKind::Io,
                agent: runs_as,
                capabilities: vec![TOPIC.into()],
                enabled: true,
            },
            limits: DriverLimits {
                open_max: 3,
                ..DriverLimits::default()
            },
            endpoint: Endpoint {
                url: "https://remote.example.org/ask".into(),
                timeout: TIMEOUT,
                retry: RetryPolicy {
                    attempts_max: 4,
                    wait: Span::secs(2),
                    ..RetryPolicy::default()
                },
                emits: vec![SAYS.into()],
            },
        };
        let command = command::Resource::Apply {
            kind: Kind::Driver,
            name: name(DRIVER),
            spec: Spec::Remote(Box::new(remote)),
        };
        self.ask(tenant, command.into(), Vec::new(), None, true, 5);
        let wait = self.driver_chance.below(60_000);
        self.later(wait, Event::Enquire(tenant, ASKED));
    }

    /// Somebody asks for something that the endpoint answers.
    pub(crate) fn enquire(&mut self, tenant: TenantId, left: u32) {
        let text = format!("{{\"n\": \"{}\"}}", canary(tenant));
        let data = self.body(tenant, text.as_bytes());
        let command = command::Event::Publish {
            topic: TOPIC.to_owned(),
            data: data.staged.name,
            origin: Origin::default(),
        };
        self.ask(tenant, command.into(), vec![data], None, true, 0);
        if left > 0 {
            let wait = self.driver_chance.below(60_000);
            self.later(wait, Event::Enquire(tenant, left - 1));
        }
    }

    /// What is asked of an endpoint, as it arrives there.
    pub(crate) fn enquiry(&self, tenant: TenantId, request: &[u8]) -> Vec<u8> {
        let enquiry = postcard::from_bytes::<Enquiry>(request);
        let event = enquiry.ok().map(|enquiry| enquiry.event);
        event
            .and_then(|event| self.content(tenant, &event).ok())
            .unwrap_or_default()
    }

    /// What the endpoint says; `heard` where whoever asked is still alive.
    pub(crate) fn endpoint_says(&mut self, tenant: TenantId, call: &Call, heard: bool) {
        let troubled = self.faults_on();
        let roll = if troubled {
            self.driver_chance.below(8)
        } else {
            0
        };
        let outcome = match roll {
            3 | 4 => {
                self.report.meet("endpoint answers later", 1);
                let longest = 2 * u64::try_from(TIMEOUT.0).unwrap_or(0);
                for _ in 0..self.driver_chance.below(3) {
                    let wait = self.driver_chance.within(1, longest);
                    self.answer_later(tenant, call, wait);
                }
                CallOutcome::Later
            }
            5 => {
                let wait = Span(*self.driver_chance.pick(&[0, 5_000, 40_000]));
                CallOutcome::Busy(self.seal(tenant, "answered 503"), wait)
            }
            6 if self.driver_chance.below(2) == 0 => {
                CallOutcome::Unfit(self.seal(tenant, "answered 422"))
            }
            6 => CallOutcome::Refused(self.seal(tenant, "answered 404")),
            7 => CallOutcome::Lost(None),
            _ => {
                let text = format!("{{\"said\": \"{}\"}}", canary(tenant));
                let body = self.body(tenant, text.as_bytes());
                let outcome = CallOutcome::Answered(body.staged.name);
                if heard {
                    self.call_ended(tenant, call, outcome, vec![body]);
                }
                return;
            }
        };
        if heard {
            self.call_ended(tenant, call, outcome, Vec::new());
        }
    }

    /// The endpoint answers by itself, or says that it can't.
    fn answer_later(&mut self, tenant: TenantId, call: &Call, wait: u64) {
        let Caller::Run(run, _) = call.by else { return };
        let text = format!("\"later {}\"", canary(tenant));
        let body = self.body(tenant, text.as_bytes());
        let named = body.staged.name;
        let (answer, events) = if self.driver_chance.once_in(4) {
            (Err(self.seal(tenant, "no")), Vec::new())
        } else {
            (Ok(named), vec![(SAYS.to_owned(), named)])
        };
        let command = command::Resource::DriverAnswers {
            name: name(DRIVER),
            run,
            answer,
            events,
        };
        self.ask(tenant, command.into(), vec![body], None, true, wait);
    }

    /// However often an event was tried, it came under one key.
    pub(crate) fn check_endpoints(&mut self, tenant: TenantId) {
        let Some(walk) = self.walks.get(&tenant) else {
            return;
        };
        let asked: Vec<RunId> = walk
            .facts
            .iter()
            .filter_map(|(_, _, fact)| match fact {
                Fact::Run(run::Fact::Called(f)) if f.ability == Ability::Endpoint => Some(f.run),
                _ => None,
            })
            .collect();
        let several = asked.iter().find(|run| {
            let prefix = format!("{}/{run}-", tenant.0);
            let keys = self.outside.honouring.by_key.keys();
            keys.filter(|key| key.starts_with(&prefix)).count() > 1
        });
        let wrong = several.map(|run| format!("{run} was asked under several keys"));
        let many = asked.len() as u64;
        self.report.meet("endpoint asked", many);
        if let Some(wrong) = wrong {
            self.violated("an event goes to an endpoint under one key", wrong);
        }
    }
}
