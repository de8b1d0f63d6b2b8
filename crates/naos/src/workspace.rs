//! The workspaces of agents as files: who an agent is stands in the project's folder and goes to
//! naos when it changed; what an agent remembers stands in naos and comes out when it is asked for.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use naos_engine::clock;
use naos_kernel::recall;
use naos_types::{Code, Digest, DocPath, IDENTITY_BYTES_MAX, is_identity};
use serde_json::{Value, json};

use crate::fail::Fail;
use crate::out::items;
use crate::project::Project;
use crate::session::{Session, api, part};
use crate::sync;

/// Where workspaces stand, in the project and in naos.
pub(crate) const FOLDER: &str = "agents";
/// The most files of workspaces.
const FILES_MAX: usize = 1_000;
/// How deep below a workspace files are looked for.
const DEPTH_MAX: usize = 3;

/// A file of a workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    /// What it is called in naos: `agents/jarvis/SOUL.md`.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Piece {
    pub(crate) fn digest(&self) -> String {
        Digest::of(self.text.as_bytes()).to_string()
    }
}

/// A file that says who an agent is, and why it isn't taken over: that concerns nobody else.
#[derive(Debug)]
pub(crate) struct Unread {
    /// What it would be called in naos.
    pub(crate) path: String,
    pub(crate) fail: Fail,
}

impl Unread {
    /// Whether it says who the agent with this workspace is.
    pub(crate) fn is_of(&self, folder: &str) -> bool {
        let within = self.path.strip_prefix(folder.trim_start_matches('/'));
        within.is_some_and(|rest| rest.starts_with('/'))
    }
}

/// What the project says about who its agents are, and what of it can't be taken over.
pub(crate) fn identities(project: &Project) -> Result<(Vec<Piece>, Vec<Unread>), Fail> {
    let root = project.root.join(FOLDER);
    let (mut out, mut unread) = (Vec::new(), Vec::new());
    let mut take = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if !is_identity(&name) {
            return;
        }
        let within = slashes(path.strip_prefix(&project.root).unwrap_or(path));
        match regular(path).and_then(|()| read(path, &within)) {
            Ok(piece) => out.push(piece),
            Err(fail) => unread.push(Unread { path: within, fail }),
        }
    };
    for path in entries(&root)? {
        if path.is_dir() {
            for path in entries(&path)? {
                take(&path);
            }
        } else {
            take(&path);
        }
    }
    too_many(&root, out.len())?;
    Ok((out, unread))
}

/// All documents of a folder that is, or was, a workspace: text, whatever it is called.
pub(crate) fn below(dir: &Path, to: &str) -> Result<Vec<Piece>, Fail> {
    let mut out = Vec::new();
    let mut open = vec![(dir.to_owned(), 0)];
    while let Some((folder, depth)) = open.pop() {
        for path in entries(&folder)? {
            let hidden = path.file_name().unwrap_or_default().to_string_lossy();
            if hidden.starts_with('.') {
                continue;
            }
            if path.is_dir() {
                if depth < DEPTH_MAX {
                    open.push((path, depth + 1));
                }
                continue;
            }
            let ending = path.extension().unwrap_or_default().to_string_lossy();
            if matches!(&*ending, "md" | "jsonl" | "json" | "txt") {
                regular(&path)?;
                let within = path.strip_prefix(dir).unwrap_or(&path);
                out.push(read(&path, &format!("{to}/{}", slashes(within)))?);
            }
        }
        too_many(dir, out.len())?;
    }
    out.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(out)
}

/// A link could lead out of the project, and a pipe never ends.
fn regular(path: &Path) -> Result<(), Fail> {
    let kind = fs::symlink_metadata(path)
        .map_err(|e| Fail::io(format!("read {}", path.display()), &e))?
        .file_type();
    if kind.is_file() {
        return Ok(());
    }
    let what = format!(
        "{} is no file but a link, a folder or a pipe",
        path.display()
    );
    Err(Fail::new(Code::BAD_DOCUMENT, what).help("put the file itself there, or take it away"))
}

fn too_many(dir: &Path, count: usize) -> Result<(), Fail> {
    if count <= FILES_MAX {
        return Ok(());
    }
    let what = format!("{} has more than {FILES_MAX} files", dir.display());
    Err(Fail::new(Code::TOO_LARGE, what))
}

fn slashes(path: &Path) -> String {
    let parts = path
        .components()
        .map(|part| part.as_os_str().to_string_lossy());
    parts.collect::<Vec<_>>().join("/")
}

/// What stands in a folder, in order; nothing where there is none.
fn entries(dir: &Path) -> Result<Vec<PathBuf>, Fail> {
    let reading = |e: std::io::Error| Fail::io(format!("read the folder {}", dir.display()), &e);
    let mut out = Vec::new();
    match fs::read_dir(dir) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(out),
        Err(error) => return Err(reading(error)),
        Ok(all) => {
            for entry in all {
                out.push(entry.map_err(reading)?.path());
            }
        }
    }
    out.sort();
    Ok(out)
}

