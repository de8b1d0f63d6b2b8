//! What a run asked and what it was told, from its recording and its facts.

use naos_kernel::run::Run;
use naos_sandbox::{AbilityError, GatedAnswer, GatedRequest, Segment};
use naos_types::fact::run::{self, World};
use naos_types::fact::{Fact, budget};
use naos_types::input::{Answer, Piece};
use naos_types::picture::media_type;
use naos_types::spec::{Enquiry, ModelUsage};
use naos_types::think::{Think, Thought};
use naos_types::{BodyRef, Micros, Refusal, RunId, Time};

use super::{Reader, damaged};
use crate::node::{Turns, unreadable};

/// How much of a request or an answer is shown.
pub const PREVIEW_BYTES_MAX: usize = 256;
/// How many calls of a run are shown.
pub const CALLS_SHOWN_MAX: usize = 1_000;
/// How many facts are looked through for what a run called.
const FACTS_MAX: usize = 20_000;
/// How many are read at once.
const CHUNK: usize = 512;

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
    /// The calls of a run, in order, at most [`CALLS_SHOWN_MAX`].
    ///
    /// # Errors
    /// A refusal if a piece of the recording can't be read.
    pub fn calls(&self, id: RunId, run: &Run) -> Result<Vec<CallView>, Refusal> {
        let mut calls = self.recorded(run.tail)?;
        calls.truncate(CALLS_SHOWN_MAX);
        if let Some(pending) = &run.pending
            && calls.len() < CALLS_SHOWN_MAX
        {
            calls.push(CallView {
                index: pending.index,
                ability: ability(pending.ability).to_owned(),
                gated: true,
                status: "pending",
                world: Some(pending.world),
                request: self.request(pending.ability, &pending.request, run.is_by_model()),
                answer: String::new(),
                answer_bytes: 0,
                asked: None,
                answered: None,
                attempts: pending.attempts + 1,
                paid: None,
            });
        }
        if calls.iter().any(|call| call.gated) {
            self.tell_from_facts(id, run, &mut calls)?;
        }
        Ok(calls)
    }

    /// What the models used that answered in a run, by their providers' own figures.
    ///
    /// # Errors
    /// A refusal if a piece of the recording can't be read.
    pub fn usage(&self, run: &Run) -> Result<ModelUsage, Refusal> {
        let mut sum = ModelUsage::default();
        for piece in self.pieces(run.tail)? {
            let Piece::Answer {
                ability: run::Ability::Model,
                answer: Answer::Body(body),
                ..
            } = piece
            else {
                continue;
            };
            let bytes = self.node.body(self.tenant, &body)?;
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

    /// What was recorded, oldest first.
    pub(super) fn pieces(
        &self,
        tail: Option<BodyRef>,
    ) -> Result<impl Iterator<Item = Piece>, Refusal> {
        let pieces = self.node.pieces(self.tenant, tail)?;
        Ok(pieces.into_iter().map(|(_, piece)| piece))
    }

    fn recorded(&self, tail: Option<BodyRef>) -> Result<Vec<CallView>, Refusal> {
        let mut calls = Vec::new();
        for piece in self.pieces(tail)? {
            match piece {
                Piece::Segment(bytes) => {
                    let recorded = Segment::decode(&bytes).map_err(|_| unreadable())?;
                    calls.extend(recorded.into_iter().map(|call| CallView {
                        index: call.index,
                        ability: call.ability.to_string(),
                        gated: false,
                        status: "answered",
                        world: None,
                        request: String::new(),
                        answer: printable(&call.answer),
                        answer_bytes: call.answer.len() as u64,
                        asked: None,
                        answered: None,
                        attempts: 1,
                        paid: None,
                    }));
                }
                Piece::Answer {
                    index,
                    ability: of,
                    answer,
                    at,
                    ..
                } => calls.push(self.gated(index, of, &answer, at)),
                Piece::Notes { said, at } => {
                    let index = calls.last().map_or(0, |call| call.index + 1);
                    let said = said.into_iter();
                    calls.extend(said.map(|(_, words)| heard(index, "note", &words, at)));
                }
                Piece::Unfit { said, at } => {
                    let index = calls.last().map_or(0, |call| call.index + 1);
                    calls.push(heard(index, "unfit", &said, at));
                }
            }
        }
        Ok(calls)
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
            world: None,
            request: String::new(),
            answer: preview(&text),
            answer_bytes: bytes,
            asked: None,
            answered: Some(at),
            attempts: 1,
            paid: None,
        }
    }

    pub(super) fn answered(&self, of: run::Ability, name: &BodyRef) -> (&'static str, String, u64) {
        let Ok(bytes) = self.node.body(self.tenant, name) else {
            return ("answered", "[unreadable]".into(), name.len);
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
        let Ok(bytes) = self.node.body(self.tenant, name) else {
            return "[unreadable]".into();
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

    /// The intents and outcomes of gated calls stand in the journal, while the run was at work.
    fn tell_from_facts(&self, id: RunId, run: &Run, calls: &mut [CallView]) -> Result<(), Refusal> {
        self.each_fact(id, run, FACTS_MAX, |at, fact, paid| match fact {
            run::Fact::Called(fact) => {
                if let Some(call) = calls.iter_mut().find(|c| c.gated && c.index == fact.index) {
                    call.asked = Some(at);
                    call.world = Some(fact.world);
                    call.request = self.request(fact.ability, &fact.request, run.is_by_model());
                }
            }
            run::Fact::Answered(fact) => {
                if let Some(call) = calls.iter_mut().find(|c| c.gated && c.index == fact.index) {
                    call.paid = paid;
                    call.answered = Some(at);
                    call.attempts = fact.attempts.max(1);
                }
            }
            _ => {}
        })
    }

    /// The intents and outcomes of a run's calls, in the order of the journal, each answer of a
    /// model with what was charged for it; at most so many facts are looked through for them. Those
    /// that a what-if goes on from are its original's, and come after its own.
    pub(crate) fn each_fact(
        &self,
        id: RunId,
        run: &Run,
        most: usize,
        mut each: impl FnMut(Time, run::Fact, Option<Micros>),
    ) -> Result<(), Refusal> {
        self.own_facts(id, run, most, &mut each)?;
        let (mut fork, mut calls) = (run.fork.clone(), u32::MAX);
        while let Some(from) = fork {
            calls = calls.min(from.calls);
            let of = self.known::<Run>(&from.of, "run")?;
            self.own_facts(from.of, &of, most, &mut |at, fact, paid| {
                let index = match &fact {
                    run::Fact::Called(fact) => fact.index,
                    run::Fact::Answered(fact) => fact.index,
                    _ => return,
                };
                if index < calls {
                    each(at, fact, paid);
                }
            })?;
            fork = of.fork.clone();
        }
        Ok(())
    }

    fn own_facts(
        &self,
        id: RunId,
        run: &Run,
        most: usize,
        each: &mut impl FnMut(Time, run::Fact, Option<Micros>),
    ) -> Result<(), Refusal> {
        let mut paid = None; // what an answer cost stands before it, in the same commit
        let began = Time((id.0 >> 80) as i64);
        let mut at = self.seq_at(began)?.saturating_sub(1);
        let mut seen = 0;
        while seen < most {
            let entries = self.store.entries(at, CHUNK).map_err(damaged)?;
            let Some(last) = entries.last() else { break };
            at = last.seq;
            seen += entries.len();
            for entry in &entries {
                if run.ended.is_some_and(|ended| entry.at > ended) {
                    return Ok(());
                }
                if !entry.kind.starts_with("run.") && entry.kind != "budget.metered" {
                    continue;
                }
                match Fact::decode(&entry.kind, entry.version, &entry.bytes) {
                    Ok(Fact::Run(
                        fact @ (run::Fact::Called(run::Called { run, .. })
                        | run::Fact::Answered(run::Answered { run, .. })),
                    )) if run == id => each(entry.at, fact, paid.take()),
                    Ok(Fact::Budget(budget::Fact::Metered(f))) if f.run == id => {
                        paid = Some(f.amount);
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }
}

/// Something that a model was told between two of its answers, and by whom.
fn heard(index: u32, of: &str, words: &str, at: Time) -> CallView {
    CallView {
        index,
        ability: of.to_owned(),
        gated: false,
        status: "answered",
        world: None,
        request: String::new(),
        answer: preview(words),
        answer_bytes: words.len() as u64,
        asked: None,
        answered: Some(at),
        attempts: 1,
        paid: None,
    }
}

const fn ability(of: run::Ability) -> &'static str {
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
