//! Which agents and skills there are, as one digest: what a ranking depends on beside its text.

use naos_types::{Digest, Name};
use serde::{Deserialize, Serialize};

use crate::table::Aggregate;
use crate::turn::{Done, Turn};

/// The catalog's version: a digest of all that ever changed in it, in order.
///
/// A chain and no counter: what was decided and never written can't come back as another content
/// under the same version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Catalog {
    /// The last link.
    pub version: Digest,
}

impl Aggregate for Catalog {
    const KIND: &'static str = "catalog";
    const VERSION: u8 = 1;
}

/// The version of a catalog that nothing was changed in since there are versions.
pub(super) const UNCHANGED: Digest = Digest([0; 32]);

/// An agent or a skill came, changed or went: `spec` is what the broker reads of it.
pub(crate) fn changed<S: Serialize>(
    turn: &mut Turn<'_>,
    kind: &str,
    name: &Name,
    spec: Option<&S>,
) -> Done {
    if crate::planted::is("stale-routes") {
        return Ok(());
    }
    let before = version(turn)?;
    let link = postcard::to_stdvec(&(before, kind, name, spec));
    let link = link.map_err(|error| crate::turn::Stop::broken(error.to_string()))?;
    let version = Digest::of(&link);
    turn.put_catalog((), Some(Catalog { version }));
    Ok(())
}

pub(super) fn version(turn: &Turn<'_>) -> Done<Digest> {
    Ok(turn.catalog(&())?.map_or(UNCHANGED, |found| found.version))
}
