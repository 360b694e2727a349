//! `pthread_create` and its like: a thread inherits the scope of the thread that starts it, and is
//! recorded where threads are tracked ([`started`]). One that `clone` makes is only recorded.

use crate::arch::{CallSite, allocator_entry};
use crate::hot::events::started::{self, Started};
use crate::hot::ground::{boundary, gate, real};
use crate::hot::thread;
use core::ffi::{CStr, c_int, c_void};
use core::mem::transmute;
use core::ptr;

type Start = unsafe extern "C-unwind" fn(*mut c_void) -> *mut c_void;
type Create = unsafe extern "C-unwind" fn(
    *mut libc::pthread_t,
    *const libc::pthread_attr_t,
    Start,
    *mut c_void,
) -> c_int;

const NAME: &CStr = c"pthread_create";
static REAL: real::Found = real::Found::new();
type C11Create = unsafe extern "C-unwind" fn(*mut libc::pthread_t, Start, *mut c_void) -> c_int;
static REAL_C11: real::Found = real::Found::new();
/// `thrd_error` of `<threads.h>`.
const C11_ERROR: c_int = 2;

unsafe extern "C" {
    // The `libc` crate has it for other systems only.
    fn pthread_attr_getdetachstate(
        attributes: *const libc::pthread_attr_t,
        state: *mut c_int,
    ) -> c_int;
}

pub fn init() {
    real::found(&REAL, NAME);
    real::found(&REAL_C11, c"thrd_create");
    real::found(&REAL_CLONE, CLONE);
    find_endings();
}

/// What a child takes over, in a page of its own until it has.
struct Birth {
    start: Start,
    argument: *mut c_void,
    scope: u32,
    started: Option<Started>,
}

allocator_entry!(pthread_create, 4, on_create);
allocator_entry!(thrd_create, 3, on_c11_create);

unsafe extern "C-unwind" fn on_create(
    id: *mut libc::pthread_t,
    attributes: *const libc::pthread_attr_t,
    start: Start,
    argument: *mut c_void,
    slot: usize,
    frame_pointer: usize,
) -> c_int {
    // SAFETY: the C library's function of this name and type; it has one in every process.
    let real: Create = unsafe { transmute(real::found(&REAL, NAME)) };
    let mut state = libc::PTHREAD_CREATE_JOINABLE;
    if !attributes.is_null() {
        // SAFETY: attributes of the caller's, and a valid place.
        unsafe { pthread_attr_getdetachstate(attributes, &mut state) };
    }
    let is_detached = state == libc::PTHREAD_CREATE_DETACHED;
    let call_site = CallSite {
        slot,
        frame_pointer,
    };
    // SAFETY: the caller's; a stub in place of the routine calls that.
    create(
        id,
        is_detached,
        start,
        argument,
        call_site,
        |start, argument| unsafe { real(id, attributes, start, argument) },
    )
}

/// The same for C's own threads, whose routine returns an `int`: the stub does not see it return.
unsafe extern "C-unwind" fn on_c11_create(
    id: *mut libc::pthread_t,
    start: Start,
    argument: *mut c_void,
    slot: usize,
    frame_pointer: usize,
) -> c_int {
    let real = real::found(&REAL_C11, c"thrd_create");
    if real.is_null() {
        return C11_ERROR;
    }
    // SAFETY: the C library's function of this name and type.
    let real: C11Create = unsafe { transmute(real) };
    let call_site = CallSite {
        slot,
        frame_pointer,
    };
    // SAFETY: as above.
    create(
        id,
        false,
        start,
        argument,
        call_site,
        |start, argument| unsafe { real(id, start, argument) },
    )
}

type Clone = unsafe extern "C" fn(
    *mut c_void,
    *mut c_void,
    c_int,
    *mut c_void,
    *mut c_void,
    *mut c_void,
    usize,
) -> c_int;

const CLONE: &CStr = c"clone";
static REAL_CLONE: real::Found = real::Found::new();

allocator_entry!(clone, 6, on_clone);

