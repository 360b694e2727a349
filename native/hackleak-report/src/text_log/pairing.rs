//! Which blocks of a log are live: allocations without a free after them.
//!
//! A `MALLOC` line names its thread, and with logs of this version the process as `PID:TID`; a
//! `FREE` line names neither. Where a file is shared, this version's recorder says the process in a
//! line before. Without that, a free belongs to the one process that holds the address, and to the
//! newest allocation where several do, which is counted.
//!
//! The stack follows its `MALLOC` line, mixed with lines of other threads. It is put together per
//! thread and kept only when the block is still live by then.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::lines::Line;
use super::record::{self, Record};
use super::stacks::{Stacks, Texts};

/// Stacks that are being put together, one per thread: more threads than that never allocate at
/// the same moment.
const MOST_PENDING: usize = 1 << 12;
/// Frames of one stack; the recorder writes at most 2,000 native ones.
const MOST_FRAMES: usize = 1 << 13;
/// Processes that are told apart; all later ones count as one.
const MOST_PROCESSES: usize = 1 << 12;
/// Bytes of the path of a program (`PATH_MAX`).
const MOST_PATH: usize = 1 << 12;
/// Names of threads that are kept.
const MOST_THREADS: usize = 1 << 16;

/// A live block.
#[derive(Debug, Clone, Copy)]
pub(super) struct Block {
    pub(super) size: u64,
    /// The line of its allocation, from 1.
    pub(super) line: u64,
    /// See [`Stacks`].
    pub(super) stack: u32,
    pub(super) thread: u32,
}

/// What was met on the way.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) lines: u64,
    pub(super) allocations: u64,
    pub(super) frees: u64,
    pub(super) other: u64,
    /// Lines that begin as a record does and are none.
    pub(super) damaged: u64,
    /// Allocations at an address that was live.
    pub(super) replaced: u64,
    /// Frees of an address that several processes held.
    pub(super) ambiguous: u64,
    /// Frees of an address that nobody held.
    pub(super) unpaired: u64,
    /// Allocations beyond the most live blocks.
    pub(super) unfollowed: u64,
    /// Stacks with a gap.
    pub(super) lost_frames: u64,
    /// Stacks beyond the most bytes.
    pub(super) lost_stacks: u64,
}

/// A process of the log. The first one stands for all that are not named.
#[derive(Debug, Default)]
pub(super) struct Process {
    pub(super) pid: u32,
    pub(super) exe: Option<Box<[u8]>>,
    pub(super) ended: bool,
}

/// What a log says at its end.
pub(super) struct Paired {
    pub(super) live: HashMap<(u32, u64), Block>,
    pub(super) processes: Vec<Process>,
    pub(super) stacks: Stacks,
    pub(super) threads: Texts,
    pub(super) count: Count,
}

/// A stack that is being put together.
struct Pending {
    key: (u32, u64),
    line: u64,
    frames: Vec<u32>,
    gap: bool,
    /// Frames were lost for want of room.
    lost: bool,
}

/// The state between two lines.
pub(super) struct Pairing {
    most_live: usize,
    live: HashMap<(u32, u64), Block>,
    processes: Vec<Process>,
    by_pid: HashMap<u32, u32>,
    stacks: Stacks,
    threads: Texts,
    pending: HashMap<Box<[u8]>, Pending>,
    /// Frame vectors that are used again.
    spare: Vec<Vec<u32>>,
    by: Option<u32>,
    count: Count,
}

impl Pairing {
    pub(super) fn new(most_live: usize) -> Pairing {
        Pairing {
            most_live,
            live: HashMap::new(),
            processes: vec![Process::default()],
            by_pid: HashMap::new(),
            stacks: Stacks::new(),
            threads: Texts::new(),
            pending: HashMap::new(),
            spare: Vec::new(),
            by: None,
            count: Count::default(),
        }
    }

    /// Takes in one line.
    pub(super) fn line(&mut self, line: &Line<'_>) {
        self.count.lines += 1;
        let record = record::parse(line.text);
        // The end of a cut line is missing, and with it what would tell that it is whole.
        let record = match record {
            Record::Other => Record::Other,
            _ if line.cut => Record::Damaged,
            record => record,
        };
        let by = self.by.take();
        match record {
            Record::Malloc {
                address,
                size,
                thread,
            } => self.malloc(address, size, thread),
            Record::Free { address } => self.free(address, by),
            Record::Trace {
                index,
                frame,
                thread,
            } => self.trace(index, frame, thread),
            Record::Start { pid, exe } => {
                let process = self.begin(pid);
                let exe = &exe[..exe.len().min(MOST_PATH)];
                self.processes[process as usize].exe = Some(exe.into());
            }
            Record::End { pid } => {
                let process = self.process(Some(pid));
                self.processes[process as usize].ended = true;
            }
            Record::By { pid } => self.by = Some(self.process(Some(pid))),
            Record::Damaged => self.count.damaged += 1,
            Record::Other => self.count.other += 1,
        }
    }

