//! Java frames as nodes of the stack tree.

use super::{Buffers, CallFrame, MAX_FRAMES};
use crate::hot::ground::stack_bounds::StackBounds;
use crate::hot::jvm::between::Between;
use crate::hot::jvm::methods;
use crate::hot::unwind::{self, intern};
use hackleak_image::frame::BCI_NATIVE;
use hackleak_image::{Frame, Marker};
use jvmti_bindings::sys::jni::JNIEnv;

/// Interns the first `len` frames with the native frames between them.
#[cold]
#[inline(never)]
pub(super) fn intern_nested(
    buffers: &mut Buffers,
    bounds: &mut StackBounds,
    env: *mut JNIEnv,
    len: usize,
    between: &Between,
) -> u32 {
    buffers.last_len = 0;
    let mut node = 0;
    for index in (0..=len).rev() {
        if index < len {
            node = intern_frame(buffers, env, index, node);
        }
        if let Some(call) = between.at(index) {
            node = unwind::intern_call(node, call, bounds, &mut buffers.native);
        }
    }
    node
}

/// Interns the first `len` frames where JVMTI may not be called.
#[cold]
#[inline(never)]
pub(super) fn intern_unnamed(buffers: &mut Buffers, len: usize) -> u32 {
    buffers.last_len = 0;
    let mut node = 0;
    for CallFrame { bci, method } in buffers.frames[..len].iter().rev() {
        if method.is_null() {
            node = intern(node, Frame::Marker(Marker::JavaNameless).encode());
        } else if let Some(method) = methods::index_unnamed(*method) {
            let bci = if *bci < 0 { BCI_NATIVE } else { *bci as u16 };
            node = intern(node, Frame::Java { method, bci }.encode());
        }
    }
    node
}

/// Interns one Java frame.
#[inline(always)]
fn intern_frame(buffers: &mut Buffers, env: *mut JNIEnv, index: usize, node: u32) -> u32 {
    let CallFrame { bci, method } = buffers.frames[index];
    match methods::index(&mut buffers.names, env, method) {
        Some(method) => {
            let bci = if bci < 0 { BCI_NATIVE } else { bci as u16 };
            intern(node, Frame::Java { method, bci }.encode())
        }
        None => node,
    }
}

/// Interns the first `len` frames, root side first. What they share with the last stack on the
/// root side is not interned again.
pub(super) fn intern_stack(buffers: &mut Buffers, env: *mut JNIEnv, len: usize) -> u32 {
    let shared = buffers.frames[..len]
        .iter()
        .rev()
        .zip(buffers.last[..buffers.last_len].iter().rev())
        .take_while(|(new, old)| new == old)
        .count();
    let old_len = core::mem::replace(&mut buffers.last_len, len);
    let mut node = 0;
    if shared > 0 {
        node = buffers.last_nodes[old_len - shared];
    } else if len == MAX_FRAMES {
        node = intern(0, Frame::Marker(Marker::JavaTruncated).encode());
    }
    // The shared frames move to where they are from the leaf's side now.
    if old_len != len {
        let (from, to) = (old_len - shared, len - shared);
        buffers.last_nodes.copy_within(from..old_len, to);
    }
    for index in (0..len - shared).rev() {
        node = intern_frame(buffers, env, index, node);
        buffers.last_nodes[index] = node;
    }
    buffers.last[..len].copy_from_slice(&buffers.frames[..len]);
    node
}
