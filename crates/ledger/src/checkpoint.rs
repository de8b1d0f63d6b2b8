//! Checkpoints (C2SP tlog-checkpoint): a signed promise that the journal was this, and that it
//! will only ever be added to.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{SigningKey, VerifyingKey};

use crate::leaf::Hash;
use crate::note::{self, KeyNameError, OpenNoteError};
use crate::proof::{VerifyConsistencyError, verify_consistency};
use crate::tree::{TreeHead, empty_root};

/// The longest origin and the longest extension line.
pub const LINE_BYTES_MAX: usize = 1_024;
/// The most extension lines.
pub const EXTENSIONS_COUNT_MAX: usize = 16;

/// The head of one log's tree. It proves something only where it was signed: made by
/// [`Signer::next`], read by [`Checkpoint::parse_and_verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log this is, for ever: such as `example.com/journal/riake`.
    pub origin: String,
    /// How many leaves.
    pub size: u64,
    /// The Merkle tree hash over them.
    pub root: Hash,
    /// Further lines, which no proof covers; the specification advises against them.
    pub extensions: Vec<String>,
}

impl Checkpoint {
    /// A checkpoint without extension lines.
    pub fn new(origin: impl Into<String>, head: TreeHead) -> Checkpoint {
        let TreeHead { size, root } = head;
        Checkpoint {
            origin: origin.into(),
            size,
            root,
            extensions: Vec::new(),
        }
    }

    /// Size and root, to check proofs against.
    pub fn head(&self) -> TreeHead {
        TreeHead {
            size: self.size,
            root: self.root,
        }
    }

    /// Reads a checkpoint that `key` signed under `name`. Signatures by other keys (witnesses, an
    /// older key) are ignored.
    ///
    /// A key may sign many logs: compare [`origin`](Checkpoint::origin) with the log you asked
    /// for, or another one's checkpoint passes for it.
    pub fn parse_and_verify(
        text: impl AsRef<[u8]>,
        key: &VerifyingKey,
        name: &str,
    ) -> Result<Checkpoint, ReadCheckpointError> {
        // Nothing is made of the text before its signature is known to be good.
        parse(note::open(text.as_ref(), key, name).map_err(ReadCheckpointError::Note)?)
    }

    /// The text that is signed, once its lines can be read back.
    fn text(&self) -> Result<String, CheckpointFieldError> {
        let fault = |text: &str| line_fault(text).map(|fault| (fault, text.len()));
        if let Some((fault, bytes)) = fault(&self.origin) {
            return Err(CheckpointFieldError::Origin { fault, bytes });
        }
        if self.extensions.len() > EXTENSIONS_COUNT_MAX {
            let found = self.extensions.len();
            return Err(CheckpointFieldError::Extensions { found });
        }
        let root = STANDARD.encode(self.root.as_bytes());
        let mut text = format!("{}\n{}\n{root}\n", self.origin, self.size);
        for (index, line) in self.extensions.iter().enumerate() {
            if let Some((fault, bytes)) = fault(line) {
                return Err(CheckpointFieldError::Extension {
                    line: index + 1,
                    fault,
                    bytes,
                });
            }
            text.push_str(line);
            text.push('\n');
        }
        Ok(text)
    }
}

/// What is wrong with a line, if anything is.
fn line_fault(line: &str) -> Option<&'static str> {
    if line.is_empty() {
        Some("is empty")
    } else if line.len() > LINE_BYTES_MAX {
        Some("is too long")
    } else if line.chars().any(|character| character < ' ') {
        Some("has a control character")
    } else {
        None
    }
}

/// Why a checkpoint cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointFieldError {
    /// The origin is no line.
    #[error(
        "the checkpoint's origin {fault}: it has {bytes} bytes, give 1 to {LINE_BYTES_MAX} \
         without control characters"
    )]
    Origin {
        /// What is wrong with it.
        fault: &'static str,
        /// How long it is.
        bytes: usize,
    },
    /// An extension is no line.
    #[error(
        "the checkpoint's extension line {line} {fault}: it has {bytes} bytes, give 1 to \
         {LINE_BYTES_MAX} without control characters"
    )]
    Extension {
        /// Which one, from 1.
        line: usize,
        /// What is wrong with it.
        fault: &'static str,
        /// How long it is.
        bytes: usize,
    },
    /// More extension lines than are read back.
    #[error("a checkpoint has at most {EXTENSIONS_COUNT_MAX} extension lines, this has {found}")]
    Extensions {
        /// How many there are.
        found: usize,
    },
}

/// Why a checkpoint was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadCheckpointError {
    /// It is no note, or not one that the key signed.
    #[error("the checkpoint is not signed as it should be")]
    Note(#[source] OpenNoteError),
    /// Origin, size and root are not all there.
    #[error("a checkpoint has a line each for origin, size and root, this has {found} lines")]
    Lines {
        /// The lines there are.
        found: usize,
    },
    /// An origin or extension line is empty or too long.
    #[error("line {line} of the checkpoint {fault}, it should have 1 to {LINE_BYTES_MAX} bytes")]
    Line {
        /// Which one, from 1.
        line: usize,
        /// What is wrong with it.
        fault: &'static str,
    },
    /// More extension lines than are read.
    #[error("a checkpoint has at most {EXTENSIONS_COUNT_MAX} extension lines, this has {found}")]
    Extensions {
        /// How many there are.
        found: usize,
    },
    /// The size is not written as the specification says.
    #[error("the checkpoint's size is not a decimal number below 2^64 without leading zeros")]
    Size,
    /// The root is not 32 bytes in base64.
    #[error("the checkpoint's root is not 32 bytes in padded standard base64")]
    Root,
}

