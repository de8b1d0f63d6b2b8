//! One agent: what it is, what it may do, what it did.

use askama::Template;

use super::agents::AgentRow;
use super::filters;
use super::frame::{Crumb, Page, Section};
use super::runs::RunRow;
use super::topic::Topic;
use crate::locale::Locale;

/// What the form takes as input.
pub const RUN_INPUT_CHARS_MAX: usize = 65_536;

/// One agent.
#[derive(Clone, Debug, Template)]
#[template(path = "agent.html")]
pub struct Agent {
    /// The figures.
    pub row: AgentRow,
    /// What it is for; may be empty.
    pub description: String,
    /// The digest of its component.
    pub digest: String,
    /// When it was made, UTC milliseconds.
    pub created_ms: i64,
    /// What it may reach; what isn't here is denied.
    pub abilities: Vec<Ability>,
    /// What bounds it where it works with models.
    pub bounds: Option<Bounds>,
    /// Its latest runs.
    pub runs: Vec<RunRow>,
    /// The key of the form that runs it; nothing where the reader may not.
    pub run_key: Option<String>,
}

/// What bounds an agent that works with models.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// Those that it names; none is whichever can what it wants.
    pub models: Vec<String>,
    /// Whether what they are asked stays in the country.
    pub stays: bool,
    /// Whether it may ask some whose price nobody knows.
    pub is_unpriced: bool,
    /// The most that a run may cost, millionths; none where budgets alone bound it.
    pub run_micros_max: Option<i64>,
}

/// Something an agent is granted.
#[derive(Clone, Debug)]
pub struct Ability {
    /// The ability: `http`.
    pub name: String,
    /// How far it goes: the hosts, the folders; may be empty.
    pub scope: String,
}

impl Page for Agent {
    fn section(&self) -> Section {
        Section::Agents
    }

    fn title(&self, _locale: Locale) -> String {
        self.row.name.clone()
    }

    fn trail(&self, locale: Locale) -> Vec<Crumb> {
        self.section().trail(locale)
    }

    fn topic(&self) -> Option<Topic> {
        Some(Topic::Agent(self.row.name.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{check, sample};
    use super::*;

    #[test]
    fn grants_runs_and_form_are_there() {
        let html = check::page(&sample::agent(&str::to_owned));
        check::contains(&html, "api.meteo.mg");
        check::contains(&html, "action=\"/agents/researcher/run\"");
        check::contains(&html, "name=\"idempotency_key\" value=\"key-run\"");
        check::contains(&html, "href=\"/runs/run_0192\"");
    }

    #[test]
    fn what_bounds_one_that_works_with_models_is_there() {
        let mut page = sample::agent(&str::to_owned);
        let html = check::page(&page);
        check::contains(&html, "stays in the country");
        check::contains(&html, "No budget holds");
        check::contains(&html, "$0.50");
        if let Some(bounds) = &mut page.bounds {
            (bounds.stays, bounds.is_unpriced) = (false, false);
            bounds.models.clear();
        }
        let html = check::page(&page);
        check::contains(&html, "may leave the country");
        check::contains(&html, "whichever can do what it wants");
        assert!(!html.contains("No budget holds"));
    }

    #[test]
    fn who_may_not_run_it_sees_no_form() {
        let page = Agent {
            run_key: None,
            ..sample::agent(&str::to_owned)
        };
        assert!(!check::page(&page).contains("/run\""));
    }
}
