//! Workflows and sagas: what they become, and what is refused where.

mod common;

use common::{bad, good};
use naos_types::Span;
use naos_types::spec::{FlowSpec, Kind, OnError, StepDo};

fn one(text: &str) -> FlowSpec {
    let applied = good(text);
    assert_eq!(applied.flows.len(), 1, "{applied:?}");
    applied.flows[0].2.clone()
}

#[test]
fn steps_in_both_spellings() {
    let spec = one(
        "workflows:\n  line:\n    onError: skip\n    timeout: 300\n    stepTimeout: 1m\n    \
         steps:\n      - fetch\n      - name: sum_up\n        agent: writer\n        \
         input: {a: \"{{fetch.output}}\"}\n        onError: stop\n      \
         - {agent: reader, when: fetch.output == 'x', retries: 2}\n",
    );
    assert_eq!(spec.on_error, OnError::Skip);
    assert_eq!(
        (spec.timeout, spec.step_timeout),
        (Some(Span::secs(300)), Some(Span::secs(60)))
    );
    let names: Vec<(&str, &str)> = spec
        .steps
        .iter()
        .map(|step| (step.name.as_str(), step.agent.as_str()))
        .collect();
    assert_eq!(
        names,
        [
            ("fetch", "fetch"),
            ("sum-up", "writer"),
            ("reader", "reader")
        ]
    );
    assert_eq!(
        spec.steps[1].input.as_deref(),
        Some("{\"a\":\"{{ (fetch.output) | in_json }}\"}")
    );
    assert_eq!(spec.steps[1].on_error, Some(OnError::Stop));
    assert_eq!(spec.steps[2].retry.as_ref().unwrap().attempts_max, 3);
    let saga = one("type: saga\nname: A Trip\nsteps:\n  \
         - {name: book, action: booker, compensation: unbooker}\n");
    assert_eq!(
        saga.steps[0].compensate.as_ref().unwrap().as_str(),
        "unbooker"
    );
    let applied = good("saga:\n  name: A Trip\n  steps: [book]\n");
    assert_eq!(
        (applied.flows[0].0, applied.flows[0].1.as_str()),
        (Kind::Saga, "a-trip")
    );
}

#[test]
fn retries_say_how_often_again() {
    for (head, on_error, attempts) in [
        ("on_error: retry", OnError::Retry, 4),
        (
            "on_error: retry, retries: 2, retry_delay: 5s",
            OnError::Retry,
            3,
        ),
        ("retries: 1", OnError::Retry, 2),
        ("on_error: stop", OnError::Stop, 4),
    ] {
        let spec = one(&format!("workflows: {{w: {{{head}, steps: [a]}}}}"));
        assert_eq!(
            (spec.on_error, spec.retry.attempts_max),
            (on_error, attempts),
            "{head}"
        );
    }
    let applied = good("workflows: {w: {on_error: skip, retries: 2, steps: [a]}}");
    assert_eq!(applied.warnings.len(), 1);
}

#[test]
fn mistakes_have_a_place() {
    for (text, expected) in [
        (
            "workflows:\n  w: {steps: []}\n",
            "f.yaml:2:14: a workflow has 1 to 500 steps",
        ),
        ("workflows:\n  w: {}\n", "f.yaml:2:6: `steps` is missing"),
        (
            "workflows:\n  w:\n    steps: [a, a]\n",
            "f.yaml:3:16: two steps are called a",
        ),
        (
            "workflows:\n  w:\n    steps: [{name: input, agent: a}]\n",
            "f.yaml:3:20: a step can't be called input: templates and conditions have that name; \
             call it something else than inputs, steps, item, index, feedback, plan, trigger, \
             event, today, days, loop, add, concat, mul, range, true, false, none, null, in, not, \
             and, or, is, if, elif, else, for, set, input",
        ),
        (
            "workflows:\n  w:\n    steps: [{name: a, compensate: b}]\n",
            "f.yaml:3:23: unknown key `compensate`; known here: agent, action, name, id, input, \
             condition, when, if, idempotency_key, idempotencyKey, idempotency, timeout, retries, \
             on_error, onError, description",
        ),
        (
            "sagas:\n  s:\n    steps:\n      - a\n      - {name: b, input: \"{{nosuch}}\"}\n",
            "f.yaml:5:28: unknown name `nosuch`",
        ),
        (
            "sagas:\n  s:\n    steps: [{name: a, compensate: x}, undo-a]\n",
            "f.yaml:3:13: a step can't be called undo-a: so is what undoes a",
        ),
        (
            "sagas:\n  s:\n    steps: [Not A Name]\n",
            "f.yaml:3:13: \"Not A Name\": a name is made of a-z, 0-9 and -, beginning with a \
             letter: 'N' can't stand here; `not-a-name` would be one",
        ),
        (
            "sagas:\n  s: {steps: [a], timeout: soon}\n",
            "f.yaml:2:28: `timeout` is a length of time such as 500ms, 30s, 5m, 2h or 1d",
        ),
    ] {
        assert_eq!(bad("f.yaml", text), expected, "{text}");
    }
}

