//! What the reader is to hear of.

use askama::Template;

use super::approvals::StuckRow;
use super::filters;
use super::frame::{Page, Section};
use super::topic::Topic;
use crate::locale::Locale;

/// The inbox of one person.
#[derive(Clone, Debug, Template)]
#[template(path = "inbox.html")]
pub struct Inbox {
    /// By which word they are called in threads.
    pub handle: Option<String>,
    /// What goes on by a person only, whoever that is.
    pub stuck: Vec<StuckRow>,
    /// The newest first.
    pub rows: Vec<InboxRow>,
    /// The key of the form that says that all is seen, and up to which number; nothing where
    /// nothing is new.
    pub seen: Option<(String, u32)>,
}

/// One thing to hear of.
#[derive(Clone, Debug)]
pub struct InboxRow {
    /// What happened, a name of the locale table.
    pub what: &'static str,
    /// The task or the question.
    pub title: String,
    /// Where it stands.
    pub href: String,
    /// Who did it.
    pub by: String,
    /// Whether it was an agent.
    pub by_agent: bool,
    /// When, UTC milliseconds.
    pub at_ms: i64,
    /// The beginning of what was said; may be empty.
    pub text: String,
    /// Whether it was not seen yet.
    pub new: bool,
}

impl Page for Inbox {
    fn section(&self) -> Section {
        Section::Inbox
    }

    fn title(&self, locale: Locale) -> String {
        locale.t("nav-inbox").into_owned()
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
    fn what_is_new_is_marked_and_can_be_put_away() {
        let html = check::page(&sample::inbox(&str::to_owned));
        check::contains(&html, "href=\"/tasks/task_0192\"");
        check::contains(&html, "You were called");
        check::contains(&html, "naos supervisor reset root");
        check::contains(&html, "class=\"new\"");
        check::contains(&html, "name=\"upto\" value=\"7\"");
        check::contains(&html, "@hanitra");
    }

    #[test]
    fn an_empty_one_says_so_and_has_no_form() {
        let page = Inbox {
            handle: None,
            stuck: Vec::new(),
            rows: Vec::new(),
            seen: None,
        };
        let html = check::page(&page);
        check::contains(&html, "Nothing here yet");
        assert!(!html.contains("action=\"/inbox\""));
    }
}
