use std::ops::Range;

use proptest::prelude::*;

use super::naive::{Chance, Naive, completed, entries, history, opened, started};
use super::*;
use crate::contract::A;
use naos_types::Tier;

fn followed(facts: &[naos_types::fact::Fact], mut size: impl FnMut() -> usize) -> Views {
    let views = Views::in_memory(A).unwrap();
    let mut entries = &entries(1, facts)[..];
    while let Some(last) = entries.last() {
        let (batch, rest) = entries.split_at(size().clamp(1, entries.len()));
        let upto = batch.last().map_or(last.seq, |entry| entry.seq);
        views.follow(batch.iter().map(Input::from), upto).unwrap();
        entries = rest;
    }
    views
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn views_say_what_all_facts_say(seed in any::<u64>(), count in 0_usize..200) {
        let mut chance = Chance(seed);
        let facts = history(&mut chance, count);
        let views = followed(&facts, || 1 + chance.below(40));
        Naive::of(&facts).check(&views, "after all batches");
    }
}

/// Steps of SQLite's machine that some questions take: what a page asks, without a clock.
fn steps(views: &Views, agent: &str) -> u64 {
    let steps = Arc::new(std::sync::atomic::AtomicU64::new(0));
    let counted = Arc::clone(&steps);
    let count = move || {
        counted.fetch_add(1, Ordering::Relaxed);
        false
    };
    views.lock().progress_handler(1, Some(count)).unwrap();
    let one = RunFilter {
        status: Some(naos_types::RunStatus::Completed),
        agent: Some(agent),
    };
    assert_eq!(
        views.runs(&RunFilter::default(), None, 50).unwrap().len(),
        50
    );
    assert_eq!(views.runs(&one, None, 50).unwrap().len(), 50);
    assert_eq!(
        views
            .tasks(Some(TaskStatus::InProgress), None, 50)
            .unwrap()
            .len(),
        50
    );
    assert_eq!(views.task_counts().unwrap().len(), 1);
    assert!(!views.spent(None).unwrap().is_empty());
    let none: Option<fn() -> bool> = None;
    views.lock().progress_handler(0, none).unwrap();
    steps.load(Ordering::Relaxed)
}

fn runs(numbers: Range<u128>) -> Vec<naos_types::fact::Fact> {
    let at = 1_700_000_000_000;
    let agent = |n: u128| ["ana", "bema", "coder", "dera"][(n % 4) as usize];
    let facts = numbers.flat_map(|n| {
        [
            opened(n, at),
            started(n, at, agent(n), Tier::Wasm, 1),
            completed(n, at, agent(n), 3),
        ]
    });
    facts.collect()
}

#[test]
fn a_page_costs_what_it_shows_and_not_what_happened() {
    let few = followed(&runs(0..1_000), || 4_096);
    let many = followed(&runs(0..100_000), || 4_096);
    let (few, many) = (steps(&few, "dera"), steps(&many, "dera"));
    assert!(
        many * 10 <= few * 11,
        "{few} steps with few, {many} with many"
    );
}
