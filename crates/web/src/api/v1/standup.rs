//! `/standup`: what everybody did, does, will do and is stuck at, as a squad tells each other.

use std::collections::BTreeMap;

use naos_engine::read::{Lists, Reader};
use naos_kernel::approval::Approval;
use naos_kernel::plan::Plan;
use naos_kernel::task::{OnBoard, Task};
use naos_store::RunFilter;
use naos_types::spec::Assignee;
use naos_types::{Actor, ApprovalStatus, Role, RunStatus, Span, TaskId, TaskStatus, Time};
use serde_json::{Value, json};

use super::{cards, resting, shapes};
use crate::door::{Answered, Call, ok};
use crate::error::Fault;

/// How far back it looks where nothing is said, and at most, in hours.
const HOURS: u64 = 24;
const HOURS_MAX: u64 = 24 * 31;
/// How many tasks of each column are looked at, the newest first.
const TASKS_MAX: usize = 200;
/// How many runs are looked at, the newest first.
const RUNS_MAX: usize = 2_000;

/// What one of them has to tell.
#[derive(Default)]
struct Says {
    kind: &'static str,
    done: Vec<Value>,
    failed: Vec<Value>,
    doing: Vec<Value>,
    stuck: Vec<Value>,
    next: Vec<Value>,
    runs: u64,
    failed_runs: u64,
    micros: u64,
    /// Tasks that belong to plans, by how they stand: the board doesn't show them.
    of_plans: OfPlans,
}

/// How many tasks of plans stand how.
#[derive(Clone, Copy, Default, serde::Serialize)]
struct OfPlans {
    done: usize,
    failed: usize,
    doing: usize,
    waiting: usize,
}

pub(crate) async fn show(call: Call) -> Answered {
    let hours = call.at_most("hours", HOURS, HOURS_MAX)?.max(1);
    let since = call.now + Span::secs(-3_600 * i64::try_from(hours).unwrap_or(1));
    let lists = call.lists().await?;
    let mut all: BTreeMap<String, Says> = BTreeMap::new();
    let mut nobodys = Vec::new();
    for &status in TaskStatus::ALL {
        for (id, task) in lists.tasks(Some(status), None, TASKS_MAX)?.items {
            let late = task.ended.is_some_and(|ended| ended < since);
            if status.is_closed() && late || status == TaskStatus::Cancelled {
                continue;
            }
            tell(&lists, &mut all, &mut nobodys, (id, &task))?;
        }
    }
    let Work {
        runs,
        failed,
        micros,
    } = work(&lists, &mut all, since)?;
    let waits = lists.open::<Approval>()?.into_iter();
    let waits = waits.filter(|(_, found)| found.status_at(call.now) == ApprovalStatus::Pending);
    let waits = waits.map(|(id, found)| {
        json!({
            "approval": id,
            "title": lists.sealed(&found.title),
            "asked": found.asked.rfc3339(),
        })
    });
    let waits: Vec<Value> = waits.collect();
    let count = |pick: fn(&Says) -> usize| all.values().map(pick).sum::<usize>();
    let totals = json!({
        "done": count(|says| says.done.len() + says.of_plans.done),
        "failed": count(|says| says.failed.len() + says.of_plans.failed),
        "stuck": count(|says| says.stuck.len() + says.of_plans.waiting),
        "of_plans": {
            "done": count(|says| says.of_plans.done),
            "failed": count(|says| says.of_plans.failed),
            "doing": count(|says| says.of_plans.doing),
            "waiting": count(|says| says.of_plans.waiting),
        },
        "runs": runs,
        "failed_runs": failed,
        "cost_micros": micros,
    });
    let items: Vec<Value> = all
        .into_iter()
        .map(|(who, says)| {
            json!({
                "who": who,
                "kind": says.kind,
                "done": says.done,
                "failed": says.failed,
                "doing": says.doing,
                "stuck": says.stuck,
                "next": says.next,
                "of_plans": says.of_plans,
                "runs": says.runs,
                "failed_runs": says.failed_runs,
                "cost_micros": says.micros,
            })
        })
        .collect();
    ok(&json!({
        "since": since.rfc3339(),
        "until": call.now.rfc3339(),
        "items": items,
        "nobodys": nobodys,
        "waits": waits,
        "totals": totals,
    }))
}

