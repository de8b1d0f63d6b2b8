//! Proofs against the reference tree, against their definition, and against tampering.

use proptest::prelude::*;

use super::reference::{ROOTS, leaves, naive_consistency, naive_inclusion, naive_root, numbered};
use super::verify::{consistency_hashes, inclusion_hashes};
use super::*;
use crate::leaf::Hash;
use crate::tree::{TreeHead, empty_root};

fn hashes(texts: &[&str]) -> Vec<Hash> {
    texts
        .iter()
        .map(|text| text.parse().expect("a hash of the reference tree"))
        .collect()
}

fn known_head(size: usize) -> TreeHead {
    TreeHead {
        size: size as u64,
        root: ROOTS[size].parse().expect("a known root"),
    }
}

fn head(leaves: &[Hash]) -> TreeHead {
    TreeHead {
        size: leaves.len() as u64,
        root: naive_root(leaves),
    }
}

/// Every way to flip one bit of one hash.
fn with_one_bit_flipped(proof: &[Hash]) -> impl Iterator<Item = Vec<Hash>> {
    (0..proof.len() * 256).map(|bit| {
        let mut proof = proof.to_vec();
        proof[bit / 256] = flipped(&proof[bit / 256], bit % 256);
        proof
    })
}

fn flipped(hash: &Hash, bit: usize) -> Hash {
    let mut bytes = hash.to_bytes();
    bytes[bit / 8] ^= 1 << (bit % 8);
    Hash::from_bytes(bytes)
}