/// Reads the text of a checkpoint, which ends in a newline.
fn parse(text: &str) -> Result<Checkpoint, ReadCheckpointError> {
    let mut lines = text.split_terminator('\n');
    let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else {
        let found = text.split_terminator('\n').count();
        return Err(ReadCheckpointError::Lines { found });
    };
    check_line(1, origin)?;
    let size = parse_size(size).ok_or(ReadCheckpointError::Size)?;
    let root = parse_root(root).ok_or(ReadCheckpointError::Root)?;
    let found = lines.clone().count();
    if found > EXTENSIONS_COUNT_MAX {
        return Err(ReadCheckpointError::Extensions { found });
    }
    let mut extensions = Vec::with_capacity(found);
    for (index, line) in lines.enumerate() {
        check_line(index + 4, line)?;
        extensions.push(line.to_owned());
    }
    Ok(Checkpoint {
        origin: origin.to_owned(),
        size,
        root,
        extensions,
    })
}

fn check_line(line: usize, text: &str) -> Result<(), ReadCheckpointError> {
    match line_fault(text) {
        Some(fault) => Err(ReadCheckpointError::Line { line, fault }),
        None => Ok(()),
    }
}

/// One number, one spelling: no sign, no leading zeros.
fn parse_size(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let canonical = plain && (text == "0" || !text.starts_with('0'));
    if canonical { text.parse().ok() } else { None }
}

fn parse_root(text: &str) -> Option<Hash> {
    // 44 characters are 31 to 33 bytes: checked first, so that no line is decoded in vain.
    let bytes = if text.len() == 44 {
        STANDARD.decode(text).ok()?
    } else {
        return None;
    };
    Some(Hash::from_bytes(bytes.try_into().ok()?))
}

/// The one way to a signed checkpoint: it signs what follows from the one before and nothing else.
///
/// A log that signed two histories has broken its word for good, so whoever calls keeps the last
/// signed checkpoint durably, and gives it to the next call.
#[derive(Debug)]
pub struct Signer {
    key: SigningKey,
    name: String,
}

impl Signer {
    /// A signer under a name, which should be the log's origin or begin it.
    pub fn new(key: SigningKey, name: impl Into<String>) -> Result<Signer, KeyNameError> {
        let name = name.into();
        note::check_key_name(&name)?;
        Ok(Signer { key, name })
    }

    /// The name it signs under.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key that its signatures are checked with.
    pub fn verifying_key(&self) -> VerifyingKey {
        self.key.verifying_key()
    }

    /// The text by which others are told to trust it; see [`vkey`](crate::vkey).
    pub fn vkey(&self) -> String {
        note::vkey(&self.key.verifying_key(), &self.name).expect("the name was checked in new")
    }

    /// Signs `new`, when `proof` shows that it only adds to `previous`
    /// ([`prove_consistency`](crate::prove_consistency)), and returns the signed note.
    ///
    /// Without a previous one `new` is the log's first checkpoint and the proof is empty. It may
    /// repeat the previous one; the proof is empty then as well.
    pub fn next(
        &self,
        previous: Option<&Checkpoint>,
        new: &Checkpoint,
        proof: &[Hash],
    ) -> Result<String, NextCheckpointError> {
        let text = new.text().map_err(NextCheckpointError::Field)?;
        if let Some(previous) = previous
            && previous.origin != new.origin
        {
            let (previous, new) = (previous.origin.clone(), new.origin.clone());
            return Err(NextCheckpointError::Origin { previous, new });
        }
        let nothing = TreeHead {
            size: 0,
            root: empty_root(),
        };
        let old = previous.map_or(nothing, Checkpoint::head);
        verify_consistency(&old, &new.head(), proof).map_err(|cause| {
            NextCheckpointError::Inconsistent {
                old: old.size,
                new: new.size,
                cause,
            }
        })?;
        Ok(note::sign(&text, &self.key, &self.name))
    }
}

/// Why a checkpoint was not signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NextCheckpointError {
    /// It cannot be written.
    #[error("the new checkpoint cannot be written")]
    Field(#[source] CheckpointFieldError),
    /// It is of another log.
    #[error(
        "the new checkpoint is of {new:?}, the one before of {previous:?}: a log keeps its origin"
    )]
    Origin {
        /// The origin of the one before.
        previous: String,
        /// The origin of the new one.
        new: String,
    },
    /// The log shrank, was rewritten, or the proof is not one.
    #[error(
        "refused to sign a checkpoint of {new} entries after one of {old}: the journal must only \
         grow, verify it against the last signed checkpoint"
    )]
    Inconsistent {
        /// The size of the one before, 0 without one.
        old: u64,
        /// The size of the new one.
        new: u64,
        /// What the proof lacks.
        #[source]
        cause: VerifyConsistencyError,
    },
}

#[cfg(test)]
#[path = "checkpoint_tests.rs"]
mod tests;
