//! What came of setting payments against invoices.

use naos_reading::words::fold;
use serde_json::Value;

use super::{cites, is_theirs, list, text, with_currency};
use crate::material::Material;
use crate::words::Words;

/// Most lines of one kind.
const LINES_MAX: usize = 30;

/// How many invoices are paid, which are in part or too much, and which payments are for none.
pub fn settled(material: &Material, group: &Value, words: &Words) -> Vec<String> {
    let Some(settled) = group.get("settled") else {
        return Vec::new();
    };
    let mut counts = [0; 4];
    let about = material.about.as_deref().map(fold);
    let all = settled.get("counts").and_then(Value::as_object);
    for (party, found) in all.into_iter().flatten() {
        if about.as_ref().is_none_or(|about| about == party) {
            let found = found.as_array().into_iter().flatten();
            for (count, more) in counts.iter_mut().zip(found) {
                *count += more.as_u64().unwrap_or_default();
            }
        }
    }
    let mut lines = Vec::new();
    if counts != [0; 4] {
        let kinds = [
            words.paid_full,
            words.paid_part,
            words.paid_over,
            words.paid_none,
        ];
        let told = counts.iter().zip(kinds).filter(|(count, _)| **count > 0);
        let told: Vec<String> = told
            .map(|(count, kind)| format!("{count} {kind}"))
            .collect();
        let (heading, told) = (words.by_payments, told.join(", "));
        lines.push(format!("- {heading}: {told} ({})", cites(settled)));
    }
    let ours = |field: &'static str| list(settled, field).filter(|it| is_theirs(material, it));
    let mut more = settled
        .get("more")
        .and_then(Value::as_u64)
        .unwrap_or_default();
    for field in ["items", "apart"] {
        more += ours(field).count().saturating_sub(LINES_MAX) as u64;
    }
    for item in ours("items").take(LINES_MAX) {
        let amount = |field: &str| with_currency(words, text(item, field), text(item, "currency"));
        let over = item.get("over").and_then(Value::as_bool) == Some(true);
        let (heading, rest) = match over {
            true => (words.over, words.too_much),
            false => (words.in_part, words.open),
        };
        lines.push(format!(
            "- {heading}: {}, {} {} {}, {} {rest} ({})",
            text(item, "number"),
            amount("received"),
            words.of,
            amount("billed"),
            amount("rest"),
            cites(item)
        ));
    }
    for item in ours("apart").take(LINES_MAX) {
        let why = match text(item, "why") {
            "several" => words.apart_several,
            "currency" => words.apart_currency,
            _ => words.apart_unknown,
        };
        let amount = with_currency(words, text(item, "amount"), text(item, "currency"));
        let number = text(item, "number");
        lines.push(format!("- {why}: {number}, {amount} ({})", cites(item)));
    }
    if more > 0 {
        let (heading, told) = (words.by_payments, words.not_listed);
        let places = list(settled, "cites").chain(list(group, "files"));
        let place = places.filter_map(Value::as_str).next().unwrap_or_default();
        let line = if place.contains(':') { "" } else { ":1" };
        lines.push(format!("- {heading}: {more} {told} ({place}{line})"));
    }
    lines
}
