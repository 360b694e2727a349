//! Which blocks are leaks, and which of them are one site.

mod support;

use hackleak_image::Frame;
use hackleak_image::layout::{CONTEXT_IGNORED, Kind};
use hackleak_image::reader::testing::ImageBuilder;
use hackleak_report::model::Site;
use hackleak_report::{Allowance, Group, Selection, render};
use support::{BLOCK, SIZE, report, report_since};

#[test]
fn blocks_of_one_stack_and_kind_are_one_site() {
    let mut image = ImageBuilder::new();
    let (one, two) = (image.thread(8, "a", 0, 0), image.thread(9, "b", 0, 0));
    let contexts = [image.context(1, 0, one, 0), image.context(1, 0, two, 0)];
    let frames = [Frame::Address(1), Frame::Address(2)];
    // The same frames under two nodes, as after a race between two threads that interned them.
    let stacks = [image.stack(&frames), image.stack(&frames)];
    for block in 0..4 {
        let at = block as usize;
        image.live(
            BLOCK + 16 * block,
            SIZE,
            Kind::New,
            stacks[at % 2],
            contexts[at / 2],
        );
    }
    image.live(BLOCK + 0x1000, SIZE, Kind::NewArray, stacks[0], contexts[0]);
    let report = report(&image);
    let sites = &report.processes[0].leaks.sites;
    let sums: Vec<(u64, u64)> = sites.iter().map(|site| (site.bytes, site.blocks)).collect();
    assert_eq!(sums, [(4 * SIZE, 4), (SIZE, 1)]);
    let tids: Vec<u32> = sites[0].threads.iter().map(|thread| thread.tid).collect();
    assert_eq!(tids, [8, 9]);
}

#[test]
fn epoch_scope_and_ignored_select() {
    let mut image = ImageBuilder::new();
    let scope = image.scope("mine");
    let stack = image.stack(&[Frame::Address(1)]);
    image.checkpoint(5, "");
    let contexts = [
        image.context(4, scope, 0, 0),
        image.context(5, scope, 0, 0),
        image.context(6, 0, 0, 0),
        image.context(6, scope, 0, CONTEXT_IGNORED),
        0,
    ];
    for (number, context) in (0..).zip(contexts) {
        image.live(
            BLOCK + number * 16,
            1 << (8 * number),
            Kind::New,
            stack,
            context,
        );
    }
    let leaked = |since, scope| {
        report_since(
            &image,
            Selection {
                since,
                scope,
                ..Selection::default()
            },
        )
        .leaked()
        .0
    };
    assert_eq!(leaked(None, None), 1 << 32 | 1 << 16 | 1 << 8 | 1);
    assert_eq!(leaked(Some(5), None), 1 << 32 | 1 << 16 | 1 << 8);
    assert_eq!(leaked(Some(6), None), 1 << 32 | 1 << 16);
    assert_eq!(leaked(None, Some(scope)), 1 << 32 | 1 << 8 | 1);
    let report = report_since(
        &image,
        Selection {
            since: Some(6),
            scope: Some(scope),
            ..Selection::default()
        },
    );
    assert_eq!(report.leaked(), (1 << 32, 1));
    let notes = &report.processes[0].notes;
    assert!(
        notes
            .iter()
            .any(|note| note == "1 block (16,777,216 bytes) ignored on purpose")
    );
    assert!(
        notes
            .iter()
            .any(|note| note.contains("of unknown checkpoint and scope are included"))
    );
}

#[test]
fn what_each_of_several_scopes_has_is_told() {
    let mut image = ImageBuilder::new();
    // Two scopes share a name, as the attempts of something may.
    let scopes = [image.scope("one"), image.scope("two"), image.scope("one")];
    let stack = image.stack(&[Frame::Address(1)]);
    let single = image.stack(&[Frame::Address(2)]);
    for (number, scope) in (0..).zip(scopes.into_iter().chain([0])) {
        let context = image.context(1, scope, 0, 0);
        image.live(BLOCK + 16 * number, SIZE, Kind::New, stack, context);
    }
    let context = image.context(1, scopes[1], 0, 0);
    image.live(BLOCK + 0x1000, SIZE, Kind::New, single, context);
    let report = report(&image);
    let sites = &report.processes[0].leaks.sites;
    let parts: Vec<(&str, u64, u64)> = sites[0]
        .scopes
        .iter()
        .map(|part| (&*part.scope, part.bytes, part.blocks))
        .collect();
    assert_eq!(parts, [("one", 2 * SIZE, 2), ("two", SIZE, 1)]);
    assert_eq!(sites[0].scope, None);
    assert_eq!(sites[1].scope.as_deref(), Some("two"));
    assert!(sites[1].scopes.is_empty());
    let lines = render::lines(&report, None);
    let rows: Vec<&str> = lines
        .lines()
        .filter(|line| line.starts_with("scope\t"))
        .collect();
    let row = |times: u64, name: &str| format!("scope\t{}\t{times}\t{name}", times * SIZE);
    assert_eq!(rows, [row(2, "one"), row(1, "two"), row(1, "two")]);
}

