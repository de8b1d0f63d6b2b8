//! Steps that wait: each wait ends once, by the first thing that fits it; a signal that was
//! acknowledged is taken in its turn or with the end of its run, and no time comes early. Read from
//! the journal alone, without the rules' own eyes.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use naos_types::fact::event::{self, Origin, Published};
use naos_types::fact::{Fact, plan};
use naos_types::spec::{
    InputSpec, InputType, Kind, PlanSpec, Spec, StepDo, StepSpec, WaitFor, like,
};
use naos_types::{Actor, BodyRef, Code, EventId, Name, PlanId, Span, TenantId, Time, command};

use crate::chance::Chance;
use crate::clients::{START, canary, marked};
use crate::journal::ensure;
use crate::sim::Sim;
use crate::workload::{name, step, task};

/// The plan whose steps wait.
const PLAN: &str = "patience";
/// What they wait for: a signal, sent now or before, and events of these types.
const SIGNAL: &str = "go";
const AWAITED: &str = "paid.*";
/// What is published: the last of them nobody waits for.
const TOPICS: [&str; 3] = ["paid.rent", "paid.bill", "unpaid"];
/// What an event that is waited for may have to say.
const CONDITION: &str = "event.data.n == 1";
/// How late things are sent, at most: some come before the step that waits, some after its end.
const LATE_MS_MAX: u64 = 6_000_000;

/// What the facts about steps that wait said so far.
#[derive(Default)]
pub(crate) struct Waits {
    runs: BTreeMap<PlanId, Seen>,
    /// Data of events that meet the condition: whoever publishes them says so.
    pub(crate) meets: BTreeSet<BodyRef>,
    /// What waits gave that events ended, and which.
    gave: Vec<(Option<BodyRef>, EventId)>,
    taken: u64,
    early: u64,
    late: u64,
    came: u64,
}

/// One run.
struct Seen {
    spec: Arc<PlanSpec>,
    /// The steps that wait now.
    open: BTreeMap<Name, Open>,
    /// Signals that nobody took yet, the oldest first.
    kept: VecDeque<BodyRef>,
    ended: bool,
}

/// A step that waits.
#[derive(Default)]
struct Open {
    until: Option<Time>,
    /// The conversation that what it waits for must belong to; none before that is known.
    asks: Option<Option<String>>,
    /// What came that fits: it ends now, and by nothing else.
    owed: Option<Owed>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Owed {
    Event(EventId),
    Signal(BodyRef),
}

fn wait_of(spec: &StepSpec) -> Option<&WaitFor> {
    match &spec.action {
        StepDo::Wait(wait) => Some(wait),
        _ => None,
    }
}

impl Waits {
    pub(crate) fn take(&mut self, fact: &Fact, at: Time) -> Result<(), String> {
        match fact {
            Fact::Plan(plan::Fact::Started(f)) => {
                if f.spec.steps.iter().any(|spec| wait_of(spec).is_some()) {
                    let seen = Seen {
                        spec: Arc::clone(&f.spec),
                        open: BTreeMap::new(),
                        kept: VecDeque::new(),
                        ended: false,
                    };
                    self.runs.insert(f.plan, seen);
                }
                Ok(())
            }
            Fact::Plan(fact) => self.plan(fact, at),
            Fact::Event(event::Fact::Awaited(f)) => {
                let open = self.runs.get_mut(&f.plan);
                let open = open.and_then(|seen| seen.open.get_mut(&f.at.step));
                let open = open.ok_or_else(|| format!("{} doesn't wait", f.at))?;
                open.asks = Some(f.correlation.clone());
                ensure(f.topic == AWAITED, || format!("it waits for {}", f.topic))
            }
            Fact::Event(event::Fact::Signalled(f)) => {
                let seen = self.runs.get_mut(&f.plan).filter(|seen| !seen.ended);
                let seen = seen.ok_or_else(|| format!("{} takes no signal", f.plan))?;
                seen.signalled(f.data)
            }
            Fact::Event(event::Fact::Published(f)) => self.published(f),
            _ => Ok(()),
        }
    }

