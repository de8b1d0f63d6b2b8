//! Supervisors: they restart agents that fail, and each other. Who watches whom is kept with the
//! child, so that a run that fails finds its supervisor in one step.

mod asked;
mod grown;
mod rest;
mod restart;

use std::collections::BTreeMap;

use naos_types::fact::Problem;
use naos_types::fact::supervisor::{self, Fact};
use naos_types::{Code, Name, Span, SupervisorStatus, Time};
use serde::{Deserialize, Serialize};

use crate::state::Key;
use crate::table::Aggregate;
use crate::turn::{Done, Input, Stop, Turn};

pub(crate) use asked::{command, stop};
pub(crate) use grown::{may_change, set_up};
pub(crate) use rest::{rests, waits};
pub(crate) use restart::{due, run_failed};

/// What it does at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    /// It watches.
    Running,
    /// What watches it rests.
    Suspended,
    /// A person took it out of work.
    Stopped,
    /// It failed.
    Failed,
}

/// What its parent wants of it: done in a turn of its own, so that no turn walks a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Wanted {
    /// That it rests.
    Rest,
    /// That it starts all its children.
    Start,
}

/// One child.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Child {
    /// An agent or a supervisor.
    pub name: Name,
    /// When it is restarted.
    pub restart_at: Option<Time>,
    /// How often it was restarted.
    pub restarts: u64,
    /// How often it failed.
    pub failures: u64,
    /// When it failed last.
    pub failed: Option<Time>,
}

impl Child {
    fn new(name: Name) -> Self {
        Self {
            name,
            restart_at: None,
            restarts: 0,
            failures: 0,
            failed: None,
        }
    }
}

/// One supervisor as it stands; what it is to do is its resource's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Supervisor {
    /// What it does.
    pub standing: Standing,
    /// Since when.
    pub since: Time,
    /// What its parent wants of it, since when.
    pub wanted: Option<(Wanted, Time)>,
    /// Its children, in order.
    pub children: Vec<Child>,
    /// When it restarted something, as far as its window reaches.
    pub restarts: Vec<Time>,
    /// How often it may within its window.
    pub restarts_max: u32,
    /// The window.
    pub window: Span,
    /// How often it restarted something at all.
    pub restarted: u64,
    /// Why it failed.
    pub problem: Option<Problem>,
}

impl Aggregate for Supervisor {
    const KIND: &'static str = "supervisor";
    const VERSION: u8 = 1;
    fn is_open(&self) -> bool {
        self.due().is_some()
    }
    fn due(&self) -> Option<Time> {
        if crate::planted::is("supervisor-forgets") {
            return None;
        }
        let restart = match self.standing {
            Standing::Running => self.children.iter().filter_map(|c| c.restart_at).min(),
            _ => None,
        };
        let wanted = self.wanted.map(|(_, at)| at);
        restart.into_iter().chain(wanted).min()
    }
}

impl Supervisor {
    /// Where it stands.
    #[must_use]
    pub fn status(&self) -> SupervisorStatus {
        match self.standing {
            Standing::Running if self.children.iter().any(|c| c.restart_at.is_some()) => {
                SupervisorStatus::Restarting
            }
            Standing::Running => SupervisorStatus::Running,
            Standing::Suspended => SupervisorStatus::Suspended,
            Standing::Stopped => SupervisorStatus::Stopped,
            Standing::Failed => SupervisorStatus::Failed,
        }
    }

    /// How many restarts there were within the window that ends now.
    #[must_use]
    pub fn recent(&self, now: Time) -> u32 {
        let recent = self.restarts.iter();
        let recent = recent.filter(|at| now.0 - at.0 < self.window.0);
        u32::try_from(recent.count()).unwrap_or(u32::MAX)
    }
}

/// Who watches an agent or a supervisor of this name, whether it is there yet or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    /// The supervisor.
    pub by: Name,
}

impl Aggregate for Watch {
    const KIND: &'static str = "watch";
    const VERSION: u8 = 1;
}

/// All supervisors, each with the one that watches it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forest {
    /// By name.
    pub parents: BTreeMap<Name, Option<Name>>,
}

impl Aggregate for Forest {
    const KIND: &'static str = "forest";
    const VERSION: u8 = 1;
}

/// The supervisor, or that there is none.
fn known<'t>(turn: &'t Turn<'_>, name: &Name) -> Done<&'t Supervisor> {
    turn.supervisor(name)?.ok_or_else(|| {
        let what = format!("there is no supervisor {name}");
        Stop::refused(Code::NOT_FOUND, what)
    })
}

