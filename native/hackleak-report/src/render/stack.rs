//! One merged stack as text, Java above native.
//!
//! The frames come innermost first, so a call from Java into native code and back reads
//! `native, Java, native, Java`. Each Java part is printed with the native part that it called
//! below it; the pair that called that pair follows.

use super::fold::framework_frames;
use super::numbers::thousands;
use crate::model::{Frame, JavaFrame, NativeFrame};
use crate::symbolise::native::NO_MODULE;

/// The lines of a stack, without indentation of their own.
pub(super) fn lines(frames: &[Frame]) -> Vec<String> {
    let runs = runs(frames);
    let mixed = runs.iter().any(|run| run.java);
    let mut lines = Vec::new();
    let mut native: Option<&Run<'_>> = None;
    let last = runs.len().saturating_sub(1);
    for (position, run) in runs.iter().enumerate() {
        if !run.java {
            native = Some(run);
            if position < last {
                continue;
            }
        }
        if !lines.is_empty() {
            lines.push("called from".to_owned());
        }
        if run.java {
            java_lines(run.frames, position == last, &mut lines);
        }
        if let Some(native) = native.take() {
            native_lines(native.frames, mixed, &mut lines);
        }
    }
    lines
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
    for frame in shown {
        match frame {
            Frame::Java(java) => lines.push(java_line(java)),
            Frame::Native(native) => lines.push(native_line(native)),
            Frame::Mark { text } => lines.push(format!("({text})")),
        }
    }
    if !hidden.is_empty() {
        lines.push(format!(
            "… {} frames of the test framework",
            thousands(hidden.len() as u64)
        ));
    }
}

fn native_lines(frames: &[Frame], mixed: bool, lines: &mut Vec<String>) {
    let indent = if mixed { "  " } else { "" };
    if mixed {
        lines.push("native:".to_owned());
    }
    let mut number = 0;
    for frame in frames {
        let line = match frame {
            Frame::Native(native) => {
                number += 1;
                format!("#{} {}", number - 1, native_line(native))
            }
            Frame::Java(java) => java_line(java),
            Frame::Mark { text } => format!("({text})"),
        };
        lines.push(format!("{indent}{line}"));
    }
}

/// As Java prints it, which is what IDEs turn into links.
fn java_line(frame: &JavaFrame) -> String {
    let place = match (frame.native, &frame.file, frame.line) {
        (true, _, _) => "Native Method".to_owned(),
        (_, Some(file), Some(line)) => format!("{file}:{line}"),
        (_, Some(file), None) => file.clone(),
        (_, None, _) => "Unknown Source".to_owned(),
    };
    format!("at {}.{}({place})", frame.class, frame.method)
}

fn native_line(frame: &NativeFrame) -> String {
    let inlined = if frame.inlined { " (inlined)" } else { "" };
    let offset = &frame.offset;
    match (&frame.function, &frame.file) {
        (Some(function), Some(file)) => {
            let line = frame
                .line
                .map(|line| format!(":{line}"))
                .unwrap_or_default();
            format!("{function}{inlined}  {file}{line}")
        }
        (Some(function), None) => {
            format!(
                "{function}{inlined}  ({}+{offset})",
                base_name(&frame.module)
            )
        }
        (None, _) if frame.module == NO_MODULE => format!("{offset} {NO_MODULE}"),
        (None, _) => format!("{}+{offset}", frame.module),
    }
}

pub(super) fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
