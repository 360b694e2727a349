//! `/proc/self/maps`, read with plain system calls: by whom must not allocate, too.

use core::ffi::CStr;
pub use hackleak_image::mapping::{File, Mapping};
use hackleak_image::writer::KeepErrno;

/// The longest line: a path has at most 4096 bytes.
pub const LINE: usize = 4096 + 128;

/// Calls `visit` with each mapping in the order of addresses until it returns false; whether all
/// that it wanted could be read. Needs no memory and leaves `errno` as it was.
pub fn read(mut visit: impl FnMut(&Mapping) -> bool) -> bool {
    lines_of(c"/proc/self/maps", |line| {
        Mapping::parse(line).is_none_or(|mapping| visit(&mapping))
    })
}

/// Calls `visit` with each line of the file at `path` until it returns false; the rest as for
/// [`read`].
pub fn lines_of(path: &CStr, visit: impl FnMut(&[u8]) -> bool) -> bool {
    let _errno = KeepErrno::new();
    let path = path.as_ptr();
    let flags = libc::O_RDONLY | libc::O_CLOEXEC;
    // SAFETY: a system call with a path that ends in a zero byte.
    let file = unsafe { libc::syscall(libc::SYS_openat, libc::AT_FDCWD, path, flags) };
    if file < 0 {
        return false;
    }
    let read = lines(file, visit);
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
