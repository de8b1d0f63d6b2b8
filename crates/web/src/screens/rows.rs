//! The rows and parts that several pages show, from what the records hold.

use naos_engine::read::{AUDIT_SCAN_MAX, AuditFilter, AuditRow, Reader};
use naos_kernel::agent::Agent;
use naos_kernel::approval::Approval;
use naos_kernel::budget::Budget;
use naos_kernel::member::Member;
use naos_kernel::notice::Notice;
use naos_kernel::plan::Plan;
use naos_kernel::review::Verdict;
use naos_kernel::run::Run;
use naos_kernel::task::Task;
use naos_types::fact::approval::Waiting;
use naos_types::fact::{Fact, Problem, budget, message};
use naos_types::spec::OnExceed;
use naos_types::{
    Actor, ApprovalId, ApprovalStatus, Micros, Name, Period, PlanId, Priority, Refusal, RunId,
    RunStatus, Spender, StepStatus, TaskId, Tier, Time,
};

use super::escape;
use crate::api::v1::resting;
use crate::api::v1::reviewed::{self, Reviewed};
use crate::api::v1::runs::title_of;
use crate::api::v1::shapes;
use crate::api::v1::stuck::{self, Stuck};
use crate::pages::agents::{AgentRow, LastRun};
use crate::pages::approvals::{ApprovalRow, StuckRow, Untold};
use crate::pages::costs::{self, BudgetRow};
use crate::pages::excerpt::Excerpt;
use crate::pages::home::FeedRow;
use crate::pages::run::{Problem as Told, RunHead};
use crate::pages::runs::RunRow;
use crate::pages::{facts, words};

pub(super) fn micros(amount: Micros) -> i64 {
    i64::try_from(amount.0).unwrap_or(i64::MAX)
}

pub(super) fn millis(span: i64) -> u64 {
    span.max(0).unsigned_abs()
}

pub(super) fn tier(tier: Tier) -> words::Tier {
    match tier {
        Tier::Skill => words::Tier::Skill,
        Tier::Wasm => words::Tier::Wasm,
        Tier::Model => words::Tier::Model,
        Tier::Endpoint => words::Tier::Endpoint,
    }
}

pub(super) fn run_status(status: RunStatus) -> words::RunStatus {
    words::RunStatus::from_word(status.word()).unwrap_or(words::RunStatus::Unknown)
}

pub(super) fn step_status(status: StepStatus, retrying: bool) -> words::StepStatus {
    match status {
        StepStatus::Waiting if retrying => words::StepStatus::Retrying,
        StepStatus::Waiting => words::StepStatus::Held,
        StepStatus::Pending => words::StepStatus::Waiting,
        StepStatus::Running => words::StepStatus::Running,
        StepStatus::Done => words::StepStatus::Completed,
        StepStatus::Skipped => words::StepStatus::Skipped,
        StepStatus::Failed => words::StepStatus::Failed,
        StepStatus::Cancelled => words::StepStatus::Cancelled,
    }
}

pub(super) fn approval_status(status: ApprovalStatus) -> words::ApprovalStatus {
    match status {
        ApprovalStatus::Pending => words::ApprovalStatus::Pending,
        ApprovalStatus::Approved => words::ApprovalStatus::Approved,
        ApprovalStatus::Rejected => words::ApprovalStatus::Rejected,
        // Nobody need answer any more, whatever the reason.
        ApprovalStatus::Expired | ApprovalStatus::Withdrawn => words::ApprovalStatus::Expired,
    }
}

