//! What is taken away or switched off while runs that are open need it, something begins it by
//! itself, or names it for its work: a warning that names them, as with a reference to what isn't
//! there yet.

use std::collections::BTreeSet;
use std::sync::Arc;

use naos_engine::read::Reader;
use naos_kernel::ResourceKey;
use naos_kernel::agent::Agent;
use naos_kernel::approval::works_with;
use naos_kernel::plan::{Needed, Plan, Use};
use naos_kernel::resource::Resource;
use naos_types::Name;
use naos_types::spec::{INSTRUCTION_PREFIX, Kind, Spec, StepDo};

use super::NAMES_MAX;
use crate::error::Fault;
use crate::judge::workers;

/// How many runs, or how many that begin or name something, a warning names.
const RUNS_NAMED_MAX: usize = 5;

/// What is said of what is to be deleted: who needs it, what begins it by itself, and who names it.
///
/// # Errors
/// A fault if a record is damaged.
pub(super) fn warnings(reader: &Reader, kind: Kind, name: &Name) -> Result<Vec<String>, Fault> {
    let needed = by_open_runs(reader, kind, name)?;
    Ok(needed
        .into_iter()
        .chain(by_beginners(reader, kind, name)?)
        .chain(by_who_names_it(reader, kind, name)?)
        .collect())
}

/// A sentence about the open runs that need what is to be deleted; none where no run does.
///
/// # Errors
/// A fault if a record is damaged.
fn by_open_runs(reader: &Reader, kind: Kind, name: &Name) -> Result<Option<String>, Fault> {
    let answers = answers(reader, kind, name)?;
    let mut what = match kind {
        Kind::Agent | Kind::Skill => vec![Needed::Worker(name)],
        Kind::Plan | Kind::Workflow | Kind::Saga | Kind::Instruction => {
            vec![Needed::Plan(kind, name)]
        }
        _ => Vec::new(),
    };
    what.extend((!answers.is_empty()).then_some(Needed::Answers(&answers)));
    let uses = uses(reader, &what)?;
    Ok(uses.map(|uses| {
        let (word, again) = (kind.word(), again(kind, name));
        let until = match answers.is_empty() {
            true => until(&again),
            false => until_taken(&again),
        };
        format!("{word} {name} is gone, and {uses}; {until}")
    }))
}

/// What is said of a driver that is to be switched off: which open runs need what it answers.
///
/// # Errors
/// A fault if a record is damaged.
pub(super) fn switched_off(reader: &Reader, name: &Name) -> Result<Vec<String>, Fault> {
    let answers = answers(reader, Kind::Driver, name)?;
    if answers.is_empty() {
        return Ok(Vec::new()); // it is off already, or answers nothing: no open run is read
    }
    let uses = uses(reader, &[Needed::Answers(&answers)])?;
    let said = uses.map(|uses| {
        let again = format!("`naos driver enable {name}` switches it on");
        format!("driver {name} is off, and {uses}; {}", until(&again))
    });
    Ok(said.into_iter().collect())
}

/// What makes it again.
fn again(kind: Kind, name: &Name) -> String {
    match kind {
        Kind::Agent => format!("`naos create {name} --template …` makes it"),
        _ => "`naos apply -f FILE` makes it".to_owned(),
    }
}

/// A sentence about what begins it by itself, and will find nothing to begin; none where nothing
/// does.
///
/// # Errors
/// A fault if a record is damaged.
fn by_beginners(reader: &Reader, kind: Kind, name: &Name) -> Result<Option<String>, Fault> {
    let mut named = Vec::new();
    for own in [
        Kind::Schedule,
        Kind::Subscription,
        Kind::Plan,
        Kind::Instruction,
    ] {
        for (ResourceKey(_, called), kept) in reader.resources(own, NAMES_MAX)? {
            // What begins itself goes with it, as what it listens with does.
            let goes = (own, &called) == (kind, name) || is_its_own((own, &called), (kind, name));
            if !goes && begins(&kept.spec, (kind, name)) {
                named.push(format!("{} {called}", own.word()));
            }
        }
    }
    Ok(listed(named).map(|all| {
        let (word, again) = (kind.word(), again(kind, name));
        format!(
            "{word} {name} is gone, and is still started by {all}: until {again} again nothing \
             begins there"
        )
    }))
}

