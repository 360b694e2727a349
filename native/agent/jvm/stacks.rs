//! The Java stack above a native stack, as a node of the stack tree.
//!
//! It is asked for once for each native method that allocates, with `AsyncGetCallTrace`: that
//! neither blocks nor allocates, and a thread inside a native method is always walkable. JVMTI's
//! `GetStackTrace` is the fallback while a garbage collection runs, for methods that have no
//! method id yet, because it makes them one, and where the answer may be cut: `AsyncGetCallTrace` stops
//! without a word at a frame whose compiled code was thrown away.

use super::between::Between;
use super::entries::Entry;
use super::memo::JavaMemo;
use super::{Jvmti, jni_env, method_ids, methods, own_code};
use crate::arch::{Position, signal_context};
use crate::stack_bounds::StackBounds;
use crate::thread::ThreadState;
use crate::unwind::{self, function_start, intern};
use crate::{IMAGE, boundary};
use core::ffi::{CStr, c_void};
use core::mem::transmute;
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering::Relaxed};
use hackleak_image::frame::BCI_NATIVE;
use hackleak_image::layout::Counter;
use hackleak_image::{Frame, Marker};
use jvmti_bindings::sys::jni::{JNIEnv, JavaVM, jint, jmethodID};
use jvmti_bindings::sys::jvmti::{JVMTI_ERROR_NONE, jvmtiFrameInfo};

/// The most Java frames of one stack.
const MAX_FRAMES: usize = 1024;

/// One frame of `AsyncGetCallTrace`: a byte-code index, or -3 in a native method.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(C)]
struct CallFrame {
    bci: jint,
    method: jmethodID,
}

#[repr(C)]
struct CallTrace {
    env: *mut JNIEnv,
    len: jint,
    frames: *mut CallFrame,
}

type AsyncGetCallTrace = unsafe extern "C" fn(*mut CallTrace, jint, *mut c_void);

/// The answers of `AsyncGetCallTrace` that the fallback can better.
const NO_CLASS_LOAD_EVENTS: jint = -1;
const GC_ACTIVE: jint = -2;
/// The thread is in Java code, and no signal context told where.
const UNKNOWN_JAVA: jint = -5;

static ASYNC_GET_CALL_TRACE: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());

/// Buffers of one thread.
pub struct Buffers {
    frames: [CallFrame; MAX_FRAMES],
    jvmti: [jvmtiFrameInfo; MAX_FRAMES],
    /// The stack that was asked for last, and the node of each of its frames.
    last: [CallFrame; MAX_FRAMES],
    last_nodes: [u32; MAX_FRAMES],
    last_len: usize,
    /// The method that whole stacks of this thread ended with lately.
    outermost: jmethodID,
    /// Whether the last answer depends on nothing but what the memo compares.
    may_learn: bool,
    memo: JavaMemo,
    /// Room for the native frames of a call back into Java.
    native: [u64; unwind::MAX_FRAMES],
    pub names: methods::Buffer,
}

impl Buffers {
    /// Forgets what a former thread left.
    pub fn clear(&mut self) {
        self.last_len = 0;
        self.outermost = ptr::null_mut();
        self.memo.clear();
    }

    /// Whether the first `len` frames lead as far as stacks of this thread do.
    fn is_whole(&self, len: usize) -> bool {
        if unwind::breaks(unwind::Memory::Outermost) {
            return true;
        }
        match self.frames[..len].last() {
            Some(last) if len < MAX_FRAMES => last.method == self.outermost,
            _ => true,
        }
    }
}

/// Finds `AsyncGetCallTrace`, which libjvm exports though no header declares it.
pub fn init(_vm: *mut JavaVM) {
    const NAME: &CStr = c"AsyncGetCallTrace";
    // SAFETY: finds a library that is loaded already, and a symbol in it.
    unsafe {
        let jvm = libc::dlopen(c"libjvm.so".as_ptr(), libc::RTLD_NOLOAD | libc::RTLD_LAZY);
        let handle = if jvm.is_null() {
            libc::RTLD_DEFAULT
        } else {
            jvm
        };
        ASYNC_GET_CALL_TRACE.store(libc::dlsym(handle, NAME.as_ptr()), Relaxed);
    }
}

