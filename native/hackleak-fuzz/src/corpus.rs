//! The seeds.
//!
//! Texts lie in `fuzz/corpus` as people would write them. Images are built here, so that no binary
//! file is kept.

use std::fs;
use std::path::Path;

use hackleak_image::frame::BCI_NATIVE;
use hackleak_image::layout::{Counter, Kind, module_flags, state};
use hackleak_image::reader::testing::ImageBuilder;
use hackleak_image::{Frame, Marker};

/// The texts of the folder `fuzz/corpus/NAME`, in the order of their names.
pub fn texts(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/corpus")
        .join(name);
    let entries = fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut files: Vec<_> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    files.sort();
    let read = |file: &std::path::PathBuf| fs::read(file).expect("a seed can be read");
    files.iter().map(read).collect()
}

/// Ways to damage images that were worth trying, in the form of [`crate::targets::image`].
pub fn patches() -> Vec<Vec<u8>> {
    let mut patches = Vec::new();
    for image in 0..images().len() as u8 {
        patches.push(vec![image, 0, 0]);
        patches.push(vec![image, 0x80, 0]);
        for how in 0..8 {
            patches.push(vec![image, 0, 0, 0, how * 3, how, 1, 0, 0]);
            patches.push(vec![
                image,
                0,
                0,
                0,
                40 + how,
                how,
                0xff,
                0xff,
                0,
                1,
                how,
                1,
                63,
                0,
                0,
            ]);
        }
    }
    patches
}

/// Whole images: one with everything in it, one without allocations, one of a killed process.
pub fn images() -> Vec<Vec<u8>> {
    let mut killed = full();
    killed.header.state = state::RECORDING;
    killed.counter(Counter::StackTruncated, 3);
    killed.counter(Counter::DroppedNoSegment, 1);
    vec![
        full().finish(),
        ImageBuilder::new().finish(),
        killed.finish(),
    ]
}

/// Every arena, every kind of frame, blocks of both alignments.
fn full() -> ImageBuilder {
    let mut image = ImageBuilder::new();
    image.header.options = image.text("track=new+malloc,suppressions=/nonexistent,strict=true");
    let recorder = image.module("/opt/libhackleak.so", &[9], module_flags::RECORDER);
    // A file that is really there, of another build.
    let library = image.module("/bin/true", &[0xab, 0xcd], 0);
    let gone = image.module("/gone/librocks.so", &[1; 20], module_flags::EXECUTABLE);
    let open = image.method("demo.Store", "open0", "Store.java", &[]);
    let test = image.method(
        "demo.StoreTest",
        "leaks",
        "StoreTest.java",
        &[(0, 17), (9, 18)],
    );
    let main = image.thread(4242, "java", 1_234_567, 99_999_999);
    let pool = image.thread(4250, "rocks-flush", 3, 3);
    let scope = image.scope("first scope");
    image.checkpoint(2, "before");
    image.checkpoint(3, "StoreTest > leaks()");
    let contexts = [
        image.context(1, 0, main, 0),
        image.context(2, scope, main, 0),
        image.context(3, 0, pool, 1),
    ];
    let native = |module, vaddr| Frame::Native { module, vaddr };
    let java = |method, bci| Frame::Java { method, bci };
    let stacks = [
        image.stack(&[
            native(recorder, 0x10),
            native(library, 0x1234),
            native(gone, 0x4567),
            java(open, BCI_NATIVE),
            java(test, 9),
            native(gone, 0x99),
            java(test, 0),
        ]),
        image.stack(&[native(gone, 0x4567), Frame::Marker(Marker::Truncated)]),
        image.stack(&[
            Frame::Address(0x7f12_3456),
            Frame::Marker(Marker::FramePointers),
        ]),
        image.stack(&[Frame::Marker(Marker::Interrupted)]),
    ];
    let kinds = [Kind::New, Kind::NewArray, Kind::Malloc, Kind::GlobalRef];
    for block in 0..64 {
        let address = 0x7f00_1230_0000 + 4096 * block + 8 * (block % 3);
        let number = block as usize;
        image.live(
            address,
            1_000_003 + block,
            kinds[number % 4],
            stacks[number % 4],
            contexts[number % 3],
        );
    }
    image
}
