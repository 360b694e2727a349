//! A line of `/proc/PID/maps`. Nothing here allocates.

use core::ops::Range;

/// What tells two mapped files apart: device and inode. The kernel's own object has inode 0.
pub type File = (u64, u64);

/// A mapping of a process.
#[derive(Debug, Clone)]
pub struct Mapping<'a> {
    /// Its addresses.
    pub range: Range<usize>,
    /// `rw-p`.
    pub rights: [u8; 4],
    /// Where in the file it begins.
    pub offset: usize,
    device: u64,
    /// Number of the file, or 0.
    pub inode: u64,
    /// The file, or a name in brackets, or nothing.
    pub path: &'a [u8],
}

impl Mapping<'_> {
    /// The file, if there is one.
    pub fn file(&self) -> Option<File> {
        (self.inode != 0 || self.path == b"[vdso]").then_some((self.device, self.inode))
    }

    /// Whether it may be read.
    pub fn is_readable(&self) -> bool {
        self.rights[0] == b'r'
    }

    /// A line of `/proc/PID/maps`, see proc(5): `START-END PERMISSIONS OFFSET MAJOR:MINOR INODE
    /// PATH`.
    pub fn parse(line: &[u8]) -> Option<Mapping<'_>> {
        let mut rest = line;
        let start = number(&mut rest, 16) as usize;
        let end = number(&mut rest, 16) as usize;
        let (rights, after) = rest.split_first_chunk::<4>()?;
        rest = after.get(1..)?;
        let offset = number(&mut rest, 16) as usize;
        let device = number(&mut rest, 16) << 32 | number(&mut rest, 16);
        let inode = number(&mut rest, 10);
        Some(Mapping {
            range: start..end,
            rights: *rights,
            offset,
            device,
            inode,
            path: rest.trim_ascii_start(),
        })
    }
}

/// The number that `text` begins with; goes on behind it and the character after it.
fn number(text: &mut &[u8], radix: u32) -> u64 {
    let mut value = 0u64;
    while let Some((first, rest)) = text.split_first() {
        *text = rest;
        match (*first as char).to_digit(radix) {
            Some(digit) => value = value.wrapping_mul(u64::from(radix)) + u64::from(digit),
            None => break,
        }
    }
    value
}

#[cfg(test)]
#[allow(clippy::expect_used)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_lines_are_read() {
        let path = |line: &str| {
            let mapping = Mapping::parse(line.as_bytes()).expect("a line");
            (mapping.range, mapping.path.to_vec())
        };
        assert_eq!(
            path("7f00-8f00 rw-p 00000000 00:00 0 "),
            (0x7f00..0x8f00, Vec::new())
        );
        assert_eq!(
            path("1000-2000 r--s 00000000 fe:00 123                        /tmp/a b.db"),
            (0x1000..0x2000, b"/tmp/a b.db".to_vec())
        );
        assert_eq!(
            path("1000-2000 rw-s 00000000 00:01 1027   /dev/zero (deleted)").1,
            b"/dev/zero (deleted)"
        );
        let odd = Mapping::parse(b"1000-2000 rw-s 00000010 fe:00 9 /tmp/\xff").expect("a line");
        assert_eq!(odd.path, b"/tmp/\xff");
        assert_eq!(
            (&odd.rights, odd.offset, odd.inode, odd.file()),
            (b"rw-s", 16, 9, Some((0xfe << 32, 9)))
        );
        assert!(Mapping::parse(b"").is_none());
    }
}
