//! How an agent works with a model, in its manifest.

use naos_types::spec::{
    ANSWER_TOKENS_MAX, MODELS_MAX, MindSpec, ModelCan, SHOWN_MAX, SHOWN_TOKENS_MAX, TURNS_MAX, Tool,
};
use naos_types::{DocPath, Name};

use crate::diagnostic::Findings;
use crate::reader::{self, Fields};

/// Keys that say that an agent works with a model.
pub(crate) const KEYS: &[&str] = &["model", "models", "prompt", "workspace"];

/// What stands for a model where the cheapest is to be asked that can what the agent wants.
const ANY: &str = "any";

/// The keys of an agent that works with a model.
pub(crate) fn read(map: &mut Fields<'_>, findings: &mut Findings) -> Option<MindSpec> {
    let at = map.at;
    let mut mind = MindSpec::default();
    for node in map.items(&["model", "models"], findings) {
        // Models are called what their providers call them: gpt-4.1.
        let text = reader::text(node, "model", findings).unwrap_or_default();
        if text == ANY {
            continue; // the cheapest that can what it wants
        }
        match Name::slug(&text) {
            Some(name) => mind.models.push(name),
            None => findings.error(node.at, format!("{text:?} is no name of a model")),
        }
    }
    if mind.models.len() > MODELS_MAX {
        findings.error(at, format!("an agent names at most {MODELS_MAX} models"));
    }
    if let Some(prompt) = map.text(&["prompt", "system_prompt", "systemPrompt"], findings) {
        mind.prompt = prompt;
    }
    let known: Vec<&str> = Tool::ALL.iter().map(|tool| tool.word()).collect();
    for node in map.items(&["tools"], findings) {
        let Some(word) = reader::text(node, "tools", findings) else {
            continue;
        };
        match Tool::parse(&word) {
            Some(tool) if mind.tools.contains(&tool) => {}
            Some(tool) => mind.tools.push(tool),
            None => {
                let help = format!("tools are {}", known.join(", "));
                findings.error_help(node.at, format!("there is no tool {word}"), &help);
            }
        }
    }
    for node in map.items(&["context", "documents"], findings) {
        let Some(text) = reader::text(node, "context", findings) else {
            continue;
        };
        match DocPath::new(&text) {
            Ok(path) => mind.shown.push(path),
            Err(what) => findings.error(node.at, what),
        }
    }
    if mind.shown.len() > SHOWN_MAX {
        findings.error(
            at,
            format!("an agent is shown at most {SHOWN_MAX} documents"),
        );
    }
    for node in map.items(&["capabilities", "wants"], findings) {
        let word = reader::text(node, "capabilities", findings).unwrap_or_default();
        match ModelCan::parse(&word) {
            Some(can) if mind.wants.contains(&can) => {}
            Some(can) => mind.wants.push(can),
            None => findings.error(node.at, format!("no model has the capability {word:?}")),
        }
    }
    if let Some(node) = map.node(&["workspace"], findings) {
        let path = reader::text(node, "workspace", findings).unwrap_or_default();
        match DocPath::new(path.trim_end_matches('/')) {
            Ok(path) => mind.workspace = Some(path),
            Err(what) => findings.error(node.at, what),
        }
    }
    if let Some(node) = map.node(&["promote_at", "promoteAt"], findings) {
        let text = reader::text(node, "promote_at", findings).unwrap_or_default();
        match crate::amounts::decimal(&text, 2).filter(|hundredths| *hundredths <= 100) {
            Some(hundredths) => mind.promote_at = u8::try_from(hundredths).ok(),
            None => findings.error(node.at, "`promote_at` is from 0 to 1"),
        }
    }
    let small = |n: i64| u32::try_from(n).unwrap_or(1);
    let most = (1, i64::from(SHOWN_TOKENS_MAX));
    if let Some(tokens) = map.whole(&["context_tokens", "shown_tokens"], most, findings) {
        mind.shown_tokens_max = small(tokens);
    }
    let most = (1, i64::from(TURNS_MAX));
    if let Some(turns) = map.whole(&["turns", "max_turns", "maxTurns"], most, findings) {
        mind.turns_max = small(turns);
    }
    let most = (1, i64::from(ANSWER_TOKENS_MAX));
    if let Some(tokens) = map.whole(
        &["answer_tokens", "max_tokens", "maxTokens"],
        most,
        findings,
    ) {
        mind.answer_tokens_max = small(tokens);
    }
    if let Some(tokens) = map.whole(&["tokens", "run_tokens"], (1, 100_000_000), findings) {
        mind.tokens_max = tokens.unsigned_abs();
    }
    if let Some(node) = map.node(&["temperature"], findings) {
        let text = match &node.value {
            crate::tree::Value::Whole(text) | crate::tree::Value::Number(text) => text.as_str(),
            _ => "",
        };
        match crate::amounts::decimal(text, 2).filter(|hundredths| *hundredths <= 200) {
            Some(hundredths) => mind.temperature = u16::try_from(hundredths).ok(),
            None => findings.error(node.at, "`temperature` is from 0 to 2"),
        }
    }
    if let Some(schema) = map.json(&["output_schema", "schema"], findings) {
        mind.schema = Some(schema.to_string());
    }
    match mind.check() {
        Ok(()) => Some(mind),
        Err(what) => {
            findings.error(at, what);
            None
        }
    }
}