#[test]
fn a_scope_is_named_when_all_blocks_share_it() {
    let mut image = ImageBuilder::new();
    let scope = image.scope("mine");
    let contexts = [image.context(1, scope, 0, 0), image.context(1, 0, 0, 0)];
    for number in 0..3 {
        let stack = image.stack(&[Frame::Address(1 + number / 2)]);
        let context = contexts[usize::from(number == 1)];
        image.live(BLOCK + number * 16, 10, Kind::New, stack, context);
    }
    let report = report(&image);
    let scopes: Vec<Option<&str>> = report.processes[0]
        .leaks
        .sites
        .iter()
        .map(|site| site.scope.as_deref())
        .collect();
    assert_eq!(scopes, [None, Some("mine")]);
}

#[test]
fn suppressions_of_the_options_apply() {
    let file = tempfile::NamedTempFile::new().expect("temporary file");
    std::fs::write(file.path(), "leak:a.B.c*\n").expect("write");
    let mut image = ImageBuilder::new();
    let options = format!("track=new,suppressions={}", file.path().display());
    image.header.options = image.text(&options);
    for (number, name) in (0..).zip(["close", "open"]) {
        let method = image.method("a.B", name, "B.java", &[]);
        let stack = image.stack(&[Frame::Java { method, bci: 0 }]);
        image.live(BLOCK + number * 16, 10 + number, Kind::New, stack, 0);
    }
    let report = report(&image);
    assert_eq!(report.leaked(), (11, 1));
    let notes = &report.processes[0].notes;
    assert!(
        notes
            .iter()
            .any(|note| note.starts_with("10 bytes in 1 block suppressed by"))
    );
}

#[test]
fn what_the_jvm_holds_for_life_is_not_counted() {
    let mut image = ImageBuilder::new();
    let jimage = image.module("/usr/lib/jvm/lib/libjimage.so", &[], 0);
    let stack = image.stack(&[Frame::Native {
        module: jimage,
        vaddr: 0x354e,
    }]);
    image.live(BLOCK, 120, Kind::New, stack, 0);
    let report = report(&image);
    assert_eq!(report.leaked(), (0, 0));
    let said = "120 bytes in 1 block held by the runtime for its whole life are not counted";
    assert!(report.processes[0].notes.iter().any(|note| note == said));
}

#[test]
fn an_epoch_that_has_not_begun_is_said() {
    let report = report_since(
        &ImageBuilder::new(),
        Selection {
            since: Some(2),
            scope: None,
            ..Selection::default()
        },
    );
    let said = "epoch 2 has not begun: the newest checkpoint's is 1";
    assert!(report.processes[0].notes.iter().any(|note| note == said));
}

/// What a stack is, innermost first, in a library of the user's.
fn rooted(image: &mut ImageBuilder, roots: &[&str]) -> u32 {
    let library = image.module("/app/libshop.so", &[], 0);
    let grow = image.method("shop.Shop", "grow", "Shop.java", &[(0, 12)]);
    let stream = image.method("java.util.ArrayList", "forEach", "ArrayList.java", &[]);
    let mut frames = vec![
        Frame::Native {
            module: library,
            vaddr: 0x101,
        },
        Frame::Java {
            method: stream,
            bci: 0,
        },
        Frame::Java {
            method: grow,
            bci: 1,
        },
    ];
    for root in roots {
        let (class, name) = root.rsplit_once('.').expect("class and method");
        let method = image.method(class, name, "Any.java", &[]);
        frames.push(Frame::Java { method, bci: 0 });
    }
    image.stack(&frames)
}

