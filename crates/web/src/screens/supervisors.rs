//! `/supervisors`.

use std::collections::BTreeMap;

use naos_engine::read::Reader;
use naos_types::{Code, Name, Refusal, Role, SupervisorStatus, Time, command};
use serde::Deserialize;

use super::rows::{happened, told};
use crate::api::v1::shapes;
use crate::api::v1::supervisors::{Seen, Standing as Found, all};
use crate::door::{Answered, Call};
use crate::error::Fault;
use crate::pages::supervisors::{Child, Standing, Supervisor, Supervisors, Watcher};
use crate::pages::words::{AgentState, SupervisorState};

pub(crate) async fn list(call: Call) -> Answered {
    let reader = call.reader()?;
    let every = all(&reader)?;
    let by_name = by_name(&every);
    let look = Look::new(&call, &reader, &by_name)?;
    let mut roots = Vec::new();
    for seen in every.iter().filter(|seen| seen.level == 0) {
        roots.push(look.supervisor(seen)?);
    }
    super::page(&call, &Supervisors { roots })
}

pub(crate) async fn show(call: Call) -> Answered {
    let name = call.name("name")?;
    let reader = call.reader()?;
    let every = all(&reader)?;
    let by_name = by_name(&every);
    let missing = || {
        let refusal = Refusal::new(Code::NOT_FOUND, format!("there is no supervisor {name}"));
        refusal.help("`naos supervisor list` lists those there are")
    };
    let seen = *by_name.get(&name).ok_or_else(missing)?;
    let (happened, happened_more) = happened(&reader, "supervisor.", name.as_str())?;
    let page = Watcher {
        tree: Look::new(&call, &reader, &by_name)?.supervisor(seen)?,
        description: seen.spec.description.clone(),
        parent: seen.parent.as_ref().map(Name::to_string),
        since_ms: seen.found.since.0,
        restarted: seen.found.restarted,
        happened,
        happened_more,
    };
    super::page(&call, &page)
}

fn by_name(every: &[Seen]) -> BTreeMap<&Name, &Seen> {
    every.iter().map(|seen| (&seen.name, seen)).collect()
}

struct Look<'a> {
    reader: &'a Reader,
    by_name: &'a BTreeMap<&'a Name, &'a Seen>,
    may_reset: bool,
    now: Time,
}

impl<'a> Look<'a> {
    fn new(
        call: &Call,
        reader: &'a Reader,
        by_name: &'a BTreeMap<&'a Name, &'a Seen>,
    ) -> Result<Self, Fault> {
        Ok(Self {
            reader,
            by_name,
            may_reset: call.who()?.role >= Role::Admin,
            now: call.now,
        })
    }

    fn supervisor(&self, seen: &Seen) -> Result<Supervisor, Refusal> {
        let found = &seen.found;
        let mut children = Vec::new();
        for child in &found.children {
            children.push(Child {
                name: child.name.to_string(),
                standing: self.standing(&child.name)?,
                restarts: child.restarts,
            });
        }
        let status = found.status();
        let failed = status == SupervisorStatus::Failed && seen.parent.is_none();
        let to_reset = failed || found.recent(self.now) > 0;
        let works = matches!(
            status,
            SupervisorStatus::Running | SupervisorStatus::Restarting
        );
        let may = self.may_reset && to_reset && (failed || works);
        Ok(Supervisor {
            name: seen.name.to_string(),
            state: SupervisorState::from_word(status.word()).unwrap_or(SupervisorState::Running),
            strategy: seen.spec.strategy.word().to_owned(),
            restarts: found.recent(self.now).into(),
            restarts_max: seen.spec.max_restarts.into(),
            window_ms: u64::try_from(seen.spec.window.0).unwrap_or_default(),
            problem: found
                .problem
                .as_ref()
                .map(|problem| told(self.reader, problem).sentence),
            reset_key: may.then(super::form_key),
            children,
        })
    }

    fn standing(&self, name: &Name) -> Result<Standing, Refusal> {
        if let Some(seen) = self.by_name.get(name) {
            return Ok(Standing::Supervisor(Box::new(self.supervisor(seen)?)));
        }
        Ok(match Found::of(self.reader, name)? {
            Found::Agent(agent) => {
                let (_, none_left) = shapes::purse(self.reader, name, self.now)?;
                let status = shapes::agent_status(self.reader, name, &agent, none_left)?;
                let word = status.word();
                Standing::Agent(AgentState::from_word(word).unwrap_or(AgentState::Idle))
            }
            Found::Supervisor(_) | Found::Missing => Standing::Missing,
        })
    }
}

#[derive(Deserialize)]
struct Reset {
    idempotency_key: String,
}

pub(crate) async fn reset(mut call: Call) -> Answered {
    let form: Reset = call.form()?;
    call.keyed(&form.idempotency_key)?;
    let name = call.name("name")?;
    let place = format!("/supervisors/{name}");
    let command = command::Supervisor::Reset { name };
    call.ask("", command, Vec::new()).await?;
    Ok(super::see(&place))
}
