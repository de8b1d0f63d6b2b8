//! A client came; a cell goes on from a backup; a cell is quarantined, and mended.

use serde::{Deserialize, Serialize};

use crate::effect::Caller;
use crate::{Actor, BodyRef, Name, PlanId, RunId, Sealed, Seq, TenantId, Time};

/// The input at which a rule of naos broke: what it was about, without what it said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Broke {
    /// Somebody asked for something.
    Command {
        /// Who.
        by: Actor,
        /// The family of the command: `task`, `plan`.
        family: String,
    },
    /// A guest made a gated call.
    Call {
        /// Of which run.
        run: RunId,
        /// Of which attempt.
        attempt: u32,
        /// Which call.
        index: u32,
    },
    /// A call came to an end.
    CallEnded {
        /// Whose.
        by: Caller,
        /// Of which attempt.
        attempt: u32,
    },
    /// A component came to an end.
    RunEnded {
        /// Of which run.
        run: RunId,
        /// Of which attempt.
        attempt: u32,
    },
    /// A plan was to go on.
    Advance {
        /// Which execution.
        plan: PlanId,
    },
    /// The time had come for something to happen.
    Due {
        /// The kind of what it was to happen to: `run`, `approval`.
        kind: String,
        /// Its key.
        id: Vec<u8>,
    },
    /// A run that works with a model was to go on.
    Think {
        /// Which.
        run: RunId,
    },
}

impl Broke {
    /// The kind of input, as one word.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Command { .. } => "command",
            Self::Call { .. } => "call",
            Self::CallEnded { .. } => "call_ended",
            Self::RunEnded { .. } => "run_ended",
            Self::Advance { .. } => "advance",
            Self::Due { .. } => "due",
            Self::Think { .. } => "think",
        }
    }

    /// What it was about, for a person.
    #[must_use]
    pub fn about(&self) -> String {
        match self {
            Self::Command { by, family } => format!("a command about {family} by {by}"),
            Self::Call {
                run,
                attempt,
                index,
            } => format!("call {index} that attempt {attempt} of {run} made"),
            Self::CallEnded {
                by: Caller::Run(run, index),
                ..
            } => format!("the outcome of call {index} of {run}"),
            Self::CallEnded {
                by: Caller::Notice(notice),
                attempt,
            } => format!("the outcome of attempt {attempt} of {notice}"),
            Self::RunEnded { run, attempt } => format!("the end of attempt {attempt} of {run}"),
            Self::Advance { plan } => format!("the next step of {plan}"),
            Self::Due { kind, .. } => format!("what was due for a {kind}"),
            Self::Think { run } => format!("the next thought of {run}"),
        }
    }
}

facts! {
    "Facts about tenants; in the cell of the system."

    /// A client came: its slug is taken from now on.
    Created "tenant.created" as "tenant.created" v 1 {
        /// Which.
        tenant: TenantId,
        /// What stands in addresses; unique on this node.
        slug: Name,
        /// What it is called.
        title: Sealed,
        /// Who made it.
        by: Actor,
    }

    /// The journal goes on from a backup, in every restored cell: what the original did after it
    /// isn't known here.
    Restored "tenant.restored" as "tenant.restored" v 1 {
        /// The last fact that the backup had.
        upto: Seq,
        /// When the backup was begun.
        backed_up: Time,
    }

    /// A rule of naos broke at an input: the cell decides nothing until its owner mends it.
    /// Nothing of that input happened.
    Quarantined "tenant.quarantined" as "tenant.quarantined" v 1 {
        /// The last fact before.
        after: Seq,
        /// The name of the invariant, where one was broken.
        rule: Option<String>,
        /// What broke; the words of a panic may hold what people wrote.
        why: Sealed,
        /// The input.
        broke: Broke,
        /// The whole input; none if it was too large to keep.
        kept: Option<BodyRef>,
        /// The contents that came with it.
        bodies: Vec<BodyRef>,
    }

    /// The owner gave the input up.
    Skipped "tenant.skipped" as "tenant.skipped" v 1 {
        /// The last fact before the quarantine.
        after: Seq,
        /// Why.
        reason: Sealed,
        /// Who.
        by: Actor,
    }

    /// The owner lets the cell decide about the input again.
    Resumed "tenant.resumed" as "tenant.resumed" v 1 {
        /// The last fact before the quarantine.
        after: Seq,
        /// Who.
        by: Actor,
    }
}
