//! A driver that is built in: naos itself answers its events, under what its manifest grants.

use serde::{Deserialize, Serialize};

use super::{DriverKind, DriverLimits, DriverSpec, Spec};

/// The most patterns of documents that a driver's manifest grants.
pub const NATIVE_GRANTS_MAX: usize = 64;
/// The longest text that people are shown of an event, in bytes.
pub const SHOWN_BYTES_MAX: usize = 16 * 1_024;

macro_rules! natives {
    ($($(#[$doc:meta])* $variant:ident $word:literal $kind:ident [$($topic:literal)*])*) => {
        /// What naos does itself.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub enum Native { $($(#[$doc])* #[serde(rename = $word)] $variant,)* }

        impl Native {
            /// All of it with its words.
            pub const ALL: &'static [(&'static str, Self)] = &[$(($word, Self::$variant),)*];

            /// Its word.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// What a driver connects that does it.
            #[must_use]
            pub const fn kind(self) -> DriverKind {
                match self { $(Self::$variant => DriverKind::$kind,)* }
            }

            /// The types of events that it answers where its manifest names none.
            #[must_use]
            pub const fn topics(self) -> &'static [&'static str] {
                match self { $(Self::$variant => &[$($topic,)*],)* }
            }
        }
    };
}

natives! {
    /// Reads a document.
    ContextRead "context.read" Tool ["context.read"]
    /// Writes a document.
    ContextWrite "context.write" Tool ["context.write"]
    /// Tells people.
    Notify "notify" Ui ["notification.send" "notification.urgent"]
    /// Answers with what it was given.
    Echo "echo" Tool ["echo"]
}

impl Native {
    /// The one that a word names; `context_read` is the same as `context.read`.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        let word = word.replace('_', ".");
        let found = Self::ALL.iter().find(|(known, _)| *known == word);
        found.map(|(_, native)| *native)
    }
}

/// A driver that is built in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NativeDriver {
    /// What it answers; its runs go by the name of its subscription.
    pub driver: DriverSpec,
    /// How much it is asked for.
    pub limits: DriverLimits,
    /// What it does.
    pub native: Native,
    /// The documents that it may read, as agents' manifests name them.
    #[serde(default)]
    pub reads: Vec<String>,
    /// Those that it may write.
    #[serde(default)]
    pub writes: Vec<String>,
}

impl NativeDriver {
    /// What is wrong with it, in a sentence, whoever sent it.
    ///
    /// # Errors
    /// The sentence.
    pub fn check(&self) -> Result<(), String> {
        self.driver.check()?;
        self.limits.check()?;
        if self.driver.kind != self.native.kind() {
            return Err(format!(
                "`builtin: {}` is a driver of type {}",
                self.native.word(),
                self.native.kind().word()
            ));
        }
        if self.reads.len() > NATIVE_GRANTS_MAX || self.writes.len() > NATIVE_GRANTS_MAX {
            return Err(format!(
                "a driver is granted at most {NATIVE_GRANTS_MAX} patterns of documents"
            ));
        }
        Ok(())
    }
}

impl Spec {
    /// What naos does itself, where the driver is built in that it is.
    #[must_use]
    pub fn native(&self) -> Option<&NativeDriver> {
        match self {
            Self::Native(native) => Some(native),
            _ => None,
        }
    }

    /// Whether the driver that it is does its work without an agent.
    #[must_use]
    pub fn needs_no_agent(&self) -> bool {
        self.endpoint().is_some() || self.native().is_some()
    }
}
