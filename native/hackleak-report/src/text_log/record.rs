//! What one line of a log says.

use memchr::memmem;

/// Bytes of a thread's name.
const MOST_THREAD: usize = 64;

/// What a line says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Record<'a> {
    Malloc {
        address: u64,
        size: u64,
        thread: &'a [u8],
    },
    Free {
        address: u64,
    },
    Trace {
        index: u64,
        frame: &'a [u8],
        thread: &'a [u8],
    },
    /// A process begins.
    Start {
        pid: u32,
        exe: &'a [u8],
    },
    /// A process came to its end.
    End {
        pid: u32,
    },
    /// The next free is of this process.
    By {
        pid: u32,
    },
    /// It begins as a record does, and is none.
    Damaged,
    /// Other output.
    Other,
}

/// Reads a line. Other output that does not end its line may stand before a record.
pub(super) fn parse(line: &[u8]) -> Record<'_> {
    match at_start(line) {
        Record::Damaged | Record::Other => {}
        record => return record,
    }
    // A record that another one was written into is lost; the other may be whole.
    let last = [&b"TRACK\t"[..], b"TRACE\t"]
        .iter()
        .filter_map(|tag| memmem::rfind(line, tag))
        .max();
    match last {
        None if line.starts_with(b"HACKLEAK\t") => Record::Damaged,
        None => Record::Other,
        Some(0) => Record::Damaged,
        Some(at) => match at_start(&line[at..]) {
            Record::Other => Record::Damaged,
            record => record,
        },
    }
}

fn at_start(line: &[u8]) -> Record<'_> {
    let mut fields = line.split(|byte| *byte == b'\t');
    let record = match fields.next() {
        Some(b"TRACK") => track(&mut fields),
        Some(b"TRACE") => trace(&mut fields),
        Some(b"HACKLEAK") => remark(&mut fields),
        _ => return Record::Other,
    };
    match record {
        Some(record) if fields.next().is_none() => record,
        _ => Record::Damaged,
    }
}

fn track<'a>(fields: &mut impl Iterator<Item = &'a [u8]>) -> Option<Record<'a>> {
    let address = address(fields.next()?)?;
    match fields.next()? {
        b"MALLOC" => {
            let size = number(fields.next()?)?;
            let thread = thread(fields.next()?)?;
            Some(Record::Malloc {
                address,
                size,
                thread,
            })
        }
        b"FREE" => Some(Record::Free { address }),
        _ => None,
    }
}

fn trace<'a>(fields: &mut impl Iterator<Item = &'a [u8]>) -> Option<Record<'a>> {
    Some(Record::Trace {
        index: number(fields.next()?)?,
        frame: fields.next()?,
        thread: thread(fields.next()?)?,
    })
}

fn remark<'a>(fields: &mut impl Iterator<Item = &'a [u8]>) -> Option<Record<'a>> {
    let what = fields.next()?;
    let who = fields.next()?;
    let pid = || u32::try_from(number(who)?).ok();
    match what {
        b"START" => Some(Record::Start {
            pid: pid()?,
            exe: fields.next()?,
        }),
        b"END" => Some(Record::End { pid: pid()? }),
        b"BY" => Some(Record::By {
            pid: process_of(who)?,
        }),
        _ => None,
    }
}

/// A thread's name, which is a number or two. Whether its end is missing cannot be told.
fn thread(text: &[u8]) -> Option<&[u8]> {
    (text.len() <= MOST_THREAD).then_some(text)
}

/// The process in a thread's name `PID:TID`; `None` in other names.
pub(super) fn process_of(thread: &[u8]) -> Option<u32> {
    let colon = memchr::memchr(b':', thread)?;
    number(&thread[colon + 1..])?;
    u32::try_from(number(&thread[..colon])?)
        .ok()
        .filter(|pid| *pid != 0)
}

/// `0x` and hexadecimal digits, as `%p` prints a pointer.
fn address(text: &[u8]) -> Option<u64> {
    let digits = text.strip_prefix(b"0x").unwrap_or(text);
    if digits.is_empty() || digits.len() > 16 {
        return None;
    }
    digits.iter().try_fold(0, |sum: u64, digit| {
        let value = char::from(*digit).to_digit(16)?;
        Some(sum << 4 | u64::from(value))
    })
}

fn number(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0, |sum: u64, digit| {
        let value = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        sum.checked_mul(10)?.checked_add(value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_line_is_read() {
        let malloc = Record::Malloc {
            address: 0x7f10,
            size: 42,
            thread: b"9:10",
        };
        assert_eq!(parse(b"TRACK\t0x7f10\tMALLOC\t42\t9:10"), malloc);
        assert_eq!(
            parse(b"no line end TRACK\t0x7f10\tMALLOC\t42\t9:10"),
            malloc
        );
        assert_eq!(parse(b"TRACK\t0x1TRACK\t0x7f10\tMALLOC\t42\t9:10"), malloc);
        assert_eq!(
            parse(b"TRACK\t0x7f10\tFREE"),
            Record::Free { address: 0x7f10 }
        );
        assert_eq!(
            parse(b"TRACE\t3\tlib.so(+0x1) [0x2]\t140737"),
            Record::Trace {
                index: 3,
                frame: b"lib.so(+0x1) [0x2]",
                thread: b"140737"
            }
        );
        assert_eq!(parse(b"HACKLEAK\tBY\t7:8"), Record::By { pid: 7 });
        assert_eq!(parse(b"HACKLEAK\tEND\t7"), Record::End { pid: 7 });
    }

    #[test]
    fn what_is_no_record_is_told_from_a_damaged_one() {
        for (line, record) in [
            (&b""[..], Record::Other),
            (b"[INFO] Tests run: 3", Record::Other),
            (b"TRACKER\t1", Record::Other),
            (b"TRACK\t", Record::Damaged),
            (b"TRACK\t0x\tFREE", Record::Damaged),
            (b"TRACK\t0x1\tFRE", Record::Damaged),
            (b"TRACK\t0x1\tFREE\tmore", Record::Damaged),
            (b"TRACK\t0x11111111111111111\tFREE", Record::Damaged),
            (b"TRACK\t0x1\tMALLOC\t-1\t1", Record::Damaged),
            (
                b"TRACK\t0x1\tMALLOC\t99999999999999999999\t1",
                Record::Damaged,
            ),
            (b"TRACK\t0x1\tMALLOC\t7", Record::Damaged),
            (b"HACKLEAK\tBY\t7", Record::Damaged),
            (b"HACKLEAK\tSTART\t4294967296\tx", Record::Damaged),
        ] {
            assert_eq!(parse(line), record, "{}", String::from_utf8_lossy(line));
        }
    }
}
