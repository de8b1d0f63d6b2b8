//! Checking proofs, from the leaf up to the root.

use crate::leaf::{Hash, node_hash};
use crate::tree::{TreeHead, empty_root};

/// Why an inclusion proof was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyInclusionError {
    /// The leaf cannot be in the tree.
    #[error("the tree of {size} leaves has no leaf {index}, the first is 0")]
    NoLeaf {
        /// The leaf in question.
        index: u64,
        /// The size of the tree.
        size: u64,
    },
    /// Too many or too few hashes.
    #[error(
        "the proof that leaf {index} is in a tree of {size} has {expected} hashes, this has {found}"
    )]
    Length {
        /// The leaf in question.
        index: u64,
        /// The size of the tree.
        size: u64,
        /// The hashes such a proof has.
        expected: usize,
        /// The hashes it has.
        found: usize,
    },
    /// The proof leads to another root: leaf, place, proof or root was altered.
    #[error("the proof for leaf {index} leads to the root {computed}, the tree has {root}")]
    Root {
        /// The leaf in question.
        index: u64,
        /// Where the proof leads.
        computed: Hash,
        /// Where it should.
        root: Hash,
    },
}

/// Checks that `leaf` is the leaf `index` of the tree with this head (RFC 9162 2.1.3.2).
pub fn verify_inclusion(
    leaf: &Hash,
    index: u64,
    head: &TreeHead,
    proof: &[Hash],
) -> Result<(), VerifyInclusionError> {
    let TreeHead { size, root } = *head;
    if index >= size {
        return Err(VerifyInclusionError::NoLeaf { index, size });
    }
    let expected = inclusion_hashes(index, size);
    if proof.len() != expected {
        let found = proof.len();
        return Err(VerifyInclusionError::Length {
            index,
            size,
            expected,
            found,
        });
    }
    let mut walk = Walk {
        at: index,
        last: size - 1,
    };
    let mut computed = *leaf;
    for hash in proof {
        computed = match walk.climb() {
            Side::Left => node_hash(hash, &computed),
            Side::Right => node_hash(&computed, hash),
        };
    }
    if computed != root {
        return Err(VerifyInclusionError::Root {
            index,
            computed,
            root,
        });
    }
    Ok(())
}

/// Why a consistency proof was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyConsistencyError {
    /// The journal lost entries, or the heads were given in the wrong order.
    #[error("the newer tree has {new} leaves, fewer than the older one's {old}")]
    Shrunk {
        /// The size of the older tree.
        old: u64,
        /// The size of the newer tree.
        new: u64,
    },
    /// Two trees of one size differ: history was rewritten.
    #[error("two trees of {size} leaves have the roots {old} and {new}: one was rewritten")]
    Forked {
        /// The size of both.
        size: u64,
        /// The older root.
        old: Hash,
        /// The newer root.
        new: Hash,
    },
    /// Too many or too few hashes.
    #[error("the proof from {old} to {new} leaves has {expected} hashes, this has {found}")]
    Length {
        /// The size of the older tree.
        old: u64,
        /// The size of the newer tree.
        new: u64,
        /// The hashes such a proof has.
        expected: usize,
        /// The hashes it has.
        found: usize,
    },
    /// The proof does not lead to the older root, so it is of another history.
    #[error("the proof leads to the older root {computed}, the tree of {size} leaves has {root}")]
    OldRoot {
        /// The size of the older tree.
        size: u64,
        /// Where the proof leads.
        computed: Hash,
        /// Where it should.
        root: Hash,
    },
    /// The proof does not lead to the newer root: the old leaves are not its beginning.
    #[error("the proof leads to the newer root {computed}, the tree of {size} leaves has {root}")]
    NewRoot {
        /// The size of the newer tree.
        size: u64,
        /// Where the proof leads.
        computed: Hash,
        /// Where it should.
        root: Hash,
    },
}

