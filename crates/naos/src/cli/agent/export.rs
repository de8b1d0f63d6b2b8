//! `naos agent export`: an agent's workspace as a folder that OpenClaw opens.

use std::collections::BTreeMap;
use std::path::PathBuf;

use naos_types::Digest;
use serde_json::{Value, json};

use super::super::memory;
use super::{Context, Ended};
use crate::openclaw::{self, Agreed, SKILLS};
use crate::session::api;
use crate::workspace;

#[derive(clap::Args)]
pub(super) struct Export {
    /// Whose.
    agent: String,
    /// The folder: new, empty, or of an earlier export of the same agent.
    dir: PathBuf,
    /// Replaces what somebody changed in the folder since the last export or import.
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
    let shown = session.get(api(&format!("/agents/{agent}")))?;
    let mut same: BTreeMap<String, String> = files
        .iter()
        .map(|(path, text)| (path.clone(), Digest::of(text.as_bytes()).to_string()))
        .collect();
    let skills = shown["mind"]["skills"].as_array().into_iter().flatten();
    for name in skills.filter_map(Value::as_str) {
        let Some(skill) = super::import::skill(&mut session, name)? else {
            continue;
        };
        let texts = skill.as_object().into_iter().flatten();
        for (path, text) in texts {
            let path = format!("{SKILLS}{name}/{path}");
            files.insert(path, text.as_str().unwrap_or_default().to_owned());
        }
        same.insert(
            format!("{SKILLS}{name}/"),
            openclaw::skill_digest(name, &skill),
        );
    }
    drop(session);
    let whose = super::import::whose(context, &agent);
    let mut agreed = Agreed::of(&project);
    let known = match asked.force {
        true => BTreeMap::new(), // all of it is replaced
        false => openclaw::known(&asked.dir, &agreed.with(&whose, &asked.dir))?,
    };
    let place = (asked.dir.as_path(), agent.as_str());
    let done = openclaw::write(place, &files, &known, asked.force)?;
    agreed.keep(&project, (&whose, &asked.dir), same)?;
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
        "{} has {} of {agent}: {} written, {unchanged} unchanged, {} removed.",
        asked.dir.display(),
        crate::out::count(files.len(), "file", "files"),
        written.len(),
        removed.len(),
    ));
    Ok(0)
}
