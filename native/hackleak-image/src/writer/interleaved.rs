//! The writer under schedules: what its threads do at once, in thousands of orders.
//!
//! Each test says what must hold in all of them. A schedule begins with an empty writer, in memory
//! alone.

mod live;
mod tree;

use super::sync::{alone, explore, together};
use super::*;
use crate::layout::Kind;
use std::ffi::CString;

/// Memory of a writer that has no segment yet.
fn open(writer: &'static Writer) {
    let dir = tempfile::tempdir().expect("dir");
    let path = dir.path().join("explored.hackleak");
    let name = CString::new(path.to_str().expect("utf-8")).expect("no zero byte");
    writer
        .create(Box::leak(name.into_boxed_c_str()))
        .expect("created");
    // Without a file for its segments, each is new memory.
    writer.window().limit_file(0);
}

/// Forgets all that the writer has, but for the live table's places for segments.
fn forget(writer: &'static Writer) {
    // SAFETY: the threads of the schedule have ended.
    unsafe {
        writer.tree.clear();
        let header = writer.header_mut();
        let used = |kind: SegmentKind| kind.arena().is_some_and(|at| header.lengths[at] > 0);
        if used(SegmentKind::Threads) {
            writer.threads.clear();
        }
        if used(SegmentKind::Blobs) {
            writer.blobs.clear();
        }
        header.segments = 0;
        header.lengths = Default::default();
    }
}

/// Runs `check` on an empty writer, once for each schedule. It gets the number of the schedule.
fn on_empty(writer: &'static Writer, check: impl Fn(usize) + Send + Sync + 'static) {
    open(writer);
    forget(writer);
    let number = std::sync::atomic::AtomicUsize::new(0);
    explore(move || {
        alone(|| writer.tree.init(writer.window()));
        check(number.fetch_add(1, Relaxed));
        alone(|| forget(writer));
    });
}

/// The same thing done by each of some threads, which know their numbers.
fn each_of(count: usize, work: impl Fn(usize) + Send + Sync + Copy + 'static) {
    let thread = |number| Box::new(move || work(number)) as Box<dyn FnOnce() + Send>;
    together((0..count).map(thread).collect());
}

/// Threads that begin at once have a record each, and it says what they wrote.
#[test]
fn each_thread_has_a_record_of_its_own() {
    static WRITER: Writer = Writer::new();
    on_empty(&WRITER, |_| {
        each_of(3, |number| {
            let tid = 100 + number as u32;
            // SAFETY: zero is a valid thread record.
            let mut record: Thread = unsafe { core::mem::zeroed() };
            (record.tid, record.running) = (tid, 1);
            let index = WRITER.threads.push(WRITER.window(), record).expect("room");
            let read = WRITER.threads.read(index).expect("it was written");
            assert_eq!((read.tid, read.running), (tid, 1));
        });
        alone(|| {
            let count = WRITER.threads.len(WRITER.window());
            let tids = (0..count).map(|index| WRITER.threads.read(index).expect("a record").tid);
            let mut tids: Vec<u32> = tids.collect();
            tids.sort_unstable();
            assert_eq!(tids, [100, 101, 102]);
        });
    });
}

/// Texts that are stored at once lie side by side.
#[test]
fn blobs_do_not_overlap() {
    static WRITER: Writer = Writer::new();
    on_empty(&WRITER, |_| {
        each_of(3, |number| {
            let text = [b'a' + number as u8; 5];
            let blobs = [WRITER.blob(&text), WRITER.blob(&text[..3])];
            assert_eq!(WRITER.bytes(blobs[0]), text);
            assert_eq!(WRITER.bytes(blobs[1]), text[..3]);
        });
        let length = SegmentKind::Blobs.arena().expect("an arena");
        assert_eq!(WRITER.window().length(length).load(Relaxed), 24);
    });
}
