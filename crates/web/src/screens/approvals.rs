//! `/approvals`.

use std::sync::Arc;

use naos_engine::read::Reader;
use naos_kernel::HabitKey;
use naos_kernel::approval::{Approval, Habit};
use naos_types::fact::approval::Waiting;
use naos_types::{ApprovalId, ApprovalStatus, Code, Digest, MemberId, Refusal, Role};
use serde::Deserialize;

use super::documents::citations;
use super::{evidence, rows};
use crate::api::v1::approvals::{
    BATCH_MAX, Decide, Delegate, Proposed, Seen, answer, answer_all, leave, left, proposal,
};
use crate::api::v1::replaced::{self, Was};
use crate::api::v1::what_ifs::difference;
use crate::api::v1::{habits, notices, reviewed};
use crate::door::{Answered, Call};
use crate::error::Fault;
use crate::pages::PAGE_ROWS_MAX;
use crate::pages::approval::{
    Answer, Approval as ApprovalPage, Attached, COMMENT_CHARS_MAX, Decision, EDIT_CHARS_MAX, LeftTo,
};
use crate::pages::approvals::{ApprovalRow, Approvals, Choice, RuleRow, Told};

/// The longest text of which a question can be chosen with others, in bytes: whoever decides sees
/// all of it.
const CHOICE_BYTES_MAX: u64 = 8 * 1_024;

pub(crate) async fn list(call: Call) -> Answered {
    listed(&call, None)
}

/// The page, with what came of answers that were just given.
fn listed(call: &Call, told: Option<Told>) -> Answered {
    let reader = call.reader()?;
    let before = call.word("before", ApprovalId::parse)?;
    let fits = |_: &ApprovalId, a: &Approval| a.status != ApprovalStatus::Pending;
    let decided = reader.newest::<Approval>(before.as_ref(), PAGE_ROWS_MAX, fits)?;
    let row = |(id, a): &(ApprovalId, Arc<Approval>)| rows::approval_row(&reader, *id, a);
    let untold = notices::troubled(&reader)?;
    let who = (call.who()?.member, call.who()?.role);
    let queue = reviewed::queue(&reader, call.now)?;
    let waiting = queue.iter().enumerate().map(|(at, (id, a))| match at {
        0..BATCH_MAX => choosable(&reader, *id, a, who),
        _ => rows::approval_row(&reader, *id, a),
    });
    let waiting: Vec<ApprovalRow> = waiting.collect();
    let can_choose = waiting.iter().any(|row| row.choice.is_some());
    let page = Approvals {
        told,
        batch_key: can_choose.then(super::form_key),
        untold: untold
            .iter()
            .map(|(_, n)| rows::untold(&reader, n))
            .collect(),
        stuck: rows::stuck(&reader)?,
        waiting,
        decided: decided.items.iter().map(row).collect(),
        older: decided.next.map(|next| format!("/approvals?before={next}")),
        rules: rules(call, &reader)?,
    };
    super::page(call, &page)
}

/// A question at a glance, and what it is about where it can be chosen with others.
pub(super) fn choosable(
    reader: &Reader,
    id: ApprovalId,
    approval: &Approval,
    who: (MemberId, Role),
) -> ApprovalRow {
    let mut row = rows::approval_row(reader, id, approval);
    let waits = approval.status == ApprovalStatus::Pending && approval.options.is_empty();
    if waits && may_answer(approval, who) {
        row.choice = choice(reader, approval).ok().flatten();
    }
    row
}

/// All that it is about; none where that is more than a list can show.
fn choice(reader: &Reader, approval: &Approval) -> Result<Option<Choice>, Refusal> {
    let seen = approval.body.digest.to_string();
    let Some(replaced) = replaced::of(reader, approval)? else {
        if approval.body.len > CHOICE_BYTES_MAX {
            return Ok(None);
        }
        let text = reader.text(&approval.body)?;
        return Ok(Some(Choice {
            seen,
            text,
            replaces: None,
        }));
    };
    let (lines, cut) = difference(&replaced.before, &replaced.after);
    let lines: Vec<String> = lines
        .iter()
        .map(|line| format!("{} {}", line.sign, line.text))
        .collect();
    let text = lines.join("\n");
    let replaces = match replaced.was {
        Was::Document(path, _) => ("batch-document", path.as_str().to_owned()),
        Was::Rejected => ("batch-rejected", String::new()),
        Was::Approved => ("batch-approved", String::new()),
    };
    let is_whole = !cut && text.len() as u64 <= CHOICE_BYTES_MAX;
    Ok(is_whole.then_some(Choice {
        seen,
        text,
        replaces: Some(replaces),
    }))
}

