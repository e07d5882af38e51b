//! Waiting for a condition, up to a limit.

use std::thread;
use std::time::{Duration, Instant};

/// Calls `f` repeatedly until it returns a value, for tests that wait without fixed sleeps.
///
/// # Panics
/// If `bound` passes without a value. The message contains `what` was waited for.
#[track_caller]
pub fn wait_until<T>(bound: Duration, what: &str, mut f: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(value) = f() {
            return value;
        }
        let left = bound.saturating_sub(started.elapsed());
        assert!(
            !left.is_zero(),
            "timed out after {bound:?} waiting for {what}"
        );
        thread::sleep(pause.min(left));
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn returns_the_first_value() {
        let mut asked = 0;
        let value = wait_until(Duration::from_secs(10), "the third time", || {
            asked += 1;
            (asked == 3).then_some("here")
        });
        assert_eq!((value, asked), ("here", 3));
    }

    #[test]
    #[should_panic(expected = "timed out after 5ms waiting for rain")]
    fn panics_after_the_limit() {
        wait_until(Duration::from_millis(5), "rain", || None::<()>);
    }
}
