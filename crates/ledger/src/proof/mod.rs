//! Inclusion proofs (RFC 9162 2.1.3) and consistency proofs (RFC 9162 2.1.4).
//!
//! A proof is a list of hashes, in the order of the RFC. Making one reads the tree through
//! [`Leaves`]; checking one needs nothing but the heads.

mod prove;

mod verify;

pub use prove::{Leaves, ProveError, prove_consistency, prove_inclusion, root_at};
pub use verify::{
    VerifyConsistencyError, VerifyInclusionError, verify_consistency, verify_inclusion,
};

/// The most hashes a proof can have: one per level of a tree of 2^64 leaves, and the old root.
pub const PROOF_HASHES_MAX: usize = 65;

#[cfg(test)]
pub(crate) mod reference;
#[cfg(test)]
mod tests;