#[test]
fn steps_that_wait_for_each_other_are_named() {
    let plan = "type: instruction\nid: x\nname: x\ntrigger: {event: a.b}\nplan:\n";
    let step =
        |id: &str, after: &str| format!("  - {{id: {id}, depends_on: [{after}], emit: a.b}}\n");
    let text = format!("{plan}{}{}", step("a", "b"), step("b", "a"));
    assert_eq!(
        bad("f.yaml", &text),
        "f.yaml:6:10: the steps go in a circle: a → b → a"
    );
    let text = format!("{plan}{}", step("a", "ghost"));
    assert_eq!(
        bad("f.yaml", &text),
        "f.yaml:6:26: there is no step `ghost`; known here: a"
    );
    let node = |name: &str, more: &str| format!("{name}: {{action: {{type: a.b}}, {more}}}");
    let dag = |nodes: &[String]| format!("id: p\ndag: {{nodes: {{{}}}}}\n", nodes.join(", "));
    let circle = dag(&[
        node("n1", "dependencies: [n2]"),
        node("n2", "dependencies: [n1]"),
    ]);
    assert!(bad("f.yaml", &circle).ends_with("the steps go in a circle: n1 → n2 → n1"));
    // A condition names what is closed before it, and nothing else.
    let scoped = dag(&[
        node("n1", "status: pending"),
        node("n2", "dependencies: [n1], condition: scope"),
        node("n3", "status: pending"),
    ]);
    assert!(
        bad("f.yaml", &scoped).ends_with("[n1] false"),
        "{}",
        bad("f.yaml", &scoped)
    );
}

/// A plan that is written as a graph begins where nothing tells how far another run of it is.
#[test]
fn a_graph_without_progress_is_a_plan() {
    let graph = |status: &str, node: &str| {
        format!(
            "id: daily\n{status}dag:\n  nodes:\n    \
             n1: {{action: {{type: email.fetch, data: {{since: yesterday}}}}{node}}}\n    \
             n2: {{action: {{type: task.list}}, dependencies: []}}\n    \
             sum_up: {{action: {{type: context.write, path: /Sum, \
             data: {{content: \"{{{{ n1.output }}}}\"}}}}, dependencies: [n1, n2], \
             condition: n1.output.emails.length > 0}}\n"
        )
    };
    for (status, node) in [
        ("", ""),
        ("", ", status: pending"),
        ("status: pending\n", ", status: pending, output: null"),
    ] {
        let applied = good(&graph(status, node));
        assert!(applied.kept.is_empty(), "{applied:?}");
        let (name, plan) = &applied.plans[0];
        assert_eq!(name.as_str(), "daily");
        let steps: Vec<(&str, usize)> = plan
            .steps
            .iter()
            .map(|step| (step.name.as_str(), step.after.len()))
            .collect();
        assert_eq!(steps, [("n1", 0), ("n2", 0), ("sum-up", 2)]);
        let asks = |step: usize| match &plan.steps[step].action {
            StepDo::Ask { kind, needed, .. } => Some((kind.as_str(), *needed)),
            _ => None,
        };
        assert_eq!(asks(0), Some(("email.fetch", true)));
        assert_eq!(asks(1), Some(("task.list", false)));
        assert_eq!(asks(2), None);
        assert!(plan.steps[2].when.is_some());
    }
    for (status, node) in [
        ("", ", status: completed"),
        ("", ", output: {emails: []}"),
        ("status: executing\n", ""),
    ] {
        let applied = good(&graph(status, node));
        assert!(applied.plans.is_empty(), "{status}{node}");
        assert_eq!(applied.kept[0].name.as_str(), "daily");
    }
}

#[test]
fn what_stands_beside_a_whole_document_is_named() {
    assert_eq!(
        bad("f.yaml", "driver:\n  id: mail\n  type: io\nnosuch: 1\n"),
        "f.yaml:4:1: unknown key `nosuch` beside `driver`; what `driver` says stands beneath it"
    );
    let torn = bad(
        "f.yaml",
        "plan:\n  - emit: {type: \"a\", data: {b: \"c\"}\nnosuch: 1\n",
    );
    assert!(torn.ends_with("before `nosuch`"), "{torn}");
}

