//! `/broker`.

use naos_types::command::{self, Reply};
use naos_types::{Code, Tier};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::shapes;
use crate::door::{Answered, Call, ok};
use crate::error::Fault;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Route {
    text: String,
}

/// What the broker would do. Says so too where it isn't permitted.
pub(crate) async fn route(call: Call) -> Answered {
    let Route { text } = call.json()?;
    let (input, body) = call.content(text)?;
    let (_, reply) = call
        .ask("", command::Task::Route { input }, vec![body])
        .await?;
    let Reply::Route(considered) = reply else {
        return Err(Fault::new(Code::INTERNAL, "the broker gave no candidates"));
    };
    let sure = |tier: Tier| naos_kernel::route::confidence_min(tier);
    let permitted = considered
        .iter()
        .find(|c| c.permitted && c.confidence >= sure(c.tier));
    let chosen = permitted.or_else(|| considered.iter().find(|c| c.confidence >= sure(c.tier)));
    ok(&json!({
        "tier": chosen.map(|c| c.tier),
        "target": chosen.map(|c| c.target.clone()),
        "confidence": chosen.map(|c| shapes::confidence(c.confidence)),
        "permitted": chosen.is_some_and(|c| c.permitted),
        "considered": shapes::considered(&considered),
    }))
}

pub(crate) async fn stats(call: Call) -> Answered {
    let spending = call.lists().await?.spending_ever()?;
    let of = |tier: &Tier| spending.tiers.get(tier).copied().unwrap_or_default();
    let tiers = [Tier::Skill, Tier::Wasm, Tier::Model];
    let routed: Map<String, Value> = tiers
        .iter()
        .map(|tier| (tier.word().to_owned(), json!(of(tier).runs)))
        .collect();
    let cost: Map<String, Value> = tiers
        .iter()
        .map(|tier| (tier.word().to_owned(), json!(of(tier).cost.0)))
        .collect();
    ok(&json!({
        "routed": routed,
        "cost_micros": cost,
        "without_model": of(&Tier::Skill).runs + of(&Tier::Wasm).runs,
        // No model is connected: there is no price that was not paid.
        "avoided_micros": null,
        "more": spending.more,
    }))
}
