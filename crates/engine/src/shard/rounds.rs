//! One turn of a cell: ask the rules, load what they need, ask again; stage what they decide.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use naos_kernel::document::Document;
use naos_kernel::{
    Aggregate, Answer, Answers, AnyAggregate, COMPUTE_INPUT_BYTES_MAX, Compute, Computed, Ctx,
    DOCUMENTS_LISTED_MAX, Decision, Formula, Input, Key, Need, Outcome, Var,
};
use naos_store::{Append, BODY_INLINE_BYTES_MAX, Entry, InboxRow, ReadError, Record};
use naos_types::command::Reply;
use naos_types::effect::{Effect, EffectId};
use naos_types::fact::Fact;
use naos_types::{BatchId, BodyRef, Code, DocPath, Refusal, Sealed, Seq, SubjectId, Time};
use serde_json::Value;

use super::cell::{Cell, Queued, Staged};
use super::opening::{fetch, unknown};
use super::parsed::Reading;
use super::{
    APPEND_BYTES_MAX, APPEND_FACTS_MAX, Dice, Envelope, NewBody, Outgoing, ROUNDS_MAX, SameAs,
    TURNS_PER_STEP_MAX, Ticket,
};
use crate::refusals::{passes, reading as unreadable, writing};

/// How many documents are looked at at once where all are.
const DOCUMENTS_READ_MAX: usize = 512;

/// The append in the making.
pub(super) struct Draft {
    append: Append,
    pub(super) staged: Staged,
    bytes: usize,
}

/// What a decision was made with beside its input.
#[derive(Default)]
pub(super) struct Brought {
    pub(super) bodies: Vec<NewBody>,
    pub(super) same: Option<SameAs>,
    pub(super) ticket: Option<Ticket>,
    /// The effect whose end the input is.
    pub(super) ends: Option<EffectId>,
}

pub(super) enum Decided {
    Yes(Box<Decision>, Vec<NewBody>),
    /// Something could not be read or written; nothing changed.
    No(Refusal),
    /// The cell must be quarantined.
    Broken(String),
}

impl Cell {
    /// Decides up to a quantum of what waits, returns first, and commits it in one append.
    pub(super) fn run(&mut self, now: Time, dice: &mut dyn Dice, out: &mut Vec<Outgoing>) {
        let mut draft = self.draft(dice);
        self.fill(now, dice, &mut draft, out);
        self.read_beats(now); // an append says when it is to be woken
        self.send(draft, out);
        if self.running.is_empty() && self.returns.is_empty() {
            self.parsed.clear();
        }
    }

    /// Decides until the append is full or nothing waits any more.
    pub(super) fn fill(
        &mut self,
        now: Time,
        dice: &mut dyn Dice,
        draft: &mut Draft,
        out: &mut Vec<Outgoing>,
    ) {
        let mut heard = false;
        for _ in 0..TURNS_PER_STEP_MAX {
            let full = draft.append.entries.len() >= APPEND_FACTS_MAX / 2
                || draft.bytes >= APPEND_BYTES_MAX / 2;
            if full || self.quarantined.is_some() {
                break;
            }
            let next = if self.waits_until.is_some() {
                None
            } else {
                self.returns.pop_front()
            };
            match next {
                // What the state says by itself after the next start: nobody would hear the answer.
                Some(Queued::Own(Input::Think(run))) if self.is_ending => {
                    self.left.runs.insert(run);
                }
                Some(Queued::Own(input)) => {
                    self.turn(now, dice, &input, Brought::default(), draft, out);
                }
                Some(Queued::Envelope(envelope)) => {
                    if let Some(effect) = envelope.ends {
                        self.running.remove(&effect);
                        draft.staged.outcomes.push(envelope.as_ref().clone());
                    }
                    self.envelope(now, dice, *envelope, draft, out);
                }
                None => match self.outside.pop_front() {
                    Some(envelope) => {
                        heard = true;
                        self.envelope(now, dice, envelope, draft, out);
                    }
                    None => break,
                },
            }
        }
        self.commands_wait = !heard && !self.outside.is_empty();
    }

