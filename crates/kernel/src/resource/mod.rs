//! Resources: applications are data.

mod by_hand;
mod derived;
pub(crate) mod driver;
pub(crate) mod server;
mod word;

use std::sync::Arc;

use naos_types::command::{self, Reply};
use naos_types::fact::resource::{self, Fact};
use naos_types::spec::{
    DATA_POLICY, Flow, FlowSpec, FlowStep, Kind, POOL_SIZE_MAX, PlanSpec, PoolSpec, SkillSpec,
    Spec, SupervisorSpec,
};
use naos_types::{Actor, Code, Digest, Name, Refusal};
use serde::{Deserialize, Serialize};

use crate::state::ResourceKey;
use crate::table::Aggregate;
use crate::turn::{Done, Stop, Turn};

pub use by_hand::{is_on, stays_off};
pub use derived::{is_derived, signs_nothing};
pub use driver::{ANSWERS_KEPT, Answer, Breaker, DRIVER_WAITING_MAX, Driver, ERROR_TOPIC, said};
pub(crate) use word::NOBODY;
pub use word::stands_for;

/// One resource in its last version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resource {
    /// Counted from 1.
    pub version: u32,
    /// What it says.
    pub spec: Spec,
    /// Of the spec's bytes.
    pub digest: Digest,
}

impl Aggregate for Resource {
    const KIND: &'static str = "resource";
    const VERSION: u8 = 1;
}

/// Digest of a spec: applying the same again changes nothing.
#[must_use]
pub fn digest(spec: &Spec) -> Digest {
    Digest::of(&postcard::to_stdvec(spec).unwrap_or_default())
}

fn known<'t>(turn: &'t Turn<'_>, kind: Kind, name: &Name) -> Done<&'t Resource> {
    match turn.resource(&ResourceKey(kind, name.clone()))? {
        Some(found) => Ok(found),
        None => Err(missing(turn, kind, name)?.into()),
    }
}

fn missing(turn: &Turn<'_>, kind: Kind, name: &Name) -> Done<Refusal> {
    let refusal = Refusal::new(
        Code::NOT_FOUND,
        format!("there is no {} {name}", kind.word()),
    );
    if kind != Kind::Schedule {
        return Ok(refusal);
    }
    // Schedules are listed by their names, whoever they belong to.
    let whose = turn.resource(&ResourceKey(Kind::Instruction, name.clone()))?;
    if whose.is_none_or(|found| crate::schedule::of(&found.spec).is_none()) {
        return Ok(refusal);
    }
    let what =
        format!("the schedule {name} is that of the instruction {name}, which says its time");
    let help = format!(
        "`naos schedule pause {name}` lets no time of it come, `naos instruction disable {name}` \
         lets nothing set it off, `naos delete instruction {name}` takes both away"
    );
    Ok(Refusal::new(Code::NOT_FOUND, what).help(help))
}

/// The plan of this name, what stands beside its steps, and its version.
pub(crate) fn plan(turn: &Turn<'_>, name: &Name) -> Done<(PlanSpec, Flow, u32)> {
    let found = known(turn, Kind::Plan, name)?;
    match &found.spec {
        Spec::Plan(spec) => Ok((spec.clone(), Flow::default(), found.version)),
        Spec::Undoable(spec) => Ok((spec.plan.clone(), spec.flow.clone(), found.version)),
        _ => {
            let what = format!(
                "{name} tells how far another run is (`status`, `output`): it is kept as it was \
                 written, and doesn't start"
            );
            let help = "take what tells that out of its file and apply it again: \
                        naos apply -f FILE";
            Err(Refusal::new(Code::WRONG_STATE, what).help(help).into())
        }
    }
}

/// The plan of the instruction of this name, and its version.
pub(crate) fn instruction(turn: &Turn<'_>, name: &Name) -> Done<(PlanSpec, Flow, u32)> {
    let found = known(turn, Kind::Instruction, name)?;
    let Spec::Instruction(spec) = &found.spec else {
        let what =
            format!("{name} is an instruction that an earlier naos only kept: apply it again");
        return Err(Stop::refused(Code::WRONG_STATE, what));
    };
    let flow = Flow {
        of: Kind::Instruction,
        ..Flow::default()
    };
    Ok((spec.plan.clone(), flow, found.version))
}

/// Where an instruction lives; UTC where it is gone by now.
pub(crate) fn zone(turn: &Turn<'_>, name: &Name) -> Done<String> {
    let found = turn.resource(&ResourceKey(Kind::Instruction, name.clone()))?;
    Ok(match found.map(|found| &found.spec) {
        Some(Spec::Instruction(spec)) => spec.zone.clone(),
        _ => "UTC".to_owned(),
    })
}

