//! Unwind tables of one function, built in memory.

use super::super::*;

/// The code of the function that the tables describe. Nobody reads it.
pub const CODE: usize = 0x10_0000;
pub const CODE_LEN: usize = 0x100;
pub const DATA_ALIGN: i8 = -8;

pub const RBX: u8 = 3;
pub const RBP: u8 = 6;
pub const RSP: u8 = 7;
pub const RA: u8 = 16;

pub const SAME_VALUE: u8 = 0x08;
pub const UNDEFINED: u8 = 0x07;
pub const IN_REGISTER: u8 = 0x09;
pub const CFA: u8 = 0x0c;
pub const CFA_REGISTER: u8 = 0x0d;
pub const CFA_OFFSET: u8 = 0x0e;
pub const CFA_EXPRESSION: u8 = 0x0f;
pub const EXPRESSION: u8 = 0x10;
pub const VALUE_OFFSET: u8 = 0x14;
pub const DEREF: u8 = 0x06;

/// What a call leaves: the CFA is `rsp + 8`, and the return address lies before it.
pub const CALLED: [u8; 5] = [CFA, RSP, 8, offset(RA), 1];

/// The row says where a register is saved; the factor follows.
pub const fn offset(register: u8) -> u8 {
    0x80 | register
}

pub const fn restored(register: u8) -> u8 {
    0xc0 | register
}

/// So many bytes of code follow the row so far.
pub const fn advance(bytes: u8) -> u8 {
    0x40 | bytes
}

/// An expression's operation: register and offset.
pub const fn register(register: u8) -> u8 {
    0x70 | register
}

pub fn uleb(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

pub fn sleb(value: i64) -> Vec<u8> {
    let mut value = value;
    let mut bytes = Vec::new();
    while !(-64..64).contains(&value) {
        bytes.push(value as u8 & 0x7f | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8 & 0x7f);
    bytes
}

/// An expression with its length before it.
pub fn block(operations: &[&[u8]]) -> Vec<u8> {
    let operations = operations.concat();
    [uleb(operations.len() as u64), operations].concat()
}

/// An entry of `.eh_frame` behind its length, filled up to whole words.
pub fn entry(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.resize((bytes.len() + 4).next_multiple_of(8) - 4, 0);
    [&(bytes.len() as u32).to_le_bytes()[..], &bytes].concat()
}

/// A module's tables with one function in them.
pub struct Built(pub Vec<u64>);

impl Built {
    /// `head` are the instructions of the common part, `body` those of the function. `kind` says
    /// what the common part is augmented by.
    pub fn new(kind: &[u8], data_align: i8, head: &[u8], body: &[u8]) -> Built {
        const HEADER_LEN: usize = 40;
        let version_and_name = [&[0, 0, 0, 0, 1], kind, &[0]].concat();
        let aligned = [1, data_align as u8 & 0x7f, RA];
        // One byte of augmentation: addresses of code are plain.
        let common = entry([&version_and_name[..], &aligned, &[1, 0], head].concat());
        let own = [
            &(common.len() as u32 + 4).to_le_bytes()[..],
            &CODE.to_le_bytes(),
            &CODE_LEN.to_le_bytes(),
            &[0],
            body,
        ]
        .concat();
        let section = [common.clone(), entry(own), vec![0; 8]].concat();
        let mut built = Built(vec![0; (HEADER_LEN + section.len()).div_ceil(8)]);
        // The section lies 40 bytes behind the header, whose place of that is four bytes in.
        let table = CODE.wrapping_sub(built.header()).to_le_bytes();
        let header = [
            &[1, 0x1b, 0x03, 0x3c][..],
            &(HEADER_LEN as u32 - 4).to_le_bytes(),
            &1u32.to_le_bytes(),
            &table,
            &(HEADER_LEN + common.len()).to_le_bytes(),
        ]
        .concat();
        let bytes = [&header[..], &vec![0; HEADER_LEN - header.len()], &section].concat();
        for (word, bytes) in built.0.iter_mut().zip(bytes.chunks(8)) {
            let mut whole = [0; 8];
            whole[..bytes.len()].copy_from_slice(bytes);
            *word = u64::from_ne_bytes(whole);
        }
        built
    }

    pub fn header(&self) -> usize {
        self.0.as_ptr().addr()
    }

    /// The rule at `lookup`, if the function is in this module of the image.
    pub fn rule_of(&self, module: Option<u32>, lookup: usize) -> Rule {
        let found = Found {
            end: self.header() + self.0.len() * 8,
            bias: 0,
            eh_frame_hdr: self.header(),
            module,
        };
        compile(lookup, self.header(), &found)
    }

    /// The rule so many bytes into the function.
    pub fn rule_at(&self, offset: usize) -> Rule {
        self.rule_of(None, CODE + offset)
    }
}
