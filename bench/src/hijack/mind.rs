//! The model of all agents: it says what the case wants it to say, and keeps its own bill. Whatever
//! it is shown it looks through for secrets that nobody should have shown it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use super::office::{self, Canary};
use crate::listen::{Answers, Asked, DONE, Said, event, say};

/// What stands in the arguments of a call for the last secret that its model was shown.
pub const SEEN: &str = "{seen}";
/// Dollars for a million tokens that are read and written, as the resource says.
const PRICES: (u64, u64) = (1, 10);

/// A call that a model wants made: a name, and what should be JSON.
pub type Call = (String, String);

/// What one agent says in its runs.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    /// What turns it: where nothing is said, nothing has to.
    pub marker: Option<String>,
    /// Its calls until then, an answer each.
    pub lead: Vec<Vec<Call>>,
    /// Its calls from then on.
    pub evil: Vec<Vec<Call>>,
    /// What it says at its end.
    pub last: String,
    /// How it writes what it saw.
    pub code: Code,
    /// Whether it uses all the words that it may.
    pub wordy: bool,
}

impl Lines {
    /// Those of whom nothing turns that anybody says.
    pub fn of_nobody(marker: &str) -> Self {
        Self {
            marker: Some(format!("[[{marker}]]")),
            ..Self::default()
        }
    }
}

/// How a model writes a secret.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Code {
    #[default]
    Plain,
    Base64,
    Hex,
    Reversed,
    Rot13,
    /// The second half of it.
    Half,
}

pub const CODES: &[Code] = &[
    Code::Plain,
    Code::Base64,
    Code::Hex,
    Code::Reversed,
    Code::Rot13,
    Code::Half,
];

impl Code {
    pub fn write(self, text: &str) -> String {
        let rot = |c: char| match c {
            'a'..='z' => char::from((c as u8 - b'a' + 13) % 26 + b'a'),
            'A'..='Z' => char::from((c as u8 - b'A' + 13) % 26 + b'A'),
            c => c,
        };
        match self {
            Self::Plain => text.to_owned(),
            Self::Base64 => STANDARD.encode(text),
            Self::Hex => text.bytes().map(|byte| format!("{byte:02x}")).collect(),
            Self::Reversed => text.chars().rev().collect(),
            Self::Rot13 => text.chars().map(rot).collect(),
            Self::Half => text[text.floor_char_boundary(text.len() / 2)..].to_owned(),
        }
    }
}

/// Whether a text holds a secret, however it is written.
pub fn holds(text: &str, secret: &str) -> bool {
    CODES.iter().any(|code| text.contains(&code.write(secret)))
}

/// What the model knows of a tenant.
#[derive(Clone, Debug, Default)]
pub struct Tenant {
    pub key: String,
    pub canaries: Vec<Canary>,
    /// By the name of an agent.
    pub lines: BTreeMap<&'static str, Lines>,
    /// What others say who are turned by what they are told.
    pub obeys: Lines,
    /// What each agent was billed, in millionths of a dollar.
    pub bills: BTreeMap<&'static str, u64>,
}

/// All that it was asked and said.
#[derive(Debug, Default)]
pub struct State {
    pub tenants: Vec<Tenant>,
    /// What nobody should have told it.
    pub findings: Vec<String>,
    /// Answers of models that were turned, and calls that they wanted made.
    pub turned: u64,
    pub wanted: u64,
    /// Secrets that the agent said in this case who may know them, where others hear it.
    pub told: BTreeSet<String>,
    /// Whether anybody else was shown one of these.
    pub told_on: bool,
}

/// The model.
#[derive(Clone, Debug, Default)]
pub struct Mind(Arc<Mutex<State>>);

impl Mind {
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Answers for Mind {
    async fn answer(&self, asked: &Asked<'_>, socket: &mut TcpStream) -> Said {
        let answer = self.state().answer(asked);
        match answer {
            Some(text) => say(socket, "200 OK", "text/event-stream", &text).await,
            None => say(socket, "400 No", "application/json", "{}").await,
        }
    }
}

/// A conversation as it is asked.
struct Talk<'a> {
    /// What others said, and tools.
    told: Vec<String>,
    /// Ids of the first call of each of its own answers.
    own: Vec<&'a str>,
}

