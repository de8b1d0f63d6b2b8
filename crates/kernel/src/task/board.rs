//! Tasks of the board: planned by people, done by the steps of a run, looked at, approved.
//!
//! What does the work is the plan machine: a card is lowered to steps ([`super::work`]), and the
//! task follows where they stand. So reviews, approvals, retries and crashes are those of any plan.

use std::collections::BTreeMap;
use std::sync::Arc;

use naos_types::command::Reply;
use naos_types::fact::agent::Call;
use naos_types::fact::member::News;
use naos_types::fact::plan;
use naos_types::fact::task::{self, Fact};
use naos_types::spec::{Assignee, Card, as_text};
use naos_types::{
    Actor, BodyRef, Code, MemberId, Name, PlanId, PlanStatus, Priority, Refusal, Role, Sealed,
    TaskId, TaskStatus,
};
use serde::{Deserialize, Serialize};

use super::again::{takes_work, task_of};
use super::{known, links, stays, work};
use crate::agent::desk;
use crate::state::Key;
use crate::table::{Aggregate, lengthened};
use crate::turn::{Done, Stop, Turn};
use crate::{compute, member, message, review};

/// How often agents may hand a task on before a person has to.
pub const HANDS_MAX: u32 = 8;
/// The most members who follow or mute a task.
pub const FOLLOWERS_MAX: usize = 256;
/// How deep tasks of agents lie within tasks.
pub const LEVELS_MAX: usize = 4;
/// The most parts of a task that agents make, and the most tasks that a run makes that is for none.
pub const ENTRUSTED_MAX: usize = 8;
/// The most tasks that an agent made by itself that are open.
pub const OWN_OPEN_MAX: usize = 16;
/// How much of what was made is kept for whoever goes on: the newest.
pub const MADE_MAX: usize = 16;
/// The most tasks that wait for one, and the most parts of one.
pub const LINKS_MAX: usize = 64;

/// What the board knows about a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnBoard {
    /// What is planned for it.
    #[serde(with = "as_text")]
    pub card: Arc<Card>,
    /// The run of its steps: the last one.
    pub plan: Option<PlanId>,
    /// How many began.
    pub begun: u32,
    /// How often it was handed on.
    pub hands: u32,
    /// The tasks that wait for it.
    pub unblocks: Vec<TaskId>,
    /// The tasks that are part of it.
    pub parts: Vec<TaskId>,
    /// How many messages its thread has.
    pub messages: u32,
    /// How often agents called others in it since a person spoke.
    pub calls: u32,
    /// Whether nobody is called there any more until a person speaks.
    pub hushed: bool,
    /// What was made of it before the run of its steps that is the last one, in order.
    pub made: Vec<Made>,
    /// Who hears of it, and who wants to hear of it no more.
    pub follow: BTreeMap<MemberId, bool>,
}

/// What is left of a run of steps that ended before the work was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// The agent that made it, or that refuted it; naos where a person did.
    pub by: Name,
    /// What it made, or said.
    pub body: BodyRef,
    /// Whether it is what a reviewer refuted.
    pub refuted: bool,
}

impl Made {
    /// Whether it is what a person said who rejected the result; they may have said nothing.
    #[must_use]
    pub fn is_a_persons(&self) -> bool {
        self.refuted && self.by.as_str() == message::SELF // no agent is called so
    }
}

impl Aggregate for OnBoard {
    const KIND: &'static str = "card";
    const VERSION: u8 = 3;
    fn lift(version: u8, bytes: &[u8]) -> Option<Self> {
        match version {
            1 => lengthened(bytes, 4), // who called and what was made, too
            2 => lengthened(bytes, 1), // who follows
            _ => None,
        }
    }
}

impl OnBoard {
    /// The agents that have to do with it.
    #[must_use]
    pub fn agents(&self) -> Vec<Name> {
        let mut out: Vec<Name> = Vec::new();
        for name in self.card.agents() {
            if !out.contains(name) {
                out.push(name.clone());
            }
        }
        out
    }

    /// The agents that a text calls in its thread, whether or not they are there.
    #[must_use]
    pub fn called(&self, text: &str) -> Vec<Name> {
        let (names, all) = message::called(text);
        self.with_all(names, all)
    }

