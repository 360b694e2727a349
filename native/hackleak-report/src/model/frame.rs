//! Threads, and the frames of stacks.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A thread.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub struct Thread {
    /// The kernel's number.
    pub tid: u32,
    /// The name as the kernel knew it.
    pub name: String,
}

/// One frame of a merged stack.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum Frame {
    /// A native function.
    Native(NativeFrame),
    /// A Java method.
    Java(JavaFrame),
    /// Something that must be said about the stack at this place.
    Mark {
        /// What must be said.
        text: String,
    },
}

/// A native function.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub struct NativeFrame {
    /// Name, demangled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    /// Source file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Line in the source file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// Whether it was inlined into the next native frame.
    pub inlined: bool,
    /// Path of its module as the loader knew it.
    pub module: String,
    /// Last byte of the call, as the module's file counts addresses: what `addr2line` takes.
    pub offset: String,
}

/// A Java method.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub struct JavaFrame {
    /// Class as Java names it: `java.util.HashMap$Node`.
    pub class: String,
    /// Method.
    pub method: String,
    /// Source file, without its folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Line in the source file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// Whether the method is native.
    pub native: bool,
}
