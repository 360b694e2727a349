//! Texts and stacks of a log, each kept once.

use std::collections::HashMap;

/// Bytes of frame texts and stacks that are kept.
const MOST_STACK_BYTES: usize = 1 << 30;

/// Texts, each kept once; number 0 is the empty one.
#[derive(Debug)]
pub(super) struct Texts {
    numbers: HashMap<Box<[u8]>, u32>,
    pub(super) texts: Vec<Box<[u8]>>,
}

impl Texts {
    pub(super) fn new() -> Texts {
        Texts {
            numbers: HashMap::from([(Box::default(), 0)]),
            texts: vec![Box::default()],
        }
    }

    pub(super) fn find(&self, text: &[u8]) -> Option<u32> {
        self.numbers.get(text).copied()
    }

    pub(super) fn add(&mut self, text: &[u8]) -> u32 {
        let number = self.texts.len() as u32;
        self.numbers.insert(text.into(), number);
        self.texts.push(text.into());
        number
    }

    pub(super) fn get(&self, number: u32) -> &[u8] {
        self.texts.get(number as usize).map_or(&[], |text| text)
    }
}

/// Stacks as numbers of frame texts, each kept once; number 0 has no frames.
#[derive(Debug)]
pub(super) struct Stacks {
    pub(super) frames: Texts,
    numbers: HashMap<Box<[u32]>, u32>,
    bytes: usize,
}

impl Stacks {
    pub(super) fn new() -> Stacks {
        Stacks {
            frames: Texts::new(),
            numbers: HashMap::from([(Box::default(), 0)]),
            bytes: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Every stack with its number.
    pub(super) fn all(&self) -> impl Iterator<Item = (&[u32], u32)> {
        self.numbers
            .iter()
            .map(|(frames, number)| (&**frames, *number))
    }

    /// Room for `bytes` more, twice because there is a key and a value.
    fn take(&mut self, bytes: usize) -> bool {
        let after = self.bytes + 2 * bytes + 64;
        if after > MOST_STACK_BYTES {
            return false;
        }
        self.bytes = after;
        true
    }

    pub(super) fn frame(&mut self, text: &[u8]) -> Option<u32> {
        match self.frames.find(text) {
            Some(number) => Some(number),
            None if self.take(text.len()) => Some(self.frames.add(text)),
            None => None,
        }
    }

    pub(super) fn stack(&mut self, frames: &[u32]) -> Option<u32> {
        if let Some(number) = self.numbers.get(frames) {
            return Some(*number);
        }
        let number = u32::try_from(self.numbers.len()).ok()?;
        self.take(size_of_val(frames)).then(|| {
            self.numbers.insert(frames.into(), number);
            number
        })
    }
}
