//! What is recorded besides C++ operators: the malloc family, JNI resources, `Unsafe` memory,
//! pools.

use integration_tests::java::{Entry, Jdk, on_each_launcher};
use integration_tests::{Process, Recording, Site, Victim, artefacts, cpp, plugin, process};
use std::cell::Cell;
use std::process::Command;

const MALLOC_SIZES: [u64; 12] = [
    1_000_001, 1_000_002, 1_000_003, 1_000_004, 1_000_005, 1_000_064, 1_000_007, 1_000_008,
    1_000_009, 1_000_100, 1_000_011, 1_000_011,
];

fn count(process: &Process, kind: &str) -> u64 {
    let sites = process.leaks.sites.iter().filter(|site| site.kind == kind);
    sites.map(|site| site.blocks).sum()
}

#[test]
fn every_function_of_the_malloc_family_is_recorded() {
    let run = Recording::of(cpp("malloc_family"))
        .options("follow=all,track=new+malloc")
        .args(["leak"])
        .run()
        .expect_code(0);
    assert_eq!(run.ended.stdout, "errno 77\nfailed realloc gave nothing\n");
    let report = run.report_since("start");
    let process = report.process();
    for size in MALLOC_SIZES {
        assert!(process.blocks_of(size) >= 1, "{size}: {:#?}", process.leaks);
    }
    assert_eq!(
        process.blocks_of(1_000_012),
        0,
        "freed by realloc to nothing"
    );
    assert_eq!(
        process.site_of(1_000_001).names()[..2],
        ["allocate", "main"]
    );
    for function in ["asprintf", "getdelim", "realpath", "getcwd"] {
        let borrowed = |site: &&Site| {
            let names = site.names();
            let caller = names.iter().position(|name| *name == "borrow");
            caller.is_some_and(|at| names[..at].iter().any(|name| name.contains(function)))
        };
        assert_eq!(
            process.leaks.sites.iter().filter(borrowed).count(),
            1,
            "{function}: {:#?}",
            process.leaks
        );
    }
    // What the C library keeps is its own affair.
    assert_eq!(process.leaks.blocks, 16, "{:#?}", process.leaks);
    process.assert_nothing_lost();
}

#[test]
fn the_clean_twin_of_the_malloc_family_leaves_nothing() {
    let run = Recording::of(cpp("malloc_family"))
        .options("follow=all,track=malloc")
        .args(["clean"])
        .run()
        .expect_code(0);
    let report = run.report_since("start");
    assert_eq!(
        report.process().leaks.blocks,
        0,
        "{:#?}",
        report.process().leaks
    );
    assert!(report.process().totals.frees >= 13);
}

#[test]
fn include_and_exclude_decide_whose_calls_count() {
    let run = |options: &str| {
        let run = Recording::of(cpp("malloc_family"))
            .options(options)
            .args(["leak"])
            .run();
        run.expect_code(0)
            .report_since("start")
            .process()
            .leaks
            .blocks
    };
    assert!(
        run("follow=all,track=malloc,include=libc.so*") > 16,
        "the text counts"
    );
    assert_eq!(run("follow=all,track=malloc,exclude=malloc_fam*"), 0);
}

#[test]
fn operators_and_malloc_count_nothing_twice() {
    let run = Recording::of(cpp("variants"))
        .options("follow=all,track=new+malloc")
        .args(["leak"])
        .run()
        .expect_code(0);
    let report = run.report_since("start");
    assert_eq!(
        report.process().leaks.blocks,
        20,
        "{:#?}",
        report.process().leaks
    );
}

#[test]
fn jni_resources_that_are_not_given_back_are_found() {
    on_each_launcher(|jdk, entry| jni_resources(jdk, entry, &[]));
}

/// Elements of arrays begin in the middle of a word then.
#[test]
fn jni_resources_are_found_with_compact_headers() {
    const COMPACT: &str = "-XX:+UseCompactObjectHeaders";
    let tried = Cell::new(0);
    on_each_launcher(|jdk, entry| {
        if jdk.feature >= 25 {
            jni_resources(jdk, entry, &[COMPACT]);
            tried.set(tried.get() + 1);
        }
    });
    if tried.get() == 0 {
        println!("SKIPPED: no JDK has {COMPACT}");
    }
}

