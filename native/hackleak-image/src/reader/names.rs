//! Records with their texts resolved.

use std::ops::Range;

use bytemuck::AnyBitPattern;

use super::damage::Damage;
use super::open::Image;
use crate::Ownership;
use crate::layout::{
    Assertion, Cause, Check, Checkpoint, Context, InvalidFree, Method, Module, Outcome, Point,
    Scope, SegmentKind, Thread, kept_name, module_flags, state,
};

/// The longest name in bytes, as class files limit it; also for paths.
pub(super) const MAX_NAME: usize = u16::MAX as usize;
/// The longest command line, options text or line table that is read, in bytes.
const MAX_TEXT: usize = 1 << 20;

/// A loaded module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadedModule {
    /// Its index, by which frames name it.
    pub index: u32,
    /// Path as the loader knew it.
    pub path: String,
    /// The GNU build-id, empty when there is none.
    pub build_id: Vec<u8>,
    /// See [`module_flags`].
    pub flags: u32,
    /// The name of a copy that the process may have kept: see [`kept_name`].
    pub kept: String,
    /// Load bias: address in the process less address in the file.
    pub bias: u64,
    /// Where it was mapped in the process.
    pub mapped: Range<u64>,
}

impl LoadedModule {
    /// Whether this is HackLeak's own library.
    pub fn is_recorder(&self) -> bool {
        self.flags & module_flags::RECORDER != 0
    }

    /// The build-id in lower-case hexadecimal digits.
    pub fn build_id_hex(&self) -> String {
        self.build_id
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

/// A Java method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JavaMethod {
    /// Class as Java names it: `java.util.HashMap$Node`.
    pub class: String,
    /// Method name.
    pub name: String,
    /// JVM signature.
    pub signature: String,
    /// Source file, or empty.
    pub file: String,
    /// First byte-code index and line.
    pub lines: Vec<(u16, u16)>,
}

impl JavaMethod {
    /// The line of the byte code at `bci`: that of the last entry that starts at or before it.
    pub fn line(&self, bci: u16) -> Option<u16> {
        let before = self.lines.iter().filter(|(start, _)| *start <= bci);
        before
            .max_by_key(|(start, _)| *start)
            .map(|(_, line)| *line)
    }
}

/// A thread.
#[derive(Debug, Clone)]
pub struct ThreadRecord {
    /// Its index, by which contexts name it.
    pub index: u32,
    /// Name as the kernel knew it, at most 15 bytes.
    pub name: String,
    /// Everything else about it.
    pub record: Thread,
}

/// A checkpoint.
#[derive(Debug, Clone)]
pub struct CheckpointRecord {
    /// Label, or empty.
    pub label: String,
    /// Everything else about it.
    pub record: Checkpoint,
}

/// An assertion that has ended.
#[derive(Debug, Clone)]
pub struct AssertionRecord {
    /// What became of it.
    pub outcome: Outcome,
    /// What kind of assertion it was.
    pub check: Check,
    /// The label of its checkpoint, or empty.
    pub label: String,
    /// What went wrong, for [`Outcome::Error`]; else empty.
    pub detail: String,
    /// Everything else about it.
    pub record: Assertion,
}

impl Image {
    /// Counts the records that must be there and are not, in [`Image::damage`]: in all tables
    /// whose records are looked at one after the other. Nodes and contexts are counted when they
    /// are asked for, because a killed process may have left some that nothing names; here, only
    /// by the page. A process reserves the nodes of a whole stack before it writes them, so of one
    /// that did not end only the first page of nodes is sure to have some.
    pub fn check_records(&self) {
        let contexts = self.blank_pages(SegmentKind::Contexts, 0);
        let nodes = self.blank_pages(SegmentKind::Nodes, 0);
        let reserved = match self.header.state {
            state::FINISHED => 0,
            _ => self.blank_pages(SegmentKind::Nodes, 1),
        };
        self.damage
            .add(Damage::BlankRecord, contexts + nodes - reserved);
        self.check::<Thread>(SegmentKind::Threads, |thread| thread.tid != 0);
        self.check::<Module>(SegmentKind::Modules, |module| module.end != 0);
        self.check::<Scope>(SegmentKind::Scopes, |scope| scope.written != 0);
        self.check::<Checkpoint>(SegmentKind::Checkpoints, |checkpoint| checkpoint.epoch != 0);
        self.check::<InvalidFree>(SegmentKind::InvalidFrees, |invalid_free| {
            invalid_free.problem != 0
        });
        self.check::<Point>(SegmentKind::Points, |point| point.unix_ns != 0);
        self.check::<Assertion>(SegmentKind::Assertions, |ended| ended.outcome != 0);
    }

