//! `naos agent import`: an agent out of a workspace of OpenClaw.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use naos_manifest::{NoChecks, NoFiles, parse_document};
use naos_types::spec::SCRIPT_ENDING;
use naos_types::{Code, Digest, Name};
use serde_json::{Value, json};

use super::super::name;
use super::{Context, Ended};
use crate::fail::Fail;
use crate::openclaw::{self, Agreed, Fate, Found, Last, Part, SKILLS};
use crate::project::Project;
use crate::session::{Session, api, part};
use crate::sync::{self, Document, How, Made, OwnFiles};
use crate::workspace::{self, FOLDER};

#[derive(clap::Args)]
pub(super) struct Import {
    /// The workspace, for example ~/.openclaw/workspace.
    dir: PathBuf,
    /// What the agent is called; by its IDENTITY.md unless named, else as the folder is.
    #[arg(long)]
    name: Option<String>,
    /// The models that answer, the preferred one first, where the agent is new; any unless named.
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    model: Vec<String>,
    /// What it may spend on models, where it is new.
    #[arg(long, value_name = "MONEY/PERIOD", default_value = "$2/day")]
    budget: String,
    /// Shows what would happen, and changes nothing.
    #[arg(long)]
    dry_run: bool,
    /// Replaces what both sides changed. Earlier versions stay.
    #[arg(long)]
    force: bool,
}

/// What becomes of a document of the agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    New,
    Changed,
    Unchanged,
    /// The folder is as it was at the last import or export; the agent or a person went on.
    Kept,
    /// Both sides say something else than the last time.
    Conflict,
}

impl Turn {
    const fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Changed => "changed",
            Self::Unchanged => "unchanged",
            Self::Kept => "kept",
            Self::Conflict => "conflict",
        }
    }

    /// By what the folder says, what naos says, and what both said the last time.
    fn of(folder: &str, naos: Option<&str>, last: Option<&str>) -> Self {
        match naos {
            Some(naos) if naos == folder => Self::Unchanged,
            _ if last == Some(folder) && !crate::planted::imports_old_memories() => Self::Kept,
            None => Self::New,
            naos if last == naos || crate::planted::imports_old_memories() => Self::Changed,
            Some(_) => Self::Conflict,
        }
    }
}

/// A document to be, and how it comes about.
struct Coming<'a> {
    path: &'a str,
    part: Part,
    text: &'a str,
    digest: String,
    /// Its version in naos; 0 where there is none.
    version: u64,
    turn: Turn,
}

pub(super) fn go(context: &Context, asked: &Import) -> Ended {
    if !asked.dir.is_dir() {
        let what = format!("there is no folder {}", asked.dir.display());
        return Err(Fail::new(Code::NOT_FOUND, what).help("name the folder of a workspace"));
    }
    let found = openclaw::read(&asked.dir)?;
    let agent = called(asked, &found)?;
    let project = context.project()?;
    let mut session = if asked.dry_run {
        context.session()?
    } else {
        context.fresh_session()?
    };
    let there = there(&mut session, &agent)?;
    let folder = match &there {
        Some(shown) => kept_folder(shown, &agent, asked)?,
        None => format!("{FOLDER}/{agent}"),
    };
    let manifest = there.is_none().then(|| manifest(asked, &agent, &found));
    let manifest = manifest.transpose()?;
    let mut agreed = Agreed::of(&project);
    let whose = whose(context, &agent);
    let coming = coming(
        &mut session,
        &found,
        &folder,
        &agreed.with(&whose, &asked.dir),
    )?;
    if coming.is_empty() {
        let what = format!("there is no file of a workspace in {}", asked.dir.display());
        let mut fail = Fail::new(Code::NOT_FOUND, what).help("for example SOUL.md");
        let refused = found.iter().filter_map(|one| match &one.fate {
            Fate::Refused(why) => Some(format!("{}: {why}", one.path)),
            _ => None,
        });
        fail.more = refused.collect();
        return Err(fail);
    }
    if let Some(text) = &manifest {
        // What wouldn't be made leaves no document and no file behind.
        sync::apply(&mut session, &[document(&agent, text)], How::TRIED)?;
    }
    if !asked.dry_run {
        no_conflict(&coming, asked, &agent)?;
        let mut skills = Vec::new();
        for one in &coming {
            if !matches!(one.turn, Turn::New | Turn::Changed | Turn::Conflict) {
                continue;
            }
            if one.part == Part::Skill {
                skills.push(openclaw::skill_document(one.path, one.text));
            } else {
                let path = format!("{folder}/{}", one.path);
                workspace::write(&mut session, &path, one.text, one.version)?;
            }
        }
        if !skills.is_empty() {
            let answer = sync::apply(&mut session, &skills, How::default())?;
            sync::warn(&context.out, &answer);
        }
        // Last: an agent that is new begins with who it is.
        if let Some(text) = &manifest {
            make(context, &mut session, &project, &agent, text)?;
        }
        let same = coming.iter();
        let same = same.map(|one| (one.path.to_owned(), one.digest.clone()));
        agreed.keep(&project, (&whose, &asked.dir), same)?;
    }
    drop(session);
    if let Some(shown) = &there {
        let has = shown["mind"]["skills"].as_array();
        let is_granted = |name: &str| has.is_some_and(|all| all.iter().any(|one| one == name));
        let mut new = skills_of(&found);
        new.retain(|name| !is_granted(name));
        if !new.is_empty() {
            let names = new.join(", ");
            context.out.note(format!(
                "{agent} may not read {names} yet: add them to `skills` in its manifest"
            ));
        }
    }
    show(
        context,
        asked,
        &agent,
        &folder,
        there.is_none(),
        &coming,
        &found,
    );
    Ok(0)
}

