//! Workflows, sagas and pools as steps of a plan: there is one machine for all of them.

use std::collections::{BTreeMap, BTreeSet};

use naos_types::spec::{
    FanOut, Flow, FlowSpec, FlowStep, Kind, Merge, OnError, PlanSpec, PoolSpec, RetryPolicy, Share,
    StepDo, StepSpec, UNDO_PREFIX, UndoablePlan,
};
use naos_types::{Code, Name, Refusal};

use super::STEPS_MAX;
use crate::turn::{Done, Stop};

/// What the one step of a batch is called.
const BATCH_STEP: &str = "work";

fn refuse<T>(what: String) -> Done<T> {
    Err(Stop::refused(Code::BAD_PLAN, what))
}

/// What the step is called that undoes another.
fn undo_name(step: &Name) -> Done<Name> {
    Name::new(&format!("{UNDO_PREFIX}{step}")).or_else(|_| {
        refuse(format!(
            "the name of step {step} is too long for one that can be undone"
        ))
    })
}

/// Whether its steps fit together; refuses with the reason where they don't. One without steps is
/// only begun: it can be kept, not started.
pub(crate) fn sound_flow(kind: Kind, spec: &FlowSpec) -> Done<bool> {
    if !matches!(kind, Kind::Workflow | Kind::Saga) {
        return Ok(false);
    }
    if spec.steps.is_empty() {
        return Ok(true);
    }
    let name = Name::new("it").map_err(|e| Stop::broken(e.to_string()))?;
    let (plan, _) = lower(kind, &name, spec)?;
    super::sound(&plan)
}

/// Whether what undoes a plan's steps fits them; refuses with the reason where it doesn't.
pub(crate) fn sound_undo(spec: &UndoablePlan) -> Done<bool> {
    let flow = &spec.flow;
    if flow.of != Kind::Plan || flow.passes || flow.pool.is_some() {
        return Ok(false);
    }
    super::sound(&spec.plan)?;
    for (undo, of) in &flow.undo {
        let found = spec.plan.steps.iter().find(|step| step.name == *undo);
        let after = found.map(|step| step.after.as_slice());
        if after != Some(std::slice::from_ref(of)) || flow.undoes(of) {
            return refuse(format!("step {undo} can't undo step {of}"));
        }
    }
    for (undo, of) in &flow.undo {
        let found = spec.plan.steps.iter().find(|step| step.name == *of);
        if let Some(Err(what)) = found.map(|step| step.check_key(true)) {
            return refuse(format!("step {of} {what}"));
        }
        let found = spec.plan.steps.iter().find(|step| step.name == *undo);
        if found.is_some_and(|step| step.key.is_some()) {
            return refuse(format!(
                "step {undo} undoes another, and so has no key of its own"
            ));
        }
    }
    let mut forward = spec
        .plan
        .steps
        .iter()
        .filter(|step| !flow.undoes(&step.name));
    match forward.find(|step| step.after.iter().any(|name| flow.undoes(name))) {
        Some(step) => refuse(format!("step {} waits for what undoes another", step.name)),
        None if flow.undo.len() == spec.plan.steps.len() => refuse("nothing is done".into()),
        None => Ok(true),
    }
}

