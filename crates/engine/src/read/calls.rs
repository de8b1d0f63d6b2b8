//! What a run asked and what it was told, from its recording and its facts.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use naos_kernel::run::{Pending, Run};
use naos_sandbox::{AbilityError, GatedAnswer, GatedRequest, Segment};
use naos_types::fact::run::{self, World};
use naos_types::input::{Answer, Piece};
use naos_types::picture::media_type;
use naos_types::spec::{Enquiry, ModelUsage};
use naos_types::think::{Think, Thought};
use naos_types::{BodyRef, Code, Micros, Refusal, RunId, Seq, Time};

use super::told::{Place, Told};
use super::{ERASED, Reader, unread};
use crate::node::{Turns, unreadable};

/// How much of a request or an answer is shown.
pub const PREVIEW_BYTES_MAX: usize = 256;
/// How many calls of a run are shown at once.
pub const CALLS_SHOWN_MAX: usize = 1_000;
/// How many facts are looked through at once for what a run called.
const FACTS_MAX: usize = 20_000;

/// One call of a run.
#[derive(Clone, Debug)]
pub struct CallView {
    /// Its number in the run, from 0.
    pub index: u32,
    /// `log`, `state`, `context`, `http`, `events`, `ask`.
    pub ability: String,
    /// Whether it was made durable before anything happened.
    pub gated: bool,
    /// `answered`, `refused`, `failed` or `pending`.
    pub status: &'static str,
    /// What may be done if the outcome is lost; gated calls only.
    pub world: Option<World>,
    /// What was asked; gated calls only.
    pub request: String,
    /// The beginning of the answer.
    pub answer: String,
    /// The answer's length in bytes.
    pub answer_bytes: u64,
    /// When it was asked; gated calls only.
    pub asked: Option<Time>,
    /// When its answer was durable; gated calls only.
    pub answered: Option<Time>,
    /// How often it was tried.
    pub attempts: u32,
    /// What was charged for it; answers of models only.
    pub paid: Option<Micros>,
    /// Whether the look through the journal ended before it came to what was asked: there is more
    /// to say about it than stands here.
    pub unread: bool,
}

/// Some calls of a run, in order.
#[derive(Clone, Debug)]
pub struct Calls {
    /// They.
    pub rows: Vec<CallView>,
    /// How many of them are told in full, counted from the first.
    pub told: usize,
    /// How many calls there are.
    pub total: usize,
    /// Where to go on: behind those that are told in full. None where there is no more.
    pub next: Option<CallsFrom>,
}

/// Where a look at the calls of a run begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallsFrom {
    /// So many calls come before it.
    pub rows: usize,
    /// What the first one asked is looked for behind this fact; 0 to look where it may stand first.
    pub facts: Seq,
}

impl fmt::Display for CallsFrom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.facts {
            0 => write!(f, "{}", self.rows),
            facts => write!(f, "{}.{facts}", self.rows),
        }
    }
}

impl FromStr for CallsFrom {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (rows, facts) = text.split_once('.').unwrap_or((text, "0"));
        let (rows, facts) = (rows.parse()?, facts.parse()?);
        Ok(Self { rows, facts })
    }
}

/// A call as the recording has it.
enum Kept<'p> {
    /// One that isn't gated, or something that was said: all that there is of it.
    Whole(CallView),
    /// A gated one: its number, what for, its answer, and when that was durable.
    Gated(u32, run::Ability, &'p Answer, Time),
    /// The one that is under way.
    Pending(&'p Pending),
}

fn preview(text: &str) -> String {
    let end = text.floor_char_boundary(PREVIEW_BYTES_MAX);
    text[..end]
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

/// The readable part of bytes that have an encoding of their own.
fn printable(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(PREVIEW_BYTES_MAX)]);
    let kept = text.chars().filter(|c| !c.is_control() && *c != '\u{fffd}');
    kept.collect::<String>().trim().to_owned()
}

impl Reader {
    /// The calls of a run, in order, at most [`CALLS_SHOWN_MAX`] of them from a place on.
    ///
    /// # Errors
    /// A refusal if a piece of the recording, or the journal, can't be read.
    pub fn calls(&self, id: RunId, run: &Run, from: CallsFrom) -> Result<Calls, Refusal> {
        self.some_calls(id, run, from, false)
    }

