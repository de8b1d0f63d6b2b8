//! Looks into what an agent remembers with the vectors of a model that is asked for them: of what
//! isn't known yet, and of the query. What it was asked before is kept, so that it is paid once.

use std::collections::BTreeMap;
use std::sync::Arc;

use naos_kernel::recall::{self, Document, Given, Got, Wanted};
use naos_types::effect::Caller;
use naos_types::spec::{ModelSpec, ModelUsage};
use naos_types::{Code, Digest, TenantId, Time};

use super::world::{Done, OutsideOutcome};
use super::{Node, lock};

/// The most bytes of vectors that a node keeps: of those that were wanted last.
pub const VECTORS_BYTES_MAX: usize = 64 << 20;
/// About what one of them takes beside its numbers.
const VECTOR_BYTES: usize = 160;

/// Texts that a model is to put into one space.
#[derive(Clone, Debug)]
pub struct Embedding {
    /// Whose.
    pub tenant: TenantId,
    /// The idempotency key.
    pub key: String,
    /// How the model is asked.
    pub spec: ModelSpec,
    /// The texts.
    pub texts: Vec<String>,
    /// When the run that asks is over; none for none.
    pub until: Option<Time>,
}

/// What a model made of them.
#[derive(Clone, Debug, Default)]
pub struct Embedded {
    /// A vector for each text, in their order, as far as it came.
    pub vectors: Vec<Vec<f32>>,
    /// What was used, by the provider's figures.
    pub usage: ModelUsage,
    /// Whether the provider may want more than these say.
    pub maybe_more: bool,
    /// Why it came no further.
    pub why: Option<String>,
}

/// Hears what became of it, exactly once.
pub type Vectors = Box<dyn FnOnce(Embedded) + Send>;

/// Vectors that were asked for, by whose they are, by which model and of which text.
#[derive(Default)]
pub(super) struct Kept {
    all: BTreeMap<Digest, (u64, Arc<[f32]>)>,
    /// When each was wanted last.
    wanted: BTreeMap<u64, Digest>,
    clock: u64,
    bytes: usize,
}

fn bytes_of(vector: &[f32]) -> usize {
    size_of_val(vector) + VECTOR_BYTES
}

impl Kept {
    fn get(&mut self, name: &Digest) -> Option<Arc<[f32]>> {
        let found = self.all.get_mut(name)?;
        self.wanted.remove(&found.0);
        self.clock += 1;
        found.0 = self.clock;
        self.wanted.insert(self.clock, *name);
        Some(Arc::clone(&found.1))
    }

    fn put(&mut self, name: Digest, vector: Arc<[f32]>) {
        self.forget(&name);
        self.clock += 1;
        self.bytes += bytes_of(&vector);
        self.wanted.insert(self.clock, name);
        self.all.insert(name, (self.clock, vector));
        while self.bytes > VECTORS_BYTES_MAX {
            let Some(oldest) = self.wanted.values().next().copied() else {
                break;
            };
            self.forget(&oldest);
        }
    }

    fn forget(&mut self, name: &Digest) {
        if let Some((at, vector)) = self.all.remove(name) {
            self.wanted.remove(&at);
            self.bytes -= bytes_of(&vector);
        }
    }
}

/// What a vector is kept under. Tenants share nothing: not even what it tells that another one
/// asked before.
fn name(tenant: TenantId, spec: &ModelSpec, text: &str) -> Digest {
    let of = format!("{tenant}\0{}\0{}\0{text}", spec.endpoint, spec.model);
    Digest::of(of.as_bytes())
}

/// Begins, and returns at once.
pub(super) fn begin(
    node: &Node,
    tenant: TenantId,
    (key, by): (String, Caller),
    request: &[u8],
    done: Done,
) {
    match prepared(node, tenant, by, request) {
        Ok((looking, until)) => looking.ask(node, key, until, done),
        Err(why) => done(OutsideOutcome::NotSent(why)),
    }
}

/// A recall on its way.
struct Looking {
    tenant: TenantId,
    wanted: Wanted,
    documents: Vec<Document>,
    known: BTreeMap<String, Arc<[f32]>>,
    missing: Vec<String>,
}

