//! The weekly report of a client's folder: the demo's job, and anybody's own.
//!
//! The job itself is data (`report.yaml`): I read the folder, start the plan, show what happens,
//! and write what was approved. Start at [`job::run`].

pub(crate) mod collect;
pub(crate) mod deliver;
pub(crate) mod files;
pub(crate) mod job;
pub(crate) mod page;
mod pieces;
mod room;
pub(crate) mod show;
mod slug;

use std::path::PathBuf;

use crate::project::{Project, REPORT_HOME};

/// What the job's plan is called.
pub(crate) const PLAN: &str = "weekly-report";

/// The folder that a project's reports are about, if it makes any.
pub(crate) fn home(project: &Project) -> Option<PathBuf> {
    let root = &project.root;
    if root.file_name().is_some_and(|name| name == REPORT_HOME) {
        return root.parent().map(PathBuf::from);
    }
    root.join("report.yaml").is_file().then(|| root.clone())
}
