//! Known leaks: what a baseline holds, what is new or grown against it, and what a report leaves
//! out.

mod support;

use std::fs;
use std::path::Path;

use hackleak_image::Frame;
use hackleak_image::frame::BCI_NATIVE;
use hackleak_image::layout::Kind;
use hackleak_image::reader::testing::ImageBuilder;
use hackleak_report::baseline::{Baseline, Comparison};
use hackleak_report::{Report, Selection, Verdict, render, schema};
use support::{BLOCK, report, report_since};

/// A process that leaks `blocks` times `bytes` at each of some call sites of `demo.Store`.
struct Leaking<'a> {
    library: &'a str,
    /// Method, line, blocks, bytes of a block.
    sites: &'a [(&'a str, u16, u64, u64)],
    options: String,
}

fn leaking<'a>(library: &'a str, sites: &'a [(&'a str, u16, u64, u64)]) -> Leaking<'a> {
    Leaking {
        library,
        sites,
        options: "track=new".to_owned(),
    }
}

impl Leaking<'_> {
    fn image(&self) -> ImageBuilder {
        let mut image = ImageBuilder::new();
        image.header.options = image.text(&self.options);
        let thread = image.thread(4242, "java", 9, 9);
        let context = image.context(1, 0, thread, 0);
        let library = image.module(self.library, &[1], 0);
        let mut at = BLOCK;
        for (method, line, blocks, bytes) in self.sites {
            // Another build: the same names, other addresses and lines.
            let vaddr = u64::from(*line) * 0x100;
            let method = image.method("demo.Store", method, "Store.java", &[(0, *line)]);
            let framework = ["org.junit.A", "org.junit.B", "org.junit.C"]
                .map(|class| image.method(class, "run", "Any.java", &[(0, *line)]));
            let mut frames = vec![
                Frame::Native {
                    module: library,
                    vaddr,
                },
                Frame::Java {
                    method,
                    bci: BCI_NATIVE,
                },
            ];
            frames.extend(framework.map(|method| Frame::Java { method, bci: 0 }));
            let stack = image.stack(&frames);
            for _ in 0..*blocks {
                image.live(at, *bytes, Kind::New, stack, context);
                at += 16;
            }
        }
        image
    }

    fn report(&self) -> Report {
        report(&self.image())
    }
}

fn together(reports: impl IntoIterator<Item = Report>) -> Report {
    let processes = reports.into_iter().flat_map(|report| report.processes);
    Report::new(processes.collect())
}

const V1: &str = "/tmp/librocks-1.0-111111111.so";
const V2: &str = "/tmp/librocks-1.1-222222222.so";

#[test]
fn the_file_is_readable_and_the_same_for_the_same_leaks() {
    let report = leaking(V1, &[("open", 7, 2, 100), ("close", 9, 1, 50)]).report();
    let text = Baseline::of(&report).text();
    let expected = r#"{
  "hackleakBaseline": 1,
  "sites": [
    {
      "frames": [
        "? (librocks.so)",
        "at demo.Store.close"
      ],
      "kind": "new",
      "blocks": 1,
      "bytes": 50
    },
    {
      "frames": [
        "? (librocks.so)",
        "at demo.Store.open"
      ],
      "kind": "new",
      "blocks": 2,
      "bytes": 200
    }
  ]
}
"#;
    assert_eq!(text, expected);
    let read = Baseline::parse(&text, "b.json").expect("a baseline");
    assert_eq!(read, Baseline::of(&report));
    let rebuilt = leaking(V2, &[("close", 19, 1, 50), ("open", 17, 2, 100)]).report();
    assert_eq!(Baseline::of(&rebuilt).text(), text);
}

