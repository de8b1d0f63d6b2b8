//! `naos memory search`: what an agent would recall, by the same rules.

use naos_kernel::recall::{self, Document, Grams, Hit, RECALL_HITS, RECALL_HITS_MAX};
use naos_types::Code;
use serde_json::{Value, json};

use super::{Context, Ended, folder};
use crate::fail::Fail;
use crate::out::cell;
use crate::session::Session;
use crate::workspace;

#[derive(clap::Args)]
pub(super) struct Search {
    /// Whose.
    agent: String,
    /// What is looked for, in a few words.
    #[arg(required = true)]
    query: Vec<String>,
    /// How many hits at most.
    #[arg(long, default_value_t = RECALL_HITS as u64, value_name = "N",
          value_parser = clap::value_parser!(u64).range(1..=RECALL_HITS_MAX as u64))]
    limit: u64,
}

/// The documents that an agent recalls from, and how many there is no room for.
pub(super) fn documents(
    session: &mut Session,
    folder: &str,
) -> Result<(Vec<Document>, usize), Fail> {
    let listed = workspace::recalled(session, folder)?;
    let (listed, left_out) = recall::with_room(listed, |one| one.bytes);
    let mut out = Vec::with_capacity(listed.len());
    for one in listed {
        // It may be gone by now.
        if let Some((text, _)) = workspace::document(session, &one.path)? {
            let (path, day) = (one.path, one.day);
            out.push(Document { path, day, text });
        }
    }
    Ok((out, left_out))
}

pub(super) fn go(context: &Context, asked: &Search) -> Ended {
    let query = asked.query.join(" ");
    let query = recall::query(&query).map_err(|what| Fail::new(Code::BAD_REQUEST, what))?;
    let mut session = context.session()?;
    let (agent, folder) = folder(&mut session, &asked.agent)?;
    let (all, left_out) = documents(&mut session, &folder)?;
    drop(session);
    let found = recall::search(&all, query, asked.limit as usize, &Grams);
    if context.out.json {
        context.out.json(&json!({
            "items": found.hits,
            "next": null,
            "fit": found.fit,
            "passages": found.passages,
            "documents": all.len(),
            "left_out": left_out,
        }));
        return Ok(0);
    }
    if left_out > 0 {
        let what = format!("{left_out} documents weren't looked through: there was no room");
        context.out.note(what);
    }
    if found.hits.is_empty() {
        let (passages, count) = (found.passages, all.len());
        context.out.say(format!(
            "Nothing that {agent} remembers fits: {passages} passages of {count} documents."
        ));
        return Ok(0);
    }
    let rows: Vec<Vec<String>> = found.hits.iter().map(row).collect();
    let head = ["what", "sure", "from", "when", "where"];
    context.out.table(&head, &rows);
    Ok(0)
}

fn row(hit: &Hit) -> Vec<String> {
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    vec![
        words(&hit.text),
        cell(&hit.confidence.map_or(Value::Null, Value::from)),
        words(hit.source.as_deref().unwrap_or_default()),
        hit.date.clone(),
        format!("{}:{}", hit.document, hit.line),
    ]
}
