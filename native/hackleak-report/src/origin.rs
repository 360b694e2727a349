//! Whose code a leak belongs to, and where its source is.
//!
//! The allocating frame is rarely the one to mend: it is in a library, called by a binding, called
//! by a test. The likely owner is the first frame, from the allocation outwards, in the user's
//! own code. Code whose source lies in the folder that the report is made for is the user's own
//! for certain; without sources, it is what shares a package with the outermost code that is
//! neither the JDK's nor a framework's.

mod sources;

use crate::coverage::Runtime;
use crate::model::{Frame, JavaFrame, NativeFrame};
use crate::render::fold::is_own;

pub use sources::{Place, Sources};

/// The likely owner of a stack on each side.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Owner<'frames> {
    /// The Java method, when Java code is on the stack.
    pub java: Option<&'frames JavaFrame>,
    /// Its source.
    pub java_place: Option<Place>,
    /// The native function.
    pub native: Option<&'frames NativeFrame>,
    /// Its source.
    pub native_place: Option<Place>,
}

impl<'frames> Owner<'frames> {
    /// The likely owner of a stack, given with the allocating function first.
    pub fn of(frames: &'frames [Frame], sources: &Sources) -> Owner<'frames> {
        let java: Vec<&JavaFrame> = frames
            .iter()
            .filter_map(|frame| match frame {
                Frame::Java(java) => Some(java),
                _ => None,
            })
            .collect();
        let native: Vec<&NativeFrame> = frames
            .iter()
            .filter_map(|frame| match frame {
                Frame::Native(native) => Some(native),
                _ => None,
            })
            .collect();
        let in_java = java
            .iter()
            .find_map(|frame| Some((*frame, sources.of_java(frame)?)));
        let in_native = native
            .iter()
            .find_map(|frame| Some((*frame, sources.of_native(frame)?)));
        let mut owner = Owner::default();
        match in_java {
            Some((frame, place)) => (owner.java, owner.java_place) = (Some(frame), Some(place)),
            None => owner.java = by_package(&java),
        }
        match in_native {
            Some((frame, place)) => {
                (owner.native, owner.native_place) = (Some(frame), Some(place));
            }
            None => owner.native = outside_of_runtime(&native),
        }
        owner
    }

    /// Where to point at: Java's place before that of native code.
    pub fn place(&self) -> Option<&Place> {
        self.java_place.as_ref().or(self.native_place.as_ref())
    }
}

/// The first frame of the package that the outermost own frame is of; else the first that is not
/// the JDK's.
fn by_package<'frames>(java: &[&'frames JavaFrame]) -> Option<&'frames JavaFrame> {
    let own = || java.iter().copied().filter(|frame| is_own(frame));
    let outermost = own().next_back()?;
    let package = package(&outermost.class);
    own()
        .find(|frame| !package.is_empty() && self::package(&frame.class) == package)
        .or(Some(outermost))
}

/// The first two parts of the package of `class`: who made it.
fn package(class: &str) -> &str {
    let Some((package, _)) = class.rsplit_once('.') else {
        return "";
    };
    match package.match_indices('.').nth(1) {
        Some((second, _)) => &package[..second],
        None => package,
    }
}

/// The first function that is neither the runtime's nor a template of the standard library.
fn outside_of_runtime<'frames>(native: &[&'frames NativeFrame]) -> Option<&'frames NativeFrame> {
    let runtime = Runtime::of(native.iter().map(|frame| &*frame.module));
    native.iter().copied().find(|frame| {
        let standard = frame.function.as_deref().is_some_and(|name| {
            [
                "std::",
                "__gnu_cxx::",
                "operator new",
                "alloc::",
                "core::",
                "__rust",
            ]
            .iter()
            .any(|start| name.starts_with(start))
        });
        !standard && !runtime.contains(&frame.module)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn java(class: &str) -> Frame {
        Frame::Java(JavaFrame {
            class: class.to_owned(),
            method: "m".to_owned(),
            file: None,
            line: None,
            native: false,
        })
    }

    fn native(function: &str, module: &str) -> Frame {
        Frame::Native(NativeFrame {
            function: Some(function.to_owned()),
            file: None,
            line: None,
            inlined: false,
            module: module.to_owned(),
            offset: "0x1".to_owned(),
        })
    }

    #[test]
    fn without_sources_the_outermost_own_package_decides() {
        let frames = [
            native("std::vector<int>::reserve", "/tmp/librocks.so"),
            native("malloc_wrapper", "/lib/libc.so.6"),
            native("rocks::open", "/tmp/librocks.so"),
            java("org.rocksdb.Options"),
            java("com.acme.store.Table"),
            java("com.acme.StoreTest"),
            java("java.lang.reflect.Method"),
            java("org.junit.runner.Runner"),
        ];
        let owner = Owner::of(&frames, &Sources::none());
        assert_eq!(
            owner.java.map(|frame| &*frame.class),
            Some("com.acme.store.Table")
        );
        let function = owner.native.and_then(|frame| frame.function.as_deref());
        assert_eq!(function, Some("rocks::open"));
        assert_eq!(owner.place(), None);
    }

    #[test]
    fn a_library_that_tests_itself_owns_its_leaks() {
        let frames = [java("org.rocksdb.Options"), java("org.rocksdb.OptionsTest")];
        let owner = Owner::of(&frames, &Sources::none());
        assert_eq!(
            owner.java.map(|frame| &*frame.class),
            Some("org.rocksdb.Options")
        );
    }
}
