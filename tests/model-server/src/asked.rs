//! What is asked, whichever provider's words it comes in.

/// What is asked.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    pub model: String,
    pub stream: bool,
    pub system: String,
    pub messages: Vec<Said>,
    pub tools: Vec<String>,
    /// Whether the stream is to end with what was used.
    pub wants_usage: bool,
    /// Marks of what is worth keeping.
    pub marks: usize,
    /// The key that came with it.
    pub key: Option<String>,
    /// Bytes of all that was sent.
    pub bytes: u64,
}

/// One message.
#[derive(Clone, Debug, Default)]
pub struct Said {
    pub by_model: bool,
    pub texts: Vec<String>,
    /// `image/png, 67 bytes`
    pub images: Vec<String>,
    /// Ids of calls.
    pub calls: Vec<String>,
    /// Ids and texts of results.
    pub results: Vec<(String, String)>,
}

impl Asked {
    /// What was said last, in words: texts, or what tools gave back, and which pictures came along.
    pub fn last_words(&self) -> String {
        let Some(last) = self.messages.last() else {
            return String::new();
        };
        let mut words: Vec<String> = last.results.iter().map(|(_, text)| text.clone()).collect();
        words.extend(last.texts.iter().cloned());
        words.extend(last.images.iter().map(|image| format!("[{image}]")));
        words.join(" ")
    }

    /// Whether tools have just answered.
    pub fn has_results(&self) -> bool {
        self.messages
            .last()
            .is_some_and(|last| !last.results.is_empty())
    }

    /// Calls so far.
    pub fn calls(&self) -> usize {
        self.messages.iter().map(|said| said.calls.len()).sum()
    }

    /// The first result whose call was not made in the message before.
    pub fn stray_result(&self) -> Option<&str> {
        let mut open: &[String] = &[];
        for said in &self.messages {
            if said.by_model {
                open = &said.calls;
            } else if let Some((id, _)) = said.results.iter().find(|(id, _)| !open.contains(id)) {
                return Some(id);
            }
        }
        None
    }

    /// The first call that nobody answered before the conversation went on.
    pub fn open_call(&self) -> Option<&str> {
        let mut open: Vec<&String> = Vec::new();
        for said in &self.messages {
            if said.by_model {
                if let Some(id) = open.first() {
                    return Some(id);
                }
                open = said.calls.iter().collect();
            } else {
                open.retain(|id| !said.results.iter().any(|(own, _)| own == *id));
                if said.results.is_empty() && !open.is_empty() {
                    break;
                }
            }
        }
        open.first().map(|id| id.as_str())
    }
}

/// A request that the provider would refuse.
#[derive(Clone, Debug)]
pub struct Refusal {
    pub status: u16,
    /// What kind it is, in the words of [`Kind`].
    pub kind: Kind,
    pub message: String,
}

/// Kinds of refusals, which each provider has its own words for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Invalid,
    Key,
    Money,
    Forbidden,
    NotFound,
    TooLarge,
    Limited,
    Failed,
    Overloaded,
    TooLong,
    Filtered,
}

impl Refusal {
    pub fn invalid(message: impl Into<String>) -> Self {
        Self {
            status: 400,
            kind: Kind::Invalid,
            message: message.into(),
        }
    }

    pub fn of_status(status: u16) -> Self {
        let (kind, message) = match status {
            401 => (Kind::Key, "Incorrect API key provided."),
            402 => (Kind::Money, "Your credit balance is too low."),
            403 => (Kind::Forbidden, "You may not use this model."),
            404 => (Kind::NotFound, "The model does not exist."),
            413 => (Kind::TooLarge, "Request exceeds the maximum size."),
            429 => (Kind::Limited, "Rate limit reached for requests."),
            503 | 529 => (Kind::Overloaded, "The engine is currently overloaded."),
            500.. => (Kind::Failed, "The server had an error."),
            _ => (Kind::Invalid, "The request is invalid."),
        };
        Self {
            status,
            kind,
            message: message.to_owned(),
        }
    }
}