/// Under which name it is kept what a folder and an agent had in common.
pub(super) fn whose(context: &Context, agent: &Name) -> String {
    let tenant = context.globals.tenant.as_deref().unwrap_or("main");
    format!("{tenant}/{agent}")
}

fn called(asked: &Import, found: &[Found]) -> Result<Name, Fail> {
    if let Some(said) = &asked.name {
        return name(said);
    }
    openclaw::called(&asked.dir, found).ok_or_else(|| {
        let what = "neither IDENTITY.md nor the folder says what the agent is called";
        Fail::new(Code::BAD_NAME, what).help("name it: --name jarvis")
    })
}

/// The agent as it is, if there is one.
fn there(session: &mut Session, agent: &Name) -> Result<Option<Value>, Fail> {
    match session.get(api(&format!("/agents/{agent}"))) {
        Ok(found) => Ok(Some(found)),
        Err(fail) if fail.code == Some(Code::NO_AGENT) => Ok(None),
        Err(fail) => Err(fail),
    }
}

/// The workspace of an agent that is there. What its manifest says is its owner's.
fn kept_folder(shown: &Value, agent: &Name, asked: &Import) -> Result<String, Fail> {
    let Some(folder) = shown["mind"]["workspace"].as_str() else {
        let what = format!("{agent} is there, and has no workspace");
        let help = format!(
            "say in its manifest where it is: workspace: {FOLDER}/{agent}; or choose another --name"
        );
        return Err(Fail::new(Code::EXISTS, what).help(help));
    };
    let models = shown["mind"]["models"].as_array();
    let has: Vec<&str> = models
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let wanted: Vec<String> = slugs(&asked.model);
    if !asked.model.is_empty() && has != wanted {
        let what = match &has[..] {
            [] => format!("{agent} is there, and asks any model"),
            has => format!("{agent} is there, and asks {}", has.join(", ")),
        };
        let help = "change `model` in its manifest and apply it, or leave --model out";
        return Err(Fail::new(Code::EXISTS, what).help(help));
    }
    Ok(folder.trim_start_matches('/').to_owned())
}

/// Names of models as manifests make them; `any` names none.
fn slugs(models: &[String]) -> Vec<String> {
    let named = models.iter().filter(|model| *model != "any");
    named
        .map(|model| Name::slug(model).map_or_else(|| model.clone(), |name| name.to_string()))
        .collect()
}

/// The texts of a skill that is there: its programs come and go with its own folder alone.
pub(super) fn skill(session: &mut Session, name: &str) -> Result<Option<Value>, Fail> {
    match session.get(api(&format!("/resources/agent_skill/{}", part(name)))) {
        Ok(found) => {
            let mut files = found["spec"]["files"].clone();
            if let Some(files) = files.as_object_mut() {
                files.retain(|path, _| !path.ends_with(SCRIPT_ENDING));
            }
            Ok(Some(files))
        }
        Err(fail) if matches!(fail.code, Some(Code::NOT_FOUND | Code::BAD_NAME)) => Ok(None),
        Err(fail) => Err(fail),
    }
}

/// The name of a skill, by where it stands in a workspace.
fn skill_name(path: &str) -> Option<&str> {
    path.strip_prefix(SKILLS)?.strip_suffix('/')
}

