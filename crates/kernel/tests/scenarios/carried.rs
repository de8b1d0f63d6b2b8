//! What an event of a step says where the step names no data, and what no plan writes.

use std::collections::BTreeMap;

use naos_types::command::{self, Reply};
use naos_types::fact::{Fact, plan as plan_facts};
use naos_types::spec::{
    FanOut, InputSpec, InputType, InstructionSpec, Kind, PlanSpec, Spec, Starts, StepDo, StepSpec,
    SubscriptionSpec,
};
use naos_types::{Code, DocPath, PlanStatus};

use naos_kernel::Key;

use crate::bench::Bench;
use crate::events::{filter, journal, keep, publish};
use crate::plans::{plan, step};
use crate::script::name;

fn emit(topic: &str) -> StepDo {
    StepDo::Emit {
        kind: topic.into(),
        data: None,
    }
}

fn ask(topic: &str) -> StepDo {
    StepDo::Ask {
        kind: topic.into(),
        data: None,
        needed: false,
    }
}

fn render(text: &str) -> StepDo {
    StepDo::Render {
        template: text.into(),
    }
}

/// Runs a plan with these inputs: how it ended, and why.
fn run(bench: &mut Bench, mut spec: PlanSpec, inputs: &str) -> (PlanStatus, String) {
    let given: BTreeMap<String, serde_json::Value> = serde_json::from_str(inputs).expect("JSON");
    let input = |name: &String| InputSpec {
        name: name.clone(),
        kind: InputType::Any,
        default: None,
    };
    spec.inputs = given.keys().map(input).collect();
    keep(bench, "p", spec);
    let inputs = bench.body(inputs.as_bytes());
    let (said, facts) = bench.command(command::Plan::Start {
        of: Kind::Plan,
        name: name("p"),
        inputs,
    });
    assert!(matches!(said, Ok(Reply::Plan(_))), "{said:?}");
    over(&facts)
}

fn over(facts: &[Fact]) -> (PlanStatus, String) {
    let status = facts.iter().find_map(|fact| match fact {
        Fact::Plan(plan_facts::Fact::Closed(f)) => Some(f.status),
        _ => None,
    });
    let why = facts.iter().find_map(|fact| match fact {
        Fact::Plan(plan_facts::Fact::StepFailed(f)) => {
            let said = f.problem.said.as_ref().map(|said| said.bytes.clone());
            let said = String::from_utf8(said.unwrap_or_default()).expect("text");
            Some(format!("{}: {said} {}", f.problem.note, f.problem.code))
        }
        _ => None,
    });
    (status.expect("it ended"), why.unwrap_or_default())
}

/// What the last event of a type says.
fn says(bench: &Bench, topic: &str) -> String {
    let all = journal(bench);
    let found = all.iter().rev().find(|(_, event)| event.topic == topic);
    let (_, event) = found.unwrap_or_else(|| panic!("no {topic}"));
    bench.text(&event.data)
}

fn instruct(bench: &mut Bench, topic: &str, steps: Vec<StepSpec>) {
    let spec = InstructionSpec {
        document: "{}".to_owned(),
        plan: plan(steps),
        zone: "UTC".to_owned(),
        listens: Some(SubscriptionSpec {
            filter: filter(topic),
            starts: Some(Starts {
                kind: Kind::Instruction,
                name: name("i"),
                input: None,
            }),
            ..SubscriptionSpec::default()
        }),
        schedule: None,
        enabled: true,
    };
    let (said, _) = bench.command(command::Resource::Apply {
        kind: Kind::Instruction,
        name: name("i"),
        spec: Spec::Instruction(Box::new(spec)),
    });
    said.expect("it is sound");
}

