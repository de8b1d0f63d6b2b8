//! A language model: where and how it is asked, what it can and what it costs.

use serde::{Deserialize, Serialize};

use crate::{Micros, Name};

/// What variables of the process that hold a model's key begin with. Beside them only a provider's
/// own variable can be named, and it goes to that provider's own host only.
pub const MODEL_KEY_PREFIX: &str = "NAOS_MODEL_";
/// The most tokens that a model may be said to see or write.
pub const MODEL_TOKENS_MAX: u32 = 100_000_000;
/// Models that stand in for one.
pub const MODEL_FALLBACKS_MAX: usize = 8;
/// Bytes of what a provider calls a model.
pub const MODEL_BYTES_MAX: usize = 256;

/// How a provider wants to be spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ModelFormat {
    /// Chat completions at OpenAI itself.
    #[serde(rename = "openai-chat")]
    OpenAiChat,
    /// Chat completions at whoever else speaks them, which have the older word for the most
    /// tokens of an answer.
    #[serde(rename = "openai-compatible")]
    OpenAiCompatible,
    /// OpenAI's responses.
    #[serde(rename = "openai-responses")]
    OpenAiResponses,
    /// Anthropic's messages.
    Anthropic,
    /// Google's contents.
    Gemini,
    /// Ollama's own chat.
    Ollama,
    /// A gateway of OpenClaw: an engine, whose agent does a whole turn.
    #[serde(rename = "openclaw")]
    OpenClaw,
}

impl ModelFormat {
    /// All of them with their words.
    pub const ALL: &'static [(&'static str, Self)] = &[
        ("openai-chat", Self::OpenAiChat),
        ("openai-compatible", Self::OpenAiCompatible),
        ("openai-responses", Self::OpenAiResponses),
        ("anthropic", Self::Anthropic),
        ("gemini", Self::Gemini),
        ("ollama", Self::Ollama),
        ("openclaw", Self::OpenClaw),
    ];

    /// Whether it is somebody else's engine: what is asked of it is a whole turn, done with tools
    /// of its own, whose cost no text says before. It knows a repeated question by its key.
    #[must_use]
    pub const fn is_engine(self) -> bool {
        matches!(self, Self::OpenClaw)
    }

    /// Whether texts can be given to it that are to be put into one space: as OpenAI has it done.
    #[must_use]
    pub const fn embeds(self) -> bool {
        matches!(
            self,
            Self::OpenAiChat | Self::OpenAiCompatible | Self::OpenAiResponses | Self::Ollama
        )
    }

    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        let found = Self::ALL.iter().find(|(_, format)| *format == self);
        found.map_or("", |(word, _)| word)
    }

    /// The one that a word names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        let found = Self::ALL.iter().find(|(known, _)| *known == word);
        found.map(|(_, format)| *format)
    }
}

/// A provider that naos knows, and what holds for it where nothing else is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModelProvider {
    /// Its names, the one that is written first.
    pub words: &'static [&'static str],
    /// How it is spoken to.
    pub format: ModelFormat,
    /// Where it is; none where that must be said.
    pub endpoint: Option<&'static str>,
    /// The variables that hold its key by custom, the usual one first; none where it wants none.
    pub variables: &'static [&'static str],
    /// Whether what it is asked leaves the country.
    pub leaves_country: bool,
    /// Whether it costs nothing.
    pub is_free: bool,
    /// What its models can.
    pub can: &'static [ModelCan],
}