/// What makes a process passes through. The new thread begins in the program's routine: it may have
/// no thread-local memory of its own, so nothing of the recorder's may run there before.
#[allow(clippy::too_many_arguments)]
unsafe extern "C" fn on_clone(
    routine: *mut c_void,
    stack: *mut c_void,
    flags: c_int,
    argument: *mut c_void,
    parent_tid: *mut c_void,
    locals: *mut c_void,
    slot: usize,
    frame_pointer: usize,
) -> c_int {
    let is_thread = flags & libc::CLONE_THREAD != 0;
    let call_site = CallSite {
        slot,
        frame_pointer,
    };
    let started = match is_thread {
        true => started::starting(true, call_site),
        false => None,
    };
    // SAFETY: the C library's function of this name and type; it has one in every process. Its last
    // argument lies above the return address, where there is a word in any case.
    let result = unsafe {
        let real: Clone = transmute(real::found(&REAL_CLONE, CLONE));
        let child_tid = ptr::without_provenance::<usize>(slot + size_of::<usize>()).read();
        real(
            routine, stack, flags, argument, parent_tid, locals, child_tid,
        )
    };
    if let Some(started) = started {
        match u32::try_from(result) {
            Ok(tid) => started.has_tid(tid),
            Err(_) => started.empty(),
        }
    }
    result
}

/// Lets `real` make a thread, whose identifier it writes to `id`.
fn create(
    id: *const libc::pthread_t,
    is_detached: bool,
    start: Start,
    argument: *mut c_void,
    call_site: CallSite,
    real: impl Fn(Start, *mut c_void) -> c_int,
) -> c_int {
    let started = started::starting(is_detached, call_site);
    let result = begun(started, start, argument, real);
    match started {
        // SAFETY: the C library has written it.
        Some(started) if result == 0 => started.has_id(unsafe { *id } as usize),
        Some(started) => started.empty(),
        None => {}
    }
    result
}

/// The same. Only a thread that is recorded, or whose maker has a scope, begins in a stub; all
/// others pass through. Ignoring ends with the thread that asked for it: a pool's thread would go
/// on ignoring for ever.
fn begun(
    started: Option<Started>,
    start: Start,
    argument: *mut c_void,
    real: impl Fn(Start, *mut c_void) -> c_int,
) -> c_int {
    let scope = match thread::enter_existing() {
        Some(thread) if gate::is_open() => thread.scope(),
        _ => 0,
    };
    let birth = if scope == 0 && started.is_none() {
        ptr::null_mut()
    } else {
        map_birth()
    };
    if birth.is_null() {
        if let Some(started) = started {
            // Without a stub nobody would notice that it ends.
            started.empty();
        }
        return real(start, argument);
    }
    // SAFETY: a fresh mapping of this call's own; the stub takes it over.
    let entry: Start = unsafe {
        birth.write(Birth {
            start,
            argument,
            scope,
            started,
        });
        transmute(crate::arch::thread_start as *const ())
    };
    let result = real(entry, birth.cast());
    if result != 0 {
        // SAFETY: no thread has taken it over.
        unsafe { libc::munmap(birth.cast(), size_of::<Birth>()) };
    }
    result
}