    pub(super) fn finish(mut self) -> Paired {
        for (_, pending) in std::mem::take(&mut self.pending) {
            self.settle(pending);
        }
        Paired {
            live: self.live,
            processes: self.processes,
            stacks: self.stacks,
            threads: self.threads,
            count: self.count,
        }
    }

    fn malloc(&mut self, address: u64, size: u64, thread: &[u8]) {
        self.count.allocations += 1;
        let process = self.process(record::process_of(thread));
        let key = (process, address);
        let full = self.live.len() >= self.most_live;
        let thread_number = match self.threads.find(thread) {
            Some(number) => number,
            None if self.threads.texts.len() < MOST_THREADS => self.threads.add(thread),
            None => 0,
        };
        let block = Block {
            size,
            line: self.count.lines,
            stack: 0,
            thread: thread_number,
        };
        match self.live.entry(key) {
            Entry::Occupied(mut entry) => {
                self.count.replaced += 1;
                entry.insert(block);
            }
            Entry::Vacant(_) if full => self.count.unfollowed += 1,
            Entry::Vacant(entry) => {
                entry.insert(block);
            }
        }
        self.expect_stack(key, thread);
    }

    /// The frames that this thread names next are those of the block at `key`.
    fn expect_stack(&mut self, key: (u32, u64), thread: &[u8]) {
        let new = Pending {
            key,
            line: self.count.lines,
            frames: self.spare.pop().unwrap_or_default(),
            gap: false,
            lost: false,
        };
        if let Some(place) = self.pending.get_mut(thread) {
            let before = std::mem::replace(place, new);
            self.settle(before);
            return;
        }
        if self.pending.len() >= MOST_PENDING {
            for (_, pending) in std::mem::take(&mut self.pending) {
                self.settle(pending);
            }
        }
        self.pending.insert(thread.into(), new);
    }

    fn trace(&mut self, index: u64, frame: &[u8], thread: &[u8]) {
        let Some(pending) = self.pending.get_mut(thread) else {
            return;
        };
        if index == 0 && !pending.frames.is_empty() {
            // A stack of something else: the thread's allocation has its own already.
            if let Some(pending) = self.pending.remove(thread) {
                self.settle(pending);
            }
            return;
        }
        if index != pending.frames.len() as u64 {
            pending.gap = true;
        }
        if pending.frames.len() < MOST_FRAMES {
            match self.stacks.frame(frame) {
                Some(number) => pending.frames.push(number),
                None => pending.lost = true,
            }
        } else {
            pending.gap = true;
        }
    }

    /// The stack is whole: its block gets it, if it is still live.
    fn settle(&mut self, mut pending: Pending) {
        let block = self.live.get_mut(&pending.key);
        if let Some(block) = block.filter(|block| block.line == pending.line) {
            match self.stacks.stack(&pending.frames) {
                Some(stack) if !pending.lost => {
                    block.stack = stack;
                    self.count.lost_frames += u64::from(pending.gap);
                }
                _ => self.count.lost_stacks += 1,
            }
        }
        if self.spare.len() < 64 {
            pending.frames.clear();
            self.spare.push(pending.frames);
        }
    }

    fn free(&mut self, address: u64, by: Option<u32>) {
        self.count.frees += 1;
        let holder = match by {
            Some(process) => Some(process),
            None => self.holder(address),
        };
        let found = holder.and_then(|process| self.live.remove(&(process, address)));
        self.count.unpaired += u64::from(found.is_none());
    }

    /// The process that an unnamed free belongs to.
    fn holder(&mut self, address: u64) -> Option<u32> {
        let holders = (0..self.processes.len() as u32)
            .filter_map(|process| Some((self.live.get(&(process, address))?.line, process)));
        let (mut newest, mut count) = (None, 0);
        for holder in holders {
            count += 1;
            newest = newest.max(Some(holder));
        }
        self.count.ambiguous += u64::from(count > 1);
        newest.map(|(_, process)| process)
    }

    fn process(&mut self, pid: Option<u32>) -> u32 {
        match pid {
            None => 0,
            Some(pid) => match self.by_pid.get(&pid) {
                Some(process) => *process,
                None => self.begin(pid),
            },
        }
    }

    /// A process begins; one with the same number before it, or the program that it replaced, is
    /// gone.
    fn begin(&mut self, pid: u32) -> u32 {
        if self.processes.len() < MOST_PROCESSES {
            self.processes.push(Process {
                pid,
                ..Process::default()
            });
        }
        let process = self.processes.len() as u32 - 1;
        if self.by_pid.len() < MOST_PROCESSES || self.by_pid.contains_key(&pid) {
            self.by_pid.insert(pid, process);
        }
        process
    }
}
