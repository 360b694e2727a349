//! Where this library and others lie.

use core::ffi::{c_int, c_void};
use core::ops::Range;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Where this library is mapped; 0 before [`init`].
static START: AtomicUsize = AtomicUsize::new(0);
static END: AtomicUsize = AtomicUsize::new(0);

/// Finds out where this library lies. Called before the gate opens.
pub fn init() {
    let mut own: Range<usize> = 0..0;
    // SAFETY: the callback has the type that the C library wants; the pointer is valid meanwhile.
    unsafe { libc::dl_iterate_phdr(Some(find), (&raw mut own).cast()) };
    START.store(own.start, Relaxed);
    END.store(own.end, Relaxed);
}

unsafe extern "C" fn find(info: *mut libc::dl_phdr_info, _len: usize, own: *mut c_void) -> c_int {
    // SAFETY: the description that the C library gives, with as many headers as it says, and the
    // pointer that `init` passed.
    unsafe {
        let info = &*info;
        let headers = core::slice::from_raw_parts(info.dlpi_phdr, usize::from(info.dlpi_phnum));
        let loaded = headers.iter().filter(|part| part.p_type == libc::PT_LOAD);
        let parts = loaded.map(|part| {
            let start = (info.dlpi_addr + part.p_vaddr) as usize;
            start..start + part.p_memsz as usize
        });
        let all = parts.reduce(|all, part| all.start.min(part.start)..all.end.max(part.end));
        match all.filter(|all| all.contains(&(find as *const () as usize))) {
            Some(all) => {
                *own.cast() = all;
                1
            }
            None => 0,
        }
    }
}

/// Whether the address lies in this library.
#[inline(always)]
pub fn has(address: usize) -> bool {
    (START.load(Relaxed)..END.load(Relaxed)).contains(&address)
}

/// What the loader knows of the object that the address lies in.
pub fn object_info(address: usize) -> Option<libc::Dl_info> {
    // SAFETY: a question about an address, which is not followed.
    unsafe {
        let mut info: libc::Dl_info = core::mem::zeroed();
        (libc::dladdr(address as *const c_void, &mut info) != 0).then_some(info)
    }
}

/// Whether two addresses lie in the same object.
pub fn are_of_one_object(one: usize, other: usize) -> bool {
    let base = |address| object_info(address).map(|info| info.dli_fbase);
    base(one).is_some_and(|found| Some(found) == base(other))
}
