//! Plans: steps, dependencies, conditions, fan-out, review, approval; one machine that can stop
//! anywhere and go on. Each turn moves one step.

mod advance;
mod ask;
mod before;
mod by_hand;
mod by_schedule;
mod carry;
mod inputs;
mod keys;
mod lower;
mod needs;
mod nested;
mod outcome;
mod scale;
mod share;
mod sound;
mod start;
mod undo;
mod vars;
mod wait;

use std::collections::BTreeMap;
use std::sync::Arc;

use litemap::LiteMap;
use naos_types::command::{self, Reply};
use naos_types::fact::Problem;
use naos_types::fact::plan::{self, Fact};
use naos_types::spec::{Flow, Kind, PlanSpec, StaysFrom, StepDo, StepSpec};
use naos_types::{
    Actor, ApprovalId, BodyRef, Code, Digest, Micros, Name, PlanId, PlanStatus, ReviewId, StepPath,
    StepStatus, TaskId, Time,
};
use serde::{Deserialize, Serialize};

use crate::state::ItemsKey;
use crate::table::Aggregate;
use crate::turn::{Done, Stop, Turn};

pub(crate) use advance::{advance, due, give_up, halt};
pub(crate) use ask::{still_asks, unanswered};
pub(crate) use by_schedule::{start_due, submit_due};
pub use inputs::Inputs;
pub use keys::Once;
pub(crate) use keys::told;
pub(crate) use lower::{sound_flow, sound_undo};
pub use needs::{Needed, Use};
pub use nested::PLAN_DEPTH_MAX;
pub(crate) use nested::{fold_cost, nested_closed, pauses_too};
pub(crate) use outcome::{approval_decided, close, hold_open, task_closed};
pub use scale::Scale;
pub(crate) use scale::{fold as fold_scale, look as look_at_pool};
pub use share::Turns;
pub(crate) use share::works_for_none;
pub(crate) use sound::sound;
pub(crate) use undo::{announce, goes_on, resume};
pub(crate) use vars::{given, identifier};
pub(crate) use wait::{heard, signalled, takes_signal};

/// The most steps of a plan.
pub const STEPS_MAX: usize = 500;
/// How many steps and items of one plan are under way at once: all of them are cancelled, or run
/// out of time, in one turn, and each of them gives up to five facts then.
pub const PLAN_OPEN_MAX: usize = 96;
/// How many outputs of a fan-out one aggregate holds.
pub const ITEMS_PER_CHUNK: u32 = 64;

/// One item of a fan-out that is open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Its task.
    pub task: Option<TaskId>,
    /// Counted from 1.
    pub attempt: u32,
    /// When a failed attempt is followed by the next.
    pub retry_at: Option<Time>,
    /// When the attempt is given up.
    pub deadline: Option<Time>,
}

/// A step for each item of a list: a cursor and a window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fan {
    /// The list.
    pub items: BodyRef,
    /// Its length.
    pub count: u32,
    /// The next item to begin.
    pub next: u32,
    /// The items that are open, in one piece: a plan is copied by each turn that changes it.
    pub open: LiteMap<u32, Item>,
    /// How many are done.
    pub done: u32,
    /// How many failed for good.
    pub failed: u32,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Where it stands.
    pub status: StepStatus,
    /// How many attempts began.
    pub attempt: u32,
    /// What it gave.
    pub output: Option<BodyRef>,
    /// Its task, while or after it had one.
    pub task: Option<TaskId>,
    /// The question to a person that it waits for.
    pub approval: Option<ApprovalId>,
    /// The review that it is.
    pub review: Option<ReviewId>,
    /// When a failed attempt is followed by the next.
    pub retry_at: Option<Time>,
    /// When the attempt is given up.
    pub deadline: Option<Time>,
    /// Its list, where it has one.
    pub fan: Option<Fan>,
    /// What the reviewer said about the output before this one.
    pub feedback: Option<BodyRef>,
    /// Which round of a review this is, counted from 1.
    pub round: u32,
    /// Whether the reviewer still refuted in the last round.
    pub disputed: bool,
    /// Why the last attempt failed.
    pub problem: Option<Problem>,
    /// When the first attempt began.
    pub started: Option<Time>,
    /// When it was closed.
    pub ended: Option<Time>,
    /// How many attempts don't count any more: somebody let it begin anew.
    pub forgiven: u32,
}