#[test]
fn stacks_that_differ_in_their_roots_are_one_site_with_its_owner() {
    let mut image = ImageBuilder::new();
    let pool = [
        "java.util.concurrent.ThreadPoolExecutor.runWorker",
        "java.util.concurrent.ThreadPoolExecutor$Worker.run",
        "java.lang.Thread.run",
    ];
    let runner = [
        "java.lang.reflect.Method.invoke",
        "org.junit.platform.engine.Node.execute",
    ];
    let other = ["shop.OtherTest.sells", "java.lang.Thread.run"];
    for (number, roots) in (0..).zip([&pool[..], &runner, &pool[2..], &other]) {
        let stack = rooted(&mut image, roots);
        image.live(BLOCK + 16 * number, 100 << number, Kind::New, stack, 0);
    }
    let report = report(&image);
    let sites = &report.processes[0].leaks.sites;
    let sums = sums(sites);
    // The last is another leak: another test got there.
    assert_eq!(sums, [(800, 1, 1), (700, 3, 3)]);
    // The stack of most bytes is the one that is shown.
    assert_eq!(sites[1].frames.len(), 4);
    // Their roots are no lines of the functions that leak.
    assert_eq!(sites[1].also_at, Vec::<String>::new());
    let owner = sites[1].owner.as_ref().expect("an owner");
    assert_eq!(owner.java.as_deref(), Some("shop.Shop.grow(Shop.java:12)"));
    assert_eq!(owner.java_frame, Some(2));
    assert_eq!(owner.native.as_deref(), Some("libshop.so+0x100"));
    assert_eq!(owner.native_frame, Some(0));
    let text = hackleak_report::render::text(&report, None);
    assert!(
        text.contains("likely owner: shop.Shop.grow(Shop.java:12), native libshop.so+0x100\n"),
        "{text}"
    );
    assert!(
        text.contains("3 stacks that differ in their roots"),
        "{text}"
    );
}

#[test]
fn lambdas_of_different_runs_are_one_site() {
    let mut image = ImageBuilder::new();
    for (number, class) in (0..).zip([
        "shop.Shop$$Lambda$14/0x00000008000c2a18",
        "shop.Shop$$Lambda$77/0x00000008000ffff0",
    ]) {
        let lambda = image.method(class, "run", "", &[]);
        let stack = image.stack(&[Frame::Java {
            method: lambda,
            bci: 0,
        }]);
        image.live(BLOCK + 16 * number, 8, Kind::New, stack, 0);
    }
    let report = report(&image);
    let sites = &report.processes[0].leaks.sites;
    assert_eq!(sites.len(), 1);
    assert_eq!((sites[0].bytes, sites[0].stacks), (16, 1));
    let text = hackleak_report::render::text(&report, None);
    assert!(
        text.contains("at shop.Shop$$Lambda.run(Unknown Source)"),
        "{text}"
    );
}

#[test]
fn the_owner_is_in_the_packages_of_the_test_if_there_is_one() {
    let mut image = ImageBuilder::new();
    let library = image.module("/app/librocksdbjni.so", &[], 0);
    let inner = [
        ("org.rocksdb.RocksDB", "open"),
        ("com.example.store.Store", "open"),
        ("io.other.Library", "call"),
    ];
    let tested = [
        ("com.example.app.StoreTest", "opens"),
        ("org.junit.platform.engine.Node", "execute"),
    ];
    let pooled = [("io.other.Loop", "run"), ("java.lang.Thread", "run")];
    for (number, roots) in (0..).zip([tested, pooled]) {
        let mut frames = vec![Frame::Native {
            module: library,
            vaddr: 1,
        }];
        for (class, name) in inner.into_iter().chain(roots) {
            let method = image.method(class, name, "Any.java", &[(0, 5)]);
            frames.push(Frame::Java { method, bci: 0 });
        }
        let stack = image.stack(&frames);
        image.live(BLOCK + 16 * number, 20 - number, Kind::New, stack, 0);
    }
    let report = report(&image);
    let owners: Vec<Option<&str>> = report.processes[0]
        .leaks
        .sites
        .iter()
        .map(|site| site.owner.as_ref()?.java.as_deref())
        .collect();
    assert_eq!(
        owners,
        [
            Some("com.example.store.Store.open(Any.java:5)"),
            // Nobody says whose code it is: the first that is not the runtime's.
            Some("org.rocksdb.RocksDB.open(Any.java:5)"),
        ]
    );
}

