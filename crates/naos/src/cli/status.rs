//! `naos status`

use serde_json::{Value, json};

use super::{Context, Ended};
use crate::out::{Out, cell};
use crate::session::api;
use crate::sync::{self, Remembered};

/// Says how things stand: agents, runs, the journal, and whether a daemon is up.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  naos status\n  naos status reader\n  naos status --json")]
pub(crate) struct Status {
    /// Only this agent.
    agent: Option<String>,
}

pub(crate) fn go(context: &Context, status: &Status) -> Ended {
    let out = &context.out;
    if let Some(agent) = &status.agent {
        let agent = super::name(agent)?;
        let mut session = context.session()?;
        let found = session.get(api(&format!("/agents/{agent}")))?;
        drop(session);
        if out.json {
            out.json(&found);
        } else {
            out.line(format!("{agent}: {}", cell(&found["status"])));
        }
        return Ok(0);
    }
    let project = context.project()?;
    let mut session = context.session()?;
    let mut answer = session.get(api("/status"))?;
    let daemon = session
        .daemon()
        .map(|d| json!({"pid": d.pid, "port": d.port}));
    drop(session);
    let vanished: Vec<String> = vanished(&project);
    answer["daemon"] = json!(daemon);
    answer["vanished"] = json!(vanished);
    if out.json {
        out.json(&answer);
    } else {
        show(out, &answer, &vanished);
    }
    Ok(0)
}

/// What the project's files made earlier and don't name any more.
fn vanished(project: &crate::project::Project) -> Vec<String> {
    let Ok(documents) = sync::own_documents(project) else {
        return Vec::new();
    };
    let mut named = Vec::new();
    for document in &documents {
        let read = naos_manifest::parse_document(
            &document.label,
            &document.text,
            &naos_manifest::NoFiles,
            &naos_manifest::NoChecks,
        );
        // What doesn't parse names nothing that could be missed.
        let Ok(read) = read else { return Vec::new() };
        let all = read.named().into_iter();
        named.extend(all.map(|(kind, name)| (kind.word(), name.to_string())));
    }
    let remembered = Remembered::of(project).items;
    let gone = |(kind, name): &(String, String)| {
        kind != "budget" && !named.iter().any(|(k, n)| k == kind && n == name)
    };
    remembered
        .into_iter()
        .filter(gone)
        .map(|(kind, name)| format!("{kind} {name}"))
        .collect()
}

fn show(out: &Out, answer: &Value, vanished: &[String]) {
    let daemon = match answer["daemon"]["port"].as_u64() {
        Some(port) => format!("up at http://127.0.0.1:{port}"),
        None => "not up (naos up starts it)".into(),
    };
    out.line(format!("naos {}, {daemon}", cell(&answer["version"])));
    let row = |agent: &Value| {
        ["name", "status", "runs", "failed"]
            .iter()
            .map(|key| cell(&agent[*key]))
            .collect()
    };
    let agents: Vec<Vec<String>> = answer["agents"]
        .as_array()
        .into_iter()
        .flatten()
        .map(row)
        .collect();
    if agents.is_empty() {
        out.line("No agents yet: naos create NAME --template T");
    } else {
        out.table(&["agent", "status", "runs", "failed"], &agents);
    }
    let counted = |(word, count): (&String, &Value)| match count.as_u64() {
        Some(0) | None => None,
        Some(count) => Some(format!("{count} {word}")),
    };
    let runs: Vec<String> = answer["runs"]
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(counted)
        .collect();
    if !runs.is_empty() {
        out.line(format!("Runs: {}", runs.join(", ")));
    }
    let bytes = answer["disk_bytes"].as_u64().unwrap_or_default();
    out.line(format!(
        "Journal: {} facts; disk: {} KiB",
        cell(&answer["journal"]["seq"]),
        bytes >> 10
    ));
    out.line(format!("Recall: words and {}", cell(&answer["recall"])));
    if let Some(line) = dead_letters(&answer["dead_letters"]) {
        out.line(line);
    }
    super::inbox::stuck(out, answer);
    for what in vanished {
        out.line(format!(
            "{what} is not in the project's files any more (naos apply --prune)"
        ));
    }
}

/// The events that were put aside, and whose; none where there are none.
fn dead_letters(dead: &Value) -> Option<String> {
    let count = dead["count"].as_u64().filter(|count| *count > 0)?;
    let least = if dead["more"] == true {
        "at least "
    } else {
        ""
    };
    let events = if count == 1 {
        "event was"
    } else {
        "events were"
    };
    let of = dead["consumers"].as_object().into_iter().flatten();
    let of: Vec<String> = of
        .map(|(name, count)| format!("{count} of {name}"))
        .collect();
    Some(format!(
        "Dead letters: {least}{count} {events} put aside, {} (naos events dead list)",
        of.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dead_letters_are_counted_by_consumer() {
        let said = |dead: Value| dead_letters(&dead).unwrap_or_default();
        assert_eq!(said(Value::Null), "");
        assert_eq!(
            said(json!({"count": 0, "more": false, "consumers": {}})),
            ""
        );
        assert_eq!(
            said(json!({"count": 1, "more": false, "consumers": {"mailer": 1}})),
            "Dead letters: 1 event was put aside, 1 of mailer (naos events dead list)"
        );
        assert_eq!(
            said(json!({"count": 500, "more": true, "consumers": {"a": 499, "b": 1}})),
            "Dead letters: at least 500 events were put aside, 499 of a, 1 of b \
             (naos events dead list)"
        );
    }
}
