//! Compares each recorded Java stack with the one that the victim saw, and looks for native
//! functions that cannot have been there.

use std::collections::{BTreeMap, BTreeSet};

use hackleak_image::{Frame, Image, Marker};
use integration_tests::{Process, Site};

use crate::case::Case;
use crate::run::Outcome;

/// A stack as the victim wrote it.
struct Seen {
    frames: Vec<String>,
    /// What lies below the victim's own frames is the JVM's business.
    open: bool,
}

fn seen(recorded: &Outcome) -> BTreeMap<u64, Seen> {
    let text = recorded.said.get("stacks").map_or("", String::as_str);
    let mut all = BTreeMap::new();
    for line in text.lines() {
        let Some((size, stack)) = line.split_once(' ') else {
            continue;
        };
        let mut frames: Vec<String> = stack.split(';').map(str::to_owned).collect();
        let open = frames.last().is_some_and(|last| last == "*");
        if open {
            frames.pop();
        }
        if let Ok(size) = size.parse() {
            all.insert(size, Seen { frames, open });
        }
    }
    all
}

/// Every block that the victim announced has the stack that it saw.
pub fn compare(
    case: &Case,
    recorded: &Outcome,
    image: &Image,
    process: &Process,
    wrong: &mut Vec<String>,
) {
    let seen = seen(recorded);
    let all = image
        .live_records(0)
        .filter(|record| record.kind.name() == "new[]");
    for record in all {
        let Some(seen) = seen.get(&record.size) else {
            continue;
        };
        if let Err(error) = compare_stack(image, record.stack, seen) {
            wrong.push(format!("{} bytes: {error}", record.size));
        }
    }
    if !case.options.contains("stacks=java") {
        for site in &process.leaks.sites {
            if let Some(name) = innocent(site) {
                wrong.push(format!("{name} was not active: {:?}", site.names()));
            }
        }
    }
}

fn compare_stack(image: &Image, node: u32, seen: &Seen) -> Result<(), String> {
    let mut frames = Vec::new();
    let mut marked = false;
    for frame in image.stack(node).frames {
        match frame {
            Frame::Java { method, .. } => match image.method(method) {
                Some(method) if is_hidden(&method.class, &method.name) => {}
                Some(method) => frames.push(format!("{}.{}", method.class, method.name)),
                None => return Err("a method without a name".to_owned()),
            },
            Frame::Marker(Marker::NoJavaStack) => frames.push("(no Java stack)".to_owned()),
            Frame::Marker(Marker::Interrupted) => return Ok(()),
            // Said to be missing, or found by frame pointers; then it is all of it or nothing.
            Frame::Marker(Marker::NoUnwindTables | Marker::FramePointers) => marked = true,
            _ => {}
        }
    }
    let (mut expected, mut frames) = (seen.frames.clone(), frames);
    if seen.open {
        for list in [&mut expected, &mut frames] {
            let own = list.iter().rposition(|frame| frame.starts_with("Chaos"));
            list.truncate(own.map_or(0, |last| last + 1));
        }
    }
    if expected == frames || (marked && frames.is_empty()) {
        return Ok(());
    }
    let same = expected
        .iter()
        .zip(&frames)
        .take_while(|(a, b)| a == b)
        .count();
    Err(format!(
        "Java stack of {} frames, {} were seen; the first {same} are equal, then {:?}, seen {:?}",
        frames.len(),
        expected.len(),
        &frames[same..frames.len().min(same + 4)],
        &expected[same..expected.len().min(same + 4)],
    ))
}

/// Frames that the JVM hides in its own traces.
fn is_hidden(class: &str, method: &str) -> bool {
    class.contains("LambdaForm")
        || class.contains("/0x")
        || (class.starts_with("java.lang.invoke.") && class.ends_with("$Holder"))
        || [
            ("java.lang.Thread", "runWith"),
            (
                "jdk.internal.reflect.DirectMethodHandleAccessor",
                "invokeImpl",
            ),
        ]
        .contains(&(class, method))
}

/// Helpers of native methods: active only below these.
const HELPERS: [(&str, &[&str]); 6] = [
    ("jump_below", &["jump"]),
    ("call", &["back", "through", "garbled"]),
    ("garbled_inner", &["garbled"]),
    ("framed", &["misleading"]),
    ("look_up", &["lookUp"]),
    ("attach", &["attached"]),
];

/// A native function of the victim that is in the stack though nothing had called it.
fn innocent(site: &Site) -> Option<String> {
    let java: BTreeSet<String> = site.java().into_iter().collect();
    if java.is_empty() {
        return None;
    }
    let from_thread = java.contains("ChaosPieces.fromNativeThread");
    for name in site
        .frames
        .iter()
        .filter(|frame| frame.is_native())
        .map(|frame| frame.name())
    {
        let owners: Vec<&str> = match name.strip_prefix("Java_Chaos_") {
            Some(method) => vec![method],
            None => match HELPERS.iter().find(|(helper, _)| *helper == name) {
                Some((_, owners)) => owners.to_vec(),
                None => continue,
            },
        };
        let active = owners
            .iter()
            .any(|owner| java.contains(&format!("Chaos.{owner}")));
        let begun = from_thread && name == "attach";
        if !active && !begun {
            return Some(name);
        }
    }
    None
}
