//! The JVM's code heaps: which compiled method an address belongs to, and how large its frames are.
//!
//! A heap is cut into segments. One byte for each tells how many segments to go back towards the head of
//! the block that it belongs to; several such steps lead there. A block begins with its length and
//! whether it is in use, and holds a `CodeBlob`.

use super::vm_structs::Tables;
use core::ffi::c_int;
use core::ops::Range;

const MAX_HEAPS: usize = 3;
const FREE: u8 = 0xff;

/// The heaps of one JVM, which it makes at its start and keeps for good.
pub struct CodeHeaps {
    heaps: [Heap; MAX_HEAPS],
    block_header: usize,
    block_used: usize,
    frame_size: usize,
}

#[derive(Clone)]
struct Heap {
    code: Range<usize>,
    segments: usize,
    segment_bits: u32,
    /// It holds only compiled methods, no stubs.
    is_methods: bool,
}

const NO_HEAP: Heap = Heap {
    code: 0..0,
    segments: 0,
    segment_bits: 0,
    is_methods: false,
};

impl CodeHeaps {
    /// Reads where they are. `stub` is the address of any stub.
    pub fn read(tables: &Tables, code: &Range<usize>, stub: usize) -> Option<CodeHeaps> {
        let heaps = tables.value(c"CodeCache", c"_heaps")?;
        let len = tables.offset(c"GrowableArrayBase", c"_len")?;
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
                    is_methods: !code_of.contains(&stub),
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
            frame_size: tables.offset(c"CodeBlob", c"_frame_size")?,
        })
    }

    #[inline]
    fn method_heap(&self, address: usize) -> Option<&Heap> {
        self.heaps
            .iter()
            .find(|heap| heap.is_methods && heap.code.contains(&address))
    }

    /// The size in bytes of the frames of the compiled method that a frame on this thread's stack returns
    /// to at `address`.
    pub fn frame_size(&self, address: usize) -> Option<usize> {
        let heap = self.method_heap(address)?;
        let mut segment = (address - heap.code.start) >> heap.segment_bits;
        // SAFETY: the address lies in the heap, so it has a byte in the map, and each byte leads back to
        // an earlier one. The method is on the stack, so its block stays.
        let blob = unsafe {
            loop {
                match ((heap.segments + segment) as *const u8).read_volatile() {
                    FREE => return None,
                    0 => break,
                    back => segment = segment.checked_sub(usize::from(back))?,
                }
            }
            let block = heap.code.start + (segment << heap.segment_bits);
            if ((block + self.block_used) as *const u8).read_volatile() == 0 {
                return None;
            }
            block + self.block_header
        };
        // SAFETY: as above.
        let words = unsafe { ((blob + self.frame_size) as *const c_int).read_volatile() };
        // A frame holds at least what was pushed on entry.
        (words >= 2).then_some(words as usize * size_of::<usize>())
    }
}
