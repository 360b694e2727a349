//! Numbers in sentences.

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
