//! How long a mail waits after a try that failed.

/// How often a mail is tried.
pub(crate) const TRIES: i64 = 18;
/// What it waits after the first try, in milliseconds; then twice as long each
/// time. Seventeen waits are three days: 2 s * (2^17 - 1).
const FIRST: i64 = 2_000;

/// How long to wait after so many failures, in milliseconds. `random` takes off
/// up to a quarter, so that what failed together is not tried together.
pub(crate) fn delay(failures: i64, random: u32) -> i64 {
    let doublings = failures.clamp(1, TRIES) - 1;
    let longest = FIRST << doublings;
    longest - ((longest / 4 * i64::from(random >> 16)) >> 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 24 * 60 * 60 * 1_000;

    #[test]
    fn each_wait_is_twice_the_one_before() {
        assert_eq!([1, 2, 3].map(|n| delay(n, 0)), [2_000, 4_000, 8_000]);
        assert_eq!(delay(17, 0), 2_000 << 16);
    }

    #[test]
    fn chance_takes_off_a_quarter_at_most() {
        for failures in 1..TRIES {
            let (longest, shortest) = (delay(failures, 0), delay(failures, u32::MAX));
            assert!(
                shortest < longest && shortest >= longest / 4 * 3,
                "{failures}"
            );
        }
    }

    #[test]
    fn all_waits_together_are_three_days_at_most() {
        let all = |random| (1..TRIES).map(|n| delay(n, random)).sum::<i64>();
        assert!((DAY * 3..DAY * 3 + DAY / 24).contains(&all(0)));
        assert!(all(u32::MAX) > DAY * 2);
    }

    #[test]
    fn whatever_was_counted_there_is_a_wait() {
        assert_eq!(delay(0, 0), delay(1, 0));
        assert_eq!(delay(i64::MAX, 0), delay(TRIES, 0));
    }
}
