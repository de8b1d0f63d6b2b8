//! What-ifs: a run that ended goes another way from one of its turns on, with another model or
//! another prompt, beside itself.
//!
//! It is a run like any other: it is paid, guarded and goes on after a crash. All before its turn
//! is the original's recording, which isn't paid again; what it is asked from there on is what the
//! original was asked, but for what is to be different. Nothing that it does is seen outside of it:
//! its tools read, and where they would act it is told what the original was told for the very same
//! call, or that nothing was done. Its task stays the original's and isn't touched.

use std::collections::{BTreeMap, VecDeque};

use naos_types::fact::run::{self, Ability, Fork, World};
use naos_types::input::{Answer, Link, Piece};
use naos_types::spec::{Kind, MindSpec, PROMPT_BYTES_MAX, Tool};
use naos_types::think::{Cuts, Think, ToolCall, ToolSaid, from_outside};
use naos_types::{Actor, BodyRef, Code, Digest, Name, Refusal, RunId, Spender, Tier, Time};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::think::{Thinking, choose, intend, read};
use super::window::{self, Said, Whole};
use super::workspace::Shown;
use super::{Run, bounds, fetch, held, server, tools};
use crate::review::VERDICT_SCHEMA;
use crate::state::{Key, ResourceKey};
use crate::table::Aggregate;
use crate::turn::{Done, Stop, Turn};

/// The longest recording that a what-if goes on from, in pieces.
pub const FORK_PIECES_MAX: usize = 1_000;
/// The most calls of a run that acted, so that there can be what-ifs of it.
pub const FORK_ACTS_MAX: usize = 256;
/// The most what-ifs of one run.
pub const FORKS_MAX: usize = 64;

/// What a model is told where its call would act.
const NOT_DONE: &str = "not done: this is a what-if, and nothing that it does reaches anybody; the \
    original made no such call. Go on without it.";

/// The what-ifs of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forks {
    /// Which, in the order in which they began.
    pub runs: Vec<RunId>,
}

impl Aggregate for Forks {
    const KIND: &'static str = "forks";
    const VERSION: u8 = 1;
}

/// What is to be different, and the original's recording.
pub(super) struct Wanted<'a> {
    pub of: RunId,
    pub from: u32,
    pub model: Option<&'a Name>,
    pub prompt: Option<BodyRef>,
    pub asked: Option<BodyRef>,
    pub pieces: &'a [BodyRef],
}

/// Begins a what-if, unless its first answer can't be had.
pub(super) fn begin(turn: &mut Turn<'_>, by: &Actor, wanted: &Wanted<'_>) -> Done<RunId> {
    let of = held(turn, wanted.of)?;
    may_be(&of, wanted)?;
    let agent = of.agent.clone();
    turn.load([
        Key::Agent(agent.clone()),
        Key::Forks(wanted.of),
        Key::Budget(Spender::Agent(agent.clone())),
        Key::Budget(Spender::All),
    ])?;
    let before = turn.forks(&wanted.of)?.map_or(0, |forks| forks.runs.len());
    if before >= FORKS_MAX {
        let what = format!(
            "{before} what-ifs of {} were begun, all that there may be",
            wanted.of
        );
        return Err(Stop::refused(Code::TOO_LARGE, what));
    }
    let grant = crate::task::thinking_grant(&crate::task::working(turn, &agent)?.spec);
    let Some(own) = super::mind(turn, &agent)? else {
        return Err(crate::task::no_model(&agent));
    };
    if let Some(prompt) = wanted.prompt {
        sound_prompt(turn, prompt)?;
    }
    let fork = goes_on_from(turn, by, &of, wanted)?;
    let mind = mind(turn, &fork, &own)?;
    for name in &mind.models {
        turn.load([Key::Resource(ResourceKey(Kind::Model, name.clone()))])?;
    }
    let (shown, cuts, ..) = shown(turn, &fork)?;
    let by = crate::task::known(turn, of.task)?.by.clone();
    let whole = Whole {
        mind: &mind,
        shown: &shown,
        others: server::tokens(&server::described(turn, &mind)?),
        task: of.input.len,
        kept: window::kept(turn, &by, of.input)?,
        said: Said {
            bytes: fork.bytes,
            pieces: fork.pieces,
            // None goes on from one that it asked for.
            pictures: super::asked::pictures(turn, &of)?.len() as u64,
            ..Said::default()
        },
        cuts,
        stays: crate::task::stays::of(turn, of.task)?,
        left: mind.tokens_max,
    };
    let left = bounds::left(None, own.cost_max);
    if let Err(why) = choose(turn, &agent, (true, left), 0, &whole)? {
        return Err(why.into());
    }
    super::room(turn)?;
    let id: RunId = turn.mint.next_id();
    let mut seed = turn.mint.next_bits().to_be_bytes().to_vec();
    seed.extend_from_slice(&id.0.to_be_bytes());
    turn.emit(run::Started {
        run: id,
        task: of.task,
        agent,
        tier: Tier::Model,
        component: None,
        input: of.input,
        seed: Digest::of(&seed),
        attempt: 1,
        deadline: turn.now + grant.limits.wall_max,
        grant,
        fork: Some(Box::new(fork)),
    })?;
    turn.think(id);
    Ok(id)
}

