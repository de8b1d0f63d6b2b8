//! A document as people read it, with the places its statements come from.

use askama::Template;

use super::filters;
use super::frame::{Crumb, Page, Section};
use crate::locale::Locale;

/// A document in one version.
#[derive(Clone, Debug, Template)]
#[template(path = "document.html")]
pub struct Document {
    /// Its path: `reports/2026-w41.md`.
    pub path: String,
    /// What it is called.
    pub title: String,
    /// Which version this is, from 1.
    pub version: u64,
    /// When it was written, UTC milliseconds.
    pub written_ms: i64,
    /// By whom.
    pub written_by: String,
    /// The run that wrote it.
    pub run: Option<String>,
    /// Whether it is a picture, and no text.
    pub picture: bool,
    /// Its text.
    pub markdown: String,
    /// What its text refers to, in the order of first mention.
    pub citations: Vec<Citation>,
}

/// A line of a source that a statement rests on; texts name it as `file:line`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Citation {
    /// The file's path.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// What stands there; may be empty.
    pub quote: String,
    /// Where the source can be read, within this site.
    pub href: Option<String>,
}

impl Citation {
    /// A line of a file, with what stands there.
    pub fn new(file: &str, line: u32, quote: &str, href: Option<&str>) -> Citation {
        Citation {
            file: file.to_owned(),
            line,
            quote: quote.to_owned(),
            href: href.map(str::to_owned),
        }
    }
}

impl Page for Document {
    fn section(&self) -> Section {
        Section::Documents
    }

    fn title(&self, _locale: Locale) -> String {
        self.title.clone()
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
    fn statements_lead_to_their_sources() {
        let html = check::page(&sample::document(&str::to_owned));
        check::contains(&html, "<a class=\"cite\" href=\"#source-1\">");
        check::contains(&html, "id=\"source-1\"");
        check::contains(&html, "Facture 2026-117");
        check::contains(&html, "<table>");
        check::contains(&html, "href=\"/document-versions/reports/2026-w41.md\"");
        check::contains(&html, "href=\"/document-diff/reports/2026-w41.md?to=2\"");
    }

    #[test]
    fn a_document_without_text_says_so() {
        let page = Document {
            picture: false,
            markdown: String::new(),
            citations: Vec::new(),
            ..sample::document(&str::to_owned)
        };
        check::contains(&check::page(&page), "This document is empty");
    }
}
