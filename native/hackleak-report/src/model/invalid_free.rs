//! Invalid frees.

use super::frame::Frame;
use super::kind::Kind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An invalid free.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InvalidFree {
    /// What is invalid.
    pub problem: InvalidFreeKind,
    /// How often it was seen, with these stacks.
    pub count: u64,
    /// How the block was allocated; for `notAllocated`, what the function gives back.
    pub kind: Kind,
    /// Size of the block, or of the direct byte buffer, in bytes; 0 for `notAllocated`.
    pub bytes: u64,
    /// The function that freed it, such as `free`, `delete[]` or `ReleaseStringUTFChars`.
    pub released_by: String,
    /// Bytes from the start of the block, for `interior`; the size that the free was told, for
    /// `size`; else 0.
    pub detail: u64,
    /// The stack of the invalid free.
    pub freed: Vec<Frame>,
    /// The stack of the allocation; for `underBuffer`, of the making of the buffer; empty for
    /// `notAllocated`.
    pub allocated: Vec<Frame>,
}

/// What makes a free invalid.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum InvalidFreeKind {
    /// The block was freed by another family of functions than it was allocated by.
    Mismatch,
    /// The block had been freed before.
    DoubleFree,
    /// The pointer lies inside a block.
    Interior,
    /// `operator delete` was told another size than `operator new`.
    Size,
    /// A JNI function or `close` gave back what was never taken, or given back before.
    NotAllocated,
    /// The memory of a direct byte buffer was freed while Java code could still reach the buffer.
    UnderBuffer,
}

impl InvalidFreeKind {
    /// The name, as in the JSON.
    pub const fn name(self) -> &'static str {
        match self {
            InvalidFreeKind::Mismatch => "mismatch",
            InvalidFreeKind::DoubleFree => "doubleFree",
            InvalidFreeKind::Interior => "interior",
            InvalidFreeKind::Size => "size",
            InvalidFreeKind::NotAllocated => "notAllocated",
            InvalidFreeKind::UnderBuffer => "underBuffer",
        }
    }
}

impl InvalidFree {
    /// What happened, in one clause.
    pub fn sentence(&self) -> String {
        let InvalidFree {
            kind,
            bytes,
            detail,
            released_by,
            ..
        } = self;
        let block = match kind {
            Kind::Fd => "a file descriptor".to_owned(),
            _ => format!("a block of {bytes} bytes from {}", kind.name()),
        };
        match self.problem {
            InvalidFreeKind::DoubleFree if *kind == Kind::Fd => {
                "a file descriptor was closed twice, and the second time it was not open".to_owned()
            }
            InvalidFreeKind::NotAllocated if *kind == Kind::Fd => {
                format!("file descriptor {detail} was closed, which is not open")
            }
            InvalidFreeKind::Mismatch => format!("{block} was freed by {released_by}"),
            InvalidFreeKind::DoubleFree => {
                format!("{block} was freed twice, the second time by {released_by}")
            }
            InvalidFreeKind::Interior => {
                format!("{released_by} was given a pointer {detail} bytes inside {block}")
            }
            InvalidFreeKind::Size => format!("{released_by} was told {detail} bytes for {block}"),
            InvalidFreeKind::NotAllocated => format!(
                "{released_by} was given what was not allocated: never taken, or given back before"
            ),
            InvalidFreeKind::UnderBuffer => format!(
                "the memory of a direct byte buffer of {bytes} bytes was freed by {released_by} \
                 while Java code could still reach the buffer"
            ),
        }
    }
}
