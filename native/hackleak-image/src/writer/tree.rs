//! The stack tree: a stack is a node, its frames are the way to the root.
//!
//! A stack mostly shares its frames on the root side with stacks that its thread met lately. Where
//! it does not, it is looked up as a whole. Only when it is new as a whole are nodes appended, for
//! all frames that are left, in one go. So a new stack costs one access to memory that no cache
//! holds, not one for each of its frames.
//!
//! The same path may get a second node: two threads may come at once, or the first may have been
//! forgotten. The reporter compares frames, not nodes.

use super::leaves::Leaves;
use super::node_cache::NodeCache;
use super::path::{ROOT_HASH, hash_of, path_hash};
use super::{arena::Arena, sync, window::Window};
use crate::layout::{Node, SegmentKind};

/// From so many frames on, a look-up of the whole stack is prepared before it is needed.
const LONG: usize = 8;
/// So many frames of a new stack are noted as met: others will part from it near where it parts
/// from those before.
const NEAR: u32 = 1;

/// The stack tree.
pub struct StackTree {
    nodes: Arena<Node>,
    leaves: Leaves,
}

impl StackTree {
    pub(super) const fn new() -> StackTree {
        StackTree {
            nodes: Arena::new(SegmentKind::Nodes),
            leaves: Leaves::new(),
        }
    }

    /// Maps the table and takes node 0 for the root.
    pub(super) fn init(&self, window: &Window) {
        self.leaves.init();
        self.nodes.push(
            window,
            Node {
                frame: 0,
                parent: 0,
                hash: ROOT_HASH,
            },
        );
    }

    /// Forgets all nodes: they were the parent's of this process.
    ///
    /// # Safety
    ///
    /// Nobody uses the tree.
    pub(super) unsafe fn clear(&self) {
        self.nodes.clear();
        // SAFETY: the caller's.
        unsafe { self.leaves.clear() };
    }

    /// A node, or a zero node for an index that was never handed out.
    #[inline(always)]
    pub fn node(&self, index: u32) -> Node {
        self.nodes.read(index).unwrap_or(Node {
            frame: 0,
            parent: 0,
            hash: 0,
        })
    }

    /// The nodes for `frames` below `parent`, the leaf first in both; false when the tree is full.
    #[inline(always)]
    pub(super) fn intern(
        &self,
        window: &Window,
        cache: &mut NodeCache,
        parent: u32,
        frames: &[u64],
        nodes: &mut [u32],
    ) -> bool {
        let base = self.node(parent).hash;
        if frames.len() >= LONG {
            self.leaves.foresee(hash_of(base, frames));
        }
        let (mut at, mut hash) = (parent, base);
        for (index, (frame, place)) in frames.iter().zip(&mut *nodes).enumerate().rev() {
            let path = path_hash(hash, *frame);
            let Some(node) = cache.find(path, at, *frame) else {
                let rest = (&frames[..=index], &mut nodes[..=index]);
                return self.intern_rest(window, cache, (at, hash), rest);
            };
            *place = node;
            (at, hash) = (node, path);
        }
        true
    }

    /// The same for frames of which the outermost was not met lately. `parent` comes with its hash.
    #[inline(never)]
    fn intern_rest(
        &self,
        window: &Window,
        cache: &mut NodeCache,
        (parent, base): (u32, u32),
        (frames, nodes): (&[u64], &mut [u32]),
    ) -> bool {
        let leaf_hash = hash_of(base, frames);
        if let Some(leaf) = self.find(parent, leaf_hash, frames) {
            let mut at = leaf;
            for place in &mut *nodes {
                *place = at;
                at = self.node(at).parent;
            }
            let mut hash = base;
            for (frame, node) in frames.iter().zip(&*nodes).rev() {
                hash = path_hash(hash, *frame);
                cache.enter(hash, at, *frame, *node);
                at = *node;
            }
            return true;
        }
        let Some(first) = self.nodes.reserve(window, frames.len() as u32) else {
            return false;
        };
        let (mut index, mut parent, mut hash) = (first, parent, base);
        for (frame, place) in frames.iter().zip(nodes).rev() {
            hash = path_hash(hash, *frame);
            self.write(index, parent, *frame, hash);
            if index - first < NEAR {
                cache.enter(hash, parent, *frame, index);
            }
            *place = index;
            parent = index;
            index += 1;
        }
        self.leaves.enter(leaf_hash, parent);
        true
    }

    /// The node for `frame` below `parent`, without a cache; `None` when the tree is full.
    pub(super) fn intern_one(&self, window: &Window, parent: u32, frame: u64) -> Option<u32> {
        let hash = path_hash(self.node(parent).hash, frame);
        if let Some(node) = self.find(parent, hash, &[frame]) {
            return Some(node);
        }
        let index = self.nodes.reserve(window, 1)?;
        self.write(index, parent, frame, hash);
        self.leaves.enter(hash, index);
        Some(index)
    }

    #[inline(always)]
    fn write(&self, index: u32, parent: u32, frame: u64, hash: u32) {
        let node = Node {
            frame,
            parent,
            hash,
        };
        // SAFETY: the index was just reserved by the caller, so its segment exists.
        unsafe { sync::write(self.nodes.get(index), node) };
    }

    /// A node with the path to `parent` and then `frames`.
    #[inline(always)]
    fn find(&self, parent: u32, hash: u32, frames: &[u64]) -> Option<u32> {
        self.leaves.find(hash, |leaf| {
            let mut at = leaf;
            for frame in frames {
                let node = self.node(at);
                if node.frame != *frame {
                    return false;
                }
                at = node.parent;
            }
            self.is_same_path(at, parent)
        })
    }

    fn is_same_path(&self, mut one: u32, mut other: u32) -> bool {
        while one != other {
            let nodes = (self.node(one), self.node(other));
            if nodes.0.frame != nodes.1.frame {
                return false;
            }
            (one, other) = (nodes.0.parent, nodes.1.parent);
        }
        true
    }
}