    pub(super) fn draft(&self, dice: &mut dyn Dice) -> Draft {
        Draft {
            append: Append {
                tenant: self.id,
                expected: self.seq,
                epoch: self.epoch,
                batch: BatchId(dice.roll()),
                entries: Vec::new(),
                bodies: Vec::new(),
                inbox: Vec::new(),
                wake: None,
            },
            staged: Staged::default(),
            bytes: 0,
        }
    }

    fn envelope(
        &mut self,
        now: Time,
        dice: &mut dyn Dice,
        envelope: Envelope,
        draft: &mut Draft,
        out: &mut Vec<Outgoing>,
    ) {
        if self.says_again(&envelope, draft) {
            return;
        }
        let Envelope {
            input,
            bodies,
            same,
            ticket,
            ends,
            ..
        } = envelope;
        let brought = Brought {
            bodies,
            same,
            ticket,
            ends,
        };
        self.turn(now, dice, &Input::External(input), brought, draft, out);
    }

    /// Whether this was asked before: then it is answered as it was then.
    pub(super) fn says_again(&self, envelope: &Envelope, draft: &mut Draft) -> bool {
        let Some(same) = &envelope.same else {
            return false;
        };
        match self.said_before(same) {
            Ok(None) => return false,
            Ok(Some((first, reply))) => {
                let late = naos_kernel::planted::is("seq-of-repeat");
                let seq = if late { self.seq } else { first };
                draft.reply(envelope.ticket, seq, Ok(reply));
            }
            Err(refusal) => draft.reply(envelope.ticket, self.seq, Err(refusal)),
        }
        true
    }

    pub(super) fn turn(
        &mut self,
        now: Time,
        dice: &mut dyn Dice,
        input: &Input,
        brought: Brought,
        draft: &mut Draft,
        out: &mut Vec<Outgoing>,
    ) {
        let seed = dice.roll();
        let mut decided = self.decided(now, seed, input, &brought.bodies);
        if let (Decided::No(why), Input::Advance(plan)) = (&decided, input)
            && !passes(why)
        {
            // A plan doesn't wait for what doesn't come: its step fails.
            let halt = Input::Halt(*plan, why.clone());
            decided = match self.decided(now, seed, &halt, &brought.bodies) {
                Decided::No(why) if !passes(&why) => Decided::Broken(why.what),
                decided => decided,
            };
        }
        match decided {
            Decided::Yes(decision, made) if self.leaves_undecided(now, input, &decision, &made) => {
            }
            Decided::Yes(decision, made) => {
                let bodies = made.into_iter().chain(brought.bodies);
                self.stage(now, *decision, bodies, brought.same, brought.ticket, draft);
            }
            Decided::No(refusal) if is_asked(input) || passes(&refusal) => {
                self.not_now(now, input, brought, refusal, draft);
            }
            Decided::No(refusal) => self.broken(now, refusal.what, input, brought, draft, out),
            Decided::Broken(why) => self.broken(now, why, input, brought, draft, out),
        }
    }

    /// Whoever asks hears why not. What came back or what the cell does by itself is kept, and
    /// decided later.
    pub(super) fn not_now(
        &mut self,
        now: Time,
        input: &Input,
        brought: Brought,
        why: Refusal,
        draft: &mut Draft,
    ) {
        if is_asked(input) {
            return draft.reply(brought.ticket, self.seq, Err(why));
        }
        tracing::warn!(tenant = %self.id, why = why.what, "the cell waits");
        self.put_back(input, brought.bodies);
        self.wait_from(now);
    }

    /// What the rules say, with its large bodies on the disk.
    pub(super) fn decided(
        &mut self,
        now: Time,
        seed: u128,
        input: &Input,
        bodies: &[NewBody],
    ) -> Decided {
        let decided = catch_unwind(AssertUnwindSafe(|| self.rounds(now, seed, input, bodies)))
            .unwrap_or_else(|panic| Decided::Broken(panic_text(panic.as_ref())));
        let Decided::Yes(decision, made) = &decided else {
            return decided;
        };
        if let (Input::Advance(_), Err(why)) = (input, &decision.reply) {
            return Decided::No(why.clone());
        }
        let stored = if decision.facts.is_empty() {
            Ok(())
        } else {
            self.put_large(made.iter().chain(bodies))
        };
        stored.map_or_else(Decided::No, |()| decided)
    }

