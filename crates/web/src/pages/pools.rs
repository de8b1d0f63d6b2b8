//! Agents that share work: how each pool stands, and one with its batches.

use askama::Template;

use super::filters;
use super::frame::{Crumb, Page, Section};
use super::runs::RunRow;
use super::words::PoolState;
use crate::locale::Locale;

/// How long the tasks may be that a form gives, in all.
pub use super::agent::RUN_INPUT_CHARS_MAX as TASKS_CHARS_MAX;

/// The list.
#[derive(Clone, Debug, Template)]
#[template(path = "pools.html")]
pub struct Pools {
    /// By name.
    pub pools: Vec<PoolRow>,
}

/// One pool at a glance.
#[derive(Clone, Debug, Template)]
#[template(path = "pool_row.html")]
pub struct PoolRow {
    /// What it is called.
    pub name: String,
    /// Where it stands.
    pub state: PoolState,
    /// Who shares the work.
    pub agents: Vec<String>,
    /// How many tasks of a batch are open at once.
    pub size: u64,
    /// Why it has that size, where it scales by itself in steps.
    pub why: Option<String>,
    /// The least size that it may have.
    pub least: u64,
    /// The largest.
    pub most: u64,
    /// Whether the size follows the work.
    pub auto_scale: bool,
    /// Who gets the next task: the word of documents.
    pub strategy: String,
    /// What answers come to: the word of documents.
    pub merge: String,
    /// How many batches are open.
    pub batches: u64,
    /// How many tasks are open.
    pub working: u64,
    /// The key of its forms; none for who may not use them.
    pub key: Option<String>,
}

/// One pool.
#[derive(Clone, Debug, Template)]
#[template(path = "pool.html")]
pub struct Pool {
    /// How it stands.
    pub row: PoolRow,
    /// What it is for; may be empty.
    pub description: String,
    /// The key of the form that gives it work; none where it takes none.
    pub submit_key: Option<String>,
    /// Its batches, newest first.
    pub runs: Vec<RunRow>,
    /// Where older ones are.
    pub older: Option<String>,
    /// Where newer ones are.
    pub newer: Option<String>,
}

impl PoolRow {
    fn href(&self) -> String {
        format!("/pools/{}", self.name)
    }

    fn takes_none(&self) -> bool {
        matches!(self.state, PoolState::Draining | PoolState::Drained)
    }
}

impl super::render::Part for PoolRow {
    fn id(&self) -> String {
        format!("pool-{}", self.name)
    }
}

impl Page for Pools {
    fn section(&self) -> Section {
        Section::Pools
    }

    fn title(&self, locale: Locale) -> String {
        locale.t("nav-pools").into_owned()
    }
}

impl Page for Pool {
    fn section(&self) -> Section {
        Section::Pools
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
    fn a_pool_can_be_scaled_and_drained_from_its_card() {
        let html = check::page(&sample::pools(&str::to_owned));
        check::contains(&html, "id=\"pool-team\"");
        check::contains(&html, "value=\"scale\"");
        check::contains(&html, "value=\"drain\"");
        check::contains(&html, "value=\"start\"");
        check::contains(&html, "round-robin");
        check::contains(&check::page(&sample::pools_empty()), "naos pool create");
    }

    #[test]
    fn a_pool_that_takes_work_has_a_form_for_it() {
        let html = check::page(&sample::pool(&str::to_owned));
        check::contains(&html, "action=\"/pools/team/submit\"");
        check::contains(&html, "href=\"/plans/plan_0188\"");
        let mut page = sample::pool(&str::to_owned);
        page.submit_key = None;
        assert!(!check::page(&page).contains("/submit"));
    }
}
