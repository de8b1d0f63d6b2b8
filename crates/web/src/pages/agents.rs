//! The agents: who they are, what they do now, what they have left.

use askama::Template;

use super::costs::Budget;
use super::filters;
use super::frame::{Page, Section};
use super::render::Part;
use super::topic::Topic;
use super::words::{AgentState, RunStatus, Tier};
use crate::locale::Locale;

/// The list of agents.
#[derive(Clone, Debug, Template)]
#[template(path = "agents.html")]
pub struct Agents {
    /// One for each agent, by name.
    pub agents: Vec<AgentRow>,
}

/// One agent at a glance.
#[derive(Clone, Debug, Template)]
#[template(path = "agent_row.html")]
pub struct AgentRow {
    /// Its name.
    pub name: String,
    /// What it was made from.
    pub template: String,
    /// What it does now.
    pub state: AgentState,
    /// Where its answers come from.
    pub tier: Option<Tier>,
    /// How often it ran.
    pub runs: u64,
    /// How often that failed.
    pub failed: u64,
    /// Its last run.
    pub last_run: Option<LastRun>,
    /// What it may spend.
    pub budget: Option<Budget>,
}

/// The last run of an agent.
#[derive(Clone, Debug)]
pub struct LastRun {
    /// The run's id.
    pub id: String,
    /// How it stands.
    pub status: RunStatus,
    /// Whether it is paused: it begins nothing more.
    pub paused: bool,
    /// When it began, UTC milliseconds.
    pub time_ms: i64,
}

impl Page for Agents {
    fn section(&self) -> Section {
        Section::Agents
    }

    fn title(&self, locale: Locale) -> String {
        locale.t("nav-agents").into_owned()
    }

    fn topic(&self) -> Option<Topic> {
        Some(Topic::Agents)
    }
}

impl Part for AgentRow {
    fn id(&self) -> String {
        format!("agent-{}", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{check, sample};

    #[test]
    fn state_runs_and_budget_are_there() {
        let html = check::page(&sample::agents(&str::to_owned));
        check::contains(&html, "id=\"agent-researcher\"");
        check::contains(
            &html,
            "<progress class=\"warn\" max=\"10000000\" value=\"8450000\"",
        );
        check::contains(&html, "$1.55 left");
        check::contains(&html, "Budget exceeded");
    }

    #[test]
    fn without_agents_it_says_how_to_make_one() {
        check::contains(&check::page(&sample::agents_empty()), "naos create");
    }
}
