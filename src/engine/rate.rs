//! How fast something grows, over the last minute.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

const WINDOW: Duration = Duration::from_secs(60);
const SAMPLE_EVERY: Duration = Duration::from_millis(500);

/// Samples of a growing number.
#[derive(Debug, Default)]
pub(super) struct Rate(VecDeque<(Instant, u64)>);

impl Rate {
    /// Takes a sample.
    pub(super) fn sample(&mut self, now: Instant, value: u64) {
        if self.0.back().is_some_and(|(at, last)| now.duration_since(*at) < SAMPLE_EVERY && *last <= value) {
            return;
        }
        if self.0.back().is_some_and(|(_, last)| *last > value) {
            // Another counter has begun.
            self.0.clear();
        }
        self.0.push_back((now, value));
        while self.0.len() > 2 && self.0.front().is_some_and(|(at, _)| now.duration_since(*at) > WINDOW) {
            self.0.pop_front();
        }
    }

    /// Growth per second; `None` while there is too little to tell.
    pub(super) fn per_second(&self) -> Option<f64> {
        let ((first_at, first), (last_at, last)) = (self.0.front()?, self.0.back()?);
        let seconds = last_at.duration_since(*first_at).as_secs_f64();
        (seconds >= 1.0).then(|| (last - first) as f64 / seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_follows_the_last_minute() {
        let start = Instant::now();
        let mut rate = Rate::default();
        rate.sample(start, 0);
        assert_eq!(rate.per_second(), None);
        rate.sample(start + Duration::from_secs(10), 1000);
        assert_eq!(rate.per_second(), Some(100.0));
        for second in 11..=200 {
            rate.sample(start + Duration::from_secs(second), 1000 + (second - 10) * 10);
        }
        assert_eq!(rate.per_second(), Some(10.0));
    }

    #[test]
    fn a_number_that_falls_begins_anew() {
        let start = Instant::now();
        let mut rate = Rate::default();
        rate.sample(start, 500);
        rate.sample(start + Duration::from_secs(5), 3);
        assert_eq!(rate.per_second(), None);
    }
}