/// All providers that naos knows.
pub const MODEL_PROVIDERS: &[ModelProvider] = &[
    ModelProvider {
        words: &["openai"],
        format: ModelFormat::OpenAiChat,
        endpoint: Some("https://api.openai.com/v1"),
        variables: &["OPENAI_API_KEY"],
        leaves_country: true,
        is_free: false,
        can: &[ModelCan::Text, ModelCan::Tools, ModelCan::Json],
    },
    ModelProvider {
        words: &["anthropic"],
        format: ModelFormat::Anthropic,
        endpoint: Some("https://api.anthropic.com/v1"),
        variables: &["ANTHROPIC_API_KEY"],
        leaves_country: true,
        is_free: false,
        can: &[ModelCan::Text, ModelCan::Tools, ModelCan::Json],
    },
    ModelProvider {
        words: &["gemini", "google"],
        format: ModelFormat::Gemini,
        endpoint: Some("https://generativelanguage.googleapis.com/v1beta"),
        variables: &["GEMINI_API_KEY", "GOOGLE_API_KEY"],
        leaves_country: true,
        is_free: false,
        can: &[ModelCan::Text, ModelCan::Tools, ModelCan::Json],
    },
    ModelProvider {
        words: &["ollama"],
        format: ModelFormat::Ollama,
        endpoint: Some("http://127.0.0.1:11434"),
        variables: &[],
        leaves_country: false,
        is_free: true,
        can: &[ModelCan::Text],
    },
    ModelProvider {
        words: &["openai-compatible", "openai_compatible"],
        format: ModelFormat::OpenAiCompatible,
        endpoint: None,
        variables: &[],
        leaves_country: true,
        is_free: false,
        can: &[ModelCan::Text],
    },
    ModelProvider {
        words: &["openclaw"],
        format: ModelFormat::OpenClaw,
        endpoint: Some("ws://127.0.0.1:18789"),
        variables: &[],
        leaves_country: true,
        is_free: false,
        can: &[ModelCan::Text],
    },
];

impl ModelProvider {
    /// The provider of a name.
    #[must_use]
    pub fn parse(word: &str) -> Option<&'static Self> {
        let known = MODEL_PROVIDERS.iter();
        let mut known = known.filter(|provider| provider.words.contains(&word));
        known.next()
    }
}

/// The most tokens that a picture is read as, where a model doesn't say: the costliest are small
/// models that charge tiles many times over (OpenAI's reckoning for `gpt-4o-mini`: 2,833 and 5,667
/// for each of up to 8 tiles).
pub const IMAGE_TOKENS_MAX: u64 = 50_000;

/// What a model can.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelCan {
    /// Read and write.
    Text,
    /// See pictures.
    Vision,
    /// Call tools.
    Tools,
    /// Keep to a form of JSON.
    Json,
    /// Think before it answers.
    Reasoning,
    /// Put texts into one space, where those that mean the same are near.
    Embeddings,
}

impl ModelCan {
    /// All words for them, the one that is written first.
    pub const WORDS: &'static [(&'static str, Self)] = &[
        ("text", Self::Text),
        ("vision", Self::Vision),
        ("tools", Self::Tools),
        ("json", Self::Json),
        ("reasoning", Self::Reasoning),
        ("embeddings", Self::Embeddings),
        ("embedding", Self::Embeddings),
        ("chat", Self::Text),
        ("completion", Self::Text),
        ("images", Self::Vision),
        ("function_calling", Self::Tools),
        ("tool_use", Self::Tools),
        ("json_schema", Self::Json),
        ("structured_output", Self::Json),
        ("thinking", Self::Reasoning),
    ];

    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        let found = Self::WORDS.iter().find(|(_, can)| *can == self);
        found.map_or("", |(word, _)| word)
    }

    /// The one that a word names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        let found = Self::WORDS.iter().find(|(known, _)| *known == word);
        found.map(|(_, can)| *can)
    }
}

/// What a call used, in tokens, by the provider's own figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelUsage {
    /// All that was read, kept or not.
    pub input: u64,
    /// Of it, what the provider had kept.
    pub cached_input: u64,
    /// Of it, what the provider kept now.
    pub cache_write: u64,
    /// All that was written, reasoning included.
    pub output: u64,
    /// Of it, what was thought.
    pub reasoning: u64,
}

/// What a provider takes, for a million tokens each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelPrices {
    /// For what is read.
    pub input: Micros,
    /// For what is read and was kept; none is the price of any other input.
    pub cached_input: Option<Micros>,
    /// For what is read and is kept from now on; none is the price of any other input.
    pub cache_write: Option<Micros>,
    /// For what is written, reasoning included.
    pub output: Micros,
}

impl ModelPrices {
    /// The most that a call can cost which reads and writes at most so many tokens: whatever it
    /// reads may have the dearest price for reading.
    #[must_use]
    pub fn most(&self, input_tokens: u64, output_tokens: u64) -> Micros {
        let others = [self.cached_input, self.cache_write];
        let dearest = others.into_iter().flatten().fold(self.input, Micros::max);
        let input = Micros::per_million(dearest, input_tokens);
        input.plus(Micros::per_million(self.output, output_tokens))
    }

