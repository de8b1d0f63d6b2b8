//! Asks models for vectors: texts in batches, one after the other, each sent again as long as that
//! costs nothing.

use std::time::Duration;

use naos_drivers::http::HttpClient;
use naos_drivers::models::{self, Billed, Endpoint, Error, retry};
use naos_engine::node::{Embedded, Embedding};
use naos_engine::{chance, clock};

use super::lacking::Process;
use super::thinking::key_of;

/// The most texts of one request: their vectors are one answer.
const BATCH_TEXTS_MAX: usize = 64;
/// The most bytes of one request's texts; providers take 300,000 tokens.
const BATCH_BYTES_MAX: usize = 128 << 10;
/// How long all of it may take, with whatever is sent again: an agent waits meanwhile.
const TAKES_MAX: Duration = Duration::from_secs(60);

/// Asks for all vectors, until there is no use in asking.
pub(super) async fn embed(client: &HttpClient, asked: Embedding, process: Process) -> Embedded {
    let mut out = Embedded::default();
    let key = asked.spec.key.as_deref();
    let key = match key.map(|handle| key_of(handle, process)) {
        None => None,
        Some(Ok(key)) => Some(key),
        Some(Err(why)) => {
            out.why = Some(why);
            return out;
        }
    };
    let endpoint = Endpoint::of(&asked.spec, key);
    let left = asked.until.map_or(TAKES_MAX, |until| {
        let left = until.0.saturating_sub(clock::now().0).max(0);
        Duration::from_millis(left.unsigned_abs()).min(TAKES_MAX)
    });
    let over = clock::tick() + left;
    for (number, batch) in batches(&asked.texts).enumerate() {
        let key = format!("{}-{number}", asked.key);
        let left = over.saturating_duration_since(clock::tick());
        let sent = one(client, &endpoint, &asked.spec.model, batch, key);
        match tokio::time::timeout(left, sent).await {
            Ok(Ok(found)) => {
                // Who gives no figures may count each byte.
                let bytes: usize = batch.iter().map(String::len).sum();
                let tokens = found.tokens.unwrap_or(bytes as u64);
                out.usage.input = out.usage.input.saturating_add(tokens);
                out.vectors.extend(found.vectors);
            }
            Ok(Err(error)) => {
                out.maybe_more = error.billed == Billed::Maybe;
                out.why = Some(format!("{}: {error}", asked.spec.model));
                return out;
            }
            Err(_) => {
                let (model, seconds) = (&asked.spec.model, TAKES_MAX.as_secs());
                out.maybe_more = true;
                out.why = Some(format!("{model} gave no vectors within {seconds} s"));
                return out;
            }
        }
    }
    if let Some(vector) = out.vectors.first() {
        let dimensions = vector.len();
        if out.vectors.iter().any(|one| one.len() != dimensions) {
            out.vectors.clear();
            out.why = Some(format!(
                "{} gave vectors of different lengths",
                asked.spec.model
            ));
        }
    }
    out
}

async fn one(
    client: &HttpClient,
    endpoint: &Endpoint,
    model: &str,
    texts: &[String],
    key: String,
) -> Result<models::Embedded, Error> {
    let policy = retry::Policy {
        after_billed: false, // it was set aside once
        ..retry::Policy::default()
    };
    let mut attempt = 1;
    loop {
        let sent = models::embed(client, endpoint, model, texts, Some(key.clone())).await;
        let error = match sent {
            Ok(found) => return Ok(found),
            Err(error) => error,
        };
        let dice = chance::roll() as u64;
        match retry::next(&error, attempt, &policy, clock::now(), dice) {
            Some(wait) => tokio::time::sleep(wait).await,
            None => return Err(error),
        }
        attempt += 1;
    }
}

/// Texts in parts that one request takes.
fn batches(texts: &[String]) -> impl Iterator<Item = &[String]> {
    let mut rest = texts;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = |text: &&String| {
            bytes += text.len();
            bytes <= BATCH_BYTES_MAX
        };
        let count = rest.iter().take(BATCH_TEXTS_MAX).take_while(fits).count();
        let (batch, more) = rest.split_at(count.max(1).min(rest.len()));
        rest = more;
        (!batch.is_empty()).then_some(batch)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_texts_are_asked_for_in_their_order() {
        let many: Vec<String> = (0..BATCH_TEXTS_MAX * 2 + 1)
            .map(|n| n.to_string())
            .collect();
        let long = vec!["x".repeat(BATCH_BYTES_MAX / 2); 3];
        let longest = vec!["x".repeat(BATCH_BYTES_MAX + 1); 2];
        for (texts, counts) in [
            (many, vec![BATCH_TEXTS_MAX, BATCH_TEXTS_MAX, 1]),
            (long, vec![2, 1]),
            (longest, vec![1, 1]),
            (Vec::new(), vec![]),
        ] {
            let found: Vec<usize> = batches(&texts).map(<[String]>::len).collect();
            assert_eq!(found, counts);
            assert_eq!(batches(&texts).flatten().count(), texts.len());
        }
    }
}
