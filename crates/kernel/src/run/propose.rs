//! A change that an agent proposes of who it is. It never writes that itself: its operator is
//! asked, sees what differs, and what they say yes to, or change it into, is the new version.

use naos_types::fact::approval::{self, Waiting};
use naos_types::fact::run::{Ability, World};
use naos_types::input::Answer;
use naos_types::spec::{MindSpec, Tool};
use naos_types::{
    Actor, ApprovalId, BodyRef, Code, DocPath, IDENTITY, Name, Refusal, Role, RunId, Time,
};
use serde_json::Value;

use super::think::intend;
use super::workspace::{self, Own};
use super::{Run, calls, tools};
use crate::approval::Approval;
use crate::turn::{Done, Turn};

/// The longest text that is proposed, in bytes.
const PROPOSED_BYTES_MAX: usize = 64 * 1_024;

/// A proposal, as the request of the call says it that waits for the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// The document.
    pub path: DocPath,
}

impl Proposal {
    /// What a run's waiting question proposes; none where it is a question like others.
    #[must_use]
    pub fn read(run: &Run, request: &[u8]) -> Option<Self> {
        if !run.is_by_model() {
            return None; // a component writes its requests itself
        }
        let request: Value = serde_json::from_slice(request).ok()?;
        let tool = Tool::parse(request["tool"].as_str()?)?;
        let arguments: Value = serde_json::from_str(request["arguments"].as_str()?).ok()?;
        let path = DocPath::new(arguments["path"].as_str()?).ok()?;
        (tool == Tool::ContextWrite && path.is_identity()).then_some(Self { path })
    }
}

/// Whether a document is one of those that say who this agent is, of which it may propose a change.
pub(super) fn may(mind: &MindSpec, run: &Run, path: &DocPath) -> bool {
    let (_, name) = path.as_str().rsplit_once('/').unwrap_or_default();
    // What is only called nearly so would look to people like the document itself.
    IDENTITY.contains(&name)
        && workspace::own(mind, path) != Own::No
        && mind.tools.contains(&Tool::ContextWrite)
        && run.grant.grants.ask
}

/// Asks whoever may write it.
pub(super) fn ask(
    turn: &mut Turn<'_>,
    (id, run): (RunId, &Run),
    request: BodyRef,
    (path, content, expected): (&DocPath, String, Option<u64>),
) -> Done {
    let shown = tools::plain(path);
    let there = turn
        .document(path)?
        .map(|found| (found.version, found.body));
    let version = there.map_or(0, |(version, _)| version);
    let wrong = if expected.is_some_and(|expected| expected != version) {
        Some(format!("{shown} has version {version} by now"))
    } else if content.trim().is_empty() || content.len() > PROPOSED_BYTES_MAX {
        Some(format!(
            "a proposal has 1 to {PROPOSED_BYTES_MAX} bytes: the whole text as it would be"
        ))
    } else {
        None
    };
    if let Some(why) = wrong {
        return tools::said(turn, id, run, request, Answer::Failed(why));
    }
    let body = turn.stage(content.into_bytes())?;
    if there.is_some_and(|(_, is)| is == body) {
        let why = format!("{shown} says just that already");
        return tools::said(turn, id, run, request, Answer::Text(why));
    }
    let agent = run.agent.clone();
    let title = turn.seal(format!("{agent} proposes another {shown}"))?;
    let index = run.calls;
    intend(turn, id, run, Ability::Ask, request, World::Keyed)?;
    turn.emit(approval::Requested {
        approval: calls::question(id, run.attempt, index),
        title,
        body,
        options: Vec::new(),
        waiting: Waiting::Call(id, index),
        author: Some(agent),
        evidence: None,
        disputed: false,
        // As whoever writes it by hand.
        role: Role::Admin,
        expires_at: None,
    })?;
    super::go_on(turn, id)
}

