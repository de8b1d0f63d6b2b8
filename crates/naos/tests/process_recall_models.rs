//! Recall by what words mean: a model on this machine, that agents and people find by alike; and
//! what is said of one that can't be used.

mod project;

use naos_modelserver::Step;
use project::office::Office;
use project::{Project, command, put, tiny_model};
use serde_json::{Value, json};

const CAR: &str = "The car stands behind the mill";
const VARIABLE: &str = "NAOS_RECALL_MODEL";

/// An agent that keeps two notes, and asks for one of them by another word.
fn script() -> String {
    let called = |name: &str, arguments: Value| json!({"name": name, "arguments": arguments});
    let fact = |fact: &str| {
        let given = json!({"fact": fact, "confidence": 0.9, "source": "Ann"});
        called("remember", given)
    };
    let kept = json!({"call": [fact(CAR), fact("The boat is in the yard")]});
    let asked = json!({"call": [called("recall", json!({"query": "Where is the vehicle?"}))]});
    let said = json!({"say": "Done."});
    [kept, said.clone(), asked, said]
        .iter()
        .map(|step| format!("{step}\n"))
        .collect()
}

fn squad(settings: &[(&str, &str)]) -> Office {
    let office = Office::beside(Step::parse_all(&script()).unwrap(), "", settings);
    office.connect();
    let words = ["squad", "init", "agency", "--only", "jarvis"];
    let made = office.project.naos(&words);
    assert_eq!(made.exit, 0, "{}", made.stderr);
    for _ in 0..2 {
        let done = office.project.json(&["run", "jarvis", "--input", "Look."]);
        assert_eq!(done["status"], "completed", "{done}");
    }
    office
}

/// All that the model was asked last.
fn last_asked(office: &Office) -> String {
    office.server.seen().pop().unwrap().body.to_string()
}

#[test]
fn process_an_agent_recalls_by_what_words_mean() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("tiny");
    tiny_model::write(&folder);
    let office = squad(&[(VARIABLE, folder.to_str().unwrap())]);
    let asked = last_asked(&office);
    for said in ["1 of 1 that fit", "Where is the vehicle?"] {
        assert!(asked.contains(said), "{said}: {asked}");
    }
    // People find by the same: it is the daemon's, whatever they set themselves.
    let search = ["memory", "search", "jarvis", "vehicle"];
    let found = office.project.json(&search);
    assert_eq!(found["items"][0]["text"], CAR, "{found:#}");
    assert_eq!(
        (&found["fit"], &found["by"]),
        (&json!(1), &json!("model tiny"))
    );
    let status = office.project.json(&["status"]);
    assert_eq!(status["recall"], "model tiny");
    let shown = office.project.naos(&["status"]);
    assert!(
        shown.stdout.contains("Recall: words and model tiny"),
        "{}",
        shown.stdout
    );
    // What the configuration says is another matter, and is told.
    let doctor = office.project.naos(&["doctor", "--json"]);
    for said in [
        "by words and their letters",
        "the daemon goes by model tiny",
    ] {
        assert!(doctor.stdout.contains(said), "{said}: {}", doctor.stdout);
    }
}

#[test]
fn process_without_a_model_another_word_finds_nothing() {
    let office = squad(&[]);
    let asked = last_asked(&office);
    assert!(asked.contains("Nothing fits"), "{asked}");
    let found = office
        .project
        .json(&["memory", "search", "jarvis", "vehicle"]);
    assert_eq!(
        (&found["fit"], &found["by"]),
        (&json!(0), &json!("letters"))
    );
    assert_eq!(found["by_letters"], Value::Null);
    let one = office.project.json(&["memory", "search", "jarvis", "car"]);
    assert_eq!(one["items"][0]["text"], CAR, "{one:#}");
}

/// A project whose configuration names a model, and an agent that remembers.
fn configured(section: &str) -> Project {
    let project = Project::new();
    let path = project.path("nexus.config.yaml");
    let config = std::fs::read_to_string(&path).unwrap();
    put(&path, format!("{config}\n{section}\n"));
    tiny_model::write(&project.path("models/tiny"));
    let made = project.naos(&["squad", "init", "agency", "--only", "jarvis"]);
    assert_eq!(made.exit, 0, "{}", made.stderr);
    put(&project.path("kept/MEMORY.md"), format!("- {CAR}\n"));
    let dir = project.path("kept");
    let taken = [
        "memory",
        "import",
        "jarvis",
        dir.to_str().unwrap(),
        "--force",
    ];
    let taken = project.naos(&taken);
    assert_eq!(taken.exit, 0, "{}", taken.stderr);
    project
}

