//! Backups by the real binary: beside a daemon and without one, and what comes of them.

mod project;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use project::{Project, naos_in};
use serde_json::Value;

fn echo(project: &Project) {
    let made = project.naos(&["create", "a", "--template", "echo"]);
    assert_eq!(made.exit, 0, "{}", made.stderr);
}

fn refused(project: &Project, words: &[&str], code: &str) {
    let ended = project.naos(words);
    assert_ne!(ended.exit, 0, "{words:?}");
    assert!(ended.stderr.contains(code), "{words:?}: {}", ended.stderr);
}

#[test]
fn process_a_backup_beside_a_daemon_comes_back_elsewhere() {
    let project = Project::new();
    echo(&project);
    let mut daemon = project.up();
    // Too long for a commit: its body stands in a pack.
    let long = "x".repeat(40_000);
    let run = project.json(&["run", "a", "--input", &long]);
    let made = project.json(&["backup", "office.naos"]);
    assert!(made["facts"].as_u64() >= run["seq"].as_u64(), "{made}");
    assert!(!project.path("office.naos.part").exists());
    let keys = fs::metadata(project.path("office.naos.keys")).unwrap();
    assert_eq!(keys.permissions().mode() & 0o777, 0o600);
    let file = fs::read(project.path("office.naos")).unwrap();
    assert!(
        !file.windows(64).any(|part| part == [b'x'; 64]),
        "it is sealed"
    );
    assert_eq!(
        project.json(&["backup", "verify", "office.naos"])["ok"],
        true
    );
    // What came after it isn't in it.
    project.json(&["run", "a", "--input", "later"]);
    let restored = project.json(&["restore", "office.naos", "--data-dir", "elsewhere"]);
    for (tenant, stands) in restored["tenants"]
        .as_array()
        .unwrap()
        .iter()
        .zip(restored["stands"].as_array().unwrap())
    {
        assert_eq!(tenant["seq"], stands["upto"]);
    }
    let id = run["run"].as_str().unwrap();
    let there = |words: &[&str]| project.json(&[words, &["--data-dir", "elsewhere"]].concat());
    assert_eq!(there(&["get", "run", id])["output"], Value::from(long));
    assert_eq!(
        there(&["get", "runs"])["items"].as_array().unwrap().len(),
        1
    );
    assert_eq!(there(&["audit", "verify"])["ok"], true);
    let audit = there(&["audit", "--action", "tenant.restored"]);
    assert_eq!(audit["items"].as_array().unwrap().len(), 1, "{audit}");
    assert_eq!(there(&["run", "a", "--input", "on"])["output"], "on");
    assert_eq!(daemon.interrupt(), 0);
}

#[test]
fn process_a_backup_without_a_daemon_and_what_is_in_the_way() {
    let project = Project::new();
    echo(&project);
    project.json(&["run", "a", "--input", "alone"]);
    let first = project.json(&["backup", "b.naos"]);
    assert!(first["bytes"].as_u64() > Some(0), "{first}");
    refused(&project, &["backup", "b.naos"], "N0137");
    project.json(&["backup", "b.naos", "--force"]);
    // Never over what it is made of.
    for own in ["data/system.db", "data/owner.token", "data/log/x"] {
        refused(
            &project,
            &["backup", own, "--force"],
            "lies within naos's own data",
        );
    }
    assert_eq!(project.naos(&["status"]).exit, 0);
    refused(&project, &["restore", "b.naos"], "N0137");
    refused(
        &project,
        &["restore", "none.naos", "--data-dir", "e"],
        "N0121",
    );
    refused(
        &project,
        &[
            "backup",
            "verify",
            "nexus.config.yaml",
            "--keys",
            "b.naos.keys",
        ],
        "N0110",
    );
    // Another node's keys are neither taken nor replaced.
    let other = Project::new();
    assert_eq!(naos_in(&other.path("."), &["backup", "o.naos"]).exit, 0);
    let others = other.path("o.naos.keys").display().to_string();
    refused(
        &project,
        &["restore", "b.naos", "--keys", &others, "--data-dir", "e"],
        "N0136",
    );
    refused(&project, &["backup", "c.naos", "--keys", &others], "N0137");
    assert!(!project.path("c.naos").exists() && !project.path("c.naos.part").exists());
    // A flipped bit and a missing end leave nothing behind.
    let good = fs::read(project.path("b.naos")).unwrap();
    let mut flipped = good.clone();
    flipped[good.len() / 2] ^= 1;
    for bad in [&flipped[..], &good[..good.len() - 1], &good[..200]] {
        fs::write(project.path("b.naos"), bad).unwrap();
        refused(&project, &["restore", "b.naos", "--data-dir", "e"], "N0174");
        assert!(!project.path("e").exists() && !project.path(".e.restoring").exists());
    }
    fs::write(project.path("b.naos"), good).unwrap();
    // An empty directory and a restore that was cut short are no hindrance.
    fs::create_dir(project.path("e")).unwrap();
    fs::create_dir(project.path(".e.restoring")).unwrap();
    fs::write(project.path(".e.restoring/x"), "x").unwrap();
    let restored = project.json(&["restore", "b.naos", "--data-dir", "e"]);
    assert_eq!(restored["ok"], true, "{restored}");
    let run = ["run", "a", "--input", "again", "--data-dir", "e"];
    assert_eq!(project.json(&run)["output"], "again");
}

#[test]
fn process_a_backup_never_replaces_its_own_keys() {
    let project = Project::new();
    let made = project.naos(&["create", "echo", "--template", "echo"]);
    assert_eq!(made.exit, 0, "{}", made.stderr);
    for keys in ["one.naos", "./one.naos", "../one.naos"] {
        let file = if keys.starts_with("..") {
            "../one.naos"
        } else {
            "one.naos"
        };
        for more in [&[][..], &["--force"]] {
            let words = [&["backup", file, "--keys", keys], more].concat();
            let refused = project.naos(&words);
            assert_eq!(refused.exit, 2, "{words:?}: {}", refused.stderr);
            assert!(
                refused.stderr.contains("can't both be"),
                "{}",
                refused.stderr
            );
            assert!(!project.path(file).exists(), "{words:?}");
        }
    }
}