impl Step {
    const fn new() -> Self {
        Self {
            status: StepStatus::Pending,
            attempt: 0,
            output: None,
            task: None,
            approval: None,
            review: None,
            retry_at: None,
            deadline: None,
            fan: None,
            feedback: None,
            round: 1,
            disputed: false,
            problem: None,
            started: None,
            ended: None,
            forgiven: 0,
        }
    }

    /// Whether somebody let the run go on without it: one whose condition isn't met has no end.
    pub(super) fn is_skipped_by_hand(&self) -> bool {
        self.status == StepStatus::Skipped && self.ended.is_some()
    }

    /// Lets it begin anew; its attempts are counted on, so that none has the id of an earlier one.
    fn begin_anew(&mut self) {
        self.status = StepStatus::Pending;
        self.forgiven = self.attempt;
        (self.task, self.approval, self.review) = (None, None, None);
        (self.retry_at, self.deadline) = (None, None);
        (self.problem, self.ended) = (None, None);
        if self.fan.take().is_some() {
            self.round += 1; // items count their attempts from 1
        }
    }

    fn due(&self) -> Option<Time> {
        let items = self.fan.iter().flat_map(|fan| fan.open.values());
        let times = items.flat_map(|item| [item.retry_at, item.deadline]);
        times.chain([self.retry_at, self.deadline]).flatten().min()
    }
}

/// One execution of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Of which plan.
    pub name: Name,
    /// Which version of it.
    pub version: u32,
    /// The steps it began with.
    pub spec: Arc<PlanSpec>,
    /// Its inputs.
    pub inputs: BodyRef,
    /// When it began.
    pub started: Time,
    /// How it ended; running until then.
    pub ended: Option<PlanStatus>,
    /// Its steps.
    pub steps: BTreeMap<Name, Step>,
    /// What it gave.
    pub output: Option<BodyRef>,
    /// Who started it.
    pub by: Actor,
    /// Why it failed.
    pub problem: Option<Problem>,
    /// When it ended.
    pub ended_at: Option<Time>,
    /// What it is a run of, and how it ends.
    pub flow: Flow,
    /// When the whole is given up.
    pub deadline: Option<Time>,
    /// The steps that are done and can be undone, the last one last.
    pub undoable: Vec<Name>,
    /// Whether what was done is being undone.
    pub undoing: bool,
    /// Since when it begins nothing more: somebody paused it.
    pub paused: Option<Time>,
    /// The run whose step it is, where that one was paused and not this one itself.
    pub paused_with: Option<PlanId>,
    /// What steps and items are done under that name a key.
    pub keys: BTreeMap<StepPath, Digest>,
    /// The steps that an earlier run did under the same key, and which.
    pub kept: BTreeMap<Name, PlanId>,
    /// What came last of the checks of each step that has some.
    pub checked: BTreeMap<Name, Checked>,
    /// The work in it, or that it was given, whose data must not leave the country.
    pub stays: Option<Box<StaysFrom>>,
    /// What its runs cost, and those of the runs of plans that are steps of it.
    pub cost: Micros,
    /// Whose turn was first among its pool's agents, counted from 0.
    pub first: u32,
}

/// What came of the checks of a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    /// In which round, counted from 1.
    pub round: u32,
    /// Whether all that must hold does.
    pub passed: bool,
    /// What was checked and what was found.
    pub evidence: BodyRef,
}

impl Aggregate for Plan {
    const KIND: &'static str = "plan";
    const VERSION: u8 = 7;
    fn lift(version: u8, bytes: &[u8]) -> Option<Self> {
        before::lift(version, bytes)
    }
    fn is_open(&self) -> bool {
        !self.is_closed()
    }
    fn due(&self) -> Option<Time> {
        if self.is_closed() || self.is_paused() {
            None // what comes due meanwhile happens when it is resumed
        } else {
            let steps = self.steps.values().filter_map(Step::due);
            steps.chain(self.deadline).min()
        }
    }
}

