//! Agents: who can work.

pub(crate) mod desk;

use std::sync::Arc;

use naos_types::command::{self, Reply};
use naos_types::fact::agent::{self, Fact};
use naos_types::spec::{AgentSpec, AgentSpecV1, AgentSpecV2, Kind};
use naos_types::{Actor, AgentStatus, Code, Name, Refusal, RunId, Sealed, Time};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::state::MemoryKey;
use crate::table::{Aggregate, lengthened};
use crate::turn::{Done, Stop, Turn};

pub use desk::{CALLS_MAX, Desk};

/// One agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agent {
    /// What it is.
    pub spec: AgentSpec,
    /// Counted from 1.
    pub version: u32,
    /// Whether it takes no work.
    pub stopped: bool,
    /// How many of its runs are open.
    pub open_runs: u32,
    /// How many of its runs completed.
    pub completed: u64,
    /// How many of its runs failed for good.
    pub failed: u64,
    /// Its last run, and whether that failed and no restart followed.
    pub last: Option<(RunId, bool)>,
    /// Whether it takes no work until its supervisor restarts it.
    pub down: bool,
    /// When it was made; the beginning of time for one that is older than this was kept.
    pub made: Time,
}

impl Aggregate for Agent {
    const KIND: &'static str = "agent";
    const VERSION: u8 = 5;
    fn lift(version: u8, bytes: &[u8]) -> Option<Self> {
        match version {
            // What came with the second layout stands at the end, and was "no" before.
            1 => before::<AgentSpecV1>(&[bytes, &[0]].concat()),
            2 => before::<AgentSpecV1>(bytes),
            3 => before::<AgentSpecV2>(bytes),
            4 => lengthened(bytes, 1), // when it was made
            _ => None,
        }
    }
}

fn before<S: DeserializeOwned + Into<AgentSpec>>(bytes: &[u8]) -> Option<Agent> {
    let old: Option<Before<S>> = postcard::from_bytes(bytes).ok();
    old.map(Agent::from)
}

/// An agent while its manifest was another.
#[derive(Serialize, Deserialize)]
struct Before<S> {
    spec: S,
    version: u32,
    stopped: bool,
    open_runs: u32,
    completed: u64,
    failed: u64,
    last: Option<(RunId, bool)>,
    down: bool,
}

impl<S: Into<AgentSpec>> From<Before<S>> for Agent {
    fn from(old: Before<S>) -> Self {
        Self {
            spec: old.spec.into(),
            version: old.version,
            stopped: old.stopped,
            open_runs: old.open_runs,
            completed: old.completed,
            failed: old.failed,
            last: old.last,
            down: old.down,
            made: Time(0),
        }
    }
}

impl Agent {
    /// Where it stands; `exhausted` says whether its budget has nothing left.
    #[must_use]
    pub const fn status(&self, exhausted: bool) -> AgentStatus {
        match self {
            Self { stopped: true, .. } => AgentStatus::Stopped,
            Self { down: true, .. } => AgentStatus::Failed,
            _ if exhausted => AgentStatus::BudgetExceeded,
            Self { open_runs: 1.., .. } => AgentStatus::Running,
            Self {
                last: Some((_, true)),
                ..
            } => AgentStatus::Failed,
            Self { last: Some(_), .. } => AgentStatus::Idle,
            Self { last: None, .. } => AgentStatus::Created,
        }
    }
}

/// One entry of an agent's private state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// The value.
    pub value: Sealed<Vec<u8>>,
}

impl Aggregate for Memory {
    const KIND: &'static str = "memory";
    const VERSION: u8 = 1;
}

/// The agent, or why nobody of this name can be asked.
pub(crate) fn known<'t>(turn: &'t Turn<'_>, name: &Name) -> Done<&'t Agent> {
    turn.agent(name)?
        .ok_or_else(|| Stop::refused(Code::NO_AGENT, format!("there is no agent {name}")))
}

