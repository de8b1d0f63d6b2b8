//! `naos backup FILE`, `backup verify FILE`

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{BufReader, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use indicatif::{HumanBytes, ProgressBar, ProgressStyle};
use naos_engine::clock;
use naos_store::{BackupError, BackupKeys, Contents, prove_backup};
use naos_types::Code;
use serde_json::{Value, json};

use super::{Context, Ended};
use crate::daemon::write_secret;
use crate::fail::Fail;
use crate::out::{Out, count};
use crate::session::api;

/// How often the terminal shows how far it is.
const SHOW_MS: u64 = 200;

/// Writes everything into one sealed file, and the keys into another one beside it. Work goes on
/// meanwhile.
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(after_help = "Examples:\n  naos backup office.naos\n  \
    naos backup office.naos --force --keys /media/usb/office.keys\n  \
    naos backup verify office.naos\n\n\
    FILE is of no use without the keys: keep them elsewhere, and let each backup replace them.")]
pub(crate) struct Backup {
    #[command(subcommand)]
    what: Option<What>,
    /// Where to.
    #[arg(required = true)]
    file: Option<PathBuf>,
    /// Where the keys go; FILE.keys unless named. Keys of the same node are replaced.
    #[arg(long, value_name = "PATH")]
    keys: Option<PathBuf>,
    /// Replaces what is there.
    #[arg(long)]
    force: bool,
}

#[derive(clap::Subcommand)]
enum What {
    /// Proves a backup without restoring it.
    Verify(Verify),
}

#[derive(clap::Args)]
struct Verify {
    /// The backup.
    file: PathBuf,
    /// Its keys; FILE.keys unless named.
    #[arg(long, value_name = "PATH")]
    keys: Option<PathBuf>,
}

pub(crate) fn go(context: &Context, backup: &Backup) -> Ended {
    match (&backup.what, &backup.file) {
        (Some(What::Verify(asked)), _) => verify(context, asked),
        (None, Some(file)) => make(context, backup, file),
        (None, None) => Err(Fail::usage("there is no file to write to")),
    }
}

/// A backup must not replace what it is made of.
fn outside(path: &Path, data: &Path) -> Result<(), Fail> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let (Ok(folder), Ok(data)) = (folder.canonicalize(), data.canonicalize()) else {
        return Ok(()); // what isn't there can't be written to either, and says so itself
    };
    if folder.starts_with(&data) {
        let what = format!("{} lies within naos's own data", path.display());
        return Err(Fail::usage(what).help("name a file elsewhere, best on another disk"));
    }
    Ok(())
}

/// Where a path leads to, however it is spelled.
fn place(path: &Path) -> PathBuf {
    if let Ok(there) = path.canonicalize() {
        return there;
    }
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or_else(|| Path::new("."));
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    folder.join(path.file_name().unwrap_or_default())
}

fn make(context: &Context, asked: &Backup, file: &Path) -> Ended {
    let keys_path = asked.keys.clone().unwrap_or_else(|| beside(file));
    if place(file) == place(&keys_path) {
        let what = format!("the backup and its keys can't both be {}", file.display());
        return Err(Fail::usage(what).help("name another file for the keys, on another disk"));
    }
    if !asked.force {
        free(file, &keys_path)?;
    }
    let session = context.session()?;
    for path in [file, keys_path.as_path()] {
        outside(path, &session.project().data)?;
    }
    let began = clock::tick();
    let part = with_suffix(file, ".part");
    let show = Progress::new(&context.out, "written");
    let made = fill(&part, &show, |each| session.download(&api("/backup"), each));
    // Keys that sealed anything in it were durable before: read now, none of them is missing.
    let made = made.and_then(|()| {
        let data = &session.project().data;
        let keys = BackupKeys::of(data).map_err(|e| failed(&data.join("keys"), &e))?;
        if !asked.force {
            same_node(&keys_path, &keys)?;
        }
        let contents = prove(&part, &keys)?;
        write_secret(&keys_path, &keys.to_bytes()).map_err(|e| io("write", &keys_path, &e))?;
        sync_around(&keys_path)?;
        fs::rename(&part, file).map_err(|e| io("rename", &part, &e))?;
        sync_around(file)?;
        Ok(contents)
    });
    show.done();
    drop(session);
    let contents = made.inspect_err(|_| {
        // What is left of it is no backup.
        let _ = fs::remove_file(&part);
    })?;
    let out = &context.out;
    let bytes = fs::metadata(file).map_or(0, |about| about.len());
    if out.json {
        let mut told = told(&contents, bytes, began.elapsed());
        told["file"] = json!(file);
        told["keys_file"] = json!(keys_path);
        out.json(&told);
        return Ok(0);
    }
    say(out, file, &contents, bytes, began.elapsed());
    out.say(format!(
        "The keys are in {}: keep them elsewhere, and let the next backup replace them.",
        keys_path.display()
    ));
    Ok(0)
}

