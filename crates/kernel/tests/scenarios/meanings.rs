//! Recall for which a model is asked what words mean: set aside and paid as any answer of a model,
//! and found by letters where nobody may or can be asked.

use naos_kernel::recall::{Found, Got, Hit, Wanted};
use naos_types::command;
use naos_types::effect::{Call, Driver, Effect};
use naos_types::fact::run::World;
use naos_types::input::CallOutcome;
use naos_types::spec::{Kind, MindSpec, ModelCan, ModelPrices, ModelSpec, ModelUsage, Spec};
use naos_types::{Code, Micros, RunStatus};

use crate::thinking::{Cell, calls, keep, limited, made, model, name, text, with_a_workspace};

const NOTE: &str = "Waiting for the roofer's offer.";
const QUERY: &str = r#"{"query": "roofers"}"#;

/// One that gives vectors, at $2 for a million tokens.
fn meanings(change: impl FnOnce(&mut ModelSpec)) -> Spec {
    let Spec::Model(mut spec) = model(true) else {
        panic!("a model")
    };
    spec.can = vec![ModelCan::Embeddings];
    spec.prices = Some(ModelPrices {
        input: Micros(2_000_000),
        ..ModelPrices::default()
    });
    change(&mut spec);
    Spec::Model(spec)
}

fn asking(mind: &mut MindSpec) {
    mind.recall = Some(name("meanings"));
}

/// A cell whose agent recalls by such a model, if there is one.
fn cell(spec: Option<Spec>) -> Cell {
    let mut bench = made(with_a_workspace(asking));
    keep(&mut bench, "agents/brain/WORKING.md", NOTE);
    if let Some(spec) = spec {
        let (kind, name) = (Kind::Model, name("meanings"));
        let apply = command::Resource::Apply { kind, name, spec };
        bench.command(apply).0.unwrap();
    }
    Cell::over(bench)
}

/// What the model is asked now.
fn wanted(cell: &Cell) -> Option<(Call, Wanted)> {
    let open = cell.bench.open().into_iter();
    let mut asked = open.filter_map(|effect| match effect {
        Effect::Call(call) if call.driver == Driver::Recall => {
            let wanted = serde_json::from_slice(&cell.bench.bodies[&call.request]).unwrap();
            Some((call, wanted))
        }
        _ => None,
    });
    asked.next()
}

fn got(input: u64) -> Got {
    let hit = Hit {
        document: "agents/brain/WORKING.md".into(),
        line: 1,
        date: "2026-02-28".into(),
        confidence: None,
        source: None,
        run: None,
        heading: None,
        text: "found by what it means".into(),
    };
    Got {
        found: Some(Found {
            hits: vec![hit],
            fit: 1,
            passages: 1,
            by_letters: None,
        }),
        usage: ModelUsage {
            input,
            ..ModelUsage::default()
        },
        ..Got::default()
    }
}

/// Tells what became of it; the kinds of what follows.
fn told(cell: &mut Cell, got: &Got) -> String {
    let (call, _) = wanted(cell).expect("the model is asked");
    let body = cell.bench.body(&serde_json::to_vec(got).unwrap());
    cell.call_ends(call.by, CallOutcome::Answered(body))
}

#[test]
fn a_model_that_knows_meanings_is_set_aside_for_and_paid() {
    let mut cell = cell(Some(meanings(|_| ())));
    let facts = cell.says(&calls(&[("recall", QUERY)]));
    assert!(
        facts.ends_with("run.answered budget.reserved run.called"),
        "{facts}"
    );
    let (spent, reserved) = cell.money();
    // A byte is a token at most, and each text is a little more.
    let most = 2 * (NOTE.len() + "roofers".len() + 2 * 8) as u64;
    assert_eq!((spent, reserved), (200, most));
    let (call, asked) = wanted(&cell).unwrap();
    assert_eq!(call.world, World::Repeatable);
    assert_eq!(
        (asked.model, asked.query.as_str()),
        (name("meanings"), "roofers")
    );
    assert_eq!(asked.arguments, QUERY);
    assert_eq!(
        told(&mut cell, &got(10)),
        "budget.metered budget.settled run.answered budget.reserved run.called"
    );
    let said = cell.results().pop().unwrap();
    for want in [
        "1 of 1 that fit",
        "found by what it means",
        "ability: Recall",
    ] {
        assert!(said.contains(want), "{want}: {said}");
    }
    assert!(!said.contains("letters"), "{said}");
    cell.says(&text("He comes on Monday."));
    assert_eq!(cell.status(), (RunStatus::Completed, None));
    assert_eq!(cell.money(), (200 + 20 + 200, 0));
}

