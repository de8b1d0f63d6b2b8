//! What a node knows about its cells without opening their files: where each stands, when each
//! wants to be woken. Filled behind the log, so that the log's rows come on top of it.

use std::collections::HashMap;
use std::path::Path;

use naos_types::{Seq, TenantId, Time};
use rusqlite::{Connection, params};

use super::db::{self, DbError, Layout, Mode, Sum};

pub(crate) static SYSTEM: Layout = Layout {
    name: "system file",
    format: 1,
    schema: "CREATE TABLE node(
        id INTEGER PRIMARY KEY CHECK(id = 1),
        pos INTEGER NOT NULL,
        clean INTEGER NOT NULL,
        cells INTEGER NOT NULL,
        sum BLOB NOT NULL
    ) STRICT;
    CREATE TABLE cell(
        tenant BLOB PRIMARY KEY,
        seq INTEGER NOT NULL,
        pos INTEGER NOT NULL,
        due INTEGER,
        sum BLOB NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE pack(
        number INTEGER PRIMARY KEY,
        bytes INTEGER NOT NULL,
        sum BLOB NOT NULL
    ) STRICT;",
};

/// The owner of rows that are no tenant's.
const NODE: [u8; 16] = [0; 16];

/// Where one cell stood when its file was last filled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) seq: Seq,
    /// The last row of the log that its file holds.
    pub(crate) pos: u64,
    pub(crate) due: Option<Time>,
}

/// All that the file said when it was opened.
#[derive(Default)]
pub(crate) struct Known {
    pub(crate) cells: HashMap<TenantId, Standing>,
    /// The last row of the log that any file holds.
    pub(crate) pos: u64,
    /// Whether the last process closed the store.
    pub(crate) clean: bool,
    /// Packs whose bodies all stand in their tenants' files.
    pub(crate) packs: HashMap<u64, u64>,
}

pub(crate) struct System {
    conn: Connection,
    cells: u64,
    pos: u64,
}

fn node_sum(pos: i64, clean: bool, cells: i64) -> Sum {
    Sum::of("node", &NODE)
        .int(pos)
        .int(i64::from(clean))
        .int(cells)
}

fn cell_sum(tenant: TenantId, seq: i64, pos: i64, due: Option<i64>) -> Sum {
    let sum = Sum::of("cell", &tenant.0.to_be_bytes()).int(seq).int(pos);
    sum.int(i64::from(due.is_some())).int(due.unwrap_or(0))
}

fn pack_sum(number: i64, bytes: i64) -> Sum {
    Sum::of("pack", &NODE).int(number).int(bytes)
}

impl System {
    /// Opens the file and reads all of it.
    pub(crate) fn open(path: &Path) -> Result<(Self, Known), DbError> {
        let conn = db::open(path, &SYSTEM, Mode::Normal)?;
        let known = read(&conn)?;
        let system = Self {
            conn,
            cells: known.cells.len() as u64,
            pos: known.pos,
        };
        Ok((system, known))
    }

    /// Writes where cells stand by now.
    pub(crate) fn note(&mut self, cells: &HashMap<TenantId, Standing>) -> Result<(), DbError> {
        self.write(cells, &[], false)
    }

    /// The last word of a process that closes, or the first of one that opens.
    pub(crate) fn mark(&mut self, clean: bool, packs: &[(u64, u64)]) -> Result<(), DbError> {
        self.write(&HashMap::new(), packs, clean)?;
        self.sync()
    }

