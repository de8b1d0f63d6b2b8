//! What an agent did on a day, a line for each thing: read out of the journal when it is asked for,
//! and kept nowhere else.

use std::collections::BTreeMap;

use naos_kernel::run::Run;
use naos_store::Entry;
use naos_types::fact::run::Ability;
use naos_types::fact::{Fact, approval, document, message, run, task};
use naos_types::input::{Answer, Link, Piece};
use naos_types::{Actor, BodyRef, Code, DAY_MS, Name, Refusal, RunId, Seq, TaskId, Time};
use serde::Serialize;
use serde_json::Value;

use super::told::Place;
use super::{AUDIT_SCAN_MAX, Reader, damaged, unread};

/// The most lines at once.
pub const LOG_LINES_MAX: usize = 500;
/// The most bytes of what is said in all lines at once.
const LOG_BYTES_MAX: usize = 256 * 1_024;
/// The most bytes of one text; the rest of it is cut.
const TEXT_BYTES_MAX: usize = 2 * 1_024;
/// How many entries are read at once.
const CHUNK: usize = 512;
/// What the facts are called that give a line, before the rest of their kind is read.
const KINDS: [&str; 5] = [
    "run.",
    "message.",
    "document.written",
    "task.handed",
    "approval.requested",
];

/// One thing that an agent did.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    /// When, RFC 3339.
    pub time: String,
    /// In which run; none where the journal doesn't say.
    pub run: Option<RunId>,
    /// What.
    #[serde(flatten)]
    pub what: Activity,
}

/// What it did.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Activity {
    /// A run began, or an attempt of it.
    RunStarted {
        /// For which task.
        task: TaskId,
        /// Counted from 1.
        attempt: u32,
    },
    /// An attempt failed; the run goes on.
    AttemptFailed {
        /// Why.
        code: Code,
    },
    /// A run ended.
    RunEnded {
        /// How.
        status: String,
        /// What it cost, in millionths.
        cost_micros: u64,
        /// Why, where it didn't complete.
        #[serde(skip_serializing_if = "Option::is_none")]
        code: Option<Code>,
    },
    /// It noted something.
    Note {
        /// What.
        text: String,
        /// Whether it was taken.
        ok: bool,
    },
    /// It learned something.
    Learned {
        /// What.
        fact: String,
        /// How sure it is.
        confidence: Option<f64>,
        /// Where it has it from.
        source: Option<String>,
        /// Whether it was kept.
        ok: bool,
    },
    /// It called a tool, or made a request.
    Tool {
        /// Which.
        name: String,
        /// Whether it answered.
        ok: bool,
    },
    /// It asked a person, or another agent.
    Asked {
        /// Whom: `person`, or the agent's name.
        whom: String,
        /// What.
        text: String,
    },
    /// It wrote a document.
    DocumentWritten {
        /// Where.
        path: String,
        /// Which version.
        version: u64,
    },
    /// It said something in a task's thread, or to nobody.
    Said {
        /// Whose thread.
        task: Option<TaskId>,
        /// What.
        text: String,
    },
    /// It handed a task over.
    HandedOver {
        /// Which.
        task: TaskId,
        /// To whom.
        to: String,
    },
}

impl Activity {
    /// How much is said in it.
    fn bytes(&self) -> usize {
        match self {
            Self::Note { text, .. } | Self::Asked { text, .. } | Self::Said { text, .. } => {
                text.len()
            }
            Self::Learned { fact, .. } => fact.len(),
            _ => 0,
        }
    }
}

/// A piece of the log of a day.
#[derive(Clone, Debug, Default)]
pub struct Daily {
    /// The lines, oldest first.
    pub lines: Vec<Line>,
    /// Where the rest begins; none at the day's end.
    pub next: Option<Seq>,
}

/// The requests of the calls of runs, as far as they were looked up.
type Asked = BTreeMap<RunId, BTreeMap<u32, BodyRef>>;

