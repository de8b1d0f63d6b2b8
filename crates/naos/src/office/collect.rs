//! Reads a folder of mails, tables and notes into what the report's plan takes.

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
    #[error("could not read {}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// Nothing in it that a report could be made of.
    #[error("there is no .eml, .mbox, .csv, .md or .txt file in {}", .0.display())]
    Nothing(PathBuf),
    /// More than one report takes.
    #[error("{} holds more than {} files or {} MiB: choose a smaller folder", path.display(),
        FILES_MAX, TOTAL_BYTES_MAX >> 20)]
    TooMuch {
        /// Which.
        path: PathBuf,
    },
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
    pub(crate) left_out: Vec<String>,
}

/// Reads `dir`; paths in the material are relative to it, with `/` between their parts.
///
/// # Errors
/// [`CollectError`].
pub(crate) fn collect(dir: &Path) -> Result<Material, CollectError> {
    let mut found = Vec::new();
    search(dir, 0, &mut found)?;
    found.sort();
    if found.len() > FILES_MAX {
        return Err(CollectError::TooMuch {
            path: dir.to_owned(),
        });
    }
    let mut material = Material::default();
    let (mut mail, mut tables, mut notes) = (Vec::new(), Vec::new(), Vec::new());
    let mut total = 0;
    for path in found {
        let relative = path.strip_prefix(dir).unwrap_or(&path);
        let name = relative.to_string_lossy().replace('\\', "/");
        let io = |cause| CollectError::Io {
            path: path.clone(),
            cause,
        };
        if path.metadata().map_err(io)?.len() > FILE_BYTES_MAX {
            let limit = FILE_BYTES_MAX >> 20;
            material
                .left_out
                .push(format!("{name}: larger than {limit} MiB"));
            continue;
        }
        let bytes = std::fs::read(&path).map_err(io)?;
        total += bytes.len();
        if total > TOTAL_BYTES_MAX {
            return Err(CollectError::TooMuch {
                path: dir.to_owned(),
            });
        }
        let lane = match ending(&path) {
            "eml" | "mbox" => &mut mail,
            "csv" => &mut tables,
            _ => &mut notes,
        };
        lane.push((name, text_of(bytes)));
    }
    if mail.is_empty() && tables.is_empty() && notes.is_empty() {
        return Err(CollectError::Nothing(dir.to_owned()));
    }
    material.mail = batches("mails", mail);
    material.tables = by_folder(tables);
    material.notes = batches("notes", notes);
    Ok(material)
}

fn ending(path: &Path) -> &str {
    path.extension()
        .and_then(std::ffi::OsStr::to_str)
        .unwrap_or_default()
}

fn search(dir: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<(), CollectError> {
    let io = |cause| CollectError::Io {
        path: dir.to_owned(),
        cause,
    };
    for entry in std::fs::read_dir(dir).map_err(io)? {
        let entry = entry.map_err(io)?;
        let (name, path) = (entry.file_name(), entry.path());
        let name = name.to_string_lossy();
        let kind = entry.file_type().map_err(io)?;
        if name.starts_with('.') || found.len() > FILES_MAX {
            continue;
        }
        if kind.is_dir() {
            if depth < DEPTH_MAX && !SKIPPED.contains(&name.as_ref()) {
                search(&path, depth + 1, found)?;
            }
        } else if kind.is_file() && !OWN_FILES.contains(&name.as_ref()) {
            let wanted = matches!(ending(&path), "eml" | "mbox" | "csv" | "md" | "txt");
            if wanted {
                found.push(path);
            }
        }
    }
    Ok(())
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
