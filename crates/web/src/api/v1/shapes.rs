//! What things look like as JSON.

use std::sync::Arc;

use naos_engine::read::{AuditRow, CallView, Reader};
use naos_kernel::ResourceKey;
use naos_kernel::agent::Agent;
use naos_kernel::approval::Approval;
use naos_kernel::budget::Budget;
use naos_kernel::event::{Trace, TraceKey};
use naos_kernel::plan::{Plan, Step};
use naos_kernel::resource::Resource;
use naos_kernel::run::Run;
use naos_kernel::supervisor::Standing;
use naos_kernel::task::Task;
use naos_types::fact::Problem;
use naos_types::fact::approval::Waiting;
use naos_types::fact::run::Fork;
use naos_types::fact::task::Considered;
use naos_types::spec::{
    AgentSpec, DATA_POLICY, Data, Kind, MindSpec, RetryPolicy, SUPERVISION_LEVELS_MAX, StepSpec,
};
use naos_types::{
    Actor, AgentStatus, ApprovalId, BodyRef, Digest, EventId, Grants, LogLine, Micros, Name,
    PlanId, Priority, Refusal, RunId, RunLimits, Seq, Span, Spender, TaskId, Time,
};
use serde::Serialize;
use serde_json::{Value, json};

use super::lacks::{model_missing, models_missing};
use super::reviewed::{self, Reviewed};
use super::{given, resting};

/// A content as text; one that is gone reads so and doesn't hide the rest.
pub(crate) fn text(reader: &Reader, body: Option<&BodyRef>) -> Value {
    body.map_or(Value::Null, |body| Value::String(reader.shown(body)))
}

pub(crate) fn problem(reader: &Reader, problem: Option<&Problem>) -> Value {
    problem.map_or(Value::Null, |problem| {
        json!({
            "code": problem.code,
            "note": problem.note,
            "said": problem.said.as_ref().map(|said| reader.sealed(said)),
            "help": problem.code.entry().help,
        })
    })
}

pub(crate) fn time(at: Option<Time>) -> Value {
    at.map_or(Value::Null, |at| Value::String(at.rfc3339()))
}

/// When something was made whose id begins with its time.
pub(crate) const fn made(bits: u128) -> Time {
    Time((bits >> 80) as i64)
}

/// The conversation that something belongs to, and the event that caused it: what an event set off
/// belongs to that event's, anything else begins one.
fn conversation(reader: &Reader, began: &Actor, own: String) -> (String, Option<EventId>) {
    if let Actor::Plan(above) = began
        && let Ok(Some(plan)) = reader.find::<Plan>(above)
    {
        return conversation(reader, &plan.by, above.to_string());
    }
    let Actor::Trigger(name, event) = began else {
        return (own, None);
    };
    let trace = reader.find::<Trace>(&TraceKey(*event, name.clone()));
    match trace {
        Ok(Some(trace)) => (trace.correlation.clone(), Some(*event)),
        _ => (own, Some(*event)),
    }
}

/// The same for a run: that of its plan, where it is a step of one.
pub(crate) fn conversation_of_run(
    reader: &Reader,
    id: RunId,
    run: &Run,
) -> (String, Option<EventId>) {
    let own = id.to_string();
    let Ok(Some(task)) = reader.find::<Task>(&run.task) else {
        return (own, None);
    };
    match &task.parent {
        None => conversation(reader, &task.by, own),
        Some(parent) => match reader.find::<Plan>(&parent.plan) {
            Ok(Some(plan)) => conversation(reader, &plan.by, parent.plan.to_string()),
            _ => (own, None),
        },
    }
}

pub(crate) fn run(reader: &Reader, id: RunId, run: &Run, seq: Seq) -> Value {
    json!({
        "run": id,
        "task": run.task,
        "agent": run.agent,
        "status": run.status,
        "tier": run.tier,
        "output": text(reader, run.output.as_ref()),
        "cost_micros": run.cost.0,
        "steps": run.calls,
        "problem": problem(reader, run.problem.as_ref()),
        "attempt": run.attempt,
        "fuel": run.fuel,
        "took_ms": took(run).0,
        "started": run.started.rfc3339(),
        "ended": time(run.ended),
        "what_if": run.fork.as_ref().map(|fork| what_if(reader, fork)),
        "waits": resting::said(reader, resting::run(reader, run)),
        "seq": seq,
    })
}

/// How long it took, or takes so far.
fn took(run: &Run) -> Span {
    if run.ended.is_some() {
        return run.took;
    }
    Span((naos_engine::clock::now() - run.started).0.max(0))
}

/// What a what-if goes on from, and what is different.
fn what_if(reader: &Reader, fork: &Fork) -> Value {
    json!({
        "of": fork.of,
        "from": fork.from,
        "model": fork.model,
        "prompt": text(reader, fork.prompt.as_ref()),
    })
}

