//! What agents log, with the real binary: kept with the run, said once whatever is killed.

mod project;

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Stdio};

use project::{Project, begin, command, told};
use serde_json::Value;

/// An agent that logs a line, asks a person, logs another, and is done.
const ASKER: &str = r#"(module
(import "naos:agent/log@0.1.0" "write" (func $log (param i32 i32 i32)))
(import "naos:agent/ask@0.1.0" "person" (func $ask (param i32 i32 i32 i32 i32)))
(memory (export "memory") 1)
(global $heap (mut i32) (i32.const 8192))
(func (export "cabi_realloc") (param i32 i32 i32) (param $size i32) (result i32) (local $p i32)
  (local.set $p (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
  (global.set $heap (i32.add (local.get $p) (local.get $size)))
  (local.get $p))
(func (export "handle") (param $ptr i32) (param $len i32) (result i32)
  (call $log (i32.const 2) (i32.const 100) (i32.const 12))
  (call $ask (i32.const 120) (i32.const 5) (i32.const 0) (i32.const 0) (i32.const 1024))
  (call $log (i32.const 1) (i32.const 130) (i32.const 5))
  (i32.store (i32.const 16) (i32.const 0))
  (i32.store (i32.const 20) (i32.const 130))
  (i32.store (i32.const 24) (i32.const 5))
  (i32.const 16))
(data (i32.const 100) "\1b[31mbefore\07")
(data (i32.const 120) "go on")
(data (i32.const 130) "after"))"#;

/// An agent that logs its input 1,200 times.
const TALKER: &str = r#"(module
(import "naos:agent/log@0.1.0" "write" (func $log (param i32 i32 i32)))
(memory (export "memory") 1)
(global $heap (mut i32) (i32.const 8192))
(func (export "cabi_realloc") (param i32 i32 i32) (param $size i32) (result i32) (local $p i32)
  (local.set $p (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
  (global.set $heap (i32.add (local.get $p) (local.get $size)))
  (local.get $p))
(func (export "handle") (param $ptr i32) (param $len i32) (result i32) (local $i i32)
  (loop $again
    (call $log (i32.const 1) (local.get $ptr) (local.get $len))
    (local.set $i (i32.add (local.get $i) (i32.const 1)))
    (br_if $again (i32.lt_u (local.get $i) (i32.const 1200))))
  (i32.store (i32.const 16) (i32.const 0))
  (i32.store (i32.const 20) (local.get $ptr))
  (i32.store (i32.const 24) (i32.const 1))
  (i32.const 16)))"#;

/// An agent that never comes to an end.
const SPINNER: &str = r#"(module
(memory (export "memory") 1)
(func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 8192))
(func (export "handle") (param $ptr i32) (param $len i32) (result i32)
  (loop $again (br $again)) (unreachable)))"#;

/// An agent of this text, in this project.
fn agent(project: &Project, name: &str, text: &str, manifest: &str) {
    let module = wat::parse_str(text).unwrap();
    std::fs::create_dir_all(project.path("agents")).unwrap();
    let (raw, built) = (format!("{name}.module"), format!("agents/{name}.wasm"));
    std::fs::write(project.path(&raw), module).unwrap();
    let wrapped = project.naos(&["agent", "build", &raw, "--out", &built]);
    assert_eq!(wrapped.exit, 0, "{}", wrapped.stderr);
    let text = format!("agent: {{name: {name}, source: {built}{manifest}}}\n");
    std::fs::write(project.path("agent.yaml"), text).unwrap();
    let applied = project.naos(&["apply", "-f", "agent.yaml"]);
    assert_eq!(applied.exit, 0, "{}", applied.stderr);
}

/// The lines of a run: level and text.
fn lines(project: &Project, run: &str) -> Vec<(String, String)> {
    let shown = project.naos(&["logs", run, "--json", "--tail", "1000"]);
    assert_eq!(shown.exit, 0, "{}", shown.stderr);
    let rows = shown.stdout.lines().map(|line| {
        let row: Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| row[name].as_str().unwrap().to_owned();
        (text("level"), text("text"))
    });
    rows.collect()
}

fn line(level: &str, text: &str) -> (String, String) {
    (level.to_owned(), text.to_owned())
}

