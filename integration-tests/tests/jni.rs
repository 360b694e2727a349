//! The JNI boundary: Java frames above native ones, on every JDK that is installed and with both
//! ways in.

use std::process::Command;

use integration_tests::java::{Entry, PLANTED, native_half, on_each_jdk, separate_classes};
use integration_tests::workspace::marked_line;
use integration_tests::{Frame, Jdk, Report, Site, Victim, process};

fn record(jdk: &Jdk, entry: Entry, name: &str, arguments: &[&str]) -> Report {
    let run = Victim::new(jdk, name)
        .recording(entry, &[])
        .args(arguments)
        .run()
        .expect_code(0);
    let report = run.report_since("start");
    report.process().assert_nothing_lost();
    report
}

fn assert_java_line(site: &Site, name: &str, source: &str, marker: &str) {
    let Frame::Java { file, line, .. } = site.frame(name) else {
        panic!("{name} is no Java frame")
    };
    assert_eq!(file.as_deref(), Some(source), "{name}");
    assert_eq!(
        *line,
        Some(marked_line(&format!("jni/{source}"), marker)),
        "{name}"
    );
}

#[test]
fn java_frames_lie_above_native_ones() {
    on_each_jdk(|jdk, entry| {
        let report = record(jdk, entry, "PlantedLeak", &["leak"]);
        let site = report.process().site_of(1_999_993);
        assert_eq!((site.blocks, site.kind.as_str()), (3, "new[]"));
        assert_eq!(site.names(), PLANTED);
        let Frame::Java { native, .. } = site.frame("PlantedLeak.plant") else {
            unreachable!()
        };
        assert!(native, "plant is a native method");
        assert_java_line(site, "PlantedLeak.caller", "PlantedLeak.java", "call");
        assert_java_line(site, "PlantedLeak.main", "PlantedLeak.java", "caller");
        let Frame::Native { file, .. } = site.frame("inner") else {
            unreachable!()
        };
        assert!(
            file.as_ref()
                .is_some_and(|file| file.ends_with("PlantedLeak.cpp")),
            "{file:?}"
        );
    });
}

#[test]
fn the_clean_twin_leaves_nothing() {
    on_each_jdk(|jdk, entry| {
        let report = record(jdk, entry, "PlantedLeak", &["clean"]);
        assert_eq!(report.process().blocks_of(1_999_993), 0);
    });
}

#[test]
fn the_assertion_counts_what_was_leaked_and_not_what_was_freed() {
    on_each_jdk(|jdk, entry| {
        let cases = [
            ("3", "3", "failed: 3 blocks, 5999979 bytes\n"),
            ("3", "5", "failed: 3 blocks, 5999979 bytes\n"),
            ("0", "3", "passed\n"),
            ("0", "0", "passed\n"),
        ];
        for (leaked, freed, expected) in cases {
            let recording = Victim::new(jdk, "ReplacedBlocks").recording(entry, &[]);
            let run = recording.args([leaked, freed]).run().expect_code(0);
            assert_eq!(run.ended.stdout, expected, "{}", run.ended);
            if leaked == "3" {
                assert!(
                    run.ended
                        .stderr
                        .contains("ReplacedBlocks.body(ReplacedBlocks.java:"),
                    "{}",
                    run.ended
                );
                assert!(
                    run.ended.stderr.contains("Java_ReplacedBlocks_allocate"),
                    "{}",
                    run.ended
                );
            }
        }
    });
}

#[test]
fn nested_callbacks_keep_their_order() {
    on_each_jdk(|jdk, entry| {
        let report = record(jdk, entry, "NestedCallbacks", &[]);
        let process = report.process();
        let [second, middle, first, outer, main] = ["second", "middle", "first", "outer", "main"]
            .map(|name| format!("NestedCallbacks.{name}"));

        let inside = process.site_of(1_999_993);
        assert_eq!(inside.blocks, 5);
        assert_eq!(
            inside.names()[..2],
            ["inside", "Java_NestedCallbacks_second"]
        );
        assert_eq!(
            inside.java(),
            [&*second, &*middle, &*first, &*outer, &*main]
        );
        inside.assert_order(&[
            "Java_NestedCallbacks_second",
            &second,
            &middle,
            &first,
            &outer,
            &main,
        ]);
        assert_java_line(inside, &middle, "NestedCallbacks.java", "middle");
        // The native frames between the two Java parts need not be there, but if so, then there.
        if inside
            .names()
            .contains(&"Java_NestedCallbacks_first".to_owned())
        {
            inside.assert_order(&[&middle, "Java_NestedCallbacks_first", &first]);
        }

        for (bytes, function) in [(1_000_003, "before"), (1_000_033, "after")] {
            let site = process.site_of(bytes);
            assert_eq!(site.blocks, 5);
            assert_eq!(
                site.names(),
                [
                    function,
                    "Java_NestedCallbacks_first",
                    &*first,
                    &*outer,
                    &*main
                ]
            );
        }
    });
}

