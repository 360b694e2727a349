//! What a thread remembers of its frames for local references.

use super::entries::MAX_ENTRIES;

/// In the place of the index of an entry: the thread was attached, and is inside of no native
/// method.
pub const ATTACHED: usize = MAX_ENTRIES;
/// Of so many frames it is known what was outside.
pub const MOST_SAVED: usize = 256;

/// The frames of one thread. All zeros is a thread that has none.
#[repr(C)]
pub struct LocalFrames {
    /// So many were pushed and not popped.
    pub depth: u32,
    /// The thread was attached by native code.
    pub is_attached: bool,
    /// The local references that an attached thread has outside of native methods.
    pub references: u32,
    /// The number that the next record of a call gets.
    pub next_record: u32,
    /// The number of the record of each native call that has too many references.
    pub records: [u32; MAX_ENTRIES + 1],
    /// How many references there were when each frame was pushed.
    pub saved: [u32; MOST_SAVED],
}

impl LocalFrames {
    /// For a thread that takes over the state of another one.
    pub fn clear(&mut self) {
        self.depth = 0;
        self.is_attached = false;
        self.references = 0;
        self.next_record = 0;
    }
}
