//! Somebody said something.

use crate::{Actor, BodyRef, MessageId, Name, RunId, Sealed, TaskId};

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
    /// A person's word to whoever is at work in a run, given to its model with the next turn.
    Steered "message.steered" as "message.steered" v 1 {
        /// Which.
        message: MessageId,
        /// The run.
        run: RunId,
        /// Who is at work in it.
        agent: Name,
        /// What it says.
        body: BodyRef,
        /// Who said it.
        by: Actor,
    }
}
