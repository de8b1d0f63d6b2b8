//! Expressions, templates and patterns: what data may compute.
//!
//! Never reads a clock, a file or the network, never iterates in a random order, never works
//! longer than its [`Limits`]: same input, same answer. What is written in a resource is checked
//! against a list of [`Names`] before it is kept; the same text is then evaluated over [`Vars`].
//! Start at [`cel::check`], [`template::check`] and [`pattern::skill_match`].

pub mod cel;
mod error;
mod names;
pub mod pattern;
pub mod schema;
pub mod template;

pub use error::{ComputeError, Position};
pub use names::{
    Names, check_names, flow_names, plan_names, policy_names, skill_names, task_names,
    trigger_names, wait_names,
};
pub use naos_types::Type;

use naos_types::Unread;
use serde_json::Value as Json;

/// What is wrong with text that was made and is to be read as JSON: an object in it says a key
/// twice, or a whole number doesn't fit. Whoever reads that takes the last one, or about as much,
/// unseen; text that is no JSON isn't looked at.
pub(crate) fn unkept(text: &[u8]) -> Option<Unread> {
    match naos_types::unkept(text)? {
        Unread::Twice(_) if crate::planted::is("last-key-wins") => None,
        Unread::Large(_) if crate::planted::is("digits-are-lost") => None,
        found => Some(found),
    }
}

/// The same with what the text says, in one reading.
pub(crate) fn read_exactly(text: &[u8]) -> Result<Json, Unread> {
    match naos_types::read_exactly(text) {
        Err(Unread::Twice(_)) if crate::planted::is("last-key-wins") => {
            Ok(serde_json::from_slice(text)?)
        }
        Err(Unread::Large(_)) if crate::planted::is("digits-are-lost") => {
            Ok(serde_json::from_slice(text)?)
        }
        read => read,
    }
}

/// The same of text that a formula makes of what it has: it may say a key again, as who makes a set
/// of words does, and the last one counts.
pub(crate) fn read_made(text: &[u8]) -> Result<Json, Unread> {
    match read_exactly(text) {
        Err(Unread::Twice(_)) => match naos_types::large_number(text) {
            Some(number) if !crate::planted::is("digits-are-lost") => Err(Unread::Large(number)),
            _ => Ok(serde_json::from_slice(text)?),
        },
        read => read,
    }
}

/// The longest expression.
pub const EXPRESSION_BYTES_MAX: usize = 4_096;
/// The longest template.
pub const TEMPLATE_BYTES_MAX: usize = 64 * 1_024;

/// How much one evaluation may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Steps: one per node visited, more where a step touches more.
    pub fuel_max: u64,
    /// The length of the result (as JSON or text).
    pub output_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            fuel_max: 1_000_000,
            output_bytes_max: 1 << 20,
        }
    }
}

/// The values that an expression or template sees, in the order they were set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Vars(serde_json::Map<String, Json>);

impl Vars {
    /// No values.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets one; an earlier one of the same name is replaced.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<Json>) {
        self.0.insert(name.into(), value.into());
    }

    /// The same with one more.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<Json>) -> Self {
        self.set(name, value);
        self
    }

    /// The value of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Json> {
        self.0.get(name)
    }

    /// Their names and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Json)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }
}

impl FromIterator<(String, Json)> for Vars {
    fn from_iter<I: IntoIterator<Item = (String, Json)>>(pairs: I) -> Self {
        Self(pairs.into_iter().collect())
    }
}
