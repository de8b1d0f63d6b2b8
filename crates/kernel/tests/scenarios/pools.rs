//! Pools: who gets which task, what isn't waited for, and what the answers come to.

use naos_types::Span;
use naos_types::spec::{PoolSpec, Scaling, Strategy};

use crate::script::{check_pool, name};

const CELL: &str = "agent ann 1c; agent bob 1c";

fn of(agents: &[&str], size: u32) -> PoolSpec {
    PoolSpec {
        agents: agents.iter().map(|agent| name(agent)).collect(),
        size,
        ..PoolSpec::default()
    }
}

#[track_caller]
fn check(spec: &PoolSpec, script: &str, expected: &str) {
    check_pool(spec, &format!("{CELL}; {script}"), expected);
}

const THREE: &str = "[\"red\",\"green\",\"blue\"]";

#[test]
fn all_answers_come_in_the_order_of_the_tasks() {
    let pool = of(&["ann"], 2);
    let begun = format!("submit all {THREE}");
    check(
        &pool,
        &format!("{begun}; show effects"),
        "ann attempt 1, ann attempt 1",
    );
    check(
        &pool,
        &format!("{begun}; finish green 2; finish blue 3; finish red 1; show plan"),
        "completed [\"1\",\"2\",\"3\"]",
    );
    check(
        &pool,
        &format!("{begun}; finish green 2; fail blue; finish red 1; show plan"),
        "partial [\"1\",\"2\",null]",
    );
    check(
        &pool,
        &format!("{begun}; fail red; fail green; fail blue; show plan"),
        "failed",
    );
    check(&pool, "submit all []; show plan", "completed []");
    for merge in ["first", "majority", "quorum", "quorum/1"] {
        let word = merge.trim_end_matches("/1");
        let refused =
            format!("N0102 the batch has no tasks, and `merge: {word}` takes at least one answer");
        check(&pool, &format!("submit {merge} []"), &refused);
    }
    check(
        &pool,
        &format!("submit quorum/4 {THREE}"),
        "N0102 the batch has fewer tasks (3) than its quorum (4)",
    );
    check(&pool, "submit all red; show plan", "failed");
}

#[test]
fn one_answer_is_enough_for_the_first() {
    let pool = of(&["ann"], 3);
    let begun = format!("submit first {THREE}");
    check(
        &pool,
        &format!("{begun}; finish green 2"),
        "run.completed budget.settled task.closed(done) plan.step_done(work[1]) \
         plan.step_done(work) run.cancelled run.cancelled budget.released \
         task.closed(cancelled) budget.released task.closed(cancelled) plan.closed(completed)",
    );
    check(
        &pool,
        &format!("{begun}; finish green 2; show effects"),
        "nothing",
    );
    check(
        &pool,
        &format!("{begun}; fail red; finish blue 3; show plan"),
        "completed 3",
    );
    check(
        &pool,
        &format!("{begun}; fail red; fail green; fail blue; show plan"),
        "failed",
    );
}

#[test]
fn what_most_say_wins() {
    let pool = of(&["ann"], 3);
    let begun = format!("submit majority {THREE}");
    check(
        &pool,
        &format!("{begun}; finish green yes; finish red no; finish blue yes; show plan"),
        "completed yes",
    );
    check(
        &pool,
        &format!("{begun}; finish green yes; finish red no; finish blue maybe; show plan"),
        "failed",
    );
    // more than half of the tasks, not of the answers
    check(
        &pool,
        &format!("{begun}; finish green yes; fail red; fail blue; show plan"),
        "failed",
    );
}

#[test]
fn a_quorum_is_more_than_half_or_what_is_said() {
    let pool = of(&["ann"], 3);
    check(
        &pool,
        &format!("submit quorum {THREE}; finish blue 3; finish red 1; show plan"),
        "completed [\"1\",\"3\"]",
    );
    check(
        &pool,
        &format!("submit quorum/1 {THREE}; finish blue 3; show plan"),
        "completed [\"3\"]",
    );
    check(
        &pool,
        &format!("submit quorum/3 {THREE}; finish blue 3; fail red; finish green 2; show plan"),
        "failed",
    );
}

#[test]
fn work_is_shared() {
    let mut pool = of(&["ann", "bob"], 4);
    let begun = format!("submit all {THREE}; show effects");
    check(&pool, &begun, "ann attempt 1, ann attempt 1, bob attempt 1");
    pool.strategy = Strategy::LeastBusy;
    check(
        &pool,
        &format!("ask ann x; {begun}"),
        "ann attempt 1, ann attempt 1, bob attempt 1, bob attempt 1",
    );
    pool.strategy = Strategy::Random;
    check(
        &pool,
        &format!("submit all {THREE}; finish red 1; finish green 2; finish blue 3; show plan"),
        "completed [\"1\",\"2\",\"3\"]",
    );
}

#[test]
fn turns_go_on_from_batch_to_batch() {
    let pool = of(&["ann", "bob"], 4);
    check(
        &pool,
        "submit all [\"a\"]; submit all [\"b\"]; show effects",
        "ann attempt 1, bob attempt 1",
    );
    check(
        &pool,
        &format!("submit all {THREE}; submit all [\"d\"]; submit all []; show effects"),
        "ann attempt 1, ann attempt 1, bob attempt 1, bob attempt 1",
    );
    check(
        &pool,
        "submit all [\"a\"]; finish a 1; pool remove ann; submit all [\"b\"]; show effects",
        "bob attempt 1",
    );
}

