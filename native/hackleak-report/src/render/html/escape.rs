//! Text that comes from an image, made harmless.

use std::fmt::Write;

/// Text for an element or for an attribute in double quotes. Control characters, and those that
/// turn the direction of text, are shown as what they are.
pub(super) fn text(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' => escaped.push('\n'),
            other if other.is_control() || is_turning(other) => {
                let _ = write!(escaped, "{}", other.escape_unicode());
            }
            other => escaped.push(other),
        }
    }
    escaped
}

/// Whether it turns the direction of text, so that a name could pass for another.
fn is_turning(character: char) -> bool {
    matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// JSON for a script element: neither `</script>` nor `<!--` can be in it.
pub(super) fn json_in_script(json: &str) -> String {
    json.replace('<', "\\u003c")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_ends_its_element() {
        assert_eq!(
            text("<a href='x'>&\"\u{1b}"),
            "&lt;a href=&#39;x&#39;&gt;&amp;&quot;\\u{1b}"
        );
        assert_eq!(text("a\u{202e}b"), "a\\u{202e}b");
        let json = json_in_script(r#"["</script><!--"]"#);
        assert_eq!(json, r#"["\u003c/script>\u003c!--"]"#);
        let back: Vec<String> = serde_json::from_str(&json).expect("JSON");
        assert_eq!(back, ["</script><!--"]);
    }
}
