//! The malloc family.
//!
//! Every function passes on to the allocator under test ([`real`]). It records what that returns if
//! the module that called it is one whose memory counts (`module_policy`). A `free` needs no such
//! question: an address that was not recorded is none of ours.

use crate::arch::{CallSite, allocator_entry};
use crate::hot::events::{record, reuse};
use crate::hot::ground::{first, gate, real};
use core::ffi::{c_char, c_int, c_void};
use core::ptr;
use hackleak_image::layout::Release;

/// Defines a hook for each function of the table, which gives its name, the number of its register
/// arguments and what handles it, and the list of them all.
macro_rules! hooks {
    ($(($function:ident, $args:tt, $handler:path),)*) => {
        $(allocator_entry!($function, $args, $handler);)*
        /// Every hook here by its name, for those who ask the loader for a function.
        pub const HOOKS: &[super::Hook] = &[$((stringify!($function), $function)),*];
    };
}

hooks! {
    (malloc, 1, on_malloc),
    (calloc, 2, on_calloc),
    (realloc, 2, on_realloc),
    (reallocarray, 3, on_reallocarray),
    (posix_memalign, 3, on_posix_memalign),
    (aligned_alloc, 2, on_aligned_alloc),
    (memalign, 2, on_memalign),
    (valloc, 1, on_valloc),
    (pvalloc, 1, on_pvalloc),
    (strdup, 1, on_strdup),
    (__strdup, 1, on_strdup),
    (strndup, 2, on_strndup),
    (__strndup, 2, on_strndup),
    (free, 1, on_free),
    // C23, in glibc since 2.43. Where the C library has none of these, a program that asks the
    // loader for them finds those here; they mean what `free` does, so they pass on to that
    // everywhere.
    (free_sized, 2, on_free_sized),
    (free_aligned_sized, 3, on_free_aligned_sized),
}

#[inline(always)]
fn returned(block: *mut c_void, size: usize, slot: usize, frame_pointer: usize) -> *mut c_void {
    if !block.is_null() {
        if gate::is_open_for_malloc() {
            record::allocated_by_caller(block as usize, size, at(slot, frame_pointer));
        } else {
            record::allocated_untracked(block as usize, size, at(slot, frame_pointer));
        }
    }
    block
}

unsafe extern "C" fn on_malloc(size: usize, slot: usize, fp: usize) -> *mut c_void {
    // SAFETY: the caller's contract is that of the function passed on to, here and below.
    returned(unsafe { real::malloc()(size) }, size, slot, fp)
}

unsafe extern "C" fn on_calloc(count: usize, size: usize, slot: usize, fp: usize) -> *mut c_void {
    // SAFETY: as above.
    let block = unsafe { real::calloc()(count, size) };
    returned(block, count.wrapping_mul(size), slot, fp)
}

unsafe extern "C" fn on_realloc(
    block: *mut c_void,
    size: usize,
    slot: usize,
    fp: usize,
) -> *mut c_void {
    if block.is_null() {
        // SAFETY: as above.
        return unsafe { on_malloc(size, slot, fp) };
    }
    if real::is_reserve(block) {
        // SAFETY: as above; the block came from the reserve.
        unsafe {
            let new = on_malloc(size, slot, fp);
            if !new.is_null() {
                real::copy_reserve(block, new, size);
            }
            return new;
        }
    }
    if !gate::is_open_to_allocate() {
        // SAFETY: as above.
        return unsafe { real::realloc()(block, size) };
    }
    // Another thread may own the old address as soon as the call is under way.
    let old = record::realloc_began(block as usize);
    let slack = match old {
        // SAFETY: as above.
        Some(old) if reuse::is_on() => unsafe { reuse::slack(block, old.size() as usize, size) },
        _ => size..size,
    };
    // SAFETY: as above.
    let mut new = unsafe { real::realloc()(block, size) };
    if reuse::is_on() && !new.is_null() {
        new = reuse::instead_of_moved(new, size, slack, new == block);
    }
    let call_site = at(slot, fp);
    match old {
        Some(old) if new.is_null() && size > 0 => record::realloc_failed(block as usize, old),
        Some(old) if new.is_null() => record::realloc_freed(old),
        Some(old) => record::realloc_succeeded(old, block as usize, new as usize, size, call_site),
        None => {
            returned(new, size, slot, fp);
        }
    }
    new
}

