//! Squads: personas as files, what agents are shown of them, what they remember, who decides.

mod project;

use std::fs;
use std::process::Output;
use std::time::Duration;

use project::office::Office;
use project::receiver::receiver;
use project::{Project, begin};

/// How long anything here may take.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn process_without_a_model_a_squad_stands_and_says_what_to_connect() {
    let project = Project::new();
    let made = project.naos(&["squad", "init", "agency", "--language", "fr"]);
    assert_eq!(made.exit, 0, "{}", made.stderr);
    assert!(
        made.stdout.contains("No model is connected"),
        "{}",
        made.stdout
    );
    let root = project.path("");
    for agent in ["jarvis", "fury", "growth", "operations"] {
        for file in ["SOUL.md", "AGENTS.md", "HEARTBEAT.md"] {
            let text = fs::read_to_string(root.join("agents").join(agent).join(file)).unwrap();
            assert!(text.len() > 100, "{agent}/{file}");
        }
    }
    let refused = project.naos(&["run", "fury", "--input", "Planifie notre trimestre."]);
    assert_eq!(refused.exit, 3, "{}", refused.stderr);
    assert!(
        refused.stderr.contains("no model is connected"),
        "{}",
        refused.stderr
    );
    assert!(refused.stderr.contains("_API_KEY"), "{}", refused.stderr);
    // What a person wrote is left alone, and a second time changes nothing.
    let soul = root.join("agents/fury/SOUL.md");
    fs::write(&soul, "# Fury\n\nTu es autre.\n").unwrap();
    let again = project.naos(&["squad", "init", "agency", "--language", "fr"]);
    assert_eq!(again.exit, 0, "{}", again.stderr);
    assert!(again.stdout.contains("Nothing is new"), "{}", again.stdout);
    assert!(again.stdout.contains("unchanged"), "{}", again.stdout);
    assert!(!again.stdout.contains("created"), "{}", again.stdout);
    assert!(
        again.stderr.contains("agents/fury/SOUL.md was there"),
        "{}",
        again.stderr
    );
    assert_eq!(
        fs::read_to_string(&soul).unwrap(),
        "# Fury\n\nTu es autre.\n"
    );
    assert!(
        again.stderr.contains("differs from what this naos brings"),
        "{}",
        again.stderr
    );
    // Who says no language means the one that is there.
    let plain = project.naos(&["squad", "init", "agency"]);
    assert_eq!(plain.exit, 0, "{}", plain.stderr);
    assert!(plain.stdout.contains("unchanged"), "{}", plain.stdout);
    for (words, said) in [
        (
            &["squad", "init", "ministry"][..],
            "there is no squad \"ministry\"",
        ),
        (
            &["squad", "init", "agency", "--only", "loki"],
            "nobody of this squad",
        ),
        (
            &["squad", "init", "agency", "--language", "xx"],
            "no squad speaks",
        ),
        (&["squad", "init", "agency", "--budget", "much"], "$2/day"),
        (&["memory", "list", "nobody"], "nobody"),
    ] {
        let failed = project.naos(words);
        assert_ne!(failed.exit, 0, "{words:?}");
        assert!(failed.stderr.contains(said), "{words:?}: {}", failed.stderr);
    }
}

