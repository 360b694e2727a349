//! The functions that hand out file descriptors, and those that take them back.
//!
//! Each passes on to the C library and lets [`descriptors`] record what it gave. The C library's
//! own calls do not pass here, so the descriptor of a stream is never counted beside the stream:
//! one that `fdopen` makes a stream of belongs to that from then on.
//!
//! Nearly all of these are points of cancellation, so a handler may be left by an unwinding.

use crate::arch::{CallSite, allocator_entry, shown_entry};
use crate::hot::events::descriptors;
use crate::hot::ground::real;
use core::ffi::{CStr, c_char, c_int, c_uint, c_void};
use core::mem::transmute;

/// What a function answers that the C library does not have.
fn missing() -> isize {
    set_errno(libc::ENOSYS);
    -1
}

fn errno() -> c_int {
    // SAFETY: the C library's own place for the error of this thread.
    unsafe { *libc::__errno_location() }
}

fn set_errno(error: c_int) {
    // SAFETY: as above.
    unsafe { *libc::__errno_location() = error };
}

fn at(slot: usize, frame_pointer: usize) -> CallSite {
    CallSite {
        slot,
        frame_pointer,
    }
}

/// The type of what a function gives: most give an `int`.
macro_rules! result {
    () => {
        c_int
    };
    ($type:ty) => {
        $type
    };
}

/// For each function: its hook, and what is done with what the real one gave. All hooks answer a
/// whole register, of which the caller of a function that gives an `int` reads the half.
macro_rules! hooks {
    ($($name:ident $count:tt ($($argument:ident: $type:ty),*) $(-> $result:ty,)? $returned:ident;)*) => {
        $(
            #[allow(non_snake_case)]
            mod $name {
                use super::*;

                const NAME: &CStr = match CStr::from_bytes_with_nul(
                    concat!(stringify!($name), "\0").as_bytes(),
                ) {
                    Ok(name) => name,
                    Err(_) => c"",
                };
                static REAL: real::Found = real::Found::new();

                allocator_entry!($name, $count, on_call);

                pub fn init() {
                    real::found(&REAL, NAME);
                }

                unsafe extern "C-unwind" fn on_call(
                    $($argument: $type,)*
                    slot: usize,
                    frame_pointer: usize,
                ) -> isize {
                    let real = real::found(&REAL, NAME);
                    if real.is_null() {
                        return missing();
                    }
                    // SAFETY: the C library's function of this name and type, with the caller's
                    // arguments; so below, for what is made of them.
                    unsafe {
                        let real: unsafe extern "C-unwind" fn($($type),*) -> result!($($result)?) =
                            transmute(real);
                        $returned(
                            &|| real($($argument),*) as isize,
                            [$($argument as usize),*],
                            at(slot, frame_pointer),
                        )
                    }
                }
            }
        )*

        /// Every hook here by its name, for those who ask the loader for a function.
        pub const HOOKS: &[super::Hook] = &[$((stringify!($name), $name::$name)),*];

        pub fn init() {
            $($name::init();)*
            real::found(&REAL_FDOPEN, c"fdopen");
            real::found(&REAL_FDOPENDIR, c"fdopendir");
            real::found(&REAL_VFORK, c"vfork");
        }
    };
}

