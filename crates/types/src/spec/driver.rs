//! A driver: who answers events of some types, whatever it stands on.

use serde::{Deserialize, Serialize};

use super::{EventFilter, Kind, Starts, SubscriptionSpec};
use crate::Name;

/// The most types of events that one driver answers.
pub const CAPABILITIES_MAX: usize = 32;
/// What the subscription of a driver is called, before its name.
pub const DRIVER_PREFIX: &str = "driver-";

/// What a driver connects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DriverKind {
    /// Somebody who thinks.
    Agent,
    /// Something that is used.
    #[default]
    Tool,
    /// A way in or out.
    Io,
    /// A way to people.
    Ui,
}

impl DriverKind {
    /// All of them with their words.
    pub const ALL: &'static [(&'static str, Self)] = &[
        ("agent", Self::Agent),
        ("tool", Self::Tool),
        ("io", Self::Io),
        ("ui", Self::Ui),
    ];

    /// The one that a word names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        let found = Self::ALL.iter().find(|(known, _)| *known == word);
        found.map(|(_, kind)| *kind)
    }
}

/// A driver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriverSpec {
    /// The document, JSON.
    pub document: String,
    /// What it connects.
    pub kind: DriverKind,
    /// The agent that is given the events, and whose answer is the driver's.
    pub agent: Name,
    /// The types of events that it answers.
    pub capabilities: Vec<String>,
    /// Whether it is given any.
    pub enabled: bool,
}

impl DriverSpec {
    /// How it listens: nobody else answers the same types.
    #[must_use]
    pub fn listens(&self) -> Option<SubscriptionSpec> {
        let listens = self.enabled && !self.capabilities.is_empty();
        listens.then(|| SubscriptionSpec {
            description: format!("what driver {} answers", self.agent),
            filter: EventFilter {
                topics: self.capabilities.clone(),
                ..EventFilter::default()
            },
            starts: Some(Starts {
                kind: Kind::Agent,
                name: self.agent.clone(),
                input: None,
            }),
            ..SubscriptionSpec::default()
        })
    }

    /// What is wrong with it, in a sentence, whoever sent it.
    ///
    /// # Errors
    /// The sentence.
    pub fn check(&self) -> Result<(), String> {
        if self.capabilities.len() > CAPABILITIES_MAX {
            return Err(format!(
                "a driver answers at most {CAPABILITIES_MAX} types of events"
            ));
        }
        let glob = self.capabilities.iter().find(|topic| topic.contains('*'));
        if let Some(glob) = glob {
            return Err(format!(
                "a driver names each type that it answers, and {glob:?} stands for many"
            ));
        }
        self.listens().map_or(Ok(()), |listens| listens.check())
    }
}