/// What stands against a what-if of such a run, whatever is in its recording.
fn may_be(of: &Run, wanted: &Wanted<'_>) -> Done {
    if !of.is_by_model() {
        let what = "no model worked in this run: it has no turns to go another way from";
        return Err(Stop::refused(Code::WRONG_STATE, what));
    }
    if !of.status.is_closed() {
        let what = format!(
            "the run is {}: a what-if begins once it has ended",
            of.status
        );
        return Err(Stop::refused(Code::WRONG_STATE, what));
    }
    if wanted.model.is_none() && wanted.prompt.is_none() {
        let refusal = Refusal::new(Code::BAD_REQUEST, "nothing is to be different");
        let help = "name another model or another prompt: --with model=NAME, --with prompt=TEXT";
        return Err(refusal.help(help).into());
    }
    if wanted.pieces.len() > FORK_PIECES_MAX {
        let what = format!(
            "the run's recording has {} pieces, a what-if goes on from at most {FORK_PIECES_MAX}",
            wanted.pieces.len()
        );
        return Err(Stop::refused(Code::TOO_LARGE, what));
    }
    Ok(())
}

fn sound_prompt(turn: &Turn<'_>, prompt: BodyRef) -> Done {
    let bytes = turn.body(prompt)?.unwrap_or_default();
    if String::from_utf8_lossy(bytes).trim().is_empty() {
        return Err(Stop::refused(Code::BAD_REQUEST, "the prompt says nothing"));
    }
    if bytes.len() > PROMPT_BYTES_MAX {
        let what = format!(
            "the prompt has {} bytes, at most {PROMPT_BYTES_MAX}",
            bytes.len()
        );
        return Err(Stop::refused(Code::TOO_LARGE, what));
    }
    Ok(())
}

fn unreadable(of: RunId) -> Stop {
    let what = format!("a content of {of} can't be read: it was erased, or is damaged");
    Stop::refused(Code::DAMAGED, what)
}

/// The answers of the original's recording, oldest first, each with its name and the one before it.
fn answers(turn: &Turn<'_>, of: &Run, wanted: &Wanted<'_>) -> Done<Vec<(BodyRef, Link)>> {
    turn.read_all(wanted.pieces.iter().copied())?;
    let mut out: Vec<(BodyRef, Link)> = Vec::with_capacity(wanted.pieces.len());
    for name in wanted.pieces {
        let bytes = turn.body(*name)?.ok_or_else(|| unreadable(wanted.of))?;
        let link: Link = postcard::from_bytes(bytes).map_err(|_| unreadable(wanted.of))?;
        if link.before != out.last().map(|(name, _)| *name) {
            return Err(strange(wanted.of));
        }
        out.push((*name, link));
    }
    if of.tail != out.last().map(|(name, _)| *name) {
        return Err(strange(wanted.of));
    }
    Ok(out)
}

fn strange(of: RunId) -> Stop {
    let what = format!("what was brought isn't the recording of {of}");
    Stop::refused(Code::STALE_VERSION, what)
}

