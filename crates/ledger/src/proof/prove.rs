//! Making proofs: PATH and PROOF of RFC 9162, walked from the root down.

use std::convert::Infallible;

use crate::leaf::{Hash, node_hash};
use crate::tree::{Frontier, empty_root};

/// Where the hashes of a tree are read from.
pub trait Leaves {
    /// Why a hash could not be read; [`Infallible`] for leaves in memory.
    type Error: std::error::Error + 'static;

    /// How many leaves there are.
    fn size(&self) -> u64;

    /// The hash of a leaf; `index` counts from 0 and is below [`size`](Leaves::size).
    fn leaf(&self, index: u64) -> Result<Hash, Self::Error>;

    /// The root of the perfect subtree over the leaves `index << level .. (index + 1) << level`,
    /// all of which exist.
    ///
    /// As it stands it reads every one of these leaves. Answer from stored tiles instead, and a
    /// proof costs a logarithm.
    fn subtree(&self, level: u32, index: u64) -> Result<Hash, Self::Error> {
        let first = index << level;
        let mut frontier = Frontier::new();
        for index in first..first + (1 << level) {
            frontier.append(self.leaf(index)?);
        }
        Ok(frontier.root())
    }
}

impl Leaves for [Hash] {
    type Error = Infallible;

    fn size(&self) -> u64 {
        self.len() as u64
    }

    fn leaf(&self, index: u64) -> Result<Hash, Infallible> {
        Ok(self[index as usize])
    }
}

/// Why a proof could not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProveError<E: std::error::Error + 'static> {
    /// The leaf is not in the tree.
    #[error("the tree of {size} leaves has no leaf {index}, the first is 0")]
    NoLeaf {
        /// The leaf asked for.
        index: u64,
        /// The tree asked for.
        size: u64,
    },
    /// The tree is not that large yet.
    #[error("a tree of {size} leaves was asked for, there are {there}")]
    NoTree {
        /// The tree asked for.
        size: u64,
        /// The leaves there are.
        there: u64,
    },
    /// The older tree is larger than the newer one.
    #[error("the older tree has {old} leaves and the newer one {new}, give the smaller one first")]
    Order {
        /// The size of the older tree.
        old: u64,
        /// The size of the newer tree.
        new: u64,
    },
    /// A hash could not be read.
    #[error("could not read a hash of the tree")]
    Read(#[from] E),
}

/// The root of the tree of the first `size` leaves.
pub fn root_at<L: Leaves + ?Sized>(leaves: &L, size: u64) -> Result<Hash, ProveError<L::Error>> {
    check_tree(leaves, size)?;
    Ok(if size == 0 {
        empty_root()
    } else {
        range_root(leaves, 0, size)?
    })
}

/// Proves that leaf `index` is in the tree of the first `size` leaves: `PATH(index, D_size)` of
/// RFC 9162 2.1.3.1.
pub fn prove_inclusion<L: Leaves + ?Sized>(
    leaves: &L,
    index: u64,
    size: u64,
) -> Result<Vec<Hash>, ProveError<L::Error>> {
    check_tree(leaves, size)?;
    if index >= size {
        return Err(ProveError::NoLeaf { index, size });
    }
    let (mut first, mut end) = (0, size);
    let mut proof = Vec::new();
    while end - first > 1 {
        let middle = first + split(end - first);
        if index < middle {
            proof.push(range_root(leaves, middle, end)?);
            end = middle;
        } else {
            proof.push(range_root(leaves, first, middle)?);
            first = middle;
        }
    }
    // We walked down from the root, the proof is read up from the leaf.
    proof.reverse();
    Ok(proof)
}

/// Proves that the tree of the first `new` leaves only added to the tree of the first `old` ones:
/// `PROOF(old, D_new)` of RFC 9162 2.1.4.1. Empty when the sizes are equal, and when `old` is 0,
/// which the RFC leaves out: every tree begins with the empty one.
pub fn prove_consistency<L: Leaves + ?Sized>(
    leaves: &L,
    old: u64,
    new: u64,
) -> Result<Vec<Hash>, ProveError<L::Error>> {
    check_tree(leaves, new)?;
    if old > new {
        return Err(ProveError::Order { old, new });
    }
    let mut proof = Vec::new();
    if old == 0 {
        return Ok(proof);
    }
    let (mut first, mut end) = (0, new);
    while old < end {
        let middle = first + split(end - first);
        if old <= middle {
            proof.push(range_root(leaves, middle, end)?);
            end = middle;
        } else {
            proof.push(range_root(leaves, first, middle)?);
            first = middle;
        }
    }
    // Whoever checks knows the root of the whole old tree, but not the root of a part of it.
    if first > 0 {
        proof.push(range_root(leaves, first, end)?);
    }
    proof.reverse();
    Ok(proof)
}

fn check_tree<L: Leaves + ?Sized>(leaves: &L, size: u64) -> Result<(), ProveError<L::Error>> {
    let there = leaves.size();
    if size > there {
        Err(ProveError::NoTree { size, there })
    } else {
        Ok(())
    }
}

/// The largest power of two below `size`, which is at least 2: where RFC 9162 cuts a tree.
fn split(size: u64) -> u64 {
    1 << (size - 1).ilog2()
}

/// `MTH(D[first..end])`, for a range that a walk from the root reaches: it is not empty, and
/// `first` is a multiple of every perfect subtree's size within it.
fn range_root<L: Leaves + ?Sized>(leaves: &L, first: u64, end: u64) -> Result<Hash, L::Error> {
    let mut parts = Vec::new();
    let mut at = first;
    while at < end {
        let level = (end - at).ilog2();
        parts.push(leaves.subtree(level, at >> level)?);
        at += 1 << level;
    }
    let root = parts
        .into_iter()
        .rev()
        .reduce(|right, left| node_hash(&left, &right));
    Ok(root.unwrap_or(empty_root()))
}
