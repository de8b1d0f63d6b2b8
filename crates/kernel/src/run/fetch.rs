//! HTTP requests of models: the gate, the grants and the client are those of components.

use naos_types::BodyRef;
use naos_types::gated::{AbilityError, GatedAnswer, GatedRequest};
use naos_types::http::{HttpRequest, HttpResponse, Target, check};
use naos_types::input::{Answer, Asked};
use serde_json::Value;

use super::tools::{TOOL_RESULT_BYTES_MAX, cut};
use crate::turn::{Done, Stop, Turn};

/// The most bytes that a model sends with a request.
pub const SENT_BYTES_MAX: usize = 256 * 1_024;

/// What a model wants sent, and where to.
///
/// # Errors
/// A sentence for the model: what it can't be, and why.
pub fn http_request(arguments: &Value) -> Result<(HttpRequest, Target), String> {
    let text = |name: &str| arguments[name].as_str();
    let url = text("url").ok_or("`url` is missing: the whole address")?;
    let body = text("body").unwrap_or_default();
    let method = text("method").map(str::to_ascii_uppercase);
    let method = method.unwrap_or_else(|| {
        let sends = if body.is_empty() { "GET" } else { "POST" };
        sends.to_owned()
    });
    if body.len() > SENT_BYTES_MAX {
        return Err(format!("`body` has at most {SENT_BYTES_MAX} bytes"));
    }
    let mut headers = Vec::new();
    let wanted = arguments["headers"].as_object();
    for (name, value) in wanted.into_iter().flatten() {
        let value = value
            .as_str()
            .ok_or_else(|| format!("the value of the header {name} is text"))?;
        // Who says that a receiver honours the key says that a lost request may be sent again.
        if name.eq_ignore_ascii_case("idempotency-key") {
            return Err(format!(
                "the header {name} is written by naos, leave it out"
            ));
        }
        headers.push((name.clone(), value.to_owned()));
    }
    let request = HttpRequest {
        method,
        url: url.to_owned(),
        headers,
        body: body.as_bytes().to_vec(),
    };
    let target = check(&request)?;
    Ok((request, target))
}

/// The same as it is journaled, and what the rules must see of it.
pub(super) fn gated(
    turn: &mut Turn<'_>,
    (request, target): (HttpRequest, Target),
) -> Done<(BodyRef, Asked)> {
    let ask = Asked::Http {
        method: request.method.clone(),
        host: target.host,
        port: target.port,
        own_port: target.own_port,
        keyed: false,
    };
    let bytes = postcard::to_stdvec(&GatedRequest::Http(request));
    let bytes = bytes.map_err(|error| Stop::broken(error.to_string()))?;
    Ok((turn.stage(bytes)?, ask))
}

/// What a model is told of an answer.
pub(super) fn told(bytes: &[u8]) -> Answer {
    match postcard::from_bytes(bytes) {
        Ok(GatedAnswer::Http(Ok(response))) => Answer::Text(shown(&response)),
        Ok(GatedAnswer::Http(Err(error))) => match error {
            AbilityError::Denied(why) => Answer::Denied(why),
            AbilityError::Invalid(why) => Answer::Invalid(why),
            AbilityError::Failed(why) | AbilityError::Unknown(why) => Answer::Failed(why),
            AbilityError::NotFound | AbilityError::Conflict(_) => {
                Answer::Failed("the request failed".into())
            }
        },
        _ => Answer::Failed("what came back can't be read".into()),
    }
}

fn shown(response: &HttpResponse) -> String {
    let HttpResponse {
        status,
        headers,
        body,
    } = response;
    let named = |wanted: &str| {
        let found = headers
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        found.map(|(_, value)| value.as_str())
    };
    let mut out = format!("HTTP {status}");
    for name in ["content-type", "location", "retry-after"] {
        if let Some(value) = named(name) {
            out.push_str(&format!("\n{name}: {value}"));
        }
    }
    match std::str::from_utf8(body) {
        Ok("") => {}
        Ok(text) => out.push_str(&format!("\n\n{text}")),
        Err(_) => out.push_str(&format!("\n\n[{} bytes that are no text]", body.len())),
    }
    cut(&out, TOOL_RESULT_BYTES_MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn arguments_make_a_request() {
        let read = |arguments: Value| http_request(&arguments);
        let (get, target) = read(json!({"url": "https://API.example.com:8443/a"})).unwrap();
        assert_eq!((get.method.as_str(), get.body.len()), ("GET", 0));
        assert_eq!(target.to_string(), "api.example.com:8443");
        let sent = json!({"url": "https://a.example", "body": "{}", "headers": {"accept": "*/*"}});
        let (post, _) = read(sent).unwrap();
        assert_eq!((post.method.as_str(), &post.body[..]), ("POST", &b"{}"[..]));
        assert_eq!(post.headers, [("accept".to_owned(), "*/*".to_owned())]);
        for (wrong, said) in [
            (json!({}), "`url` is missing"),
            (json!({"url": "file:///etc/passwd"}), "http:// or https://"),
            (json!({"url": "https://a@b.example"}), "user name"),
            (
                json!({"url": "https://a.example", "method": "TRACE"}),
                "the method",
            ),
            (
                json!({"url": "https://a.example", "headers": {"Host": "b"}}),
                "leave it out",
            ),
            (
                json!({"url": "https://a.example", "headers": {"Idempotency-Key": "1"}}),
                "leave it out",
            ),
            (
                json!({"url": "https://a.example", "headers": {"a": 1}}),
                "is text",
            ),
            (
                json!({"url": "https://a.example", "body": "x".repeat(SENT_BYTES_MAX + 1)}),
                "at most",
            ),
        ] {
            let why = read(wrong.clone()).unwrap_err();
            assert!(why.contains(said), "{wrong:.80}: {why}");
        }
    }

    #[test]
    fn answers_are_told_in_words() {
        let tell = |answer| told(&postcard::to_stdvec(&GatedAnswer::Http(answer)).unwrap());
        let response = |body: &[u8]| HttpResponse {
            status: 200,
            headers: vec![("Content-Type".into(), "text/plain".into())],
            body: body.to_vec(),
        };
        let Answer::Text(text) = tell(Ok(response("é".as_bytes()))) else {
            panic!("it is an answer");
        };
        assert_eq!(text, "HTTP 200\ncontent-type: text/plain\n\né");
        let Answer::Text(text) = tell(Ok(response(&[0xff; 3]))) else {
            panic!("it is an answer");
        };
        assert!(text.ends_with("[3 bytes that are no text]"), "{text}");
        let Answer::Text(text) = tell(Ok(response(&[b'x'; 100_000]))) else {
            panic!("it is an answer");
        };
        assert!(text.len() < TOOL_RESULT_BYTES_MAX + 64, "{}", text.len());
        let refused = tell(Err(AbilityError::Failed("no such host".into())));
        assert_eq!(refused, Answer::Failed("no such host".into()));
    }
}
