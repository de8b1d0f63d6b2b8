//! Models as documents.

mod common;

use common::{applied, good};
use naos_types::Micros;
use naos_types::spec::{ModelCan, ModelFormat, ModelPrices, ModelSpec};

fn models(text: &str) -> Vec<ModelSpec> {
    let kept = good(text).kept.into_iter();
    kept.map(|kept| *kept.model.unwrap()).collect()
}

fn one(text: &str) -> ModelSpec {
    let mut all = models(text);
    assert_eq!(all.len(), 1);
    all.remove(0)
}

#[test]
fn the_seed_s_models_are_whole() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/models.json");
    let all = models(&std::fs::read_to_string(path).unwrap());
    let [gpt, claude] = &all[..] else {
        panic!("{all:?}");
    };
    assert_eq!(gpt.format, ModelFormat::OpenAiChat);
    assert_eq!(gpt.endpoint, "https://api.openai.com/v1");
    assert_eq!(gpt.model, "gpt-4");
    assert_eq!(gpt.can, [ModelCan::Text, ModelCan::Tools]);
    assert_eq!(gpt.key.as_deref(), Some("env:OPENAI_API_KEY"));
    assert!(gpt.leaves_country && gpt.enabled);
    assert_eq!(claude.format, ModelFormat::Anthropic);
    assert_eq!(claude.can, [ModelCan::Text, ModelCan::Vision]);
    let prices = ModelPrices {
        input: Micros(15_000_000),
        output: Micros(75_000_000),
        ..ModelPrices::default()
    };
    assert_eq!(claude.prices, Some(prices));
    assert_eq!(
        prices.most(1_000, 1_000),
        Micros(90_000),
        "1.5 and 7.5 cents"
    );
}

#[test]
fn providers_bring_what_is_usual() {
    for (provider, format, endpoint, key, leaves) in [
        (
            "openai",
            ModelFormat::OpenAiChat,
            "https://api.openai.com/v1",
            Some("env:OPENAI_API_KEY"),
            true,
        ),
        (
            "anthropic",
            ModelFormat::Anthropic,
            "https://api.anthropic.com/v1",
            Some("env:ANTHROPIC_API_KEY"),
            true,
        ),
        (
            "google",
            ModelFormat::Gemini,
            "https://generativelanguage.googleapis.com/v1beta",
            Some("env:GEMINI_API_KEY"),
            true,
        ),
        (
            "ollama",
            ModelFormat::Ollama,
            "http://127.0.0.1:11434",
            None,
            false,
        ),
    ] {
        let spec = one(&format!("models:\n  m: {{provider: {provider}}}\n"));
        assert_eq!(spec.format, format, "{provider}");
        assert_eq!(spec.endpoint, endpoint, "{provider}");
        assert_eq!(spec.key.as_deref(), key, "{provider}");
        assert_eq!(spec.leaves_country, leaves, "{provider}");
        // Only what runs at home is known to cost nothing.
        assert_eq!(spec.prices.is_some(), provider == "ollama", "{provider}");
        assert!(spec.can.contains(&ModelCan::Text), "{provider}");
    }
}