/// Who that is, as people call them.
pub(super) fn actor(reader: &Reader, actor: &Actor) -> (String, words::ActorKind) {
    match actor {
        Actor::System => ("naos".into(), words::ActorKind::System),
        Actor::Agent(name) | Actor::Trigger(name, _) | Actor::Schedule(_, name) => {
            (name.to_string(), words::ActorKind::Agent)
        }
        Actor::Plan(id) => {
            let plan = reader.find::<Plan>(id).ok().flatten();
            let name = plan.map_or_else(|| id.to_string(), |plan| plan.name.to_string());
            (name, words::ActorKind::Agent)
        }
        // What a task or a message leads to is naos's doing.
        Actor::Task(_) | Actor::Message(_) => ("naos".into(), words::ActorKind::System),
        Actor::Call(id, _) => {
            let run = reader.find::<Run>(id).ok().flatten();
            let name = run.map_or_else(|| id.to_string(), |run| run.agent.to_string());
            (name, words::ActorKind::Agent)
        }
        Actor::Member(id, _) => {
            let member = reader.find::<Member>(id).ok().flatten();
            let name = member.map_or_else(|| id.to_string(), |m| reader.sealed(&m.name));
            (name, words::ActorKind::Person)
        }
    }
}

pub(super) fn excerpt(reader: &Reader, body: &naos_types::BodyRef) -> Excerpt {
    Excerpt::new(&reader.shown(body))
}

pub(super) fn told(reader: &Reader, problem: &Problem) -> Told {
    let sentence = match &problem.said {
        Some(said) => format!("{}: {}", problem.note, reader.sealed(said)),
        None => problem.note.clone(),
    };
    Told {
        code: problem.code.to_string(),
        sentence,
        advice: problem.code.entry().help.to_owned(),
    }
}

/// What goes on by a person only, and asks nobody.
pub(super) fn stuck(reader: &Reader) -> Result<Vec<StuckRow>, Refusal> {
    let row = |one: &Stuck| {
        let (what, name) = match one {
            Stuck::GaveUp(name, _) => ("stuck-supervisor", name.to_string()),
            Stuck::NotUndone(..) => {
                let step = one.step().map_or("", |(of, ..)| of.as_str());
                ("stuck-undo", format!("{}: {step}", one.name()))
            }
            Stuck::Unknown(run, found) => ("stuck-run", format!("{run} ({})", found.agent)),
            Stuck::Missed(known, why) => ("stuck-schedule", format!("{} {why}", known.key.1)),
        };
        StuckRow {
            what,
            name,
            href: one.path(),
            since_ms: one.since().0,
            said: one
                .problem()
                .map_or_else(String::new, |problem| told(reader, problem).sentence),
            way: one.ways().pop().unwrap_or_default(),
        }
    };
    Ok(stuck::all(reader)?.iter().map(row).collect())
}

pub(super) fn untold(reader: &Reader, notice: &Notice) -> Untold {
    let said = notice
        .problem
        .as_ref()
        .and_then(|problem| problem.said.as_ref());
    Untold {
        to: notice.to.to_string(),
        said: said.map(|said| reader.sealed(said)).unwrap_or_default(),
    }
}

pub(super) fn run_row(reader: &Reader, id: RunId, run: &Run, now: Time) -> RunRow {
    // Not the time in its id: a run within a plan has that of the plan.
    let began = run.started;
    let about = reader.text(&run.input).map(|text| title_of(&text));
    RunRow {
        id: id.to_string(),
        name: run.agent.to_string(),
        plan: false,
        what_if: run.is_what_if(),
        status: run_status(run.status),
        paused: false,
        tier: Some(tier(run.tier)),
        started_ms: began.0,
        duration_ms: Some(millis((run.ended.unwrap_or(now) - began).0)),
        cost_micros: micros(run.cost),
        about: about.unwrap_or_default(),
    }
}

pub(super) fn run_head(
    reader: &Reader,
    id: RunId,
    run: &Run,
    now: Time,
) -> Result<RunHead, Refusal> {
    let task = reader.find::<Task>(&run.task)?;
    let waits = reader
        .open::<Approval>()?
        .into_iter()
        .find(|(_, approval)| matches!(approval.waiting, Waiting::Call(run, _) if run == id));
    let stays = task.as_ref().and_then(|task| task.stays.as_ref());
    Ok(RunHead {
        row: run_row(reader, id, run, now),
        stays_from: stays.map(|from| from.agent.to_string()),
        output: run.output.as_ref().map(|body| excerpt(reader, body)),
        error: run.problem.as_ref().map(|problem| told(reader, problem)),
        fuel: run.fuel,
        task: task.map(|task| (reader.sealed(&task.title), "/board".to_owned())),
        approval: waits.map(|(id, _)| id.to_string()),
        waits: resting::said(reader, resting::run(reader, run)),
    })
}