    /// The agents of these names, and all that have to do with it where all are called.
    pub(crate) fn with_all(&self, names: Vec<Name>, all: bool) -> Vec<Name> {
        let mut out = names;
        for name in self.agents().into_iter().filter(|_| all) {
            if !out.contains(&name) {
                out.push(name);
            }
        }
        out
    }

    /// Whether a member hears of it.
    #[must_use]
    pub fn is_followed_by(&self, member: MemberId) -> bool {
        self.followers().any(|one| one == member)
    }

    /// The members who hear of it: who follows it, and whose it is.
    pub fn followers(&self) -> impl Iterator<Item = MemberId> + use<'_> {
        let follow = self.follow.iter();
        let whose = match self.card.to {
            Some(Assignee::Member(member)) => Some(member),
            _ => None,
        };
        let whose = whose.filter(|member| !self.follow.contains_key(member));
        follow
            .filter_map(|(member, on)| on.then_some(*member))
            .chain(whose)
    }
}

/// The task on the board, or that it isn't there.
pub(crate) fn on_board<'t>(turn: &'t Turn<'_>, task: TaskId) -> Done<&'t OnBoard> {
    known(turn, task)?;
    turn.card(&task)?.ok_or_else(|| {
        let what = format!("{task} is no task of the board: it is the work of a run");
        Stop::refused(Code::WRONG_STATE, what)
    })
}

pub(super) fn refuse<T>(code: Code, what: impl Into<String>) -> Done<T> {
    Err(Stop::refused(code, what))
}

/// Whether a member can be given a task: whoever sees none can't do one.
fn works_here(turn: &Turn<'_>, member: MemberId) -> Done {
    match turn.member(&member)? {
        None => refuse(Code::NOT_FOUND, format!("there is no member {member}")),
        Some(found) if found.role < Role::Staff => {
            let role = found.role.word();
            let what = format!("{member} is {role}, and works on no tasks: the role staff does");
            refuse(Code::NOT_ALLOWED, what)
        }
        Some(_) => Ok(()),
    }
}

/// Whether somebody would be named to look at what a person does: nobody does.
fn reviewed_by_nobody(card: &Card) -> Done {
    if let (Some(Assignee::Member(_)), Some(reviewer)) = (&card.to, &card.reviewer) {
        let what = format!("a person's task has no reviewer: {reviewer} looks at what agents made");
        let why = Refusal::new(Code::BAD_REQUEST, what).help(
            "name none (`--reviewer none`); with `--approve` say `--unreviewed`, and whoever \
             says that it is done has that role",
        );
        return Err(Stop::Refused(Box::new(why)));
    }
    Ok(())
}

/// What is planned fits together, and all that it names is there.
pub(super) fn checked(turn: &Turn<'_>, card: &Card) -> Done {
    if let Err(what) = card.check() {
        return refuse(Code::BAD_REQUEST, what);
    }
    let names = compute::check_names(compute::task_names());
    let mut unsound = card.checks.iter();
    if let Some(what) = unsound.find_map(|check| review::unsound(check, &names)) {
        return refuse(Code::BAD_EXPRESSION, what);
    }
    let tasks = card.after.iter().chain(&card.part_of);
    let documents = card.attached.iter().cloned().map(Key::Document);
    turn.load(tasks.clone().map(|task| Key::Task(*task)).chain(documents))?;
    if let Some(Assignee::Member(member)) = &card.to {
        works_here(turn, *member)?;
    }
    for name in card.agents() {
        let is_there = turn.agent(name)?.is_some() || crate::resource::skill(turn, name)?.is_some();
        if !is_there {
            return refuse(Code::NO_AGENT, format!("there is no agent {name}"));
        }
    }
    for path in &card.attached {
        if turn.document(path)?.is_none() {
            return refuse(Code::NOT_FOUND, format!("there is no document {path}"));
        }
    }
    for task in tasks {
        on_board(turn, *task)?;
    }
    Ok(())
}

