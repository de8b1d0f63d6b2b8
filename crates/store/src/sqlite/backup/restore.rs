//! Laying a data directory out from a backup.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use naos_ledger::{Frontier, hash_entry};
use naos_types::{BodyRef, StagedBody, TenantId, Time};
use rusqlite::{Connection, params};

use super::check::{self, meta, record};
use super::item::{Entry, FilePart, Item};
use super::{BackupError, BackupKeys, Beside, Contents};
use crate::sqlite::db::{self, DbError, Mode};
use crate::sqlite::packs::{Packs, Place};
use crate::sqlite::row::Body;
use crate::sqlite::system::{Standing, System};
use crate::sqlite::tenant_file::{self as file, Meta, StoredCheckpoint, TENANT};
use crate::sqlite::{tenant_writer as writer, verify};

/// Bytes of rows in one transaction.
const BATCH_BYTES: usize = 8 * 1_024 * 1_024;

pub(crate) fn restore(
    from: &mut dyn Read,
    keys: &BackupKeys,
    dir: &Path,
    beside: &[Beside],
) -> Result<Contents, BackupError> {
    let mut layout = Layout::begin(dir, keys, beside)?;
    let contents = check::read(from, keys, |item| layout.take(item))?;
    layout.end(&contents)?;
    for tenant in &contents.tenants {
        let path = layout.tenant_path(tenant.tenant);
        let found = verify::verify(&path, tenant.tenant, &keys.signer(), None)
            .map_err(|cause| BackupError::making(&path, cause))?;
        let same = found.entries == tenant.seq && found.root == tenant.root;
        if found.first_bad.is_some() || !same || found.checkpoints != tenant.checkpoints {
            let fault = found.fault.unwrap_or_else(|| "another journal".to_owned());
            let tenant = tenant.tenant;
            return Err(BackupError::NotTheSame { tenant, fault });
        }
    }
    Ok(contents)
}

/// A directory in the making.
struct Layout<'b> {
    dir: PathBuf,
    beside: &'b [Beside],
    packs: Packs,
    tenant: Option<TenantRows>,
    /// The file beside the store that is being written.
    file: Option<(String, fs::File, u64)>,
    /// Where large bodies of one tenant went, until its file knows.
    placed: Option<(TenantId, Vec<(BodyRef, Place)>)>,
}

/// A tenant's file in the making.
struct TenantRows {
    tenant: TenantId,
    path: PathBuf,
    conn: Connection,
    meta: Meta,
    frontier: Frontier,
    bytes: usize,
}

