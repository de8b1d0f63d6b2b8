//! Hashes, and the bytes of a journal entry that its leaf is made of.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

/// The first byte of every entry written by this release, and the only one it reads.
pub const ENTRY_FORMAT: u8 = 1;

/// The fixed part of an entry, before its kind and its payload.
pub const ENTRY_HEAD_BYTES: usize = 42;

/// RFC 9162 2.1.1: what stands before a leaf's bytes, so that no leaf can pass for a node.
const LEAF_PREFIX: u8 = 0;
/// RFC 9162 2.1.1: what stands before a node's two children.
const NODE_PREFIX: u8 = 1;

/// A SHA-256 digest: of a leaf, of a node or of a whole tree.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash([u8; 32]);

impl Hash {
    /// Takes 32 bytes for a digest.
    pub const fn from_bytes(bytes: [u8; 32]) -> Hash {
        Hash(bytes)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The 32 bytes, copied.
    pub const fn to_bytes(self) -> [u8; 32] {
        self.0
    }
}

impl From<[u8; 32]> for Hash {
    fn from(bytes: [u8; 32]) -> Hash {
        Hash(bytes)
    }
}

/// 64 lower-case hexadecimal digits.
impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0_u8; 64];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.0) {
            pair[0] = b"0123456789abcdef"[usize::from(byte >> 4)];
            pair[1] = b"0123456789abcdef"[usize::from(byte & 15)];
        }
        f.pad(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

/// Why a text is no [`struct@Hash`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseHashError {
    /// It is longer or shorter than a digest.
    #[error("a hash is 64 hexadecimal digits, this has {found} bytes")]
    Length {
        /// The bytes of the text.
        found: usize,
    },
    /// A character is not one of `0-9a-f`.
    #[error("a hash is written in the digits 0-9 and a-f, byte {at} is another")]
    Digit {
        /// Where it stands, from 0.
        at: usize,
    },
}

impl FromStr for Hash {
    type Err = ParseHashError;

    /// Reads what `Display` writes and nothing else, so that a digest has one spelling.
    fn from_str(text: &str) -> Result<Hash, ParseHashError> {
        if text.len() != 64 {
            return Err(ParseHashError::Length { found: text.len() });
        }
        let mut bytes = [0; 32];
        for (at, digit) in text.bytes().enumerate() {
            let value = match digit {
                b'0'..=b'9' => digit - b'0',
                b'a'..=b'f' => digit - b'a' + 10,
                _ => return Err(ParseHashError::Digit { at }),
            };
            bytes[at / 2] = bytes[at / 2] << 4 | value;
        }
        Ok(Hash(bytes))
    }
}

/// The hash of a leaf: `SHA-256(0x00 || bytes)` (RFC 9162 2.1.1).
pub fn leaf_hash(bytes: &[u8]) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update([LEAF_PREFIX]);
    hasher.update(bytes);
    Hash(hasher.finalize().into())
}

/// The hash of an inner node: `SHA-256(0x01 || left || right)` (RFC 9162 2.1.1).
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut bytes = [NODE_PREFIX; 65];
    bytes[1..33].copy_from_slice(&left.0);
    bytes[33..].copy_from_slice(&right.0);
    Hash(Sha256::digest(bytes).into())
}

/// One journal entry, as its leaf sees it. What [`parse_entry`] returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The tenant whose journal it stands in.
    pub tenant: &'a [u8; 16],
    /// Its place in that journal.
    pub seq: u64,
    /// When it was decided, in milliseconds since 1970 UTC.
    pub at_ms: i64,
    /// The kind of fact, such as `task.closed`.
    pub kind: &'a str,
    /// The version of the payload's own layout, counted per kind.
    pub version: u8,
    /// The fact's bytes as they are stored, sealed parts still sealed.
    pub payload: &'a [u8],
}

