//! The last section: what isn't in the report, so that nobody takes it for all there is.

use serde_json::Value;

use crate::material::Material;
use crate::notes::told;
use crate::words::Words;

/// Most lines of the section.
const LINES_MAX: usize = 50;

/// The section with its heading; empty where nothing was left out. Its items begin with `+`:
/// they are no claims about the sources, so they cite none.
pub fn section(material: &Material, words: &Words) -> String {
    let about = material.about.as_deref().unwrap_or_default();
    let mut lines = Vec::new();
    let kinds = [
        words.decisions_elsewhere,
        words.questions_elsewhere,
        words.deadlines_elsewhere,
    ];
    let cut = [
        material.is_cut(|more| more.decisions),
        material.is_cut(|more| more.open),
        material.is_cut(|more| more.deadlines),
    ];
    let counts = material.findings_elsewhere().into_iter().zip(cut);
    let counts = counts.zip(kinds).filter(|((count, _), _)| *count > 0);
    let counts: Vec<String> = counts
        .map(|((count, cut), kind)| format!("{} {kind}", words.at_least(count, cut)))
        .collect();
    if !counts.is_empty() {
        lines.push(format!("{} {} {about}", counts.join(", "), words.elsewhere));
    }
    match material.rows_elsewhere() {
        0 => {}
        count => lines.push(format!("{count} {} {about}", words.rows_elsewhere)),
    }
    let (known, left_out) = (lines.len(), &material.left_out);
    let left_out = left_out.iter().map(|(path, why)| format!("{path} ({why})"));
    lines.extend(left_out.map(|line| told(&line, words)));
    for note in notes(material).map(|note| told(&note, words)) {
        if !lines[known..].contains(&note) {
            lines.push(note);
        }
    }
    if lines.is_empty() {
        return String::new();
    }
    let more = lines.len().saturating_sub(LINES_MAX);
    lines.truncate(LINES_MAX);
    if more > 0 {
        lines.push(format!("{more} {}", words.more));
    }
    let lines: Vec<String> = lines.iter().map(|line| format!("+ {line}\n")).collect();
    format!("## {}\n\n{}\n", words.left_out, lines.concat())
}

/// What researchers and analyzers say they could not read.
fn notes(material: &Material) -> impl Iterator<Item = String> {
    // What can't be counted comes first: there are fewer of these, and they weigh more.
    let researchers = material.findings.iter().flat_map(|it| it.notes.clone());
    let analyzers = material.analysis.iter().flat_map(|it| {
        let notes = it.get("notes").and_then(Value::as_array);
        let notes = notes.map_or(&[][..], Vec::as_slice);
        notes.iter().filter_map(Value::as_str).map(str::to_owned)
    });
    analyzers.chain(researchers)
}
