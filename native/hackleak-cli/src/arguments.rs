//! What the command line looks like: the subcommands, each of which has its own arguments.

use clap::{Parser, ValueEnum};

use crate::find_leak::FindLeak;
use crate::manual::{Completions, Man};
use crate::terminal::Terminal;
use crate::top::Top;

const EXAMPLES: &str = "\
Examples:
  hackleak run mvn -q test                         record every JVM of a test run
  hackleak run --follow all ./server --once        record a program that is no JVM
  hackleak report hackleak-out                     what the last runs left behind
  hackleak report 4711                             what a running process holds now
  hackleak report --format json 4242.hackleak      the same for programs
  hackleak doctor libmine.so                       whether its allocations can be seen
  hackleak top 4711                                what a running process holds, live
  hackleak find-leak alloc_log.txt                 leaks from a text log (option `log`)

Exit codes:
  0   no leaks among what was tracked
  1   wrong usage, unreadable input, or a run of which nothing was recorded
  23  leaks; `doctor`: a library that is not seen, or only in part
  24  no leaks were seen, but a record is incomplete: damaged, cut, or not everything was recorded
Leaks go first: with them the code is 23, and the notes say what is missing.
`hackleak run` exits as its command does, and with one of these when that succeeded; with 127 where \
there is no such command, and with 126 where it cannot be run.
With --exit-zero, 23 and 24 become 0.";

/// Finds native memory that programs, JVMs above all, allocate and never free.
#[derive(Debug, Parser)]
#[command(name = "hackleak", version, about, after_help = EXAMPLES, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) terminal: Terminal,
    #[command(subcommand)]
    pub(crate) subcommand: Subcommand,
}

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Subcommand {
    /// Run a command under the recorder, then report what it leaked.
    Run(crate::run::Run),
    /// Run spark-submit under the recorder; one report for all executors, by stage and task.
    SparkSubmit(crate::spark_submit::SparkSubmit),
    /// Report from images of finished, killed or running processes.
    Report(crate::report::Report),
    /// Keep a list of known leaks, and fail only for what is new or has grown.
    Baseline(crate::baseline::Args),
    /// Say which leaks are new, grown, fixed or shrunk from one run to another.
    Diff(crate::diff::Args),
    /// List the built-in suppressions, or check files of suppressions.
    Suppressions(crate::suppressions::Args),
    /// List the known leaks of libraries, or check files of them.
    KnownLeaks(crate::known_leaks::Args),
    /// Say whether the allocations of libraries can be seen, and if not, why.
    Doctor(crate::doctor::Doctor),
    /// Find what was allocated and never freed in text logs (option `log`).
    FindLeak(FindLeak),
    /// Watch what a running process holds, and which sites grow.
    Top(Top),
    /// Print what is in the file of an image, for maintainers.
    Dump(crate::dump::Dump),
    /// Print a completion script for a shell.
    Completions(Completions),
    /// Print the man page, or write the pages of all commands.
    Man(Man),
    /// Answer one report after the other, for the process that started this.
    #[command(hide = true)]
    Serve,
    /// Say which settings of a build cannot be used, for the build plugins.
    #[command(hide = true)]
    Settings(crate::settings::Args),
    /// Count the tests that were checked, for the build plugins.
    #[command(hide = true)]
    Tally(crate::tally::Args),
    /// Print the JSON Schema of `--format json`.
    Schema {
        /// Of which command
        #[arg(value_enum, default_value_t = SchemaOf::Report)]
        of: SchemaOf,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SchemaOf {
    Report,
    Doctor,
    FindLeak,
    Diff,
}
