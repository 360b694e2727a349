//! The report as the page's script reads it: columns of numbers into one table of strings.
//!
//! A stack is a path in a tree that all sites share, from the root (node 0) to its innermost
//! frame; a parent always has a smaller number than its children. That is the flame graph as
//! well, and 100,000 sites stay a few megabytes.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use crate::merge;
use crate::model::{
    Assertion, Checkpoint, Finding, Frame, Kind, Module, Process, Report, Site, TimelinePoint, Tool,
};
use crate::numbers::BLOCK;
use crate::render::fold::framework_frames;
use crate::render::names;
use crate::stable::{Identity, library_name};

/// What stands for the frames that only say how a test was started.
const FRAMEWORK: &str = "test framework";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Data<'report> {
    tool: &'report Tool,
    strings: Vec<String>,
    frames: Frames,
    nodes: Nodes,
    sites: Sites<'report>,
    /// What is counted, for the kinds that are no blocks.
    nouns: BTreeMap<&'static str, &'static str>,
    processes: Vec<Overview<'report>>,
}

/// What a frame is; the script has the same numbers.
#[derive(Clone, Copy)]
enum Side {
    Native = 0,
    Java = 1,
    Mark = 2,
    Framework = 3,
}

/// Frames by number. Texts are numbers of strings.
#[derive(Default, Serialize)]
struct Frames {
    side: Vec<u8>,
    /// The name to show.
    name: Vec<u32>,
    /// The whole name.
    full: Vec<u32>,
    /// `file:line`, `Native Method`, or empty.
    place: Vec<u32>,
    /// Path of the module, for native frames.
    module: Vec<u32>,
    /// Address in the module's file, for native frames.
    offset: Vec<u32>,
    inlined: Vec<u8>,
}

#[derive(Serialize)]
struct Nodes {
    parent: Vec<u32>,
    frame: Vec<u32>,
}

/// Sites by number, most bytes of a process first.
#[derive(Default, Serialize)]
struct Sites<'report> {
    process: Vec<u32>,
    node: Vec<u32>,
    bytes: Vec<u64>,
    count: Vec<u64>,
    kind: Vec<u32>,
    threads: Vec<u32>,
    scope: Vec<u32>,
    stacks: Vec<u64>,
    /// The row of the table: the same for one site in several processes.
    row: Vec<u32>,
    /// By what a link names it, the same after a rebuild.
    id: Vec<u32>,
    /// Epoch, blocks and bytes of a site's parts, by the number of the site.
    epochs: BTreeMap<usize, Vec<(u32, u64, u64)>>,
    /// What handles stand for, by the number of the site.
    names: BTreeMap<usize, &'report [String]>,
    /// Who holds a site's blocks, by the number of the site; only where somebody does.
    holder: BTreeMap<usize, String>,
    /// Frames and one; 0 for none.
    java: Vec<u32>,
    native: Vec<u32>,
}

/// A process without its sites.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Overview<'report> {
    pid: u32,
    exe: &'report str,
    command: String,
    folder: &'report str,
    revision: Option<&'report str>,
    start_ms: u64,
    state: crate::model::State,
    verdict: crate::model::Verdict,
    image: String,
    options: &'report str,
    tracked: String,
    allocations: u64,
    leaked_bytes: u64,
    leaked_count: u64,
    sites: usize,
    notes: &'report [String],
    checkpoints: &'report [Checkpoint],
    assertions: &'report [Assertion],
    timeline: Timeline,
    modules: Vec<&'report Module>,
    runtime_modules: usize,
    findings: Vec<Wrong<'report>>,
}

/// The timeline by columns: µs since the start, bytes, blocks.
#[derive(Default, Serialize)]
struct Timeline {
    at: Vec<u64>,
    bytes: Vec<u64>,
    count: Vec<u64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Wrong<'report> {
    problem: crate::model::Problem,
    sentence: String,
    count: u64,
    kind: &'report str,
    freed: u32,
    allocated: u32,
}