    /// What a call did cost, rounded up once.
    #[must_use]
    pub fn cost(&self, usage: &ModelUsage) -> Micros {
        let fresh = usage
            .input
            .saturating_sub(usage.cached_input)
            .saturating_sub(usage.cache_write);
        let cached = self.cached_input.unwrap_or(self.input);
        let written = self.cache_write.unwrap_or(self.input);
        let pieces = [
            (self.input, fresh),
            (cached, usage.cached_input),
            (written, usage.cache_write),
            (self.output, usage.output),
        ];
        let exact = pieces.iter().fold(0_u128, |sum, (price, tokens)| {
            sum.saturating_add(u128::from(price.0) * u128::from(*tokens))
        });
        Micros(u64::try_from(exact.div_ceil(1_000_000)).unwrap_or(u64::MAX))
    }
}

/// A language model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelSpec {
    /// The document, JSON.
    pub document: String,
    /// Whose it is.
    pub provider: String,
    /// How it is spoken to.
    pub format: ModelFormat,
    /// Where, up to where the format's own path begins.
    pub endpoint: String,
    /// What its provider calls it.
    pub model: String,
    /// What it can.
    pub can: Vec<ModelCan>,
    /// What it costs; none where nobody said.
    pub prices: Option<ModelPrices>,
    /// How many tokens it sees.
    pub context_tokens: Option<u32>,
    /// How many it writes at most.
    pub output_tokens_max: Option<u32>,
    /// The most tokens that a picture counts as.
    pub image_tokens: Option<u32>,
    /// Whether what it is asked leaves the country.
    pub leaves_country: bool,
    /// Who stands in for it, in this order.
    pub fallbacks: Vec<Name>,
    /// Where its key is: `env:NAME` or `secret:NAME`. Never the key itself.
    pub key: Option<String>,
    /// Whether it is asked.
    pub enabled: bool,
    /// What one turn costs at most, where it is an engine; none where nobody said.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "in_text")]
    pub turn: Option<Micros>,
}

/// A field that a document has in text only: in binary nothing stands for it, so that what was
/// laid out before it came stays as it is. An engine is kept as text ([`super::Spec::Engine`]).
mod in_text {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::Micros;

