//! Approvals: a person is asked, and nobody else answers.

mod left;
mod rule;

use naos_types::command::{self, Reply};
use naos_types::fact::approval::{self, Fact, Waiting};
use naos_types::fact::member::News;
use naos_types::{
    Actor, ApprovalId, ApprovalStatus, BodyRef, Code, MemberId, Name, Refusal, Role, Sealed, Time,
};
use serde::{Deserialize, Serialize};

use crate::table::{Aggregate, lengthened};
use crate::turn::{Done, Stop, Turn};

pub use left::answers_questions;
pub(crate) use left::person_changed;
pub use rule::{ANSWERS_MAX, Habit, OFFERED_AFTER, RULE_MAX, Standing, maker, works_with};
pub(crate) use rule::{answers, offer};

/// One question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// The question.
    pub title: Sealed,
    /// The answers to choose from; empty means yes or no.
    pub options: Vec<String>,
    /// When it was asked.
    pub asked: Time,
    /// What the reviewer said last.
    pub evidence: Option<BodyRef>,
    /// Whether the reviewer still refuted it.
    pub disputed: bool,
    /// Who answered, and when.
    pub decided: Option<(Actor, Time)>,
    /// What they said.
    pub comment: Option<Sealed>,
    /// Where it stands.
    pub status: ApprovalStatus,
    /// What it is about.
    pub body: BodyRef,
    /// What waits for the answer.
    pub waiting: Waiting,
    /// Whose work it is.
    pub author: Option<Name>,
    /// The least role that may answer.
    pub role: Role,
    /// When nobody need answer any more.
    pub expires_at: Option<Time>,
    /// What it was changed into.
    pub edited: Option<BodyRef>,
    /// To whom the answer was left, and what they should know.
    pub delegated: Option<(MemberId, Option<Sealed>)>,
    /// Whether a standing rule answered.
    pub ruled: bool,
}

impl Aggregate for Approval {
    const KIND: &'static str = "approval";
    const VERSION: u8 = 2;
    fn lift(version: u8, bytes: &[u8]) -> Option<Self> {
        (version == 1).then(|| lengthened(bytes, 2))? // left to whom, and whether by a rule
    }
    fn is_open(&self) -> bool {
        self.status == ApprovalStatus::Pending
    }
    fn due(&self) -> Option<Time> {
        if self.is_open() {
            self.expires_at
        } else {
            None
        }
    }
}

impl Approval {
    /// Where it stands by then: nobody answers one whose time is over, although its cell notes that
    /// only when it goes on with its work, which whoever reads leaves where it is.
    #[must_use]
    pub fn status_at(&self, now: Time) -> ApprovalStatus {
        let is_over = self.due().is_some_and(|at| at <= now);
        match is_over && !crate::planted::is("open-past-its-end") {
            true => ApprovalStatus::Expired,
            false => self.status,
        }
    }
}

pub(crate) fn known<'t>(turn: &'t Turn<'_>, id: ApprovalId) -> Done<&'t Approval> {
    turn.approval(&id)?
        .ok_or_else(|| Stop::refused(Code::NOT_FOUND, format!("there is no approval {id}")))
}

pub(crate) fn command(turn: &mut Turn<'_>, by: &Actor, asked: &command::Approval) -> Done<Reply> {
    let (approval, yes, seen, comment, edited) = match asked {
        command::Approval::Decide {
            approval,
            yes,
            seen,
            comment,
            edited,
        } => (approval, yes, seen, comment, edited),
        command::Approval::Delegate { approval, to, note } => {
            return delegate(turn, by, *approval, *to, note.clone());
        }
        command::Approval::TakeRule { habit, span } => return rule::take(turn, by, habit, *span),
        command::Approval::EndRule { habit } => return rule::end(turn, by, habit),
    };
    let found = answerable(turn, by, *approval)?;
    if seen.is_some_and(|seen| seen != found.body.digest) {
        let what = "what you saw isn't what waits any more";
        return Err(Stop::refused(Code::STALE_VERSION, what));
    }
    let (id, by, comment) = (*approval, by.clone(), comment.clone());
    if *yes {
        if !crate::planted::is("approve-unread") {
            // Nobody says yes to what nobody can see.
            turn.readable(found.body, "what is to be approved")?;
            if let Some(evidence) = found.evidence {
                turn.readable(evidence, "what the reviewer said about it")?;
            }
        }
        crate::run::still_stands(turn, id, &found)?;
        chosen(turn, &found, *edited)?;
        let (body, edited) = (found.body.digest, *edited);
        turn.emit(approval::Approved {
            approval: id,
            by,
            body,
            comment,
            edited,
        })?;
    } else {
        turn.emit(approval::Rejected {
            approval: id,
            by,
            comment,
        })?;
    }
    Ok(Reply::Decided(found.waiting))
}

/// A question with answers to choose from is answered with one of them.
fn chosen(turn: &Turn<'_>, found: &Approval, edited: Option<BodyRef>) -> Done {
    if found.options.is_empty() || crate::planted::is("answers-beside-the-options") {
        return Ok(());
    }
    let given = match edited {
        Some(body) => turn.body(body)?.unwrap_or_default(),
        None => &[],
    };
    let given = String::from_utf8_lossy(given);
    if found.options.iter().any(|option| option == given.trim()) {
        return Ok(());
    }
    let what = format!("choose one of: {}", found.options.join(", "));
    let refusal = Refusal::new(Code::BAD_REQUEST, what);
    Err(refusal.help("`naos approve ID --choose ANSWER`").into())
}

