use super::granules::{GRANULE, WORD};
use super::*;
use std::alloc::{Layout, alloc_zeroed};
use std::cell::RefCell;

/// One for each test; all zeros is one that watches nothing.
fn watch() -> &'static Watch {
    // SAFETY: it has a size, and consists of atomic numbers.
    unsafe { &*alloc_zeroed(Layout::new::<Watch>()).cast() }
}

/// A place of the test's own instead of the allocator's memory.
fn memory() -> &'static mut [u64; 1024] {
    Box::leak(Box::new([7; 1024]))
}

#[test]
fn what_an_old_word_points_at_is_not_chosen_and_goes_back_when_none_does() {
    let watch = watch();
    // SAFETY: the C library's function; these are freed by it in the end.
    let take = || unsafe { libc::malloc(600) };
    let (first, second, third) = (take(), take(), take());
    for (inside, of) in [(0, first), (599, second)] {
        watch
            .words
            .set(of as usize + inside, |entry| &entry.targets);
    }
    let next = RefCell::new([second, third].into_iter());
    let another = || next.borrow_mut().next().expect("no more are asked for");
    assert_eq!(watch.choose(first, 600, &another), third);
    let both = vec![first as usize, second as usize];
    assert_eq!(watch.aside.all(), (both, 1200));
    watch.words.clear();
    watch
        .words
        .set(second as usize + 300, |entry| &entry.targets);
    watch.aside.release(|range| watch.words.is_target(range));
    assert_eq!(watch.aside.all(), (vec![second as usize], 600));
    watch.words.clear();
    watch.aside.release(|range| watch.words.is_target(range));
    assert_eq!(watch.aside.all(), (Vec::new(), 0));
    // SAFETY: nobody has it any more.
    unsafe { libc::free(third) };
}

#[test]
fn when_all_are_pointed_at_or_enough_is_put_aside_it_is_as_without() {
    let watch = watch();
    let start = 0x7000_0000_0000;
    for granule in 0..64 {
        watch
            .words
            .set(start + granule * GRANULE, |entry| &entry.targets);
    }
    let next = RefCell::new(start);
    let given = RefCell::new(0);
    let another = || {
        *given.borrow_mut() += 1;
        *next.borrow_mut() += GRANULE;
        *next.borrow() as *mut c_void
    };
    let chosen = watch.choose(start as *mut c_void, 16, &another);
    assert_eq!(
        (chosen as usize, *given.borrow()),
        (start + TRIES * GRANULE, TRIES)
    );
    // As much as may be put aside: 256 blocks of the largest size, and no byte more.
    let block = |number: usize| (start + (number << 20)) as *mut c_void;
    let watch = self::watch();
    for number in 0..256 {
        assert!(watch.aside.put(block(number), LARGEST));
    }
    assert!(!watch.aside.put(block(256), 16));
    assert!(!watch.aside.put(block(257), LARGEST + 1));
    assert_eq!(watch.aside.all().1, 256 * LARGEST);
}

#[test]
fn only_noted_words_of_the_unwritten_part_are_wiped() {
    let (watch, memory) = (watch(), memory());
    let start = memory.as_ptr() as usize;
    for word in [0, 1, 63, 64, 65, 500, 511] {
        watch.words.set(start + word * WORD, |entry| &entry.places);
    }
    let wiped = || {
        let words = memory.iter().enumerate().filter(|(_, word)| **word == 0);
        words.map(|(at, _)| at).collect::<Vec<_>>()
    };
    // SAFETY: memory of this test.
    unsafe {
        watch
            .words
            .wipe(start + WORD, 510 * WORD + 7, 500..510 * WORD + 7)
    };
    assert_eq!(wiped(), [64, 65, 500]);
    // SAFETY: as above.
    unsafe { watch.words.wipe(start, 512 * WORD, 0..512 * WORD) };
    assert_eq!(wiped(), [0, 1, 63, 64, 65, 500, 511]);
}

#[test]
fn whole_words_that_may_be_addresses_are_wiped_and_patterns_stay() {
    let memory = memory();
    let start = memory.as_ptr() as usize;
    let (address, pattern) = (0x7fff_1234_5678, 0x5a5a_5a5a_5a5a_5a5a);
    memory[..8].copy_from_slice(&[
        address,
        pattern,
        address,
        address,
        1 << 47,
        1 << 48,
        0,
        address,
    ]);
    // SAFETY: memory of this test.
    unsafe { wipe_addresses(start, 2 * WORD - 7..7 * WORD + 7) };
    let kept = [address, pattern, 0, 0, 0, 1 << 48, 0, address];
    assert_eq!(memory[..8], kept);
    // SAFETY: there is no block.
    unsafe { wipe_addresses(0, 0..64) };
}

#[test]
fn a_noted_word_goes_from_a_small_block_though_it_has_a_mark() {
    let (watch, memory) = (watch(), memory());
    let start = memory.as_ptr() as usize;
    let marked = 1 << 63 | 0x7fff_1234_5678;
    memory[..4].fill(marked);
    watch.words.set(start + WORD, |entry| &entry.places);
    // SAFETY: memory of this test.
    unsafe { watch.wipe(start, 4 * WORD, 0..4 * WORD, 0..4 * WORD) };
    assert_eq!(memory[..4], [marked, 0, marked, marked]);
}

#[test]
fn a_range_is_a_target_if_a_word_of_it_is() {
    let watch = watch();
    for target in [0x5000_1238, 0x5000_1400, 0x7fff_ffff_fff8] {
        watch.words.set(target, |entry| &entry.targets);
    }
    for (range, is) in [
        (0x5000_1200..0x5000_1238, false),
        (0x5000_1200..0x5000_1239, true),
        (0x5000_123f..0x5000_1240, true),
        (0x5000_1240..0x5000_1400, false),
        (0x5000_0000..0x5000_2000, true),
        (0x5000_1400..0x5000_1400, false),
        (0x7fff_ffff_fff0..0x7fff_ffff_ffff, true),
        (0x5000_0000..0x5000_0000 + LARGEST + 1, false),
    ] {
        assert_eq!(watch.words.is_target(range.clone()), is, "{range:x?}");
    }
}

#[test]
fn many_granules_far_apart_are_all_found() {
    let watch = watch();
    let granules =
        (0..40_000).map(|number: usize| ((number % 200) << 24) | (number / 200 * GRANULE));
    for granule in granules.clone() {
        watch.words.set(granule + GRANULE, |entry| &entry.places);
    }
    let found = granules
        .clone()
        .filter(|at| watch.words.has(at + GRANULE, |entry| &entry.places));
    assert_eq!(found.count(), 40_000);
    watch.words.clear();
    let found = granules.filter(|at| watch.words.has(at + GRANULE, |entry| &entry.places));
    assert_eq!(found.count(), 0);
}
