//! The writer without a recorder: several threads, full tables, a full file system.

use super::*;
use crate::Shortage;
use crate::layout::{FREED, Kind, Live};
use std::ffi::CString;
use std::sync::atomic::Ordering;

/// A writer is too large for a test's stack, so each test has a static one.
fn open(writer: &'static Writer, dir: &tempfile::TempDir) -> (&'static Writer, std::path::PathBuf) {
    let path = dir.path().join("test.hackleak");
    let name = CString::new(path.to_str().expect("utf-8")).expect("no zero byte");
    writer
        .create(Box::leak(name.into_boxed_c_str()))
        .expect("created");
    (writer, path)
}

#[test]
fn live_blocks_are_found_and_removed_by_address() {
    static WRITER: Writer = Writer::new();
    let dir = tempfile::tempdir().expect("dir");
    let (writer, _) = open(&WRITER, &dir);
    let base = 0x7f12_3450_0000;
    for (i, odd) in [(0, 0), (1, 8), (70_000, 0), (70_000, 8)] {
        let live = Live::new(7, 3, 1_999_993 + i as u64, Kind::New);
        let address = base + i * 16 + odd;
        writer
            .live
            .insert(writer.window(), address, live, 5)
            .expect("inserted");
    }
    let mut seen = Vec::new();
    writer
        .live
        .for_each_since(writer.window(), 5, |address, live| {
            seen.push((address - base, live.size()));
        });
    seen.sort_unstable();
    assert_eq!(
        seen,
        [
            (0, 1_999_993),
            (24, 1_999_994),
            (1_120_000, 2_069_993),
            (1_120_008, 2_069_993)
        ]
    );
    writer
        .live
        .for_each_since(writer.window(), 6, |_, _| panic!("nothing is that new"));
    assert_eq!(writer.live.remove(base).map(Live::size), Ok(1_999_993));
    let freed = writer.live.remove(base).expect_err("it was freed");
    assert_eq!((freed.size(), freed.block & FREED), (1_999_993, FREED));
    writer.live.forget(base);
    assert_eq!(
        writer.live.remove(base),
        Err(Live {
            origin: freed.origin,
            block: 0
        })
    );
    assert!(writer.live.remove(base + 4).is_err());
    let inside = writer.live.around(base + 24 + 1).map(|(start, _)| start);
    assert_eq!(
        inside, None,
        "blocks at 8 modulo 16 have no neighbours to look through"
    );
    let inside = writer
        .live
        .around(base + 1_120_000 + 4_000)
        .map(|(start, _)| start - base);
    assert_eq!(inside, Some(1_120_000));
    assert_eq!(
        writer
            .live
            .insert(writer.window(), base + 4, Live::new(0, 0, 1, Kind::New), 1),
        Err(live::InsertError::Address)
    );
}

#[test]
fn threads_intern_the_same_tree() {
    static WRITER: Writer = Writer::new();
    let dir = tempfile::tempdir().expect("dir");
    let (writer, _) = open(&WRITER, &dir);
    let leaves: Vec<Vec<u32>> = std::thread::scope(|scope| {
        let work = || {
            (0..2_000u64)
                .map(|leaf| {
                    let mut node = 0;
                    for depth in 0..30 {
                        let frame = 1 << 60 | depth << 20 | if depth > 20 { leaf } else { 0 };
                        node = writer.intern(node, frame).expect("room");
                    }
                    node
                })
                .collect()
        };
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(work)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("thread"))
            .collect()
    });
    for leaves in &leaves {
        for (leaf, node) in leaves.iter().enumerate() {
            let mut at = *node;
            for depth in (0..30u64).rev() {
                let node = writer.node(at);
                let unique = if depth > 20 { leaf as u64 } else { 0 };
                assert_eq!(node.frame, 1 << 60 | depth << 20 | unique);
                at = node.parent;
            }
            assert_eq!(at, 0);
        }
    }
}

#[test]
fn tree_outgrows_its_first_table() {
    static WRITER: Writer = Writer::new();
    let dir = tempfile::tempdir().expect("dir");
    let (writer, _) = open(&WRITER, &dir);
    let nodes: Vec<u32> = (0..400_000u64)
        .map(|i| writer.intern(0, 1 << 60 | i).expect("room"))
        .collect();
    for (i, node) in nodes.iter().enumerate() {
        assert_eq!(
            writer.intern(0, 1 << 60 | i as u64),
            Some(*node),
            "found again"
        );
        assert_eq!(writer.node(*node).frame, 1 << 60 | i as u64);
    }
}

#[test]
fn blobs_never_cross_a_segment() {
    static WRITER: Writer = Writer::new();
    let dir = tempfile::tempdir().expect("dir");
    let (writer, _) = open(&WRITER, &dir);
    let text = vec![b'x'; 300_000];
    for _ in 0..10 {
        let blob = writer.blob(&text);
        assert_eq!(blob.len(), 300_000);
        let first = u64::from(blob.offset()) >> 20;
        assert_eq!(first, (u64::from(blob.offset()) + 299_999) >> 20);
    }
    assert!(writer.blob(b"").is_empty());
}

