//! A log, line by line, in bounded memory.

use std::io::{self, ErrorKind, Read};

use memchr::memchr;

/// The buffer, and so the longest line that is read whole, in bytes.
const BUFFER: usize = 1 << 18;

/// One line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line<'a> {
    /// Without its end (`\n` or `\r\n`).
    pub(super) text: &'a [u8],
    /// It was longer than the buffer, or the log ends without a line end.
    pub(super) cut: bool,
}

/// The lines of a log.
pub(super) struct Lines<R> {
    log: R,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    ended: bool,
    /// The rest of a line that was too long is skipped.
    skipping: bool,
    bytes: u64,
}

impl<R: Read> Lines<R> {
    pub(super) fn new(log: R) -> Lines<R> {
        Lines {
            log,
            buffer: vec![0; BUFFER].into(),
            start: 0,
            end: 0,
            ended: false,
            skipping: false,
            bytes: 0,
        }
    }

    /// Bytes read so far.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The next line; `None` at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        let mut searched = 0;
        loop {
            let found = memchr(b'\n', &self.buffer[self.start + searched..self.end]);
            if let Some(length) = found {
                let line = self.start..self.start + searched + length;
                self.start = line.end + 1;
                if std::mem::take(&mut self.skipping) {
                    searched = 0;
                    continue;
                }
                let text = &self.buffer[line];
                let text = text.strip_suffix(b"\r").unwrap_or(text);
                return Ok(Some(Line { text, cut: false }));
            }
            searched = self.end - self.start;
            if self.ended {
                let line = self.start..self.end;
                self.start = self.end;
                let nothing = line.is_empty() || std::mem::take(&mut self.skipping);
                return Ok((!nothing).then(|| Line {
                    text: &self.buffer[line],
                    cut: true,
                }));
            }
            if searched == self.buffer.len() {
                self.start = self.end;
                if !std::mem::replace(&mut self.skipping, true) {
                    return Ok(Some(Line {
                        text: &self.buffer,
                        cut: true,
                    }));
                }
                searched = 0;
            }
            self.fill()?;
        }
    }

    /// Moves what is left to the front and reads more behind it.
    fn fill(&mut self) -> io::Result<()> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        loop {
            match self.log.read(&mut self.buffer[self.end..]) {
                Ok(0) => self.ended = true,
                Ok(count) => {
                    self.end += count;
                    self.bytes += count as u64;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            }
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(log: &[u8]) -> Vec<(usize, bool)> {
        let mut lines = Lines::new(log);
        let mut found = Vec::new();
        while let Some(line) = lines.next().expect("memory can be read") {
            found.push((line.text.len(), line.cut));
        }
        assert_eq!(lines.bytes(), log.len() as u64);
        found
    }

    #[test]
    fn ends_are_taken_off_and_a_missing_one_is_said() {
        assert_eq!(lines(b""), []);
        assert_eq!(lines(b"a\r\n\nbc\n"), [(1, false), (0, false), (2, false)]);
        assert_eq!(lines(b"a\nbcd"), [(1, false), (3, true)]);
    }

    #[test]
    fn a_line_without_end_takes_no_more_than_the_buffer() {
        let mut log = vec![b'x'; 3 * BUFFER + 5];
        log.extend(b"\nshort\n");
        assert_eq!(lines(&log), [(BUFFER, true), (5, false)]);
        log.truncate(3 * BUFFER);
        assert_eq!(lines(&log), [(BUFFER, true)]);
        let mut log = vec![b'x'; BUFFER];
        log.extend(b"\nshort");
        assert_eq!(lines(&log), [(BUFFER, true), (5, true)]);
    }
}
