//! How often and how much: sums of runs by the day they began on, agent, tier and status.

use std::collections::BTreeMap;

use naos_types::{Micros, Name, RunId, RunStatus, Tier, Time};
use rusqlite::{Connection, params};

use super::run::Row;
use super::{View, damaged};
use crate::sqlite::db::{self, DbError};

pub(super) static VIEW: View = View {
    name: "spending",
    version: 2,
    schema: "CREATE TABLE spending(
        day INTEGER NOT NULL,
        agent TEXT NOT NULL,
        tier TEXT NOT NULL,
        status TEXT NOT NULL,
        runs INTEGER NOT NULL,
        cost INTEGER NOT NULL,
        PRIMARY KEY(day, agent, tier, status)
    ) STRICT, WITHOUT ROWID;",
};

/// The day that stands for all days.
const EVER: Time = Time(i64::MIN);

/// One sum.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spent {
    /// The UTC day that the runs began on; none in sums over all days.
    pub day: Option<Time>,
    /// Whose.
    pub agent: Name,
    /// At which tier.
    pub tier: Tier,
    /// How they stand.
    pub status: RunStatus,
    /// How many.
    pub runs: u64,
    /// What they cost.
    pub cost: Micros,
}

/// What a batch adds to the sums and takes away.
#[derive(Default)]
pub(super) struct Sums(BTreeMap<(Time, Name, Tier, RunStatus), (i64, i64)>);

impl Sums {
    /// A run stands otherwise than before.
    pub(super) fn moved(&mut self, id: RunId, row: &Row) {
        let began = Time((id.0 >> 80) as i64);
        for day in [EVER, began.day_start()] {
            self.count(day, row, row.status, (1, row.cost.0 as i64));
            if let Some((status, cost)) = row.was {
                self.count(day, row, status, (-1, -(cost.0 as i64)));
            }
        }
    }

    fn count(&mut self, day: Time, row: &Row, status: RunStatus, by: (i64, i64)) {
        let key = (day, row.agent.clone(), row.tier, status);
        let sum = self.0.entry(key).or_default();
        *sum = (sum.0 + by.0, sum.1.saturating_add(by.1));
    }

    pub(super) fn write(self, conn: &Connection) -> Result<(), DbError> {
        let mut add = conn.prepare_cached(
            "INSERT INTO spending(day, agent, tier, status, runs, cost)
             VALUES(?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT(day, agent, tier, status) DO UPDATE
             SET runs = runs + excluded.runs, cost = cost + excluded.cost",
        )?;
        let mut clear = conn.prepare_cached(
            "DELETE FROM spending
             WHERE day = ?1 AND agent = ?2 AND tier = ?3 AND status = ?4 AND runs = 0",
        )?;
        for ((day, agent, tier, status), (runs, cost)) in self.0 {
            let (agent, tier, status) = (agent.as_str(), tier.word(), status.word());
            if (runs, cost) != (0, 0) {
                add.execute(params![day.0, agent, tier, status, runs, cost])?;
            }
            if runs < 0 {
                clear.execute(params![day.0, agent, tier, status])?;
            }
        }
        Ok(())
    }
}

pub(super) fn since(conn: &Connection, since: Option<Time>) -> Result<Vec<Spent>, DbError> {
    let (first, last) = match since {
        Some(time) => (time.day_start().0, i64::MAX),
        None => (EVER.0, EVER.0),
    };
    let mut select = conn.prepare_cached(
        "SELECT day, agent, tier, status, runs, cost FROM spending
         WHERE day BETWEEN ?1 AND ?2 AND runs > 0",
    )?;
    let mut rows = select.query([first, last])?;
    let mut out = Vec::new();
    while let Some(row) = rows.next()? {
        let day = Time(row.get(0)?);
        let (agent, tier): (String, String) = (row.get(1)?, row.get(2)?);
        let status: String = row.get(3)?;
        let unsound = || damaged("spending", &agent);
        out.push(Spent {
            day: since.map(|_| day),
            tier: Tier::parse(&tier).ok_or_else(unsound)?,
            status: RunStatus::parse(&status).ok_or_else(unsound)?,
            agent: Name::new(&agent).map_err(|_| unsound())?,
            runs: db::unsigned(row.get(4)?, "spending")?,
            cost: Micros(db::unsigned(row.get(5)?, "spending")?),
        });
    }
    Ok(out)
}
