//! The `hackleak` command.
//!
//! Everything that it knows about leaks is in `hackleak-report`; here are arguments, processes,
//! files and exit codes.
#![forbid(unsafe_code)]

mod arguments;
mod baseline;
mod diff;
mod doctor;
mod exit;
mod formats;
mod images;
mod inputs;
mod known;
mod output;
mod report;
mod run;
mod suppressions;

use std::process::ExitCode;

use clap::Parser;

use arguments::{Cli, SchemaOf, Subcommand};
use hackleak_report::schema;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are asked for; everything else is an error of usage. A closed
            // terminal changes neither.
            let _ = error.print();
            return if error.use_stderr() {
                exit::FAILED
            } else {
                exit::CLEAN
            }
            .into();
        }
    };
    let done = match cli.subcommand {
        Subcommand::Run(arguments) => run::run(&arguments),
        Subcommand::Report(arguments) => report::report(&arguments),
        Subcommand::Baseline(arguments) => baseline::baseline(&arguments),
        Subcommand::Diff(arguments) => diff::diff(&arguments),
        Subcommand::Suppressions(arguments) => suppressions::suppressions(&arguments),
        Subcommand::Doctor(arguments) => doctor::doctor(&arguments),
        Subcommand::Schema { of } => output::print(&match of {
            SchemaOf::Report => schema::text(),
            SchemaOf::Doctor => schema::doctor(),
            SchemaOf::Diff => schema::diff(),
        })
        .map(|()| exit::CLEAN),
    };
    match done {
        Ok(code) => code.into(),
        Err(error) => {
            output::complain(&format!("{error:#}"));
            exit::FAILED.into()
        }
    }
}