const SEARCH: [&str; 4] = ["memory", "search", "jarvis", "vehicle"];

#[test]
fn process_the_configuration_names_a_model() {
    let project = configured("recall: {model: models/tiny, cosine_min: 0.5}");
    let found = project.json(&SEARCH);
    assert_eq!(found["items"][0]["text"], CAR, "{found:#}");
    let doctor = project.naos(&["doctor", "--json"]);
    let said = "by words and the model tiny, 3 dimensions";
    assert!(doctor.stdout.contains(said), "{}", doctor.stdout);
    // Near, and not near enough: the two words are at 0.99.
    let project = configured("recall: {model: models/tiny, cosine_min: 0.999}");
    assert_eq!(project.json(&SEARCH)["fit"], 0);
}

#[test]
fn process_a_model_that_cant_be_used_says_what_is_wrong_with_it() {
    let project = configured("recall: {embedder: model, model: models/tiny}");
    let folder = project.path("models/tiny");
    let table = std::fs::read(folder.join("model.safetensors")).unwrap();
    let cut_short = &table[..table.len() - 8];
    let (flat, few) = (
        tiny_model::table(&[1.0; 6], &[6]),
        tiny_model::table(&[1.0; 6], &[2, 3]),
    );
    let wide = tiny_model::table(&[1.0; 5_000], &[1, 5_000]);
    let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 30\n";
    for (file, content, said) in [
        ("model.safetensors", cut_short, "broken or cut short"),
        ("model.safetensors", &b"no table"[..], "broken or cut short"),
        ("model.safetensors", &flat[..], "in 1 directions"),
        (
            "model.safetensors",
            &few[..],
            "2 vectors, and tokenizer.json has 5 words",
        ),
        ("model.safetensors", &wide[..], "5000 numbers"),
        ("model.safetensors", &pointer[..], "git lfs pull"),
        (
            "tokenizer.json",
            &b"{}"[..],
            "doesn't say how texts are cut",
        ),
        ("config.json", &b"none"[..], "config.json"),
    ] {
        tiny_model::write(&folder);
        put(&folder.join(file), content);
        let up = command(&project.path("."))
            .args(["up", "--port", "0"])
            .output()
            .unwrap();
        let stderr = String::from_utf8(up.stderr).unwrap();
        assert!(!up.status.success(), "{file}: {said}");
        for said in [said, "models/tiny"] {
            assert!(stderr.contains(said), "{file}, {said}: {stderr}");
        }
    }
    // A command that does something else isn't stopped by it; what it recalls says so.
    std::fs::remove_file(folder.join("tokenizer.json")).unwrap();
    let found = project.naos(&SEARCH);
    assert_eq!(found.exit, 0, "{}", found.stderr);
    for said in ["By words and letters alone", "tokenizer.json isn't there"] {
        assert!(found.stderr.contains(said), "{said}: {}", found.stderr);
    }
    let doctor = project.naos(&["doctor", "--json"]);
    assert_eq!(doctor.exit, 1, "{}", doctor.stdout);
    assert!(
        doctor.stdout.contains("tokenizer.json isn't there"),
        "{}",
        doctor.stdout
    );
    std::fs::remove_dir_all(&folder).unwrap();
    let doctor = project.naos(&["doctor", "--json"]);
    assert!(
        doctor.stdout.contains("there is no such folder"),
        "{}",
        doctor.stdout
    );
}

#[test]
fn process_a_section_that_cant_be_read_isnt_taken_for_letters() {
    let project = configured("");
    let path = project.path("nexus.config.yaml");
    let config = std::fs::read_to_string(&path).unwrap();
    put(&path, format!("{config}\nrecall: {{mdoel: models/tiny}}\n"));
    let up = project.naos(&["up", "--port", "0"]);
    assert_ne!(up.exit, 0);
    for said in ["`recall`", "naos config validate"] {
        assert!(up.stderr.contains(said), "{said}: {}", up.stderr);
    }
}
