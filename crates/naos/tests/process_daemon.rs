//! Commands beside a daemon, after a killed one, and among each other.

mod project;

use std::fs;
use std::io::BufRead;
use std::os::unix::fs::PermissionsExt;
use std::process::Child;

use project::{Daemon, Project, begin, told};

fn echo(project: &Project) {
    let made = project.naos(&["create", "a", "--template", "echo"]);
    assert_eq!(made.exit, 0, "{}", made.stderr);
}

#[test]
fn process_commands_reach_the_daemon_and_do_without_it() {
    let project = Project::new();
    echo(&project);
    assert_eq!(
        project.json(&["run", "a", "--input", "alone"])["output"],
        "alone"
    );
    let mut daemon = project.up();
    assert!(
        daemon.said["url"]
            .as_str()
            .unwrap()
            .starts_with("http://127.0.0.1:")
    );
    assert_eq!(
        project.json(&["run", "a", "--input", "beside"])["output"],
        "beside"
    );
    let status = project.json(&["status"]);
    assert!(status["daemon"]["port"].as_u64().unwrap() > 0, "{status}");
    assert_eq!(daemon.interrupt(), 0);
    assert!(!project.path("data/daemon.json").exists());
    assert_eq!(
        project.json(&["run", "a", "--input", "after"])["output"],
        "after"
    );
    assert!(project.json(&["status"])["daemon"].is_null());
    let runs = project.json(&["get", "runs"]);
    assert_eq!(runs["items"].as_array().unwrap().len(), 3);
}

#[test]
fn process_a_limit_on_the_size_of_files_is_a_full_disk() {
    let project = Project::new();
    echo(&project);
    let mut daemon = project.up();
    assert_eq!(
        project.json(&["run", "a", "--input", "before"])["output"],
        "before"
    );
    daemon.files_up_to(Some(0));
    let refused = project.naos(&["run", "a", "--input", "meanwhile"]);
    assert!(
        refused.exit == 1 && refused.stderr.contains("N0171"),
        "{}",
        refused.stderr
    );
    daemon.files_up_to(None);
    assert_eq!(
        project.json(&["run", "a", "--input", "after"])["output"],
        "after"
    );
    assert_eq!(daemon.interrupt(), 0);
    let runs = project.json(&["get", "runs"]);
    assert_eq!(runs["items"].as_array().unwrap().len(), 2, "{runs}");
}

#[test]
fn process_a_second_daemon_is_refused() {
    let project = Project::new();
    let _daemon = project.up();
    let second = project.naos(&["up", "--port", "0"]);
    assert!(
        second.exit == 1 && second.stderr.contains("N0135"),
        "{}",
        second.stderr
    );
}

#[test]
fn process_what_a_killed_daemon_leaves_behind_fools_nobody() {
    let project = Project::new();
    echo(&project);
    let mut daemon = project.up();
    let kept = project.json(&["run", "a", "--input", "kept"]);
    daemon.kill();
    assert!(project.path("data/daemon.json").exists());
    let id = kept["run"].as_str().unwrap();
    assert_eq!(project.json(&["get", "run", id])["output"], "kept");
    assert_eq!(project.json(&["audit", "verify"])["ok"], true);
    let mut next = project.up();
    assert_eq!(
        project.json(&["run", "a", "--input", "next"])["output"],
        "next"
    );
    assert_eq!(next.interrupt(), 0);
}

#[test]
fn process_commands_at_the_same_time_wait_for_each_other() {
    let project = Project::new();
    echo(&project);
    std::thread::scope(|scope| {
        let one = |n: usize| {
            let text = format!("text {n}");
            let run = project.json(&["run", "a", "--input", &text]);
            assert_eq!(run["output"], text);
        };
        for n in 0..4 {
            scope.spawn(move || one(n));
        }
    });
    assert_eq!(
        project.json(&["get", "runs"])["items"]
            .as_array()
            .unwrap()
            .len(),
        4
    );
}

