//! `/plans`.

use naos_engine::read::Reader;
use naos_kernel::plan::{Fan, Plan, Step};
use naos_kernel::run::Run;
use naos_kernel::task::Task;
use naos_types::spec::{StepDo, StepSpec};
use naos_types::{PlanId, PlanStatus, Refusal, StepStatus, TaskId, Time};

use super::{rows, turns};
use crate::api::v1::{given, resting};
use crate::door::{Answered, Call};
use crate::pages::excerpt::Excerpt;
use crate::pages::picture::{Drawn, Picture};
use crate::pages::plan::{FAN_OUT_ITEMS_MAX, FanOut, Item, Moves, Plan as PlanPage, PlanStep};
use crate::pages::run::RunHead;
use crate::pages::words;

pub(crate) async fn show(call: Call) -> Answered {
    let id: PlanId = call.id("id", "plan run")?;
    let reader = call.reader()?;
    let plan = reader.known::<Plan>(&id, "plan run")?;
    let steps = steps(&reader, id, &plan, call.now)?;
    let page = PlanPage {
        head: head(&reader, id, &plan, call.now),
        input: rows::excerpt(&reader, &plan.inputs),
        moves: moves(id, &plan),
        picture: picture(&plan, &steps, call.now),
        steps,
        turns: turns::of(&plan),
        cancel_key: (!plan.is_closed() && !plan.undoing).then(super::form_key),
    };
    super::page(&call, &page)
}

pub(super) fn head(reader: &Reader, id: PlanId, plan: &Plan, now: Time) -> RunHead {
    let waits = plan
        .steps
        .values()
        .find_map(|step| step.approval.filter(|_| step.status == StepStatus::Waiting));
    RunHead {
        row: rows::plan_row(id, plan, now),
        output: plan.output.as_ref().map(|body| rows::excerpt(reader, body)),
        error: plan
            .problem
            .as_ref()
            .map(|problem| rows::told(reader, problem)),
        fuel: 0,
        task: None,
        approval: waits.map(|id| id.to_string()),
        waits: resting::said(reader, resting::plan(reader, id, plan)),
        stays_from: plan.stays.as_ref().map(|from| from.agent.to_string()),
    }
}

pub(super) fn steps(
    reader: &Reader,
    id: PlanId,
    plan: &Plan,
    now: Time,
) -> Result<Vec<PlanStep>, Refusal> {
    let mut out = Vec::new();
    for spec in &plan.spec.steps {
        let Some(found) = plan.steps.get(&spec.name) else {
            continue;
        };
        // What undoes a step is shown once there is something to undo.
        let silent = plan.flow.undoes(&spec.name) && found.attempt == 0;
        if !silent {
            let number = out.len() as u64 + 1;
            out.push(step(reader, (id, plan), number, spec, found, now)?);
        }
    }
    Ok(out)
}

/// What people may do about it as it stands.
pub(super) fn moves(id: PlanId, plan: &Plan) -> Moves {
    let not_undone = plan.not_undone().map(|(undo, _)| {
        let of = plan.flow.undo.get(undo).unwrap_or(undo);
        of.to_string()
    });
    let ended = matches!(plan.status(), PlanStatus::Failed | PlanStatus::Cancelled);
    let any = not_undone.is_some() || ended && !plan.undoing;
    Moves {
        id: id.to_string(),
        key: any.then(super::form_key),
        not_undone,
    }
}

/// The steps that a page shows, drawn.
pub(super) fn picture(plan: &Plan, shown: &[PlanStep], now: Time) -> Picture {
    let place = |name: &str| shown.iter().position(|step| step.name == name);
    let drawn = |step: &PlanStep| {
        let mut specs = plan.spec.steps.iter();
        let spec = specs.find(|spec| spec.name.as_str() == step.name);
        let after = spec.map_or(&[][..], |spec| &spec.after);
        let found = spec.and_then(|spec| plan.steps.get(&spec.name));
        let began = found.and_then(|found| found.started);
        Drawn {
            name: step.name.clone(),
            number: Some(step.number),
            status: Some(step.status),
            who: step.agent.clone().unwrap_or_default(),
            after: after
                .iter()
                .filter_map(|name| place(name.as_str()))
                .collect(),
            fan: step.fan_out.as_ref().map(|fan| (fan.done, fan.total)),
            from_ms: began.map(|began| rows::millis((began - plan.started).0)),
            took_ms: step.duration_ms,
        }
    };
    Picture {
        steps: shown.iter().map(drawn).collect(),
        whole_ms: rows::millis((plan.ended_at.unwrap_or(now) - plan.started).0),
    }
}

