//! What a process has in memory, by what it is for: from the kernel's list of its mappings,
//! `/proc/PID/smaps`. Nothing here allocates.
//!
//! The C library's heaps are known by their shape. The first one is `[heap]`. Those of its other
//! arenas begin at a multiple of 64 MiB, and reach to the next one. What is not in use of them yet
//! is inaccessible. Each begins with the address of its arena, which lies in the arena's first
//! heap. A thread's stack is known by the inaccessible pages right below it.

use core::ops::Range;

use bytemuck::{Pod, Zeroable};

use crate::mapping::Mapping;

/// The distance between heaps (`HEAP_MAX_SIZE`).
const HEAP: u64 = 64 << 20;
/// Where in its first heap an arena may lie: behind the head, which has four to eight words.
const ARENA: Range<u64> = 0x20..0x41;
/// The most that lies inaccessible below a stack.
const GUARD: u64 = 1 << 20;
/// The longest stack.
const STACK: u64 = 1 << 30;

/// What is in memory, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Parts {
    /// All of it.
    pub resident: u64,
    /// Java's heap.
    pub java_heap: u64,
    /// The C library's heaps.
    pub heaps: u64,
    /// The program, libraries, and what was compiled in the process.
    pub code: u64,
    /// Stacks of threads.
    pub stacks: u64,
    /// The recorder's image.
    pub image: u64,
    /// How much the C library's heaps have taken, in memory or not.
    pub taken: u64,
    /// Arenas that have heaps.
    pub arenas: u64,
}

/// The process that is looked at.
pub trait Process {
    /// The word at an address of the process; `None` where it cannot be read.
    fn word(&self, address: u64) -> Option<u64>;
}

/// Sums up a list, line by line.
pub struct Tally<P> {
    process: P,
    java_heap: Range<u64>,
    parts: Parts,
    /// The mapping whose lines are read.
    open: Option<Open>,
    /// Where the inaccessible mapping before it began.
    guard: Option<u64>,
}

struct Open {
    range: Range<u64>,
    of: Of,
    resident: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    JavaHeap,
    FirstHeap,
    Code,
    Stack,
    Image,
    /// Writable, and of no file.
    Data,
    /// Nobody may touch it.
    Guard,
    Other,
}

impl<P: Process> Tally<P> {
    /// Of a process whose Java heap, if it has one, lies at `java_heap`.
    pub fn new(process: P, java_heap: Range<u64>) -> Tally<P> {
        Tally {
            process,
            java_heap,
            parts: Parts::default(),
            open: None,
            guard: None,
        }
    }

    /// Takes in a line. Those that say nothing of use are passed over.
    pub fn line(&mut self, line: &[u8]) {
        match line.first() {
            Some(b'0'..=b'9' | b'a'..=b'f') => {
                let next = Mapping::parse(line).map(|mapping| self.opened(&mapping));
                self.close(next.as_ref());
                self.open = next;
            }
            _ => {
                if let (Some(open), Some(kib)) = (&mut self.open, line.strip_prefix(b"Rss:")) {
                    open.resident = number(kib).saturating_mul(1024);
                }
            }
        }
    }

    /// What all lines say.
    pub fn finish(mut self) -> Parts {
        self.close(None);
        self.parts
    }

    fn opened(&self, mapping: &Mapping) -> Open {
        let range = mapping.range.start as u64..mapping.range.end as u64;
        let path = mapping.path;
        let path = path.strip_suffix(b" (deleted)").unwrap_or(path);
        let [_, writable, executable, sharing] = mapping.rights;
        let of = match path {
            _ if self.java_heap.contains(&range.start) => Of::JavaHeap,
            _ if path.starts_with(b"/memfd:java_heap") => Of::JavaHeap,
            _ if mapping.rights.starts_with(b"---") => Of::Guard,
            b"[heap]" => Of::FirstHeap,
            b"[stack]" => Of::Stack,
            _ if path.ends_with(b".hackleak") => Of::Image,
            // Java's archive of classes is data.
            _ if path.ends_with(b".jsa") => Of::Other,
            _ if executable == b'x' => Of::Code,
            _ if mapping.inode != 0 && sharing == b'p' => Of::Code,
            b"" if writable == b'w' && sharing == b'p' => Of::Data,
            _ => Of::Other,
        };
        Open {
            range,
            of,
            resident: 0,
        }
    }

