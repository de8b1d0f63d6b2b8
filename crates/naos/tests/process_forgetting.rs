//! Forgetting for good: what runs read of a document goes with what it said, and a run that is
//! still at work goes on without it.

mod project;

use std::time::Duration;

use project::office::{Office, call, put, say};
use serde_json::{Value, json};

/// How long a run may take until it asks a person.
const WORK_MAX: Duration = Duration::from_secs(60);

const AGENT: &str = "agents:
  clerk:
    prompt: You look things up.
    model: any
    tools: [context_read, context_search, ask]
    grants:
      context_read: [\"clients/**\"]
      ask: true
    budget: 1 USD
";

fn last_asked(office: &Office) -> String {
    office.server.seen().pop().unwrap().body.to_string()
}

fn office(script: &[String]) -> Office {
    let office = Office::new(&script.concat());
    office.connect();
    std::fs::write(office.project.path("clerk.yaml"), AGENT).unwrap();
    let applied = office.project.naos(&["apply", "-f", "clerk.yaml"]);
    assert_eq!(applied.exit, 0, "{}", applied.stderr);
    put(&office, "clients/ann.md", "Ann has malaria.\n");
    put(&office, "clients/bo.md", "Bo pays on Friday.\n");
    office
}

fn reads() -> [(&'static str, Value); 3] {
    [
        ("context_read", json!({"path": "clients/ann.md"})),
        ("context_search", json!({"query": "malaria"})),
        ("context_read", json!({"path": "clients/bo.md"})),
    ]
}

#[test]
fn process_what_runs_read_of_a_document_is_erased_with_it() {
    let ask = || ("ask", json!({"question": "Shall I go on?"}));
    let script = [
        call(&reads()),
        say("She is ill."),
        call(&[&reads()[..], &[ask()]].concat()),
        say("I am done."),
    ];
    let office = office(&script);
    let project = &office.project;
    let ended = project.json(&["run", "clerk", "--input", "How is she?"]);
    let ended = ended["run"].as_str().unwrap();
    assert!(last_asked(&office).contains("Ann has malaria."));
    let again = project.json(&["replay", ended]);
    assert_eq!(again["same"], true, "{again:#}");
    // One is still at work: it waits for a person.
    let open = project.json(&["run", "clerk", "--input", "How are they?", "--no-wait"]);
    let open = open["run"].as_str().unwrap();
    let began = naos_engine::clock::tick();
    while project.json(&["get", "run", open])["status"] != "held" {
        assert!(began.elapsed() < WORK_MAX, "{open} asks nobody");
    }

    put(&office, "clients/ann.md", "Ann is well.\n");
    let erased = project.naos(&["document", "erase", "clients/ann.md", "--yes"]);
    let text = format!("{}{}", erased.stdout, erased.stderr);
    assert_eq!(erased.exit, 0, "{text}");
    for said in ["Erased 1 version", "2 runs read", ended, open, "own words"] {
        assert!(text.contains(said), "{said}: {text}");
    }
    let shown = project.json(&["get", "run", ended]).to_string();
    assert!(!shown.contains("malaria."), "{shown}");
    assert_eq!(project.naos(&["audit", "verify"]).exit, 0);
    // It was erased: nothing is left to be erased, and who read it is still told.
    let words = ["document", "erase", "clients/ann.md", "--yes"];
    let twice = project.json(&words);
    assert_eq!(twice["contents"], 0, "{twice:#}");
    assert_eq!(twice["told"].as_array().unwrap().len(), 2, "{twice:#}");

    // The open one goes on, without what was erased and with all the rest.
    let yes = project.naos(&["approve", "--yes"]);
    assert_eq!(yes.exit, 0, "{}", yes.stderr);
    let began = naos_engine::clock::tick();
    while project.json(&["get", "run", open])["status"] != "completed" {
        assert!(began.elapsed() < WORK_MAX, "{open} doesn't end");
    }
    let asked = last_asked(&office);
    assert!(!asked.contains("Ann has malaria."), "{asked}");
    assert_eq!(asked.matches("[erased on request]").count(), 2, "{asked}");
    assert!(asked.contains("Bo pays on Friday."), "{asked}");
    for run in [ended, open] {
        let again = project.naos(&["replay", run]);
        assert!(
            again.exit != 0 && again.stderr.contains("N0124"),
            "{run}: {}",
            again.stderr
        );
    }
}

#[test]
fn process_a_run_at_work_goes_on_without_what_its_agent_is_to_forget() {
    let taught = json!({"fact": "Riake pays its invoices late", "confidence": 0.8, "source": "x"});
    let script = [
        call(&[("remember", taught)]),
        say("Noted."),
        call(&[
            ("recall", json!({"query": "who pays invoices late"})),
            ("ask", json!({"question": "Shall I go on?"})),
        ]),
        say("I am done."),
    ];
    let office = office(&script);
    let project = &office.project;
    let memo = "type: agent\nname: memo\nmodel: any\nprompt: You remember.\n\
                workspace: agents/memo\ntools: [remember, recall, ask]\ngrants: {ask: true}\n";
    let applied = project.naos_with(&["apply", "-f", "-"], memo.as_bytes());
    assert_eq!(applied.exit, 0, "{}", applied.stderr);
    let first = project.json(&["run", "memo", "--input", "Learn."]);
    assert_eq!(first["status"], "completed", "{first}");
    let open = project.json(&["run", "memo", "--input", "Who?", "--no-wait"]);
    let open = open["run"].as_str().unwrap();
    let until = |status: &str| {
        let began = naos_engine::clock::tick();
        while project.json(&["get", "run", open])["status"] != status {
            assert!(began.elapsed() < WORK_MAX, "{open} isn't {status}");
        }
    };
    until("held");
    let forgot = project.naos(&["memory", "forget", "memo", "1", "--erase", "--yes"]);
    let text = format!("{}{}", forgot.stdout, forgot.stderr);
    assert!(forgot.exit == 0 && text.contains("Erased:"), "{text}");
    assert!(!text.contains("it was left"), "{text}");
    let yes = project.naos(&["approve", "--yes"]);
    assert_eq!(yes.exit, 0, "{}", yes.stderr);
    until("completed");
    let asked = last_asked(&office);
    assert!(asked.contains("[erased on request]"), "{asked}");
    assert!(!asked.contains("pays its invoices late"), "{asked}");
}

#[test]
fn process_what_was_copied_among_other_words_is_said_to_stand_there() {
    let office = office(&[say("She is ill.")]);
    let project = &office.project;
    let ill = "Ann has malaria since the third of May.";
    put(&office, "clients/ann.md", &format!("{ill}\n"));
    let copied = format!("What is to be done? {ill}");
    let done = project.json(&["run", "clerk", "--input", &copied]);
    let run = done["run"].as_str().unwrap();
    put(&office, "clients/ann.md", "Ann is well.\n");
    let erased = project.naos(&["document", "erase", "clients/ann.md", "--yes"]);
    let text = format!("{}{}", erased.stdout, erased.stderr);
    assert_eq!(erased.exit, 0, "{text}");
    for said in [
        "NOT erased: it still stands, word for word",
        run,
        "--attach PATH",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
    let shown = project.json(&["get", "run", run]).to_string();
    assert!(shown.contains(ill), "{shown}");
}

#[test]
fn process_a_run_that_was_shown_what_is_erased_is_not_said_to_be_the_same() {
    let script = [say("Noted."), say("Noted.")];
    let office = Office::new(&script.concat());
    office.connect();
    let project = &office.project;
    let made = project.naos(&["squad", "init", "agency", "--only", "jarvis,fury"]);
    assert_eq!(made.exit, 0, "{}", made.stderr);
    put(&office, "agents/jarvis/WORKING.md", "Ann has malaria.\n");
    let done = project.json(&["run", "jarvis", "--input", "How is she?"]);
    let run = done["run"].as_str().unwrap();
    assert!(last_asked(&office).contains("Ann has malaria."));
    assert_eq!(project.json(&["replay", run])["same"], true);
    put(&office, "agents/jarvis/WORKING.md", "Ann is well.\n");
    let erase = ["document", "erase", "agents/jarvis/WORKING.md", "--yes"];
    let erased = project.naos(&erase);
    let text = format!("{}{}", erased.stdout, erased.stderr);
    assert!(erased.exit == 0 && text.contains(run), "{text}");
    // A replay and a what-if of it are refused alike.
    let what_if = ["replay", run, "--from", "1", "--with", "prompt=Be kind."];
    for words in [&["replay", run][..], &what_if] {
        let refused = project.naos(words);
        assert!(
            refused.exit != 0
                && refused.stderr.contains("N0124")
                && refused.stderr.contains("was erased"),
            "{words:?}: {}",
            refused.stderr
        );
    }
}

#[test]
fn process_a_document_that_came_with_a_task_is_erased_where_its_work_ended() {
    let script = [
        call(&[("ask", json!({"question": "Shall I go on?"}))]),
        say("I am done."),
    ];
    let office = office(&script);
    let project = &office.project;
    let words = ["task", "create", "Look at her", "--to", "clerk", "--attach"];
    let made = project.json(&[&words[..], &["clients/ann.md"]].concat());
    let task = made["task"].as_str().unwrap();
    let run = || {
        let runs = project.json(&["get", "runs"]);
        let run = runs["items"][0].clone();
        let text = |key: &str| run[key].as_str().unwrap_or_default().to_owned();
        (text("run"), text("status"))
    };
    let until = |status: &str| {
        let began = naos_engine::clock::tick();
        while run().1 != status {
            assert!(began.elapsed() < WORK_MAX, "{:?} isn't {status}", run());
        }
    };
    until("held");
    assert!(last_asked(&office).contains("Ann has malaria."));
    put(&office, "clients/ann.md", "Ann is well.\n");
    let erase = ["document", "erase", "clients/ann.md", "--yes"];
    let refused = project.naos(&erase);
    assert!(
        refused.exit != 0 && refused.stderr.contains("nothing was erased"),
        "{}{}",
        refused.stdout,
        refused.stderr
    );
    let yes = project.naos(&["approve", "--yes"]);
    assert_eq!(yes.exit, 0, "{}", yes.stderr);
    until("completed");
    let began = naos_engine::clock::tick();
    while project.json(&["task", "show", task])["status"] != "done" {
        assert!(began.elapsed() < WORK_MAX, "{task} isn't done");
    }
    let erased = project.naos(&erase);
    let text = format!("{}{}", erased.stdout, erased.stderr);
    assert!(erased.exit == 0 && text.contains(&run().0), "{text}");
    for words in [["get", "run", &run().0], ["task", "show", task]] {
        let shown = project.json(&words).to_string();
        assert!(!shown.contains("malaria"), "{words:?}: {shown}");
    }
    let again = project.naos(&["replay", &run().0]);
    assert!(again.stderr.contains("N0124"), "{}", again.stderr);
    assert_eq!(project.naos(&["audit", "verify"]).exit, 0);
}

#[test]
fn process_what_was_forgotten_is_erased_by_the_id_that_it_had() {
    let taught = json!({"fact": "Riake pays its invoices late", "confidence": 0.8, "source": "x"});
    let office = office(&[call(&[("remember", taught)]), say("Noted.")]);
    let project = &office.project;
    let memo = "type: agent\nname: memo\nmodel: any\nprompt: You remember.\n\
                workspace: agents/memo\ntools: [remember]\n";
    let applied = project.naos_with(&["apply", "-f", "-"], memo.as_bytes());
    assert_eq!(applied.exit, 0, "{}", applied.stderr);
    let ran = project.json(&["run", "memo", "--input", "Learn."]);
    assert_eq!(ran["status"], "completed", "{ran}");
    let listed = project.json(&["memory", "list", "memo"]);
    let id = listed["items"][0]["id"].as_str().unwrap();
    let forget = ["memory", "forget", "memo", id];
    let done = project.naos(&forget);
    assert_eq!(done.exit, 0, "{}", done.stderr);
    let facts = [
        "document",
        "show",
        "agents/memo/memory/facts.jsonl",
        "--version",
        "1",
    ];
    assert!(project.naos(&facts).stdout.contains("Riake"));
    // Whoever forgot it first is led on.
    let again = project.naos(&forget);
    assert_eq!(again.exit, 1, "{}", again.stderr);
    for part in [&format!("forgot {id} already"), "--erase"] {
        assert!(again.stderr.contains(part), "{part}: {}", again.stderr);
    }
    let erased = project.naos(&[&forget[..], &["--erase", "--yes"]].concat());
    let text = format!("{}{}", erased.stdout, erased.stderr);
    assert!(
        erased.exit == 0 && text.contains("Erased: 1 earlier version"),
        "{text}"
    );
    assert!(project.naos(&facts).stderr.contains("N0124"));
    let nothing = project.naos(&[&forget[..], &["--erase", "--yes"]].concat());
    let said = format!("there is no {id}");
    assert!(
        nothing.exit == 1 && nothing.stderr.contains(&said),
        "{}",
        nothing.stderr
    );
}
