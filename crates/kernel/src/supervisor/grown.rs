//! How the trees grow: what a supervisor's resource says about who watches whom.

use std::collections::{BTreeMap, BTreeSet};

use naos_types::fact::resource;
use naos_types::spec::{Kind, Spec, SupervisorSpec, misgrown};
use naos_types::{Code, Name, Refusal, Time};

use super::{Child, Standing, Supervisor, Watch, load};
use crate::state::Key;
use crate::turn::{Done, Stop, Turn};

/// Refuses what would leave something without an end: a circle, two supervisors of one child, a
/// child that is let go while it rests and that nobody would ever restart. No spec takes it away.
pub(crate) fn may_change(turn: &Turn<'_>, name: &Name, spec: Option<&SupervisorSpec>) -> Done {
    let none = Vec::new();
    let wanted = spec.map_or(&none, |spec| &spec.children);
    let found = turn.supervisor(name)?;
    let had: Vec<&Child> = found.map_or(Vec::new(), |found| found.children.iter().collect());
    let keys = had.iter().map(|child| &child.name).chain(wanted.iter());
    turn.load(keys.clone().map(|child| Key::Watch(child.clone())))?;
    load(turn, keys)?;
    for child in had.iter().filter(|child| !wanted.contains(&child.name)) {
        let rests = match turn.supervisor(&child.name)? {
            Some(beneath) => beneath.standing == Standing::Suspended,
            None => turn.agent(&child.name)?.is_some_and(|agent| agent.down),
        };
        if rests || child.restart_at.is_some() {
            let what = format!(
                "{} rests, and only {name} would let it work again",
                child.name
            );
            let help = format!(
                "wait for its restart, or `naos supervisor start {name}` or `reset {name}` first"
            );
            return Err(Refusal::new(Code::WRONG_STATE, what).help(help).into());
        }
    }
    for child in wanted {
        let other = turn.watch(child)?.map(|watch| &watch.by);
        if let Some(other) = other.filter(|by| *by != name) {
            let what = format!("{child} has two supervisors: {other} and {name}");
            let help = format!("`naos supervisor remove {other} {child}` first");
            return Err(Refusal::new(Code::BAD_DOCUMENT, what).help(help).into());
        }
    }
    if spec.is_some() {
        tree(turn, name, wanted)?;
    }
    Ok(())
}

fn tree(turn: &Turn<'_>, name: &Name, children: &[Name]) -> Done {
    let mut parents = turn.forest(&())?.cloned().unwrap_or_default().parents;
    if !parents.contains_key(name) && parents.len() >= crate::SUPERVISORS_MAX {
        let what = format!(
            "a tenant has at most {} supervisors",
            crate::SUPERVISORS_MAX
        );
        return Err(Stop::refused(Code::TOO_LARGE, what));
    }
    let above = turn.watch(name)?.map(|watch| watch.by.clone());
    parents.insert(name.clone(), above);
    for (beneath, parent) in &mut parents {
        if children.contains(beneath) {
            *parent = Some(name.clone());
        } else if parent.as_ref() == Some(name) {
            *parent = None;
        }
    }
    match misgrown(&parents) {
        Some((_, what)) => Err(Stop::refused(Code::BAD_DOCUMENT, what)),
        None => Ok(()),
    }
}

/// Keeps who watches whom as resources come, change and go.
pub(crate) fn set_up(turn: &mut Turn<'_>, fact: &resource::Fact) -> Done {
    match fact {
        resource::Fact::Applied(f) => match &f.spec {
            Spec::Supervisor(spec) => grow(turn, &f.name, Some(spec)),
            _ => Ok(()),
        },
        resource::Fact::Deleted(f) if f.kind == Kind::Supervisor => grow(turn, &f.name, None),
        _ => Ok(()),
    }
}

fn grow(turn: &mut Turn<'_>, name: &Name, spec: Option<&SupervisorSpec>) -> Done {
    let found = turn.supervisor(name)?.cloned();
    if found.is_none() && spec.is_none() {
        return Ok(()); // one that was only kept
    }
    let before = found.as_ref().map_or(&[][..], |found| &found.children);
    let wanted = spec.map_or(&[][..], |spec| &spec.children);
    let had: BTreeSet<Name> = before.iter().map(|child| child.name.clone()).collect();
    let has: BTreeSet<Name> = wanted.iter().cloned().collect();
    let mut forest = turn.forest(&())?.cloned().unwrap_or_default();
    for gone in had.difference(&has) {
        turn.put_watch(gone.clone(), None);
        if let Some(parent) = forest.parents.get_mut(gone) {
            *parent = None;
        }
    }
    for come in has.difference(&had) {
        turn.put_watch(come.clone(), Some(Watch { by: name.clone() }));
        if let Some(parent) = forest.parents.get_mut(come) {
            *parent = Some(name.clone());
        }
    }
    if spec.is_some() {
        let above = turn.watch(name)?.map(|watch| watch.by.clone());
        forest.parents.insert(name.clone(), above);
    } else {
        forest.parents.remove(name);
    }
    turn.put_forest((), Some(forest));
    let grown = spec.map(|spec| with_children(found, spec, turn.now));
    turn.put_supervisor(name.clone(), grown);
    Ok(())
}

fn with_children(found: Option<Supervisor>, spec: &SupervisorSpec, now: Time) -> Supervisor {
    let mut out = found.unwrap_or_else(|| Supervisor {
        standing: Standing::Running,
        since: now,
        wanted: None,
        children: Vec::new(),
        restarts: Vec::new(),
        restarts_max: 0,
        window: spec.window,
        restarted: 0,
        problem: None,
    });
    out.restarts_max = spec.max_restarts;
    out.window = spec.window;
    let most = spec.max_restarts as usize;
    let spare = out.restarts.len().saturating_sub(most);
    out.restarts.drain(..spare);
    let mut kept: BTreeMap<Name, Child> = out
        .children
        .drain(..)
        .map(|child| (child.name.clone(), child))
        .collect();
    let children = spec.children.iter();
    out.children = children
        .map(|name| {
            let known = kept.remove(name);
            known.unwrap_or_else(|| Child::new(name.clone()))
        })
        .collect();
    out
}
