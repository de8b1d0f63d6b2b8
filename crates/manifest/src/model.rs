//! Models: where and how they are asked, what they can and what they cost. Keys that don't belong
//! were found before, by the schema.

use naos_types::spec::{
    MODEL_PROVIDERS, MODEL_TOKENS_MAX, ModelCan, ModelFormat, ModelPrices, ModelProvider, ModelSpec,
};
use naos_types::{Micros, Name};
use serde_json::{Value as Json, json};

use crate::amounts;
use crate::diagnostic::{Findings, meant, similar};
use crate::reader;
use crate::schema::{Key, Shape, keys};
use crate::tree::{Mark, Node, Value};

const TOKENS: Shape = Shape::Whole(1, MODEL_TOKENS_MAX as i64);

/// Whom an OpenClaw gateway asks where nobody is named.
const USUAL_AGENT: &str = "main";

/// What a model's document may hold.
pub(crate) const KEYS: &[Key] = keys! {
    "type": Shape::Text, "id": Shape::Text, "name": Shape::Text, "description": Shape::Text,
    @need "provider": Shape::Text, "endpoint" | "base_url": Shape::Text,
    "format" | "wire_format" | "wireFormat": Shape::Text, "model": Shape::Text,
    "capabilities": Shape::Texts,
    "context_window" | "context_size" | "context_tokens" | "contextWindow": TOKENS,
    "max_output" | "max_output_tokens" | "maxOutputTokens": TOKENS,
    "image_tokens": TOKENS,
    "cost_per_1k_tokens": Shape::Object(SIDES), "cost_per_1m_tokens": Shape::Object(SIDES),
    "input_cost_per_1k" | "inputCostPer1k": Shape::Any,
    "output_cost_per_1k" | "outputCostPer1k": Shape::Any,
    "cost_per_call" | "costPerCall": Shape::Any,
    "data_leaves_country" | "dataLeavesCountry": Shape::Bool,
    "fallback" | "fallbacks": Shape::Texts,
    "key" | "api_key" | "apiKey" | "key_env" | "api_key_env": Shape::Any,
    "enabled": Shape::Bool,
};
/// Prices among the costs of a project.
pub(crate) const PRICE_KEYS: &[Key] = keys! {
    "input_cost_per_1k" | "inputCostPer1k": Shape::Any,
    "output_cost_per_1k" | "outputCostPer1k": Shape::Any,
};
const SIDES: &[Key] = keys! {
    "input": Shape::Any, "output": Shape::Any, "cached_input": Shape::Any,
    "cache_write": Shape::Any,
};

/// Reads one; `called` is its name as it was written, which is also what its provider calls it
/// unless the document says otherwise. What the document leaves out is written into its JSON, so
/// that it stays as it was when it was applied.
pub(crate) fn read(
    name: &Name,
    called: &str,
    node: &Node,
    json: &mut Json,
    findings: &mut Findings,
) -> Option<ModelSpec> {
    let before = findings.errors.len();
    // Never shown, and never kept where it isn't what it should be.
    let key = key(node, json, findings);
    let provider = field(node, &["provider"])?;
    let word = reader::text(provider, "provider", findings)?;
    let known = ModelProvider::parse(&word);
    let format = format(node, known, findings);
    let endpoint = match field(node, &["endpoint", "base_url"]) {
        Some(node) => reader::text(node, "endpoint", findings),
        None => known.and_then(|known| known.endpoint).map(str::to_owned),
    };
    let model = field(node, &["model"]).and_then(|node| reader::text(node, "model", findings));
    let can = capabilities(node, known, findings);
    let silent = can == [ModelCan::Embeddings];
    let prices = prices(node, silent, json, findings);
    let said = |side: &str| json.get(format!("{side}_micros_per_mtok")).is_some();
    let sides = ["input", "output", "cached_input", "cache_write"];
    if prices.is_none() && sides.into_iter().any(said) && findings.errors.len() == before {
        let names = ["cost_per_1k_tokens", "cost_per_1m_tokens"];
        let at = field(node, &names).map_or(node.at, |node| node.at);
        findings.error(at, "a model has a price for `input` and one for `output`");
    }
    if format.is_none() || endpoint.is_none() {
        if findings.errors.len() == before {
            unknown(provider.at, &word, (format, endpoint.is_some()), findings);
        }
        return None;
    }
    let free = known.is_some_and(|known| known.is_free);
    let engine = format.is_some_and(ModelFormat::is_engine);
    let turn = field(node, &["cost_per_call", "costPerCall"]);
    if let Some(turn) = turn.filter(|_| !engine) {
        let what = "`cost_per_call` is what a turn of an engine costs at most";
        findings.error_help(turn.at, what, "a model has cost_per_1m_tokens");
    }
    let turn = turn.and_then(|node| reader::money_or_cents(node, "cost_per_call", findings));
    let whole = |names: &[&str]| match field(node, names).map(|node| &node.value) {
        Some(Value::Whole(text)) => text.parse::<u32>().ok(),
        _ => None,
    };
    let truth = |names: &[&str]| match field(node, names).map(|node| &node.value) {
        Some(Value::Bool(value)) => Some(*value),
        _ => None,
    };
    let leaves = truth(&["data_leaves_country", "dataLeavesCountry"]);
    let mut spec = ModelSpec {
        document: String::new(),
        provider: known
            .map_or(word.as_str(), |known| known.words[0])
            .to_owned(),
        format: format?,
        endpoint: endpoint?.trim_end_matches('/').to_owned(),
        model: model.unwrap_or_else(|| if engine { USUAL_AGENT } else { called }.to_owned()),
        can,
        prices: prices.or_else(|| free.then(ModelPrices::default)),
        context_tokens: whole(&[
            "context_window",
            "context_size",
            "context_tokens",
            "contextWindow",
        ]),
        output_tokens_max: whole(&["max_output", "max_output_tokens", "maxOutputTokens"]),
        image_tokens: whole(&["image_tokens"]),
        leaves_country: leaves
            .or(known.map(|known| known.leaves_country))
            .unwrap_or(true),
        fallbacks: fallbacks(name, node, findings),
        key,
        enabled: truth(&["enabled"]).unwrap_or(true),
        turn,
    };
    if spec.key.is_none() {
        let usual = known.and_then(|known| known.variables.first());
        spec.key = usual.map(|variable| format!("env:{variable}"));
        // At another address the provider's own key has nothing to do.
        if spec.check().is_err() {
            spec.key = None;
        }
    }
    if findings.errors.len() > before {
        return None;
    }
    if let Err(what) = spec.check() {
        let at = field(node, KEY_NAMES).filter(|_| spec.key.is_some());
        let at = at
            .filter(|_| key_is_wrong(&spec))
            .map_or(node.at, |node| node.at);
        findings.error(at, what);
        return None;
    }
    write(&spec, json);
    spec.document = json.to_string();
    Some(spec)
}

