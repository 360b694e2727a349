//! `operator new` and `operator delete`, all twenty variants.
//!
//! They allocate through the real `malloc` and `posix_memalign`, as libstdc++'s own do: in a JVM
//! libstdc++ lies in a local scope where `RTLD_NEXT` cannot find it. Only when memory is exhausted
//! is the real operator looked up, because it alone may call the new-handler and throw.

use super::exhausted::real;
use crate::arch::{CallSite, allocator_entry};
use crate::hot::events::record;
use crate::hot::ground::gate;
use core::ffi::{CStr, c_void};
use core::mem::transmute;
use core::ptr;
use hackleak_image::layout::{Kind, Release};

/// Every operator once.
///
/// `allocate(index, symbol, kind, register arguments, handler)`, where the handler is named for
/// the parameter list: `plain(size)`, `nothrow(size, tag)`, `aligned(size, alignment)`,
/// `aligned_nothrow(size, alignment, tag)`. `release(symbol)`: what `operator delete` gets besides
/// the pointer (size, alignment, tag) is not needed.
macro_rules! operators {
    ($use:ident) => {
        $use! {
            allocate(0, _Znwm, New, 1, plain),
            allocate(1, _Znam, NewArray, 1, plain),
            allocate(2, _ZnwmRKSt9nothrow_t, New, 2, nothrow),
            allocate(3, _ZnamRKSt9nothrow_t, NewArray, 2, nothrow),
            allocate(4, _ZnwmSt11align_val_t, New, 2, aligned),
            allocate(5, _ZnamSt11align_val_t, NewArray, 2, aligned),
            allocate(6, _ZnwmSt11align_val_tRKSt9nothrow_t, New, 3, aligned_nothrow),
            allocate(7, _ZnamSt11align_val_tRKSt9nothrow_t, NewArray, 3, aligned_nothrow);
            release(_ZdlPv, 1, delete, Delete),
            release(_ZdaPv, 1, delete, DeleteArray),
            release(_ZdlPvm, 2, delete_sized, Delete),
            release(_ZdaPvm, 2, delete_sized, DeleteArray),
            release(_ZdlPvRKSt9nothrow_t, 2, delete_with, Delete),
            release(_ZdaPvRKSt9nothrow_t, 2, delete_with, DeleteArray),
            release(_ZdlPvSt11align_val_t, 2, delete_with, Delete),
            release(_ZdaPvSt11align_val_t, 2, delete_with, DeleteArray),
            release(_ZdlPvmSt11align_val_t, 3, delete_sized_aligned, Delete),
            release(_ZdaPvmSt11align_val_t, 3, delete_sized_aligned, DeleteArray),
            release(_ZdlPvSt11align_val_tRKSt9nothrow_t, 3, delete_with_two, Delete),
            release(_ZdaPvSt11align_val_tRKSt9nothrow_t, 3, delete_with_two, DeleteArray)
        }
    };
}

macro_rules! define {
    (
        $(allocate($index:literal, $new:ident, $kind:ident, $args:tt, $handler:ident)),*;
        $(release($delete:ident, $delete_args:tt, $release:ident, $family:ident)),*
    ) => {
        /// Name and kind of every allocating operator, by its index.
        pub const ALLOCATORS: [(&CStr, Kind); [$($index),*].len()] = [
            $((
                match CStr::from_bytes_with_nul(concat!(stringify!($new), "\0").as_bytes()) {
                    Ok(name) => name,
                    Err(_) => unreachable!(),
                },
                Kind::$kind,
            )),*
        ];
        $(allocator_entry!($new, $args, $handler::<$index>);)*
        $(allocator_entry!($delete, $delete_args, $release::<{ Release::$family as u32 }>);)*
    };
}
operators!(define);

/// The family of a number that a table row gives.
const fn family(number: u32) -> Release {
    if number == Release::DeleteArray as u32 {
        Release::DeleteArray
    } else {
        Release::Delete
    }
}

unsafe extern "C" fn delete<const FAMILY: u32>(
    block: *mut c_void,
    slot: usize,
    frame_pointer: usize,
) {
    let call_site = CallSite {
        slot,
        frame_pointer,
    };
    // SAFETY: the caller's: a block of the operators here, which came from `malloc`, or one of the
    // real operators, which do the same.
    unsafe { super::malloc::release(block, family(FAMILY), None, call_site) }
}

unsafe extern "C" fn delete_with<const FAMILY: u32>(
    block: *mut c_void,
    _with: usize,
    slot: usize,
    frame_pointer: usize,
) {
    // SAFETY: as in `delete`.
    unsafe { delete::<FAMILY>(block, slot, frame_pointer) }
}

