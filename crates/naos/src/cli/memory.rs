//! `naos memory list|search|promote|forget|log|export|import`

mod forget;
mod log;
mod search;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use naos_types::think::{FACTS, MEMORY_HEAD, memory_line};
use naos_types::{Code, Digest, Name};
use serde_json::{Value, json};

use super::{Context, Ended, name};
use crate::fail::Fail;
use crate::learned::{self, Unfit};
use crate::out::{cell, count};
use crate::session::{Session, api};
use crate::workspace::{self, Piece};

/// Shows what an agent remembers, keeps it for good, or forgets it.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  naos memory list jarvis\n  \
    naos memory search jarvis who pays late\n  naos memory promote jarvis 2\n  \
    naos memory forget jarvis 3\n  naos memory forget jarvis 5be0c7a1 --erase\n  \
    naos memory log jarvis --day 2026-10-05\n  naos memory export jarvis ./jarvis\n  \
    naos memory import jarvis ~/.openclaw/workspace")]
pub(crate) struct Memory {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Lists what it learned, and whether that stands in its MEMORY.md.
    List {
        /// Whose.
        agent: String,
    },
    /// Looks for what fits in all that it remembers, as it does itself with the tool `recall`.
    Search(search::Search),
    /// Adds what it learned to its MEMORY.md, which it is shown at each run.
    Promote(Chosen),
    /// Takes out what it learned, of its MEMORY.md, WORKING.md and notes too, wherever a line says
    /// just that. Earlier versions of the documents stay, unless they are erased.
    Forget(forget::Forget),
    /// Shows what it did on a day, line by line, as the journal has it.
    Log(log::Log),
    /// Writes its workspace into a folder: who it is, where it stands, what it remembers.
    Export {
        /// Whose.
        agent: String,
        /// The folder.
        dir: PathBuf,
        /// Replaces files that are there.
        #[arg(long)]
        force: bool,
    },
    /// Takes a workspace from a folder: .md, .jsonl, .json and .txt files.
    Import {
        /// Whose.
        agent: String,
        /// The folder.
        dir: PathBuf,
        /// Replaces what the agent has and what says something else. Earlier versions stay.
        #[arg(long)]
        force: bool,
    },
}

#[derive(clap::Args)]
struct Chosen {
    /// Whose.
    agent: String,
    /// Which, as the list has them: by their ids, or by their numbers, which move when one before
    /// is forgotten.
    #[arg(required = true, value_name = "ID|NUMBER")]
    which: Vec<String>,
}

pub(crate) fn go(context: &Context, memory: &Memory) -> Ended {
    match &memory.what {
        What::List { agent } => list(context, agent),
        What::Promote(chosen) => promote(context, chosen),
        What::Search(asked) => search::go(context, asked),
        What::Forget(asked) => forget::go(context, asked),
        What::Log(asked) => log::go(context, asked),
        What::Export { agent, dir, force } => export(context, agent, dir, *force),
        What::Import { agent, dir, force } => import(context, agent, dir, *force),
    }
}

/// The agent's workspace in naos: `agents/jarvis`.
pub(super) fn folder(session: &mut Session, agent: &str) -> Result<(Name, String), Fail> {
    let agent = name(agent)?;
    let found = session.get(api(&format!("/agents/{agent}")))?;
    let folder = found["mind"]["workspace"].as_str();
    let folder = folder.ok_or_else(|| {
        let what = format!("{agent} has no workspace");
        let help = format!("say in its manifest where it is: workspace: agents/{agent}");
        Fail::new(Code::NOT_FOUND, what).help(help)
    })?;
    let folder = folder.trim_start_matches('/').to_owned();
    Ok((agent, folder))
}

/// So many lines that can't be read are named.
const BROKEN_SAID_MAX: usize = 5;

/// What an agent learned.
struct Learned {
    /// What can be read, each with the number of its line.
    all: Vec<(usize, Value)>,
    /// The lines that can't: they stay where they are.
    broken: Vec<(String, Unfit)>,
    version: u64,
    path: String,
}

impl Learned {
    fn of(session: &mut Session, folder: &str) -> Result<Self, Fail> {
        let path = format!("{folder}/{FACTS}");
        let (text, version) = workspace::document(session, &path)?.unwrap_or_default();
        let (mut all, mut broken) = (Vec::new(), Vec::new());
        for (number, line, read) in learned::lines(&text) {
            match read {
                Ok(one) => all.push((number, one)),
                Err(unfit) => broken.push((line.to_owned(), unfit)),
            }
        }
        Ok(Self {
            all,
            broken,
            version,
            path,
        })
    }

    fn values(&self) -> Vec<Value> {
        self.all.iter().map(|(_, one)| one.clone()).collect()
    }

    /// Says what of it counts for nothing, and where that stands.
    fn say_broken(&self, context: &Context, agent: &str) {
        let path = &self.path;
        for (_, unfit) in self.broken.iter().take(BROKEN_SAID_MAX) {
            context.out.note(format!("{path}, {unfit}"));
        }
        if !self.broken.is_empty() {
            let lines = count(self.broken.len(), "line", "lines");
            context.out.note(format!(
                "{lines} of it can't be read: left out, and {agent} doesn't recall what they say. \
                 Mend it: `naos document show {path}`, `naos document put FILE {path}`"
            ));
        }
    }

