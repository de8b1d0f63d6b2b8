//! `naos memory search`: what an agent would recall, by the same rules.

use naos_kernel::recall::{Found, Hit, RECALL_HITS, RECALL_HITS_MAX};
use naos_types::Code;
use serde_json::Value;

use super::{Context, Ended, name};
use crate::fail::Fail;
use crate::out::cell;
use crate::session::{api, part};

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

pub(super) fn go(context: &Context, asked: &Search) -> Ended {
    let agent = name(&asked.agent)?;
    let (query, limit) = (part(&asked.query.join(" ")), asked.limit);
    // Whoever serves the agent knows by what it recalls.
    let mut session = context.session()?;
    let path = format!("/agents/{agent}/recall?query={query}&limit={limit}");
    let mut answer = session.get(api(&path))?;
    drop(session);
    if context.out.json {
        context.out.json(&answer);
        return Ok(0);
    }
    let left_out = answer["left_out"].as_u64().unwrap_or_default();
    let documents = answer["documents"].as_u64().unwrap_or_default();
    let found = found(&mut answer)?;
    if left_out > 0 {
        let what = format!("{left_out} documents weren't looked through: there was no room");
        context.out.note(what);
    }
    if let Some(what) = found.without_meaning() {
        context.out.note(what);
    }
    if found.hits.is_empty() {
        let passages = found.passages;
        context.out.say(format!(
            "Nothing that {agent} remembers fits: {passages} passages of {documents} documents."
        ));
        return Ok(0);
    }
    let rows: Vec<Vec<String>> = found.hits.iter().map(row).collect();
    let head = ["what", "sure", "from", "when", "where"];
    context.out.table(&head, &rows);
    Ok(0)
}

/// An answer as what was found, which calls its hits otherwise.
fn found(answer: &mut Value) -> Result<Found, Fail> {
    answer["hits"] = answer["items"].take();
    serde_json::from_value(answer.take()).map_err(|error| {
        let what = format!("the answer can't be read: {error}");
        Fail::new(Code::INTERNAL, what).help("the daemon may be of another version: start it anew")
    })
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