#[test]
fn process_secrets_are_for_their_owner() {
    let project = Project::new();
    let daemon = project.up();
    for path in [
        "data/owner.token",
        "data/daemon.json",
        "data/keys/cache.key",
    ] {
        let mode = fs::metadata(project.path(path))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o077, 0, "{path}: {mode:o}");
    }
    let token = fs::read_to_string(project.path("data/owner.token")).unwrap();
    assert!(
        !daemon.said.to_string().contains(token.trim()),
        "the token is never printed"
    );
}

#[test]
fn process_who_signed_in_stays_signed_in_through_a_kill_and_who_signed_out_stays_out() {
    let project = Project::new();
    let mut daemon = project.up();
    let sign_in = |daemon: &Daemon| {
        let form = format!("token={}&next=/", daemon.token());
        let answer = daemon.browse("POST", "/sign-in", "a=1", &form);
        let (_, cookie) = answer.split_once("set-cookie: ").unwrap();
        cookie.split(';').next().unwrap().to_owned()
    };
    let sees = |daemon: &Daemon, cookie: &str| {
        let answer = daemon.browse("GET", "/runs", cookie, "");
        answer.starts_with("HTTP/1.1 200")
    };
    let (stays, leaves) = (sign_in(&daemon), sign_in(&daemon));
    let out = daemon.browse("POST", "/sign-out", &leaves, "idempotency_key=k");
    assert!(out.starts_with("HTTP/1.1 303"), "{out}");
    let path = project.path("data/keys/sessions.json");
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0, "{mode:o}");
    let kept = fs::read_to_string(&path).unwrap();
    let name = stays.split_once('=').unwrap().1;
    assert!(!kept.contains(name), "{kept}");
    daemon.kill();

    let mut daemon = project.up();
    assert!(sees(&daemon, &stays));
    assert!(!sees(&daemon, &leaves));
    assert_eq!(daemon.interrupt(), 0);
    fs::write(&path, "{").unwrap();
    let daemon = project.up();
    assert!(!sees(&daemon, &stays), "what can't be read opens nothing");
}

#[test]
fn process_a_lost_token_is_replaced() {
    let project = Project::new();
    echo(&project);
    fs::remove_file(project.path("data/owner.token")).unwrap();
    assert_eq!(project.naos(&["get", "agents"]).exit, 0);
    fs::write(project.path("data/owner.token"), "naos_nonsense\n").unwrap();
    let wrong = project.naos(&["get", "agents"]);
    assert!(
        wrong.exit == 3 && wrong.stderr.contains("N0140"),
        "{}",
        wrong.stderr
    );
}

#[test]
fn process_only_main_files_remain() {
    let project = Project::new();
    echo(&project);
    let mut stack = vec![project.path("data")];
    while let Some(dir) = stack.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            assert!(!name.ends_with("-wal") && !name.ends_with("-shm"), "{name}");
            if path.is_dir() {
                stack.push(path);
            }
        }
    }
}

