//! Numbers in sentences.

use crate::model::{BLOCK, Site};

/// `1234567` as `1,234,567`.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 block`, `2,000 blocks`.
pub fn counted(number: u64, noun: &str) -> String {
    format!(
        "{} {noun}{}",
        thousands(number),
        if number == 1 { "" } else { "s" }
    )
}

/// `1 byte`, `2,000 bytes`.
pub fn bytes(number: u64) -> String {
    counted(number, "byte")
}

/// `5,999,979 bytes in 3 blocks`; what is no block has no bytes: `12 file descriptors`.
pub fn amount(size: u64, count: u64, noun: &str) -> String {
    if noun == BLOCK {
        format!("{} in {}", bytes(size), counted(count, noun))
    } else {
        counted(count, noun)
    }
}

/// `5,999,979 bytes leaked in 3 blocks`, `12 file descriptors leaked`.
pub fn leaked(size: u64, count: u64, noun: &str) -> String {
    if noun == BLOCK {
        format!("{} leaked in {}", bytes(size), counted(count, noun))
    } else {
        format!("{} leaked", counted(count, noun))
    }
}

/// The noun for all of these sites: their own, if it is the same.
pub fn noun<'site>(sites: impl IntoIterator<Item = &'site Site>) -> &'static str {
    let mut nouns = sites.into_iter().map(|site| site.kind.noun());
    let first = nouns.next().unwrap_or(BLOCK);
    if nouns.all(|noun| noun == first) {
        first
    } else {
        BLOCK
    }
}

/// `3 blocks (5,999,979 bytes)`.
pub fn blocks(count: u64, size: u64) -> String {
    format!("{} ({})", counted(count, "block"), bytes(size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_separated() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (1_999_993, "1,999,993"),
            (u64::MAX, "18,446,744,073,709,551,615"),
        ] {
            assert_eq!(thousands(number), text);
        }
        assert_eq!(blocks(1, 1), "1 block (1 byte)");
    }
}