pub(super) fn plan_row(id: PlanId, plan: &Plan, now: Time) -> RunRow {
    let status = plan.status();
    RunRow {
        id: id.to_string(),
        name: plan.name.to_string(),
        plan: true,
        what_if: false,
        status: words::RunStatus::from_word(status.word()).unwrap_or(words::RunStatus::Unknown),
        paused: plan.paused.is_some(),
        tier: None,
        started_ms: plan.started.0,
        duration_ms: Some(millis((plan.ended_at.unwrap_or(now) - plan.started).0)),
        cost_micros: micros(plan.cost),
        about: plan.spec.description.clone(),
    }
}

pub(super) fn agent_row(
    reader: &Reader,
    name: &Name,
    agent: &Agent,
    now: Time,
) -> Result<AgentRow, Refusal> {
    let (money, none_left) = shapes::purse(reader, name, now)?;
    let status = shapes::agent_status(reader, name, agent, none_left)?;
    let last_run = match agent.last {
        Some((id, _)) => reader.find::<Run>(&id)?.map(|run| LastRun {
            id: id.to_string(),
            status: run_status(run.status),
            paused: false,
            time_ms: run.started.0,
        }),
        None => None,
    };
    let state = words::AgentState::from_word(status.word());
    Ok(AgentRow {
        name: name.to_string(),
        template: agent.spec.template.clone().unwrap_or_default(),
        state: state.unwrap_or(words::AgentState::Idle),
        tier: Some(tier(shapes::tier(agent))),
        runs: agent.completed + agent.failed + u64::from(agent.open_runs),
        failed: agent.failed,
        last_run,
        budget: money.and_then(|money| budget_of(&money, now)),
    })
}

fn budget_of(budget: &Budget, now: Time) -> Option<costs::Budget> {
    let spec = budget.spec.as_ref()?;
    let (spent, _) = shapes::spent_and_left(budget, now);
    Some(costs::Budget {
        limit_micros: micros(spec.limit),
        spent_micros: micros(spent),
        reserved_micros: micros(budget.reserved),
        period: match spec.period {
            Period::Day => words::Period::Day,
            Period::Month => words::Period::Month,
            Period::Total => words::Period::Total,
        },
    })
}

pub(super) fn budget_row(whose: &Spender, budget: &Budget, now: Time) -> Option<BudgetRow> {
    let action = match budget.spec.as_ref()?.on_exceed {
        OnExceed::Pause | OnExceed::Hold => words::BudgetAction::Pause,
        OnExceed::Alert => words::BudgetAction::Alert,
    };
    Some(BudgetRow {
        agent: whose.agent().map(Name::to_string),
        budget: budget_of(budget, now)?,
        action,
    })
}

pub(super) fn approval_row(reader: &Reader, id: ApprovalId, approval: &Approval) -> ApprovalRow {
    let asked_by = match (&approval.waiting, &approval.author) {
        (_, Some(author)) => author.to_string(),
        (Waiting::Step(plan, _), None) => {
            let found = reader.find::<Plan>(plan).ok().flatten();
            found.map_or_else(|| plan.to_string(), |plan| plan.name.to_string())
        }
        (Waiting::Call(run, _), None) => {
            let found = reader.find::<Run>(run).ok().flatten();
            found.map_or_else(|| run.to_string(), |run| run.agent.to_string())
        }
    };
    let decided_by = approval.decided.as_ref();
    ApprovalRow {
        id: id.to_string(),
        title: reader.sealed(&approval.title),
        asked_by,
        asked_ms: approval.asked.0,
        status: approval_status(approval.status),
        decided_by: decided_by.map_or_else(String::new, |(by, _)| actor(reader, by).0),
        expires_ms: approval.expires_at.map(|at| at.0),
        urgent: reviewed::priority(reader, approval).is_ok_and(|of| of == Priority::Urgent),
        reviewed: reviewed::of(reader, approval).ok().flatten().map(found),
        unreviewed: reviewed::is_unreviewed(reader, approval).unwrap_or_default(),
        gone: crate::api::v1::approvals::left(reader, approval).is_some_and(|left| left.gone),
        choice: None,
    }
}

