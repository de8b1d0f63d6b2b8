//! What a model is asked, in naos's words. Each format says it in its provider's.

use std::time::Duration;

use naos_types::spec::MODEL_BYTES_MAX;
use serde_json::Value;

/// Bytes of one image, before it is written in base64.
pub const IMAGE_BYTES_MAX: usize = 5 << 20;
/// Messages of one request.
pub const MESSAGES_MAX: usize = 10_000;
/// Tools of one request.
pub const TOOLS_MAX: usize = 128;

/// What a model is asked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    /// The model, as its provider calls it.
    pub model: String,
    /// Who the model is and what holds for all of the conversation.
    pub system: Option<String>,
    /// What holds for this conversation alone, such as its time: it stands behind `system`, and
    /// isn't worth keeping for another.
    pub occasion: Option<String>,
    /// The conversation, oldest first.
    pub messages: Vec<Message>,
    /// What the model may call.
    pub tools: Vec<Tool>,
    /// The form that the answer must have.
    pub output_schema: Option<OutputSchema>,
    /// The most it may write, reasoning included: what a call may cost depends on it.
    pub max_output_tokens: u32,
    /// Whether it thinks before it answers: what it thought is given back to it between its calls.
    pub reasons: bool,
    /// How freely it chooses; none leaves it to the provider.
    pub temperature: Option<f32>,
    /// Texts at which it stops.
    pub stop: Vec<String>,
    /// Tools and `system` stay as they are from call to call, so they are worth keeping.
    pub cache_prefix: bool,
    /// Tells requests that begin alike from others, where the provider keeps beginnings by it.
    pub cache_key: Option<String>,
    /// Whether the answer comes in pieces.
    pub stream: bool,
    /// Tells a repeated request from a new one, where the provider looks at it.
    pub idempotency_key: Option<String>,
    /// Whether it may have been asked before under this key: then somebody may be at it, or have
    /// answered, though nobody is reached now.
    pub again: bool,
    /// The most this call may take in all; none leaves it to [`super::Limits`].
    pub timeout: Option<Duration>,
}

/// Who says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Whoever asks, and the tools that were called.
    User,
    /// The model.
    Assistant,
}

/// One message of a conversation.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Who says it.
    pub role: Role,
    /// What is said.
    pub parts: Vec<Part>,
    /// All up to here stays as it is in the next call, so it is worth keeping.
    pub cache: bool,
}

/// A piece of a message.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// Words.
    Text(String),
    /// A picture.
    Image(Image),
    /// What the model thought before it answered.
    Reasoning(Reasoning),
    /// What the model wants to have done.
    ToolCall(ToolCall),
    /// What came of it.
    ToolResult(ToolResult),
}

/// A picture.
#[derive(Clone, PartialEq, Eq)]
pub struct Image {
    /// `image/png` and the like.
    pub media_type: String,
    /// The file's bytes.
    pub bytes: Vec<u8>,
}

impl std::fmt::Debug for Image {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Image({}, {} bytes)", self.media_type, self.bytes.len())
    }
}

/// What the model thought.
#[derive(Clone, Debug, PartialEq)]
pub struct Reasoning {
    /// The thought, or a summary of it; may be empty.
    pub text: String,
    /// What the provider wants back unchanged. Another provider is never given it.
    pub opaque: Option<Value>,
}

/// What the model wants to have done.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolCall {
    /// What its result is told apart by.
    pub id: String,
    /// The tool.
    pub name: String,
    /// What it is given.
    pub arguments: Arguments,
    /// What the provider wants back unchanged. Another provider is never given it.
    pub opaque: Option<Value>,
}

/// What a tool is given. Models write it, so it may be anything.
#[derive(Clone, Debug, PartialEq)]
pub enum Arguments {
    /// A JSON object, not yet checked against the tool's schema.
    Object(serde_json::Map<String, Value>),
    /// No JSON object: the model is told so and may try again.
    Unreadable(String),
}

impl Arguments {
    /// What a model wrote; nothing at all counts as an empty object.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        if text.trim().is_empty() {
            return Self::Object(serde_json::Map::new());
        }
        match serde_json::from_str(text) {
            Ok(Value::Object(fields)) => Self::Object(fields),
            _ => Self::Unreadable(text.to_owned()),
        }
    }

    /// As JSON text.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Object(fields) => Value::Object(fields.clone()).to_string(),
            Self::Unreadable(text) => text.clone(),
        }
    }

    /// As an object; what is none is put into one, for formats that take no other.
    #[must_use]
    pub fn object(&self) -> Value {
        match self {
            Self::Object(fields) => Value::Object(fields.clone()),
            Self::Unreadable(text) => serde_json::json!({ "unreadable": text }),
        }
    }
}

