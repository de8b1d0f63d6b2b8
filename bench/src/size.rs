//! How large the binary is that is published, and how long a newcomer's first build takes. The
//! limit of the latter is the same work on all cores without a pause.

use std::path::Path;
use std::process::{Command, Stdio};

use naos_engine::clock::tick;

use crate::figures::{Board, Goal};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// Builds from nothing, once: downloads are not counted, they are made before.
pub fn run(_rounds: usize, board: &mut Board) {
    build(&["fetch", "--locked"], None);
    let cold = tempfile::tempdir().expect("a scratch directory");
    let (began, busy) = (tick(), children());
    build(&["build", "--locked", "--release"], Some(cold.path()));
    let wall = began.elapsed().as_secs_f64();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let limit = (children() - busy) / cores as f64;
    let release = megabytes(&cold.path().join("release/naos"));
    let goal = Goal::AtMost(480.0);
    let name = "cold release build";
    board.figure(
        name,
        "s",
        "its processor time over all cores",
        goal,
        &[(wall, limit)],
    );
    build(
        &["build", "--locked", "--profile", "dist"],
        Some(cold.path()),
    );
    let dist = megabytes(&cold.path().join("dist/naos"));
    let name = "binary of the profile dist";
    board.figure(
        name,
        "MB",
        "binary of the profile release",
        Goal::AtMost(45.0),
        &[(dist, release)],
    );
    board.tried(2, 0);
}

fn build(words: &[&str], target: Option<&Path>) {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(words).current_dir(ROOT).stdin(Stdio::null());
    if let Some(target) = target {
        command.env("CARGO_TARGET_DIR", target);
    }
    assert!(
        command.status().is_ok_and(|status| status.success()),
        "cargo {words:?} failed"
    );
}

fn megabytes(path: &Path) -> f64 {
    std::fs::metadata(path).expect("a binary").len() as f64 / 1e6
}

/// Processor time of all children that ended, theirs included, in seconds.
fn children() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let rest = text.rsplit_once(')').map_or("", |(_, rest)| rest);
    let fields = rest.split_whitespace().skip(13).take(2);
    let ticks: f64 = fields.filter_map(|field| field.parse::<f64>().ok()).sum();
    ticks / 100.0 // USER_HZ, on every Linux there is
}
