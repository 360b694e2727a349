use super::*;
use Share::{Below, Itself, Nothing, Through};

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
