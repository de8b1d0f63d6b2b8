//! Which kind a document is, where it doesn't say so.

use naos_types::Name;
use naos_types::spec::Kind;

use crate::diagnostic::{Findings, similar};
use crate::reader::{self, Fields};
use crate::tree::{Field, Node, Value};
use crate::{
    Applied, Reading, agent, agent_skill, budget, config, dag, flow, kept, notice, plan, pool,
    schedule, skill, subscription, supervision,
};

const HELP: &str = "say `type: KIND`, or write one of: a map with one key such as `agent:`, \
`plan:`, `driver:`; the sections of nexus.config.yaml (`agents:`, `skills:`, `cost:` …); `steps` \
(a plan); `dag` (a plan); `condition` + `action` (a policy); `trigger` + `plan` (an instruction); \
`capabilities` + `resource_requirements` (a driver); `patterns` + `handler` (a skill); \
`webhook` or `desktop` (a notice); maps of \
{provider …} (models) or of {type: mcp_server | native} (tools)";

/// Reads one document into resources.
pub(crate) fn read(node: &Node, reading: &Reading<'_>, out: &mut Applied, found: &mut Findings) {
    let fields = match &node.value {
        Value::Map(fields) if !fields.is_empty() => fields,
        Value::List(items) => {
            for item in items {
                read(item, reading, out, found);
            }
            return;
        }
        _ => {
            found.error_help(
                node.at,
                format!("a document is a map, not {}", node.word()),
                HELP,
            );
            return;
        }
    };
    let has = |key: &str| fields.iter().any(|field| field.key == key);
    if let Some(field) = fields.iter().find(|field| field.key == "type")
        && let Value::Text(word) = &field.node.value
    {
        typed(word, field, node, reading, out, found);
        return;
    }
    if let [only] = &fields[..]
        && let Some(kind) = Kind::parse(&only.key).filter(|kind| kind.word() == only.key)
    {
        one(kind, None, &only.node, reading, out, found);
        return;
    }
    let is = |keys: &[&str]| keys.iter().all(|key| has(key));
    let provider = |node: &Node| node.get("provider").is_some();
    let tool = |node: &Node| match node.get("type").map(|node| &node.value) {
        Some(Value::Text(word)) => word == "mcp_server" || word == "native",
        _ => false,
    };
    let kind = if has("dag") || has("steps") {
        Some(Kind::Plan)
    } else if is(&["condition", "action"]) {
        Some(Kind::Policy)
    } else if is(&["trigger", "plan"]) {
        Some(Kind::Instruction)
    } else if is(&["capabilities", "resource_requirements"]) {
        Some(Kind::Driver)
    } else if is(&["patterns", "handler"]) {
        Some(Kind::Skill)
    } else if is(&["path", "components"]) {
        Some(Kind::Ui)
    } else if has("webhook") || has("desktop") {
        Some(Kind::Notice)
    } else {
        None
    };
    let sections = fields.iter().any(|field| config::is_section(&field.key));
    if let Some(kind) = kind {
        one(kind, None, node, reading, out, found);
    } else if sections || reading.is_project {
        config::read(node, reading, out, found);
    } else if kept::is_map_of(node, provider) {
        out.kept
            .extend(kept::all(Kind::Model, node, reading.checks, found));
    } else if kept::is_map_of(node, tool) {
        out.kept
            .extend(kept::all(Kind::Tool, node, reading.checks, found));
    } else {
        unknown(fields, found);
    }
}

fn unknown(fields: &[Field], found: &mut Findings) {
    const FIRST: &[&str] = &[
        "agents",
        "skills",
        "plans",
        "budgets",
        "cost",
        "supervisors",
        "sagas",
        "workflows",
        "pools",
        "policies",
        "instructions",
        "notices",
        "subscriptions",
        "drivers",
        "models",
        "tools",
        "agent",
        "skill",
        "plan",
        "policy",
        "instruction",
        "driver",
        "steps",
        "project",
        "broker",
        "trust",
    ];
    // `driver:` is a whole document: nothing stands beside it.
    let whole = |key: &str| Kind::parse(key).is_some_and(|kind| kind.word() == key);
    if let Some(one) = fields.iter().find(|field| whole(&field.key)) {
        for other in fields.iter().filter(|field| field.key != one.key) {
            let help = format!("what `{}` says stands beneath it", one.key);
            let what = format!("unknown key `{}` beside `{}`", other.key, one.key);
            found.error_help(other.at, what, help);
        }
        return;
    }
    let first = &fields[0];
    match similar(&first.key, FIRST.iter().copied()) {
        Some(word) => {
            let help = format!("did you mean `{word}`?");
            found.error_help(first.at, format!("unknown key `{}`", first.key), help);
        }
        None => found.error_help(first.at, "this is no document that naos knows", HELP),
    }
}

