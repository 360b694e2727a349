//! Which frames at the root side of a Java stack belong to whatever runs the tests.

use crate::model::{Frame, JavaFrame};
use crate::owner::{is_between, is_framework, launcher_frames};

/// How many frames at the end of `frames` only say how the test was started. Fewer than three
/// are not worth folding, and a stack that is nothing else is shown as it is.
pub(crate) fn framework_frames(frames: &[Frame]) -> usize {
    let launcher = launcher_frames(frames);
    let outer = frames.iter().rev().skip(launcher).map_while(java);
    let run: Vec<&JavaFrame> = outer
        .take_while(|frame| is_framework(frame) || is_between(frame))
        .collect();
    let count = run.len() + launcher;
    let known = run.iter().any(|frame| is_framework(frame));
    if known && count >= 3 && count < frames.len() {
        count
    } else {
        0
    }
}

fn java(frame: &Frame) -> Option<&JavaFrame> {
    match frame {
        Frame::Java(java) => Some(java),
        _ => None,
    }
}