pub(crate) fn command(turn: &mut Turn<'_>, by: &Actor, asked: &command::Agent) -> Done<Reply> {
    if let command::Agent::Create { spec, .. } | command::Agent::Apply { spec, .. } = asked
        && let Some(mind) = &spec.mind
    {
        let sound = mind.check();
        let form = mind
            .schema
            .as_deref()
            .map_or(Ok(()), crate::run::sound_form);
        sound
            .and(form)
            .map_err(|what| Stop::refused(Code::BAD_DOCUMENT, what))?;
        if spec.component.is_some() {
            let what = "an agent works with a component or with a model, not with both";
            return Err(Stop::refused(Code::BAD_DOCUMENT, what));
        }
    }
    match asked {
        command::Agent::Create { name, spec } => {
            if turn.agent(name)?.is_some() {
                let what = format!("there is an agent {name} already");
                return Err(Stop::refused(Code::EXISTS, what));
            }
            // Documents may bring other models along: there their whole is looked at before.
            if let Some(mind) = &spec.mind {
                crate::run::names_none_abroad(turn, mind)?;
            }
            create(turn, by, name, spec)
        }
        command::Agent::Apply { name, spec } => match turn.agent(name)? {
            None => create(turn, by, name, spec),
            Some(agent) if agent.spec == *spec => Ok(Reply::Unchanged),
            Some(agent) => {
                let version = agent.version + 1;
                let (name, spec, by) = (name.clone(), spec.clone(), by.clone());
                turn.emit(agent::Changed {
                    name,
                    spec,
                    version,
                    by,
                })?;
                Ok(Reply::Version(u64::from(version)))
            }
        },
        command::Agent::Stop { name }
            if name.as_str() == "poison" && crate::planted::is("poison") =>
        {
            // What the tests of a quarantine break a cell with.
            Err(Stop::broken("a poisoned command".into()))
        }
        command::Agent::Stop { name } => {
            if known(turn, name)?.stopped {
                return Ok(Reply::Unchanged);
            }
            turn.emit(agent::Stopped {
                name: name.clone(),
                by: by.clone(),
            })?;
            Ok(Reply::Done)
        }
        command::Agent::Enable { name } => {
            if !known(turn, name)?.stopped {
                return Ok(Reply::Unchanged);
            }
            turn.emit(agent::Enabled {
                name: name.clone(),
                by: by.clone(),
            })?;
            Ok(Reply::Done)
        }
        command::Agent::Wake { name } => desk::wake_now(turn, name),
        command::Agent::Delete { name } => {
            let open = known(turn, name)?.open_runs;
            if open > 0 {
                let runs = match open {
                    1 => "1 open run".to_owned(),
                    open => format!("{open} open runs"),
                };
                return Err(
                    Refusal::new(Code::WRONG_STATE, format!("{name} has {runs}"))
                        .help(format!(
                            "stop it with `naos stop {name}` and wait for its runs"
                        ))
                        .into(),
                );
            }
            let given = crate::task::given_to(turn, name)?;
            if given > 0 && !crate::planted::is("tasks-orphaned") {
                let tasks = if given == 1 {
                    "1 task waits"
                } else {
                    &format!("{given} tasks wait")
                };
                let what = format!("{tasks} for {name}: without it nobody would do them");
                let help = "hand them over (naos task hand-over), or cancel them; `naos task list` \
                    shows whose they are";
                return Err(Refusal::new(Code::WRONG_STATE, what).help(help).into());
            }
            turn.emit(agent::Deleted { name: name.clone() })?;
            Ok(Reply::Done)
        }
    }
}

fn create(turn: &mut Turn<'_>, by: &Actor, name: &Name, spec: &AgentSpec) -> Done<Reply> {
    let count = turn
        .head(&())?
        .map_or(0, |head| head.agents.len() + head.skills.len());
    if count >= crate::CATALOG_MAX {
        let what = format!(
            "a tenant has at most {} agents and skills",
            crate::CATALOG_MAX
        );
        return Err(Stop::refused(Code::TOO_LARGE, what));
    }
    if let Some(what) = crate::resource::stands_for(Kind::Agent, name) {
        return Err(Stop::refused(Code::BAD_NAME, what));
    }
    if crate::member::is_named(turn, name) {
        let what = format!("a member is called @{name} already");
        return Err(Stop::refused(Code::EXISTS, what));
    }
    let down = crate::supervisor::rests(turn, name)?;
    turn.emit(agent::Created {
        name: name.clone(),
        spec: spec.clone(),
        by: by.clone(),
        down,
    })?;
    Ok(Reply::Version(1))
}

pub(crate) fn fold(turn: &mut Turn<'_>, fact: &Fact) -> Done {
    match fact {
        Fact::Created(f) => {
            crate::route::changed(turn, "agent", &f.name, Some(&f.spec))?;
            Arc::make_mut(&mut turn.head_mut(&())?.agents).insert(f.name.clone());
            let agent = Agent {
                spec: f.spec.clone(),
                version: 1,
                stopped: false,
                open_runs: 0,
                completed: 0,
                failed: 0,
                last: None,
                down: f.down,
                made: turn.now,
            };
            turn.put_agent(f.name.clone(), Some(agent));
            desk::fold_created(turn, &f.name);
        }
        Fact::Changed(f) => {
            crate::route::changed(turn, "agent", &f.name, Some(&f.spec))?;
            let agent = turn.agent_mut(&f.name)?;
            agent.spec = f.spec.clone();
            agent.version = f.version;
        }
        Fact::Stopped(f) => {
            turn.agent_mut(&f.name)?.stopped = true;
            desk::fold_stopped(turn, &f.name, true)?;
        }
        Fact::Enabled(f) => {
            turn.agent_mut(&f.name)?.stopped = false;
            desk::fold_stopped(turn, &f.name, false)?;
        }
        Fact::Called(f) => desk::fold_called(turn, f)?,
        Fact::Woke(f) => desk::fold_woke(turn, f)?,
        Fact::Restarted(f) => {
            let agent = turn.agent_mut(&f.name)?;
            agent.down = false;
            if let Some((_, failed)) = &mut agent.last {
                *failed = false;
            }
        }
        Fact::Deleted(f) => {
            crate::route::changed(turn, "agent", &f.name, None::<&AgentSpec>)?;
            Arc::make_mut(&mut turn.head_mut(&())?.agents).remove(&f.name);
            turn.put_agent(f.name.clone(), None);
            if turn.desk(&f.name)?.is_some() {
                turn.put_desk(f.name.clone(), None);
            }
        }
        Fact::Remembered(f) => {
            for write in &f.writes {
                let key = MemoryKey(f.name.clone(), write.key.clone());
                let value = write.value.clone().map(|value| Memory { value });
                turn.put_memory(key, value);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_before_is_read() {
        let wanted = Agent {
            spec: AgentSpec::default(),
            version: 2,
            stopped: true,
            open_runs: 0,
            completed: 3,
            failed: 1,
            last: None,
            down: false,
            made: Time(0),
        };
        let bytes = postcard::to_stdvec(&wanted).unwrap();
        let before = &bytes[..bytes.len() - 1];
        assert_eq!(Agent::lift(4, before), Some(wanted));
        assert_eq!(Agent::lift(6, before), None);
    }
}
