//! Seeds that find a bug which once was there: each stays here for good. A change of the workload
//! changes what a seed does; whoever makes one looks for the seeds anew, with the mend undone.

use naos_sim::run_plain;

/// Seed and what it finds.
const ONCE_FAILED: &[(u64, &str)] = &[
    (
        13,
        "a wish without a new fact was dropped: a suspended run never went on",
    ),
    (17, "the same after a crash"),
    (
        0,
        "a suspended guest's call was carried out twice while its answer was on its way",
    ),
    (
        1,
        "a call that may happen once was repeated after a crash without asking anybody",
    ),
    (
        9,
        "an answer left before the append that remembers it was durable",
    ),
    (
        6,
        "a cell with work under way wasn't opened after a crash: no wake time",
    ),
    (28, "a task was closed twice when its run was cancelled"),
    (85, "two late steps closed their plan twice"),
    (35, "another attempt asked a person under the same id"),
];

#[test]
fn seeds_that_once_failed_hold() {
    for (seed, found) in ONCE_FAILED {
        let report = run_plain(*seed);
        assert!(
            report.violations.is_empty(),
            "seed {seed} ({found}): {:#?}",
            report.violations
        );
    }
}
