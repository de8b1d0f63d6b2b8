//! Drivers: none has more at once than it may, none is given anything while it rests or faster than
//! its rate, and no event that waits for one is lost. Read from the journal alone.

use std::collections::BTreeSet;

use naos_types::command;
use naos_types::fact::event::{self, Began, Origin};
use naos_types::fact::resource::{self, Came};
use naos_types::fact::{Fact, task};
use naos_types::spec::{
    DRIVER_PREFIX, DriverKind, DriverLimits, DriverSpec, Kind, LimitedDriver, Spec,
};
use naos_types::{EventId, Name, Span, TaskId, TaskStatus, TenantId, Time};

use crate::events::Event;
use crate::journal::ensure;
use crate::sim::Sim;
use crate::workload::name;

/// The driver of every tenant that has one, and what it answers.
const DRIVER: &str = "tool";
const TOPIC: &str = "tool.use";
/// How much it is asked for.
const LIMITS: DriverLimits = DriverLimits {
    open_max: 2,
    rate: Some((4, Span::secs(60))),
    failures_max: 2,
    pause: Span::secs(20),
};
/// How often each tenant's is asked for something.
const ASKED: u32 = 12;

/// What the facts of drivers said so far.
#[derive(Default)]
pub(crate) struct Drivers {
    open: BTreeSet<TaskId>,
    window: Time,
    used: u32,
    in_a_row: u32,
    resting: Option<Time>,
    /// Whether it listens by now.
    listens: bool,
    /// Events that it is to be given.
    caught: BTreeSet<EventId>,
    /// What it failed at and was put aside, before it says that it failed.
    failed: BTreeSet<TaskId>,
    pub(crate) given: u64,
    pub(crate) waited: u64,
    pub(crate) rested: u64,
    pub(crate) told: u64,
}

impl Drivers {
    pub(crate) fn take(&mut self, fact: &Fact, at: Time) -> Result<(), String> {
        match fact {
            Fact::Resource(fact) => self.resource(fact, at),
            Fact::Task(task::Fact::Closed(f)) if f.status == TaskStatus::Cancelled => {
                self.open.remove(&f.task);
                Ok(())
            }
            Fact::Event(fact) => self.event(fact),
            _ => Ok(()),
        }
    }

    fn event(&mut self, fact: &event::Fact) -> Result<(), String> {
        let own = |consumer: &Name| consumer.as_str().strip_prefix(DRIVER_PREFIX) == Some(DRIVER);
        match fact {
            event::Fact::Published(f) if f.topic == TOPIC => {
                if self.listens {
                    self.caught.insert(f.event);
                }
                Ok(())
            }
            event::Fact::Published(f) => {
                self.told += u64::from(f.topic == naos_kernel::resource::ERROR_TOPIC);
                Ok(())
            }
            event::Fact::Triggered(f) if own(&f.consumer) => {
                let begun = matches!(f.began, Began::Task(_));
                ensure(self.caught.remove(&f.event) && begun, || {
                    format!("{} was given twice, or to nobody", f.event)
                })
            }
            event::Fact::Dead(f) if own(&f.consumer) && f.task.is_some() => {
                self.failed.extend(f.task);
                ensure(!self.caught.contains(&f.event), || {
                    format!("{} failed, and is still to be given", f.event)
                })
            }
            event::Fact::Dead(f) if own(&f.consumer) => {
                ensure(self.caught.remove(&f.event), || {
                    format!("{} was given, and is put aside", f.event)
                })
            }
            _ => Ok(()),
        }
    }