/// The steps of a plan that does the same, and what stands beside them.
pub(super) fn lower(of: Kind, name: &Name, spec: &FlowSpec) -> Done<(PlanSpec, Flow)> {
    if spec.steps.is_empty() {
        let what = format!("the {} {name} has no steps yet", of.word());
        return Err(Stop::refused(Code::WRONG_STATE, what));
    }
    if spec.steps.len() > STEPS_MAX {
        return refuse(format!("a {} has at most {STEPS_MAX} steps", of.word()));
    }
    let taken: BTreeSet<&Name> = spec.steps.iter().map(|step| &step.name).collect();
    let mut steps: Vec<StepSpec> = Vec::with_capacity(spec.steps.len());
    let (mut undoing, mut undo) = (Vec::new(), BTreeMap::new());
    for step in &spec.steps {
        let after = steps.last().map(|before| before.name.clone());
        if let Some(agent) = &step.compensate {
            let called = undo_name(&step.name)?;
            if taken.contains(&called) {
                return refuse(format!(
                    "a step can't be called {called}: so is what undoes {}",
                    step.name
                ));
            }
            undoing.push(compensation(spec, step, agent, &called));
            undo.insert(called, step.name.clone());
        }
        steps.push(forward(spec, step, after));
    }
    let output = steps.last().map(|step| step.name.clone());
    steps.append(&mut undoing);
    let plan = PlanSpec {
        description: spec.description.clone(),
        inputs: Vec::new(),
        steps,
        output,
    };
    let flow = Flow {
        of,
        timeout: spec.timeout,
        undo,
        passes: true,
        pool: None,
    };
    Ok((plan, flow))
}

/// A pool's batch: one step, once for each task.
pub(super) fn batch(
    name: &Name,
    spec: &PoolSpec,
    merge: Option<Merge>,
    quorum: Option<u32>,
) -> Done<(PlanSpec, Flow)> {
    let Some(first) = spec.agents.first() else {
        let what = format!("the pool {name} has no agents yet");
        let refusal = Refusal::new(Code::WRONG_STATE, what);
        let help = format!("`naos pool add {name} AGENT` gives it one");
        return Err(refusal.help(help).into());
    };
    if spec.draining {
        let what = format!("the pool {name} takes no more work");
        let refusal = Refusal::new(Code::WRONG_STATE, what);
        return Err(refusal.help(format!("naos pool start {name}")).into());
    }
    let step = StepSpec {
        name: Name::new(BATCH_STEP).map_err(|e| Stop::broken(e.to_string()))?,
        after: Vec::new(),
        when: None,
        action: task(first, format!("{name} {{{{ index }}}}"), None),
        for_each: Some(FanOut {
            items: "input".into(),
            window: spec.window(),
            partial: true,
        }),
        retry: RetryPolicy::default(),
        timeout: None,
        optional: false,
        key: None,
    };
    let plan = PlanSpec {
        description: spec.description.clone(),
        inputs: Vec::new(),
        steps: vec![step],
        output: None,
    };
    let flow = Flow {
        of: Kind::Pool,
        pool: Some(Share {
            agents: spec.agents.clone(),
            strategy: spec.strategy,
            merge: merge.unwrap_or(spec.merge),
            quorum: quorum.or(spec.quorum),
        }),
        ..Flow::default()
    };
    Ok((plan, flow))
}

fn task(agent: &Name, title: String, input: Option<String>) -> StepDo {
    StepDo::Task {
        agent: Some(agent.clone()),
        title,
        input,
    }
}

fn forward(spec: &FlowSpec, step: &FlowStep, after: Option<Name>) -> StepSpec {
    let on_error = step.on_error.unwrap_or(spec.on_error);
    let again = || match on_error {
        OnError::Retry => spec.retry.clone(),
        OnError::Stop | OnError::Skip => RetryPolicy::default(),
    };
    let title = step.name.as_str().replace('-', " ");
    StepSpec {
        name: step.name.clone(),
        after: after.into_iter().collect(),
        when: step.when.clone(),
        action: task(&step.agent, title, step.input.clone()),
        for_each: None,
        retry: step.retry.clone().unwrap_or_else(again),
        timeout: step.timeout.or(spec.step_timeout),
        optional: on_error == OnError::Skip,
        key: step.key.clone(),
    }
}

/// Gets what the step gave that it undoes: it comes after it.
fn compensation(spec: &FlowSpec, step: &FlowStep, agent: &Name, called: &Name) -> StepSpec {
    StepSpec {
        name: called.clone(),
        after: vec![step.name.clone()],
        when: None,
        action: task(agent, format!("undo {}", step.name), None),
        for_each: None,
        retry: FlowSpec::undo_retry(),
        timeout: step.timeout.or(spec.step_timeout),
        optional: false,
        key: None,
    }
}