#[test]
fn only_new_and_grown_sites_count() {
    let old = Baseline::of(
        &leaking(
            V1,
            &[
                ("open", 7, 2, 100),
                ("close", 9, 1, 50),
                ("gone", 3, 1, 1),
                ("less", 5, 4, 10),
            ],
        )
        .report(),
    );
    let new = leaking(
        V2,
        &[
            ("open", 8, 3, 60),
            ("close", 9, 1, 50),
            ("fresh", 1, 1, 7),
            ("less", 5, 3, 10),
        ],
    )
    .report();
    let found = Comparison::of(&old, &new);
    let names = |sites: &[hackleak_report::baseline::Difference]| -> Vec<String> {
        sites.iter().map(|site| site.frames[1].clone()).collect()
    };
    assert_eq!(names(&found.new), ["at demo.Store.fresh"]);
    // More blocks, though fewer bytes.
    assert_eq!(names(&found.grown), ["at demo.Store.open"]);
    assert_eq!(names(&found.fixed), ["at demo.Store.gone"]);
    assert_eq!(names(&found.shrunk), ["at demo.Store.less"]);
    assert_eq!(found.unchanged, 1);
    assert!(found.is_worse());
    let text = render::diff(&found);
    assert!(
        text.starts_with(
            "1 site new, 1 grown, 1 shrunk, 1 fixed, 1 unchanged\n\nnew: 7 bytes in 1 block, new\n"
        ),
        "{text}"
    );
    assert!(
        text.contains("grown: 180 bytes in 3 blocks, before 200 bytes in 2 blocks, new\n"),
        "{text}"
    );
    assert!(
        text.contains(
            "\nfixed: 1 byte in 1 block, new\n    ? (librocks.so)\n    at demo.Store.gone\n"
        ),
        "{text}"
    );

    let same = Comparison::of(&Baseline::of(&new), &new);
    assert!(!same.is_worse() && same.unchanged == 4);

    let schema = serde_json::from_str(&schema::diff()).expect("JSON");
    let json = render::json(&found).expect("JSON");
    let value = serde_json::from_str(&json).expect("JSON");
    assert!(jsonschema::is_valid(&schema, &value), "{json}");
    assert_eq!(
        serde_json::from_str::<Comparison>(&json).expect("reads back"),
        found
    );
}

#[test]
fn forks_are_judged_together() {
    let baseline = Baseline::of(&together([
        leaking(V1, &[("open", 7, 2, 100)]).report(),
        leaking(V2, &[("open", 7, 1, 100)]).report(),
    ]));
    // The same tests, spread over the forks in another way.
    let again = together([
        leaking(V1, &[]).report(),
        leaking(V2, &[("open", 7, 3, 100)]).report(),
    ]);
    assert!(!Comparison::of(&baseline, &again).is_worse());
    let more = together([
        leaking(V1, &[("open", 7, 2, 100)]).report(),
        leaking(V2, &[("open", 7, 2, 100)]).report(),
    ]);
    let grown = Comparison::of(&baseline, &more).grown;
    assert_eq!(
        (grown.len(), grown[0].processes, grown[0].now.blocks),
        (1, 2, 4)
    );
}

/// Subtracts the baseline at `file` that the options of `now` name.
fn judged(file: &Path, now: &mut Leaking<'_>, selection: Selection) -> Report {
    now.options = format!("track=new,baseline={}", file.display());
    let mut report = report_since(&now.image(), selection);
    report.subtract_baselines(None);
    report
}

#[test]
fn reports_leave_out_what_the_baseline_of_the_options_knows() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let file = folder.path().join("known.json");
    let known = leaking(V1, &[("open", 7, 2, 100), ("gone", 3, 1, 1)]).report();
    fs::write(&file, Baseline::of(&known).text()).expect("write");

    let report = judged(
        &file,
        &mut leaking(V2, &[("open", 8, 2, 100)]),
        Selection::default(),
    );
    assert_eq!(
        (report.verdict(), report.leaked()),
        (Verdict::Clean, (0, 0))
    );
    assert_eq!(report.baselines[0].sites, 1);
    assert_eq!(report.baselines[0].fixed[0].frames[1], "at demo.Store.gone");
    let text = render::text(&report, None);
    assert!(
        text.contains("note: 200 bytes in 2 blocks known by the baseline"),
        "{text}"
    );
    assert!(
        text.contains("1 site of the baseline") && text.contains("at demo.Store.gone"),
        "{text}"
    );

    let mut now = leaking(V2, &[("open", 8, 3, 100), ("fresh", 1, 1, 7)]);
    let report = judged(&file, &mut now, Selection::default());
    assert_eq!(
        (report.verdict(), report.leaked()),
        (Verdict::Leaks, (307, 4))
    );
    let text = render::text(&report, None);
    assert!(
        text.contains("300 bytes in 3 blocks, new, grown from 200 bytes in 2 blocks"),
        "{text}"
    );
    let sarif = render::sarif(&report, &hackleak_report::origin::Sources::none()).expect("SARIF");
    assert!(
        sarif.contains(r#""baselineState": "updated""#)
            && sarif.contains(r#""baselineState": "new""#)
    );

    // A test that asks for its own part cannot know what is fixed.
    let since = Selection {
        since: Some(1),
        ..Selection::default()
    };
    let report = judged(&file, &mut leaking(V2, &[("open", 8, 1, 100)]), since);
    assert_eq!(report.verdict(), Verdict::Clean);
    assert_eq!(report.baselines[0].fixed, []);
    let lines = render::lines(&report, None);
    assert!(lines.contains("total\t0\t0\n"), "{lines}");
    assert!(lines.contains("known by the baseline"), "{lines}");
}

#[test]
fn a_baseline_that_cannot_be_used_knows_nothing_and_is_said() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let file = folder.path().join("known.json");
    for (text, said) in [
        (None, "cannot read the baseline"),
        (Some("{"), "is no baseline"),
        (
            Some("{\"hackleakBaseline\":2,\"sites\":[]}"),
            "has version 2",
        ),
        (
            Some("{\"schemaVersion\":1,\"processes\":[]}"),
            "is no baseline",
        ),
    ] {
        if let Some(text) = text {
            fs::write(&file, text).expect("write");
        }
        let report = judged(
            &file,
            &mut leaking(V1, &[("open", 7, 1, 1)]),
            Selection::default(),
        );
        assert_eq!(report.verdict(), Verdict::Leaks);
        let notes = &report.processes[0].notes;
        let note = notes
            .iter()
            .find(|note| note.starts_with("baseline not applied: "));
        let note = note.unwrap_or_else(|| panic!("{notes:?}"));
        assert!(
            note.contains(said) && note.contains("hackleak baseline write"),
            "{note}"
        );
    }
}