/// The workflow or saga of this name and its version.
pub(crate) fn flow<'t>(turn: &'t Turn<'_>, kind: Kind, name: &Name) -> Done<(&'t FlowSpec, u32)> {
    match known(turn, kind, name)? {
        Resource {
            spec: Spec::Flow(spec),
            version,
            ..
        } => Ok((spec, *version)),
        _ => {
            let word = kind.word();
            let what = format!("{name} is a {word} that an earlier naos only kept: apply it again");
            Err(Stop::refused(Code::WRONG_STATE, what))
        }
    }
}

/// The pool of this name and its version.
pub(crate) fn pool<'t>(turn: &'t Turn<'_>, name: &Name) -> Done<(&'t PoolSpec, u32)> {
    match known(turn, Kind::Pool, name)? {
        Resource {
            spec: Spec::Pool(spec),
            version,
            ..
        } => Ok((spec, *version)),
        _ => {
            let what = format!("{name} is a pool that an earlier naos only kept: apply it again");
            Err(Stop::refused(Code::WRONG_STATE, what))
        }
    }
}

/// The supervisor of this name.
pub(crate) fn supervisor<'t>(turn: &'t Turn<'_>, name: &Name) -> Done<&'t SupervisorSpec> {
    match known(turn, Kind::Supervisor, name)? {
        Resource {
            spec: Spec::Supervisor(spec),
            ..
        } => Ok(spec),
        _ => {
            let what =
                format!("{name} is a supervisor that an earlier naos only kept: apply it again");
            Err(Stop::refused(Code::WRONG_STATE, what))
        }
    }
}

/// What is changed about a pool; batches that are open keep what they began with.
pub(crate) fn pool_command(turn: &mut Turn<'_>, by: &Actor, asked: &command::Pool) -> Done<Reply> {
    let name = match asked {
        command::Pool::Add { name, .. }
        | command::Pool::Scale { name, .. }
        | command::Pool::Drain { name, .. }
        | command::Pool::Remove { name, .. }
        | command::Pool::Fit { name, .. } => name,
    };
    let mut spec = pool(turn, name)?.0.clone();
    match asked {
        command::Pool::Add { agent, .. } => {
            if spec.agents.contains(agent) {
                return Ok(Reply::Unchanged);
            }
            spec.agents.push(agent.clone());
        }
        command::Pool::Scale { size, .. } => spec.size = *size,
        command::Pool::Drain { on, .. } => spec.draining = *on,
        command::Pool::Remove { agent, .. } => {
            if !spec.agents.contains(agent) {
                let what = format!("{agent} is no agent of the pool {name}");
                let agents: Vec<&str> = spec.agents.iter().map(Name::as_str).collect();
                let help = match agents.is_empty() {
                    true => "it has none".to_owned(),
                    false => format!("it has: {}", agents.join(", ")),
                };
                return Err(Refusal::new(Code::NOT_FOUND, what).help(help).into());
            }
            if !spec.draining {
                crate::plan::works_for_none(turn, name, agent)?;
            }
            spec.agents.retain(|kept| kept != agent);
        }
        command::Pool::Fit {
            size,
            least,
            most,
            auto,
            quorum,
            ..
        } => {
            spec.size_min = least.or(spec.size_min);
            spec.size_max = most.or(spec.size_max);
            spec.auto_scale = auto.unwrap_or(spec.auto_scale);
            spec.quorum = quorum.or(spec.quorum);
            if spec.auto_scale && spec.size_max.is_none() {
                spec.size_max = Some(POOL_SIZE_MAX);
            }
            let largest = spec.size_max.unwrap_or(POOL_SIZE_MAX);
            let nearest = spec.size.max(spec.size_min.unwrap_or(1)).min(largest);
            spec.size = size.unwrap_or(nearest);
        }
    }
    let spec = Spec::Pool(spec);
    fits(Kind::Pool, &spec)?;
    apply(turn, by, Kind::Pool, name, &spec)
}

/// The skill of this name.
pub(crate) fn skill<'t>(turn: &'t Turn<'_>, name: &Name) -> Done<Option<&'t SkillSpec>> {
    match turn.resource(&ResourceKey(Kind::Skill, name.clone()))? {
        Some(Resource {
            spec: Spec::Skill(spec),
            ..
        }) => Ok(Some(spec)),
        _ => Ok(None),
    }
}

