//! Supervisors: who is restarted when a child fails, what waits meanwhile, and what becomes of a
//! child that fails too often.

use std::collections::BTreeMap;

use naos_kernel::{AnyAggregate, Key};
use naos_types::command;
use naos_types::fact::{Fact, supervisor};
use naos_types::spec::{Kind, Restart, Spec, SupervisorSpec};
use naos_types::{Name, Span, Time};
use proptest::prelude::*;

use crate::bench::{Bench, sealed};
use crate::script::{Outcome, check, name, play_in, seconds};

/// `supervise NAME STRATEGY MOST/SECONDS CHILD …`
pub fn supervise(
    bench: &mut Bench,
    called: &str,
    strategy: &str,
    bound: &str,
    children: &[&str],
) -> Outcome {
    let (most, window) = bound.split_once('/').expect("MOST/SECONDS");
    let spec = SupervisorSpec {
        description: String::new(),
        strategy: Restart::parse(strategy).expect("a strategy"),
        max_restarts: most.parse().expect("so many"),
        window: seconds(window),
        children: children.iter().map(|child| name(child)).collect(),
    };
    bench.command(command::Resource::Apply {
        kind: Kind::Supervisor,
        name: name(called),
        spec: Spec::Supervisor(spec),
    })
}

pub fn tell(bench: &mut Bench, verb: &str, called: &str, more: &[&str]) -> Outcome {
    let name = crate::script::name(called);
    bench.command(match (verb, more) {
        ("add", [child]) => command::Supervisor::Add {
            name,
            child: crate::script::name(child),
        }
        .into(),
        ("remove", [child]) => command::Supervisor::Remove {
            name,
            child: crate::script::name(child),
        }
        .into(),
        ("start", []) => command::Command::from(command::Supervisor::Start { name }),
        ("stop", []) => command::Supervisor::Stop { name }.into(),
        ("reset", []) => command::Supervisor::Reset { name }.into(),
        ("fail", []) => command::Supervisor::Fail {
            name,
            reason: sealed("a drill"),
        }
        .into(),
        ("delete", []) => command::Resource::Delete {
            kind: Kind::Supervisor,
            name,
        }
        .into(),
        _ => panic!("no such verb: {verb} {more:?}"),
    })
}

/// How an agent or a supervisor stands.
pub fn standing(bench: &Bench, who: &str) -> String {
    let found = bench.state.get(&Key::Supervisor(name(who)));
    if let Some(AnyAggregate::Supervisor(found)) = found {
        return found.status().to_string();
    }
    match bench.state.get(&Key::Agent(name(who))) {
        Some(AnyAggregate::Agent(agent)) => agent.status(false).to_string(),
        other => panic!("{who}: {other:?}"),
    }
}

/// What matters about a fact.
pub fn word(fact: &supervisor::Fact) -> String {
    match fact {
        supervisor::Fact::ChildFailed(f) => {
            let restart: Vec<String> = f.restart.iter().map(ToString::to_string).collect();
            format!("{} → {}", f.child, restart.join(", "))
        }
        supervisor::Fact::SetAside(f) => format!("{} {}", f.agent, f.runs.len()),
        supervisor::Fact::ChildRestarted(f) => f.child.to_string(),
        supervisor::Fact::ChildLeft(f) => f.child.to_string(),
        supervisor::Fact::Failed(f) => {
            let parent = f.parent.as_ref().map(ToString::to_string);
            format!("{} → {}", f.supervisor, parent.unwrap_or_default())
        }
        supervisor::Fact::Suspended(f) => f.supervisor.to_string(),
        supervisor::Fact::Stopped(f) => f.supervisor.to_string(),
        supervisor::Fact::Started(f) => f.supervisor.to_string(),
        supervisor::Fact::Reset(f) => f.supervisor.to_string(),
    }
}

const CELL: &str = "agent ann 0c; agent bob 0c; agent cid 0c";

