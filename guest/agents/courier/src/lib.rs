//! I make a list of HTTP calls, one after the other, and say what came back from each.
//! I never retry and never guess: what nobody knows is said as unknown. Start at [`handle`].

use naos_agent::{Error, http, limits};
use serde::{Deserialize, Serialize};

naos_agent::export!(handle);

/// Calls in one input.
pub const CALLS_MAX: usize = 1_000;
/// Bytes of an answer's body that are reported.
pub const BODY_BYTES_MAX: usize = 1_024;

/// What is given: the calls, in order.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    calls: Vec<Call>,
}

/// One call.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Call {
    #[serde(default = "post")]
    method: String,
    url: String,
    /// Whether the receiver honours an idempotency key: then the call may be repeated.
    #[serde(default)]
    key: bool,
    #[serde(default)]
    body: String,
    /// What the body is.
    #[serde(default = "json")]
    content_type: String,
}

fn post() -> String {
    "POST".to_owned()
}

fn json() -> String {
    "application/json".to_owned()
}

/// What came back from one call: a status and the beginning of the body, or why there is none.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Back {
    Answer {
        url: String,
        status: u16,
        body: String,
    },
    Error {
        url: String,
        error: String,
    },
}

/// Makes every call of `{"calls":[{"method","url","key","body","content_type"}]}` and answers with
/// a list of what came back. A call that fails doesn't keep the others from being made; the list
/// says so, and the caller decides.
///
/// # Errors
/// Refuses an input that isn't such a list, before the first call is made.
pub fn handle(input: &str) -> Result<String, String> {
    limits::input(input)?;
    let Input { calls } = serde_json::from_str(input).map_err(|why| {
        format!(
            "the input is not a list of calls ({why}): give \
             {{\"calls\": [{{\"url\": \"https://…\", \"body\": \"…\", \"key\": true}}]}}"
        )
    })?;
    if calls.len() > CALLS_MAX {
        return Err(format!(
            "{} calls are given and one run makes at most {CALLS_MAX}: split the list",
            calls.len()
        ));
    }
    let back: Vec<Back> = calls.into_iter().map(make).collect();
    let text = serde_json::to_string(&back).map_err(|why| format!("could not write: {why}"))?;
    limits::output(text)
}

fn make(call: Call) -> Back {
    let url = call.url.clone();
    match http::send(request(call)) {
        Ok(response) => Back::Answer {
            url,
            status: response.status,
            body: beginning(&response.body),
        },
        Err(error) => Back::Error {
            url,
            error: sentence(error),
        },
    }
}

fn request(call: Call) -> http::Request {
    let mut headers = Vec::new();
    if !call.body.is_empty() {
        headers.push(("Content-Type".to_owned(), call.content_type));
    }
    if call.key {
        // The value is naos's: the same for every attempt of this call, another for every other.
        headers.push(("Idempotency-Key".to_owned(), "run".to_owned()));
    }
    http::Request {
        method: call.method,
        url: call.url,
        headers,
        body: call.body.into_bytes(),
    }
}

fn sentence(error: Error) -> String {
    error.into()
}

