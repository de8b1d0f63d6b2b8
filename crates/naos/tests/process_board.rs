//! Tasks on a board: planned by people, done and looked at by agents, talked about, handed over.

mod project;

use std::time::Duration;

use project::Project;
use project::office::Office;
use serde_json::Value;

/// How long agents may take for what they are asked.
const WORK_MAX: Duration = Duration::from_secs(60);

/// A squad of two with a model that says what the script says.
fn office(script: &str) -> Office {
    let office = Office::new(script);
    office.connect();
    let made = ["squad", "init", "agency", "--only", "jarvis,fury"];
    let made = office.project.naos(&made);
    assert_eq!(made.exit, 0, "{}", made.stderr);
    office
}

impl Office {
    fn create(&self, words: &[&str]) -> Value {
        let words = [&["task", "create"][..], words].concat();
        self.project.json(&words)
    }

    fn show(&self, task: &str) -> Value {
        self.project.json(&["task", "show", task])
    }

    /// Waits until the task is as it should be.
    fn until(&self, task: &str, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let began = naos_engine::clock::tick();
        loop {
            let found = self.show(task);
            if fits(&found) {
                return found;
            }
            assert!(began.elapsed() < WORK_MAX, "not {what}: {found:#}");
            // Each look is a process of its own: that is pause enough.
        }
    }
}

fn id(made: &Value) -> String {
    made["task"].as_str().unwrap().to_owned()
}

#[test]
fn process_a_task_is_done_reviewed_and_approved() {
    let office = office(concat!(
        r#"{"say": "Free, Pro."}"#,
        "\n",
        r#"{"say": "{\"verdict\": \"refute\", \"evidence\": [\"Agency is missing\"]}"}"#,
        "\n",
        r#"{"say": "Free, Pro, Agency."}"#,
        "\n",
        r#"{"say": "```json\n{\"verdict\": \"praise\"}\n```"}"#,
    ));
    let project = &office.project;
    let made = office.create(&[
        "Write the pricing page",
        "--text",
        "Three plans.",
        "--to",
        "jarvis",
        "--reviewer",
        "fury",
        "--approve",
        "--priority",
        "urgent",
        "--due",
        "2026-12-01",
        "--label",
        "site",
    ]);
    let task = id(&made);
    let found = office.until(&task, "up for approval", |found| {
        found["status"] == "human_approval"
    });
    assert_eq!(found["to"], "jarvis", "{found:#}");
    assert_eq!(found["due"], "2026-12-01T00:00:00.000Z", "{found:#}");
    let seen: Vec<String> = office
        .server
        .seen()
        .iter()
        .map(|s| s.body.to_string())
        .collect();
    assert_eq!(seen.len(), 4, "{seen:#?}");
    assert!(seen[0].contains("# Write the pricing page"), "{}", seen[0]);
    assert!(
        seen[1].contains("The result, made by jarvis"),
        "{}",
        seen[1]
    );
    assert!(seen[2].contains("Agency is missing"), "{}", seen[2]);
    // The board holds the task, and not the work of its runs beside it.
    let all = project.json(&["task", "list"]);
    assert_eq!(all["items"].as_array().unwrap().len(), 1, "{all:#}");
    let said = project.naos(&["approve", "--yes"]);
    assert_eq!(said.exit, 0, "{}", said.stderr);
    let done = office.until(&task, "done", |found| found["status"] == "done");
    assert_eq!(done["output"], "Free, Pro, Agency.", "{done:#}");
    assert_eq!(replay_all(project), 4);
}

