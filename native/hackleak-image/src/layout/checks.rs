//! Checkpoints, assertions, and what a look at who holds what has found.

use super::blob::Blob;
use bytemuck::{Pod, Zeroable};

macro_rules! numbered {
    (
        $(#[doc = $doc:literal])+
        $type:ident { $($(#[doc = $each:literal])+ $name:ident = $number:literal,)* }
    ) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u32)]
        pub enum $type { $($(#[doc = $each])+ $name = $number,)* }
        impl $type {
            /// The meaning of a number read from a file.
            pub fn from_number(number: u32) -> Option<$type> {
                match number { $($number => Some($type::$name),)* _ => None }
            }
        }
    };
}

/// A checkpoint.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Checkpoint {
    /// Allocations from now on have this epoch or a later one.
    pub epoch: u32,
    /// Index of the thread that took it.
    pub thread: u32,
    /// Label, or empty.
    pub label: Blob,
    /// When, ns since 1970.
    pub unix_ns: u64,
}

/// A point of the timeline: what was live at a moment, over all threads.
///
/// Threads go on while the sum is made, so it may be off by what they do meanwhile. Points that
/// traffic causes keep a distance, 10 ms at first, which doubles with every 1024 of them: a day of
/// traffic is some 13,000 points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Point {
    /// When, ns since 1970; 0 while it is being written.
    pub unix_ns: u64,
    /// Bytes live.
    pub bytes: u64,
    /// Blocks live.
    pub blocks: u64,
    /// The newest epoch then.
    pub epoch: u32,
    /// A [`Cause`].
    pub cause: u32,
}

numbered! {
    /// Why a [`Point`] was written.
    Cause {
        /// The recording began.
        Start = 1,
        /// A thread allocated or freed more than a MiB since its last look.
        Traffic = 2,
        /// A checkpoint was taken; the point's epoch is the checkpoint's.
        Checkpoint = 3,
        /// The process came to its end.
        End = 4,
        /// An assertion ended.
        Assertion = 5,
    }
}

/// An assertion that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Assertion {
    /// An [`Outcome`]; written last, 0 is none.
    pub outcome: u32,
    /// A [`Check`].
    pub check: u32,
    /// The epoch of the checkpoint that it looked back to; 0 is the start of the process.
    pub since: u32,
    /// The scope that it looked at, or 0 for all.
    pub scope: u32,
    /// When it ended, ns since 1970.
    pub unix_ns: u64,
    /// Bytes that had leaked.
    pub bytes: u64,
    /// Blocks that had leaked.
    pub blocks: u64,
    /// Sites of these blocks; 0 when they were not told apart.
    pub sites: u32,
    /// Index of the thread that asserted.
    pub thread: u32,
    /// The label of the checkpoint, which is the test's name under `@NoLeaks`; may be empty.
    pub label: Blob,
    /// For [`Outcome::Error`], what went wrong; else empty.
    pub detail: Blob,
}

numbered! {
    /// What became of an assertion.
    Outcome {
        /// Nothing had leaked.
        Passed = 1,
        /// Something had leaked, or what else fails assertions was found: invalid frees, libraries
        /// that are not seen.
        Failed = 2,
        /// Nothing was seen, but events are missing from the record.
        Incomplete = 3,
        /// The check itself failed.
        Error = 4,
    }
}

numbered! {
    /// What kind of assertion it was.
    Check {
        /// `HackLeak.assertNoLeaks`, which `@NoLeaks` uses too.
        Assertion = 1,
        /// The check at the exit of the JVM.
        Exit = 2,
    }
}

/// A look at who holds the blocks that were live at a moment.
///
/// A reader finds it by its number, which the assertion passes on, or takes the last one that
/// looked at everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Judging {
    /// When it ended, ns since 1970; written last, 0 while it is under way.
    pub unix_ns: u64,
    /// The epoch that it looked back to; 0 is everything.
    pub since: u32,
    /// See [`judging_flags`].
    pub flags: u32,
    /// Index of its first record among the [`Judged`].
    pub first: u32,
    /// How many records are its own.
    pub count: u32,
    /// Reserved, zero.
    pub reserved: u64,
}

/// Bits of [`Judging::flags`].
pub mod judging_flags {
    /// The Java heap was looked at; else only native memory could hold anything.
    pub const JAVA: u32 = 1;
    /// The process was at its end.
    pub const AT_EXIT: u32 = 2;
}

/// Blocks of one stack, context and kind, with what was found out about them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Judged {
    /// Node and context, as in [`Live::origin`].
    pub origin: u64,
    /// Bytes of the blocks.
    pub bytes: u64,
    /// Blocks; 0 while the record is being written.
    pub count: u32,
    /// A [`Kind`].
    pub kind: u32,
    /// Index of the [`Holder`] plus one; 0 when nothing holds them.
    pub holder: u32,
    /// Reserved, zero.
    pub reserved: u32,
}

/// Who holds memory: the root that a chain of pointers begins at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Holder {
    /// A [`Root`]; written last.
    pub root: u32,
    /// For [`Root::Data`] and [`Root::ThreadLocal`], the module plus one; 0 is unknown.
    pub module: u32,
    /// Address of the word in the module's file, or its offset in the module's thread-local block.
    pub offset: u64,
    /// For threads, the kernel's number.
    pub tid: u32,
    /// Reserved, zero.
    pub reserved: u32,
    /// Name of the thread, or class and field of Java's as they are shown; then, on a line each,
    /// what lies between that root and the native memory: fields of Java's, the last one with the
    /// address.
    pub name: Blob,
    /// The blocks on the way from the root to the first block that it holds: a [`Link`] each.
    pub chain: Blob,
}

numbered! {
    /// What sort of root a chain of pointers begins at.
    Root {
        /// A word of a module's writable data.
        Data = 1,
        /// A word of a thread's thread-local storage that belongs to a module.
        ThreadLocal = 2,
        /// A thread's own record in the C library: `pthread_setspecific` and the like.
        Thread = 3,
        /// The stack of a thread.
        Stack = 4,
        /// A static field of a Java class.
        StaticField = 5,
        /// A field of a live Java object.
        Field = 6,
        /// An element of a live Java array.
        Element = 7,
        /// A local variable of a Java method that runs.
        Local = 8,
        /// A JNI global reference to a Java object.
        GlobalReference = 9,
        /// A Java thread: its fields, and its values of `ThreadLocal`s.
        JavaThread = 10,
    }
}

/// A block on the way from a root, in [`Holder::chain`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Link {
    /// Size of the block.
    pub size: u64,
    /// Node of its stack; 0 for memory that is not recorded, such as a mapping.
    pub stack: u32,
    /// A [`Kind`], or 0.
    pub kind: u32,
}