    fn put_back(&mut self, input: &Input, bodies: Vec<NewBody>) {
        self.returns.push_front(match input {
            Input::External(input) => Queued::Envelope(Box::new(Envelope {
                tenant: self.id,
                input: input.clone(),
                bodies,
                same: None,
                ticket: None,
                ends: None,
            })),
            own => Queued::Own(own.clone()),
        });
    }

    /// Whoever still waits in a quarantined cell hears so.
    pub(super) fn turn_away(&mut self, out: &mut Vec<Outgoing>) {
        let Some(refusal) = self.quarantine_refusal() else {
            return;
        };
        for envelope in self.outside.drain(..) {
            if let Some(ticket) = envelope.ticket {
                let result = Err(refusal.clone());
                out.push(Outgoing::Reply {
                    ticket,
                    seq: self.durable,
                    result,
                });
            }
        }
    }

    /// Asks the rules until they need nothing more.
    fn rounds(&mut self, now: Time, seed: u128, input: &Input, brought: &[NewBody]) -> Decided {
        let mut answers = Answers::new();
        let mut made: Vec<NewBody> = Vec::new();
        for _ in 0..ROUNDS_MAX {
            let ctx = Ctx {
                now,
                seed,
                seq: self.seq,
                answers: &answers,
            };
            match naos_kernel::decide(&self.state, input, &ctx) {
                Outcome::Decided(decision) => return Decided::Yes(decision, made),
                Outcome::Broken(what) => return Decided::Broken(what),
                Outcome::Needs(needs) => {
                    for need in needs {
                        match self.answer_need(&need, brought, &mut made) {
                            Ok(answer) => answers.insert(need, answer),
                            Err(refusal) => return Decided::No(refusal),
                        };
                    }
                }
            }
        }
        let what = format!("a decision needed more than {ROUNDS_MAX} rounds");
        if is_asked(input) {
            // Whoever asks for too much hears so; the cell has nothing to do with it.
            return Decided::No(Refusal::new(Code::INTERNAL, what));
        }
        Decided::Broken(what)
    }

    fn answer_need(
        &mut self,
        need: &Need,
        brought: &[NewBody],
        made: &mut Vec<NewBody>,
    ) -> Result<Answer, Refusal> {
        match need {
            Need::Record(key) => {
                let store = Arc::clone(&self.store);
                fetch(&mut self.state, store.as_ref(), key.clone())?;
                Ok(Answer::Loaded)
            }
            Need::Documents(prefixes) => self.documents(prefixes),
            Need::Saying(bodies) => self.saying(bodies),
            Need::Body(name) => Ok(Answer::Body(match self.content(name, brought, made) {
                // A rule that needs it says so; the cell has nothing to do with it.
                Err(why) if why.code == Code::ERASED => None,
                found => found?,
            })),
            Need::Stage(bytes) => Ok(Answer::Staged(self.new_body(bytes.clone(), made)?)),
            Need::Seal(text) => {
                let sealed = self.store.seal(SubjectId::TENANT, text.as_bytes());
                sealed.map(Answer::Sealed).map_err(|e| unreadable(&e))
            }
            Need::Unseal(text) => Ok(Answer::Unsealed(self.unsealed(text)?)),
            Need::Compute(compute) => Ok(Answer::Computed(self.computed(compute, brought, made)?)),
            Need::Value(compute) => Ok(Answer::Value(
                self.value(compute, brought, made)?.map(Arc::new),
            )),
            Need::Ranking(key) => Ok(Answer::Ranking(self.routes.get(key))),
            Need::Look(look) => Ok(Answer::Seen(naos_manifest::calendar::look(look))),
            Need::Days(zone, at) => Ok(Answer::Days(naos_manifest::calendar::days(zone, *at))),
        }
    }

