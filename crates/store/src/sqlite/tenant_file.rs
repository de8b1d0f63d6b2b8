//! One tenant's file: how each row is read and checked.

use std::borrow::Cow;

use naos_ledger::hash_entry;
use naos_types::{BodyRef, Digest, Seq, TenantId, Time};
use rusqlite::{Connection, Row, params};

use super::db::{self, DbError, Sum};
use super::packs::Place;
pub(crate) use super::tenant_schema::TENANT;
use crate::traits::{Entry, InboxRow, Record};

/// Where a file stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Meta {
    pub(crate) seq: Seq,
    pub(crate) epoch: u64,
    pub(crate) at: Time,
    /// The last row of the log that it holds.
    pub(crate) pos: u64,
    /// The last append's id; 0 before the first.
    pub(crate) batch: u128,
    pub(crate) records_seq: Seq,
    /// The Merkle tree's frontier, encoded.
    pub(crate) frontier: Vec<u8>,
}

/// One signed checkpoint as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredCheckpoint {
    /// How many entries it covers.
    pub size: u64,
    /// The time of the last of them.
    pub at: Time,
    /// The signed note (C2SP tlog-checkpoint).
    pub note: String,
    pub(crate) frontier: Vec<u8>,
}

fn blob<'r>(row: &'r Row<'_>, column: usize) -> Result<&'r [u8], DbError> {
    Ok(row
        .get_ref(column)?
        .as_blob()
        .map_err(rusqlite::Error::from)?)
}

fn text<'r>(row: &'r Row<'_>, column: usize) -> Result<&'r str, DbError> {
    Ok(row
        .get_ref(column)?
        .as_str()
        .map_err(rusqlite::Error::from)?)
}

pub(crate) fn owner(tenant: TenantId) -> [u8; 16] {
    tenant.0.to_be_bytes()
}

pub(crate) fn meta_sum(tenant: TenantId, meta: &Meta) -> [u8; 8] {
    Sum::of("meta", &owner(tenant))
        .int(meta.seq as i64)
        .int(meta.epoch as i64)
        .int(meta.at.0)
        .int(meta.pos as i64)
        .bytes(&meta.batch.to_be_bytes())
        .int(meta.records_seq as i64)
        .bytes(&meta.frontier)
        .done()
}

/// The file's own account; none if nothing was ever filled in.
pub(crate) fn meta(conn: &Connection, tenant: TenantId) -> Result<Option<Meta>, DbError> {
    let mut select = conn.prepare_cached(
        "SELECT tenant, seq, epoch, at, pos, batch, records_seq, frontier, sum FROM meta
         WHERE id = 1",
    )?;
    let mut rows = select.query([])?;
    let Some(row) = rows.next()? else {
        return Ok(None);
    };
    if blob(row, 0)? != owner(tenant) {
        return Err(DbError::Row {
            table: "meta",
            key: "of another tenant".to_owned(),
        });
    }
    let meta = Meta {
        seq: db::unsigned(row.get(1)?, "meta")?,
        epoch: row.get::<_, i64>(2)? as u64,
        at: Time(row.get(3)?),
        pos: db::unsigned(row.get(4)?, "meta")?,
        batch: u128::from_be_bytes(db::fixed(blob(row, 5)?, "meta")?),
        records_seq: db::unsigned(row.get(6)?, "meta")?,
        frontier: blob(row, 7)?.to_vec(),
    };
    if meta_sum(tenant, &meta) != blob(row, 8)? && !super::planted::skip_checksum() {
        return Err(DbError::Row {
            table: "meta",
            key: "1".to_owned(),
        });
    }
    Ok(Some(meta))
}

/// The facts from `first` to `last`, all of them.
pub(crate) fn entries(
    conn: &Connection,
    tenant: TenantId,
    first: Seq,
    last: Seq,
    out: &mut Vec<Entry>,
) -> Result<(), DbError> {
    let owner = owner(tenant);
    let mut select = conn.prepare_cached(
        "SELECT seq, at, kind, version, bytes, hash FROM journal
         WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq",
    )?;
    let mut rows = select.query([first as i64, last as i64])?;
    for seq in first..=last {
        let damaged = || DbError::Row {
            table: "journal",
            key: seq.to_string(),
        };
        let row = rows.next()?.ok_or_else(damaged)?;
        let entry = entry(row)?;
        let Entry {
            at,
            kind,
            version,
            bytes,
            ..
        } = &entry;
        let sound = || {
            let hash = hash_entry(&owner, seq, at.0, kind, *version, bytes);
            Ok::<_, DbError>(blob(row, 5)? == hash.as_bytes())
        };
        if entry.seq != seq || !(super::planted::skip_checksum() || sound()?) {
            return Err(damaged());
        }
        out.push(entry);
    }
    Ok(())
}

