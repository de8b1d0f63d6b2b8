//! `naos doctor cell` as a person uses it. What breaks the cell is a bug put in on purpose: no
//! command is known that does.

mod project;

use std::path::Path;
use std::time::Duration;

use project::Project;

/// Wakes the poison in a daemon, beside whatever bug this test is to catch.
#[cfg(feature = "planted-bugs")]
fn poisoned() -> String {
    let other = std::env::var("NAOS_PLANTED_BUG").unwrap_or_default();
    format!("poison,{other}")
}

#[cfg(feature = "planted-bugs")]
#[test]
fn process_a_broken_cell_is_shown_and_mended() {
    let project = Project::new();
    let bugs = poisoned();
    let bugs = [("NAOS_PLANTED_BUG", bugs.as_str())];
    let mut daemon = project.up_with(&bugs);
    for agent in ["poison", "slow"] {
        let made = project.naos(&["create", agent, "--template", "echo"]);
        assert_eq!(made.exit, 0, "{}", made.stderr);
    }
    let stop = project.naos(&["stop", "poison"]);
    assert_eq!(stop.exit, 1);
    assert!(stop.stderr.contains("N0170"), "{}", stop.stderr);
    assert!(stop.stderr.contains("it is kept"), "{}", stop.stderr);

    daemon.kill();
    let _again = project.up_with(&bugs);
    let cells = project.naos(&["doctor", "cell", "--json"]);
    assert_eq!(cells.exit, 1, "{}", cells.stderr);
    let cells: serde_json::Value = serde_json::from_str(&cells.stdout).unwrap();
    let cell = &cells["items"][0];
    assert_eq!(cell["why"], "a poisoned command");
    assert_eq!(
        (&cell["input"]["kind"], &cell["input"]["state"]),
        (&serde_json::json!("command"), &serde_json::json!("kept"))
    );
    let id = cell["tenant"].as_str().unwrap();
    let shown = project.naos(&["doctor", "cell", id]);
    assert!(
        shown.stdout.contains("--skip --reason TEXT"),
        "{}",
        shown.stdout
    );
    let doctor = project.naos(&["doctor"]);
    assert!(
        doctor.stdout.contains("is quarantined"),
        "{}",
        doctor.stdout
    );
    let restored = project.naos(&["doctor", "cell", id, "--restore"]);
    assert!(restored.stderr.contains("N0179"), "{}", restored.stderr);
    let words = ["doctor", "cell", id, "--skip", "--reason", "it may go on"];
    let skipped = project.naos(&words);
    assert_eq!(skipped.exit, 0, "{}", skipped.stderr);
    assert_eq!(project.naos(&["doctor", "cell"]).exit, 0);
    let audit = project.naos(&["audit", "--action", "tenant.skipped"]);
    assert!(audit.stdout.contains("it may go on"), "{}", audit.stdout);
    let stopped = project.naos(&["stop", "slow"]);
    assert_eq!(stopped.exit, 0, "the cell goes on: {}", stopped.stderr);
}

#[test]
fn process_a_cell_that_is_well_is_called_so() {
    let project = Project::new();
    let listed = project.naos(&["doctor", "cell"]);
    assert_eq!(listed.exit, 0, "{}", listed.stderr);
    assert!(listed.stdout.contains("No cell is quarantined."));
    let none = project.json(&["doctor", "cell"]);
    assert_eq!(none["items"], serde_json::json!([]));
    let status = project.json(&["status"]);
    let id = status["tenant"].as_str().unwrap();
    let shown = project.naos(&["doctor", "cell", id]);
    assert_eq!(shown.exit, 0, "{}", shown.stderr);
    assert!(shown.stdout.contains("is well"), "{}", shown.stdout);
    assert_eq!(project.json(&["doctor", "cell", id])["quarantined"], false);
}

