//! `naos supervisor …`: who restarts agents that fail.

use naos_types::spec::Kind;
use serde_json::{Map, Value, json};

use super::flow::{Flow, put, put_span};
use super::{Context, Ended, name};
use crate::out::{cell, clean, count, items};
use crate::session::api;

/// Makes supervisors, shows their trees, and lets them stop, start and begin anew.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    naos supervisor create watch --max-restarts 3 --window 60s --child hello\n  \
    naos supervisor add watch researcher\n  \
    naos supervisor status\n  \
    naos supervisor reset watch\n  \
    naos supervisor fail watch --reason 'a drill'")]
pub(crate) struct Supervisor {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Makes a supervisor.
    Create(Create),
    /// Adds a child: an agent, or another supervisor.
    #[command(visible_alias = "add-child")]
    Add {
        /// Which supervisor.
        name: String,
        /// Who.
        child: String,
    },
    /// Lets go of a child: it stays as it is, and nobody restarts it any more.
    #[command(visible_alias = "remove-child")]
    Remove {
        /// Which supervisor.
        name: String,
        /// Who.
        child: String,
    },
    /// Starts a stopped one, and all beneath it.
    Start {
        /// Which supervisor.
        name: String,
    },
    /// Takes one and all beneath it out of work: tasks for them wait.
    Stop {
        /// Which supervisor.
        name: String,
    },
    /// Draws the trees, or the one beneath a supervisor.
    Status {
        /// Which supervisor; all of them without it.
        name: Option<String>,
    },
    /// Lists them.
    List,
    /// Forgets the restarts so far; one that failed starts all its children anew.
    Reset {
        /// Which supervisor.
        name: String,
    },
    /// A drill: lets it fail as if its children had failed too often.
    Fail {
        /// Which supervisor.
        name: String,
        /// Why, for the journal.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Takes one away; its children stay, and nobody restarts them.
    Delete {
        /// Which supervisor.
        name: String,
    },
}

#[derive(clap::Args)]
struct Create {
    /// What it is called.
    name: String,
    /// Who is restarted when a child fails: it alone, all, or it and those behind it.
    #[arg(long, value_name = "WORD",
        value_parser = ["one-for-one", "one-for-all", "rest-for-one",
            "one_for_one", "one_for_all", "rest_for_one"])]
    strategy: Option<String>,
    /// How many restarts are allowed within the window; one more and it fails itself.
    #[arg(long, value_name = "N")]
    max_restarts: Option<u32>,
    /// The window, such as 60s.
    #[arg(long, visible_alias = "restart-window", value_name = "TIME")]
    window: Option<String>,
    /// A child, in order; as often as needed.
    #[arg(
        long,
        visible_alias = "children",
        value_name = "NAME",
        value_delimiter = ','
    )]
    child: Vec<String>,
    /// What it is for, in a sentence.
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
}

pub(crate) fn go(context: &Context, supervisor: &Supervisor) -> Ended {
    match &supervisor.what {
        What::Create(asked) => create(context, asked),
        What::Add { name, child } => {
            let child = super::name(child)?;
            let said = format!("{name} watches {child}.");
            tell(context, name, "add", &json!({"child": child}), &said)
        }
        What::Remove { name, child } => {
            let child = super::name(child)?;
            let said = format!("{name} watches {child} no more.");
            tell(context, name, "remove", &json!({"child": child}), &said)
        }
        What::Start { name } => {
            let said = format!("{name} starts all beneath it.");
            tell(context, name, "start", &json!({}), &said)
        }
        What::Stop { name } => {
            let said = format!("{name} and all beneath it take no work.");
            tell(context, name, "stop", &json!({}), &said)
        }
        What::Reset { name } => {
            let said = format!("{name} begins anew.");
            tell(context, name, "reset", &json!({}), &said)
        }
        What::Fail { name, reason } => {
            let said = format!("{name} failed, as you asked.");
            tell(context, name, "fail", &json!({"reason": reason}), &said)
        }
        What::Status { name } => status(context, name.as_deref()),
        What::List => list(context),
        What::Delete { name } => {
            let kind = Kind::Supervisor;
            Flow { context, kind }.delete(name)
        }
    }
}

fn create(context: &Context, asked: &Create) -> Ended {
    let mut body = Map::new();
    body.insert("name".into(), json!(name(&asked.name)?));
    body.insert("children".into(), json!(asked.child));
    put(&mut body, "strategy", asked.strategy.as_ref());
    put_span(&mut body, "restart_window", asked.window.as_ref());
    put(&mut body, "description", asked.description.as_ref());
    let most = asked.max_restarts.map(|most| json!(most));
    body.extend(most.map(|most| ("max_restarts".to_owned(), most)));
    let mut session = context.fresh_session()?;
    let answer = session.post(api("/supervisors"), &Value::Object(body))?;
    drop(session);
    if context.out.json {
        context.out.json(&answer);
    }
    context
        .out
        .say(format!("Made the supervisor {}.", asked.name));
    if asked.child.is_empty() {
        let next = format!("Give it somebody: naos supervisor add {} AGENT", asked.name);
        context.out.note(next);
    }
    Ok(0)
}

