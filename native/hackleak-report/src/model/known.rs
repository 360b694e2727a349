//! Known leaks of libraries.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// A known leak of a library.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KnownLeak {
    /// The library.
    pub library: String,
    /// The versions that leak, when the entry says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub versions: Option<String>,
    /// The version that the process has, when that was looked for and found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Address of the report; absent for what was not reported yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<String>,
    /// The file that has the entry, or `built-in`.
    pub source: String,
    /// Its line in that file.
    pub line: u32,
}

impl KnownLeak {
    /// Whose leak it is, and where it was reported.
    pub fn sentence(&self) -> String {
        let report = self.report.as_deref();
        let report = report.map_or(Cow::Borrowed("not reported yet"), short_address);
        format!("known leak of {}, {report}", self.library)
    }

    /// What must be said where the version that the process has is not known.
    pub(crate) fn doubt(&self) -> String {
        match (&self.versions, &self.version) {
            (Some(versions), None) => {
                format!(" (of versions {versions}; which one this is could not be told)")
            }
            _ => String::new(),
        }
    }
}

/// `owner/project#1` for an issue or pull request on GitHub, else the address.
fn short_address(address: &str) -> Cow<'_, str> {
    let parts: Vec<&str> = match address.strip_prefix("https://github.com/") {
        Some(path) => path.split('/').collect(),
        None => Vec::new(),
    };
    match parts[..] {
        [owner, project, "issues" | "pull", number] => format!("{owner}/{project}#{number}").into(),
        _ => address.into(),
    }
}