/// Whether a resource is what an instruction listens with.
fn is_its_own((own, called): (Kind, &Name), (kind, name): (Kind, &Name)) -> bool {
    let whose = called.as_str().strip_prefix(INSTRUCTION_PREFIX);
    let is_derived = own == Kind::Subscription && kind == Kind::Instruction;
    is_derived && whose == Some(name.as_str())
}

/// A sentence about what names it for its work; none where nothing does.
///
/// # Errors
/// A fault if a record is damaged.
fn by_who_names_it(reader: &Reader, kind: Kind, name: &Name) -> Result<Option<String>, Fault> {
    let mut named = Vec::new();
    if matches!(kind, Kind::Model | Kind::AgentSkill) {
        let key = ResourceKey(kind, name.clone());
        for (called, agent) in reader.all::<Agent>(NAMES_MAX)? {
            let mind = agent.spec.mind.as_ref();
            if mind.is_some_and(|mind| works_with(mind).contains(&key)) {
                named.push(format!("{} {called}", Kind::Agent.word()));
            }
        }
    }
    for own in namers(kind) {
        for (ResourceKey(_, called), kept) in reader.resources(*own, NAMES_MAX)? {
            if (*own, &called) != (kind, name) && names(&kept.spec, kind, name) {
                named.push(format!("{} {called}", own.word()));
            }
        }
    }
    Ok(listed(named).map(|all| {
        let (word, again) = (kind.word(), again(kind, name));
        format!(
            "{word} {name} is gone, and is still named by {all}: until {again} again they do \
             without it, or what needs it there fails"
        )
    }))
}

/// The kinds of resources that name one of this kind for its work.
const fn namers(kind: Kind) -> &'static [Kind] {
    match kind {
        Kind::Agent => &[
            Kind::Pool,
            Kind::Plan,
            Kind::Workflow,
            Kind::Saga,
            Kind::Instruction,
            Kind::Supervisor,
            Kind::Driver,
        ],
        Kind::Model => &[Kind::Model],
        Kind::Supervisor => &[Kind::Supervisor],
        _ => &[],
    }
}

/// Whether this names an agent, a supervisor or a model: to do the work, to be watched, or to fall
/// back on.
fn names(spec: &Spec, kind: Kind, name: &Name) -> bool {
    if kind == Kind::Model {
        return spec
            .model()
            .is_some_and(|model| model.fallbacks.contains(name));
    }
    let watched = matches!(spec, Spec::Supervisor(spec) if spec.children.contains(name));
    let works = || stands_on(spec, name) || workers(spec).contains(name);
    watched || (kind == Kind::Agent && works())
}

/// The names in a row, and how many more there are; none where there are none.
fn listed(mut named: Vec<String>) -> Option<String> {
    let more = named.len().saturating_sub(RUNS_NAMED_MAX);
    named.truncate(RUNS_NAMED_MAX);
    let mut all = named.join(", ");
    if more > 0 {
        all.push_str(&format!(" and {more} more"));
    }
    (!named.is_empty()).then_some(all)
}

