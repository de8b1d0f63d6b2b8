//! The end of a process that is asked to end: what agents asked a model for is paid, so its answer
//! is kept, and the model isn't asked a second time. And what is set aside for an answer under way.

mod project;

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use naos_modelserver::Step;
use project::office::{KEY, Office};
use serde_json::Value;

/// How long what is under way may take.
const WORK_MAX: Duration = Duration::from_secs(60);

fn until(fits: impl Fn() -> bool) {
    let began = naos_engine::clock::tick();
    while !fits() {
        assert!(began.elapsed() < WORK_MAX, "it takes too long");
        std::thread::yield_now();
    }
}

/// The last run of the clerk: how it stands, and what it cost.
fn last(office: &Office) -> (String, u64) {
    let listed = office.project.json(&["get", "runs"]);
    let run = &listed["items"][0];
    let status = run["status"].as_str().unwrap_or_default().to_owned();
    (status, run["cost_micros"].as_u64().unwrap_or_default())
}

#[test]
fn process_what_is_asked_in_the_end_is_heard_and_asked_once() {
    let slow = || Step::behave("slow:40");
    let mut office = Office::with(vec![slow(), slow(), slow()]);
    office.connect();
    let clerk = "type: agent\nname: clerk\nmodel: fast\nprompt: You help.\n";
    let project = &office.project;
    let applied = project.naos_with(&["apply", "-f", "-"], clerk.as_bytes());
    assert_eq!(applied.exit, 0, "{}", applied.stderr);
    let ports = office.server.port().to_string();
    let own = [
        ("NAOS_ALLOW_LOOPBACK_PORTS", ports.as_str()),
        ("NAOS_MODEL_TEST", KEY),
    ];
    // A daemon that is asked to end in the middle of an answer.
    let begun = project.json(&["run", "clerk", "--input", "one", "--no-wait"]);
    assert!(
        begun["run"].is_string() || begun["task"].is_string(),
        "{begun}"
    );
    until(|| office.server.count() == 1);
    assert_eq!(office.daemon.interrupt(), 0);
    let (project, server) = (&office.project, &office.server);
    let again = project.up_with(&own);
    until(|| last(&office).0 == "completed");
    let (_, price) = last(&office);
    assert_eq!(server.count(), 1, "it isn't asked anew");
    drop(again);
    // Short commands without a daemon: what is begun on the way is heard, too.
    let short = |words: &[&str]| -> Value {
        let ended = project::command(project.path("").as_path())
            .envs(own)
            .args(words)
            .arg("--json")
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert!(ended.status.success(), "{told}");
        serde_json::from_slice(&ended.stdout).unwrap_or_default()
    };
    short(&["task", "create", "Two", "--to", "clerk", "--text", "two"]);
    for text in ["a", "b"] {
        std::fs::write(project.path("note.md"), text).unwrap();
        short(&["document", "put", "note.md", "note.md"]);
    }
    let up = project.up_with(&own);
    until(|| last(&office).0 == "completed");
    assert_eq!(server.count(), 2, "it is asked once");
    let (_, cost) = last(&office);
    assert!(
        cost > 0 && cost < price * 2,
        "{cost}, and the first {price}"
    );
    drop(up);
}

#[test]
fn process_what_nobody_could_be_asked_is_settled_for_nothing_before_a_command_ends() {
    /// How many commands come: each of them ends while its agent's work is under way.
    const COMMANDS: usize = 12;
    let project = project::Project::new();
    // Nobody is asked: the key isn't there.
    let text = "type: model\nname: fast\nprovider: anthropic\nmodel: claude-x\n\
                key: env:NAOS_MODEL_TEST\ncapabilities: [text, tools]\n\
                cost_per_1m_tokens: {input: 1, output: 2}\n---\n\
                type: agent\nname: clerk\nmodel: fast\nprompt: You help.\n";
    let applied = project.naos_with(&["apply", "-f", "-"], text.as_bytes());
    assert_eq!(applied.exit, 0, "{}", applied.stderr);
    for _ in 0..COMMANDS {
        let words = ["task", "create", "One", "--to", "clerk", "--text", "one"];
        project.json(&[&words[..], &["--priority", "urgent"]].concat());
        let history = project.json(&["cost", "history"]);
        let entries = history["items"].as_array().unwrap();
        let count = |action: &str| entries.iter().filter(|e| e["action"] == action).count();
        let (set_aside, free) = (count("cost.reserved"), count("cost.released"));
        assert_eq!(set_aside, free, "{history:#}");
        assert_eq!(count("cost.recorded"), 0, "{history:#}");
    }
    let history = project.json(&["cost", "history"]);
    assert!(!history["items"].as_array().unwrap().is_empty());
}

