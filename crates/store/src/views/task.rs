//! Tasks by time and status, and how many stand where.

use std::collections::BTreeMap;

use naos_types::fact::{run, task};
use naos_types::{TaskId, TaskStatus};
use rusqlite::{Connection, OptionalExtension, params};

use super::{View, below, damaged};
use crate::sqlite::db::{self, DbError};

pub(super) static VIEW: View = View {
    name: "task",
    version: 2,
    schema: "CREATE TABLE task(
        id BLOB PRIMARY KEY,
        status TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX task_by_status ON task(status, id);
    CREATE TABLE task_count(
        status TEXT PRIMARY KEY,
        tasks INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;",
};

#[derive(Clone, Copy)]
struct Row {
    status: TaskStatus,
    was: Option<TaskStatus>,
}

/// The tasks that a batch is about.
#[derive(Default)]
pub(super) struct Rows(BTreeMap<TaskId, Row>);

impl Rows {
    fn set(&mut self, conn: &Connection, id: TaskId, status: TaskStatus) -> Result<(), DbError> {
        if let Some(row) = self.0.get_mut(&id) {
            row.status = status;
        } else if let Some(was) = load(conn, id)? {
            let was = Some(was);
            self.0.insert(id, Row { status, was });
        }
        Ok(())
    }

    pub(super) fn add(&mut self, conn: &Connection, fact: &task::Fact) -> Result<(), DbError> {
        match fact {
            task::Fact::Opened(f) if !f.by.opens_on_the_board() => Ok(()),
            task::Fact::Opened(f) => {
                let status = TaskStatus::Inbox;
                self.0.insert(f.task, Row { status, was: None });
                Ok(())
            }
            task::Fact::Routed(f) => self.set(conn, f.task, TaskStatus::Assigned),
            task::Fact::Moved(f) => self.set(conn, f.task, f.status),
            task::Fact::Begun(f) => self.set(conn, f.task, TaskStatus::InProgress),
            task::Fact::Handed(f) => self.set(conn, f.task, TaskStatus::Assigned),
            task::Fact::Planned(_) | task::Fact::Made(_) | task::Fact::Followed(_) => Ok(()),
            task::Fact::Closed(f) => self.set(conn, f.task, f.status),
        }
    }

    /// A task is in progress from its run's first attempt on.
    pub(super) fn run(&mut self, conn: &Connection, fact: &run::Fact) -> Result<(), DbError> {
        match fact {
            run::Fact::Started(f) if f.attempt == 1 && f.fork.is_none() => {
                self.set(conn, f.task, TaskStatus::InProgress)
            }
            _ => Ok(()),
        }
    }

    pub(super) fn write(self, conn: &Connection) -> Result<(), DbError> {
        let mut put = conn.prepare_cached(
            "INSERT INTO task(id, status) VALUES(?1, ?2)
             ON CONFLICT(id) DO UPDATE SET status = excluded.status",
        )?;
        let mut moved: BTreeMap<TaskStatus, i64> = BTreeMap::new();
        for (id, row) in &self.0 {
            if row.was == Some(row.status) {
                continue;
            }
            put.execute(params![id.0.to_be_bytes(), row.status.word()])?;
            *moved.entry(row.status).or_default() += 1;
            if let Some(was) = row.was {
                *moved.entry(was).or_default() -= 1;
            }
        }
        let mut count = conn.prepare_cached(
            "INSERT INTO task_count(status, tasks) VALUES(?1, ?2)
             ON CONFLICT(status) DO UPDATE SET tasks = tasks + excluded.tasks",
        )?;
        for (status, by) in moved {
            count.execute(params![status.word(), by])?;
        }
        Ok(())
    }
}

fn status(word: &str) -> Result<TaskStatus, DbError> {
    TaskStatus::parse(word).ok_or_else(|| damaged("task", word))
}

fn load(conn: &Connection, id: TaskId) -> Result<Option<TaskStatus>, DbError> {
    let found: Option<String> = conn
        .prepare_cached("SELECT status FROM task WHERE id = ?1")?
        .query_row([id.0.to_be_bytes()], |row| row.get(0))
        .optional()?;
    found.map(|word| status(&word)).transpose()
}

pub(super) fn list(
    conn: &Connection,
    status: Option<TaskStatus>,
    before: Option<TaskId>,
    limit: usize,
) -> Result<Vec<TaskId>, DbError> {
    let narrowed = if status.is_some() {
        "status = ?2"
    } else {
        "?2 IS NULL"
    };
    let sql =
        format!("SELECT id FROM task WHERE id <= ?1 AND {narrowed} ORDER BY id DESC LIMIT ?3");
    let mut select = conn.prepare_cached(&sql)?;
    let last = below(before.map(|id| id.0));
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut rows = select.query(params![last, status.map(TaskStatus::word), limit])?;
    let mut out = Vec::new();
    while let Some(row) = rows.next()? {
        out.push(TaskId(u128::from_be_bytes(db::fixed(
            &row.get::<_, Vec<u8>>(0)?,
            "task",
        )?)));
    }
    Ok(out)
}

pub(super) fn counts(conn: &Connection) -> Result<Vec<(TaskStatus, u64)>, DbError> {
    let mut select =
        conn.prepare_cached("SELECT status, tasks FROM task_count WHERE tasks <> 0")?;
    let mut rows = select.query([])?;
    let mut out = Vec::new();
    while let Some(row) = rows.next()? {
        let word: String = row.get(0)?;
        out.push((status(&word)?, db::unsigned(row.get(1)?, "task_count")?));
    }
    out.sort_unstable();
    Ok(out)
}
