//! The functions of the allocator under test, when it is watched what they hand out.

use super::instead;
use crate::hot::ground::real::{self, FUNCTIONS, Functions};
use core::ffi::{c_int, c_void};
use core::mem::transmute;
use core::ptr;
use core::sync::atomic::{
    AtomicPtr,
    Ordering::{Relaxed, Release},
};
use hackleak_platform::this_library::are_of_one_object;

type Pointer = *mut c_void;

/// The allocator's own, of those that are replaced.
static FORMER: Functions = Functions::new();

/// Defines a function in place of each, which gives its parameters, the size of the block, and the
/// part of it that has no value, and what puts them all in place.
macro_rules! watched {
    ($($name:ident($($parameter:ident: $type:ty),*) gives $size:expr, $unwritten:expr;)*) => {
        $(
            unsafe extern "C" fn $name($($parameter: $type),*) -> Pointer {
                type Function = unsafe extern "C" fn($($type),*) -> Pointer;
                let former = known(&FORMER.$name);
                // SAFETY: the allocator's function of this name, and the caller's arguments.
                let take = || unsafe { transmute::<Pointer, Function>(former)($($parameter),*) };
                instead(take(), $size, $unwritten, &take)
            }
        )*

        /// Puts them in the place of those of the allocator, once.
        pub fn replace() {
            find_usable_size();
            $(put(&FORMER.$name, &FUNCTIONS.$name, $name as *mut c_void);)*
            put(
                &FORMER.posix_memalign,
                &FUNCTIONS.posix_memalign,
                posix_memalign as *mut c_void,
            );
        }
    };
}

watched! {
    malloc(size: usize) gives size, 0..size;
    calloc(count: usize, size: usize) gives count.wrapping_mul(size), 0..0;
    aligned_alloc(alignment: usize, size: usize) gives size, 0..size;
    memalign(alignment: usize, size: usize) gives size, 0..size;
    valloc(size: usize) gives size, 0..size;
    pvalloc(size: usize) gives size, 0..size;
}

/// `malloc_usable_size` of the allocator: not every allocator has one, and that of another one must
/// not see its blocks.
static USABLE_SIZE: real::Found = real::Found::new();

fn find_usable_size() {
    let found = real::next(c"malloc_usable_size");
    if are_of_one_object(found.addr(), real::malloc() as usize) {
        USABLE_SIZE.or(|| found);
    }
}

/// What a program may write to in a block, if the allocator tells.
///
/// # Safety
///
/// It is a block of the allocator's.
pub unsafe fn usable_size(block: Pointer) -> Option<usize> {
    type Function = unsafe extern "C" fn(Pointer) -> usize;
    let known = USABLE_SIZE.get();
    // SAFETY: the allocator's function of this name, and a block of its own.
    (!known.is_null()).then(|| unsafe { transmute::<Pointer, Function>(known)(block) })
}

/// The allocator's function, which was stored before this library's could be called.
#[inline(always)]
fn known(former: &AtomicPtr<c_void>) -> Pointer {
    loop {
        let function = former.load(Relaxed);
        if !function.is_null() {
            return function;
        }
        // The stores may be seen in the other order.
        core::hint::spin_loop();
    }
}

/// One that was never found stays to be found.
fn put(former: &AtomicPtr<c_void>, place: &AtomicPtr<c_void>, by: Pointer) {
    let function = place.load(Relaxed);
    if !function.is_null() {
        former.store(function, Relaxed);
        place.store(by, Release);
    }
}

unsafe extern "C" fn posix_memalign(place: *mut Pointer, alignment: usize, size: usize) -> c_int {
    type Function = unsafe extern "C" fn(*mut Pointer, usize, usize) -> c_int;
    let former = known(&FORMER.posix_memalign);
    let take = |place: *mut Pointer| {
        // SAFETY: the allocator's function of this name; the place is the caller's, or one here.
        unsafe { transmute::<Pointer, Function>(former)(place, alignment, size) }
    };
    let refused = take(place);
    if refused == 0 {
        let another = || {
            let mut block = ptr::null_mut();
            match take(&raw mut block) {
                0 => block,
                _ => ptr::null_mut(),
            }
        };
        // SAFETY: the caller's place, in which the block is.
        unsafe { *place = instead(*place, size, 0..size, &another) };
    }
    refused
}
