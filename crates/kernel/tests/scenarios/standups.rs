//! The stand-up that comes by itself: once a day, of what happened, to those who see the board.

use naos_types::command::{self, Reply};
use naos_types::fact::member::News;
use naos_types::fact::schedule::{self, Began};
use naos_types::fact::{Fact, member};
use naos_types::spec::{
    Assignee, Begins, Card, Kind, Missed, ScheduleSpec, Spec, StandupSpec, Timing, Tongue, When,
};
use naos_types::standup::{Opened, Standup};
use naos_types::{MemberId, Name, Refusal, Role, Span, TaskStatus, Time};

use crate::bench::{Bench, sealed};
use crate::board::{card, go, name, put};
use crate::script::play_in;

const DAY: Span = Span::secs(86_400);

fn daily(missed: Missed, to: &[&str]) -> ScheduleSpec {
    ScheduleSpec {
        description: String::new(),
        timing: Timing {
            when: When::Every {
                every: DAY,
                from: None,
            },
            until: None,
        },
        count: None,
        missed,
        jitter: Span(0),
        starts: Begins::Standup(StandupSpec {
            to: to.iter().map(|word| name(word)).collect(),
            language: Some(Tongue::Fr),
        }),
        enabled: true,
    }
}

fn apply(bench: &mut Bench, called: &str, spec: ScheduleSpec) -> Result<Reply, Refusal> {
    let apply = command::Resource::Apply {
        kind: Kind::Schedule,
        name: name(called),
        spec: Spec::Schedule(Box::new(spec)),
    };
    bench.command(apply).0
}

fn member(bench: &mut Bench, handle: &str, role: Role) -> MemberId {
    let add = command::Member::Add {
        name: sealed(handle),
        role,
        handle: Some(name(handle)),
    };
    match bench.command(add).0 {
        Ok(Reply::Member(id)) => id,
        other => panic!("{other:?}"),
    }
}

/// Agents pm and dev, the members ana and bema, a guest, and a stand-up each day.
fn squad(missed: Missed) -> (Bench, [MemberId; 2]) {
    let mut bench = Bench::new();
    play_in(&mut bench, "agent pm 1c; agent dev 1c");
    let ana = member(&mut bench, "ana", Role::Staff);
    let bema = member(&mut bench, "bema", Role::Admin);
    member(&mut bench, "guest", Role::External);
    apply(&mut bench, "stand-up", daily(missed, &[])).expect("it is sound");
    (bench, [ana, bema])
}

/// The stand-ups that these facts tell of: who was told, and what.
fn told(bench: &Bench, facts: &[Fact]) -> Vec<(Vec<MemberId>, Opened)> {
    let one = |fact: &Fact| match fact {
        Fact::Member(member::Fact::Told(f)) => match &f.news {
            News::Standup(_, body) => {
                let standup: Standup = postcard::from_bytes(&bench.bodies[body]).unwrap();
                let text =
                    |text: &naos_types::Sealed| String::from_utf8_lossy(&text.bytes).into_owned();
                Some((f.to.clone(), standup.open(text, |id| id.to_string())))
            }
            _ => None,
        },
        _ => None,
    };
    facts.iter().filter_map(one).collect()
}

/// What schedules began.
fn began(facts: &[Fact]) -> Vec<Began> {
    let one = |fact: &Fact| match fact {
        Fact::Schedule(schedule::Fact::Fired(f)) => Some(f.began),
        _ => None,
    };
    facts.iter().filter_map(one).collect()
}

#[test]
fn it_tells_each_day_what_happened_and_nothing_of_a_day_without() {
    let (mut bench, people) = squad(Missed::Once);
    let first = put(&mut bench, card("pm"));
    go(&mut bench);
    play_in(&mut bench, "finish pm the plan");
    let waits = Card {
        approve: Some(Role::Staff),
        unreviewed: true,
        ..card("dev")
    };
    let second = put(&mut bench, waits);
    go(&mut bench);
    play_in(&mut bench, "finish dev the page");
    put(
        &mut bench,
        Card {
            after: vec![second],
            to: Some(Assignee::Member(people[0])),
            ..Card::default()
        },
    );
    put(&mut bench, Card::default());

    let facts = bench.wait(DAY);
    let said = told(&bench, &facts);
    let [(to, standup)] = &said[..] else {
        panic!("{said:?}");
    };
    let (mut to, mut wanted) = (to.clone(), people.to_vec());
    to.sort();
    wanted.sort();
    assert_eq!(to, wanted, "who sees no board is told nothing");
    assert_eq!(standup.language, Some(Tongue::Fr));
    let of = |who: &str| standup.people.iter().find(|one| one.who == who);
    let pm = of("pm").expect("pm worked");
    assert_eq!((pm.work.runs, pm.work.failed), (1, 0));
    assert_eq!(
        (pm.lines[0].task, pm.lines[0].status),
        (first, TaskStatus::Done)
    );
    assert_eq!(pm.lines[0].title, "Pricing");
    let dev = of("dev").expect("dev worked");
    assert_eq!(dev.lines[0].status, TaskStatus::HumanApproval);
    let ana = of(&people[0].to_string()).expect("a task is hers");
    assert_eq!(ana.lines[0].behind, Some(second));
    assert_eq!(standup.nobodys.len(), 1);
    assert_eq!(standup.asked.len(), 1);

    // The next day nothing happens, and the day after a person answers.
    let facts = bench.wait(DAY);
    assert_eq!(told(&bench, &facts), []);
    assert_eq!(began(&facts), [Began::Standup(0)]);
    play_in(&mut bench, "approve");
    let facts = bench.wait(DAY);
    let said = told(&bench, &facts);
    assert_eq!(said.len(), 1);
    let titles = said[0].1.count(|status| status == TaskStatus::Done);
    assert_eq!(titles, 1, "what was told before isn't told again: {said:?}");
}

