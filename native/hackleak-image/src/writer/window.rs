//! The file and the window through which it is written.
//!
//! What is difficult: a store to a mapped page whose block the file system cannot supply is a
//! SIGBUS. So a segment's blocks are reserved (`fallocate`) before its first byte is touched, and
//! when that fails the segment's place in the window is covered by anonymous memory: the process
//! goes on recording, and the header says that the file is not the whole truth.
//!
//! The window is one mapping, far longer than the file: pages beyond the end of the file cost
//! nothing until the file grows under them, and however many segments there are, the process has
//! one mapping more.
//!
//! A program may close descriptors that it did not open, and have a file of its own under their
//! numbers (daemons do). So the file is known by its device and number before it is grown, and opened
//! again by its path when it is another one.

use crate::layout::{
    Counter, HEADER_LEN, Header, SEGMENT_MAGIC, SEGMENT_STRIDE, SegmentHeader, SegmentKind, flags,
};
use core::ffi::CStr;
use core::ptr;
use core::sync::atomic::{
    AtomicBool, AtomicI32, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize,
    Ordering::{Acquire, Relaxed, Release},
};
use std::ffi::CString;
use std::sync::OnceLock;

/// Why there is no image. The number is the system's `errno`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CreateError {
    /// The file could not be created.
    Open(i32),
    /// No address space for the window.
    Map(i32),
}

/// Lengths to try for the window, in bytes: less where the address space is limited.
const WINDOW_LENGTHS: [usize; 4] = [1 << 40, 1 << 36, 1 << 32, 1 << 28];

#[repr(C, align(4096))]
struct Page(core::cell::UnsafeCell<[u8; HEADER_LEN as usize]>);
// SAFETY: the bytes are only accessed through atomics of the header (`epoch`, `flags`, counters).
unsafe impl Sync for Page {}

/// Stands in for the header until the file is open, so that its words can always be read.
static CLOSED: Page = Page(core::cell::UnsafeCell::new([0; HEADER_LEN as usize]));

/// The mapping of the image file, and the only source of segments.
pub struct Window {
    base: AtomicPtr<u8>,
    len: AtomicUsize,
    fd: AtomicI32,
    /// The file behind the descriptor.
    device: AtomicU64,
    inode: AtomicU64,
    path: OnceLock<CString>,
    /// Bytes that the file may have (`RLIMIT_FSIZE`): growing past it would be a SIGXFSZ.
    file_limit: AtomicU64,
    /// Once the file system was full, it is not asked again.
    memory_only: AtomicBool,
}

impl Window {
    pub(super) const fn new() -> Window {
        Window {
            base: AtomicPtr::new(ptr::null_mut()),
            len: AtomicUsize::new(0),
            fd: AtomicI32::new(-1),
            device: AtomicU64::new(0),
            inode: AtomicU64::new(0),
            path: OnceLock::new(),
            file_limit: AtomicU64::new(u64::MAX),
            memory_only: AtomicBool::new(false),
        }
    }

    pub(super) fn is_open(&self) -> bool {
        !self.base.load(Acquire).is_null()
    }

    /// Start and length of the window in bytes.
    pub fn range(&self) -> (*mut u8, usize) {
        (self.base.load(Relaxed), self.len.load(Relaxed))
    }

    #[inline(always)]
    pub(super) fn header(&self) -> *mut Header {
        let base = self.base.load(Relaxed);
        if base.is_null() {
            CLOSED.0.get().cast()
        } else {
            base.cast()
        }
    }

    pub(super) fn counter(&self, counter: Counter) -> &AtomicU64 {
        // SAFETY: the header page (or its stand-in) stays mapped; counters are only accessed
        // atomically.
        unsafe { AtomicU64::from_ptr(&raw mut (*self.header()).counters[counter as usize]) }
    }

    fn segments(&self) -> &AtomicU64 {
        // SAFETY: as for `counter`.
        unsafe { AtomicU64::from_ptr(&raw mut (*self.header()).segments) }
    }

    /// Segments handed out so far.
    pub fn segment_count(&self) -> u64 {
        let most = (self.len.load(Relaxed) as u64).saturating_sub(HEADER_LEN) / SEGMENT_STRIDE;
        self.segments().load(Acquire).min(most)
    }

    pub(super) fn length(&self, arena: usize) -> &AtomicU64 {
        // SAFETY: as for `counter`; `arena` is a position in `SegmentKind::ARENAS`.
        unsafe { AtomicU64::from_ptr(&raw mut (*self.header()).lengths[arena]) }
    }