    /// The documents whose paths begin with one of these, out of the records.
    fn documents(&self, prefixes: &[String]) -> Result<Answer, Refusal> {
        let mut listed = Vec::new();
        for prefix in prefixes {
            let room = DOCUMENTS_LISTED_MAX - listed.len();
            let rows = self
                .store
                .scan(Document::KIND, prefix.as_bytes(), None, room + 1)
                .map_err(|e| unreadable(&e))?;
            let is_cut = rows.len() > room;
            for row in rows.iter().take(room) {
                listed.push(document(row)?);
            }
            if is_cut {
                return Ok(Answer::Documents(listed, true));
            }
        }
        Ok(Answer::Documents(listed, false))
    }

    /// The documents that say one of these, out of all records: a page at a time.
    fn saying(&self, bodies: &[BodyRef]) -> Result<Answer, Refusal> {
        let (mut found, mut after) = (Vec::new(), None::<Vec<u8>>);
        loop {
            let rows = self
                .store
                .scan(Document::KIND, b"", after.as_deref(), DOCUMENTS_READ_MAX)
                .map_err(|e| unreadable(&e))?;
            let Some(last) = rows.last() else {
                return Ok(Answer::Documents(found, false));
            };
            after = Some(last.id.clone());
            for row in &rows {
                let (path, document) = document(row)?;
                if bodies.contains(&document.body) {
                    found.push((path, document));
                }
            }
        }
    }

    /// What is damaged or erased says nothing; whatever is wrong with the disk may pass.
    fn unsealed(&self, text: &Sealed) -> Result<Option<String>, Refusal> {
        match self.store.open(text) {
            Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
            Err(ReadError::Erased(_) | ReadError::Damaged { .. }) => Ok(None),
            Err(error) => Err(unreadable(&error)),
        }
    }

    pub(super) fn content(
        &self,
        name: &BodyRef,
        brought: &[NewBody],
        made: &[NewBody],
    ) -> Result<Option<Vec<u8>>, Refusal> {
        let near = brought
            .iter()
            .chain(made)
            .find(|body| body.staged.name == *name);
        if let Some(body) = near {
            return Ok(Some(body.plain.to_vec()));
        }
        if let Some(plain) = self.fresh.get(&name.digest) {
            return Ok(Some(plain.to_vec()));
        }
        self.store.body(name).map_err(|e| unreadable(&e))
    }

    fn new_body(&self, plain: Vec<u8>, made: &mut Vec<NewBody>) -> Result<BodyRef, Refusal> {
        let staged = self.store.seal_body(&plain).map_err(|e| unreadable(&e))?;
        let name = staged.name;
        made.push(NewBody {
            staged,
            plain: plain.into(),
            stored: false,
        });
        Ok(name)
    }

    /// What comes of a computation, or the sentence why nothing does.
    fn value(
        &mut self,
        compute: &Compute,
        brought: &[NewBody],
        made: &[NewBody],
    ) -> Result<Result<Value, String>, Refusal> {
        let mut unread = None;
        let ahead = match &compute.formula {
            Formula::Gather => self.read_ahead(&compute.vars),
            _ => BTreeMap::new(),
        };
        let mut parsed = std::mem::take(&mut self.parsed);
        let embedder = Arc::clone(&self.embedder);
        let found = |name: &BodyRef| match ahead.get(name) {
            Some(bytes) => Ok(Some(bytes.clone())),
            None => self.content(name, brought, made),
        };
        let mut load = |name: &BodyRef| match found(name) {
            Ok(Some(bytes)) => Ok(bytes),
            Ok(None) => {
                let what = format!("content {} isn't stored", name.digest);
                unread = Some(Refusal::new(Code::DAMAGED, what));
                Err("an input isn't stored".to_owned())
            }
            // As with any other input that is none: the cell has nothing to do with it.
            Err(refusal) if refusal.code == Code::ERASED => Err("an input was erased".to_owned()),
            Err(refusal) => {
                unread = Some(refusal);
                Err("an input can't be read".to_owned())
            }
        };
        let mut reading = Reading {
            load: &mut load,
            parsed: &mut parsed,
            embedder: embedder.as_ref(),
        };
        let result = naos_kernel::compute_with(compute, &mut reading);
        self.parsed = parsed;
        unread.map_or(Ok(result), Err)
    }

