//! Writing a backup while the store works.
//!
//! Each tenant's rows are read in one transaction of its own file, after everything acknowledged
//! stands there: one state, whose journal is a prefix of what was acknowledged. Large bodies come
//! last, after a second settling: whatever any of those journals names stands in an index by then.

use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;

use naos_types::{BodyRef, Digest, Seq, TenantId, Time};
use rusqlite::Connection;

use super::check::Counted;
use super::item::{Entry, FilePart, Head, Item, Items, Row, Signed};
use super::sealed::Sealer;
use super::{BackupError, Beside, Contents};
use crate::sqlite::cell::Cell;
use crate::sqlite::db::{self, DbError, Mode};
use crate::sqlite::node::Node;
use crate::sqlite::packs::Place;
use crate::sqlite::row::{Answer, Body};
use crate::sqlite::tenant_file::{self as file, Meta, TENANT};
use crate::sqlite::verify;
use crate::traits::ReadError;

/// Facts that are read at once.
const FACTS: u64 = 256;
/// Bytes of a file beside the store in one item.
const PART_BYTES: usize = 256 * 1_024;

/// What a backup is begun with.
pub(crate) struct About<'a> {
    pub(crate) now: Time,
    pub(crate) naos: &'a str,
    pub(crate) beside: &'a [Beside],
}

struct Taking<'n, 'w> {
    node: &'n Node,
    items: Items<'w>,
    counted: Counted,
}

pub(crate) fn take(
    node: &Node,
    tenants: &[TenantId],
    to: &mut dyn Write,
    about: &About<'_>,
) -> Result<Contents, BackupError> {
    let cells = tenants
        .iter()
        .map(|id| {
            let cell = node.cell(*id).map_err(BackupError::Source)?;
            // What is acknowledged by now is in the backup.
            let seq = cell.read().map_err(BackupError::Source)?.seq;
            Ok((cell, seq))
        })
        .collect::<Result<Vec<_>, BackupError>>()?;
    let sealer = Sealer::begin(to, node.keys.node())
        .map_err(|cause| BackupError::io("the backup", cause))?;
    let mut taking = Taking::new(node, sealer);
    let (naos, at) = (about.naos, about.now.0);
    taking.put(&Item::Start { naos, at })?;
    taking.beside(about.beside, true)?;
    if !crate::sqlite::planted::backup_unsettled() {
        node.queue.settle();
    }
    for (cell, seq) in &cells {
        taking.tenant(cell, *seq)?;
    }
    if !crate::sqlite::planted::backup_without_packs() {
        node.queue.settle();
        for (cell, _) in &cells {
            taking.packed(cell)?;
        }
    }
    taking.beside(about.beside, false)?;
    taking.keys()?;
    taking.end(about)
}

impl<'n, 'w> Taking<'n, 'w> {
    fn new(node: &'n Node, sealer: Sealer<'w>) -> Self {
        Self {
            node,
            items: Items::new(sealer),
            counted: Counted::default(),
        }
    }

    fn put(&mut self, item: &Item<'_>) -> Result<(), BackupError> {
        self.items.put(item)
    }

    fn tenant(&mut self, cell: &Cell, least: Seq) -> Result<(), BackupError> {
        let named = |cause: DbError| source(cell, cause);
        let conn = db::open(&cell.path, &TENANT, Mode::Reader).map_err(named)?;
        // One state of the file, whatever is filled in meanwhile.
        conn.execute_batch("BEGIN").map_err(|e| named(e.into()))?;
        let meta = file::meta(&conn, cell.id)
            .map_err(named)?
            .unwrap_or_default();
        if meta.seq < least && !crate::sqlite::planted::backup_unsettled() {
            // A damaged file takes nothing more: that is why, then, and no lack of room.
            verify::sound(&cell.path).map_err(named)?;
            return Err(BackupError::Behind { tenant: cell.id });
        }
        self.counted.begin(cell.id, &meta)?;
        let before = self.items.written;
        self.put(&head(cell.id, &meta))?;
        self.checkpoints(&conn, cell)?;
        self.facts(&conn, cell, meta.seq)?;
        self.rows(&conn, cell)?;
        let items = self.items.written - before;
        self.put(&Item::TenantEnd { items })
    }

