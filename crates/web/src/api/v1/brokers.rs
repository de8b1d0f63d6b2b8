//! `/broker`.

use naos_engine::shard::{ROUTES_MAX, RoutesReport};
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
    let (considered, cached) = match reply {
        Reply::Routed { considered, cached } => (considered, cached),
        Reply::Route(considered) => (considered, false), // an answer kept from before
        _ => return Err(Fault::new(Code::INTERNAL, "the broker gave no candidates")),
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
        "cached": cached,
        "considered": shapes::considered(&considered),
    }))
}

pub(crate) async fn stats(call: Call) -> Answered {
    let spending = call.lists().await?.spending_ever()?;
    let tenant = call.who()?.tenant;
    let node = call.desk.app.node.clone();
    let reports = tokio::task::spawn_blocking(move || node.reports());
    let reports = reports
        .await
        .map_err(|_| Fault::new(Code::INTERNAL, "the shards didn't report"))?;
    // A cell that isn't open remembers nothing.
    let mine = reports.into_iter().find(|(id, _)| *id == tenant);
    let cache = mine.map_or_else(RoutesReport::default, |(_, report)| report.routes);
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
        "without_model": spending.without_model(),
        "avoided_micros": spending.avoided().map(|cost| cost.0),
        "cache": {
            "hits": cache.hits,
            "misses": cache.misses,
            "kept": cache.kept,
            "kept_max": ROUTES_MAX,
        },
        "more": spending.more,
    }))
}