/// Appends the canonical bytes of a journal entry to `out`: the input of its leaf hash.
///
/// This is a stored format: every root ever signed depends on it, so a change means a new
/// [`ENTRY_FORMAT`] beside this one, never another meaning of it. Whole numbers are little endian.
///
/// | at | bytes | field |
/// |---|---|---|
/// | 0 | 1 | format, [`ENTRY_FORMAT`] = 1 |
/// | 1 | 16 | tenant |
/// | 17 | 8 | seq, unsigned |
/// | 25 | 8 | at_ms, signed, two's complement |
/// | 33 | 1 | version of the payload's layout |
/// | 34 | 4 | bytes of the kind, unsigned |
/// | 38 | 4 | bytes of the payload, unsigned |
/// | 42 | … | kind, UTF-8 |
/// | … | … | payload |
///
/// Two different entries never share their bytes: both lengths stand at fixed places before what
/// they measure, and nothing follows the payload.
///
/// # Panics
/// When the kind or the payload has 4 GiB or more, which no store of ours can hold.
pub fn entry_bytes(
    tenant: &[u8; 16],
    seq: u64,
    at_ms: i64,
    kind: &str,
    version: u8,
    payload: &[u8],
    out: &mut Vec<u8>,
) {
    let head = head(tenant, seq, at_ms, kind, version, payload);
    out.reserve(ENTRY_HEAD_BYTES + kind.len() + payload.len());
    out.extend_from_slice(&head[1..]);
    out.extend_from_slice(kind.as_bytes());
    out.extend_from_slice(payload);
}

/// The leaf hash of a journal entry: [`leaf_hash`] of its [`entry_bytes`], without writing them
/// anywhere.
///
/// # Panics
/// As [`entry_bytes`].
pub fn hash_entry(
    tenant: &[u8; 16],
    seq: u64,
    at_ms: i64,
    kind: &str,
    version: u8,
    payload: &[u8],
) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update(head(tenant, seq, at_ms, kind, version, payload));
    hasher.update(kind.as_bytes());
    hasher.update(payload);
    Hash(hasher.finalize().into())
}

/// The leaf prefix and the fixed part, in one piece: the hasher gets one call instead of eight.
fn head(
    tenant: &[u8; 16],
    seq: u64,
    at_ms: i64,
    kind: &str,
    version: u8,
    payload: &[u8],
) -> [u8; 1 + ENTRY_HEAD_BYTES] {
    let mut head = [LEAF_PREFIX; 1 + ENTRY_HEAD_BYTES];
    head[1] = ENTRY_FORMAT;
    head[2..18].copy_from_slice(tenant);
    head[18..26].copy_from_slice(&seq.to_le_bytes());
    head[26..34].copy_from_slice(&at_ms.to_le_bytes());
    head[34] = version;
    head[35..39].copy_from_slice(&length_u32(kind.len()).to_le_bytes());
    head[39..43].copy_from_slice(&length_u32(payload.len()).to_le_bytes());
    head
}

fn length_u32(bytes: usize) -> u32 {
    u32::try_from(bytes).expect("a journal entry's kind and payload are under 4 GiB each")
}

/// Why bytes are no journal entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseEntryError {
    /// The fixed part is cut off.
    #[error("a journal entry has at least {ENTRY_HEAD_BYTES} bytes, this has {found}")]
    Short {
        /// The bytes there are.
        found: usize,
    },
    /// Another release wrote it, or it is no entry at all.
    #[error("the entry is of format {found}, this release reads format {ENTRY_FORMAT}")]
    Format {
        /// The format it claims.
        found: u8,
    },
    /// The lengths inside do not add up to the length outside.
    #[error("the entry says it has {said} bytes, it has {found}")]
    Length {
        /// What its head says.
        said: u64,
        /// The bytes there are.
        found: usize,
    },
    /// The kind is no text.
    #[error("the entry's kind is not UTF-8")]
    Kind(#[source] std::str::Utf8Error),
}

