//! I write the weekly client report as Markdown from a researcher's findings and an analyzer's
//! figures, with a citation `(file:line)` behind every claim. With `feedback` (a reviewer's
//! refutation) I mend exactly what was refuted.
//! I work by rules, without a model: I arrange what was found and write no opinion.
//! Start at [`handle`].

mod left_out;
mod material;
mod money;
mod notes;
mod plain;
mod prose;
pub mod words;

use naos_agent::limits;
use naos_reading::findings::Finding;
use naos_reading::input::Input;

use material::Material;
use words::Words;

naos_agent::export!(handle);

/// The sections, in the order in which they stand where no layout says otherwise.
const SECTIONS: &[&str] = &[
    "summary",
    "decisions",
    "questions",
    "deadlines",
    "money",
    "hours",
    "next",
];

/// Writes the report and answers with Markdown.
///
/// # Errors
/// A sentence when the input is too large, or holds neither findings nor analysis.
pub fn handle(input: &str) -> Result<String, String> {
    limits::input(input)?;
    let input = Input::parse(input)?;
    let material = Material::of(&input);
    if material.findings.is_empty() && material.analysis.is_empty() {
        let why = "nothing to report: hand over `findings` (a researcher's answers) or \
                   `analysis` (an analyzer's answers)";
        return Err(why.to_owned());
    }
    let words = Words::of(material.language);
    let mut report = format!("# {} — {}\n\n", words.title, material.client);
    if let Some((from, to)) = &material.period {
        report.push_str(&format!("{} {from} — {to}\n\n", words.period));
    }
    report.push_str(&format!("*{}*\n\n", words.how_made));
    for id in material.sections() {
        let section = section(id, &material, &words);
        report.push_str(&format!("## {}\n\n", words.heading(id)));
        let other = material.outside_the_period(id);
        match (section.is_empty(), other) {
            (false, _) => report.push_str(&section),
            (true, 0) => report.push_str(words.nothing),
            (true, _) => report.push_str(&format!(
                "{} {other} {}",
                words.nothing_in_period, words.outside_it
            )),
        }
        report.push_str(if section.is_empty() { "\n\n" } else { "\n" });
    }
    report.push_str(&left_out::section(&material, &words));
    limits::output(report)
}

fn section(id: &str, material: &Material, words: &Words) -> String {
    match id {
        "summary" => prose::summary(material, words),
        "decisions" => {
            let reversals = material.reversals();
            let line = |it: &&Finding| {
                let reversal = reversals.get(it.cite.as_str()).copied();
                prose::decision(it, reversal, words)
            };
            prose::list(&material.decisions(), material, words, line)
        }
        "questions" => prose::questions(material, words),
        "deadlines" => {
            let line = |it: &&_| prose::deadline(it, material, words);
            prose::list(&material.deadlines(), material, words, line)
        }
        "money" => money::section(material, words),
        "hours" => money::hours(material, words),
        "next" => prose::next(material, words),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests;
