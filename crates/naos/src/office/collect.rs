//! Reads a folder of mails, tables and notes into what the report's plan takes.

use std::collections::BTreeMap;
use std::fs::DirEntry;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::pieces::{self, Mails, Piece};
use super::room::{Size, handed_over, shorten, without_largest};

/// The most files that are looked at.
const FOUND_MAX: usize = 50_000;
/// The largest file, in bytes; tables have many rows, mails come with attachments, and mailboxes
/// with many mails.
const FILE_BYTES_MAX: u64 = 4 << 20;
const TABLE_BYTES_MAX: u64 = 10 << 20;
const MAIL_FILE_BYTES_MAX: u64 = 64 << 20;
/// The tables of one folder are counted together up to so many bytes: what one agent reads.
const TABLES_BYTES_MAX: usize = 11 << 20;
/// So many mails that are left out are named one by one.
pub(super) const NAMED_MAX: usize = 10;
/// How many files one task gets, and how many bytes of them.
const BATCH_FILES: usize = 10;
const BATCH_BYTES: usize = 256 << 10;
/// How deep folders are searched.
const DEPTH_MAX: usize = 8;
/// Folders that hold naos's own things.
const SKIPPED: &[&str] = &["data", "agents", "skills", "reports", "naos-demo", "target"];
/// Files of a project, in its own folder: no material, and nobody takes them for it.
const OWN: &[&str] = &["nexus.config.yaml", "report.yaml", "expected.json"];
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
    #[error("{}", nothing(path, left_out))]
    Nothing {
        /// Where.
        path: PathBuf,
        /// What could not be read.
        left_out: Vec<LeftOut>,
    },
    /// More than is looked at.
    #[error("{} holds more than {FOUND_MAX} files: choose a smaller folder", path.display())]
    TooMany {
        /// Which.
        path: PathBuf,
    },
}

impl CollectError {
    /// What to do about it.
    pub(crate) fn help(&self) -> &'static str {
        match self {
            Self::Io { .. } => "name a folder that is there and that you may read",
            Self::Nothing { left_out, .. } if left_out.is_empty() => {
                "put mails (.eml, .mbox), tables (.csv) or notes (.md, .txt) into it, or name the \
                 folder that holds them"
            }
            Self::Nothing { .. } => {
                "save what is left out in a form that is read (.eml, .mbox, .csv, .md or .txt, at \
                 least one line of text), or name another folder"
            }
            Self::TooMany { .. } => "name one of the folders in it",
        }
    }
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

