//! Runs of plans by time, end and name.

use std::collections::BTreeMap;

use naos_types::fact::plan::Fact;
use naos_types::spec::Kind;
use naos_types::{Name, PlanId, PlanStatus};
use rusqlite::{Connection, params};

use super::{View, below};
use crate::sqlite::db::{self, DbError};

pub(super) static VIEW: View = View {
    name: "plan",
    version: 2,
    schema: "CREATE TABLE plan(
        id BLOB PRIMARY KEY,
        kind TEXT NOT NULL,
        name TEXT NOT NULL,
        status TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX plan_by_status ON plan(status, id);
    CREATE INDEX plan_by_kind ON plan(kind, id);
    CREATE INDEX plan_by_name ON plan(name, kind, id);
    CREATE INDEX plan_by_name_and_status ON plan(name, status, id);",
};

/// Which runs of plans.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlanFilter<'a> {
    /// Only those that ended so; whether one that is open runs, is held or could not be undone,
    /// its steps know.
    pub status: Option<PlanStatus>,
    /// Only of the plan of this name.
    pub name: Option<&'a str>,
    /// Only of plans, or of what else is made steps of one.
    pub kind: Option<Kind>,
}

/// What the table says of a plan that isn't closed.
const OPEN: PlanStatus = PlanStatus::Running;
/// Either open, and a person is to decide, or closed so.
const NOT_UNDONE: PlanStatus = PlanStatus::CompensationFailed;

/// The plans that a batch is about.
#[derive(Default)]
pub(super) struct Rows {
    begun: BTreeMap<PlanId, (Kind, Name)>,
    stands: BTreeMap<PlanId, PlanStatus>,
}

impl Rows {
    pub(super) fn add(&mut self, fact: &Fact) {
        let status = match fact {
            Fact::Started(f) => {
                self.begun.insert(f.plan, (f.flow.of, f.name.clone()));
                OPEN
            }
            Fact::Resumed(_) => OPEN,
            Fact::Closed(f) => f.status,
            _ => return,
        };
        self.stands.insert(fact.plan(), status);
    }

    pub(super) fn write(self, conn: &Connection) -> Result<(), DbError> {
        let mut put = conn.prepare_cached(
            "INSERT INTO plan(id, kind, name, status) VALUES(?1, ?2, ?3, ?4)
             ON CONFLICT(id) DO UPDATE SET status = excluded.status",
        )?;
        let mut change = conn.prepare_cached("UPDATE plan SET status = ?2 WHERE id = ?1")?;
        for (id, status) in &self.stands {
            let (id, key) = (id.0.to_be_bytes(), id);
            match self.begun.get(key) {
                Some((kind, name)) => {
                    put.execute(params![id, kind.word(), name.as_str(), status.word()])?
                }
                None => change.execute(params![id, status.word()])?,
            };
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
        (Some(NOT_UNDONE), None) => "status IN (?2, 'running') AND ?3 IS NULL",
        (Some(NOT_UNDONE), Some(_)) => "status IN (?2, 'running') AND name = ?3",
        (Some(_), None) => "status = ?2 AND ?3 IS NULL",
        (None, Some(_)) => "?2 IS NULL AND name = ?3",
        (Some(_), Some(_)) => "status = ?2 AND name = ?3",
    };
    let kind = match filter.kind {
        None => "?5 IS NULL",
        Some(_) => "kind = ?5",
    };
    let sql = format!(
        "SELECT id FROM plan WHERE id <= ?1 AND {narrowed} AND {kind} ORDER BY id DESC LIMIT ?4"
    );
    let mut select = conn.prepare_cached(&sql)?;
    let status = filter.status.map(|status| match status {
        PlanStatus::Held => OPEN.word(),
        other => other.word(),
    });
    let last = below(before.map(|id| id.0));
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let kind = filter.kind.map(Kind::word);
    let mut rows = select.query(params![last, status, filter.name, limit, kind])?;
    let mut out = Vec::new();
    while let Some(row) = rows.next()? {
        out.push(PlanId(u128::from_be_bytes(db::fixed(
            &row.get::<_, Vec<u8>>(0)?,
            "plan",
        )?)));
    }
    Ok(out)
}
