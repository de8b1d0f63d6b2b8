//! From a refusal to an answer: the one place that picks a status.

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use naos_types::{Code, Refusal, Unread};
use serde_json::{Map, Value, json};

/// A refusal on its way out, with what only some of them carry.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) refusal: Box<Refusal>,
    /// More members of the problem: `diagnostics`.
    pub(crate) more: Box<Map<String, Value>>,
    /// Where nothing of the list of codes fits.
    pub(crate) status: Option<StatusCode>,
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        Self {
            refusal: Box::new(refusal),
            more: Box::default(),
            status: None,
        }
    }
}

/// JSON is refused of which something would be lost.
pub(crate) fn unkept(found: &Unread) -> Fault {
    let refusal = Refusal::new(Code::BAD_REQUEST, found.to_string());
    refusal.help(found.help().unwrap_or_default()).into()
}

impl Fault {
    pub(crate) fn new(code: Code, what: impl Into<String>) -> Self {
        Refusal::new(code, what).into()
    }

    pub(crate) fn with(mut self, name: &str, value: Value) -> Self {
        self.more.insert(name.to_owned(), value);
        self
    }

    /// Says by what a request was known that came before with another content: who sent it chose no
    /// idempotency key, but what stands for one here.
    pub(crate) fn known_by(mut self, what: impl FnOnce() -> (String, &'static str)) -> Self {
        if self.refusal.code == Code::SAME_KEY {
            let (what, help) = what();
            self.refusal = Box::new(Refusal::new(Code::SAME_KEY, what).help(help));
        }
        self
    }

    pub(crate) fn status(mut self, status: StatusCode) -> Self {
        self.status = Some(status);
        self
    }

    pub(crate) fn http(&self) -> StatusCode {
        let by_code = match self.refusal.code {
            Code::NOT_SIGNED_IN | Code::BAD_WEBHOOK => StatusCode::UNAUTHORIZED,
            Code::TOO_LARGE => StatusCode::PAYLOAD_TOO_LARGE,
            Code::INTERNAL => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::from_u16(self.refusal.kind.http())
                .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        };
        self.status.unwrap_or(by_code)
    }

    /// As `application/problem+json` (RFC 9457).
    pub(crate) fn problem(&self) -> Response {
        let Refusal {
            code, what, help, ..
        } = &*self.refusal;
        let status = self.http();
        let mut body = json!({
            "type": format!("urn:naos:error:{code}"),
            "title": code.entry().title,
            "status": status.as_u16(),
            "detail": what,
            "code": code,
            "help": help,
        });
        if let Value::Object(members) = &mut body {
            members.extend((*self.more).clone());
        }
        let mut response = (status, body.to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        self.advise(headers);
        response
    }

    /// What a client is to do about it: sign in, or come again.
    pub(crate) fn advise(&self, headers: &mut HeaderMap) {
        let status = self.http();
        if status == StatusCode::UNAUTHORIZED && self.refusal.code != Code::BAD_WEBHOOK {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if matches!(
            status,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
        ) {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_status_of_its_sort() {
        for entry in naos_types::CODES {
            let fault = Fault::new(entry.code, "x");
            let status = fault.http().as_u16();
            assert!(
                status == 202 || (400..=503).contains(&status),
                "{}",
                entry.code
            );
        }
        for (code, status) in [
            (Code::NOT_SIGNED_IN, 401),
            (Code::NOT_ALLOWED, 403),
            (Code::NOT_FOUND, 404),
            (Code::EXISTS, 409),
            (Code::TOO_LARGE, 413),
            (Code::BUSY, 429),
            (Code::QUARANTINED, 503),
            (Code::INTERNAL, 500),
        ] {
            assert_eq!(Fault::new(code, "x").http().as_u16(), status);
        }
    }
}