#[test]
fn many_that_are_not_waited_for_are_cancelled_at_once() {
    let tasks: Vec<String> = (0..400).map(|n| format!("\"t{n}.\"")).collect();
    let batch = format!("[{}]", tasks.join(","));
    check(
        &of(&["ann"], 400),
        &format!("submit first {batch}; finish t7. seven; show plan"),
        "completed seven",
    );
}

#[test]
fn who_works_for_a_batch_stays_until_the_pool_drains() {
    let pool = of(&["ann", "bob"], 2);
    check(
        &pool,
        "submit all [\"a\"]; pool remove bob",
        "N0131 bob has work of it: a batch is open",
    );
    check(
        &pool,
        "submit all [\"a\"]; pool drain; pool remove ann; finish a yes; show plan",
        "completed [\"yes\"]",
    );
    check(
        &pool,
        "pool remove bob; submit all [\"a\"]; show effects",
        "ann attempt 1",
    );
    check(
        &pool,
        "pool remove bob; pool remove bob",
        "N0121 bob is no agent of the pool it",
    );
}

#[test]
fn a_pool_has_bounds_that_change() {
    let pool = of(&["ann", "bob"], 2);
    check(
        &pool,
        "pool fit 5 4",
        "N0105 the least size, 5 (`min_size`), is above the largest, 4 (`max_size`)",
    );
    check(
        &pool,
        "pool fit 1 1; submit all [\"a\", \"b\"]; show effects",
        "ann attempt 1",
    );
}

#[test]
fn a_pool_changes_and_drains() {
    let pool = of(&[], 2);
    check(
        &pool,
        "submit all []",
        "N0131 the pool it has no agents yet",
    );
    check(&pool, "pool add ann; pool add ann", "nothing");
    check(
        &pool,
        &format!("pool add ann; pool scale 1; submit all {THREE}; show effects"),
        "ann attempt 1",
    );
    check(
        &pool,
        "pool scale 0",
        "N0105 a pool\'s size is from 1 to 1024",
    );
    check(
        &pool,
        "pool add ann; pool drain; submit all []",
        "N0131 the pool it takes no more work",
    );
    check(
        &pool,
        "pool add ann; pool drain; pool start; submit all []; show plan",
        "completed []",
    );
    check(
        &of(&["ghost"], 1),
        "submit all []",
        "N0133 waiting: agent ghost, which shares the work of this pool",
    );
}

/// One worker, up to eight: more from two tasks for each on, a minute between two sizes.
fn scaling() -> PoolSpec {
    PoolSpec {
        size_max: Some(8),
        auto_scale: true,
        scaling: Some(Scaling {
            up: 200,
            down: 50,
            cooldown: Span::secs(60),
        }),
        ..of(&["ann"], 1)
    }
}

const TEN: &str = "[\"t0\",\"t1\",\"t2\",\"t3\",\"t4\",\"t5\",\"t6\",\"t7\",\"t8\",\"t9\"]";

fn at_work(count: usize) -> String {
    vec!["ann attempt 1"; count].join(", ")
}

#[test]
fn a_pool_grows_in_steps_while_there_is_too_much_work() {
    for (wait, count) in [
        ("0s", 2),
        ("59s", 2),
        ("60s", 4),
        ("119s", 4),
        ("120s", 8),
        ("600s", 8),
    ] {
        let script = format!("submit all {TEN}; wait {wait}; show effects");
        check(&scaling(), &script, &at_work(count));
    }
    // Two for each are not too many.
    let script = "submit all [\"a\",\"b\"]; wait 600s; show effects";
    check(&scaling(), script, &at_work(1));
    // Without thresholds there are as many as there is work.
    let at_once = PoolSpec {
        scaling: None,
        ..scaling()
    };
    let script = format!("submit all {TEN}; show effects");
    check(&at_once, &script, &at_work(8));
    // One that doesn't scale by itself has none.
    let still = PoolSpec {
        auto_scale: false,
        ..scaling()
    };
    check(
        &still,
        &format!("submit all {TEN}; wait 600s; show effects"),
        &at_work(1),
    );
}

#[test]
fn a_pool_shrinks_once_its_work_is_done() {
    let done: String = (0..10).map(|n| format!("finish t{n} x; ")).collect();
    // It comes down in steps, and the next batch begins small.
    let script = format!("submit all {TEN}; wait 120s; {done}");
    let again = format!("submit all {TEN}; show effects");
    check(
        &scaling(),
        &format!("{script} wait 600s; {again}"),
        &at_work(2),
    );
    check(&scaling(), &format!("{script} {again}"), &at_work(8));
    // What a person says holds from then on.
    let script = format!("submit all {TEN}; wait 120s; pool scale 3; show effects");
    check(&scaling(), &script, &at_work(8));
    let script = format!("{script}; {done} wait 600s; {again}");
    check(&scaling(), &script, &at_work(6));
}