unsafe extern "C" fn delete_with_two<const FAMILY: u32>(
    block: *mut c_void,
    _with: usize,
    _and: usize,
    slot: usize,
    frame_pointer: usize,
) {
    // SAFETY: as in `delete`.
    unsafe { delete::<FAMILY>(block, slot, frame_pointer) }
}

unsafe extern "C" fn delete_sized<const FAMILY: u32>(
    block: *mut c_void,
    size: usize,
    slot: usize,
    frame_pointer: usize,
) {
    let call_site = CallSite {
        slot,
        frame_pointer,
    };
    // SAFETY: as in `delete`.
    unsafe { super::malloc::release(block, family(FAMILY), Some(size), call_site) }
}

unsafe extern "C" fn delete_sized_aligned<const FAMILY: u32>(
    block: *mut c_void,
    size: usize,
    _alignment: usize,
    slot: usize,
    frame_pointer: usize,
) {
    // SAFETY: as in `delete`.
    unsafe { delete_sized::<FAMILY>(block, size, slot, frame_pointer) }
}

/// Records what `operator new` number `INDEX` returns.
#[inline(always)]
fn returned<const INDEX: usize>(
    block: *mut c_void,
    size: usize,
    call_site: CallSite,
) -> *mut c_void {
    if !block.is_null() {
        if gate::is_open_for_new() {
            record::allocated(block as usize, size, ALLOCATORS[INDEX].1, call_site);
        } else {
            record::allocated_unrecorded(block as usize);
        }
    }
    block
}

#[inline(always)]
fn malloc(size: usize) -> *mut c_void {
    // SAFETY: no contract but the C library's own. A block of no bytes must have an address of
    // its own.
    unsafe { crate::hot::ground::real::malloc()(size.max(1)) }
}

#[inline(always)]
fn memalign(size: usize, alignment: usize) -> *mut c_void {
    let mut block = ptr::null_mut();
    // The real operator refuses an alignment that is no power of two, in its own way.
    if !alignment.is_power_of_two() {
        return block;
    }
    let alignment = alignment.max(align_of::<usize>());
    // SAFETY: `block` is a valid place for the answer.
    let refused =
        unsafe { crate::hot::ground::real::posix_memalign()(&mut block, alignment, size.max(1)) };
    if refused == 0 { block } else { ptr::null_mut() }
}

type One = unsafe extern "C-unwind" fn(usize) -> *mut c_void;
type Two = unsafe extern "C-unwind" fn(usize, usize) -> *mut c_void;
type Three = unsafe extern "C-unwind" fn(usize, usize, usize) -> *mut c_void;

unsafe extern "C-unwind" fn plain<const INDEX: usize>(
    size: usize,
    slot: usize,
    frame_pointer: usize,
) -> *mut c_void {
    let mut block = malloc(size);
    if block.is_null() {
        // SAFETY: the real operator's type; it may throw through this frame, which holds nothing.
        block = unsafe { transmute::<*mut c_void, One>(real(INDEX, false))(size) };
    }
    returned::<INDEX>(
        block,
        size,
        CallSite {
            slot,
            frame_pointer,
        },
    )
}

unsafe extern "C-unwind" fn nothrow<const INDEX: usize>(
    size: usize,
    tag: usize,
    slot: usize,
    frame_pointer: usize,
) -> *mut c_void {
    let mut block = malloc(size);
    if block.is_null() {
        let real = real(INDEX, true);
        if real.is_null() {
            return real;
        }
        // SAFETY: the real operator's type.
        block = unsafe { transmute::<*mut c_void, Two>(real)(size, tag) };
    }
    returned::<INDEX>(
        block,
        size,
        CallSite {
            slot,
            frame_pointer,
        },
    )
}

unsafe extern "C-unwind" fn aligned<const INDEX: usize>(
    size: usize,
    alignment: usize,
    slot: usize,
    frame_pointer: usize,
) -> *mut c_void {
    let mut block = memalign(size, alignment);
    if block.is_null() {
        // SAFETY: as in `plain`.
        block = unsafe { transmute::<*mut c_void, Two>(real(INDEX, false))(size, alignment) };
    }
    returned::<INDEX>(
        block,
        size,
        CallSite {
            slot,
            frame_pointer,
        },
    )
}

unsafe extern "C-unwind" fn aligned_nothrow<const INDEX: usize>(
    size: usize,
    alignment: usize,
    tag: usize,
    slot: usize,
    frame_pointer: usize,
) -> *mut c_void {
    let mut block = memalign(size, alignment);
    if block.is_null() {
        let real = real(INDEX, true);
        if real.is_null() {
            return real;
        }
        // SAFETY: the real operator's type.
        block = unsafe { transmute::<*mut c_void, Three>(real)(size, alignment, tag) };
    }
    returned::<INDEX>(
        block,
        size,
        CallSite {
            slot,
            frame_pointer,
        },
    )
}
