//! The mappings of this process.

use super::Stop;
use super::table::Table;
use core::ops::Range;
use std::fs::File;
use std::io::Read;

/// What a mapping is of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Of {
    /// Memory without a file and a name.
    Anonymous,
    /// The C library's first heap.
    Heap,
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
    pub fn range(&self) -> Range<usize> {
        self.start..self.end
    }

    /// Whether it is data that the program may keep pointers in.
    pub fn is_data(&self) -> bool {
        self.readable && self.writable && self.private && !self.executable
    }

    /// Whether nobody may touch it.
    pub fn is_guard(&self) -> bool {
        !self.readable && !self.writable && !self.executable
    }
}

/// All mappings, by address.
pub fn read() -> Result<Table<Mapping>, Stop> {
    let mut file = File::open("/proc/self/maps").map_err(|_| Stop::NotReadable)?;
    let mut text = Table::filled(64 << 10, 0u8)?;
    let mut kept = 0;
    let mut mappings = Table::new();
    loop {
        let read = file
            .read(&mut text[kept..])
            .map_err(|_| Stop::NotReadable)?;
        let filled = kept + read;
        let lines = text[..filled].iter().rposition(|byte| *byte == b'\n');
        let lines = lines.map_or(0, |last| last + 1);
        for line in text[..lines].split(|byte| *byte == b'\n') {
            if let Some(mapping) = mapping(line) {
                mappings.push(mapping)?;
            }
        }
        if read == 0 {
            return Ok(mappings);
        }
        text.copy_within(lines..filled, 0);
        kept = filled - lines;
    }
}

/// `7f0000000000-7f0000021000 rw-p 00000000 00:00 0     [name]`
fn mapping(line: &[u8]) -> Option<Mapping> {
    let mut fields = line.split(|byte| *byte == b' ').filter(|f| !f.is_empty());
    let mut bounds = fields.next()?.split(|byte| *byte == b'-');
    let (start, end) = (hex(bounds.next()?)?, hex(bounds.next()?)?);
    let rights = fields.next()?;
    let inode = fields.nth(2)?;
    let name = fields.next().unwrap_or_default();
    let of = match name {
        b"[heap]" => Of::Heap,
        b"" if inode == b"0" => Of::Anonymous,
        _ if name.starts_with(b"[anon:") => Of::Anonymous,
        _ => Of::Other,
    };
    Some(Mapping {
        start,
        end,
        readable: rights.first() == Some(&b'r'),
        writable: rights.get(1) == Some(&b'w'),
        executable: rights.get(2) == Some(&b'x'),
        private: rights.get(3) == Some(&b'p'),
        of,
    })
}

fn hex(digits: &[u8]) -> Option<usize> {
    usize::from_str_radix(core::str::from_utf8(digits).ok()?, 16).ok()
}
