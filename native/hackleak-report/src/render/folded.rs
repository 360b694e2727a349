//! Folded stacks: one line per stack, the outermost frame first, `;` between frames, and a number
//! at the end. What flame graph tools read (Gregg's `flamegraph.pl`, inferno, async-profiler's
//! converter, speedscope).
//!
//! What is missing from the record is a line without weight, which no drawing shows: comments are
//! not part of the format.
//!
//! Java frames end in `_[j]` and inlined native ones in `_[i]`, by which those tools colour.

use std::collections::BTreeMap;

use super::caption;
use crate::model::{Frame, Report};

/// What the numbers are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Weight {
    /// Bytes leaked.
    #[default]
    Bytes,
    /// Blocks leaked.
    Blocks,
}

/// The leaks as folded stacks, sorted. With several processes, each stack begins with its own.
pub fn folded(report: &Report, weight: Weight) -> String {
    let mut stacks: BTreeMap<String, u64> = BTreeMap::new();
    for process in &report.processes {
        for site in &process.leaks.sites {
            let mut frames: Vec<String> = Vec::with_capacity(site.frames.len() + 1);
            if report.processes.len() > 1 {
                frames.push(plain(&caption::process(process)));
            }
            frames.extend(site.frames.iter().rev().map(name));
            let number = match weight {
                Weight::Bytes => site.bytes,
                Weight::Blocks => site.blocks,
            };
            let sum = stacks.entry(frames.join(";")).or_default();
            *sum = sum.saturating_add(number);
        }
    }
    let missing = report
        .incomplete()
        .into_iter()
        .map(|cause| (format!("[incomplete record: {}]", cause.code()), 0));
    missing
        .chain(stacks)
        .map(|(stack, number)| format!("{stack} {number}\n"))
        .collect()
}

fn name(frame: &Frame) -> String {
    let mark = match frame {
        Frame::Java(_) => "_[j]",
        Frame::Native(native) if native.inlined => "_[i]",
        Frame::Native(_) | Frame::Mark { .. } => "",
    };
    format!("{}{mark}", plain(&caption::frame(frame)))
}

/// A name that ends neither its frame nor its line.
fn plain(name: &str) -> String {
    name.chars()
        .map(|character| match character {
            ';' => ':',
            character if character.is_control() => ' ',
            character => character,
        })
        .collect()
}