hooks! {
    // A mode that was not passed is not looked at.
    open 3 (path: *const c_char, flags: c_int, mode: c_uint) new;
    open64 3 (path: *const c_char, flags: c_int, mode: c_uint) new;
    openat 4 (folder: c_int, path: *const c_char, flags: c_int, mode: c_uint) new;
    openat64 4 (folder: c_int, path: *const c_char, flags: c_int, mode: c_uint) new;
    __open_2 2 (path: *const c_char, flags: c_int) new;
    __open64_2 2 (path: *const c_char, flags: c_int) new;
    __openat_2 3 (folder: c_int, path: *const c_char, flags: c_int) new;
    __openat64_2 3 (folder: c_int, path: *const c_char, flags: c_int) new;
    creat 2 (path: *const c_char, mode: c_uint) new;
    creat64 2 (path: *const c_char, mode: c_uint) new;
    open_by_handle_at 3 (mount: c_int, handle: *mut c_void, flags: c_int) new;
    posix_openpt 1 (flags: c_int) new;
    shm_open 3 (name: *const c_char, flags: c_int, mode: c_uint) new;
    memfd_create 2 (name: *const c_char, flags: c_uint) new;
    mkstemp 1 (name: *mut c_char) new;
    mkstemp64 1 (name: *mut c_char) new;
    mkostemp 2 (name: *mut c_char, flags: c_int) new;
    mkostemp64 2 (name: *mut c_char, flags: c_int) new;
    mkstemps 2 (name: *mut c_char, suffix: c_int) new;
    mkstemps64 2 (name: *mut c_char, suffix: c_int) new;
    mkostemps 3 (name: *mut c_char, suffix: c_int, flags: c_int) new;
    mkostemps64 3 (name: *mut c_char, suffix: c_int, flags: c_int) new;
    socket 3 (domain: c_int, sort: c_int, protocol: c_int) new;
    accept 3 (socket: c_int, address: *mut c_void, len: *mut c_void) new;
    accept4 4 (socket: c_int, address: *mut c_void, len: *mut c_void, flags: c_int) new;
    epoll_create 1 (size: c_int) new;
    epoll_create1 1 (flags: c_int) new;
    eventfd 2 (value: c_uint, flags: c_int) new;
    timerfd_create 2 (clock: c_int, flags: c_int) new;
    inotify_init 0 () new;
    inotify_init1 1 (flags: c_int) new;
    fanotify_init 2 (flags: c_uint, events: c_uint) new;
    pidfd_open 2 (process: c_int, flags: c_uint) new;
    dup 1 (of: c_int) new;
    signalfd 3 (at: c_int, signals: *const c_void, flags: c_int) new_unless_given;
    fcntl 3 (of: c_int, command: c_int, argument: usize) duplicated;
    fcntl64 3 (of: c_int, command: c_int, argument: usize) duplicated;
    dup2 2 (of: c_int, to: c_int) replaced;
    dup3 3 (of: c_int, to: c_int, flags: c_int) replaced;
    pipe 1 (pair: *mut [c_int; 2]) pair_of_first;
    pipe2 2 (pair: *mut [c_int; 2], flags: c_int) pair_of_first;
    socketpair 4 (domain: c_int, sort: c_int, protocol: c_int, pair: *mut [c_int; 2])
        pair_of_fourth;
    recvmsg 3 (socket: c_int, message: *mut libc::msghdr, flags: c_int) -> isize, received;
    close 1 (of: c_int) closed;
    close_range 3 (first: c_uint, last: c_uint, flags: c_int) closed_range;
    closefrom 1 (first: c_int) closed_from;
}

type Call<'call> = &'call dyn Fn() -> isize;

unsafe fn new<const N: usize>(call: Call, _: [usize; N], call_site: CallSite) -> isize {
    let result = call();
    if result >= 0 {
        descriptors::opened(result as c_int, call_site);
    }
    result
}

/// `signalfd` changes the one that it is given, if it is.
unsafe fn new_unless_given(call: Call, arguments: [usize; 3], call_site: CallSite) -> isize {
    let result = call();
    if result >= 0 && (arguments[0] as c_int) < 0 {
        descriptors::opened(result as c_int, call_site);
    }
    result
}

unsafe fn duplicated(call: Call, arguments: [usize; 3], call_site: CallSite) -> isize {
    let result = call();
    if result >= 0 && matches!(arguments[1] as c_int, libc::F_DUPFD | libc::F_DUPFD_CLOEXEC) {
        descriptors::opened(result as c_int, call_site);
    }
    result
}

/// What was open under the number is closed by the same call.
unsafe fn replaced<const N: usize>(
    call: Call,
    arguments: [usize; N],
    call_site: CallSite,
) -> isize {
    let (of, to) = (arguments[0] as c_int, arguments[1] as c_int);
    let before = descriptors::is_tracked() && descriptors::is_open(to);
    let result = call();
    if result >= 0 && of != to {
        descriptors::replaced(to, before, call_site);
    }
    result
}

