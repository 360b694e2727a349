//! Reports that look like those of real runs, made without running anything.

use std::collections::BTreeMap;

use hackleak_report::model::{
    Assertion, Cause, Check, Checkpoint, Coverage, Frame, Held, InEpoch, InScope, InvalidFree,
    InvalidFreeKind, JavaFrame, Judgement, Kind, Leaks, Module, NativeFrame, Outcome, Owner,
    Process, Report, Site, State, Thread, TimelinePoint, Totals, Verdict, Visibility,
};

const SECOND: u64 = 1_000_000_000;

/// A Java frame.
pub fn java(class: &str, method: &str, line: u32) -> Frame {
    let file = class.rsplit('.').next().unwrap_or(class);
    let file = file.split('$').next().unwrap_or(file);
    Frame::Java(JavaFrame {
        class: class.to_owned(),
        method: method.to_owned(),
        file: Some(format!("{file}.java")),
        line: (line > 0).then_some(line),
        native: line == 0,
    })
}

/// A native frame of a library of the user's.
pub fn native(function: &str, file: &str, line: u32) -> Frame {
    Frame::Native(NativeFrame {
        function: Some(function.to_owned()),
        file: Some(format!("/src/rocksdb/{file}")),
        line: Some(line),
        inlined: false,
        module: "/tmp/librocksdbjni4711.so".to_owned(),
        offset: format!("{:#x}", 0x1000 + line),
    })
}

/// Frames that every test is run through, innermost first.
fn runner() -> Vec<Frame> {
    vec![
        java(
            "jdk.internal.reflect.DirectMethodHandleAccessor",
            "invoke",
            103,
        ),
        java("java.lang.reflect.Method", "invoke", 580),
        java(
            "org.junit.platform.commons.util.ReflectionUtils",
            "invokeMethod",
            728,
        ),
        java(
            "org.junit.jupiter.engine.execution.MethodInvocation",
            "proceed",
            60,
        ),
        java("java.util.ArrayList", "forEach", 1596),
        java("org.apache.maven.surefire.booter.ForkedBooter", "main", 495),
    ]
}

/// A site; the owner is the first frame of each side.
pub fn site(bytes: u64, count: u64, kind: Kind, frames: Vec<Frame>) -> Site {
    let own = |frame: &Frame| match frame {
        Frame::Java(java) => !java.native && java.class.starts_with("com."),
        _ => false,
    };
    let java_frame = frames.iter().position(own);
    let native_frame = frames
        .iter()
        .position(|frame| matches!(frame, Frame::Native(_)));
    Site {
        bytes,
        blocks: count,
        kind,
        threads: vec![Thread {
            tid: 4242,
            name: "main".to_owned(),
        }],
        scope: None,
        scopes: Vec::new(),
        stacks: 1,
        epochs: Vec::new(),
        verdict: Judgement::Unknown,
        holder: None,
        owner: Some(Owner {
            java: java_frame.map(|index| name(&frames[index])),
            java_frame: java_frame.map(|index| index as u32),
            native: native_frame.map(|index| name(&frames[index])),
            native_frame: native_frame.map(|index| index as u32),
        }),
        frames,
        growth: None,
        baseline: None,
        grown_to: None,
        known: None,
        also_at: Vec::new(),
        freed_older: 0,
        names: Vec::new(),
    }
}

fn name(frame: &Frame) -> String {
    match frame {
        Frame::Java(java) => format!("{}.{}", java.class, java.method),
        Frame::Native(native) => native.function.clone().unwrap_or_default(),
        Frame::Mark { text } => text.clone(),
    }
}

