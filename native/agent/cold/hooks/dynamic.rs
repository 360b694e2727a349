//! The dynamic loader's own functions.
//!
//! `dlclose`: what is known of a library's code ends with its mapping.
//!
//! `dlopen` needs no hook to know new code: that misses the rule cache. But a library that is
//! opened with `RTLD_DEEPBIND` would find its own allocator before the recorder. The flag is taken
//! away, and that is counted. The stub in `arch` keeps the caller's address as it is, because it
//! decides which RUNPATH is searched; only a library that is found without one is opened here, if
//! it is to be recorded ([`libraries`]).
//!
//! `dlmopen` loads a library into a namespace of its own, with a C library of its own, where no
//! hook is found. That cannot be changed, so it is counted, and the report names what is loaded
//! there.

use super::create_vm::Found;
use crate::IMAGE;
use crate::arch::{CallSite, asking_entry, opening_entry};
use crate::cold::loading::{module_copies, pools};
use crate::hot::events::libraries;
use crate::hot::ground::{boundary, gate, real};
use crate::hot::{jvm, unwind};
use core::ffi::{CStr, c_char, c_int, c_void};
use core::mem::transmute;
use core::ptr;
use hackleak_image::layout::Counter;

type Dlclose = unsafe extern "C-unwind" fn(*mut c_void) -> c_int;
type Dlopen = unsafe extern "C-unwind" fn(*const c_char, c_int) -> *mut c_void;
type Dlmopen = unsafe extern "C-unwind" fn(libc::c_long, *const c_char, c_int) -> *mut c_void;

opening_entry!(dlopen, dlopen_request);
opening_entry!(dlmopen, in_namespace, dlmopen_request);
asking_entry!(dlsym, dlsym_request);

/// Those that the JVM may look up for Java code.
pub const HOOKS: &[super::Hook] = &[
    ("dlopen", dlopen),
    ("dlmopen", dlmopen),
    // SAFETY: only the address counts; whoever looks it up knows its type.
    ("dlclose", unsafe {
        transmute::<Dlclose, unsafe extern "C" fn()>(dlclose)
    }),
];

fn real_dlclose() -> *mut c_void {
    static REAL: real::Found = real::Found::new();
    real::found(&REAL, c"dlclose")
}

fn real_dlopen() -> *mut c_void {
    static REAL: real::Found = real::Found::new();
    real::found(&REAL, c"dlopen")
}

fn real_dlmopen() -> *mut c_void {
    static REAL: real::Found = real::Found::new();
    real::found(&REAL, c"dlmopen")
}

pub fn init() {
    real_dlclose();
    real_dlopen();
    real_dlmopen();
}

/// The arguments of a caller, which may be changed before they are passed on.
#[repr(C)]
pub struct Asked {
    flags: usize,
    name: *const c_char,
}

/// The arguments of `dlmopen`.
#[repr(C)]
pub struct AskedFor {
    asked: Asked,
    namespace: libc::c_long,
}

impl Asked {
    fn flags(&self) -> c_int {
        self.flags as u32 as c_int
    }

    fn set_flags(&mut self, flags: c_int) {
        self.flags = flags as u32 as usize;
    }

    /// Takes away what would hide an allocator, in the namespace that the recorder is in.
    fn look(&mut self) {
        if self.flags() & libc::RTLD_DEEPBIND != 0 && gate::is_open() {
            IMAGE.count(Counter::DeepBindDropped);
            self.set_flags(self.flags() & !libc::RTLD_DEEPBIND);
        }
    }

    /// Opens the library with `real` if it is one to record. Null where that is not so, or where it
    /// is not known how the caller's library is found: then the caller itself is to ask. Nothing
    /// `is_loaded` in a namespace that is yet to be made.
    fn open(
        &self,
        call_site: CallSite,
        is_loaded: bool,
        real: impl Fn(*const c_char, c_int) -> *mut c_void,
    ) -> *mut c_void {
        if self.name.is_null() || !libraries::counts(call_site) {
            return ptr::null_mut();
        }
        // SAFETY: the caller's name.
        let name = unsafe { CStr::from_ptr(self.name) };
        // SAFETY: the place of the return address of a function that was just called.
        let caller = unsafe { *(call_site.slot as *const usize) };
        let alone = libraries::is_found_by_name_alone(name, caller);
        let handle = match (alone, is_loaded) {
            (true, _) => real(self.name, self.flags()),
            // What is loaded already is found by its name, whoever asks.
            (false, true) => real(self.name, self.flags() | libc::RTLD_NOLOAD),
            (false, false) => ptr::null_mut(),
        };
        if !handle.is_null() {
            libraries::opened(handle, call_site);
        } else if !alone && self.flags() & libc::RTLD_NOLOAD == 0 {
            IMAGE.count(Counter::LibrariesByPath);
        }
        handle
    }
}

fn at(slot: usize, frame_pointer: usize) -> CallSite {
    CallSite {
        slot,
        frame_pointer,
    }
}

