//! System calls on the image's file.

/// Has the file system supply blocks for the range. 0, or why not.
pub(super) fn fill(fd: i32, offset: u64, len: u64) -> i32 {
    loop {
        // SAFETY: a system call on our own file descriptor. The C library's function is a place
        // where threads may be cancelled.
        if unsafe { libc::syscall(libc::SYS_fallocate, fd, 0, offset as i64, len as i64) } == 0 {
            return 0;
        }
        match errno() {
            libc::EINTR => {}
            libc::EOPNOTSUPP | libc::ENOSYS => return write_zeros(fd, offset, len),
            error => return error,
        }
    }
}

/// For file systems without `fallocate`: writing is what reserves there. 0, or why not.
fn write_zeros(fd: i32, offset: u64, len: u64) -> i32 {
    static ZEROS: [u8; 4096] = [0; 4096];
    let mut at = offset;
    while at < offset + len {
        let room = (offset + len - at).min(ZEROS.len() as u64) as usize;
        // SAFETY: the buffer has that many bytes.
        let written =
            unsafe { libc::syscall(libc::SYS_pwrite64, fd, ZEROS.as_ptr(), room, at as i64) };
        match written {
            1.. => at += written as u64,
            0 => return libc::ENOSPC,
            _ if errno() == libc::EINTR => {}
            _ => return errno(),
        }
    }
    0
}

/// Locks the file for as long as anybody has it open or mapped, so that a reader can tell that it
/// is in use. Where the file system has no locks, readers get none either.
pub(super) fn lock(fd: i32) {
    // SAFETY: a system call on our own file descriptor.
    unsafe { libc::syscall(libc::SYS_flock, fd, libc::LOCK_SH | libc::LOCK_NB) };
}

/// What the system says about a descriptor.
pub(super) fn status(fd: i32) -> Option<libc::stat> {
    let mut stat = core::mem::MaybeUninit::uninit();
    // SAFETY: `fstat` fills the place that is large enough when it succeeds.
    unsafe { (libc::fstat(fd, stat.as_mut_ptr()) == 0).then(|| stat.assume_init()) }
}

/// Puts `errno` back to what it was: a call that succeeds does not change it.
pub struct KeepErrno(i32);

impl KeepErrno {
    /// Takes note of it.
    #[allow(clippy::new_without_default, reason = "it is the moment that counts")]
    pub fn new() -> KeepErrno {
        KeepErrno(errno())
    }
}

impl Drop for KeepErrno {
    fn drop(&mut self) {
        // SAFETY: the C library's own place for the error of this thread.
        unsafe { *libc::__errno_location() = self.0 };
    }
}

pub(super) fn errno() -> i32 {
    // SAFETY: the C library's own place for the error of this thread.
    unsafe { *libc::__errno_location() }
}
