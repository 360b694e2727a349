//! One merged stack as text, Java above native.
//!
//! The frames come innermost first, so a call from Java into native code and back reads
//! `native, Java, native, Java`. Each Java part is printed with the native part that it called
//! below it; the pair that called that pair follows.

use super::fold::framework_frames;
use super::names;
use crate::model::{Frame, JavaFrame, NativeFrame};
use crate::numbers::{counted, thousands};
use crate::stable::{is_unpacked, library_name};
use crate::symbolise::native::NO_MODULE;

/// A part with more frames than this is shown without its middle.
const MAX_FRAMES: usize = 60;
/// How many frames at the inner and at the outer end of such a part are shown.
const SHOWN_INNER: usize = 40;
const SHOWN_OUTER: usize = 15;

/// The innermost native frames, and the rest, which begins with the Java code that called them.
/// One of the two may be empty.
pub(super) fn split(frames: &[Frame]) -> (&[Frame], &[Frame]) {
    match runs(frames).first() {
        Some(run) if !run.java => frames.split_at(run.frames.len()),
        _ => (&[], frames),
    }
}

/// Native frames that one and the same Java code called, and what is said above them.
pub(super) struct Called<'frames> {
    pub(super) label: String,
    pub(super) frames: &'frames [Frame],
}

/// The lines of one whole stack.
pub(super) fn whole(frames: &[Frame]) -> Vec<String> {
    let (native, callers) = split(frames);
    let called = Called {
        label: String::new(),
        frames: native,
    };
    lines(&[called], callers, None)
}

/// The lines of one whole stack, the allocating function first as in a crash log: native frames
/// above the Java frames that called them.
pub(super) fn innermost_first(frames: &[Frame]) -> Vec<String> {
    let hidden = framework_frames(frames);
    let mut number = 0;
    let shown = &frames[..frames.len() - hidden];
    let all = shown.iter().map(|frame| match frame {
        Frame::Native(native) => {
            number += 1;
            format!("#{} {}", number - 1, native_line(native))
        }
        other => format!("   {}", frame_line(other)),
    });
    let mut lines = without_middle(all.collect());
    if hidden > 0 {
        lines.push(format!(
            "   ... {} of the test framework",
            counted(hidden as u64, "frame")
        ));
    }
    lines
}

/// The lines of `callers` with each of `called` below their innermost Java part, and the line
/// `more` after these. Without indentation of their own.
pub(super) fn lines(called: &[Called<'_>], callers: &[Frame], more: Option<String>) -> Vec<String> {
    let runs = runs(callers);
    let mut lines = Vec::new();
    if runs.is_empty() {
        for called in called {
            native_lines(called.frames, "", &mut lines);
        }
        return lines;
    }
    let mut more = more;
    let mut native: Option<&Run<'_>> = None;
    let last = runs.len() - 1;
    for (position, run) in runs.iter().enumerate() {
        if !run.java {
            native = Some(run);
            if position < last {
                continue;
            }
        }
        if position > 0 {
            lines.push("called from".to_owned());
        }
        if run.java {
            java_lines(run.frames, position == last, &mut lines);
        }
        if position == 0 {
            for called in called {
                called_lines(called, &mut lines);
            }
            lines.extend(more.take());
        } else if let Some(native) = native.take() {
            lines.push("native:".to_owned());
            native_lines(native.frames, "  ", &mut lines);
        }
    }
    lines
}

fn called_lines(called: &Called<'_>, lines: &mut Vec<String>) {
    match (called.frames, called.label.is_empty()) {
        ([], true) => {}
        ([], false) => lines.push(format!("native, {}: no frames", called.label)),
        (frames, true) => {
            lines.push("native:".to_owned());
            native_lines(frames, "  ", lines);
        }
        (frames, false) => {
            lines.push(format!("native, {}:", called.label));
            native_lines(frames, "  ", lines);
        }
    }
}

/// Neighbouring frames of one side; marks belong to the side that they follow.
struct Run<'frames> {
    java: bool,
    frames: &'frames [Frame],
}

