//! The rules of naos: given what we know and what came in, what happens next?
//!
//! Never reads a clock, a file or the network: the same input gives the same answer.
//! Start at [`decide`]; [`apply`] folds a fact into the state; [`open_effects`] derives what is
//! still to be done in the world.

pub mod agent;
mod apply;
pub mod approval;
pub mod budget;
pub mod compute;
mod decide;
pub mod document;
mod effects;
pub mod event;
pub mod guard;
pub mod invariants;
pub mod member;
pub mod message;
mod need;
pub mod notice;
pub mod plan;
pub mod planted;
mod reactions;
pub mod recall;
pub mod resource;
pub mod review;
pub mod route;
pub mod run;
pub mod schedule;
mod state;
pub mod supervisor;
mod table;
pub mod task;
pub mod tenant;
mod turn;

pub use apply::{Replay, apply};
pub use decide::{Ctx, Decision, Outcome, decide};
pub use effects::{key_of, open_effects, open_inputs, same_of};
pub use need::{
    Answer, Answers, COMPUTE_INPUT_BYTES_MAX, Compute, Computed, Contents, DOCUMENTS_LISTED_MAX,
    Formula, Need, Var, as_value, compute_with, value_bytes,
};
pub use state::{
    AnyAggregate, BeatKey, Changes, HabitKey, Head, ItemsKey, Key, MemoryKey, OnceKey, ResourceKey,
    State, ThreadKey,
};
pub use table::Aggregate;
pub use turn::{Input, Order};

/// The most facts that one input may give; more is a broken rule.
pub const FACTS_PER_TURN_MAX: usize = 512;
/// The most agents and skills of a tenant: the broker looks at all of them.
pub const CATALOG_MAX: usize = 1_000;
/// The most runs of a tenant that are open at once.
pub const OPEN_RUNS_MAX: u32 = 20_000;
/// The most gated and recorded calls of one run.
pub const RUN_CALLS_MAX: u32 = 10_000;
/// The most lines of log that are kept with one run.
pub const RUN_LOG_LINES_MAX: u32 = 1_000;
/// The most bytes of one line of log that are kept.
pub const RUN_LOG_LINE_BYTES_MAX: u32 = 2_048;
/// The most bytes of log that are kept with one run.
pub const RUN_LOG_BYTES_MAX: u32 = 256 << 10;
/// The most pages of log that are kept with one run: a commit that speaks for it makes one.
pub const RUN_LOG_PAGES_MAX: u32 = 256;
/// The most supervisors of a tenant.
pub const SUPERVISORS_MAX: usize = 1_000;
/// The most items of a fan-out.
pub const FAN_ITEMS_MAX: u32 = 10_000;
