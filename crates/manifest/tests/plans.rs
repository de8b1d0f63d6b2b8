//! The plan format.

mod common;

use common::{bad, good};
use naos_types::spec::{InputType, STEP_TYPES, StepDo};
use naos_types::{Role, Span};

const REPORT: &str = "\
name: Weekly Report
description: prepares the weekly client report
inputs:
  - {name: client, type: string, default: Riake}
  - {name: mails, type: list}
output: publish
steps:
  - name: read_mails
    for_each: {items: inputs.mails, window: 4, partial: true}
    agent: researcher
    title: \"read {{ item }}\"
    retry: {attempts: 3, wait: 2s, factor: 1.5, max: 1m}
    timeout: 30s
  - id: totals
    after: []
    compute: \"size(inputs.mails)\"
  - id: draft
    depends_on: [read_mails, totals]
    task: {agent: planner, title: draft, input: \"{{ totals.output }}\"}
  - name: check
    review: {of: draft, by: analyzer, rounds: 3}
  - name: ask
    when: check.output.praised
    approval: {title: \"send it?\", body: \"{{ draft.output }}\", role: admin, expires: 2d}
  - name: publish
    document: {path: \"/reports/{{ today }}.md\", text: \"{{ draft.output }}\"}
  - name: tell
    optional: true
    emit: {type: report.ready, data: {client: \"{{ inputs.client }}\"}}
";

#[test]
fn how_much_chance_adds_to_a_pause_is_said_per_step() {
    let read = |jitter: &str| {
        let text = format!(
            "type: plan\nname: p\nsteps:\n  - {{name: a, agent: ann, \
             retry: {{attempts: 3, backoff: 2{jitter}}}}}\n"
        );
        let applied = common::applied("p.yaml", &text);
        applied.map(|applied| applied.plans[0].1.steps[0].retry.jitter_percent)
    };
    for (jitter, percent) in [
        ("", 25),
        (", jitter: 10%", 10),
        (", jitter: 0.5", 50),
        (", jitter: 0", 0),
        (", jitter: 1", 100),
        (", jitter: true", 25),
        (", jitter: false", 0),
    ] {
        assert_eq!(read(jitter), Ok(percent), "{jitter}");
    }
    for jitter in ["2", "110%", "-1", "5s", "[]"] {
        let error = read(&format!(", jitter: {jitter}")).unwrap_err();
        assert!(error.contains("from 0% to 100%"), "{jitter}: {error}");
    }
}

#[test]
fn a_retry_that_changes_nothing_is_told() {
    let steps = [
        ("compute: 1 + 1", true),
        ("render: x", true),
        ("document: a/b.md", true),
        ("emit: a.b", false), // a driver that is off may be on the next time
        ("agent: ann", false),
        ("approval: May I?", false),
        ("plan: other", false),
    ];
    for (does, told) in steps {
        let text = format!(
            "type: plan\nname: p\nsteps:\n  - name: a\n    {does}\n    retry: {{attempts: 3}}\n"
        );
        let warnings = good(&text).warnings;
        let said: Vec<_> = warnings
            .iter()
            .map(|it| (it.line, it.what.as_str()))
            .collect();
        match said[..] {
            [(6, what)] if told => assert!(what.contains("`retry` does nothing"), "{what}"),
            [] if !told => {}
            _ => panic!("{does}: {said:?}"),
        }
        let once = text.replace("{attempts: 3}", "1");
        assert_eq!(good(&once).warnings, [], "{does}");
    }
}

#[test]
fn a_plan_is_read() {
    let applied = good(REPORT);
    let (name, plan) = &applied.plans[0];
    assert_eq!(name.as_str(), "weekly-report");
    assert_eq!(plan.inputs[0].default.as_deref(), Some("\"Riake\""));
    assert_eq!(plan.inputs[1].kind, InputType::List);
    assert_eq!(plan.output.as_ref().unwrap().as_str(), "publish");
    let step = |index: usize| &plan.steps[index];
    let after = |index: usize| -> Vec<&str> {
        step(index)
            .after
            .iter()
            .map(naos_types::Name::as_str)
            .collect()
    };
    assert_eq!(after(0), [""; 0]);
    assert_eq!(after(1), [""; 0]);
    assert_eq!(after(2), ["read-mails", "totals"]);
    assert_eq!(after(3), ["draft"]);
    assert_eq!(after(6), ["publish"]);
    let fan_out = step(0).for_each.as_ref().unwrap();
    assert_eq!((fan_out.window, fan_out.partial), (4, true));
    assert_eq!(step(0).retry.attempts_max, 3);
    assert_eq!(step(0).retry.factor_tenths, 15);
    assert_eq!(step(0).retry.wait_max, Span::secs(60));
    assert_eq!(step(0).timeout, Some(Span::secs(30)));
    let StepDo::Task {
        agent,
        title,
        input,
    } = &step(0).action
    else {
        panic!("no task")
    };
    assert_eq!(agent.as_ref().unwrap().as_str(), "researcher");
    assert_eq!((title.as_str(), input), ("read {{ item }}", &None));
    let StepDo::Review(review) = &step(3).action else {
        panic!("no review")
    };
    assert_eq!(
        (review.rounds_max, review.input.as_str()),
        (3, "{{ draft.output }}")
    );
    let StepDo::Approval { role, expires, .. } = &step(4).action else {
        panic!("no approval")
    };
    assert_eq!((*role, *expires), (Role::Admin, Some(Span(172_800_000))));
    assert!(step(6).optional);
    let StepDo::Emit { data, .. } = &step(6).action else {
        panic!("no emit")
    };
    assert_eq!(
        data.as_deref(),
        Some(r#"{{ {"client": (inputs.client)} | tojson }}"#)
    );
}

#[test]
fn short_forms() {
    let applied = good(
        "plan:\n  name: p\n  inputs: {a: string, b: , c: {type: number, default: 2}}\n  steps:\n\
         \x20   - {name: a, task: sum the invoices}\n\
         \x20   - {name: b, task: sum, agent: adder, retry: 2}\n\
         \x20   - {name: c, approval: sure?, after: a}\n\
         \x20   - {name: d, document: /x.md, timeout: 500}\n\
         \x20   - {name: e, emit: x.y, after: }\n\
         \x20   - {name: f, render: hello, for_each: inputs.a}\n",
    );
    let plan = &applied.plans[0].1;
    assert_eq!(plan.inputs.len(), 3);
    let StepDo::Task { agent, title, .. } = &plan.steps[0].action else {
        panic!("no task")
    };
    assert_eq!((agent, title.as_str()), (&None, "sum the invoices"));
    let StepDo::Task { agent, .. } = &plan.steps[1].action else {
        panic!("no task")
    };
    assert_eq!(agent.as_ref().unwrap().as_str(), "adder");
    assert_eq!(plan.steps[1].retry.attempts_max, 2);
    assert_eq!(plan.steps[2].after[0].as_str(), "a");
    assert_eq!(plan.steps[3].timeout, Some(Span(500)));
    assert!(plan.steps[4].after.is_empty());
    assert_eq!(plan.steps[5].for_each.as_ref().unwrap().window, 8);
}

fn plan(steps: &str) -> String {
    format!("name: p\nsteps:\n{steps}")
}

#[test]
fn what_doesn_t_fit_together_is_said() {
    for (steps, expected) in [
        (
            "  - {name: a, after: c, task: x}\n  - {name: b, task: x}\n  - {name: c, task: x}\n",
            "p:3:12: the steps go in a circle: a → b → c → a",
        ),
        (
            "  - {name: a, after: a, task: x}\n",
            "p:3:12: the steps go in a circle: a → a",
        ),
        (
            "  - {name: a, task: x}\n  - {name: b, after: [aa], task: x}\n",
            "p:4:23: there is no step `aa`; did you mean `a`?",
        ),
        (
            "  - {name: a, task: x}\n  - {name: a, task: x}\n",
            "p:4:12: two steps are called a",
        ),
        (
            "  - {name: item, task: x}\n",
            "p:3:12: a step can't be called item: templates and conditions have that name; call it \
             something else than inputs, steps, item, index, feedback, plan, trigger, event, \
             today, days, loop, add, concat, mul, range, true, false, none, null, in, not, and, \
             or, is, if, elif, else, for, set",
        ),
        (
            "  - {name: a, agent: x}\n  - {name: b, review: {of: a, by: x}}\n",
            "p:4:28: x can't review its own work; let another agent review it",
        ),
        (
            "  - {name: a, render: x}\n  - {name: b, review: {of: a, by: x}}\n",
            "p:4:28: a review is of a task, and a is none",
        ),
        (
            "  - {name: a, review: {of: z, by: x}}\n",
            "p:3:28: there is no step `z`; did you mean `a`?",
        ),
        ("  - {task: x}\n", "p:3:5: a step has a `name`"),
        (
            "  - {name: a}\n",
            "p:3:5: the step a does nothing; a step has one of task, agent, compute, render, \
             review, \
             approval, document, emit, wait_for, plan, workflow, saga, instruction, parse, \
             log, fail",
        ),
        (
            "  - {name: a, compute: 1, render: x}\n",
            "p:3:5: the step a does several things: compute, render; make a step of each",
        ),
        (
            "  - {name: a, task: x, depnds_on: b}\n",
            "p:3:24: unknown key `depnds_on`; did you mean `depends_on`?",
        ),
        (
            "  - {name: a, render: x, for_each: {items: y, window: 257}}\n",
            "p:3:55: `window` is from 1 to 256",
        ),
        (
            "  - {name: a, render: x, retry: 0}\n",
            "p:3:33: `retry` is from 1 to 20 attempts",
        ),
        (
            "  - {name: a, render: x, timeout: soon}\n",
            "p:3:35: `timeout` is a length of time such as 500ms, 30s, 5m, 2h or 1d",
        ),
        (
            "  - {name: a, render: x, timeout: 0s}\n",
            "p:3:35: a `timeout` of nothing is over before anything began: give it a length of \
             time such as 30s, or leave it out",
        ),
        (
            "  - {name: a, wait_for: 5}\n",
            "p:3:25: `wait_for` is a map that says what for, not a whole number; a step that waits \
             for so long says `wait_for: {time: 5s}`",
        ),
        (
            "  - {name: a, wait_for: 5m}\n",
            "p:3:25: `wait_for` is a map that says what for, not text; a step that waits for so \
             long says `wait_for: {time: 5m}`",
        ),
        (
            "  - {name: a, wait_for: {time: \"5\"}}\n",
            "p:3:32: `time` is a length of time such as 500ms, 30s, 5m, 2h or 1d; 5 needs its \
             unit: 5s, 5m or 5h",
        ),
        (
            "  - {name: a, wait_for: {time: -5}}\n",
            "p:3:32: `time` is a length of time such as 500ms, 30s, 5m, 2h or 1d",
        ),
        (
            "  - {name: a, wait_for: {until: 5}}\n",
            "p:3:33: `until` is a time such as 2026-03-01T08:00:00Z, not \"5\"; a step that waits \
             for so long says `wait_for: {time: 5s}`",
        ),
        (
            "  - {name: A b, task: x}\n",
            "p:3:12: \"A b\": a name is made of a-z, 0-9 and -, beginning with a letter: 'A' \
             can't stand here; `a-b` would be one",
        ),
        // what the checks find
        (
            "  - {name: a, compute: 1 + nosuch}\n",
            "p:3:28: unknown name `nosuch`",
        ),
        (
            "  - name: a\n    render: |\n      x\n      {{ nosuch }}\n",
            "p:5:7: line 2, column 4 of this text: unknown name `nosuch`",
        ),
        (
            "  - {name: a, task: x}\n  - {name: b, after: , task: x}\n  - {name: c, after: b, \
             render: scope}\n",
            "p:5:33: [b] false",
        ),
        (
            "  - {name: a, task: x}\n  - {name: b, task: x}\n  - {name: c, for_each: scope, \
             render: scope}\n",
            "p:5:25: [a b] false\np:5:40: [a b] true",
        ),
        // keys
        (
            "  - {name: a, compute: 1, idempotency_key: k}\n",
            "p:3:44: step a has no `idempotency_key`: what is only worked out is worked \
             out each time",
        ),
        (
            "  - {name: a, approval: Go?, idempotency_key: k}\n",
            "p:3:47: step a has no `idempotency_key`: whoever is to judge is asked each time",
        ),
        (
            "  - {name: a, task: x, idempotency_key: ''}\n",
            "p:3:41: `idempotency_key` is empty",
        ),
        (
            "  - {name: a, task: x, idempotency_key: '{{ nosuch }}'}\n",
            "p:3:44: unknown name `nosuch`",
        ),
        (
            "  - {name: a, agent: x, for_each: y, compensate: z, idempotency_key: k}\n",
            "p:3:70: step a has an `idempotency_key` for each item and is undone as a \
             whole: what undoes it would undo what other runs did, too",
        ),
    ] {
        assert_eq!(bad("p", &plan(steps)), expected, "{steps}");
    }
}

/// All spellings, in all three formats of steps.
#[test]
fn a_step_is_done_under_a_key() {
    let key = "invoice-{{ inputs.id }}";
    for spelled in ["idempotency_key", "idempotencyKey", "idempotency"] {
        let own = plan(&format!(
            "  - {{name: a, agent: x, {spelled}: \"{key}\"}}\n"
        ));
        let found = &good(&own).plans[0].1.steps[0];
        assert_eq!(found.key.as_deref(), Some(key), "{spelled}");
        let dag = format!(
            "name: p\ndag:\n  nodes:\n    n1: {{action: {{type: mail.send}}, {spelled}: k}}\n"
        );
        let found = &good(&dag).plans[0].1.steps[0];
        assert_eq!(found.key.as_deref(), Some("k"), "{spelled}");
        let instruction = format!(
            "type: instruction\nid: i\nplan:\n  - {{id: a, emit: mail.send, {spelled}: k}}\n"
        );
        let applied = good(&instruction);
        let read = applied.kept[0].instruction.as_ref().unwrap();
        let found = &read.plan.steps[0];
        assert_eq!(found.key.as_deref(), Some("k"), "{spelled}");
    }
}

#[test]
fn limits() {
    let many: String = (0..501)
        .map(|i| format!("  - {{name: s{i}, task: x}}\n"))
        .collect();
    assert_eq!(bad("p", &plan(&many)), "p:3:3: a plan has 1 to 500 steps");
    let most: String = (0..500)
        .map(|i| format!("  - {{name: s{i}, task: x}}\n"))
        .collect();
    assert_eq!(good(&plan(&most)).plans[0].1.steps.len(), 500);
    assert_eq!(
        bad("p", "name: p\nsteps: []"),
        "p:2:8: a plan has 1 to 500 steps"
    );
    assert_eq!(
        bad(
            "p",
            "name: p\ninputs: {a: {type: number, default: x}}\nsteps: [{name: a, task: x}]"
        ),
        "p:2:37: the default of a isn't of its type"
    );
    assert_eq!(
        bad("p", "name: p\noutput: b\nsteps: [{name: a, task: x}]"),
        "p:2:9: there is no step `b`; did you mean `a`?"
    );
}

#[test]
fn no_step_hides_what_templates_and_conditions_have() {
    for name in [
        "trigger", "days", "inputs", "steps", "item", "concat", "true",
    ] {
        let mut all = vec![
            plan(&format!("  - {{name: {name}, task: x}}\n")),
            format!("workflows:\n  w:\n    steps: [{{name: {name}, agent: a}}]\n"),
        ];
        all.push(format!(
            "type: instruction\nid: x\ntrigger: {{event: a.b}}\nplan:\n  \
             - {{id: {name}, emit: a.c}}\n"
        ));
        let node = "{action: {type: a.b}}";
        all.push(format!("id: p\ndag: {{nodes: {{{name}: {node}}}}}\n"));
        for text in all {
            let text = text.replace("true", "\"true\"");
            let found = bad("p", &text);
            let what = format!("a step can't be called {name}: templates and conditions have");
            assert!(found.contains(&what), "{text}\n{found}");
            assert_eq!(found.lines().count(), 1, "{found}");
        }
    }
}

/// A circle, a step that isn't there, a wrong name and what can't be read hide nothing beside them.
#[test]
fn what_is_wrong_with_the_order_hides_nothing() {
    for (steps, expected) in [
        (
            "  - {name: a, after: b, render: nosuch}\n  - {name: b, after: a, task: x}\n  \
             - {name: c, after: , task: x}\n  - {name: d, after: c, render: scope}\n",
            "p:3:12: the steps go in a circle: a → b → a\np:3:33: unknown name `nosuch`\n\
             p:6:33: [c] false",
        ),
        (
            "  - {name: A, render: nosuch}\n  - {name: b, after: x, render: nosuch}\n",
            "p:3:12: \"A\": a name is made of a-z, 0-9 and -, beginning with a letter: 'A' can't \
             stand here; `a` would be one\np:3:23: unknown name `nosuch`\n\
             p:4:22: there is no step `x`; did you mean `a`?\np:4:33: unknown name `nosuch`",
        ),
        (
            "  - {task: nosuch}\n  - {name: b, after: x, render: nosuch}\n",
            "p:3:5: a step has a `name`\np:3:12: unknown name `nosuch`\n\
             p:4:33: unknown name `nosuch`",
        ),
        (
            "  - {name: a, when: nosuch, tsk: x}\n  - {name: b, review: {of: a, by: y}}\n",
            "p:3:5: the step a does nothing; a step has one of task, agent, compute, render, \
             review, approval, document, emit, wait_for, plan, workflow, saga, instruction, \
             parse, log, fail\n\
             p:3:21: unknown name `nosuch`\np:3:29: unknown key `tsk`; did you mean `task`?",
        ),
    ] {
        assert_eq!(bad("p", &plan(steps)), expected, "{steps}");
    }
    let inputs = "name: p\ninputs: {a: nonsense}\nsteps:\n  - {name: a, render: nosuch}\n";
    let found = bad("p", inputs);
    assert!(found.contains("p:4:23: unknown name `nosuch`"), "{found}");
    let graph = "id: p\ndag: {nodes: {n1: {action: {type: a.b}, dependencies: [n2]}, \
                 n2: {action: {type: error}, dependencies: [n1]}, \
                 n3: {action: {type: a.b}, condition: nosuch}}}\n";
    let found = bad("p", graph);
    for said in ["n1 → n2 → n1", "naos's own word", "unknown name `nosuch`"] {
        assert!(found.contains(said), "{said}: {found}");
    }
    assert_eq!(found.lines().count(), 3, "{found}");
}

#[test]
fn nothing_says_what_only_naos_says() {
    for topic in ["error", "plan.completed", "webhook.received"] {
        for text in [
            plan(&format!("  - {{name: a, emit: {topic}}}\n")),
            plan(&format!("  - {{name: a, emit: {{type: {topic}}}}}\n")),
            plan(&format!(
                "  - {{name: a, task: x, compensate: {{emit: {topic}}}}}\n"
            )),
            format!(
                "type: instruction\nid: x\ntrigger: {{event: a.b}}\nplan: [{{emit: {topic}}}]\n"
            ),
            format!("id: p\ndag: {{nodes: {{n1: {{action: {{type: {topic}}}}}}}}}\n"),
            format!("type: subscription\nname: s\non: a.b\nemit: {topic}\n"),
            format!("type: schedule\nname: s\nevery: 1h\nevent: {topic}\n"),
            format!("type: schedule\nname: s\nevery: 1h\nevent: {{type: {topic}}}\n"),
            format!(
                "driver: {{id: d, url: 'https://a.b', capabilities: [a.b], emit: [{topic}]}}\n"
            ),
        ] {
            let found = bad("p", &text);
            let what = format!(
                "events of type {topic} are naos's own word: whoever hears one takes it for true; \
                 use a type and a source of your own"
            );
            assert!(found.contains(&what), "{text}\n{found}");
            assert_eq!(found.lines().count(), 1, "{text}\n{found}");
        }
    }
    good(&plan("  - {name: a, emit: task.create}\n"));
}

#[test]
fn a_default_of_null_is_one_or_is_refused() {
    let with = |kind: &str| {
        format!(
            "name: p\ninputs: {{opt: {{{kind}default: null}}}}\nsteps: [{{name: a, render: x}}]\n"
        )
    };
    for kind in ["", "type: any, "] {
        let input = good(&with(kind)).plans[0].1.inputs.remove(0);
        assert_eq!(input.default.as_deref(), Some("null"), "{kind}");
    }
    let found = bad("p", &with("type: string, "));
    assert!(
        found.contains("the default of opt is null, and it must be a string"),
        "{found}"
    );
}

#[test]
fn a_template_in_a_key_is_told_to_stay() {
    let told = |data: &str| {
        let text = format!(
            "type: plan\nname: p\ninputs: [k]\nsteps:\n  - name: a\n    \
             emit: {{type: a.b, data: {data}}}\n"
        );
        let warnings = good(&text).warnings;
        warnings.into_iter().map(|it| it.what).collect::<Vec<_>>()
    };
    assert_eq!(told("{k: \"{{ inputs.k }}\"}"), [""; 0]);
    let said = told("{a: [{\"{{ inputs.k }}\": 1}]}");
    assert_eq!(
        said,
        ["the key \"{{ inputs.k }}\" stays as it is written: only values are templates"]
    );
}

#[test]
fn whole_numbers_are_whole() {
    let with = |default: &str| {
        format!(
            "name: p\ninputs: {{n: {{type: integer, default: {default}}}}}\n\
             steps: [{{name: a, task: x}}]\n"
        )
    };
    for (default, kept) in [("3", "3"), ("3.0", "3")] {
        let input = good(&with(default)).plans[0].1.inputs.remove(0);
        assert_eq!(input.kind, InputType::Integer);
        assert_eq!(input.default.as_deref(), Some(kept));
    }
    let found = bad("p", &with("1.5"));
    assert!(
        found.contains("the default of n isn't of its type"),
        "{found}"
    );
}

const DRAFT: &str = "type: plan\nname: p\nsteps:\n  - {name: draft, agent: ann}\n";

#[test]
fn a_question_about_what_nobody_reviewed_is_told() {
    let plan = |steps: &str| {
        let applied = good(&format!("{DRAFT}{steps}"));
        let said = applied.warnings.iter();
        let said: Vec<_> = said
            .map(|it| (it.line, it.what.clone(), it.help.clone()))
            .collect();
        (said, applied.plans[0].1.clone())
    };
    let (told, _) = plan("  - {name: letter, render: x}\n  - {name: ask, approval: Send it?}\n");
    let [(6, what, Some(help))] = &told[..] else {
        panic!("{told:?}");
    };
    assert!(
        what.contains("step ask") && what.contains("step draft"),
        "{what}"
    );
    assert!(help.contains("review: {of: draft, by: AGENT}"), "{help}");
    assert!(help.contains("unreviewed: true"), "{help}");
    // Whoever says that nobody looks wants it so.
    let (told, spec) = plan("  - {name: ask, approval: {title: Send it?, unreviewed: true}}\n");
    assert_eq!(told, []);
    let asked = spec.steps[1].action.approval().expect("a question");
    assert!(asked.unreviewed && asked.title == "Send it?");
    let review = "  - {name: look, review: {of: draft, by: bob}}\n";
    let ask = "  - {name: ask, approval: Send it?}\n";
    assert_eq!(plan(&format!("{review}{ask}")).0, []);
    // What must hold anyway is nobody's look, and what no agent made needs none.
    let checks = "  - {name: look, review: {of: draft, checks: [bytes < 9]}}\n";
    assert_eq!(plan(&format!("{checks}{ask}")).0.len(), 1);
    assert_eq!(plan("  - {name: ask, after: [], approval: Go on?}\n").0, []);
}

#[test]
fn a_review_may_begin_with_checks() {
    let plan = |review: &str| format!("{DRAFT}  - name: look\n    review: {review}\n");
    let all = plan(
        "{of: draft, by: bob, rounds: 3, checks: [size(output) < 9, \"short=bytes < 9\", \
         {name: total, check: output.total >= 0, message: count again}, {schema: {type: object}}]}",
    );
    let applied = good(&all);
    let review = applied.plans[0].1.steps[1]
        .action
        .review()
        .expect("a review");
    let said: Vec<String> = review.checks.iter().map(|check| check.cited()).collect();
    assert_eq!(
        said,
        [
            "size(output) < 9",
            "short (bytes < 9)",
            "total (output.total >= 0)",
            "its JSON schema"
        ]
    );
    assert_eq!(
        (review.by.map(naos_types::Name::as_str), review.rounds_max),
        (Some("bob"), 3)
    );
    for (review, expected) in [
        ("{of: draft}", "`of` which step and `by` whom"),
        ("{of: draft, checks: []}", "`of` which step and `by` whom"),
        ("{of: draft, checks: [{name: a}]}", "what must hold"),
        (
            "{of: draft, checks: [{check: a, cheque: b}]}",
            "unknown key `cheque`",
        ),
        (
            "{of: draft, checks: [a=bytes > 1, a=bytes < 9]}",
            "two checks are called a",
        ),
    ] {
        let error = bad("p.yaml", &plan(review));
        assert!(error.contains(expected), "{review}: {error}");
    }
}

#[test]
fn agents_of_a_document_share_its_checks() {
    let text = "checks: [bytes < 9]\nagents:\n  ann: {model: any}\n  \
                bob: {model: any, checks: [\"text != ''\"]}\n  \
                cid: {model: any, checks: []}\n  dot: {template: echo}\n";
    let applied = common::applied("squad.yaml", text).unwrap_or_else(|why| panic!("{why}"));
    let said = |name: &str| -> Option<Vec<String>> {
        let found = applied
            .agents
            .iter()
            .find(|(known, _)| known.as_str() == name)?;
        let checks = found.1.spec.mind.as_ref()?.checks.iter();
        Some(checks.map(|check| check.says().to_owned()).collect())
    };
    assert_eq!(said("ann"), Some(vec!["bytes < 9".into()]));
    assert_eq!(said("bob"), Some(vec!["text != ''".into()]));
    assert_eq!(said("cid"), Some(vec![]));
    assert_eq!(said("dot"), None);
}

#[test]
fn types_of_steps_are_read_by_their_fields_and_told_by_the_guide() {
    let guide = include_str!("../../../docs/plans.md");
    for known in STEP_TYPES {
        let row = format!("| `{}` | {} | {} |", known.word, known.about, known.output);
        assert!(guide.contains(&row), "docs/plans.md lacks:\n{row}");
        let first = known.fields[0].word;
        let read = |said: &str| {
            // One that only fails is no plan.
            let text =
                format!("type: plan\nname: p\nsteps:\n  - {{name: a, optional: true, {said}}}\n");
            common::applied("p.yaml", &text)
                .map(|applied| applied.plans[0].1.steps[0].action.clone())
        };
        let word = known.word;
        let short = read(&format!("{word}: \"x {{{{ plan.name }}}}\""));
        let long = read(&format!("{word}: {{{first}: \"x {{{{ plan.name }}}}\"}}"));
        assert_eq!(short, long, "{word}");
        assert!(matches!(short, Ok(StepDo::Typed(step)) if step.word == word));
        let told = read(&format!("{word}: {{}}")).unwrap_err();
        let lacks = format!("`{first}` of `{word}` is missing");
        assert!(told.contains(&lacks), "{told}");
        let told = read(&format!("{word}: {{{first}: a, zzz: b}}")).unwrap_err();
        assert!(told.contains("zzz"), "{told}");
    }
    for (said, why) in [
        (
            "log: {text: \"{{ plan.name }}\", level: loud}",
            "`level` is one of debug, info, warn, error",
        ),
        ("fail: \"\"", "`fail` says why, and its message is empty"),
        ("parse: seven", "there is no JSON in the text"),
    ] {
        let text = format!("type: plan\nname: p\nsteps:\n  - {{name: a, {said}}}\n");
        let told = bad("p.yaml", &text);
        assert!(
            told.starts_with("p.yaml:4:") && told.contains(why),
            "{told}"
        );
    }
    let two = "type: plan\nname: p\nsteps:\n  - {name: a, fail: no, log: yes}\n";
    assert!(bad("p.yaml", two).contains("does several things: log, fail"));
}
