//! `/documents`.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use naos_engine::read::{Change, Reader};
use naos_kernel::DOCUMENTS_LISTED_MAX;
use naos_kernel::document::Document;
use naos_kernel::recall::{self, Embedder, Hit, RECALL_HITS, RECALL_HITS_MAX};
use naos_types::command::{self, Reply};
use naos_types::fact::document::Fact as Written;
use naos_types::picture::{PICTURE_BYTES_MAX, media_type};
use naos_types::{Code, DocPath, Refusal};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{LIMIT, LIMIT_MAX, NAMES_MAX, what_ifs};
use crate::door::{Answered, Call, ok};
use crate::error::Fault;

fn shape(path: &DocPath, document: &Document) -> Value {
    json!({
        "path": path,
        "version": document.version,
        "bytes": document.body.len,
        "time": document.at.rfc3339(),
        "by": document.by.to_string(),
        "run": document.run,
    })
}

pub(crate) fn path(call: &Call) -> Result<DocPath, Fault> {
    DocPath::new(call.param("path")).map_err(|e| Fault::new(Code::BAD_NAME, e))
}

pub(crate) async fn list(call: Call) -> Answered {
    let prefix = call.query("prefix").unwrap_or_default();
    let after = call.query("after").map(DocPath::new).transpose();
    let after = after.map_err(|e| Fault::new(Code::BAD_NAME, e))?;
    let limit = call.rows("limit", NAMES_MAX as u64, NAMES_MAX as u64)?;
    let mut found = call
        .reader()?
        .documents(prefix, after.as_ref(), limit + 1)?;
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().map(|(path, _)| path).filter(|_| more);
    let items: Vec<Value> = found.iter().map(|(path, d)| shape(path, d)).collect();
    ok(&json!({"items": items, "next": next}))
}

/// What was looked for in the documents beneath a path, and what was found.
pub(crate) struct Searched {
    /// The best, best first, each with the version of its document.
    pub(crate) hits: Vec<(Hit, u64)>,
    /// How many passages fit, and how many were looked through.
    pub(crate) fit: usize,
    pub(crate) passages: usize,
    /// How many documents were looked through, and for how many there was no room.
    pub(crate) documents: usize,
    pub(crate) left_out: usize,
    /// Whether there are more documents than were listed.
    pub(crate) is_cut: bool,
    /// Why letters stood in for what words mean.
    pub(crate) without_meaning: Option<String>,
}

/// Looks for what fits a query, what was written last first where there isn't room for all: as an
/// agent does with `context_search`.
pub(crate) fn searched(
    reader: &Reader,
    embedder: &dyn Embedder,
    (query, hits_max): (&str, usize),
    prefix: &str,
) -> Result<Searched, Fault> {
    let query = recall::query(query).map_err(|what| Fault::new(Code::BAD_REQUEST, what))?;
    let mut listed = reader.documents(prefix, None, DOCUMENTS_LISTED_MAX + 1)?;
    let is_cut = listed.len() > DOCUMENTS_LISTED_MAX;
    listed.truncate(DOCUMENTS_LISTED_MAX);
    listed.sort_by(|(a, one), (b, other)| (other.at, a).cmp(&(one.at, b)));
    let (listed, left_out) = recall::with_room(listed, |(_, document)| document.body.len);
    let mut texts = Vec::with_capacity(listed.len());
    let mut versions = BTreeMap::new();
    for (path, document) in &listed {
        // What was erased has nothing that could be found.
        let Ok(Content::Text(text)) = content(reader, document) else {
            continue;
        };
        let path = path.as_str().trim_start_matches('/').to_owned();
        versions.insert(path.clone(), document.version);
        let day = recall::day(document.at);
        texts.push(recall::Document { path, day, text });
    }
    let found = recall::search(&texts, query, hits_max, embedder);
    let version = |hit: Hit| {
        let version = versions.get(&hit.document).copied().unwrap_or_default();
        (hit, version)
    };
    Ok(Searched {
        without_meaning: found.without_meaning(),
        hits: found.hits.into_iter().map(version).collect(),
        fit: found.fit,
        passages: found.passages,
        documents: texts.len(),
        left_out,
        is_cut,
    })
}