    fn write(
        &mut self,
        cells: &HashMap<TenantId, Standing>,
        packs: &[(u64, u64)],
        clean: bool,
    ) -> Result<(), DbError> {
        let (mut count, mut pos) = (self.cells, self.pos);
        let tx = self.conn.unchecked_transaction()?;
        {
            let mut known = tx.prepare_cached("SELECT 1 FROM cell WHERE tenant = ?1")?;
            let mut put = tx.prepare_cached(
                "INSERT OR REPLACE INTO cell(tenant, seq, pos, due, sum)
                 VALUES(?1, ?2, ?3, ?4, ?5)",
            )?;
            for (tenant, cell) in cells {
                let id = tenant.0.to_be_bytes();
                count += u64::from(!known.exists([id])?);
                pos = pos.max(cell.pos);
                let due = cell.due.map(|at| at.0);
                let sum = cell_sum(*tenant, cell.seq as i64, cell.pos as i64, due).done();
                put.execute(params![id, cell.seq as i64, cell.pos as i64, due, sum])?;
            }
            let mut put = tx.prepare_cached(
                "INSERT OR REPLACE INTO pack(number, bytes, sum) VALUES(?1, ?2, ?3)",
            )?;
            for (number, bytes) in packs {
                let (number, bytes) = (*number as i64, *bytes as i64);
                put.execute(params![number, bytes, pack_sum(number, bytes).done()])?;
            }
            let sum = node_sum(pos as i64, clean, count as i64).done();
            tx.prepare_cached(
                "INSERT OR REPLACE INTO node(id, pos, clean, cells, sum)
                 VALUES(1, ?1, ?2, ?3, ?4)",
            )?
            .execute(params![pos as i64, clean, count as i64, sum])?;
        }
        tx.commit()?;
        (self.cells, self.pos) = (count, pos);
        Ok(())
    }

    /// Makes all that was noted durable.
    pub(crate) fn sync(&self) -> Result<(), DbError> {
        // Nobody else reads this file, so nothing holds a checkpoint back.
        db::checkpoint(&self.conn, "TRUNCATE").map(drop)
    }

    pub(crate) fn close(self) -> Result<(), DbError> {
        self.sync()?;
        self.conn.close().map_err(|(_, cause)| cause.into())
    }
}

fn read(conn: &Connection) -> Result<Known, DbError> {
    let mut known = Known::default();
    let mut select = conn.prepare("SELECT tenant, seq, pos, due, sum FROM cell ORDER BY tenant")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let id = row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?;
        let tenant = TenantId(u128::from_be_bytes(db::fixed(id, "cell")?));
        let (seq, pos, due): (i64, i64, Option<i64>) = (row.get(1)?, row.get(2)?, row.get(3)?);
        let sum: Vec<u8> = row.get(4)?;
        cell_sum(tenant, seq, pos, due).check(&sum, "cell", || tenant.to_string())?;
        let (seq, pos) = (db::unsigned(seq, "cell")?, db::unsigned(pos, "cell")?);
        known.cells.insert(
            tenant,
            Standing {
                seq,
                pos,
                due: due.map(Time),
            },
        );
    }
    let mut select = conn.prepare("SELECT number, bytes, sum FROM pack ORDER BY number")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let (number, bytes): (i64, i64) = (row.get(0)?, row.get(1)?);
        let sum: Vec<u8> = row.get(2)?;
        pack_sum(number, bytes).check(&sum, "pack", || number.to_string())?;
        known
            .packs
            .insert(db::unsigned(number, "pack")?, db::unsigned(bytes, "pack")?);
    }
    let mut select = conn.prepare("SELECT pos, clean, cells, sum FROM node WHERE id = 1")?;
    let mut rows = select.query([])?;
    let Some(row) = rows.next()? else {
        // The first start: the row is written before any cell.
        return if known.cells.is_empty() {
            Ok(Known {
                clean: true,
                ..Known::default()
            })
        } else {
            Err(DbError::Row {
                table: "node",
                key: "1".to_owned(),
            })
        };
    };
    let (pos, clean, cells): (i64, bool, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
    let sum: Vec<u8> = row.get(3)?;
    node_sum(pos, clean, cells).check(&sum, "node", || "1".to_owned())?;
    if cells != known.cells.len() as i64 {
        return Err(DbError::Row {
            table: "node",
            key: "1".to_owned(),
        });
    }
    (known.pos, known.clean) = (db::unsigned(pos, "node")?, clean);
    Ok(known)
}
