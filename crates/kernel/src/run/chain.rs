//! Which models a run asks, one after the other.

use naos_types::spec::{Kind, MindSpec, ModelSpec};
use naos_types::{Micros, Name};

use super::bounds;
use super::think::found;
use super::window::Whole;
use crate::state::{Key, ResourceKey};
use crate::turn::{Done, Turn};

/// The most models that are asked for one answer, those that stand in included.
const CHAIN_MAX: usize = 16;

/// The models that an agent works with, each followed by those that stand in for it, unless it is
/// to answer `alone`; none for one that isn't there.
pub(super) fn chain<'t>(
    turn: &'t Turn<'_>,
    mind: &MindSpec,
    (alone, stays): (bool, bool),
) -> Done<Vec<(Name, Option<&'t ModelSpec>)>> {
    let mut named = mind.models.clone();
    if named.is_empty() {
        named = cheapest(turn, mind, stays)?;
    }
    let mut out = Vec::new();
    while let Some(name) = named.get(out.len()).cloned() {
        let spec = found(turn, &name)?;
        if let Some(spec) = spec.filter(|_| !alone) {
            let (at, more) = (out.len() + 1, spec.fallbacks.iter());
            let more: Vec<Name> = more.filter(|name| !named.contains(name)).cloned().collect();
            named.splice(at..at, more);
            named.truncate(CHAIN_MAX);
        }
        out.push((name, spec));
    }
    Ok(out)
}

/// All models that can do what an agent wants, the cheapest first: by what a thousand tokens read
/// and as many written cost. An engine acts by itself: only who names it is given it.
fn cheapest(turn: &Turn<'_>, mind: &MindSpec, stays: bool) -> Done<Vec<Name>> {
    let all = turn.models(&())?.map_or_else(Vec::new, |all| {
        all.names.iter().cloned().collect::<Vec<Name>>()
    });
    let keys = all
        .iter()
        .cloned()
        .map(|name| Key::Resource(ResourceKey(Kind::Model, name)));
    turn.load(keys)?;
    let mut fit = Vec::new();
    for name in all {
        let Some(spec) = found(turn, &name)? else {
            continue;
        };
        let can = |wanted| spec.can.contains(wanted);
        let price = spec.prices.as_ref().map(|prices| prices.most(1_000, 1_000));
        // After all whose price is known.
        let unknown = bounds::asks_unpriced(mind, spec).then_some(Micros(u64::MAX));
        let price = price.or(unknown);
        let talks = !spec.format.is_engine() && !spec.only_embeds();
        let fits = spec.enabled && talks && mind.wants.iter().all(can);
        let fits = fits && !(stays && spec.leaves_country);
        if let Some(price) = price.filter(|_| fits) {
            fit.push((price, name));
        }
    }
    fit.sort();
    Ok(fit.into_iter().map(|(_, name)| name).collect())
}

/// That nobody answered, with those who were to answer and aren't there.
pub(super) fn unanswered(turn: &Turn<'_>, whole: &Whole<'_>, alone: bool) -> Done<String> {
    let stays = whole.stays.is_some() || bounds::stays(turn, whole.mind)?;
    let all = chain(turn, whole.mind, (alone, stays))?;
    let missing = all.iter().filter(|(_, spec)| spec.is_none());
    let missing: Vec<&str> = missing.map(|(name, _)| name.as_str()).collect();
    let mut what = "no model answered".to_owned();
    if !missing.is_empty() && !crate::planted::is("missing-models-unnamed") {
        what += &format!(", and there is no model {}", missing.join(", "));
    }
    Ok(what)
}
