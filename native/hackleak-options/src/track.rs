//! The kinds of allocation that are recorded.

use crate::choices::{OptionError, choice};
use std::fmt;
use std::str::FromStr;

/// The kinds of allocation that are recorded: a set, joined by `+` in the text form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Track(u32);

impl Track {
    /// C++ `operator new` and `operator delete`, all variants.
    pub const NEW: Track = Track(1);
    /// The malloc family, where the caller is not the runtime itself.
    pub const MALLOC: Track = Track(2);
    /// What native code takes through the JNI function table and must give back.
    pub const JNI: Track = Track(4);
    /// `Unsafe.allocateMemory` and what is built on it.
    pub const UNSAFE: Track = Track(8);
    /// File descriptors of code under test and of Java code.
    pub const FD: Track = Track(16);
    /// What code under test and Java code map.
    pub const MMAP: Track = Track(32);
    /// What zlib takes for Java's `Deflater` and `Inflater`.
    pub const ZIP: Track = Track(64);
    /// Threads that code under test and Java code start.
    pub const THREAD: Track = Track(128);

    /// Threads that are attached to the JVM, local frames, and local references beyond a bound.
    pub const ATTACH: Track = Track(256);
    /// Libraries that were opened.
    pub const MODULE: Track = Track(512);

    /// All but mapped memory, threads, attached threads and opened libraries: allocators map, too,
    /// and libraries keep threads and what they opened.
    pub const STANDARD: Track = Track(31 | 64);

    /// Every kind with its name.
    pub const ALL: &'static [(&'static str, Track)] = &[
        ("new", Track::NEW),
        ("malloc", Track::MALLOC),
        ("jni", Track::JNI),
        ("unsafe", Track::UNSAFE),
        ("fd", Track::FD),
        ("mmap", Track::MMAP),
        ("zip", Track::ZIP),
        ("thread", Track::THREAD),
        ("attach", Track::ATTACH),
        ("module", Track::MODULE),
    ];

    /// The set as the bits that the image stores.
    pub fn bits(self) -> u32 {
        self.0
    }

    /// The names of the kinds in these bits, as an image has them.
    pub fn names(bits: u32) -> Vec<String> {
        let kinds = Track::ALL.iter().filter(|(_, kind)| bits & kind.0 != 0);
        kinds.map(|(name, _)| (*name).to_owned()).collect()
    }

    /// Whether every kind of `other` is in this set.
    pub fn contains(self, other: Track) -> bool {
        self.0 & other.0 == other.0
    }
}

impl FromStr for Track {
    type Err = OptionError;

    fn from_str(value: &str) -> Result<Track, OptionError> {
        let mut set = 0;
        for kind in value.split('+') {
            set |= choice("track", kind, Track::ALL)?.0;
        }
        Ok(Track(set))
    }
}

impl fmt::Display for Track {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = Track::ALL
            .iter()
            .filter(|(_, kind)| self.contains(*kind))
            .map(|(name, _)| *name)
            .collect();
        f.write_str(&names.join("+"))
    }
}
