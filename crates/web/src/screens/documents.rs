//! `/documents`, and what became of each.

use axum::response::IntoResponse;
use http::header;
use naos_engine::read::{self, Reader};
use naos_kernel::document::Document;
use naos_kernel::recall::{Hit, RECALL_HITS_MAX};
use naos_types::fact::document::Fact;
use naos_types::{Actor, Code, DocPath, RunId, Seq, Time};

use super::{escape, rows, what_ifs};
use crate::api::v1::documents::{
    Content, Searched, content, differing, erased, one, path, searched,
};
use crate::door::{Answered, Call};
use crate::error::Fault;
use crate::pages::PAGE_ROWS_MAX;
use crate::pages::document::{Citation, Document as DocumentPage};
use crate::pages::documents::{
    Change, Difference, DocumentRow, Documents, Found, History, Passage, Written,
};
use crate::pages::words::ActorKind;

/// How many sources of a document are looked up.
const CITATIONS_MAX: usize = 100;
/// How much of a line is quoted, in characters.
const QUOTE_CHARS_MAX: usize = 200;

/// A path as people read it.
fn shown(path: &DocPath) -> String {
    path.as_str().trim_start_matches('/').to_owned()
}

pub(crate) async fn list(call: Call) -> Answered {
    let prefix = call.query("prefix").unwrap_or_default();
    let after = call.query("after").map(DocPath::new).transpose();
    let after = after.map_err(|e| Fault::new(Code::BAD_NAME, e))?;
    let reader = call.reader()?;
    let query = call.query("query").unwrap_or_default().trim();
    if !query.is_empty() {
        let found = searched(
            &reader,
            call.desk.app.node.embedder().as_ref(),
            (query, RECALL_HITS_MAX),
            prefix,
        )?;
        let page = Documents {
            documents: Vec::new(),
            prefix: prefix.to_owned(),
            more: None,
            query: query.to_owned(),
            found: Some(passages(found)),
        };
        return super::page(&call, &page);
    }
    let mut found = reader.documents(prefix, after.as_ref(), PAGE_ROWS_MAX + 1)?;
    let is_all = found.len() <= PAGE_ROWS_MAX;
    found.truncate(PAGE_ROWS_MAX);
    let last = found.last().filter(|_| !is_all);
    let page = Documents {
        more: last.map(|(path, _)| {
            let (prefix, after) = (escape(prefix), escape(&shown(path)));
            format!("/documents?prefix={prefix}&after={after}")
        }),
        documents: found
            .iter()
            .map(|(path, document)| DocumentRow {
                path: shown(path),
                versions: document.version,
                last: written(
                    &reader,
                    (document.at, &document.by),
                    document.body.len,
                    document.run,
                ),
            })
            .collect(),
        prefix: prefix.to_owned(),
        query: String::new(),
        found: None,
    };
    super::page(&call, &page)
}

fn passages(found: Searched) -> Found {
    let passage = |(hit, _): (Hit, u64)| Passage {
        path: hit.document,
        line: hit.line as u64,
        heading: hit.heading,
        text: hit.text,
    };
    Found {
        passages: found.hits.into_iter().map(passage).collect(),
        documents: found.documents as u64,
        left_out: found.left_out as u64,
    }
}

fn written(reader: &Reader, (at, by): (Time, &Actor), bytes: u64, run: Option<RunId>) -> Written {
    let (by, kind) = rows::actor(reader, by);
    Written {
        bytes,
        at_ms: at.0,
        by,
        by_agent: kind == ActorKind::Agent,
        run: run.map(|run| run.to_string()),
    }
}

/// What became of a document, be it there or not.
pub(crate) async fn versions(call: Call) -> Answered {
    let path = path(&call)?;
    let reader = call.reader()?;
    let before = call.number("before", 0, Seq::MAX)?;
    let before = (before > 0).then_some(before);
    let (found, next) = reader.document_changes(&path, before, PAGE_ROWS_MAX)?;
    let exists = reader.find::<Document>(&path)?.is_some();
    if found.is_empty() && before.is_none() && next.is_none() {
        let what = format!("nothing was ever written as {}", shown(&path));
        return Err(Fault::new(Code::NOT_FOUND, what));
    }
    let change = |change: &read::Change| match &change.fact {
        Fact::Written(f) => Change {
            version: Some(f.version),
            gone: reader.is_erased(&f.body),
            erased: Vec::new(),
            written: written(&reader, (change.at, &f.by), f.body.len, f.run),
        },
        Fact::Erased(f) => Change {
            version: None,
            gone: false,
            erased: f.versions.clone(),
            written: written(&reader, (change.at, &f.by), 0, None),
        },
        Fact::Deleted(f) => Change {
            version: None,
            gone: false,
            erased: Vec::new(),
            written: written(&reader, (change.at, &f.by), 0, None),
        },
    };
    let place = format!("/document-versions{}", coded(&path));
    let page = History {
        path: shown(&path),
        exists,
        changes: found.iter().map(change).collect(),
        newer: before.map(|_| place.clone()),
        older: next.map(|seq| format!("{place}?before={seq}")),
    };
    super::page(&call, &page)
}

