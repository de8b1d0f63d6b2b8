//! The binary as a person uses it: what is typed, what comes out, how it ends.

mod project;

use project::{Project, command, naos_in};
use serde_json::Value;

/// Words, exit status, and what standard error says.
type Case = (&'static [&'static str], i32, &'static [&'static str]);

#[test]
fn process_what_is_malformed_ends_with_two_and_says_why() {
    let project = Project::new();
    let long = "a".repeat(65);
    let cases: &[Case] = &[
        (&[], 2, &["Usage"]),
        (&["what"], 2, &["unrecognized"]),
        (
            &["create", "Bad Name", "--template", "echo"],
            2,
            &["N0101", "help:"],
        ),
        (&["create", "../x", "--template", "echo"], 2, &["N0101"]),
        (&["create", "9lives", "--template", "echo"], 2, &["N0101"]),
        (
            &["create", "", "--template", "echo"],
            2,
            &["N0101", "empty"],
        ),
        (
            &["create", "x", "--template", "reseacher"],
            2,
            &["N0104", "did you mean researcher?"],
        ),
        (&["create", "x", "--template", "zzz"], 2, &["N0104", "echo"]),
        (
            &["create", "x", "--source", "missing.wasm"],
            1,
            &["missing.wasm"],
        ),
        (
            &["create", "x", "--source", "nexus.config.yaml"],
            2,
            &["N0107"],
        ),
        (&["run", "Nobody Here", "--input", "x"], 2, &["N0101"]),
        (
            &["run", "nobody", "--input", "x"],
            1,
            &["N0120", "nobody", "naos create"],
        ),
        (
            &["run", "nobody", "--input", "@missing.md"],
            1,
            &["missing.md"],
        ),
        (&["get", "agnets"], 2, &["did you mean agents?"]),
        (&["get", "agent", "nobody"], 1, &["N0120"]),
        (&["get", "run", "run_x"], 1, &["N0121"]),
        (&["delete", "thing", "x"], 2, &["thing"]),
        (&["delete", "agent", "nobody"], 1, &["N0120"]),
        (&["plan", "start", "nothing"], 1, &["nothing"]),
        (
            &["plan", "start", "weekly", "--input", "oops"],
            2,
            &["key=value"],
        ),
        (&["approve", "--yes"], 1, &["nothing waits"]),
        (&["stop"], 2, &["required"]),
        (&["stop", "nobody"], 1, &["N0120"]),
        (
            &["cost", "set", "nobody", "--budget", "lots"],
            2,
            &["lots", "$10/day"],
        ),
        (&["explain", "N9999"], 1, &["N9999"]),
        (
            &["config", "validate", "missing.yaml"],
            1,
            &["missing.yaml"],
        ),
        (&["agent", "build", "nowhere"], 1, &["nowhere"]),
        (&["up", "--host", "0.0.0.0"], 2, &["TLS", "--behind-proxy"]),
        (&["up", "--host", "nowhere"], 2, &["--host"]),
    ];
    for (words, exit, says) in cases {
        let ended = project.naos(words);
        assert_eq!(ended.exit, *exit, "naos {words:?}: {}", ended.stderr);
        for text in *says {
            assert!(
                ended.stderr.contains(text),
                "naos {words:?} lacks {text:?}: {}",
                ended.stderr
            );
        }
        assert!(
            !ended.stderr.contains("panicked"),
            "naos {words:?}: {}",
            ended.stderr
        );
        assert!(ended.stdout.is_empty(), "naos {words:?}: {}", ended.stdout);
    }
    assert_eq!(
        project.naos(&["create", &long, "--template", "echo"]).exit,
        2
    );
}

