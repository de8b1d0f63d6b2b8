//! What follows from a fact: the only place where families meet.

use naos_types::fact::approval::{self, Waiting};
use naos_types::fact::notice::About;
use naos_types::fact::schedule::Began;
use naos_types::fact::{Fact, member, plan, run, task};
use naos_types::{BodyRef, Code, Micros, TaskStatus};

use crate::turn::{Done, Turn};

/// Lets each fact of the turn have its consequences, theirs too, until nothing follows any more.
pub(crate) fn until_quiet(turn: &mut Turn<'_>) -> Done {
    let mut seen = 0;
    while seen < turn.facts.len() {
        let fact = turn.facts[seen].clone();
        seen += 1;
        react(turn, &fact)?;
    }
    Ok(())
}

fn react(turn: &mut Turn<'_>, fact: &Fact) -> Done {
    match fact {
        Fact::Run(fact) => run_fact(turn, fact),
        Fact::Task(task::Fact::Closed(f)) => {
            let task = crate::task::known(turn, f.task)?;
            let (parent, by) = (task.parent.clone(), task.by.clone());
            if let Some(parent) = parent {
                crate::plan::task_closed(turn, &parent, f)?;
            }
            crate::task::closed(turn, f)?;
            crate::message::answered(turn, &by, f)?;
            crate::run::colleague_answered(turn, &by, f)?;
            crate::event::task_failed(turn, &by, f)?;
            crate::schedule::ended(turn, &by, Began::Task(f.task))?;
            crate::resource::driver::task_closed(turn, &by, f)
        }
        Fact::Approval(fact) => approval_fact(turn, fact),
        Fact::Member(member::Fact::Told(f)) => crate::notice::told(turn, f),
        Fact::Member(member::Fact::Removed(f)) => crate::approval::person_changed(turn, f.member),
        Fact::Member(member::Fact::RoleChanged(f)) => {
            crate::approval::person_changed(turn, f.member)
        }
        Fact::Event(fact) => crate::event::react(turn, fact),
        Fact::Resource(fact) => {
            crate::event::subscribed(turn, fact)?;
            crate::resource::driver::react(turn, fact)?;
            crate::schedule::resource_fact(turn, fact)
        }
        Fact::Plan(fact) => {
            if let Some(plan) = goes_on(fact) {
                turn.advance(plan);
            }
            match fact {
                plan::Fact::StepFailed(f) if f.retry_at.is_none() => crate::plan::announce(turn, f),
                plan::Fact::StepStarted(f) => crate::task::step_started(turn, f),
                plan::Fact::Paused(f) => crate::plan::pauses_too(turn, f.plan),
                plan::Fact::Resumed(f) => {
                    crate::task::plan_resumed(turn, f.plan)?;
                    crate::plan::pauses_too(turn, f.plan)
                }
                plan::Fact::Closed(f) => {
                    if crate::plan::known(turn, f.plan)?.flow.pool.is_some() {
                        crate::plan::look_at_pool(turn, &f.name)?;
                    }
                    crate::event::plan_ended(turn, f)?;
                    crate::event::plan_failed(turn, f)?;
                    let by = crate::plan::known(turn, f.plan)?.by.clone();
                    crate::schedule::ended(turn, &by, Began::Plan(f.plan))?;
                    crate::task::plan_closed(turn, &by, f)?;
                    crate::plan::nested_closed(turn, f)
                }
                _ => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

fn run_fact(turn: &mut Turn<'_>, fact: &run::Fact) -> Done {
    match fact {
        run::Fact::Completed(f) => {
            crate::run::settle(turn, f.run, f.cost)?;
            if crate::run::known(turn, f.run)?.is_what_if() {
                return Ok(());
            }
            let (status, output) = (TaskStatus::Done, Some(f.output));
            turn.emit(task::Closed {
                task: f.task,
                status,
                output,
                problem: None,
            })
        }
        run::Fact::Failed(f) if f.retry_at.is_none() => {
            run_failed(turn, f.run, Some(f.problem.clone()), TaskStatus::Failed)?;
            if f.problem.code == Code::OVERBILLED && !crate::planted::is("overbilled-in-silence") {
                crate::notice::announce(turn, About::Overbilled(f.run), None)?;
            }
            crate::supervisor::run_failed(turn, f.run, f.problem.code)
        }
        run::Fact::Stopped(f) => {
            run_failed(turn, f.run, Some(f.problem.clone()), TaskStatus::Failed)?;
            crate::supervisor::run_failed(turn, f.run, f.problem.code)
        }
        run::Fact::Cancelled(f) => run_failed(turn, f.run, None, TaskStatus::Cancelled),
        run::Fact::LeftUnknown(f) => {
            let found = crate::run::known(turn, f.run)?;
            let before = found.pending.as_ref().map_or(0, |pending| pending.attempts);
            let about = About::Unknown(f.run, found.attempt, f.index, before);
            crate::notice::announce(turn, about, None)
        }
        run::Fact::Diverged(f) => {
            let attempt = crate::run::known(turn, f.run)?.attempt;
            crate::notice::announce(turn, About::Diverged(f.run, attempt), None)
        }
        _ => Ok(()),
    }
}

fn run_failed(
    turn: &mut Turn<'_>,
    run: naos_types::RunId,
    problem: Option<naos_types::fact::Problem>,
    status: TaskStatus,
) -> Done {
    crate::run::settle(turn, run, Micros::ZERO)?;
    withdraw_question(turn, run)?;
    crate::run::unasked(turn, run)?;
    let found = crate::run::known(turn, run)?;
    if found.is_what_if() {
        return Ok(()); // the task is the original's
    }
    let task = found.task;
    turn.emit(task::Closed {
        task,
        status,
        output: None,
        problem,
    })
}

/// A run that ends takes back what it asked a person.
fn withdraw_question(turn: &mut Turn<'_>, run: naos_types::RunId) -> Done {
    let found = crate::run::known(turn, run)?;
    let question = crate::run::question(run, found.attempt, found.calls);
    match turn.tables.approval.get(&question) {
        Ok(Some(_)) => crate::approval::withdraw(turn, question),
        // One that isn't loaded isn't open: open ones always are.
        Ok(None) | Err(_) => Ok(()),
    }
}

fn approval_fact(turn: &mut Turn<'_>, fact: &approval::Fact) -> Done {
    let (id, given): (_, Result<Option<BodyRef>, &str>) = match fact {
        approval::Fact::Approved(f) => (f.approval, Ok(f.edited)),
        approval::Fact::Rejected(f) => (f.approval, Err("a person said no")),
        approval::Fact::Expired(f) => (f.approval, Err("nobody answered in time")),
        approval::Fact::Requested(f) => {
            if crate::approval::answers(turn, f.approval)? {
                return Ok(());
            }
            return crate::notice::announce(turn, About::Approval(f.approval), Some(&f.title));
        }
        _ => return Ok(()),
    };
    if matches!(fact, approval::Fact::Approved(_)) {
        crate::approval::offer(turn, id)?;
    }
    let found = crate::approval::known(turn, id)?.clone();
    // What a person answers to a question of its own is no correction of what it made.
    let is_work =
        matches!(found.waiting, Waiting::Step(..)) || crate::planted::is("answers-are-corrections");
    if let (Ok(Some(edited)), Some(author), true) = (given, &found.author, is_work) {
        crate::run::corrected(turn, author, (found.body, edited))?;
    }
    match &found.waiting {
        Waiting::Step(plan, at) => crate::plan::approval_decided(turn, *plan, at, id, &found),
        Waiting::Call(run, index) => {
            crate::run::answer_asked(turn, (*run, *index), given, found.comment.as_ref())
        }
    }
}

/// The plan that has something to do after this fact.
const fn goes_on(fact: &plan::Fact) -> Option<naos_types::PlanId> {
    match fact {
        plan::Fact::StepStarted(_) | plan::Fact::Closed(_) | plan::Fact::Paused(_) => None,
        other => Some(other.plan()),
    }
}