fn nothing(folder: &Path, left_out: &[LeftOut]) -> String {
    let path = folder.display();
    let names: Vec<String> = left_out.iter().map(ToString::to_string).collect();
    if names.is_empty() {
        let own = OWN_FILES.iter().find(|name| folder.join(name).exists());
        let own = own.map_or(String::new(), |name| format!(" ({name} is not read)"));
        format!("there is no .eml, .mbox, .csv, .md or .txt file in {path}{own}")
    } else {
        format!(
            "nothing in {path} can be reported; left out: {}",
            names.join(", ")
        )
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

impl Material {
    /// How much there is to read.
    pub(crate) fn bytes(&self) -> usize {
        let batches = self.mail.iter().chain(&self.tables).chain(&self.notes);
        let files = batches.filter_map(|batch| batch["files"].as_array());
        let texts = files.flatten().filter_map(|file| file["text"].as_str());
        texts.map(str::len).sum()
    }
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
        unread: BTreeMap::new(),
    };
    search.below(dir, 0).map_err(|cause| CollectError::Io {
        path: dir.to_owned(),
        cause,
    })?;
    search.found.sort();
    search.leave_unread_out();
    if search.found.len() > FOUND_MAX {
        return Err(CollectError::TooMany {
            path: dir.to_owned(),
        });
    }
    let (mut mail, mut tables, mut notes) = (Vec::new(), Vec::new(), Vec::new());
    let mut mails = Mails::default();
    for path in std::mem::take(&mut search.found) {
        let bytes = match search.read(&path) {
            Ok(bytes) => bytes,
            Err(why) => {
                search.leave_out(&path, why);
                continue;
            }
        };
        if pieces::is_utf16(&bytes) {
            search.leave_out(&path, "UTF-16 text: save it as UTF-8".into());
            continue;
        }
        let (name, text) = (search.name(&path), text_of(bytes));
        let (lane, cut) = match ending(&path).as_str() {
            "eml" => (&mut mail, pieces::of_mail(&name, &text, &mut mails)),
            "mbox" => (&mut mail, pieces::of_mailbox(&name, &text, &mut mails)),
            "csv" => (&mut tables, pieces::whole(&name, text)),
            _ => (&mut notes, pieces::of_text(&name, &text)),
        };
        lane.extend(cut.pieces);
        search.left_out.extend(cut.left_out);
    }
    search.left_out.extend(mails.told());
    search
        .left_out
        .extend(without_largest(&mut tables, &mut notes));
    let rest = Size::of(&tables).plus(Size::of(&notes));
    search.left_out.extend(shorten(&mut mail, rest));
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

/// In small letters, whatever wrote the file.
fn ending(path: &Path) -> String {
    let ending = path.extension().and_then(std::ffi::OsStr::to_str);
    ending.unwrap_or_default().to_ascii_lowercase()
}

struct Search<'s> {
    dir: &'s Path,
    shelf: &'s dyn Shelf,
    found: Vec<PathBuf>,
    left_out: Vec<LeftOut>,
    /// By their ending.
    unread: BTreeMap<String, Vec<PathBuf>>,
}

impl Search<'_> {
    fn name(&self, path: &Path) -> String {
        let relative = path.strip_prefix(self.dir).unwrap_or(path);
        pieces::shown(&relative.to_string_lossy().replace('\\', "/"))
    }

    fn leave_out(&mut self, path: &Path, why: String) {
        let path = self.name(path);
        self.left_out.push(LeftOut { path, why });
    }

    /// Says which files lie there and aren't read: a few by name, many by their number.
    fn leave_unread_out(&mut self) {
        let why = "a kind that isn't read: save it as .md, .txt or .csv";
        for (ending, mut paths) in std::mem::take(&mut self.unread) {
            if paths.len() > NAMED_MAX {
                let kind = match ending.as_str() {
                    "" => "files without an ending".to_owned(),
                    ending => pieces::shown(&format!(".{ending} files")),
                };
                let path = format!("{} {kind}", paths.len());
                self.left_out.push(LeftOut {
                    path,
                    why: why.into(),
                });
                continue;
            }
            paths.sort();
            for path in paths {
                self.leave_out(&path, why.into());
            }
        }
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>, String> {
        let size = path.metadata().map_err(|e| reason(&e))?.len();
        let most = match ending(path).as_str() {
            "eml" | "mbox" => MAIL_FILE_BYTES_MAX,
            "csv" => TABLE_BYTES_MAX,
            _ => FILE_BYTES_MAX,
        };
        if size > most {
            return Err(format!("larger than {} MiB", most >> 20));
        }
        self.shelf.read(path).map_err(|e| reason(&e))
    }

    fn below(&mut self, dir: &Path, depth: usize) -> std::io::Result<()> {
        for entry in self.shelf.list(dir)? {
            let (name, path) = (entry.file_name(), entry.path());
            let name = name.to_string_lossy();
            if name.starts_with('.') || self.found.len() > FOUND_MAX {
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
                let ending = ending(&path);
                if matches!(ending.as_str(), "eml" | "mbox" | "csv" | "md" | "txt") {
                    self.found.push(path);
                } else if !(depth == 0 && OWN.contains(&name.as_ref())) {
                    self.unread.entry(ending).or_default().push(path);
                }
            } else if kind.is_symlink() {
                let why = "a symbolic link: only what lies in the folder itself is read";
                self.leave_out(&path, why.into());
            } else if !kind.is_file() {
                self.leave_out(&path, "not a regular file".into());
            }
        }
        Ok(())
    }
}

/// A file's text. What isn't UTF-8 is handed over byte by byte, each as a letter up to U+00FF, so
/// that who reads it can apply the character set that the file itself names, or windows-1252.
fn text_of(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|e| e.into_bytes().into_iter().map(char::from).collect())
}

