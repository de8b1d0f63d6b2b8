//! What must hold of a result, and is looked at without a model before anybody is asked.

use std::sync::Arc;

use naos_kernel::approval::Approval;
use naos_kernel::plan::Plan;
use naos_kernel::{AnyAggregate, Key};
use naos_types::command::{self, Reply};
use naos_types::effect::Effect;
use naos_types::fact::{Fact, review};
use naos_types::spec::{
    AgentSpec, Assignee, Card, Check, CheckedReview, Holds, MindSpec, PlanSpec, RetryPolicy,
    StepDo, StepSpec,
};
use naos_types::{Code, Refusal, Role, TaskId, TaskStatus};
use serde_json::{Value, json};

use crate::bench::{Bench, sealed};
use crate::board::{card, given, go, name, put, status};
use crate::script::{apply_plan, play_in};

fn cell() -> Bench {
    let mut bench = Bench::new();
    play_in(&mut bench, "agent pm 1c; agent dev 1c; agent critic 1c");
    bench
}

fn checks(all: &[&str]) -> Vec<Check> {
    let read = |text: &&str| Check::read(&json!(text)).unwrap();
    all.iter().map(read).collect()
}

const SHORT: &str = "short=size(output) < 10";

fn begun(bench: &mut Bench, card: Card) -> TaskId {
    let task = put(bench, card);
    go(bench);
    task
}

/// The agents that are at work.
fn at_work(bench: &Bench) -> Vec<String> {
    let wanted = |effect: Effect| match effect {
        Effect::Sandbox(wanted) => Some(wanted.agent.to_string()),
        _ => None,
    };
    bench.open().into_iter().filter_map(wanted).collect()
}

fn asked(bench: &Bench) -> Arc<Approval> {
    let open = bench.state.all().into_iter();
    let found = open.filter_map(|(_, one)| match one {
        AnyAggregate::Approval(found) => Some(found),
        _ => None,
    });
    found.last().expect("a person is asked")
}