#[test]
fn process_an_agent_is_shown_who_it_is_and_people_decide_what_it_remembers() {
    let script = concat!(
        r#"{"call": [{"name": "note", "arguments": {"text": "Ann called about the roof"}},"#,
        r#"{"name": "remember", "arguments": "#,
        r#"{"fact": "Riake pays late", "confidence": 0.8, "source": "mail/7"}},"#,
        r#"{"name": "remember", "arguments": "#,
        r#"{"fact": "Tiana decides", "confidence": 0.7, "source": "mail/9"}},"#,
        r#"{"name": "context_write", "arguments": "#,
        r#"{"path": "agents/jarvis/WORKING.md", "text": "waiting for Ann"}}]}"#,
        "\n",
        r#"{"say": "Noted."}"#,
        "\n",
        r#"{"say": "Still waiting."}"#,
    );
    let office = Office::new(script);
    office.connect();
    let project = &office.project;
    let made = project.naos(&["squad", "init", "agency", "--only", "jarvis,fury"]);
    assert_eq!(made.exit, 0, "{}", made.stderr);
    assert!(
        !made.stdout.contains("No model is connected"),
        "{}",
        made.stdout
    );
    let root = project.path("");
    let manual = fs::read_to_string(root.join("agents/fury/AGENTS.md")).unwrap();
    assert!(manual.contains("## Not in this squad"), "{manual}");
    fs::write(
        root.join("agents/USER.md"),
        "# The office\n\nWe are three.\n",
    )
    .unwrap();
    let done = project.naos(&["run", "jarvis", "--input", "Who called?"]);
    assert_eq!(done.exit, 0, "{}", done.stderr);
    let first = office.server.seen()[0].body.to_string();
    for said in ["You are Jarvis", "We are three.", "It is 20"] {
        assert!(first.contains(said), "{said}: {first}");
    }
    let known = project.json(&["memory", "list", "jarvis"]);
    assert_eq!(known["items"].as_array().unwrap().len(), 2, "{known}");
    let kept = project.naos(&["memory", "promote", "jarvis", "1"]);
    assert_eq!(kept.exit, 0, "{}", kept.stderr);
    let again = project.naos(&["memory", "promote", "jarvis", "1"]);
    assert!(again.stdout.contains("0 added"), "{}", again.stdout);
    assert_eq!(project.naos(&["memory", "promote", "jarvis", "7"]).exit, 1);
    // The next run knows all of it, after who it is.
    let done = project.naos(&["run", "jarvis", "--input", "And now?"]);
    assert_eq!(done.exit, 0, "{}", done.stderr);
    let last = office.server.seen().pop().unwrap().body.to_string();
    let place = |said: &str| last.find(said).unwrap_or_else(|| panic!("{said}: {last}"));
    let order = [
        "You are Jarvis",
        "waiting for Ann",
        "Ann called",
        "Riake pays late",
    ];
    assert!(order.map(place).is_sorted(), "{last}");
    assert!(!last.contains("Tiana decides"), "nobody kept that: {last}");
    // Out into a folder, and into another agent.
    let out = root.join("out");
    let folder = out.to_str().unwrap();
    let written = project.naos(&["memory", "export", "jarvis", folder]);
    assert_eq!(written.exit, 0, "{}", written.stderr);
    assert!(
        fs::read_to_string(out.join("MEMORY.md"))
            .unwrap()
            .contains("Riake pays late")
    );
    assert!(out.join("SOUL.md").is_file() && out.join("memory/facts.jsonl").is_file());
    assert_eq!(
        project.naos(&["memory", "export", "jarvis", folder]).exit,
        1,
        "it is there"
    );
    // What it has already isn't replaced in silence; the same again is no other text.
    let before = project.json(&["get", "document", "agents/fury/SOUL.md"]);
    let refused = project.naos(&["memory", "import", "fury", folder]);
    assert_eq!(refused.exit, 1, "{}", refused.stderr);
    assert!(
        refused.stderr.contains("SOUL.md") && refused.stderr.contains("--force"),
        "{}",
        refused.stderr
    );
    assert_eq!(
        project.json(&["get", "document", "agents/fury/SOUL.md"]),
        before
    );
    let taken = project.naos(&["memory", "import", "fury", folder, "--force"]);
    assert_eq!(taken.exit, 0, "{}", taken.stderr);
    let again = project.naos(&["memory", "import", "fury", folder]);
    assert_eq!(again.exit, 0, "{}", again.stderr);
    assert!(
        again.stdout.contains("0 new, 0 replaced"),
        "{}",
        again.stdout
    );
    assert_eq!(
        project.json(&["memory", "list", "fury"])["items"][0]["fact"],
        "Riake pays late"
    );
    // A number moves with each that is forgotten; an id stays.
    let listed = project.json(&["memory", "list", "jarvis"]);
    let second = &listed["items"][1];
    let (id, fact) = (
        second["id"].as_str().unwrap(),
        second["fact"].as_str().unwrap(),
    );
    assert_eq!(project.naos(&["memory", "forget", "jarvis", "1"]).exit, 0);
    let late = project.naos(&["memory", "forget", "jarvis", "2"]);
    assert!(
        late.stderr.contains("1 thing, there is no 2"),
        "{}",
        late.stderr
    );
    let gone = project.naos(&["memory", "forget", "jarvis", id]);
    assert_eq!(gone.exit, 0, "{}", gone.stderr);
    assert!(
        gone.stderr.contains(&format!("Forgotten: {fact}")),
        "{}",
        gone.stderr
    );
    assert_eq!(
        project.json(&["memory", "list", "jarvis"])["items"],
        serde_json::json!([])
    );
    let memory = project.json(&["get", "document", "agents/jarvis/MEMORY.md"]);
    assert!(!memory.to_string().contains("Riake"), "{memory}");
}

