//! Scenarios at the lowest door: a script of sentences against the rules alone.

mod approvals;
mod bench;
mod board;
mod by_hand;
mod colleagues;
mod drivers;
mod endpoints;
mod ends;
mod events;
mod flows;
mod handlers;
mod hijacked;
mod nested;
mod notices;
mod pauses;
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
mod thinking;
