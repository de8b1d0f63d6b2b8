//! Larger pieces of content: prompts, inputs, outputs, files.

use serde::{Deserialize, Serialize};

use crate::Digest;

/// Names one body of one tenant. The digest is keyed by the tenant, so that equal bodies of two
/// tenants have different names and a name tells nothing about the content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BodyRef {
    /// HMAC-SHA-256 of the content under the tenant's digest key.
    pub digest: Digest,
    /// Length of the content in bytes.
    pub len: u64,
}

/// A body on its way into the store, in the same commit as the fact that names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StagedBody {
    /// Its name.
    pub name: BodyRef,
    /// Nonce and ciphertext, as stored.
    pub sealed: Vec<u8>,
}
