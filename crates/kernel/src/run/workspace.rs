//! The workspace of an agent: documents that say who it is, and what it remembers. Which of them it
//! is shown, in which order and how much of each, within its budget of tokens.
//!
//! Who it is (`SOUL.md`, `IDENTITY.md`, `AGENTS.md`, `TOOLS.md`, `USER.md`, `HEARTBEAT.md`) is
//! people's. Where it stands (`WORKING.md`) and the notes of each day (`memory/DATE.md`) are its
//! own. What it learned goes to `memory/facts.jsonl`, and from there to `MEMORY.md` by a person, or
//! by the rule of its manifest.

use naos_types::spec::MindSpec;
use naos_types::think::{FACTS, SkillTold};
use naos_types::{Actor, BodyRef, DocPath, IDENTITY, Name, RunId, Span};

use super::Run;
use crate::recall::day;
use crate::state::Key;
use crate::turn::{Done, Stop, Turn};

/// No document of a workspace is shown beyond so many bytes.
pub const SHOWN_BYTES_MAX: u64 = 20_000;
/// The most bytes of the notes of one day, and of what an agent learned.
pub const MEMORY_BYTES_MAX: usize = 256 * 1_024;
/// The most bytes of a note, or of something learned.
pub const NOTE_BYTES_MAX: usize = 4 * 1_024;
/// Where what people corrected is kept, the newest last.
const CORRECTIONS: &str = "CORRECTIONS.md";
/// What stands at its beginning, and between two corrections.
const CORRECTIONS_HEAD: &str = "# What people corrected\n";
const CORRECTION_MARK: &str = "\n## ";
/// How many corrections an agent is shown.
pub const CORRECTIONS_MAX: usize = 5;
/// The most bytes of each of the two texts of a correction.
pub const CORRECTION_BYTES_MAX: usize = 2_000;
/// How many bytes count as a token where a budget is dealt out.
const TOKEN_BYTES: u64 = 4;
/// A shorter piece of a document is of no use.
pub(super) const PIECE_BYTES_MIN: u64 = 200;

/// What an agent is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Shown {
    /// Titles and texts, the most important first.
    pub documents: Vec<(String, BodyRef)>,
    /// How many bytes of each.
    pub given: Vec<u64>,
    /// The skills that it may read.
    pub skills: Vec<SkillTold>,
    /// What naos tells it, a paragraph each.
    pub told: Vec<String>,
    /// What it isn't shown, or not whole, and why.
    pub left_out: Vec<(String, String)>,
}

impl Shown {
    /// How many bytes all of it has.
    pub fn bytes(&self) -> u64 {
        let titles = self.documents.iter().map(|(title, _)| title.len() as u64);
        let skills = self.skills.iter().map(told_bytes);
        let told = self.told.iter().map(|text| text.len() as u64);
        let around = titles.sum::<u64>() + skills.sum::<u64>() + told.sum::<u64>();
        around + self.given.iter().sum::<u64>()
    }
}

/// What stands around a skill where an agent is told of it, in bytes.
const TOLD_BYTES: u64 = 8;

/// How many bytes an agent is told of a skill.
pub(super) fn told_bytes(skill: &SkillTold) -> u64 {
    (skill.name.as_str().len() + skill.description.len()) as u64 + TOLD_BYTES
}

pub(super) fn below(folder: &DocPath, name: &str) -> Done<DocPath> {
    DocPath::new(&format!("{folder}/{name}")).map_err(Stop::broken)
}

/// The folder that holds a workspace: what is the same for all agents stands there.
fn above(folder: &DocPath) -> Option<&str> {
    let (above, _) = folder.as_str().rsplit_once('/')?;
    Some(above)
}

/// What a document that an agent is shown is to it, the most important first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rank {
    /// It says who the agent is.
    Soul,
    /// It says how the agent works, and for whom.
    Who,
    /// It is of what the agent remembers.
    Own,
    /// Its manifest names it.
    Other,
}

/// What a document with such a title is.
pub(super) fn rank(mind: &MindSpec, title: &str) -> Rank {
    let Some(folder) = &mind.workspace else {
        return Rank::Other;
    };
    let of = |folder: &str| {
        let rest = title.strip_prefix(folder)?;
        rest.strip_prefix('/')
    };
    match of(folder.as_str()) {
        Some("SOUL.md" | "IDENTITY.md") => Rank::Soul,
        Some(name) if naos_types::is_identity(name) => Rank::Who,
        Some(_) => Rank::Own,
        None if above(folder).and_then(of) == Some("USER.md") => Rank::Who,
        None => Rank::Other,
    }
}

/// How many of these say who the agent and its people are: skills come after them.
const WHO: usize = 5;

/// What whoever wakes goes through.
const CHECKLIST: &str = "HEARTBEAT.md";

