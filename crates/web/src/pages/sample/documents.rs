//! What agents and people wrote down on the sample day.

use super::super::documents::{
    Change, Difference, DocumentRow, Documents, Found, History, Passage, Written,
};
use super::super::what_if::Line;
use super::{MINUTE_MS, NOW_MS, Text};

const PATH: &str = "reports/2026-w41.md";

fn written(s: Text<'_>, bytes: u64, ago: i64) -> Written {
    Written {
        bytes,
        at_ms: NOW_MS - ago * MINUTE_MS,
        by: s("writer"),
        by_agent: true,
        run: Some(s("run_0192")),
    }
}

pub(crate) fn documents(s: Text<'_>) -> Documents {
    let row = |path: &str, versions, bytes, ago| DocumentRow {
        path: s(path),
        versions,
        last: written(s, bytes, ago),
    };
    Documents {
        documents: vec![
            row(PATH, 2, 4_210, 3),
            row("reports/2026-w40.md", 1, 3_960, 10_080),
        ],
        prefix: s("reports/"),
        query: String::new(),
        found: None,
        more: Some("/documents?prefix=reports%2F&after=reports%2F2026-w40.md".to_owned()),
    }
}

pub(crate) fn documents_found(s: Text<'_>) -> Documents {
    Documents {
        documents: Vec::new(),
        more: None,
        query: s("ferry"),
        found: Some(Found {
            passages: vec![Passage {
                path: s(PATH),
                line: 12,
                heading: Some(s("Journeys")),
                text: s("The ferry leaves on Monday."),
            }],
            documents: 40,
            left_out: 3,
        }),
        ..documents(s)
    }
}

pub(crate) fn history(s: Text<'_>) -> History {
    let change = |version, ago| Change {
        version,
        gone: ago == 30,
        erased: if ago == 2 { vec![1, 2] } else { Vec::new() },
        written: written(s, 4_210, ago),
    };
    History {
        path: s(PATH),
        exists: true,
        changes: vec![
            change(None, 2),
            change(Some(2), 3),
            change(Some(1), 12),
            change(None, 20),
            change(Some(1), 30),
        ],
        newer: None,
        older: Some("/document-versions/reports/2026-w41.md?before=311".to_owned()),
    }
}

pub(crate) fn document_diff(s: Text<'_>) -> Difference {
    let line = |text: &str, gone, new| Line {
        gone,
        new,
        text: s(text),
    };
    Difference {
        path: s(PATH),
        from: 1,
        to: 2,
        lines: vec![
            line("  # Weekly report", false, false),
            line("- Two plans.", true, false),
            line("+ Three plans.", false, true),
        ],
        cut: true,
    }
}
