//! Known leaks of libraries: what the list that is shipped knows, whose file goes first, and which
//! versions they are of. Also the line that is offered for one of the user's own.

mod support;

use std::fs;
use std::path::Path;

use hackleak_image::Frame;
use hackleak_image::frame::BCI_NATIVE;
use hackleak_image::layout::Kind;
use hackleak_image::reader::testing::ImageBuilder;
use hackleak_options::Known;
use hackleak_report::known::{KnownLeaks, offer};
use hackleak_report::origin::Sources;
use hackleak_report::{Besides, Process, Report, Selection, Verdict, render};
use support::{BLOCK, SIZE};

/// A test that opens a database: RocksDB's own leak, and with `mine` one of the test's beside it.
fn database(options: &str, command: &[&str], mine: bool) -> ImageBuilder {
    let mut image = ImageBuilder::new();
    image.header.options = image.text(options);
    let command: String = command.iter().map(|word| format!("{word}\0")).collect();
    image.header.command = image.text(&command);
    let library = image.module("/tmp/librocksdbjni16230810609573563609.so", &[7], 0);
    let method = |image: &mut ImageBuilder, class: &str, name: &str| {
        image.method(class, name, "Any.java", &[(0, 7)])
    };
    let new = method(&mut image, "org.rocksdb.ReadOptions", "newReadOptions");
    let options = method(&mut image, "org.rocksdb.ReadOptions", "<init>");
    let database = method(&mut image, "org.rocksdb.RocksDB", "<init>");
    let open = method(&mut image, "org.rocksdb.RocksDB", "open");
    let test = method(&mut image, "com.acme.StoreTest", "stores");
    let junit = method(&mut image, "org.junit.platform.Launcher", "run");
    let native = Frame::Native {
        module: library,
        vaddr: 0x10,
    };
    let java = |method| Frame::Java { method, bci: 0 };
    let new = Frame::Java {
        method: new,
        bci: BCI_NATIVE,
    };
    let thread = image.thread(4242, "java", 3, SIZE);
    let context = image.context(1, 0, thread, 0);
    let theirs = image.stack(&[
        native,
        new,
        java(options),
        java(database),
        java(open),
        java(test),
        java(junit),
    ]);
    image.live(BLOCK, 192, Kind::New, theirs, context);
    image.live(BLOCK + 0x1000, 192, Kind::New, theirs, context);
    if mine {
        let mine = image.stack(&[native, new, java(options), java(test), java(junit)]);
        image.live(BLOCK + 0x2000, SIZE, Kind::New, mine, context);
    }
    image
}

fn judged(image: &ImageBuilder, selection: &Selection, besides: &Besides) -> Report {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("4242.hackleak");
    image.write(&path).expect("write");
    let process = Process::of_image_with(&path, selection, besides).expect("a whole image");
    Report::new(vec![process])
}

fn report(image: &ImageBuilder) -> Report {
    judged(image, &Selection::default(), &Besides::default())
}

const SENTENCE: &str = "known leak of rocksdbjni, facebook/rocksdb#15036";

#[test]
fn a_known_leak_is_reported_and_fails_nothing() {
    let report = report(&database("", &["java"], false));
    let process = &report.processes[0];
    assert_eq!(report.verdict(), Verdict::Clean);
    assert_eq!((process.leaks.blocks, process.known.blocks), (0, 2));
    assert_eq!(process.known.bytes, 384);
    let known = process.known.sites[0].known.as_ref().expect("known");
    assert_eq!(known.sentence(), SENTENCE);
    assert_eq!((&*known.source, &known.version), ("built-in", &None));
    let text = render::text(&report, None);
    let note = format!(
        "note: 384 bytes in 2 blocks: {SENTENCE} (of versions 8.10.0..; which one this is could not be told)\n"
    );
    assert!(text.contains(&note), "{text}");
    let lines = render::lines(&report, None);
    let row = format!("\nknown\t384\t2\tnew\njudged\tunknown\t\nlibrary\t{SENTENCE}\n");
    assert!(lines.contains(&row), "{lines}");
    assert!(
        render::html(&report)
            .expect("html")
            .contains("facebook/rocksdb#15036")
    );
    let sarif = render::sarif(&report, &Sources::default()).expect("sarif");
    let sarif: serde_json::Value = serde_json::from_str(&sarif).expect("JSON");
    let result = &sarif["runs"][0]["results"][0];
    assert_eq!(result["level"], "note");
    assert_eq!(result["suppressions"][0]["kind"], "external");
    assert_eq!(result["suppressions"][0]["justification"], SENTENCE);
}

#[test]
fn the_users_own_leak_beside_it_is_found() {
    let report = report(&database("", &["java"], true));
    let process = &report.processes[0];
    assert_eq!(report.verdict(), Verdict::Leaks);
    assert_eq!((process.leaks.blocks, process.leaks.bytes), (1, SIZE));
    assert_eq!(process.known.blocks, 2);
}

