//! What the config of a link may say, and what follows from it.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::time::Duration;

const DEFAULT_INTERVAL: u32 = 5_000;
const INTERVALS: RangeInclusive<u32> = 100..=86_400_000;
const DEFAULT_JITTER: f64 = 0.1;
const JITTERS: RangeInclusive<f64> = 0.0..=0.5;
/// A tick may take as long as its interval, within these bounds.
const SHORTEST_TIMEOUT: Duration = Duration::from_secs(2);
const LONGEST_TIMEOUT: Duration = Duration::from_secs(10);

/// A link's config that does not hold.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ConfigError {
    /// `interval_ms` is no number, or out of bounds.
    #[error("interval_ms: not a number from {} to {}", INTERVALS.start(), INTERVALS.end())]
    Interval,
    /// `jitter` is no number, or out of bounds.
    #[error("jitter: not a fraction from {} to {}", JITTERS.start(), JITTERS.end())]
    Jitter,
}

/// When the ticks of a link come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedule {
    /// `interval_ms`: from one tick to the next. 5000 where it is left out.
    interval_ms: u32,
    /// `jitter`: the part of the interval by which a tick may come late, so
    /// that the ticks of many links do not all come at once. 0.1 where it is
    /// left out.
    jitter: f64,
}

impl Schedule {
    /// Parses the config of a link.
    pub fn from_link(config: &HashMap<String, String>) -> Result<Self, ConfigError> {
        let interval_ms = match config.get("interval_ms").map(|text| text.parse()) {
            None => DEFAULT_INTERVAL,
            Some(Ok(interval)) if INTERVALS.contains(&interval) => interval,
            Some(_) => return Err(ConfigError::Interval),
        };
        let jitter = match config.get("jitter").map(|text| text.parse()) {
            None => DEFAULT_JITTER,
            Some(Ok(jitter)) if JITTERS.contains(&jitter) => jitter,
            Some(_) => return Err(ConfigError::Jitter),
        };
        Ok(Self {
            interval_ms,
            jitter,
        })
    }

    /// The interval in milliseconds, as a tick tells it.
    pub fn interval_ms(&self) -> u32 {
        self.interval_ms
    }

    /// From one tick to the next.
    pub fn interval(&self) -> Duration {
        Duration::from_millis(self.interval_ms.into())
    }

    /// How late the next tick is to come: a new random time on every call.
    pub fn delay(&self) -> Duration {
        self.interval().mul_f64(self.jitter * fastrand::f64())
    }

    /// How long a tick may take.
    pub fn timeout(&self) -> Duration {
        self.interval().clamp(SHORTEST_TIMEOUT, LONGEST_TIMEOUT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(pairs: &[(&str, &str)]) -> Result<Schedule, ConfigError> {
        let pairs = pairs.iter();
        let config = pairs.map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        Schedule::from_link(&config.collect())
    }

    #[test]
    fn an_empty_config_ticks_every_five_seconds() {
        let schedule = schedule(&[]).unwrap();
        assert_eq!(schedule.interval(), Duration::from_secs(5));
        assert_eq!(schedule.timeout(), Duration::from_secs(5));
    }

    #[test]
    fn the_interval_has_bounds() {
        for interval in ["100", "86400000"] {
            let schedule = schedule(&[("interval_ms", interval)]).unwrap();
            assert_eq!(schedule.interval_ms().to_string(), interval);
        }
        for interval in ["99", "86400001", "-5", "5s", ""] {
            let refused = schedule(&[("interval_ms", interval)]);
            assert_eq!(refused, Err(ConfigError::Interval), "{interval}");
        }
    }

    #[test]
    fn the_jitter_is_a_fraction_up_to_a_half() {
        for jitter in ["0", "0.25", "0.5"] {
            assert!(schedule(&[("jitter", jitter)]).is_ok(), "{jitter}");
        }
        for jitter in ["-0.1", "0.51", "NaN", "inf", "some", ""] {
            let refused = schedule(&[("jitter", jitter)]);
            assert_eq!(refused, Err(ConfigError::Jitter), "{jitter}");
        }
    }

    #[test]
    fn a_delay_stays_within_the_jitter() {
        let with_jitter = schedule(&[("interval_ms", "1000"), ("jitter", "0.2")]).unwrap();
        let delays: Vec<_> = (0..1000).map(|_| with_jitter.delay()).collect();
        assert!(delays.iter().all(|delay| delay.as_millis() <= 200));
        assert!(delays.iter().any(|delay| delay.as_millis() > 100));
        let without = schedule(&[("jitter", "0")]).unwrap();
        assert_eq!(without.delay(), Duration::ZERO);
    }

    #[test]
    fn a_timeout_is_bounded_whatever_the_interval() {
        let timeout = |interval| schedule(&[("interval_ms", interval)]).unwrap().timeout();
        assert_eq!(timeout("100"), SHORTEST_TIMEOUT);
        assert_eq!(timeout("86400000"), LONGEST_TIMEOUT);
    }
}
