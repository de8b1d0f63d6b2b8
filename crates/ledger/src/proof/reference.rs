//! The tree by its definition, and the reference tree of the field.

use crate::leaf::{Hash, leaf_hash, node_hash};
use crate::tree::empty_root;

const LEAVES: [&[u8]; 8] = [
    b"",
    b"\x00",
    b"\x10",
    b"\x20\x21",
    b"\x30\x31",
    b"\x40\x41\x42\x43",
    b"\x50\x51\x52\x53\x54\x55\x56\x57",
    b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
];

/// The roots of the reference tree at 0 to 8 leaves.
pub(crate) const ROOTS: [&str; 9] = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

/// The leaves of the reference tree.
pub(crate) fn leaves() -> Vec<Hash> {
    LEAVES.iter().map(|leaf| leaf_hash(leaf)).collect()
}

/// Leaves of our own, all different.
pub(crate) fn numbered(count: usize) -> Vec<Hash> {
    (0..count as u64)
        .map(|number| leaf_hash(&number.to_le_bytes()))
        .collect()
}

fn cut(count: usize) -> usize {
    (1..count)
        .rev()
        .find(|at| at.is_power_of_two())
        .expect("two leaves or more")
}

/// MTH of RFC 9162 2.1.1.
pub(crate) fn naive_root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => empty_root(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(cut(leaves.len()));
            node_hash(&naive_root(left), &naive_root(right))
        }
    }
}

/// PATH of RFC 9162 2.1.3.1.
pub(crate) fn naive_inclusion(index: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let (left, right) = leaves.split_at(cut(leaves.len()));
    let (mut proof, other) = match index.checked_sub(left.len()) {
        None => (naive_inclusion(index, left), right),
        Some(index) => (naive_inclusion(index, right), left),
    };
    proof.push(naive_root(other));
    proof
}

/// SUBPROOF of RFC 9162 2.1.4.1; PROOF is the one with `known`.
pub(crate) fn naive_consistency(old: usize, leaves: &[Hash], known: bool) -> Vec<Hash> {
    if old == leaves.len() {
        return if known {
            Vec::new()
        } else {
            vec![naive_root(leaves)]
        };
    }
    let (left, right) = leaves.split_at(cut(leaves.len()));
    let (mut proof, other) = if old <= left.len() {
        (naive_consistency(old, left, known), right)
    } else {
        (naive_consistency(old - left.len(), right, false), left)
    };
    proof.push(naive_root(other));
    proof
}
