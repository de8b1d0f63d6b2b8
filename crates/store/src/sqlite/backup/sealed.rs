//! The file as a whole: pieces of 64 KiB, each sealed under a key of this file alone, with its
//! number and whether it is the last one in the nonce (the STREAM construction). A piece that is
//! changed, missing, moved or added doesn't open; nor does a file that ends too early.

use std::io::{self, Read, Write};

use zeroize::Zeroizing;

use super::{BACKUP_FORMAT, BackupError};
use crate::crypto::{self, Key, NONCE_BYTES, TAG_BYTES};

const MAGIC: &[u8; 8] = b"naosbkp\n";
/// Formats are counted from 1: a larger number isn't a newer naos, but a damaged file.
const FORMAT_MAX: u32 = 999;
const PIECE_BYTES: usize = 64 * 1_024;
const SALT_BYTES: usize = 32;
const KEY_ID_BYTES: usize = 16;
const KEY_ID_AT: usize = 8 + 4;
const SALT_AT: usize = KEY_ID_AT + KEY_ID_BYTES;
const HEADER_BYTES: usize = SALT_AT + SALT_BYTES;

type Header = [u8; HEADER_BYTES];

/// Tells a wrong key from a damaged file.
fn key_id(node: &Key) -> [u8; KEY_ID_BYTES] {
    let whole = node.derive(b"naos backup key id v1");
    let mut id = [0; KEY_ID_BYTES];
    id.copy_from_slice(&whole[..KEY_ID_BYTES]);
    id
}

/// A key that seals this file and no other.
fn file_key(node: &Key, salt: &[u8]) -> Key {
    Key::new(node.derive(&[b"naos backup v1", salt].concat()))
}

fn nonce(number: u64, last: bool) -> [u8; NONCE_BYTES] {
    let mut nonce = [0; NONCE_BYTES];
    nonce[..8].copy_from_slice(&number.to_be_bytes());
    nonce[8] = u8::from(last);
    nonce
}

/// Seals what is written to it.
pub(crate) struct Sealer<'w> {
    to: &'w mut dyn Write,
    key: Key,
    header: Header,
    piece: Vec<u8>,
    number: u64,
}

impl<'w> Sealer<'w> {
    pub(crate) fn begin(to: &'w mut dyn Write, node: &Key) -> io::Result<Self> {
        let salt: Zeroizing<[u8; SALT_BYTES]> = crypto::random_key();
        let mut header = [0; HEADER_BYTES];
        header[..8].copy_from_slice(MAGIC);
        header[8..KEY_ID_AT].copy_from_slice(&BACKUP_FORMAT.to_be_bytes());
        header[KEY_ID_AT..SALT_AT].copy_from_slice(&key_id(node));
        header[SALT_AT..].copy_from_slice(&salt[..]);
        to.write_all(&header)?;
        let key = file_key(node, &salt[..]);
        Ok(Self {
            to,
            key,
            header,
            piece: Vec::with_capacity(PIECE_BYTES),
            number: 0,
        })
    }

    fn seal(&mut self, last: bool) -> io::Result<()> {
        let nonce = nonce(self.number, last);
        let sealed = self.key.seal(&nonce, &self.header, &self.piece);
        self.number += 1;
        self.piece.clear();
        self.to.write_all(&sealed)
    }

    pub(crate) fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            if self.piece.len() == PIECE_BYTES {
                self.seal(false)?;
            }
            let room = bytes.len().min(PIECE_BYTES - self.piece.len());
            let (now, later) = bytes.split_at(room);
            self.piece.extend_from_slice(now);
            bytes = later;
        }
        Ok(())
    }

    /// The last piece says that it is the last one.
    pub(crate) fn end(mut self) -> io::Result<()> {
        self.seal(true)?;
        self.to.flush()
    }
}

/// Opens what a [`Sealer`] wrote.
pub(crate) struct Opener<'r> {
    from: &'r mut dyn Read,
    key: Key,
    header: Header,
    /// The next piece as it stands in the file.
    next: Vec<u8>,
    number: u64,
    plain: Vec<u8>,
    at: usize,
    over: bool,
}

impl<'r> Opener<'r> {
    pub(crate) fn begin(from: &'r mut dyn Read, node: &Key) -> Result<Self, BackupError> {
        let mut header = Vec::with_capacity(HEADER_BYTES);
        read_up_to(from, HEADER_BYTES, &mut header)?;
        let what = "backup of naos";
        let Ok(header) = Header::try_from(header) else {
            return Err(BackupError::Foreign { what });
        };
        if header[..8] != *MAGIC {
            return Err(BackupError::Foreign { what });
        }
        let mut format = [0; 4];
        format.copy_from_slice(&header[8..KEY_ID_AT]);
        let found = u32::from_be_bytes(format);
        if found == 0 || found > FORMAT_MAX {
            return Err(BackupError::damaged("the number of its format"));
        }
        if found != BACKUP_FORMAT {
            let ours = BACKUP_FORMAT;
            return Err(BackupError::Newer { found, ours });
        }
        if header[KEY_ID_AT..SALT_AT] != key_id(node) {
            return Err(BackupError::OtherKeys);
        }
        let key = file_key(node, &header[SALT_AT..]);
        let mut opener = Self {
            from,
            key,
            header,
            next: Vec::new(),
            number: 0,
            plain: Vec::new(),
            at: 0,
            over: false,
        };
        read_up_to(opener.from, PIECE_BYTES + TAG_BYTES, &mut opener.next)?;
        Ok(opener)
    }

