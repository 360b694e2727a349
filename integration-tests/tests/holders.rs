//! What is lost is found, every block of it; what something holds is no leak, and its holder is
//! named.

use integration_tests::java::{Entry, Jdk};
use integration_tests::{Recording, Victim, cpp};

const COLLECTORS: [&str; 3] = ["-XX:+UseG1GC", SERIAL, "-XX:+UseZGC"];
const SERIAL: &str = "-XX:+UseSerialGC";
/// With the serial collector, a pass leaves out the blocks that do not matter, as it does where
/// there are many.
const ANCESTORS: &str = "HACKLEAK_TEST_ANCESTORS";
/// The others; not every JDK has Shenandoah.
const MORE_COLLECTORS: [&str; 2] = ["-XX:+UseParallelGC", "-XX:+UseShenandoahGC"];
/// The blocks of a round.
const ROUND: usize = 269;

fn has_collector(jdk: &Jdk, collector: &str) -> bool {
    let mut java = std::process::Command::new(jdk.tool("java"));
    let answer = java.args([collector, "-version"]).output();
    answer.expect("java starts").status.success()
}

fn run(jdk: &Jdk, collector: &str, arguments: &[&str]) -> String {
    let victim = Victim::new(jdk, "Holders")
        .recording(Entry::Preload, &[collector])
        .options("track=new+malloc+jni+unsafe,held=note")
        .args(arguments)
        .limit(600);
    let victim = match collector {
        SERIAL => victim.env(ANCESTORS, "1"),
        _ => victim,
    };
    victim.run().expect_code(0).ended.stdout
}

/// Each round has blocks of every way to allocate: single ones, grown and shrunk ones, trees,
/// cycles, pools, classes with members; from the calling thread, from one that has ended, with
/// addresses left on the stack, and after older structures have grown. Where no other threads
/// allocate, the same was there before and was freed, and its addresses are still in old structures
/// and in live Java objects.
fn all_is_lost(jdk: &Jdk, collector: &str, rounds: usize, threads: usize) {
    let arguments = ["lost", &rounds.to_string(), &threads.to_string()];
    let out = run(jdk, collector, &arguments);
    let told: Vec<&str> = out.lines().filter(|l| l.starts_with("round")).collect();
    let whole = format!("round {ROUND} planted, {ROUND} lost");
    let feature = jdk.feature;
    assert_eq!(
        told,
        vec![&whole; rounds],
        "JDK {feature}, {collector}: {out}"
    );
    println!(
        "JDK {feature} {collector} {threads} threads: {} blocks",
        rounds * ROUND
    );
}

#[test]
fn every_block_that_nothing_holds_is_lost() {
    for jdk in Jdk::all() {
        for collector in COLLECTORS {
            all_is_lost(jdk, collector, 2, 0);
        }
    }
}

#[test]
fn threads_that_allocate_meanwhile_hide_nothing() {
    for jdk in Jdk::all() {
        all_is_lost(jdk, "-XX:+UseParallelGC", 2, 20);
    }
}

/// All of it, which takes minutes: `make recall`.
#[test]
#[ignore = "takes minutes: make recall"]
fn every_block_is_lost_with_each_collector_and_many_threads() {
    for jdk in Jdk::all() {
        for collector in COLLECTORS.into_iter().chain(MORE_COLLECTORS) {
            if !has_collector(jdk, collector) {
                println!("SKIPPED: JDK {} with {collector}", jdk.feature);
                continue;
            }
            for threads in [0, 20] {
                all_is_lost(jdk, collector, 12, threads);
            }
        }
    }
}

/// The name of a case, and what must be said of its holder.
const HELD: [(&str, &str); 12] = [
    (
        "global",
        "1001 HELD by (anonymous namespace)::global_block (libHolders.so .bss)",
    ),
    (
        "thread_local",
        "1002 HELD by thread_local (anonymous namespace)::local_block (libHolders.so)",
    ),
    ("thread-specific", "1003 HELD by data specific to a thread"),
    (
        "mapping",
        "1004 HELD by (anonymous namespace)::mapped (libHolders.so .bss) → memory that was mapped",
    ),
    ("stack", "1005 HELD by the stack of thread `"),
    (
        "reference",
        "0 HELD by Java_Holders_asGlobalReference::kept (libHolders.so .bss)",
    ),
    ("static", "1111 HELD by static Holders.inStatic"),
    ("array", "long[]"),
    ("field", "Holders$Owner.handle"),
    ("inherited", "Holders$Special.handle"),
    ("inherited alone", "Holders$Plain.handle"),
    ("buffer", "java.nio.DirectByteBuffer.address"),
];

