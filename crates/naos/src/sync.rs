//! From files to resources: what `apply` sends, and what the project's own files say when they
//! changed since they were last applied.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use naos_manifest::{DOCUMENT_BYTES_MAX, Files, NoChecks};
use naos_sandbox::WrapError;
use naos_types::spec::SKILL_FILE;
use naos_types::{Code, Digest};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::fail::{Fail, place};
use crate::openclaw::{self, SKILLS};
use crate::out::{Out, aside, items};
use crate::project::Project;
use crate::session::{Session, api};
use crate::workspace::{self, Piece, Unread};

/// Documents that are applied at once.
const DOCUMENTS_MAX: usize = 1_000;
/// How deep below a folder documents are looked for.
const DEPTH_MAX: usize = 4;
/// Bytes of a component.
const COMPONENT_BYTES_MAX: u64 = 64 << 20;

/// A document and what it is called in messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Document {
    pub(crate) label: String,
    pub(crate) text: String,
    /// What paths in it start from.
    pub(crate) dir: PathBuf,
}

/// How documents are applied.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct How {
    pub(crate) strict: bool,
    pub(crate) dry_run: bool,
}

impl How {
    /// Only looks whether it could be.
    pub(crate) const TRIED: Self = Self {
        strict: false,
        dry_run: true,
    };
}

/// What is made of the project's own files.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Made<'a> {
    /// What they say otherwise than when they were last applied: what was set by command since
    /// stays until they say something else of it.
    Changed,
    /// The same, and these again, whatever became of them: kind and name.
    AndThese(&'a [(String, String)]),
    /// All that they say.
    All,
}

/// `data/applied.json`: what the project's own files made when they were last applied. Only a
/// memory: the journal is the truth.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Remembered {
    /// SHA-256 of the files.
    pub(crate) digest: String,
    /// Kind and name of each resource.
    pub(crate) items: Vec<(String, String)>,
    /// What says who agents are: document and SHA-256.
    #[serde(default)]
    pub(crate) identities: BTreeMap<String, String>,
    /// What the files said of each resource, by its kind and name.
    #[serde(default)]
    said: BTreeMap<String, String>,
    /// What was told of already: it was made otherwise by command, and the files don't say so.
    #[serde(default)]
    told: BTreeSet<String>,
}

impl Remembered {
    fn path(project: &Project) -> PathBuf {
        project.data.join("applied.json")
    }

    pub(crate) fn of(project: &Project) -> Self {
        let text = fs::read(Self::path(project)).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    fn keep(&self, project: &Project) -> Result<(), Fail> {
        let path = Self::path(project);
        let text = serde_json::to_vec(self).unwrap_or_default();
        fs::write(&path, text).map_err(|e| Fail::io(format!("write {}", path.display()), &e))
    }
}

/// Reads one document.
pub(crate) fn document(path: &Path, label: String) -> Result<Document, Fail> {
    let reading = || format!("read {}", path.display());
    let size = fs::metadata(path)
        .map_err(|e| Fail::io(reading(), &e))?
        .len();
    if size > DOCUMENT_BYTES_MAX as u64 {
        let what = format!("{label} has {size} bytes, at most {DOCUMENT_BYTES_MAX} are read");
        return Err(Fail::new(Code::TOO_LARGE, what));
    }
    let bytes = fs::read(path).map_err(|e| Fail::io(reading(), &e))?;
    let dir = path.parent().unwrap_or(Path::new("")).to_owned();
    Ok(Document {
        text: text(&label, bytes)?,
        label,
        dir,
    })
}

/// Text of a document, or where it stops being text.
pub(crate) fn text(label: &str, bytes: Vec<u8>) -> Result<String, Fail> {
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Fail::new(
            Code::BAD_DOCUMENT,
            format!("{label} is not UTF-8 text (byte {})", at + 1),
        )
        .help("save it as UTF-8")
    })
}