fn prepared(
    node: &Node,
    tenant: TenantId,
    by: Caller,
    request: &[u8],
) -> Result<(Looking, Option<Time>), String> {
    let wanted: Wanted = serde_json::from_slice(request).map_err(|error| error.to_string())?;
    let mut documents = Vec::with_capacity(wanted.places.len());
    for place in &wanted.places {
        let bytes = match node.body(tenant, &place.body) {
            Ok(bytes) => bytes,
            // It was written anew and erased since: nobody recalls it any more.
            Err(refusal) if refusal.code == Code::ERASED => continue,
            Err(refusal) => return Err(refusal.what),
        };
        documents.push(Document {
            path: place.path.clone(),
            day: place.day.clone(),
            text: String::from_utf8_lossy(&bytes).into_owned(),
        });
    }
    let (mut known, mut missing) = (BTreeMap::new(), Vec::new());
    let texts = recall::texts(&documents).into_iter();
    let mut kept = lock(&node.0.world.vectors);
    for text in texts.chain([wanted.query.clone()]) {
        match kept.get(&name(tenant, &wanted.spec, &text)) {
            Some(vector) => {
                known.insert(text, vector);
            }
            None => missing.push(text),
        }
    }
    drop(kept);
    let until = super::thinking::until(node, tenant, by).map_err(|refusal| refusal.what)?;
    let looking = Looking {
        tenant,
        wanted,
        documents,
        known,
        missing,
    };
    Ok((looking, until))
}

impl Looking {
    fn ask(self, node: &Node, key: String, until: Option<Time>, done: Done) {
        if self.missing.is_empty() {
            return done(self.found(Embedded::default()));
        }
        let asked = Embedding {
            tenant: self.tenant,
            key,
            spec: self.wanted.spec.clone(),
            texts: self.missing.clone(),
            until,
        };
        let back = Arc::downgrade(&node.0);
        let hears = Box::new(move |embedded: Embedded| {
            let mut looking = self;
            let node = back.upgrade().map(Node);
            for (text, vector) in looking.missing.iter().zip(&embedded.vectors) {
                let vector: Arc<[f32]> = vector.as_slice().into();
                if let Some(node) = &node {
                    let named = name(looking.tenant, &looking.wanted.spec, text);
                    lock(&node.0.world.vectors).put(named, Arc::clone(&vector));
                }
                looking.known.insert(text.clone(), vector);
            }
            done(looking.found(embedded));
        });
        node.0.world.outside().embed(asked, hears);
    }

    /// What is found, where all vectors came; else whoever asked goes by something else.
    fn found(self, embedded: Embedded) -> OutsideOutcome {
        let Embedded {
            usage,
            maybe_more,
            why,
            ..
        } = embedded;
        let found = why.is_none().then(|| {
            let Wanted {
                query, hits_max, ..
            } = &self.wanted;
            recall::search(&self.documents, query, *hits_max, &Given(self.known))
        });
        let got = Got {
            found,
            usage,
            maybe_more,
            why,
        };
        match serde_json::to_vec(&got) {
            Ok(bytes) => OutsideOutcome::Answered(bytes),
            Err(error) => OutsideOutcome::Lost(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vector(numbers: usize) -> Arc<[f32]> {
        vec![1.0; numbers].into()
    }

    #[test]
    fn what_was_wanted_last_is_kept_within_the_limit() {
        let mut kept = Kept::default();
        let large = VECTORS_BYTES_MAX / 2 / size_of::<f32>() - VECTOR_BYTES;
        let named = |seed: u8| Digest([seed; 32]);
        for seed in 0..2 {
            kept.put(named(seed), vector(large));
        }
        assert!(kept.get(&named(0)).is_some()); // wanted later than the other one by now
        kept.put(named(2), vector(large));
        let there = [0, 1, 2].map(|seed| kept.get(&named(seed)).is_some());
        assert_eq!(there, [true, false, true]);
        // What is put again is there once.
        let before = kept.bytes;
        kept.put(named(2), vector(large));
        assert_eq!((kept.bytes, kept.all.len()), (before, 2));
        kept.put(named(3), vector(VECTORS_BYTES_MAX / size_of::<f32>()));
        assert!(kept.get(&named(3)).is_none());
        assert_eq!((kept.bytes, kept.all.len(), kept.wanted.len()), (0, 0, 0));
    }
}
