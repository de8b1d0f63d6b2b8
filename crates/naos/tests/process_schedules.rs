//! Schedules as they are typed, and over the death of a daemon.

mod project;

use std::time::Duration;

use project::Project;
use serde_json::{Value, json};

/// The longest time that anything here may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Asks until it is so.
fn wait_until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let began = naos_engine::clock::tick();
    loop {
        if let Some(found) = ask() {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "{what} didn't happen");
    }
}

fn apply(project: &Project, text: &str) {
    let applied = project.naos_with(&["apply", "-f", "-"], text.as_bytes());
    assert_eq!(applied.exit, 0, "{}", applied.stderr);
}

fn one(project: &Project, name: &str) -> Value {
    project.json(&["schedule", "show", name])
}

#[test]
fn process_a_killed_daemon_runs_each_second_once() {
    let project = Project::new();
    project.json(&["create", "bell", "--template", "echo"]);
    let mut daemon = project.up();
    apply(
        &project,
        "type: schedule\nname: tick\nevery: 1s\nmissed: {catch-up: 1000}\n\
         agent: bell\ninput: ding\n",
    );
    let runs = |least: u64| {
        wait_until("a run", || {
            let found = one(&project, "tick")["runs"].as_u64().unwrap();
            (found >= least).then_some(found)
        })
    };
    let mut through = runs(2);
    for _ in 0..2 {
        daemon.kill();
        // Some seconds pass without anybody.
        let dead = naos_engine::clock::tick();
        wait_until("some seconds", || {
            project.naos(&["--version"]);
            (dead.elapsed() > Duration::from_secs(3)).then_some(())
        });
        daemon = project.up();
        through = runs(through + 4);
    }
    let paused = project.json(&["schedule", "pause", "tick"]);
    assert_eq!(
        (&paused["status"], &paused["missed"]),
        (&json!("paused"), &json!(0))
    );
    let fired = project.json(&["audit", "--last", "1000", "--action", "schedule.fired"]);
    let mut times: Vec<i64> = fired["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            let detail = row["detail"].as_str().unwrap();
            let at: jiff::Timestamp = detail.split(" for ").nth(1).unwrap().parse().unwrap();
            at.as_millisecond()
        })
        .collect();
    times.sort_unstable();
    assert_eq!(times.len() as u64, paused["runs"].as_u64().unwrap());
    for pair in times.windows(2) {
        assert_eq!(
            pair[1] - pair[0],
            1_000,
            "each second once, and none left out: {times:?}"
        );
    }
    let done = wait_until("the last run", || {
        let runs = project.json(&["get", "runs", "--limit", "1000"]);
        let runs = runs["items"].as_array().unwrap().clone();
        runs.iter()
            .all(|run| run["status"] == "completed")
            .then_some(runs.len())
    });
    assert_eq!(done, times.len(), "one run for each time");
    assert_eq!(daemon.interrupt(), 0);
}

