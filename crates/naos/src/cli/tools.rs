//! `naos tools list|look|approve|withdraw|enable|disable|probe`

mod probe;

use naos_types::Name;
use serde_json::{Value, json};

use super::approve::{asked, said_yes};
use super::instruction::{enable, show};
use super::{Context, Ended, name};
use crate::fail::Fail;
use crate::out::{Out, cell, items};
use crate::session::{Session, api, part};

/// Lists servers of tools (MCP), looks at what they offer, and lets agents call it.
#[derive(clap::Args)]
#[command(
    after_help = "A server is a program or an address; agents name its tools in their manifest:\n  \
    naos apply -f tools.yaml            mcpServers: {files: {command: npx, args: [...]}}\n  \
    naos tools look files               what it offers, and what changed since you looked\n  \
    naos tools approve files            shows it, asks, and lets all of it be called\n  \
    naos tools approve files --yes      the same, where nobody can be asked\n  \
    naos tools approve files read_file  this one, beside those that may be called already\n  \
    naos tools withdraw files read_file this one may not be called any more\n  \
    naos tools probe npx -y SERVER      meets one that no document names yet\n\n\
    A tool is called only as it was when you approved it: one that says something else of itself\n\
    is not called until you look again. Programs run where naos was started with\n\
    NAOS_TOOL_PROGRAMS=npx."
)]
pub(crate) struct Tools {
    #[command(subcommand)]
    what: What,
}

impl Tools {
    /// How many words stand behind an address that is met.
    pub(super) fn behind_an_address(&self) -> usize {
        match &self.what {
            What::Probe(probe) => probe.behind_an_address(),
            _ => 0,
        }
    }
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
    /// Lets these of its tools be called, as they are now, beside those that may be already; all
    /// that it offers unless some are named.
    Approve {
        /// Which server.
        name: String,
        /// Its tools.
        tools: Vec<String>,
        /// What was looked at: the digest that `naos tools look` tells. What changed since is not
        /// approved.
        #[arg(long, value_name = "DIGEST", conflicts_with = "yes")]
        seen: Option<String>,
        /// Approves what it offers now, seen or not.
        #[arg(long, short)]
        yes: bool,
    },
    /// Takes back that these of its tools may be called.
    Withdraw {
        /// Which server.
        name: String,
        /// Its tools.
        #[arg(required = true)]
        tools: Vec<String>,
    },
    /// Meets a server as naos would, and tells what it offers; nothing of it is kept.
    Probe(probe::Probe),
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
        What::Approve {
            name,
            tools,
            seen,
            yes,
        } => approve(context, (name, tools), seen.as_deref(), *yes),
        What::Withdraw { name, tools } => withdraw(context, name, tools),
        What::Probe(wanted) => probe::go(context, wanted),
        What::Enable { name } => enable(context, "tool", name, true),
        What::Disable { name } => enable(context, "tool", name, false),
    }
}

fn list(context: &Context) -> Ended {
    let out = &context.out;
    let mut session = context.session_to_look()?;
    let mut answer = session.get(api("/tool-servers"))?;
    for server in answer["items"].as_array_mut().into_iter().flatten() {
        let (status, why) = stands(&mut session, server);
        server["status"] = json!(status);
        server["why"] = json!(why);
    }
    drop(session);
    if out.json {
        out.json(&answer);
        return Ok(0);
    }
    let row = |item: &Value| {
        vec![
            cell(&item["name"]),
            cell(&item["status"]),
            cell(&item["place"]),
            words(&item["tools"]),
        ]
    };
    let rows: Vec<Vec<String>> = items(&answer).iter().map(row).collect();
    if rows.is_empty() {
        out.say("There are no servers of tools. `naos tools --help` shows how one is made.");
    } else {
        out.table(&["server", "status", "place", "tools"], &rows);
        for item in items(&answer) {
            for why in item["why"].as_array().into_iter().flatten() {
                out.note(format!("{}: {}", cell(&item["name"]), cell(why)));
            }
            uncallable(out, item);
        }
    }
    Ok(0)
}

