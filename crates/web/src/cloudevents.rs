//! CloudEvents 1.0: what comes in, in its three modes over HTTP, and what goes out.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use naos_engine::read::{EventRow, Reader};
use naos_types::fact::event::{Category, Origin};
use naos_types::{BodyRef, Code, Refusal, Unread, plain as one_value, read_exactly};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::error::{Fault, unkept};
use crate::planted;

/// The most events of one batch.
pub(crate) const BATCH_MAX: usize = 1_000;
/// The media type of one event.
pub(crate) const ONE: &str = "application/cloudevents+json";
/// The media type of many.
pub(crate) const MANY: &str = "application/cloudevents-batch+json";
/// The longest name of an attribute, in bytes.
const ATTRIBUTE_BYTES_MAX: usize = 64;
/// Attributes that every event has: text, which is never a number.
const NEEDED: [&str; 4] = ["id", "source", "specversion", "type"];
/// Attributes that the specification has as text, of those that are kept as they came.
const TEXTS: [&str; 3] = ["dataschema", "subject", "time"];
/// The most attributes beside those that naos knows.
const ATTRIBUTES_MAX: usize = 64;

/// One event that came.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Incoming {
    pub(crate) topic: String,
    pub(crate) data: Vec<u8>,
    pub(crate) origin: Origin,
    /// What else it says about itself.
    pub(crate) more: Map<String, Value>,
}

/// What came in a request.
pub(crate) enum Came {
    One(Box<Incoming>),
    Many(Vec<Incoming>),
}

fn bad(what: impl Into<String>) -> Fault {
    Fault::new(Code::BAD_REQUEST, what)
}

/// Reads a request in whichever mode it comes.
pub(crate) fn read(headers: &HeaderMap, body: &[u8]) -> Result<Came, Fault> {
    let kind = headers.get(http::header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let media = kind.split(';').next().unwrap_or_default().trim();
    let media = media.to_ascii_lowercase();
    let parsed = |json: &[u8]| exactly(json, "the body doesn't parse");
    if media == MANY {
        // Each is read by itself: what is wrong with one is said with its place.
        let all: Vec<&RawValue> = serde_json::from_slice(body).map_err(|e| match e.is_data() {
            true => bad("a batch of events is a JSON list"),
            false => bad(format!("the body doesn't parse: {e}")),
        })?;
        if all.len() > BATCH_MAX {
            let what = format!("{} events, at most {BATCH_MAX} at once", all.len());
            return Err(Fault::new(Code::TOO_LARGE, what));
        }
        let one = |(at, json): (usize, &RawValue)| {
            let read = parsed(json.get().as_bytes()).and_then(structured);
            read.map_err(|fault| of_batch(at, fault))
        };
        let all = all.into_iter().enumerate();
        return Ok(Came::Many(all.map(one).collect::<Result<_, _>>()?));
    }
    if media.starts_with("application/cloudevents") && media != ONE {
        let what = format!("{media} is no form of events that naos reads: send {ONE}");
        return Err(bad(what).status(http::StatusCode::UNSUPPORTED_MEDIA_TYPE));
    }
    if media != ONE && headers.contains_key("ce-specversion") {
        return binary(headers, kind, body).map(|one| Came::One(Box::new(one)));
    }
    if media != ONE && headers.contains_key("ce-type") {
        let what = "`ce-specversion` is missing: an event whose attributes are headers says 1.0";
        return Err(bad(what));
    }
    let one = match parsed(body)? {
        value if media == ONE || value.get("specversion").is_some() => structured(value)?,
        value => plain(value)?,
    };
    Ok(Came::One(Box::new(one)))
}

/// The same fault of one event of a batch.
pub(crate) fn of_batch(at: usize, mut fault: Fault) -> Fault {
    let what = &mut fault.refusal.what;
    *what = format!("event {} of the batch: {what}", at + 1);
    fault
}

/// JSON of which nothing is lost unseen: each key is there once, each whole number as it is.
pub(crate) fn exactly(json: &[u8], what: &str) -> Result<Value, Fault> {
    let read = match planted::last_key_wins() {
        true => serde_json::from_slice(json).map_err(Unread::from),
        false => read_exactly(json),
    };
    read.map_err(|found| match found {
        Unread::NoJson(_) => bad(format!("{what}: {found}")),
        found => unkept(&found),
    })
}

/// Whether data of this type is JSON.
pub(crate) fn is_json(content: &str) -> bool {
    let media = content.split(';').next().unwrap_or_default().trim();
    let media = media.to_ascii_lowercase();
    media.ends_with("/json") || media.ends_with("+json")
}

/// Data as they are compared with data that came before: JSON is a value, however it is written.
pub(crate) fn canonical<'d>(data: &'d [u8], content: Option<&str>) -> Cow<'d, [u8]> {
    if !content.is_none_or(is_json) {
        return Cow::Borrowed(data);
    }
    match serde_json::from_slice::<Value>(data) {
        Ok(value) => Cow::Owned(one_value(value).to_string().into_bytes()),
        Err(_) => Cow::Borrowed(data),
    }
}