fn runs(frames: &[Frame]) -> Vec<Run<'_>> {
    let side = |frame: &Frame| match frame {
        Frame::Java(_) => Some(true),
        Frame::Native(_) => Some(false),
        Frame::Mark { .. } => None,
    };
    let mut runs = Vec::new();
    let mut rest = frames;
    while !rest.is_empty() {
        let java = rest.iter().find_map(side).unwrap_or(false);
        let length = rest
            .iter()
            .take_while(|frame| side(frame).is_none_or(|is| is == java))
            .count();
        let (run, after) = rest.split_at(length);
        runs.push(Run { java, frames: run });
        rest = after;
    }
    runs
}

fn java_lines(frames: &[Frame], outermost: bool, lines: &mut Vec<String>) {
    let folded = if outermost {
        framework_frames(frames)
    } else {
        0
    };
    let (shown, hidden) = frames.split_at(frames.len() - folded);
    let all = shown.iter().map(frame_line).collect();
    lines.extend(without_middle(all));
    if !hidden.is_empty() {
        lines.push(format!(
            "... {} frames of the test framework",
            thousands(hidden.len() as u64)
        ));
    }
}

fn native_lines(frames: &[Frame], indent: &str, lines: &mut Vec<String>) {
    let mut number = 0;
    let mut all = Vec::with_capacity(frames.len());
    for frame in frames {
        let line = frame_line(frame);
        if matches!(frame, Frame::Native(_)) {
            all.push(format!("{indent}#{number} {line}"));
            number += 1;
        } else {
            all.push(format!("{indent}{line}"));
        }
    }
    lines.extend(without_middle(all));
}

/// Deep recursion must not bury the rest of the report.
fn without_middle(mut lines: Vec<String>) -> Vec<String> {
    if lines.len() > MAX_FRAMES {
        let hidden = lines.len() - SHOWN_INNER - SHOWN_OUTER;
        let inner = &lines[0];
        let indent = &inner[..inner.len() - inner.trim_start().len()];
        let line = format!("{indent}... {} more frames", thousands(hidden as u64));
        lines.splice(SHOWN_INNER..SHOWN_INNER + hidden, [line]);
    }
    lines
}

/// One frame.
pub(super) fn frame_line(frame: &Frame) -> String {
    match frame {
        Frame::Java(java) => java_line(java),
        Frame::Native(native) => native_line(native),
        Frame::Mark { text } => format!("({text})"),
    }
}

/// A frame and its place in a few words.
pub(crate) fn frame_name(frame: &Frame) -> String {
    match frame {
        Frame::Java(java) => java_place(java),
        Frame::Native(native) => {
            let module = library_name(&native.module);
            let Some(function) = &native.function else {
                return format!("{module}+{}", native.offset);
            };
            let function = names::brief(function);
            match (&native.file, native.line) {
                (Some(file), Some(line)) => format!("{function} ({}:{line})", base_name(file)),
                _ => format!("{function} ({module})"),
            }
        }
        Frame::Mark { text } => text.clone(),
    }
}

/// As Java prints it, which is what IDEs turn into links.
fn java_line(frame: &JavaFrame) -> String {
    format!("at {}", java_place(frame))
}

fn java_place(frame: &JavaFrame) -> String {
    let place = match (frame.native, &frame.file, frame.line) {
        (true, _, _) => "Native Method".to_owned(),
        (_, Some(file), Some(line)) => format!("{file}:{line}"),
        (_, Some(file), None) => file.clone(),
        (_, None, _) => "Unknown Source".to_owned(),
    };
    format!("{}.{}({place})", frame.class, frame.method)
}

fn native_line(frame: &NativeFrame) -> String {
    let inlined = if frame.inlined { " (inlined)" } else { "" };
    let offset = &frame.offset;
    let Some(function) = frame.function.as_deref().map(names::brief) else {
        return if frame.module == NO_MODULE {
            format!("{offset} {NO_MODULE}")
        } else if is_unpacked(&frame.module) {
            format!("{}+{offset}", library_name(&frame.module))
        } else {
            format!("{}+{offset}", frame.module)
        };
    };
    match (&frame.file, frame.line) {
        (Some(file), Some(line)) => format!("{function}{inlined}  {file}:{line}"),
        (Some(file), None) => format!("{function}{inlined}  {file}"),
        (None, _) => format!(
            "{function}{inlined}  ({}+{offset})",
            library_name(&frame.module)
        ),
    }
}

pub(crate) fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
