//! `naos skill add|list`

use std::path::PathBuf;

use serde_json::Value;

use super::{Context, Ended, apply};
use crate::openclaw;
use crate::out::{cell, items};
use crate::session::api;
use crate::sync::{self, How};

/// Adds and lists skills that agents read: folders with a SKILL.md.
#[derive(clap::Args)]
#[command(
    after_help = "A skill is a folder in the format of Agent Skills; an agent reads it where its \
    manifest says\n`skills: [NAME]`. Those in skills/ of a project are applied with its files.\n\n\
    Examples:\n  naos skill add skills/invoices\n  naos skill list\n  \
    naos get agent-skill invoices\n  naos delete agent-skill invoices"
)]
pub(crate) struct Skill {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Adds skills, or new versions of them.
    Add {
        /// Their folders.
        #[arg(required = true)]
        dirs: Vec<PathBuf>,
        /// Shows what would change and changes nothing.
        #[arg(long)]
        dry_run: bool,
    },
    /// Lists them.
    List,
}

pub(crate) fn go(context: &Context, skill: &Skill) -> Ended {
    match &skill.what {
        What::Add { dirs, dry_run } => add(context, dirs, *dry_run),
        What::List => list(context),
    }
}

fn add(context: &Context, dirs: &[PathBuf], dry_run: bool) -> Ended {
    let mut documents = Vec::with_capacity(dirs.len());
    for dir in dirs {
        let label = dir.display().to_string();
        let (document, left) = openclaw::skill(dir, label.trim_end_matches('/'))?;
        for one in left {
            context.out.note(format!("Left out: {one}"));
        }
        documents.push(document);
    }
    let how = How {
        dry_run,
        ..How::default()
    };
    let mut session = context.session()?;
    let answer = sync::apply(&mut session, &documents, how)?;
    drop(session);
    apply::show(&context.out, &answer, &[]);
    Ok(0)
}

fn list(context: &Context) -> Ended {
    let out = &context.out;
    // What is wrong with the project's files hides nothing of what is there.
    let answer = context
        .session_to_look()?
        .get(api("/resources/agent_skill"))?;
    if out.json {
        out.json(&answer);
        return Ok(0);
    }
    let row = |item: &Value| {
        let files = item["spec"]["files"]
            .as_object()
            .map_or(0, serde_json::Map::len);
        vec![
            cell(&item["name"]),
            cell(&item["version"]),
            files.to_string(),
            cell(&item["spec"]["description"]),
        ]
    };
    let rows: Vec<Vec<String>> = items(&answer).iter().map(row).collect();
    if rows.is_empty() {
        out.say("There are no skills. `naos skill --help` shows how one is made.");
    } else {
        out.table(&["skill", "version", "files", "when to use it"], &rows);
    }
    Ok(0)
}
