//! The file and the window through which it is written.
//!
//! What is difficult: a store to a mapped page whose block the file system cannot supply is a
//! SIGBUS. So a segment's blocks are reserved (`fallocate`) before its first byte is touched. When
//! that fails, anonymous memory covers the segment's place in the window: the process goes on
//! recording, and the header says that the file is not the whole truth, and why.
//!
//! The window is one mapping, far longer than the file: pages beyond the end of the file cost
//! nothing until the file grows under them. However many segments there are, the process has one
//! mapping more. Where address space is limited (`space`), it grows with its segments.
//!
//! A forked child has no part of the window (`MADV_DONTFORK`). Only the header's page is mapped a
//! second time (`ledger`), for one word that children may count up: those of them that could not be
//! recorded.
//!
//! A program may close descriptors that it did not open, and have a file of its own under their
//! numbers (daemons do). So the file is known by its device and number before it is grown, and
//! opened again by its path when it is another one.

mod pages;
mod reserve;

use super::create_error::CreateError;
use super::file::{KeepErrno, errno, lock, status};
use super::ledger::Ledger;
use super::quiet;
use super::{space, sync};
use crate::layout::{
    Counter, HEADER_LEN, Header, SEGMENT_MAGIC, SEGMENT_STRIDE, SegmentHeader, SegmentKind, flags,
};
use core::ffi::{CStr, c_char};
use core::ptr;
use core::sync::atomic::{
    AtomicBool, AtomicI32, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize,
    Ordering::{Acquire, Relaxed, Release, SeqCst},
};

#[repr(C, align(4096))]
struct Page(core::cell::UnsafeCell<[u8; HEADER_LEN as usize]>);
// SAFETY: the bytes are only accessed through atomics of the header (`epoch`, `flags`, counters).
unsafe impl Sync for Page {}

/// Stands in for the header until the file is open, so that its words can always be read.
static CLOSED: Page = Page(core::cell::UnsafeCell::new([0; HEADER_LEN as usize]));

/// What is reserved of a segment at first.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reserve {
    /// All of it.
    Whole,
    /// Its header, where the rest can come by and by.
    Pieces,
}

/// The mapping of the image file, and the only source of segments.
pub struct Window {
    base: AtomicPtr<u8>,
    len: AtomicUsize,
    /// What of it was mapped at its start; the segments beyond are, each when it is made.
    mapped: AtomicUsize,
    fd: AtomicI32,
    /// The file behind the descriptor.
    device: AtomicU64,
    inode: AtomicU64,
    /// A string that lives as long as the process.
    path: AtomicPtr<c_char>,
    /// Once the file could not grow, it is not tried again.
    memory_only: AtomicBool,
    /// The file may not even be looked at any more.
    forbidden: AtomicBool,
    /// What of the window has memory in its place since then.
    covered_from: AtomicUsize,
    covered_to: AtomicUsize,
    /// What `len` was at first.
    longest: AtomicUsize,
    /// A thread changes how far it is mapped.
    is_resized: AtomicBool,
    /// Whether pages may be reserved one at a time: see `pages`.
    thrift: AtomicU32,
    /// The header's page, where children of this process find it too; null when there is none.
    ledger: AtomicPtr<Header>,
    /// Stands in for the limit of the process.
    #[cfg(test)]
    file_limit: AtomicU64,
}