/// Puts a task under whose it is.
fn tell(
    lists: &Lists,
    all: &mut BTreeMap<String, Says>,
    nobodys: &mut Vec<Value>,
    (id, task): (TaskId, &Task),
) -> Result<(), Fault> {
    let Some(found) = lists.find::<OnBoard>(&id)? else {
        // A step of a card's own work is told with that card.
        if let (Some(parent), Some(agent)) = (&task.parent, &task.target)
            && let Some(plan) = lists.find::<Plan>(&parent.plan)?
            && !matches!(plan.by, Actor::Task(_))
        {
            of_plan(lists, all.entry(agent.to_string()).or_default(), id, task);
        }
        return Ok(()); // the work of a run: it is counted there
    };
    let mut shown = json!({
        "task": id,
        "title": lists.sealed(&task.title),
        "status": task.status,
        "priority": found.card.priority.word(),
        "due": shapes::time(found.card.due),
        "ended": shapes::time(task.ended),
    });
    let (who, kind) = match &found.card.to {
        Some(Assignee::Agent(name)) => (name.to_string(), "agent"),
        Some(Assignee::Member(member)) => {
            let by = Actor::Member(*member, Role::Staff);
            (cards::speaker(lists, &by), "member")
        }
        None if task.status.is_closed() => ("nobody".to_owned(), "nobody"),
        None => {
            nobodys.push(shown);
            return Ok(());
        }
    };
    let says = all.entry(who).or_default();
    says.kind = kind;
    let list = match task.status {
        TaskStatus::Done => &mut says.done,
        TaskStatus::Failed => {
            shown["why"] = shapes::problem(lists, task.problem.as_ref());
            &mut says.failed
        }
        TaskStatus::Blocked => {
            shown["why"] = why(lists, id, &found)?;
            &mut says.stuck
        }
        TaskStatus::InProgress | TaskStatus::SquadReview | TaskStatus::HumanApproval => {
            &mut says.doing
        }
        _ => &mut says.next,
    };
    list.push(shown);
    Ok(())
}

/// Counts a task that is a step of a plan.
fn of_plan(lists: &Lists, says: &mut Says, id: TaskId, task: &Task) {
    if says.kind.is_empty() {
        says.kind = "agent";
    }
    let counts = &mut says.of_plans;
    match task.status {
        TaskStatus::Done => counts.done += 1,
        TaskStatus::Failed => counts.failed += 1,
        _ if resting::said(lists, resting::task(lists, id, task)).is_some() => counts.waiting += 1,
        _ => counts.doing += 1,
    }
}

/// What naos said last in its thread: why it can't begin, or go on.
fn why(reader: &Reader, id: TaskId, found: &OnBoard) -> Result<Value, Fault> {
    if let Some(other) = found.card.after.first() {
        let task = reader.find::<Task>(other)?;
        if task.is_some_and(|task| task.status != TaskStatus::Done) {
            return Ok(json!(format!("it waits for {other}")));
        }
    }
    let (lines, _) = cards::lines(reader, id, found.messages)?;
    let said = lines.iter().rev().find(|line| line.by == Actor::System);
    Ok(shapes::text(reader, said.map(|line| &line.body)))
}

/// How many runs there were, how many of them failed, and what they cost.
#[derive(Default)]
struct Work {
    runs: u64,
    failed: u64,
    micros: u64,
}

/// Counts runs and their money.
fn work(lists: &Lists, all: &mut BTreeMap<String, Says>, since: Time) -> Result<Work, Fault> {
    let mut sum = Work::default();
    for (_, run) in lists.runs(&RunFilter::default(), None, RUNS_MAX)?.items {
        if run.started < since {
            break; // the newest come first
        }
        let says = all.entry(run.agent.to_string()).or_default();
        if says.kind.is_empty() {
            says.kind = "agent";
        }
        let failed = u64::from(run.status == RunStatus::Failed);
        says.runs += 1;
        says.failed_runs += failed;
        says.micros += run.cost.0;
        sum.runs += 1;
        sum.failed += failed;
        sum.micros += run.cost.0;
    }
    Ok(sum)
}