    /// The open mapping has ended, and `next` follows.
    fn close(&mut self, next: Option<&Open>) {
        let Some(open) = self.open.take() else {
            return;
        };
        let len = open.range.end.saturating_sub(open.range.start);
        let guard = self.guard.take();
        let parts = &mut self.parts;
        parts.resident = parts.resident.saturating_add(open.resident);
        let part = match open.of {
            Of::JavaHeap => &mut parts.java_heap,
            Of::Code => &mut parts.code,
            Of::Stack => &mut parts.stacks,
            Of::Image => &mut parts.image,
            Of::FirstHeap => {
                parts.taken = parts.taken.saturating_add(len);
                parts.arenas = parts.arenas.saturating_add(1);
                &mut parts.heaps
            }
            Of::Data => {
                let is_stack = len <= STACK
                    && guard.is_some_and(|start| open.range.start.saturating_sub(start) <= GUARD);
                let (heap, arenas) = heap_in(&self.process, &open.range, next);
                // What lies before it, such as the stack of a thread, is hardly ever full.
                let of_heap = open.resident.min(heap);
                parts.taken = parts.taken.saturating_add(heap);
                parts.arenas = parts.arenas.saturating_add(arenas);
                parts.heaps = parts.heaps.saturating_add(of_heap);
                if is_stack && heap < len {
                    let of_stack = open.resident.saturating_sub(of_heap);
                    parts.stacks = parts.stacks.saturating_add(of_stack);
                }
                return self.leave(&open);
            }
            Of::Guard | Of::Other => return self.leave(&open),
        };
        *part = part.saturating_add(open.resident);
        self.leave(&open);
    }

    fn leave(&mut self, open: &Open) {
        // What follows right behind may be a stack; `next` is checked against this range's end.
        self.guard = (open.of == Of::Guard).then_some(open.range.start);
    }
}

/// How long the heaps at the end of the range are, and how many arenas begin there. The kernel
/// joins a heap to what lies right before it, such as a stack.
fn heap_in(process: &impl Process, range: &Range<u64>, next: Option<&Open>) -> (u64, u64) {
    let Some(start) = range.start.checked_next_multiple_of(HEAP) else {
        return (0, 0);
    };
    let is_sure = start == range.start || process.word(start).is_some();
    match arenas(process, &(start..range.end), next) {
        Some(arenas) if start < range.end && is_sure => (range.end - start, arenas),
        _ => (0, 0),
    }
}

/// How many arenas begin there, if the range is of heaps.
fn arenas(process: &impl Process, range: &Range<u64>, next: Option<&Open>) -> Option<u64> {
    let end = range.end.checked_next_multiple_of(HEAP)?;
    let rest = next.is_some_and(|next| {
        next.of == Of::Guard && next.range.start == range.end && next.range.end >= end
    });
    if !range.start.is_multiple_of(HEAP) || !(range.end == end || rest) {
        return None;
    }
    let mut arenas = 0;
    for heap in (range.start..range.end).step_by(HEAP as usize) {
        match process.word(heap) {
            Some(arena) if !ARENA.contains(&(arena % HEAP)) => return None,
            Some(arena) => arenas += u64::from(arena - arena % HEAP == heap),
            None => arenas += 1,
        }
    }
    Some(arenas)
}

