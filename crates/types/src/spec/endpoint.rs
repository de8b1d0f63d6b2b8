//! Addresses outside that naos speaks to by itself: where a driver is asked, and where the events
//! of a subscription are delivered.

use serde::{Deserialize, Serialize};

use super::notice::address;
use super::{
    DriverLimits, DriverSpec, JITTER_PERCENT, RetryPolicy, Spec, SubscriptionSpec, driver_listens,
    pattern,
};
use crate::{BodyRef, Name, Span};

/// The longest answer of a driver's endpoint, and the longest of what it sends later, in bytes.
pub const ENDPOINT_ANSWER_BYTES_MAX: usize = 1 << 20;
/// How many events may come with one answer.
pub const ENDPOINT_EVENTS_MAX: usize = 32;
/// How many types of events an endpoint may publish.
pub const ENDPOINT_EMITS_MAX: usize = 32;
/// The longest time that an endpoint may take with an event.
pub const ENDPOINT_TIMEOUT_MAX: Span = Span::secs(7 * 86_400);
/// The most attempts with one event.
pub const ENDPOINT_ATTEMPTS_MAX: u32 = 20;
/// How many events one subscriber may be sent at once.
pub const DELIVER_AT_ONCE_MAX: u32 = 32;
/// The least time that a subscriber's event is with it: a request may take that long.
pub const DELIVER_VISIBLE_MIN: Span = Span::secs(45);

/// Where a driver is that isn't an agent of this node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// The whole address; naming it grants it.
    pub url: String,
    /// How long it may take with an event, also where it answers later.
    pub timeout: Span,
    /// How often and how soon again it is asked for the same.
    pub retry: RetryPolicy,
    /// Types of events that it may publish with its answer.
    pub emits: Vec<String>,
}

impl Endpoint {
    /// How long it may take where nothing else is said.
    pub const TIMEOUT: Span = Span::secs(300);

    /// How often and how soon again where nothing else is said.
    #[must_use]
    pub const fn retry() -> RetryPolicy {
        RetryPolicy {
            attempts_max: 5,
            wait: Span(1_000),
            factor_tenths: 30,
            wait_max: Span::secs(300),
            jitter_percent: JITTER_PERCENT,
        }
    }

    /// What is wrong with it, in a sentence, whoever sent it.
    ///
    /// # Errors
    /// The sentence.
    pub fn check(&self) -> Result<(), String> {
        guarded("endpoint", &self.url)?;
        if !(1..=ENDPOINT_TIMEOUT_MAX.0).contains(&self.timeout.0) {
            return Err("`timeout` is from a millisecond to seven days".into());
        }
        if !(1..=ENDPOINT_ATTEMPTS_MAX).contains(&self.retry.attempts_max) {
            return Err(format!(
                "`retry` is from 1 to {ENDPOINT_ATTEMPTS_MAX} attempts"
            ));
        }
        if self.emits.len() > ENDPOINT_EMITS_MAX {
            return Err(format!(
                "an endpoint publishes at most {ENDPOINT_EMITS_MAX} types of events"
            ));
        }
        self.emits.iter().try_for_each(|topic| pattern(topic))
    }
}

/// An address that events may go to: they are people's, so they go over TLS, except to a service
/// on this machine.
fn guarded(key: &str, url: &str) -> Result<(), String> {
    address(key, url)?;
    let Some(rest) = url.strip_prefix("http://") else {
        return Ok(());
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    let here = matches!(name, "localhost" | "[::1]" | "127.0.0.1");
    if here {
        return Ok(());
    }
    Err(format!(
        "`{key}` begins with https://: only a service on this machine is spoken to without"
    ))
}

/// A driver that is asked at an address, and how much it is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteDriver {
    /// What it answers; its runs go by the name of its subscription.
    pub driver: DriverSpec,
    /// How much it is asked for.
    pub limits: DriverLimits,
    /// Where.
    pub endpoint: Endpoint,
}

impl RemoteDriver {
    /// Who runs of a driver's endpoint are said to be of, and what its secret is kept under: the
    /// name of the subscription that the driver listens with.
    #[must_use]
    pub fn runs_as(driver: &Name) -> Option<Name> {
        driver_listens(driver)
    }
}

/// What a driver is asked, as it was decided; the body that `run.called` names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enquiry {
    /// Where.
    pub url: String,
    /// The event, as CloudEvents has it in JSON.
    pub event: BodyRef,
}

/// Why events of a subscription are delivered no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Paused {
    /// A person paused it.
    ByHand,
    /// Its receiver answered that it is gone.
    Gone,
}

impl Paused {
    /// The sentence.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::ByHand => "a person paused it",
            Self::Gone => "its receiver answered 410: it is gone for good",
        }
    }
}

/// Where the events of a subscription are delivered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deliver {
    /// The whole address; naming it grants it.
    pub url: String,
    /// How many at once; one keeps them in order.
    pub at_once: u32,
    /// Why they aren't by now.
    pub paused: Option<Paused>,
}

impl Deliver {
    /// What is wrong with it, in a sentence, whoever sent it.
    ///
    /// # Errors
    /// The sentence.
    pub fn check(&self) -> Result<(), String> {
        guarded("url", &self.url)?;
        if !(1..=DELIVER_AT_ONCE_MAX).contains(&self.at_once) {
            return Err(format!("`at_once` is from 1 to {DELIVER_AT_ONCE_MAX}"));
        }
        Ok(())
    }
}

/// A subscription whose events naos delivers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveredSubscription {
    /// To what.
    pub subscription: SubscriptionSpec,
    /// Where to.
    pub deliver: Deliver,
}

impl DeliveredSubscription {
    /// What is wrong with it, in a sentence, whoever sent it.
    ///
    /// # Errors
    /// The sentence.
    pub fn check(&self) -> Result<(), String> {
        self.subscription.check()?;
        self.deliver.check()?;
        if self.subscription.starts.is_some() {
            return Err("an event starts something or is delivered: make two of it".into());
        }
        if self.subscription.visible < DELIVER_VISIBLE_MIN {
            let least = DELIVER_VISIBLE_MIN.0 / 1_000;
            return Err(format!(
                "`visible` is at least {least} s where events are delivered: a request may take \
                 nearly that long"
            ));
        }
        Ok(())
    }
}

impl Spec {
    /// Where the driver is asked that it is; none for one that is an agent.
    #[must_use]
    pub fn endpoint(&self) -> Option<&Endpoint> {
        match self {
            Self::Remote(remote) => Some(&remote.endpoint),
            _ => None,
        }
    }

    /// Where the events of the subscription are delivered that it is.
    #[must_use]
    pub fn deliver(&self) -> Option<&Deliver> {
        match self {
            Self::Delivered(delivered) => Some(&delivered.deliver),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_events_may_go_to() {
        for (url, sound) in [
            ("https://crm.example.org/events", true),
            ("https://10.0.0.7/", true), // where it leads to is looked at when something is sent
            ("http://127.0.0.1:9000/events", true),
            ("http://localhost:9000", true),
            ("http://[::1]:9000/", true),
            ("http://crm.example.org/", false),
            ("http://127.0.0.1.example.org/", false),
            ("http://localhost.example.org:80/", false),
            ("ftp://crm.example.org/", false),
            ("crm.example.org", false),
            ("https://me:pw@crm.example.org/", false),
            ("https:///events", false),
            ("https://crm.example.org/a b", false),
        ] {
            assert_eq!(guarded("endpoint", url).is_ok(), sound, "{url}");
        }
    }
}
