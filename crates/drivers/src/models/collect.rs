//! Puts an answer together from its pieces, within limits, and hands the pieces on.

use serde_json::Value;

use super::answer::{Answer, Delta, Stop, TOKENS_MAX, Usage};
use super::endpoint::Limits;
use super::error::{Broken, Failure, Large};
use super::request::{Arguments, Part, Reasoning, ToolCall};

/// Calls of one answer.
pub const CALLS_MAX: usize = 128;
/// Pieces of text, reasoning and calls of one answer.
const BLOCKS_MAX: usize = 1_024;
/// Bytes of a name or an id that a provider makes up.
const NAME_BYTES_MAX: usize = 512;

/// Where pieces go as they come.
pub type Each<'a> = &'a mut (dyn FnMut(Delta) + Send);

enum Block {
    Text(String),
    Reasoning(Reasoning),
    Call(Call),
}

struct Call {
    key: u64,
    id: Option<String>,
    name: String,
    arguments: String,
    opaque: Option<Value>,
}

/// An answer that is not yet whole.
pub struct Collector<'a> {
    limits: Limits,
    each: Each<'a>,
    /// How many calls the conversation has had, so that made-up ids are told apart.
    calls_before: usize,
    blocks: Vec<Block>,
    stop: Option<Stop>,
    usage: Option<Usage>,
    /// Whether a provider that tells in parts told what was read, and what was written.
    told: [bool; 2],
    model: Option<String>,
    request_id: Option<String>,
}

impl<'a> Collector<'a> {
    pub fn new(limits: Limits, calls_before: usize, each: Each<'a>) -> Self {
        Self {
            limits,
            each,
            calls_before,
            blocks: Vec::new(),
            stop: None,
            usage: None,
            told: [true; 2],
            model: None,
            request_id: None,
        }
    }

    pub const fn usage(&self) -> Option<Usage> {
        self.usage
    }

    pub fn request_id(&self) -> Option<String> {
        self.request_id.clone()
    }

    pub const fn has_stopped(&self) -> bool {
        self.stop.is_some()
    }

    pub const fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// The model, as it names itself; the last word counts.
    pub fn names_itself(&mut self, model: Option<&str>) {
        if let Some(model) = model.filter(|name| !name.is_empty()) {
            self.model = Some(short(model));
        }
    }

    /// What the provider knows the call by; the first word counts.
    pub fn is_known_by(&mut self, id: Option<&str>) {
        if self.request_id.is_none() {
            self.request_id = id.filter(|id| !id.is_empty()).map(short);
        }
    }

    pub fn text(&mut self, piece: &str) -> Result<(), Failure> {
        if piece.is_empty() {
            return Ok(());
        }
        if let Some(Block::Text(text)) = self.blocks.last_mut() {
            text.push_str(piece);
        } else {
            self.begin(Block::Text(piece.to_owned()))?;
        }
        (self.each)(Delta::Text(piece.to_owned()));
        Ok(())
    }

    pub fn reasoning(&mut self, piece: &str) -> Result<(), Failure> {
        if piece.is_empty() {
            return Ok(());
        }
        match self.blocks.last_mut() {
            Some(Block::Reasoning(reasoning)) if reasoning.opaque.is_none() => {
                reasoning.text.push_str(piece);
            }
            _ => self.begin(Block::Reasoning(Reasoning {
                text: piece.to_owned(),
                opaque: None,
            }))?,
        }
        (self.each)(Delta::Reasoning(piece.to_owned()));
        Ok(())
    }

    /// What the provider wants back about the thought before it, or about one that it hides.
    pub fn opaque(&mut self, value: Value) -> Result<(), Failure> {
        match self.blocks.last_mut() {
            Some(Block::Reasoning(reasoning)) if reasoning.opaque.is_none() => {
                reasoning.opaque = Some(value);
                Ok(())
            }
            _ => self.begin(Block::Reasoning(Reasoning {
                text: String::new(),
                opaque: Some(value),
            })),
        }
    }

