//! A signed POST whose answer matters: what its receiver said, and when it wants to be asked again.

use super::{Delivery, request};
use crate::http::{HttpClient, RetryAfter, SendError};

/// What a receiver answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The status.
    pub status: u16,
    /// In how many seconds it wants to be asked again.
    pub retry_after_s: Option<u64>,
    /// What came with it.
    pub body: Vec<u8>,
}

/// Sends once.
///
/// # Errors
/// [`SendError`] says whether anything may have happened.
pub async fn ask(client: &HttpClient, delivery: Delivery) -> Result<Said, SendError> {
    let now = delivery.timestamp;
    let answer = client.send(request(delivery), None).await?;
    let header = answer
        .headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("retry-after"));
    let retry_after_s = header.and_then(|(_, text)| retry_after(text, now));
    Ok(Said {
        status: answer.status,
        retry_after_s,
        body: answer.body,
    })
}

/// In how many seconds that is; none for a date that is over.
fn retry_after(text: &str, now_s: i64) -> Option<u64> {
    match RetryAfter::parse(text)? {
        RetryAfter::In(wait) => Some(wait.as_secs()),
        RetryAfter::At(at) => u64::try_from(at.0 / 1_000 - now_s).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::retry_after;

    #[test]
    fn a_receiver_says_when_in_either_way() {
        let noon = 1_791_547_200; // Fri, 09 Oct 2026 12:00:00 GMT
        for (text, seconds) in [
            ("120", Some(120)),
            ("0", Some(0)),
            ("Fri, 09 Oct 2026 12:00:30 GMT", Some(30)),
            ("Fri, 09 Oct 2026 11:00:00 GMT", None),
            ("-5", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(retry_after(text, noon), seconds, "{text}");
        }
    }
}
