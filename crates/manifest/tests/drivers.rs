//! Drivers: their configuration, and what their runs may have at most.

mod common;

use common::{bad, good};
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
