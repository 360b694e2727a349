//! What the command line looks like.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::selection::SelectionArguments;

use clap::{Args, Parser, ValueEnum};

use crate::find_leak::FindLeak;
use crate::manual::{Completions, Man};
use crate::terminal::Terminal;
use crate::top::Top;

pub(crate) const EXAMPLES: &str = "\
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
    Run(Run),
    /// Report from images of finished, killed or running processes.
    Report(Report),
    /// Keep a list of known leaks, and fail only for what is new or has grown.
    Baseline(crate::baseline::Args),
    /// Say which leaks are new, grown, fixed or shrunk from one run to another.
    Diff(crate::diff::Args),
    /// List the built-in suppressions, or check files of suppressions.
    Suppressions(crate::suppressions::Args),
    /// List the known leaks of libraries, or check files of them.
    KnownLeaks(crate::known_leaks::Args),
    /// Say whether the allocations of libraries can be seen, and if not, why.
    Doctor(Doctor),
    /// Find what was allocated and never freed in text logs (option `log`).
    FindLeak(FindLeak),
    /// Watch what a running process holds, and which sites grow.
    Top(Top),
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

const RUN_NOTES: &str = "\
The `java` command gets the recorder as its agent without further ado. For JVMs that something \
else starts (jsvc, an IDE's own launcher), --java-tool-options passes the agent in \
JAVA_TOOL_OPTIONS, which every JVM announces on stderr; without it their Java stacks are recorded \
from the first use of `dev.hackleak.HackLeak` on.

Each run gets a folder of its own in DIR, so images of older runs are never mixed in.

Examples:
  hackleak run java -jar app.jar
  hackleak run --out build/leaks -- gradle test
  hackleak run --exit-zero --follow all ./server --once";

#[derive(Debug, Args)]
#[command(after_help = RUN_NOTES)]
pub(crate) struct Run {
    /// Which allocations to record [default: new+malloc+jni+unsafe+fd]
    #[arg(long, value_name = "KINDS")]
    pub(crate) track: Option<String>,
    /// Which frames to record: full, native, java, off [default: full]
    #[arg(long, value_name = "FRAMES")]
    pub(crate) stacks: Option<String>,
    /// Which processes to record: jvm, all, none [default: jvm]
    #[arg(long, value_name = "WHICH")]
    pub(crate) follow: Option<String>,
    /// The most native frames per allocation [default: 2000]
    #[arg(long, value_name = "N")]
    pub(crate) depth: Option<String>,
    /// Also write a line per allocation and free, for `find-leak`; `%p` is the process
    #[arg(long, value_name = "FILE|stderr")]
    pub(crate) log: Option<String>,
    /// Leaks not to report, in LeakSanitizer's syntax; may be given several times
    #[arg(long, value_name = "FILE")]
    pub(crate) suppressions: Vec<PathBuf>,
    /// Known leaks of libraries, besides those that come with HackLeak; may be given several times
    #[arg(long, value_name = "FILE")]
    pub(crate) known_leaks: Vec<PathBuf>,
    /// Leaks to start from: only new ones and those that have grown are reported
    #[arg(long, value_name = "FILE")]
    pub(crate) baseline: Option<PathBuf>,
    /// Folder for images and the report, created when missing
    #[arg(long, value_name = "DIR", default_value = "hackleak-out")]
    pub(crate) out: PathBuf,
    /// How to print the leaks, on stderr
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = RunFormat::Text)]
    pub(crate) format: RunFormat,
    /// Also pass the agent in JAVA_TOOL_OPTIONS
    #[arg(long)]
    pub(crate) java_tool_options: bool,
    /// Leave out command lines and the names of users and hosts
    #[arg(long)]
    pub(crate) redact: bool,
    #[command(flatten)]
    pub(crate) zero: crate::exit::Zero,
    /// The command and its arguments; options of `run` go before it
    #[arg(required = true, trailing_var_arg = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RunFormat {
    Text,
    Json,
}

const REPORT_NOTES: &str = "\
Examples:
  hackleak report hackleak-out
  hackleak report --since 3 --format json 4242.hackleak
  hackleak report 4711
  hackleak report --format json hackleak-out | hackleak report --html leaks.html -
  hackleak report --json leaks.json --html leaks.html hackleak-out
  hackleak report --write sarif=leaks.sarif --write junit-xml=leaks.xml hackleak-out
  hackleak report --format markdown hackleak-out >> $GITHUB_STEP_SUMMARY
  hackleak report --format pprof --output leaks.pb.gz hackleak-out && go tool pprof -http : leaks.pb.gz
  hackleak report --format collapsed hackleak-out | inferno-flamegraph > leaks.svg";

