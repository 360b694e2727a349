//! The reader on images that are whole, and on images damaged in every way that a test can make.

use std::fs;
use std::path::Path;

use super::testing::ImageBuilder;
use super::*;
use bytemuck::Zeroable;

use crate::layout::{
    Assertion, Blob, Cause, HEADER_LEN, InvalidFree, InvalidFreeKind, Kind, Live, Outcome,
    SEGMENT_MAGIC, SEGMENT_STRIDE, SegmentHeader, SegmentKind, VERSION, state,
};
use crate::{Frame, Marker};

const BLOCK: u64 = 0x7f00_1230_0010;

/// One block of each alignment, a stack with a native, a Java and a marker frame.
fn small() -> ImageBuilder {
    let mut image = ImageBuilder::new();
    let module = image.module("/tmp/libsmall.so", &[0xab, 0xcd], 0);
    let method = image.method("a.B", "run", "B.java", &[(0, 10), (7, 12), (3, 11)]);
    let thread = image.thread(99, "worker", 5, 500);
    let scope = image.scope("first");
    image.checkpoint(2, "before");
    let old = image.context(1, 0, thread, 0);
    let new = image.context(2, scope, thread, 0);
    let stack = image.stack(&[
        Frame::Native {
            module,
            vaddr: 0x1234,
        },
        Frame::Java { method, bci: 8 },
        Frame::Marker(Marker::Truncated),
    ]);
    image.point(1, 0, 0, 1, Cause::Start);
    image.point(2, 1_999_993, 1, 2, Cause::Checkpoint);
    image.assertion("before", 2, Outcome::Failed, 1_999_993);
    image.live(BLOCK, 1_999_993, Kind::New, stack, new);
    image.live(BLOCK + 0x2_0008, 17, Kind::NewArray, stack, old);
    image
}

fn open(bytes: &[u8]) -> Result<Image, ImageError> {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("test.hackleak");
    fs::write(&path, bytes).expect("write");
    Image::open(&path)
}

fn open_whole(builder: &ImageBuilder) -> Image {
    open(&builder.finish()).expect("a whole image")
}

/// Reads everything that there is; what comes out does not matter, only that it ends.
fn read_all(image: &Image) -> usize {
    let mut things = image.exe().len() + image.command().len() + image.options().len();
    things += image.points().count() + image.assertions().count();
    things += image.threads().count() + image.modules().count() + image.checkpoints().count();
    for live in image.live_records(0) {
        let stack = image.stack(live.stack);
        for frame in &stack.frames {
            if let Frame::Java { method, .. } = frame {
                things += image.method(*method).map_or(0, |method| method.lines.len());
            }
        }
        let scope = image
            .context(live.context)
            .and_then(|context| image.scope(context.scope));
        things += stack.frames.len() + scope.map_or(0, |scope| scope.len());
    }
    things + image.damage().len()
}

#[test]
fn a_whole_image_reads_back() {
    let image = open_whole(&small());
    assert_eq!(image.process_state(), ProcessState::Finished);
    assert_eq!(image.exe(), "/opt/java/bin/java");
    assert_eq!(image.command(), ["java", "-jar", "app.jar"]);
    let live: Vec<LiveRecord> = image.live_records(0).collect();
    assert_eq!(live.len(), 2);
    assert_eq!(
        (live[0].address, live[0].size, live[0].kind),
        (BLOCK, 1_999_993, Kind::New)
    );
    assert_eq!((live[1].address, live[1].size), (BLOCK + 0x2_0008, 17));
    let frames = image.stack(live[0].stack).frames;
    assert_eq!(
        frames[0],
        Frame::Native {
            module: 0,
            vaddr: 0x1234
        }
    );
    assert_eq!(frames[2], Frame::Marker(Marker::Truncated));
    let context = image.context(live[0].context).expect("context");
    assert_eq!(image.scope(context.scope).as_deref(), Some("first"));
    assert_eq!(image.thread(context.thread).expect("thread").name, "worker");
    assert_eq!(image.module(0).expect("module").build_id_hex(), "abcd");
    assert_eq!(
        image.checkpoints().next().expect("checkpoint").label,
        "before"
    );
    assert_eq!(image.damage(), []);
}