/// Whether whoever looks may answer: by their role, or because the answer was left to them.
fn may_answer(approval: &Approval, (member, role): (MemberId, Role)) -> bool {
    approval.may_answer(member, role)
}

/// Whether a form says yes.
fn says_yes(decision: &str, comment: &str) -> Result<bool, Fault> {
    if comment.chars().count() > COMMENT_CHARS_MAX {
        let what = format!("a comment has at most {COMMENT_CHARS_MAX} characters");
        return Err(Fault::new(Code::TOO_LARGE, what));
    }
    match decision {
        "approve" => Ok(true),
        "reject" => Ok(false),
        _ => Err(Fault::new(
            Code::BAD_REQUEST,
            "a decision is approve or reject",
        )),
    }
}

pub(crate) async fn decide_all(mut call: Call) -> Answered {
    let form: Vec<(String, String)> = call.form()?;
    let values = |name: &'static str| {
        let named = form.iter().filter(move |(key, _)| key == name);
        named.map(|(_, value)| value.as_str())
    };
    let value = |name| values(name).next().unwrap_or_default();
    let comment = value("comment");
    let approve = says_yes(value("decision"), comment)?;
    call.keyed(value("idempotency_key"))?;
    let seen = |text: &str| {
        let (id, seen) = text.split_once(' ')?;
        let (approval, seen) = (ApprovalId::parse(id)?, Digest::parse(seen)?);
        Some(Seen { approval, seen })
    };
    let chosen: Option<Vec<Seen>> = values("chosen").map(seen).collect();
    let Some(chosen) = chosen.filter(|chosen| !chosen.is_empty()) else {
        let refusal = Refusal::new(Code::BAD_REQUEST, "the form says nothing that you saw")
            .help("go back, and choose what you decide: the boxes stand beside the questions");
        return Err(refusal.into());
    };
    let all = answer_all(&call, (approve, Some(comment)), chosen).await?;
    let last = all.iter().filter_map(|(_, came)| came.as_ref().ok());
    if let Some((seq, _)) = last.max_by_key(|(seq, _)| *seq) {
        let tenant = call.who()?.tenant;
        call.desk.app.node.settled(tenant, *seq).await?;
    }
    let reader = call.reader()?;
    let (mut decided, mut left) = (0, Vec::new());
    for (id, came) in all {
        let Err(fault) = came else {
            decided += 1;
            continue;
        };
        let title = reader.find::<Approval>(&id)?;
        let title = title.map(|found| reader.sealed(&found.title));
        let id = id.to_string();
        left.push((id.clone(), title.unwrap_or(id), fault.refusal.what.clone()));
    }
    listed(&call, Some(Told { decided, left }))
}

/// Standing rules, those that lapsed too, and those that are offered.
fn rules(call: &Call, reader: &Reader) -> Result<Vec<RuleRow>, Fault> {
    let can_take = call.who()?.role >= Role::Admin;
    let habits = habits::all(reader)?;
    let row = |(key, habit): &(HabitKey, Arc<Habit>)| -> Result<RuleRow, Fault> {
        // Beside an offer there is at most a rule that lapsed: the offer is what counts.
        let rule = habit.rule.as_ref().filter(|_| !habit.offered);
        let lapsed = habits::lapsed(reader, key, habit, call.now)?;
        Ok(RuleRow {
            question: key.0.clone(),
            same: u64::from(habit.same),
            rule: rule.map(|rule| {
                let (by, _) = rows::actor(reader, &rule.by);
                (by, rule.until.0, u64::from(rule.answers))
            }),
            lapsed: lapsed.filter(|_| rule.is_some()),
            key: super::form_key(),
            can_take,
        })
    };
    habits.iter().map(row).collect()
}