    /// Opens the next piece; false after the last one.
    fn more(&mut self) -> Result<bool, BackupError> {
        if self.over {
            return Ok(false);
        }
        let sealed = std::mem::take(&mut self.next);
        read_up_to(self.from, PIECE_BYTES + TAG_BYTES, &mut self.next)?;
        let last = self.next.is_empty();
        let open = |last| {
            self.key
                .open(&nonce(self.number, last), &self.header, &sealed)
        };
        let Some(plain) = open(last) else {
            let at = HEADER_BYTES as u64 + self.number * (PIECE_BYTES + TAG_BYTES) as u64;
            let what = if last && open(false).is_some() {
                format!(
                    "it ends too early, after {} bytes",
                    at + sealed.len() as u64
                )
            } else {
                format!("the {PIECE_BYTES} bytes from byte {at} on aren't what was written")
            };
            return Err(BackupError::damaged(what));
        };
        (self.plain, self.at, self.over) = (plain, 0, last);
        self.number += 1;
        Ok(true)
    }

    /// Fills `out`; false if the file ended before its first byte.
    pub(crate) fn read(&mut self, out: &mut [u8]) -> Result<bool, BackupError> {
        let mut filled = 0;
        while filled < out.len() {
            if self.at == self.plain.len() {
                if self.more()? {
                    continue;
                }
                if filled == 0 {
                    return Ok(false);
                }
                return Err(BackupError::damaged("its last item is cut short"));
            }
            let room = (out.len() - filled).min(self.plain.len() - self.at);
            out[filled..filled + room].copy_from_slice(&self.plain[self.at..self.at + room]);
            filled += room;
            self.at += room;
        }
        Ok(true)
    }
}

fn read_up_to(from: &mut dyn Read, bytes: usize, into: &mut Vec<u8>) -> Result<(), BackupError> {
    into.clear();
    from.take(bytes as u64)
        .read_to_end(into)
        .map(drop)
        .map_err(|cause| BackupError::io("the backup", cause))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(byte: u8) -> Key {
        Key::new(Zeroizing::new([byte; 32]))
    }

    fn sealed(plain: &[u8]) -> Vec<u8> {
        let (mut file, node) = (Vec::new(), node(7));
        let mut sealer = Sealer::begin(&mut file, &node).unwrap();
        for part in plain.chunks(10_007) {
            sealer.write(part).unwrap();
        }
        sealer.end().unwrap();
        file
    }

    fn opened(mut file: &[u8], key: u8) -> Result<Vec<u8>, BackupError> {
        let from: &mut dyn Read = &mut file;
        let mut opener = Opener::begin(from, &node(key))?;
        let mut plain = Vec::new();
        let mut byte = [0; 1];
        while opener.read(&mut byte)? {
            plain.push(byte[0]);
        }
        Ok(plain)
    }

    #[test]
    fn what_was_sealed_comes_back() {
        for length in [
            0,
            1,
            PIECE_BYTES - 1,
            PIECE_BYTES,
            PIECE_BYTES + 1,
            3 * PIECE_BYTES,
        ] {
            let plain: Vec<u8> = (0..length).map(|at| (at * 31) as u8).collect();
            let file = sealed(&plain);
            assert_eq!(opened(&file, 7).unwrap(), plain, "{length}");
            assert!(matches!(opened(&file, 8), Err(BackupError::OtherKeys)));
        }
    }

    #[test]
    fn every_change_is_found() {
        let plain = vec![5; PIECE_BYTES * 2 + 100];
        let file = sealed(&plain);
        let at = [
            0,
            9,
            20,
            40,
            HEADER_BYTES,
            HEADER_BYTES + PIECE_BYTES,
            file.len() - 1,
        ];
        for at in at {
            let mut changed = file.clone();
            changed[at] ^= 1;
            assert!(opened(&changed, 7).is_err(), "byte {at}");
        }
        let piece = PIECE_BYTES + TAG_BYTES;
        let ends = [
            0,
            10,
            HEADER_BYTES,
            HEADER_BYTES + piece,
            HEADER_BYTES + 2 * piece,
        ];
        for end in ends.into_iter().chain([file.len() - 1]) {
            assert!(opened(&file[..end], 7).is_err(), "cut at {end}");
        }
        let mut longer = file.clone();
        longer.push(0);
        assert!(opened(&longer, 7).is_err(), "a byte more");
        let mut swapped = file.clone();
        let (first, second) = swapped[HEADER_BYTES..].split_at_mut(piece);
        first.swap_with_slice(&mut second[..piece]);
        assert!(opened(&swapped, 7).is_err(), "two pieces swapped");
        let early = opened(&file[..HEADER_BYTES + piece], 7)
            .unwrap_err()
            .to_string();
        assert!(early.contains("ends too early"), "{early}");
    }
}
