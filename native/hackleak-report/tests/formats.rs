//! The formats of other tools, each read back by its own ecosystem's reader or checked against its
//! schema.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use flate2::read::GzDecoder;
use hackleak_image::frame::BCI_NATIVE;
use hackleak_image::layout::Kind;
use hackleak_image::reader::testing::ImageBuilder;
use hackleak_image::{Frame, layout};
use hackleak_report::origin::Sources;
use hackleak_report::render::pprof::proto::Profile;
use hackleak_report::render::{self, Weight};
use hackleak_report::{Report, Selection};
use prost::Message;
use serde::Deserialize;
use serde_json::Value;
use support::{BLOCK, SIZE, assert_golden, nested, report, report_since};

/// Two processes with the same leak from libraries that were unpacked under different names, one of
/// them with a second leak of its own; and a clean one.
fn forks() -> Report {
    let mut processes = Vec::new();
    for (pid, library, leaks) in [
        (100, "/tmp/librocks111111111.so", 1),
        (200, "/tmp/librocks222222222.so", 2),
        (300, "/tmp/librocks333333333.so", 0),
    ] {
        let mut image = ImageBuilder::new();
        image.header.pid = pid;
        let thread = image.thread(pid, "java", 50, 50);
        let context = image.context(1, 0, thread, 0);
        let library = image.module(library, &[0xab, pid as u8], 0);
        let open = image.method("org.rocks.Store", "open0", "Store.java", &[]);
        let test = image.method("demo.StoreTest", "leaks", "StoreTest.java", &[(0, 17)]);
        let native = |vaddr| Frame::Native {
            module: library,
            vaddr,
        };
        for (number, vaddr) in (0..leaks).zip([0x1235, 0x9999]) {
            let stack = image.stack(&[
                native(vaddr),
                native(0x2001),
                Frame::Java {
                    method: open,
                    bci: BCI_NATIVE,
                },
                Frame::Java {
                    method: test,
                    bci: 0,
                },
            ]);
            let kind = if number == 0 {
                Kind::New
            } else {
                Kind::GlobalRef
            };
            image.live(BLOCK + number * 16, SIZE, kind, stack, context);
        }
        processes.extend(report(&image).processes);
    }
    Report::new(processes)
}

/// A folder with the source of the test that leaks.
fn project() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("temporary folder");
    let file = folder.path().join("src/test/java/demo/StoreTest.java");
    fs::create_dir_all(file.parent().expect("a folder")).expect("create");
    fs::write(file, "class StoreTest {}").expect("write");
    folder
}

/// The schema of SARIF 2.1.0, as the crate `serde-sarif` carries it.
///
/// Cargo may have to fetch something for its answer, so it is not kept off the network: what other
/// platforms need has never been fetched where this was only ever built for one, and neither have
/// all members' crates where one was built.
fn sarif_schema() -> Value {
    let cargo = std::env::var_os("CARGO").expect("run by cargo");
    let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let listed = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--locked"])
        .args(["--filter-platform", &platform])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    let said = String::from_utf8_lossy(&listed.stderr);
    assert!(listed.status.success(), "cargo metadata: {said}");
    let listed: Value = serde_json::from_slice(&listed.stdout).expect("JSON");
    let packages = listed["packages"].as_array().expect("packages");
    let package = packages
        .iter()
        .find(|package| package["name"] == "serde-sarif")
        .expect("a dependency");
    let manifest = PathBuf::from(package["manifest_path"].as_str().expect("a path"));
    let schema = manifest.with_file_name("src").join("schema.json");
    let text = fs::read_to_string(schema).expect("the crate has it");
    let mut schema: Value = serde_json::from_str(&text).expect("JSON");
    // The published pattern for languages has a bracket too many, and is no regular expression.
    for holder in ["run", "toolComponent"] {
        let languages = format!("/definitions/{holder}/properties/language");
        let language = schema
            .pointer_mut(&languages)
            .and_then(Value::as_object_mut);
        language.expect("as published").remove("pattern");
    }
    schema
}

