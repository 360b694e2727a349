//! Snapshots as text, for pipes and files.

use std::collections::HashMap;
use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use anyhow::anyhow;
use hackleak_image::reader::ProcessState;
use hackleak_report::numbers::{bytes, counted, thousands};

use super::names;
use super::order::Order;
use super::sample::{self, Sample};
use super::table::{History, Row};
use crate::output;

/// What is printed.
pub(super) struct Plan {
    pub(super) order: Order,
    /// Sites in a snapshot.
    pub(super) sites: usize,
    /// How many snapshots; as many as there are when nothing was said.
    pub(super) snapshots: Option<u64>,
}

/// Prints snapshots until the process ends, or as many as were asked for.
pub(super) fn print(path: &Path, interval: Duration, plan: &Plan) -> anyhow::Result<()> {
    let mut image = sample::open(path)?;
    let title = title(&image);
    let (samples, _stop) = sample::stream(path, interval);
    let mut history = History::default();
    let mut known: HashMap<u32, String> = HashMap::new();
    let mut left = plan.snapshots.unwrap_or(u64::MAX);
    for sample in samples {
        history.push(sample.map_err(|error| anyhow!("{error}"))?);
        let rows = history.rows(plan.order, plan.sites);
        let new: Vec<u32> = rows
            .iter()
            .map(|row| row.stack)
            .filter(|stack| !known.contains_key(stack))
            .collect();
        if !new.is_empty() {
            image.refresh().map_err(|error| anyhow!("{error}"))?;
            known.extend(names::full(&image, &new));
        }
        let Some(sample) = history.newest() else {
            continue;
        };
        let mut text = headline(&title, sample, &history);
        for row in &rows {
            let name = known.get(&row.stack).map_or("", String::as_str);
            let _ = writeln!(text, "{}", line(row, name));
        }
        text.push('\n');
        output::print(&text)?;
        left -= 1;
        if left == 0 || sample.state != ProcessState::Running {
            return Ok(());
        }
    }
    Ok(())
}

/// Program and process.
pub(super) fn title(image: &hackleak_image::Image) -> String {
    let exe = image.exe();
    let name = exe.rsplit('/').next().unwrap_or_default();
    names::printable(&format!("{name} {}", image.header().pid))
}

/// What has become of the process.
pub(super) fn state(sample: &Sample) -> &'static str {
    match sample.state {
        ProcessState::Running => "running",
        ProcessState::Finished => "finished",
        ProcessState::Killed => "killed or crashed",
    }
}

fn headline(title: &str, sample: &Sample, history: &History) -> String {
    let mut text = format!(
        "{title}, {}: {} live in {} at {}, {}/s",
        state(sample),
        bytes(sample.held.bytes),
        counted(sample.held.count, "block"),
        counted(sample.sites.len() as u64, "site"),
        signed(history.growth())
    );
    if let Some(newest) = sample.newest.last() {
        let _ = write!(
            text,
            "; {}, the newest `{}`",
            counted(sample.checkpoints as u64, "checkpoint"),
            names::printable(&newest.label)
        );
    }
    if sample.incomplete {
        text.push_str("; incomplete");
    }
    for line in sample.memory_lines() {
        let _ = write!(text, "\n{line}");
    }
    let _ = write!(
        text,
        "\n{:>14} {:>16} {:>12}  site\n",
        "bytes/s", "live bytes", "blocks"
    );
    text
}

fn line(row: &Row, name: &str) -> String {
    format!(
        "{:>14} {:>16} {:>12}  {name}",
        signed(row.growth),
        thousands(row.held.bytes),
        thousands(row.held.count)
    )
}

/// A rate with its sign and separated thousands.
pub(super) fn signed(rate: f64) -> String {
    let whole = rate.round();
    let number = thousands(whole.abs() as u64);
    match whole {
        _ if whole > 0.0 => format!("+{number}"),
        _ if whole < 0.0 => format!("-{number}"),
        _ => number,
    }
}