const KEY_NAMES: &[&str] = &["key", "api_key", "apiKey", "key_env", "api_key_env"];

fn field<'n>(node: &'n Node, names: &[&str]) -> Option<&'n Node> {
    let found = names.iter().find_map(|name| node.get(name));
    found.filter(|node| node.value != Value::Null)
}

fn key_is_wrong(spec: &ModelSpec) -> bool {
    let mut without = spec.clone();
    without.key = None;
    without.check().is_ok()
}

/// Where the key is. `key_env: NAME` and `key: NAME` of a variable mean `env:NAME`.
fn key(node: &Node, json: &mut Json, findings: &mut Findings) -> Option<String> {
    let found = field(node, KEY_NAMES)?;
    let fields = json.as_object_mut()?;
    fields.remove("key");
    let Value::Text(text) = &found.value else {
        findings.error(found.at, "`key` is text such as env:NAOS_MODEL_KEY");
        return None;
    };
    let is_variable = !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
        && text.contains('_');
    Some(if is_variable {
        format!("env:{text}")
    } else {
        text.clone()
    })
}

fn format(
    node: &Node,
    known: Option<&ModelProvider>,
    findings: &mut Findings,
) -> Option<ModelFormat> {
    let Some(node) = field(node, &["format", "wire_format", "wireFormat"]) else {
        return known.map(|known| known.format);
    };
    let text = reader::text(node, "format", findings)?;
    let found = ModelFormat::parse(&text.replace('_', "-"));
    if found.is_none() {
        let words: Vec<&str> = ModelFormat::ALL.iter().map(|(word, _)| *word).collect();
        let what = format!("no format is called {text:?}");
        findings.error_help(node.at, what, meant(&text, &words));
    }
    found
}

/// Where a model is or how it is spoken to isn't known, and wasn't said.
fn unknown(
    at: Mark,
    word: &str,
    (format, has_endpoint): (Option<ModelFormat>, bool),
    findings: &mut Findings,
) {
    let formats: Vec<&str> = ModelFormat::ALL.iter().map(|(word, _)| *word).collect();
    let formats = formats.join(", ");
    match (format, has_endpoint) {
        (Some(_), _) => {
            let what = format!("a model of {word} needs its `endpoint`");
            let help = "its address up to where the format's own path begins";
            findings.error_help(at, what, help);
        }
        (None, true) => {
            let what = format!("a model of {word} needs its `format`");
            findings.error_help(at, what, format!("one of {formats}"));
        }
        (None, false) => {
            let all = MODEL_PROVIDERS.iter().map(|provider| provider.words[0]);
            let all: Vec<&str> = all.collect();
            let what = format!("{word:?} is no provider that naos knows");
            let help = match similar(word, all.iter().copied()) {
                Some(_) => meant(word, &all),
                None => format!(
                    "it knows {}; any other needs its `endpoint` and its `format`, one of \
                     {formats}",
                    all.join(", ")
                ),
            };
            findings.error_help(at, what, help);
        }
    }
}

