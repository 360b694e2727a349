//! Where the Java frames begin on the stacks of threads that have left Java code.

use crate::hot::jvm::thread_list::{TRIES, layout};
use crate::hot::jvm::vm_structs;
use hackleak_platform::peek::Peek;
use std::collections::HashMap;

/// The stack pointers of the youngest Java frames, by the kernel's numbers of the threads that have
/// left Java code for the JVM's or for native code; none, where the JVM does not tell.
pub fn positions() -> HashMap<u32, usize> {
    let found = || {
        let (layout, peek) = (layout()?, Peek::new()?);
        let mut threads = Vec::new();
        (0..TRIES).find(|_| {
            threads.clear();
            layout.visit(&peek, |tid, thread| threads.push((tid, thread)))
        })?;
        let positions = threads.into_iter().filter_map(|(tid, thread)| {
            let position = peek.value(thread.checked_add(layout.position)?)?;
            let pc = peek.value(thread.checked_add(layout.pc)?)?;
            (position != 0).then(|| (tid, position + native_frame(position, pc, &peek)))
        });
        Some(positions.collect())
    };
    found().unwrap_or_default()
}

/// How much of the stack from `position` on is a frame in which compiled code calls a native method
/// at `pc`, or where `pc` is 0 at the address below. Such a frame has words that nothing was
/// written to, and no more of the program's than the arguments, which its caller has.
fn native_frame(position: usize, pc: usize, peek: &Peek) -> usize {
    let size = || {
        let pc = match pc {
            0 => peek.value(position.checked_sub(size_of::<usize>())?)?,
            pc => pc,
        };
        vm_structs::layout()?.heaps.native_frame_size(pc, peek)
    };
    size().unwrap_or(0)
}