#[test]
fn lines_are_those_of_the_last_entry_before_the_call() {
    let method = open_whole(&small()).method(0).expect("method");
    let lines = [0, 2, 3, 6, 7, 900].map(|bci| method.line(bci));
    assert_eq!(lines, [10, 10, 11, 11, 12, 12].map(Some));
}

#[test]
fn pages_older_than_the_checkpoint_are_not_read() {
    let image = open_whole(&small());
    assert_eq!(
        image
            .live_records(2)
            .map(|live| live.address)
            .collect::<Vec<_>>(),
        [BLOCK]
    );
    assert_eq!(image.live_records(3).count(), 0);
}

#[test]
fn arenas_longer_than_a_segment_are_read_across_the_border() {
    let mut builder = small();
    let deep: Vec<u32> = (1..=150_000)
        .map(|vaddr| builder.node(1 << 60 | vaddr, 0))
        .collect();
    let last = *deep.last().expect("nodes");
    assert_eq!(
        open_whole(&builder).stack(last).frames,
        [Frame::Native {
            module: 0,
            vaddr: 150_000
        }]
    );
}

#[test]
fn files_that_are_no_image_are_named_with_the_reason() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let missing = Image::open(&folder.path().join("none"))
        .expect_err("missing")
        .to_string();
    assert!(
        missing.contains("cannot open") && missing.contains("none"),
        "{missing}"
    );
    assert!(matches!(
        Image::open(folder.path()),
        Err(ImageError::NotAFile { .. })
    ));
    assert!(matches!(
        Image::open(Path::new("/dev/null")),
        Err(ImageError::NotAFile { .. })
    ));
    assert!(matches!(
        open(b""),
        Err(ImageError::TooShort { len: 0, .. })
    ));
    assert!(matches!(
        open(&[0; 5000]),
        Err(ImageError::NotStarted { .. })
    ));
    assert!(matches!(open(&[1; 5000]), Err(ImageError::Magic { .. })));
    let mut builder = small();
    builder.header.version = VERSION + 1;
    assert!(matches!(
        open(&builder.finish()),
        Err(ImageError::Version { found, .. }) if found == VERSION + 1
    ));
    let mut builder = small();
    builder.header.machine = 243;
    assert!(matches!(
        open(&builder.finish()),
        Err(ImageError::Machine { found: 243, .. })
    ));
}

#[test]
fn a_recording_process_is_running_or_killed() {
    let mut builder = small();
    builder.header.state = state::RECORDING;
    builder.header.pid = std::process::id();
    assert_eq!(open_whole(&builder).process_state(), ProcessState::Killed);
    let stat = fs::read_to_string("/proc/self/stat").expect("stat");
    let ticks = stat
        .rsplit_once(')')
        .expect("name")
        .1
        .split_whitespace()
        .nth(19)
        .expect("ticks");
    builder.header.start_ticks = ticks.parse().expect("number");
    assert_eq!(open_whole(&builder).process_state(), ProcessState::Running);
}

#[test]
fn a_file_cut_anywhere_is_refused_or_partly_read() {
    let whole = small().finish();
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("cut.hackleak");
    fs::write(&path, &whole).expect("write");
    let file = fs::OpenOptions::new()
        .write(true)
        .open(&path)
        .expect("open");
    let step = SEGMENT_STRIDE as usize / 3;
    let near_the_header = (0..=HEADER_LEN as usize + 40).rev().step_by(8);
    for length in (0..whole.len()).rev().step_by(step).chain(near_the_header) {
        file.set_len(length as u64).expect("cut");
        match Image::open(&path) {
            Ok(image) => {
                read_all(&image);
                assert_ne!(image.damage(), [], "cut at {length} unnoticed");
            }
            Err(error) => assert!(length < HEADER_LEN as usize, "cut at {length}: {error}"),
        }
    }
}

