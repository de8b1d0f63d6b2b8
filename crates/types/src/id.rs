//! 128-bit ids, sortable by time (RFC 9562 version 7), written as a prefix and 26 characters of
//! Crockford's base 32 (the TypeID form): `run_01jd8…`.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Digest, Time};

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

fn encode(bits: u128, out: &mut [u8; 26]) {
    for (index, slot) in out.iter_mut().enumerate() {
        let shift = 5 * (25 - index);
        *slot = ALPHABET[((bits >> shift) & 31) as usize];
    }
}

fn decode(text: &str) -> Option<u128> {
    if text.len() != 26 || text.as_bytes()[0] > b'7' {
        return None; // 26 × 5 = 130 bits: the first character holds three
    }
    text.bytes().try_fold(0_u128, |bits, byte| {
        let digit = ALPHABET.iter().position(|a| *a == byte)?;
        Some((bits << 5) | digit as u128)
    })
}

/// Mixes 64 bits (the finaliser of SplitMix64): every input bit reaches every output bit.
const fn mix(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

const VERSION_BITS: u128 = (7 << 76) | (2 << 62);
const VERSION_MASK: u128 = !((0xf << 76) | (3 << 62));

/// Makes ids from one turn's time and seed: the same turn makes the same ids.
#[derive(Debug, Clone)]
pub struct Mint {
    now: Time,
    seed: u128,
    count: u64,
}

impl Mint {
    /// A mint for one decision.
    #[must_use]
    pub const fn new(now: Time, seed: u128) -> Self {
        Self {
            now,
            seed,
            count: 0,
        }
    }

    /// The next 128 bits, with the time in front.
    pub fn next_bits(&mut self) -> u128 {
        self.count += 1;
        let low = mix(self.seed as u64 ^ mix(self.count));
        let high = mix((self.seed >> 64) as u64 ^ low);
        let random = (u128::from(high) << 64) | u128::from(low);
        stamp(self.now, random)
    }

    /// The next id of the wanted kind.
    pub fn next_id<I: From<u128>>(&mut self) -> I {
        I::from(self.next_bits())
    }
}

fn stamp(now: Time, random: u128) -> u128 {
    let millis = now.0.max(0) as u128 & 0xffff_ffff_ffff;
    (millis << 80) | (random & VERSION_MASK & ((1 << 80) - 1)) | VERSION_BITS
}

/// An id that follows from another one and a path: the same parent and path give the same id,
/// so that a step that is started twice is one step. Keeps the parent's time in front.
#[must_use]
pub fn derived_bits(parent: u128, path: &str) -> u128 {
    let mut text = Vec::with_capacity(16 + path.len());
    text.extend_from_slice(&parent.to_be_bytes());
    text.extend_from_slice(path.as_bytes());
    let mut half = [0_u8; 16];
    half.copy_from_slice(&Digest::of(&text).0[..16]);
    stamp(Time((parent >> 80) as i64), u128::from_be_bytes(half))
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident $prefix:literal)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u128);

        impl $name {
            /// What stands before the underscore in the text form.
            pub const PREFIX: &'static str = $prefix;

            /// The id that follows from `parent` and `path`.
            #[must_use]
            pub fn derived(parent: u128, path: &str) -> Self {
                Self(derived_bits(parent, path))
            }

            /// When it was made, or the id that it follows from.
            #[must_use]
            pub const fn made(self) -> Time {
                Time((self.0 >> 80) as i64)
            }

            /// Parses the text form; `None` if it isn't one.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                decode(text.strip_prefix(concat!($prefix, "_"))?).map(Self)
            }
        }

        impl From<u128> for $name {
            fn from(bits: u128) -> Self { Self(bits) }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let mut text = [0_u8; 26];
                encode(self.0, &mut text);
                f.write_str(concat!($prefix, "_"))?;
                text.iter().try_for_each(|byte| std::fmt::Write::write_char(f, *byte as char))
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self, f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = BadId;
            fn from_str(text: &str) -> Result<Self, BadId> {
                Self::parse(text).ok_or(BadId { wanted: $prefix })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                if s.is_human_readable() {
                    s.collect_str(self)
                } else {
                    self.0.to_be_bytes().serialize(s)
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                if d.is_human_readable() {
                    String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
                } else {
                    <[u8; 16]>::deserialize(d).map(|b| Self(u128::from_be_bytes(b)))
                }
            }
        }
    )*};
}

/// A text that isn't an id of the wanted kind.
#[derive(Debug, thiserror::Error)]
#[error("not an id of the form {wanted}_ and 26 characters")]
pub struct BadId {
    wanted: &'static str,
}

ids! {
    /// A client: one cell, one journal, one file.
    TenantId "ten"
    /// One piece of work that somebody asked for.
    TaskId "task"
    /// One execution of an agent or a skill for a task.
    RunId "run"
    /// One execution of a plan.
    PlanId "plan"
    /// One review of one result.
    ReviewId "rev"
    /// One question to a person.
    ApprovalId "appr"
    /// One message on the bus.
    EventId "evt"
    /// One message in a thread.
    MessageId "msg"
    /// A person or a machine with a role in a tenant.
    MemberId "mem"
    /// One secret that proves a member; the secret itself is never stored.
    TokenId "tok"
    /// One notice to one receiver.
    NoticeId "note"
    /// The life of one schedule: the ids of what it starts follow from it.
    ScheduleId "sched"
    /// One append to a journal, known before it is written.
    BatchId "batch"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_back() {
        for bits in [0, 1, u128::MAX, 0x0192_f00d << 96] {
            let id = RunId(bits);
            assert_eq!(RunId::parse(&id.to_string()), Some(id), "{id}");
        }
    }

    #[test]
    fn refuses_what_is_no_id() {
        let good = RunId(7).to_string();
        for bad in [
            "",
            "run_",
            "task_00000000000000000000000007",
            &good[..29],
            "run_80000000000000000000000000",
        ] {
            assert_eq!(RunId::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn ids_of_one_turn_differ_and_sort_by_time() {
        let mut early = Mint::new(Time(1_000), 9);
        let mut late = Mint::new(Time(2_000), 1);
        let (a, b, c): (RunId, RunId, RunId) = (early.next_id(), early.next_id(), late.next_id());
        assert!(a != b && a < c && b < c);
        assert_eq!(Mint::new(Time(1_000), 9).next_id::<RunId>(), a);
        assert_eq!(RunId::derived(a.0, "x/1"), RunId::derived(a.0, "x/1"));
        assert_ne!(RunId::derived(a.0, "x/1"), RunId::derived(a.0, "x/2"));
    }
}
