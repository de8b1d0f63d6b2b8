//! A resource was applied.

use crate::spec::{Kind, Spec};
use crate::{Actor, Digest, Name};

facts! {
    "Facts about resources."

    /// It came or changed.
    Applied "resource.applied" as "resource.applied" v 1 {
        /// Of which kind.
        kind: Kind,
        /// Which.
        name: Name,
        /// Counted from 1.
        version: u32,
        /// What it says.
        spec: Spec,
        /// SHA-256 of the postcard bytes of `spec`: applying the same again changes nothing.
        digest: Digest,
        /// Who applied it.
        by: Actor,
    }
    /// It is gone.
    Deleted "resource.deleted" as "resource.deleted" v 1 {
        /// Of which kind.
        kind: Kind,
        /// Which.
        name: Name,
        /// Who deleted it.
        by: Actor,
    }
}
