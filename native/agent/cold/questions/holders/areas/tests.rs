use super::*;

const JVM: Range<usize> = 0x10_0000..0x20_0000;
const ALLOCATOR: Range<usize> = 0x40_0000..0x50_0000;
const PART: Range<usize> = 0x7100_0000_0000..0x7100_0001_0000;

/// Who has the part, where these were asked for: from where to where, and by which code.
fn owner_of(asked: &[(usize, usize, usize)]) -> Owner {
    let Ok(mut objects) = Objects::read() else {
        panic!("the modules of a process can be read")
    };
    objects.jvm = JVM;
    objects.allocator = ALLOCATOR;
    let mut near = Table::new();
    for (order, (from, to, by)) in asked.iter().copied().enumerate() {
        let one = Asked {
            order: order + 1,
            start: PART.start + from,
            end: PART.start + to,
            by,
        };
        assert!(near.push(one).is_ok());
    }
    owner(&PART, &near, &objects)
}

fn is_jvms(asked: &[(usize, usize, usize)]) -> bool {
    owner_of(asked) == Owner::Other
}

#[test]
fn what_the_jvm_has_asked_for_is_its_own() {
    let len = PART.len();
    assert!(is_jvms(&[(0, len, JVM.start)]));
    assert!(is_jvms(&[(0, 8 * len, JVM.end - 1)]), "of a larger one");
    assert!(!is_jvms(&[(0, len, JVM.end)]), "another library did");
    assert!(!is_jvms(&[]), "nobody is known to");
}

#[test]
fn what_others_have_asked_for_since_is_not_the_jvms() {
    let len = PART.len();
    assert!(!is_jvms(&[(0, len, JVM.start), (0, len, 0x30_0000)]));
    assert!(!is_jvms(&[
        (0, len, JVM.start),
        (len - 4096, len, 0x30_0000)
    ]));
    assert!(
        !is_jvms(&[(0, len, 0x30_0000), (4096, len, JVM.start)]),
        "in part"
    );
    assert!(is_jvms(&[(0, len, 0x30_0000), (0, len, JVM.start)]));
    assert!(!is_jvms(&[(0, len, 0)]), "it has gone");
}

#[test]
fn an_allocator_has_what_it_asked_for_and_the_program_the_rest() {
    let len = PART.len();
    assert_eq!(owner_of(&[(0, len, ALLOCATOR.start)]), Owner::Other);
    assert_eq!(owner_of(&[(0, len, ALLOCATOR.end)]), Owner::Program(1));
    assert_eq!(owner_of(&[(0, len / 2, ALLOCATOR.end)]), Owner::Unseen);
    assert_eq!(owner_of(&[]), Owner::Unseen);
}

#[test]
fn what_the_kernel_has_split_is_one_again() {
    let area = |asked| Area {
        start: 0,
        end: 0,
        parent: Parent::None,
        via: 0,
        asked,
    };
    let areas = [area(7), area(7), area(8), area(0), area(0), area(8)];
    assert_eq!(together(&areas, 0), 0..2);
    assert_eq!(together(&areas, 1), 0..2);
    assert_eq!(together(&areas, 2), 2..3);
    assert_eq!(together(&areas, 4), 4..5, "nobody knows who asked");
}

/// Where the stack in a mapping ends that has these words in the middle, counted from the guard
/// before it; `None` where none is seen.
fn described(words: impl Fn(usize) -> [usize; 3]) -> Option<usize> {
    const PAGE: usize = 4096;
    const PAGES: usize = 16;
    let at = mappings::own_memory(PAGES * PAGE);
    assert_ne!(at, libc::MAP_FAILED);
    let guard = at.addr();
    let mapping = guard + PAGE..guard + PAGES * PAGE;
    // SAFETY: three words in the middle of the mapping, which is this test's own.
    unsafe {
        let place = at.byte_add(7 * PAGE + 24).cast::<[usize; 3]>();
        place.write(words(guard));
    }
    let end = end_of_described_stack(
        &crate::cold::questions::holders::memory::own(),
        &mapping,
        PAGE,
    );
    // SAFETY: the mapping, of which nothing is left in use.
    unsafe { libc::munmap(at, PAGES * PAGE) };
    end.map(|end| end - guard)
}

#[test]
fn a_stack_ends_where_its_threads_record_says() {
    assert_eq!(described(|guard| [guard, 0x8000, 0x1000]), Some(0x8000));
    // The JVM has made the guard from inside.
    assert_eq!(described(|guard| [guard, 0x10000, 0]), Some(0x10000));
    let none = [
        described(|guard| [guard, 0x11000, 0x1000]),
        described(|guard| [guard, 0x1000, 0x1000]),
        described(|guard| [guard, 0x8000, 0x2000]),
        described(|guard| [guard, 0x8008, 0x1000]),
        described(|guard| [guard - 0x1000, 0x8000, 0x1000]),
        described(|guard| [guard + 0x2000, 0x4000, 0x1000]),
    ];
    assert_eq!(none, [None; 6]);
}
