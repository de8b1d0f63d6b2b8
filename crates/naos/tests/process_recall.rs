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
