//! The figures of a report against the analysis: sums, duplicates, and amounts that look wrong.

use std::collections::BTreeSet;

use naos_reading::dates::Date;
use naos_reading::decimal::{Decimal, Point};
use naos_reading::words::fold;
use serde_json::Value;

use crate::Evidence;
use crate::claims::Claim;
use crate::sources::{Sources, amounts};

/// Numbers below this are counts and days, not sums of money.
const SUM_DIGITS_MIN: usize = 4;
/// A slip of the finger is one digit too many or too few.
const SLIPS: &[(i128, bool)] = &[(10, false), (10, true), (100, false), (100, true)];

/// Everything that is wrong with the figures; of the invoices, with the client's own.
#[must_use]
pub fn check(
    claims: &[Claim],
    analysis: &[Value],
    sources: &Sources,
    client: Option<&str>,
) -> Vec<Evidence> {
    if analysis.is_empty() {
        return Vec::new();
    }
    let mut known = BTreeSet::new();
    analysis.iter().for_each(|it| numbers(it, &mut known));
    let mut evidence = Vec::new();
    for claim in claims.iter().filter(|claim| !claim.from_skill) {
        evidence.extend(counted_twice(claim, analysis));
        evidence.extend(unknown_sum(claim, &known, sources));
    }
    evidence.extend(contradicted(claims, analysis, sources, client));
    evidence
}

/// All numbers of the analysis, written as [`amounts`] writes them.
fn numbers(value: &Value, known: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => known.extend(amounts(text)),
        Value::Number(number) => known.extend(amounts(&number.to_string())),
        Value::Array(items) => items.iter().for_each(|it| numbers(it, known)),
        Value::Object(fields) => fields.values().for_each(|it| numbers(it, known)),
        _ => {}
    }
}

fn sums(analysis: &[Value]) -> impl Iterator<Item = &Value> {
    groups(analysis)
        .flat_map(|group| items(group, "scopes"))
        .flat_map(|scope| items(scope, "totals"))
}

fn groups(analysis: &[Value]) -> impl Iterator<Item = &Value> {
    analysis.iter().flat_map(|it| items(it, "groups"))
}

fn items<'a>(value: &'a Value, field: &str) -> impl Iterator<Item = &'a Value> {
    value
        .get(field)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// Whether a claim is about rows that are there twice: it holds the amount of one, and no sum.
fn names_copies(claim: &Claim, analysis: &[Value]) -> bool {
    let cited: Vec<String> = claim.cites.iter().map(crate::claims::Cite::shown).collect();
    let said = amounts(&claim.said);
    let holds_all = |row: &Value| {
        let amount = amounts(text(row, "amount"));
        if amount.is_empty() || !amount.iter().all(|it| said.contains(it)) {
            return false;
        }
        let places: Vec<&str> = items(row, "cites").filter_map(Value::as_str).collect();
        cited.iter().all(|it| places.contains(&it.as_str()))
    };
    let mut rows = groups(analysis).flat_map(|group| items(group, "duplicates"));
    cited.len() > 1 && rows.any(holds_all)
}

/// A sum with duplicates, without the one that has none beside it. Another may come to the same
/// without any: then nothing says that it is this one.
fn counted_twice(claim: &Claim, analysis: &[Value]) -> Option<Evidence> {
    let said = amounts(&claim.said);
    let holds = |sum: &str| amounts(sum).iter().all(|it| said.contains(it));
    let is_another = |all: &str| {
        let all = amounts(all);
        sums(analysis).any(|sum| amounts(text(sum, "without_duplicates")) == all)
    };
    if names_copies(claim, analysis) {
        return None;
    }
    let sum = sums(analysis).find(|sum| {
        let (all, once) = (
            text(sum, "with_duplicates"),
            text(sum, "without_duplicates"),
        );
        let counts = all != once && all.len() >= SUM_DIGITS_MIN;
        counts && is_in(claim, sum) && holds(all) && !holds(once) && !is_another(all)
    })?;
    let once = text(sum, "without_duplicates").to_owned();
    Some(Evidence {
        code: "double-counted",
        claim: claim.text.clone(),
        cite: claim.cites.first().map(crate::claims::Cite::shown),
        why: format!(
            "this {} counts a duplicate twice: without it, it is {once}",
            text(sum, "column")
        ),
        expected: Some(once),
        source: None,
    })
}

/// Whether a claim cites a file that a sum is over; a sum that names none may be any.
fn is_in(claim: &Claim, sum: &Value) -> bool {
    let mut files = items(sum, "files").filter_map(Value::as_str).peekable();
    files.peek().is_none() || files.any(|file| claim.cites.iter().any(|cite| cite.path == file))
}