/// The functions that wait for the end of a thread, or say that nobody will.
macro_rules! ending {
    ($($name:ident ($($argument:ident: $type:ty),*) $then:ident;)*) => {
        $(
            mod $name {
                use super::*;

                const NAME: &CStr = match CStr::from_bytes_with_nul(
                    concat!(stringify!($name), "\0").as_bytes(),
                ) {
                    Ok(name) => name,
                    Err(_) => c"",
                };
                static REAL: real::Found = real::Found::new();

                pub const HOOK: crate::hot::hooks::Hook = (
                    stringify!($name),
                    // SAFETY: the pointer is only told to those who know the function's type.
                    unsafe {
                        transmute::<
                            unsafe extern "C-unwind" fn(libc::pthread_t, $($type),*) -> c_int,
                            unsafe extern "C" fn(),
                        >($name)
                    },
                );

                pub fn init() {
                    real::found(&REAL, NAME);
                }

                /// Hook.
                ///
                /// # Safety
                ///
                /// The C library's own contract.
                #[unsafe(no_mangle)]
                pub unsafe extern "C-unwind" fn $name(
                    id: libc::pthread_t,
                    $($argument: $type),*
                ) -> c_int {
                    let real = real::found(&REAL, NAME);
                    if real.is_null() {
                        return libc::ENOSYS;
                    }
                    // Once it has been joined, another thread may have the identifier.
                    let started = started::known(id as usize);
                    // SAFETY: the C library's function of this name and type, with the caller's
                    // arguments.
                    let result = unsafe {
                        let real: unsafe extern "C-unwind" fn(libc::pthread_t, $($type),*) -> c_int =
                            transmute(real);
                        real(id, $($argument),*)
                    };
                    if result == 0
                        && let Some(started) = started
                    {
                        started.$then();
                    }
                    result
                }
            }
        )*

        /// Every hook here by its name, for those who ask the loader for a function.
        pub const HOOKS: &[super::Hook] = &[
            ("pthread_create", pthread_create),
            ("thrd_create", thrd_create),
            ("clone", clone),
            $($name::HOOK),*
        ];

        fn find_endings() {
            $($name::init();)*
        }
    };
}

ending! {
    pthread_join(value: *mut *mut c_void) empty;
    pthread_tryjoin_np(value: *mut *mut c_void) empty;
    pthread_timedjoin_np(value: *mut *mut c_void, until: *const libc::timespec) empty;
    pthread_clockjoin_np(value: *mut *mut c_void, clock: libc::clockid_t, until: *const libc::timespec) empty;
    pthread_detach() detached;
    thrd_join(value: *mut c_int) empty;
    thrd_detach() detached;
}

/// The program's start routine and its argument, as two return registers.
#[repr(C)]
pub struct Begin {
    start: Start,
    argument: *mut c_void,
}

/// Called on the new thread, by `arch::thread_start`.
pub unsafe extern "C" fn thread_begin(birth: *mut c_void) -> Begin {
    // SAFETY: the mapping that `pthread_create` filled for this thread alone.
    let Birth {
        start,
        argument,
        scope,
        started,
    } = unsafe { birth.cast::<Birth>().read() };
    // SAFETY: nobody else knows the mapping.
    unsafe { libc::munmap(birth, size_of::<Birth>()) };
    put_back(birth as usize, start, argument);
    boundary::guarded(|| {
        boundary::may_panic();
        if let Some(started) = started {
            started.begins();
        }
        if scope != 0
            && gate::is_open()
            && let Some(mut thread) = thread::enter()
        {
            thread.set_scope(scope, true);
            thread.routine = start as usize;
        }
    });
    Begin { start, argument }
}

/// The C library's record of the calling thread gets what it would have without the stub. It says
/// with what the thread began, also to debuggers; and for as long as the thread runs, it holds the
/// argument.
fn put_back(birth: usize, start: Start, argument: *mut c_void) {
    /// The two words lie among so many first ones of `struct pthread`.
    const WORDS: usize = 256;
    let stub = crate::arch::thread_start as *const () as usize;
    // SAFETY: the calling thread's own record, of which the C library has read these two words for
    // the last time.
    unsafe {
        let record: *mut usize = ptr::with_exposed_provenance_mut(libc::pthread_self() as usize);
        for at in 0..WORDS - 1 {
            let (routine, passed) = (record.add(at), record.add(at + 1));
            if routine.read_volatile() == stub && passed.read_volatile() == birth {
                routine.write_volatile(start as usize);
                passed.write_volatile(argument as usize);
                return;
            }
        }
    }
}

fn map_birth() -> *mut Birth {
    // SAFETY: a new anonymous mapping.
    let at = unsafe {
        libc::mmap(
            ptr::null_mut(),
            size_of::<Birth>(),
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            -1,
            0,
        )
    };
    if at == libc::MAP_FAILED {
        ptr::null_mut()
    } else {
        at.cast()
    }
}