#[test]
fn process_a_squad_is_told_its_language_and_whoever_wakes_its_checklist() {
    let project_of = |language: &str| {
        let office = Office::new("{\"say\": \"Soon.\"}\n{\"say\": \"Done.\"}");
        office.connect();
        let words = ["squad", "init", "agency", "--only", "jarvis", "--language"];
        let made = office.project.naos(&[&words[..], &[language]].concat());
        assert_eq!(made.exit, 0, "{}", made.stderr);
        office
    };
    for (language, speaks, checklist) in [
        ("fr", "speak French (français).", "S'il n'y a rien à faire"),
        ("mg", "speak Malagasy.", "HEARTBEAT_OK"),
        ("en", "speak English.", "If nothing needs doing"),
    ] {
        let office = project_of(language);
        let project = &office.project;
        let done = project.naos(&["run", "jarvis", "--input", "Firy?"]);
        assert_eq!(done.exit, 0, "{}", done.stderr);
        let asked = office.server.seen().pop().unwrap().body.to_string();
        assert!(asked.contains(speaks), "{language}: {asked}");
        assert!(
            !asked.contains("You woke because"),
            "a person asks: {asked}"
        );
        let words = [
            "task",
            "create",
            "Bills",
            "--to",
            "jarvis",
            "--priority",
            "urgent",
        ];
        project.json(&words);
        let began = naos_engine::clock::tick();
        while office.server.seen().len() < 2 {
            assert!(began.elapsed() < PATIENCE, "it wakes");
            project.json(&["task", "list"]); // a process of its own: that is pause enough
        }
        let asked = office.server.seen().pop().unwrap().body.to_string();
        for said in [speaks, "there is a task for you", checklist] {
            assert!(asked.contains(said), "{language}: {said}: {asked}");
        }
    }
}

