//! Pools: agents that share work.

use naos_types::spec::{Merge, POOL_SIZE_MAX, PoolSpec, Scaling, Strategy};
use naos_types::{Code, Name};

use crate::amounts;
use crate::diagnostic::Findings;
use crate::reader::{self, Fields};
use crate::tree::{Mark, Node, Value};

/// A map of them by name, or a list in which each has its `name`.
pub(crate) fn all(node: &Node, findings: &mut Findings) -> Vec<(Name, PoolSpec)> {
    let entries = reader::entries("pools", node, findings);
    let read = entries
        .into_iter()
        .filter_map(|(key, node)| one(key, node, findings));
    read.collect()
}

/// One; `key` is its name where it stands in a map.
pub(crate) fn one(
    key: Option<&str>,
    node: &Node,
    findings: &mut Findings,
) -> Option<(Name, PoolSpec)> {
    let mut map = Fields::of(node, "a pool", findings)?;
    map.skip(&["type"]);
    let name = reader::called("pool", key, &mut map, findings);
    let before = findings.errors.len();
    let spec = fields(&mut map, findings);
    map.finish(findings);
    if findings.errors.len() == before
        && let Err(what) = spec.check()
    {
        let at = least(node).filter(|_| spec.size_min > spec.size_max.or(Some(POOL_SIZE_MAX)));
        findings.push(at.unwrap_or(node.at), Code::BAD_DOCUMENT, what, None);
    }
    Some((name?, spec))
}

/// The spellings of the least size.
const LEAST: &[&str] = &["min_size", "minSize", "min"];

/// Where a pool says its least size.
fn least(node: &Node) -> Option<Mark> {
    let said = LEAST.iter().find_map(|key| node.get(key));
    said.map(|node| node.at)
}

fn fields(map: &mut Fields<'_>, findings: &mut Findings) -> PoolSpec {
    let mut spec = PoolSpec {
        description: map.text(&["description"], findings).unwrap_or_default(),
        ..PoolSpec::default()
    };
    spec.agents.extend(map.name(&["agent"], findings));
    if let Some(node) = map.node(&["agents"], findings) {
        let items = node.items();
        let names = items.iter();
        spec.agents
            .extend(names.filter_map(|item| reader::name(item, "agents", findings)));
    }
    let mut size = |names: &[&'static str]| {
        let found = map.whole(names, (1, i64::from(POOL_SIZE_MAX)), findings);
        found.and_then(|n| u32::try_from(n).ok())
    };
    let own = size(&["size"]);
    spec.size_min = size(LEAST);
    spec.size_max = size(&["max_size", "maxSize", "max"]);
    let quorum = size(&["quorum"]);
    spec.quorum = quorum;
    spec.size = own.unwrap_or_else(|| {
        let most = spec.size_max.unwrap_or(spec.size);
        spec.size.max(spec.size_min.unwrap_or(1)).min(most)
    });
    if let Some(word) = map.word(&["strategy"], Strategy::WORDS, findings) {
        spec.strategy = Strategy::parse(word).unwrap_or_default();
    }
    if let Some(word) = map.word(&["merge"], Merge::WORDS, findings) {
        spec.merge = Merge::parse(word).unwrap_or_default();
    }
    if let Some(node) = map.node(&["auto_scale", "autoScale", "autoscale"], findings) {
        auto_scale(node, &mut spec, findings);
    }
    spec
}

/// How much work there is for each worker, in hundredths: `0.8`, `80%`, `2`.
fn load(map: &mut Fields<'_>, names: &[&'static str], findings: &mut Findings) -> Option<u32> {
    let node = map.node(names, findings)?;
    let hundredths = match &node.value {
        Value::Whole(text) | Value::Number(text) => amounts::decimal(text, 2),
        Value::Text(text) => match text.strip_suffix('%') {
            Some(percent) => amounts::decimal(percent.trim(), 0),
            None => amounts::decimal(text, 2),
        },
        _ => None,
    };
    let found = hundredths.and_then(|hundredths| u32::try_from(hundredths).ok());
    if found.is_none() {
        let what = format!("`{}` is how many tasks there are for each worker", names[0]);
        let help = "write 0.8, 80% or 2: with at most two decimals";
        findings.error_help(node.at, what, help);
    }
    found
}

fn auto_scale(node: &Node, spec: &mut PoolSpec, findings: &mut Findings) {
    if let Value::Bool(on) = &node.value {
        spec.auto_scale = *on;
        return;
    }
    let Some(mut map) = Fields::of(node, "`auto_scale`", findings) else {
        return;
    };
    spec.auto_scale = map.bool(&["enabled"], findings).unwrap_or(true);
    let up = load(
        &mut map,
        &["scale_up_threshold", "scaleUpThreshold"],
        findings,
    );
    let down = load(
        &mut map,
        &["scale_down_threshold", "scaleDownThreshold"],
        findings,
    );
    let cooldown = map.span(&["cooldown", "cool_down", "coolDown"], 1_000, findings);
    map.finish(findings);
    if up.is_some() || down.is_some() || cooldown.is_some() {
        let usual = Scaling::default();
        let up = up.unwrap_or(usual.up.max(down.unwrap_or(0).saturating_mul(2)));
        let scaling = Scaling {
            up,
            down: down.unwrap_or(usual.down.min(up / 2)),
            cooldown: cooldown.unwrap_or(usual.cooldown),
        };
        if let Err(what) = scaling.check() {
            findings.error(node.at, what);
        }
        if !spec.auto_scale {
            let help = "write `enabled: true`, or leave the thresholds out";
            findings.warn(
                node.at,
                "what doesn't scale by itself has no thresholds",
                help,
            );
        }
        spec.scaling = Some(scaling);
    }
    if spec.auto_scale && spec.size_max.is_none() {
        spec.size_max = Some(POOL_SIZE_MAX);
    }
}