/// What the original's recording says up to the turn, and what acted in it.
fn goes_on_from(turn: &Turn<'_>, by: &Actor, of: &Run, wanted: &Wanted<'_>) -> Done<Fork> {
    let links = answers(turn, of, wanted)?;
    let thoughts = links.iter().filter_map(|(_, link)| match &link.piece {
        Piece::Answer {
            ability: Ability::Model,
            answer: Answer::Body(body),
            ..
        } => Some(*body),
        _ => None,
    });
    turn.read_all(thoughts.chain(wanted.asked))?;
    let mut fork = Fork {
        of: wanted.of,
        from: wanted.from,
        by: by.clone(),
        model: wanted.model.cloned(),
        prompt: wanted.prompt,
        asked: of.input, // until the turn is found
        tail: None,
        calls: 0,
        turns: 0,
        answer: None,
        done: 0,
        bytes: 0,
        pieces: 0,
        tokens: 0,
        recalled: Vec::new(),
        acted: Vec::new(),
    };
    let mut acted = BTreeMap::new();
    let mut asks: VecDeque<ToolCall> = VecDeque::new();
    let (mut turns, mut failing, mut found) = (0, false, false);
    for (name, link) in &links {
        let Piece::Answer {
            index,
            ability,
            request,
            answer,
            ..
        } = &link.piece
        else {
            if !found {
                // What people said to the original, the what-if heard too.
                fork.bytes += name.len;
                fork.pieces += 1;
            }
            continue;
        };
        if *ability != Ability::Model {
            if !found {
                fork.bytes += name.len;
                fork.pieces += 1;
                if *ability == Ability::Recall {
                    fork.recalled.push(*name);
                }
                if *ability == Ability::Picture {
                    let what = "it looked at a picture before that turn: what-ifs don't see any";
                    return Err(Stop::refused(Code::WRONG_STATE, what));
                }
            }
            if let Some(call) = asks.pop_front().filter(perhaps_acts) {
                keep(&mut acted, key_of(&call), (*name, found));
            }
            continue;
        }
        // A model that stands in for one that failed answers in the same turn.
        turns += u32::from(!failing);
        if turns == wanted.from && !failing {
            found = true;
            fork.asked = asked_there(wanted, *request)?;
            (fork.tail, fork.calls) = (link.before, *index);
        }
        failing = true;
        fork.turns += u32::from(!found);
        let Answer::Body(body) = answer else { continue };
        failing = false;
        turn.body(*body)?.ok_or_else(|| unreadable(wanted.of))?;
        let thought = read(turn, *body)?;
        if !found {
            fork.answer = Some(*body);
            fork.done = thought.calls.len() as u32;
            fork.bytes += body.len;
            fork.pieces += 1;
            let used = thought.usage.unwrap_or_default();
            fork.tokens = fork.tokens.saturating_add(used.input + used.output);
        }
        asks = thought.calls.into();
    }
    if !found {
        let what = format!(
            "there is no turn {}: the run has {turns}, counted from 1",
            wanted.from
        );
        let help = "name a turn that there is: each answer of its model is one";
        return Err(Refusal::new(Code::NOT_FOUND, what).help(help).into());
    }
    if acted.len() > FORK_ACTS_MAX {
        let what = format!(
            "{} calls of the run acted, there are what-ifs of at most {FORK_ACTS_MAX}",
            acted.len()
        );
        return Err(Stop::refused(Code::TOO_LARGE, what));
    }
    fork.acted = acted
        .into_iter()
        .map(|(key, (piece, _))| (key, piece))
        .collect();
    Ok(fork)
}

/// What the model was asked in the turn: what the journal says must be what was answered.
fn asked_there(wanted: &Wanted<'_>, request: Digest) -> Done<BodyRef> {
    let asked = wanted.asked.filter(|asked| asked.digest == request);
    asked.ok_or_else(|| strange(wanted.of))
}

/// The first result of a call from the turn on counts, else the last one before it.
fn keep(
    acted: &mut BTreeMap<Digest, (BodyRef, bool)>,
    key: Digest,
    (piece, after): (BodyRef, bool),
) {
    if !acted.get(&key).is_some_and(|(_, after)| *after) {
        acted.insert(key, (piece, after));
    }
}

/// What the original's model was asked in the turn.
fn asked(turn: &Turn<'_>, fork: &Fork) -> Done<Think> {
    let bytes = turn.body(fork.asked)?.ok_or_else(|| unreadable(fork.of))?;
    serde_json::from_slice(bytes).map_err(|_| unreadable(fork.of))
}

