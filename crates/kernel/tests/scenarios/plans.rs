//! Plans: order, conditions, lists, reviews, time, and what they leave behind.

use std::collections::BTreeSet;

use naos_types::command;
use naos_types::fact::{Fact, plan as plan_facts};
use naos_types::spec::{
    FanOut, InputSpec, InputType, Kind, PlanSpec, ReviewSpec, StepDo, StepSpec,
};
use naos_types::{BodyRef, Code, Span};

use crate::bench::Bench;
use crate::script::{apply_plan, check_plan, name, play_in};

pub fn step(step: &str, after: &[&str], action: StepDo) -> StepSpec {
    StepSpec {
        name: name(step),
        after: after.iter().map(|before| name(before)).collect(),
        when: None,
        action,
        for_each: None,
        retry: Default::default(),
        timeout: None,
        optional: false,
        key: None,
    }
}

pub fn task(agent: &str, input: &str) -> StepDo {
    let (agent, title) = (Some(name(agent)), "a step".to_owned());
    StepDo::Task {
        agent,
        title,
        input: Some(input.into()),
    }
}

fn render(template: &str) -> StepDo {
    StepDo::Render {
        template: template.into(),
    }
}

pub fn plan(steps: Vec<StepSpec>) -> PlanSpec {
    PlanSpec {
        description: "a plan".into(),
        inputs: Vec::new(),
        steps,
        output: None,
    }
}

#[test]
fn what_nothing_is_to_hold_leaves_no_content() {
    let mut bench = Bench::new();
    play_in(&mut bench, "agent worker 1c");
    let list = StepDo::Compute {
        cel: "['a', 'b']".into(),
    };
    let work = StepDo::Task {
        agent: Some(name("worker")),
        title: "{{ item }} of many".into(),
        input: None,
    };
    let mut each = step("each", &["list"], work);
    each.when = Some("size(steps.list.output) > 1".into());
    each.key = Some("{{ item }} once".into());
    each.for_each = Some(FanOut {
        items: "steps.list.output".into(),
        window: 2,
        partial: false,
    });
    let spec = plan(vec![step("list", &[], list), each]);
    apply_plan(&mut bench, "p", &spec).0.expect("it is sound");
    let said = play_in(
        &mut bench,
        "start p; finish worker done; finish worker done; show plan",
    );
    assert_eq!(said, "completed [\"done\",\"done\"]");
    let named: BTreeSet<BodyRef> = bench
        .facts
        .iter()
        .flat_map(|(_, fact)| fact.bodies())
        .collect();
    let made = bench.bodies.iter();
    let unnamed: Vec<_> = made
        .filter(|(body, _)| !named.contains(body))
        .map(|(_, bytes)| String::from_utf8_lossy(bytes))
        .collect();
    assert!(unnamed.is_empty(), "{unnamed:?}");
}

const CELL: &str = "agent worker 1c; agent other 1c; agent reviewer 1c";

#[track_caller]
fn check(spec: &PlanSpec, script: &str, expected: &str) {
    check_plan(
        &[("p", spec.clone())],
        &format!("{CELL}; {script}"),
        expected,
    );
}

#[track_caller]
fn refused(spec: &PlanSpec, expected: &str) {
    let (reply, facts) = apply_plan(&mut Bench::new(), "p", spec);
    let refusal = reply.expect_err("such a plan is refused");
    assert_eq!(
        (refusal.code, refusal.what.as_str()),
        (Code::BAD_PLAN, expected)
    );
    assert!(facts.is_empty());
}

#[test]
fn steps_follow_their_dependencies() {
    let spec = plan(vec![
        step(
            "last",
            &["first", "second"],
            render("{{ first.output }} and {{ second.output }}"),
        ),
        step("first", &[], task("worker", "one")),
        step("second", &[], task("other", "two")),
    ]);
    check(
        &spec,
        "start p; show effects",
        "other attempt 1, worker attempt 1",
    );
    check(
        &spec,
        "start p; finish worker a",
        "run.completed budget.settled task.closed(done) plan.step_done(first)",
    );
    check(
        &spec,
        "start p; finish other b; finish worker a",
        "run.completed budget.settled task.closed(done) plan.step_done(first) \
         plan.step_done(last) plan.closed(completed)",
    );
}

