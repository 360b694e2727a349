//! `mmap`, `mremap` and `munmap`.
//!
//! What a program maps for itself is noted in any case ([`mappings`]), and recorded if it is
//! tracked ([`mapped`]). What goes is taken out of the record before the call: as soon as the
//! kernel has unmapped it, another thread may get the same addresses. A call that fails puts it
//! back.

use crate::arch::{CallSite, allocator_entry};
use crate::hot::events::mapped::{self, Unmapping};
use crate::hot::ground::mappings;
use core::ffi::c_void;
use core::ops::Range;
use core::ptr;
use libc::{c_int, off64_t, size_t};

allocator_entry!(mmap, 6, on_mmap);
allocator_entry!(mmap64, 6, on_mmap);
allocator_entry!(mremap, 5, on_mremap);
allocator_entry!(munmap, 2, on_munmap);

/// Every hook here by its name, for those who ask the loader for a function.
pub const HOOKS: &[super::Hook] = &[
    ("mmap", mmap),
    ("mmap64", mmap64),
    ("mremap", mremap),
    ("munmap", munmap),
];

/// The pages of what was mapped; `None` if the call failed.
fn mapped_at(at: *mut c_void, len: usize) -> Option<Range<usize>> {
    (at != libc::MAP_FAILED).then(|| mapped::pages(at.addr(), len))
}

fn position(slot: usize, frame_pointer: usize) -> CallSite {
    CallSite {
        slot,
        frame_pointer,
    }
}

/// The address of code to which the function returns whose return address lies at `slot`.
fn caller(slot: usize) -> usize {
    // SAFETY: the return address of the hook that runs.
    unsafe { ptr::without_provenance::<usize>(slot).read() }
}

/// What replaces a part of a mapping (`MAP_FIXED`) is no border for who holds what: so the JVM
/// gives memory to a range that it has reserved.
#[allow(clippy::too_many_arguments)]
unsafe extern "C" fn on_mmap(
    wanted: *mut c_void,
    len: size_t,
    rights: c_int,
    flags: c_int,
    file: c_int,
    offset: off64_t,
    slot: usize,
    frame_pointer: usize,
) -> *mut c_void {
    let is_fixed = flags & libc::MAP_FIXED != 0;
    let replaced = match is_fixed {
        true => mapped::unmapping(mapped::pages(wanted.addr(), len)),
        false => None,
    };
    // SAFETY: the caller's; the C library does the same with these arguments.
    let at = unsafe { libc::syscall(libc::SYS_mmap, wanted, len, rights, flags, file, offset) };
    let at = at as *mut c_void;
    match mapped_at(at, len) {
        Some(range) => {
            replaced.iter().for_each(Unmapping::succeeded);
            if !is_fixed {
                mappings::note(range.clone(), caller(slot));
            }
            mapped::made(range, position(slot, frame_pointer));
        }
        None => replaced.iter().for_each(Unmapping::failed),
    }
    at
}

/// The last argument of its own is there only with `MREMAP_FIXED`; it is passed on and otherwise
/// not looked at.
unsafe extern "C" fn on_mremap(
    old: *mut c_void,
    old_len: size_t,
    len: size_t,
    flags: c_int,
    wanted: *mut c_void,
    slot: usize,
    frame_pointer: usize,
) -> *mut c_void {
    let before = mapped::pages(old.addr(), old_len);
    let replaced = match flags & libc::MREMAP_FIXED != 0 {
        true => mapped::unmapping(mapped::pages(wanted.addr(), len)),
        false => None,
    };
    // Without a length the call maps the same memory once more, and so may it with the flag.
    let stays = old_len == 0 || flags & libc::MREMAP_DONTUNMAP != 0;
    let unmapping = match stays {
        true => None,
        false => mapped::unmapping(before.clone()),
    };
    // SAFETY: the caller's; the C library does the same with these arguments.
    let at = unsafe { libc::syscall(libc::SYS_mremap, old, old_len, len, flags, wanted) };
    let at = at as *mut c_void;
    match mapped_at(at, len) {
        Some(range) => {
            mappings::note(range.clone(), caller(slot));
            replaced.iter().for_each(Unmapping::succeeded);
            if stays {
                mapped::made(range, position(slot, frame_pointer));
            } else if let Some(unmapping) = unmapping {
                unmapping.moved(&before, &range);
            }
        }
        None => {
            replaced.iter().for_each(Unmapping::failed);
            unmapping.iter().for_each(Unmapping::failed);
        }
    }
    at
}

unsafe extern "C" fn on_munmap(at: *mut c_void, len: size_t, _: usize, _: usize) -> c_int {
    let unmapping = mapped::unmapping(mapped::pages(at.addr(), len));
    // SAFETY: the caller's; the C library does the same with these arguments.
    let result = unsafe { libc::syscall(libc::SYS_munmap, at, len) } as c_int;
    match result {
        0 => {
            mappings::gone(&mapped::pages(at.addr(), len));
            unmapping.iter().for_each(Unmapping::succeeded);
        }
        _ => unmapping.iter().for_each(Unmapping::failed),
    }
    result
}
