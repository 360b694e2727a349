//! What a report says about a stack: names and lines, of libraries that are gone too, and a mark
//! wherever the stack is not all there.

use std::fs;

use integration_tests::{Frame, Process, Recording, Report, Site, cpp, cpp_with, plugin};

#[test]
fn frames_of_an_unloaded_library_are_named() {
    let recording = Recording::of(cpp("plugins")).args([plugin(24), plugin(120)]);
    let report = recording
        .args(["100", "10"])
        .run()
        .expect_code(0)
        .report_since("start");
    let process = report.process();
    for (bytes, frame) in [(1_000_003, 24), (1_100_009, 120)] {
        let site = process.site_of(bytes);
        assert_eq!(site.blocks, 5);
        let inner = format!("inner_{frame}");
        site.assert_order(&[&inner, "plugin_leak", "main"]);
        let Frame::Native { module, .. } = site.frame("plugin_leak") else {
            unreachable!()
        };
        assert!(
            module
                .as_ref()
                .is_some_and(|path| path.ends_with("plugin.so")),
            "{module:?}"
        );
    }
    // Destructors are called by start-up code of the compiler's, which has no unwind tables.
    process.assert_nothing_lost_but("stackNoTables");
}

#[test]
fn frames_of_a_deleted_library_keep_module_and_offset() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let copy = folder.path().join("extracted.so");
    fs::copy(plugin(24), &copy).expect("a temporary folder is writable");
    let run = Recording::of(cpp("plugins"))
        .args([&copy, &copy])
        .args(["2", "1"])
        .run();
    fs::remove_file(&copy).expect("the copy is ours");
    let report = run.report_since("start");
    let site = report.process().site_of(1_100_009);
    let in_library = site.frames.iter().filter(|frame| match frame {
        Frame::Native {
            module: Some(path),
            offset: Some(_),
            ..
        } => path.contains("extracted.so"),
        _ => false,
    });
    assert!(in_library.count() >= 2, "{:#?}", site.frames);
    site.assert_order(&["main"]);
}

#[test]
fn a_frame_has_function_file_and_line() {
    let report = Recording::of(cpp("replaced_blocks"))
        .args(["1", "0"])
        .run()
        .report_since("body");
    let site = report.process().site_of(1_999_993);
    let planted = integration_tests::workspace::marked_line("cpp/replaced_blocks.cpp", "planted");
    let Frame::Native { file, line, .. } = site.frame("body") else {
        unreachable!()
    };
    assert!(
        file.as_ref()
            .is_some_and(|file| file.ends_with("replaced_blocks.cpp")),
        "{file:?}"
    );
    assert_eq!(*line, Some(planted));
    // `plant` is inlined there, whatever the compiler thinks of it.
    assert!(site.frames[0].is_inlined());
    assert_eq!(site.frames[0].name(), "plant");
}

fn marks(site: &Site) -> Vec<&str> {
    let marks = site.frames.iter().filter_map(|frame| match frame {
        Frame::Mark { text } => Some(text.as_str()),
        _ => None,
    });
    marks.collect()
}

fn calls(site: &Site) -> usize {
    site.names().iter().filter(|name| *name == "deeper").count()
}

fn planted(report: &Report) -> (&Process, &Site) {
    let process = report.process();
    let site = process.site_of(1_999_993);
    assert_eq!(site.blocks, 1);
    (process, site)
}

#[test]
fn a_deep_stack_is_complete() {
    let run = Recording::of(cpp("deep"))
        .args(["1500"])
        .run()
        .expect_code(0);
    let report = run.report_since("start");
    let (process, site) = planted(&report);
    assert_eq!(calls(site), 1501);
    site.assert_order(&["deeper", "main"]);
    assert_eq!(marks(site), [""; 0]);
    process.assert_nothing_lost();
}

#[test]
fn a_stack_that_is_too_deep_is_marked_and_counted() {
    for (options, depth, frames) in [
        ("follow=all", "100000", 2000),
        ("follow=all,depth=10", "50", 10),
    ] {
        let run = Recording::of(cpp("deep"))
            .options(options)
            .args([depth])
            .run()
            .expect_code(0);
        let report = run.report_since("start");
        let (process, site) = planted(&report);
        assert_eq!(calls(site), frames, "{options}");
        assert_eq!(marks(site).len(), 1, "{:?}", site.frames.last());
        assert!(
            matches!(site.frames.last(), Some(Frame::Mark { .. })),
            "{:?}",
            site.frames.last()
        );
        assert!(process.counters["stackTruncated"] >= 1);
        assert!(!process.notes.is_empty(), "the report must say so");
    }
}

#[test]
fn code_without_unwind_tables_is_walked_by_frame_pointers_and_marked() {
    let flags = [
        "-O1",
        "-fno-asynchronous-unwind-tables",
        "-fno-unwind-tables",
        "-fno-exceptions",
    ];
    let with_frame_pointers = [&flags[..], &["-fno-omit-frame-pointer"]].concat();
    let run = Recording::of(cpp_with("deep", &with_frame_pointers))
        .args(["20"])
        .run();
    let report = run.expect_code(0).report_since("start");
    let (process, site) = planted(&report);
    assert_eq!(calls(site), 21, "{site:#?}");
    assert!(!marks(site).is_empty(), "{site:#?}");
    assert!(process.counters["stackNoTables"] >= 1);
}

#[test]
fn code_without_unwind_tables_and_frame_pointers_is_still_recorded() {
    let flags = [
        "-O2",
        "-fno-asynchronous-unwind-tables",
        "-fno-unwind-tables",
        "-fno-exceptions",
    ];
    let run = Recording::of(cpp_with("deep", &flags))
        .args(["20"])
        .run()
        .expect_code(0);
    let report = run.report_since("start");
    let (process, site) = planted(&report);
    assert!(!marks(site).is_empty(), "{site:#?}");
    assert!(process.counters["stackNoTables"] >= 1);
}

#[test]
fn without_stacks_there_are_still_sizes_and_counts() {
    let run = Recording::of(cpp("deep"))
        .options("follow=all,stacks=off")
        .args(["5"])
        .run();
    let report = run.expect_code(0).report_since("start");
    let (_, site) = planted(&report);
    assert!(
        site.frames.iter().all(|frame| !frame.is_native()),
        "{site:#?}"
    );
}
