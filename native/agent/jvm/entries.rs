//! The entry stack: which native methods the thread is inside of.
//!
//! Thunks push, nobody pops: a native method returns to Java without passing here. An entry is
//! stale once its stack pointer lies below the thread's; whoever looks next drops it. The Java
//! stack of an entry is asked for once, by the first allocation inside it, and kept in the entry.

use crate::thread;

/// The most entries: native methods that call back into Java that calls native methods, nested.
const MAX_ENTRIES: usize = 64;
/// [`EntryStack::len`] of a full stack.
pub const ENTRIES_FULL: usize = MAX_ENTRIES * size_of::<Entry>();

/// One native method that was entered.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Entry {
    /// Address of the stack word with the return address into Java.
    pub slot: usize,
    /// The thunk's cell: {target, …}.
    pub cell: *const usize,
    /// The tree node of the Java stack plus one; 0 while it has not been asked for.
    pub root: usize,
}

/// The entries of one thread, outermost first. Written by `arch::thunk_common`, so its layout is
/// part of that code, and it begins the thread's state.
#[repr(C)]
pub struct EntryStack {
    /// Bytes of `items` in use.
    pub len: usize,
    /// Entries that did not fit.
    pub overflow: usize,
    /// The entries.
    pub items: [Entry; MAX_ENTRIES],
}

impl EntryStack {
    /// The entry that was called with its return address at `slot`, if it is on the stack.
    /// Entries below it are stale and dropped.
    #[inline(always)]
    pub fn at(&mut self, slot: usize) -> Option<&mut Entry> {
        let mut count = self.len / size_of::<Entry>();
        while count > 0 && self.items[count - 1].slot < slot {
            count -= 1;
        }
        self.len = count * size_of::<Entry>();
        let entry = self.items[..count].last_mut()?;
        (entry.slot == slot).then_some(entry)
    }

    fn push(&mut self, entry: Entry) {
        let mut count = self.len / size_of::<Entry>();
        while count > 0 && self.items[count - 1].slot <= entry.slot {
            count -= 1;
        }
        if count < MAX_ENTRIES {
            self.items[count] = entry;
            count += 1;
        } else {
            self.overflow += 1;
        }
        self.len = count * size_of::<Entry>();
    }
}

/// The first native method of a thread without state: makes the state and notes the entry.
pub extern "C" fn first_entry(slot: usize, cell: *const usize) {
    if !crate::gate::is_open() {
        return;
    }
    if let Some(thread) = thread::current() {
        thread.entries.push(Entry {
            slot,
            cell,
            root: 0,
        });
    }
}