impl<'b> Layout<'b> {
    fn begin(dir: &Path, keys: &BackupKeys, beside: &'b [Beside]) -> Result<Self, BackupError> {
        let failed = |cause| BackupError::io(dir.display().to_string(), cause);
        fs::create_dir_all(dir).map_err(failed)?;
        fs::set_permissions(dir, fs::Permissions::from_mode(0o700)).map_err(failed)?;
        for sub in ["log", "tenants", "bodies", "keys"] {
            let path = dir.join(sub);
            fs::create_dir_all(&path)
                .map_err(|cause| BackupError::io(path.display().to_string(), cause))?;
        }
        let path = dir.join("keys");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700))
            .map_err(|cause| BackupError::io(path.display().to_string(), cause))?;
        keys.restore(&path)
            .map_err(|cause| BackupError::making(&path, cause))?;
        let path = dir.join("bodies");
        let packs = Packs::open(&path, &std::collections::HashMap::new(), |_| {})
            .map_err(|cause| BackupError::making(&path, cause))?;
        Ok(Self {
            dir: dir.to_owned(),
            beside,
            packs,
            tenant: None,
            file: None,
            placed: None,
        })
    }

    fn tenant_path(&self, tenant: TenantId) -> PathBuf {
        self.dir.join("tenants").join(format!("{tenant}.db"))
    }

    fn take(&mut self, item: &Item<'_>) -> Result<(), BackupError> {
        match item {
            Item::File(part) => return self.part(part),
            Item::Tenant(head) => {
                let tenant = TenantId(head.tenant);
                let path = self.tenant_path(tenant);
                let rows = TenantRows::begin(path.clone(), tenant, meta(head));
                self.tenant = Some(rows.map_err(|cause| BackupError::making(&path, cause))?);
                return Ok(());
            }
            Item::TenantEnd { .. } => {
                let Some(rows) = self.tenant.take() else {
                    return Ok(());
                };
                let path = rows.path.clone();
                return rows
                    .end()
                    .map_err(|cause| BackupError::making(&path, cause));
            }
            Item::Packed { tenant, body } => return self.packed(TenantId(*tenant), body),
            Item::Start { .. } | Item::Key { .. } | Item::End { .. } => return Ok(()),
            _ => {}
        }
        let Some(rows) = &mut self.tenant else {
            return Ok(()); // the check has refused it already
        };
        rows.take(item)
            .map_err(|cause| BackupError::making(&rows.path, cause))
    }

    fn packed(&mut self, tenant: TenantId, body: &Body<'_>) -> Result<(), BackupError> {
        if self.placed.as_ref().is_some_and(|(of, _)| *of != tenant) {
            self.index_packed()?;
        }
        let staged = StagedBody {
            name: body.name(),
            sealed: body.sealed.to_vec(),
        };
        let place = self.packs.put_unsynced(tenant, &staged).map_err(|cause| {
            BackupError::io(self.dir.join("bodies").display().to_string(), cause)
        })?;
        let (_, placed) = self.placed.get_or_insert_with(|| (tenant, Vec::new()));
        placed.push((staged.name, place));
        Ok(())
    }

    fn index_packed(&mut self) -> Result<(), BackupError> {
        let Some((tenant, placed)) = self.placed.take() else {
            return Ok(());
        };
        let path = self.tenant_path(tenant);
        let write = || {
            let conn = db::open(&path, &TENANT, Mode::Normal)?;
            conn.execute_batch("BEGIN IMMEDIATE")?;
            writer::write_packed(&conn, tenant, &placed)?;
            conn.execute_batch("COMMIT")?;
            close(conn)
        };
        write().map_err(|cause| BackupError::making(&path, cause))
    }

    /// A file beside the store; only one of those that belong there.
    fn part(&mut self, part: &FilePart<'_>) -> Result<(), BackupError> {
        let named = |beside: &Beside| {
            let inside = part.path.strip_prefix(beside.path);
            inside.is_some_and(|rest| match rest.strip_prefix('/') {
                Some(name) => !name.is_empty() && !name.starts_with('.') && !name.contains('/'),
                None => rest.is_empty(),
            })
        };
        if !self.beside.iter().any(named) {
            let what = format!("{:?} has no place in a data directory", part.path);
            return Err(BackupError::damaged(what));
        }
        let path = self.dir.join(part.path);
        let failed = |cause| BackupError::io(path.display().to_string(), cause);
        if part.offset == 0 {
            self.end_file()?;
            if let Some(dir) = path.parent() {
                fs::create_dir_all(dir).map_err(failed)?;
            }
            let file = fs::OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&path)
                .map_err(failed)?;
            self.file = Some((part.path.to_owned(), file, 0));
        }
        match &mut self.file {
            Some((name, file, end)) if name == part.path && *end == part.offset => {
                file.write_all(part.bytes).map_err(failed)?;
                *end += part.bytes.len() as u64;
                Ok(())
            }
            _ => Err(BackupError::damaged("a file's parts are out of order")),
        }
    }

    fn end_file(&mut self) -> Result<(), BackupError> {
        let Some((name, file, _)) = self.file.take() else {
            return Ok(());
        };
        file.sync_all()
            .map_err(|cause| BackupError::io(name, cause))
    }

    /// What a node knows without opening its tenants' files; then everything is on the disk.
    fn end(&mut self, contents: &Contents) -> Result<(), BackupError> {
        self.end_file()?;
        self.index_packed()?;
        let failed = |cause| BackupError::io(self.dir.display().to_string(), cause);
        let packs = self.packs.synced_lengths().map_err(failed)?;
        // Each cell is looked at once: what it waits for stands in its own file.
        let standing = contents.tenants.iter().map(|tenant| {
            let (seq, pos, due) = (tenant.seq, 0, Some(Time(0)));
            (tenant.tenant, Standing { seq, pos, due })
        });
        let path = self.dir.join("system.db");
        let write = || {
            let (mut system, _) = System::open(&path)?;
            system.note(&standing.collect())?;
            system.mark(true, &packs)?;
            system.close()
        };
        write().map_err(|cause| BackupError::making(&path, cause))?;
        let folders = self.beside.iter().map(|beside| beside.path);
        for sub in ["tenants", "bodies", "keys"].into_iter().chain(folders) {
            let path = self.dir.join(sub);
            if path.is_dir() {
                db::sync_dir(&path).map_err(failed)?;
            }
        }
        db::sync_dir(&self.dir).map_err(failed)
    }
}

