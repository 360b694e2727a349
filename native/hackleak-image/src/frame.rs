//! One stack frame in 64 bits: the key of a node in the stack tree.
//!
//! A native frame is a module and an address inside that module's file, not an address in the
//! process. So a library that is unloaded and another that takes its place never share a key. A
//! library that is loaded again at another address keeps its keys.

/// Bits 60 to 63 tell the kinds apart. Zero is no frame: a node that is still being written.
const KIND_SHIFT: u32 = 60;
const NATIVE: u64 = 1;
const JAVA: u64 = 2;
const MARKER: u64 = 3;
const ADDRESS: u64 = 4;

const OFFSET_BITS: u32 = 40;
const BCI_BITS: u32 = 16;

/// The greatest module index that a frame can name.
pub const MAX_MODULE: u32 = (1 << 20) - 1;
/// The greatest Java method index that a frame can name.
pub const MAX_METHOD: u32 = (1 << 24) - 1;
/// The byte-code index that stands for "in the native method itself".
pub const BCI_NATIVE: u16 = u16::MAX;

/// A frame as the reader sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Frame {
    /// Code of a loaded module. `vaddr` is the return address less the module's load bias: an
    /// address as the module's ELF file counts them. The call is at `vaddr - 1`.
    Native {
        /// Index into the modules.
        module: u32,
        /// Address as the ELF file counts it, at most 40 bits.
        vaddr: u64,
    },
    /// A Java method.
    Java {
        /// Index into the methods.
        method: u32,
        /// Byte-code index of the call, or [`BCI_NATIVE`].
        bci: u16,
    },
    /// Something that must be said about the stack at this place.
    Marker(Marker),
    /// An address that no module covers.
    Address(u64),
}

/// What a marker says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Marker {
    /// The stack was deeper than the limit; the frames on the root side are missing.
    Truncated = 1,
    /// No unwind tables: the frames on the root side were found by frame pointers.
    FramePointers = 2,
    /// No unwind tables and no frame pointers: the frames on the root side are missing.
    NoUnwindTables = 3,
    /// The allocation interrupted the recorder itself (a signal handler); no stack was taken.
    Interrupted = 4,
    /// The JVM gave no Java stack.
    NoJavaStack = 5,
    /// The stack tree is full; no stack was kept.
    TreeFull = 6,
    /// Stacks were switched off.
    Off = 7,
    /// Java frames below the depth limit are missing.
    JavaTruncated = 8,
    /// Java frames are missing here: their methods had no id yet, and the JVM could not be asked.
    JavaNameless = 9,
}

impl Marker {
    /// Every marker, in the order of their codes, which begin at 1.
    pub const ALL: [Marker; 9] = [
        Marker::Truncated,
        Marker::FramePointers,
        Marker::NoUnwindTables,
        Marker::Interrupted,
        Marker::NoJavaStack,
        Marker::TreeFull,
        Marker::Off,
        Marker::JavaTruncated,
        Marker::JavaNameless,
    ];

    fn from_code(code: u64) -> Option<Marker> {
        Marker::ALL
            .into_iter()
            .find(|marker| *marker as u64 == code)
    }
}

impl Frame {
    /// The frame as a key. A module or method index beyond its limit loses its upper bits; the
    /// writer never hands out such an index.
    #[inline]
    pub const fn encode(self) -> u64 {
        match self {
            Frame::Native { module, vaddr } => {
                NATIVE << KIND_SHIFT
                    | ((module & MAX_MODULE) as u64) << OFFSET_BITS
                    | vaddr & ((1 << OFFSET_BITS) - 1)
            }
            Frame::Java { method, bci } => {
                JAVA << KIND_SHIFT | ((method & MAX_METHOD) as u64) << BCI_BITS | bci as u64
            }
            Frame::Marker(marker) => MARKER << KIND_SHIFT | marker as u64,
            Frame::Address(address) => ADDRESS << KIND_SHIFT | address & ((1 << KIND_SHIFT) - 1),
        }
    }

    /// The frame of a key, or `None` for a key that no writer of this version writes.
    #[inline]
    pub fn decode(key: u64) -> Option<Frame> {
        match key >> KIND_SHIFT {
            NATIVE => Some(Frame::Native {
                module: (key >> OFFSET_BITS) as u32 & MAX_MODULE,
                vaddr: key & ((1 << OFFSET_BITS) - 1),
            }),
            JAVA => Some(Frame::Java {
                method: (key >> BCI_BITS) as u32 & MAX_METHOD,
                bci: key as u16,
            }),
            MARKER => Marker::from_code(key & ((1 << KIND_SHIFT) - 1)).map(Frame::Marker),
            ADDRESS => Some(Frame::Address(key & ((1 << KIND_SHIFT) - 1))),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_reads_back() {
        for frame in [
            Frame::Native {
                module: 0,
                vaddr: 1,
            },
            Frame::Native {
                module: MAX_MODULE,
                vaddr: (1 << OFFSET_BITS) - 1,
            },
            Frame::Java {
                method: MAX_METHOD,
                bci: BCI_NATIVE,
            },
            Frame::Java { method: 0, bci: 0 },
            Frame::Marker(Marker::Truncated),
            Frame::Marker(Marker::JavaTruncated),
            Frame::Address(0x7fff_ffff_f000),
        ] {
            assert_eq!(Frame::decode(frame.encode()), Some(frame));
        }
    }

    #[test]
    fn keys_of_no_writer_are_refused() {
        for key in [
            0,
            5 << KIND_SHIFT,
            MARKER << KIND_SHIFT,
            MARKER << KIND_SHIFT | 99,
        ] {
            assert_eq!(Frame::decode(key), None);
        }
    }
}
