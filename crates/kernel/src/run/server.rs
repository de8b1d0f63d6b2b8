//! Tools of servers: a model calls them as a person saw them, where its agent's manifest names
//! them, and what they answer is material, never orders.

use std::sync::Arc;

use jsonschema::Validator;
use naos_types::fact::run::{Ability, World};
use naos_types::input::Answer;
use naos_types::spec::{MindSpec, ServerSpec, ServerTool, is_tool_word, tool_word};
use naos_types::think::{Described, ToolCall, ToolWanted};
use naos_types::{BodyRef, Code, Name, RunId};
use serde_json::{Map, Value};

use super::think::intend;
use super::{Run, tools};
use crate::compute::schema::{self, FITTED_BYTES_MAX};
use crate::resource::server;
use crate::turn::{Done, Stop, Turn};

/// The most tools of servers that a model is told of.
pub const TOLD_MAX: usize = 64;
/// The most bytes that it is told of them.
pub const TOLD_BYTES_MAX: usize = 128 * 1_024;

/// The most that an answer of a tool and the schema of it are together, byte by byte.
const COMPARED_MAX: usize = 1 << 31;
/// The most bytes that a model is told of faults.
const FAULTS_BYTES_MAX: usize = 2_000;

/// What an agent's model may call of servers: each tool that its manifest names and that a person
/// let be called.
pub(super) fn described(turn: &Turn<'_>, mind: &MindSpec) -> Done<Vec<Described>> {
    let mut out = Vec::new();
    let mut bytes = 0;
    for (name, spec) in servers(turn, mind)? {
        for tool in &spec.tools {
            let word = tool_word(&name, &tool.name);
            if !granted(mind, &name, &tool.name) || !is_tool_word(&word) {
                continue;
            }
            bytes += word.len() + tool.description.len() + tool.schema.len();
            out.push(Described {
                word,
                description: tool.description.clone(),
                schema: tool.schema.clone(),
            });
        }
    }
    if out.len() > TOLD_MAX || bytes > TOLD_BYTES_MAX {
        let what = format!(
            "its tools of servers are {} with {bytes} bytes, at most {TOLD_MAX} with \
             {TOLD_BYTES_MAX}: name fewer of them in its manifest",
            out.len()
        );
        return Err(Stop::refused(Code::TOO_LARGE, what));
    }
    Ok(out)
}

/// How many tokens all of that is at most, with what a provider says around it.
pub(super) fn tokens(described: &[Described]) -> u64 {
    let each = |tool: &Described| {
        (tool.word.len() + tool.description.len() + tool.schema.len()) as u64 + 64
    };
    described.iter().map(each).sum()
}

fn servers(turn: &Turn<'_>, mind: &MindSpec) -> Done<Vec<(Name, Arc<ServerSpec>)>> {
    let mut out: Vec<(Name, Arc<ServerSpec>)> = Vec::new();
    for grant in &mind.others {
        if out.iter().any(|(name, _)| *name == grant.server) {
            continue;
        }
        if let Some(spec) = server::server(turn, &grant.server)?.filter(|spec| spec.enabled) {
            out.push((grant.server.clone(), Arc::clone(spec)));
        }
    }
    Ok(out)
}

fn granted(mind: &MindSpec, server: &Name, tool: &str) -> bool {
    crate::planted::is("tools-ungranted")
        || mind.others.iter().any(|grant| grant.covers(server, tool))
}

/// The server and the tool that a word of a model names, where both may be called.
fn named(
    turn: &Turn<'_>,
    mind: &MindSpec,
    word: &str,
) -> Done<Option<(Name, Arc<ServerSpec>, ServerTool)>> {
    let Some((name, tool)) = word.split_once("__") else {
        return Ok(None);
    };
    let Ok(name) = Name::new(name) else {
        return Ok(None);
    };
    if !granted(mind, &name, tool) {
        return Ok(None);
    }
    let Some(spec) = server::server(turn, &name)?.filter(|spec| spec.enabled) else {
        return Ok(None);
    };
    let pinned = spec.tool(tool).cloned();
    Ok(pinned.map(|tool| (name, Arc::clone(spec), tool)))
}

