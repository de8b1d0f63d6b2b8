//! Markdown as HTML that is safe to show: raw HTML stays text, links lead only where a reader
//! would expect, images become links, and `file:line` citations lead to their source.

use pulldown_cmark::{Alignment, CowStr, Event, Options, Parser, Tag, TagEnd, html};

use super::document::Citation;
use super::filters::push_escaped;

/// How much Markdown one page renders; the rest is cut at a character.
pub const MARKDOWN_BYTES_MAX: usize = 256 * 1024;

/// What a link may begin with; on a page of naos, a path or a fragment will do as well.
const SCHEMES: [&str; 3] = ["https://", "http://", "mailto:"];

/// The page has the first level of heading for itself.
const HEADING_SHIFT: usize = 1;

/// Renders the source; texts that name a citation as `file:line` become links to it.
pub fn to_html(source: &str, citations: &[Citation]) -> String {
    let end = source.floor_char_boundary(MARKDOWN_BYTES_MAX);
    render(&source[..end], citations, false)
}

/// Renders the whole source for a file of its own: headings keep their level, and links lead to
/// the web or to a mailbox only, since a path would lead into the reader's disk.
pub fn to_html_alone(source: &str) -> String {
    render(source, &[], true)
}

fn render(source: &str, citations: &[Citation], alone: bool) -> String {
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut safely = Safely {
        citations,
        alone,
        links: Vec::new(),
        columns: Vec::new(),
        column: 0,
        cell: "",
    };
    let events = Parser::new_ext(source, options).flat_map(|event| safely.event(event));
    let mut out = String::with_capacity(source.len() * 3 / 2);
    html::push_html(&mut out, events);
    out
}

/// What has to be remembered from one event to the next.
struct Safely<'c> {
    citations: &'c [Citation],
    /// The page is a file, and not one of naos's own.
    alone: bool,
    /// For each open link whether it was written.
    links: Vec<bool>,
    columns: Vec<Alignment>,
    column: usize,
    /// The element of the cells in this row.
    cell: &'static str,
}

impl Safely<'_> {
    fn event<'a>(&mut self, event: Event<'a>) -> Vec<Event<'a>> {
        match event {
            Event::Html(raw) | Event::InlineHtml(raw) => vec![Event::Text(raw)],
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                self.open(&dest_url)
            }
            Event::End(TagEnd::Link | TagEnd::Image) => {
                let opened = self.links.pop().unwrap_or_default();
                if opened {
                    vec![Event::InlineHtml("</a>".into())]
                } else {
                    Vec::new()
                }
            }
            Event::Start(Tag::Heading { level, .. }) => vec![self.heading("<", level)],
            Event::End(TagEnd::Heading(level)) => vec![self.heading("</", level)],
            Event::Code(text) if self.links.is_empty() => match find(&text, self.citations) {
                Some(found) => vec![Event::InlineHtml(cited(found, self.citations).into())],
                None => vec![Event::Code(text)],
            },
            Event::Text(text) if self.links.is_empty() => with_citations(text, self.citations),
            Event::TaskListMarker(done) => vec![Event::InlineHtml(mark(done).into())],
            other => self.table(other),
        }
    }

    fn heading(&self, open: &str, level: pulldown_cmark::HeadingLevel) -> Event<'static> {
        let shift = if self.alone { 0 } else { HEADING_SHIFT };
        let level = (level as usize + shift).min(6);
        Event::Html(format!("{open}h{level}>").into())
    }

    fn open<'a>(&mut self, address: &str) -> Vec<Event<'a>> {
        // A link inside a link (an image in one) would not be well-formed.
        let safe = is_safe(address, self.alone) || crate::planted::any_link();
        let written = safe && !self.links.contains(&true);
        self.links.push(written);
        if written {
            vec![Event::InlineHtml(opening(address).into())]
        } else {
            Vec::new()
        }
    }

    /// Cells are aligned by class: the style sheet's policy admits no `style` attribute.
    fn table<'a>(&mut self, event: Event<'a>) -> Vec<Event<'a>> {
        match event {
            Event::Start(Tag::Table(columns)) => {
                let plain = vec![Alignment::None; columns.len()];
                self.columns = columns;
                let div = Event::Html("<div class=\"wide\" tabindex=\"0\">".into());
                vec![div, Event::Start(Tag::Table(plain))]
            }
            Event::End(TagEnd::Table) => {
                vec![Event::End(TagEnd::Table), Event::Html("</div>".into())]
            }
            Event::Start(Tag::TableHead | Tag::TableRow) => {
                self.cell = if event == Event::Start(Tag::TableHead) {
                    "th"
                } else {
                    "td"
                };
                self.column = 0;
                vec![event]
            }
            Event::Start(Tag::TableCell) => {
                let right = self.columns.get(self.column) == Some(&Alignment::Right);
                self.column += 1;
                let class = if right { " class=\"r\"" } else { "" };
                vec![Event::InlineHtml(format!("<{}{class}>", self.cell).into())]
            }
            Event::End(TagEnd::TableCell) => {
                vec![Event::InlineHtml(format!("</{}>", self.cell).into())]
            }
            other => vec![other],
        }
    }
}