/// All documents of a folder in the order of their paths, then its skills, each of which is one;
/// and what of these isn't taken along.
pub(crate) fn documents_below(dir: &Path) -> Result<(Vec<Document>, Vec<String>), Fail> {
    let (mut paths, mut skills) = (Vec::new(), Vec::new());
    collect(dir, 0, is_document, &mut paths)?;
    collect(dir, 0, is_skill, &mut skills)?;
    paths.sort();
    skills.sort();
    if paths.len() + skills.len() > DOCUMENTS_MAX {
        let what = format!("{} has more than {DOCUMENTS_MAX} documents", dir.display());
        return Err(Fail::new(Code::TOO_LARGE, what));
    }
    let mut out = Vec::with_capacity(paths.len() + skills.len());
    for path in paths {
        out.push(document(&path, path.display().to_string())?);
    }
    let mut left = Vec::new();
    for path in skills {
        let folder = path.parent().unwrap_or(dir);
        let (document, others) = openclaw::skill(folder, &folder.display().to_string())?;
        out.push(document);
        left.extend(others);
    }
    Ok((out, left))
}

/// How many files of a folder may hold resources as JSON: whether they do is nobody's guess.
pub(crate) fn json_files_below(dir: &Path) -> Result<usize, Fail> {
    let mut paths = Vec::new();
    collect(
        dir,
        0,
        |path| path.extension().is_some_and(|end| end == "json"),
        &mut paths,
    )?;
    Ok(paths.len())
}

fn collect(
    dir: &Path,
    depth: usize,
    wanted: fn(&Path) -> bool,
    paths: &mut Vec<PathBuf>,
) -> Result<(), Fail> {
    let reading = |e| Fail::io(format!("read the folder {}", dir.display()), &e);
    let skill = dir.join(SKILL_FILE);
    if skill.is_file() {
        // What else stands there is the skill's.
        paths.extend(wanted(&skill).then_some(skill));
        return Ok(());
    }
    for entry in fs::read_dir(dir).map_err(reading)? {
        let path = entry.map_err(reading)?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if path.is_dir() {
            let skipped = name.starts_with('.') || matches!(name.as_str(), "data" | "target");
            if depth < DEPTH_MAX && !skipped {
                collect(&path, depth + 1, wanted, paths)?;
            }
        } else if wanted(&path) {
            paths.push(path);
        }
    }
    Ok(())
}

fn is_document(path: &Path) -> bool {
    path.extension()
        .is_some_and(|end| end == "yaml" || end == "yml")
}

fn is_skill(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == SKILL_FILE)
}

/// The skills of a project that agents read.
fn own_skills(project: &Project) -> Result<Vec<Document>, Fail> {
    let folder = project.root.join(SKILLS);
    let mut out = Vec::new();
    if !folder.is_dir() {
        return Ok(out);
    }
    let reading = |e| Fail::io(format!("read the folder {}", folder.display()), &e);
    let mut dirs = Vec::new();
    for entry in fs::read_dir(&folder).map_err(reading)? {
        let path = entry.map_err(reading)?.path();
        if !path.join(SKILL_FILE).is_file() {
            continue;
        }
        if path.is_symlink() {
            let what = format!(
                "{} is a link, which could lead anywhere",
                project.label(&path)
            );
            let help = "put the folder itself there, or name it: naos skill add DIR";
            return Err(Fail::new(Code::BAD_DOCUMENT, what).help(help));
        }
        dirs.push(path);
    }
    dirs.sort();
    for dir in dirs {
        out.push(openclaw::skill(&dir, &project.label(&dir))?.0);
    }
    Ok(out)
}

/// The project's own files: its configuration, its squads and its skills.
pub(crate) fn own_documents(project: &Project) -> Result<Vec<Document>, Fail> {
    let mut out = Vec::new();
    if let Some(config) = &project.config {
        out.push(document(config, project.label(config))?);
    }
    for folder in [workspace::FOLDER, "skills"] {
        let folder = project.root.join(folder);
        if !folder.is_dir() {
            continue;
        }
        let mut paths = Vec::new();
        collect(&folder, DEPTH_MAX, is_document, &mut paths)?;
        paths.sort();
        for path in paths {
            let label = project.label(&path);
            let mut found = document(&path, label)?;
            found.dir.clone_from(&project.root);
            out.push(found);
        }
    }
    out.extend(own_skills(project)?);
    Ok(out)
}