/// Refuses a yes to a proposal whose document was written since: what its operator saw differ isn't
/// what would differ, and what they wrote themselves would be lost with it.
pub(crate) fn still_stands(turn: &Turn<'_>, id: ApprovalId, asked: &Approval) -> Done {
    let Waiting::Call(run, index) = &asked.waiting else {
        return Ok(());
    };
    let Some(run) = turn.run(run)? else {
        return Ok(());
    };
    let Some(path) = proposed(turn, run, *index)? else {
        return Ok(());
    };
    if !written_since(turn, &path, asked.asked)? || crate::planted::is("stale-proposals-decided") {
        return Ok(());
    }
    let shown = tools::plain(&path);
    let what = format!("{shown} was written since this was proposed: nothing is decided");
    let help = format!(
        "see what changed: `naos document diff {shown}`; say no, and the agent may propose anew: \
         `naos approve {id} --no`; or write it yourself: `naos document put FILE {shown}`"
    );
    Err(Refusal::new(Code::STALE_VERSION, what).help(help).into())
}

/// The document of which the question that a run waits at proposes a change; none where it is
/// another question, or waits no more.
fn proposed(turn: &Turn<'_>, run: &Run, index: u32) -> Done<Option<DocPath>> {
    let waits =
        |pending: &&super::Pending| pending.index == index && pending.ability == Ability::Ask;
    let Some(pending) = run.pending.as_ref().filter(waits) else {
        return Ok(None);
    };
    let request = turn.body(pending.request)?.unwrap_or_default();
    Ok(Proposal::read(run, request).map(|proposal| proposal.path))
}

/// Whether somebody wrote a document after its change was proposed.
fn written_since(turn: &Turn<'_>, path: &DocPath, since: Time) -> Done<bool> {
    let there = turn.document(path)?;
    let is_newer = there.is_some_and(|found| found.at > since);
    Ok(is_newer && !crate::planted::is("proposals-over-others"))
}

/// Somebody answered: what the model is told, and the document as they want it.
pub(super) fn decided(
    turn: &mut Turn<'_>,
    (id, run): (RunId, &Run),
    index: u32,
    given: Result<Option<BodyRef>, &str>,
) -> Done<Option<Answer>> {
    let Some(path) = proposed(turn, run, index)? else {
        return Ok(None);
    };
    let question = calls::question(id, run.attempt, index);
    let asked = crate::approval::known(turn, question)?;
    let edited = match given {
        Ok(edited) => edited,
        Err(why) => {
            let newer = written_since(turn, &path, asked.asked)?;
            let newer = if newer {
                "; it was written meanwhile: read it"
            } else {
                ""
            };
            return Ok(Some(Answer::Denied(format!(
                "it stays as it is: {why}{newer}"
            ))));
        }
    };
    let (body, since) = (edited.unwrap_or(asked.body), asked.asked);
    let by = asked.decided.as_ref();
    let by = by.map_or(Actor::System, |(by, _)| by.clone());
    let shown = tools::plain(&path).to_owned();
    if written_since(turn, &path, since)? {
        // Such a yes was refused (`still_stands`): what gets here all the same writes nothing over.
        return Ok(Some(Answer::Failed(format!(
            "{shown} was written meanwhile, and stays so: read it, and propose anew"
        ))));
    }
    crate::document::fits(&path, body)?;
    let written = crate::document::write(turn, &by, &path, body, None, Some(id))?;
    let version = written.unwrap_or_default();
    Ok(Some(Answer::Text(if edited.is_some() {
        format!("{shown} has version {version} now, in other words than you proposed: read it")
    } else {
        format!("{shown} has version {version} now, as you proposed")
    })))
}

/// What is told of an agent that may not even propose.
pub(super) fn refused(shown: &str, agent: &Name) -> String {
    format!(
        "{shown} says who an agent is: only people write it. An agent that may ask \
         (agents.{agent}.grants.ask) proposes a change of its own"
    )
}
