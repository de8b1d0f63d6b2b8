//! `naos dev`

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use naos_types::{Code, Name};
use serde_json::json;

use super::{Context, Ended, agent};
use crate::fail::Fail;
use crate::project::Project;
use crate::{session, sync};

const POLL_MS: u64 = 300;
/// How deep below an agent's folder its sources are.
const DEPTH_MAX: usize = 6;

/// Rebuilds and reloads the agents under agents/ while their sources change, and applies the
/// project's files. Runs beside `naos up`, which shows what the agents log.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  naos dev\n  naos dev reader")]
pub(crate) struct Dev {
    /// Only this agent.
    agent: Option<String>,
    /// Builds and reloads once, and ends.
    #[arg(long)]
    once: bool,
}

/// When each file was changed last.
type Seen = BTreeMap<PathBuf, SystemTime>;

pub(crate) fn go(context: &Context, dev: &Dev) -> Ended {
    let only = dev.agent.as_deref().map(super::name).transpose()?;
    let project = context.project()?;
    let folder = project.root.join("agents");
    if let Some(name) = &only
        && agents(&folder, Some(name)).is_empty()
    {
        let what = format!("agents/{name} holds no sources");
        return Err(Fail::new(Code::NO_AGENT, what)
            .help(format!("`naos create {name} --template T` brings them")));
    }
    if dev.once {
        let names: Vec<Name> = agents(&folder, only.as_ref()).into_keys().collect();
        reload_all(context, &folder, &names)?;
        return Ok(0);
    }
    let pauses = session::runtime()?;
    let mut known = agents(&folder, only.as_ref());
    let mut applied = documents(&project);
    if let Err(fail) = reload_all(context, &folder, &[]) {
        fail.show(context.out.json, context.out.colour);
    }
    let watched = format!("Watching {} (Ctrl-C ends it)", project.root.display());
    context.out.note(watched);
    loop {
        pauses.block_on(async {
            tokio::time::sleep(Duration::from_millis(POLL_MS)).await;
        });
        let found = agents(&folder, only.as_ref());
        let changed = |(name, seen): &(&Name, &Seen)| known.get(*name) != Some(*seen);
        let names: Vec<Name> = found
            .iter()
            .filter(changed)
            .map(|(name, _)| name.clone())
            .collect();
        let files = documents(&project);
        if names.is_empty() && files == applied {
            continue;
        }
        if let Err(fail) = reload_all(context, &folder, &names) {
            fail.show(context.out.json, context.out.colour);
        }
        // What was changed while it was built is seen in the next round.
        (known, applied) = (found, files);
    }
}

/// What names the content of the project's own files; what can't be read now may be in a moment.
fn documents(project: &Project) -> String {
    sync::own_documents(project)
        .map(|found| sync::digest(&found))
        .unwrap_or_default()
}

/// Opens the project for as long as it takes and no longer: other commands want it too.
fn reload_all(context: &Context, folder: &Path, names: &[Name]) -> Result<(), Fail> {
    let mut built = Vec::new();
    for name in names {
        let dir = folder.join(name.as_str());
        let component = agent::component(&dir)?;
        let to = dir.join("agent.wasm");
        fs::write(&to, &component).map_err(|e| Fail::io(format!("write {}", to.display()), &e))?;
        built.push((name, to, component.len()));
    }
    let mut session = context.fresh_session()?;
    for (name, file, bytes) in built {
        agent::replace(&mut session, name, &file)?;
        if context.out.json {
            context.out.json(&json!({"agent": name, "bytes": bytes}));
        }
        context.out.say(format!("Reloaded {name} ({bytes} bytes)."));
    }
    Ok(())
}

/// The agents that have sources, with the times of their files.
fn agents(folder: &Path, only: Option<&Name>) -> BTreeMap<Name, Seen> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let dirs = entries
        .map(|entry| entry.path())
        .filter(|path| path.join("Cargo.toml").is_file());
    let named = dirs.filter_map(|path| {
        let name = Name::new(&path.file_name()?.to_string_lossy()).ok()?;
        Some((name, path))
    });
    let wanted = named.filter(|(name, _)| only.is_none_or(|only| only == name));
    wanted.map(|(name, path)| (name, sources(&path))).collect()
}

fn sources(dir: &Path) -> Seen {
    let mut seen = Seen::new();
    look(dir, 0, &mut seen);
    seen
}

fn look(dir: &Path, depth: usize, seen: &mut Seen) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            let skipped = path.file_name().is_some_and(|name| name == "target");
            if depth < DEPTH_MAX && !skipped {
                look(&path, depth + 1, seen);
            }
        } else if path
            .extension()
            .is_some_and(|end| end == "rs" || end == "toml" || end == "wit")
            && let Ok(changed) = entry.metadata().and_then(|meta| meta.modified())
        {
            seen.insert(path, changed);
        }
    }
}