    /// The same of the gated ones alone, which are counted alone then.
    ///
    /// # Errors
    /// As [`Self::calls`].
    pub fn gated_calls(&self, id: RunId, run: &Run, from: CallsFrom) -> Result<Calls, Refusal> {
        self.some_calls(id, run, from, true)
    }

    fn some_calls(
        &self,
        id: RunId,
        run: &Run,
        from: CallsFrom,
        gated: bool,
    ) -> Result<Calls, Refusal> {
        let (pieces, whole) = self.node.pieces_left(self.tenant, run.tail)?;
        let mut kept = kept(&pieces)?;
        kept.extend(run.pending.as_ref().map(Kept::Pending));
        kept.retain(|call| !gated || !matches!(call, Kept::Whole(_)));
        if !whole {
            kept.insert(0, Kept::Whole(erased_view()));
        }
        let total = kept.len();
        let shown = kept.into_iter().skip(from.rows).take(CALLS_SHOWN_MAX);
        let mut rows: Vec<CallView> = shown
            .map(|call| match call {
                Kept::Whole(call) => call,
                Kept::Gated(index, of, answer, at) => self.gated(index, of, answer, at),
                Kept::Pending(pending) => self.pending(pending, run.is_by_model()),
            })
            .collect();
        let told = self.tell_from_facts(id, run, &pieces, &mut rows, from.facts)?;
        let next = match told {
            Some((row, facts)) => Some((row, facts)),
            None if from.rows + rows.len() < total => Some((rows.len(), 0)),
            None => None,
        };
        Ok(Calls {
            told: told.map_or(rows.len(), |(row, _)| row),
            rows,
            total,
            next: next.map(|(row, facts)| CallsFrom {
                rows: from.rows + row,
                facts,
            }),
        })
    }

    /// What the models used that answered in a run, by their providers' own figures.
    ///
    /// # Errors
    /// A refusal if a piece of the recording can't be read.
    pub fn usage(&self, run: &Run) -> Result<ModelUsage, Refusal> {
        let mut sum = ModelUsage::default();
        for piece in self.pieces(run.tail)? {
            let Some((_, body)) = piece.answer_of_a_model() else {
                continue;
            };
            let bytes = match self.node.body(self.tenant, body) {
                Err(why) if why.code == Code::ERASED => continue,
                found => found?,
            };
            let thought: Thought = serde_json::from_slice(&bytes).map_err(|_| unreadable())?;
            let used = thought.usage.unwrap_or_default();
            sum.input += used.input;
            sum.cached_input += used.cached_input;
            sum.cache_write += used.cache_write;
            sum.output += used.output;
            sum.reasoning += used.reasoning;
        }
        Ok(sum)
    }

    /// How many turns a run that works with a model took, and who answered in them.
    ///
    /// # Errors
    /// A refusal if a piece of the recording, or what was asked, can't be read.
    pub fn turns(&self, id: RunId, run: &Run) -> Result<Turns, Refusal> {
        self.node.turns(self.tenant, id, run)
    }

    /// What was recorded and is left of it, oldest first.
    pub(super) fn pieces(&self, tail: Option<BodyRef>) -> Result<Vec<Piece>, Refusal> {
        Ok(self.node.pieces_left(self.tenant, tail)?.0)
    }

    fn gated(&self, index: u32, of: run::Ability, answer: &Answer, at: Time) -> CallView {
        let (status, text, bytes) = match answer {
            Answer::Text(text) => ("answered", text.clone(), text.len() as u64),
            Answer::Denied(why) => ("refused", why.clone(), why.len() as u64),
            Answer::Invalid(why) | Answer::Failed(why) => ("failed", why.clone(), why.len() as u64),
            Answer::Body(name) => self.answered(of, name),
        };
        CallView {
            index,
            ability: ability(of).to_owned(),
            gated: true,
            status,
            answer: preview(&text),
            answer_bytes: bytes,
            answered: Some(at),
            ..at_once()
        }
    }