#[test]
fn one_that_was_missed_is_as_its_schedule_says() {
    for (missed, wanted) in [
        (Missed::Once, 1),
        (Missed::Skip, 0),
        (Missed::CatchUp(5), 1),
    ] {
        let (mut bench, _) = squad(missed);
        put(&mut bench, Card::default());
        let facts = bench.away(Span::secs(2 * 86_400 + 3_600));
        let count = told(&bench, &facts).len();
        assert_eq!(count, wanted, "{missed:?}");
        // What was never told is told the next time.
        let facts = bench.wait(DAY);
        let count = count + told(&bench, &facts).len();
        assert_eq!(count, 1, "{missed:?}: once, and not again");
    }
}

#[test]
fn one_out_of_turn_leaves_the_next_as_it_is() {
    let (mut bench, _) = squad(Missed::Once);
    put(&mut bench, Card::default());
    let now = command::Schedule::RunNow {
        kind: Kind::Schedule,
        name: name("stand-up"),
    };
    let (reply, facts) = bench.command(now);
    assert_eq!(reply, Ok(Reply::Began(Began::Standup(2))));
    assert_eq!(told(&bench, &facts).len(), 1);
    let facts = bench.wait(DAY);
    assert_eq!(told(&bench, &facts).len(), 1);
}

#[test]
fn who_is_named_is_told() {
    let (mut bench, [ana, _]) = squad(Missed::Once);
    apply(&mut bench, "hers", daily(Missed::Once, &["ana"])).expect("it is sound");
    apply(&mut bench, "no-ones", daily(Missed::Once, &["soa"])).expect("it is sound");
    put(&mut bench, card("pm"));
    let facts = bench.wait(DAY);
    let hers: Vec<MemberId> = told(&bench, &facts)
        .into_iter()
        .filter_map(|(to, _)| (to.len() == 1).then_some(to[0]))
        .collect();
    assert_eq!(hers, [ana]);
    let why = facts.iter().find_map(|fact| match fact {
        Fact::Schedule(schedule::Fact::Missed(f)) => f.problem.as_ref(),
        _ => None,
    });
    let why = why.expect("nobody is called so");
    assert!(why.note.contains("no member is called @soa"), "{why:?}");
    for more in ["third", "fourth"] {
        let said = apply(&mut bench, more, daily(Missed::Once, &[]));
        assert_eq!(said.is_ok(), more == "third", "{said:?}");
    }
    // Whoever takes one away makes room.
    let gone = command::Resource::Delete {
        kind: Kind::Schedule,
        name: name("hers"),
    };
    bench.command(gone).0.expect("it was there");
    apply(&mut bench, "fourth", daily(Missed::Once, &[])).expect("there is room");
}

#[test]
fn the_first_one_tells_from_when_the_schedule_came() {
    let mut bench = Bench::new();
    play_in(&mut bench, "agent pm 1c");
    member(&mut bench, "ana", Role::Staff);
    put(&mut bench, card("pm"));
    go(&mut bench);
    play_in(&mut bench, "finish pm the plan");
    let since: Time = bench.now;
    apply(&mut bench, "stand-up", daily(Missed::Once, &[])).expect("it is sound");
    let other: Name = name("pm");
    put(&mut bench, card(other.as_str()));
    let facts = bench.wait(DAY);
    let said = told(&bench, &facts);
    assert_eq!(said.len(), 1);
    assert_eq!(said[0].1.since, since);
    assert_eq!(said[0].1.count(TaskStatus::is_closed), 0);
}