pub(crate) fn call(call: &CallView) -> Value {
    json!({
        "index": call.index,
        "ability": call.ability,
        "gated": call.gated,
        "status": call.status,
        "world": call.world,
        "request": call.request,
        "answer": call.answer,
        "answer_bytes": call.answer_bytes,
        "asked": time(call.asked),
        "answered": time(call.answered),
        "attempts": call.attempts,
        "cost_micros": call.paid.map(|paid| paid.0),
    })
}

pub(crate) fn log_line(id: RunId, run: &Run, number: u32, line: &LogLine) -> Value {
    json!({
        "number": number,
        "time": line.at.rfc3339(),
        "run": id,
        "agent": run.agent,
        "attempt": line.attempt,
        "call": line.call,
        "level": line.level,
        "text": line.text,
        "cut_bytes": line.cut,
    })
}

pub(crate) fn task(reader: &Reader, id: TaskId, task: &Task) -> Value {
    json!({
        "task": id,
        "title": reader.sealed(&task.title),
        "status": task.status,
        "agent": task.target,
        "tier": task.tier,
        "run": task.run,
        "plan": task.parent.as_ref().map(|parent| parent.plan),
        "step": task.parent.as_ref().map(|parent| parent.at.to_string()),
        "by": task.by.to_string(),
        "opened": task.opened.rfc3339(),
        "ended": time(task.ended),
        "waits": resting::said(reader, resting::task(reader, id, task)),
        "problem": problem(reader, task.problem.as_ref()),
        "data": task.stays.as_ref().map(|_| Data::Stays),
        "stays_from": task.stays.as_deref(),
    })
}

/// Whether the texts that a plan's run and its steps gave are told with it: they can be long.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Texts {
    Told,
    LeftOut,
}

pub(crate) fn plan(reader: &Reader, id: PlanId, plan: &Plan, seq: Seq) -> Value {
    plan_with(reader, id, plan, seq, Texts::Told)
}

pub(crate) fn plan_with(reader: &Reader, id: PlanId, plan: &Plan, seq: Seq, texts: Texts) -> Value {
    let steps = plan.forward().map(|spec| {
        let step = plan.steps.get(&spec.name);
        let mut shown = step.map_or(Value::Null, |found| {
            step_of(reader, (id, plan), spec, found, texts)
        });
        if let Some(run) = plan.nested(id, &spec.name, None) {
            shown["plan_run"] = json!(run);
        }
        if let Some(found) = step {
            let why = resting::step(reader, (id, plan), &spec.name, found);
            shown["waits"] = json!(resting::said(reader, why));
            if found.fan.is_some() {
                let waiting = resting::items(reader, (id, plan), &spec.name, found);
                shown["fan"]["waiting"] = json!(waiting.unwrap_or_default());
            }
        }
        if let Some(undo) = plan.flow.undo_of(&spec.name)
            && let Some(found) = plan.steps.get(undo)
        {
            let spec = plan.known(undo).unwrap_or(spec);
            let mut undoing = step_of(reader, (id, plan), spec, found, texts);
            undoing["by_hand"] = json!(found.by_hand());
            shown["compensation"] = undoing;
        }
        shown
    });
    let (correlation, causation) = conversation(reader, &plan.by, id.to_string());
    json!({
        "run": id,
        "kind": plan.flow.of,
        "name": plan.name,
        "version": plan.version,
        "status": plan.status(),
        "paused": time(plan.paused),
        "paused_with": plan.paused_with,
        "waits": resting::said(reader, resting::plan(reader, id, plan)),
        "output": (texts == Texts::Told).then(|| output_of(reader, plan)),
        "cost_micros": plan.cost.0,
        "steps": steps.collect::<Vec<_>>(),
        "problem": problem(reader, plan.problem.as_ref()),
        "by": plan.by.to_string(),
        "correlation": correlation,
        "causation": causation,
        "started": plan.started.rfc3339(),
        "ended": time(plan.ended_at),
        "seq": seq,
    })
}

/// What a run gave: text, or the list of a batch's answers.
fn output_of(reader: &Reader, plan: &Plan) -> Value {
    let output = text(reader, plan.output.as_ref());
    let is_list = plan
        .flow
        .pool
        .as_ref()
        .is_some_and(|share| share.merge.is_list());
    match &output {
        Value::String(text) if is_list => serde_json::from_str(text).unwrap_or(output),
        _ => output,
    }
}

