//! What the threads of this process hold: their stacks, and what is local to them.
//!
//! The C library keeps one record a thread, `struct pthread`, at the address that the processor's `fs`
//! register has there. Below it lie the thread-local variables of the modules that were loaded early, and a
//! table in it (`dtv`) names the blocks of the others. Nobody tells the register of another thread, so each
//! thread notes its own when the recorder first works for it; of one that never allocated, the record is found
//! at the upper end of its stack, where the C library puts it.

use super::Stop;
use super::maps::Mapping;
use super::memory::{Memory, WORD};
use super::objects::Objects;
use super::table::Table;
use crate::thread::own_tid;
use core::ffi::CStr;
use core::ops::Range;
use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering::*};
use std::sync::OnceLock;

/// The most threads' states that are noted: those that live at the same time.
const MAX: usize = 1 << 14;
/// Where the recorder keeps its states of threads, and the record of the thread that has one.
static STATES: [AtomicUsize; MAX] = [const { AtomicUsize::new(0) }; MAX];
static RECORDS: [AtomicUsize; MAX] = [const { AtomicUsize::new(0) }; MAX];
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// The calling thread's `struct pthread`.
fn own_record() -> usize {
    crate::arch::thread_pointer()
}

/// Notes that the calling thread has the recorder's state at `state`. Called once for each thread, in hooks.
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
    states().map(|state| state - crate::thread::STACK_LEN..state)
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

/// The calling thread ends the process: it returns to none of its callers, so its stack holds nothing.
pub fn is_ending() {
    ENDING.store(own_tid(), Relaxed);
}

/// How the C library lays out what it keeps for a thread.
struct Layout {
    /// Length of `struct pthread`.
    record_len: usize,
    /// Place of the kernel's number in it.
    tid: usize,
    /// Length of the thread-local variables before it.
    static_len: usize,
}

fn layout() -> Option<&'static Layout> {
    static LAYOUT: OnceLock<Option<Layout>> = OnceLock::new();
    LAYOUT.get_or_init(find_layout).as_ref()
}

fn symbol(name: &CStr) -> usize {
    // SAFETY: a lookup by name.
    unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) }.addr()
}

/// The C library describes its records to debuggers (`nptl_db`), and the loader tells sanitizers the rest.
fn find_layout() -> Option<Layout> {
    type StaticInfo = unsafe extern "C" fn(*mut usize, *mut usize);
    let size = symbol(c"_thread_db_sizeof_pthread") as *const u32;
    let tid = symbol(c"_thread_db_pthread_tid") as *const [u32; 3];
    let info = symbol(c"_dl_get_tls_static_info");
    if size.is_null() || tid.is_null() || info == 0 {
        return None;
    }
    let (mut static_len, mut align) = (0, 0);
    // SAFETY: data and a function of the C library with these names and types; a field is described by its
    // size in bits, its count, and its offset.
    let (record_len, tid) = unsafe {
        let info: StaticInfo = core::mem::transmute(info);
        info(&mut static_len, &mut align);
        (size.read() as usize, (*tid)[2] as usize)
    };
    let layout = Layout {
        record_len,
        tid,
        static_len: static_len.checked_sub(record_len)?,
    };
    let memory = Memory::new().ok()?;
    layout
        .is_record_of(&memory, own_record(), own_tid())
        .then_some(layout)
}

impl Layout {
    fn is_record_of(&self, memory: &Memory, at: usize, tid: u32) -> bool {
        const SELF: usize = 16;
        let is_self = |place| memory.word(place) == Some(at as u64);
        at != 0
            && is_self(at)
            && is_self(at + SELF)
            && memory.word((at + self.tid) & !7).is_some_and(|word| {
                let shift = if self.tid & 4 == 0 { 0 } else { 32 };
                (word >> shift) as u32 == tid
            })
    }
}

/// A thread.
#[derive(Clone, Copy)]
pub struct Thread {
    pub tid: u32,
    /// Its `struct pthread`; 0 when that was not found.
    pub record: usize,
    /// What of its stack is in use; empty for the calling thread and the one that ends the process.
    pub stack: (usize, usize),
}

