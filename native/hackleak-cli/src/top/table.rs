//! Which sites are shown, and how fast each grows.

use std::collections::VecDeque;

use super::order::Order;
use super::sample::{Held, Sample};

/// Growth is measured over so many samples, or as many as there are.
const WINDOW: usize = 10;

/// A site that is shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Row {
    /// Node of the stack tree.
    pub(super) stack: u32,
    pub(super) held: Held,
    /// Bytes per second.
    pub(super) growth: f64,
}

/// The last samples.
#[derive(Debug, Default)]
pub(super) struct History(VecDeque<Sample>);

impl History {
    pub(super) fn push(&mut self, sample: Sample) {
        if self.0.len() > WINDOW {
            self.0.pop_front();
        }
        self.0.push_back(sample);
    }

    pub(super) fn newest(&self) -> Option<&Sample> {
        self.0.back()
    }

    /// Bytes per second of all live blocks together.
    pub(super) fn growth(&self) -> f64 {
        self.rate(|sample| sample.held.bytes)
    }

    /// Allocations per second.
    pub(super) fn allocations(&self) -> f64 {
        self.rate(|sample| sample.allocations)
    }

    fn rate(&self, of: impl Fn(&Sample) -> u64) -> f64 {
        let (Some(first), Some(last)) = (self.0.front(), self.0.back()) else {
            return 0.0;
        };
        let seconds = (last.at - first.at).as_secs_f64();
        if seconds > 0.0 {
            (of(last) as f64 - of(first) as f64) / seconds
        } else {
            0.0
        }
    }

    /// The first `most` sites in that order.
    pub(super) fn rows(&self, order: Order, most: usize) -> Vec<Row> {
        let Some(last) = self.0.back() else {
            return Vec::new();
        };
        let site = |sample: &Sample, stack| sample.sites.get(&stack).map_or(0, |held| held.bytes);
        let mut rows: Vec<Row> = last
            .sites
            .iter()
            .map(|(stack, held)| Row {
                stack: *stack,
                held: *held,
                growth: self.rate(|sample| site(sample, *stack)),
            })
            .collect();
        rows.sort_by(|a, b| {
            let bytes = b.held.bytes.cmp(&a.held.bytes);
            let growth = b.growth.total_cmp(&a.growth);
            let first = match order {
                Order::Growth => growth.then(bytes),
                Order::Bytes => bytes.then(growth),
            };
            first.then(a.stack.cmp(&b.stack))
        });
        rows.truncate(most);
        rows
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use hackleak_image::reader::ProcessState;

    use super::*;

    fn sample(at: Instant, sites: &[(u32, u64)]) -> Sample {
        let held = |bytes| Held { bytes, count: 1 };
        Sample {
            at,
            took: Duration::ZERO,
            state: ProcessState::Running,
            held: held(sites.iter().map(|(_, bytes)| bytes).sum()),
            sites: sites
                .iter()
                .map(|(stack, bytes)| (*stack, held(*bytes)))
                .collect(),
            allocations: 0,
            frees: 0,
            checkpoints: 0,
            newest: Vec::new(),
            incomplete: false,
            memory: None,
        }
    }

    #[test]
    fn what_grows_comes_before_what_is_large() {
        let start = Instant::now();
        let mut history = History::default();
        assert_eq!(history.rows(Order::Growth, 9), []);
        history.push(sample(start, &[(1, 1_000_000), (2, 10)]));
        history.push(sample(
            start + Duration::from_secs(2),
            &[(1, 1_000_000), (2, 30), (3, 4)],
        ));
        let stacks =
            |order| -> Vec<u32> { history.rows(order, 9).iter().map(|row| row.stack).collect() };
        assert_eq!(stacks(Order::Growth), [2, 3, 1]);
        assert_eq!(stacks(Order::Bytes), [1, 2, 3]);
        let rows = history.rows(Order::Growth, 1);
        assert_eq!((rows.len(), rows[0].growth), (1, 10.0));
        assert_eq!(history.growth(), 12.0);
    }

    #[test]
    fn the_window_moves_on() {
        let start = Instant::now();
        let mut history = History::default();
        for second in 0..50_u64 {
            let at = start + Duration::from_secs(second);
            history.push(sample(
                at,
                &[(1, if second < 10 { second * 1000 } else { 9000 })],
            ));
        }
        assert_eq!(history.growth(), 0.0);
        assert_eq!(history.0.len(), WINDOW + 1);
    }
}
