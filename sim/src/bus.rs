//! The bus: every event that a consumer wants is given to it, none after it was acknowledged, and
//! what an event sets off begins once. Read from the journal alone.

use std::collections::{BTreeMap, BTreeSet};

use naos_kernel::resource::ERROR_TOPIC;
use naos_types::command::{self, Command, Reply};
use naos_types::fact::event::{self, Began, Origin, Published};
use naos_types::fact::{Fact, resource};
use naos_types::spec::{
    Emits, EventFilter, Kind, PlanSpec, RetryPolicy, Spec, Starts, StepDo, StepSpec,
    SubscriptionSpec,
};
use naos_types::{Actor, EventId, Name, Seq, Span, TenantId};

use crate::events::Event;
use crate::journal::ensure;
use crate::sim::Sim;
use crate::workload::name;

/// Who takes events.
const TAKER: &str = "mailer";
/// What is published beside the rest.
const TOPICS: [&str; 8] = [
    "email.received",
    "email.received",
    "email.sent",
    "email.sent",
    "email.sent",
    "alarm",
    "turn",
    "weather.data",
];
/// A condition that every event meets.
const SOME: &str = "size(trigger.id) > 3";
/// How often each tenant's consumer comes.
const VISITS: u32 = 14;

/// One subscription, as its facts say.
#[derive(Default)]
struct Seen {
    filter: EventFilter,
    starts: bool,
    after: Option<Seq>,
    cursor: Seq,
    /// What it wants and wasn't given yet.
    wanted: BTreeMap<Seq, EventId>,
    held: BTreeMap<Seq, u32>,
    done: BTreeSet<Seq>,
    dead: BTreeSet<EventId>,
    /// What is to set something off.
    pending: BTreeSet<EventId>,
}

/// What a journal says about events.
#[derive(Default)]
pub(crate) struct Bus {
    seen: BTreeMap<Name, Seen>,
    pub(crate) given: u64,
    pub(crate) again: u64,
    pub(crate) put_aside: u64,
    pub(crate) set_off: u64,
    pub(crate) made: u64,
    known_ids: BTreeSet<EventId>,
    pub(crate) circles: u64,
}

impl Bus {
    pub(crate) fn take(&mut self, fact: &Fact, seq: Seq) -> Result<(), String> {
        match fact {
            Fact::Resource(resource::Fact::Applied(f)) => {
                if let Some(spec) = f.spec.listens() {
                    let seen = self.seen.entry(f.name.clone()).or_default();
                    seen.filter.clone_from(&spec.filter);
                    seen.starts = spec.starts.is_some() || !f.spec.emits().is_empty();
                }
                Ok(())
            }
            Fact::Event(fact) => self.event(fact, seq),
            _ => Ok(()),
        }
    }

    fn known(&mut self, consumer: &Name) -> Result<&mut Seen, String> {
        let found = self.seen.get_mut(consumer);
        found.ok_or_else(|| format!("nobody subscribed as {consumer}"))
    }

    fn event(&mut self, fact: &event::Fact, seq: Seq) -> Result<(), String> {
        match fact {
            event::Fact::Published(f) => {
                ensure(self.known_ids.insert(f.event), || {
                    format!("{} is published twice", f.event)
                })?;
                self.published(f, seq);
                Ok(())
            }
            event::Fact::Subscribed(f) => {
                let seen = self.known(&f.consumer)?;
                ensure(seen.after.is_none(), || "it subscribed twice".into())?;
                (seen.after, seen.cursor) = (Some(f.after), f.after);
                Ok(())
            }
            event::Fact::Taken(f) => {
                self.given += (f.fresh.len() + f.again.len()) as u64;
                self.again += f.again.len() as u64;
                self.known(&f.consumer)?.taken(f)
            }
            event::Fact::Acknowledged(f) => {
                let seen = self.known(&f.consumer)?;
                f.events.iter().try_for_each(|seq| {
                    seen.done.insert(*seq);
                    ensure(seen.held.remove(seq).is_some(), || {
                        format!("{seq} is acknowledged and isn't with {}", f.consumer)
                    })
                })
            }
            event::Fact::Returned(f) => {
                let seen = self.known(&f.consumer)?;
                let mut all = f.events.iter();
                let stray = all.find(|again| !seen.held.contains_key(&again.seq));
                ensure(stray.is_none(), || {
                    format!("{stray:?} came back from nowhere")
                })
            }
            event::Fact::Dead(f) => {
                self.put_aside += 1;
                self.circles += u64::from(f.problem.code == naos_types::Code::EVENT_LOOP);
                let seen = self.known(&f.consumer)?;
                seen.dead.insert(f.event);
                match f.seq {
                    None if f.task.is_some() => ensure(!seen.pending.contains(&f.event), || {
                        format!("{} failed, and is still to be given", f.event)
                    }),
                    Some(seq) => ensure(seen.held.remove(&seq).is_some(), || {
                        format!("{seq} is put aside and wasn't given")
                    }),
                    None => ensure(seen.pending.remove(&f.event), || {
                        format!("{} is put aside and wasn't caught", f.event)
                    }),
                }
            }
            event::Fact::Triggered(f) => {
                self.set_off += 1;
                self.made += u64::from(matches!(f.began, Began::Events(_)));
                let seen = self.known(&f.consumer)?;
                ensure(seen.pending.remove(&f.event), || {
                    format!("{} set {} off again", f.event, f.consumer)
                })
            }
            _ => Ok(()),
        }
    }

