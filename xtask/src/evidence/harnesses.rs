//! The harnesses that can be run for evidence. Each prints, as its last line, one JSON object:
//! `{"n", "failures", "seed_from", "seed_to", "first_failure", "extra"}` (the first two must be).

/// One harness: which program, with which words, at which n.
#[derive(Clone, Copy)]
pub struct Harness {
    pub name: &'static str,
    /// What is counted, as it stands in the table.
    pub figure: &'static str,
    pub package: &'static str,
    pub binary: &'static str,
    /// The cargo profile; what newcomers run, unless debug checks are the point.
    pub profile: &'static str,
    /// `{n}` stands for the stated n, `{from}` for the first seed.
    pub args: &'static [&'static str],
    pub n_default: u64,
    /// The package of another program that this one starts: built together with it, so that both
    /// share what they depend on.
    pub starts: Option<&'static str>,
}

/// A benchmark; its n are rounds, in which ours and the limit take turns.
const fn bench(
    name: &'static str,
    figure: &'static str,
    args: &'static [&'static str],
    n_default: u64,
) -> Harness {
    Harness {
        name,
        figure,
        package: "naos-bench",
        binary: "naos-bench",
        profile: "release",
        args,
        n_default,
        starts: Some("naos"),
    }
}

pub const HARNESSES: &[Harness] = &[
    Harness {
        name: "crash",
        figure: "SIGKILLs under mixed load with lost, doubled, stuck or unpaid work",
        package: "naos",
        binary: "naos",
        profile: "release",
        args: &["crashtest", "--kills", "{n}", "--json"],
        n_default: 500,
        starts: None,
    },
    Harness {
        name: "sim",
        figure: "simulated seeds that break an invariant, or differ when run twice (each tenth is)",
        package: "naos-sim",
        binary: "naos-sim",
        profile: "release",
        args: &[
            "--seeds", "{n}", "--from", "{from}", "--twice", "10", "--json",
        ],
        n_default: 20_000,
        starts: None,
    },
    bench(
        "facts",
        "facts asked for in process, and those not acknowledged",
        &["facts", "--n", "{n}", "--json"],
        5,
    ),
    bench(
        "call",
        "sandboxed calls and whole runs, and those with another answer",
        &["call", "--n", "{n}", "--json"],
        7,
    ),
    bench(
        "http",
        "requests at 64 connections on one core, and those not answered with success",
        &["http", "--n", "{n}", "--json"],
        7,
    ),
    bench(
        "events",
        "events published and taken at the API, and requests not answered with success",
        &["events", "--n", "{n}", "--json"],
        7,
    ),
    bench(
        "turns",
        "turns of a model, and those that ended otherwise",
        &["turns", "--n", "{n}", "--json"],
        5,
    ),
    bench(
        "overshoot",
        "calls of a model that race for a budget, and rounds that were billed too much",
        &["overshoot", "--n", "{n}", "--json"],
        5,
    ),
    bench(
        "hijack",
        "cases of a hijacked model, and those that got past guard, budget or review",
        &["hijack", "--n", "{n}", "--json"],
        2_000,
    ),
    bench(
        "plans",
        "workflows run to their end, and those that ended otherwise",
        &["plans", "--n", "{n}", "--json"],
        3,
    ),
    bench(
        "pool",
        "tasks of pools, and those of batches that ended otherwise",
        &["pool", "--n", "{n}", "--json"],
        3,
    ),
    bench(
        "sleepers",
        "schedules and agents asleep, and those that woke before they were due",
        &["sleepers", "--n", "{n}", "--json"],
        1,
    ),
    bench(
        "peers",
        "workflows and requests beside other systems, and those that failed",
        &["peers", "--n", "{n}", "--json"],
        3,
    ),
    bench(
        "start",
        "starts with 100 tenants on disk, and those without an answer",
        &["start", "--n", "{n}", "--json"],
        15,
    ),
    bench(
        "recover",
        "10,000 plans started and SIGKILLs, and those refused or not taken up",
        &["recover", "--n", "{n}", "--json"],
        7,
    ),
    bench(
        "verify",
        "facts proved, and journals found bad that are not",
        &["verify", "--n", "{n}", "--json"],
        5,
    ),
    bench(
        "size",
        "builds from nothing, and those that failed",
        &["size", "--n", "{n}", "--json"],
        1,
    ),
];

impl Harness {
    pub fn arguments(&self, n: u64, from: u64) -> Vec<String> {
        let (n, from) = (n.to_string(), from.to_string());
        let put = |word: &&str| word.replace("{n}", &n).replace("{from}", &from);
        self.args.iter().map(put).collect()
    }

    /// Whether it plays seeds, so that it can go on after those that were played.
    pub fn takes_seeds(&self) -> bool {
        self.args.contains(&"{from}")
    }
}

pub fn find(name: &str) -> anyhow::Result<&'static Harness> {
    let found = HARNESSES.iter().find(|harness| harness.name == name);
    found.ok_or_else(|| {
        let names: Vec<&str> = HARNESSES.iter().map(|harness| harness.name).collect();
        anyhow::anyhow!("no harness {name:?}; there are: {}", names.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn n_is_filled_in() {
        let crash = find("crash").expect("it is listed");
        let words = ["crashtest", "--kills", "7", "--json"];
        assert_eq!(crash.arguments(7, 0), words);
        assert!(!crash.takes_seeds());
        let sim = find("sim").expect("it is listed");
        assert!(sim.takes_seeds());
        assert_eq!(sim.arguments(7, 30)[..4], ["--seeds", "7", "--from", "30"]);
    }

    #[test]
    fn every_row_states_its_n_once() {
        for harness in HARNESSES {
            let places = harness
                .args
                .iter()
                .filter(|word| word.contains("{n}"))
                .count();
            assert_eq!(places, 1, "{}", harness.name);
            assert_eq!(
                find(harness.name).map(|found| found.name).ok(),
                Some(harness.name)
            );
        }
    }

    #[test]
    fn an_unknown_name_lists_the_known() {
        let error = find("nope")
            .map(|_| ())
            .expect_err("there is none")
            .to_string();
        assert!(
            error.starts_with("no harness \"nope\"; there are: crash, sim"),
            "{error}"
        );
    }
}
