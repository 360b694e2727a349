//! Frames that the rules cannot describe.
//!
//! A row of the unwind tables that needs the full interpreter sends the whole stack to libgcc's
//! unwinder (through the `backtrace` crate). With glibc 2.35 or newer libgcc takes no lock for that;
//! before, it holds the loader's lock for a moment, as for every C++ exception. A module without any tables is crossed by frame
//! pointers, and its frames are marked.

use super::cursor::{Cursor, End};
use super::memo::MAX_FRAMES;
use super::{intern, rules};
use crate::arch::{Position, Registers};
use crate::thread::ThreadState;
use crate::{IMAGE, control};
use hackleak_image::layout::Counter;
use hackleak_image::{Frame, Marker};
use hackleak_options::Stacks;
use rules::Shape;

/// The frames of a stack as libgcc finds them, from the caller of the hook to the last one that a
/// module covers.
pub struct Reference {
    /// How many frames there are.
    pub len: usize,
    /// How the stack ends.
    pub end: End,
}

/// Walks with libgcc from this function up and calls `frame` from the caller of the hook on.
pub fn reference(position: Position, mut frame: impl FnMut(u64)) -> Reference {
    let mut found = Reference {
        len: 0,
        end: End::Outermost,
    };
    let mut started = false;
    let mut exact = false;
    let mut visit = |ip: usize, slot: usize| {
        started |= slot == position.slot;
        if !started {
            return true;
        }
        // After the frame of a signal handler's return, the address is that of the interrupted
        // instruction itself.
        let (rule, key) = rules::at(if exact { ip } else { ip.wrapping_sub(1) });
        if rule.shape() == Shape::Foreign {
            found.end = End::Foreign { slot };
            return false;
        }
        if found.len == control::depth().min(MAX_FRAMES) {
            found.end = End::Cut(Marker::Truncated);
            return false;
        }
        exact = rule.shape() == Shape::Signal;
        frame(key);
        found.len += 1;
        true
    };
    // SAFETY: not synchronised with other users of the crate, of which this library has none.
    unsafe {
        backtrace::trace_unsynchronized(|at| {
            let slot = (at.sp() as usize).wrapping_sub(size_of::<usize>());
            visit(at.ip() as usize, slot)
        });
    }
    found
}

/// The node for the stack at `position`, found by libgcc.
#[cold]
#[inline(never)]
pub fn stack(thread: &mut ThreadState, position: Position) -> u32 {
    thread.memo.forget_last();
    thread.record().full_walks += 1;
    let mut frames = [0u64; 512];
    let mut total = 0;
    let found = reference(position, |frame| {
        if let Some(place) = frames.get_mut(total) {
            *place = frame;
        }
        total += 1;
    });
    let root = super::root(thread, found.end, 0, position);
    if control::stacks() == Stacks::Java {
        return root;
    }
    let mut node = root;
    if let End::Cut(marker) = found.end {
        node = intern(node, Frame::Marker(marker).encode());
    } else if total > frames.len() {
        IMAGE.count(Counter::StackTruncated);
        node = intern(node, Frame::Marker(Marker::Truncated).encode());
    }
    for frame in frames[..total.min(frames.len())].iter().rev() {
        node = intern(node, *frame);
    }
    node
}

/// A call of native code that has not returned: where a walk can begin.
pub type Call = Position;

impl Call {
    /// The return address of the call.
    pub fn return_address(&self) -> usize {
        Cursor::new(*self).pc
    }
}

/// Walks from `call` to the end of its native stack and gives every frame's address and key to
/// `visit`; nothing is remembered of it. An error when `visit` wanted no more, with the marker
/// `None`, or when the walk had to be cut.
pub fn frames(call: Call, mut visit: impl FnMut(usize, u64) -> bool) -> Result<(), Option<Marker>> {
    let mut at = Cursor::new(call);
    loop {
        let (rule, frame) = rules::at(at.lookup);
        match rule.shape() {
            Shape::Foreign => return Ok(()),
            Shape::Other => return Err(Some(Marker::NoUnwindTables)),
            _ if !visit(at.lookup, frame) => return Err(None),
            _ => {}
        }
        match at.step(rule) {
            Ok(()) => {}
            Err(End::Cut(marker)) => return Err(Some(marker)),
            Err(_) => return Ok(()),
        }
    }
}

/// The registers of the Java code whose call led to `call`, by way of a stub that the JVM made and
/// that keeps a frame pointer; `None` when the native stack does not end so.
pub fn java_caller(call: Call) -> Option<Registers> {
    let mut at = Cursor::new(call);
    loop {
        let (rule, _) = rules::at(at.lookup);
        match rule.shape() {
            Shape::Foreign => return at.by_frame_pointer(),
            Shape::Other => return None,
            _ => at.step(rule).ok()?,
        }
    }
}

/// Interns the native frames from `call` to the end of its native stack under `node`.
pub fn plant_call(mut node: u32, call: Call) -> u32 {
    const MAX: usize = 512;
    let mut found = [0u64; MAX];
    let mut len = 0;
    let end = frames(call, |_, frame| {
        if len == MAX {
            return false;
        }
        found[len] = frame;
        len += 1;
        true
    });
    if let Err(marker) = end {
        IMAGE.count(Counter::StackTruncated);
        let marker = marker.unwrap_or(Marker::Truncated);
        node = intern(node, Frame::Marker(marker).encode());
    }
    for frame in found[..len].iter().rev() {
        node = intern(node, *frame);
    }
    node
}

/// One step by the frame pointer: the caller's frame address and frame pointer. The two words are
/// read through the kernel, because nothing vouches that the register is a frame pointer.
pub fn by_frame_pointer(sp: usize, fp: usize) -> Option<(usize, usize)> {
    const FARTHEST: usize = 1 << 20;
    if fp < sp || fp - sp > FARTHEST || fp & 7 != 0 {
        return None;
    }
    let mut words = [0usize; 2];
    let len = size_of_val(&words);
    let local = libc::iovec {
        iov_base: words.as_mut_ptr().cast(),
        iov_len: len,
    };
    let remote = libc::iovec {
        iov_base: fp as *mut _,
        iov_len: len,
    };
    // SAFETY: reads this process's own memory into a place that is large enough; an address that
    // is not mapped is an error of the call.
    let read = unsafe { libc::process_vm_readv(libc::getpid(), &local, 1, &remote, 1, 0) };
    if read != len as isize || words[1] < 4096 {
        return None;
    }
    Some((fp + len, words[0]))
}
