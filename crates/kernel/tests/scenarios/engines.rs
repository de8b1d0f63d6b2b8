//! Agents whose turns somebody else's engine does: a gateway of OpenClaw.

use std::sync::Arc;

use naos_types::command::{self, Reply};
use naos_types::effect::{Driver, Effect};
use naos_types::fact::run::World;
use naos_types::spec::{AgentSpec, Kind, MindSpec, ModelFormat, Spec};
use naos_types::{Code, Micros, RunStatus};

use crate::bench::{Bench, sealed};
use crate::thinking::{Cell, made, mind, model, name, open, text, trouble};
use crate::what_ifs::{SECOND, With, what_if};

/// The model `first` is an engine, whose turns cost so much at most.
fn engine(turn: Option<u64>, prices: bool) -> Spec {
    let mut spec = model(prices).model().unwrap().clone();
    spec.format = ModelFormat::OpenClaw;
    spec.endpoint = "ws://127.0.0.1:18789".into();
    spec.turn = turn.map(Micros);
    spec.into()
}

fn by_engine(turn: Option<u64>, prices: bool) -> Bench {
    let mut bench = made(MindSpec {
        models: vec![name("first")],
        tools: Vec::new(),
        ..mind()
    });
    let apply = command::Resource::Apply {
        kind: Kind::Model,
        name: name("first"),
        spec: engine(turn, prices),
    };
    bench.command(apply).0.unwrap();
    bench
}

#[test]
fn a_turn_is_asked_under_a_key_and_costs_what_was_set_aside() {
    let mut cell = Cell::over(by_engine(Some(500_000), false));
    assert_eq!(cell.money(), (0, 500_000), "whatever is asked");
    let call = cell
        .bench
        .open()
        .into_iter()
        .find_map(|effect| match effect {
            Effect::Call(call) if call.driver == Driver::Model => Some(call),
            _ => None,
        });
    assert_eq!(
        call.unwrap().world,
        World::Keyed,
        "it knows the question again"
    );
    let (_, think) = cell.asked().unwrap();
    assert_eq!(think.spec.turn, Some(Micros(500_000)));
    cell.says(&text("The bill."));
    assert_eq!(
        cell.money(),
        (500_000, 0),
        "nobody said what its tokens cost"
    );
    assert_eq!(cell.status(), (RunStatus::Completed, None));
}

#[test]
fn what_it_used_is_settled_where_tokens_have_a_price() {
    let mut cell = Cell::over(by_engine(Some(500_000), true));
    cell.says(&text("The bill."));
    assert_eq!(cell.money(), (200, 0), "100 read and 10 written");
    // More than a turn may cost: a person looks before anything goes on.
    let mut cell = Cell::over(by_engine(Some(100), true));
    cell.says(&text("The bill."));
    assert_eq!(cell.status(), (RunStatus::Failed, Some(Code::OVERBILLED)));
    assert_eq!(cell.money(), (100, 0));
}

#[test]
fn an_engine_without_a_price_is_not_asked() {
    for prices in [false, true] {
        let mut bench = by_engine(None, prices);
        let refusal = open(&mut bench).0.unwrap_err();
        assert_eq!(refusal.code, Code::NO_MODEL);
        assert!(refusal.help.contains("cost_per_call in the model first"));
    }
}

#[test]
fn whoever_wants_any_model_gets_no_engine() {
    let mut bench = by_engine(Some(1), true);
    let any = MindSpec {
        models: Vec::new(),
        tools: Vec::new(),
        ..mind()
    };
    let spec = AgentSpec {
        mind: Some(Arc::new(any)),
        ..AgentSpec::default()
    };
    let update = command::Agent::Create {
        name: name("other"),
        spec,
    };
    bench.command(update).0.unwrap();
    let input = bench.body(b"What is due?");
    let (reply, _) = bench.command(command::Task::Open {
        title: sealed("due"),
        input,
        agent: Some(name("other")),
    });
    let Ok(Reply::Task { run: Some(run), .. }) = reply else {
        panic!("{reply:?}")
    };
    let cell = Cell { bench, run };
    assert_eq!(cell.asked().unwrap().1.model, name("second"));
}

#[test]
fn a_turn_that_failed_is_followed_by_whoever_stands_in() {
    let mut bench = by_engine(Some(500_000), false);
    let mut spec = engine(Some(500_000), false).model().unwrap().clone();
    spec.fallbacks = vec![name("second")];
    let apply = command::Resource::Apply {
        kind: Kind::Model,
        name: name("first"),
        spec: spec.into(),
    };
    bench.command(apply).0.unwrap();
    let mut cell = Cell::over(bench);
    cell.says(&trouble(true));
    let (spent, _) = cell.money();
    assert_eq!(spent, 500_000, "it may have worked");
    assert_eq!(cell.asked().unwrap().1.model, name("second"));
    cell.says(&text("The bill."));
    assert_eq!(cell.status(), (RunStatus::Completed, None));
}

#[test]
fn an_engine_is_no_model_and_no_model_an_engine() {
    let mut bench = by_engine(Some(1), false);
    let as_model = engine(Some(1), false).model().unwrap().clone();
    let as_engine = model(true).model().unwrap().clone();
    for spec in [
        Spec::Model(Box::new(as_model)),
        Spec::Engine(Arc::new(as_engine)),
    ] {
        let apply = command::Resource::Apply {
            kind: Kind::Model,
            name: name("first"),
            spec,
        };
        assert!(bench.command(apply).0.is_err());
    }
}

/// Its agent acts by itself, and nothing that a what-if does may reach anybody.
#[test]
fn no_what_if_asks_an_engine() {
    let mut cell = Cell::over(by_engine(Some(500_000), false));
    cell.says(&text("The bill."));
    let of = cell.run;
    let prompt = With {
        model: None,
        prompt: Some("You are curt."),
    };
    let facts = cell.bench.facts.len();
    let refused = what_if(&mut cell, of, 1, prompt).0.unwrap_err();
    assert_eq!(refused.code, Code::NO_MODEL);
    assert!(refused.what.contains("acts by itself"), "{}", refused.what);
    assert_eq!(cell.bench.facts.len(), facts);
    what_if(&mut cell, of, 1, SECOND).0.unwrap();
}
