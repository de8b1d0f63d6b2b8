//! Spending limits, in all their spellings.

use naos_types::spec::{BudgetSpec, OnExceed};
use naos_types::{Micros, Period};

use crate::amounts;
use crate::diagnostic::Findings;
use crate::reader::{self, Fields};
use crate::tree::{Node, Value};

const LIMIT_KEYS: &[&str] = &["limit", "budget"];
const DAILY: &[&str] = &["daily", "dailyCents", "daily_cents"];
const MONTHLY: &[&str] = &["monthly", "monthlyCents", "monthly_cents"];
const ON_EXCEED: &[&str] = &["on_exceed", "onExceed", "action", "enforcement"];
const ALERT: &[&str] = &["alert_at", "alertAt", "alert_percent", "alert_threshold"];

/// A limit: `"$10/day"`, a number of cents a day, or a map.
pub(crate) fn read(node: &Node, findings: &mut Findings) -> Option<BudgetSpec> {
    match &node.value {
        Value::Map(_) => {
            let mut map = Fields::of(node, "a budget", findings)?;
            let found = fields(&mut map, findings);
            map.finish(findings);
            if found.is_none() && findings.errors.is_empty() {
                findings.error_help(node.at, "`limit` is missing", "write `limit: $10/day`");
            }
            found
        }
        _ => {
            let (limit, period) = amount(node, "budget", findings)?;
            Some(with(limit, period.unwrap_or(Period::Day)))
        }
    }
}

const fn with(limit: Micros, period: Period) -> BudgetSpec {
    BudgetSpec {
        limit,
        period,
        on_exceed: OnExceed::Pause,
        alert_percent: 80,
    }
}

/// The keys of a budget; `None` where no limit is among them.
pub(crate) fn fields(map: &mut Fields<'_>, findings: &mut Findings) -> Option<BudgetSpec> {
    let period = map
        .node(&["period"], findings)
        .and_then(|node| period(node, findings));
    let limit = money(map, LIMIT_KEYS, findings);
    let daily = money(map, DAILY, findings);
    let monthly = money(map, MONTHLY, findings);
    let on_exceed = map
        .node(ON_EXCEED, findings)
        .and_then(|node| on_exceed(node, findings));
    let alert = map
        .node(ALERT, findings)
        .and_then(|node| percent(node, findings));
    let hard = map.bool(&["hard_limit", "hardLimit"], findings);
    map.skip(&["alerts"]);
    let (amount, own) = match (limit, daily, monthly) {
        (Some((amount, own)), None, None) => (amount, own.or(period).unwrap_or(Period::Day)),
        (None, Some((amount, _)), None) => (amount, Period::Day),
        (None, None, Some((amount, _))) => (amount, Period::Month),
        (None, Some((amount, _)), Some(_)) => {
            let help = "the monthly one is kept and not enforced by this version";
            findings.warn(
                map.at,
                "a budget has one period: the daily limit holds",
                help,
            );
            (amount, Period::Day)
        }
        (Some(_), ..) => {
            findings.error_help(
                map.at,
                "`limit` and `daily` or `monthly`",
                "keep one of them",
            );
            return None;
        }
        (None, None, None) => return None,
    };
    let mut spec = with(amount, own);
    if let (Some((_, Some(own))), Some(said)) = (limit, period)
        && own != said
    {
        findings.error(map.at, "`limit` and `period` name two periods");
    }
    spec.on_exceed = on_exceed.unwrap_or(match hard {
        Some(false) => OnExceed::Alert,
        _ => OnExceed::Pause,
    });
    spec.alert_percent = alert.unwrap_or(80);
    Some(spec)
}

/// The money under one of some keys, told by the key that was written.
fn money(
    map: &mut Fields<'_>,
    keys: &[&'static str],
    findings: &mut Findings,
) -> Option<(Micros, Option<Period>)> {
    let (key, node) = map.said(keys, findings)?;
    amount(node, key, findings)
}

/// Money with or without a period; a bare whole number is cents, one with decimals is not.
fn amount(node: &Node, key: &str, findings: &mut Findings) -> Option<(Micros, Option<Period>)> {
    let found = match &node.value {
        Value::Whole(text) => amounts::decimal(text, 4).map(|micros| (Micros(micros), None)),
        Value::Number(text) | Value::Text(text) => amounts::budget(text),
        _ => None,
    };
    if found.is_none() {
        let what = format!("`{key}` is money such as $10/day, or a number of cents");
        findings.error(node.at, what);
    }
    found
}

fn period(node: &Node, findings: &mut Findings) -> Option<Period> {
    let word = reader::text(node, "period", findings)?;
    let found = amounts::period(&word);
    if found.is_none() {
        let what = format!("`period` can't be {word:?}");
        findings.error_help(node.at, what, "known here: day, month, total");
    }
    found
}

fn on_exceed(node: &Node, findings: &mut Findings) -> Option<OnExceed> {
    const WORDS: &[&str] = &[
        "pause", "hold", "alert", "warn", "stop", "throttle", "reject", "approve", "hard", "soft",
    ];
    match reader::word(node, "on_exceed", WORDS, findings)? {
        "hold" | "approve" => Some(OnExceed::Hold),
        "alert" | "warn" | "soft" => Some(OnExceed::Alert),
        "throttle" => {
            let help = "the agent pauses at its limit instead";
            findings.warn(node.at, "`throttle` isn't there in this version", help);
            Some(OnExceed::Pause)
        }
        _ => Some(OnExceed::Pause),
    }
}

/// `80`, `0.8`, `80%`.
fn percent(node: &Node, findings: &mut Findings) -> Option<u8> {
    let found = match &node.value {
        Value::Whole(text) => text.parse::<u64>().ok(),
        Value::Number(text) => amounts::decimal(text, 2),
        Value::Text(text) => text.strip_suffix('%').and_then(|n| n.trim().parse().ok()),
        _ => None,
    };
    let fits = found
        .and_then(|n| u8::try_from(n).ok())
        .filter(|n| *n <= 100);
    if fits.is_none() {
        findings.error(node.at, "a share of the limit is written 80, 0.8 or 80%");
    }
    fits
}
