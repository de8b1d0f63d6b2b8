//! What is asked of an agent: a conversation as its input, pictures that come with it, and the form
//! of the answer.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use naos_types::picture::media_type;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::{MODEL, bad, blamed};
use crate::door::Call;
use crate::error::Fault;

/// How many messages a conversation may have.
const MESSAGES_MAX: usize = 1_000;

/// What an agent is asked.
#[derive(Debug)]
pub(super) struct Wanted {
    /// Its input.
    pub(super) input: String,
    /// What was said last: people see its beginning.
    pub(super) last: String,
    /// The JSON schema of the answer.
    pub(super) form: Option<String>,
    /// Pictures, in the order in which they came.
    pub(super) pictures: Vec<Vec<u8>>,
    /// What it was asked with.
    pub(super) params: Params,
}

/// The parameters of an address that say what is asked: a refusal names the one that is to blame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Params {
    /// The conversation.
    pub(super) said: &'static str,
    /// The form of the answer.
    pub(super) form: &'static str,
    /// The bounds of the answer.
    pub(super) bounds: &'static [&'static str],
}

impl Params {
    /// The body of a request. Where it doesn't parse, the parameter is to blame that is missing, or
    /// that wouldn't parse in an otherwise sound request either.
    pub(super) fn read<T: DeserializeOwned>(&self, call: &Call) -> Result<T, Fault> {
        call.json_as_is::<T>().map_err(|fault| {
            let given = call.json_as_is::<Map<String, Value>>().unwrap_or_default();
            match self.unread::<T>(given) {
                Some(param) => blamed(&param, fault),
                None => fault,
            }
        })
    }

    fn unread<T: DeserializeOwned>(&self, given: Map<String, Value>) -> Option<String> {
        if given.is_empty() {
            return None;
        }
        let mut sound = Map::new();
        sound.insert(MODEL.to_owned(), json!("m"));
        sound.insert(self.said.to_owned(), json!([]));
        let fails = |asked| serde_json::from_value::<T>(Value::Object(asked)).is_err();
        for name in [MODEL, self.said] {
            let mut without = sound.clone();
            without.remove(name);
            if !given.contains_key(name) && fails(without) {
                return Some(name.to_owned());
            }
        }
        let mut given = given.into_iter();
        given.find_map(|(name, value)| {
            let mut with = sound.clone();
            with.insert(name.clone(), value);
            fails(with).then_some(name)
        })
    }

    /// Refuses bounds of the answer that can't be meant.
    pub(super) fn bounded(&self, given: &[Option<i64>]) -> Result<(), Fault> {
        let mut all = self.bounds.iter().zip(given);
        let wrong = all.find(|(_, tokens)| tokens.is_some_and(|tokens| tokens < 1));
        match wrong {
            Some((param, _)) => Err(blamed(param, bad(format!("`{param}` is 1 or more")))),
            None => Ok(()),
        }
    }
}

/// One message.
#[derive(Deserialize)]
pub(super) struct Message {
    role: String,
    content: Option<Value>,
}

impl Message {
    pub(super) fn new(role: &str, content: String) -> Self {
        Self {
            role: role.to_owned(),
            content: Some(Value::String(content)),
        }
    }
}

/// What an answer is to be like.
#[derive(Deserialize)]
pub(super) struct Form {
    #[serde(rename = "type")]
    kind: String,
    /// As chat completions have it.
    json_schema: Option<Schema>,
    /// As responses have it.
    schema: Option<Value>,
}

#[derive(Deserialize)]
struct Schema {
    schema: Option<Value>,
}

/// The schema of an answer of that form.
fn schema(form: Form) -> Result<Option<String>, Fault> {
    match form.kind.as_str() {
        "text" => Ok(None),
        "json_object" => Ok(Some(json!({"type": "object"}).to_string())),
        "json_schema" => {
            let given = form
                .json_schema
                .and_then(|form| form.schema)
                .or(form.schema);
            match given {
                Some(schema @ Value::Object(_)) => Ok(Some(schema.to_string())),
                _ => Err(bad("`json_schema` needs a `schema`, which is an object")),
            }
        }
        kind => Err(bad(format!(
            "an answer is text, json_object or json_schema, and no {kind}"
        ))),
    }
}

