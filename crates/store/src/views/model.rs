//! How much each model was asked, read, wrote and cost, by the day that the run began on.

use std::collections::BTreeMap;

use naos_types::fact::budget::Metered;
use naos_types::{Micros, Name, Time};
use rusqlite::{Connection, params};

use super::{View, damaged};
use crate::sqlite::db::{self, DbError};

pub(super) static VIEW: View = View {
    name: "model",
    version: 2,
    schema: "CREATE TABLE model(
        day INTEGER NOT NULL,
        model TEXT NOT NULL,
        answers INTEGER NOT NULL,
        failed INTEGER NOT NULL,
        input INTEGER NOT NULL,
        cached INTEGER NOT NULL,
        output INTEGER NOT NULL,
        cost INTEGER NOT NULL,
        incidents INTEGER NOT NULL,
        PRIMARY KEY(day, model)
    ) STRICT, WITHOUT ROWID;",
};

/// What one model did.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ModelSpent {
    /// Which.
    pub model: Name,
    /// How often it answered.
    pub answers: u64,
    /// How often it was asked and gave no answer.
    pub failed: u64,
    /// Tokens that it read, by its provider's figures.
    pub input: u64,
    /// Of them, those that the provider had kept.
    pub cached: u64,
    /// Tokens that it wrote.
    pub output: u64,
    /// What that cost.
    pub cost: Micros,
    /// How often its provider billed more than was set aside.
    pub incidents: u64,
}

/// Answers, failures, tokens read, of them kept, tokens written, cost, bills that were too high.
type Row = [u64; 7];

/// What a batch adds to the sums.
#[derive(Default)]
pub(super) struct Sums(BTreeMap<(Time, Name), Row>);

impl Sums {
    pub(super) fn add(&mut self, f: &Metered) {
        let began = Time((f.run.0 >> 80) as i64);
        let answered = u64::from(f.answer.is_some());
        let more = [
            answered,
            1 - answered,
            f.input,
            f.cached,
            f.output,
            f.amount.0,
            u64::from(f.billed > f.amount),
        ];
        let row = self
            .0
            .entry((began.day_start(), f.model.clone()))
            .or_default();
        for (sum, more) in row.iter_mut().zip(more) {
            *sum = sum.saturating_add(more);
        }
    }

    pub(super) fn write(self, conn: &Connection) -> Result<(), DbError> {
        let mut add = conn.prepare_cached(
            "INSERT INTO model(day, model, answers, failed, input, cached, output, cost, incidents)
             VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
             ON CONFLICT(day, model) DO UPDATE
             SET answers = answers + excluded.answers, failed = failed + excluded.failed,
                 input = input + excluded.input, cached = cached + excluded.cached,
                 output = output + excluded.output, cost = cost + excluded.cost,
                 incidents = incidents + excluded.incidents",
        )?;
        for ((day, model), row) in self.0 {
            let row = row.map(|n| i64::try_from(n).unwrap_or(i64::MAX));
            let [answers, failed, input, cached, output, cost, incidents] = row;
            let model = model.as_str();
            add.execute(params![
                day.0, model, answers, failed, input, cached, output, cost, incidents
            ])?;
        }
        Ok(())
    }
}

/// The sums by model over the runs that began on the day of `since` or later, or over all.
pub(super) fn since(conn: &Connection, since: Option<Time>) -> Result<Vec<ModelSpent>, DbError> {
    let first = since.map_or(i64::MIN, |time| time.day_start().0);
    let mut select = conn.prepare_cached(
        "SELECT model, sum(answers), sum(failed), sum(input), sum(cached), sum(output), sum(cost),
             sum(incidents)
         FROM model WHERE day >= ?1 GROUP BY model ORDER BY model",
    )?;
    let mut rows = select.query([first])?;
    let mut out = Vec::new();
    while let Some(row) = rows.next()? {
        let model: String = row.get(0)?;
        let number = |at: usize| db::unsigned(row.get(at)?, "model");
        out.push(ModelSpent {
            answers: number(1)?,
            failed: number(2)?,
            input: number(3)?,
            cached: number(4)?,
            output: number(5)?,
            cost: Micros(number(6)?),
            incidents: number(7)?,
            model: Name::new(&model).map_err(|_| damaged("model", &model))?,
        });
    }
    Ok(out)
}
