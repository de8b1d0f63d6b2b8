//! Webhooks: one signed POST, as Standard Webhooks has it. The id stays the same for every attempt,
//! so that a receiver that keeps ids acts once; time and signature are each attempt's own.

mod ask;
#[cfg(test)]
mod tests;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::http::{HttpClient, Request, SendError};

pub use ask::{Said, ask};

/// Bytes of what a receiver said that are kept.
pub const ANSWER_BYTES_MAX: usize = 1_024;
/// What stands before a secret that is written in base64.
const ENCODED_PREFIX: &str = "whsec_";
/// The receiver is gone for good and says so.
const GONE: u16 = 410;

/// What is to be delivered.
#[derive(Clone)]
pub struct Delivery {
    /// Where to.
    pub url: String,
    /// What it is called: the same for every attempt.
    pub id: String,
    /// The idempotency key, where that is the same for other deliveries, too; else the id.
    pub same: Option<String>,
    /// When this attempt is made, in seconds since 1970.
    pub timestamp: i64,
    /// What signs it; none leaves it unsigned.
    pub secret: Option<Secret>,
    /// The media type of the body.
    pub content_type: &'static str,
    /// What is said.
    pub body: Vec<u8>,
}

/// A secret that is shared with a receiver. Never shown.
#[derive(Clone)]
pub struct Secret(Vec<u8>);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

impl Secret {
    /// A secret as people write it: `whsec_` and base64, or any text as it is.
    ///
    /// # Errors
    /// A sentence, without the secret.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let bytes = match text.strip_prefix(ENCODED_PREFIX) {
            Some(encoded) => STANDARD
                .decode(encoded)
                .map_err(|_| format!("what stands behind {ENCODED_PREFIX} is no base64"))?,
            None => text.as_bytes().to_vec(),
        };
        if bytes.is_empty() {
            return Err("the secret is empty".into());
        }
        Ok(Self(bytes))
    }

    /// `v1,` and the base64 of the HMAC-SHA256 over id, time and body.
    #[must_use]
    pub fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(format!("{id}.{timestamp}.").as_bytes());
        mac.update(body);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

/// What became of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// The receiver took it, and said this.
    Taken(String),
    /// It did not, or nobody knows: the same id may be sent again.
    NotTaken(String),
    /// There is no use in another attempt.
    Never(String),
}

/// Delivers once.
pub async fn deliver(client: &HttpClient, delivery: Delivery) -> Told {
    let answer = match client.send(request(delivery), None).await {
        Ok(answer) => answer,
        Err(error @ SendError::Refused(_)) => return Told::Never(error.to_string()),
        // Whatever else it said, it answered: it has the letter.
        Err(error @ SendError::TooLong { .. }) => return Told::Taken(error.to_string()),
        Err(error) => return Told::NotTaken(error.to_string()),
    };
    let said = said(answer.status, &answer.body);
    match answer.status {
        200..=299 => Told::Taken(said),
        GONE => Told::Never(said),
        _ => Told::NotTaken(said),
    }
}

fn request(delivery: Delivery) -> Request {
    let Delivery {
        url,
        id,
        same,
        timestamp,
        secret,
        content_type,
        body,
    } = delivery;
    let mut headers = vec![
        ("content-type".to_owned(), content_type.to_owned()),
        ("webhook-timestamp".to_owned(), timestamp.to_string()),
    ];
    if let Some(secret) = secret {
        let signature = secret.sign(&id, timestamp, &body);
        headers.push(("webhook-signature".to_owned(), signature));
    }
    let same = same.unwrap_or_else(|| id.clone());
    headers.push(("idempotency-key".to_owned(), same));
    headers.push(("webhook-id".to_owned(), id));
    Request {
        method: "POST".to_owned(),
        url,
        headers,
        body,
    }
}

/// The status and the beginning of what came with it.
fn said(status: u16, body: &[u8]) -> String {
    let end = body.len().min(ANSWER_BYTES_MAX);
    let text = String::from_utf8_lossy(&body[..end]);
    let text = text.trim();
    if text.is_empty() {
        format!("answered {status}")
    } else {
        format!("answered {status}: {text}")
    }
}