fn files(pieces: Vec<Piece>) -> Vec<Value> {
    let one = |piece: Piece| {
        if piece.one_of_many {
            let lines = piece.text.lines().count();
            json!({ "path": piece.path, "text": piece.text, "line": piece.line, "lines": lines })
        } else {
            json!({ "path": piece.path, "text": piece.text })
        }
    };
    pieces.into_iter().map(one).collect()
}

fn batches(what: &str, all: Vec<Piece>) -> Vec<Value> {
    let total = all.len();
    let mut out = Vec::new();
    let mut first = 1;
    let mut batch: Vec<Piece> = Vec::new();
    let mut bytes = 0;
    let mut close = |batch: &mut Vec<Piece>, first: &mut usize| {
        let last = *first + batch.len() - 1;
        let name = format!("{what} {first} to {last} of {total}");
        *first = last + 1;
        out.push(json!({ "name": name, "files": files(std::mem::take(batch)) }));
    };
    for piece in all {
        let full = batch.len() >= BATCH_FILES || bytes + piece.text.len() > BATCH_BYTES;
        if full && !batch.is_empty() {
            close(&mut batch, &mut first);
            bytes = 0;
        }
        bytes += piece.text.len();
        batch.push(piece);
    }
    if !batch.is_empty() {
        close(&mut batch, &mut first);
    }
    out
}

/// Tables that stand in one folder belong together: duplicates are found across them, as far as one
/// agent can read them at once.
fn by_folder(all: Vec<Piece>) -> Vec<Value> {
    let mut folders: Vec<(String, Vec<Piece>)> = Vec::new();
    for piece in all {
        let folder = piece.path.rsplit_once('/');
        let folder = folder.map_or("tables", |(folder, _)| folder).to_owned();
        let room = TABLES_BYTES_MAX.saturating_sub(handed_over(&piece));
        let fits = |files: &[Piece]| Size::of(files).bytes <= room;
        let mut open = folders.iter_mut().rev();
        match open.find(|(name, files)| *name == folder && fits(files)) {
            Some((_, files)) => files.push(piece),
            None => folders.push((folder, vec![piece])),
        }
    }
    let batch = |(name, all)| json!({ "name": name, "files": files(all) });
    folders.into_iter().map(batch).collect()
}