/// Whether the entry is that of the call that led to `outermost`, an address in the outermost native
/// frame (0 when there is none), and not of an earlier one at the same place.
///
/// A native method that was bound before the boundary was in place has no thunk, nor have those of
/// the JVM itself. The entry is none of theirs if it leads to the same function.
#[inline(always)]
pub fn is_certain(entry: &Entry, outermost: usize) -> bool {
    if is_plainly_certain(outermost) {
        return true;
    }
    outermost != 0 && function_start(outermost) == Some(entry.cell().target)
}

/// Whether any entry is certain where `outermost` is the outermost native frame: all methods but the
/// JVM's own have thunks.
#[inline(always)]
pub fn is_plainly_certain(outermost: usize) -> bool {
    super::sees_all() && !own_code::is_jvm_code(outermost)
}

/// The node of the Java stack that called native code with its return address at `slot`.
/// `outermost` is an address in the native frame that Java called; 0 when there is none.
#[inline(never)]
pub fn root(thread: &mut ThreadState, slot: usize, outermost: usize, position: Position) -> u32 {
    // A native method that ends by jumping to a JNI function has left its place to that call.
    let Some(entry) = thread.entries.native_at(slot) else {
        return ask(thread, slot, position).unwrap_or(Marker::NoJavaStack as u32);
    };
    let certain = is_certain(entry, outermost);
    let entry: *mut Entry = entry;
    // SAFETY: an entry of this thread's own stack, of which nothing else moves meanwhile.
    let known = unsafe { (*entry).detail };
    if certain && known != 0 {
        return known as u32 - 1;
    }
    if certain && let Some(node) = thread.java.memo.recall(slot, thread.entries.all()) {
        #[cfg(feature = "verify")]
        unwind::verify::java(node, ask(thread, slot, position));
        // SAFETY: as above.
        unsafe { (*entry).detail = node as usize + 1 };
        return node;
    }
    match ask(thread, slot, position) {
        Some(node) if certain => {
            // SAFETY: as above.
            unsafe { (*entry).detail = node as usize + 1 };
            if thread.java.may_learn {
                learn(thread, slot, node);
            }
            node
        }
        node => node.unwrap_or(Marker::NoJavaStack as u32),
    }
}

fn learn(thread: &mut ThreadState, slot: usize, node: u32) {
    let Some(end) = thread.bounds.end_of_own(slot) else {
        return;
    };
    thread.on_own_stack(|thread| {
        let entries = thread.entries.all();
        thread.java.memo.learn(slot..end, entries, node);
    });
}

/// The Java stack of the calling thread; 0 for a thread without one. `None` when the JVM gave
/// none though it should have: the answer may be another next time.
#[inline(never)]
fn ask(thread: &mut ThreadState, slot: usize, position: Position) -> Option<u32> {
    thread.on_own_stack(|thread| ask_jvm(thread, slot, position))
}

