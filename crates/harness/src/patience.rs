//! How long tests wait. None of them says so itself: a machine that is slow, or
//! busy with something else, must not decide what a test finds.

use std::fmt::Debug;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// A positive number by which all waits are longer: 3 for a busy machine.
const VARIABLE: &str = "STOA_TEST_PATIENCE";

/// The longest wait for anything that comes by itself.
const LONGEST: Duration = Duration::from_mins(2);

/// From one look to the next.
const PAUSE: Duration = Duration::from_millis(20);

/// How long to wait for what takes this long at most on a machine that has
/// nothing else to do: every bound of a wait in tests goes through here.
/// `STOA_TEST_PATIENCE` makes all of them longer.
///
/// # Panics
///
/// If the variable is not a positive number.
pub fn patience(wait: Duration) -> Duration {
    static FACTOR: OnceLock<f64> = OnceLock::new();
    let given = || std::env::var_os(VARIABLE).map(|given| given.to_string_lossy().into_owned());
    wait.mul_f64(*FACTOR.get_or_init(|| factor(given())))
}

/// Waits until something holds.
#[track_caller]
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    until(what, || holds().then_some(()).ok_or("not yet"));
}

/// Waits until something is found, and returns it. What was found instead is
/// told when the wait is over.
#[track_caller]
pub fn until<T, E: Debug>(what: &str, mut find: impl FnMut() -> Result<T, E>) -> T {
    let deadline = Instant::now() + patience(LONGEST);
    loop {
        match find() {
            Ok(found) => return found,
            Err(instead) => assert!(Instant::now() < deadline, "never came: {what}: {instead:?}"),
        }
        std::thread::sleep(PAUSE);
    }
}

fn factor(given: Option<impl AsRef<str>>) -> f64 {
    let Some(given) = given else {
        return 1.0;
    };
    let given = given.as_ref();
    match given.trim().parse() {
        Ok(factor) if (0.001..=1_000.0).contains(&factor) => factor,
        _ => panic!("{VARIABLE} must be a positive number, up to 1000, such as 3: not {given:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_factor_is_one_or_the_positive_number_that_is_given() {
        assert!((factor(None::<&str>) - 1.0).abs() < f64::EPSILON);
        for (given, expected) in [("3", 3.0), ("2.5", 2.5), (" 1 ", 1.0), ("0.5", 0.5)] {
            assert!(
                (factor(Some(given)) - expected).abs() < f64::EPSILON,
                "{given}"
            );
        }
    }

    #[test]
    fn anything_else_is_told() {
        for given in ["", "0", "-1", "three", "NaN", "inf", "1e9"] {
            let told = std::panic::catch_unwind(|| factor(Some(given)));
            let told = told
                .expect_err("no factor")
                .downcast::<String>()
                .expect("text");
            assert!(told.starts_with("STOA_TEST_PATIENCE must be"), "{told}");
        }
    }
}