#[track_caller]
fn of(strategy: &str, script: &str, expected: &str) {
    let begun = format!("{CELL}; supervise boss {strategy} 3/60s ann bob cid");
    check(&format!("{begun}; {script}"), expected);
}

#[test]
fn who_comes_beneath_one_that_rests_waits_for_it() {
    let mut bench = Bench::new();
    play_in(
        &mut bench,
        "agent ann 0c; supervise boss one-for-one 3/60s ann dan; supervisor stop boss",
    );
    play_in(&mut bench, "agent dan 0c");
    assert_eq!(standing(&bench, "dan"), "failed", "it takes no work");
    play_in(&mut bench, "ask dan x");
    assert_eq!(play_in(&mut bench, "show effects"), "nothing");
    play_in(&mut bench, "supervisor start boss");
    bench.wait(Span(0));
    assert_eq!(play_in(&mut bench, "show effects"), "dan attempt 2");
    // Nobody rests above these.
    let mut bench = Bench::new();
    play_in(
        &mut bench,
        "supervise boss one-for-one 3/60s ann; agent ann 0c; agent bob 0c",
    );
    play_in(&mut bench, "ask ann x; ask bob y");
    let effects = play_in(&mut bench, "show effects");
    assert_eq!(effects, "ann attempt 1, bob attempt 1");
}

#[test]
fn who_failed_is_restarted_after_a_pause() {
    let failed = "ask ann x; trap ann";
    of(
        "one-for-one",
        failed,
        "run.failed(for good) task.closed(failed) supervisor.child_failed(ann → ann)",
    );
    of("one-for-one", &format!("{failed}; show @ann"), "failed");
    of("one-for-one", &format!("{failed}; show @bob"), "created");
    of(
        "one-for-one",
        &format!("{failed}; show @boss"),
        "restarting",
    );
    let restarted = format!("{failed}; wait 2s");
    of(
        "one-for-one",
        &restarted,
        "supervisor.child_restarted(ann) agent.restarted",
    );
    of("one-for-one", &format!("{restarted}; show @ann"), "idle");
    of(
        "one-for-one",
        &format!("{restarted}; show @boss"),
        "running",
    );
    of(
        "one-for-one",
        &format!("{restarted}; ask ann y; finish ann z; show task"),
        "done z",
    );
}

/// Nobody hears anything of an attempt whose machine is gone: its lease runs out, which is told as
/// a lost attempt. Once all of them are spent, that is a crash like any other.
#[test]
fn a_lost_lease_is_heard_as_a_crash() {
    let begun = "agent dee 0c x2; supervise boss one-for-one 3/60s dee; ask dee x; lose dee";
    check(begun, "run.failed(again)");
    check(&format!("{begun}; show @boss"), "running");
    let spent = format!("{begun}; wait 20s; lose dee");
    check(
        &spent,
        "run.failed(for good) task.closed(failed) supervisor.child_failed(dee → dee)",
    );
    check(&format!("{spent}; show @dee"), "failed");
    check(&format!("{spent}; show @boss"), "restarting");
    check(
        &format!("{spent}; wait 2s"),
        "supervisor.child_restarted(dee) agent.restarted",
    );
    check(
        &format!("{spent}; wait 2s; ask dee y; finish dee z; show task"),
        "done z",
    );
    // It counts among the restarts, and takes the others along where they share their fate.
    of(
        "one-for-all",
        "ask bob b; ask ann x; lose ann",
        "run.failed(for good) task.closed(failed) supervisor.child_failed(ann → ann, bob, cid) \
         supervisor.set_aside(bob 1)",
    );
    let again = "ask ann x; lose ann; wait 9s";
    of(
        "one-for-one",
        &format!("{again}; {again}; {again}; ask ann x; lose ann; show @boss"),
        "failed",
    );
}