/// A sign and no form control: nobody can tick it.
fn mark(done: bool) -> &'static str {
    if done {
        "<span class=\"mark-done\">☑</span> "
    } else {
        "<span class=\"mark-open\">☐</span> "
    }
}

fn is_safe(address: &str, alone: bool) -> bool {
    if address.contains(|c: char| c.is_control()) {
        return false;
    }
    let lower = address.to_ascii_lowercase();
    let inside = address.starts_with('#')
        || address.starts_with('/') && !address[1..].starts_with(['/', '\\']);
    SCHEMES.iter().any(|scheme| lower.starts_with(scheme)) || inside && !alone
}

fn opening(address: &str) -> String {
    let mut html = String::from("<a href=\"");
    push_escaped(&mut html, address);
    html.push_str("\" rel=\"noopener noreferrer nofollow\">");
    html
}

fn find(text: &str, citations: &[Citation]) -> Option<usize> {
    let (file, line) = text.trim().rsplit_once(':')?;
    let line: u32 = line.parse().ok()?;
    citations
        .iter()
        .position(|citation| citation.file == file && citation.line == line)
}

fn cited(index: usize, citations: &[Citation]) -> String {
    let citation = &citations[index];
    let mut html = format!("<a class=\"cite\" href=\"#source-{}\">", index + 1);
    push_escaped(&mut html, &citation.file);
    html.push_str(&format!(":{}</a>", citation.line));
    html
}

