//! The stack tree: a stack is a node, its frames are the way to the root.
//!
//! Nodes are appended to an arena and found through hash chains whose heads live outside of the
//! image. A chain only ever grows at its head, so lookups need no lock. The first table of heads
//! is small, to stay in the cache; when the tree has outgrown it, new nodes go under a large one
//! and the old chains stay as they are.
//!
//! Two threads may intern the same frame at once and get a node each: the reporter compares
//! frames, not nodes.

use super::{arena::Arena, window::Window};
use crate::layout::{Node, SegmentKind};
use core::ptr;
use core::sync::atomic::{
    AtomicPtr, AtomicU32,
    Ordering::{AcqRel, Acquire, Relaxed},
};

const SMALL_BITS: u32 = 17;
const LARGE_BITS: u32 = 24;
/// Beyond this many nodes, new ones go under the large table.
const SMALL_FULL: u32 = 1 << 18;

/// The stack tree.
pub struct StackTree {
    nodes: Arena<Node>,
    small: AtomicPtr<AtomicU32>,
    large: AtomicPtr<AtomicU32>,
}

impl StackTree {
    pub(super) const fn new() -> StackTree {
        StackTree {
            nodes: Arena::new(SegmentKind::Nodes),
            small: AtomicPtr::new(ptr::null_mut()),
            large: AtomicPtr::new(ptr::null_mut()),
        }
    }

    /// Maps the first table and takes node 0 for the root.
    pub(super) fn init(&self, window: &Window) {
        self.small.store(map_heads(SMALL_BITS), Relaxed);
        self.nodes.push(
            window,
            Node {
                frame: 0,
                parent: 0,
                next: 0,
            },
        );
    }

    /// A node, or a zero node for an index that was never handed out.
    pub fn node(&self, index: u32) -> Node {
        let place = self.nodes.get(index);
        if place.is_null() {
            return Node {
                frame: 0,
                parent: 0,
                next: 0,
            };
        }
        // SAFETY: nodes are immutable once their index has been published.
        unsafe { place.read() }
    }

    /// The node for `frame` below `parent`; `None` when the tree is full.
    #[inline]
    pub(super) fn intern(&self, window: &Window, parent: u32, frame: u64) -> Option<u32> {
        let hash = (frame ^ (parent as u64).wrapping_mul(0xd6e8_feb8_6659_fd93))
            .wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let small = self.small.load(Relaxed);
        if small.is_null() {
            return None;
        }
        // SAFETY: the table has 2^SMALL_BITS heads and stays mapped.
        let head = unsafe { &*small.add((hash >> (64 - SMALL_BITS)) as usize) };
        if let Some(found) = self.find(head.load(Acquire), 0, parent, frame) {
            return Some(found);
        }
        self.intern_miss(window, head, hash, parent, frame)
    }

    /// Looks through a chain from `at` up to, not including, `until`.
    #[inline(always)]
    fn find(&self, mut at: u32, until: u32, parent: u32, frame: u64) -> Option<u32> {
        while at != until && at != 0 {
            let place = self.nodes.get(at);
            if place.is_null() {
                return None;
            }
            // SAFETY: a node in a chain is complete and never changes.
            let node = unsafe { place.read() };
            if node.frame == frame && node.parent == parent {
                return Some(at);
            }
            at = node.next;
        }
        None
    }

    #[cold]
    #[inline(never)]
    fn intern_miss(
        &self,
        window: &Window,
        small: &AtomicU32,
        hash: u64,
        parent: u32,
        frame: u64,
    ) -> Option<u32> {
        let mut head = small;
        if self.nodes.len(window) > SMALL_FULL
            && let Some(large) = self.large()
        {
            // SAFETY: the table has 2^LARGE_BITS heads and stays mapped.
            head = unsafe { &*large.add((hash >> (64 - LARGE_BITS)) as usize) };
        }
        let mut first = head.load(Acquire);
        if let Some(found) = self.find(first, 0, parent, frame) {
            return Some(found);
        }
        let index = self.nodes.reserve(window)?;
        let place = self.nodes.get(index);
        loop {
            // SAFETY: the index was handed out to this call alone, its segment exists, and no
            // chain leads to it yet.
            unsafe {
                place.write(Node {
                    frame,
                    parent,
                    next: first,
                })
            };
            match head.compare_exchange(first, index, AcqRel, Acquire) {
                Ok(_) => return Some(index),
                Err(now) => {
                    if let Some(found) = self.find(now, first, parent, frame) {
                        return Some(found);
                    }
                    first = now;
                }
            }
        }
    }

    fn large(&self) -> Option<*mut AtomicU32> {
        let mut large = self.large.load(Acquire);
        if large.is_null() {
            let new = map_heads(LARGE_BITS);
            if new.is_null() {
                return None;
            }
            large = match self
                .large
                .compare_exchange(ptr::null_mut(), new, AcqRel, Acquire)
            {
                Ok(_) => new,
                Err(other) => {
                    // SAFETY: the mapping that lost the race was never shown to anyone.
                    unsafe { libc::munmap(new.cast(), 4 << LARGE_BITS) };
                    other
                }
            };
        }
        Some(large)
    }
}

/// A table of empty heads, or null.
fn map_heads(bits: u32) -> *mut AtomicU32 {
    // SAFETY: a new anonymous mapping; zero is the head of an empty chain.
    let at = unsafe {
        libc::mmap(
            ptr::null_mut(),
            4 << bits,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
            -1,
            0,
        )
    };
    if at == libc::MAP_FAILED {
        ptr::null_mut()
    } else {
        at.cast()
    }
}