    pub fn serialize<S: Serializer>(turn: &Option<Micros>, to: S) -> Result<S::Ok, S::Error> {
        if to.is_human_readable() {
            turn.serialize(to)
        } else {
            ().serialize(to)
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Micros>, D::Error> {
        if from.is_human_readable() {
            Option::deserialize(from)
        } else {
            <()>::deserialize(from).map(|()| None)
        }
    }
}

impl ModelSpec {
    /// Whether it puts texts into one space and says nothing: nobody talks with it.
    #[must_use]
    pub fn only_embeds(&self) -> bool {
        self.can == [ModelCan::Embeddings]
    }

    /// Whether nobody said what it costs.
    #[must_use]
    pub const fn is_unpriced(&self) -> bool {
        self.prices.is_none() && self.turn.is_none()
    }

    /// Its address as a request is sent there: a WebSocket begins as one.
    #[must_use]
    pub fn address(&self) -> String {
        match self.endpoint.strip_prefix("ws") {
            Some(rest) if self.format.is_engine() => format!("http{rest}"),
            _ => self.endpoint.clone(),
        }
    }

    /// What is wrong with it, in a sentence, whoever sent it.
    ///
    /// # Errors
    /// The sentence.
    pub fn check(&self) -> Result<(), String> {
        super::notice::address("endpoint", &self.address())?;
        if self.endpoint.contains(['?', '#']) {
            return Err("`endpoint` ends where the format's own path begins".into());
        }
        if self.model.is_empty() || self.model.len() > MODEL_BYTES_MAX {
            return Err(format!("`model` has 1 to {MODEL_BYTES_MAX} bytes"));
        }
        if self
            .model
            .chars()
            .any(|c| c.is_control() || c.is_whitespace())
        {
            return Err("`model` is what the provider calls it, without spaces".into());
        }
        if let (Some(sees), Some(writes)) = (self.context_tokens, self.output_tokens_max)
            && writes > sees
        {
            return Err(format!(
                "it can't write {writes} tokens where it sees {sees}"
            ));
        }
        if self.fallbacks.len() > MODEL_FALLBACKS_MAX {
            return Err(format!(
                "at most {MODEL_FALLBACKS_MAX} models stand in for one"
            ));
        }
        if self.can.contains(&ModelCan::Embeddings) && !self.format.embeds() {
            return Err(format!(
                "nobody who speaks {} gives embeddings: openai-compatible and ollama do",
                self.format.word()
            ));
        }
        if self.turn.is_some() && !self.format.is_engine() {
            return Err("what a turn costs is said of an engine only".into());
        }
        self.key
            .as_deref()
            .map_or(Ok(()), |key| self.check_key(key))
    }

    /// Says nothing of what stands there: it may be the key itself.
    fn check_key(&self, handle: &str) -> Result<(), String> {
        if let Some(name) = handle.strip_prefix("secret:") {
            Name::new(name).map_err(|_| "`key` is secret: and the name of a secret")?;
        } else {
            self.check_variable(handle)?;
        }
        if self.address().starts_with("http://") && !is_loopback(host(&self.endpoint)) {
            return Err("a key goes over https:// only, or to this machine".into());
        }
        Ok(())
    }

    fn check_variable(&self, handle: &str) -> Result<(), String> {
        let name = handle.strip_prefix("env:").unwrap_or_default();
        if name.starts_with(MODEL_KEY_PREFIX)
            && name.len() > MODEL_KEY_PREFIX.len()
            && name.len() <= MODEL_BYTES_MAX
            && name
                .bytes()
                .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
        {
            return Ok(());
        }
        let owner = MODEL_PROVIDERS
            .iter()
            .find(|provider| provider.variables.contains(&name));
        let Some(owner) = owner else {
            return Err(format!(
                "`key` names where the key is, as env:{MODEL_KEY_PREFIX}… or secret:…, and is \
                 never the key itself"
            ));
        };
        let own = owner.endpoint.map(host);
        if own == Some(host(&self.endpoint)) && self.endpoint.starts_with("https://") {
            return Ok(());
        }
        Err(format!(
            "{name} goes to {} only; name another variable, env:{MODEL_KEY_PREFIX}…",
            own.unwrap_or_default()
        ))
    }
}

/// The host of an address, without its port.
pub(super) fn host(address: &str) -> &str {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if let Some(inner) = host.strip_prefix('[') {
        return inner.split(']').next().unwrap_or_default();
    }
    host.split(':').next().unwrap_or_default()
}

pub(super) fn is_loopback(host: &str) -> bool {
    let parts: Vec<Option<u8>> = host.split('.').map(|part| part.parse().ok()).collect();
    let four = matches!(parts[..], [Some(127), Some(_), Some(_), Some(_)]);
    four || host == "localhost" || host == "::1"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(endpoint: &str, key: Option<&str>) -> ModelSpec {
        ModelSpec {
            document: "{}".into(),
            provider: "x".into(),
            format: ModelFormat::OpenAiCompatible,
            endpoint: endpoint.into(),
            model: "m".into(),
            can: vec![ModelCan::Text],
            prices: None,
            context_tokens: None,
            output_tokens_max: None,
            image_tokens: None,
            leaves_country: true,
            fallbacks: Vec::new(),
            key: key.map(str::to_owned),
            enabled: true,
            turn: None,
        }
    }

    #[test]
    fn a_key_is_named_and_goes_where_it_belongs() {
        let own = "https://api.openai.com/v1";
        let other = "https://evil.example/v1";
        for (endpoint, key, good) in [
            (own, "env:OPENAI_API_KEY", true),
            (other, "env:OPENAI_API_KEY", false),
            (
                "https://api.openai.com.evil.example/v1",
                "env:OPENAI_API_KEY",
                false,
            ),
            ("http://api.openai.com/v1", "env:OPENAI_API_KEY", false),
            ("https://api.openai.com:444/v1", "env:OPENAI_API_KEY", true),
            (own, "env:ANTHROPIC_API_KEY", false),
            (other, "env:NAOS_MODEL_OTHER", true),
            (other, "env:NAOS_MODEL_", false),
            (other, "env:NAOS_MODEL_x y", false),
            (other, "env:PATH", false),
            (other, "env:AWS_SECRET_ACCESS_KEY", false),
            (other, "secret:my-key", true),
            (other, "secret:My Key", false),
            (other, "sk-1234567890", false),
            ("http://10.0.0.1:8000/v1", "env:NAOS_MODEL_OTHER", false),
            ("http://localhost:8000/v1", "env:NAOS_MODEL_OTHER", true),
            ("http://127.0.0.1:8000/v1", "secret:my-key", true),
            ("http://[::1]:8000/v1", "secret:my-key", true),
        ] {
            let checked = spec(endpoint, Some(key)).check();
            assert_eq!(checked.is_ok(), good, "{endpoint} {key}: {checked:?}");
        }
        let told = spec(other, Some("sk-1234567890")).check().unwrap_err();
        assert!(!told.contains("sk-1"), "{told}");
    }

    #[test]
    fn addresses_end_where_the_path_begins() {
        for (endpoint, good) in [
            ("https://models.example/v1", true),
            ("http://127.0.0.1:11434", true),
            ("models.example/v1", false),
            ("https://user:pass@models.example", false),
            ("https://models.example/v1?key=1", false),
            ("ftp://models.example", false),
        ] {
            assert_eq!(spec(endpoint, None).check().is_ok(), good, "{endpoint}");
        }
    }

    #[test]
    fn an_engine_is_where_a_web_socket_is_and_is_kept_as_text() {
        let engine = |endpoint: &str, key: Option<&str>| ModelSpec {
            format: ModelFormat::OpenClaw,
            turn: Some(Micros(500_000)),
            ..spec(endpoint, key)
        };
        let key = Some("env:NAOS_MODEL_CLAW");
        for (endpoint, address, good) in [
            ("ws://127.0.0.1:18789", "http://127.0.0.1:18789", true),
            ("wss://claw.example", "https://claw.example", true),
            ("https://claw.example", "https://claw.example", true),
            ("ws://claw.example", "http://claw.example", false), // the token in plain
            (
                "wss://me:pw@claw.example",
                "https://me:pw@claw.example",
                false,
            ),
            (
                "wss://claw.example?token=1",
                "https://claw.example?token=1",
                false,
            ),
        ] {
            let engine = engine(endpoint, key);
            assert_eq!(engine.address(), address);
            assert_eq!(engine.check().is_ok(), good, "{endpoint}");
        }
        let other = ModelSpec {
            turn: Some(Micros(1)),
            ..spec("https://models.example", None)
        };
        assert!(other.check().is_err(), "only an engine's turn has a price");
        assert!(spec("wss://models.example", None).check().is_err());
        let engine = engine("wss://claw.example", key);
        let kept = crate::spec::Spec::from(engine.clone());
        let bytes = postcard::to_stdvec(&kept).unwrap();
        let read: crate::spec::Spec = postcard::from_bytes(&bytes).unwrap();
        assert_eq!(read.model(), Some(&engine));
        // A model's bytes are what they were before engines came.
        let model = spec("https://models.example", None);
        let bytes = postcard::to_stdvec(&model).unwrap();
        assert_eq!(postcard::from_bytes::<ModelSpec>(&bytes).unwrap(), model);
        assert_eq!(bytes.last(), Some(&1), "`enabled` is the last of them");
        let text = serde_json::to_string(&model).unwrap();
        assert!(!text.contains("turn"), "{text}");
    }

    #[test]
    fn every_word_is_its_own() {
        for (word, format) in ModelFormat::ALL {
            assert_eq!(ModelFormat::parse(word), Some(*format));
            assert_eq!(format.word(), *word);
            let stored = serde_json::to_value(format).unwrap();
            assert_eq!(stored, *word);
        }
        for (word, can) in ModelCan::WORDS {
            assert_eq!(ModelCan::parse(word), Some(*can));
        }
        assert_eq!(ModelCan::Tools.word(), "tools");
        for provider in MODEL_PROVIDERS {
            for word in provider.words {
                assert_eq!(ModelProvider::parse(word), Some(provider));
            }
        }
    }
}
