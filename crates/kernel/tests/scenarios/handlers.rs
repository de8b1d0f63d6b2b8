//! Handlers: what an event becomes by expressions alone, and who is told of what fails.

use naos_kernel::resource::ERROR_TOPIC;
use naos_types::command::{self, Reply};
use naos_types::fact::Fact;
use naos_types::fact::event::{self, Began, Published};
use naos_types::spec::{
    Emits, HandlerSpec, InputSpec, InputType, Kind, Spec, Starts, StepDo, SubscriptionSpec, WaitFor,
};
use naos_types::{Actor, Code, Refusal};
use serde_json::Value;

use crate::bench::Bench;
use crate::events::{
    deaths, event_wait, filter, journal, keep, kinds, name, publish, start, starts, subscribe,
    taker, waits,
};
use crate::plans::{plan, step};
use crate::script::play_in;

pub fn emits(kind: &str, data: Option<&str>, when: Option<&str>) -> Emits {
    Emits {
        kind: kind.to_owned(),
        data: data.map(str::to_owned),
        when: when.map(str::to_owned),
    }
}

fn listens(topic: &str) -> SubscriptionSpec {
    SubscriptionSpec {
        filter: filter(topic),
        ..SubscriptionSpec::default()
    }
}

fn apply(bench: &mut Bench, who: &str, spec: Spec) -> Result<(), Refusal> {
    let (said, _) = bench.command(command::Resource::Apply {
        kind: Kind::Subscription,
        name: name(who),
        spec,
    });
    said.map(drop)
}

pub fn handle(bench: &mut Bench, who: &str, topic: &str, emits: Vec<Emits>) {
    let spec = Spec::subscription(listens(topic), emits);
    apply(bench, who, spec).expect("it is sound");
}

fn all_of(bench: &Bench, topic: &str) -> Vec<Published> {
    let all = journal(bench).into_iter().map(|(_, f)| f);
    all.filter(|f| f.topic == topic).collect()
}

fn data(bench: &Bench, event: &Published) -> Value {
    serde_json::from_str(&bench.text(&event.data)).expect("it is JSON")
}

fn input(called: &str) -> InputSpec {
    InputSpec {
        name: called.to_owned(),
        kind: InputType::String,
        default: None,
    }
}

/// Who is said to have failed, and with which code.
fn errors(bench: &Bench) -> Vec<(String, String)> {
    let told = all_of(bench, ERROR_TOPIC);
    let told = told.iter().filter(|f| f.by == Actor::System);
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let one = |f: &Published| {
        let data = data(bench, f);
        (word(&data["handler"]), word(&data["code"]))
    };
    told.map(one).collect()
}

fn told(who: &str, code: Code) -> (String, String) {
    (who.to_owned(), code.to_string())
}

#[test]
fn an_event_becomes_others_in_one_commit() {
    let mut bench = Bench::new();
    let far = "{{ {\"of\": trigger.id, \"n\": trigger.data.n + 1} | tojson }}";
    handle(
        &mut bench,
        "sort",
        "mail.*",
        vec![
            emits("far", Some(far), Some("trigger.data.n > 3")),
            emits("seen", None, None),
        ],
    );
    let (event, facts) = publish(&mut bench, "mail.in", "{\"n\": 5}");
    let one = [
        "event.published",
        "event.published",
        "event.published",
        "event.triggered",
    ];
    assert_eq!(kinds(&facts), one, "no run, and nothing between");
    let (far, seen) = (&all_of(&bench, "far")[0], &all_of(&bench, "seen")[0]);
    let made = data(&bench, far);
    assert_eq!(made["n"], 6);
    assert_eq!(made["of"], event.to_string());
    assert_eq!(data(&bench, seen), serde_json::json!({}));
    for one in [far, seen] {
        assert_eq!(one.by, Actor::Trigger(name("sort"), event));
        assert_eq!(one.correlation(), event.to_string());
        assert_eq!(one.causation(), Some(event.to_string()));
        assert_eq!(one.origin.hops, 1);
    }
    let began = |facts: &[Fact]| match facts.last() {
        Some(Fact::Event(event::Fact::Triggered(f))) => f.began,
        other => panic!("{other:?}"),
    };
    assert_eq!(began(&facts), Began::Events(2));
    let (_, facts) = publish(&mut bench, "mail.in", "{\"n\": 2}");
    assert_eq!(began(&facts), Began::Events(1), "one condition isn't met");
    // Its own condition is looked at before.
    let mut spec = listens("mail.*");
    spec.condition = Some("trigger.data.n == 9".into());
    let spec = Spec::subscription(spec, vec![emits("seen", None, None)]);
    apply(&mut bench, "sort", spec).expect("it is sound");
    let (_, facts) = publish(&mut bench, "mail.in", "{\"n\": 5}");
    assert_eq!(began(&facts), Began::Nothing);
}

