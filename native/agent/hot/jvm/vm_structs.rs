//! Where the JVM keeps its code and how it begins Java frames, as it says itself.
//!
//! What is missing in its tables, or does not fit together, is `None`, and whoever needs it does
//! without.

use super::code_heaps::CodeHeaps;
use super::vm_tables::Tables;
use crate::{IMAGE, arch};
use core::ops::Range;
use core::ptr;
use core::sync::atomic::Ordering::Relaxed;
use hackleak_image::layout::flags;
use std::sync::OnceLock;

/// What is known of one JVM.
pub struct Layout {
    /// Addresses of all compiled and generated code.
    pub code: Range<usize>,
    /// Where compiled methods lie.
    pub heaps: CodeHeaps,
    /// The code of the interpreter.
    pub interpreter: Range<usize>,
    /// Where Java code returns to that native code called.
    pub call_stub_return: usize,
    /// Distance from that frame's base to the word with its `JavaCallWrapper`.
    pub wrapper_offset: isize,
    /// Distance from a `JavaCallWrapper` to the stack position of the Java code before it.
    pub anchor_offset: usize,
    /// The JVM's variable with the address where a virtual thread's code returns to its carrier's,
    /// which is 0 before there was one; 0 for a JVM without virtual threads.
    continuation_return: usize,
}

static LAYOUT: OnceLock<Option<Layout>> = OnceLock::new();

/// The layout, if the JVM tells all of it.
#[inline]
pub fn layout() -> Option<&'static Layout> {
    LAYOUT.get()?.as_ref()
}

/// Where the JVM has its heap, as far as it lies in one piece: ZGC's does not.
pub fn java_heap() -> Option<Range<usize>> {
    let tables = Tables::find()?;
    let heap = tables.value(c"Universe", c"_collectedHeap")?;
    let reserved = heap + tables.offset(c"CollectedHeap", c"_reserved")?;
    let start = reserved + tables.offset(c"MemRegion", c"_start")?;
    let words = reserved + tables.offset(c"MemRegion", c"_word_size")?;
    // SAFETY: fields of the JVM's only heap, which it keeps for good, with the types that its
    // tables say.
    unsafe {
        let start = (start as *const usize).read();
        let len = (words as *const usize)
            .read()
            .checked_mul(size_of::<usize>())?;
        Some(start..start.checked_add(len)?)
    }
}

/// Reads the tables. The JVM has generated its stubs by the time that it runs Java code.
pub fn init() {
    if LAYOUT.get_or_init(Layout::read).is_none() {
        IMAGE.flags().fetch_or(flags::NO_JVM_TABLES, Relaxed);
    }
}

impl Layout {
    fn read() -> Option<Layout> {
        let tables = Tables::find()?;
        let code = tables.value(c"CodeCache", c"_low_bound")?
            ..tables.value(c"CodeCache", c"_high_bound")?;
        let call_stub_return = tables.value(c"StubRoutines", c"_call_stub_return_address")?;
        let anchor = tables.offset(c"JavaCallWrapper", c"_anchor")?;
        let position = tables.offset(c"JavaFrameAnchor", c"_last_Java_sp")?;
        let word = size_of::<usize>() as isize;
        let wrapper = tables.constant(c"frame::entry_frame_call_wrapper_offset");
        let wrapper = wrapper.or(arch::CALL_WRAPPER)? as isize;
        let continuation_return = match tables.field(c"ContinuationEntry", c"_return_pc") {
            Some(field) => field.address as usize,
            None if tables.field(c"JavaThread", c"_cont_entry").is_none() => 0,
            None => return None,
        };
        Some(Layout {
            heaps: CodeHeaps::read(&tables, &code)?,
            interpreter: interpreter(&tables)?,
            code,
            call_stub_return,
            wrapper_offset: wrapper * word,
            anchor_offset: anchor + position,
            continuation_return,
        })
    }
}

impl Layout {
    /// Where a virtual thread's code returns to its carrier's; 0 when there was none yet.
    pub fn continuation_return(&self) -> usize {
        let place = self.continuation_return as *const usize;
        // SAFETY: null or the JVM's own variable.
        unsafe {
            place
                .as_ref()
                .map_or(0, |place| ptr::from_ref(place).read_volatile())
        }
    }
}

/// Where the interpreter's code lies.
fn interpreter(tables: &Tables) -> Option<Range<usize>> {
    let queue = tables.value(c"AbstractInterpreter", c"_code")?;
    let start = tables.offset(c"StubQueue", c"_stub_buffer")?;
    let len = tables.offset(c"StubQueue", c"_buffer_limit")?;
    // SAFETY: the interpreter's queue of generated code, which the JVM makes at its start and keeps
    // for good.
    unsafe {
        let start = ((queue + start) as *const usize).read();
        let len = usize::try_from(((queue + len) as *const i32).read()).ok()?;
        Some(start..start.checked_add(len)?)
    }
}

/// A layout of a test's own, of a JVM that never had a virtual thread.
#[cfg(test)]
pub fn built(
    code: Range<usize>,
    heaps: CodeHeaps,
    interpreter: Range<usize>,
    call_stub_return: usize,
) -> Layout {
    Layout {
        code,
        heaps,
        interpreter,
        call_stub_return,
        wrapper_offset: -6 * size_of::<usize>() as isize,
        anchor_offset: 4 * size_of::<usize>(),
        continuation_return: 0,
    }
}

#[cfg(test)]
impl Layout {
    /// Virtual threads return to `place`'s value.
    pub fn continues_at(&mut self, place: &'static usize) {
        self.continuation_return = ptr::from_ref(place).addr();
    }
}