fn ask_jvm(thread: &mut ThreadState, slot: usize, position: Position) -> Option<u32> {
    boundary::may_panic();
    thread.java.may_learn = false;
    let env = jni_env();
    if env.is_null() {
        return Some(0);
    }
    thread.record().java_asks += 1;
    let mut in_java = false;
    let mut answer = async_trace(env, &mut thread.java.frames, None);
    if let Err(Refusal::InJava) = answer
        && let Some(caller) = unwind::java_caller(position, &mut thread.bounds)
    {
        method_ids::want();
        in_java = true;
        answer = async_trace(env, &mut thread.java.frames, Some(caller));
    }
    let mut is_cut = matches!(answer, Ok(len) if !in_java && !thread.java.is_whole(len));
    #[cfg(feature = "verify")]
    if let Ok(len) = answer
        && !is_cut
        && !in_java
        && !unwind::passes_through(position, &mut thread.bounds, own_code::jvm())
    {
        compare_with_jvmti(&mut thread.java, len);
    }
    let len = match answer {
        Ok(len) if !is_cut => len,
        answer => {
            let cut = answer.as_ref().ok().copied();
            thread.record().java_fallbacks += 1;
            // JVMTI may only be called from native code, not from inside the JVM.
            let safe = !matches!(answer, Err(Refusal::InJava | Refusal::NotWalkable))
                && (!unwind::passes_through(position, &mut thread.bounds, own_code::jvm())
                    || loads_library(position, &mut thread.bounds));
            let better = if safe {
                jvmti_trace(&mut thread.java, cut)
            } else {
                None
            };
            // Native code may have called another method than before.
            is_cut &= better.zip(cut).is_none_or(|(whole, len)| whole > len);
            match better.or(cut) {
                Some(len) => len,
                None => {
                    IMAGE.count(Counter::JavaStackMissing);
                    return None;
                }
            }
        }
    };
    let frames = &thread.java.frames;
    let native = |frame: usize| {
        // The leaf is the native method that is running.
        let CallFrame { bci, method } = frames[frame];
        (bci < 0 && frame > 0).then_some(method as usize)
    };
    let between = Between::of(&thread.entries, &mut thread.bounds, slot, len, native);
    // Native code that began the thread lies beyond what the memo compares.
    thread.java.may_learn = !is_cut && len < MAX_FRAMES && between.at(len).is_none();
    if in_java {
        return Some(plant_unnamed(&mut thread.java, len));
    }
    Some(if between.is_empty() {
        plant(&mut thread.java, env, len)
    } else {
        plant_nested(&mut thread.java, &mut thread.bounds, env, len, &between)
    })
}

/// Whether the JVM has the loader run the constructors of a library, as `System.load` does: the thread is in
/// native code then, for the JVM too, though a frame of the JVM's is on the stack.
#[cold]
#[inline(never)]
fn loads_library(position: Position, bounds: &mut StackBounds) -> bool {
    // SAFETY: the kernel's own record of where it mapped the loader; 0 when there is none.
    let loader = unsafe { libc::getauxval(libc::AT_BASE) } as usize;
    let range = unwind::module_range(loader);
    range.is_some_and(|range| unwind::passes_through(position, bounds, range))
}

/// Interns the first `len` frames with the native frames between them.
#[cold]
#[inline(never)]
fn plant_nested(
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
            node = plant_frame(buffers, env, index, node);
        }
        if let Some(call) = between.at(index) {
            node = unwind::plant_call(node, call, bounds, &mut buffers.native);
        }
    }
    node
}

