//! The lines of the log before they are written: a buffer on the stack, filled without allocating.

use super::Log;
use super::descriptor::write;
use core::mem::MaybeUninit;

/// What a pipe takes in one piece (`PIPE_BUF` on Linux).
const BATCH: usize = 4096;

/// Lines on their way to the log; only whole ones are written.
pub(super) struct Lines<'a> {
    log: &'a Log,
    bytes: [MaybeUninit<u8>; BATCH],
    /// Bytes that are filled.
    len: usize,
    /// Bytes of whole lines.
    whole: usize,
}

impl<'a> Lines<'a> {
    pub(super) fn new(log: &'a Log) -> Lines<'a> {
        let mut lines = Lines {
            log,
            bytes: [const { MaybeUninit::uninit() }; BATCH],
            len: 0,
            whole: 0,
        };
        lines.begin();
        lines
    }

    /// Begins a batch. One after other output begins with a line end of its own.
    fn begin(&mut self) {
        self.len = 0;
        if self.log.mixed {
            self.bytes[0].write(b'\n');
            self.len = 1;
        }
        self.whole = self.len;
    }

    /// Adds to the line. One that is longer than a batch is cut; its end still fits.
    pub(super) fn put(&mut self, text: &[u8]) {
        for byte in text {
            if self.len == BATCH - 1 && !self.make_room() {
                return;
            }
            self.bytes[self.len].write(*byte);
            self.len += 1;
        }
    }

    /// Adds what comes from elsewhere: it must not begin a field or a line.
    pub(super) fn text(&mut self, text: &[u8]) {
        for byte in text {
            self.put(&[if byte.is_ascii_control() { b'?' } else { *byte }]);
        }
    }

    /// Writes the whole lines and moves the unfinished one to the front.
    fn make_room(&mut self) -> bool {
        let start = usize::from(self.log.mixed);
        if self.whole <= start {
            return false;
        }
        let (from, to) = (self.whole, self.len);
        write(self.log, self.filled(from));
        self.begin();
        self.bytes.copy_within(from..to, self.len);
        self.len += to - from;
        true
    }

    /// Ends the line.
    pub(super) fn end(&mut self) {
        self.bytes[self.len].write(b'\n');
        self.len += 1;
        self.whole = self.len;
        if self.len == BATCH {
            self.flush();
        }
    }

    /// Ends the line with the thread.
    pub(super) fn by(&mut self, thread: u32) {
        self.put(b"\t");
        self.decimal(u64::from(self.log.pid()));
        self.put(b":");
        self.decimal(u64::from(thread));
        self.end();
    }

    pub(super) fn decimal(&mut self, number: u64) {
        self.number(number, 10);
    }

    pub(super) fn hexadecimal(&mut self, number: u64) {
        self.put(b"0x");
        self.number(number, 16);
    }

    fn number(&mut self, mut number: u64, base: u64) {
        let mut digits = [0; 20];
        let mut at = digits.len();
        loop {
            at -= 1;
            digits[at] = b"0123456789abcdef"[(number % base) as usize];
            number /= base;
            if number == 0 {
                break;
            }
        }
        self.put(&digits[at..]);
    }

    pub(super) fn flush(&mut self) {
        if self.whole > usize::from(self.log.mixed) {
            write(self.log, self.filled(self.whole));
        }
        self.begin();
    }

    fn filled(&self, len: usize) -> &[u8] {
        // SAFETY: the first `self.len` bytes were written, and `len` is at most that.
        unsafe { core::slice::from_raw_parts(self.bytes.as_ptr().cast(), len) }
    }
}
