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
pub(crate) mod show;
mod slug;
