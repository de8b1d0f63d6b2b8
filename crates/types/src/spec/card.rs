//! What is planned for a task of the board: who does it, who looks at it, what it waits for.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Check, StaysFrom};
use crate::{DocPath, MemberId, Name, Priority, Role, Span, TaskId, Time};

/// The least time that a person has to answer, in milliseconds.
const EXPIRES_MS_MIN: i64 = 60_000;
/// The most agents that a task goes through, one after the other.
pub const CARD_AGENTS_MAX: usize = 16;
/// The most agents that hear how a task ended.
pub const CARD_CC_MAX: usize = 16;
/// The most labels of a task.
pub const CARD_LABELS_MAX: usize = 16;
/// The longest label, in bytes.
pub const CARD_LABEL_BYTES_MAX: usize = 48;
/// The most tasks that one waits for.
pub const CARD_AFTER_MAX: usize = 32;
/// The most documents that come with a task.
pub const CARD_ATTACHED_MAX: usize = 8;
/// The most rounds of a review.
pub const CARD_ROUNDS_MAX: u32 = 10;

/// Whose a task is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Assignee {
    /// An agent's or a skill's.
    Agent(Name),
    /// A person's.
    Member(MemberId),
}

impl std::fmt::Display for Assignee {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Agent(name) => write!(f, "{name}"),
            Self::Member(member) => write!(f, "{member}"),
        }
    }
}

/// What is planned for a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Card {
    /// Whose it is; nobody's waits in the inbox.
    pub to: Option<Assignee>,
    /// Agents that go on with what the one before made, in order.
    pub then: Vec<Name>,
    /// Who refutes or praises the result; never who made it.
    pub reviewer: Option<Name>,
    /// How often a refuted result is mended before a person decides.
    pub rounds_max: u32,
    /// The least role of the person who is asked at the end; none asks nobody.
    pub approve: Option<Role>,
    /// Whether a person is asked about what no agent looked at.
    pub unreviewed: bool,
    /// How urgent it is: an urgent one doesn't wait for a heartbeat.
    pub priority: Priority,
    /// When it should be done.
    pub due: Option<Time>,
    /// Words to find it by.
    pub labels: BTreeSet<String>,
    /// It begins when these are done.
    pub after: Vec<TaskId>,
    /// The task that it is a part of.
    pub part_of: Option<TaskId>,
    /// Agents that hear how it ended.
    pub cc: BTreeSet<Name>,
    /// Documents that come with it.
    pub attached: Vec<DocPath>,
    /// How long a person may take to answer whether it is good; none asks without end.
    pub expires: Option<Span>,
    /// What must hold of the result before anybody is asked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Check>,
    /// How many tasks that agents made by themselves, and events, led to it.
    #[serde(skip_serializing_if = "is_none")]
    pub hops: u32,
    /// What an agent gave it comes from work whose data must not leave the country.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stays: Option<StaysFrom>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants a reference")]
const fn is_none(hops: &u32) -> bool {
    *hops == 0
}

impl Default for Card {
    fn default() -> Self {
        Self {
            to: None,
            then: Vec::new(),
            reviewer: None,
            rounds_max: 2,
            approve: None,
            unreviewed: false,
            priority: Priority::Normal,
            due: None,
            labels: BTreeSet::new(),
            after: Vec::new(),
            part_of: None,
            cc: BTreeSet::new(),
            attached: Vec::new(),
            expires: None,
            checks: Vec::new(),
            hops: 0,
            stays: None,
        }
    }
}

impl Card {
    /// The agent that it is given to.
    #[must_use]
    pub const fn agent(&self) -> Option<&Name> {
        match &self.to {
            Some(Assignee::Agent(name)) => Some(name),
            _ => None,
        }
    }

    /// All agents that it names: whose it is, who goes on, who looks at it, who hears of it.
    pub fn agents(&self) -> impl Iterator<Item = &Name> {
        let work = self.agent().into_iter().chain(&self.then);
        work.chain(&self.reviewer).chain(&self.cc)
    }

