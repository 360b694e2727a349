//! The verdict on what is left, and who holds it.

use super::frame::Thread;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is known of who holds blocks.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum Judgement {
    /// Nothing that can still run has their addresses.
    Lost,
    /// Something holds them.
    Held,
    /// Something holds them, and more of them with every round of a test that was repeated, or with
    /// each of several tests.
    Growing,
    /// There was no process to ask, or it could not tell.
    #[default]
    Unknown,
}

impl Judgement {
    /// The name, as in the JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Judgement::Lost => "lost",
            Judgement::Held => "held",
            Judgement::Growing => "growing",
            Judgement::Unknown => "unknown",
        }
    }
}

/// Who holds blocks: where the chain of pointers to them begins, and what lies between.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Holder {
    /// What sort of root it is.
    pub root: HolderRoot,
    /// The variable; for Java, the class and its field, the method or the thread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Path of the module that the variable belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    /// The module's section that it lies in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub section: Option<String>,
    /// Its address in the module's file, or its offset in the module's thread-local storage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<String>,
    /// The thread that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<Thread>,
    /// Fields of Java objects between the root and native memory, the root's side first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub path: Vec<String>,
    /// The blocks on the way to one that is held, the root's side first.
    pub chain: Vec<String>,
    /// Further holders of blocks of the same site.
    pub others: u64,
}

/// What sort of root a chain of pointers begins at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum HolderRoot {
    /// A variable of a module.
    Data,
    /// A thread-local variable of a module.
    ThreadLocal,
    /// Data specific to a thread that the C library keeps for it.
    Thread,
    /// The stack of a thread.
    Stack,
    /// A static field of a Java class.
    StaticField,
    /// A field of a live Java object.
    Field,
    /// An element of a live Java array.
    Element,
    /// A local variable of a Java method that runs.
    Local,
    /// A JNI global reference to a Java object.
    GlobalReference,
    /// A Java thread: its fields, and its values of `ThreadLocal`s.
    JavaThread,
}

impl From<hackleak_image::layout::Root> for HolderRoot {
    fn from(root: hackleak_image::layout::Root) -> HolderRoot {
        use hackleak_image::layout::Root;
        match root {
            Root::Data => HolderRoot::Data,
            Root::ThreadLocal => HolderRoot::ThreadLocal,
            Root::Thread => HolderRoot::Thread,
            Root::Stack => HolderRoot::Stack,
            Root::StaticField => HolderRoot::StaticField,
            Root::Field => HolderRoot::Field,
            Root::Element => HolderRoot::Element,
            Root::Local => HolderRoot::Local,
            Root::GlobalReference => HolderRoot::GlobalReference,
            Root::JavaThread => HolderRoot::JavaThread,
        }
    }
}
