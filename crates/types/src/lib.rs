//! The words of naos: ids, facts, commands, effects, grants, money, roles. Plain data.
//!
//! Never decides anything, never touches a clock, a die, a file or the network.
//! Start at [`fact::Fact`] (what happened) and [`command::Command`] (what is asked).

mod body;
mod code;
pub mod command;
mod digest;
pub mod effect;
pub mod fact;
pub mod gated;
mod grant;
pub mod http;
mod id;
pub mod input;
mod json;
mod kept;
mod log;
mod money;
mod name;
pub mod picture;
mod refusal;
mod role;
mod sealed;
pub mod spec;
mod spender;
pub mod standup;
mod status;
pub mod think;
mod time;
mod type_of;
mod workspace;

pub use body::{BodyRef, StagedBody};
pub use code::{CODES, Code, CodeEntry};
pub use digest::Digest;
pub use grant::{Grant, Grants, RunLimits, covers, glob, publishes, reaches};
pub use id::*;
pub use json::{Unread, large_number, plain, read_exactly, read_once, said_twice, unkept};
pub use kept::{KEPT_BYTES_MAX, Kept, KeptError, KeptInput, KeptKey};
pub use log::{LogLevel, LogLine, LogPage, NewLog};
pub use money::{Micros, Period};
pub use name::{DocPath, NAME_BYTES_MAX, Name, NameError, StepPath, latin};
pub use refusal::{Refusal, RefusalKind};
pub use role::{Actor, Role};
pub use sealed::{Sealed, SubjectId};
pub use spender::Spender;
pub use status::{
    AgentStatus, ApprovalStatus, NoticeStatus, PlanStatus, Priority, RunStatus, StepStatus,
    SupervisorStatus, TaskStatus, Tier,
};
pub use time::{DAY_MS, Span, Time};
pub use type_of::Type;
pub use workspace::{IDENTITY, IDENTITY_BYTES_MAX, is_identity, is_memory};

/// Position in one tenant's journal: 1 is the first fact, 0 is before it.
pub type Seq = u64;