#[test]
fn recursion_through_both_languages_is_exact_on_the_way_down_and_up() {
    on_each_jdk(|jdk, entry| {
        for depth in [1, 2, 50] {
            let report = record(jdk, entry, "Recursion", &[&depth.to_string()]);
            let bottom = report.process().site_of(1_999_993);
            let calls = |site: &Site, name: &str| site.java().iter().filter(|n| *n == name).count();
            assert_eq!(calls(bottom, "Recursion.down"), depth);
            assert_eq!(calls(bottom, "Recursion.step"), depth);
            assert_eq!(
                bottom.java().last().map(String::as_str),
                Some("Recursion.main")
            );
            let top = report.process().site_of(2_999_999);
            assert_eq!(
                top.names(),
                [
                    "Java_Recursion_down",
                    "Recursion.down",
                    "Recursion.step",
                    "Recursion.main"
                ]
            );
        }
    });
}

#[test]
fn threads_that_native_code_started_have_native_stacks() {
    on_each_jdk(|jdk, entry| {
        let report = record(jdk, entry, "NativeThread", &[]);
        let process = report.process();
        for (bytes, function) in [(1_999_993, "unattached"), (999_983, "detached")] {
            let site = process.site_of(bytes);
            assert_eq!(site.blocks, 1);
            assert_eq!(site.java(), Vec::<String>::new(), "{function}");
            assert_eq!(site.names()[0], function);
            site.assert_order(&[function, "thread_body"]);
        }
        let site = process.site_of(2_999_999);
        assert_eq!(site.names()[0], "Java_NativeThread_plant");
        assert_eq!(site.java(), ["NativeThread.plant", "NativeThread.callback"]);
        assert_java_line(
            site,
            "NativeThread.callback",
            "NativeThread.java",
            "callback",
        );
    });
}

#[test]
fn a_native_method_that_tail_calls_names_itself() {
    on_each_jdk(|jdk, entry| {
        assert_tail_call(Victim::new(jdk, "TailCall").library());
        let report = record(jdk, entry, "TailCall", &[]);
        let site = report.process().site_of(1_999_993);
        assert_eq!(site.blocks, 4);
        assert_eq!(site.names(), ["TailCall.allocate", "TailCall.main"]);
        assert_java_line(site, "TailCall.main", "TailCall.java", "call");
    });
}

fn assert_tail_call(library: &std::path::Path) {
    let mut command = Command::new("objdump");
    command
        .args([
            "-d",
            "--no-show-raw-insn",
            "--disassemble=Java_TailCall_allocate",
        ])
        .arg(library);
    let code = process::run(&mut command).expect_code(0).stdout;
    assert!(
        code.lines()
            .any(|line| line.contains("jmp") && line.contains("_Znwm")),
        "{code}"
    );
    assert!(!code.lines().any(|line| line.contains("call")), "{code}");
}

#[test]
fn critical_sections_neither_deadlock_nor_lose_allocations_while_collections_run() {
    on_each_jdk(|jdk, entry| {
        for collector in ["Serial", "Parallel", "G1", "Z"] {
            println!("{collector}");
            let option = format!("-XX:+Use{collector}GC");
            let recording = Victim::new(jdk, "CriticalSections").recording(entry, &[&option]);
            let run = recording.run().expect_code(0);
            assert!(
                run.ended.stdout.contains("collected often"),
                "{}",
                run.ended
            );
            let report = run.report_since("start");
            let process = report.process();
            assert_eq!(process.blocks_of(10_007), 1000, "{collector}");
            for site in process.sites_of(10_007) {
                site.assert_order(&[
                    "Java_CriticalSections_leakInside",
                    "CriticalSections.leakInside",
                    "CriticalSections.work",
                ]);
            }
            process.assert_nothing_lost();
        }
    });
}

#[test]
fn frames_of_an_unloaded_class_and_library_are_named() {
    on_each_jdk(|jdk, entry| {
        let classes = separate_classes(jdk, "Unloadable");
        let library = native_half(jdk, "Unloadable");
        let classes = format!("-Dvictim.unloadable.classes={}/", classes.display());
        let library = format!("-Dvictim.unloadable.library={}", library.display());
        let recording = Victim::new(jdk, "UnloadedLoader").recording(entry, &[&classes, &library]);
        let run = recording.run().expect_code(0);
        assert_eq!(
            run.ended.stdout, "class unloaded\nlibrary unloaded\n",
            "{}",
            run.ended
        );
        let report = run.report_since("start");
        let site = report.process().site_of(1_999_993);
        assert_eq!(site.blocks, 3);
        site.assert_order(&[
            "Java_Unloadable_plant",
            "Unloadable.plant",
            "Unloadable.run",
        ]);
        assert_java_line(site, "Unloadable.run", "Unloadable.java", "call");
        let afterwards = report.process().site_of(1_300_021);
        afterwards.assert_order(&["UnloadedLoader.plantAfterwards", "UnloadedLoader.main"]);
    });
}