impl TenantRows {
    fn begin(path: PathBuf, tenant: TenantId, meta: Meta) -> Result<Self, DbError> {
        let conn = db::open(&path, &TENANT, Mode::Normal)?;
        conn.execute_batch("BEGIN IMMEDIATE")?;
        Ok(Self {
            tenant,
            path,
            conn,
            meta,
            frontier: Frontier::new(),
            bytes: 0,
        })
    }

    fn take(&mut self, item: &Item<'_>) -> Result<(), DbError> {
        self.bytes += match item {
            Item::Fact(fact) => self.fact(fact)?,
            Item::Checkpoint(signed) => {
                let checkpoint = StoredCheckpoint {
                    size: signed.size,
                    at: Time(signed.at),
                    note: signed.note.to_owned(),
                    frontier: signed.frontier.to_vec(),
                };
                writer::write_checkpoint(&self.conn, self.tenant, &checkpoint)?;
                signed.note.len() + signed.frontier.len()
            }
            Item::Record(row) => {
                writer::write_records(&self.conn, self.tenant, &[record(row)])?;
                row.id.len() + row.bytes.len()
            }
            Item::Answer(answer) => {
                writer::write_answer(&self.conn, self.tenant, &answer.row())?;
                answer.reply.len()
            }
            Item::Body(body) => {
                writer::write_body(&self.conn, self.tenant, body)?;
                body.sealed.len()
            }
            _ => 0,
        };
        if self.bytes >= BATCH_BYTES {
            self.bytes = 0;
            self.conn.execute_batch("COMMIT")?;
            db::checkpoint(&self.conn, "TRUNCATE")?;
            self.conn.execute_batch("BEGIN IMMEDIATE")?;
        }
        Ok(())
    }

    fn fact(&mut self, fact: &Entry<'_>) -> Result<usize, DbError> {
        let (owner, seq) = (file::owner(self.tenant), self.frontier.size() + 1);
        let leaf = hash_entry(&owner, seq, fact.at, fact.kind, fact.version, fact.bytes);
        self.frontier.append(leaf);
        let mut insert = self.conn.prepare_cached(writer::INSERT_FACT)?;
        insert.execute(params![
            seq as i64,
            fact.at,
            fact.kind,
            fact.version,
            fact.bytes,
            leaf.as_bytes()
        ])?;
        Ok(fact.bytes.len())
    }

    fn end(self) -> Result<(), DbError> {
        writer::write_meta(&self.conn, self.tenant, &self.meta)?;
        self.conn.execute_batch("COMMIT")?;
        close(self.conn)
    }
}

/// Leaves nothing but a synced main file.
fn close(conn: Connection) -> Result<(), DbError> {
    db::checkpoint(&conn, "TRUNCATE")?;
    conn.flush_prepared_statement_cache();
    conn.close().map_err(|(_, cause)| cause.into())
}
