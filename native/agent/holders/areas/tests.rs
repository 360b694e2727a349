use super::*;

const JVM: Range<usize> = 0x10_0000..0x20_0000;
const PART: Range<usize> = 0x7100_0000_0000..0x7100_0001_0000;

/// Whether the JVM has the part, where these were asked for: from where to where, and by which code.
fn is_jvms(asked: &[(usize, usize, usize)]) -> bool {
    let Ok(mut objects) = Objects::read() else {
        panic!("the modules of a process can be read")
    };
    objects.jvm = JVM;
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
    is_of_jvm(&PART, &near, &objects)
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
