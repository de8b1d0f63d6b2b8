//! The append-only Merkle tree, kept as its frontier: the roots of the perfect subtrees that its
//! leaves divide into, largest first. 64 hashes are enough for any journal there will ever be.

use crate::leaf::{Hash, node_hash};

/// The most leaves a tree may have. Far above what a disk holds, far below an overflow.
pub const LEAVES_COUNT_MAX: u64 = 1 << 62;

/// The longest encoding of a [`Frontier`].
pub const FRONTIER_BYTES_MAX: usize = HEAD_BYTES + 62 * 32;

/// The first byte of an encoded frontier.
const FORMAT: u8 = 1;
const HEAD_BYTES: usize = 1 + 8;

/// The root of a tree without leaves: SHA-256 of nothing (RFC 9162 2.1.1).
pub const fn empty_root() -> Hash {
    Hash::from_bytes([
        0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9,
        0x24, 0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52,
        0xb8, 0x55,
    ])
}

/// A tree in one line: how many leaves, and the hash over all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TreeHead {
    /// How many leaves.
    pub size: u64,
    /// The Merkle tree hash over them.
    pub root: Hash,
}

/// An append-only Merkle tree (RFC 9162 2.1.1) that keeps what the next leaf needs and no more.
///
/// Invariant: `stack` has one hash per bit that is set in `size`, for the highest bit first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    stack: Vec<Hash>,
}

impl Frontier {
    /// The empty tree.
    pub fn new() -> Frontier {
        Frontier::default()
    }

    /// How many leaves were appended.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The roots of the perfect subtrees, largest first: one per bit that is set in the size.
    pub fn subtrees(&self) -> &[Hash] {
        &self.stack
    }

    /// Appends a leaf: one hashing of two nodes on average, 62 at worst.
    ///
    /// # Panics
    /// Beyond [`LEAVES_COUNT_MAX`] leaves.
    pub fn append(&mut self, leaf: Hash) {
        assert!(
            self.size < LEAVES_COUNT_MAX,
            "the tree has as many leaves as one may have"
        );
        let mut node = leaf;
        // Two subtrees of one size become the next larger one, as a carry does in counting.
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.stack.pop() {
                node = node_hash(&left, &node);
            }
        }
        self.stack.push(node);
        self.size += 1;
        debug_assert_eq!(self.size.count_ones() as usize, self.stack.len());
    }

    /// Appends leaves in order.
    ///
    /// # Panics
    /// As [`append`](Frontier::append).
    pub fn append_many(&mut self, leaves: impl IntoIterator<Item = Hash>) {
        for leaf in leaves {
            self.append(leaf);
        }
    }

    /// The Merkle tree hash over all leaves so far.
    pub fn root(&self) -> Hash {
        let smallest_first = self.stack.iter().rev().copied();
        let root = smallest_first.reduce(|right, left| node_hash(&left, &right));
        root.unwrap_or(empty_root())
    }

    /// Size and root together.
    pub fn head(&self) -> TreeHead {
        TreeHead {
            size: self.size,
            root: self.root(),
        }
    }

    /// The frontier as stored bytes: format (1), size (8, little endian), then 32 bytes per
    /// subtree, largest first. At most [`FRONTIER_BYTES_MAX`].
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEAD_BYTES + self.stack.len() * 32);
        bytes.push(FORMAT);
        bytes.extend_from_slice(&self.size.to_le_bytes());
        for hash in &self.stack {
            bytes.extend_from_slice(hash.as_bytes());
        }
        bytes
    }

    /// Reads what [`encode`](Frontier::encode) wrote. The hashes themselves cannot be checked
    /// here: compare [`root`](Frontier::root) with a signed one.
    pub fn decode(bytes: &[u8]) -> Result<Frontier, DecodeFrontierError> {
        let short = || DecodeFrontierError::Short { found: bytes.len() };
        let (&[format], rest) = bytes.split_first_chunk().ok_or_else(short)?;
        if format != FORMAT {
            return Err(DecodeFrontierError::Format { found: format });
        }
        let (&size, rest) = rest.split_first_chunk::<8>().ok_or_else(short)?;
        let size = u64::from_le_bytes(size);
        if size > LEAVES_COUNT_MAX {
            return Err(DecodeFrontierError::Size { size });
        }
        let expected = HEAD_BYTES + size.count_ones() as usize * 32;
        if bytes.len() != expected {
            return Err(DecodeFrontierError::Length {
                size,
                expected,
                found: bytes.len(),
            });
        }
        let (hashes, _) = rest.as_chunks::<32>();
        Ok(Frontier {
            size,
            stack: hashes.iter().copied().map(Hash::from_bytes).collect(),
        })
    }
}