    fn plan(&mut self, fact: &plan::Fact, at: Time) -> Result<(), String> {
        let Some(seen) = self.runs.get_mut(&fact.plan()) else {
            return Ok(()); // nothing of it waits
        };
        match fact {
            plan::Fact::StepStarted(f) => {
                let early = seen.begins(f, at)?;
                self.early += u64::from(early);
                Ok(())
            }
            plan::Fact::StepDone(f) => {
                let Some(wait) = seen.wait(&f.at.step).cloned() else {
                    return Ok(());
                };
                let open = seen.open.remove(&f.at.step);
                let open = open.ok_or_else(|| format!("{} ends and doesn't wait", f.at))?;
                match (wait, open.owed) {
                    (WaitFor::Event { .. }, Some(Owed::Event(event))) => {
                        self.gave.push((f.output, event));
                        Ok(())
                    }
                    (WaitFor::Signal { .. }, Some(Owed::Signal(data))) => {
                        self.taken += 1;
                        let first = seen.kept.pop_front();
                        ensure(first == Some(data) && f.output == Some(data), || {
                            format!("{} took {:?}, the first is {first:?}", f.at, f.output)
                        })
                    }
                    (WaitFor::Time { .. } | WaitFor::Until { .. }, None) => {
                        self.came += 1;
                        ensure(open.until.is_some_and(|until| at >= until), || {
                            format!("the time of {} came before {:?}", f.at, open.until)
                        })
                    }
                    (wait, owed) => Err(format!("{} waits for {wait:?}, ends by {owed:?}", f.at)),
                }
            }
            plan::Fact::StepFailed(f) => {
                let late = f.problem.code == Code::TIMED_OUT;
                let open = seen.lets_go(&f.at.step)?;
                let Some(open) = open else { return Ok(()) };
                self.late += u64::from(late);
                ensure(!late || open.until.is_some_and(|until| at >= until), || {
                    format!("{} is given up before {:?}", f.at, open.until)
                })
            }
            plan::Fact::StepSkipped(f) => seen.lets_go(&f.at.step).map(drop),
            plan::Fact::UndoBegan(_) | plan::Fact::Closed(_) => {
                seen.ended = matches!(fact, plan::Fact::Closed(_));
                seen.kept.clear();
                let open = std::mem::take(&mut seen.open);
                let owed = open.iter().find(|(_, open)| open.owed.is_some());
                let owed = owed.map(|(step, open)| format!("{step} was to end by {:?}", open.owed));
                owed.map_or(Ok(()), Err)
            }
            plan::Fact::Resumed(_) => {
                seen.ended = false;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Every step that waits for this ends by it.
    fn published(&mut self, f: &Published) -> Result<(), String> {
        if !like(AWAITED, &f.topic) {
            return Ok(());
        }
        let meets = self.meets.contains(&f.data);
        for seen in self.runs.values_mut() {
            for (step, open) in &mut seen.open {
                let spec = seen.spec.steps.iter().find(|spec| spec.name == *step);
                let Some(WaitFor::Event { condition, .. }) = spec.and_then(wait_of) else {
                    continue;
                };
                let own = match &open.asks {
                    None => return Err(format!("{step} began to wait for nothing")),
                    Some(asks) => asks.as_ref().is_none_or(|asks| *asks == f.correlation()),
                };
                if own && (condition.is_none() || meets) {
                    let before = open.owed.replace(Owed::Event(f.event));
                    ensure(before.is_none(), || {
                        format!("{step} was to end by {before:?}")
                    })?;
                }
            }
        }
        Ok(())
    }

    /// What came and never ended the wait that it fits.
    fn owed(&self) -> Option<String> {
        let mut all = self.runs.iter();
        all.find_map(|(id, seen)| {
            let mut open = seen.open.iter();
            let (step, open) = open.find(|(_, open)| open.owed.is_some())?;
            Some(format!("{step} of {id} still waits after {:?}", open.owed))
        })
    }
}

impl Seen {
    fn wait(&self, step: &Name) -> Option<&WaitFor> {
        let spec = self.spec.steps.iter().find(|spec| spec.name == *step);
        spec.and_then(wait_of)
    }

    /// A step begins to wait; whether what it waits for was there before.
    fn begins(&mut self, f: &plan::StepStarted, at: Time) -> Result<bool, String> {
        let spec = self.spec.steps.iter().find(|spec| spec.name == f.at.step);
        let Some((spec, wait)) = spec.and_then(|spec| Some((spec, wait_of(spec)?))) else {
            return Ok(false);
        };
        let until = match wait {
            WaitFor::Time { span } => Some(at + *span),
            WaitFor::Until { at } => Time::parse(at),
            _ => spec.timeout.map(|timeout| at + timeout),
        };
        ensure(f.deadline == until, || {
            format!("{} waits until {:?}, not {until:?}", f.at, f.deadline)
        })?;
        let kept = matches!(wait, WaitFor::Signal { .. })
            .then(|| self.kept.front())
            .flatten();
        let open = Open {
            until,
            asks: None,
            owed: kept.copied().map(Owed::Signal),
        };
        let early = open.owed.is_some();
        let before = self.open.insert(f.at.step.clone(), open);
        ensure(before.is_none(), || format!("{} waits twice", f.at))?;
        Ok(early)
    }

    /// The first step that waits for a signal takes it, or it is kept.
    fn signalled(&mut self, data: BodyRef) -> Result<(), String> {
        let waits = |spec: &&StepSpec| matches!(wait_of(spec), Some(WaitFor::Signal { .. }));
        let steps = self.spec.steps.iter().filter(waits);
        let mut steps = steps.map(|spec| &spec.name);
        if let Some(step) = steps.find(|step| self.open.contains_key(*step)).cloned()
            && let Some(open) = self.open.get_mut(&step)
        {
            let idle = open.owed.is_none() && self.kept.is_empty();
            ensure(idle, || format!("{step} leaves {:?}", self.kept))?;
            open.owed = Some(Owed::Signal(data));
        }
        self.kept.push_back(data);
        Ok(())
    }

    /// A step waits no more; whatever came for it would have ended it.
    fn lets_go(&mut self, step: &Name) -> Result<Option<Open>, String> {
        let open = self.open.remove(step);
        let owed = open.as_ref().and_then(|open| open.owed);
        ensure(owed.is_none(), || {
            format!("{step} is let go, and was to end by {owed:?}")
        })?;
        Ok(open)
    }
}

fn wait(called: &str, after: &[&str], wait: WaitFor) -> StepSpec {
    step(called, after, StepDo::Wait(wait))
}

/// Waits for all there is to wait for, side by side and one after the other.
fn spec(chance: &mut Chance) -> PlanSpec {
    let go = || WaitFor::Signal { name: name(SIGNAL) };
    let paid = WaitFor::Event {
        topic: AWAITED.into(),
        condition: chance.once_in(2).then(|| CONDITION.into()),
        correlation: (!chance.once_in(3)).then(|| "{{ inputs.mark }}".into()),
    };
    let span = Span::secs(chance.within(1, 3_000).cast_signed());
    let at = START + Span::secs(chance.within(0, 20_000).cast_signed());
    let at = at.rfc3339();
    let mut steps = vec![
        wait("call", &[], go()),
        wait("paid", &[], paid),
        wait("nap", &["call"], WaitFor::Time { span }),
        wait("until", &[], WaitFor::Until { at }),
        step(
            "work",
            &["paid", "nap"],
            task("worker", "after {{ inputs.mark }}"),
        ),
        wait("again", &["work"], go()),
        step(
            "end",
            &["again", "until"],
            StepDo::Render {
                template: "the end of {{ inputs.mark }}".into(),
            },
        ),
    ];
    // Nobody waits for ever: what is sent to the wrong one, or never, is not waited for.
    for (at, attempts) in [(0, 2), (1, 1), (5, 2)] {
        let step = &mut steps[at];
        step.timeout = Some(Span::secs(chance.within(300, 6_000).cast_signed()));
        step.retry.attempts_max = attempts;
        step.optional = !chance.once_in(4);
    }
    PlanSpec {
        description: "a plan that waits".into(),
        inputs: vec![InputSpec {
            name: "mark".into(),
            kind: InputType::String,
            default: None,
        }],
        steps,
        output: None,
    }
}

impl Sim {
    /// What a tenant begins with whose plans wait.
    pub(crate) fn begin_waits(&mut self, tenant: TenantId) {
        let spec = Spec::Plan(spec(&mut self.wait_chance));
        let (kind, name) = (Kind::Plan, name(PLAN));
        let command = command::Resource::Apply { kind, name, spec };
        self.ask(tenant, command.into(), Vec::new(), None, true, 2);
    }

    /// Somebody starts a plan that waits.
    pub(crate) fn issue_wait(&mut self) {
        if !self.scenarios.waits || !self.wait_chance.once_in(2) {
            return;
        }
        let at = self.wait_chance.below(self.tenants.len() as u64);
        let tenant = self.tenants[usize::try_from(at).unwrap_or(0)];
        let mark = format!("{}c{}", canary(tenant), self.clients.asked.len());
        let inputs = self.body(tenant, format!("{{\"mark\":\"{mark}\"}}").as_bytes());
        let command = command::Plan::Start {
            of: Kind::Plan,
            name: name(PLAN),
            inputs: inputs.staged.name,
        };
        let found = Some(format!("plan {mark}"));
        self.ask(tenant, command.into(), vec![inputs], found, true, 0);
    }

    /// People send what is waited for: too early, too late, twice, and to somebody else.
    pub(crate) fn look_at_wait(&mut self, tenant: TenantId, fact: &Fact) {
        let Fact::Plan(plan::Fact::Started(f)) = fact else {
            return;
        };
        if !self.scenarios.waits || f.name != name(PLAN) || !matches!(f.by, Actor::Member(..)) {
            return;
        }
        for _ in 0..self.wait_chance.within(0, 3) {
            let after = self.wait_chance.below(LATE_MS_MAX);
            let twice = self.wait_chance.once_in(3);
            for _ in 0..=u8::from(twice) {
                self.send_signal(tenant, f.plan, after);
            }
        }
        if self.wait_chance.once_in(3) {
            let walk = self.walks.get(&tenant);
            let all: Vec<PlanId> =
                walk.map_or_else(Vec::new, |w| w.plans.keys().copied().collect());
            if !all.is_empty() {
                let other = *self.wait_chance.pick(&all);
                self.send_signal(tenant, other, 0);
            }
        }
        let inputs = self.content(tenant, &f.inputs).unwrap_or_default();
        let inputs: serde_json::Value = serde_json::from_slice(&inputs).unwrap_or_default();
        let mark = inputs["mark"].as_str().unwrap_or_default().to_owned();
        for _ in 0..self.wait_chance.within(1, 4) {
            let after = self.wait_chance.below(LATE_MS_MAX);
            let twice = self.wait_chance.once_in(3);
            for _ in 0..=u8::from(twice) {
                let own = !self.wait_chance.once_in(3);
                let of = if own { mark.as_str() } else { "somebody else" };
                self.publish_payment(tenant, of, after);
            }
        }
    }

    fn send_signal(&mut self, tenant: TenantId, plan: PlanId, after_ms: u64) {
        let text = format!("\"{}s{}\"", canary(tenant), self.clients.asked.len());
        let data = self.body(tenant, text.as_bytes());
        let command = command::Event::Signal {
            plan,
            name: name(SIGNAL),
            data: data.staged.name,
        };
        let found = Some(marked("signal", data.staged.name));
        let keyed = !self.wait_chance.once_in(5);
        self.ask(tenant, command.into(), vec![data], found, keyed, after_ms);
    }

    fn publish_payment(&mut self, tenant: TenantId, conversation: &str, after_ms: u64) {
        let n = self.wait_chance.below(2);
        let of = format!("{}p{}", canary(tenant), self.clients.asked.len());
        let data = self.body(
            tenant,
            format!("{{\"n\": {n}, \"of\": \"{of}\"}}").as_bytes(),
        );
        let name = data.staged.name;
        if n == 1
            && let Some(walk) = self.walks.get_mut(&tenant)
        {
            walk.waits.meets.insert(name);
        }
        let command = command::Event::Publish {
            topic: (*self.wait_chance.pick(&TOPICS)).to_owned(),
            data: name,
            origin: Origin {
                correlation: Some(conversation.to_owned()),
                ..Origin::default()
            },
        };
        let found = Some(marked("event", name));
        let keyed = !self.wait_chance.once_in(5);
        self.ask(tenant, command.into(), vec![data], found, keyed, after_ms);
    }

    /// Whatever came ended what waited for it, and is what that gave.
    pub(crate) fn check_waits(&mut self, tenant: TenantId) {
        let Some(walk) = self.walks.get(&tenant) else {
            return;
        };
        let waits = &walk.waits;
        let gives = |(output, event): &(Option<BodyRef>, EventId)| {
            let found = output.map(|output| self.content(tenant, &output));
            let found = found.and_then(Result::ok).unwrap_or_default();
            let found: serde_json::Value = serde_json::from_slice(&found).unwrap_or_default();
            found["id"].as_str() == Some(event.to_string().as_str())
        };
        let odd = waits.gave.iter().find(|one| !gives(one));
        let odd = odd.map(|(_, event)| format!("{event} ended a wait, which doesn't give it"));
        let wrong = waits.owed().or(odd);
        let met = [
            ("signal taken", waits.taken),
            ("signal came early", waits.early),
            ("event ended a wait", waits.gave.len() as u64),
            ("wait timed out", waits.late),
            ("time came", waits.came),
        ];
        for (what, many) in met {
            self.report.meet(what, many);
        }
        if let Some(wrong) = wrong {
            self.violated("a wait ends by the first that fits", wrong);
        }
    }
}
