//! Skills as folders: read like the rest of a workspace, and applied as one document each.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use naos_manifest::{NoChecks, NoFiles, parse_document};
use naos_types::spec::SKILL_FILE;
use naos_types::{Code, Digest};
use serde_json::{Value, json};

use super::{Fate, Found, Last, Part, walk};
use crate::fail::Fail;
use crate::sync::Document;

/// Where skills stand in a workspace and in a project.
pub(crate) const SKILLS: &str = "skills/";

/// The document that makes a skill of these texts.
fn text(name: &str, files: &BTreeMap<String, String>) -> String {
    with_programs(name, files, &BTreeMap::new())
}

/// The same with programs: paths in the folder, and where these lie.
fn with_programs(
    name: &str,
    files: &BTreeMap<String, String>,
    programs: &BTreeMap<String, String>,
) -> String {
    let mut whole = json!({"type": "agent_skill", "name": name, "files": files});
    if !programs.is_empty() {
        whole["scripts"] = json!(programs);
    }
    let plain = whole.to_string();
    let mut out = String::with_capacity(plain.len());
    for c in plain.chars() {
        // YAML wants these escaped, JSON doesn't; they stand within texts only.
        match c {
            '\u{7f}'..='\u{9f}'
            | '\u{2028}'
            | '\u{2029}'
            | '\u{feff}'
            | '\u{fffe}'
            | '\u{ffff}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

/// What names the content of a skill that naos gave back.
pub(crate) fn digest(name: &str, files: &Value) -> String {
    let files: BTreeMap<String, String> = serde_json::from_value(files.clone()).unwrap_or_default();
    Digest::of(text(name, &files).as_bytes()).to_string()
}

/// The document of a skill.
pub(crate) fn document(label: &str, text: &str) -> Document {
    Document {
        label: label.trim_end_matches('/').to_owned(),
        text: text.to_owned(),
        dir: std::path::PathBuf::new(),
    }
}

/// The files of a folder that say what both sides had in common the last time: paths, and SHA-256.
pub(crate) fn known(dir: &Path, last: &Last) -> Result<BTreeMap<String, String>, Fail> {
    if !dir.is_dir() {
        return Ok(BTreeMap::new());
    }
    let found = walk(dir, "")?;
    let skills: Vec<Found> = gathered(found.clone());
    let is_agreed = |one: &Found| match &one.fate {
        Fate::Taken(_, text) => {
            last.here(&one.path) == Some(&Digest::of(text.as_bytes()).to_string())
        }
        _ => false,
    };
    let skills: Vec<&str> = skills
        .iter()
        .filter(|one| one.path.starts_with(SKILLS) && is_agreed(one))
        .map(|one| one.path.as_str())
        .collect();
    let known = found.iter().filter_map(|one| match &one.fate {
        Fate::Taken(Part::Skill, text) if skills.iter().any(|at| one.path.starts_with(at)) => {
            Some((one.path.clone(), Digest::of(text.as_bytes()).to_string()))
        }
        Fate::Taken(part, text) if *part != Part::Skill && is_agreed(one) => {
            Some((one.path.clone(), Digest::of(text.as_bytes()).to_string()))
        }
        _ => None,
    });
    Ok(known.collect())
}

/// What was found, each skill in place of its files. One that doesn't hold what a skill has to is
/// refused, and says why.
pub(super) fn gathered(found: Vec<Found>) -> Vec<Found> {
    let mut skills: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    let mut out = Vec::with_capacity(found.len());
    for one in found {
        if let Fate::Taken(Part::Program, _) = &one.fate {
            let why = "a program comes with its skill's own folder: naos skill add DIR";
            let fate = Fate::LeftOut(why.into());
            out.push(Found { fate, ..one });
            continue;
        }
        let Fate::Taken(Part::Skill, text) = &one.fate else {
            out.push(one);
            continue;
        };
        let within = one.path.strip_prefix(SKILLS).unwrap_or(&one.path);
        match within.split_once('/') {
            Some((name, path)) => {
                let files = skills.entry(name.to_owned()).or_default();
                files.insert(path.to_owned(), text.clone());
            }
            None => {
                let fate = Fate::LeftOut("it belongs to no skill".into());
                out.push(Found { fate, ..one });
            }
        }
    }
    for (name, files) in skills {
        let path = format!("{SKILLS}{name}/");
        let fate = if files.contains_key(SKILL_FILE) {
            let text = text(&name, &files);
            match wrong(&path, &text) {
                None => Fate::Taken(Part::Skill, text),
                Some(why) => Fate::Refused(why),
            }
        } else {
            Fate::LeftOut(format!("it has no {SKILL_FILE}"))
        };
        out.push(Found { path, fate });
    }
    out.sort_by(|one, other| one.path.cmp(&other.path));
    out
}

fn wrong(label: &str, text: &str) -> Option<String> {
    let label = label.trim_end_matches('/');
    let read = parse_document(label, text, &NoFiles, &NoChecks);
    let all = read.err()?.0;
    let all: Vec<String> = all.iter().map(ToString::to_string).collect();
    Some(all.join("; "))
}

/// The folder of one skill as a document, and what of it isn't taken along. A link, a key or a file
/// that is too large is an error here: somebody wrote this folder for naos.
pub(crate) fn skill(dir: &Path, label: &str) -> Result<(Document, Vec<String>), Fail> {
    let whole = dir.canonicalize();
    let whole = whole.map_err(|e| Fail::io(format!("read the folder {}", dir.display()), &e))?;
    let name = whole.file_name().unwrap_or_default().to_string_lossy();
    let prefix = format!("{SKILLS}{name}/");
    let (mut files, mut programs) = (BTreeMap::new(), BTreeMap::new());
    let (mut left, mut refused) = (Vec::new(), Vec::new());
    for one in walk(&whole, &prefix)? {
        let path = one.path.strip_prefix(&prefix).unwrap_or(&one.path);
        match one.fate {
            Fate::Taken(Part::Program, place) => drop(programs.insert(path.to_owned(), place)),
            Fate::Taken(_, text) => drop(files.insert(path.to_owned(), text)),
            Fate::LeftOut(why) => left.push(format!("{label}/{path}: {why}")),
            Fate::Refused(why) => refused.push(format!("{label}/{path}: {why}")),
        }
    }
    if !refused.is_empty() {
        let files = crate::out::count(refused.len(), "file", "files");
        let what = format!("{files} of the skill {label} can't be taken");
        let mut fail = Fail::new(Code::BAD_DOCUMENT, what).help("take them out of the folder");
        fail.more = refused;
        return Err(fail);
    }
    if !files.contains_key(SKILL_FILE) {
        let what = format!("{label} has no {SKILL_FILE}");
        let help = "a skill is a folder with a SKILL.md: docs/agent-skills.md";
        return Err(Fail::new(Code::NOT_FOUND, what).help(help));
    }
    let whole = with_programs(&name, &files, &programs);
    Ok((document(label, &whole), left))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_of_a_skill_arrives_as_it_is() {
        let odd = "tab\t, \"quotes\", \\, \r\n, é, 🦀, \u{1b}[0m, \u{7f}, \u{85}, \u{a0}, \
                   \u{2028}, \u{feff}, \u{fffd}, \u{ffff}, \u{1fffe}, {{ x }}, \
                   --- , # and: so on\n---\n";
        let head = "---\nname: odd\ndescription: x\n---\n";
        let files = BTreeMap::from([
            (SKILL_FILE.to_owned(), format!("{head}{odd}")),
            ("references/odd name.md".to_owned(), odd.to_owned()),
        ]);
        let read = parse_document("odd", &text("odd", &files), &NoFiles, &NoChecks).unwrap();
        assert_eq!(read.agent_skills[0].1.files, files);
        assert_eq!(read.agent_skills[0].1.body(), odd);
        let same = digest("odd", &json!(files));
        assert_eq!(same, Digest::of(text("odd", &files).as_bytes()).to_string());
    }
}