/// Puts a task on the board.
pub(super) fn plan(
    turn: &mut Turn<'_>,
    by: &Actor,
    task: TaskId,
    (title, brief): (&Sealed, BodyRef),
    card: &Arc<Card>,
) -> Done<Reply> {
    checked(turn, card)?;
    reviewed_by_nobody(card)?;
    turn.readable(brief, "what is to be done")?;
    for other in &card.after {
        links::may_wait_for(turn, *other)?;
    }
    if let Some(whole) = card.part_of {
        links::may_have_part(turn, whole)?;
    }
    turn.emit(task::Opened {
        task,
        title: title.clone(),
        input: brief,
        agent: None,
        parent: None,
        by: by.clone(),
        asks: None,
    })?;
    turn.emit(task::Planned {
        task,
        card: Arc::clone(card),
        by: by.clone(),
    })?;
    assigned(turn, by, task, None)?;
    ready(turn, task)?;
    Ok(Reply::Task { task, run: None })
}

/// A member hears that a task is theirs now.
pub(super) fn assigned(
    turn: &mut Turn<'_>,
    by: &Actor,
    task: TaskId,
    was: Option<&Assignee>,
) -> Done {
    let Some(to) = on_board(turn, task)?.card.to.clone() else {
        return Ok(());
    };
    match to {
        Assignee::Member(member) if was != Some(&to) => {
            member::tell(turn, [member], News::Assigned(task), by)
        }
        _ => Ok(()),
    }
}

/// Changes what is planned for a task.
pub(super) fn change(
    turn: &mut Turn<'_>,
    by: &Actor,
    task: TaskId,
    card: &Arc<Card>,
) -> Done<Reply> {
    let found = open_card(turn, task)?;
    let was = Arc::clone(&found.card);
    if was == *card {
        return Ok(Reply::Unchanged);
    }
    let work = |card: &Card| {
        let (to, then) = (card.to.clone(), card.then.clone());
        let looks = (card.reviewer.clone(), card.rounds_max, card.approve);
        (to, then, looks, card.attached.clone(), card.checks.clone())
    };
    let moved = work(&was) != work(card);
    if moved && works(turn, &found)? {
        let what = "its work has begun: hand it over, or cancel it";
        return refuse(Code::WRONG_STATE, what);
    }
    let waits_more = card.after.iter().any(|other| !was.after.contains(other));
    if waits_more && works(turn, &found)? {
        let what = "its work has begun: it waits for nothing more";
        return refuse(Code::WRONG_STATE, what);
    }
    checked(turn, card)?;
    // What was handed to a person keeps its reviewer, for whoever gets it next.
    if (&was.to, &was.reviewer) != (&card.to, &card.reviewer) {
        reviewed_by_nobody(card)?;
    }
    links::changed(turn, task, &was, card)?;
    turn.emit(task::Planned {
        task,
        card: Arc::clone(card),
        by: by.clone(),
    })?;
    assigned(turn, by, task, was.to.as_ref())?;
    let looks = moved || was.priority != card.priority || was.after != card.after;
    if looks && !works(turn, &found)? {
        ready(turn, task)?;
    }
    Ok(Reply::Done)
}

/// A member does nothing more: their open tasks are nobody's again, and each says so in its thread.
pub(crate) fn left_by(
    turn: &mut Turn<'_>,
    by: &Actor,
    (member, handle): (MemberId, Option<Name>),
    why: &str,
) -> Done {
    if crate::planted::is("tasks-of-nobody") {
        return Ok(());
    }
    // Open ones are always loaded.
    let open = turn.tables.task.iter();
    let open = open.filter(|(_, task)| task.stands_on_the_board() && !task.status.is_closed());
    let open: Vec<TaskId> = open.map(|(id, _)| *id).collect();
    turn.load(open.iter().map(|task| Key::Card(*task)))?;
    let who = handle.map_or_else(|| member.to_string(), |handle| format!("@{handle}"));
    for task in open {
        let Some(found) = turn.card(&task)? else {
            continue; // it is no task of the board
        };
        if found.card.to != Some(Assignee::Member(member)) {
            continue;
        }
        let mut card = Card::clone(&found.card);
        card.to = None;
        turn.emit(task::Planned {
            task,
            card: Arc::new(card),
            by: by.clone(),
        })?;
        ready(turn, task)?;
        let words = format!("It was {who}'s, who {why}: it is nobody's now.");
        message::note(turn, task, &words)?;
    }
    Ok(())
}