/// Checks that the newer tree begins with all leaves of the older one (RFC 9162 2.1.4.2).
///
/// Beyond the RFC: two equal heads, and an older head without leaves, need an empty proof.
pub fn verify_consistency(
    old: &TreeHead,
    new: &TreeHead,
    proof: &[Hash],
) -> Result<(), VerifyConsistencyError> {
    if new.size < old.size {
        return Err(VerifyConsistencyError::Shrunk {
            old: old.size,
            new: new.size,
        });
    }
    if new.size == old.size && new.root != old.root {
        let (size, old, new) = (old.size, old.root, new.root);
        return Err(VerifyConsistencyError::Forked { size, old, new });
    }
    let (expected, found) = (consistency_hashes(old.size, new.size), proof.len());
    if found != expected {
        let (old, new) = (old.size, new.size);
        return Err(VerifyConsistencyError::Length {
            old,
            new,
            expected,
            found,
        });
    }
    let (old_root, new_root) = if old.size == 0 {
        (
            empty_root(),
            if new.size == 0 {
                empty_root()
            } else {
                new.root
            },
        )
    } else if old.size == new.size {
        (old.root, new.root)
    } else {
        consistent_roots(old, new.size, proof)
    };
    if old_root != old.root {
        let (size, root) = (old.size, old.root);
        return Err(VerifyConsistencyError::OldRoot {
            size,
            computed: old_root,
            root,
        });
    }
    if new_root != new.root {
        let (size, root) = (new.size, new.root);
        return Err(VerifyConsistencyError::NewRoot {
            size,
            computed: new_root,
            root,
        });
    }
    Ok(())
}

/// The two roots a proof of the right length leads to, for `0 < old.size < new_size`.
fn consistent_roots(old: &TreeHead, new_size: u64, proof: &[Hash]) -> (Hash, Hash) {
    let mut walk = Walk {
        at: old.size - 1,
        last: new_size - 1,
    };
    walk.rise(old.size.trailing_zeros());
    // An old tree that is one perfect subtree is its own start, so the proof doesn't repeat it.
    let (start, rest) = match proof.split_first() {
        Some((start, rest)) if !old.size.is_power_of_two() => (start, rest),
        _ => (&old.root, proof),
    };
    let (mut old_root, mut new_root) = (*start, *start);
    for hash in rest {
        match walk.climb() {
            Side::Left => {
                old_root = node_hash(hash, &old_root);
                new_root = node_hash(hash, &new_root);
            }
            Side::Right => new_root = node_hash(&new_root, hash),
        }
    }
    (old_root, new_root)
}

/// On which side of the node the next hash of a proof stands.
enum Side {
    Left,
    Right,
}

/// A node's place in its level, and the place of that level's last node: `fn` and `sn` of the RFC.
struct Walk {
    at: u64,
    last: u64,
}

impl Walk {
    /// Goes up a level, and says on which side the next hash of the proof stands.
    ///
    /// The RFC skips the levels on which a last node has no sibling. We need not: a last node stays
    /// one on its way up, all its siblings are on the left, and the proof's length was checked.
    fn climb(&mut self) -> Side {
        let left = self.at & 1 == 1 || self.at == self.last;
        self.rise(1);
        if left { Side::Left } else { Side::Right }
    }

    fn rise(&mut self, levels: u32) {
        self.at = self.at.checked_shr(levels).unwrap_or(0);
        self.last = self.last.checked_shr(levels).unwrap_or(0);
    }
}

/// The hashes in the proof that leaf `index` is in a tree of `size > index` leaves: one per level
/// below which the leaf's way and the last leaf's way part, then one per left turn above.
pub(super) fn inclusion_hashes(index: u64, size: u64) -> usize {
    let apart = u64::BITS - (index ^ (size - 1)).leading_zeros();
    let above = index.checked_shr(apart).unwrap_or(0).count_ones();
    (apart + above) as usize
}

/// The hashes in the proof from `old` to `new >= old` leaves.
pub(super) fn consistency_hashes(old: u64, new: u64) -> usize {
    if old == 0 || old == new {
        return 0;
    }
    let whole = inclusion_hashes(old - 1, new);
    let start = usize::from(!old.is_power_of_two());
    // The walk begins at the root of the old tree's last perfect subtree, not at its last leaf.
    whole - old.trailing_zeros() as usize + start
}