#[test]
fn virtual_threads_show_their_own_frames_on_any_carrier() {
    for jdk in Jdk::since(21) {
        for entry in Entry::ALL {
            let report = record(&jdk, entry, "VirtualThreads", &[]);
            for (bytes, marker) in [(10_007, "before"), (10_037, "after")] {
                let process = report.process();
                assert_eq!(process.blocks_of(bytes), 500, "{marker}");
                for site in process.sites_of(bytes) {
                    let order = [
                        "Java_VirtualThreads_plant",
                        "VirtualThreads.plant",
                        "VirtualThreads.body",
                    ];
                    site.assert_order(&order);
                    assert_java_line(site, "VirtualThreads.body", "VirtualThreads.java", marker);
                }
            }
        }
    }
}

#[test]
fn registered_natives_are_followed_when_bound_again() {
    on_each_jdk(|jdk, entry| {
        let run = Victim::new(jdk, "RegisteredNatives")
            .recording(entry, &[])
            .run()
            .expect_code(0);
        assert_eq!(run.ended.stdout, "unlinked\n");
        let report = run.report_since("start");
        for (bytes, function) in [(1_999_993, "leak_one"), (2_999_999, "leak_other")] {
            let site = report.process().site_of(bytes);
            let java = [
                "RegisteredNatives.plant",
                "RegisteredNatives.caller",
                "RegisteredNatives.main",
            ];
            assert_eq!(site.names(), [&[function][..], &java[..]].concat());
        }
    });
}

#[test]
fn every_argument_and_return_value_arrives() {
    on_each_jdk(|jdk, entry| {
        let victim = Victim::new(jdk, "ManyArguments");
        // Interpreted, compiled in the middle, and compiled at once.
        for (repetitions, options) in [("1", &["-Xint"][..]), ("20000", &[]), ("200", &["-Xcomp"])]
        {
            let bare = victim
                .bare(options)
                .args([repetitions])
                .run()
                .expect_code(0);
            let run = victim
                .recording(entry, options)
                .args([repetitions])
                .run()
                .expect_code(0);
            assert!(
                bare.ended.stdout.contains("one2three4five6.500000seven"),
                "{}",
                bare.ended
            );
            assert_eq!(run.ended.stdout, bare.ended.stdout, "{options:?}");
        }
    });
}

#[test]
fn calls_left_by_exception_leave_no_trace_in_later_stacks() {
    on_each_jdk(|jdk, entry| {
        let run = Victim::new(jdk, "NativeExceptions")
            .recording(entry, &[])
            .run()
            .expect_code(0);
        assert_eq!(run.ended.stdout, "done\n");
        let report = run.report_since("start");
        let java = [
            "NativeExceptions.plant",
            "NativeExceptions.caller",
            "NativeExceptions.main",
        ];
        let expected = [&["Java_NativeExceptions_plant"][..], &java[..]].concat();
        assert_eq!(report.process().site_of(1_999_993).names(), expected);
    });
}

#[test]
fn a_million_short_calls_on_eight_threads_leave_exactly_what_was_planted() {
    on_each_jdk(|jdk, entry| {
        let report = record(jdk, entry, "JavaPairs", &["8", "1000000"]);
        let own = report
            .process()
            .leaks
            .sites
            .iter()
            .filter(|site| site.names().contains(&"inner".to_owned()));
        assert_eq!(own.count(), 0);

        let report = record(jdk, entry, "JavaPairs", &["8", "1000000", "leak"]);
        let site = report.process().site_of(1_999_993);
        assert_eq!(site.blocks, 8);
        site.assert_order(&["inner", "JavaPairs.allocate", "JavaPairs.work"]);
        assert_java_line(site, "JavaPairs.work", "JavaPairs.java", "leak");
    });
}