#[test]
fn process_without_a_project_nothing_is_made() {
    let dir = tempfile::tempdir().unwrap();
    for words in [
        &["get", "agents"][..],
        &["run", "a"],
        &["status"],
        &["up"],
        &["audit"],
    ] {
        let ended = naos_in(dir.path(), words);
        assert_eq!(ended.exit, 1, "{words:?}: {}", ended.stderr);
        assert!(
            ended.stderr.contains("naos init"),
            "{words:?}: {}",
            ended.stderr
        );
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn process_a_project_is_made_once() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(naos_in(dir.path(), &["init", "office"]).exit, 0);
    for name in [
        "nexus.config.yaml",
        "data",
        "agents",
        "skills",
        ".gitignore",
    ] {
        assert!(dir.path().join("office").join(name).exists(), "{name}");
    }
    let again = naos_in(dir.path(), &["init", "office"]);
    assert!(
        again.exit == 1 && again.stderr.contains("N0130"),
        "{}",
        again.stderr
    );
    assert_eq!(naos_in(dir.path(), &["init", ""]).exit, 2);
    let office = dir.path().join("office/agents");
    assert_eq!(
        naos_in(&office, &["config", "validate"]).exit,
        0,
        "found from below"
    );
}

#[test]
fn process_the_first_job_from_end_to_end() {
    let project = Project::new();
    let made = project.naos(&["create", "parrot", "--template", "echo"]);
    assert_eq!(made.exit, 0, "{}", made.stderr);
    assert!(project.path("agents/parrot/agent/src/lib.rs").is_file());

    let run = project.json(&["run", "parrot", "--input", "hello"]);
    assert_eq!(
        (&run["status"], &run["output"]),
        (&"completed".into(), &"hello".into())
    );
    let keys: Vec<&String> = run.as_object().unwrap().keys().collect();
    let wanted = [
        "run",
        "task",
        "agent",
        "status",
        "tier",
        "output",
        "cost_micros",
        "steps",
        "seq",
    ];
    assert_eq!(keys, wanted);
    let back = project.json(&["get", "run", run["run"].as_str().unwrap()]);
    for key in [
        "run",
        "task",
        "agent",
        "status",
        "tier",
        "output",
        "cost_micros",
        "steps",
    ] {
        assert_eq!(back[key], run[key], "{key}");
    }
    assert_eq!(back["input"], "hello");

    let lines = project.naos(&["audit", "--last", "500"]).stdout;
    let at = |text: &str| lines.lines().position(|line| line.contains(text));
    let (created, completed) = (at("agent.created parrot"), at("agent.completed parrot"));
    assert!(created.is_some() && created < completed, "{lines}");
    assert_eq!(
        project
            .naos(&["audit", "--last", "3"])
            .stdout
            .lines()
            .count(),
        3
    );
    let proof = project.json(&["audit", "verify"]);
    assert_eq!(proof["ok"], true);
}

#[test]
fn process_input_comes_from_files_and_pipes() {
    let project = Project::new();
    assert_eq!(project.naos(&["create", "a", "--template", "echo"]).exit, 0);
    std::fs::write(project.path("in.txt"), "from a file\n").unwrap();
    assert_eq!(
        project.json(&["run", "a", "--input", "@in.txt"])["output"],
        "from a file\n"
    );
    let piped = project.naos_with(&["run", "a", "--input", "-", "--json"], b"from a pipe");
    let piped: Value = serde_json::from_str(&piped.stdout).unwrap();
    assert_eq!(piped["output"], "from a pipe");
    let bad = project.naos_with(&["run", "a", "--input", "-"], b"ab\xff");
    assert!(
        bad.exit == 2 && bad.stderr.contains("UTF-8"),
        "{}",
        bad.stderr
    );
}

#[test]
fn process_an_answer_that_is_too_long_says_what_to_do() {
    let project = Project::new();
    let agents = "project: x\nagents:\n  a:\n    template: echo\n";
    std::fs::write(project.path("nexus.config.yaml"), agents).unwrap();
    // One beyond the limit, and one so far beyond it that it isn't even copied.
    for bytes in [1_050_000, 1_153_434] {
        let text = "x".repeat(bytes);
        let ended = project.naos_with(&["run", "a", "--input", "-"], text.as_bytes());
        assert_eq!(ended.exit, 1, "{}", ended.stderr);
        for needle in ["N0183", "limits.output", "give it less at once"] {
            assert!(
                ended.stderr.contains(needle),
                "no {needle}: {}",
                ended.stderr
            );
        }
    }
    let raised = format!("{agents}    limits: {{output: 4MB}}\n");
    std::fs::write(project.path("nexus.config.yaml"), raised).unwrap();
    let text = "x".repeat(1_153_434);
    let ended = project.naos_with(&["run", "a", "--input", "-"], text.as_bytes());
    assert_eq!(
        (ended.exit, ended.stdout.trim().len()),
        (0, text.len()),
        "{}",
        ended.stderr
    );
}

#[test]
fn process_reading_appends_nothing() {
    let project = Project::new();
    assert_eq!(project.naos(&["create", "a", "--template", "echo"]).exit, 0);
    let before = project.json(&["audit", "verify"])["entries"].clone();
    for words in [
        &["get", "agents"][..],
        &["get", "runs"],
        &["status"],
        &["audit"],
        &["cost", "status"],
        &["broker", "stats"],
        &["approve"],
        &["task", "list"],
        &["doctor"],
        &["top", "--once"],
        &["logs", "a"],
        &["tenant", "list"],
        &["get", "templates"],
    ] {
        let ended = project.naos(words);
        assert_eq!(ended.exit, 0, "{words:?}: {}{}", ended.stdout, ended.stderr);
    }
    assert_eq!(project.json(&["audit", "verify"])["entries"], before);
}

#[test]
fn process_reading_leaves_work_where_it_is() {
    let project = Project::new();
    assert_eq!(
        project.naos(&["create", "a", "--template", "coder"]).exit,
        0
    );
    let mut daemon = project.up();
    // Its component is compiled first, so that it has not ended when the daemon does.
    let run = project.json(&["run", "a", "--input", "fn main() {}", "--no-wait"]);
    daemon.kill();
    let seq = |project: &Project| project.json(&["status"])["journal"]["seq"].clone();
    let before = seq(&project);
    for words in [
        &["get", "runs"][..],
        &["audit"],
        &["logs", "a"],
        &["approve"],
    ] {
        assert_eq!(project.naos(words).exit, 0, "{words:?}");
    }
    assert_eq!(seq(&project), before);

    // Whoever gives work lets the rest go on, too.
    let mut daemon = project.up();
    let id = run["run"].as_str().unwrap();
    let answer = project.json(&["run", "a", "--input", "fn next() {}"]);
    assert_eq!(answer["status"], "completed");
    let waited = project.json(&["get", "run", id]);
    assert!(
        ["running", "completed"].contains(&waited["status"].as_str().unwrap()),
        "{waited}"
    );
    assert_eq!(daemon.interrupt(), 0);
}

#[test]
fn process_what_is_mistyped_is_told_as_json_where_that_is_asked_for() {
    let project = Project::new();
    for words in [
        &["get", "--json", "--limit", "many", "runs"][..],
        &["run", "--nonsense", "--json"],
        &["--json"],
        &["flie", "--json"],
    ] {
        let ended = project.naos(words);
        assert_eq!(ended.exit, 2, "{words:?}: {}", ended.stderr);
        let told: serde_json::Value = serde_json::from_str(&ended.stderr).unwrap();
        assert_eq!(told["error"]["code"], "N0102", "{words:?}: {told}");
    }
    // Help is help, whatever else is asked for.
    let help = project.naos(&["run", "--help", "--json"]);
    assert_eq!(help.exit, 0);
    assert!(help.stdout.contains("Usage"), "{}", help.stdout);
}

#[test]
fn process_an_agent_is_stopped_and_started_and_deleted() {
    let project = Project::new();
    assert_eq!(project.naos(&["create", "a", "--template", "echo"]).exit, 0);
    let again = project.naos(&["create", "a", "--template", "echo"]);
    assert!(
        again.exit == 1 && again.stderr.contains("N0130"),
        "{}",
        again.stderr
    );
    assert_eq!(project.naos(&["stop", "a"]).exit, 0);
    assert_eq!(
        project.naos(&["run", "a", "--input", "x"]).exit,
        3,
        "the guard says no"
    );
    for said in ["Started a.", "a takes work already."] {
        let started = project.naos(&["start", "a"]);
        assert_eq!((started.exit, started.stdout.trim()), (0, said));
    }
    assert_eq!(project.naos(&["run", "a", "--input", "x"]).exit, 0);
    assert_eq!(project.naos(&["delete", "agent", "a"]).exit, 0);
    assert_eq!(project.naos(&["run", "a", "--input", "x"]).exit, 1);
}

/// All of them at once, in this process and by a daemon, and each only once.
#[test]
fn process_all_agents_are_stopped_and_started() {
    let project = Project::new();
    let nothing = project.naos(&["stop", "--all"]);
    assert_eq!(nothing.exit, 0, "{}", nothing.stderr);
    assert!(
        nothing.stdout.contains("nothing to do"),
        "{}",
        nothing.stdout
    );
    for agent in ["a", "b", "c"] {
        assert_eq!(
            project.naos(&["create", agent, "--template", "echo"]).exit,
            0
        );
    }
    assert_eq!(project.naos(&["stop", "b"]).exit, 0);
    let stopped = || {
        let agents = project.json(&["get", "agents"]);
        let agents = agents["items"].as_array().unwrap();
        agents.iter().filter(|a| a["status"] == "stopped").count()
    };
    let done = project.json(&["stop", "--all"]);
    assert_eq!(done["agents"], serde_json::json!(["a", "c"]));
    assert_eq!(stopped(), 3);
    let daemon = project.up();
    assert_eq!(project.naos(&["start", "--all"]).exit, 0);
    assert_eq!(stopped(), 0);
    assert_eq!(project.naos(&["stop", "--all"]).exit, 0);
    assert_eq!(stopped(), 3);
    drop(daemon);
}

/// Commands that are others under names of their own say what those say.
#[test]
fn process_other_names_of_commands_say_the_same() {
    let project = Project::new();
    assert_eq!(project.naos(&["create", "a", "--template", "echo"]).exit, 0);
    project.naos(&["cost", "set", "a", "--budget", "$1/day"]);
    assert_eq!(project.naos(&["run", "a", "--input", "x"]).exit, 0);
    for (other, own) in [
        (&["list"][..], &["get", "agents"][..]),
        (&["inspect", "a"], &["get", "agent", "a"]),
        (&["inspect", "agent", "a"], &["get", "agent", "a"]),
        (&["templates"], &["get", "templates"]),
        (&["broker", "skills"], &["get", "skills"]),
        (
            &["cost", "history"],
            &["audit", "--action", "cost.", "--last", "100"],
        ),
        (
            &["cost", "history", "a", "--days", "2"],
            &[
                "audit", "--action", "cost.", "--agent", "a", "--last", "100",
            ],
        ),
    ] {
        assert_eq!(project.json(other), project.json(own), "{other:?}");
        let (said, own) = (project.naos(other), project.naos(own));
        assert_eq!(said.stdout, own.stdout, "{other:?}");
        assert_eq!(said.exit, 0, "{other:?}: {}", said.stderr);
    }
    assert!(
        !project.json(&["cost", "history"])["items"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    assert_eq!(project.naos(&["inspect", "nobody"]).exit, 1);
    assert_eq!(project.naos(&["inspect", "agnets", "a"]).exit, 2);
    // Whoever fits does it, as without an agent.
    let done = project.naos(&["broker", "execute", "echo this"]);
    let run = project.naos(&["run", "--input", "echo this"]);
    assert_eq!((done.exit, done.stdout), (run.exit, run.stdout));
    for word in ["list", "inspect", "templates"] {
        assert!(
            project
                .naos(&["--help"])
                .stdout
                .contains(&format!("  {word} ")),
            "{word}"
        );
    }
}

#[test]
fn process_budgets_are_set_and_shown() {
    let project = Project::new();
    assert_eq!(project.naos(&["create", "a", "--template", "echo"]).exit, 0);
    assert_eq!(
        project
            .naos(&["cost", "set", "a", "--budget", "$10/day"])
            .exit,
        0
    );
    let status = project.json(&["cost", "status"]);
    let budget = &status["budgets"][0];
    assert_eq!(
        (&budget["agent"], &budget["limit_micros"]),
        (&"a".into(), &10_000_000.into())
    );
    let keys = [
        "period",
        "reserved_micros",
        "spent_micros",
        "left_micros",
        "action",
    ];
    for key in keys {
        assert!(!budget[key].is_null(), "{key}: {budget}");
    }
    assert_eq!(project.naos(&["cost", "reset", "a"]).exit, 0);
    let early = project.naos(&["cost", "set", "ghost", "--budget", "$1/day", "--quiet"]);
    assert_eq!(early.exit, 0);
    let warning = "warning: there is no agent ghost yet";
    assert!(early.stderr.contains(warning), "{}", early.stderr);
    let status = project.naos(&["cost", "status"]).stdout;
    assert!(status.contains("ghost (no such agent)"), "{status}");
}

#[test]
fn process_skills_of_files_are_applied_once() {
    let project = Project::new();
    let skill = "name: greet\ndescription: says hello\npatterns: [\"hello please\"]\n\
                 handler: {template: \"hello to you\"}\n";
    std::fs::write(project.path("skills/greet.yaml"), skill).unwrap();
    let first = project.json(&["apply", "-f", "skills/greet.yaml"]);
    assert_eq!(first["items"][0]["result"], "created", "{first}");
    let again = project.json(&["apply", "-f", "skills"]);
    assert_eq!(again["items"][0]["result"], "unchanged", "{again}");
    let piped = project.naos_with(&["apply", "-f", "-", "--json"], skill.as_bytes());
    assert_eq!(piped.exit, 0, "{}", piped.stderr);
    let route = project.json(&["broker", "route", "hello please"]);
    assert_eq!(
        (&route["tier"], &route["confidence"]),
        (&"skill".into(), &1.0.into())
    );
    let listed = project.json(&["get", "skills"]);
    assert_eq!(listed["items"][0]["name"], "greet");
    let broken = project.naos_with(&["apply", "-f", "-"], b"name: [");
    assert!(
        broken.exit == 2 && broken.stderr.contains("help:"),
        "{}",
        broken.stderr
    );
}

#[test]
fn process_codes_are_explained() {
    let project = Project::new();
    let one = project.naos(&["explain", "N0142"]);
    assert!(
        one.stdout.contains("manifest") && one.exit == 0,
        "{}",
        one.stdout
    );
    assert!(project.naos(&["explain"]).stdout.lines().count() > 30);
    assert!(
        project
            .naos(&["completions", "bash"])
            .stdout
            .contains("naos")
    );
}

#[test]
fn process_a_module_is_wrapped_and_a_component_becomes_an_agent() {
    let project = Project::new();
    let built = concat!(env!("CARGO_MANIFEST_DIR"), "/../../guest/built/echo.wasm");
    let made = project.naos(&[
        "create",
        "mine",
        "--source",
        built,
        "--description",
        "repeats",
    ]);
    assert_eq!(made.exit, 0, "{}", made.stderr);
    assert_eq!(
        project.json(&["run", "mine", "--input", "x"])["output"],
        "x"
    );
    assert_eq!(
        project.json(&["get", "agent", "mine"])["description"],
        "repeats"
    );
    let copied = project.naos(&["agent", "build", built, "--out", "copy.wasm"]);
    assert_eq!(copied.exit, 0, "{}", copied.stderr);
    let same = std::fs::read(project.path("copy.wasm")).unwrap() == std::fs::read(built).unwrap();
    assert!(same, "a component is taken as it is");
    std::fs::write(project.path("no.wasm"), b"\0asm\x01\0\0\0").unwrap();
    let bare = project.naos(&["agent", "build", "no.wasm"]);
    assert!(
        bare.exit == 2 && bare.stderr.contains("N0107"),
        "{}",
        bare.stderr
    );
}

#[test]
fn process_agents_of_the_configuration_are_made_when_something_is_run() {
    let project = Project::new();
    let agents = "project: x\nagents:\n  a:\n    template: echo\n";
    std::fs::write(project.path("nexus.config.yaml"), agents).unwrap();
    assert_eq!(project.json(&["run", "a", "--input", "x"])["output"], "x");
    let entries = project.json(&["audit", "verify"])["entries"].clone();
    assert_eq!(
        project.json(&["status"])["vanished"]
            .as_array()
            .unwrap()
            .len(),
        0
    );
    std::fs::write(project.path("nexus.config.yaml"), "project: x\n").unwrap();
    assert_eq!(project.json(&["status"])["vanished"][0], "agent a");
    assert_eq!(
        project.json(&["audit", "verify"])["entries"],
        entries,
        "looking changes nothing"
    );
    let pruned = project.json(&["apply", "--prune"]);
    assert_eq!(pruned["pruned"][0]["name"], "a");
    assert_eq!(project.naos(&["run", "a", "--input", "x"]).exit, 1);
}

#[test]
fn process_a_log_that_cannot_be_written_stops_nothing() {
    let project = Project::new();
    assert_eq!(project.naos(&["create", "a", "--template", "echo"]).exit, 0);
    let mut daemon = project.up_unheard();
    for _ in 0..5 {
        let answer = project.json(&["run", "a", "--input", "x"]);
        assert_eq!(answer["status"], "completed", "{answer}");
    }
    // Lists follow, too.
    let runs = project.json(&["get", "runs"]);
    assert_eq!(runs["items"].as_array().map(Vec::len), Some(5), "{runs}");
    assert_eq!(daemon.interrupt(), 0);
}

#[test]
fn process_an_answer_that_cannot_be_written_is_no_success() {
    let project = Project::new();
    let ended = project::naos_to_full(&project.path("."), &["status"]);
    assert_eq!(ended.exit, 1, "{}", ended.stderr);
    assert!(
        ended.stderr.contains("could not be written"),
        "{}",
        ended.stderr
    );
}

#[test]
fn process_a_question_makes_no_data() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("strange");
    std::fs::create_dir(&data).unwrap();
    let words = ["--data-dir", data.to_str().unwrap(), "get", "runs"];
    let ended = project::naos_in(dir.path(), &words);
    assert_eq!(ended.exit, 1, "{}", ended.stdout);
    assert!(ended.stderr.contains("N0121"), "{}", ended.stderr);
    assert_eq!(std::fs::read_dir(&data).unwrap().count(), 0);
}

#[test]
fn process_a_failure_is_told_even_quietly() {
    let project = Project::new();
    assert_eq!(
        project.naos(&["create", "a", "--template", "courier"]).exit,
        0
    );
    // A courier is told what to call: anything else is its failure.
    let ended = project.naos(&["run", "a", "--input", "nonsense", "-q"]);
    assert_eq!(ended.exit, 1, "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stderr.contains("error: "), "{}", ended.stderr);
    assert!(!ended.stderr.contains(" · "), "{}", ended.stderr);
}

#[test]
fn process_what_a_folder_holds_beside_is_named() {
    let project = Project::new();
    let folder = project.path("more");
    std::fs::create_dir(&folder).unwrap();
    let skill = "skills:\n  - name: greet\n    description: greets\n    patterns: [hello]\n    \
                 handler: {template: hi}\n";
    std::fs::write(folder.join("a.yaml"), skill).unwrap();
    std::fs::write(folder.join("b.json"), "{}").unwrap();
    let ended = project.naos(&["apply", "-f", "more"]);
    assert_eq!(ended.exit, 0, "{}", ended.stderr);
    assert!(
        ended.stderr.contains("1 .json files in more"),
        "{}",
        ended.stderr
    );
}

#[test]
fn process_an_empty_name_names_nothing() {
    let project = Project::new();
    for words in [
        &["plan", "status", ""][..],
        &["plan", "cancel", ""],
        &["plan", "list", ""],
        &["workflow", "pause", ""],
        &["get", "run", ""],
        &["run", "cancel", ""],
        &["task", "show", ""],
        &["schedule", "show", ""],
        &["delete", "agent", ""],
        &["approve", "", "--yes"],
        &["replay", ""],
        &["document", "show", ""],
        &["events", "dead", "show", ""],
    ] {
        let ended = project.naos(words);
        assert_eq!(ended.exit, 2, "{words:?}: {}{}", ended.stdout, ended.stderr);
        assert!(
            ended.stderr.contains("N0101"),
            "{words:?}: {}",
            ended.stderr
        );
    }
}

#[test]
fn process_an_empty_token_is_nobodys() {
    let project = Project::new();
    project.json(&["get", "members"]);
    let refused = |token: &str, words: &[&str]| {
        let mut naos = command(&project.path("."));
        let ended = naos.env("NAOS_TOKEN", token).args(words).output().unwrap();
        let said = String::from_utf8(ended.stderr).unwrap();
        assert!(!ended.status.success(), "{words:?} as {token:?}: {said}");
        for part in ["N0140", "NAOS_TOKEN is set and empty", "`unset NAOS_TOKEN`"] {
            assert!(said.contains(part), "{words:?} as {token:?}: {said}");
        }
    };
    let all = || {
        for token in ["", " ", "\n"] {
            refused(token, &["get", "members"]);
            refused(token, &["create", "clerk", "--template", "echo"]);
            refused(token, &["approve", "--all", "--yes"]);
            refused(token, &["mcp"]);
        }
    };
    all();
    let mut daemon = project.up();
    all();
    daemon.kill();
    // A file that lost what it held says so, too.
    std::fs::write(project.path("data/owner.token"), "\n").unwrap();
    let lost = project.naos(&["get", "members"]);
    assert_ne!(lost.exit, 0, "{}", lost.stdout);
    for part in ["N0140", "owner.token", "is empty"] {
        assert!(lost.stderr.contains(part), "{}", lost.stderr);
    }
}