fn entry(row: &Row<'_>) -> Result<Entry, DbError> {
    Ok(Entry {
        seq: db::unsigned(row.get(0)?, "journal")?,
        at: Time(row.get(1)?),
        kind: Cow::Owned(text(row, 2)?.to_owned()),
        version: row.get(3)?,
        bytes: blob(row, 4)?.to_vec(),
    })
}

pub(crate) fn record_sum(tenant: TenantId, record: &Record, bytes: &[u8]) -> Sum {
    Sum::of("records", &owner(tenant))
        .bytes(record.kind.as_bytes())
        .bytes(&record.id)
        .int(i64::from(record.version))
        .int(record.seq as i64)
        .int(i64::from(record.open))
        .bytes(bytes)
}

fn record_row(tenant: TenantId, row: &Row<'_>) -> Result<Record, DbError> {
    let bytes = blob(row, 5)?;
    let record = Record {
        kind: Cow::Owned(text(row, 0)?.to_owned()),
        id: blob(row, 1)?.to_vec(),
        version: row.get(2)?,
        seq: db::unsigned(row.get(3)?, "records")?,
        open: row.get(4)?,
        bytes: Some(bytes.to_vec()),
    };
    let key = || format!("{} {:02x?}", record.kind, record.id);
    record_sum(tenant, &record, bytes).check(blob(row, 6)?, "records", key)?;
    Ok(record)
}

pub(crate) fn record(
    conn: &Connection,
    tenant: TenantId,
    kind: &str,
    id: &[u8],
) -> Result<Option<Record>, DbError> {
    let mut select = conn.prepare_cached(
        "SELECT kind, id, version, seq, open, bytes, sum FROM records WHERE kind = ?1 AND id = ?2",
    )?;
    let mut rows = select.query(params![kind, id])?;
    rows.next()?.map(|row| record_row(tenant, row)).transpose()
}

/// Every record, one after the other.
pub(crate) fn each_record<E>(
    conn: &Connection,
    tenant: TenantId,
    mut each: impl FnMut(Record) -> Result<(), E>,
) -> Result<Result<(), E>, DbError> {
    let mut select = conn.prepare_cached(
        "SELECT kind, id, version, seq, open, bytes, sum FROM records ORDER BY kind, id",
    )?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        if let Err(stop) = each(record_row(tenant, row)?) {
            return Ok(Err(stop));
        }
    }
    Ok(Ok(()))
}

pub(crate) fn open_records(conn: &Connection, tenant: TenantId) -> Result<Vec<Record>, DbError> {
    let mut select = conn.prepare_cached(
        "SELECT kind, id, version, seq, open, bytes, sum FROM records
         WHERE open = 1 ORDER BY kind, id",
    )?;
    let mut rows = select.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(record_row(tenant, row)?);
    }
    Ok(found)
}

/// The records of a kind from `from` on (or after it) that begin with `prefix`.
pub(crate) fn scan(
    conn: &Connection,
    tenant: TenantId,
    kind: &str,
    prefix: &[u8],
    (from, itself): (&[u8], bool),
    limit: usize,
) -> Result<Vec<Record>, DbError> {
    let mut select = conn.prepare_cached(
        "SELECT kind, id, version, seq, open, bytes, sum FROM records
         WHERE kind = ?1 AND id >= ?2 ORDER BY id",
    )?;
    let mut rows = select.query(params![kind, from])?;
    let mut found = Vec::new();
    while found.len() < limit
        && let Some(row) = rows.next()?
    {
        let record = record_row(tenant, row)?;
        if !record.id.starts_with(prefix) {
            break;
        }
        if itself || record.id != from {
            found.push(record);
        }
    }
    Ok(found)
}

