//! Whoever sets itself off with no condition on the way that would end it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use naos_kernel::event::{AROUND_MAX, HOPS_MAX};
use naos_manifest::Diagnostic;
use naos_types::Name;
use naos_types::PlanStatus;
use naos_types::command::{self, Command};
use naos_types::spec::{
    ENDED_PREFIX, EventFilter, Kind, PlanSpec, Spec, Starts, StepDo, like, runs_of,
};

use super::given::applied;
use super::{Document, Item, fault_in};

/// A type of event, and where such events come from, where that is known.
type Says = (String, Option<String>);

/// Something that an event begins, or that is begun within it.
type Begun = (Kind, Name);

/// Who listens for what, and which events come of one, each with what is begun between them: a
/// plan, the one that a step of it runs, and so on.
struct Listener {
    filter: EventFilter,
    says: Vec<(Says, Vec<Begun>)>,
}

impl Listener {
    fn hears(&self, (topic, source): &Says) -> bool {
        let wanted = self.filter.source.as_deref();
        let from = wanted.is_none_or(|wanted| source.as_deref().is_some_and(|s| like(wanted, s)));
        let topics = &self.filter.topics;
        from && (topics.is_empty() || topics.iter().any(|one| like(one, topic)))
    }
}

/// What the steps of a plan publish, and what they run.
fn said_by(plan: &PlanSpec) -> (Vec<Says>, Vec<Begun>) {
    let (mut says, mut runs) = (Vec::new(), Vec::new());
    for step in plan.steps.iter().filter(|step| step.when.is_none()) {
        says.extend(step.action.says().map(|kind| (kind.to_owned(), None)));
        if let StepDo::Plan { of, name, .. } = &step.action {
            runs.push((*of, name.clone()));
        }
    }
    (says, runs)
}

/// What comes of it where this is begun: what its steps publish, and those of what they run,
/// however deep, and how each of these ends. `find` says what is begun.
fn comes_of<E>(
    starts: &Starts,
    mut find: impl FnMut(&Begun) -> Result<Option<Spec>, E>,
) -> Result<Vec<(Says, Vec<Begun>)>, E> {
    let first = (starts.kind, starts.name.clone());
    let mut seen = BTreeSet::from([first.clone()]);
    let mut open = VecDeque::from([vec![first]]);
    let mut out = Vec::new();
    while let Some(way) = open.pop_front() {
        let Some(last) = way.last() else { continue };
        if let Some(plan) = find(last)?.as_ref().and_then(Spec::plan) {
            let (says, runs) = said_by(plan);
            out.extend(says.into_iter().map(|said| (said, way.clone())));
            let within = runs
                .into_iter()
                .filter(|_| !crate::planted::plans_within_unseen());
            for run in within.filter(|run| seen.insert(run.clone())) {
                open.push_back(way.iter().cloned().chain([run]).collect());
            }
        }
        if last.0 != Kind::Agent {
            let source = runs_of(last.0, &last.1);
            let ends = PlanStatus::ALL.iter().map(|status| status.word());
            let said = |word| (format!("{ENDED_PREFIX}{word}"), Some(source.clone()));
            out.extend(ends.map(|word| (said(word), way.clone())));
        }
    }
    Ok(out)
}

