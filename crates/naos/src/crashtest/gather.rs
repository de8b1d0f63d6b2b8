//! What the machine says it did, read through the API when everything is quiet.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use naos_types::Time;
use serde_json::Value;

use super::door::{Answer, Door};
use super::ledger::{What, Write};
use super::load::DRIVER;
use super::weaver::TOP;

/// How long one read may take.
const READ_WAIT: Duration = Duration::from_secs(60);
/// Items of a list at once.
const PAGE: usize = 500;
/// How many of each kind of what doesn't end are named.
const OPEN_SHOWN: usize = 3;
/// Lines of the audit log at once.
const AUDIT_PAGE: usize = 10_000;

/// A line of the audit log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) seq: u64,
    pub(super) action: String,
    pub(super) subject: String,
    pub(super) run: Option<String>,
    pub(super) detail: String,
}

/// How the work for a task of the board stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Board {
    pub(super) task: String,
    /// Whether its review ended, with a verdict or without.
    pub(super) reviewed: bool,
    /// The question that a person was asked.
    pub(super) approval: Option<String>,
}

/// A run of steps, of whatever kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct FlowRow {
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) status: String,
    pub(super) output: String,
    pub(super) by: String,
    pub(super) steps: BTreeMap<String, StepRow>,
}

/// A step of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct StepRow {
    pub(super) status: String,
    pub(super) attempts: u64,
    /// When it began first, and when it was done.
    pub(super) span: Option<(Time, Time)>,
    /// What undoes it.
    pub(super) undo: Option<Box<StepRow>>,
}

/// A run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct RunRow {
    pub(super) agent: String,
    pub(super) status: String,
    pub(super) output: String,
}

/// What an agent spent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Spent {
    pub(super) limit: u64,
    pub(super) reserved: u64,
    pub(super) spent: u64,
}

/// Everything that is compared with the ledger.
#[derive(Clone, Debug, Default)]
pub(super) struct Gathered {
    pub(super) runs: BTreeMap<String, RunRow>,
    /// Status by id.
    pub(super) plans: BTreeMap<String, String>,
    /// The same runs with their steps.
    pub(super) flows: BTreeMap<String, FlowRow>,
    /// How supervisors and those whom they restart stand.
    pub(super) supervised: BTreeMap<String, String>,
    /// Status by id.
    pub(super) approvals: BTreeMap<String, String>,
    pub(super) audit: Vec<Row>,
    pub(super) money: BTreeMap<String, Spent>,
    /// What each agent ever spent.
    pub(super) totals: BTreeMap<String, u64>,
    pub(super) boards: Vec<Board>,
    pub(super) agents: BTreeSet<String>,
    /// The newest version by path.
    pub(super) documents: BTreeMap<String, u64>,
    /// Inputs of runs that nobody was told of.
    pub(super) strangers: Vec<(String, String)>,
    /// `audit verify`: whether it is sound, how long it is, what it says.
    pub(super) verified: (bool, u64, String),
    /// What was answered to acknowledged writes when they were asked again; none: nothing.
    pub(super) again: Vec<(Write, Option<Answer>)>,
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}

fn number(value: &Value, name: &str) -> u64 {
    value[name].as_u64().unwrap_or_default()
}

/// All items of a list, newest first.
fn list(door: &Door, path: &str, id: &str) -> anyhow::Result<Vec<Value>> {
    let mut all = Vec::new();
    let mut before = String::new();
    loop {
        let page = door.get(&format!("/api/v1{path}?limit={PAGE}{before}"), READ_WAIT)?;
        let items = page["items"].as_array().cloned().unwrap_or_default();
        let last = items.last().map(|item| text(item, id));
        all.extend(items);
        match (last, page["next"].is_null()) {
            (Some(last), false) => before = format!("&before={last}"),
            _ => return Ok(all),
        }
    }
}

