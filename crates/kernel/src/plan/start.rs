//! Begins one attempt of one step.

use naos_types::fact::approval::{self, Waiting};
use naos_types::fact::task::Parent;
use naos_types::fact::{Problem, plan, review};
use naos_types::spec::{Reviewing, StepDo, StepGiven, StepGives, StepSpec, TypedStep};
use naos_types::{
    Actor, ApprovalId, BodyRef, Code, DocPath, Name, PlanId, ReviewId, Sealed, StepPath, TaskId,
};

use super::advance::broken_formula;
use super::vars::{self, At};
use super::{Plan, ask, carry, keys, nested, outcome, share, wait};
use crate::need::Formula;
use crate::review::Looked;
use crate::task::Wanted;
use crate::turn::{Done, Stop, Turn, both};

/// A step's formulas gave these, or the sentence why not.
pub(super) type Made<T> = Done<Result<T, String>>;

pub(super) fn attempt(
    turn: &mut Turn<'_>,
    id: PlanId,
    plan: &Plan,
    spec: &StepSpec,
    item: Option<u32>,
) -> Done {
    let at = StepPath {
        step: spec.name.clone(),
        item,
    };
    let step = plan.steps.get(&spec.name);
    let fan = step.and_then(|step| step.fan.as_ref());
    let begun = match (item, fan) {
        (Some(index), Some(fan)) => fan.open.get(&index).map_or(0, |item| item.attempt),
        _ => step.map_or(0, |step| step.attempt),
    };
    let attempt = begun + 1;
    let place = item.zip(fan).map(|(index, fan)| (fan.items, index));
    let deadline = match wait::ends(turn, plan, spec)? {
        Ok(deadline) => deadline,
        Err(why) => return broken_formula(turn, id, plan, at, why),
    };
    let work = Work {
        id,
        plan,
        spec,
        at: at.clone(),
        attempt,
        place,
    };
    let formula = match &spec.action {
        StepDo::Compute { cel } => Some(Formula::Cel(cel.clone())),
        StepDo::Render { template } => Some(Formula::Template(template.clone())),
        _ => None,
    };
    let key = keys::of(turn, &work)?;
    if let Ok(Some(key)) = key
        && keys::without(turn, &work, key)?
    {
        return Ok(());
    }
    let started = plan::StepStarted {
        plan: id,
        at: at.clone(),
        attempt,
        deadline,
        key: key.as_ref().ok().copied().flatten(),
    };
    if let (Some(formula), None) = (&formula, item) {
        // What is worked out at once begins and ends in the same fact.
        let computed = vars::compute(turn, plan, &spec.name, None, formula.clone())?;
        if let Ok(computed) = computed {
            return work.done(turn, Some(computed.body));
        }
    }
    // Asked for before anything is folded in: each round would fold it in anew.
    let opening = match &spec.action {
        StepDo::Task { title, input, .. } => opening(turn, &work, title, input.as_deref())?,
        _ => Err("a task without a title".into()),
    };
    turn.emit(started)?;
    if let Err(why) = key {
        return broken_formula(turn, id, plan, at, why);
    }
    let made = match &spec.action {
        StepDo::Task { agent, .. } => match opening {
            Ok(opening) => Ok(task(turn, &work, agent.as_ref(), opening)?),
            Err(why) => Err(why),
        },
        StepDo::Compute { .. } | StepDo::Render { .. } => match formula {
            Some(formula) => value(turn, &work, formula)?,
            None => return Err(Stop::broken("a formula without a formula".into())),
        },
        StepDo::Review(_) | StepDo::CheckedReview(_) => review(turn, &work)?,
        StepDo::Approval { .. } | StepDo::UnreviewedApproval(_) => approval(turn, &work)?,
        StepDo::Document { path, text } => document(turn, &work, path, text.as_deref())?,
        StepDo::Emit { kind, data } => emit(turn, &work, kind, data.as_deref())?,
        StepDo::Wait(_) => wait::begin(turn, id, plan, spec, &at)?,
        StepDo::Ask { kind, data, needed } => {
            ask::begin(turn, &work, kind, data.as_deref(), *needed)?
        }
        StepDo::Typed(step) => typed(turn, &work, step)?,
        StepDo::Read { path } => ask::read(turn, &work, path)?,
        StepDo::Plan { of, name, input } => {
            nested::begin(turn, &work, *of, name, input.as_deref())?
        }
    };
    match made {
        Ok(()) => Ok(()),
        Err(why) => broken_formula(turn, id, plan, at, why),
    }
}

/// The name of an attempt within its plan.
pub(super) fn attempt_path(at: &StepPath, round: u32, attempt: u32) -> String {
    format!("{at}/{round}/{attempt}")
}

