//! What naos tells an agent beside its prompt: its checklist when it wakes, and the language of its
//! people.

use naos_types::command;
use naos_types::effect::{Caller, Effect};
use naos_types::spec::{
    Begins, Card, Kind, Missed, ScheduleSpec, Spec, Starts, SubscriptionSpec, Timing, Tongue, When,
};
use naos_types::think::Think;
use naos_types::{RunId, RunStatus, Span};

use crate::bench::Bench;
use crate::board::{card, go, put, say};
use crate::events::{filter, publish, subscribe};
use crate::thinking::{Cell, keep, made, name, open, text, with_a_workspace};

const CHECKLIST: &str = "/agents/brain/HEARTBEAT.md";

fn cell() -> Bench {
    let mut bench = made(with_a_workspace(|_| ()));
    keep(&mut bench, "agents/brain/SOUL.md", "who it is");
    keep(&mut bench, "agents/brain/HEARTBEAT.md", "- is a bill late?");
    keep(&mut bench, "agents/brain/WORKING.md", "where it stands");
    bench
}

/// What the one model is asked, and the task that it is given.
fn asked(bench: Bench) -> (Think, String) {
    let run = RunId::derived(1, "found by what it asks");
    let cell = Cell { bench, run };
    let (_, think) = cell.asked().expect("a model is asked");
    let task = cell.bench.text(&think.input);
    (think, task)
}

fn has_checklist(think: &Think) -> bool {
    think.shown.iter().any(|(title, _)| title == CHECKLIST)
}

fn at_a_time(bench: &mut Bench) {
    let every = Span::secs(60);
    let spec = ScheduleSpec {
        description: String::new(),
        timing: Timing {
            when: When::Every { every, from: None },
            until: None,
        },
        count: None,
        missed: Missed::Skip,
        jitter: Span(0),
        starts: Begins::Run {
            kind: Kind::Agent,
            name: name("brain"),
            input: "Look at the bills.".into(),
        },
        enabled: true,
    };
    let apply = command::Resource::Apply {
        kind: Kind::Schedule,
        name: name("look"),
        spec: Spec::Schedule(Box::new(spec)),
    };
    bench.command(apply).0.unwrap();
    bench.wait(Span::secs(61));
}

fn by_an_event(bench: &mut Bench) {
    let spec = SubscriptionSpec {
        filter: filter("bill.*"),
        starts: Some(Starts {
            kind: Kind::Agent,
            name: name("brain"),
            input: None,
        }),
        ..SubscriptionSpec::default()
    };
    subscribe(bench, "bills", spec);
    publish(bench, "bill.late", "{\"n\": 2}");
}

fn for_a_task(bench: &mut Bench) {
    put(bench, card("brain"));
    go(bench);
}

fn in_a_thread(bench: &mut Bench) {
    let task = put(bench, Card::default());
    say(bench, task, "@brain well?");
    go(bench);
}

#[test]
fn whoever_wakes_is_shown_its_checklist_and_what_to_say_where_nothing_is_to_be_done() {
    /// What it is told, how it is woken, and what else it reads.
    type Wake = (&'static str, fn(&mut Bench), &'static str);
    let wakes: [Wake; 4] = [
        (
            "there is a task for you",
            for_a_task,
            "HEARTBEAT_OK is no answer",
        ),
        (
            "you were called in a thread",
            in_a_thread,
            "answer only HEARTBEAT_OK",
        ),
        ("you listen for", by_an_event, "answer only HEARTBEAT_OK"),
        (
            "it is the time that was set",
            at_a_time,
            "answer only HEARTBEAT_OK",
        ),
    ];
    for (why, wake, then) in wakes {
        let mut bench = cell();
        wake(&mut bench);
        let (think, task) = asked(bench);
        assert!(has_checklist(&think), "{why}: {:?}", think.shown);
        let [told] = &think.told[..] else {
            panic!("{why}: {:?}", think.told)
        };
        for said in [
            "You woke because ",
            why,
            "HEARTBEAT.md is your checklist",
            then,
        ] {
            assert!(told.contains(said), "{said}: {told}");
        }
        assert!(!task.contains("is a bill late?"), "{why}: once: {task}");
        // After who it is, before where it stands.
        let titles: Vec<&str> = think
            .shown
            .iter()
            .map(|(title, _)| title.as_str())
            .collect();
        let order = [
            "/agents/brain/SOUL.md",
            CHECKLIST,
            "/agents/brain/WORKING.md",
        ];
        assert_eq!(titles, order, "{why}");
    }
}

/// The run whose model is asked.
fn at_work(bench: &Bench) -> RunId {
    let open = bench.open();
    let mut calls = open.iter().filter_map(|effect| match effect {
        Effect::Call(call) => match call.by {
            Caller::Run(run, _) => Some(run),
            Caller::Notice(_) => None,
        },
        _ => None,
    });
    calls.next().expect("a model is asked")
}

#[test]
fn nothing_to_do_is_no_answer_to_a_task() {
    let mut bench = cell();
    for_a_task(&mut bench);
    let mut cell = Cell {
        run: at_work(&bench),
        bench,
    };
    cell.says(&text("HEARTBEAT_OK\n"));
    assert_eq!(
        cell.run().status,
        RunStatus::Running,
        "it is asked once more"
    );
    cell.says(&text("The bills are paid. HEARTBEAT_OK"));
    assert_eq!(cell.status(), (RunStatus::Completed, None));
    // Whoever was woken for nothing has nothing to do.
    let mut bench = self::cell();
    at_a_time(&mut bench);
    let mut cell = Cell {
        run: at_work(&bench),
        bench,
    };
    cell.says(&text("HEARTBEAT_OK"));
    assert_eq!(cell.status(), (RunStatus::Completed, None));
}

#[test]
fn whoever_is_asked_by_a_person_or_has_no_checklist_is_told_of_none() {
    let mut bench = cell();
    open(&mut bench).0.unwrap();
    let (think, _) = asked(bench);
    assert!(
        !has_checklist(&think) && think.told.is_empty(),
        "{:?}",
        think.told
    );

    let mut bench = made(with_a_workspace(|_| ()));
    for_a_task(&mut bench);
    let (think, _) = asked(bench);
    assert!(think.told.is_empty(), "{:?}", think.told);
}

#[test]
fn it_is_told_which_language_its_people_speak() {
    for (tongue, language) in [
        (Tongue::Fr, "French (français)"),
        (Tongue::Mg, "Malagasy"),
        (Tongue::En, "English"),
    ] {
        let mut bench = made(with_a_workspace(|mind| mind.language = Some(tongue)));
        open(&mut bench).0.unwrap();
        let (think, _) = asked(bench);
        let [told] = &think.told[..] else {
            panic!("{:?}", think.told)
        };
        let speak = format!("speak {language}. Answer whoever writes to you in the language of");
        assert!(told.contains(&speak), "{told}");
    }
}
