//! What tests have live at once, for their limits.

use integration_tests::Victim;
use integration_tests::java::{Entry, Jdk};

const SIZE: u64 = 1_999_993;

fn expected() -> String {
    let counted = |bytes: u64, allocations: u64| format!("{} bytes, {allocations}", bytes * SIZE);
    [
        "none: nothing".to_owned(),
        format!("one: {}", counted(1, 1)),
        // The JDK rounds up what `Unsafe` allocates, to a multiple of eight.
        format!(
            "all kinds: {} bytes, 5",
            3 * SIZE + (3 * SIZE).next_multiple_of(8) + 16384
        ),
        format!("older: {}", counted(1, 1)),
        format!("freed elsewhere: {}", counted(1, 2)),
        format!("not the test's: {}", counted(1, 1)),
        format!("grown: {}", counted(3, 2)),
        format!("two threads: {}", counted(3, 4)),
        format!("many threads: {}", counted(1, 20_001)),
        format!("parallel: {}; {}", counted(1, 2), counted(2, 2)),
        format!("nested: {}; {}", counted(2, 2), counted(2, 3)),
        format!("rounds: {}", counted(1, 1)),
        "zip: true".to_owned(),
        "within".to_owned(),
        "`limited` had 1,999,993 bytes (1.91 MiB) of native memory live at its peak; \
         its limit is 1,999,992 bytes (1.91 MiB) (peakBytes = 1999992)"
            .to_owned(),
        "`limited` made 2 native allocations; its limit is 1 (allocations = 1)\n".to_owned(),
    ]
    .join("\n")
}

#[test]
fn what_tests_have_is_counted_exactly() {
    for jdk in Jdk::all() {
        println!("JDK {}", jdk.feature);
        let run = Victim::new(jdk, "Peaks")
            .recording(Entry::Preload, &[])
            .options("track=new+malloc+jni+unsafe+mmap+zip")
            .run()
            .expect_code(0);
        assert_eq!(run.ended.stdout, expected(), "{}", run.ended);
        run.report().process().assert_nothing_lost();
    }
}
