//! Patterns as LeakSanitizer has them: a text that occurs anywhere, `*` for any run of characters,
//! `^` and `$` to hold it to the start and the end.

/// Whether `pattern` matches somewhere in `text`. Each piece between stars is taken as early as
/// it occurs, which finds a match whenever there is one; a piece held to the end is compared there.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let (mut anchored, pattern) = match pattern.strip_prefix('^') {
        Some(rest) => (true, rest),
        None => (false, pattern),
    };
    let (to_end, pattern) = match pattern.strip_suffix('$') {
        Some(rest) => (true, rest),
        None => (false, pattern),
    };
    let mut rest = text;
    let mut pieces = pattern.split('*').peekable();
    while let Some(piece) = pieces.next() {
        let last = pieces.peek().is_none();
        rest = if last && to_end {
            return if anchored {
                rest == piece
            } else {
                rest.ends_with(piece)
            };
        } else if anchored {
            match rest.strip_prefix(piece) {
                Some(after) => after,
                None => return false,
            }
        } else {
            match rest.find(piece) {
                Some(at) => &rest[at + piece.len()..],
                None => return false,
            }
        };
        anchored = false;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_leak_sanitizer() {
        for (pattern, text, expected) in [
            ("init", "library_init_once", true),
            ("lib*once", "library_init_once", true),
            ("once*lib", "library_init_once", false),
            ("^lib", "library", true),
            ("^rary", "library", false),
            ("rary$", "library", true),
            ("^lib*y$", "library", true),
            ("^library$", "library_init", false),
            ("^a*a$", "a", false),
            ("*", "", true),
            ("é*x", "aéxx", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} in {text}");
        }
    }
}
