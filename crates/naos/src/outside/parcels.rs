//! Events for whoever is outside, a driver's endpoint or a subscriber: CloudEvents, signed as
//! Standard Webhooks.

use std::time::Duration;

use naos_drivers::http::{HttpClient, SendError};
use naos_drivers::webhook::{Delivery, Said, Secret, ask};
use naos_engine::node::{Handed, Parcel};
use naos_types::Span;

use super::MEDIA_TYPE;

/// Sends a parcel once.
pub(super) async fn hand(client: &HttpClient, parcel: Parcel) -> Handed {
    let secret = match Secret::parse(&parcel.secret) {
        Ok(secret) => secret,
        Err(why) => return Handed::NotSent(why),
    };
    let delivery = Delivery {
        url: parcel.url,
        id: parcel.key,
        same: parcel.same,
        timestamp: naos_engine::clock::now().0 / 1_000,
        secret: Some(secret),
        content_type: MEDIA_TYPE,
        body: parcel.body,
    };
    let asked = ask(client, delivery);
    let said = match parcel.timeout {
        None => asked.await,
        Some(span) => {
            let limit = Duration::from_millis(u64::try_from(span.0).unwrap_or(0));
            match tokio::time::timeout(limit, asked).await {
                Ok(said) => said,
                // It may have arrived.
                Err(_) => return Handed::Lost(format!("no answer within {limit:?}")),
            }
        }
    };
    match said {
        Ok(said) => heard(said, parcel.answer_bytes_max),
        Err(error) => {
            let why = error.to_string();
            match error {
                SendError::Refused(_) => Handed::Refused(why),
                SendError::NotSent { .. } => Handed::NotSent(why),
                SendError::Lost { .. } => Handed::Lost(why),
                SendError::TooLong { .. } => Handed::TooLong(why),
            }
        }
    }
}

fn heard(said: Said, bytes_max: usize) -> Handed {
    let good = (200..=299).contains(&said.status);
    if good && said.body.len() > bytes_max {
        return Handed::TooLong(format!("the answer is longer than {bytes_max} bytes"));
    }
    let wait = said.retry_after_s.map(|seconds| {
        let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
        Span(seconds.saturating_mul(1_000))
    });
    Handed::Answered {
        status: said.status,
        wait,
        body: said.body,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_its_length_and_its_pause() {
        let said = |status, bytes, retry_after_s| Said {
            status,
            retry_after_s,
            body: vec![b'x'; bytes],
        };
        let long = heard(said(200, 11, None), 10);
        assert!(matches!(long, Handed::TooLong(_)), "{long:?}");
        // What went wrong is said, however long it is.
        for (status, after, wait) in [(503, Some(7), Some(Span(7_000))), (400, None, None)] {
            match heard(said(status, 11, after), 10) {
                Handed::Answered { wait: found, .. } => assert_eq!(found, wait),
                other => panic!("{other:?}"),
            }
        }
    }
}
