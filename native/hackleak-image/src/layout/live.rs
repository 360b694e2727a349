//! What is live: sixteen bytes for each block.

use bytemuck::{Pod, Zeroable};

/// Local references of one native call are of interest beyond so many. JNI promises room for 16.
pub const LOCAL_BOUND: u32 = 512;

/// One live block: sixteen bytes at the place that its address decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Live {
    /// Node of the stack tree in the lower, context in the upper 32 bits.
    pub origin: u64,
    /// Size in the lower 48 bits, then 8 bits [`Kind`], then 6 bits [`Live::pins`]; bit 62 says
    /// that it was freed, bit 63 that it is live. Written after `origin`; 0 is no block.
    pub block: u64,
}

/// [`Live::block`]: the block is live.
pub const LIVE: u64 = 1 << 63;

/// [`Live::block`]: the block was freed, and nobody has the address since.
pub const FREED: u64 = 1 << 62;

/// [`Live::block`]: the bits of the size.
pub const SIZE_BITS: u32 = 48;

/// The largest size that [`Live::block`] has room for.
pub const MAX_SIZE: u64 = (1 << SIZE_BITS) - 1;

/// [`Live::block`]: where the count of [`Live::pins`] begins.
pub const PIN_SHIFT: u32 = 56;

/// The most that [`Live::pins`] counts.
pub const MAX_PINS: u8 = 63;

impl Live {
    /// The record of a live block.
    #[inline]
    pub const fn new(stack: u32, context: u32, size: u64, kind: Kind) -> Live {
        let size = if size > MAX_SIZE { MAX_SIZE } else { size };
        Live {
            origin: stack as u64 | (context as u64) << 32,
            block: size | (kind as u64) << SIZE_BITS | LIVE,
        }
    }
    /// A block of the runtime's, which no report has. It has an origin, though none that exists: a
    /// page where all blocks were forgotten is still not blank.
    #[inline]
    pub const fn of_runtime(size: u64) -> Live {
        Live::new(0, u32::MAX, size, Kind::Runtime)
    }
    /// Whether the block is live.
    #[inline]
    pub const fn is_live(self) -> bool {
        self.block & LIVE != 0
    }
    /// Size in bytes as it was asked for.
    #[inline]
    pub const fn size(self) -> u64 {
        self.block & MAX_SIZE
    }
    /// The number of the [`Kind`].
    #[inline]
    pub const fn kind(self) -> u8 {
        (self.block >> SIZE_BITS) as u8
    }
    /// How often the resource is held beyond once, for the kinds that nest; for memory, not 0 if a
    /// direct byte buffer was made over it; for a file descriptor, if a library of the JDK has
    /// opened it.
    #[inline]
    pub const fn pins(self) -> u8 {
        (self.block >> PIN_SHIFT) as u8 & MAX_PINS
    }
    /// The same without its count of holds, which may change while the block is there.
    pub const fn without_pins(self) -> Live {
        Live {
            origin: self.origin,
            block: self.block & !((MAX_PINS as u64) << PIN_SHIFT),
        }
    }
    /// Node of the stack tree.
    #[inline]
    pub const fn stack(self) -> u32 {
        self.origin as u32
    }
    /// Index into the contexts.
    #[inline]
    pub const fn context(self) -> u32 {
        (self.origin >> 32) as u32
    }
}

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $name:ident = $number:literal $text:literal,)*) => {
        /// What was allocated, and how.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Kind { $($(#[doc = $doc])+ $name = $number,)* }
        impl Kind {
            /// The kind of a number read from a file.
            pub fn from_number(number: u8) -> Option<Kind> {
                match number { $($number => Some(Kind::$name),)* _ => None }
            }
            /// The name in reports.
            pub const fn name(self) -> &'static str {
                match self { $(Kind::$name => $text,)* }
            }
        }
    };
}

kinds! {
    /// `operator new`.
    New = 1 "new",
    /// `operator new[]`.
    NewArray = 2 "new[]",
    /// The malloc family.
    Malloc = 3 "malloc",
    /// `Unsafe.allocateMemory`.
    Unsafe = 4 "unsafe",
    /// `NewGlobalRef`. The address is the reference's, without its tag bits.
    GlobalRef = 5 "global reference",
    /// `NewWeakGlobalRef`.
    WeakGlobalRef = 6 "weak global reference",
    /// `Get<Type>ArrayElements`.
    ArrayElements = 7 "array elements",
    /// `GetPrimitiveArrayCritical`. [`Live::pins`] counts how often.
    ArrayCritical = 8 "critical array",
    /// `GetStringChars`.
    StringChars = 9 "string characters",
    /// `GetStringUTFChars`.
    StringUtfChars = 10 "UTF string characters",
    /// `GetStringCritical`. [`Live::pins`] counts how often.
    StringCritical = 11 "critical string",
    /// `MonitorEnter`. The address is made of the object's identity hash; [`Live::pins`] counts
    /// how often.
    Monitor = 12 "monitor",
    /// `hackleak_alloc`: an object of a pool of the library's own.
    Pool = 13 "pool object",
    /// `NewDirectByteBuffer` over a recorded block. Never live: it only tells, in a
    /// [`InvalidFreeKind::UnderBuffer`], where the buffer was made.
    DirectBuffer = 14 "direct byte buffer",
    /// Memory of the C library, the loader or one of the JDK's libraries. Never a leak, and on no
    /// report: it is in the table because what it points at is held.
    Runtime = 15 "memory of the runtime",
    /// A file descriptor. The address is made of its number.
    Fd = 16 "file descriptor",
    /// `mmap`. The address is made of the record's number; the size is what is still mapped.
    Mmap = 17 "mapping",
    /// Memory that the JDK's libzip has zlib take for Java's `Deflater` and `Inflater`.
    Zip = 18 "zlib memory",
    /// A thread that was started. The address is made of its place among the recorder's.
    Thread = 19 "thread",
    /// `AttachCurrentThread` without `DetachCurrentThread`. The address is made of the thread's
    /// number.
    Attach = 20 "attached thread",
    /// `PushLocalFrame` without `PopLocalFrame`. The address is made of the thread's place in the
    /// image.
    LocalFrame = 21 "local frame",
    /// More local references than [`LOCAL_BOUND`] in one native call, or in an attached thread. The
    /// address is made of the thread's place in the image; the size is how many there are.
    LocalRefs = 22 "local reference",
    /// `dlopen` without `dlclose`. The address is made of its place among the recorder's.
    Module = 23 "library handle",
}
