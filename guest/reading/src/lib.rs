//! How the built-in agents read: what is handed over, mails, notes, tables, dates and money.
//! I never guess in silence: what can't be read comes back as a note with its place. I hold no
//! state and ask naos for nothing, so that every rule here is tested on any machine.
//!
//! Start at [`input::Input`], then [`findings::find`] for prose and [`table::read`] for tables.

#[cfg(feature = "mail")]
pub mod absence;
pub mod actions;
pub mod answers;
pub mod charsets;
pub mod cues;
pub mod dates;
pub mod decimal;
pub mod due;
pub mod due_words;
pub mod durations;
#[cfg(feature = "mail")]
pub mod entities;
pub mod findings;
pub mod input;
pub mod language;
#[cfg(feature = "mail")]
pub mod mail;
pub mod nested;
pub mod own_words;
pub mod page;
pub mod passages;
pub mod people;
pub mod quoted;
pub mod replaced;
pub mod strands;
pub mod supposed;
pub mod table;
pub mod turns;
pub mod words;

pub use input::{Input, SourceFile};
pub use language::Language;
