//! The broker: who can do this, how sure is it, what would it cost. Skill, then component, then
//! model: the cheapest that is permitted and confident enough.

mod catalog;
mod rank;

use std::collections::BTreeMap;

use naos_types::fact::task::{Asks, Considered, Parent};
use naos_types::{Actor, BodyRef, Code, Micros, Refusal, Tier};

use crate::compute::pattern;
use crate::turn::{Done, Stop, Turn};

pub use catalog::Catalog;
pub(crate) use catalog::changed;
pub use rank::{RankKey, Ranked};

/// How sure a skill must be, in ten-thousandths.
pub const SKILL_CONFIDENCE_MIN: u16 = 9_000;
/// How sure a component must be.
pub const WASM_CONFIDENCE_MIN: u16 = 8_000;
/// How sure a model must be.
pub const MODEL_CONFIDENCE_MIN: u16 = 7_000;
/// How much of a task's text the broker reads, in bytes.
pub const ROUTE_TEXT_BYTES_MAX: usize = 4_096;
/// How many candidates an answer names.
pub const CONSIDERED_MAX: usize = 16;

const NO_MODEL: &str = "no agent works with a model for this: apply a model and an agent with \
    `model: NAME`";

/// How sure a tier must be.
#[must_use]
pub const fn confidence_min(tier: Tier) -> u16 {
    match tier {
        Tier::Skill => SKILL_CONFIDENCE_MIN,
        // Nobody is sent to an endpoint but the events of its driver.
        Tier::Wasm | Tier::Endpoint => WASM_CONFIDENCE_MIN,
        Tier::Model => MODEL_CONFIDENCE_MIN,
    }
}

/// All who could do what a task asks, best first.
pub(crate) struct Routing {
    pub(crate) considered: Vec<Considered>,
    /// Why some of them can't be given it now.
    pub(crate) refused: BTreeMap<String, Refusal>,
    /// Whether how well they fit was known from before.
    pub(crate) cached: bool,
}

/// All who could do what `input` asks, best first. `given` is who wants it done, as a part of what.
pub(crate) fn consider(
    turn: &mut Turn<'_>,
    input: BodyRef,
    given: (&Actor, Option<&Parent>),
) -> Done<Routing> {
    let text = match turn.body(input)? {
        Some(bytes) => asked_for(bytes),
        None => {
            let what = "the input of the task can't be read: it was erased, or isn't stored";
            return Err(Stop::refused(Code::ERASED, what));
        }
    };
    let (ranked, cached) = rank::ranking(turn, &text)?;
    let mut considered = Vec::with_capacity(ranked.len() + 1);
    let mut refused = BTreeMap::new();
    let mut missing = Vec::new();
    for one in ranked.iter() {
        match candidate(turn, one, input, given) {
            Ok((candidate, why)) => {
                refused.extend(why.map(|why| (candidate.target.clone(), why)));
                considered.push(candidate);
            }
            Err(Stop::Needs(needs)) => missing.extend(needs),
            Err(stop) => return Err(stop),
        }
    }
    if !missing.is_empty() {
        missing.sort(); // the limit of all is asked for by each
        missing.dedup();
        return Err(Stop::Needs(missing));
    }
    if considered.iter().all(|c| c.tier != Tier::Model) {
        considered.push(nobodys_model());
    }
    Ok(Routing {
        considered,
        refused,
        cached,
    })
}

/// The last resort, which nobody has connected: named, so that whoever reads the list learns why
/// it wasn't asked. Its confidence is 0 as long as there is nothing to be confident in.
fn nobodys_model() -> Considered {
    Considered {
        tier: Tier::Model,
        target: "model".into(),
        confidence: 0,
        estimate: Micros(0),
        permitted: false,
        reason: NO_MODEL.into(),
    }
}

/// What a task asks for: the field `task` of a JSON object, else the beginning of the text.
pub(crate) fn asked_for(input: &[u8]) -> String {
    if input.first() == Some(&b'{')
        && let Ok(serde_json::Value::Object(fields)) = serde_json::from_slice(input)
        && let Some(task) = fields.get("task").and_then(serde_json::Value::as_str)
    {
        return task.to_owned();
    }
    String::from_utf8_lossy(&input[..input.len().min(ROUTE_TEXT_BYTES_MAX)]).into_owned()
}

