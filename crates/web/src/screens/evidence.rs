//! What a reviewer found, as the pages of approvals and of tasks show it.

use naos_engine::read::Reader;
use naos_types::BodyRef;
use serde_json::Value;

use super::rows;
use crate::api::v1::reviewed::{Looked, Reviewed};
use crate::pages::approval::{Checked, Evidence};
use crate::pages::document::Citation;
use crate::pages::words::Verdict;

/// How many findings of a reviewer are shown.
const FINDINGS_MAX: usize = 50;

/// What the reviewer found: one for each of its findings, or its verdict as a whole.
pub(super) fn of(reader: &Reader, answer: Option<&BodyRef>, by: Option<Reviewed>) -> Vec<Evidence> {
    let text = answer.map_or_else(String::new, |body| reader.shown(body));
    let said = naos_kernel::review::said(&text);
    let said = said.or_else(|| serde_json::from_str(&text).ok());
    let said: Value = said.unwrap_or(Value::Null);
    let edited = by.as_ref().is_some_and(|by| by.edited);
    let found = by.map(rows::found);
    let (reviewer, verdict) = found.unwrap_or_else(|| ("reviewer".into(), Verdict::Unread));
    // What is listed is what speaks against it, unless its reviewer praised it for that.
    let of_each = match verdict {
        Verdict::Praised => Verdict::Praised,
        Verdict::Refuted | Verdict::Unread => Verdict::Refuted,
    };
    let finding = |value: &Value| Evidence {
        reviewer: reviewer.clone(),
        verdict: of_each,
        reason: words_of(value),
        citations: cited(value),
        edited,
    };
    let lists = ["evidence", "findings"]
        .iter()
        .filter_map(|key| said[key].as_array());
    let findings: Vec<Evidence> = lists.flatten().take(FINDINGS_MAX).map(finding).collect();
    if !findings.is_empty() {
        return findings;
    }
    let reason = match words_of(&said) {
        empty if empty.is_empty() && said.is_null() => text,
        words => words,
    };
    vec![Evidence {
        reviewer,
        verdict,
        reason,
        citations: cited(&said),
        edited,
    }]
}

/// What was looked at without a model, as the pages show it.
pub(super) fn checks(all: Vec<Looked>) -> Vec<Checked> {
    let shown = |one: Looked| {
        let said = one.found.iter().chain(&one.message).cloned();
        Checked {
            says: one.cited(),
            passed: one.passed,
            edited: one.edited,
            found: said.collect::<Vec<_>>().join(". "),
        }
    };
    all.into_iter().map(shown).collect()
}

/// The sentence in what a reviewer said, whatever it is called there.
fn words_of(value: &Value) -> String {
    let keys = ["reason", "what", "why", "summary", "problem", "message"];
    let found = keys.iter().find_map(|key| value[key].as_str());
    found.or(value.as_str()).unwrap_or_default().to_owned()
}

fn cited(value: &Value) -> Vec<Citation> {
    let cite = value["cite"].as_str().and_then(|cite| {
        let (file, line) = cite.rsplit_once(':')?;
        Some((file, line.parse().ok()?))
    });
    if let Some((file, line)) = cite {
        let claim = value["source"].as_str().or(value["claim"].as_str());
        return vec![Citation::new(file, line, claim.unwrap_or_default(), None)];
    }
    let quote = ["quote", "excerpt"]
        .iter()
        .find_map(|key| value[key].as_str());
    match (value["file"].as_str(), value["line"].as_u64()) {
        (Some(file), Some(line)) => {
            let line = u32::try_from(line).unwrap_or(u32::MAX);
            vec![Citation::new(file, line, quote.unwrap_or_default(), None)]
        }
        _ => Vec::new(),
    }
}
