//! The entry stack: which native methods the thread is inside of, and where native code called
//! back into Java.
//!
//! Thunks push, nobody pops: a native method returns to Java without passing here. An entry is
//! stale once its stack position lies below the thread's; whoever looks next drops it. The Java
//! stack of a native method is asked for once, by the first allocation inside it, and kept in the
//! entry.

use crate::thread;

/// The most entries: native methods that call back into Java that calls native methods, nested.
const MAX_ENTRIES: usize = 64;
/// [`EntryStack::len`] of a full stack.
pub const ENTRIES_FULL: usize = MAX_ENTRIES * size_of::<Entry>();

/// One crossing of the JNI boundary.
///
/// Into native code, `slot` holds the return address into Java; back into Java, the return address
/// into the native code that called a JNI function.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Entry {
    /// Address of the stack word with the return address.
    pub slot: usize,
    /// Address of the thunk's [`Cell`]; bit 0 is set for a call back into Java.
    cell: usize,
    /// A native method: the tree node of its Java stack plus one; 0 while it has not been asked
    /// for. A call back into Java: the caller's frame pointer.
    pub detail: usize,
}

/// What a thunk stands for. `target` and `common` are read by `arch`.
#[repr(C, align(32))]
pub struct Cell {
    /// The real function.
    pub target: usize,
    /// The code that notes the call.
    pub common: usize,
    /// The `jmethodID` of a native method; 0 for a JNI function; which argument matters, for a
    /// function of a pool.
    pub method: usize,
}

/// Bit 0 of [`Entry::cell`].
pub const UPCALL: usize = 1;

impl Entry {
    /// Whether native code called back into Java here.
    pub fn is_upcall(&self) -> bool {
        self.cell & UPCALL != 0
    }

    /// What tells it from other entries.
    pub fn identity(&self) -> u64 {
        let detail = if self.is_upcall() { self.detail } else { 0 };
        (self.slot as u64).rotate_left(17) ^ self.cell as u64 ^ (detail as u64).rotate_left(41)
    }

    /// What the thunk stands for.
    pub fn cell(&self) -> &'static Cell {
        // SAFETY: thunks note the address of their own cell; cells are never unmapped.
        unsafe { &*((self.cell & !UPCALL) as *const Cell) }
    }
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
    /// The entries, outermost first.
    pub fn all(&self) -> &[Entry] {
        &self.items[..self.len / size_of::<Entry>()]
    }

    /// The native method that was called with its return address at `slot`, if it is on the
    /// stack. Entries below it are stale and dropped.
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

/// The first crossing of a thread without state: makes the state and notes it.
pub extern "C" fn first_entry(slot: usize, cell: usize, detail: usize) {
    if crate::gate::is_open()
        && let Some(thread) = thread::current()
    {
        thread.entries.push(Entry { slot, cell, detail });
    }
}
