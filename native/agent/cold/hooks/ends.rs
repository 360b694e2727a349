//! The functions that end a program without an exit: `_exit` and its like, and those that make it
//! another program (`exec…`).

use crate::arch::standing_entry;
use crate::cold::questions::end;
use crate::hot::ground::real;
use core::ffi::{CStr, c_char, c_int, c_long, c_void};
use core::mem::transmute;
use std::ffi::{CString, OsStr};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

type Strings = *const *const c_char;

/// Every hook here by its name, for those who ask the loader for a function; but those that never
/// come back.
pub const HOOKS: &[super::Hook] = &[
    ("execl", execl),
    ("execle", execle),
    ("execlp", execlp),
    ("execv", execv),
    ("execve", execve),
    ("execvp", execvp),
    ("execvpe", execvpe),
    ("fexecve", fexecve),
    ("execveat", execveat),
];

/// For each function: where the real one is kept, and its name.
macro_rules! real {
    ($($place:ident $name:literal;)*) => {
        $(static $place: Real = Real(real::Found::new(), $name);)*

        /// Finds what is passed on to, in the constructor.
        pub fn init() {
            $($place.find();)*
        }
    };
}

struct Real(real::Found, &'static CStr);

impl Real {
    fn find(&self) -> *mut c_void {
        real::found(&self.0, self.1)
    }
}

real! {
    EXIT c"_exit";
    C_EXIT c"_Exit";
    EXECL c"execl";
    EXECLE c"execle";
    EXECLP c"execlp";
    EXECV c"execv";
    EXECVE c"execve";
    EXECVP c"execvp";
    EXECVPE c"execvpe";
    FEXECVE c"fexecve";
    EXECVEAT c"execveat";
}

/// For each function that never comes back: its hook.
macro_rules! endings {
    ($($name:ident $place:ident;)*) => {
        $(
            /// Hook.
            ///
            /// # Safety
            ///
            /// The C library's own contract.
            #[unsafe(no_mangle)]
            pub unsafe extern "C" fn $name(status: c_int) -> ! {
                end::at_once();
                let real = $place.find();
                if real.is_null() {
                    std::process::abort();
                }
                // SAFETY: the C library's function of this name and type.
                unsafe { transmute::<*mut c_void, unsafe extern "C" fn(c_int) -> !>(real)(status) }
            }
        )*
    };
}

endings! {
    _exit EXIT;
    _Exit C_EXIT;
}

/// For each function that comes back if it fails: its hook, which calls `$handler` with the
/// caller's position last. Fewer than five arguments are followed by others that nobody looks at.
/// `$becomes` gives whether the image says so.
macro_rules! becoming {
    ($($name:ident $handler:ident $place:ident $becomes:ident ($($argument:ident: $type:ty),*)
        ($($other:ident),*);)*) => {
        $(
            standing_entry!($name, $handler, returns);

            unsafe extern "C" fn $handler(
                $($argument: $type,)*
                $($other: usize,)*
                position: usize,
            ) -> c_int {
                let is_told = $becomes([$($argument as usize),*][0], position);
                let real = $place.find();
                if real.is_null() {
                    // SAFETY: the C library's own place for the error of this thread.
                    unsafe { *libc::__errno_location() = libc::ENOSYS };
                    return -1;
                }
                // SAFETY: the C library's function of this name and type, with the caller's
                // arguments.
                let answer = unsafe {
                    let real: unsafe extern "C" fn($($type),*) -> c_int = transmute(real);
                    real($($argument),*)
                };
                if is_told {
                    end::goes_on();
                }
                answer
            }
        )*
    };
}

becoming! {
    execve on_execve EXECVE program (path: *const c_char, arguments: Strings, environment: Strings) (_d, _e);
    execv on_execv EXECV program (path: *const c_char, arguments: Strings) (_c, _d, _e);
    execvp on_execvp EXECVP searched (file: *const c_char, arguments: Strings) (_c, _d, _e);
    execvpe on_execvpe EXECVPE searched (file: *const c_char, arguments: Strings, environment: Strings)
        (_d, _e);
    fexecve on_fexecve FEXECVE opened (file: c_int, arguments: Strings, environment: Strings) (_d, _e);
    execveat on_execveat EXECVEAT opened (folder: c_int, path: *const c_char, arguments: Strings,
        environment: Strings, flags: c_int) ();
}

/// For each function with as many arguments as its caller likes: its hook, which calls `$handler`
/// with some of them and the caller's position, and goes on at the real one.
macro_rules! listing {
    ($($name:ident $handler:ident $place:ident $becomes:ident;)*) => {
        $(
            standing_entry!($name, $handler, jumps);

            extern "C" fn $handler(
                path: usize,
                _: usize,
                _: usize,
                _: usize,
                _: usize,
                position: usize,
            ) -> *mut c_void {
                $becomes(path, position);
                $place.find()
            }
        )*
    };
}

listing! {
    execl on_execl EXECL program;
    execle on_execle EXECLE program;
    execlp on_execlp EXECLP searched;
}

/// Called with what a program gave to `syscall`, and with its position.
pub fn system_call(number: c_long, first: usize, position: usize) {
    match number {
        libc::SYS_exit_group => end::at_once(),
        libc::SYS_execve => {
            program(first, position);
        }
        libc::SYS_execveat => {
            opened(first, position);
        }
        _ => {}
    }
}

/// The process becomes the program at this path, if that can be executed: who searches for one
/// tries many. Gives whether the image says so; so below.
fn program(path: usize, position: usize) -> bool {
    end::by_exec(position, || is_program(path as *const c_char))
}

/// The same for a name that the C library searches for.
fn searched(name: usize, position: usize) -> bool {
    end::by_exec(position, || {
        let name = name as *const c_char;
        // SAFETY: the name of a file, as the function takes it.
        let text = unsafe { CStr::from_ptr(name) }.to_bytes();
        if text.contains(&b'/') {
            return is_program(name);
        }
        let folders = std::env::var_os("PATH");
        let folders = folders.unwrap_or_else(|| OsStr::new("/bin:/usr/bin").into());
        std::env::split_paths(&folders).any(|folder| {
            let path = folder.join(OsStr::from_bytes(text)).into_os_string();
            CString::new(path.into_vec()).is_ok_and(|path| is_program(path.as_ptr()))
        })
    })
}

/// The same for one that is open, or lies in a folder that is.
fn opened(_file: usize, position: usize) -> bool {
    end::by_exec(position, || true)
}

/// Whether the file can be executed.
fn is_program(path: *const c_char) -> bool {
    // SAFETY: what the kernel is asked about; a bad address is an error.
    unsafe { libc::syscall(libc::SYS_faccessat, libc::AT_FDCWD, path, libc::X_OK) == 0 }
}