#[test]
fn process_a_killed_run_says_nothing_twice() {
    let project = Project::new();
    agent(&project, "asker", ASKER, ", grants: {ask: true}");
    let mut daemon = project.up();
    let held = project.naos(&["run", "asker", "--input", "x", "--json"]);
    assert_eq!(held.exit, 4, "{}{}", held.stdout, held.stderr);
    let run: Value = serde_json::from_str(&held.stdout).unwrap();
    let run = run["run"].as_str().unwrap();
    // Durable with the question: it needs no end of the run.
    assert_eq!(lines(&project, run), [line("warn", "before")]);
    daemon.kill();
    let _daemon = project.up();
    assert_eq!(lines(&project, run), [line("warn", "before")]);
    let yes = project.naos(&["approve", "--yes"]);
    assert_eq!(yes.exit, 0, "{}", yes.stderr);
    // Follows until the run is over.
    let shown = project.naos(&["logs", run, "--follow"]);
    assert_eq!(shown.exit, 0, "{}", shown.stderr);
    let said: Vec<&str> = shown.stdout.lines().map(|line| &line[22..]).collect();
    assert_eq!(
        said,
        ["asker warn before", "asker info after"],
        "{}",
        shown.stdout
    );
    assert_eq!(
        lines(&project, run),
        [line("warn", "before"), line("info", "after")]
    );
    // Beside what happened, where the agent is asked for.
    let all = project.naos(&["logs", "asker", "--tail", "50"]).stdout;
    for said in [
        "agent.started asker",
        "asker warn before",
        "asker info after",
    ] {
        assert_eq!(all.matches(said).count(), 1, "{said}: {all}");
    }
    assert!(!all.contains("agent.logged"), "{all}");
}

/// A command at work, and the first line that it writes.
fn watch(project: &Project, words: &[&str]) -> (Child, String, BufReader<ChildStdout>) {
    let mut child = begin(project, words);
    let mut said = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    said.read_line(&mut line).unwrap();
    (child, line, said)
}

#[test]
fn process_who_follows_a_log_hears_that_the_daemon_is_gone() {
    let project = Project::new();
    agent(&project, "asker", ASKER, ", grants: {ask: true}");
    let mut daemon = project.up();
    assert_eq!(project.naos(&["run", "asker", "--input", "x"]).exit, 4);
    let (mut child, line, rest) = watch(&project, &["logs", "--follow"]);
    assert!(!line.is_empty());
    daemon.kill();
    let made = project.naos(&["create", "later", "--template", "echo"]);
    assert_eq!(made.exit, 0, "{}", made.stderr);
    let mut lines = rest.lines().map(Result::unwrap);
    assert!(lines.any(|line| line.contains("agent.created later")));
    // Said at the next pause, which may come after the line: ends with what it says.
    let mut heard = BufReader::new(child.stderr.take().unwrap()).lines();
    let said = heard.any(|line| line.unwrap().contains("No daemon is up"));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(said, "it doesn't say that the daemon is gone");
}

