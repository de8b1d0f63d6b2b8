//! Drivers: their configuration, and what their runs may have at most.

mod common;

use common::{bad, good};
use naos_types::spec::{DriverKind, Native, Tool};
use naos_types::{Grants, Micros};
use serde_json::{Value, json};

const HEAD: &str = "\
driver:
  id: post
  capabilities: [mail.read]
  config_schema:
    type: object
    required: [box]
    properties: {box: {type: string}, most: {type: array, items: {maximum: 9}}}
";

#[test]
fn a_configuration_fits_its_schema() {
    for (config, said) in [
        (
            "{most: [1]}",
            "f.yaml:8:11: `config`: \"box\" is a required property",
        ),
        (
            "{box: 7}",
            "f.yaml:8:17: `config` at /box: 7 is not of type \"string\"",
        ),
        (
            "{box: a, most: [1, 12]}",
            "f.yaml:8:30: `config` at /most/1: 12 is greater than",
        ),
    ] {
        let errors = bad("f.yaml", &format!("{HEAD}  config: {config}\n"));
        assert!(errors.contains(said), "{config}: {errors}");
    }
    let found = good(&format!("{HEAD}  config: {{box: a, most: [1]}}\n"));
    assert_eq!(found.warnings, []);
    let waits = &good(HEAD).warnings[0].what;
    assert!(
        waits.starts_with("driver post waits for its configuration"),
        "{waits}"
    );
}

#[test]
fn limits_are_kept_in_one_unit() {
    for (needs, memory, timeout) in [
        ("{memory: 64MB, timeout: 30s}", 64 << 20, "30000ms"),
        ("{memory_mb: 32, timeout_seconds: 2}", 32 << 20, "2000ms"),
        ("{memory: 2097152, timeout: 1500ms}", 2 << 20, "1500ms"),
    ] {
        let text = format!("driver: {{id: d, resource_requirements: {needs}}}");
        let kept = good(&text).kept.remove(0);
        let spec = kept.driver.expect("a driver");
        let (driver, _) = spec.driver().expect("a driver");
        let said: Value = serde_json::from_str(&driver.document).expect("a document");
        let wanted = json!({"memory": memory, "timeout": timeout});
        assert_eq!(said["resource_requirements"], wanted, "{needs}");
    }
    for (needs, said) in [
        ("memroy: 1GB", "did you mean `memory`"),
        ("memory: lots", "from 1MB to 4GB"),
        ("memory: 8GB", "from 1MB to 4GB"),
        ("timeout: 0s", "from 1ms to 1d"),
        ("timeout: soon", "length of time"),
    ] {
        let text = format!("driver: {{id: d, resource_requirements: {{{needs}}}}}");
        let errors = bad("f.yaml", &text);
        assert!(errors.contains(said), "{needs}: {errors}");
    }
    let odd = "driver: {id: d, capabilities: [a.b], resource_requirements: {requires_gpu: true}}";
    assert_eq!(
        good(odd).warnings[0].what,
        "no component reaches a GPU here"
    );
}

#[test]
fn one_that_can_answer_nothing_is_told() {
    for (text, place) in [
        ("driver: {id: d, capabilities: []}", (1, 31)),
        ("driver: {id: d}", (1, 9)),
    ] {
        let warnings = good(text).warnings;
        let said = &warnings[0];
        assert_eq!(
            said.what,
            "driver d answers nothing: it has no `capabilities`"
        );
        assert_eq!((said.line, said.column), place, "{text}");
    }
    assert_eq!(good("driver: {id: d, capabilities: [a.b]}").warnings, []);
}

fn warned(text: &str) -> Vec<String> {
    let warnings = good(text).warnings.into_iter();
    warnings.map(|it| it.what).collect()
}

const ASSISTANT: &str = "\
driver:
  id: email_assistant
  type: agent
  model: gpt-4
  tools: [email_read, context_read, files.read_file]
  system_prompt: You help with emails.
  capabilities: [email.process]
";

