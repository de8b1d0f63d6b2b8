//! Writes approved reports where people look for them: as Markdown, and as a page of its own.
//! What somebody changed there stays theirs: a newer report is written beside it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use naos_types::Digest;
use serde::{Deserialize, Serialize};

use super::files;
use crate::fail::Fail;
use crate::session::{Session, api, part};
use crate::workspace;

/// Where reports stand among the documents.
const FOLDER: &str = "/reports/";
/// How many reports stand beside each other.
const BESIDE_MAX: u32 = 99;

/// What was written this time.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Delivered {
    /// The Markdown files that are new or have a new content.
    pub(crate) written: Vec<PathBuf>,
    /// Files that somebody changed, and where the report went instead.
    pub(crate) kept: Vec<(PathBuf, PathBuf)>,
    /// For each document where its last version stands.
    pub(crate) stands: BTreeMap<String, Stands>,
}

/// The last version of a document, among the files.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stands {
    /// The Markdown file.
    pub(crate) path: PathBuf,
    /// Somebody changed it since.
    pub(crate) edited: bool,
    /// The document's text.
    pub(crate) text: String,
}

/// `data/delivered.json`: what was written, so that what somebody changed since is known. Only a
/// memory: without it a file that isn't just what would be written is taken as changed.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Memory {
    /// Digests of files, as they were written.
    files: BTreeMap<String, String>,
    /// For each document the digest of the text that was written last.
    documents: BTreeMap<String, String>,
    /// For each document which of the reports beside each other that was, from 1.
    #[serde(default)]
    places: BTreeMap<String, u32>,
}

impl Memory {
    /// Where this very text of a document was written, if it is the last one that was.
    fn place(&self, name: &str, now: &str) -> Option<u32> {
        if self.documents.get(name).is_none_or(|last| last != now) {
            return None;
        }
        let written = |nth: &u32| {
            let digest = self.files.get(&beside(name, *nth, "md"));
            digest.is_some_and(|it| it == now)
        };
        let known = self.places.get(name).copied();
        known.or_else(|| (1..=BESIDE_MAX).find(written)) // an older naos didn't say where
    }
}

/// The name of the nth report beside each other of a document.
fn beside(name: &str, nth: u32, ending: &str) -> String {
    let stem = name.strip_suffix(".md").unwrap_or(name);
    match nth {
        1 => format!("{stem}.{ending}"),
        nth => format!("{stem}-{nth}.{ending}"),
    }
}

/// Writes every report that isn't written yet in its last version into `dir/reports`, as `.md`
/// and `.html`.
pub(crate) fn deliver(session: &mut Session, dir: &Path) -> Result<Delivered, Fail> {
    let list = session.get(api(&format!("/documents?prefix={}", part(FOLDER))))?;
    let memory_path = session.project().data.join("delivered.json");
    let memory = std::fs::read(&memory_path).unwrap_or_default();
    let mut memory: Memory = serde_json::from_slice(&memory).unwrap_or_default();
    let mut delivered = Delivered::default();
    for item in list["items"].as_array().into_iter().flatten() {
        let Some(name) = item["path"]
            .as_str()
            .and_then(|path| path.strip_prefix(FOLDER))
        else {
            continue;
        };
        let document = session.get(workspace::place(&format!("reports/{name}"))?)?;
        let said = document["text"].as_str().unwrap_or_default();
        let text = defused(&plain(said));
        let reports = dir.join("reports");
        let nth = write(&reports, name, &text, &mut memory, &mut delivered)
            .map_err(|(path, e)| Fail::io(format!("write {}", path.display()), &e))?;
        let path = reports.join(beside(name, nth, "md"));
        let stands = Stands {
            edited: std::fs::read(&path).is_ok_and(|there| there != text.as_bytes()),
            path,
            text: said.to_owned(),
        };
        delivered.stands.insert(name.to_owned(), stands);
    }
    let text = serde_json::to_vec(&memory).unwrap_or_default();
    files::put(&memory_path, &text)
        .map_err(|e| Fail::io(format!("write {}", memory_path.display()), &e))?;
    Ok(delivered)
}

type Unwritten = (PathBuf, std::io::Error);

fn digest(bytes: &[u8]) -> String {
    Digest::of(bytes).to_string()
}