#[test]
fn the_image_survives_a_crash_of_the_jvm() {
    on_each_jdk(|jdk, entry| {
        let options = ["-XX:ErrorFile=hs_err.log", "-XX:-CreateCoredumpOnCrash"];
        let run = Victim::new(jdk, "Crash").recording(entry, &options).run();
        assert!(!run.ended.status.success(), "{}", run.ended);
        assert!(
            run.ended.stdout.contains("Java_Crash_crash"),
            "{}",
            run.ended
        );
        let report = run.report_since("start");
        assert_eq!(report.process().state, "killed");
        let site = report.process().site_of(1_999_993);
        assert_eq!(site.blocks, 3);
        assert_eq!(
            site.names(),
            [
                "Java_Crash_plant",
                "Crash.plant",
                "Crash.caller",
                "Crash.main"
            ]
        );
    });
}

#[test]
fn natives_bound_before_hackleak_was_used_have_java_frames_too() {
    on_each_jdk(|jdk, entry| {
        let followed = match entry {
            Entry::Embedded => "follow=all,track=new+jni+unsafe",
            Entry::Preload | Entry::Agent => "follow=jvm,track=new+jni+unsafe",
        };
        let run = Victim::new(jdk, "BoundEarlier")
            .recording(entry, &[])
            .options(followed)
            .run()
            .expect_code(0);
        let report = run.report();
        let after = report.process().site_of(2_999_999);
        let java = [
            "BoundEarlier.plant",
            "BoundEarlier.caller",
            "BoundEarlier.main",
        ];
        assert_eq!(
            after.names(),
            [&["Java_BoundEarlier_plant"][..], &java[..]].concat()
        );
        // Before, with the preload alone, nobody could ask the JVM.
        let before = report.process().site_of(1_999_993);
        assert_eq!(before.names()[0], "Java_BoundEarlier_plant");
        if entry == Entry::Agent {
            assert_eq!(before.java(), java);
        }
        let late = "JNI references and Unsafe memory were tracked too late";
        let notes = &report.process().notes;
        let is_said = notes.iter().any(|note| note.starts_with(late));
        assert_eq!(is_said, entry == Entry::Embedded, "{notes:?}");
    });
}

#[test]
fn downcalls_and_upcalls_without_jni_have_java_frames() {
    for jdk in Jdk::since(22) {
        for entry in Entry::ALL {
            let report = record(&jdk, entry, "ForeignFunctions", &[]);
            // The method handle's own frames change once it has been customised, and are left out.
            let site = report.process().site_of(1_999_993);
            assert_eq!(site.blocks, 3);
            let java = ["ForeignFunctions.caller", "ForeignFunctions.main"];
            assert_eq!(site.java(), java);
            let site = report.process().site_of(2_999_999);
            site.assert_order(&[
                "foreign_plant",
                "ForeignFunctions.back",
                "ForeignFunctions.main",
            ]);
        }
    }
}

#[test]
fn scopes_tell_parallel_tests_apart_and_ignored_leaks_do_not_count() {
    on_each_jdk(|jdk, entry| {
        let run = Victim::new(jdk, "ScopesAndIgnore")
            .recording(entry, &[])
            .run()
            .expect_code(0);
        let expected = "5 blocks, 9999965 bytes\n0 blocks, 0 bytes\n5 blocks, 9999965 bytes\n";
        assert_eq!(run.ended.stdout, expected, "{}", run.ended);
        // In the embedded JVM all is followed, its helper for starting the reporter too.
        let report = run.report();
        let ignored = report
            .processes
            .iter()
            .map(|process| process.blocks_of(2_999_999));
        assert_eq!(ignored.sum::<u64>(), 0);
    });
}

#[test]
fn what_garbage_owns_is_not_reported_and_what_is_referenced_is() {
    on_each_jdk(|jdk, entry| {
        for options in [&[][..], &["-XX:+DisableExplicitGC"]] {
            let recording = Victim::new(jdk, "OwnedByGarbage").recording(entry, options);
            let run = recording.run().expect_code(0);
            let expected = "3 blocks, 5999979 bytes\n0 blocks, 0 bytes\n";
            assert_eq!(run.ended.stdout, expected, "{}", run.ended);
        }
    });
}

#[test]
fn only_the_wanted_frames_are_recorded() {
    on_each_jdk(|jdk, entry| {
        let victim = Victim::new(jdk, "PlantedLeak");
        let java = [
            "PlantedLeak.plant",
            "PlantedLeak.caller",
            "PlantedLeak.main",
        ];
        let native = ["inner", "Java_PlantedLeak_plant"];
        for (stacks, expected) in [("java", &java[..]), ("native", &native[..])] {
            let follow = if entry == Entry::Embedded {
                "all"
            } else {
                "jvm"
            };
            let options = format!("follow={follow},stacks={stacks}");
            let recording = victim
                .recording(entry, &[])
                .options(&options)
                .args(["leak"]);
            let report = recording.run().expect_code(0).report_since("start");
            assert_eq!(
                report.process().site_of(1_999_993).names(),
                expected,
                "{stacks}"
            );
        }
    });
}
