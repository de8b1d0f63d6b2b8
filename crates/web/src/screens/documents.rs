//! `/documents`.

use axum::response::IntoResponse;
use http::header;
use naos_engine::read::Reader;
use naos_kernel::document::Document;
use naos_types::{Code, DocPath};

use super::rows;
use crate::api::v1::documents::{Content, content, one};
use crate::door::{Answered, Call};
use crate::error::Fault;
use crate::pages::document::{Citation, Document as DocumentPage};

/// How many sources of a document are looked up.
const CITATIONS_MAX: usize = 100;
/// How much of a line is quoted, in characters.
const QUOTE_CHARS_MAX: usize = 200;

pub(crate) async fn show(call: Call) -> Answered {
    let path = DocPath::new(call.param("path")).map_err(|e| Fault::new(Code::NOT_FOUND, e))?;
    let reader = call.reader()?;
    let version = call.number("version", 0, u64::MAX)?;
    let document = one(&reader, &path, version).await?;
    let (picture, markdown) = match content(&reader, &document)? {
        Content::Picture(..) => (true, String::new()),
        Content::Text(text) => (false, text),
    };
    let heading = markdown.lines().find_map(|line| line.strip_prefix("# "));
    let name = path.as_str().rsplit('/').next().unwrap_or_default();
    let page = DocumentPage {
        path: path.as_str().trim_start_matches('/').to_owned(),
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