/// How its agent works, but for what is to be different. What the original's model was told stands
/// as it was; what an agent may do is what it may now.
pub(super) fn mind(turn: &Turn<'_>, fork: &Fork, own: &MindSpec) -> Done<MindSpec> {
    let think = asked(turn, fork)?;
    let prompt = match fork.prompt {
        Some(prompt) => {
            let bytes = turn.body(prompt)?.ok_or_else(|| unreadable(fork.of))?;
            String::from_utf8_lossy(bytes).into_owned()
        }
        None => think.prompt,
    };
    Ok(MindSpec {
        prompt,
        models: vec![fork.model.clone().unwrap_or(think.model)],
        temperature: think.temperature,
        // A reviewer's is asked for anew, and no verdict is held to it.
        schema: think
            .schema
            .filter(|schema| schema.as_str() != VERDICT_SCHEMA),
        ..own.clone()
    })
}

/// What it is shown, what was left out for it, when it is asked, and the time that it is told: the
/// original's.
pub(super) fn shown(turn: &Turn<'_>, fork: &Fork) -> Done<(Shown, Cuts, Time, Time)> {
    let asked = asked(turn, fork)?;
    let time = asked.told();
    let Think {
        shown,
        given,
        left_out,
        cuts,
        skills,
        told,
        at,
        ..
    } = asked;
    let sizes = shown.iter().enumerate();
    let sizes = sizes.map(|(at, (_, body))| given.get(at).map_or(body.len, |most| *most));
    let found = Shown {
        given: sizes.collect(),
        documents: shown,
        skills,
        told,
        left_out,
    };
    Ok((found, cuts, at, time))
}

/// Puts a what-if where its original stood before the turn, at each attempt.
pub(super) fn ground(turn: &mut Turn<'_>, id: RunId) -> Done {
    let run = turn.run_mut(&id)?;
    let Some(fork) = run.fork.clone() else {
        return Ok(());
    };
    let is_first = run.attempt == 1;
    if is_first {
        let mut forks = turn.forks(&fork.of)?.cloned().unwrap_or_default();
        forks.runs.push(id);
        turn.put_forks(fork.of, Some(forks));
    }
    if crate::planted::is("what-if-pays-again") {
        return Ok(());
    }
    let run = turn.run_mut(&id)?;
    (run.tail, run.calls) = (fork.tail, fork.calls);
    let thinking = Thinking {
        turns: fork.turns,
        answer: fork.answer,
        done: fork.done,
        bytes: fork.bytes,
        pieces: fork.pieces,
        tokens: fork.tokens,
        recalled: fork.recalled,
        ..Thinking::default()
    };
    turn.put_thinking(id, Some(thinking));
    Ok(())
}

/// Whether a call changes something outside of its run, or lets somebody see it.
pub(super) fn acts(tool: Tool, arguments: &Value) -> bool {
    match tool {
        Tool::ContextRead
        | Tool::ContextSearch
        | Tool::Calculate
        | Tool::Recall
        | Tool::SkillRead => false,
        // What is no request isn't sent: whoever asks is told why.
        Tool::Http => fetch::http_request(arguments).is_ok_and(|(http, _)| http.method != "GET"),
        Tool::ContextWrite
        | Tool::Emit
        | Tool::Ask
        | Tool::Note
        | Tool::Remember
        | Tool::Say
        | Tool::TaskCreate
        | Tool::HandOver
        | Tool::AskAgent
        | Tool::SkillRun
        | Tool::Schedule => true,
    }
}

/// Whether it may have acted; what a server's tool does its server says, and may say otherwise now.
fn perhaps_acts(call: &ToolCall) -> bool {
    let arguments = serde_json::from_str(&call.arguments).unwrap_or_default();
    Tool::parse(&call.name).is_none_or(|tool| acts(tool, &arguments))
}

/// What a call asks for: the same tool with the same arguments, however they are written.
fn key_of(call: &ToolCall) -> Digest {
    let tool = Tool::parse(&call.name);
    let name = tool.map_or(call.name.as_str(), |tool| tool.word());
    let arguments = match serde_json::from_str::<Value>(&call.arguments) {
        Ok(mut value) => {
            value.sort_all_objects();
            value.to_string()
        }
        Err(_) => call.arguments.trim().to_owned(),
    };
    Digest::of(format!("{name}\0{arguments}").as_bytes())
}

/// What a call that would act gives instead: what the original was told for the very same call, or
/// that it isn't done.
pub(super) fn instead(
    turn: &mut Turn<'_>,
    (id, run): (RunId, &Run),
    fork: &Fork,
    call: &ToolCall,
    request: BodyRef,
) -> Done {
    let key = key_of(call);
    let recorded = fork.acted.iter().find(|(asked, _)| *asked == key);
    let given = match recorded {
        Some((_, piece)) => told(turn, fork, *piece)?,
        None => Answer::Denied(NOT_DONE.to_owned()),
    };
    intend(turn, id, run, Ability::Tool, request, World::Repeatable)?;
    tools::answer_at_once(turn, id, given)
}