#[test]
fn sarif_is_valid_and_points_at_the_leaking_line() {
    let project = project();
    let sources = Sources::in_folder(project.path());
    let schema = jsonschema::validator_for(&sarif_schema()).expect("a schema");
    for report in [
        forks(),
        report(&nested()),
        report(&ImageBuilder::new()),
        Report::new(Vec::new()),
    ] {
        let text = render::sarif(&report, &sources).expect("SARIF");
        let value: Value = serde_json::from_str(&text).expect("JSON");
        let errors: Vec<String> = schema
            .iter_errors(&value)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert_eq!(errors, Vec::<String>::new(), "{text}");
        let typed: serde_sarif::sarif::Sarif = serde_json::from_str(&text).expect("SARIF's types");
        let results = typed.runs[0].results.as_deref().expect("results");
        for result in results {
            // GitHub refuses the file otherwise.
            let location = &result.locations.as_ref().expect("locations")[0];
            let physical = location.physical_location.as_ref().expect("a place");
            let artifact = physical.artifact_location.as_ref().expect("a file");
            let uri = artifact.uri.as_deref().expect("a URI");
            assert!(!uri.starts_with('/') && !uri.is_empty(), "{uri}");
        }
    }

    let text = render::sarif(&forks(), &sources).expect("SARIF");
    let value: Value = serde_json::from_str(&text).expect("JSON");
    let results = value["runs"][0]["results"].as_array().expect("results");
    assert_eq!(
        results.len(),
        2,
        "the same site in two processes is one: {text}"
    );
    let first = &results[0];
    let place = &first["locations"][0]["physicalLocation"];
    assert_eq!(
        place["artifactLocation"]["uri"],
        "src/test/java/demo/StoreTest.java"
    );
    assert_eq!(place["region"]["startLine"], 17);
    assert_eq!(
        first["locations"][0]["logicalLocations"][0]["fullyQualifiedName"],
        "demo.StoreTest.leaks"
    );
    assert_eq!(
        first["message"]["text"],
        "demo.StoreTest.leaks: 3,999,986 bytes leaked in 2 blocks (new) in 2 processes"
    );
    assert_eq!(
        first["properties"]["processes"].as_array().map(Vec::len),
        Some(2)
    );
    let rules = value["runs"][0]["tool"]["driver"]["rules"]
        .as_array()
        .expect("rules");
    let ids: Vec<&Value> = rules.iter().map(|rule| &rule["id"]).collect();
    assert_eq!(ids, ["leak/new", "leak/global-reference"]);
    for result in results {
        let index = result["ruleIndex"].as_u64().expect("an index") as usize;
        assert_eq!(rules[index]["id"], result["ruleId"]);
    }
    let prints: BTreeSet<String> = results
        .iter()
        .map(|result| result["partialFingerprints"]["hackleakSite/v1"].to_string())
        .collect();
    assert_eq!(prints.len(), 2, "{prints:?}");
}

