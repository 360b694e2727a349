//! What `hackleak doctor` says. Its serialised form is version 1 of the JSON in
//! `docs/schema/doctor-v1.json`, under the same promise as the report's.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::assess::{Tracked, assess};
use super::facts::Facts;
use super::image::{fails_strict, unknown};
use crate::model::{Coverage, SCHEMA_VERSION, Tool, Visibility};

/// What `hackleak doctor` says about everything it was asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Diagnosis {
    /// The version of this format.
    #[schemars(range(min = 1, max = 1))]
    pub schema_version: u32,
    /// What wrote it.
    pub tool: Tool,
    /// One entry per argument.
    pub subjects: Vec<Subject>,
}

/// A library, an image or a process that `hackleak doctor` was asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Subject {
    /// The argument as it was given.
    pub input: String,
    /// The kinds of allocation that the answers are about.
    pub track: Vec<String>,
    /// About a process: whether it is recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<Process>,
    /// What the JVM of an image or a process does not tell, and what comes of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Libraries and programs under test.
    pub libraries: Vec<Library>,
}

/// A running process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// Path of the recorder in it, if it is loaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorder: Option<String>,
    /// Its image, if it is being recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<PathBuf>,
}

/// A library or program under test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Library {
    /// Its path.
    pub path: String,
    /// Whether its allocations are recorded.
    pub coverage: Coverage,
    /// Whether `strict=true` fails because of it.
    pub fails_strict: bool,
}

impl Diagnosis {
    /// The diagnosis of `subjects`, written by this version.
    pub fn new(subjects: Vec<Subject>) -> Diagnosis {
        Diagnosis {
            schema_version: SCHEMA_VERSION,
            tool: Tool {
                name: "hackleak".to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
            },
            subjects,
        }
    }

    /// Every library of every subject.
    pub fn libraries(&self) -> impl Iterator<Item = &Library> {
        self.subjects.iter().flat_map(|subject| &subject.libraries)
    }

    /// The worst verdict on any library; seen when there is none.
    pub fn worst(&self) -> Visibility {
        self.libraries()
            .map(|library| library.coverage.visibility)
            .max()
            .unwrap_or(Visibility::Seen)
    }
}

impl Library {
    /// The library at `path` with this coverage.
    pub fn new(path: &str, coverage: Coverage) -> Library {
        Library {
            path: path.to_owned(),
            fails_strict: fails_strict(path, &coverage),
            coverage,
        }
    }

    /// The library at `path`, with what its file says, in a process with this executable.
    pub fn of_file(
        path: &str,
        facts: &Result<std::sync::Arc<Facts>, super::Unreadable>,
        tracked: Tracked,
        executable: Option<&Facts>,
    ) -> Library {
        let coverage = match facts {
            Ok(facts) => assess(facts, tracked, executable),
            Err(error) => unknown(error),
        };
        Library::new(path, coverage)
    }
}
