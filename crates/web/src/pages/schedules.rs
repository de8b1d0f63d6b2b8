//! The schedules: when each happens next, and what became of the last time; and one of them with
//! its last runs.

use askama::Template;

use super::filters;
use super::frame::{Crumb, Page, Section};
use super::home::FeedRow;
use super::render::Part;
use super::runs::RunRow;
use super::topic::Topic;
use super::words::{MissedRuns, Overlap, ScheduleState};
use crate::locale::Locale;

/// The list of schedules.
#[derive(Clone, Debug, Template)]
#[template(path = "schedules.html")]
pub struct Schedules {
    /// One for each, by name.
    pub schedules: Vec<ScheduleRow>,
    /// Where there are more.
    pub more: Option<String>,
}

/// One schedule at a glance.
#[derive(Clone, Debug, Template)]
#[template(path = "schedule_row.html")]
pub struct ScheduleRow {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub state: ScheduleState,
    /// When, as its document says.
    pub when: String,
    /// The zone of its clock; empty where it has none.
    pub zone: String,
    /// What it starts.
    pub starts: String,
    /// What of that isn't there: it waits for it.
    pub waits_for: Option<String>,
    /// The next times, UTC milliseconds.
    pub next_ms: Vec<i64>,
    /// The last time.
    pub last: Option<Last>,
    /// How often it started something.
    pub runs: u64,
    /// How many of its times had no run.
    pub missed: u64,
    /// Why nothing was started the last time.
    pub problem: Option<String>,
    /// The key of its forms; none for who may not use them.
    pub key: Option<String>,
}

/// The last time that something was started.
#[derive(Clone, Debug)]
pub struct Last {
    /// For which time, UTC milliseconds.
    pub time_ms: i64,
    /// Where it is shown.
    pub href: Option<String>,
}

/// One schedule.
#[derive(Clone, Debug, Template)]
#[template(path = "schedule.html")]
pub struct Schedule {
    /// How it stands.
    pub row: ScheduleRow,
    /// What it is for; may be empty.
    pub description: String,
    /// What becomes of times that passed without a run.
    pub missed: MissedRuns,
    /// How many of those have a run, where each has.
    pub catch_up: Option<u64>,
    /// What becomes of a time at which the run before still works.
    pub overlap: Overlap,
    /// How much later it begins at most, in milliseconds.
    pub jitter_ms: u64,
    /// Until when, UTC milliseconds.
    pub until_ms: Option<i64>,
    /// How many times at most.
    pub times_max: Option<u64>,
    /// What it started lately, newest first.
    pub runs: Vec<RunRow>,
    /// What happened to it lately, newest first.
    pub happened: Vec<FeedRow>,
    /// Where the journal says more of it, where it wasn't looked through to its beginning.
    pub happened_more: Option<String>,
}

impl ScheduleRow {
    fn href(&self) -> String {
        format!("/schedules/{}", self.name)
    }

    fn waits(&self) -> bool {
        matches!(self.state, ScheduleState::Active | ScheduleState::Waiting)
    }

    fn is_paused(&self) -> bool {
        self.state == ScheduleState::Paused
    }
}

impl Part for ScheduleRow {
    fn id(&self) -> String {
        format!("schedule-{}", self.name)
    }
}

impl Page for Schedule {
    fn section(&self) -> Section {
        Section::Schedules
    }

    fn title(&self, _locale: Locale) -> String {
        self.row.name.clone()
    }

    fn trail(&self, locale: Locale) -> Vec<Crumb> {
        self.section().trail(locale)
    }
}

impl Page for Schedules {
    fn section(&self) -> Section {
        Section::Schedules
    }

    fn title(&self, locale: Locale) -> String {
        locale.t("nav-schedules").into_owned()
    }

    fn topic(&self) -> Option<Topic> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::{check, sample};

    #[test]
    fn the_next_five_times_are_there() {
        let html = check::page(&sample::schedules(&str::to_owned));
        check::contains(&html, "id=\"schedule-standup\"");
        check::contains(&html, "Indian/Antananarivo");
        assert_eq!(html.matches("class=\"next\"").count(), 1);
        assert!(html.matches("<time").count() >= 6, "five next and one last");
        check::contains(&html, "value=\"pause\"");
        check::contains(&html, "value=\"resume\"");
        check::contains(&html, "there is no agent ghost");
        check::contains(&html, "Waits for agent ghost");
        assert!(!html.contains("rel=\"next\""), "{html}");
        let mut page = sample::schedules(&str::to_owned);
        page.more = Some("/schedules?before=schedule/z".into());
        let html = check::page(&page);
        check::contains(&html, "href=\"/schedules?before=schedule/z\"");
    }

    #[test]
    fn one_says_what_it_started_and_what_becomes_of_missed_times() {
        let html = check::page(&sample::schedule(&str::to_owned));
        for said in [
            "href=\"/plans/run_0188\"",
            "Each has its run; At most 3",
            "Its run begins when the other one has ended",
            "value=\"pause\"",
            "href=\"/schedules\"",
        ] {
            check::contains(&html, said);
        }
        assert_eq!(html.matches("class=\"next\"").count(), 1);
        check::contains(&html, "id=\"fact-");
    }

    #[test]
    fn without_schedules_it_says_how_to_make_one() {
        check::contains(&check::page(&sample::schedules_empty()), "naos apply");
    }
}
