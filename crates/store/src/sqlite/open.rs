//! Opening a data directory: who owns it, what it holds, what its files still lack.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, OnceLock, RwLock};

use naos_types::{TenantId, Time};

use super::cell::Cell;
use super::db::{self, DbError, Meaning};
use super::keys::Keys;
use super::node::{self, Log, Node};
use super::node_log::{self, Retired, Segment};
use super::packs::Packs;
use super::queue::Queue;
use super::readers::Readers;
use super::row::{Content, Pending, RowHead};
use super::stage;
use super::system::{Known, Standing, System};
use super::viewer::Viewer;
use crate::crypto::Key;

/// What others than the owner may do.
const OTHERS_MODE: u32 = 0o077;

/// Why a data directory could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another naos has it.
    #[error("{} is in use{}", path.display(), by(*pid))]
    Taken {
        /// The directory.
        path: PathBuf,
        /// Whose it is, if it said so.
        pid: Option<u32>,
    },
    /// It can't be written to.
    #[error("{} can't be written to: {}", path.display(), what_to_do(cause))]
    ReadOnly {
        /// What can't be written to.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// A newer naos wrote it.
    #[error("{what} has format {found}, this naos reads up to {ours}: run the newer naos")]
    Newer {
        /// Which file.
        what: String,
        /// Its format.
        found: u32,
        /// The newest that is understood here.
        ours: u32,
    },
    /// SQLite is older than the first one that is safe here.
    #[error("this naos was built with SQLite {found}, it needs 3.51.3 or later")]
    OldSqlite {
        /// Its version.
        found: String,
    },
    /// A checksum, a key or an order doesn't match.
    #[error("{what} is damaged: restore the directory from a backup")]
    Damaged {
        /// What and where.
        what: String,
    },
    /// No space: even opening takes some.
    #[error("the disk is full: could not open {what}")]
    Full {
        /// What.
        what: String,
    },
    /// Anything else.
    #[error("could not open {what}")]
    Io {
        /// What.
        what: String,
        /// Why.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
}

fn by(pid: Option<u32>) -> String {
    pid.map_or_else(String::new, |pid| format!(" by process {pid}"))
}

fn what_to_do(cause: &io::Error) -> &'static str {
    match cause.kind() {
        io::ErrorKind::ReadOnlyFilesystem => "mount its disk for writing, or work on a copy of it",
        _ => "change its owner or its permissions",
    }
}

impl OpenError {
    pub(crate) fn io(path: &Path, cause: io::Error) -> Self {
        match db::io_meaning(&cause) {
            Meaning::ReadOnly => Self::ReadOnly {
                path: path.to_owned(),
                cause,
            },
            Meaning::Full => Self::Full {
                what: path.display().to_string(),
            },
            _ => Self::Io {
                what: path.display().to_string(),
                cause: Box::new(cause),
            },
        }
    }

    pub(crate) fn db(path: &Path, cause: DbError) -> Self {
        let what = path.display().to_string();
        match cause {
            DbError::Newer { found, ours } => Self::Newer { what, found, ours },
            DbError::Io(cause) => Self::io(path, cause),
            other if other.meaning() == Meaning::Damaged => {
                let at = match &other {
                    DbError::Row { table, key } => format!(", table {table}, row {key}"),
                    other => format!(" ({})", db::chain(other)),
                };
                Self::Damaged { what: what + &at }
            }
            other if other.meaning() == Meaning::Full => Self::Full { what },
            other => Self::Io {
                what,
                cause: Box::new(other),
            },
        }
    }
}

