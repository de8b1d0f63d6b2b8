//! Earlier versions of a document: the journal says when each was written, and what it says is a
//! body like any other. They are looked for backwards, a piece of the journal at a time.

use naos_store::Entry;
use naos_types::fact::Fact;
use naos_types::fact::document::{Deleted, Erased, Fact as Written, Written as Version};
use naos_types::{Code, DocPath, Refusal, Seq, Time};

use super::{AUDIT_SCAN_MAX, Reader};

/// How many changes are asked for at once where one is looked for.
const CHANGES: usize = 512;
/// What facts about documents are called, before the rest of their kind is read.
const FAMILY: &str = "document.";

/// When a document was written, taken away, or erased.
#[derive(Clone, Debug)]
pub struct Change {
    /// Its place in the journal.
    pub seq: Seq,
    /// When.
    pub at: Time,
    /// What.
    pub fact: Written,
}

impl Change {
    /// The version that was written; none where the document was taken away or erased.
    #[must_use]
    pub const fn version(&self) -> Option<&Version> {
        match &self.fact {
            Written::Written(version) => Some(version),
            Written::Deleted(_) | Written::Erased(_) => None,
        }
    }

    fn of(entry: &Entry, path: &DocPath) -> Option<Self> {
        if !entry.kind.starts_with(FAMILY) {
            return None;
        }
        let fact = Fact::decode(&entry.kind, entry.version, &entry.bytes).ok()?;
        let Fact::Document(fact) = fact else {
            return None;
        };
        let (Written::Written(Version { path: of, .. })
        | Written::Deleted(Deleted { path: of, .. })
        | Written::Erased(Erased { path: of, .. })) = &fact;
        (of == path).then_some(Self {
            seq: entry.seq,
            at: entry.at,
            fact,
        })
    }
}

impl Reader {
    /// What became of a document, newest first, up to `limit` changes before `before`; and from
    /// where the search goes on, if the journal was not looked through to its beginning.
    ///
    /// # Errors
    /// A refusal if the journal is damaged.
    pub fn document_changes(
        &self,
        path: &DocPath,
        before: Option<Seq>,
        limit: usize,
    ) -> Result<(Vec<Change>, Option<Seq>), Refusal> {
        let mut out = Vec::new();
        let (next, _) = self.backwards(before, AUDIT_SCAN_MAX, |entry| {
            out.extend(Change::of(entry, path));
            Ok((out.len() == limit).then_some(entry.seq))
        })?;
        Ok((out, next.filter(|seq| *seq > 1))) // before the first there is nothing
    }

    /// One version of a document, wherever in the journal it stands: the newest of that number.
    ///
    /// # Errors
    /// A refusal if there is no such version, or the journal is damaged.
    pub async fn document_version(
        &self,
        path: &DocPath,
        wanted: u64,
    ) -> Result<(Time, Version), Refusal> {
        let (reader, sought) = (self.clone(), path.clone());
        let looked =
            tokio::task::spawn_blocking(move || -> Result<Option<(Time, Version)>, Refusal> {
                let mut before = None;
                loop {
                    let (found, next) = reader.document_changes(&sought, before, CHANGES)?;
                    let is = |change: &Change| {
                        let version = change.version().filter(|fact| fact.version == wanted);
                        version.map(|fact| (change.at, fact.clone()))
                    };
                    if let Some(found) = found.iter().find_map(is) {
                        return Ok(Some(found));
                    }
                    if next.is_none() {
                        return Ok(None);
                    }
                    before = next;
                }
            });
        let found = looked.await;
        let found = found.map_err(|_| Refusal::new(Code::STOPPING, "naos is stopping"))??;
        found.ok_or_else(|| {
            let shown = path.as_str().trim_start_matches('/');
            let what = format!("there is no version {wanted} of {shown}");
            Refusal::new(Code::NOT_FOUND, what).help(format!(
                "naos document history {shown} lists those there are"
            ))
        })
    }
}
