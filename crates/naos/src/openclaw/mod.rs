//! Workspaces of OpenClaw as folders: what of one becomes an agent's, and what doesn't and why.
//!
//! Nothing of a folder is trusted: links are never followed, what isn't text or is too large is
//! refused, and so is whatever looks like a key. One file is refused, not the folder.

mod agreed;
mod out;
mod secrets;
mod skills;

use std::fs;
use std::path::{Path, PathBuf};

use naos_types::spec::SCRIPTS;
use naos_types::think::FACTS;
use naos_types::{Code, DocPath, IDENTITY, IDENTITY_BYTES_MAX, Name};

use crate::fail::Fail;
use crate::learned;

pub(crate) use agreed::{Agreed, Last};
pub(crate) use out::{MARKER, Written, write};
pub(crate) use skills::{SKILLS, digest as skill_digest, document as skill_document, known, skill};

/// The longest file, in bytes.
pub(crate) const BYTES_MAX: u64 = IDENTITY_BYTES_MAX;
/// The most bytes that are taken of a folder.
const ALL_BYTES_MAX: u64 = 16 << 20;
/// The most files and folders that are looked at.
const ENTRIES_MAX: usize = 2_000;
/// How deep below a workspace files are looked for.
const DEPTH_MAX: usize = 6;
/// What OpenClaw keeps at the top beside who an agent is.
const MEMORY: [&str; 3] = ["MEMORY.md", "WORKING.md", "CORRECTIONS.md"];
/// Endings of what may be text for an agent.
const TEXTS: [&str; 10] = [
    "md", "markdown", "txt", "json", "jsonl", "csv", "tsv", "yaml", "yml", "",
];
/// Folders that hold nothing for an agent.
const FOREIGN: [&str; 5] = ["canvas", "node_modules", "target", "dist", "avatars"];
/// What only OpenClaw itself goes by.
const RITUALS: [&str; 2] = ["BOOTSTRAP.md", "BOOT.md"];

/// What a file is to an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// It says who the agent is: people's.
    Identity,
    /// What it remembers, and where it stands.
    Memory,
    /// The notes of a day.
    Day,
    /// What it learned, with where it has it from.
    Facts,
    /// A skill: its text is the document that makes it.
    Skill,
    /// A program of a skill: its text is where it lies.
    Program,
    /// Any other text; shown where its manifest names it.
    Context,
}

impl Part {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Identity => "who it is",
            Self::Memory => "memory",
            Self::Day => "notes of a day",
            Self::Facts => "what it learned",
            Self::Skill => "skill",
            Self::Program => "program of a skill",
            Self::Context => "context",
        }
    }
}

/// What becomes of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// The agent's document of the same name.
    Taken(Part, String),
    /// It is no business of naos, and why.
    LeftOut(String),
    /// It must not be taken, and why.
    Refused(String),
}

/// A file of a folder, or a folder that wasn't looked into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// Within the folder, with `/` between.
    pub(crate) path: String,
    pub(crate) fate: Fate,
}

/// All that a folder holds, in the order of the paths; a skill is one of it.
pub(crate) fn read(dir: &Path) -> Result<Vec<Found>, Fail> {
    Ok(skills::gathered(walk(dir, "")?))
}

/// The same of a folder that stands beneath `prefix` in a workspace.
fn walk(dir: &Path, prefix: &str) -> Result<Vec<Found>, Fail> {
    let mut out = Vec::new();
    let mut open = vec![(dir.to_owned(), 0)];
    let (mut entries, mut bytes) = (0, 0);
    while let Some((folder, depth)) = open.pop() {
        let reading =
            |e: std::io::Error| Fail::io(format!("read the folder {}", folder.display()), &e);
        for entry in fs::read_dir(&folder).map_err(reading)? {
            let path = entry.map_err(reading)?.path();
            entries += 1;
            if entries > ENTRIES_MAX {
                let what = format!("{} has more than {ENTRIES_MAX} files", dir.display());
                let help = "name the folder of one agent's workspace, without what it worked on";
                return Err(Fail::new(Code::TOO_LARGE, what).help(help));
            }
            let Some(within) = slashes(path.strip_prefix(dir).unwrap_or(&path)) else {
                let label = path
                    .strip_prefix(dir)
                    .unwrap_or(&path)
                    .display()
                    .to_string();
                out.push(refused(&label, "its name is not UTF-8 text"));
                continue;
            };
            let within = format!("{prefix}{within}");
            if within == MARKER {
                continue; // what an earlier export left there
            }
            let kind = fs::symlink_metadata(&path)
                .map_err(|e| Fail::io(format!("read {}", path.display()), &e))?
                .file_type();
            if !kind.is_dir() {
                out.push(file(&path, &within, kind, &mut bytes)?);
                continue;
            }
            match folder_fate(&within, depth) {
                Some(fate) => out.push(Found {
                    path: format!("{within}/"),
                    fate,
                }),
                None => open.push((path, depth + 1)),
            }
        }
    }
    out.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(out)
}

