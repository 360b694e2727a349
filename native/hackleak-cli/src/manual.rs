//! `hackleak completions` and `hackleak man`: made from the command line's own description.

use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::arguments::Cli;
use crate::{exit, output};

const COMPLETIONS_NOTES: &str = "\
Examples:
  hackleak completions bash > ~/.local/share/bash-completion/completions/hackleak
  hackleak completions zsh > ~/.zfunc/_hackleak
  hackleak completions fish > ~/.config/fish/completions/hackleak.fish";

#[derive(Debug, Args)]
#[command(after_help = COMPLETIONS_NOTES)]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: Shell,
}

const MAN_NOTES: &str = "\
Examples:
  hackleak man | man -l -
  hackleak man --out /usr/local/share/man/man1";

#[derive(Debug, Args)]
#[command(after_help = MAN_NOTES)]
pub(crate) struct Man {
    /// Write the pages of all commands into this folder, created when missing, instead of
    /// printing the first one
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

/// Prints the completions of a shell.
pub(crate) fn completions(arguments: &Completions) -> anyhow::Result<u8> {
    let mut script = Vec::new();
    clap_complete::generate(
        arguments.shell,
        &mut Cli::command(),
        "hackleak",
        &mut script,
    );
    output::print(&String::from_utf8_lossy(&script))?;
    Ok(exit::CLEAN)
}

/// Prints the man page, or writes all of them.
pub(crate) fn man(arguments: &Man) -> anyhow::Result<u8> {
    match &arguments.out {
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Cli::command())
                .render(&mut page)
                .context("cannot make the man page")?;
            output::print(&String::from_utf8_lossy(&page))?;
        }
        Some(folder) => {
            let cannot_write = || format!("cannot write man pages to `{}`", folder.display());
            fs::create_dir_all(folder).with_context(cannot_write)?;
            clap_mangen::generate_to(Cli::command(), folder).with_context(cannot_write)?;
        }
    }
    Ok(exit::CLEAN)
}