/// The supervisor that watches this one.
fn parent(turn: &Turn<'_>, name: &Name) -> Done<Option<Name>> {
    let forest = turn.forest(&())?;
    Ok(forest.and_then(|forest| forest.parents.get(name).cloned().flatten()))
}

/// Whether it failed at that time and nobody reset it since.
pub(crate) fn gave_up_at(turn: &Turn<'_>, name: &Name, at: Time) -> Done<bool> {
    let found = turn.supervisor(name)?;
    Ok(found.is_some_and(|found| found.standing == Standing::Failed && found.since == at))
}

/// Lets a supervisor go on in a turn of its own.
fn go_on(turn: &mut Turn<'_>, name: &Name) {
    let next = Input::Due(Key::Supervisor(name.clone()));
    if !turn.next.contains(&next) {
        turn.next.push_back(next);
    }
}

/// All that is said about children, at once.
fn load<'n>(turn: &Turn<'_>, children: impl Iterator<Item = &'n Name>) -> Done {
    let keys = |name: &Name| [Key::Supervisor(name.clone()), Key::Agent(name.clone())];
    turn.load(children.flat_map(keys))
}

pub(crate) fn fold(turn: &mut Turn<'_>, fact: &Fact) -> Done {
    match fact {
        Fact::ChildFailed(f) => rest::child_failed(turn, f),
        Fact::SetAside(f) => rest::set_aside(turn, f),
        Fact::ChildRestarted(f) => {
            let now = turn.now;
            let child = child_mut(turn, &f.supervisor, &f.child)?;
            child.restart_at = None;
            child.restarts += 1;
            if let Some(beneath) = turn.supervisor(&f.child)?
                && beneath.standing != Standing::Stopped
            {
                turn.supervisor_mut(&f.child)?.wanted = Some((Wanted::Start, now));
            }
            Ok(())
        }
        Fact::ChildLeft(f) => {
            child_mut(turn, &f.supervisor, &f.child)?.restart_at = None;
            if turn.agent(&f.child)?.is_some() {
                turn.agent_mut(&f.child)?.down = false;
            }
            Ok(())
        }
        Fact::Failed(f) => {
            rest::all(turn, &f.supervisor, Standing::Failed)?;
            turn.supervisor_mut(&f.supervisor)?.problem = Some(f.problem.clone());
            Ok(())
        }
        Fact::Suspended(f) => rest::all(turn, &f.supervisor, Standing::Suspended),
        Fact::Stopped(f) => rest::all(turn, &f.supervisor, Standing::Stopped),
        Fact::Started(f) => started(turn, &f.supervisor),
        Fact::Reset(f) if known(turn, &f.supervisor)?.standing == Standing::Running => {
            turn.supervisor_mut(&f.supervisor)?.restarts.clear();
            Ok(())
        }
        Fact::Reset(f) => {
            started(turn, &f.supervisor)?;
            awaited_no_more(turn, &f.supervisor)
        }
    }
}

fn child_mut<'t>(turn: &'t mut Turn<'_>, name: &Name, child: &Name) -> Done<&'t mut Child> {
    let found = turn.supervisor_mut(name)?;
    let found = found.children.iter_mut().find(|c| c.name == *child);
    found.ok_or_else(|| Stop::broken(format!("{name} has no child {child}")))
}

/// A person was faster: the one above restarts it no more.
fn awaited_no_more(turn: &mut Turn<'_>, name: &Name) -> Done {
    let Some(above) = parent(turn, name)? else {
        return Ok(());
    };
    if turn.supervisor(&above)?.is_some() && !crate::planted::is("reset-and-restarted") {
        let found = turn.supervisor_mut(&above)?;
        let child = found.children.iter_mut().find(|child| child.name == *name);
        if let Some(child) = child {
            child.restart_at = None;
        }
    }
    Ok(())
}

/// It watches again, from the beginning: all its children are to be restarted now.
fn started(turn: &mut Turn<'_>, name: &Name) -> Done {
    let now = turn.now;
    let found = turn.supervisor_mut(name)?;
    found.standing = Standing::Running;
    found.since = now;
    found.wanted = None;
    found.restarts.clear();
    found.problem = None;
    for child in &mut found.children {
        child.restart_at = Some(now);
    }
    Ok(())
}

/// What a fact of its own is made of.
fn restarted(supervisor: &Name, child: &Name) -> supervisor::ChildRestarted {
    supervisor::ChildRestarted {
        supervisor: supervisor.clone(),
        child: child.clone(),
    }
}