/// Who looked at something last, and what they found.
pub(super) fn found(said: Reviewed) -> (String, words::Verdict) {
    let verdict = match said.verdict {
        Verdict::Praised => words::Verdict::Praised,
        Verdict::Refuted => words::Verdict::Refuted,
        Verdict::Abandoned => words::Verdict::Unread,
    };
    (said.reviewer().to_owned(), verdict)
}

/// How much of what happened to something its page shows.
const HAPPENED_MAX: usize = 10;

/// Facts whose kind begins so and that are about this, newest first; and where the journal says
/// more, where it wasn't looked through to its beginning.
pub(super) fn lately(
    reader: &Reader,
    action: &str,
    subject: &str,
    limit: usize,
) -> Result<(Vec<AuditRow>, Option<String>), Refusal> {
    let about = AuditFilter {
        action: Some(action.to_owned()),
        who: Some(subject.to_owned()),
    };
    let mut found = reader.audit_last(None, limit, AUDIT_SCAN_MAX, &about)?;
    found.rows.reverse();
    let more = found.cut(limit).map(|(before, _)| {
        let (action, who) = (escape(action), escape(subject));
        format!("/audit?action={action}&who={who}&before={before}")
    });
    Ok((found.rows, more))
}

/// The same as rows of the feed.
pub(super) fn happened(
    reader: &Reader,
    action: &str,
    subject: &str,
) -> Result<(Vec<FeedRow>, Option<String>), Refusal> {
    let (found, more) = lately(reader, action, subject, HAPPENED_MAX)?;
    let shown = found.iter().filter_map(|row| feed_row(reader, row));
    Ok((shown.collect(), more))
}

/// A fact as a row of the feed; none for one that only machines care about.
pub(super) fn feed_row(reader: &Reader, row: &AuditRow) -> Option<FeedRow> {
    let fact = row.fact.as_ref()?;
    if matches!(
        fact,
        Fact::Budget(budget::Fact::Reserved(_) | budget::Fact::Released(_))
    ) {
        return None;
    }
    let kinds = [fact.kind(), fact.action()];
    let kind = kinds.into_iter().find(|kind| facts::NAMED.contains(kind))?;
    let (name, actor_kind) = match (fact.actor(), fact) {
        (Some(by), _) => actor(reader, by),
        (None, Fact::Run(_) | Fact::Budget(_)) => (fact.subject(), words::ActorKind::Agent),
        (None, _) => actor(reader, &Actor::System),
    };
    let (subject, href) = place(reader, row, fact);
    let (tier_of, cost) = match fact {
        Fact::Run(naos_types::fact::run::Fact::Completed(f)) => {
            (Some(tier(f.tier)), Some(micros(f.cost)))
        }
        Fact::Budget(budget::Fact::Settled(f)) => (Some(tier(f.tier)), Some(micros(f.amount))),
        Fact::Run(_) => match charged(reader, fact) {
            Some(run) => (Some(tier(run.tier)), Some(micros(run.cost))),
            None => (None, None),
        },
        _ => (None, None),
    };
    let detail = match words(reader, fact) {
        Some(words) => Some(words),
        None if cost.is_some() && ended_badly(fact).is_none() => None,
        None => row.remark.clone(),
    };
    Some(FeedRow {
        seq: row.seq,
        time_ms: row.at.0,
        kind: kind.to_owned(),
        subject,
        href,
        actor: name,
        actor_kind,
        detail: detail.unwrap_or_default(),
        tier: tier_of,
        cost_micros: cost,
    })
}

/// The most bytes of what somebody said that the feed shows.
const WORDS_BYTES_MAX: usize = 240;