#[test]
fn the_output_is_the_named_steps_or_the_last() {
    let mut spec = plan(vec![
        step("a", &[], render("one")),
        step("b", &["a"], render("{{ a.output }} two")),
    ]);
    check(&spec, "start p; show plan", "completed one two");
    spec.output = Some(name("a"));
    check(&spec, "start p; show plan", "completed one");
}

#[test]
fn a_condition_that_isnt_met_skips_its_step() {
    let mut spec = plan(vec![
        step("maybe", &[], render("yes")),
        step("end", &["maybe"], render("the end")),
    ]);
    spec.inputs = vec![InputSpec {
        name: "go".into(),
        kind: InputType::Boolean,
        default: None,
    }];
    spec.steps[0].when = Some("inputs.go".into());
    check(
        &spec,
        "start p {\"go\":false}",
        "plan.started plan.step_skipped(maybe) plan.step_done(end) \
         plan.closed(completed)",
    );
    check(
        &spec,
        "start p {\"go\":true}; show plan",
        "completed the end",
    );
    spec.steps[0].when = Some("1 + 1".into());
    check(&spec, "start p {\"go\":true}; show plan", "failed");
}

#[test]
fn inputs_are_checked() {
    let input = |name: &str, default: Option<&str>| InputSpec {
        name: name.into(),
        kind: InputType::Number,
        default: default.map(Into::into),
    };
    let mut spec = plan(vec![step(
        "a",
        &[],
        render("{{ inputs.n }} {{ inputs.m }}"),
    )]);
    spec.inputs = vec![input("n", None), input("m", Some("7"))];
    check(&spec, "start p {\"n\":3}; show plan", "completed 3 7");
    for (inputs, expected) in [
        ("{}", "N0102 the input n is missing"),
        ("{\"n\":\"3\"}", "N0102 the input n must be a number"),
        ("{\"n\":3,\"x\":1}", "N0102 the plan takes no input x"),
        (
            "{\"n\":3,\"n\":4}",
            "N0102 in the inputs, the key \"n\" is there twice",
        ),
        (
            "{\"n\":18446744073709551616}",
            "N0102 in the inputs, 18446744073709551616 is a whole number of more than 64 bits; \
             write it in quotes: a text keeps its digits",
        ),
        ("[]", "N0102 the inputs are no JSON object"),
    ] {
        check(&spec, &format!("start p {inputs}"), expected);
    }
}

#[test]
fn whole_numbers_of_64_bits_keep_their_digits() {
    let mut each = step("each", &[], render("pay {{ item }}"));
    each.for_each = Some(FanOut {
        items: "inputs.ids".into(),
        window: 2,
        partial: false,
    });
    let cel = |cel: &str| StepDo::Compute { cel: cel.into() };
    let mut spec = plan(vec![
        each,
        step("same", &[], cel("inputs.ids[0] == inputs.ids[1]")),
        step(
            "end",
            &["each", "same"],
            cel("each.output + [same.output, inputs.ids[0]]"),
        ),
    ]);
    spec.inputs = vec![InputSpec {
        name: "ids".into(),
        kind: InputType::List,
        default: None,
    }];
    check(
        &spec,
        "start p {\"ids\":[12345678901234567890,12345678901234567891]}; show plan",
        "completed [\"pay 12345678901234567890\",\"pay 12345678901234567891\",false,\
         12345678901234567890]",
    );
}

#[test]
fn digits_that_a_formula_would_lose_fail_its_step() {
    let given = |text: &str| {
        plan(vec![
            step("said", &[], render(text)),
            step(
                "id",
                &["said"],
                StepDo::Compute {
                    cel: "said.output.id".into(),
                },
            ),
        ])
    };
    check(
        &given("{\"id\": 18446744073709551615}"),
        "start p; show plan",
        "completed 18446744073709551615",
    );
    for lost in ["{\"id\": 18446744073709551616}", "{\"id\": 1, \"id\": 2}"] {
        check(&given(lost), "start p; show plan", "failed");
    }
}