    /// Writes it anew if nobody did meanwhile.
    fn put(&self, session: &mut Session) -> Result<(), Fail> {
        let good = self.all.iter().map(|(at, one)| (*at, one.to_string()));
        let broken = self.broken.iter();
        let broken = broken.map(|(line, unfit)| (unfit.line, line.clone()));
        let mut lines: Vec<(usize, String)> = good.chain(broken).collect();
        lines.sort_by_key(|(at, _)| *at);
        let text: String = lines.iter().map(|(_, line)| format!("{line}\n")).collect();
        workspace::write(session, &self.path, &text, self.version).map(drop)
    }
}

fn list(context: &Context, agent: &str) -> Ended {
    let mut session = context.session()?;
    let (agent, folder) = folder(&mut session, agent)?;
    let learned = Learned::of(&mut session, &folder)?;
    drop(session);
    let all = learned.values();
    learned.say_broken(context, agent.as_str());
    if context.out.json {
        let with_id = |one: &Value| {
            let mut one = one.clone();
            one["id"] = json!(id(&one));
            one
        };
        let items: Vec<Value> = all.iter().map(with_id).collect();
        let mut told = json!({"items": items, "next": null});
        if !learned.broken.is_empty() {
            let broken = learned.broken.iter();
            let row = |(_, unfit): &(String, Unfit)| json!({"line": unfit.line, "why": unfit.why});
            told["broken"] = broken.map(row).collect();
        }
        context.out.json(&told);
        return Ok(0);
    }
    if all.is_empty() && !learned.broken.is_empty() {
        let what = format!("Nothing that {agent} learned can be read.");
        context.out.say(what);
        return Ok(0);
    }
    if all.is_empty() {
        context.out.say(format!("{agent} learned nothing yet."));
        return Ok(0);
    }
    let row = |(at, one): (usize, &Value)| {
        let kept = if one["promoted"] == true { "yes" } else { "" };
        vec![
            (at + 1).to_string(),
            id(one),
            cell(&one["fact"]),
            cell(&one["confidence"]),
            cell(&one["source"]),
            cell(&one["timestamp"]),
            kept.to_owned(),
        ]
    };
    let rows: Vec<Vec<String>> = all.iter().enumerate().map(row).collect();
    let head = ["no.", "id", "what", "sure", "from", "when", "in MEMORY.md"];
    context.out.table(&head, &rows);
    Ok(0)
}

/// How many signs the id of something learned has; no list is so long that a number has as many.
const ID_CHARS: usize = 8;

/// What something learned is called by, wherever it stands in the list: by what it says.
fn id(one: &Value) -> String {
    let fact = one["fact"].as_str().unwrap_or_default();
    let mut id = Digest::of(fact.as_bytes()).to_string();
    id.truncate(ID_CHARS);
    id
}

/// Where the chosen ones stand in the list.
fn places(all: &[Value], agent: &str, chosen: &[String]) -> Result<Vec<usize>, Fail> {
    let mut places = Vec::new();
    for which in chosen {
        let before = places.len();
        if which.len() == ID_CHARS {
            let is_meant = |at: &usize| id(&all[*at]).eq_ignore_ascii_case(which);
            places.extend((0..all.len()).filter(is_meant));
        } else {
            let at = which.parse().ok().and_then(|at: usize| at.checked_sub(1));
            places.extend(at.filter(|at| *at < all.len()));
        }
        if places.len() == before {
            let learned = crate::out::count(all.len(), "thing", "things");
            let what = format!("{agent} learned {learned}, there is no {which}");
            let help = format!("`naos memory list {agent}` shows the id and the number of each");
            return Err(Fail::new(Code::NOT_FOUND, what).help(help));
        }
    }
    Ok(places)
}

/// How something learned stands in MEMORY.md.
fn line(one: &Value) -> String {
    let text = |key: &str| one[key].as_str().unwrap_or_default();
    memory_line(text("fact"), text("source"), text("timestamp"))
}

fn promote(context: &Context, chosen: &Chosen) -> Ended {
    let mut session = context.session()?;
    let (agent, folder) = folder(&mut session, &chosen.agent)?;
    let mut learned = Learned::of(&mut session, &folder)?;
    learned.say_broken(context, agent.as_str());
    let path = format!("{folder}/MEMORY.md");
    let (mut text, kept) = workspace::document(&mut session, &path)?.unwrap_or_default();
    if text.is_empty() {
        text.push_str(MEMORY_HEAD);
    }
    let mut count = 0;
    for at in places(&learned.values(), &chosen.agent, &chosen.which)? {
        let (_, one) = &mut learned.all[at];
        if one["promoted"] == true {
            continue;
        }
        let line = line(one);
        if !text.lines().any(|there| there == line) {
            if !text.ends_with('\n') {
                text.push('\n');
            }
            text.push_str(&line);
            text.push('\n');
        }
        one["promoted"] = json!(true);
        count += 1;
    }
    if count > 0 {
        workspace::write(&mut session, &path, &text, kept)?;
        learned.put(&mut session)?;
    }
    drop(session);
    if context.out.json {
        context.out.json(&json!({"done": count}));
    } else {
        context.out.say(format!("{count} added to MEMORY.md."));
    }
    Ok(0)
}