fn is_attribute(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    !name.is_empty() && name.len() <= ATTRIBUTE_BYTES_MAX && name.bytes().all(plain)
}

/// The value of an attribute that is text; one of another type that attributes may have is
/// written as one.
fn as_text(name: &str, value: Value) -> Result<String, Fault> {
    match value {
        Value::String(text) => Ok(text),
        Value::Bool(yes) => Ok(yes.to_string()),
        Value::Number(number) if number.is_i64() => Ok(number.to_string()),
        _ => Err(bad(format!(
            "`{name}` is text, a whole number or true or false"
        ))),
    }
}

/// The value of an attribute that is text and nothing else: `7` and `"7"` aren't one id.
fn text(name: &str, value: Value) -> Result<String, Fault> {
    match value {
        Value::String(text) => Ok(text),
        other => {
            let refusal = Refusal::new(Code::BAD_REQUEST, format!("`{name}` is text, not {other}"));
            Err(refusal.help(format!("write {name:?}: \"…\"")).into())
        }
    }
}

/// Sorts attributes into those that naos knows and the rest.
fn attributes(all: impl Iterator<Item = (String, Value)>) -> Result<Incoming, Fault> {
    let mut out = Incoming::default();
    let mut version = None;
    for (name, given) in all {
        if !is_attribute(&name) {
            let what = format!("{name:?} can't be an attribute: it has a-z and 0-9 alone");
            return Err(bad(what));
        }
        let is_text = given.is_string() || TEXTS.contains(&name.as_str());
        let value = match NEEDED.contains(&name.as_str()) {
            true => text(&name, given.clone())?,
            false => as_text(&name, given.clone())?,
        };
        if value.is_empty() {
            return Err(bad(format!("`{name}` is empty")));
        }
        let origin = &mut out.origin;
        match name.as_str() {
            "specversion" => version = Some(value),
            "type" => out.topic = value,
            "id" => origin.id = Some(value),
            "source" => origin.source = Some(value),
            "datacontenttype" => origin.content = Some(value),
            "correlationid" => origin.correlation = Some(value),
            "causationid" => origin.causation = Some(value),
            "partitionkey" => origin.key = Some(value),
            "category" => {
                let known = Category::parse(&value);
                origin.category = known.ok_or_else(|| bad_category(&value))?;
            }
            "time" if naos_types::Time::parse(&value).is_none() => return Err(bad_time(&value)),
            // A whole number and a truth stay what they are.
            _ => {
                let value = if is_text { Value::String(value) } else { given };
                out.more.insert(name, value);
            }
        }
    }
    match version.as_deref() {
        Some("1.0") => {}
        Some(other) => {
            let what = format!("`specversion` is {other}: naos reads CloudEvents 1.0");
            return Err(bad(what));
        }
        None => return Err(bad("`specversion` is missing: an event says 1.0")),
    }
    let missing = [
        ("type", out.topic.is_empty()),
        ("id", out.origin.id.is_none()),
        ("source", out.origin.source.is_none()),
    ];
    if let Some((name, _)) = missing.iter().find(|(_, missing)| *missing) {
        return Err(bad(format!("`{name}` is missing: every event has one")));
    }
    if out.more.len() > ATTRIBUTES_MAX {
        return Err(bad(format!(
            "an event has at most {ATTRIBUTES_MAX} attributes more"
        )));
    }
    Ok(out)
}

fn bad_category(word: &str) -> Fault {
    let known: Vec<&str> = Category::ALL.iter().map(|(word, _)| *word).collect();
    bad(format!(
        "`category` can't be {word:?}: it is one of {}",
        known.join(", ")
    ))
}