    fn check<T: AnyBitPattern>(&self, kind: SegmentKind, is_written: impl Fn(&T) -> bool) {
        let blank = (0..self.records::<T>(kind))
            .filter_map(|index| self.record(kind, index))
            .filter(|record| !is_written(record))
            .count();
        self.damage.add(Damage::BlankRecord, blank as u64);
    }

    /// Path of the executable.
    pub fn exe(&self) -> String {
        self.text(self.header.exe, MAX_NAME)
    }

    /// The arguments of the process, its name first.
    pub fn command(&self) -> Vec<String> {
        let bytes = self.blob(self.header.command, MAX_TEXT);
        let ended = bytes.strip_suffix(&[0]).unwrap_or(&bytes);
        if ended.is_empty() {
            return Vec::new();
        }
        ended
            .split(|byte| *byte == 0)
            .map(|arg| String::from_utf8_lossy(arg).into())
            .collect()
    }

    /// The folder in which the process worked when its recording began; empty when nobody knows.
    pub fn folder(&self) -> String {
        self.text(self.header.folder, MAX_NAME)
    }

    /// Where in the recorder an error of its own stopped the recording; empty when none did.
    pub fn stopped_at(&self) -> String {
        self.text(self.header.stopped_at, MAX_TEXT)
    }

    /// The options of the process in their text form.
    pub fn options(&self) -> String {
        self.text(self.header.options, MAX_TEXT)
    }

    /// Context `index`; `None` for 0 and for one that was not there yet.
    pub fn context(&self, index: u32) -> Option<Context> {
        if index == 0 {
            return None;
        }
        let found: Context = self.record(SegmentKind::Contexts, index.into())?;
        // Contexts are written before anything names them.
        self.damage
            .add(Damage::BlankRecord, (found.epoch == 0).into());
        (found.epoch != 0).then_some(found)
    }

    /// Thread `index`; `None` for one that was not there yet.
    pub fn thread(&self, index: u32) -> Option<ThreadRecord> {
        let record: Thread = self.record(SegmentKind::Threads, index.into())?;
        let name = record
            .name
            .split(|byte| *byte == 0)
            .next()
            .unwrap_or_default();
        let name = String::from_utf8_lossy(name).into_owned();
        (record.tid != 0).then_some(ThreadRecord {
            index,
            name,
            record,
        })
    }

    /// Every thread.
    pub fn threads(&self) -> impl Iterator<Item = ThreadRecord> {
        let count = self.records::<Thread>(SegmentKind::Threads) as u32;
        (0..count).filter_map(|index| self.thread(index))
    }

    /// Module `index`.
    pub fn module(&self, index: u32) -> Option<LoadedModule> {
        let module: Module = self.record(SegmentKind::Modules, index.into())?;
        let length = (module.build_id_len as usize).min(module.build_id.len());
        let path = self.text(module.path, MAX_NAME);
        let build_id = module.build_id[..length].to_vec();
        Some(LoadedModule {
            index,
            path,
            kept: kept_name(&build_id, self.header.start_unix_ns, self.header.pid, index),
            build_id,
            flags: module.flags,
            bias: module.bias,
            mapped: module.start..module.end,
        })
    }

    /// Every module that was written in full.
    pub fn modules(&self) -> impl Iterator<Item = LoadedModule> {
        let count = self.records::<Module>(SegmentKind::Modules) as u32;
        (0..count)
            .filter_map(|index| self.module(index))
            .filter(|module| !module.path.is_empty())
    }