fn verify(context: &Context, asked: &Verify) -> Ended {
    let keys = asked.keys.clone().unwrap_or_else(|| beside(&asked.file));
    let began = clock::tick();
    // The backup comes first: without it, nobody cares for its keys.
    fs::metadata(&asked.file).map_err(|e| io("read", &asked.file, &e))?;
    let contents = prove(&asked.file, &read_keys(&keys)?)?;
    let (out, took) = (&context.out, began.elapsed());
    let bytes = fs::metadata(&asked.file).map_or(0, |about| about.len());
    if out.json {
        out.json(&told(&contents, bytes, took));
        return Ok(0);
    }
    say(out, &asked.file, &contents, bytes, took);
    out.line("The backup is whole.");
    Ok(0)
}

/// Nothing is in the way; keys of the same node aren't.
fn free(file: &Path, keys: &Path) -> Result<(), Fail> {
    if file.exists() {
        let what = format!("{} is there already", file.display());
        let help = "name another file, or replace it with --force";
        return Err(Fail::new(Code::NOT_EMPTY, what).help(help));
    }
    if keys.exists() {
        read_keys(keys).map(drop)?; // something else is never replaced
    }
    Ok(())
}

fn same_node(path: &Path, keys: &BackupKeys) -> Result<(), Fail> {
    if !path.exists() || read_keys(path)?.same_node(keys) {
        return Ok(());
    }
    let what = format!("{} has keys of another node", path.display());
    let help = "name another file with --keys, or replace it with --force";
    Err(Fail::new(Code::NOT_EMPTY, what).help(help))
}

/// Writes a file with what `fetch` brings, down to the disk.
fn fill(
    part: &Path,
    show: &Progress,
    fetch: impl FnOnce(&mut dyn FnMut(&[u8]) -> std::io::Result<()>) -> Result<(), Fail>,
) -> Result<(), Fail> {
    let private = File::options()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(part);
    let mut file = private.map_err(|e| io("make", part, &e))?;
    let mut unwritten = None;
    let fetched = fetch(&mut |bytes| {
        show.more(bytes.len() as u64);
        file.write_all(bytes).map_err(|cause| {
            let told = std::io::Error::new(cause.kind(), cause.to_string());
            unwritten = Some(cause);
            told
        })
    });
    // What the disk says, not that the download broke off because of it.
    if let Some(cause) = unwritten {
        return Err(io("write", part, &cause));
    }
    fetched?;
    file.sync_all().map_err(|e| io("sync", part, &e))
}

fn prove(file: &Path, keys: &BackupKeys) -> Result<Contents, Fail> {
    prove_backup(&mut open(file)?, keys).map_err(|e| failed(file, &e))
}

/// A file to be read from its beginning.
pub(crate) fn open(file: &Path) -> Result<impl Read, Fail> {
    let opened = File::open(file).map_err(|e| missing(file, &e))?;
    Ok(BufReader::with_capacity(256 << 10, opened))
}

/// Where a backup's keys are, unless they are named.
pub(crate) fn beside(file: &Path) -> PathBuf {
    with_suffix(file, ".keys")
}

