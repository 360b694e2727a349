//! Which kinds of resources a report does not speak of: those that were not tracked, could not be,
//! or were tracked too late. "No leaks" must not be taken for a word on them.

use hackleak_image::Image;
use hackleak_image::layout::flags;
use hackleak_options::Track;

use crate::allowance::Group;

/// What native code can leak, by the name that tracks it in `track`, if this version has such a
/// name. The last field tells what only a JVM has.
const KINDS: [(&str, &str, bool); 10] = [
    ("new", "C++ new/delete", false),
    ("malloc", "malloc", false),
    ("jni", "JNI references", true),
    ("unsafe", "Unsafe memory", true),
    ("mmap", "mapped memory", false),
    ("fd", "file descriptors and sockets", false),
    ("thread", "threads", false),
    ("attach", "attached threads and local references", true),
    ("zip", "what Deflater and Inflater hold", true),
    ("module", "loaded libraries", false),
];

/// The name of a kind for people.
pub(crate) fn phrase(kind: &str) -> &str {
    let found = KINDS.iter().find(|(name, ..)| *name == kind);
    found.map_or(kind, |(_, phrase, _)| phrase)
}

/// The kinds that are not among `track`, as a clause; `None` when there are none.
pub(crate) fn not_tracked(track: &[String], is_jvm: bool) -> Option<String> {
    let missing: Vec<&str> = KINDS
        .iter()
        .filter(|(_, _, of_jvm)| is_jvm || !of_jvm)
        .filter(|(name, ..)| !track.iter().any(|tracked| tracked == name))
        .map(|(_, phrase, _)| *phrase)
        .collect();
    (!missing.is_empty()).then(|| format!("not tracked: {}", missing.join(", ")))
}

/// What is said if the report is on these `groups` alone, and none of them was tracked.
pub(crate) fn none_of(groups: &[Group], image: &Image) -> Option<String> {
    let track = Track::names(image.header().track);
    // What pools have is no kind of its own in `track`.
    let is_tracked = |group: &Group| {
        *group == Group::Pool || track.iter().any(|tracked| tracked == group.name())
    };
    let names: Vec<&str> = groups.iter().map(|group| group.name()).collect();
    (!names.is_empty() && !groups.iter().any(is_tracked)).then(|| {
        let (names, track) = (names.join("+"), track.join("+"));
        format!("none of the kinds {names} was tracked: record with track={track}+{names}")
    })
}

/// What the JVM of an image does not tell, and what comes of it.
pub fn untold(image: &Image) -> Vec<String> {
    let sentences = [
        (
            flags::NO_JVM_TABLES,
            "this JVM does not say where it keeps its code: recalling Java stacks is off, so each \
             one is asked for anew, which is exact and slower",
        ),
        (
            flags::NO_CALL_TRACE,
            "this JVM has no `AsyncGetCallTrace`: JVMTI is asked for Java stacks, which is exact \
             and slower; what is allocated in a `critical` downcall has none",
        ),
    ];
    let found = sentences.iter().filter(|(flag, _)| image.has_flag(*flag));
    found.map(|(_, sentence)| (*sentence).to_owned()).collect()
}

/// Whether one of the modules at `paths` is a JVM.
pub(crate) fn is_jvm<'a>(mut paths: impl Iterator<Item = &'a str>) -> bool {
    paths.any(|path| path.rsplit('/').next() == Some("libjvm.so"))
}

/// The kinds that are tracked and were not seen, or not from the start, one sentence each.
pub(crate) fn missed(image: &Image, track: &[String], is_jvm: bool) -> Vec<String> {
    let of_jvm: Vec<&str> = ["jni", "unsafe", "attach"]
        .into_iter()
        .filter(|kind| track.iter().any(|tracked| tracked == kind))
        .map(phrase)
        .collect();
    // A forked child of a JVM runs no Java code.
    if of_jvm.is_empty() || !is_jvm || image.has_flag(flags::FORKED) {
        return Vec::new();
    }
    let names = of_jvm.join(" and ");
    let agent = "add -agentpath:PATH/libhackleak.so to the JVM's options";
    match (
        image.has_flag(flags::JAVA),
        image.has_flag(flags::JAVA_EARLY),
    ) {
        (false, _) => vec![format!(
            "{names} could not be tracked: the agent is not in place in this JVM. Remedy: {agent}"
        )],
        (true, false) => vec![format!(
            "{names} were tracked too late: what was made before the agent was in place is not \
             recorded. Remedy: {agent}"
        )],
        (true, true) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn track(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn what_is_not_tracked_is_named() {
        let some = not_tracked(&track(&["new", "malloc", "unsafe", "fd"]), true);
        let some = some.expect("kinds are missing");
        assert!(
            some.starts_with("not tracked: JNI references, mapped"),
            "{some}"
        );
        assert!(
            !some.contains("Unsafe") && !some.contains("descriptors"),
            "{some}"
        );
    }

    #[test]
    fn a_plain_program_lacks_nothing_of_a_jvm() {
        let plain = not_tracked(&track(&["new", "malloc"]), false).expect("kinds are missing");
        assert!(
            !plain.contains("JNI") && plain.contains("threads"),
            "{plain}"
        );
        let all = KINDS.map(|(name, ..)| name);
        assert_eq!(not_tracked(&track(&all), true), None);
    }

    #[test]
    fn a_jvm_is_known_by_its_library() {
        assert!(is_jvm(["/a/java", "/jdk/lib/server/libjvm.so"].into_iter()));
        assert!(!is_jvm(["/a/libjvm.so.txt", "/libjvm.so/x"].into_iter()));
    }
}