    fn checkpoints(&mut self, conn: &Connection, cell: &Cell) -> Result<(), BackupError> {
        let signed = file::checkpoints(conn, cell.id, Some(0)).map_err(|e| source(cell, e))?;
        for checkpoint in &signed {
            self.put(&Item::Checkpoint(Signed {
                size: checkpoint.size,
                at: checkpoint.at.0,
                note: &checkpoint.note,
                frontier: &checkpoint.frontier,
            }))?;
        }
        self.counted.last().checkpoints = signed.len() as u64;
        Ok(())
    }

    fn facts(&mut self, conn: &Connection, cell: &Cell, seq: Seq) -> Result<(), BackupError> {
        let mut entries = Vec::new();
        let mut at = 0;
        while at < seq {
            let last = seq.min(at + FACTS);
            file::entries(conn, cell.id, at + 1, last, &mut entries)
                .map_err(|cause| source(cell, cause))?;
            for entry in entries.drain(..) {
                self.put(&Item::Fact(Entry {
                    at: entry.at.0,
                    kind: &entry.kind,
                    version: entry.version,
                    bytes: &entry.bytes,
                }))?;
            }
            at = last;
        }
        Ok(())
    }

    fn rows(&mut self, conn: &Connection, cell: &Cell) -> Result<(), BackupError> {
        let id = cell.id;
        let (mut records, mut answers, mut bodies) = (0, 0, 0);
        file::each_record(conn, id, |record| {
            records += 1;
            self.put(&Item::Record(Row {
                kind: &record.kind,
                id: &record.id,
                version: record.version,
                seq: record.seq,
                open: record.open,
                bytes: record.bytes.as_deref().unwrap_or_default(),
            }))
        })
        .map_err(|cause| source(cell, cause))??;
        file::each_answer(conn, id, |row| {
            answers += 1;
            self.put(&Item::Answer(Answer {
                source: &row.source,
                key: &row.key,
                request: row.request.0,
                reply: &row.reply,
                at: row.at.0,
            }))
        })
        .map_err(|cause| source(cell, cause))??;
        file::each_body(conn, id, |name, sealed| {
            bodies += 1;
            self.put(&Item::Body(body(&name, sealed)))
        })
        .map_err(|cause| source(cell, cause))??;
        let counted = self.counted.last();
        (counted.records, counted.answers, counted.bodies) = (records, answers, bodies);
        Ok(())
    }

    /// Large bodies: one at a time in memory, each compared with its name while its key is there.
    fn packed(&mut self, cell: &Cell) -> Result<(), BackupError> {
        let id = cell.id;
        let places = db::open(&cell.path, &TENANT, Mode::Reader)
            .and_then(|conn| file::all_packed(&conn, id))
            .map_err(|cause| source(cell, cause))?;
        let keys = match self.node.keys.tenant(id) {
            Ok(keys) => Some(keys),
            Err(DbError::Erased(_)) => None,
            Err(cause) => return Err(source(cell, cause)),
        };
        for (name, place) in places {
            let sealed = self.sealed(id, &name, place)?;
            if let Some(keys) = &keys {
                keys.open_body(id, &name, &sealed)
                    .map_err(BackupError::Source)?;
            }
            let body = body(&name, &sealed);
            self.put(&Item::Packed { tenant: id.0, body })?;
            self.counted.of(id)?.bodies += 1;
        }
        Ok(())
    }