fn step_of(
    reader: &Reader,
    (id, plan): (PlanId, &Plan),
    spec: &StepSpec,
    step: &Step,
    texts: Texts,
) -> Value {
    let output = step.output.as_ref().filter(|_| texts == Texts::Told);
    let input = match texts {
        Texts::Told => given::text(reader, (id, plan), spec, step),
        Texts::LeftOut => None,
    };
    let fan = step.fan.as_ref().map(|fan| {
        json!({
            "count": fan.count,
            "done": fan.done,
            "failed": fan.failed,
            "open": fan.open.len(),
        })
    });
    json!({
        "name": spec.name,
        "status": plan.shown_status(&spec.name).unwrap_or(step.status),
        "input": input,
        "output": text(reader, output),
        "done_by": plan.kept.get(&spec.name),
        "attempts": step.attempt,
        "round": step.round,
        "task": step.task,
        "approval": step.approval,
        "fan": fan,
        "problem": problem(reader, step.failure()),
        "started": time(step.started),
        "ended": time(step.ended),
    })
}

pub(crate) fn approval(reader: &Reader, id: ApprovalId, approval: &Approval, now: Time) -> Value {
    let (plan, step, run) = match &approval.waiting {
        Waiting::Step(plan, at) => (Some(*plan), Some(at.to_string()), None),
        Waiting::Call(run, _) => (None, None, Some(*run)),
    };
    let decided = approval.decided.as_ref();
    let reviewed = reviewed::of(reader, approval).ok().flatten();
    let unreviewed = reviewed::is_unreviewed(reader, approval).unwrap_or_default();
    json!({
        "approval": id,
        "priority": reviewed::priority(reader, approval).unwrap_or(Priority::Normal),
        "verdict": reviewed.as_ref().map(Reviewed::word),
        "reviewer": reviewed.as_ref().map(Reviewed::reviewer),
        "unreviewed": unreviewed,
        "why": reviewed.as_ref().and_then(Reviewed::why),
        "title": reader.sealed(&approval.title),
        "status": approval.status_at(now),
        "options": approval.options,
        "plan": plan,
        "step": step,
        "run": run,
        "author": approval.author,
        "disputed": approval.disputed,
        "role": approval.role,
        "seen": approval.body.digest,
        "asked": approval.asked.rfc3339(),
        "expires": time(approval.expires_at),
        "decided_by": decided.map(|(by, _)| by.to_string()),
        "decided": time(decided.map(|(_, at)| *at)),
        "ruled": approval.ruled,
        "comment": approval.comment.as_ref().map(|said| reader.sealed(said)),
        "delegated": super::approvals::left(reader, approval).map(|left| json!({
            "to": left.to,
            "name": left.name,
            "removed": left.removed,
            "note": left.note,
            "gone": left.gone,
        })),
    })
}

/// A budget with a limit; what the window of an earlier time spent doesn't count.
pub(crate) fn budget(agent: &Spender, budget: &Budget, now: Time) -> Option<Value> {
    let spec = budget.spec.as_ref()?;
    let (spent, left) = spent_and_left(budget, now);
    Some(json!({
        "agent": agent,
        "limit_micros": spec.limit.0,
        "period": spec.period,
        "reserved_micros": budget.reserved.0,
        "spent_micros": spent.0,
        "left_micros": left.0,
        "action": spec.on_exceed,
        "alert_percent": spec.alert_percent,
    }))
}

/// What is spent in the window that holds `now`, and what may still be.
pub(crate) fn spent_and_left(budget: &Budget, now: Time) -> (Micros, Micros) {
    let current = budget.window_at(now) == budget.window;
    let spent = if current { budget.spent } else { Micros::ZERO };
    let limit = budget.spec.as_ref().map_or(Micros::ZERO, |spec| spec.limit);
    (spent, limit.minus(spent.plus(budget.reserved)))
}

/// The agent's budget, and whether its present window or that of all has nothing left.
pub(crate) fn purse(
    reader: &Reader,
    agent: &Name,
    now: Time,
) -> Result<(Option<Arc<Budget>>, bool), Refusal> {
    let exhausted = |b: &Budget| b.exhausted && b.window_at(now) == b.window;
    let own = reader.find::<Budget>(&Spender::Agent(agent.clone()))?;
    let all = reader.find::<Budget>(&Spender::All)?;
    let none_left = [&own, &all].into_iter().flatten().any(|b| exhausted(b));
    Ok((own, none_left))
}

/// The supervisor that a person stopped, and with it this agent; none where it rests for another
/// reason, or doesn't.
pub(crate) fn stopped_with(
    reader: &Reader,
    name: &Name,
    agent: &Agent,
) -> Result<Option<Name>, Refusal> {
    if !agent.down {
        return Ok(None);
    }
    let mut at = name.clone();
    for _ in 0..=SUPERVISION_LEVELS_MAX {
        let Some((by, found)) = resting::watched_by(reader, &at)? else {
            break;
        };
        match found.standing {
            Standing::Stopped => return Ok(Some(by)),
            Standing::Suspended => at = by,
            Standing::Running | Standing::Failed => break,
        }
    }
    Ok(None)
}

