//! `naos explain CODE`

use naos_types::{CODES, Code, CodeEntry};
use serde_json::{Value, json};

use super::{Context, Ended};
use crate::fail::Fail;

/// Explains an error's code; lists all codes where none is given.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  naos explain N0142\n  naos explain")]
pub(crate) struct Explain {
    /// The code, as it stands behind an error.
    code: Option<String>,
}

pub(crate) fn go(context: &Context, explain: &Explain) -> Ended {
    let out = &context.out;
    let Some(text) = &explain.code else {
        if out.json {
            out.json(&json!({"items": CODES.iter().map(in_json).collect::<Vec<_>>()}));
        } else {
            let row = |entry: &CodeEntry| vec![entry.code.to_string(), entry.title.to_owned()];
            out.table(
                &["code", "meaning"],
                &CODES.iter().map(row).collect::<Vec<_>>(),
            );
        }
        return Ok(0);
    };
    let code = Code::parse(text.trim_matches(['[', ']'])).ok_or_else(|| {
        Fail::new(Code::NOT_FOUND, format!("there is no code {text:?}"))
            .help("`naos explain` lists all codes")
    })?;
    let entry = code.entry();
    if out.json {
        out.json(&in_json(entry));
        return Ok(0);
    }
    out.line(format!("{code}: {}.", entry.title));
    out.line(format!("What to do: {}.", entry.help));
    out.line(format!(
        "A command that ends with it exits with {}.",
        entry.kind.exit()
    ));
    Ok(0)
}

fn in_json(entry: &CodeEntry) -> Value {
    let exit = entry.kind.exit();
    json!({
        "code": entry.code, "title": entry.title, "help": entry.help, "kind": entry.kind,
        "exit": exit, "http": entry.kind.http(),
    })
}
