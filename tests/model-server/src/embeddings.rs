//! Texts as vectors, as OpenAI gives them: a few words mean the same as others, and all that it
//! doesn't know is far from them. The name of the model says how it behaves.

use serde_json::{Value, json};

/// Where they are asked for.
pub const PATH: &str = "/v1/embeddings";

/// What means the same: one direction each.
const MEANINGS: [&[&str]; 2] = [&["car", "vehicle"], &["boat", "ship"]];

/// Status and body of the answer.
pub fn answer(body: &Value) -> (u16, Value) {
    let refused = |status: u16, message: &str| {
        let error = json!({"message": message, "type": "invalid_request_error", "code": null});
        (status, json!({ "error": error }))
    };
    let texts = match &body["input"] {
        Value::String(text) => vec![text.as_str()],
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        _ => return refused(400, "'input' is missing"),
    };
    let tokens = match body["model"].as_str().unwrap_or_default() {
        "embeds" => texts
            .iter()
            .map(|text| text.split_whitespace().count())
            .sum(),
        "embeds-dear" => 1_000_000_000,
        "embeds-not" => return refused(400, "no vectors today"),
        other => return refused(404, &format!("The model {other} does not exist")),
    };
    let item = |(index, text): (usize, &&str)| {
        let vector = vector(text);
        json!({"object": "embedding", "index": index, "embedding": vector})
    };
    let data: Vec<Value> = texts.iter().enumerate().map(item).collect();
    let usage = json!({"prompt_tokens": tokens, "total_tokens": tokens});
    let model = &body["model"];
    (
        200,
        json!({"object": "list", "data": data, "model": model, "usage": usage}),
    )
}

fn vector(text: &str) -> [f64; 3] {
    let apart = |letter: char| !letter.is_alphanumeric();
    let lower = text.to_lowercase();
    let says = |meaning: &[&str]| lower.split(apart).any(|word| meaning.contains(&word));
    let [first, second] = MEANINGS.map(|meaning| f64::from(u8::from(says(meaning))));
    let other = if first + second > 0.0 { 0.1 } else { 1.0 };
    [first, second, other]
}
