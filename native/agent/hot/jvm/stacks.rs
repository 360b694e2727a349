//! The Java stack above a native stack, as a node of the stack tree.
//!
//! It is asked for once for each native method that allocates, with `AsyncGetCallTrace`: that
//! neither blocks nor allocates, and a thread inside a native method is always walkable. JVMTI's
//! `GetStackTrace` is the fallback while a garbage collection runs, and for methods that have no
//! method id yet, because it makes them one. It is, too, where the answer may be cut:
//! `AsyncGetCallTrace` stops without a word at a frame whose compiled code was thrown away.

mod answers;
mod intern;

pub use answers::init;

use super::between::Between;
use super::entries::Entry;
use super::stack_cache::JavaStackCache;
use super::{jni_env, method_ids, methods, own_code, thread_list};
use crate::IMAGE;
use crate::arch::{CallSite, FOLLOWS_JAVA_FRAMES};
use crate::hot::ground::boundary;
use crate::hot::ground::stack_bounds::StackBounds;
use crate::hot::thread::{ThreadState, own_tid};
use crate::hot::unwind::{self, function_start};
#[cfg(feature = "verify")]
use answers::compare_with_jvmti;
use answers::{Refusal, async_trace, jvmti_trace};
use core::ptr;
use hackleak_image::Marker;
use hackleak_image::layout::Counter;
use intern::{intern_nested, intern_stack, intern_unnamed};
use jvmti_bindings::sys::jni::{jint, jmethodID};
use jvmti_bindings::sys::jvmti::jvmtiFrameInfo;

/// The most Java frames of one stack.
const MAX_FRAMES: usize = 1024;

/// One frame of `AsyncGetCallTrace`: a byte-code index, or -3 in a native method.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(C)]
struct CallFrame {
    bci: jint,
    method: jmethodID,
}

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
    /// Whether the last answer depends on nothing but what the cache compares.
    may_learn: bool,
    stack_cache: JavaStackCache,
    /// Room for the native frames of a call back into Java.
    native: [u64; unwind::MAX_FRAMES],
    pub names: methods::Buffer,
}

