//! `naos completions SHELL`

use std::io::Write;

use clap::CommandFactory;
use clap_complete::Shell;

use super::{Cli, Ended};

/// Writes completions for a shell to standard output.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  naos completions bash > /etc/bash_completion.d/naos\n  \
    naos completions zsh > ~/.zfunc/_naos\n  naos completions fish \
    > ~/.config/fish/completions/naos.fish"
)]
pub(crate) struct Completions {
    /// Which shell.
    shell: Shell,
}

pub(crate) fn go(completions: &Completions) -> Ended {
    let mut script = Vec::new();
    clap_complete::generate(completions.shell, &mut Cli::command(), "naos", &mut script);
    // A reader that went away (`| head`) is no error of ours.
    let _ = std::io::stdout().lock().write_all(&script);
    Ok(0)
}