/// Stacks of one leak as frames: what is the same from run to run, and what is not.
mod names {
    use hackleak_report::baseline::{Baseline, Comparison};
    use hackleak_report::model::{Frame, Kind};
    use hackleak_report::{Report, render};

    use super::support::sample::{self, java, native};

    fn inner(line: u32) -> Vec<Frame> {
        vec![
            native("shop::Basket::put(int)", "basket.cc", line),
            native("Java_org_shop_Basket_put", "jni.cc", 7),
            java("org.shop.Basket", "put", 0),
            java("org.shop.Basket", "add", 31),
        ]
    }

    fn stack(line: u32, outer: &[(&str, &str)]) -> Vec<Frame> {
        let outer = outer.iter().map(|(class, method)| java(class, method, 5));
        inner(line).into_iter().chain(outer).collect()
    }

    const SUREFIRE: [(&str, &str); 5] = [
        ("jdk.internal.reflect.DirectMethodHandleAccessor", "invoke"),
        ("java.lang.reflect.Method", "invoke"),
        (
            "org.junit.jupiter.engine.execution.MethodInvocation",
            "proceed",
        ),
        ("java.util.ArrayList", "forEach"),
        ("org.apache.maven.surefire.booter.ForkedBooter", "main"),
    ];
    const GRADLE: [(&str, &str); 6] = [
        ("java.lang.reflect.Method", "invoke"),
        (
            "org.junit.runners.model.FrameworkMethod",
            "invokeExplosively",
        ),
        ("java.util.stream.ReferencePipeline", "forEach"),
        ("org.gradle.api.internal.tasks.testing.Worker", "run"),
        ("java.util.concurrent.ThreadPoolExecutor", "runWorker"),
        ("java.lang.Thread", "run"),
    ];

    fn report(stacks: &[(u64, u64, Vec<Frame>)]) -> Report {
        let sites = stacks
            .iter()
            .map(|(bytes, count, frames)| sample::site(*bytes, *count, Kind::New, frames.clone()));
        Report::new(vec![sample::process(7, sites.collect())])
    }

    fn is_known(old: &[(&str, &str)], new: &[(&str, &str)]) -> bool {
        let old = Baseline::of(&report(&[(64, 2, stack(9, old))]));
        let found = Comparison::of(&old, &report(&[(64, 2, stack(12, new))]));
        found.unchanged == 1 && !found.is_worse() && found.fixed.is_empty()
    }

    fn with(
        own: &[(&'static str, &'static str)],
        outer: &[(&'static str, &'static str)],
    ) -> Vec<(&'static str, &'static str)> {
        [own, outer].concat()
    }

