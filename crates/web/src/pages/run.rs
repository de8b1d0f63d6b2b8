//! One run: its input and output, its steps, and every call it made to the outside.

use askama::Template;

use super::excerpt::Excerpt;
use super::filters;
use super::frame::{Crumb, Page, Section};
use super::render::Part;
use super::runs::RunRow;
use super::topic::Topic;
use super::what_if::WhatIf;
use super::words::{CallStatus, LogLevel, StepStatus, Tier, World};
use crate::locale::Locale;

/// One run of an agent.
#[derive(Clone, Debug, Template)]
#[template(path = "run.html")]
pub struct Run {
    /// The figures that change while it runs.
    pub head: RunHead,
    /// What it was given.
    pub input: Excerpt,
    /// Its steps, in order.
    pub steps: Vec<Step>,
    /// What it logged.
    pub log: RunLog,
    /// What would have been.
    pub what_if: WhatIf,
    /// The key of the form that cancels it; nothing where it is over or the reader may not.
    pub cancel_key: Option<String>,
    /// The key of the form that says something to whoever is at work in it; nothing where nobody
    /// would hear it.
    pub note_key: Option<String>,
}

/// How a run stands, with its output.
#[derive(Clone, Debug, Template)]
#[template(path = "run_head.html")]
pub struct RunHead {
    /// The same figures as in the list.
    pub row: RunRow,
    /// What it made, once it has.
    pub output: Option<Excerpt>,
    /// What went wrong, in one sentence.
    pub error: Option<Problem>,
    /// How much computation it used.
    pub fuel: u64,
    /// The task it belongs to, and where that is shown.
    pub task: Option<(String, String)>,
    /// The approval it waits for.
    pub approval: Option<String>,
    /// Why it waits for its agent, and what ends that, in a sentence.
    pub waits: Option<String>,
    /// The agent from whose work it has what must not leave the country.
    pub stays_from: Option<String>,
}

/// The newest lines of what a run logged.
#[derive(Clone, Debug, Default, Template)]
#[template(path = "run_log.html")]
pub struct RunLog {
    /// How many lines come before those.
    pub earlier: u64,
    /// In order.
    pub lines: Vec<LogLine>,
    /// How many came after those and weren't kept.
    pub left_out: u64,
}

/// One line of a run's log.
#[derive(Clone, Debug)]
pub struct LogLine {
    /// When it was written, UTC milliseconds.
    pub at_ms: i64,
    /// How loud.
    pub level: LogLevel,
    /// What it says.
    pub text: String,
    /// How many bytes of it weren't kept.
    pub cut: u64,
}

/// An error as a person is told it.
#[derive(Clone, Debug)]
pub struct Problem {
    /// The code that `naos explain` explains.
    pub code: String,
    /// What happened.
    pub sentence: String,
    /// What to do about it; may be empty.
    pub advice: String,
}

/// One step of a run.
#[derive(Clone, Debug, Template)]
#[template(path = "run_step.html")]
pub struct Step {
    /// Its number in the run, from 1.
    pub number: u64,
    /// What it is called.
    pub name: String,
    /// How it stands.
    pub status: StepStatus,
    /// What answered.
    pub tier: Option<Tier>,
    /// How long it took.
    pub duration_ms: Option<u64>,
    /// What it cost, millionths.
    pub cost_micros: i64,
    /// How much computation it used.
    pub fuel: u64,
    /// How often it was begun.
    pub attempts: u64,
    /// What it was given.
    pub input: Excerpt,
    /// What it made.
    pub output: Option<Excerpt>,
    /// What went wrong.
    pub error: Option<Problem>,
    /// Its calls to the outside, in order.
    pub calls: Vec<Call>,
    /// How many there are beyond these.
    pub calls_left: u64,
}

/// One gated call: journaled before it is made, and its outcome before the agent sees it.
#[derive(Clone, Debug)]
pub struct Call {
    /// The ability: `http`.
    pub ability: String,
    /// What it reaches: `POST https://…`.
    pub target: String,
    /// What happens when it is repeated.
    pub world: World,
    /// How it ended.
    pub status: CallStatus,
    /// How long it took.
    pub duration_ms: Option<u64>,
    /// What it cost, millionths.
    pub cost_micros: i64,
    /// Whether what was asked wasn't come to: there is more to say about it.
    pub unread: bool,
}

impl Page for Run {
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
        Some(Topic::Run(self.head.row.id.clone()))
    }
}

impl Step {
    /// How many calls it made, those that aren't shown too.
    fn calls_count(&self) -> u64 {
        self.calls.len() as u64 + self.calls_left
    }

    /// What went wrong or is not over is worth seeing without a click.
    fn is_open(&self) -> bool {
        matches!(
            self.status,
            StepStatus::Running | StepStatus::Failed | StepStatus::Held
        )
    }
}

impl Part for RunHead {
    fn id(&self) -> String {
        "run-head".to_owned()
    }
}

impl Part for RunLog {
    fn id(&self) -> String {
        "run-log".to_owned()
    }
}

impl Part for Step {
    fn id(&self) -> String {
        format!("step-{}", self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{check, sample};
    use super::*;

    #[test]
    fn steps_show_what_went_in_and_out_and_what_they_called() {
        let html = check::page(&sample::run(&str::to_owned));
        check::contains(&html, "<details id=\"step-1\"");
        check::contains(&html, "<details id=\"step-3\" class=\"step bad\" open");
        check::contains(&html, "POST https://hooks.riake.mg/report");
        check::contains(&html, "1,840,000");
        check::contains(&html, "N0142");
        check::contains(&html, "action=\"/runs/run_0192/cancel\"");
    }

    #[test]
    fn lines_of_log_say_how_loud_they_are_and_what_is_missing() {
        let html = check::page(&sample::run(&str::to_owned));
        check::contains(&html, "<li class=\"warn\">");
        check::contains(&html, "<code>mails/0031.eml has no date</code>");
        check::contains(&html, "12 earlier lines");
        check::contains(&html, "1,204 bytes were left out");
        check::contains(&html, "3 lines were left out");
        let html = check::page(&sample::run_empty());
        check::contains(&html, "Nothing logged yet");
    }

    #[test]
    fn a_run_that_is_over_cannot_be_cancelled() {
        let page = Run {
            cancel_key: None,
            ..sample::run(&str::to_owned)
        };
        assert!(!check::page(&page).contains("/cancel\""));
    }

    #[test]
    fn whoever_is_at_work_can_be_told_something() {
        let mut page = sample::run(&str::to_owned);
        check::contains(&check::page(&page), "action=\"/runs/run_0192/notes\"");
        page.note_key = None;
        assert!(!check::page(&page).contains("/notes\""));
    }

    #[test]
    fn a_run_that_has_not_begun_has_no_steps() {
        check::contains(&check::page(&sample::run_empty()), "No step yet");
    }

    #[test]
    fn a_cut_text_says_how_long_the_whole_is() {
        let mut page = sample::run(&str::to_owned);
        page.input = Excerpt::new(&"x".repeat(20_000));
        check::contains(&check::page(&page), "of 20,000 bytes");
    }
}