    fn published(&mut self, f: &Published, seq: Seq) {
        let failed = match (&f.by, &f.origin.trigger) {
            (Actor::System, Some((name, _))) if f.topic == ERROR_TOPIC => Some(name),
            _ => None, // nobody is set off by its own failure
        };
        let all = self
            .seen
            .iter_mut()
            .filter(|(name, _)| Some(*name) != failed);
        for seen in all
            .map(|(_, seen)| seen)
            .filter(|seen| seen.filter.wants(f))
        {
            if seen.starts {
                seen.pending.insert(f.event);
            } else {
                seen.wanted.insert(seq, f.event);
            }
        }
    }

    /// What somebody who looks finds for a consumer now.
    fn look(&self, consumer: &Name, limit: usize, head: Seq) -> Option<Look> {
        let seen = self
            .seen
            .get(consumer)
            .filter(|seen| seen.after.is_some())?;
        let wanted = seen.wanted.iter().take(limit);
        let found: Vec<(Seq, EventId)> = wanted.map(|(seq, event)| (*seq, *event)).collect();
        let upto = match found.last() {
            Some((seq, _)) if found.len() == limit => *seq,
            _ => head,
        };
        Some(Look {
            from: seen.cursor,
            filter: seen.filter.clone(),
            found,
            upto,
        })
    }
}

struct Look {
    from: Seq,
    filter: EventFilter,
    found: Vec<(Seq, EventId)>,
    upto: Seq,
}

impl Seen {
    /// The cursor never goes over an event that it wants, and what is done is never given.
    fn taken(&mut self, f: &event::Taken) -> Result<(), String> {
        for (seq, event) in &f.fresh {
            let wanted = self.wanted.remove(seq);
            ensure(wanted == Some(*event), || {
                format!("{seq} is given for the first time, and isn't wanted or was given before")
            })?;
            self.held.insert(*seq, 1);
        }
        for again in &f.again {
            ensure(!self.done.contains(&again.seq), || {
                format!("{} is given again after it was acknowledged", again.seq)
            })?;
            let attempt = self.held.entry(again.seq).or_default();
            ensure(*attempt + 1 == again.attempt, || {
                format!("{again:?} after attempt {attempt}")
            })?;
            *attempt = again.attempt;
        }
        ensure(f.upto >= self.cursor, || "the cursor goes back".into())?;
        self.cursor = f.upto;
        let lost = self.wanted.range(..=f.upto).next();
        ensure(lost.is_none(), || {
            format!("the cursor went to {}, over {lost:?}", f.upto)
        })
    }
}

fn emits(topic: &str) -> PlanSpec {
    PlanSpec {
        description: "says so".into(),
        inputs: Vec::new(),
        output: None,
        steps: vec![StepSpec {
            name: name("say"),
            after: Vec::new(),
            when: None,
            action: StepDo::Emit {
                kind: topic.into(),
                data: Some("{\"of\": \"{{ trigger.id }}\"}".into()),
            },
            for_each: None,
            retry: RetryPolicy::default(),
            timeout: None,
            optional: false,
            key: None,
        }],
    }
}

fn subscription(topic: &str, starts: Option<&str>) -> SubscriptionSpec {
    SubscriptionSpec {
        filter: EventFilter {
            topics: vec![topic.into()],
            ..EventFilter::default()
        },
        starts: starts.map(|plan| Starts {
            kind: Kind::Plan,
            name: name(plan),
            input: None,
        }),
        visible: Span::secs(90),
        retry: RetryPolicy {
            attempts_max: 3,
            wait: Span::secs(10),
            ..RetryPolicy::default()
        },
        in_flight: 6,
        ..SubscriptionSpec::default()
    }
}

impl Sim {
    /// What a tenant begins with whose events somebody listens to.
    pub(crate) fn begin_bus(&mut self, tenant: TenantId) {
        let plan = |called, topic| (Kind::Plan, name(called), Spec::Plan(emits(topic)));
        let handles = |called, topic, emits: &[(&str, Option<&str>)]| {
            let emits = emits.iter().map(|(kind, when)| Emits {
                kind: (*kind).into(),
                data: Some("{\"of\": \"{{ trigger.id }}\"}".into()),
                when: when.map(str::to_owned),
            });
            let spec = Spec::subscription(subscription(topic, None), emits.collect());
            (Kind::Subscription, name(called), spec)
        };
        let listens = |called, topic, starts| {
            let spec = Spec::Subscription(Box::new(subscription(topic, starts)));
            (Kind::Subscription, name(called), spec)
        };
        let all = [
            plan("answer", "answered"),
            plan("round", "turn"),
            listens(TAKER, "email.*", None),
            listens("alarms", "alarm", Some("answer")),
            listens("rounds", "turn", Some("round")),
            listens("nowhere", "weather.*", Some("no-such-plan")),
            handles(
                "echoes",
                "alarm",
                &[("echo", None), ("email.again", Some(SOME))],
            ),
            handles("circle", "echo", &[("echo", None)]),
            handles(
                "broken",
                "turn",
                &[("never", Some("trigger.data.none == 1"))],
            ),
            handles("told", "error", &[("told", None)]),
        ];
        for (kind, name, spec) in all {
            let command = command::Resource::Apply { kind, name, spec };
            self.ask(tenant, command.into(), Vec::new(), None, true, 5);
        }
        let wait = self.bus_chance.below(60_000);
        self.later(wait, Event::Visit(tenant, VISITS));
    }