    fn pending(&self, pending: &Pending, is_by_model: bool) -> CallView {
        CallView {
            index: pending.index,
            ability: ability(pending.ability).to_owned(),
            gated: true,
            status: "pending",
            world: Some(pending.world),
            request: self.request(pending.ability, &pending.request, is_by_model),
            attempts: pending.attempts + 1,
            ..at_once()
        }
    }

    pub(super) fn answered(&self, of: run::Ability, name: &BodyRef) -> (&'static str, String, u64) {
        let bytes = match self.node.body(self.tenant, name) {
            Ok(bytes) => bytes,
            Err(why) => return ("answered", unread(&why).into(), name.len),
        };
        if of == run::Ability::Model {
            return ("answered", said(&bytes), name.len);
        }
        if let Some(kind) = media_type(&bytes).filter(|_| of == run::Ability::Picture) {
            return ("answered", format!("[{kind}]"), name.len);
        }
        if of != run::Ability::Http {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            return ("answered", text, name.len);
        }
        match postcard::from_bytes::<GatedAnswer>(&bytes) {
            Ok(GatedAnswer::Http(Ok(response))) => {
                let body = String::from_utf8_lossy(&response.body).into_owned();
                let said = format!("{} {}", response.status, preview(&body));
                ("answered", said, response.body.len() as u64)
            }
            Ok(GatedAnswer::Http(Err(error))) => {
                let (status, why) = match error {
                    AbilityError::Denied(why) => ("refused", why),
                    AbilityError::Invalid(why)
                    | AbilityError::Unknown(why)
                    | AbilityError::Failed(why) => ("failed", why),
                    AbilityError::NotFound => ("failed", "not found".into()),
                    AbilityError::Conflict(version) => ("failed", format!("version {version}")),
                };
                (status, why, name.len)
            }
            _ => ("answered", printable(&bytes), name.len),
        }
    }

    /// What was asked, in a line.
    pub(super) fn request(&self, of: run::Ability, name: &BodyRef, is_by_model: bool) -> String {
        let bytes = match self.node.body(self.tenant, name) {
            Ok(bytes) => bytes,
            Err(why) => return unread(&why).into(),
        };
        if of == run::Ability::Endpoint {
            let enquiry = postcard::from_bytes::<Enquiry>(&bytes);
            return enquiry.map_or_else(
                |_| printable(&bytes),
                |enquiry| preview(&format!("POST {}", enquiry.url)),
            );
        }
        if is_by_model && of != run::Ability::Http {
            return wanted(of, &bytes);
        }
        match postcard::from_bytes::<GatedRequest>(&bytes) {
            Ok(GatedRequest::Http(http)) => preview(&format!("{} {}", http.method, http.url)),
            Ok(GatedRequest::Emit { kind, .. }) => preview(&kind),
            Ok(GatedRequest::Ask { question, .. }) => preview(&question),
            Err(_) => printable(&bytes),
        }
    }

    /// What was asked stands in the journal, and what came of it. Where the look for it ended
    /// before all of them: which one is the first that it didn't come to, and behind which fact
    /// the next look goes on.
    fn tell_from_facts(
        &self,
        id: RunId,
        run: &Run,
        pieces: &[Piece],
        rows: &mut [CallView],
        after: Seq,
    ) -> Result<Option<(usize, Seq)>, Refusal> {
        let gated = || rows.iter().enumerate().filter(|(_, row)| row.gated);
        if gated().next().is_none() {
            return Ok(None);
        }
        let all = self.places(id, run, pieces)?;
        let all: BTreeMap<u32, Place> = all.iter().map(|place| (place.index, *place)).collect();
        let (at, places): (Vec<usize>, Vec<Place>) = gated()
            .filter_map(|(at, row)| Some((at, *all.get(&row.index)?)))
            .unzip();
        let look = self.told(&places, after, FACTS_MAX)?;
        for (told, at) in look.found.iter().zip(&at) {
            self.tell(&mut rows[*at], told, run.is_by_model());
        }
        let left = at.get(look.found.len()).copied().zip(look.left);
        if let Some((first, _)) = left {
            let unread = rows[first..].iter_mut().filter(|row| row.gated);
            unread.for_each(|row| row.unread = true);
        }
        Ok(left)
    }

