//! Schedules: what is due has one run, what is late is judged as the schedule says.

use std::collections::BTreeSet;

use naos_kernel::{AnyAggregate, Key, ResourceKey};
use naos_types::command::{self, Reply};
use naos_types::fact::schedule::{self, Began};
use naos_types::fact::{Fact, event, plan, task};
use naos_types::spec::{Begins, Kind, Missed, Overlap, ScheduleSpec, Spec, Timing, When};
use naos_types::{Code, Refusal, Span, Time};

use crate::bench::Bench;
use crate::script::{apply_plan, name, play_in};

const MINUTE: Span = Span::secs(60);

fn tick() -> ScheduleSpec {
    ScheduleSpec {
        description: String::new(),
        timing: Timing {
            when: When::Every {
                every: MINUTE,
                from: None,
            },
            until: None,
        },
        count: None,
        missed: Missed::Skip,
        jitter: Span(0),
        starts: Begins::Event {
            topic: "tick.tock".into(),
            data: "{}".into(),
        },
        enabled: true,
    }
}

fn apply(bench: &mut Bench, spec: ScheduleSpec) -> (Result<Reply, Refusal>, Vec<Fact>) {
    bench.command(command::Resource::Apply {
        kind: Kind::Schedule,
        name: name("tick"),
        spec: Spec::Schedule(Box::new(spec)),
    })
}

fn with(spec: ScheduleSpec) -> Bench {
    let mut bench = Bench::new();
    apply(&mut bench, spec).0.expect("it is sound");
    bench
}

/// What the facts tell: `fired 60`, `missed 2 120-180`, in seconds since the schedule came.
fn told(since: Time, facts: &[Fact]) -> String {
    let second = |at: Time| (at - since).0 / 1_000;
    let word = |fact: &Fact| match fact {
        Fact::Schedule(schedule::Fact::Fired(f)) => Some(format!("fired {}", second(f.at))),
        Fact::Schedule(schedule::Fact::Missed(f)) => {
            let (from, to) = (second(f.from), second(f.to));
            let why = f
                .problem
                .as_ref()
                .map(|problem| format!(" {}", problem.code));
            Some(format!(
                "missed {} {from}-{to}{}",
                f.count,
                why.unwrap_or_default()
            ))
        }
        Fact::Schedule(schedule::Fact::Ended(_)) => Some("ended".into()),
        Fact::Schedule(schedule::Fact::Waited(f)) => Some(format!("waited {}", second(f.at))),
        Fact::Schedule(schedule::Fact::Freed(f)) => Some(format!("freed {}", second(f.next.at))),
        _ => None,
    };
    let words: Vec<String> = facts.iter().filter_map(word).collect();
    words.join(", ")
}

fn published(facts: &[Fact]) -> usize {
    let is = |fact: &&Fact| matches!(fact, Fact::Event(event::Fact::Published(_)));
    facts.iter().filter(is).count()
}

#[test]
fn each_time_has_one_run() {
    let mut bench = with(tick());
    let since = bench.now;
    let facts = bench.wait(Span::secs(200));
    assert_eq!(told(since, &facts), "fired 60, fired 120, fired 180");
    assert_eq!(published(&facts), 3);
    // The clock steps back: what was due has had its run.
    bench.now = since + Span::secs(100);
    let facts = bench.wait(Span::secs(150));
    assert_eq!(told(since, &facts), "fired 240");
}

#[test]
fn what_is_late_is_judged_by_the_schedule() {
    for (missed, away, wanted) in [
        // half a minute is on time
        (Missed::Skip, 85, "fired 60"),
        (Missed::Skip, 95, "missed 1 60-60"),
        (Missed::Skip, 265, "missed 3 60-180, fired 240"),
        (Missed::Skip, 299, "missed 4 60-240"),
        (Missed::Once, 299, "missed 3 60-180, fired 240"),
        // one that is due right now stands for those before it
        (Missed::Once, 301, "missed 4 60-240, fired 300"),
        (
            Missed::CatchUp(2),
            299,
            "missed 2 60-120, fired 180, fired 240",
        ),
        (
            Missed::CatchUp(9),
            299,
            "fired 60, fired 120, fired 180, fired 240",
        ),
    ] {
        let mut bench = with(ScheduleSpec { missed, ..tick() });
        let since = bench.now;
        let facts = bench.away(Span::secs(away));
        assert_eq!(told(since, &facts), wanted, "{missed:?} {away}");
        let facts = bench.wait(Span::secs(400 - away));
        assert!(told(since, &facts).ends_with("fired 360"), "it goes on");
    }
}