/// The same of holders of further sorts: the name of the case, blocks that are lost, and what must
/// be said.
const FURTHER: [(&str, usize, &[&str]); 15] = [
    (
        "containers",
        0,
        &[
            "7010 HELD by Java_Holders_inContainers::map (libHolders.so .bss) → ",
            "7011 HELD by Java_Holders_inContainers::table (libHolders.so .bss) → ",
            "7012 HELD by Java_Holders_inContainers::vector (libHolders.so .bss) → ",
        ],
    ),
    (
        "middle",
        0,
        &[
            "7020 HELD by Java_Holders_inMiddleAndMarked::middle (libHolders.so .bss)",
            "7021 HELD by Java_Holders_inMiddleAndMarked::low (libHolders.so .bss)",
            "7022 HELD by Java_Holders_inMiddleAndMarked::high (libHolders.so .bss)",
        ],
    ),
    (
        "loaded class",
        0,
        &["7001 HELD by static Holders$Loaded.handle"],
    ),
    ("pool", 0, &["7002 HELD by … Holders$Owner.handle"]),
    ("record", 0, &["7003 HELD by … Holders$Kept.handle"]),
    ("lambda", 0, &["7004 HELD by … Holders$$Lambda.arg$1"]),
    ("soft", 0, &["7005 HELD by live Holders$Owner.handle"]),
    ("cleaner", 0, &["7006 HELD by … Holders$$Lambda.arg$1"]),
    (
        "object of a reference",
        0,
        &[
            "7007 HELD by live Holders$Owner.handle",
            "0 HELD by Java_Holders_asReferenceOf::kept (libHolders.so .bss)",
        ],
    ),
    ("frame", 0, &["7008 HELD by "]),
    ("virtual frame", 0, &["7009 HELD by "]),
    ("weak", 1, &["not held: 7,011 bytes"]),
    // What no look at memory can see is lost, as it would be without one.
    (
        "disguised",
        2,
        &["not held: 7,012 bytes", "not held: 7,013 bytes"],
    ),
    // What only the frames of the thread that asks have is lost, be it open or closed.
    ("own", 2, &["lost 7013", "lost 7015", "held 7014"]),
    // Where the words are those that an earlier structure had there, the same code has written
    // them.
    ("made again", 0, &["held 1016", "held 776"]),
];

#[test]
fn holders_of_further_sorts_are_seen_and_what_cannot_be_seen_is_lost() {
    for jdk in Jdk::all() {
        for collector in COLLECTORS {
            let out = run(jdk, collector, &["holders"]);
            for (name, lost, told) in FURTHER {
                let heading = format!("{name}: {lost} lost\n");
                let rounds = if ["own", "made again"].contains(&name) {
                    1
                } else {
                    2
                };
                let cases = told_after(&out, &heading);
                let feature = jdk.feature;
                let at = format!("{name}, JDK {feature}, {collector}");
                assert_eq!(cases.len(), rounds, "{at}: {out}");
                for case in cases {
                    for one in told {
                        // The way to a place is told only once.
                        let is_told = case.iter().any(|line| {
                            let mut parts = one.split(" … ");
                            parts.all(|part| line.contains(part))
                        });
                        assert!(is_told, "{at}: {one} is not in {case:#?}");
                    }
                }
            }
        }
    }
}

/// The indented lines after each `heading`.
fn told_after<'out>(out: &'out str, heading: &str) -> Vec<Vec<&'out str>> {
    out.match_indices(heading)
        .filter(|(at, _)| *at == 0 || out[..*at].ends_with('\n'))
        .map(|(at, _)| {
            let rest = &out[at + heading.len()..];
            rest.lines()
                .take_while(|line| line.starts_with("  "))
                .collect()
        })
        .collect()
}

#[test]
fn what_something_holds_is_no_leak_and_its_holder_is_named() {
    for jdk in Jdk::all() {
        for collector in COLLECTORS {
            let out = run(jdk, collector, &["held"]);
            for (name, holder) in HELD {
                let cases: Vec<usize> = out
                    .match_indices(&format!("{name}: 0 lost\n"))
                    .map(|m| m.0)
                    .collect();
                assert_eq!(
                    cases.len(),
                    2,
                    "{name}, JDK {}, {collector}: {out}",
                    jdk.feature
                );
                for case in cases {
                    let rest = &out[case..];
                    let end = rest.find("lost\n").map_or(rest.len(), |at| at + 5);
                    let told = rest[end..]
                        .lines()
                        .take_while(|line| line.starts_with("  "));
                    let told: Vec<&str> = told.collect();
                    assert!(
                        told.iter().any(|line| line.contains(holder)),
                        "{name}: {told:#?}"
                    );
                }
            }
            assert_eq!(out.matches("garbage: 1 lost\n").count(), 2, "{out}");
            // Memory that lies next to what is known is not known for that.
            assert_eq!(out.matches("neighbours: 1 lost\n").count(), 2, "{out}");
            let known =
                "1006 HELD by (anonymous namespace)::neighbour (libHolders.so .bss) → memory";
            assert!(out.contains(known) && !out.contains("1007 HELD"), "{out}");
        }
    }
}

