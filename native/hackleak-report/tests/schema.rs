//! The JSON and its published schema.

mod support;

use std::fs;
use std::path::Path;

use hackleak_image::layout::Counter;
use hackleak_image::reader::testing::ImageBuilder;
use hackleak_report::{Report, Selection, render, schema};
use support::{nested, report, report_since};

#[test]
fn the_published_schemas_are_those_of_the_code() {
    for (name, text) in [
        ("report-v1.json", schema::text()),
        ("doctor-v1.json", schema::doctor()),
        ("find-leak-v1.json", schema::find_leak()),
        ("diff-v1.json", schema::diff()),
    ] {
        let file = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../docs/schema")
            .join(name);
        if std::env::var_os("HACKLEAK_BLESS").is_some() {
            fs::write(&file, &text).expect("write the schema");
        }
        let published = fs::read_to_string(&file).unwrap_or_default();
        assert_eq!(published, text, "HACKLEAK_BLESS=1 publishes the new schema");
    }
}

#[test]
fn every_report_is_valid_and_reads_back() {
    let schema = serde_json::from_str(&schema::text()).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let mut lossy = nested();
    lossy.counter(Counter::StackTruncated, 7);
    for report in [
        report(&ImageBuilder::new()),
        report_since(
            &lossy,
            Selection {
                since: Some(2),
                scope: Some(0),
                ..Selection::default()
            },
        ),
        report(&lossy),
        Report::new(Vec::new()),
    ] {
        let json = render::json(&report).expect("JSON");
        let value = serde_json::from_str(&json).expect("JSON");
        let errors: Vec<String> = validator
            .iter_errors(&value)
            .map(|error| error.to_string())
            .collect();
        assert_eq!(errors, Vec::<String>::new());
        assert_eq!(
            serde_json::from_str::<Report>(&json).expect("a report"),
            report
        );
    }
}

#[test]
fn the_shape_is_the_agreed_one() {
    let report = report_since(
        &nested(),
        Selection {
            since: Some(2),
            scope: None,
            ..Selection::default()
        },
    );
    let value = serde_json::to_value(&report).expect("JSON");
    assert_eq!(value["schemaVersion"], 1);
    let process = &value["processes"][0];
    assert_eq!(process["state"], "finished");
    assert_eq!(process["modules"][0]["buildId"], "abcd");
    assert_eq!(process["leaks"]["sites"][0]["kind"], "new[]");
    let frames = &process["leaks"]["sites"][0]["frames"];
    assert_eq!(
        frames[0],
        serde_json::json!({
            "type": "native", "inlined": false, "module": "/tmp/gone/librocks.so", "offset": "0x1234"
        })
    );
    assert_eq!(
        frames[3],
        serde_json::json!({
            "type": "java", "class": "demo.Store", "method": "onEvent", "file": "Store.java",
            "line": 41, "native": false
        })
    );
}
