//! `naos completions SHELL`

use clap::CommandFactory;
use clap_complete::Shell;

use super::{Cli, Ended};

/// Writes completions for a shell to standard output.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  naos completions bash > /etc/bash_completion.d/naos\n  \
    naos completions zsh > ~/.zfunc/_naos\n  naos completions fish > ~/.config/fish/completions/naos.fish"
)]
pub(crate) struct Completions {
    /// Which shell.
    shell: Shell,
}

pub(crate) fn go(completions: &Completions) -> Ended {
    clap_complete::generate(
        completions.shell,
        &mut Cli::command(),
        "naos",
        &mut std::io::stdout(),
    );
    Ok(0)
}
