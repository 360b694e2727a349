//! The `hackleak` command.
//!
//! Everything that it knows about leaks is in `hackleak-report`; here are arguments, processes,
//! files and exit codes.
#![forbid(unsafe_code)]

mod arguments;
mod baseline;
mod diff;
mod doctor;
mod dump;
mod exit;
mod find_leak;
mod formats;
mod images;
mod inputs;
mod judged;
mod known;
mod known_leaks;
mod limits;
mod manual;
mod maps;
mod output;
mod report;
mod run;
mod selection;
mod serve;
mod settings;
mod spark_submit;
mod standard_input;
mod suppressions;
mod tally;
mod terminal;
mod thin;
mod top;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};

use arguments::{Cli, SchemaOf, Subcommand};
use hackleak_report::schema;

fn main() -> ExitCode {
    limits::survive_file_size();
    let command = Cli::command().color(terminal::color_of(std::env::args_os()));
    let parsed = command
        .try_get_matches()
        .and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match parsed {
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
    terminal::set(cli.terminal);
    let done = match cli.subcommand {
        Subcommand::Run(arguments) => run::run(&arguments),
        Subcommand::SparkSubmit(arguments) => spark_submit::spark_submit(&arguments),
        Subcommand::Report(arguments) => report::report(&arguments),
        Subcommand::Serve => serve::serve(report_arguments),
        Subcommand::Tally(arguments) => tally::tally(&arguments),
        Subcommand::Settings(arguments) => settings::settings(&arguments),
        Subcommand::Baseline(arguments) => baseline::baseline(&arguments),
        Subcommand::Diff(arguments) => diff::diff(&arguments),
        Subcommand::Suppressions(arguments) => suppressions::suppressions(&arguments),
        Subcommand::KnownLeaks(arguments) => known_leaks::known_leaks(&arguments),
        Subcommand::Doctor(arguments) => doctor::doctor(&arguments),
        Subcommand::Dump(arguments) => dump::dump(&arguments),
        Subcommand::FindLeak(arguments) => find_leak::find_leak(&arguments),
        Subcommand::Top(arguments) => top::top(&arguments),
        Subcommand::Completions(arguments) => manual::completions(&arguments, Cli::command()),
        Subcommand::Man(arguments) => manual::man(&arguments, Cli::command()),
        Subcommand::Schema { of } => output::print(&match of {
            SchemaOf::Report => schema::text(),
            SchemaOf::Doctor => schema::doctor(),
            SchemaOf::FindLeak => schema::find_leak(),
            SchemaOf::Diff => schema::diff(),
        })
        .map(|()| exit::CLEAN),
    };
    let code = done.unwrap_or_else(|error| {
        output::complain(&output::sentence(&error));
        exit::FAILED
    });
    standard_input::forget();
    code.into()
}

/// The arguments of `hackleak report` in a request that is served.
fn report_arguments(arguments: &[OsString]) -> anyhow::Result<report::Report> {
    let names = ["hackleak", "report"].map(OsString::from);
    let matches = Cli::command().try_get_matches_from(names.iter().chain(arguments))?;
    match Cli::from_arg_matches(&matches)?.subcommand {
        Subcommand::Report(arguments) => Ok(arguments),
        _ => anyhow::bail!("only reports are served"),
    }
}

#[cfg(test)]
mod tests;