/// A warning for each of these things that may set itself off, with the circle by name;
/// `listening` are the subscriptions that are kept, `kept` finds what they begin.
pub(crate) fn leads_back<E>(
    documents: &[Document<'_>],
    items: &[Item],
    listening: Vec<(Name, Spec)>,
    mut kept: impl FnMut(Kind, &Name) -> Result<Option<Spec>, E>,
) -> Result<Vec<Diagnostic>, E> {
    let applied: BTreeMap<(Kind, &Name), &Spec> = applied(items)
        .map(|(_, kind, name, spec)| ((kind, name), spec))
        .collect();
    let mut all: BTreeMap<(Kind, Name), Listener> = BTreeMap::new();
    let new = applied
        .iter()
        .map(|((kind, name), spec)| (false, *kind, (*name).clone(), *spec));
    let old = listening
        .iter()
        .map(|(name, spec)| (true, Kind::Subscription, name.clone(), spec));
    for (is_old, kind, name, spec) in new.chain(old) {
        let listens = match spec {
            Spec::Instruction(spec) => spec.listening(),
            spec => spec.listens(),
        };
        let Some(listens) = listens.filter(|spec| spec.condition.is_none()) else {
            continue;
        };
        let starts = listens.starts.as_ref();
        // An instruction listens by a subscription of its own.
        let key = match starts {
            Some(starts) if starts.kind == Kind::Instruction => (starts.kind, starts.name.clone()),
            _ => (kind, name),
        };
        if is_old && applied.contains_key(&(key.0, &key.1)) {
            continue; // as it is applied now
        }
        let emits = spec.emits().iter().filter(|one| one.when.is_none());
        let own = emits.map(|one| ((one.kind.clone(), None), Vec::new()));
        let mut says: Vec<(Says, Vec<Begun>)> = own.collect();
        if let Some(starts) = starts {
            let find = |(kind, name): &Begun| match applied.get(&(*kind, name)) {
                Some(spec) => Ok(Some((*spec).clone())),
                None => kept(*kind, name),
            };
            says.extend(comes_of(starts, find)?);
        }
        let filter = listens.filter.clone();
        all.insert(key, Listener { filter, says });
    }
    let mut out = Vec::new();
    for item in items {
        let Command::Resource(command::Resource::Apply { kind, name, .. }) = &item.command else {
            continue;
        };
        let own = (*kind, name.clone());
        let path = match way_back(&own, &all) {
            Some(path) => path,
            None => {
                // What is begun by somebody who isn't applied with it.
                let others = all.iter().filter(|((kind, name), listener)| {
                    let mut begun = listener.says.iter().flat_map(|(_, way)| way);
                    !applied.contains_key(&(*kind, name)) && begun.any(|begun| *begun == own)
                });
                let mut ways = others.filter_map(|(key, _)| way_back(key, &all));
                let found = ways.find(|way| way.contains(&&own));
                let Some(path) = found else { continue };
                path
            }
        };
        if path.len() == 2 && *kind == Kind::Subscription && begins_nothing(&applied, &own) {
            continue; // what it says itself is judged where it is read
        }
        let names: Vec<&str> = path.iter().map(|(_, name)| name.as_str()).collect();
        let what = format!(
            "{} {name} may set itself off: {}",
            kind.word(),
            names.join(" → ")
        );
        let help = format!(
            "let a condition end it: naos breaks the circle after {HOPS_MAX} rounds, or once \
             {AROUND_MAX} runs came of one event"
        );
        out.push(fault_in(documents, item, name.as_str(), what, Some(help)));
    }
    Ok(out)
}

fn begins_nothing(applied: &BTreeMap<(Kind, &Name), &Spec>, own: &(Kind, Name)) -> bool {
    let spec = applied.get(&(own.0, &own.1));
    let listens = spec.and_then(|spec| spec.listens());
    listens.is_some_and(|listens| listens.starts.is_none())
}

/// The shortest way from a listener over what it says back to itself; what each of them begins
/// stands between it and the next.
fn way_back<'a>(
    own: &'a (Kind, Name),
    all: &'a BTreeMap<(Kind, Name), Listener>,
) -> Option<Vec<&'a (Kind, Name)>> {
    let mut seen = BTreeSet::new();
    let mut ways = vec![vec![all.get_key_value(own)?.0]];
    while !ways.is_empty() {
        let mut longer = Vec::new();
        for way in ways {
            let at = *way.last()?;
            let says = &all.get(at)?.says;
            for (key, listener) in all {
                let Some((_, begun)) = says.iter().find(|(said, _)| listener.hears(said)) else {
                    continue;
                };
                let mut way = way.clone();
                way.extend(begun.iter().filter(|one| *one != at));
                way.push(key);
                if key == own {
                    return Some(way);
                }
                if seen.insert(key) {
                    longer.push(way);
                }
            }
        }
        ways = longer;
    }
    None
}