    pub(super) fn create(&self, path: &CStr) -> Result<(), CreateError> {
        // SAFETY: plain system calls on a path that ends in a zero byte.
        let fd = unsafe {
            libc::open(
                path.as_ptr(),
                libc::O_RDWR | libc::O_CREAT | libc::O_EXCL | libc::O_CLOEXEC,
                0o644,
            )
        };
        if fd < 0 {
            return Err(CreateError::Open(errno()));
        }
        if let Some(stat) = status(fd) {
            self.device.store(stat.st_dev, Relaxed);
            self.inode.store(stat.st_ino, Relaxed);
        }
        let _ = self.path.set(path.to_owned());
        self.fd.store(fd, Relaxed);
        let mut limit = libc::rlimit {
            rlim_cur: 0,
            rlim_max: 0,
        };
        // SAFETY: `limit` is a valid place for the answer.
        if unsafe { libc::getrlimit(libc::RLIMIT_FSIZE, &mut limit) } == 0 {
            self.file_limit.store(limit.rlim_cur, Relaxed);
        }
        let on_disk = self.reserve(0, HEADER_LEN);
        let (base, len) = map_window(fd, on_disk)?;
        self.len.store(len, Relaxed);
        self.base.store(base, Release);
        if !on_disk {
            self.note_memory_only();
        }
        Ok(())
    }

    /// Stands in for a full file system.
    #[cfg(test)]
    pub(super) fn limit_file(&self, len: u64) {
        self.file_limit.store(len, Relaxed);
    }

    fn is_ours(&self, stat: &libc::stat) -> bool {
        stat.st_dev == self.device.load(Relaxed) && stat.st_ino == self.inode.load(Relaxed)
    }

    /// The file's descriptor; `None` when the program closed it and the path names another file.
    fn descriptor(&self) -> Option<i32> {
        let fd = self.fd.load(Relaxed);
        if status(fd).is_some_and(|stat| self.is_ours(&stat)) {
            return Some(fd);
        }
        let path = self.path.get()?;
        // SAFETY: a path that ends in a zero byte.
        let new = unsafe { libc::open(path.as_ptr(), libc::O_RDWR | libc::O_CLOEXEC) };
        if !status(new).is_some_and(|stat| self.is_ours(&stat)) {
            if new >= 0 {
                // SAFETY: opened here, and of no use.
                unsafe { libc::close(new) };
            }
            return None;
        }
        self.fd.store(new, Relaxed);
        Some(new)
    }

    /// Makes sure that the file system has blocks for the range; false when it has not.
    fn reserve(&self, offset: u64, len: u64) -> bool {
        if self.memory_only.load(Relaxed)
            || offset.saturating_add(len) > self.file_limit.load(Relaxed)
        {
            return false;
        }
        let Some(fd) = self.descriptor() else {
            return false;
        };
        loop {
            // SAFETY: a system call on our own file descriptor.
            if unsafe { libc::fallocate(fd, 0, offset as i64, len as i64) } == 0 {
                return true;
            }
            match errno() {
                libc::EINTR => continue,
                libc::EOPNOTSUPP | libc::ENOSYS => return write_zeros(fd, offset, len),
                _ => return false,
            }
        }
    }

    fn note_memory_only(&self) {
        self.memory_only.store(true, Relaxed);
        // SAFETY: as for `counter`.
        let word = unsafe { AtomicU32::from_ptr(&raw mut (*self.header()).flags) };
        word.fetch_or(flags::MEMORY_ONLY, Relaxed);
    }

    /// A new segment, zeroed, or null when neither the file nor memory can supply it. It is not
    /// part of the image until it is published.
    #[cold]
    pub(super) fn segment(&self, base: u64) -> *mut SegmentHeader {
        let window = self.base.load(Acquire);
        let len = self.len.load(Relaxed) as u64;
        if window.is_null() {
            return ptr::null_mut();
        }
        // `malloc` may not change `errno` when it succeeds.
        let _errno = KeepErrno::new();
        let index = self.segments().fetch_add(1, Relaxed);
        let offset = HEADER_LEN.saturating_add(index.saturating_mul(SEGMENT_STRIDE));
        if offset.saturating_add(SEGMENT_STRIDE) > len {
            return ptr::null_mut();
        }
        // SAFETY: `offset` lies within the window.
        let at = unsafe { window.add(offset as usize) };
        if !self.reserve(offset, SEGMENT_STRIDE) {
            // SAFETY: the range lies within the window, which is ours, and nobody uses it yet:
            // its index was handed out to this call alone.
            let memory = unsafe {
                libc::mmap(
                    at.cast(),
                    SEGMENT_STRIDE as usize,
                    libc::PROT_READ | libc::PROT_WRITE,
                    libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED,
                    -1,
                    0,
                )
            };
            if memory == libc::MAP_FAILED {
                return ptr::null_mut();
            }
            self.note_memory_only();
            self.counter(Counter::SegmentsInMemory)
                .fetch_add(1, Relaxed);
        }
        let header: *mut SegmentHeader = at.cast();
        // SAFETY: the page is backed now and belongs to this call.
        unsafe {
            (*header).magic = SEGMENT_MAGIC;
            (*header).base = base;
        }
        header
    }