#[test]
fn what_is_made_of_an_event_is_made_whole_or_not() {
    let mut bench = Bench::new();
    let half = emits("half", Some("{{ trigger.data.a.b }}"), None);
    handle(
        &mut bench,
        "two",
        "mail",
        vec![emits("whole", None, None), half],
    );
    let (event, facts) = publish(&mut bench, "mail", "{\"n\": 1}");
    let one = ["event.published", "event.published", "event.dead"];
    assert_eq!(kinds(&facts), one);
    assert_eq!(all_of(&bench, "whole"), [], "all of it or nothing");
    assert_eq!(
        deaths(&facts),
        ["N0106 an expression of two gave no usable value"]
    );
    let error = &all_of(&bench, ERROR_TOPIC)[0];
    let said = data(&bench, error);
    assert_eq!(said["handler"], "two");
    assert_eq!(said["code"], "N0106");
    assert_eq!(said["said"], serde_json::json!({"by": null, "text": ""}));
    assert_eq!(said["event"], event.to_string());
    let why = said["error"].as_str().expect("a sentence");
    assert!(why.contains("`data` of half"), "{why}");
    assert_eq!(error.correlation(), event.to_string());
    // It goes on with the next one, and with this one once it is mended.
    publish(&mut bench, "mail", "{\"a\": {\"b\": 7}}");
    assert_eq!(all_of(&bench, "whole").len(), 1);
    let mended = vec![emits("whole", None, None)];
    handle(&mut bench, "two", "mail", mended);
    let (said, _) = bench.command(command::Event::Replay {
        consumer: name("two"),
        event,
    });
    assert!(said.is_ok(), "{said:?}");
    assert_eq!(all_of(&bench, "whole").len(), 2);
}

#[test]
fn a_failure_sets_nobody_off_who_failed() {
    let mut bench = Bench::new();
    let broken = || vec![emits("x", None, Some("trigger.data.none == 1"))];
    handle(&mut bench, "all", "*", broken());
    publish(&mut bench, "mail", "{}");
    assert_eq!(errors(&bench), [told("all", Code::BAD_EXPRESSION)]);
    let heard = all_of(&bench, ERROR_TOPIC)[0].origin.heard;
    assert!(!heard, "nobody else listens");
    // Whoever listens to errors and fails, too, is put aside and told of no further.
    for who in ["second", "third"] {
        handle(&mut bench, who, ERROR_TOPIC, broken());
    }
    let (_, facts) = publish(&mut bench, "mail", "{}");
    assert_eq!(errors(&bench).len(), 2);
    assert_eq!(deaths(&facts).len(), 3, "{:?}", deaths(&facts));
}

#[test]
fn a_handler_that_sets_itself_off_ends_by_name() {
    let mut bench = Bench::new();
    handle(&mut bench, "echo", "a", vec![emits("b", None, None)]);
    handle(&mut bench, "back", "b", vec![emits("a", None, None)]);
    publish(&mut bench, "a", "{}");
    let facts: Vec<Fact> = bench.facts.iter().map(|(_, fact)| fact.clone()).collect();
    let all = "N0195 16 events led to each other: echo → back → echo";
    assert_eq!(deaths(&facts), [all]);
    assert_eq!(journal(&bench).len(), 17);
    assert_eq!(errors(&bench), [], "nobody is told of a circle by an event");
}

#[test]
fn whoever_only_hears_of_a_circle_goes_on() {
    let mut bench = Bench::new();
    handle(&mut bench, "echo", "a", vec![emits("b", None, None)]);
    handle(&mut bench, "back", "b", vec![emits("a", None, None)]);
    handle(&mut bench, "count", "a", vec![emits("counted", None, None)]);
    handle(
        &mut bench,
        "tell",
        "counted",
        vec![emits("told", None, None)],
    );
    publish(&mut bench, "a", "{}");
    let facts: Vec<Fact> = bench.facts.iter().map(|(_, fact)| fact.clone()).collect();
    let circle = "N0195 16 events led to each other: echo → back → echo";
    assert_eq!(deaths(&facts), [circle]);
    let heard = ["a", "counted", "told"].map(|topic| all_of(&bench, topic).len());
    assert_eq!(heard, [9; 3], "each of them, the last too");
}

