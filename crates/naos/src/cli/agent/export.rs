//! `naos agent export`: an agent's workspace as a folder that OpenClaw opens.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::json;

use super::super::memory;
use super::{Context, Ended};
use crate::openclaw::{self, Agreed};
use crate::workspace;

#[derive(clap::Args)]
pub(super) struct Export {
    /// Whose.
    agent: String,
    /// The folder: new, empty, or of an earlier export of the same agent.
    dir: PathBuf,
    /// Replaces what somebody changed in the folder since the last export.
    #[arg(long)]
    force: bool,
}

pub(super) fn go(context: &Context, asked: &Export) -> Ended {
    let project = context.project()?;
    let mut session = context.session()?;
    let (agent, folder) = memory::folder(&mut session, &asked.agent)?;
    let beneath = format!("{folder}/");
    let pieces = workspace::kept(&mut session, &format!("/{beneath}"))?.into_iter();
    let pieces = pieces.filter_map(|piece| {
        let path = piece.path.strip_prefix(&beneath)?.to_owned();
        Some((path, piece.text))
    });
    let mut files: BTreeMap<String, String> = pieces.collect();
    // What is the same for all agents stands beside their workspaces, and an export stands alone.
    if !files.contains_key("USER.md")
        && let Some((above, _)) = folder.rsplit_once('/')
        && let Some((text, _)) = workspace::document(&mut session, &format!("{above}/USER.md"))?
    {
        files.insert("USER.md".into(), text);
    }
    drop(session);
    let done = openclaw::write(&asked.dir, agent.as_str(), &files, asked.force)?;
    let same = files.iter().map(|(path, text)| {
        let digest = naos_types::Digest::of(text.as_bytes()).to_string();
        (path.clone(), digest)
    });
    Agreed::of(&project).keep(&project, &super::import::whose(context, &agent), same)?;
    let openclaw::Written {
        written,
        removed,
        unchanged,
    } = done;
    if context.out.json {
        context.out.json(&json!({
            "agent": agent, "folder": asked.dir, "files": files.len(),
            "written": written, "removed": removed, "unchanged": unchanged,
        }));
        return Ok(0);
    }
    for path in &removed {
        context.out.note(format!("{path} is gone in naos: removed"));
    }
    context.out.say(format!(
        "{} has the {} files of {agent}: {} written, {unchanged} unchanged, {} removed.",
        asked.dir.display(),
        files.len(),
        written.len(),
        removed.len(),
    ));
    Ok(0)
}
