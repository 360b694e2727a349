//! The environment that brings the recorder into the command and all that it starts.

use std::env;
use std::ffi::OsString;

use hackleak_options::{ENVIRONMENT, Follow, Options};

/// Variables to set: the library first in LD_PRELOAD, the options, and the agent for
/// JVMs that the `java` launcher does not start.
pub(super) fn of(library: &str, options: &Options, agent: bool) -> Vec<(&'static str, OsString)> {
    let mut variables = vec![
        (
            "LD_PRELOAD",
            joined(library.into(), ":", env::var_os("LD_PRELOAD")),
        ),
        (ENVIRONMENT, options.to_string().into()),
    ];
    if agent && options.follow != Follow::None {
        let before = env::var_os("JAVA_TOOL_OPTIONS").unwrap_or_default();
        let agent = OsString::from(format!("-agentpath:{library}"));
        variables.push(("JAVA_TOOL_OPTIONS", joined(before, " ", Some(agent))));
    }
    variables
}

fn joined(first: OsString, separator: &str, second: Option<OsString>) -> OsString {
    let second = second.unwrap_or_default();
    match (first.is_empty(), second.is_empty()) {
        (true, _) => second,
        (_, true) => first,
        _ => {
            let mut joined = first;
            joined.push(separator);
            joined.push(second);
            joined
        }
    }
}
