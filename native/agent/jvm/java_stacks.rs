//! Where the Java frames of the JVM's threads begin: below that is what they have called and now wait in.
//!
//! The JVM keeps the position for each thread that has left Java code for the JVM's or for native code, and
//! says in the Serviceability Agent's tables where. It may change and end threads meanwhile, so its memory
//! is read in a way that cannot fault, and a position is worth something only beside the number of the
//! thread that it is of.

use super::vm_structs;
use super::vm_tables::Tables;
use crate::holders::{JavaStacks, Memory};
use std::sync::OnceLock;

/// The most threads that are looked at. A list that has changed meanwhile may seem to have any number.
const MOST: usize = 1 << 16;

/// Where the JVM has its list of threads, and what it knows of each, in bytes from its start.
struct Layout {
    /// The JVM's variable with the list.
    list: usize,
    threads: usize,
    len: usize,
    os_thread: usize,
    tid: usize,
    position: usize,
}

static LAYOUT: OnceLock<Option<Layout>> = OnceLock::new();

impl Layout {
    fn read() -> Option<Layout> {
        let tables = Tables::find()?;
        let list = tables.field(c"ThreadsSMRSupport", c"_java_thread_list")?;
        let anchor = tables.offset(c"JavaThread", c"_anchor")?;
        let of_any_thread = tables.offset(c"Thread", c"_osthread");
        Some(Layout {
            list: list.address as usize,
            threads: tables.offset(c"ThreadsList", c"_threads")?,
            len: tables.offset(c"ThreadsList", c"_length")?,
            os_thread: of_any_thread.or(tables.offset(c"JavaThread", c"_osthread"))?,
            tid: tables.offset(c"OSThread", c"_thread_id")?,
            position: anchor + tables.offset(c"JavaFrameAnchor", c"_last_Java_sp")?,
        })
    }
}

/// The positions of all threads that have one; nothing, where the JVM does not tell.
pub fn read(memory: &Memory) -> JavaStacks {
    let layout = LAYOUT.get_or_init(Layout::read).as_ref();
    let code = vm_structs::layout().map(|layout| layout.code.clone());
    let (Some(layout), Some(code)) = (layout, code) else {
        return JavaStacks::default();
    };
    let address = |at: usize| memory.word(at).map(|word| word as usize);
    let position = |thread: usize| {
        let position = address(thread.checked_add(layout.position)?)?;
        let os_thread = address(thread.checked_add(layout.os_thread)?)?;
        let tid = address(os_thread.checked_add(layout.tid)?)? as u32;
        (position != 0).then_some((tid, position))
    };
    let positions = address(layout.list).and_then(|list| {
        let len = address(list.checked_add(layout.len)?)? as u32 as usize;
        let threads = address(list.checked_add(layout.threads)?)?;
        let place = |index| threads.checked_add(index * size_of::<usize>());
        let all = (0..len.min(MOST)).map_while(|index| address(place(index)?));
        Some(all.filter_map(position).collect())
    });
    JavaStacks {
        code,
        positions: positions.unwrap_or_default(),
    }
}
