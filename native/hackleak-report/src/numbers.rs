//! Numbers in sentences.

/// What is counted where nothing else is said.
pub(crate) const BLOCK: &str = "block";
/// What is counted by its name, and has bytes all the same.
pub(crate) const MAPPING: &str = "mapping";
/// What is counted by its name, with what it is that is wrong.
const NEVER_ENDED: &[(&str, &str)] = &[
    (
        "attached thread",
        "thread{} attached to the JVM and never detached",
    ),
    ("local frame", "local frame{} pushed and not popped"),
];

/// `2 threads attached to the JVM and never detached`.
fn never_ended(count: u64, noun: &str) -> Option<String> {
    let (_, words) = NEVER_ENDED.iter().find(|(known, _)| *known == noun)?;
    let words = words.replace("{}", if count == 1 { "" } else { "s" });
    Some(format!("{} {words}", thousands(count)))
}

/// Different things of which none has bytes.
pub(crate) const HANDLE: &str = "handle";

/// What both are called where they are counted together.
pub(crate) fn common_noun(one: &'static str, other: &'static str) -> &'static str {
    if one == other {
        one
    } else if [one, other]
        .iter()
        .any(|noun| [BLOCK, MAPPING].contains(noun))
    {
        BLOCK
    } else {
        HANDLE
    }
}

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

/// `1.91 MiB`, with three digits that count, as the page writes it.
pub fn human(number: u64) -> String {
    const UNITS: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let (mut unit, mut value) = (0, number as f64);
    while value >= 1024.0 {
        value /= 1024.0;
        unit += 1;
    }
    // What rounds up to the next unit is written in it.
    if value >= 1023.5 && unit > 0 {
        value /= 1024.0;
        unit += 1;
    }
    let digits = match value {
        _ if unit == 0 => return format!("{} B", thousands(number)),
        value if value >= 99.95 => 0,
        value if value >= 9.995 => 1,
        _ => 2,
    };
    let text = format!("{value:.digits$}");
    let text = match digits {
        0 => thousands(text.parse().unwrap_or(number)),
        _ => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
    };
    format!("{text} {}", UNITS[unit])
}

/// `1 byte`, `2,000 bytes`.
pub fn bytes(number: u64) -> String {
    counted(number, "byte")
}

/// `5,999,979 bytes in 3 blocks`; `3 mappings, 12 MiB`; handles have no bytes: `12 file
/// descriptors`.
pub fn amount(size: u64, count: u64, noun: &str) -> String {
    match noun {
        BLOCK => format!("{} in {}", bytes(size), counted(count, noun)),
        MAPPING => format!("{}, {}", counted(count, noun), human(size)),
        noun => never_ended(count, noun).unwrap_or_else(|| counted(count, noun)),
    }
}

/// `5,999,979 bytes leaked in 3 blocks`, `3 mappings leaked, 12 MiB`, `12 file descriptors leaked`.
pub fn leaked(size: u64, count: u64, noun: &str) -> String {
    match noun {
        BLOCK => format!("{} leaked in {}", bytes(size), counted(count, noun)),
        MAPPING => format!("{} leaked, {}", counted(count, noun), human(size)),
        noun => {
            never_ended(count, noun).unwrap_or_else(|| format!("{} leaked", counted(count, noun)))
        }
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
    fn people_read_three_digits() {
        for (number, text) in [
            (0, "0 B"),
            (1023, "1,023 B"),
            (1024, "1 KiB"),
            (1_999_993, "1.91 MiB"),
            (12_582_912, "12 MiB"),
            (14_980_217, "14.3 MiB"),
            (393_216, "384 KiB"),
            (1023 * 1024, "1,023 KiB"),
            (1024 * 1024 - 1, "1 MiB"),
            (104_857_600, "100 MiB"),
            (u64::MAX, "16 EiB"),
        ] {
            assert_eq!(human(number), text);
        }
    }

    #[test]
    fn what_was_never_ended_says_so() {
        for (count, noun, text) in [
            (
                2,
                "attached thread",
                "2 threads attached to the JVM and never detached",
            ),
            (1, "local frame", "1 local frame pushed and not popped"),
        ] {
            assert_eq!(amount(0, count, noun), text);
            assert_eq!(leaked(0, count, noun), text);
        }
        assert_eq!(amount(0, 5000, "local reference"), "5,000 local references");
    }

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