/// What is under way.
pub(super) struct Work<'p> {
    pub(super) id: PlanId,
    pub(super) plan: &'p Plan,
    pub(super) spec: &'p StepSpec,
    pub(super) at: StepPath,
    pub(super) attempt: u32,
    pub(super) place: At,
}

impl Work<'_> {
    /// The name of this attempt within the plan: ids derive from it.
    pub(super) fn path(&self) -> String {
        let round = self
            .plan
            .steps
            .get(&self.spec.name)
            .map_or(1, |step| step.round);
        attempt_path(&self.at, round, self.attempt)
    }

    pub(super) fn text(&self, turn: &Turn<'_>, template: &str) -> Made<String> {
        let formula = Formula::Template(template.to_owned());
        let made = vars::value(turn, self.plan, &self.spec.name, self.place, formula)?;
        Ok(made.and_then(|value| match &*value {
            serde_json::Value::String(text) => Ok(text.clone()),
            _ => Err("a template gives text".into()),
        }))
    }

    /// The body that a template gives; without one, the item or the output of the step before.
    pub(super) fn body(&self, turn: &Turn<'_>, template: Option<&str>) -> Made<BodyRef> {
        let formula = match (template, self.place) {
            (Some(template), _) => Formula::Template(template.to_owned()),
            (None, Some(_)) => Formula::Cel("item".into()),
            (None, None) => return Ok(Ok(vars::before(self.plan, self.spec))),
        };
        let made = vars::compute(turn, self.plan, &self.spec.name, self.place, formula)?;
        Ok(made.map(|computed| computed.body))
    }

    pub(super) fn done(&self, turn: &mut Turn<'_>, output: Option<BodyRef>) -> Done {
        turn.emit(plan::StepDone::by_itself(self.id, self.at.clone(), output))
    }
}

macro_rules! made {
    ($value:expr) => {
        match $value? {
            Ok(value) => value,
            Err(why) => return Ok(Err(why)),
        }
    };
}
pub(super) use made;

fn value(turn: &mut Turn<'_>, work: &Work<'_>, formula: Formula) -> Made<()> {
    let name = &work.spec.name;
    let computed = made!(vars::compute(turn, work.plan, name, work.place, formula));
    work.done(turn, Some(computed.body))?;
    Ok(Ok(()))
}

fn task(
    turn: &mut Turn<'_>,
    work: &Work<'_>,
    agent: Option<&Name>,
    (title, input): (Sealed, BodyRef),
) -> Done {
    let task = TaskId::derived(work.id.0, &work.path());
    let agent = match (&work.plan.flow.pool, work.at.item) {
        (Some(pool), Some(index)) => {
            let place = work.plan.first as usize + index as usize;
            share::agent(turn, (work.id, place), pool, index, work.attempt)?
        }
        _ => agent.cloned(),
    };
    open(turn, work, task, title, input, agent)?;
    Ok(())
}

/// What a task is opened with: its title and its input.
fn opening(
    turn: &Turn<'_>,
    work: &Work<'_>,
    title: &str,
    input: Option<&str>,
) -> Made<(Sealed, BodyRef)> {
    let title = work.text(turn, title).and_then(|title| match title {
        Ok(title) => turn.seal(title).map(Ok),
        Err(why) => Ok(Err(why)),
    });
    let (title, input) = both(title, work.body(turn, input))?;
    Ok(title.and_then(|title| Ok((title, input?))))
}

/// Opens a task for the step; a refusal is the step's failure, not the plan's end.
fn open(
    turn: &mut Turn<'_>,
    work: &Work<'_>,
    task: TaskId,
    title: Sealed,
    input: BodyRef,
    agent: Option<Name>,
) -> Done<bool> {
    let (plan, at, attempt) = (work.id, work.at.clone(), work.attempt);
    let parent = Some(Parent {
        plan,
        at: at.clone(),
        attempt,
    });
    let by = match &work.plan.by {
        // What the work of a task opens isn't on the board beside it.
        Actor::Task(task) => Actor::Task(*task),
        _ => Actor::Plan(plan),
    };
    match crate::task::open(
        turn,
        Wanted {
            task,
            title,
            input,
            agent,
            parent,
            by,
        },
    ) {
        Ok(()) => {}
        Err(Stop::Refused(refusal)) => {
            let problem = Problem::new(refusal.code, refusal.what);
            outcome::failed(turn, plan, at, problem)?;
            return Ok(false);
        }
        Err(stop) => return Err(stop),
    }
    Ok(true)
}

