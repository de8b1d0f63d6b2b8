//! The schedules: when each happens next, and what became of the last time.

use askama::Template;

use super::filters;
use super::frame::{Page, Section};
use super::topic::Topic;
use super::words::ScheduleState;
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
#[derive(Clone, Debug)]
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

impl ScheduleRow {
    fn waits(&self) -> bool {
        matches!(self.state, ScheduleState::Active | ScheduleState::Waiting)
    }

    fn is_paused(&self) -> bool {
        self.state == ScheduleState::Paused
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
    fn without_schedules_it_says_how_to_make_one() {
        check::contains(&check::page(&sample::schedules_empty()), "naos apply");
    }
}
