//! Runs of plans by time, end and name.

use std::collections::BTreeMap;

use naos_types::fact::plan::Fact;
use naos_types::{Name, PlanId, PlanStatus};
use rusqlite::{Connection, params};

use super::{View, below};
use crate::sqlite::db::{self, DbError};

pub(super) static VIEW: View = View {
    name: "plan",
    version: 1,
    schema: "CREATE TABLE plan(
        id BLOB PRIMARY KEY,
        name TEXT NOT NULL,
        status TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX plan_by_status ON plan(status, id);
    CREATE INDEX plan_by_name ON plan(name, id);
    CREATE INDEX plan_by_name_and_status ON plan(name, status, id);",
};

/// Which runs of plans.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlanFilter<'a> {
    /// Only those that ended so; running and held ones are both open, their steps know which.
    pub status: Option<PlanStatus>,
    /// Only of the plan of this name.
    pub name: Option<&'a str>,
}

/// What the table says of a plan that isn't closed.
const OPEN: PlanStatus = PlanStatus::Running;

/// The plans that a batch is about.
#[derive(Default)]
pub(super) struct Rows(BTreeMap<PlanId, (Name, PlanStatus)>);

impl Rows {
    pub(super) fn add(&mut self, fact: &Fact) {
        match fact {
            Fact::Started(f) => drop(self.0.insert(f.plan, (f.name.clone(), OPEN))),
            Fact::Closed(f) => drop(self.0.insert(f.plan, (f.name.clone(), f.status))),
            _ => {}
        }
    }

    pub(super) fn write(self, conn: &Connection) -> Result<(), DbError> {
        let mut put = conn.prepare_cached(
            "INSERT INTO plan(id, name, status) VALUES(?1, ?2, ?3)
             ON CONFLICT(id) DO UPDATE SET status = excluded.status",
        )?;
        for (id, (name, status)) in &self.0 {
            put.execute(params![id.0.to_be_bytes(), name.as_str(), status.word()])?;
        }
        Ok(())
    }
}

pub(super) fn list(
    conn: &Connection,
    filter: &PlanFilter<'_>,
    before: Option<PlanId>,
    limit: usize,
) -> Result<Vec<PlanId>, DbError> {
    let narrowed = match (filter.status, filter.name) {
        (None, None) => "?2 IS NULL AND ?3 IS NULL",
        (Some(_), None) => "status = ?2 AND ?3 IS NULL",
        (None, Some(_)) => "?2 IS NULL AND name = ?3",
        (Some(_), Some(_)) => "status = ?2 AND name = ?3",
    };
    let sql =
        format!("SELECT id FROM plan WHERE id <= ?1 AND {narrowed} ORDER BY id DESC LIMIT ?4");
    let mut select = conn.prepare_cached(&sql)?;
    let status = filter.status.map(|status| match status {
        PlanStatus::Held => OPEN.word(),
        other => other.word(),
    });
    let last = below(before.map(|id| id.0));
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut rows = select.query(params![last, status, filter.name, limit])?;
    let mut out = Vec::new();
    while let Some(row) = rows.next()? {
        out.push(PlanId(u128::from_be_bytes(db::fixed(
            &row.get::<_, Vec<u8>>(0)?,
            "plan",
        )?)));
    }
    Ok(out)
}