#[test]
fn at_the_end_of_a_jvm_statics_hold_what_they_hold() {
    for jdk in Jdk::all() {
        let run = Victim::new(jdk, "Holders")
            .recording(Entry::Preload, &[])
            .options("track=new+malloc+jni+unsafe,held=note,exit=settle")
            .args(["end"])
            .run()
            .expect_code(0);
        let report = run.report();
        let process = report.process();
        assert_eq!(process.site_of(2_227).verdict, "lost");
        assert_eq!(process.blocks_of(1_117), 0, "{:#?}", process.leaks);
        assert!(process.held.sites.iter().any(|site| site.bytes == 1_117));
    }
}

/// A size of a block, the root of its holder with its name, and the fields from there.
type Way = (u64, &'static str, &'static str, &'static [&'static str]);

const WAYS: [Way; 4] = [
    (
        7_001,
        "staticField",
        "Holders.map",
        &["HashMap", "Holders$Owner.handle"],
    ),
    (7_002, "local", "Holders.work", &["Holders$Local.handle"]),
    (7_003, "javaThread", "worker", &["Holders$Value.handle"]),
    (7_004, "globalReference", "", &["Holders$Special.handle"]),
];

#[test]
fn the_way_from_a_root_of_the_jvm_is_told() {
    for jdk in Jdk::all() {
        let run = Victim::new(jdk, "Holders")
            .recording(Entry::Preload, &[])
            .options("track=new+malloc+jni+unsafe,held=note,exit=settle")
            .args(["ways"])
            .run()
            .expect_code(0);
        let report = run.report();
        let held = &report.process().held.sites;
        for (size, root, name, path) in WAYS {
            let site = held.iter().find(|site| site.bytes == size);
            let holder = site.and_then(|site| site.holder.as_ref());
            let holder = holder.unwrap_or_else(|| panic!("{size} is not held: {held:#?}"));
            let of_holder = holder.name.as_deref().unwrap_or_default();
            assert_eq!(
                (&*holder.root, of_holder),
                (root, name),
                "{size}, JDK {}",
                jdk.feature
            );
            assert_eq!(holder.path, path, "{size}, JDK {}", jdk.feature);
        }
    }
}

/// A program without Java is judged at its end, by what native memory holds.
#[test]
fn at_the_end_of_a_program_globals_hold_what_they_hold() {
    let run = Recording::of(cpp("held_to_the_end"))
        .options("follow=all,track=new+malloc,held=note")
        .run()
        .expect_code(0);
    let report = run.report();
    let process = report.process();
    assert_eq!(process.leaks.blocks, 2, "{:#?}", process.leaks);
    assert_eq!(process.blocks_of(1_999_992), 1);
    assert_eq!(
        process.blocks_of(1_999),
        1,
        "what only a lost block holds is lost"
    );
    assert_eq!(process.held.blocks, 3, "{:#?}", process.held);
}

/// The clean twin of all of it: `held=fail` counts as before.
#[test]
fn what_is_held_counts_when_it_is_to_fail() {
    let run = Recording::of(cpp("held_to_the_end"))
        .options("follow=all,track=new+malloc,held=fail")
        .run()
        .expect_code(0);
    let report = run.report();
    assert_eq!(report.process().leaks.blocks, 5);
    assert_eq!(report.process().held.blocks, 0);
}

/// Without `malloc` nobody knows what lies between a root and a block.
#[test]
fn where_it_cannot_be_known_all_of_it_counts() {
    let run = Recording::of(cpp("held_to_the_end"))
        .options("follow=all,track=new,held=note")
        .run()
        .expect_code(0);
    let report = run.report();
    let verdicts = report
        .process()
        .leaks
        .sites
        .iter()
        .map(|site| &*site.verdict);
    assert_eq!(verdicts.collect::<Vec<_>>(), ["unknown"; 4]);
}

