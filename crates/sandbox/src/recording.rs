//! What a run asked and what it was told: enough to run it again up to the same point.
//!
//! Recorded answers travel in [`Segment`]s that the sandbox fills; answers of gated calls are the
//! host's own facts and are added with [`Recording::push_answer`]. Both keep the order of the run.

use crate::host::{GatedAnswer, GatedCall};
use crate::limits::{SEGMENT_BYTES_MAX, SEGMENT_CALLS_MAX, SEGMENT_READ_BYTES_MAX};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;

/// First byte of every segment. A reader of this version refuses any other.
pub const SEGMENT_VERSION: u8 = 1;

/// Bytes that a call takes in a segment beside its answer, about.
const CALL_BYTES: usize = 40;

/// An ability that leaves a trace in the recording.
///
/// The order is part of the format: append, never reorder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Ability {
    /// Lines of log.
    Log,
    /// Private state.
    State,
    /// Shared documents.
    Context,
    /// HTTP requests.
    Http,
    /// Events on the bus.
    Events,
    /// Questions to a person.
    Ask,
}

impl fmt::Display for Ability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Ability::Log => "log",
            Ability::State => "state",
            Ability::Context => "context",
            Ability::Http => "http",
            Ability::Events => "events",
            Ability::Ask => "ask",
        })
    }
}

/// One call of a run and its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    /// Its place among all calls of the run, from 0.
    pub index: u32,
    /// Which ability was used.
    pub ability: Ability,
    /// SHA-256 over ability and request.
    pub digest: [u8; 32],
    /// What the agent was told, in postcard.
    #[serde(with = "crate::bytes")]
    pub answer: Vec<u8>,
}

/// An encoded piece of a recording: to be sealed and journaled as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Index of its first call.
    pub first: u32,
    /// How many calls it holds.
    pub calls: u32,
    /// What to keep.
    pub bytes: Vec<u8>,
}

impl Segment {
    fn encode(calls: &[Recorded]) -> Result<Segment, postcard::Error> {
        let bytes = postcard::to_extend(calls, vec![SEGMENT_VERSION])?;
        let first = calls.first().map_or(0, |call| call.index);
        Ok(Segment {
            first,
            calls: calls.len() as u32,
            bytes,
        })
    }

    /// Reads a segment back. Never panics, whatever the bytes are.
    pub fn decode(bytes: &[u8]) -> Result<Vec<Recorded>, RecordingError> {
        if bytes.len() > SEGMENT_READ_BYTES_MAX {
            return Err(RecordingError::TooLong { bytes: bytes.len() });
        }
        let rest = match bytes.split_first() {
            Some((&SEGMENT_VERSION, rest)) => rest,
            Some((&version, _)) => return Err(RecordingError::Version { version }),
            None => return Err(RecordingError::Empty),
        };
        let (calls, left): (Vec<Recorded>, &[u8]) =
            postcard::take_from_bytes(rest).map_err(RecordingError::Malformed)?;
        if !left.is_empty() {
            return Err(RecordingError::Trailing { bytes: left.len() });
        }
        if calls.is_empty() || calls.len() > SEGMENT_CALLS_MAX {
            return Err(RecordingError::Count { calls: calls.len() });
        }
        for pair in calls.windows(2) {
            if pair[0].index.checked_add(1) != Some(pair[1].index) {
                return Err(RecordingError::Order {
                    expected: pair[0].index.saturating_add(1),
                    found: pair[1].index,
                });
            }
        }
        Ok(calls)
    }
}

/// Why a recording could not be put together.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// Nothing in it.
    #[error("reading a segment of a recording: it is empty")]
    Empty,
    /// Written by another format.
    #[error("reading a segment of a recording: format {version} is not known to this naos")]
    Version {
        /// What its first byte says.
        version: u8,
    },
    /// More than we read.
    #[error("reading a segment of a recording: {bytes} bytes are more than a segment can have")]
    TooLong {
        /// How many there are.
        bytes: usize,
    },
    /// Not what its version says.
    #[error("reading a segment of a recording: its bytes are damaged")]
    Malformed(#[source] postcard::Error),
    /// More bytes than calls.
    #[error("reading a segment of a recording: {bytes} bytes are left over behind its last call")]
    Trailing {
        /// How many.
        bytes: usize,
    },
    /// No calls or too many.
    #[error("reading a segment of a recording: it cannot hold {calls} calls")]
    Count {
        /// How many it holds.
        calls: usize,
    },
    /// A call is missing, doubled or out of place.
    #[error("putting a recording together: call {expected} comes next, but this is call {found}")]
    Order {
        /// The next index.
        expected: u32,
        /// The index at hand.
        found: u32,
    },
    /// A gated answer could not be written down.
    #[error("putting a recording together: an answer cannot be encoded")]
    Encode(#[source] postcard::Error),
}

/// All that a run asked and was told so far, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recording {
    pub(crate) calls: Vec<Recorded>,
}

