//! What the JVM keeps of each of its threads: whether it is in native code, and where its Java frames begin.
//!
//! The Serviceability Agent's tables say where. The JVM may change and end threads meanwhile, so
//! its memory is read in a way that cannot fault. What is read is worth something only beside the
//! number of the thread that it is of.

use super::vm_structs;
use super::vm_tables::Tables;
use crate::peek::Peek;
use core::ffi::c_void;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::collections::HashMap;
use std::sync::OnceLock;

/// The most threads that are looked at. A list that has changed meanwhile may seem to have any number.
const MOST: usize = 1 << 16;
/// HotSpot's state of a thread in native code.
const IN_NATIVE: u32 = 4;

/// How the JVM lists its threads. The first address is that of its variable.
enum List {
    /// In an array, since JDK 12: places of its address and its length in the list.
    Array {
        list: usize,
        threads: usize,
        len: usize,
    },
    /// Each has the address of the next one, at this place.
    Chain { first: usize, next: usize },
}

/// Where the JVM has its list of threads, and what it knows of each, in bytes from its start.
struct Layout {
    list: List,
    os_thread: usize,
    tid: usize,
    position: usize,
    pc: usize,
    state: usize,
}

static LAYOUT: OnceLock<Option<Layout>> = OnceLock::new();

/// How far behind the start of a thread its JNI environment lies; 0 until that is known.
static ENVIRONMENT: AtomicUsize = AtomicUsize::new(0);

impl Layout {
    fn read() -> Option<Layout> {
        let tables = Tables::find()?;
        let list = match tables.field(c"ThreadsSMRSupport", c"_java_thread_list") {
            Some(list) => List::Array {
                list: list.address as usize,
                threads: tables.offset(c"ThreadsList", c"_threads")?,
                len: tables.offset(c"ThreadsList", c"_length")?,
            },
            None => List::Chain {
                first: tables.field(c"Threads", c"_thread_list")?.address as usize,
                next: tables.offset(c"JavaThread", c"_next")?,
            },
        };
        let anchor = tables.offset(c"JavaThread", c"_anchor")?;
        let of_any_thread = tables.offset(c"Thread", c"_osthread");
        Some(Layout {
            list,
            os_thread: of_any_thread.or(tables.offset(c"JavaThread", c"_osthread"))?,
            tid: tables.offset(c"OSThread", c"_thread_id")?,
            position: anchor + tables.offset(c"JavaFrameAnchor", c"_last_Java_sp")?,
            pc: anchor + tables.offset(c"JavaFrameAnchor", c"_last_Java_pc")?,
            state: tables.offset(c"JavaThread", c"_thread_state")?,
        })
    }

    /// The threads that there are, with the kernel's numbers.
    fn threads(&self, peek: &Peek) -> Option<Vec<(u32, usize)>> {
        let numbered = self.list.read(peek)?.into_iter().filter_map(|thread| {
            let os_thread = peek.value::<usize>(thread.checked_add(self.os_thread)?)?;
            let tid = peek.value(os_thread.checked_add(self.tid)?)?;
            Some((tid, thread))
        });
        Some(numbered.collect())
    }
}

impl List {
    /// The addresses of what the JVM has of each thread.
    fn read(&self, peek: &Peek) -> Option<Vec<usize>> {
        match *self {
            List::Array { list, threads, len } => {
                /// Each thread that starts or ends makes another array.
                const TRIES: usize = 8;
                let is_still = |found: &usize| peek.value::<usize>(list) == Some(*found);
                let tries = (0..TRIES).filter_map(|_| {
                    let found = peek.value::<usize>(list)?;
                    let len = peek.value::<u32>(found.checked_add(len)?)? as usize;
                    let threads = peek.value::<usize>(found.checked_add(threads)?)?;
                    let place = |index| threads.checked_add(index * size_of::<usize>());
                    let all = (0..len.min(MOST)).map_while(|index| peek.value(place(index)?));
                    let all: Vec<usize> = all.collect();
                    // The JVM frees one that it has replaced.
                    (is_still(&found) && all.len() == len).then_some(all)
                });
                { tries }.next()
            }
            List::Chain { first, next } => {
                let after = |thread: &usize| peek.value(thread.checked_add(next)?);
                let all = core::iter::successors(peek.value(first), after);
                Some(all.take_while(|thread| *thread != 0).take(MOST).collect())
            }
        }
    }
}

fn layout() -> Option<&'static Layout> {
    LAYOUT.get_or_init(Layout::read).as_ref()
}

/// The stack pointers of the youngest Java frames, by the kernel's numbers of the threads that have left Java
/// code for the JVM's or for native code; none, where the JVM does not tell. Not for hooks.
pub fn positions() -> HashMap<u32, usize> {
    let found = || {
        let (layout, peek) = (layout()?, Peek::new()?);
        let threads = layout.threads(&peek)?.into_iter();
        let positions = threads.filter_map(|(tid, thread)| {
            let position = peek.value(thread.checked_add(layout.position)?)?;
            let pc = peek.value(thread.checked_add(layout.pc)?)?;
            (position != 0).then(|| (tid, position + native_frame(position, pc, &peek)))
        });
        Some(positions.collect())
    };
    found().unwrap_or_default()
}

/// How much of the stack from `position` on is a frame in which compiled code calls a native method at `pc`, or
/// where `pc` is 0 at the address below. Such a frame has words that nothing was written to, and no more of the program's
/// than the arguments, which its caller has.
fn native_frame(position: usize, pc: usize, peek: &Peek) -> usize {
    let size = || {
        let pc = match pc {
            0 => peek.value(position.checked_sub(size_of::<usize>())?)?,
            pc => pc,
        };
        vm_structs::layout()?.heaps.native_frame_size(pc, peek)
    };
    size().unwrap_or(0)
}

/// Whether the JVM takes the calling thread to be in native code, which has this JNI environment and number;
/// `None` where it does not tell.
pub fn is_in_native(environment: *mut c_void, own: u32) -> Option<bool> {
    let layout = layout()?;
    let environment = environment as usize;
    let mut distance = ENVIRONMENT.load(Relaxed);
    if distance == 0 {
        let threads = layout.threads(&Peek::new()?)?;
        let (_, thread) = threads.into_iter().find(|(tid, _)| *tid == own)?;
        distance = environment.checked_sub(thread)?;
        ENVIRONMENT.store(distance, Relaxed);
    }
    let state = environment.checked_sub(distance)? + layout.state;
    // SAFETY: the JVM's record of the calling thread, which it keeps as long as the thread has the environment.
    let state = unsafe { (state as *const u32).read_volatile() };
    Some(state == IN_NATIVE)
}