#[test]
fn a_circle_that_is_given_again_goes_around_once() {
    let mut bench = Bench::new();
    handle(&mut bench, "echo", "a", vec![emits("b", None, None)]);
    handle(&mut bench, "back", "b", vec![emits("a", None, None)]);
    let (_, facts) = publish(&mut bench, "a", "{}");
    let dead = |facts: &[Fact]| {
        let found = facts.iter().find_map(|fact| match fact {
            Fact::Event(event::Fact::Dead(f)) => Some((f.consumer.clone(), f.event)),
            _ => None,
        });
        found.expect("one was put aside")
    };
    let again = |bench: &mut Bench, (consumer, event)| {
        let (said, facts) = bench.command(command::Event::Replay { consumer, event });
        assert_eq!(said, Ok(Reply::Done));
        facts
    };
    let published = |facts: &[Fact]| {
        let all = facts.iter().filter(|fact| fact.kind() == "event.published");
        all.count()
    };
    let facts = again(&mut bench, dead(&facts));
    assert_eq!(
        (published(&facts), deaths(&facts).len()),
        (2, 1),
        "nothing was mended"
    );
    handle(&mut bench, "back", "b", vec![emits("done", None, None)]);
    let facts = again(&mut bench, dead(&facts));
    assert_eq!((published(&facts), deaths(&facts).len()), (2, 0), "it was");
}

#[test]
fn a_circle_does_not_grow_into_a_storm() {
    let mut bench = Bench::new();
    let each = |at: u32| {
        let data = format!("{{\"goes\": {}}}", at == 0);
        emits("drop", Some(&data), None)
    };
    let spec = SubscriptionSpec {
        condition: Some("trigger.data.goes".into()),
        ..listens("drop")
    };
    let spec = Spec::subscription(spec, (0..8).map(each).collect());
    apply(&mut bench, "storm", spec).expect("it is sound");
    let (_, facts) = publish(&mut bench, "drop", "{\"goes\": true}");
    assert_eq!(journal(&bench).len(), 1 + 3 * 8, "three rounds");
    let dead = deaths(&facts);
    assert_eq!(dead.len(), 8);
    assert!(dead[0].ends_with("storm → storm"), "{dead:?}");
}

#[test]
fn what_an_event_set_off_and_fails_is_told() {
    let mut bench = Bench::new();
    play_in(&mut bench, "agent clerk 0c");
    let spec = SubscriptionSpec {
        starts: Some(Starts {
            kind: Kind::Agent,
            name: name("clerk"),
            input: None,
        }),
        ..listens("mail")
    };
    subscribe(&mut bench, "desk", spec);
    let (event, _) = publish(&mut bench, "mail", "{}");
    play_in(&mut bench, "fail clerk");
    assert_eq!(errors(&bench).len(), 1);
    let error = all_of(&bench, ERROR_TOPIC).remove(0);
    let said = data(&bench, &error);
    assert_eq!(said["handler"], "desk");
    assert!(said["run"].is_string() && said["error"].is_string());
    assert_eq!(said["said"]["by"], "wasm", "{said}");
    assert!(!said["said"]["text"].as_str().expect("a text").is_empty());
    assert_eq!(error.causation(), Some(event.to_string()));
    assert_eq!(error.origin.hops, 1);
    // A plan, too; and one that couldn't begin at all.
    let fails = StepDo::Compute {
        cel: "trigger.data.none + 1".into(),
    };
    keep(&mut bench, "sum", plan(vec![step("sum", &[], fails)]));
    subscribe(&mut bench, "sums", starts("sum", "sum"));
    subscribe(&mut bench, "void", starts("void", "no-such-plan"));
    publish(&mut bench, "sum", "{}");
    publish(&mut bench, "void", "{}");
    let all = errors(&bench);
    assert_eq!(
        all[1..],
        [
            told("sums", Code::BAD_EXPRESSION),
            told("void", Code::NOT_FOUND)
        ]
    );
    // What listens to errors and fails is told of no further.
    subscribe(&mut bench, "errors", starts(ERROR_TOPIC, "sum"));
    publish(&mut bench, "void", "{}");
    assert_eq!(errors(&bench).len(), all.len() + 1);
}

