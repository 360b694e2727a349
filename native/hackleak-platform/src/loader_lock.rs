//! Whether the loader can be asked: it takes a lock.

use core::sync::atomic::{AtomicBool, Ordering::Relaxed};

static MAY_NOT_LOCK: AtomicBool = AtomicBool::new(false);

/// In the forked child of a process with several threads: another one may have had the lock at the
/// fork, for good.
pub fn may_be_taken_for_good() {
    MAY_NOT_LOCK.store(true, Relaxed);
}

/// Whether the lock can be taken.
pub fn can_be_taken() -> bool {
    !MAY_NOT_LOCK.load(Relaxed)
}