impl Plan {
    /// Whether nothing more will happen to it.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.ended.is_some()
    }

    /// Whether it begins nothing more until it is resumed.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.paused.is_some() && !crate::planted::is("pause-forgotten")
    }

    /// The step that failed to undo another and waits for a person.
    #[must_use]
    pub fn not_undone(&self) -> Option<(&Name, &Step)> {
        let undo = self.next_undo()?;
        let step = self.steps.get(undo)?;
        (self.ended.is_none() && step.status == StepStatus::Failed).then_some((undo, step))
    }

    /// The step that undoes what is to be undone next: the last thing first.
    fn next_undo(&self) -> Option<&Name> {
        let last = if crate::planted::is("undo-forwards") {
            self.undoable.first()
        } else {
            self.undoable.last()
        };
        self.flow.undo_of(last.filter(|_| self.undoing)?)
    }

    /// The steps that run while nothing has failed, in the order of the file.
    pub fn forward(&self) -> impl Iterator<Item = &StepSpec> {
        let all = self.spec.steps.iter();
        all.filter(|spec| !self.flow.undoes(&spec.name))
    }

    /// Whether anything that a paused run lets end is under way. A time, an event, a signal and the
    /// run of another plan aren't: the first three have to wait for it, the last rests with it.
    fn works(&self) -> bool {
        let works = |spec: &StepSpec, step: &Step| {
            let rests = matches!(spec.action, StepDo::Wait(_) | StepDo::Plan { .. });
            let begun = match &step.fan {
                Some(fan) => fan.open.values().any(|item| item.retry_at.is_none()),
                None => true,
            };
            step.status == StepStatus::Running
                && (crate::planted::is("waiting-looks-like-work") || begun && !rests)
        };
        let mut all = self.spec.steps.iter();
        all.any(|spec| {
            let step = self.steps.get(&spec.name);
            step.is_some_and(|step| works(spec, step))
        })
    }

    /// Where it stands: held while all it waits for is a person, who paused it or is asked.
    #[must_use]
    pub fn status(&self) -> PlanStatus {
        if let Some(ended) = self.ended {
            return ended;
        }
        if self.not_undone().is_some() {
            return PlanStatus::CompensationFailed;
        }
        let any = |wanted: StepStatus| self.steps.values().any(|step| step.status == wanted);
        let asks = self
            .steps
            .values()
            .any(|s| s.status == StepStatus::Waiting && s.approval.is_some());
        let held = match self.paused {
            Some(_) => !self.works(),
            None => asks && !any(StepStatus::Running),
        };
        if held {
            PlanStatus::Held
        } else {
            PlanStatus::Running
        }
    }

    /// What a step of this name does.
    #[must_use]
    pub fn known(&self, step: &Name) -> Option<&StepSpec> {
        self.spec.steps.iter().find(|spec| spec.name == *step)
    }

    fn spec_of(&self, step: &Name) -> Done<&StepSpec> {
        self.known(step)
            .ok_or_else(|| Stop::broken(format!("the plan {} has no step {step}", self.name)))
    }
}

/// A chunk of a fan-out's outputs, in the order of the list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Items {
    /// Item and what it gave.
    pub outputs: LiteMap<u32, Option<BodyRef>>,
}

impl Items {
    /// What the items before this one gave: a list of an earlier round may have been longer.
    pub(super) fn before(&self, end: u32) -> impl Iterator<Item = (u32, Option<BodyRef>)> {
        let all = self.outputs.iter().map(|(index, output)| (*index, *output));
        all.take_while(move |(index, _)| *index < end)
    }
}

impl Aggregate for Items {
    const KIND: &'static str = "items";
    const VERSION: u8 = 1;
}

pub(crate) fn known<'t>(turn: &'t Turn<'_>, id: PlanId) -> Done<&'t Plan> {
    turn.plan(&id)?.ok_or_else(|| absent(id))
}

fn absent(id: PlanId) -> Stop {
    Stop::refused(Code::NOT_FOUND, format!("there is no plan {id}"))
}

/// As [`known`], to hold on to while it changes.
pub(crate) fn held(turn: &Turn<'_>, id: PlanId) -> Done<Arc<Plan>> {
    let found = turn.tables.plan.shared(&id);
    found
        .map_err(|_| Stop::record(crate::state::Key::Plan(id)))?
        .ok_or_else(|| absent(id))
}

pub(crate) fn command(turn: &mut Turn<'_>, by: &Actor, asked: &command::Plan) -> Done<Reply> {
    match asked {
        command::Plan::Start { of, name, inputs } => start(turn, by, *of, name, *inputs),
        command::Plan::Submit {
            name,
            inputs,
            merge,
            quorum,
        } => {
            let (spec, version) = crate::resource::pool(turn, name)?;
            let (spec, flow) = lower::batch(name, spec, *merge, *quorum)?;
            begin(turn, by, name, (spec, flow, version), *inputs, None)
        }
        command::Plan::Cancel { plan } => {
            if known(turn, *plan)?.is_closed() {
                return Err(Stop::refused(Code::WRONG_STATE, "the plan ended already"));
            }
            undo::cancel(turn, by, *plan)?;
            Ok(Reply::Done)
        }
        command::Plan::Resume { plan } => undo::resume(turn, by, *plan),
        command::Plan::Pause { plan } => by_hand::pause(turn, by, *plan),
        command::Plan::Skip { plan, step } => by_hand::skip(turn, by, *plan, step),
        command::Plan::Reset { plan } => undo::reset(turn, by, *plan),
        command::Plan::Resolve { plan, step, done } => {
            undo::decide(turn, by, *plan, step.as_ref(), *done)
        }
    }
}

