//! What an agent logged, as it is kept with its run.
//!
//! A page holds the lines between two commits that spoke for the run. Its bytes are a body, sealed
//! like any other, and named by `run.logged`; bytes of this layout stay readable for ever.

use serde::{Deserialize, Serialize};

use crate::{BodyRef, Time};

/// How loud a line is. The order is part of the stored layout: append, never reorder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// For whoever works on the agent.
    Debug,
    /// Normal progress.
    Info,
    /// Worth a look.
    Warn,
    /// Something went wrong.
    Error,
}

impl LogLevel {
    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// When it was written.
    pub at: Time,
    /// By which attempt of the run, counted from 1.
    pub attempt: u32,
    /// In which call of the run, counted from 0 over all kinds of calls.
    pub call: u32,
    /// How loud.
    pub level: LogLevel,
    /// What it says: without control characters, at most so long.
    pub text: String,
    /// How many bytes of it were left out.
    pub cut: u32,
}

/// What was logged between two commits that spoke for the run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogPage {
    /// In order.
    pub lines: Vec<LogLine>,
}

/// The first byte of a page: its layout.
const LAYOUT: u8 = 1;

impl LogPage {
    /// The bytes that are kept.
    ///
    /// # Panics
    /// Never: a page holds nothing that postcard can't write.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let bytes = vec![LAYOUT];
        postcard::to_extend(self, bytes).expect("a page always encodes")
    }

    /// The page that was kept; none for bytes that are none.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (&LAYOUT, rest) = bytes.split_first()? else {
            return None;
        };
        match postcard::take_from_bytes(rest) {
            Ok((page, [])) => Some(page),
            _ => None,
        }
    }
}

/// Lines on their way into a run's log, in the commit that speaks for the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewLog {
    /// The staged page; none where all lines were left out.
    pub page: Option<BodyRef>,
    /// How many lines it holds.
    pub lines: u32,
    /// How many bytes of text they hold.
    pub bytes: u32,
    /// How many lines were left out since the page before.
    pub left_out: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> LogPage {
        LogPage {
            lines: vec![LogLine {
                at: Time(5),
                attempt: 1,
                call: 2,
                level: LogLevel::Warn,
                text: "no date".into(),
                cut: 3,
            }],
        }
    }

    #[test]
    fn a_kept_page_reads_back_for_ever() {
        let bytes = b"\x01\x01\x0a\x01\x02\x02\x07no date\x03";
        assert_eq!(page().encode(), bytes);
        assert_eq!(LogPage::decode(bytes), Some(page()));
    }

    #[test]
    fn bytes_that_are_no_page_are_none() {
        let good = page().encode();
        for end in 0..good.len() {
            assert_eq!(LogPage::decode(&good[..end]), None, "cut at {end}");
        }
        assert_eq!(LogPage::decode(&[&good[..], &[0]].concat()), None);
        assert_eq!(LogPage::decode(&[&[2], &good[1..]].concat()), None);
    }
}