/// What the checks found, the last time.
fn report(bench: &Bench) -> Value {
    let last = bench.facts.iter().rev().find_map(|(_, fact)| match fact {
        Fact::Review(review::Fact::Checked(f)) => Some(f.evidence),
        _ => None,
    });
    let text = bench.text(&last.expect("it was checked"));
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn what_fails_a_check_costs_no_reviewer() {
    let mut bench = cell();
    let task = begun(
        &mut bench,
        Card {
            reviewer: Some(name("critic")),
            checks: checks(&[SHORT, "output.contains(\"Total\")"]),
            ..card("pm")
        },
    );
    play_in(&mut bench, "finish pm three plans and a price");
    // The author is at it again, at once, and hears what failed and what was found.
    assert_eq!(at_work(&bench), ["pm"]);
    assert_eq!(status(&bench, task), TaskStatus::InProgress);
    let told = given(&bench, "pm");
    for part in [
        "# What was refuted in the result before this one",
        "the check short failed: size(output) < 10: size(output) is 23",
        "it is false",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    // It was a round: the last one, so a person decides what still fails.
    play_in(&mut bench, "finish pm three plans and no price");
    assert_eq!(status(&bench, task), TaskStatus::HumanApproval);
    let asked = asked(&bench);
    assert!(asked.disputed);
    let evidence = bench.text(&asked.evidence.expect("what failed is shown"));
    assert!(evidence.contains("\"verdict\":\"refute\""), "{evidence}");
    let mut facts = bench.facts.iter().map(|(_, fact)| fact);
    assert!(!facts.any(|fact| matches!(fact, Fact::Review(review::Fact::Requested(_)))));
}

#[test]
fn a_reviewer_is_told_what_holds() {
    let mut bench = cell();
    let task = begun(
        &mut bench,
        Card {
            reviewer: Some(name("critic")),
            checks: checks(&[SHORT, "bytes > 1"]),
            ..card("pm")
        },
    );
    play_in(&mut bench, "finish pm a page");
    assert_eq!(status(&bench, task), TaskStatus::SquadReview);
    let told = given(&bench, "critic");
    let held = "All of this holds:\n\n- short (size(output) < 10)\n- bytes > 1";
    assert!(told.ends_with(held), "{told}");
    // What is mended is checked again before it is reviewed again.
    play_in(
        &mut bench,
        r#"finish critic {"verdict": "refute", "evidence": ["no price"]}"#,
    );
    play_in(&mut bench, "finish pm a page with prices");
    assert_eq!(status(&bench, task), TaskStatus::HumanApproval);
    assert_eq!(report(&bench)["checks"][0]["found"], "size(output) is 18");
}

#[test]
fn where_nobody_reviews_it_is_checked_all_the_same() {
    let mut bench = cell();
    let wish = Card {
        approve: Some(Role::Staff),
        unreviewed: true,
        checks: checks(&[SHORT]),
        ..card("pm")
    };
    let task = begun(&mut bench, wish.clone());
    play_in(&mut bench, "finish pm three plans and a price");
    assert_eq!(status(&bench, task), TaskStatus::InProgress);
    play_in(&mut bench, "finish pm a page");
    assert_eq!(status(&bench, task), TaskStatus::HumanApproval);
    let found = asked(&bench);
    assert!(!found.disputed && found.evidence.is_none());
    assert_eq!(report(&bench)["passed"], true);
    // What holds is nobody's look: a rule for what was reviewed is none for it.
    play_in(&mut bench, "approve");
    assert_eq!(status(&bench, task), TaskStatus::Done);
    let habit = naos_kernel::HabitKey("task/pm/unreviewed".to_owned());
    assert!(bench.state.get(&Key::Habit(habit)).is_some());
    // Nobody is asked where nothing fails and nobody wanted to be.
    let quiet = Card {
        approve: None,
        unreviewed: false,
        ..wish
    };
    let task = begun(&mut bench, quiet.clone());
    play_in(&mut bench, "finish pm a page");
    assert_eq!(status(&bench, task), TaskStatus::Done);
    let task = begun(&mut bench, quiet);
    play_in(
        &mut bench,
        "finish pm a page that is long; finish pm a page as long",
    );
    assert_eq!(status(&bench, task), TaskStatus::HumanApproval);
}

#[test]
fn what_cannot_be_worked_out_does_not_hold() {
    let mut bench = cell();
    let task = begun(
        &mut bench,
        Card {
            rounds_max: 1,
            checks: checks(&["total=output.total >= 0"]),
            ..card("pm")
        },
    );
    play_in(&mut bench, "finish pm no number at all");
    assert_eq!(status(&bench, task), TaskStatus::HumanApproval);
    let report = report(&bench);
    let why = report["evidence"][0].as_str().unwrap_or_default();
    assert!(
        why.starts_with("the check total failed: output.total >= 0: it can't be worked out: "),
        "{why}"
    );
}

#[test]
fn a_result_is_compared_with_a_schema() {
    let schema = json!({"type": "object", "required": ["total"]});
    let one = Check {
        name: None,
        holds: Holds::Schema(schema.to_string()),
        message: Some("Say what it comes to.".into()),
    };
    let mut bench = cell();
    let task = begun(
        &mut bench,
        Card {
            checks: vec![one],
            ..card("pm")
        },
    );
    play_in(&mut bench, "finish pm {\"sum\": 3}");
    let told = given(&bench, "pm");
    assert!(
        told.contains("total") && told.contains("Say what it comes to."),
        "{told}"
    );
    play_in(&mut bench, "finish pm {\"total\": 3}");
    assert_eq!(status(&bench, task), TaskStatus::Done);
}

#[test]
fn what_is_no_check_is_refused_before_anything_is_made() {
    let ask = |checks: Vec<Check>| -> Result<Reply, Refusal> {
        let mut bench = cell();
        let brief = bench.body(b"# Pricing");
        let plan = command::Task::Plan {
            title: sealed("Pricing"),
            brief,
            card: Arc::new(Card {
                checks,
                ..card("pm")
            }),
        };
        bench.command(plan).0
    };
    let schema = |text: &str| Check {
        holds: Holds::Schema(text.to_owned()),
        ..Check::of("true")
    };
    for (check, expected) in [
        (Check::of("size(output) <"), "size(output) <"),
        (Check::of("size(outptu) < 9"), "unknown name `outptu`"),
        (Check::of("size(output)"), "must give true or false"),
        (Check::of("inputs.total > 0"), "unknown name `inputs`"),
        (schema("[]"), "an object"),
        (schema(r#"{"type": "letter"}"#), "letter"),
    ] {
        let why = ask(vec![check]).expect_err(expected);
        assert_eq!(why.code, Code::BAD_EXPRESSION, "{}", why.what);
        assert!(why.what.contains(expected), "{expected}: {}", why.what);
    }
    assert!(ask(checks(&["input != \"\" && text != \"\" && today != \"\""])).is_ok());
}

#[test]
fn an_agent_brings_checks_of_its_own() {
    let mut bench = cell();
    let create = command::Agent::Create {
        name: name("growth"),
        spec: AgentSpec {
            mind: Some(Arc::new(MindSpec {
                models: vec![name("first")],
                checks: checks(&[SHORT, "bytes > 1"]),
                ..MindSpec::default()
            })),
            ..AgentSpec::default()
        },
    };
    bench.command(create).0.unwrap();
    // They hold of what the last agent made, beside those of the task.
    begun(
        &mut bench,
        Card {
            then: vec![name("growth")],
            checks: checks(&["bytes > 1", "text != \"\""]),
            ..card("pm")
        },
    );
    let plans = bench
        .state
        .all()
        .into_iter()
        .filter_map(|(_, one)| match one {
            AnyAggregate::Plan(plan) => Some(plan),
            _ => None,
        });
    let plan: Arc<Plan> = plans.last().expect("its work began");
    let review = plan.spec.steps.iter().find_map(|step| step.action.review());
    let said: Vec<&str> = review
        .expect("it is checked")
        .checks
        .iter()
        .map(Check::says)
        .collect();
    assert_eq!(said, ["bytes > 1", "text != \"\"", "size(output) < 10"]);
}

#[test]
fn whoever_goes_on_hears_what_failed() {
    let mut bench = cell();
    let task = begun(
        &mut bench,
        Card {
            checks: checks(&[SHORT]),
            ..card("pm")
        },
    );
    play_in(&mut bench, "finish pm three plans and a price");
    let hand = command::Task::Hand {
        task,
        to: Assignee::Agent(name("dev")),
        note: None,
    };
    bench.command(hand).0.unwrap();
    go(&mut bench);
    let told = given(&bench, "dev");
    assert!(told.contains("# What checks refuted in that"), "{told}");
    assert!(told.contains("size(output) is 23"), "{told}");
}

fn step(called: &str, after: &[&str], action: StepDo) -> StepSpec {
    StepSpec {
        name: name(called),
        after: after.iter().map(|after| name(after)).collect(),
        when: None,
        action,
        for_each: None,
        retry: RetryPolicy::default(),
        timeout: None,
        optional: false,
        key: None,
    }
}

#[test]
fn a_plan_checks_before_it_lets_review() {
    let review = CheckedReview {
        of: name("draft"),
        by: Some(name("critic")),
        input: "look at {{ draft.output }}".into(),
        rounds_max: 2,
        checks: checks(&["size(output) < size(inputs.most)"]),
    };
    let draft = StepDo::Task {
        agent: Some(name("pm")),
        title: "a draft".into(),
        input: Some("write {{ feedback }}".into()),
    };
    let spec = PlanSpec {
        description: String::new(),
        inputs: vec![naos_types::spec::InputSpec {
            name: "most".into(),
            kind: naos_types::spec::InputType::String,
            default: Some("\"1234\"".into()),
        }],
        steps: vec![
            step("draft", &[], draft),
            step("look", &["draft"], review.into()),
        ],
        output: Some(name("draft")),
    };
    let mut bench = cell();
    apply_plan(&mut bench, "p", &spec).0.expect("it is sound");
    play_in(&mut bench, "start p; finish pm too long");
    assert_eq!(at_work(&bench), ["pm"]);
    let told = given(&bench, "pm");
    let found = "size(output) is 8, size(inputs.most) is 4";
    assert!(told.contains(found), "{told}");
    let last = play_in(
        &mut bench,
        r#"finish pm ok; finish critic {"verdict": "praise"}; show plan"#,
    );
    assert_eq!(last, "completed ok");
}