#[test]
fn a_failed_step_fails_the_plan_and_cleans_up() {
    let spec = plan(vec![
        step("a", &[], task("worker", "one")),
        step("b", &[], task("other", "two")),
        step("c", &["a", "b"], render("never")),
    ]);
    check(
        &spec,
        "start p; fail worker",
        "run.failed(for good) budget.released task.closed(failed) \
         plan.step_failed(a N0186 for good) plan.closed(failed) run.cancelled budget.released \
         task.closed(cancelled)",
    );
    check(&spec, "start p; fail worker; show effects", "nothing");
    check(&spec, "start p; cancel plan; show effects", "nothing");
    check(
        &spec,
        "start p; cancel plan; cancel plan",
        "N0131 the plan ended already",
    );
    check(&spec, "start p; cancel plan; show plan", "cancelled");
}

#[test]
fn a_pause_is_as_long_as_it_says_where_chance_adds_nothing() {
    let mut spec = plan(vec![step("a", &[], task("worker", "one"))]);
    spec.steps[0].retry = naos_types::spec::RetryPolicy {
        attempts_max: 2,
        wait: Span::secs(10),
        jitter_percent: 0,
        ..Default::default()
    };
    check(&spec, "start p; fail worker; wait 9s", "nothing");
    check(
        &spec,
        "start p; fail worker; wait 10s",
        "plan.step_started(a 2) task.opened task.routed(worker) run.started budget.reserved",
    );
}

#[test]
fn a_step_is_tried_again_and_an_optional_one_let_go() {
    let mut spec = plan(vec![
        step("a", &[], task("worker", "one")),
        step("b", &["a"], render("the end")),
    ]);
    spec.steps[0].retry.attempts_max = 2;
    spec.steps[0].retry.wait = Span::secs(10);
    check(&spec, "start p; fail worker; wait 9s", "nothing");
    check(
        &spec,
        "start p; fail worker; wait 13s",
        "plan.step_started(a 2) task.opened task.routed(worker) run.started budget.reserved",
    );
    check(
        &spec,
        "start p; fail worker; wait 13s; finish worker x; show plan",
        "completed the end",
    );
    check(
        &spec,
        "start p; fail worker; wait 13s; fail worker; show plan",
        "failed",
    );
    spec.steps[0].optional = true;
    check(
        &spec,
        "start p; fail worker; wait 13s; fail worker; show plan",
        "partial the end",
    );
}

#[test]
fn an_attempt_that_takes_too_long_is_given_up() {
    let mut spec = plan(vec![step("a", &[], task("worker", "one"))]);
    spec.steps[0].timeout = Some(Span::secs(5));
    check(&spec, "start p; wait 4s", "nothing");
    check(
        &spec,
        "start p; wait 5s",
        "plan.step_failed(a N0192 for good) plan.closed(failed) run.cancelled budget.released \
         task.closed(cancelled)",
    );
    spec.steps[0].retry.attempts_max = 2;
    spec.steps[0].retry.wait = Span::secs(1);
    check(
        &spec,
        "start p; wait 5s",
        "plan.step_failed(a N0192 again) run.cancelled budget.released task.closed(cancelled)",
    );
    check(
        &spec,
        "start p; wait 7s; finish worker x; show plan",
        "completed x",
    );
}

#[test]
fn steps_that_are_late_together_close_the_plan_once() {
    let mut spec = plan(vec![
        step("a", &[], task("worker", "one")),
        step("b", &[], task("other", "two")),
    ]);
    for late in &mut spec.steps {
        late.timeout = Some(Span::secs(5));
    }
    check(
        &spec,
        "start p; wait 5s",
        "plan.step_failed(a N0192 for good) plan.closed(failed) run.cancelled run.cancelled \
         budget.released task.closed(cancelled) budget.released task.closed(cancelled)",
    );
}

fn fan(items: &str, window: u32, partial: bool) -> PlanSpec {
    let mut each = step("each", &[], task("worker", "{{ item }}"));
    each.for_each = Some(FanOut {
        items: items.into(),
        window,
        partial,
    });
    plan(vec![
        each,
        step("end", &["each"], render("{{ each.output | length }}")),
    ])
}