#[test]
fn process_what_a_person_rejects_is_done_anew() {
    let praise = r#"{"say": "{\"verdict\": \"praise\"}"}"#;
    let (first, second) = (
        r#"{"say": "Free, Pro."}"#,
        r#"{"say": "Free, Pro, Agency."}"#,
    );
    let office = office(&[first, praise, second, praise].join("\n"));
    let project = &office.project;
    let words = ["Prices", "--text", "Three plans.", "--to", "jarvis"];
    let more = ["--reviewer", "fury", "--approve", "--priority", "urgent"];
    let check = ["--check", "short=size(output) < 4000"];
    let task = id(&office.create(&[&words[..], &more[..], &check[..]].concat()));
    let asked = |found: &Value| found["status"] == "human_approval";
    office.until(&task, "up for approval", asked);
    let shown = project.naos(&["task", "show", &task]);
    let asks = "What a person is asked about (naos approve appr_";
    for part in ["short (size(output) < 4000)", asks, "Free, Pro."] {
        assert!(shown.stdout.contains(part), "{part}: {}", shown.stdout);
    }
    let no = project.naos(&["approve", "--no", "--comment", "Agency is missing"]);
    assert_eq!(no.exit, 0, "{}", no.stderr);
    office.until(&task, "failed", |found| found["status"] == "failed");
    let begun = project.naos(&["task", "begin", &task]);
    assert_eq!(begun.exit, 0, "{}", begun.stderr);
    office.until(&task, "up for approval again", asked);
    let seen = office.server.seen();
    let again = seen[2].body.to_string();
    for part in [
        "Free, Pro.",
        "A person rejected this result",
        "a person: Agency is missing",
    ] {
        assert!(again.contains(part), "{part}: {again}");
    }
    let shown = project.naos(&["task", "show", &task]);
    for part in ["A person rejected that", "Agency is missing"] {
        assert!(shown.stdout.contains(part), "{part}: {}", shown.stdout);
    }
    let yes = project.naos(&["approve", "--yes"]);
    assert_eq!(yes.exit, 0, "{}", yes.stderr);
    let done = office.until(&task, "done", |found| found["status"] == "done");
    assert_eq!(done["output"], "Free, Pro, Agency.", "{done:#}");
}

#[test]
fn process_what_is_refuted_is_approved_by_who_says_so() {
    let office = office(concat!(
        r#"{"say": "Free, Pro."}"#,
        "\n",
        r#"{"say": "I looked.\n\n```json\n{\"verdict\": \"refute\", "#,
        r#"\"evidence\": [\"no\"]}\n```\nSo."}"#,
    ));
    let project = &office.project;
    let words = [
        "Prices",
        "--text",
        "x",
        "--to",
        "jarvis",
        "--reviewer",
        "fury",
        "--approve",
    ];
    let more = ["--rounds", "1", "--priority", "urgent", "--expires", "2d"];
    let task = id(&office.create(&[&words[..], &more[..]].concat()));
    office.until(&task, "up for approval", |found| {
        found["status"] == "human_approval"
    });
    let waiting = project.json(&["approve"]);
    let item = &waiting["items"][0];
    assert_eq!(
        (&item["verdict"], &item["priority"]),
        (&"refuted".into(), &"urgent".into())
    );
    let why = item["why"].as_str().unwrap();
    assert!(
        why.contains("fury still refutes it in round 1 of 1"),
        "{why}"
    );
    assert!(item["expires"].is_string(), "{item}");
    let left = project.naos(&["approve", "--all", "--yes"]);
    assert_eq!(left.exit, 4, "{}{}", left.stdout, left.stderr);
    let told = &left.stderr;
    assert!(
        told.contains("fury still refutes it in round 1 of 1"),
        "{told}"
    );
    assert!(
        told.contains("`naos approve --all --refuted --yes`"),
        "{told}"
    );
    assert!(!told.contains("ask an owner"), "{told}");
    let done = project.naos(&["approve", "--all", "--yes", "--refuted"]);
    assert_eq!(done.exit, 0, "{}", done.stderr);
    let done = office.until(&task, "done", |found| found["status"] == "done");
    assert_eq!(done["review"]["verdict"], "refuted", "{done:#}");
    assert!(
        done["review"]["text"]
            .as_str()
            .unwrap()
            .contains("I looked.")
    );
}

/// Every run once more, from the journal alone.
fn replay_all(project: &Project) -> usize {
    let runs = project.json(&["get", "runs"]);
    let runs = runs["items"].as_array().unwrap();
    for run in runs {
        let id = run["run"].as_str().unwrap();
        let again = project.json(&["replay", id]);
        assert_eq!(again["same"], true, "{run:#}: {again:#}");
        assert!(again["calls"].as_u64().unwrap() > 0, "{again:#}");
    }
    runs.len()
}