/// Whether the guard would let one work now, and why not: never remembered.
fn candidate(
    turn: &Turn<'_>,
    ranked: &Ranked,
    input: BodyRef,
    (by, parent): (&Actor, Option<&Parent>),
) -> Done<(Considered, Option<Refusal>)> {
    let name = &ranked.name;
    let agent = match ranked.tier {
        Tier::Skill | Tier::Endpoint => None,
        Tier::Wasm | Tier::Model => turn.agent(name)?,
    };
    let is_mind = agent.is_some_and(|agent| agent.spec.mind.is_some());
    let mut estimate = ranked.estimate;
    let refused = if ranked.tier == Tier::Model && !is_mind {
        Some(Refusal::new(Code::NO_MODEL, NO_MODEL))
    } else if agent.is_some_and(|agent| agent.stopped) {
        let what = format!("{name} is stopped");
        Some(Refusal::new(Code::AGENT_STOPPED, what))
    } else if agent.is_some_and(|agent| agent.down) {
        let what = format!("{name} failed and waits for its supervisor");
        Some(Refusal::new(Code::AGENT_STOPPED, what).help("its supervisor restarts it"))
    } else {
        let worst = if is_mind {
            // A task of the board names who does it: this one is told whole.
            crate::run::estimate(turn, name, (input, by, parent, &Asks::default()))
        } else {
            Ok(ranked.estimate)
        };
        let asked = worst.and_then(|worst| {
            estimate = worst;
            if is_mind {
                return crate::guard::affordable_later(turn, name, worst);
            }
            crate::guard::affordable(turn, name, worst)
        });
        match asked {
            Ok(()) => None,
            Err(Stop::Refused(refusal)) => Some(*refusal),
            Err(stop) => return Err(stop),
        }
    };
    let why = refused.as_ref().map(|refused| refused.what.clone());
    let considered = Considered {
        tier: ranked.tier,
        target: name.to_string(),
        confidence: ranked.confidence,
        estimate,
        permitted: refused.is_none(),
        reason: why.unwrap_or_else(|| ranked.reason.clone()),
    };
    Ok((considered, refused))
}

/// The first that is permitted and sure enough; else the refusal that says why there is none.
pub(crate) fn choose<'c>(
    considered: &'c [Considered],
    refused: &BTreeMap<String, Refusal>,
) -> Result<&'c Considered, Stop> {
    let sure = |c: &&Considered| c.confidence >= confidence_min(c.tier);
    if let Some(chosen) = considered.iter().find(|c| c.permitted && sure(c)) {
        return Ok(chosen);
    }
    match considered.iter().find(sure) {
        Some(c) if c.tier == Tier::Model && c.reason == NO_MODEL => {
            let what = format!("only {} could do this, and {}", c.target, c.reason);
            Err(Stop::refused(Code::NO_MODEL, what))
        }
        Some(c) => {
            let what = format!("{} could do this, but {}", c.target, c.reason);
            // The code of the reason: whether waiting helps follows from it.
            let why = refused.get(&c.target);
            let refusal = Refusal::new(why.map_or(Code::WRONG_STATE, |why| why.code), what);
            Err(match why {
                Some(why) => refusal.help(why.help.clone()),
                None => refusal,
            }
            .into())
        }
        None => {
            let thinks = |c: &Considered| c.tier == Tier::Model && c.reason != NO_MODEL;
            let with_models = considered.iter().any(thinks);
            let rest = if with_models {
                ", those that work with a model neither"
            } else {
                " without a model"
            };
            let nearest = considered.iter().max_by_key(|c| c.confidence);
            let what = match nearest.filter(|c| c.confidence > 0) {
                Some(c) => format!(
                    "nobody is sure enough to do this{rest}; the nearest is {} with {}.{:02}",
                    c.target,
                    c.confidence / 10_000,
                    c.confidence % 10_000 / 100
                ),
                None if with_models => format!("nobody here fits this{rest}"),
                None => format!("nobody here can do this{rest}"),
            };
            let refusal = Refusal::new(Code::NO_MODEL, what);
            if with_models {
                let help = "name who is to do it (`naos run AGENT --input …`), or say in its \
                            `patterns` or `description` what an agent does";
                return Err(refusal.help(help).into());
            }
            Err(refusal.into())
        }
    }
}

/// What a skill's patterns capture from a text.
pub(crate) fn captures(patterns: &[String], text: &str) -> Vec<(String, String)> {
    pattern::skill_match(patterns, text).captures
}

/// The value of the first key, in order, that stands in the text.
pub(crate) fn look_up<'t>(table: &'t BTreeMap<String, String>, text: &str) -> Option<&'t str> {
    let text = text.to_lowercase();
    table
        .iter()
        .find(|(key, _)| text.contains(&key.to_lowercase()))
        .map(|(_, value)| value.as_str())
}
