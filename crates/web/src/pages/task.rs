//! One task of the board: what is planned for it, where it stands, what was said.

use askama::Template;

use super::approval::{Checked, Evidence};
use super::filters;
use super::frame::{Crumb, Page, Section};
use super::topic::Topic;
use super::words::TaskStatus;
use crate::locale::Locale;

/// What the form takes as a message.
pub const MESSAGE_CHARS_MAX: usize = 4_000;

/// One task.
#[derive(Clone, Debug, Template)]
#[template(path = "task.html")]
pub struct Task {
    /// Its id.
    pub id: String,
    /// What it is called.
    pub title: String,
    /// Where it stands.
    pub status: TaskStatus,
    /// Why it is stuck; may be empty.
    pub note: String,
    /// When it was planned, UTC milliseconds.
    pub opened_ms: i64,
    /// What is planned: names of the locale table, and what they say.
    pub planned: Vec<(&'static str, String)>,
    /// The agent from whose work it has what must not leave the country.
    pub stays_from: Option<String>,
    /// When it should be done, UTC milliseconds.
    pub due_ms: Option<i64>,
    /// When the agent looks at it, UTC milliseconds.
    pub begins_ms: Option<i64>,
    /// What is to be done.
    pub brief: String,
    /// The result; may be empty.
    pub output: String,
    /// What its reviewer found last.
    pub evidence: Vec<Evidence>,
    /// What was looked at without a model, the last time.
    pub checks: Vec<Checked>,
    /// What was made of it before it was handed on, in order.
    pub made: Vec<Made>,
    /// The run of its steps.
    pub plan: Option<String>,
    /// Other tasks: what they are to this one, and how one gets there.
    pub links: Vec<(&'static str, String)>,
    /// What was said, in order.
    pub said: Vec<Said>,
    /// The page with what was said before.
    pub older: Option<String>,
    /// The keys of its forms; nothing where it is closed.
    pub keys: Option<Keys>,
    /// Whether it can begin at once.
    pub can_begin: bool,
    /// Whether that goes on with what was blocked or failed.
    pub again: bool,
    /// Whether a person can say that it is done.
    pub can_finish: bool,
    /// Whether it can be cancelled.
    pub can_cancel: bool,
    /// Whether the reader hears of it.
    pub follows: bool,
    /// The key of the button that changes that.
    pub follow_key: String,
}

/// What somebody made of it.
#[derive(Clone, Debug)]
pub struct Made {
    /// Which agent; none where a person rejected it.
    pub by: Option<String>,
    /// What.
    pub text: String,
    /// Whether it is what a reviewer refuted.
    pub refuted: bool,
}

/// One key for each form.
#[derive(Clone, Debug)]
pub struct Keys {
    /// Of the message.
    pub say: String,
    /// Of the hand-over.
    pub hand: String,
    /// Of the buttons.
    pub act: String,
}

/// One message.
#[derive(Clone, Debug)]
pub struct Said {
    /// Who said it.
    pub by: String,
    /// Whether it was an agent.
    pub by_agent: bool,
    /// When, UTC milliseconds.
    pub at_ms: i64,
    /// What.
    pub text: String,
}

impl Page for Task {
    fn section(&self) -> Section {
        Section::Board
    }

    fn title(&self, _locale: Locale) -> String {
        self.title.clone()
    }

    fn trail(&self, locale: Locale) -> Vec<Crumb> {
        self.section().trail(locale)
    }

    fn topic(&self) -> Option<Topic> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::{check, sample};
    use super::*;

    #[test]
    fn what_is_planned_said_and_can_be_done_is_there() {
        let html = check::page(&sample::task(&str::to_owned));
        check::contains(&html, "action=\"/tasks/task_0192/messages\"");
        check::contains(&html, "action=\"/tasks/task_0192/hand-over\"");
        check::contains(&html, "name=\"do\" value=\"begin\"");
        check::contains(&html, "name=\"do\" value=\"cancel\"");
        check::contains(&html, "href=\"/plans/plan_0192\"");
        check::contains(&html, "@growth, which prices");
    }

    #[test]
    fn the_last_word_of_its_reviewer_is_there() {
        let page = sample::task(&str::to_owned);
        let html = check::page(&page);
        check::contains(&html, "id=\"review-h\"");
        for finding in &page.evidence {
            check::contains(&html, &finding.reviewer);
            check::contains(&html, &finding.reason);
        }
        check::contains(&html, "id=\"checks-h\"");
        check::contains(&html, "bytes is 5120");
        let none = Task {
            evidence: Vec::new(),
            ..page
        };
        assert!(!check::page(&none).contains("review-h"));
    }

    #[test]
    fn one_that_failed_goes_on() {
        let page = Task {
            again: true,
            can_finish: false,
            can_cancel: false,
            ..sample::task(&str::to_owned)
        };
        let html = check::page(&page);
        check::contains(&html, ">Go on</button>");
        check::contains(&html, "pm · made of it");
        assert!(!html.contains("value=\"cancel\"") && !html.contains("value=\"done\""));
    }

    #[test]
    fn a_closed_task_takes_messages_only() {
        let page = Task {
            can_begin: false,
            can_finish: false,
            keys: None,
            ..sample::task(&str::to_owned)
        };
        let html = check::page(&page);
        assert!(!html.contains("hand-over") && !html.contains("value=\"done\""));
        check::contains(&html, "name=\"do\" value=\"mute\"");
    }
}
