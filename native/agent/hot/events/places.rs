//! Places in the live table for what has no address of its own: descriptors, threads, monitors.
//!
//! Each sort has a part of the address space to itself, where no allocator puts anything and no
//! mapping of a process lies. Places have numbers there, and lie as far apart as the live table
//! tells addresses apart. That no two parts overlap is checked when this is compiled.

/// How far apart two places are.
const SHIFT: u32 = 4;

/// The part of one sort.
#[derive(Clone, Copy)]
pub struct Part {
    first: usize,
    most: usize,
}

/// Monitors, by the hash of their object.
pub const MONITORS: Part = Part::new(0x4000_0000_0000, 1 << 32);
/// Descriptors, by their number: more than any process may have by default.
pub const DESCRIPTORS: Part = Part::new(0x4a5d_0000_0000, 1 << 20);
/// Mappings.
pub const MAPPINGS: Part = Part::new(0x4a5e_0000_0000, 1 << 17);
/// Threads that were started.
pub const THREADS: Part = Part::new(0x4a5f_0000_0000, 1 << 14);
/// Threads that are attached to the JVM: sixteen for each number that the kernel may give one.
pub const ATTACHED: Part = Part::new(0x4a60_0000_0000, 1 << 26);
/// Opened libraries.
pub const LIBRARIES: Part = Part::new(0x4a61_0000_0000, 1 << 12);
/// Frames for local references.
pub const FRAMES: Part = Part::new(0x4a70_0000_0000, 1 << 32);
/// Native calls that have made many local references.
pub const CALLS: Part = Part::new(0x4a80_0000_0000, 1 << 32);

const _: () = {
    let all = [
        MONITORS,
        DESCRIPTORS,
        MAPPINGS,
        THREADS,
        ATTACHED,
        LIBRARIES,
        FRAMES,
        CALLS,
    ];
    let mut at = 1;
    while at < all.len() {
        assert!(all[at - 1].end() <= all[at].first, "two parts overlap");
        at += 1;
    }
};

impl Part {
    const fn new(first: usize, most: usize) -> Part {
        Part { first, most }
    }

    const fn end(self) -> usize {
        self.first + (self.most << SHIFT)
    }

    /// How many places there are.
    pub const fn most(self) -> usize {
        self.most
    }

    /// The place of this number, which is below [`Part::most`].
    #[inline(always)]
    pub const fn address(self, number: usize) -> usize {
        self.first + (number << SHIFT)
    }

    /// The number of the place at this address; `None` for addresses of others.
    #[inline(always)]
    pub const fn number(self, address: usize) -> Option<usize> {
        if self.first <= address && address < self.end() {
            Some((address - self.first) >> SHIFT)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_has_its_number_in_its_own_part_alone() {
        let last = MAPPINGS.most() - 1;
        assert_eq!(MAPPINGS.number(MAPPINGS.address(0)), Some(0));
        assert_eq!(MAPPINGS.number(MAPPINGS.address(last)), Some(last));
        assert_eq!(MAPPINGS.number(MAPPINGS.address(last + 1)), None);
        assert_eq!(MAPPINGS.number(THREADS.address(0)), None);
        assert_eq!(MAPPINGS.number(DESCRIPTORS.address(0)), None);
    }
}