/// Where an agent stands: one that rests because a person stopped what watches it is stopped, too.
pub(crate) fn agent_status(
    reader: &Reader,
    name: &Name,
    agent: &Agent,
    none_left: bool,
) -> Result<AgentStatus, Refusal> {
    Ok(match stopped_with(reader, name, agent)? {
        Some(_) => AgentStatus::Stopped,
        None => agent.status(none_left),
    })
}

/// An agent as lists show it; written as it stands, as it is read more often than all else.
#[derive(Serialize)]
pub(crate) struct AgentShown<'a> {
    name: &'a Name,
    template: Option<&'a str>,
    status: AgentStatus,
    stopped_with: Option<Name>,
    /// What isn't there so that its runs fail: a model.
    waits_for: Option<String>,
    /// The models that it names and that aren't there.
    lacks_models: Vec<Name>,
    tier: naos_types::Tier,
    runs: u64,
    failed: u64,
    version: u32,
    description: &'a str,
    component: Option<Digest>,
    last_run: Option<RunId>,
    budget: Option<Value>,
    #[serde(flatten)]
    pub(crate) more: Option<AgentMore<'a>>,
}

/// What only a look at one agent shows.
#[derive(Serialize)]
pub(crate) struct AgentMore<'a> {
    grants: &'a Grants,
    limits: &'a RunLimits,
    patterns: &'a [String],
    cost_per_call_micros: u64,
    retry: &'a RetryPolicy,
    model: Option<&'a str>,
    /// How it works with a model, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    mind: Option<&'a MindSpec>,
    /// Where what its models are asked may go.
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Data>,
}

impl<'a> AgentMore<'a> {
    pub(crate) fn of(reader: &Reader, spec: &'a AgentSpec) -> Result<Self, Refusal> {
        let mind = spec.mind.as_deref();
        Ok(Self {
            grants: &spec.grants,
            limits: &spec.limits,
            patterns: &spec.patterns,
            cost_per_call_micros: spec.cost_per_call.0,
            retry: &spec.retry,
            model: spec.model.as_deref(),
            mind,
            data: mind.map(|mind| data(reader, mind)).transpose()?,
        })
    }
}

/// Where what an agent's models are asked may go.
pub(crate) fn data(reader: &Reader, mind: &MindSpec) -> Result<Data, Refusal> {
    let policy = match Name::new(DATA_POLICY) {
        Ok(name) => reader.find::<Resource>(&ResourceKey(Kind::Policy, name))?,
        Err(_) => None,
    };
    Ok(mind.data(policy.as_ref().map(|policy| &policy.spec)))
}

pub(crate) fn agent<'a>(
    reader: &Reader,
    name: &'a Name,
    agent: &'a Agent,
    now: Time,
) -> Result<AgentShown<'a>, Refusal> {
    let (money, none_left) = purse(reader, name, now)?;
    let whose = Spender::Agent(name.clone());
    Ok(AgentShown {
        name,
        template: agent.spec.template.as_deref(),
        status: agent_status(reader, name, agent, none_left)?,
        stopped_with: stopped_with(reader, name, agent)?,
        waits_for: model_missing(reader, agent)?.map(|model| format!("model {model}")),
        lacks_models: models_missing(reader, agent)?,
        tier: tier(agent),
        runs: agent.completed + agent.failed + u64::from(agent.open_runs),
        failed: agent.failed,
        version: agent.version,
        description: &agent.spec.description,
        component: agent.spec.component,
        last_run: agent.last.map(|(run, _)| run),
        budget: money
            .as_deref()
            .and_then(|money| budget(&whose, money, now)),
        more: None,
    })
}

pub(crate) const fn tier(agent: &Agent) -> naos_types::Tier {
    if agent.spec.component.is_some() {
        naos_types::Tier::Wasm
    } else {
        naos_types::Tier::Model
    }
}

pub(crate) fn considered(candidates: &[Considered]) -> Value {
    let one = |c: &Considered| {
        json!({
            "tier": c.tier,
            "target": c.target,
            "confidence": confidence(c.confidence),
            "estimate_micros": c.estimate.0,
            "permitted": c.permitted,
            "reason": c.reason,
        })
    };
    candidates.iter().map(one).collect()
}

/// Ten-thousandths as a share.
pub(crate) fn confidence(parts: u16) -> f64 {
    f64::from(parts) / 10_000.0
}

pub(crate) fn audit(reader: &Reader, row: &AuditRow) -> Value {
    json!({
        "seq": row.seq,
        "time": row.at.rfc3339(),
        "tenant": reader.tenant(),
        "action": row.action,
        "subject": row.subject,
        "actor": row.actor,
        "run": row.run,
        "detail": row.remark,
        "hash": row.hash,
        "line": row.line(),
    })
}
