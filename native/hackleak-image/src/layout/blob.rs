//! Texts and other bytes, which records refer to.

use bytemuck::{Pod, Zeroable};

/// A run of bytes in the blobs: offset in the lower, length in the upper 32 bits. Zero is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Pod, Zeroable)]
#[repr(transparent)]
pub struct Blob(pub u64);

impl Blob {
    /// The run of `len` bytes at `offset`.
    pub const fn new(offset: u32, len: u32) -> Blob {
        Blob(offset as u64 | (len as u64) << 32)
    }
    /// Offset of the first byte in the blobs.
    pub const fn offset(self) -> u32 {
        self.0 as u32
    }
    /// Length in bytes.
    pub const fn len(self) -> u32 {
        (self.0 >> 32) as u32
    }
    /// Whether it has no bytes.
    pub const fn is_empty(self) -> bool {
        self.len() == 0
    }
}