pub(crate) fn start(
    turn: &mut Turn<'_>,
    by: &Actor,
    of: Kind,
    name: &Name,
    inputs: BodyRef,
) -> Done<Reply> {
    let what = steps_of(turn, of, name)?;
    begin(turn, by, name, what, inputs, None)
}

/// The steps of a plan, an instruction, a workflow or a saga, what stands beside them, and its
/// version.
fn steps_of(turn: &Turn<'_>, of: Kind, name: &Name) -> Done<(PlanSpec, Flow, u32)> {
    match of {
        Kind::Plan => crate::resource::plan(turn, name),
        Kind::Instruction => crate::resource::instruction(turn, name),
        _ => {
            let (flow, version) = crate::resource::flow(turn, of, name)?;
            let (spec, flow) = lower::lower(of, name, flow)?;
            Ok((spec, flow, version))
        }
    }
}

fn begin(
    turn: &mut Turn<'_>,
    by: &Actor,
    name: &Name,
    (spec, flow, version): (PlanSpec, Flow, u32),
    inputs: BodyRef,
    id: Option<PlanId>,
) -> Done<Reply> {
    waits_for(turn, &spec, &flow)?;
    let inputs = match flow.of {
        Kind::Plan | Kind::Instruction => inputs::checked(turn, by, &spec, inputs)?,
        _ => {
            turn.readable(inputs, "the input")?;
            if let Some(share) = &flow.pool {
                share::may_be_merged(turn, share, inputs)?;
            }
            inputs
        }
    };
    let plan = id.unwrap_or_else(|| turn.mint.next_id());
    turn.emit(plan::Started {
        plan,
        name: name.clone(),
        version,
        spec: Arc::new(spec),
        inputs,
        by: by.clone(),
        flow,
    })?;
    Ok(Reply::Plan(plan))
}

/// Begins the work of a task of the board.
pub(crate) fn begin_card(
    turn: &mut Turn<'_>,
    by: &Actor,
    (spec, flow): (PlanSpec, Flow),
    inputs: BodyRef,
    id: PlanId,
) -> Done {
    let name = Name::new("task").map_err(|e| Stop::broken(e.to_string()))?;
    begin(turn, by, &name, (spec, flow, 1), inputs, Some(id)).map(drop)
}

/// Ends an execution as it stands, with all that it has under way.
pub(crate) fn cancel(turn: &mut Turn<'_>, by: &Actor, plan: PlanId) -> Done {
    undo::reset(turn, by, plan).map(drop)
}

/// Refuses to start a plan that names an agent that isn't there.
fn waits_for(turn: &Turn<'_>, spec: &PlanSpec, flow: &Flow) -> Done {
    let named = spec.steps.iter().filter_map(|step| {
        let agent = match &step.action {
            StepDo::Task { agent, .. } => agent.as_ref(),
            does => does.review().and_then(|review| review.by),
        };
        Some((&step.name, agent?))
    });
    // The one step of a batch is anybody's of the pool.
    let named = named.filter(|_| flow.pool.is_none());
    let named = named.map(|(step, agent)| (Some(step), agent));
    let shared = flow.pool.iter().flat_map(|share| &share.agents);
    for (step, agent) in named.chain(shared.map(|agent| (None, agent))) {
        let there = turn.agent(agent)?.is_some() || crate::resource::skill(turn, agent)?.is_some();
        if there {
            continue;
        }
        let who = match step {
            Some(step) => format!("which step {step} asks for"),
            None => "which shares the work of this pool".to_owned(),
        };
        let what = format!("waiting: agent {agent}, {who}");
        return Err(Stop::refused(Code::WAITS_FOR, what));
    }
    for step in &spec.steps {
        let StepDo::Plan { of, name, .. } = &step.action else {
            continue;
        };
        let key = crate::state::ResourceKey(*of, name.clone());
        if turn.resource(&key)?.is_none() {
            let of = of.word();
            let what = format!("waiting: {of} {name}, which step {} asks for", step.name);
            return Err(Stop::refused(Code::WAITS_FOR, what));
        }
    }
    ask::waits_for(turn, spec)
}

