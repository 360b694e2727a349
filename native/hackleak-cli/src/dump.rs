//! `hackleak dump`: what is in the file of an image, for who looks for an error of the recorder.

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, ValueEnum};
use hackleak_report::{dump, render};

use crate::{exit, output, standard_input};

const NOTES: &str = "\
For maintainers: nothing is symbolised or judged, and numbers are those of the file. What leaked \
is in `hackleak report`. Neither form is promised to stay as it is.

Examples:
  hackleak dump hackleak-out/java-4711.hackleak
  hackleak dump --list stacks,threads --limit 50 4242.hackleak
  hackleak dump --list records --json 4242.hackleak

Exit codes:
  0   the image can be read; what is damaged in it is told
  1   wrong usage, or a file that is no image of this version";

#[derive(Debug, Args)]
#[command(after_help = NOTES)]
pub(crate) struct Dump {
    /// The image; `-` is standard input
    #[arg(value_name = "IMAGE")]
    image: PathBuf,
    /// Lists to print besides, with commas between
    #[arg(long, value_name = "LIST", value_enum, value_delimiter = ',')]
    list: Vec<List>,
    /// The most entries of each list
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Leave out the command line and names of users and hosts
    #[arg(long)]
    redact: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum List {
    /// Live records, in the order of the file
    Records,
    /// Stacks of live blocks, those with the most bytes first
    Stacks,
    /// Loaded modules
    Modules,
    /// Threads and what each did
    Threads,
    /// Scopes
    Scopes,
    /// Checkpoints
    Checkpoints,
    /// Invalid frees
    InvalidFrees,
}

impl From<List> for dump::List {
    fn from(list: List) -> dump::List {
        match list {
            List::Records => dump::List::Records,
            List::Stacks => dump::List::Stacks,
            List::Modules => dump::List::Modules,
            List::Threads => dump::List::Threads,
            List::Scopes => dump::List::Scopes,
            List::Checkpoints => dump::List::Checkpoints,
            List::InvalidFrees => dump::List::InvalidFrees,
        }
    }
}

/// Prints what is in the image and returns the exit code.
pub(crate) fn dump(arguments: &Dump) -> anyhow::Result<u8> {
    let file = standard_input::or_kept(&arguments.image)?;
    let lists: Vec<dump::List> = arguments.list.iter().map(|list| (*list).into()).collect();
    let mut dump = dump::Dump::of_image(&file, &lists, arguments.limit as usize)?;
    let names = dump
        .redact(arguments.redact)
        .context("cannot take the names out of what is in the image")?;
    let text = match arguments.json {
        true => render::json(&dump)?,
        false => render::dump(&dump),
    };
    let text = match names {
        // The words of a text are looked through as a whole, as those of a report are.
        Some(names) if !arguments.json => names.clean(&text),
        _ => text,
    };
    output::print(&standard_input::named(&text))?;
    Ok(exit::CLEAN)
}