#[test]
fn tasks_wait_while_their_agent_is_down() {
    let failed = "ask ann x; trap ann; ask ann later";
    of(
        "one-for-one",
        failed,
        "task.opened task.routed(ann) run.started supervisor.set_aside(ann 1)",
    );
    of(
        "one-for-one",
        &format!("{failed}; show run"),
        "queued attempt 1",
    );
    of("one-for-one", &format!("{failed}; show effects"), "nothing");
    of(
        "one-for-one",
        &format!("{failed}; wait 2s"),
        "supervisor.child_restarted(ann) agent.restarted run.started",
    );
    of(
        "one-for-one",
        &format!("{failed}; wait 2s; finish ann z; show task"),
        "done z",
    );
    of(
        "one-for-one",
        &format!("{failed}; cancel task; wait 2s; show effects"),
        "nothing",
    );
    // The broker passes it by.
    of(
        "one-for-one",
        "ask ann x; trap ann; say please ann",
        "N0144 ann could do this, but ann failed and waits for its supervisor",
    );
}

#[test]
fn all_are_restarted_for_one_and_lose_no_work() {
    let failed = "ask bob b; ask cid c; ask ann x; trap ann";
    of(
        "one-for-all",
        failed,
        "run.failed(for good) task.closed(failed) supervisor.child_failed(ann → ann, bob, cid) \
         supervisor.set_aside(bob 1) supervisor.set_aside(cid 1)",
    );
    of("one-for-all", &format!("{failed}; show @bob"), "failed");
    of(
        "one-for-all",
        &format!("{failed}; wait 2s; show effects"),
        "bob attempt 2, cid attempt 2",
    );
    of(
        "one-for-all",
        &format!("{failed}; wait 2s; finish bob z; finish cid y; show task"),
        "failed",
    );
}

#[test]
fn the_rest_are_restarted_for_one() {
    let failed = "ask ann a; ask cid c; ask bob x; trap bob";
    of(
        "rest-for-one",
        failed,
        "run.failed(for good) task.closed(failed) supervisor.child_failed(bob → bob, cid) \
         supervisor.set_aside(cid 1)",
    );
    of(
        "rest-for-one",
        &format!("{failed}; wait 2s; show effects"),
        "ann attempt 1, cid attempt 2",
    );
}

#[test]
fn what_cannot_be_done_twice_goes_on() {
    // A call is on its way: its answer still counts, and the run goes on with it.
    let called = "ask bob b; call bob http POST api.example; ask ann x; trap ann";
    of(
        "one-for-all",
        &format!("{called}; show effects"),
        "call 0 attempt 1",
    );
    of(
        "one-for-all",
        &format!("{called}; answered bob; finish bob z"),
        "run.completed task.closed(done)",
    );
}

#[test]
fn a_restart_takes_no_attempt_of_a_run() {
    let begun = "agent ann 0c; agent dee 0c x2; supervise boss one-for-all 3/60s ann dee; \
                 ask dee d; ask ann x; trap ann; wait 2s";
    check(&format!("{begun}; show effects"), "dee attempt 2");
    check(&format!("{begun}; trap dee; show @dee"), "running");
    check(
        &format!("{begun}; trap dee; wait 20s; show effects"),
        "dee attempt 3",
    );
    // One that waits for its own next attempt waits for its agent, too.
    let retried = "agent ann 0c; agent dee 0c x2; supervise boss one-for-all 3/60s ann dee; \
                   ask dee d; trap dee; ask ann x; trap ann";
    check(
        &format!("{retried}; wait 2s; show effects"),
        "dee attempt 2",
    );
    check(
        &format!("{retried}; wait 2s; trap dee; show @dee"),
        "failed",
    );
}

