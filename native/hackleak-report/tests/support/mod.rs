//! What the tests share: images in a temporary folder, reports on them, golden files.
#![allow(dead_code)]

pub mod chromium;
pub mod page;
pub mod sample;
pub mod victims;

use std::fs;
use std::path::Path;

use hackleak_image::Frame;
use hackleak_image::frame::BCI_NATIVE;
use hackleak_image::layout::{Kind, module_flags};
use hackleak_image::reader::testing::ImageBuilder;
use hackleak_report::{Process, Report, Selection};

/// A size that no other allocation has.
pub const SIZE: u64 = 1_999_993;
/// Where the first block is.
pub const BLOCK: u64 = 0x7f00_1230_0010;

/// The report on the image that `builder` makes, as if it lay in `/images`.
pub fn report_since(builder: &ImageBuilder, selection: Selection) -> Report {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("4242.hackleak");
    builder.write(&path).expect("write");
    let mut process = Process::of_image(&path, &selection).expect("a whole image");
    process.image = "/images/4242.hackleak".into();
    Report::new(vec![process])
}

/// The same for everything that is live.
pub fn report(builder: &ImageBuilder) -> Report {
    report_since(builder, Selection::default())
}

/// Three blocks from Java through native code and back, and one from a native thread.
pub fn nested() -> ImageBuilder {
    let mut image = ImageBuilder::new();
    let recorder = image.module("/opt/hackleak/libhackleak.so", &[9], module_flags::RECORDER);
    let library = image.module("/tmp/gone/librocks.so", &[0xab, 0xcd], 0);
    let main = image.thread(4242, "java", 1_234_567, 99_999_999);
    let pool = image.thread(4250, "rocks-flush", 3, 3);
    let open = image.method("demo.Store", "open0", "Store.java", &[]);
    let back = image.method("demo.Store", "onEvent", "Store.java", &[(0, 40), (9, 41)]);
    let run = image.method("demo.Store", "run0", "Store.java", &[]);
    let test = image.method("demo.StoreTest", "leaks", "StoreTest.java", &[(0, 17)]);
    let framework: Vec<u32> = [
        ("jdk.internal.reflect.DirectMethodHandleAccessor", "invoke"),
        ("java.lang.reflect.Method", "invoke"),
        (
            "org.junit.platform.commons.util.ReflectionUtils",
            "invokeMethod",
        ),
        ("java.util.ArrayList", "forEach"),
        ("org.apache.maven.surefire.booter.ForkedBooter", "main"),
    ]
    .iter()
    .map(|(class, name)| image.method(class, name, "Any.java", &[(0, 1)]))
    .collect();
    let native = |vaddr| Frame::Native {
        module: library,
        vaddr,
    };
    let java = |method, bci| Frame::Java { method, bci };
    let mut frames = vec![
        Frame::Native {
            module: recorder,
            vaddr: 0x99,
        },
        native(0x1235),
        native(0x2001),
        java(open, BCI_NATIVE),
        java(back, 12),
        native(0x3001),
        java(run, BCI_NATIVE),
        java(test, 3),
    ];
    frames.extend(framework.into_iter().map(|method| java(method, 0)));
    let nested = image.stack(&frames);
    let alone = image.stack(&[native(0x4001), Frame::Address(0x7fff_0000)]);
    let old = image.context(1, 0, main, 0);
    image.checkpoint(2, "before the test");
    let new = image.context(2, 0, main, 0);
    let flush = image.context(2, 0, pool, 0);
    image.live(BLOCK, 17, Kind::New, alone, flush);
    for block in 1..=3 {
        image.live(BLOCK + block * 0x20_0000, SIZE, Kind::NewArray, nested, new);
    }
    image.live(BLOCK + 0x100, 31, Kind::New, alone, old);
    image
}

/// Compares `text` with the golden file `name`; with HACKLEAK_BLESS set, writes it instead.
pub fn assert_golden(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name);
    if std::env::var_os("HACKLEAK_BLESS").is_some() {
        fs::write(&path, text).expect("write the golden file");
    }
    let golden = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        text, golden,
        "{name} differs; HACKLEAK_BLESS=1 accepts the new text"
    );
}
