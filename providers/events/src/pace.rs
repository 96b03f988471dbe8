//! How long things take: tries, leases, waits. One place for all of them,
//! because each has to be longer or shorter than another.

use std::time::Duration;

/// The times of a handler's deliveries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// From the first failure to the second try; doubles with each.
    pub first_backoff: Duration,
    /// The longest time from one try to the next.
    pub last_backoff: Duration,
    /// An event that failed so many times is dead.
    pub tries: u32,
    /// How much longer than a handler may take the broker waits before it
    /// brings an event to somebody else. A call that a process made just
    /// before its lease ran out has ended by then, if this is more than
    /// `lease` and a third.
    pub margin: Duration,
    /// How long a host may be silent before another one takes over. A bucket
    /// on the broker has it, so it is the same for all.
    pub lease: Duration,
    /// How long the broker holds a request for events while there are none.
    pub pull: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            first_backoff: Duration::from_secs(1),
            last_backoff: Duration::from_mins(10),
            tries: 12,
            margin: Duration::from_secs(15),
            lease: Duration::from_secs(10),
            pull: Duration::from_millis(500),
        }
    }
}

impl Pace {
    /// How often a host says that it is there, and that it has not forgotten
    /// the events it holds.
    pub fn beat(&self) -> Duration {
        self.lease / 3
    }

    /// From this failure, 1 for the first, to the next try; `None`: it was the
    /// last one.
    pub fn backoff(&self, failures: u32) -> Option<Duration> {
        (failures < self.tries).then(|| {
            let doubled = 2_u32.saturating_pow(failures.saturating_sub(1));
            self.first_backoff
                .saturating_mul(doubled)
                .min(self.last_backoff)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backoff_doubles_up_to_its_limit_and_ends_with_the_tries() {
        let pace = Pace::default();
        let seconds: Vec<_> = (1..)
            .map_while(|failures| pace.backoff(failures))
            .map(|backoff| backoff.as_secs())
            .collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600]);
    }

    #[test]
    fn a_single_try_is_never_repeated() {
        let pace = Pace {
            tries: 1,
            ..Pace::default()
        };
        assert_eq!(pace.backoff(1), None);
    }
}
