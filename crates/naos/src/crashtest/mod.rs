//! `naos crashtest`: the real binary under mixed load, killed at random moments, and compared
//! with what it acknowledged and what strangers saw.
//!
//! I never look inside the machine: everything goes through its front door, and only processes
//! that I started are killed. Start at [`go`]; a round is in `round.rs`, the promises are in
//! `checks/`.

mod chance;
mod checks;
mod door;
mod drill;
mod gather;
mod ledger;
mod load;
mod machine;
mod people;
mod receiver;
mod report;
mod round;
mod thinker;
mod weaver;

use std::path::PathBuf;
use std::time::Duration;

use naos_engine::clock::tick;
use naos_types::Code;

use crate::cli::{Context, Ended};
use crate::fail::Fail;

/// Kills of the first round, after which everything is compared and a fresh project begins. Each
/// round has twice as many as the one before: what is badly broken shows early.
const ROUND_KILLS: u64 = 6;
/// A drill of so many kills waits in its last round until what was gathered is told.
const DIGEST_KILLS: u64 = 100;
/// Kills of a round at most.
const ROUND_KILLS_MAX: u64 = 50;

/// Kills the real binary at random moments under mixed load and checks that nothing that was
/// acknowledged is lost, nothing is done twice, nothing is stuck and no money goes astray.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  naos crashtest --kills 200 --seed 7\n\n\
    Exit status: 1 if a promise was broken; the project is kept, and the last lines say where.")]
pub(crate) struct Crashtest {
    /// How often it is killed.
    #[arg(long, default_value_t = 20)]
    kills: u64,
    /// What chance begins with: the same seed draws the same work and the same moments.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where projects are made; they go away again unless a promise was broken.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// After how many seconds no further kill is made.
    #[arg(long, value_name = "SECONDS")]
    seconds_max: Option<u64>,
}

pub(crate) fn go(context: &Context, asked: &Crashtest) -> Ended {
    let failed = |what: String| Fail::new(Code::INTERNAL, what);
    let binary = std::env::current_exe().map_err(|e| Fail::io("find the program itself", &e))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|e| Fail::io("start", &e))?;
    let (dir, own) = match &asked.dir {
        Some(dir) => (dir.clone(), false),
        None => {
            let name = format!("naos-crashtest-{}", std::process::id());
            (std::env::temp_dir().join(name), true)
        }
    };
    let began = tick();
    let limit = asked.seconds_max.map(Duration::from_secs);
    let over = || limit.is_some_and(|limit| began.elapsed() >= limit);
    let progress = report::Progress::new(asked.kills, &context.out);
    let mut total = report::Total::new(asked.seed);
    while total.kills < asked.kills && !over() && total.findings.is_empty() {
        let before = total.kills;
        let seed = asked.seed + total.rounds;
        let kept = dir.join(format!("round-{seed}"));
        let kills = (asked.kills - before).min(round_kills(total.rounds));
        total.add(round::run(round::Plan {
            binary: binary.clone(),
            dir: kept.clone(),
            seed,
            kills,
            awaits_digest: before + kills >= asked.kills.max(DIGEST_KILLS),
            runtime: &runtime,
            over: &over,
            progress: &|kills, acked| progress.kill(before + kills, acked),
        }));
        if total.findings.is_empty() {
            std::fs::remove_dir_all(&kept)
                .map_err(|e| Fail::io(format!("remove {}", kept.display()), &e))?;
        } else {
            total.kept = Some(kept);
        }
    }
    progress.done();
    if own && total.findings.is_empty() {
        // Empty by now; what is left of it is no failure of the machine.
        let _ = std::fs::remove_dir(&dir);
    }
    total.show(&context.out, began.elapsed());
    if total.kills == 0 && total.findings.is_empty() && asked.kills > 0 {
        return Err(failed("no kill was made: give it more time".into()));
    }
    Ok(u8::from(!total.findings.is_empty()))
}

const fn round_kills(round: u64) -> u64 {
    let doubled = if round > 8 {
        u64::MAX
    } else {
        ROUND_KILLS << round
    };
    if doubled < ROUND_KILLS_MAX {
        doubled
    } else {
        ROUND_KILLS_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_grow() {
        assert_eq!(
            [0, 1, 2, 3, 4, 99].map(round_kills),
            [6, 12, 24, 48, 50, 50]
        );
    }
}
