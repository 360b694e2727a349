//! The frames of TRACE lines, with names, files and lines as far as the modules still have them.
//!
//! A native frame is as `backtrace_symbols` of glibc writes it: `PATH(+0xOFFSET) [0xADDRESS]`, or
//! `PATH(SYMBOL+0xOFFSET) [0xADDRESS]` where the dynamic symbol table has a name. A Java frame is
//! as Java prints it. A log has no build-ids, so names come from the files as they are now.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use super::model::LogSite;
use super::stacks::Stacks;
use crate::demangle::demangled;
use crate::model::{Frame, JavaFrame, NativeFrame};
use crate::symbolise::native;

/// What a frame's text says.
#[derive(Debug, PartialEq, Eq)]
enum Parsed {
    /// A return address as the module's file counts addresses.
    Offset(String, u64),
    /// The nearest dynamic symbol, and how far behind it.
    Symbol(String, String, u64),
    Java(JavaFrame),
    /// An address outside of all modules.
    Address(u64),
    Other(String),
}

/// Names the stacks of the sites that leak, by their numbers.
pub(super) fn name(
    stacks: &Stacks,
    sites: &[LogSite],
    notes: &mut Vec<String>,
) -> HashMap<usize, Vec<Frame>> {
    let leaking: Vec<(usize, &[u32])> = stacks
        .all()
        .map(|(frames, number)| (number as usize, frames))
        .filter(|(number, _)| sites.get(*number).is_some_and(|site| site.blocks > 0))
        .collect();
    let mut parsed: HashMap<u32, Parsed> = HashMap::new();
    let mut offsets: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
    for number in leaking.iter().flat_map(|(_, frames)| *frames) {
        parsed.entry(*number).or_insert_with(|| {
            let text = String::from_utf8_lossy(stacks.frames.get(*number));
            let parsed = parse(&text);
            if let Parsed::Offset(module, offset) = &parsed {
                offsets.entry(module.clone()).or_default().insert(*offset);
            }
            parsed
        });
    }
    let mut named: HashMap<(String, u64), Vec<NativeFrame>> = HashMap::new();
    for (module, offsets) in offsets {
        let file = Path::new(&module);
        if file.is_absolute() && !file.is_file() {
            notes.push(format!(
                "no symbols of `{module}`: the file is gone; its frames show offsets"
            ));
        }
        for (offset, frames) in native::of_file(file, &module, &offsets) {
            named.insert((module.clone(), offset), frames);
        }
    }
    if !named.is_empty() {
        notes.push(
            "names are those of the files as they are now: a log does not say which build it was"
                .to_owned(),
        );
    }
    let stack_of = |numbers: &[u32]| {
        let frames = numbers.iter().filter_map(|number| parsed.get(number));
        let frames = frames.flat_map(|frame| expand(frame, &named));
        frames.skip_while(is_recorder).collect()
    };
    leaking
        .into_iter()
        .map(|(number, frames)| (number, stack_of(frames)))
        .collect()
}

fn expand(frame: &Parsed, named: &HashMap<(String, u64), Vec<NativeFrame>>) -> Vec<Frame> {
    match frame {
        Parsed::Offset(module, offset) => match named.get(&(module.clone(), *offset)) {
            Some(frames) => frames.iter().cloned().map(Frame::Native).collect(),
            None => Vec::new(),
        },
        Parsed::Symbol(module, symbol, offset) => vec![Frame::Native(NativeFrame {
            function: Some(demangled(symbol)),
            file: None,
            line: None,
            inlined: false,
            module: module.clone(),
            offset: format!("{symbol}+{offset:#x}"),
        })],
        Parsed::Java(java) => vec![Frame::Java(java.clone())],
        Parsed::Address(address) => vec![Frame::Native(native::unmapped(*address))],
        Parsed::Other(text) => vec![Frame::Mark { text: text.clone() }],
    }
}

/// The forerunner's stacks began inside of itself.
fn is_recorder(frame: &Frame) -> bool {
    matches!(frame, Frame::Native(native)
        if matches!(native.module.rsplit('/').next(), Some("libhack.so" | "libhackleak.so")))
}

