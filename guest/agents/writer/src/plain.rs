//! Quoted text without what steers a screen: a report is read in terminals, editors and browsers.

use naos_reading::findings::{Finding, Findings};
use serde_json::Value;

/// The text without control characters and marks of direction; a tab or line end is a space.
#[must_use]
pub fn text(text: &str) -> String {
    let kept = |letter: char| match letter {
        '\t' | '\n' | '\r' => Some(' '),
        '\u{61c}' | '\u{200e}' | '\u{200f}' => None,
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => None,
        letter if letter.is_control() => None,
        letter => Some(letter),
    };
    text.chars().filter_map(kept).collect()
}

/// Every text of a value.
pub fn value(value: &mut Value) {
    match value {
        Value::String(inner) => *inner = text(inner),
        Value::Array(items) => items.iter_mut().for_each(self::value),
        Value::Object(fields) => fields.values_mut().for_each(self::value),
        _ => {}
    }
}

/// What findings quote.
pub fn findings(found: &mut Findings) {
    let lists = [
        &mut found.decisions,
        &mut found.questions,
        &mut found.deadlines,
    ];
    let mend = |finding: &mut Finding| {
        finding.text = text(&finding.text);
        finding.who = finding.who.as_deref().map(text);
        finding.due = finding.due.as_deref().map(text);
    };
    lists.into_iter().flatten().for_each(mend);
    found.notes = found.notes.iter().map(|note| text(note)).collect();
}