impl Data<'_> {
    pub(super) fn of(report: &Report) -> Data<'_> {
        let mut tables = Tables::default();
        tables.string("");
        tables.nodes.push((0, 0));
        tables.mark("all", Side::Mark);
        let mut sites = Sites::default();
        let mut rows = merge::rows(report).into_iter();
        let mut ids = Ids::default();
        for (number, process) in report.processes.iter().enumerate() {
            for site in &process.leaks.sites {
                let row = rows.next().unwrap_or_default();
                sites.row.push(row as u32);
                sites.id.push(tables.string(ids.of(row, site)));
                sites.push(number, site, &mut tables);
            }
        }
        let processes = report
            .processes
            .iter()
            .map(|process| overview(process, &mut tables))
            .collect();
        Data {
            tool: &report.tool,
            nouns: Kind::ALL
                .iter()
                .filter(|kind| kind.noun() != BLOCK)
                .map(|kind| (kind.name(), kind.noun()))
                .collect(),
            processes,
            sites,
            nodes: Nodes {
                parent: tables.nodes.iter().map(|(parent, _)| *parent).collect(),
                frame: tables.nodes.iter().map(|(_, frame)| *frame).collect(),
            },
            frames: tables.frames,
            strings: tables.strings,
        }
    }
}

/// The names of rows in links.
#[derive(Default)]
struct Ids {
    rows: HashMap<usize, String>,
    /// How many rows have the same fingerprint: those whose frames have no names.
    same: HashMap<String, u32>,
}

impl Ids {
    fn of(&mut self, row: usize, site: &Site) -> &str {
        let Ids { rows, same } = self;
        rows.entry(row).or_insert_with(|| {
            let print = Identity::of(site).fingerprint();
            let number = same.entry(print.clone()).or_default();
            *number += 1;
            match *number {
                1 => print,
                number => format!("{print}-{number}"),
            }
        })
    }
}

impl<'report> Sites<'report> {
    fn push(&mut self, process: usize, site: &'report Site, tables: &mut Tables<'report>) {
        let owner = |frame: Option<u32>, tables: &mut Tables<'report>| {
            let frame = frame.and_then(|index| site.frames.get(index as usize));
            frame.map_or(0, |frame| tables.frame(frame) + 1)
        };
        let java = owner(
            site.owner.as_ref().and_then(|owner| owner.java_frame),
            tables,
        );
        let native = owner(
            site.owner.as_ref().and_then(|owner| owner.native_frame),
            tables,
        );
        self.process.push(process as u32);
        self.node.push(tables.stack(&site.frames));
        self.bytes.push(site.bytes);
        self.count.push(site.count);
        self.kind.push(tables.string(site.kind.name()));
        self.threads.push(tables.threads(site));
        self.scope
            .push(tables.string(site.scope.as_deref().unwrap_or_default()));
        if let Some(holder) = &site.holder {
            let grows = site
                .growth
                .map(|growth| format!(" ({})", growth.sentence()));
            let held = holder.sentence() + &grows.unwrap_or_default();
            self.holder.insert(self.stacks.len(), held);
        }
        if !site.epochs.is_empty() {
            let parts = site.epochs.iter();
            let parts = parts.map(|part| (part.epoch, part.count, part.bytes));
            self.epochs.insert(self.stacks.len(), parts.collect());
        }
        if !site.names.is_empty() {
            self.names.insert(self.stacks.len(), &site.names);
        }
        self.stacks.push(site.stacks);
        self.java.push(java);
        self.native.push(native);
    }
}

fn overview<'report>(process: &'report Process, tables: &mut Tables<'report>) -> Overview<'report> {
    let under_test = process.modules.iter();
    let modules: Vec<&Module> = under_test
        .filter(|module| module.coverage.is_some())
        .collect();
    let findings = process.findings.iter();
    Overview {
        pid: process.pid,
        exe: &process.exe,
        command: process.command.join(" "),
        folder: &process.folder,
        revision: process.revision.as_deref(),
        start_ms: process.start_unix_ns / 1_000_000,
        state: process.state,
        verdict: process.verdict,
        image: process.image.to_string_lossy().into_owned(),
        options: &process.options,
        tracked: crate::render::text::tracked(process),
        allocations: process.totals.allocations,
        leaked_bytes: process.leaks.bytes,
        leaked_count: process.leaks.count,
        sites: process.leaks.sites.len(),
        notes: &process.notes,
        checkpoints: &process.checkpoints,
        assertions: &process.assertions,
        timeline: Timeline::of(&process.timeline),
        runtime_modules: process.modules.len() - modules.len(),
        modules,
        findings: findings.map(|finding| wrong(finding, tables)).collect(),
    }
}

fn wrong<'report>(finding: &'report Finding, tables: &mut Tables<'report>) -> Wrong<'report> {
    Wrong {
        problem: finding.problem,
        sentence: finding.sentence(),
        count: finding.count,
        kind: finding.kind.name(),
        freed: tables.stack(&finding.freed),
        allocated: tables.stack(&finding.allocated),
    }
}

