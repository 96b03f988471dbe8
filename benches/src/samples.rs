//! Measured times, and what is said of many of them.

use std::time::Duration;

use crate::connection::Answer;

/// How long requests took, and how many did not get what they asked for. All
/// answers count as times, the bad ones too: they are what a client waits for.
#[derive(Default)]
pub(crate) struct Samples {
    times: Vec<Duration>,
    /// Answers with a status other than 2xx.
    pub(crate) refused: u32,
    /// Connections that gave no answer.
    pub(crate) failed: u32,
}

impl Samples {
    /// Notes what became of a request; returns whether it was answered 2xx.
    pub(crate) fn record(&mut self, time: Duration, answer: &anyhow::Result<Answer>) -> bool {
        let Ok(answer) = answer else {
            self.failed += 1;
            return false;
        };
        self.times.push(time);
        let good = answer.status.is_success();
        self.refused += u32::from(!good);
        good
    }

    /// Times alone.
    pub(crate) fn of(times: impl IntoIterator<Item = Duration>) -> Self {
        Self {
            times: times.into_iter().collect(),
            ..Self::default()
        }
    }

    pub(crate) fn append(&mut self, mut others: Self) {
        self.times.append(&mut others.times);
        self.refused += others.refused;
        self.failed += others.failed;
    }

    /// How many requests there were.
    pub(crate) fn count(&self) -> u32 {
        let answers = u32::try_from(self.times.len()).unwrap_or(u32::MAX);
        answers.saturating_add(self.failed)
    }

    /// The time that `percent` percent of the answers did not exceed; zero
    /// when there was none.
    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        let mut times = self.times.clone();
        times.sort_unstable();
        let rank = (times.len() * percent).div_ceil(100).max(1);
        times.get(rank - 1).copied().unwrap_or_default()
    }

    pub(crate) fn median(&self) -> Duration {
        self.percentile(50)
    }
}

/// The number in the middle; between the two when there is none.
pub(crate) fn median(numbers: impl IntoIterator<Item = f64>) -> f64 {
    let mut numbers: Vec<_> = numbers.into_iter().collect();
    numbers.sort_by(f64::total_cmp);
    let at = |index: usize| numbers.get(index).copied().unwrap_or_default();
    f64::midpoint(
        at(numbers.len().saturating_sub(1) / 2),
        at(numbers.len() / 2),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_times_that_were_measured() {
        let mut samples = Samples::default();
        assert_eq!(samples.median(), Duration::ZERO);
        samples.times = (1..=200).rev().map(Duration::from_millis).collect();
        assert_eq!(samples.median(), Duration::from_millis(100));
        assert_eq!(samples.percentile(99), Duration::from_millis(198));
        assert_eq!(samples.percentile(100), Duration::from_millis(200));
    }

    #[test]
    fn the_median_is_in_the_middle() {
        assert!((median([3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!((median([4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < f64::EPSILON);
    }
}