fn jni_resources(jdk: &Jdk, entry: Entry, options: &[&str]) {
    let record = |argument| {
        let victim = Victim::new(jdk, "Resources");
        let run = victim
            .recording(entry, options)
            .options("track=new+jni+malloc")
            .args([argument])
            .run();
        run.expect_code(0).report_since("start")
    };
    let report = record("leak");
    let process = report.process();
    for (kind, expected) in [
        ("global reference", 3),
        ("weak global reference", 1),
        ("array elements", 4),
        ("critical array", 1),
        ("UTF string characters", 1),
        ("string characters", 1),
        ("monitor", 1),
    ] {
        assert_eq!(
            count(process, kind),
            expected,
            "{kind}: {:#?}",
            process.leaks
        );
    }
    let site = process.site_of(1_999_996);
    assert_eq!(site.blocks, 4);
    site.assert_order(&[
        "Java_Resources_elements",
        "Resources.elements",
        "Resources.round",
    ]);
    process.assert_nothing_lost();

    let report = record("clean");
    assert_eq!(
        report.process().leaks.blocks,
        0,
        "{:#?}",
        report.process().leaks
    );
    let process = report.process();
    assert!(process.totals.frees >= 14_000);
    process.assert_nothing_lost();
}

#[test]
fn unsafe_memory_and_direct_buffers_belong_to_the_java_code_that_asked() {
    on_each_launcher(|jdk, entry| {
        let record = |argument| {
            let victim = Victim::new(jdk, "UnsafeMemory");
            let run = victim
                .recording(entry, &[])
                .options("track=new+malloc+unsafe")
                .args([argument])
                .run();
            run.expect_code(0).report_since("start")
        };
        let report = record("leak");
        let process = report.process();
        let site = process.site_of(1_999_992);
        assert_eq!((site.blocks, site.kind.as_str()), (3, "unsafe"));
        site.assert_order(&[
            "UnsafeMemory.take",
            "UnsafeMemory.leak",
            "UnsafeMemory.main",
        ]);
        assert_eq!(process.blocks_of(2_999_992), 1);
        // A page more than asked for, on JDKs that align direct buffers to pages.
        let buffers = process.leaks.sites.iter().filter(|site| {
            site.names()
                .iter()
                .any(|name| name.contains("ByteBuffer.allocateDirect"))
        });
        assert_eq!(
            buffers.map(|site| site.blocks).sum::<u64>(),
            1,
            "{:#?}",
            process.leaks
        );
        assert_eq!(count(process, "unsafe"), 5, "{:#?}", process.leaks);

        let report = record("clean");
        assert_eq!(
            count(report.process(), "unsafe"),
            0,
            "{:#?}",
            report.process().leaks
        );
        assert!(report.process().totals.frees >= 20_000);
    });
}

#[test]
fn pool_objects_have_stacks_of_their_own() {
    let record = |argument| {
        let run = Recording::of(cpp("pools"))
            .args([argument])
            .run()
            .expect_code(0);
        run.report_since("start")
    };
    let report = record("leak");
    let site = report.process().site_of(4093);
    assert_eq!((site.blocks, site.kind.as_str()), (3, "pool object"));
    assert_eq!(site.names()[..2], ["take", "main"]);
    assert_eq!(record("clean").process().leaks.blocks, 0);
}

#[test]
fn a_library_opened_with_deepbind_is_seen_and_the_report_says_how() {
    let run = Recording::of(cpp("deep_bind"))
        .arg(plugin(24))
        .run()
        .expect_code(0);
    let report = run.report_since("start");
    assert_eq!(report.process().site_of(1_999_993).blocks, 1);
    assert_eq!(report.process().counters.get("deepBindDropped"), Some(&1));
}

/// What a library apart allocates is not seen, so it must be named, whether it is still there or
/// not.
#[test]
fn a_library_in_a_namespace_of_its_own_is_named_as_not_seen() {
    for what in ["kept", "closed", "both"] {
        let run = Recording::of(cpp("apart"))
            .options("follow=all,track=new+malloc+jni+unsafe")
            .args([plugin(24).as_os_str(), what.as_ref()])
            .run()
            .expect_code(0);
        let report = run.report_since("start");
        let process = report.process();
        let named = |note: &&String| {
            note.starts_with("blind: `plugin.so`: `dlmopen` loaded it into a namespace of its own")
        };
        assert_eq!(process.notes.iter().filter(named).count(), 1, "{report:#?}");
        assert_eq!(process.counters.get("otherNamespaces"), Some(&1));
        assert_eq!(process.blocks_of(1_999_982), 0);
        let seen = u64::from(what == "both");
        assert_eq!(process.blocks_of(1_999_981), seen);
        assert_eq!(process.leaks.blocks, seen, "{:#?}", process.leaks);
        let verdict = if what == "both" {
            "leaks"
        } else {
            "incomplete"
        };
        assert_eq!(process.verdict, verdict);
        let dropped = u64::from(what == "kept");
        let counted = process.counters.get("deepBindDropped").copied();
        assert_eq!(counted.unwrap_or(0), dropped);

        let hackleak = |command: &str| {
            let mut hackleak = Command::new(artefacts::cli());
            process::run(hackleak.arg(command).args(run.images()))
        };
        let text = hackleak("report").stdout;
        assert!(text.contains("blind: `plugin.so`"), "{text}");
        assert!(!text.contains("every kind was tracked\n"), "{text}");
        let doctor = hackleak("doctor");
        assert_ne!(doctor.code(), 0, "{doctor}");
        let line = doctor.stdout.lines().find(|line| line.starts_with("blind"));
        assert!(line.is_some_and(|l| l.ends_with("plugin.so")), "{doctor}");
        assert!(doctor.stdout.contains("`dlmopen` loaded it"), "{doctor}");
    }
    // A call that failed cannot be told from one whose library is gone.
    let run = Recording::of(cpp("apart"))
        .args([plugin(24).as_os_str(), "missing".as_ref()])
        .run();
    let report = run.expect_code(0).report();
    assert_eq!(report.process().verdict, "incomplete");
}

