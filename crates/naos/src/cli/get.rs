//! `naos get KIND [NAME]`

use naos_types::Code;
use naos_types::spec::Kind;
use serde_json::{Value, json};

use super::{Context, Ended};
use crate::fail::Fail;
use crate::out::{Out, cell, items, money};
use crate::session::{Session, api, part};

/// Shows things of a kind, or one of them.
#[derive(clap::Args)]
#[command(
    after_help = "Kinds: agents, runs, tasks, plans, plan-runs, approvals, documents, events, \
    templates, members,\ntenants, budgets, skills, policies, supervisors, sagas, workflows, pools, \
    instructions, drivers,\nuis, schedules, models, tools, lessons, notices, agent-skills;\n\
    singular or plural.\n\n\
    Examples:\n  naos get agents\n  naos get run run_01jd8… --json\n  \
    naos get runs --status failed --agent reader\n  naos get document /reports/2026-w41.md"
)]
pub(crate) struct Get {
    /// The kind of thing, or the id of one.
    kind: String,
    /// Which one: a name, an id or a path.
    name: Option<String>,
    /// How the answer is written.
    #[arg(long, short, value_name = "FORMAT", value_parser = ["json", "table"])]
    output: Option<String>,
    /// Only those with this status.
    #[arg(long)]
    status: Option<String>,
    /// Only those of this agent.
    #[arg(long)]
    agent: Option<String>,
    /// Only those whose path begins so (documents).
    #[arg(long)]
    prefix: Option<String>,
    /// At most so many.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
    /// Only those older than this one (runs, tasks, plan-runs, approvals; of schedules, those
    /// after it).
    #[arg(long, value_name = "ID")]
    before: Option<String>,
}

/// Lists that are read page by page, newest first; schedules by name.
const PAGED: [&str; 5] = ["/runs", "/tasks", "/plan-runs", "/approvals", "/schedules"];
/// How many lines a page has at most.
const PAGE_ROWS: usize = 500;

/// How a kind is listed: its words, where it is, what is shown.
struct Listed {
    words: &'static [&'static str],
    path: &'static str,
    columns: &'static [&'static str],
}

/// What a list of models is read for.
const MODELS: &[&str] = &[
    "name",
    "provider",
    "model",
    "endpoint",
    "data",
    "state",
    "key",
    "input_micros_per_mtok",
    "output_micros_per_mtok",
    "version",
];

const LISTED: &[Listed] = &[
    Listed {
        words: &["agents", "agent"],
        path: "/agents",
        columns: &[
            "name",
            "status",
            "template",
            "runs",
            "failed",
            "waits_for",
            "description",
        ],
    },
    Listed {
        words: &["runs", "run"],
        path: "/runs",
        columns: &["run", "agent", "status", "tier", "cost_micros", "started"],
    },
    Listed {
        words: &["tasks", "task"],
        path: "/tasks",
        columns: &["task", "title", "status", "priority", "due", "agent", "run"],
    },
    Listed {
        words: &["plan-runs", "plan-run", "plan_runs"],
        path: "/plan-runs",
        columns: &["run", "name", "status", "paused"],
    },
    Listed {
        words: &["supervisors", "supervisor"],
        path: "/supervisors",
        columns: &[
            "name",
            "status",
            "strategy",
            "restarts",
            "restarted",
            "parent",
        ],
    },
    Listed {
        words: &["approvals", "approval"],
        path: "/approvals",
        columns: &["approval", "title", "status", "author", "asked"],
    },
    Listed {
        words: &["documents", "document", "docs"],
        path: "/documents",
        columns: &["path", "version", "size", "bytes", "changed"],
    },
    Listed {
        words: &["events", "event"],
        path: "/audit",
        columns: &["seq", "time", "subject", "actor"],
    },
    Listed {
        words: &["templates", "template"],
        path: "/templates",
        columns: &["name", "description"],
    },
    Listed {
        words: &["members", "member"],
        path: "/members",
        columns: &["member", "handle", "name", "role"],
    },
    Listed {
        words: &["schedules", "schedule"],
        path: "/schedules",
        columns: &[],
    },
    Listed {
        words: &["drivers", "driver"],
        path: "/drivers",
        columns: &[],
    },
    Listed {
        words: &["tenants", "tenant"],
        path: "/tenants",
        columns: &["slug", "tenant", "title"],
    },
];

/// The same for commands that are this one under a name of their own.
pub(crate) fn shown(context: &Context, kind: &str, name: Option<&str>) -> Ended {
    let get = Get {
        kind: kind.to_owned(),
        name: name.map(str::to_owned),
        output: None,
        status: None,
        agent: None,
        prefix: None,
        limit: None,
        before: None,
    };
    go(context, &get)
}

