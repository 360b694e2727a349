//! The JVM's code heaps: which compiled method an address belongs to, and how large its frames are.
//!
//! A heap is cut into segments. One byte for each tells how many segments to go back towards the
//! head of the block that it belongs to; several such steps lead there. A block begins with its
//! length and whether it is in use, and holds a `CodeBlob`.

use super::vm_tables::Tables;
use core::ffi::{CStr, c_char, c_int};
use core::ops::Range;
use hackleak_platform::peek::Peek;

/// Three, with others for hot code from JDK 27 on.
const MAX_HEAPS: usize = 8;
const FREE: u8 = 0xff;

/// The heaps of one JVM, which it makes at its start and keeps for good.
pub struct CodeHeaps {
    heaps: [Heap; MAX_HEAPS],
    block_header: usize,
    block_used: usize,
    name: usize,
    frame_size: usize,
}

#[derive(Clone)]
struct Heap {
    code: Range<usize>,
    segments: usize,
    segment_bits: u32,
}

const NO_HEAP: Heap = Heap {
    code: 0..0,
    segments: 0,
    segment_bits: 0,
};

/// What blobs are called that lead from compiled code to a native method.
const NATIVE: &CStr = c"native nmethod";
/// The same, and what blobs with compiled methods are called.
const METHODS: [&CStr; 2] = [c"nmethod", NATIVE];

impl CodeHeaps {
    /// Reads where they are.
    pub fn read(tables: &Tables, code: &Range<usize>) -> Option<CodeHeaps> {
        let heaps = tables.value(c"CodeCache", c"_heaps")?;
        // Its name before JDK 17.
        let len = tables.offset(c"GenericGrowableArray", c"_len");
        let len = len.or_else(|| tables.offset(c"GrowableArrayBase", c"_len"))?;
        let data = tables.offset(c"GrowableArray<int>", c"_data")?;
        let memory = tables.offset(c"CodeHeap", c"_memory")?;
        let segments = tables.offset(c"CodeHeap", c"_segmap")?;
        let bits = tables.offset(c"CodeHeap", c"_log2_segment_size")?;
        let low = tables.offset(c"VirtualSpace", c"_low_boundary")?;
        let high = tables.offset(c"VirtualSpace", c"_high_boundary")?;
        let mut found = [NO_HEAP; MAX_HEAPS];
        // SAFETY: the JVM's list of its code heaps, and fields of the types that it says.
        unsafe {
            let word = |at: usize| (at as *const usize).read();
            let count = ((heaps + len) as *const c_int).read();
            let count = usize::try_from(count).ok()?;
            let list = word(heaps + data) as *const usize;
            for (index, place) in found.iter_mut().take(count).enumerate() {
                let heap = list.add(index).read();
                let code_of = word(heap + memory + low)..word(heap + memory + high);
                if code_of.start < code.start || code_of.end > code.end {
                    return None;
                }
                *place = Heap {
                    code: code_of,
                    segments: word(heap + segments + low),
                    segment_bits: ((heap + bits) as *const u32).read(),
                };
            }
        }
        Some(CodeHeaps {
            heaps: found,
            block_header: tables.size(c"HeapBlock")?,
            block_used: tables.offset(c"HeapBlock::Header", c"_used")?,
            name: tables.offset(c"CodeBlob", c"_name")?,
            frame_size: tables.offset(c"CodeBlob", c"_frame_size")?,
        })
    }

    /// The size in bytes of the frames of the compiled method that a frame on this thread's stack
    /// returns to at `address`.
    pub fn frame_size(&self, address: usize) -> Option<usize> {
        // SAFETY: the address lies in a heap, so it has a byte in the map, and each byte leads back
        // to an earlier one. What is on the stack keeps its block.
        let blob = self.blob(address, |at| unsafe {
            Some((at as *const u8).read_volatile())
        })?;
        // SAFETY: as above; the JVM's names of its blobs are constants.
        let is_method = unsafe {
            let name = ((blob + self.name) as *const *const c_char).read_volatile();
            !name.is_null() && METHODS.contains(&CStr::from_ptr(name))
        };
        if !is_method {
            return None;
        }
        // SAFETY: as above.
        let words = unsafe { ((blob + self.frame_size) as *const c_int).read_volatile() };
        in_bytes(words)
    }

    /// The same for the frames in which compiled code calls a native method, on whatever thread's
    /// stack: its block may go meanwhile.
    pub fn native_frame_size(&self, address: usize, peek: &Peek) -> Option<usize> {
        let blob = self.blob(address, |at| peek.value(at))?;
        let name: usize = peek.value(blob.checked_add(self.name)?)?;
        let mut letters = [0; NATIVE.to_bytes_with_nul().len()];
        if !peek.fill(name, &mut letters) || letters != NATIVE.to_bytes_with_nul() {
            return None;
        }
        in_bytes(peek.value::<u32>(blob + self.frame_size)? as c_int)
    }

    /// The blob that `address` lies in, by `byte`, which reads one.
    #[inline(always)]
    fn blob(&self, address: usize, byte: impl Fn(usize) -> Option<u8>) -> Option<usize> {
        let heap = self
            .heaps
            .iter()
            .find(|heap| heap.code.contains(&address))?;
        let mut segment = (address - heap.code.start) >> heap.segment_bits;
        loop {
            match byte(heap.segments + segment)? {
                FREE => return None,
                0 => break,
                back => segment = segment.checked_sub(usize::from(back))?,
            }
        }
        let block = heap.code.start + (segment << heap.segment_bits);
        let is_used = byte(block + self.block_used)? != 0;
        is_used.then_some(block + self.block_header)
    }
}

/// A frame holds at least what was pushed on entry.
fn in_bytes(words: c_int) -> Option<usize> {
    (words >= 2).then_some(words as usize * size_of::<usize>())
}

#[cfg(test)]
pub mod tests;
