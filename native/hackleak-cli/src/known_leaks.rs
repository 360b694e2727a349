//! `hackleak known-leaks`: the list that comes with HackLeak, and what is wrong with files of them.

use std::path::PathBuf;

use hackleak_report::known::{BUILT_IN, KnownLeaks};

use crate::{exit, output, standard_input};

const NOTES: &str = "\
A file has one leak per line: `library=NAME; versions=1.0..2.0; kind=KIND; site=PATTERN < PATTERN; \
report=https://…`, of which library and site are needed. The patterns are those of suppressions, \
one for each of some frames of the stack, the allocating function first. Lines that begin with `#` \
are comments.

A known leak is reported and fails nothing, unless HACKLEAK_OPTIONS has known=fail.

Examples:
  hackleak known-leaks --builtin
  hackleak known-leaks mine.known";

#[derive(Debug, clap::Args)]
#[command(after_help = NOTES, arg_required_else_help = true)]
pub(crate) struct Args {
    /// List those that come with HackLeak
    #[arg(long)]
    builtin: bool,
    /// Files to check: what they have is listed
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// Lists known leaks and returns the exit code.
pub(crate) fn known_leaks(arguments: &Args) -> anyhow::Result<u8> {
    let mut text = String::new();
    let shipped = arguments.builtin.then(KnownLeaks::shipped);
    let mut list = |name: &str, known: &KnownLeaks| {
        for (line, entry) in known.entries() {
            text += &format!("{name}:{line}: {entry}\n");
        }
    };
    if let Some(shipped) = shipped {
        list(BUILT_IN, &shipped);
    }
    for file in &arguments.files {
        let name = file.to_string_lossy();
        let kept = standard_input::or_kept(file)?;
        list(&name, &KnownLeaks::read(&kept.to_string_lossy())?);
    }
    output::print(&text)?;
    Ok(exit::CLEAN)
}
