//! Skills that agents read: told by name, read where the manifest names them, and never beyond
//! their folder.

use std::collections::BTreeMap;
use std::sync::Arc;

use naos_kernel::run::SKILL_READ_BYTES_MAX;
use naos_types::command::{self, Reply};
use naos_types::effect::Effect;
use naos_types::spec::{
    AgentSkillSpec, Handler, Kind, MindSpec, SCRIPT_TEXT, SKILL_FILE, SkillSpec, Spec, Tool,
};
use naos_types::{Code, Digest, Grants, Micros, Name, RunLimits};
use serde_json::json;

use crate::bench::Bench;
use crate::script::play_in;
use crate::thinking::{Cell, calls, cell_with, made, mind, name, with_a_workspace};

fn skill(called: &str, files: &[(&str, &str)]) -> command::Resource {
    let head = format!("---\nname: {called}\ndescription: When {called} calls.\n---\n");
    let body = format!("{head}# How to {called}\n");
    let mut all = BTreeMap::from([(SKILL_FILE.to_owned(), body)]);
    let files = files.iter();
    all.extend(files.map(|(path, text)| ((*path).to_owned(), (*text).to_owned())));
    let spec = AgentSkillSpec {
        description: format!("When {called} calls."),
        files: all,
        ..AgentSkillSpec::default()
    };
    command::Resource::Apply {
        kind: Kind::AgentSkill,
        name: name(called),
        spec: Spec::AgentSkill(Arc::new(spec)),
    }
}

fn skilled(names: &[&str]) -> MindSpec {
    MindSpec {
        skills: names.iter().map(|text| name(text)).collect(),
        ..mind()
    }
}

fn add(bench: &mut Bench) {
    let beside = [
        ("references/a.md", "All of a."),
        ("scripts/a.py", "print(1)"),
    ];
    bench.command(skill("invoices", &beside)).0.unwrap();
    bench
        .command(skill("salaries", &[("pay.md", "4711 a month")]))
        .0
        .unwrap();
}

/// An agent that may read `invoices`, beside `salaries`, which it may not.
fn cell() -> Cell {
    let mut bench = made(skilled(&["invoices"]));
    add(&mut bench);
    Cell::over(bench)
}

fn read(cell: &mut Cell, arguments: &serde_json::Value) -> String {
    cell.says(&calls(&[("skill_read", &arguments.to_string())]));
    cell.results().pop().unwrap()
}

#[test]
fn it_is_told_names_and_reads_the_rest() {
    let mut cell = cell();
    let (_, think) = cell.asked().unwrap();
    let told: Vec<_> = think.skills.iter().collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(
        (
            told[0].name.as_str(),
            told[0].version,
            told[0].description.as_str()
        ),
        ("invoices", 1, "When invoices calls.")
    );
    let whole = serde_json::to_string(&think).unwrap();
    assert!(!whole.contains("How to"), "{whole}");
    let said = read(&mut cell, &json!({"skill": "invoices"}));
    for part in [
        "skills/invoices/SKILL.md, version 1",
        "# How to invoices",
        "grants nothing",
        "references/a.md (9 bytes)",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!said.contains("description:"), "the body alone: {said}");
    let said = read(
        &mut cell,
        &json!({"skill": "invoices", "path": "./references/a.md"}),
    );
    assert!(said.contains("All of a."), "{said}");
    let said = read(
        &mut cell,
        &json!({"skill": "invoices", "path": "scripts/a.py"}),
    );
    assert!(
        said.contains("doesn't run it") && said.contains("print(1)"),
        "{said}"
    );
}

#[test]
fn what_a_manifest_does_not_name_is_not_read() {
    let mut cell = cell();
    for arguments in [
        json!({"skill": "salaries"}),
        json!({"skill": "salaries", "path": "pay.md"}),
    ] {
        let said = read(&mut cell, &arguments);
        assert!(said.contains("may not read the skill salaries"), "{said}");
        assert!(said.contains("Denied") && !said.contains("4711"), "{said}");
    }
    let said = read(&mut cell, &json!({"skill": "Not A Name"}));
    assert!(
        said.contains("Invalid") && said.contains("invoices"),
        "{said}"
    );
}

#[test]
fn no_path_leads_out_of_the_folder() {
    for path in [
        "../salaries/pay.md",
        "references/../../salaries/pay.md",
        "/skills/salaries/pay.md",
        "..\\salaries\\pay.md",
    ] {
        let mut cell = cell();
        let said = read(&mut cell, &json!({"skill": "invoices", "path": path}));
        assert!(said.contains("leads out"), "{path}: {said}");
        assert!(!said.contains("4711"), "{path}: {said}");
    }
    let mut cell = cell();
    let said = read(&mut cell, &json!({"skill": "invoices", "path": "b.md"}));
    assert!(
        said.contains("has no file b.md") && said.contains("scripts/a.py"),
        "{said}"
    );
    for wrong in [json!(-1), json!(0.5), json!("0"), json!([])] {
        let said = read(&mut cell, &json!({"skill": "invoices", "from": wrong}));
        assert!(
            said.contains("Invalid") && said.contains("/from: "),
            "{said}"
        );
    }
}

