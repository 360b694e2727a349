//! The report as text for people, JSON for programs, and lines for the Java side.

mod doctor;
pub(crate) mod fold;
mod html;
mod label;
mod lines;
mod names;
pub mod numbers;
mod sites;
mod stack;
mod text;
mod text_log;

pub use doctor::doctor;
pub use html::html;
pub use label::label;
pub use lines::lines;
pub(crate) use stack::frame_name;
pub use text::{message, text};
pub use text_log::find_leak;

use serde::Serialize;

/// A report or diagnosis as indented JSON, ended by a newline; see [`crate::schema`].
///
/// # Errors
///
/// None that a report can cause; the signature is that of `serde_json`.
pub fn json(report: &impl Serialize) -> serde_json::Result<String> {
    let mut json = serde_json::to_string_pretty(report)?;
    json.push('\n');
    Ok(json)
}