/// Writes a document's last version, if it isn't written yet or is gone; says which of the reports
/// beside each other it is.
fn write(
    reports: &Path,
    name: &str,
    text: &str,
    memory: &mut Memory,
    delivered: &mut Delivered,
) -> Result<u32, Unwritten> {
    let now = digest(text.as_bytes());
    // Nothing newer: only what is missing is written again, where it was.
    let place = memory.place(name, &now);
    let free = |nth: &u32| {
        Beside::new(name, *nth, text)
            .changed(reports, memory)
            .is_none()
    };
    let Some(nth) = place.or_else(|| (1..=BESIDE_MAX).find(free)) else {
        let full = std::io::Error::other(format!(
            "{BESIDE_MAX} changed reports stand beside each other"
        ));
        return Err((reports.join(name), full));
    };
    let beside = Beside::new(name, nth, text);
    let news = beside.put(reports, memory)?;
    memory.documents.insert(name.to_owned(), now);
    memory.places.insert(name.to_owned(), nth);
    let path = reports.join(&beside.files[0].0);
    if news && nth > 1 && place.is_none() {
        let first = Beside::new(name, 1, text).changed(reports, memory);
        let kept = first.unwrap_or_else(|| name.to_owned());
        delivered.kept.push((reports.join(kept), path.clone()));
    }
    if news {
        delivered.written.push(path);
    }
    Ok(nth)
}

/// One of the reports that stand beside each other: its Markdown and its page, as they should be.
struct Beside {
    files: [(String, String); 2],
}

impl Beside {
    fn new(name: &str, nth: u32, text: &str) -> Self {
        let file = beside(name, nth, "md");
        let page = (beside(name, nth, "html"), page(&file, text));
        Self {
            files: [(file, text.to_owned()), page],
        }
    }

    /// The first of the files that somebody changed.
    fn changed(&self, reports: &Path, memory: &Memory) -> Option<String> {
        let is_changed = |(name, new): &&(String, String)| {
            let there = std::fs::read(reports.join(name));
            there.is_ok_and(|there| is_theirs(name, &there, new, memory))
        };
        self.files
            .iter()
            .find(is_changed)
            .map(|(name, _)| name.clone())
    }

    /// Writes what is missing or naos's own; says whether there was anything of it.
    fn put(&self, reports: &Path, memory: &mut Memory) -> Result<bool, Unwritten> {
        let mut news = false;
        for (name, new) in &self.files {
            let path = reports.join(name);
            let there = std::fs::read(&path).ok();
            if there.as_deref() == Some(new.as_bytes()) {
                memory.files.insert(name.clone(), digest(new.as_bytes()));
                continue;
            }
            if there.is_some_and(|there| is_theirs(name, &there, new, memory)) {
                continue;
            }
            put(&path, new.as_bytes()).map_err(|e| (path, e))?;
            memory.files.insert(name.clone(), digest(new.as_bytes()));
            news = true;
        }
        Ok(news)
    }
}

/// Whether somebody changed a file: it is neither what naos wrote last nor what it would write.
fn is_theirs(name: &str, there: &[u8], new: &str, memory: &Memory) -> bool {
    let changed = there != new.as_bytes() && memory.files.get(name) != Some(&digest(there));
    changed && !crate::planted::overwrite_edits()
}

fn put(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    files::put(path, bytes)
}

/// A text without what steers a screen; it may quote a stranger's mail.
fn plain(text: &str) -> String {
    let steers = |c: char| {
        c.is_control() && !matches!(c, '\n' | '\t')
            || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}')
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().filter(|c| !steers(*c)).collect()
}

const STYLE: &str = "body{max-width:44rem;margin:2rem auto;padding:0 1rem;font:16px/1.6 \
    system-ui,sans-serif;color:#1a1a1a}h1,h2{line-height:1.25}h2{margin-top:2rem;border-bottom:1px \
    solid #ddd}table{border-collapse:collapse}td,th{border:1px solid #ddd;padding:.3rem .6rem}";

/// Markdown without raw HTML: what a stranger's mail says must not become markup wherever the
/// file is opened. A `<` that begins nothing stays as it is.
fn defused(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let begins = |next: &char| next.is_alphabetic() || matches!(next, '/' | '!' | '?');
        if letter == '<' && letters.peek().is_some_and(begins) {
            out.push_str("&lt;");
        } else {
            out.push(letter);
        }
    }
    out
}

