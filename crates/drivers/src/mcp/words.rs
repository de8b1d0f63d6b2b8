//! What went wrong with a server, in words that say what to look at: not in those of a library.

use std::error::Error;

use rmcp::service::{ClientInitializeError, ServiceError};

use super::short;

/// Why nobody could be greeted.
pub(super) fn greeting(error: &ClientInitializeError) -> String {
    use ClientInitializeError as E;
    let text = match error {
        E::TransportError { error, .. } => format!("it isn't reached: {}", deepest(&*error.error)),
        E::JsonRpcError(refusal) => format!("it refuses to be greeted: {}", refusal.message),
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
        _ => "it answers, but not as a server of the Model Context Protocol does".to_owned(),
    };
    short(&text)
}

/// Why a request came to nothing.
pub(super) fn request(error: &ServiceError) -> String {
    let text = match error {
        ServiceError::McpError(refusal) => format!("it refuses: {}", refusal.message),
        ServiceError::TransportSend(error) => {
            format!("it isn't reached: {}", deepest(&*error.error))
        }
        ServiceError::TransportClosed => "it ended the conversation".to_owned(),
        ServiceError::UnexpectedResponse => "it answers something else than was asked".to_owned(),
        other => other.to_string(),
    };
    short(&text)
}

/// Whether an answer came, and was longer than its transport reads.
pub(super) fn is_too_long(error: &ServiceError) -> bool {
    let ServiceError::TransportSend(error) = error else {
        return false;
    };
    let said = deepest(&*error.error);
    said.starts_with("HTTP response body exceeded the maximum size")
}

/// The cause of all, which says most to whoever can mend it.
fn deepest(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_told_and_no_library() {
        let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        let error = rmcp::transport::DynamicTransportError::from_parts(
            "a::worker::of::some::library",
            std::any::TypeId::of::<()>(),
            Box::new(std::io::Error::other(refused)),
        );
        let told = request(&ServiceError::TransportSend(error));
        assert_eq!(told, "it isn't reached: connection refused");
    }
}
