//! Tasks: what somebody asked for, from the inbox to done.

mod again;
mod board;
mod entrust;
mod links;
mod open;
pub(crate) mod stays;
mod work;

use naos_types::command::{self, Reply};
use naos_types::fact::Problem;
use naos_types::fact::task::{self, Asks, Fact, Parent};
use naos_types::spec::StaysFrom;
use naos_types::{Actor, BodyRef, Code, Name, RunId, Sealed, TaskId, TaskStatus, Tier, Time};
use serde::{Deserialize, Serialize};

use crate::table::{Aggregate, lengthened};
use crate::turn::{Done, Stop, Turn};

pub(crate) use again::{
    ask_whose, given_to, goes_round, hand, held, may_hand, plan_resumed, rejected, run_of,
};
pub use board::{
    ENTRUSTED_MAX, FOLLOWERS_MAX, HANDS_MAX, LEVELS_MAX, LINKS_MAX, MADE_MAX, Made, OWN_OPEN_MAX,
    OnBoard,
};
pub(crate) use board::{closed, left_by, on_board, plan_closed, step_started, taken};
pub(crate) use entrust::{by_itself, entrust, hops};
use open::open_as;
pub(crate) use open::{Wanted, no_model, open, thinking_grant, working};
pub use work::{ATTACHED_BYTES_MAX, MADE_BYTES_MAX, SAID_BYTES_MAX, attached_as};
pub(crate) use work::{composed, marked, text};

/// One task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// What it is called on the board.
    pub title: Sealed,
    /// When it was opened.
    pub opened: Time,
    /// Who asked.
    pub by: Actor,
    /// Where it stands.
    pub status: TaskStatus,
    /// What is given.
    pub input: BodyRef,
    /// Who does it.
    pub target: Option<Name>,
    /// At which tier.
    pub tier: Option<Tier>,
    /// The plan it is part of.
    pub parent: Option<Parent>,
    /// Its last run.
    pub run: Option<RunId>,
    /// Its result.
    pub output: Option<BodyRef>,
    /// Why it failed.
    pub problem: Option<Problem>,
    /// When it ended.
    pub ended: Option<Time>,
    /// What is asked of the answer, and what comes with the input, where there is any of it.
    pub asks: Option<Box<Asks>>,
    /// The work that it comes from, or was given to, whose data must not leave the country.
    pub stays: Option<Box<StaysFrom>>,
}

impl Aggregate for Task {
    const KIND: &'static str = "task";
    const VERSION: u8 = 3;
    fn is_open(&self) -> bool {
        !self.status.is_closed()
    }
    fn lift(version: u8, bytes: &[u8]) -> Option<Self> {
        match version {
            1 => lengthened(bytes, 2), // what is asked of the answer
            2 => lengthened(bytes, 1), // whose data it comes from that stays
            _ => None,
        }
    }
}

impl Task {
    /// Whether it is shown on the board: the work of a task there isn't, beside that task.
    #[must_use]
    pub const fn stands_on_the_board(&self) -> bool {
        self.by.opens_on_the_board()
    }

    /// It stands in another column; one that failed is tried again.
    fn moved(&mut self, status: TaskStatus) {
        self.status = status;
        if !status.is_closed() {
            (self.output, self.problem, self.ended) = (None, None, None);
        }
    }
}

/// The task, or that there is none.
pub(crate) fn known<'t>(turn: &'t Turn<'_>, task: TaskId) -> Done<&'t Task> {
    turn.task(&task)?
        .ok_or_else(|| Stop::refused(Code::NOT_FOUND, format!("there is no task {task}")))
}

