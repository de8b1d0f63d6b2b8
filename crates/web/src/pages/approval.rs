//! One approval: what is asked, what the reviewer found, the document, and the decision.

use askama::Template;

use super::approvals::ApprovalRow;
use super::document::Citation;
use super::filters;
use super::frame::{Crumb, Page, Section};
use super::render::Part;
use super::topic::Topic;
use super::words::{ApprovalStatus, Verdict};
use crate::locale::Locale;

/// How long a text may be that is changed in the form.
pub const EDIT_CHARS_MAX: usize = 65_536;
/// How long a comment may be.
pub const COMMENT_CHARS_MAX: usize = 4_000;
/// How long a note to whoever is to answer may be.
pub const NOTE_CHARS_MAX: usize = 1_000;

/// One approval.
#[derive(Clone, Debug, Template)]
#[template(path = "approval.html")]
pub struct Approval {
    /// What is asked, by whom, and how it stands.
    pub row: ApprovalRow,
    /// What happens after a yes, in a sentence.
    pub effect: String,
    /// Why it needs a person: the rule that held it.
    pub reason: String,
    /// The run that waits, and its plan's page where it has one.
    pub run: Option<String>,
    /// What a yes may cost at most, millionths.
    pub cost_micros_max: Option<i64>,
    /// What the review found.
    pub evidence: Vec<Evidence>,
    /// What was looked at without a model, before anybody was asked.
    pub checks: Vec<Checked>,
    /// What would go out, in Markdown.
    pub document: Option<Attached>,
    /// What was decided, or the form to decide.
    pub answer: Answer,
}

/// What was decided, or the form to decide.
#[derive(Clone, Debug, Template)]
#[template(path = "approval_answer.html")]
pub struct Answer {
    /// The approval's id.
    pub approval: String,
    /// What was decided.
    pub decision: Option<Decision>,
    /// The key of the form; nothing where it is decided or the reader may not.
    pub form_key: Option<String>,
    /// The digest of what is shown: a decision is about that and nothing else.
    pub seen: String,
    /// The text that may be changed before the yes; none where it is too long, or no text waits.
    pub text: Option<String>,
    /// Whether a person is asked for an answer of their own, by an agent at work.
    pub asks: bool,
    /// The answers to choose from; empty where any will do.
    pub options: Vec<String>,
    /// To whom the answer was left, and what they should know.
    pub left_to: Option<LeftTo>,
    /// The key of the form that leaves it to somebody; nothing where the reader may not.
    pub leave_key: Option<String>,
}

/// To whom an answer was left.
#[derive(Clone, Debug)]
pub struct LeftTo {
    /// Who.
    pub name: String,
    /// What they should know; may be empty.
    pub note: String,
    /// Whether they are gone, or answer no questions any more.
    pub gone: bool,
}

/// A reviewer's finding.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// Who reviewed; never the author.
    pub reviewer: String,
    /// What they found.
    pub verdict: Verdict,
    /// Why, in a sentence.
    pub reason: String,
    /// Where that can be seen.
    pub citations: Vec<Citation>,
    /// Whether a person edited since then what it is about.
    pub edited: bool,
}

/// Something that must hold of a result.
#[derive(Clone, Debug)]
pub struct Checked {
    /// What it says, with its name where it has one.
    pub says: String,
    /// Whether it holds.
    pub passed: bool,
    /// Whether a person edited since then what it looked at.
    pub edited: bool,
    /// What was found, and what is to be done about it; empty where it holds.
    pub found: String,
}

/// A document that is part of a question.
#[derive(Clone, Debug)]
pub struct Attached {
    /// What it is called.
    pub title: String,
    /// Where its own page is.
    pub href: String,
    /// Its text.
    pub markdown: String,
    /// What its text refers to.
    pub citations: Vec<Citation>,
}

/// A decision that was made.
#[derive(Clone, Debug)]
pub struct Decision {
    /// How.
    pub status: ApprovalStatus,
    /// By whom.
    pub by: String,
    /// When, UTC milliseconds.
    pub time_ms: i64,
    /// What they said; may be empty.
    pub comment: String,
    /// Whether a standing rule of theirs answered.
    pub ruled: bool,
}

impl Page for Approval {
    fn section(&self) -> Section {
        Section::Approvals
    }

    fn title(&self, _locale: Locale) -> String {
        self.row.title.clone()
    }

    fn trail(&self, locale: Locale) -> Vec<Crumb> {
        self.section().trail(locale)
    }

    fn topic(&self) -> Option<Topic> {
        Some(Topic::Approval(self.row.id.clone()))
    }
}

impl Part for Answer {
    fn id(&self) -> String {
        "answer".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{check, sample};

    #[test]
    fn the_question_its_evidence_and_the_form_are_there() {
        let html = check::page(&sample::approval(&str::to_owned));
        check::contains(&html, "action=\"/approvals/apr_7\"");
        check::contains(&html, "name=\"decision\" value=\"approve\"");
        check::contains(&html, "name=\"decision\" value=\"reject\"");
        check::contains(&html, "name=\"idempotency_key\" value=\"key-decide\"");
        check::contains(&html, "action=\"/approvals/apr_7/delegate\"");
        check::contains(&html, "The answer was left to Soa");
        check::contains(&html, "href=\"#source-1\">mails/014-facture.eml:22</a>");
        check::contains(&html, "<h2>Weekly report");
    }

    #[test]
    fn what_is_decided_shows_by_whom_and_has_no_form() {
        let html = check::page(&sample::approval_decided(&str::to_owned));
        check::contains(&html, "Approved by Hanitra");
        assert!(!html.contains("name=\"decision\""));
    }

    #[test]
    fn without_document_and_review_it_still_asks() {
        let page = sample::approval_empty();
        check::contains(&check::page(&page), "name=\"decision\" value=\"approve\"");
    }
}
