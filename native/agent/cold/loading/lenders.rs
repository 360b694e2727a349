//! The functions of the C library that hand out memory to be given back, and where they begin
//! ([`lent`] says what for).

use crate::cold::loading::symbols;
use crate::hot::events::lent::{self, Share};
use crate::hot::ground::module_policy;
use crate::hot::unwind;
use core::ffi::{c_char, c_void};
use core::ptr;
use std::collections::HashSet;

/// The functions of glibc 2.28 to 2.43 that matter, in any of their versions.
const FUNCTIONS: &[(Share, &[&str])] = &[
    // Texts to be freed.
    (
        Share::Below,
        &[
            "asprintf",
            "__asprintf",
            "__asprintf_chk",
            "vasprintf",
            "__vasprintf_chk",
            "getline",
            "getdelim",
            "__getdelim",
            "realpath",
            "__realpath_chk",
            "canonicalize_file_name",
            "getcwd",
            "__getcwd_chk",
            "get_current_dir_name",
            "tempnam",
            "wcsdup",
            // Called from outside they are hooks; others here end with them.
            "strdup",
            "__strdup",
            "strndup",
            "__strndup",
            "backtrace_symbols",
            "__backtrace_symbols",
        ],
    ),
    // `%m…` of the whole scanf family: all of it ends here, and nothing else here allocates for
    // long.
    (
        Share::Itself,
        &["vfscanf", "__vfscanf", "_IO_vfscanf", "vfwscanf"],
    ),
    // Vectors of texts: free.
    (
        Share::Below,
        &[
            "argz_create",
            "argz_create_sep",
            "argz_add",
            "argz_add_sep",
            "argz_append",
            "argz_insert",
            "argz_replace",
            "envz_add",
            "envz_merge",
        ],
    ),
    // Streams: fclose, pclose, endmntent. Their buffers are the C library's (see the last row).
    (
        Share::Below,
        &[
            "fopen",
            "_IO_fopen",
            "fopen64",
            "fdopen",
            "_IO_fdopen",
            "popen",
            "_IO_popen",
            "tmpfile",
            "tmpfile64",
            "fmemopen",
            "fopencookie",
            "setmntent",
            "__setmntent",
        ],
    ),
    // Streams into memory: fclose, and free for the memory. They load the locale's converters.
    (Share::Itself, &["open_memstream", "open_wmemstream"]),
    // The memory of these streams grows here.
    (Share::Through, &["_IO_str_overflow", "_IO_str_seekoff"]),
    // Folders: closedir; free for each entry and the list; fts_close.
    (
        Share::Below,
        &[
            "opendir",
            "fdopendir",
            "scandir",
            "scandir64",
            "scandirat",
            "scandirat64",
            "fts_open",
            "fts64_open",
        ],
    ),
    // Patterns: globfree, wordfree, regfree.
    (
        Share::Below,
        &["glob", "glob64", "wordexp", "regcomp", "re_compile_pattern"],
    ),
    // Trees and tables: tdelete or tdestroy, hdestroy, hdestroy_r.
    (
        Share::Below,
        &["tsearch", "__tsearch", "hcreate", "hcreate_r"],
    ),
    // Obstacks: obstack_free. They call the function of their owner's choice, and that is malloc.
    (
        Share::Through,
        &["_obstack_begin", "_obstack_begin_1", "_obstack_newchunk"],
    ),
    // The network: freeifaddrs, if_freenameindex. The hook of getaddrinfo records what that
    // returns.
    (Share::Below, &["getifaddrs", "if_nameindex"]),
    // Locales, converters, catalogues: freelocale, iconv_close, catclose. What they load is kept.
    (Share::Itself, &["newlocale", "__newlocale"]),
    (Share::Itself, &["duplocale", "__duplocale"]),
    (Share::Itself, &["iconv_open", "__gconv_open"]),
    (Share::Below, &["catopen"]),
    // Processes and threads: posix_spawn_file_actions_destroy, pthread_attr_destroy, sem_close,
    // timer_delete, CPU_FREE.
    (
        Share::Below,
        &[
            "posix_spawn_file_actions_addopen",
            "posix_spawn_file_actions_addclose",
            "posix_spawn_file_actions_adddup2",
            "posix_spawn_file_actions_addchdir",
            "posix_spawn_file_actions_addchdir_np",
            "posix_spawn_file_actions_addfchdir",
            "posix_spawn_file_actions_addfchdir_np",
            "posix_spawn_file_actions_addclosefrom_np",
            "posix_spawn_file_actions_addtcsetpgrp_np",
            "pthread_attr_setaffinity_np",
            "pthread_attr_setsigmask_np",
            "pthread_getattr_np",
            "pthread_getattr_default_np",
            "sem_open",
            "__sched_cpualloc",
        ],
    ),
    (Share::Itself, &["timer_create"]),
    // Caches: buffers of streams, converters of wide and multibyte text, translations, locales,
    // time zones, name services, loaded libraries, and whatever is made once.
    (
        Share::Nothing,
        &[
            "_IO_doallocbuf",
            "_IO_wdoallocbuf",
            "_IO_file_doallocate",
            "_IO_default_doallocate",
            "_IO_wdefault_doallocate",
            "_IO_default_pbackfail",
            "_IO_wdefault_pbackfail",
            "_IO_file_fopen",
            "fwide",
            "btowc",
            "wctob",
            "mbrlen",
            "mbrtowc",
            "mbtowc",
            "mbsrtowcs",
            "mbsnrtowcs",
            "mbstowcs",
            "wcrtomb",
            "wctomb",
            "wcsrtombs",
            "wcsnrtombs",
            "wcstombs",
            "gettext",
            "dgettext",
            "dcgettext",
            "__dcgettext",
            "dcngettext",
            "setlocale",
            "tzset",
            "getpwnam_r",
            "getpwuid_r",
            "getgrnam_r",
            "getgrgid_r",
            "getlogin_r",
            "__nss_database_get",
            "__nss_database_lookup2",
            "__nss_lookup_function",
            "__nss_passwd_lookup2",
            "__nss_group_lookup2",
            "__nss_hosts_lookup2",
            "__nss_services_lookup2",
            "__nss_next2",
            "__libc_allocate_once_slow",
            "pthread_once",
            "__pthread_once",
            "call_once",
            "pthread_create",
            "dlopen",
            "__libc_dlopen_mode",
            "_dl_catch_error",
            "_dl_catch_exception",
        ],
    ),
];

