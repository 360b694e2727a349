//! Blocks of the file system for the file, and why there are none.

use super::super::file::fill;
use super::super::quiet::quietly;
use super::super::space;
use super::Window;
use crate::Shortage;
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

impl Window {
    /// Bytes that the file may have at this moment; more would be a SIGXFSZ.
    fn file_limit(&self) -> u64 {
        let limit = space::limit(libc::RLIMIT_FSIZE as i32).unwrap_or(u64::MAX);
        #[cfg(test)]
        let limit = limit.min(self.file_limit.load(Relaxed));
        limit
    }

    /// Stands in for a lowered limit.
    #[cfg(test)]
    pub(in crate::writer) fn limit_file(&self, len: u64) {
        self.file_limit.store(len, Relaxed);
    }

    /// Makes sure that the file system has blocks for the range.
    pub(super) fn reserve(&self, offset: u64, len: u64) -> Result<(), Shortage> {
        if offset.saturating_add(len) > self.file_limit() {
            return Err(Shortage::Limit);
        }
        let fd = self.descriptor().ok_or(Shortage::Gone)?;
        let mut error = 0;
        quietly(|| {
            error = fill(fd, offset, len);
            error == 0
        });
        match error {
            0 => Ok(()),
            libc::ENOSPC | libc::EDQUOT => Err(Shortage::Full),
            libc::EFBIG => Err(Shortage::Limit),
            _ => Err(Shortage::InsertError),
        }
    }

    pub(super) fn note_memory_only(&self, shortage: Shortage) {
        self.memory_only.store(true, Relaxed);
        // SAFETY: as for `counter`.
        let word = unsafe { AtomicU32::from_ptr(&raw mut (*self.header()).flags) };
        word.fetch_or(shortage.flags(), Relaxed);
    }

    /// From now on the image grows in the memory of the process alone, and no system call is made
    /// for the file.
    pub fn keep_in_memory(&self) {
        self.forbidden.store(true, Relaxed);
    }

    /// Whether system calls may be made for the file; else the header says why it is not whole.
    pub(super) fn is_allowed(&self) -> bool {
        let forbidden = self.forbidden.load(Relaxed);
        if forbidden {
            self.note_memory_only(Shortage::Forbidden);
        }
        !forbidden
    }

    /// Whether the file has the range, now that it is needed. The first time that it has not, the
    /// header says why.
    pub(super) fn is_reserved(&self, offset: u64, len: u64) -> bool {
        if self.memory_only.load(Relaxed) || !self.is_allowed() {
            return false;
        }
        let reserved = self.reserve(offset, len);
        if let Err(shortage) = reserved {
            self.note_memory_only(shortage);
        }
        reserved.is_ok()
    }
}
