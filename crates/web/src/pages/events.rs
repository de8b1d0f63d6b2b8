//! The bus: what was published, who listens, and what was put aside.

use askama::Template;

use super::excerpt::Excerpt;
use super::filters;
use super::frame::{Crumb, Page, Section};
use super::run::Problem;
use crate::locale::Locale;

/// The event browser.
#[derive(Clone, Debug, Template)]
#[template(path = "events.html")]
pub struct Events {
    /// At most [`super::PAGE_ROWS_MAX`], newest first.
    pub rows: Vec<EventRow>,
    /// The chosen types; empty for all.
    pub topic: String,
    /// The chosen source.
    pub source: String,
    /// The chosen category; empty for all.
    pub category: String,
    /// The chosen conversation.
    pub correlation: String,
    /// How many were published.
    pub published: u64,
    /// How many of them nobody listened to.
    pub orphans: u64,
    /// Who listens.
    pub consumers: Vec<ConsumerRow>,
    /// What was put aside.
    pub dead: Vec<DeadRow>,
    /// The entries of the journal that were looked at, where there may be more before them.
    pub looked: Option<(u64, u64)>,
    /// Where newer rows are.
    pub newer: Option<String>,
    /// Where older rows are.
    pub older: Option<String>,
}

/// One event.
#[derive(Clone, Debug)]
pub struct EventRow {
    /// Its id.
    pub event: String,
    /// Its place in the journal.
    pub seq: u64,
    /// When, UTC milliseconds.
    pub time_ms: i64,
    /// Its type.
    pub topic: String,
    /// Where it comes from, or who published it.
    pub source: String,
    /// The conversation that it belongs to.
    pub correlation: String,
    /// The beginning of its data.
    pub data: String,
    /// Whether that was erased.
    pub gone: bool,
    /// Whether anybody listened.
    pub heard: bool,
}

/// Who listens.
#[derive(Clone, Debug)]
pub struct ConsumerRow {
    /// What it is called.
    pub name: String,
    /// To which types.
    pub on: String,
    /// What an event starts; empty for one that takes events.
    pub starts: String,
    /// Where events are delivered; empty where they aren't.
    pub sends_to: String,
    /// The key of the sentence that says why they aren't by now.
    pub paused: Option<&'static str>,
    /// What their receiver said last, where it didn't take one.
    pub said: Option<String>,
    /// For the form that lets them be delivered, or no more; none for who may not.
    pub key: Option<String>,
    /// How many events are with it or wait to start something.
    pub in_flight: u64,
    /// How many it is done with.
    pub done: u64,
}

/// One event with all that it says, and what became of it.
#[derive(Clone, Debug, Template)]
#[template(path = "event.html")]
pub struct Event {
    /// Its id.
    pub id: String,
    /// Its place in the journal.
    pub seq: u64,
    /// When, UTC milliseconds.
    pub time_ms: i64,
    /// Its type.
    pub topic: String,
    /// Where it stands between outside and inside.
    pub category: &'static str,
    /// Where it comes from, as it says.
    pub source: Option<String>,
    /// Who published it.
    pub by: String,
    /// The conversation that it belongs to.
    pub correlation: String,
    /// What caused it, and where that is shown.
    pub causation: Option<Linked>,
    /// What its data is, where it isn't JSON.
    pub content: Option<String>,
    /// Whether anybody listened.
    pub heard: bool,
    /// Whether its data was erased.
    pub gone: bool,
    /// Its data.
    pub data: Excerpt,
    /// What else it says about itself.
    pub about: Option<Excerpt>,
    /// Who got it, and what it set off.
    pub got: Vec<GotRow>,
    /// For whom it is put aside.
    pub dead: Vec<DeadRow>,
}

/// Something that may have a page.
#[derive(Clone, Debug)]
pub struct Linked {
    /// What it is called.
    pub text: String,
    /// Its page.
    pub href: Option<String>,
}

/// One who got an event.
#[derive(Clone, Debug)]
pub struct GotRow {
    /// What it is called.
    pub consumer: String,
    /// The key of the sentence that says what became of it there.
    pub what: &'static str,
    /// What it set off.
    pub began: Option<Linked>,
}

/// What was put aside.
#[derive(Clone, Debug)]
pub struct DeadRow {
    /// Whose.
    pub consumer: String,
    /// Which event.
    pub event: String,
    /// Its type; empty where it is there no more.
    pub topic: String,
    /// Its data; none where it is there no more, or on its own page.
    pub data: Option<Excerpt>,
    /// The run that failed at it.
    pub run: Option<String>,
    /// Whether that did something that can't be done twice.
    pub acted: bool,
    /// How often it was given.
    pub attempts: u64,
    /// When it was put aside, UTC milliseconds.
    pub time_ms: i64,
    /// Why.
    pub why: Problem,
    /// The key of its forms; nothing where the reader may not.
    pub form_key: Option<String>,
}

impl Events {
    /// The categories, and the word of the one that is chosen.
    fn categories(&self) -> [(&'static str, bool); 4] {
        ["input", "internal", "output", "external"].map(|word| (word, self.category == word))
    }

    fn is_filtered(&self) -> bool {
        let texts = [&self.topic, &self.source, &self.category, &self.correlation];
        texts.iter().any(|text| !text.is_empty())
    }
}

impl Page for Events {
    fn section(&self) -> Section {
        Section::Events
    }

    fn title(&self, locale: Locale) -> String {
        locale.t("nav-events").into_owned()
    }
}

impl Page for Event {
    fn section(&self) -> Section {
        Section::Events
    }

    fn title(&self, _locale: Locale) -> String {
        self.topic.clone()
    }

    fn trail(&self, locale: Locale) -> Vec<Crumb> {
        self.section().trail(locale)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{check, sample};
    use super::*;

    #[test]
    fn what_was_put_aside_has_its_buttons() {
        let html = check::page(&sample::events(&str::to_owned));
        check::contains(&html, "action=\"/events/dead\"");
        check::contains(&html, "value=\"replay\"");
        check::contains(&html, "mailer was given it 5 times");
        check::contains(&html, "look after who takes them");
        check::contains(&html, "Given 5 times");
        check::contains(&html, "{&#34;total&#34;: 12}");
        check::contains(&html, "href=\"/events/evt_0177\"");
        check::contains(&html, "href=\"/events/evt_4211\"");
        check::contains(&html, "Nobody listened");
        check::contains(&html, "(erased)");
    }

    #[test]
    fn one_event_is_shown_whole_with_what_became_of_it() {
        let html = check::page(&sample::event(&str::to_owned));
        for said in [
            "href=\"/events?correlation=evt_0192\"",
            "href=\"/runs/run_0188\"",
            "href=\"/plans/plan_0191\"",
            "The beginning only, of 40,000 bytes.",
            "value=\"drop\"",
            "it did something that can’t be done twice",
        ] {
            check::contains(&html, said);
        }
    }

    #[test]
    fn the_filter_keeps_what_was_typed() {
        let page = Events {
            topic: "email.*".into(),
            category: "output".into(),
            ..sample::events_empty()
        };
        let html = check::page(&page);
        check::contains(&html, "value=\"email.*\"");
        check::contains(&html, "value=\"output\" selected");
        check::contains(&html, "No event matches");
    }
}
