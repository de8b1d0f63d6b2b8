//! `naos apply -f FILE|DIR|-`

use std::path::{Path, PathBuf};

use naos_types::Code;
use serde_json::{Value, json};

use super::{Context, Ended};
use crate::fail::Fail;
use crate::out::{Out, cell, items};
use crate::project::Project;
use crate::session::{Session, api, part};
use crate::sync::{self, Document, How, Made, OwnFiles, Remembered};

/// Makes resources what files say: agents, skills, plans, budgets and the rest.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    naos apply -f skills/greet.yaml\n  \
    naos apply -f . --dry-run\n  \
    cat plan.yaml | naos apply -f -\n  \
    naos apply --prune          # the project's own files; removes what vanished from them")]
pub(crate) struct Apply {
    /// A file, a folder, or - for standard input; the project's own files unless given.
    #[arg(long = "file", short, value_name = "FILE|DIR|-")]
    files: Vec<String>,
    /// Takes a reference to something that isn't there as an error.
    #[arg(long)]
    strict: bool,
    /// Removes what the project's own files made earlier and don't name any more.
    #[arg(long, conflicts_with = "files")]
    prune: bool,
    /// Shows what would change and changes nothing.
    #[arg(long)]
    dry_run: bool,
}

pub(crate) fn go(context: &Context, apply: &Apply) -> Ended {
    let how = How {
        strict: apply.strict,
        dry_run: apply.dry_run,
    };
    if apply.files.is_empty() {
        return own(context, apply, how);
    }
    let mut documents = Vec::new();
    for file in &apply.files {
        documents.extend(read(&context.out, file)?);
    }
    let mut session = context.session()?;
    let answer = sync::apply(&mut session, &documents, how)?;
    drop(session);
    show(&context.out, &answer, &[]);
    for folder in apply
        .files
        .iter()
        .map(Path::new)
        .filter(|path| path.is_dir())
    {
        let count = sync::json_files_below(folder)?;
        if count > 0 {
            context.out.note(format!(
                "Left out: {count} .json files in {}; name each that is to be applied.",
                folder.display()
            ));
        }
    }
    Ok(0)
}

fn own(context: &Context, apply: &Apply, how: How) -> Ended {
    let project = context.project()?;
    let mut files = OwnFiles::of(&project)?;
    if files.documents.is_empty() {
        return Err(
            Fail::usage("there are no files to apply").help("name them: naos apply -f FILE")
        );
    }
    if let Some(unread) = files.unread.pop() {
        return Err(unread.fail);
    }
    let mut session = context.session()?;
    let mut answer = sync::own(&mut session, &project, &files, how, Made::All)?;
    let (gone, warnings) = if apply.prune {
        prune(&mut session, &project, &answer, how)?
    } else {
        Default::default()
    };
    drop(session);
    match answer["warnings"].as_array_mut() {
        Some(all) => all.extend(warnings),
        None => answer["warnings"] = json!(warnings),
    }
    show(&context.out, &answer, &gone);
    Ok(0)
}

fn read(out: &Out, file: &str) -> Result<Vec<Document>, Fail> {
    if file == "-" {
        let text = super::given("-")?;
        return Ok(vec![Document {
            label: "standard input".into(),
            text,
            dir: PathBuf::new(),
        }]);
    }
    let path = Path::new(file);
    if path.is_dir() {
        let (found, left) = sync::documents_below(path)?;
        for one in left {
            out.note(format!("Left out: {one}"));
        }
        if found.is_empty() {
            let what = format!("there is no .yaml file in {file}");
            return Err(Fail::new(Code::NOT_FOUND, what).help("name a file or another folder"));
        }
        return Ok(found);
    }
    Ok(vec![sync::document(path, file.to_owned())?])
}

/// What was removed, as kinds and names, and what there is to be said about it.
type Pruned = (Vec<(String, String)>, Vec<Value>);

/// Removes what the project's files made earlier and don't name any more.
fn prune(
    session: &mut Session,
    project: &Project,
    answer: &Value,
    how: How,
) -> Result<Pruned, Fail> {
    let named = sync::made(answer);
    let vanished = Remembered::of(project)
        .items
        .into_iter()
        .filter(|item| !named.contains(item));
    let vanished: Vec<_> = vanished.collect();
    if how.dry_run {
        return Ok((vanished, Vec::new()));
    }
    let mut warnings = Vec::new();
    for (kind, name) in &vanished {
        let path = path_of(kind, name);
        match session.delete(path) {
            Ok(gone) => warnings.extend(gone["warnings"].as_array().into_iter().flatten().cloned()),
            Err(fail)
                if fail
                    .code
                    .is_some_and(|c| matches!(c, Code::NOT_FOUND | Code::NO_AGENT)) => {}
            Err(fail) => return Err(fail),
        }
    }
    sync::forget(project, &vanished)?;
    Ok((vanished, warnings))
}

/// Where a resource of this kind is.
pub(crate) fn path_of(kind: &str, name: &str) -> String {
    match kind {
        "agent" => api(&format!("/agents/{}", part(name))),
        "budget" => api(&format!("/budgets/{}", part(name))),
        kind => api(&format!("/resources/{}/{}", part(kind), part(name))),
    }
}

pub(super) fn show(out: &Out, answer: &Value, gone: &[(String, String)]) {
    if out.json {
        let mut answer = answer.clone();
        let gone: Vec<Value> = gone
            .iter()
            .map(|(kind, name)| json!({"kind": kind, "name": name}))
            .collect();
        answer["pruned"] = json!(gone);
        out.json(&answer);
        return;
    }
    sync::warn(out, answer);
    let mut rows: Vec<Vec<String>> = items(answer)
        .iter()
        .map(|item| {
            vec![
                cell(&item["kind"]),
                cell(&item["name"]),
                cell(&item["result"]),
            ]
        })
        .collect();
    rows.extend(
        gone.iter()
            .map(|(kind, name)| vec![kind.clone(), name.clone(), "removed".into()]),
    );
    if rows.is_empty() {
        out.say("Nothing to apply.");
    } else if !out.quiet {
        out.table(&["kind", "name", "result"], &rows);
    }
    for item in items(answer)
        .iter()
        .filter(|item| item["webhook"].is_object())
    {
        let called = super::instruction::webhook_line(&item["webhook"]);
        out.line(format!("{}: {called}", cell(&item["name"])));
    }
    for item in items(answer)
        .iter()
        .filter(|item| item["signing"].is_object())
    {
        let signed = super::driver::signing_line(&item["signing"]);
        out.line(format!("{}: {signed}", cell(&item["name"])));
    }
}
