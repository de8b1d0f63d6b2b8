//! What was asked and what was answered: the truth that the machine is compared with.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

/// What a write was for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// A run of an agent that answers at once.
    Echo,
    /// A task that a rule answers.
    Skill,
    /// A run that makes gated calls: for each, whether it carries a key.
    Courier { tag: String, keyed: Vec<bool> },
    /// A run whose every attempt fails; timers begin the next ones.
    Flaky,
    /// A run that costs something.
    Spend { agent: String },
    /// A plan, and how many items it fans out to.
    Plan { tag: String, items: usize },
    /// A person's answer.
    Decide { approval: String, approve: bool },
    /// What a person decided about a run of unknown outcome.
    Resolve { run: String, verdict: &'static str },
    /// A new version of a document.
    Document { path: String },
    /// A new agent with a spending limit.
    Agent { name: String, cost: u64, limit: u64 },
    /// The spending limit of such an agent.
    Budget { agent: String },
    /// An event, with a type of its own.
    Event { topic: String },
    /// An event that a driver outside is to answer.
    Ask { tag: String },
    /// A run of an agent that works with a model.
    Think { tag: String },
    /// A task of the board: such an agent makes it, another one looks at it, a person says yes.
    Board { tag: String },
    /// A standing rule is taken, or ended.
    Rule { take: bool },
    /// A saga, and whether its last step fails.
    Saga { tag: String, fails: bool },
    /// A workflow of which a step fails and is left out.
    Line { tag: String },
    /// A batch of a pool.
    Batch { tasks: Vec<String> },
    /// A plan whose steps wait.
    Wait { tag: String },
    /// A signal for such a plan.
    Signal,
    /// An event for such a plan.
    Paid,
    /// A plan that runs another one, and again for each item.
    Nest { tag: String, items: Vec<String> },
    /// A run of an agent that a supervisor restarts.
    Watched { agent: &'static str },
    /// A supervisor fails, as a drill.
    Drill,
}

impl What {
    /// The word in the table of results.
    pub(super) const fn word(&self) -> &'static str {
        match self {
            Self::Echo => "run",
            Self::Skill => "skill",
            Self::Courier { .. } => "courier",
            Self::Flaky => "flaky",
            Self::Spend { .. } => "spend",
            Self::Plan { .. } => "plan",
            Self::Decide { .. } => "decide",
            Self::Resolve { .. } => "resolve",
            Self::Document { .. } => "document",
            Self::Agent { .. } => "agent",
            Self::Budget { .. } => "budget",
            Self::Event { .. } => "event",
            Self::Ask { .. } => "ask",
            Self::Think { .. } => "think",
            Self::Board { .. } => "board",
            Self::Rule { .. } => "rule",
            Self::Saga { .. } => "saga",
            Self::Line { .. } => "workflow",
            Self::Batch { .. } => "batch",
            Self::Wait { .. } => "wait",
            Self::Signal => "signal",
            Self::Paid => "payment",
            Self::Nest { .. } => "nest",
            Self::Watched { .. } => "watched",
            Self::Drill => "supervisor",
        }
    }
}

impl What {
    /// Whether it starts a run of a plan, of whatever kind.
    pub(super) const fn starts_steps(&self) -> bool {
        matches!(
            self,
            Self::Plan { .. }
                | Self::Saga { .. }
                | Self::Line { .. }
                | Self::Batch { .. }
                | Self::Wait { .. }
                | Self::Nest { .. }
        )
    }
}

/// How a write stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stand {
    /// Asked, perhaps more than once; nobody said yes or no.
    Open,
    /// Said yes.
    Acked { status: u16, reply: Value },
    /// Said no.
    Refused { status: u16, reply: Value },
}

/// One write: always the same bytes under the same key, until there is an answer.
#[derive(Clone, Debug)]
pub(super) struct Write {
    pub(super) key: String,
    pub(super) what: What,
    pub(super) method: &'static str,
    pub(super) path: String,
    pub(super) body: Value,
    pub(super) stand: Stand,
    /// How often it was sent.
    pub(super) sent: u32,
}

impl Write {
    /// What was answered, if the answer was yes.
    pub(super) fn reply(&self) -> Option<&Value> {
        match &self.stand {
            Stand::Acked { reply, .. } => Some(reply),
            _ => None,
        }
    }

    /// A text of the answer: an id.
    pub(super) fn said(&self, name: &str) -> Option<&str> {
        self.reply()?.get(name)?.as_str()
    }
}

/// All writes by their key.
#[derive(Debug, Default)]
pub(super) struct Ledger(Mutex<BTreeMap<String, Write>>);

impl Ledger {
    fn rows(&self) -> MutexGuard<'_, BTreeMap<String, Write>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes down what is about to be asked.
    pub(super) fn open(&self, write: Write) {
        self.rows().insert(write.key.clone(), write);
    }

    /// Writes down what was answered, and after how many tries.
    pub(super) fn close(&self, key: &str, stand: Stand, sent: u32) {
        if let Some(write) = self.rows().get_mut(key) {
            (write.stand, write.sent) = (stand, sent);
        }
    }

    /// Everything, by key.
    pub(super) fn all(&self) -> Vec<Write> {
        self.rows().values().cloned().collect()
    }

    /// Whether this was asked already.
    pub(super) fn knows(&self, key: &str) -> bool {
        self.rows().contains_key(key)
    }

    /// How many were answered with yes.
    pub(super) fn acked(&self) -> usize {
        self.rows()
            .values()
            .filter(|write| write.reply().is_some())
            .count()
    }

    /// A line for each write, for whoever looks into a failure.
    pub(super) fn lines(&self) -> String {
        let line = |write: &Write| {
            let (stand, reply) = match &write.stand {
                Stand::Open => ("open", Value::Null),
                Stand::Acked { reply, .. } => ("acked", reply.clone()),
                Stand::Refused { reply, .. } => ("refused", reply.clone()),
            };
            let row = json!({"key": write.key, "method": write.method, "path": write.path,
                "body": write.body, "stand": stand, "reply": reply, "sent": write.sent});
            format!("{row}\n")
        };
        self.rows().values().map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_is_open_until_it_is_answered() {
        let ledger = Ledger::default();
        let write = Write {
            key: "k".into(),
            what: What::Echo,
            method: "POST",
            path: "/runs".into(),
            body: json!({}),
            stand: Stand::Open,
            sent: 0,
        };
        assert!(!ledger.knows("k"));
        ledger.open(write);
        assert!(ledger.knows("k"));
        assert_eq!((ledger.acked(), ledger.all()[0].said("run")), (0, None));
        ledger.close(
            "k",
            Stand::Acked {
                status: 200,
                reply: json!({"run": "run_1"}),
            },
            3,
        );
        ledger.close("unknown", Stand::Open, 1);
        let all = ledger.all();
        assert_eq!(
            (ledger.acked(), all[0].said("run"), all[0].sent),
            (1, Some("run_1"), 3)
        );
        assert!(ledger.lines().contains("\"stand\":\"acked\""));
    }
}
