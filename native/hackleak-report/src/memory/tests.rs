//! Unit tests: figures, and what is said of them.

use super::*;

const MIB: u64 = 1 << 20;
const WHOLE: Estimate = Estimate {
    is_whole: true,
    is_jvm: false,
};

fn figures(heaps: u64, taken: u64, told: Option<(u64, u64)>, arenas: u64) -> Figures {
    Figures {
        parts: Parts {
            resident: (heaps + 100) * MIB,
            java_heap: 40 * MIB,
            heaps: heaps * MIB,
            code: 20 * MIB,
            stacks: 4 * MIB,
            image: 6 * MIB,
            taken: taken * MIB,
            arenas,
        },
        is_other: false,
        told: told.map(|(large, free)| (large * MIB, free * MIB)),
    }
}

fn live(bytes: u64, mapped: u64) -> LiveBlocks {
    LiveBlocks {
        amount: Amount {
            blocks: 3210,
            bytes: bytes * MIB,
        },
        mapped: mapped * MIB,
    }
}

#[test]
fn what_the_allocator_keeps_is_no_leak() {
    let figures = figures(405, 400, Some((10, 388)), 17);
    let memory = figures.memory(Moment::End, &live(12, 0), WHOLE);
    assert_eq!(
        memory.sentence(),
        "12 MiB live in 3,210 blocks; the allocator holds 410 MiB in 17 arenas (388 MiB free \
         there); 505 MiB resident: Java heap 40 MiB, allocator 415 MiB, code 20 MiB, stacks \
         4 MiB, image 6 MiB, other 20 MiB"
    );
    assert_eq!(
        memory.note().as_deref(),
        Some(
            "388 MiB of the memory is free and kept by the allocator, and no leak: set \
             `MALLOC_ARENA_MAX=2`, or call `malloc_trim(0)`"
        )
    );
}

#[test]
fn a_leak_is_not_excused() {
    for (figures, live) in [
        (figures(200, 200, Some((0, 1)), 1), live(199, 0)),
        (figures(200, 200, Some((0, 90)), 1), live(110, 0)),
        // Free, and given back to the system.
        (figures(110, 300, Some((0, 200)), 1), live(100, 0)),
        // Large blocks.
        (figures(30, 30, Some((200, 28)), 1), live(202, 200)),
        // Little, however large a part of it is free.
        (figures(30, 30, Some((0, 29)), 1), live(1, 0)),
        // From outside.
        (figures(200, 200, None, 1), live(150, 0)),
    ] {
        let memory = figures.memory(Moment::End, &live, WHOLE);
        assert_eq!(memory.note(), None, "{memory:?}");
    }
}

#[test]
fn an_estimate_says_that_it_is_one() {
    let seen = figures(400, 420, None, 1);
    let memory = seen.memory(Moment::Running, &live(50, 40), WHOLE);
    let note = memory.note().unwrap_or_default();
    assert!(
        note.starts_with("390 MiB of the memory is probably free"),
        "{note}"
    );
    assert!(
        note.ends_with("call `malloc_trim(0)` to give it back"),
        "{note}"
    );
    let text = memory.sentence();
    assert!(
        text.contains("the allocator holds 460 MiB in 1 arena; "),
        "{text}"
    );
    // A JVM has memory of its own there; and of what is missing, nobody knows whether it is free.
    let jvm = |is_whole| Estimate {
        is_whole,
        is_jvm: true,
    };
    let small = figures(250, 250, None, 1);
    for (figures, estimate, retained) in [
        (&seen, jvm(true), true),
        (&seen, jvm(false), false),
        (&small, jvm(true), false),
        (&small, WHOLE, true),
    ] {
        let memory = figures.memory(Moment::Running, &live(0, 0), estimate);
        assert_eq!(memory.retained, retained);
    }
}

#[test]
fn of_another_allocator_nothing_is_said() {
    let mut figures = figures(200, 200, None, 1);
    figures.is_other = true;
    let memory = figures.memory(Moment::End, &live(1, 0), WHOLE);
    assert_eq!((memory.allocator, memory.note()), (None, None));
    assert!(
        memory
            .sentence()
            .starts_with("1 MiB live in 3,210 blocks; 300 MiB resident: ")
    );
}