/// What came of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolResult {
    /// The call's id.
    pub id: String,
    /// The tool.
    pub name: String,
    /// What it said.
    pub text: String,
    /// Whether it failed.
    pub is_error: bool,
}

/// What the model may call.
#[derive(Clone, Debug, PartialEq)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// What it does.
    pub description: String,
    /// What it takes: a JSON schema of an object.
    pub schema: Value,
}

/// The form of an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct OutputSchema {
    /// A name for it, where the format wants one.
    pub name: String,
    /// A JSON schema.
    pub schema: Value,
    /// The provider must hold the model to it; it then refuses schemas that it can't hold it to.
    pub strict: bool,
}

impl OutputSchema {
    /// The form in words, where it can be carried in no other way.
    #[must_use]
    pub fn in_words(&self) -> String {
        format!(
            "Answer with JSON alone, of this JSON schema:\n{}",
            self.schema
        )
    }
}

impl Message {
    /// What somebody says.
    #[must_use]
    pub fn user(text: impl Into<String>) -> Self {
        Self::new(Role::User, vec![Part::Text(text.into())])
    }

    /// What a model said.
    #[must_use]
    pub fn assistant(parts: Vec<Part>) -> Self {
        Self::new(Role::Assistant, parts)
    }

    /// A message that is not worth keeping by itself.
    #[must_use]
    pub const fn new(role: Role, parts: Vec<Part>) -> Self {
        Self {
            role,
            parts,
            cache: false,
        }
    }

    /// All its words, one part per line.
    pub(super) fn text(&self) -> String {
        let texts = self.parts.iter().filter_map(|part| match part {
            Part::Text(text) => Some(text.as_str()),
            _ => None,
        });
        texts.collect::<Vec<_>>().join("\n")
    }
}

impl Request {
    /// All that holds for the conversation, in one text.
    pub(super) fn all_system(&self) -> Option<String> {
        let both = [self.system.as_deref(), self.occasion.as_deref()];
        let both: Vec<&str> = both.into_iter().flatten().collect();
        (!both.is_empty()).then(|| both.join("\n\n"))
    }

    /// Why this can't be asked, whatever the format.
    pub(super) fn fault(&self) -> Option<String> {
        let bad_model = |c: char| c.is_control() || c.is_whitespace();
        if self.model.is_empty() || self.model.len() > MODEL_BYTES_MAX {
            return Some(format!(
                "the name of a model has 1 to {MODEL_BYTES_MAX} bytes"
            ));
        }
        if self.model.contains(bad_model) {
            return Some(format!("{:?} is no name of a model", self.model));
        }
        if self.messages.is_empty() {
            return Some("there is no message to answer".into());
        }
        if self.messages.len() > MESSAGES_MAX {
            return Some(format!("a request has at most {MESSAGES_MAX} messages"));
        }
        if self.messages.iter().any(|message| message.parts.is_empty()) {
            return Some("a message says nothing".into());
        }
        if self.tools.len() > TOOLS_MAX {
            return Some(format!("a request has at most {TOOLS_MAX} tools"));
        }
        if self.max_output_tokens == 0 {
            return Some("the answer may have no token at all".into());
        }
        self.images().find_map(|image| {
            if image.bytes.len() > IMAGE_BYTES_MAX {
                return Some(format!("an image has at most {IMAGE_BYTES_MAX} bytes"));
            }
            let known = ["image/png", "image/jpeg", "image/gif", "image/webp"];
            (!known.contains(&image.media_type.as_str()))
                .then(|| format!("{:?} is none of {}", image.media_type, known.join(", ")))
        })
    }

    /// All pictures.
    pub(super) fn images(&self) -> impl Iterator<Item = &Image> {
        let parts = self.messages.iter().flat_map(|message| &message.parts);
        parts.filter_map(|part| match part {
            Part::Image(image) => Some(image),
            _ => None,
        })
    }

    /// How many calls the model has made before.
    pub(super) fn calls(&self) -> usize {
        let parts = self.messages.iter().flat_map(|message| &message.parts);
        parts
            .filter(|part| matches!(part, Part::ToolCall(_)))
            .count()
    }
}
