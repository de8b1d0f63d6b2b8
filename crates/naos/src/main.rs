//! The command `naos`.
//!
//! I read what was typed, find the project, give the question to the daemon that owns its data
//! directory (or open the directory myself and give it to the same router), and show the answer.
//! I never decide anything: every rule is in the kernel, every answer comes from the API.
//! Start at [`cli::main`]; `wire.rs` is where the machine is built.

mod argument;
mod cli;
mod crashtest;
mod daemon;
mod descriptors;
mod desktop;
mod embedder;
mod fail;
mod handover;
mod interrupts;
mod learned;
mod link;
mod office;
mod openclaw;
mod out;
mod outside;
mod planted;
mod project;
mod session;
mod squads;
mod sync;
mod templates;
mod token;
mod wire;
mod workspace;

use std::process::ExitCode;

/// Threads hand each other what they allocated: one decides, one commits, one fills in.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    descriptors::refuse_large_files();
    if std::env::args_os()
        .nth(1)
        .is_some_and(|word| word == naos_sandbox::child::CHILD_ARGUMENT)
    {
        return naos_sandbox::child::compile_main();
    }
    #[cfg(feature = "planted-bugs")]
    naos_kernel::planted::set(&std::env::var("NAOS_PLANTED_BUG").unwrap_or_default());
    cli::main()
}