#[test]
fn process_a_stand_up_comes_once_through_a_kill_and_is_sent() {
    let (port, came) = receiver();
    let project = Project::new();
    let init = |more: &[&str]| {
        let words = [
            "squad",
            "init",
            "agency",
            "--language",
            "fr",
            "--only",
            "fury",
        ];
        project.naos(&[&words[..], more].concat())
    };
    let bad = init(&["--standup", "25:00"]);
    assert_eq!(bad.exit, 2, "{}", bad.stderr);
    let bad = init(&["--timezone", "Indian/Antananarivoo"]);
    assert_eq!(bad.exit, 2, "{}", bad.stderr);
    assert!(
        bad.stderr.contains("did you mean Indian/Antananarivo"),
        "{}",
        bad.stderr
    );
    let made = init(&["--standup", "08:30", "--timezone", "indian/antananarivo"]);
    assert_eq!(made.exit, 0, "{}", made.stderr);
    assert!(
        made.stdout.contains("at 08:30 (Indian/Antananarivo)"),
        "{}",
        made.stdout
    );
    let found = project.json(&["schedule", "show", "stand-up"]);
    assert_eq!(
        (&found["when"], &found["status"]),
        (&"30 8 * * *".into(), &"active".into())
    );
    assert!(
        found["next"][0].as_str().unwrap().contains("T05:30:00"),
        "{found}"
    );

    // Whoever runs naos is called boss, and hears of their inbox elsewhere too.
    let me = project.json(&["member", "list"])["items"][0]["member"].clone();
    let me = me.as_str().unwrap().to_owned();
    project.json(&["member", "handle", &me, "boss"]);
    let told = format!(
        "type: notice\nname: boss\nfor: boss\ntitle: true\nwebhook: http://127.0.0.1:{port}/\n\
         on: [standup]\n---\ntype: schedule\nname: now\nevery: 1s\n\
         standup: {{to: [boss], language: fr}}\n"
    );
    fs::write(project.path("told.yaml"), told).unwrap();
    let port = port.to_string();
    let settings = [("NAOS_ALLOW_LOOPBACK_PORTS", port.as_str())];
    let mut daemon = project.up_with(&settings);
    let applied = project.naos(&["apply", "-f", "told.yaml"]);
    assert_eq!(applied.exit, 0, "{}", applied.stderr);
    project.json(&["task", "create", "The flyer"]);
    let first = came.recv_timeout(PATIENCE).unwrap();
    let key = first.header("webhook-id").to_owned();
    daemon.kill();
    drop(first);
    let mut daemon = project.up_with(&settings);
    let again = came.recv_timeout(PATIENCE).unwrap();
    assert_eq!(
        again.header("webhook-id"),
        key,
        "the same one, and no second"
    );
    let event = again.body.clone();
    again.answer("200 OK");
    assert_eq!(event["type"], "naos.standup");
    assert_eq!(event["data"]["standup"]["inbox"], 1, "{event}");
    let text = event["data"]["text"].as_str().unwrap();
    assert!(
        text.starts_with("Point du 20") && text.contains("- nouveau: The flyer"),
        "{text}"
    );
    let inbox = project.naos(&["inbox", "--language", "mg"]);
    assert!(
        inbox.stdout.contains("- vaovao: The flyer"),
        "{}{}",
        inbox.stdout,
        inbox.stderr
    );
    let inbox = project.json(&["inbox"]);
    let items = inbox["items"].as_array().unwrap().iter();
    assert_eq!(
        items.filter(|item| item["what"] == "standup").count(),
        1,
        "{inbox}"
    );
    assert_eq!(daemon.interrupt(), 0);
}

#[test]
fn process_a_squad_in_another_language_is_refused_whole() {
    let project = Project::new();
    let init = |language: &str, only: &[&str]| {
        let words = ["squad", "init", "agency", "--language", language];
        project.naos(&[&words[..], only].concat())
    };
    let made = init("fr", &["--only", "jarvis,fury"]);
    assert_eq!(made.exit, 0, "{}", made.stderr);
    let root = project.path("agents");
    // A manual of an earlier naos, and a soul that a person wrote.
    let manual = root.join("jarvis/AGENTS.md");
    let text = fs::read_to_string(&manual).unwrap();
    let lines = text.lines().skip(4);
    let earlier = lines.collect::<Vec<_>>().join("\n");
    fs::write(&manual, &earlier).unwrap();
    fs::write(root.join("fury/SOUL.md"), "You are another.\n").unwrap();
    let refused = init("en", &[]);
    assert_eq!(refused.exit, 1, "{}{}", refused.stdout, refused.stderr);
    for said in [
        "N0137",
        "in français",
        "agents/jarvis/AGENTS.md",
        "--language fr",
        "agents/agency.yaml",
    ] {
        assert!(refused.stderr.contains(said), "{said}: {}", refused.stderr);
    }
    assert!(!root.join("growth").exists(), "nothing is half done");
    assert_eq!(fs::read_to_string(&manual).unwrap(), earlier);
    // Once it is out of the way, it is made in that language.
    fs::rename(&root, project.path("agents-fr")).unwrap();
    let made = init("en", &["--only", "jarvis"]);
    assert_eq!(made.exit, 0, "{}", made.stderr);
    let soul = project.json(&["get", "document", "agents/jarvis/SOUL.md"]);
    let english = fs::read_to_string(root.join("jarvis/SOUL.md")).unwrap();
    assert_eq!(soul["text"], english.as_str());
}

