//! Invalid frees, and the functions that free.

use super::live::{Kind, Live};
use bytemuck::{Pod, Zeroable};

/// An invalid free, with the stacks of the allocation and of the free.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct InvalidFree {
    /// An [`InvalidFreeKind`]; written last.
    pub problem: u32,
    /// How it was freed: a [`Release`].
    pub release: u32,
    /// The pointer that was freed.
    pub address: u64,
    /// Size that the free was told, for [`InvalidFreeKind::Size`]; distance from the block's
    /// start, for [`InvalidFreeKind::Interior`].
    pub detail: u64,
    /// Node and context of the free, as in [`Live::origin`].
    pub freed: u64,
    /// The block's record: [`Live::origin`] and [`Live::block`]. Of the buffer, for
    /// [`InvalidFreeKind::UnderBuffer`]; zero for [`InvalidFreeKind::NotAllocated`].
    pub allocated: Live,
}

/// What makes a free invalid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum InvalidFreeKind {
    /// The block was freed by another family of functions than it was allocated by.
    Mismatch = 1,
    /// The block had been freed before.
    DoubleFree = 2,
    /// The pointer lies inside a block.
    Interior = 3,
    /// `operator delete` was told another size than `operator new`.
    Size = 4,
    /// A JNI function or `close` gave back what was never taken, or given back before.
    NotAllocated = 5,
    /// The memory of a direct byte buffer was freed while Java code could still reach the buffer.
    UnderBuffer = 6,
}

impl InvalidFreeKind {
    /// The kind of a number read from a file.
    pub fn from_number(number: u32) -> Option<InvalidFreeKind> {
        [
            InvalidFreeKind::Mismatch,
            InvalidFreeKind::DoubleFree,
            InvalidFreeKind::Interior,
            InvalidFreeKind::Size,
            InvalidFreeKind::NotAllocated,
            InvalidFreeKind::UnderBuffer,
        ]
        .into_iter()
        .find(|kind| *kind as u32 == number)
    }
}

/// Which function freed a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum Release {
    /// `free` and its like.
    Free = 1,
    /// `operator delete`.
    Delete = 2,
    /// `operator delete[]`.
    DeleteArray = 3,
    /// `Unsafe.freeMemory`.
    UnsafeFree = 4,
    /// `DeleteGlobalRef`.
    DeleteGlobalRef = 5,
    /// `DeleteWeakGlobalRef`.
    DeleteWeakGlobalRef = 6,
    /// `Release<Type>ArrayElements`.
    ReleaseElements = 7,
    /// `ReleaseStringChars`.
    ReleaseStringChars = 8,
    /// `ReleaseStringUTFChars`.
    ReleaseStringUtfChars = 9,
    /// `ReleasePrimitiveArrayCritical`.
    ReleaseArrayCritical = 10,
    /// `ReleaseStringCritical`.
    ReleaseStringCritical = 11,
    /// `close`.
    Close = 12,
}

impl Release {
    /// Whether it gives back a handle of the JVM, which is no block of its own.
    pub const fn is_of_handle(self) -> bool {
        matches!(
            self,
            Release::DeleteGlobalRef | Release::DeleteWeakGlobalRef
        )
    }

    const ALL: [Release; 12] = [
        Release::Free,
        Release::Delete,
        Release::DeleteArray,
        Release::UnsafeFree,
        Release::DeleteGlobalRef,
        Release::DeleteWeakGlobalRef,
        Release::ReleaseElements,
        Release::ReleaseStringChars,
        Release::ReleaseStringUtfChars,
        Release::ReleaseArrayCritical,
        Release::ReleaseStringCritical,
        Release::Close,
    ];
    /// The function of a number read from a file.
    pub fn from_number(number: u32) -> Option<Release> {
        Release::ALL
            .into_iter()
            .find(|release| *release as u32 == number)
    }
    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Release::Free => "free",
            Release::Delete => "delete",
            Release::DeleteArray => "delete[]",
            Release::UnsafeFree => "Unsafe.freeMemory",
            Release::DeleteGlobalRef => "DeleteGlobalRef",
            Release::DeleteWeakGlobalRef => "DeleteWeakGlobalRef",
            Release::ReleaseElements => "Release<Type>ArrayElements",
            Release::ReleaseStringChars => "ReleaseStringChars",
            Release::ReleaseStringUtfChars => "ReleaseStringUTFChars",
            Release::ReleaseArrayCritical => "ReleasePrimitiveArrayCritical",
            Release::ReleaseStringCritical => "ReleaseStringCritical",
            Release::Close => "close",
        }
    }
    /// Whether it is a function of the JVM's.
    #[inline]
    pub const fn is_java(self) -> bool {
        let number = self as u32;
        number >= Release::UnsafeFree as u32 && number < Release::Close as u32
    }
    /// The kind that it is the right function for.
    pub const fn kind(self) -> Kind {
        match self {
            Release::Free => Kind::Malloc,
            Release::Delete => Kind::New,
            Release::DeleteArray => Kind::NewArray,
            Release::UnsafeFree => Kind::Unsafe,
            Release::DeleteGlobalRef => Kind::GlobalRef,
            Release::DeleteWeakGlobalRef => Kind::WeakGlobalRef,
            Release::ReleaseElements => Kind::ArrayElements,
            Release::ReleaseStringChars => Kind::StringChars,
            Release::ReleaseStringUtfChars => Kind::StringUtfChars,
            Release::ReleaseArrayCritical => Kind::ArrayCritical,
            Release::ReleaseStringCritical => Kind::StringCritical,
            Release::Close => Kind::Fd,
        }
    }
    /// Whether blocks of this kind are those it is for. Others that it may free are rare.
    #[inline]
    pub const fn is_for(self, kind: Kind) -> bool {
        self.kind() as u8 == kind as u8
    }
    /// Whether it is a right function for a block of this kind.
    pub const fn fits(self, kind: Kind) -> bool {
        self.is_for(kind) || matches!((self, kind), (Release::Free, Kind::Zip))
    }
}