/// Called by `dlopen` with the caller's arguments: the handle if the library was opened here, and
/// whom the caller asks else.
///
/// # Safety
///
/// The C library's own contract for the arguments, which lie where `asked` says.
unsafe extern "C-unwind" fn dlopen_request(
    asked: *mut Asked,
    slot: usize,
    frame_pointer: usize,
) -> Answer {
    if gate::is_open() {
        boundary::guarded(unwind::opening);
        module_copies::opening();
    }
    let real = real_dlopen();
    // SAFETY: the stub's.
    let asked = unsafe { &mut *asked };
    asked.look();
    // SAFETY: the C library's function of this name and type, with the caller's arguments.
    let found = asked.open(at(slot, frame_pointer), true, |name, flags| unsafe {
        transmute::<*mut c_void, Dlopen>(real)(name, flags)
    });
    Answer { found, real }
}

/// Called by `dlmopen` with the caller's arguments; as above.
///
/// # Safety
///
/// As above.
unsafe extern "C-unwind" fn dlmopen_request(
    asked: *mut AskedFor,
    slot: usize,
    frame_pointer: usize,
) -> Answer {
    if gate::is_open() {
        boundary::guarded(unwind::opening);
    }
    let real = real_dlmopen();
    // SAFETY: the stub's.
    let AskedFor { asked, namespace } = unsafe { &mut *asked };
    if *namespace == libc::LM_ID_BASE {
        asked.look();
    } else if gate::is_open() {
        IMAGE.count(Counter::OtherNamespaces);
        boundary::guarded(unwind::opening_namespace);
    }
    let is_loaded = *namespace != libc::LM_ID_NEWLM;
    // SAFETY: as above.
    let found = asked.open(at(slot, frame_pointer), is_loaded, |name, flags| unsafe {
        transmute::<*mut c_void, Dlmopen>(real)(*namespace, name, flags)
    });
    Answer { found, real }
}

pub type Dlsym = unsafe extern "C" fn(*mut c_void, *const c_char) -> *mut c_void;

static REAL_DLSYM: real::Found = real::Found::new();

/// What a function returns if it is not null, and the real one, as two return registers.
#[repr(C)]
pub struct Answer {
    found: *mut c_void,
    real: *mut c_void,
}

fn real_dlsym() -> *mut c_void {
    // SAFETY: a lookup by name and by the version that every C library here has.
    REAL_DLSYM.or(|| unsafe {
        dlvsym(
            libc::RTLD_NEXT,
            c"dlsym".as_ptr(),
            crate::arch::FIRST_GLIBC.as_ptr(),
        )
    })
}

/// What the C library's `dlsym` answers to this library.
///
/// # Safety
///
/// The C library's own contract.
#[inline(never)]
pub unsafe fn plain_dlsym(handle: *mut c_void, name: &CStr) -> *mut c_void {
    // SAFETY: the function of this name and type; it has one in every process.
    let found = unsafe { transmute::<*mut c_void, Dlsym>(real_dlsym())(handle, name.as_ptr()) };
    // No jump: the caller of the function decides what `RTLD_NEXT` means, and is to be this
    // library.
    core::hint::black_box(found)
}

/// Called by `dlsym`.
///
/// The JVM asks the C library itself for functions that Java code names (`Linker.defaultLookup`),
/// so that its `malloc` and `free` would not pass here. It is also what the JVM does first with a
/// library that is new.
extern "C" fn dlsym_request(handle: *mut c_void, name: *const c_char, caller: usize) -> Answer {
    let real = real_dlsym();
    if !name.is_null() {
        // SAFETY: the caller's string, and the function of this name and type.
        let answer = unsafe {
            let real: Dlsym = transmute(real);
            super::create_vm::dlsym(handle, CStr::from_ptr(name), caller, real)
        };
        match answer {
            Found::Hook(hook) => return Answer { found: hook, real },
            Found::Instead(real) => {
                let found = ptr::null_mut();
                return Answer {
                    found,
                    real: real as *mut c_void,
                };
            }
            Found::Nothing => {}
        }
    }
    let mut found = ptr::null_mut();
    if gate::is_open() {
        boundary::guarded(module_copies::looking);
    }
    if gate::is_open() && jvm::is_jvm_code(caller) && !name.is_null() {
        boundary::guarded(pools::look);
        if handle != libc::RTLD_DEFAULT && handle != libc::RTLD_NEXT {
            // SAFETY: the function of this name and type, with the caller's arguments; a handle
            // that stands for no caller means the same from here.
            unsafe {
                let real: Dlsym = transmute(real);
                found = super::hook_for(CStr::from_ptr(name), real(handle, name));
            }
        }
    }
    Answer { found, real }
}

unsafe extern "C" {
    fn dlvsym(handle: *mut c_void, name: *const c_char, version: *const c_char) -> *mut c_void;
}

/// Hook.
///
/// # Safety
///
/// The C library's own contract.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn dlclose(handle: *mut c_void) -> c_int {
    // SAFETY: the C library's function of this name and type; it has one in every process.
    let real: Dlclose = unsafe { transmute(real_dlclose()) };
    if !gate::is_open() {
        // SAFETY: the caller's.
        return unsafe { real(handle) };
    }
    let closing = boundary::guarded(|| {
        boundary::may_panic();
        // What goes away with its namespace must be in the image before.
        unwind::enter_other_namespaces();
        unwind::Closing::begin()
    });
    let closing_library = libraries::closing(handle);
    // SAFETY: the caller's.
    let result = unsafe { real(handle) };
    if let Some(closing_library) = closing_library {
        boundary::guarded(|| closing_library.answered(result));
    }
    boundary::guarded(|| drop(closing));
    result
}
