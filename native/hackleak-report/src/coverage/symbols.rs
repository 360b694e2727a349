//! Names of functions, and what they mean for coverage.

use super::facts::{Allocator, Family};

/// Every allocating `operator new` that the recorder exports.
const NEW: [&[u8]; 8] = [
    b"_Znwm",
    b"_Znam",
    b"_ZnwmRKSt9nothrow_t",
    b"_ZnamRKSt9nothrow_t",
    b"_ZnwmSt11align_val_t",
    b"_ZnamSt11align_val_t",
    b"_ZnwmSt11align_val_tRKSt9nothrow_t",
    b"_ZnamSt11align_val_tRKSt9nothrow_t",
];

/// Every allocating function of the malloc family that the recorder exports.
const MALLOC: [&[u8]; 13] = [
    b"malloc",
    b"calloc",
    b"realloc",
    b"reallocarray",
    b"posix_memalign",
    b"aligned_alloc",
    b"memalign",
    b"valloc",
    b"pvalloc",
    b"strdup",
    b"__strdup",
    b"strndup",
    b"__strndup",
];

/// Functions of the C library that hand out memory which they allocate themselves, and of which the
/// recorder does not know whose it is: see `docs/c-library.md`.
const LIBC: [&[u8]; 8] = [
    b"getaddrinfo_a",
    b"re_search",
    b"re_search_2",
    b"re_match",
    b"re_match_2",
    b"res_ninit",
    b"__res_ninit",
    b"ruserpass",
];

/// Functions that ask the kernel for memory.
const KERNEL: [&[u8]; 4] = [b"mmap", b"mmap64", b"sbrk", b"brk"];

/// Entry points of allocators that are not the process's `malloc`.
const OTHERS: [&[u8]; 16] = [
    b"__libc_malloc",
    b"__libc_calloc",
    b"__libc_realloc",
    b"__libc_memalign",
    b"je_malloc",
    b"je_mallocx",
    b"je_calloc",
    b"mallocx",
    b"mi_malloc",
    b"mi_calloc",
    b"mi_new",
    b"mi_malloc_aligned",
    b"tc_malloc",
    b"tc_new",
    b"scalable_malloc",
    b"rpmalloc",
];

/// The family that a function belongs to, if the recorder stands in for it.
pub(super) fn family(name: &[u8]) -> Option<Family> {
    if NEW.contains(&name) {
        Some(Family::New)
    } else {
        MALLOC.contains(&name).then_some(Family::Malloc)
    }
}

/// The family whose calls inside a library end at its own definition of this name. The texts are
/// not among them: they go on to `malloc`.
pub(super) fn defined_family(name: &[u8]) -> Option<Family> {
    family(name).filter(|_| !name.ends_with(b"dup") && name != b"reallocarray")
}

/// Whether a function returns memory that the C library allocates.
pub(super) fn is_allocated_by_libc(name: &[u8]) -> bool {
    LIBC.contains(&name)
}

/// Whether a function asks the kernel for memory.
pub(super) fn is_kernel(name: &[u8]) -> bool {
    KERNEL.contains(&name)
}

/// Whether a function allocates elsewhere than with `malloc`.
pub(super) fn is_other_allocator(name: &[u8]) -> bool {
    OTHERS.contains(&name)
}

/// The allocator that a definition of this name belongs to.
pub(super) fn allocator(name: &[u8]) -> Option<Allocator> {
    // jemalloc takes a prefix when it is built: `je_`, `_rjem_`, `duckdb_je_`.
    const JEMALLOC: [&[u8]; 5] = [
        b"je_malloc",
        b"je_mallocx",
        b"je_arena_malloc_hard",
        b"rjem_malloc",
        b"rjem_mallocx",
    ];
    match name {
        b"mi_malloc" | b"_mi_malloc_generic" | b"mi_malloc_aligned" => Some(Allocator::Mimalloc),
        b"tc_malloc" | b"tc_new" => Some(Allocator::Tcmalloc),
        b"sn_malloc" | b"sn_rust_alloc" => Some(Allocator::Snmalloc),
        b"rpmalloc" => Some(Allocator::Rpmalloc),
        b"runtime.mallocgc" => Some(Allocator::Go),
        _ if name.starts_with(b"_ZN8tcmalloc") => Some(Allocator::Tcmalloc),
        _ if name.starts_with(b"_ZN8snmalloc") => Some(Allocator::Snmalloc),
        _ if JEMALLOC.iter().any(|end| name.ends_with(end)) => Some(Allocator::Jemalloc),
        _ => None,
    }
}

/// Whether this is the function that Rust generates for a `#[global_allocator]`.
pub(super) fn is_rust_allocator(name: &[u8]) -> bool {
    name.ends_with(b"__rg_alloc")
}
