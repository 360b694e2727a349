//! The program: its stacks, threads, modules, methods and scopes.

use super::blob::Blob;
use bytemuck::{Pod, Zeroable};

/// A node of the stack tree: one frame below another. The root is node 0, which is not stored
/// as a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Node {
    /// A [`crate::Frame`]; 0 while the node is being written.
    pub frame: u64,
    /// The node on the root side.
    pub parent: u32,
    /// The writer's hash of the path; of no meaning to a reader.
    pub hash: u32,
}

/// What an allocation belongs to besides its stack. Context 0 is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Context {
    /// The epoch it was made in.
    pub epoch: u32,
    /// The scope, or 0.
    pub scope: u32,
    /// Index into the threads.
    pub thread: u32,
    /// [`CONTEXT_IGNORED`], [`CONTEXT_INHERITED`].
    pub flags: u32,
}

/// [`Context::flags`]: the allocation leaks on purpose.
pub const CONTEXT_IGNORED: u32 = 1;

/// [`Context::flags`]: the thread did not enter the scope itself but was started in it.
pub const CONTEXT_INHERITED: u32 = 2;

/// A thread. Its numbers are written by that thread alone.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Thread {
    /// The kernel's thread number.
    pub tid: u32,
    /// 1 while the thread runs.
    pub running: u32,
    /// Name as the kernel knows it, ended by a zero byte.
    pub name: [u8; 16],
    /// Allocations recorded.
    pub allocations: u64,
    /// Frees of recorded blocks.
    pub frees: u64,
    /// Bytes allocated.
    pub bytes: u64,
    /// Bytes of recorded blocks that it freed, its own or other threads'.
    pub freed_bytes: u64,
    /// Stacks found by the memo alone, without walking to the end.
    pub remembered_walks: u64,
    /// Stacks walked to the end.
    pub full_walks: u64,
    /// Java stacks asked of the JVM.
    pub java_asks: u64,
    /// Java stacks that JVMTI gave because `AsyncGetCallTrace` could not.
    pub java_fallbacks: u64,
    /// The epoch in which it ended; 0 while it runs.
    pub ended: u32,
    /// Reserved, zero: the record fills two cache lines.
    pub reserved: [u32; 9],
}

/// A loaded module, as it was when it was first seen.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Module {
    /// Path as the loader knows it.
    pub path: Blob,
    /// The GNU build-id, `build_id_len` bytes.
    pub build_id: [u8; 32],
    /// Length of the build-id; 0 when there is none.
    pub build_id_len: u32,
    /// See [`module_flags`].
    pub flags: u32,
    /// Load bias: address in the process less address in the file.
    pub bias: u64,
    /// Start of the mapping in the process.
    pub start: u64,
    /// End of the mapping in the process; written last.
    pub end: u64,
}

/// The name in the folder `modules` of a copy of module `index`: its build-id, or where it has none
/// the process and its place there.
pub fn kept_name(build_id: &[u8], start_unix_ns: u64, pid: u32, index: u32) -> String {
    use core::fmt::Write;
    let mut name = String::new();
    for byte in build_id {
        let _ = write!(name, "{byte:02x}");
    }
    if name.is_empty() {
        let _ = write!(name, "{start_unix_ns}-{pid}-{index}");
    }
    name
}

/// The name of the file that is written from a module's memory, where there is none to keep under
/// the name `kept`.
pub fn rebuilt_name(kept: &str) -> String {
    format!("{kept}-from-memory")
}

/// Bits of [`Module::flags`].
pub mod module_flags {
    /// HackLeak's own library: its frames are not shown.
    pub const RECORDER: u32 = 1;
    /// The executable itself.
    pub const EXECUTABLE: u32 = 2;
    /// Loaded by `dlmopen` into another namespace than the recorder.
    pub const APART: u32 = 4;
    /// The process's `malloc` is this library's, to which the recorder passes calls on.
    pub const ALLOCATOR: u32 = 8;
}

/// A Java method, resolved while it was live on a stack.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Method {
    /// Class as Java names it: `java.util.HashMap$Node`.
    pub class: Blob,
    /// Method name.
    pub name: Blob,
    /// JVM signature.
    pub signature: Blob,
    /// Source file, or empty.
    pub file: Blob,
    /// Line table: pairs of little-endian u16 {first byte-code index, line}, ascending.
    pub lines: Blob,
}

/// A scope named by `HackLeak.scope`.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Scope {
    /// Its name.
    pub name: Blob,
    /// The epoch that began when it was closed; 0 while it is open, and for good when nobody
    /// wants to know.
    pub closed: u32,
    /// The scope inside of which it was opened, or 0; a lower number than its own.
    pub parent: u32,
    /// 1: all else may be zero, and a record that was wiped out must not pass for such a scope.
    pub written: u32,
    /// Reserved, zero.
    pub reserved: [u32; 3],
}

/// What a handle stood for when somebody last looked: the path behind a file descriptor or a
/// mapping. For one address the last such record is the one that counts, if its origin is that of
/// the live record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Named {
    /// The handle's place in the live table.
    pub address: u64,
    /// Node and context, as in [`Live::origin`].
    pub origin: u64,
    /// What it is called.
    pub name: Blob,
    /// A [`Kind`].
    pub kind: u32,
    /// Reserved, zero.
    pub reserved: u32,
}
