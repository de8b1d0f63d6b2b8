//! Somebody said something.

use crate::{Actor, BodyRef, MessageId, Name, Sealed, TaskId};

facts! {
    "Facts about messages."

    /// A message in no thread.
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
    /// A message in a task's thread.
    Said "message.said" as "message.said" v 1 {
        /// Which.
        message: MessageId,
        /// In whose thread.
        task: TaskId,
        /// What it says.
        body: BodyRef,
        /// The agents that it calls.
        to: Vec<Name>,
        /// How many answers of agents led to it, one after the other.
        hops: u32,
        /// Who said it.
        by: Actor,
    }
}