#[derive(Debug, Args)]
#[command(after_help = REPORT_NOTES)]
pub(crate) struct Report {
    /// Images, folders that hold images `*.hackleak`, themselves or in their folders, numbers of
    /// running processes, reports in JSON, or `-` for one of these on standard input
    #[arg(required = true, value_name = "IMAGE|DIR|PID|JSON|-")]
    pub(crate) inputs: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) known: crate::known::Args,
    #[command(flatten)]
    pub(crate) selection: SelectionArguments,
    /// Only tell, in `lines`, what is not seen: libraries and kinds
    #[arg(long, hide = true)]
    pub(crate) unseen: bool,
    /// What to print; `lines` is for the Java library
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = ReportFormat::Text)]
    pub(crate) format: ReportFormat,
    /// Write the JSON to this file as well
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Write the JSON to this file if something fails; of what happened when, it has what came
    /// after `--since`
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    pub(crate) json_on_failure: Option<PathBuf>,
    /// Write a page for the browser to this file as well: one file that needs no other
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// Print to this file instead of stdout. Here and in the other options for files, `-` is
    /// stdout, which then has nothing else in it
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Write another format to a file as well; may be given several times
    #[arg(long, value_name = "FORMAT=FILE", value_parser = crate::formats::parse)]
    pub(crate) write: Vec<(ReportFormat, PathBuf)>,
    /// What the numbers of `collapsed` are
    #[arg(long, value_name = "WHAT", value_enum, default_value_t = Weight::Bytes)]
    pub(crate) weight: Weight,
    /// The folder of the sources, to which paths in `sarif` and `markdown` are relative
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) sources: PathBuf,
    /// Leave out command lines and the names of users and hosts
    #[arg(long)]
    pub(crate) redact: bool,
    #[command(flatten)]
    pub(crate) zero: crate::exit::Zero,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    /// For people
    Text,
    /// Everything, by the schema that `hackleak schema` prints
    Json,
    /// One page for the browser
    Html,
    /// For the Java library
    Lines,
    /// Test results, as Maven Surefire writes them
    JunitXml,
    /// SARIF 2.1.0, for code scanning: GitHub annotates the leaking line
    Sarif,
    /// Folded stacks, for flame graphs
    Collapsed,
    /// For https://www.speedscope.app
    Speedscope,
    /// A gzipped profile for pprof
    Pprof,
    /// A summary, for `$GITHUB_STEP_SUMMARY`
    Markdown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Weight {
    Bytes,
    Count,
}

const DOCTOR_NOTES: &str = "\
seen     all allocations of the tracked kinds are recorded
partly   some of them, or as another kind
blind    none of them: \"no leaks\" says nothing about this library
unknown  its file is gone or cannot be read

The runtime (the JDK, the C and C++ libraries) is not under test and left out, except where it is \
named itself.

Examples:
  hackleak doctor --track new+malloc build/libmine.so
  hackleak doctor 4711                      a running process: what is loaded there
  hackleak doctor --strict hackleak-out     exit 23 only for libraries that fail with strict=true

Exit codes:
  0   every library is seen
  1   wrong usage, unreadable input, or a library of which nothing is known
  23  a library is blind or seen only in part, or a process is not recorded; with --strict: a \
library is blind";

#[derive(Debug, Args)]
#[command(after_help = DOCTOR_NOTES)]
pub(crate) struct Doctor {
    /// Libraries, programs, numbers of running processes, images, or folders with images
    #[arg(required = true, value_name = "FILE|PID|IMAGE|DIR")]
    pub(crate) inputs: Vec<PathBuf>,
    /// The kinds that would be tracked, for libraries and processes that are not recorded
    /// [default: that of the recorder]
    #[arg(long, value_name = "KINDS")]
    pub(crate) track: Option<String>,
    /// Exit with 23 only for what `strict=true` fails because of
    #[arg(long)]
    pub(crate) strict: bool,
    #[command(flatten)]
    pub(crate) zero: crate::exit::Zero,
    /// What to print
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = DoctorFormat::Text)]
    pub(crate) format: DoctorFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DoctorFormat {
    Text,
    Json,
}
