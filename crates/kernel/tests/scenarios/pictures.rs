//! Pictures among documents: looked at by models that can see, and paid for.

use naos_kernel::run::PICTURES_MAX;
use naos_types::fact::run::Ability;
use naos_types::fact::{Fact, run};
use naos_types::input::{Answer, Link, Piece};
use naos_types::spec::{Kind, ModelCan, Spec};
use naos_types::think::{Thought, ToolCall};
use naos_types::{DocPath, command};
use serde_json::json;

use crate::bench::Bench;
use crate::thinking::{Cell, made, mind, name};

const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\n-what-stands-in-it-";

/// A cell with a picture, and models of which some see.
fn cell(seeing: &[&str]) -> Cell {
    let mut bench = made(mind());
    for one in seeing {
        let key = naos_kernel::Key::Resource(naos_kernel::ResourceKey(Kind::Model, name(one)));
        let spec = match bench.state.get(&key) {
            Some(naos_kernel::AnyAggregate::Resource(found)) => found.spec.clone(),
            other => panic!("{other:?}"),
        };
        let Spec::Model(mut spec) = spec else {
            panic!("a model");
        };
        spec.can.push(ModelCan::Vision);
        spec.image_tokens = Some(3_000);
        let apply = command::Resource::Apply {
            kind: Kind::Model,
            name: name(one),
            spec: Spec::Model(spec),
        };
        bench.command(apply).0.unwrap();
    }
    keep(&mut bench, "notes/bill.png", PICTURE);
    keep(&mut bench, "secret/face.png", PICTURE);
    Cell::over(bench)
}

fn keep(bench: &mut Bench, path: &str, bytes: &[u8]) {
    let body = bench.body(bytes);
    let write = command::Document::Write {
        path: DocPath::new(path).unwrap(),
        body,
        expected: None,
    };
    bench.command(write).0.unwrap();
}

fn looks(cell: &mut Cell, path: &str) -> (Ability, Answer) {
    // Otherwise it would be the same call again and again, and stopped for that.
    let facts = cell.bench.facts.len();
    let arguments = format!("{}{}", json!({ "path": path }), " ".repeat(facts));
    let call = ToolCall {
        id: facts.to_string(),
        name: "context_read".into(),
        arguments,
    };
    cell.says(&Thought {
        calls: vec![call],
        stop: "tool_use".into(),
        ..Thought::default()
    });
    let mut answers = cell.bench.facts.iter().filter_map(|(_, fact)| match fact {
        Fact::Run(run::Fact::Answered(f)) => Some(f.answer),
        _ => None,
    });
    let last = answers.next_back().expect("it was answered");
    let link: Link = postcard::from_bytes(&cell.bench.bodies[&last]).unwrap();
    match link.piece {
        Piece::Answer {
            ability, answer, ..
        } => (ability, answer),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_picture_is_given_as_it_is_to_whoever_sees() {
    let mut cell = cell(&["first"]);
    let (ability, answer) = looks(&mut cell, "notes/bill.png");
    let Answer::Body(body) = answer else {
        panic!("{answer:?}");
    };
    assert_eq!(ability, Ability::Picture);
    assert_eq!(cell.bench.bodies[&body], PICTURE);
    let (ability, answer) = looks(&mut cell, "secret/face.png");
    assert_eq!(ability, Ability::Tool);
    assert!(matches!(answer, Answer::Denied(_)), "{answer:?}");
}

#[test]
fn whoever_can_not_see_is_told_so() {
    let mut cell = cell(&[]);
    let (_, answer) = looks(&mut cell, "notes/bill.png");
    let told = "notes/bill.png is a picture, and no model of brain can see";
    assert_eq!(answer, Answer::Failed(told.into()));
    assert!(cell.asked().is_some(), "it goes on without");
}

#[test]
fn after_a_picture_only_a_model_that_sees_is_asked() {
    let mut cell = cell(&["second"]);
    assert_eq!(cell.asked().unwrap().1.model, name("first"));
    looks(&mut cell, "notes/bill.png");
    assert_eq!(cell.asked().unwrap().1.model, name("second"));
}

#[test]
fn pictures_count_in_the_worst_case() {
    let mut cell = cell(&["first"]);
    let (_, before) = cell.money();
    looks(&mut cell, "notes/bill.png");
    let (_, after) = cell.money();
    // 3,000 tokens at a dollar for a million, and the words of the call.
    let more = after - before;
    assert!((3_000..4_500).contains(&more), "{more}");
}

#[test]
fn a_run_looks_at_so_many_pictures() {
    let mut cell = cell(&["first"]);
    for _ in 0..PICTURES_MAX {
        let (ability, _) = looks(&mut cell, "notes/bill.png");
        assert_eq!(ability, Ability::Picture);
    }
    let (_, answer) = looks(&mut cell, "notes/bill.png");
    let told = "8 pictures are all that a run looks at";
    assert_eq!(answer, Answer::Failed(told.into()));
}