/// The picture of an address that holds it itself.
fn picture(url: &str) -> Result<Vec<u8>, Fault> {
    let inside = url
        .strip_prefix("data:")
        .and_then(|rest| rest.split_once(";base64,"));
    let Some((_, data)) = inside else {
        let what = "a picture is given as data:image/png;base64,…: naos fetches none";
        return Err(bad(what));
    };
    let bytes = STANDARD.decode(data.trim());
    let bytes = bytes.map_err(|error| bad(format!("a picture is no Base64: {error}")))?;
    // What it is, its bytes say.
    match media_type(&bytes) {
        Some(_) => Ok(bytes),
        None => Err(bad("a picture is a PNG, JPEG, GIF or WebP")),
    }
}

/// The text of a message, with a mark where a picture came.
fn text(message: &Message, pictures: &mut Vec<Vec<u8>>) -> Result<String, Fault> {
    let parts = match &message.content {
        Some(Value::String(text)) => return Ok(text.clone()),
        None | Some(Value::Null) => return Ok(String::new()),
        Some(Value::Array(parts)) => parts,
        Some(_) => return Err(bad("`content` is text, or a list of parts")),
    };
    let mut out = Vec::with_capacity(parts.len());
    for part in parts {
        let kind = part["type"].as_str().unwrap_or("nothing");
        let url = || {
            part["image_url"]["url"]
                .as_str()
                .or(part["image_url"].as_str())
        };
        match (kind, part["text"].as_str()) {
            ("text" | "input_text" | "output_text", Some(text)) => out.push(text.to_owned()),
            ("image_url" | "input_image", _) => {
                let url = url().ok_or_else(|| bad(format!("`{kind}` has no `image_url`")))?;
                pictures.push(picture(url)?);
                out.push(format!("(picture {})", pictures.len()));
            }
            _ => {
                let what = format!("agents are given text and pictures here, and no {kind}");
                return Err(bad(what));
            }
        }
    }
    Ok(out.join("\n"))
}

/// Refuses tools of the caller.
pub(super) fn no_tools(param: &str, given: &Option<Vec<Value>>) -> Result<(), Fault> {
    if given.as_ref().is_none_or(Vec::is_empty) {
        return Ok(());
    }
    let what = "an agent has the tools of its own manifest, and takes no others";
    Err(blamed(param, bad(what)))
}

/// A parameter that would change the answer, and that nothing here heeds: what of it changes
/// nothing after all, and what to do instead.
struct Unheeded {
    name: &'static str,
    changes_nothing: fn(&Value) -> bool,
    instead: &'static str,
}

/// What decides how a model is asked, such as `temperature`, isn't among them: that is the agent's,
/// and clients send it unasked.
const UNHEEDED: &[Unheeded] = &[
    Unheeded {
        name: "prompt",
        changes_nothing: |_| false,
        instead: "no prompts are stored here: give its text as `instructions` or as a message, or \
                  write it into the agent's manifest",
    },
    Unheeded {
        name: "stop",
        changes_nothing: is_empty,
        instead: "an answer ends where its agent ends it: cut it where you read it",
    },
    Unheeded {
        name: "logprobs",
        changes_nothing: |given| *given == json!(false),
        instead: "an answer comes without them: leave it out",
    },
    Unheeded {
        name: "top_logprobs",
        changes_nothing: |given| *given == json!(0),
        instead: "an answer comes without them: leave it out",
    },
    Unheeded {
        name: "include",
        changes_nothing: |given| {
            let named = given.as_array().into_iter().flatten();
            !named
                .filter_map(Value::as_str)
                .any(|one| one.ends_with("logprobs"))
        },
        instead: "an answer comes without logprobs: leave them out",
    },
    Unheeded {
        name: "logit_bias",
        changes_nothing: is_empty,
        instead: "which words a model prefers is its agent's prompt to say",
    },
    Unheeded {
        name: "modalities",
        changes_nothing: |given| *given == json!(["text"]),
        instead: "an answer is text",
    },
    Unheeded {
        name: "audio",
        changes_nothing: |_| false,
        instead: "an answer is text",
    },
    Unheeded {
        name: "web_search_options",
        changes_nothing: |_| false,
        instead: "an agent searches with the tools of its own manifest",
    },
    Unheeded {
        name: "tool_choice",
        changes_nothing: chooses_none,
        instead: "an agent calls the tools of its own manifest as it sees fit: leave it out, or \
                  give `auto` or `none`",
    },
    Unheeded {
        name: "function_call",
        changes_nothing: chooses_none,
        instead: "an agent calls the tools of its own manifest as it sees fit: leave it out, or \
                  give `auto` or `none`",
    },
];