#[test]
fn process_tenants_see_their_own() {
    let project = Project::new();
    echo(&project);
    assert_eq!(project.naos(&["tenant", "create", "riake"]).exit, 0);
    let theirs = project.json(&["get", "agents", "--tenant", "riake"]);
    assert_eq!(theirs["items"].as_array().unwrap().len(), 0);
    assert_eq!(
        project.json(&["get", "agents"])["items"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let nobody = project.naos(&["get", "agents", "--tenant", "nobody"]);
    assert!(
        nobody.exit == 3 && nobody.stderr.contains("N0140"),
        "{}",
        nobody.stderr
    );
}

#[test]
fn process_what_commands_do_is_followed_where_no_daemon_is_up() {
    let project = Project::new();
    echo(&project);
    let follow = |words: &[&str]| {
        let mut child = begin(&project, words);
        let seen = std::io::BufReader::new(child.stdout.take().unwrap()).lines();
        (child, seen.map(Result::unwrap))
    };
    let (mut audit, mut audited) = follow(&["audit", "tail"]);
    let (mut logs, mut logged) = follow(&["logs", "a", "--follow"]);
    let events = ["events", "tail", "--follow"];
    let (mut tail, mut told) = follow(&events);
    for seen in [&mut audited, &mut logged] {
        assert!(seen.any(|line| line.contains("agent.created a")));
    }
    let ran = project.naos(&["run", "a", "--input", "x"]);
    assert_eq!(ran.exit, 0, "{}", ran.stderr);
    for seen in [&mut audited, &mut logged] {
        assert!(seen.any(|line| line.contains("agent.completed a")));
    }
    let published = project.naos(&["events", "publish", "mail.came", "--data", "{\"n\": 7}"]);
    assert_eq!(published.exit, 0, "{}", published.stderr);
    assert!(told.any(|line| line.contains("mail.came {\"n\":7}")));
    for child in [&mut audit, &mut logs, &mut tail] {
        child.kill().unwrap();
        child.wait().unwrap();
        let aside = std::io::read_to_string(child.stderr.take().unwrap()).unwrap();
        assert!(aside.contains("No daemon is up"), "{aside}");
    }
}

#[test]
fn process_files_that_change_are_applied_while_dev_watches() {
    const LOOKS_MAX: usize = 200;
    let project = Project::new();
    let watching = project.start(&["dev"]);
    assert!(
        watching.said.as_str().unwrap().contains("Watching"),
        "{}",
        watching.said
    );
    let skill = "name: greet\ndescription: d\npatterns: [\"hi\"]\nhandler: {template: \"hello\"}\n";
    fs::write(project.path("skills/greet.yaml"), skill).unwrap();
    let there = || project.naos(&["get", "skill", "greet"]).exit == 0;
    assert!(
        (0..LOOKS_MAX).any(|_| there()),
        "the skill was never applied"
    );
}

#[test]
fn process_the_broker_says_what_it_remembered() {
    let project = Project::new();
    let skill = |answer: &str| {
        let handler = format!("handler: {{template: {answer}}}");
        format!("name: greet\ndescription: d\npatterns: [\"hi there\"]\n{handler}\n")
    };
    std::fs::write(project.path("greet.skill.yaml"), skill("hello")).unwrap();
    assert_eq!(project.naos(&["apply", "-f", "greet.skill.yaml"]).exit, 0);
    let _daemon = project.up();
    let route = || project.json(&["broker", "route", "hi there"]);
    let (first, again) = (route(), route());
    assert_eq!(
        (&first["cached"], &again["cached"]),
        (&false.into(), &true.into())
    );
    assert_eq!(first["considered"], again["considered"]);
    let shown = project.naos(&["broker", "route", "hi there"]).stdout;
    assert!(
        shown.contains("greet (skill, confidence 1.00, cached)"),
        "{shown}"
    );
    // Another skill of the name is asked anew.
    std::fs::write(project.path("greet.skill.yaml"), skill("goodbye")).unwrap();
    assert_eq!(project.naos(&["apply", "-f", "greet.skill.yaml"]).exit, 0);
    assert_eq!(route()["cached"], false);
    let stats = project.json(&["broker", "stats"]);
    assert_eq!(
        (&stats["cache"]["hits"], &stats["cache"]["misses"]),
        (&2.into(), &2.into())
    );
    assert!(stats["avoided_micros"].is_null(), "{stats}");
    let shown = project.naos(&["broker", "stats"]).stdout;
    for said in [
        "Not spent on models: not known, no run with a model cost anything yet",
        "Remembered answers: 2 of 4 since the start (1 kept, at most 128)",
    ] {
        assert!(shown.contains(said), "{shown}");
    }
}

/// With a daemon an address is a URL, in which `.` and `..` are taken out: a path with them must
/// not come to mean another document there.
#[test]
fn process_a_path_with_dots_is_refused_and_is_no_other_document() {
    let project = Project::new();
    fs::write(project.path("note.md"), "one").unwrap();
    fs::write(project.path("other.md"), "two").unwrap();
    let file = |name: &str| project.path(name).to_str().unwrap().to_owned();
    let (note, other) = (file("note.md"), file("other.md"));
    let _daemon = project.up();
    let put = project.naos(&["document", "put", &note, "x/y"]);
    assert_eq!(put.exit, 0, "{}", put.stderr);
    for path in ["x/./y", "x/../x/y", "../documents/x/y", "x//y"] {
        for words in [
            &["document", "put", &other, path][..],
            &["document", "show", path],
            &["document", "history", path],
            &["document", "diff", path],
            &["get", "document", path],
            &["delete", "document", path],
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
    let status = project.naos(&["task", "show", ".."]);
    assert_eq!(status.exit, 2, "{}{}", status.stdout, status.stderr);
    assert_eq!(project.json(&["document", "show", "x/y"])["text"], "one");
}

#[test]
fn process_standard_input_is_put_as_a_document() {
    let project = Project::new();
    let put = |words: &[&str], input: &[u8]| {
        let words = [&["document", "put"], words].concat();
        project.naos_with(&words, input)
    };
    for (words, version) in [(["-", "notes/log.md"], "1"), (["notes/log.md", "-"], "2")] {
        let text = format!("the {version} line\n");
        let put = put(&words, text.as_bytes());
        assert_eq!(put.exit, 0, "{words:?}: {}", put.stderr);
        let said = format!("notes/log.md has version {version} now");
        assert!(put.stdout.contains(&said), "{}", put.stdout);
        let shown = project.json(&["document", "show", "notes/log.md"]);
        assert_eq!(shown["text"], text, "{shown}");
    }
    // It has no name of its own, and no more of it is taken than of a file.
    let nameless = put(&["-"], b"x");
    assert_eq!(nameless.exit, 2, "{}", nameless.stderr);
    assert!(nameless.stderr.contains("naos document put - notes.md"));
    let long = put(&["-", "notes/long.md"], &vec![b'x'; (12 << 20) + 1]);
    assert_ne!(long.exit, 0);
    let said = "standard input has more than 12582912 bytes";
    assert!(long.stderr.contains(said), "{}", long.stderr);
}

#[test]
fn process_who_only_waits_gives_the_data_to_a_daemon_and_to_what_it_waits_for() {
    let project = Project::new();
    let plan = "type: plan\nname: slow\nsteps:\n- {name: hold, wait_for: {signal: go}}\n";
    let applied = project.naos_with(&["apply", "-f", "-"], plan.as_bytes());
    assert_eq!(applied.exit, 0, "{}", applied.stderr);
    let wait = || {
        let mut waiting = begin(&project, &["plan", "run", "slow", "--timeout", "40"]);
        let (id, _, _) = told(&mut waiting);
        (id, waiting)
    };
    let ends_well = |waiting: Child| {
        let ended = waiting.wait_with_output().unwrap();
        assert_eq!(ended.status.code(), Some(0), "it waited on");
    };
    let (id, waiting) = wait();
    let signal = project.naos(&["plan", "signal", &id, "go"]);
    assert_eq!(signal.exit, 0, "{}", signal.stderr);
    ends_well(waiting);
    let (id, waiting) = wait();
    let mut daemon = project.up();
    let signal = project.naos(&["plan", "signal", &id, "go"]);
    assert_eq!(signal.exit, 0, "{}", signal.stderr);
    ends_well(waiting);
    assert_eq!(daemon.interrupt(), 0);
    // Two that wait get on side by side.
    let (one, first) = wait();
    let (two, second) = wait();
    for id in [&one, &two] {
        let signal = project.naos(&["plan", "signal", id, "go"]);
        assert_eq!(signal.exit, 0, "{}", signal.stderr);
    }
    ends_well(first);
    ends_well(second);
}
