use super::*;
use Share::{Below, Itself, Nothing, Through};
use core::ffi::CStr;

/// Code of a function that lends this. No function of the process lies there.
fn code(share: Option<Share>) -> usize {
    let number = share.map_or(Share::ALL.len(), |share| share as usize) + 1;
    let address = 0xe000_0000_0000 + number;
    SHARES.insert(SHARES.generation(), address as u64, number as u64, 0);
    address
}

/// Whether the C library keeps what these frames allocate, the innermost first.
fn is_kept(frames: &[Option<Share>]) -> bool {
    let mut run = Run::default();
    for frame in frames {
        run.enter(code(*frame));
    }
    run.is_kept()
}

#[test]
fn what_the_c_library_hands_out_is_told_from_what_it_keeps() {
    let rows: [(&[Option<Share>], bool, &str); 14] = [
        (&[], false, "no frame of the C library"),
        (&[None], true, "a function that lends nothing"),
        (&[Some(Below)], false, "a function that lends"),
        (&[None, None, Some(Below)], false, "called by it"),
        (
            &[Some(Below), None],
            true,
            "the C library called it for itself",
        ),
        (&[Some(Below), Some(Below)], false, "one lends by the other"),
        (&[Some(Itself)], false, "it allocates itself"),
        (&[Some(Itself), None], false, "it does, whoever called it"),
        (&[None, Some(Itself)], true, "what it calls fills caches"),
        (&[None, Some(Through), None], false, "lent, whoever called"),
        (&[Some(Nothing), Some(Below)], true, "a cache on the way"),
        (&[Some(Nothing), Some(Through)], true, "a cache further in"),
        (&[Some(Through), Some(Nothing), None], false, "lent before"),
        (&[None, Some(Nothing)], true, "a cache"),
    ];
    for (frames, expected, what) in rows {
        assert_eq!(is_kept(frames), expected, "{what}");
    }
}

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
    assert!(share(code as fn(Option<Share>) -> usize as usize + 1).is_none());
}

#[test]
fn no_function_has_two_shares() {
    let mut names = HashSet::new();
    for name in FUNCTIONS.iter().flat_map(|(_, names)| *names) {
        assert!(names.insert(name), "{name} stands there twice");
    }
}
