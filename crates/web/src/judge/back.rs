//! Whoever sets itself off with no condition on the way that would end it.

use std::collections::{BTreeMap, BTreeSet};

use naos_kernel::event::{AROUND_MAX, HOPS_MAX};
use naos_manifest::Diagnostic;
use naos_types::Name;
use naos_types::PlanStatus;
use naos_types::command::{self, Command};
use naos_types::spec::{
    ENDED_PREFIX, EventFilter, Kind, PlanSpec, Spec, Starts, StepDo, like, runs_of,
};

use super::{Document, Item, fault_in};

/// A type of event, and where such events come from, where that is known.
type Says = (String, Option<String>);

/// Who listens for what, and which events come of one.
struct Listener {
    filter: EventFilter,
    says: Vec<Says>,
}

impl Listener {
    fn hears(&self, (topic, source): &Says) -> bool {
        let wanted = self.filter.source.as_deref();
        let from = wanted.is_none_or(|wanted| source.as_deref().is_some_and(|s| like(wanted, s)));
        let topics = &self.filter.topics;
        from && (topics.is_empty() || topics.iter().any(|one| like(one, topic)))
    }
}

/// What the steps of a plan publish.
fn said_by(plan: &PlanSpec, out: &mut Vec<Says>) {
    for step in plan.steps.iter().filter(|step| step.when.is_none()) {
        if let StepDo::Emit { kind, .. } | StepDo::Ask { kind, .. } = &step.action {
            out.push((kind.clone(), None));
        }
    }
}

/// What comes of it where this is begun: what its steps publish, and how it ends.
fn comes_of(starts: &Starts, spec: Option<&Spec>) -> Vec<Says> {
    let mut out = Vec::new();
    if let Some(plan) = spec.and_then(Spec::plan) {
        said_by(plan, &mut out);
    }
    if starts.kind != Kind::Agent {
        let source = runs_of(starts.kind, &starts.name);
        let ends = PlanStatus::ALL.iter().map(|status| status.word());
        out.extend(ends.map(|word| (format!("{ENDED_PREFIX}{word}"), Some(source.clone()))));
    }
    out
}

/// A warning for each of these things that may set itself off, with the circle by name;
/// `listening` are the subscriptions that are kept, `kept` finds what they begin.
pub(crate) fn leads_back<E>(
    documents: &[Document<'_>],
    items: &[Item],
    listening: Vec<(Name, Spec)>,
    mut kept: impl FnMut(Kind, &Name) -> Result<Option<Spec>, E>,
) -> Result<Vec<Diagnostic>, E> {
    let applied: BTreeMap<(Kind, &Name), &Spec> = items
        .iter()
        .filter_map(|item| match &item.command {
            Command::Resource(command::Resource::Apply { kind, name, spec }) => {
                Some(((*kind, name), spec))
            }
            _ => None,
        })
        .collect();
    let mut all: BTreeMap<(Kind, Name), Listener> = BTreeMap::new();
    let mut began: BTreeMap<(Kind, Name), (Kind, Name)> = BTreeMap::new();
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
        let mut says: Vec<Says> = emits.map(|one| (one.kind.clone(), None)).collect();
        if let Some(starts) = starts {
            let found = match applied.get(&(starts.kind, &starts.name)) {
                Some(spec) => Some((*spec).clone()),
                None => kept(starts.kind, &starts.name)?,
            };
            says.extend(comes_of(starts, found.as_ref()));
            began.insert(key.clone(), (starts.kind, starts.name.clone()));
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
                let mut begins = began.iter().filter(|(_, begun)| **begun == own);
                let found = begins.find_map(|(key, _)| {
                    let there = applied.contains_key(&(key.0, &key.1));
                    way_back(key, &all).filter(|_| !there)
                });
                let Some(path) = found else { continue };
                path
            }
        };
        if path.len() == 2 && *kind == Kind::Subscription && begins_nothing(&applied, &own) {
            continue; // what it says itself is judged where it is read
        }
        // What each of them begins stands between it and the next.
        let last = path.len().saturating_sub(1);
        let names = path.iter().enumerate().flat_map(|(place, key)| {
            let begun = began.get(*key).filter(|begun| place < last && begun != key);
            [Some(*key), begun].into_iter().flatten()
        });
        let names: Vec<&str> = names.map(|(_, name)| name.as_str()).collect();
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

/// The shortest way from a listener over what it says back to itself.
fn way_back<'a>(
    own: &'a (Kind, Name),
    all: &'a BTreeMap<(Kind, Name), Listener>,
) -> Option<Vec<&'a (Kind, Name)>> {
    let mut seen = BTreeSet::new();
    let mut ways = vec![vec![all.get_key_value(own)?.0]];
    while !ways.is_empty() {
        let mut longer = Vec::new();
        for way in ways {
            let last = all.get(*way.last()?)?;
            for (key, listener) in all {
                if !last.says.iter().any(|said| listener.hears(said)) {
                    continue;
                }
                let mut way = way.clone();
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
