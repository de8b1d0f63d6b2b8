//! A strict reader of the pages: what it accepts, a browser and a screen reader understand too.

use std::collections::HashSet;

use super::frame::{Page, render};
use super::sample;
use crate::locale::Locale;

const VOID: [&str; 6] = ["meta", "link", "input", "br", "hr", "img"];
/// Elements of drawings may close themselves.
const SELF_CLOSING: [&str; 2] = ["path", "rect"];

/// Renders a page in every language, reads each, and hands back the English one.
pub(super) fn page<P: Page>(page: &P) -> String {
    let shell = sample::shell(&str::to_owned);
    for locale in Locale::all() {
        let html = render(&shell, locale, page).expect("the page renders");
        well_formed(&html);
        assert!(
            !html.contains('⟦'),
            "{}: a message is missing in\n{html}",
            locale.code()
        );
    }
    render(&shell, Locale::default(), page).expect("the page renders")
}

/// Fails with the page where the text isn't in it.
#[track_caller]
pub(super) fn contains(html: &str, expected: &str) {
    assert!(
        html.contains(expected),
        "{expected:?} is missing in\n{html}"
    );
}

/// What one reads between the tags, spaces collapsed.
pub(super) fn text(html: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for c in html.chars() {
        match c {
            '<' => inside = true,
            '>' => inside = false,
            c if !inside => out.push(c),
            _ => {}
        }
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Fails where tags don't balance, ids repeat, something is inline or a control has no name.
#[track_caller]
pub(super) fn well_formed(html: &str) {
    let read = Reader::new(html).read();
    for (what, wanted) in [("main", 1), ("h1", 1), ("title", 1)] {
        let found = read.names.iter().filter(|name| *name == what).count();
        let drawings = read.names.iter().filter(|name| *name == "rect").count();
        let wanted = if what == "title" {
            wanted + drawings
        } else {
            wanted
        };
        assert_eq!(found, wanted, "<{what}> in\n{html}");
    }
    for reference in &read.references {
        assert!(
            read.ids.contains(reference),
            "#{reference} leads nowhere in\n{html}"
        );
    }
    for label in &read.unnamed {
        assert!(
            read.labels.contains(label),
            "the control {label:?} has no label in\n{html}"
        );
    }
}

struct Reader<'a> {
    html: &'a str,
    open: Vec<String>,
    names: Vec<String>,
    ids: HashSet<String>,
    /// Ids that labels, descriptions and links within the page refer to.
    references: Vec<String>,
    labels: HashSet<String>,
    unnamed: Vec<String>,
    forms_without_key: usize,
}

impl<'a> Reader<'a> {
    fn new(html: &'a str) -> Reader<'a> {
        Reader {
            html,
            open: Vec::new(),
            names: Vec::new(),
            ids: HashSet::new(),
            references: Vec::new(),
            labels: HashSet::new(),
            unnamed: Vec::new(),
            forms_without_key: 0,
        }
    }

    fn read(mut self) -> Reader<'a> {
        let mut rest = self
            .html
            .strip_prefix("<!doctype html>")
            .expect("the document type");
        while let Some(start) = rest.find('<') {
            let stray = rest[..start].find('>');
            assert!(stray.is_none(), "a stray > near {:?}", &rest[..start]);
            rest = self.tag(&rest[start + 1..]);
        }
        assert!(self.open.is_empty(), "never closed: {:?}", self.open);
        assert_eq!(self.forms_without_key, 0, "a form has no idempotency key");
        self
    }

    /// Reads one tag and hands back what follows it.
    fn tag(&mut self, tag: &'a str) -> &'a str {
        if let Some(closing) = tag.strip_prefix('/') {
            let (name, after) = closing.split_once('>').expect("the tag ends");
            assert_eq!(self.open.pop().as_deref(), Some(name), "before {after:.80}");
            return after;
        }
        let end = tag
            .find(|c: char| !c.is_ascii_alphanumeric())
            .expect("the tag ends");
        let (name, mut rest) = tag.split_at(end);
        assert!(!name.is_empty(), "a stray < before {rest:.80}");
        let mut attributes: Vec<(&str, &str)> = Vec::new();
        loop {
            rest = rest.trim_start();
            if let Some(after) = rest.strip_prefix("/>") {
                let allowed = SELF_CLOSING.contains(&name) || VOID.contains(&name);
                assert!(allowed, "<{name}/> closes itself");
                self.element(name, &attributes);
                return after;
            }
            if let Some(after) = rest.strip_prefix('>') {
                self.element(name, &attributes);
                if !VOID.contains(&name) {
                    self.open.push(name.to_owned());
                }
                return after;
            }
            let end = rest
                .find(['=', '>', ' ', '\n'])
                .expect("the attribute ends");
            let (key, after) = rest.split_at(end);
            assert!(
                !key.is_empty() && !key.contains(['<', '"', '\'']),
                "{key:?} in <{name}>"
            );
            assert!(
                attributes.iter().all(|(other, _)| *other != key),
                "{key} twice in <{name}>"
            );
            let Some(value) = after.strip_prefix("=\"") else {
                attributes.push((key, ""));
                rest = after;
                continue;
            };
            let (value, after) = value.split_once('"').expect("the value ends");
            assert!(!value.contains('<'), "{key}={value:?} in <{name}>");
            attributes.push((key, value));
            rest = after;
        }
    }

    fn element(&mut self, name: &str, attributes: &[(&str, &str)]) {
        let get = |key: &str| {
            attributes
                .iter()
                .find(|(other, _)| *other == key)
                .map(|(_, value)| *value)
        };
        for (key, value) in attributes {
            assert!(
                !key.starts_with("on") && *key != "style",
                "inline {key} in <{name}>"
            );
            match *key {
                "id" => assert!(
                    self.ids.insert((*value).to_owned()),
                    "the id {value} repeats"
                ),
                "for" => {
                    self.labels.insert((*value).to_owned());
                    self.references.push((*value).to_owned());
                }
                "aria-labelledby" | "aria-describedby" => {
                    self.references.push((*value).to_owned());
                }
                "href" | "src" | "action" => self.address(name, value),
                _ => {}
            }
        }
        match name {
            "style" => panic!("an inline style sheet"),
            "script" => assert!(get("src").is_some(), "an inline script"),
            "img" => assert!(get("alt").is_some(), "an image without words"),
            "svg" => {
                let grouped = get("role") == Some("group") && get("aria-labelledby").is_some();
                let named = get("aria-hidden").is_some() || get("role") == Some("img") || grouped;
                assert!(named, "a drawing that is neither hidden nor named");
            }
            "form" if get("method") == Some("post") => self.forms_without_key += 1,
            "input" if get("name") == Some("idempotency_key") => {
                assert!(
                    get("value").is_some_and(|key| !key.is_empty()),
                    "an empty key"
                );
                self.forms_without_key -= 1;
            }
            "input" | "textarea" | "select" => {
                let named =
                    get("type") == Some("hidden") || self.open.iter().any(|open| open == "label");
                if !named {
                    self.unnamed.push(get("id").unwrap_or_default().to_owned());
                }
            }
            _ => {}
        }
        self.names.push(name.to_owned());
    }

    fn address(&mut self, name: &str, address: &str) {
        if let Some(id) = address.strip_prefix('#') {
            // A refused address leads to the top of the page.
            if !id.is_empty() {
                self.references.push(id.to_owned());
            }
            return;
        }
        let inside = address.starts_with('/') && !address.starts_with("//");
        let outside = name == "a"
            && ["https://", "http://", "mailto:"]
                .iter()
                .any(|scheme| address.starts_with(scheme));
        assert!(inside || outside, "<{name}> leads to {address:?}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reader_finds_what_is_wrong() {
        let frame = |body: &str| {
            format!("<!doctype html><html><title>t</title><main><h1>x</h1>{body}</main></html>")
        };
        well_formed(&frame("<p>a &lt; b</p>"));
        for wrong in [
            "<p>",
            "</p>",
            "<p></b>",
            "<p onclick=\"x\"></p>",
            "<p style=\"x\"></p>",
            "<style></style>",
            "<script>x</script>",
            "<p id=\"a\"></p><p id=\"a\"></p>",
            "<p id=\"a\" id=\"b\"></p>",
            "<a href=\"javascript:x\">a</a>",
            "<a href=\"//x\">a</a>",
            "<a href=\"#nowhere\">a</a>",
            "<input name=\"q\">",
            "<form method=\"post\"></form>",
            "<h1>y</h1>",
            "a > b",
        ] {
            let html = frame(wrong);
            let found = std::panic::catch_unwind(|| well_formed(&html));
            assert!(found.is_err(), "{wrong} passed");
        }
    }
}
