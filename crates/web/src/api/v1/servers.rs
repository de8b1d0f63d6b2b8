//! `/tool-servers`: what servers of tools offer now, and what a person lets be called.

use std::collections::BTreeSet;

use naos_engine::node::OutsideOutcome;
use naos_engine::read::Reader;
use naos_kernel::ResourceKey;
use naos_kernel::resource::Resource;
use naos_types::spec::{Kind, ServerSpec, ServerTool, Spec, is_tool_word, tool_word};
use naos_types::{Code, Digest, Name, Refusal, Seq, command};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::NAMES_MAX;
use crate::door::{Answered, Call, ok};
use crate::error::Fault;

/// A server, and its name.
pub(crate) fn all(reader: &Reader) -> Result<Vec<(Name, std::sync::Arc<ServerSpec>)>, Refusal> {
    let found = reader.resources(Kind::Tool, NAMES_MAX)?;
    let each = found.iter().filter_map(|(key, kept)| match &kept.spec {
        Spec::Server(spec) => Some((key.1.clone(), spec.clone())),
        _ => None,
    });
    Ok(each.collect())
}

fn named(call: &Call) -> Result<(Name, std::sync::Arc<ServerSpec>), Fault> {
    let name = call.name("name")?;
    let reader = call.reader()?;
    let key = ResourceKey(Kind::Tool, name.clone());
    match reader.find::<Resource>(&key)?.map(|kept| kept.spec.clone()) {
        Some(Spec::Server(spec)) => Ok((name, spec)),
        Some(_) => Err(Fault::new(
            Code::WRONG_STATE,
            format!("{name} names no place that naos can reach: give it a `url` or a `command`"),
        )),
        None => Err(Fault::new(
            Code::NOT_FOUND,
            format!("there is no server of tools {name}"),
        )),
    }
}

/// What the server offers now.
async fn offered(call: &Call, spec: &ServerSpec) -> Result<Vec<ServerTool>, Fault> {
    let tenant = call.who()?.tenant;
    super::applies::may_serve(&call.desk, tenant, spec)
        .map_err(|what| Fault::new(Code::NOT_ALLOWED, what))?;
    let (tell, hear) = oneshot::channel();
    let done = Box::new(move |outcome| drop(tell.send(outcome)));
    call.desk
        .app
        .node
        .look_at_tools(tenant, spec.place.clone(), done);
    let bytes = match hear.await {
        Ok(OutsideOutcome::Answered(bytes)) => bytes,
        Ok(
            OutsideOutcome::NotSent(why)
            | OutsideOutcome::Lost(why)
            | OutsideOutcome::Refused(why)
            | OutsideOutcome::Unfit(why)
            | OutsideOutcome::Busy(why, _),
        ) => {
            return Err(unasked(format!("it can't be asked: {why}")));
        }
        Ok(OutsideOutcome::Later) | Err(_) => {
            return Err(unasked("it gave no answer".into()));
        }
    };
    serde_json::from_slice(&bytes)
        .map_err(|error| unasked(format!("what it says can't be read: {error}")))
}

/// A server that offers nothing that could be looked at.
fn unasked(what: String) -> Fault {
    let help = "look at its `command` or `url`: naos tools show NAME; programs run where \
        NAOS_TOOL_PROGRAMS names them, and ports of this machine are reached where \
        NAOS_ALLOW_LOOPBACK_PORTS does";
    Refusal::new(Code::UNDELIVERED, what).help(help).into()
}

/// What all that it offers is known by.
fn digest(offered: &[ServerTool]) -> Digest {
    let all: Vec<Digest> = offered.iter().map(ServerTool::digest).collect();
    Digest::of(serde_json::to_string(&all).unwrap_or_default().as_bytes())
}

/// Whether a model can call a tool of this name at all.
fn is_callable(server: &Name, tool: &str) -> bool {
    is_tool_word(&tool_word(server, tool))
}

/// Each tool that is offered or may be called, with what is new about it.
fn compared(name: &Name, spec: &ServerSpec, offered: &[ServerTool]) -> Vec<Value> {
    let mut all: BTreeSet<&str> = offered.iter().map(|tool| tool.name.as_str()).collect();
    all.extend(spec.tools.iter().map(|tool| tool.name.as_str()));
    let each = all.into_iter().map(|tool| {
        let now = offered.iter().find(|found| found.name == tool);
        let was = spec.tool(tool);
        let state = match (was, now) {
            (Some(was), Some(now)) if was.is_still(now) => "same",
            (Some(_), Some(_)) => "changed",
            (None, Some(_)) => "new",
            _ => "gone",
        };
        let word = tool_word(name, tool);
        let shown = |tool: &ServerTool| {
            json!({"description": tool.description, "schema": tool.schema,
                "answers": tool.answers, "repeatable": tool.repeatable, "reads": tool.reads,
                "digest": tool.digest()})
        };
        json!({
            "tool": tool,
            "word": word,
            "callable": is_callable(name, tool),
            "state": state,
            "was": was.filter(|_| state != "same").map(shown),
            "now": now.map(shown),
        })
    });
    each.collect()
}

pub(crate) async fn list(call: Call) -> Answered {
    let reader = call.reader()?;
    let each = all(&reader)?.into_iter().map(|(name, spec)| {
        let approved = spec.tools.iter().map(|tool| tool.name.as_str());
        let (tools, uncallable): (Vec<_>, Vec<_>) =
            approved.partition(|tool| is_callable(&name, tool));
        json!({"name": name, "enabled": spec.enabled, "place": place(&spec),
            "tools": tools, "uncallable": uncallable})
    });
    ok(&json!({"items": each.collect::<Vec<_>>(), "next": null}))
}

