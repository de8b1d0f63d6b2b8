//! `/agents/{name}/recall`: what an agent would find in its memory, by the same rules and by the
//! same embedder.

use naos_engine::read::Reader;
use naos_kernel::document;
use naos_kernel::recall::{self, Document, Grams, RECALL_HITS, RECALL_HITS_MAX};
use naos_types::{Code, DocPath, Refusal, Time};
use serde_json::json;

use super::agents;
use crate::door::{Answered, Call, ok};
use crate::error::Fault;

pub(crate) async fn show(call: Call) -> Answered {
    let query = recall::query(call.query("query").unwrap_or_default());
    let query = query.map_err(|what| Fault::new(Code::BAD_REQUEST, what))?;
    let most = call.rows("limit", RECALL_HITS as u64, RECALL_HITS_MAX as u64)?;
    let reader = call.reader()?;
    let (name, agent) = agents::known(&call, &reader)?;
    let mind = agent.spec.mind.as_ref();
    let folder = mind.and_then(|mind| mind.workspace.clone());
    let folder = folder.ok_or_else(|| {
        let what = format!("{name} has no workspace");
        let help = format!("say in its manifest where it is: workspace: agents/{name}");
        Fault::from(Refusal::new(Code::NOT_FOUND, what).help(help))
    })?;
    // What a model is asked is paid by a run.
    let unasked = mind.and_then(|mind| mind.recall.as_ref());
    let unasked = unasked.map(|model| format!("{model} is asked by runs of {name} alone"));
    let seq = reader.seq()?;
    let embedder = call.desk.app.node.embedder();
    // A long read: on a thread of its own.
    let (all, left_out) = documents(&reader, &folder, call.now)?;
    let found = if naos_kernel::planted::is("people-recall-by-letters") {
        recall::search(&all, query, most, &Grams)
    } else {
        recall::search(&all, query, most, embedder.as_ref())
    };
    ok(&json!({
        "items": found.hits,
        "next": null,
        "fit": found.fit,
        "passages": found.passages,
        "documents": all.len(),
        "left_out": left_out,
        "by": embedder.about(),
        "by_letters": unasked.or(found.by_letters),
        "seq": seq,
    }))
}

/// The documents that it recalls from, and how many there is no room for.
fn documents(
    reader: &Reader,
    folder: &DocPath,
    now: Time,
) -> Result<(Vec<Document>, usize), Fault> {
    let broken = |what| Fault::new(Code::INTERNAL, what);
    let mut there = Vec::new();
    for path in recall::documents(folder, now).map_err(broken)? {
        if let Some(found) = reader.find::<document::Document>(&path)? {
            there.push((path, found));
        }
    }
    let (there, left_out) = recall::with_room(there, |(_, one)| one.body.len);
    let mut out = Vec::with_capacity(there.len());
    for (path, found) in there {
        // What can't be read isn't recalled either.
        let Ok(text) = reader.text(&found.body) else {
            continue;
        };
        out.push(Document {
            path: path.as_str().trim_start_matches('/').to_owned(),
            day: recall::day(found.at),
            text,
        });
    }
    Ok((out, left_out))
}
