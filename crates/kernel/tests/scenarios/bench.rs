//! A cell without an engine: it brings what the rules need, keeps what they decide, and checks
//! after every turn that the wishes are those that follow from the state.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use naos_kernel::recall::{Embedder, Grams};
use naos_kernel::route::{RankKey, Ranked};
use naos_kernel::supervisor::Standing;
use naos_kernel::{
    Answer, Answers, AnyAggregate, Compute, Computed, Contents, Ctx, Input, Key, Need, Outcome,
    State, apply, compute_with, decide, open_effects, open_inputs, value_bytes,
};
use naos_types::command::{Command, Reply};
use naos_types::effect::{Effect, EffectId};
use naos_types::fact::{Fact, tenant};
use naos_types::spec::{BEATS_PER_LOOK_MAX, Look, Seen, When};
use naos_types::{
    Actor, ApprovalId, BodyRef, Digest, MemberId, NewLog, PlanId, Refusal, Role, RunId, Sealed,
    Span, SubjectId, TaskId, Time, input,
};

/// More rounds than any decision of these tests asks for.
const ROUNDS_MAX: usize = 64;

/// A cell and what was last spoken of in it.
#[derive(Clone)]
pub struct Bench {
    pub state: State,
    pub now: Time,
    seed: u128,
    seq: u64,
    pub bodies: BTreeMap<BodyRef, Vec<u8>>,
    pub facts: Vec<(Time, Fact)>,
    pub role: Role,
    pub task: Option<TaskId>,
    pub plan: Option<PlanId>,
    pub approval: Option<ApprovalId>,
    pub member: Option<MemberId>,
    pub token: Option<naos_types::TokenId>,
    /// Gated calls of each run so far.
    pub calls: BTreeMap<RunId, u32>,
    /// What a guest logged since its last call, and how many such pages there were.
    pub log: Option<NewLog>,
    pub logged: u32,
    /// Rankings that are remembered; none remembers nothing.
    pub routes: Option<BTreeMap<RankKey, Arc<[Ranked]>>>,
    /// How often one was remembered, and how often worked out.
    pub hits: u32,
    pub misses: u32,
    /// What puts texts into one space.
    pub embedder: Arc<dyn Embedder>,
}

/// What computations read.
struct Kept<'b> {
    bodies: &'b BTreeMap<BodyRef, Vec<u8>>,
    embedder: &'b dyn Embedder,
}

impl Contents for Kept<'_> {
    fn bytes(&mut self, name: &BodyRef) -> Result<Vec<u8>, String> {
        let found = self.bodies.get(name).cloned();
        found.ok_or_else(|| "no such body".to_owned())
    }

    fn embedder(&self) -> &dyn Embedder {
        self.embedder
    }
}

/// Wakes the bug that the environment names, for what is tried without a bench too.
pub fn wake_planted() {
    #[cfg(feature = "planted-bugs")]
    naos_kernel::planted::set(&std::env::var("NAOS_PLANTED_BUG").unwrap_or_default());
}

impl Bench {
    pub fn new() -> Self {
        wake_planted();
        Self {
            state: State::new(),
            now: Time(1_772_352_000_000),
            seed: 1,
            seq: 0,
            bodies: BTreeMap::new(),
            facts: Vec::new(),
            role: Role::Owner,
            task: None,
            plan: None,
            approval: None,
            member: None,
            token: None,
            calls: BTreeMap::new(),
            log: None,
            logged: 0,
            routes: None,
            hits: 0,
            misses: 0,
            embedder: Arc::new(Grams),
        }
    }

    pub fn body(&mut self, plain: &[u8]) -> BodyRef {
        let name = BodyRef {
            digest: Digest::of(plain),
            len: plain.len() as u64,
        };
        self.bodies.insert(name, plain.to_vec());
        name
    }

    /// What a command gives: its reply or refusal, and the facts of it and all that follows.
    pub fn command(&mut self, command: impl Into<Command>) -> (Result<Reply, Refusal>, Vec<Fact>) {
        let actor = Actor::Member(MemberId(7), self.role);
        self.command_by(actor, command)
    }

    pub fn command_by(
        &mut self,
        actor: Actor,
        command: impl Into<Command>,
    ) -> (Result<Reply, Refusal>, Vec<Fact>) {
        self.external(input::Input::Command {
            actor,
            command: command.into(),
        })
    }