fn words(value: &Value) -> String {
    let words = value.as_array().into_iter().flatten().map(cell);
    words.collect::<Vec<_>>().join(", ")
}

/// Names the tools of a server that no model can call, whatever is approved.
fn uncallable(out: &Out, server: &Value) {
    let tools = words(&server["uncallable"]);
    if !tools.is_empty() {
        out.note(format!(
            "{}: no model can call {tools}: the name is too long, or has other signs",
            cell(&server["name"])
        ));
    }
}

/// How a server stands by now, and what keeps its tools from being called.
pub(super) fn stands(session: &mut Session, server: &Value) -> (&'static str, Vec<String>) {
    let name = cell(&server["name"]);
    if server["enabled"] == false {
        return ("disabled", vec![disabled(&name)]);
    }
    if server["tools"].as_array().is_none_or(Vec::is_empty) {
        let why = format!(
            "`naos tools look {name}` shows what it offers, `naos tools approve {name}` lets it \
             be called"
        );
        return ("nothing approved", vec![why]);
    }
    match session.get(api(&format!("/tool-servers/{}/look", part(&name)))) {
        Err(fail) => ("not reached", vec![fail.what]),
        Ok(seen) => match differing(&name, &seen) {
            why if why.is_empty() => ("ready", why),
            why => ("changed", why),
        },
    }
}

/// What keeps the tools of one that is disabled from being called.
fn disabled(name: &str) -> String {
    format!("none of its tools is called: `naos tools enable {name}`")
}

/// The tools that were approved and are not called, since they aren't what was looked at.
fn differing(name: &str, seen: &Value) -> Vec<String> {
    let why = |item: &Value| {
        let tool = cell(&item["tool"]);
        match item["state"].as_str() {
            Some("changed") => Some(format!(
                "{tool} is not called: it says something else of itself than when it was \
                 approved; `naos tools look {name}` shows the difference, `naos tools approve \
                 {name}` takes it"
            )),
            Some("gone") => Some(format!(
                "{tool} is not called: it isn't offered any more; `naos tools withdraw {name} \
                 {tool}` forgets it"
            )),
            _ => None,
        }
    };
    items(seen).iter().filter_map(why).collect()
}

fn look(context: &Context, which: &str) -> Ended {
    let path = format!("/tool-servers/{}/look", name(which)?);
    let answer = context.fresh_session()?.get(api(&path))?;
    if context.out.json {
        context.out.json(&answer);
        return Ok(0);
    }
    shown(&context.out, &answer);
    if is_open(&answer) {
        context.out.say(format!(
            "`naos tools approve {which} --seen {}` lets all of this be called, and nothing else.",
            cell(&answer["seen"])
        ));
    }
    Ok(0)
}

/// Whether anything that was looked at is to be decided.
fn is_open(looked_at: &Value) -> bool {
    let is_open = |item: &Value| item["state"] != "same" && item["callable"] != false;
    items(looked_at).iter().any(is_open)
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
        for (name, mark) in sides {
            side(out, mark, &item[*name]);
        }
        if item["callable"] == false {
            out.line("  no model can call a tool of this name: it is too long, or has other signs");
        }
    }
    if items(answer).is_empty() {
        out.line("It offers no tools.");
    }
}

/// What a server says of a tool, or said.
fn side(out: &Out, mark: &str, side: &Value) {
    let text = format!("{}\n{}", cell(&side["description"]), cell(&side["schema"]));
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        out.line(format!("  {mark} {line}"));
    }
    if let Some(answers) = side["answers"].as_str() {
        out.line(format!("  {mark} answers: {answers}"));
    }
}

