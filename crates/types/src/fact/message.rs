//! Somebody said something.

use crate::{Actor, MessageId, Sealed, TaskId};

facts! {
    "Facts about messages."

    /// A message in a task's thread.
    Posted "message.posted" as "message.posted" v 1 {
        /// Which.
        message: MessageId,
        /// Under which task.
        task: Option<TaskId>,
        /// What it says.
        text: Sealed,
        /// Who said it.
        by: Actor,
    }
}