#[test]
fn the_reference_tree_has_the_known_inclusion_proofs() {
    let all = leaves();
    for (index, size, expected) in [
        (0, 1, &[][..]),
        (
            0,
            8,
            &[
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ],
        ),
        (
            5,
            8,
            &[
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ],
        ),
        (
            2,
            3,
            &["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
        ),
        (
            1,
            5,
            &[
                "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            ],
        ),
    ] {
        let proof = prove_inclusion(all.as_slice(), index, size).unwrap();
        assert_eq!(proof, hashes(expected), "{index} in {size}");
        let head = known_head(size as usize);
        verify_inclusion(&all[index as usize], index, &head, &proof).unwrap();
    }
}

#[test]
fn the_reference_tree_has_the_known_consistency_proofs() {
    let all = leaves();
    for (old, new, expected) in [
        (1, 1, &[][..]),
        (0, 8, &[]),
        (
            1,
            8,
            &[
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ],
        ),
        (
            6,
            8,
            &[
                "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ],
        ),
        (
            2,
            5,
            &[
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            ],
        ),
    ] {
        let proof = prove_consistency(all.as_slice(), old, new).unwrap();
        assert_eq!(proof, hashes(expected), "{old} to {new}");
        let (old, new) = (known_head(old as usize), known_head(new as usize));
        verify_consistency(&old, &new, &proof).unwrap();
    }
}

/// Inclusion of every leaf in every tree: made as defined, accepted, and tied to its place.
#[test]
fn every_leaf_of_every_small_tree_is_provable() {
    let all = numbered(130);
    for size in 1..=all.len() {
        let head = head(&all[..size]);
        for (index, leaf) in all[..size].iter().enumerate() {
            let proof = prove_inclusion(all.as_slice(), index as u64, head.size).unwrap();
            assert_eq!(
                proof,
                naive_inclusion(index, &all[..size]),
                "{index} in {size}"
            );
            verify_inclusion(leaf, index as u64, &head, &proof).unwrap();
            let other = (index as u64 + 1) % head.size;
            if other != index as u64 {
                verify_inclusion(leaf, other, &head, &proof).unwrap_err();
            }
        }
    }
}

#[test]
fn every_pair_of_small_trees_is_provable() {
    let all = numbered(130);
    let heads: Vec<TreeHead> = (0..=all.len()).map(|size| head(&all[..size])).collect();
    for (new_size, new) in heads.iter().enumerate() {
        for (old_size, old) in heads[..=new_size].iter().enumerate() {
            let proof = prove_consistency(all.as_slice(), old.size, new.size).unwrap();
            if old_size > 0 {
                let expected = naive_consistency(old_size, &all[..new_size], true);
                assert_eq!(proof, expected, "{old_size} to {new_size}");
            }
            verify_consistency(old, new, &proof).unwrap();
            if old_size < new_size {
                verify_consistency(new, old, &proof).unwrap_err();
            }
            assert_eq!(root_at(all.as_slice(), new.size), Ok(new.root));
        }
    }
}

#[test]
fn any_bit_of_an_inclusion_proof_counts() {
    let all = numbered(21);
    let head = head(&all);
    for (index, leaf) in (0_u64..).zip(&all) {
        let proof = prove_inclusion(all.as_slice(), index, 21).unwrap();
        for altered in with_one_bit_flipped(&proof) {
            let refused = verify_inclusion(leaf, index, &head, &altered);
            assert!(matches!(refused, Err(VerifyInclusionError::Root { .. })));
        }
        for bit in 0..256 {
            verify_inclusion(&flipped(leaf, bit), index, &head, &proof).unwrap_err();
            let other = TreeHead {
                root: flipped(&head.root, bit),
                ..head
            };
            verify_inclusion(leaf, index, &other, &proof).unwrap_err();
        }
    }
}

#[test]
fn any_bit_of_a_consistency_proof_counts() {
    let all = numbered(21);
    let new = head(&all);
    for old_size in 1..21 {
        let old = head(&all[..old_size]);
        let proof = prove_consistency(all.as_slice(), old.size, new.size).unwrap();
        for altered in with_one_bit_flipped(&proof) {
            verify_consistency(&old, &new, &altered).unwrap_err();
        }
        for bit in 0..256 {
            let other = TreeHead {
                root: flipped(&old.root, bit),
                ..old
            };
            verify_consistency(&other, &new, &proof).unwrap_err();
            let other = TreeHead {
                root: flipped(&new.root, bit),
                ..new
            };
            verify_consistency(&old, &other, &proof).unwrap_err();
        }
    }
}

#[test]
fn longer_shorter_and_reordered_proofs_are_refused() {
    let all = numbered(21);
    let (old, new) = (head(&all[..13]), head(&all));
    let inclusion = prove_inclusion(all.as_slice(), 9, 21).unwrap();
    let consistency = prove_consistency(all.as_slice(), 13, 21).unwrap();
    let alter: [fn(&mut Vec<Hash>); 4] = [
        |proof| proof.truncate(proof.len() - 1),
        |proof| *proof = proof.split_off(1),
        |proof| proof.push(empty_root()),
        |proof| proof.swap(0, 1),
    ];
    for alter in alter {
        let (mut inclusion, mut consistency) = (inclusion.clone(), consistency.clone());
        alter(&mut inclusion);
        alter(&mut consistency);
        verify_inclusion(&all[9], 9, &new, &inclusion).unwrap_err();
        verify_consistency(&old, &new, &consistency).unwrap_err();
    }
}

#[test]
fn refusals_say_why() {
    let all = numbered(8);
    let (five, eight) = (head(&all[..5]), head(&all));
    let proof = prove_consistency(all.as_slice(), 5, 8).unwrap();
    let other = TreeHead {
        root: empty_root(),
        ..eight
    };
    assert_eq!(
        verify_consistency(&eight, &five, &proof),
        Err(VerifyConsistencyError::Shrunk { old: 8, new: 5 })
    );
    assert_eq!(
        verify_consistency(&eight, &other, &[]),
        Err(VerifyConsistencyError::Forked {
            size: 8,
            old: eight.root,
            new: other.root
        })
    );
    assert_eq!(
        verify_consistency(&five, &eight, &proof[1..]),
        Err(VerifyConsistencyError::Length {
            old: 5,
            new: 8,
            expected: 4,
            found: 3
        })
    );
    assert_eq!(
        verify_consistency(&five, &other, &proof),
        Err(VerifyConsistencyError::NewRoot {
            size: 8,
            computed: eight.root,
            root: other.root
        })
    );
    let other = TreeHead {
        root: empty_root(),
        ..five
    };
    assert_eq!(
        verify_consistency(&other, &eight, &proof),
        Err(VerifyConsistencyError::OldRoot {
            size: 5,
            computed: five.root,
            root: other.root
        })
    );
    let proof = prove_inclusion(all.as_slice(), 2, 8).unwrap();
    assert_eq!(
        verify_inclusion(&all[2], 8, &eight, &proof),
        Err(VerifyInclusionError::NoLeaf { index: 8, size: 8 })
    );
    assert_eq!(
        verify_inclusion(&all[2], 2, &eight, &proof[..2]),
        Err(VerifyInclusionError::Length {
            index: 2,
            size: 8,
            expected: 3,
            found: 2
        })
    );
    assert!(matches!(
        verify_inclusion(&all[3], 2, &eight, &proof),
        Err(VerifyInclusionError::Root { index: 2, root, .. }) if root == eight.root
    ));
}

#[test]
fn the_empty_tree_begins_every_tree_but_has_one_root() {
    let all = numbered(3);
    let (empty, three) = (head(&[]), head(&all));
    verify_consistency(&empty, &three, &[]).unwrap();
    verify_consistency(&empty, &empty, &[]).unwrap();
    let false_empty = TreeHead {
        size: 0,
        root: three.root,
    };
    for new in [three, false_empty] {
        assert!(matches!(
            verify_consistency(&false_empty, &new, &[]),
            Err(VerifyConsistencyError::OldRoot { size: 0, .. })
        ));
    }
    assert!(matches!(
        verify_consistency(&empty, &three, &all[..1]),
        Err(VerifyConsistencyError::Length {
            expected: 0,
            found: 1,
            ..
        })
    ));
}

#[test]
fn proofs_of_what_is_not_there_are_not_made() {
    let all = numbered(3);
    let all = all.as_slice();
    assert_eq!(
        prove_inclusion(all, 3, 3),
        Err(ProveError::NoLeaf { index: 3, size: 3 })
    );
    assert_eq!(
        prove_inclusion(all, 0, 0),
        Err(ProveError::NoLeaf { index: 0, size: 0 })
    );
    assert_eq!(
        prove_inclusion(all, 0, 4),
        Err(ProveError::NoTree { size: 4, there: 3 })
    );
    assert_eq!(
        prove_consistency(all, 3, 2),
        Err(ProveError::Order { old: 3, new: 2 })
    );
    assert_eq!(
        prove_consistency(all, 3, 4),
        Err(ProveError::NoTree { size: 4, there: 3 })
    );
    assert_eq!(
        root_at(all, 4),
        Err(ProveError::NoTree { size: 4, there: 3 })
    );
}

/// A tree that answers for whole subtrees and counts how often it was asked.
struct Counted<'a> {
    leaves: &'a [Hash],
    asked: std::cell::Cell<u32>,
}

#[derive(Debug, PartialEq, thiserror::Error)]
#[error("leaf {0} is unreadable")]
struct Unreadable(u64);

impl Leaves for Counted<'_> {
    type Error = Unreadable;

    fn size(&self) -> u64 {
        self.leaves.len() as u64
    }

    fn leaf(&self, index: u64) -> Result<Hash, Unreadable> {
        Err(Unreadable(index))
    }

    fn subtree(&self, level: u32, index: u64) -> Result<Hash, Unreadable> {
        if level == 0 && index == 700 {
            return self.leaf(index);
        }
        self.asked.set(self.asked.get() + 1);
        let first = (index << level) as usize;
        Ok(naive_root(&self.leaves[first..first + (1 << level)]))
    }
}

#[test]
fn stored_subtrees_make_a_proof_cheap_and_a_failed_read_is_passed_on() {
    let all = numbered(1_000);
    let counted = Counted {
        leaves: &all,
        asked: 0.into(),
    };
    let proof = prove_inclusion(&counted, 701, 1_000);
    assert_eq!(proof, Err(ProveError::Read(Unreadable(700))));
    counted.asked.set(0);
    let proof = prove_inclusion(&counted, 702, 1_000).unwrap();
    assert_eq!(proof, naive_inclusion(702, &all));
    assert!(
        counted.asked.get() <= 20,
        "asked {} times",
        counted.asked.get()
    );
}

proptest! {
    #[test]
    fn larger_trees_agree_with_the_definition(
        size in 1_usize..700, index: prop::sample::Index, old: prop::sample::Index, bit: usize,
    ) {
        let all = numbered(size);
        let (index, old) = (index.index(size), old.index(size + 1));
        let (head, old_head) = (head(&all), head(&all[..old]));

        let proof = prove_inclusion(all.as_slice(), index as u64, head.size).unwrap();
        prop_assert_eq!(&proof, &naive_inclusion(index, &all));
        prop_assert_eq!(verify_inclusion(&all[index], index as u64, &head, &proof), Ok(()));
        if let Some(at) = bit.checked_rem(proof.len()) {
            let mut altered = proof;
            altered[at] = flipped(&altered[at], bit % 256);
            prop_assert!(verify_inclusion(&all[index], index as u64, &head, &altered).is_err());
        }

        let proof = prove_consistency(all.as_slice(), old as u64, head.size).unwrap();
        prop_assert_eq!(verify_consistency(&old_head, &head, &proof), Ok(()));
        if let Some(at) = bit.checked_rem(proof.len()) {
            let mut altered = proof;
            altered[at] = flipped(&altered[at], bit % 256);
            prop_assert!(verify_consistency(&old_head, &head, &altered).is_err());
        }
    }

    /// A journal whose past was altered has no proof that its old head is still kept.
    #[test]
    fn a_rewritten_past_is_found(
        size in 2_usize..200, old: prop::sample::Index, at: prop::sample::Index,
    ) {
        let honest = numbered(size);
        let old = 1 + old.index(size - 1);
        let at = at.index(old);
        let mut rewritten = honest.clone();
        rewritten[at] = flipped(&rewritten[at], 3);
        let proof = prove_consistency(rewritten.as_slice(), old as u64, size as u64).unwrap();
        let refused = verify_consistency(&head(&honest[..old]), &head(&rewritten), &proof);
        prop_assert!(refused.is_err());
    }

    /// No claim panics, and only the right number of hashes gets as far as a root.
    #[test]
    fn wild_claims_are_refused(
        leaf: [u8; 32], root: [u8; 32], index: u64, size: u64, other: u64, hashes in 0_usize..70,
    ) {
        let (leaf, root) = (Hash::from_bytes(leaf), Hash::from_bytes(root));
        let proof = numbered(hashes);
        let head = TreeHead { size, root };
        prop_assert!(verify_inclusion(&leaf, index, &head, &proof).is_err());
        let old = TreeHead { size: other, root: leaf };
        prop_assert!(verify_consistency(&old, &head, &proof).is_err());
        if index < size {
            prop_assert!(inclusion_hashes(index, size) <= PROOF_HASHES_MAX);
        }
        prop_assert!(consistency_hashes(size.min(other), size.max(other)) <= PROOF_HASHES_MAX);
        for size in [1, 2, u64::MAX - 1, u64::MAX] {
            let head = TreeHead { size, root };
            for index in [0, size - 1, size / 2] {
                let proof = numbered(inclusion_hashes(index, size));
                prop_assert!(verify_inclusion(&leaf, index, &head, &proof).is_err());
                let old = TreeHead { size: index, root: leaf };
                let proof = numbered(consistency_hashes(index, size));
                prop_assert!(verify_consistency(&old, &head, &proof).is_err());
            }
        }
    }
}
