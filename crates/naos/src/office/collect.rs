//! Reads a folder of mails, tables and notes into what the report's plan takes.

use std::fs::DirEntry;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

/// The most files of a folder.
const FILES_MAX: usize = 5_000;
/// The largest file, in bytes.
const FILE_BYTES_MAX: u64 = 4 << 20;
/// All files together, in bytes: one plan's input.
const TOTAL_BYTES_MAX: usize = 12 << 20;
/// How many files one task gets, and how many bytes of them.
const BATCH_FILES: usize = 10;
const BATCH_BYTES: usize = 256 << 10;
/// How deep folders are searched.
const DEPTH_MAX: usize = 8;
/// Folders that hold naos's own things.
const SKIPPED: &[&str] = &["data", "agents", "skills", "reports", "naos-demo", "target"];
/// Files of the project that are no material.
const OWN_FILES: &[&str] = &["README.md", "readme.md"];

/// Why a folder can't be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CollectError {
    /// It isn't there, or may not be read.
    #[error("could not read {}: {}", path.display(), reason(cause))]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// Nothing in it that a report could be made of.
    #[error("there is no .eml, .mbox, .csv, .md or .txt file in {}{}", path.display(),
        beside(left_out))]
    Nothing {
        /// Where.
        path: PathBuf,
        /// What could not be read.
        left_out: Vec<LeftOut>,
    },
    /// More than one report takes.
    #[error("{} holds more than {} files or {} MiB: choose a smaller folder", path.display(),
        FILES_MAX, TOTAL_BYTES_MAX >> 20)]
    TooMuch {
        /// Which.
        path: PathBuf,
    },
}

/// What is no part of the report, although it lies in the folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LeftOut {
    /// A file or folder, as the material names it.
    pub(crate) path: String,
    /// Why.
    pub(crate) why: String,
}

impl std::fmt::Display for LeftOut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.path, self.why)
    }
}

fn beside(left_out: &[LeftOut]) -> String {
    let names: Vec<String> = left_out.iter().map(ToString::to_string).collect();
    if names.is_empty() {
        String::new()
    } else {
        format!("; left out: {}", names.join(", "))
    }
}

/// What a report is made of, in batches: `[{name, files: [{path, text}]}]`.
#[derive(Debug, Default)]
pub(crate) struct Material {
    /// Mails and mailboxes.
    pub(crate) mail: Vec<Value>,
    /// Tables.
    pub(crate) tables: Vec<Value>,
    /// Notes.
    pub(crate) notes: Vec<Value>,
    /// What was left out, and why.
    pub(crate) left_out: Vec<LeftOut>,
}

/// Reads `dir`; paths in the material are relative to it, with `/` between their parts. What lies
/// below it and can't be read is left out, and said so.
///
/// # Errors
/// [`CollectError`].
pub(crate) fn collect(dir: &Path) -> Result<Material, CollectError> {
    collect_with(dir, &Disk)
}

/// The disk, so that tests can forbid what an administrator may always read.
trait Shelf {
    fn list(&self, dir: &Path) -> std::io::Result<Vec<DirEntry>> {
        std::fs::read_dir(dir)?.collect()
    }
    fn read(&self, file: &Path) -> std::io::Result<Vec<u8>> {
        std::fs::read(file)
    }
}

struct Disk;

impl Shelf for Disk {}

fn collect_with(dir: &Path, shelf: &dyn Shelf) -> Result<Material, CollectError> {
    let mut search = Search {
        dir,
        shelf,
        found: Vec::new(),
        left_out: Vec::new(),
    };
    search.below(dir, 0).map_err(|cause| CollectError::Io {
        path: dir.to_owned(),
        cause,
    })?;
    search.found.sort();
    let too_much = || CollectError::TooMuch {
        path: dir.to_owned(),
    };
    if search.found.len() > FILES_MAX {
        return Err(too_much());
    }
    let (mut mail, mut tables, mut notes) = (Vec::new(), Vec::new(), Vec::new());
    let mut total = 0;
    for path in std::mem::take(&mut search.found) {
        let bytes = match search.read(&path) {
            Ok(bytes) => bytes,
            Err(why) => {
                search.leave_out(&path, why);
                continue;
            }
        };
        total += bytes.len();
        if total > TOTAL_BYTES_MAX {
            return Err(too_much());
        }
        let lane = match ending(&path) {
            "eml" | "mbox" => &mut mail,
            "csv" => &mut tables,
            _ => &mut notes,
        };
        lane.push((search.name(&path), text_of(bytes)));
    }
    let mut left_out = search.left_out;
    left_out.sort_by(|left, right| left.path.cmp(&right.path));
    if mail.is_empty() && tables.is_empty() && notes.is_empty() {
        return Err(CollectError::Nothing {
            path: dir.to_owned(),
            left_out,
        });
    }
    Ok(Material {
        mail: batches("mails", mail),
        tables: by_folder(tables),
        notes: batches("notes", notes),
        left_out,
    })
}

