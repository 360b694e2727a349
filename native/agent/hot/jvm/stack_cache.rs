//! Whether the Java stack is still the one that was asked for, so that it need not be asked again.
//!
//! A loop that calls native methods has the same Java stack each time. The JVM takes a third of a
//! microsecond and more to say so. What it would find is decided by words of the thread's stack; if
//! those are what they were, so is the answer. From the native method's return address towards the
//! root:
//!
//! ```text
//! slot ──► frames that `java_frames` follows ──► first word beyond them ──► outermost call stub
//!          the words that it read matter         every word matters         its wrapper: no Java before
//! ```
//!
//! What makes this exact:
//! - Where frames can be followed, their return addresses, frame pointers, methods and byte-code
//!   positions are compared; not locals and operands, which change from turn to turn of a loop.
//! - From the first word on that leads to other code, frames are found by anchors and means that
//!   are not known here. There every word is compared, up to the outermost frame that native code
//!   called. That frame's wrapper must still say that no Java code comes before.
//! - What thunks noted of native methods and calls back further out must be the same.
//! - Compiled code that is thrown away makes everything forgotten ([`forget_code`]).
//! - Stacks with a virtual thread are not remembered: part of them may lie in the heap.
//!
//! All this needs to know where the JVM keeps which code (`vm_structs`); without that, it is always
//! asked.

use super::entries::Entry;
use super::java_frames;
use super::vm_structs::{self, Layout};
use crate::hot::unwind;
use core::ops::Range;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use hackleak_platform::stack_word::{self, StackWord, read};

const WORD: usize = size_of::<usize>();
/// Remembered stacks of one thread.
const ENTRIES: usize = 8;
/// Words of frames that were followed.
const MAX_FOLLOWED: usize = 256;
/// Words of other frames.
const MAX_WORDS: usize = 3072;
/// Wrappers of call stubs: two words each.
const MAX_ANCHORS: usize = 32;
/// The deepest stack that is remembered, in bytes.
const MAX_DEPTH: usize = 256 << 10;

static CODE_GENERATION: AtomicUsize = AtomicUsize::new(1);

/// The JVM threw compiled code away: its addresses may come to mean another method.
pub fn forget_code() {
    CODE_GENERATION.fetch_add(1, Relaxed);
}

/// A remembered stack.
struct Remembered {
    slot: usize,
    /// Where the native method returns to.
    caller: usize,
    generation: usize,
    outer: u64,
    node: u32,
    followed_len: u32,
    anchors_len: u32,
    words_len: u32,
    /// Where `words` were copied from.
    first: usize,
    followed: [StackWord; MAX_FOLLOWED],
    anchors: [StackWord; MAX_ANCHORS],
    words: [usize; MAX_WORDS],
}

/// What one thread remembers. Valid when zero.
pub struct JavaStackCache {
    /// Learning costs about as much as asking, so it has to pay: see [`JavaStackCache::may_learn`].
    hits: u32,
    learned: u32,
    refused: u32,
    entries: [Remembered; ENTRIES],
}

impl JavaStackCache {
    /// Forgets what a former thread left.
    pub fn clear(&mut self) {
        (self.hits, self.learned, self.refused) = (0, 0, 0);
        for entry in &mut self.entries {
            entry.slot = 0;
        }
    }

    /// The node of the Java stack that called native code with its return address at `slot`, if
    /// that stack is remembered and unchanged. Nothing in it can panic.
    #[inline]
    pub fn get(&mut self, slot: usize, entries: &[Entry]) -> Option<u32> {
        // SAFETY: the word with the return address of a call that has not returned.
        let caller = unsafe { read(slot) };
        let known = &self.entries[place(slot, caller)];
        if known.slot == slot
            && known.caller == caller
            && known.generation == CODE_GENERATION.load(Relaxed)
            && known.outer == outer(entries, slot)
            && (unwind::breaks(unwind::Memory::Java) || known.holds())
        {
            self.hits = self.hits.saturating_add(1);
            return Some(known.node);
        }
        None
    }

    /// Remembers the answer for the beginning of `stack`, where it can be done and is likely to
    /// pay. `stack` runs to the end of the thread's own stack.
    pub fn insert(&mut self, stack: Range<usize>, entries: &[Entry], node: u32) {
        let slot = stack.start;
        let Some(layout) = vm_structs::layout() else {
            return;
        };
        if stack.len() > MAX_DEPTH || !self.may_learn() {
            return;
        }
        // SAFETY: as in `get`.
        let caller = unsafe { read(slot) };
        let entry = &mut self.entries[place(slot, caller)];
        entry.slot = 0;
        if entry.read_stack(stack, layout).is_some() {
            entry.slot = slot;
            entry.caller = caller;
            entry.generation = CODE_GENERATION.load(Relaxed);
            entry.outer = outer(entries, slot);
            entry.node = node;
        }
    }

