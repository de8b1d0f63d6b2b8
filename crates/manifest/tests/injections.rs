//! What is filled into a step's texts writes no keys of its own, and what a step was answered isn't
//! lost on the way to the next.

mod common;

use common::{bad, good};
use naos_types::spec::StepDo;

fn plan(step: &str) -> String {
    format!(
        "type: plan\nname: p\ninputs: [{{name: s, type: string}}, {{name: n, type: integer}}]\n\
         steps:\n  - {step}\n"
    )
}

/// What the one step of a plan does.
fn does(step: &str) -> StepDo {
    let found = good(&plan(step));
    found.plans[0].1.steps[0].action.clone()
}

/// The JSON that a step gives another plan, or an event.
fn given(step: &str) -> String {
    match does(step) {
        StepDo::Plan { input, .. } => input.expect("it gives something"),
        StepDo::Emit { data, .. } => data.expect("it says something"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn no_value_writes_keys_of_its_own() {
    for (text, made) in [
        (
            "{\"who\": \"{{ inputs.s }}\", \"n\": {{ inputs.n }}}",
            "{{ {\"who\": concat(\"\", (inputs.s)), \"n\": (inputs.n)} | tojson }}",
        ),
        (
            "{\"who\": {{ inputs.s | tojson }}}",
            "{{ {\"who\": (inputs.s)} | tojson }}",
        ),
        ("{\"who\": \"ana\"}", "{\"who\": \"ana\"}"),
        ("{{ inputs.s }}", "{{ inputs.s }}"),
        (
            "{{ {\"who\": inputs.s} | tojson }}",
            "{{ {\"who\": inputs.s} | tojson }}",
        ),
    ] {
        let written = text.replace('\'', "''");
        for step in [
            format!("{{name: a, plan: other, inputs: '{written}'}}"),
            format!("{{name: a, saga: other, inputs: '{written}'}}"),
            format!("{{name: a, emit: {{type: a.b, data: '{written}'}}}}"),
        ] {
            assert_eq!(given(&step), made, "{step}");
        }
    }
    for (text, said) in [
        ("{\"n\": 1, {{ inputs.s }}}", "could write keys of its own"),
        (
            "{\"n\": 1{% if inputs.n %}, \"m\": \"{{ inputs.s }}\"{% endif %}}",
            "inputs.who",
        ),
        ("{\"{{ inputs.s }}\": 1}", "is made of what is filled in"),
        ("{\"n\": 1, \"n\": {{ inputs.n }}}", "\"n\" is there twice"),
    ] {
        for step in [
            format!("{{name: a, plan: other, inputs: '{text}'}}"),
            format!("{{name: a, emit: {{type: a.b, data: '{text}'}}}}"),
        ] {
            let errors = bad("p", &plan(&step));
            assert!(errors.contains(said), "{step}: {errors}");
        }
    }
}

#[test]
fn nor_in_a_text_that_its_reader_takes_for_json() {
    let raw = "{\"who\": \"{{ inputs.s }}\", \"n\": {{ inputs.n }}}";
    let made = "{\"who\": \"{{ (inputs.s) | in_json }}\", \"n\": {{ inputs.n }}}";
    match does(&format!("{{name: a, render: '{raw}'}}")) {
        StepDo::Render { template } => assert_eq!(template, made),
        other => panic!("{other:?}"),
    }
    match does(&format!("{{name: a, task: {{agent: x, input: '{raw}'}}}}")) {
        StepDo::Task { input, .. } => assert_eq!(input.as_deref(), Some(made)),
        other => panic!("{other:?}"),
    }
    match does(&format!(
        "{{name: a, document: {{path: /a, text: '{raw}'}}}}"
    )) {
        StepDo::Document { text, .. } => assert_eq!(text.as_deref(), Some(made)),
        other => panic!("{other:?}"),
    }
    match does(&format!("{{name: a, parse: '{raw}'}}")) {
        StepDo::Typed(step) => assert_eq!(step.given[0].1, made),
        other => panic!("{other:?}"),
    }
    match does("{name: a, render: 'Dear \"{{ inputs.s }}\"'}") {
        StepDo::Render { template } => assert_eq!(template, "Dear \"{{ inputs.s }}\""),
        other => panic!("{other:?}"),
    }
    let flow =
        good("type: workflow\nname: w\nsteps:\n  - {name: a, input: {who: '{{ input.s }}'}}\n");
    let input = flow.flows[0].2.steps[0].input.as_deref();
    assert_eq!(input, Some("{\"who\":\"{{ (input.s) | in_json }}\"}"));
}

/// The data of an instruction's last step.
fn last(steps: &str) -> Option<String> {
    let mut found = good(&format!("type: instruction\nname: i\nplan:\n{steps}"));
    let kept = found.kept.remove(0);
    let spec = kept.instruction.expect("it is an instruction");
    match &spec.plan.steps.last().expect("it has steps").action {
        StepDo::Ask { data, .. } => data.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_no_text_names_goes_along() {
    let fetch = "  - {id: a, emit: {type: m.fetch, data: {since: monday}}}\n";
    for (steps, data) in [
        // It names no data: the rules know what comes before it.
        ("  - {id: b, emit: m.sum}\n", None),
        (
            "  - {id: b, emit: {type: chat, data: {channel: own}}}\n",
            Some("{{ {\"channel\": \"own\", \"message\": a.output} | tojson }}"),
        ),
        (
            "  - {id: b, emit: {type: chat, data: {}}}\n",
            Some("{{ {\"message\": a.output} | tojson }}"),
        ),
        (
            "  - {id: b, emit: {type: chat, path: /Notes}}\n",
            Some("{{ {\"path\": \"/Notes\", \"message\": a.output} | tojson }}"),
        ),
        // What it says itself counts.
        (
            "  - {id: b, emit: {type: chat, data: {message: hello}}}\n",
            Some("{{ {\"message\": \"hello\"} | tojson }}"),
        ),
        (
            "  - {id: b, emit: {type: chat, data: {to: \"{{ inputs.who }}\"}}}\n",
            Some("{{ {\"to\": (inputs.who)} | tojson }}"),
        ),
        (
            "  - {id: b, emit: {type: chat, data: [1]}}\n",
            Some("{{ [1] | tojson }}"),
        ),
        // Named somewhere, it isn't lost.
        (
            "  - {id: b, condition: a.output.n > 1, emit: {type: chat, data: {k: v}}}\n",
            Some("{{ {\"k\": \"v\"} | tojson }}"),
        ),
        (
            "  - {id: c, depends_on: [], emit: c.get}\n  \
               - {id: b, depends_on: [a, c], emit: {type: chat, data: {k: v}}}\n",
            Some("{{ {\"k\": \"v\", \"message\": {\"a\": a.output, \"c\": c.output}} | tojson }}"),
        ),
    ] {
        assert_eq!(last(&format!("{fetch}{steps}")).as_deref(), data, "{steps}");
    }
    let first = last(fetch);
    assert_eq!(
        first.as_deref(),
        Some("{{ {\"since\": \"monday\"} | tojson }}")
    );
}

#[test]
fn no_plan_writes_who_an_agent_is() {
    for step in [
        "{name: a, document: {path: agents/x/SOUL.md, text: evil}}",
        "{name: a, document: 'agents/{{ inputs.s }}/agents.md'}",
    ] {
        let errors = bad("p", &plan(step));
        assert!(errors.contains("says who an agent is"), "{errors}");
    }
    let errors = bad(
        "p",
        "type: instruction\nname: i\nplan:\n  \
         - emit: {type: context.write, path: /agents/x/USER.md, data: {content: evil}}\n",
    );
    assert!(errors.contains("says who an agent is"), "{errors}");
    good(&plan(
        "{name: a, document: {path: 'agents/x/{{ inputs.s }}', text: b}}",
    ));
    good(
        "type: instruction\nname: i\nplan:\n  \
         - emit: {type: context.read, path: /agents/x/USER.md}\n",
    );
}
