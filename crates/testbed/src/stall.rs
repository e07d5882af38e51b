//! Periodic stalls of a server.

use std::time::Duration;

/// A server that stalls periodically, as in a pause of a garbage collector: it sends no byte
/// during a stall, and everything that waited at the end of it.
///
/// If requests arrive evenly and get immediate responses otherwise, the share `freeze / every` of
/// them meets a stall and waits for a uniformly distributed time from 0 to `freeze`. The
/// response time at rank `q` is therefore `freeze × (1 − (1 − q) × every / freeze)`, or about 0 if that is
/// negative: with 2 s in 10 s, the p90 is 1.0 s, the p95 1.5 s and the p99 1.9 s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stall {
    /// Interval between the starts of two stalls.
    pub every: Duration,
    /// Duration of a stall.
    pub freeze: Duration,
    /// Time from the start of the server to the start of its first stall.
    pub first: Duration,
}

impl Stall {
    /// A stall of this duration in the middle of every interval, from the server's start on.
    ///
    /// # Panics
    /// If `freeze` is not shorter than `every`.
    pub fn new(every: Duration, freeze: Duration) -> Self {
        let rest = every.saturating_sub(freeze);
        assert!(
            !rest.is_zero(),
            "a stall of {freeze:?} must be shorter than its interval of {every:?}"
        );
        Self {
            every,
            freeze,
            first: rest / 2,
        }
    }

    /// Remaining time of a stall at a time after the server's start; `None` outside of stalls.
    pub fn left(&self, elapsed: Duration) -> Option<Duration> {
        let since_first = elapsed.checked_sub(self.first)?;
        let into_period = since_first.as_nanos() % self.every.as_nanos();
        let left = self.freeze.as_nanos().checked_sub(into_period)?;
        (left > 0).then(|| Duration::from_nanos_u128(left))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stall_is_in_the_middle_of_each_interval() {
        let stall = Stall::new(Duration::from_secs(10), Duration::from_secs(2));
        for (elapsed_ms, left_ms) in [
            (0, None),
            (3_999, None),
            (4_000, Some(2_000)),
            (5_500, Some(500)),
            (5_999, Some(1)),
            (6_000, None),
            (13_999, None),
            (14_000, Some(2_000)),
            (104_500, Some(1_500)),
        ] {
            assert_eq!(
                stall.left(Duration::from_millis(elapsed_ms)),
                left_ms.map(Duration::from_millis),
                "{elapsed_ms} ms after the start"
            );
        }
    }

    #[test]
    fn even_arrivals_have_the_documented_percentiles() {
        let stall = Stall::new(Duration::from_secs(10), Duration::from_secs(2));
        let mut waits_ms: Vec<u128> = (0..10_000)
            .map(|arrival| Duration::from_millis(arrival * 2))
            .map(|arrival| stall.left(arrival).unwrap_or_default().as_millis())
            .collect();
        waits_ms.sort_unstable();
        assert_eq!(
            [5_000, 9_000, 9_500, 9_900].map(|rank| waits_ms[rank]),
            [0, 1_002, 1_502, 1_902]
        );
    }
}
