//! Version 1: one file for each family of routes. Handlers read with a `Reader`, write by asking
//! the cell, and put the result into JSON; what several of them say stands in `shapes`.

pub(crate) mod agents;
pub(crate) mod applies;
pub(crate) mod approvals;
pub(crate) mod audits;
pub(crate) mod backups;
pub(crate) mod brokers;
pub(crate) mod cards;
pub(crate) mod cells;
pub(crate) mod components;
pub(crate) mod consumers;
pub(crate) mod costs;
pub(crate) mod documents;
pub(crate) mod drivers;
pub(crate) mod endpoints;
pub(crate) mod erasures;
pub(crate) mod events;
pub(crate) mod exports;
pub(crate) mod flows;
pub(crate) mod given;
pub(crate) mod habits;
pub(crate) mod inbox;
pub(crate) mod lacks;
pub(crate) mod members;
mod needed;
pub(crate) mod nodes;
pub(crate) mod notices;
pub(crate) mod plans;
pub(crate) mod pools;
pub(crate) mod recalls;
pub(crate) mod replaced;
pub(crate) mod resources;
pub(crate) mod resting;
pub(crate) mod reviewed;
pub(crate) mod rules;
pub(crate) mod runs;
pub(crate) mod schedules;
pub(crate) mod servers;
pub(crate) mod shapes;
pub(crate) mod standup;
mod stays;
pub(crate) mod stuck;
pub(crate) mod supervisors;
pub(crate) mod tasks;
pub(crate) mod tenants;
pub(crate) mod webhooks;
pub(crate) mod what_ifs;

/// How many items a list gives where nothing is said.
pub(crate) const LIMIT: u64 = 50;
/// How many items a list gives at most.
pub(crate) const LIMIT_MAX: u64 = 500;
/// How many names of a kind are listed at most.
pub(crate) const NAMES_MAX: usize = 1_000;
/// How long a request waits for a run or a plan at most.
pub(crate) const WAIT_MS_MAX: u64 = 60_000;
