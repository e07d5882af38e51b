//! CPU starvation: how long the generator's threads were ready but did not run, for whatever reason, and how much
//! that may have added to the requests of the same time.
//!
//! The kernel counts waits for a CPU, the hypervisor counts steal, the control group counts throttling. During all of
//! it, nobody read responses that had arrived. How it was distributed over the requests is unknown, so the more
//! favorable of two assumptions is used: a little at each wake-up, or all of it at once on a few requests.

use std::ops::Range;

use brunt_record::RunRecord;

/// A slow request may have waited several times the mean, since slow ones waited longer, and more than once.
const WAITS: f64 = 4.0;
/// Longer waits are recorded as generator stalls, and known per request: in milliseconds.
const STILL_MS: f64 = 250.0;
/// A thread that runs, or is ready to, for this part of a second is saturated, in milliseconds.
const SATURATED_MS: f64 = 900.0;
/// A second in which the machine was suspended for this long shows nothing, in milliseconds.
const ASLEEP_MS: f64 = 100.0;

/// CPU starvation during some time.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct CpuStarvation {
    /// Waits for a CPU while other processes ran on the generator's cores: milliseconds, summed over its threads.
    pub(crate) waited_ms: f64,
    /// Throttling by the CPU quota of the generator's control group.
    pub(crate) throttled_ms: f64,
    /// Steal: time that the hypervisor gave to other machines.
    pub(crate) stolen_ms: f64,
    /// Suspension of the machine.
    pub(crate) suspended_ms: f64,
    /// Whether a thread ran, or was ready to, all the time, so that every event waited for it.
    pub(crate) is_saturated: bool,
    /// Time that each request may have waited, in nanoseconds.
    each_ns: f64,
    /// Proportion of the requests that may have waited longer (0 to 1) …
    share: f64,
    /// … and for how long, in nanoseconds.
    longest_ns: f64,
}

impl CpuStarvation {
    /// Reads one second of the run.
    pub(crate) fn in_second(record: &RunRecord, second: usize) -> Self {
        let Some(counts) = record.timeline.seconds().get(second) else {
            return Self::default();
        };
        let threads = f64::from(record.header.generator.threads.max(1));
        let totals = InterferenceTotals::in_second(record, second);
        let waited_ms = counts.cpu_wait_ms as f64;
        // A thread that waits for its quota is waiting for a CPU, too: most kernels count it in both.
        let throttled_ms = totals.throttled.min(threads * 1e3);
        let own = match counts.timeslices {
            0 => 1.0,
            _ => (counts.cpu_ms as f64 / totals.used.max(1.0)).min(1.0),
        };
        let stolen_ms = (totals.stolen * own).min(threads * 1e3);
        let all_ms = waited_ms.max(throttled_ms) + stolen_ms;
        let beside_ms = all_ms - waited_ms;
        let each_ms = match counts.timeslices {
            0 => 0.0,
            timeslices => beside_ms / timeslices as f64,
        };
        let each_ms = WAITS * (each_ms + counts.cpu_wait_mean_us as f64 / 1e3);
        let is_saturated = counts.busiest_thread_cpu_ms as f64 + all_ms / threads >= SATURATED_MS;
        Self {
            waited_ms: (waited_ms - throttled_ms).max(0.0),
            throttled_ms,
            stolen_ms,
            suspended_ms: totals.suspended,
            is_saturated,
            each_ns: each_ms.min(all_ms) * 1e6,
            share: if is_saturated {
                1.0
            } else {
                (all_ms / (threads * 1e3)).min(1.0)
            },
            longest_ns: (counts.max_wakeup_delay_us as f64).min(STILL_MS * 1e3) * 1e3,
        }
    }

    /// Combines several seconds: the maximum of each value, and the mean proportion.
    pub(crate) fn in_seconds(record: &RunRecord, seconds: Range<usize>) -> Self {
        let length = seconds.len().max(1) as f64;
        let mut sum = Self::default();
        for second in seconds {
            let next = Self::in_second(record, second);
            sum.waited_ms += next.waited_ms;
            sum.throttled_ms += next.throttled_ms;
            sum.stolen_ms += next.stolen_ms;
            sum.suspended_ms += next.suspended_ms;
            sum.is_saturated |= next.is_saturated;
            sum.each_ns = sum.each_ns.max(next.each_ns);
            sum.share += next.share / length;
            sum.longest_ns = sum.longest_ns.max(next.longest_ns);
        }
        sum
    }

    /// Reads an interval of histograms.
    pub(crate) fn in_interval(record: &RunRecord, interval: usize) -> Self {
        let width = record.timeline.width_s() as usize;
        Self::in_seconds(record, interval * width..(interval + 1) * width)
    }

