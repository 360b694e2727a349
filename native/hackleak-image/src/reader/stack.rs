//! From a node of the stack tree to its frames.

use super::damage::Damage;
use super::open::Image;
use crate::Frame;
use crate::layout::{Node, SegmentKind};

/// The most frames that a stack is followed for: several times what a recorder writes. A damaged
/// tree may go round in circles.
const MAX_FRAMES: usize = 1 << 13;

/// The frames of one allocation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stack {
    /// From the allocating function towards the thread's start.
    pub frames: Vec<Frame>,
    /// Whether frames are missing: the image is damaged.
    pub incomplete: bool,
}

impl Image {
    /// The frames from node `node` to the root; none for node 0.
    pub fn stack(&self, node: u32) -> Stack {
        self.stack_up_to(node, MAX_FRAMES)
    }

    /// The same, at most `most` frames of it: for whoever reads many stacks and has to bound the
    /// memory for all of them.
    pub fn stack_up_to(&self, node: u32, most: usize) -> Stack {
        let mut stack = Stack::default();
        let mut next = node;
        for _ in 0..most.min(MAX_FRAMES) {
            if next == 0 {
                return stack;
            }
            let Some(node) = self.record::<Node>(SegmentKind::Nodes, u64::from(next)) else {
                stack.incomplete = true;
                return stack;
            };
            if node.frame == 0 {
                // Nodes are written before anything names them.
                self.damage.add(Damage::BlankRecord, 1);
                stack.incomplete = true;
                return stack;
            }
            match Frame::decode(node.frame) {
                Some(frame) => stack.frames.push(frame),
                None => {
                    self.damage.add(Damage::BadFrame, 1);
                    stack.incomplete = true;
                }
            }
            next = node.parent;
        }
        if next != 0 {
            self.damage
                .add(Damage::EndlessStack, u64::from(most >= MAX_FRAMES));
            stack.incomplete = true;
        }
        stack
    }
}