/// A process with these sites.
pub fn process(pid: u32, sites: Vec<Site>) -> Process {
    let bytes = sites.iter().map(|site| site.bytes).sum();
    let count = sites.iter().map(|site| site.blocks).sum();
    Process {
        pid,
        exe: "/usr/lib/jvm/java-17/bin/java".to_owned(),
        command: ["java", "-jar", "surefirebooter.jar"]
            .map(str::to_owned)
            .into(),
        folder: "/ci/shop/store".to_owned(),
        revision: Some("3f2c1d0e9b8a7f6e5d4c3b2a19081726354a5b6c".to_owned()),
        state: State::Finished,
        verdict: if sites.is_empty() {
            Verdict::Clean
        } else {
            Verdict::Leaks
        },
        verdict_without_leaks: Verdict::Clean,
        incomplete: Vec::new(),
        image: format!("/ci/java-{pid}.hackleak").into(),
        options: "track=new+malloc".to_owned(),
        track: vec!["new".to_owned(), "malloc".to_owned()],
        totals: Totals {
            allocations: 1_234_567,
            frees: 1_234_000,
            bytes: 9_876_543_210,
        },
        counters: BTreeMap::new(),
        threads: 14,
        modules: Vec::new(),
        start_unix_ns: 1_700_000_000 * SECOND,
        checkpoints: Vec::new(),
        assertions: Vec::new(),
        timeline: Vec::new(),
        notes: Vec::new(),
        invalid_frees: Vec::new(),
        known: Held::default(),
        leaks: Leaks {
            since: None,
            scope: None,
            kinds: Vec::new(),
            bytes,
            blocks: count,
            sites,
        },
        held: Held::default(),
        suppressions: Vec::new(),
        covered: Vec::new(),
        selects_nothing: None,
        memory: None,
    }
}

pub fn module(name: &str, verdict: Visibility, reason: &str) -> Module {
    Module {
        path: format!("/home/ci/.m2/native/{name}"),
        build_id: "abcdef0123".to_owned(),
        coverage: Some(Coverage {
            visibility: verdict,
            reasons: vec![reason.to_owned()],
            remedy: (verdict != Visibility::Seen)
                .then(|| "build it with a shared libstdc++".to_owned()),
            untracked: false,
        }),
    }
}

/// A run of tests with leaks in two of them, over 90 seconds.
fn history(process: &mut Process) {
    let tests = [
        "closesEverything",
        "forgetsTheIterator",
        "opensTwice",
        "writesBatch",
        "readsOptions",
        "forgetsTheSnapshot",
        "compacts",
        "mergesColumns",
    ];
    let mut live = 2_000_000;
    for second in 0..90_u64 {
        let wave = [0, 3, 9, 14, 11, 6, 2][second as usize % 7] * 1_310_720;
        if second == 23 || second == 61 {
            live += 12_582_912;
        }
        process.timeline.push(TimelinePoint {
            at_ns: second * SECOND,
            bytes: live + wave,
            blocks: 4_000 + wave / 4096,
            epoch: 1 + second as u32 / 11,
            cause: Cause::Traffic,
        });
    }
    for (number, test) in (0_u64..).zip(tests) {
        let leaks = test.starts_with("forgets");
        let label = format!("StoreTest > {test}()");
        process.checkpoints.push(Checkpoint {
            epoch: number as u32 + 2,
            label: label.clone(),
            at_ns: (number * 11 + 1) * SECOND,
        });
        process.assertions.push(Assertion {
            outcome: if leaks {
                Outcome::Failed
            } else {
                Outcome::Passed
            },
            check: Check::Assertion,
            label,
            since: number as u32 + 2,
            scope: None,
            at_ns: (number * 11 + 10) * SECOND,
            bytes: if leaks { 12_582_912 } else { 0 },
            blocks: if leaks { 96 } else { 0 },
            sites: if leaks { 3 } else { 0 },
            detail: None,
            freed_later: None,
        });
    }
}