impl Buffers {
    /// Forgets what a former thread left.
    pub fn clear(&mut self) {
        self.last_len = 0;
        self.outermost = ptr::null_mut();
        self.stack_cache.clear();
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

/// Whether the entry is that of the call that led to `outermost`, an address in the outermost
/// native frame (0 when there is none), and not of an earlier one at the same place.
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

/// Whether any entry is certain where `outermost` is the outermost native frame: all methods but
/// the JVM's own have thunks.
#[inline(always)]
pub fn is_plainly_certain(outermost: usize) -> bool {
    super::sees_all() && !own_code::is_jvm_code(outermost)
}

/// Whether it is known without asking the JVM that the node of the Java stack that called native
/// code at the `place` is `root`. `outermost` is an address in the native frame that Java called.
/// Nothing in it can panic.
#[inline(always)]
pub fn is_root(
    thread: &mut ThreadState,
    place: (usize, usize),
    outermost: usize,
    root: u32,
    call_site: CallSite,
) -> bool {
    if !is_plainly_certain(outermost) {
        return false;
    }
    match thread.entries.native_at(place.0, place.1) {
        Some(entry) => entry.has_node(root) || is_still(thread, place, root, call_site),
        None => false,
    }
}

/// The same for the innermost entry, which has not this node, if it has none.
#[inline(never)]
fn is_still(
    thread: &mut ThreadState,
    place: (usize, usize),
    root: u32,
    call_site: CallSite,
) -> bool {
    let found = match FOLLOWS_JAVA_FRAMES {
        true => thread.java.stack_cache.get(place.0, thread.entries.all()),
        false => None,
    };
    let entry = thread.entries.innermost();
    let Some(entry) = entry.filter(|entry| found == Some(root) && entry.node().is_none()) else {
        return false;
    };
    entry.set_node(root);
    #[cfg(feature = "verify")]
    boundary::guarded(|| unwind::verify::java(root, ask(thread, place, call_site)));
    let _ = call_site;
    true
}

/// The node of the Java stack that called native code at the `place` that [`unwind::End::Foreign`]
/// tells. `outermost` is an address in the native frame that Java called; 0 when there is none.
#[inline(never)]
pub fn root(
    thread: &mut ThreadState,
    place: (usize, usize),
    outermost: usize,
    call_site: CallSite,
) -> u32 {
    let (slot, caller) = place;
    // A native method that ends by jumping to a JNI function has left its place to that call.
    let Some(entry) = thread.entries.native_at(slot, caller) else {
        return ask(thread, place, call_site).unwrap_or(Marker::NoJavaStack as u32);
    };
    let certain = is_certain(entry, outermost);
    let entry: *mut Entry = entry;
    // SAFETY: an entry of this thread's own stack, of which nothing else moves meanwhile.
    let known = unsafe { (*entry).node() };
    if certain && let Some(node) = known {
        return node;
    }
    if certain
        && FOLLOWS_JAVA_FRAMES
        && let Some(node) = thread.java.stack_cache.get(slot, thread.entries.all())
    {
        #[cfg(feature = "verify")]
        unwind::verify::java(node, ask(thread, place, call_site));
        // SAFETY: as above.
        unsafe { (*entry).set_node(node) };
        return node;
    }
    match ask(thread, place, call_site) {
        Some(node) if certain => {
            // SAFETY: as above.
            unsafe { (*entry).set_node(node) };
            if FOLLOWS_JAVA_FRAMES && thread.java.may_learn {
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
        thread.java.stack_cache.insert(slot..end, entries, node);
    });
}

/// The Java stack of the calling thread; 0 for a thread without one. `None` when the JVM gave
/// none though it should have: the answer may be another next time.
#[inline(never)]
fn ask(thread: &mut ThreadState, place: (usize, usize), call_site: CallSite) -> Option<u32> {
    thread.on_own_stack(|thread| ask_jvm(thread, place, call_site))
}

fn ask_jvm(
    thread: &mut ThreadState,
    (slot, caller): (usize, usize),
    call_site: CallSite,
) -> Option<u32> {
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
        && let Some(at) = unwind::java_caller(call_site, &mut thread.bounds)
    {
        method_ids::want();
        in_java = true;
        answer = async_trace(env, &mut thread.java.frames, Some(at));
    }
    let mut is_cut = matches!(answer, Ok(len) if !in_java && !thread.java.is_whole(len));
    #[cfg(feature = "verify")]
    if let Ok(len) = answer
        && !is_cut
        && !in_java
        && !unwind::passes_through(call_site, &mut thread.bounds, own_code::jvm())
    {
        compare_with_jvmti(&mut thread.java, len);
    }
    let len = match answer {
        Ok(len) if !is_cut => len,
        answer => {
            let cut = answer.as_ref().ok().copied();
            thread.record().java_fallbacks += 1;
            // JVMTI may only be called from native code, not from inside the JVM.
            let in_native = match answer {
                Err(Refusal::InJava | Refusal::NotWalkable) => false,
                // A native method's thunk has been there; others have none.
                Err(Refusal::Missing) => {
                    thread.entries.native_at(slot, caller).is_some()
                        || thread_list::is_in_native(env.cast(), own_tid()) == Some(true)
                }
                _ => true,
            };
            let safe = in_native
                && (!unwind::passes_through(call_site, &mut thread.bounds, own_code::jvm())
                    || loads_library(call_site, &mut thread.bounds));
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
    // Native code that began the thread lies beyond what the cache compares.
    thread.java.may_learn = !is_cut && len < MAX_FRAMES && between.at(len).is_none();
    if in_java {
        return Some(intern_unnamed(&mut thread.java, len));
    }
    Some(if between.is_empty() {
        intern_stack(&mut thread.java, env, len)
    } else {
        intern_nested(&mut thread.java, &mut thread.bounds, env, len, &between)
    })
}

/// Whether the JVM has the loader run the constructors of a library, as `System.load` does: the
/// thread is in native code then, for the JVM too, though a frame of the JVM's is on the stack.
#[cold]
#[inline(never)]
fn loads_library(call_site: CallSite, bounds: &mut StackBounds) -> bool {
    // SAFETY: the kernel's own record of where it mapped the loader; 0 when there is none.
    let loader = unsafe { libc::getauxval(libc::AT_BASE) } as usize;
    let range = unwind::module_range(loader);
    range.is_some_and(|range| unwind::passes_through(call_site, bounds, range))
}
