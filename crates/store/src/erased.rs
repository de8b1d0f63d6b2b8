//! Which contents facts take away. Both stores carry it out where they take a fact in: so a crash
//! forgets no erasure, and what is written again behind one stays.

use naos_types::BodyRef;
use naos_types::fact::Fact;

/// One fact of an append: its stored kind, version and bytes.
pub(crate) type Stored<'f> = (&'f str, u8, &'f [u8]);

/// What the facts of one append take away, but for what a later one of them names anew.
pub(crate) fn by<'f>(facts: impl Iterator<Item = Stored<'f>> + Clone) -> Vec<BodyRef> {
    let mut out: Vec<BodyRef> = Vec::new();
    if !facts.clone().any(|(kind, ..)| Fact::erases(kind)) {
        return out;
    }
    for (kind, version, bytes) in facts {
        // What this naos doesn't know stops its cell; it takes away nothing that is known.
        let Ok(fact) = Fact::decode(kind, version, bytes) else {
            continue;
        };
        let again = fact.bodies();
        out.retain(|name| !again.contains(name));
        let more = fact.erased().iter().filter(|name| !out.contains(name));
        let more: Vec<BodyRef> = more.copied().collect();
        out.extend(more);
    }
    out
}
