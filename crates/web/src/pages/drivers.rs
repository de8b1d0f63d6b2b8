//! Drivers: who answers which events, how they do, and which of them rest; and one of them with its
//! manifest.

use askama::Template;

use super::filters;
use super::frame::{Crumb, Page, Section};
use super::render::Part;
use super::words::{Breaker, DriverState};
use crate::locale::Locale;

/// The list.
#[derive(Clone, Debug, Template)]
#[template(path = "drivers.html")]
pub struct Drivers {
    /// By name.
    pub drivers: Vec<DriverRow>,
}

/// One driver at a glance.
#[derive(Clone, Debug, Template)]
#[template(path = "driver_row.html")]
pub struct DriverRow {
    /// What it is called.
    pub name: String,
    /// Where it stands.
    pub state: DriverState,
    /// What it connects: `tool`, `io` and the like.
    pub kind: &'static str,
    /// The agent that does its work; none where none does.
    pub agent: Option<String>,
    /// What naos itself does, where it is built in.
    pub builtin: Option<&'static str>,
    /// Where it is asked, where it isn't an agent.
    pub endpoint: Option<String>,
    /// The types of events that it answers.
    pub answers: Vec<String>,
    /// How many events it has.
    pub open: u64,
    /// How many it may have.
    pub open_max: u64,
    /// How many wait for it.
    pub waiting: u64,
    /// How many it is given at most, and in how long, in milliseconds.
    pub rate: Option<(u64, u64)>,
    /// How many of its last answers were none, in percent.
    pub error_percent: Option<u64>,
    /// Its last answers, the newest one last: whether it was one, and how long it took.
    pub last: Vec<(bool, u64)>,
    /// Until when it rests, UTC milliseconds.
    pub resting_ms: Option<i64>,
    /// Why it failed the last time.
    pub problem: Option<String>,
    /// Whether it is given any events.
    pub enabled: bool,
    /// The key of its forms; none for who may not use them.
    pub key: Option<String>,
}

/// One driver.
#[derive(Clone, Debug, Template)]
#[template(path = "driver.html")]
pub struct Driver {
    /// How it does.
    pub row: DriverRow,
    /// Which version of it.
    pub version: u64,
    /// Whether it is given events.
    pub breaker: Breaker,
    /// How often it failed in a row, up to now.
    pub in_a_row: u64,
    /// After how many of those it rests.
    pub failures_max: u64,
    /// How long it rests the first time, in milliseconds.
    pub pause_ms: u64,
    /// How many events it answered.
    pub answered: u64,
    /// How many it failed at.
    pub failed: u64,
    /// When it failed the last time, UTC milliseconds.
    pub failed_ms: Option<i64>,
    /// How long it may take, where it isn't an agent, in milliseconds.
    pub timeout_ms: Option<u64>,
    /// How often it is asked for the same, where it isn't an agent.
    pub attempts: Option<u64>,
    /// Its last answers, newest first.
    pub answers: Vec<Answer>,
    /// Its document, as it was written.
    pub manifest: String,
}

/// One answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// When it came, UTC milliseconds.
    pub time_ms: i64,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// Whether it was one.
    pub well: bool,
}

/// The last answers as a drawing: the higher, the longer.
struct Bar {
    x: usize,
    y: u64,
    height: u64,
    well: bool,
    took_ms: u64,
}

/// The drawing's height in its own units.
const HEIGHT: u64 = 24;

impl DriverRow {
    fn bars(&self) -> Vec<Bar> {
        let longest = self.last.iter().map(|(_, took)| *took).max().unwrap_or(0);
        let last = self.last.iter().enumerate();
        last.map(|(at, (well, took))| {
            let share = u128::from(*took) * u128::from(HEIGHT) / u128::from(longest.max(1));
            let height = u64::try_from(share).unwrap_or(HEIGHT).clamp(4, HEIGHT);
            Bar {
                x: at * 6,
                y: HEIGHT - height,
                height,
                well: *well,
                took_ms: *took,
            }
        })
        .collect()
    }

    fn rests(&self) -> bool {
        self.resting_ms.is_some()
    }
}

impl Part for DriverRow {
    fn id(&self) -> String {
        format!("driver-{}", self.name)
    }
}

impl Page for Driver {
    fn section(&self) -> Section {
        Section::Drivers
    }

    fn title(&self, _locale: Locale) -> String {
        self.row.name.clone()
    }

    fn trail(&self, locale: Locale) -> Vec<Crumb> {
        self.section().trail(locale)
    }
}

impl Page for Drivers {
    fn section(&self) -> Section {
        Section::Drivers
    }

    fn title(&self, locale: Locale) -> String {
        locale.t("nav-drivers").into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{check, sample};

    #[test]
    fn a_driver_that_rests_says_so_and_can_be_woken() {
        let html = check::page(&sample::drivers(&str::to_owned));
        check::contains(&html, "id=\"driver-weather\"");
        check::contains(&html, "weather.get");
        check::contains(&html, "Resting");
        check::contains(&html, "value=\"reset\"");
        check::contains(&html, "25 % of the last answers failed");
        check::contains(&html, "60 in 1 min 00 s");
        assert_eq!(html.matches("value=\"reset\"").count(), 1);
        check::contains(&html, "href=\"/drivers/weather\"");
        check::contains(&check::page(&sample::drivers_empty()), "naos apply");
    }

    #[test]
    fn one_shows_its_breaker_and_its_manifest() {
        let html = check::page(&sample::driver(&str::to_owned));
        for said in [
            "id=\"driver-weather\"",
            "href=\"/drivers\"",
            "Open: it rests",
            "5, rests at 5",
            "weather.get",
            "value=\"disable\"",
            "api_version",
        ] {
            check::contains(&html, said);
        }
    }
}
