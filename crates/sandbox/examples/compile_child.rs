//! The smallest program that can compile components for others: what the tests re-execute.

use naos_sandbox::child::{CHILD_ARGUMENT, compile_main};
use std::process::ExitCode;

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some(CHILD_ARGUMENT) {
        return compile_main();
    }
    eprintln!("usage: compile_child {CHILD_ARGUMENT} MEMORY_BYTES CPU_SECONDS");
    ExitCode::from(2)
}