/// The whole audit log.
fn audit(door: &Door) -> anyhow::Result<Vec<Row>> {
    let mut rows: Vec<Row> = Vec::new();
    loop {
        let after = rows.last().map_or(0, |row| row.seq);
        let path = format!("/api/v1/audit?after={after}&limit={AUDIT_PAGE}");
        let page = door.get(&path, READ_WAIT)?;
        let items = page["items"].as_array().cloned().unwrap_or_default();
        if items.is_empty() {
            return Ok(rows);
        }
        rows.extend(items.iter().map(|item| Row {
            seq: number(item, "seq"),
            action: text(item, "action"),
            // Documents are named from the root: `/notes/a.md`.
            subject: text(item, "subject").trim_start_matches('/').to_owned(),
            run: item["run"].as_str().map(str::to_owned),
            detail: text(item, "detail"),
        }));
    }
}

/// Runs and plans that are still at it, approvals that wait, and events that wait for a driver.
pub(super) fn unfinished(door: &Door) -> anyhow::Result<Vec<String>> {
    let mut open = Vec::new();
    for (path, id) in [
        ("/runs?status=queued", "run"),
        ("/runs?status=running", "run"),
        ("/plan-runs?status=running", "run"),
        ("/approvals?status=pending", "approval"),
        ("/notices?status=pending", "notice"),
        ("/tasks?status=assigned", "task"),
    ] {
        let page = door.get(&format!("/api/v1{path}&limit={OPEN_SHOWN}"), READ_WAIT)?;
        let items = page["items"].as_array().into_iter().flatten();
        open.extend(items.map(|item| format!("{} {}", text(item, id), text(item, "status"))));
    }
    let top = door.get(&format!("/api/v1/supervisors/{TOP}"), READ_WAIT)?;
    let beneath = top["beneath"].as_array().into_iter().flatten();
    let all = beneath.chain([&top]);
    let rests = all.filter(|one| text(one, "status") != "running");
    open.extend(rests.map(|one| format!("{} {}", text(one, "name"), text(one, "status"))));
    let driver = door.get(&format!("/api/v1/drivers/{DRIVER}"), READ_WAIT)?;
    let left = [number(&driver, "waiting"), number(&driver, "open")];
    if left != [0, 0] {
        let [waiting, given] = left;
        open.push(format!(
            "{waiting} events wait for a driver that has {given}"
        ));
    }
    Ok(open)
}

/// Reads everything.
pub(super) fn gather(door: &Door, ledger: &[Write]) -> anyhow::Result<Gathered> {
    let mut found = journal(door)?;
    for item in list(door, "/runs", "run")? {
        let (agent, status) = (text(&item, "agent"), text(&item, "status"));
        let output = text(&item, "output");
        found.runs.insert(
            text(&item, "run"),
            RunRow {
                agent,
                status,
                output,
            },
        );
    }
    for item in list(door, "/plan-runs", "run")? {
        found
            .plans
            .insert(text(&item, "run"), text(&item, "status"));
        found.boards.extend(board(&item));
        found.flows.insert(text(&item, "run"), flow(&item));
    }
    let supervisors = door.get("/api/v1/supervisors", READ_WAIT)?;
    for item in supervisors["items"].as_array().into_iter().flatten() {
        let children = item["children"].as_array().into_iter().flatten();
        let all = children.chain([item]);
        let standing = all.map(|one| (text(one, "name"), text(one, "status")));
        found.supervised.extend(standing);
    }
    for item in list(door, "/approvals", "approval")? {
        found
            .approvals
            .insert(text(&item, "approval"), text(&item, "status"));
    }
    for item in door.get("/api/v1/agents", READ_WAIT)?["items"]
        .as_array()
        .into_iter()
        .flatten()
    {
        found.agents.insert(text(item, "name"));
    }
    let costs = door.get("/api/v1/costs", READ_WAIT)?;
    for item in costs["agents"].as_array().into_iter().flatten() {
        let total = number(item, "total_micros");
        found.totals.insert(text(item, "agent"), total);
    }
    for item in costs["budgets"].as_array().into_iter().flatten() {
        let (limit, reserved) = (
            number(item, "limit_micros"),
            number(item, "reserved_micros"),
        );
        let spent = number(item, "spent_micros");
        found.money.insert(
            text(item, "agent"),
            Spent {
                limit,
                reserved,
                spent,
            },
        );
    }
    for write in ledger {
        if let What::Document { path } = &write.what
            && !found.documents.contains_key(path)
        {
            let document = door.get(&format!("/api/v1/documents/{path}"), READ_WAIT)?;
            found
                .documents
                .insert(path.clone(), number(&document, "version"));
        }
    }
    found.strangers = strangers(door, ledger, &found.runs)?;
    Ok(found)
}

