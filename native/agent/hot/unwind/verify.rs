//! For the tests: every stack that is recorded is compared with what libgcc's unwinder finds.
//!
//! Built with the feature `verify` only. `HACKLEAK_VERIFY_BREAK` names a memory whose words are
//! left unchecked, to prove that the comparison can fail. `HACKLEAK_VERIFY_ANSWERS=1` compares the
//! answers of `AsyncGetCallTrace` with JVMTI's. `HACKLEAK_VERIFY_OLDER_LOADER=1` finds modules as
//! on a C library without `_dl_find_object`.

use super::{Memory, slow};
use crate::IMAGE;
use crate::arch::CallSite;
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use hackleak_image::{Frame, Marker};

static CHECKED: AtomicU64 = AtomicU64::new(0);
static MISMATCHES: AtomicU64 = AtomicU64::new(0);
static JAVA_CHECKED: AtomicU64 = AtomicU64::new(0);
static JAVA_MISMATCHES: AtomicU64 = AtomicU64::new(0);
static ANSWERS: AtomicU64 = AtomicU64::new(0);
static CHECKS_ANSWERS: AtomicBool = AtomicBool::new(false);
static RECENT: AtomicU64 = AtomicU64::new(0);
static BRANCHES: AtomicU64 = AtomicU64::new(0);
static BROKEN: AtomicU32 = AtomicU32::new(0);

/// Reads the environment. Called before the gate opens.
pub fn init() {
    let broken = match std::env::var("HACKLEAK_VERIFY_BREAK").as_deref() {
        Ok("last") => Memory::Last as u32,
        Ok("recent") => Memory::RecentWalks as u32,
        Ok("branches") => Memory::Branches as u32,
        Ok("java") => Memory::Java as u32,
        Ok("outermost") => Memory::Outermost as u32,
        _ => 0,
    };
    BROKEN.store(broken, Relaxed);
    let answers = std::env::var_os("HACKLEAK_VERIFY_ANSWERS").is_some();
    CHECKS_ANSWERS.store(answers, Relaxed);
}

/// Whether answers of `AsyncGetCallTrace` are to be compared with JVMTI's, which changes what the
/// JVM knows of methods.
pub fn checks_answers() -> bool {
    CHECKS_ANSWERS.load(Relaxed)
}

/// One was compared.
pub fn answer(is_same: bool) {
    ANSWERS.fetch_add(1, Relaxed);
    if !is_same {
        JAVA_MISMATCHES.fetch_add(1, Relaxed);
    }
}

/// Whether what this memory remembers is left unchecked.
pub fn breaks(memory: Memory) -> bool {
    BROKEN.load(Relaxed) == memory as u32
}

/// A walk before the last one is the stack.
pub fn count_recent() {
    RECENT.fetch_add(1, Relaxed);
}

/// A walk that parted from the last one is the stack.
pub fn count_branch() {
    BRANCHES.fetch_add(1, Relaxed);
}

/// Whether modules are found as on an older C library.
pub fn has_older_loader() -> bool {
    std::env::var_os("HACKLEAK_VERIFY_OLDER_LOADER").is_some()
}

/// Compares the native part of the stack `node` with libgcc's.
#[inline(never)]
pub fn compare(node: u32, call_site: CallSite) {
    let mut at = node;
    let mut same = true;
    let mut text = [0u64; 64];
    let mut len = 0;
    let found = slow::reference(call_site, |want| {
        let (have, parent) = next_native(at);
        at = parent;
        same &= have == want;
        if len < text.len() {
            text[len] = want;
        }
        len += 1;
    });
    // Beyond a marker are frames that libgcc cannot find.
    same &= next_native(at).0 == 0 || is_marked(node);
    CHECKED.fetch_add(1, Relaxed);
    if !same && MISMATCHES.fetch_add(1, Relaxed) < 3 {
        let mut have = Vec::new();
        let mut at = node;
        while at != 0 {
            have.push(format!("{:?}", Frame::decode(IMAGE.node(at).frame)));
            at = IMAGE.node(at).parent;
        }
        let want: Vec<_> = text[..len.min(text.len())]
            .iter()
            .map(|k| Frame::decode(*k))
            .collect();
        eprintln!(
            "[hackleak verify] have {have:#?}\nwant ({}) {want:#?}",
            found.len
        );
    }
}

/// Compares a remembered Java stack with what the JVM says now.
pub fn java(remembered: u32, asked: Option<u32>) {
    JAVA_CHECKED.fetch_add(1, Relaxed);
    let frames = |mut node: u32| {
        let mut frames = Vec::new();
        while node != 0 {
            let found = IMAGE.node(node);
            frames.push(named(found.frame));
            node = found.parent;
        }
        frames
    };
    let Some(asked) = asked else { return };
    if remembered != asked
        && frames(remembered) != frames(asked)
        && JAVA_MISMATCHES.fetch_add(1, Relaxed) < 3
    {
        eprintln!(
            "[hackleak verify] remembered {:#?}\nJava {:#?}",
            frames(remembered),
            frames(asked)
        );
    }
}

/// A frame as text: two threads that met a method at once may have entered it twice.
fn named(frame: u64) -> String {
    match Frame::decode(frame) {
        Some(Frame::Java { method, bci }) => {
            let Some(record) = IMAGE.methods.read(method) else {
                return format!("method {method} at {bci}");
            };
            let [class, name, signature] =
                [record.class, record.name, record.signature].map(|blob| IMAGE.text(blob));
            format!("{class}.{name}{signature} at {bci}")
        }
        other => format!("{other:?}"),
    }
}

/// Whether some of the frames were found by frame pointers.
fn is_marked(mut node: u32) -> bool {
    let marker = Frame::Marker(Marker::FramePointers).encode();
    while node != 0 && IMAGE.node(node).frame != marker {
        node = IMAGE.node(node).parent;
    }
    node != 0
}

/// The first native frame at `node` or above, before any Java frame, and the node after it. The
/// marker that says how a frame was found is passed over.
fn next_native(mut node: u32) -> (u64, u32) {
    while node != 0 {
        let found = IMAGE.node(node);
        match Frame::decode(found.frame) {
            Some(Frame::Marker(Marker::FramePointers)) => node = found.parent,
            Some(Frame::Marker(_) | Frame::Java { .. }) | None => return (0, 0),
            Some(_) => return (found.frame, found.parent),
        }
    }
    (0, 0)
}

/// Prints the result, at the end of the process.
pub fn report() {
    let threads = 0..IMAGE.threads.len(IMAGE.window());
    let threads = threads.filter_map(|index| IMAGE.threads.read(index));
    let remembered_walks: u64 = threads.map(|thread| thread.remembered_walks).sum();
    eprintln!(
        "[hackleak verify] checked={} mismatches={} remembered_walks={remembered_walks} recent_hits={} branch_hits={} java_recalled={} java_answers={} java_mismatches={}",
        CHECKED.load(Relaxed),
        MISMATCHES.load(Relaxed),
        RECENT.load(Relaxed),
        BRANCHES.load(Relaxed),
        JAVA_CHECKED.load(Relaxed),
        ANSWERS.load(Relaxed),
        JAVA_MISMATCHES.load(Relaxed),
    );
}
