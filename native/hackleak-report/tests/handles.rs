//! What has no bytes of its own is counted by its name, and says what it stands for.

mod support;

use hackleak_image::Frame;
use hackleak_image::layout::Kind;
use hackleak_image::reader::testing::ImageBuilder;
use hackleak_report::render::text;
use support::report;

const PLACE: u64 = 0x4a5d_0000_0000;

fn image(kinds: &[(Kind, u64)]) -> (ImageBuilder, u32, u32) {
    let mut image = ImageBuilder::new();
    let thread = image.thread(4242, "java", 3, 0);
    let context = image.context(1, 0, thread, 0);
    let stack = image.stack(&[Frame::Address(1)]);
    let mut at = PLACE;
    for (kind, count) in kinds {
        for _ in 0..*count {
            image.live(at, 0, *kind, stack, context);
            at += 16;
        }
    }
    (image, stack, context)
}

#[test]
fn descriptors_are_counted_and_named() {
    let (mut image, stack, context) = image(&[(Kind::Fd, 5)]);
    for (place, name) in ["/tmp/old", "/b", "/a", "/c", "/d"].iter().enumerate() {
        image.named(PLACE + 16 * place as u64, stack, context, name);
    }
    // The number was used again; of another stack's and of what was closed nothing is told.
    image.named(PLACE, stack, context, "/b");
    image.named(PLACE + 64, stack + 1, context, "/other");
    image.named(PLACE + 16 * 9, stack, context, "/closed");
    let report = report(&image);
    let site = &report.processes[0].leaks.sites[0];
    assert_eq!((site.blocks, site.bytes), (5, 0));
    assert_eq!(site.names, ["/a", "/b", "/c"]);
    let text = text(&report, None);
    assert!(
        text.starts_with("5 file descriptors leaked at 1 site"),
        "{text}"
    );
    assert!(
        text.contains("\n1) 5 file descriptors: /a, /b, /c\n"),
        "{text}"
    );
    assert!(!text.contains("0 bytes"), "{text}");
}

#[test]
fn handles_of_one_kind_have_its_name_and_a_mixture_is_of_handles() {
    for (kind, words) in [
        (Kind::GlobalRef, "3 global references leaked"),
        (Kind::WeakGlobalRef, "3 weak global references leaked"),
        (Kind::Monitor, "3 monitors leaked"),
        (Kind::Malloc, "0 bytes leaked in 3 blocks"),
    ] {
        let text = text(&report(&image(&[(kind, 3)]).0), None);
        assert!(text.starts_with(words), "{text}");
    }
    let mixed = image(&[(Kind::Fd, 2), (Kind::Monitor, 1)]).0;
    let text = text(&report(&mixed), None);
    assert!(text.starts_with("3 handles leaked at 2 sites"), "{text}");
    assert!(!text.contains("0 bytes"), "{text}");
    assert!(text.contains("2 file descriptors\n"), "{text}");
}

#[test]
fn attached_threads_are_named_and_local_references_counted() {
    let mut image = ImageBuilder::new();
    let thread = image.thread(4242, "kernel's", 3, 0);
    let context = image.context(1, 0, thread, 0);
    let stacks = [1, 2, 3].map(|address| image.stack(&[Frame::Address(address)]));
    for place in 0..2 {
        image.live(PLACE + 16 * place, 0, Kind::Attach, stacks[0], context);
    }
    image.named(PLACE, stacks[0], context, "worker-1");
    image.live(PLACE + 64, 0, Kind::LocalFrame, stacks[1], context);
    image.live(PLACE + 96, 5000, Kind::LocalRefs, stacks[2], context);
    let report = report(&image);
    let leaks = &report.processes[0].leaks;
    assert_eq!((leaks.blocks, leaks.bytes), (5003, 0));
    let text = text(&report, None);
    for words in [
        ") 2 threads attached to the JVM and never detached: \"kernel's\" (has ended), \"worker-1\" (has ended)\n",
        ") 1 local frame pushed and not popped\n",
        ") 5,000 local references in one native call (bound 512)\n",
    ] {
        assert!(text.contains(words), "{words}{text}");
    }
}

#[test]
fn mappings_are_counted_named_and_have_bytes() {
    let mut image = ImageBuilder::new();
    let thread = image.thread(4242, "java", 3, 0);
    let context = image.context(1, 0, thread, 0);
    let stack = image.stack(&[Frame::Address(1)]);
    for (place, (bytes, name)) in [
        (4 << 20, "anonymous"),
        (6 << 20, "/tmp/x.db"),
        (2 << 20, "anonymous"),
    ]
    .into_iter()
    .enumerate()
    {
        let at = PLACE + 16 * place as u64;
        image.live(at, bytes, Kind::Mmap, stack, context);
        image.named(at, stack, context, name);
    }
    let report = report(&image);
    let site = &report.processes[0].leaks.sites[0];
    assert_eq!((site.blocks, site.bytes), (3, 12 << 20));
    let text = text(&report, None);
    assert!(
        text.starts_with("3 mappings leaked, 12 MiB at 1 site"),
        "{text}"
    );
    assert!(
        text.contains("\n1) 3 mappings, 12 MiB: /tmp/x.db, anonymous\n"),
        "{text}"
    );
}