#[derive(Deserialize)]
struct RuleForm {
    question: String,
    #[serde(rename = "do")]
    verb: String,
    idempotency_key: String,
}

pub(crate) async fn rule(mut call: Call) -> Answered {
    let form: RuleForm = call.form()?;
    call.keyed(&form.idempotency_key)?;
    match form.verb.as_str() {
        "take" => {
            let take = habits::Take {
                question: form.question,
                days: None,
            };
            habits::taken(&call, take).await?;
        }
        "end" => drop(habits::ended(&call, form.question).await?),
        _ => {
            let what = "a rule is taken or ended";
            return Err(Fault::new(Code::BAD_REQUEST, what));
        }
    }
    Ok(super::see("/approvals"))
}

pub(crate) async fn show(call: Call) -> Answered {
    let id: ApprovalId = call.id("id", "approval")?;
    let reader = call.reader()?;
    let approval = reader.known::<Approval>(&id, "approval")?;
    let run = match &approval.waiting {
        Waiting::Step(plan, _) => plan.to_string(),
        Waiting::Call(run, _) => run.to_string(),
    };
    let who = call.who()?;
    let who = (who.member, who.role);
    let row = rows::approval_row(&reader, id, &approval);
    let proposed = proposed(&reader, &approval);
    let page = ApprovalPage {
        effect: match &approval.waiting {
            Waiting::Step(_, at) => at.to_string(),
            Waiting::Call(_, _) => String::new(),
        },
        reason: String::new(),
        run: Some(run.clone()),
        cost_micros_max: None,
        evidence: match &approval.evidence {
            Some(body) => evidence::of(&reader, Some(body), reviewed::of(&reader, &approval)?),
            None => Vec::new(),
        },
        checks: evidence::checks(reviewed::checks_of(&reader, &approval)?),
        document: Some(attached(
            &reader,
            &approval,
            proposed.as_ref(),
            &row.title,
            &run,
        )),
        answer: answer_with(&reader, id, &approval, proposed.is_some(), who),
        row,
    };
    super::page(&call, &page)
}

/// The text that it is about, though a run waits for it; what can't be read is none.
fn proposed(reader: &Reader, approval: &Approval) -> Option<Proposed> {
    proposal(reader, approval).ok().flatten()
}

/// What would go out, as it was edited where it was.
fn attached(
    reader: &Reader,
    approval: &Approval,
    proposed: Option<&Proposed>,
    title: &str,
    run: &str,
) -> Attached {
    let body = approval.edited.as_ref().unwrap_or(&approval.body);
    let markdown = match proposed {
        Some(proposed) => proposed_text(proposed),
        None => reader.shown(body),
    };
    Attached {
        title: title.to_owned(),
        href: format!("/runs/{run}"),
        citations: citations(reader, &markdown),
        markdown,
    }
}

/// What would differ, line by line; the form below it has the text as it would be.
fn proposed_text(proposed: &Proposed) -> String {
    let (lines, _) = difference(&proposed.before, &proposed.after);
    let lines: Vec<String> = lines
        .iter()
        .map(|line| format!("    {} {}", line.sign, line.text))
        .collect();
    let shown = proposed.path.as_str().trim_start_matches('/');
    format!("`{shown}`\n\n{}\n", lines.join("\n"))
}

pub(super) fn answer_part(
    reader: &Reader,
    id: ApprovalId,
    approval: &Approval,
    who: (MemberId, Role),
) -> Answer {
    let proposes = proposed(reader, approval).is_some();
    answer_with(reader, id, approval, proposes, who)
}

