use super::*;
use core::cmp::Reverse;
use hackleak_image::layout::Kind;
use targets::is_in;

const AT: usize = 0x7f00_0000_1000;
const POINTER: u64 = 0x7f00_0000_2000;

/// A block of this length, allocated by code that nobody knows.
fn live(size: u64) -> Live {
    Live::new(0, 0, size, Kind::Malloc)
}

/// What was noted of words: the block that each was in, and the one it pointed at; 0 and
/// [`UNKNOWN`] for none.
fn stale(noted: &[(usize, u64, u32, u32)]) -> Stale {
    let mut words = Table::new();
    for (at, word, block, target) in noted {
        let (block, target) = (*block, *target);
        let word = Word {
            at: !(*at as u64),
            word: !word,
            block,
            target,
        };
        assert!(words.push(word).is_ok());
    }
    words.sort_unstable_by_key(|noted| Reverse(noted.at));
    Stale(words)
}

#[test]
fn a_word_is_of_no_use_as_long_as_it_does_not_change() {
    let stale = stale(&[
        (AT, POINTER, 0, UNKNOWN),
        (AT + 8, POINTER + 8, 0, UNKNOWN),
        (AT + 24, POINTER, 0, UNKNOWN),
    ]);
    assert!(stale.contains(AT, POINTER, None));
    assert!(stale.contains(AT + 8, POINTER + 8, None));
    assert!(stale.contains(AT + 24, POINTER, None));
    assert!(!stale.contains(AT, POINTER + 8, None), "another word now");
    assert!(!stale.contains(AT + 16, POINTER, None), "another place");
    assert!(!stale.contains(AT - 8, POINTER, None));
    assert!(!stale.contains(AT + 32, POINTER, None));
}

#[test]
fn a_structure_that_the_same_code_made_again_is_believed() {
    let (block, target) = (making(live(64)), making(live(32)));
    let again = Some((live(64), live(32)));
    let noted = |block, target| stale(&[(AT, POINTER, block, target)]);
    // It lay in freed memory, and both have been made again.
    assert!(!noted(block, target).contains(AT, POINTER, again));
    assert!(!noted(block, UNKNOWN).contains(AT, POINTER, again));
    // By other code, or of other lengths.
    assert!(noted(block, making(live(33))).contains(AT, POINTER, again));
    assert!(noted(making(live(65)), target).contains(AT, POINTER, again));
    // It lay in a block that was live, or in a root: it is old, whoever has the address.
    assert!(noted(0, target).contains(AT, POINTER, again));
    assert!(noted(block, target).contains(AT, POINTER, None));
    // Of several blocks that lay there at different times, one is enough.
    let both = [
        (AT, POINTER, making(live(8)), target),
        (AT, POINTER, block, target),
    ];
    assert!(!stale(&both).contains(AT, POINTER, again));
    let with_live = [(AT, POINTER, 0, target), (AT, POINTER, block, target)];
    assert!(stale(&with_live).contains(AT, POINTER, again));
}

#[test]
fn what_code_made_is_told_by_length_and_kind_and_is_no_address() {
    assert_ne!(making(live(8)), making(live(16)));
    assert_ne!(making(live(8)), making(Live::new(0, 0, 8, Kind::New)));
    assert_eq!(making(live(8)), making(live(8)));
    for size in 0..64 {
        let upper = u64::from(making(live(size))) << 32;
        assert!(
            upper >> 63 == 1,
            "as the upper half of a word it has no upper bit"
        );
    }
}

#[test]
fn an_address_lies_in_a_range_up_to_its_end() {
    let ranges = [(100, 200), (200, 250), (300, 400)];
    let expected = [
        (99, false),
        (100, true),
        (199, true),
        (200, true),
        (250, false),
        (299, false),
        (399, true),
        (400, false),
    ];
    for (address, expected) in expected {
        assert_eq!(is_in(&ranges, address), expected, "{address}");
    }
    assert!(!is_in(&[], 0));
}

#[test]
fn a_word_is_looked_at_where_a_mapping_has_been_and_none_is_now() {
    let table = |ranges: &[(usize, usize)]| {
        let mut table = Table::new();
        for range in ranges {
            assert!(table.push(*range).is_ok());
        }
        table
    };
    // Nothing is recorded near these addresses.
    const FROM: usize = 0x6100_0000_0000;
    let mapped = Mapped {
        now: table(&[(FROM + 0x2000, FROM + 0x3000)]),
        ended: table(&[(FROM, FROM + 0x4000)]),
    };
    assert!(is_of_no_use(FROM as u64, &mapped));
    assert!(!is_of_no_use(FROM as u64 + 0x2000, &mapped), "mapped again");
    assert!(!is_of_no_use(FROM as u64 + 0x4000, &mapped), "never mapped");
    assert!(!is_of_no_use(0xffff, &mapped), "a small number");
}
