//! What is said where a stack is not what it could be.

use hackleak_image::Marker;

use crate::model::Frame;

/// The mark for `marker`.
pub(super) fn of(marker: Marker) -> Frame {
    mark(match marker {
        Marker::Truncated => "frames beyond the depth limit were not recorded",
        Marker::FramePointers => "no unwind tables: the frames below come from frame pointers",
        Marker::NoUnwindTables => "no unwind tables: the frames below are missing",
        Marker::Interrupted => "allocated in a signal handler that interrupted the recorder",
        Marker::NoJavaStack => "the JVM gave no Java stack",
        Marker::TreeFull => "the stack was lost: the recorder's stack tree is full",
        Marker::Off => "stacks were switched off",
        Marker::JavaNameless => "Java frames are missing here: the JVM could not name them",
        Marker::JavaTruncated => "Java frames beyond the depth limit were not recorded",
    })
}

/// The mark where frames cannot be read.
pub(super) fn incomplete() -> Frame {
    mark("the frames below cannot be read: the image is damaged or was being written")
}

/// The mark of a stack without any frame.
pub(super) fn empty() -> Frame {
    mark("no stack was recorded")
}

fn mark(text: &str) -> Frame {
    Frame::Mark {
        text: text.to_owned(),
    }
}