/// Each document that the folder holds, beside what naos has.
fn coming<'a>(
    session: &mut Session,
    found: &'a [Found],
    folder: &str,
    last: &Last,
) -> Result<Vec<Coming<'a>>, Fail> {
    let beneath = format!("{folder}/");
    let kept = workspace::versions(session, &format!("/{beneath}"))?;
    let kept: BTreeMap<String, (String, u64)> = kept
        .into_iter()
        .filter_map(|(piece, version)| {
            let path = piece.path.strip_prefix(&beneath)?.to_owned();
            Some((path, (piece.digest(), version)))
        })
        .collect();
    let mut out = Vec::new();
    for one in found {
        let Fate::Taken(part, text) = &one.fate else {
            continue;
        };
        let digest = Digest::of(text.as_bytes()).to_string();
        let naos = match skill_name(&one.path) {
            Some(name) => {
                let files = skill(session, name)?;
                files.map(|files| (openclaw::skill_digest(name, &files), 0))
            }
            None => kept.get(&one.path).cloned(),
        };
        let is = naos.as_ref().map(|(digest, _)| digest.as_str());
        let here = last.here(&one.path);
        // A folder that is new here, and says what another one said: it is a copy of it.
        let here = here.or_else(|| last.is_known(&one.path, &digest).then_some(&*digest));
        let turn = Turn::of(&digest, is, here);
        out.push(Coming {
            path: &one.path,
            part: *part,
            text,
            digest,
            version: naos.map_or(0, |(_, version)| version),
            turn,
        });
    }
    Ok(out)
}

fn no_conflict(coming: &[Coming<'_>], asked: &Import, agent: &Name) -> Result<(), Fail> {
    let both = coming.iter().filter(|one| one.turn == Turn::Conflict);
    let both: Vec<&str> = both.map(|one| one.path).collect();
    if both.is_empty() || asked.force {
        return Ok(());
    }
    let what = format!(
        "{agent} has other text in {}; nothing was taken",
        both.join(", ")
    );
    let help = "add --force to replace it: earlier versions stay; --dry-run shows all of it";
    Err(Fail::new(Code::EXISTS, what).help(help))
}

/// The names of the skills that are taken along.
fn skills_of(found: &[Found]) -> Vec<&str> {
    let taken = found
        .iter()
        .filter(|one| matches!(one.fate, Fate::Taken(Part::Skill, _)));
    taken.filter_map(|one| skill_name(&one.path)).collect()
}

/// The manifest of an agent that is new. What is wrong with it is said before anything is written.
fn manifest(asked: &Import, agent: &Name, found: &[Found]) -> Result<String, Fail> {
    let quoted = |text: &str| Value::from(text).to_string();
    let models = match &asked.model[..] {
        [] => "any".to_owned(),
        named => json!(named).to_string(),
    };
    let wakes = found.iter().any(|one| one.path == "HEARTBEAT.md");
    let heartbeat = if wakes { "    heartbeat: 30m\n" } else { "" };
    let skills = skills_of(found);
    let skills = match &skills[..] {
        [] => String::new(),
        names => format!("    skills: [{}]\n", names.join(", ")),
    };
    let text = format!(
        "# The agent {agent}, from a workspace of OpenClaw. naos applies this file when it \
         changed.\n# Who it is and what it remembers are documents: naos memory export {agent} \
         ./out\n\nagents:\n  {agent}:\n    \
         description: {}\n    \
         model: {models}\n    \
         capabilities: [text, tools]\n    \
         workspace: {FOLDER}/{agent}\n{heartbeat}    \
         tools: [context_read, context_search, context_write, calculate, ask, note, remember, \
         recall]\n{skills}    \
         grants:\n      \
         ask: true\n    \
         budget: {}\n",
        quoted("Taken from a workspace of OpenClaw."),
        quoted(&asked.budget),
    );
    match parse_document("the manifest", &text, &NoFiles, &NoChecks) {
        Ok(_) => Ok(text),
        Err(wrong) => {
            let first = wrong.0.first().map(ToString::to_string);
            let help = "--budget is money for a period, such as $2/day; --model names models";
            Err(Fail::new(Code::BAD_DOCUMENT, first.unwrap_or_default()).help(help))
        }
    }
}

/// The manifest as a document.
fn document(agent: &Name, text: &str) -> Document {
    Document {
        label: format!("{FOLDER}/{agent}.yaml"),
        text: text.to_owned(),
        dir: PathBuf::new(),
    }
}

/// Makes the agent: by a file of the project, where there is one to add it to.
fn make(
    context: &Context,
    session: &mut Session,
    project: &Project,
    agent: &Name,
    text: &str,
) -> Result<(), Fail> {
    let is_main = context
        .globals
        .tenant
        .as_deref()
        .is_none_or(|slug| slug == "main");
    if project.config.is_none() || !is_main {
        let answer = sync::apply(session, &[document(agent, text)], How::default())?;
        sync::warn(&context.out, &answer);
        return Ok(());
    }
    let path = project.root.join(FOLDER).join(format!("{agent}.yaml"));
    if path.exists() {
        let what = format!(
            "{} is there, and makes no agent {agent}",
            project.label(&path)
        );
        return Err(Fail::new(Code::EXISTS, what).help("move it away, or choose another --name"));
    }
    let writing = |e: std::io::Error| Fail::io(format!("write {}", path.display()), &e);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(writing)?;
    }
    fs::write(&path, text).map_err(writing)?;
    let files = OwnFiles::of(project)?;
    sync::say_unread(&files.unread);
    let made = sync::made(&sync::apply(session, &[document(agent, text)], How::TRIED)?);
    let made = Made::AndThese(&made);
    let answer = sync::own(session, project, &files, How::default(), made)?;
    sync::warn(&context.out, &answer);
    Ok(())
}

