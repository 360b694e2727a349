//! Paths that are put together where nothing may be allocated.

use core::ffi::CStr;
use core::fmt::{self, Write};
use core::ptr;

/// A mapping to write a path into, which is kept for good.
pub struct Paper {
    len: usize,
    text: [u8; libc::PATH_MAX as usize],
}

impl Paper {
    /// Begins anew.
    pub fn clear(&mut self) {
        self.len = 0;
    }

    /// An empty one; `None` without memory.
    pub fn map() -> Option<&'static mut Paper> {
        // SAFETY: a new anonymous mapping, which nobody else knows and which is never unmapped.
        // Zero bytes are a valid value.
        unsafe {
            let at = libc::mmap(
                ptr::null_mut(),
                size_of::<Paper>(),
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            );
            (at != libc::MAP_FAILED).then(|| &mut *at.cast())
        }
    }

    /// What was written, as a path; `None` when there is no room for the byte that ends it.
    pub fn path(&mut self) -> Option<&'static CStr> {
        *self.text.get_mut(self.len)? = 0;
        // SAFETY: the mapping stays, and a zero byte was written at the end.
        Some(unsafe { CStr::from_ptr(self.text.as_ptr().cast()) })
    }
}

impl Write for Paper {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let place = self.text.get_mut(self.len..self.len + text.len());
        place.ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.len += text.len();
        Ok(())
    }
}
