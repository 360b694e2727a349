//! The allocator under test: what the hooks of the malloc family pass on to.
//!
//! It is the next definition after this library's. Some functions are called before this library's
//! constructor, which finds the others. Looking one up may itself allocate; those few bytes come
//! from a small reserve that is never given back.
//!
//! Not every hook has a function here: `strdup` and the sized frees are made of others. One that
//! needs a function which is missing here does not compile.

use core::cell::UnsafeCell;
use core::ffi::{CStr, c_int, c_void};
use core::mem::transmute;
use core::num::NonZeroUsize;
use core::ptr;
use core::sync::atomic::{
    AtomicBool, AtomicPtr, AtomicUsize,
    Ordering::{AcqRel, Acquire, Relaxed, Release},
};
use once_cell::race::OnceNonZeroUsize;

type Pointer = *mut c_void;

macro_rules! functions {
    ($($name:ident: $type:ty = $symbol:literal, when_resolving $early:expr;)*) => {
        /// What is passed on to, where it is known. No cells that are set once: what watches the
        /// allocator puts functions of its own here.
        pub struct Functions {
            $(pub $name: AtomicPtr<c_void>,)*
        }

        impl Functions {
            /// None is known.
            pub const fn new() -> Functions {
                Functions {
                    $($name: AtomicPtr::new(ptr::null_mut()),)*
                }
            }
        }

        /// Those of this process. Whoever replaces one calls the former one in its place.
        pub static FUNCTIONS: Functions = Functions::new();

        $(
            /// The function of this name of the allocator under test.
            #[inline(always)]
            pub fn $name() -> $type {
                let place = &FUNCTIONS.$name;
                let known = place.load(Relaxed);
                let known = if known.is_null() { find(place, $symbol) } else { known };
                if known.is_null() {
                    return $early;
                }
                // SAFETY: the C library's function of this name has this type.
                unsafe { transmute::<Pointer, $type>(known) }
            }
        )*
        /// Finds all of them, while the process has one thread: two that asked for one at once
        /// would make one of them fail.
        pub fn init() {
            $(let _ = $name();)*
        }
    };
}

functions! {
    malloc: unsafe extern "C" fn(usize) -> Pointer = c"malloc", when_resolving reserve_malloc;
    calloc: unsafe extern "C" fn(usize, usize) -> Pointer = c"calloc", when_resolving reserve_calloc;
    realloc: unsafe extern "C" fn(Pointer, usize) -> Pointer = c"realloc",
        when_resolving reserve_realloc;
    free: unsafe extern "C" fn(Pointer) = c"free", when_resolving reserve_free;
    posix_memalign: unsafe extern "C" fn(*mut Pointer, usize, usize) -> c_int = c"posix_memalign",
        when_resolving no_posix_memalign;
    aligned_alloc: unsafe extern "C" fn(usize, usize) -> Pointer = c"aligned_alloc",
        when_resolving no_two;
    memalign: unsafe extern "C" fn(usize, usize) -> Pointer = c"memalign", when_resolving no_two;
    valloc: unsafe extern "C" fn(usize) -> Pointer = c"valloc", when_resolving no_one;
    pvalloc: unsafe extern "C" fn(usize) -> Pointer = c"pvalloc", when_resolving no_one;
}

/// The next definition of a symbol after this library's, or null.
pub fn next(name: &CStr) -> *mut c_void {
    // SAFETY: a lookup by name; it neither loads nor unloads anything.
    unsafe { libc::dlsym(libc::RTLD_NEXT, name.as_ptr()) }
}

/// A function that is looked for once. Where threads look at the same moment, they find the same.
pub struct Found(OnceNonZeroUsize);

impl Found {
    /// It was not looked for.
    pub const fn new() -> Found {
        Found(OnceNonZeroUsize::new())
    }

    /// What was found; null before.
    #[inline(always)]
    pub fn get(&self) -> Pointer {
        self.0
            .get()
            .map_or(ptr::null_mut(), |found| found.get() as Pointer)
    }

