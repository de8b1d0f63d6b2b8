//! What people do about supervisors.

use naos_types::command::{self, Reply};
use naos_types::fact::{Problem, supervisor};
use naos_types::spec::{Kind, Spec};
use naos_types::{Actor, Code, Name, Refusal};

use super::{Standing, go_on, known, parent, rest, restart};
use crate::turn::{Done, Stop, Turn};

pub(crate) fn command(turn: &mut Turn<'_>, by: &Actor, asked: &command::Supervisor) -> Done<Reply> {
    match asked {
        command::Supervisor::Add { name, child } => add(turn, by, name, child),
        command::Supervisor::Remove { name, child } => remove(turn, by, name, child),
        command::Supervisor::Start { name } => start(turn, by, name),
        command::Supervisor::Stop { name } => stop(turn, by, name),
        command::Supervisor::Reset { name } => reset(turn, by, name),
        command::Supervisor::Fail { name, reason } => {
            let standing = known(turn, name)?.standing;
            if standing != Standing::Running {
                return Err(rests(turn, name, standing)?);
            }
            let mut problem = Problem::new(Code::DRILL, "a person let it fail, as a drill");
            problem.said = Some(reason.clone());
            restart::give_up(turn, name, problem, Some(by.clone()))?;
            Ok(Reply::Done)
        }
    }
}

/// It rests, with what ends that: where something above it rests, too, the topmost of these goes
/// first, and what is beneath it follows.
fn rests(turn: &Turn<'_>, name: &Name, standing: Standing) -> Done<Stop> {
    let word = |standing| match standing {
        Standing::Running => "running",
        Standing::Suspended => "suspended",
        Standing::Stopped => "stopped",
        Standing::Failed => "failed",
    };
    let (mut top, mut rests) = (name.clone(), standing);
    while let Some(above) = parent(turn, &top)? {
        let found = turn.supervisor(&above)?.map(|found| found.standing);
        let Some(standing) = found.filter(|standing| *standing != Standing::Running) else {
            break;
        };
        (top, rests) = (above, standing);
    }
    let mut what = format!("{name} is {}", word(standing));
    if top != *name {
        what.push_str(&format!(", and {top} above it is {}", word(rests)));
    }
    let verb = match rests {
        Standing::Stopped => "start",
        Standing::Failed => "reset",
        Standing::Running | Standing::Suspended => "status",
    };
    let help = format!("`naos supervisor {verb} {top}`");
    Ok(Refusal::new(Code::WRONG_STATE, what).help(help).into())
}

/// One more child at the end.
fn add(turn: &mut Turn<'_>, by: &Actor, name: &Name, child: &Name) -> Done<Reply> {
    let mut spec = crate::resource::supervisor(turn, name)?.clone();
    if spec.children.contains(child) {
        return Ok(Reply::Unchanged);
    }
    spec.children.push(child.clone());
    let wrong = |what| Stop::refused(Code::BAD_DOCUMENT, what);
    spec.check().map_err(wrong)?;
    crate::resource::apply(turn, by, Kind::Supervisor, name, &Spec::Supervisor(spec))
}

/// One child less; it stays, and nobody restarts it any more.
fn remove(turn: &mut Turn<'_>, by: &Actor, name: &Name, child: &Name) -> Done<Reply> {
    let mut spec = crate::resource::supervisor(turn, name)?.clone();
    if !spec.children.contains(child) {
        return Ok(Reply::Unchanged);
    }
    spec.children.retain(|kept| kept != child);
    crate::resource::apply(turn, by, Kind::Supervisor, name, &Spec::Supervisor(spec))
}

/// What is beneath something that rests can't work: what is above goes first.
fn above_works(turn: &Turn<'_>, name: &Name) -> Done {
    let Some(above) = parent(turn, name)? else {
        return Ok(());
    };
    match turn.supervisor(&above)?.map(|found| found.standing) {
        None | Some(Standing::Running) => Ok(()),
        Some(standing) => Err(rests(turn, &above, standing)?),
    }
}

fn start(turn: &mut Turn<'_>, by: &Actor, name: &Name) -> Done<Reply> {
    match known(turn, name)?.standing {
        Standing::Running => return Ok(Reply::Unchanged),
        Standing::Stopped => {}
        standing => return Err(rests(turn, name, standing)?),
    }
    above_works(turn, name)?;
    turn.emit(supervisor::Started {
        supervisor: name.clone(),
        by: Some(by.clone()),
    })?;
    go_on(turn, name);
    Ok(Reply::Done)
}

pub(crate) fn stop(turn: &mut Turn<'_>, by: &Actor, name: &Name) -> Done<Reply> {
    if known(turn, name)?.standing == Standing::Stopped {
        return Ok(Reply::Unchanged);
    }
    turn.emit(supervisor::Stopped {
        supervisor: name.clone(),
        by: by.clone(),
    })?;
    rest::spread(turn, name)?;
    Ok(Reply::Done)
}

fn reset(turn: &mut Turn<'_>, by: &Actor, name: &Name) -> Done<Reply> {
    let found = known(turn, name)?;
    match found.standing {
        Standing::Running if found.restarts.is_empty() => return Ok(Reply::Unchanged),
        Standing::Running | Standing::Failed => {}
        standing => return Err(rests(turn, name, standing)?),
    }
    above_works(turn, name)?;
    turn.emit(supervisor::Reset {
        supervisor: name.clone(),
        by: by.clone(),
    })?;
    go_on(turn, name);
    Ok(Reply::Done)
}
