//! What a run thought and did, one call after the other: each can be opened, with what was asked,
//! what it was shown for it and what came back, and stepped to and from without a script.

use askama::Template;

use super::excerpt::Excerpt;
use super::filters;
use super::frame::{Crumb, Page, Section};
use super::words::CallStatus;
use crate::locale::Locale;

/// The calls of one run, one of them open.
#[derive(Clone, Debug, Template)]
#[template(path = "timeline.html")]
pub struct Timeline {
    /// Whose run.
    pub agent: String,
    /// Its id.
    pub run: String,
    /// When the run began, UTC milliseconds.
    pub began_ms: i64,
    /// Some of its calls, in order: the open one and its neighbours.
    pub moments: Vec<Moment>,
    /// Which of all is the first of them, counted from 0.
    pub first: usize,
    /// How many there are in all.
    pub total: usize,
    /// Which is open, counted from 0.
    pub at: usize,
    /// What there is to see of it; nothing where the run made no call.
    pub open: Option<Open>,
}

/// One call.
#[derive(Clone, Debug)]
pub struct Moment {
    /// What kind it is: `model`, `tool`, `http`.
    pub ability: String,
    /// What it is about, in a line.
    pub line: String,
    /// How it ended.
    pub status: CallStatus,
    /// When it was asked, UTC milliseconds.
    pub at_ms: Option<i64>,
    /// How long it took.
    pub took_ms: Option<u64>,
    /// Whether what was asked wasn't come to.
    pub unread: bool,
}

/// The call that is open.
#[derive(Clone, Debug, Default)]
pub struct Open {
    /// Which model was asked.
    pub model: Option<String>,
    /// The documents that it was shown, and whether whole.
    pub shown: Vec<(String, bool)>,
    /// What it wasn't shown, and why.
    pub left_out: Vec<(String, String)>,
    /// What it could call.
    pub tools: Vec<String>,
    /// What was asked.
    pub asked: Option<Excerpt>,
    /// What came back.
    pub said: Option<Excerpt>,
    /// What a model wants to have called, with what.
    pub calls: Vec<(String, Excerpt)>,
    /// Tokens read, of them kept, and written.
    pub tokens: Option<(u64, u64, u64)>,
    /// Behind which fact the look for what was asked goes on; none where it came to its end.
    pub more: Option<u64>,
}

impl Page for Timeline {
    fn section(&self) -> Section {
        Section::Runs
    }

    fn title(&self, locale: Locale) -> String {
        format!("{} · {}", self.agent, locale.t("timeline"))
    }

    fn trail(&self, locale: Locale) -> Vec<Crumb> {
        self.section().trail(locale)
    }
}

impl Timeline {
    /// Which call is open, counted from 1.
    fn number(&self) -> u64 {
        self.at as u64 + 1
    }

    /// How many calls there are.
    fn count(&self) -> u64 {
        self.total as u64
    }

    /// The call that is open.
    fn current(&self) -> Option<&Moment> {
        self.moments.get(self.at.checked_sub(self.first)?)
    }

    /// Where the call before it is.
    fn before(&self) -> Option<usize> {
        self.at.checked_sub(1)
    }

    /// Where the next call is.
    fn after(&self) -> Option<usize> {
        let next = self.at + 1;
        (next < self.total).then_some(next)
    }

    /// The last of the calls before those that are shown.
    fn earlier(&self) -> Option<usize> {
        self.first.checked_sub(1)
    }

    /// The first of the calls behind those that are shown.
    fn later(&self) -> Option<usize> {
        let next = self.first + self.moments.len();
        (next < self.total).then_some(next)
    }

    /// How long after the run began a call was asked.
    fn since(&self, moment: &Moment) -> Option<u64> {
        let at = moment.at_ms?.checked_sub(self.began_ms)?;
        u64::try_from(at).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{check, sample};
    use super::*;

    #[test]
    fn one_call_is_open_and_its_neighbours_are_a_step_away() {
        let html = check::page(&sample::timeline(&str::to_owned));
        check::contains(&html, "aria-current=\"step\"");
        check::contains(&html, "href=\"/runs/run_0192/timeline?at=0\" rel=\"prev\"");
        check::contains(&html, "href=\"/runs/run_0192/timeline?at=2\" rel=\"next\"");
        check::contains(&html, "mails/0031.eml");
        check::contains(&html, "1,204");
    }

    #[test]
    fn the_first_has_none_before_and_the_last_none_after() {
        let page = Timeline {
            at: 0,
            ..sample::timeline(&str::to_owned)
        };
        assert!(!check::page(&page).contains("rel=\"prev\""));
        let page = Timeline {
            at: 2,
            ..sample::timeline(&str::to_owned)
        };
        assert!(!check::page(&page).contains("rel=\"next\""));
    }

    #[test]
    fn what_is_not_shown_is_a_step_away() {
        let mut page = Timeline {
            first: 200,
            total: 900,
            at: 201,
            ..sample::timeline(&str::to_owned)
        };
        page.moments[0].unread = true;
        if let Some(open) = &mut page.open {
            open.more = Some(71);
        }
        let html = check::page(&page);
        for part in [
            "timeline?at=199\">← Earlier calls",
            "timeline?at=203\">Later calls",
            "timeline?at=200\" rel=\"prev\"",
            "timeline?at=201&amp;facts=71\">Look further",
            "not looked up yet",
            "202 / 900",
        ] {
            check::contains(&html, part);
        }
    }

    #[test]
    fn a_run_without_calls_says_so() {
        let page = Timeline {
            moments: Vec::new(),
            total: 0,
            at: 0,
            open: None,
            ..sample::timeline(&str::to_owned)
        };
        check::contains(&check::page(&page), "made no call");
    }
}
