//! The published JSON Schema of the report.

use crate::model::Report;

/// The schema as `docs/schema/report-v1.json` holds it, ended by a newline.
pub fn text() -> String {
    let schema = schemars::schema_for!(Report);
    let mut text = format!("{:#}", schema.as_value());
    text.push('\n');
    text
}