/// Applies documents: brings the components that they name, then the documents themselves.
pub(crate) fn apply(
    session: &mut Session,
    documents: &[Document],
    how: How,
) -> Result<Value, Fail> {
    send(session, documents, how, &BTreeMap::new(), false)
}

/// The same beside what they said before: that isn't made again, unless all is to be made `anew`.
fn send(
    session: &mut Session,
    documents: &[Document],
    how: How,
    before: &BTreeMap<String, String>,
    anew: bool,
) -> Result<Value, Fail> {
    let mut components = BTreeMap::new();
    for document in documents {
        for (path, bytes) in components_of(document)? {
            let digest = if how.dry_run {
                Digest::of(&bytes).to_string()
            } else {
                session.bring(bytes)?
            };
            components.insert(path, digest);
        }
    }
    let files: Vec<Value> = documents
        .iter()
        .map(|d| json!({"name": d.label, "text": d.text}))
        .collect();
    let mut body = json!({"files": files, "strict": how.strict, "dry_run": how.dry_run});
    if !components.is_empty() {
        body["components"] = json!(components);
    }
    if !before.is_empty() {
        body["before"] = json!(before);
        body["anew"] = json!(anew);
    }
    session.post(api("/apply"), &body)
}

/// A path as a document names it, with what stands there or why that can't be had.
type Named = (String, Result<Vec<u8>, Fail>);

/// Reads files beside a document, and remembers which.
struct Beside<'d> {
    dir: &'d Path,
    read: RefCell<Vec<Named>>,
}

impl Files for Beside<'_> {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        let bytes = component(&self.dir.join(path));
        let told = match &bytes {
            Ok(bytes) => Ok(bytes.clone()),
            Err(fail) => Err(fail.what.clone()),
        };
        self.read.borrow_mut().push((path.to_owned(), bytes));
        told
    }
}

/// What is wrong with a document and with the files that it names, as far as it shows here.
pub(crate) fn fault(document: &Document) -> Option<String> {
    let files = Beside {
        dir: &document.dir,
        read: RefCell::default(),
    };
    let parsed = naos_manifest::parse_document(&document.label, &document.text, &files, &NoChecks);
    parsed.err().map(|found| found.to_string())
}

/// The components that a document names by their paths. What is wrong with the document itself
/// is for whoever applies it to say.
fn components_of(document: &Document) -> Result<Vec<(String, Vec<u8>)>, Fail> {
    let found = components_named(document).into_iter();
    found
        .map(|(path, bytes)| bytes.map(|bytes| (path, bytes)))
        .collect()
}

/// The same, each as it was found or why it was not.
pub(crate) fn components_named(document: &Document) -> Vec<Named> {
    let files = Beside {
        dir: &document.dir,
        read: RefCell::default(),
    };
    let parsed = naos_manifest::parse_document(&document.label, &document.text, &files, &NoChecks);
    let mut found = files.read.take();
    // A file that isn't there is for whoever applies it to say; one that is no program, for us.
    found.retain(|(_, bytes)| match bytes {
        Ok(_) => true,
        Err(fail) => fail.code == Some(Code::BAD_COMPONENT),
    });
    for (_, agent) in parsed.map(|parsed| parsed.agents).unwrap_or_default() {
        let Some(source) = agent.source.filter(|source| source.contains(['/', '.'])) else {
            continue;
        };
        let bytes = component(&document.dir.join(&source));
        found.push((source, bytes));
    }
    found
}

/// A component from a file; a core module is wrapped into one.
pub(crate) fn component(path: &Path) -> Result<Vec<u8>, Fail> {
    let reading = |e| Fail::io(format!("read {}", path.display()), &e);
    let size = fs::metadata(path).map_err(reading)?.len();
    if size > COMPONENT_BYTES_MAX {
        let what = format!(
            "{} has {size} bytes, at most {COMPONENT_BYTES_MAX}",
            path.display()
        );
        return Err(Fail::new(Code::TOO_LARGE, what));
    }
    wrapped(path, fs::read(path).map_err(reading)?)
}

