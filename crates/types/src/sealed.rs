//! Text of people or agents, as it stands in a fact: only who holds the key can read it.

use std::marker::PhantomData;

use serde::{Deserialize, Serialize};

/// Whose key seals a text: a person who may ask for erasure, or the tenant itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SubjectId(pub u64);

impl SubjectId {
    /// The tenant itself: text that no person can be named for.
    pub const TENANT: Self = Self(0);
}

/// A `T` under AES-256-GCM with the subject's key. Rules copy it, they never look inside;
/// journals hash the ciphertext, so that a destroyed key erases the text and no proof.
#[derive(Serialize, Deserialize)]
pub struct Sealed<T = String> {
    /// Whose key.
    pub subject: SubjectId,
    /// 96 bits, never twice under one key.
    pub nonce: [u8; 12],
    /// Ciphertext and tag; written in one piece, which stands on the disk as a list of bytes does.
    #[serde(with = "serde_bytes")]
    pub bytes: Vec<u8>,
    #[serde(skip)]
    holds: PhantomData<fn() -> T>,
}

impl<T> Sealed<T> {
    /// What a key ring made.
    #[must_use]
    pub const fn from_parts(subject: SubjectId, nonce: [u8; 12], bytes: Vec<u8>) -> Self {
        Self {
            subject,
            nonce,
            bytes,
            holds: PhantomData,
        }
    }
}

impl<T> Clone for Sealed<T> {
    fn clone(&self) -> Self {
        Self::from_parts(self.subject, self.nonce, self.bytes.clone())
    }
}

impl<T> PartialEq for Sealed<T> {
    fn eq(&self, other: &Self) -> bool {
        (self.subject, self.nonce, &self.bytes) == (other.subject, other.nonce, &other.bytes)
    }
}

impl<T> Eq for Sealed<T> {}

/// An order of what is stored: it says nothing about what is inside.
impl<T> Ord for Sealed<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.subject, self.nonce, &self.bytes).cmp(&(other.subject, other.nonce, &other.bytes))
    }
}

impl<T> PartialOrd for Sealed<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> std::fmt::Debug for Sealed<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sealed({} bytes)", self.bytes.len())
    }
}