/// Interns the first `len` frames where JVMTI may not be called.
#[cold]
#[inline(never)]
fn plant_unnamed(buffers: &mut Buffers, len: usize) -> u32 {
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
fn plant_frame(buffers: &mut Buffers, env: *mut JNIEnv, index: usize, node: u32) -> u32 {
    let CallFrame { bci, method } = buffers.frames[index];
    match methods::index(&mut buffers.names, env, method) {
        Some(method) => {
            let bci = if bci < 0 { BCI_NATIVE } else { bci as u16 };
            intern(node, Frame::Java { method, bci }.encode())
        }
        None => node,
    }
}

/// Why `AsyncGetCallTrace` gave no stack.
enum Refusal {
    /// The JVM takes the thread to be in Java code: it called native code without telling (a
    /// `critical` downcall), so it must be told where its Java code stands.
    InJava,
    /// The fallback may know it.
    AskJvmti,
    /// The thread is not in native code, or cannot be walked: asking JVMTI would not be safe.
    NotWalkable,
}

/// The number of frames.
fn async_trace(
    env: *mut JNIEnv,
    frames: &mut [CallFrame; MAX_FRAMES],
    top: Option<unwind::Registers>,
) -> Result<usize, Refusal> {
    let function = ASYNC_GET_CALL_TRACE.load(Relaxed);
    if function.is_null() {
        return Err(Refusal::AskJvmti);
    }
    // SAFETY: the function of this name that every HotSpot exports has this type.
    let function: AsyncGetCallTrace = unsafe { transmute(function) };
    let mut trace = CallTrace {
        env,
        len: 0,
        frames: frames.as_mut_ptr(),
    };
    let mut context = top.map(signal_context);
    let context = context.as_mut().map_or(ptr::null_mut(), ptr::from_mut);
    // SAFETY: the environment of this thread and room for the frames; without a signal context it
    // starts at the last Java frame.
    unsafe { function(&mut trace, MAX_FRAMES as jint, context.cast()) };
    match trace.len {
        // Methods without an id cannot be named, nor JVMTI be asked to make them one.
        len @ 0.. if top.is_some() => {
            let len = join_nameless(&mut frames[..len as usize]);
            match frames[..len].iter().any(|frame| !frame.method.is_null()) {
                true => Ok(len),
                false => Err(Refusal::NotWalkable),
            }
        }
        len @ 0.. => {
            let len = len as usize;
            // A method without an id cannot be named.
            if frames[..len].iter().any(|frame| frame.method.is_null()) {
                Err(Refusal::AskJvmti)
            } else {
                Ok(len)
            }
        }
        NO_CLASS_LOAD_EVENTS | GC_ACTIVE => Err(Refusal::AskJvmti),
        UNKNOWN_JAVA if top.is_none() => Err(Refusal::InJava),
        _ => Err(Refusal::NotWalkable),
    }
}

/// Moves the frames with a method id to the front, and of those without, that follow one another, the
/// first; how many are left.
fn join_nameless(frames: &mut [CallFrame]) -> usize {
    let mut left = 0;
    for index in 0..frames.len() {
        let is_first = left == 0 || !frames[left - 1].method.is_null();
        if is_first || !frames[index].method.is_null() {
            frames[left] = frames[index];
            left += 1;
        }
    }
    left
}

/// For the tests: whether `AsyncGetCallTrace` said the same as JVMTI does.
#[cfg(feature = "verify")]
fn compare_with_jvmti(buffers: &mut Buffers, len: usize) {
    if !unwind::verify::checks_answers() {
        return;
    }
    let (frames, outermost) = (buffers.frames, buffers.outermost);
    if let Some(count) = jvmti_trace(buffers, None) {
        let same = frames[..len]
            .iter()
            .zip(&buffers.frames[..count])
            .all(|(one, two)| one.method == two.method && one.bci.max(-1) == two.bci.max(-1));
        unwind::verify::answer(same && len == count);
    }
    (buffers.frames, buffers.outermost) = (frames, outermost);
}

/// Asks JVMTI. `cut` is the length of the answer that may be cut.
fn jvmti_trace(buffers: &mut Buffers, cut: Option<usize>) -> Option<usize> {
    let jvmti = Jvmti::get()?;
    let function = jvmti.functions().GetStackTrace?;
    let mut count = 0;
    // SAFETY: a JVMTI call about the calling thread, which is in native code, with room for the
    // frames.
    let error = unsafe {
        function(
            jvmti.env,
            ptr::null_mut(),
            0,
            MAX_FRAMES as jint,
            buffers.jvmti.as_mut_ptr(),
            &mut count,
        )
    };
    if error != JVMTI_ERROR_NONE {
        return None;
    }
    let count = count.max(0) as usize;
    let last = match cut {
        // It was whole after all: JVMTI leaves out what begins a virtual thread.
        Some(len) if len >= count => buffers.frames[..len].last().map(|frame| frame.method),
        _ => buffers.jvmti[..count].last().map(|info| info.method),
    };
    for (frame, info) in buffers.frames.iter_mut().zip(&buffers.jvmti[..count]) {
        *frame = CallFrame {
            bci: info.location as jint,
            method: info.method,
        };
    }
    if let Some(last) = last {
        buffers.outermost = last;
    }
    Some(count)
}

/// Interns the first `len` frames, root side first. What they share with the last stack on the
/// root side is not interned again.
fn plant(buffers: &mut Buffers, env: *mut JNIEnv, len: usize) -> u32 {
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
        node = plant_frame(buffers, env, index, node);
        buffers.last_nodes[index] = node;
    }
    buffers.last[..len].copy_from_slice(&buffers.frames[..len]);
    node
}
