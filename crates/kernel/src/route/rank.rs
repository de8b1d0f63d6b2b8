//! How well everybody fits a text: the dear part of routing, which depends on the text and the
//! catalog alone and so may be remembered. Who is permitted is asked anew every time.

use std::sync::Arc;

use naos_types::spec::Kind;
use naos_types::{Digest, Micros, Name, Tier};

use super::{CONSIDERED_MAX, catalog, confidence_min};
use crate::compute::pattern;
use crate::need::{Answer, Need};
use crate::state::{Key, ResourceKey};
use crate::turn::{Done, Stop, Turn};

/// All that a ranking depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RankKey {
    /// Of the text that is routed.
    pub text: Digest,
    /// The version of the catalog.
    pub catalog: Digest,
}

/// One who could do it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ranked {
    /// Its tier.
    pub tier: Tier,
    /// Its name.
    pub name: Name,
    /// How well it fits, in ten-thousandths.
    pub confidence: u16,
    /// What it would cost.
    pub estimate: Micros,
    /// Why this confidence.
    pub reason: String,
}

/// The best, best first, and whether that was known from before.
pub(super) fn ranking(turn: &mut Turn<'_>, text: &str) -> Done<(Arc<[Ranked]>, bool)> {
    let key = RankKey {
        text: Digest::of(text.as_bytes()),
        catalog: catalog::version(turn)?,
    };
    let need = Need::Ranking(key);
    match turn.answers.get(&need) {
        Some(Answer::Ranking(Some(known))) => Ok((Arc::clone(known), true)),
        Some(Answer::Ranking(None)) => {
            let ranked: Arc<[Ranked]> = rank(turn, text)?.into();
            turn.learned.push((key, Arc::clone(&ranked)));
            Ok((ranked, false))
        }
        _ => Err(Stop::Needs(vec![need])),
    }
}

fn rank(turn: &Turn<'_>, text: &str) -> Done<Vec<Ranked>> {
    let Some(head) = turn.head(&())? else {
        return Ok(Vec::new());
    };
    let skill = |name: &Name| Key::Resource(ResourceKey(Kind::Skill, name.clone()));
    let skills = head.skills.iter().map(skill);
    turn.load(skills.chain(head.agents.iter().cloned().map(Key::Agent)))?;
    let mut out = Vec::new();
    for name in head.skills.iter() {
        if let Some(skill) = crate::resource::skill(turn, name)? {
            let found = pattern::skill_match(&skill.patterns, text);
            out.push(ranked(Tier::Skill, name, found, skill.cost_per_call));
        }
    }
    for name in head.agents.iter() {
        if let Some(agent) = turn.agent(name)? {
            let spec = &agent.spec;
            let template = spec.template.as_deref();
            let found = pattern::agent_match(
                name.as_str(),
                template,
                &spec.description,
                &spec.patterns,
                text,
            );
            let tier = if spec.component.is_some() {
                Tier::Wasm
            } else {
                Tier::Model
            };
            out.push(ranked(tier, name, found, spec.cost_per_call));
        }
    }
    // Dearer tiers later, then the surer first; names settle what is left, so that the same
    // question always has the same answer.
    out.sort_by(|a, b| {
        let key = |r: &Ranked| (r.tier, std::cmp::Reverse(r.confidence));
        key(a).cmp(&key(b)).then_with(|| a.name.cmp(&b.name))
    });
    out.sort_by_key(|r| r.confidence < confidence_min(r.tier));
    out.truncate(CONSIDERED_MAX - 1);
    Ok(out)
}

fn ranked(tier: Tier, name: &Name, found: pattern::Match, estimate: Micros) -> Ranked {
    Ranked {
        tier,
        name: name.clone(),
        confidence: found.confidence,
        estimate,
        reason: found.reason,
    }
}