#[test]
fn process_a_model_that_is_only_to_be_asked_again_is_given_back_for_nothing() {
    let mut office = Office::with(vec![Step::behave("429:40"), Step::behave("slow:5")]);
    office.connect();
    let clerk = "type: agent\nname: clerk\nmodel: fast\nprompt: You help.\n";
    let project = &office.project;
    let applied = project.naos_with(&["apply", "-f", "-"], clerk.as_bytes());
    assert_eq!(applied.exit, 0, "{}", applied.stderr);
    assert_eq!(office.daemon.interrupt(), 0);
    let ports = office.server.port().to_string();
    let own = [
        ("NAOS_ALLOW_LOOPBACK_PORTS", ports.as_str()),
        ("NAOS_MODEL_TEST", KEY),
    ];
    let project = &office.project;
    let mut command = project::command(project.path("").as_path())
        .envs(own)
        .args(["task", "create", "One", "--to", "clerk", "--text", "one"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(command.stderr.take().unwrap()).lines();
    let waits = |line: &std::io::Result<String>| line.as_ref().unwrap().contains("waited for");
    assert!(said.any(|line| waits(&line)), "it waits for the answer");
    signal(&command, "-INT");
    command.wait().unwrap();
    assert_eq!(office.server.count(), 1);
    let history = project.json(&["cost", "history"]);
    let entries = history["items"].as_array().unwrap();
    assert_eq!(entries.last().unwrap()["action"], "cost.released");
    // Whoever has the data next asks it.
    let up = project.up_with(&own);
    until(|| last(&office).0 == "completed");
    assert_eq!(office.server.count(), 2);
    drop(up);
}

/// Sends a command this signal.
fn signal(command: &std::process::Child, signal: &str) {
    let pid = command.id().to_string();
    let sent = Command::new("kill").args([signal, &pid]).status();
    assert!(sent.unwrap().success());
}

/// A command that waits for a run, without a daemon.
fn waits_for_a_run(office: &Office, more: &[&str]) -> std::process::Child {
    let ports = office.server.port().to_string();
    project::command(office.project.path("").as_path())
        .env("NAOS_ALLOW_LOOPBACK_PORTS", ports)
        .env("NAOS_MODEL_TEST", KEY)
        .args([&["run", "clerk", "--input", "one"], more].concat())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// An office without a daemon whose clerk asks a model that says this.
fn closed_office(script: Vec<Step>) -> Office {
    let mut office = Office::with(script);
    office.connect();
    let clerk = "type: agent\nname: clerk\nmodel: fast\nprompt: You help.\n";
    let applied = office
        .project
        .naos_with(&["apply", "-f", "-"], clerk.as_bytes());
    assert_eq!(applied.exit, 0, "{}", applied.stderr);
    assert_eq!(office.daemon.interrupt(), 0);
    office
}

#[test]
fn process_who_interrupts_a_wait_for_a_run_pays_for_nothing_that_was_not_asked() {
    let office = closed_office(vec![Step::behave("429:40"), Step::behave("slow:5")]);
    let mut command = waits_for_a_run(&office, &[]);
    until(|| office.server.count() == 1);
    signal(&command, "-INT");
    let mut said = BufReader::new(command.stderr.take().unwrap()).lines();
    let mut says = |part: &str| said.any(|line| line.unwrap().contains(part));
    assert!(says("interrupted: what was begun is kept"));
    assert!(says("waited for; Ctrl-C ends without"));
    signal(&command, "-INT");
    assert_eq!(command.wait().unwrap().code(), Some(130));
    assert!(!says("paid for nothing"));
    assert_eq!(office.server.count(), 1);
    let history = office.project.json(&["cost", "history"]);
    let entries = history["items"].as_array().unwrap();
    assert_eq!(entries.last().unwrap()["action"], "cost.released");
    assert_eq!(last(&office), ("running".to_owned(), 0));
}

#[test]
fn process_an_answer_that_comes_while_a_command_is_asked_to_end_is_kept() {
    let office = closed_office(vec![Step::behave("slow:40"), Step::behave("slow:40")]);
    let command = waits_for_a_run(&office, &["--stream"]);
    until(|| office.server.count() == 1);
    signal(&command, "-TERM");
    let ended = command.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(143), "{told}");
    assert!(told.contains("interrupted: "), "{told}");
    // Whoever has the data next goes on with the answer that is there.
    let ports = office.server.port().to_string();
    let own = [
        ("NAOS_ALLOW_LOOPBACK_PORTS", ports.as_str()),
        ("NAOS_MODEL_TEST", KEY),
    ];
    let up = office.project.up_with(&own);
    until(|| last(&office).0 == "completed");
    assert_eq!(office.server.count(), 1, "it isn't asked anew");
    drop(up);
}

#[test]
fn process_who_goes_on_with_the_work_of_a_killed_daemon_reaches_what_it_reached() {
    let slow = || Step::behave("slow:40");
    let mut office = Office::with(vec![slow(), slow()]);
    office.connect();
    let clerk = "type: agent\nname: clerk\nmodel: fast\nprompt: You help.\n";
    let applied = office
        .project
        .naos_with(&["apply", "-f", "-"], clerk.as_bytes());
    assert_eq!(applied.exit, 0, "{}", applied.stderr);
    // It was told of no service of this machine: the daemon was.
    let waiting = project::command(office.project.path("").as_path())
        .env("NAOS_MODEL_TEST", KEY)
        .args(["run", "clerk", "--input", "one", "--timeout", "50"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    until(|| office.server.count() == 1);
    office.daemon.kill();
    let ended = waiting.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{told}");
    assert_eq!(
        office.server.count(),
        2,
        "what was cut off is asked for again"
    );
}

#[test]
fn process_work_that_lacks_a_key_is_left_to_who_began_it() {
    let mut office = Office::with(vec![Step::say("six"), Step::say("seven")]);
    office.connect();
    let made = "type: agent\nname: clerk\nmodel: fast\nprompt: You help.\n---\n\
                type: plan\nname: asks\nsteps:\n- {name: hold, wait_for: {signal: go}}\n\
                - {name: tell, after: [hold], agent: clerk, input: one}\n---\n\
                type: plan\nname: slow\nsteps:\n- {name: hold, wait_for: {signal: go}}\n---\n\
                type: plan\nname: signs\nsteps:\n\
                - {name: sign, approval: {title: Well, body: x}}\n\
                - {name: tell, after: [sign], agent: clerk, input: two}\n";
    let applied = office
        .project
        .naos_with(&["apply", "-f", "-"], made.as_bytes());
    assert_eq!(applied.exit, 0, "{}", applied.stderr);
    assert_eq!(office.daemon.interrupt(), 0);
    let (project, server) = (&office.project, &office.server);
    let ports = server.port().to_string();
    let own = [
        ("NAOS_ALLOW_LOOPBACK_PORTS", ports.as_str()),
        ("NAOS_MODEL_TEST", KEY),
    ];
    let wait = |plan: &str, own: &[(&str, &str)]| {
        let mut waiting = project::command(project.path("").as_path())
            .envs(own.iter().copied())
            .args(["plan", "run", plan, "--timeout", "50"])
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let (id, _, rest) = project::told(&mut waiting);
        (id, waiting, rest)
    };
    let go = |id: &str| {
        let signal = project.naos(&["plan", "signal", id, "go"]);
        assert_eq!(signal.exit, 0, "{}", signal.stderr);
    };
    let ends_well = |waiting: std::process::Child, rest: std::io::BufReader<_>| {
        let told = std::io::read_to_string::<std::io::BufReader<_>>(rest).unwrap();
        let ended = waiting.wait_with_output().unwrap();
        assert!(ended.status.success(), "{told}");
    };
    // Neither who signals nor who waits beside it has the key; who began it has.
    let (beside, waits, waits_rest) = wait("slow", &[]);
    let (asks, began, began_rest) = wait("asks", &own);
    go(&asks);
    ends_well(began, began_rest);
    assert_eq!(server.count(), 1);
    // Who lacks it itself hears so, whoever waits.
    let failed = project.naos(&["run", "clerk", "--input", "two"]);
    assert!(
        failed.exit == 1 && failed.stderr.contains("NAOS_MODEL_TEST"),
        "{}: {}",
        failed.exit,
        failed.stderr
    );
    assert_eq!(server.count(), 1);
    go(&beside);
    ends_well(waits, waits_rest);
    // Who answers a question lacks it as well: the answer is kept, and nothing fails.
    let signs = project.naos(&["plan", "run", "signs"]);
    assert_eq!(signs.exit, 4, "{}", signs.stderr);
    let approved = project.naos(&["approve", "--yes"]);
    assert_eq!(approved.exit, 0, "{}", approved.stderr);
    assert!(
        approved.stdout.contains("is running by now"),
        "{}",
        approved.stdout
    );
    assert!(
        approved.stderr.contains("a key, a port or a program"),
        "{}",
        approved.stderr
    );
    assert_eq!((last(&office).0.as_str(), server.count()), ("running", 1));
    // What was only begun waits for whoever goes on with it, and who leaves it says so.
    let left = project.naos(&["plan", "start", "asks", "--no-wait", "--json"]);
    assert!(left.stderr.contains("so nobody goes on"), "{}", left.stderr);
    let left: Value = serde_json::from_str(&left.stdout).unwrap();
    let id = left["run"].as_str().unwrap();
    go(id);
    let seen = project.json(&["get", "plan-run", id]);
    assert_eq!(seen["status"], "running", "{seen}");
    let run = last(&office);
    assert_eq!(run.0, "running");
}

#[test]
fn process_what_answers_under_way_may_cost_is_waited_for() {
    let slow = || Step::behave("slow:40");
    let office = Office::with(vec![slow(), slow(), slow()]);
    office.connect();
    let clerk = "type: agent\nname: clerk\nmodel: fast\nprompt: You help.\n";
    let project = &office.project;
    let applied = project.naos_with(&["apply", "-f", "-"], clerk.as_bytes());
    assert_eq!(applied.exit, 0, "{}", applied.stderr);
    let set = |budget: &str| {
        let words = [
            "cost", "set", "clerk", "--budget", budget, "--period", "day",
        ];
        project.json(&words);
    };
    set("10");
    project.json(&["run", "clerk", "--input", "one", "--no-wait"]);
    until(|| office.server.count() == 1);
    let money = |what: &str| {
        let told = project.json(&["cost", "status", "clerk"]);
        let rows = told["budgets"].as_array().cloned().unwrap_or_default();
        let row = rows.iter().find(|row| row["agent"] == "clerk").cloned();
        row.unwrap_or(told)[what].as_u64().expect("an amount")
    };
    let aside = money("reserved_micros");
    assert!(aside > 0);
    // There is room for one at a time, and for what they really cost.
    let limit = aside + aside / 2;
    let words = format!("0.{limit:06}");
    let words = [
        "cost", "set", "clerk", "--budget", &words, "--period", "day",
    ];
    project.json(&words);
    for input in ["two", "three"] {
        project.json(&["run", "clerk", "--input", input, "--no-wait"]);
    }
    let ended = || {
        let listed = project.json(&["get", "runs"]);
        let runs = listed["items"].as_array().cloned().unwrap_or_default();
        let status = runs
            .iter()
            .map(|run| run["status"].as_str().unwrap_or_default().to_owned());
        status.collect::<Vec<_>>()
    };
    until(|| {
        assert!(money("reserved_micros") <= limit, "one at a time");
        let now = ended();
        assert!(!now.iter().any(|status| status == "failed"), "{now:?}");
        now.len() == 3 && now.iter().all(|status| status == "completed")
    });
    assert_eq!(office.server.count(), 3, "each is asked once");
    assert_eq!(money("reserved_micros"), 0);
}
