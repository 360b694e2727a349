//! `getaddrinfo`: the list that it returns belongs to its caller.
//!
//! On its way there it loads name services and remembers the resolver's settings and the network
//! interfaces, in functions without a name. So what it allocates is not told apart by its stack, as
//! for other functions of the C library (`lent`). It is found in the list once that is complete.

use crate::IMAGE;
use crate::arch::{CallSite, allocator_entry};
use crate::hot::events::record;
use crate::hot::ground::{gate, real};
use core::ffi::{CStr, c_char, c_int};
use core::mem::transmute;
use libc::addrinfo;

type Getaddrinfo = unsafe extern "C-unwind" fn(
    *const c_char,
    *const c_char,
    *const addrinfo,
    *mut *mut addrinfo,
) -> c_int;

const NAME: &CStr = c"getaddrinfo";
static REAL: real::Found = real::Found::new();

pub const HOOKS: &[super::Hook] = &[("getaddrinfo", getaddrinfo)];

pub fn init() {
    real::found(&REAL, NAME);
}

allocator_entry!(getaddrinfo, 4, on_getaddrinfo);

/// May be left by the cancellation of its thread.
unsafe extern "C-unwind" fn on_getaddrinfo(
    node: *const c_char,
    service: *const c_char,
    hints: *const addrinfo,
    place: *mut *mut addrinfo,
    slot: usize,
    frame_pointer: usize,
) -> c_int {
    // SAFETY: the C library's function of this name and type, which it has in every process, with
    // the caller's arguments.
    let result = unsafe {
        let real: Getaddrinfo = transmute(real::found(&REAL, NAME));
        real(node, service, hints, place)
    };
    if result == 0 && gate::is_open_for_malloc() {
        let call_site = CallSite {
            slot,
            frame_pointer,
        };
        // SAFETY: a successful call has put a list there, which is its caller's from now on.
        unsafe { returned(*place, call_site) };
    }
    result
}

/// Records each block of a list: one for each address, which lies behind its description, and one
/// for the name that the first may have.
///
/// # Safety
///
/// The C library has just made the list.
unsafe fn returned(list: *const addrinfo, call_site: CallSite) {
    let mut at = list;
    // SAFETY: the caller's: every entry is null or complete, and names end in a zero byte.
    while let Some(entry) = unsafe { at.as_ref() } {
        let size = size_of::<addrinfo>() + entry.ai_addrlen as usize;
        block(at.addr(), size, call_site);
        if !entry.ai_canonname.is_null() {
            // SAFETY: as above.
            let size = unsafe { libc::strlen(entry.ai_canonname) } + 1;
            block(entry.ai_canonname.addr(), size, call_site);
        }
        at = entry.ai_next;
    }
}

fn block(address: usize, size: usize, call_site: CallSite) {
    // With `include=libc.so*` it was recorded when it was allocated. Else it is a block of the C
    // library's so far.
    let known = IMAGE.live.live_at(address);
    if known.is_none_or(record::is_of_runtime) {
        record::allocated_by_caller(address, size, call_site);
    }
}