/// Two processes: one with leaks, tests, an invalid free and a library that is not seen; one clean.
pub fn run() -> Report {
    let new_iterator = [
        native(
            "rocksdb::DBImpl::NewIterator(rocksdb::ReadOptions const&, rocksdb::ColumnFamilyHandle*)",
            "db/db_impl.cc",
            3312,
        ),
        native(
            "Java_org_rocksdb_RocksDB_iterator",
            "java/rocksjni/rocksjni.cc",
            2210,
        ),
        java("org.rocksdb.RocksDB", "iterator", 0),
        java("org.rocksdb.RocksDB", "newIterator", 2861),
        java("com.example.store.Store", "scan", 118),
    ];
    let stack = |inner: Vec<Frame>, callers: &[Frame], test: (&str, u32)| {
        let mut frames = inner;
        frames.extend_from_slice(callers);
        frames.push(java("com.example.store.StoreTest", test.0, test.1));
        frames.extend(runner());
        frames
    };
    let iterator = ("forgetsTheIterator", 57);
    let snapshot = [
        native(
            "Java_org_rocksdb_RocksDB_getSnapshot",
            "java/rocksjni/rocksjni.cc",
            3001,
        ),
        java("org.rocksdb.RocksDB", "getSnapshot", 0),
        java("org.rocksdb.RocksDB", "getSnapshot", 3105),
        java("com.example.store.Store$$Lambda", "run", 0),
        java("com.example.store.Store", "freeze", 131),
    ];
    let sites = vec![
        site(
            12_582_912,
            96,
            Kind::New,
            stack(
                vec![
                    native(
                        "rocksdb::Arena::AllocateNewBlock(unsigned long)",
                        "memory/arena.cc",
                        142,
                    ),
                    native(
                        "rocksdb::ArenaWrappedDBIter::Init(rocksdb::Env*)",
                        "db/arena_wrapped_db_iter.cc",
                        44,
                    ),
                ],
                &new_iterator,
                iterator,
            ),
        ),
        site(
            1_999_993,
            1,
            Kind::NewArray,
            stack(
                vec![
                    native(
                        "std::vector<rocksdb::SuperVersion*, std::allocator<rocksdb::SuperVersion*> >::reserve(unsigned long)",
                        "util/autovector.h",
                        90,
                    ),
                    native(
                        "rocksdb::ColumnFamilyData::GetReferencedSuperVersion(rocksdb::DBImpl*)",
                        "db/column_family.cc",
                        1204,
                    ),
                ],
                &new_iterator,
                iterator,
            ),
        ),
        site(
            393_216,
            24,
            Kind::New,
            stack(
                vec![native(
                    "rocksdb::SnapshotList::New(rocksdb::SnapshotImpl*)",
                    "db/snapshot_impl.h",
                    101,
                )],
                &snapshot,
                ("forgetsTheSnapshot", 83),
            ),
        ),
        site(
            4_096,
            1,
            Kind::Malloc,
            vec![
                native(
                    "rocksdb::port::BackgroundThread(void*)",
                    "util/threadpool_imp.cc",
                    260,
                ),
                Frame::Mark {
                    text: "no unwind tables: the frames below are missing".to_owned(),
                },
            ],
        ),
    ];
    let mut leaky = process(4242, sites);
    history(&mut leaky);
    // In the epochs of the two tests, and before all of them.
    for (site, epoch) in leaky.leaks.sites.iter_mut().zip([3, 3, 7, 1]) {
        let (count, bytes) = (site.blocks, site.bytes);
        site.epochs = vec![InEpoch {
            epoch,
            blocks: count,
            bytes,
        }];
    }
    leaky.invalid_frees.push(InvalidFree {
        problem: InvalidFreeKind::Mismatch,
        count: 3,
        kind: Kind::NewArray,
        bytes: 777,
        released_by: "delete".to_owned(),
        detail: 0,
        freed: vec![native("rocksdb::Slice::~Slice()", "util/slice.cc", 12)],
        allocated: vec![native(
            "rocksdb::Slice::Copy(char const*)",
            "util/slice.cc",
            31,
        )],
    });
    leaky
        .notes
        .push("1 block (64 bytes) ignored on purpose".to_owned());
    leaky.modules.push(module(
        "librocksdbjni4711.so",
        Visibility::Seen,
        "it imports operator new",
    ));
    leaky.modules.push(module(
        "libduckdb_java.so",
        Visibility::Blind,
        "it defines operator new itself and calls it directly",
    ));
    leaky.modules.push(module(
        "libzstd-jni.so",
        Visibility::Partly,
        "it calls malloc through an address that it looked up",
    ));
    let mut clean = process(4311, Vec::new());
    history(&mut clean);
    clean
        .assertions
        .retain(|assertion| assertion.outcome == Outcome::Passed);
    clean.state = State::Killed;
    Report::new(vec![leaky, clean])
}