#[test]
fn process_who_is_asked_for_later_joins_the_squad() {
    let project = Project::new();
    let init = |only: &str| {
        let words = [
            "squad",
            "init",
            "agency",
            "--language",
            "mg",
            "--only",
            only,
        ];
        let made = project.naos(&words);
        assert_eq!(made.exit, 0, "{}", made.stderr);
        made.stdout
    };
    init("pm,dev");
    let first = fs::read_to_string(project.path("agents/agency.yaml")).unwrap();
    init("jarvis,dev");
    let agent = project.json(&["get", "agent", "jarvis"]);
    assert_eq!(agent["name"], "jarvis", "{agent}");
    let now = fs::read_to_string(project.path("agents/agency.yaml")).unwrap();
    assert_eq!(now, first, "what was there is left");
    // Those who were there are told that jarvis came.
    let manual = || fs::read_to_string(project.path("agents/pm/AGENTS.md")).unwrap();
    assert!(!manual().lines().last().unwrap().contains("jarvis"));
    let said = init("jarvis");
    assert!(said.contains("Nothing is new"), "{said}");
    // Who moves the file away and asks for one has all who are there.
    fs::rename(
        project.path("agents/agency.yaml"),
        project.path("agency.old"),
    )
    .unwrap();
    init("pm");
    let now = fs::read_to_string(project.path("agents/agency.yaml")).unwrap();
    assert_eq!(now, first);
}

#[test]
fn process_one_of_a_whole_squad_is_nothing_new() {
    let project = Project::new();
    let init = |more: &[&str]| {
        let made = project.naos(&[&["squad", "init", "agency"][..], more].concat());
        assert_eq!(made.exit, 0, "{}", made.stderr);
        (made.stdout, made.stderr)
    };
    init(&[
        "--language",
        "en",
        "--standup",
        "08:30",
        "--budget",
        "$5/day",
    ]);
    let file = |path: &str| fs::read_to_string(project.path(path)).unwrap();
    let (squad, manual) = (file("agents/agency.yaml"), file("agents/jarvis/AGENTS.md"));
    let (said, noted) = init(&["--only", "jarvis"]);
    assert!(said.contains("Nothing is new"), "{said}");
    assert!(!noted.contains("was there already"), "{noted}");
    // One file moved away comes back as it was, for all.
    fs::remove_file(project.path("agents/jarvis/AGENTS.md")).unwrap();
    init(&["--only", "jarvis"]);
    assert_eq!(file("agents/jarvis/AGENTS.md"), manual);
    fs::remove_file(project.path("agents/agency.yaml")).unwrap();
    init(&[
        "--only",
        "jarvis",
        "--standup",
        "08:30",
        "--budget",
        "$5/day",
    ]);
    assert_eq!(file("agents/agency.yaml"), squad);
}

#[test]
fn process_two_squads_at_once_don_t_both_say_that_they_are_there() {
    let project = Project::new();
    let asked = ["fr", "mg"].map(|language| {
        let words = ["squad", "init", "agency", "--language", language];
        (language, begin(&project, &words))
    });
    let ended = asked.map(|(language, asked)| (language, asked.wait_with_output().unwrap()));
    let said = |output: &Output| String::from_utf8_lossy(&output.stderr).into_owned();
    let (made, refused): (Vec<_>, Vec<_>) = ended
        .iter()
        .partition(|(_, output)| output.status.success());
    let all: Vec<String> = ended.iter().map(|(_, output)| said(output)).collect();
    assert_eq!((made.len(), refused.len()), (1, 1), "{all:?}");
    let (_, refused) = refused[0];
    assert_eq!(refused.status.code(), Some(1), "{all:?}");
    let here = format!("--language {}", made[0].0);
    let told = said(refused);
    assert!(told.contains("N0137") && told.contains(&here), "{told}");
}