impl Timeline {
    fn of(points: &[TimelinePoint]) -> Timeline {
        let mut timeline = Timeline::default();
        for point in points {
            timeline.at.push(point.at_ns / 1000);
            timeline.bytes.push(point.bytes);
            timeline.count.push(point.count);
        }
        timeline
    }
}

/// Strings, frames and nodes by number, each once.
#[derive(Default)]
struct Tables<'report> {
    strings: Vec<String>,
    string_numbers: HashMap<String, u32>,
    frames: Frames,
    frame_numbers: HashMap<&'report Frame, u32>,
    framework: Option<u32>,
    nodes: Vec<(u32, u32)>,
    node_numbers: HashMap<(u32, u32), u32>,
    thread_numbers: HashMap<&'report [crate::model::Thread], u32>,
}

impl<'report> Tables<'report> {
    fn string(&mut self, text: &str) -> u32 {
        if let Some(number) = self.string_numbers.get(text) {
            return *number;
        }
        let number = self.strings.len() as u32;
        self.strings.push(text.to_owned());
        self.string_numbers.insert(text.to_owned(), number);
        number
    }

    fn threads(&mut self, site: &'report Site) -> u32 {
        if let Some(number) = self.thread_numbers.get(&*site.threads) {
            return *number;
        }
        let name = |thread: &crate::model::Thread| match thread.name.is_empty() {
            true => thread.tid.to_string(),
            false => format!("{} ({})", thread.name, thread.tid),
        };
        let names: Vec<String> = site.threads.iter().map(name).collect();
        let number = self.string(&names.join(", "));
        self.thread_numbers.insert(&site.threads, number);
        number
    }

    /// The node of a stack, whose frames come innermost first.
    fn stack(&mut self, frames: &'report [Frame]) -> u32 {
        let folded = framework_frames(frames);
        let mut node = 0;
        if folded > 0 {
            let framework = match self.framework {
                Some(framework) => framework,
                None => self.mark(FRAMEWORK, Side::Framework),
            };
            self.framework = Some(framework);
            node = self.child(node, framework);
        }
        for frame in frames[..frames.len() - folded].iter().rev() {
            let frame = self.frame(frame);
            node = self.child(node, frame);
        }
        node
    }

    fn child(&mut self, parent: u32, frame: u32) -> u32 {
        let next = self.nodes.len() as u32;
        let number = *self.node_numbers.entry((parent, frame)).or_insert(next);
        if number == next {
            self.nodes.push((parent, frame));
        }
        number
    }

    fn mark(&mut self, text: &str, side: Side) -> u32 {
        let name = self.string(text);
        self.push(side, [name, name, 0, 0, 0], false)
    }

    fn push(&mut self, side: Side, texts: [u32; 5], inlined: bool) -> u32 {
        let [name, full, place, module, offset] = texts;
        let frames = &mut self.frames;
        frames.side.push(side as u8);
        frames.name.push(name);
        frames.full.push(full);
        frames.place.push(place);
        frames.module.push(module);
        frames.offset.push(offset);
        frames.inlined.push(inlined.into());
        frames.side.len() as u32 - 1
    }

    fn frame(&mut self, frame: &'report Frame) -> u32 {
        if let Some(number) = self.frame_numbers.get(frame) {
            return *number;
        }
        let number = match frame {
            Frame::Mark { text } => self.mark(text, Side::Mark),
            Frame::Java(java) => {
                let name = self.string(&format!("{}.{}", java.class, java.method));
                let place = match (java.native, &java.file, java.line) {
                    (true, _, _) => "Native Method".to_owned(),
                    (_, Some(file), Some(line)) => format!("{file}:{line}"),
                    (_, Some(file), None) => file.clone(),
                    _ => String::new(),
                };
                let place = self.string(&place);
                self.push(Side::Java, [name, name, place, 0, 0], false)
            }
            Frame::Native(native) => {
                let address = || format!("{}+{}", library_name(&native.module), native.offset);
                let full = native.function.clone().unwrap_or_else(address);
                let brief = names::brief(&full).into_owned();
                let place = match (&native.file, native.line) {
                    (Some(file), Some(line)) => format!("{file}:{line}"),
                    (Some(file), None) => file.clone(),
                    _ => String::new(),
                };
                let texts = [
                    self.string(&brief),
                    self.string(&full),
                    self.string(&place),
                    self.string(&native.module),
                    self.string(&native.offset),
                ];
                self.push(Side::Native, texts, native.inlined)
            }
        };
        self.frame_numbers.insert(frame, number);
        number
    }
}
