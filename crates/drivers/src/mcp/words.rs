//! What went wrong with a server, in words that say what to look at: not in those of a library.

use std::error::Error;

use rmcp::service::{ClientInitializeError, ServiceError};
use rmcp::transport::DynamicTransportError;
use rmcp::transport::streamable_http_client::StreamableHttpError;

use super::lines::{Progress, too_deep};
use super::{short, too_long};

/// What is said of one that answers, but something else.
const NO_SERVER: &str = "it answers, but not as a server of the Model Context Protocol does";
/// How `serde_json` says that it reads nothing that nests so deep.
const TOO_DEEP: &str = "recursion limit exceeded";

/// Why nobody could be greeted.
pub(super) fn greeting(error: &ClientInitializeError) -> String {
    use ClientInitializeError as E;
    let text = match error {
        E::TransportError { error, .. } => transport(error),
        E::JsonRpcError(refusal) => refused("it refuses to be greeted", &refusal.message),
        E::ConnectionClosed(_) => "it ended the conversation before it was greeted".to_owned(),
        E::NoCompatibleProtocolVersion {
            server_supported, ..
        } => {
            let versions = server_supported.iter().map(ToString::to_string);
            let versions = versions.collect::<Vec<_>>().join(", ");
            format!("it speaks other versions of the protocol: {versions}")
        }
        E::LegacyFallbackFailed { fallback, .. } => return greeting(fallback),
        E::Cancelled => "it was cancelled".to_owned(),
        _ => NO_SERVER.to_owned(),
    };
    short(&text)
}

/// Why a request came to nothing.
pub(super) fn request(error: &ServiceError) -> String {
    let text = match error {
        ServiceError::McpError(refusal) => refused("it refuses", &refusal.message),
        ServiceError::TransportSend(error) => transport(error),
        ServiceError::TransportClosed => "it ended the conversation".to_owned(),
        ServiceError::UnexpectedResponse => "it answers something else than was asked".to_owned(),
        ServiceError::Cancelled { .. } => "it was cancelled".to_owned(),
        ServiceError::Timeout { .. } => "it doesn't answer".to_owned(),
        _ => "the conversation with it broke off".to_owned(),
    };
    short(&text)
}

/// A server's refusal; what stands in the place of an answer that isn't taken is none.
fn refused(how: &str, message: &str) -> String {
    if message == too_long() || message == too_deep() {
        return message.to_owned();
    }
    format!("{how}: {message}")
}

/// Why an answer that came isn't taken: it is longer than its transport reads, or nests deeper.
pub(super) fn untaken(error: &ServiceError) -> Option<String> {
    let ServiceError::TransportSend(error) = error else {
        return None;
    };
    match of_address(error)? {
        StreamableHttpError::ResponseBodyTooLarge { .. } => Some(too_long()),
        StreamableHttpError::UnexpectedServerResponse(said) if said.contains(TOO_DEEP) => {
            Some(too_deep())
        }
        _ => None,
    }
}

/// Whether an address refused what it was asked, and so did nothing of it: it sent it elsewhere, or
/// said that whoever asks is in the wrong (RFC 9110, 15.4 and 15.5).
pub(super) fn is_refusal(error: &ServiceError) -> bool {
    use StreamableHttpError as E;
    let ServiceError::TransportSend(error) = error else {
        return false;
    };
    let status = match of_address(error) {
        Some(E::AuthRequired(_) | E::InsufficientScope(_)) => return true,
        Some(E::HttpStatus(status)) => status.status,
        // `HTTP 405 Method Not Allowed: …`
        Some(E::UnexpectedServerResponse(said)) => {
            let code = said.strip_prefix("HTTP ").and_then(|said| said.get(..3));
            code.and_then(|code| code.parse().ok()).unwrap_or_default()
        }
        _ => return false,
    };
    matches!(status, 300..=399 | 400 | 401 | 403..=406 | 413..=415 | 429)
}

/// What is said of one that wasn't heard of in time, with how far what it writes is.
pub(super) fn waited(late: &str, progress: &Progress) -> String {
    match progress.complaint() {
        Some(complaint) => format!("{late}: {complaint}"),
        None => late.to_owned(),
    }
}