/// Why an agent woke and what its checklist is to it, where somebody waits for it that isn't there
/// to be asked; none where a person, or another agent, asks it right now.
fn woken(by: &Actor) -> Option<String> {
    let (why, then) = match by {
        Actor::Task(_) => (
            "there is a task for you",
            "do the task and answer with its result. There is something to do, so that \
             HEARTBEAT_OK is no answer here",
        ),
        Actor::Message(_) => (
            "you were called in a thread",
            "answer there. Where nothing is left to say or to do, answer only HEARTBEAT_OK",
        ),
        Actor::Trigger(..) => (
            "something happened that you listen for",
            "do what it asks for. Where neither that nor the checklist leaves anything to do, \
             answer only HEARTBEAT_OK",
        ),
        Actor::Schedule(..) => (
            "it is the time that was set",
            "do what was set for now. Where neither that nor the checklist leaves anything to do, \
             answer only HEARTBEAT_OK",
        ),
        _ => return None,
    };
    let only_called = crate::planted::is("checklist-for-threads-alone");
    if only_called && !matches!(by, Actor::Message(_)) {
        return None;
    }
    Some(format!(
        "You woke because {why}. {CHECKLIST} is your checklist: go through it, as far as it \
         concerns this, then {then}."
    ))
}

/// The language of the people that it works for.
fn speaks(mind: &MindSpec) -> Option<String> {
    let language = mind.language?.name();
    Some(format!(
        "The people that you work for speak {language}. Answer whoever writes to you in the \
         language of what they wrote; where that isn't clear, and in what you write for all of \
         them, it is {language}."
    ))
}

/// The documents of a workspace in the order of what they matter, each with those that stand in for
/// it.
fn wanted(turn: &Turn<'_>, folder: &DocPath, woke: bool) -> Done<Vec<Vec<DocPath>>> {
    let (today, before) = (day(turn.now), day(turn.now + Span(-naos_types::DAY_MS)));
    let names = [
        "SOUL.md".to_owned(),
        "IDENTITY.md".to_owned(),
        "AGENTS.md".to_owned(),
        "TOOLS.md".to_owned(),
        "USER.md".to_owned(),
        "WORKING.md".to_owned(),
        format!("memory/{today}.md"),
        "MEMORY.md".to_owned(),
        CORRECTIONS.to_owned(),
        format!("memory/{before}.md"),
    ];
    let mut out = Vec::with_capacity(names.len() + 1);
    for (at, name) in names.into_iter().enumerate() {
        if at == WHO && woke {
            out.push(vec![below(folder, CHECKLIST)?]);
        }
        let mut places = vec![below(folder, &name)?];
        if name == "USER.md"
            && let Some(above) = above(folder)
        {
            places.push(DocPath::new(&format!("{above}/USER.md")).map_err(Stop::broken)?);
        }
        out.push(places);
    }
    Ok(out)
}

/// Where the documents stand that say who an agent with this workspace is.
///
/// # Errors
/// A sentence, where such a path is too long.
pub fn identity_of(folder: &DocPath) -> Result<Vec<DocPath>, String> {
    let own = IDENTITY.iter().map(|name| format!("{folder}/{name}"));
    let above = above(folder).map(|above| format!("{above}/USER.md"));
    own.chain(above).map(|path| DocPath::new(&path)).collect()
}

/// The documents that say who an agent is, each with its version.
pub(crate) fn identity(turn: &Turn<'_>, folder: &DocPath) -> Done<Vec<(DocPath, u64)>> {
    let paths = identity_of(folder).map_err(Stop::broken)?;
    turn.load(paths.iter().cloned().map(Key::Document))?;
    let mut out = Vec::new();
    for path in paths {
        if let Some(document) = turn.document(&path)? {
            out.push((path, document.version));
        }
    }
    Ok(out)
}