#[test]
fn a_file_size_limit_means_memory_only_and_is_said() {
    static WRITER: Writer = Writer::new();
    let dir = tempfile::tempdir().expect("dir");
    let (writer, path) = open(&WRITER, &dir);
    let size = std::fs::metadata(&path).expect("metadata").len();
    writer.window().limit_file(size);
    let base = 0x7f00_0000_0000;
    for i in 0..5 {
        let live = Live::new(0, 0, 64, Kind::New);
        writer
            .live
            .insert(writer.window(), base + (i << 20), live, 1)
            .expect("in memory");
    }
    assert_eq!(std::fs::metadata(&path).expect("metadata").len(), size);
    assert_eq!(
        Shortage::of_flags(writer.flags().load(Ordering::Relaxed)),
        Some(Shortage::Limit)
    );
    assert_eq!(
        writer
            .counter(Counter::SegmentsInMemory)
            .load(Ordering::Relaxed),
        5
    );
    let mut count = 0;
    writer
        .live
        .for_each_since(writer.window(), 0, |_, _| count += 1);
    assert_eq!(count, 5);
}

#[test]
fn an_address_is_live_freed_unknown_or_elsewhere() {
    static WRITER: Writer = Writer::new();
    let dir = tempfile::tempdir().expect("dir");
    let (writer, _) = open(&WRITER, &dir);
    let base = 0x7f00_0010_0000 - 32;
    let put = |address, size, kind| {
        let live = Live::new(1, 1, size, kind);
        let stored = writer.live.insert(writer.window(), address, live, 1);
        stored.expect("inserted");
    };
    // Reaches into the next MiB; and a handle, which has no size and marks in its address.
    put(base, 96, Kind::New);
    put(base + 128, 0, Kind::GlobalRef);
    put(base + 160, 48, Kind::Runtime);
    assert_eq!(writer.live.state_at(base + 95), State::Live);
    assert_eq!(writer.live.state_at(base + 96), State::Unknown);
    assert_eq!(writer.live.state_at(base + 130), State::Live);
    assert_eq!(writer.live.state_at(base - (1 << 20)), State::Elsewhere);
    // It ends on a page on which no block begins, and none has ever begun on the next one.
    let in_page = base + 0x1_0800;
    put(in_page, 4000, Kind::Malloc);
    assert_eq!(writer.live.state_at(in_page + 3999), State::Live);
    assert_eq!(writer.live.state_at(in_page + 4000), State::Unknown);
    assert_eq!(writer.live.state_at(in_page + 0x3000), State::Unknown);
    let _ = writer.live.remove(in_page);
    assert_eq!(writer.live.state_at(in_page + 3999), State::Freed);
    let _ = writer.live.remove(base);
    assert_eq!(writer.live.state_at(base + 40), State::Freed);
    // Another block has swallowed the place of the one that was freed.
    put(base - 64, 128, Kind::Malloc);
    assert_eq!(writer.live.state_at(base + 40), State::Live);
    assert_eq!(writer.live.live_at(base - 64).map(Live::size), Some(128));
    assert_eq!(writer.live.live_at(base), None);

    let mut all = 0;
    writer.live.for_each(writer.window(), |_, _| all += 1);
    let mut without_runtime = 0;
    let count = |_, _| without_runtime += 1;
    writer.live.for_each_since(writer.window(), 0, count);
    assert_eq!((all, without_runtime), (3, 2));
}

#[test]
fn a_mark_is_gone_when_another_block_has_the_address() {
    static WRITER: Writer = Writer::new();
    let dir = tempfile::tempdir().expect("dir");
    let (writer, _) = open(&WRITER, &dir);
    let (table, window, at) = (&writer.live, writer.window(), 0x7e00_0000_0010);
    let block = Live::new(3, 1, 100, Kind::New);
    assert!(!table.tag(at, block), "nothing is there");
    table.insert(window, at, block, 1).expect("inserted");
    assert!(!table.tag(at, Live::new(3, 1, 101, Kind::New)));
    assert!(table.tag(at, block));
    let marked = table.live_at(at).expect("it is live");
    assert_eq!((marked.pins(), marked.without_pins()), (1, block));
    assert!(table.tag(at, marked), "it stays marked");
    assert!(!table.tag(at, block), "it was looked at without the mark");
    assert_eq!(table.remove(at).map(Live::without_pins), Ok(block));
    assert!(!table.tag(at, marked));
    table.insert(window, at, block, 1).expect("inserted");
    assert_eq!(table.live_at(at).map(Live::pins), Some(0));
}

