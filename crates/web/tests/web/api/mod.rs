//! `/api/v1`.

mod agents;
mod apply;
mod approvals;
mod audit;
mod bus;
mod cells;
mod costs;
mod drivers;
mod events;
mod flows;
mod members;
mod plans;
mod runs;
mod status;
mod supervisors;
mod webhooks;