#[test]
fn the_option_and_the_check_decide_whether_it_fails() {
    let failing = report(&database("known=fail", &["java"], false));
    assert_eq!(failing.leaked(), (384, 2));
    assert!(failing.processes[0].known.is_empty());
    let text = render::text(&failing, None);
    assert!(text.contains(&format!(", {SENTENCE}\n")), "{text}");
    assert!(!text.contains("known-leaks="), "known already: {text}");
    let lines = render::lines(&failing, None);
    assert!(
        lines.contains(&format!("\nlibrary\t{SENTENCE}\n")),
        "{lines}"
    );
    for (options, asked, leaked) in [
        ("known=fail", Known::Note, 0),
        ("", Known::Fail, 2),
        ("known=note", Known::Fail, 2),
    ] {
        let selection = Selection {
            known: Some(asked),
            ..Selection::default()
        };
        let image = database(options, &["java"], false);
        let report = judged(&image, &selection, &Besides::default());
        assert_eq!(report.leaked().1, leaked, "{options}, {asked:?}");
    }
}

/// The issue has the first version that leaks.
#[test]
fn other_versions_do_not_leak_so() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let jar = |name: &str| {
        let path = folder.path().join(name);
        fs::write(&path, "no zip file").expect("write");
        path.display().to_string()
    };
    for (name, known, version) in [
        ("rocksdbjni-8.9.1.jar", 0, None),
        ("rocksdbjni-8.10.0.jar", 2, Some("8.10.0")),
        ("rocksdbjni-11.8.1.jar", 2, Some("11.8.1")),
        ("rocksdbjni.jar", 2, None),
    ] {
        let image = database("", &["java", "-cp", &jar(name), "Main"], false);
        let report = report(&image);
        let process = &report.processes[0];
        assert_eq!(
            (process.known.blocks, process.leaks.blocks),
            (known, 2 - known),
            "{name}"
        );
        let found = process
            .known
            .sites
            .first()
            .and_then(|site| site.known.clone());
        assert_eq!(
            found.and_then(|known| known.version).as_deref(),
            version,
            "{name}"
        );
        let doubt = process
            .notes
            .iter()
            .any(|note| note.contains("could not be told"));
        assert_eq!(
            doubt,
            known > 0 && version.is_none(),
            "{name}: {:?}",
            process.notes
        );
    }
}

/// Of a state store in RocksDB, that is what Spark's constructor makes. Several entries have one
/// report: they are one note.
#[test]
fn what_spark_never_closes_is_known_and_what_a_job_never_closes_is_not() {
    let mut image = ImageBuilder::new();
    let module = image.module("/tmp/librocksdbjni1.so", &[], 0);
    let native = Frame::Native { module, vaddr: 1 };
    let state = "org.apache.spark.sql.execution.streaming.state";
    let (spark, job) = (format!("{state}.RocksDB"), "com.acme.Job".to_owned());
    for (at, (class, name, by, bytes)) in [
        ("Statistics", "<init>", &spark, 501_824),
        ("Options", "statistics", &spark, 16),
        ("BloomFilter", "<init>", &spark, 64),
        ("Statistics", "<init>", &job, 501_824),
        ("Checkpoint", "<init>", &job, 48),
    ]
    .into_iter()
    .enumerate()
    {
        let callee = image.method(&format!("org.rocksdb.{class}"), name, "Any.java", &[(0, 7)]);
        let caller = image.method(by, "<init>", "Any.scala", &[(0, 7)]);
        let java = |method| Frame::Java { method, bci: 0 };
        let stack = image.stack(&[native, java(callee), java(caller)]);
        image.live(BLOCK + 0x1000 * at as u64, bytes, Kind::New, stack, 0);
    }
    let report = report(&image);
    let process = &report.processes[0];
    assert_eq!(process.leaks.bytes, 501_824 + 48, "the job's own");
    let known = |note: &&String| note.contains("known leak of");
    let notes: Vec<&String> = process.notes.iter().filter(known).collect();
    assert_eq!(
        notes,
        [
            "501,840 bytes in 2 blocks: known leak of spark-sql, apache/spark#55391",
            "64 bytes in 1 block: known leak of spark-sql, not reported yet",
        ]
    );
}

/// From the failing message into a file: what goes that way through the library fails no more.
#[test]
fn the_line_that_is_offered_makes_a_known_leak_of_it() {
    let image = database("", &["java"], true);
    let text = render::text(&report(&image), None);
    let line = "library=rocksdbjni; kind=new; site=^org.rocksdb.ReadOptions.newReadOptions$ < ^org.rocksdb.ReadOptions.<init>$";
    let offered = format!(
        "\nif a leak is the library's own, its line in a file for `known-leaks=`:\n1) {line}\n"
    );
    assert!(text.contains(&offered), "{text}");

    let folder = tempfile::tempdir().expect("temporary folder");
    let file = folder.path().join("mine.known");
    fs::write(&file, format!("# ours\n{line}\n")).expect("write");
    let options = format!("known-leaks={}", file.display());
    let report = report(&database(&options, &["java"], true));
    let process = &report.processes[0];
    assert_eq!(report.verdict(), Verdict::Clean, "{:?}", process.notes);
    let known = process.known.sites.iter().map(|site| site.known.clone());
    let known: Vec<_> = known
        .flatten()
        .map(|known| (known.source, known.line))
        .collect();
    // The project's own list goes first.
    let mine = (file.display().to_string(), 2);
    assert_eq!(known, [mine.clone(), mine]);
    let said = "known leak of rocksdbjni, not reported yet";
    assert!(
        process.notes.iter().any(|note| note.ends_with(said)),
        "{:?}",
        process.notes
    );
}