/// Takes the directory for this process, for as long as the file lives.
fn take(path: &Path) -> Result<File, OpenError> {
    let lock = path.join("lock");
    let mut file = fs::OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&lock)
        .map_err(|cause| OpenError::io(path, cause))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            let pid = file
                .read_to_string(&mut text)
                .ok()
                .and_then(|_| text.trim().parse().ok());
            return Err(OpenError::Taken {
                path: path.to_owned(),
                pid,
            });
        }
        Err(TryLockError::Error(cause)) => return Err(OpenError::io(&lock, cause)),
    }
    let pid = format!("{}\n", std::process::id());
    file.set_len(0)
        .and_then(|()| file.write_all(pid.as_bytes()))
        .map_err(|cause| OpenError::io(&lock, cause))?;
    Ok(file)
}

/// Nobody else on this machine reads what tenants keep: whoever can't enter the directory can't
/// open a file in it, whatever its own mode.
fn keep_private(dir: &Path) -> Result<(), OpenError> {
    let failed = |cause| OpenError::io(dir, cause);
    fs::create_dir_all(dir).map_err(failed)?;
    let mode = fs::metadata(dir).map_err(failed)?.permissions().mode();
    if mode & OTHERS_MODE != 0 && !super::planted::open_to_all() {
        let private = fs::Permissions::from_mode(mode & !OTHERS_MODE);
        if let Err(cause) = fs::set_permissions(dir, private) {
            // Somebody else's directory that we may write to: they decide who enters it.
            tracing::warn!(dir = %dir.display(), %cause, "others may enter the data directory");
        }
    }
    Ok(())
}

/// Whether any tenant has something here that a key of the ring sealed.
fn is_used(dir: &Path) -> io::Result<bool> {
    for entry in fs::read_dir(dir.join("tenants"))? {
        let name = entry?.file_name();
        if name.to_str().is_some_and(|name| name.ends_with(".db")) {
            return Ok(true);
        }
    }
    // This file is made after the ring.
    dir.join("system.db").try_exists()
}

/// Opens or makes a data directory. The lock goes when the file is dropped.
pub(crate) fn open(dir: &Path) -> Result<(Arc<Node>, System, File), OpenError> {
    if rusqlite::version_number() < db::SQLITE_VERSION_MIN {
        return Err(OpenError::OldSqlite {
            found: rusqlite::version().to_owned(),
        });
    }
    keep_private(dir)?;
    for sub in ["log", "tenants", "views", "bodies", "keys"] {
        let path = dir.join(sub);
        fs::create_dir_all(&path).map_err(|cause| OpenError::io(&path, cause))?;
    }
    let lock = take(dir)?;
    // SQLite resolves names for itself; watching a directory needs them to agree.
    let dir = fs::canonicalize(dir).map_err(|cause| OpenError::io(dir, cause))?;
    db::sync_dir(&dir).map_err(|cause| OpenError::io(&dir, cause))?;
    let path = dir.join("keys");
    let used = is_used(&dir).map_err(|cause| OpenError::io(&dir, cause))?;
    let keys = Keys::open(&path, used).map_err(|cause| match cause {
        // These name their file themselves.
        DbError::Row { .. } | DbError::Gone(_) => OpenError::db(&path, cause),
        cause => OpenError::db(&path.join("ring.db"), cause),
    })?;
    let path = dir.join("system.db");
    let (mut system, known) = System::open(&path).map_err(|cause| OpenError::db(&path, cause))?;
    let path = keys.path();
    let count = keys.check().map_err(|cause| OpenError::db(path, cause))?;
    if count == 0 && !known.cells.is_empty() {
        let gone = DbError::Gone(path.display().to_string());
        return Err(OpenError::db(path, gone));
    }
    let path = dir.join("system.db");
    let node = build(dir, keys, known)?;
    // Only now that the log has a row again may its emptiness be a loss.
    system
        .mark(false, &[])
        .map_err(|cause| OpenError::db(&path, cause))?;
    Ok((node, system, lock))
}