#[test]
fn process_agents_are_called_in_a_thread_and_tasks_handed_over() {
    let office = office(concat!(
        r#"{"say": "Ten euros. @fury is that right?"}"#,
        "\n",
        r#"{"say": "HEARTBEAT_OK"}"#,
        "\n",
        r#"{"call": [{"name": "hand_over", "#,
        r#""arguments": {"to": "fury", "note": "The draft is in notes/a.md"}}]}"#,
        "\n",
        r#"{"say": "Done by Fury."}"#,
    ));
    let project = &office.project;
    let task = id(&office.create(&["Prices", "--text", "Find out.", "--priority", "urgent"]));
    let said = project.json(&["task", "say", &task, "@jarvis what does it cost? @ghost"]);
    assert_eq!(said["calls"], serde_json::json!(["jarvis"]), "{said}");
    assert_eq!(said["unknown"], serde_json::json!(["ghost"]), "{said}");
    office.until(&task, "answered", |found| {
        let lines = found["messages"].as_array().unwrap();
        lines.len() == 2 && lines[1]["by"] == "jarvis" && office.server.seen().len() == 2
    });
    // Whoever has it may hand it over, and the next one knows what was said.
    let given = project.naos(&["task", "change", &task, "--to", "jarvis"]);
    assert_eq!(given.exit, 0, "{}", given.stderr);
    let done = office.until(&task, "done", |found| found["status"] == "done");
    assert_eq!(done["to"], "fury", "{done:#}");
    assert_eq!(done["output"], "Done by Fury.");
    let last = office.server.seen().pop().unwrap().body.to_string();
    assert!(last.contains("The draft is in notes/a.md"), "{last}");
    assert!(last.contains("what does it cost?"), "{last}");
    assert_eq!(replay_all(project), 4);
    let log = project.naos(&["audit", "--last", "200"]);
    for action in [
        "task.planned",
        "message.said",
        "agent.heartbeat",
        "task.handed_over",
    ] {
        assert!(log.stdout.contains(action), "{action}: {}", log.stdout);
    }
}

#[test]
fn process_what_is_blocked_goes_on_where_it_stood() {
    let office = office(concat!(
        r#"{"say": "The spec."}"#,
        "\n",
        r#"{"say": "The page."}"#,
    ));
    let project = &office.project;
    assert_eq!(project.naos(&["stop", "fury"]).exit, 0);
    let task = id(&office.create(&[
        "Prices",
        "--text",
        "Find out.",
        "--to",
        "jarvis",
        "--then",
        "fury",
        "--priority",
        "urgent",
    ]));
    let found = office.until(&task, "blocked", |found| found["status"] == "blocked");
    let said = found["messages"][0]["text"].as_str().unwrap();
    assert!(said.contains("fury is stopped"), "{said}");
    let early = project.naos(&["task", "begin", &task]);
    assert_eq!(early.exit, 3, "{}", early.stderr);
    assert!(early.stderr.contains("naos start fury"), "{}", early.stderr);
    let deleted = project.naos(&["delete", "agent", "jarvis"]);
    assert_eq!(
        deleted.exit, 0,
        "jarvis is done with it: {}",
        deleted.stderr
    );
    assert_eq!(project.naos(&["start", "fury"]).exit, 0);
    let begun = project.naos(&["task", "retry", &task]);
    assert_eq!(begun.exit, 0, "{}", begun.stderr);
    let done = office.until(&task, "done", |found| found["status"] == "done");
    assert_eq!(done["output"], "The page.");
    let asked: Vec<String> = office
        .server
        .seen()
        .iter()
        .map(|one| one.body.to_string())
        .collect();
    assert_eq!(asked.len(), 2, "jarvis isn't asked again");
    assert!(asked[1].contains("What jarvis made of it"), "{}", asked[1]);
}

