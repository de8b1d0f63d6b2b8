//! What bounds a run that works with models: its budget, and what is beside that.

use naos_types::command::{self, Reply};
use naos_types::spec::{AgentSpec, Data, Kind, MindSpec, ModelCan, PolicySpec, Spec};
use naos_types::think::Thought;
use naos_types::{Code, Micros, Name, Role, RunStatus, Span};

use crate::bench::Bench;
use crate::thinking::{Cell, calls, kinds, limited, made, mind, model, name, open, text, trouble};

/// A model as it is, but for what is to be different.
fn apply(bench: &mut Bench, called: &str, change: impl FnOnce(&mut naos_types::spec::ModelSpec)) {
    let Spec::Model(mut spec) = model(true) else {
        panic!("a model is one")
    };
    change(&mut spec);
    let apply = command::Resource::Apply {
        kind: Kind::Model,
        name: name(called),
        spec: Spec::Model(spec),
    };
    bench.command(apply).0.unwrap();
}

fn unpriced(models: &[&str]) -> MindSpec {
    MindSpec {
        models: models.iter().copied().map(name).collect(),
        unpriced: true,
        ..mind()
    }
}

fn is_asked(bench: &mut Bench) -> Result<Name, Code> {
    let (reply, _) = open(bench);
    match reply {
        Ok(Reply::Task { run: Some(run), .. }) => {
            let cell = Cell {
                bench: bench.clone(),
                run,
            };
            Ok(cell.asked().unwrap().1.model)
        }
        Ok(reply) => panic!("{reply:?}"),
        Err(why) => Err(why.code),
    }
}

fn with(mind: MindSpec) -> Bench {
    let mut bench = made(mind);
    apply(&mut bench, "priceless", |model| {
        model.prices = None;
        model.can.push(ModelCan::Tools);
    });
    bench
}

#[test]
fn who_may_ask_a_model_without_a_price() {
    let mut without = with(MindSpec {
        unpriced: false,
        ..unpriced(&["priceless"])
    });
    assert_eq!(is_asked(&mut without), Err(Code::NO_MODEL));
    let mut with_leave = with(unpriced(&["priceless"]));
    assert_eq!(is_asked(&mut with_leave), Ok(name("priceless")));
    // Of any, those whose price is known come first.
    let mut any = with(unpriced(&[]));
    assert_eq!(is_asked(&mut any), Ok(name("first")));
    let mut any = with(MindSpec {
        wants: vec![ModelCan::Tools],
        ..unpriced(&[])
    });
    assert_eq!(is_asked(&mut any), Ok(name("priceless")));
}

/// The tokens of one run, and those of one answer and what is read for it.
const MOST: u64 = 1_000;
const ANSWER: u64 = 110;

