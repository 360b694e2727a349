//! What the threads of this process hold: their stacks, and what is local to them.
//!
//! The C library keeps one record a thread, `struct pthread`, where one of the processor's
//! registers points to. Nobody tells the register of another thread, but the records of all
//! threads are joined in rings, which lead from one to the others; see [`super::glibc`]. They do
//! not lead everywhere. But each thread has noted its own record when the recorder first worked for
//! it. The records of others are found at the upper ends of their stacks, where the C library puts
//! them.

use super::Stop;
use super::glibc::{Layout, Places, layout, own_record, symbol};
use super::maps::{Mapping, Of};
use super::memory::{Memory, WORD};
use super::objects::Objects;
use super::table::Table;
use super::waiting::Standing;
use crate::arch;
use crate::hot::thread::own_tid;
use core::ops::Range;
use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering::*};

/// The most threads' states that are noted: those that live at the same time.
const MAX: usize = 1 << 14;
/// Where the recorder keeps its states of threads, and the record of the thread that has one.
static STATES: [AtomicUsize; MAX] = [const { AtomicUsize::new(0) }; MAX];
static RECORDS: [AtomicUsize; MAX] = [const { AtomicUsize::new(0) }; MAX];
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// Notes that the calling thread has the recorder's state at `state`. Called once for each thread,
/// in hooks.
pub fn began(state: usize) {
    let count = COUNT.load(Acquire).min(MAX);
    let known = STATES[..count]
        .iter()
        .position(|known| known.load(Relaxed) == state);
    let place = known.unwrap_or_else(|| COUNT.fetch_add(1, AcqRel));
    if let Some(entry) = RECORDS.get(place) {
        entry.store(own_record(), Relaxed);
        STATES[place].store(state, Release);
    }
}

/// The recorder's stacks, each in front of its state of a thread: copies of stack words, which hold
/// nothing.
pub fn recorder_stacks() -> impl Iterator<Item = Range<usize>> {
    states().map(|state| state - crate::hot::thread::STACK_LEN..state)
}

fn states() -> impl Iterator<Item = usize> {
    let count = COUNT.load(Acquire).min(MAX);
    STATES[..count]
        .iter()
        .map(|state| state.load(Acquire))
        .filter(|state| *state != 0)
}

/// The thread that ends the process; 0 while there is none.
static ENDING: AtomicU32 = AtomicU32::new(0);

/// The calling thread ends the process: it returns to none of its callers, so its stack holds
/// nothing.
pub fn is_ending() {
    ENDING.store(own_tid(), Relaxed);
}

/// From where the calling thread's stack holds; 0 where it does not.
static STANDS_AT: AtomicUsize = AtomicUsize::new(0);

/// The calling thread looks from within the program's functions, which may use what they have on
/// the stack from `position` on. 0 takes that back.
pub fn stands_at(position: usize) {
    STANDS_AT.store(position, Relaxed);
}

/// A thread.
#[derive(Clone, Copy)]
pub struct Thread {
    pub tid: u32,
    /// Its `struct pthread`; 0 when that was not found.
    pub record: usize,
    /// What of its stack is in use; empty for the one that ends the process, and for the calling
    /// thread unless it said where it stands.
    pub stack: (usize, usize),
    /// Where it waits, if that is known.
    pub waits: Option<Standing>,
    /// Where the code begins that it was made to run; 0 if that is not known.
    pub routine: usize,
}

/// The threads of this process, the calling one with nothing on its stack unless it said where it
/// stands.
pub fn read(memory: &Memory, maps: &[Mapping]) -> Result<Table<Thread>, Stop> {
    let layout = layout()?;
    let own = own_tid();
    let ending = ENDING.load(Relaxed);
    let stands_at = Some(STANDS_AT.load(Relaxed)).filter(|position| *position != 0);
    let tasks = tasks()?;
    let records = records(layout, memory, maps, &tasks)?;
    let mut threads = Table::new();
    for (tid, record) in tasks.iter().copied().zip(records.iter().copied()) {
        let mut thread = Thread {
            tid,
            record,
            stack: (0, 0),
            waits: None,
            routine: routine(layout, memory, record),
        };
        let own_position = stands_at.filter(|_| tid == own);
        if own_position.is_some() || tid != own && tid != ending {
            // One that the recorder works for is on the recorder's stack, and has its own one
            // still.
            let is_own_stack = |at: &usize| !recorder_stacks().any(|stack| stack.contains(at));
            let waits = || Standing::of(tid).filter(|waits| is_own_stack(&waits.position));
            thread.waits = if tid == own { None } else { waits() };
            let position = own_position.or(thread.waits.map(|waits| waits.position));
            let near = position.unwrap_or_else(|| on_stack(record, tid));
            let mapping = maps.iter().find(|mapping| mapping.range().contains(&near));
            let Some(mapping) = mapping else {
                // It started after the mappings were read: it has what is local to it at least.
                threads.push(thread)?;
                continue;
            };
            let start = position.unwrap_or(mapping.start);
            // The main thread's record does not lie on its stack.
            let end = if mapping.range().contains(&record) && record > start {
                layout.frames_end(record)
            } else {
                mapping.end
            };
            thread.stack = (start, end.max(start));
            // On a signal's stack or a coroutine's: its own one has callers all the same.
            let own_stack = maps
                .iter()
                .find(|mapping| mapping.range().contains(&record));
            if let Some(other) = own_stack.filter(|other| other.start != mapping.start)
                && record < other.end
                && is_thread_stack(record, layout, tid)
            {
                let end = layout.frames_end(record);
                let whole = (other.start, end.max(other.start));
                threads.push(Thread {
                    tid,
                    record: 0,
                    stack: whole,
                    waits: None,
                    routine: thread.routine,
                })?;
            }
        }
        threads.push(thread)?;
    }
    Ok(threads)
}

