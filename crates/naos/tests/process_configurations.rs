//! Configurations and documents as a person writes them: what is wrong in one is said with its
//! place.

mod project;

use project::Project;
use serde_json::Value;

#[test]
fn process_a_wrong_configuration_is_refused_with_its_place() {
    let project = Project::new();
    let config = project.path("nexus.config.yaml");
    let text = std::fs::read_to_string(&config).unwrap();
    let line = text.lines().count() + 1;
    std::fs::write(&config, format!("{text}agnets:\n  x: {{}}\n")).unwrap();
    let found = project.naos(&["config", "validate"]);
    assert_eq!(found.exit, 2, "{}", found.stderr);
    for text in [&format!("nexus.config.yaml:{line}:1"), "agnets", "agents"] {
        assert!(found.stderr.contains(text), "{text}: {}", found.stderr);
    }
    let found = project.naos(&["config", "validate", "--json"]);
    let found: Value = serde_json::from_str(&found.stdout).unwrap();
    assert_eq!(
        (&found["ok"], &found["errors"][0]["line"]),
        (&false.into(), &line.into())
    );
    std::fs::write(&config, text).unwrap();
    assert_eq!(project.naos(&["config", "validate"]).exit, 0);
}

/// Documents that parse and say something that can't be, each with the place and a word of what
/// is said. `apply` says the same.
const WRONG: &[(&str, &str, &str, &str)] = &[
    (
        "a condition names what isn't there",
        "type: plan\nname: p\ninputs:\n  - {name: client, type: string}\nsteps:\n  - name: a\n    \
         when: inputs.clinet == \"x\"\n    task: {title: hello, input: hello}\n",
        ":7:18",
        "clinet",
    ),
    (
        "a condition isn't yes or no",
        "type: plan\nname: p\nsteps:\n  - name: a\n    when: \"1 + 1\"\n    \
         task: {title: hello, input: hello}\n",
        ":5:11",
        "true or false",
    ),
    (
        "what a step gives is a number, and text is added to it",
        "type: plan\nname: p\nsteps:\n  - name: count\n    compute: 1 + 1\n  - name: a\n    \
         when: count.output + \"x\" > 3\n    task: {title: hello, input: hello}\n",
        ":7:",
        "`string(x)` makes a text",
    ),
    (
        "what an agent answers is compared with a number",
        "type: plan\nname: p\nsteps:\n  - name: count\n    task: {title: hello}\n  \
         - name: a\n    when: count.output > 3\n    task: {title: hello, input: hello}\n",
        ":7:",
        "makes a number of a text",
    ),
    (
        "the policy of data is mistyped",
        "policies: {date: stays}\n",
        ":1:18",
        "unknown key `date` in `policies`; did you mean `data`?",
    ),
    (
        "the policy of data is mistyped in a document of its own",
        "type: policy\nname: data\ndate: stays\n",
        ":3:1",
        "did you mean `data`?",
    ),
    (
        "a template names what isn't there",
        "type: plan\nname: p\nsteps:\n  - name: a\n    task:\n      title: hello\n      \
         input: \"{{ nobody.output }}\"\n",
        ":7:17",
        "nobody",
    ),
    (
        "a template isn't closed",
        "name: s\npatterns: [hello]\nhandler:\n  template: \"{{ input\"\n",
        ":4:13",
        "no end",
    ),
    (
        "a day that is in no month",
        "type: schedule\nname: s\nschedule: \"0 0 31 2 *\"\nagent: a\n",
        ":3:11",
        "no day 31",
    ),
    (
        "no such template",
        "agents:\n  a:\n    template: custm\n",
        ":3:15",
        "custm",
    ),
    (
        "no such component",
        "agents:\n  a:\n    component: ./lost.wasm\n",
        ":3:16",
        "lost.wasm",
    ),
];