#[cfg(test)]
mod tests {
    use super::super::room::{CUT_IT, TOTAL_BYTES_MAX};
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
            let mail = format!("Subject: {n}\n\nhello\n");
            put(&format!("mail/{n:02}.eml"), mail.as_bytes());
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
    fn a_mail_in_two_files_is_read_once_and_the_other_one_named() {
        let dir = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
        let mail = "Subject: x\nMessage-ID:\n <1@x>\n\nWe agreed.\n";
        put("1.eml", mail);
        put(
            "2.eml",
            &mail
                .replace("Message-ID", "Message-Id")
                .replace('\n', "\r\n"),
        );
        put("3.eml", "Subject: x\n\nno identifier\n");
        put("4.eml", "Subject: x\n\nno identifier\n");
        put("5.eml", "Subject: y\n\nno identifier\n");
        put("6.mbox", &format!("From a\n{mail}\n"));
        let material = collect(dir.path()).unwrap();
        let files = material.mail[0]["files"].as_array().unwrap();
        let read: Vec<&str> = files.iter().filter_map(|it| it["path"].as_str()).collect();
        assert_eq!(read, ["1.eml", "3.eml", "5.eml"]);
        let left_out: Vec<String> = material.left_out.iter().map(LeftOut::to_string).collect();
        let expected = [
            "2.eml (the same mail as 1.eml)",
            "4.eml (the same mail as 3.eml)",
            "6.mbox:1 (the same mail as 1.eml)",
        ];
        assert_eq!(left_out, expected);
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

    #[cfg(unix)]
    #[test]
    fn what_is_no_plain_text_file_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        std::fs::write(path("a.md"), "x").unwrap();
        std::os::unix::fs::symlink("/etc/passwd", path("link.md")).unwrap();
        std::os::unix::fs::symlink("/etc", path("folder")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(path("socket.txt")).unwrap();
        std::fs::write(path("contract.docx"), "PK").unwrap();
        std::fs::write(path("SCAN.PDF"), "%PDF").unwrap();
        for n in 0..=NAMED_MAX {
            std::fs::write(path(&format!("{n}.html")), "x").unwrap();
        }
        std::fs::write(path("TABLE.CSV"), "a,b\n1,2\n").unwrap();
        std::fs::write(path("wide.txt"), b"\xff\xfeh\0i\0").unwrap();
        std::fs::write(path("wide.csv"), b"a\0,\0b\0\n\x001\0,\x002\0").unwrap();
        std::fs::write(path("line\nbreak\u{1b}.md"), "x").unwrap();
        let material = collect(dir.path()).unwrap();
        let left_out: Vec<String> = material.left_out.iter().map(LeftOut::to_string).collect();
        let link = "a symbolic link: only what lies in the folder itself is read";
        let unread = "a kind that isn't read: save it as .md, .txt or .csv";
        let expected = [
            format!("11 .html files ({unread})"),
            format!("SCAN.PDF ({unread})"),
            format!("contract.docx ({unread})"),
            format!("folder ({link})"),
            format!("link.md ({link})"),
            "socket.txt (not a regular file)".to_owned(),
            "wide.csv (UTF-16 text: save it as UTF-8)".to_owned(),
            "wide.txt (UTF-16 text: save it as UTF-8)".to_owned(),
        ];
        assert_eq!(left_out, expected);
        let names = material.notes[0]["files"].as_array().unwrap();
        assert_eq!(names[1]["path"], "line\\nbreak\\u{1b}.md");
    }

    #[test]
    fn a_long_mailbox_is_read_in_pieces_and_its_newest_part_first() {
        let dir = tempfile::tempdir().unwrap();
        let hello = "hello ".repeat(2_000);
        let mail = |n: usize| format!("From a\nMessage-ID: <{n}@x.example>\n\n{hello}\n\n");
        let mailbox: String = (0..1_700).map(mail).collect();
        std::fs::write(dir.path().join("b.mbox"), mailbox).unwrap();
        let material = collect(dir.path()).unwrap();
        assert!(material.mail.len() > 40, "{}", material.mail.len());
        let files = |batch: &Value| batch["files"].as_array().unwrap().clone();
        let pieces: Vec<Value> = material.mail.iter().flat_map(files).collect();
        let bytes = |piece: &Value| piece["text"].as_str().unwrap().len();
        assert!(pieces.iter().map(bytes).sum::<usize>() <= TOTAL_BYTES_MAX);
        assert!(pieces.iter().all(|piece| bytes(piece) <= BATCH_BYTES));
        let first = pieces[0]["line"].as_u64().unwrap();
        let left_out = material.left_out[0].to_string();
        let lines = first - 1;
        assert_eq!(
            left_out,
            format!("b.mbox (lines 1 to {lines} not read: one report takes 12 MiB; {CUT_IT})")
        );
    }

    #[test]
    fn a_folder_with_nothing_that_can_be_reported_says_why() {
        let dir = tempfile::tempdir().unwrap();
        let large = std::fs::File::create(dir.path().join("b.mbox")).unwrap();
        large.set_len(MAIL_FILE_BYTES_MAX + 1).unwrap();
        let error = collect(dir.path()).unwrap_err().to_string();
        assert!(!error.contains("there is no"), "{error}");
        assert!(
            error.ends_with("left out: b.mbox (larger than 64 MiB)"),
            "{error}"
        );
    }
}
