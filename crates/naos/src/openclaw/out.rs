//! An agent's workspace as a folder that OpenClaw opens. Nothing of somebody else's is written
//! over: a folder is empty, new, or what an earlier export left there and nobody changed since.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use naos_types::{Code, Digest};
use serde::{Deserialize, Serialize};

use crate::fail::Fail;

/// The file that says what an export wrote; OpenClaw doesn't look at it.
pub(crate) const MARKER: &str = ".naos-export.json";
/// The longest such file, in bytes.
const MARKER_BYTES_MAX: u64 = 1 << 20;

/// What an export wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Marker {
    agent: String,
    /// Paths, and SHA-256 of what was written.
    files: BTreeMap<String, String>,
}

/// What came of an export.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Written {
    /// Files that are new or say something else now.
    pub(crate) written: Vec<String>,
    /// Files of an earlier export whose documents are gone.
    pub(crate) removed: Vec<String>,
    /// How many were there already as they should be.
    pub(crate) unchanged: usize,
}

/// Writes these files, by their paths. What an import took since the last export is `known` to
/// naos as it stands in the folder: it isn't lost by being written over.
pub(crate) fn write(
    (dir, agent): (&Path, &str),
    files: &BTreeMap<String, String>,
    known: &BTreeMap<String, String>,
    force: bool,
) -> Result<Written, Fail> {
    let force = force || crate::planted::exports_over_edits();
    let marker = marker(dir, agent)?;
    let mut done = Written::default();
    let mut others = Vec::new();
    let mut wanted: Vec<(&String, PathBuf)> = Vec::new();
    for (path, text) in files {
        let place = dir.join(path);
        match there(dir, path)? {
            Some(is) if is == digest(text) => done.unchanged += 1,
            Some(is)
                if ![marker.files.get(path), known.get(path)].contains(&Some(&is)) && !force =>
            {
                others.push(path.as_str());
            }
            _ => wanted.push((path, place)),
        }
    }
    let mut gone = Vec::new();
    for (path, was) in &marker.files {
        if files.contains_key(path) {
            continue;
        }
        match there(dir, path)? {
            Some(is) if is == *was || known.get(path) == Some(&is) => gone.push(path),
            Some(_) if !force => others.push(path.as_str()),
            _ => {}
        }
    }
    if !others.is_empty() {
        let what = format!(
            "somebody changed {} in {} since the last export or import; nothing was written",
            others.join(", "),
            dir.display()
        );
        let help = format!(
            "take it into naos first: naos agent import {} --name {agent}; or add --force to \
             replace it",
            dir.display()
        );
        return Err(Fail::new(Code::EXISTS, what).help(help));
    }
    let writing =
        |path: &Path, e: &std::io::Error| Fail::io(format!("write {}", path.display()), e);
    fs::create_dir_all(dir).map_err(|e| writing(dir, &e))?;
    // First: what is cut off in the middle is known as an export all the same.
    keep(dir, &marker)?;
    for (path, place) in wanted {
        if let Some(folder) = place.parent() {
            fs::create_dir_all(folder).map_err(|e| writing(folder, &e))?;
        }
        fs::write(&place, &files[path]).map_err(|e| writing(&place, &e))?;
        done.written.push(path.clone());
    }
    for path in gone {
        let place = dir.join(path);
        fs::remove_file(&place).map_err(|e| writing(&place, &e))?;
        done.removed.push(path.clone());
    }
    let files = files.iter();
    let files = files
        .map(|(path, text)| (path.clone(), digest(text)))
        .collect();
    let agent = agent.to_owned();
    keep(dir, &Marker { agent, files })?;
    Ok(done)
}

fn digest(text: &str) -> String {
    Digest::of(text.as_bytes()).to_string()
}

/// What an earlier export wrote there; that the folder is somebody else's is an error.
fn marker(dir: &Path, agent: &str) -> Result<Marker, Fail> {
    let reading = |e: &std::io::Error| Fail::io(format!("read {}", dir.display()), e);
    let mut entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(new(agent)),
        Err(error) => return Err(reading(&error)),
    };
    let path = dir.join(MARKER);
    let kind = match fs::symlink_metadata(&path) {
        Ok(found) => found,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            if entries.next().is_none() {
                return Ok(new(agent));
            }
            let what = format!("{} isn't empty and is no export of naos", dir.display());
            let help = "name a new folder, or the folder of an earlier export";
            return Err(Fail::new(Code::NOT_EMPTY, what).help(help));
        }
        Err(error) => return Err(reading(&error)),
    };
    let is_sound = kind.is_file() && kind.len() <= MARKER_BYTES_MAX;
    let text = is_sound.then(|| fs::read(&path)).transpose();
    let text = text.map_err(|e| reading(&e))?.unwrap_or_default();
    let found: Option<Marker> = serde_json::from_slice(&text).ok();
    let Some(found) = found else {
        let what = format!("{} isn't what an export writes", path.display());
        return Err(Fail::new(Code::BAD_DOCUMENT, what).help("name a new folder"));
    };
    if found.agent != agent {
        let what = format!("{} is an export of {}", dir.display(), found.agent);
        return Err(Fail::new(Code::NOT_EMPTY, what).help("name another folder"));
    }
    Ok(found)
}

