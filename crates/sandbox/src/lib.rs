//! Runs one agent component per call: denied by default, limited in everything, and able to
//! start again in the middle.
//!
//! I compile and check components ([`Sandbox::load`]), run them ([`Sandbox::run`]) and write down
//! what they were told ([`Recording`]), so that the same run can be executed again up to the same
//! point. I never open a socket or a database, read a clock (beyond a tick count for deadlines)
//! or know who the host is: everything an agent is given comes through [`Host`].
//!
//! Start at [`Sandbox`], then `run_state.rs`, then one file of `abilities/`.

mod abilities;
mod bindings;
mod bytes;
mod cache;
pub mod child;
mod compile;
mod grants;
mod host;
pub mod limits;
mod planted;
mod recording;
mod run;
mod run_state;
mod sandbox;
mod ticker;
mod wrap;

pub use cache::Cache;
pub use child::{ChildCompiler, ChildError, ChildLimits};
pub use compile::CompileError;
pub use grants::Grants;
pub use host::{
    AbilityError, Document, Entry, Gate, GatedAnswer, GatedCall, GatedRequest, Host, HostError,
    HttpRequest, HttpResponse, LogLevel,
};
pub use limits::{Limit, Limits};
pub use recording::{Ability, Recorded, Recording, RecordingError, SEGMENT_VERSION, Segment};
pub use run::{CancelToken, Ended, Report, Run};
pub use sandbox::{Compiled, Compiler, Config, Refused, Sandbox, SandboxError, TICK_MS, WORLD};
pub use ticker::Ticking;
pub use wrap::{WORLD_WIT, WrapError, wrap};
