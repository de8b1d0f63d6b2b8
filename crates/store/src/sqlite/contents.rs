//! Proving what a journal names: each content is there and is what its name says. A pass of its
//! own behind the journal's, with one content in memory at a time.

use std::collections::HashSet;

use naos_types::fact::Fact;
use naos_types::{Digest, Seq};

use crate::traits::{ReadError, TenantStore};

/// How many facts are read at once.
const READ_FACTS: usize = 1_024;
/// How many names are remembered, so that what many facts name is read once.
const SEEN_COUNT_MAX: usize = 65_536;

/// The first entry up to `last` whose content isn't there or was changed, and what is wrong.
pub(crate) fn first_bad(
    tenant: &dyn TenantStore,
    last: Seq,
) -> Result<Option<(Seq, String)>, ReadError> {
    if super::planted::bodies_unproved() {
        return Ok(None);
    }
    let mut seen: HashSet<Digest> = HashSet::new();
    let mut at = 0;
    while at < last {
        let entries = tenant.entries(at, READ_FACTS)?;
        let Some(end) = entries.last() else { break };
        at = end.seq;
        for entry in entries.iter().filter(|entry| entry.seq <= last) {
            // What this naos doesn't know stops its cell; it names nothing that is known.
            let Ok(fact) = Fact::decode(&entry.kind, entry.version, &entry.bytes) else {
                continue;
            };
            for name in fact.bodies() {
                if seen.contains(&name.digest) {
                    continue;
                }
                match tenant.body(&name) {
                    Ok(Some(_)) | Err(ReadError::Erased(_)) => {}
                    Ok(None) => {
                        let fault = format!("content {} is not there", name.digest);
                        return Ok(Some((entry.seq, fault)));
                    }
                    Err(ReadError::Damaged { what }) => {
                        return Ok(Some((entry.seq, format!("{what} is damaged"))));
                    }
                    Err(cause) => return Err(cause),
                }
                if seen.len() >= SEEN_COUNT_MAX {
                    seen.clear();
                }
                seen.insert(name.digest);
            }
        }
    }
    Ok(None)
}