    /// Java method `index`.
    pub fn method(&self, index: u32) -> Option<JavaMethod> {
        let method: Method = self.record(SegmentKind::Methods, index.into())?;
        let lines = self.blob(method.lines, MAX_TEXT);
        let number = |bytes: &[u8]| u16::from_le_bytes([bytes[0], bytes[1]]);
        Some(JavaMethod {
            class: self.text(method.class, MAX_NAME),
            name: self.text(method.name, MAX_NAME),
            signature: self.text(method.signature, MAX_NAME),
            file: self.text(method.file, MAX_NAME),
            lines: lines
                .chunks_exact(4)
                .map(|at| (number(at), number(&at[2..])))
                .collect(),
        })
    }

    /// The name of scope `index`; `None` for 0, which is no scope.
    pub fn scope(&self, index: u32) -> Option<String> {
        if index == 0 {
            return None;
        }
        let scope: Scope = self.record(SegmentKind::Scopes, index.into())?;
        Some(self.text(scope.name, MAX_NAME))
    }

    /// The epoch in which a scope was closed; `None` while it is open.
    pub fn scope_closed(&self, index: u32) -> Option<u32> {
        let scope: Scope = self.record(SegmentKind::Scopes, index.into())?;
        (index != 0 && scope.closed != 0).then_some(scope.closed)
    }

    /// Whether what was done in `context` has this ownership; `scope` is the one that was asked
    /// for, or 0.
    pub fn has_ownership(&self, ownership: Ownership, scope: u32, context: &Context) -> bool {
        ownership.selects(
            scope,
            context,
            |index| self.record(SegmentKind::Scopes, index.into()),
            |index| {
                let thread: Option<Thread> = self.record(SegmentKind::Threads, index.into());
                thread
                    .filter(|_| index != 0)
                    .map_or(0, |thread| thread.ended)
            },
        )
    }

    /// Every invalid free that was noted in full, in the order in which they were noted.
    pub fn invalid_frees(&self) -> impl Iterator<Item = InvalidFree> {
        let count = self.records::<InvalidFree>(SegmentKind::InvalidFrees);
        (0..count).filter_map(|index| {
            let invalid_free: InvalidFree = self.record(SegmentKind::InvalidFrees, index)?;
            (invalid_free.problem != 0).then_some(invalid_free)
        })
    }

    /// The timeline: every point that was written in full, with its cause. The order is that in
    /// which their places were taken, which is that of time but for moments.
    pub fn points(&self) -> impl Iterator<Item = (Cause, Point)> {
        let count = self.records::<Point>(SegmentKind::Points);
        (0..count).filter_map(|index| {
            let point: Point = self.record(SegmentKind::Points, index)?;
            let cause = Cause::from_number(point.cause)?;
            (point.unix_ns != 0).then_some((cause, point))
        })
    }

    /// Every assertion whose outcome was written, in the order in which they ended.
    pub fn assertions(&self) -> impl Iterator<Item = AssertionRecord> {
        let count = self.records::<Assertion>(SegmentKind::Assertions);
        (0..count).filter_map(|index| {
            let record: Assertion = self.record(SegmentKind::Assertions, index)?;
            Some(AssertionRecord {
                outcome: Outcome::from_number(record.outcome)?,
                check: Check::from_number(record.check)?,
                label: self.text(record.label, MAX_NAME),
                detail: self.text(record.detail, MAX_NAME),
                record,
            })
        })
    }

    /// Every checkpoint that was written in full, in the order in which they were taken.
    pub fn checkpoints(&self) -> impl Iterator<Item = CheckpointRecord> {
        let count = self.records::<Checkpoint>(SegmentKind::Checkpoints);
        (0..count).filter_map(|index| {
            let record: Checkpoint = self.record(SegmentKind::Checkpoints, index)?;
            let label = self.text(record.label, MAX_NAME);
            (record.epoch != 0).then_some(CheckpointRecord { label, record })
        })
    }
}