    pub fn external(&mut self, input: input::Input) -> (Result<Reply, Refusal>, Vec<Fact>) {
        self.turns(Input::External(input))
    }

    /// What the cell does by itself: as one that is opened anew, for example.
    pub fn by_itself(&mut self, input: Input) -> Vec<Fact> {
        self.turns(input).1
    }

    /// The cell goes on from a backup that was taken a moment ago.
    pub fn restored(&mut self) -> Vec<Fact> {
        let (upto, backed_up) = (self.seq, self.now);
        let fact = Fact::from(tenant::Restored { upto, backed_up });
        replay(&mut self.state, &fact, self.now);
        self.seq += 1;
        self.facts.push((self.now, fact.clone()));
        vec![fact]
    }

    /// A rule breaks at this input: that is journaled, as a shard does it.
    pub fn broke(&mut self, broke: tenant::Broke) -> Vec<Fact> {
        let fact = Fact::from(tenant::Quarantined {
            after: self.seq,
            rule: None,
            why: sealed("it broke"),
            broke,
            kept: None,
            bodies: Vec::new(),
        });
        replay(&mut self.state, &fact, self.now);
        self.seq += 1;
        self.facts.push((self.now, fact.clone()));
        vec![fact]
    }

    /// Lets time go by; what is due happens at its own time.
    pub fn wait(&mut self, span: Span) -> Vec<Fact> {
        let until = self.now + span;
        let mut facts = Vec::new();
        while let Some((at, key)) = self.next_due().filter(|(at, _)| *at <= until) {
            self.now = self.now.max(at);
            let (reply, more) = self.turns(Input::Due(key.clone()));
            assert!(reply.is_ok(), "what is due is never refused: {reply:?}");
            assert_ne!(self.next_due(), Some((at, key)), "an alarm rings for ever");
            facts.extend(more);
        }
        self.now = until;
        facts
    }

    /// Nobody looks for so long; what was due meanwhile is looked at afterwards.
    pub fn away(&mut self, span: Span) -> Vec<Fact> {
        self.now = self.now + span;
        self.wait(Span(0))
    }

    fn next_due(&self) -> Option<(Time, Key)> {
        let all = self.state.all().into_iter();
        let due = |key: &Key, aggregate: &AnyAggregate| match key {
            Key::Beat(beat) => Some(beat.0),
            _ => aggregate.due(),
        };
        all.filter_map(|(key, aggregate)| Some((due(&key, &aggregate)?, key)))
            .min()
    }

    fn turns(&mut self, first: Input) -> (Result<Reply, Refusal>, Vec<Fact>) {
        let mut next = VecDeque::from([first]);
        let (mut reply, mut facts) = (None, Vec::new());
        while let Some(input) = next.pop_front() {
            let (said, more, follows) = self.turn(&input);
            reply.get_or_insert(said);
            facts.extend(more);
            for (at, input) in follows.into_iter().enumerate() {
                next.insert(at, input);
            }
        }
        (reply.expect("a first input is a turn"), facts)
    }

    fn turn(&mut self, input: &Input) -> (Result<Reply, Refusal>, Vec<Fact>, Vec<Input>) {
        self.seed += 1;
        let mut answers = Answers::new();
        for _ in 0..ROUNDS_MAX {
            let ctx = Ctx {
                now: self.now,
                seed: self.seed,
                seq: self.seq,
                answers: &answers,
            };
            match decide(&self.state, input, &ctx) {
                Outcome::Broken(what) => panic!("a rule is broken at {input:?}: {what}"),
                Outcome::Needs(needs) => {
                    for need in needs {
                        let answer = self.answer(&need);
                        answers.insert(need, answer);
                    }
                }
                Outcome::Decided(decision) => {
                    self.misses += u32::try_from(decision.learned.len()).expect("few");
                    if let Some(routes) = &mut self.routes {
                        routes.extend(decision.learned);
                    }
                    let before = effects(&self.state);
                    let mut replayed = self.state.clone();
                    for fact in &decision.facts {
                        replay(&mut replayed, fact, self.now);
                    }
                    self.state.merge(decision.changes);
                    assert_same(&self.state, &replayed);
                    let wished: BTreeSet<EffectId> = decision
                        .orders
                        .iter()
                        .map(|order| order.effect.id())
                        .collect();
                    self.check_wishes(&before, &wished);
                    decision.next.iter().for_each(|next| self.check_next(next));
                    decision.facts.iter().for_each(check_bodies);
                    self.seq += decision.facts.len() as u64;
                    let at = self.now;
                    self.facts
                        .extend(decision.facts.iter().map(|fact| (at, fact.clone())));
                    return (decision.reply, decision.facts, decision.next);
                }
            }
        }
        panic!("a decision about {input:?} needs more than {ROUNDS_MAX} rounds");
    }

