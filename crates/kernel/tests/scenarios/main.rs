//! Scenarios at the lowest door: a script of sentences against the rules alone.

mod approvals;
mod bench;
mod drivers;
mod events;
mod flows;
mod notices;
mod plans;
mod pools;
mod quarantine;
mod routes;
mod runs;
mod sagas;
mod schedules;
mod script;
mod supervisors;
mod things;