/// What a stack of these frames is offered, as the only site.
fn offered(module: &str, methods: &[(&str, &str)]) -> Option<String> {
    let mut image = ImageBuilder::new();
    let module = image.module(module, &[], 0);
    let mut frames = vec![Frame::Native { module, vaddr: 1 }];
    for (class, name) in methods {
        let method = image.method(class, name, "Any.java", &[(0, 7)]);
        frames.push(Frame::Java { method, bci: 0 });
    }
    let stack = image.stack(&frames);
    image.live(BLOCK, SIZE, Kind::Malloc, stack, 0);
    let report = report(&image);
    let sites: Vec<_> = report.processes[0].leaks.sites.iter().collect();
    offer(&sites).map(|entry| {
        let line = entry.to_string();
        let known = KnownLeaks::parse(&line, "offered").expect("an entry");
        let besides = Besides {
            known: vec![known],
            ..Besides::default()
        };
        let report = judged(&image, &Selection::default(), &besides);
        assert_eq!(report.leaked(), (0, 0), "{line}");
        line
    })
}

#[test]
fn a_line_is_offered_for_what_is_not_the_users() {
    let (unpacked, built) = (
        "/tmp/libzstd-jni-1.5.6-312847561234987.so",
        "/src/build/libmine.so",
    );
    let junit = ("org.junit.platform.Launcher", "run");
    let test = ("com.acme.app.StoreTest", "stores");
    for (module, methods, expected) in [
        (
            unpacked,
            &[("com.github.luben.zstd.Zstd", "make"), test, junit][..],
            Some("library=zstd-jni; kind=malloc; site=^com.github.luben.zstd.Zstd.make$"),
        ),
        (
            "/tmp/commons-crypto-e39db97e-5c40-4da9-868c-f8abbe66ae1a-libcommons-crypto.so",
            &[("org.apache.commons.crypto.Random", "next"), test, junit],
            Some(
                "library=commons-crypto; kind=malloc; site=^org.apache.commons.crypto.Random.next$",
            ),
        ),
        // Lambdas are numbered anew in each process.
        (
            built,
            &[("org.lib.Make", "lambda$run$3"), test, junit],
            Some("library=mine; kind=malloc; site=^org.lib.Make*.lambda$run"),
        ),
        // The user's own library.
        (built, &[("com.acme.app.Store", "open0"), test, junit], None),
        // A thread of an unpacked library's own, and of one that may be the user's.
        (
            unpacked,
            &[
                ("com.github.luben.zstd.Zstd", "work"),
                ("java.lang.Thread", "run"),
            ],
            Some("library=zstd-jni; kind=malloc; site=^com.github.luben.zstd.Zstd.work$"),
        ),
        (
            built,
            &[("com.acme.app.Store", "work"), ("java.lang.Thread", "run")],
            None,
        ),
        // A program, whatever its name.
        ("/src/build/server", &[], None),
        // Without any name there is nothing to know it by.
        (unpacked, &[], None),
    ] {
        assert_eq!(
            offered(module, methods).as_deref(),
            expected,
            "{module} {methods:?}"
        );
    }
}

#[test]
fn a_file_that_is_no_list_is_said_and_leaves_the_others_in_force() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let file = folder.path().join("mine.known");
    fs::write(&file, "library=rocksdbjni\n").expect("write");
    let file = file.display();
    let options = format!("known-leaks={file}:/no/such.known");
    let report = report(&database(&options, &["java"], true));
    let process = &report.processes[0];
    assert_eq!((process.leaks.blocks, process.known.blocks), (1, 2));
    for said in [
        format!(
            "known leaks not applied: line 1 of the known leaks `{file}` is no entry: `site` is missing: name the leaking function, or Java class.method"
        ),
        "known leaks not applied: cannot read the known leaks `/no/such.known`: ".to_owned(),
    ] {
        assert!(
            process.notes.iter().any(|note| note.starts_with(&said)),
            "{:?}",
            process.notes
        );
    }
}

#[test]
fn the_documentation_has_the_format() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let text = fs::read_to_string(root.join("docs/known-leaks.md")).expect("the page");
    let examples = text.lines().filter(|line| line.starts_with("library="));
    let examples: Vec<&str> = examples.collect();
    assert!(examples.len() >= 2);
    KnownLeaks::parse(&examples.join("\n"), "docs").expect("entries");
}