fn bad_time(text: &str) -> Fault {
    bad(format!(
        "`time` is no time as RFC 3339 has it, like 2026-11-28T09:00:00Z: {text}"
    ))
}

/// One event in JSON, attributes and data together.
fn structured(value: Value) -> Result<Incoming, Fault> {
    let Value::Object(mut members) = value else {
        return Err(bad("an event is a JSON object"));
    };
    let data = members.remove("data");
    let coded = members.remove("data_base64");
    let said = members.into_iter().filter(|(_, value)| !value.is_null());
    let mut out = attributes(said)?;
    if coded.is_some() && out.origin.content.is_none() {
        out.origin.content = Some("application/octet-stream".to_owned()); // it says nothing of JSON
    }
    let json = out.origin.content.as_deref().is_none_or(is_json);
    out.data = match (data, coded) {
        (Some(_), Some(_)) => {
            return Err(bad("an event has `data` or `data_base64`, not both"));
        }
        (None, Some(Value::String(coded))) => STANDARD
            .decode(coded)
            .map_err(|e| bad(format!("`data_base64` doesn't parse: {e}")))?,
        (None, Some(_)) => return Err(bad("`data_base64` is text")),
        (Some(Value::String(text)), None) if !json => text.into_bytes(),
        (Some(value), None) => value.to_string().into_bytes(),
        (None, None) if json => b"null".to_vec(),
        (None, None) => Vec::new(),
    };
    settled(out)
}

/// Attributes in headers, the data as it is.
fn binary(headers: &HeaderMap, kind: &str, body: &[u8]) -> Result<Incoming, Fault> {
    let mut all = Vec::new();
    for header in headers.keys() {
        let Some(name) = header.as_str().strip_prefix("ce-") else {
            continue;
        };
        let mut values = headers.get_all(header).iter();
        let Some(value) = values.next() else {
            continue;
        };
        if values.next().is_some() && !planted::last_key_wins() {
            return Err(bad(format!(
                "the header ce-{name} is there twice: send it once"
            )));
        }
        let text = value.to_str().ok().and_then(decoded);
        let text = text.ok_or_else(|| bad(format!("the header ce-{name} isn't readable text")))?;
        all.push((name.to_owned(), Value::String(text)));
    }
    if !kind.is_empty() {
        all.push(("datacontenttype".to_owned(), json!(kind)));
    }
    let mut out = attributes(all.into_iter())?;
    let json = out.origin.content.as_deref().is_none_or(is_json);
    out.data = match body {
        [] if json => b"null".to_vec(), // no data, as in JSON
        body => body.to_vec(),
    };
    settled(out)
}

/// JSON that is JSON; what it is needn't be said then.
fn settled(mut out: Incoming) -> Result<Incoming, Fault> {
    let json = out.origin.content.as_deref().is_none_or(is_json);
    if json {
        exactly(&out.data, "the data isn't the JSON that it says it is")?;
        if out.origin.content.as_deref() == Some("application/json") {
            out.origin.content = None;
        }
    }
    Ok(out)
}

/// What `%XX` stands for in a header.
fn decoded(text: &str) -> Option<String> {
    let text = text.trim();
    let text = match text.strip_prefix('"').and_then(|t| t.strip_suffix('"')) {
        Some(quoted) if !quoted.contains('"') => quoted,
        _ => text,
    };
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let digit = |b: Option<u8>| char::from(b?).to_digit(16);
        let (high, low) = (digit(bytes.next())?, digit(bytes.next())?);
        out.push(u8::try_from(high * 16 + low).ok()?);
    }
    String::from_utf8(out).ok()
}