/// Why bytes are no [`Frontier`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeFrontierError {
    /// Format and size are cut off.
    #[error("a stored frontier has at least {HEAD_BYTES} bytes, this has {found}")]
    Short {
        /// The bytes there are.
        found: usize,
    },
    /// Another release wrote it, or it is no frontier at all.
    #[error("the frontier is of format {found}, this release reads format {FORMAT}")]
    Format {
        /// The format it claims.
        found: u8,
    },
    /// No tree is that large.
    #[error("the frontier claims {size} leaves, a tree has at most {LEAVES_COUNT_MAX}")]
    Size {
        /// The leaves it claims.
        size: u64,
    },
    /// There must be one hash per bit that is set in the size.
    #[error("the frontier of {size} leaves has {expected} bytes, this has {found}")]
    Length {
        /// The leaves it claims.
        size: u64,
        /// The bytes that many leaves need.
        expected: usize,
        /// The bytes there are.
        found: usize,
    },
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::proof::reference::{ROOTS, leaves, naive_root, numbered};

    #[test]
    fn the_empty_root_is_sha256_of_nothing() {
        use sha2::Digest;
        assert_eq!(
            empty_root().to_bytes(),
            <[u8; 32]>::from(sha2::Sha256::digest(b""))
        );
        assert_eq!(Frontier::new().root(), empty_root());
    }

    #[test]
    fn the_reference_tree_has_the_known_roots() {
        let mut frontier = Frontier::new();
        assert_eq!(frontier.root().to_string(), ROOTS[0]);
        for (leaf, root) in leaves().into_iter().zip(&ROOTS[1..]) {
            frontier.append(leaf);
            assert_eq!(frontier.root().to_string(), *root);
        }
    }

    #[test]
    fn every_size_agrees_with_the_definition() {
        let leaves = numbered(600);
        let mut frontier = Frontier::new();
        for (index, leaf) in leaves.iter().enumerate() {
            assert_eq!(
                frontier.root(),
                naive_root(&leaves[..index]),
                "{index} leaves"
            );
            frontier.append(*leaf);
            assert_eq!(frontier.size(), index as u64 + 1);
            assert_eq!(
                frontier.subtrees().len(),
                frontier.size().count_ones() as usize
            );
        }
    }

    #[test]
    fn bad_frontiers_say_why() {
        let mut three = Frontier::new();
        three.append_many(numbered(3));
        let good = three.encode();
        let claim = |size: u64| [&[1][..], &size.to_le_bytes(), &good[9..]].concat();
        for (bytes, expected) in [
            (vec![], DecodeFrontierError::Short { found: 0 }),
            (good[..8].to_vec(), DecodeFrontierError::Short { found: 8 }),
            (
                [&[9], &good[1..]].concat(),
                DecodeFrontierError::Format { found: 9 },
            ),
            (
                good[..72].to_vec(),
                DecodeFrontierError::Length {
                    size: 3,
                    expected: 73,
                    found: 72,
                },
            ),
            (
                claim(2),
                DecodeFrontierError::Length {
                    size: 2,
                    expected: 41,
                    found: 73,
                },
            ),
            (
                claim(7),
                DecodeFrontierError::Length {
                    size: 7,
                    expected: 105,
                    found: 73,
                },
            ),
            (
                claim(1 << 63 | 1),
                DecodeFrontierError::Size { size: 1 << 63 | 1 },
            ),
            (
                claim((1 << 62) + 1),
                DecodeFrontierError::Size {
                    size: (1 << 62) + 1,
                },
            ),
        ] {
            assert_eq!(Frontier::decode(&bytes), Err(expected));
        }
    }

    #[test]
    fn the_largest_frontier_keeps_its_bound_and_takes_the_last_leaf() {
        let size = LEAVES_COUNT_MAX - 1;
        let bytes = [&[1][..], &size.to_le_bytes(), &[7; 62 * 32]].concat();
        assert_eq!(bytes.len(), FRONTIER_BYTES_MAX);
        let mut frontier = Frontier::decode(&bytes).unwrap();
        frontier.append(empty_root());
        assert_eq!(
            (frontier.size(), frontier.subtrees().len()),
            (LEAVES_COUNT_MAX, 1)
        );
    }

    proptest! {
        #[test]
        fn frontiers_round_trip_and_go_on(count in 0_usize..300, more in 0_usize..40) {
            let leaves = numbered(count + more);
            let mut frontier = Frontier::new();
            frontier.append_many(leaves[..count].iter().copied());
            let mut read = Frontier::decode(&frontier.encode()).unwrap();
            prop_assert_eq!(&read, &frontier);
            read.append_many(leaves[count..].iter().copied());
            prop_assert_eq!(read.root(), naive_root(&leaves));
        }

        #[test]
        fn no_bytes_panic(bytes: Vec<u8>, size: u64) {
            let _ = Frontier::decode(&bytes);
            let claimed = [&[1][..], &size.to_le_bytes(), &bytes].concat();
            if let Ok(mut frontier) = Frontier::decode(&claimed) {
                prop_assert_eq!(frontier.encode(), claimed);
                if frontier.size() < LEAVES_COUNT_MAX {
                    frontier.append(empty_root());
                }
            }
        }
    }
}
