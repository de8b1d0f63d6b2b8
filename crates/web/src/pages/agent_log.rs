//! What an agent did on a day.

use askama::Template;

use super::filters;
use super::frame::{Crumb, Page, Section};
use crate::locale::Locale;

/// The log of a day.
#[derive(Clone, Debug, Template)]
#[template(path = "agent_log.html")]
pub struct AgentLog {
    /// Whose.
    pub agent: String,
    /// The day, in UTC: `2026-10-05`.
    pub day: String,
    /// What it did, oldest first.
    pub lines: Vec<Did>,
    /// Where the rest of the day is.
    pub rest: Option<String>,
    /// The day after.
    pub newer: Option<String>,
    /// The day before.
    pub older: Option<String>,
}

/// One thing that it did.
#[derive(Clone, Debug)]
pub struct Did {
    /// When, UTC milliseconds.
    pub at_ms: i64,
    /// The message that says what sort of thing it was.
    pub key: &'static str,
    /// What it said, called, wrote.
    pub text: String,
    /// Whether it came to nothing.
    pub failed: bool,
    /// In which run.
    pub run: Option<String>,
}

impl Page for AgentLog {
    fn section(&self) -> Section {
        Section::Agents
    }

    fn title(&self, _locale: Locale) -> String {
        format!("{} {}", self.agent, self.day)
    }

    fn trail(&self, locale: Locale) -> Vec<Crumb> {
        self.section().trail(locale)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{check, sample};

    #[test]
    fn what_it_did_stands_with_its_run_and_other_days_are_near() {
        let html = check::page(&sample::agent_log(&str::to_owned));
        check::contains(&html, "Noted");
        check::contains(&html, "The roofer comes on Monday");
        check::contains(&html, "href=\"/runs/run_0192\"");
        check::contains(&html, "href=\"/agents/researcher/log?day=2026-10-04\"");
    }
}
