//! A driver: who answers events of some types, whatever it stands on.

use serde::{Deserialize, Serialize};

use super::{EventFilter, Kind, Starts, SubscriptionSpec};
use crate::{Name, Span};

/// The most types of events that one driver answers.
pub const CAPABILITIES_MAX: usize = 32;
/// The folder of documents that people set for drivers.
pub const DRIVER_DOCUMENTS: &str = "Drivers";
/// What the subscription of a driver is called, before its name.
pub const DRIVER_PREFIX: &str = "driver-";

/// The subscription that a driver listens with; none for a name that leaves no room for it.
#[must_use]
pub fn driver_listens(driver: &Name) -> Option<Name> {
    Name::new(&format!("{DRIVER_PREFIX}{driver}")).ok()
}

/// The driver that listens with a subscription.
#[must_use]
pub fn driver_of(subscription: &Name) -> Option<Name> {
    let name = subscription.as_str().strip_prefix(DRIVER_PREFIX)?;
    Name::new(name).ok()
}

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

    /// Its word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Tool => "tool",
            Self::Io => "io",
            Self::Ui => "ui",
        }
    }

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
    /// The types of events that it answers: none while it is disabled.
    #[must_use]
    pub fn answers(&self) -> &[String] {
        if self.enabled {
            &self.capabilities
        } else {
            &[]
        }
    }

    /// How it listens: nobody else answers the same types.
    #[must_use]
    pub fn listens(&self) -> Option<SubscriptionSpec> {
        let answers = self.answers();
        (!answers.is_empty()).then(|| SubscriptionSpec {
            description: format!("what driver {} answers", self.agent),
            filter: EventFilter {
                topics: answers.to_vec(),
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

/// The most events that one driver may be given at once.
pub const DRIVER_OPEN_MAX: u32 = 256;
/// The most calls that a rate may speak of.
pub const DRIVER_RATE_MAX: u32 = 1_000_000;
/// The longest time over which calls are counted, and the longest rest.
pub const DRIVER_SPAN_MAX: Span = Span::secs(86_400);
/// The most failures in a row that a breaker may wait for.
pub const DRIVER_FAILURES_MAX: u32 = 1_000;

/// How much a driver is asked for, and when it is given a rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriverLimits {
    /// How many events it has at once.
    pub open_max: u32,
    /// How many it is given in which time; none for as many as come.
    pub rate: Option<(u32, Span)>,
    /// After how many failures in a row it rests.
    pub failures_max: u32,
    /// How long it rests; each further time twice as long.
    pub pause: Span,
}

impl Default for DriverLimits {
    fn default() -> Self {
        Self {
            open_max: 32,
            rate: None,
            failures_max: 5,
            pause: Span::secs(30),
        }
    }
}

impl DriverLimits {
    /// What is wrong with them, in a sentence, whoever sent them.
    ///
    /// # Errors
    /// The sentence.
    pub fn check(&self) -> Result<(), String> {
        if !(1..=DRIVER_OPEN_MAX).contains(&self.open_max) {
            let what = format!("a driver has from 1 to {DRIVER_OPEN_MAX} events at once");
            return Err(what);
        }
        let spans = 1..=DRIVER_SPAN_MAX.0;
        if let Some((calls, per)) = self.rate
            && (!(1..=DRIVER_RATE_MAX).contains(&calls) || !spans.contains(&per.0))
        {
            let what = format!("a rate is from 1 to {DRIVER_RATE_MAX} events in at most a day");
            return Err(what);
        }
        if !(1..=DRIVER_FAILURES_MAX).contains(&self.failures_max) {
            return Err(format!(
                "a breaker waits for 1 to {DRIVER_FAILURES_MAX} failures in a row"
            ));
        }
        if !spans.contains(&self.pause.0) {
            return Err("a driver rests for at most a day".into());
        }
        Ok(())
    }
}

/// A driver, and how much it is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitedDriver {
    /// The driver.
    pub driver: DriverSpec,
    /// How much it is asked for.
    pub limits: DriverLimits,
}

impl super::Spec {
    /// The driver that it is, and how much that is asked for: what was applied before there were
    /// limits has those that hold where nothing is said.
    #[must_use]
    pub fn driver(&self) -> Option<(&DriverSpec, DriverLimits)> {
        match self {
            Self::Driver(driver) => Some((driver, DriverLimits::default())),
            Self::Limited(limited) => Some((&limited.driver, limited.limits)),
            Self::Remote(remote) => Some((&remote.driver, remote.limits)),
            Self::Native(native) => Some((&native.driver, native.limits)),
            _ => None,
        }
    }
}
