//! A site in one line, for lists.

use super::names::brief;
use super::stack::base_name;
use crate::model::Frame;
use crate::stable::library_name;

/// Functions that hand memory on to whoever asked for it: no site is recognised by them.
const ALLOCATING: [&str; 9] = [
    "operator new",
    "std::",
    "__gnu_cxx::",
    "void* std::",
    "alloc::",
    "<alloc::",
    "core::",
    "__rust",
    "hashbrown::",
];

/// The first function that is no part of a standard library, and the Java method that called into
/// native code.
pub fn label(frames: &[Frame]) -> String {
    let natives = || {
        frames.iter().filter_map(|frame| match frame {
            Frame::Native(native) => Some(native),
            Frame::Java(_) | Frame::Mark { .. } => None,
        })
    };
    // What was inlined has the name of a convenience; its caller is what people look for.
    let own = natives().find(|native| {
        !native.inlined
            && native
                .function
                .as_deref()
                .is_some_and(|name| !ALLOCATING.iter().any(|start| name.starts_with(start)))
    });
    let native = own.or_else(|| natives().next()).map(|native| {
        match (&native.function, &native.file, native.line) {
            (Some(function), Some(file), Some(line)) => {
                format!("{}  {}:{line}", brief(function), base_name(file))
            }
            (Some(function), _, _) => {
                format!("{}  ({})", brief(function), library_name(&native.module))
            }
            (None, _, _) => format!("{}+{}", library_name(&native.module), native.offset),
        }
    });
    let java = frames.iter().find_map(|frame| match frame {
        Frame::Java(java) => Some(format!("{}.{}", java.class, java.method)),
        Frame::Native(_) | Frame::Mark { .. } => None,
    });
    match (native, java) {
        (Some(native), Some(java)) => format!("{native}  from {java}"),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => "(no stack)".to_owned(),
    }
}
