//! From nodes of the stack tree to frames that a person can read.
//!
//! Every address is looked up once, module by module. Opening the debug information of a large
//! library costs more than a thousand look-ups in it.

pub(crate) mod file;
mod java;
mod kept;
mod marks;
pub(crate) mod native;
mod tidy;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use hackleak_image::{Image, frame};

use crate::model::{Frame, Module};
use java::JavaNames;
pub use kept::keep;
use native::NativeNames;

/// Frames of stacks, and what was met while they were looked up.
#[derive(Debug, Default)]
pub(crate) struct Symbolised {
    /// The frames of each node that was asked for, the allocating function first.
    pub(crate) stacks: HashMap<u32, Rc<[Frame]>>,
    /// The modules of those frames.
    pub(crate) modules: Vec<Module>,
    /// Stacks that were cut, or lack frames.
    pub(crate) incomplete: u64,
    /// Why symbols of a module are missing, one sentence each.
    pub(crate) notes: Vec<String>,
}

/// Frames of all stacks of an image together: so many, and so many more for each stack. A damaged
/// tree of a few megabytes can stand for thousands of millions of frames.
const FRAMES: usize = 1 << 20;
const FRAMES_PER_STACK: usize = 64;
/// Frames that a stack gets even when the others had more than their share.
const FRAMES_OF_ANY: usize = 32;

/// The frames of some nodes, for views that show few sites of many.
pub fn stacks(image: &Image, nodes: &[u32]) -> HashMap<u32, Rc<[Frame]>> {
    symbolise(image, nodes.iter().copied()).stacks
}

/// Java code that the JVM makes for method handles and calls of native functions. Its own traces
/// leave it out, and it is another at the first calls of a place than later.
const HIDDEN: [&str; 6] = [
    "java.lang.invoke.LambdaForm$",
    "java.lang.invoke.DirectMethodHandle$Holder",
    "java.lang.invoke.DelegatingMethodHandle$Holder",
    "java.lang.invoke.Invokers$Holder",
    "jdk.internal.foreign.abi.DowncallStub",
    "jdk.internal.foreign.abi.UpcallStub",
];

/// Leaves hidden frames out, where other Java frames are left.
fn fold_hidden(frames: &mut Vec<Frame>) {
    let is_hidden = |frame: &Frame| match frame {
        Frame::Java(java) => HIDDEN.iter().any(|start| java.class.starts_with(start)),
        _ => false,
    };
    let is_plain = |frame: &Frame| matches!(frame, Frame::Java(_)) && !is_hidden(frame);
    if frames.iter().any(is_plain) {
        frames.retain(|frame| !is_hidden(frame));
        // What is missing on both sides of them is said once.
        frames.dedup_by(|one, two| matches!(one, Frame::Mark { .. }) && one == two);
    }
}

/// Looks up the stacks of `nodes`.
pub(crate) fn symbolise(image: &Image, nodes: impl Iterator<Item = u32>) -> Symbolised {
    let nodes: BTreeSet<u32> = nodes.collect();
    let mut budget = FRAMES + FRAMES_PER_STACK * nodes.len();
    let stacks: BTreeMap<u32, _> = nodes
        .into_iter()
        .map(|node| {
            let stack = image.stack_up_to(node, budget.max(FRAMES_OF_ANY));
            budget = budget.saturating_sub(stack.frames.len());
            (node, stack)
        })
        .collect();
    let mut addresses: BTreeMap<u32, BTreeSet<u64>> = BTreeMap::new();
    for frame in stacks.values().flat_map(|stack| &stack.frames) {
        if let frame::Frame::Native { module, vaddr } = *frame {
            addresses.entry(module).or_default().insert(vaddr);
        }
    }
    let native = NativeNames::look_up(image, addresses);
    let mut java = JavaNames::new(image);
    let mut symbolised = Symbolised::default();
    for (node, stack) in stacks {
        let mut frames = Vec::with_capacity(stack.frames.len());
        for frame in &stack.frames {
            match *frame {
                frame::Frame::Native { module, vaddr } => {
                    frames.extend(
                        native
                            .frames(module, vaddr)
                            .iter()
                            .cloned()
                            .map(Frame::Native),
                    );
                }
                frame::Frame::Java { method, bci } => {
                    frames.push(Frame::Java(java.frame(method, bci)));
                }
                frame::Frame::Marker(marker) => frames.push(marks::of(marker)),
                frame::Frame::Address(address) => {
                    frames.push(Frame::Native(native::unmapped(address)))
                }
            }
        }
        fold_hidden(&mut frames);
        if stack.incomplete {
            symbolised.incomplete += 1;
            frames.push(marks::incomplete());
        } else if frames.is_empty() {
            frames.push(marks::empty());
        }
        symbolised.stacks.insert(node, frames.into());
    }
    symbolised.modules = native.modules;
    symbolised.notes = native.notes;
    symbolised
}
