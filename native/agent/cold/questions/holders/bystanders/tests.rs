use super::super::memory::own as memory;
use super::*;

const JVM: Range<usize> = 0x10_0000..0x20_0000;
const PROGRAM: u64 = 0x31_0000;
const JDK: u64 = 0x41_0000;
const JAVA: u64 = 0x51_0000;
const CALL_RETURN: u64 = 0x52_0000;

fn codes() -> Codes {
    let mut all = Table::new();
    for (start, owner) in [
        (0x30_0000, CodeOwner::Program),
        (0x40_0000, CodeOwner::Jdk),
        (0x50_0000, CodeOwner::Generated),
    ] {
        let end = start + 0x10_0000;
        assert!(all.push(Code { start, end, owner }).is_ok());
    }
    Codes { all, jvm: JVM }
}

/// The thread whose stack these words are, and what it was made to run.
fn thread(words: &[u64], routine: usize) -> Thread {
    let range = words.as_ptr_range();
    Thread {
        tid: 0,
        record: 0,
        stack: (range.start.addr(), range.end.addr()),
        waits: None,
        routine,
    }
}

/// How many of the words may hold something.
fn len(words: &[u64], routine: usize) -> usize {
    let thread = thread(words, routine);
    let java = JavaStacks {
        call_return: CALL_RETURN as usize,
        ..JavaStacks::default()
    };
    let part = codes().part_of_program(&memory(), &thread, &java);
    assert_eq!(part.start, thread.stack.0);
    part.len() / WORD
}

#[test]
fn what_the_jvm_began_a_thread_with_holds_nothing_where_java_code_runs() {
    let mut words = vec![7; 100];
    words[30] = JAVA;
    words[10] = PROGRAM;
    assert_eq!(len(&words, JVM.start), 31, "up to its oldest address");
    assert_eq!(len(&words, JVM.end - 1), 31);
    for routine in [0, JVM.start - 1, JVM.end, PROGRAM as usize] {
        assert_eq!(len(&words, routine), 100, "others made it: {routine:#x}");
    }
}

/// The frame that calls it has the method's code and halves of words.
#[test]
fn what_calls_the_first_java_method_holds_nothing() {
    let mut words = vec![7; 100];
    words[20] = CALL_RETURN;
    words[25] = JAVA;
    words[40] = CALL_RETURN;
    words[45] = JAVA;
    assert_eq!(len(&words, JVM.start), 41);
    assert_eq!(len(&words, PROGRAM as usize), 100);
    words[60] = PROGRAM;
    assert_eq!(len(&words, JVM.start), 100, "native code is called first");
}

#[test]
fn native_code_that_is_called_first_has_variables_above_its_oldest_address() {
    for owner in [PROGRAM, JDK] {
        let mut words = vec![7; 100];
        words[30] = JAVA;
        words[60] = owner;
        assert_eq!(len(&words, JVM.start), 100);
    }
    assert_eq!(len(&[7; 100], JVM.start), 100, "nothing is known of it");
}

#[test]
fn a_thread_counts_by_the_code_that_has_left_addresses_on_its_stack() {
    let runs = |words: &[u64]| codes().run_on(&memory(), &thread(words, 0));
    assert!(!runs(&[1, 2, 3]));
    assert!(!runs(&[JVM.start as u64]), "the JVM's code holds nothing");
    for code in [PROGRAM, JDK, JAVA] {
        assert!(runs(&[1, code, 3]), "{code:#x}");
    }
}