impl Window {
    pub(super) const fn new() -> Window {
        Window {
            base: AtomicPtr::new(ptr::null_mut()),
            len: AtomicUsize::new(0),
            mapped: AtomicUsize::new(0),
            fd: AtomicI32::new(-1),
            device: AtomicU64::new(0),
            inode: AtomicU64::new(0),
            path: AtomicPtr::new(ptr::null_mut()),
            memory_only: AtomicBool::new(false),
            forbidden: AtomicBool::new(false),
            covered_from: AtomicUsize::new(0),
            covered_to: AtomicUsize::new(0),
            longest: AtomicUsize::new(0),
            is_resized: AtomicBool::new(false),
            thrift: AtomicU32::new(0),
            ledger: AtomicPtr::new(ptr::null_mut()),
            #[cfg(test)]
            file_limit: AtomicU64::new(u64::MAX),
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

    fn segments(&self) -> &sync::AtomicU64 {
        // SAFETY: as for `counter`.
        unsafe { sync::AtomicU64::from_ptr(&raw mut (*self.header()).segments) }
    }

    /// Segments handed out so far.
    pub fn segment_count(&self) -> u64 {
        let most = (self.len.load(Relaxed) as u64).saturating_sub(HEADER_LEN) / SEGMENT_STRIDE;
        self.segments().load(Acquire).min(most)
    }

    pub(super) fn length(&self, arena: usize) -> &sync::AtomicU64 {
        // SAFETY: as for `counter`; `arena` is a position in `SegmentKind::ARENAS`.
        unsafe { sync::AtomicU64::from_ptr(&raw mut (*self.header()).lengths[arena]) }
    }

    pub(super) fn create(&self, path: &'static CStr) -> Result<(), CreateError> {
        let flags = libc::O_RDWR | libc::O_CREAT | libc::O_EXCL | libc::O_CLOEXEC;
        // SAFETY: a path that ends in a zero byte.
        let fd = unsafe { quiet::open(path.as_ptr(), flags) };
        if fd < 0 {
            return Err(CreateError::Open(errno()));
        }
        // SAFETY: opened above.
        let fd = unsafe { quiet::move_up(fd) };
        if let Some(stat) = status(fd) {
            self.device.store(stat.st_dev, Relaxed);
            self.inode.store(stat.st_ino, Relaxed);
        }
        lock(fd);
        self.path.store(path.as_ptr().cast_mut(), Relaxed);
        self.fd.store(fd, Relaxed);
        let opened = match self.reserve(0, HEADER_LEN) {
            Err(shortage) => Err(CreateError::Write(shortage)),
            Ok(()) => space::map_window(fd),
        };
        let window = opened.inspect_err(|_| {
            self.fd.store(-1, Relaxed);
            // SAFETY: opened above, and of no use.
            unsafe { quiet::close(fd) };
        })?;
        self.ledger.store(Ledger::map(fd).0, Relaxed);
        self.len.store(window.len, Relaxed);
        self.longest.store(window.len, Relaxed);
        self.mapped.store(window.mapped, Relaxed);
        self.base.store(window.base, Release);
        Ok(())
    }

    /// In a forked child, which has no part of the window: forgets the parent's file, and hands out
    /// what is left of it. `create` may be called again.
    ///
    /// # Safety
    ///
    /// Nobody uses the window.
    pub(super) unsafe fn leave(&self) -> Ledger {
        self.base.store(ptr::null_mut(), Relaxed);
        self.len.store(0, Relaxed);
        self.memory_only.store(false, Relaxed);
        // Another thread of the parent's may have been at it.
        self.is_resized.store(false, Relaxed);
        let fd = self.fd.swap(-1, Relaxed);
        if status(fd).is_some_and(|stat| self.is_ours(&stat)) {
            // SAFETY: this child's copy of the descriptor that `create` opened.
            unsafe { quiet::close(fd) };
        }
        Ledger(self.ledger.swap(ptr::null_mut(), Relaxed))
    }

    /// In a forked child, which has no part of the window: does `read` while it has one at another
    /// place, to read from; `None` if parts of the image are in the parent's memory alone.
    ///
    /// # Safety
    ///
    /// Nobody else uses the window.
    pub unsafe fn read_parents<R>(&self, read: impl FnOnce() -> R) -> Option<R> {
        let fd = self.descriptor()?;
        // The file may grow meanwhile. Segments beyond the window were mapped one by one.
        let len = self.mapped.load(Relaxed);
        let window = space::map_to_read(fd, len)?;
        let base = self.base.swap(window, Relaxed);
        // SAFETY: the header's page is mapped; the word may change meanwhile.
        let bits = unsafe { (&raw const (*self.header()).flags).read_volatile() };
        let end = HEADER_LEN + self.segment_count() * SEGMENT_STRIDE;
        let is_whole = bits & flags::MEMORY_ONLY == 0 && end <= len as u64;
        let found = is_whole.then(read);
        self.base.store(base, Relaxed);
        // SAFETY: mapped above; what `read` gives has nothing of it.
        unsafe { libc::munmap(window.cast(), len) };
        found
    }

    /// What forked children find of the image.
    pub fn ledger(&self) -> Ledger {
        Ledger(self.ledger.load(Relaxed))
    }

    /// Takes over the parent's ledger: this process could not be recorded, nor could children of
    /// its own.
    pub(super) fn keep_ledger(&self, ledger: Ledger) {
        self.ledger.store(ledger.0, Relaxed);
    }

    /// The image's path; empty before there is one.
    pub fn path(&self) -> &'static CStr {
        let path = self.path.load(Relaxed);
        if path.is_null() || !self.is_open() {
            return c"";
        }
        // SAFETY: a string that ends in a zero byte and lives as long as the process.
        unsafe { CStr::from_ptr(path) }
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
        let path = self.path.load(Relaxed);
        // SAFETY: a path that ends in a zero byte.
        let new = unsafe {
            // A daemon that closes all it has goes on to open its standard input and output.
            quiet::move_up(quiet::open(path, libc::O_RDWR | libc::O_CLOEXEC))
        };
        if !status(new).is_some_and(|stat| self.is_ours(&stat)) {
            if new >= 0 {
                // SAFETY: opened here, and of no use.
                unsafe { quiet::close(new) };
            }
            return None;
        }
        self.fd.store(new, Relaxed);
        Some(new)
    }

    /// A new segment, zeroed, or null when neither the file nor memory can supply it. It is not
    /// part of the image until it is published.
    #[cold]
    pub(super) fn segment(&self, base: u64, reserve: Reserve) -> *mut SegmentHeader {
        let window = self.base.load(Acquire);
        let len = self.len.load(Relaxed) as u64;
        if window.is_null() {
            return ptr::null_mut();
        }
        // `malloc` may not change `errno` when it succeeds.
        let _errno = KeepErrno::new();
        let place = |index: u64| HEADER_LEN.saturating_add(index.saturating_mul(SEGMENT_STRIDE));
        let fits = |index: u64| place(index).saturating_add(SEGMENT_STRIDE) <= len;
        // A segment beyond the window is not one that the file lacks: it is not counted.
        let taken = self
            .segments()
            .fetch_update(SeqCst, Relaxed, |index| fits(index).then_some(index + 1));
        let Ok(index) = taken else {
            return ptr::null_mut();
        };
        let offset = place(index);
        if !self.is_mapped(window, offset) {
            self.end_at(offset);
            return ptr::null_mut();
        }
        // SAFETY: `offset` lies within the window.
        let at = unsafe { window.add(offset as usize) };
        let in_pieces = reserve == Reserve::Pieces && self.has_first_pieces(at, offset);
        if !in_pieces && !self.is_reserved(offset, SEGMENT_STRIDE) {
            // Its index was handed out to this call alone: nobody uses it yet.
            if !self.is_covered(offset)
                && (self.forbidden.load(Relaxed)
                    || !space::cover(at.cast(), SEGMENT_STRIDE as usize))
            {
                return ptr::null_mut();
            }
            self.counter(Counter::SegmentsInMemory)
                .fetch_add(1, Relaxed);
        }
        let header: *mut SegmentHeader = at.cast();
        // SAFETY: the page is backed now and belongs to this call.
        unsafe {
            (*header).magic = SEGMENT_MAGIC;
            (*header).base = base;
            (*header).is_whole = u32::from(!in_pieces);
        }
        header
    }

    /// Whether the window has the segment at `offset`, which was handed out to this call alone, now
    /// that it is needed.
    fn is_mapped(&self, window: *mut u8, offset: u64) -> bool {
        let len = SEGMENT_STRIDE as usize;
        offset + SEGMENT_STRIDE <= self.mapped.load(Relaxed) as u64
            || self.is_allowed()
                && self
                    .descriptor()
                    .is_some_and(|fd| space::map_piece(fd, window, offset, len).is_ok())
    }

    /// The window becomes no longer than this: there is no address space for the segment at
    /// `offset`. A reader, which finds it counted, finds it made and not used.
    fn end_at(&self, offset: u64) {
        self.len.fetch_min(offset as usize, Relaxed);
        if self.is_reserved(offset, SEGMENT_STRIDE)
            && let Some(fd) = self.descriptor()
        {
            // SAFETY: the image's descriptor; the place in the file is this call's alone.
            unsafe { quiet::write_at(fd, &SEGMENT_MAGIC.to_ne_bytes(), offset) };
        }
    }

    /// Makes a segment part of the image. Of two threads that made the same one, only the one
    /// whose segment is used calls this; a reader skips the other.
    pub(super) fn publish(header: *mut SegmentHeader, kind: SegmentKind) {
        // SAFETY: a segment of this window, which stays mapped.
        unsafe { sync::AtomicU32::from_ptr(&raw mut (*header).kind) }.store(kind as u32, Release);
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
        let kind = unsafe { sync::AtomicU32::from_ptr(&raw mut (*header).kind) }.load(Acquire);
        Some((header, SegmentKind::from_number(kind)?))
    }

    /// A segment whose index was handed out may not be backed yet, or not mapped: reading it would
    /// be a signal.
    fn is_backed(&self, header: *mut SegmentHeader, offset: u64) -> bool {
        if self.forbidden.load(Relaxed) {
            return false;
        }
        let stat = status(self.fd.load(Relaxed)).filter(|stat| self.is_ours(stat));
        let is_mapped = offset + SEGMENT_STRIDE <= self.mapped.load(Relaxed) as u64;
        let has = |stat: libc::stat| offset + SEGMENT_STRIDE <= stat.st_size as u64;
        if is_mapped && stat.is_some_and(has) {
            return true;
        }
        space::can_be_read(header.cast())
    }
}