/// A task on the board that nobody is done with.
pub(super) fn open_card(turn: &Turn<'_>, task: TaskId) -> Done<OnBoard> {
    let status = known(turn, task)?.status;
    let found = on_board(turn, task)?.clone();
    if status.is_closed() {
        return refuse(Code::WRONG_STATE, format!("the task is {status} already"));
    }
    Ok(found)
}

/// Whether steps of it are under way.
pub(super) fn works(turn: &Turn<'_>, found: &OnBoard) -> Done<bool> {
    match found.plan {
        Some(plan) => Ok(turn.plan(&plan)?.is_some_and(|plan| !plan.is_closed())),
        None => Ok(false),
    }
}

pub(super) fn move_to(turn: &mut Turn<'_>, task: TaskId, status: TaskStatus) -> Done {
    if known(turn, task)?.status == status {
        return Ok(());
    }
    turn.emit(task::Moved { task, status })
}

/// The first task that it still waits for.
pub(super) fn waits_for(turn: &Turn<'_>, card: &Card) -> Done<Option<TaskId>> {
    turn.load(card.after.iter().map(|task| Key::Task(*task)))?;
    for other in &card.after {
        if known(turn, *other)?.status != TaskStatus::Done
            && !crate::planted::is("begins-before-its-time")
        {
            return Ok(Some(*other));
        }
    }
    Ok(None)
}

/// Lets whoever it is given to know, once nothing is left to wait for.
pub(super) fn ready(turn: &mut Turn<'_>, task: TaskId) -> Done {
    let card = Arc::clone(&on_board(turn, task)?.card);
    if waits_for(turn, &card)?.is_some() {
        return move_to(turn, task, TaskStatus::Blocked);
    }
    match &card.to {
        None => move_to(turn, task, TaskStatus::Inbox),
        Some(Assignee::Member(_)) => move_to(turn, task, TaskStatus::Assigned),
        Some(Assignee::Agent(name)) => {
            if let Err(why) = takes_work(turn, name, false)? {
                return blocked(turn, task, &why);
            }
            move_to(turn, task, TaskStatus::Assigned)?;
            let urgent = card.priority == Priority::Urgent;
            desk::call(turn, name, Call::Task(task), urgent)
        }
    }
}

/// The agent woke, and this task is its.
pub(crate) fn taken(turn: &mut Turn<'_>, task: TaskId, name: &Name) -> Done {
    let found = on_board(turn, task)?.clone();
    let status = known(turn, task)?.status;
    let is_its = found.card.agent() == Some(name);
    if status.is_closed() || !is_its || works(turn, &found)? {
        return Ok(()); // somebody else has it, or began it
    }
    match start(turn, task, &found) {
        Err(Stop::Refused(why)) => blocked(turn, task, &why),
        done => done,
    }
}

/// It can't begin: the board shows it, the thread says why.
fn blocked(turn: &mut Turn<'_>, task: TaskId, why: &Refusal) -> Done {
    move_to(turn, task, TaskStatus::Blocked)?;
    message::note(
        turn,
        task,
        &format!("It can't begin ({}): {}", why.code, why.what),
    )
}

/// Begins the run of its steps.
pub(super) fn start(turn: &mut Turn<'_>, task: TaskId, found: &OnBoard) -> Done {
    if found.card.agent().is_none() {
        let what = "it is nobody's whom naos can ask: give it to an agent";
        return refuse(Code::WRONG_STATE, what);
    }
    let spec = work::steps(&found.card, work::checks(turn, &found.card)?)?;
    let inputs = work::compose(turn, task)?;
    let plan = PlanId::derived(task.0, &format!("work/{}", found.begun + 1));
    crate::plan::begin_card(turn, &Actor::Task(task), spec, inputs, plan)?;
    turn.emit(task::Begun { task, plan })
}