fn read(path: &Path, label: &str) -> Result<Piece, Fail> {
    let reading = |e: std::io::Error| Fail::io(format!("read {}", path.display()), &e);
    let bytes = fs::metadata(path).map_err(reading)?.len();
    if bytes > IDENTITY_BYTES_MAX {
        let what = format!("{label} has {bytes} bytes, at most {IDENTITY_BYTES_MAX}");
        let help = "an agent is shown at most 20,000 bytes of it: say it shorter";
        return Err(Fail::new(Code::TOO_LARGE, what).help(help));
    }
    let path_in_naos = DocPath::new(label).map_err(|what| Fail::new(Code::BAD_NAME, what))?;
    let text = sync::text(label, fs::read(path).map_err(reading)?)?;
    Ok(Piece {
        path: path_in_naos.as_str().trim_start_matches('/').to_owned(),
        text,
    })
}

/// Puts those into naos that changed since they were last put there; how many that were.
pub(crate) fn put(
    session: &mut Session,
    pieces: &[Piece],
    before: &BTreeMap<String, String>,
) -> Result<usize, Fail> {
    let changed = pieces
        .iter()
        .filter(|piece| before.get(&piece.path) != Some(&piece.digest()));
    let mut count = 0;
    for piece in changed {
        session.put(place(&piece.path)?, &json!({"text": piece.text}))?;
        count += 1;
    }
    Ok(count)
}

/// Where a document is asked for.
pub(crate) fn place(path: &str) -> Result<String, Fail> {
    place_of("documents", path)
}

/// Where something about a document is asked for. What is no path of a document is refused as the
/// API refuses it: on the way there `a/./b` would become `a/b`, which is another document.
pub(crate) fn place_of(what: &str, path: &str) -> Result<String, Fail> {
    let path = DocPath::new(path).map_err(|what| Fail::new(Code::BAD_NAME, what))?;
    let parts: Vec<String> = path.as_str().split('/').map(part).collect();
    Ok(api(&format!("/{what}{}", parts.join("/"))))
}

/// A document of which the text isn't read.
pub(crate) struct Listed {
    /// `agents/jarvis/MEMORY.md`.
    pub(crate) path: String,
    pub(crate) bytes: u64,
    /// The day on which it was last written.
    pub(crate) day: String,
}

/// The documents that an agent recalls from, by its folder, in the order in which it does.
pub(crate) fn recalled(session: &mut Session, folder: &str) -> Result<Vec<Listed>, Fail> {
    let of = DocPath::new(folder).map_err(|what| Fail::new(Code::BAD_NAME, what))?;
    let wanted = recall::documents(&of, clock::now());
    let wanted = wanted.map_err(|what| Fail::new(Code::BAD_NAME, what))?;
    let mut there = BTreeMap::new();
    for item in listed(session, &format!("/{folder}/"))? {
        let text = |key: &str| item[key].as_str().unwrap_or_default();
        let path = text("path").trim_start_matches('/').to_owned();
        let listed = Listed {
            path: path.clone(),
            bytes: item["bytes"].as_u64().unwrap_or_default(),
            day: text("time").chars().take(10).collect(),
        };
        there.insert(path, listed);
    }
    let found = wanted
        .iter()
        .filter_map(|path| there.remove(path.as_str().trim_start_matches('/')));
    Ok(found.collect())
}

/// What is told of each document beneath a path; their texts aren't read.
pub(crate) fn listed(session: &mut Session, beneath: &str) -> Result<Vec<Value>, Fail> {
    let (mut out, mut after) = (Vec::new(), String::new());
    loop {
        let page = session.get(api(&format!("/documents?prefix={}{after}", part(beneath))))?;
        out.extend(items(&page).iter().cloned());
        match page["next"].as_str() {
            Some(next) => after = format!("&after={}", part(next)),
            None => return Ok(out),
        }
    }
}

/// What naos keeps beneath a path.
pub(crate) fn kept(session: &mut Session, beneath: &str) -> Result<Vec<Piece>, Fail> {
    let all = versions(session, beneath)?.into_iter();
    Ok(all.map(|(piece, _)| piece).collect())
}

/// The same, each with its version.
pub(crate) fn versions(session: &mut Session, beneath: &str) -> Result<Vec<(Piece, u64)>, Fail> {
    let mut out = Vec::new();
    for item in listed(session, beneath)? {
        let path = item["path"].as_str().unwrap_or_default();
        let path = path.trim_start_matches('/').to_owned();
        // It may be gone by now.
        if let Some((text, version)) = document(session, &path)? {
            out.push((Piece { path, text }, version));
        }
    }
    Ok(out)
}

/// A document of naos; none where there isn't one.
pub(crate) fn document(session: &mut Session, path: &str) -> Result<Option<(String, u64)>, Fail> {
    match session.get(place(path)?) {
        // A picture is no text: nobody edits one here.
        Ok(found) if found["base64"].is_string() => Ok(None),
        Ok(found) => {
            let text = found["text"].as_str().unwrap_or_default().to_owned();
            Ok(Some((text, found["version"].as_u64().unwrap_or_default())))
        }
        Err(fail) if fail.code == Some(Code::NOT_FOUND) => Ok(None),
        Err(fail) => Err(fail),
    }
}

/// Writes a document if nobody wrote it meanwhile.
pub(crate) fn write(
    session: &mut Session,
    path: &str,
    text: &str,
    expected: u64,
) -> Result<Value, Fail> {
    session.put(place(path)?, &json!({"text": text, "expected": expected}))
}
