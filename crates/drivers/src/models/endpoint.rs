//! Where a model is asked, in which format, with which key, and how much is taken from it.

use std::time::Duration;

pub use naos_types::spec::ModelFormat as Format;
use naos_types::spec::ModelSpec;
use zeroize::Zeroizing;

use super::gateway::Device;

/// A key or another header's value. Wiped when dropped, never shown.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// A secret, without the space around it that copying leaves.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(Zeroizing::new(text.trim().to_owned()))
    }

    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

/// Where a model is asked.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// How it wants to be spoken to.
    pub format: Format,
    /// Its address up to where the format's own path begins: `https://api.openai.com/v1`.
    pub base_url: String,
    /// Its key; none where none is wanted.
    pub key: Option<Secret>,
    /// More headers. Their values count as secret.
    pub headers: Vec<(String, Secret)>,
    /// How many tokens the model sees, for formats that must be told (Ollama, which else cuts
    /// the conversation without a word).
    pub context_tokens: Option<u32>,
    /// Who naos is there, where that is asked for (a gateway, which lets devices in).
    pub device: Option<Device>,
    /// How much is taken from it.
    pub limits: Limits,
}

impl Endpoint {
    /// An endpoint with the usual limits.
    #[must_use]
    pub fn new(format: Format, base_url: impl Into<String>) -> Self {
        Self {
            format,
            base_url: base_url.into(),
            key: None,
            headers: Vec::new(),
            context_tokens: None,
            device: None,
            limits: Limits::default(),
        }
    }

    /// Where a model is asked that was declared, with its key, which whoever calls has looked up.
    #[must_use]
    pub fn of(spec: &ModelSpec, key: Option<Secret>) -> Self {
        Self {
            key,
            context_tokens: spec.context_tokens,
            ..Self::new(spec.format, spec.address())
        }
    }

    /// The same, with a key.
    #[must_use]
    pub fn with_key(mut self, key: Secret) -> Self {
        self.key = Some(key);
        self
    }

    /// The address of one of its paths.
    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base_url.trim_end_matches('/'))
    }

    /// A provider's words, fit to be shown: no secret, no control characters, not long.
    pub(super) fn shown(&self, said: &str) -> String {
        let mut text = said.to_owned();
        let values = self.headers.iter().map(|(_, value)| value);
        for secret in self.key.iter().chain(values) {
            // What is shorter hides nothing and would blot out common letters.
            if secret.reveal().len() >= SECRET_BYTES_MIN {
                text = text.replace(secret.reveal(), "[secret]");
            }
        }
        let clean = text.chars().map(|c| if c.is_control() { ' ' } else { c });
        let mut short: String = clean.take(SAID_CHARS_MAX).collect();
        if text.chars().nth(SAID_CHARS_MAX).is_some() {
            short.push('…');
        }
        short.trim().to_owned()
    }
}

/// Characters of a provider's complaint that are kept.
pub const SAID_CHARS_MAX: usize = 500;
const SECRET_BYTES_MIN: usize = 4;

/// How much is taken from an endpoint, and how long it is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of what is asked.
    pub request_bytes_max: usize,
    /// Bytes of an answer, after decompression.
    pub body_bytes_max: usize,
    /// Events of a stream.
    pub events_max: usize,
    /// Bytes of the arguments of one call.
    pub arguments_bytes_max: usize,
    /// How long a stream may say nothing.
    pub idle: Duration,
    /// How long a call may take in all.
    pub total: Duration,
}

/// The longest that any call takes; the HTTP client behind it allows as much.
pub const TOTAL_MS_MAX: u64 = 600_000;

impl Default for Limits {
    fn default() -> Self {
        Self {
            request_bytes_max: 32 << 20,
            body_bytes_max: 8 << 20,
            events_max: 200_000,
            arguments_bytes_max: 1 << 20,
            idle: Duration::from_millis(60_000),
            total: Duration::from_millis(TOTAL_MS_MAX),
        }
    }
}