#[test]
fn what_has_no_price_counts_no_money_and_ends_at_its_tokens() {
    let mut bench = with(MindSpec {
        tokens_max: MOST,
        ..unpriced(&["priceless"])
    });
    let (reply, facts) = open(&mut bench);
    let Ok(Reply::Task { run: Some(run), .. }) = reply else {
        panic!("{reply:?}")
    };
    assert!(!facts.iter().any(|fact| fact.kind() == "budget.reserved"));
    let mut cell = Cell { bench, run };
    let mut used = 0;
    while let (RunStatus::Running, _) = cell.status() {
        let (_, think) = cell.asked().unwrap();
        // No answer may have more than is left beside what is read for it.
        assert!(used + u64::from(think.answer_tokens_max) < MOST, "{used}");
        let asked = format!(r#"{{"expression": "{used}"}}"#);
        cell.says(&calls(&[("calculate", &asked)]));
        used += ANSWER;
    }
    assert_eq!(cell.status(), (RunStatus::Failed, Some(Code::LIMIT_TOKENS)));
    assert!((MOST / 2..=MOST).contains(&used), "{used}");
    assert_eq!((cell.money(), cell.run().cost.0), ((0, 0), 0));
}

#[test]
fn an_answer_without_figures_counts_as_the_most_that_it_can_be() {
    let mut bench = with(MindSpec {
        tokens_max: 1_000, // as many as one answer may have
        ..unpriced(&["priceless", "first"])
    });
    let (reply, _) = open(&mut bench);
    let Ok(Reply::Task { run: Some(run), .. }) = reply else {
        panic!("{reply:?}")
    };
    let mut cell = Cell { bench, run };
    let mut refused = Cell {
        bench: cell.bench.clone(),
        run,
    };
    cell.says(&Thought {
        usage: None,
        ..calls(&[("calculate", r#"{"expression": "1"}"#)])
    });
    assert_eq!(cell.status(), (RunStatus::Failed, Some(Code::LIMIT_TOKENS)));
    // What was refused used nothing.
    refused.says(&trouble(false));
    assert_eq!(refused.asked().unwrap().1.model, name("first"));
    refused.says(&text("The bill."));
    assert_eq!(refused.status(), (RunStatus::Completed, None));
}

#[test]
fn only_an_owner_lets_an_agent_ask_without_a_price() {
    let create = |mind: MindSpec| command::Agent::Apply {
        name: name("brain"),
        spec: AgentSpec {
            mind: Some(std::sync::Arc::new(mind)),
            ..AgentSpec::default()
        },
    };
    let mut bench = made(mind());
    bench.role = Role::Admin;
    let refused = bench.command(create(unpriced(&["first"]))).0.unwrap_err();
    assert_eq!(refused.code, Code::NOT_ALLOWED);
    assert!(refused.what.contains("owner"), "{}", refused.what);
    let other = MindSpec {
        turns_max: 3,
        ..mind()
    };
    bench.command(create(other)).0.unwrap();
    bench.role = Role::Owner;
    bench.command(create(unpriced(&["first"]))).0.unwrap();
}

/// Two models whose data stays, dear ones, and a cheap one abroad.
pub fn abroad(mind: MindSpec) -> Bench {
    let mut bench = made(mind);
    apply(&mut bench, "abroad", |model| {
        model.leaves_country = true;
        if let Some(prices) = &mut model.prices {
            prices.output = Micros(1);
        }
    });
    bench
}

pub fn keeps(models: &[&str], data: Option<Data>) -> MindSpec {
    MindSpec {
        models: models.iter().copied().map(name).collect(),
        data,
        ..mind()
    }
}

fn policy(data: Data) -> command::Resource {
    command::Resource::Apply {
        kind: Kind::Policy,
        name: name("data"),
        spec: Spec::Policy(std::sync::Arc::new(PolicySpec { data })),
    }
}

#[test]
fn models_whose_data_leaves_are_not_asked_where_it_stays() {
    let stays = Some(Data::Stays);
    for (models, data, want) in [
        (&[][..], None, Ok(name("abroad"))),
        (&[], stays, Ok(name("first"))),
        (&["abroad"], None, Ok(name("abroad"))),
        (&["abroad"], stays, Err(Code::DATA_STAYS)),
        (&["abroad", "second"], stays, Ok(name("second"))),
    ] {
        let mut bench = abroad(keeps(models, data));
        assert_eq!(is_asked(&mut bench), want, "{models:?} {data:?}");
    }
    // Whoever is made by command names none that is there and that it couldn't ask.
    let mut bench = abroad(keeps(&[], None));
    let create = command::Agent::Create {
        name: name("other"),
        spec: AgentSpec {
            mind: Some(std::sync::Arc::new(keeps(&["first", "abroad"], stays))),
            ..AgentSpec::default()
        },
    };
    let refused = bench.command(create).0.unwrap_err();
    assert_eq!(refused.code, Code::DATA_STAYS);
    // One that stands in is asked no more than one that is named.
    let mut bench = abroad(keeps(&["first"], stays));
    apply(&mut bench, "first", |model| {
        model.fallbacks = vec![name("abroad")];
    });
    let (reply, _) = open(&mut bench);
    let Ok(Reply::Task { run: Some(run), .. }) = reply else {
        panic!("{reply:?}")
    };
    let mut cell = Cell { bench, run };
    cell.says(&trouble(false));
    assert_eq!(cell.asked(), None);
    assert_eq!(cell.status(), (RunStatus::Failed, Some(Code::MODEL_FAILED)));
    // Nor is one that nobody else fits beside.
    let mut bench = abroad(MindSpec {
        wants: vec![ModelCan::Vision],
        ..keeps(&[], stays)
    });
    assert_eq!(is_asked(&mut bench), Err(Code::DATA_STAYS));
}

#[test]
fn a_model_that_goes_abroad_later_is_asked_no_more() {
    let stays = Some(Data::Stays);
    for (models, want) in [
        (&["first"][..], None),
        (&["first", "second"], Some("second")),
    ] {
        let mut cell = Cell::over(abroad(keeps(models, stays)));
        apply(&mut cell.bench, "first", |model| {
            model.leaves_country = true;
        });
        cell.says(&calls(&[("calculate", r#"{"expression": "1"}"#)]));
        match want {
            Some(other) => assert_eq!(cell.asked().unwrap().1.model, name(other)),
            None => {
                assert_eq!(cell.asked(), None);
                let failed = (RunStatus::Failed, Some(Code::DATA_STAYS));
                assert_eq!(cell.status(), failed);
            }
        }
    }
}

#[test]
fn no_what_if_takes_data_abroad() {
    let mut cell = Cell::over(abroad(keeps(&["first"], Some(Data::Stays))));
    cell.says(&text("The bill."));
    let with = crate::what_ifs::With {
        model: Some("abroad"),
        prompt: None,
    };
    let of = cell.run;
    let (reply, facts) = crate::what_ifs::what_if(&mut cell, of, 1, with);
    assert_eq!(reply.unwrap_err().code, Code::DATA_STAYS);
    assert!(facts.is_empty());
}

#[test]
fn where_data_may_go_is_an_owners_to_say_for_all_and_for_one() {
    let mut bench = abroad(keeps(&["abroad"], None));
    bench.role = Role::Admin;
    let refused = bench.command(policy(Data::Stays)).0.unwrap_err();
    assert_eq!(refused.code, Code::NOT_ALLOWED);
    bench.role = Role::Owner;
    bench.command(policy(Data::Stays)).0.unwrap();
    assert_eq!(is_asked(&mut bench), Err(Code::DATA_STAYS));
    let hired = |data| command::Agent::Apply {
        name: name("brain"),
        spec: AgentSpec {
            mind: Some(std::sync::Arc::new(keeps(&["abroad"], data))),
            ..AgentSpec::default()
        },
    };
    let delete = || command::Resource::Delete {
        kind: Kind::Policy,
        name: name("data"),
    };
    bench.role = Role::Admin;
    let refused = bench.command(hired(Some(Data::Leaves))).0.unwrap_err();
    assert_eq!(refused.code, Code::NOT_ALLOWED);
    let refused = bench.command(delete()).0.unwrap_err();
    assert_eq!(refused.code, Code::NOT_ALLOWED);
    bench.role = Role::Owner;
    bench.command(hired(Some(Data::Leaves))).0.unwrap();
    assert_eq!(
        is_asked(&mut bench),
        Ok(name("abroad")),
        "one may, all may not"
    );
    bench.command(hired(None)).0.unwrap();
    assert_eq!(is_asked(&mut bench), Err(Code::DATA_STAYS));
    bench.command(delete()).0.unwrap();
    assert_eq!(is_asked(&mut bench), Ok(name("abroad")));
    // No other policy has its name, and it has no other.
    let kept = command::Resource::Apply {
        kind: Kind::Policy,
        name: name("data"),
        spec: Spec::Kept("{}".into()),
    };
    assert_eq!(bench.command(kept).0.unwrap_err().code, Code::BAD_NAME);
}

fn at_most(cost: u64) -> MindSpec {
    MindSpec {
        cost_max: Some(Micros(cost)),
        ..mind()
    }
}

#[test]
fn a_run_ends_before_an_answer_that_might_cost_more_than_it_may() {
    // What an answer of this agent may cost.
    let (_, worst) = Cell::over(made(mind())).money();
    let mut cell = Cell::over(made(at_most(worst + 100)));
    let facts = cell.says(&calls(&[("calculate", r#"{"expression": "1"}"#)]));
    assert!(
        facts.ends_with("run.answered run.stopped task.closed"),
        "{facts}"
    );
    assert_eq!(cell.status(), (RunStatus::Failed, Some(Code::LIMIT_COST)));
    assert_eq!((cell.money(), cell.run().cost.0), ((200, 0), 200));
    let note = cell.run().problem.unwrap().note;
    assert!(note.contains("`limits.cost`"), "{note}");
    // With as much again it goes on.
    let mut cell = Cell::over(made(at_most(3 * worst)));
    cell.says(&calls(&[("calculate", r#"{"expression": "1"}"#)]));
    cell.says(&text("The bill."));
    assert_eq!(cell.status(), (RunStatus::Completed, None));
    // One that can't begin within it doesn't.
    let mut bench = made(at_most(worst - 1));
    let (reply, facts) = open(&mut bench);
    assert_eq!(reply.unwrap_err().code, Code::LIMIT_COST);
    assert!(facts.is_empty());
    // A cheaper model takes the place of one that is too dear.
    apply(&mut bench, "second", |model| {
        if let Some(prices) = &mut model.prices {
            prices.output = Micros(1);
        }
    });
    assert_eq!(is_asked(&mut bench), Ok(name("second")));
}

#[test]
fn all_attempts_of_a_run_share_what_it_may_cost() {
    let (_, worst) = Cell::over(made(mind())).money();
    let mut cell = Cell::over(made(at_most(2 * worst - 1)));
    // Lost answers count as the most that they can cost.
    cell.ended(naos_types::input::CallOutcome::Lost(None));
    assert_eq!(cell.asked(), None);
    assert_eq!(cell.status(), (RunStatus::Failed, Some(Code::LIMIT_COST)));
    assert_eq!(cell.run().cost.0, worst);
    let create = command::Agent::Apply {
        name: name("brain"),
        spec: AgentSpec {
            mind: Some(std::sync::Arc::new(at_most(0))),
            ..AgentSpec::default()
        },
    };
    let refused = cell.bench.command(create).0.unwrap_err();
    assert_eq!(refused.code, Code::BAD_DOCUMENT);
}

#[test]
fn each_question_of_a_run_tells_the_time_of_its_beginning() {
    let mut cell = Cell::over(made(mind()));
    let (_, first) = cell.asked().unwrap();
    assert_eq!(first.told(), cell.bench.now);
    cell.bench.now = cell.bench.now + Span::secs(7 * 60);
    cell.says(&calls(&[("calculate", r#"{"expression": "1"}"#)]));
    let (_, second) = cell.asked().unwrap();
    assert!(second.at > first.at, "it is asked later");
    assert_eq!(second.told(), first.told());
    // A what-if is told what its original was.
    cell.says(&text("The bill."));
    cell.bench.now = cell.bench.now + Span::secs(86_400);
    crate::what_ifs::begun(&mut cell, 2, crate::what_ifs::SECOND);
    let (_, asked) = cell.asked().unwrap();
    assert_eq!((asked.told(), asked.at), (first.told(), second.at));
}

#[test]
fn what_may_go_over_the_budget_is_not_asked() {
    let mut bench = made(mind());
    limited(&mut bench, 10_000);
    let (reply, facts) = open(&mut bench);
    // The whole of it isn't enough for one answer: nobody is to wait for more of it.
    let refused = reply.unwrap_err();
    assert_eq!(refused.code, Code::BUDGET_TOO_SMALL);
    assert!(refused.what.contains("$0.01 in all"), "{}", refused.what);
    assert_eq!(kinds(&facts), "");

    // What the next answer may cost: its prompt is longer than the first one's.
    let asks = calls(&[("calculate", r#"{"expression": "1"}"#)]);
    let mut cell = Cell::new(mind());
    cell.says(&asks);
    let next = cell.money().1;
    for (limit, code) in [
        (next + 100, Code::OVER_BUDGET),
        (next - 1, Code::BUDGET_TOO_SMALL),
    ] {
        let mut cell = Cell::new(mind());
        limited(&mut cell.bench, limit);
        cell.says(&asks);
        assert_eq!(cell.status(), (RunStatus::Failed, Some(code)));
        assert_eq!(cell.money(), (200, 0));
    }
}

/// Where nobody answered, whoever was to stand in and isn't there is named.
#[test]
fn who_was_to_stand_in_and_is_not_there_is_named() {
    let mut bench = made(keeps(&["first"], None));
    apply(&mut bench, "first", |model| {
        model.fallbacks = vec![name("gone"), name("second"), name("lost")];
    });
    let (reply, _) = open(&mut bench);
    let Ok(Reply::Task { run: Some(run), .. }) = reply else {
        panic!("{reply:?}")
    };
    let mut cell = Cell { bench, run };
    cell.says(&trouble(false));
    assert_eq!(cell.asked().unwrap().1.model, name("second"));
    cell.says(&trouble(false));
    let problem = cell.run().problem.unwrap();
    assert_eq!(problem.code, Code::MODEL_FAILED);
    assert_eq!(
        problem.note,
        "no model answered, and there is no model gone, lost"
    );
}
