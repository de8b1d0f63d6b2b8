//! Benchmarks: ratios taken in one run against a named limit of this machine.
//!
//! `cargo run --release -p naos-bench -- NAME [--n ROUNDS] [--json]`; without a name it lists
//! them. Ours and the limit take turns, and the slice with the median ratio stands for all.
//! Prints one line a figure: ours, the limit's, the ratio, and the goal beside it. Never asserts:
//! a miss is printed as a miss. With `--json` the last line is what `cargo xtask evidence` reads.

mod bare;
mod call;
mod chance;
mod events;
mod facts;
mod figures;
mod hijack;
mod http;
mod limit;
mod listen;
mod load;
mod overshoot;
mod peers;
mod plans;
mod pool;
mod recover;
mod site;
mod size;
mod sleepers;
mod start;
mod syncs;
mod turns;
mod verify;

use figures::Board;

/// The one that the binary is shipped with.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// One benchmark: its name, what it measures, how many rounds it takes unless told, and itself.
type Bench = (&'static str, &'static str, usize, fn(usize, &mut Board));

const BENCHES: &[Bench] = &[
    (
        "facts",
        "synced facts per second, in process",
        5,
        facts::run,
    ),
    (
        "call",
        "a sandboxed call, and a run with its commits",
        7,
        call::run,
    ),
    (
        "http",
        "the API at 64 connections, on one core",
        7,
        http::run,
    ),
    (
        "turns",
        "durable turns of a model that answers at once, through the API",
        5,
        turns::run,
    ),
    (
        "overshoot",
        "64 callers race for one budget, with kills and price changes",
        5,
        overshoot::run,
    ),
    (
        "hijack",
        "cases of a hijacked model, and benign ones beside them",
        2_000,
        hijack::run,
    ),
    (
        "events",
        "events of 1 KB published and taken through the API",
        7,
        events::run,
    ),
    (
        "plans",
        "durable workflows of three native steps",
        3,
        plans::run,
    ),
    ("pool", "a pool of 1,000 tasks for components", 3, pool::run),
    (
        "peers",
        "workflows and events beside what people would run instead",
        3,
        peers::run,
    ),
    (
        "start",
        "start to the first answer, memory at rest",
        15,
        start::run,
    ),
    (
        "sleepers",
        "a million schedules, none of them due (some minutes)",
        1,
        sleepers::run,
    ),
    (
        "recover",
        "10,000 plans in flight after SIGKILL",
        7,
        recover::run,
    ),
    (
        "verify",
        "opening a directory, proving a journal",
        5,
        verify::run,
    ),
    (
        "size",
        "size of the binary, first build (half an hour)",
        1,
        size::run,
    ),
];

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let word = |at: usize| words.get(at).map(String::as_str);
    if let (Some(bare::WORD), Some(dir)) = (word(0), word(1)) {
        return bare::serve(dir.as_ref());
    }
    if let (Some(sleepers::WORD), Some(dir)) = (word(0), word(1)) {
        return sleepers::sleep_in(dir.as_ref());
    }
    let bench = BENCHES.iter().find(|(name, ..)| word(0) == Some(name));
    let Some((_, _, rounds, run)) = bench else {
        for (name, about, rounds, _) in BENCHES {
            println!("{name:<8} {about}; {rounds} rounds unless --n says otherwise");
        }
        std::process::exit(if words.is_empty() { 0 } else { 2 });
    };
    let given = words.iter().position(|word| word == "--n");
    let given = given.and_then(|at| word(at + 1)?.parse().ok());
    let mut board = Board::default();
    run(given.unwrap_or(*rounds).max(1), &mut board);
    if words.iter().any(|word| word == "--json") {
        println!("{}", board.report());
    }
}