/// A path as part of an address.
fn coded(path: &DocPath) -> String {
    let parts: Vec<String> = path.as_str().split('/').map(escape).collect();
    parts.join("/")
}

pub(crate) async fn diff(call: Call) -> Answered {
    let found = differing(&call).await?;
    let page = Difference {
        path: shown(&found.path),
        from: found.from,
        to: found.to,
        lines: found.lines.iter().map(what_ifs::line).collect(),
        cut: found.cut,
    };
    super::page(&call, &page)
}

pub(crate) async fn show(call: Call) -> Answered {
    let path = DocPath::new(call.param("path")).map_err(|e| Fault::new(Code::NOT_FOUND, e))?;
    let reader = call.reader()?;
    let version = call.number("version", 0, u64::MAX)?;
    let document = one(&reader, &path, version).await?;
    let (picture, markdown) = match content(&reader, &document) {
        Ok(Content::Picture(..)) => (true, String::new()),
        Ok(Content::Text(text)) => (false, text),
        Err(why) if why.code == Code::ERASED => return Err(erased(&path, &document)),
        Err(why) => return Err(why.into()),
    };
    let heading = markdown.lines().find_map(|line| line.strip_prefix("# "));
    let name = path.as_str().rsplit('/').next().unwrap_or_default();
    let page = DocumentPage {
        path: shown(&path),
        title: heading.unwrap_or(name).trim().to_owned(),
        version: document.version,
        written_ms: document.at.0,
        written_by: rows::actor(&reader, &document.by).0,
        run: document.run.map(|run| run.to_string()),
        citations: citations(&reader, &markdown),
        picture,
        markdown,
    };
    super::page(&call, &page)
}

/// A picture as it is: whatever it holds, a browser takes it for nothing else.
pub(crate) async fn picture(call: Call) -> Answered {
    let path = DocPath::new(call.param("path")).map_err(|e| Fault::new(Code::NOT_FOUND, e))?;
    let reader = call.reader()?;
    let document = reader.known::<Document>(&path, "document")?;
    let Content::Picture(kind, bytes) = content(&reader, &document)? else {
        return Err(Fault::new(Code::NOT_FOUND, format!("{path} is no picture")));
    };
    let heads = [
        (header::CONTENT_TYPE, kind),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; sandbox",
        ),
        (header::CACHE_CONTROL, "private, no-store"),
    ];
    Ok((heads, bytes).into_response())
}

/// What a text refers to as `file:line`, in the order of first mention; a source that is a
/// document of the tenant is quoted and linked.
pub(super) fn citations(reader: &Reader, markdown: &str) -> Vec<Citation> {
    let mut out: Vec<Citation> = Vec::new();
    let separates = |c: char| c.is_whitespace() || "()[]<>`\"',;|*".contains(c);
    for word in markdown.split(separates) {
        let word = word.trim_end_matches(['.', ':', '!', '?']);
        let Some((file, line)) = word.rsplit_once(':') else {
            continue;
        };
        let Ok(line) = line.parse::<u32>() else {
            continue;
        };
        let named = file.contains('.') && !file.contains("//") && !file.ends_with('.');
        let known = out.iter().any(|c| c.file == file && c.line == line);
        if !named || known || line == 0 {
            continue;
        }
        out.push(citation(reader, file, line));
        if out.len() == CITATIONS_MAX {
            break;
        }
    }
    out
}

fn citation(reader: &Reader, file: &str, line: u32) -> Citation {
    let found = DocPath::new(file).ok().and_then(|path| {
        let document = reader.find::<Document>(&path).ok()??;
        let text = reader.text(&document.body).ok()?;
        let quoted = text.lines().nth(line as usize - 1)?.trim();
        let quote: String = quoted.chars().take(QUOTE_CHARS_MAX).collect();
        Some((quote, format!("/documents{path}")))
    });
    match found {
        Some((quote, href)) => Citation::new(file, line, &quote, Some(&href)),
        None => Citation::new(file, line, "", None),
    }
}
