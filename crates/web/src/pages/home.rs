//! The feed: what waits for you, the figures of the day, what just happened.

use askama::Template;

use super::approvals::{ApprovalRow, StuckRow};
use super::facts;
use super::filters;
use super::frame::{Page, Section};
use super::render::Part;
use super::topic::Topic;
use super::words::{ActorKind, Tier};
use crate::locale::Locale;

/// How many rows the first page shows; the script keeps twice as many.
pub const FEED_ROWS_MAX: usize = 30;

/// The first page.
#[derive(Clone, Debug, Template)]
#[template(path = "home.html")]
pub struct Home {
    /// What waits for a person.
    pub waiting: Waiting,
    /// The figures of the day.
    pub counters: Counters,
    /// Who is at work now.
    pub working: Working,
    /// What happened, newest first, at most [`FEED_ROWS_MAX`].
    pub feed: Vec<FeedRow>,
    /// Where earlier rows are.
    pub older: Option<String>,
}

/// What waits for a person, oldest first.
#[derive(Clone, Debug, Template)]
#[template(path = "home_waiting.html")]
pub struct Waiting {
    /// The approvals.
    pub approvals: Vec<ApprovalRow>,
    /// What goes on by a person only, and asks nobody.
    pub stuck: Vec<StuckRow>,
}

/// The figures of the day.
#[derive(Clone, Debug, Default, Template)]
#[template(path = "home_counters.html")]
pub struct Counters {
    /// Agents at work now.
    pub agents_running: u64,
    /// Agents in all.
    pub agents: u64,
    /// Tasks that are not closed.
    pub tasks_open: u64,
    /// Runs begun today.
    pub runs_today: u64,
    /// Runs that failed today.
    pub failed_today: u64,
    /// Spent today, millionths.
    pub spent_micros: i64,
    /// What a model would have cost for what rules and code answered today, millionths; none where
    /// no model has a price.
    pub avoided_micros: Option<i64>,
}

/// Who is at work now.
#[derive(Clone, Debug, Template)]
#[template(path = "home_working.html")]
pub struct Working {
    /// One for each run at work.
    pub now: Vec<Doing>,
}

/// An agent and what it does now.
#[derive(Clone, Debug)]
pub struct Doing {
    /// The agent's name.
    pub agent: String,
    /// The run's id.
    pub run: String,
    /// The step or the task it works on.
    pub step: String,
    /// Since when, UTC milliseconds.
    pub since_ms: i64,
    /// What answers, once that is known.
    pub tier: Option<Tier>,
    /// What its model says right now.
    pub saying: Saying,
}

/// The last words of what a model writes in a run, while it writes them.
#[derive(Clone, Debug, Template)]
#[template(path = "home_saying.html")]
pub struct Saying {
    /// The run's id.
    pub run: String,
    /// The words; none where it writes nothing.
    pub words: Option<String>,
}

/// Something that happened.
#[derive(Clone, Debug, Template)]
#[template(path = "feed_row.html")]
pub struct FeedRow {
    /// Its place in the journal.
    pub seq: u64,
    /// When, UTC milliseconds.
    pub time_ms: i64,
    /// The kind of fact: `run.completed`.
    pub kind: String,
    /// What it happened to, as people call it.
    pub subject: String,
    /// Where one sees more of it.
    pub href: Option<String>,
    /// Who did it.
    pub actor: String,
    /// What they are.
    pub actor_kind: ActorKind,
    /// One line more; may be empty.
    pub detail: String,
    /// What answered, for runs and steps.
    pub tier: Option<Tier>,
    /// What it cost, millionths.
    pub cost_micros: Option<i64>,
}

impl FeedRow {
    fn tone_class(&self) -> &'static str {
        facts::tone(&self.kind, &self.detail).class()
    }

    fn shown_as(&self) -> &str {
        facts::shown_as(&self.kind, &self.detail)
    }
}

impl Page for Home {
    fn section(&self) -> Section {
        Section::Home
    }

