//! Answers that are to have a form: what fits is the run's, what doesn't goes back to its model.

use naos_types::command;
use naos_types::input::Piece;
use naos_types::spec::{AgentSpec, MindSpec, RetryPolicy};
use naos_types::{Code, RunStatus};

use crate::thinking::{Cell, calls, made, mind, name, text};

/// A whole number, and nothing else.
const TOTAL: &str = r#"{"type": "object", "required": ["total"], "additionalProperties": false,
    "properties": {"total": {"type": "integer"}}}"#;
const BAD: &str = r#"{"total": "not a number"}"#;

fn formed() -> MindSpec {
    MindSpec {
        schema: Some(TOTAL.into()),
        ..mind()
    }
}

fn told(cell: &Cell) -> Vec<String> {
    let mut at = cell.run().tail;
    let mut out = Vec::new();
    while let Some(tail) = at {
        let link: naos_types::input::Link =
            postcard::from_bytes(&cell.bench.bodies[&tail]).unwrap();
        at = link.before;
        if let Piece::Unfit { said, .. } = link.piece {
            out.push(said);
        }
    }
    out.reverse();
    out
}

#[test]
fn an_answer_that_does_not_fit_goes_back_with_the_reason() {
    let mut cell = Cell::over(made(formed()));
    assert_eq!(
        cell.says(&text(BAD)),
        "budget.metered budget.settled run.answered run.recorded budget.reserved run.called"
    );
    let why = told(&cell);
    assert!(why[0].contains("/total"), "{why:?}");
    assert!(why[0].contains("integer"), "{why:?}");
    let (_, think) = cell.asked().unwrap();
    assert_eq!(think.tail, cell.run().tail, "its model hears it");
    assert_eq!(think.schema.as_deref(), Some(TOTAL));
    cell.says(&text("Here: {\"total\": 3}"));
    assert!(told(&cell)[1].contains("no JSON"), "{:?}", told(&cell));
    cell.says(&text(r#"{"total": 3}"#));
    assert_eq!(cell.status(), (RunStatus::Completed, None));
    let output = cell.run().output.unwrap();
    assert_eq!(cell.bench.text(&output), r#"{"total": 3}"#);
    assert_eq!(cell.money(), (600, 0), "each answer is paid");
}

#[test]
fn one_that_never_fits_ends_the_run_and_says_why() {
    let mut cell = Cell::over(made(formed()));
    for _ in 0..3 {
        cell.says(&text(BAD));
    }
    assert_eq!(cell.status(), (RunStatus::Failed, Some(Code::ANSWER_UNFIT)));
    assert_eq!(cell.money(), (600, 0));
    let note = cell.run().problem.unwrap().note;
    for said in [
        "the answer of brain doesn't have the form",
        "2 times more",
        "/total",
    ] {
        assert!(note.contains(said), "{said}: {note}");
    }
    // No turn that the manifest doesn't have is taken for it.
    let mut cell = Cell::over(made(MindSpec {
        turns_max: 1,
        ..formed()
    }));
    cell.says(&text(BAD));
    assert_eq!(cell.status(), (RunStatus::Failed, Some(Code::ANSWER_UNFIT)));
    let note = cell.run().problem.unwrap().note;
    assert!(note.contains("no turn left"), "{note}");
}

#[test]
fn a_note_and_tools_in_between_lose_nothing() {
    let mut cell = Cell::over(made(formed()));
    cell.says(&text(BAD));
    let body = cell.bench.body(b"Only this year.");
    let say = command::Run::Steer {
        run: cell.run,
        body,
    };
    cell.bench.command(say).0.unwrap();
    // What a person says counts first: nobody looks at an answer that isn't the last.
    let facts = cell.says(&text(BAD));
    assert!(
        facts.ends_with("run.answered run.recorded budget.reserved run.called"),
        "{facts}"
    );
    assert_eq!(told(&cell).len(), 1, "{:?}", told(&cell));
    cell.says(&calls(&[("calculate", r#"{"expression": "1"}"#)]));
    cell.says(&text(BAD));
    assert_eq!(told(&cell).len(), 2);
    cell.says(&text(r#"{"total": 4}"#));
    assert_eq!(cell.status(), (RunStatus::Completed, None));
}

#[test]
fn a_schema_that_is_none_is_refused_when_it_is_applied() {
    let large = format!(r#"{{"description": "{}"}}"#, "x".repeat(16 * 1_024));
    for (schema, says) in [
        (r#"{"type": "nonsense"}"#, "no JSON Schema"),
        (r#"{"$ref": "https://a.example/x.json"}"#, "no JSON Schema"),
        ("[]", "an object"),
        ("{", "no JSON"),
        (large.as_str(), "at most 16384 bytes"),
    ] {
        let mut bench = crate::bench::Bench::new();
        let create = command::Agent::Create {
            name: name("brain"),
            spec: AgentSpec {
                mind: Some(std::sync::Arc::new(MindSpec {
                    schema: Some(schema.into()),
                    ..mind()
                })),
                retry: RetryPolicy::default(),
                ..AgentSpec::default()
            },
        };
        let refused = bench.command(create).0.unwrap_err();
        assert_eq!(refused.code, Code::BAD_DOCUMENT, "{schema}");
        assert!(refused.what.contains(says), "{schema}: {}", refused.what);
    }
}
