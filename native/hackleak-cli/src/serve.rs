//! `hackleak serve`: one report after the other for the process that started this. That process is
//! spared a start, and the reading of the same symbols, for each of its checks.
//!
//! ```text
//! stdout   hackleak-serve 1\n                                  once, when it is ready
//! stdin    length        arguments of `report`, each ended by a zero byte
//! stdout   exit code     length of the report     length of the error     report     error
//! ```
//!
//! Numbers have four bytes, the highest first. It ends with its stdin, and with the process that
//! started it: a child of that one may hold the other end of stdin open.

use std::ffi::OsString;
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::process::parent_id;
use std::time::Duration;

use anyhow::{Context, bail};

use crate::{exit, output, report};

/// Reads the arguments of a request.
type Parse = fn(&[OsString]) -> anyhow::Result<report::Report>;

/// What is said first: the version of the protocol.
const READY: &[u8] = b"hackleak-serve 1\n";
/// The longest request.
const MAX_REQUEST: u32 = 1 << 24;
/// How often the parent is looked for.
const PARENT: Duration = Duration::from_secs(1);

/// Answers until stdin ends.
pub(crate) fn serve(parse: Parse) -> anyhow::Result<u8> {
    let parent = parent_id();
    std::thread::spawn(move || {
        while parent_id() == parent {
            std::thread::sleep(PARENT);
        }
        std::process::exit(exit::CLEAN.into());
    });
    hackleak_report::keep();
    let (mut from, mut to) = (io::stdin().lock(), io::stdout().lock());
    to.write_all(READY).and_then(|()| to.flush())?;
    while let Some(request) = request(&mut from)? {
        let (code, out, error) = answer(&request, parse);
        let mut frame = Vec::with_capacity(12 + out.len() + error.len());
        for number in [usize::from(code), out.len(), error.len()] {
            let number = u32::try_from(number).context("the report has more than 4 GiB")?;
            frame.extend_from_slice(&number.to_be_bytes());
        }
        frame.extend_from_slice(&out);
        frame.extend_from_slice(error.as_bytes());
        to.write_all(&frame).and_then(|()| to.flush())?;
    }
    Ok(exit::CLEAN)
}

/// The arguments of the next request; `None` at the end.
fn request(from: &mut impl Read) -> anyhow::Result<Option<Vec<OsString>>> {
    let mut length = [0; 4];
    match from.read_exact(&mut length) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    }
    let length = u32::from_be_bytes(length);
    if length > MAX_REQUEST {
        bail!("a request of {length} bytes");
    }
    let mut bytes = Vec::new();
    from.take(length.into()).read_to_end(&mut bytes)?;
    if bytes.len() != length as usize || bytes.last() != Some(&0) {
        bail!("a request that was cut off");
    }
    bytes.pop();
    let arguments = bytes.split(|byte| *byte == 0);
    Ok(Some(
        arguments
            .map(|argument| OsString::from_vec(argument.to_vec()))
            .collect(),
    ))
}

/// Exit code, stdout and stderr, as `hackleak report` would have them.
fn answer(arguments: &[OsString], parse: Parse) -> (u8, Vec<u8>, String) {
    let mut out = Vec::new();
    let mut print = |bytes: &[u8]| {
        out.extend_from_slice(bytes);
        Ok(())
    };
    let done = parse(arguments).and_then(|arguments| report::report_to(&arguments, &mut print));
    match done {
        Ok(code) => (code, out, String::new()),
        Err(error) => (exit::FAILED, out, output::sentence(&error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(bytes: &[u8]) -> Vec<u8> {
        let mut frame = (bytes.len() as u32).to_be_bytes().to_vec();
        frame.extend_from_slice(bytes);
        frame
    }

    #[test]
    fn requests_are_read_one_after_the_other() {
        let bytes = [framed(b"a\0--b=c\n\0"), framed(b"\0")].concat();
        let mut from = &bytes[..];
        let mut next = || request(&mut from).expect("a request");
        assert_eq!(next(), Some(vec!["a".into(), "--b=c\n".into()]));
        assert_eq!(next(), Some(vec![OsString::new()]));
        assert_eq!(next(), None);
    }

    #[test]
    fn a_request_that_was_cut_off_is_none() {
        let whole = framed(b"one\0");
        for length in 4..whole.len() {
            assert!(request(&mut &whole[..length]).is_err(), "{length}");
        }
        assert!(request(&mut &framed(b"one")[..]).is_err());
        assert!(request(&mut &u32::MAX.to_be_bytes()[..]).is_err());
    }

    #[test]
    fn what_is_no_report_is_refused() {
        let (code, out, error) = answer(&["/no/such.hackleak".into()], crate::report_arguments);
        assert_eq!((code, out), (exit::FAILED, Vec::new()));
        assert!(error.contains("/no/such.hackleak"), "{error}");
        let (code, _, error) = answer(&["--no-such-option".into()], crate::report_arguments);
        assert_eq!(code, exit::FAILED);
        assert!(error.contains("--no-such-option"), "{error}");
    }
}
