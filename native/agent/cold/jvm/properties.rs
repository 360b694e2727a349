//! System properties that the JVM was started with, wherever they came from: the command line, a
//! file of arguments, `JAVA_TOOL_OPTIONS`, `JDK_JAVA_OPTIONS`, or the options of an embedded JVM.
//!
//! `dev.hackleak.SystemProperties` reads the same ones, and what a program has set later besides.

use crate::hot::jvm::methods::Text;
use core::ffi::CStr;
use std::time::Duration;

/// Whether the RAPIDS libraries were told to look for leaks.
pub fn is_rapids_debug() -> bool {
    // As `Boolean.getBoolean` reads it.
    Text::of_property(c"ai.rapids.refcount.debug")
        .is_some_and(|value| value.bytes().eq_ignore_ascii_case(b"true"))
}

/// How long settling may take. The second name is the older one.
pub fn settle_limit() -> Duration {
    millis(
        &[c"hackleak.settleLimitMillis", c"hackleak.settle.limit.ms"],
        5_000,
    )
}

/// How long the reporter may run.
pub fn report_timeout() -> Duration {
    millis(&[c"hackleak.report.timeout.ms"], 60_000)
}

/// The first of these properties that is set. What is no number counts as not given.
fn millis(names: &[&CStr], otherwise: u64) -> Duration {
    let value = names.iter().find_map(|name| Text::of_property(name));
    let value = value.and_then(|value| {
        core::str::from_utf8(value.bytes())
            .ok()?
            .trim()
            .parse()
            .ok()
    });
    Duration::from_millis(value.unwrap_or(otherwise))
}
