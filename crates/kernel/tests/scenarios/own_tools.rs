//! What naos's own tools give a model, and what it is told of an answer that was cut.

use naos_types::command;
use naos_types::fact::{Fact, approval};
use naos_types::spec::{Kind, ModelUsage, Spec};
use naos_types::think::{Bound, Thought};
use naos_types::{Code, RunStatus};

use crate::thinking::{Cell, calls, made, mind, model, name, text};

/// What `calculate` says to each.
fn worked_out(expressions: &[&str]) -> Vec<String> {
    let arguments: Vec<String> = expressions
        .iter()
        .map(|expression| serde_json::json!({"expression": expression}).to_string())
        .collect();
    let all: Vec<(&str, &str)> = arguments
        .iter()
        .map(|arguments| ("calculate", arguments.as_str()))
        .collect();
    let mut cell = Cell::over(made(mind()));
    cell.says(&calls(&all));
    cell.results().split_off(1)
}

#[test]
fn a_fraction_is_given_to_fifteen_digits_and_a_whole_number_as_it_is() {
    let asked = [
        ("0.1 + 0.2", "0.3"),
        ("4.35 * 100.0", "435.0"),
        ("[0.1 + 0.2, 1.1 * 1.1]", "[0.3,1.21]"),
        ("{'a': 0.1 + 0.7}", r#"{\"a\":0.8}"#),
        ("1.0 / 3.0", "0.333333333333333"),
        ("9007199254740993 + 2", "9007199254740995"),
        ("9007199254740991.0", "9007199254740991.0"),
    ];
    let told = worked_out(&asked.map(|(expression, _)| expression));
    for ((expression, want), told) in asked.iter().zip(&told) {
        // A link holds it between quotes.
        assert!(
            told.contains(&format!("\"{want}\"")),
            "{expression}: {told}"
        );
    }
}

/// The options that a person is given, if any is asked.
fn offered(options: &[&str]) -> Option<Vec<String>> {
    let mut cell = Cell::over(made(mind()));
    let arguments = serde_json::json!({"question": "Which?", "options": options});
    cell.says(&calls(&[("ask", &arguments.to_string())]));
    cell.bench.facts.iter().find_map(|(_, fact)| match fact {
        Fact::Approval(approval::Fact::Requested(f)) => Some(f.options.clone()),
        _ => None,
    })
}

#[test]
fn a_person_is_given_options_that_can_be_told_apart() {
    let given = offered(&["red", " blue "]).unwrap();
    assert_eq!(given, ["red", "blue"]);
    for unfit in [["red", " "], ["red", "red "], ["", "red"]] {
        assert_eq!(offered(&unfit), None, "{unfit:?}");
    }
}

/// What a run whose answer was cut is said to have failed for.
fn cut(bound: Option<Bound>, output: u64) -> String {
    let mut cell = Cell::over(made(mind()));
    cell.says(&Thought {
        stop: "length".into(),
        bound,
        usage: Some(ModelUsage {
            output,
            ..ModelUsage::default()
        }),
        ..text("The bi")
    });
    assert_eq!(cell.status(), (RunStatus::Failed, Some(Code::LIMIT_TOKENS)));
    cell.run().problem.unwrap().note
}

#[test]
fn the_bound_that_cut_an_answer_is_named() {
    let agent = cut(Some(Bound::Agent(1_000)), 1_000);
    assert!(
        agent.contains("at 1000 tokens, the agent's `answer_tokens`"),
        "{agent}"
    );
    let model = cut(Some(Bound::Model(512)), 512);
    assert!(model.contains("at 512 tokens, the `max_output`"), "{model}");
    let sooner = cut(Some(Bound::Agent(1_000)), 200);
    assert!(sooner.contains("after 200 tokens"), "{sooner}");
    let unknown = cut(None, 10);
    assert!(unknown.contains("a bound of its own"), "{unknown}");

    let mut cell = Cell::over(made(mind()));
    cell.says(&Thought {
        stop: "window".into(),
        ..text("The bi")
    });
    let full = cell.run().problem.unwrap();
    assert_eq!(full.code, Code::LIMIT_TOKENS);
    assert!(
        full.note.contains("window of its model is full"),
        "{}",
        full.note
    );
}

#[test]
fn an_answer_is_asked_with_the_smaller_bound() {
    for (max_output, expected) in [
        (None, Bound::Agent(1_000)),
        (Some(512), Bound::Model(512)),
        (Some(4_000), Bound::Agent(1_000)),
    ] {
        let mut bench = made(mind());
        let Spec::Model(mut spec) = model(true) else {
            panic!("a model")
        };
        spec.output_tokens_max = max_output;
        bench
            .command(command::Resource::Apply {
                kind: Kind::Model,
                name: name("first"),
                spec: Spec::Model(spec),
            })
            .0
            .unwrap();
        let (_, think) = Cell::over(bench).asked().unwrap();
        assert_eq!(think.bound(), expected);
    }
}