/// A page that needs nothing beside itself, rendered as the live page renders a document.
fn page(name: &str, markdown: &str) -> String {
    let body = naos_web::pages::markdown::to_html_alone(markdown);
    let title = name
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    format!(
        "<!doctype html>\n<html><head><meta charset=\"utf-8\"><title>{title}</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><style>{STYLE}</style></head>\n\
         <body>\n{body}</body></html>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_holds_no_foreign_html() {
        let page = page(
            "<x>.md",
            "# Title\n\n<script>alert(1)</script>\n\na | b\n--|--\n1 | 2\n",
        );
        assert!(page.contains("<h1>Title</h1>") && page.contains("<table>"));
        assert!(!page.contains("<script>") && page.contains("&lt;x&gt;"));
    }

    #[test]
    fn a_page_links_to_the_web_and_to_mailboxes_only() {
        let sources = [
            "[x](javascript:alert(1))",
            "[x](JaVaScript:alert(1))",
            "![x](data:text/html;base64,PHNjcmlwdD4=)",
            "![x](javascript:alert(1))",
            "<javascript:alert(1)>",
            "[x][y]\n\n[y]: vbscript:x",
            "<a href=\"javascript:alert(1)\">x</a>",
            "[x](file:///etc/passwd)",
            "[x](//evil.example)",
            "[x](/etc/passwd)",
            "[x](java&#10;script:alert(1))",
        ];
        for source in sources {
            for text in [source.to_owned(), defused(source)] {
                let page = page("r.md", &text);
                assert!(
                    !page.contains("<a ") && !page.contains("<img"),
                    "{source}: {page}"
                );
            }
        }
        for address in ["https://a.example/", "mailto:a@b.example"] {
            let page = page("r.md", &format!("[x]({address})"));
            assert!(page.contains(&format!("<a href=\"{address}\"")), "{page}");
        }
    }

    #[test]
    fn raw_html_is_text_in_the_markdown_too() {
        for (text, expected) in [
            ("<b>x</b>", "&lt;b>x&lt;/b>"),
            ("<!-- x --> <?x", "&lt;!-- x --> &lt;?x"),
            ("5 < 10 <3 a<", "5 < 10 <3 a<"),
        ] {
            assert_eq!(defused(text), expected);
        }
    }

    #[test]
    fn nothing_in_a_report_steers_a_screen() {
        for (text, expected) in [
            ("a\tb\nc\r\n", "a\tb\nc\n"),
            ("\u{1b}[31mred\u{9b}0m\u{0}", "[31mred0m"),
            ("\u{202e}gnp.exe\u{2069}\u{200f}", "gnp.exe"),
            ("café 日本 — «x»", "café 日本 — «x»"),
        ] {
            assert_eq!(plain(text), expected);
        }
    }

    #[test]
    fn what_somebody_changed_stays_theirs() {
        let dir = tempfile::tempdir().unwrap();
        let mut memory = Memory::default();
        let mut go = |text: &str| {
            let mut delivered = Delivered::default();
            write(dir.path(), "r.md", text, &mut memory, &mut delivered).unwrap();
            let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
            let written: Vec<String> = delivered.written.iter().map(name).collect();
            let kept = delivered.kept.iter().map(|(kept, _)| name(kept));
            (written.join(" "), kept.collect::<Vec<_>>().join(" "))
        };
        let read = |name: &str| std::fs::read_to_string(dir.path().join(name)).unwrap();
        let pair = |written: &str, kept: &str| (written.to_owned(), kept.to_owned());
        assert_eq!(go("one"), pair("r.md", ""));
        assert_eq!(go("one"), pair("", ""));
        assert_eq!(go("two"), pair("r.md", ""), "naos's own is replaced");
        std::fs::write(dir.path().join("r.md"), "mine").unwrap();
        assert_eq!(go("two"), pair("", ""), "nothing newer");
        assert_eq!(go("three"), pair("r-2.md", "r.md"));
        assert_eq!(go("four"), pair("r-2.md", "r.md"));
        std::fs::write(dir.path().join("r-2.html"), "<p>mine").unwrap();
        assert_eq!(go("five"), pair("r-3.md", "r.md"));
        assert_eq!(go("five"), pair("", ""));
        assert_eq!(
            (read("r.md"), read("r-2.md")),
            ("mine".into(), "four".into())
        );
        assert_eq!(
            (read("r-2.html"), read("r-3.md")),
            ("<p>mine".into(), "five".into())
        );
        // What is gone is written again where it was; what somebody changed never is.
        for gone in [&["r-3.md"][..], &["r-3.html"], &["r-3.md", "r-3.html"]] {
            for name in gone {
                std::fs::remove_file(dir.path().join(name)).unwrap();
            }
            assert_eq!(go("five"), pair("r-3.md", ""), "{gone:?}");
            assert_eq!(read("r-3.md"), "five");
            assert!(dir.path().join("r-3.html").exists());
        }
        std::fs::write(dir.path().join("r-3.md"), "mine too").unwrap();
        std::fs::remove_file(dir.path().join("r-3.html")).unwrap();
        assert_eq!(go("five"), pair("r-3.md", ""));
        assert_eq!(
            (read("r.md"), read("r-3.md")),
            ("mine".into(), "mine too".into())
        );
        assert_eq!(go("six"), pair("r-4.md", "r.md"));
    }

    #[test]
    fn a_memory_that_says_no_place_is_understood() {
        let text = r#"{"files": {"r.md": "A", "r-2.md": "B"}, "documents": {"r.md": "B"}}"#;
        let memory: Memory = serde_json::from_str(text).unwrap();
        assert_eq!(memory.place("r.md", "B"), Some(2));
        assert_eq!(memory.place("r.md", "A"), None);
        assert_eq!(memory.place("other.md", "A"), None);
    }
}
