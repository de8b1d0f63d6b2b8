//! Recall: an agent finds what it remembers, learns nothing twice, and finds nothing of others;
//! people search by the same rules, and what they forget isn't found any more.

mod project;

use project::office::Office;
use serde_json::{Value, json};

fn call(calls: &[(&str, Value)]) -> String {
    let call = |(name, arguments): &(&str, Value)| json!({"name": name, "arguments": arguments});
    let all: Vec<Value> = calls.iter().map(call).collect();
    format!("{}\n", json!({ "call": all }))
}

fn fact(fact: &str) -> (&'static str, Value) {
    let given = json!({"fact": fact, "confidence": 0.8, "source": "mail/7"});
    ("remember", given)
}

fn say(text: &str) -> String {
    format!("{}\n", json!({ "say": text }))
}

fn squad(script: &str) -> Office {
    let office = Office::new(script);
    office.connect();
    let made = office
        .project
        .naos(&["squad", "init", "agency", "--only", "jarvis,fury"]);
    assert_eq!(made.exit, 0, "{}", made.stderr);
    office
}

fn run(office: &Office, agent: &str) -> Value {
    let done = office
        .project
        .json(&["run", agent, "--input", "What do we know?"]);
    assert_eq!(done["status"], "completed", "{done}");
    done
}

/// All that the model was asked last.
fn last_asked(office: &Office) -> String {
    office.server.seen().pop().unwrap().body.to_string()
}

