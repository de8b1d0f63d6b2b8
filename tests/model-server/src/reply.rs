//! What a model says, whichever provider's words it is said in.

use serde_json::{Value, json};

use crate::asked::Asked;
use crate::behaviour::Behaviour;
use crate::script::Step;

/// What a model says.
#[derive(Clone, Debug)]
pub struct Reply {
    pub thought: Option<String>,
    pub text: String,
    pub calls: Vec<Call>,
    pub stop: Stop,
    pub usage: Option<Usage>,
}

/// What it wants to have done.
#[derive(Clone, Debug)]
pub struct Call {
    pub id: String,
    pub name: String,
    /// JSON text, or what should be some.
    pub arguments: String,
}

impl Call {
    /// What it gives the tool, for formats that take no text.
    pub fn object(&self) -> Value {
        serde_json::from_str(&self.arguments).unwrap_or_else(|_| json!(self.arguments))
    }
}

/// Why it stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    End,
    Length,
    Tools,
    Refused,
    Filtered,
}

/// What was used; figures may be wrong on purpose.
#[derive(Clone, Debug)]
pub struct Usage {
    pub input: Value,
    pub cached: u64,
    pub written: u64,
    pub output: Value,
    pub reasoning: u64,
}

impl Usage {
    /// The sum, where there is one.
    pub fn total(&self) -> u64 {
        self.input.as_u64().unwrap_or(0) + self.output.as_u64().unwrap_or(0)
    }
}

impl Reply {
    fn new(asked: &Asked, text: String) -> Self {
        Self {
            thought: None,
            text,
            calls: Vec::new(),
            stop: Stop::End,
            usage: None,
        }
        .counted(asked)
    }

    /// With calls of these tools.
    fn calling(mut self, asked: &Asked, calls: impl Iterator<Item = (String, String)>) -> Self {
        let before = asked.calls();
        let calls = calls.enumerate().map(|(at, (name, arguments))| Call {
            id: format!("call_{:04}", before + at),
            name,
            arguments,
        });
        self.calls = calls.collect();
        self.stop = Stop::Tools;
        self.counted(asked)
    }

    /// With what it used: four bytes of a request are a token, and each piece of the answer.
    fn counted(mut self, asked: &Asked) -> Self {
        let reasoning = self.thought.iter().flat_map(|text| pieces(text)).count() as u64;
        let words = pieces(&self.text).len() as u64;
        let given: usize = self.calls.iter().map(|call| call.arguments.len()).sum();
        self.usage = Some(Usage {
            input: json!(asked.bytes.div_ceil(4)),
            cached: 0,
            written: 0,
            output: json!(reasoning + words + (given as u64).div_ceil(4)),
            reasoning,
        });
        self
    }

    /// What a model of this behaviour says; none if the script has ended.
    pub fn of(behaviour: &Behaviour, asked: &Asked, step: Option<&Step>) -> Option<Self> {
        let echo = || Self::new(asked, asked.last_words());
        Some(match behaviour {
            Behaviour::Say(text) => Self::new(asked, text.clone()),
            Behaviour::Reason => {
                let mut reply = echo();
                reply.thought = Some("Let me say that again.".into());
                reply.counted(asked)
            }
            Behaviour::Tools(_) if asked.has_results() => echo(),
            Behaviour::Tools(names) => {
                let arguments = json!({ "text": asked.last_words() }).to_string();
                let calls = names.iter().map(|name| (name.clone(), arguments.clone()));
                let mut reply = Self::new(asked, String::new());
                reply.thought = Some("A tool knows.".into());
                reply.calling(asked, calls)
            }
            Behaviour::Length => stopped(echo(), Stop::Length),
            Behaviour::Refuse => stopped(Self::new(asked, "I won't.".into()), Stop::Refused),
            Behaviour::Filtered => stopped(Self::new(asked, String::new()), Stop::Filtered),
            Behaviour::Usage(wrong) => misjudged(echo(), wrong),
            Behaviour::Args(bytes) => {
                let arguments = json!({ "text": "x".repeat(*bytes) }).to_string();
                let call = ("big".to_owned(), arguments);
                Self::new(asked, String::new()).calling(asked, std::iter::once(call))
            }
            Behaviour::BrokenArgs | Behaviour::CutArgs => {
                let call = ("big".to_owned(), "{\"text\": \"nev".to_owned());
                let calling = Self::new(asked, "So:".into());
                let mut reply = calling.calling(asked, std::iter::once(call));
                if *behaviour == Behaviour::CutArgs {
                    reply.stop = Stop::Length;
                }
                reply
            }
            Behaviour::Twins => {
                let call = ("twin".to_owned(), "{}".to_owned());
                let calls = [call.clone(), call].into_iter();
                let mut reply = Self::new(asked, String::new()).calling(asked, calls);
                reply.calls[1].id = reply.calls[0].id.clone();
                reply
            }
            Behaviour::Scripted => {
                let step = step?;
                let mut reply = Self::new(asked, step.say.clone().unwrap_or_default());
                reply.thought.clone_from(&step.think);
                if step.calls.is_empty() {
                    reply.counted(asked)
                } else {
                    let calls = step.calls.iter();
                    let calls = calls.map(|(name, given)| (name.clone(), given.to_string()));
                    reply.calling(asked, calls)
                }
            }
            _ => echo(),
        })
    }
}

fn stopped(mut reply: Reply, stop: Stop) -> Reply {
    reply.stop = stop;
    reply
}

fn misjudged(mut reply: Reply, wrong: &str) -> Reply {
    if wrong == "none" {
        reply.usage = None;
    }
    if let Some(usage) = &mut reply.usage {
        match wrong {
            "zeros" => (usage.input, usage.output) = (json!(0), json!(0)),
            "unwritten" => usage.output = json!(0),
            "negative" => usage.output = json!(-5),
            "absurd" => usage.output = json!(1_000_000_000_000_000_u64),
            "text" => usage.output = json!("many"),
            // more of it was kept than there was
            "parts" => usage.cached = 1_000_000,
            _ => {}
        }
    }
    reply
}

/// A text in pieces, as it is streamed: words, each with the space behind it.
pub fn pieces(text: &str) -> Vec<&str> {
    text.split_inclusive(' ').collect()
}

/// What a tool is given, in pieces that end anywhere.
pub fn cuts(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let at = rest.floor_char_boundary(7.max(rest.len() / 8));
        let (piece, more) = rest.split_at(at.max(1));
        out.push(piece);
        rest = more;
    }
    out
}
