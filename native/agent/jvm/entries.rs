//! The entry stack: which native methods the thread is inside of, and where native code called
//! back into Java.
//!
//! Thunks push. A call back into Java pops its entry when it returns, so such an entry is always
//! live. A native method returns to Java without passing here, so its entry may be stale: it is
//! dropped once its stack position lies below the thread's, and believed only where a walk found a
//! native stack to end, with the return address that was noted. The Java stack of a native method
//! is asked for once, by the first allocation inside it, and kept in the entry.

/// The most entries: native methods that call back into Java that calls native methods, nested.
pub const MAX_ENTRIES: usize = 64;
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
    /// A native method: the tree node of its Java stack plus one, or 0 while it has not been asked
    /// for, in the lower 32 bits; how many local references it has, in the upper ones. A call back into Java: the
    /// caller's frame pointer.
    pub detail: usize,
    /// What `slot` held: the return address.
    pub caller: usize,
}

/// What a thunk stands for. `target` and `common` are read by `arch`.
#[repr(C, align(32))]
pub struct Cell {
    /// The real function.
    pub target: usize,
    /// The code that notes the call.
    pub common: usize,
    /// The `jmethodID` of a native method; how many arguments are named, for a JNI function with an
    /// open list of them; which argument matters, for a function of a pool.
    pub method: usize,
}

/// Bit 0 of [`Entry::cell`].
pub const UPCALL: usize = 1;

impl Entry {
    /// A crossing at `slot`, which returns to `caller`.
    pub fn new(slot: usize, cell: usize, detail: usize, caller: usize) -> Entry {
        Entry {
            slot,
            cell,
            detail,
            caller,
        }
    }

    /// Offset of the cell, for `arch`.
    pub const CELL: usize = core::mem::offset_of!(Entry, cell);

    /// Whether native code called back into Java here.
    pub fn is_upcall(&self) -> bool {
        self.cell & UPCALL != 0
    }

    /// A native method: whether its Java stack is known to be this node of the tree.
    #[inline(always)]
    pub fn has_node(&self, node: u32) -> bool {
        self.detail as u32 == node.wrapping_add(1)
    }

    /// The node of its Java stack, if that has been asked for.
    pub fn node(&self) -> Option<u32> {
        (self.detail as u32).checked_sub(1)
    }

    pub fn set_node(&mut self, node: u32) {
        self.detail = self.detail & !(u32::MAX as usize) | (node as usize + 1);
    }

    /// How many local references the native method has.
    pub fn references(&self) -> u32 {
        (self.detail >> 32) as u32
    }

    pub fn set_references(&mut self, count: u32) {
        self.detail = self.detail & u32::MAX as usize | (count as usize) << 32;
    }

    /// What tells it from other entries.
    pub fn identity(&self) -> u64 {
        let detail = if self.is_upcall() { self.detail } else { 0 };
        (self.slot as u64).rotate_left(17) ^ self.cell as u64 ^ (detail as u64).rotate_left(41)
    }

    /// Whether `slot` still holds the return address. `slot` is a word of stack that a walk has
    /// just read.
    #[inline(always)]
    pub fn is_called_from_there(&self) -> bool {
        // SAFETY: the caller's.
        unsafe { crate::word::read(self.slot) == self.caller }
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
    ///
    /// `slot` is where a walk found native code to have been called from Java. The entry counts if
    /// the word there is what it was at the call: another method without a thunk may have been
    /// called at the same place since.
    #[inline(always)]
    pub fn native_at(&mut self, slot: usize) -> Option<&mut Entry> {
        let mut count = self.len / size_of::<Entry>();
        while self.items.get(count.wrapping_sub(1))?.slot < slot {
            count -= 1;
        }
        self.len = count * size_of::<Entry>();
        let entry = self.items.get_mut(count.wrapping_sub(1))?;
        (entry.slot == slot && !entry.is_upcall() && entry.is_called_from_there()).then_some(entry)
    }

    /// The same among the entries further out, of which none is dropped.
    pub fn native_outside(&self, slot: usize) -> Option<&Entry> {
        let entry = self.all().iter().rfind(|entry| entry.slot == slot)?;
        (!entry.is_upcall() && entry.is_called_from_there()).then_some(entry)
    }

    /// Calls back into Java that have not returned, further out than `slot`, the innermost first.
    pub fn upcalls(&self, slot: usize) -> impl Iterator<Item = &Entry> {
        let outside = self.all().iter().rev();
        outside.filter(move |entry| entry.slot > slot && entry.is_upcall())
    }

    pub fn push(&mut self, entry: Entry) {
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