/// Why the system says no, as people say it.
fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::PermissionDenied => "permission denied".into(),
        std::io::ErrorKind::NotFound => "it isn't there any more".into(),
        _ => error.to_string(),
    }
}

fn ending(path: &Path) -> &str {
    path.extension()
        .and_then(std::ffi::OsStr::to_str)
        .unwrap_or_default()
}

struct Search<'s> {
    dir: &'s Path,
    shelf: &'s dyn Shelf,
    found: Vec<PathBuf>,
    left_out: Vec<LeftOut>,
}

impl Search<'_> {
    fn name(&self, path: &Path) -> String {
        let relative = path.strip_prefix(self.dir).unwrap_or(path);
        relative.to_string_lossy().replace('\\', "/")
    }

    fn leave_out(&mut self, path: &Path, why: String) {
        let path = self.name(path);
        self.left_out.push(LeftOut { path, why });
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>, String> {
        let size = path.metadata().map_err(|e| reason(&e))?.len();
        if size > FILE_BYTES_MAX {
            return Err(format!("larger than {} MiB", FILE_BYTES_MAX >> 20));
        }
        self.shelf.read(path).map_err(|e| reason(&e))
    }

    fn below(&mut self, dir: &Path, depth: usize) -> std::io::Result<()> {
        for entry in self.shelf.list(dir)? {
            let (name, path) = (entry.file_name(), entry.path());
            let name = name.to_string_lossy();
            if name.starts_with('.') || self.found.len() > FILES_MAX {
                continue;
            }
            let kind = entry.file_type()?;
            if kind.is_dir() && SKIPPED.contains(&name.as_ref()) {
                continue;
            }
            if kind.is_dir() && depth >= DEPTH_MAX {
                self.leave_out(&path, format!("more than {DEPTH_MAX} folders deep"));
            } else if kind.is_dir() {
                if let Err(why) = self.below(&path, depth + 1) {
                    self.leave_out(&path, reason(&why));
                }
            } else if kind.is_file() && !OWN_FILES.contains(&name.as_ref()) {
                let wanted = matches!(ending(&path), "eml" | "mbox" | "csv" | "md" | "txt");
                if wanted {
                    self.found.push(path);
                }
            }
        }
        Ok(())
    }
}

/// A file's text. What isn't UTF-8 is handed over byte by byte (ISO 8859-1), so that who reads it
/// can apply the character set that the file itself names.
fn text_of(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|e| e.into_bytes().into_iter().map(char::from).collect())
}

fn files(files: Vec<(String, String)>) -> Vec<Value> {
    files
        .into_iter()
        .map(|(path, text)| json!({ "path": path, "text": text }))
        .collect()
}

fn batches(what: &str, all: Vec<(String, String)>) -> Vec<Value> {
    let total = all.len();
    let mut out = Vec::new();
    let mut first = 1;
    let mut batch: Vec<(String, String)> = Vec::new();
    let mut bytes = 0;
    let mut close = |batch: &mut Vec<(String, String)>, first: &mut usize| {
        let last = *first + batch.len() - 1;
        let name = format!("{what} {first} to {last} of {total}");
        *first = last + 1;
        out.push(json!({ "name": name, "files": files(std::mem::take(batch)) }));
    };
    for (path, text) in all {
        let full = batch.len() >= BATCH_FILES || bytes + text.len() > BATCH_BYTES;
        if full && !batch.is_empty() {
            close(&mut batch, &mut first);
            bytes = 0;
        }
        bytes += text.len();
        batch.push((path, text));
    }
    if !batch.is_empty() {
        close(&mut batch, &mut first);
    }
    out
}