pub(crate) async fn search(call: Call) -> Answered {
    let hits_max = call.rows("limit", RECALL_HITS as u64, RECALL_HITS_MAX as u64)?;
    let query = call.query("query").unwrap_or_default();
    let prefix = call.query("prefix").unwrap_or_default();
    let embedder = call.desk.app.node.embedder().clone();
    let found = searched(
        &call.reader()?,
        embedder.as_ref(),
        (query, hits_max),
        prefix,
    )?;
    let items = found.hits.iter().map(|(hit, version)| hit.told(*version));
    let items: Vec<Value> = items.collect();
    ok(&json!({
        "items": items,
        "next": null,
        "fit": found.fit,
        "passages": found.passages,
        "documents": found.documents,
        "left_out": found.left_out,
        "cut": found.is_cut,
        "without_meaning": found.without_meaning,
    }))
}

pub(crate) async fn show(call: Call) -> Answered {
    let path = path(&call)?;
    let reader = call.reader()?;
    let version = call.number("version", 0, u64::MAX)?;
    let document = one(&reader, &path, version).await?;
    let mut value = shape(&path, &document);
    if let Value::Object(members) = &mut value {
        match content(&reader, &document) {
            Ok(Content::Picture(kind, bytes)) => {
                members.insert("media_type".into(), json!(kind));
                members.insert("base64".into(), json!(STANDARD.encode(bytes)));
            }
            Ok(Content::Text(text)) => {
                members.insert("text".into(), text.into());
            }
            Err(why) if why.code == Code::ERASED => return Err(erased(&path, &document)),
            Err(_) => {
                members.insert("text".into(), "[unreadable]".into());
            }
        }
        members.insert("seq".into(), json!(reader.seq()?));
    }
    ok(&value)
}

/// What whoever asks for an erased version hears.
pub(crate) fn erased(path: &DocPath, document: &Document) -> Fault {
    let (shown, version) = (path.as_str().trim_start_matches('/'), document.version);
    let what = format!("version {version} of {shown} was erased: nobody can read it any more");
    let help = format!("`naos document history {shown}` says who erased it, and when");
    Refusal::new(Code::ERASED, what).help(help).into()
}

/// A document in one of its versions; 0 is the one that there is.
pub(crate) async fn one(
    reader: &Reader,
    path: &DocPath,
    version: u64,
) -> Result<Arc<Document>, Fault> {
    let there = reader.find::<Document>(path)?;
    if version == 0 || there.as_ref().is_some_and(|there| there.version == version) {
        return Ok(reader.known::<Document>(path, "document")?);
    }
    let (at, found) = reader.document_version(path, version).await?;
    Ok(Arc::new(Document {
        version: found.version,
        body: found.body,
        at,
        by: found.by,
        run: found.run,
    }))
}

pub(crate) async fn versions(call: Call) -> Answered {
    let path = path(&call)?;
    let before = call.number("before", 0, u64::MAX)?;
    let limit = call.rows("limit", LIMIT, LIMIT_MAX)?;
    let reader = call.reader()?;
    let before = (before > 0).then_some(before);
    let (found, next) = reader.document_changes(&path, before, limit)?;
    let row = |change: &Change| match &change.fact {
        Written::Written(f) => {
            let mut row = json!({"seq": change.seq, "version": f.version,
                "bytes": f.body.len, "time": change.at.rfc3339(), "by": f.by.to_string(),
                "run": f.run});
            if reader.is_erased(&f.body) {
                row["gone"] = json!(true);
            }
            row
        }
        Written::Erased(f) => json!({"seq": change.seq, "version": null,
            "erased": f.versions, "time": change.at.rfc3339(), "by": f.by.to_string()}),
        Written::Deleted(f) => json!({"seq": change.seq, "version": null,
            "time": change.at.rfc3339(), "by": f.by.to_string()}),
    };
    let items: Vec<Value> = found.iter().map(row).collect();
    // A page as all others: a number is given back as text.
    ok(&json!({"path": path, "items": items, "next": next.map(|seq| seq.to_string())}))
}