    fn sealed(&self, id: TenantId, name: &BodyRef, place: Place) -> Result<Vec<u8>, BackupError> {
        let what = || format!("pack {}, body {} of {id}", place.pack, name.digest);
        let read = self.node.packs.read(id, name, place);
        match read {
            Ok(Some(sealed)) => Ok(sealed),
            Ok(None) => Err(BackupError::Source(ReadError::Damaged { what: what() })),
            Err(cause) => Err(BackupError::Source(ReadError::Io {
                what: what(),
                cause: Box::new(cause),
            })),
        }
    }

    fn beside(&mut self, all: &[Beside], before: bool) -> Result<(), BackupError> {
        for beside in all.iter().filter(|beside| beside.before == before) {
            let path = self.node.dir.join(beside.path);
            let failed = |cause| BackupError::io(path.display().to_string(), cause);
            match fs::metadata(&path) {
                Ok(about) if about.is_file() => self.file(&path, beside.path)?,
                Ok(_) => {
                    let mut names = Vec::new();
                    for entry in fs::read_dir(&path).map_err(failed)? {
                        let entry = entry.map_err(failed)?;
                        if entry.file_type().map_err(failed)?.is_file() {
                            names.extend(entry.file_name().into_string());
                        }
                    }
                    names.sort_unstable();
                    for name in names {
                        let called = format!("{}/{name}", beside.path);
                        self.file(&path.join(name), &called)?;
                    }
                }
                Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
                Err(cause) => return Err(failed(cause)),
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &Path, called: &str) -> Result<(), BackupError> {
        let failed = |cause| BackupError::io(path.display().to_string(), cause);
        let mut from = match fs::File::open(path) {
            Ok(from) => from,
            // Somebody took it away in the meantime.
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(cause) => return Err(failed(cause)),
        };
        let mut bytes = Vec::with_capacity(PART_BYTES);
        let mut offset = 0;
        loop {
            bytes.clear();
            let mut part = (&mut from).take(PART_BYTES as u64);
            part.read_to_end(&mut bytes).map_err(failed)?;
            if bytes.is_empty() && offset > 0 {
                break;
            }
            let (path, part) = (called, &bytes[..]);
            self.put(&Item::File(FilePart {
                path,
                offset,
                bytes: part,
            }))?;
            offset += bytes.len() as u64;
            if bytes.len() < PART_BYTES {
                break;
            }
        }
        self.counted.contents.files += 1;
        Ok(())
    }

    fn keys(&mut self) -> Result<(), BackupError> {
        let known = self.node.keys.all().map_err(|cause| {
            BackupError::Source(cause.reading(&self.node.keys.path().display().to_string()))
        })?;
        for (tenant, subject, destroyed) in known {
            self.put(&Item::Key {
                tenant: tenant.0,
                subject: subject.0,
            })?;
            self.counted.contents.keys += 1;
            self.counted.contents.erased += u64::from(destroyed);
        }
        Ok(())
    }

    fn end(mut self, about: &About<'_>) -> Result<Contents, BackupError> {
        let items = self.items.written;
        self.put(&Item::End { items })?;
        let bytes = self.items.bytes;
        self.items.end()?;
        let mut contents = self.counted.done();
        contents.bytes = bytes;
        about.naos.clone_into(&mut contents.naos);
        contents.at = about.now;
        Ok(contents)
    }
}

fn source(cell: &Cell, cause: DbError) -> BackupError {
    BackupError::Source(cause.reading(&cell.path.display().to_string()))
}

fn head(tenant: TenantId, meta: &Meta) -> Item<'_> {
    Item::Tenant(Head {
        tenant: tenant.0,
        seq: meta.seq,
        epoch: meta.epoch,
        at: meta.at.0,
        batch: meta.batch,
        records_seq: meta.records_seq,
        frontier: &meta.frontier,
    })
}

fn body<'a>(name: &BodyRef, sealed: &'a [u8]) -> Body<'a> {
    let (Digest(digest), len) = (name.digest, name.len);
    Body {
        digest,
        len,
        sealed,
    }
}