/// Reads what [`entry_bytes`] wrote: for one who was handed an entry with an inclusion proof.
pub fn parse_entry(bytes: &[u8]) -> Result<Entry<'_>, ParseEntryError> {
    let short = || ParseEntryError::Short { found: bytes.len() };
    let (&[format], rest) = bytes.split_first_chunk().ok_or_else(short)?;
    if format != ENTRY_FORMAT {
        return Err(ParseEntryError::Format { found: format });
    }
    let (tenant, rest) = rest.split_first_chunk::<16>().ok_or_else(short)?;
    let (&seq, rest) = rest.split_first_chunk::<8>().ok_or_else(short)?;
    let (&at_ms, rest) = rest.split_first_chunk::<8>().ok_or_else(short)?;
    let (&[version], rest) = rest.split_first_chunk().ok_or_else(short)?;
    let (&kind_bytes, rest) = rest.split_first_chunk::<4>().ok_or_else(short)?;
    let (&payload_bytes, rest) = rest.split_first_chunk::<4>().ok_or_else(short)?;

    let kind_bytes = u64::from(u32::from_le_bytes(kind_bytes));
    let payload_bytes = u64::from(u32::from_le_bytes(payload_bytes));
    if kind_bytes + payload_bytes != rest.len() as u64 {
        let said = ENTRY_HEAD_BYTES as u64 + kind_bytes + payload_bytes;
        return Err(ParseEntryError::Length {
            said,
            found: bytes.len(),
        });
    }
    // The sum equals a slice's length, so each part fits a usize.
    let (kind, payload) = rest.split_at(kind_bytes as usize);
    Ok(Entry {
        tenant,
        seq: u64::from_le_bytes(seq),
        at_ms: i64::from_le_bytes(at_ms),
        kind: std::str::from_utf8(kind).map_err(ParseEntryError::Kind)?,
        version,
        payload,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TENANT: [u8; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn sample() -> Vec<u8> {
        let mut bytes = Vec::new();
        entry_bytes(
            &TENANT,
            7,
            -2,
            "task.closed",
            3,
            &[0xaa, 0xbb, 0xcc],
            &mut bytes,
        );
        bytes
    }

    /// Computed with another SHA-256 from the table in the documentation: the format is frozen.
    #[test]
    fn the_stored_format_does_not_move() {
        let bytes = sample();
        assert_eq!(
            hex(&bytes),
            "01000102030405060708090a0b0c0d0e0f0700000000000000feffffffffffffff03\
             0b000000030000007461736b2e636c6f736564aabbcc"
        );
        let expected = "5ade6636c4757ac4f4fc9666c4e7d4881a44d0f3bc78025a154e4116843230c9";
        assert_eq!(leaf_hash(&bytes).to_string(), expected);
        let streamed = hash_entry(&TENANT, 7, -2, "task.closed", 3, &[0xaa, 0xbb, 0xcc]);
        assert_eq!(streamed.to_string(), expected);
    }

    #[test]
    fn entry_bytes_appends() {
        let mut bytes = b"before".to_vec();
        entry_bytes(
            &TENANT,
            7,
            -2,
            "task.closed",
            3,
            &[0xaa, 0xbb, 0xcc],
            &mut bytes,
        );
        assert_eq!(bytes.strip_prefix(b"before"), Some(sample().as_slice()));
    }

    #[test]
    fn moving_a_byte_between_kind_and_payload_changes_the_leaf() {
        let one = hash_entry(&TENANT, 1, 1, "ab", 1, b"c");
        let other = hash_entry(&TENANT, 1, 1, "a", 1, b"bc");
        assert_ne!(one, other);
    }

    #[test]
    fn leaf_and_node_are_told_apart() {
        let (left, right) = (leaf_hash(b"l"), leaf_hash(b"r"));
        let joined = [left.to_bytes(), right.to_bytes()].concat();
        assert_ne!(node_hash(&left, &right), leaf_hash(&joined));
        assert_ne!(node_hash(&left, &right), node_hash(&right, &left));
    }

    #[test]
    fn a_cut_entry_is_refused_at_every_length() {
        let bytes = sample();
        for length in 0..bytes.len() {
            let found = length;
            let expected = match length {
                0..ENTRY_HEAD_BYTES => ParseEntryError::Short { found },
                _ => ParseEntryError::Length { said: 56, found },
            };
            assert_eq!(parse_entry(&bytes[..length]), Err(expected));
        }
        let longer = [bytes.as_slice(), b"x"].concat();
        assert_eq!(
            parse_entry(&longer),
            Err(ParseEntryError::Length {
                said: 56,
                found: 57
            })
        );
    }

    #[test]
    fn bad_entries_say_why() {
        let mut bytes = sample();
        bytes[0] = 2;
        assert_eq!(
            parse_entry(&bytes),
            Err(ParseEntryError::Format { found: 2 })
        );
        let mut bytes = sample();
        bytes[ENTRY_HEAD_BYTES] = 0xff;
        assert!(matches!(parse_entry(&bytes), Err(ParseEntryError::Kind(_))));
        let mut bytes = sample();
        bytes[34..42].fill(0xff);
        assert!(matches!(
            parse_entry(&bytes),
            Err(ParseEntryError::Length { .. })
        ));
    }

    #[test]
    fn hashes_have_one_spelling() {
        let text = "5ade6636c4757ac4f4fc9666c4e7d4881a44d0f3bc78025a154e4116843230c9";
        assert_eq!(text.parse::<Hash>().unwrap().to_string(), text);
        for (text, expected) in [
            ("", ParseHashError::Length { found: 0 }),
            (&text[1..], ParseHashError::Length { found: 63 }),
            (&text.replace('a', "A"), ParseHashError::Digit { at: 1 }),
            (&text.replace('f', "g"), ParseHashError::Digit { at: 16 }),
            (&"é".repeat(32), ParseHashError::Digit { at: 0 }),
        ] {
            assert_eq!(text.parse::<Hash>(), Err(expected), "{text}");
        }
    }

    proptest! {
        #[test]
        fn entries_round_trip(
            tenant: [u8; 16], seq: u64, at_ms: i64, kind: String, version: u8, payload: Vec<u8>,
        ) {
            let mut bytes = Vec::new();
            entry_bytes(&tenant, seq, at_ms, &kind, version, &payload, &mut bytes);
            let hash = hash_entry(&tenant, seq, at_ms, &kind, version, &payload);
            prop_assert_eq!(leaf_hash(&bytes), hash);
            let entry = Entry {
                tenant: &tenant, seq, at_ms, kind: &kind, version, payload: &payload,
            };
            prop_assert_eq!(parse_entry(&bytes), Ok(entry));
        }

        #[test]
        fn what_parses_writes_the_same_bytes(mut bytes: Vec<u8>, kind in 0_u32..9) {
            if let Some(format) = bytes.first_mut() {
                *format = ENTRY_FORMAT;
            }
            if let Some(rest) = bytes.len().checked_sub(ENTRY_HEAD_BYTES) {
                let kind = kind.min(rest as u32);
                bytes[34..38].copy_from_slice(&kind.to_le_bytes());
                bytes[38..42].copy_from_slice(&(rest as u32 - kind).to_le_bytes());
            }
            if let Ok(entry) = parse_entry(&bytes) {
                let mut again = Vec::new();
                let Entry { tenant, seq, at_ms, kind, version, payload } = entry;
                entry_bytes(tenant, seq, at_ms, kind, version, payload, &mut again);
                prop_assert_eq!(again, bytes);
            }
        }

        #[test]
        fn any_bit_of_an_entry_counts(bit in 0_usize..56 * 8) {
            let mut bytes = sample();
            let before = leaf_hash(&bytes);
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert_ne!(leaf_hash(&bytes), before);
        }

        #[test]
        fn hashes_round_trip(bytes: [u8; 32]) {
            let hash = Hash::from_bytes(bytes);
            prop_assert_eq!(hash.to_string().parse(), Ok(hash));
        }

        #[test]
        fn no_text_panics(text: String, bytes: Vec<u8>) {
            let _ = text.parse::<Hash>();
            let _ = parse_entry(&bytes);
        }
    }
}