/// An executor of Spark whose tasks have left something in several stages.
pub fn spark() -> Report {
    const MIB: u64 = 1 << 20;
    let of = |bytes, count, function: &str| {
        let frames = vec![
            native(function, "decode.cc", 7),
            java("com.example.Reader", "decode", 0),
        ];
        site(bytes, count, Kind::New, frames)
    };
    let mut several = of(7 * MIB, 6, "decode_page");
    // A part of it belongs to no scope.
    several.scopes = [
        ("stage 2.1 task 0 TID 4", 1, 1),
        ("stage 2.1 task 1 TID 5", 3, 2),
        ("stage 10.0 task 0 TID 9", 2, 2),
    ]
    .map(|(scope, mib, count)| InScope {
        scope: scope.to_owned(),
        bytes: mib * MIB,
        blocks: count,
    })
    .into();
    let mut sites = vec![several];
    for (bytes, function, scope) in [
        (MIB, "open", "stage 2.0 task 0 TID 1"),
        (MIB / 2, "join", "stage 2.1 task 3 TID 7"),
        (MIB / 4, "own", "stage 3.0 of mine"),
    ] {
        let mut one = of(bytes, 1, function);
        one.scope = Some(scope.to_owned());
        sites.push(one);
    }
    Report::new(vec![process(7, sites)])
}

/// Names that would do harm if they got into the page as anything but text.
pub fn hostile() -> Report {
    let evil = "</script><script>window.pwned=1</script><img src=x onerror=\"window.pwned=1\"><!--";
    let mut process = process(
        1,
        vec![site(
            8,
            1,
            Kind::New,
            vec![
                native(evil, evil, 1),
                java(&format!("com.{evil}"), "{{script}}", 3),
                Frame::Mark {
                    text: evil.to_owned(),
                },
            ],
        )],
    );
    history(&mut process);
    process.command = vec![evil.to_owned(), "\u{202e}\u{1b}[31m".to_owned()];
    process.leaks.sites[0].scope = Some(evil.to_owned());
    process.leaks.sites[0].threads[0].name = evil.to_owned();
    process.checkpoints[0].label = evil.to_owned();
    process.assertions[0].label = evil.to_owned();
    process.assertions[1].detail = Some(evil.to_owned());
    process.notes.push(evil.to_owned());
    process.modules.push(module(evil, Visibility::Blind, evil));
    process.invalid_frees.push(InvalidFree {
        problem: InvalidFreeKind::Size,
        count: 1,
        kind: Kind::New,
        bytes: 1,
        released_by: evil.to_owned(),
        detail: 1,
        freed: vec![native(evil, evil, 1)],
        allocated: Vec::new(),
    });
    Report::new(vec![process])
}

/// So many sites, all different, with stacks of some forty frames.
pub fn large(count: u64) -> Report {
    let mut sites = Vec::new();
    for number in 0..count {
        let mut frames = Vec::new();
        for depth in 0..10 {
            let function = (number >> depth) * 7 + depth;
            frames.push(native(
                &format!(
                    "shop::part{}::step{function}(shop::Basket&, int)",
                    depth % 5
                ),
                &format!("part{}.cc", function % 300),
                (function % 4000) as u32 + 1,
            ));
        }
        frames.push(java(
            &format!("com.example.Native{}", number % 50),
            "call",
            0,
        ));
        for depth in 0..20 {
            let method = (number >> (depth / 2)) % (4096 >> depth.min(10));
            frames.push(java(
                &format!("com.example.package{depth}.Class{}", method % 97),
                &format!("method{method}"),
                method as u32 % 900 + 1,
            ));
        }
        frames.extend(runner());
        let bytes = 16 + (number.wrapping_mul(2_654_435_761) >> 7) % 100_000;
        sites.push(site(bytes, 1 + number % 13, Kind::New, frames));
    }
    sites.sort_by_key(|site| std::cmp::Reverse(site.bytes));
    let mut process = process(4242, sites);
    history(&mut process);
    Report::new(vec![process])
}