impl Reader {
    /// What an agent did on the UTC day that holds `day`, after `after`, at most `limit` lines.
    ///
    /// # Errors
    /// A refusal if the journal is damaged.
    pub fn daily(
        &self,
        agent: &Name,
        day: Time,
        after: Option<Seq>,
        limit: usize,
    ) -> Result<Daily, Refusal> {
        let (begin, mut asked) = (day.day_start(), Asked::new());
        let end = Time(begin.0 + DAY_MS);
        let first = self.seq_at(begin)?.saturating_sub(1);
        let mut at = after.map_or(first, |after| after.max(first));
        let (from, mut bytes) = (at, 0);
        let mut out = Daily::default();
        loop {
            let entries = self.store.entries(at, CHUNK).map_err(damaged)?;
            if entries.is_empty() {
                return Ok(out);
            }
            for entry in &entries {
                if entry.at >= end {
                    return Ok(out);
                }
                let full = out.lines.len() >= limit || bytes >= LOG_BYTES_MAX;
                if full || entry.seq - from > AUDIT_SCAN_MAX {
                    out.next = Some(at);
                    return Ok(out);
                }
                at = entry.seq;
                if let Some(line) = self.line(agent, entry, &mut asked)? {
                    bytes += line.what.bytes();
                    out.lines.push(line);
                }
            }
        }
    }

    fn line(
        &self,
        agent: &Name,
        entry: &Entry,
        asked: &mut Asked,
    ) -> Result<Option<Line>, Refusal> {
        if !KINDS.iter().any(|kind| entry.kind.starts_with(kind)) {
            return Ok(None);
        }
        let Ok(fact) = Fact::decode(&entry.kind, entry.version, &entry.bytes) else {
            return Ok(None);
        };
        let is_its = |by: &Actor| matches!(by, Actor::Agent(name) if name == agent);
        let (run, what) = match fact {
            Fact::Run(fact) => {
                if let run::Fact::Called(f) = &fact
                    && f.agent == *agent
                {
                    asked.entry(f.run).or_default().insert(f.index, f.request);
                    return Ok(None);
                }
                match self.of_run(agent, &fact, entry.at, asked)? {
                    Some((run, what)) => (Some(run), what),
                    None => return Ok(None),
                }
            }
            Fact::Document(document::Fact::Written(f)) if is_its(&f.by) => {
                let what = Activity::DocumentWritten {
                    path: f.path.as_str().trim_start_matches('/').to_owned(),
                    version: f.version,
                };
                (f.run, what)
            }
            Fact::Message(message::Fact::Said(f)) if is_its(&f.by) => {
                let text = cut(self.shown(&f.body));
                let task = Some(f.task);
                (None, Activity::Said { task, text })
            }
            Fact::Message(message::Fact::Posted(f)) if is_its(&f.by) => {
                let text = cut(self.sealed(&f.text));
                (None, Activity::Said { task: f.task, text })
            }
            Fact::Task(task::Fact::Handed(f)) if is_its(&f.by) => {
                let (task, to) = (f.task, f.to.to_string());
                (None, Activity::HandedOver { task, to })
            }
            Fact::Approval(approval::Fact::Requested(f)) if f.author.as_ref() == Some(agent) => {
                let approval::Waiting::Call(run, _) = f.waiting else {
                    return Ok(None); // a step of a plan asks about its work
                };
                let (whom, text) = ("person".to_owned(), cut(self.sealed(&f.title)));
                (Some(run), Activity::Asked { whom, text })
            }
            _ => return Ok(None),
        };
        let time = entry.at.rfc3339();
        Ok(Some(Line { time, run, what }))
    }

    fn of_run(
        &self,
        agent: &Name,
        fact: &run::Fact,
        at: Time,
        asked: &Asked,
    ) -> Result<Option<(RunId, Activity)>, Refusal> {
        let ended = |id: RunId, status: &str, code: Option<Code>| {
            let found = self.find::<Run>(&id)?;
            let cost_micros = found.map_or(0, |run| run.cost.0);
            let status = status.to_owned();
            let what = Activity::RunEnded {
                status,
                cost_micros,
                code,
            };
            Ok(Some((id, what)))
        };
        match fact {
            run::Fact::Started(f) if f.agent == *agent => {
                let (task, attempt) = (f.task, f.attempt);
                Ok(Some((f.run, Activity::RunStarted { task, attempt })))
            }
            run::Fact::Completed(f) if f.agent == *agent => ended(f.run, "completed", None),
            run::Fact::Failed(f) if f.agent == *agent => {
                let code = f.problem.code;
                if f.retry_at.is_some() {
                    return Ok(Some((f.run, Activity::AttemptFailed { code })));
                }
                ended(f.run, "failed", Some(code))
            }
            run::Fact::Stopped(f) if f.agent == *agent => {
                ended(f.run, "failed", Some(f.problem.code))
            }
            run::Fact::Cancelled(f) if f.agent == *agent => ended(f.run, "cancelled", None),
            run::Fact::Diverged(f) if f.agent == *agent => {
                ended(f.run, "diverged", Some(Code::DIVERGED))
            }
            run::Fact::Answered(f) if f.agent == *agent => self.called(f, at, asked),
            _ => Ok(None),
        }
    }

