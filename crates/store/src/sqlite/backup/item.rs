//! What stands in a backup, one item after the other: a length, then postcard.

use serde::{Deserialize, Serialize, Serializer};

use super::BackupError;
use super::sealed::{Opener, Sealer};
use crate::sqlite::row::{Answer, Body};

/// No item is longer: a body is the longest thing there is.
const ITEM_BYTES_MAX: u32 = 512 << 20;

fn as_bytes<S: Serializer>(bytes: &&[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(bytes)
}

/// One item. New kinds come at the end, with a new format of the file.
#[derive(Serialize, Deserialize)]
pub(crate) enum Item<'a> {
    /// The first one.
    Start { naos: &'a str, at: i64 },
    /// A part of a file beside the store.
    #[serde(borrow)]
    File(FilePart<'a>),
    /// A tenant's journal begins.
    #[serde(borrow)]
    Tenant(Head<'a>),
    /// A signed checkpoint; all of them come before the facts.
    #[serde(borrow)]
    Checkpoint(Signed<'a>),
    /// The next fact.
    #[serde(borrow)]
    Fact(Entry<'a>),
    /// An aggregate.
    #[serde(borrow)]
    Record(Row<'a>),
    /// What was replied to a command.
    #[serde(borrow)]
    Answer(Answer<'a>),
    /// A small body.
    #[serde(borrow)]
    Body(Body<'a>),
    /// A tenant's rows end.
    TenantEnd { items: u64 },
    /// A large body; all of them come after the last tenant's rows, by tenant.
    Packed {
        tenant: u128,
        #[serde(borrow)]
        body: Body<'a>,
    },
    /// A key that was known; not what it is.
    Key { tenant: u128, subject: u64 },
    /// The last one.
    End { items: u64 },
}

#[derive(Serialize, Deserialize)]
pub(crate) struct FilePart<'a> {
    /// In the data directory.
    pub(crate) path: &'a str,
    /// Where it begins: parts come in order.
    pub(crate) offset: u64,
    #[serde(serialize_with = "as_bytes")]
    pub(crate) bytes: &'a [u8],
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Head<'a> {
    pub(crate) tenant: u128,
    pub(crate) seq: u64,
    pub(crate) epoch: u64,
    pub(crate) at: i64,
    pub(crate) batch: u128,
    pub(crate) records_seq: u64,
    #[serde(serialize_with = "as_bytes")]
    pub(crate) frontier: &'a [u8],
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Signed<'a> {
    pub(crate) size: u64,
    pub(crate) at: i64,
    pub(crate) note: &'a str,
    #[serde(serialize_with = "as_bytes")]
    pub(crate) frontier: &'a [u8],
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Entry<'a> {
    pub(crate) at: i64,
    pub(crate) kind: &'a str,
    pub(crate) version: u8,
    #[serde(serialize_with = "as_bytes")]
    pub(crate) bytes: &'a [u8],
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Row<'a> {
    pub(crate) kind: &'a str,
    #[serde(serialize_with = "as_bytes")]
    pub(crate) id: &'a [u8],
    pub(crate) version: u8,
    pub(crate) seq: u64,
    pub(crate) open: bool,
    #[serde(serialize_with = "as_bytes")]
    pub(crate) bytes: &'a [u8],
}

/// Writes items.
pub(crate) struct Items<'w> {
    to: Sealer<'w>,
    pub(crate) written: u64,
    pub(crate) bytes: u64,
}

impl<'w> Items<'w> {
    pub(crate) const fn new(to: Sealer<'w>) -> Self {
        Self {
            to,
            written: 0,
            bytes: 0,
        }
    }

    pub(crate) fn put(&mut self, item: &Item<'_>) -> Result<(), BackupError> {
        let bytes =
            postcard::to_stdvec(item).expect("postcard writes any of our types into memory");
        let length = u32::try_from(bytes.len())
            .ok()
            .filter(|length| *length <= ITEM_BYTES_MAX)
            .ok_or_else(|| BackupError::damaged("an item is longer than any may be"))?;
        let failed = |cause| BackupError::io("the backup", cause);
        self.to.write(&length.to_be_bytes()).map_err(failed)?;
        self.to.write(&bytes).map_err(failed)?;
        self.written += 1;
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    pub(crate) fn end(self) -> Result<(), BackupError> {
        let failed = |cause| BackupError::io("the backup", cause);
        self.to.end().map_err(failed)
    }
}

/// The next item's bytes; false after the last one.
pub(crate) fn next(from: &mut Opener<'_>, bytes: &mut Vec<u8>) -> Result<bool, BackupError> {
    let mut length = [0; 4];
    if !from.read(&mut length)? {
        return Ok(false);
    }
    let length = u32::from_be_bytes(length);
    if length > ITEM_BYTES_MAX {
        return Err(BackupError::damaged("an item is longer than any may be"));
    }
    bytes.clear();
    bytes.resize(length as usize, 0);
    if length > 0 && !from.read(bytes)? {
        return Err(BackupError::damaged("its last item is cut short"));
    }
    Ok(true)
}

pub(crate) fn parse(bytes: &[u8]) -> Result<Item<'_>, BackupError> {
    match postcard::take_from_bytes(bytes) {
        Ok((item, [])) => Ok(item),
        _ => Err(BackupError::damaged("an item has no known layout")),
    }
}
