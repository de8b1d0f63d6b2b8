//! What whoever asks says of the answer: its form, and pictures that come with the task.

use naos_types::command::{self, Reply};
use naos_types::fact::task::Asks;
use naos_types::spec::{Kind, MindSpec, ModelCan, Spec};
use naos_types::{Code, Refusal, RunId};

use crate::bench::{Bench, sealed};
use crate::thinking::{Cell, made, mind, model, name};

const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\n-what-stands-in-it-";
const FORM: &str = r#"{"type":"object","required":["total"]}"#;

/// Opens one for which that is asked.
fn opened(bench: &mut Bench, form: Option<&str>, pictures: &[&[u8]]) -> Result<RunId, Refusal> {
    let input = bench.body(b"What is due?");
    let asks = Asks {
        form: form.map(|form| bench.body(form.as_bytes())),
        pictures: pictures.iter().map(|bytes| bench.body(bytes)).collect(),
    };
    let open = command::Task::OpenAs {
        title: sealed("due"),
        input,
        agent: Some(name("brain")),
        asks,
    };
    match bench.command(open).0 {
        Ok(Reply::Task { run: Some(run), .. }) => Ok(run),
        Ok(other) => panic!("{other:?}"),
        Err(why) => Err(why),
    }
}

/// A cell whose second model sees pictures.
fn seeing(mind: MindSpec) -> Bench {
    let mut bench = made(mind);
    let Spec::Model(mut spec) = model(true) else {
        panic!("a model");
    };
    spec.can.push(ModelCan::Vision);
    spec.image_tokens = Some(3_000);
    let apply = command::Resource::Apply {
        kind: Kind::Model,
        name: name("second"),
        spec: Spec::Model(spec),
    };
    bench.command(apply).0.unwrap();
    bench
}

#[test]
fn an_answer_is_asked_for_in_the_form_of_whoever_asks() {
    let mut bench = made(mind());
    let run = opened(&mut bench, Some(FORM), &[]).unwrap();
    let cell = Cell { bench, run };
    assert_eq!(cell.asked().unwrap().1.schema.as_deref(), Some(FORM));
    // The next one asks for nothing.
    assert_eq!(Cell::over(made(mind())).asked().unwrap().1.schema, None);
}

#[test]
fn a_form_that_can_not_be_asked_for_begins_nothing() {
    let own = MindSpec {
        schema: Some("{\"type\":\"object\"}".into()),
        ..mind()
    };
    let long = format!("{{\"title\": \"{}\"}}", "x".repeat(17_000));
    for (mind, form, why) in [
        (own, FORM, "in the form that its manifest says"),
        (mind(), "{\"type\": 7}", "is no JSON Schema"),
        (mind(), "[]", "an object"),
        (mind(), "total", "is no JSON"),
        (mind(), long.as_str(), "16384 bytes"),
    ] {
        let mut bench = made(mind);
        let facts = bench.facts.len();
        let refused = opened(&mut bench, Some(form), &[]).unwrap_err();
        assert_eq!(refused.code, Code::BAD_REQUEST, "{refused:?}");
        assert!(refused.what.contains(why), "{form}: {}", refused.what);
        assert_eq!(bench.facts.len(), facts, "{form}");
    }
}

#[test]
fn pictures_that_come_with_a_task_are_shown_to_whoever_sees() {
    let mut bench = seeing(mind());
    let run = opened(&mut bench, None, &[PICTURE, b"GIF89a-another-"]).unwrap();
    let cell = Cell { bench, run };
    let (_, think) = cell.asked().unwrap();
    assert_eq!(think.model, name("second"));
    let shown = think
        .pictures
        .iter()
        .map(|body| &cell.bench.bodies[body][..]);
    assert_eq!(shown.collect::<Vec<_>>(), [PICTURE, b"GIF89a-another-"]);
    // They are paid for: 3,000 tokens each, at a dollar for a million.
    let (_, with) = cell.money();
    let (_, without) = Cell::over(seeing(mind())).money();
    assert_eq!(with - without, 6_000);
    let mut blind = made(mind());
    let refused = opened(&mut blind, None, &[PICTURE]).unwrap_err();
    assert_eq!(refused.code, Code::NO_MODEL, "{refused:?}");
    let many = [PICTURE; 9];
    let refused = opened(&mut seeing(mind()), None, &many).unwrap_err();
    assert!(refused.what.contains("8 pictures"), "{}", refused.what);
}