pub(crate) fn scan_back(
    conn: &Connection,
    tenant: TenantId,
    kind: &str,
    before: Option<&[u8]>,
    limit: usize,
) -> Result<Vec<Record>, DbError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut found = Vec::new();
    // Two statements, so that each walks the index and nothing else.
    if let Some(before) = before {
        let mut select = conn.prepare_cached(
            "SELECT kind, id, version, seq, open, bytes, sum FROM records
             WHERE kind = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3",
        )?;
        let mut rows = select.query(params![kind, before, limit])?;
        while let Some(row) = rows.next()? {
            found.push(record_row(tenant, row)?);
        }
    } else {
        let mut select = conn.prepare_cached(
            "SELECT kind, id, version, seq, open, bytes, sum FROM records
             WHERE kind = ?1 ORDER BY id DESC LIMIT ?2",
        )?;
        let mut rows = select.query(params![kind, limit])?;
        while let Some(row) = rows.next()? {
            found.push(record_row(tenant, row)?);
        }
    }
    Ok(found)
}

pub(crate) fn inbox_sum(tenant: TenantId, row: &InboxRow) -> Sum {
    Sum::of("inbox", &owner(tenant))
        .bytes(row.source.as_bytes())
        .bytes(row.key.as_bytes())
        .bytes(&row.request.0)
        .bytes(&row.reply)
        .int(row.at.0)
}

pub(crate) fn inbox(
    conn: &Connection,
    tenant: TenantId,
    source: &str,
    key: &str,
) -> Result<Option<InboxRow>, DbError> {
    let mut select = conn.prepare_cached(
        "SELECT source, key, request, reply, at, sum FROM inbox WHERE source = ?1 AND key = ?2",
    )?;
    let mut rows = select.query([source, key])?;
    rows.next()?.map(|row| inbox_row(tenant, row)).transpose()
}

fn inbox_row(tenant: TenantId, row: &Row<'_>) -> Result<InboxRow, DbError> {
    let answer = InboxRow {
        source: text(row, 0)?.to_owned(),
        key: text(row, 1)?.to_owned(),
        request: Digest(db::fixed(blob(row, 2)?, "inbox")?),
        reply: blob(row, 3)?.to_vec(),
        at: Time(row.get(4)?),
    };
    let key = || format!("{} {}", answer.source, answer.key);
    inbox_sum(tenant, &answer).check(blob(row, 5)?, "inbox", key)?;
    Ok(answer)
}

/// Every answer, one after the other.
pub(crate) fn each_answer<E>(
    conn: &Connection,
    tenant: TenantId,
    mut each: impl FnMut(InboxRow) -> Result<(), E>,
) -> Result<Result<(), E>, DbError> {
    let mut select = conn.prepare_cached(
        "SELECT source, key, request, reply, at, sum FROM inbox ORDER BY source, key",
    )?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        if let Err(stop) = each(inbox_row(tenant, row)?) {
            return Ok(Err(stop));
        }
    }
    Ok(Ok(()))
}

pub(crate) fn body_sum(tenant: TenantId, name: &BodyRef, sealed: &[u8]) -> Sum {
    let sum = Sum::of("bodies", &owner(tenant))
        .bytes(&name.digest.0)
        .int(name.len as i64);
    sum.bytes(sealed)
}

pub(crate) fn body(
    conn: &Connection,
    tenant: TenantId,
    name: &BodyRef,
) -> Result<Option<Vec<u8>>, DbError> {
    let mut select =
        conn.prepare_cached("SELECT len, sealed, sum FROM bodies WHERE digest = ?1")?;
    let mut rows = select.query([name.digest.0])?;
    let Some(row) = rows.next()? else {
        return Ok(None);
    };
    let stored = BodyRef {
        len: db::unsigned(row.get(0)?, "bodies")?,
        ..*name
    };
    let sealed = blob(row, 1)?;
    let sum = body_sum(tenant, &stored, sealed);
    sum.check(blob(row, 2)?, "bodies", || name.digest.to_string())?;
    Ok((stored == *name).then(|| sealed.to_vec()))
}

