//! The sections of a configuration that this version checks and keeps.

use crate::schema::{Key, Shape, keys};

const TIERS: &[&str] = &["T1", "T2", "T3", "T4", "T5"];
const RATINGS: &[&str] = &["AAA", "AA", "A", "BBB", "BB", "B", "C", "D"];
pub(super) const TRUST: &[Key] = keys! {
    "provider": Shape::Words(&["axis", "local"]), "api_key" | "apiKey": Shape::Text,
    "requirements": Shape::Object(REQUIREMENTS),
    "enforcement": Shape::Object(keys! { "on_untrusted" | "onUntrusted": Shape::Text }),
    "minimum_tier" | "minimumTier": Shape::Words(TIERS),
    "policies": Shape::Map(&Shape::Any), "gates": Shape::Map(&Shape::Words(TIERS)),
    "reverify_interval" | "reverifyInterval": Shape::Span,
    "cache_results" | "cacheResults": Shape::Any,
    "tier_order" | "tierOrder": Shape::Words(&["ascending", "descending"]),
};
const REQUIREMENTS: &[Key] = keys! {
    "min_trust_tier" | "minTrustTier": Shape::Words(TIERS),
    "min_t_score" | "minTScore": Shape::Whole(0, 1_000),
    "min_credit_rating" | "minCreditRating": Shape::Words(RATINGS),
};
pub(super) const EDGE: &[Key] = keys! {
    "provider": Shape::Words(&["cloudflare"]), "account_id" | "accountId": Shape::Text,
    "regions": Shape::Texts, "durable_objects" | "durableObjects": Shape::Any,
    "routes": Shape::List(&Shape::Object(keys! {
        @need "pattern": Shape::Text, "zone": Shape::Text, "agent": Shape::Text,
    })),
    "auto_deploy" | "autoDeploy": Shape::Bool,
};
pub(super) const DATABASE: &[Key] = keys! {
    "path": Shape::Text, "wal_mode" | "walMode": Shape::Bool,
    "busy_timeout" | "busyTimeout": Shape::Whole(0, 600_000),
    "cache_size" | "cacheSize": Shape::Whole(-1_000_000, 1_000_000),
};
pub(super) const WASM: &[Key] = keys! {
    "default_fuel" | "defaultFuel": Shape::Whole(1, i64::MAX),
    "default_memory_pages" | "defaultMemoryPages": Shape::Whole(16, 65_536),
    "enable_simd" | "enableSIMD" | "enableSimd": Shape::Bool,
    "enable_threads" | "enableThreads": Shape::Bool,
    "max_instances" | "maxInstances": Shape::Whole(1, 100_000),
};
pub(super) const AUDIT: &[Key] = keys! {
    "retention_days" | "retentionDays": Shape::Whole(1, 36_500),
    "compress_after" | "compressAfter": Shape::Whole(0, 36_500),
    "export_format" | "exportFormat": Shape::Words(&["json", "csv", "text"]),
};
pub(super) const ALERTS: &Shape = &Shape::List(&Shape::Object(keys! {
    @need "threshold" | "at": Shape::Any, "action": Shape::Text,
}));
