//! `naos init NAME`

use std::fs;
use std::path::Path;

use naos_types::Code;
use serde_json::json;

use super::{Context, Ended};
use crate::fail::Fail;
use crate::project::CONFIG_NAMES;

/// Makes a project: its configuration, and folders for data, agents and skills.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  naos init office\n  naos init .        # here")]
pub(crate) struct Init {
    /// The new directory; `.` for the current one.
    name: String,
}

const IGNORED: &str = "# Made by naos: keys, journals, compiled components.\n/data/\ntarget/\n";

fn config(name: &str) -> String {
    let name = serde_json::to_string(name).unwrap_or_default();
    format!(
        r#"# What this project is made of. `naos config validate` checks it; `naos up` and
# `naos run` apply it when it changed. Remove a `#` to use a line.
project: {name}
version: "1.0"

# agents:
#   reader:
#     template: researcher        # or source: agents/reader/agent.wasm
#     description: Reads mails and notes and pulls out decisions and deadlines.
#     cost:
#       budget: "$10/day"
#       alertAt: 80
#       action: pause

# skills:                         # rules that answer without an agent; or one file each in skills/
#   greet:
#     description: Says hello.
#     patterns: ["say hello"]
#     handler: {{template: "Hello."}}

# network:
#   dashboard:
#     host: 127.0.0.1
#     port: 4200

# recall:                         # by letters unless a model knows what words mean
#   model: models/potion-base-8M  # its folder
"#
    )
}

/// A project is no whole machine, and no home with all that lies in it.
fn own_place(root: &Path) -> Result<(), Fail> {
    let Ok(full) = fs::canonicalize(root) else {
        return Ok(()); // it is made
    };
    let home = std::env::var_os("HOME").and_then(|home| fs::canonicalize(home).ok());
    if full.parent().is_some() && home.as_ref() != Some(&full) {
        return Ok(());
    }
    let what = format!("{} is no directory for one project", full.display());
    Err(Fail::usage(what).help("name one of its own: naos init office"))
}

pub(crate) fn go(context: &Context, init: &Init) -> Ended {
    if init.name.trim().is_empty() {
        return Err(
            Fail::usage("a project needs a directory").help("for example: naos init office")
        );
    }
    let root = Path::new(&init.name);
    own_place(root)?;
    if let Some(taken) = CONFIG_NAMES.iter().find(|name| root.join(name).exists()) {
        let what = format!("there is a project already: {}", root.join(taken).display());
        return Err(Fail::new(Code::EXISTS, what).help("choose another directory"));
    }
    let writing = |path: &Path, e: &std::io::Error| Fail::io(format!("make {}", path.display()), e);
    for folder in ["data", "agents", "skills"] {
        let path = root.join(folder);
        fs::create_dir_all(&path).map_err(|e| writing(&path, &e))?;
    }
    let full = fs::canonicalize(root).map_err(|e| writing(root, &e))?;
    let name = full
        .file_name()
        .map_or("project".into(), |name| name.to_string_lossy());
    let ignored = root.join(".gitignore");
    if !ignored.exists() {
        fs::write(&ignored, IGNORED).map_err(|e| writing(&ignored, &e))?;
    }
    // Last: with it, the directory is a project.
    let path = root.join(CONFIG_NAMES[0]);
    fs::write(&path, config(&name)).map_err(|e| writing(&path, &e))?;
    if context.out.json {
        context
            .out
            .json(&json!({"project": name, "path": full, "config": path}));
    }
    context
        .out
        .say(format!("Made the project {name} in {}.", root.display()));
    context.out.say("Next:");
    if init.name != "." {
        let folder = shlex::try_quote(&init.name);
        let folder = folder.unwrap_or_else(|_| init.name.as_str().into());
        context.out.say(format!("  cd {folder}"));
    }
    context
        .out
        .say("  naos create reader --template researcher");
    context
        .out
        .say("  naos run reader --input \"We decided to ship on Monday. Who calls Ann?\"");
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use naos_manifest::{NoChecks, NoFiles, parse_document};

    #[test]
    fn the_first_configuration_is_valid_with_and_without_its_comments() {
        for name in ["office", "a \"b\": #c", "42"] {
            let text = config(name);
            let read = parse_document(CONFIG_NAMES[0], &text, &NoFiles, &NoChecks).unwrap();
            assert_eq!(read.project.unwrap().name.as_deref(), Some(name));
        }
        let all: String = config("office")
            .lines()
            .skip(2)
            .map(|line| {
                let line = line.strip_prefix("# ").unwrap_or(line);
                format!("{line}\n")
            })
            .collect();
        let read = parse_document(CONFIG_NAMES[0], &all, &NoFiles, &NoChecks).unwrap();
        assert_eq!((read.agents.len(), read.skills.len()), (1, 1));
    }
}
