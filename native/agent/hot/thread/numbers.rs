//! The thread's numbers: its record in the image, and what each allocation and free adds to it.

use super::{ThreadState, own_tid};
use crate::IMAGE;
use crate::hot::events::timeline;
use crate::hot::ground::boundary;
use hackleak_image::layout::{self, Counter};

impl ThreadState {
    pub(super) fn register(&mut self) {
        // SAFETY: zero is a valid thread record.
        let mut record: layout::Thread = unsafe { core::mem::zeroed() };
        record.tid = own_tid();
        record.running = 1;
        record.name = thread_name();
        self.record = &raw mut self.spare_record;
        self.record_index = 0;
        self.spare_record = record;
        self.next_look = timeline::TRAFFIC;
        self.next_look_freed = timeline::TRAFFIC;
        match IMAGE.threads.push(IMAGE.window(), record) {
            Some(index) => {
                self.record = IMAGE.threads.get(index);
                self.record_index = index;
            }
            None => IMAGE.count(Counter::ThreadsFull),
        }
    }

    /// The thread's numbers in the image.
    #[inline(always)]
    pub fn record(&mut self) -> &mut layout::Thread {
        // SAFETY: points at this thread's record in the image, which only it writes, or at the
        // spare one; set when the state was made.
        unsafe { &mut *self.record }
    }

    /// Adds an allocation to the thread's numbers.
    #[inline(always)]
    pub fn count_allocation(&mut self, bytes: u64) {
        let record = self.record();
        record.allocations += 1;
        record.bytes += bytes;
        if record.bytes >= self.next_look {
            self.look_at_timeline();
        }
    }

    /// Adds the free of a recorded block to the thread's numbers.
    #[inline(always)]
    pub fn count_free(&mut self, bytes: u64) {
        let record = self.record();
        record.frees += 1;
        record.freed_bytes += bytes;
        if record.freed_bytes >= self.next_look_freed {
            self.look_at_timeline();
        }
    }

    #[cold]
    #[inline(never)]
    fn look_at_timeline(&mut self) {
        let (bytes, freed_bytes) = (self.record().bytes, self.record().freed_bytes);
        self.next_look = bytes.saturating_add(timeline::TRAFFIC);
        self.next_look_freed = freed_bytes.saturating_add(timeline::TRAFFIC);
        boundary::guarded(|| self.on_own_stack(|_| timeline::traffic()));
    }

    /// Whether the thread has a record in the image, and no other thread its index.
    pub fn has_record(&self) -> bool {
        !core::ptr::eq(self.record, &self.spare_record)
    }

    /// The thread's index in the image.
    pub fn index(&self) -> u32 {
        self.record_index
    }
}

pub(super) fn thread_name() -> [u8; 16] {
    let mut name = [0u8; 16];
    // SAFETY: the kernel writes at most sixteen bytes.
    unsafe { libc::prctl(libc::PR_GET_NAME, name.as_mut_ptr()) };
    name
}