pub(crate) fn command(turn: &mut Turn<'_>, by: &Actor, asked: &command::Resource) -> Done<Reply> {
    match asked {
        command::Resource::Apply { kind, name, spec } => {
            derived::check_name(*kind, name)?;
            fits(*kind, spec)?;
            policy_of(*kind, name, spec)?;
            derived::check_called(turn, *kind, name)?;
            word::check_word(turn, *kind, name)?;
            if *kind == Kind::Notice {
                crate::notice::room(turn, name)?;
            }
            if *kind == Kind::Schedule {
                crate::schedule::room(turn, name, spec)?;
            }
            if *kind == Kind::Subscription {
                crate::event::room(turn, name)?;
            }
            let spec = server::pinned(turn, name, spec)?;
            apply(turn, by, *kind, name, &spec)
        }
        command::Resource::Create { kind, name, spec } => {
            derived::check_name(*kind, name)?;
            fits(*kind, spec)?;
            policy_of(*kind, name, spec)?;
            derived::check_called(turn, *kind, name)?;
            word::check_word(turn, *kind, name)?;
            if *kind == Kind::Subscription {
                crate::event::room(turn, name)?;
            }
            if turn.resource(&ResourceKey(*kind, name.clone()))?.is_some() {
                let what = format!("there is a {} {name} already", kind.word());
                return Err(Stop::refused(Code::EXISTS, what));
            }
            let spec = server::pinned(turn, name, spec)?;
            apply(turn, by, *kind, name, &spec)
        }
        command::Resource::AddStep { kind, name, step } => add_step(turn, by, *kind, name, step),
        command::Resource::Enable { kind, name, on } => {
            let mut spec = known(turn, *kind, name)?.spec.clone();
            if !by_hand::switch(&mut spec, *on) {
                if *kind == Kind::Subscription {
                    return Err(crate::event::not_delivered(name, &spec).into());
                }
                let what = format!("a {} is neither enabled nor disabled", kind.word());
                return Err(Stop::refused(Code::BAD_REQUEST, what));
            }
            apply(turn, by, *kind, name, &spec)
        }
        command::Resource::Pin { name, tools } => server::pin(turn, by, name, tools),
        command::Resource::ResetDriver { name } => driver::reset(turn, by, name),
        command::Resource::DriverAnswers {
            name,
            run,
            answer,
            events,
        } => crate::run::endpoint::told(turn, name, *run, answer, events).map(|()| Reply::Done),
        command::Resource::Delete { kind, name } => {
            derived::check_name(*kind, name)?;
            known(turn, *kind, name)?;
            if *kind == Kind::Supervisor {
                crate::supervisor::may_change(turn, name, None)?;
            }
            delete(turn, by, *kind, name)?;
            derived::follow(turn, by, *kind, name, None)?;
            Ok(Reply::Done)
        }
    }
}

pub(crate) fn apply(
    turn: &mut Turn<'_>,
    by: &Actor,
    kind: Kind,
    name: &Name,
    spec: &Spec,
) -> Done<Reply> {
    let digest = digest(spec);
    let before = turn.resource(&ResourceKey(kind, name.clone()))?;
    if before.is_some_and(|resource| resource.digest == digest) {
        return Ok(Reply::Unchanged);
    }
    let version = before.map_or(1, |resource| resource.version + 1);
    if let Spec::Supervisor(spec) = spec {
        crate::supervisor::may_change(turn, name, Some(spec))?;
    }
    turn.emit(resource::Applied {
        kind,
        name: name.clone(),
        version,
        spec: spec.clone(),
        digest,
        by: by.clone(),
    })?;
    derived::follow(turn, by, kind, name, Some(spec))?;
    Ok(Reply::Version(u64::from(version)))
}

pub(crate) fn delete(turn: &mut Turn<'_>, by: &Actor, kind: Kind, name: &Name) -> Done {
    turn.emit(resource::Deleted {
        kind,
        name: name.clone(),
        by: by.clone(),
    })
}

/// One more step at the end.
fn add_step(
    turn: &mut Turn<'_>,
    by: &Actor,
    kind: Kind,
    name: &Name,
    step: &FlowStep,
) -> Done<Reply> {
    let (spec, _) = flow(turn, kind, name)?;
    let mut spec = spec.clone();
    spec.steps.push(step.clone());
    let spec = Spec::Flow(spec);
    fits(kind, &spec)?;
    apply(turn, by, kind, name, &spec)
}

/// The policy of data has its name, and nothing else has: it is looked for by it.
fn policy_of(kind: Kind, name: &Name, spec: &Spec) -> Done {
    let is_of_data = crate::guard::is_of_data(kind, name);
    if is_of_data == matches!(spec, Spec::Policy(_)) {
        return Ok(());
    }
    let what =
        format!("the policy that says where data may go is called {DATA_POLICY}: no other is");
    let help = format!("write `policies: {{{DATA_POLICY}: stays}}`, or take another name");
    Err(Refusal::new(Code::BAD_NAME, what).help(help).into())
}