#[test]
fn a_long_absence_is_looked_at_bit_by_bit() {
    let mut spec = tick();
    spec.missed = Missed::CatchUp(3);
    spec.timing.when = When::Every {
        every: Span::secs(1),
        from: None,
    };
    let mut bench = with(spec);
    let since = bench.now;
    let facts = bench.away(Span::secs(20_000));
    // Up to two seconds late is on time; of those before three are kept.
    let told = told(since, &facts);
    let wanted = "fired 19996, fired 19997, fired 19998, fired 19999, fired 20000";
    assert!(told.ends_with(wanted), "{told}");
    assert!(told.contains("missed"), "{told}");
    assert_eq!(published(&facts), 5);
    let missed: u64 = facts
        .iter()
        .filter_map(|fact| match fact {
            Fact::Schedule(schedule::Fact::Missed(f)) => Some(f.count),
            _ => None,
        })
        .sum();
    assert_eq!(missed, 19_995);
}

#[test]
fn a_second_firing_would_be_the_same_run() {
    let mut bench = with(tick());
    let steps = crate::plans::plan(vec![crate::plans::step(
        "one",
        &[],
        naos_types::spec::StepDo::Compute { cel: "1".into() },
    )]);
    apply_plan(&mut bench, "weekly", &steps)
        .0
        .expect("it is sound");
    let mut spec = tick();
    spec.starts = Begins::Run {
        kind: Kind::Plan,
        name: name("weekly"),
        input: "{}".into(),
    };
    apply(&mut bench, spec).0.expect("it is sound");
    let facts = bench.wait(Span::secs(600));
    let started: Vec<_> = facts
        .iter()
        .filter_map(|fact| match fact {
            Fact::Plan(plan::Fact::Started(f)) => Some(f.plan),
            _ => None,
        })
        .collect();
    let fired: Vec<_> = facts
        .iter()
        .filter_map(|fact| match fact {
            Fact::Schedule(schedule::Fact::Fired(f)) => Some((f.began, f.at)),
            _ => None,
        })
        .collect();
    assert_eq!(started.len(), 10);
    let different: BTreeSet<_> = started.iter().collect();
    assert_eq!(different.len(), 10);
    for (plan, (began, at)) in started.iter().zip(fired) {
        assert_eq!(began, Began::Plan(*plan));
        assert_eq!(plan.made(), at, "ids begin with the time that was due");
    }
}

#[test]
fn an_agent_that_is_not_there_is_missed_with_the_reason() {
    let mut spec = tick();
    spec.starts = Begins::Run {
        kind: Kind::Agent,
        name: name("ghost"),
        input: "x".into(),
    };
    let mut bench = with(spec.clone());
    let since = bench.now;
    let facts = bench.wait(Span::secs(61));
    assert_eq!(
        told(since, &facts),
        format!("missed 1 60-60 {}", Code::NO_AGENT)
    );
    spec.starts = Begins::Run {
        kind: Kind::Instruction,
        name: name("standup"),
        input: "{}".into(),
    };
    let instruction = naos_types::spec::InstructionSpec {
        document: "{}".to_owned(),
        plan: crate::plans::plan(vec![crate::plans::step(
            "tell",
            &[],
            naos_types::spec::StepDo::Ask {
                kind: "mail.read".to_owned(),
                data: None,
                needed: true,
            },
        )]),
        zone: "UTC".to_owned(),
        listens: None,
        schedule: Some(spec),
        enabled: true,
    };
    let (reply, _) = bench.command(command::Resource::Apply {
        kind: Kind::Instruction,
        name: name("standup"),
        spec: Spec::Instruction(Box::new(instruction)),
    });
    reply.expect("it is sound");
    let facts = bench.wait(Span::secs(60));
    let code = Code::WAITS_FOR;
    assert!(
        told(since, &facts).contains(&format!("{code}")),
        "{facts:?}"
    );
}

#[test]
fn an_agent_is_run() {
    let mut bench = Bench::new();
    let spec = naos_types::spec::AgentSpec {
        component: Some(naos_types::Digest([1; 32])),
        ..Default::default()
    };
    let create = command::Agent::Create {
        name: name("echo"),
        spec,
    };
    bench.command(create).0.expect("a new agent");
    let mut spec = tick();
    spec.starts = Begins::Run {
        kind: Kind::Agent,
        name: name("echo"),
        input: "good morning".into(),
    };
    apply(&mut bench, spec).0.expect("it is sound");
    let facts = bench.wait(Span::secs(61));
    let input = facts.iter().find_map(|fact| match fact {
        Fact::Task(task::Fact::Opened(f)) => Some(f.input),
        _ => None,
    });
    assert_eq!(bench.text(&input.expect("a task")), "good morning");
    assert_eq!(bench.open().len(), 1, "its component is to run");
}

