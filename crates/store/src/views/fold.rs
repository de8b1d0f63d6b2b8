//! Many facts in memory, then each row once.

use naos_types::fact::{Fact, budget, supervisor};
use rusqlite::Connection;

use super::{Input, model, plan, run, spending, task};
use crate::sqlite::db::DbError;

/// Whether any view changes with a fact of this kind: most facts are never decoded here.
pub(crate) fn wants(kind: &str) -> bool {
    match kind.split_once('.') {
        Some(("run", past)) => past != "recorded",
        Some(("task", _)) => true,
        Some(("plan", past)) => matches!(past, "started" | "resumed" | "closed"),
        Some(("budget", past)) => matches!(past, "metered" | "settled"),
        Some(("supervisor", past)) => past == "set_aside",
        _ => false,
    }
}

pub(super) struct Fold<'c> {
    conn: &'c Connection,
    runs: run::Rows,
    tasks: task::Rows,
    plans: plan::Rows,
    models: model::Sums,
}

impl<'c> Fold<'c> {
    pub(super) fn new(conn: &'c Connection) -> Self {
        Self {
            conn,
            runs: run::Rows::default(),
            tasks: task::Rows::default(),
            plans: plan::Rows::default(),
            models: model::Sums::default(),
        }
    }

    pub(super) fn add(&mut self, input: &Input<'_>) -> Result<(), DbError> {
        if !wants(input.kind) {
            return Ok(());
        }
        // A fact that nobody can read stops its cell; a view has nothing to say about it.
        let Ok(fact) = Fact::decode(input.kind, input.version, input.bytes) else {
            return Ok(());
        };
        match &fact {
            Fact::Run(fact) => {
                self.runs.add(self.conn, fact)?;
                self.tasks.run(self.conn, fact)
            }
            Fact::Task(fact) => self.tasks.add(self.conn, fact),
            Fact::Supervisor(supervisor::Fact::SetAside(f)) => self.runs.wait(self.conn, &f.runs),
            Fact::Budget(budget::Fact::Metered(f)) => {
                self.models.add(f);
                Ok(())
            }
            Fact::Budget(budget::Fact::Settled(f)) => self.runs.paid(self.conn, f.run, f.amount),
            Fact::Plan(fact) => {
                self.plans.add(fact);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Writes what changed.
    pub(super) fn write(self) -> Result<(), DbError> {
        let mut sums = spending::Sums::default();
        self.runs.write(self.conn, &mut sums)?;
        sums.write(self.conn)?;
        self.tasks.write(self.conn)?;
        self.models.write(self.conn)?;
        self.plans.write(self.conn)
    }
}
