//! Workflows, sagas and pools as they are typed.

mod project;

use std::time::Duration;

use project::Project;
use serde_json::{Value, json};

/// The longest time that anything here may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// An expression that fails when it is evaluated, not when it is read.
const BOOM: &str = "1 / (size(input) - size(input)) > 0";

fn with_agents(names: &[&str]) -> Project {
    let project = Project::new();
    for name in names {
        project.json(&["create", name, "--template", "echo"]);
    }
    project
}

/// A command that has to end so, and what it says with `--json`.
fn ends(project: &Project, exit: i32, words: &[&str]) -> Value {
    let mut words = words.to_vec();
    words.push("--json");
    let ended = project.naos(&words);
    assert_eq!(ended.exit, exit, "naos {words:?}: {}", ended.stderr);
    serde_json::from_str(&ended.stdout).unwrap()
}

#[test]
fn process_a_workflow_from_end_to_end() {
    let project = with_agents(&["one", "two"]);
    project.json(&["workflow", "create", "line"]);
    let ready = project.json(&["workflow", "status", "line"]);
    assert_eq!(
        (&ready["status"], &ready["steps"]),
        (&json!("ready"), &json!([]))
    );
    project.json(&["workflow", "add-step", "line", "one"]);
    let second = ["workflow", "add-step", "line", "second", "--agent", "two"];
    project.json(
        &[
            &second[..],
            &["--input", "{{one.output}}-b", "--timeout", "60"],
        ]
        .concat(),
    );
    let run = project.json(&["workflow", "run", "line", "--input", "tsara"]);
    assert_eq!(
        (&run["status"], &run["output"]),
        (&json!("completed"), &json!("tsara-b"))
    );
    let listed = project.json(&["workflow", "list"]);
    assert_eq!(listed["items"][0]["status"], "completed");
    let history = project.json(&["workflow", "history", "line"]);
    assert_eq!(history["items"][0]["run"], run["run"]);
    let status = project.json(&["workflow", "status", run["run"].as_str().unwrap()]);
    assert_eq!(status["input"], Value::Null);
    assert_eq!(status["inputs"], "tsara");
    for (words, exit, said) in [
        (&["workflow", "run", "nothing"][..], 1, "N0121"),
        (&["workflow", "status", "nothing"], 1, "N0121"),
        (
            &["workflow", "resume", "nothing"],
            1,
            "there is no workflow nothing",
        ),
        (&["workflow", "resume", "line"], 1, "N0131"),
        (
            &["workflow", "add-step", "line", "one"],
            2,
            "two steps are called one",
        ),
        (
            &[
                "workflow",
                "add-step",
                "line",
                "x",
                "--input",
                "{{ later }}",
            ],
            2,
            "--input, character 4: unknown name `later`",
        ),
        (
            &[
                "workflow",
                "add-step",
                "line",
                "x",
                "--when",
                "one.output +",
            ],
            2,
            "--when, character ",
        ),
        (
            &["workflow", "add-step", "line", "X y"],
            2,
            "the name: \"X y\"",
        ),
        (
            &["workflow", "create", "x", "--timeout", "5 parsecs"],
            2,
            "--timeout: `timeout` is a length of time",
        ),
        (
            &["events", "subscribe", "x", "--type", "a b"],
            2,
            "--type: \"a b\" can't be a type of events",
        ),
        (&["workflow", "create", "line"], 1, "N0130"),
        (&["workflow", "create", "x", "--on-error", "wat"], 2, "wat"),
        (&["saga", "add-step", "line", "x"], 1, "N0121"),
    ] {
        let ended = project.naos(words);
        assert_eq!(ended.exit, exit, "{words:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(said), "{words:?}: {}", ended.stderr);
        // Nobody who typed a command saw the request that it became.
        let place = ended.stderr.contains("the request");
        assert!(!place, "{words:?}: {}", ended.stderr);
    }
    project.json(&["workflow", "delete", "line"]);
    assert_eq!(project.naos(&["workflow", "run", "line"]).exit, 1);
}

#[test]
fn process_a_workflow_is_resumed_where_it_failed() {
    let project = with_agents(&["one", "two"]);
    let text = "workflows:\n  line:\n    steps: [one, two]\n";
    let applied = project.naos_with(&["apply", "-f", "-"], text.as_bytes());
    assert_eq!(applied.exit, 0, "{}", applied.stderr);
    project.naos(&["stop", "two"]);
    let failed = ends(&project, 1, &["workflow", "run", "line", "--input", "x"]);
    assert_eq!(failed["status"], "failed", "{failed}");
    project.naos(&["start", "two"]);
    let resumed = project.json(&["workflow", "resume", "line"]);
    assert_eq!(
        (&resumed["status"], &resumed["run"]),
        (&json!("completed"), &failed["run"])
    );
    assert_eq!(
        resumed["steps"][0]["attempts"], 1,
        "what is done stays done"
    );
    assert_eq!(resumed["steps"][1]["attempts"], 2);
}

#[test]
fn process_a_saga_that_cannot_be_undone_waits_for_a_person() {
    let project = with_agents(&["book", "unbook", "pay", "unpay"]);
    project.json(&["saga", "create", "trip", "--timeout", "5m"]);
    for (step, undo) in [("book", "unbook"), ("pay", "unpay")] {
        project.json(&["saga", "add-step", "trip", step, "--compensate", undo]);
    }
    let boom = [
        "saga",
        "add-step",
        "trip",
        "boom",
        "--agent",
        "book",
        "--condition",
        BOOM,
    ];
    project.json(&boom);
    let undone = ends(&project, 1, &["saga", "run", "trip", "--input", "x"]);
    assert_eq!(undone["status"], "rolled_back", "{undone}");
    project.naos(&["stop", "unpay"]);
    let stuck = ends(&project, 1, &["saga", "run", "trip", "--input", "x"]);
    assert_eq!(stuck["status"], "compensation_failed", "{stuck}");
    assert_eq!(stuck["steps"][1]["compensation"]["attempts"], 3, "{stuck}");
    assert_eq!(stuck["steps"][0]["compensation"]["attempts"], 0, "{stuck}");
    let again = ends(
        &project,
        1,
        &["saga", "retry-compensation", "trip", "--step", "2"],
    );
    assert_eq!(again["status"], "compensation_failed", "{again}");
    assert_eq!(again["steps"][1]["compensation"]["attempts"], 6, "{again}");
    let wrong = project.naos(&["saga", "resolve", "trip", "--step", "1"]);
    assert_eq!(wrong.exit, 1, "{}", wrong.stderr);
    assert!(
        wrong.stderr.contains("pay could not be undone"),
        "{}",
        wrong.stderr
    );
    let id = stuck["run"].as_str().unwrap();
    let resolved = ends(&project, 1, &["saga", "resolve", id, "--step", "pay"]);
    assert_eq!(resolved["status"], "rolled_back", "{resolved}");
    for (step, by_hand) in [(0, false), (1, true)] {
        let undone = &resolved["steps"][step]["compensation"];
        assert_eq!(undone["by_hand"], by_hand, "{undone}");
    }
    let told = project.naos(&["saga", "status", id]).stderr;
    assert!(
        told.contains("undo-pay: resolved by hand, after 6 attempts failed"),
        "{told}"
    );
    let over = project.naos(&["saga", "reset", id]).stderr;
    assert!(
        over.contains("nothing to give up") && !over.contains("resume"),
        "{over}"
    );
    let last = ends(&project, 1, &["saga", "run", "trip", "--input", "x"]);
    assert_eq!(last["status"], "compensation_failed");
    let given_up = project.json(&["saga", "reset", "trip"]);
    assert_eq!(given_up["status"], "compensation_failed");
    let told = project.naos(&["saga", "status", "trip"]).stderr;
    assert!(
        told.contains("It was given up") && !told.contains("naos saga resolve"),
        "{told}"
    );
    let late = project.naos(&["saga", "resolve", "trip"]);
    assert!(
        late.stderr.contains("was given up as it stood"),
        "{}",
        late.stderr
    );
    let all = project.json(&["saga", "status", "--all"]);
    assert_eq!(all["items"][0]["status"], "compensation_failed");
}

/// A compensation that is an expression is tried once, and `naos plan` has the verbs of a saga.
#[test]
fn process_a_plan_that_cannot_be_undone_says_so_and_is_resolved() {
    let project = with_agents(&[]);
    let text = "type: plan\nname: trip\nsteps:\n  \
        - {name: book, render: booked, compensate: {compute: \"1 / (size('a') - 1)\"}}\n  \
        - {name: pay, compute: \"1 / (size('a') - 1)\"}\n";
    let applied = project.naos_with(&["apply", "-f", "-"], text.as_bytes());
    assert_eq!(applied.exit, 0, "{}", applied.stderr);
    let stuck = ends(&project, 1, &["plan", "run", "trip"]);
    assert_eq!(stuck["status"], "compensation_failed", "{stuck}");
    let id = stuck["run"].as_str().unwrap();
    let told = project.naos(&["plan", "status", "trip"]).stderr;
    for part in [
        "undo-book: failed after 1 attempt\n",
        "division by zero",
        "book could not be undone",
        &format!("naos plan retry-compensation {id}"),
        &format!("naos plan resolve {id}"),
    ] {
        assert!(told.contains(part), "{part} in {told}");
    }
    let again = ends(
        &project,
        1,
        &["plan", "retry-compensation", "trip", "--step", "book"],
    );
    assert_eq!(again["status"], "compensation_failed", "{again}");
    for verb in ["cancel", "resolve"] {
        let wrong = project.naos(&["saga", verb, id]);
        let said = format!("no saga [N0121]\n  help: naos plan {verb} {id}");
        assert!(wrong.stderr.contains(&said), "{}", wrong.stderr);
        let wrong = project.naos(&["saga", verb, "trip"]);
        assert!(
            wrong.stderr.contains("is a run of the plan trip"),
            "{}",
            wrong.stderr
        );
    }
    let stays = project.naos(&["plan", "cancel", id]);
    assert!(
        stays.stderr.contains("`naos plan reset` gives that up"),
        "{}",
        stays.stderr
    );
    let resolved = ends(&project, 1, &["plan", "resolve", "trip"]);
    assert_eq!(resolved["status"], "rolled_back", "{resolved}");
    let told = project.naos(&["plan", "status", id]).stderr;
    assert!(
        told.contains("undo-book: resolved by hand, after 2 attempts failed"),
        "{told}"
    );
}

#[test]
fn process_who_is_needed_to_undo_is_not_deleted_in_silence() {
    let project = with_agents(&["unbook"]);
    let text = "type: plan\nname: trip\nsteps:\n  \
        - {name: book, render: booked, compensate: unbook}\n  \
        - {name: sure, approval: {title: Sure, body: x}}\n";
    let applied = project.naos_with(&["apply", "-f", "-"], text.as_bytes());
    assert_eq!(applied.exit, 0, "{}", applied.stderr);
    project.naos(&["plan", "start", "trip", "--no-wait"]);
    let gone = project.naos(&["delete", "agent", "unbook"]);
    assert_eq!(gone.exit, 0, "{}", gone.stderr);
    for part in [
        "warning: agent unbook is gone, and open runs need it",
        " to undo step book of plan trip (plan_",
        "`naos create unbook --template …`",
    ] {
        assert!(gone.stderr.contains(part), "{part} in {}", gone.stderr);
    }
}

/// Killed in the middle, a saga goes on undoing with the step it was at.
#[test]
fn process_a_saga_survives_the_end_of_the_process() {
    let project = with_agents(&["book", "unbook"]);
    project.json(&["saga", "create", "trip"]);
    project.json(&["saga", "add-step", "trip", "book", "--compensate", "unbook"]);
    project.json(&[
        "saga", "add-step", "trip", "boom", "--agent", "book", "--when", BOOM,
    ]);
    project.naos(&["stop", "unbook"]);
    // The first attempt to undo fails at once, and whoever started it is gone before the second.
    project.json(&["saga", "run", "trip", "--input", "x", "--no-wait"]);
    project.naos(&["start", "unbook"]);
    // Whoever looks leaves it where it is; the next naos that works goes on.
    let mut daemon = project.up();
    let until = naos_engine::clock::tick() + PATIENCE;
    let ended = loop {
        let found = project.json(&["saga", "status", "trip"]);
        if found["status"] == "rolled_back" {
            break found;
        }
        assert!(naos_engine::clock::tick() < until, "{found}");
    };
    assert_eq!(daemon.interrupt(), 0);
    assert_eq!(
        ended["steps"][0]["compensation"]["status"], "done",
        "{ended}"
    );
}

#[test]
fn process_a_list_that_failed_is_shown_as_failed() {
    let project = Project::new();
    let text = "type: plan\nname: each\ninputs:\n  - {name: opt, default: null}\nsteps:\n  \
        - name: all\n    for_each: {items: '[1, 2, 0, 4]', window: 1}\n    \
        compute: 'inputs.opt == null ? 10 / item : 0'\n    compensate: {emit: {type: x.undone}}\n";
    let applied = project.naos_with(&["apply", "-f", "-"], text.as_bytes());
    assert_eq!(applied.exit, 0, "{}", applied.stderr);
    let ended = project.naos(&["plan", "start", "each"]);
    assert_eq!(ended.exit, 1, "{}", ended.stdout);
    let said = "all: 1 of 4 items failed, 1 was not done";
    assert!(ended.stderr.contains(said), "{}", ended.stderr);
    let found = project.json(&["plan", "status", "each"]);
    assert_eq!(found["status"], "rolled_back", "{found}");
    let all = &found["steps"][0];
    assert_eq!(all["status"], "failed", "{found}");
    assert_eq!(all["compensation"]["status"], "done", "{found}");
}

#[test]
fn process_a_pool_takes_batches() {
    let project = with_agents(&["ann", "bob"]);
    project.json(&["pool", "create", "team", "--agent", "ann", "--size", "3"]);
    project.json(&["pool", "add", "team", "bob"]);
    std::fs::write(project.path("jobs.txt"), "one\ntwo\n\nthree\n").unwrap();
    let all = project.json(&[
        "pool", "submit", "team", "--batch", "jobs.txt", "--merge", "all",
    ]);
    assert_eq!(
        (&all["status"], &all["output"]),
        (&json!("completed"), &json!(["one", "two", "three"]))
    );
    let one = project.json(&["pool", "submit", "team", "tsara"]);
    assert_eq!(one["output"], "tsara");
    let none = ends(
        &project,
        1,
        &[
            "pool", "submit", "team", "--batch", "jobs.txt", "--merge", "majority",
        ],
    );
    assert_eq!(none["status"], "failed");
    project.json(&["pool", "scale", "team", "--size", "7"]);
    let status = project.json(&["pool", "status", "team"]);
    assert_eq!(
        (&status["size"], &status["status"]),
        (&json!(7), &json!("ready"))
    );
    assert_eq!(status["agents"], json!(["ann", "bob"]));
    let history = project.json(&["pool", "history", "team"]);
    assert_eq!(history["items"].as_array().unwrap().len(), 3);
    project.json(&["pool", "drain", "team"]);
    let refused = project.naos(&["pool", "submit", "team", "x"]);
    assert_eq!(refused.exit, 1, "{}", refused.stderr);
    assert!(
        refused.stderr.contains("naos pool start team"),
        "{}",
        refused.stderr
    );
    let status = project.json(&["pool", "status", "team"]);
    assert_eq!(status["status"], "drained");
    project.json(&["pool", "stop", "team"]);
    assert_eq!(
        project.json(&["pool", "list"])["items"][0]["status"],
        "drained"
    );
    project.json(&["pool", "start", "team"]);
    assert_eq!(
        project.json(&["pool", "submit", "team", "x"])["output"],
        "x"
    );
    for (words, exit) in [
        (&["pool", "submit", "team"][..], 2),
        (&["pool", "submit", "nobody", "x"], 1),
        (&["pool", "create", "team"], 1),
        (&["pool", "create", "x", "--size", "0"], 2),
        (&["pool", "submit", "team", "--batch", "missing.txt"], 1),
    ] {
        assert_eq!(project.naos(words).exit, exit, "{words:?}");
    }
}

#[test]
fn process_values_keep_their_types_in_lists_and_events() {
    let project = Project::new();
    let plan = "type: plan\nname: types\ninputs:\n\
                \x20 - {name: n, type: array}\n  - {name: k, type: number}\nsteps:\n\
                \x20 - {name: twice, for_each: {items: inputs.n}, compute: item * 2}\n\
                \x20 - {name: more, after: [twice], compute: 'twice.output[0] + 1'}\n\
                \x20 - {name: tell, after: [more], emit: {type: z.end, data: \
                {k: '{{ inputs.k }}', more: '{{ more.output }}', said: 'k is {{ inputs.k }}', \
                day: today}}}\n";
    let applied = project.naos_with(&["apply", "-f", "-"], plan.as_bytes());
    assert_eq!(applied.exit, 0, "{}", applied.stderr);
    let words = [
        "plan",
        "run",
        "types",
        "--input",
        "n=[1,2,3]",
        "--input",
        "k=7",
    ];
    let done = project.json(&words);
    // A list is one, as it is for the steps; a text that parses as a number stays a text.
    assert_eq!(done["steps"][0]["output"], serde_json::json!([2, 4, 6]));
    assert_eq!(done["steps"][1]["output"], "3", "{done}");
    let told = project.json(&["events", "list", "--type", "z.end"]);
    let data = &told["items"][0]["data"];
    let whole = serde_json::json!({"k": 7, "more": 3, "said": "k is 7", "day": "today"});
    assert_eq!(*data, whole);
}

#[test]
fn process_a_plan_waits_for_a_person_and_goes_on() {
    let project = Project::new();
    assert_eq!(project.naos(&["create", "a", "--template", "echo"]).exit, 0);
    let plan = "type: plan\nname: two-steps\ninputs: [{name: text, type: string}]\n\
                output: again\nsteps:\n\
                \x20 - {name: say, agent: a, input: \"{{ inputs.text }}\"}\n\
                \x20 - {name: sure, after: [say], approval: {title: \"Send it?\"}}\n\
                \x20 - {name: again, after: [sure], agent: a, input: \"{{ say.output }}!\"}\n";
    let applied = project.naos_with(&["apply", "-f", "-"], plan.as_bytes());
    assert_eq!(applied.exit, 0, "{}", applied.stderr);

    let held = project.naos(&[
        "plan",
        "start",
        "two-steps",
        "--input",
        "text=hello",
        "--json",
    ]);
    assert_eq!(held.exit, 4, "{}", held.stderr);
    let held: Value = serde_json::from_str(&held.stdout).unwrap();
    assert_eq!(
        (&held["status"], &held["steps"][0]["output"]),
        (&"held".into(), &"hello".into())
    );
    assert!(project.naos(&["approve"]).stdout.contains("Send it?"));
    assert_eq!(project.naos(&["approve", "--yes"]).exit, 0);
    let id = held["run"].as_str().unwrap();
    let done = project.json(&["get", "plan-run", id]);
    assert_eq!(
        (&done["status"], &done["output"]),
        (&"completed".into(), &"hello!".into())
    );

    let second = project.naos(&["plan", "start", "two-steps", "--input", "text=x"]);
    assert_eq!(second.exit, 4);
    assert_eq!(
        project
            .naos(&["approve", "--no", "--comment", "not now"])
            .exit,
        0
    );
    let runs = project.json(&["plan", "list"]);
    let mut runs = runs["items"].as_array().unwrap().iter();
    let failed = runs.find(|run| run["status"] == "failed").unwrap();
    let failed = project.json(&["get", "plan-run", failed["run"].as_str().unwrap()]);
    let why = (&failed["problem"]["note"], &failed["problem"]["said"]);
    assert_eq!(why, (&"a person said no".into(), &"not now".into()));
    let missing = project.naos(&["plan", "start", "two-steps", "--input", "other=1"]);
    assert!(
        missing.exit == 2 && missing.stderr.contains("text"),
        "{}",
        missing.stderr
    );
}

#[test]
fn process_a_plan_takes_its_inputs_from_a_pipe() {
    let project = Project::new();
    let plan = "type: plan\nname: greet\ninputs:\n  - {name: who, type: string}\nsteps:\n  \
                - {name: say, render: \"Hello {{ inputs.who }}\"}\n";
    project.naos_with(&["apply", "-f", "-"], plan.as_bytes());
    let start = ["plan", "start", "greet", "--json", "--input"];
    for (input, piped, said) in [
        ("-", &b"{\"who\": \"Rivo\"}"[..], "Hello Rivo"),
        ("who=-", b"42", "Hello 42"),
        ("who=42", b"", "Hello 42"),
    ] {
        let done = project.naos_with(&[&start[..], &[input]].concat(), piped);
        let answer: Value = serde_json::from_str(&done.stdout).unwrap_or_default();
        assert_eq!(answer["output"], said, "{input}: {}", done.stderr);
    }
}

#[test]
fn process_a_plan_parses_logs_and_fails_where_it_says_so() {
    let project = Project::new();
    let plan = "type: plan\nname: count\ninputs:\n  - {name: said, type: string}\nsteps:\n  \
                - {name: read, parse: \"{{ inputs.said }}\"}\n  \
                - {name: sum, compute: \"read.output.n + 1\"}\n  \
                - {name: tell, log: {text: \"n is {{ read.output.n }}\", level: warn}}\n  \
                - name: few\n    when: sum.output < 3\n    fail: \"only {{ sum.output }} of 3\"\n  \
                - {name: end, after: [tell, few], render: \"{{ sum.output }}\"}\n";
    let applied = project.naos_with(&["apply", "-f", "-"], plan.as_bytes());
    assert_eq!(applied.exit, 0, "{}", applied.stderr);
    let start = |said: &str| {
        let input = format!("said={said}");
        project.naos(&["plan", "start", "count", "--json", "--input", &input])
    };
    // A number that was read is one: it is added to.
    let done = start("Here it is:\n```json\n{\"n\": 7}\n```");
    let answer: Value = serde_json::from_str(&done.stdout).unwrap_or_default();
    assert_eq!(answer["output"], "8", "{} {}", done.stdout, done.stderr);
    let failed = start("{\"n\": 1}");
    assert_eq!(failed.exit, 1, "{}", failed.stdout);
    assert!(failed.stdout.contains("only 2 of 3"), "{}", failed.stdout);
    assert!(failed.stdout.contains("N0234"), "{}", failed.stdout);
    let unread = start("seven");
    assert_eq!(unread.exit, 1, "{}", unread.stdout);
    let why = "there is no JSON in the text";
    assert!(unread.stdout.contains(why), "{}", unread.stdout);
    let events = project.naos(&["events", "tail", "--type", "plan.logged", "--json"]);
    assert!(events.stdout.contains("n is 7"), "{}", events.stdout);
    assert!(events.stdout.contains("warn"), "{}", events.stdout);
    // Nothing was logged where nothing was read.
    assert_eq!(
        events.stdout.matches("n is ").count(),
        2,
        "{}",
        events.stdout
    );
}

#[test]
fn process_nothing_of_what_is_given_is_lost() {
    let project = Project::new();
    let plan = "type: plan\nname: p\ninputs: [{name: id}, {name: said, type: string, \
                default: x}]\nsteps:\n  - {name: a, render: \"{{ inputs.id }} \
                {{ inputs.said }}\"}\n  - {name: w, when: \"inputs.id == 7\", \
                wait_for: {signal: go}}\n  - {name: b, when: \"inputs.id == 8\", \
                fail: eight}\n";
    let applied = project.naos_with(&["apply", "-f", "-"], plan.as_bytes());
    assert_eq!(applied.exit, 0, "{}", applied.stderr);
    let large = "12345678901234567890";
    let larger = "123456789012345678901234567890";
    let said = format!("said={larger}");
    let id = |of: &str| format!("id={of}");
    let run = project.json(&[
        "plan",
        "start",
        "p",
        "--input",
        &id(large),
        "--input",
        &said,
    ]);
    let given = &run["steps"][0]["output"];
    assert_eq!(given, &format!("{large} {larger}"), "{run}");
    for input in [id(larger), format!("{{\"id\": [{larger}]}}")] {
        let refused = project.naos(&["plan", "start", "p", "--input", &input]);
        assert_eq!(refused.exit, 2, "{input}: {}", refused.stdout);
        let help = "write it in quotes: a text keeps its digits";
        assert!(refused.stderr.contains(help), "{input}: {}", refused.stderr);
    }
    project.json(&["plan", "start", "p", "--input", "id=7", "--no-wait"]);
    for (data, why) in [
        (larger, "a text keeps its digits"),
        ("{\"a\":1,\"a\":2}", "the key \"a\" is there twice"),
    ] {
        let refused = project.naos(&["plan", "signal", "p", "go", "--data", data]);
        assert_eq!(refused.exit, 2, "{data}: {}", refused.stdout);
        assert!(refused.stderr.contains(why), "{data}: {}", refused.stderr);
    }
    // Why it failed is said to whoever wants to hear nothing else.
    let failed = project.naos(&["plan", "start", "p", "--input", "id=8", "-q"]);
    assert_eq!(failed.exit, 1, "{}", failed.stdout);
    assert!(failed.stderr.contains("eight"), "{}", failed.stderr);
    let well = project.naos(&["plan", "start", "p", "--input", "id=1", "-q"]);
    assert_eq!((well.exit, &*well.stderr), (0, ""), "{}", well.stdout);
}

#[test]
fn process_a_pool_is_made_fitted_and_taken_away() {
    let project = Project::new();
    project.json(&["create", "ann", "--template", "echo"]);
    project.json(&["create", "bob", "--template", "echo"]);
    let made = [
        "pool", "create", "team", "--agent", "ann", "--min", "2", "--max", "6", "--quorum", "2",
    ];
    project.json(&made);
    let found = project.json(&["pool", "status", "team"]);
    let sizes = ["size", "min_size", "max_size", "quorum"].map(|key| found[key].clone());
    assert_eq!(sizes, [4, 2, 6, 2].map(|size| json!(size)), "{found}");
    project.json(&["pool", "scale", "team", "--max", "3", "--autoscale"]);
    let found = project.json(&["pool", "status", "team"]);
    assert_eq!(
        (&found["size"], &found["auto_scale"]),
        (&json!(3), &json!(true))
    );
    let shown = project.naos(&["pool", "status", "team"]).stdout;
    assert!(shown.contains("3 (2 to 3, by itself)"), "{shown}");
    let nothing = project.naos(&["pool", "scale", "team"]);
    assert_eq!(nothing.exit, 2);
    for option in ["--size", "--min", "--max", "--autoscale", "--quorum"] {
        assert!(nothing.stderr.contains(option), "{}", nothing.stderr);
    }
    project.json(&["pool", "scale", "team", "--quorum", "2"]);
    project.json(&["pool", "add", "team", "bob"]);
    // Nothing runs without a daemon once the command is over: the batch stays open.
    project.json(&["supervisor", "create", "boss", "--child", "ann"]);
    project.json(&["supervisor", "stop", "boss"]);
    project.json(&["pool", "submit", "team", "a", "--no-wait"]);
    let nobody = project.naos(&["pool", "remove", "team", "carl"]);
    assert_eq!(nobody.exit, 1, "{}", nobody.stdout);
    for said in [
        "N0121",
        "carl is no agent of the pool team",
        "it has: ann, bob",
    ] {
        assert!(nobody.stderr.contains(said), "{said}: {}", nobody.stderr);
    }
    let rests = project.naos(&["start", "ann"]);
    assert_eq!(rests.stdout.trim(), "ann wasn't stopped itself.");
    assert!(
        rests.stderr.contains("`naos supervisor start boss`"),
        "{}",
        rests.stderr
    );
    let refused = project.naos(&["pool", "remove", "team", "ann"]);
    assert_eq!(refused.exit, 1, "{}", refused.stderr);
    assert!(
        refused.stderr.contains("naos pool drain team"),
        "{}",
        refused.stderr
    );
    let refused = project.naos(&["pool", "remove", "team"]);
    assert!(
        refused.stderr.contains("1 open batch"),
        "{}",
        refused.stderr
    );
    let listed = project.naos(&["pool", "list"]);
    assert!(
        listed.stdout.contains("running, waits"),
        "{}",
        listed.stdout
    );
    project.json(&["pool", "drain", "team"]);
    project.json(&["pool", "remove", "team", "bob"]);
    project.json(&["pool", "remove", "team"]);
    assert_eq!(project.json(&["pool", "list"])["items"], json!([]));
}

/// The open step waits for an agent of a stopped supervisor: it doesn't end, and nobody waits for
/// that.
#[test]
fn process_a_pause_is_there_at_once() {
    let project = with_agents(&["one"]);
    project.json(&["supervisor", "create", "boss", "--child", "one"]);
    project.json(&["supervisor", "stop", "boss"]);
    for kind in ["workflow", "saga"] {
        project.json(&[kind, "create", "line"]);
        project.json(&[kind, "add-step", "line", "first", "--agent", "one"]);
        let run = project.json(&[kind, "run", "line", "--no-wait"]);
        let begun = naos_engine::clock::tick();
        let paused = project.json(&[kind, "pause", "line"]);
        assert_eq!(paused["run"], run["run"], "{paused:#}");
        assert!(paused["paused"].is_string(), "{paused:#}");
        let again = project.naos(&[kind, "pause", "line", "--no-wait"]);
        assert_eq!(again.exit, 0, "{}", again.stderr);
        assert!(naos_engine::clock::tick() < begun + PATIENCE);
        let told = format!(
            "It is paused: naos plan resume {}",
            run["run"].as_str().unwrap()
        );
        assert!(again.stderr.contains(&told), "{}", again.stderr);
        assert!(!again.stderr.contains("waiting"), "{}", again.stderr);
    }
}

#[test]
fn process_a_plan_that_takes_too_long_says_so() {
    let project = Project::new();
    let plan = "type: plan\nname: slow\ntimeout: 1s\nsteps:\n  - name: hold\n    \
                wait_for: {signal: go}\n";
    let applied = project.naos_with(&["apply", "-f", "-"], plan.as_bytes());
    assert_eq!(applied.exit, 0, "{}", applied.stderr);
    let failed = project.naos(&["plan", "start", "slow", "--timeout", "60"]);
    assert_eq!(failed.exit, 1, "{}", failed.stderr);
    let why = "slow took longer than it may [N0192]";
    assert!(failed.stderr.contains(why), "{}", failed.stderr);
    let told = project.naos(&["plan", "cancel", "nope"]);
    assert_eq!(told.exit, 1);
    let why = "there is no plan nope, and no run of that name";
    assert!(told.stderr.contains(why), "{}", told.stderr);
}

/// A pool that scales by itself says which size it has, and why.
#[test]
fn process_a_pool_says_why_it_has_its_size() {
    let project = with_agents(&["ann"]);
    let pool = "pools:\n  team:\n    agent: ann\n    size: 1\n    max: 8\n    \
                auto_scale: {scale_up_threshold: 2, cooldown: 1h}\n";
    let applied = project.naos_with(&["apply", "-f", "-"], pool.as_bytes());
    assert_eq!(applied.exit, 0, "{}", applied.stderr);
    assert!(
        !applied.stderr.contains("changes nothing"),
        "{}",
        applied.stderr
    );
    let before = project.json(&["pool", "status", "team"]);
    assert_eq!(
        (&before["size"], &before["scale"]),
        (&json!(1), &Value::Null),
        "{before}"
    );
    let tasks = project.path("tasks.txt");
    std::fs::write(&tasks, "a\nb\nc\nd\ne\n").unwrap();
    let ended = project.json(&["pool", "submit", "team", "--batch", tasks.to_str().unwrap()]);
    assert_eq!(ended["status"], "completed", "{ended}");
    let after = project.json(&["pool", "status", "team"]);
    assert_eq!(after["size"], 2, "{after}");
    let why = "grew from 1 to 2: 5 tasks of a batch were more than 2 for each";
    assert_eq!(after["scale"]["why"], why, "{after}");
    let said = project.naos(&["pool", "status", "team"]);
    assert!(said.stderr.contains(why), "{}", said.stderr);
    let journal = project.json(&["audit", "--action", "resource.pool_scaled"]);
    assert_eq!(journal["items"].as_array().unwrap().len(), 1, "{journal}");
}