#[test]
fn nobody_is_asked_who_may_not_be_and_letters_stand_in() {
    let fast = |change: fn(&mut ModelSpec)| Some(meanings(change));
    for (spec, why) in [
        (None, "there is no model meanings"),
        (fast(|spec| spec.enabled = false), "meanings is disabled"),
        (fast(|spec| spec.can = vec![ModelCan::Text]), "`embeddings`"),
        (fast(|spec| spec.prices = None), "costs isn't known"),
    ] {
        let mut cell = cell(spec);
        cell.says(&calls(&[("recall", QUERY)]));
        assert!(wanted(&cell).is_none(), "{why}");
        let said = cell.results().pop().unwrap();
        for want in ["1 of 1 that fit", NOTE, "By words and letters alone", why] {
            assert!(said.contains(want), "{want}: {said}");
        }
        assert!(cell.asked().is_some(), "the model goes on");
    }
}

#[test]
fn what_there_is_no_money_for_isnt_asked() {
    let dear = |spec: &mut ModelSpec| {
        let input = Micros(2_000_000_000_000);
        spec.prices = Some(ModelPrices {
            input,
            ..ModelPrices::default()
        });
    };
    let mut cell = cell(Some(meanings(dear)));
    limited(&mut cell.bench, 10_000_000);
    cell.says(&calls(&[("recall", QUERY)]));
    assert!(wanted(&cell).is_none());
    let said = cell.results().pop().unwrap();
    for want in [NOTE, "By words and letters alone", "this may cost"] {
        assert!(said.contains(want), "{want}: {said}");
    }
}

#[test]
fn what_failed_is_paid_as_far_as_it_may_be_billed() {
    let failed = |maybe_more: bool, input: u64| Got {
        maybe_more,
        why: Some("it has no time".into()),
        found: None,
        ..got(input)
    };
    for (outcome, paid, why) in [
        (Some(failed(false, 0)), Some(0), "it has no time"),
        (Some(failed(false, 7)), Some(14), "it has no time"),
        (Some(failed(true, 7)), None, "it has no time"),
        (None, None, "nobody knows"),
    ] {
        let mut cell = cell(Some(meanings(|_| ())));
        cell.says(&calls(&[("recall", QUERY)]));
        let (spent, reserved) = cell.money();
        let facts = match &outcome {
            Some(got) => told(&mut cell, got),
            None => {
                let (call, _) = wanted(&cell).unwrap();
                cell.call_ends(call.by, CallOutcome::Lost(None))
            }
        };
        assert!(
            facts.ends_with("run.answered budget.reserved run.called"),
            "{facts}"
        );
        let said = cell.results().pop().unwrap();
        for want in [NOTE, "By words and letters alone", why] {
            assert!(said.contains(want), "{want}: {said}");
        }
        assert_eq!(
            cell.money().0,
            spent + paid.unwrap_or(reserved),
            "{outcome:?}"
        );
    }
}

#[test]
fn a_bill_above_what_was_set_aside_stops_the_agent() {
    let mut cell = cell(Some(meanings(|_| ())));
    cell.says(&calls(&[("recall", QUERY)]));
    let (spent, reserved) = cell.money();
    let facts = told(&mut cell, &got(1_000_000));
    assert!(facts.contains("agent.stopped run.failed"), "{facts}");
    assert_eq!(cell.money(), (spent + reserved, 0));
    assert_eq!(cell.status(), (RunStatus::Failed, Some(Code::OVERBILLED)));
}

#[test]
fn nobody_talks_with_a_model_that_says_nothing() {
    let mut mind = with_a_workspace(asking);
    mind.models = vec![name("meanings")];
    let mut bench = made(mind);
    let (kind, spec) = (Kind::Model, meanings(|_| ()));
    let name = name("meanings");
    let apply = command::Resource::Apply { kind, name, spec };
    bench.command(apply).0.unwrap();
    let (reply, _) = crate::thinking::open(&mut bench);
    let refusal = reply.unwrap_err();
    assert_eq!(refusal.code, Code::NO_MODEL);
    assert!(refusal.what.contains("says nothing"), "{}", refusal.what);
}
