//! The run's clock: nanoseconds since the load started. All timestamps are in its time.

use std::time::{Duration, Instant};

use brunt_record::duration_ns;
use rustix::time::ClockId;

/// The run's clock. Copies show the same time.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    origin: Instant,
}

impl Clock {
    /// A clock that starts now.
    pub fn start() -> Self {
        Self {
            origin: Instant::now(),
        }
    }

    /// A clock that starts at a time of the machine's monotonic clock, which all processes share. The time may be in
    /// the past or in the future; before it, the clock shows 0.
    pub fn starting_at(moment: Duration) -> Self {
        let (now, machine) = (Instant::now(), Self::monotonic_now());
        let origin = match moment.checked_sub(machine) {
            Some(ahead) => now.checked_add(ahead),
            None => now.checked_sub(machine.saturating_sub(moment)),
        };
        Self {
            origin: origin.unwrap_or(now),
        }
    }

    /// Current time of the machine's monotonic clock.
    pub fn monotonic_now() -> Duration {
        let now = rustix::time::clock_gettime(ClockId::Monotonic);
        let whole = Duration::from_secs(now.tv_sec.unsigned_abs());
        whole + Duration::from_nanos(now.tv_nsec.unsigned_abs())
    }

    /// Nanoseconds since the start.
    #[inline]
    pub fn now_ns(&self) -> u64 {
        duration_ns(self.origin.elapsed())
    }

    /// Time since the start.
    pub fn elapsed(&self) -> Duration {
        self.origin.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clock_starts_at_the_given_time() {
        let now = Clock::monotonic_now();
        let begun = now
            .checked_sub(Duration::from_secs(5))
            .map(Clock::starting_at);
        let seconds = begun.map(|clock| clock.elapsed().as_secs());
        assert!(
            seconds.is_some_and(|seconds| (5..60).contains(&seconds)),
            "{seconds:?}"
        );
        let to_come = Clock::starting_at(now + Duration::from_secs(1_000));
        assert_eq!(to_come.elapsed(), Duration::ZERO);
    }
}