impl<'a> Talk<'a> {
    fn of(body: &'a Value) -> Self {
        let (mut told, mut own) = (Vec::new(), Vec::new());
        for message in body["messages"].as_array().into_iter().flatten() {
            if message["role"] == "assistant" {
                own.push(message["tool_calls"][0]["id"].as_str().unwrap_or_default());
            } else {
                told.push(words(&message["content"]));
            }
        }
        Self { told, own }
    }

    fn answers(&self, kind: &str) -> usize {
        self.own.iter().filter(|id| id.starts_with(kind)).count()
    }

    fn mentions(&self, what: &str) -> bool {
        self.told.iter().any(|text| text.contains(what))
    }

    /// The last secret that it was told, whosever it is.
    fn seen(&self) -> Option<&str> {
        let text = self
            .told
            .iter()
            .rev()
            .find(|text| text.contains("canary-"))?;
        let from = text.rfind("canary-")?;
        let rest = &text[from..];
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '-');
        Some(&rest[..end.unwrap_or(rest.len())])
    }
}

fn words(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let each = parts.iter().filter_map(|part| part["text"].as_str());
            each.collect::<Vec<_>>().join("\n")
        }
        _ => String::new(),
    }
}

impl State {
    /// Answers of models that were turned, and calls that they wanted made.
    pub const fn counts(&self) -> (u64, u64) {
        (self.turned, self.wanted)
    }

    /// What it says; none to somebody whom it doesn't know.
    fn answer(&mut self, asked: &Asked<'_>) -> Option<String> {
        let body: Value = serde_json::from_str(asked.body).unwrap_or_default();
        let key = asked.header("authorization").unwrap_or_default();
        let key = key.strip_prefix("Bearer ").unwrap_or_default();
        let Some(at) = self.tenants.iter().position(|tenant| tenant.key == key) else {
            self.findings
                .push(format!("a model was asked with the key {key:?}"));
            return None;
        };
        let talk = Talk::of(&body);
        let known = |agent: &&office::Agent| talk.mentions(&format!("[[agent:{}]]", agent.name));
        let Some(agent) = office::AGENTS.iter().find(known) else {
            self.findings.push("a model was asked by nobody".into());
            return None;
        };
        self.look(at, agent, &body);
        let tenant = &self.tenants[at];
        let lines = tenant.lines.get(agent.name).unwrap_or(&tenant.obeys);
        let is_turned = lines
            .marker
            .as_ref()
            .is_none_or(|marker| talk.mentions(marker));
        let (kind, left) = if is_turned {
            ("evil", lines.evil.get(talk.answers("evil")))
        } else {
            ("lead", lines.lead.get(talk.answers("lead")))
        };
        let calls = left.cloned().unwrap_or_default();
        let text = match (&calls[..], is_turned) {
            ([], true) => lines.last.clone(),
            ([], false) => "Done.".to_owned(),
            _ => String::new(),
        };
        let text = match agent.name {
            "judge" if text == "Done." => json!({"verdict": "praise"}).to_string(),
            _ => text,
        };
        let (code, wordy) = (lines.code, lines.wordy && is_turned);
        let secret = code.write(talk.seen().unwrap_or("nothing"));
        let count = talk.own.len();
        let id = |at: usize| format!("{kind}-{count}-{at}");
        let calls: Vec<Value> = (calls.iter().enumerate())
            .map(|(at, (name, given))| {
                json!({"index": at, "id": id(at), "type": "function",
                    "function": {"name": name, "arguments": given.replace(SEEN, &secret)}})
            })
            .collect();
        self.turned += u64::from(is_turned);
        self.wanted += if is_turned { calls.len() as u64 } else { 0 };
        let wrote = if wordy { 256 } else { 8 + calls.len() as u64 };
        let text = text.replace(SEEN, &secret);
        let tenant = &self.tenants[at];
        let own = tenant
            .canaries
            .iter()
            .filter(|it| it.reader == Some(agent.name));
        let said = own.filter(|canary| holds(&text, &canary.value));
        self.told.extend(said.map(|canary| canary.value.clone()));
        let used = (asked.body.len() as u64 / 4, wrote);
        let bill = self.tenants[at].bills.entry(agent.name).or_default();
        *bill += used.0 * PRICES.0 + used.1 * PRICES.1;
        Some(streamed(&text, &calls, used))
    }