#[test]
fn process_a_line_that_cannot_be_read_is_not_taken_and_stops_nothing_where_it_stands() {
    let project = Project::new();
    let made = project.naos(&["squad", "init", "agency", "--only", "jarvis,fury"]);
    assert_eq!(made.exit, 0, "{}", made.stderr);
    let folder = project.path("taken");
    let facts = folder.join("memory/facts.jsonl");
    fs::create_dir_all(folder.join("memory")).unwrap();
    fs::write(folder.join("MEMORY.md"), "# What holds\n").unwrap();
    let import = ["memory", "import", "jarvis", "taken", "--force"];
    let good = |fact: &str| format!("{{\"fact\":\"{fact}\",\"confidence\":0.8}}\n");
    for (line, said) in [
        ("not json", "line 2, column 2: expected ident"),
        ("{\"nofact\":1}", "line 2, column 1: it holds no `fact`"),
        (
            "{\"fact\":\"x\",\"confidence\":2}",
            "line 2, column 13: `confidence`",
        ),
    ] {
        fs::write(&facts, format!("{}{line}\n", good("Ann pays"))).unwrap();
        let refused = project.naos(&import);
        assert_eq!(refused.exit, 2, "{line}: {}", refused.stdout);
        let named = format!("memory/facts.jsonl, {said}");
        assert!(refused.stderr.contains(&named), "{}", refused.stderr);
        // Nor is anything beside it.
        let there = project.naos(&["get", "document", "agents/jarvis/MEMORY.md"]);
        assert_eq!(there.exit, 1, "{}", there.stdout);
        let known = project.json(&["memory", "list", "jarvis"]);
        assert_eq!(known["items"].as_array().unwrap().len(), 0, "{known}");
    }
    // Where one stands all the same, the others count, and it stays for whoever mends it.
    let lines = [
        &good("Ann pays"),
        "not json\n",
        &good("Bo pays"),
        &good("Cy pays"),
    ];
    fs::write(&facts, lines.concat()).unwrap();
    let at = "agents/jarvis/memory/facts.jsonl";
    let put = project.naos(&["document", "put", "taken/memory/facts.jsonl", at]);
    assert_eq!(put.exit, 0, "{}", put.stderr);
    let known = project.json(&["memory", "list", "jarvis"]);
    assert_eq!(known["items"].as_array().unwrap().len(), 3, "{known}");
    assert_eq!(known["broken"][0]["line"], 2, "{known}");
    for words in [
        ["memory", "promote", "jarvis", "2"],
        ["memory", "forget", "jarvis", "1"],
        ["memory", "forget", "jarvis", "2"],
    ] {
        let done = project.naos(&words);
        assert_eq!(done.exit, 0, "{words:?}: {}", done.stderr);
        let told = done.stderr.contains(&format!("{at}, line "));
        assert!(
            told && done.stderr.contains("expected ident"),
            "{}",
            done.stderr
        );
    }
    let stands = project.json(&["get", "document", at]);
    let text = stands["text"].as_str().unwrap();
    let (first, rest) = text.split_once('\n').unwrap();
    assert_eq!(first, "not json");
    assert!(
        rest.contains("Bo pays") && rest.contains("\"promoted\":true"),
        "{text}"
    );
    assert_eq!(rest.lines().count(), 1, "{text}");
    let memory = project.json(&["get", "document", "agents/jarvis/MEMORY.md"]);
    assert!(
        memory["text"].as_str().unwrap().contains("Bo pays"),
        "{memory}"
    );
}
