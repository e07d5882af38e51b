//! The run's clock: nanoseconds since the load began. Everything that is timed is timed by it.

use std::time::{Duration, Instant};

/// The run's clock. Copies tell the same time.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    origin: Instant,
}

impl Clock {
    /// A clock that begins now.
    pub fn start() -> Self {
        Self {
            origin: Instant::now(),
        }
    }

    /// Nanoseconds since it began.
    #[inline]
    pub fn now_ns(&self) -> u64 {
        u64::try_from(self.origin.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Time since it began.
    pub fn elapsed(&self) -> Duration {
        self.origin.elapsed()
    }
}