/// Splits running text around the citations in it.
fn with_citations<'a>(text: CowStr<'a>, citations: &[Citation]) -> Vec<Event<'a>> {
    if citations.is_empty() || !text.contains(':') {
        return vec![Event::Text(text)];
    }
    let is_part = |c: char| !c.is_whitespace() && !"()[]<>,;\"'".contains(c);
    let mut events = Vec::new();
    let mut plain = String::new();
    let mut rest: &str = &text;
    while !rest.is_empty() {
        let inside = rest.starts_with(is_part);
        let end = rest.find(|c| is_part(c) != inside).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        let word = run.trim_end_matches(['.', ':', '!', '?']);
        if let Some(found) = inside.then(|| find(word, citations)).flatten() {
            events.push(Event::Text(std::mem::take(&mut plain).into()));
            events.push(Event::InlineHtml(cited(found, citations).into()));
            plain.push_str(&run[word.len()..]);
        } else {
            plain.push_str(run);
        }
        rest = after;
    }
    events.push(Event::Text(plain.into()));
    events
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, expected: &str) {
        let citations = [
            Citation::new("notes/2026-10-02.md", 14, "", None),
            Citation::new("a<b>.md", 1, "", None),
        ];
        assert_eq!(to_html(source, &citations).trim(), expected, "{source}");
    }

    #[test]
    fn ordinary_text() {
        check("# Week 41", "<h2>Week 41</h2>");
        check("###### Deep", "<h6>Deep</h6>");
        check("a **b** `c`", "<p>a <strong>b</strong> <code>c</code></p>");
        check(
            "- [x] done\n- [ ] open",
            "<ul>\n<li><span class=\"mark-done\">☑</span> done</li>\n\
             <li><span class=\"mark-open\">☐</span> open</li>\n</ul>",
        );
    }

    #[test]
    fn raw_html_stays_text() {
        check(
            "<script>alert(1)</script>",
            "&lt;script&gt;alert(1)&lt;/script&gt;",
        );
        check(
            "a <b onclick=x>c</b>",
            "<p>a &lt;b onclick=x&gt;c&lt;/b&gt;</p>",
        );
        check(
            "```\n</code><script>\n```",
            "<pre><code>&lt;/code&gt;&lt;script&gt;\n</code></pre>",
        );
    }

    #[test]
    fn links_lead_where_a_reader_expects() {
        check(
            "[a](https://e.org/?x=1&y=\"2)",
            "<p><a href=\"https://e.org/?x=1&amp;y=&quot;2\" rel=\"noopener noreferrer nofollow\">\
             a</a></p>",
        );
        check(
            "[a](/runs/1)",
            "<p><a href=\"/runs/1\" rel=\"noopener noreferrer nofollow\">a</a></p>",
        );
        for address in [
            "javascript:alert(1)",
            "JaVaScript:alert(1)",
            "data:text/html,x",
            "//evil.org",
            "/\\evil.org",
            "vbscript:x",
            "java&#10;script:x",
        ] {
            check(&format!("[a](<{address}>)"), "<p>a</p>");
        }
    }

    #[test]
    fn a_file_of_its_own_links_to_the_web_only() {
        for (source, expected) in [
            ("# A", "<h1>A</h1>"),
            ("[a](/runs/1) [b](#c) [d](e.html)", "<p>a b d</p>"),
            ("[a](file:///etc/passwd)", "<p>a</p>"),
            (
                "<mailto:a@b.example>",
                "<p><a href=\"mailto:a@b.example\" rel=\"noopener noreferrer nofollow\">\
                 mailto:a@b.example</a></p>",
            ),
        ] {
            assert_eq!(to_html_alone(source).trim(), expected, "{source}");
        }
    }

    #[test]
    fn columns_are_aligned_by_class() {
        let html = to_html("| a | b |\n|---|--:|\n| 1 | 2 |", &[]);
        assert!(!html.contains("style"), "{html}");
        assert!(html.contains("<th>a</th><th class=\"r\">b</th>"), "{html}");
        assert!(html.contains("<td>1</td><td class=\"r\">2</td>"), "{html}");
    }

    #[test]
    fn an_image_in_a_link_stays_one_link() {
        let html = to_html("[![x](/a.png)](/b)", &[]);
        assert_eq!(html.matches("<a ").count(), 1, "{html}");
        assert_eq!(html.matches("</a>").count(), 1, "{html}");
    }

    #[test]
    fn an_image_is_a_link_and_loads_nothing() {
        let html = to_html("![logo](https://e.org/x.png)", &[]);
        assert!(
            html.contains(">logo</a>") && !html.contains("<img"),
            "{html}"
        );
    }

    #[test]
    fn citations_lead_to_their_source() {
        let link = "<a class=\"cite\" href=\"#source-1\">notes/2026-10-02.md:14</a>";
        check(
            "x (notes/2026-10-02.md:14).",
            &format!("<p>x ({link}).</p>"),
        );
        check("x `notes/2026-10-02.md:14`", &format!("<p>x {link}</p>"));
        check("at notes/2026-10-02.md:14.", &format!("<p>at {link}.</p>"));
        check("notes/2026-10-02.md:15", "<p>notes/2026-10-02.md:15</p>");
        check(
            "`a<b>.md:1`",
            "<p><a class=\"cite\" href=\"#source-2\">a&lt;b&gt;.md:1</a></p>",
        );
    }

    #[test]
    fn a_long_source_is_cut_at_a_character() {
        let html = to_html(&"é".repeat(MARKDOWN_BYTES_MAX), &[]);
        assert!(html.len() < MARKDOWN_BYTES_MAX + 64);
    }
}
