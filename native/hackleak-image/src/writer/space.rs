//! Address space for the window.
//!
//! The window is as long as an image can ever become, unless the process may only have so much
//! address space (`ulimit -v`). Then it may become a small part of what is left, because the
//! program needs the rest. It is mapped piece by piece then: a program that reserves much at its
//! start, as a JVM does, may need all of that. A window that is too short later costs records,
//! which are counted, and never the program.

use super::create_error::CreateError;
use super::file::errno;
use super::quiet;
use crate::layout::{HEADER_LEN, SEGMENT_STRIDE};
use core::ptr;

/// Lengths to try where the address space has no limit, in bytes.
const LENGTHS: [usize; 4] = [1 << 40, 1 << 36, 1 << 32, 1 << 28];
/// Parts of the address space that is left to try where it has one: one in so many.
const PARTS: [u64; 3] = [8, 16, 32];
/// Segments below which a window is of no use: one for each of what every image has, and some for
/// blocks.
const FEWEST: u64 = 10;
/// The part that so few segments may take at most: one in so many.
const LARGEST_PART: u64 = 2;

/// Where windows begin that grow: nobody else maps anything there, so there is room behind.
const ROOMY: [usize; 3] = [0x6000_0000_0000, 0x5000_0000_0000, 0x4000_0000_0000];

/// A window.
pub(super) struct Mapped {
    pub base: *mut u8,
    /// What it may become.
    pub len: usize,
    /// What of that is mapped.
    pub mapped: usize,
}

/// Maps the window over the file.
pub(super) fn map_window(fd: i32) -> Result<Mapped, CreateError> {
    let limited = left().map(limited_lengths);
    let lengths = limited.as_ref().map_or(&LENGTHS[..], |lengths| lengths);
    if limited.is_some()
        && let Some(len) = lengths.iter().copied().find(|len| *len > 0)
    {
        let mapped = HEADER_LEN as usize;
        for base in ROOMY.map(ptr::without_provenance_mut) {
            if map_piece(fd, base, 0, mapped) == Ok(()) {
                return Ok(Mapped { base, len, mapped });
            }
        }
    }
    let mut error = libc::ENOMEM;
    for len in lengths.iter().copied().filter(|len| *len > 0) {
        // SAFETY: a new mapping at an address of the kernel's choice.
        let at = unsafe {
            libc::mmap(
                ptr::null_mut(),
                len,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED | libc::MAP_NORESERVE,
                fd,
                0,
            )
        };
        if at != libc::MAP_FAILED {
            advise(at.cast(), len);
            return Ok(Mapped {
                base: at.cast(),
                len,
                mapped: len,
            });
        }
        error = errno();
    }
    Err(CreateError::Map(error))
}

/// Maps a piece of a window that grows, where the window at `base` has it. Gives the system's
/// `errno`; that is `EEXIST` where something is mapped already.
pub(super) fn map_piece(fd: i32, base: *mut u8, offset: u64, len: usize) -> Result<(), i32> {
    let place = base.wrapping_add(offset as usize);
    map_new(place, len, libc::MAP_SHARED, fd, offset as libc::off_t)
}

/// Puts memory behind the window. Gives an `errno` as [`map_piece`] does.
pub(super) fn append(place: *mut u8, len: usize) -> Result<(), i32> {
    map_new(place, len, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1, 0)
}

/// Maps what has nothing mapped in its place yet.
fn map_new(place: *mut u8, len: usize, of: i32, fd: i32, offset: libc::off_t) -> Result<(), i32> {
    // SAFETY: a new mapping, which replaces nothing.
    let at = unsafe {
        libc::mmap(
            place.cast(),
            len,
            libc::PROT_READ | libc::PROT_WRITE,
            of | libc::MAP_NORESERVE | libc::MAP_FIXED_NOREPLACE,
            fd,
            offset,
        )
    };
    if at == libc::MAP_FAILED {
        return Err(errno());
    }
    if at.cast() != place {
        // A kernel before 4.17, which takes the place for a wish.
        // SAFETY: the mapping that was just made.
        unsafe { libc::munmap(at, len) };
        return Err(libc::EEXIST);
    }
    advise(place, len);
    Ok(())
}

/// Maps the first `len` bytes of the file, to read from.
pub(super) fn map_to_read(fd: i32, len: usize) -> Option<*mut u8> {
    // SAFETY: a new mapping, which replaces nothing.
    let at = unsafe {
        libc::mmap(
            core::ptr::null_mut(),
            len,
            libc::PROT_READ,
            libc::MAP_SHARED | libc::MAP_NORESERVE,
            fd,
            0,
        )
    };
    (at != libc::MAP_FAILED).then_some(at.cast())
}

fn advise(at: *mut u8, len: usize) {
    // SAFETY: advice about our own mapping: no part of it in core dumps, in huge pages,
    // or in forked children (which must not write into their parent's image), and nothing
    // read ahead of a file that is empty there.
    unsafe {
        libc::madvise(at.cast(), len, libc::MADV_RANDOM);
        libc::madvise(at.cast(), len, libc::MADV_DONTDUMP);
        libc::madvise(at.cast(), len, libc::MADV_NOHUGEPAGE);
        libc::madvise(at.cast(), len, libc::MADV_DONTFORK);
    }
}