/// A sum that is neither in the analysis nor in a cited line, nor follows from one there.
fn unknown_sum(claim: &Claim, known: &BTreeSet<String>, sources: &Sources) -> Option<Evidence> {
    let cited: String = claim
        .cites
        .iter()
        .filter_map(|cite| sources.look(&cite.path, cite.line).ok())
        .collect::<Vec<_>>()
        .join("\n");
    let cited = amounts(&cited);
    // What was not handed over may well hold it.
    if claim.cites.iter().any(|cite| sources.is_unread(cite)) {
        return None;
    }
    // A correction is a total of the analysis less one amount, plus another: both are cited.
    let correction =
        claim.cites.len() > 1 && claim.said.contains("orrect") || claim.said.contains("orrigé");
    let said = amounts(&without_counts(&without_days(&claim.said)));
    let unknown = said.into_iter().find(|number| {
        let digits = number.chars().filter(char::is_ascii_digit).count();
        digits >= SUM_DIGITS_MIN && !known.contains(number) && !cited.contains(number)
    })?;
    if correction || sources.is_empty() {
        return None;
    }
    Some(Evidence {
        code: "wrong-total",
        claim: claim.text.clone(),
        cite: claim.cites.first().map(crate::claims::Cite::shown),
        why: format!("{unknown} is neither in the analysis nor in the cited line"),
        ..Evidence::default()
    })
}

/// Without days as reports write them ("2027-01-08"): the year of one is no sum. Whether the day is
/// right is asked elsewhere.
fn without_days(said: &str) -> String {
    let is_day = |word: &str| {
        let word = word.trim_matches(|it: char| !it.is_ascii_digit());
        word.len() == "2027-01-08".len() && Date::parse_iso(word).is_some()
    };
    let words: Vec<&str> = said.split(' ').filter(|word| !is_day(word)).collect();
    words.join(" ")
}

/// Without whole numbers that count what follows them ("1200 questions"): an amount stands alone,
/// before its currency or with its fraction.
fn without_counts(said: &str) -> String {
    let mut words = said.split(' ').peekable();
    let mut kept = Vec::new();
    while let Some(word) = words.next() {
        let whole = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
        let counts = words
            .peek()
            .is_some_and(|next| next.starts_with(char::is_lowercase));
        if !(whole && counts) {
            kept.push(word);
        }
    }
    kept.join(" ")
}

/// An amount that is far from all others and that a mail gives with one digit less or more.
fn contradicted(
    claims: &[Claim],
    analysis: &[Value],
    sources: &Sources,
    client: Option<&str>,
) -> Vec<Evidence> {
    let mut evidence = Vec::new();
    // Small numbers are found in any mail: only sums of money are held against what mails say.
    let invoices = groups(analysis).filter(|group| text(group, "kind") == "invoices");
    for outlier in invoices.flat_map(|group| items(group, "outliers")) {
        let (cite, party) = (text(outlier, "cite"), text(outlier, "party"));
        if client.is_some_and(|client| !party.is_empty() && fold(party) != fold(client)) {
            continue; // somebody else's invoice is no matter of this report
        }
        let about = [text(outlier, "number"), text(outlier, "party")];
        let about: Vec<&str> = about.into_iter().filter(|it| !it.is_empty()).collect();
        let value = Decimal::parse(text(outlier, "value"), Point::Dot).map(|(value, _)| value);
        let Some((expected, source)) = value.and_then(|value| truth(value, &about, sources)) else {
            continue;
        };
        // Said already: a claim names both the amount's place and the source that contradicts it.
        let said = claims.iter().any(|claim| {
            let places: Vec<String> = claim.cites.iter().map(crate::claims::Cite::shown).collect();
            places.iter().any(|it| it == cite) && places.contains(&source)
        });
        let claim = claims
            .iter()
            .find(|claim| claim.cites.iter().any(|it| it.shown() == cite));
        if said || claim.is_none() && !concerns(claims, outlier) {
            continue;
        }
        evidence.push(Evidence {
            code: "contradicted-amount",
            claim: claim.map(|claim| claim.text.clone()).unwrap_or_default(),
            cite: Some(cite.to_owned()),
            why: format!(
                "{cite} has {}, but {source} says {expected}",
                text(outlier, "value")
            ),
            expected: Some(expected),
            source: Some(source),
        });
    }
    evidence
}

/// The amount is part of a sum that the report gives.
fn concerns(claims: &[Claim], outlier: &Value) -> bool {
    let file = text(outlier, "cite")
        .rsplit_once(':')
        .map_or("", |(file, _)| file);
    claims
        .iter()
        .any(|claim| claim.cites.iter().any(|cite| cite.path == file))
}

fn truth(value: Decimal, about: &[&str], sources: &Sources) -> Option<(String, String)> {
    SLIPS.iter().find_map(|&(factor, up)| {
        let other = if up {
            value.times(factor)?
        } else {
            divided(value, factor)?
        };
        let plain = amounts(&other.to_string()).into_iter().next()?;
        let source = sources.who_says(&plain, about)?;
        Some((other.to_string(), source))
    })
}

/// Only where it comes out even.
fn divided(value: Decimal, factor: i128) -> Option<Decimal> {
    let part = value.over(usize::try_from(factor).ok()?)?;
    (part.times(factor)? == value).then(|| part.trimmed(value.scale()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_no_amounts() {
        for (said, expected) in [
            ("1234 questions, 1100 asked", "questions, asked"),
            ("Billed: 98,050,000.00 MGA", "Billed: 98,050,000.00 MGA"),
            ("4200000 Ar", "4200000 Ar"),
            ("it is 4200000", "it is 4200000"),
        ] {
            assert_eq!(without_counts(said), expected);
        }
    }
}