/// One record in each of so many MiB of addresses, in an image that can be read.
fn scatter(writer: &'static Writer, segments: usize) {
    // SAFETY: nobody else uses it yet.
    let header = unsafe { writer.header_mut() };
    header.version = crate::layout::VERSION;
    header.machine = 62;
    header.state = crate::layout::state::RECORDING;
    header.epoch = 1;
    header.magic = crate::layout::MAGIC;
    for i in 0..segments {
        let live = Live::new(0, 0, 2 << 20, Kind::Malloc);
        let address = 0x7e00_0000_0010 + (i << 20);
        let inserted = writer.live.insert(writer.window(), address, live, 1);
        assert_eq!(inserted, Ok(()));
    }
}

fn on_disk(path: &std::path::Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).expect("metadata").blocks() * 512
}

fn live_in(path: &std::path::Path) -> usize {
    let image = crate::Image::open(path).expect("an image");
    let live = image.live_records(0).count();
    assert_eq!(image.damage(), []);
    live
}

fn is_tmpfs(path: &std::path::Path) -> bool {
    let name = CString::new(path.to_str().expect("utf-8")).expect("no zero byte");
    let mut found = std::mem::MaybeUninit::<libc::statfs>::uninit();
    // SAFETY: a path that ends in a zero byte, and a place for the answer, which is filled on
    // success.
    let kind = unsafe {
        assert_eq!(libc::statfs(name.as_ptr(), found.as_mut_ptr()), 0);
        found.assume_init().f_type
    };
    kind == libc::TMPFS_MAGIC
}

#[test]
fn records_that_lie_far_apart_take_little_of_the_disk() {
    static WRITER: Writer = Writer::new();
    // Beside the program: a folder for temporary files may lie in memory.
    let program = std::env::current_exe().expect("a path");
    let beside = program.parent().expect("a folder");
    let dir = tempfile::tempdir_in(beside).expect("dir");
    let (writer, path) = open(&WRITER, &dir);
    if is_tmpfs(&path) {
        println!("SKIPPED: {} lies in memory", beside.display());
        return;
    }
    let before = on_disk(&path);
    scatter(writer, 64);
    let grown = on_disk(&path) - before;
    assert!(grown <= 64 * (16 << 10), "{grown}");
    assert_eq!(live_in(&path), 64);
    // Where blocks are small, the rest comes at once.
    let live = Live::new(0, 0, 16, Kind::Malloc);
    for page in 0..6 {
        let address = 0x7e00_0000_0020 + page * 4096;
        let inserted = writer.live.insert(writer.window(), address, live, 1);
        assert_eq!(inserted, Ok(()));
    }
    let whole = on_disk(&path) - before;
    assert!(whole >= 1 << 20, "{whole}");
    for page in 6..256 {
        let address = 0x7e00_0000_0020 + page * 4096;
        let inserted = writer.live.insert(writer.window(), address, live, 1);
        assert_eq!(inserted, Ok(()));
    }
    assert_eq!(on_disk(&path) - before, whole);
    assert_eq!(live_in(&path), 64 + 256);
}

#[test]
fn where_a_read_would_take_memory_a_segment_is_reserved_as_a_whole() {
    static WRITER: Writer = Writer::new();
    let shared = std::path::Path::new("/dev/shm");
    if !shared.is_dir() || !is_tmpfs(shared) {
        println!("SKIPPED: /dev/shm is no tmpfs");
        return;
    }
    let dir = tempfile::tempdir_in(shared).expect("dir");
    let (writer, path) = open(&WRITER, &dir);
    let before = on_disk(&path);
    scatter(writer, 3);
    assert!(on_disk(&path) - before >= 3 << 20);
    assert_eq!(live_in(&path), 3);
}

#[test]
fn a_page_that_the_disk_has_no_room_for_lies_in_memory() {
    static WRITER: Writer = Writer::new();
    let dir = tempfile::tempdir().expect("dir");
    let (writer, path) = open(&WRITER, &dir);
    if is_tmpfs(&path) {
        println!("SKIPPED: {} lies in memory", path.display());
        return;
    }
    scatter(writer, 2);
    writer.window().limit_file(4096);
    let live = Live::new(0, 0, 16, Kind::Malloc);
    for page in 1..20 {
        let address = 0x7e00_0000_0010 + page * 4096;
        let inserted = writer.live.insert(writer.window(), address, live, 1);
        assert_eq!(inserted, Ok(()), "{page}");
        assert!(writer.live.try_insert(address + 16, live, 1), "{page}");
    }
    let shortage = Shortage::of_flags(writer.flags().load(Ordering::Relaxed));
    assert_eq!(shortage, Some(Shortage::Limit));
    let counted = writer.counter(Counter::SegmentsInMemory);
    assert_eq!(counted.load(Ordering::Relaxed), 1);
    let mut count = 0;
    let window = writer.window();
    writer.live.for_each(window, |_, _| count += 1);
    assert_eq!(count, 2 + 2 * 19);
    assert!(writer.live.remove(0x7e00_0000_1020).is_ok());
    // The file has what was there before, and nobody takes the rest for damage.
    assert_eq!(live_in(&path), 2);
}