/// What the thread with this record was made to run. Where the recorder stands in for that, it has
/// noted it.
fn routine(layout: &Layout, memory: &Memory, record: usize) -> usize {
    let told = layout.routine_of(memory, record).filter(|_| record != 0);
    if told != Some(arch::thread_start as *const () as usize) {
        return told.unwrap_or(0);
    }
    // Of the states that threads with this record had, those of threads that have ended have none.
    let mut noted = STATES
        .iter()
        .zip(&RECORDS[..COUNT.load(Acquire).min(MAX)])
        .filter(|(_, noted)| noted.load(Relaxed) == record)
        .filter_map(|(state, _)| memory.word(state.load(Acquire) + crate::hot::thread::ROUTINE));
    noted.find(|routine| *routine != 0).unwrap_or(0) as usize
}

/// The kernel's numbers of the threads that there are.
pub fn tasks() -> Result<Table<u32>, Stop> {
    let mut tasks = Table::new();
    let entries = std::fs::read_dir("/proc/self/task").map_err(|_| Stop::NotReadable)?;
    for entry in entries.flatten() {
        if let Some(tid) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
        {
            tasks.push(tid)?;
        }
    }
    Ok(tasks)
}

/// The record of each of these threads; 0 where it is not known.
fn records(
    layout: &Layout,
    memory: &Memory,
    maps: &[Mapping],
    tasks: &[u32],
) -> Result<Table<usize>, Stop> {
    /// A thread that starts or ends meanwhile may lead away.
    const TRIES: usize = 3;
    let mut records = Table::filled(tasks.len(), 0)?;
    let mut known = Table::new();
    for record in noted().chain([own_record()]) {
        known.push(record)?;
    }
    for number in 0..=TRIES {
        let most = tasks.len() * 2 + 64;
        if number == TRIES {
            search(layout, memory, maps, tasks, &mut known)?;
        }
        let found = layout.threads(memory, &known, most)?;
        for (tid, record) in tasks.iter().zip(records.iter_mut()) {
            if *record == 0 {
                let known = found.iter().find(|(known, _)| known == tid);
                *record = known.map_or(0, |(_, record)| *record);
            }
        }
        if !records.contains(&0) {
            break;
        }
    }
    Ok(records)
}

/// The records that threads have noted. Some may be gone.
fn noted() -> impl Iterator<Item = usize> {
    let count = COUNT.load(Acquire).min(MAX);
    let records = RECORDS[..count].iter();
    records
        .map(|record| record.load(Relaxed))
        .filter(|record| *record != 0)
}

/// Adds the records that lie in mappings where stacks may be.
fn search(
    layout: &Layout,
    memory: &Memory,
    maps: &[Mapping],
    tasks: &[u32],
    known: &mut Table<usize>,
) -> Result<(), Stop> {
    let mut failed = None;
    let lowest = arch::lowest_mapping();
    let may_be = |mapping: &&Mapping| mapping.of == Of::Anonymous && mapping.is_data();
    for mapping in maps.iter().filter(may_be) {
        if mapping.start < lowest {
            continue;
        }
        memory.runs(mapping.range(), |at, words| {
            for (index, word) in words.iter().enumerate() {
                let place = at + index * WORD;
                if let Some(record) = layout.record_by(place, *word, tasks)
                    && failed.is_none()
                    && layout.tid_of(memory, record).is_some()
                {
                    failed = known.push(record).err();
                }
            }
        });
    }
    failed.map_or(Ok(()), Err)
}

/// An address on the thread's stack, if nothing but its record is known.
fn on_stack(record: usize, tid: u32) -> usize {
    let end = symbol(c"__libc_stack_end") as *const usize;
    if tid == std::process::id() && !end.is_null() {
        // SAFETY: a word of the loader's with this name and type, set at the start of the process.
        return unsafe { end.read() };
    }
    record
}

/// Whether the thread's record lies at the end of its stack: only the main thread's does not.
fn is_thread_stack(record: usize, layout: &Layout, tid: u32) -> bool {
    layout.frames_end(record) > 0 && tid != std::process::id()
}

/// The name of a thread of this process.
pub fn name(tid: u32) -> String {
    let name = std::fs::read_to_string(format!("/proc/self/task/{tid}/comm")).unwrap_or_default();
    name.trim_end().to_owned()
}

/// What is local to a thread: each part, and the index of the module that it is of.
pub fn locals(
    memory: &Memory,
    objects: &Objects,
    places: &Places,
    thread: &Thread,
    mut each: impl FnMut(Range<usize>, Option<usize>),
) {
    if thread.record == 0 {
        return;
    }
    each(thread.record..thread.record + places.record_len(), None);
    for (index, object) in objects.all.iter().enumerate() {
        if object.tls == 0 || object.tls_len == 0 {
            continue;
        }
        if let Some(start) = places.of(memory, thread.record, object) {
            each(start..start + object.tls_len, Some(index));
        }
    }
}