/// Whether something of this kind starts what is called so: by the time, by an event or in a step.
fn begins(spec: &Spec, (kind, name): (Kind, &Name)) -> bool {
    let timed = match spec {
        Spec::Schedule(spec) => spec.starts.run().map(|(kind, name, _)| (kind, name)),
        _ => None,
    };
    let heard = spec.listens().and_then(|spec| spec.starts.as_ref());
    let heard = heard.map(|starts| (starts.kind, &starts.name));
    let steps = spec.plan().into_iter().flat_map(|plan| &plan.steps);
    let mut stepped = steps.filter_map(|step| match &step.action {
        StepDo::Plan { of, name, .. } => Some((*of, name)),
        _ => None,
    });
    let is_it = |begun| begun == (kind, name);
    timed.is_some_and(is_it) || heard.is_some_and(is_it) || stepped.any(is_it)
}

/// The same about what a driver answers no longer once it says `after`.
///
/// # Errors
/// A fault if a record is damaged.
pub(super) fn answers_lost(
    reader: &Reader,
    before: &Spec,
    after: &Spec,
) -> Result<Option<(String, String)>, Fault> {
    let kept = heard(after);
    let lost = heard(before).iter().filter(|it| !kept.contains(it));
    let lost: Vec<String> = lost.cloned().collect();
    if lost.is_empty() {
        return Ok(None); // most of them: no open run is read
    }
    let uses = uses(reader, &[Needed::Answers(&lost)])?;
    Ok(uses.map(|uses| {
        let what = format!("nobody answers {} any more, and {uses}", lost.join(", "));
        (what, until_taken("the `capabilities` of a driver name it"))
    }))
}

fn until(again: &str) -> String {
    format!("until {again} again such a step fails, and what can't be undone waits for a person")
}

/// The same where a step may as well only say something: nobody takes that any more.
fn until_taken(again: &str) -> String {
    format!(
        "until {again} again such a step fails, or nobody takes what it emits, and what can't be \
         undone waits for a person"
    )
}

/// The types of events that a driver is given.
fn heard(spec: &Spec) -> &[String] {
    spec.driver().map_or(&[], |(driver, _)| driver.answers())
}

/// Whether it is a driver that stands on this agent.
fn stands_on(spec: &Spec, agent: &Name) -> bool {
    let own = spec.endpoint().is_none();
    own && spec.driver().is_some_and(|(it, _)| it.agent == *agent)
}

/// What nobody answers any more without this driver, or without the agent that drivers stand on.
fn answers(reader: &Reader, kind: Kind, name: &Name) -> Result<Vec<String>, Fault> {
    let found: Vec<Arc<Resource>> = match kind {
        Kind::Driver => {
            let found = reader.find::<Resource>(&ResourceKey(kind, name.clone()))?;
            found.into_iter().collect()
        }
        Kind::Agent => {
            let all = reader.resources(Kind::Driver, NAMES_MAX)?.into_iter();
            let all = all.map(|(_, kept)| kept);
            all.filter(|kept| stands_on(&kept.spec, name)).collect()
        }
        _ => Vec::new(),
    };
    let all: BTreeSet<&String> = found.iter().flat_map(|kept| heard(&kept.spec)).collect();
    Ok(all.into_iter().cloned().collect())
}

/// Which open runs need any of this, and what for.
fn uses(reader: &Reader, what: &[Needed<'_>]) -> Result<Option<String>, Fault> {
    if what.is_empty() {
        return Ok(None);
    }
    let (mut named, mut more) = (Vec::new(), 0_usize);
    for (id, plan) in reader.open::<Plan>()? {
        let Some(found) = what.iter().find_map(|what| plan.needs(*what)) else {
            continue;
        };
        if named.len() == RUNS_NAMED_MAX {
            more += 1;
            continue;
        }
        let whose = format!("{} {} ({id})", plan.flow.of.word(), plan.name);
        named.push(match found {
            Use::Step(step) => format!("for step {step} of {whose}"),
            Use::Undo(step) => format!("to undo step {step} of {whose}"),
        });
    }
    if named.is_empty() {
        return Ok(None);
    }
    let named = named.join(", ");
    Ok(Some(match more {
        0 => format!("open runs need it {named}"),
        more => format!("open runs need it {named} and {more} more"),
    }))
}