fn is_empty(given: &Value) -> bool {
    match given {
        Value::Array(given) => given.is_empty(),
        Value::Object(given) => given.is_empty(),
        Value::String(given) => given.is_empty(),
        _ => false,
    }
}

fn chooses_none(given: &Value) -> bool {
    matches!(given.as_str(), Some("auto" | "none"))
}

/// Refuses what would change the answer and is heeded by nothing here: whoever asks would take an
/// answer for what it isn't.
pub(super) fn all_heeded(more: &Map<String, Value>) -> Result<(), Fault> {
    for one in UNHEEDED {
        let given = more.get(one.name).filter(|given| !given.is_null());
        if given.is_some_and(|given| !(one.changes_nothing)(given)) {
            let what = format!("`{}` isn't supported: {}", one.name, one.instead);
            return Err(blamed(one.name, bad(what)));
        }
    }
    Ok(())
}

/// A conversation as the input of an agent: one message as it is, more of them with who said what.
pub(super) fn wanted(
    messages: &[Message],
    form: Option<Form>,
    params: Params,
) -> Result<Wanted, Fault> {
    let said = conversation(messages).map_err(|fault| blamed(params.said, fault));
    let (input, last, pictures) = said?;
    let form = form.map(schema).transpose();
    Ok(Wanted {
        input,
        last,
        form: form.map_err(|fault| blamed(params.form, fault))?.flatten(),
        pictures,
        params,
    })
}

/// A conversation as an input, what was said last, and the pictures that came with it.
fn conversation(messages: &[Message]) -> Result<(String, String, Vec<Vec<u8>>), Fault> {
    if messages.is_empty() || messages.len() > MESSAGES_MAX {
        return Err(bad(format!(
            "a conversation has 1 to {MESSAGES_MAX} messages"
        )));
    }
    let mut pictures = Vec::new();
    let mut all = Vec::with_capacity(messages.len());
    for message in messages {
        let role = match message.role.as_str() {
            "developer" => "system",
            role @ ("system" | "user" | "assistant") => role,
            role => return Err(bad(format!("there is no role {role:?} here"))),
        };
        all.push((role, text(message, &mut pictures)?));
    }
    let last = all.last().map(|(_, text)| text.clone()).unwrap_or_default();
    Ok((input(&all)?, last, pictures))
}