#[test]
fn without_sources_sarif_points_at_what_the_package_suggests() {
    let text = render::sarif(&forks(), &Sources::none()).expect("SARIF");
    let value: Value = serde_json::from_str(&text).expect("JSON");
    let place = &value["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "demo/StoreTest.java");
    assert_eq!(place["region"]["startLine"], 17);
}

#[test]
fn collapsed_stacks_become_a_flame_graph() {
    for (weight, total) in [(Weight::Bytes, 3 * SIZE), (Weight::Blocks, 3)] {
        let folded = render::folded(&forks(), weight);
        let mut sum = 0;
        for line in folded.lines() {
            let (stack, number) = line.rsplit_once(' ').expect("a number");
            assert!(stack.starts_with("java 100;demo.StoreTest.leaks_[j];org.rocks.Store.open0_[j];librocks.so+0x2000;")
                || stack.starts_with("java 200;"), "{stack}");
            sum += number.parse::<u64>().expect("a number");
        }
        assert_eq!(sum, total);
        let mut options = inferno::flamegraph::Options::default();
        options.colors = inferno::flamegraph::color::Palette::Multi(
            inferno::flamegraph::color::MultiPalette::Java,
        );
        let mut svg = Vec::new();
        inferno::flamegraph::from_lines(&mut options, folded.lines(), &mut svg).expect("drawn");
        let svg = String::from_utf8(svg).expect("UTF-8");
        assert!(svg.contains("demo.StoreTest.leaks"), "{svg}");
    }
}

#[test]
fn names_cannot_break_collapsed_stacks() {
    let mut image = ImageBuilder::new();
    let method = image.method("a.B;c", "d\n e", "B.java", &[]);
    let stack = image.stack(&[Frame::Java { method, bci: 1 }]);
    image.live(BLOCK, 7, Kind::New, stack, 0);
    assert_eq!(
        render::folded(&report(&image), Weight::Bytes),
        "a.B:c.d  e_[j] 7\n"
    );
}

/// The file format of speedscope, after its specification `src/lib/file-format-spec.ts`.
mod speedscope {
    use serde::Deserialize;

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "camelCase")]
    pub struct File {
        #[serde(rename = "$schema")]
        pub schema: String,
        pub shared: Shared,
        pub profiles: Vec<Profile>,
        pub name: Option<String>,
        pub active_profile_index: Option<usize>,
        pub exporter: Option<String>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct Shared {
        pub frames: Vec<Frame>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct Frame {
        pub name: String,
        #[allow(dead_code)]
        pub file: Option<String>,
        #[allow(dead_code)]
        pub line: Option<u32>,
        #[allow(dead_code)]
        pub col: Option<u32>,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "lowercase")]
    pub enum Unit {
        None,
        Nanoseconds,
        Microseconds,
        Milliseconds,
        Seconds,
        Bytes,
    }

    #[derive(Deserialize)]
    #[serde(
        deny_unknown_fields,
        rename_all = "camelCase",
        tag = "type",
        rename = "sampled"
    )]
    pub enum Profile {
        #[serde(rename = "sampled", rename_all = "camelCase")]
        Sampled {
            name: String,
            unit: Unit,
            start_value: u64,
            end_value: u64,
            samples: Vec<Vec<usize>>,
            weights: Vec<u64>,
        },
    }
}

#[test]
fn speedscope_reads_every_stack_with_its_weight() {
    let text = render::speedscope(&forks()).expect("JSON");
    let file = speedscope::File::deserialize(&mut serde_json::Deserializer::from_str(&text))
        .unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_eq!(
        file.schema,
        "https://www.speedscope.app/file-format-schema.json"
    );
    assert!(file.name.is_some() && file.exporter.is_some());
    assert!(
        file.active_profile_index
            .is_some_and(|index| index < file.profiles.len())
    );
    assert_eq!(file.profiles.len(), 6);
    let mut totals = Vec::new();
    for profile in &file.profiles {
        let speedscope::Profile::Sampled {
            name,
            unit,
            start_value,
            end_value,
            samples,
            weights,
        } = profile;
        assert_eq!(samples.len(), weights.len(), "{name}");
        assert_eq!(end_value - start_value, weights.iter().sum::<u64>());
        assert!(
            samples
                .iter()
                .flatten()
                .all(|frame| *frame < file.shared.frames.len())
        );
        assert_eq!(
            matches!(unit, speedscope::Unit::Bytes),
            name.contains("bytes")
        );
        totals.push((name.as_str(), *end_value));
        if let Some(first) = samples.first() {
            let root = &file.shared.frames[first[0]].name;
            assert_eq!(root, "demo.StoreTest.leaks [Java]");
        }
    }
    assert_eq!(
        totals[..4],
        [
            ("java 100: bytes leaked", SIZE),
            ("java 100: blocks leaked", 1),
            ("java 200: bytes leaked", 2 * SIZE),
            ("java 200: blocks leaked", 2),
        ]
    );
}