/// A task's run and what answered it.
fn of_task(
    reader: &Reader,
    task: Option<TaskId>,
) -> Result<(Option<String>, Option<words::Tier>, i64), Refusal> {
    let Some(task) = task else {
        return Ok((None, None, 0));
    };
    let task = reader.find::<Task>(&task)?;
    let tier = task.as_ref().and_then(|task| task.tier).map(rows::tier);
    let Some(run) = task.and_then(|task| task.run) else {
        return Ok((None, tier, 0));
    };
    let cost = reader
        .find::<Run>(&run)?
        .map_or(0, |run| rows::micros(run.cost));
    Ok((Some(run.to_string()), tier, cost))
}

fn step(
    reader: &Reader,
    (id, plan): (PlanId, &Plan),
    number: u64,
    spec: &StepSpec,
    step: &Step,
    now: Time,
) -> Result<PlanStep, Refusal> {
    let (run, tier, cost) = of_task(reader, step.task)?;
    let open = |name: &&naos_types::Name| {
        plan.steps
            .get(*name)
            .is_some_and(|before| !before.status.is_closed())
    };
    let waits_for = if step.status == StepStatus::Pending {
        spec.after
            .iter()
            .filter(open)
            .map(ToString::to_string)
            .collect()
    } else {
        Vec::new()
    };
    let agent = match &spec.action {
        StepDo::Task { agent, .. } => agent.clone(),
        does => does.review().and_then(|review| review.by.cloned()),
    };
    // One that failed ended with its run at the latest.
    let ended = step.ended.or(plan.ended_at).unwrap_or(now);
    let fan_out = match &step.fan {
        Some(fan) => Some(fan_of(reader, (id, plan), spec, fan)?),
        None => None,
    };
    Ok(PlanStep {
        number,
        name: spec.name.to_string(),
        status: if undone(plan, &spec.name) {
            words::StepStatus::Undone
        } else if plan.flow.undoes(&spec.name) && step.by_hand() {
            words::StepStatus::ByHand
        } else {
            let status = plan.shown_status(&spec.name).unwrap_or(step.status);
            rows::step_status(status, step.retry_at.is_some())
        },
        agent: agent.map(|name| name.to_string()),
        tier,
        waits_for,
        approval: step
            .approval
            .filter(|_| step.status == StepStatus::Waiting)
            .map(|id| id.to_string()),
        attempts: u64::from(step.attempt),
        duration_ms: step.started.map(|began| rows::millis((ended - began).0)),
        cost_micros: cost,
        run,
        within: plan
            .nested(id, &spec.name, None)
            .map(|within| within.to_string()),
        fan_out,
        kept: plan.kept.get(&spec.name).map(ToString::to_string),
        input: given::text(reader, (id, plan), spec, step).map(|text| Excerpt::new(&text)),
        output: step.output.as_ref().map(|body| rows::excerpt(reader, body)),
        error: step.failure().map(|problem| rows::told(reader, problem)),
        waits: resting::said(reader, resting::step(reader, (id, plan), &spec.name, step)),
    })
}

/// Whether what a step did is undone.
fn undone(plan: &Plan, name: &naos_types::Name) -> bool {
    let undo = plan.flow.undo_of(name);
    undo.and_then(|undo| plan.steps.get(undo))
        .is_some_and(|undo| undo.status == StepStatus::Done)
}

/// The items that are at work; those before them are done or failed for good.
fn fan_of(
    reader: &Reader,
    (id, plan): (PlanId, &Plan),
    spec: &StepSpec,
    fan: &Fan,
) -> Result<FanOut, Refusal> {
    let mut items = Vec::new();
    for (index, item) in fan.open.iter().take(FAN_OUT_ITEMS_MAX) {
        let (run, _, _) = of_task(reader, item.task)?;
        items.push(Item {
            name: format!("{}[{index}]", spec.name),
            status: if item.retry_at.is_some() {
                words::StepStatus::Retrying
            } else {
                words::StepStatus::Running
            },
            run,
            within: plan
                .nested(id, &spec.name, Some(*index))
                .map(|within| within.to_string()),
        });
    }
    Ok(FanOut {
        total: u64::from(fan.count),
        done: u64::from(fan.done),
        failed: u64::from(fan.failed),
        window: spec
            .for_each
            .as_ref()
            .map_or(1, |each| u64::from(each.window)),
        items,
    })
}
