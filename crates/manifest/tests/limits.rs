//! Whatever comes in: an answer, soon, and no panic.

mod common;

use common::{applied, bad};
use naos_manifest::{NoChecks, NoFiles, parse_document, parse_event};
use proptest::prelude::*;

#[test]
fn bounds() {
    let deep = "a: ".to_owned() + &"[".repeat(100) + &"]".repeat(100);
    let deep_block: String = (0..100).map(|i| " ".repeat(i) + "a:\n").collect();
    let bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n".to_owned()
        + &"bcdefghij"
            .chars()
            .zip("abcdefghi".chars())
            .map(|(next, last)| {
                format!(
                    "{next}: &{next} [{}]\n",
                    vec![format!("*{last}"); 10].join(", ")
                )
            })
            .collect::<String>();
    let many = "a: [".to_owned() + &"1,".repeat(100_001) + "]";
    let long = "a: ".to_owned() + &"x".repeat(1 << 20);
    for (text, expected) in [
        (deep.as_str(), "f:1:68: recursion limit exceeded"),
        (&deep_block, "recursion limit exceeded"),
        (
            &bomb,
            "more than 100000 values, counting what aliases repeat",
        ),
        (
            &many,
            "more than 100000 values, counting what aliases repeat",
        ),
        (&long, "f:1:1: a document has at most 1048576 bytes"),
        ("a: &x [*x]", "an alias can't stand within what it repeats"),
        ("a: *nosuch", "f:1:4: "),
        ("? [a]\n: b", "f:1:3: a key is a word, not a list or map"),
        (": b", "a key is missing"),
        ("a: 'open", "f:"),
        ("a: \"\\q\"", "f:1:"),
        ("%YAML 3.0\n---\na: b", "f:"),
        ("\u{0}", "f:"),
    ] {
        let found = bad("f", text);
        let short: String = text.chars().take(40).collect();
        assert!(found.contains(expected), "{short}: {found}");
    }
}

#[test]
fn many_mistakes_are_few_lines() {
    let text: String = (0..1_000).map(|i| format!("k{i}: 1\n")).collect();
    let found = bad("nexus.config.yaml", &text);
    assert_eq!(found.lines().count(), naos_manifest::DIAGNOSTICS_MAX);
}

/// What is wrong in one place hides nothing elsewhere, and is told once.
#[test]
fn one_look_shows_all_that_is_wrong() {
    let text = "\
type: plan
name: p
colour: red
steps:
  - {name: a, compute: nosuch + 1, retry: {attempts: 99}}
  - {name: b, compute: 1, render: x}
  - {name: c, after: [b, d], when: nosuch, task: {title: \"{{ nosuch }}\"}}
---
type: skill
pattern: [a]
handler: {template: \"{{ nosuch }}\"}
---
type: plan
name: q
steps:
  - {name: a, render: \"scope\"}
  - {name: b, after: [a], compute: \"]
---
type: agent
name: x
limitss: {}
";
    let found = bad("f.yaml", text);
    let places: Vec<&str> = found
        .lines()
        .filter_map(|line| line.strip_prefix("f.yaml:")?.split_once(": "))
        .map(|(place, _)| place)
        .collect();
    for line in [3, 5, 6, 7, 10, 21] {
        let told = places
            .iter()
            .any(|place| place.starts_with(&format!("{line}:")));
        assert!(told, "line {line}: {found}");
    }
    let of = |part: &str| found.lines().filter(|line| line.contains(part)).count();
    // in `a`, in the condition and in the title of `c`; in the skill
    assert!(of("`nosuch`") >= 3, "{found}");
    assert_eq!(of("there is no step"), 1, "only `d` isn't there: {found}");
    let of_q = |place: &&&str| (13..=18).any(|line| place.starts_with(&format!("{line}:")));
    let told = places.iter().filter(of_q).count();
    assert_eq!(
        told, 1,
        "nothing of `q` but that a text in it has no end: {found}"
    );
}

#[test]
fn a_heartbeat_that_never_comes_is_told_once() {
    for beat in ["0m", "{every: 0m, days: mon-fri}", "2d", "soon"] {
        let text = format!("type: agent\nname: x\nmodel: any\nheartbeat: {beat}\n");
        let found = bad("f.yaml", &text);
        assert_eq!(found.lines().count(), 1, "{beat}: {found}");
        assert!(found.starts_with("f.yaml:4:"), "{beat}: {found}");
    }
}

#[test]
fn an_agent_that_names_no_model_in_its_list_is_not_given_any() {
    for key in ["model", "models"] {
        let found = bad("f.yaml", &format!("type: agent\nname: x\n{key}: []\n"));
        assert_eq!(found.lines().count(), 1, "{key}: {found}");
        assert!(found.starts_with("f.yaml:3:"), "{key}: {found}");
        assert!(found.contains("no model is named"), "{key}: {found}");
    }
}

#[test]
fn a_byte_order_mark_is_no_mistake() {
    assert!(applied("f", "\u{feff}type: agent\nname: a\r\n").is_ok());
}

fn yaml() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        "(agents|skills|plan|steps|name|type|agent|cost|budget|handler|patterns|after|review|of|\
         by|task|for_each|trigger|condition|action|dag|nodes|grants|retry|emit|limit|daily|\
         cost_per_1k_tokens|input|provider|a|b)",
        "[a-z0-9$/.%-]{0,6}",
        "(true|null|~|1|-1|0.5|1e9|99999999999999999999|&a|\\*a|!!str x|'q'|\"q\")",
    ];
    let leaf = word.clone();
    let tree = leaf.prop_recursive(5, 60, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4)
                .prop_map(|all| format!("[{}]", all.join(", "))),
            prop::collection::vec((word.clone(), inner), 0..5).prop_map(|all| {
                let pairs: Vec<String> = all.iter().map(|(k, v)| format!("{k}: {v}")).collect();
                format!("{{{}}}", pairs.join(", "))
            }),
        ]
    });
    prop::collection::vec(tree, 1..3).prop_map(|all| all.join("\n---\n"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn arbitrary_text(text in "(?s).{0,300}") {
        let _ = parse_document("f", &text, &NoFiles, &NoChecks);
        let _ = parse_event("f", &text);
    }

    #[test]
    fn arbitrary_bytes(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let text = String::from_utf8_lossy(&bytes);
        let _ = parse_document("nexus.config.yaml", &text, &NoFiles, &NoChecks);
    }

    #[test]
    fn text_that_looks_like_a_document(text in yaml()) {
        let _ = parse_document("f", &text, &NoFiles, &NoChecks);
        let _ = parse_document("nexus.config.yaml", &text, &NoFiles, &NoChecks);
    }

    #[test]
    fn lines_that_look_like_a_document(
        text in "( {0,6}(- |)(agents|name|steps|plan|type|a|task|cost|when|after|review|of)(:|: |\
         )(a|b|plan|agent|1|\\[a\\]|\\{a: b\\}|\\||>|)\n){0,12}"
    ) {
        let _ = parse_document("f", &text, &NoFiles, &NoChecks);
    }
}
