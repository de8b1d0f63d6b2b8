//! `/documents`.

use naos_kernel::document::Document;
use naos_types::command::{self, Reply};
use naos_types::{Code, DocPath};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{NAMES_MAX, shapes};
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

fn path(call: &Call) -> Result<DocPath, Fault> {
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

pub(crate) async fn show(call: Call) -> Answered {
    let path = path(&call)?;
    let reader = call.reader()?;
    let document = reader.known::<Document>(&path, "document")?;
    let mut value = shape(&path, &document);
    if let Value::Object(members) = &mut value {
        members.insert("text".into(), shapes::text(&reader, Some(&document.body)));
        members.insert("seq".into(), json!(reader.seq()?));
    }
    ok(&value)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Write {
    text: String,
    expected: Option<u64>,
}

pub(crate) async fn write(call: Call) -> Answered {
    let path = path(&call)?;
    let Write { text, expected } = call.json()?;
    let (body, content) = call.content(text)?;
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