#[test]
fn process_who_waits_for_a_run_leaves_the_directory_to_the_next_daemon() {
    let project = Project::new();
    let limits = ", limits: {fuel: 9000000000000000, wall: 60s}";
    agent(&project, "spinner", SPINNER, limits);
    let mut daemon = project.up();
    let mut waiting = command(&project.path("."))
        .args(["run", "spinner", "--input", "x", "--json"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let end = naos_engine::clock::tick() + std::time::Duration::from_secs(30);
    while project.json(&["get", "runs"])["items"][0]["status"] != "running" {
        assert!(naos_engine::clock::tick() < end, "it doesn't run");
        std::thread::park_timeout(std::time::Duration::from_millis(50));
    }
    daemon.kill();
    // The one that waits hears of it before another process has so much as started.
    let next = std::panic::catch_unwind(|| project.up());
    let _ = waiting.kill();
    waiting.wait().unwrap();
    assert!(
        next.is_ok(),
        "no daemon can be started while somebody waits"
    );
}

/// Begins work twice who starts it again: so its id is told before its end, and the error names it.
#[test]
fn process_who_waits_for_work_knows_its_id_and_hears_it_when_the_daemon_is_gone() {
    let project = Project::new();
    let limits = ", limits: {fuel: 9000000000000000, wall: 60s}";
    agent(&project, "spinner", SPINNER, limits);
    let plan = "type: plan\nname: slow\nsteps:\n- {name: hold, wait_for: {signal: go}}\n";
    let applied = project.naos_with(&["apply", "-f", "-"], plan.as_bytes());
    assert_eq!(applied.exit, 0, "{}", applied.stderr);
    let mut daemon = project.up();
    let begin = |words: &[&str]| begin(&project, words);
    let mut plan = begin(&["plan", "run", "slow"]);
    let (plan_id, look, plan_said) = told(&mut plan);
    assert_eq!(look, format!("naos plan status {plan_id})\n"));
    let mut run = begin(&["run", "spinner", "--input", "x", "--stream"]);
    let (run_id, look, run_said) = told(&mut run);
    assert_eq!(look, format!("naos get run {run_id})\n"));
    let json = begin(&["plan", "run", "slow", "--json"]);
    let end = naos_engine::clock::tick() + std::time::Duration::from_secs(30);
    let runs = || {
        project.json(&["plan", "list"])["items"]
            .as_array()
            .unwrap()
            .len()
    };
    while runs() < 2 {
        assert!(naos_engine::clock::tick() < end, "it doesn't begin");
    }
    let list = project.json(&["plan", "list"]);
    let mut ids = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["run"]);
    let third = ids.find(|id| **id != plan_id.as_str()).unwrap();
    let third = third.as_str().unwrap();
    // Its answer has come, or the same request is sent again: either way its id is known then.
    std::thread::park_timeout(std::time::Duration::from_millis(1_500));
    daemon.kill();
    // Nobody comes next, and nobody gets at the data: as if whoever has it answered no more.
    let lock = std::fs::File::options()
        .read(true)
        .write(true)
        .open(project.path("data/lock"))
        .unwrap();
    lock.lock().unwrap();
    for (mut waiting, said, id, look) in [
        (
            plan,
            plan_said,
            &plan_id,
            format!("naos plan status {plan_id}"),
        ),
        (run, run_said, &run_id, format!("naos get run {run_id}")),
    ] {
        let said = std::io::read_to_string(said).unwrap();
        assert_eq!(waiting.wait().unwrap().code(), Some(1), "{said}");
        for word in ["N0176", id.as_str(), look.as_str(), "no second time"] {
            assert!(said.contains(word), "{word}: {said}");
        }
    }
    let ended = json.wait_with_output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    let error: Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    let what = error["error"]["what"].as_str().unwrap();
    assert!(what.starts_with(third), "{said}");
    drop(lock);
}

#[test]
fn process_what_is_beyond_the_limits_of_a_log_is_counted() {
    let project = Project::new();
    agent(&project, "talker", TALKER, "");
    let run = project.json(&["run", "talker", "--input", "so it goes"]);
    let run = run["run"].as_str().unwrap();
    let kept = lines(&project, run);
    assert_eq!(kept.len(), 1_000);
    assert_eq!(kept[999], line("info", "so it goes"));
    let shown = project.naos(&["logs", run]);
    assert_eq!(shown.stdout.lines().count(), 20);
    assert!(
        shown.stderr.contains("200 lines left out"),
        "{}",
        shown.stderr
    );

    let long = "é".repeat(1_500);
    let run = project.naos(&["run", "talker", "--input", &long, "--json"]);
    assert_eq!(
        run.exit, 1,
        "the sandbox ends who logs without end: {}",
        run.stdout
    );
    let run: Value = serde_json::from_str(&run.stdout).unwrap();
    let stopped = project.naos(&["logs", run["run"].as_str().unwrap(), "--tail", "1"]);
    assert!(
        stopped.stdout.contains("… 952 bytes left out"),
        "{}",
        stopped.stdout
    );
}

#[test]
fn process_logs_of_a_run_that_is_not_there_are_refused() {
    let project = Project::new();
    let ended = project.naos(&["logs", "run_00000000000000000000000007"]);
    assert!(
        ended.exit == 1 && ended.stderr.contains("N0121"),
        "{}",
        ended.stderr
    );
}