#[test]
fn a_list_keeps_its_window_and_its_order() {
    let spec = fan("['red', 'green', 'blue']", 2, false);
    check(
        &spec,
        "start p; show effects",
        "worker attempt 1, worker attempt 1",
    );
    check(
        &spec,
        "start p; finish green 2; finish red 1; show effects",
        "worker attempt 1",
    );
    check(
        &spec,
        "start p; finish green 2; finish blue 3; finish red 1",
        "run.completed budget.settled task.closed(done) plan.step_done(each[0]) \
         plan.step_done(each) plan.step_done(end) \
         plan.closed(completed)",
    );
    let mut whole = spec;
    whole.steps.truncate(1);
    check(
        &whole,
        "start p; finish green 2; finish blue 3; finish red 1; show plan",
        "completed [\"1\",\"2\",\"3\"]",
    );
    check(&fan("[]", 2, false), "start p; show plan", "completed 0");
    check(&fan("'no list'", 2, false), "start p; show plan", "failed");
}

#[test]
fn a_list_that_is_too_long_fails_its_step_and_says_so() {
    let mut spec = fan("inputs.all", 2, false);
    spec.inputs = vec![InputSpec {
        name: "all".into(),
        kind: InputType::List,
        default: Some(format!("[{}0]", "0,".repeat(10_000))),
    }];
    let mut bench = Bench::new();
    play_in(&mut bench, CELL);
    let applied = apply_plan(&mut bench, "p", &spec).0;
    applied.expect("how long it is isn't known");
    let inputs = bench.body(b"{}");
    let (of, start) = (Kind::Plan, name("p"));
    let (_, facts) = bench.command(command::Plan::Start {
        of,
        name: start,
        inputs,
    });
    let problem = facts.iter().find_map(|fact| match fact {
        Fact::Plan(plan_facts::Fact::StepFailed(failed)) => Some(failed.problem.clone()),
        _ => None,
    });
    let problem = problem.expect("its step fails");
    assert_eq!(problem.code, Code::TOO_LARGE);
    assert_eq!(
        problem.note,
        "the list of step each has 10001 items, at most 10000: give it a part of them, or let a \
         plan run for each part"
    );
}

#[test]
fn a_failed_item_fails_the_list_or_not() {
    check(
        &fan("['red', 'green']", 2, false),
        "start p; fail red; show plan",
        "failed",
    );
    check(
        &fan("['red', 'green']", 2, false),
        "start p; fail red; show effects",
        "nothing",
    );
    let mut partial = fan("['red', 'green']", 2, true);
    partial.steps.truncate(1);
    check(
        &partial,
        "start p; fail red; finish green ok; show plan",
        "partial [null,\"ok\"]",
    );
    check(
        &partial,
        "start p; fail red; fail green; show plan",
        "failed",
    );
    // One that succeeded in the end is whole, and so is a run that somebody let go on without it.
    let mut again = partial.clone();
    again.steps[0].retry.attempts_max = 2;
    again.steps[0].retry.wait = Span::secs(1);
    check(
        &again,
        "start p; fail red; finish green ok; wait 5s; finish red well; show plan",
        "completed [\"well\",\"ok\"]",
    );
    check(
        &partial,
        "start p; fail red; without each; show plan",
        "completed",
    );
    // One that may fail fails as a whole all the same, unless it may be partial.
    let mut optional = fan("['red', 'green']", 2, false);
    optional.steps[0].optional = true;
    optional.steps[1].action = render("{{ each.status }}");
    for script in [
        "start p; fail red; show plan",
        "start p; finish green ok; fail red; show plan",
    ] {
        check(&optional, script, "partial failed");
    }
    check(&optional, "start p; fail red; show effects", "nothing");
    let mut both = partial;
    both.steps[0].optional = true;
    check(
        &both,
        "start p; fail red; finish green ok; show plan",
        "partial [null,\"ok\"]",
    );
}

fn reviewed(by: &str, rounds_max: u32) -> PlanSpec {
    let review = ReviewSpec {
        of: name("draft"),
        by: name(by),
        input: "look at {{ draft.output }}".into(),
        rounds_max,
    };
    let template = "{{ draft.output }}{% if check.disputed %}, disputed{% endif %}";
    plan(vec![
        step("draft", &[], task("worker", "write {{ feedback }}")),
        step("check", &["draft"], StepDo::Review(review)),
        step("end", &["check"], render(template)),
    ])
}

