//! Tables and plots.

pub mod markdown;
pub mod plot;
pub mod terminal;

/// Three or four digits that count, with separators between thousands.
pub fn number(value: f64) -> String {
    let magnitude = value.abs();
    if magnitude < 9.995 {
        return format!("{value:.2}");
    }
    if magnitude < 99.95 {
        return format!("{value:.1}");
    }
    let digits = format!("{:.0}", magnitude);
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    if value < 0.0 {
        format!("−{text}")
    } else {
        text
    }
}

/// A figure's name in words: `depth20.threads4` is `depth 20, threads 4`.
pub fn words(figure: &str) -> String {
    match figure {
        "run.wall" => return "wall time".to_owned(),
        "run.cpu" => return "CPU time".to_owned(),
        _ => {}
    }
    let parts = figure.split('.').map(|part| {
        let at = part.find(|c: char| c.is_ascii_digit());
        match at {
            Some(at) => format!("{} {}", &part[..at], &part[at..]),
            None => part.to_owned(),
        }
    });
    parts.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_words() {
        let numbers = [0.054, 9.87, 19.96, 530.4, 28_123.4, -1_234.0].map(number);
        assert_eq!(numbers, ["0.05", "9.87", "20.0", "530", "28,123", "−1,234"]);
        assert_eq!(words("depth20.threads4"), "depth 20, threads 4");
        assert_eq!(words("run.wall"), "wall time");
        assert_eq!(words("all"), "all");
    }
}