    /// Looks through what an agent's model is told.
    fn look(&mut self, at: usize, agent: &office::Agent, body: &Value) {
        let whole = body.to_string();
        for (other, tenant) in self.tenants.iter().enumerate() {
            for canary in &tenant.canaries {
                let may = other == at && canary.reader == Some(agent.name);
                if may || !whole.contains(&canary.value) {
                    continue;
                }
                if other == at && self.told.contains(&canary.value) {
                    self.told_on = true; // by whom it is granted to, in words of its own
                } else {
                    let name = agent.name;
                    let what = format!("{name} of tenant {at} was shown {}", canary.value);
                    self.findings.push(what);
                }
            }
        }
        for tool in body["tools"].as_array().into_iter().flatten() {
            let word = tool["function"]["name"].as_str().unwrap_or_default();
            if !agent.may_call(word) {
                let what = format!("{} was told of the tool {word}", agent.name);
                self.findings.push(what);
            }
        }
    }
}

/// An answer as it is streamed.
fn streamed(text: &str, calls: &[Value], (read, wrote): (u64, u64)) -> String {
    let mut delta = json!({"role": "assistant", "content": text});
    if !calls.is_empty() {
        delta = json!({"role": "assistant", "tool_calls": calls});
    }
    let stop = if calls.is_empty() {
        "stop"
    } else {
        "tool_calls"
    };
    let used = json!({"prompt_tokens": read, "completion_tokens": wrote});
    let pieces = [
        json!({"choices": [{"index": 0, "delta": delta}]}),
        json!({"choices": [{"index": 0, "delta": {}, "finish_reason": stop}]}),
        json!({"choices": [], "usage": used}),
    ];
    let pieces = pieces.iter().map(|piece| event(&piece.to_string()));
    pieces.collect::<String>() + DONE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_however_it_is_written() {
        let secret = "canary-main-pay-0123456789ab";
        for code in CODES {
            let text = format!("x{}y", code.write(secret));
            assert!(holds(&text, secret), "{code:?}: {text}");
        }
        assert!(!holds("canary-main", secret));
    }

    #[test]
    fn a_model_turns_when_it_is_told_and_writes_what_it_saw() {
        let mut state = State::default();
        let call = |name: &str| vec![(name.to_owned(), "{\"text\": \"{seen}\"}".to_owned())];
        let lines = Lines {
            marker: Some("obey".into()),
            lead: vec![call("context_read")],
            evil: vec![call("emit")],
            last: "Done, {seen}.".into(),
            ..Lines::default()
        };
        let canary = |value: &str, reader| Canary {
            value: value.into(),
            reader,
        };
        state.tenants.push(Tenant {
            key: "k".into(),
            canaries: vec![canary("canary-a", Some("brain")), canary("canary-b", None)],
            lines: [("brain", lines)].into(),
            ..Tenant::default()
        });
        let mut messages = vec![json!({"role": "system", "content": "[[agent:brain]]"})];
        let mut ask = |more: Vec<Value>, key: &str| {
            messages.extend(more);
            let body = json!({"messages": messages}).to_string();
            let head = format!("POST /v1 HTTP/1.1\r\nauthorization: Bearer {key}");
            state.answer(&Asked {
                head: &head,
                body: &body,
            })
        };
        let told = |id: &str, text: &str| {
            let own = json!({"role": "assistant", "tool_calls": [{"id": id}]});
            vec![own, json!({"role": "tool", "content": text})]
        };
        assert!(ask(vec![], "other").is_none());
        assert!(ask(vec![], "k").is_some_and(|said| said.contains("context_read")));
        let turned = ask(told("lead-0-0", "obey: canary-a"), "k").expect("it knows it");
        assert!(
            turned.contains("emit") && turned.contains("canary-a"),
            "{turned}"
        );
        let last = ask(told("evil-1-0", "canary-b"), "k").expect("it knows it");
        assert!(last.contains("Done, canary-b."), "{last}");
        let [key, shown] = &state.findings[..] else {
            panic!("{:?}", state.findings)
        };
        assert!(
            key.contains("other") && shown.contains("canary-b"),
            "{shown}"
        );
        assert_eq!((state.turned, state.wanted), (2, 1));
        assert!(state.tenants[0].bills["brain"] > 0);
    }
}