/// Why nothing more is read of what a program writes, where that is so.
pub(super) fn endless(progress: &Progress) -> Option<String> {
    progress.complaint().filter(|_| progress.is_endless())
}

/// What an address did wrong; none where it is a program that did.
fn of_address(error: &DynamicTransportError) -> Option<&StreamableHttpError<reqwest::Error>> {
    let mut cause: Option<&(dyn Error + 'static)> = Some(&*error.error);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        cause = error.source();
    }
    None
}

fn transport(error: &DynamicTransportError) -> String {
    match of_address(error) {
        Some(error) => address(error),
        None => unreached(&*error.error),
    }
}

fn address(error: &StreamableHttpError<reqwest::Error>) -> String {
    use StreamableHttpError as E;
    match error {
        E::Io(error) => unreached(error),
        E::Client(error) => unreached(error),
        E::HttpStatus(status) => format!("it answers with HTTP {}", status.status),
        E::ResponseBodyTooLarge { .. } => too_long(),
        E::UnexpectedServerResponse(said) if said.contains(TOO_DEEP) => too_deep(),
        E::Deserialize(error) if error.to_string().contains(TOO_DEEP) => too_deep(),
        // With the beginning of its own page: `HTTP 404 Not Found: no such page`.
        E::UnexpectedServerResponse(said) if said.starts_with("HTTP ") => {
            format!("it answers with {said}")
        }
        E::UnexpectedContentType(kind) => {
            let kind = kind.as_deref().unwrap_or("no content type");
            format!(
                "it answers with {kind}, where a server of the Model Context Protocol answers with \
                 application/json or text/event-stream: is its address complete (/mcp, say)?"
            )
        }
        E::AuthRequired(_) => "it wants a key, or another one (HTTP 401)".to_owned(),
        E::InsufficientScope(_) => "its key isn't enough for that (HTTP 403)".to_owned(),
        E::SessionExpired => "it has forgotten the conversation (HTTP 404)".to_owned(),
        E::ReinitializationFailed(refusal) => {
            format!("it refuses to be greeted anew: {}", refusal.message)
        }
        E::SessionRecoveryTimeout | E::ControlRequestTimeout => "it doesn't answer".to_owned(),
        E::UnexpectedEndOfStream | E::TransportChannelClosed => {
            "it ended the conversation".to_owned()
        }
        _ => NO_SERVER.to_owned(),
    }
}

/// The cause of all says most to whoever can mend it.
fn unreached(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    let broken = |error: &std::io::Error| error.kind() == std::io::ErrorKind::BrokenPipe;
    if cause.downcast_ref().is_some_and(broken) {
        return "it ended the conversation before it was asked anything".to_owned();
    }
    format!("it isn't reached: {}", plain(cause))
}

/// What went wrong, without the number that the machine has for it.
pub(super) fn plain(error: &(dyn Error + 'static)) -> String {
    let said = error.to_string();
    said.split(" (os error")
        .next()
        .unwrap_or_default()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(error: Box<dyn Error + Send + Sync>) -> String {
        let name = "a::worker::of::some::library";
        let id = std::any::TypeId::of::<()>();
        let error = DynamicTransportError::from_parts(name, id, error);
        request(&ServiceError::TransportSend(error))
    }

    #[test]
    fn a_cause_is_told_and_no_library() {
        let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        let told = sent(Box::new(std::io::Error::other(refused)));
        assert_eq!(told, "it isn't reached: connection refused");
        let page = Some("text/html".to_owned());
        for (error, wanted) in [
            (
                StreamableHttpError::<reqwest::Error>::UnexpectedContentType(page),
                "it answers with text/html, where",
            ),
            (
                StreamableHttpError::UnexpectedContentType(None),
                "it answers with no content type, where",
            ),
            (
                StreamableHttpError::UnexpectedServerResponse("could not parse ServerX".into()),
                NO_SERVER,
            ),
            (
                StreamableHttpError::UnexpectedServerResponse("HTTP 404 Not Found: ".into()),
                "it answers with HTTP 404 Not Found",
            ),
        ] {
            let told = sent(Box::new(error));
            assert!(told.starts_with(wanted), "{told}");
        }
    }
}
