//! The runs, newest first, by status and agent.

use askama::Template;

use super::filters;
use super::frame::{Page, Section};
use super::render::Part;
use super::topic::Topic;
use super::words::{RunStatus, Tier};
use crate::locale::Locale;

/// The list of runs.
#[derive(Clone, Debug, Template)]
#[template(path = "runs.html")]
pub struct Runs {
    /// At most [`super::PAGE_ROWS_MAX`], newest first.
    pub runs: Vec<RunRow>,
    /// The chosen status.
    pub status: Option<RunStatus>,
    /// The chosen agent; empty for all.
    pub agent: String,
    /// Where newer ones are.
    pub newer: Option<String>,
    /// Where older ones are.
    pub older: Option<String>,
}

/// One run at a glance.
#[derive(Clone, Debug, Template)]
#[template(path = "run_row.html")]
pub struct RunRow {
    /// The run's id.
    pub id: String,
    /// The agent or the plan that runs.
    pub name: String,
    /// Whether it is a plan, with a page of its own kind.
    pub plan: bool,
    /// Whether it only says what would have been.
    pub what_if: bool,
    /// How it stands.
    pub status: RunStatus,
    /// Whether it is paused: it begins nothing more.
    pub paused: bool,
    /// What answered.
    pub tier: Option<Tier>,
    /// When it began, UTC milliseconds.
    pub started_ms: i64,
    /// How long it took, or takes so far.
    pub duration_ms: Option<u64>,
    /// What it cost, millionths.
    pub cost_micros: i64,
    /// The beginning of the input, one line; may be empty.
    pub about: String,
}

impl RunRow {
    /// Where its page is.
    pub fn folder(&self) -> &'static str {
        if self.plan { "plans" } else { "runs" }
    }
}

impl Runs {
    fn statuses(&self) -> &'static [RunStatus] {
        RunStatus::ALL
    }

    fn is_chosen(&self, status: &RunStatus) -> bool {
        self.status == Some(*status)
    }

    fn is_filtered(&self) -> bool {
        self.status.is_some() || !self.agent.is_empty()
    }
}

impl Page for Runs {
    fn section(&self) -> Section {
        Section::Runs
    }

    fn title(&self, locale: Locale) -> String {
        locale.t("nav-runs").into_owned()
    }

    fn topic(&self) -> Option<Topic> {
        Some(Topic::Runs)
    }
}

impl Part for RunRow {
    fn id(&self) -> String {
        format!("run-{}", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{check, sample};
    use super::*;

    #[test]
    fn agents_and_plans_lead_to_their_pages() {
        let html = check::page(&sample::runs(&str::to_owned));
        check::contains(&html, "href=\"/runs/run_0192\"");
        check::contains(&html, "href=\"/plans/run_0188\"");
        check::contains(&html, "$0.0042");
        check::contains(&html, "rel=\"next\"");
    }

    #[test]
    fn the_filter_shows_what_is_chosen() {
        let mut page = sample::runs(&str::to_owned);
        page.status = Some(RunStatus::RolledBack);
        let html = check::page(&page);
        check::contains(&html, "value=\"rolled_back\" selected");
    }

    #[test]
    fn an_empty_filter_says_so() {
        let page = Runs {
            agent: "nobody".into(),
            ..sample::runs_empty()
        };
        check::contains(&check::page(&page), "No run matches");
    }
}