/// The beginning of what somebody said, in a line. Whoever sees the feed may read the threads, too.
fn words(reader: &Reader, fact: &Fact) -> Option<String> {
    let body = match fact {
        Fact::Message(message::Fact::Said(f)) => &f.body,
        Fact::Message(message::Fact::Steered(f)) => &f.body,
        _ => return None,
    };
    let text = reader.text(body).ok()?; // it was erased: where it was said stands there instead
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let end = line.floor_char_boundary(WORDS_BYTES_MAX);
    let more = if end < line.len() { " …" } else { "" };
    Some(format!("{}{more}", &line[..end]))
}

/// The run that ended without an answer.
const fn ended_badly(fact: &Fact) -> Option<RunId> {
    use naos_types::fact::run::Fact::{Cancelled, Failed, Stopped};
    match fact {
        Fact::Run(Failed(f)) if f.retry_at.is_none() => Some(f.run),
        Fact::Run(Stopped(f)) => Some(f.run),
        Fact::Run(Cancelled(f)) => Some(f.run),
        _ => None,
    }
}

/// A run that ended without an answer, where something was charged for it.
fn charged(reader: &Reader, fact: &Fact) -> Option<std::sync::Arc<Run>> {
    let run = reader.find::<Run>(&ended_badly(fact)?).ok().flatten()?;
    (run.cost > Micros::ZERO).then_some(run)
}

/// A task as people call it, and where one sees more of it.
fn on_board(reader: &Reader, id: TaskId) -> Option<(String, Option<String>)> {
    let task = reader.find::<Task>(&id).ok().flatten()?;
    let href = match (task.run, &task.parent) {
        (Some(run), _) => Some(format!("/runs/{run}")),
        (None, None) => Some(format!("/tasks/{id}")),
        (None, Some(_)) => None,
    };
    Some((reader.sealed(&task.title), href))
}

/// What it happened to, as people call it, and where one sees more of it.
fn place(reader: &Reader, row: &AuditRow, fact: &Fact) -> (String, Option<String>) {
    if let Some(run) = row.run {
        return (row.subject.clone(), Some(format!("/runs/{run}")));
    }
    match fact {
        Fact::Budget(_) if row.subject == Spender::ALL => {
            (row.subject.clone(), Some("/costs".to_owned()))
        }
        Fact::Agent(_) | Fact::Budget(_) => {
            let href = format!("/agents/{}", row.subject);
            (row.subject.clone(), Some(href))
        }
        Fact::Approval(_) => {
            let found = row
                .subject
                .parse::<ApprovalId>()
                .ok()
                .and_then(|id| reader.find::<Approval>(&id).ok().flatten());
            let title = found.map(|approval| reader.sealed(&approval.title));
            let href = format!("/approvals/{}", row.subject);
            (title.unwrap_or_else(|| row.subject.clone()), Some(href))
        }
        Fact::Task(fact) => {
            on_board(reader, fact.task()).unwrap_or_else(|| (row.subject.clone(), None))
        }
        Fact::Message(message::Fact::Said(f)) => {
            on_board(reader, f.task).unwrap_or_else(|| (row.subject.clone(), None))
        }
        Fact::Message(message::Fact::Steered(f)) => {
            (f.run.to_string(), Some(format!("/runs/{}", f.run)))
        }
        Fact::Plan(naos_types::fact::plan::Fact::Started(f)) => {
            (row.subject.clone(), Some(format!("/plans/{}", f.plan)))
        }
        Fact::Plan(naos_types::fact::plan::Fact::Closed(f)) => {
            (row.subject.clone(), Some(format!("/plans/{}", f.plan)))
        }
        Fact::Schedule(fact) => {
            let href = format!("/schedules/{}", fact.of().1);
            (row.subject.clone(), Some(href))
        }
        Fact::Supervisor(_) => {
            let href = format!("/supervisors/{}", row.subject);
            (row.subject.clone(), Some(href))
        }
        Fact::Document(_) => {
            let href = format!("/documents{}", row.subject);
            (row.subject.clone(), Some(href))
        }
        Fact::Member(_) => {
            let member = row
                .subject
                .parse()
                .ok()
                .and_then(|id| reader.find::<Member>(&id).ok().flatten());
            let name = member.map(|member| reader.sealed(&member.name));
            (name.unwrap_or_else(|| row.subject.clone()), None)
        }
        _ => (row.subject.clone(), None),
    }
}