/// The threads of this process, the calling one with nothing on its stack.
pub fn read(memory: &Memory, maps: &[Mapping]) -> Result<Table<Thread>, Stop> {
    let layout = layout().ok_or(Stop::Unknown("how this C library keeps threads"))?;
    let own = own_tid();
    let ending = ENDING.load(Relaxed);
    let mut threads = Table::new();
    let tasks = std::fs::read_dir("/proc/self/task").map_err(|_| Stop::NotReadable)?;
    for task in tasks.flatten() {
        let Some(tid) = task.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        let mut record = if tid == own {
            own_record()
        } else {
            noted(memory, layout, tid)
        };
        let mut stack = (0, 0);
        if tid != own && tid != ending {
            // One that the recorder works for is on the recorder's stack, and has its own one still.
            let is_own_stack = |at: &usize| !recorder_stacks().any(|stack| stack.contains(at));
            let position = stack_position(tid).filter(is_own_stack);
            let near = position.unwrap_or_else(|| on_stack(record, tid));
            let mapping = maps.iter().find(|mapping| mapping.range().contains(&near));
            let Some(mapping) = mapping else { continue };
            let start = position.unwrap_or(mapping.start);
            if record == 0 {
                record = at_upper_end(memory, layout, start..mapping.end, tid);
            }
            // The main thread's record does not lie on its stack.
            let end = if mapping.range().contains(&record) && record > start {
                record - layout.static_len
            } else {
                mapping.end
            };
            stack = (start, end.max(start));
            // On a signal's stack or a coroutine's: its own one has callers all the same.
            let own_stack = maps
                .iter()
                .find(|mapping| mapping.range().contains(&record));
            if let Some(other) = own_stack.filter(|other| other.start != mapping.start)
                && record < other.end
                && is_thread_stack(record, layout, tid)
            {
                let end = record - layout.static_len;
                let whole = (other.start, end.max(other.start));
                threads.push(Thread {
                    tid,
                    record: 0,
                    stack: whole,
                })?;
            }
        }
        threads.push(Thread { tid, record, stack })?;
    }
    Ok(threads)
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
    record > layout.static_len && tid != std::process::id()
}

fn noted(memory: &Memory, layout: &Layout, tid: u32) -> usize {
    let count = COUNT.load(Acquire).min(MAX);
    let mut records = RECORDS[..count].iter().map(|record| record.load(Relaxed));
    records
        .find(|record| layout.is_record_of(memory, *record, tid))
        .unwrap_or(0)
}

/// Looks for the record of a thread that noted nothing.
fn at_upper_end(memory: &Memory, layout: &Layout, range: Range<usize>, tid: u32) -> usize {
    let mut candidates = [0; 8];
    let mut count = 0;
    memory.runs(range, |at, words| {
        for (index, word) in words.iter().enumerate() {
            let place = at + index * WORD;
            if *word == place as u64 && place.is_multiple_of(64) && count < candidates.len() {
                candidates[count] = place;
                count += 1;
            }
        }
    });
    let mut candidates = candidates[..count].iter().copied();
    candidates
        .find(|place| layout.is_record_of(memory, *place, tid))
        .unwrap_or(0)
}

/// The stack pointer of a thread that is in a system call; `None` while it runs.
fn stack_position(tid: u32) -> Option<usize> {
    let text = std::fs::read_to_string(format!("/proc/self/task/{tid}/syscall")).ok()?;
    // The last two of its fields are stack pointer and program counter.
    let position = text.split_whitespace().rev().nth(1)?;
    usize::from_str_radix(position.strip_prefix("0x")?, 16).ok()
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
    thread: &Thread,
    mut each: impl FnMut(Range<usize>, Option<usize>),
) {
    let Some(layout) = layout().filter(|_| thread.record != 0) else {
        return;
    };
    each(thread.record..thread.record + layout.record_len, None);
    let here = own_record();
    let own = here - layout.static_len..here;
    // The first word of the record's second place is the table of blocks; before it stands its length.
    let table = memory.word(thread.record + WORD).unwrap_or(0) as usize;
    let len = memory.word(table.wrapping_sub(2 * WORD)).unwrap_or(0) as usize;
    for (index, object) in objects.all.iter().enumerate() {
        if object.tls == 0 || object.tls_len == 0 {
            continue;
        }
        let start = if own.contains(&object.tls_here) {
            Some(thread.record - (here - object.tls_here))
        } else if object.tls <= len {
            let block = memory.word(table + object.tls * 2 * WORD).unwrap_or(0) as usize;
            // An even number is an address; -1 says that the thread has no block of the module.
            (block != 0 && block != usize::MAX).then_some(block)
        } else {
            None
        };
        if let Some(start) = start {
            each(start..start + object.tls_len, Some(index));
        }
    }
}
