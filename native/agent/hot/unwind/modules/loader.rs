//! What the loader says of an address: the module there, and where that is mapped.
//!
//! It is asked through `_dl_find_object`, or through `older_loader` on a C library without that.

use crate::hot::ground::real;
use crate::hot::unwind::{self, older_loader};
use core::ffi::{c_char, c_int, c_void};
use core::mem::transmute;
use core::ptr;
use hackleak_platform::peek;

/// `struct dl_find_object` of `<dlfcn.h>`.
#[repr(C)]
struct DlFindObject {
    flags: u64,
    map_start: usize,
    map_end: usize,
    link_map: *const LinkMap,
    eh_frame: usize,
    reserved: [u64; 7],
}

/// The public head of `struct link_map` of `<link.h>`.
#[repr(C)]
pub struct LinkMap {
    pub bias: usize,
    pub name: *const c_char,
    /// Its dynamic section.
    pub dynamic: usize,
    /// The next module of the same namespace.
    pub next: *const LinkMap,
}

type FindObject = unsafe extern "C" fn(*const c_void, *mut DlFindObject) -> c_int;

static FIND_OBJECT: real::Found = real::Found::new();

/// A loaded module, however it was found.
pub(super) struct Object {
    pub(super) map_start: usize,
    pub(super) map_end: usize,
    pub(super) bias: usize,
    /// Address of its `.eh_frame_hdr`, or 0.
    pub(super) eh_frame_hdr: usize,
    /// Null on an older C library.
    pub(super) link_map: *const LinkMap,
}

pub fn init() {
    // SAFETY: a lookup by name.
    let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"_dl_find_object".as_ptr()) };
    if found.is_null() || unwind::has_older_loader() {
        older_loader::init();
    } else {
        FIND_OBJECT.or(|| found);
    }
}

pub(super) fn is_older() -> bool {
    FIND_OBJECT.get().is_null()
}

/// A `dlopen` begins.
pub fn opening() {
    if is_older() {
        older_loader::opening();
    }
}

pub(super) fn find_object(address: usize) -> Option<Object> {
    // SAFETY: the loader keeps the link map of a module as long as the module is loaded, and found
    // it a moment ago.
    find(address, |map| unsafe { (*map).bias })
}

/// The same where another thread may unload the module meanwhile.
pub(super) fn find_passing(address: usize) -> Option<Object> {
    find(address, |map| {
        let mut bias = [0usize];
        peek::copy(map.addr(), peek::bytes_mut(&mut bias));
        bias[0]
    })
}

fn find(address: usize, bias_of: impl FnOnce(*const LinkMap) -> usize) -> Option<Object> {
    let function = FIND_OBJECT.get();
    if function.is_null() {
        return older_loader::find(address).map(|found| Object {
            map_start: found.start,
            map_end: found.end,
            bias: found.bias,
            eh_frame_hdr: found.eh_frame_hdr,
            link_map: ptr::null(),
        });
    }
    // SAFETY: the C library's function of this name and type.
    let function: FindObject = unsafe { transmute(function) };
    let mut object = DlFindObject {
        flags: 0,
        map_start: 0,
        map_end: 0,
        link_map: ptr::null(),
        eh_frame: 0,
        reserved: [0; 7],
    };
    // SAFETY: `object` has the documented layout.
    let found = unsafe { function(address as *const c_void, &mut object) } == 0;
    found.then(|| Object {
        map_start: object.map_start,
        map_end: object.map_end,
        // It is the first word of the map.
        bias: bias_of(object.link_map),
        eh_frame_hdr: object.eh_frame,
        link_map: object.link_map,
    })
}

/// Where the module at `address` is mapped.
pub fn range(address: usize) -> Option<core::ops::Range<usize>> {
    find_object(address).map(|object| object.map_start..object.map_end)
}
