//! What a page listens to: `/live?topic=run:run_0192&since=4211`.

use std::fmt;
use std::str::FromStr;

/// How long a topic may be, as text.
pub const TOPIC_BYTES_MAX: usize = 256;

/// The event of the live stream whose data is the HTML of a feed row.
pub const EVENT_FEED: &str = "feed";
/// The event whose data is a [`super::delta`].
pub const EVENT_PART: &str = "part";
/// The event whose data is the id of an element that is no more.
pub const EVENT_GONE: &str = "gone";
/// The event whose data is a piece of what a model writes.
pub const EVENT_SAID: &str = "said";

/// What a page listens to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    /// The feed: rows, `Waiting`, `Counters`, `Working`.
    Home,
    /// The board: `Column`.
    Board,
    /// All agents: `AgentRow`.
    Agents,
    /// One agent, by name: `AgentRow`, `RunRow`.
    Agent(String),
    /// All runs: `RunRow`.
    Runs,
    /// One run, by id: `RunHead`, `Step`.
    Run(String),
    /// One run of a plan, by id: `RunHead`, `Picture`, `PlanStep`.
    Plan(String),
    /// All approvals: `ApprovalRow`.
    Approvals,
    /// One approval, by id: `Answer`.
    Approval(String),
    /// The money: `Totals`, `BudgetRow`.
    Costs,
}

/// A text that is no topic.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("no page listens to that topic; reload the page")]
pub struct UnknownTopic;

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Topic::Home => f.write_str("home"),
            Topic::Board => f.write_str("board"),
            Topic::Agents => f.write_str("agents"),
            Topic::Agent(name) => write!(f, "agent:{name}"),
            Topic::Runs => f.write_str("runs"),
            Topic::Run(id) => write!(f, "run:{id}"),
            Topic::Plan(id) => write!(f, "plan:{id}"),
            Topic::Approvals => f.write_str("approvals"),
            Topic::Approval(id) => write!(f, "approval:{id}"),
            Topic::Costs => f.write_str("costs"),
        }
    }
}

impl FromStr for Topic {
    type Err = UnknownTopic;

    fn from_str(text: &str) -> Result<Topic, UnknownTopic> {
        if text.len() > TOPIC_BYTES_MAX {
            return Err(UnknownTopic);
        }
        let of = |id: &str| (!id.is_empty()).then(|| id.to_owned()).ok_or(UnknownTopic);
        match text.split_once(':') {
            None => match text {
                "home" => Ok(Topic::Home),
                "board" => Ok(Topic::Board),
                "agents" => Ok(Topic::Agents),
                "runs" => Ok(Topic::Runs),
                "approvals" => Ok(Topic::Approvals),
                "costs" => Ok(Topic::Costs),
                _ => Err(UnknownTopic),
            },
            Some(("agent", name)) => Ok(Topic::Agent(of(name)?)),
            Some(("run", id)) => Ok(Topic::Run(of(id)?)),
            Some(("plan", id)) => Ok(Topic::Plan(of(id)?)),
            Some(("approval", id)) => Ok(Topic::Approval(of(id)?)),
            Some(_) => Err(UnknownTopic),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_topic_reads_back() {
        let id = || "run_0192".to_owned();
        for topic in [
            Topic::Home,
            Topic::Board,
            Topic::Agents,
            Topic::Agent(id()),
            Topic::Runs,
            Topic::Run(id()),
            Topic::Plan(id()),
            Topic::Approvals,
            Topic::Approval(id()),
            Topic::Costs,
        ] {
            assert_eq!(topic.to_string().parse(), Ok(topic));
        }
    }

    #[test]
    fn other_texts_are_no_topics() {
        let long = format!("run:{}", "x".repeat(TOPIC_BYTES_MAX));
        for text in [
            "",
            "run",
            "run:",
            "home:x",
            "HOME",
            "tenant:other",
            ":",
            &long,
        ] {
            assert_eq!(text.parse::<Topic>(), Err(UnknownTopic), "{text}");
        }
    }
}