#[test]
fn process_schedules_are_listed_paused_and_run() {
    let project = Project::new();
    project.json(&["create", "bell", "--template", "echo"]);
    apply(
        &project,
        "type: schedule\nname: standup\ncron: 0 9 * * MON-FRI\n\
         timezone: Indian/Antananarivo\nagent: bell\ninput: ding\n",
    );
    let listed = project.json(&["get", "schedules"]);
    let found = &listed["items"][0];
    assert_eq!(
        (&found["name"], &found["status"]),
        (&json!("standup"), &json!("active"))
    );
    let next = found["next"].as_array().unwrap();
    assert_eq!(next.len(), 5);
    for time in next {
        assert!(time.as_str().unwrap().ends_with("T06:00:00.000Z"), "{time}");
    }
    let table = project.naos(&["get", "schedules"]).stdout;
    for word in [
        "standup",
        "active",
        "Indian/Antananarivo",
        "0 9 * * MON-FRI",
        "agent bell",
    ] {
        assert!(table.contains(word), "{word}: {table}");
    }
    assert_eq!(
        project.json(&["schedule", "next", "standup"])["next"],
        found["next"]
    );
    for (verb, said) in [
        ("resume", "standup wasn't paused."),
        ("pause", "standup is paused."),
        ("pause", "standup was paused already."),
        ("resume", "standup goes on, next at "),
    ] {
        let told = project.naos(&["schedule", verb, "standup"]).stdout;
        assert!(told.starts_with(said), "{verb}: {told}");
    }
    let began = project.json(&["schedule", "run-now", "standup"]);
    assert!(
        began["began"]["task"]
            .as_str()
            .unwrap()
            .starts_with("task_"),
        "{began}"
    );
    assert_eq!(began["next"], found["next"], "its own times stay");
    assert_eq!(
        project.json(&["schedule", "pause", "standup"])["next"],
        json!([])
    );
    assert_eq!(one(&project, "standup")["status"], "paused");
    let resumed = project.json(&["schedule", "resume", "standup"]);
    assert_eq!(
        (&resumed["status"], &resumed["next"]),
        (&json!("active"), &found["next"])
    );
    let text = "type: schedule\nname: round-up\ncron: 0 9 * * *\nstandup: {to: [nobody]}\n";
    let applied = project.naos_with(&["apply", "-f", "-"], text.as_bytes());
    assert_eq!(applied.exit, 0, "{}", applied.stderr);
    let warned = "no member is called @nobody";
    assert!(applied.stderr.contains(warned), "{}", applied.stderr);
    let text = "type: schedule\nname: quiet\ncron: 0 9 * * *\nstandup: true\n";
    apply(&project, text);
    let told = project.naos(&["schedule", "run-now", "quiet"]).stdout;
    let since = one(&project, "quiet")["since"].as_str().unwrap().to_owned();
    let nothing = format!("Nothing happened since {since}: nobody was told anything.");
    assert!(told.contains(&nothing), "it never told before: {told}");
    for name in ["round-up", "quiet"] {
        project.json(&["delete", "schedule", name]);
    }
    for (words, exit, said) in [
        (&["schedule", "show", "nothing"][..], 1, "N0121"),
        (&["schedule", "pause", "nothing"], 1, "N0121"),
        (&["schedule", "skip"], 2, "skip"),
    ] {
        let ended = project.naos(words);
        assert_eq!(ended.exit, exit, "{words:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(said), "{words:?}: {}", ended.stderr);
    }
    // In parts, in the order of their names.
    apply(
        &project,
        "type: schedule\nname: tidy\nevery: 1d\nagent: bell\noverlap: wait\n",
    );
    let first = project.json(&["get", "schedules", "--limit", "1"]);
    assert_eq!(first["items"][0]["name"], "standup", "{first}");
    let next = first["next"].as_str().unwrap();
    let rest = project.json(&["get", "schedules", "--before", next]);
    assert_eq!(rest["items"][0]["name"], "tidy", "{rest}");
    assert_eq!(
        (&rest["items"][0]["overlap"], &rest["next"]),
        (&json!("wait"), &Value::Null)
    );
    project.json(&["delete", "schedule", "tidy"]);
    project.json(&["delete", "schedule", "standup"]);
    assert_eq!(project.json(&["get", "schedules"])["items"], json!([]));
}

#[test]
fn process_impossible_times_are_refused() {
    let project = Project::new();
    for (text, place, named) in [
        ("cron: 0 0 31 2 *", "3:7", "31"),
        ("cron: 0 9 * * *\ntimezone: Mars/Base", "4:11", "Mars/Base"),
        (
            "at: 2020-01-01T00:00",
            "3:5",
            "2020-01-01T00:00:00.000Z is in the past",
        ),
        ("every: 100ms", "3:8", "1s"),
        ("every: 5m\noverlap: wiat", "4:10", "did you mean `wait`"),
    ] {
        let text = format!("type: schedule\nname: s\n{text}\nevent: a.b\n");
        let ended = project.naos_with(&["apply", "-f", "-"], text.as_bytes());
        assert_eq!(ended.exit, 2, "{text}: {}", ended.stderr);
        for word in [place, named] {
            assert!(ended.stderr.contains(word), "{word}: {}", ended.stderr);
        }
    }
    assert_eq!(project.json(&["get", "schedules"])["items"], json!([]));
}

/// The guide's documents are applied as they stand there.
#[test]
fn process_the_guide_is_true() {
    let guide = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/schedules.md");
    let guide = std::fs::read_to_string(guide).unwrap();
    let blocks = guide.split("```yaml\n").skip(1);
    let blocks: Vec<&str> = blocks.filter_map(|rest| rest.split("```").next()).collect();
    assert!(blocks.len() >= 3);
    let project = Project::new();
    for block in &blocks {
        apply(&project, block);
    }
    let listed = project.json(&["get", "schedules"]);
    let listed = listed["items"].as_array().unwrap();
    for name in ["standup", "tick", "new-year", "round", "standup-notes"] {
        let found = listed.iter().find(|item| item["name"] == name);
        let found = found.unwrap_or_else(|| panic!("{name} isn't listed"));
        assert_eq!(found["status"], "active", "{found}");
        assert!(!found["next"].as_array().unwrap().is_empty(), "{found}");
    }
    let commands = guide.split("```\nnaos get schedules").nth(1).unwrap();
    let commands = commands.split("```").next().unwrap();
    for line in commands.lines().filter(|line| line.starts_with("naos ")) {
        let words = line.split('#').next().unwrap().split_whitespace().skip(1);
        let words: Vec<&str> = words.collect();
        // The workflow of the guide isn't there: a run out of turn says so.
        let wanted = i32::from(words.contains(&"run-now"));
        let ended = project.naos(&words);
        assert_eq!(ended.exit, wanted, "{line}: {}", ended.stderr);
    }
}
