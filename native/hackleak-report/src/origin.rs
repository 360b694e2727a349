//! Where the source of a leak's likely owner is.
//!
//! Code whose source lies in the folder that the report is made for is the user's own for certain.
//! So the first frame of such code, from the allocation outwards, is the one to point at. Where
//! there are no sources, the site's own guess ([`crate::model::Owner`]) stands.

mod sources;

use crate::coverage::Runtime;
use crate::model::{Frame, JavaFrame, NativeFrame, Owner};
use crate::owner;

pub use sources::{Place, Sources};

/// The likely owner of a stack on each side, and where its source is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin<'frames> {
    /// The Java method, when Java code is on the stack.
    pub java: Option<&'frames JavaFrame>,
    /// Its source.
    pub java_place: Option<Place>,
    /// The native function.
    pub native: Option<&'frames NativeFrame>,
    /// Its source.
    pub native_place: Option<Place>,
}

impl<'frames> Origin<'frames> {
    /// The origin of a stack, given with the allocating function first; `owner` is what its site
    /// says, if it is the stack of a site.
    pub fn of(
        frames: &'frames [Frame],
        owner: Option<&Owner>,
        sources: &Sources,
    ) -> Origin<'frames> {
        let guessed = || {
            let modules = native(frames).map(|frame| &*frame.module);
            owner::owner(frames, &Runtime::of(modules))
        };
        let owner = owner.cloned().or_else(guessed);
        let at = |index: Option<u32>| frames.get(index? as usize);
        let mut origin = Origin::default();
        // A native method has no line of its own; the one around it has.
        let with_line = java(frames).filter(|frame| frame.line.is_some());
        let mut in_sources = with_line.chain(java(frames));
        match in_sources.find_map(|frame| Some((frame, sources.of_java(frame)?))) {
            Some((frame, place)) => (origin.java, origin.java_place) = (Some(frame), Some(place)),
            None => {
                let frame = at(owner.as_ref().and_then(|owner| owner.java_frame));
                origin.java = frame.and_then(|frame| java(std::slice::from_ref(frame)).next());
            }
        }
        match native(frames).find_map(|frame| Some((frame, sources.of_native(frame)?))) {
            Some((frame, place)) => {
                (origin.native, origin.native_place) = (Some(frame), Some(place));
            }
            None => {
                let frame = at(owner.as_ref().and_then(|owner| owner.native_frame));
                origin.native = frame.and_then(|frame| native(std::slice::from_ref(frame)).next());
            }
        }
        origin
    }

    /// Where to point at: Java's place before that of native code.
    pub fn place(&self) -> Option<&Place> {
        self.java_place.as_ref().or(self.native_place.as_ref())
    }
}

fn java(frames: &[Frame]) -> impl Iterator<Item = &JavaFrame> {
    frames.iter().filter_map(|frame| match frame {
        Frame::Java(java) => Some(java),
        _ => None,
    })
}

fn native(frames: &[Frame]) -> impl Iterator<Item = &NativeFrame> {
    frames.iter().filter_map(|frame| match frame {
        Frame::Native(native) => Some(native),
        _ => None,
    })
}
