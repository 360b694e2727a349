//! Medians, and how far values lie from them.

/// A median and its spread.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// The middle value; the mean of the middle two of an even number.
    pub median: f64,
    /// Median absolute deviation from the median.
    pub deviation: f64,
    /// The smallest value.
    pub least: f64,
    /// The largest value.
    pub most: f64,
}

/// The median; none of no values.
pub fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut sorted: Vec<f64> = values.into_iter().collect();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(sorted[middle]),
        _ => Some((sorted[middle - 1] + sorted[middle]) / 2.0),
    }
}

/// The summary; none of no values.
pub fn summary(values: &[f64]) -> Option<Summary> {
    let middle = median(values.iter().copied())?;
    let deviation = median(values.iter().map(|value| (value - middle).abs()))?;
    Some(Summary {
        median: middle,
        deviation,
        least: values.iter().copied().fold(f64::INFINITY, f64::min),
        most: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summaries() {
        assert_eq!(median([]), None);
        assert_eq!(median([3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median([4.0, 1.0, 2.0, 3.0]), Some(2.5));
        let of = summary(&[10.0, 12.0, 11.0, 50.0, 9.0]);
        let expected = Summary {
            median: 11.0,
            deviation: 1.0,
            least: 9.0,
            most: 50.0,
        };
        assert_eq!(of, Some(expected));
        assert_eq!(summary(&[]), None);
    }
}
