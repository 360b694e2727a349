//! `hackleak find-leak`: leaks from the text log of `log=`.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, ValueEnum};
use hackleak_report::text_log::{LogOptions, LogReport};
use hackleak_report::{TextLog, Verdict, render};

use crate::terminal::{self, Progress};
use crate::{exit, output};

const NOTES: &str = "\
A log is written by the option log=FILE or log=stderr; HACK_TRACE=1 adds the stacks of allocations. \
The log may have other output in it. It is read once, in memory that follows the blocks which are \
live at the same time.

Examples:
  HACK_TRACE=1 HACKLEAK_OPTIONS=log=alloc_log.txt hackleak run -- java -jar app.jar
  hackleak find-leak alloc_log.txt
  hackleak find-leak --format json logs/alloc-*.txt
  ./old-test 2>&1 | hackleak find-leak -

Exit codes:
  0   every allocation in the log was freed
  1   wrong usage, or no log that can be read
  23  leaks
  24  no leaks were seen, but a log does not tell all, or cannot be read";

#[derive(Debug, Args)]
#[command(after_help = NOTES)]
pub(crate) struct FindLeak {
    /// Logs; `-` is standard input
    #[arg(required = true, value_name = "LOG")]
    pub(crate) logs: Vec<PathBuf>,
    /// What to print
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub(crate) format: LogFormat,
    /// The most blocks that are listed at each site
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub(crate) blocks: usize,
    /// The most blocks that are followed at once, at about 64 bytes of memory each
    #[arg(long, value_name = "N", default_value_t = 1 << 25, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) most_live: u32,
    #[command(flatten)]
    pub(crate) zero: exit::Zero,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

/// Reads the logs, prints what leaked, and returns the exit code.
pub(crate) fn find_leak(arguments: &FindLeak) -> anyhow::Result<u8> {
    let options = LogOptions {
        blocks_per_site: arguments.blocks,
        most_live: arguments.most_live as usize,
    };
    let mut logs = Vec::new();
    let mut failed = false;
    for path in &arguments.logs {
        match read(path, options) {
            Ok(log) => logs.push(log),
            Err(error) => {
                output::complain(&output::sentence(&error));
                failed = true;
            }
        }
    }
    if logs.is_empty() {
        return Ok(exit::FAILED);
    }
    let report = LogReport::new(logs);
    let verdict = report.verdict();
    match arguments.format {
        LogFormat::Text if verdict == Verdict::Clean && terminal::is_quiet() => {}
        LogFormat::Text => output::print_report(&render::find_leak(&report))?,
        LogFormat::Json => output::print(&render::json(&report)?)?,
    }
    let code = exit::of(verdict);
    // A log that cannot be read may hold leaks, so the rest does not make it clean.
    let code = match failed {
        true => exit::weightier(code, exit::INCOMPLETE),
        false => code,
    };
    Ok(arguments.zero.of(code))
}

fn read(path: &Path, options: LogOptions) -> anyhow::Result<TextLog> {
    let name = path.to_string_lossy();
    let cannot_read = || format!("cannot read the log `{name}`");
    let (input, total): (Box<dyn Read>, u64) = if name == "-" {
        (Box::new(io::stdin().lock()), 0)
    } else {
        let file = File::open(path).with_context(cannot_read)?;
        let total = file.metadata().with_context(cannot_read)?.len();
        (Box::new(file), total)
    };
    let watched = Watched {
        input,
        done: 0,
        progress: Progress::of_bytes(name.clone().into_owned(), total),
    };
    TextLog::read(&name, watched, options).with_context(cannot_read)
}

/// A log that moves a progress bar as it is read.
struct Watched {
    input: Box<dyn Read>,
    done: u64,
    progress: Progress,
}

impl Read for Watched {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.done += count as u64;
        self.progress.set(self.done);
        Ok(count)
    }
}