pub(crate) fn fold(turn: &mut Turn<'_>, fact: &Fact) -> Done {
    wait::fold(turn, fact)?;
    match fact {
        Fact::Started(f) => {
            let steps = f
                .spec
                .steps
                .iter()
                .map(|s| (s.name.clone(), Step::new()))
                .collect();
            let plan = Plan {
                name: f.name.clone(),
                version: f.version,
                spec: Arc::clone(&f.spec),
                inputs: f.inputs,
                started: turn.now,
                ended: None,
                steps,
                output: None,
                by: f.by.clone(),
                problem: None,
                ended_at: None,
                deadline: f.flow.timeout.map(|timeout| turn.now + timeout),
                flow: f.flow.clone(),
                undoable: Vec::new(),
                undoing: false,
                paused: None,
                paused_with: None,
                keys: BTreeMap::new(),
                kept: BTreeMap::new(),
                checked: BTreeMap::new(),
                stays: None,
                cost: Micros::ZERO,
                first: 0,
            };
            turn.put_plan(f.plan, Some(plan));
            Ok(())
        }
        Fact::StepStarted(f) => fold_started(turn, f),
        Fact::StepExpanded(f) => advance::fold_expanded(turn, f),
        Fact::StepDone(f) => fold_done(turn, f),
        Fact::StepFailed(f) => fold_failed(turn, f),
        Fact::StepSkipped(f) => by_hand::fold_skipped(turn, f),
        Fact::StepReopened(f) => fold_reopened(turn, f),
        Fact::UndoBegan(f) => undo::fold_began(turn, f),
        Fact::UndoDecided(f) => undo::fold_decided(turn, f),
        Fact::Paused(f) => by_hand::fold_paused(turn, f),
        Fact::Resumed(f) => undo::fold_resumed(turn, f),
        Fact::Closed(f) => {
            let now = turn.now;
            let plan = turn.plan_mut(&f.plan)?;
            plan.ended = Some(f.status);
            plan.output = f.output;
            plan.problem.clone_from(&f.problem);
            plan.ended_at = Some(now);
            plan.deadline = None;
            (plan.paused, plan.paused_with) = (None, None);
            let open = plan.steps.values_mut();
            for step in open.filter(|step| !step.status.is_closed()) {
                put_to_rest(step, now);
            }
            Ok(())
        }
    }
}

/// Nothing more comes of an open step: it failed where one of its items did, else it is cancelled.
fn put_to_rest(step: &mut Step, now: Time) {
    let failed = step.fan.as_ref().is_some_and(|fan| fan.failed > 0);
    step.status = if failed {
        StepStatus::Failed
    } else {
        StepStatus::Cancelled
    };
    step.ended = step.started.map(|_| now);
    step.retry_at = None;
    step.deadline = None;
    if let Some(fan) = &mut step.fan {
        fan.open.clear();
    }
}

pub(crate) fn step_mut<'t>(turn: &'t mut Turn<'_>, id: PlanId, name: &Name) -> Done<&'t mut Step> {
    let plan = turn.plan_mut(&id)?;
    plan.steps
        .get_mut(name)
        .ok_or_else(|| Stop::broken(format!("{id} has no step {name}")))
}

/// A task was opened for a step.
pub(crate) fn task_opened(
    turn: &mut Turn<'_>,
    parent: &naos_types::fact::task::Parent,
    task: TaskId,
) -> Done {
    let step = step_mut(turn, parent.plan, &parent.at.step)?;
    match (parent.at.item, &mut step.fan) {
        (Some(index), Some(fan)) => {
            if let Some(item) = fan.open.get_mut(&index) {
                item.task = Some(task);
            }
        }
        _ => step.task = Some(task),
    }
    Ok(())
}

/// A person was asked for a step.
pub(crate) fn asked(
    turn: &mut Turn<'_>,
    plan: PlanId,
    at: &StepPath,
    approval: ApprovalId,
) -> Done {
    let step = step_mut(turn, plan, &at.step)?;
    step.status = StepStatus::Waiting;
    step.approval = Some(approval);
    Ok(())
}

