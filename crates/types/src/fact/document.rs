//! A document has a new version.

use crate::{Actor, BodyRef, DocPath, RunId};

facts! {
    "Facts about documents."

    /// A new version.
    Written "document.written" as "document.updated" v 1 {
        /// Where.
        path: DocPath,
        /// Counted from 1.
        version: u64,
        /// What it says.
        body: BodyRef,
        /// In which run.
        run: Option<RunId>,
        /// Who wrote it.
        by: Actor,
    }
    /// It is gone.
    Deleted "document.deleted" as "document.deleted" v 1 {
        /// Where.
        path: DocPath,
        /// Who deleted it.
        by: Actor,
    }
}
