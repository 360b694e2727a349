//! The report as the page's script reads it: columns of numbers into one table of strings.
//!
//! A stack is a path in a tree that all sites share, from the root (node 0) to its innermost
//! frame; a parent always has a smaller number than its children. That is the flame graph as
//! well, and 100,000 sites stay a few megabytes.

mod tables;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use crate::merge;
use crate::model::{
    Assertion, Checkpoint, InvalidFree, Kind, Module, Process, Report, Site, TimelinePoint, Tool,
};
use crate::numbers::BLOCK;
use crate::stable::{Identity, library_name, stable_path};
use tables::{Frames, Side, Tables};

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
    blocks: Vec<u64>,
    kind: Vec<u32>,
    threads: Vec<u32>,
    scope: Vec<u32>,
    /// Name, bytes and blocks of each scope, by the number of the site; where there are several.
    scopes: BTreeMap<usize, Vec<(u32, u64, u64)>>,
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
    leaked_blocks: u64,
    sites: usize,
    notes: Vec<Cow<'report, str>>,
    checkpoints: &'report [Checkpoint],
    assertions: &'report [Assertion],
    timeline: Timeline,
    modules: Vec<Library<'report>>,
    runtime_modules: usize,
    invalid_frees: Vec<InvalidFreeData<'report>>,
}

/// A library under test.
#[derive(Serialize)]
struct Library<'report> {
    /// The file's name without digits that are others in each run.
    name: Cow<'report, str>,
    /// The same of the whole path.
    place: Cow<'report, str>,
    #[serde(flatten)]
    module: &'report Module,
}

/// The timeline by columns: µs since the start, bytes, blocks.
#[derive(Default, Serialize)]
struct Timeline {
    at: Vec<u64>,
    bytes: Vec<u64>,
    blocks: Vec<u64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct InvalidFreeData<'report> {
    problem: crate::model::InvalidFreeKind,
    sentence: String,
    count: u64,
    kind: &'report str,
    freed: u32,
    allocated: u32,
}

/// What the process had in memory, and the notes.
pub(super) fn notes(process: &Process) -> Vec<Cow<'_, str>> {
    let memory = process.memory.as_ref();
    let memory = memory.map(|memory| Cow::from(format!("memory: {}", memory.sentence())));
    let notes = process.notes.iter().map(Cow::from);
    memory.into_iter().chain(notes).collect()
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
        self.blocks.push(site.blocks);
        self.kind.push(tables.string(site.kind.name()));
        self.threads.push(tables.threads(site));
        self.scope
            .push(tables.string(site.scope.as_deref().unwrap_or_default()));
        if !site.scopes.is_empty() {
            let parts = site.scopes.iter();
            let parts = parts.map(|part| (tables.string(&part.scope), part.bytes, part.blocks));
            self.scopes.insert(self.stacks.len(), parts.collect());
        }
        if let Some(holder) = &site.holder {
            let grows = site
                .growth
                .map(|growth| format!(" ({})", growth.sentence()));
            let held = holder.sentence() + &grows.unwrap_or_default();
            self.holder.insert(self.stacks.len(), held);
        }
        if !site.epochs.is_empty() {
            let parts = site.epochs.iter();
            let parts = parts.map(|part| (part.epoch, part.blocks, part.bytes));
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
    let modules: Vec<Library> = under_test
        .filter(|module| module.coverage.is_some())
        .map(|module| Library {
            name: library_name(&module.path),
            place: stable_path(&module.path),
            module,
        })
        .collect();
    let invalid_frees = process.invalid_frees.iter();
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
        leaked_blocks: process.leaks.blocks,
        sites: process.leaks.sites.len(),
        notes: notes(process),
        checkpoints: &process.checkpoints,
        assertions: &process.assertions,
        timeline: Timeline::of(&process.timeline),
        runtime_modules: process.modules.len() - modules.len(),
        modules,
        invalid_frees: invalid_frees
            .map(|invalid_free| invalid_free_data(invalid_free, tables))
            .collect(),
    }
}

fn invalid_free_data<'report>(
    invalid_free: &'report InvalidFree,
    tables: &mut Tables<'report>,
) -> InvalidFreeData<'report> {
    InvalidFreeData {
        problem: invalid_free.problem,
        sentence: invalid_free.sentence(),
        count: invalid_free.count,
        kind: invalid_free.kind.name(),
        freed: tables.stack(&invalid_free.freed),
        allocated: tables.stack(&invalid_free.allocated),
    }
}

impl Timeline {
    fn of(points: &[TimelinePoint]) -> Timeline {
        let mut timeline = Timeline::default();
        for point in points {
            timeline.at.push(point.at_ns / 1000);
            timeline.bytes.push(point.bytes);
            timeline.blocks.push(point.blocks);
        }
        timeline
    }
}