fn refused(path: &str, why: impl Into<String>) -> Found {
    let (path, fate) = (path.to_owned(), Fate::Refused(why.into()));
    Found { path, fate }
}

/// `memory/2026-10-05.md`, if every part of a path is text.
fn slashes(path: &Path) -> Option<String> {
    let parts = path.components().map(|part| part.as_os_str().to_str());
    Some(parts.collect::<Option<Vec<_>>>()?.join("/"))
}

fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

/// Why a folder isn't looked into, if it isn't.
fn folder_fate(within: &str, depth: usize) -> Option<Fate> {
    let name = last(within);
    if secrets::is_named_so(name, within.starts_with(SKILLS)) {
        return Some(Fate::Refused("it is called like a place of secrets".into()));
    }
    if name.starts_with('.') || FOREIGN.contains(&name) {
        return Some(Fate::LeftOut("nothing for an agent stands in it".into()));
    }
    let deep = depth + 1 >= DEPTH_MAX;
    deep.then(|| Fate::LeftOut(format!("it lies deeper than {DEPTH_MAX} folders")))
}

/// What becomes of a file. Only what can't be read at all is an error.
fn file(path: &Path, within: &str, kind: fs::FileType, bytes: &mut u64) -> Result<Found, Fail> {
    if kind.is_symlink() {
        return Ok(refused(within, "it is a link, which could lead anywhere"));
    }
    if !kind.is_file() {
        return Ok(refused(
            within,
            "it is no file but a pipe, a socket or a device",
        ));
    }
    let name = last(within);
    let is_skill = within.starts_with(SKILLS);
    if secrets::is_named_so(name, is_skill) {
        return Ok(refused(within, "it is called like a place of secrets"));
    }
    let left_out = |why: &str| {
        let (path, fate) = (within.to_owned(), Fate::LeftOut(why.to_owned()));
        Ok(Found { path, fate })
    };
    if name.starts_with('.') {
        return left_out("it is hidden");
    }
    if RITUALS.contains(&within) {
        return left_out("naos has no such ritual: move what holds to AGENTS.md");
    }
    let ending = Path::new(name).extension().unwrap_or_default();
    if is_skill && ending == "wasm" {
        let inner = within
            .strip_prefix(SKILLS)
            .and_then(|rest| rest.split_once('/'));
        let stands = inner.is_some_and(|(_, path)| path.starts_with(SCRIPTS));
        let (Some(place), true) = (path.to_str(), stands) else {
            return left_out("a program of a skill stands in its folder scripts");
        };
        let (path, fate) = (
            within.to_owned(),
            Fate::Taken(Part::Program, place.to_owned()),
        );
        return Ok(Found { path, fate });
    }
    if is_skill && !is_text(path)? {
        return left_out("it is no text, and only texts of a skill are kept");
    }
    if !is_skill && !TEXTS.contains(&&*ending.to_string_lossy()) {
        return left_out("it is no text for an agent");
    }
    if let Err(why) = DocPath::new(within) {
        return Ok(refused(within, why));
    }
    let text = match text(path, bytes)? {
        Ok(text) => text,
        Err(why) => return Ok(refused(within, why)),
    };
    let part = part(within);
    if part == Part::Facts
        && let Some(unfit) = learned::unfit(&text)
    {
        return Ok(refused(within, unfit.to_string()));
    }
    let (path, fate) = (within.to_owned(), Fate::Taken(part, text));
    Ok(Found { path, fate })
}

fn part(within: &str) -> Part {
    let day = within
        .strip_prefix("memory/")
        .and_then(|name| name.strip_suffix(".md"));
    if IDENTITY.contains(&within) {
        Part::Identity
    } else if MEMORY.contains(&within) {
        Part::Memory
    } else if within == FACTS {
        Part::Facts
    } else if within.starts_with(SKILLS) {
        Part::Skill
    } else if day.is_some_and(|day| day.parse::<jiff::civil::Date>().is_ok() && day.len() == 10) {
        Part::Day
    } else {
        Part::Context
    }
}