/// Flips and overwrites every byte of the header and the segment headers, in place.
#[test]
fn damaged_headers_are_refused_or_partly_read() {
    let whole = small().finish();
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("flipped.hackleak");
    fs::write(&path, &whole).expect("write");
    let file = fs::OpenOptions::new()
        .write(true)
        .open(&path)
        .expect("open");
    let header = 0..size_of::<crate::layout::Header>();
    let segments = (0..(whole.len() as u64 - HEADER_LEN) / SEGMENT_STRIDE).flat_map(|number| {
        let start = (HEADER_LEN + number * SEGMENT_STRIDE) as usize;
        start..start + 24
    });
    for position in header.chain(segments) {
        for byte in [whole[position] ^ 1, whole[position] ^ 0x80, 0, 0xff] {
            std::os::unix::fs::FileExt::write_all_at(&file, &[byte], position as u64)
                .expect("flip");
            if let Ok(image) = Image::open(&path) {
                read_all(&image);
            }
        }
        let original = &whole[position..=position];
        std::os::unix::fs::FileExt::write_all_at(&file, original, position as u64)
            .expect("restore");
    }
}

#[test]
fn references_into_nowhere_are_counted() {
    let mut builder = small();
    let wild = builder.node(
        Frame::Java {
            method: 1 << 20,
            bci: 0,
        }
        .encode(),
        u32::MAX,
    );
    let context = builder.context(2, u32::MAX, u32::MAX, 0);
    builder.live(BLOCK + 64, 1, Kind::New, wild, context);
    builder.live(BLOCK + 128, 1, Kind::New, u32::MAX, u32::MAX);
    builder.live_record(
        BLOCK + 256,
        Live {
            origin: 0,
            block: u64::MAX,
        },
        2,
    );
    let image = open_whole(&builder);
    read_all(&image);
    let kinds: Vec<Damage> = image
        .damage()
        .into_iter()
        .map(|(damage, _)| damage)
        .collect();
    assert_eq!(kinds, [Damage::BadReference, Damage::BadBlock]);
}

#[test]
fn stacks_in_a_circle_end() {
    let mut builder = small();
    let one = builder.node(Frame::Address(1).encode(), 0);
    let first = builder.node(Frame::Address(2).encode(), one + 2);
    let second = builder.node(Frame::Address(3).encode(), first);
    let image = open_whole(&builder);
    assert!(image.stack(second).incomplete);
    assert_eq!(image.damage(), [(Damage::EndlessStack, 1)]);
}

/// Where the segment of this kind starts in the file.
fn segment_of(bytes: &[u8], kind: SegmentKind) -> usize {
    let mut starts = (HEADER_LEN as usize..bytes.len()).step_by(SEGMENT_STRIDE as usize);
    starts
        .find(|start| bytes[start + 4..start + 8] == (kind as u32).to_le_bytes())
        .expect("a segment of the kind")
}

/// The damage that is met where everything is read.
fn damage_of(bytes: &[u8]) -> Vec<Damage> {
    let image = open(bytes).expect("opens");
    image.check_records();
    read_all(&image);
    image.damage().into_iter().map(|(kind, _)| kind).collect()
}

#[test]
fn a_segment_that_nobody_uses_is_no_damage() {
    let mut builder = small();
    builder.header.segments = 1;
    let mut bytes = builder.finish();
    let count = (bytes.len() as u64 - HEADER_LEN) / SEGMENT_STRIDE + 1;
    let at = std::mem::offset_of!(crate::layout::Header, segments);
    bytes[at..at + 8].copy_from_slice(&count.to_le_bytes());
    let header = SegmentHeader {
        magic: SEGMENT_MAGIC,
        kind: SegmentKind::Empty as u32,
        base: 3,
        ..SegmentHeader::zeroed()
    };
    let start = bytes.len();
    bytes.resize(start + SEGMENT_STRIDE as usize, 0);
    bytes[start..start + size_of::<SegmentHeader>()].copy_from_slice(bytemuck::bytes_of(&header));
    assert_eq!(damage_of(&bytes), []);
}

#[test]
fn a_segment_without_a_header_is_damage() {
    let mut bytes = small().finish();
    let nodes = segment_of(&bytes, SegmentKind::Nodes);
    bytes[nodes..nodes + size_of::<SegmentHeader>()].fill(0);
    let found = damage_of(&bytes);
    assert!(found.contains(&Damage::BlankSegment), "{found:?}");
    assert!(found.contains(&Damage::MissingPiece), "{found:?}");
}