    /// What was called, and what came of it.
    fn called(
        &self,
        fact: &run::Answered,
        at: Time,
        asked: &Asked,
    ) -> Result<Option<(RunId, Activity)>, Refusal> {
        let (ability, ok) = match self.answer_of(&fact.answer) {
            Some((Ability::Model, _)) => return Ok(None), // that is what the run is
            found => found.unzip(),
        };
        let ok = ok.unwrap_or(true);
        let request = self.request_of(fact, at, asked)?;
        let read = request.map(|body| self.bytes(&body));
        let told = match &read {
            Some(Ok(bytes)) => serde_json::from_slice::<Value>(bytes).unwrap_or_default(),
            _ => Value::Null,
        };
        let given = told["arguments"].as_str().unwrap_or_default();
        let given: Value = serde_json::from_str(given).unwrap_or_default();
        let text = |key: &str| given[key].as_str().map(str::to_owned);
        let what = match (told["tool"].as_str(), ability) {
            (Some("note"), _) => Activity::Note {
                text: cut(text("text").unwrap_or_default()),
                ok,
            },
            (Some("remember"), _) => Activity::Learned {
                fact: cut(text("fact").unwrap_or_default()),
                confidence: given["confidence"].as_f64(),
                source: text("source"),
                ok,
            },
            // What it asks a person stands in the journal by itself.
            (Some("ask"), Some(Ability::Ask)) | (None, Some(Ability::Ask)) => return Ok(None),
            (Some(_), Some(Ability::Colleague)) => Activity::Asked {
                whom: text("to").unwrap_or_default(),
                text: cut(text("question").unwrap_or_default()),
            },
            (Some(name), _) => Activity::Tool {
                name: name.to_owned(),
                ok,
            },
            (None, of) => {
                let name = match (&read, of) {
                    (Some(Err(why)), _) => unread(why).to_owned(),
                    (_, Some(of)) => super::calls::ability(of).to_owned(),
                    _ => return Ok(None),
                };
                Activity::Tool { name, ok }
            }
        };
        Ok(Some((fact.run, what)))
    }

    /// Of which kind a call was, and whether it got what it asked for.
    fn answer_of(&self, piece: &BodyRef) -> Option<(Ability, bool)> {
        let bytes = self.bytes(piece).ok()?;
        let Link { piece, .. } = postcard::from_bytes(&bytes).ok()?;
        let Piece::Answer {
            ability, answer, ..
        } = piece
        else {
            return None;
        };
        Some((ability, matches!(answer, Answer::Text(_) | Answer::Body(_))))
    }

    /// What a call asked. One that was made before this piece of the log is looked up.
    fn request_of(
        &self,
        fact: &run::Answered,
        at: Time,
        asked: &Asked,
    ) -> Result<Option<BodyRef>, Refusal> {
        let known = asked
            .get(&fact.run)
            .and_then(|known| known.get(&fact.index));
        if let Some(request) = known {
            return Ok(Some(*request));
        }
        let place = Place::answered(fact.run, fact.index, at);
        let look = self.told(&[place], 0, AUDIT_SCAN_MAX as usize)?;
        let told = look.found.into_iter().next().unwrap_or_default();
        Ok(told.called.map(|(_, called)| called.request))
    }
}

/// As much of a text as a line has room for.
fn cut(mut text: String) -> String {
    if text.len() > TEXT_BYTES_MAX {
        text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX));
        text.push('…');
    }
    text
}
