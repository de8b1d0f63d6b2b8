//! The journal, line by line, and the proof that nobody changed it.

use askama::Template;

use super::filters;
use super::frame::{Page, Section};
use crate::locale::{Locale, audit_stamp, utc_rfc3339};

/// The journal.
#[derive(Clone, Debug, Template)]
#[template(path = "audit.html")]
pub struct Audit {
    /// At most [`super::PAGE_ROWS_MAX`], newest first.
    pub rows: Vec<AuditRow>,
    /// The chosen action or its beginning: `agent.`; empty for all.
    pub action: String,
    /// The chosen actor or subject; empty for all.
    pub who: String,
    /// The entries that were looked at, where there may be more before them.
    pub looked: Option<(u64, u64)>,
    /// Where newer rows are.
    pub newer: Option<String>,
    /// Where older rows are.
    pub older: Option<String>,
    /// The key of the form that verifies; nothing where the reader may not.
    pub verify_key: Option<String>,
    /// What a verification found.
    pub verified: Option<Verified>,
}

/// One fact as a line.
#[derive(Clone, Debug)]
pub struct AuditRow {
    /// Its place in the journal.
    pub seq: u64,
    /// When, UTC milliseconds.
    pub time_ms: i64,
    /// What happened: `agent.started`.
    pub action: String,
    /// To what.
    pub subject: String,
    /// Who did it.
    pub actor: String,
    /// One word more; may be empty.
    pub detail: String,
    /// The run it belongs to.
    pub run: Option<String>,
    /// Its leaf hash, in hexadecimal.
    pub hash: String,
}

/// What a verification found.
#[derive(Clone, Debug)]
pub struct Verified {
    /// The first entry that doesn't verify; nothing where all do.
    pub first_bad: Option<u64>,
    /// How many entries were checked.
    pub entries: u64,
    /// The root over all of them, in hexadecimal.
    pub root: String,
    /// How many checkpoints agree.
    pub checkpoints: u64,
    /// How long it took.
    pub duration_ms: u64,
}

impl AuditRow {
    /// The time as the audit line has it: `2025-01-15 10:30:01`.
    fn stamp(&self) -> String {
        audit_stamp(self.time_ms)
    }

    fn datetime(&self) -> String {
        utc_rfc3339(self.time_ms)
    }

    fn short_hash(&self) -> &str {
        const SHORT_CHARS: usize = 12;
        let end = self.hash.floor_char_boundary(SHORT_CHARS);
        &self.hash[..end]
    }
}

impl Audit {
    fn is_filtered(&self) -> bool {
        !self.action.is_empty() || !self.who.is_empty()
    }
}

impl Page for Audit {
    fn section(&self) -> Section {
        Section::Audit
    }

    fn title(&self, locale: Locale) -> String {
        locale.t("nav-audit").into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{check, sample};
    use super::*;

    #[test]
    fn rows_read_like_the_audit_lines() {
        let html = check::page(&sample::audit(&str::to_owned));
        let row = html
            .split("id=\"fact-4211\"")
            .nth(1)
            .expect("the row is there");
        let text = check::text(row.split("</li>").next().unwrap_or_default());
        assert!(
            text.contains("[2026-10-09 14:00:00] run.completed weekly-report $0.0042"),
            "{text}"
        );
    }

    #[test]
    fn both_outcomes_of_a_verification() {
        let html = check::page(&sample::audit(&str::to_owned));
        check::contains(&html, "Verified: 4,211 entries");
        let mut page = sample::audit(&str::to_owned);
        if let Some(verified) = &mut page.verified {
            verified.first_bad = Some(17);
        }
        check::contains(&check::page(&page), "does not verify from entry 17");
    }

    #[test]
    fn the_filter_keeps_what_was_typed() {
        let page = Audit {
            action: "agent.".into(),
            ..sample::audit_empty()
        };
        let html = check::page(&page);
        check::contains(&html, "value=\"agent.\"");
        check::contains(&html, "No entry matches");
    }
}