/// What an agent is shown beside its task: who it is, the skills that it may read, what it goes
/// through when it wakes, the rest of its workspace, then the documents of its manifest, until its
/// budget of tokens is spent.
pub(super) fn shown(turn: &Turn<'_>, mind: &MindSpec, by: &Actor) -> Done<Shown> {
    let woken = woken(by);
    let own = match &mind.workspace {
        Some(folder) => wanted(turn, folder, woken.is_some())?,
        None => Vec::new(),
    };
    let rest = mind.shown.iter().map(|path| (vec![path.clone()], u64::MAX));
    let own = own.into_iter().map(|places| (places, SHOWN_BYTES_MAX));
    let all: Vec<(Vec<DocPath>, u64)> = own.chain(rest).collect();
    turn.load(
        all.iter()
            .flat_map(|(places, _)| places.iter().cloned().map(Key::Document)),
    )?;
    let mut left = u64::from(mind.shown_tokens_max) * TOKEN_BYTES;
    let mut out = Shown::default();
    let who = if mind.workspace.is_some() { WHO } else { 0 };
    for (at, (places, most)) in all.iter().enumerate() {
        if at == who {
            tell_skills(turn, mind, &mut left, &mut out)?;
        }
        let mut found = None;
        for path in places {
            if let Some(document) = turn.document(path)? {
                found = Some((path.to_string(), document.body));
                break;
            }
        }
        let Some((title, body)) = found else { continue };
        if out.documents.iter().any(|(other, _)| *other == title) {
            continue; // named in the manifest, too
        }
        let room = left.min(*most);
        let given = match crate::planted::is("shown-beyond-the-budget") {
            true => body.len,
            false => body.len.min(room),
        };
        if given < body.len && given < PIECE_BYTES_MIN {
            let why = format!("no room: {} tokens are all", mind.shown_tokens_max);
            out.left_out.push((title, why));
            continue;
        }
        if given < body.len {
            let why = format!("cut: {given} of {} bytes", body.len);
            out.left_out.push((title.clone(), why));
        }
        left = left.saturating_sub(given);
        out.given.push(given);
        out.documents.push((title, body));
    }
    if all.len() <= who {
        tell_skills(turn, mind, &mut left, &mut out)?;
    }
    let checklist = mind.workspace.as_ref();
    let checklist = checklist.map(|folder| format!("{folder}/{CHECKLIST}"));
    let has_one = out
        .documents
        .iter()
        .any(|(title, _)| Some(title) == checklist.as_ref());
    out.told.extend(woken.filter(|_| has_one));
    out.told.extend(speaks(mind));
    Ok(out)
}

/// Names and descriptions of the skills, as far as there is room.
fn tell_skills(turn: &Turn<'_>, mind: &MindSpec, left: &mut u64, out: &mut Shown) -> Done {
    for (name, found) in super::skill::granted(turn, mind)? {
        let title = format!("skills/{name}");
        let Some((spec, version)) = found else {
            out.left_out.push((title, "there is no such skill".into()));
            continue;
        };
        let told = SkillTold {
            name,
            version,
            description: spec.description.clone(),
        };
        let bytes = told_bytes(&told);
        if bytes > *left {
            let why = format!("no room: {} tokens are all", mind.shown_tokens_max);
            out.left_out.push((title, why));
            continue;
        }
        *left -= bytes;
        out.skills.push(told);
    }
    Ok(())
}

/// What an agent may do with a document of its workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Own {
    /// It isn't one.
    No,
    /// Read only.
    Read,
    /// Read and written.
    Write,
}

/// Whether a document belongs to the workspace, and whether the agent writes it.
pub(super) fn own(mind: &MindSpec, path: &DocPath) -> Own {
    match within(mind, path) {
        None => Own::No,
        Some("WORKING.md") => Own::Write,
        Some(name) if is_a_day(name) => Own::Write,
        Some(_) if crate::planted::is("workspaces-are-written") => Own::Write,
        Some(_) => Own::Read,
    }
}

/// Whether a document is of what another agent remembers: it would be told so by its neighbour.
pub(super) fn is_of_another(mind: &MindSpec, path: &DocPath) -> bool {
    within(mind, path).is_none() && path.is_memory() && !crate::planted::is("agents-write-memories")
}

/// What a document is called in the agent's workspace; none where it isn't of it.
fn within<'p>(mind: &MindSpec, path: &'p DocPath) -> Option<&'p str> {
    let folder = mind.workspace.as_ref()?;
    let rest = path.as_str().strip_prefix(folder.as_str())?;
    rest.strip_prefix('/')
}

/// Whether a document is of what the agent remembers.
pub(super) fn is_memory(mind: &MindSpec, path: &DocPath) -> bool {
    within(mind, path)
        .is_some_and(|name| ["MEMORY.md", "WORKING.md", FACTS].contains(&name) || is_a_day(name))
}

/// `memory/2026-10-05.md`.
fn is_a_day(name: &str) -> bool {
    let day = name
        .strip_prefix("memory/")
        .and_then(|name| name.strip_suffix(".md"));
    day.is_some_and(crate::recall::is_day)
}

/// A document of the workspace as text; empty where there is none.
pub(super) fn text(turn: &Turn<'_>, path: &DocPath) -> Done<String> {
    let Some(document) = turn.document(path)? else {
        return Ok(String::new());
    };
    let bytes = turn.body(document.body)?.unwrap_or_default();
    Ok(String::from_utf8_lossy(bytes).into_owned())
}