fn review(turn: &mut Turn<'_>, work: &Work<'_>) -> Made<()> {
    let Some(asked) = work.spec.action.review() else {
        return Err(Stop::broken("a review that is none".into()));
    };
    let of = work.plan.steps.get(asked.of);
    let task_of = of.and_then(|step| step.task);
    let author = match task_of {
        Some(task) => crate::task::known(turn, task)?.target.clone(),
        None => None,
    };
    let Some(author) = author else {
        return Ok(Err(format!("step {} has no author to review", asked.of)));
    };
    if asked.by == Some(&author) && !crate::planted::is("author-reviews") {
        let what = format!("{author} can't review its own work");
        let problem = Problem::new(Code::OWN_REVIEW, what);
        outcome::failed_for_good(turn, work.id, work.plan, work.at.clone(), problem)?;
        return Ok(Ok(()));
    }
    let round = of.map_or(1, |step| step.round);
    let result = of.and_then(|step| step.output);
    let looked = checked(turn, work, (asked, result), &author, round)?;
    if let Some(looked) = looked.as_ref().filter(|looked| !looked.passed) {
        // No reviewer is asked, and paid, about what doesn't hold anyway.
        let (plan, at) = ((work.id, work.plan), work.at.clone());
        outcome::refuted(turn, plan, at, asked, looked.evidence)?;
        return Ok(Ok(()));
    }
    let Some(by) = asked.by else {
        work.done(turn, looked.map(|looked| looked.evidence))?;
        return Ok(Ok(()));
    };
    let input = match looked {
        Some(looked) => {
            let text = made!(work.text(turn, asked.input));
            turn.stage((text + &looked.told).into_bytes())?
        }
        None => made!(work.body(turn, Some(asked.input))),
    };
    let review = ReviewId::derived(work.id.0, &work.path());
    let task = TaskId::derived(work.id.0, &work.path());
    let title = turn.seal(format!("review {}", asked.of))?;
    if !open(turn, work, task, title, input, Some(by.clone()))? {
        return Ok(Ok(()));
    }
    turn.emit(review::Requested {
        review,
        plan: work.id,
        step: work.spec.name.clone(),
        of: asked.of.clone(),
        author,
        reviewer: by.clone(),
        task,
        round,
    })?;
    Ok(Ok(()))
}

/// What must hold of a result is looked at first, in each round.
fn checked(
    turn: &mut Turn<'_>,
    work: &Work<'_>,
    (asked, result): (Reviewing<'_>, Option<BodyRef>),
    author: &Name,
    round: u32,
) -> Done<Option<Looked>> {
    if asked.checks.is_empty() || crate::planted::is("checks-skipped") {
        return Ok(None);
    }
    let result = match result {
        Some(result) => result,
        None => turn.stage(Vec::new())?, // whoever made nothing made an empty text
    };
    let name = &work.spec.name;
    let looked = crate::review::look(turn, work.plan, name, asked.checks, result)?;
    turn.emit(review::Checked {
        plan: work.id,
        step: name.clone(),
        of: asked.of.clone(),
        author: author.clone(),
        round,
        passed: looked.passed,
        evidence: looked.evidence,
    })?;
    Ok(Some(looked))
}

/// What a person is asked about, or what is delivered, is there.
fn readable(turn: &Turn<'_>, body: BodyRef) -> Made<()> {
    Ok(match turn.body(body)? {
        Some(_) => Ok(()),
        None => Err(format!("content {} isn't stored", body.digest)),
    })
}

fn approval(turn: &mut Turn<'_>, work: &Work<'_>) -> Made<()> {
    let Some(asked) = work.spec.action.approval() else {
        return Err(Stop::broken("a question that is none".into()));
    };
    let title = made!(work.text(turn, asked.title));
    let body = made!(work.body(turn, asked.body));
    made!(readable(turn, body));
    let approval = ApprovalId::derived(work.id.0, &work.path());
    let seen = work.plan.spec.seen_before(&work.spec.name);
    let stood = |spec: &StepSpec| work.plan.steps.get(&spec.name);
    // What is still refuted counts, whoever else praises.
    let mut looks = seen.reviews.iter().chain(&seen.checks).copied();
    let disputed = looks.find(|spec| stood(spec).is_some_and(|step| step.disputed));
    let mut reviewed = disputed.or(seen.reviews.first().copied());
    if crate::planted::is("checks-pass-for-a-review") {
        reviewed = reviewed.or(seen.checks.first().copied());
    }
    let made = |name: &Name| work.plan.steps.get(name)?.task;
    let of = reviewed.and_then(|spec| spec.action.review());
    let of = of.or_else(|| seen.checks.first()?.action.review());
    let task = of.and_then(|review| made(review.of));
    let author = match task.or_else(|| work.spec.after.iter().find_map(made)) {
        Some(task) => crate::task::known(turn, task)?.target.clone(),
        None => None,
    };
    turn.emit(approval::Requested {
        approval,
        title: turn.seal(title)?,
        body,
        options: Vec::new(),
        waiting: Waiting::Step(work.id, work.at.clone()),
        author,
        evidence: reviewed.and_then(|spec| stood(spec)?.output),
        disputed: disputed.is_some() && !crate::planted::is("dispute-forgotten"),
        role: asked.role,
        expires_at: asked.expires.map(|expires| turn.now + expires),
    })?;
    Ok(Ok(()))
}

/// Why no plan writes there. Whoever wrote the plan may have meant what an agent remembers; whoever
/// filled its path in is anybody.
fn closed(path: &DocPath, filled_in: bool) -> Option<&'static str> {
    if path.is_identity() && !crate::planted::is("plans-write-souls") {
        return Some("a document that says who an agent is: only people write it, no plan does");
    }
    let is_closed = filled_in && path.is_memory() && !crate::planted::is("plans-fill-in-memories");
    is_closed.then_some(
        "what an agent remembers, and its path is filled in: write the path out where the plan is \
         to do that",
    )
}

