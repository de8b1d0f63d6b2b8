//! The sections that are made of findings.

use naos_reading::findings::Finding;

use crate::material::Material;
use crate::words::Words;

/// Most items of the summary's and the next steps' lists.
const NEXT_MAX: usize = 12;

/// One decision as a line.
pub fn decision(finding: &Finding) -> String {
    let by = match (&finding.who, finding.date) {
        (Some(who), Some(date)) => format!(" — {who}, {date}"),
        (Some(who), None) => format!(" — {who}"),
        (None, Some(date)) => format!(" — {date}"),
        (None, None) => String::new(),
    };
    format!("- {}{by} ({})", finding.text, finding.cite)
}

/// One open question as a line.
pub fn question(finding: &Finding, words: &Words) -> String {
    let by = finding
        .who
        .as_deref()
        .map(|who| format!(" — {} {who}", words.asked_by));
    format!(
        "- {}{} ({})",
        finding.text,
        by.unwrap_or_default(),
        finding.cite
    )
}

/// One deadline as a line, its day first.
pub fn deadline(finding: &Finding) -> String {
    let due = finding.due.as_deref().unwrap_or("?");
    let who = finding
        .who
        .as_deref()
        .map(|who| format!(" — {who}"))
        .unwrap_or_default();
    format!("- **{due}** — {}{who} ({})", finding.text, finding.cite)
}

/// The first section: counts with one place each, and what comes first.
pub fn summary(material: &Material, words: &Words) -> String {
    let mut text = String::new();
    for (count, name, first) in [
        (
            material.decisions().len(),
            words.decisions,
            material.decisions().first().copied(),
        ),
        (
            material.questions().len(),
            words.questions,
            material.questions().first().copied(),
        ),
    ] {
        if let Some(first) = first {
            text.push_str(&format!(
                "- {count} {name}: « {} » ({})\n",
                first.text, first.cite
            ));
        }
    }
    if let Some(next) = material.ahead().first().or(material.deadlines().last()) {
        let due = next.due.as_deref().unwrap_or("?");
        text.push_str(&format!(
            "- {} **{due}** — {} ({})\n",
            words.next_deadline, next.text, next.cite
        ));
    }
    text.push_str(&crate::money::headline(material, words));
    text
}

/// What has to be done: what is due later, then what has to be answered.
pub fn next(material: &Material, words: &Words) -> String {
    let due = material.ahead().into_iter().map(deadline);
    let answers = material
        .questions()
        .into_iter()
        .map(|question| format!("- {} {} ({})", words.answer, question.text, question.cite));
    let checks = crate::money::checks(material, words).into_iter();
    let lines: Vec<String> = due
        .take(NEXT_MAX)
        .chain(checks)
        .chain(answers.take(NEXT_MAX))
        .collect();
    let kept = lines.iter().filter(|line| !material.is_refuted(line, ""));
    kept.map(|line| format!("{line}\n")).collect()
}
