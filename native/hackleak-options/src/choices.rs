//! The values of options that are one of a few names.

use std::fmt;
use std::str::FromStr;

/// Which frames are recorded with each allocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stacks {
    /// Native frames, and above them the Java frames that crossed JNI.
    Full,
    /// Native frames only.
    Native,
    /// Java frames only.
    Java,
    /// No frames: totals per checkpoint and thread.
    Off,
}

/// Which processes are recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follow {
    /// Java virtual machines.
    Jvm,
    /// Every process that loads the library.
    All,
    /// No process.
    None,
}

/// What is done about invalid frees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvalidFrees {
    /// They are not noted.
    Off,
    /// They are reported.
    Report,
    /// They are reported and fail a test or a run.
    Fail,
}

/// What is done about memory that something still holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// It counts as a leak.
    Fail,
    /// It is reported, and no leak.
    Note,
    /// It is not reported.
    Ignore,
}

/// What is done about known leaks of libraries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// They count as leaks.
    Fail,
    /// They are reported, and fail nothing.
    Note,
}

impl FromStr for Known {
    type Err = OptionError;

    fn from_str(value: &str) -> Result<Known, OptionError> {
        choice("known", value, KNOWN)
    }
}

impl Held {
    /// The choice of this name.
    pub fn of_name(name: &str) -> Option<Held> {
        let known = HELD.iter().find(|(known, _)| *known == name);
        known.map(|(_, choice)| *choice)
    }
}

/// What happens at the exit of a JVM, after its shutdown hooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Nothing.
    Off,
    /// Force garbage collection until the live set is stable.
    Settle,
    /// Settle, then report what is still live on stderr.
    Report,
}

pub(crate) const INVALID_FREES: &[(&str, InvalidFrees)] = &[
    ("off", InvalidFrees::Off),
    ("report", InvalidFrees::Report),
    ("fail", InvalidFrees::Fail),
];
pub(crate) const HELD: &[(&str, Held)] = &[
    ("fail", Held::Fail),
    ("note", Held::Note),
    ("ignore", Held::Ignore),
];
pub(crate) const KNOWN: &[(&str, Known)] = &[("fail", Known::Fail), ("note", Known::Note)];
pub(crate) const STACKS: &[(&str, Stacks)] = &[
    ("full", Stacks::Full),
    ("native", Stacks::Native),
    ("java", Stacks::Java),
    ("off", Stacks::Off),
];
pub(crate) const FOLLOW: &[(&str, Follow)] = &[
    ("jvm", Follow::Jvm),
    ("all", Follow::All),
    ("none", Follow::None),
];
pub(crate) const YES_NO: &[(&str, bool)] = &[("yes", true), ("no", false)];
pub(crate) const SWITCH: &[(&str, bool)] = &[("true", true), ("false", false)];
pub(crate) const EXIT: &[(&str, Exit)] = &[
    ("off", Exit::Off),
    ("settle", Exit::Settle),
    ("report", Exit::Report),
];

/// The choice of this name among `known`.
pub(crate) fn choice<T: Copy>(
    key: &str,
    value: &str,
    known: &[(&str, T)],
) -> Result<T, OptionError> {
    known
        .iter()
        .find(|(name, _)| *name == value)
        .map(|(_, choice)| *choice)
        .ok_or_else(|| {
            let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
            OptionError(format!(
                "option `{key}={value}` is not known: use one of {}",
                names.join(", ")
            ))
        })
}

/// The name of a choice.
pub(crate) fn name<T: Copy + PartialEq>(value: T, known: &[(&'static str, T)]) -> &'static str {
    known
        .iter()
        .find(|(_, choice)| *choice == value)
        .map_or("", |(name, _)| name)
}

/// One sentence that names the culprit and the remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionError(pub(crate) String);

impl fmt::Display for OptionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for OptionError {}