fn approve(
    context: &Context,
    (which, tools): (&str, &[String]),
    seen: Option<&str>,
    yes: bool,
) -> Ended {
    let which = name(which)?;
    let mut session = context.fresh_session()?;
    let mut looked_at = session.get(api(&format!("/tool-servers/{which}/look")))?;
    let is_asked = |item: &Value| tools.is_empty() || tools.contains(&cell(&item["tool"]));
    if let Some(items) = looked_at["items"].as_array_mut() {
        items.retain(is_asked);
    }
    let asks = seen.is_none() && !yes && is_open(&looked_at);
    let asks = asks && !crate::planted::approves_unseen();
    if asks {
        drop(session); // others have the data while somebody reads
        if !is_meant(&context.out, &which, &looked_at)? {
            context.out.say("Nothing was approved.");
            return Ok(0);
        }
        session = context.fresh_session()?;
    }
    let mut body = json!({"seen": seen.map_or_else(|| looked_at["seen"].clone(), Value::from)});
    if !tools.is_empty() {
        body["tools"] = json!(tools);
    }
    let answer = session.post(api(&format!("/tool-servers/{which}/approve")), &body)?;
    let all = session.get(api("/tool-servers"))?;
    drop(session);
    if context.out.json {
        context.out.json(&answer);
        return Ok(0);
    }
    if !asks {
        shown(&context.out, &looked_at);
    }
    uncallable(&context.out, &answer);
    let differing = words(&answer["differing"]);
    if !differing.is_empty() {
        context.out.note(format!(
            "not called, since it isn't as it was approved: {differing}; `naos tools look {which}` \
             shows the difference"
        ));
    }
    say_withdrawn(&context.out, &answer);
    let count = answer["tools"].as_array().map_or(0, Vec::len);
    let is_it = |server: &&Value| server["name"] == which.as_str();
    let is_disabled = |server: &Value| server["enabled"] == false;
    if items(&all).iter().find(is_it).is_some_and(is_disabled) {
        let why = disabled(which.as_str());
        context.out.say(format!(
            "{count} of its tools are approved, as they are now. {which} is disabled, so {why}"
        ));
        return Ok(0);
    }
    context.out.say(format!(
        "{count} of its tools may be called, as they are now. Agents name them in `tools:`, as \
         {which}.TOOL or {which}.*"
    ));
    Ok(0)
}

/// Whether somebody who is shown what a server says of its tools has them called.
fn is_meant(out: &Out, which: &Name, looked_at: &Value) -> Result<bool, Fail> {
    if !out.can_ask() {
        let what = format!("nobody is here to be shown what {which} offers, and asked");
        return Err(Fail::usage(what).help(format!(
            "`naos tools look {which}` shows it and tells its digest: add --seen DIGEST to approve \
             that and nothing else, or --yes to approve it unseen"
        )));
    }
    shown(out, looked_at);
    Ok(said_yes(&asked("May it be called as it is now (y/n)? ")?) == Some(true))
}

fn withdraw(context: &Context, which: &str, tools: &[String]) -> Ended {
    let which = name(which)?;
    let path = api(&format!("/tool-servers/{which}/withdraw"));
    let answer = context
        .fresh_session()?
        .post(path, &json!({"tools": tools}))?;
    if context.out.json {
        context.out.json(&answer);
        return Ok(0);
    }
    say_withdrawn(&context.out, &answer);
    let rest = words(&answer["tools"]);
    context.out.say(if rest.is_empty() {
        format!("None of the tools of {which} is approved now.")
    } else {
        format!("Still approved of {which}: {rest}.")
    });
    Ok(0)
}

/// Names the tools that might be called before, and may not any more.
fn say_withdrawn(out: &Out, answer: &Value) {
    let withdrawn = words(&answer["withdrawn"]);
    if !withdrawn.is_empty() {
        out.say(format!("Withdrawn: {withdrawn}."));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_from_what_was_approved_is_told() {
        let item = |tool: &str, state: &str| json!({"tool": tool, "state": state});
        let seen = json!({"items": [
            item("find", "same"), item("lend", "changed"), item("sell", "gone"),
            item("buy", "new"),
        ]});
        let told = differing("shelf", &seen);
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[0].starts_with("lend is not called: it says something else"));
        assert!(told[0].contains("`naos tools look shelf`"), "{}", told[0]);
        assert!(told[1].starts_with("sell is not called: it isn't offered"));
    }
}