/// Every small body, one after the other.
pub(crate) fn each_body<E>(
    conn: &Connection,
    tenant: TenantId,
    mut each: impl FnMut(BodyRef, &[u8]) -> Result<(), E>,
) -> Result<Result<(), E>, DbError> {
    let mut select =
        conn.prepare_cached("SELECT digest, len, sealed, sum FROM bodies ORDER BY rowid")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let name = BodyRef {
            digest: Digest(db::fixed(blob(row, 0)?, "bodies")?),
            len: db::unsigned(row.get(1)?, "bodies")?,
        };
        let sealed = blob(row, 2)?;
        let sum = body_sum(tenant, &name, sealed);
        sum.check(blob(row, 3)?, "bodies", || name.digest.to_string())?;
        if let Err(stop) = each(name, sealed) {
            return Ok(Err(stop));
        }
    }
    Ok(Ok(()))
}

/// Where all large bodies stand, in the order in which packs have them.
pub(crate) fn all_packed(
    conn: &Connection,
    tenant: TenantId,
) -> Result<Vec<(BodyRef, Place)>, DbError> {
    let mut select = conn.prepare_cached(
        "SELECT digest, len, pack, start, bytes, sum FROM packed ORDER BY pack, start",
    )?;
    let mut rows = select.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let int = |column: usize| db::unsigned(row.get(column)?, "packed");
        let name = BodyRef {
            digest: Digest(db::fixed(blob(row, 0)?, "packed")?),
            len: int(1)?,
        };
        let place = Place {
            pack: int(2)?,
            start: int(3)?,
            bytes: int(4)?,
        };
        let sum = packed_sum(tenant, &name, place);
        sum.check(blob(row, 5)?, "packed", || name.digest.to_string())?;
        found.push((name, place));
    }
    Ok(found)
}

pub(crate) fn packed_sum(tenant: TenantId, name: &BodyRef, place: Place) -> Sum {
    Sum::of("packed", &owner(tenant))
        .bytes(&name.digest.0)
        .int(name.len as i64)
        .int(place.pack as i64)
        .int(place.start as i64)
        .int(place.bytes as i64)
}

pub(crate) fn packed(
    conn: &Connection,
    tenant: TenantId,
    name: &BodyRef,
) -> Result<Option<Place>, DbError> {
    let mut select =
        conn.prepare_cached("SELECT len, pack, start, bytes, sum FROM packed WHERE digest = ?1")?;
    let mut rows = select.query([name.digest.0])?;
    let Some(row) = rows.next()? else {
        return Ok(None);
    };
    let int = |column: usize| db::unsigned(row.get(column)?, "packed");
    let stored = BodyRef {
        len: int(0)?,
        ..*name
    };
    let place = Place {
        pack: int(1)?,
        start: int(2)?,
        bytes: int(3)?,
    };
    let sum = packed_sum(tenant, &stored, place);
    sum.check(blob(row, 4)?, "packed", || name.digest.to_string())?;
    Ok((stored == *name).then_some(place))
}

pub(crate) fn checkpoint_sum(tenant: TenantId, checkpoint: &StoredCheckpoint) -> Sum {
    Sum::of("checkpoint", &owner(tenant))
        .int(checkpoint.size as i64)
        .int(checkpoint.at.0)
        .bytes(checkpoint.note.as_bytes())
        .bytes(&checkpoint.frontier)
}

/// Signed checkpoints of more than `after` entries, smallest first; or only the last one.
pub(crate) fn checkpoints(
    conn: &Connection,
    tenant: TenantId,
    after: Option<u64>,
) -> Result<Vec<StoredCheckpoint>, DbError> {
    let sql = if after.is_some() {
        "SELECT size, at, note, frontier, sum FROM checkpoint WHERE size > ?1 ORDER BY size"
    } else {
        "SELECT size, at, note, frontier, sum FROM checkpoint WHERE size > ?1
         ORDER BY size DESC LIMIT 1"
    };
    let mut select = conn.prepare_cached(sql)?;
    let mut rows = select.query([after.unwrap_or(0) as i64])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let checkpoint = StoredCheckpoint {
            size: db::unsigned(row.get(0)?, "checkpoint")?,
            at: Time(row.get(1)?),
            note: text(row, 2)?.to_owned(),
            frontier: blob(row, 3)?.to_vec(),
        };
        let sum = checkpoint_sum(tenant, &checkpoint);
        sum.check(blob(row, 4)?, "checkpoint", || checkpoint.size.to_string())?;
        found.push(checkpoint);
    }
    Ok(found)
}
