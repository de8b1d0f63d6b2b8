//! What went wrong: the code, a sentence, what to do.

use askama::Template;

use super::filters;
use super::frame::{Page, Section};
use super::run::Problem;
use crate::locale::Locale;

/// An error as a page.
#[derive(Clone, Debug, Template)]
#[template(path = "error.html")]
pub struct ErrorPage {
    /// The HTTP status.
    pub status: u16,
    /// The code, the sentence and the advice.
    pub problem: Problem,
    /// Where to go from here, a path within this site.
    pub back: String,
}

impl ErrorPage {
    /// What kind of trouble it is, for the heading.
    fn key(&self) -> &'static str {
        match self.status {
            401 | 403 => "error-refused",
            404 | 410 => "error-missing",
            409 | 412 => "error-conflict",
            429 | 503 => "error-busy",
            400..=499 => "error-request",
            _ => "error-ours",
        }
    }
}

impl Page for ErrorPage {
    fn section(&self) -> Section {
        Section::Nowhere
    }

    fn title(&self, locale: Locale) -> String {
        locale.t(self.key()).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{check, sample};
    use super::*;

    #[test]
    fn code_sentence_and_advice_are_there() {
        let html = check::page(&sample::error(&str::to_owned));
        check::contains(&html, "N0142");
        check::contains(&html, "naos explain N0142");
        check::contains(&html, "href=\"/runs\"");
    }

    #[test]
    fn every_status_has_a_heading() {
        for status in [400, 401, 403, 404, 409, 410, 412, 422, 429, 500, 502, 503] {
            let page = ErrorPage {
                status,
                ..sample::error(&str::to_owned)
            };
            let html = check::page(&page);
            assert!(html.contains(&status.to_string()), "{status}");
        }
    }

    #[test]
    fn the_way_back_stays_on_this_site() {
        for back in [
            "https://evil.org",
            "//evil.org",
            "/\\evil.org",
            "javascript:alert(1)",
            "data:text/html,x",
            "/\t/evil.org",
            "evil.org",
            "",
        ] {
            let page = ErrorPage {
                back: back.into(),
                ..sample::error(&str::to_owned)
            };
            check::contains(&check::page(&page), "<a class=\"main\" href=\"#\">");
        }
        for back in ["/", "/runs?status=held&agent=a", "#main"] {
            let page = ErrorPage {
                back: back.into(),
                ..sample::error(&str::to_owned)
            };
            assert!(
                !check::page(&page).contains("<a class=\"main\" href=\"#\">"),
                "{back}"
            );
        }
    }
}