fn export(context: &Context, agent: &str, dir: &Path, force: bool) -> Ended {
    let mut session = context.session()?;
    let (agent, folder) = folder(&mut session, agent)?;
    let mut pieces = workspace::kept(&mut session, &format!("/{folder}/"))?;
    // A document of that name is somebody's: it isn't written over by what can be asked for anew.
    for (name, text) in log::days(&mut session, &agent)? {
        let path = format!("{folder}/{name}");
        if !pieces.iter().any(|piece| piece.path == path) {
            pieces.push(Piece { path, text });
        }
    }
    drop(session);
    let target = |path: &str| dir.join(path.trim_start_matches(&format!("{folder}/")));
    if !force
        && let Some(there) = pieces
            .iter()
            .map(|piece| target(&piece.path))
            .find(|p| p.exists())
    {
        let what = format!("{} is there already", there.display());
        return Err(Fail::new(Code::EXISTS, what).help("name another folder, or add --force"));
    }
    for piece in &pieces {
        let path = target(&piece.path);
        let writing = |e: std::io::Error| Fail::io(format!("write {}", path.display()), &e);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(writing)?;
        }
        fs::write(&path, &piece.text).map_err(writing)?;
    }
    if context.out.json {
        context
            .out
            .json(&json!({"files": pieces.len(), "folder": dir}));
    } else {
        let wrote = crate::out::count(pieces.len(), "file", "files");
        context
            .out
            .say(format!("Wrote {wrote} of {agent} to {}.", dir.display()));
    }
    Ok(0)
}

fn import(context: &Context, agent: &str, dir: &Path, force: bool) -> Ended {
    if !dir.is_dir() {
        let what = format!("there is no folder {}", dir.display());
        return Err(Fail::new(Code::NOT_FOUND, what).help("name the folder of a workspace"));
    }
    let mut session = context.session()?;
    let (agent, folder) = folder(&mut session, agent)?;
    let mut pieces = workspace::below(dir, &folder)?;
    let all = pieces.len();
    // What it did stands in the journal: it is no document of its own.
    pieces.retain(|piece| !log::is_log(piece.path.trim_start_matches(&*folder), &piece.text));
    if pieces.len() < all {
        let left = crate::out::count(all - pieces.len(), "log", "logs");
        context
            .out
            .note(format!("{left} of days left out: the journal has them."));
    }
    if pieces.is_empty() {
        let what = format!("there is no file of a workspace in {}", dir.display());
        return Err(Fail::new(Code::NOT_FOUND, what).help("for example SOUL.md"));
    }
    check(&pieces, &folder, dir)?;
    let there: BTreeMap<String, String> = workspace::kept(&mut session, &format!("/{folder}/"))?
        .iter()
        .map(|piece| (piece.path.clone(), piece.digest()))
        .collect();
    let differs = |piece: &&Piece| {
        there
            .get(&piece.path)
            .is_some_and(|is| *is != piece.digest())
    };
    let other: Vec<&str> = pieces.iter().filter(differs).map(|p| &*p.path).collect();
    if !other.is_empty() && !force {
        let what = format!(
            "{agent} has other text in {}; nothing was taken",
            other.join(", ")
        );
        let help = "add --force to replace it: earlier versions stay";
        return Err(Fail::new(Code::EXISTS, what).help(help));
    }
    let put = workspace::put(&mut session, &pieces, &there)?;
    drop(session);
    let (count, replaced) = (pieces.len(), other.len());
    let new = put - replaced;
    if context.out.json {
        let done = json!({"files": count, "new": new, "replaced": replaced, "agent": agent});
        context.out.json(&done);
    } else {
        let dir = dir.display();
        let has = crate::out::count(count, "file", "files");
        context.out.say(format!(
            "{agent} has {has} of {dir}: {new} new, {replaced} replaced."
        ));
    }
    Ok(0)
}

/// What an agent learned is read line by line from then on: a line that can't be is not taken.
fn check(pieces: &[Piece], folder: &str, dir: &Path) -> Result<(), Fail> {
    let path = format!("{folder}/{FACTS}");
    let piece = pieces.iter().find(|piece| piece.path == path);
    let unfit = piece.and_then(|piece| learned::unfit(&piece.text));
    let Some(unfit) = unfit.filter(|_| !crate::planted::imports_broken_facts()) else {
        return Ok(());
    };
    let file = dir.join(FACTS);
    let what = format!("{}, {unfit}; nothing was taken", file.display());
    let help = "each line says one thing: {\"fact\": \"…\", \"confidence\": 0.8}";
    Err(Fail::new(Code::BAD_DOCUMENT, what).help(help))
}