#[test]
fn a_skill_that_changes_is_another_at_the_next_turn() {
    let mut cell = cell();
    let long = "x".repeat(SKILL_READ_BYTES_MAX + 10);
    let reply = cell
        .bench
        .command(skill("invoices", &[("long.md", &long)]))
        .0;
    assert_eq!(reply.unwrap(), Reply::Version(2));
    let again = cell
        .bench
        .command(skill("invoices", &[("long.md", &long)]))
        .0;
    assert_eq!(again.unwrap(), Reply::Unchanged);
    let said = read(&mut cell, &json!({"skill": "invoices", "path": "long.md"}));
    assert!(
        said.contains("version 2") && said.contains("`from`: 24576"),
        "{said}"
    );
    let said = read(
        &mut cell,
        &json!({"skill": "invoices", "path": "long.md", "from": 24576}),
    );
    assert!(
        said.contains(&"x".repeat(10)) && !said.contains("[cut"),
        "{said}"
    );
    assert_eq!(cell.asked().unwrap().1.skills[0].version, 2);
    let gone = command::Resource::Delete {
        kind: Kind::AgentSkill,
        name: name("invoices"),
    };
    cell.bench.command(gone).0.unwrap();
    let said = read(&mut cell, &json!({"skill": "invoices"}));
    assert!(said.contains("there is no skill invoices"), "{said}");
    let (_, think) = cell.asked().unwrap();
    assert!(think.skills.is_empty());
    assert_eq!(
        think.left_out[0].0, "skills/invoices",
        "{:?}",
        think.left_out
    );
}

#[test]
fn skills_are_told_after_who_it_is_and_before_what_it_remembers() {
    let long = "y".repeat(900);
    let names: Vec<Name> = ["one", "two"].map(name).into();
    let wanted = |tokens: u32| {
        let mind = with_a_workspace(|mind| {
            mind.skills.clone_from(&names);
            mind.shown_tokens_max = tokens;
        });
        let documents = [
            ("agents/brain/SOUL.md", long.as_str()),
            ("agents/brain/MEMORY.md", long.as_str()),
        ];
        let mut cell = cell_with(mind, &documents);
        for one in ["one", "two"] {
            cell.bench.command(skill(one, &[])).0.unwrap();
        }
        read(&mut cell, &json!({"skill": "one"}));
        cell.asked().unwrap().1
    };
    let all = wanted(1_000);
    assert_eq!((all.skills.len(), all.shown.len()), (2, 2));
    // Room for who it is and one skill.
    let few = wanted(232);
    let told: Vec<&str> = few.skills.iter().map(|skill| skill.name.as_str()).collect();
    assert_eq!(told, ["one"], "{few:?}");
    assert_eq!(few.shown.len(), 1, "{few:?}");
    let left: Vec<&str> = few
        .left_out
        .iter()
        .map(|(title, _)| title.as_str())
        .collect();
    assert_eq!(left, ["skills/two", "/agents/brain/MEMORY.md"]);
}

#[test]
fn what_is_no_skill_is_refused_whoever_sends_it() {
    let mut bench = made(mind());
    let far = skill("invoices", &[("../salaries/pay.md", "x")]);
    let why = bench.command(far).0.expect_err("it leads out");
    assert_eq!(why.code, Code::BAD_DOCUMENT);
    let kept = command::Resource::Apply {
        kind: Kind::AgentSkill,
        name: name("invoices"),
        spec: Spec::Kept("{}".into()),
    };
    assert_eq!(
        bench.command(kept).0.expect_err("no skill").code,
        Code::BAD_DOCUMENT
    );
}

/// An agent that has `invoices` with a program in it, beside `salaries` with one.
fn with_programs() -> Cell {
    let mind = MindSpec {
        tools: vec![Tool::SkillRead],
        ..skilled(&["invoices"])
    };
    let mut bench = made(mind);
    for called in ["invoices", "salaries"] {
        let beside = [
            ("scripts/total.wasm", SCRIPT_TEXT),
            ("scripts/a.py", "print(1)"),
        ];
        bench.command(skill(called, &beside)).0.unwrap();
        let program = command::Resource::Apply {
            kind: Kind::Skill,
            name: name(&format!("{called}--total")),
            spec: Spec::Skill(SkillSpec {
                description: String::new(),
                patterns: Vec::new(),
                handler: Handler::Wasm(Digest([7; 32])),
                cost_per_call: Micros::ZERO,
            }),
        };
        bench.command(program).0.unwrap();
    }
    Cell::over(bench)
}

