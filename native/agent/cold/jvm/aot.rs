//! JVMs that start from a cache of classes which were linked ahead of time (JDK 24 and later).
//!
//! Such a cache and an early start of the tool interface exclude each other, and with `AOTMode=on`
//! the JVM would not start. So the early start is not asked for then. It is there for `Unsafe`,
//! whose native methods are bound before the ordinary start: its memory is not tracked, and that is
//! said.
//!
//! A JVM that writes such a cache, or an archive of classes as older ones do, ends at its start
//! where there is an agent. So it gets none.

use crate::IMAGE;
use crate::cold::process::agentpath;
use crate::cold::process::messages;
use crate::hot::ground::control;
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};
use hackleak_options::Track;

static IS_CACHE_NAMED: AtomicBool = AtomicBool::new(false);

/// Looks at the options that a JVM is made with. Gives whether it takes an agent.
pub fn look<'text>(options: impl Iterator<Item = &'text str>) -> bool {
    let variables = agentpath::words(&["JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS"]);
    let all: Vec<String> = options.map(str::to_owned).chain(variables).collect();
    IS_CACHE_NAMED.store(names_cache(&all), Relaxed);
    !writes_archive(&all)
}

/// Whether a JVM with these options writes an archive of its classes. Of two that contradict each
/// other the last one counts.
fn writes_archive(options: &[String]) -> bool {
    const ALONE: [&str; 4] = [
        "-Xshare:dump",
        "-XX:+DumpSharedSpaces",
        "-XX:AOTMode=create",
        "-XX:AOTMode=record",
    ];
    let is_alone = |option: &String| ALONE.contains(&option.as_str());
    let names_file = |option: &String| {
        let file = option.strip_prefix("-XX:ArchiveClassesAtExit=");
        let file = file.or_else(|| option.strip_prefix("-XX:AOTCacheOutput="));
        file.is_some_and(|file| !file.is_empty())
    };
    let mut switches = options.iter().rev();
    let last = switches.find(|option| option.ends_with("AutoCreateSharedArchive"));
    let is_on = last.is_some_and(|option| option.starts_with("-XX:+"));
    is_on
        || options
            .iter()
            .any(|option| is_alone(option) || names_file(option))
}

/// What a JVM without an agent does not tell is left out of what is tracked.
pub fn goes_without_agent() {
    for kind in [Track::JNI, Track::UNSAFE, Track::ATTACH] {
        control::give_up(kind);
    }
    IMAGE.set_track(control::tracked());
    messages::say(
        "this JVM writes an archive of its classes, which excludes agents: what it allocates is recorded without \
         Java stacks, JNI references and memory of `Unsafe`",
    );
}

/// Whether a JVM with these options may use a cache.
fn names_cache(options: &[String]) -> bool {
    let mut modes = options.iter().rev();
    let mode = modes.find_map(|option| option.strip_prefix("-XX:AOTMode="));
    let is_named = options
        .iter()
        .any(|option| option.starts_with("-XX:AOTCache="));
    is_named && !["off", "record", "create"].contains(&mode.unwrap_or_default())
}

/// Whether the JVM keeps its cache, so that the tool interface must not start early. What that
/// gives up is left out of what is tracked.
pub fn keeps_cache() -> bool {
    if !IS_CACHE_NAMED.load(Relaxed) {
        return false;
    }
    control::give_up(Track::UNSAFE);
    IMAGE.set_track(control::tracked());
    messages::say(
        "the JVM starts from an AOT cache, so memory of `Unsafe` is not recorded; it is with \
         -XX:AOTMode=off",
    );
    true
}

#[cfg(test)]
mod tests {
    use super::{names_cache, writes_archive};

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn a_jvm_that_writes_an_archive_is_told_from_one_that_reads_it() {
        let writes = |text: &str| writes_archive(&words(text));
        for option in [
            "-XX:-AutoCreateSharedArchive -XX:+AutoCreateSharedArchive",
            "-XX:ArchiveClassesAtExit=a.jsa",
            "-Xshare:dump",
            "-XX:+AutoCreateSharedArchive",
            "-XX:AOTMode=create",
        ] {
            assert!(writes(option), "{option}");
        }
        for option in [
            "-XX:SharedArchiveFile=a.jsa",
            "-Xshare:auto",
            "-XX:+AutoCreateSharedArchive -XX:-AutoCreateSharedArchive",
            "-XX:AOTMode=on",
            "-XX:AOTCache=a",
        ] {
            assert!(!writes(option), "{option}");
        }
    }

    #[test]
    fn a_cache_is_used_where_one_is_named_and_not_being_made() {
        let is = |text: &str| names_cache(&words(text));
        assert!(is("-XX:AOTCache=a -Xmx1g"));
        assert!(is("-XX:AOTMode=on -XX:AOTCache=a"));
        assert!(!is("-XX:AOTMode=create -XX:AOTCache=a"));
        assert!(!is("-XX:AOTMode=auto -Xmx1g"));
    }
}