pub(crate) fn go(context: &Context, get: &Get) -> Ended {
    let out = Out {
        json: context.out.json || get.output.as_deref() == Some("json"),
        ..context.out
    };
    let (kind, name) = meant(get);
    let mut session = context.session()?;
    let answer = match name {
        Some(name) => one(&mut session, kind, name)?,
        None => many(&out, &mut session, get, kind)?,
    };
    drop(session);
    if out.json {
        out.json(&answer);
        return Ok(0);
    }
    match name {
        Some(_) => show(&out, &answer),
        None if is_schedules(kind) => super::schedule::table(&out, &answer),
        None if is_drivers(kind) => super::driver::table(&out, &answer),
        None => list(&out, kind, &answer),
    }
    Ok(0)
}

/// An id says itself what it is the id of.
fn meant(get: &Get) -> (&str, Option<&str>) {
    let kind_of = |id: &str| match id.split_once('_')?.0 {
        "run" => Some("run"),
        "task" => Some("task"),
        "plan" => Some("plan-run"),
        "appr" => Some("approval"),
        _ => None,
    };
    let is_id = |text: &str| text.len() > 20 && kind_of(text).is_some();
    match &get.name {
        None if is_id(&get.kind) => (kind_of(&get.kind).unwrap_or_default(), Some(&get.kind)),
        None => (&get.kind, None),
        Some(id) if is_id(id) && matches!(get.kind.as_str(), "plan" | "plans") => {
            ("plan-run", Some(id))
        }
        Some(name) => (&get.kind, Some(name)),
    }
}

fn listed(kind: &str) -> Option<&'static Listed> {
    LISTED.iter().find(|listed| listed.words.contains(&kind))
}

fn is_schedules(kind: &str) -> bool {
    listed(kind).is_some_and(|listed| listed.path == "/schedules")
}

fn is_drivers(kind: &str) -> bool {
    listed(kind).is_some_and(|listed| listed.path == "/drivers")
}

/// Whether there are things of this kind to be shown.
#[cfg(test)]
pub(super) fn is_kind(word: &str) -> bool {
    let money = matches!(word, "budget" | "budgets");
    money || listed(word).is_some() || Kind::parse(word).is_some()
}

fn unknown(kind: &str) -> Fail {
    let known = LISTED
        .iter()
        .map(|listed| listed.words[0])
        .chain(Kind::ALL.iter().map(|kind| kind.plural()));
    let near = known
        .map(|word| (strsim::osa_distance(kind, word), word))
        .filter(|(far, word)| *far <= word.len().div_ceil(3))
        .min();
    let help = near.map_or_else(
        || "`naos get --help` lists the kinds".to_owned(),
        |(_, word)| format!("did you mean {word}?"),
    );
    Fail::usage(format!("there is no kind {kind:?}")).help(help)
}

fn one(session: &mut Session, kind: &str, name: &str) -> Result<Value, Fail> {
    if matches!(kind, "budget" | "budgets") {
        let budgets = session.get(api("/costs"))?;
        let found = budgets["budgets"].as_array().into_iter().flatten();
        let found = found
            .into_iter()
            .find(|budget| budget["agent"] == name)
            .cloned();
        return found
            .ok_or_else(|| Fail::new(Code::NOT_FOUND, format!("there is no budget for {name}")));
    }
    if let Some(listed) = listed(kind) {
        return match listed.path {
            "/documents" => session.get(crate::workspace::place(name)?),
            "/audit" => {
                let before = name.parse::<u64>().unwrap_or(0).saturating_sub(1);
                let path = format!("/audit?after={before}&limit=1&look=1{EVENTS}");
                let all = session.get(api(&path))?;
                let found = items(&all)
                    .iter()
                    .find(|row| cell(&row["seq"]) == name)
                    .cloned();
                found.ok_or_else(|| Fail::new(Code::NOT_FOUND, format!("there is no event {name}")))
            }
            "/templates" | "/members" | "/tenants" => {
                let all = session.get(api(listed.path))?;
                let keys = ["name", "slug", "member", "tenant"];
                let is = |item: &&Value| keys.iter().any(|key| item[*key] == name);
                let found = items(&all).iter().find(is).cloned();
                let what = || format!("there is no {} {name}", listed.words[1]);
                found.ok_or_else(|| Fail::new(Code::NOT_FOUND, what()))
            }
            "/runs" => run(session, name),
            path => session.get(api(&format!("{path}/{}", part(name)))),
        };
    }
    let kind = Kind::parse(kind).ok_or_else(|| unknown(kind))?;
    session.get(api(&format!("/resources/{}/{}", kind.word(), part(name))))
}