#[test]
fn what_a_person_or_a_budget_ended_is_no_failure() {
    of(
        "one-for-one",
        "ask ann x; cancel task",
        "run.cancelled task.closed(cancelled)",
    );
    of(
        "one-for-one",
        "ask ann x; stop ann; trap ann",
        "run.failed(for good) task.closed(failed)",
    );
    let spent = "agent ann 5c; budget ann 5c; supervise boss one-for-one 3/60s ann bob; \
                 agent bob 0c; ask ann x; finish ann y";
    check(&format!("{spent}; ask ann z; show @ann"), "idle");
    let open = "agent ann 5c; budget ann 10c; supervise boss one-for-one 3/60s ann; \
                ask ann one; ask ann two; finish one y; budget ann 5c; trap two";
    check(
        open,
        "run.failed(for good) budget.released budget.alerted budget.exhausted task.closed(failed)",
    );
}

#[test]
fn a_budget_that_ends_meanwhile_ends_the_restart() {
    // Two runs are at work; one fails, the other, which waits for an answer, spends the rest.
    let script = "agent ann 5c; budget ann 10c; supervise boss one-for-one 3/60s ann; \
                  ask ann one; call one http GET api.example; ask ann two; trap two; \
                  budget ann 5c; answered ann; finish one y; wait 2s";
    check(script, "supervisor.child_left(ann)");
    check(&format!("{script}; show @boss"), "running");
}

#[test]
fn too_many_restarts_end_it() {
    let again = "ask ann x; trap ann; wait 9s";
    let script = format!("{again}; {again}; {again}; ask ann x; trap ann");
    of(
        "one-for-one",
        &script,
        "run.failed(for good) task.closed(failed) supervisor.child_failed(ann → ) \
         supervisor.failed(boss → )",
    );
    of("one-for-one", &format!("{script}; show @boss"), "failed");
    of("one-for-one", &format!("{script}; show @bob"), "failed");
    of(
        "one-for-one",
        &format!("{script}; wait 900s; show @bob"),
        "failed",
    );
    let reset = format!("{script}; ask bob b; supervisor reset boss");
    of(
        "one-for-one",
        &reset,
        "supervisor.reset(boss) supervisor.child_restarted(ann) agent.restarted \
         supervisor.child_restarted(bob) agent.restarted run.started \
         supervisor.child_restarted(cid) agent.restarted",
    );
    of("one-for-one", &format!("{reset}; show @boss"), "running");
    of(
        "one-for-one",
        &format!("{reset}; finish bob z; show task"),
        "done z",
    );
    // Outside the window they don't count.
    let slow = "ask ann x; trap ann; wait 21s";
    of(
        "one-for-one",
        &format!("{slow}; {slow}; {slow}; {slow}; {slow}; show @ann"),
        "idle",
    );
}

#[test]
fn a_person_hears_of_a_root_that_failed() {
    let fails = "supervisor fail boss";
    of(
        "one-for-one",
        &format!("notice me; {fails}"),
        "supervisor.failed(boss → ) notice.raised",
    );
    of(
        "one-for-one",
        &format!("notice me approval.requested; {fails}"),
        "supervisor.failed(boss → )",
    );
    of(
        "one-for-one",
        &format!(
            "notice me supervisor.failed; {fails}; unsent me; supervisor reset boss; wait 60s"
        ),
        "notice.withdrawn",
    );
}

const TREE: &str = "agent auth-agent 0c; agent data-agent 0c; agent processor-1 0c; \
    agent processor-2 0c; agent processor-3 0c; \
    supervise root-supervisor one-for-one 3/60s api-supervisor worker-supervisor; \
    supervise api-supervisor one-for-one 3/60s auth-agent data-agent; \
    supervise worker-supervisor one-for-one 3/60s processor-1 processor-2 processor-3";

#[track_caller]
fn tree(script: &str, expected: &str) {
    check(&format!("{TREE}; {script}"), expected);
}