/// Why a tool of a server can't be called with these arguments. What is too much to look at is left
/// to the server.
fn refused(arguments: &str, schema: &str) -> Option<String> {
    let given: Value = match arguments.trim() {
        "" => Value::Object(Map::new()),
        text => match tools::understood(text) {
            Ok(given) => given,
            Err(why) => return Some(why),
        },
    };
    if arguments.len() > FITTED_BYTES_MAX {
        return None;
    }
    unfit(&given, &serde_json::from_str(schema).ok()?)
}

/// Why arguments don't fit a schema. One that is none, that leads elsewhere, or that is too much to
/// look at, says nothing of them.
pub(super) fn unfit(given: &Value, schema: &Value) -> Option<String> {
    if crate::planted::is("arguments-unchecked") {
        return None;
    }
    let told = faults(&schema::validator(schema).ok()?, given)?;
    Some(format!("the arguments don't fit its schema: {told}"))
}

/// What stands in something that its schema doesn't allow, as far as there is room; none where it
/// fits.
pub(super) fn faults(validator: &Validator, given: &Value) -> Option<String> {
    let faults = schema::faults(validator, given);
    (!faults.is_empty()).then(|| tools::cut(&faults.join("; "), FAULTS_BYTES_MAX))
}

/// Why what a tool answered isn't what its server declared that it answers; none where it is, and
/// where nobody can say. What it answered is a stranger's, and so are the reasons.
#[must_use]
pub fn unlike_declared(declared: &str, answered: Option<&Value>) -> Option<String> {
    if crate::planted::is("answers-undeclared") {
        return None;
    }
    let schema: Value = serde_json::from_str(declared).ok()?;
    let Some(answered) = answered else {
        return Some("its server declares what it answers, and nothing of that came".to_owned());
    };
    // At worst each part of the one is compared with each of the other.
    let both = declared.len().saturating_mul(answered.to_string().len());
    if both > COMPARED_MAX {
        return Some("it is too long to be compared with what its server declares".to_owned());
    }
    let told = faults(&schema::validator(&schema).ok()?, answered)?;
    Some(format!("it isn't what its server declares: {told}"))
}

/// Calls one; whether the word names any.
pub(super) fn call(
    turn: &mut Turn<'_>,
    (id, run): (RunId, &Run),
    mind: &MindSpec,
    asked: &ToolCall,
    request: BodyRef,
) -> Done<bool> {
    let Some((name, spec, pinned)) = named(turn, mind, &asked.name)? else {
        return Ok(false);
    };
    if let Some(why) = refused(&asked.arguments, &pinned.schema) {
        let why = format!("{} was not called: {why}", asked.name);
        tools::said(turn, id, run, request, Answer::Invalid(why))?;
        return Ok(true);
    }
    let world = if pinned.repeatable {
        World::Repeatable
    } else {
        World::Once
    };
    let reads = world == World::Repeatable && pinned.reads == Some(true);
    if let Some(fork) = &run.fork
        && !reads
        && !crate::planted::is("what-if-acts")
    {
        super::fork::instead(turn, (id, run), fork, asked, request)?;
        return Ok(true);
    }
    let wanted = ToolWanted {
        tool: asked.name.clone(),
        arguments: asked.arguments.clone(),
        server: name,
        place: spec.place.clone(),
        pinned,
        timeout_ms: spec.timeout_ms,
    };
    let bytes = serde_json::to_vec(&wanted).map_err(|error| Stop::broken(error.to_string()))?;
    let request = turn.stage(bytes)?;
    intend(turn, id, run, Ability::Server, request, world)?;
    if world == World::Once && crate::tenant::is_forked(turn, id)? {
        super::calls::ask_first(turn, id, run, run.calls)?;
        return Ok(true);
    }
    super::go_on(turn, id)?;
    Ok(true)
}
