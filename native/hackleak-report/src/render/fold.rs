//! Which frames at the root side of a Java stack belong to whatever runs the tests.

use crate::model::{Frame, JavaFrame};

/// Test frameworks, build tools, and the reflection through which they call.
const FRAMEWORK: &[&str] = &[
    "org.junit.",
    "junit.framework.",
    "org.testng.",
    "org.scalatest.",
    "org.apache.maven.",
    "org.codehaus.plexus.",
    "org.gradle.",
    "worker.org.gradle.",
    "com.intellij.rt.",
    "org.eclipse.jdt.internal.",
    "java.lang.reflect.",
    "jdk.internal.reflect.",
    "sun.reflect.",
];
/// What frameworks call each other through; on its own it says nothing about who runs the test.
const BETWEEN: &[&str] = &["java.", "javax.", "jdk.", "sun.", "com.sun.proxy."];

/// How many frames at the end of `frames` only say how the test was started. Fewer than three
/// are not worth folding, and a stack that is nothing else is shown as it is.
pub(super) fn framework_frames(frames: &[Frame]) -> usize {
    let outer = frames.iter().rev().map_while(java);
    let run: Vec<&JavaFrame> = outer
        .take_while(|frame| is(frame, FRAMEWORK) || is(frame, BETWEEN))
        .collect();
    let count = run.len();
    let known = run.iter().any(|frame| is(frame, FRAMEWORK));
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

fn is(frame: &JavaFrame, prefixes: &[&str]) -> bool {
    prefixes
        .iter()
        .any(|prefix| frame.class.starts_with(prefix))
}