fn run(cell: &mut Cell, arguments: &serde_json::Value) -> String {
    cell.says(&calls(&[("skill_run", &arguments.to_string())]))
}

/// The program that is to be run.
fn program(cell: &Cell) -> Option<naos_types::effect::Sandbox> {
    let mut open = cell.bench.open().into_iter();
    open.find_map(|effect| match effect {
        Effect::Sandbox(wanted) => Some(*wanted),
        _ => None,
    })
}

#[test]
fn a_program_of_a_skill_runs_with_no_grant_at_all() {
    let mut cell = with_programs();
    let (_, think) = cell.asked().unwrap();
    assert!(think.tools.contains(&Tool::SkillRun), "{:?}", think.tools);
    let asked = json!({"skill": "invoices", "script": "scripts/total.wasm", "input": "{\"a\":1}"});
    let facts = run(&mut cell, &asked);
    assert!(
        facts.contains("task.opened") && facts.contains("run.started"),
        "{facts}"
    );
    let wanted = program(&cell).expect("it is to be run");
    assert_eq!(wanted.component, Digest([7; 32]));
    assert_eq!(cell.bench.text(&wanted.input), "{\"a\":1}");
    assert_eq!(
        wanted.grant.grants,
        Grants::default(),
        "no network, no file"
    );
    assert_eq!(wanted.grant.limits, RunLimits::default());
    assert!(cell.asked().is_none(), "the model waits for it");
    play_in(&mut cell.bench, "finish invoices--total 42");
    let said = cell.results().pop().unwrap();
    assert!(said.contains("Colleague") && said.contains("42"), "{said}");
    assert!(cell.asked().is_some(), "and goes on");

    // It fails, and the model is told so; it answers more than is read.
    run(&mut cell, &asked);
    play_in(&mut cell.bench, "fail invoices--total");
    let said = cell.results().pop().unwrap();
    assert!(said.contains("Failed"), "{said}");
    run(&mut cell, &asked);
    let long = "x".repeat(40_000);
    play_in(&mut cell.bench, &format!("finish invoices--total {long}"));
    let said = cell.results().pop().unwrap();
    assert!(
        said.contains("[cut: 32768 of 40000 bytes]"),
        "{}",
        said.len()
    );
}

#[test]
fn what_is_no_program_of_a_skill_of_its_own_does_not_run() {
    for (arguments, why) in [
        (
            json!({"skill": "salaries", "script": "scripts/total.wasm"}),
            "may not read the skill salaries",
        ),
        (
            json!({"skill": "invoices", "script": "../salaries/scripts/total.wasm"}),
            "leads out",
        ),
        (
            json!({"skill": "invoices", "script": "scripts/a.py"}),
            "it has: scripts/total.wasm",
        ),
        (
            json!({"skill": "invoices", "script": "scripts/a.py"}),
            "in its sandbox only",
        ),
        (
            json!({"skill": "invoices", "script": "scripts/none.wasm"}),
            "has no program",
        ),
        (
            json!({"skill": "Not A Name", "script": "a.wasm"}),
            "names a skill",
        ),
        (json!({"skill": "invoices"}), "is a required property"),
    ] {
        let mut cell = with_programs();
        run(&mut cell, &arguments);
        let said = cell.results().pop().unwrap();
        assert!(said.contains(why), "{arguments}: {said}");
        assert!(program(&cell).is_none(), "{arguments}");
    }
    // Somebody took the program away, or the skill.
    for (kind, called, why) in [
        (Kind::Skill, "invoices--total", "isn't there any more"),
        (Kind::AgentSkill, "invoices", "there is no skill"),
    ] {
        let mut cell = with_programs();
        let gone = command::Resource::Delete {
            kind,
            name: name(called),
        };
        cell.bench.command(gone).0.unwrap();
        let asked = json!({"skill": "invoices", "script": "scripts/total.wasm"});
        run(&mut cell, &asked);
        let said = cell.results().pop().unwrap();
        assert!(said.contains(why), "{said}");
        assert!(program(&cell).is_none());
    }
    // Who has no skill with one isn't told of the tool, and has none.
    let own = |names: &[&str]| MindSpec {
        tools: vec![Tool::SkillRead],
        ..skilled(names)
    };
    let mut bench = made(own(&["plain"]));
    bench.command(skill("plain", &[])).0.unwrap();
    let cell = Cell::over(bench);
    assert!(!cell.asked().unwrap().1.tools.contains(&Tool::SkillRun));
    let mut cell = Cell::over(made(own(&[])));
    run(
        &mut cell,
        &json!({"skill": "invoices", "script": "scripts/total.wasm"}),
    );
    let said = cell.results().pop().unwrap();
    assert!(said.contains("there is no tool"), "{said}");
}
