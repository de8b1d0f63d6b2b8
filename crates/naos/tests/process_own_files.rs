//! The project's own files beside what people set by command, and a file that can't be taken over.

mod project;

use std::fs;

use naos_types::IDENTITY_BYTES_MAX;
use project::{Project, put};
use serde_json::Value;

/// A project of three agents, one of which has a budget, applied once.
fn project(description: &str, budget: &str) -> (Project, impl Fn(&str, &str) -> String) {
    let config = |description: &str, budget: &str| {
        format!(
            "project: x\nagents:\n  reader:\n    template: echo\n    budget: {budget}\n  \
             writer:\n    template: echo\n    description: {description}\n  \
             third:\n    template: echo\n"
        )
    };
    let project = Project::new();
    let text = config(description, budget);
    fs::write(project.path("nexus.config.yaml"), text).unwrap();
    let ran = project.json(&["run", "reader", "--input", "x"]);
    assert_eq!(ran["output"], "x");
    (project, config)
}

fn limit(project: &Project) -> Value {
    project.json(&["cost", "status", "reader"])["budgets"][0]["limit_micros"].clone()
}

fn has(project: &Project, agent: &str) -> bool {
    let agents = project.json(&["get", "agents"]);
    let mut all = agents["items"].as_array().unwrap().iter();
    all.any(|one| one["name"] == agent)
}

#[test]
fn process_what_was_set_by_command_holds_until_its_file_says_otherwise() {
    let (project, config) = project("Writes.", "$10/day");
    let write = |description: &str, budget: &str| {
        let text = config(description, budget);
        fs::write(project.path("nexus.config.yaml"), text).unwrap();
    };
    for words in [
        &["cost", "set", "reader", "--budget", "$2/day"][..],
        &["delete", "agent", "third"],
    ] {
        let ended = project.naos(words);
        assert_eq!(ended.exit, 0, "{words:?}: {}", ended.stderr);
    }
    // Something else changed: what was set holds, and each of both is named once.
    write("Writes letters.", "$10/day");
    let ran = project.naos(&["run", "writer", "--input", "x"]);
    assert_eq!(ran.exit, 0, "{}", ran.stderr);
    for said in [
        "applied the project's files: 1 resource is new or changed",
        "budget reader was changed by command",
        "agent third was deleted by command",
        "nexus.config.yaml:",
    ] {
        assert!(ran.stderr.contains(said), "{said}: {}", ran.stderr);
    }
    assert_eq!(
        (limit(&project), has(&project, "third")),
        (2_000_000.into(), false)
    );
    write("Writes mails.", "$10/day");
    let ran = project.naos(&["run", "writer", "--input", "x"]);
    assert!(ran.stderr.contains("1 resource is"), "{}", ran.stderr);
    assert!(!ran.stderr.contains("by command"), "{}", ran.stderr);
    assert_eq!(
        (limit(&project), has(&project, "third")),
        (2_000_000.into(), false)
    );
    // Its own document says something else: that holds from then on, and isn't silent either.
    write("Writes mails.", "$5/day");
    let ran = project.naos(&["run", "writer", "--input", "x"]);
    assert!(
        ran.stderr.contains("budget reader was changed by command"),
        "{}",
        ran.stderr
    );
    assert_eq!(
        (limit(&project), has(&project, "third")),
        (5_000_000.into(), false)
    );
    // Who says so gets all that the files say.
    let applied = project.naos(&["apply"]);
    assert_eq!(applied.exit, 0, "{}", applied.stderr);
    assert!(
        applied
            .stderr
            .contains("agent third was deleted by command"),
        "{}",
        applied.stderr
    );
    assert!(has(&project, "third"));
}

#[test]
fn process_a_file_that_is_too_large_concerns_its_agent_alone() {
    let office = project::office::Office::new("{\"say\": \"Done.\"}\n{\"say\": \"Again.\"}\n");
    office.connect();
    let project = &office.project;
    let made = project.naos(&["squad", "init", "agency", "--only", "jarvis,fury"]);
    assert_eq!(made.exit, 0, "{}", made.stderr);
    let soul = project.path("agents/jarvis/SOUL.md");
    let (bytes, before) = (IDENTITY_BYTES_MAX + 1, fs::read_to_string(&soul).unwrap());
    put(&soul, "x".repeat(bytes as usize));
    let told = format!("agents/jarvis/SOUL.md has {bytes} bytes, at most {IDENTITY_BYTES_MAX}");
    let other = project.naos(&["run", "fury", "--input", "x"]);
    assert_eq!(other.exit, 0, "{}", other.stderr);
    assert_eq!(other.stderr.matches(&told).count(), 1, "{}", other.stderr);
    let own = project.naos(&["run", "jarvis", "--input", "x"]);
    assert_ne!(own.exit, 0, "{}", own.stdout);
    assert_eq!(own.stderr.matches(&told).count(), 1, "{}", own.stderr);
    let doctor = project.naos(&["doctor"]);
    assert!(doctor.stdout.contains(&told), "{}", doctor.stdout);
    // Who it was so far, it is still, and the door has the same bound.
    let kept = project.json(&["document", "show", "agents/jarvis/SOUL.md"]);
    assert_eq!(kept["text"], before.as_str());
    put(&project.path("soul.md"), "x".repeat(bytes as usize));
    let refused = project.naos(&["document", "put", "soul.md", "agents/jarvis/SOUL.md"]);
    assert_ne!(refused.exit, 0);
    assert!(refused.stderr.contains(&told), "{}", refused.stderr);
    let other = project.naos(&["document", "put", "soul.md", "notes/long.md"]);
    assert_eq!(other.exit, 0, "{}", other.stderr);
    // Mended, it is taken over.
    put(&soul, "You are short.\n");
    let own = project.naos(&["run", "jarvis", "--input", "x"]);
    assert_eq!(own.exit, 0, "{}", own.stderr);
    let kept = project.json(&["document", "show", "agents/jarvis/SOUL.md"]);
    assert_eq!(kept["text"], "You are short.\n");
}
