//! I check a report against its sources: every citation has to be a real line with related
//! words, every amount has to be in the analysis or in the cited line, duplicates must not
//! count twice, no section may be missing, no claim may stand alone, and an amount that looks
//! wrong is held against what the mails say. I praise or refute, and refute with evidence only.
//! I work by rules, without a model: style and tone are not my business.
//! Start at [`handle`].

mod claims;
mod figures;
mod sources;

use naos_agent::limits;
use naos_reading::input::Input;
use naos_reading::nested;
use serde::Serialize;
use serde_json::Value;

use claims::Claim;
use sources::Sources;

naos_agent::export!(handle);

/// Most pieces of evidence in one answer.
const EVIDENCE_MAX: usize = 100;

/// One thing that is wrong, and why.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Evidence {
    /// Which rule is broken.
    pub code: &'static str,
    /// The line of the report, or the section that is missing.
    pub claim: String,
    /// The place it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cite: Option<String>,
    /// The reason, in a sentence.
    pub why: String,
    /// What the source says instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// Where it says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

#[derive(Debug, Serialize)]
struct Answer {
    verdict: &'static str,
    evidence: Vec<Evidence>,
    summary: String,
    notes: Vec<String>,
}

/// Sections that a report must have: English and French headings.
const SECTIONS: &[(&str, &[&str])] = &[
    ("summary", &["summary", "resume"]),
    ("decisions", &["decisions"]),
    ("questions", &["open questions", "questions ouvertes"]),
    ("deadlines", &["deadlines", "echeances"]),
    ("money", &["money", "finances"]),
    ("hours", &["hours", "heures"]),
    ("next", &["next steps", "prochaines etapes"]),
];

/// Checks a report and answers with JSON.
///
/// # Errors
/// A sentence when the input is too large or holds no report.
pub fn handle(input: &str) -> Result<String, String> {
    limits::input(input)?;
    let input = Input::parse(input)?;
    let report = input.word("report").or_else(|| {
        // A report handed over as plain text is checked for its form alone.
        input.files.first().map(|file| file.text.as_str())
    });
    let Some(report) = report.filter(|report| !report.trim().is_empty()) else {
        return Err("no report: hand over `report` (Markdown) and `sources`".to_owned());
    };
    let listed = input
        .rest
        .get("sources")
        .map(nested::unpacked)
        .unwrap_or_default();
    let all = input.rest.get("paths").map(nested::unpacked);
    let sources = Sources::of(&listed, &all.unwrap_or_default());
    let (analysis, _) = nested::many::<Value>(input.rest.get("analysis"));
    let claims = claims::read(report, &sources.odd_paths());
    let mut notes = input.notes.clone();
    if sources.is_empty() {
        notes.push("no `sources`: citations are checked for their form only".to_owned());
    }
    let mut evidence = missing_sections(report);
    for claim in &claims {
        evidence.extend(check(claim, &sources));
    }
    let client = input
        .word("client")
        .filter(|client| !client.trim().is_empty());
    evidence.extend(figures::check(&claims, &analysis, &sources, client));
    let unread = claims.iter().flat_map(|claim| &claim.cites);
    let unread = unread.filter(|cite| sources.is_unread(cite)).count();
    if unread > 0 {
        let why = "not checked: their files are too much to be handed over at once";
        notes.push(format!("{unread} citation(s) {why}"));
    }
    evidence.dedup_by(|right, left| {
        right.code == left.code && right.claim == left.claim && right.cite == left.cite
    });
    if evidence.len() > EVIDENCE_MAX {
        notes.push(format!(
            "{} more pieces of evidence left out",
            evidence.len() - EVIDENCE_MAX
        ));
        evidence.truncate(EVIDENCE_MAX);
    }
    let cites: usize = claims.iter().map(|claim| claim.cites.len()).sum();
    let verdict = if evidence.is_empty() {
        "praise"
    } else {
        "refute"
    };
    let summary = match evidence.first() {
        None if unread > 0 => format!(
            "{} claims and {} of {cites} citations checked: all of these hold",
            claims.len(),
            cites - unread
        ),
        None => format!(
            "{} claims and {cites} citations checked: all of them hold",
            claims.len()
        ),
        Some(first) => format!(
            "{} claims and {cites} citations checked, {} refuted; first: {}",
            claims.len(),
            evidence.len(),
            first.why
        ),
    };
    let answer = Answer {
        verdict,
        evidence,
        summary,
        notes,
    };
    let text = serde_json::to_string(&answer)
        .map_err(|why| format!("could not write the answer as JSON: {why}"))?;
    limits::output(text)
}

fn missing_sections(report: &str) -> Vec<Evidence> {
    let headings: Vec<String> = report
        .lines()
        .filter_map(|line| line.strip_prefix("## "))
        .map(|heading| naos_reading::words::fold(heading.trim()))
        .collect();
    let missing = |(id, names): &&(&'static str, &[&str])| {
        !headings
            .iter()
            .any(|heading| names.contains(&heading.as_str()) || heading == id)
    };
    let evidence = |(id, names): &(&'static str, &[&str])| Evidence {
        code: "missing-section",
        claim: (*id).to_owned(),
        why: format!("the report has no section `{}`", names[0]),
        ..Evidence::default()
    };
    SECTIONS.iter().filter(missing).map(evidence).collect()
}

/// What is wrong with one claim's citations.
fn check(claim: &Claim, sources: &Sources) -> Vec<Evidence> {
    if claim.cites.is_empty() && !claim.from_skill {
        let why = format!(
            "line {} of the report claims something and cites nothing",
            claim.line
        );
        let claim = claim.text.clone();
        return vec![Evidence {
            code: "missing-citation",
            claim,
            why,
            ..Evidence::default()
        }];
    }
    if sources.is_empty() {
        return Vec::new();
    }
    let refuted = |code, cite: &str, why: String| Evidence {
        code,
        claim: claim.text.clone(),
        cite: Some(cite.to_owned()),
        why,
        ..Evidence::default()
    };
    let mut evidence = Vec::new();
    let mut related = false;
    for cite in &claim.cites {
        if sources.is_unread(cite) {
            related = true;
            continue;
        }
        match sources.look(&cite.path, cite.line) {
            Err(why) => evidence.push(refuted("unresolved-citation", &cite.shown(), why)),
            // One place that has to do with it is enough: a claim may name very many.
            Ok(words) => related = related || sources.supports(&words, cite, &claim.said),
        }
    }
    if evidence.is_empty()
        && !related
        && let Some(first) = claim.cites.first()
    {
        let why = format!("{} says nothing of this", first.shown());
        evidence.push(refuted("unrelated-citation", &first.shown(), why));
    }
    evidence
}

#[cfg(test)]
mod tests;