#[test]
fn pools_are_named_by_symbol_and_calls_that_cannot_be_seen_are_counted() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("pools.txt");
    let pairs = "# pools of the victim\n\
        alloc=arena_take,free=arena_give,size=2,object=2\n\
        alloc=counted_take,free=arena_give,object=2\n\
        alloc=hidden_take,free=hidden_give\n";
    std::fs::write(&file, pairs).expect("file");
    on_each_launcher(|jdk, entry| {
        let record = |argument| {
            let victim = Victim::new(jdk, "DeclaredPools");
            let options = format!("track=new+malloc,pools={}", file.display());
            let run = victim.recording(entry, &[]).options(&options);
            let run = run.args([argument]).run();
            run.expect_code(0).report_since("start")
        };
        let report = record("leak");
        let process = report.process();
        let site = process.site_of(1_999_993);
        assert_eq!((site.blocks, site.kind.as_str()), (1, "pool object"));
        site.assert_order(&[
            "DeclaredPools.take",
            "DeclaredPools.round",
            "DeclaredPools.main",
        ]);
        assert_eq!(count(process, "pool object"), 2, "{:#?}", process.leaks);
        assert_eq!(process.leaks.blocks, 2, "{:#?}", process.leaks);
        assert_eq!(process.counters.get("poolFunctionsUnseen"), Some(&2));
        assert_eq!(record("clean").process().leaks.blocks, 0);
    });
}

#[test]
fn what_java_code_allocates_through_the_linkers_own_lookup_is_seen() {
    for jdk in Jdk::since(22) {
        for entry in [Entry::Preload, Entry::Agent] {
            let record = |argument| {
                let victim = Victim::new(&jdk, "DefaultLookup");
                let run = victim.recording(entry, &[]).options("track=new+malloc");
                let run = run.args([argument]).run();
                run.expect_code(0).report_since("start")
            };
            let report = record("leak");
            let process = report.process();
            for (size, blocks, method) in [
                (1_999_993, 1, "DefaultLookup.leak"),
                (2_999_993, 3, "DefaultLookup.leakCritically"),
            ] {
                let site = process.site_of(size);
                assert_eq!((site.blocks, site.kind.as_str()), (blocks, "malloc"));
                site.assert_order(&[method, "DefaultLookup.main"]);
            }
            assert_eq!(process.leaks.blocks, 4, "{:#?}", process.leaks);
            let report = record("clean");
            assert_eq!(
                report.process().leaks.blocks,
                0,
                "{:#?}",
                report.process().leaks
            );
            assert!(report.process().totals.frees >= 40_000);
        }
    }
}

#[test]
fn what_libnuma_gives_is_its_callers_and_the_jvms_own_is_no_leak() {
    let track = "follow=all,track=malloc";
    let leak = Recording::of(cpp("numa")).options(track).run();
    if leak.ended.status.code() == Some(77) {
        println!("SKIPPED: libnuma is not installed");
        return;
    }
    let leak = leak.expect_code(0).report();
    assert_eq!(
        leak.process().blocks_of(80_008),
        1,
        "{:?}",
        leak.process().leaks
    );
    let clean = Recording::of(cpp("numa")).arg("clean").options(track);
    let clean = clean.run().expect_code(0).report();
    assert_eq!(clean.process().blocks_of(80_008), 0);

    for jdk in Jdk::all() {
        let run = Recording::of(jdk.tool("java"))
            .options("follow=jvm,track=malloc")
            .args(["-XX:+UseZGC", "-XX:+UseNUMA", "-Xmx96m", "-version"])
            .run()
            .expect_code(0);
        let report = run.report();
        let of_numa = report.process().leaks.sites.iter().find(|site| {
            let names = site.names();
            names.iter().any(|name| name.starts_with("numa_"))
        });
        assert!(of_numa.is_none(), "JDK {}: {of_numa:#?}", jdk.feature);
    }
}

#[test]
fn functions_that_many_threads_call_first_at_one_moment_do_not_fail() {
    for options in ["follow=all,track=malloc", "follow=none"] {
        for _ in 0..25 {
            let run = Recording::of(cpp("first_calls")).options(options);
            let run = run.run().expect_code(0);
            assert_eq!(run.ended.stdout, "0\n", "{options}: {}", run.ended);
        }
    }
}
