//! A message on the bus.

use crate::{Actor, BodyRef, EventId};

facts! {
    "Facts about events."

    /// Published, with an open type.
    Published "event.published" as "event.published" v 1 {
        /// Which.
        event: EventId,
        /// Its type: `email.received`.
        topic: String,
        /// Its data, JSON.
        data: BodyRef,
        /// Which conversation it belongs to.
        correlation: Option<EventId>,
        /// Who published it.
        by: Actor,
    }
}