#[test]
fn only_sites_that_leak_in_every_round_grow() {
    let mut image = ImageBuilder::new();
    let stacks = [1, 2].map(|at| image.stack(&[Frame::Address(at)]));
    // The rounds are the epochs 3, 4 to 5, and 6; the second site misses the round in the middle.
    for (number, (epoch, stack)) in (0..).zip([(3, 0), (3, 1), (5, 0), (6, 0), (6, 1), (7, 1)]) {
        let context = image.context(epoch, 0, 0, 0);
        image.live(BLOCK + number * 16, 10, Kind::New, stacks[stack], context);
    }
    let found = |rounds: &[u32]| {
        let selection = Selection {
            since: Some(3),
            rounds: rounds.to_vec(),
            ..Selection::default()
        };
        report_since(&image, selection).leaked()
    };
    assert_eq!(found(&[]), (60, 6));
    assert_eq!(found(&[3, 4, 6, 7]), (30, 3));
    assert_eq!(found(&[3, 6, 7]), (60, 6));
    assert_eq!(found(&[3, 4, 5, 7]), (0, 0));
}

#[test]
fn small_sites_other_kinds_and_what_the_check_suppresses_are_no_leaks() {
    let mut image = ImageBuilder::new();
    let context = image.context(1, 0, 0, 0);
    for (number, kind) in (0..).zip([Kind::New, Kind::NewArray, Kind::Malloc, Kind::Malloc]) {
        let stack = image.stack(&[Frame::Address(1)]);
        image.live(BLOCK + number * 16, 100, kind, stack, context);
    }
    let found = |selection| report_since(&image, selection).leaked();
    let allowing = |bytes, count| Selection {
        allowance: Allowance {
            bytes,
            blocks: count,
        },
        ..Selection::default()
    };
    assert_eq!(found(allowing(None, None)), (400, 4));
    assert_eq!(found(allowing(Some(199), None)), (200, 2));
    assert_eq!(found(allowing(Some(200), None)), (0, 0));
    assert_eq!(found(allowing(None, Some(1))), (200, 2));
    assert_eq!(found(allowing(Some(1000), Some(1))), (200, 2));
    let kinds = |kinds: &[Group]| Selection {
        kinds: kinds.to_vec(),
        ..Selection::default()
    };
    assert_eq!(found(kinds(&[Group::New])), (200, 2));
    let others = kinds(&[Group::Jni, Group::Unsafe]);
    assert_eq!(found(others.clone()), (0, 0));
    // It speaks of what it looked at, and not of `new`, which is tracked.
    let text = hackleak_report::render::text(&report_since(&image, others), None);
    assert!(text.starts_with("no leaks among nothing ("), "{text}");
    assert_eq!(found(kinds(&[Group::Malloc, Group::New])), (400, 4));
}

/// Bytes, blocks and stacks of each.
fn sums(sites: &[Site]) -> Vec<(u64, u64, u64)> {
    let sum = |site: &Site| (site.bytes, site.blocks, site.stacks);
    sites.iter().map(sum).collect()
}

#[test]
fn lines_of_one_function_are_call_sites_of_their_own() {
    let mut image = ImageBuilder::new();
    let thread = image.thread(4242, "java", 9, 9);
    let context = image.context(1, 0, thread, 0);
    let lines = [(0, 7), (4, 9)];
    let fill = image.method("demo.Store", "fill", "Store.java", &lines);
    let drain = image.method("demo.Store", "drain", "Store.java", &lines);
    let mut at = BLOCK;
    for (method, bci, bytes) in [(fill, 0, 100), (fill, 4, 30), (drain, 0, 5)] {
        let stack = image.stack(&[Frame::Java { method, bci }]);
        image.live(at, bytes, Kind::New, stack, context);
        at += 16;
    }
    let report = report(&image);
    let sites = &report.processes[0].leaks.sites;
    let sums = sums(sites);
    assert_eq!(sums, [(100, 1, 1), (30, 1, 1), (5, 1, 1)]);
    let text = render::text(&report, None);
    assert!(
        text.contains("fill(Store.java:7)") && text.contains("fill(Store.java:9)"),
        "{text}"
    );
}