const PRAISE: &str = "finish reviewer {\"verdict\":\"praise\"}";
const REFUTE: &str = "finish reviewer {\"verdict\":\"refute\",\"evidence\":[\"line 2\"]}";

#[test]
fn praise_lets_a_draft_through() {
    check(
        &reviewed("reviewer", 2),
        &format!("start p; finish worker v1; {PRAISE}"),
        "run.completed budget.settled task.closed(done) review.praised plan.step_done(check) \
         plan.step_done(end) plan.closed(completed)",
    );
}

#[test]
fn what_is_refuted_is_mended() {
    let spec = reviewed("reviewer", 2);
    let refuted = format!("start p; finish worker v1; {REFUTE}");
    check(
        &spec,
        &refuted,
        "run.completed budget.settled task.closed(done) review.refuted \
         plan.step_reopened(draft 2) plan.step_started(draft 2) task.opened task.routed(worker) \
         run.started budget.reserved",
    );
    check(
        &spec,
        &format!("{refuted}; finish worker v2; {PRAISE}; show plan"),
        "completed v2",
    );
    check(
        &spec,
        &format!("{refuted}; finish worker v2; {REFUTE}; show plan"),
        "completed v2, disputed",
    );
}

fn reviewed_and_asked() -> PlanSpec {
    let ask = StepDo::Approval {
        title: "send it?".into(),
        body: None,
        role: naos_types::Role::Staff,
        expires: None,
    };
    let mut spec = reviewed("reviewer", 1);
    spec.steps[2] = step("end", &["check"], ask);
    spec
}

/// Whoever says yes to all that waits leaves out what is disputed: the question says so.
#[test]
fn a_question_says_whether_its_reviewer_still_refutes() {
    let spec = reviewed_and_asked();
    for (verdict, disputed) in [(PRAISE, false), (REFUTE, true)] {
        let mut bench = Bench::new();
        apply_plan(&mut bench, "p", &spec).0.expect("it is sound");
        let script = format!("{CELL}; start p; finish worker v1; {verdict}");
        crate::script::play_in(&mut bench, &script);
        let asked = bench
            .state
            .all()
            .into_iter()
            .find_map(|(_, one)| match one {
                naos_kernel::AnyAggregate::Approval(approval) => Some(approval),
                _ => None,
            });
        let asked = asked.expect("a person is asked");
        assert_eq!(asked.disputed, disputed, "{verdict}");
        assert!(asked.evidence.is_some(), "{verdict}");
    }
}

#[test]
fn a_dispute_is_a_persons_whatever_the_rule() {
    let spec = reviewed_and_asked();
    let praised = format!("start p; finish worker v1; {PRAISE}");
    let taken = format!(
        "owner; {}take p/end 86400s",
        format!("{praised}; approve; ").repeat(5)
    );
    check(
        &spec,
        &format!("{taken}; {praised}; show plan"),
        "completed v1",
    );
    let refuted = format!("start p; finish worker v1; {REFUTE}");
    check(&spec, &format!("{taken}; {refuted}; show plan"), "held");
}

#[test]
fn a_reviewer_without_a_verdict_fails_the_step() {
    check(
        &reviewed("reviewer", 2),
        "start p; finish worker v1; finish reviewer hm",
        "run.completed budget.settled task.closed(done) review.abandoned \
         plan.step_failed(check N0189 for good) plan.closed(failed)",
    );
}

#[test]
fn nobody_reviews_their_own_work() {
    check(
        &reviewed("worker", 2),
        "start p; finish worker v1",
        "run.completed budget.settled task.closed(done) plan.step_done(draft) \
         plan.step_started(check 1) plan.step_failed(check N0146 for good) plan.closed(failed)",
    );
}

#[test]
fn plans_that_dont_fit_together() {
    let circle = plan(vec![
        step("a", &["c"], render("x")),
        step("b", &["a"], render("x")),
        step("c", &["b"], render("x")),
    ]);
    refused(&circle, "the steps go in a circle: a → c → b → a");
    let twice = plan(vec![
        step("a", &[], render("x")),
        step("a", &[], render("x")),
    ]);
    refused(&twice, "two steps are called a");
    let unknown = plan(vec![step("a", &["b"], render("x"))]);
    refused(&unknown, "step a names a step b that isn't");
    refused(&plan(Vec::new()), "a plan has 1 to 500 steps");
}