/// The short form: `{"type", "data", …}`.
fn plain(value: Value) -> Result<Incoming, Fault> {
    let Value::Object(members) = value else {
        return Err(bad("an event is a JSON object with a `type`"));
    };
    let mut out = Incoming {
        data: b"null".to_vec(),
        ..Incoming::default()
    };
    for (name, value) in members {
        if value.is_null() && name != "data" {
            continue;
        }
        let origin = &mut out.origin;
        match name.as_str() {
            "type" => out.topic = text("type", value)?,
            "data" => out.data = value.to_string().into_bytes(),
            "id" => origin.id = Some(text("id", value)?),
            "source" => origin.source = Some(text("source", value)?),
            "correlation" | "correlation_id" => {
                origin.correlation = Some(as_text("correlation", value)?);
            }
            "causation" | "causation_id" => {
                origin.causation = Some(as_text("causation", value)?);
            }
            "key" => origin.key = Some(as_text("key", value)?),
            "category" => {
                let word = as_text("category", value)?;
                origin.category = Category::parse(&word).ok_or_else(|| bad_category(&word))?;
            }
            "subject" => {
                let subject = as_text("subject", value)?;
                out.more.insert(name, Value::String(subject));
            }
            "time" | "timestamp" => {
                let time = as_text("time", value)?;
                if naos_types::Time::parse(&time).is_none() {
                    return Err(bad_time(&time));
                }
                out.more.insert("time".into(), Value::String(time));
            }
            "user_id" => {
                let user = as_text("user_id", value)?;
                out.more.insert("userid".into(), Value::String(user));
            }
            "metadata" => {
                out.more
                    .insert("metadata".into(), Value::String(value.to_string()));
            }
            other => return Err(bad(format!("an event has no `{other}`"))),
        }
    }
    if out.topic.is_empty() {
        return Err(bad(
            "`type` is missing: an event has one, like email.received",
        ));
    }
    Ok(out)
}

/// An event as CloudEvents has it in JSON.
pub(crate) fn event(reader: &Reader, row: &EventRow) -> Map<String, Value> {
    with_data(reader, row, reader.bytes(&row.event.data).ok())
}

/// The same of an event whose data was read; none: it was erased.
pub(crate) fn with_data(
    reader: &Reader,
    row: &EventRow,
    data: Option<Vec<u8>>,
) -> Map<String, Value> {
    let (event, origin) = (&row.event, &row.event.origin);
    let mut out = Map::new();
    let mut put = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            out.insert(name.to_owned(), Value::String(value));
        }
    };
    let id = event.event.to_string();
    let home = || format!("/naos/{}", reader.tenant());
    put("specversion", Some("1.0".into()));
    put("id", Some(origin.id.clone().unwrap_or_else(|| id.clone())));
    put("source", Some(origin.source.clone().unwrap_or_else(home)));
    put("type", Some(event.topic.clone()));
    put("time", Some(row.at.rfc3339()));
    let content = origin.content.as_deref().unwrap_or("application/json");
    put("datacontenttype", Some(content.to_owned()));
    put("category", Some(origin.category.word().to_owned()));
    put("correlationid", Some(event.correlation()));
    put("causationid", event.causation());
    put("partitionkey", origin.key.clone());
    put("sequence", Some(row.seq.to_string()));
    put("eventid", Some(id));
    if let Some(Value::Object(more)) = origin.more.as_ref().and_then(|more| parsed(reader, more)) {
        out.extend(naos_kernel::event::theirs(more));
    }
    if origin.hops > 0 {
        out.insert("hops".to_owned(), json!(origin.hops));
    }
    put_data(row, data, &mut out);
    out
}

fn put_data(row: &EventRow, data: Option<Vec<u8>>, out: &mut Map<String, Value>) {
    let content = row.event.origin.content.as_deref();
    let Some(bytes) = data else {
        out.insert("dataerased".into(), Value::Bool(true));
        return;
    };
    if content.is_none_or(is_json)
        && let Ok(value) = serde_json::from_slice::<Value>(&bytes)
    {
        if !value.is_null() {
            out.insert("data".into(), value);
        }
        return;
    }
    if bytes.is_empty() {
        return; // there is none
    }
    match String::from_utf8(bytes) {
        Ok(text) => out.insert("data".into(), Value::String(text)),
        Err(error) => {
            let coded = STANDARD.encode(error.as_bytes());
            out.insert("data_base64".into(), Value::String(coded))
        }
    };
}