#[test]
fn process_what_cannot_be_is_said() {
    let project = Project::new();
    // Whoever says no more than was asked for says which task it is.
    let quiet = project.naos(&["-q", "task", "create", "Call Bob"]);
    let id = quiet.stdout.trim();
    assert!(
        id.starts_with("task_") && !id.contains(char::is_whitespace),
        "{id}"
    );
    assert_eq!(project.json(&["task", "show", id])["title"], "Call Bob");
    let made = project.json(&["task", "create", "Call Ann"]);
    let task = made["task"].as_str().unwrap();
    for (words, exit, said) in [
        (&["task", "create", " "][..], 2, "has a `title`"),
        (
            &["task", "create", "x", "--to", "nobody"],
            1,
            "there is no agent nobody",
        ),
        (
            &["task", "create", "x", "--due", "31 February"],
            2,
            "`due` is a date",
        ),
        (
            &["task", "create", "x", "--priority", "soon"],
            2,
            "low, normal, high or urgent",
        ),
        (&["task", "create", "x", "--approve"], 2, "name a reviewer"),
        (
            &["task", "create", "x", "--after", "task_x"],
            2,
            "no id of a task",
        ),
        (&["task", "change", task], 2, "nothing is said"),
        (&["task", "begin", task], 1, "nobody's"),
        (
            &["task", "hand-over", task, "nobody"],
            1,
            "there is no agent nobody",
        ),
        (
            &["task", "hand-over", task, "mem_zz"],
            1,
            "there is no member mem_zz",
        ),
        (&["audit", "--action", "task.closd"], 2, "task.created"),
        (&["init", "/"], 2, "no directory for one project"),
        (&["task", "say", task, " "], 2, "says nothing"),
        (
            &["task", "show", "task_00000000000000000000000000"],
            1,
            "there is no task",
        ),
    ] {
        let failed = project.naos(words);
        assert!(failed.stderr.contains(said), "{words:?}: {}", failed.stderr);
        assert_eq!(failed.exit, exit, "{words:?}: {}", failed.stderr);
    }
    let done = project.naos(&["task", "done", task, "--output", "She agreed."]);
    assert_eq!(done.exit, 0, "{}", done.stderr);
    let shown = project.naos(&["task", "show", task]);
    assert!(shown.stdout.contains("She agreed."), "{}", shown.stdout);
    let again = project.naos(&["task", "done", task]);
    assert!(again.stderr.contains("done already"), "{}", again.stderr);
}

#[test]
fn process_what_fails_a_check_is_mended_without_a_reviewer() {
    let office = office(concat!(
        r#"{"say": "Free, Pro, and whatever an agency may want to pay."}"#,
        "\n",
        r#"{"say": "Free, Pro."}"#,
        "\n",
        r#"{"say": "{\"verdict\": \"praise\"}"}"#,
    ));
    let project = &office.project;
    let refused = project.naos(&["task", "create", "Prices", "--check", "size(text) <"]);
    assert_ne!(refused.exit, 0);
    assert!(
        refused.stderr.contains("the check size(text) <"),
        "{}",
        refused.stderr
    );
    let words = [
        "Prices",
        "--text",
        "Three plans.",
        "--to",
        "jarvis",
        "--reviewer",
        "fury",
    ];
    let more = ["--check", "short=size(text) < 20", "--priority", "urgent"];
    let task = id(&office.create(&[&words[..], &more[..]].concat()));
    let done = office.until(&task, "done", |found| found["status"] == "done");
    assert_eq!(done["output"], "Free, Pro.", "{done:#}");
    // What failed went back to its author at once, and only what holds was reviewed.
    let seen = office.server.seen();
    assert_eq!(seen.len(), 3, "{seen:#?}");
    let (again, review) = (seen[1].body.to_string(), seen[2].body.to_string());
    assert!(again.contains("size(text) is 50"), "{again}");
    assert!(review.contains("- short (size(text) < 20)"), "{review}");
    let shown = project.naos(&["task", "show", &task]);
    assert!(
        shown.stdout.contains("holds: short (size(text) < 20)"),
        "{}",
        shown.stdout
    );
}

#[test]
fn process_a_question_whose_time_is_over_is_open_to_nobody_who_only_looks() {
    let project = Project::new();
    let plan = "type: plan\nname: asks\nsteps:\n  \
                - {name: ask, approval: {title: Well?, body: x, expires: 1s}}\n";
    let applied = project.naos_with(&["apply", "-f", "-"], plan.as_bytes());
    assert_eq!(applied.exit, 0, "{}", applied.stderr);
    let asked = project.naos(&["plan", "run", "asks", "--json"]);
    let told: Value = serde_json::from_str(&asked.stdout).unwrap();
    let id = told["steps"][0]["approval"].as_str().unwrap();
    let ends = project.json(&["approve", id])["expires"].clone();
    // Times of one length, the greatest part first: they compare as texts.
    while naos_engine::clock::now().rfc3339().as_str() <= ends.as_str().unwrap() {
        std::thread::yield_now();
    }
    // No daemon is up, and whoever looks leaves what is due where it is.
    assert_eq!(project.json(&["approve"])["items"], serde_json::json!([]));
    assert_eq!(project.json(&["approve", id])["status"], "expired");
    let late = project.naos(&["approve", id, "--yes"]);
    assert!(
        late.stderr.contains("it was expired before"),
        "{}",
        late.stderr
    );
}