#[test]
fn a_supervisor_that_fails_is_restarted_with_all_its_children() {
    tree(
        "ask processor-1 x; trap processor-1; wait 2s",
        "supervisor.child_restarted(processor-1) agent.restarted",
    );
    let fails = "ask processor-2 x; supervisor fail worker-supervisor";
    tree(
        fails,
        "supervisor.failed(worker-supervisor → root-supervisor) \
         supervisor.set_aside(processor-2 1) \
         supervisor.child_failed(worker-supervisor → worker-supervisor)",
    );
    tree(&format!("{fails}; show @processor-3"), "failed");
    tree(&format!("{fails}; show @auth-agent"), "created");
    tree(
        &format!("{fails}; wait 2s"),
        "supervisor.child_restarted(worker-supervisor) supervisor.started(worker-supervisor) \
         supervisor.child_restarted(processor-1) agent.restarted \
         supervisor.child_restarted(processor-2) agent.restarted run.started \
         supervisor.child_restarted(processor-3) agent.restarted",
    );
    tree(
        &format!("{fails}; wait 2s; finish processor-2 z; show task"),
        "done z",
    );
}

#[test]
fn who_was_reset_is_restarted_no_more() {
    let reset = "supervisor fail worker-supervisor; supervisor reset worker-supervisor";
    tree(&format!("{reset}; wait 60s"), "nothing");
    tree(&format!("{reset}; show @root-supervisor"), "running");
    tree(&format!("{reset}; show @processor-1"), "created");
}

#[test]
fn a_failure_climbs_to_the_root() {
    let once = "supervisor fail worker-supervisor; wait 9s";
    let script = format!("{once}; {once}; {once}; supervisor fail worker-supervisor");
    tree(
        &script,
        "supervisor.failed(worker-supervisor → root-supervisor) \
         supervisor.child_failed(worker-supervisor → ) supervisor.failed(root-supervisor → ) \
         supervisor.suspended(api-supervisor)",
    );
    tree(&format!("{script}; show @data-agent"), "failed");
    tree(
        &format!("{script}; supervisor reset worker-supervisor"),
        "N0131 root-supervisor is failed",
    );
    tree(
        &format!("{script}; supervisor start api-supervisor"),
        "N0131 api-supervisor is suspended, and root-supervisor above it is failed",
    );
    tree(
        &format!("{script}; supervisor reset root-supervisor; show @processor-3"),
        "created",
    );
    tree(
        &format!("{script}; supervisor reset root-supervisor; show @api-supervisor"),
        "running",
    );
}

#[test]
fn a_person_stops_and_starts_a_branch() {
    let stopped = "supervisor stop worker-supervisor";
    tree(stopped, "supervisor.stopped(worker-supervisor)");
    tree(&format!("{stopped}; {stopped}"), "nothing");
    tree(
        &format!("{stopped}; ask processor-1 x; show run"),
        "queued attempt 1",
    );
    tree(
        &format!("{stopped}; ask processor-1 x; supervisor start worker-supervisor; show effects"),
        "processor-1 attempt 2",
    );
    // What a person stopped stays so when what is above it starts again.
    tree(
        &format!(
            "{stopped}; supervisor fail root-supervisor; supervisor reset root-supervisor; \
                  show @worker-supervisor"
        ),
        "stopped",
    );
    tree(
        "supervisor stop root-supervisor; show @data-agent",
        "failed",
    );
    tree(
        "supervisor stop root-supervisor; supervisor start root-supervisor; show @data-agent",
        "created",
    );
    tree("supervisor reset worker-supervisor", "nothing");
    tree(
        "supervisor start nobody",
        "N0121 there is no supervisor nobody",
    );
    tree(
        &format!("{stopped}; supervisor fail worker-supervisor"),
        "N0131 worker-supervisor is stopped",
    );
    tree(
        "role staff; supervisor stop root-supervisor",
        "N0141 this takes the role admin, yours is staff",
    );
}

#[test]
fn a_child_is_let_go() {
    tree(
        "supervisor remove worker-supervisor processor-1; \
         supervise other one-for-one 1/1s processor-1; show @other",
        "running",
    );
    tree("supervisor remove worker-supervisor nobody", "nothing");
    let stopped = "supervisor stop worker-supervisor";
    tree(
        &format!("{stopped}; supervisor remove worker-supervisor processor-1"),
        "N0131 processor-1 rests, and only worker-supervisor would let it work again",
    );
}

