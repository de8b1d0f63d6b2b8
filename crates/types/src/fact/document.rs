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
    /// What earlier versions said is destroyed; that they were written stays known.
    Erased "document.erased" as "document.erased" v 1 {
        /// Of which document.
        path: DocPath,
        /// Which versions.
        versions: Vec<u64>,
        /// The runs in whose recordings the same stood, where it is erased there, too.
        runs: Vec<RunId>,
        /// What was said: the contents that are destroyed, each once.
        bodies: Vec<BodyRef>,
        /// Who erased it.
        by: Actor,
    }
}