    /// Gives it to somebody else. A person passes it on by hand.
    pub fn give(&mut self, to: Assignee) {
        if matches!(to, Assignee::Member(_)) {
            self.then.clear();
        }
        self.to = Some(to);
    }

    /// What is wrong with it, in a sentence, whoever sent it.
    ///
    /// # Errors
    /// The sentence.
    pub fn check(&self) -> Result<(), String> {
        let most = |what: &str, most: usize, is: usize| {
            if is > most {
                return Err(format!(
                    "a task has at most {most} {what}, this one has {is}"
                ));
            }
            Ok(())
        };
        most(
            "agents that go on with it",
            CARD_AGENTS_MAX,
            self.then.len(),
        )?;
        most("agents that hear of it", CARD_CC_MAX, self.cc.len())?;
        most("labels", CARD_LABELS_MAX, self.labels.len())?;
        most("tasks to wait for", CARD_AFTER_MAX, self.after.len())?;
        most("documents", CARD_ATTACHED_MAX, self.attached.len())?;
        let short = |label: &&String| label.is_empty() || label.len() > CARD_LABEL_BYTES_MAX;
        if let Some(label) = self.labels.iter().find(short) {
            return Err(format!(
                "a label has 1 to {CARD_LABEL_BYTES_MAX} bytes, {label:?} has {}",
                label.len()
            ));
        }
        if self.expires.is_some_and(|span| span.0 < EXPIRES_MS_MIN) {
            return Err("a person has at least a minute to answer".into());
        }
        if !(1..=CARD_ROUNDS_MAX).contains(&self.rounds_max) {
            return Err(format!("a review has 1 to {CARD_ROUNDS_MAX} rounds"));
        }
        Check::check_all(&self.checks)?;
        if !self.then.is_empty() && self.agent().is_none() {
            let what = match self.to {
                Some(_) => "only what an agent made is passed on, and the task is a person's",
                None => "only what an agent made is passed on: say whose it is first",
            };
            return Err(what.into());
        }
        if let Some(reviewer) = &self.reviewer
            && (self.agent() == Some(reviewer) || self.then.contains(reviewer))
        {
            return Err(format!("{reviewer} can't review its own work"));
        }
        if self.approve.is_some() && self.reviewer.is_none() && !self.unreviewed {
            return Err(
                "a person is asked about what an agent looked at: name a reviewer, or say that \
                 this one goes unreviewed"
                    .into(),
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    #[test]
    fn what_does_not_fit_is_said() {
        type Change = fn(&mut Card);
        let changes: [(Change, &str); 9] = [
            (|card| card.rounds_max = 0, "rounds"),
            (|card| card.then = vec![name("dev")], "say whose"),
            (|card| card.reviewer = Some(name("pm")), "own work"),
            (
                |card| {
                    card.then = vec![name("dev")];
                    card.reviewer = Some(name("pm"));
                },
                "own work",
            ),
            (|card| card.approve = Some(Role::Staff), "name a reviewer"),
            (|card| card.labels = [String::new()].into(), "label"),
            (|card| card.checks = vec![Check::of(" ")], "must hold"),
            (|card| card.after = vec![TaskId(1); 33], "at most 32"),
            (
                |card| card.cc = (0..17).map(|n| name(&format!("a{n}"))).collect(),
                "at most 16",
            ),
        ];
        let sound = Card {
            to: Some(Assignee::Agent(name("pm"))),
            ..Card::default()
        };
        assert_eq!(sound.check(), Ok(()));
        for (change, expected) in changes {
            let mut card = sound.clone();
            change(&mut card);
            if expected == "say whose" {
                card.to = None;
            }
            let why = card.check().expect_err(expected);
            assert!(why.contains(expected), "{why}");
        }
    }

    #[test]
    fn what_was_kept_before_a_field_came_is_read() {
        let card: Card = serde_json::from_str("{}").unwrap();
        assert_eq!(card, Card::default());
        // One without checks is written as before there were any.
        let written = serde_json::to_string(&card).unwrap();
        assert!(!written.contains("checks"), "{written}");
    }
}
