//! The tamper-evident part of the audit journal: leaf bytes, the Merkle tree over them, proofs
//! that an outsider can check, and signed checkpoints.
//!
//! I hash journal entries, keep the tree's frontier, make and check inclusion and consistency
//! proofs (RFC 9162), sign and read checkpoints (C2SP tlog-checkpoint and signed-note) and name
//! tiles (C2SP tlog-tiles).
//! I never touch a file, a clock or a socket, never draw a key, and never see plain text: what I
//! hash is the stored, sealed bytes, so that a destroyed key leaves the chain verifiable.
//!
//! Start at [`hash_entry`] (an entry becomes a leaf), then [`Frontier`] (leaves become a root),
//! [`Signer::next`] (a root becomes a promise) and [`verify_consistency`] (the promise is kept).

mod leaf;

mod tree;

mod proof;

mod note;

mod checkpoint;

mod tiles;

pub use checkpoint::{
    Checkpoint, CheckpointFieldError, EXTENSIONS_COUNT_MAX, LINE_BYTES_MAX, NextCheckpointError,
    ReadCheckpointError, Signer,
};
pub use ed25519_dalek::{SigningKey, VerifyingKey};
pub use leaf::{
    ENTRY_FORMAT, ENTRY_HEAD_BYTES, Entry, Hash, ParseEntryError, ParseHashError, entry_bytes,
    hash_entry, leaf_hash, node_hash, parse_entry,
};
pub use note::{
    KEY_NAME_BYTES_MAX, KeyNameError, NOTE_BYTES_MAX, OpenNoteError, ParseVkeyError,
    SIGNATURES_COUNT_MAX, parse_vkey, vkey,
};
pub use proof::{
    Leaves, PROOF_HASHES_MAX, ProveError, VerifyConsistencyError, VerifyInclusionError,
    prove_consistency, prove_inclusion, root_at, verify_consistency, verify_inclusion,
};
pub use tiles::{ParseTileError, TILE_HASHES_MAX, Tile, TileError, tiles_of};
pub use tree::{
    DecodeFrontierError, FRONTIER_BYTES_MAX, Frontier, LEAVES_COUNT_MAX, TreeHead, empty_root,
};
