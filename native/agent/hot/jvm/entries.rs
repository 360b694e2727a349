//! The entry stack: which native methods the thread is inside of, and where native code called
//! back into Java.
//!
//! Thunks push. A call back into Java pops its entry when it returns, so such an entry is always
//! live. A native method returns to Java without passing here, so its entry may be stale. It is
//! dropped once its stack position lies below the thread's. It is believed only where a walk found
//! a native stack to end, with the return address that was noted. The Java stack of a native method
//! is asked for once, by the first allocation inside it, and kept in the entry.

use crate::arch::CALL_PUSHES_RETURN;

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
    /// Address of the stack word right below the caller's stack position, as in
    /// [`crate::arch::CallSite`].
    pub slot: usize,
    /// Address of the thunk's [`Cell`]; bit 0 is set for a call back into Java.
    cell: usize,
    /// A native method: the tree node of its Java stack plus one, or 0 while it has not been asked
    /// for, in the lower 32 bits; how many local references it has, in the upper ones. A call back
    /// into Java: the caller's frame pointer.
    pub detail: usize,
    /// The return address.
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

const _: () = {
    use core::mem::offset_of;
    // What the assembly of `arch` takes for granted.
    assert!(offset_of!(Cell, target) == 0 && offset_of!(Cell, common) == 8 && UPCALL == 1);
    assert!(offset_of!(Cell, method) == 16);
};

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

    /// Whether the call is known not to have returned, without a walk: `slot`, a word of the
    /// thread's stack, still holds the return address. Where calls do not push that, it is never
    /// known.
    #[inline(always)]
    pub fn is_called_from_there(&self) -> bool {
        // SAFETY: the caller's.
        CALL_PUSHES_RETURN
            && unsafe { hackleak_platform::stack_word::read(self.slot) == self.caller }
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
    #[inline(always)]
    pub fn all(&self) -> &[Entry] {
        let count = self.len / size_of::<Entry>();
        self.items.get(..count).unwrap_or_default()
    }

    /// The innermost one.
    #[inline(always)]
    pub fn innermost(&mut self) -> Option<&mut Entry> {
        self.items
            .get_mut((self.len / size_of::<Entry>()).checked_sub(1)?)
    }

    /// The native method that was called at `slot`, if it is on the stack. Entries below it are
    /// stale and dropped.
    ///
    /// `slot` is where a walk found native code to have been called from Java, to which it returns
    /// at `caller`. The entry counts if that is what it was at the call: another method without a
    /// thunk may have been called at the same place since.
    #[inline(always)]
    pub fn native_at(&mut self, slot: usize, caller: usize) -> Option<&mut Entry> {
        let mut count = self.len / size_of::<Entry>();
        while self.items.get(count.wrapping_sub(1))?.slot < slot {
            count -= 1;
        }
        self.len = count * size_of::<Entry>();
        let entry = self.items.get_mut(count.wrapping_sub(1))?;
        (entry.slot == slot && !entry.is_upcall() && entry.caller == caller).then_some(entry)
    }

    /// The same among the entries further out, of which none is dropped.
    pub fn native_outside(&self, slot: usize, caller: usize) -> Option<&Entry> {
        let entry = self.all().iter().rfind(|entry| entry.slot == slot)?;
        (!entry.is_upcall() && entry.caller == caller).then_some(entry)
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

#[cfg(test)]
mod tests {
    use super::*;

    const CELL: usize = 0x1000;

    /// Words of a stack, each with a return address of its own, and no entry yet.
    fn nothing() -> (Vec<usize>, Box<EntryStack>) {
        // SAFETY: plain numbers.
        let entries = unsafe { Box::new_zeroed().assume_init() };
        ((0x2000..0x2000 + 100).collect(), entries)
    }

    fn slot(stack: &[usize], word: usize) -> usize {
        (&raw const stack[word]).addr()
    }

    /// A native method that was called with its return address in this word.
    fn native(stack: &[usize], word: usize) -> Entry {
        Entry::new(slot(stack, word), CELL, 0, stack[word])
    }

    /// A call back into Java from there.
    fn upcall(stack: &[usize], word: usize) -> Entry {
        Entry::new(slot(stack, word), CELL | UPCALL, 7, stack[word])
    }

    fn slots(entries: &EntryStack) -> Vec<usize> {
        entries.all().iter().map(|entry| entry.slot).collect()
    }

    #[test]
    fn a_native_method_is_found_where_it_was_called_and_what_lies_below_has_returned() {
        let (mut stack, mut entries) = nothing();
        for word in [90, 60, 30] {
            entries.push(native(&stack, word));
        }
        let mut found = |stack: &[usize], word: usize| {
            let (slot, caller) = (slot(stack, word), stack[word]);
            entries
                .native_at(slot, caller)
                .map(|entry| entry.slot == slot)
        };
        assert_eq!(found(&stack, 30), Some(true));
        assert_eq!(found(&stack, 60), Some(true));
        // The walk has passed its place.
        assert_eq!(found(&stack, 30), None);
        assert_eq!(found(&stack, 80), None);
        // Another method without a thunk was called at the same place.
        stack[90] += 1;
        assert_eq!(found(&stack, 90), None);
        stack[90] -= 1;
        assert_eq!(found(&stack, 90), Some(true));
        assert_eq!(found(&stack, 95), None);
        assert_eq!(slots(&entries), [slot(&stack, 90)]);
    }

    #[test]
    fn a_call_back_into_java_is_no_native_method() {
        let (stack, mut entries) = nothing();
        entries.push(native(&stack, 90));
        entries.push(upcall(&stack, 60));
        assert!(entries.native_at(slot(&stack, 60), stack[60]).is_none());
        assert!(
            entries
                .native_outside(slot(&stack, 60), stack[60])
                .is_none()
        );
        assert_eq!(entries.all().len(), 2);
    }

    #[test]
    fn entries_further_out_are_looked_at_without_dropping_any() {
        let (mut stack, mut entries) = nothing();
        for word in [90, 60, 30] {
            entries.push(native(&stack, word));
        }
        assert!(
            entries
                .native_outside(slot(&stack, 90), stack[90])
                .is_some()
        );
        assert!(
            entries
                .native_outside(slot(&stack, 91), stack[91])
                .is_none()
        );
        stack[90] += 1;
        assert!(
            entries
                .native_outside(slot(&stack, 90), stack[90])
                .is_none()
        );
        assert_eq!(entries.all().len(), 3);
    }

    #[test]
    fn a_new_call_ends_those_that_were_called_below_or_at_its_place() {
        let (stack, mut entries) = nothing();
        for word in [90, 60, 30] {
            entries.push(native(&stack, word));
        }
        entries.push(native(&stack, 60));
        assert_eq!(slots(&entries), [90, 60].map(|word| slot(&stack, word)));
        entries.push(native(&stack, 70));
        assert_eq!(slots(&entries), [90, 70].map(|word| slot(&stack, word)));
    }

    #[test]
    fn a_call_that_has_no_place_is_counted_and_the_others_stay() {
        let (stack, mut entries) = nothing();
        for word in (0..MAX_ENTRIES + 2).rev() {
            entries.push(native(&stack, word));
        }
        assert_eq!((entries.len, entries.overflow), (ENTRIES_FULL, 2));
        assert_eq!(slots(&entries)[0], slot(&stack, MAX_ENTRIES + 1));
        assert!(entries.native_at(slot(&stack, 2), stack[2]).is_some());
        assert!(entries.native_at(slot(&stack, 1), stack[1]).is_none());
    }

    #[test]
    fn calls_back_are_given_from_the_innermost_on() {
        let (stack, mut entries) = nothing();
        for word in [90, 50, 10] {
            entries.push(native(&stack, word));
            entries.push(upcall(&stack, word - 10));
        }
        let from = |word: usize| -> Vec<usize> {
            let found = entries.upcalls(slot(&stack, word));
            found.map(|entry| entry.slot).collect()
        };
        assert_eq!(from(40), [slot(&stack, 80)]);
        assert_eq!(from(10), [40, 80].map(|word| slot(&stack, word)));
    }

    #[test]
    fn the_java_stack_and_the_references_of_a_call_are_kept_side_by_side() {
        let (stack, _) = nothing();
        let mut entry = native(&stack, 0);
        assert_eq!((entry.node(), entry.references()), (None, 0));
        assert!(!entry.has_node(0));
        entry.set_references(u32::MAX);
        assert_eq!(entry.node(), None);
        for node in [5, 0, u32::MAX - 1] {
            entry.set_node(node);
            assert_eq!((entry.node(), entry.references()), (Some(node), u32::MAX));
            assert!(entry.has_node(node) && !entry.has_node(node ^ 1));
        }
        entry.set_references(3);
        assert_eq!((entry.node(), entry.references()), (Some(u32::MAX - 1), 3));
    }

    #[test]
    fn what_was_asked_about_a_call_does_not_make_it_another_one() {
        let (stack, _) = nothing();
        let mut entry = native(&stack, 0);
        let identity = entry.identity();
        entry.set_node(7);
        assert_eq!(entry.identity(), identity);
        assert_ne!(native(&stack, 1).identity(), identity);
        // A call back into Java from a frame with another frame pointer is another one.
        let mut back = upcall(&stack, 0);
        let identity = back.identity();
        back.detail += 8;
        assert_ne!(back.identity(), identity);
    }
}