fn answer_with(
    reader: &Reader,
    id: ApprovalId,
    approval: &Approval,
    proposes: bool,
    who: (MemberId, Role),
) -> Answer {
    let (_, role) = who;
    let has_role = role >= approval.role;
    let may = may_answer(approval, who);
    let pending = approval.status == ApprovalStatus::Pending;
    let decision = (!pending).then(|| {
        let (by, at) = match &approval.decided {
            Some((by, at)) => (rows::actor(reader, by).0, at.0),
            None => (
                String::new(),
                approval.expires_at.unwrap_or(approval.asked).0,
            ),
        };
        let comment = approval.comment.as_ref().map(|said| reader.sealed(said));
        Decision {
            status: rows::approval_status(approval.status),
            by,
            time_ms: at,
            comment: comment.unwrap_or_default(),
            ruled: approval.ruled,
        }
    });
    Answer {
        approval: id.to_string(),
        decision,
        form_key: (pending && may).then(super::form_key),
        seen: approval.body.digest.to_string(),
        text: editable(reader, approval, proposes).filter(|_| pending && may),
        asks: matches!(approval.waiting, Waiting::Call(..)) && !proposes,
        options: approval.options.clone(),
        left_to: left(reader, approval)
            .filter(|_| pending)
            .map(|left| LeftTo {
                name: left.name,
                note: left.note.unwrap_or_default(),
                gone: left.gone,
            }),
        leave_key: (pending && has_role).then(super::form_key),
    }
}

/// The text that a person may change before they say yes.
fn editable(reader: &Reader, approval: &Approval, proposes: bool) -> Option<String> {
    let is_step = matches!(approval.waiting, Waiting::Step(..)) || proposes;
    let is_short = approval.body.len <= EDIT_CHARS_MAX as u64;
    let text = (is_step && is_short).then(|| reader.text(&approval.body).ok());
    text.flatten()
}

#[derive(Deserialize)]
struct Form {
    decision: String,
    #[serde(default)]
    comment: String,
    /// The digest of what the page showed.
    #[serde(default)]
    seen: String,
    /// What it was changed into, or what a person answers.
    #[serde(default)]
    edited: String,
    idempotency_key: String,
}

#[derive(Deserialize)]
struct LeaveForm {
    to: String,
    #[serde(default)]
    note: String,
    idempotency_key: String,
}

pub(crate) async fn delegate(mut call: Call) -> Answered {
    let form: LeaveForm = call.form()?;
    call.keyed(&form.idempotency_key)?;
    let asked = Delegate {
        to: form.to,
        note: Some(form.note),
    };
    leave(&call, asked).await?;
    Ok(super::see(&format!("/approvals/{}", call.param("id"))))
}

pub(crate) async fn decide(mut call: Call) -> Answered {
    let form: Form = call.form()?;
    let approve = says_yes(&form.decision, &form.comment)?;
    if form.edited.chars().count() > 2 * EDIT_CHARS_MAX {
        let what = format!("a text has at most {EDIT_CHARS_MAX} characters here");
        return Err(Fault::new(Code::TOO_LARGE, what));
    }
    call.keyed(&form.idempotency_key)?;
    let id: ApprovalId = call.id("id", "approval")?;
    let Some(seen) = Digest::parse(&form.seen) else {
        // Whoever can't say what they saw may have seen something else.
        let refusal = Refusal::new(Code::BAD_REQUEST, "the form doesn't say what you saw")
            .help("open the approval again, look at what waits, and answer there");
        return Err(refusal.into());
    };
    // A browser ends lines with two characters; a text that nobody touched is no edit.
    let edited = form.edited.replace("\r\n", "\n");
    let reader = call.reader()?;
    let approval = reader.known::<Approval>(&id, "approval")?;
    let proposes = proposed(&reader, &approval).is_some();
    let was = editable(&reader, &approval, proposes).map(|text| text.replace("\r\n", "\n"));
    let is_edited =
        !edited.trim().is_empty() && was.as_ref().map(|t| t.trim_end()) != Some(edited.trim_end());
    let decide = Decide {
        approve,
        comment: Some(form.comment),
        seen: Some(seen),
        // Which answer was chosen says nothing where none is given; a text that was written does.
        edited: (is_edited && (approve || approval.options.is_empty())).then_some(edited),
    };
    answer(&call, "", id, decide).await?;
    Ok(super::see(&format!("/approvals/{id}")))
}
