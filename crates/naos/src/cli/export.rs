//! `naos export [-o FILE]` and `naos import FILE`

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use naos_types::Code;
use serde_json::json;

use super::{Context, Ended, apply, given, shown};
use crate::fail::Fail;
use crate::out::{count, items};
use crate::session::api;
use crate::sync::{self, Document, How};

/// Writes all resources as one document that `naos import` takes back: agents, budgets, plans and
/// the rest, as they were applied. Without secrets, without what was done, and without components.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    naos export > office.json\n  \
    naos export --format json --output office.json\n  \
    naos import office.json --dry-run\n\n\
    All that naos keeps, what was done too, is in a backup: `naos backup`.")]
pub(crate) struct Export {
    /// How it is written: JSON.
    #[arg(long, value_name = "FORMAT", default_value = "json", value_parser = ["json"])]
    format: String,
    /// Writes it into this file, which only you can read.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replaces the file if it is there.
    #[arg(long, requires = "output")]
    force: bool,
}

/// Makes resources what an export says; other documents too, as `naos apply -f FILE` does.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  naos import office.json\n  cat office.json | naos import -")]
pub(crate) struct Import {
    /// The file; - for standard input.
    #[arg(value_name = "FILE|-")]
    file: String,
    /// How it is written: JSON, or whatever `naos apply` reads unless that is said.
    #[arg(long, value_name = "FORMAT", value_parser = ["json"])]
    format: Option<String>,
    /// Takes a reference to something that isn't there as an error.
    #[arg(long)]
    strict: bool,
    /// Shows what would change and changes nothing.
    #[arg(long)]
    dry_run: bool,
}

pub(crate) fn export(context: &Context, export: &Export) -> Ended {
    let mut session = context.fresh_session()?;
    let found = session.get(api("/export"))?;
    drop(session);
    let out = &context.out;
    let Some(path) = &export.output else {
        out.line(shown(&found));
        return Ok(0);
    };
    put(path, &(shown(&found) + "\n"), export.force)?;
    let made = items(&found).len();
    if out.json {
        out.json(&json!({"file": path, "format": export.format, "resources": made}));
    }
    let made = count(made, "resource", "resources");
    out.say(format!("Wrote {made} to {}.", path.display()));
    Ok(0)
}

pub(crate) fn import(context: &Context, import: &Import) -> Ended {
    let (label, text) = match import.file.as_str() {
        "-" => ("standard input".to_owned(), given("-")?),
        file => (file.to_owned(), given(&format!("@{file}"))?),
    };
    if import.format.is_some()
        && let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(&text)
    {
        let what = format!("{label} is no JSON: {error}");
        return Err(Fail::new(Code::BAD_DOCUMENT, what).help("`naos export` writes such a file"));
    }
    let dir = Path::new(&import.file).parent().unwrap_or(Path::new(""));
    let document = Document {
        label,
        text,
        dir: dir.to_owned(),
    };
    let how = How {
        strict: import.strict,
        dry_run: import.dry_run,
    };
    let mut session = context.session()?;
    let answer = sync::apply(&mut session, &[document], how)?;
    drop(session);
    apply::show(&context.out, &answer, &[]);
    Ok(0)
}

/// Writes a file that only its owner reads; one that is there stays unless it is to be replaced.
pub(super) fn put(path: &Path, text: &str, force: bool) -> Result<(), Fail> {
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    if force {
        options.create(true).truncate(true);
    } else {
        options.create_new(true);
    }
    let written = options.open(path).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    written.map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            let what = format!("{} is there already", path.display());
            Fail::new(Code::EXISTS, what).help("name another file, or move that one away")
        }
        _ => Fail::io(format!("write {}", path.display()), &error),
    })
}