/// Adds a line to a document; how many bytes it would have where that is too much.
pub(super) fn add(
    turn: &mut Turn<'_>,
    run: (RunId, &Run),
    path: &DocPath,
    (head, line): (&str, &str),
) -> Done<Result<(), usize>> {
    let mut all = text(turn, path)?;
    if all.is_empty() {
        all.push_str(head);
    } else if !all.ends_with('\n') {
        all.push('\n');
    }
    all.push_str(line);
    all.push('\n');
    if all.len() > MEMORY_BYTES_MAX {
        return Ok(Err(all.len()));
    }
    let body = turn.stage(all.into_bytes())?;
    let by = Actor::Agent(run.1.agent.clone());
    let _ = crate::document::write(turn, &by, path, body, None, Some(run.0))?;
    Ok(Ok(()))
}

/// A person changed what an agent made before saying yes: it is shown both texts from then on.
pub(crate) fn corrected(
    turn: &mut Turn<'_>,
    author: &Name,
    (before, after): (BodyRef, BodyRef),
) -> Done {
    let mind = super::mind(turn, author)?;
    let Some(folder) = mind.and_then(|mind| mind.workspace.clone()) else {
        return Ok(());
    };
    if before == after || crate::planted::is("corrections-forgotten") {
        return Ok(());
    }
    turn.read_all([before, after])?;
    let shown = |body: BodyRef| -> Done<String> {
        let bytes = turn.body(body)?.unwrap_or_default();
        let text = String::from_utf8_lossy(bytes);
        let end = text.floor_char_boundary(CORRECTION_BYTES_MAX);
        let lines = text[..end].lines().map(|line| format!("> {line}"));
        Ok(lines.collect::<Vec<_>>().join("\n"))
    };
    let (was, is) = (shown(before)?, shown(after)?);
    let path = below(&folder, CORRECTIONS)?;
    let known = text(turn, &path)?;
    let kept: Vec<&str> = known.split(CORRECTION_MARK).skip(1).collect();
    let kept = &kept[kept.len().saturating_sub(CORRECTIONS_MAX - 1)..];
    let mut all = CORRECTIONS_HEAD.to_owned();
    for one in kept {
        all += CORRECTION_MARK;
        all += one.trim_end();
        all.push('\n');
    }
    let time = turn.now.rfc3339();
    all +=
        &format!("{CORRECTION_MARK}{time}\n\nYou wrote:\n\n{was}\n\nA person made it:\n\n{is}\n");
    let body = turn.stage(all.into_bytes())?;
    let _ = crate::document::write(turn, &Actor::System, &path, body, None, None)?;
    Ok(())
}

/// One line, whatever was said.
fn line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

pub(super) fn said(text: &str, what: &str) -> Result<String, String> {
    let text = line(text);
    match text.len() {
        0 => Err(format!("`{what}` says nothing")),
        len if len > NOTE_BYTES_MAX => Err(format!(
            "`{what}` has {len} bytes, at most {NOTE_BYTES_MAX}"
        )),
        _ => Ok(text),
    }
}

/// What came of a note.
pub(super) type Noted = Result<String, String>;

/// Adds a line to the notes of the day.
pub(super) fn note(
    turn: &mut Turn<'_>,
    run: (RunId, &Run),
    folder: &DocPath,
    words: &str,
) -> Done<Noted> {
    let words = match said(words, "text") {
        Ok(words) => words,
        Err(why) => return Ok(Err(why)),
    };
    let again = super::recall::no_news(turn, run.0, [words.as_str()])?;
    if let Some(why) = again.filter(|_| !crate::planted::is("recalled-is-noted")) {
        return Ok(Err(why));
    }
    let today = day(turn.now);
    let path = below(folder, &format!("memory/{today}.md"))?;
    let time: String = turn.now.rfc3339().chars().skip(11).take(5).collect();
    let head = format!("# {today}\n\n");
    Ok(
        match add(turn, run, &path, (&head, &format!("- {time} {words}")))? {
            Ok(()) => Ok("noted".to_owned()),
            Err(bytes) => Err(format!("the notes of today would have {bytes} bytes")),
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_a_document_is() {
        let mind = MindSpec {
            workspace: Some(DocPath::new("agents/jarvis").unwrap()),
            ..MindSpec::default()
        };
        let of = |path: &str| own(&mind, &DocPath::new(path).unwrap());
        for path in [
            "agents/jarvis/WORKING.md",
            "agents/jarvis/memory/2026-10-05.md",
        ] {
            assert_eq!(of(path), Own::Write, "{path}");
        }
        for path in [
            "agents/jarvis/SOUL.md",
            "agents/jarvis/MEMORY.md",
            "agents/jarvis/memory/facts.jsonl",
            "agents/jarvis/memory/2026-10-05x.md",
            "agents/jarvis/sub/WORKING.md",
        ] {
            assert_eq!(of(path), Own::Read, "{path}");
        }
        for path in [
            "agents/jarvis2/WORKING.md",
            "agents/fury/WORKING.md",
            "agents/USER.md",
        ] {
            assert_eq!(of(path), Own::No, "{path}");
        }
    }
}