fn parse(text: &str) -> Parsed {
    native_frame(text)
        .or_else(|| java_frame(text))
        .unwrap_or_else(|| {
            let inner = text
                .strip_prefix('(')
                .and_then(|text| text.strip_suffix(')'));
            Parsed::Other(inner.unwrap_or(text).to_owned())
        })
}

fn native_frame(text: &str) -> Option<Parsed> {
    let (place, address) = text.strip_suffix(']')?.rsplit_once('[')?;
    let address = hexadecimal(address)?;
    let place = place.trim_end();
    if place.is_empty() {
        return Some(Parsed::Address(address));
    }
    let Some(inner) = place.strip_suffix(')') else {
        // No room for symbols: the address itself, as programs that are not relocated have it.
        return Some(Parsed::Offset(place.to_owned(), address));
    };
    let (module, inner) = inner.rsplit_once('(')?;
    let module = module.to_owned();
    if inner.is_empty() {
        return Some(Parsed::Offset(module, address));
    }
    let at = inner.rfind(['+', '-'])?;
    let offset = hexadecimal(&inner[at + 1..])?;
    let symbol = &inner[..at];
    Some(if symbol.is_empty() {
        Parsed::Offset(module, offset)
    } else {
        Parsed::Symbol(module, symbol.to_owned(), offset)
    })
}

fn hexadecimal(text: &str) -> Option<u64> {
    u64::from_str_radix(text.strip_prefix("0x")?, 16).ok()
}

/// `a.b.C.method(C.java:12)`.
fn java_frame(text: &str) -> Option<Parsed> {
    let (name, place) = text.strip_suffix(')')?.split_once('(')?;
    let (class, method) = name.rsplit_once('.')?;
    if class.is_empty() || method.is_empty() || name.contains([' ', '/']) {
        return None;
    }
    let (file, line) = match place.rsplit_once(':') {
        Some((file, line)) => (file, Some(line.parse().ok()?)),
        None => (place, None),
    };
    let native = place == "Native Method";
    let known = !native && place != "Unknown Source";
    Some(Parsed::Java(JavaFrame {
        class: class.to_owned(),
        method: method.to_owned(),
        file: known.then(|| file.to_owned()),
        line,
        native,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_read_as_glibc_and_java_write_them() {
        let java = |class: &str, method: &str, file: Option<&str>, line, native| {
            Parsed::Java(JavaFrame {
                class: class.to_owned(),
                method: method.to_owned(),
                file: file.map(str::to_owned),
                line,
                native,
            })
        };
        for (text, parsed) in [
            (
                "/a b/libx (1).so(+0x12) [0x7f12]",
                Parsed::Offset("/a b/libx (1).so".into(), 0x12),
            ),
            (
                "/a/x(_Znwm+0x1c) [0x7f]",
                Parsed::Symbol("/a/x".into(), "_Znwm".into(), 0x1c),
            ),
            (
                "/a/x() [0x401136]",
                Parsed::Offset("/a/x".into(), 0x40_1136),
            ),
            ("/a/x [0x401136]", Parsed::Offset("/a/x".into(), 0x40_1136)),
            ("[0x7f12]", Parsed::Address(0x7f12)),
            (
                "a.B.run(B.java:12)",
                java("a.B", "run", Some("B.java"), Some(12), false),
            ),
            (
                "a.B.<init>(Native Method)",
                java("a.B", "<init>", None, None, true),
            ),
            (
                "(frames are missing)",
                Parsed::Other("frames are missing".into()),
            ),
            ("nonsense", Parsed::Other("nonsense".into())),
            ("[0xzz]", Parsed::Other("[0xzz]".into())),
        ] {
            assert_eq!(parse(text), parsed, "{text}");
        }
    }

    #[test]
    fn names_are_demangled() {
        assert_eq!(demangled("_ZN3rmm2mr4poolEv"), "rmm::mr::pool()");
        assert_eq!(demangled("main"), "main");
    }
}
