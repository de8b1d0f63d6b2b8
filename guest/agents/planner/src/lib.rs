//! I make an ordered plan from notes, from a researcher's findings or from an instruction:
//! steps with owner and day, what is open, what has no day yet. With `"want":"report-layout"`
//! I lay out a report instead: which finding goes into which section.
//! I work by rules, without a model: I order what was written and invent no step.
//! Start at [`handle`].

mod layout;
mod steps;

use naos_agent::limits;
use naos_reading::findings::{self, Findings};
use naos_reading::input::Input;
use naos_reading::{nested, page, strands};
use serde::Serialize;
use serde_json::Value;

naos_agent::export!(handle);

/// Makes a plan or a layout of what is handed over and answers with JSON.
///
/// # Errors
/// A sentence when the input or the answer is too large.
pub fn handle(input: &str) -> Result<String, String> {
    limits::input(input)?;
    let input = Input::parse(input)?;
    if input.word("want") == Some("report-layout") {
        return written(&layout::layout(&input));
    }
    let mut material = steps::Material {
        notes: input.notes.clone(),
        ..Default::default()
    };
    let own = input.rest.contains_key("decisions") || input.rest.contains_key("deadlines");
    let handed = if own {
        Some(Value::Object(input.rest.clone()))
    } else {
        None
    };
    let (found, lost) = nested::many::<Findings>(handed.as_ref().or(input.rest.get("findings")));
    if lost > 0 {
        material
            .notes
            .push(format!("{lost} of the `findings` are none: left out"));
    }
    material.findings = found;
    for file in &input.files {
        let page = page::from_text(&file.path, &file.text, true);
        material
            .findings
            .push(findings::find(std::slice::from_ref(&page), &[]));
        material.pages.push(page);
    }
    strands::settle(&mut material.findings);
    let instruction = input.task.as_deref().or(input.word("instruction"));
    if let Some(instruction) = instruction {
        material.instruction = Some(instruction.to_owned());
    }
    written(&steps::plan(&material))
}

fn written(answer: &impl Serialize) -> Result<String, String> {
    let text = serde_json::to_string(answer)
        .map_err(|why| format!("could not write the answer as JSON: {why}"))?;
    limits::output(text)
}

#[cfg(test)]
mod tests;