    #[test]
    fn who_calls_the_projects_code_makes_no_leak_new() {
        let scan = ("com.acme.Store", "scan");
        let test = |method| [scan, ("com.acme.StoreTest", method)];
        let old = with(&test("forgets"), &SUREFIRE);
        let spring = [
            ("org.springframework.web.Dispatcher", "doGet"),
            ("java.lang.Thread", "run"),
        ];
        let undertow = [
            ("io.undertow.server.Connectors", "execute"),
            ("java.util.concurrent.ThreadPoolExecutor", "runWorker"),
            ("java.lang.Thread", "run"),
        ];
        let booted = with(&spring[..1], &[("com.acme.Main", "main")]);
        for (what, old, new) in [
            (
                "a renamed test",
                old.clone(),
                with(&test("remembers"), &SUREFIRE),
            ),
            (
                "another framework",
                old.clone(),
                with(&test("forgets"), &GRADLE),
            ),
            (
                "a test that calls the library itself",
                with(&test("forgets")[1..], &SUREFIRE),
                with(&test("remembers")[1..], &GRADLE),
            ),
            (
                "a lambda of the test",
                old.clone(),
                with(
                    &[scan, ("com.acme.StoreTest", "lambda$remembers$0")],
                    &with(
                        &[
                            ("org.junit.jupiter.api.AssertThrows", "assertThrows"),
                            ("com.acme.StoreTest", "remembers"),
                        ],
                        &SUREFIRE,
                    ),
                ),
            ),
            (
                "another server",
                with(&[scan], &spring),
                with(&[scan], &undertow),
            ),
            (
                "a server that main started",
                with(&[scan], &booted),
                with(&[scan], &undertow),
            ),
            (
                "a library between",
                with(
                    &[scan],
                    &with(&[("org.lib.Pool", "use")], &[("com.acme.Main", "main")]),
                ),
                with(
                    &[scan],
                    &with(&[("net.other.Loop", "turn")], &[("com.acme.Main", "main")]),
                ),
            ),
        ] {
            assert!(is_known(&old, &new), "{what}");
        }
        // What is another leak is new: another method of the project, another test class, another
        // way into the library.
        for new in [
            with(
                &[
                    ("com.acme.Store", "fill"),
                    ("com.acme.StoreTest", "forgets"),
                ],
                &SUREFIRE,
            ),
            with(&[scan, ("com.acme.OtherTest", "forgets")], &SUREFIRE),
            with(
                &[
                    ("org.shop.Shelf", "clear"),
                    scan,
                    ("com.acme.StoreTest", "forgets"),
                ],
                &SUREFIRE,
            ),
        ] {
            assert!(!is_known(&old, &new), "{new:?}");
        }
    }

    #[test]
    fn growth_is_one_site_with_both_sums_and_the_rest_is_not_listed() {
        let at = |line, method| {
            let outer = with(&[("com.acme.Store", method)], &[("com.acme.Main", "main")]);
            stack(line, &outer)
        };
        let old = report(&[(100, 2, at(9, "scan")), (30, 3, at(9, "fill"))]);
        let baseline = Baseline::of(&old);
        // Two lines of one function, of which one is new, and one in another process.
        let mut new = report(&[
            (100, 2, at(9, "scan")),
            (11, 1, at(12, "scan")),
            (30, 3, at(9, "fill")),
        ]);
        let more = report(&[(5, 1, at(9, "scan"))]);
        new.processes.extend(more.processes);
        new.subtract_baselines(Some(("b.json", &baseline)));
        let [first, second] = &*new.processes else {
            panic!("two processes");
        };
        let [site] = &*first.leaks.sites else {
            panic!("one site: {:?}", first.leaks.sites.len());
        };
        assert_eq!((site.bytes, site.blocks), (111, 3));
        assert_eq!(site.also_at.len(), 1, "{:?}", site.also_at);
        assert!(site.also_at[0].ends_with(":12"), "{:?}", site.also_at);
        assert_eq!((first.leaks.bytes, first.leaks.blocks), (111, 3));
        assert_eq!(second.leaks.sites.len(), 1);
        let text = render::text(&new, None);
        let said = ", grown from 100 bytes in 2 blocks to 116 bytes in 4 blocks in all processes";
        assert!(text.contains(said), "{text}");
        assert!(!text.contains("Store.fill"), "{text}");

        let mut alone = report(&[(100, 2, at(9, "scan")), (11, 1, at(12, "scan"))]);
        alone.subtract_baselines(Some(("b.json", &baseline)));
        let text = render::text(&alone, None);
        let said = ", grown from 100 bytes in 2 blocks to 111 bytes in 3 blocks\n";
        assert!(text.contains(said), "{text}");
        // The clean twin: nothing has grown.
        let mut same = old.clone();
        same.subtract_baselines(Some(("b.json", &baseline)));
        assert!(same.processes[0].leaks.sites.is_empty());
        assert!(!render::text(&same, None).contains("grown"));
    }
}
