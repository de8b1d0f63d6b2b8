//! Writes approved reports where people look for them: as Markdown, and as a page of its own.

use std::path::{Path, PathBuf};

use crate::fail::Fail;
use crate::session::{Session, api, part};

/// Where reports stand among the documents.
const FOLDER: &str = "/reports/";

/// Writes every report that isn't written yet in its last version into `dir/reports`, as `.md`
/// and `.html`; gives the paths of those that are new.
pub(crate) fn deliver(session: &mut Session, dir: &Path) -> Result<Vec<PathBuf>, Fail> {
    let list = session.get(api(&format!("/documents?prefix={}", part(FOLDER))))?;
    let mut written = Vec::new();
    for item in list["items"].as_array().into_iter().flatten() {
        let Some(name) = item["path"]
            .as_str()
            .and_then(|path| path.strip_prefix(FOLDER))
        else {
            continue;
        };
        let path: Vec<String> = name.split('/').map(part).collect();
        let document = session.get(api(&format!("/documents/reports/{}", path.join("/"))))?;
        let text = document["text"].as_str().unwrap_or_default();
        let markdown = dir.join("reports").join(name);
        let html = markdown.with_extension("html");
        let news = [
            put(&markdown, text.as_bytes())?,
            put(&html, page(name, text).as_bytes())?,
        ];
        if news.contains(&true) {
            written.push(markdown);
        }
    }
    Ok(written)
}

/// Writes a file unless it holds just this; says whether it did.
fn put(path: &Path, bytes: &[u8]) -> Result<bool, Fail> {
    if std::fs::read(path).is_ok_and(|there| there == bytes) {
        return Ok(false);
    }
    let failed = |e: std::io::Error| Fail::io(format!("write {}", path.display()), &e);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let new = path.with_extension("new");
    std::fs::write(&new, bytes).map_err(failed)?;
    std::fs::rename(&new, path).map_err(failed)?;
    Ok(true)
}

const STYLE: &str = "body{max-width:44rem;margin:2rem auto;padding:0 1rem;font:16px/1.6 \
    system-ui,sans-serif;color:#1a1a1a}h1,h2{line-height:1.25}h2{margin-top:2rem;border-bottom:1px \
    solid #ddd}table{border-collapse:collapse}td,th{border:1px solid #ddd;padding:.3rem .6rem}";

/// A page that needs nothing beside itself. Raw HTML in the report stays text.
fn page(name: &str, markdown: &str) -> String {
    use pulldown_cmark::{Event, Options, Parser, html};
    let plain = |event| match event {
        Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
        other => other,
    };
    let mut body = String::new();
    html::push_html(
        &mut body,
        Parser::new_ext(markdown, Options::ENABLE_TABLES).map(plain),
    );
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
}