fn build(dir: PathBuf, keys: Keys, known: Known) -> Result<Arc<Node>, OpenError> {
    let replay = Replay::read(&dir.join("log"), &keys, &known)?;
    let path = dir.join("bodies");
    let mut found = Vec::new();
    let packs = Packs::open(&path, &known.packs, |item| found.push(item))
        .map_err(|cause| OpenError::db(&path, cause))?;
    let path = dir.join("log");
    let segment = Segment::open(&path, replay.next_number)
        .and_then(|mut segment| segment.insert_start(replay.next_pos).map(|()| segment))
        .map_err(|cause| OpenError::db(&path, cause))?;
    let wakes = known
        .cells
        .iter()
        .filter_map(|(id, cell)| Some((*id, cell.due?)));
    let signer = keys.signer();
    let mut node = Node {
        dir,
        keys,
        signer,
        packs,
        erasing: RwLock::new(()),
        readers: Readers::default(),
        queue: Queue::default(),
        viewer: Viewer::default(),
        log: Mutex::new(Some(Log::new(segment, replay.next_pos + 1))),
        first_pos: replay.next_pos,
        retired: Mutex::new(replay.retired),
        next: Mutex::new(None),
        next_number: AtomicU64::new(replay.next_number + 1),
        cells: Mutex::default(),
        wakes: Mutex::new(wakes.collect()),
        standing: Mutex::new(known.cells),
        broken: OnceLock::new(),
    };
    bring_back(&mut node, replay.rows);
    let node = Arc::new(node);
    for (tenant, name, place) in found {
        if let Ok(cell) = node.cell(tenant) {
            let mut state = cell.lock();
            if state.is_erased(&name) {
                continue; // its fact is still to be carried out
            }
            state.put_packed(name, place);
            drop(state);
            node.enqueue(&cell);
        }
    }
    Ok(node)
}

/// What the log's segments hold.
struct Replay {
    rows: Vec<Arc<Pending>>,
    retired: VecDeque<Retired>,
    next_pos: u64,
    next_number: u64,
}

impl Replay {
    fn read(dir: &Path, keys: &Keys, known: &Known) -> Result<Self, OpenError> {
        let numbers = node_log::segments(dir).map_err(|cause| OpenError::io(dir, cause))?;
        let mut rows: Vec<Arc<Pending>> = Vec::new();
        let (mut retired, mut last) = (VecDeque::new(), None);
        for number in &numbers {
            let path = dir.join(format!("{number:06}.db"));
            let named = |cause| OpenError::db(&path, cause);
            let mut segment = Segment::open(dir, *number).map_err(named)?;
            if segment.end_is_damaged().map_err(named)? {
                let what = format!("{} (its write-ahead log, in the middle)", path.display());
                return Err(OpenError::Damaged { what });
            }
            let mut row_keys: HashMap<TenantId, Option<Key>> = HashMap::new();
            segment
                .rows(|head, sealed| {
                    let gap = last.is_some_and(|last| head.pos != last + 1);
                    let damaged = || DbError::Row {
                        table: "log",
                        key: head.pos.to_string(),
                    };
                    if gap || head.first > head.last + 1 {
                        return Err(damaged());
                    }
                    last = Some(head.pos);
                    if sealed.is_empty() {
                        return Ok(());
                    }
                    if let Some(key) = row_key(&mut row_keys, keys, head.tenant, *number)? {
                        let plain = key.open_joined(&head.aad(), &sealed).ok_or_else(damaged)?;
                        rows.push(pending(head, plain).ok_or_else(damaged)?);
                    }
                    Ok(())
                })
                .map_err(named)?;
            // An erased tenant has no file that anything waits for.
            segment
                .touched
                .retain(|tenant, _| matches!(row_keys.get(tenant), Some(Some(_))));
            if segment.rows > 0 {
                retired.push_back(segment.retire());
            } else {
                segment
                    .retire()
                    .delete()
                    .map_err(|cause| OpenError::io(&path, cause))?;
            }
        }
        // What files hold is known from elsewhere too: the log's end must not be before it.
        let lost = match last {
            Some(last) => last < known.pos,
            None => known.pos > 0 && !known.clean,
        };
        if lost {
            let end = last.unwrap_or(0);
            let what = format!(
                "{} (it ends at {end}, files have {})",
                dir.display(),
                known.pos
            );
            return Err(OpenError::Damaged { what });
        }
        let next_pos = last.unwrap_or(known.pos) + 1;
        let next_number = numbers.last().unwrap_or(&0) + 1;
        Ok(Self {
            rows,
            retired,
            next_pos,
            next_number,
        })
    }
}