    /// What is wished for is outstanding, and what became outstanding was wished for.
    fn check_wishes(&self, before: &BTreeSet<EffectId>, wished: &BTreeSet<EffectId>) {
        let after = effects(&self.state);
        for id in wished {
            let cancel = matches!(id, EffectId::Cancel(_));
            assert!(
                cancel || after.contains(id) || before.contains(id),
                "{id:?} isn't open"
            );
        }
        for id in after.difference(before) {
            assert!(
                wished.contains(id),
                "{id:?} is open and nobody wished for it"
            );
        }
    }

    /// A process that dies between two turns forgets what was to be next: whoever opens the cell
    /// finds it in the state, or there is nothing to do any more.
    fn check_next(&self, next: &Input) {
        let found = match next {
            Input::Advance(plan) => self.state.get(&Key::Plan(*plan)),
            Input::Think(run) => self.state.get(&Key::Run(*run)),
            Input::Due(key) => self.state.get(key),
            _ => None,
        };
        let is_over = match &found {
            Some(AnyAggregate::Plan(plan)) => plan.is_closed(),
            Some(AnyAggregate::Run(run)) => run.ended.is_some(),
            Some(AnyAggregate::Supervisor(found)) if found.standing == Standing::Stopped => true,
            Some(found) => found.due().is_some(),
            None => true,
        };
        assert!(
            is_over || open_inputs(&self.state).contains(next),
            "{next:?} is lost if the process dies before it"
        );
    }

    fn answer(&mut self, need: &Need) -> Answer {
        match need {
            Need::Record(key) => {
                self.state
                    .load(key.clone(), None)
                    .expect("nothing fits every kind");
                Answer::Loaded
            }
            // All there are stand in its state.
            Need::Documents(_) | Need::Saying(_) => Answer::Documents(Vec::new(), false),
            Need::Body(name) => Answer::Body(self.bodies.get(name).cloned()),
            Need::Stage(bytes) => Answer::Staged(self.body(bytes)),
            Need::Seal(text) => Answer::Sealed(sealed(text)),
            Need::Unseal(text) => {
                let said = String::from_utf8(text.bytes.clone());
                Answer::Unsealed(said.ok())
            }
            Need::Ranking(key) => {
                let known = self.routes.as_ref().and_then(|routes| routes.get(key));
                self.hits += u32::from(known.is_some());
                Answer::Ranking(known.cloned())
            }
            Need::Look(look) => Answer::Seen(calendar(look)),
            Need::Days(zone, at) => {
                let day = |days: i64| (*at + Span(days * 86_400_000)).rfc3339()[..10].to_owned();
                Answer::Days(match zone.as_str() {
                    "UTC" => Ok([day(-1), day(0), day(1)]),
                    other => Err(format!("there is no time zone {other:?}")),
                })
            }
            Need::Compute(compute) => Answer::Computed(self.value(compute).map(|value| {
                let given = compute.given();
                let body = given.unwrap_or_else(|| self.body(&value_bytes(&value)));
                Computed { value, body }
            })),
            Need::Value(compute) => Answer::Value(self.value(compute)),
        }
    }

    fn value(&self, compute: &Compute) -> Result<Arc<serde_json::Value>, String> {
        let mut kept = Kept {
            bodies: &self.bodies,
            embedder: self.embedder.as_ref(),
        };
        compute_with(compute, &mut kept).map(Arc::new)
    }

    /// What is outstanding.
    pub fn open(&self) -> Vec<Effect> {
        open_effects(&self.state)
            .into_iter()
            .map(|order| order.effect)
            .collect()
    }

    pub fn text(&self, name: &BodyRef) -> String {
        String::from_utf8_lossy(&self.bodies[name]).into_owned()
    }
}

