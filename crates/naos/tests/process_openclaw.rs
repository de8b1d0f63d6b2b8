//! Workspaces of OpenClaw: a folder becomes an agent, once and without its secrets; what the agent
//! writes since stays; and an agent becomes a folder again.

mod project;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use project::Project;
use project::office::Office;
use serde_json::{Value, json};

/// A key of nobody, in pieces so that nothing takes this file for a leak.
fn key() -> String {
    ["sk", "proj", "A1b2C3d4E5f6A1b2C3d4E5f6"].join("-")
}

fn put(dir: &Path, files: &[(&str, &str)]) {
    for (path, text) in files {
        let path = dir.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

const FACT: &str = concat!(
    r#"{"timestamp":"2026-10-05T08:00:00Z","fact":"Riake pays its invoices late","#,
    r#""confidence":0.8,"source":"mail/7","promoted":true}"#
);

const FORMS: &str = "---\nname: forms\ndescription: Fills forms.\n---\n# Forms\n\nUse ink.\n";

fn workspace(project: &Project) -> PathBuf {
    let dir = project.path("openclaw/workspace");
    put(
        &dir,
        &[
            ("SOUL.md", "# Soul\n\nI am calm and exact.\n"),
            ("AGENTS.md", "# Rules\n\nNever promise a date.\n"),
            ("USER.md", "# User\n\nAnn runs a small office.\n"),
            ("IDENTITY.md", "# Identity\n\n- **Name:** Ada Two\n"),
            ("TOOLS.md", "# Tools\n\nThe printer is called hp1.\n"),
            ("HEARTBEAT.md", "- look at the inbox\n"),
            (
                "MEMORY.md",
                "# What holds\n\n- Tiana decides (mail/9, 2026-10-01)\n",
            ),
            ("WORKING.md", "Waiting for the roofer.\n"),
            ("memory/2026-10-05.md", "# 2026-10-05\n\n- Ann called.\n"),
            ("memory/facts.jsonl", &format!("{FACT}\n")),
            ("notes/clients.csv", "name;city\nRiake;Antsirabe\n"),
            ("canvas/index.html", "<p>"),
            ("BOOTSTRAP.md", "Who are you?\n"),
            (".git/config", "[core]\n"),
            ("photo.png", "no text"),
            ("skills/forms/SKILL.md", FORMS),
            ("skills/forms/scripts/fill.py", "print(1)\n"),
        ],
    );
    dir
}

fn words(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// What is said of each file.
fn results(answer: &Value) -> BTreeMap<String, (String, String)> {
    let items = answer["items"].as_array().unwrap().iter();
    let text = |item: &Value, key: &str| item[key].as_str().unwrap().to_owned();
    items
        .map(|item| {
            (
                text(item, "file"),
                (text(item, "result"), text(item, "why")),
            )
        })
        .collect()
}

fn documents(project: &Project) -> Value {
    project.json(&["get", "documents"])["items"].clone()
}

fn text(project: &Project, path: &str) -> String {
    let found = project.json(&["get", "document", path]);
    found["text"].as_str().unwrap().to_owned()
}

/// All files below a folder but the one that says that it is an export.
fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut out = BTreeMap::new();
    let mut open = vec![dir.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if !path.ends_with(".naos-export.json") {
                let within = path.strip_prefix(dir).unwrap();
                out.insert(words(within).to_owned(), fs::read(&path).unwrap());
            }
        }
    }
    out
}

#[test]
fn process_a_folder_becomes_an_agent_once_and_without_its_secrets() {
    let office = Office::new("{\"say\": \"I wait for the roofer.\"}\n");
    office.connect();
    let project = &office.project;
    let dir = workspace(project);
    let key = key();
    put(
        &dir,
        &[
            (".env", "A=b\n"),
            ("openclaw.json", "{}"),
            ("credentials/discord.json", "{}"),
            ("server.pem", "x"),
            ("notes/deploy.md", &format!("# How\n\nuse {key} for it\n")),
            ("big.md", &"long ".repeat(60_000)),
            ("bad.jsonl", "{"),
            ("memory/2026-10-06.md", "- a note\n"),
            ("skills/forms/scripts/tool.wasm", "\0asm"),
            (
                "skills/broken/SKILL.md",
                "---\nname: other\ndescription: x\n---\n",
            ),
            ("skills/README.md", "All of them.\n"),
        ],
    );
    fs::write(dir.join("latin.md"), b"caf\xe9").unwrap();
    std::os::unix::fs::symlink("/etc/hostname", dir.join("host.md")).unwrap();
    std::os::unix::fs::symlink("/etc", dir.join("etc")).unwrap();
    // First nothing happens.
    let plan = project.json(&["agent", "import", words(&dir), "--dry-run"]);
    assert_eq!(
        (&plan["agent"], &plan["created"], &plan["dry_run"]),
        (&json!("ada-two"), &json!(false), &json!(true)),
        "{plan:#}"
    );
    let said = results(&plan);
    for (file, result, why) in [
        ("SOUL.md", "new", ""),
        ("memory/2026-10-05.md", "new", ""),
        ("memory/facts.jsonl", "new", ""),
        ("notes/clients.csv", "new", "`context`"),
        ("canvas/", "left out", "nothing for an agent"),
        ("skills/forms/", "new", ""),
        (
            "skills/forms/scripts/tool.wasm",
            "left out",
            "naos skill add",
        ),
        ("skills/broken/", "refused", "skills/broken/SKILL.md:2:7"),
        ("skills/README.md", "left out", "no skill"),
        (".git/", "left out", "nothing for an agent"),
        ("BOOTSTRAP.md", "left out", "AGENTS.md"),
        ("photo.png", "left out", "no text"),
        (".env", "refused", "secrets"),
        ("openclaw.json", "refused", "secrets"),
        ("credentials/", "refused", "secrets"),
        ("server.pem", "refused", "secrets"),
        ("notes/deploy.md", "refused", "line 3 looks like a key"),
        ("big.md", "refused", "262144 bytes"),
        ("latin.md", "refused", "UTF-8 text (byte 4)"),
        ("host.md", "refused", "link"),
        ("etc", "refused", "link"),
    ] {
        let (is, because) = &said[file];
        assert!(
            is == result && because.contains(why),
            "{file}: {is}, {because}"
        );
    }
    assert!(!plan.to_string().contains(&key), "it is named, not shown");
    assert_eq!(documents(project), json!([]));
    assert!(!project.path("agents/ada-two.yaml").exists());
    let shown = project.naos(&["agent", "import", words(&dir), "--dry-run"]);
    for line in ["who it is", "notes of a day", "Nothing was changed"] {
        assert!(shown.stdout.contains(line), "{line}: {}", shown.stdout);
    }
    // Then all of it does.
    let made = project.json(&["agent", "import", words(&dir)]);
    assert_eq!(made["created"], true, "{made:#}");
    let there = documents(project);
    let there = there.as_array().unwrap();
    assert_eq!(there.len(), 13, "{there:#?}");
    for path in ["deploy", ".env", "openclaw.json", "host", "big", "latin"] {
        assert!(
            !json!(there).to_string().contains(path),
            "{path}: {there:#?}"
        );
    }
    assert_eq!(
        text(project, "agents/ada-two/SOUL.md"),
        "# Soul\n\nI am calm and exact.\n"
    );
    let learned = project.json(&["memory", "list", "ada-two"]);
    assert_eq!(learned["items"][0]["source"], "mail/7", "{learned:#}");
    let found = project.json(&["memory", "search", "ada-two", "who decides"]);
    assert_eq!(found["items"][0]["source"], "mail/9", "{found:#}");
    // It knows who it is.
    let ran = project.naos(&["run", "ada-two", "--input", "What now?"]);
    assert_eq!(ran.exit, 0, "{}", ran.stderr);
    let asked = office.server.seen()[0].body.to_string();
    for known in [
        "I am calm and exact.",
        "Ann runs",
        "Never promise",
        "Waiting for the roofer",
    ] {
        assert!(asked.contains(known), "{known}: {asked}");
    }
    assert!(
        asked.contains("- forms: Fills forms.") && !asked.contains("Use ink."),
        "{asked}"
    );
    assert!(!asked.contains(&key));
    // The same again is nothing new.
    let before = documents(project);
    let versions = project.json(&["get", "agent", "ada-two"])["version"].clone();
    let again = project.json(&["agent", "import", words(&dir), "--name", "ada-two"]);
    assert_eq!(again["created"], false);
    for (file, (result, _)) in results(&again) {
        assert!(
            !matches!(&*result, "new" | "changed" | "conflict"),
            "{file}: {result}"
        );
    }
    assert_eq!(documents(project), before);
    assert_eq!(
        project.json(&["get", "agent", "ada-two"])["version"],
        versions
    );
}

#[test]
fn process_a_folder_takes_nothing_back_of_what_its_agent_wrote_since() {
    let script = concat!(
        r#"{"call": [{"name": "context_write", "arguments": "#,
        r#"{"path": "agents/ada/WORKING.md", "text": "The roofer came."}}]}"#,
        "\n",
        r#"{"say": "Done."}"#,
        "\n",
    );
    let office = Office::new(script);
    office.connect();
    let project = &office.project;
    let dir = workspace(project);
    let import = ["agent", "import", words(&dir), "--name", "ada"];
    project.json(&import);
    let ran = project.naos(&["run", "ada", "--input", "Who came?"]);
    assert_eq!(ran.exit, 0, "{}", ran.stderr);
    put(&dir, &[("SOUL.md", "# Soul\n\nI am quick.\n")]);
    let said = results(&project.json(&import));
    assert_eq!(said["WORKING.md"].0, "kept", "{said:#?}");
    assert_eq!(said["SOUL.md"].0, "changed", "{said:#?}");
    assert_eq!(text(project, "agents/ada/WORKING.md"), "The roofer came.");
    assert_eq!(
        text(project, "agents/ada/SOUL.md"),
        "# Soul\n\nI am quick.\n"
    );
    // Both sides: a person says which.
    put(
        &dir,
        &[
            ("WORKING.md", "Waiting for the painter.\n"),
            ("TOOLS.md", "none\n"),
        ],
    );
    let refused = project.naos(&import);
    assert_eq!(refused.exit, 1, "{}", refused.stderr);
    for line in ["WORKING.md", "--force", "nothing was taken"] {
        assert!(refused.stderr.contains(line), "{line}: {}", refused.stderr);
    }
    assert!(text(project, "agents/ada/TOOLS.md").contains("hp1"));
    project.json(&[&import[..], &["--force"]].concat());
    let working = project.json(&["get", "document", "agents/ada/WORKING.md"]);
    assert_eq!(
        (&working["text"], &working["version"]),
        (&json!("Waiting for the painter.\n"), &json!(3)),
        "{working:#}"
    );
}

#[test]
fn process_what_was_imported_since_an_export_is_no_obstacle_to_the_next_one() {
    let project = Project::new();
    let dir = workspace(&project);
    let words_of_import = |from: &Path, force: bool| {
        let mut words: Vec<String> = ["agent", "import", words(from), "--name", "ada"]
            .map(str::to_owned)
            .to_vec();
        words.extend(force.then(|| "--force".to_owned()));
        words
    };
    let import = |from: &Path, force: bool| {
        let all = words_of_import(from, force);
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        project.json(&all)
    };
    import(&dir, false);
    let out = project.path("out/ada");
    let export = ["agent", "export", "ada", words(&out)];
    project.json(&export);
    let forms = |line: &str| format!("{FORMS}{line}\n");
    let edited = [
        ("MEMORY.md", "# Mine\n"),
        ("skills/forms/SKILL.md", &forms("Edited.")),
    ];
    put(&out, &edited);
    import(&out, false);
    // naos goes on, by another folder.
    let later = [
        ("MEMORY.md", "# Later\n"),
        ("skills/forms/SKILL.md", &forms("Later.")),
    ];
    put(&dir, &later);
    import(&dir, true);
    let written = project.json(&export)["written"].clone();
    assert_eq!(written, json!(["MEMORY.md", "skills/forms/SKILL.md"]));
    let memory = fs::read_to_string(out.join("MEMORY.md")).unwrap();
    assert_eq!(memory, "# Later\n");
    // What nobody took isn't written over.
    put(&out, &[("MEMORY.md", "# Not taken\n")]);
    put(&dir, &[("MEMORY.md", "# Even later\n")]);
    import(&dir, true);
    let refused = project.naos(&export);
    assert_eq!(refused.exit, 1, "{}", refused.stdout);
    assert!(refused.stderr.contains("MEMORY.md"), "{}", refused.stderr);
}

#[test]
fn process_what_is_exported_and_imported_is_what_it_was() {
    let project = Project::new();
    let dir = workspace(&project);
    project.json(&[
        "agent",
        "import",
        words(&dir),
        "--name",
        "ada",
        "--model",
        "fast",
    ]);
    let out = project.path("out/ada");
    let export = ["agent", "export", "ada", words(&out)];
    let done = project.json(&export);
    assert_eq!(done["written"].as_array().unwrap().len(), 13, "{done:#}");
    let first = files(&out);
    for name in [
        "SOUL.md",
        "AGENTS.md",
        "USER.md",
        "MEMORY.md",
        "memory/2026-10-05.md",
        "skills/forms/SKILL.md",
        "skills/forms/scripts/fill.py",
    ] {
        assert_eq!(first[name], fs::read(dir.join(name)).unwrap(), "{name}");
    }
    // Somewhere else, and out again.
    let other = Project::new();
    let taken = other.json(&[
        "agent",
        "import",
        words(&out),
        "--name",
        "ada",
        "--model",
        "fast",
    ]);
    assert!(
        results(&taken).values().all(|(result, _)| result == "new"),
        "{taken:#}"
    );
    let back = other.path("back");
    other.json(&["agent", "export", "ada", words(&back)]);
    assert_eq!(files(&back), first);
    let same = |project: &Project| {
        let all = documents(project);
        let paths = all.as_array().unwrap().iter();
        let paths = paths.map(|one| one["path"].as_str().unwrap().trim_start_matches('/'));
        let all = paths.map(|path| (path.to_owned(), text(project, path)));
        all.collect::<BTreeMap<_, _>>()
    };
    assert_eq!(same(&other), same(&project));
    // And into the agent that it came from: nothing.
    let again = project.json(&["agent", "import", words(&out), "--name", "ada"]);
    assert!(
        results(&again)
            .values()
            .all(|(result, _)| result == "unchanged"),
        "{again:#}"
    );
    // Only what changed is written, and nothing of somebody else's.
    assert_eq!(project.json(&export)["written"], json!([]));
    put(&dir, &[("SOUL.md", "# Soul\n\nI am quick.\n")]);
    project.json(&["agent", "import", words(&dir), "--name", "ada"]);
    assert_eq!(project.json(&export)["written"], json!(["SOUL.md"]));
    put(&out, &[("MEMORY.md", "# Mine\n")]);
    put(&dir, &[("TOOLS.md", "none\n")]);
    project.json(&["agent", "import", words(&dir), "--name", "ada"]);
    let refused = project.naos(&export);
    assert_eq!(refused.exit, 1, "{}", refused.stderr);
    for line in ["MEMORY.md", "agent import", "nothing was written"] {
        assert!(refused.stderr.contains(line), "{line}: {}", refused.stderr);
    }
    assert_eq!(
        fs::read_to_string(out.join("MEMORY.md")).unwrap(),
        "# Mine\n"
    );
    assert!(
        fs::read_to_string(out.join("TOOLS.md"))
            .unwrap()
            .contains("hp1")
    );
    for (words, said) in [
        (
            &["agent", "export", "ada", words(&dir)][..],
            "no export of naos",
        ),
        (&["agent", "export", "nobody", words(&out)], "nobody"),
        (
            &[
                "agent",
                "import",
                words(&project.path("none")),
                "--name",
                "x",
            ],
            "no folder",
        ),
        (
            &["agent", "import", words(&dir), "--name", "Not A Name"],
            "a-z",
        ),
        (
            &[
                "agent",
                "import",
                words(&dir),
                "--name",
                "ada",
                "--model",
                "slow",
            ],
            "asks fast",
        ),
        (
            &[
                "agent",
                "import",
                words(&dir),
                "--name",
                "eve",
                "--budget",
                "much",
            ],
            "$2/day",
        ),
    ] {
        let failed = project.naos(words);
        assert_ne!(failed.exit, 0, "{words:?}");
        assert!(failed.stderr.contains(said), "{words:?}: {}", failed.stderr);
    }
    assert!(!project.path("agents/eve.yaml").exists());
}

#[test]
fn process_each_folder_has_its_own_last_time() {
    let project = Project::new();
    let dir = workspace(&project);
    let import = |dir: &Path| {
        let words = ["agent", "import", words(dir), "--name", "ada"];
        project.naos(&[&words[..], &["--json"]].concat())
    };
    let memory = |dir: &Path| {
        let done = import(dir);
        assert_eq!(done.exit, 0, "{}", done.stderr);
        let said = results(&serde_json::from_str(&done.stdout).unwrap());
        assert!(said.values().all(|(result, _)| result != "changed"));
        said["MEMORY.md"].0.clone()
    };
    let learns = |text: &str| {
        fs::write(project.path("put.md"), text).unwrap();
        project.json(&["document", "put", "put.md", "agents/ada/MEMORY.md"]);
    };
    let remembered = || text(&project, "agents/ada/MEMORY.md");
    assert_eq!(memory(&dir), "new");
    learns("- Ann pays by card\n");
    assert_eq!(memory(&dir), "kept");
    // What goes out into another folder says nothing of this one.
    let out = project.path("out");
    project.json(&["agent", "export", "ada", words(&out)]);
    assert_eq!(memory(&dir), "kept");
    assert_eq!(memory(&out), "unchanged");
    assert_eq!(memory(&dir), "kept");
    assert_eq!(remembered(), "- Ann pays by card\n");
    learns("- Ann pays in cash\n");
    assert_eq!((memory(&out), memory(&dir)), ("kept".into(), "kept".into()));
    // Nor is a copy of a folder news.
    let copy = project.path("copy");
    put(
        &copy,
        &[(
            "MEMORY.md",
            &fs::read_to_string(dir.join("MEMORY.md")).unwrap(),
        )],
    );
    assert_eq!(memory(&copy), "kept");
    // A folder of which nothing is known replaces nothing unasked.
    let other = project.path("other");
    put(&other, &[("SOUL.md", "# Soul\n\nI am another.\n")]);
    let refused = import(&other);
    assert!(
        refused.stderr.contains("nothing was taken"),
        "{}",
        refused.stderr
    );
    // An earlier naos kept one last time for all folders.
    let kept = project.path("data/workspaces.json");
    let each: Value = serde_json::from_slice(&fs::read(&kept).unwrap()).unwrap();
    let of_out = fs::canonicalize(&out).unwrap();
    let of_out = &each[format!("main/ada:{}", of_out.display())];
    assert!(of_out["MEMORY.md"].is_string(), "{each:#}");
    fs::write(&kept, json!({"main/ada": of_out}).to_string()).unwrap();
    assert_eq!(memory(&out), "kept");
    put(&out, &[("MEMORY.md", "- Ann is asked\n")]);
    let refused = import(&out);
    assert!(refused.stderr.contains("MEMORY.md"), "{}", refused.stderr);
    assert_eq!(remembered(), "- Ann pays in cash\n");
}