/// A question that waits still, and that this actor may answer.
fn answerable(turn: &Turn<'_>, by: &Actor, id: ApprovalId) -> Done<Approval> {
    let found = known(turn, id)?.clone();
    if let Actor::Member(member, role) = by
        && !found.may_answer(*member, *role)
    {
        let what = format!(
            "this takes the role {}, yours is {}",
            found.role.word(),
            role.word()
        );
        return Err(Refusal::new(Code::NOT_ALLOWED, what).into());
    }
    crate::guard::not_the_author(found.author.as_ref(), by)?;
    if found.status != ApprovalStatus::Pending && !crate::planted::is("answers-again") {
        let what = format!("it was {} before", found.status);
        return Err(Stop::refused(Code::WRONG_STATE, what));
    }
    Ok(found)
}

/// Leaves the answer to a member, whatever their role but external: whoever leaves it could have
/// given it.
fn delegate(
    turn: &mut Turn<'_>,
    by: &Actor,
    id: ApprovalId,
    to: MemberId,
    note: Option<Sealed>,
) -> Done<Reply> {
    let found = answerable(turn, by, id)?;
    let Some(member) = turn.member(&to)? else {
        return Err(Stop::refused(
            Code::NOT_FOUND,
            format!("there is no member {to}"),
        ));
    };
    if !answers_questions(Some(member)) {
        let what = format!("{to} is {} and answers no questions", member.role.word());
        return Err(Stop::refused(Code::NOT_ALLOWED, what));
    }
    let handed_on = matches!(by, Actor::Member(_, role) if *role < found.role);
    if handed_on && !crate::planted::is("delegated-on") {
        // Who was trusted by name can't trust others in the name of a role that isn't theirs.
        let what = "the answer was left to you: whoever has the role leaves it to somebody else";
        return Err(Stop::refused(Code::NOT_ALLOWED, what));
    }
    if found.delegated == Some((to, note.clone())) {
        return Ok(Reply::Unchanged);
    }
    turn.emit(approval::Delegated {
        approval: id,
        to,
        note,
        by: by.clone(),
    })?;
    crate::member::tell(turn, [to], News::Delegated(id), by)?;
    Ok(Reply::Done)
}

/// Nobody answered in time.
pub(crate) fn expire(turn: &mut Turn<'_>, id: ApprovalId) -> Done {
    if known(turn, id)?.due().is_some_and(|at| at <= turn.now) {
        turn.emit(approval::Expired { approval: id })?;
    }
    Ok(())
}

/// What waited ended otherwise; an answered question stays as it is.
pub(crate) fn withdraw(turn: &mut Turn<'_>, id: ApprovalId) -> Done {
    if known(turn, id)?.is_open() {
        turn.emit(approval::Withdrawn { approval: id })?;
    }
    Ok(())
}

pub(crate) fn fold(turn: &mut Turn<'_>, fact: &Fact) -> Done {
    let now = turn.now;
    match fact {
        Fact::Requested(f) => {
            let approval = Approval {
                title: f.title.clone(),
                options: f.options.clone(),
                asked: now,
                evidence: f.evidence,
                disputed: f.disputed,
                decided: None,
                comment: None,
                status: ApprovalStatus::Pending,
                body: f.body,
                waiting: f.waiting.clone(),
                author: f.author.clone(),
                role: f.role,
                expires_at: f.expires_at,
                edited: None,
                delegated: None,
                ruled: false,
            };
            turn.put_approval(f.approval, Some(approval));
            if let Waiting::Step(plan, at) = &f.waiting {
                crate::plan::asked(turn, *plan, at, f.approval)?;
            }
        }
        Fact::Approved(f) => {
            let approval = turn.approval_mut(&f.approval)?;
            approval.status = ApprovalStatus::Approved;
            approval.edited = f.edited;
            approval.decided = Some((f.by.clone(), now));
            approval.comment.clone_from(&f.comment);
            rule::counted(turn, f.approval)?;
        }
        Fact::Rejected(f) => {
            let approval = turn.approval_mut(&f.approval)?;
            approval.status = ApprovalStatus::Rejected;
            approval.decided = Some((f.by.clone(), now));
            approval.comment.clone_from(&f.comment);
            rule::counted(turn, f.approval)?;
        }
        Fact::Expired(f) => turn.approval_mut(&f.approval)?.status = ApprovalStatus::Expired,
        Fact::RuleOffered(_) | Fact::RuleTaken(_) | Fact::RuleEnded(_) | Fact::Ruled(_) => {
            rule::fold(turn, fact)?;
        }
        Fact::Delegated(f) => {
            turn.approval_mut(&f.approval)?.delegated = Some((f.to, f.note.clone()));
        }
        Fact::Withdrawn(f) => turn.approval_mut(&f.approval)?.status = ApprovalStatus::Withdrawn,
    }
    Ok(())
}