    fn title(&self, locale: Locale) -> String {
        locale.t("nav-feed").into_owned()
    }

    fn topic(&self) -> Option<Topic> {
        Some(Topic::Home)
    }
}

impl Part for Waiting {
    fn id(&self) -> String {
        "waiting".to_owned()
    }
}

impl Part for Counters {
    fn id(&self) -> String {
        "counters".to_owned()
    }
}

impl Part for Working {
    fn id(&self) -> String {
        "working".to_owned()
    }
}

impl Part for Saying {
    fn id(&self) -> String {
        format!("saying-{}", self.run)
    }
}

impl Part for FeedRow {
    fn id(&self) -> String {
        format!("fact-{}", self.seq)
    }
}

#[cfg(test)]
mod tests {
    use super::super::frame::render;
    use super::super::{check, sample};
    use crate::locale::Locale;

    #[test]
    fn a_full_day() {
        let html = check::page(&sample::home(&str::to_owned));
        check::contains(&html, "id=\"waiting\"");
        check::contains(&html, "naos saga resolve plan_9 --step 1");
        check::contains(&html, "Run completed");
        check::contains(&html, "href=\"/runs/run_0192\"");
        check::contains(&html, "3 min. ago");
        check::contains(&html, "id=\"saying-run_0195\"");
        check::contains(&html, "… the sum of July isn&#39;t that of the mails");
        check::contains(&html, "<time datetime=\"2026-10-09T14:00:00Z\"");
    }

    #[test]
    fn a_first_day_says_what_to_do() {
        let html = check::page(&sample::home_empty());
        check::contains(&html, "Nothing waits for you");
        check::contains(&html, "naos run");
    }

    #[test]
    fn how_it_ended_is_said_in_the_language_of_the_page() {
        let french = Locale::all().find(|locale| locale.code() == "fr").unwrap();
        let shell = sample::shell(&str::to_owned);
        let mut page = sample::home(&str::to_owned);
        for (kind, detail, expected) in [
            ("plan.completed", "completed", "Terminé"),
            ("task.closed", "done", "Terminé"),
            ("task.moved", "squad_review", "Relecture"),
            ("run.failed", "done", "done"), // somebody's own words
            ("plan.failed", "what", "what"),
        ] {
            page.feed[0].kind = kind.to_owned();
            page.feed[0].detail = detail.to_owned();
            let html = render(&shell, french, &page).unwrap();
            check::contains(&html, &format!("<p class=\"detail\">{expected}</p>"));
        }
    }

    #[test]
    fn what_failed_is_no_success() {
        let mut page = sample::home(&str::to_owned);
        for (kind, detail, class, label) in [
            ("plan.completed", "completed", "good", "Plan completed"),
            ("plan.completed", "partial", "warn", "Plan completed"),
            ("plan.completed", "failed", "bad", "Plan failed"),
            ("plan.completed", "rolled_back", "warn", "Plan failed"),
            (
                "plan.completed",
                "compensation_failed",
                "bad",
                "Plan failed",
            ),
            ("plan.completed", "cancelled", "calm", "Plan cancelled"),
            ("task.closed", "done", "good", "Task done"),
            ("task.closed", "failed", "bad", "Task failed"),
            ("task.closed", "cancelled", "calm", "Task cancelled"),
            ("run.completed", "failed", "good", "Run completed"), // somebody's own words
        ] {
            page.feed[0].kind = kind.to_owned();
            page.feed[0].detail = detail.to_owned();
            let html = check::page(&page);
            let id = format!("fact-{}", page.feed[0].seq);
            let expected = format!("<li id=\"{id}\" class=\"{class}\"><p><b>{label}</b>");
            check::contains(&html, &expected);
        }
    }

    #[test]
    fn an_unknown_kind_is_shown_by_its_name() {
        let mut page = sample::home(&str::to_owned);
        page.feed[0].kind = "comet.seen".to_owned();
        check::contains(&check::page(&page), "comet.seen");
    }
}
