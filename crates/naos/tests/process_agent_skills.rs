//! Skills in the format of Agent Skills: folders that are applied, told by name, read by whom they
//! are granted to, and refused where they aren't what they say.

mod project;

use std::fs;
use std::path::Path;

use project::Project;
use project::office::Office;
use serde_json::{Value, json};

/// Gives back what it is given.
const CORE: &str = r#"(module
  (memory (export "memory") 1)
  (global $heap (mut i32) (i32.const 1024))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (local $p i32)
    (local.set $p (global.get $heap))
    (global.set $heap (i32.add (global.get $heap) (local.get 3)))
    (local.get $p))
  (func (export "handle") (param $ptr i32) (param $len i32) (result i32)
    (i32.store (i32.const 16) (i32.const 0))
    (i32.store (i32.const 20) (local.get $ptr))
    (i32.store (i32.const 24) (local.get $len))
    (i32.const 16)))"#;

fn put(dir: &Path, files: &[(&str, &str)]) {
    for (path, text) in files {
        let path = dir.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

fn skill(name: &str, body: &str) -> String {
    format!("---\nname: {name}\ndescription: When {name} are asked for.\n---\n{body}\n")
}

fn read(arguments: &[Value]) -> String {
    let call = |arguments: &Value| json!({"name": "skill_read", "arguments": arguments});
    let all: Vec<Value> = arguments.iter().map(call).collect();
    format!("{}\n", json!({ "call": all }))
}

#[test]
fn process_a_skill_is_told_by_name_and_read_by_whom_it_is_granted_to() {
    let script = [
        read(&[
            json!({"skill": "invoices"}),
            json!({"skill": "invoices", "path": "references/late.md"}),
            json!({"skill": "invoices", "path": "scripts/remind.py"}),
            json!({"skill": "salaries"}),
            json!({"skill": "invoices", "path": "../salaries/SKILL.md"}),
        ]),
        "{\"say\": \"Done.\"}\n".to_owned(),
        read(&[json!({"skill": "invoices"})]),
        "{\"say\": \"Done again.\"}\n".to_owned(),
        "{\"say\": \"I have none.\"}\n".to_owned(),
    ];
    let office = Office::new(&script.concat());
    office.connect();
    let project = &office.project;
    let root = project.path("");
    put(
        &root,
        &[
            (
                "skills/invoices/SKILL.md",
                &skill("invoices", "# Invoices\n\nAdd the VAT."),
            ),
            (
                "skills/invoices/references/late.md",
                "After 30 days write a letter.\n",
            ),
            (
                "skills/invoices/references/all.yaml",
                "agents: {intruder: {model: any}}\n",
            ),
            ("skills/invoices/scripts/remind.py", "print('pay')\n"),
            (
                "skills/salaries/SKILL.md",
                &skill("salaries", "The safe opens with 4711."),
            ),
            (
                "agents/clerks.yaml",
                "agents:\n  clerk: {model: fast, skills: [invoices]}\n  \
                 temp: {model: fast, prompt: You help.}\n",
            ),
        ],
    );
    let ran = project.naos(&["run", "clerk", "--input", "Write an invoice."]);
    assert_eq!(ran.exit, 0, "{}", ran.stderr);
    let seen = office.server.seen();
    let first = seen[0].body.to_string();
    assert!(
        first.contains("- invoices: When invoices are asked for."),
        "{first}"
    );
    assert!(first.contains("skill_read"), "{first}");
    for hidden in ["Add the VAT", "salaries", "4711"] {
        assert!(!first.contains(hidden), "{hidden}: {first}");
    }
    let last = seen.last().unwrap().body.to_string();
    for said in [
        "Add the VAT.",
        "put there by the operator",
        "After 30 days",
        "naos doesn't run it",
        "clerk may not read the skill salaries",
        "leads out of the skill's folder",
    ] {
        assert!(last.contains(said), "{said}: {last}");
    }
    assert!(!last.contains("4711"), "{last}");
    let names = project.json(&["get", "agents"]).to_string();
    assert!(
        !names.contains("intruder"),
        "what stands in a skill is text: {names}"
    );
    // Another version at the next turn, and the journal says so.
    put(
        &root,
        &[(
            "skills/invoices/SKILL.md",
            &skill("invoices", "# Invoices\n\nNo VAT."),
        )],
    );
    let ran = project.naos(&["run", "clerk", "--input", "Write another."]);
    assert_eq!(ran.exit, 0, "{}", ran.stderr);
    let last = office.server.seen().pop().unwrap().body.to_string();
    assert!(
        last.contains("No VAT.") && last.contains("version 2"),
        "{last}"
    );
    let listed = project.json(&["skill", "list"]);
    let versions: Vec<(&Value, &Value)> = listed["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (&one["name"], &one["version"]))
        .collect();
    assert_eq!(
        versions,
        [
            (&json!("invoices"), &json!(2)),
            (&json!("salaries"), &json!(1))
        ]
    );
    assert_eq!(listed["items"][0]["spec"]["files"]["scripts/remind.py"], 13);
    let shown = project.json(&["get", "agent-skill", "invoices"]);
    assert_eq!(
        shown["spec"]["files"]["scripts/remind.py"],
        "print('pay')\n"
    );
    // Whoever was granted nothing isn't even told.
    let ran = project.naos(&["run", "temp", "--input", "Write an invoice."]);
    assert_eq!(ran.exit, 0, "{}", ran.stderr);
    let last = office.server.seen().pop().unwrap().body.to_string();
    assert!(
        !last.contains("skill_read") && !last.contains("invoices:"),
        "{last}"
    );
    // What vanished goes with --prune.
    fs::remove_dir_all(root.join("skills/salaries")).unwrap();
    let pruned = project.json(&["apply", "--prune"]);
    assert_eq!(
        pruned["pruned"],
        json!([{"kind": "agent_skill", "name": "salaries"}]),
        "{pruned:#}"
    );
    assert_eq!(
        project.json(&["skill", "list"])["items"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn process_a_skill_is_checked_before_anything_changes() {
    let project = Project::new();
    let root = project.path("given");
    let key = ["sk", "proj", "A1b2C3d4E5f6A1b2C3d4E5f6"].join("-");
    put(
        &root,
        &[
            (
                "good/SKILL.md",
                "---\nname: good\ndescription: x\nhomepage: y\n---\nA\n",
            ),
            ("good/assets/tokens.css", ".a {}\n"),
            ("good/.DS_Store", "x"),
            ("other/SKILL.md", "---\nname: good\ndescription: x\n---\n"),
            ("leaky/SKILL.md", &skill("leaky", &format!("use {key}"))),
            ("large/SKILL.md", &skill("large", &"x".repeat(70_000))),
            ("linked/SKILL.md", &skill("linked", "x")),
            ("empty/README.md", "x"),
        ],
    );
    fs::write(root.join("good/assets/logo.png"), b"\x89PNG\xff\0").unwrap();
    std::os::unix::fs::symlink("/etc/hostname", root.join("linked/host.md")).unwrap();
    for at in 0..65 {
        put(&root, &[(&format!("many/f{at}.md"), "x")]);
    }
    put(&root, &[("many/SKILL.md", &skill("many", "x"))]);
    let add = |name: &str| {
        let dir = root.join(name);
        project.naos(&["skill", "add", dir.to_str().unwrap()])
    };
    for (name, said) in [
        ("other", "other/SKILL.md:2:7: the skill is called \"good\""),
        ("leaky", "SKILL.md: line 5 looks like a key"),
        ("large", "at most 65536"),
        ("linked", "host.md: it is a link"),
        ("many", "at most 64 files"),
        ("empty", "no SKILL.md"),
        ("none", "none"),
    ] {
        let refused = add(name);
        assert_ne!(refused.exit, 0, "{name}");
        assert!(refused.stderr.contains(said), "{name}: {}", refused.stderr);
        assert!(!refused.stderr.contains(&key));
    }
    assert_eq!(project.json(&["skill", "list"])["items"], json!([]));
    let good = root.join("good");
    let good = good.to_str().unwrap();
    let plan = project.json(&["skill", "add", good, "--dry-run"]);
    assert_eq!(plan["items"][0]["result"], "created", "{plan:#}");
    assert_eq!(project.json(&["skill", "list"])["items"], json!([]));
    let added = add("good");
    assert_eq!(added.exit, 0, "{}", added.stderr);
    for said in [
        "unknown key `homepage`",
        "logo.png: it is no text",
        ".DS_Store",
    ] {
        assert!(added.stderr.contains(said), "{said}: {}", added.stderr);
    }
    let shown = project.json(&["get", "agent_skill", "good"]);
    let files: Vec<&String> = shown["spec"]["files"].as_object().unwrap().keys().collect();
    assert_eq!(files, ["SKILL.md", "assets/tokens.css"]);
    let again = project.json(&["apply", "-f", good]);
    assert_eq!(again["items"][0]["result"], "unchanged", "{again:#}");
    let missing = project.naos_with(
        &["apply", "-f", "-"],
        b"agents: {clerk: {model: any, skills: [good, gone]}}",
    );
    assert_eq!(missing.exit, 0, "{}", missing.stderr);
    assert!(
        missing.stderr.contains("names the skill gone"),
        "{}",
        missing.stderr
    );
    assert!(!missing.stderr.contains("skill good"), "{}", missing.stderr);
    let strict = project.naos_with(
        &["apply", "-f", "-", "--strict"],
        b"agents: {clerk: {model: any, skills: [gone]}}",
    );
    assert_ne!(strict.exit, 0, "{}", strict.stderr);
    let gone = project.naos(&["delete", "agent-skill", "good"]);
    assert_eq!(gone.exit, 0, "{}", gone.stderr);
}

#[test]
fn process_a_program_of_a_skill_runs_in_the_sandbox_and_nothing_else_of_it_does() {
    let call = |script: &str, input: Value| {
        let arguments = json!({"skill": "sums", "script": script, "input": input});
        json!({"name": "skill_run", "arguments": arguments})
    };
    let fetch = json!({"calls": [{"method": "GET", "url": "http://127.0.0.1:9/"}]}).to_string();
    let asked = json!({"call": [
        call("scripts/again.wasm", json!("1,2,3")),
        call("scripts/fetch.wasm", json!(fetch)),
        call("scripts/core.wasm", json!("a core module")),
        call("scripts/greedy.wasm", json!("x")),
        call("scripts/sum.py", json!("")),
    ]});
    let office = Office::new(&format!("{asked}\n{{\"say\": \"Done.\"}}\n"));
    office.connect();
    let project = &office.project;
    let root = project.path("");
    let body = skill("sums", "# Sums\n\nRun scripts/again.wasm.");
    put(
        &root,
        &[
            ("skills/sums/SKILL.md", &body),
            ("skills/sums/scripts/sum.py", "print(6)\n"),
            (
                "agents/clerks.yaml",
                "agents:\n  clerk: {model: fast, skills: [sums]}\n",
            ),
        ],
    );
    let scripts = root.join("skills/sums/scripts");
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../guest/built");
    for (from, to) in [("echo.wasm", "again.wasm"), ("courier.wasm", "fetch.wasm")] {
        fs::copy(built.join(from), scripts.join(to)).unwrap();
    }
    let core = wat::parse_str(CORE).unwrap();
    fs::write(scripts.join("core.wasm"), core).unwrap();
    // Twice as much memory as any program has.
    let grown = "(if (i32.eq (memory.grow (i32.const 2000)) (i32.const -1)) (then unreachable))";
    let greedy = CORE.replace("(i32.const 16)))", &format!("{grown} (i32.const 16)))"));
    let greedy = wat::parse_str(greedy).unwrap();
    fs::write(scripts.join("greedy.wasm"), greedy).unwrap();
    let ran = project.naos(&["run", "clerk", "--input", "Add them up."]);
    assert_eq!(ran.exit, 0, "{}", ran.stderr);
    let seen = office.server.seen();
    assert!(
        seen[0].body.to_string().contains("skill_run"),
        "it is told of the tool"
    );
    let last = seen.last().unwrap().body.to_string();
    for said in [
        "1,2,3",
        "does not grant HTTP",
        "a core module",
        "naos doesn't run skills/sums/scripts/sum.py",
        "from-outside",
    ] {
        assert!(last.contains(said), "{said}: {last}");
    }
    let errors = last.matches("\"Error: ").count();
    assert_eq!(errors, 2, "too much memory, and no program: {last}");
    // People may try one, and it goes with its folder.
    let tried = project.naos(&["run", "sums--again", "--input", "x y"]);
    assert!(
        tried.stdout.contains("x y"),
        "{}{}",
        tried.stdout,
        tried.stderr
    );
    fs::remove_file(scripts.join("again.wasm")).unwrap();
    let pruned = project.json(&["apply", "--prune"]);
    assert_eq!(
        pruned["pruned"],
        json!([{"kind": "skill", "name": "sums--again"}]),
        "{pruned:#}"
    );
    fs::write(scripts.join("Bad Name.wasm"), b"\0asm").unwrap();
    let refused = project.naos(&["skill", "add", "skills/sums"]);
    assert_ne!(refused.exit, 0, "{}", refused.stdout);
    assert!(
        refused.stderr.contains("can't be the name of a program"),
        "{}",
        refused.stderr
    );
}

#[test]
fn process_the_doctor_reads_programs_and_a_broken_one_hides_nothing() {
    let project = Project::new();
    let skills = project.path("skills");
    put(
        &skills,
        &[(
            "sums/SKILL.md",
            &skill("sums", "# Sums\n\nRun scripts/sum.wasm."),
        )],
    );
    let scripts = skills.join("sums/scripts");
    fs::create_dir_all(&scripts).unwrap();
    let good = concat!(env!("CARGO_MANIFEST_DIR"), "/../../guest/built/echo.wasm");
    fs::copy(good, scripts.join("sum.wasm")).unwrap();
    let files = |project: &Project| {
        let found = project.naos(&["doctor", "--json"]);
        let found: Value = serde_json::from_str(&found.stdout).unwrap();
        let items = found["items"].as_array().unwrap().clone();
        items
            .into_iter()
            .find(|item| item["what"] == "files")
            .unwrap()
    };
    let found = files(&project);
    assert_eq!(found["state"], "ok", "{found}");
    assert_eq!(project.json(&["skill", "list"])["items"][0]["name"], "sums");

    fs::write(scripts.join("broken.wasm"), "no program").unwrap();
    let found = files(&project);
    assert_eq!(found["state"], "bad", "{found}");
    let says = found["says"].as_str().unwrap();
    assert!(
        says.contains("broken.wasm is no WebAssembly program"),
        "{says}"
    );
    let listed = project.naos(&["skill", "list"]);
    assert_eq!(listed.exit, 0, "{}", listed.stderr);
    assert!(listed.stdout.contains("sums"), "{}", listed.stdout);
    let said = "broken.wasm is no WebAssembly program";
    assert!(listed.stderr.contains(said), "{}", listed.stderr);
}