fn input(all: &[(&str, String)]) -> Result<String, Fault> {
    if let [("user", only)] = all
        && !only.trim().is_empty()
    {
        return Ok(only.clone());
    }
    if all.iter().all(|(_, text)| text.trim().is_empty()) {
        return Err(bad("the messages say nothing"));
    }
    // JSON, so that no message can say that it is another's.
    let told = all
        .iter()
        .map(|(role, text)| json!({"role": role, "content": text}).to_string());
    let told: Vec<String> = told.collect();
    Ok(format!(
        "The conversation so far, a message a line, as JSON. Answer its last message.\n\n{}",
        told.join("\n")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARAMS: Params = Params {
        said: "messages",
        form: "response_format",
        bounds: &[],
    };
    const PNG: &str = "data:image/png;base64,iVBORw0KGgoAAAAN";

    fn of(messages: Value, form: Value) -> Result<Wanted, String> {
        let messages: Vec<Message> = serde_json::from_value(messages).unwrap();
        let form: Option<Form> = serde_json::from_value(form).unwrap();
        wanted(&messages, form, PARAMS).map_err(|fault| fault.refusal.what)
    }

    fn says(messages: Value) -> Result<String, String> {
        of(messages, Value::Null).map(|wanted| wanted.input)
    }

    #[test]
    fn a_conversation_becomes_an_input() {
        let one = says(json!([{"role": "user", "content": "Hello"}]));
        assert_eq!(one.unwrap(), "Hello");
        let parts = says(json!([{"role": "user", "content": [
            {"type": "text", "text": "a"}, {"type": "input_text", "text": "b"}]}]));
        assert_eq!(parts.unwrap(), "a\nb");
        let told = says(json!([{"role": "developer", "content": "Be short."},
            {"role": "user", "content": "Hello"}]));
        let told = told.unwrap();
        let lines: Vec<&str> = told.lines().collect();
        assert_eq!(lines[2], r#"{"role":"system","content":"Be short."}"#);
        assert_eq!(lines[3], r#"{"role":"user","content":"Hello"}"#);
        for (messages, why) in [
            (json!([]), "1 to"),
            (json!([{"role": "user"}]), "nothing"),
            (json!([{"role": "tool", "content": "x"}]), "role"),
            (json!([{"role": "user", "content": 7}]), "`content`"),
            (
                json!([{"role": "user", "content": [{"type": "file"}]}]),
                "no file",
            ),
        ] {
            let said = says(messages.clone()).unwrap_err();
            assert!(said.contains(why), "{messages}: {said}");
        }
    }

    #[test]
    fn pictures_come_with_their_marks() {
        let asked = json!([
            {"role": "user", "content": [{"type": "text", "text": "What is this?"},
                {"type": "image_url", "image_url": {"url": PNG}}]},
            {"role": "user", "content": [{"type": "input_image", "image_url": PNG}]},
        ]);
        let wanted = of(asked, Value::Null).unwrap();
        assert_eq!(wanted.pictures.len(), 2);
        assert!(wanted.pictures[0].starts_with(b"\x89PNG"));
        assert!(
            wanted.input.contains("What is this?\\n(picture 1)"),
            "{}",
            wanted.input
        );
        assert_eq!(wanted.last, "(picture 2)");
        for (url, why) in [
            ("https://example.org/a.png", "fetches none"),
            ("data:image/png;base64,%%%", "no Base64"),
            ("data:image/png;base64,aGVsbG8=", "a PNG"),
        ] {
            let asked = json!([{"role": "user", "content": [
                {"type": "image_url", "image_url": {"url": url}}]}]);
            let said = of(asked, Value::Null).unwrap_err();
            assert!(said.contains(why), "{url}: {said}");
        }
    }

    #[test]
    fn a_form_is_a_schema() {
        let form = |form: Value| {
            let messages = json!([{"role": "user", "content": "x"}]);
            of(messages, form).map(|wanted| wanted.form)
        };
        assert_eq!(form(json!({"type": "text"})), Ok(None));
        let object = form(json!({"type": "json_object"})).unwrap();
        assert_eq!(object.as_deref(), Some(r#"{"type":"object"}"#));
        let schema = json!({"type": "array"});
        let chat = json!({"type": "json_schema", "json_schema": {"name": "a", "schema": schema}});
        let responses = json!({"type": "json_schema", "name": "a", "schema": schema});
        for asked in [chat, responses] {
            let found = form(asked).unwrap();
            assert_eq!(found.as_deref(), Some(r#"{"type":"array"}"#));
        }
        for (asked, why) in [
            (
                json!({"type": "json_schema", "json_schema": {"name": "a"}}),
                "needs a `schema`",
            ),
            (
                json!({"type": "json_schema", "schema": "x"}),
                "needs a `schema`",
            ),
            (json!({"type": "grammar"}), "no grammar"),
        ] {
            let said = form(asked.clone()).unwrap_err();
            assert!(said.contains(why), "{asked}: {said}");
        }
    }
}
