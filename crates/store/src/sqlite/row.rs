//! What one row of the node log holds: all that one tenant adds in one commit, as postcard.

use std::borrow::Cow;

use naos_types::{BodyRef, Digest, Seq, TenantId, Time};
use serde::{Deserialize, Serialize, Serializer};

use crate::erased;
use crate::traits::{Append, Entry, InboxRow};

fn as_bytes<S: Serializer>(bytes: &&[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(bytes)
}

/// One tenant's share of one commit.
#[derive(Serialize, Deserialize)]
pub(crate) struct Content<'a> {
    #[serde(borrow)]
    pub(crate) parts: Vec<Part<'a>>,
}

/// One append.
#[derive(Serialize, Deserialize)]
pub(crate) struct Part<'a> {
    pub(crate) batch: u128,
    pub(crate) expected: Seq,
    pub(crate) epoch: u64,
    pub(crate) wake: Option<i64>,
    #[serde(borrow)]
    pub(crate) facts: Vec<Fact<'a>>,
    #[serde(borrow)]
    pub(crate) bodies: Vec<Body<'a>>,
    #[serde(borrow)]
    pub(crate) answers: Vec<Answer<'a>>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Fact<'a> {
    pub(crate) at: i64,
    pub(crate) kind: &'a str,
    pub(crate) version: u8,
    #[serde(serialize_with = "as_bytes")]
    pub(crate) bytes: &'a [u8],
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Body<'a> {
    pub(crate) digest: [u8; 32],
    pub(crate) len: u64,
    #[serde(serialize_with = "as_bytes")]
    pub(crate) sealed: &'a [u8],
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Answer<'a> {
    pub(crate) source: &'a str,
    pub(crate) key: &'a str,
    pub(crate) request: [u8; 32],
    #[serde(serialize_with = "as_bytes")]
    pub(crate) reply: &'a [u8],
    pub(crate) at: i64,
}

impl<'a> Part<'a> {
    pub(crate) fn of(append: &'a Append) -> Self {
        let facts = append.entries.iter().map(|entry| Fact {
            at: entry.at.0,
            kind: &entry.kind,
            version: entry.version,
            bytes: &entry.bytes,
        });
        let bodies = append.bodies.iter().map(|body| Body {
            digest: body.name.digest.0,
            len: body.name.len,
            sealed: &body.sealed,
        });
        let answers = append.inbox.iter().map(|row| Answer {
            source: &row.source,
            key: &row.key,
            request: row.request.0,
            reply: &row.reply,
            at: row.at.0,
        });
        Self {
            batch: append.batch.0,
            expected: append.expected,
            epoch: append.epoch,
            wake: append.wake.map(|at| at.0),
            facts: facts.collect(),
            bodies: bodies.collect(),
            answers: answers.collect(),
        }
    }

    /// The facts with their seqs.
    pub(crate) fn numbered(&self) -> impl Iterator<Item = (Seq, &Fact<'a>)> {
        (self.expected + 1..).zip(&self.facts)
    }

    /// The contents that its facts take away.
    pub(crate) fn erased(&self) -> Vec<BodyRef> {
        let facts = self.facts.iter();
        erased::by(facts.map(|fact| (fact.kind, fact.version, fact.bytes)))
    }
}

impl Fact<'_> {
    pub(crate) fn entry(&self, seq: Seq) -> Entry {
        Entry {
            seq,
            at: Time(self.at),
            kind: Cow::Owned(self.kind.to_owned()),
            version: self.version,
            bytes: self.bytes.to_vec(),
        }
    }
}

impl Body<'_> {
    pub(crate) fn name(&self) -> BodyRef {
        BodyRef {
            digest: Digest(self.digest),
            len: self.len,
        }
    }
}

impl Answer<'_> {
    pub(crate) fn row(&self) -> InboxRow {
        InboxRow {
            source: self.source.to_owned(),
            key: self.key.to_owned(),
            request: Digest(self.request),
            reply: self.reply.to_vec(),
            at: Time(self.at),
        }
    }
}

/// One row of the log as it stands beside its sealed content. All of it is authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RowHead {
    pub(crate) pos: u64,
    pub(crate) tenant: TenantId,
    pub(crate) first: Seq,
    pub(crate) last: Seq,
    pub(crate) epoch: u64,
    pub(crate) batch: u128,
}

impl RowHead {
    pub(crate) fn aad(&self) -> [u8; 68] {
        let mut aad = [0; 68];
        aad[..4].copy_from_slice(b"log1");
        aad[4..12].copy_from_slice(&self.pos.to_be_bytes());
        aad[12..28].copy_from_slice(&self.tenant.0.to_be_bytes());
        aad[28..36].copy_from_slice(&self.first.to_be_bytes());
        aad[36..44].copy_from_slice(&self.last.to_be_bytes());
        aad[44..52].copy_from_slice(&self.epoch.to_be_bytes());
        aad[52..].copy_from_slice(&self.batch.to_be_bytes());
        aad
    }
}

/// A row that is durable in the log and not yet in the tenant's file.
pub(crate) struct Pending {
    pub(crate) head: RowHead,
    /// [`Content`] in postcard.
    pub(crate) plain: Vec<u8>,
}

impl Pending {
    pub(crate) fn content(&self) -> Content<'_> {
        postcard::from_bytes(&self.plain).expect("checked when it was read, or encoded here")
    }

    /// The contents that its facts take away.
    pub(crate) fn erased(&self) -> Vec<BodyRef> {
        let content = self.content();
        content.parts.iter().flat_map(Part::erased).collect()
    }

    pub(crate) fn facts(&self) -> u64 {
        self.head.last + 1 - self.head.first
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{A, answer, append};

    #[test]
    fn content_round_trips() {
        let full = Append {
            inbox: vec![answer("m", "k", 9)],
            wake: Some(Time(-4)),
            ..append(A, 7, 3)
        };
        let bytes = postcard::to_stdvec(&Content {
            parts: vec![Part::of(&full)],
        })
        .unwrap();
        let content: Content<'_> = postcard::from_bytes(&bytes).unwrap();
        let part = &content.parts[0];
        let entries: Vec<_> = part.numbered().map(|(seq, fact)| fact.entry(seq)).collect();
        assert_eq!(entries, full.entries);
        assert_eq!(part.answers[0].row(), full.inbox[0]);
        assert_eq!(
            (part.batch, part.epoch, part.wake),
            (full.batch.0, 1, Some(-4))
        );
    }

    #[test]
    fn every_column_is_authenticated() {
        let head = RowHead {
            pos: 1,
            tenant: A,
            first: 2,
            last: 3,
            epoch: 4,
            batch: 5,
        };
        let others = [
            RowHead { pos: 9, ..head },
            RowHead {
                tenant: TenantId(9),
                ..head
            },
            RowHead { first: 9, ..head },
            RowHead { last: 9, ..head },
            RowHead { epoch: 9, ..head },
            RowHead { batch: 9, ..head },
        ];
        for other in others {
            assert_ne!(other.aad(), head.aad());
        }
    }
}