/// Tables that stand in one folder belong together: duplicates are found across them.
fn by_folder(all: Vec<(String, String)>) -> Vec<Value> {
    let mut folders: Vec<(String, Vec<(String, String)>)> = Vec::new();
    for (path, text) in all {
        let folder = path
            .rsplit_once('/')
            .map_or("tables", |(folder, _)| folder)
            .to_owned();
        match folders.iter_mut().find(|(name, _)| *name == folder) {
            Some((_, files)) => files.push((path, text)),
            None => folders.push((folder, vec![(path, text)])),
        }
    }
    let batch = |(name, all)| json!({ "name": name, "files": files(all) });
    folders.into_iter().map(batch).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_sorted_into_lanes_and_batches() {
        let dir = tempfile::tempdir().unwrap();
        let put = |name: &str, bytes: &[u8]| {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        };
        for n in 0..23 {
            put(&format!("mail/{n:02}.eml"), b"Subject: x\n\nhello\n");
        }
        put("a/x.csv", b"a,b\n1,2\n");
        put("a/y.csv", b"a,b\n1,2\n");
        put("b/z.csv", b"a,b\n1,2\n");
        put("notes/1.md", b"caf\xe9");
        put("data/journal.csv", b"not material");
        put(".hidden/x.md", b"not material");
        put("picture.png", b"not material");
        let material = collect(dir.path()).unwrap();
        let names = |lane: &[Value]| -> Vec<String> {
            lane.iter()
                .map(|b| b["name"].as_str().unwrap().to_owned())
                .collect()
        };
        assert_eq!(
            names(&material.mail),
            [
                "mails 1 to 10 of 23",
                "mails 11 to 20 of 23",
                "mails 21 to 23 of 23"
            ]
        );
        assert_eq!(names(&material.tables), ["a", "b"]);
        assert_eq!(material.tables[0]["files"].as_array().unwrap().len(), 2);
        assert_eq!(material.notes[0]["files"][0]["text"], "café");
    }

    /// A disk that forbids what is called `priv`.
    struct Locked;

    impl Locked {
        fn allow(path: &Path) -> std::io::Result<()> {
            let locked = path.file_stem().is_some_and(|name| name == "priv");
            if locked {
                return Err(std::io::ErrorKind::PermissionDenied.into());
            }
            Ok(())
        }
    }

    impl Shelf for Locked {
        fn list(&self, dir: &Path) -> std::io::Result<Vec<DirEntry>> {
            Self::allow(dir)?;
            Disk.list(dir)
        }
        fn read(&self, file: &Path) -> std::io::Result<Vec<u8>> {
            Self::allow(file)?;
            Disk.read(file)
        }
    }

    #[test]
    fn what_cannot_be_read_is_left_out_and_said() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("a/priv")).unwrap();
        std::fs::write(dir.path().join("priv.md"), "x").unwrap();
        let error = collect_with(dir.path(), &Locked).unwrap_err().to_string();
        let says = "; left out: a/priv (permission denied), priv.md (permission denied)";
        assert!(error.ends_with(says), "{error}");
        std::fs::write(dir.path().join("a/open.md"), "x").unwrap();
        let large = std::fs::File::create(dir.path().join("large.txt")).unwrap();
        large.set_len(FILE_BYTES_MAX + 1).unwrap();
        let material = collect_with(dir.path(), &Locked).unwrap();
        assert_eq!(material.notes[0]["files"].as_array().unwrap().len(), 1);
        let left_out: Vec<String> = material.left_out.iter().map(LeftOut::to_string).collect();
        let expected = [
            "a/priv (permission denied)",
            "large.txt (larger than 4 MiB)",
            "priv.md (permission denied)",
        ];
        assert_eq!(left_out, expected);
    }

    #[test]
    fn an_empty_folder_is_an_error_that_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let error = collect(dir.path()).unwrap_err();
        assert!(error.to_string().contains(".eml"), "{error}");
        assert!(matches!(
            collect(&dir.path().join("no")),
            Err(CollectError::Io { .. })
        ));
    }
}
