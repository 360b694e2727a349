//! What the JVM keeps of each of its threads: whether it is in native code, and where its Java
//! frames begin.
//!
//! The Serviceability Agent's tables say where. The JVM may change and end threads meanwhile, so
//! its memory is read in a way that cannot fault. What is read is worth something only beside the
//! number of the thread that it is of.

use super::vm_tables::Tables;
use core::ffi::c_void;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use hackleak_platform::peek::Peek;
use std::sync::OnceLock;

/// The most threads that are looked at. A list that has changed meanwhile may seem to have any
/// number.
const MOST: usize = 1 << 16;
/// How often the list is read at most: each thread that starts or ends makes another one.
pub const TRIES: usize = 8;
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
pub struct Layout {
    list: List,
    os_thread: usize,
    tid: usize,
    pub position: usize,
    pub pc: usize,
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

    /// Calls `each` with the threads that there are and the kernel's numbers of them. True if these
    /// are all of one moment.
    pub fn visit(&self, peek: &Peek, mut each: impl FnMut(u32, usize)) -> bool {
        let numbered = |thread: usize| {
            let os_thread = peek.value::<usize>(thread.checked_add(self.os_thread)?)?;
            Some((peek.value(os_thread.checked_add(self.tid)?)?, thread))
        };
        let all = self.list.visit(peek, |thread| {
            if let Some((tid, thread)) = numbered(thread) {
                each(tid, thread);
            }
        });
        all == Some(true)
    }
}

impl List {
    /// Calls `each` with the addresses of what the JVM has of each thread. False if the list was
    /// replaced meanwhile.
    fn visit(&self, peek: &Peek, mut each: impl FnMut(usize)) -> Option<bool> {
        match *self {
            List::Array { list, threads, len } => {
                let found = peek.value::<usize>(list)?;
                let len = peek.value::<u32>(found.checked_add(len)?)? as usize;
                let threads = peek.value::<usize>(found.checked_add(threads)?)?;
                for index in 0..len.min(MOST) {
                    each(peek.value(threads.checked_add(index * size_of::<usize>())?)?);
                }
                // The JVM frees one that it has replaced.
                Some(len <= MOST && peek.value::<usize>(list) == Some(found))
            }
            List::Chain { first, next } => {
                let mut thread: usize = peek.value(first)?;
                for _ in 0..MOST {
                    if thread == 0 {
                        break;
                    }
                    each(thread);
                    let Some(following) = peek.value(thread.checked_add(next)?) else {
                        break;
                    };
                    thread = following;
                }
                Some(true)
            }
        }
    }
}

pub fn layout() -> Option<&'static Layout> {
    LAYOUT.get_or_init(Layout::read).as_ref()
}

/// Whether the JVM takes the calling thread to be in native code, which has this JNI environment
/// and number; `None` where it does not tell.
pub fn is_in_native(environment: *mut c_void, own: u32) -> Option<bool> {
    let layout = layout()?;
    let environment = environment as usize;
    let mut distance = ENVIRONMENT.load(Relaxed);
    if distance == 0 {
        let peek = Peek::new()?;
        let mut tries = (0..TRIES).map(|_| {
            let mut thread = None;
            let is_whole = layout.visit(&peek, |tid, other| {
                thread = thread.or((tid == own).then_some(other));
            });
            thread.filter(|_| is_whole)
        });
        distance = environment.checked_sub(tries.find_map(|thread| thread)?)?;
        ENVIRONMENT.store(distance, Relaxed);
    }
    let state = environment.checked_sub(distance)? + layout.state;
    // SAFETY: the JVM's record of the calling thread, which it keeps as long as the thread has the
    // environment.
    let state = unsafe { (state as *const u32).read_volatile() };
    Some(state == IN_NATIVE)
}
