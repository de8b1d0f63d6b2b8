//! A client came.

use crate::{Actor, Name, Sealed, Seq, TenantId, Time};

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
}
