//! Whether standard error is still what it was when the process started.
//!
//! A program may close it and get the number for a file of its own: nothing is written there.

use core::mem::MaybeUninit;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Device and file of standard error at the start; 0 if it was closed.
static DEVICE: AtomicU64 = AtomicU64::new(0);
static INODE: AtomicU64 = AtomicU64::new(0);

/// Notes what standard error is. Called once, from the constructor.
pub fn init() {
    let (device, inode) = identity().unwrap_or_default();
    DEVICE.store(device, Relaxed);
    INODE.store(inode, Relaxed);
}

/// Whether it is still what it was at the start.
pub fn is_there() -> bool {
    identity() == Some((DEVICE.load(Relaxed), INODE.load(Relaxed)))
}

fn identity() -> Option<(u64, u64)> {
    let mut about = MaybeUninit::<libc::stat>::uninit();
    // SAFETY: a place for the answer, which is there when the call succeeds.
    unsafe {
        let found = libc::fstat(libc::STDERR_FILENO, about.as_mut_ptr()) == 0;
        found
            .then(|| about.assume_init())
            .map(|about| (about.st_dev, about.st_ino))
    }
}
