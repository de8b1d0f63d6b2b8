//! A client came.

use crate::{Actor, Name, Sealed, TenantId};

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
}
