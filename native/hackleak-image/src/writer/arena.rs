//! An append-only array of one record type, in segments of the window.
//!
//! An index is handed out by one `fetch_add`; the segment it falls into is created by whoever
//! needs it first. Two threads may create the same segment at once: one installs its own, the
//! other's stays behind unused. That is rarer and cheaper than a lock that a signal handler
//! could find taken.

use super::sync::{self, AtomicPtr};
use super::window::{Reserve, Window};
use crate::layout::{Blob, SEGMENT_DATA_LEN, SEGMENT_HEADER_LEN, SegmentHeader, SegmentKind};
use core::marker::PhantomData;
use core::ptr;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

/// The most segments of one arena: 4 GiB of records.
const MAX_SEGMENTS: usize = 4096;

/// An append-only array of `T`.
pub struct Arena<T> {
    kind: SegmentKind,
    segments: [AtomicPtr<SegmentHeader>; MAX_SEGMENTS],
    record: PhantomData<fn(T)>,
}

impl<T> Arena<T> {
    const PER_SEGMENT: u64 = SEGMENT_DATA_LEN / size_of::<T>() as u64;

    pub(super) const fn new(kind: SegmentKind) -> Arena<T> {
        Arena {
            kind,
            segments: [const { AtomicPtr::new(ptr::null_mut()) }; MAX_SEGMENTS],
            record: PhantomData,
        }
    }

    /// Forgets all segments: they were the parent's of this process.
    pub(super) fn clear(&self) {
        for segment in &self.segments {
            if !segment.load(Relaxed).is_null() {
                segment.store(ptr::null_mut(), Relaxed);
            }
        }
    }

    fn position(&self) -> usize {
        self.kind.arena().unwrap_or(0)
    }

    /// The place of `index` if its segment exists; else null.
    #[inline(always)]
    pub fn get(&self, index: u32) -> *mut T {
        let index = index as u64;
        let Some(segment) = self.segments.get((index / Self::PER_SEGMENT) as usize) else {
            return ptr::null_mut();
        };
        let header = segment.load(Acquire);
        if header.is_null() {
            return ptr::null_mut();
        }
        // SAFETY: the segment's data follows its header, and the position is less than
        // `PER_SEGMENT`.
        unsafe {
            let data = header
                .cast::<u8>()
                .add(SEGMENT_HEADER_LEN as usize)
                .cast::<T>();
            data.add((index % Self::PER_SEGMENT) as usize)
        }
    }

    /// A copy of the record; `None` where its segment does not exist. One that is still being
    /// written, or whose words its thread counts up, is read as far as that has come: callers look
    /// at what is written last.
    #[inline(always)]
    pub fn read(&self, index: u32) -> Option<T>
    where
        T: Copy,
    {
        let place = self.get(index);
        // SAFETY: a place in a segment that exists, which is zero before it is written. Records are
        // plain words, every pattern of which is valid; that others may write them meanwhile is why
        // it is volatile.
        (!place.is_null()).then(|| unsafe { sync::read(place) })
    }

    #[cold]
    #[inline(never)]
    fn create(&self, window: &Window, segment: usize) -> bool {
        let Some(place) = self.segments.get(segment) else {
            return false;
        };
        if !place.load(Acquire).is_null() {
            return true;
        }
        let header = window.segment(segment as u64, Reserve::Whole);
        if header.is_null() {
            return false;
        }
        if place
            .compare_exchange(ptr::null_mut(), header, Release, Relaxed)
            .is_ok()
        {
            Window::publish(header, self.kind);
        }
        true
    }

    /// Reserves the next `count` indices without writing their records, and gives the first; `None`
    /// when the arena is full.
    #[inline]
    pub fn reserve(&self, window: &Window, count: u32) -> Option<u32> {
        let count = u64::from(count);
        let first = window.length(self.position()).fetch_add(count, Relaxed);
        let last = first + count - 1;
        if last >= u32::MAX as u64 {
            return None;
        }
        for segment in first / Self::PER_SEGMENT..=last / Self::PER_SEGMENT {
            let start = segment * Self::PER_SEGMENT;
            if self.get(start as u32).is_null() && !self.create(window, segment as usize) {
                return None;
            }
        }
        Some(first as u32)
    }

    /// Appends a record; `None` when the arena is full.
    pub fn push(&self, window: &Window, record: T) -> Option<u32> {
        let index = self.reserve(window, 1)?;
        let place = self.get(index);
        if place.is_null() {
            return None;
        }
        // SAFETY: the index was handed out to this call alone, and its segment exists.
        unsafe { sync::write(place, record) };
        Some(index)
    }

    /// Records handed out so far.
    pub fn len(&self, window: &Window) -> u32 {
        window
            .length(self.position())
            .load(Acquire)
            .min(u32::MAX as u64) as u32
    }
}

impl Arena<u8> {
    /// Appends a run of bytes that lies in one segment; the empty blob when the arena is full.
    pub(super) fn push_bytes(&self, window: &Window, bytes: &[u8]) -> Blob {
        let bytes = &bytes[..bytes.len().min(SEGMENT_DATA_LEN as usize - 1)];
        let need = bytes.len() as u64;
        let length = window.length(self.position());
        let mut at = length.load(Relaxed);
        let start = loop {
            let left = SEGMENT_DATA_LEN - at % SEGMENT_DATA_LEN;
            let start = if need > left { at + left } else { at };
            if bytes.is_empty() || start + need > u32::MAX as u64 {
                return Blob::default();
            }
            match length.compare_exchange_weak(at, start + need, Relaxed, Relaxed) {
                Ok(_) => break start as u32,
                Err(now) => at = now,
            }
        };
        if !self.create(window, (start as u64 / SEGMENT_DATA_LEN) as usize) {
            return Blob::default();
        }
        // SAFETY: the run was handed out to this call alone and lies within one segment.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), self.get(start), bytes.len()) };
        Blob::new(start, need as u32)
    }
}