/// A calendar that knows intervals and single times, by walking through them.
fn calendar(look: &Look) -> Result<Seen, String> {
    let all: Box<dyn Iterator<Item = Time>> = match &look.timing.when {
        When::At(at) => Box::new(std::iter::once(*at)),
        When::Every { every, from } => {
            let from = from.expect("the rules say from when");
            let every = *every;
            Box::new((0..).map(move |index| from + Span(every.0 * index)))
        }
        // Every minute of some hours of the day, which is all that the rules ask about.
        When::Cron { cron, zone } if zone == "UTC" => {
            let hours = cron
                .strip_prefix("* ")
                .and_then(|rest| rest.strip_suffix(" * * *"));
            let ends = hours.and_then(|hours| hours.split_once('-'));
            let (first, last) = ends.expect("minutes of hours");
            let hours: (i64, i64) = (first.parse().expect("first"), last.parse().expect("last"));
            let begin = look.after.0.div_euclid(60_000);
            let minutes = (begin..).filter(move |minute| {
                (hours.0..=hours.1).contains(&minute.div_euclid(60).rem_euclid(24))
            });
            Box::new(minutes.map(|minute| Time(minute * 60_000)))
        }
        When::Cron { zone, .. } => return Err(format!("there is no time zone {zone:?}")),
    };
    let until = look.timing.until.unwrap_or(Time(i64::MAX));
    let mut seen = Seen::default();
    for at in all.skip_while(|at| *at <= look.after) {
        if at > until {
            break;
        }
        if at > look.upto || seen.count >= BEATS_PER_LOOK_MAX {
            seen.next = Some(at);
            break;
        }
        seen.count += 1;
        seen.last.push(at);
    }
    let kept = seen.last.len().min(look.last as usize);
    seen.last = seen.last.split_off(seen.last.len() - kept);
    Ok(seen)
}

pub fn sealed(text: &str) -> Sealed {
    Sealed::from_parts(SubjectId::TENANT, [0; 12], text.as_bytes().into())
}

fn effects(state: &State) -> BTreeSet<EffectId> {
    open_effects(state)
        .iter()
        .map(|order| order.effect.id())
        .collect()
}

/// Every body that stands anywhere in a fact is among those that it says it names: what isn't named
/// is neither looked for by a check of the journal nor kept in a backup.
fn check_bodies(fact: &Fact) {
    fn walk(value: &serde_json::Value, out: &mut BTreeSet<String>) {
        match value {
            serde_json::Value::Object(fields)
                if fields.len() == 2
                    && fields.contains_key("digest")
                    && fields.contains_key("len") =>
            {
                out.insert(fields["digest"].to_string());
            }
            serde_json::Value::Object(fields) => fields.values().for_each(|value| walk(value, out)),
            serde_json::Value::Array(items) => items.iter().for_each(|value| walk(value, out)),
            _ => {}
        }
    }
    let json = |value| serde_json::to_value(value).expect("facts are JSON");
    let (mut stands, mut named) = (BTreeSet::new(), BTreeSet::new());
    walk(&json(fact), &mut stands);
    for body in fact.bodies().iter().chain(fact.erased()) {
        walk(&serde_json::to_value(body).expect("JSON"), &mut named);
    }
    assert_eq!(stands, named, "the bodies of {}", fact.kind());
}

/// Folds a fact as a cell does that starts again.
fn replay(state: &mut State, fact: &Fact, at: Time) {
    for _ in 0..ROUNDS_MAX {
        match apply(state, fact, at) {
            naos_kernel::Replay::Changed(changes) => {
                state.merge(changes);
                return;
            }
            naos_kernel::Replay::Needs(needs) => {
                for need in needs {
                    let Need::Record(key) = need else {
                        panic!("replay needs {need:?}")
                    };
                    state.load(key, None).expect("nothing fits every kind");
                }
            }
            naos_kernel::Replay::Broken(what) => {
                panic!("{} can't be replayed: {what}", fact.kind())
            }
        }
    }
    panic!("{} needs too much", fact.kind());
}

fn assert_same(decided: &State, replayed: &State) {
    let all = |state: &State| -> Vec<(Key, Vec<u8>)> {
        let all = state.all().into_iter();
        all.map(|(key, aggregate): (Key, AnyAggregate)| (key, aggregate.encode()))
            .collect()
    };
    assert_eq!(
        all(decided),
        all(replayed),
        "replay gives another state than the decision"
    );
}
