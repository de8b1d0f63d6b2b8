//! `naos tools list|look|approve|enable|disable`

use serde_json::{Value, json};

use super::instruction::{enable, show};
use super::{Context, Ended, name};
use crate::out::{Out, cell, items};
use crate::session::api;

/// Lists servers of tools (MCP), looks at what they offer, and lets agents call it.
#[derive(clap::Args)]
#[command(
    after_help = "A server is a program or an address; agents name its tools in their manifest:\n  \
    naos apply -f tools.yaml            mcpServers: {files: {command: npx, args: [...]}}\n  \
    naos tools look files               what it offers, and what changed since you looked\n  \
    naos tools approve files            all that it offers now may be called\n  \
    naos tools approve files read_file  this one only\n\n\
    A tool is called only as it was when you approved it: one that says something else of itself\n\
    is not called until you look again. Programs run where naos was started with\n\
    NAOS_TOOL_PROGRAMS=npx."
)]
pub(crate) struct Tools {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Lists the servers, with the tools that may be called.
    List,
    /// Shows one as it was written.
    Show {
        /// Which.
        name: String,
    },
    /// Asks it what it offers now, and shows what is new, changed or gone.
    #[command(visible_alias = "diff")]
    Look {
        /// Which.
        name: String,
    },
    /// Lets these of its tools be called, as they are now: all of them unless some are named.
    Approve {
        /// Which server.
        name: String,
        /// Its tools.
        tools: Vec<String>,
    },
    /// Lets its tools be called again.
    Enable {
        /// Which.
        name: String,
    },
    /// Lets none of its tools be called.
    Disable {
        /// Which.
        name: String,
    },
}

pub(crate) fn go(context: &Context, tools: &Tools) -> Ended {
    match &tools.what {
        What::List => list(context),
        What::Show { name } => show(context, "tool", name),
        What::Look { name } => look(context, name),
        What::Approve { name, tools } => approve(context, name, tools),
        What::Enable { name } => enable(context, "tool", name, true),
        What::Disable { name } => enable(context, "tool", name, false),
    }
}

fn list(context: &Context) -> Ended {
    let out = &context.out;
    let answer = context.fresh_session()?.get(api("/tool-servers"))?;
    if out.json {
        out.json(&answer);
        return Ok(0);
    }
    let words = |value: &Value| {
        let words = value.as_array().into_iter().flatten().map(cell);
        words.collect::<Vec<_>>().join(", ")
    };
    let row = |item: &Value| {
        let stands = match (item["enabled"].as_bool(), item["tools"].as_array()) {
            (Some(false), _) => "disabled",
            (_, Some(tools)) if tools.is_empty() => "nothing approved",
            _ => "ready",
        };
        vec![
            cell(&item["name"]),
            stands.to_owned(),
            cell(&item["place"]),
            words(&item["tools"]),
        ]
    };
    let rows: Vec<Vec<String>> = items(&answer).iter().map(row).collect();
    if rows.is_empty() {
        out.say("There are no servers of tools. `naos tools --help` shows how one is made.");
    } else {
        out.table(&["server", "status", "place", "tools"], &rows);
    }
    Ok(0)
}

fn look(context: &Context, which: &str) -> Ended {
    let path = format!("/tool-servers/{}/look", name(which)?);
    let answer = context.fresh_session()?.get(api(&path))?;
    if context.out.json {
        context.out.json(&answer);
        return Ok(0);
    }
    shown(&context.out, &answer);
    let open = items(&answer).iter().any(|item| item["state"] != "same");
    if open {
        context.out.say(format!(
            "`naos tools approve {which}` lets all that it offers now be called."
        ));
    }
    Ok(0)
}

fn shown(out: &Out, answer: &Value) {
    for item in items(answer) {
        let tool = cell(&item["tool"]);
        out.line(format!("{tool}: {}", cell(&item["state"])));
        let sides = match item["state"].as_str() {
            Some("changed") => &[("was", "-"), ("now", "+")][..],
            Some("gone") => &[("was", "-")][..],
            _ => &[("now", " ")][..],
        };
        for (side, mark) in sides {
            let side = &item[*side];
            let text = format!("{}\n{}", cell(&side["description"]), cell(&side["schema"]));
            for line in text.lines().filter(|line| !line.trim().is_empty()) {
                out.line(format!("  {mark} {line}"));
            }
        }
        if item["callable"] == false {
            out.line("  no model can call a tool of this name: it is too long, or has other signs");
        }
    }
    if items(answer).is_empty() {
        out.line("It offers no tools.");
    }
}

fn approve(context: &Context, which: &str, tools: &[String]) -> Ended {
    let which = name(which)?;
    let mut session = context.fresh_session()?;
    let seen = session.get(api(&format!("/tool-servers/{which}/look")))?;
    let mut body = json!({"seen": seen["seen"]});
    if !tools.is_empty() {
        body["tools"] = json!(tools);
    }
    let answer = session.post(api(&format!("/tool-servers/{which}/approve")), &body)?;
    drop(session);
    if context.out.json {
        context.out.json(&answer);
        return Ok(0);
    }
    shown(&context.out, &seen);
    let count = answer["tools"].as_array().map_or(0, Vec::len);
    context.out.say(format!(
        "{count} of its tools may be called, as they are now. Agents name them in `tools:`, as \
         {which}.TOOL or {which}.*"
    ));
    Ok(0)
}
