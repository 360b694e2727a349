//! The published JSON Schemas.

use crate::baseline::Comparison;
use crate::coverage::Diagnosis;
use crate::model::Report;
use crate::text_log::LogReport;

/// The schema as `docs/schema/report-v1.json` holds it, ended by a newline.
pub fn text() -> String {
    published(&schemars::schema_for!(Report))
}

/// The schema as `docs/schema/doctor-v1.json` holds it, ended by a newline.
pub fn doctor() -> String {
    published(&schemars::schema_for!(Diagnosis))
}

/// The schema as `docs/schema/find-leak-v1.json` holds it, ended by a newline.
pub fn find_leak() -> String {
    published(&schemars::schema_for!(LogReport))
}

/// The schema as `docs/schema/diff-v1.json` holds it, ended by a newline.
pub fn diff() -> String {
    published(&schemars::schema_for!(Comparison))
}

fn published(schema: &schemars::Schema) -> String {
    let mut text = format!("{:#}", schema.as_value());
    text.push('\n');
    text
}