/// How many jumps lead from an exported function to the one that does its work, at most.
const MAX_JUMPS: usize = 3;

/// Finds the functions. Called before the gate opens, once there is an image.
pub fn find() {
    let mut exported = HashSet::new();
    let mut found = Vec::new();
    symbols::for_each_function(module_policy::is_lender, |name, start| {
        exported.insert(start);
        let row = FUNCTIONS
            .iter()
            .find(|(_, names)| names.iter().any(|known| known.as_bytes() == name));
        if let Some((share, _)) = row {
            found.push((start, *share));
        }
    });
    found.extend(memory_streams().map(|start| (start, Share::Through)));
    found.sort_unstable_by_key(|(start, _)| *start);
    found.dedup_by_key(|(start, _)| *start);

    let mut begin = 0;
    for _ in 0..MAX_JUMPS {
        let end = found.len();
        for at in begin..end {
            let (start, share) = found[at];
            let Some(function) = unwind::function_range(start) else {
                continue;
            };
            // An exported function has a row of its own, or lends nothing.
            for target in crate::arch::jumps(function.clone()) {
                let outside = !function.contains(&target) && !exported.contains(&target);
                if outside && unwind::function_start(target) == Some(target) {
                    exported.insert(target);
                    found.push((target, share));
                }
            }
        }
        begin = end;
    }
    found.sort_unstable_by_key(|(start, _)| *start);
    lent::init(found.leak());
}

/// The functions by which a stream into memory grows and ends; those for wide characters have no
/// name.
fn memory_streams() -> impl Iterator<Item = usize> {
    let (mut text, mut len) = (ptr::null_mut::<c_char>(), 0);
    let (mut wide, mut wide_len) = (ptr::null_mut::<libc::wchar_t>(), 0);
    // SAFETY: the places outlive the streams, which are closed before this function returns.
    let streams = unsafe {
        [
            libc::open_memstream(&mut text, &mut len),
            libc::open_wmemstream(&mut wide, &mut wide_len),
        ]
    };
    let functions = streams.map(|stream| stream_functions(stream.cast()));
    for stream in streams.into_iter().filter(|stream| !stream.is_null()) {
        // SAFETY: a stream that was opened above.
        unsafe { libc::fclose(stream) };
    }
    // SAFETY: closing a stream leaves its memory for the caller to free; or the place is still
    // null.
    unsafe {
        libc::free(text.cast());
        libc::free(wide.cast());
    }
    functions.into_iter().flatten()
}

/// How a stream ends, overflows, seeks and flushes.
fn stream_functions(stream: *const c_void) -> impl Iterator<Item = usize> {
    /// Size of the public part of `FILE`, behind which the address of its table of functions lies.
    const FILE_LEN: usize = 216;
    /// Places in the table, whose order is that of `struct _IO_jump_t`.
    const PLACES: [usize; 4] = [2, 3, 9, 12];
    let table = if stream.is_null() {
        0
    } else {
        // SAFETY: every glibc has had that layout on x86-64: it is part of its binary interface.
        unsafe { stream.byte_add(FILE_LEN).cast::<usize>().read() }
    };
    let known = unwind::module_range(table).is_some();
    PLACES.into_iter().filter_map(move |place| {
        // SAFETY: the table lies in a module, and has more entries than these.
        let function = known.then(|| unsafe { (table as *const usize).add(place).read() })?;
        (unwind::function_start(function) == Some(function)).then_some(function)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use Share::{Below, Itself, Nothing, Through};
    use core::ffi::CStr;
    use lent::share;

    #[test]
    fn functions_of_this_c_library_are_found_by_any_address_in_them() {
        unwind::init();
        find();
        let share_of = |name: &CStr| {
            // SAFETY: a look-up by name.
            let start = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) }.addr();
            assert_ne!(start, 0, "{name:?}");
            // The second time, it is known.
            let shares = [1, 1, 2].map(|inside| share(start + inside));
            assert!(shares.iter().all(|share| *share == shares[0]), "{name:?}");
            shares[0].map(|share| share as usize)
        };
        for (name, expected) in [
            (c"getline", Some(Below)),
            (c"realpath", Some(Below)),
            (c"opendir", Some(Below)),
            (c"open_memstream", Some(Itself)),
            (c"_obstack_newchunk", Some(Through)),
            (c"setlocale", Some(Nothing)),
            (c"qsort", None),
            (c"getenv", None),
        ] {
            assert_eq!(
                share_of(name),
                expected.map(|share| share as usize),
                "{name:?}"
            );
        }
        // A function of this library is none of them.
        assert!(share(find as *const () as usize + 1).is_none());
    }

    #[test]
    fn no_function_has_two_shares() {
        let mut names = HashSet::new();
        for name in FUNCTIONS.iter().flat_map(|(_, names)| *names) {
            assert!(names.insert(name), "{name} stands there twice");
        }
    }
}