fn fold_started(turn: &mut Turn<'_>, f: &plan::StepStarted) -> Done {
    let now = turn.now;
    let step = step_mut(turn, f.plan, &f.at.step)?;
    step.started = step.started.or(Some(now));
    match (f.at.item, &mut step.fan) {
        (Some(index), Some(fan)) => {
            fan.next = fan.next.max(index + 1);
            let (attempt, deadline) = (f.attempt, f.deadline);
            fan.open.insert(
                index,
                Item {
                    task: None,
                    attempt,
                    retry_at: None,
                    deadline,
                },
            );
        }
        _ => {
            step.status = StepStatus::Running;
            step.attempt = f.attempt;
            step.deadline = f.deadline;
            step.retry_at = None;
            step.approval = None;
        }
    }
    keys::fold_started(turn, f)
}

fn fold_done(turn: &mut Turn<'_>, f: &plan::StepDone) -> Done {
    let now = turn.now;
    keys::fold_done(turn, f)?;
    let step = step_mut(turn, f.plan, &f.at.step)?;
    let Some(index) = f.at.item else {
        // What was worked out at once, or done before: this fact is its beginning, too.
        step.started = step.started.or(Some(now));
        if step.status == StepStatus::Pending {
            step.attempt += 1;
        }
        step.status = StepStatus::Done;
        step.ended = Some(now);
        step.output = f.output;
        step.deadline = None;
        step.retry_at = None;
        if let Some(fan) = &mut step.fan {
            fan.open.clear(); // what isn't waited for
        }
        return undo::fold_step_done(turn, f.plan, &f.at.step);
    };
    if let Some(fan) = &mut step.fan {
        fan.open.remove(&index);
        fan.done += 1;
    }
    keep_item(turn, f.plan, &f.at.step, index, f.output)
}

fn keep_item(
    turn: &mut Turn<'_>,
    plan: PlanId,
    step: &Name,
    index: u32,
    output: Option<BodyRef>,
) -> Done {
    let key = ItemsKey {
        plan,
        step: step.clone(),
        chunk: index / ITEMS_PER_CHUNK,
    };
    if turn.items(&key)?.is_none() {
        turn.put_items(key.clone(), Some(Items::default()));
    }
    turn.items_mut(&key)?.outputs.insert(index, output);
    Ok(())
}

fn fold_failed(turn: &mut Turn<'_>, f: &plan::StepFailed) -> Done {
    let now = turn.now;
    let step = step_mut(turn, f.plan, &f.at.step)?;
    step.problem = Some(f.problem.clone());
    match (f.at.item, &mut step.fan) {
        (Some(index), Some(fan)) => match f.retry_at {
            Some(at) => {
                if let Some(item) = fan.open.get_mut(&index) {
                    item.retry_at = Some(at);
                    item.deadline = None;
                    item.task = None;
                }
            }
            None => {
                fan.open.remove(&index);
                fan.failed += 1;
                keep_item(turn, f.plan, &f.at.step, index, None)?;
            }
        },
        _ => {
            step.deadline = None;
            step.retry_at = f.retry_at;
            (step.status, step.ended) = match f.retry_at {
                Some(_) => (StepStatus::Waiting, None),
                None if crate::planted::is("failed-steps-go-on") => (StepStatus::Failed, None),
                None => (StepStatus::Failed, Some(now)),
            };
            if f.retry_at.is_none()
                && let Some(fan) = &mut step.fan
            {
                fan.open.clear(); // what isn't waited for
            }
        }
    }
    Ok(())
}

/// The step is done again, and every review of it with it.
fn fold_reopened(turn: &mut Turn<'_>, f: &plan::StepReopened) -> Done {
    let plan = turn.plan_mut(&f.plan)?;
    let reviews: Vec<Name> = plan
        .spec
        .steps
        .iter()
        .filter(|spec| {
            let review = spec.action.review();
            review.is_some_and(|review| *review.of == f.at.step)
        })
        .map(|spec| spec.name.clone())
        .collect();
    for name in reviews.iter().chain([&f.at.step]) {
        if let Some(step) = plan.steps.get_mut(name) {
            step.status = StepStatus::Pending;
            step.round = f.round;
            step.ended = None;
            step.deadline = None;
            step.retry_at = None;
            step.forgiven = step.attempt; // a new round, with as many attempts as the first
        }
    }
    if let Some(step) = plan.steps.get_mut(&f.at.step) {
        step.feedback = Some(f.feedback);
    }
    plan.undoable.retain(|name| *name != f.at.step);
    Ok(())
}