/// A person did it.
pub(super) fn finish(
    turn: &mut Turn<'_>,
    by: &Actor,
    task: TaskId,
    output: Option<BodyRef>,
) -> Done<Reply> {
    let found = open_card(turn, task)?;
    if works(turn, &found)? {
        let what = "an agent works on it: cancel it, or hand it to a person first";
        return refuse(Code::WRONG_STATE, what);
    }
    if let (Some(least), Actor::Member(_, role)) = (found.card.approve, by)
        && *role < least
    {
        let what = format!(
            "what a person did is approved by whoever says that it is done: this takes the role {}",
            least.word()
        );
        return refuse(Code::NOT_ALLOWED, what);
    }
    if let Some(output) = output {
        turn.readable(output, "the result")?;
    }
    turn.emit(task::Closed {
        task,
        status: TaskStatus::Done,
        output,
        problem: None,
    })?;
    Ok(Reply::Done)
}

/// Cancels what is under way for a task on the board; whether it is one.
pub(super) fn cancel(turn: &mut Turn<'_>, by: &Actor, task: TaskId) -> Done<bool> {
    let Some(found) = turn.card(&task)?.cloned() else {
        return Ok(false);
    };
    match found.plan {
        Some(plan) if works(turn, &found)? => {
            crate::plan::cancel(turn, by, plan)?; // its end closes the task
            Ok(true)
        }
        _ => Ok(false),
    }
}

/// A step of its work began: the task stands where its steps do.
pub(crate) fn step_started(turn: &mut Turn<'_>, f: &plan::StepStarted) -> Done {
    let Some(task) = task_of(turn, f.plan)? else {
        return Ok(());
    };
    let paused = crate::plan::known(turn, f.plan)?.paused.is_some();
    if paused || known(turn, task)?.status.is_closed() {
        return Ok(()); // paused in this very turn: it can't go on
    }
    move_to(turn, task, work::column(&f.at.step))
}

/// Its work ended; that of a task that was handed on meanwhile is nothing.
pub(crate) fn plan_closed(turn: &mut Turn<'_>, by: &Actor, f: &plan::Closed) -> Done {
    let Actor::Task(task) = by else {
        return Ok(());
    };
    let ended = known(turn, *task)?.status.is_closed();
    let is_its = on_board(turn, *task)?.plan == Some(f.plan);
    if ended || !(is_its || crate::planted::is("old-work-closes")) {
        return Ok(());
    }
    let status = match f.status {
        PlanStatus::Completed | PlanStatus::Partial => TaskStatus::Done,
        PlanStatus::Cancelled => TaskStatus::Cancelled,
        _ => TaskStatus::Failed,
    };
    turn.emit(task::Closed {
        task: *task,
        status,
        output: f.output,
        problem: f.problem.clone(),
    })
}

/// It ended: what waited for it begins, and who is to hear of it does.
pub(crate) fn closed(turn: &mut Turn<'_>, f: &task::Closed) -> Done {
    if known(turn, f.task)?.run.is_some() {
        return Ok(()); // the work of a run
    }
    let Some(found) = turn.card(&f.task)?.cloned() else {
        return Ok(());
    };
    for other in &found.unblocks {
        if known(turn, *other)?.status != TaskStatus::Blocked {
            continue;
        }
        if f.status == TaskStatus::Done {
            ready(turn, *other)?;
            continue;
        }
        let words = format!(
            "{} is {}, and this task waits for it: it never begins unless that changes. \
             `naos task change {other} --after none` lets it begin without.",
            f.task, f.status
        );
        message::note(turn, *other, &words)?;
    }
    if !found.card.cc.is_empty() {
        message::ended(turn, &found, f)?;
    }
    let did_it = match found.card.to {
        Some(Assignee::Member(member)) if found.plan.is_none() => Some(member),
        _ => None,
    };
    let followers = found.followers().filter(|member| Some(*member) != did_it);
    let followers: Vec<MemberId> = followers.collect();
    member::tell(
        turn,
        followers,
        News::Ended(f.task, f.status),
        &Actor::System,
    )
}