pub(crate) fn command(turn: &mut Turn<'_>, by: &Actor, asked: &command::Task) -> Done<Reply> {
    match asked {
        command::Task::Open {
            title,
            input,
            agent,
        } => asked_for(turn, by, (title, *input, agent), &Asks::default()),
        command::Task::OpenAs {
            title,
            input,
            agent,
            asks,
        } => asked_for(turn, by, (title, *input, agent), asks),
        command::Task::Route { input } => {
            let routing = crate::route::consider(turn, *input, (&Actor::System, None))?;
            Ok(Reply::Routed {
                considered: routing.considered,
                cached: routing.cached,
            })
        }
        command::Task::Cancel { task } => {
            let status = known(turn, *task)?.status;
            if status.is_closed() {
                let what = format!("the task is {status} already");
                return Err(Stop::refused(Code::WRONG_STATE, what));
            }
            cancel(turn, by, *task)?;
            Ok(Reply::Done)
        }
        command::Task::Plan { title, brief, card } => {
            let task = turn.mint.next_id();
            board::plan(turn, by, task, (title, *brief), card)
        }
        command::Task::Change { task, card } => board::change(turn, by, *task, card),
        command::Task::Begin { task } => again::begin(turn, by, *task),
        command::Task::Hand { task, to, note } => hand(turn, by, *task, to, *note),
        command::Task::Finish { task, output } => board::finish(turn, by, *task, *output),
        command::Task::Follow { task, on } => board::follow(turn, by, *task, *on),
    }
}

/// Opens one that somebody asks for.
fn asked_for(
    turn: &mut Turn<'_>,
    by: &Actor,
    (title, input, agent): (&Sealed, BodyRef, &Option<Name>),
    asks: &Asks,
) -> Done<Reply> {
    let task = turn.mint.next_id();
    let wanted = Wanted {
        task,
        title: title.clone(),
        input,
        agent: agent.clone(),
        parent: None,
        by: by.clone(),
    };
    open_as(turn, wanted, asks)?;
    let run = turn.task(&task)?.and_then(|task| task.run);
    Ok(Reply::Task { task, run })
}

/// Cancels a task and what runs for it; a closed one stays as it is.
pub(crate) fn cancel(turn: &mut Turn<'_>, by: &Actor, task: TaskId) -> Done {
    let found = known(turn, task)?;
    if found.status.is_closed() {
        return Ok(());
    }
    let work = found.run;
    match work {
        Some(run) if turn.run(&run)?.is_some_and(|run| !run.status.is_closed()) => {
            crate::run::cancel(turn, by, run)
        }
        // Its end closes the task in this very turn: a reaction that is still to come.
        Some(_) => Ok(()),
        None if board::cancel(turn, by, task)? => Ok(()),
        None => {
            let status = TaskStatus::Cancelled;
            turn.emit(task::Closed {
                task,
                status,
                output: None,
                problem: None,
            })
        }
    }
}

pub(crate) fn fold(turn: &mut Turn<'_>, fact: &Fact) -> Done {
    let now = turn.now;
    match fact {
        Fact::Opened(f) => {
            let task = Task {
                title: f.title.clone(),
                opened: now,
                by: f.by.clone(),
                status: TaskStatus::Inbox,
                input: f.input,
                target: f.agent.clone(),
                tier: None,
                parent: f.parent.clone(),
                run: None,
                output: None,
                problem: None,
                ended: None,
                asks: f.asks.clone(),
                stays: None,
            };
            turn.put_task(f.task, Some(task));
            if let Some(parent) = &f.parent {
                crate::plan::task_opened(turn, parent, f.task)?;
            }
            stays::opened(turn, f)?;
        }
        Fact::Routed(f) => {
            let task = turn.task_mut(&f.task)?;
            task.status = TaskStatus::Assigned;
            task.target = Some(f.target.clone());
            task.tier = Some(f.tier);
        }
        Fact::Moved(f) => turn.task_mut(&f.task)?.moved(f.status),
        Fact::Planned(_) | Fact::Begun(_) | Fact::Handed(_) | Fact::Made(_) | Fact::Followed(_) => {
            board::fold(turn, fact)?;
        }
        Fact::Closed(f) => {
            let task = turn.task_mut(&f.task)?;
            task.status = f.status;
            task.output = f.output;
            task.problem.clone_from(&f.problem);
            task.ended = Some(now);
            if f.status == TaskStatus::Cancelled {
                let by = task.by.clone();
                crate::resource::driver::let_go(turn, &by, f.task)?;
            }
        }
    }
    Ok(())
}