/// What makes a question about the journal one about its events.
const EVENTS: &str = "&action=event.published";
/// How many of them are listed unless somebody says.
const EVENTS_LISTED: u64 = 100;

/// A run with all of its calls, which are told page by page.
fn run(session: &mut Session, id: &str) -> Result<Value, Fail> {
    let path = format!("/runs/{}", part(id));
    let mut all = session.get(api(&path))?;
    while let Some(next) = all["steps_next"].as_str() {
        let mut more = session.get(api(&format!("{path}?steps_after={}", part(next))))?;
        all["steps_next"] = more["steps_next"].take();
        if let (Some(steps), Some(more)) = (
            all["steps_detail"].as_array_mut(),
            more["steps_detail"].as_array_mut(),
        ) {
            steps.append(more);
        }
    }
    Ok(all)
}

fn many(out: &Out, session: &mut Session, get: &Get, kind: &str) -> Result<Value, Fail> {
    if matches!(kind, "budget" | "budgets") {
        let costs = session.get(api("/costs"))?;
        return Ok(json!({"items": costs["budgets"], "next": null}));
    }
    let path = match listed(kind) {
        Some(listed) => listed.path.to_owned(),
        None => {
            let kind = Kind::parse(kind).ok_or_else(|| unknown(kind))?;
            format!("/resources/{}", kind.word())
        }
    };
    let mut query = Vec::new();
    let mut put = |name: &str, value: Option<String>| {
        query.extend(value.map(|value| format!("{name}={}", part(&value))));
    };
    put("status", get.status.clone());
    put("agent", get.agent.clone());
    put("prefix", get.prefix.clone());
    if PAGED.contains(&path.as_str()) {
        let page = |more: &[String]| session.get(api(&address(&path, &query, more)));
        return pages(get.limit, get.before.as_deref(), page);
    }
    if get.before.is_some() {
        let what = format!("--before is of no use with {}", many_word(kind));
        let help = "it goes with runs, tasks, plan-runs, approvals and schedules";
        return Err(Fail::usage(what).help(help));
    }
    if path == "/audit" {
        let last = get.limit.map_or(EVENTS_LISTED, u64::from);
        let filter = query.iter().map(|one| format!("&{one}"));
        let filter: String = std::iter::once(EVENTS.to_owned()).chain(filter).collect();
        let rows = super::audit::newest(out, session, last, &filter)?;
        return Ok(json!({"items": rows, "next": null}));
    }
    let mut answer = session.get(api(&address(&path, &query, &[])))?;
    if let (Some(limit), Some(rows)) = (get.limit, answer["items"].as_array_mut()) {
        rows.truncate(limit as usize);
    }
    Ok(answer)
}

pub(super) fn address(path: &str, query: &[String], more: &[String]) -> String {
    let query = [query, more].concat();
    if query.is_empty() {
        return path.to_owned();
    }
    format!("{path}?{}", query.join("&"))
}

/// As many pages as it takes; without a limit the first one.
pub(super) fn pages(
    limit: Option<u32>,
    before: Option<&str>,
    mut page: impl FnMut(&[String]) -> Result<Value, Fail>,
) -> Result<Value, Fail> {
    let (mut rows, mut before) = (Vec::new(), before.map(str::to_owned));
    loop {
        let left = limit.map(|limit| limit as usize - rows.len());
        let left = left.map(|left| format!("limit={}", left.min(PAGE_ROWS)));
        let from = before.map(|id| format!("before={}", part(&id)));
        let more: Vec<String> = left.into_iter().chain(from).collect();
        let mut answer = page(&more)?;
        if let Some(items) = answer["items"].as_array_mut() {
            rows.append(items);
        }
        before = answer["next"].as_str().map(str::to_owned);
        let enough = limit.is_none_or(|limit| rows.len() >= limit as usize);
        if enough || before.is_none() {
            answer["items"] = Value::Array(rows);
            return Ok(answer);
        }
    }
}

fn list(out: &Out, kind: &str, answer: &Value) {
    let rows = items(answer);
    if rows.is_empty() {
        out.say(format!("There are no {}.", many_word(kind)));
        return;
    }
    let named = match listed(kind) {
        Some(listed) => Some(listed.columns),
        None if Kind::parse(kind) == Some(Kind::Model) => Some(MODELS),
        None => None,
    };
    let columns: Vec<&str> = match named {
        // What a version of the API doesn't say isn't shown.
        Some(columns) => columns
            .iter()
            .copied()
            .filter(|c| rows.iter().any(|row| !row[*c].is_null()))
            .collect(),
        None => scalars(&rows[0]),
    };
    let show = |row: &Value, column: &&str| {
        if column.ends_with("_micros") {
            money(&row[*column])
        } else {
            cell(&row[*column])
        }
    };
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| columns.iter().map(|column| show(row, column)).collect())
        .collect();
    let head: Vec<&str> = columns
        .iter()
        .map(|c| match *c {
            "waits_for" => "waits for",
            c => c.trim_end_matches("_micros"),
        })
        .collect();
    out.table(&head, &cells);
    more(out, answer);
}

