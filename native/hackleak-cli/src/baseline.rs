//! `hackleak baseline`: leaks that a project starts with.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use hackleak_report::Report;
use hackleak_report::baseline::{Baseline, Comparison};
use hackleak_report::numbers::counted;

use crate::diff::{Format, conclude};
use crate::{exit, inputs, known, output, standard_input};

const NOTES: &str = "\
A baseline is a text file to commit beside the code. It holds the names of the frames of each \
leaking site and what it leaked in all processes together. Line numbers, addresses and versions of \
libraries are not in it, so a rebuild does not invalidate it. A site has grown when its bytes or \
its blocks are more than recorded.

`report`, `run` and the option `baseline=FILE` leave out what a baseline knows.

Examples:
  hackleak baseline write leaks.baseline.json hackleak-out
  hackleak baseline check leaks.baseline.json hackleak-out

Exit codes of `check`:
  0   nothing new, nothing grown
  1   wrong usage, or unreadable input
  23  a site is new or has grown
  24  nothing new was seen, but a record is incomplete";

#[derive(Debug, clap::Args)]
#[command(after_help = NOTES)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Write the leaks of images to a baseline
    Write {
        /// The baseline
        #[arg(value_name = "FILE")]
        file: PathBuf,
        #[command(flatten)]
        images: Images,
    },
    /// Say what is new, grown or fixed against a baseline; fail for what is new or grown
    Check {
        /// The baseline
        #[arg(value_name = "FILE")]
        file: PathBuf,
        #[command(flatten)]
        images: Images,
        /// What to print
        #[arg(long, value_name = "FORMAT", value_enum, default_value_t = Format::Text)]
        format: Format,
        #[command(flatten)]
        zero: exit::Zero,
    },
}

#[derive(Debug, clap::Args)]
struct Images {
    /// Images, folders that hold images, or reports in JSON
    #[arg(required = true, value_name = "IMAGE|DIR|JSON")]
    inputs: Vec<PathBuf>,
    /// Leaks not to look at, in LeakSanitizer's syntax, besides those that were recorded with
    #[arg(long, value_name = "FILE")]
    suppressions: Vec<PathBuf>,
    /// Also look at what runtimes hold for the life of the process
    #[arg(long)]
    no_builtin_suppressions: bool,
}

impl Images {
    fn read(&self) -> anyhow::Result<Report> {
        let known = known::Args {
            suppressions: self.suppressions.clone(),
            no_builtin_suppressions: self.no_builtin_suppressions,
            known_leaks: Vec::new(),
            baseline: None,
        };
        let mut report = inputs::read_whole(&self.inputs, &known)?;
        report.redact(false)?;
        Ok(report)
    }
}

/// Writes or checks, and returns the exit code.
pub(crate) fn baseline(arguments: &Args) -> anyhow::Result<u8> {
    match &arguments.command {
        Command::Write { file, images } => {
            let report = images.read()?;
            if !report.baselines.is_empty() {
                bail!(
                    "a report that was compared with a baseline lacks what that knows: name its \
                     images"
                );
            }
            let baseline = Baseline::of(&report);
            write(file, &baseline.text())?;
            let sites = counted(baseline.len() as u64, "known site");
            let file = file.display();
            output::print_aside(&format!("{sites} written to {file}\n"));
            Ok(exit::CLEAN)
        }
        Command::Check {
            file,
            images,
            format,
            zero,
        } => {
            let baseline = Baseline::read(&standard_input::or_kept(file)?)?;
            let report = images.read()?;
            let comparison = Comparison::of(&baseline, &report);
            Ok(zero.of(conclude(&comparison, &report, *format)?))
        }
    }
}

/// Writes the baseline to the file, in place of an older one.
fn write(file: &Path, text: &str) -> anyhow::Result<()> {
    if standard_input::is_dash(file) {
        return output::print(text);
    }
    let is_other = fs::metadata(file).is_ok_and(|it| it.is_file() && it.len() > 0)
        && Baseline::read(file).is_err();
    if is_other {
        let file = file.display();
        bail!("`{file}` is there and is no baseline: name another file, or take it away");
    }
    output::replace_file(file, text.as_bytes())
        .with_context(|| format!("cannot write the baseline to `{}`", file.display()))
}