    fn resource(&mut self, fact: &resource::Fact, at: Time) -> Result<(), String> {
        let of = match fact {
            resource::Fact::DriverGiven(f) => Some(&f.driver),
            resource::Fact::DriverDone(f) => Some(&f.driver),
            resource::Fact::DriverWaits(f) => Some(&f.driver),
            _ => None,
        };
        if of.is_some_and(|driver| driver.as_str() != DRIVER) {
            return Ok(());
        }
        match fact {
            resource::Fact::DriverGiven(f) => {
                self.given += 1;
                self.open.insert(f.task);
                let most = match self.resting {
                    Some(_) => 1,
                    None => LIMITS.open_max as usize,
                };
                ensure(self.open.len() <= most, || {
                    format!("it has {:?}, of {most}", self.open)
                })?;
                ensure(self.resting.is_none_or(|until| at >= until), || {
                    format!("it rests until {:?}", self.resting)
                })?;
                let (calls, per) = LIMITS.rate.unwrap_or((u32::MAX, Span(0)));
                if at >= self.window + per {
                    (self.window, self.used) = (at, 0);
                }
                self.used += 1;
                ensure(self.used <= calls, || {
                    format!("{} since {}", self.used, self.window.rfc3339())
                })
            }
            resource::Fact::DriverDone(f) => {
                ensure(self.open.remove(&f.task), || {
                    format!("{} was done before", f.task)
                })?;
                match &f.came {
                    Came::Answered => (self.in_a_row, self.resting) = (0, None),
                    Came::Failed { rests, .. } => {
                        ensure(self.failed.remove(&f.task), || {
                            format!("it failed at {}, whose event isn't put aside", f.task)
                        })?;
                        self.in_a_row += 1;
                        self.rested += u64::from(rests.is_some());
                        self.resting = rests.or(self.resting);
                        let often = self.in_a_row >= LIMITS.failures_max;
                        ensure(!often || self.resting.is_some(), || {
                            format!("{} failures in a row, and no rest", self.in_a_row)
                        })?;
                    }
                }
                Ok(())
            }
            resource::Fact::DriverWaits(_) => {
                self.waited += 1;
                Ok(())
            }
            resource::Fact::Applied(f) if f.kind == Kind::Subscription => {
                self.listens |= f.name.as_str().strip_prefix(DRIVER_PREFIX) == Some(DRIVER);
                Ok(())
            }
            resource::Fact::DriverReset(_) => {
                (self.in_a_row, self.resting) = (0, None);
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

impl Sim {
    /// What a tenant begins with that has a driver: one that fails most of the time.
    pub(crate) fn begin_drivers(&mut self, tenant: TenantId) {
        let driver = DriverSpec {
            document: "{}".into(),
            kind: DriverKind::Tool,
            agent: name("faulty"),
            capabilities: vec![TOPIC.into()],
            enabled: true,
        };
        let command = command::Resource::Apply {
            kind: Kind::Driver,
            name: name(DRIVER),
            spec: Spec::Limited(Box::new(LimitedDriver {
                driver,
                limits: LIMITS,
            })),
        };
        self.ask(tenant, command.into(), Vec::new(), None, true, 5);
        let wait = self.driver_chance.below(60_000);
        self.later(wait, Event::Use(tenant, ASKED));
    }

    /// Somebody asks the driver for something, and now and then ends its rest.
    pub(crate) fn use_driver(&mut self, tenant: TenantId, left: u32) {
        let text = format!("{{\"n\": \"{}\"}}", crate::clients::canary(tenant));
        let data = self.body(tenant, text.as_bytes());
        let command = command::Event::Publish {
            topic: TOPIC.to_owned(),
            data: data.staged.name,
            origin: Origin::default(),
        };
        self.ask(tenant, command.into(), vec![data], None, true, 0);
        if self.driver_chance.once_in(6) {
            let command = command::Resource::ResetDriver { name: name(DRIVER) };
            self.ask(tenant, command.into(), Vec::new(), None, true, 0);
        }
        if left > 0 {
            // Some at once, some after a rest.
            let longest = if self.driver_chance.once_in(2) {
                500
            } else {
                90_000
            };
            let wait = self.driver_chance.below(longest);
            self.later(wait, Event::Use(tenant, left - 1));
        }
    }

    /// In the end events wait only for a driver that has others.
    pub(crate) fn check_drivers(&mut self, tenant: TenantId) {
        let Some(walk) = self.walks.get(&tenant) else {
            return;
        };
        let drivers = &walk.drivers;
        let lost = !drivers.caught.is_empty() && drivers.open.is_empty();
        let wrong = lost.then(|| format!("{:?} wait, and it has none", drivers.caught));
        for (what, many) in [
            ("driver given an event", drivers.given),
            ("event waited for a driver", drivers.waited),
            ("driver rested", drivers.rested),
            ("failure of a driver told", drivers.told),
        ] {
            self.report.meet(what, many);
        }
        if let Some(wrong) = wrong {
            self.violated("no event that waits for a driver is lost", wrong);
        }
    }
}

/// Whether a subscription is a driver's: what it left is looked at here.
pub(crate) fn is_one(consumer: &Name) -> bool {
    consumer.as_str().starts_with(DRIVER_PREFIX)
}