    /// What was found, or is found by `look`.
    #[inline(always)]
    pub fn or(&self, look: impl FnOnce() -> Pointer) -> Pointer {
        let found = self
            .0
            .get_or_try_init(|| NonZeroUsize::new(look() as usize).ok_or(()));
        found.map_or(ptr::null_mut(), |found| found.get() as Pointer)
    }
}

/// The same, looked for once and kept in `place`.
pub fn found(place: &Found, name: &CStr) -> Pointer {
    place.or(|| next(name))
}

static RESOLVING: AtomicBool = AtomicBool::new(false);

/// Finds a function; null while another look-up is under way. The first look-ups happen while
/// the process has one thread; a thread that still comes in between takes from the reserve.
#[cold]
#[inline(never)]
fn find(place: &AtomicPtr<c_void>, name: &CStr) -> Pointer {
    if RESOLVING.swap(true, AcqRel) {
        return ptr::null_mut();
    }
    let found = next(name);
    place.store(found, Relaxed);
    RESOLVING.store(false, Release);
    found
}

const RESERVE_LEN: usize = 64 << 10;

#[repr(C, align(16))]
struct Reserve(UnsafeCell<[u8; RESERVE_LEN]>);
// SAFETY: each run of bytes is handed out once.
unsafe impl Sync for Reserve {}

static RESERVE: Reserve = Reserve(UnsafeCell::new([0; RESERVE_LEN]));
static RESERVE_USED: AtomicUsize = AtomicUsize::new(0);

/// Whether the block came from the reserve: it is never given back.
#[inline(always)]
pub fn is_reserve(block: Pointer) -> bool {
    (block as usize).wrapping_sub(RESERVE.0.get() as usize) < RESERVE_LEN
}

unsafe extern "C" fn reserve_malloc(size: usize) -> Pointer {
    let need = size.saturating_add(31) & !15;
    let at = RESERVE_USED.fetch_add(need, Acquire);
    if at.saturating_add(need) > RESERVE_LEN {
        return ptr::null_mut();
    }
    // SAFETY: the run lies within the reserve; its size stands before it.
    unsafe {
        let start = RESERVE.0.get().cast::<u8>().add(at);
        start.cast::<usize>().write(size);
        start.add(16).cast()
    }
}

unsafe extern "C" fn reserve_calloc(count: usize, size: usize) -> Pointer {
    match count.checked_mul(size) {
        // SAFETY: the reserve is zeroed and handed out once.
        Some(size) => unsafe { reserve_malloc(size) },
        None => ptr::null_mut(),
    }
}

unsafe extern "C" fn reserve_realloc(block: Pointer, size: usize) -> Pointer {
    // SAFETY: the caller's block; only blocks of the reserve exist while it is in use.
    unsafe {
        let new = reserve_malloc(size);
        if !block.is_null() && !new.is_null() && is_reserve(block) {
            copy_reserve(block, new, size);
        }
        new
    }
}

unsafe extern "C" fn reserve_free(_block: Pointer) {}

unsafe extern "C" fn no_posix_memalign(_: *mut Pointer, _: usize, _: usize) -> c_int {
    libc::ENOMEM
}

unsafe extern "C" fn no_one(_: usize) -> Pointer {
    ptr::null_mut()
}

unsafe extern "C" fn no_two(_: usize, _: usize) -> Pointer {
    ptr::null_mut()
}

/// Copies a block of the reserve to a new block of `size` bytes.
///
/// # Safety
///
/// `block` came from the reserve, and `new` has `size` bytes.
pub unsafe fn copy_reserve(block: Pointer, new: Pointer, size: usize) {
    // SAFETY: the block's size stands sixteen bytes before it.
    unsafe {
        let old_size = block.cast::<u8>().sub(16).cast::<usize>().read();
        ptr::copy_nonoverlapping(block.cast::<u8>(), new.cast(), old_size.min(size));
    }
}