    /// The contents that variables stand for, read at once: a list may have a hundred thousand.
    /// What can't be read is read by itself, and tells why.
    fn read_ahead(&self, vars: &[(String, Var)]) -> BTreeMap<BodyRef, Vec<u8>> {
        let named = vars.iter().filter_map(|(_, var)| match var {
            Var::Body(name) if !self.fresh.contains_key(&name.digest) => Some(*name),
            _ => None,
        });
        let mut left = COMPUTE_INPUT_BYTES_MAX as u64;
        let names: BTreeSet<BodyRef> = named
            .take_while(|name| {
                let fits = name.len <= left;
                left = left.saturating_sub(name.len);
                fits
            })
            .collect();
        let names: Vec<BodyRef> = names.into_iter().collect();
        let read = names.iter().zip(self.store.bodies(&names));
        read.filter_map(|(name, bytes)| Some((*name, bytes.ok()??)))
            .collect()
    }

    /// The same, with a content that holds it.
    fn computed(
        &mut self,
        compute: &Compute,
        brought: &[NewBody],
        made: &mut Vec<NewBody>,
    ) -> Result<Result<Computed, String>, Refusal> {
        let value = match self.value(compute, brought, made)? {
            Ok(value) => value,
            Err(why) => return Ok(Err(why)),
        };
        let value = Arc::new(value);
        if let Some(body) = compute.given() {
            return Ok(Ok(Computed { value, body }));
        }
        let bytes = naos_kernel::value_bytes(&value);
        let length = bytes.len();
        // What came of it is what was given, say: it is sealed and kept once.
        let same = brought.iter().find(|body| body.plain[..] == bytes[..]);
        let body = match same {
            Some(body) => body.staged.name,
            None => self.new_body(bytes, made)?,
        };
        if matches!(compute.formula, Formula::Inputs(_)) {
            self.parsed.keep(&body, length, &value); // the first steps want it
        }
        Ok(Ok(Computed { value, body }))
    }

    /// Folds a decision in; what leaves the cell waits until the append is durable.
    pub(super) fn stage(
        &mut self,
        now: Time,
        decision: Decision,
        bodies: impl Iterator<Item = NewBody>,
        same: Option<SameAs>,
        ticket: Option<Ticket>,
        draft: &mut Draft,
    ) {
        let Decision {
            facts,
            orders,
            reply,
            next,
            changes,
            learned,
            waits: _, // such a one isn't taken
        } = decision;
        for (key, ranked) in learned {
            self.routes.learn(key, ranked);
        }
        if !facts.is_empty() {
            self.stage_bodies(bodies, draft);
        }
        let at = now.max(self.state.head().at);
        for fact in facts {
            self.take_away(fact.erased());
            self.push_fact(at, fact, draft);
        }
        self.merge(changes, draft);
        for input in next.into_iter().rev() {
            self.returns.push_front(Queued::Own(input));
        }
        for order in orders {
            // A wish that is under way is told again: who carries it out knows what is new in it.
            // A cancellation has no end to wait for.
            if !matches!(order.effect, Effect::Cancel(_)) {
                self.running.insert(order.effect.id());
            }
            draft.staged.orders.push(order);
        }
        if let (Some(same), Ok(reply)) = (same, &reply) {
            self.remember(same, reply, at, draft);
        }
        draft.reply(ticket, self.seq, reply);
    }

    /// Nothing in memory outlives what is erased; and what names it anew brings it again.
    fn take_away(&mut self, erased: &[BodyRef]) {
        for name in erased {
            self.fresh.remove(&name.digest);
        }
        if !erased.is_empty() {
            self.parsed.clear();
        }
    }

    pub(super) fn push_fact(&mut self, at: Time, fact: Fact, draft: &mut Draft) {
        self.seq += 1;
        let bytes = fact.encode();
        draft.bytes += bytes.len();
        let (kind, version) = (fact.kind().into(), fact.version());
        draft.append.entries.push(Entry {
            seq: self.seq,
            at,
            kind,
            version,
            bytes,
        });
        draft.staged.facts.push((self.seq, at, fact));
    }

    pub(super) fn merge(&mut self, changes: naos_kernel::Changes, draft: &mut Draft) {
        for (key, aggregate) in self.state.merge(changes) {
            match &key {
                Key::Beat(beat) => self.beats.note(beat, aggregate.is_some()),
                key => {
                    let due = aggregate.as_ref().and_then(naos_kernel::AnyAggregate::due);
                    self.set_alarm(key, due);
                }
            }
            draft.staged.changed.insert(key, aggregate);
        }
    }

