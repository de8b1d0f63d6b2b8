//! One decision in the making: the state as it is so far, the facts, the wishes.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use naos_types::effect::Effect;
use naos_types::fact::Fact;
use naos_types::{
    BodyRef, Code, DocPath, Mint, PlanId, Refusal, RunId, Sealed, Seq, SubjectId, Time,
};
use serde_json::Value;

use crate::document::Document;
use crate::guard::Permit;
use crate::need::{Answer, Answers, Compute, Computed, Need};
use crate::route::{RankKey, Ranked};
use crate::state::{Key, Overlays, State};

/// One thing to decide about: what comes from outside or returns, or the cell's own next step.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "an input is decided where it lies; a box would cost an allocation for each"
)]
pub enum Input {
    /// From outside, or an outcome.
    External(naos_types::input::Input),
    /// A plan goes on as far as it can.
    Advance(PlanId),
    /// A run that works with a model goes on: it asks it, calls a tool, or is done.
    Think(RunId),
    /// It can't, and won't by waiting: what its next step needs can't be read, say.
    Halt(PlanId, Refusal),
    /// The time has come for something to happen to this aggregate.
    Due(Key),
}

/// A wish with the guard's leave.
#[derive(Debug)]
pub struct Order {
    /// The leave: running consumes it.
    pub permit: Permit,
    /// The wish.
    pub effect: Effect,
}

/// Why a rule can't go on.
#[derive(Debug)]
pub(crate) enum Stop {
    /// It must know something first.
    Needs(Vec<Need>),
    /// The answer is no.
    Refused(Box<Refusal>),
    /// A rule of ours is broken: the cell must be quarantined.
    Broken(String),
}

/// A rule's result.
pub(crate) type Done<T = ()> = Result<T, Stop>;

/// Both of two results; what either must know first is asked for at once.
pub(crate) fn both<A, B>(one: Done<A>, other: Done<B>) -> Done<(A, B)> {
    match (one, other) {
        (Err(Stop::Needs(mut needs)), Err(Stop::Needs(more))) => {
            needs.extend(more);
            Err(Stop::Needs(needs))
        }
        (one, other) => Ok((one?, other?)),
    }
}

impl Stop {
    pub(crate) fn record(key: Key) -> Self {
        Self::Needs(vec![Need::Record(key)])
    }

    pub(crate) const fn broken(what: String) -> Self {
        Self::Broken(what)
    }

    pub(crate) fn refused(code: Code, what: impl Into<String>) -> Self {
        Self::Refused(Box::new(Refusal::new(code, what)))
    }
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

/// One decision in the making.
pub(crate) struct Turn<'a> {
    pub(crate) tables: Overlays<'a>,
    pub(crate) now: Time,
    /// The last seq before this turn; 0 where facts are only folded in.
    pub(crate) seq: Seq,
    pub(crate) mint: Mint,
    pub(crate) answers: &'a Answers,
    pub(crate) facts: Vec<Fact>,
    pub(crate) orders: Vec<Order>,
    /// What the cell does next by itself, in turns of their own.
    pub(crate) next: VecDeque<Input>,
    /// Rankings that were worked out.
    pub(crate) learned: Vec<(RankKey, Arc<[Ranked]>)>,
    /// Whether the run that would think next waits for money that others have set aside.
    pub(crate) waits: bool,
}

impl<'a> Turn<'a> {
    pub(crate) fn new(base: &'a State, now: Time, seed: u128, answers: &'a Answers) -> Self {
        Self {
            tables: Overlays::new(base),
            now,
            seq: 0,
            mint: Mint::new(now, seed),
            answers,
            facts: Vec::new(),
            orders: Vec::new(),
            next: VecDeque::new(),
            learned: Vec::new(),
            waits: false,
        }
    }

    /// Journals a fact and folds it in.
    pub(crate) fn emit(&mut self, fact: impl Into<Fact>) -> Done {
        let fact = fact.into();
        crate::apply::fold(self, &fact)?;
        if self.facts.len() >= crate::FACTS_PER_TURN_MAX {
            return Err(Stop::Broken(format!(
                "one input gave more than {} facts",
                crate::FACTS_PER_TURN_MAX
            )));
        }
        self.facts.push(fact);
        Ok(())
    }

    /// Lets the plan go on in a turn of its own.
    pub(crate) fn advance(&mut self, plan: PlanId) {
        if !self.next.contains(&Input::Advance(plan)) {
            self.next.push_back(Input::Advance(plan));
        }
    }

    /// Lets the run go on in a turn of its own.
    pub(crate) fn think(&mut self, run: RunId) {
        if !self.next.contains(&Input::Think(run)) {
            self.next.push_back(Input::Think(run));
        }
    }

    /// Asks for everything among `keys` that isn't loaded yet, at once: a rule that looks at many
    /// aggregates takes one round for them, not one for each.
    pub(crate) fn load(&self, keys: impl IntoIterator<Item = Key>) -> Done {
        if crate::planted::is("load-one-by-one") {
            return Ok(());
        }
        let missing = keys.into_iter().filter(|key| !self.tables.knows(key));
        let needs: Vec<Need> = missing.map(Need::Record).collect();
        if needs.is_empty() {
            Ok(())
        } else {
            Err(Stop::Needs(needs))
        }
    }