unsafe fn pair_of_first<const N: usize>(
    call: Call,
    arguments: [usize; N],
    call_site: CallSite,
) -> isize {
    // SAFETY: the caller's place for two numbers.
    unsafe {
        let opened = descriptors::opened;
        pair(call, arguments[0] as *const [c_int; 2], call_site, opened)
    }
}

unsafe fn pair_of_fourth(call: Call, arguments: [usize; 4], call_site: CallSite) -> isize {
    // SAFETY: as above.
    unsafe {
        let opened = descriptors::opened_by_native_code;
        pair(call, arguments[3] as *const [c_int; 2], call_site, opened)
    }
}

unsafe fn pair(
    call: Call,
    place: *const [c_int; 2],
    call_site: CallSite,
    opened: fn(c_int, CallSite),
) -> isize {
    let result = call();
    if result == 0 {
        // SAFETY: a successful call has written both.
        for number in unsafe { place.read() } {
            opened(number, call_site);
        }
    }
    result
}

/// A message may carry descriptors.
unsafe fn received(call: Call, arguments: [usize; 3], call_site: CallSite) -> isize {
    let message = arguments[1] as *const libc::msghdr;
    let result = call();
    // SAFETY: a successful call has filled the caller's message.
    if result < 0 || unsafe { (*message).msg_controllen } == 0 || !descriptors::is_tracked() {
        return result;
    }
    // SAFETY: the C library's way through what a message carries, each part within its length.
    unsafe {
        let mut part = libc::CMSG_FIRSTHDR(message);
        while let Some(header) = part.as_ref() {
            if header.cmsg_level == libc::SOL_SOCKET && header.cmsg_type == libc::SCM_RIGHTS {
                let data = libc::CMSG_DATA(part);
                let len = (part.addr() + header.cmsg_len).saturating_sub(data.addr());
                for index in 0..len / size_of::<c_int>() {
                    let number = data.cast::<c_int>().add(index).read_unaligned();
                    descriptors::opened(number, call_site);
                }
            }
            part = libc::CMSG_NXTHDR(message, part);
        }
    }
    result
}

unsafe fn closed(call: Call, arguments: [usize; 1], call_site: CallSite) -> isize {
    let number = arguments[0] as c_int;
    // Another thread may have the number as soon as it is closed.
    let before = descriptors::closing(number);
    let result = call();
    if result != 0 && errno() == libc::EBADF {
        descriptors::was_not_open(number, before, call_site);
        set_errno(libc::EBADF);
    }
    result
}

unsafe fn closed_range(call: Call, arguments: [usize; 3], _: CallSite) -> isize {
    const CLOSE_RANGE_CLOEXEC: usize = 4;
    if arguments[2] & CLOSE_RANGE_CLOEXEC == 0 {
        descriptors::closing_from(arguments[0], arguments[1]);
    }
    call()
}

unsafe fn closed_from(call: Call, arguments: [usize; 1], _: CallSite) -> isize {
    descriptors::closing_from((arguments[0] as c_int).max(0) as usize, usize::MAX);
    call()
}

static REAL_FDOPEN: real::Found = real::Found::new();
static REAL_VFORK: real::Found = real::Found::new();
static REAL_FDOPENDIR: real::Found = real::Found::new();

shown_entry!(fdopen, fdopen_request);
shown_entry!(fdopendir, fdopendir_request);
shown_entry!(vfork, vfork_request);

/// Called by `fdopen`: what was a descriptor is a part of a stream from now on, whose memory is on
/// record. The real function.
extern "C" fn fdopen_request(number: c_int) -> *mut c_void {
    let _ = descriptors::closing(number);
    real::found(&REAL_FDOPEN, c"fdopen")
}

/// Called by `vfork`, whose child has descriptors of its own. The real function.
extern "C" fn vfork_request() -> *mut c_void {
    descriptors::will_share_memory();
    real::found(&REAL_VFORK, c"vfork")
}

/// Called by `fdopendir`: the same for folders.
extern "C" fn fdopendir_request(number: c_int) -> *mut c_void {
    let _ = descriptors::closing(number);
    real::found(&REAL_FDOPENDIR, c"fdopendir")
}