/// Reads the journal alone, and its proof.
pub(super) fn journal(door: &Door) -> anyhow::Result<Gathered> {
    let audit = audit(door)?;
    let proof = door.get("/api/v1/audit/verify", READ_WAIT)?;
    let sound = proof["ok"].as_bool().unwrap_or(false);
    let verified = (sound, number(&proof, "entries"), proof.to_string());
    Ok(Gathered {
        audit,
        verified,
        ..Gathered::default()
    })
}

fn flow(item: &Value) -> FlowRow {
    let steps = item["steps"].as_array().into_iter().flatten();
    FlowRow {
        kind: text(item, "kind"),
        name: text(item, "name"),
        status: text(item, "status"),
        output: match &item["output"] {
            Value::String(output) => output.clone(),
            Value::Null => String::new(),
            list => list.to_string(),
        },
        by: text(item, "by"),
        steps: steps
            .map(|found| (text(found, "name"), step(found)))
            .collect(),
    }
}

fn step(found: &Value) -> StepRow {
    let time = |name: &str| Time::parse(&text(found, name));
    let undo = &found["compensation"];
    StepRow {
        status: text(found, "status"),
        attempts: number(found, "attempts"),
        span: time("started").zip(time("ended")),
        undo: (!undo.is_null()).then(|| Box::new(step(undo))),
    }
}

/// The work for a task of the board, if that is what the run of a plan is.
fn board(item: &Value) -> Option<Board> {
    let by = text(item, "by");
    let task = by.starts_with("task_").then_some(by)?;
    let steps = item["steps"].as_array().into_iter().flatten();
    let mut board = Board {
        task,
        ..Board::default()
    };
    for step in steps {
        match step["name"].as_str() {
            Some("review") => board.reviewed = step["status"] == "done",
            Some("approve") => board.approval = step["approval"].as_str().map(str::to_owned),
            _ => {}
        }
    }
    Some(board)
}

/// Runs that no acknowledged write began: those of plans, and those that began twice.
fn strangers(
    door: &Door,
    ledger: &[Write],
    runs: &BTreeMap<String, RunRow>,
) -> anyhow::Result<Vec<(String, String)>> {
    let known: BTreeSet<&str> = ledger
        .iter()
        .filter_map(|write| write.said("run"))
        .collect();
    let unknown = runs.keys().filter(|run| !known.contains(run.as_str()));
    let input = |run: &String| {
        let detail = door.get(&format!("/api/v1/runs/{run}"), READ_WAIT)?;
        Ok((run.clone(), text(&detail, "input")))
    };
    unknown.map(input).collect()
}

/// Asks every acknowledged write again, under its own key.
pub(super) fn again(door: &Door, ledger: &[Write]) -> Vec<(Write, Option<Answer>)> {
    let acked = ledger.iter().filter(|write| write.reply().is_some());
    let ask = |write: &Write| {
        let (path, key) = (format!("/api/v1{}", write.path), Some(write.key.as_str()));
        let body = Some(&write.body);
        (
            write.clone(),
            door.insist(write.method, &path, body, key, READ_WAIT).0,
        )
    };
    acked.map(ask).collect()
}
