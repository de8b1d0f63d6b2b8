//! Runs by time, status and agent.

use std::collections::BTreeMap;

use naos_types::fact::run::{Ability, Fact};
use naos_types::{Micros, Name, RunId, RunStatus, Tier};
use rusqlite::{Connection, OptionalExtension, params};

use super::{View, below, damaged, spending};
use crate::sqlite::db::{self, DbError};

pub(super) static VIEW: View = View {
    name: "run",
    version: 2,
    schema: "CREATE TABLE run(
        id BLOB PRIMARY KEY,
        agent TEXT NOT NULL,
        tier TEXT NOT NULL,
        status TEXT NOT NULL,
        cost INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX run_by_status ON run(status, id);
    CREATE INDEX run_by_agent ON run(agent, id);
    CREATE INDEX run_by_agent_and_status ON run(agent, status, id);",
};

/// Which runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunFilter<'a> {
    /// Only those that stand so.
    pub status: Option<RunStatus>,
    /// Only this agent's, or this skill's.
    pub agent: Option<&'a str>,
}

/// One run: how it stands, and how the table has it.
pub(super) struct Row {
    pub(super) agent: Name,
    pub(super) tier: Tier,
    pub(super) status: RunStatus,
    pub(super) cost: Micros,
    pub(super) was: Option<(RunStatus, Micros)>,
}

/// The runs that a batch is about.
#[derive(Default)]
pub(super) struct Rows(BTreeMap<RunId, Row>);

impl Rows {
    fn edit(
        &mut self,
        conn: &Connection,
        id: RunId,
        change: impl FnOnce(&mut Row),
    ) -> Result<(), DbError> {
        if let Some(row) = self.0.get_mut(&id) {
            change(row);
        } else if let Some(mut row) = load(conn, id)? {
            change(&mut row);
            self.0.insert(id, row);
        }
        Ok(())
    }

    pub(super) fn add(&mut self, conn: &Connection, fact: &Fact) -> Result<(), DbError> {
        let (id, status) = match fact {
            Fact::Started(f) if f.attempt == 1 => {
                let row = Row {
                    agent: f.agent.clone(),
                    tier: f.tier,
                    status: RunStatus::Running,
                    cost: Micros::ZERO,
                    was: None,
                };
                self.0.insert(f.run, row);
                return Ok(());
            }
            Fact::Completed(f) => (f.run, RunStatus::Completed),
            Fact::Started(f) => (f.run, RunStatus::Running),
            Fact::Called(f) if f.ability == Ability::Ask => (f.run, RunStatus::Held),
            Fact::Answered(f) => (f.run, RunStatus::Running),
            Fact::Failed(f) if f.retry_at.is_none() => (f.run, RunStatus::Failed),
            Fact::Stopped(f) => (f.run, RunStatus::Failed),
            Fact::Cancelled(f) => (f.run, RunStatus::Cancelled),
            Fact::Diverged(f) => (f.run, RunStatus::Diverged),
            Fact::LeftUnknown(f) => (f.run, RunStatus::Unknown),
            Fact::Resolved(f) => (f.run, RunStatus::Running),
            Fact::Called(_) | Fact::Failed(_) | Fact::Recorded(_) | Fact::Logged(_) => {
                return Ok(());
            }
        };
        self.edit(conn, id, |row| row.status = status)
    }

    /// Money was charged for a run: that is what it cost, however it ends.
    pub(super) fn paid(
        &mut self,
        conn: &Connection,
        run: RunId,
        amount: Micros,
    ) -> Result<(), DbError> {
        self.edit(conn, run, |row| row.cost = row.cost.plus(amount))
    }

    /// These wait for their agent.
    pub(super) fn wait(&mut self, conn: &Connection, runs: &[RunId]) -> Result<(), DbError> {
        let mut runs = runs.iter();
        runs.try_for_each(|run| self.edit(conn, *run, |row| row.status = RunStatus::Queued))
    }

    pub(super) fn write(self, conn: &Connection, sums: &mut spending::Sums) -> Result<(), DbError> {
        let mut put = conn.prepare_cached(
            "INSERT INTO run(id, agent, tier, status, cost) VALUES(?1, ?2, ?3, ?4, ?5)
             ON CONFLICT(id) DO UPDATE SET status = excluded.status, cost = excluded.cost",
        )?;
        for (id, row) in &self.0 {
            if row.was == Some((row.status, row.cost)) {
                continue;
            }
            put.execute(params![
                id.0.to_be_bytes(),
                row.agent.as_str(),
                row.tier.word(),
                row.status.word(),
                row.cost.0 as i64
            ])?;
            sums.moved(*id, row);
        }
        Ok(())
    }
}

fn load(conn: &Connection, id: RunId) -> Result<Option<Row>, DbError> {
    let mut select =
        conn.prepare_cached("SELECT agent, tier, status, cost FROM run WHERE id = ?1")?;
    let found: Option<(String, String, String, i64)> = select
        .query_row([id.0.to_be_bytes()], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })
        .optional()?;
    let Some((agent, tier, status, cost)) = found else {
        return Ok(None);
    };
    let unsound = || damaged("run", &id.to_string());
    let status = RunStatus::parse(&status).ok_or_else(unsound)?;
    let cost = Micros(cost as u64);
    Ok(Some(Row {
        agent: Name::new(&agent).map_err(|_| unsound())?,
        tier: Tier::parse(&tier).ok_or_else(unsound)?,
        status,
        cost,
        was: Some((status, cost)),
    }))
}

pub(super) fn list(
    conn: &Connection,
    filter: &RunFilter<'_>,
    before: Option<RunId>,
    limit: usize,
) -> Result<Vec<RunId>, DbError> {
    let narrowed = match (filter.status, filter.agent) {
        (None, None) => "?2 IS NULL AND ?3 IS NULL",
        (Some(_), None) => "status = ?2 AND ?3 IS NULL",
        (None, Some(_)) => "?2 IS NULL AND agent = ?3",
        (Some(_), Some(_)) => "status = ?2 AND agent = ?3",
    };
    let sql = format!("SELECT id FROM run WHERE id <= ?1 AND {narrowed} ORDER BY id DESC LIMIT ?4");
    let mut select = conn.prepare_cached(&sql)?;
    let status = filter.status.map(RunStatus::word);
    let last = below(before.map(|id| id.0));
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut rows = select.query(params![last, status, filter.agent, limit])?;
    let mut out = Vec::new();
    while let Some(row) = rows.next()? {
        out.push(RunId(u128::from_be_bytes(db::fixed(
            &row.get::<_, Vec<u8>>(0)?,
            "run",
        )?)));
    }
    Ok(out)
}