    /// Somebody publishes, and the consumer comes by.
    pub(crate) fn visit(&mut self, tenant: TenantId, left: u32) {
        if self.bus_chance.once_in(2) {
            let topic = (*self.bus_chance.pick(&TOPICS)).to_owned();
            let text = format!("{{\"n\": \"{}\"}}", crate::clients::canary(tenant));
            let data = self.body(tenant, text.as_bytes());
            let command = command::Event::Publish {
                topic,
                data: data.staged.name,
                origin: Origin::default(),
            };
            self.ask(tenant, command.into(), vec![data], None, true, 0);
        }
        let limit = self.bus_chance.within(1, 4);
        let head = self.door(tenant).head().map_or(0, |head| head.seq);
        let ready = self.ready.remove(&tenant).unwrap_or_default();
        if let Some(walk) = self.walks.get_mut(&tenant) {
            walk.catch_up(&self.store);
            let consumer = name(TAKER);
            let seen = walk.seq.min(head);
            if let Some(look) = walk.bus.look(&consumer, limit as usize, seen) {
                let command = command::Event::Pull {
                    consumer,
                    done: ready,
                    limit: limit as u32,
                    from: look.from,
                    filter: look.filter,
                    found: look.found,
                    upto: look.upto,
                };
                self.ask(tenant, command.into(), Vec::new(), None, true, 0);
            }
        }
        if left > 0 {
            let wait = self.bus_chance.below(120_000);
            self.later(wait, Event::Visit(tenant, left - 1));
        }
    }

    /// The consumer heard what became of what it asked.
    pub(crate) fn consumed(&mut self, tenant: TenantId, command: &Command, reply: &Reply) {
        match (command, reply) {
            (
                Command::Event(command::Event::Pull { done, .. }),
                Reply::Pulled {
                    events, done: many, ..
                },
            ) => {
                if *many as usize == done.len() {
                    self.promised.extend(done.iter().map(|seq| (tenant, *seq)));
                }
                for (seq, ..) in events {
                    match self.bus_chance.below(5) {
                        0 => {} // it dies with them
                        1 => {
                            let command = command::Event::Return {
                                consumer: name(TAKER),
                                events: vec![*seq],
                                delay: None,
                            };
                            self.ask(tenant, command.into(), Vec::new(), None, true, 0);
                        }
                        2 => {
                            let command = command::Event::Acknowledge {
                                consumer: name(TAKER),
                                events: vec![*seq],
                            };
                            let wait = self.bus_chance.below(200_000);
                            self.ask(tenant, command.into(), Vec::new(), None, true, wait);
                        }
                        _ => self.ready.entry(tenant).or_default().push(*seq),
                    }
                }
            }
            (Command::Event(command::Event::Acknowledge { events, .. }), Reply::Count(many))
                if *many as usize == events.len() =>
            {
                self.promised
                    .extend(events.iter().map(|seq| (tenant, *seq)));
            }
            _ => {}
        }
    }

    /// What was acknowledged is so in the journal; nothing that was caught is left lying.
    pub(crate) fn check_bus(&mut self, tenant: TenantId) {
        let Some(walk) = self.walks.get(&tenant) else {
            return;
        };
        let bus = &walk.bus;
        let taker = bus.seen.get(&name(TAKER));
        let mut mine = self.promised.iter().filter(|(whose, _)| *whose == tenant);
        let lost = mine.find(|(_, seq)| taker.is_none_or(|taker| !taker.done.contains(seq)));
        let lost = lost.map(|(_, seq)| format!("{seq} was acknowledged, its client was told"));
        let mut all = bus.seen.iter();
        let left =
            all.find(|(name, seen)| !seen.pending.is_empty() && !crate::drivers::is_one(name));
        let left = left.map(|(name, seen)| format!("{name} left {:?}", seen.pending));
        let met = [
            ("event given", bus.given),
            ("event given again", bus.again),
            ("event put aside", bus.put_aside),
            ("event set something off", bus.set_off),
            ("event made of another", bus.made),
            ("circle of events broken", bus.circles),
        ];
        for (what, many) in met {
            self.report.meet(what, many);
        }
        if let Some(wrong) = lost.or(left) {
            self.violated("the bus keeps its word", wrong);
        }
    }
}