/// By the rules of `agents.NAME`: it may nothing that isn't said, and spends little.
#[test]
fn a_driver_of_type_agent_is_the_agent_that_it_says() {
    let found = good(ASSISTANT);
    let (called, doc) = &found.agents[0];
    assert_eq!(called.as_str(), "email-assistant");
    let mind = doc.spec.mind.as_ref().expect("it works with a model");
    assert_eq!(mind.models[0].as_str(), "gpt-4");
    assert_eq!(mind.prompt, "You help with emails.");
    assert_eq!(mind.tools, [Tool::ContextRead]);
    assert_eq!(mind.others.len(), 1, "{:?}", mind.others);
    assert_eq!(doc.spec.grants, Grants::default());
    assert_eq!(found.budgets[0].0, *called);
    assert_eq!(found.budgets[0].1.limit, Micros(1_000_000));
    let spec = found.kept[0].driver.as_ref().expect("a driver");
    let (driver, _) = spec.driver().expect("a driver");
    assert_eq!((driver.kind, &driver.agent), (DriverKind::Agent, called));
    let said = "there is no tool email_read: the driver's agent does without";
    assert_eq!(warned(ASSISTANT), [said]);
    // What its manifest says holds.
    let more = format!(
        "{ASSISTANT}  grants: {{context_read: [Mail/]}}\n  budget: $3/day\n  \
         resource_requirements: {{timeout: 90s, memory: 64MB}}\n"
    );
    let found = good(&more);
    let spec = &found.agents[0].1.spec;
    assert_eq!(spec.grants.context_read, ["Mail/"]);
    assert_eq!(spec.limits.wall_max.0, 90_000);
    assert_eq!(found.budgets[0].1.limit, Micros(3_000_000));
    let said = warned(&more);
    assert_eq!(said[0], "`memory` changes nothing here", "{said:?}");
    // Without a model, the cheapest.
    let any = good(&ASSISTANT.replace("  model: gpt-4\n", ""));
    assert!(
        any.agents[0]
            .1
            .spec
            .mind
            .as_ref()
            .unwrap()
            .models
            .is_empty()
    );
    let errors = bad("f.yaml", &ASSISTANT.replace("gpt-4", "\"!\""));
    assert!(errors.contains("no name of a model"), "{errors}");
}

/// What is accepted and not used is told by its name.
#[test]
fn what_changes_nothing_is_told() {
    let model = "`model` changes nothing here";
    for (says, told) in [
        ("type: tool, model: m", &[model][..]),
        (
            "type: io, system_prompt: x",
            &["`system_prompt` changes nothing here"],
        ),
        ("type: agent, agent: ann, model: m", &[model]),
        (
            "type: agent, tools: [ask]",
            &["`tools` changes nothing here"],
        ),
        (
            "type: agent, endpoint: \"https://a.example\", model: m",
            &[model],
        ),
        (
            "agent: ann, grants: {clock: true}",
            &["`grants` changes nothing here"],
        ),
        ("builtin: echo, model: m", &[model]),
        (
            "builtin: echo, config: {a: 1}",
            &["`config` changes nothing here"],
        ),
        (
            "builtin: echo, resource_requirements: {memory: 64MB}",
            &["`memory` changes nothing here"],
        ),
        (
            "dependencies: [other]",
            &["`dependencies` changes nothing: it is kept as it is written"],
        ),
        ("type: ui, agent: ann", &[]),
    ] {
        let text = format!("driver: {{id: d, capabilities: [a.b], {says}}}");
        assert_eq!(warned(&text), told, "{says}");
        assert!(good(&text).agents.is_empty(), "{says}");
    }
}

#[test]
fn what_is_built_in_says_what_it_does() {
    let read = |says: &str| {
        let found = good(&format!("driver: {{id: d, {says}}}"));
        let driver = found.kept[0].driver.clone().expect("a driver");
        (
            driver.native().cloned().expect("it is built in"),
            found.warnings,
        )
    };
    let (driver, warnings) = read("builtin: context.read, grants: {context_read: [Tasks/]}");
    assert_eq!((driver.native, warnings.len()), (Native::ContextRead, 0));
    assert_eq!(driver.driver.capabilities, ["context.read"]);
    assert_eq!(driver.driver.agent.as_str(), "driver-d");
    assert_eq!((driver.reads.len(), driver.writes.len()), (1, 0));
    let (driver, warnings) = read("builtin: context_write");
    assert_eq!(driver.native, Native::ContextWrite);
    assert!(
        warnings[0].what.contains("granted no documents"),
        "{warnings:?}"
    );
    let (driver, _) = read("builtin: notify, capabilities: [chat.message]");
    assert_eq!(driver.driver.kind, DriverKind::Ui);
    assert_eq!(driver.driver.capabilities, ["chat.message"]);
    for (says, told) in [
        ("builtin: ehco", "did you mean `echo`?"),
        ("builtin: notify, type: agent", "is a driver of type ui"),
        ("builtin: echo, agent: ann", "one of these"),
        (
            "builtin: echo, endpoint: \"https://a.example\"",
            "one of these",
        ),
    ] {
        let errors = bad("f.yaml", &format!("driver: {{id: d, {says}}}"));
        assert!(errors.contains(told), "{says}: {errors}");
    }
}
