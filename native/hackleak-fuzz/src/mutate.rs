//! Mutations with fixed random numbers: the same seed gives the same bytes on every machine.

/// splitmix64 (Steele, Lea, Flood 2014).
#[derive(Debug, Clone)]
pub struct Random(pub u64);

impl Random {
    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`, which is not 0.
    pub fn below(&mut self, n: usize) -> usize {
        (self.number() >> 16) as usize % n
    }
}

/// Pieces of the texts that parsers look for, and values at their borders.
const WORDS: [&[u8]; 30] = [
    b"TRACK\t",
    b"TRACE\t",
    b"HACKLEAK\t",
    b"MALLOC\t",
    b"FREE",
    b"BY\t",
    b"START\t",
    b"END\t",
    b"\t",
    b"\n",
    b"\r\n",
    b"0x",
    b"0xffffffffffffffff",
    b"18446744073709551616",
    b"-1",
    b"4294967295:1",
    b"(+0x",
    b") [0x",
    b"leak:",
    b"*",
    b"^",
    b"$",
    b"=",
    b",",
    b"+",
    b"track=new",
    b"depth=",
    b"\0",
    b"\xff\xfe",
    b"\xf0\x9f\xa6\x80",
];

/// `seed` with a few random changes; `other` is another seed, to take pieces from.
pub fn mutated(seed: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..1 + random.below(6) {
        let at = random.below(bytes.len() + 1);
        let rest = bytes.len() - at;
        match random.below(10) {
            0 if rest > 0 => bytes[at] ^= 1 << random.below(8),
            1 if rest > 0 => bytes[at] = random.number() as u8,
            2 => bytes.truncate(at),
            3 if rest > 0 => {
                bytes.drain(at..at + 1 + random.below(rest));
            }
            4 if rest > 0 => {
                let piece = bytes[at..at + 1 + random.below(rest.min(400))].to_vec();
                let times = 1 + random.below(20);
                bytes.splice(at..at, piece.repeat(times));
            }
            5 if !other.is_empty() => {
                let from = random.below(other.len());
                let to = from + 1 + random.below(other.len() - from);
                bytes.splice(at..at, other[from..to].iter().copied());
            }
            6 => {
                let noise: Vec<u8> = (0..random.below(40))
                    .map(|_| random.number() as u8)
                    .collect();
                bytes.splice(at..at, noise);
            }
            7 if rest > 8 => {
                let [a, b] = [at + random.below(rest), at + random.below(rest)];
                bytes.swap(a, b);
            }
            8 => {
                let digits = random.number().to_string();
                bytes.splice(at..at, digits.into_bytes());
            }
            _ => {
                let word = WORDS[random.below(WORDS.len())];
                bytes.splice(at..at, word.iter().copied());
            }
        }
        bytes.truncate(1 << 20);
    }
    bytes
}