/// Places that were never emptied get the address of a new block, which the allocator would have
/// given before: that is held. And what only such a place seems to name, because nobody has written
/// there, is lost.
#[test]
fn what_is_made_again_in_the_same_places_is_held_and_what_is_dropped_is_lost() {
    for jdk in Jdk::all() {
        let held = [
            "static", "array", "field", "global", "local", "member", "remade", "grown",
        ];
        let ways = held.iter().map(|way| (*way, 0));
        let dropped = ["dropped", "unwritten"].map(|way| (way, 60));
        for (way, lost) in ways.chain(dropped) {
            let run = Victim::new(jdk, "Reopened")
                .recording(Entry::Preload, &[])
                .options("track=new+malloc,held=note")
                .args([way])
                .run()
                .expect_code(0);
            let expected = format!("lost {lost}\n").repeat(5);
            let (feature, said) = (jdk.feature, &run.ended.stderr);
            assert_eq!(run.ended.stdout, expected, "JDK {feature}, {way}: {said}");
        }
    }
}

/// What a static field has is held, and nobody need collect garbage to know it; but a class may be
/// garbage.
#[test]
fn static_fields_hold_before_garbage_is_collected_where_the_class_lasts() {
    for jdk in Jdk::all() {
        let run = Victim::new(jdk, "FirmHolders")
            .recording(Entry::Preload, &[])
            .options("track=new+malloc,held=note")
            .run()
            .expect_code(0);
        let expected = "application: held\nkept loader: held, collected\n\
                        dropped loader: 1000037 bytes lost, collected\n";
        let (feature, said) = (jdk.feature, &run.ended.stderr);
        assert_eq!(run.ended.stdout, expected, "JDK {feature}: {said}");
    }
}

/// A thread that has only waited, and has the address of one of many blocks of a call site that are
/// lost: that is an old word. Where no other is lost, or where the thread runs, it holds.
#[test]
fn a_waiting_thread_hides_no_block_of_a_call_site_that_leaks() {
    for jdk in Jdk::all() {
        workers(jdk, &["20", "true"], 20);
        workers(jdk, &["20", "false"], 19);
        workers(jdk, &["1", "true"], 0);
    }
}

/// What Java code has called, and waits in, has old words on its stack that hide nothing.
#[test]
fn a_thread_that_reads_hides_no_block_in_the_buffer_on_its_stack() {
    // A JVM without tables does not tell where its frames begin.
    let told = std::env::var_os("HACKLEAK_TEST_NO_VMSTRUCTS").is_none();
    for jdk in Jdk::all() {
        workers(jdk, &["reads"], usize::from(told));
    }
}

/// Nor have the frames in which the JVM has begun a thread, above those of Java code.
#[test]
fn what_the_jvm_begins_a_thread_with_hides_nothing() {
    for jdk in Jdk::all() {
        workers(jdk, &["begins"], 1);
    }
}

fn workers(jdk: &Jdk, arguments: &[&str], lost: usize) {
    let run = Victim::new(jdk, "Workers")
        .recording(Entry::Preload, &[])
        .options("track=new+malloc+mmap,held=note")
        .args(arguments)
        .run()
        .expect_code(0);
    let expected = format!("lost {lost}\n").repeat(3);
    let (feature, said) = (jdk.feature, &run.ended.stderr);
    assert_eq!(
        run.ended.stdout, expected,
        "JDK {feature}, {arguments:?}: {said}"
    );
}

/// What two checks saw tells what became of the first one's leaks; whatever is still there is not
/// said.
#[test]
fn what_was_reported_and_freed_later_is_told() {
    for jdk in Jdk::all() {
        for (what, second) in [("freed", true), ("kept", false)] {
            let run = Victim::new(jdk, "FreedLater")
                .recording(Entry::Preload, &[])
                .options("track=new+malloc+jni+unsafe,held=note,exit=settle")
                .args([what])
                .run()
                .expect_code(0);
            let out = &run.ended.stdout;
            let leaks = "1,999,993 bytes leaked in 1 block";
            assert_eq!(out.matches(leaks).count(), 2, "{out}");
            let older = "1 older block of this site was freed meanwhile (net 0)";
            assert_eq!(out.matches(older).count(), 1, "{out}");
            let report = run.report();
            let notes = &report.process().notes;
            let told = |label: &str| {
                let said =
                    format!("reported by `{label}`, freed later: 1,999,993 bytes in 1 block of");
                notes.iter().any(|note| note.starts_with(&said))
            };
            assert!(told("first"), "{notes:#?}");
            assert_eq!(told("second"), second, "{notes:#?}");
            assert_eq!(report.process().leaks.blocks, u64::from(!second));
        }
    }
}
