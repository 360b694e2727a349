//! The stack tree: a stack is a node, its frames are the way to the root.
//!
//! Nodes are appended to an arena and found through hash chains whose heads live outside of the
//! image. A chain only ever grows at its head, so lookups need no lock. The first table of heads
//! is small, to stay in the cache; when the tree has outgrown it, new nodes go under a large one
//! and the old chains stay as they are.
//!
//! A node's first child mostly comes right after it in the arena, because a new stack adds its frames in one go.
//! It is found there, and is in no chain: a stack that was never seen costs one walk through a chain, not
//! one for each of its frames.
//!
//! Two threads may intern the same frame at once and get a node each: the reporter compares
//! frames, not nodes.

use super::{arena::Arena, window::Window};
use crate::layout::{Node, SegmentKind};
use core::ptr;
use core::sync::atomic::{
    AtomicPtr, AtomicU32, AtomicU64,
    Ordering::{AcqRel, Acquire, Relaxed, Release},
};

const SMALL_BITS: u32 = 17;
const LARGE_BITS: u32 = 24;
/// Beyond this many nodes, new ones go under the large table. Its chains stay short then.
const SMALL_FULL: u32 = 1 << 16;

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
        let next = parent + 1;
        if self.is_node(next, parent, frame) {
            return Some(next);
        }
        if self.nodes.len(window) == next {
            return self.append(window, parent, frame);
        }
        let hash = hash(parent, frame);
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

    /// Whether node `index` is there and is this one.
    #[inline(always)]
    fn is_node(&self, index: u32, parent: u32, frame: u64) -> bool {
        let place = self.nodes.get(index);
        // SAFETY: null or a node of the arena, perhaps one that is being written: its parent is
        // written last, and is 0 before.
        !place.is_null()
            && unsafe {
                AtomicU32::from_ptr(&raw mut (*place).parent).load(Acquire) == parent
                    && AtomicU64::from_ptr(&raw mut (*place).frame).load(Relaxed) == frame
            }
    }

    /// A new node below `parent`, which is the newest one and so has no child yet.
    #[cold]
    #[inline(never)]
    fn append(&self, window: &Window, parent: u32, frame: u64) -> Option<u32> {
        let index = self.nodes.reserve(window)?;
        self.write(index, parent, frame, 0);
        if index != parent + 1 {
            // Another thread took the place after the parent.
            self.link(window, index, parent, frame);
        }
        Some(index)
    }

    /// Writes a node that was just reserved.
    fn write(&self, index: u32, parent: u32, frame: u64, next: u32) {
        let place = self.nodes.get(index);
        // SAFETY: the index was handed out to the caller alone, its segment exists, and no chain
        // leads to it yet; who looks at the place after its parent sees the parent last.
        unsafe {
            (*place).next = next;
            AtomicU64::from_ptr(&raw mut (*place).frame).store(frame, Relaxed);
            AtomicU32::from_ptr(&raw mut (*place).parent).store(parent, Release);
        }
    }

    /// Puts a node at the head of its chain.
    fn link(&self, window: &Window, index: u32, parent: u32, frame: u64) {
        let hash = hash(parent, frame);
        let small = self.small.load(Relaxed);
        if small.is_null() {
            return;
        }
        // SAFETY: as in `intern`.
        let small = unsafe { &*small.add((hash >> (64 - SMALL_BITS)) as usize) };
        let head = self.head(window, small, hash);
        let mut first = head.load(Acquire);
        loop {
            self.write(index, parent, frame, first);
            match head.compare_exchange(first, index, AcqRel, Acquire) {
                Ok(_) => return,
                Err(now) => first = now,
            }
        }
    }

    /// The head of the chain that takes new nodes of this hash.
    fn head<'a>(&self, window: &Window, small: &'a AtomicU32, hash: u64) -> &'a AtomicU32 {
        if self.nodes.len(window) > SMALL_FULL
            && let Some(large) = self.large()
        {
            // SAFETY: the table has 2^LARGE_BITS heads and stays mapped.
            unsafe { &*large.add((hash >> (64 - LARGE_BITS)) as usize) }
        } else {
            small
        }
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
        let head = self.head(window, small, hash);
        let mut first = head.load(Acquire);
        if let Some(found) = self.find(first, 0, parent, frame) {
            return Some(found);
        }
        let index = self.nodes.reserve(window)?;
        loop {
            self.write(index, parent, frame, first);
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

fn hash(parent: u32, frame: u64) -> u64 {
    (frame ^ u64::from(parent).wrapping_mul(0xd6e8_feb8_6659_fd93))
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
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
