//! The simulator: the true shard and the true rules, with made-up time, disk, guests, receivers
//! and people, one seed at a time.
//!
//! Never touches a clock, a file or a socket: a seed gives the same bytes every time, so that a
//! seed is a bug report. Start at [`run`]; what must hold stands in `checks.rs`.

mod bus;
mod calls;
mod chance;
mod checks;
mod clients;
mod drivers;
mod endpoints;
mod events;
mod execute;
mod faults;
mod flows;
mod guest;
mod hands;
mod issue;
mod journal;
mod logs;
mod money;
mod node;
mod notices;
mod people;
mod receiver;
mod report;
mod scenarios;
mod schedules;
mod sim;
mod trace;
mod waits;
mod watches;
mod workload;

pub use chance::Chance;
pub use report::Report;
pub use scenarios::NAMES as SCENARIOS;
pub use sim::{run, run_plain};