impl Recording {
    /// Of a run that has not asked anything yet.
    pub fn new() -> Self {
        Recording::default()
    }

    /// How many calls are answered.
    pub fn len(&self) -> usize {
        self.calls.len()
    }

    /// Whether no call is answered yet.
    pub fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// The calls, in order.
    pub fn calls(&self) -> &[Recorded] {
        &self.calls
    }

    /// Appends a segment as the sandbox wrote it.
    pub fn push_segment(&mut self, bytes: &[u8]) -> Result<(), RecordingError> {
        let calls = Segment::decode(bytes)?;
        self.expect(calls[0].index)?;
        self.calls.extend(calls);
        Ok(())
    }

    /// Appends the durable outcome of a gated call: `now_ms` is when it became durable.
    pub fn push_answer(
        &mut self,
        call: &GatedCall,
        answer: &GatedAnswer,
        now_ms: u64,
    ) -> Result<(), RecordingError> {
        self.push_outcome(call.index, call.digest, answer, now_ms)
    }

    /// The same, from the parts that a journal keeps of the call.
    pub fn push_outcome(
        &mut self,
        index: u32,
        digest: [u8; 32],
        answer: &GatedAnswer,
        now_ms: u64,
    ) -> Result<(), RecordingError> {
        self.expect(index)?;
        let ability = crate::host::ability_of(answer);
        let answer =
            postcard::to_stdvec(&(Some(now_ms), answer)).map_err(RecordingError::Encode)?;
        self.calls.push(Recorded {
            index,
            ability,
            digest,
            answer,
        });
        Ok(())
    }

    fn expect(&self, found: u32) -> Result<(), RecordingError> {
        let expected = self.calls.len() as u32;
        if found == expected {
            Ok(())
        } else {
            Err(RecordingError::Order { expected, found })
        }
    }
}

/// SHA-256 over an ability and what is asked of it.
pub(crate) fn digest<Q: Serialize + ?Sized>(
    ability: Ability,
    request: &Q,
) -> Result<[u8; 32], postcard::Error> {
    let sha = postcard::to_io(&(ability, request), HashWriter(Sha256::new()))?;
    Ok(sha.0.finalize().into())
}

struct HashWriter(Sha256);

impl std::io::Write for HashWriter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Where a run stands on its recording, and what it adds behind the end.
pub(crate) struct Tape {
    replay: Vec<Recorded>,
    answered: u32,
    pending: Vec<Recorded>,
    pending_bytes: usize,
}

/// The run asks something else than it did when it was recorded.
#[derive(Debug)]
pub(crate) struct Diverged {
    pub(crate) index: u32,
    pub(crate) recorded: String,
    pub(crate) asked: String,
}

impl Tape {
    pub(crate) fn new(recording: Recording) -> Self {
        Tape {
            replay: recording.calls,
            answered: 0,
            pending: Vec::new(),
            pending_bytes: 0,
        }
    }

    /// How many calls are answered: also the index of the next one.
    pub(crate) fn answered(&self) -> u32 {
        self.answered
    }

    /// Whether the next call is answered by the recording.
    pub(crate) fn replaying(&self) -> bool {
        (self.answered as usize) < self.replay.len()
    }

    /// The recorded answer of the next call, if there is one.
    pub(crate) fn next(
        &mut self,
        ability: Ability,
        digest: [u8; 32],
    ) -> Result<Option<&[u8]>, Diverged> {
        let Some(call) = self.replay.get(self.answered as usize) else {
            return Ok(None);
        };
        if (call.ability, call.digest) != (ability, digest) {
            return Err(Diverged {
                index: self.answered,
                recorded: name(call.ability, &call.digest),
                asked: name(ability, &digest),
            });
        }
        self.answered += 1;
        Ok(Some(&call.answer))
    }

    /// The call that the recording has and the run, which ended as `asked`, never made.
    pub(crate) fn left_over(&self, asked: &str) -> Option<Diverged> {
        let call = self.replay.get(self.answered as usize)?;
        Some(Diverged {
            index: self.answered,
            recorded: name(call.ability, &call.digest),
            asked: asked.to_owned(),
        })
    }

    /// Adds a live answer; returns a segment when that fills one.
    pub(crate) fn record(
        &mut self,
        ability: Ability,
        digest: [u8; 32],
        answer: Vec<u8>,
    ) -> Result<Option<Segment>, postcard::Error> {
        self.pending_bytes += answer.len() + CALL_BYTES;
        self.pending.push(Recorded {
            index: self.answered,
            ability,
            digest,
            answer,
        });
        self.answered += 1;
        let full =
            self.pending.len() >= SEGMENT_CALLS_MAX || self.pending_bytes >= SEGMENT_BYTES_MAX;
        if full { self.close() } else { Ok(None) }
    }