#[test]
fn process_validate_says_what_apply_would_say() {
    for (about, text, place, word) in WRONG {
        let project = Project::new();
        std::fs::remove_dir_all(project.path("data")).unwrap();
        std::fs::write(project.path("wrong.yaml"), text).unwrap();
        let found = project.naos(&["config", "validate", "wrong.yaml"]);
        assert_eq!(found.exit, 2, "{about}: {}{}", found.stdout, found.stderr);
        for said in [&format!("wrong.yaml{place}"), *word] {
            assert!(found.stderr.contains(said), "{about}: {}", found.stderr);
        }
        assert!(
            !project.path("data").exists(),
            "{about}: it wrote something"
        );
        let applied = project.naos(&["apply", "-f", "wrong.yaml"]);
        assert_ne!(applied.exit, 0, "{about}: apply takes it");
    }
}

#[test]
fn process_validate_warns_of_what_is_named_and_not_there() {
    let project = Project::new();
    let plan = "type: plan\nname: p\nsteps:\n  - name: a\n    \
                task: {agent: nobody-yet, title: hello, input: hello}\n";
    std::fs::write(project.path("plan.yaml"), plan).unwrap();
    let found = project.naos(&["config", "validate", "plan.yaml", "--json"]);
    assert_eq!(found.exit, 0, "{}", found.stderr);
    let found: Value = serde_json::from_str(&found.stdout).unwrap();
    let warning = &found["warnings"][0];
    assert!(warning["what"].as_str().unwrap().contains("nobody-yet"));
    assert_eq!(
        (&warning["line"], &warning["column"]),
        (&5.into(), &19.into())
    );
    project.json(&["create", "nobody-yet", "--template", "echo"]);
    let known = project.json(&["config", "validate", "plan.yaml"]);
    assert_eq!(
        known["warnings"],
        serde_json::json!([]),
        "it is there by now"
    );
    let tick = "type: schedule\nname: night\n# night\nevery: 1d\nworkflow: night\n";
    std::fs::write(project.path("tick.yaml"), tick).unwrap();
    let found = project.json(&["config", "validate", "tick.yaml"]);
    let warning = &found["warnings"][0];
    assert_eq!(
        warning["what"], "schedule night is waiting: workflow night",
        "{found}"
    );
    assert_eq!(
        (&warning["line"], &warning["column"]),
        (&5.into(), &11.into())
    );
    let morning = "type: instruction\nname: morning\ntrigger: {every: 1d}\nplan:\n  \
                   - {id: fetch, emit: {type: mail.list}}\n  \
                   - {id: tell, emit: {type: note.send, data: {all: \"{{ fetch.output }}\"}}}\n";
    std::fs::write(project.path("morning.yaml"), morning).unwrap();
    let found = project.json(&["config", "validate", "morning.yaml"]);
    let warning = &found["warnings"][0];
    let what = warning["what"].as_str().unwrap();
    assert!(what.contains("a driver that answers mail.list"), "{found}");
    assert_eq!(warning["line"], 5, "{found}");
    project.json(&["apply", "-f", "morning.yaml"]);
    let told = project.json(&["doctor"]).to_string();
    let waits = "instruction morning waits for a driver that answers mail.list";
    assert!(told.contains(waits), "{told}");
    let listed = project.naos(&["schedule", "list"]).stdout;
    let waits = "waits for a driver that answers mail.list";
    assert!(listed.contains(waits), "{listed}");
    let driver = "driver: {id: mail_tool, agent: nobody-yet, capabilities: [mail.list]}\n";
    std::fs::write(project.path("driver.yaml"), driver).unwrap();
    project.json(&["apply", "-f", "driver.yaml"]);
    let known = project.json(&["config", "validate", "morning.yaml"]);
    assert_eq!(
        known["warnings"],
        serde_json::json!([]),
        "it answers by now"
    );
    let told = project.json(&["doctor"]).to_string();
    assert!(!told.contains("instruction morning"), "{told}");
}