/// Says how the rest is read, if there is one.
pub(super) fn more(out: &Out, answer: &Value) {
    if let Some(next) = answer["next"].as_str() {
        out.note(format!(
            "There are more: --limit N shows more of them, --before {next} goes on from here."
        ));
    }
}

fn many_word(kind: &str) -> &str {
    listed(kind).map_or_else(
        || Kind::parse(kind).map_or(kind, |kind| kind.plural()),
        |listed| listed.words[0],
    )
}

fn scalars(row: &Value) -> Vec<&str> {
    let Value::Object(members) = row else {
        return Vec::new();
    };
    let plain = members
        .iter()
        .filter(|(_, value)| !value.is_object() && !value.is_array());
    plain.map(|(name, _)| name.as_str()).collect()
}

/// One thing: a line for each plain member, then what is longer.
pub(super) fn show(out: &Out, thing: &Value) {
    let Value::Object(members) = thing else {
        out.line(super::shown(thing));
        return;
    };
    let long = |value: &Value| match value {
        Value::String(text) => text.contains('\n'),
        Value::Object(_) | Value::Array(_) => true,
        _ => false,
    };
    let width = members.keys().map(String::len).max().unwrap_or(0);
    for (name, value) in members
        .iter()
        .filter(|(_, value)| !long(value) && !value.is_null())
    {
        let value = if name.ends_with("_micros") {
            money(value)
        } else {
            cell(value)
        };
        out.line(format!(
            "{:<width$}  {value}",
            name.trim_end_matches("_micros")
        ));
    }
    for (name, value) in members.iter().filter(|(_, value)| long(value)) {
        let empty = value.as_array().is_some_and(Vec::is_empty)
            || value.as_object().is_some_and(serde_json::Map::is_empty);
        if !empty {
            out.line(format!("\n{name}:\n{}", super::shown(value)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(kind: &str, name: Option<&str>) -> Get {
        Get {
            kind: kind.into(),
            name: name.map(str::to_owned),
            output: None,
            status: None,
            agent: None,
            prefix: None,
            limit: None,
            before: None,
        }
    }

    #[test]
    fn an_id_says_what_it_is() {
        let run = "run_01jd8000000000000000000000";
        let plan = "plan_01jd8000000000000000000000";
        for (kind, name, meant_kind, meant_name) in [
            (run, None, "run", Some(run)),
            ("runs", None, "runs", None),
            ("plan", Some(plan), "plan-run", Some(plan)),
            ("plan", Some("weekly"), "plan", Some("weekly")),
            ("run_x", None, "run_x", None),
        ] {
            assert_eq!(meant(&get(kind, name)), (meant_kind, meant_name), "{kind}");
        }
    }

    #[test]
    fn a_large_limit_takes_several_pages() {
        for (limit, before, there, asked, given) in [
            (None, None, 60, vec![""], 50),
            (Some(3), None, 60, vec!["limit=3"], 3),
            (Some(100_000), None, 40, vec!["limit=500"], 40),
            (
                Some(1_100),
                Some("r0"),
                2_000,
                vec![
                    "limit=500&before=r0",
                    "limit=500&before=r500",
                    "limit=100&before=r1000",
                ],
                1_100,
            ),
        ] {
            let (mut asks, mut at) = (Vec::new(), 0);
            let page = |more: &[String]| {
                asks.push(more.join("&"));
                let limit = more.iter().find_map(|part| part.strip_prefix("limit="));
                let rows = limit.map_or(50, |limit| limit.parse().unwrap());
                let to = there.min(at + rows);
                let items: Vec<usize> = (at..to).collect();
                at = to;
                let next = (to < there).then(|| format!("r{to}"));
                Ok(json!({"items": items, "next": next}))
            };
            let answer = pages(limit, before, page).unwrap();
            assert_eq!(asks, asked);
            assert_eq!(items(&answer).len(), given, "{limit:?}");
        }
    }

    #[test]
    fn a_kind_that_is_none_is_corrected() {
        assert_eq!(unknown("agnets").help, "did you mean agents?");
        assert!(unknown("zzzzzzzzz").help.contains("--help"));
    }
}
