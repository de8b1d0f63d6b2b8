//! Who is told that something waits for a person.

use serde::{Deserialize, Serialize};

use std::collections::BTreeMap;

use super::{JITTER_PERCENT, RetryPolicy};
use crate::fact::member::News;
use crate::fact::notice::About;
use crate::{Name, Sealed, Span, Time};

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
    /// A member is called by name.
    #[serde(rename = "mention")]
    Called,
    /// Something is said in a thread that a member follows.
    #[serde(rename = "message")]
    Said,
    /// A task is a member's.
    #[serde(rename = "task.assigned")]
    Assigned,
    /// A task that a member follows ended.
    #[serde(rename = "task.ended")]
    Ended,
    /// An answer is left to a member.
    #[serde(rename = "approval.delegated")]
    Delegated,
    /// How things stand: a stand-up that comes by itself.
    #[serde(rename = "standup")]
    Standup,
    /// A provider bills more than was set aside.
    #[serde(rename = "model.overbilled")]
    Overbilled,
    /// A driver that is a way to people shows something.
    #[serde(rename = "notification")]
    Shown,
}

impl Waits {
    /// All of them with their words.
    pub const ALL: &'static [(&'static str, Self)] = &[
        ("approval.requested", Self::Approval),
        ("run.unknown", Self::Unknown),
        ("run.diverged", Self::Diverged),
        ("plan.compensation_failed", Self::NotUndone),
        ("supervisor.failed", Self::GaveUp),
        ("mention", Self::Called),
        ("message", Self::Said),
        ("task.assigned", Self::Assigned),
        ("task.ended", Self::Ended),
        ("approval.delegated", Self::Delegated),
        ("standup", Self::Standup),
        ("model.overbilled", Self::Overbilled),
        ("notification", Self::Shown),
    ];

    /// What this announces; none for what is told to whoever asked for it.
    #[must_use]
    pub const fn of(about: &About) -> Option<Self> {
        Some(match about {
            About::Approval(_) => Self::Approval,
            About::Unknown(..) => Self::Unknown,
            About::Diverged(..) => Self::Diverged,
            About::NotUndone(..) => Self::NotUndone,
            About::GaveUp(..) => Self::GaveUp,
            About::Overbilled(_) => Self::Overbilled,
            About::News(_, _, news) => match news {
                News::Called(..) => Self::Called,
                News::Said(..) => Self::Said,
                News::Assigned(_) => Self::Assigned,
                News::Ended(..) => Self::Ended,
                News::Delegated(_) => Self::Delegated,
                News::Standup(..) => Self::Standup,
                News::Shown(..) => Self::Shown,
            },
            About::Test | About::Digest(..) => return None,
        })
    }

    /// Whether it is what somebody is to hear of, rather than what waits for anybody.
    #[must_use]
    pub const fn is_personal(self) -> bool {
        matches!(
            self,
            Self::Called
                | Self::Said
                | Self::Assigned
                | Self::Ended
                | Self::Delegated
                | Self::Standup
                | Self::Shown
        )
    }

    /// How soon it is told where nothing else is said.
    #[must_use]
    pub const fn urgency(self) -> Urgency {
        match self {
            Self::Said | Self::Ended => Urgency::Digest,
            _ => Urgency::Immediate,
        }
    }
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

/// How soon somebody is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    /// At once.
    Immediate,
    /// Together with what else came meanwhile.
    Digest,
    /// Not at all.
    Muted,
}

impl Urgency {
    /// All of them with their words.
    pub const ALL: &'static [(&'static str, Self)] = &[
        ("immediate", Self::Immediate),
        ("digest", Self::Digest),
        ("muted", Self::Muted),
    ];
}

/// The shortest time that things are gathered.
pub const GATHER_MIN: Span = Span::secs(60);
/// The longest time that things are gathered.
pub const GATHER_MAX: Span = Span::secs(7 * 86_400);
/// How long things are gathered where nothing is said.
pub const GATHER: Span = Span::secs(3_600);