#[test]
fn all_can_be_said() {
    let spec = one("
models:
  Swift:
    provider: mistral
    format: openai_compatible
    endpoint: https://api.mistral.example/v1/
    model: mistral-large-latest
    capabilities: [chat, function-calling, images, json_schema, text, thinking]
    context_size: 128000
    max_output: 8192
    image_tokens: 1600
    cost_per_1m_tokens: {input: 2, cached_input: 0.2, cache_write: 2.50, output: 6.000001}
    data_leaves_country: false
    fallback: [gpt-4, Claude 3]
    key_env: NAOS_MODEL_MISTRAL
    enabled: false
");
    assert_eq!(spec.provider, "mistral");
    assert_eq!(spec.format, ModelFormat::OpenAiCompatible);
    assert_eq!(spec.endpoint, "https://api.mistral.example/v1");
    assert_eq!(spec.model, "mistral-large-latest");
    let can: Vec<&str> = spec.can.iter().map(|can| can.word()).collect();
    assert_eq!(can, ["text", "vision", "tools", "json", "reasoning"]);
    assert_eq!(spec.context_tokens, Some(128_000));
    assert_eq!(spec.output_tokens_max, Some(8_192));
    assert_eq!(spec.image_tokens, Some(1_600));
    let prices = ModelPrices {
        input: Micros(2_000_000),
        cached_input: Some(Micros(200_000)),
        cache_write: Some(Micros(2_500_000)),
        output: Micros(6_000_001),
    };
    assert_eq!(spec.prices, Some(prices));
    assert!(!spec.leaves_country && !spec.enabled);
    let names: Vec<&str> = spec.fallbacks.iter().map(|name| name.as_str()).collect();
    assert_eq!(names, ["gpt-4", "claude-3"]);
    assert_eq!(spec.key.as_deref(), Some("env:NAOS_MODEL_MISTRAL"));
    let json: serde_json::Value = serde_json::from_str(&spec.document).unwrap();
    assert_eq!(json["format"], "openai-compatible");
    assert_eq!(json["capabilities"][2], "tools");
    assert_eq!(json["key"], "env:NAOS_MODEL_MISTRAL");
}

/// What was applied stays as it was, though what is usual may change later.
#[test]
fn what_is_left_out_is_written_down() {
    let spec = one("models:\n  m: {provider: ollama}\n");
    let document: serde_json::Value = serde_json::from_str(&spec.document).unwrap();
    let want = serde_json::json!({
        "provider": "ollama", "format": "ollama", "endpoint": "http://127.0.0.1:11434",
        "model": "m", "capabilities": ["text"], "data_leaves_country": false, "enabled": true,
        "input_micros_per_mtok": 0, "output_micros_per_mtok": 0,
    });
    assert_eq!(document, want);
    let again = one(&format!("{{\"models\": {{\"m\": {}}}}}", {
        // Prices in millionths are naos's own note and no key of a document.
        let mut json: serde_json::Value = serde_json::from_str(&spec.document).unwrap();
        let fields = json.as_object_mut().unwrap();
        fields.retain(|key, _| !key.ends_with("_per_mtok"));
        json
    }));
    assert_eq!(again, spec);
}

#[test]
fn a_provider_s_own_key_stays_with_it() {
    let spec = one("models:\n  m: {provider: openai, endpoint: \"https://proxy.example/v1\"}\n");
    assert_eq!(spec.key, None);
    let spec = one("models:\n  m: {provider: openai, key: secret:team-key}\n");
    assert_eq!(spec.key.as_deref(), Some("secret:team-key"));
}

#[test]
fn mistakes_have_a_place_and_say_what_to_do() {
    for (model, want) in [
        (
            "provider: antropic",
            "2:18: \"antropic\" is no provider that naos knows; did you mean `anthropic`?",
        ),
        (
            "provider: zzz",
            "2:18: \"zzz\" is no provider that naos knows; it knows openai, anthropic, gemini, \
             ollama, openai-compatible, openclaw; any other needs its `endpoint` and its \
             `format`, one of openai-chat, openai-compatible, openai-responses, anthropic, \
             gemini, ollama, openclaw",
        ),
        (
            "provider: zzz, endpoint: \"https://z.example\"",
            "2:18: a model of zzz needs its `format`; one of openai-chat, openai-compatible, \
             openai-responses, anthropic, gemini, ollama, openclaw",
        ),
        (
            "provider: openai-compatible",
            "2:18: a model of openai-compatible needs its `endpoint`; its address up to where \
             the format's own path begins",
        ),
        (
            "provider: openai, format: openai-chatt",
            "2:34: no format is called \"openai-chatt\"; did you mean `openai-chat`?",
        ),
        (
            "provider: openai, capabilities: [chat, visoin]",
            "2:47: nothing that a model can is called \"visoin\"; did you mean `vision`?",
        ),
        (
            "provider: openai, contextsize: 5",
            "2:26: unknown key `contextsize`; did you mean `context_size`?",
        ),
        (
            "provider: openai, context_size: 0",
            "2:40: `context_size` is a whole number from 1 to 100000000",
        ),
        (
            "provider: openai, context_size: 5, max_output: 6",
            "2:7: it can't write 6 tokens where it sees 5",
        ),
        (
            "provider: openai, cost_per_1k_tokens: {input: -1, output: 1}",
            "2:54: the price for input is a number with at most nine decimals",
        ),
        (
            "provider: openai, cost_per_1m_tokens: {input: 1, output: 0.0000001}",
            "2:65: the price for output is a number with at most six decimals",
        ),
        (
            "provider: openai, cost_per_1k_tokens: {input: 1}",
            "2:46: a model has a price for `input` and one for `output`",
        ),
        (
            "provider: openai, cost_per_1k_tokens: {input: 1, output: 1}, \
             cost_per_1m_tokens: {input: 1, output: 1}",
            "2:89: its prices are there twice; keep one",
        ),
        (
            "provider: openai, fallback: [a, mm]",
            "2:40: a model can't stand in for itself",
        ),
        (
            "provider: openai, fallback: [a, A]",
            "2:40: a stands in for it already",
        ),
        (
            "provider: openai, endpoint: api.openai.com",
            "2:7: `endpoint` is an address with https:// in front",
        ),
        (
            "endpoint: \"https://x.example\"",
            "2:7: `provider` is missing in `model`",
        ),
    ] {
        let told = applied("m.yaml", &format!("models:\n  mm: {{{model}}}\n"));
        let told = told.unwrap_err().to_string();
        assert_eq!(told, format!("m.yaml:{want}"), "{model}");
    }
}

#[test]
fn what_only_puts_texts_into_one_space_writes_nothing() {
    let spec = one(
        "models:\n  m: {provider: openai, capabilities: [embeddings], \
         cost_per_1m_tokens: {input: 0.02}}\n",
    );
    let prices = ModelPrices {
        input: Micros(20_000),
        ..ModelPrices::default()
    };
    assert_eq!((spec.prices, spec.can.len()), (Some(prices), 1));
    assert!(spec.only_embeds() && spec.leaves_country);
    let near = one("models:\n  m: {provider: ollama, capabilities: [embedding, text]}\n");
    assert!(!near.only_embeds() && !near.leaves_country);
    assert_eq!(
        near.prices,
        Some(ModelPrices::default()),
        "it costs nothing"
    );
    for provider in ["anthropic", "gemini", "openclaw"] {
        let model = format!("provider: {provider}, capabilities: [embeddings]");
        let told = applied("m.yaml", &format!("models:\n  mm: {{{model}}}\n"));
        let told = told.unwrap_err().to_string();
        assert!(told.contains("gives embeddings"), "{told}");
    }
    let agent = good("type: agent\nname: jarvis\nmodel: any\nrecall: Text-Embedding-3\n");
    let mind = agent.agents[0].1.spec.mind.clone().unwrap();
    assert_eq!(mind.recall.as_ref().unwrap().as_str(), "text-embedding-3");
    let told = applied(
        "m.yaml",
        "type: agent\nname: jarvis\nmodel: any\nrecall: '!'\n",
    );
    let told = told.unwrap_err();
    assert!(told.contains("\"!\" is no name of a model"), "{told}");
}

#[test]
fn an_openclaw_gateway_is_an_engine_whose_turn_has_a_price() {
    let claw = one("models:\n  claw: {provider: openclaw, cost_per_call: $0.50}\n");
    assert_eq!(claw.format, ModelFormat::OpenClaw);
    assert_eq!(claw.endpoint, "ws://127.0.0.1:18789");
    assert_eq!((claw.model.as_str(), claw.key.as_deref()), ("main", None));
    assert_eq!((claw.turn, claw.prices), (Some(Micros(500_000)), None));
    assert!(claw.document.contains(r#""cost_per_call_micros":500000"#));
    let claw = one("models:\n  claw:\n    provider: openclaw\n    \
         endpoint: wss://claw.example/\n    model: jarvis\n    key: NAOS_MODEL_CLAW\n    \
         cost_per_call: 5\n    cost_per_1m_tokens: {input: 1, output: 2}\n");
    assert_eq!(claw.endpoint, "wss://claw.example");
    assert_eq!(claw.key.as_deref(), Some("env:NAOS_MODEL_CLAW"));
    assert_eq!(
        (claw.turn, claw.model.as_str()),
        (Some(Micros(50_000)), "jarvis")
    );
    assert!(claw.prices.is_some(), "what it used is settled by them");
    for (model, want) in [
        (
            "provider: openai, cost_per_call: 5",
            "2:41: `cost_per_call` is what a turn of an engine costs at most; a model has \
             cost_per_1m_tokens",
        ),
        (
            "provider: openclaw, cost_per_call: much",
            "2:43: `cost_per_call` is money such as $0.05, or a number of cents",
        ),
        (
            "provider: openclaw, endpoint: \"ws://claw.example\", key: NAOS_MODEL_CLAW",
            "2:64: a key goes over https:// only, or to this machine",
        ),
    ] {
        let told = applied("m.yaml", &format!("models:\n  mm: {{{model}}}\n"));
        let told = told.unwrap_err().to_string();
        assert_eq!(told, format!("m.yaml:{want}"), "{model}");
    }
    let agent = good("type: agent\nname: jarvis\nengine: claw\n");
    let mind = agent.agents[0].1.spec.mind.clone().unwrap();
    assert_eq!(mind.models[0].as_str(), "claw");
}

#[test]
fn a_key_that_stands_in_a_document_is_refused_and_not_repeated() {
    for (key, value) in [
        ("key", "sk-proj-abcdef123456"),
        ("api_key", "sk-proj-abcdef123456"),
        ("key", "[sk-proj-abcdef123456]"),
        ("key", "env:PATH_sk-proj-abcdef123456"),
        ("key", "ABCDEF123456"),
    ] {
        let text = format!("models:\n  m:\n    provider: openai\n    {key}: {value}\n");
        let told = applied("m.yaml", &text).unwrap_err().to_string();
        assert!(told.starts_with("m.yaml:4:"), "{told}");
        assert!(!told.to_lowercase().contains("abcdef"), "{told}");
    }
    for (model, want) in [
        (
            "{provider: openai, endpoint: \"https://evil.example/v1\", key: env:OPENAI_API_KEY}",
            "OPENAI_API_KEY goes to api.openai.com only; name another variable, env:NAOS_MODEL_…",
        ),
        (
            "{provider: openai-compatible, endpoint: \"http://10.1.2.3/v1\", \
             key: env:NAOS_MODEL_X}",
            "a key goes over https:// only, or to this machine",
        ),
    ] {
        let told = applied("m.yaml", &format!("models:\n  m: {model}\n"));
        let told = told.unwrap_err().to_string();
        assert!(told.ends_with(want), "{told}");
    }
}

#[test]
fn where_data_may_go_is_said_for_all_and_for_one() {
    use naos_types::spec::{Data, PolicySpec};

    for text in [
        "policies: {data: stays}",
        "policies:\n  data: {data: stays}",
        "type: policy\nname: data\ndata: stays",
        "policy: {data: stays}",
    ] {
        let applied = good(text);
        let [kept] = &applied.kept[..] else {
            panic!("{text}: {applied:?}")
        };
        assert_eq!(
            (kept.name.as_str(), kept.json.as_str()),
            ("data", r#"{"data":"stays"}"#)
        );
        let policy = PolicySpec { data: Data::Stays };
        assert_eq!(kept.policy, Some(policy), "{text}");
    }
    for text in [
        "policies: {data: home}",
        "type: policy\nname: other\ndata: stays",
        "type: agent\nname: a\nmodel: any\ndata: nowhere",
        "type: agent\nname: a\nmodel: any\nunpriced: perhaps",
    ] {
        assert!(applied("f.yaml", text).is_err(), "{text}");
    }
    let text = "type: agent\nname: a\nmodel: any\ndata: leaves\nunpriced: allow\ntokens: 5000";
    let applied = good(text);
    let mind = applied.agents[0].1.spec.mind.as_ref().unwrap();
    assert_eq!((mind.data, mind.unpriced), (Some(Data::Leaves), true));
    let warned = applied.warnings[0].to_string();
    assert!(
        warned.contains("no budget holds") && warned.contains("5000"),
        "{warned}"
    );
}

#[test]
fn what_a_run_may_cost_is_money() {
    let agent = |limits: &str| format!("type: agent\nname: a\nmodel: any\nlimits: {limits}");
    for text in [
        "{cost: $0.50}",
        "{cost: 0.50 USD}",
        "{cost: 0.5}",
        "{cost: 50}",
    ] {
        let applied = good(&agent(text));
        let mind = applied.agents[0].1.spec.mind.as_ref().unwrap();
        assert_eq!(mind.cost_max, Some(Micros(500_000)), "{text}");
    }
    for text in ["{cost: 0}", "{cost: much}", "{cost: -1}"] {
        assert!(applied("f.yaml", &agent(text)).is_err(), "{text}");
    }
    let component = "type: agent\nname: a\ntemplate: echo\nlimits: {cost: $1}";
    assert!(
        applied("f.yaml", component)
            .unwrap_err()
            .contains("cost_per_call")
    );
}