/// What the original's model was told, as the answer of one of naos's own tools.
fn told(turn: &Turn<'_>, fork: &Fork, piece: BodyRef) -> Done<Answer> {
    let bytes = turn.body(piece)?.ok_or_else(|| unreadable(fork.of))?;
    let link: Link = postcard::from_bytes(bytes).map_err(|_| unreadable(fork.of))?;
    let Piece::Answer {
        ability, answer, ..
    } = link.piece
    else {
        return Err(unreadable(fork.of));
    };
    Ok(match (ability, answer) {
        (Ability::Http | Ability::Colleague, Answer::Text(text)) => {
            Answer::Text(from_outside(&text))
        }
        (Ability::Server, Answer::Text(text)) => {
            let said: ToolSaid = serde_json::from_str(&text).map_err(|_| unreadable(fork.of))?;
            let text = from_outside(&said.text);
            if said.is_error {
                Answer::Failed(text)
            } else {
                Answer::Text(text)
            }
        }
        (_, answer) => answer,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn call(name: &str, arguments: &str) -> ToolCall {
        ToolCall {
            id: "1".into(),
            name: name.into(),
            arguments: arguments.into(),
        }
    }

    #[test]
    fn every_tool_that_somebody_could_notice_acts() {
        for (tool, arguments, want) in [
            (Tool::ContextRead, json!({"path": "a.md"}), false),
            (Tool::ContextSearch, json!({"query": "a"}), false),
            (Tool::Calculate, json!({"expression": "1"}), false),
            (Tool::Recall, json!({"query": "a"}), false),
            (Tool::SkillRead, json!({"skill": "a"}), false),
            (Tool::Http, json!({"url": "https://a.example"}), false),
            (
                Tool::Http,
                json!({"url": "https://a.example", "method": "get"}),
                false,
            ),
            (
                Tool::Http,
                json!({"url": "https://a.example", "method": "HEAD"}),
                true,
            ),
            (
                Tool::Http,
                json!({"url": "https://a.example", "method": "delete"}),
                true,
            ),
            (
                Tool::Http,
                json!({"url": "https://a.example", "body": "x"}),
                true,
            ),
            (Tool::ContextWrite, json!({}), true),
            (Tool::Emit, json!({}), true),
            (Tool::Ask, json!({}), true),
            (Tool::Note, json!({}), true),
            (Tool::Remember, json!({}), true),
            (Tool::Say, json!({}), true),
            (Tool::TaskCreate, json!({}), true),
            (Tool::AskAgent, json!({}), true),
            (Tool::Schedule, json!({}), true),
            (Tool::HandOver, json!({}), true),
        ] {
            assert_eq!(acts(tool, &arguments), want, "{tool:?} {arguments}");
        }
        assert!(perhaps_acts(&call("crm__close", "{}")));
        assert!(!perhaps_acts(&call("calculate", "no JSON")));
    }

    #[test]
    fn the_very_same_call_is_known_however_it_is_written() {
        let one = key_of(&call(
            "task_create",
            r#"{"to": "b", "title": {"x": 1, "y": 2}}"#,
        ));
        let same = key_of(&call("task.create", r#"{"title":{"y":2,"x":1},"to":"b"}"#));
        assert_eq!(one, same);
        for other in [
            call("task_create", r#"{"to": "c", "title": {"x": 1, "y": 2}}"#),
            call("hand_over", r#"{"to": "b", "title": {"x": 1, "y": 2}}"#),
            call("task_create", "no JSON"),
        ] {
            assert_ne!(one, key_of(&other), "{other:?}");
        }
    }

    #[test]
    fn the_first_result_from_the_turn_on_counts() {
        let (key, body) = (Digest([1; 32]), |at: u8| BodyRef {
            digest: Digest([at; 32]),
            len: 1,
        });
        let mut acted = BTreeMap::new();
        for (at, after, want) in [(1, false, 1), (2, false, 2), (3, true, 3), (4, true, 3)] {
            keep(&mut acted, key, (body(at), after));
            assert_eq!(acted[&key].0, body(want));
        }
    }
}