    /// The number of requests that still miss a threshold without starvation; `missing` counts the misses if each
    /// request is shortened by some nanoseconds.
    pub(crate) fn still_missing(&self, all: u64, missing: impl Fn(u64) -> u64) -> f64 {
        let totals = missing(0) as f64;
        let shorter_by = |ns: f64| {
            if ns < 1.0 {
                totals
            } else {
                missing(whole(ns)) as f64
            }
        };
        let evenly = shorter_by(self.each_ns);
        let at_once = (totals - shorter_by(self.longest_ns)).min(self.share * all as f64);
        evenly.min(totals - at_once)
    }

    /// The time that it may have added to the mean, in milliseconds.
    pub(crate) fn mean_ms(&self) -> f64 {
        self.each_ns.max(self.share * self.longest_ns) / 1e6
    }

    /// The time that it may have added to the longest request, in milliseconds.
    pub(crate) fn longest_ms(&self) -> f64 {
        let at_once = if self.share > 0.0 {
            self.longest_ns
        } else {
            0.0
        };
        self.each_ns.max(at_once) / 1e6
    }

    /// The proportion of the users' time that it may have taken (0 to 1).
    pub(crate) fn share(&self) -> f64 {
        self.share
    }

    /// Returns whether the machine was suspended: requests of that time show nothing.
    pub(crate) fn was_suspended(&self) -> bool {
        self.suspended_ms >= ASLEEP_MS
    }
}

/// The proportion of some seconds in which a thread was saturated (0 to 1).
pub(crate) fn saturated_share(record: &RunRecord, seconds: Range<usize>) -> f64 {
    let length = seconds.len().max(1) as f64;
    let saturated = seconds.filter(|second| CpuStarvation::in_second(record, *second).is_saturated);
    saturated.count() as f64 / length
}

/// Readings of the monitor for a second, in milliseconds; a reading covers the time since the previous one evenly.
#[derive(Default)]
struct InterferenceTotals {
    stolen: f64,
    used: f64,
    throttled: f64,
    suspended: f64,
}

impl InterferenceTotals {
    fn in_second(record: &RunRecord, second: usize) -> Self {
        let readings = &record.readings;
        let (begin_ms, end_ms) = (second as f64 * 1e3, (second + 1) as f64 * 1e3);
        let first = readings.after((second * 1_000) as u64);
        let mut totals = Self::default();
        let mut before_ms = first
            .checked_sub(1)
            .and_then(|at| Some(readings.get(at)?.at_ms));
        for reading in (first..readings.len()).filter_map(|at| readings.get(at)) {
            // The first reading has no predecessor.
            let Some(from_ms) = before_ms.replace(reading.at_ms) else {
                continue;
            };
            let (from_ms, to_ms) = (from_ms as f64, reading.at_ms as f64);
            if from_ms >= end_ms {
                break;
            }
            let Some(interference) = &reading.interference else {
                continue;
            };
            let ramp_ms = to_ms.min(end_ms) - from_ms.max(begin_ms);
            let part = (ramp_ms / (to_ms - from_ms).max(1.0)).clamp(0.0, 1.0);
            let part_of = |ms: Option<u64>| ms.map_or(0.0, |ms| ms as f64 * part);
            totals.stolen += part_of(interference.stolen_ms);
            totals.used += part_of(interference.used_ms);
            totals.throttled += part_of(interference.throttled_ms);
            // A suspension is not distributed: the run's clock stood still.
            let middle_ms = f64::midpoint(from_ms, to_ms);
            if (begin_ms..end_ms).contains(&middle_ms) {
                totals.suspended += interference.suspended_ms.map_or(0.0, |ms| ms as f64);
            }
        }
        totals
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float cast saturates, and durations are not negative"
)]
fn whole(ns: f64) -> u64 {
    ns as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A hundred requests of 1, 2, … 100 ms with a limit of 90 ms.
    fn missing(shorter_by_ns: u64) -> u64 {
        (1..=100u64)
            .filter(|ms| (ms * 1_000_000).saturating_sub(shorter_by_ns) > 90_000_000)
            .count() as u64
    }

    #[test]
    fn starvation_excuses_all_requests_a_little_or_a_few_by_much() {
        let still_missing = |each_ms: f64, share, longest_ms: f64| {
            let starvation = CpuStarvation {
                each_ns: each_ms * 1e6,
                share,
                longest_ns: longest_ms * 1e6,
                ..CpuStarvation::default()
            };
            starvation.still_missing(100, missing)
        };
        for (each_ms, share, longest_ms, expected) in [
            (0.0, 0.0, 0.0, 10.0),
            // Each request a little.
            (4.0, 0.0, 0.0, 6.0),
            // At most as many as it affected, and by no more than something waited.
            (0.0, 0.03, 50.0, 7.0),
            (0.0, 0.5, 50.0, 0.0),
            (0.0, 0.5, 4.0, 6.0),
            // It is the same time, so it is not subtracted twice.
            (4.0, 0.03, 50.0, 6.0),
        ] {
            let found: f64 = still_missing(each_ms, share, longest_ms);
            assert!(
                (found - expected).abs() < 1e-9,
                "{each_ms} {share} {longest_ms}: {found}"
            );
        }
    }
}
