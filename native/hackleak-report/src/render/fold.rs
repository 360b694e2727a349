//! Which frames at the root side of a Java stack belong to whatever runs the tests.

use crate::model::Frame;
use crate::owner::{is_framework, outer_run};

/// How many frames at the end of `frames` only say how the test was started. Fewer than three
/// are not worth folding, and a stack that is nothing else is shown as it is.
pub(crate) fn framework_frames(frames: &[Frame]) -> usize {
    let (launcher, run) = outer_run(frames);
    let count = run.len() + launcher;
    let known = run.iter().any(|frame| is_framework(frame));
    if known && count >= 3 && count < frames.len() {
        count
    } else {
        0
    }
}