#[test]
fn process_what_is_not_broken_is_not_mended() {
    let project = Project::new();
    let status = project.json(&["status"]);
    let id = status["tenant"].as_str().unwrap();
    let other = naos_types::TenantId(7).to_string();
    for (words, exit, says) in [
        (vec!["doctor", "cell", id, "--restore"], 1, "N0131"),
        (
            vec!["doctor", "cell", id, "--skip", "--reason", "x"],
            1,
            "N0131",
        ),
        (
            vec!["doctor", "cell", id, "--skip", "--reason", " "],
            2,
            "a reason has 1 to 1000 bytes",
        ),
        (vec!["doctor", "cell", id, "--skip"], 2, "--reason"),
        (vec!["doctor", "cell", "--restore"], 2, "ID"),
        (vec!["doctor", "cell", "nobody"], 1, "N0121"),
        (vec!["doctor", "cell", &other, "--restore"], 1, "N0121"),
    ] {
        let ended = project.naos(&words);
        assert_eq!(ended.exit, exit, "{words:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(says), "{words:?}: {}", ended.stderr);
    }
    let audit = project.json(&["audit", "--action", "tenant.skipped"]);
    assert_eq!(audit["items"].as_array().map_or(0, Vec::len), 0, "{audit}");
    for code in ["N0178", "N0179", "N0170"] {
        let told = project.naos(&["explain", code]);
        assert_eq!(told.exit, 0, "{}", told.stderr);
    }
}

/// How long a command may take on a damaged file: none waits for what never comes.
const ANSWER_MAX: Duration = Duration::from_secs(10);

#[test]
fn process_a_damaged_file_is_named_and_nobody_waits_for_it() {
    let project = Project::new();
    assert_eq!(project.naos(&["create", "a", "--template", "echo"]).exit, 0);
    let mut daemon = project.up();
    for _ in 0..20 {
        assert_eq!(project.naos(&["run", "a", "--input", "x"]).exit, 0);
    }
    assert_eq!(daemon.interrupt(), 0);
    let tenant = project.json(&["status"])["tenant"].clone();
    let file = format!("data/tenants/{}.db", tenant.as_str().unwrap());
    let file = project.path(&file);
    let good = std::fs::read(&file).unwrap();
    let data = project.path("data");
    let kept = tempfile::tempdir().unwrap();
    copy(&data, kept.path());
    let mut refused = 0;
    for page in (0..good.len() / 4_096).step_by(2) {
        std::fs::remove_dir_all(&data).unwrap();
        copy(kept.path(), &data);
        let mut bytes = good.clone();
        bytes[page * 4_096 + 1_000] ^= 8;
        std::fs::write(&file, bytes).unwrap();
        for words in [
            &["run", "a", "--input", "y"][..],
            &["backup", "backup.naos"],
            &["logs", "a"],
            &["doctor", "cell", "main"],
        ] {
            let began = naos_engine::clock::tick();
            let ended = project.naos(words);
            let took = began.elapsed();
            assert!(took < ANSWER_MAX, "page {page}, {words:?}: {took:?}");
            let says = format!("page {page}, {words:?}: {}", ended.stderr);
            assert!(ended.exit <= 1, "{says}");
            if ended.exit == 1 && words[0] != "doctor" {
                let named = ended.stderr.contains("a page doesn't match its checksum");
                assert!(named, "{says}");
                assert!(!ended.stderr.contains("[N0100]"), "{says}");
                refused += 1;
            }
        }
        let _ = std::fs::remove_file(project.path("backup.naos"));
        let doctor = project.naos(&["doctor"]);
        assert_eq!(doctor.exit, 1, "page {page}: {}", doctor.stdout);
    }
    assert!(refused > 10, "{refused}");
}

/// A flipped bit in any file of the data: what a backup finds the others find, and they agree. They
/// find more, too: not every page goes into a backup.
#[test]
fn process_what_a_backup_finds_the_doctor_and_a_proof_find() {
    let project = Project::new();
    assert_eq!(project.naos(&["create", "a", "--template", "echo"]).exit, 0);
    for _ in 0..5 {
        assert_eq!(project.naos(&["run", "a", "--input", "x"]).exit, 0);
    }
    let data = project.path("data");
    let kept = tempfile::tempdir().unwrap();
    copy(&data, kept.path());
    let mut files = Vec::new();
    for folder in ["tenants", "log", "bodies"] {
        let entries = std::fs::read_dir(kept.path().join(folder)).unwrap();
        files.extend(
            entries.map(|entry| format!("{folder}/{}", entry.unwrap().file_name().display())),
        );
    }
    files.push("system.db".to_owned());
    let mut found = std::collections::BTreeSet::new();
    for file in &files {
        let bytes = std::fs::read(kept.path().join(file)).unwrap();
        for share in [12, 45, 88] {
            std::fs::remove_dir_all(&data).unwrap();
            copy(kept.path(), &data);
            let mut bytes = bytes.clone();
            let at = bytes.len() * share / 100;
            bytes[at] ^= 16;
            std::fs::write(data.join(file), bytes).unwrap();
            let verdicts = [
                &["backup", "backup.naos"][..],
                &["doctor"],
                &["audit", "verify", "--all"],
            ]
            .map(|words| project.naos(words));
            let exits: Vec<i32> = verdicts.iter().map(|ended| ended.exit).collect();
            let says: Vec<&str> = verdicts.iter().map(|ended| ended.stderr.as_str()).collect();
            assert!(
                exits[1] == exits[2] && exits[0] <= exits[1],
                "{file} at {share} %: {exits:?} {says:?} {}",
                verdicts[1].stdout
            );
            if exits[1] == 1 {
                assert!(!says[0].contains("make room"), "{file}: {}", says[0]);
                found.insert(file);
            }
            for name in ["backup.naos", "backup.naos.keys"] {
                let _ = std::fs::remove_file(project.path(name));
            }
        }
    }
    assert_eq!(
        found.len(),
        files.len(),
        "every file has a place that matters"
    );
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// What is named and isn't there, and what is there and does nothing, is told by whoever applies it
/// and by who looks whether all is well.
#[test]
fn process_a_missing_model_and_an_idle_policy_are_told() {
    let project = Project::new();
    let text = "type: agent\nname: lone\nmodel: nosuch\nprompt: p\n---\n\
                type: model\nname: first\nprovider: ollama\nmodel: m\n\
                endpoint: http://127.0.0.1:11434\nfallback: [lost]\n---\n\
                driver: {id: post, agent: lone, capabilities: [mail.read]}\n---\n\
                type: schedule\nname: night\nevery: 1h\nagent: lone\ninput: x\n---\n\
                type: policy\nname: deny\ncondition: \"true\"\naction: deny\napplies_to: [\"*\"]\n";
    let path = project.path("all.yaml");
    std::fs::write(&path, text).unwrap();
    let file = path.to_str().unwrap();
    let strict = project.naos(&["apply", "-f", file, "--strict"]);
    assert_ne!(strict.exit, 0, "{}", strict.stderr);
    let says = [
        "agent lone is waiting: model nosuch",
        "lost is to stand in for the model first",
    ];
    for words in [
        &["config", "validate", file][..],
        &["apply", "-f", file][..],
    ] {
        let ended = project.naos(words);
        assert_eq!(ended.exit, 0, "{}", ended.stderr);
        for said in says.iter().chain(&["nothing enforces it yet"]) {
            assert!(ended.stderr.contains(said), "{words:?}: {}", ended.stderr);
        }
    }
    for (words, said) in [
        (&["driver", "list"][..], "waiting: model nosuch"),
        (&["schedule", "list"][..], "waits for model nosuch"),
        (&["get", "agents"][..], "model nosuch"),
        (
            &["doctor"][..],
            "no model nosuch, for which agent lone waits",
        ),
        (
            &["doctor"][..],
            "no model lost, the fallback of model first",
        ),
        (
            &["doctor"][..],
            "policy deny is kept, and nothing enforces it yet",
        ),
        (
            &["doctor"][..],
            "schedule night waits for model nosuch: what it starts fails",
        ),
    ] {
        let told = project.naos(words).stdout;
        assert!(told.contains(said), "{words:?}: {said}: {told}");
    }
    let named = "type: agent\nname: none\nmodel: first\nprompt: p\n";
    std::fs::write(&path, named).unwrap();
    for words in [
        &["config", "validate", file][..],
        &["apply", "-f", file][..],
    ] {
        let refused = project.naos(words);
        assert_eq!(refused.exit, 2, "{words:?}: {}", refused.stderr);
        assert!(
            refused.stderr.contains("stands for nobody"),
            "{}",
            refused.stderr
        );
    }
}
