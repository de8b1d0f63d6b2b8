//! Skills for agents: what stands in the front matter, and where it is wrong.

use naos_manifest::{Applied, Diagnostics, NoChecks, NoFiles, parse_document};
use naos_types::spec::Tool;
use serde_json::json;

fn read(name: &str, text: &str) -> Result<Applied, Diagnostics> {
    read_with(name, json!({"SKILL.md": text}))
}

fn read_with(name: &str, files: serde_json::Value) -> Result<Applied, Diagnostics> {
    let document = json!({"type": "agent_skill", "name": name, "files": files}).to_string();
    parse_document(&format!("skills/{name}"), &document, &NoFiles, &NoChecks)
}

#[test]
fn a_skill_is_what_its_front_matter_says() {
    let text = "---\nname: pdf-forms\ndescription: |\n  Fills forms.\n  Use it for PDFs.\n\
                license: Apache-2.0\ncompatibility: needs a network\n\
                metadata:\n  author: ann\n  version: 1.0\n  openclaw: {emoji: x}\n\
                allowed-tools: Read Bash(git:*)\n---\n# Forms\n";
    let applied = read("pdf-forms", text).unwrap();
    let (name, spec) = &applied.agent_skills[0];
    assert_eq!(name.as_str(), "pdf-forms");
    assert_eq!(spec.description, "Fills forms.\nUse it for PDFs.");
    assert_eq!(spec.license.as_deref(), Some("Apache-2.0"));
    assert_eq!(spec.compatibility.as_deref(), Some("needs a network"));
    assert_eq!(spec.allowed_tools, ["Read", "Bash(git:*)"]);
    assert_eq!(spec.metadata["version"], "1.0");
    assert_eq!(spec.metadata["openclaw"], "{\"emoji\":\"x\"}");
    assert_eq!(spec.body(), "# Forms\n");
    assert!(applied.warnings.is_empty(), "{:?}", applied.warnings);
}

#[test]
fn an_unknown_key_is_a_warning_where_it_stands() {
    let text = "---\nname: a\ndescription: b\nallowed_tools: Read\nhomepage: x\n---\n";
    let warnings = read("a", text).unwrap().warnings;
    let said: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(
        said[0].starts_with("skills/a/SKILL.md:4:1: unknown key `allowed_tools`"),
        "{said:?}"
    );
    assert!(
        said[0].contains("did you mean `allowed-tools`?"),
        "{said:?}"
    );
    assert!(said[1].starts_with("skills/a/SKILL.md:5:1:"), "{said:?}");
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let long = "x".repeat(1_025);
    let large = "x".repeat(64 * 1_024);
    for (text, place, said) in [
        ("# A\n", ":1:1", "begins with its front matter"),
        ("---\nname: a\n", ":1:1", "begins with its front matter"),
        (
            "---\nname: b\ndescription: c\n---\n",
            ":2:7",
            "its folder \"a\"",
        ),
        ("---\ndescription: c\n---\n", ":1:1", "no `name`"),
        ("---\nname: a\n---\n", ":1:1", "no `description`"),
        (
            "---\nname: a\ndescription: '  '\n---\n",
            ":1:1",
            "no `description`",
        ),
        (
            "---\nname: a\ndescription: [x]\n---\n",
            ":3:",
            "is text, not a list",
        ),
        (
            "---\nname: a\ndescription: use: it: so\n---\n",
            ":3:",
            "in quotes",
        ),
        ("---\n- a\n---\n", ":1:1", "is a map"),
        (
            &format!("---\nname: a\ndescription: {long}\n---\n"),
            "skills/a:1:1",
            "1024",
        ),
        (
            &format!("---\nname: a\ndescription: b\n---\n{large}"),
            "skills/a:1:1",
            "65536",
        ),
    ] {
        let found = read("a", text).unwrap_err().to_string();
        assert!(
            found.contains(place) && found.contains(said),
            "{text:.80}: {found}"
        );
    }
    for name in ["a--b", "a-"] {
        let text = format!("---\nname: {name}\ndescription: b\n---\n");
        let found = read(name, &text).unwrap_err().to_string();
        assert!(found.contains("two in a row"), "{found}");
    }
    let sound = "---\nname: a\ndescription: b\n---\n";
    for (files, said) in [
        (json!({"references/a.md": "x"}), "no SKILL.md"),
        (json!({"SKILL.md": sound, "../b.md": "x"}), "leads out"),
        (json!({"SKILL.md": sound, "b.md": 7}), "is text"),
        (json!("x"), "map of paths"),
    ] {
        let found = read_with("a", files).unwrap_err().to_string();
        assert!(found.contains(said), "{said}: {found}");
    }
    let found = read("9-lives", "---\nname: 9-lives\ndescription: b\n---\n").unwrap_err();
    assert!(
        found.to_string().contains("beginning with a letter"),
        "{found}"
    );
}

#[test]
fn an_agent_names_its_skills_and_may_read_them() {
    let text = "agents: {clerk: {model: any, tools: [calculate], skills: [b, a, b]}}";
    let applied = parse_document("x.yaml", text, &NoFiles, &NoChecks).unwrap();
    let mind = applied.agents[0].1.spec.mind.clone().unwrap();
    let names: Vec<&str> = mind.skills.iter().map(|name| name.as_str()).collect();
    assert_eq!(names, ["b", "a"]);
    assert_eq!(mind.tools, [Tool::Calculate, Tool::SkillRead]);
}