    /// A thread whose stack differs each time learns in vain: then one chance in 64 is enough.
    fn may_learn(&mut self) -> bool {
        const FREE: u32 = 16;
        let pays = self.learned < FREE + self.hits / 2;
        if !pays {
            self.refused += 1;
            if !self.refused.is_multiple_of(64) {
                return false;
            }
        }
        if self.learned > 1 << 20 {
            self.learned /= 2;
            self.hits /= 2;
        }
        self.learned += 1;
        true
    }
}

fn place(slot: usize, caller: usize) -> usize {
    let hash = (slot ^ caller.rotate_left(32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    hash >> (usize::BITS - ENTRIES.trailing_zeros())
}

/// What thunks noted further out than `slot`, in one number.
#[inline]
fn outer(entries: &[Entry], slot: usize) -> u64 {
    let mut sum = 0u64;
    for entry in entries.iter().take_while(|entry| entry.slot > slot) {
        sum = sum.rotate_left(5) ^ entry.identity().wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
    sum
}

impl Remembered {
    /// Whether every word that decided the answer holds what it held.
    #[inline]
    fn holds(&self) -> bool {
        let (Some(followed), Some(words), Some(anchors)) = (
            self.followed.get(..self.followed_len as usize),
            self.words.get(..self.words_len as usize),
            self.anchors.get(..self.anchors_len as usize),
        ) else {
            return false;
        };
        // SAFETY: words of the thread's own stack, between its position and the outermost frame
        // that native code called, which nobody writes meanwhile. Anchors come after the words that
        // say where they lie.
        unsafe {
            let now = core::slice::from_raw_parts(self.first as *const usize, words.len());
            stack_word::all_hold(followed, true)
                && now == words
                && stack_word::all_hold(anchors, true)
        }
    }

    /// Takes down the words that decide the Java stack at `slot`; `None` where that cannot be done.
    fn read_stack(&mut self, stack: Range<usize>, layout: &Layout) -> Option<()> {
        (self.followed_len, self.anchors_len, self.words_len) = (0, 0, 0);
        self.first = java_frames::follow(&stack, layout, |word| {
            let place = self.followed.get_mut(self.followed_len as usize);
            self.followed_len += u32::from(place.is_some());
            place.map(|place| *place = word).is_some()
        });
        let continuation_return = layout.continuation_return();
        let mut outermost = None;
        for at in stack.clone().step_by(WORD) {
            // SAFETY: a word of this thread's stack.
            let value = unsafe { read(at) };
            if !layout.code.contains(&value) {
                continue;
            }
            if value == continuation_return {
                return None;
            }
            if value == layout.call_stub_return
                && let Some(position) = self.anchor(at, &stack, layout)
            {
                outermost = Some((at, position));
            }
        }
        let (last, before) = outermost?;
        if before != 0 {
            // Java code comes before the outermost call stub that could be found.
            return None;
        }
        let len = (last + WORD).saturating_sub(self.first) / WORD;
        let words = self.words.get_mut(..len)?;
        for (index, word) in words.iter_mut().enumerate() {
            // SAFETY: words of this thread's stack, up to one that was just read.
            *word = unsafe { read(self.first + index * WORD) };
        }
        self.words_len = len as u32;
        Some(())
    }

    /// Takes down what the frame that a call stub's return address at `at` belongs to says of the
    /// Java code before it: the stack position of that code, 0 for none. `None` when the word only
    /// looks like one.
    fn anchor(&mut self, at: usize, stack: &Range<usize>, layout: &Layout) -> Option<usize> {
        // SAFETY: a word of this thread's stack: the one below the return address.
        let base = unsafe { read(at - WORD) };
        let place = base.wrapping_add_signed(layout.wrapper_offset);
        let within = |at: usize| at.is_multiple_of(WORD) && stack.contains(&at);
        if !within(base) || !within(place) || base <= at {
            return None;
        }
        // SAFETY: a word of this thread's stack, here and below.
        let wrapper = unsafe { read(place) };
        let anchor = wrapper.wrapping_add(layout.anchor_offset);
        if !within(anchor) || wrapper <= place {
            return None;
        }
        // SAFETY: as above.
        let position = unsafe { read(anchor) };
        let words = [
            StackWord {
                at: place,
                value: wrapper,
            },
            StackWord {
                at: anchor,
                value: position,
            },
        ];
        for word in words {
            *self.anchors.get_mut(self.anchors_len as usize)? = word;
            self.anchors_len += 1;
        }
        Some(position)
    }
}

#[cfg(test)]
#[allow(clippy::expect_used)]
mod tests;