/// Somebody wants to hear of a task, or not any more.
pub(super) fn follow(turn: &mut Turn<'_>, by: &Actor, task: TaskId, on: bool) -> Done<Reply> {
    let Actor::Member(member, _) = by else {
        return refuse(Code::NOT_ALLOWED, "only members follow tasks");
    };
    let found = on_board(turn, task)?;
    if found.follow.get(member) == Some(&on) {
        return Ok(Reply::Unchanged);
    }
    if found.follow.len() >= FOLLOWERS_MAX && !found.follow.contains_key(member) {
        let what = format!("{FOLLOWERS_MAX} members follow or mute {task} already");
        return refuse(Code::TOO_LARGE, what);
    }
    let member = *member;
    turn.emit(task::Followed { task, member, on })?;
    Ok(Reply::Done)
}

pub(super) fn fold(turn: &mut Turn<'_>, fact: &Fact) -> Done {
    match fact {
        Fact::Planned(f) => fold_planned(turn, f),
        Fact::Begun(f) => {
            let found = turn.card_mut(&f.task)?;
            found.plan = Some(f.plan);
            found.begun += 1;
            let target = found.card.agent().cloned();
            let task = turn.task_mut(&f.task)?;
            (task.status, task.target) = (TaskStatus::InProgress, target);
            Ok(())
        }
        Fact::Handed(f) => {
            let found = turn.card_mut(&f.task)?;
            Arc::make_mut(&mut found.card).give(f.to.clone());
            found.plan = None;
            found.hands = f.hands;
            let target = found.card.agent().cloned();
            let task = turn.task_mut(&f.task)?;
            task.target = target;
            task.moved(TaskStatus::Assigned);
            Ok(())
        }
        Fact::Made(f) => {
            let found = turn.card_mut(&f.task)?;
            let card = Arc::make_mut(&mut found.card);
            if !f.refuted && !card.then.is_empty() {
                card.to = Some(Assignee::Agent(card.then.remove(0)));
            }
            if found.made.len() >= MADE_MAX {
                found.made.remove(0);
            }
            found.made.push(Made {
                by: f.agent.clone(),
                body: f.body,
                refuted: f.refuted,
            });
            Ok(())
        }
        Fact::Followed(f) => {
            turn.card_mut(&f.task)?.follow.insert(f.member, f.on);
            Ok(())
        }
        _ => Ok(()),
    }
}

fn fold_planned(turn: &mut Turn<'_>, f: &task::Planned) -> Done {
    if let Some(from) = &f.card.stays {
        stays::mark(turn, f.task, from)?;
    }
    turn.task_mut(&f.task)?.target = f.card.agent().cloned();
    if let Some(before) = turn.card(&f.task)?.map(|found| Arc::clone(&found.card)) {
        let (was, is) = (&before.after, &f.card.after);
        for other in was.iter().filter(|other| !is.contains(other)) {
            let unblocks = &mut turn.card_mut(other)?.unblocks;
            unblocks.retain(|task| *task != f.task);
        }
        for other in is.iter().filter(|other| !was.contains(other)) {
            turn.card_mut(other)?.unblocks.push(f.task);
        }
        if before.part_of != f.card.part_of {
            if let Some(whole) = &before.part_of {
                let parts = &mut turn.card_mut(whole)?.parts;
                parts.retain(|task| *task != f.task);
            }
            if let Some(whole) = &f.card.part_of {
                turn.card_mut(whole)?.parts.push(f.task);
            }
        }
        turn.card_mut(&f.task)?.card = Arc::clone(&f.card);
        return Ok(());
    }
    for other in &f.card.after {
        turn.card_mut(other)?.unblocks.push(f.task);
    }
    if let Some(whole) = &f.card.part_of {
        turn.card_mut(whole)?.parts.push(f.task);
    }
    let found = OnBoard {
        card: Arc::clone(&f.card),
        plan: None,
        begun: 0,
        hands: 0,
        unblocks: Vec::new(),
        parts: Vec::new(),
        messages: 0,
        calls: 0,
        hushed: false,
        made: Vec::new(),
        follow: match &f.by {
            Actor::Member(member, _) => BTreeMap::from([(*member, true)]),
            _ => BTreeMap::new(),
        },
    };
    turn.put_card(f.task, Some(found));
    Ok(())
}
