//! Documents: those there are, the versions of one, and how two of them differ.

use askama::Template;

use super::filters;
use super::frame::{Crumb, Page, Section};
use super::what_if::Line;
use crate::locale::Locale;

/// The longest beginning of a path that is looked for.
pub const PREFIX_CHARS_MAX: usize = 256;
/// The longest query.
pub const QUERY_CHARS_MAX: usize = 256;

/// The documents of a tenant, by path.
#[derive(Clone, Debug, Template)]
#[template(path = "documents.html")]
pub struct Documents {
    /// At most [`super::PAGE_ROWS_MAX`].
    pub documents: Vec<DocumentRow>,
    /// How the paths begin that are shown; empty for all.
    pub prefix: String,
    /// Where those behind them are.
    pub more: Option<String>,
    /// What is looked for in them; empty where they are listed.
    pub query: String,
    /// What was found.
    pub found: Option<Found>,
}

/// What fits a query.
#[derive(Clone, Debug)]
pub struct Found {
    /// The best, best first.
    pub passages: Vec<Passage>,
    /// How many documents were looked through.
    pub documents: u64,
    /// For how many there was no room.
    pub left_out: u64,
}

/// A passage of a document.
#[derive(Clone, Debug)]
pub struct Passage {
    /// The document's path.
    pub path: String,
    /// The line on which it begins.
    pub line: u64,
    /// The heading above it.
    pub heading: Option<String>,
    /// What it says.
    pub text: String,
}

/// A document in the list.
#[derive(Clone, Debug)]
pub struct DocumentRow {
    /// Its path: `reports/2026-w41.md`.
    pub path: String,
    /// How many versions it has.
    pub versions: u64,
    /// Its last version.
    pub last: Written,
}

/// When a version was written, by whom, and how much.
#[derive(Clone, Debug)]
pub struct Written {
    /// How long it is.
    pub bytes: u64,
    /// When, UTC milliseconds.
    pub at_ms: i64,
    /// By whom.
    pub by: String,
    /// Whether that was an agent.
    pub by_agent: bool,
    /// The run that wrote it.
    pub run: Option<String>,
}

/// What became of one document.
#[derive(Clone, Debug, Template)]
#[template(path = "document_history.html")]
pub struct History {
    /// Its path.
    pub path: String,
    /// Whether it is still there.
    pub exists: bool,
    /// At most [`super::PAGE_ROWS_MAX`], the newest first.
    pub changes: Vec<Change>,
    /// Where newer ones are.
    pub newer: Option<String>,
    /// Where older ones are.
    pub older: Option<String>,
}

/// A version of a document, or that it was taken away, or that earlier versions were erased.
#[derive(Clone, Debug)]
pub struct Change {
    /// Which version; none where none was written.
    pub version: Option<u64>,
    /// Whether what it said was erased since.
    pub gone: bool,
    /// The versions that were erased then.
    pub erased: Vec<u64>,
    /// What was written.
    pub written: Written,
}

impl Change {
    /// The versions that were erased, as people read them.
    fn erased(&self) -> String {
        let all: Vec<String> = self.erased.iter().map(u64::to_string).collect();
        all.join(", ")
    }
}

/// How two versions of a document differ.
#[derive(Clone, Debug, Template)]
#[template(path = "document_diff.html")]
pub struct Difference {
    /// Its path.
    pub path: String,
    /// The older version; 0 is none.
    pub from: u64,
    /// The newer one.
    pub to: u64,
    /// What differs, line by line.
    pub lines: Vec<Line>,
    /// Whether that isn't all.
    pub cut: bool,
}

impl Page for Documents {
    fn section(&self) -> Section {
        Section::Documents
    }

    fn title(&self, locale: Locale) -> String {
        locale.t("nav-documents").into_owned()
    }
}

impl Page for History {
    fn section(&self) -> Section {
        Section::Documents
    }

    fn title(&self, _locale: Locale) -> String {
        self.path.clone()
    }

    fn trail(&self, locale: Locale) -> Vec<Crumb> {
        self.section().trail(locale)
    }
}

impl Page for Difference {
    fn section(&self) -> Section {
        Section::Documents
    }

    fn title(&self, _locale: Locale) -> String {
        self.path.clone()
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
    fn each_document_leads_to_its_text_and_its_versions() {
        let html = check::page(&sample::documents(&str::to_owned));
        check::contains(&html, "href=\"/documents/reports/2026-w41.md\"");
        check::contains(&html, "href=\"/document-versions/reports/2026-w41.md\"");
        check::contains(&html, "2 versions");
        check::contains(&html, "4,210 bytes");
        check::contains(&html, "value=\"reports/\"");
        check::contains(&html, "rel=\"next\"");
    }

    #[test]
    fn no_document_says_how_to_write_one_and_no_match_says_so() {
        let mut page = Documents {
            documents: Vec::new(),
            prefix: String::new(),
            more: None,
            query: String::new(),
            found: None,
        };
        check::contains(&check::page(&page), "naos document put notes.md");
        page.prefix = "bills/".into();
        check::contains(&check::page(&page), "No document");
    }

    #[test]
    fn what_is_found_stands_with_its_place_and_nothing_says_so() {
        let mut page = sample::documents_found(&str::to_owned);
        let html = check::page(&page);
        check::contains(&html, "name=\"query\" value=\"ferry\"");
        check::contains(&html, "href=\"/documents/reports/2026-w41.md\"");
        check::contains(&html, "2026-w41.md:12");
        check::contains(&html, "The ferry leaves on Monday.");
        check::contains(&html, "3 documents weren’t looked through");
        page.found = Some(Found {
            passages: Vec::new(),
            documents: 7,
            left_out: 0,
        });
        let html = check::page(&page);
        check::contains(&html, "Nothing fits in 7 documents");
    }

    #[test]
    fn each_version_leads_to_its_text_and_to_what_changed() {
        let page = sample::history(&str::to_owned);
        let html = check::page(&page);
        let place = "reports/2026-w41.md";
        check::contains(&html, &format!("href=\"/documents/{place}?version=1\""));
        check::contains(&html, &format!("href=\"/document-diff/{place}?to=2\""));
        check::contains(&html, "Taken away");
        check::contains(&html, "Erased, for good: versions 1, 2");
        check::contains(&html, "nobody can read it any more");
    }

    #[test]
    fn a_difference_marks_what_went_and_what_came() {
        let mut page = sample::document_diff(&str::to_owned);
        let html = check::page(&page);
        check::contains(&html, "<del>- Two plans.</del>");
        check::contains(&html, "<ins>+ Three plans.</ins>");
        page.lines.clear();
        check::contains(&check::page(&page), "Nothing differs");
    }
}