/// How two versions of a document differ.
pub(crate) struct Differing {
    pub(crate) path: DocPath,
    /// The older one; 0 where there was none.
    pub(crate) from: u64,
    pub(crate) to: u64,
    pub(crate) lines: Vec<what_ifs::Line>,
    /// Whether that isn't all.
    pub(crate) cut: bool,
}

/// Compares the versions that are asked for: the last one with the one before, unless said.
pub(crate) async fn differing(call: &Call) -> Result<Differing, Fault> {
    let path = path(call)?;
    let reader = call.reader()?;
    let to = one(&reader, &path, call.number("to", 0, u64::MAX)?).await?;
    let from = call.number("from", to.version.saturating_sub(1), u64::MAX)?;
    let text = |document: &Document| match content(&reader, document) {
        Ok(Content::Text(text)) => Ok(text),
        Ok(Content::Picture(..)) => {
            let what = format!("{path} is a picture: there are no lines to compare");
            Err(Fault::new(Code::WRONG_STATE, what))
        }
        Err(why) if why.code == Code::ERASED => Err(erased(&path, document)),
        Err(why) => Err(why.into()),
    };
    let before = match from {
        0 => String::new(), // before the first version there was nothing
        from => text(&*one(&reader, &path, from).await?)?,
    };
    let (lines, cut) = what_ifs::difference(&before, &text(&to)?);
    Ok(Differing {
        path,
        from,
        to: to.version,
        lines,
        cut,
    })
}

pub(crate) async fn difference(call: Call) -> Answered {
    let found = differing(&call).await?;
    ok(&json!({
        "path": found.path,
        "from": found.from,
        "to": found.to,
        "diff": what_ifs::told(&found.lines),
        "cut": found.cut,
    }))
}

/// What a document holds.
pub(crate) enum Content {
    Text(String),
    /// Its media type, and its bytes.
    Picture(&'static str, Vec<u8>),
}

pub(crate) fn content(reader: &Reader, document: &Document) -> Result<Content, Refusal> {
    let bytes = reader.bytes(&document.body)?;
    Ok(match media_type(&bytes) {
        Some(kind) => Content::Picture(kind, bytes),
        None => Content::Text(String::from_utf8_lossy(&bytes).into_owned()),
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Write {
    text: Option<String>,
    /// A picture in its place: RFC 4648, with padding.
    base64: Option<String>,
    expected: Option<u64>,
}

impl Write {
    /// What is to be kept: a text, or a picture of a kind that models see.
    fn content(self) -> Result<Vec<u8>, Fault> {
        let bad = |what: String| Fault::new(Code::BAD_REQUEST, what);
        match (self.text, self.base64) {
            (Some(text), None) => Ok(text.into_bytes()),
            (None, Some(text)) => {
                let bytes = STANDARD.decode(text.as_bytes());
                let bytes = bytes.map_err(|error| bad(format!("base64: {error}")))?;
                if media_type(&bytes).is_none() {
                    let what = "base64 is for pictures: PNG, JPEG, GIF or WebP";
                    return Err(bad(what.to_owned()));
                }
                if bytes.len() as u64 > PICTURE_BYTES_MAX {
                    let what = format!("a picture has at most {PICTURE_BYTES_MAX} bytes");
                    return Err(Fault::new(Code::TOO_LARGE, what));
                }
                Ok(bytes)
            }
            _ => Err(bad(
                "a document has `text`, or `base64` for a picture".to_owned()
            )),
        }
    }
}

pub(crate) async fn write(call: Call) -> Answered {
    let path = path(&call)?;
    let asked: Write = call.json()?;
    let expected = asked.expected;
    let (body, content) = call.content(asked.content()?)?;
    let command = command::Document::Write {
        path: path.clone(),
        body,
        expected,
    };
    let (seq, reply) = call.ask("", command, vec![content]).await?;
    let version = match reply {
        Reply::Version(version) => Some(version),
        _ => None,
    };
    ok(&json!({"path": path, "version": version, "seq": seq}))
}

pub(crate) async fn delete(call: Call) -> Answered {
    let path = path(&call)?;
    let command = command::Document::Delete { path: path.clone() };
    let (seq, _) = call.ask("", command, Vec::new()).await?;
    ok(&json!({"path": path, "seq": seq}))
}
