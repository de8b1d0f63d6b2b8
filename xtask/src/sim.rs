//! A short run of the simulator, as ./check does it.

use std::path::Path;

use crate::process;

/// Enough to meet every kind of fault, few enough to end within a minute.
pub const SEEDS_DEFAULT: u64 = 200;

pub fn run(root: &Path, seeds: u64) -> anyhow::Result<()> {
    anyhow::ensure!(
        root.join("sim/src/main.rs").exists(),
        "sim/src/main.rs is not there; the simulator has no command to run"
    );
    let mut command = process::cargo();
    command.args(["run", "--quiet", "--locked", "--package", "naos-sim", "--"]);
    command
        .args(["--seeds", &seeds.to_string()])
        .current_dir(root);
    process::succeed(&mut command)
}