#[test]
fn steps_of_a_plan_say_how_they_are_undone() {
    let head = "type: plan\nname: p\ntimeout: 5m\nsteps:\n";
    let applied = good(&format!(
        "{head}  - {{name: book, agent: booker, compensate: unbooker}}\n  \
         - {{name: tell, emit: a.b, compensate: {{emit: a.undone}}}}\n"
    ));
    let plan = &applied.undoable[0].1;
    assert_eq!(plan.flow.timeout, Some(Span::secs(300)));
    let undo: Vec<(&str, &str)> = plan
        .flow
        .undo
        .iter()
        .map(|(undo, of)| (undo.as_str(), of.as_str()))
        .collect();
    assert_eq!(undo, [("undo-book", "book"), ("undo-tell", "tell")]);
    let names: Vec<&str> = plan
        .plan
        .steps
        .iter()
        .map(|step| step.name.as_str())
        .collect();
    assert_eq!(names, ["book", "tell", "undo-book", "undo-tell"]);
    assert_eq!(
        plan.plan.steps[1].after[0].as_str(),
        "book",
        "the step before it, as ever"
    );
    assert_eq!(plan.plan.steps[2].retry.attempts_max, 3);
    for (steps, expected) in [
        (
            "  - {name: a, agent: x, compensate: y}\n  - {name: b, agent: x, after: undo-a}\n",
            "f.yaml:6:32: step b waits for what undoes another",
        ),
        (
            "  - {name: a, agent: x, compensate: y}\n  - {name: undo-a, agent: x}\n",
            "f.yaml:5:37: two steps are called undo-a",
        ),
        (
            "  - {name: a, agent: x, compensate: {agent: y, input: \"{{nosuch}}\"}}\n",
            "f.yaml:5:57: unknown name `nosuch`",
        ),
    ] {
        assert_eq!(
            bad("f.yaml", &format!("{head}{steps}")),
            expected,
            "{steps}"
        );
    }
}

#[test]
fn what_a_graph_writes_is_something() {
    let graph = |data: &str| {
        format!(
            "id: daily\ndag:\n  nodes:\n    \
             n1: {{action: {{type: email.fetch}}}}\n    \
             sum_up: {{action: {{type: context.write, path: /Sum{data}}}, dependencies: [n1]}}\n"
        )
    };
    let what = "f.yaml:5:13: context.write says no `data`: nothing says what is written; write \
                `data: {content: \"…\"}`; what an event said that set the plan off is \
                `{{ trigger.data }}`";
    for data in ["", ", data: {path: /Sum}"] {
        assert_eq!(bad("f.yaml", &graph(data)), what, "{data}");
    }
    for data in [
        ", data: {content: \"{{ n1.output }}\"}",
        ", data: {content: \"{{ trigger.data }}\"}",
        ", data: done",
    ] {
        assert_eq!(good(&graph(data)).plans.len(), 1, "{data}");
    }
}

#[test]
fn the_least_size_of_a_pool_is_not_above_its_largest() {
    for (sizes, expected) in [
        (
            "min_size: 5, max_size: 3",
            "f.yaml:2:27: the least size, 5 (`min_size`), is above the largest, 3 (`max_size`)",
        ),
        (
            "minSize: 5, size: 4, max: 3",
            "f.yaml:2:26: the least size, 5 (`min_size`), is above the largest, 3 (`max_size`)",
        ),
        (
            "size: 9, max: 8",
            "f.yaml:2:6: the size 9 is not from 1 to 8",
        ),
    ] {
        let text = format!("pools:\n  p: {{agent: a, {sizes}}}\n");
        assert_eq!(bad("f.yaml", &text), expected, "{sizes}");
    }
    good("pools:\n  p: {agent: a, min_size: 5, max_size: 5}\n");
}

#[test]
fn a_pool_says_when_it_scales() {
    let read = |auto: &str| {
        let text = format!("pools:\n  team: {{agent: ann, size: 2, max: 8, auto_scale: {auto}}}\n");
        let found = common::applied("f.yaml", &text);
        found.map(|found| {
            let scaling = found.pools[0].1.scaling;
            let said = scaling.map(|it| (it.up, it.down, it.cooldown.0));
            (said, found.warnings.len())
        })
    };
    for (auto, expected) in [
        ("true", (None, 0)),
        ("{enabled: true}", (None, 0)),
        (
            "{scaleUpThreshold: 0.8, scaleDownThreshold: 0.2, cooldown: 30}",
            (Some((80, 20, 30_000)), 0),
        ),
        (
            "{scale_up_threshold: 80%, scale_down_threshold: 40%, cooldown: 5m}",
            (Some((80, 40, 300_000)), 0),
        ),
        ("{scale_up_threshold: 4}", (Some((400, 50, 60_000)), 0)),
        ("{scale_down_threshold: 3}", (Some((600, 300, 60_000)), 0)),
        ("{cooldown: 10s}", (Some((100, 50, 10_000)), 0)),
        (
            "{enabled: false, cooldown: 10s}",
            (Some((100, 50, 10_000)), 1),
        ),
    ] {
        assert_eq!(read(auto), Ok(expected), "{auto}");
    }
    for (auto, said) in [
        (
            "{scale_up_threshold: many}",
            "how many tasks there are for each",
        ),
        (
            "{scale_up_threshold: 1, scale_down_threshold: 0.9}",
            "at most half",
        ),
        ("{scale_up_threshold: 0}", "from 0.01"),
        ("{cooldown: soon}", "length of time"),
    ] {
        let errors = read(auto).unwrap_err();
        assert!(errors.contains(said), "{auto}: {errors}");
    }
}
