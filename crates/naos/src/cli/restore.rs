//! `naos restore FILE [--data-dir DIR]`

use std::fs::{self, File, TryLockError};
use std::io::Read;
use std::path::{Path, PathBuf};

use naos_engine::shard::{GoesOn, go_on_from_backup};
use naos_engine::{chance, clock};
use naos_store::{BackupKeys, Contents, SqliteStore, restore_backup};
use naos_types::Code;
use serde_json::{Value, json};

use super::backup::{Progress, beside, failed, open, read_keys, say, sync_around, told};
use super::{Context, Ended};
use crate::fail::Fail;
use crate::wire::{BESIDE, BuildError, opening};

/// Makes a data directory from a backup: all of it, proved, or nothing. Nothing that is there is
/// ever written over.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  naos restore office.naos   # into the project, or ./data\n  \
    naos restore office.naos --data-dir ./elsewhere --keys /media/usb/office.keys\n\n\
    A restored copy asks before it sends again what the original may have sent: `naos approve`."
)]
pub(crate) struct Restore {
    /// The backup.
    file: PathBuf,
    /// Its keys, or later ones of the same node; FILE.keys unless named.
    #[arg(long, value_name = "PATH")]
    keys: Option<PathBuf>,
}

pub(crate) fn go(context: &Context, asked: &Restore) -> Ended {
    // After a disaster there is no project yet: what comes back makes one here.
    let data = match context.project() {
        Err(fail) if fail.code == Some(Code::NOT_FOUND) && !context.names_a_project() => {
            std::env::current_dir()
                .map_err(|e| Fail::io("find the current directory", &e))?
                .join("data")
        }
        project => project?.data,
    };
    let began = clock::tick();
    empty(&data)?;
    open(&asked.file)?; // said before its keys are missed
    let keys = asked.keys.clone().unwrap_or_else(|| beside(&asked.file));
    let keys = read_keys(&keys)?;
    let draft = Draft::begin(&data)?;
    let show = Progress::new(&context.out, "read");
    let made = lay_out(&draft.dir, asked, &keys, &show);
    show.done();
    let (contents, cells) = made?;
    draft.become_data(&data)?;
    let out = &context.out;
    let bytes = fs::metadata(&asked.file).map_or(0, |about| about.len());
    if out.json {
        let mut told = told(&contents, bytes, began.elapsed());
        let row =
            |cell: &GoesOn| json!({"tenant": cell.tenant, "upto": cell.upto, "seq": cell.seq});
        told["data"] = json!(data);
        told["stands"] = Value::Array(cells.iter().map(row).collect());
        out.json(&told);
        return Ok(0);
    }
    say(out, &asked.file, &contents, bytes, began.elapsed());
    out.say(format!(
        "{} is restored and proved; each journal goes on with one more fact that says so.",
        data.display()
    ));
    if context.project().is_err() {
        out.say(format!(
            "No configuration stands here: bring the project's nexus.config.yaml, or say \
             --data-dir {}",
            data.display()
        ));
    }
    if contents.erased > 0 {
        out.say(format!(
            "{} keys were destroyed since: that stays erased.",
            contents.erased
        ));
    }
    Ok(0)
}

/// A directory that isn't there, or has nothing in it.
fn empty(data: &Path) -> Result<(), Fail> {
    let found = match fs::read_dir(data) {
        Ok(mut entries) => entries.next().is_some(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => false,
        Err(error) => return Err(Fail::io(format!("read {}", data.display()), &error)),
    };
    if !found {
        return Ok(());
    }
    let what = format!("{} isn't empty", data.display());
    Err(Fail::new(Code::NOT_EMPTY, what)
        .help("name another directory with --data-dir, or move this one away"))
}

/// A directory beside the wanted one, until it is whole.
struct Draft {
    dir: PathBuf,
    lock: PathBuf,
    _held: File,
}

impl Draft {
    fn begin(data: &Path) -> Result<Self, Fail> {
        let io = |doing: &str, path: &Path, error: &std::io::Error| {
            Fail::io(format!("{doing} {}", path.display()), error)
        };
        let name = data.file_name().unwrap_or_default().to_string_lossy();
        let parent = match data.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        fs::create_dir_all(parent).map_err(|e| io("make", parent, &e))?;
        let dir = parent.join(format!(".{name}.restoring"));
        let lock = parent.join(format!(".{name}.restoring.lock"));
        let held = File::create(&lock).map_err(|e| io("make", &lock, &e))?;
        match held.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let what = format!("another restore into {} is under way", data.display());
                return Err(Fail::new(Code::DIRECTORY_TAKEN, what).help("wait for it"));
            }
            Err(TryLockError::Error(error)) => return Err(io("lock", &lock, &error)),
        }
        // What a restore that was cut short left behind.
        match fs::remove_dir_all(&dir) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(io("remove", &dir, &error));
            }
            _ => {}
        }
        fs::create_dir(&dir).map_err(|e| io("make", &dir, &e))?;
        let _held = held;
        Ok(Self { dir, lock, _held })
    }

    /// Takes the wanted name: only over nothing, or an empty directory.
    fn become_data(&self, data: &Path) -> Result<(), Fail> {
        empty(data)?;
        fs::rename(&self.dir, data)
            .map_err(|e| Fail::io(format!("rename to {}", data.display()), &e))?;
        sync_around(data)
    }
}

/// Nothing half done stays behind.
impl Drop for Draft {
    fn drop(&mut self) {
        // Gone when it took its name; what can't be removed is removed by the next restore.
        let _ = fs::remove_dir_all(&self.dir);
        let _ = fs::remove_file(&self.lock);
    }
}

fn lay_out(
    dir: &Path,
    asked: &Restore,
    keys: &BackupKeys,
    show: &Progress,
) -> Result<(Contents, Vec<GoesOn>), Fail> {
    let mut from = Counting {
        from: open(&asked.file)?,
        show,
    };
    let contents =
        restore_backup(&mut from, keys, dir, BESIDE).map_err(|e| failed(&asked.file, &e))?;
    let store = SqliteStore::open(dir).map_err(|error| match opening(error) {
        BuildError::Failed(fail) => fail,
        BuildError::Taken(_) => Fail::new(Code::DIRECTORY_TAKEN, "somebody opened it meanwhile"),
    })?;
    let cells = go_on_from_backup(&store, clock::now(), contents.at, &mut chance::roll)?;
    store
        .close()
        .map_err(|error| Fail::new(Code::READ_ONLY, error.to_string()).because(&error))?;
    Ok((contents, cells))
}

struct Counting<'s, R> {
    from: R,
    show: &'s Progress,
}

impl<R: Read> Read for Counting<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let bytes = self.from.read(into)?;
        self.show.more(bytes as u64);
        Ok(bytes)
    }
}