#[test]
fn process_a_batch_of_approvals_has_an_end() {
    const BATCH: usize = 50;
    let project = Project::new();
    let mut plan = "type: plan\nname: many\nsteps:\n".to_owned();
    for at in 0..BATCH + 2 {
        plan += &format!(
            "  - {{name: ask-{at}, after: [], approval: {{title: \"Bill {at}?\", body: x}}}}\n"
        );
    }
    let applied = project.naos_with(&["apply", "-f", "-"], plan.as_bytes());
    assert_eq!(applied.exit, 0, "{}", applied.stderr);
    let daemon = project.up();
    project.naos(&["plan", "run", "many", "--no-wait"]);
    let waits = |count: usize| {
        let began = naos_engine::clock::tick();
        loop {
            let found = project.json(&["approve"]);
            if found["items"].as_array().unwrap().len() == count {
                return;
            }
            assert!(began.elapsed() < WORK_MAX, "not {count}: {found:#}");
        }
    };
    waits(BATCH + 2);
    let first = project.naos(&["approve", "--all", "--yes"]);
    assert_eq!(first.exit, 0, "{}", first.stderr);
    assert_eq!(first.stdout.matches("Approved: ").count(), BATCH);
    // All of it is shown before any of it is decided.
    let (shown, decided) = (
        first.stdout.rfind("[50 of 50]"),
        first.stdout.find("Approved: "),
    );
    assert!(shown.is_some() && shown < decided, "{}", first.stdout);
    let beyond = "50 are decided at once, and 2 more wait: the same command again";
    assert!(first.stderr.contains(beyond), "{}", first.stderr);
    waits(2);
    let rest = project.naos(&["approve", "--all", "--no"]);
    assert_eq!(rest.exit, 0, "{}", rest.stderr);
    assert!(!rest.stderr.contains("at once"), "{}", rest.stderr);
    // The first no ended the plan, and with it the other question.
    assert!(rest.stderr.contains("it was withdrawn"), "{}", rest.stderr);
    waits(0);
    drop(daemon);
}

#[test]
fn process_an_agent_that_a_person_asks_puts_a_task_of_its_own_on_the_board() {
    let office = office(concat!(
        r#"{"call": [{"name": "task_create", "arguments": {"title": "Pay Riake", "#,
        r#""text": "Before Friday.", "to": "fury", "priority": "high", "#,
        r#""due": "2027-01-15", "labels": ["bills"]}}]}"#,
        "\n",
        r#"{"say": "Fury has it."}"#,
        "\n",
        r#"{"say": "Paid."}"#,
    ));
    let project = &office.project;
    let asked = ["run", "jarvis", "--input", "Have the bill paid."];
    let done = project.naos(&asked);
    assert_eq!(
        (done.exit, done.stdout.trim()),
        (0, "Fury has it."),
        "{}",
        done.stderr
    );
    let all = project.json(&["task", "list"]);
    let items = all["items"].as_array().unwrap();
    let made = items.iter().find(|item| item["title"] == "Pay Riake");
    let task = id(made.unwrap_or_else(|| panic!("{all:#}")));
    let found = office.show(&task);
    assert_eq!(
        (&found["to"], &found["priority"]),
        (&"fury".into(), &"high".into()),
        "{found:#}"
    );
    assert_eq!(found["due"], "2027-01-15T00:00:00.000Z", "{found:#}");
    let said = found["messages"][0]["text"].as_str().unwrap();
    assert!(said.starts_with("jarvis made this in run_"), "{found:#}");
    assert!(said.contains(", for "), "{found:#}");
    let begun = project.naos(&["task", "begin", &task]);
    assert_eq!(begun.exit, 0, "{}", begun.stderr);
    let done = office.until(&task, "done", |found| found["status"] == "done");
    assert_eq!(done["output"], "Paid.", "{done:#}");
    let last = office.server.seen().pop().unwrap().body.to_string();
    for said in [
        "jarvis wants this done, and says",
        "Before Friday.",
        "jarvis made this in",
    ] {
        assert!(last.contains(said), "{said}: {last}");
    }
}
