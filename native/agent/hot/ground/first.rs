//! Whether the process's `malloc` is this library's.
//!
//! A program may bring an allocator of its own, or have one preloaded before this library. Its
//! calls do not pass through here then, but those of functions that allocators do not define still
//! do: `strdup`, `strndup`, `reallocarray`. The C library's own call whatever `malloc` is the
//! process's, so they are passed on to.

use super::real;
use core::ffi::{c_char, c_void};
use core::mem::transmute;
use core::sync::atomic::{AtomicU8, Ordering::Relaxed};
use hackleak_platform::this_library::{are_of_one_object, object_info};

const UNKNOWN: u8 = 0;
const OWN: u8 = 1;
const OTHER: u8 = 2;
static STATE: AtomicU8 = AtomicU8::new(UNKNOWN);

/// Whether another `malloc` than this library's comes first.
#[inline(always)]
pub fn is_other() -> bool {
    match STATE.load(Relaxed) {
        UNKNOWN => look(),
        state => state == OTHER,
    }
}

#[cold]
#[inline(never)]
fn look() -> bool {
    // SAFETY: a lookup by name.
    let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"malloc".as_ptr()) };
    let is_own = are_of_one_object(found.addr(), look as *const () as usize);
    // A program that is not position independent and takes the function's address has a jump to it,
    // and no function.
    let is_function = object_info(found.addr()).is_some_and(|info| info.dli_saddr == found);
    let is_other = !is_own && is_function;
    STATE.store(if is_other { OTHER } else { OWN }, Relaxed);
    is_other
}

macro_rules! passed_on {
    ($($name:ident: $type:ty = $symbol:literal;)*) => {
        $(
            /// The C library's function of this name, if it is to be called.
            #[inline(always)]
            pub fn $name() -> Option<$type> {
                if !is_other() {
                    return None;
                }
                static REAL: real::Found = real::Found::new();
                let real = real::found(&REAL, $symbol);
                // SAFETY: the C library's function of this name has this type.
                (!real.is_null()).then(|| unsafe { transmute::<*mut c_void, $type>(real) })
            }
        )*
    };
}

passed_on! {
    strdup: unsafe extern "C" fn(*const c_char) -> *mut c_void = c"strdup";
    strndup: unsafe extern "C" fn(*const c_char, usize) -> *mut c_void = c"strndup";
    reallocarray: unsafe extern "C" fn(*mut c_void, usize, usize) -> *mut c_void = c"reallocarray";
}
