//! What the file of a library says about its allocations.

use std::collections::BTreeSet;
use std::sync::Arc;

/// The functions that the recorder stands in for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// `operator new`, all variants.
    New,
    /// The malloc family.
    Malloc,
}

/// How the calls of one family are bound.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bound {
    /// The loader looks up calls in the global scope.
    pub global: bool,
    /// There are definitions of the library's own that its calls are bound to.
    pub own: Option<Own>,
    /// The definitions are offered to other libraries.
    pub exported: bool,
}

/// Why calls are bound to a definition of the library's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Own {
    /// It is local or hidden.
    Hidden,
    /// It is exported, but the library was linked with `-Bsymbolic` or the like.
    Symbolic,
    /// It is exported with protected visibility.
    Protected,
    /// It is the executable's, which comes before everything that is preloaded.
    Executable,
    /// The library was stripped of its names, but texts of the static C++ runtime are in it.
    Supposed,
}

/// An allocator inside a library.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Allocator {
    /// jemalloc, whatever its prefix.
    Jemalloc,
    /// mimalloc.
    Mimalloc,
    /// tcmalloc.
    Tcmalloc,
    /// snmalloc.
    Snmalloc,
    /// rpmalloc.
    Rpmalloc,
    /// The heap of the Go runtime.
    Go,
}

impl Allocator {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Allocator::Jemalloc => "jemalloc",
            Allocator::Mimalloc => "mimalloc",
            Allocator::Tcmalloc => "tcmalloc",
            Allocator::Snmalloc => "snmalloc",
            Allocator::Rpmalloc => "rpmalloc",
            Allocator::Go => "the Go runtime's heap",
        }
    }
}

/// A place where the loader puts the address of an allocation function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// The family of the function.
    pub family: Family,
    /// Its name.
    pub name: String,
    /// Address as the file counts.
    pub vaddr: u64,
}

/// What the file of a library or an executable says about its allocations.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// The architecture, when it is not the recorder's; nothing else is known then.
    pub foreign: Option<String>,
    /// It is a program.
    pub executable: bool,
    /// It is a program that no loader touches.
    pub statically_linked: bool,
    /// It is a program with the set-user-ID or set-group-ID bit.
    pub privileged: bool,
    /// Calls of `operator new`.
    pub new: Bound,
    /// Calls of the malloc family.
    pub malloc: Bound,
    /// Allocators linked in.
    pub allocators: BTreeSet<Allocator>,
    /// Functions of other allocators that it calls, by name.
    pub others: BTreeSet<String>,
    /// It is written in Rust and brings a `#[global_allocator]`.
    pub rust_allocator: bool,
    /// It asks the kernel for memory.
    pub maps: bool,
    /// It does so by `brk`, which nobody tracks.
    pub breaks: bool,
    /// Functions that it calls and whose memory the C library allocates, by name.
    pub libc: BTreeSet<String>,
    /// Where the loader binds its calls.
    pub slots: Vec<Slot>,
    /// Start of its first segment as the file counts.
    pub base: u64,
}

impl Facts {
    /// Calls of `family`.
    pub fn bound(&self, family: Family) -> Bound {
        match family {
            Family::New => self.new,
            Family::Malloc => self.malloc,
        }
    }

    /// Whether the file names a function that it allocates with.
    pub(super) fn names_any_allocation(&self) -> bool {
        let is_named = |bound: Bound| bound.global || bound.own.is_some();
        is_named(self.new)
            || is_named(self.malloc)
            || self.rust_allocator
            || !self.allocators.is_empty()
            || !self.others.is_empty()
    }
}

/// Why a file cannot be analysed: one sentence without the file's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(pub(super) Arc<str>);

impl Unreadable {
    pub(super) fn new(reason: impl AsRef<str>) -> Unreadable {
        Unreadable(reason.as_ref().into())
    }
}
