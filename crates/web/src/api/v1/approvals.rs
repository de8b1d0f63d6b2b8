//! `/approvals`.

use naos_engine::read::Reader;
use naos_kernel::approval::{Approval, answers_questions};
use naos_kernel::document::Document;
use naos_kernel::member::Member;
use naos_kernel::run::{Proposal, Run};
use naos_types::command;
use naos_types::fact::approval::Waiting;
use naos_types::{
    ApprovalId, ApprovalStatus, Code, Digest, DocPath, MemberId, PlanId, Refusal, RunId, Seq, Time,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{LIMIT, LIMIT_MAX, members, replaced, reviewed, shapes, stuck, what_ifs};
use crate::door::{Answered, Call, ok};
use crate::error::Fault;

pub(crate) async fn list(call: Call) -> Answered {
    let reader = call.reader()?;
    let status = call.one_of("status", ApprovalStatus::ALL, ApprovalStatus::parse)?;
    let before = call.word("before", ApprovalId::parse)?;
    let limit = call.rows("limit", LIMIT, LIMIT_MAX)?;
    if status == Some(ApprovalStatus::Pending) {
        return waiting(&reader, call.now, (before, limit));
    }
    let fits =
        |_: &ApprovalId, a: &Approval| status.is_none_or(|status| a.status_at(call.now) == status);
    let listed = reader.newest::<Approval>(before.as_ref(), limit, fits)?;
    let items: Vec<Value> = listed
        .items
        .iter()
        .map(|(id, approval)| shapes::approval(&reader, *id, approval, call.now))
        .collect();
    let stuck = stuck::shown(&reader)?;
    ok(&json!({"items": items, "next": listed.next, "stuck": stuck}))
}

/// What waits, the most urgent first; `before` is the last one that was shown.
fn waiting(reader: &Reader, now: Time, (before, limit): (Option<ApprovalId>, usize)) -> Answered {
    let all = reviewed::queue(reader, now)?;
    let last = before.and_then(|last| all.iter().position(|(id, _)| *id == last));
    let from = last.map_or(0, |at| at + 1);
    let shown = all.iter().skip(from).take(limit);
    let items: Vec<Value> = shown
        .map(|(id, approval)| shapes::approval(reader, *id, approval, now))
        .collect();
    let is_all = from + items.len() >= all.len();
    let next = all.get((from + items.len()).saturating_sub(1));
    let next = next.filter(|_| !is_all).map(|(id, _)| *id);
    let stuck = stuck::shown(reader)?;
    ok(&json!({"items": items, "next": next, "waiting": all.len(), "stuck": stuck}))
}

pub(crate) async fn show(call: Call) -> Answered {
    let id: ApprovalId = call.id("id", "approval")?;
    let reader = call.reader()?;
    let approval = reader.known::<Approval>(&id, "approval")?;
    let mut value = shapes::approval(&reader, id, &approval, call.now);
    if let Value::Object(members) = &mut value {
        members.insert("body".into(), shapes::text(&reader, Some(&approval.body)));
        members.insert(
            "evidence".into(),
            shapes::text(&reader, approval.evidence.as_ref()),
        );
        members.insert(
            "edited".into(),
            shapes::text(&reader, approval.edited.as_ref()),
        );
        let checked = reviewed::checks_of(&reader, &approval)?;
        members.insert("checked".into(), json!(checked));
        if let Some(proposed) = proposal(&reader, &approval)? {
            let (lines, cut) = what_ifs::difference(&proposed.before, &proposed.after);
            let told = json!({"path": proposed.path, "version": proposed.version,
                "diff": what_ifs::told(&lines), "cut": cut});
            members.insert("proposal".into(), told);
        } else if let Ok(Some(replaced)) = replaced::of(&reader, &approval) {
            members.insert("replaces".into(), replaced.shape());
        }
        members.insert("seq".into(), json!(reader.seq()?));
    }
    ok(&value)
}

/// A document that an agent wants changed.
pub(crate) struct Proposed {
    pub(crate) path: DocPath,
    /// The version that there is; 0 where there is none.
    pub(crate) version: u64,
    pub(crate) before: String,
    pub(crate) after: String,
}

/// What a question that waits proposes; none where it is another one.
pub(crate) fn proposal(reader: &Reader, approval: &Approval) -> Result<Option<Proposed>, Refusal> {
    let Waiting::Call(run, index) = &approval.waiting else {
        return Ok(None);
    };
    let found = reader.find::<Run>(run)?;
    let found = found.filter(|_| approval.status == ApprovalStatus::Pending);
    let pending = found
        .as_ref()
        .and_then(|run| Some((run, run.pending.as_ref()?)));
    let Some((run, pending)) = pending.filter(|(_, pending)| pending.index == *index) else {
        return Ok(None);
    };
    let request = reader.bytes(&pending.request)?;
    let Some(Proposal { path }) = Proposal::read(run, &request) else {
        return Ok(None);
    };
    let there = reader.find::<Document>(&path)?;
    let before = there.as_ref().map(|there| reader.text(&there.body));
    Ok(Some(Proposed {
        path,
        version: there.map_or(0, |there| there.version),
        before: before.transpose()?.unwrap_or_default(),
        after: reader.text(&approval.body)?,
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Decide {
    pub(crate) approve: bool,
    pub(crate) comment: Option<String>,
    /// The digest of what was seen, as `show` gave it.
    pub(crate) seen: Option<Digest>,
    pub(crate) edited: Option<String>,
}

pub(crate) async fn decide(call: Call) -> Answered {
    let asked: Decide = call.json()?;
    let id: ApprovalId = call.id("id", "approval")?;
    let (seq, waiting) = answer(&call, "", id, asked).await?;
    let (plan, run) = who_waited(waiting);
    ok(&json!({"approval": id, "plan": plan, "run": run, "seq": seq}))
}

fn who_waited(waiting: Option<Waiting>) -> (Option<PlanId>, Option<RunId>) {
    match waiting {
        Some(Waiting::Step(plan, _)) => (Some(plan), None),
        Some(Waiting::Call(run, _)) => (None, Some(run)),
        None => (None, None),
    }
}

/// The most questions that are answered at once.
pub(crate) const BATCH_MAX: usize = 50;

/// The same answer to several questions.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DecideAll {
    approve: bool,
    comment: Option<String>,
    items: Vec<Seen>,
}

/// A question, and what was seen of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Seen {
    pub(crate) approval: ApprovalId,
    pub(crate) seen: Digest,
}

/// What came of each: who waited for it, or why it is left as it is.
pub(crate) type Came = (ApprovalId, Result<(Seq, Option<Waiting>), Fault>);

/// Answers several questions alike, each as it was seen and by itself: one that changed meanwhile,
/// or that isn't the asker's to answer, is left.
pub(crate) async fn answer_all(
    call: &Call,
    (approve, comment): (bool, Option<&str>),
    items: Vec<Seen>,
) -> Result<Vec<Came>, Fault> {
    if items.is_empty() || items.len() > BATCH_MAX {
        let what = format!(
            "1 to {BATCH_MAX} questions are answered at once, not {}",
            items.len()
        );
        return Err(Fault::new(Code::BAD_REQUEST, what));
    }
    let mut all = Vec::with_capacity(items.len());
    for Seen { approval, seen } in items {
        let seen = Some(seen).filter(|_| !crate::planted::batch_unseen());
        let decide = Decide {
            approve,
            comment: comment.map(str::to_owned),
            seen,
            edited: None,
        };
        let came = answer(call, &format!("/{approval}"), approval, decide).await;
        all.push((approval, came));
    }
    Ok(all)
}

pub(crate) async fn decide_all(call: Call) -> Answered {
    let asked: DecideAll = call.json()?;
    let with = (asked.approve, asked.comment.as_deref());
    let all = answer_all(&call, with, asked.items).await?;
    let decided = all.iter().filter(|(_, came)| came.is_ok()).count();
    let left = all.len() - decided;
    let items = all.into_iter().map(|(approval, came)| match came {
        Ok((seq, waiting)) => {
            let (plan, run) = who_waited(waiting);
            json!({"approval": approval, "decided": true, "plan": plan, "run": run, "seq": seq})
        }
        Err(Fault { refusal, .. }) => json!({"approval": approval, "decided": false,
            "code": refusal.code, "what": refusal.what, "help": refusal.help}),
    });
    ok(&json!({"decided": decided, "left": left, "items": items.collect::<Vec<_>>()}))
}

/// To whom an answer was left.
pub(crate) struct Left {
    pub(crate) to: MemberId,
    pub(crate) name: String,
    /// Whether they were removed: nobody knows their name any more.
    pub(crate) removed: bool,
    /// What they should know.
    pub(crate) note: Option<String>,
    /// Whether they are gone, or answer no questions any more.
    pub(crate) gone: bool,
}

/// To whom the answer was left; none where it was left to nobody.
pub(crate) fn left(reader: &Reader, approval: &Approval) -> Option<Left> {
    let (to, note) = approval.delegated.as_ref()?;
    let found = reader.find::<Member>(to).ok()?;
    Some(Left {
        to: *to,
        name: members::called(reader, to),
        removed: found.is_none(),
        note: note.as_ref().map(|note| reader.sealed(note)),
        gone: !answers_questions(found.as_deref()),
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Delegate {
    /// A member: the word by which they are called, or their id.
    pub(crate) to: String,
    pub(crate) note: Option<String>,
}

/// The longest note to whoever is to answer, in bytes.
const NOTE_BYTES_MAX: usize = 2_000;

pub(crate) async fn delegate(call: Call) -> Answered {
    let asked: Delegate = call.json()?;
    let (seq, to) = leave(&call, asked).await?;
    let name = members::called(&call.reader()?, &to);
    ok(&json!({"approval": call.param("id"), "to": to, "name": name, "seq": seq}))
}

/// Leaves the answer to a member.
pub(crate) async fn leave(call: &Call, asked: Delegate) -> Result<(Seq, MemberId), Fault> {
    let approval: ApprovalId = call.id("id", "approval")?;
    let to = members::one(&call.reader()?, &asked.to)?;
    let note = asked.note.filter(|note| !note.trim().is_empty());
    if note
        .as_ref()
        .is_some_and(|note| note.len() > NOTE_BYTES_MAX)
    {
        let what = format!("a note has at most {NOTE_BYTES_MAX} bytes");
        return Err(Fault::new(Code::TOO_LARGE, what));
    }
    let note = note.map(|note| call.seal(&note)).transpose()?;
    let delegate = command::Approval::Delegate { approval, to, note };
    let (seq, _) = call.ask("", delegate, Vec::new()).await?;
    Ok((seq, to))
}

/// The longest text that something is changed into, in bytes.
const EDIT_BYTES_MAX: usize = 1 << 20;

/// Gives a person's answer to the cell; `part` tells the answers of one request apart.
pub(crate) async fn answer(
    call: &Call,
    part: &str,
    approval: ApprovalId,
    asked: Decide,
) -> Result<(Seq, Option<Waiting>), Fault> {
    if let Some(text) = &asked.edited {
        if !asked.approve {
            let what = "a text goes with a yes: nothing would become of it with a no";
            return Err(Refusal::new(Code::BAD_REQUEST, what)
                .help("approve it as it was changed, or say in the comment why it is rejected")
                .into());
        }
        if text.trim().is_empty() {
            let what = "what it was changed into is empty: nothing would be approved";
            return Err(Fault::new(Code::BAD_REQUEST, what));
        }
        if text.len() > EDIT_BYTES_MAX {
            let what = format!("what it was changed into has more than {EDIT_BYTES_MAX} bytes");
            return Err(Fault::new(Code::TOO_LARGE, what));
        }
    }
    let written = asked.edited.clone();
    let (edited, bodies) = call.content_of(asked.edited)?;
    let comment = asked.comment.filter(|comment| !comment.trim().is_empty());
    let decide = command::Approval::Decide {
        approval,
        yes: asked.approve,
        seen: asked.seen,
        comment: comment.map(|text| call.seal(&text)).transpose()?,
        edited,
    };
    let (seq, reply) = match call.ask(part, decide, bodies).await {
        Ok(done) => done,
        // Somebody else was faster, or it expired meanwhile: what was written isn't lost.
        Err(fault) => return Err(given_back(fault, written)),
    };
    let waiting = match reply {
        command::Reply::Decided(waiting) => Some(waiting),
        _ => None,
    };
    Ok((seq, waiting))
}

/// A refusal with the text that somebody wrote in vain.
fn given_back(mut fault: Fault, written: Option<String>) -> Fault {
    let late = matches!(fault.refusal.code, Code::WRONG_STATE | Code::STALE_VERSION);
    let Some(text) = written.filter(|_| late) else {
        return fault;
    };
    let help = format!(
        "{}; nothing was changed; this is what you wrote, so that it isn't lost: {text}",
        fault.refusal.help
    );
    fault.refusal = Box::new(fault.refusal.help(help));
    fault.with("edited", json!(text))
}
