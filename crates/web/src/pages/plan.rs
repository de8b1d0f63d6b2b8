//! One run of a plan: its steps, what each waits for, and the items of a fan-out.

use askama::Template;

use super::excerpt::Excerpt;
use super::filters;
use super::frame::{Crumb, Page, Section};
use super::picture::Picture;
use super::render::Part;
use super::run::{Problem, RunHead};
use super::topic::Topic;
use super::turns::Turns;
use super::words::{StepStatus, Tier};
use crate::locale::Locale;

/// How many items of a fan-out are listed; [`FanOut::total`] tells of the rest.
pub const FAN_OUT_ITEMS_MAX: usize = 50;

/// One run of a plan.
#[derive(Clone, Debug, Template)]
#[template(path = "plan.html")]
pub struct Plan {
    /// How it stands.
    pub head: RunHead,
    /// What it was given.
    pub input: Excerpt,
    /// What people may do about it.
    pub moves: Moves,
    /// Its steps, drawn.
    pub picture: Picture,
    /// Its steps, in order.
    pub steps: Vec<PlanStep>,
    /// What can be done about it while it is under way.
    pub turns: Option<Turns>,
    /// The key of the form that cancels it; nothing where it is over or the reader may not.
    pub cancel_key: Option<String>,
}

/// What people may do about a run that failed.
#[derive(Clone, Debug, Default, Template)]
#[template(path = "plan_moves.html")]
pub struct Moves {
    /// Of which run.
    pub id: String,
    /// The key of the form; none where there is nothing to do.
    pub key: Option<String>,
    /// The step that could not be undone, while that waits for a person; else the run can go on.
    pub not_undone: Option<String>,
}

/// One step of a plan.
#[derive(Clone, Debug, Template)]
#[template(path = "plan_step.html")]
pub struct PlanStep {
    /// Its number in the plan, from 1.
    pub number: u64,
    /// What it is called.
    pub name: String,
    /// How it stands.
    pub status: StepStatus,
    /// Who does it.
    pub agent: Option<String>,
    /// What answered.
    pub tier: Option<Tier>,
    /// The steps that come before it and aren't done.
    pub waits_for: Vec<String>,
    /// The approval it waits for.
    pub approval: Option<String>,
    /// How often it was begun.
    pub attempts: u64,
    /// How long it took.
    pub duration_ms: Option<u64>,
    /// What it cost, millionths.
    pub cost_micros: i64,
    /// The run behind it.
    pub run: Option<String>,
    /// The run of a plan behind it.
    pub within: Option<String>,
    /// Its items, where it does the same for each.
    pub fan_out: Option<FanOut>,
    /// The run that did it before under the same key.
    pub kept: Option<String>,
    /// What it was given.
    pub input: Option<Excerpt>,
    /// What it made.
    pub output: Option<Excerpt>,
    /// What went wrong.
    pub error: Option<Problem>,
    /// Why it waits for its agent, and what ends that, in a sentence.
    pub waits: Option<String>,
}

/// The items of a step that does the same for each, some at a time.
#[derive(Clone, Debug)]
pub struct FanOut {
    /// How many there are.
    pub total: u64,
    /// How many are done.
    pub done: u64,
    /// How many failed for good.
    pub failed: u64,
    /// How many may be at work at once.
    pub window: u64,
    /// The items around the window, at most [`FAN_OUT_ITEMS_MAX`].
    pub items: Vec<Item>,
}

/// One item of a fan-out.
#[derive(Clone, Debug)]
pub struct Item {
    /// What it is about.
    pub name: String,
    /// How it stands.
    pub status: StepStatus,
    /// The run behind it.
    pub run: Option<String>,
    /// The run of a plan behind it.
    pub within: Option<String>,
}

impl PlanStep {
    fn is_done(&self) -> bool {
        self.status == StepStatus::Completed
    }
}

impl FanOut {
    fn whole(&self) -> u64 {
        self.total.max(1)
    }

    fn part(&self) -> u64 {
        self.done.min(self.whole())
    }

    fn hidden(&self) -> u64 {
        self.total.saturating_sub(self.items.len() as u64)
    }
}

impl Page for Plan {
    fn section(&self) -> Section {
        Section::Runs
    }

    fn title(&self, _locale: Locale) -> String {
        self.head.row.name.clone()
    }

    fn trail(&self, locale: Locale) -> Vec<Crumb> {
        self.section().trail(locale)
    }

    fn topic(&self) -> Option<Topic> {
        Some(Topic::Plan(self.head.row.id.clone()))
    }
}

impl Part for Moves {
    fn id(&self) -> String {
        "plan-moves".to_owned()
    }
}

impl Part for PlanStep {
    fn id(&self) -> String {
        format!("plan-step-{}", self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{check, sample};

    #[test]
    fn steps_say_what_they_wait_for_and_how_far_a_fan_out_is() {
        let html = check::page(&sample::plan(&str::to_owned));
        check::contains(&html, "5 of 8 done");
        check::contains(&html, "<span>one failed</span>");
        check::contains(&html, "3 at a time");
        check::contains(&html, "Waits for review, approve");
        check::contains(&html, "href=\"/approvals/apr_7\"");
        check::contains(&html, "<progress class=\"on\" max=\"8\" value=\"5\"");
    }

    #[test]
    fn a_step_shows_what_it_was_given_and_who_did_it_before() {
        let mut page = sample::plan(&str::to_owned);
        page.steps[0].kept = Some("plan_6".into());
        let html = check::page(&page);
        check::contains(&html, "id=\"plan-in-1\"");
        check::contains(&html, "Everything of this week");
        check::contains(&html, "<a href=\"/plans/plan_6\">");
    }

    #[test]
    fn a_step_that_is_a_plan_leads_to_the_run_within() {
        let mut page = sample::plan(&str::to_owned);
        page.steps[0].run = None;
        page.steps[0].within = Some("plan_7".into());
        let html = check::page(&page);
        check::contains(&html, "<a href=\"/plans/plan_7\">");
    }

    #[test]
    fn what_could_not_be_undone_waits_for_a_decision() {
        let mut page = sample::plan(&str::to_owned);
        assert!(!check::page(&page).contains("class=\"moves\""));
        page.moves.key = Some("key-moves".into());
        let html = check::page(&page);
        check::contains(&html, "action=\"/plans/run_0188\"");
        check::contains(&html, "value=\"resume\"");
        assert!(!html.contains("value=\"undone\""));
        page.moves.not_undone = Some("pay".into());
        let html = check::page(&page);
        check::contains(&html, "pay could not be undone.");
        for verb in ["undone", "retry", "reset"] {
            check::contains(&html, &format!("value=\"{verb}\""));
        }
    }

    #[test]
    fn a_plan_that_has_not_begun_is_empty_and_says_so() {
        check::contains(&check::page(&sample::plan_empty()), "No step yet");
    }
}
