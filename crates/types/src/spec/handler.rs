//! A handler: what it hears is turned into other events, by expressions alone.

use serde::{Deserialize, Serialize};

use super::{SubscriptionSpec, is_topic};

/// The most events that one handler makes of one.
pub const EMITS_MAX: usize = 16;

/// An event that is made of another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Emits {
    /// Its type.
    pub kind: String,
    /// Its data: a template over `trigger`; none for an empty object.
    pub data: Option<String>,
    /// A CEL condition over `trigger`; none for always.
    pub when: Option<String>,
}

/// Who listens, and what becomes of each event that they hear.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandlerSpec {
    /// To what; it starts nothing.
    pub listens: SubscriptionSpec,
    /// What is made of it, in order.
    pub emits: Vec<Emits>,
}

impl HandlerSpec {
    /// What is wrong with it, in a sentence, whoever sent it.
    ///
    /// # Errors
    /// The sentence.
    pub fn check(&self) -> Result<(), String> {
        self.listens.check_rest()?;
        if self.listens.starts.is_some() {
            return Err("a subscription starts something or emits events, and not both".into());
        }
        if !(1..=EMITS_MAX).contains(&self.emits.len()) {
            return Err(format!("a handler emits from 1 to {EMITS_MAX} events"));
        }
        match self.emits.iter().find(|one| !is_topic(&one.kind)) {
            Some(one) => Err(format!("{:?} is no type of an event", one.kind)),
            None => Ok(()),
        }
    }
}

impl super::Spec {
    /// How it listens to events, where it is a subscription.
    #[must_use]
    pub fn listens(&self) -> Option<&SubscriptionSpec> {
        match self {
            Self::Subscription(spec) => Some(spec),
            Self::Handler(spec) => Some(&spec.listens),
            Self::Delivered(spec) => Some(&spec.subscription),
            _ => None,
        }
    }

    /// The events that it makes of those it hears.
    #[must_use]
    pub fn emits(&self) -> &[Emits] {
        match self {
            Self::Handler(spec) => &spec.emits,
            _ => &[],
        }
    }

    /// A subscription: who takes events, what they start, or what is made of them.
    #[must_use]
    pub fn subscription(listens: SubscriptionSpec, emits: Vec<Emits>) -> Self {
        if emits.is_empty() {
            Self::Subscription(Box::new(listens))
        } else {
            Self::Handler(Box::new(HandlerSpec { listens, emits }))
        }
    }
}
