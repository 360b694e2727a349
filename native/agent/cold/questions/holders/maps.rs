//! The mappings of this process.

use super::Stop;
use super::table::Table;
use crate::arch;
use core::ops::Range;
use hackleak_platform::maps;

/// What a mapping is of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Of {
    /// Memory without a file and a name.
    Anonymous,
    /// The same, which children share, or of a file without a name.
    Shared,
    /// A segment of `shmget`, which has no file although it has a name.
    Segment,
    /// The C library's first heap.
    Heap,
    /// A file, of which the process writes to its own copy.
    Copy,
    /// A file, or something of the kernel's.
    Other,
}

/// One mapping.
#[derive(Clone, Copy)]
pub struct Mapping {
    pub start: usize,
    pub end: usize,
    pub readable: bool,
    pub writable: bool,
    pub executable: bool,
    pub private: bool,
    pub of: Of,
}

impl Mapping {
    fn of(line: &maps::Mapping) -> Mapping {
        let of = match line.path {
            b"[heap]" => Of::Heap,
            b"" if line.inode == 0 => Of::Anonymous,
            path if path.starts_with(b"[anon:") => Of::Anonymous,
            path if path == b"/dev/zero (deleted)" || path.starts_with(b"/memfd:") => Of::Shared,
            path if path.starts_with(b"/SYSV") => Of::Segment,
            path if path.starts_with(b"/") && &line.rights[1..] == b"w-p" => Of::Copy,
            _ => Of::Other,
        };
        Mapping {
            start: line.range.start,
            end: line.range.end,
            readable: line.is_readable(),
            writable: line.rights[1] == b'w',
            executable: line.rights[2] == b'x',
            private: line.rights[3] == b'p',
            of,
        }
    }

    pub fn range(&self) -> Range<usize> {
        self.start..self.end
    }

    /// Whether it is data that the program may keep pointers in.
    pub fn is_data(&self) -> bool {
        self.readable && self.writable && self.private && !self.executable
    }

    /// Whether `next` is the rest of this one.
    fn goes_on_in(&self, next: &Mapping) -> bool {
        let rights = |one: &Mapping| (one.readable, one.writable, one.executable, one.private);
        let are_alike = self.of == next.of && rights(self) == rights(next);
        arch::MAPS_MAY_BE_SPLIT && self.of == Of::Anonymous && self.end == next.start && are_alike
    }

    /// Whether nobody may touch it.
    pub fn is_guard(&self) -> bool {
        !self.readable && !self.writable && !self.executable
    }
}

/// All mappings, by address.
pub fn read() -> Result<Table<Mapping>, Stop> {
    let mut mappings: Table<Mapping> = Table::new();
    let mut failed = None;
    let whole = maps::read(|line| {
        let mapping = Mapping::of(line);
        match mappings.last_mut() {
            Some(last) if last.goes_on_in(&mapping) => last.end = mapping.end,
            _ => failed = mappings.push(mapping).err(),
        }
        failed.is_none()
    });
    match failed {
        Some(stop) => Err(stop),
        None if whole => Ok(mappings),
        None => Err(Stop::NotReadable),
    }
}
