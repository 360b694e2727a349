use super::*;

/// Bytes of a segment.
const SEGMENT: usize = 128;
/// Where a block has its length and whether it is in use, and a blob its name and the size of its
/// frames.
const HEADER: usize = 16;
const USED: usize = 8;
const NAME: usize = 24;
const FRAME_SIZE: usize = 40;

/// A code heap of the test's own.
pub struct Built {
    code: Vec<u64>,
    segments: Vec<u8>,
}

impl Built {
    pub fn new(segments: usize) -> Built {
        Built {
            code: vec![0; segments * SEGMENT / size_of::<u64>()],
            segments: vec![FREE; segments],
        }
    }

    /// The address of a byte of a segment.
    pub fn address(&self, segment: usize, byte: usize) -> usize {
        self.code.as_ptr().addr() + segment * SEGMENT + byte
    }

    /// Where the code lies.
    pub fn code(&self) -> Range<usize> {
        self.address(0, 0)..self.address(self.segments.len(), 0)
    }

    /// A block in use, with a blob of this name, whose frames have so many words.
    pub fn block(&mut self, segments: Range<usize>, name: &'static CStr, words: i32) {
        let word = |byte: usize| (segments.start * SEGMENT + byte) / size_of::<u64>();
        self.code[word(USED)] = 1;
        self.code[word(HEADER + NAME)] = name.as_ptr().addr() as u64;
        self.code[word(HEADER + FRAME_SIZE)] = words as u32 as u64;
        for (back, segment) in segments.enumerate() {
            self.segments[segment] = back as u8;
        }
    }

    pub fn heaps(&self) -> CodeHeaps {
        let mut heaps = [NO_HEAP; MAX_HEAPS];
        heaps[MAX_HEAPS - 1] = Heap {
            code: self.code(),
            segments: self.segments.as_ptr().addr(),
            segment_bits: SEGMENT.trailing_zeros(),
        };
        CodeHeaps {
            heaps,
            block_header: HEADER,
            block_used: USED,
            name: NAME,
            frame_size: FRAME_SIZE,
        }
    }
}

#[test]
fn each_address_of_a_method_leads_to_its_frame_size() {
    let mut built = Built::new(8);
    built.block(1..4, c"nmethod", 6);
    built.block(4..5, c"native nmethod", 2);
    let heaps = built.heaps();
    let words = |segment, byte| heaps.frame_size(built.address(segment, byte));
    for (segment, byte) in [(1, HEADER), (1, SEGMENT - 1), (2, 0), (3, SEGMENT - 1)] {
        assert_eq!(words(segment, byte), Some(6 * 8), "{segment} {byte}");
    }
    assert_eq!(words(4, 64), Some(2 * 8));
    assert_eq!(words(0, 64), None, "free");
    assert_eq!(words(5, 0), None, "free");
    assert_eq!(heaps.frame_size(built.code().end), None, "beyond the heap");
    assert_eq!(heaps.frame_size(built.code().start - 1), None);
}

#[test]
fn a_long_method_is_found_by_several_steps() {
    let mut built = Built::new(700);
    built.block(3..600, c"nmethod", 9);
    // A byte tells at most so much: the segments beyond lead to others of the block.
    for segment in 3..600 {
        built.segments[segment] = ((segment - 3) % 250) as u8;
        if segment > 3 && built.segments[segment] == 0 {
            built.segments[segment] = 250;
        }
    }
    let heaps = built.heaps();
    for segment in [3, 252, 253, 254, 503, 599] {
        let found = heaps.frame_size(built.address(segment, 1));
        assert_eq!(found, Some(9 * 8), "{segment}");
    }
}

#[test]
fn what_is_no_method_in_use_has_no_frames() {
    let mut built = Built::new(4);
    built.block(0..1, c"RuntimeStub", 6);
    built.block(1..2, c"nmethod", 1);
    built.block(2..3, c"nmethod", 6);
    built.code[(2 * SEGMENT + USED) / 8] = 0;
    let heaps = built.heaps();
    assert_eq!(heaps.frame_size(built.address(0, 64)), None, "a stub");
    assert_eq!(heaps.frame_size(built.address(1, 64)), None, "too small");
    assert_eq!(heaps.frame_size(built.address(2, 64)), None, "given back");
    // A map that leads before the heap's start is damaged.
    built.segments[3] = 7;
    assert_eq!(built.heaps().frame_size(built.address(3, 64)), None);
}

#[test]
fn only_what_leads_to_a_native_method_has_such_frames() {
    let mut built = Built::new(3);
    built.block(0..1, c"nmethod", 6);
    built.block(1..2, c"native nmethod", 10);
    built.block(2..3, c"native nmethod", 10);
    built.code[(2 * SEGMENT + HEADER + NAME) / 8] = 8;
    let (heaps, peek) = (built.heaps(), Peek::new().expect("own memory can be read"));
    let size = |segment| heaps.native_frame_size(built.address(segment, 64), &peek);
    assert_eq!(size(0), None, "a method of Java's");
    assert_eq!(size(1), Some(80));
    assert_eq!(size(2), None, "a name that is gone");
}