fn new(agent: &str) -> Marker {
    Marker {
        agent: agent.to_owned(),
        ..Marker::default()
    }
}

fn keep(dir: &Path, marker: &Marker) -> Result<(), Fail> {
    let path = dir.join(MARKER);
    let text = serde_json::to_vec_pretty(marker).unwrap_or_default();
    fs::write(&path, text).map_err(|e| Fail::io(format!("write {}", path.display()), &e))
}

/// What stands at a place within the folder; none where nothing does. Nothing is reached through
/// a link, which could lead out of the folder.
fn there(dir: &Path, path: &str) -> Result<Option<String>, Fail> {
    let mut place = dir.to_owned();
    let parts: Vec<&str> = path.split('/').collect();
    for (at, part) in parts.iter().enumerate() {
        if matches!(*part, "" | "." | "..") {
            let what = format!("{path:?} would lead out of the folder");
            return Err(Fail::new(Code::BAD_NAME, what));
        }
        place.push(part);
        let kind = match fs::symlink_metadata(&place) {
            Ok(found) => found.file_type(),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Fail::io(format!("read {}", place.display()), &error)),
        };
        let fits = if at + 1 == parts.len() {
            kind.is_file()
        } else {
            kind.is_dir()
        };
        if !fits {
            let what = format!(
                "{} is a link, or no file where one is to be",
                place.display()
            );
            return Err(Fail::new(Code::NOT_EMPTY, what).help("take it away"));
        }
    }
    let content = fs::read(&place);
    let content = content.map_err(|e| Fail::io(format!("read {}", place.display()), &e))?;
    Ok(Some(Digest::of(&content).to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(all: &[(&str, &str)]) -> BTreeMap<String, String> {
        let all = all.iter();
        all.map(|(path, text)| ((*path).to_owned(), (*text).to_owned()))
            .collect()
    }

    #[test]
    fn an_export_writes_what_changed_and_takes_away_what_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let (dir, none) = (dir.path().join("new"), BTreeMap::new());
        let first = files(&[("SOUL.md", "a"), ("memory/x.md", "b"), ("USER.md", "c")]);
        let done = write((&dir, "jarvis"), &first, &none, false).unwrap();
        assert_eq!(done.written.len(), 3);
        let second = files(&[("SOUL.md", "a"), ("memory/x.md", "bb")]);
        let done = write((&dir, "jarvis"), &second, &none, false).unwrap();
        assert_eq!(done.written, ["memory/x.md"]);
        assert_eq!(
            (done.removed, done.unchanged),
            (vec!["USER.md".to_owned()], 1)
        );
        assert!(!dir.join("USER.md").exists());
        let other = write((&dir, "fury"), &second, &none, false).unwrap_err();
        assert!(other.what.contains("export of jarvis"), "{}", other.what);
        // Somebody wrote there meanwhile.
        fs::write(dir.join("SOUL.md"), "mine").unwrap();
        let third = files(&[("SOUL.md", "aa"), ("memory/x.md", "c")]);
        let refused = write((&dir, "jarvis"), &third, &none, false).unwrap_err();
        assert!(refused.what.contains("SOUL.md"), "{}", refused.what);
        assert_eq!(fs::read_to_string(dir.join("memory/x.md")).unwrap(), "bb");
        write((&dir, "jarvis"), &third, &none, true).unwrap();
        assert_eq!(fs::read_to_string(dir.join("SOUL.md")).unwrap(), "aa");
        // What naos took of it is no loss, and nothing else is.
        fs::write(dir.join("SOUL.md"), "taken").unwrap();
        let known = BTreeMap::from([("SOUL.md".to_owned(), digest("taken"))]);
        fs::write(dir.join("memory/x.md"), "not taken").unwrap();
        let fourth = files(&[("SOUL.md", "aaa"), ("memory/x.md", "d")]);
        let refused = write((&dir, "jarvis"), &fourth, &known, false).unwrap_err();
        assert!(!refused.what.contains("SOUL.md"), "{}", refused.what);
        fs::write(dir.join("memory/x.md"), "c").unwrap();
        let done = write((&dir, "jarvis"), &fourth, &known, false).unwrap();
        assert_eq!(done.written.len(), 2);
    }

    #[cfg(unix)]
    #[test]
    fn nothing_is_written_through_a_link() {
        let dir = tempfile::tempdir().unwrap();
        let (out, elsewhere) = (dir.path().join("out"), dir.path().join("elsewhere"));
        fs::create_dir(&elsewhere).unwrap();
        let (out, none) = ((out.as_path(), "jarvis"), BTreeMap::new());
        write(out, &files(&[("SOUL.md", "a")]), &none, false).unwrap();
        std::os::unix::fs::symlink(&elsewhere, out.0.join("memory")).unwrap();
        for force in [false, true] {
            let refused = write(out, &files(&[("memory/x.md", "b")]), &none, force);
            assert!(refused.unwrap_err().what.contains("link"));
        }
        assert!(!elsewhere.join("x.md").exists());
        let refused = write(out, &files(&[("../x.md", "b")]), &none, false);
        assert!(refused.unwrap_err().what.contains("out of the folder"));
    }
}
