//! What was allocated, and how.

use crate::numbers::BLOCK;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $name:ident $text:literal,)*) => {
        /// What was allocated, and how.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum Kind { $($(#[doc = $doc])+ #[serde(rename = $text)] $name,)* }
        impl Kind {
            /// Every kind.
            pub const ALL: &'static [Kind] = &[$(Kind::$name,)*];
            /// The name, as in the JSON.
            pub const fn name(self) -> &'static str {
                match self { $(Kind::$name => $text,)* }
            }
        }
        impl From<hackleak_image::layout::Kind> for Kind {
            fn from(kind: hackleak_image::layout::Kind) -> Kind {
                match kind { $(hackleak_image::layout::Kind::$name => Kind::$name,)* }
            }
        }
    };
}

kinds! {
    /// `operator new`.
    New "new",
    /// `operator new[]`.
    NewArray "new[]",
    /// The malloc family.
    Malloc "malloc",
    /// `Unsafe.allocateMemory`, and with it direct byte buffers.
    Unsafe "unsafe",
    /// `NewGlobalRef` without `DeleteGlobalRef`.
    GlobalRef "global reference",
    /// `NewWeakGlobalRef` without `DeleteWeakGlobalRef`.
    WeakGlobalRef "weak global reference",
    /// `Get<Type>ArrayElements` without `Release<Type>ArrayElements`.
    ArrayElements "array elements",
    /// `GetPrimitiveArrayCritical` without `ReleasePrimitiveArrayCritical`.
    ArrayCritical "critical array",
    /// `GetStringChars` without `ReleaseStringChars`.
    StringChars "string characters",
    /// `GetStringUTFChars` without `ReleaseStringUTFChars`.
    StringUtfChars "UTF string characters",
    /// `GetStringCritical` without `ReleaseStringCritical`.
    StringCritical "critical string",
    /// `MonitorEnter` without `MonitorExit`.
    Monitor "monitor",
    /// An object of a pool of the library's own.
    Pool "pool object",
    /// `NewDirectByteBuffer` over native memory; only in invalid frees.
    DirectBuffer "direct byte buffer",
    /// Memory of the C library, the loader or one of the JDK's libraries; on no report.
    Runtime "memory of the runtime",
    /// A file descriptor that is still open.
    Fd "file descriptor",
    /// Memory that is still mapped: `mmap` without `munmap`, or `FileChannel.map`.
    Mmap "mapping",
    /// Memory that zlib took for Java's `Deflater` or `Inflater`, which was not ended.
    Zip "zlib memory",
    /// A thread that was started and still runs, or has ended and was neither joined nor detached.
    Thread "thread",
    /// A thread that is attached to the JVM: `AttachCurrentThread` without `DetachCurrentThread`.
    Attach "attached thread",
    /// `PushLocalFrame` without `PopLocalFrame`.
    LocalFrame "local frame",
    /// Local references beyond a bound in one native call, or in an attached thread.
    LocalRefs "local reference",
    /// A library that was opened with `dlopen` and not closed.
    Module "library handle",
}

impl Kind {
    /// What one of the kind is called where it is counted. Handles and mappings are no blocks.
    pub const fn noun(self) -> &'static str {
        match self {
            Kind::GlobalRef
            | Kind::WeakGlobalRef
            | Kind::ArrayCritical
            | Kind::StringCritical
            | Kind::Monitor
            | Kind::Fd
            | Kind::Mmap
            | Kind::Thread
            | Kind::Attach
            | Kind::LocalFrame
            | Kind::LocalRefs
            | Kind::Module => self.name(),
            _ => BLOCK,
        }
    }
}