#[test]
fn an_event_without_data_says_what_came_before() {
    let mut bench = Bench::new();
    // The first of a plan says what the plan is given, as what a step is given without input.
    let inputs = "{\"who\":\"ana\",\"n\":3}";
    let spec = plan(vec![
        step("first", &[], emit("a.first")),
        step("text", &[], render("say \"it\"")),
        step("second", &["text"], emit("a.second")),
        step("both", &["text", "first"], emit("a.both")),
    ]);
    let (status, why) = run(&mut bench, spec, inputs);
    assert_eq!((status, why.as_str()), (PlanStatus::Completed, ""));
    assert_eq!(says(&bench, "a.first"), "{\"n\":3,\"who\":\"ana\"}");
    assert_eq!(says(&bench, "a.second"), "\"say \\\"it\\\"\"");
    let both = "{\"first\":{\"n\":3,\"who\":\"ana\"},\"text\":\"say \\\"it\\\"\"}";
    assert_eq!(says(&bench, "a.both"), both);
    // In a list it is the item.
    let mut each = step("each", &[], emit("a.each"));
    each.for_each = Some(FanOut {
        items: "inputs.all".into(),
        window: 1,
        partial: false,
    });
    let (status, why) = run(&mut bench, plan(vec![each]), "{\"all\":[{\"k\":1}]}");
    assert_eq!((status, why.as_str()), (PlanStatus::Completed, ""));
    assert_eq!(says(&bench, "a.each"), "{\"k\":1}");
    // A step that gave nothing, because it wasn't done, gives on what came before it.
    let mut skipped = step("text", &["first"], render("never"));
    skipped.when = Some("false".into());
    let spec = plan(vec![
        step("first", &[], render("[1,2]")),
        skipped,
        step("last", &["text"], emit("a.last")),
    ]);
    let (status, why) = run(&mut bench, spec, "{}");
    assert_eq!((status, why.as_str()), (PlanStatus::Completed, ""));
    assert_eq!(says(&bench, "a.last"), "[1,2]");
}

#[test]
fn an_instruction_says_what_set_it_off() {
    let mut bench = Bench::new();
    let steps = vec![
        step("tell", &[], ask("notice.urgent")),
        step("note", &["tell"], ask("note.keep")),
    ];
    instruct(&mut bench, "weather.severe", steps);
    let data = "{\"message\":\"storm\"}";
    publish(&mut bench, "weather.severe", data);
    assert_eq!(says(&bench, "notice.urgent"), data);
    assert_eq!(says(&bench, "note.keep"), data);
    // By hand it is what a person filled in.
    let inputs = bench.body(b"{}");
    let (said, facts) = bench.command(command::Plan::Start {
        of: Kind::Instruction,
        name: name("i"),
        inputs,
    });
    said.expect("it starts");
    assert_eq!(over(&facts).0, PlanStatus::Completed);
    assert_eq!(says(&bench, "notice.urgent"), "{}");
}

#[test]
fn what_is_too_long_for_an_event_is_said() {
    let mut bench = Bench::new();
    let long = format!("{{\"text\":\"{}\"}}", "x".repeat(256 << 10));
    for steps in [
        vec![step("tell", &[], emit("a.b"))],
        vec![
            step("one", &[], render("{{ inputs.text }}")),
            step("two", &[], render("2")),
            step("tell", &["one", "two"], emit("a.b")),
        ],
    ] {
        let (status, why) = run(&mut bench, plan(steps), &long);
        assert_eq!(status, PlanStatus::Failed);
        for said in ["step tell names no `data`", "at most 262144", "name in its"] {
            assert!(why.contains(said), "{why}");
        }
    }
    assert_eq!(journal(&bench), []);
}

#[test]
fn no_plan_writes_who_an_agent_is() {
    let mut bench = Bench::new();
    let write = |path: &str| StepDo::Document {
        path: path.into(),
        text: Some("evil".into()),
    };
    let spec = || plan(vec![step("keep", &[], write("{{ inputs.p }}"))]);
    for path in ["agents/wsa/SOUL.md", "/agents/wsa/agents.MD", "USER.md"] {
        let (status, why) = run(&mut bench, spec(), &format!("{{\"p\":\"{path}\"}}"));
        assert_eq!(status, PlanStatus::Failed, "{path}");
        assert!(why.contains("only people write it"), "{why}");
        assert!(why.contains(path.trim_start_matches('/')), "{why}");
        assert!(why.contains(&Code::NOT_ALLOWED.to_string()), "{why}");
        let path = DocPath::new(path).expect("a path");
        assert!(bench.state.get(&Key::Document(path)).is_none());
    }
    // What it remembers is another's to fill in no more than who it is; written out it is meant.
    let memory = "agents/wsa/MEMORY.md";
    let (status, why) = run(&mut bench, spec(), &format!("{{\"p\":\"{memory}\"}}"));
    assert_eq!(status, PlanStatus::Failed);
    assert!(why.contains("write the path out"), "{why}");
    let meant = plan(vec![step("keep", &[], write(memory))]);
    let (status, why) = run(&mut bench, meant, "{}");
    assert_eq!((status, why.as_str()), (PlanStatus::Completed, ""));
    let (status, why) = run(&mut bench, spec(), "{\"p\":\"agents/wsa/notes.md\"}");
    assert_eq!((status, why.as_str()), (PlanStatus::Completed, ""));
}
