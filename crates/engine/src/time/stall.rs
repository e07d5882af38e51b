//! Detection of stalls: times in which a load thread was stopped or had no CPU, and late wake-ups.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

const NEVER: u64 = u64::MAX;

/// Minimum time between two observations of a thread that counts as a stall.
const STALL_MIN_NS: u64 = 250_000_000;
/// Number of stalls that are kept for the requests in flight during them.
const STALLS_REMEMBERED: usize = 64;

/// Delays caused by a load thread itself, which do not count as the service's time.
pub(crate) struct StallDetector {
    /// When the thread was last observed to run; [`NEVER`] before the first observation.
    last_observed_ns: Cell<u64>,
    /// The longest delay of a wake-up since the last [`StallDetector::take_max_wakeup_delay_ns`].
    max_wakeup_delay_ns: Cell<u64>,
    stalls: RefCell<Stalls>,
}

/// The latest stalls.
#[derive(Default)]
struct Stalls {
    /// Start and end, in nanoseconds of the run's clock.
    spans: VecDeque<(u64, u64)>,
    /// The end of the last one.
    until_ns: u64,
    /// Total duration of those not taken yet.
    untaken_ns: u64,
}

impl StallDetector {
    pub(crate) fn new() -> Self {
        Self {
            last_observed_ns: Cell::new(NEVER),
            max_wakeup_delay_ns: Cell::new(0),
            stalls: RefCell::default(),
        }
    }

    /// Notes that the thread runs at this moment. Returns the duration of the stall that ends now, if there is one.
    #[inline]
    pub(crate) fn observe(&self, now_ns: u64) -> Option<u64> {
        let last_ns = self.last_observed_ns.replace(now_ns);
        let silent_ns = now_ns.saturating_sub(last_ns);
        (silent_ns > STALL_MIN_NS).then(|| {
            self.remember(last_ns, now_ns);
            silent_ns
        })
    }

    #[cold]
    fn remember(&self, from_ns: u64, to_ns: u64) {
        let mut stalls = self.stalls.borrow_mut();
        if stalls.spans.len() == STALLS_REMEMBERED {
            stalls.spans.pop_front();
        }
        stalls.spans.push_back((from_ns, to_ns));
        stalls.until_ns = to_ns;
        stalls.untaken_ns += to_ns - from_ns;
    }

    /// Duration for which the thread was stalled between two times.
    #[inline]
    pub(crate) fn stalled_ns(&self, from_ns: u64, to_ns: u64) -> u64 {
        let stalls = self.stalls.borrow();
        if stalls.until_ns <= from_ns {
            return 0;
        }
        let overlap =
            |(begin, end): &(u64, u64)| (*end).min(to_ns).saturating_sub((*begin).max(from_ns));
        stalls.spans.iter().map(overlap).sum()
    }

    /// Takes the time stalled since the last call.
    pub(crate) fn take_stalled_ns(&self) -> u64 {
        std::mem::take(&mut self.stalls.borrow_mut().untaken_ns)
    }

    /// Notes the delay of something that was due and had to wait for the thread.
    pub(crate) fn record_wakeup_delay(&self, delay_ns: u64) {
        let max_ns = self.max_wakeup_delay_ns.get().max(delay_ns);
        self.max_wakeup_delay_ns.set(max_ns);
    }

    /// Takes the longest delay of a wake-up since the last call.
    pub(crate) fn take_max_wakeup_delay_ns(&self) -> u64 {
        self.max_wakeup_delay_ns.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stall_counts_for_overlapping_requests_only() {
        let stall = StallDetector::new();
        for (now_ns, expected) in [
            (5_000_000_000, None),
            (5_250_000_000, None),
            (6_000_000_000, Some(750_000_000)),
        ] {
            assert_eq!(stall.observe(now_ns), expected);
        }
        assert_eq!(stall.stalled_ns(5_500_000_000, u64::MAX), 500_000_000);
        assert_eq!(stall.stalled_ns(0, 5_300_000_000), 50_000_000);
        assert_eq!(stall.stalled_ns(6_000_000_000, u64::MAX), 0);
        assert_eq!(stall.take_stalled_ns(), 750_000_000);
        assert_eq!(stall.take_stalled_ns(), 0);
    }
}
