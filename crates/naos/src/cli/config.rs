//! `naos config validate [FILE]`

use std::path::PathBuf;

use naos_manifest::{Diagnostic, Diagnostics, NoChecks, parse_document};
use naos_types::Code;
use serde_json::{Value, json};

use super::{Context, Ended};
use crate::fail::Fail;
use crate::sync::{self, Document};

/// Checks the project's configuration and skills, without touching anything.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  naos config validate\n  naos config validate plan.yaml --json"
)]
pub(crate) struct Config {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Says what is wrong with a file, with its line and column.
    Validate {
        /// Which file; the project's own unless named.
        file: Option<PathBuf>,
    },
    /// Says where the configuration and the data are.
    Path,
}

pub(crate) fn go(context: &Context, config: &Config) -> Ended {
    let out = &context.out;
    match &config.what {
        What::Path => {
            let project = context.project()?;
            if out.json {
                out.json(&json!({"config": project.config, "data": project.data}));
            } else {
                let config = project.config.map(|path| path.display().to_string());
                out.line(format!(
                    "config  {}",
                    config.unwrap_or_else(|| "none".into())
                ));
                out.line(format!("data    {}", project.data.display()));
            }
            Ok(0)
        }
        What::Validate { file } => {
            let documents = match file {
                Some(file) => vec![sync::document(file, file.display().to_string())?],
                None => sync::own_documents(&context.project()?)?,
            };
            validate(context, &documents)
        }
    }
}

fn validate(context: &Context, documents: &[Document]) -> Ended {
    let out = &context.out;
    let (mut errors, mut warnings) = (Vec::new(), Vec::new());
    for document in documents {
        let files = Beside(document);
        match parse_document(&document.label, &document.text, &files, &NoChecks) {
            Ok(read) => warnings.extend(read.warnings),
            Err(Diagnostics(found)) => errors.extend(found),
        }
    }
    if out.json {
        let list = |found: &[Diagnostic]| found.iter().map(in_json).collect::<Vec<_>>();
        let ok = errors.is_empty();
        out.json(&json!({"ok": ok, "errors": list(&errors), "warnings": list(&warnings)}));
        return Ok(if ok { 0 } else { 2 });
    }
    for warning in &warnings {
        out.note(format!("warning: {warning}"));
    }
    if errors.is_empty() {
        let names: Vec<&str> = documents.iter().map(|d| d.label.as_str()).collect();
        out.say(format!("Sound: {}", names.join(", ")));
        return Ok(0);
    }
    let code = errors
        .first()
        .map_or(Code::BAD_DOCUMENT, |error| error.code);
    let what = match errors.len() {
        1 => "one thing is wrong".to_owned(),
        n => format!("{n} things are wrong"),
    };
    let mut fail = Fail::new(code, what).help("correct what is named and check again");
    fail.more = errors.iter().map(ToString::to_string).collect();
    Err(fail)
}

fn in_json(found: &Diagnostic) -> Value {
    let Diagnostic {
        file,
        line,
        column,
        what,
        help,
        code,
    } = found;
    json!({
        "file": file, "line": line, "column": column, "what": what, "help": help, "code": code,
    })
}

/// The files beside a document.
struct Beside<'d>(&'d Document);

impl naos_manifest::Files for Beside<'_> {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        sync::component(&self.0.dir.join(path)).map_err(|fail| fail.what)
    }
}
