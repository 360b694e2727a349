//! The report as text for people, JSON for programs, lines for the Java side, and the formats of
//! other tools.

mod caption;
mod diff;
mod doctor;
mod dump;
pub(crate) mod fold;
mod folded;
mod html;
mod junit;
mod label;
mod lines;
mod markdown;
mod message;
mod names;
pub mod pprof;
mod sarif;
mod sites;
mod speedscope;
pub(crate) mod stack;
mod text;
mod text_log;
mod totals;

pub use diff::diff;
pub use doctor::doctor;
pub use dump::dump;
pub use folded::{Weight, folded};
pub use html::html;
pub use junit::junit_xml;
pub use label::label;
pub use lines::{lines, unseen};
pub use markdown::markdown;
pub use message::message;
pub use pprof::pprof;
pub use sarif::sarif;
pub use speedscope::speedscope;
pub(crate) use stack::frame_name;
pub use text::text;
pub use text_log::find_leak;
pub use totals::totals;

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