    fn tell(&self, call: &mut CallView, told: &Told, is_by_model: bool) {
        if let Some((at, fact)) = &told.called {
            call.asked = Some(*at);
            call.world = Some(fact.world);
            call.request = self.request(fact.ability, &fact.request, is_by_model);
        }
        if let Some(outcome) = &told.answered {
            call.paid = outcome.paid;
            call.answered = Some(outcome.at);
            call.attempts = outcome.attempts.max(1);
        }
    }
}

/// The calls of a recording, in order.
fn kept(pieces: &[Piece]) -> Result<Vec<Kept<'_>>, Refusal> {
    let mut calls = Vec::new();
    let mut next = 0; // what comes behind the last call
    for piece in pieces {
        match piece {
            Piece::Segment(bytes) => {
                for call in Segment::decode(bytes).map_err(|_| unreadable())? {
                    next = call.index + 1;
                    calls.push(Kept::Whole(CallView {
                        index: call.index,
                        ability: call.ability.to_string(),
                        answer: printable(&call.answer),
                        answer_bytes: call.answer.len() as u64,
                        answered: None,
                        ..at_once()
                    }));
                }
            }
            Piece::Answer {
                index,
                ability,
                answer,
                at,
                ..
            } => {
                next = index + 1;
                calls.push(Kept::Gated(*index, *ability, answer, *at));
            }
            Piece::Notes { said, at } => {
                let said = said.iter();
                calls.extend(said.map(|(_, words)| Kept::Whole(heard(next, "note", words, *at))));
            }
            Piece::Unfit { said, at } => calls.push(Kept::Whole(heard(next, "unfit", said, *at))),
        }
    }
    Ok(calls)
}

/// What isn't gated is answered at once.
const fn at_once() -> CallView {
    CallView {
        index: 0,
        ability: String::new(),
        gated: false,
        status: "answered",
        world: None,
        request: String::new(),
        answer: String::new(),
        answer_bytes: 0,
        asked: None,
        answered: None,
        attempts: 1,
        paid: None,
        unread: false,
    }
}

/// Something that a model was told between two of its answers, and by whom.
fn heard(index: u32, of: &str, words: &str, at: Time) -> CallView {
    CallView {
        index,
        ability: of.to_owned(),
        answer: preview(words),
        answer_bytes: words.len() as u64,
        answered: Some(at),
        ..at_once()
    }
}

pub(super) const fn ability(of: run::Ability) -> &'static str {
    match of {
        run::Ability::Http => "http",
        run::Ability::Emit => "events",
        run::Ability::Ask => "ask",
        run::Ability::Endpoint => "endpoint",
        run::Ability::Model => "model",
        run::Ability::Tool => "tool",
        run::Ability::Server => "server",
        run::Ability::Recall => "recall",
        run::Ability::Colleague => "agent",
        run::Ability::Picture => "picture",
    }
}

/// What stands where nobody knows any more what was called.
fn erased_view() -> CallView {
    CallView {
        ability: "recording".to_owned(),
        answer: ERASED.to_owned(),
        ..at_once()
    }
}

/// What a model said, or what it wants to have called.
fn said(bytes: &[u8]) -> String {
    let Ok(thought) = serde_json::from_slice::<Thought>(bytes) else {
        return printable(bytes);
    };
    let calls = thought.calls.iter();
    let calls: Vec<String> = calls
        .map(|call| format!("{} {}", call.name, call.arguments))
        .collect();
    let parts = [thought.text, calls.join("; ")];
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join(" → ")
}

/// Which model is asked, or which tool is called with what.
fn wanted(of: run::Ability, bytes: &[u8]) -> String {
    if of == run::Ability::Model {
        let think = serde_json::from_slice::<Think>(bytes);
        return think.map_or_else(|_| printable(bytes), |think| think.model.to_string());
    }
    match serde_json::from_slice::<serde_json::Value>(bytes) {
        Ok(call) => {
            let text = |name: &str| call[name].as_str().unwrap_or_default().to_owned();
            preview(&format!("{} {}", text("tool"), text("arguments")))
        }
        Err(_) => printable(bytes),
    }
}