/// The first bytes as text, cut between two characters.
fn beginning(body: &[u8]) -> String {
    let whole = String::from_utf8_lossy(body);
    let mut end = whole.len().min(BODY_BYTES_MAX);
    while !whole.is_char_boundary(end) {
        end -= 1;
    }
    whole[..end].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use naos_agent::fake;

    fn answers(given: &[(u16, &str)]) {
        fake::reset();
        for (status, body) in given {
            fake::answer_http(Ok(http::Response {
                status: *status,
                headers: Vec::new(),
                body: body.as_bytes().to_vec(),
            }));
        }
    }

    #[test]
    fn every_call_is_made_in_order_and_reported() {
        answers(&[(200, "one"), (503, "busy")]);
        let input = r#"{"calls":[
            {"method":"POST","url":"http://a.example/1","key":true,"body":"{}"},
            {"method":"PUT","url":"http://a.example/2","body":"x","content_type":"text/plain"},
            {"method":"GET","url":"http://a.example/3"}]}"#;
        let said = handle(input).expect("well formed");
        assert_eq!(
            said,
            concat!(
                r#"[{"url":"http://a.example/1","status":200,"body":"one"},"#,
                r#"{"url":"http://a.example/2","status":503,"body":"busy"},"#,
                "{\"url\":\"http://a.example/3\",",
                "\"error\":\"nobody lined up an answer to this request\"}]"
            )
        );
        let made = fake::requests();
        let line = |at: usize| (made[at].method.as_str(), made[at].url.as_str());
        assert_eq!(line(0), ("POST", "http://a.example/1"));
        assert_eq!(line(1), ("PUT", "http://a.example/2"));
        assert_eq!(line(2), ("GET", "http://a.example/3"));
    }

    #[test]
    fn only_a_call_with_a_key_says_that_it_may_be_repeated() {
        answers(&[(200, ""), (200, ""), (200, "")]);
        let input = r#"{"calls":[{"url":"http://a.example/","key":true,"body":"b"},
            {"url":"http://a.example/","key":false,"body":"b"},{"url":"http://a.example/"}]}"#;
        handle(input).expect("well formed");
        let names = |request: &http::Request| -> Vec<String> {
            request
                .headers
                .iter()
                .map(|(name, _)| name.clone())
                .collect()
        };
        let made: Vec<Vec<String>> = fake::requests().iter().map(names).collect();
        assert_eq!(made[0], ["Content-Type", "Idempotency-Key"]);
        assert_eq!(made[1], ["Content-Type"]);
        assert!(made[2].is_empty());
    }

    #[test]
    fn what_nobody_knows_is_said_and_the_others_go_on() {
        fake::reset();
        fake::answer_http(Err(Error::Unknown("no answer came".to_owned())));
        fake::answer_http(Ok(http::Response::default()));
        let said = handle(r#"{"calls":[{"url":"http://a/"},{"url":"http://b/"}]}"#);
        let said = said.expect("well formed");
        assert!(said.contains("nobody knows the outcome"), "{said}");
        assert!(said.contains(r#"{"url":"http://b/","status":0"#), "{said}");
    }

    #[test]
    fn what_is_not_granted_is_an_answer_too() {
        fake::reset();
        fake::deny("http");
        let said = handle(r#"{"calls":[{"url":"http://a/"}]}"#).expect("well formed");
        assert!(
            said.contains("not granted") && said.contains("manifest"),
            "{said}"
        );
    }

    #[test]
    fn malformed_lists_are_refused_before_the_first_call() {
        fake::reset();
        let many = "{\"url\":\"http://a/\"},".repeat(CALLS_MAX);
        let many = format!("{{\"calls\":[{many}{{\"url\":\"http://a/\"}}]}}");
        for (input, why) in [
            ("", "not a list of calls"),
            ("[]", "not a list of calls"),
            ("{}", "missing field `calls`"),
            (
                r#"{"calls":[{"url":"http://a/"},{"body":"b"}]}"#,
                "missing field `url`",
            ),
            (
                r#"{"calls":[{"url":"http://a/","retries":3}]}"#,
                "unknown field `retries`",
            ),
            (many.as_str(), "1001 calls"),
        ] {
            let refusal = handle(input).expect_err("malformed");
            assert!(refusal.contains(why), "{refusal}");
        }
        assert!(fake::requests().is_empty());
        assert_eq!(handle(r#"{"calls":[]}"#).as_deref(), Ok("[]"));
    }

    #[test]
    fn long_bodies_are_cut_between_characters() {
        assert_eq!(beginning("é".repeat(600).as_bytes()), "é".repeat(512));
        let odd = format!("x{}", "é".repeat(600));
        assert_eq!(beginning(odd.as_bytes()).len(), BODY_BYTES_MAX - 1);
        assert_eq!(beginning(&[0xff, b'a']), "\u{fffd}a");
    }
}