fn row_key<'k>(
    cached: &'k mut HashMap<TenantId, Option<Key>>,
    keys: &Keys,
    tenant: TenantId,
    segment: u64,
) -> Result<Option<&'k Key>, DbError> {
    let slot = match cached.entry(tenant) {
        Entry::Occupied(slot) => slot.into_mut(),
        Entry::Vacant(slot) => slot.insert(match keys.tenant(tenant) {
            Ok(keys) => Some(node_log::row_key(&keys.own, segment)),
            Err(DbError::Erased(_)) => None,
            Err(cause) => return Err(cause),
        }),
    };
    Ok(slot.as_ref())
}

fn pending(head: RowHead, plain: Vec<u8>) -> Option<Arc<Pending>> {
    let content: Content<'_> = postcard::from_bytes(&plain).ok()?;
    let facts: usize = content.parts.iter().map(|part| part.facts.len()).sum();
    let numbered = head.first + facts as u64 == head.last + 1;
    drop(content);
    numbered.then(|| Arc::new(Pending { head, plain }))
}

/// Lays the log's rows over the files that lack them.
fn bring_back(node: &mut Node, rows: Vec<Arc<Pending>>) {
    let mut cells: HashMap<TenantId, Arc<Cell>> = HashMap::new();
    let mut wakes: HashMap<TenantId, Time> = std::mem::take(&mut *node::locked(&node.wakes));
    let standing = node::locked(&node.standing).clone();
    let mut skipped: Vec<TenantId> = Vec::new();
    for row in rows {
        let id = row.head.tenant;
        let cell = cells
            .entry(id)
            .or_insert_with(|| Arc::new(load_or_fault(node, id)));
        if row.head.pos > standing.get(&id).map_or(0, |standing| standing.pos) {
            stage::note_wake(&mut wakes, &row);
        }
        let mut state = cell.lock();
        if state.fault.is_some() || row.head.pos <= state.file_pos {
            continue;
        }
        if super::planted::replay_off_by_one() && !skipped.contains(&id) {
            skipped.push(id);
            state.seq = row.head.last;
            state.file_pos = row.head.pos;
            continue;
        }
        if row.head.first != state.seq + 1 {
            state.fault = Some(format!("{} (a gap before the log)", cell.path.display()));
            continue;
        }
        state.push(row);
    }
    let mut queued = Vec::new();
    let (mut facts, mut bytes) = (0, 0);
    for (id, cell) in &cells {
        let known: Standing = standing.get(id).copied().unwrap_or_default();
        if let Err(cause) = stage::check_ends(cell, &known, node.first_pos) {
            cell.lock().fault.get_or_insert(cause.to_string());
        }
        let mut state = cell.lock();
        let head = state.seq;
        state.unviewed.start_at(head);
        if state.has_work() {
            state.queued = true;
            let lag = state.pending_facts();
            (facts, bytes) = (facts + lag.0, bytes + lag.1);
            queued.push(Arc::clone(cell));
        }
    }
    node.queue.push(queued, facts, bytes);
    node.wakes = Mutex::new(wakes);
    node.cells = Mutex::new(cells);
}

/// A damaged file stops its cell only; its rows stay in the log.
fn load_or_fault(node: &Node, id: TenantId) -> Cell {
    node.load(id).unwrap_or_else(|cause| {
        tracing::error!(tenant = %id, %cause, "a cell is quarantined: its file can't be read");
        let cell = Cell::new(id, node.tenant_path(id), None);
        cell.lock().fault = Some(cause.to_string());
        cell
    })
}