/// Lengths to try when so many bytes of address space are left; 0 stands for none.
fn limited_lengths(left: u64) -> [usize; 4] {
    let fewest = HEADER_LEN + FEWEST * SEGMENT_STRIDE;
    let whole = |len: u64| match len.saturating_sub(HEADER_LEN) / SEGMENT_STRIDE {
        segments if segments < FEWEST => 0,
        segments => HEADER_LEN + segments * SEGMENT_STRIDE,
    };
    let last = if fewest <= left / LARGEST_PART {
        fewest
    } else {
        0
    };
    let [first, second, third] = PARTS.map(|part| whole(left / part));
    [first, second, third, last].map(|len| len.min(LENGTHS[0] as u64) as usize)
}

/// What the window may grow by where the process may have so many bytes of address space.
pub(super) fn share(most: u64) -> usize {
    if most == libc::RLIM_INFINITY {
        return LENGTHS[0];
    }
    limited_lengths(left_of(most))
        .into_iter()
        .max()
        .unwrap_or(0)
}

/// What is left of so many bytes of address space.
pub(super) fn left_of(most: u64) -> u64 {
    most.saturating_sub(mapped())
}

/// Bytes of address space that the process may still map; `None` without a limit.
pub fn left() -> Option<u64> {
    let limit = limit(libc::RLIMIT_AS as i32)?;
    Some(left_of(limit))
}

/// The soft limit of a resource; `None` when there is none.
pub(super) fn limit(resource: i32) -> Option<u64> {
    let mut limit = libc::rlimit {
        rlim_cur: libc::RLIM_INFINITY,
        rlim_max: libc::RLIM_INFINITY,
    };
    // SAFETY: `limit` is a valid place for the answer.
    unsafe { libc::getrlimit(resource as _, &mut limit) };
    (limit.rlim_cur != libc::RLIM_INFINITY).then_some(limit.rlim_cur)
}

/// Bytes that the process has mapped: the first number of `/proc/self/statm`, in pages. 0 when it
/// cannot be read.
fn mapped() -> u64 {
    let mut text = [0u8; 64];
    // SAFETY: plain system calls on a path that ends in a zero byte and on a buffer of that length.
    let read = unsafe {
        let flags = libc::O_RDONLY | libc::O_CLOEXEC;
        let fd = quiet::open(c"/proc/self/statm".as_ptr(), flags);
        let read = quiet::read(fd, &mut text);
        if fd >= 0 {
            quiet::close(fd);
        }
        read
    };
    let digits = text[..read.max(0) as usize]
        .iter()
        .take_while(|byte| byte.is_ascii_digit());
    let pages = digits.fold(0u64, |number, digit| {
        number.saturating_mul(10) + u64::from(digit - b'0')
    });
    pages.saturating_mul(4096)
}

/// Puts memory in the place of as much of a part of the window as can be had, and gives how much
/// that is. Nobody else gets the rest of the part.
pub(super) fn cover_at_most(at: *mut u8, len: usize) -> usize {
    const LESS: [usize; 2] = [1 << 30, 64 << 20];
    // Memory that nobody may touch costs nothing, however strict the system is with its promises.
    // SAFETY: as for `cover`.
    let place = unsafe {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED | libc::MAP_NORESERVE;
        libc::mmap(at.cast(), len, libc::PROT_NONE, flags, -1, 0)
    };
    if len == 0 || place == libc::MAP_FAILED {
        return 0;
    }
    advise(at, len);
    let rights = libc::PROT_READ | libc::PROT_WRITE;
    let [much, some] = LESS.map(|less| len.min(less));
    let mut sizes = [len, much, some].into_iter();
    // SAFETY: the mapping that was just made.
    let had = sizes.find(|len| unsafe { libc::mprotect(at.cast(), *len, rights) } == 0);
    had.unwrap_or(0)
}

/// Puts zeroed memory of this process in the place of a piece of the window that nobody uses.
pub(super) fn cover(at: *mut libc::c_void, len: usize) -> bool {
    // SAFETY: the range lies within the window, which is ours, and nobody uses it yet, as the
    // caller says.
    let memory = unsafe {
        libc::mmap(
            at,
            len,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED,
            -1,
            0,
        )
    };
    memory != libc::MAP_FAILED
}

/// Whether a byte can be read. The kernel reads it, which answers with an error where a load would
/// be a SIGBUS.
pub(super) fn can_be_read(at: *const u8) -> bool {
    let mut byte = 0u8;
    let local = libc::iovec {
        iov_base: (&raw mut byte).cast(),
        iov_len: 1,
    };
    let remote = libc::iovec {
        iov_base: at.cast_mut().cast(),
        iov_len: 1,
    };
    // SAFETY: reads one byte of this process through the kernel, into a place of that size.
    unsafe { libc::process_vm_readv(libc::getpid(), &local, 1, &remote, 1, 0) == 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limited_window_leaves_the_program_most_of_its_address_space() {
        let mib = 1 << 20;
        for left in [0, 10 * mib, 24 * mib, 100 * mib, 1000 * mib, u64::MAX] {
            let lengths = limited_lengths(left);
            for len in lengths.into_iter().filter(|len| *len > 0) {
                assert!(len as u64 <= left / 2, "{len} of {left}");
                assert!(len as u64 > FEWEST * SEGMENT_STRIDE, "{len} of {left}");
            }
            let longest = lengths.into_iter().max().unwrap_or(0) as u64;
            assert!(left < 25 * mib || longest > 0, "none of {left}");
            assert!(left < 1000 * mib || longest >= left.min(1 << 40) / 16);
        }
    }
}