fn tell(context: &Context, text: &str, verb: &str, body: &Value, said: &str) -> Ended {
    let called = name(text)?;
    let mut session = context.fresh_session()?;
    let answer = session.post(api(&format!("/supervisors/{called}/{verb}")), body)?;
    drop(session);
    if context.out.json {
        context.out.json(&answer);
    }
    if answer["changed"] == false {
        context.out.say(format!("{called} is as it was."));
    } else {
        context.out.say(said);
    }
    Ok(0)
}

fn status(context: &Context, which: Option<&str>) -> Ended {
    let mut session = context.session()?;
    let answer = match which {
        Some(text) => session.get(api(&format!("/supervisors/{}", name(text)?)))?,
        None => session.get(api("/supervisors"))?,
    };
    drop(session);
    if context.out.json {
        context.out.json(&answer);
        return Ok(0);
    }
    let all: Vec<&Value> = match which {
        Some(_) => {
            let beneath = answer["beneath"].as_array().into_iter().flatten();
            std::iter::once(&answer).chain(beneath).collect()
        }
        None => items(&answer).iter().collect(),
    };
    if all.is_empty() {
        context.out.say("There are no supervisors.");
    }
    for line in drawn(&all) {
        context.out.line(clean(&line));
    }
    Ok(0)
}

/// The trees, a line for each supervisor and child.
fn drawn(all: &[&Value]) -> Vec<String> {
    let mut out = Vec::new();
    let top = all.iter().filter_map(|one| one["level"].as_u64()).min();
    for root in all.iter().filter(|one| one["level"].as_u64() == top) {
        out.push(headline(root));
        branches(root, all, "", &mut out);
    }
    out
}

fn branches(of: &Value, all: &[&Value], before: &str, out: &mut Vec<String>) {
    let children = of["children"].as_array().map_or(&[][..], Vec::as_slice);
    for (at, child) in children.iter().enumerate() {
        let last = at + 1 == children.len();
        let (branch, below) = if last {
            ("└── ", "    ")
        } else {
            ("├── ", "│   ")
        };
        let found = all.iter().find(|one| one["name"] == child["name"]);
        match found.filter(|_| child["kind"] == "supervisor") {
            Some(found) => {
                out.push(format!("{before}{branch}{}", headline(found)));
                branches(found, all, &format!("{before}{below}"), out);
            }
            None => out.push(format!("{before}{branch}{}", leaf(child))),
        }
    }
}

fn headline(found: &Value) -> String {
    let mut line = format!(
        "{}  {}  {}, {} of {} in {} s",
        cell(&found["name"]),
        cell(&found["status"]),
        cell(&found["strategy"]),
        cell(&found["restarts"]),
        count(
            found["max_restarts"].as_u64().unwrap_or_default(),
            "restart",
            "restarts"
        ),
        cell(&found["restart_window"]),
    );
    if let Some(note) = found["problem"]["note"].as_str() {
        line.push_str(&format!("  ({note})"));
    }
    line
}

fn leaf(child: &Value) -> String {
    let mut line = format!("{}  {}", cell(&child["name"]), cell(&child["status"]));
    match child["restarts"].as_u64() {
        None | Some(0) => {}
        Some(1) => line.push_str("  restarted once"),
        Some(times) => line.push_str(&format!("  restarted {times} times")),
    }
    if let Some(at) = child["restart_at"].as_str() {
        line.push_str(&format!("  restarts at {at}"));
    }
    line
}

fn list(context: &Context) -> Ended {
    let mut session = context.session()?;
    let answer = session.get(api("/supervisors"))?;
    drop(session);
    let out = &context.out;
    if out.json {
        out.json(&answer);
        return Ok(0);
    }
    if items(&answer).is_empty() {
        out.say("There are no supervisors.");
        return Ok(0);
    }
    let columns = [
        "name",
        "status",
        "strategy",
        "restarts",
        "max_restarts",
        "restart_window",
        "parent",
    ];
    let row = |item: &Value| columns.iter().map(|key| cell(&item[*key])).collect();
    let rows: Vec<Vec<String>> = items(&answer).iter().map(row).collect();
    out.table(&columns, &rows);
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_drawn() {
        let supervisor = |name: &str, level: u64, children: Value| {
            json!({"name": name, "level": level, "status": "running", "strategy": "one-for-one",
                "restarts": 1, "max_restarts": 3, "restart_window": 60, "children": children,
                "problem": null})
        };
        let agent = |name: &str, restarts: u64| {
            let kind = "agent";
            json!({"name": name, "kind": kind, "status": "idle", "restarts": restarts})
        };
        let beneath = json!([
            {"name": "api", "kind": "supervisor", "status": "running", "restarts": 0},
            agent("solo", 2),
        ]);
        let all = [
            supervisor("root", 0, beneath),
            supervisor("api", 1, json!([agent("auth", 0), agent("data", 1)])),
        ];
        let all: Vec<&Value> = all.iter().collect();
        assert_eq!(
            drawn(&all),
            [
                "root  running  one-for-one, 1 of 3 restarts in 60 s",
                "├── api  running  one-for-one, 1 of 3 restarts in 60 s",
                "│   ├── auth  idle",
                "│   └── data  idle  restarted once",
                "└── solo  idle  restarted 2 times",
            ]
        );
    }
}
