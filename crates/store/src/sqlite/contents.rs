//! Proving what a journal names: each content is there and is what its name says. A thread of its
//! own beside the journal's, with one content in memory at a time.

use std::collections::{BTreeMap, HashSet};
use std::sync::mpsc::Receiver;

use naos_types::{BodyRef, Digest, Seq};

use crate::traits::{ReadError, TenantStore};

/// How many names are remembered, so that what many facts name is read once.
const SEEN_COUNT_MAX: usize = 65_536;

/// What an entry says of contents.
pub(crate) enum Said {
    /// It names one.
    Names(Seq, BodyRef),
    /// It takes some away.
    Erases(Vec<BodyRef>),
}

/// The first entry whose content isn't there or was changed, and what is wrong; or that is erased
/// though no entry says so. Reads what is said until there is one, or there is no more.
pub(crate) fn first_bad(
    said: &Receiver<Said>,
    tenant: &dyn TenantStore,
) -> Result<Option<(Seq, String)>, ReadError> {
    let mut seen: HashSet<Digest> = HashSet::new();
    // An erasure stands behind what it takes away.
    let mut unsaid: BTreeMap<Digest, Seq> = BTreeMap::new();
    let mut erased: HashSet<Digest> = HashSet::new();
    for said in said {
        let (seq, name) = match said {
            Said::Names(seq, name) => (seq, name),
            Said::Erases(names) => {
                for name in names {
                    unsaid.remove(&name.digest);
                    erased.insert(name.digest);
                }
                continue;
            }
        };
        if super::planted::bodies_unproved() || seen.contains(&name.digest) {
            continue;
        }
        match tenant.body(&name) {
            Ok(Some(_)) | Err(ReadError::Erased(_)) => {}
            Err(ReadError::BodyErased(_)) => {
                if !erased.contains(&name.digest) {
                    unsaid.entry(name.digest).or_insert(seq);
                }
            }
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
    let first = unsaid.into_iter().min_by_key(|(_, seq)| *seq);
    Ok(first
        .filter(|_| !super::planted::erased_unsaid())
        .map(|(digest, seq)| {
            let fault = format!("content {digest} is erased, and no entry says so");
            (seq, fault)
        }))
}