#[test]
fn what_cannot_be_a_tree_is_refused() {
    tree(
        "supervise other one-for-one 1/1s processor-1",
        "N0105 processor-1 has two supervisors: worker-supervisor and other",
    );
    tree(
        "supervisor add worker-supervisor root-supervisor",
        "N0105 the supervisors go in a circle: root-supervisor → worker-supervisor → \
         root-supervisor",
    );
    tree(
        "supervise it one-for-one 1/1s it",
        "N0105 the supervisors go in a circle: it → it",
    );
    let chain: Vec<String> = (0..10)
        .map(|n| format!("supervise s{n} one-for-one 1/1s s{}", n + 1))
        .collect();
    check(
        &format!("{}; supervise s10 one-for-one 1/1s a", chain.join("; ")),
        "N0105 more than 10 levels of supervisors",
    );
    tree(
        "supervise it one-for-one 1/1s a a",
        "N0105 the child a is there twice",
    );
    tree(
        "supervise it one-for-one 1/0s a",
        "N0105 `window` is from one second to a year",
    );
    // Whoever rests stays until something lets it work again.
    tree(
        "ask processor-1 x; trap processor-1; supervise worker-supervisor one-for-one 3/60s \
         processor-2",
        "N0131 processor-1 rests, and only worker-supervisor would let it work again",
    );
    tree(
        "supervisor stop worker-supervisor; supervisor delete worker-supervisor",
        "N0131 processor-1 rests, and only worker-supervisor would let it work again",
    );
    tree("supervisor delete worker-supervisor", "resource.deleted");
    tree(
        "supervisor delete worker-supervisor; ask processor-1 x; trap processor-1",
        "run.failed(for good) task.closed(failed)",
    );
}

#[test]
fn a_child_that_comes_later_is_watched() {
    check(
        "supervise boss one-for-one 3/60s ann; agent ann 0c; ask ann x; trap ann; show @ann",
        "failed",
    );
    check(
        "agent ann 0c; supervise top one-for-one 3/60s boss; supervise boss one-for-one 0/60s ann; \
         ask ann x; trap ann",
        "run.failed(for good) task.closed(failed) supervisor.child_failed(ann → ) \
         supervisor.failed(boss → top) supervisor.child_failed(boss → boss)",
    );
    check(
        "agent ann 0c; agent bob 0c; supervise boss one-for-one 3/60s ann; \
         supervisor add boss bob; ask bob x; trap bob; show @bob",
        "failed",
    );
}

/// A supervisor with very many runs at work restarts them piece by piece.
#[test]
fn much_work_is_restarted_in_pieces() {
    let mut bench = Bench::new();
    let mut play = |script: &str| crate::script::play_in(&mut bench, script);
    play("agent ann 0c; agent bob 0c; supervise boss one-for-all 3/60s ann bob");
    for _ in 0..140 {
        play("ask bob b");
    }
    play("ask ann x; trap ann");
    assert_eq!(play("show effects"), "nothing");
    play("wait 2s");
    let at_work = play("show effects").matches("bob attempt 2").count();
    assert_eq!(at_work, 140);
}

/// A model of supervision in a few lines: who is restarted, and when it ends.
struct Model {
    strategy: Restart,
    most: usize,
    restarts: Vec<Time>,
    down: BTreeMap<usize, Time>,
    failed: bool,
}

impl Model {
    /// A child fails at a time; the restart that the rules chose, if they chose one, comes then.
    fn fails(&mut self, child: usize, count: usize, now: Time, at: Option<Time>) -> Vec<usize> {
        self.restarts.retain(|then| now.0 - then.0 < 60_000);
        if self.restarts.len() >= self.most {
            self.failed = true;
            return Vec::new();
        }
        self.restarts.push(now);
        let who: Vec<usize> = match self.strategy {
            Restart::OneForOne => vec![child],
            Restart::OneForAll => (0..count).collect(),
            Restart::RestForOne => (child..count).collect(),
        };
        let at = at.expect("a restart has a time");
        self.down.extend(who.iter().map(|who| (*who, at)));
        who
    }

