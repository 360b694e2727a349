//! `-agentpath` arguments that name this library, wherever a JVM may read them from.
//!
//! The image must be made before the JVM calls `Agent_OnLoad`, so they are looked for ahead of it.
//! What stands in an argument file of the launcher is not seen here.

use std::path::Path;

/// Options of `-agentpath` that the JVM has not read yet: from the command line and from the two
/// variables that launchers read.
pub fn options_ahead() -> Vec<String> {
    let command = std::fs::read("/proc/self/cmdline").unwrap_or_default();
    let arguments = command.split(|byte| *byte == 0);
    let arguments = arguments.map(|argument| String::from_utf8_lossy(argument).into_owned());
    let words = words(&["JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS"]).chain(arguments);
    words.filter_map(|word| options_in(&word)).collect()
}

/// The words of environment variables.
pub fn words<'names>(
    variables: &'names [&'static str],
) -> impl Iterator<Item = String> + use<'names> {
    let texts = variables.iter().filter_map(|name| std::env::var(name).ok());
    texts.flat_map(|text| {
        text.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    })
}

/// Whether a variable that every JVM reads names this library as an agent.
pub fn is_in_variables() -> bool {
    words(&["JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS"]).any(|word| is_ours(&word))
}

/// Whether the argument names this library as an agent.
pub fn is_ours(argument: &str) -> bool {
    split(argument).is_some()
}

/// The options in an argument that names this library as an agent.
pub fn options_in(argument: &str) -> Option<String> {
    split(argument)?.map(str::to_owned)
}

/// The options, if any, of an argument that names this library as an agent.
fn split(argument: &str) -> Option<Option<&str>> {
    let rest = argument.strip_prefix("-agentpath:")?;
    let (library, options) = match rest.split_once('=') {
        Some((library, options)) => (library, Some(options)),
        None => (rest, None),
    };
    (Path::new(library).file_name()? == "libhackleak.so").then_some(options)
}