    /// A gated call was answered live. The host keeps the answer, so it is in no segment.
    pub(crate) fn pass(&mut self) {
        self.answered += 1;
    }

    /// What is recorded and in no segment yet.
    pub(crate) fn close(&mut self) -> Result<Option<Segment>, postcard::Error> {
        if self.pending.is_empty() {
            return Ok(None);
        }
        let segment = Segment::encode(&self.pending)?;
        self.pending.clear();
        self.pending_bytes = 0;
        Ok(Some(segment))
    }
}

fn name(ability: Ability, digest: &[u8; 32]) -> String {
    let [a, b, c, d, ..] = digest;
    format!("{ability} request {a:02x}{b:02x}{c:02x}{d:02x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(index: u32, answer: Vec<u8>) -> Recorded {
        Recorded {
            index,
            ability: Ability::State,
            digest: [7; 32],
            answer,
        }
    }

    fn encoded(calls: &[Recorded]) -> Vec<u8> {
        Segment::encode(calls).expect("encode").bytes
    }

    #[test]
    fn a_segment_reads_back() {
        let calls = vec![call(0, vec![1, 2]), call(1, vec![])];
        let segment = Segment::encode(&calls).expect("encode");
        assert_eq!((segment.first, segment.calls), (0, 2));
        assert_eq!(Segment::decode(&segment.bytes).expect("decode"), calls);
    }

    #[test]
    fn malformed_segments_are_errors() {
        let good = encoded(&[call(0, vec![1]), call(1, vec![2])]);
        let other_version = [&[9], &good[1..]].concat();
        let trailing = [&good[..], &[0]].concat();
        let gap = encoded(&[call(0, vec![]), call(2, vec![])]);
        let last = encoded(&[call(u32::MAX, vec![]), call(0, vec![])]);
        let many: Vec<_> = (0..257).map(|i| call(i, vec![])).collect();
        let huge_count = [
            SEGMENT_VERSION,
            0xff,
            0xff,
            0xff,
            0xff,
            0xff,
            0xff,
            0xff,
            0xff,
            0x7f,
        ];
        for (bytes, expected) in [
            (&[][..], "it is empty"),
            (&other_version, "format 9 is not known"),
            (&trailing, "1 bytes are left over"),
            (&gap, "call 1 comes next, but this is call 2"),
            (&last, "this is call 0"),
            (&encoded(&many), "cannot hold 257 calls"),
            (&encoded(&[]), "cannot hold 0 calls"),
            (&huge_count, "damaged"),
        ] {
            let error = Segment::decode(bytes).expect_err(expected).to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn a_cut_or_flipped_segment_never_panics() {
        let good = encoded(&[call(0, vec![1; 40]), call(1, vec![2; 3])]);
        for length in 0..good.len() {
            assert!(Segment::decode(&good[..length]).is_err(), "cut at {length}");
        }
        for at in 0..good.len() * 8 {
            let mut bytes = good.clone();
            bytes[at / 8] ^= 1 << (at % 8);
            // Some flips only change an answer; none may panic.
            let _ = Segment::decode(&bytes);
        }
    }

    #[test]
    fn segments_must_follow_each_other() {
        let mut recording = Recording::new();
        recording
            .push_segment(&encoded(&[call(0, vec![])]))
            .expect("first");
        assert!(
            recording
                .push_segment(&encoded(&[call(0, vec![])]))
                .is_err()
        );
        assert!(
            recording
                .push_segment(&encoded(&[call(2, vec![])]))
                .is_err()
        );
        recording
            .push_segment(&encoded(&[call(1, vec![])]))
            .expect("second");
        assert_eq!(recording.len(), 2);
    }

    #[test]
    fn a_segment_closes_at_its_bounds() {
        let mut tape = Tape::new(Recording::new());
        for index in 0..SEGMENT_CALLS_MAX {
            let segment = tape.record(Ability::Log, [0; 32], vec![]).expect("record");
            assert_eq!(segment.is_some(), index + 1 == SEGMENT_CALLS_MAX);
        }
        let segment = tape.record(Ability::Log, [0; 32], vec![0; SEGMENT_BYTES_MAX]);
        let segment = segment.expect("record").expect("full by bytes");
        assert_eq!((segment.first, segment.calls), (256, 1));
        assert!(tape.close().expect("close").is_none());
    }

    #[test]
    fn the_digest_knows_the_ability() {
        let one = digest(Ability::Log, "x").expect("digest");
        let other = digest(Ability::State, "x").expect("digest");
        assert_ne!(one, other);
        assert_eq!(one, digest(Ability::Log, "x").expect("digest"));
    }
}