/// Each minute an agent has something to do, and takes its time.
fn slow(overlap: Overlap) -> (Bench, Time) {
    let mut bench = Bench::new();
    play_in(&mut bench, "agent echo 0c");
    let since = bench.now;
    apply(&mut bench, slowly(overlap)).0.expect("it is sound");
    let facts = bench.wait(Span::secs(61));
    assert_eq!(told(since, &facts), "fired 60");
    (bench, since)
}

fn slowly(overlap: Overlap) -> ScheduleSpec {
    let starts = Begins::Run {
        kind: Kind::Agent,
        name: name("echo"),
        input: "ding".into(),
    };
    ScheduleSpec {
        missed: Missed::Once,
        starts: starts.with(overlap),
        ..tick()
    }
}

fn finish(bench: &mut Bench) -> Vec<Fact> {
    let before = bench.facts.len();
    play_in(bench, "finish echo dong");
    bench.wait(Span(0));
    let new = bench.facts[before..].iter();
    new.map(|(_, fact)| fact.clone()).collect()
}

fn word(bench: &Bench) -> &'static str {
    let key = Key::Schedule(ResourceKey(Kind::Schedule, name("tick")));
    match bench.state.get(&key) {
        Some(AnyAggregate::Schedule(schedule)) => schedule.word(true),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_run_waits_for_the_one_before_it() {
    let (mut bench, since) = slow(Overlap::Wait);
    assert_eq!(told(since, &bench.wait(Span::secs(60))), "waited 120");
    assert_eq!(word(&bench), "waiting");
    assert_eq!(bench.wait(Span::secs(120)), [], "it sleeps meanwhile");
    // Those that were due meanwhile are judged as missed ones.
    let after = told(since, &finish(&mut bench));
    assert_eq!(after, "freed 120, fired 120, missed 1 180-180, waited 240");
    assert_eq!(bench.open().len(), 1, "never two at once");
    let refused = run_now(&mut bench).expect_err("one works");
    assert_eq!(refused.code, Code::STILL_RUNNING);
    let after = told(since, &finish(&mut bench));
    assert_eq!(after, "freed 240, fired 240");
    finish(&mut bench);
    assert_eq!(told(since, &bench.wait(Span::secs(60))), "fired 300");
    finish(&mut bench);
    run_now(&mut bench).expect("none works");
}

fn run_now(bench: &mut Bench) -> Result<Reply, Refusal> {
    let (kind, name) = (Kind::Schedule, name("tick"));
    bench.command(command::Schedule::RunNow { kind, name }).0
}

#[test]
fn a_time_is_skipped_while_the_run_before_works() {
    let (mut bench, since) = slow(Overlap::Skip);
    let code = Code::STILL_RUNNING;
    let skipped = format!("missed 1 120-120 {code}");
    assert_eq!(told(since, &bench.wait(Span::secs(60))), skipped);
    assert_eq!(told(since, &finish(&mut bench)), "");
    assert_eq!(told(since, &bench.wait(Span::secs(60))), "fired 180");
    // Nothing is said: both work.
    let (mut bench, since) = slow(Overlap::Allow);
    assert_eq!(told(since, &bench.wait(Span::secs(60))), "fired 120");
    assert_eq!(bench.open().len(), 2);
}

#[test]
fn what_waits_is_paused_changed_and_taken_away() {
    let (mut bench, since) = slow(Overlap::Wait);
    bench.wait(Span::secs(60));
    let (kind, tick) = (Kind::Schedule, name("tick"));
    let pause = command::Schedule::Pause { kind, name: tick };
    assert_eq!(bench.command(pause).0, Ok(Reply::Done));
    assert_eq!(
        told(since, &finish(&mut bench)),
        "",
        "nothing is made up for"
    );
    // Changed, it still waits; where both may work by now, it begins.
    let (mut bench, since) = slow(Overlap::Wait);
    bench.wait(Span::secs(60));
    let mut other = slowly(Overlap::Wait);
    other.description = "a bell".into();
    apply(&mut bench, other).0.expect("it is sound");
    assert_eq!(told(since, &bench.wait(Span(0))), "waited 120");
    apply(&mut bench, slowly(Overlap::Allow)).0.expect("sound");
    assert_eq!(told(since, &bench.wait(Span(0))), "fired 120");
    // Gone, nobody is left to begin.
    let (mut bench, since) = slow(Overlap::Wait);
    bench.wait(Span::secs(60));
    let (kind, tick) = (Kind::Schedule, name("tick"));
    let delete = command::Resource::Delete { kind, name: tick };
    assert_eq!(bench.command(delete).0, Ok(Reply::Done));
    assert_eq!(told(since, &finish(&mut bench)), "");
}

#[test]
fn it_pauses_and_goes_on_without_making_up() {
    let mut bench = with(ScheduleSpec {
        missed: Missed::CatchUp(100),
        ..tick()
    });
    let since = bench.now;
    let about = |bench: &mut Bench, resume: bool| {
        let (kind, name) = (Kind::Schedule, name("tick"));
        bench.command(if resume {
            command::Schedule::Resume { kind, name }
        } else {
            command::Schedule::Pause { kind, name }
        })
    };
    assert_eq!(about(&mut bench, false).0, Ok(Reply::Done));
    assert_eq!(about(&mut bench, false).0, Ok(Reply::Unchanged));
    assert_eq!(told(since, &bench.wait(Span::secs(300))), "");
    // Changing it doesn't wake it.
    apply(&mut bench, tick()).0.expect("it is sound");
    assert_eq!(told(since, &bench.wait(Span::secs(20))), "");
    assert_eq!(about(&mut bench, true).0, Ok(Reply::Done));
    assert_eq!(told(since, &bench.wait(Span::secs(60))), "fired 360");
}

#[test]
fn it_ends_where_its_document_says() {
    for (change, wanted) in [
        (
            (|spec| spec.count = Some(2)) as fn(&mut ScheduleSpec),
            "fired 60, fired 120, ended",
        ),
        (
            |spec| spec.timing.until = Some(Time(1_772_352_000_000) + Span::secs(180)),
            "fired 60, fired 120, fired 180, ended",
        ),
        (
            |spec| spec.timing.when = When::At(Time(1_772_352_000_000) + Span::secs(90)),
            "fired 90, ended",
        ),
        (|spec| spec.enabled = false, ""),
    ] {
        let mut spec = tick();
        change(&mut spec);
        let mut bench = with(spec);
        let since = bench.now;
        assert_eq!(told(since, &bench.wait(Span::secs(600))), wanted);
    }
}

#[test]
fn what_can_never_be_due_is_refused() {
    let mut spec = tick();
    spec.timing.when = When::At(Time(5));
    let (reply, facts) = apply(&mut Bench::new(), spec);
    assert_eq!(reply.expect_err("it is over").code, Code::BAD_TIME);
    assert!(facts.is_empty());
    let mut spec = tick();
    spec.timing.when = When::Cron {
        cron: "* * * * *".into(),
        zone: "Mars/Base".into(),
    };
    let (reply, _) = apply(&mut Bench::new(), spec);
    let refusal = reply.expect_err("there is no such zone");
    assert!(refusal.what.contains("Mars/Base"), "{refusal}");
}

#[test]
fn a_run_out_of_turn_changes_nothing_else() {
    let mut bench = with(ScheduleSpec {
        count: Some(1),
        ..tick()
    });
    let since = bench.now;
    bench.wait(Span::secs(30));
    let now = command::Schedule::RunNow {
        kind: Kind::Schedule,
        name: name("tick"),
    };
    let (reply, facts) = bench.command(now);
    assert!(
        matches!(reply, Ok(Reply::Began(Began::Event(_)))),
        "{reply:?}"
    );
    assert_eq!(told(since, &facts), "fired 30");
    assert_eq!(told(since, &bench.wait(Span::secs(60))), "fired 60, ended");
}

#[test]
fn jitter_is_the_same_each_time_and_within_its_bounds() {
    let jitter = Span::secs(20);
    let mut bench = with(ScheduleSpec { jitter, ..tick() });
    let since = bench.now;
    let mut waits = BTreeSet::new();
    for _ in 0..20 {
        let before = bench.facts.len();
        bench.wait(MINUTE);
        for (at, fact) in &bench.facts[before..] {
            if let Fact::Schedule(schedule::Fact::Fired(f)) = fact {
                let late = *at - f.at;
                assert!((0..=jitter.0).contains(&late.0), "{late:?}");
                assert_eq!((f.at - since).0 % MINUTE.0, 0);
                waits.insert(late);
            }
        }
    }
    assert!(waits.len() > 5, "it differs from time to time: {waits:?}");
}

#[test]
fn a_changed_schedule_keeps_what_is_due_and_a_deleted_one_nothing() {
    let mut bench = with(tick());
    let since = bench.now;
    bench.now = since + Span::secs(61); // due, and nobody looked yet
    let mut spec = tick();
    spec.description = "another".into();
    apply(&mut bench, spec).0.expect("it is sound");
    assert_eq!(told(since, &bench.wait(Span::secs(1))), "fired 60");
    let (kind, name) = (Kind::Schedule, name("tick"));
    let (reply, _) = bench.command(command::Resource::Delete { kind, name });
    reply.expect("it is there");
    assert_eq!(told(since, &bench.wait(Span::secs(600))), "");
}