#[test]
fn pprof_has_blocks_and_bytes_of_java_and_native_frames() {
    let packed = render::pprof(&forks()).expect("a profile");
    let mut bytes = Vec::new();
    GzDecoder::new(&packed[..])
        .read_to_end(&mut bytes)
        .expect("gzip");
    let profile = Profile::decode(&bytes[..]).expect("a profile");
    let text = |index: i64| profile.string_table[index as usize].as_str();
    assert_eq!(text(0), "");
    let types: Vec<(&str, &str)> = profile
        .sample_type
        .iter()
        .map(|kind| (text(kind.r#type), text(kind.unit)))
        .collect();
    assert_eq!(
        types,
        [("inuse_objects", "count"), ("inuse_space", "bytes")]
    );
    assert_eq!(profile.sample.len(), 3);
    let sums = profile.sample.iter().fold([0, 0], |sum, sample| {
        [sum[0] + sample.value[0], sum[1] + sample.value[1]]
    });
    assert_eq!(sums, [3, 3 * SIZE as i64]);
    let mappings: Vec<(&str, &str)> = profile
        .mapping
        .iter()
        .map(|mapping| (text(mapping.filename), text(mapping.build_id)))
        .collect();
    assert_eq!(
        mappings,
        [
            ("/tmp/librocks111111111.so", "ab64"),
            ("/tmp/librocks222222222.so", "abc8")
        ]
    );
    for (position, location) in (1..).zip(&profile.location) {
        assert_eq!(location.id, position);
        if let Some(mapping) = profile
            .mapping
            .get((location.mapping_id as usize).wrapping_sub(1))
        {
            assert!((mapping.memory_start..mapping.memory_limit).contains(&location.address));
        } else {
            assert!(
                !location.line.is_empty(),
                "a frame without module has a name"
            );
        }
    }
    let stack: Vec<&str> = profile.sample[0]
        .location_id
        .iter()
        .map(|id| {
            let lines = &profile.location[*id as usize - 1].line;
            lines.first().map_or("", |line| {
                text(profile.function[line.function_id as usize - 1].name)
            })
        })
        .collect();
    assert_eq!(
        stack,
        ["", "", "org.rocks.Store.open0", "demo.StoreTest.leaks"]
    );
}

/// Name, attributes and text of an element.
type Element = (String, Vec<(String, String)>, String);

/// The elements of JUnit XML, in order.
fn elements(xml: &str) -> Vec<Element> {
    use quick_xml::events::Event;
    let mut reader = quick_xml::Reader::from_str(xml);
    let mut found: Vec<Element> = Vec::new();
    loop {
        match reader.read_event().expect("well-formed") {
            Event::Start(element) | Event::Empty(element) => {
                let name = String::from_utf8_lossy(element.name().as_ref()).into_owned();
                let attributes = element.attributes().map(|attribute| {
                    let attribute = attribute.expect("well-formed");
                    let key = String::from_utf8_lossy(attribute.key.as_ref()).into_owned();
                    (
                        key,
                        attribute
                            .normalized_value(quick_xml::XmlVersion::Explicit1_0)
                            .expect("well-formed")
                            .into_owned(),
                    )
                });
                found.push((name, attributes.collect(), String::new()));
            }
            Event::Text(text) => {
                if let Some(last) = found.last_mut() {
                    last.2 += &text.decode().expect("UTF-8");
                }
            }
            Event::Eof => return found,
            _ => {}
        }
    }
}

#[test]
fn each_leak_is_a_failed_test_case() {
    let xml = render::junit_xml(&forks(), &Sources::none()).expect("XML");
    let found = elements(&xml);
    let attribute = |element: usize, name: &str| {
        let attributes = &found[element].1;
        let value = attributes.iter().find(|(key, _)| key == name);
        value.map(|(_, value)| value.as_str()).unwrap_or_default()
    };
    assert_eq!(found[0].0, "testsuite");
    assert_eq!(
        ["tests", "failures", "errors", "skipped"].map(|name| attribute(0, name)),
        ["5", "2", "0", "0"]
    );
    let cases: Vec<(&str, &str)> = (0..found.len())
        .filter(|element| found[*element].0 == "testcase")
        .map(|element| (attribute(element, "classname"), attribute(element, "name")))
        .collect();
    assert_eq!(
        cases,
        [
            ("hackleak", "java 100"),
            ("hackleak", "java 200"),
            ("hackleak", "java 300"),
            ("demo.StoreTest", "leaks: new leak"),
            ("demo.StoreTest", "leaks: global reference leak"),
        ]
    );
    let failure = found
        .iter()
        .find(|element| element.0 == "failure")
        .expect("a failure");
    assert!(
        failure
            .2
            .contains("at demo.StoreTest.leaks(StoreTest.java:17)"),
        "{xml}"
    );
    assert!(
        failure.2.contains("java 200: 1 block (1,999,993 bytes)"),
        "{xml}"
    );
}

#[test]
fn what_xml_cannot_hold_is_written_out_and_an_incomplete_record_is_an_error() {
    let mut image = ImageBuilder::new();
    let method = image.method("a.B", "c\u{1b}[31m\u{fffe}<&", "B.java", &[]);
    let stack = image.stack(&[Frame::Java { method, bci: 1 }]);
    image.live(BLOCK, 1, Kind::New, stack, 0);
    let xml = render::junit_xml(&report(&image), &Sources::none()).expect("XML");
    assert!(
        !xml.contains('\u{1b}') && !xml.contains('\u{fffe}'),
        "{xml}"
    );
    assert!(xml.contains(r"c\u{1b}[31m\u{fffe}&lt;&amp;"), "{xml}");
    elements(&xml);

    let mut lossy = ImageBuilder::new();
    lossy.thread(4242, "java", 1, 1);
    lossy.counter(layout::Counter::DroppedNoSegment, 3);
    let xml = render::junit_xml(&report(&lossy), &Sources::none()).expect("XML");
    let found = elements(&xml);
    assert!(
        found[0].1.contains(&("errors".to_owned(), "1".to_owned())),
        "{xml}"
    );
    assert!(found.iter().any(|element| element.0 == "error"), "{xml}");
}

#[test]
fn markdown_sums_up_the_run() {
    let project = project();
    let page = render::markdown(&forks(), &Sources::in_folder(project.path()));
    assert_golden("forks.md", &page);
    let since = Selection {
        since: Some(2),
        scope: None,
        ..Selection::default()
    };
    assert_golden(
        "nested.md",
        &render::markdown(&report_since(&nested(), since), &Sources::none()),
    );
}

#[test]
fn markup_in_names_is_quoted() {
    let mut image = ImageBuilder::new();
    let method = image.method("a.B", "c`|<script>```\n", "B.java", &[]);
    let stack = image.stack(&[Frame::Java { method, bci: 1 }]);
    image.live(BLOCK, 1, Kind::New, stack, 0);
    let page = render::markdown(&report(&image), &Sources::none());
    let row = page
        .lines()
        .find(|line| line.starts_with("| 1 |"))
        .expect("a row");
    assert_eq!(row.replace("\\|", "").matches('|').count(), 8, "{row}");
    assert!(row.contains("| ```` a.B.c`\\|<script>```"), "{row}");
    assert!(
        page.contains("<summary>1. a.B.c`|&lt;script&gt;``` : "),
        "{page}"
    );
    assert!(page.contains("````text\n"), "{page}");
}

#[test]
fn a_project_is_found_relative_to_its_folder_only() {
    let sources = Sources::in_folder(Path::new("/nonexistent"));
    let text = render::sarif(&forks(), &sources).expect("SARIF");
    assert!(text.contains("\"demo/StoreTest.java\""), "{text}");
}
