//! What runs as steps: plans, workflows, sagas and instructions, each with its last run; and one
//! of them with its picture and its runs.

use askama::Template;

use super::agents::LastRun;
use super::filters;
use super::frame::{Crumb, Page, Section};
use super::picture::Picture;
use super::runs::RunRow;
use super::words::FlowKind;
use crate::locale::Locale;

/// How long an input may be that a form gives.
pub use super::agent::RUN_INPUT_CHARS_MAX as INPUT_CHARS_MAX;

/// The list.
#[derive(Clone, Debug, Template)]
#[template(path = "flows.html")]
pub struct Flows {
    /// By kind and name.
    pub rows: Vec<FlowRow>,
    /// How many more there are.
    pub more: u64,
}

/// One at a glance.
#[derive(Clone, Debug)]
pub struct FlowRow {
    /// What it is.
    pub kind: FlowKind,
    /// What it is called.
    pub name: String,
    /// What it is for; may be empty.
    pub description: String,
    /// How many steps it has.
    pub steps: u64,
    /// Its last run.
    pub last: Option<LastRun>,
}

/// One of them.
#[derive(Clone, Debug, Template)]
#[template(path = "flow.html")]
pub struct Flow {
    /// What it says about itself.
    pub row: FlowRow,
    /// Which version of it.
    pub version: u64,
    /// Its steps, drawn.
    pub picture: Picture,
    /// What it takes: each with its type.
    pub inputs: Vec<(String, String)>,
    /// What the form that runs it begins with.
    pub begin: String,
    /// Whether it is only kept, as it was written.
    pub kept: bool,
    /// Whether something sets it off, where anything may.
    pub enabled: Option<bool>,
    /// The key of the form that runs it.
    pub run_key: Option<String>,
    /// The key of the form that lets it be set off, for whoever may.
    pub enable_key: Option<String>,
    /// Its runs, newest first.
    pub runs: Vec<RunRow>,
    /// Where older ones are.
    pub older: Option<String>,
    /// Where newer ones are.
    pub newer: Option<String>,
}

impl FlowRow {
    fn href(&self) -> String {
        format!("/flows/{}/{}", self.kind.word(), self.name)
    }
}

impl Flow {
    fn is_enabled(&self) -> bool {
        self.enabled == Some(true)
    }
}

impl Page for Flows {
    fn section(&self) -> Section {
        Section::Flows
    }

    fn title(&self, locale: Locale) -> String {
        locale.t("nav-flows").into_owned()
    }
}

impl Page for Flow {
    fn section(&self) -> Section {
        Section::Flows
    }

    fn title(&self, _locale: Locale) -> String {
        self.row.name.clone()
    }

    fn trail(&self, locale: Locale) -> Vec<Crumb> {
        self.section().trail(locale)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{check, sample};

    #[test]
    fn each_kind_says_what_it_is_and_how_it_went() {
        let html = check::page(&sample::flows(&str::to_owned));
        check::contains(&html, "href=\"/flows/saga/trip\"");
        check::contains(&html, "Undoing failed");
        check::contains(&html, "3 steps");
        check::contains(&html, "Never ran");
        check::contains(&check::page(&sample::flows_empty()), "naos workflow create");
    }

    #[test]
    fn one_is_drawn_without_a_status_and_can_be_run() {
        let html = check::page(&sample::flow(&str::to_owned));
        check::contains(&html, "action=\"/flows/instruction/weather-note/run\"");
        check::contains(&html, "{&#34;place&#34;: &#34;&#34;}");
        check::contains(&html, "value=\"disable\"");
        check::contains(&html, "<g class=\"calm\">");
        check::contains(&html, "href=\"/plans/plan_0188\"");
    }

    #[test]
    fn one_that_is_only_kept_says_so() {
        let mut page = sample::flow(&str::to_owned);
        page.kept = true;
        page.run_key = None;
        let html = check::page(&page);
        check::contains(&html, "only kept");
        assert!(!html.contains("/run\""), "{html}");
    }
}
