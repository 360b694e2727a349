//! `/proc/self/maps`, read with plain system calls: by whom must not allocate, too.

use core::ops::Range;
use hackleak_image::writer::KeepErrno;

/// The longest line: a path has at most 4096 bytes.
pub const LINE: usize = 4096 + 128;

/// What tells two mapped files apart: device and inode. The kernel's own object has inode 0.
pub type File = (u64, u64);

/// A line.
pub struct Mapping<'a> {
    pub range: Range<usize>,
    /// `rw-p`.
    pub rights: [u8; 4],
    pub offset: usize,
    device: u64,
    pub inode: u64,
    pub path: &'a [u8],
}

impl Mapping<'_> {
    pub fn file(&self) -> Option<File> {
        (self.inode != 0 || self.path == b"[vdso]").then_some((self.device, self.inode))
    }

    pub fn is_readable(&self) -> bool {
        self.rights[0] == b'r'
    }

    /// A line of `/proc/PID/maps`, see proc(5): `START-END PERMISSIONS OFFSET MAJOR:MINOR INODE PATH`.
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

/// Calls `visit` with each mapping in the order of addresses until it returns false; whether all that it wanted
/// could be read. Needs no memory and leaves `errno` as it was.
pub fn read(mut visit: impl FnMut(&Mapping) -> bool) -> bool {
    let _errno = KeepErrno::new();
    let path = c"/proc/self/maps".as_ptr();
    let flags = libc::O_RDONLY | libc::O_CLOEXEC;
    // SAFETY: a system call with a path that ends in a zero byte.
    let file = unsafe { libc::syscall(libc::SYS_openat, libc::AT_FDCWD, path, flags) };
    if file < 0 {
        return false;
    }
    let read = lines(file, |line| {
        Mapping::parse(line).is_none_or(|mapping| visit(&mapping))
    });
    // SAFETY: opened above.
    unsafe { libc::syscall(libc::SYS_close, file) };
    read
}

fn lines(file: libc::c_long, mut visit: impl FnMut(&[u8]) -> bool) -> bool {
    let mut buffer = [0u8; LINE];
    let mut filled = 0;
    loop {
        let room = &mut buffer[filled..];
        // SAFETY: a system call that writes at most as many bytes as there is room for.
        let count = unsafe { libc::syscall(libc::SYS_read, file, room.as_mut_ptr(), room.len()) };
        if count <= 0 {
            return count == 0;
        }
        filled += count as usize;
        let mut done = 0;
        while let Some(len) = buffer[done..filled].iter().position(|byte| *byte == b'\n') {
            if !visit(&buffer[done..done + len]) {
                return true;
            }
            done += len + 1;
        }
        if done == 0 && filled == LINE {
            return false;
        }
        buffer.copy_within(done..filled, 0);
        filled -= done;
    }
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

    #[test]
    fn this_process_is_in_its_own_list() {
        let here = this_process_is_in_its_own_list as *const () as usize;
        let mut found = false;
        let whole = read(|mapping| {
            found |= mapping.range.contains(&here) && mapping.rights[2] == b'x';
            true
        });
        assert!(whole && found);
    }
}