fn with_suffix(file: &Path, suffix: &str) -> PathBuf {
    let mut name: OsString = file.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

pub(crate) fn read_keys(path: &Path) -> Result<BackupKeys, Fail> {
    let bytes = fs::read(path).map_err(|e| {
        missing(path, &e).help("the keys are in the file that --keys names, or in FILE.keys")
    })?;
    BackupKeys::parse(&bytes).map_err(|e| failed(path, &e))
}

fn missing(path: &Path, error: &std::io::Error) -> Fail {
    if error.kind() == std::io::ErrorKind::NotFound {
        let what = format!("there is no file {}", path.display());
        return Fail::new(Code::NOT_FOUND, what).help("check the path");
    }
    io("read", path, error)
}

fn io(doing: &str, path: &Path, error: &std::io::Error) -> Fail {
    Fail::io(format!("{doing} {}", path.display()), error)
}

/// What is wrong with a backup or its keys.
pub(crate) fn failed(path: &Path, error: &BackupError) -> Fail {
    let fail = Fail::new(error.code(), format!("{}: {error}", path.display())).because(error);
    match error {
        BackupError::Damaged { .. } => {
            fail.help("use another copy of it: nothing of this one was restored")
        }
        _ => fail,
    }
}

/// Makes a name durable.
pub(crate) fn sync_around(path: &Path) -> Result<(), Fail> {
    let dir = match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    };
    let synced = File::open(dir).and_then(|dir| dir.sync_all());
    synced.map_err(|e| io("sync", dir, &e))
}

pub(crate) fn told(contents: &Contents, bytes: u64, took: Duration) -> Value {
    let tenants: Vec<Value> = contents
        .tenants
        .iter()
        .map(|tenant| {
            json!({"tenant": tenant.tenant, "seq": tenant.seq, "root": tenant.root.to_string(),
                "time": tenant.at.rfc3339(), "checkpoints": tenant.checkpoints,
                "records": tenant.records, "bodies": tenant.bodies})
        })
        .collect();
    json!({"ok": true, "naos": contents.naos, "begun": contents.at.rfc3339(),
        "tenants": tenants, "facts": contents.facts, "bodies": contents.bodies,
        "files": contents.files, "keys": contents.keys, "erased": contents.erased,
        "bytes": bytes, "seconds": took.as_secs_f64()})
}

pub(crate) fn say(out: &Out, file: &Path, contents: &Contents, bytes: u64, took: Duration) {
    out.say(format!(
        "{}: {}, {}, {}, {} in {:.1} s, begun {}",
        file.display(),
        count(contents.tenants.len(), "tenant", "tenants"),
        count(contents.facts, "fact", "facts"),
        count(contents.bodies, "body", "bodies"),
        HumanBytes(bytes),
        took.as_secs_f64(),
        contents.at.rfc3339(),
    ));
    let rows: Vec<Vec<String>> = contents
        .tenants
        .iter()
        .map(|tenant| {
            let (id, seq) = (tenant.tenant.to_string(), tenant.seq.to_string());
            vec![id, seq, tenant.root.to_string()]
        })
        .collect();
    if !out.quiet {
        out.table(&["tenant", "seq", "root"], &rows);
    }
}

/// Bytes so far, on a terminal.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    pub(crate) fn new(out: &Out, what: &'static str) -> Self {
        let bar = if out.quiet || out.json || !out.terminal {
            ProgressBar::hidden()
        } else {
            ProgressBar::no_length()
        };
        if let Ok(style) = ProgressStyle::with_template("{spinner} {bytes} {msg}, {bytes_per_sec}")
        {
            bar.set_style(style);
        }
        bar.set_message(what);
        bar.enable_steady_tick(Duration::from_millis(SHOW_MS));
        Self(bar)
    }

    pub(crate) fn more(&self, bytes: u64) {
        self.0.inc(bytes);
    }

    pub(crate) fn done(&self) {
        self.0.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn a_full_disk_is_called_so() {
        let show = Progress::new(&Out::new(false, true), "written");
        let broke_off = |each: &mut dyn FnMut(&[u8]) -> std::io::Result<()>| {
            let sent = each(b"a backup");
            sent.map_err(|cause| Fail::new(Code::INTERNAL, cause.to_string()))
        };
        let fail = fill(Path::new("/dev/full"), &show, broke_off).unwrap_err();
        assert_eq!(fail.code, Some(Code::DISK_FULL), "{}", fail.what);
        assert!(fail.what.contains("/dev/full"), "{}", fail.what);
    }
}
