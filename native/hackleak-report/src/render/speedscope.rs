//! The file format of speedscope (<https://www.speedscope.app/file-format-schema.json>): a list of
//! frames, and per process two sampled profiles, one by bytes and one by blocks.

use std::collections::HashMap;

use serde::Serialize;

use super::caption;
use crate::incomplete::Incomplete;
use crate::model::{Frame as StackFrame, Process, Report, Site};

const SCHEMA: &str = "https://www.speedscope.app/file-format-schema.json";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct File {
    #[serde(rename = "$schema")]
    schema: &'static str,
    name: String,
    exporter: String,
    active_profile_index: usize,
    shared: Shared,
    profiles: Vec<Profile>,
}

#[derive(Default, Serialize)]
struct Shared {
    frames: Vec<Frame>,
}

#[derive(Clone, PartialEq, Eq, Hash, Serialize)]
struct Frame {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Profile {
    #[serde(rename = "type")]
    kind: &'static str,
    name: String,
    unit: &'static str,
    start_value: u64,
    end_value: u64,
    samples: Vec<Vec<usize>>,
    weights: Vec<u64>,
}

/// The leaks for speedscope, ended by a newline.
///
/// # Errors
///
/// None that a report can cause; the signature is that of `serde_json`.
pub fn speedscope(report: &Report) -> serde_json::Result<String> {
    let mut frames = Frames::default();
    let mut profiles = Vec::new();
    for process in &report.processes {
        let samples: Vec<Vec<usize>> = process
            .leaks
            .sites
            .iter()
            .map(|site| {
                site.frames
                    .iter()
                    .rev()
                    .map(|frame| frames.index(frame))
                    .collect()
            })
            .collect();
        let of =
            |unit, what, weight: fn(&Site) -> u64| profile(process, unit, what, &samples, weight);
        profiles.push(of("bytes", "bytes leaked", |site| site.bytes));
        profiles.push(of("none", "blocks leaked", |site| site.blocks));
    }
    let causes: Vec<&str> = report
        .incomplete()
        .into_iter()
        .map(Incomplete::code)
        .collect();
    let missing = match causes.is_empty() {
        true => String::new(),
        false => format!(" (incomplete record: {})", causes.join(", ")),
    };
    let file = File {
        schema: SCHEMA,
        name: format!("Native memory leaks{missing}"),
        exporter: format!("{} {}", report.tool.name, report.tool.version),
        active_profile_index: 0,
        shared: Shared { frames: frames.all },
        profiles,
    };
    let mut text = serde_json::to_string(&file)?;
    text.push('\n');
    Ok(text)
}

fn profile(
    process: &Process,
    unit: &'static str,
    what: &str,
    samples: &[Vec<usize>],
    weight: fn(&Site) -> u64,
) -> Profile {
    let weights: Vec<u64> = process.leaks.sites.iter().map(weight).collect();
    Profile {
        kind: "sampled",
        name: format!("{}: {what}", caption::process(process)),
        unit,
        start_value: 0,
        end_value: weights
            .iter()
            .fold(0, |sum, weight| sum.saturating_add(*weight)),
        samples: samples.to_vec(),
        weights,
    }
}

/// Every frame once.
#[derive(Default)]
struct Frames {
    all: Vec<Frame>,
    known: HashMap<Frame, usize>,
}

impl Frames {
    fn index(&mut self, frame: &StackFrame) -> usize {
        let (file, line) = match frame {
            StackFrame::Java(java) => (java.file.clone(), java.line),
            StackFrame::Native(native) => (native.file.clone(), native.line),
            StackFrame::Mark { .. } => (None, None),
        };
        let language = match frame {
            StackFrame::Java(_) => " [Java]",
            StackFrame::Native(_) | StackFrame::Mark { .. } => "",
        };
        let frame = Frame {
            name: format!("{}{language}", caption::frame(frame)),
            line: line.filter(|_| file.is_some()),
            file,
        };
        *self.known.entry(frame).or_insert_with_key(|frame| {
            self.all.push(frame.clone());
            self.all.len() - 1
        })
    }
}