    /// Makes a segment part of the image. Of two threads that made the same one, only the one
    /// whose segment is used calls this; a reader skips the other.
    pub(super) fn publish(header: *mut SegmentHeader, kind: SegmentKind) {
        // SAFETY: a segment of this window, which stays mapped.
        unsafe { AtomicU32::from_ptr(&raw mut (*header).kind) }.store(kind as u32, Release);
    }

    /// The segment at `index`, with its kind; `None` while it is being created.
    pub(super) fn segment_at(&self, index: u64) -> Option<(*mut SegmentHeader, SegmentKind)> {
        if index >= self.segment_count() {
            return None;
        }
        let offset = HEADER_LEN + index * SEGMENT_STRIDE;
        // SAFETY: below `segment_count`, so within the window.
        let header: *mut SegmentHeader =
            unsafe { self.base.load(Relaxed).add(offset as usize).cast() };
        if !self.is_backed(header, offset) {
            return None;
        }
        // SAFETY: the page is backed by the file or by memory.
        let kind = unsafe { AtomicU32::from_ptr(&raw mut (*header).kind) }.load(Acquire);
        Some((header, SegmentKind::from_number(kind)?))
    }

    /// A segment whose index was handed out may not be backed yet: reading it would be a SIGBUS.
    fn is_backed(&self, header: *mut SegmentHeader, offset: u64) -> bool {
        let stat = status(self.fd.load(Relaxed)).filter(|stat| self.is_ours(stat));
        if stat.is_some_and(|stat| offset + SEGMENT_STRIDE <= stat.st_size as u64) {
            return true;
        }
        let mut byte = 0u8;
        let local = libc::iovec {
            iov_base: (&raw mut byte).cast(),
            iov_len: 1,
        };
        let remote = libc::iovec {
            iov_base: header.cast(),
            iov_len: 1,
        };
        // SAFETY: reads one byte of this process through the kernel, which answers with an error
        // where a load would be a SIGBUS.
        unsafe { libc::process_vm_readv(libc::getpid(), &local, 1, &remote, 1, 0) == 1 }
    }
}

fn map_window(fd: i32, on_disk: bool) -> Result<(*mut u8, usize), CreateError> {
    let (kind, fd) = if on_disk {
        (libc::MAP_SHARED, fd)
    } else {
        (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1)
    };
    for len in WINDOW_LENGTHS {
        // SAFETY: a new mapping at an address of the kernel's choice.
        let at = unsafe {
            libc::mmap(
                ptr::null_mut(),
                len,
                libc::PROT_READ | libc::PROT_WRITE,
                kind | libc::MAP_NORESERVE,
                fd,
                0,
            )
        };
        if at != libc::MAP_FAILED {
            // SAFETY: advice about our own mapping: no part of it in core dumps, in huge pages,
            // or in forked children (which must not write into their parent's image), and nothing
            // read ahead of a file that is empty there.
            unsafe {
                libc::madvise(at, len, libc::MADV_RANDOM);
                libc::madvise(at, len, libc::MADV_DONTDUMP);
                libc::madvise(at, len, libc::MADV_NOHUGEPAGE);
                libc::madvise(at, len, libc::MADV_DONTFORK);
            }
            return Ok((at.cast(), len));
        }
    }
    Err(CreateError::Map(errno()))
}

/// For file systems without `fallocate`: writing is what reserves there.
fn write_zeros(fd: i32, offset: u64, len: u64) -> bool {
    static ZEROS: [u8; 4096] = [0; 4096];
    let mut at = offset;
    while at < offset + len {
        // SAFETY: the buffer is 4096 bytes long and every length here is a multiple of that.
        let n = unsafe { libc::pwrite(fd, ZEROS.as_ptr().cast(), ZEROS.len(), at as i64) };
        match n {
            1.. => at += n as u64,
            _ if n < 0 && errno() == libc::EINTR => {}
            _ => return false,
        }
    }
    true
}

/// What the system says about a descriptor.
fn status(fd: i32) -> Option<libc::stat> {
    let mut stat = core::mem::MaybeUninit::uninit();
    // SAFETY: `fstat` fills the place that is large enough when it succeeds.
    unsafe { (libc::fstat(fd, stat.as_mut_ptr()) == 0).then(|| stat.assume_init()) }
}

/// Puts `errno` back to what it was.
struct KeepErrno(i32);

impl KeepErrno {
    fn new() -> KeepErrno {
        KeepErrno(errno())
    }
}

impl Drop for KeepErrno {
    fn drop(&mut self) {
        // SAFETY: the C library's own place for the error of this thread.
        unsafe { *libc::__errno_location() = self.0 };
    }
}

fn errno() -> i32 {
    // SAFETY: the C library's own place for the error of this thread.
    unsafe { *libc::__errno_location() }
}