    /// A call, or more of one: pieces of the same call have the same key. A name or an id that
    /// comes later than the first piece is taken.
    pub fn call(
        &mut self,
        key: u64,
        id: Option<&str>,
        name: Option<&str>,
        piece: &str,
    ) -> Result<(), Failure> {
        let id = id.filter(|id| !id.is_empty());
        let name = name.filter(|name| !name.is_empty());
        if [id, name]
            .into_iter()
            .flatten()
            .any(|it| it.len() > NAME_BYTES_MAX)
        {
            return Err(shape("the name or the id of a call is too long"));
        }
        if self.find(key).is_none() {
            if self.calls() >= CALLS_MAX {
                return Err(shape(&format!("it makes more than {CALLS_MAX} calls")));
            }
            let (name, opaque) = (String::new(), None);
            self.begin(Block::Call(Call {
                key,
                id: None,
                name,
                arguments: String::new(),
                opaque,
            }))?;
        }
        let arguments_bytes_max = self.limits.arguments_bytes_max;
        let index = self.calls_until(key);
        let Some(call) = self.find(key) else {
            return Ok(());
        };
        if call.id.is_none() {
            call.id = id.map(str::to_owned);
        }
        if call.name.is_empty() {
            call.name = name.unwrap_or_default().to_owned();
        }
        if call.arguments.len() + piece.len() > arguments_bytes_max {
            return Err(self.arguments_too_large());
        }
        call.arguments.push_str(piece);
        let delta = Delta::ToolCall {
            index,
            name: call.name.clone(),
            arguments: piece.to_owned(),
        };
        (self.each)(delta);
        Ok(())
    }

    /// A call that comes in one piece, its arguments as JSON.
    pub fn whole_call(
        &mut self,
        id: Option<&str>,
        name: Option<&str>,
        arguments: Option<&Value>,
        opaque: Option<Value>,
    ) -> Result<(), Failure> {
        let text = match arguments {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
        };
        let key = self.new_key();
        self.call(key, id, name, &text)?;
        if let Some(call) = self.find(key) {
            call.opaque = opaque;
        }
        Ok(())
    }

    /// A key that no call has yet.
    pub fn new_key(&self) -> u64 {
        let keys = self.blocks.iter().filter_map(|block| match block {
            Block::Call(call) => Some(call.key),
            _ => None,
        });
        keys.max().map_or(0, |key| key.saturating_add(1))
    }

    /// Whether a call of this id began.
    pub fn has_call(&self, id: Option<&str>) -> bool {
        self.blocks
            .iter()
            .any(|block| matches!(block, Block::Call(call) if call.id.as_deref() == id))
    }

    /// The key of the call that came last.
    pub fn last_key(&self) -> Option<u64> {
        self.blocks.iter().rev().find_map(|block| match block {
            Block::Call(call) => Some(call.key),
            _ => None,
        })
    }

    pub fn stops(&mut self, stop: Stop) {
        self.stop = Some(stop);
    }

    /// Whether what was read and what was written is told by now, where it is told in parts: while
    /// one of them isn't, the others are no figures for the whole.
    pub fn tells(&mut self, read: bool, written: bool) {
        self.told = [read, written];
    }

    /// Whether what was read is told by now.
    pub const fn read_is_told(&self) -> bool {
        self.told[0]
    }

    /// What was used; later figures take the place of earlier ones. What was thought is a part of
    /// what was written and costs nothing by itself, so too much of it is only made to fit.
    pub fn used(&mut self, mut usage: Usage) -> Result<(), Failure> {
        if usage.input == 0 && usage.output == 0 && !crate::planted::is("zeros-are-figures") {
            self.usage = None; // what gateways say that don't know: no request is empty
            return Ok(());
        }
        usage.reasoning = usage.reasoning.min(usage.output);
        let kept = usage.cached_input.saturating_add(usage.cache_write);
        if kept > usage.input {
            let what = format!("{} tokens of input, {kept} of them kept", usage.input);
            return Err(Failure::Broken(Broken::Usage(what)));
        }
        if self.usage != Some(usage) {
            self.usage = Some(usage);
            (self.each)(Delta::Usage(usage));
        }
        Ok(())
    }