/// A skill holds a handler, whoever sent it; a plan holds steps, or is kept as it was written.
fn fits(kind: Kind, spec: &Spec) -> Done {
    crate::event::says_its_own(spec)?;
    let sound =
        |said: Result<(), String>| said.map_err(|what| Stop::refused(Code::BAD_DOCUMENT, what));
    let fits = match spec {
        Spec::Skill(_) => kind == Kind::Skill,
        Spec::Plan(spec) => kind == Kind::Plan && crate::plan::sound(spec)?,
        Spec::Undoable(spec) => kind == Kind::Plan && crate::plan::sound_undo(spec)?,
        Spec::Flow(spec) => crate::plan::sound_flow(kind, spec)?,
        Spec::Pool(spec) => sound(spec.check()).map(|()| kind == Kind::Pool)?,
        Spec::Notice(spec) => sound(spec.check()).map(|()| kind == Kind::Notice)?,
        Spec::Telling(spec) => sound(spec.check()).map(|()| kind == Kind::Notice)?,
        Spec::Subscription(spec) => sound(spec.check()).map(|()| kind == Kind::Subscription)?,
        Spec::Driver(spec) => sound(spec.check()).map(|()| kind == Kind::Driver)?,
        Spec::Schedule(spec) => sound(spec.check()).map(|()| kind == Kind::Schedule)?,
        Spec::Supervisor(spec) => sound(spec.check()).map(|()| kind == Kind::Supervisor)?,
        Spec::Instruction(spec) => {
            sound(
                spec.listens
                    .as_ref()
                    .map_or(Ok(()), |listens| listens.check()),
            )?;
            sound(
                spec.schedule
                    .as_ref()
                    .map_or(Ok(()), |schedule| schedule.check()),
            )?;
            kind == Kind::Instruction && crate::plan::sound(&spec.plan)?
        }
        Spec::Webhook(_) => matches!(kind, Kind::Webhook | Kind::Secret),
        Spec::Model(spec) => {
            sound(spec.check()).map(|()| kind == Kind::Model && !spec.format.is_engine())?
        }
        Spec::Engine(spec) => {
            sound(spec.check()).map(|()| kind == Kind::Model && spec.format.is_engine())?
        }
        Spec::Limited(spec) => {
            sound(spec.driver.check())?;
            sound(spec.limits.check())?;
            kind == Kind::Driver
        }
        Spec::Handler(spec) => sound(spec.check()).map(|()| kind == Kind::Subscription)?,
        Spec::Remote(spec) => {
            sound(spec.driver.check())?;
            sound(spec.limits.check())?;
            sound(spec.endpoint.check())?;
            kind == Kind::Driver
        }
        Spec::Native(spec) => sound(spec.check()).map(|()| kind == Kind::Driver)?,
        Spec::Delivered(spec) => sound(spec.check()).map(|()| kind == Kind::Subscription)?,
        Spec::Server(spec) => sound(spec.check()).map(|()| kind == Kind::Tool)?,
        Spec::AgentSkill(spec) => sound(spec.check()).map(|()| kind == Kind::AgentSkill)?,
        Spec::Policy(_) => kind == Kind::Policy,
        Spec::Kept(_) => !matches!(
            kind,
            Kind::Skill
                | Kind::Agent
                | Kind::Budget
                | Kind::Notice
                | Kind::Workflow
                | Kind::Saga
                | Kind::Subscription
                | Kind::Instruction
                | Kind::Driver
                | Kind::Schedule
                | Kind::Supervisor
                | Kind::Webhook
                | Kind::Secret
                | Kind::AgentSkill
        ),
    };
    if fits {
        Ok(())
    } else {
        Err(Stop::refused(Code::BAD_DOCUMENT, "kind and content differ"))
    }
}

pub(crate) fn fold(turn: &mut Turn<'_>, fact: &Fact) -> Done {
    match fact {
        Fact::Applied(f) => {
            if f.kind == Kind::Skill {
                crate::route::changed(turn, "skill", &f.name, Some(&f.spec))?;
                Arc::make_mut(&mut turn.head_mut(&())?.skills).insert(f.name.clone());
            }
            if f.kind == Kind::Model {
                crate::run::fold_model(turn, &f.name, true)?;
            }
            let key = ResourceKey(f.kind, f.name.clone());
            let (version, spec, digest) = (f.version, f.spec.clone(), f.digest);
            turn.put_resource(
                key,
                Some(Resource {
                    version,
                    spec,
                    digest,
                }),
            );
        }
        Fact::Deleted(f) => {
            if f.kind == Kind::Skill {
                crate::route::changed(turn, "skill", &f.name, None::<&Spec>)?;
                Arc::make_mut(&mut turn.head_mut(&())?.skills).remove(&f.name);
            }
            if f.kind == Kind::Model {
                crate::run::fold_model(turn, &f.name, false)?;
            }
            if f.kind == Kind::Driver {
                turn.put_driver(f.name.clone(), None);
            }
            turn.put_resource(ResourceKey(f.kind, f.name.clone()), None);
        }
        other => driver::fold(turn, other)?,
    }
    crate::plan::fold_scale(turn, fact)
}