/// The first number in a text; 0 when there is none.
fn number(text: &[u8]) -> u64 {
    let digits = text.iter().skip_while(|byte| !byte.is_ascii_digit());
    let digits = digits.take_while(|byte| byte.is_ascii_digit());
    digits.fold(0u64, |number, digit| {
        let digit = u64::from(digit - b'0');
        number.saturating_mul(10).saturating_add(digit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    /// A process whose heaps are those at the first addresses, with their arenas at the second.
    #[derive(Default)]
    struct Fake {
        words: Vec<(u64, u64)>,
    }

    impl Process for Fake {
        fn word(&self, address: u64) -> Option<u64> {
            let word = self.words.iter().find(|(at, _)| *at == address);
            word.map(|(_, word)| *word)
        }
    }

    fn tally(process: Fake, java_heap: Range<u64>, lines: &[(&str, u64)]) -> Parts {
        let mut tally = Tally::new(process, java_heap);
        for (head, mib) in lines {
            tally.line(head.as_bytes());
            tally.line(b"Size:             999999 kB");
            tally.line(format!("Rss:  {:>10} kB", mib * 1024).as_bytes());
            tally.line(b"Pss:                 1 kB");
            tally.line(b"VmFlags: rd wr mr mw me ac sd");
        }
        tally.finish()
    }

    #[test]
    fn each_mapping_is_of_one_part() {
        let parts = tally(
            Fake::default(),
            0xc000_0000..0xd000_0000,
            &[
                ("00400000-00500000 r-xp 00000000 fe:01 12   /bin/a b", 1),
                ("00500000-00600000 rw-p 00000000 fe:01 12   /bin/a b", 1),
                ("01000000-02000000 rw-p 00000000 00:00 0    [heap]", 10),
                ("c0000000-c8000000 rw-p 00000000 00:00 0 ", 64),
                ("c8000000-d0000000 ---p 00000000 00:00 0 ", 0),
                ("7f0000000000-7f0000100000 rwxp 00000000 00:00 0 ", 1),
                (
                    "7f0000200000-7f0000300000 rw-s 00000000 fe:01 9 /o/java-1.hackleak",
                    2,
                ),
                ("7f0000400000-7f0000404000 ---p 00000000 00:00 0 ", 0),
                ("7f0000404000-7f0000500000 rw-p 00000000 00:00 0 ", 3),
                ("7f0000600000-7f0000700000 rw-p 00000000 00:00 0 ", 4),
                (
                    "7f0000700000-7f0000800000 r--p 00000000 fe:01 7 /j/classes.jsa",
                    5,
                ),
                (
                    "7f0000800000-7f0000900000 r--s 00000000 fe:01 8 /j/modules",
                    6,
                ),
                ("7fff00000000-7fff00100000 rw-p 00000000 00:00 0 [stack]", 1),
                (
                    "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]",
                    0,
                ),
            ],
        );
        let expected = Parts {
            resident: 98 * MIB,
            java_heap: 64 * MIB,
            heaps: 10 * MIB,
            code: 3 * MIB,
            stacks: 4 * MIB,
            image: 2 * MIB,
            taken: 16 * MIB,
            arenas: 1,
        };
        assert_eq!(parts, expected);
    }

    #[test]
    fn heaps_of_threads_are_known_by_their_place() {
        let heap = "7f0000000000-7f0002000000 rw-p 00000000 00:00 0 ";
        let rest = "7f0002000000-7f0004000000 ---p 00000000 00:00 0 ";
        let second = "7f0008000000-7f000c000000 rw-p 00000000 00:00 0 ";
        let short = "7f0002000000-7f0003000000 ---p 00000000 00:00 0 ";
        let all = [(heap, 30), (rest, 0), (second, 60)];
        let words = |first, second| Fake {
            words: vec![(0x7f00_0000_0000, first), (0x7f00_0800_0000, second)],
        };
        let none = 0..0;
        // Two heaps of one arena, two arenas, nothing known of either, and something else.
        for (fake, arenas, heaps) in [
            (words(0x7f00_0000_0030, 0x7f00_0000_0030), 1, 90),
            (words(0x7f00_0000_0020, 0x7f00_0800_0020), 2, 90),
            (Fake::default(), 2, 90),
            (words(0x7f00_0000_0030, 17), 1, 30),
            (words(0, 0), 0, 0),
        ] {
            let parts = tally(fake, none.clone(), &all);
            assert_eq!((parts.arenas, parts.heaps), (arenas, heaps * MIB));
        }
        let parts = tally(Fake::default(), none.clone(), &[(heap, 30), (short, 0)]);
        assert_eq!((parts.arenas, parts.taken), (0, 0));
        // What lies in Java's heap is that.
        let parts = tally(Fake::default(), 0x7f00_0000_0000..0x7f10_0000_0000, &all);
        assert_eq!((parts.arenas, parts.java_heap), (0, 90 * MIB));
    }

    #[test]
    fn a_heap_right_behind_a_stack_is_none_of_it() {
        let lines = [
            ("7f0003700000-7f0003701000 ---p 00000000 00:00 0 ", 0),
            ("7f0003701000-7f0005900000 rw-p 00000000 00:00 0 ", 26),
            ("7f0005900000-7f0008000000 ---p 00000000 00:00 0 ", 0),
        ];
        let arena = 0x7f00_0400_0000;
        for (words, heaps, stacks, arenas) in [
            (vec![(arena, arena + 0x30)], 25 * MIB, MIB, 1),
            (vec![(arena, 17)], 0, 26 * MIB, 0),
            // Who may not look takes it for what it looks like.
            (Vec::new(), 0, 26 * MIB, 0),
        ] {
            let parts = tally(Fake { words }, 0..0, &lines);
            let found = (parts.heaps, parts.stacks, parts.arenas);
            assert_eq!(found, (heaps, stacks, arenas));
        }
    }

    #[test]
    fn what_is_no_list_says_nothing() {
        let mut tally = Tally::new(Fake::default(), 0..0);
        for line in [
            &b""[..],
            b"Rss: 12 kB",
            b"1",
            b"ffffffffffffffff-0 rw-p",
            b"Rss: x",
        ] {
            tally.line(line);
        }
        assert_eq!(tally.finish(), Parts::default());
        assert_eq!(number(b"   99999999999999999999999"), u64::MAX);
    }
}