fn show(
    context: &Context,
    asked: &Import,
    agent: &Name,
    folder: &str,
    is_new: bool,
    coming: &[Coming<'_>],
    found: &[Found],
) {
    let turns: BTreeMap<&str, &Coming<'_>> = coming.iter().map(|one| (one.path, one)).collect();
    let row = |one: &Found| -> [String; 4] {
        let (what, result, why) = match (&one.fate, turns.get(one.path.as_str())) {
            (Fate::Refused(why), _) => ("", "refused", why.clone()),
            (Fate::LeftOut(why), _) => ("", "left out", why.clone()),
            (Fate::Taken(..), Some(one)) => (one.part.word(), one.turn.word(), why(one)),
            (Fate::Taken(part, _), None) => (part.word(), "", String::new()),
        };
        [one.path.clone(), what.into(), result.into(), why]
    };
    let rows: Vec<[String; 4]> = found.iter().map(row).collect();
    if context.out.json {
        let item = |row: &[String; 4]| {
            let [file, what, result, why] = row;
            json!({"file": file, "what": what, "result": result, "why": why})
        };
        let items: Vec<Value> = rows.iter().map(item).collect();
        context.out.json(&json!({
            "agent": agent, "workspace": folder, "created": is_new && !asked.dry_run,
            "items": items, "next": null, "dry_run": asked.dry_run,
        }));
        return;
    }
    let count = |word: &str| rows.iter().filter(|row| row[2] == word).count();
    let rest: Vec<Vec<String>> = rows.iter().map(|row| row.to_vec()).collect();
    if !context.out.quiet {
        context.out.table(&["file", "what", "result", "why"], &rest);
    }
    if count("refused") > 0 {
        let refused = crate::out::count(count("refused"), "file was", "files were");
        context
            .out
            .note(format!("{refused} refused: look at the table"));
    }
    let (new, changed) = (count("new"), count("changed") + count("conflict"));
    context.out.say(if asked.dry_run {
        format!(
            "Nothing was changed. {agent} would have {new} new and {changed} changed documents."
        )
    } else {
        let made = if is_new {
            "Made"
        } else {
            "Brought up to date:"
        };
        format!("{made} {agent}: {new} new, {changed} changed documents in {folder}.")
    });
}

/// What is to be said of a document beside how it comes about.
fn why(one: &Coming<'_>) -> String {
    match (one.turn, one.part) {
        (Turn::Kept, part) if one.version == 0 && part != Part::Skill => {
            "the folder is as it was; naos has it elsewhere, or not any more".into()
        }
        (Turn::Kept, _) => "naos has a later text, the folder is as it was".into(),
        (Turn::Conflict, _) => "both sides changed it".into(),
        (Turn::New, Part::Context) => "shown where `context` in the manifest names it".into(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::Turn;

    #[test]
    fn who_changed_what() {
        for (folder, naos, last, expected) in [
            ("a", None, None, Turn::New),
            ("a", Some("a"), None, Turn::Unchanged),
            ("a", Some("a"), Some("b"), Turn::Unchanged),
            ("b", Some("a"), Some("a"), Turn::Changed),
            ("a", Some("b"), Some("a"), Turn::Kept),
            ("a", None, Some("a"), Turn::Kept),
            ("b", Some("c"), Some("a"), Turn::Conflict),
            ("a", Some("b"), None, Turn::Conflict),
            ("b", None, Some("a"), Turn::New),
        ] {
            let found = Turn::of(folder, naos, last);
            assert_eq!(found, expected, "{folder} {naos:?} {last:?}");
        }
    }
}