fn document(turn: &mut Turn<'_>, work: &Work<'_>, written: &str, text: Option<&str>) -> Made<()> {
    let path = made!(work.text(turn, written));
    let filled_in = path != written;
    let path = match DocPath::new(&path) {
        Ok(path) => path,
        Err(why) => return Ok(Err(why)),
    };
    if let Some(why) = closed(&path, filled_in) {
        let note = format!("step {} writes {why}", work.spec.name);
        let problem = Problem {
            said: Some(turn.seal(path.to_string())?),
            ..Problem::new(Code::NOT_ALLOWED, note)
        };
        outcome::failed_for_good(turn, work.id, work.plan, work.at.clone(), problem)?;
        return Ok(Ok(()));
    }
    let body = made!(work.body(turn, text));
    made!(readable(turn, body));
    let by = Actor::Plan(work.id);
    let _ = crate::document::write(turn, &by, &path, body, None, None)?;
    work.done(turn, Some(body))?;
    Ok(Ok(()))
}

/// What a step's type makes of what is given to it.
fn typed(turn: &mut Turn<'_>, work: &Work<'_>, step: &TypedStep) -> Made<()> {
    let Some(known) = step.known() else {
        let what = format!(
            "this naos has no steps of type {:?}: it is older",
            step.word
        );
        return Ok(Err(what));
    };
    let mut given = Vec::with_capacity(step.given.len());
    for (word, template) in &step.given {
        given.push((word.clone(), made!(work.text(turn, template))));
    }
    let gives = match (known.does)(&StepGiven::of(&given)) {
        Ok(gives) => gives,
        Err(why) => return Ok(Err(why)),
    };
    match gives {
        StepGives::Value(value) => {
            let output = turn.stage(value.to_string().into_bytes())?;
            work.done(turn, Some(output))?;
            Ok(Ok(()))
        }
        StepGives::Event(data) => {
            let data = turn.stage(data.to_string().into_bytes())?;
            publish(turn, work, known.says.unwrap_or(known.word), data)
        }
        StepGives::Failure(_) if crate::planted::is("said-to-fail-goes-on") => {
            work.done(turn, None)?;
            Ok(Ok(()))
        }
        StepGives::Failure(message) => {
            let problem = Problem {
                said: Some(turn.seal(message)?),
                ..Problem::new(Code::SAID_TO_FAIL, "the plan says that it fails here")
            };
            outcome::failed_for_good(turn, work.id, work.plan, work.at.clone(), problem)?;
            Ok(Ok(()))
        }
    }
}

fn emit(turn: &mut Turn<'_>, work: &Work<'_>, kind: &str, data: Option<&str>) -> Made<()> {
    let data = made!(carry::data(turn, work, data));
    let is_done_anyway = crate::planted::is("emitted-to-who-is-off-is-done");
    if !is_done_anyway && ask::fails_without(turn, work, kind)? {
        return Ok(Ok(()));
    }
    publish(turn, work, kind, data)
}

fn publish(turn: &mut Turn<'_>, work: &Work<'_>, kind: &str, data: BodyRef) -> Made<()> {
    let origin = crate::event::from_within(turn, &work.id.to_string(), &work.plan.by)?;
    if let Err(refusal) = crate::event::check(kind, data, &origin) {
        return Ok(Err(refusal.what));
    }
    crate::event::publish(turn, &Actor::Plan(work.id), kind, data, origin)?;
    work.done(turn, Some(data))?;
    Ok(Ok(()))
}