    pub(super) fn remember(&mut self, same: SameAs, reply: &Reply, at: Time, draft: &mut Draft) {
        let SameAs {
            source,
            key,
            request,
        } = same;
        let Ok(bytes) = postcard::to_stdvec(&(self.seq, reply)) else {
            return;
        };
        let name = (source.clone(), key.clone());
        self.answers
            .insert(name.clone(), (request, self.seq, reply.clone()));
        draft.staged.answered.push(name);
        draft.append.inbox.push(InboxRow {
            source,
            key,
            request,
            reply: bytes,
            at,
        });
    }

    /// Small bodies go with the append; large ones were written before. What follows at once from
    /// either finds it here.
    pub(super) fn stage_bodies(
        &mut self,
        bodies: impl Iterator<Item = NewBody>,
        draft: &mut Draft,
    ) {
        for body in bodies {
            let is_written = body.stored || is_large(&body);
            let NewBody { staged, plain, .. } = body;
            let digest = staged.name.digest;
            if self.fresh.contains_key(&digest) {
                continue;
            }
            if !is_written {
                draft.bytes += staged.sealed.len();
                draft.append.bodies.push(staged);
            }
            draft.staged.bodies.push(digest);
            self.fresh.insert(digest, plain);
        }
    }

    /// Large bodies are written and synced before the append that names them.
    pub(super) fn put_large<'b>(
        &self,
        bodies: impl Iterator<Item = &'b NewBody>,
    ) -> Result<(), Refusal> {
        if naos_kernel::planted::is("large-body-after-its-fact") {
            return Ok(());
        }
        for body in bodies.filter(|body| !body.stored && is_large(body)) {
            self.store
                .put_large(&body.staged)
                .map_err(|e| writing(&e))?;
        }
        Ok(())
    }

    /// Sends the append off; one without facts has nothing to wait for but what is staged before.
    pub(super) fn send(&mut self, mut draft: Draft, out: &mut Vec<Outgoing>) {
        draft.staged.seq = self.seq;
        let nothing = draft.append.entries.is_empty() && draft.append.inbox.is_empty();
        if nothing {
            // A turn may wish without a new fact: a run that goes on where it was suspended. And an
            // outcome that changed nothing may have come too late for what is staged before it: if
            // that never happens, it is decided anew.
            let staged = &draft.staged;
            let moot =
                staged.outcomes.is_empty() || naos_kernel::planted::is("moot-outcome-is-forgotten");
            if staged.replies.is_empty() && staged.orders.is_empty() && moot {
                return;
            }
            self.staged.push_back(draft.staged);
            return self.release(out);
        }
        draft.append.wake = self.wake();
        draft.staged.batch = Some(draft.append.batch);
        self.staged.push_back(draft.staged);
        out.push(Outgoing::Commit(draft.append));
    }
}

impl Draft {
    pub(super) fn reply(
        &mut self,
        ticket: Option<Ticket>,
        seq: Seq,
        result: Result<Reply, Refusal>,
    ) {
        if let Some(ticket) = ticket {
            self.staged.replies.push((ticket, seq, result));
        }
    }
}

/// What a record says of a document.
fn document(row: &Record) -> Result<(DocPath, Document), Refusal> {
    let bytes = row.bytes.as_deref().unwrap_or_default();
    let document = AnyAggregate::decode(&row.kind, row.version, bytes);
    match (Key::parse(&row.kind, &row.id), document) {
        (Some(Key::Document(path)), Some(AnyAggregate::Document(document))) => {
            Ok((path, Document::clone(&document)))
        }
        _ => Err(unknown(row)),
    }
}

fn is_large(body: &NewBody) -> bool {
    body.staged.sealed.len() > BODY_INLINE_BYTES_MAX
}

/// Whether somebody asks, and hears why not.
const fn is_asked(input: &Input) -> bool {
    matches!(
        input,
        Input::External(naos_types::input::Input::Command { .. })
    )
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("a rule panicked: {}", text.unwrap_or("without a word"))
}