    /// The answer, now that no more comes.
    pub fn finish(self) -> Result<Answer, Failure> {
        let Some(mut stop) = self.stop else {
            return Err(Failure::Broken(Broken::Cut));
        };
        let mut parts = Vec::with_capacity(self.blocks.len());
        let mut ids: Vec<String> = Vec::new();
        for block in self.blocks {
            match block {
                Block::Text(text) => parts.push(Part::Text(text)),
                Block::Reasoning(reasoning) => parts.push(Part::Reasoning(reasoning)),
                Block::Call(call) => {
                    let arguments = Arguments::parse(&call.arguments);
                    let is_cut = matches!(stop, Stop::Length | Stop::Window);
                    if is_cut && matches!(arguments, Arguments::Unreadable(_)) {
                        continue; // cut off in the middle: it was never made
                    }
                    if call.name.is_empty() {
                        return Err(shape("a call names no tool"));
                    }
                    let made_up = format!("call_{}", self.calls_before + ids.len());
                    let id = call.id.unwrap_or(made_up);
                    if ids.contains(&id) {
                        return Err(shape("two calls have the same id"));
                    }
                    ids.push(id.clone());
                    let (name, opaque) = (call.name, call.opaque);
                    parts.push(Part::ToolCall(ToolCall {
                        id,
                        name,
                        arguments,
                        opaque,
                    }));
                }
            }
        }
        let says = |part: &Part| match part {
            Part::Text(text) => !text.is_empty(),
            Part::ToolCall(_) => true,
            _ => false,
        };
        // Nothing is said with no tokens.
        let silent = self.usage.is_some_and(|usage| usage.output == 0)
            && !crate::planted::is("zeros-are-figures");
        let all = self.told == [true; 2] || crate::planted::is("parts-are-the-whole");
        let usage = self
            .usage
            .filter(|_| all && (!silent || !parts.iter().any(says)));
        if stop == Stop::End && !ids.is_empty() {
            stop = Stop::ToolUse; // some say only that they have ended
        }
        Ok(Answer {
            parts,
            stop,
            usage,
            model: self.model,
            provider_request_id: self.request_id,
        })
    }

    fn begin(&mut self, block: Block) -> Result<(), Failure> {
        if self.blocks.len() >= BLOCKS_MAX {
            return Err(shape(&format!("it has more than {BLOCKS_MAX} parts")));
        }
        self.blocks.push(block);
        Ok(())
    }

    fn find(&mut self, key: u64) -> Option<&mut Call> {
        self.blocks.iter_mut().find_map(|block| match block {
            Block::Call(call) if call.key == key => Some(call),
            _ => None,
        })
    }

    fn calls(&self) -> usize {
        let is_call = |block: &&Block| matches!(block, Block::Call(_));
        self.blocks.iter().filter(is_call).count()
    }

    fn calls_until(&self, key: u64) -> usize {
        let calls = self.blocks.iter().filter_map(|block| match block {
            Block::Call(call) => Some(call.key),
            _ => None,
        });
        calls.take_while(|other| *other != key).count()
    }

    const fn arguments_too_large(&self) -> Failure {
        Failure::TooLarge {
            what: Large::Arguments,
            bytes_max: self.limits.arguments_bytes_max,
        }
    }
}

/// A count of tokens: a whole number that can be.
pub fn count(value: Option<&Value>) -> Result<Option<u64>, Failure> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_u64() {
            Some(count) => Ok(Some(count.min(TOKENS_MAX))),
            None if value
                .as_f64()
                .is_some_and(|count| count >= TOKENS_MAX as f64) =>
            {
                Ok(Some(TOKENS_MAX))
            }
            None => {
                let mut said = value.to_string();
                said.truncate(said.floor_char_boundary(40));
                Err(Failure::Broken(Broken::Usage(format!("{said} tokens"))))
            }
        },
    }
}

/// JSON that isn't what the format has.
pub fn shape(what: &str) -> Failure {
    Failure::Broken(Broken::Shape(what.to_owned()))
}

fn short(text: &str) -> String {
    let clean = text.chars().filter(|c| !c.is_control());
    clean.take(NAME_BYTES_MAX / 4).collect()
}