    fn goes_on(&mut self, now: Time) {
        self.down.retain(|_, at| *at > now);
    }
}

const NAMES: [&str; 4] = ["ann", "bob", "cid", "dee"];

fn down(bench: &Bench, agent: &str) -> bool {
    match bench.state.get(&Key::Agent(name(agent))) {
        Some(AnyAggregate::Agent(agent)) => agent.down,
        other => panic!("{agent}: {other:?}"),
    }
}

fn child_failed(facts: &[Fact]) -> Option<&supervisor::ChildFailed> {
    facts.iter().find_map(|fact| match fact {
        Fact::Supervisor(supervisor::Fact::ChildFailed(f)) => Some(f),
        _ => None,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The rules do what the model does, whatever fails and whenever.
    #[test]
    fn supervision_follows_its_model(
        strategy in prop::sample::select(vec![
            Restart::OneForOne, Restart::OneForAll, Restart::RestForOne,
        ]),
        most in 0_u32..5,
        steps in prop::collection::vec((0_usize..4, 0_i64..30), 1..24),
    ) {
        let mut bench = Bench::new();
        for agent in NAMES {
            crate::script::play_in(&mut bench, &format!("agent {agent} 0c"));
        }
        let spec = SupervisorSpec {
            strategy,
            max_restarts: most,
            window: Span::secs(60),
            children: NAMES.iter().map(|agent| name(agent)).collect(),
            ..SupervisorSpec::default()
        };
        let (kind, boss) = (Kind::Supervisor, name("boss"));
        let (name_of, spec) = (boss.clone(), Spec::Supervisor(spec));
        bench.command(command::Resource::Apply { kind, name: name_of, spec })
            .0.expect("it can be");
        let mut model = Model {
            strategy,
            most: most as usize,
            restarts: Vec::new(),
            down: BTreeMap::new(),
            failed: false,
        };
        for (child, pause) in steps {
            if model.failed {
                break;
            }
            if !model.down.contains_key(&child) {
                let agent = NAMES[child];
                crate::script::play_in(&mut bench, &format!("ask {agent} x"));
                let seen = bench.facts.len();
                crate::script::play_in(&mut bench, &format!("trap {agent}"));
                let facts = bench.facts[seen..].iter();
                let facts: Vec<Fact> = facts.map(|(_, fact)| fact.clone()).collect();
                let told = child_failed(&facts).expect("the supervisor hears it").clone();
                let who = model.fails(child, NAMES.len(), bench.now, told.restart_at);
                let who: Vec<Name> = who.into_iter().map(|at| name(NAMES[at])).collect();
                prop_assert_eq!(&told.restart, &who);
                prop_assert_eq!(told.restart_at.is_none(), model.failed);
            }
            bench.wait(Span::secs(pause));
            model.goes_on(bench.now);
            for (at, agent) in NAMES.iter().enumerate() {
                let wanted = model.failed || model.down.contains_key(&at);
                prop_assert_eq!(down(&bench, agent), wanted, "{}", agent);
            }
        }
        if model.failed {
            bench.wait(Span::secs(10_000));
            prop_assert!(NAMES.iter().all(|agent| down(&bench, agent)));
            bench.command(command::Supervisor::Fail { name: boss.clone(), reason: sealed("x") })
                .0.expect_err("it has failed");
            bench.command(command::Supervisor::Reset { name: boss }).0.expect("a person may");
        } else {
            bench.wait(Span::secs(60));
        }
        prop_assert!(!NAMES.iter().any(|agent| down(&bench, agent)));
    }
}
