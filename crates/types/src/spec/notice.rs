//! Who is told that something waits for a person.

use serde::{Deserialize, Serialize};

use super::RetryPolicy;
use crate::fact::notice::About;
use crate::{Sealed, Span, Time};

/// The longest address of a receiver, in bytes.
pub const WEBHOOK_BYTES_MAX: usize = 1_024;
/// What variables of the process that hold a secret begin with: no other can be named.
pub const SECRET_PREFIX: &str = "NAOS_HOOK_";

/// What may be announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Waits {
    /// A person is asked.
    #[serde(rename = "approval.requested")]
    Approval,
    /// Nobody knows whether an effect happened.
    #[serde(rename = "run.unknown")]
    Unknown,
    /// A run asked something else than its recording says.
    #[serde(rename = "run.diverged")]
    Diverged,
    /// A run failed and could not be undone.
    #[serde(rename = "plan.compensation_failed")]
    NotUndone,
    /// A supervisor that nobody watches failed.
    #[serde(rename = "supervisor.failed")]
    GaveUp,
}

impl Waits {
    /// All of them with their words.
    pub const ALL: &'static [(&'static str, Self)] = &[
        ("approval.requested", Self::Approval),
        ("run.unknown", Self::Unknown),
        ("run.diverged", Self::Diverged),
        ("plan.compensation_failed", Self::NotUndone),
        ("supervisor.failed", Self::GaveUp),
    ];
}

/// How somebody is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// A signed POST to this address; naming it grants it.
    Webhook {
        /// The whole address.
        url: String,
        /// Where the secret is that signs it: `env:NAME`. Never the secret itself.
        secret: Option<String>,
    },
    /// A note on the screen of whoever runs naos.
    Desktop,
}

/// Who is told, of what, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeSpec {
    /// Of what; empty for everything that waits for a person.
    pub on: Vec<Waits>,
    /// How.
    pub channel: Channel,
    /// Whether the question is told too: it is people's text.
    pub title: bool,
    /// Where the page is, as the receiver reaches it.
    pub page: Option<String>,
    /// When it can't be delivered.
    pub retry: RetryPolicy,
}

impl NoticeSpec {
    /// How often and how soon an undelivered notice is sent again, where nothing else is said:
    /// ten times within about four hours.
    #[must_use]
    pub const fn retry() -> RetryPolicy {
        RetryPolicy {
            attempts_max: 10,
            wait: Span::secs(5),
            factor_tenths: 30,
            wait_max: Span::secs(3_600),
        }
    }

    /// Whether it tells of this.
    #[must_use]
    pub fn tells(&self, about: &About) -> bool {
        let waits = match about {
            About::Approval(_) => Waits::Approval,
            About::Unknown(..) => Waits::Unknown,
            About::Diverged(..) => Waits::Diverged,
            About::NotUndone(..) => Waits::NotUndone,
            About::GaveUp(..) => Waits::GaveUp,
            About::Test => return true,
        };
        self.on.is_empty() || self.on.contains(&waits)
    }

    /// What is wrong with it, in a sentence, whoever sent it.
    ///
    /// # Errors
    /// The sentence.
    pub fn check(&self) -> Result<(), String> {
        if let Channel::Webhook { url, secret } = &self.channel {
            address("webhook", url)?;
            if let Some(handle) = secret {
                variable(handle)?;
            }
        }
        self.page
            .as_deref()
            .map_or(Ok(()), |page| address("page", page))
    }
}

/// Whether this can be an address: what it leads to is looked at when something is sent.
pub(super) fn address(key: &str, url: &str) -> Result<(), String> {
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"));
    let Some(rest) = rest else {
        return Err(format!("`{key}` is an address with https:// in front"));
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if host.is_empty() || host.contains('@') {
        return Err(format!("`{key}` names a host, without a user or password"));
    }
    let plain = url.bytes().all(|byte| byte.is_ascii_graphic());
    if !plain || url.len() > WEBHOOK_BYTES_MAX {
        let what = format!("`{key}` has at most {WEBHOOK_BYTES_MAX} plain characters, no spaces");
        return Err(what);
    }
    Ok(())
}

/// The variable that a handle names.
///
/// # Errors
/// A sentence, which never holds the handle: somebody may have written the secret there.
pub fn variable(handle: &str) -> Result<&str, String> {
    let plain = |name: &&str| {
        let tail = name.strip_prefix(SECRET_PREFIX).unwrap_or_default();
        let fits = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
        !tail.is_empty() && name.len() <= 64 && tail.bytes().all(fits)
    };
    handle.strip_prefix("env:").filter(plain).ok_or_else(|| {
        format!(
            "`secret` says where the secret is, not what it is: write env:{SECRET_PREFIX}NAME and \
             set that variable for the process that runs naos"
        )
    })
}

/// What is sent about a notice, as it was decided; the body that `notice.raised` names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    /// Where to.
    pub url: String,
    /// Where the secret is.
    pub secret: Option<String>,
    /// Where the page is.
    pub page: Option<String>,
    /// What it announces.
    pub about: About,
    /// When it was raised.
    pub at: Time,
    /// The question, if it is to be told.
    pub title: Option<Sealed>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_handles() {
        let spec = |url: &str, secret: Option<&str>| NoticeSpec {
            on: Vec::new(),
            channel: Channel::Webhook {
                url: url.into(),
                secret: secret.map(str::to_owned),
            },
            title: false,
            page: None,
            retry: NoticeSpec::retry(),
        };
        for (url, secret, sound) in [
            ("https://hooks.example.org/naos", None, true),
            ("http://127.0.0.1:9000/", Some("env:NAOS_HOOK_SECRET"), true),
            ("hooks.example.org", None, false),
            ("https://", None, false),
            ("https://me:pw@hooks.example.org/", None, false),
            ("https://hooks.example.org/a b", None, false),
            ("https://hooks.example.org/", Some("hunter2"), false),
            ("https://hooks.example.org/", Some("env:PATH"), false),
            ("https://hooks.example.org/", Some("env:NAOS_HOOK_"), false),
        ] {
            let said = spec(url, secret).check();
            assert_eq!(said.is_ok(), sound, "{url} {secret:?}: {said:?}");
            assert!(!format!("{said:?}").contains("hunter2"));
        }
    }
}
