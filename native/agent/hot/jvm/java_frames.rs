//! Where the Java frames of a thread lie on its stack, for as far as that can be known.
//!
//! From a native method's return address on, each frame tells where the next one lies:
//!
//! ```text
//! compiled      as large as its code says; above it lie its caller's frame pointer and its return address
//! interpreted   at its frame pointer; ten words below that say what it executes and where its caller's
//!               stack ends; its locals and operands lie around them and say nothing of the stack
//! anything else (stubs, the JVM's own code): the way ends
//! ```
//!
//! HotSpot's own walk reads the same words (`frame::sender`).

use super::vm_structs::Layout;
use core::ops::Range;
use hackleak_platform::stack_word::{StackWord, read};

const WORD: usize = size_of::<usize>();
/// Words of an interpreted frame below the one with its caller's frame pointer, which counts as
/// well. The lowest holds where the operands begin: right below, for a method that holds no
/// monitor.
const FIXED: usize = 9;
/// From the frame pointer down, in words.
const SENDER_STACK_POINTER: usize = 1;

/// Gives `add` every word that leads from the return address at the start of `stack` to the caller
/// and on, until `add` refuses or the way ends. From the returned address on, every word may
/// matter.
pub fn follow(
    stack: &Range<usize>,
    layout: &Layout,
    mut add: impl FnMut(StackWord) -> bool,
) -> usize {
    let within = |at: usize| at.is_multiple_of(WORD) && stack.contains(&at);
    let mut add = |at: usize| {
        // SAFETY: within this thread's stack: checked by whoever passes it.
        let value = unsafe { read(at) };
        add(StackWord { at, value }).then_some(value)
    };
    // The word with the return address, and the stack position of the frame that it leads to.
    let mut at = stack.start;
    let mut position = at + WORD;
    loop {
        // The frame pointer that belongs to the frame was saved by the one before.
        let rest = if at == stack.start { at } else { at - WORD };
        let mut next = || {
            let code = add(at)?;
            if layout.interpreter.contains(&code) && rest < at {
                let base = add(rest)?;
                let lowest = base.checked_sub(FIXED * WORD)?;
                if lowest <= at || !within(lowest) || !within(base + WORD) {
                    return None;
                }
                for word in (lowest..base + WORD).step_by(WORD) {
                    add(word)?;
                }
                // SAFETY: words of this thread's stack, which were just added.
                let (operands, sender) =
                    unsafe { (read(lowest), read(base - SENDER_STACK_POINTER * WORD)) };
                let is_known = operands == lowest || operands as isize == -(FIXED as isize);
                (is_known && within(sender) && sender > base).then_some((base + WORD, sender))
            } else {
                let end = position + layout.heaps.frame_size(code)?;
                within(end).then_some((end - WORD, end))
            }
        };
        match next() {
            Some(found) => (at, position) = found,
            None => return rest,
        }
    }
}

#[cfg(test)]
pub mod tests;