#[test]
fn process_an_agent_recalls_what_it_remembers_and_learns_it_once() {
    let script = [
        call(&[
            fact("Riake pays its invoices late"),
            fact("Tiana décide des congés"),
            (
                "note",
                json!({"text": "Ny mpanjifa Rakoto dia mandoa isaky ny zoma"}),
            ),
            (
                "context_write",
                json!({"path": "agents/jarvis/WORKING.md", "text": "Waiting for the roofer"}),
            ),
        ]),
        say("Noted."),
        call(&[
            ("recall", json!({"query": "INVOICE"})),
            (
                "recall",
                json!({"query": "who decides about conges", "limit": 3}),
            ),
            ("recall", json!({"query": "mpanjifan'i Rakoto"})),
            ("recall", json!({"query": "roofers"})),
        ]),
        call(&[
            fact("Riake pays its invoices late"),
            fact("ny mpanjifa Rakoto dia mandoa isaky ny zoma"),
            fact("waiting for the ROOFER"),
            fact("The roofer comes on Monday"),
        ]),
        say("I know it all."),
        say("fury knows nothing."),
    ];
    let office = squad(&script.concat());
    let project = &office.project;
    run(&office, "jarvis");
    let done = run(&office, "jarvis");
    let asked = last_asked(&office);
    for said in [
        "Riake pays its invoices late",
        "Tiana décide des congés",
        "Ny mpanjifa Rakoto dia mandoa isaky ny zoma",
        "Waiting for the roofer",
        "<from-outside>",
        "agents/jarvis/memory/facts.jsonl",
        "mail/7",
        "0.8",
        "it is known already",
        "was recalled in this run",
    ] {
        let said = said.replace('"', "\\\"");
        assert!(asked.contains(&said), "{said}: {asked}");
    }
    assert_eq!(
        asked.matches("was recalled in this run").count(),
        2,
        "{asked}"
    );
    let known = project.json(&["memory", "list", "jarvis"]);
    let facts: Vec<&str> = known["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["fact"].as_str().unwrap())
        .collect();
    let wanted = [
        "Riake pays its invoices late",
        "Tiana décide des congés",
        "The roofer comes on Monday",
    ];
    assert_eq!(facts, wanted);
    // What was recalled is what the journal says, whatever became of the documents.
    let again = project.json(&["replay", done["run"].as_str().unwrap()]);
    assert_eq!(again["same"], true, "{again:#}");
}

#[test]
fn process_people_search_by_the_same_rules_and_what_they_forget_is_gone() {
    let script = [
        call(&[
            fact("Riake pays its invoices late"),
            fact("Riake has a new address"),
            ("note", json!({"text": "riake pays its invoices late!"})),
            (
                "note",
                json!({"text": "Ann said: Riake pays its invoices late. She is cross."}),
            ),
        ]),
        say("Noted."),
        call(&[("recall", json!({"query": "who pays invoices late"}))]),
        say("Nobody."),
        call(&[
            ("recall", json!({"query": "Riake", "agent": "jarvis"})),
            ("recall", json!({"query": "Riake"})),
        ]),
        say("Nothing."),
    ];
    let office = squad(&script.concat());
    let project = &office.project;
    run(&office, "jarvis");
    let promoted = project.naos(&["memory", "promote", "jarvis", "1"]);
    assert_eq!(promoted.exit, 0, "{}", promoted.stderr);
    let found = project.json(&["memory", "search", "jarvis", "invoices", "--limit", "5"]);
    let first = &found["items"][0];
    for (key, want) in [
        ("text", json!("Riake pays its invoices late")),
        ("document", json!("agents/jarvis/memory/facts.jsonl")),
        ("line", json!(1)),
        ("confidence", json!(0.8)),
        ("source", json!("mail/7")),
    ] {
        assert_eq!(first[key], want, "{key}: {found:#}");
    }
    assert_eq!(
        (&found["fit"], &found["left_out"]),
        (&json!(3), &json!(0)),
        "{found:#}"
    );
    let shown = project.naos(&["memory", "search", "jarvis", "new", "address"]);
    assert_eq!(shown.exit, 0, "{}", shown.stderr);
    for said in ["Riake has a new address", "0.8", "mail/7", "facts.jsonl:2"] {
        assert!(shown.stdout.contains(said), "{said}: {}", shown.stdout);
    }
    for (words, said) in [
        (vec!["memory", "search", "jarvis", " "], "says nothing"),
        (
            vec!["memory", "search", "jarvis", "x", "--limit", "21"],
            "1..=20",
        ),
        (vec!["memory", "search", "jarvis"], "QUERY"),
        (vec!["memory", "search", "nobody", "x"], "nobody"),
    ] {
        let failed = project.naos(&words);
        assert!(
            failed.exit != 0 && failed.stderr.contains(said),
            "{words:?}: {}",
            failed.stderr
        );
    }
    // Forgotten: what says just that is gone everywhere, what says more is named.
    let gone = project.naos(&["memory", "forget", "jarvis", "1"]);
    assert_eq!(gone.exit, 0, "{}", gone.stderr);
    assert!(
        gone.stderr.contains("among other things"),
        "{}",
        gone.stderr
    );
    let left = project.json(&["memory", "search", "jarvis", "invoices late"]);
    let texts: Vec<&str> = left["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|hit| hit["text"].as_str().unwrap())
        .collect();
    assert_eq!(texts.len(), 1, "{left:#}");
    assert!(texts[0].contains("Ann said"), "{left:#}");
    let notes = left["items"][0]["document"].as_str().unwrap();
    let dir = project.path("cleared");
    let day = notes.rsplit_once('/').unwrap().1;
    std::fs::create_dir_all(dir.join("memory")).unwrap();
    std::fs::write(dir.join("memory").join(day), "- nothing\n").unwrap();
    let dir = dir.to_str().unwrap();
    let taken = project.naos(&["memory", "import", "jarvis", dir, "--force"]);
    assert_eq!(taken.exit, 0, "{}", taken.stderr);
    run(&office, "jarvis");
    let asked = last_asked(&office);
    assert!(asked.contains("Nothing fits"), "{asked}");
    assert!(!asked.contains("its invoices"), "{asked}");
    let none = project.naos(&["memory", "search", "jarvis", "invoices"]);
    assert!(
        none.stdout.contains("Nothing that jarvis remembers"),
        "{}",
        none.stdout
    );
    // Another agent finds nothing of it, whatever its model names.
    run(&office, "fury");
    let asked = last_asked(&office);
    for said in ["Nothing fits", "the arguments don't fit its schema"] {
        assert!(asked.contains(said), "{said}: {asked}");
    }
    assert!(!asked.contains("new address"), "{asked}");
}

#[test]
fn process_what_is_forgotten_for_good_stands_nowhere_any_more() {
    let script = [
        call(&[
            fact("Riake pays its invoices late"),
            fact("Riake has a new address"),
            ("note", json!({"text": "riake pays its invoices late!"})),
        ]),
        say("Noted."),
        call(&[("recall", json!({"query": "who pays invoices late"}))]),
        say("I looked."),
    ];
    let office = squad(&script.concat());
    let project = &office.project;
    let first = run(&office, "jarvis");
    run(&office, "jarvis");
    let said = |words: &[&str]| {
        let done = project.naos(words);
        (done.exit, format!("{}{}", done.stdout, done.stderr))
    };
    let log = project.json(&["memory", "log", "jarvis"]);
    let kinds: Vec<&str> = log["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["kind"].as_str().unwrap())
        .collect();
    for kind in [
        "run_started",
        "learned",
        "note",
        "document_written",
        "tool",
        "run_ended",
    ] {
        assert!(kinds.contains(&kind), "{kind}: {log:#}");
    }
    let learned =
        &log["items"].as_array().unwrap()[kinds.iter().position(|k| *k == "learned").unwrap()];
    for (key, want) in [
        ("fact", json!("Riake pays its invoices late")),
        ("confidence", json!(0.8)),
        ("source", json!("mail/7")),
        ("ok", json!(true)),
        ("run", first["run"].clone()),
    ] {
        assert_eq!(learned[key], want, "{key}: {learned:#}");
    }
    let (exit, text) = said(&["memory", "log", "jarvis"]);
    assert!(
        exit == 0 && text.contains("Riake has a new address"),
        "{text}"
    );
    let day = log["day"].as_str().unwrap();
    let (exit, text) = said(&["memory", "log", "jarvis", "--day", "2020-02-01"]);
    assert!(
        exit == 0 && text.contains("did nothing on 2020-02-01"),
        "{text}"
    );
    let (exit, text) = said(&["memory", "log", "jarvis", "--day", "2020-02-31"]);
    assert!(exit != 0 && text.contains("YYYY-MM-DD"), "{text}");

    // It is asked back, and nobody is here to answer.
    let (exit, text) = said(&["memory", "forget", "jarvis", "1", "--erase"]);
    assert!(exit != 0 && text.contains("--yes"), "{text}");
    assert!(text.contains("To be erased: "), "{text}");
    let (exit, text) = said(&["memory", "forget", "jarvis", "1", "--erase", "--yes"]);
    assert!(exit == 0 && text.contains("Erased:"), "{text}");
    assert!(text.contains("Backups"), "{text}");

    // No version says it, and no line of the log.
    for path in ["memory/facts.jsonl", &format!("memory/{day}.md")] {
        let path = format!("agents/jarvis/{path}");
        let history = project.json(&["document", "history", &path]);
        let items = history["items"].as_array().unwrap();
        assert!(items.iter().any(|item| item["gone"] == true), "{history:#}");
        let versions = items.iter().filter_map(|item| item["version"].as_u64());
        for version in versions {
            let (_, text) = said(&["document", "show", &path, "--version", &version.to_string()]);
            assert!(
                !text.to_lowercase().contains("its invoices"),
                "{path} {version}: {text}"
            );
        }
    }
    let log = project.json(&["memory", "log", "jarvis"]).to_string();
    assert!(!log.contains("its invoices"), "{log}");
    assert!(
        log.contains("[erased]") && log.contains("new address"),
        "{log}"
    );
    // A run that recorded it says so, and isn't replayed.
    let id = first["run"].as_str().unwrap();
    let again = project.naos(&["replay", id]);
    assert!(
        again.exit != 0 && again.stderr.contains("was erased"),
        "{}",
        again.stderr
    );
    assert!(!again.stderr.contains("N0100"), "{}", again.stderr);
    let what_if = ["replay", id, "--from", "1", "--with", "prompt=Be kind."];
    let what_if = project.naos(&what_if);
    assert!(
        what_if.exit != 0 && what_if.stderr.contains("was erased"),
        "{}",
        what_if.stderr
    );
    let shown = project.json(&["get", "run", id]);
    assert!(shown.to_string().contains("[erased]"), "{shown:#}");
    assert!(!shown.to_string().contains("its invoices"), "{shown:#}");
    let (exit, text) = said(&["audit", "verify"]);
    assert_eq!(exit, 0, "{text}");
    let (_, text) = said(&["audit", "--action", "document.erased"]);
    assert!(text.contains("facts.jsonl"), "{text}");
    // The other fact is still known.
    let known = project.json(&["memory", "list", "jarvis"]);
    assert_eq!(known["items"].as_array().unwrap().len(), 1, "{known:#}");

    // Exported with the day's log; taken back without it.
    let out = project.path("out");
    let dir = out.to_str().unwrap();
    let (exit, text) = said(&["memory", "export", "jarvis", dir]);
    assert_eq!(exit, 0, "{text}");
    let file = out.join(format!("memory/{day}.jsonl"));
    let lines = std::fs::read_to_string(file).unwrap();
    for line in lines.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        assert!(line["time"].as_str().unwrap().starts_with(day), "{line}");
    }
    let (exit, text) = said(&["memory", "import", "jarvis", dir]);
    assert!(exit == 0 && text.contains("left out"), "{text}");
    let logs = project.json(&[
        "document",
        "list",
        &format!("agents/jarvis/memory/{day}.jsonl"),
    ]);
    assert_eq!(logs["items"], json!([]), "{logs:#}");
}

#[test]
fn process_a_version_is_erased_by_whoever_means_it() {
    let office = squad(&say("Hello."));
    let project = &office.project;
    let file = project.path("a.md");
    let file = file.to_str().unwrap();
    for text in ["What is due?", "Ann owes 20", "All paid"] {
        std::fs::write(file, text).unwrap();
        let put = project.naos(&["document", "put", file, "notes/a.md"]);
        assert_eq!(put.exit, 0, "{}", put.stderr);
    }
    let done = project.json(&["run", "jarvis", "--input", "What is due?"]);
    let id = done["run"].as_str().unwrap();
    let erase = |more: &[&str]| {
        let words = [&["document", "erase", "notes/a.md"], more].concat();
        let done = project.naos(&words);
        (done.exit, format!("{}{}", done.stdout, done.stderr))
    };
    let (exit, text) = erase(&["--version", "1"]);
    assert!(exit != 0 && text.contains("--yes"), "{text}");
    // The run was given the very same: it is named, and kept until it is meant, too.
    let (exit, text) = erase(&["--version", "1", "--yes"]);
    assert!(
        exit != 0 && text.contains(id) && text.contains("--everywhere"),
        "{text}"
    );
    let replayed = project.json(&["replay", id]);
    assert_eq!(replayed["same"], true, "{replayed:#}");
    let (exit, text) = erase(&["--version", "1", "--everywhere", "--yes"]);
    assert!(
        exit == 0 && text.contains("Erased 1 version") && text.contains(id),
        "{text}"
    );
    let (exit, text) = erase(&["--version", "3", "--yes"]);
    assert!(exit != 0 && text.contains("says now"), "{text}");
    let what_if = ["replay", id, "--from", "1", "--with", "prompt=Be kind."];
    let refused = project.naos(&what_if);
    assert!(
        refused.exit != 0 && refused.stderr.contains("was erased"),
        "{}",
        refused.stderr
    );
    let shown = project.json(&["get", "run", id]);
    assert_eq!(shown["input"], "[erased]", "{shown:#}");
    let history = project.naos(&["document", "history", "notes/a.md"]);
    for said in ["1 (erased)", "erased: 1"] {
        assert!(history.stdout.contains(said), "{said}: {}", history.stdout);
    }
    let gone = project.naos(&["document", "show", "notes/a.md", "--version", "1"]);
    assert!(
        gone.exit != 0 && gone.stderr.contains("N0124") && gone.stderr.contains("was erased"),
        "{}",
        gone.stderr
    );
    assert_eq!(project.naos(&["audit", "verify"]).exit, 0);
}
