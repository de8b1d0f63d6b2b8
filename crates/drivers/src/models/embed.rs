//! Texts as vectors: one call in the words that OpenAI has for it, which others speak too.

use serde_json::{Value, json};
use tokio::time::Instant;

use super::answer::TOKENS_MAX;
use super::endpoint::{Endpoint, Format};
use super::error::{Billed, Broken, Error, Failure};
use super::formats::{Call, Fault, bearer, wire};
use super::stream::{self, Body};
use super::{open, written};
use crate::http::HttpClient;

/// The most numbers of one vector.
pub const DIMENSIONS_MAX: usize = 8_192;

/// Texts as vectors.
#[derive(Clone, Debug, PartialEq)]
pub struct Embedded {
    /// One for each text, in their order.
    pub vectors: Vec<Vec<f32>>,
    /// How many tokens they had, if the provider says so.
    pub tokens: Option<u64>,
}

/// Puts texts into one space, once.
///
/// # Errors
/// [`Error`] says what went wrong and whether the provider may want money for it.
pub async fn embed(
    client: &HttpClient,
    endpoint: &Endpoint,
    model: &str,
    texts: &[String],
    key: Option<String>,
) -> Result<Embedded, Error> {
    let path = match endpoint.format {
        Format::Ollama => "/v1/embeddings", // beside its own words it has these
        _ => "/embeddings",
    };
    let known = wire(endpoint.format).filter(|_| endpoint.format.embeds());
    let Some(wire) = known else {
        let said = format!(
            "nobody who speaks {} is asked for it",
            endpoint.format.word()
        );
        return Err(Error::free(Failure::BadRequest { said }));
    };
    let call = Call {
        path: path.to_owned(),
        headers: bearer(endpoint),
        body: json!({"model": model, "input": texts, "encoding_format": "float"}),
    };
    let limits = endpoint.limits;
    let deadline = Instant::now() + limits.total;
    let http = written(endpoint, call, key.as_deref(), &limits).map_err(Error::free)?;
    let (opened, id) = open(client, endpoint, wire, (http, key), (limits, deadline)).await?;
    let mut body = Body::whole(opened, limits, deadline);
    let read = async {
        let bytes = body.all().await?;
        let value = stream::json(&bytes)?;
        if let Some(complaint) = wire.complaint(&value) {
            return Err(Fault::Complaint(complaint));
        }
        Ok(read(&value, texts.len())?)
    };
    let read: Result<Embedded, Fault> = read.await;
    read.map_err(|fault| Error {
        billed: Billed::Maybe,
        provider_request_id: id.map(String::into_boxed_str),
        ..Error::free(fault.failure(endpoint))
    })
}

fn shape(what: impl Into<String>) -> Failure {
    Failure::Broken(Broken::Shape(what.into()))
}

fn read(value: &Value, count: usize) -> Result<Embedded, Failure> {
    let items = value["data"].as_array();
    let items = items.ok_or_else(|| shape("it has no `data`"))?;
    if items.len() != count {
        let had = items.len();
        return Err(shape(format!("it has {had} vectors for {count} texts")));
    }
    let mut vectors: Vec<Vec<f32>> = vec![Vec::new(); count];
    for (at, item) in items.iter().enumerate() {
        // Who leaves the place out gives them in order.
        let place = item["index"].as_u64().unwrap_or(at as u64);
        let place = usize::try_from(place).unwrap_or(usize::MAX);
        let slot = vectors.get_mut(place).filter(|slot| slot.is_empty());
        let slot =
            slot.ok_or_else(|| shape(format!("no text has the place {place} for itself")))?;
        *slot = numbers(&item["embedding"])?;
    }
    let dimensions = vectors.first().map_or(0, Vec::len);
    if vectors.iter().any(|vector| vector.len() != dimensions) {
        return Err(shape("its vectors have different lengths"));
    }
    let used = &value["usage"];
    let tokens = used["prompt_tokens"]
        .as_u64()
        .or(used["total_tokens"].as_u64());
    let tokens = tokens.map(|tokens| tokens.min(TOKENS_MAX));
    Ok(Embedded { vectors, tokens })
}

fn numbers(value: &Value) -> Result<Vec<f32>, Failure> {
    let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
    if !(1..=DIMENSIONS_MAX).contains(&items.len()) {
        let what = format!(
            "a vector has {} numbers, 1 to {DIMENSIONS_MAX} can be",
            items.len()
        );
        return Err(shape(what));
    }
    let number = |item: &Value| item.as_f64().map(|number| number as f32);
    let number = |item: &Value| number(item).filter(|number| number.is_finite());
    let numbers: Option<Vec<f32>> = items.iter().map(number).collect();
    numbers.ok_or_else(|| shape("a vector holds something that is no number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(data: Value) -> Result<Embedded, String> {
        let value = json!({"data": data, "usage": {"prompt_tokens": 7, "total_tokens": 7}});
        read(&value, 2).map_err(|failure| failure.to_string())
    }

    #[test]
    fn vectors_are_put_where_they_belong() {
        let one = |index: u64, number: f64| json!({"index": index, "embedding": [number, 0.5]});
        let found = given(json!([one(1, 2.0), one(0, 1.0)])).unwrap();
        assert_eq!(found.vectors, [[1.0, 0.5], [2.0, 0.5]]);
        assert_eq!(found.tokens, Some(7));
        let found = given(json!([{"embedding": [1]}, {"embedding": [2]}])).unwrap();
        assert_eq!(found.vectors, [[1.0], [2.0]]);
    }

    #[test]
    fn what_is_no_vector_for_each_text_is_refused() {
        let one = |index: u64, vector: Value| json!({"index": index, "embedding": vector});
        let fine = || one(0, json!([1.0]));
        for (data, said) in [
            (json!("none"), "no `data`"),
            (json!([fine()]), "1 vectors for 2 texts"),
            (json!([fine(), fine()]), "the place 0"),
            (json!([fine(), one(2, json!([1.0]))]), "the place 2"),
            (
                json!([fine(), one(1, json!([1.0, 2.0]))]),
                "different lengths",
            ),
            (json!([fine(), one(1, json!([]))]), "0 numbers"),
            (json!([fine(), one(1, json!("AAAA"))]), "0 numbers"),
            (json!([fine(), one(1, json!(["x"]))]), "no number"),
            (json!([fine(), one(1, json!([1e300]))]), "no number"),
        ] {
            let why = given(data.clone()).unwrap_err();
            assert!(why.contains(said), "{data}: {why}");
        }
        let much = json!({"data": [fine()], "usage": {"prompt_tokens": u64::MAX}});
        assert_eq!(read(&much, 1).unwrap().tokens, Some(TOKENS_MAX));
    }
}
