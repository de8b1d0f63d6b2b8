//! What waits for a person, and what was decided.

use askama::Template;
use naos_kernel::review::CHECKS;

use super::filters;
use super::frame::{Page, Section};
use super::render::Part;
use super::topic::Topic;
use super::words::{ApprovalStatus, Verdict};
use crate::locale::Locale;

/// The list of approvals.
#[derive(Clone, Debug, Template)]
#[template(path = "approvals.html")]
pub struct Approvals {
    /// Who could not be told that something waits.
    pub untold: Vec<Untold>,
    /// What goes on by a person only, and asks nobody.
    pub stuck: Vec<StuckRow>,
    /// What came of answers that were just given.
    pub told: Option<Told>,
    /// What waits, oldest first.
    pub waiting: Vec<ApprovalRow>,
    /// The key of the form that answers those that are chosen; nothing where none can be.
    pub batch_key: Option<String>,
    /// What was decided, newest first.
    pub decided: Vec<ApprovalRow>,
    /// Where earlier ones are.
    pub older: Option<String>,
    /// Standing rules, and those that are offered.
    pub rules: Vec<RuleRow>,
}

/// What came of answers to several questions.
#[derive(Clone, Debug)]
pub struct Told {
    /// How many were decided.
    pub decided: u64,
    /// Those that are left as they are, what each asks, and why.
    pub left: Vec<(String, String, String)>,
}

/// What is shown of a question beside its title, so that it can be chosen with others.
#[derive(Clone, Debug)]
pub struct Choice {
    /// The digest of what is shown.
    pub seen: String,
    /// The text; of one that takes the place of another what differs, line by line.
    pub text: String,
    /// What it takes the place of, a name of the locale table, and which document; nothing where
    /// it is new.
    pub replaces: Option<(&'static str, String)>,
}

/// A kind of question with a standing rule, or for which one is offered.
#[derive(Clone, Debug)]
pub struct RuleRow {
    /// The kind of question.
    pub question: String,
    /// How many in a row were answered with yes.
    pub same: u64,
    /// Who took the rule, until when it holds, UTC milliseconds, and how much it answered.
    pub rule: Option<(String, i64, u64)>,
    /// Why that answers nothing any more.
    pub lapsed: Option<String>,
    /// The key of its form; nothing where the reader may not.
    pub key: String,
    /// Whether the reader may take it.
    pub can_take: bool,
}

/// Something that goes on by a person only, and asks nobody.
#[derive(Clone, Debug)]
pub struct StuckRow {
    /// What happened, a name of the locale table.
    pub what: &'static str,
    /// What is stuck: the step and its saga, the supervisor, or the schedule and what it lacks.
    pub name: String,
    /// Where one does something about it.
    pub href: String,
    /// Since when, UTC milliseconds.
    pub since_ms: i64,
    /// Why; may be empty.
    pub said: String,
    /// A command that does something about it.
    pub way: String,
}

/// A receiver of notices that did not take the last one.
#[derive(Clone, Debug)]
pub struct Untold {
    /// What it is called.
    pub to: String,
    /// What it said, or what went wrong.
    pub said: String,
}

/// One approval at a glance.
#[derive(Clone, Debug, Template)]
#[template(path = "approval_row.html")]
pub struct ApprovalRow {
    /// Its id.
    pub id: String,
    /// What is asked, in one line.
    pub title: String,
    /// Who asks.
    pub asked_by: String,
    /// Since when, UTC milliseconds.
    pub asked_ms: i64,
    /// How it stands.
    pub status: ApprovalStatus,
    /// Who decided; empty while it waits.
    pub decided_by: String,
    /// Until when it can be decided.
    pub expires_ms: Option<i64>,
    /// Whether it goes before what isn't urgent.
    pub urgent: bool,
    /// Who looked at it last, and what they found; it stays when it is decided.
    pub reviewed: Option<(String, Verdict)>,
    /// Whether an agent made it and no other agent looked at it.
    pub unreviewed: bool,
    /// Whether the answer was left to somebody who is gone, or answers no questions any more.
    pub gone: bool,
    /// What is shown of it so that it can be chosen with others; nothing where it can't be.
    pub choice: Option<Choice>,
}

impl ApprovalRow {
    pub(super) fn is_pending(&self) -> bool {
        self.status == ApprovalStatus::Pending
    }

