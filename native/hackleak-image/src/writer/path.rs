//! Hashes of paths in the stack tree.

/// The hash of the path of the root.
pub const ROOT_HASH: u32 = 0;

/// The hash of a path with one more frame.
#[inline(always)]
pub fn path_hash(path: u32, frame: u64) -> u32 {
    // Few cycles from frame to frame: `spread` does the mixing.
    path.rotate_left(9)
        .wrapping_add((frame.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u32)
}

/// The hash of the path at `base` with these frames, the leaf first.
#[inline(always)]
pub fn hash_of(base: u32, frames: &[u64]) -> u32 {
    frames
        .iter()
        .rev()
        .fold(base, |hash, frame| path_hash(hash, *frame))
}

/// A place among `2^bits`.
#[inline(always)]
pub fn spread(hash: u32, bits: u32) -> usize {
    (hash.wrapping_mul(0x9e37_79b1) >> (u32::BITS - bits)) as usize
}
