//! `hackleak diff`: what has changed from one run to another.

use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::ValueEnum;
use hackleak_report::baseline::{Baseline, Comparison};
use hackleak_report::{Report, Verdict, render};

use crate::{exit, inputs, judged, known, output, standard_input};

const NOTES: &str = "\
Sites are found again by the names of their frames, not by addresses or lines, so runs of \
different builds can be compared. All processes of a run are counted together.

Examples:
  hackleak diff last-week/hackleak-out hackleak-out
  hackleak diff main.json branch.json --format json

Exit codes:
  0   nothing new, nothing grown
  1   wrong usage, or unreadable input
  23  a site is new or has grown
  24  nothing new was seen, but a record is incomplete";

#[derive(Debug, clap::Args)]
#[command(after_help = NOTES)]
pub(crate) struct Args {
    /// An image, a folder of images, a report in JSON, or a baseline
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// An image, a folder of images, or a report in JSON
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// What to print
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = Format::Text)]
    format: Format,
    #[command(flatten)]
    zero: exit::Zero,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Text,
    Json,
}

/// Compares and returns the exit code.
pub(crate) fn diff(arguments: &Args) -> anyhow::Result<u8> {
    let (old, new) = (
        standard_input::or_kept(&arguments.old)?,
        standard_input::or_kept(&arguments.new)?,
    );
    let old = match is_baseline(&old) {
        true => Baseline::read(&old)?,
        false => Baseline::of(&read(&old)?),
    };
    let new = read(&new)?;
    let code = conclude(&Comparison::of(&old, &new), &new, arguments.format)?;
    Ok(arguments.zero.of(code))
}

/// Prints a comparison and returns its exit code.
pub(crate) fn conclude(
    comparison: &Comparison,
    new: &Report,
    format: Format,
) -> anyhow::Result<u8> {
    output::print(&match format {
        Format::Text => render::diff(comparison),
        Format::Json => render::json(comparison)?,
    })?;
    let worse = comparison.is_worse();
    // What leaks as before is known; what else the report says counts as ever.
    let mut rest = new.clone();
    for process in &mut rest.processes {
        if process.verdict == Verdict::Leaks {
            process.verdict = process.verdict_without_leaks;
        }
    }
    let code = judged::judged(&rest);
    Ok(if worse { exit::LEAKS } else { code })
}

fn read(input: &Path) -> anyhow::Result<Report> {
    let mut report = inputs::read_whole(&[input.to_owned()], &known::Args::default())?;
    report.redact(false)?;
    if !report.baselines.is_empty() {
        bail!(
            "`{}` was compared with a baseline and lacks what that knows: name its images",
            input.display()
        );
    }
    Ok(report)
}

/// Whether the file says of itself that it is a baseline.
fn is_baseline(file: &Path) -> bool {
    inputs::is_json(file)
        && std::fs::read_to_string(file).is_ok_and(|text| {
            text.trim_start()[1..]
                .trim_start()
                .starts_with("\"hackleakBaseline\"")
        })
}