/// Where it is, without secrets.
pub(crate) fn place(spec: &ServerSpec) -> String {
    match &spec.place {
        naos_types::spec::ServerPlace::Program { command, .. } => command.join(" "),
        naos_types::spec::ServerPlace::Address { url, .. } => url.clone(),
    }
}

pub(crate) async fn look(call: Call) -> Answered {
    let (name, spec) = named(&call)?;
    let offered = offered(&call, &spec).await?;
    ok(&json!({
        "name": name,
        "seen": digest(&offered),
        "items": compared(&name, &spec, &offered),
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Approve {
    /// What was looked at: `seen` of the answer to the look.
    seen: Digest,
    /// The tools that may be called beside those that may already; where nothing is said, all that
    /// are offered and no others.
    tools: Option<Vec<String>>,
}

/// A person looked at the tools: those that they name may be called, as they are.
pub(crate) async fn approve(call: Call) -> Answered {
    let asked: Approve = call.json()?;
    let (name, spec) = named(&call)?;
    let offered = offered(&call, &spec).await?;
    if digest(&offered) != asked.seen {
        return Err(Refusal::new(
            Code::STALE_VERSION,
            format!("what {name} offers changed since it was looked at"),
        )
        .help(format!("look again: naos tools look {name}"))
        .into());
    }
    let is_offered = |word: &String| offered.iter().any(|tool| tool.name == *word);
    let unknown = asked.tools.iter().flatten().find(|word| !is_offered(word));
    if let Some(word) = unknown {
        let what = format!("{name} offers no tool {word:?}");
        let help = format!("`naos tools look {name}` shows what it offers");
        return Err(Refusal::new(Code::NOT_FOUND, what).help(help).into());
    }
    let tools = with_these(&spec, &offered, asked.tools.as_deref());
    // What no model can call isn't let be called: it is told instead.
    let (tools, uncallable): (Vec<_>, Vec<_>) = tools
        .into_iter()
        .partition(|tool| is_callable(&name, &tool.name));
    let (stay, differ): (Vec<_>, Vec<_>) = tools.iter().partition(|tool| {
        let now = offered.iter().find(|now| now.name == tool.name);
        now.is_some_and(|now| tool.is_still(now))
    });
    let mut told = json!({"name": name, "tools": words(stay), "uncallable": words(&uncallable),
        "differing": words(differ), "withdrawn": words(gone(&spec, &tools))});
    told["seq"] = json!(pin(&call, name, tools).await?);
    ok(&told)
}

/// What may be called once these are let be called as they are offered. What was let be called
/// before stays as it was then, whether or not it is still that: who names one tool says nothing of
/// another.
fn with_these(
    spec: &ServerSpec,
    offered: &[ServerTool],
    wanted: Option<&[String]>,
) -> Vec<ServerTool> {
    let Some(wanted) = wanted else {
        return offered.to_vec();
    };
    let mut out = spec.tools.clone();
    if crate::planted::approves_these_alone() {
        out.clear();
    }
    for tool in offered.iter().filter(|tool| wanted.contains(&tool.name)) {
        match out.iter_mut().find(|was| was.name == tool.name) {
            Some(was) => was.clone_from(tool),
            None => out.push(tool.clone()),
        }
    }
    out
}

fn words<'a>(tools: impl IntoIterator<Item = &'a ServerTool>) -> Vec<&'a str> {
    tools.into_iter().map(|tool| tool.name.as_str()).collect()
}

/// What might be called before, and is none of these.
fn gone<'a>(spec: &'a ServerSpec, tools: &[ServerTool]) -> Vec<&'a ServerTool> {
    let stays = |was: &&ServerTool| tools.iter().any(|tool| tool.name == was.name);
    spec.tools.iter().filter(|was| !stays(was)).collect()
}

async fn pin(call: &Call, name: Name, tools: Vec<ServerTool>) -> Result<Seq, Fault> {
    let pin = command::Resource::Pin { name, tools };
    let (seq, _) = call.ask("", pin, Vec::new()).await?;
    Ok(seq)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Withdraw {
    /// The tools that may not be called any more.
    tools: Vec<String>,
}

/// Takes back that these tools may be called; the server isn't asked.
pub(crate) async fn withdraw(call: Call) -> Answered {
    let asked: Withdraw = call.json()?;
    let (name, spec) = named(&call)?;
    if asked.tools.is_empty() {
        let what = "`tools` names no tool that would be withdrawn";
        let help = format!("`naos tools disable {name}` lets none of its tools be called");
        return Err(Refusal::new(Code::BAD_REQUEST, what).help(help).into());
    }
    if let Some(word) = asked.tools.iter().find(|word| spec.tool(word).is_none()) {
        let what = format!("no tool {word:?} of {name} was approved");
        let help = "`naos tools list` shows which may be called";
        return Err(Refusal::new(Code::NOT_FOUND, what).help(help).into());
    }
    let mut tools = spec.tools.clone();
    tools.retain(|tool| !asked.tools.contains(&tool.name));
    let mut told = json!({"name": name, "tools": words(&tools),
        "withdrawn": words(gone(&spec, &tools))});
    told["seq"] = json!(pin(&call, name, tools).await?);
    ok(&told)
}