fn capabilities(
    node: &Node,
    known: Option<&ModelProvider>,
    findings: &mut Findings,
) -> Vec<ModelCan> {
    let Some(found) = field(node, &["capabilities"]) else {
        return known.map_or(vec![ModelCan::Text], |known| known.can.to_vec());
    };
    let items = found.items();
    let mut out = Vec::new();
    for item in items {
        let Value::Text(text) = &item.value else {
            continue; // was found before
        };
        let can = ModelCan::parse(&text.replace('-', "_"));
        if can.is_none() {
            let words: Vec<&str> = ModelCan::WORDS.iter().map(|(word, _)| *word).collect();
            let what = format!("nothing that a model can is called {text:?}");
            findings.error_help(item.at, what, meant(text, &words));
        }
        out.extend(can.filter(|can| !out.contains(can)));
    }
    out.sort_unstable();
    out
}

fn fallbacks(name: &Name, node: &Node, findings: &mut Findings) -> Vec<Name> {
    let Some(found) = field(node, &["fallback", "fallbacks"]) else {
        return Vec::new();
    };
    let items = found.items();
    let mut out = Vec::new();
    for item in items {
        let Value::Text(text) = &item.value else {
            continue;
        };
        match Name::slug(text) {
            None => findings.error(item.at, format!("{text:?} can't be made a name")),
            Some(other) if other == *name => {
                findings.error(item.at, "a model can't stand in for itself");
            }
            Some(other) if out.contains(&other) => {
                findings.error(item.at, format!("{other} stands in for it already"));
            }
            Some(other) => out.push(other),
        }
    }
    out
}

/// A model's prices as whole millionths per million tokens, which are noted in its JSON too.
/// What is written costs nothing where a model is silent.
pub(crate) fn prices(
    node: &Node,
    silent: bool,
    json: &mut Json,
    findings: &mut Findings,
) -> Option<ModelPrices> {
    let per_1k = node.get("cost_per_1k_tokens");
    let per_1m = node.get("cost_per_1m_tokens");
    if let (Some(_), Some(twice)) = (per_1k, per_1m) {
        findings.error_help(twice.at, "its prices are there twice", "keep one");
        return None;
    }
    let mut one = |side: &str, own: &[&str]| {
        // a dollar for a thousand tokens is 10^9 millionths for a million
        let (found, places) = match per_1m.and_then(|node| node.get(side)) {
            Some(found) => (Some(found), 6),
            None => (
                per_1k
                    .and_then(|node| node.get(side))
                    .or_else(|| field(node, own)),
                9,
            ),
        };
        let found = found?;
        let micros = match &found.value {
            Value::Whole(text) | Value::Number(text) => amounts::decimal(text, places),
            _ => None,
        };
        match (micros, json.as_object_mut()) {
            (Some(micros), Some(fields)) => {
                fields.insert(format!("{side}_micros_per_mtok"), json!(micros));
            }
            _ => {
                let places = if places == 9 { "nine" } else { "six" };
                let what =
                    format!("the price for {side} is a number with at most {places} decimals");
                findings.error(found.at, what);
            }
        }
        micros.map(Micros)
    };
    let input = one("input", &["input_cost_per_1k", "inputCostPer1k"]);
    let output = one("output", &["output_cost_per_1k", "outputCostPer1k"]);
    let cached_input = one("cached_input", &[]);
    let cache_write = one("cache_write", &[]);
    Some(ModelPrices {
        input: input?,
        cached_input,
        cache_write,
        output: output.or(silent.then_some(Micros::ZERO))?,
    })
}

/// What holds, where the document leaves it out.
fn write(spec: &ModelSpec, json: &mut Json) {
    let Some(fields) = json.as_object_mut() else {
        return;
    };
    let can: Vec<&str> = spec.can.iter().map(|can| can.word()).collect();
    for (key, value) in [
        ("provider", json!(spec.provider)),
        ("format", json!(spec.format.word())),
        ("endpoint", json!(spec.endpoint)),
        ("model", json!(spec.model)),
        ("capabilities", json!(can)),
        ("data_leaves_country", json!(spec.leaves_country)),
        ("enabled", json!(spec.enabled)),
    ] {
        fields.insert(key.to_owned(), value);
    }
    if let Some(prices) = &spec.prices {
        fields.insert("input_micros_per_mtok".into(), json!(prices.input.0));
        fields.insert("output_micros_per_mtok".into(), json!(prices.output.0));
    }
    if let Some(turn) = spec.turn {
        fields.insert("cost_per_call_micros".into(), json!(turn.0));
    }
    if !spec.fallbacks.is_empty() {
        let names: Vec<&str> = spec.fallbacks.iter().map(Name::as_str).collect();
        fields.insert("fallback".into(), json!(names));
    }
    if let Some(key) = &spec.key {
        fields.insert("key".into(), json!(key));
    }
}
