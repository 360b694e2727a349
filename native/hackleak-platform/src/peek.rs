//! Reading this process's memory as if it were another's.
//!
//! Other threads run on: they free what is being read, give pages back, and unload libraries. A
//! load from such a page would be a SIGSEGV; the kernel's copy is an error.

use std::fs::File;
use std::os::unix::fs::FileExt;

/// What may be made of any bytes, and seen as bytes.
///
/// # Safety
///
/// Every pattern of bits is a value, and there is no padding.
pub unsafe trait Plain: Copy {}

// SAFETY: numbers.
unsafe impl Plain for u8 {}
// SAFETY: as above.
unsafe impl Plain for u32 {}
// SAFETY: as above.
unsafe impl Plain for u64 {}
// SAFETY: as above.
unsafe impl Plain for usize {}

// SAFETY: structures of numbers, whose fields leave no room between them.
unsafe impl Plain for libc::Elf64_Ehdr {}
// SAFETY: as above.
unsafe impl Plain for libc::Elf64_Phdr {}
// SAFETY: as above.
unsafe impl Plain for libc::Elf64_Shdr {}
// SAFETY: as above.
unsafe impl Plain for libc::Elf64_Sym {}
// SAFETY: as above.
unsafe impl Plain for libc::Elf64_Rela {}

/// The bytes of values.
pub fn bytes<T: Plain>(values: &[T]) -> &[u8] {
    // SAFETY: without padding every byte of a value is one that was written.
    unsafe { core::slice::from_raw_parts(values.as_ptr().cast(), size_of_val(values)) }
}

/// The same, to be written.
pub fn bytes_mut<T: Plain>(values: &mut [T]) -> &mut [u8] {
    // SAFETY: as above, and whatever is written makes a value.
    unsafe { core::slice::from_raw_parts_mut(values.as_mut_ptr().cast(), size_of_val(values)) }
}

/// A way to read memory that may be gone.
pub struct Peek {
    /// Where `process_vm_readv` is not permitted.
    file: Option<File>,
}

impl Peek {
    /// `None` where the kernel permits neither way.
    pub fn new() -> Option<Peek> {
        let probe = [0u8; 1];
        let mut copy = [0u8; 1];
        let at = probe.as_ptr().addr();
        let mut peek = Peek { file: None };
        if peek.bytes(at, &mut copy) == 0 {
            peek.file = Some(File::open("/proc/self/mem").ok()?);
            if peek.bytes(at, &mut copy) == 0 {
                return None;
            }
        }
        Some(peek)
    }

    /// The value at `at`; `None` where not all of it can be read.
    pub fn value<T: Plain>(&self, at: usize) -> Option<T> {
        // SAFETY: zeros are a value.
        let mut value = [unsafe { core::mem::zeroed::<T>() }];
        self.fill(at, &mut value).then_some(value[0])
    }

    /// Fills in the values that begin at `at`; false where not all of them can be read.
    pub fn fill<T: Plain>(&self, at: usize, values: &mut [T]) -> bool {
        let into = bytes_mut(values);
        let len = into.len();
        self.bytes(at, into) == len
    }

    /// Copies bytes from `at` on and gives the number that could be read.
    pub fn bytes(&self, at: usize, into: &mut [u8]) -> usize {
        match &self.file {
            Some(file) => file.read_at(into, at as u64).unwrap_or(0),
            None => copy(at, into),
        }
    }
}

/// The same by `process_vm_readv` alone, which allocates nothing; 0 where that is not permitted.
pub fn copy(at: usize, into: &mut [u8]) -> usize {
    let local = libc::iovec {
        iov_base: into.as_mut_ptr().cast(),
        iov_len: into.len(),
    };
    let remote = libc::iovec {
        iov_base: at as *mut libc::c_void,
        iov_len: into.len(),
    };
    // SAFETY: the kernel writes into `into` at most; where there is nothing to read it gives an
    // error.
    let read = unsafe { libc::process_vm_readv(libc::getpid(), &local, 1, &remote, 1, 0) };
    read.max(0) as usize
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_mapped_is_read_up_to_there() {
        let rights = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        // SAFETY: a new mapping at an address of the kernel's choice.
        let at = unsafe { libc::mmap(core::ptr::null_mut(), 8192, rights, flags, -1, 0) };
        assert_ne!(at, libc::MAP_FAILED);
        // SAFETY: the second page of that mapping.
        unsafe { libc::mprotect(at.byte_add(4096), 4096, libc::PROT_NONE) };
        let by_file = Peek {
            file: File::open("/proc/self/mem").ok(),
        };
        let peek = Peek::new().unwrap();
        let mut copy = [1; 64];
        assert_eq!(peek.bytes(at.addr() + 4096 - 16, &mut copy), 16);
        assert_eq!(copy[..16], [0; 16]);
        assert_eq!(peek.bytes(8, &mut copy), 0);
        assert_eq!(by_file.bytes(8, &mut copy), 0);
        assert_eq!(by_file.bytes(at.addr(), &mut copy), 64);
    }
}