/// A notice that tells of things as soon as they are urgent, or of what one member is to hear of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Telling {
    /// Of what, and how.
    pub notice: NoticeSpec,
    /// By which word the member is called whose inbox it tells of; none for what waits for
    /// anybody.
    #[serde(default)]
    pub member: Option<Name>,
    /// What isn't told as soon as it usually is.
    #[serde(default)]
    pub urgency: BTreeMap<Waits, Urgency>,
    /// How long things are gathered until they are told together.
    pub gather: Span,
}

impl From<NoticeSpec> for Telling {
    fn from(notice: NoticeSpec) -> Self {
        Self {
            notice,
            member: None,
            urgency: BTreeMap::new(),
            gather: GATHER,
        }
    }
}

impl Telling {
    /// Whether it says no more than a plain notice does.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.member.is_none() && self.urgency.is_empty() && self.gather == GATHER
    }

    /// How soon it tells of this.
    #[must_use]
    pub fn soon(&self, about: &About) -> Urgency {
        let Some(waits) = Waits::of(about) else {
            return Urgency::Immediate;
        };
        let on = &self.notice.on;
        let usual = on.is_empty() && waits.is_personal() == self.member.is_some();
        if !usual && !on.contains(&waits) {
            return Urgency::Muted;
        }
        let said = self.urgency.get(&waits);
        said.copied().unwrap_or_else(|| waits.urgency())
    }

    /// What is wrong with it, in a sentence, whoever sent it.
    ///
    /// # Errors
    /// The sentence.
    pub fn check(&self) -> Result<(), String> {
        self.notice.check()?;
        let words = self.notice.on.iter().chain(self.urgency.keys());
        let mut personal = words.filter(|waits| waits.is_personal());
        if self.member.is_none()
            && let Some(waits) = personal.next()
        {
            let word = Waits::ALL.iter().find(|(_, one)| one == waits);
            let word = word.map_or("that", |(word, _)| word);
            return Err(format!(
                "`{word}` is told to one member: say whom with `for`"
            ));
        }
        if self.notice.channel == Channel::Desktop && !self.is_plain() {
            let what = "`desktop` shows what waits to whoever runs naos, at once: `for`, \
                `urgency` and `digest` go with a `webhook`";
            return Err(what.into());
        }
        if self.gather < GATHER_MIN || self.gather > GATHER_MAX {
            return Err("`digest` is a time from 1m to 7d".into());
        }
        Ok(())
    }
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
            jitter_percent: JITTER_PERCENT,
        }
    }

    /// Whether it tells of this.
    #[must_use]
    pub fn tells(&self, about: &About) -> bool {
        let Some(waits) = Waits::of(about) else {
            return true;
        };
        self.on.is_empty() && !waits.is_personal() || self.on.contains(&waits)
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

/// One of several things that are told together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gathered {
    /// What.
    pub about: About,
    /// When it happened.
    pub at: Time,
    /// The question or the task, if it is to be told.
    pub title: Option<Sealed>,
}

/// What is sent about a notice, as it was decided; the body that `notice.raised` names. Behind it
/// stands what is told together, and how much more there was ([`Letter::write`]).
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

impl Letter {
    /// The bytes of a letter that tells of several things.
    ///
    /// # Errors
    /// What postcard says.
    pub fn write(&self, together: &[Gathered], more: u32) -> Result<Vec<u8>, postcard::Error> {
        let mut bytes = postcard::to_stdvec(self)?;
        if !together.is_empty() {
            bytes.extend(postcard::to_stdvec(&(together, more))?);
        }
        Ok(bytes)
    }

    /// A letter with what it tells of together, and how much more there was.
    ///
    /// # Errors
    /// What postcard says.
    pub fn read(bytes: &[u8]) -> Result<(Self, Vec<Gathered>, u32), postcard::Error> {
        let (letter, rest) = postcard::take_from_bytes(bytes)?;
        let (together, more) = match rest {
            [] => (Vec::new(), 0),
            rest => postcard::from_bytes(rest)?,
        };
        Ok((letter, together, more))
    }
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