unsafe extern "C" fn on_reallocarray(
    block: *mut c_void,
    count: usize,
    size: usize,
    slot: usize,
    fp: usize,
) -> *mut c_void {
    if let Some(reallocarray) = first::reallocarray() {
        // SAFETY: as above.
        return unsafe { reallocarray(block, count, size) };
    }
    match count.checked_mul(size) {
        // SAFETY: as above.
        Some(size) => unsafe { on_realloc(block, size, slot, fp) },
        None => {
            // SAFETY: the C library's own place for the error of this thread.
            unsafe { *libc::__errno_location() = libc::ENOMEM };
            ptr::null_mut()
        }
    }
}

unsafe extern "C" fn on_posix_memalign(
    place: *mut *mut c_void,
    alignment: usize,
    size: usize,
    slot: usize,
    fp: usize,
) -> c_int {
    // SAFETY: as above.
    unsafe {
        let refused = real::posix_memalign()(place, alignment, size);
        if refused == 0 {
            returned(*place, size, slot, fp);
        }
        refused
    }
}

unsafe extern "C" fn on_aligned_alloc(
    alignment: usize,
    size: usize,
    slot: usize,
    fp: usize,
) -> *mut c_void {
    // SAFETY: as above.
    returned(
        unsafe { real::aligned_alloc()(alignment, size) },
        size,
        slot,
        fp,
    )
}

unsafe extern "C" fn on_memalign(
    alignment: usize,
    size: usize,
    slot: usize,
    fp: usize,
) -> *mut c_void {
    // SAFETY: as above.
    returned(unsafe { real::memalign()(alignment, size) }, size, slot, fp)
}

unsafe extern "C" fn on_valloc(size: usize, slot: usize, fp: usize) -> *mut c_void {
    // SAFETY: as above.
    returned(unsafe { real::valloc()(size) }, size, slot, fp)
}

unsafe extern "C" fn on_pvalloc(size: usize, slot: usize, fp: usize) -> *mut c_void {
    // SAFETY: as above.
    returned(unsafe { real::pvalloc()(size) }, size, slot, fp)
}

/// The C library's `strdup` would call `malloc` itself, and its caller would be lost. Where that is
/// another one than the hook, its `free` is, too: the block must be of this other allocator.
unsafe extern "C" fn on_strdup(text: *const c_char, slot: usize, fp: usize) -> *mut c_void {
    // SAFETY: the caller's: `text` ends in a zero byte.
    unsafe {
        match first::strdup() {
            Some(strdup) => strdup(text),
            None => duplicate(text, libc::strlen(text), slot, fp),
        }
    }
}

unsafe extern "C" fn on_strndup(
    text: *const c_char,
    most: usize,
    slot: usize,
    fp: usize,
) -> *mut c_void {
    // SAFETY: the caller's: `text` has `most` bytes, or ends in a zero byte before.
    unsafe {
        match first::strndup() {
            Some(strndup) => strndup(text, most),
            None => duplicate(text, libc::strnlen(text, most), slot, fp),
        }
    }
}

unsafe fn duplicate(text: *const c_char, len: usize, slot: usize, fp: usize) -> *mut c_void {
    // SAFETY: the caller's: `text` has `len` bytes; the new block has one more.
    unsafe {
        let block = real::malloc()(len + 1);
        if !block.is_null() {
            ptr::copy_nonoverlapping(text.cast::<u8>(), block.cast::<u8>(), len);
            block.cast::<u8>().add(len).write(0);
        }
        returned(block, len + 1, slot, fp)
    }
}

unsafe extern "C" fn on_free(block: *mut c_void, slot: usize, fp: usize) {
    // SAFETY: as above.
    unsafe { release(block, Release::Free, None, at(slot, fp)) }
}

unsafe extern "C" fn on_free_sized(block: *mut c_void, size: usize, slot: usize, fp: usize) {
    // SAFETY: as above.
    unsafe { release(block, Release::Free, Some(size), at(slot, fp)) }
}

unsafe extern "C" fn on_free_aligned_sized(
    block: *mut c_void,
    _alignment: usize,
    size: usize,
    slot: usize,
    fp: usize,
) {
    // SAFETY: as above.
    unsafe { release(block, Release::Free, Some(size), at(slot, fp)) }
}

#[inline(always)]
fn at(slot: usize, frame_pointer: usize) -> CallSite {
    CallSite {
        slot,
        frame_pointer,
    }
}

/// Takes the block out of the live table, then frees it. `claimed_size` is the size that a sized
/// `operator delete` or `free_sized` was given.
#[inline(always)]
pub unsafe fn release(
    block: *mut c_void,
    release: Release,
    claimed_size: Option<usize>,
    call_site: CallSite,
) {
    if block.is_null() || real::is_reserve(block) {
        return;
    }
    record::freed(block as usize, release, claimed_size, call_site);
    // SAFETY: the caller's.
    unsafe { real::free()(block) }
}