#[test]
fn a_plan_waits_for_agents_that_arent_there() {
    let spec = plan(vec![step("a", &[], task("stranger", "x"))]);
    check(
        &spec,
        "start p",
        "N0133 waiting: agent stranger, which step a asks for",
    );
    check(&spec, "start q", "N0121 there is no plan q");
}

#[test]
fn a_refused_task_fails_its_step() {
    let spec = plan(vec![step("a", &[], task("worker", "x"))]);
    check(
        &spec,
        "stop worker; start p",
        "plan.started plan.step_started(a 1) plan.step_failed(a N0144 for good) \
         plan.closed(failed)",
    );
    check(&spec, "budget worker 0c; start p; show plan", "failed");
}

#[test]
fn documents_and_events_of_a_plan() {
    let document = StepDo::Document {
        path: "/out/{{ inputs.n }}".into(),
        text: None,
    };
    let event = StepDo::Emit {
        kind: "plan.done".into(),
        data: Some("{\"n\":1}".into()),
    };
    let mut spec = plan(vec![
        step("text", &[], render("words")),
        step("keep", &["text"], document),
        step("tell", &["keep"], event),
    ]);
    let kind = InputType::Number;
    spec.inputs = vec![InputSpec {
        name: "n".into(),
        kind,
        default: Some("4".into()),
    }];
    check(&spec, "start p; show /out/4", "version 1 words");
    check(&spec, "start p; show plan", "completed {\"n\":1}");
}

/// A field that nobody gave is no `null`, however the value that names it is written.
#[test]
fn what_isnt_there_is_told_to_nobody() {
    let told = |value: &str| {
        let event = StepDo::Emit {
            kind: "plan.done".into(),
            data: Some(format!("{{{{ {{\"amount\": ({value})}} | tojson }}}}")),
        };
        let mut spec = plan(vec![step("tell", &[], event)]);
        spec.inputs = vec![InputSpec {
            name: "o".into(),
            kind: InputType::Any,
            default: Some("{\"amount\": 7, \"note\": null}".into()),
        }];
        spec
    };
    check(&told("inputs.o.amout"), "start p; show plan", "failed");
    for (value, said) in [
        ("inputs.o.amount", "{\"amount\":7}"),
        ("inputs.o.note", "{\"amount\":null}"),
        ("inputs.o.amout|default(0)", "{\"amount\":0}"),
        ("inputs.o.amout is defined", "{\"amount\":false}"),
    ] {
        let expected = format!("completed {said}");
        check(&told(value), "start p; show plan", &expected);
    }
}

#[test]
fn a_wide_plan_ends_in_one_turn() {
    let wide = (0..300).map(|at| step(&format!("s{at}"), &[], task("worker", "x")));
    let spec = plan(wide.collect());
    let under_way = ["worker attempt 1"; 96].join(", ");
    check(&spec, "start p; show effects", &under_way);
    check(&spec, "start p; cancel plan; show plan", "cancelled");
}

#[test]
fn what_was_computed_keeps_its_type() {
    let compute = |cel: &str| StepDo::Compute { cel: cel.into() };
    for (first, second, gives) in [
        ("1 + 1", "steps.one.output + 1", "3"),
        ("1 < 2", "one.output ? 'yes' : 'no'", "yes"),
        ("'a' + 'b'", "one.output + 'c'", "abc"),
        ("null", "one.output == null ? 'none' : 'some'", "none"),
        ("[1, 2]", "one.output[1] * 2", "4"),
    ] {
        let spec = plan(vec![
            step("one", &[], compute(first)),
            step("two", &["one"], compute(second)),
        ]);
        let shown = format!("completed {gives}");
        check_plan(&[("p", spec)], "start p; show plan", &shown);
    }
    // An agent's answer is a text, whatever it looks like.
    let spec = plan(vec![
        step("one", &[], task("a", "x")),
        step("two", &["one"], compute("one.output + '!'")),
    ]);
    let script = "agent a 1c; start p; finish a 2; show plan";
    check_plan(&[("p", spec)], script, "completed 2!");
}
