//! `naos inspect [KIND] NAME`, `inspect AGENT --state`

use serde_json::{Value, json};

use super::{Context, Ended, get, name};
use crate::fail::Fail;
use crate::out::{Out, cell, count, money};
use crate::session::{Session, api, part};
use crate::workspace;

/// Shows one thing, as `naos get KIND NAME` does; an agent where no kind is said.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  naos inspect reader\n  naos inspect reader --state\n  \
    naos inspect plan weekly --json"
)]
pub(crate) struct Inspect {
    /// The kind of thing; the name of an agent where nothing follows.
    kind: String,
    /// Which one.
    name: Option<String>,
    /// What the agent keeps from run to run: its private state, its documents, its counters.
    #[arg(long)]
    state: bool,
}

pub(crate) fn go(context: &Context, inspect: &Inspect) -> Ended {
    let (kind, of) = match &inspect.name {
        Some(of) => (inspect.kind.as_str(), of),
        None => ("agent", &inspect.kind),
    };
    if !inspect.state {
        return get::shown(context, kind, Some(of));
    }
    if !matches!(kind, "agent" | "agents") {
        let what = format!("a {kind} keeps no state: --state goes with an agent");
        return Err(Fail::usage(what).help(format!("naos inspect {kind} {of}")));
    }
    let agent = name(of)?;
    let mut session = context.session()?;
    let kept = kept(&mut session, agent.as_str())?;
    drop(session);
    if context.out.json {
        context.out.json(&kept);
    } else {
        show(&context.out, &kept);
    }
    Ok(0)
}

fn kept(session: &mut Session, agent: &str) -> Result<Value, Fail> {
    let shown = session.get(api(&format!("/agents/{}", part(agent))))?;
    let state = session.get(api(&format!("/agents/{}/state", part(agent))))?;
    let documents = match shown["mind"]["workspace"].as_str() {
        Some(folder) => {
            let beneath = format!("/{}/", folder.trim_matches('/'));
            workspace::listed(session, &beneath)?
        }
        None => Vec::new(),
    };
    Ok(json!({
        "agent": agent,
        "status": shown["status"],
        "counters": {
            "runs": shown["runs"], "failed": shown["failed"], "version": shown["version"],
            "last_run": shown["last_run"],
        },
        "budget": shown["budget"],
        "state": state["items"],
        "documents": documents,
    }))
}

fn show(out: &Out, kept: &Value) {
    let counters = &kept["counters"];
    out.line(format!(
        "{}: {}, {}, {} failed, version {}",
        cell(&kept["agent"]),
        cell(&kept["status"]),
        count(counters["runs"].as_u64().unwrap_or_default(), "run", "runs"),
        cell(&counters["failed"]),
        cell(&counters["version"])
    ));
    let budget = &kept["budget"];
    if budget.is_object() {
        out.line(format!(
            "Spent {} of {} a {}.",
            money(&budget["spent_micros"]),
            money(&budget["limit_micros"]),
            cell(&budget["period"])
        ));
    }
    let rows = |list: &str, columns: [&str; 3]| -> Vec<Vec<String>> {
        let found = kept[list].as_array().map_or(&[][..], Vec::as_slice);
        let row = |item: &Value| columns.iter().map(|column| cell(&item[*column])).collect();
        found.iter().map(row).collect()
    };
    match rows("state", ["key", "bytes", "text"]) {
        state if state.is_empty() => out.line("It keeps no state of its own."),
        state => out.table(&["key", "bytes", "value"], &state),
    }
    let documents = rows("documents", ["path", "version", "bytes"]);
    if !documents.is_empty() {
        out.table(&["document", "version", "bytes"], &documents);
    }
}