/// A document that says its type.
fn typed(
    word: &str,
    field: &Field,
    node: &Node,
    reading: &Reading<'_>,
    out: &mut Applied,
    found: &mut Findings,
) {
    let plain = word.replace('-', "_");
    let kind = match plain.as_str() {
        "ui_application" => Some(Kind::Ui),
        other => Kind::parse(other),
    };
    match kind {
        Some(kind) => one(kind, None, node, reading, out, found),
        None if word.contains('.') => {
            let help = "`naos events emit @FILE` publishes it";
            found.error_help(field.node.at, "this is an event and not a resource", help);
        }
        None => {
            let known = Kind::ALL
                .iter()
                .map(|kind| kind.word())
                .chain(["ui_application"]);
            let help = match similar(word, known) {
                Some(known) => format!("did you mean `{known}`?"),
                None => HELP.into(),
            };
            found.error_help(field.node.at, format!("no kind is called {word:?}"), help);
        }
    }
}

/// One resource of a known kind.
fn one(
    kind: Kind,
    key: Option<&str>,
    node: &Node,
    reading: &Reading<'_>,
    out: &mut Applied,
    found: &mut Findings,
) {
    let is_dag = node.get("dag").is_some();
    match kind {
        Kind::Agent | Kind::Skill | Kind::Budget => named(kind, node, reading, out, found),
        Kind::Plan if !is_dag => named(kind, node, reading, out, found),
        Kind::Plan if !dag::has_progress(node) => {
            let read = dag::read(key, node, reading.checks, found);
            out.plans.extend(read);
        }
        Kind::Notice => out.notices.extend(notice::one(node, None, found)),
        Kind::Subscription => {
            let read = subscription::one(key, node, reading.checks, found);
            out.subscriptions.extend(read);
        }
        Kind::Webhook => {
            let help = "write `trigger: {webhook: true}` in an instruction";
            found.error_help(node.at, "a webhook belongs to an instruction", help);
        }
        Kind::Secret => {
            let help = "`naos driver secret NAME --rotate` or `naos events secret NAME --rotate`";
            found.error_help(node.at, "naos makes secrets itself", help);
        }
        Kind::AgentSkill => {
            if let Some((skill, programs)) = agent_skill::one(node, reading.files, found) {
                out.agent_skills.push(skill);
                out.skills.extend(programs);
            }
        }
        Kind::Pool => out.pools.extend(pool::one(key, node, found)),
        Kind::Schedule => out.schedules.extend(schedule::one(key, node, found)),
        Kind::Supervisor => out.supervisors.extend(supervision::one(key, node, found)),
        kind if flow::is_flow(kind) => {
            let read = flow::one(kind, key, node, reading.checks, found);
            out.flows.extend(read);
        }
        _ => out
            .kept
            .extend(kept::read(kind, key, node, reading.checks, found)),
    }
}

fn named(kind: Kind, node: &Node, reading: &Reading<'_>, out: &mut Applied, found: &mut Findings) {
    let Some(mut map) = Fields::of(node, kind.word(), found) else {
        return;
    };
    map.skip(&["type"]);
    // What has no name is read all the same, to say what else is wrong.
    let mut nowhere = Applied::default();
    let (name, out) = match (own_name(kind, &mut map, found), Name::new("unnamed")) {
        (Some(name), _) => (name, out),
        (None, Ok(name)) => (name, &mut nowhere),
        (None, Err(_)) => return,
    };
    match kind {
        Kind::Agent => {
            let mut doc = agent::fields(&mut map, reading.checks, found);
            if let Some(budget) = doc.budget.take() {
                out.budgets.push((name.clone(), budget));
            }
            out.agents.push((name, doc));
        }
        Kind::Skill => {
            let doc = skill::fields(&mut map, reading.files, reading.checks, found);
            out.skills.extend(doc.map(|doc| (name, doc)));
        }
        Kind::Plan => plan::keep(name, &mut map, reading.checks, out, found),
        _ => {
            let budget = budget::fields(&mut map, found);
            if budget.is_none() {
                found.error_help(node.at, "`limit` is missing", "write `limit: $10/day`");
            }
            out.budgets.extend(budget.map(|budget| (name, budget)));
        }
    }
    map.finish(found);
}

/// An agent's or skill's name is taken as it is; what a plan is called is made a name.
fn own_name(kind: Kind, map: &mut Fields<'_>, found: &mut Findings) -> Option<Name> {
    let keys: &[&'static str] = match kind {
        Kind::Budget => &["agent", "name"],
        _ => &["name"],
    };
    let id = map.node(&["id"], found);
    let Some(node) = map.node(keys, found).or(id) else {
        found.error(map.at, format!("this {} has no `name`", kind.word()));
        return None;
    };
    if kind != Kind::Plan {
        return reader::name(node, keys[0], found);
    }
    let text = reader::text(id.unwrap_or(node), "name", found)?;
    reader::own_made_name(&text, node.at, found)
}