    /// Why a person decides, a name of the locale table, and who is in it.
    pub(super) fn why(&self) -> Option<(&'static str, &str)> {
        let Some((reviewer, verdict)) = &self.reviewed else {
            let unreviewed = ("why-unreviewed", self.asked_by.as_str());
            return self.unreviewed.then_some(unreviewed);
        };
        match verdict {
            Verdict::Praised => None,
            Verdict::Refuted if reviewer == CHECKS => Some(("why-checks", reviewer)),
            Verdict::Refuted => Some(("why-refuted", reviewer)),
            Verdict::Unread => Some(("why-unread", reviewer)),
        }
    }
}

impl Page for Approvals {
    fn section(&self) -> Section {
        Section::Approvals
    }

    fn title(&self, locale: Locale) -> String {
        locale.t("nav-approvals").into_owned()
    }

    fn topic(&self) -> Option<Topic> {
        Some(Topic::Approvals)
    }
}

impl Part for ApprovalRow {
    fn id(&self) -> String {
        format!("approval-{}", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{check, sample};

    #[test]
    fn what_waits_is_apart_from_what_is_decided() {
        let html = check::page(&sample::approvals(&str::to_owned));
        let waiting = html
            .find("href=\"/approvals/apr_7\"")
            .expect("the one that waits");
        let decided = html
            .find("href=\"/approvals/apr_5\"")
            .expect("the one that is decided");
        assert!(waiting < decided);
    }

    #[test]
    fn a_rule_is_offered_and_can_be_ended() {
        let html = check::page(&sample::approvals(&str::to_owned));
        check::contains(&html, "<code>letter/ask</code>");
        assert_eq!(html.matches("value=\"take\"").count(), 1, "one is taken");
        assert_eq!(html.matches("value=\"end\"").count(), 2);
        check::contains(&html, "agent growth changed since: its manifest");
    }

    #[test]
    fn what_asks_nobody_is_told_with_what_to_do() {
        let html = check::page(&sample::approvals(&str::to_owned));
        check::contains(&html, "href=\"/plans/plan_9\"");
        check::contains(&html, "naos supervisor reset root");
    }

    #[test]
    fn several_are_chosen_as_they_are_shown() {
        let html = check::page(&sample::approvals(&str::to_owned));
        let value = format!("name=\"chosen\" value=\"apr_7 {}\"", "5e".repeat(32));
        check::contains(&html, &value);
        check::contains(&html, "+ Two invoices are overdue.");
        check::contains(&html, "What differs from /reports/2026-w41.md");
        check::contains(&html, "action=\"/approvals\"");
        check::contains(&html, "value=\"key-batch\"");
        // What can't be shown here whole has no box.
        assert_eq!(html.matches("type=\"checkbox\"").count(), 1, "{html}");
        check::contains(
            &html,
            "<a href=\"/approvals/apr_9\">Pay the bill</a>: what you saw",
        );
        assert!(!check::page(&sample::approvals_empty()).contains("id=\"batch\""));
    }

    #[test]
    fn what_nobody_reviewed_says_so() {
        let html = check::page(&sample::approvals(&str::to_owned));
        assert_eq!(html.matches("Not reviewed").count(), 1, "{html}");
        let mut page = sample::approval(&str::to_owned);
        assert_eq!(page.row.why(), None);
        page.row.unreviewed = true;
        check::contains(
            &check::page(&page),
            "no other agent looked at what planner made",
        );
        page.row.reviewed = Some(("checks".into(), super::Verdict::Refuted));
        check::contains(&check::page(&page), "What must hold of it still doesn");
    }

    #[test]
    fn nothing_to_decide_says_so() {
        check::contains(
            &check::page(&sample::approvals_empty()),
            "Nothing waits for you",
        );
    }
}
