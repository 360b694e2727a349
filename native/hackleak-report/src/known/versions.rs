//! Ranges of versions.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// Versions from one to another, both of them included: `8.10.0..9.1`, `8.10.0..`, `..9.1`, or just
/// `9.1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versions {
    from: Option<String>,
    to: Option<String>,
}

impl Versions {
    /// Whether `version` is one of them.
    pub fn contains(&self, version: &str) -> bool {
        let from = self.from.as_deref();
        let to = self.to.as_deref();
        from.is_none_or(|from| compare(from, version) != Ordering::Greater)
            && to.is_none_or(|to| compare(version, to) != Ordering::Greater)
    }
}

impl FromStr for Versions {
    type Err = ();

    fn from_str(text: &str) -> Result<Versions, ()> {
        let version = |text: &str| -> Result<Option<String>, ()> {
            match text {
                "" => Ok(None),
                text if text.starts_with(|c: char| c.is_ascii_digit()) && !text.contains("..") => {
                    Ok(Some(text.to_owned()))
                }
                _ => Err(()),
            }
        };
        let (from, to) = text.split_once("..").unwrap_or((text, text));
        let versions = Versions {
            from: version(from.trim())?,
            to: version(to.trim())?,
        };
        match versions {
            Versions {
                from: None,
                to: None,
            } => Err(()),
            versions => Ok(versions),
        }
    }
}

impl fmt::Display for Versions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [from, to] = [&self.from, &self.to].map(|end| end.as_deref().unwrap_or_default());
        match from == to {
            true => f.write_str(from),
            false => write!(f, "{from}..{to}"),
        }
    }
}

/// Part by part: numbers as numbers; words, which name what precedes a release, before the end, and
/// that before numbers.
fn compare(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (parts(a), parts(b));
    loop {
        let order = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (a, b) => rank(a).cmp(&rank(b)),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

fn parts(version: &str) -> impl Iterator<Item = &str> {
    version.split(['.', '-', '_', '+'])
}

/// A missing part is a zero, as 9.1 is 9.1.0.
fn rank(part: Option<&str>) -> (u8, u64, &str) {
    match part {
        None => (1, 0, ""),
        Some(part) => match part.parse() {
            Ok(number) => (1, number, ""),
            // `Final`, `RELEASE` and `GA` are what was released.
            Err(_) if ["final", "release", "ga"].contains(&&*part.to_lowercase()) => (1, 0, ""),
            Err(_) => (0, 0, part),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_hold_what_lies_between_their_ends() {
        for (range, version, expected) in [
            ("8.10.0..", "8.9.1", false),
            ("8.10.0..", "8.10.0", true),
            ("8.10.0..", "11.8.1", true),
            ("..9.1", "9.1.0", true),
            ("..9.1", "9.1.1", false),
            ("1.5.6-2..1.5.6-2", "1.5.6-3", false),
            ("1.5.6-2", "1.5.6-2", true),
            ("1.5.6-2", "1.5.6", false),
            ("2.0..", "2.0-rc1", false),
            ("..2.0", "2.0-SNAPSHOT", true),
            ("4.1.100..", "4.1.100.Final", true),
        ] {
            let versions: Versions = range.parse().expect(range);
            assert_eq!(versions.contains(version), expected, "{version} in {range}");
        }
        for text in ["8.10.0..", "..9.1", "1..2", "1.5.6-2"] {
            assert_eq!(text.parse::<Versions>().expect(text).to_string(), text);
        }
        for text in ["", "..", "new", "1..x", "1...2"] {
            assert_eq!(text.parse::<Versions>(), Err(()), "{text}");
        }
    }
}
