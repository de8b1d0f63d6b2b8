//! What can't be right as it is written, told with its places.

use naos_reading::words::fold;
use serde_json::Value;

use super::{cites, list, text, with_currency};
use crate::material::Material;
use crate::words::Words;

/// Everything of a group that can't be right and concerns the client, one line each.
pub fn doubts(material: &Material, group: &Value, words: &Words) -> Vec<String> {
    let theirs = |doubt: &&Value| {
        let about = material.about.as_deref();
        let mut parties = list(doubt, "parties").filter_map(Value::as_str).peekable();
        let Some(about) = about.filter(|_| parties.peek().is_some()) else {
            return true;
        };
        parties.any(|party| fold(party) == fold(about))
    };
    let all = list(group, "doubts").filter(theirs);
    all.filter_map(|doubt| line(doubt, words)).collect()
}

fn line(doubt: &Value, words: &Words) -> Option<String> {
    let values: Vec<&str> = list(doubt, "values").filter_map(Value::as_str).collect();
    let amount = |at: usize| with_currency(words, values[at], text(doubt, "currency"));
    let (said, values) = match (text(doubt, "code"), values.as_slice()) {
        ("tax-sum", [_, _, _]) => (words.tax_sum, vec![amount(0), amount(1), amount(2)]),
        ("overpaid", [_, _]) => (words.overpaid_row, vec![amount(0), amount(1)]),
        ("due-before", [due, date]) => (
            words.due_before,
            vec![(*due).to_owned(), (*date).to_owned()],
        ),
        ("negative-hours", [hours]) => (words.negative_hours, vec![words.amount(hours)]),
        ("long-day", [hours]) => (words.long_day, vec![words.amount(hours)]),
        ("mixed-days", [column, count]) => (
            words.mixed_days,
            vec![(*column).to_owned(), (*count).to_owned()],
        ),
        ("two-currencies", [names]) => (words.two_currencies, vec![(*names).to_owned()]),
        _ => return None,
    };
    let mut said = said.to_owned();
    for value in values {
        said = said.replacen("{}", &value, 1);
    }
    let of = match text(doubt, "of") {
        "" => String::new(),
        of => format!("{of}: "),
    };
    let count = doubt
        .get("count")
        .and_then(Value::as_u64)
        .unwrap_or_default();
    let more = if count > list(doubt, "cites").count() as u64 {
        ", …"
    } else {
        ""
    };
    Some(format!(
        "- {}: {of}{said}{more} ({})",
        words.doubt,
        cites(doubt)
    ))
}