/// Wipes out each page that holds anything, one at a time. Methods have names only, which may be
/// unknown.
#[test]
fn every_page_that_is_wiped_out_is_noticed() {
    const PAGE: usize = 4096;
    let whole = large().finish();
    assert_eq!(damage_of(&whole), []);
    let methods = segment_of(&whole, SegmentKind::Methods);
    let used = (0..whole.len())
        .step_by(PAGE)
        .filter(|page| whole[*page..*page + PAGE].iter().any(|byte| *byte != 0))
        .filter(|page| *page != methods + PAGE);
    let mut count = 0;
    for page in used {
        let mut bytes = whole.clone();
        bytes[page..page + PAGE].fill(0);
        match open(&bytes) {
            Err(error) => assert!(
                matches!(error, ImageError::NotStarted { .. }) && page == 0,
                "page {page}: {error}"
            ),
            Ok(_) => assert_ne!(damage_of(&bytes), [], "page {page} unnoticed"),
        }
        count += 1;
    }
    assert!(count > 20, "{count} pages");
}

/// Blocks on many pages, and of everything else more than one.
fn large() -> ImageBuilder {
    let mut image = small();
    let invalid_free = InvalidFree {
        problem: InvalidFreeKind::DoubleFree as u32,
        ..InvalidFree::zeroed()
    };
    image.invalid_free(invalid_free);
    for block in 0..40 {
        image.live(BLOCK + (block << 13), 5, Kind::New, 1, 1);
    }
    image
}

#[test]
fn a_header_that_counts_too_little_is_noticed() {
    let whole = small().finish();
    let lengths = std::mem::offset_of!(crate::layout::Header, lengths);
    let segments = std::mem::offset_of!(crate::layout::Header, segments);
    for (at, damage) in [
        (lengths, Damage::ShortTable),
        (segments, Damage::ExtraSegments),
    ] {
        let mut bytes = whole.clone();
        bytes[at..at + 8].fill(0);
        let found = damage_of(&bytes);
        assert!(found.contains(&damage), "{found:?}");
    }
}

#[test]
fn a_page_that_its_summary_forgot_is_read_and_counted() {
    let mut bytes = small().finish();
    let live = segment_of(&bytes, SegmentKind::Live);
    bytes[live + 16..live + size_of::<SegmentHeader>()].fill(0);
    let image = open(&bytes).expect("opens");
    assert_eq!(image.live_records(0).count(), 2);
    assert_eq!(image.damage(), [(Damage::UncountedPage, 1)]);
}

#[test]
fn refresh_shows_what_was_added() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("live.hackleak");
    let mut builder = small();
    builder.write(&path).expect("write");
    let mut image = Image::open(&path).expect("open");
    assert_eq!(image.live_records(0).count(), 2);
    let context = builder.context(2, 0, 0, 0);
    builder.live(0x10, 3, Kind::New, 0, context);
    builder.write(&path).expect("write");
    image.refresh().expect("refresh");
    assert_eq!(image.live_records(0).count(), 3);
}

#[test]
fn history_reads_back_but_for_what_has_no_meaning() {
    let mut builder = small();
    builder.point(0, 5, 1, 2, Cause::Traffic);
    let mut unknown = Assertion {
        outcome: 0,
        check: 1,
        since: 2,
        scope: 0,
        unix_ns: 9,
        bytes: 0,
        blocks: 0,
        sites: 0,
        thread: 0,
        label: Blob::new(u32::MAX, 7),
        detail: Blob::default(),
    };
    builder.assertion_record(unknown);
    unknown.outcome = 99;
    builder.assertion_record(unknown);
    unknown.outcome = Outcome::Error as u32;
    builder.assertion_record(unknown);
    let image = open_whole(&builder);
    let points: Vec<(Cause, u64)> = image
        .points()
        .map(|(cause, at)| (cause, at.bytes))
        .collect();
    assert_eq!(
        points,
        [(Cause::Start, 0), (Cause::Checkpoint, 1_999_993)],
        "a point without a time was being written"
    );
    let ended: Vec<(Outcome, String, u64)> = image
        .assertions()
        .map(|ended| (ended.outcome, ended.label, ended.record.bytes))
        .collect();
    assert_eq!(
        ended,
        [
            (Outcome::Failed, "before".to_owned(), 1_999_993),
            (Outcome::Error, String::new(), 0)
        ]
    );
    // The label that points nowhere.
    assert!(image.damage().contains(&(Damage::BadReference, 1)));
}