#[test]
fn more_steps_than_one_event_may_wake_stay_asleep() {
    let mut bench = Bench::new();
    let topics = ["a", "b"];
    for topic in topics {
        let held: WaitFor = event_wait(topic, None, None);
        keep(&mut bench, topic, waits(held));
    }
    handle(
        &mut bench,
        "both",
        "wake",
        topics.map(|topic| emits(topic, None, None)).to_vec(),
    );
    for at in 0..129 {
        start(&mut bench, topics[at % 2]);
    }
    let (_, facts) = publish(&mut bench, "wake", "{}");
    let dead = deaths(&facts);
    assert_eq!(dead.len(), 1);
    assert!(dead[0].contains("129 steps wait"), "{dead:?}");
    assert_eq!(all_of(&bench, "a"), []);
}

#[test]
fn nobody_takes_what_a_handler_handles() {
    let mut bench = Bench::new();
    handle(&mut bench, "sort", "mail", vec![emits("seen", None, None)]);
    let (said, _) = bench.command(command::Event::Acknowledge {
        consumer: name("sort"),
        events: vec![1],
    });
    assert_eq!(said, Ok(command::Reply::Count(0)));
    let (said, _) = bench.command(command::Event::Return {
        consumer: name("sort"),
        events: vec![1],
        delay: None,
    });
    let refused = said.expect_err("naos takes them itself");
    assert_eq!(refused.code, Code::WRONG_STATE);
}

#[test]
fn a_handler_that_isnt_one_is_refused() {
    let mut bench = Bench::new();
    let both = HandlerSpec {
        listens: starts("mail", "p"),
        emits: vec![emits("seen", None, None)],
    };
    let none = HandlerSpec {
        listens: taker("mail"),
        emits: Vec::new(),
    };
    let many = HandlerSpec {
        listens: taker("mail"),
        emits: vec![emits("seen", None, None); 17],
    };
    let glob = HandlerSpec {
        listens: taker("mail"),
        emits: vec![emits("seen.*", None, None)],
    };
    for (spec, said) in [
        (both, "starts something or emits"),
        (none, "from 1 to 16"),
        (many, "from 1 to 16"),
        (glob, "is no type of an event"),
    ] {
        let spec = Spec::Handler(Box::new(spec));
        let refused = apply(&mut bench, "sort", spec).expect_err(said);
        assert!(refused.what.contains(said), "{refused:?}");
    }
}

#[test]
fn a_key_that_is_there_twice_is_refused() {
    let raw = "{\"role\": \"guest\", \"who\": \"{{ trigger.data.who }}\"}";
    let mut bench = Bench::new();
    let mut tell = plan(vec![step(
        "say",
        &[],
        StepDo::Render {
            template: "{{ inputs.who }}".into(),
        },
    )]);
    tell.inputs = ["role", "who"].map(input).to_vec();
    keep(&mut bench, "tell", tell);
    let mut sets_off = starts("mail", "tell");
    sets_off.starts = sets_off.starts.map(|starts| Starts {
        input: Some(raw.to_owned()),
        ..starts
    });
    subscribe(&mut bench, "tells", sets_off);
    handle(
        &mut bench,
        "sort",
        "mail",
        vec![emits("seen", Some(raw), None)],
    );
    publish(
        &mut bench,
        "mail",
        "{\"who\": \"x\\\", \\\"role\\\": \\\"chief\"}",
    );
    let facts: Vec<Fact> = bench.facts.iter().map(|(_, f)| f.clone()).collect();
    let refused = |who: &str| format!("N0106 an expression of {who} gave no usable value");
    let mut dead = deaths(&facts);
    dead.sort();
    assert_eq!(dead, [refused("sort"), refused("tells")]);
    assert!(all_of(&bench, "seen").is_empty());
    assert!(!kinds(&facts).contains(&"plan.started"));
    let twice = "the key \"role\" is there twice";
    let told = all_of(&bench, ERROR_TOPIC);
    assert_eq!(told.len(), 2);
    for told in &told {
        let error = data(&bench, told)["error"].to_string();
        assert!(error.contains(&twice.replace('"', "\\\"")), "{error}");
    }
    publish(&mut bench, "mail", "{\"who\": \"x\"}");
    assert_eq!(all_of(&bench, "seen").len(), 1, "each once is taken");
}