/// A component as it is; a core module wrapped into one.
pub(crate) fn wrapped(path: &Path, bytes: Vec<u8>) -> Result<Vec<u8>, Fail> {
    match naos_sandbox::wrap(&bytes) {
        Ok(component) => Ok(component),
        Err(WrapError::Component) => Ok(bytes),
        Err(WrapError::NotModule) => {
            let what = format!("{} is no WebAssembly program", path.display());
            let help = "compile it for wasm32-wasip2 or wasm32-unknown-unknown, or take the file \
                out of the folder";
            Err(Fail::new(Code::BAD_COMPONENT, what).help(help))
        }
        Err(error) => {
            let what = format!("{}: {error}", path.display());
            Err(Fail::new(Code::BAD_COMPONENT, what))
        }
    }
}

/// Applies the project's own files if they changed since they were last applied; what says who an
/// agent is and can't be taken over.
pub(crate) fn if_changed(session: &mut Session, out: &Out) -> Result<Vec<Unread>, Fail> {
    let project = session.project().clone();
    let files = OwnFiles::of(&project)?;
    let before = Remembered::of(&project);
    let known = files.documents.is_empty() || before.digest == digest(&files.documents);
    if known && before.identities == files.named(&before) {
        return Ok(files.unread);
    }
    let answer = own(session, &project, &files, How::default(), Made::Changed)?;
    warn(out, &answer);
    let changed = items(&answer)
        .iter()
        .filter(|item| item["result"] != "unchanged" && item["result"] != "kept")
        .count();
    if changed > 0 {
        let changed = crate::out::count(changed, "resource is", "resources are");
        out.note(format!(
            "applied the project's files: {changed} new or changed"
        ));
    }
    Ok(files.unread)
}

/// The project's own files: documents that make resources, and what says who its agents are.
pub(crate) struct OwnFiles {
    pub(crate) documents: Vec<Document>,
    identities: Vec<Piece>,
    /// What says who an agent is, and can't be taken over.
    pub(crate) unread: Vec<Unread>,
}

impl OwnFiles {
    pub(crate) fn of(project: &Project) -> Result<Self, Fail> {
        let (identities, unread) = workspace::identities(project)?;
        Ok(Self {
            documents: own_documents(project)?,
            identities,
            unread,
        })
    }

    /// What says who agents are, with its digests: of what can't be taken over the last that was.
    fn named(&self, before: &Remembered) -> BTreeMap<String, String> {
        let all = self.identities.iter();
        let all = all.map(|piece| (piece.path.clone(), piece.digest()));
        let lost = self.unread.iter().filter_map(|unread| {
            let last = before.identities.get(&unread.path)?;
            Some((unread.path.clone(), last.clone()))
        });
        all.chain(lost).collect()
    }
}

/// Says what can't be taken over of what says who agents are: all else goes on.
pub(crate) fn say_unread(unread: &[Unread]) {
    for Unread { fail, .. } in unread {
        // Said with --quiet too: somebody thinks that it holds.
        aside(format_args!(
            "error: not taken over, and whoever it is about goes on as they were: {}",
            fail.told()
        ));
    }
}

/// Applies the project's own files and remembers them.
pub(crate) fn own(
    session: &mut Session,
    project: &Project,
    files: &OwnFiles,
    how: How,
    made: Made<'_>,
) -> Result<Value, Fail> {
    let before = Remembered::of(project);
    if !how.dry_run {
        // First: an agent that is new begins with who it is.
        workspace::put(session, &files.identities, &before.identities)?;
    }
    let documents = &files.documents;
    let mut answer = if documents.is_empty() {
        json!({"items": []})
    } else {
        let mut said = before.said.clone();
        if let Made::AndThese(again) = made {
            said.retain(|known, _| !again.iter().any(|(kind, name)| *known == key(kind, name)));
        }
        let anew = matches!(made, Made::All);
        send(session, documents, how, &said, anew)?
    };
    let told = tell_once(&mut answer, &before.told);
    if !how.dry_run {
        let mut all = self::made(&answer);
        let said = all.iter().zip(items(&answer)).map(|((kind, name), item)| {
            let digest = item["digest"].as_str().unwrap_or_default();
            (key(kind, name), digest.to_owned())
        });
        let said = said.collect();
        all.extend(before.items.iter().cloned());
        all.sort();
        all.dedup();
        Remembered {
            digest: digest(documents),
            items: all,
            identities: files.named(&before),
            said,
            told,
        }
        .keep(project)?;
    }
    Ok(answer)
}

