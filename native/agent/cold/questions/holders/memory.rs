//! This process's memory, word by word and run by run; others may free it meanwhile (see [`Peek`]).

use super::Stop;
use super::table::Table;
use core::cell::RefCell;
use core::ops::Range;
use hackleak_platform::peek::{Peek, bytes_mut};
use std::fs::File;
use std::os::unix::fs::FileExt;

/// Bytes of a word; pointers lie at multiples of it.
pub const WORD: usize = 8;
/// The shortest page that there is.
const SHORTEST_PAGE: usize = 4096;
/// Bytes that are copied at a time.
const RUN: usize = 256 << 10;
/// Ranges of at least this length are asked which of their pages are there at all.
const LARGE: usize = 1 << 20;
/// Bits of an entry in `/proc/self/pagemap`: in memory, or on the swap device.
const PRESENT: u64 = 1 << 63 | 1 << 62;

/// Copies memory run by run.
pub struct Memory {
    buffer: RefCell<Table<u64>>,
    pagemap: Option<File>,
    peek: Peek,
}

impl Memory {
    pub fn new() -> Result<Memory, Stop> {
        Ok(Memory {
            buffer: RefCell::new(Table::filled(RUN / WORD, 0)?),
            pagemap: File::open("/proc/self/pagemap").ok(),
            peek: Peek::new().ok_or(Stop::NotReadable)?,
        })
    }

    /// Copies words from `at` on and gives the number that could be read.
    fn copy(&self, at: usize, into: &mut [u64]) -> usize {
        self.peek.bytes(at, bytes_mut(into)) / WORD
    }

    /// The word at `at`; `None` where nothing is mapped.
    pub fn word(&self, at: usize) -> Option<u64> {
        self.peek.value(at)
    }

    /// Calls `each` with runs of words and the address of the first word of each. What cannot be
    /// read, and pages that were never touched, are left out. Not to be nested.
    pub fn runs(&self, range: Range<usize>, mut each: impl FnMut(usize, &[u64])) {
        let range = range.start.next_multiple_of(WORD)..range.end & !(WORD - 1);
        if range.len() < LARGE || self.pagemap.is_none() {
            self.copied(range, &mut each);
            return;
        }
        let page_len = crate::arch::page_size();
        let mut at = range.start;
        let mut present = [0u64; RUN / SHORTEST_PAGE];
        while at < range.end {
            let end = ((at & !(page_len - 1)) + RUN).min(range.end);
            let pages = (end - (at & !(page_len - 1))).div_ceil(page_len);
            let known = self.pages(at / page_len, &mut present[..pages]);
            let mut page = 0;
            while page < pages {
                let first = page;
                while page < pages && (!known || present[page] & PRESENT != 0) {
                    page += 1;
                }
                let start = (at & !(page_len - 1)) + first * page_len;
                let stop = (at & !(page_len - 1)) + page * page_len;
                self.copied(start.max(at)..stop.min(end), &mut each);
                page += 1;
            }
            at = end;
        }
    }

    fn pages(&self, first: usize, into: &mut [u64]) -> bool {
        let place = (first * WORD) as u64;
        let file = self.pagemap.as_ref();
        file.is_some_and(|file| file.read_exact_at(bytes_mut(into), place).is_ok())
    }

    fn copied(&self, range: Range<usize>, each: &mut impl FnMut(usize, &[u64])) {
        let Ok(mut buffer) = self.buffer.try_borrow_mut() else {
            return;
        };
        let mut at = range.start;
        while at < range.end {
            let wanted = ((range.end - at) / WORD).min(buffer.len());
            let words = self.copy(at, &mut buffer[..wanted]);
            if words > 0 {
                each(at, &buffer[..words]);
            }
            at += words * WORD;
            if words < wanted {
                at = (at & !(SHORTEST_PAGE - 1)) + SHORTEST_PAGE;
            }
        }
    }
}

/// This process's memory, for tests.
#[cfg(test)]
pub fn own() -> Memory {
    Memory::new().unwrap_or_else(|_| panic!("a process can read its memory"))
}