/// Whether a file begins as text does.
fn is_text(path: &Path) -> Result<bool, Fail> {
    use std::io::Read as _;
    const LOOKED_AT: u64 = 8 << 10;
    let reading = |e: std::io::Error| Fail::io(format!("read {}", path.display()), &e);
    let mut begin = Vec::new();
    let file = fs::File::open(path).map_err(reading)?;
    file.take(LOOKED_AT)
        .read_to_end(&mut begin)
        .map_err(reading)?;
    let cut_short = |e: std::str::Utf8Error| e.error_len().is_none();
    let is_utf8 = std::str::from_utf8(&begin).map_or_else(cut_short, |_| true);
    Ok(is_utf8 && !begin.contains(&0))
}

/// The text of a file, or why it isn't taken.
fn text(path: &Path, bytes: &mut u64) -> Result<Result<String, String>, Fail> {
    use std::io::Read as _;
    let reading = |e: std::io::Error| Fail::io(format!("read {}", path.display()), &e);
    let mut content = Vec::new();
    // It may grow while it is read.
    let file = fs::File::open(path).map_err(reading)?;
    file.take(BYTES_MAX + 1)
        .read_to_end(&mut content)
        .map_err(reading)?;
    if content.len() as u64 > BYTES_MAX {
        return Ok(Err(format!("it has more than {BYTES_MAX} bytes")));
    }
    *bytes += content.len() as u64;
    if *bytes > ALL_BYTES_MAX {
        let why = format!("all before it have {ALL_BYTES_MAX} bytes already");
        return Ok(Err(why));
    }
    let text = match String::from_utf8(content) {
        Ok(text) => text,
        Err(error) => {
            let at = error.utf8_error().valid_up_to() + 1;
            return Ok(Err(format!("it is not UTF-8 text (byte {at})")));
        }
    };
    if text.contains('\0') {
        return Ok(Err("it is no text: it holds a zero byte".into()));
    }
    Ok(match secrets::found(&text) {
        Some((line, what)) if !crate::planted::imports_keys() => Err(format!(
            "line {line} looks like {what}: take it out, and give naos keys as variables"
        )),
        _ => Ok(text),
    })
}

/// What an agent of this folder is called: by its IDENTITY.md, else as the folder is.
pub(crate) fn called(dir: &Path, found: &[Found]) -> Option<Name> {
    let identity = found.iter().find(|one| one.path == "IDENTITY.md");
    let said = identity.and_then(|one| match &one.fate {
        Fate::Taken(_, text) => text.lines().find_map(name_line).and_then(Name::slug),
        _ => None,
    });
    said.or_else(|| {
        let dir: PathBuf = dir.canonicalize().unwrap_or_else(|_| dir.to_owned());
        Name::slug(&dir.file_name()?.to_string_lossy())
    })
}

/// `- **Name:** Jarvis`
fn name_line(line: &str) -> Option<&str> {
    let plain = line.trim_start_matches(['-', '*', ' ', '\t']);
    let rest = plain.strip_prefix("Name")?;
    let rest = rest.trim_start_matches(['*', ' ']).strip_prefix(':')?;
    let name = rest.trim_matches(['*', ' ', '\t', '_']);
    // A template that nobody filled in says what belongs there in brackets.
    (!name.is_empty() && !name.starts_with(['(', '['])).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_has_its_part() {
        for (path, expected) in [
            ("SOUL.md", Part::Identity),
            ("HEARTBEAT.md", Part::Identity),
            ("MEMORY.md", Part::Memory),
            ("memory/2026-10-05.md", Part::Day),
            ("memory/2026-13-05.md", Part::Context),
            ("memory/2026-10-05-roof.md", Part::Context),
            ("memory/facts.jsonl", Part::Facts),
            ("notes/SOUL.md", Part::Context),
            ("soul.md", Part::Context),
        ] {
            assert_eq!(part(path), expected, "{path}");
        }
    }

    #[test]
    fn an_identity_says_what_it_is_called() {
        for (line, expected) in [
            ("- **Name:** Jarvis", Some("Jarvis")),
            ("- **Name**: Jarvis Two", Some("Jarvis Two")),
            ("Name: Ann", Some("Ann")),
            ("- **Name:**", None),
            ("- **Name:** (pick one)", None),
            ("- **Names:** Ann", None),
            ("I am Jarvis", None),
        ] {
            assert_eq!(name_line(line), expected, "{line}");
        }
    }
}