/// How a resource is named where what files say of it is kept.
fn key(kind: &str, name: &str) -> String {
    format!("{kind}/{name}")
}

/// What stays as somebody made it by command though a file says otherwise: a warning the first time
/// that it is seen. All that stays so.
fn tell_once(answer: &mut Value, told: &BTreeSet<String>) -> BTreeSet<String> {
    let (mut all, mut news) = (BTreeSet::new(), Vec::new());
    for ((kind, name), item) in made(answer).iter().zip(items(answer)) {
        if item["contradicts"].is_null() {
            continue;
        }
        let key = key(kind, name);
        if !told.contains(&key) {
            news.push(item["contradicts"].clone());
        }
        all.insert(key);
    }
    match answer["warnings"].as_array_mut() {
        Some(warnings) => warnings.extend(news),
        None => answer["warnings"] = json!(news),
    }
    all
}

/// Forgets what was removed.
pub(crate) fn forget(project: &Project, gone: &[(String, String)]) -> Result<(), Fail> {
    let mut remembered = Remembered::of(project);
    remembered.items.retain(|item| !gone.contains(item));
    remembered.keep(project)
}

/// Kind and name of all that an answer of `apply` speaks of.
pub(crate) fn made(answer: &Value) -> Vec<(String, String)> {
    let text = |item: &Value, key: &str| item[key].as_str().unwrap_or_default().to_owned();
    items(answer)
        .iter()
        .map(|item| (text(item, "kind"), text(item, "name")))
        .collect()
}

/// What names the content of these documents and of the components beside them.
pub(crate) fn digest(documents: &[Document]) -> String {
    let mut all = Vec::new();
    for document in documents {
        for text in [&document.label, &document.text] {
            all.extend_from_slice(&(text.len() as u64).to_le_bytes());
            all.extend_from_slice(text.as_bytes());
        }
        for (path, bytes) in components_of(document).unwrap_or_default() {
            all.extend_from_slice(path.as_bytes());
            all.extend_from_slice(&Digest::of(&bytes).0);
        }
    }
    Digest::of(&all).to_string()
}

/// Shows the warnings of an answer of `apply`.
pub(crate) fn warn(out: &Out, answer: &Value) {
    for warning in answer["warnings"].as_array().into_iter().flatten() {
        match warning {
            Value::String(text) => out.note(format!("warning: {text}")),
            found => out.note(format!("warning: {}", place(found))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_that_is_no_text_says_where() {
        let fail = text("a.yaml", b"ab\xff".to_vec()).unwrap_err();
        assert!(
            fail.what.contains("byte 3") && fail.exit == 2,
            "{}",
            fail.what
        );
    }

    #[test]
    fn folders_give_their_documents_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let write = |path: &str| {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x: 1").unwrap();
        };
        for path in [
            "b.yaml",
            "a/c.yml",
            "data/no.yaml",
            ".git/no.yaml",
            "x.txt",
            "a.yaml",
        ] {
            write(path);
        }
        let (found, _) = documents_below(dir.path()).unwrap();
        let names: Vec<_> = found
            .iter()
            .map(|d| d.label.rsplit('/').next().unwrap())
            .collect();
        assert_eq!(names, ["c.yml", "a.yaml", "b.yaml"]);
    }

    #[test]
    fn the_digest_follows_the_content() {
        let document = |label: &str, text: &str| Document {
            label: label.into(),
            text: text.into(),
            dir: PathBuf::new(),
        };
        let one = digest(&[document("a", "bc")]);
        assert_eq!(one, digest(&[document("a", "bc")]));
        assert_ne!(one, digest(&[document("ab", "c")]));
        assert_ne!(one, digest(&[document("a", "bc"), document("a", "")]));
    }
}