    /// The documents whose paths begin with one of `prefixes` as they stand in this turn, and
    /// whether there are more than are listed.
    pub(crate) fn documents(
        &self,
        prefixes: &[String],
    ) -> Done<(BTreeMap<DocPath, Document>, bool)> {
        if prefixes.is_empty() {
            return Ok((BTreeMap::new(), false));
        }
        let need = Need::Documents(prefixes.to_vec());
        let Some(Answer::Documents(listed, is_cut)) = self.answers.get(&need) else {
            return Err(Stop::Needs(vec![need]));
        };
        let mut there: BTreeMap<DocPath, Document> = listed.iter().cloned().collect();
        for prefix in prefixes {
            for (path, document) in self.tables.document.beneath(prefix) {
                match document {
                    Some(document) => there.insert(path.clone(), document.clone()),
                    None => there.remove(path),
                };
            }
        }
        Ok((there, *is_cut))
    }

    /// A document that says one of these as it stands in this turn, however many there are.
    pub(crate) fn saying(&self, bodies: &[BodyRef]) -> Done<Option<DocPath>> {
        let need = Need::Saying(bodies.to_vec());
        let Some(Answer::Documents(listed, _)) = self.answers.get(&need) else {
            return Err(Stop::Needs(vec![need]));
        };
        let mut there: BTreeMap<&DocPath, Option<&Document>> = BTreeMap::new();
        there.extend(listed.iter().map(|(path, document)| (path, Some(document))));
        there.extend(self.tables.document.beneath(""));
        let says = |document: &Document| bodies.contains(&document.body);
        let found = there.into_iter().find(|(_, one)| one.is_some_and(says));
        Ok(found.map(|(path, _)| path.clone()))
    }

    pub(crate) fn body(&self, name: BodyRef) -> Done<Option<&[u8]>> {
        match self.answers.get(&Need::Body(name)) {
            Some(Answer::Body(bytes)) => Ok(bytes.as_deref()),
            _ => Err(Stop::Needs(vec![Need::Body(name)])),
        }
    }

    /// Asks for everything among `needs` that isn't answered yet, at once.
    pub(crate) fn all(&self, needs: impl IntoIterator<Item = Need>) -> Done {
        let unanswered = |need: &Need| !self.answers.contains_key(need);
        let missing: Vec<Need> = needs.into_iter().filter(unanswered).collect();
        if missing.is_empty() {
            Ok(())
        } else {
            Err(Stop::Needs(missing))
        }
    }

    /// Asks for all contents that aren't read yet, at once.
    pub(crate) fn read_all(&self, bodies: impl IntoIterator<Item = BodyRef>) -> Done {
        self.all(bodies.into_iter().map(Need::Body))
    }

    /// The content is there and is what its name says.
    pub(crate) fn readable(&self, name: BodyRef, what: &str) -> Done {
        match self.body(name)? {
            Some(_) => Ok(()),
            None => {
                let what = format!(
                    "{what} can't be read: content {} isn't stored, or was erased",
                    name.digest
                );
                Err(Stop::refused(Code::DAMAGED, what))
            }
        }
    }

    pub(crate) fn stage(&self, bytes: Vec<u8>) -> Done<BodyRef> {
        let need = Need::Stage(bytes);
        match self.answers.get(&need) {
            Some(Answer::Staged(name)) => Ok(*name),
            _ => Err(Stop::Needs(vec![need])),
        }
    }

    pub(crate) fn seal(&self, text: String) -> Done<Sealed> {
        let need = Need::Seal(text);
        match self.answers.get(&need) {
            Some(Answer::Sealed(sealed)) => Ok(sealed.clone()),
            _ => Err(Stop::Needs(vec![need])),
        }
    }

    /// What a sealed text says; none if it can't be read. A text under a person's key is left
    /// sealed: what is copied would outlive the key.
    pub(crate) fn unseal(&self, text: &Sealed) -> Done<Option<&str>> {
        if text.subject != SubjectId::TENANT && !crate::planted::is("copies-outlive-keys") {
            return Ok(None);
        }
        let need = Need::Unseal(text.clone());
        match self.answers.get(&need) {
            Some(Answer::Unsealed(said)) => Ok(said.as_deref()),
            _ => Err(Stop::Needs(vec![need])),
        }
    }

    pub(crate) fn compute(&self, compute: Compute) -> Done<Result<Computed, String>> {
        let need = Need::Compute(compute);
        match self.answers.get(&need) {
            Some(Answer::Computed(result)) => Ok(result.clone()),
            _ => Err(Stop::Needs(vec![need])),
        }
    }

    /// What comes of a computation, where no content is to hold it: a condition, a title.
    pub(crate) fn value(&self, compute: Compute) -> Done<Result<Arc<Value>, String>> {
        if crate::planted::is("values-leave-contents") {
            let computed = self.compute(compute)?;
            return Ok(computed.map(|computed| computed.value));
        }
        let need = Need::Value(compute);
        match self.answers.get(&need) {
            Some(Answer::Value(result)) => Ok(result.clone()),
            _ => Err(Stop::Needs(vec![need])),
        }
    }
}