fn parsed(reader: &Reader, body: &BodyRef) -> Option<Value> {
    serde_json::from_slice(&reader.bytes(body).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(list: &[(&'static str, &str)]) -> HeaderMap {
        let pairs = list.iter().map(|(name, value)| {
            let name = http::HeaderName::from_static(name);
            (name, value.parse().unwrap())
        });
        pairs.collect()
    }

    fn one(list: &[(&'static str, &str)], body: &str) -> Result<Incoming, String> {
        match read(&headers(list), body.as_bytes()) {
            Ok(Came::One(one)) => Ok(*one),
            Ok(Came::Many(_)) => panic!("one was sent"),
            Err(fault) => Err(fault.refusal.what),
        }
    }

    #[test]
    fn the_three_ways_to_say_one_thing() {
        let whole = r#"{"specversion":"1.0","id":"1","source":"/s","type":"a.b","subject":"me",
            "correlationid":"c","data":{"x":1}}"#;
        let structured = one(
            &[(
                "content-type",
                "application/cloudevents+json; charset=utf-8",
            )],
            whole,
        );
        let binary = one(
            &[
                ("content-type", "application/json"),
                ("ce-specversion", "1.0"),
                ("ce-id", "1"),
                ("ce-source", "/s"),
                ("ce-type", "a.b"),
                ("ce-subject", "m%65"),
                ("ce-correlationid", "c"),
            ],
            r#"{"x":1}"#,
        );
        let plain = one(
            &[],
            r#"{"type":"a.b","id":"1","source":"/s","subject":"me","correlation":"c","data":{"x":1}}"#,
        );
        let structured = structured.unwrap();
        assert_eq!(binary.unwrap(), structured);
        assert_eq!(plain.unwrap(), structured);
        assert_eq!(structured.data, br#"{"x":1}"#);
        assert_eq!(structured.more["subject"], "me");
    }

    #[test]
    fn data_that_is_no_json() {
        let ce = [("content-type", "application/cloudevents+json")];
        let head = r#""specversion":"1.0","id":"1","source":"/s","type":"a.b""#;
        let text = format!(r#"{{{head},"datacontenttype":"text/plain","data":"hi"}}"#);
        assert_eq!(one(&ce, &text).unwrap().data, b"hi");
        let coded = format!(r#"{{{head},"datacontenttype":"x/y","data_base64":"AAH/"}}"#);
        assert_eq!(one(&ce, &coded).unwrap().data, [0, 1, 255]);
        let none = format!("{{{head}}}");
        assert_eq!(one(&ce, &none).unwrap().data, b"null");
    }

    #[test]
    fn what_is_no_event_says_why() {
        let ce = [("content-type", "application/cloudevents+json")];
        for (body, why) in [
            ("[]", "an event is a JSON object"),
            (
                r#"{"id":"1","source":"/s","type":"a"}"#,
                "`specversion` is missing",
            ),
            (
                r#"{"specversion":"0.3","id":"1","source":"/s","type":"a"}"#,
                "is 0.3",
            ),
            (
                r#"{"specversion":"1.0","source":"/s","type":"a"}"#,
                "`id` is missing",
            ),
            (
                r#"{"specversion":"1.0","id":"1","source":"","type":"a"}"#,
                "`source` is empty",
            ),
            (
                r#"{"specversion":"1.0","id":"1","source":"s","type":"a","a_b":"c"}"#,
                "a-z and 0-9",
            ),
            (
                r#"{"specversion":"1.0","id":"1","source":"s","type":"a","data":1,"data_base64":""}"#,
                "not both",
            ),
            (
                r#"{"specversion":"1.0","id":"1","source":"s","type":"a","x":{}}"#,
                "`x` is text",
            ),
            (
                r#"{"specversion":"1.0","id":"1","source":"s","type":"a","time":"noon"}"#,
                "no time",
            ),
            ("{", "doesn't parse"),
        ] {
            let said = one(&ce, body).unwrap_err();
            assert!(said.contains(why), "{body}: {said}");
        }
        assert!(
            one(&[], r#"{"type":"a","colour":"red"}"#)
                .unwrap_err()
                .contains("`colour`")
        );
        let time = one(&[], r#"{"type":"a.b","time":"yesterday"}"#).unwrap_err();
        assert!(time.contains("no time"), "{time}");
        let json = [
            ("content-type", "application/json"),
            ("ce-specversion", "1.0"),
            ("ce-id", "1"),
            ("ce-source", "/s"),
            ("ce-type", "a.b"),
        ];
        assert!(one(&json, "{").unwrap_err().contains("isn't the JSON"));
        let unsaid = json
            .into_iter()
            .filter(|(name, _)| *name != "ce-specversion");
        let unsaid: Vec<_> = unsaid.collect();
        let said = one(&unsaid, "{}").unwrap_err();
        assert!(said.starts_with("`ce-specversion` is missing"), "{said}");
    }
}
