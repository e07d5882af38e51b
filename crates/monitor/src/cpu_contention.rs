//! Interference with brunt: steal, throttling by the quota of its control group, contention for its cores, and changes of the
//! clocks. Values that cannot be read are `None`.

use std::fs;
use std::time::Duration;

use brunt_record::Interference;
use rustix::time::{ClockId, Timespec, clock_gettime};

use crate::cgroup_quota::{Group, Quotas};
use crate::cpu_affinity::allowed_cpus;
use crate::pressure::waited_us;

/// Longest time between the readings of several clocks, in nanoseconds. If it is exceeded, they are read again.
const APART_NS: i128 = 1_000_000;
/// Largest number of repeated readings.
const READ_AGAIN: u32 = 5;

/// Monitor of interference, with the counters at the previous reading.
#[derive(Debug)]
pub(crate) struct ContentionMonitor {
    cores: Vec<usize>,
    groups: Vec<Group>,
    before: Option<Counters>,
}

/// Counters since the machine or the control group started.
#[derive(Debug, Clone, Copy)]
struct Counters {
    at: Duration,
    cores: Option<CoreTimes>,
    throttled: Option<Throttling>,
    pressure_us: Option<u64>,
    group_pressure_us: Option<u64>,
    clocks: Clocks,
}

/// CPU time of brunt's cores, in ticks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct CoreTimes {
    used: u64,
    stolen: u64,
}

/// Throttling counters of a control group.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Throttling {
    periods: u64,
    us: u64,
}

/// Offsets of two clocks from the monotonic clock, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Clocks {
    real_ns: i128,
    boot_ns: i128,
}

impl ContentionMonitor {
    /// Monitors the cores that the calling thread may use, and its control group.
    pub(crate) fn new() -> Self {
        Self {
            cores: allowed_cpus(),
            groups: Quotas::find().own_groups(),
            before: None,
        }
    }

    /// Interference since the previous reading; unknown at the first one.
    pub(crate) fn reading(&mut self, at: Duration) -> Interference {
        let now = self.counters(at);
        let before = self.before.replace(now);
        before.map_or_else(Interference::default, |before| now.since(&before))
    }

    fn counters(&self, at: Duration) -> Counters {
        let stat = fs::read_to_string("/proc/stat").ok();
        let of_group = |text: String| waited_us(&text);
        Counters {
            at,
            cores: stat.and_then(|text| core_times(&text, &self.cores)),
            throttled: throttled(&self.groups),
            pressure_us: fs::read_to_string("/proc/pressure/cpu")
                .ok()
                .and_then(|text| waited_us(&text)),
            group_pressure_us: self
                .groups
                .iter()
                .find_map(|group| group.read("cpu.pressure").and_then(of_group)),
            clocks: Clocks::read(),
        }
    }
}

impl Counters {
    fn since(&self, was: &Self) -> Interference {
        let tick_ms = 1_000.0 / rustix::param::clock_ticks_per_second().max(1) as f64;
        let ticks = |is: u64, was: u64| whole(is.saturating_sub(was) as f64 * tick_ms);
        let cores = self.cores.zip(was.cores);
        let throttled = self.throttled.zip(was.throttled);
        let elapsed_us = self.at.saturating_sub(was.at).as_micros() as f64;
        let percent = |is: Option<u64>, was: Option<u64>| {
            let waited_us = is?.saturating_sub(was?) as f64;
            (elapsed_us > 0.0).then(|| (waited_us / elapsed_us * 100.0).min(100.0))
        };
        let in_ms = |ns: i128| i64::try_from(ns / 1_000_000).unwrap_or(i64::MAX);
        let suspended_ms = in_ms(self.clocks.boot_ns - was.clocks.boot_ns);
        Interference {
            stolen_ms: cores.map(|(is, was)| ticks(is.stolen, was.stolen)),
            used_ms: cores.map(|(is, was)| ticks(is.used, was.used)),
            throttled_periods: throttled.map(|(is, was)| is.periods.saturating_sub(was.periods)),
            throttled_ms: throttled.map(|(is, was)| is.us.saturating_sub(was.us) / 1_000),
            pressure_percent: percent(self.pressure_us, was.pressure_us),
            group_pressure_percent: percent(self.group_pressure_us, was.group_pressure_us),
            // A suspend also advances the system clock, which is not a step.
            clock_step_ms: Some(in_ms(self.clocks.real_ns - was.clocks.real_ns) - suspended_ms),
            suspended_ms: Some(u64::try_from(suspended_ms).unwrap_or(0)),
        }
    }
}

impl Clocks {
    fn read() -> Self {
        let ns =
            |time: Timespec| i128::from(time.tv_sec) * 1_000_000_000 + i128::from(time.tv_nsec);
        let now_ns = |clock| ns(clock_gettime(clock));
        let read = || {
            let before_ns = now_ns(ClockId::Monotonic);
            let (real_ns, boot_ns) = (now_ns(ClockId::Realtime), now_ns(ClockId::Boottime));
            let after_ns = now_ns(ClockId::Monotonic);
            let clocks = Self {
                real_ns: real_ns - before_ns,
                boot_ns: boot_ns - before_ns,
            };
            (after_ns - before_ns, clocks)
        };
        // A thread that loses its CPU between two clocks would report a step that did not happen.
        let mut best = read();
        for _ in 0..READ_AGAIN {
            if best.0 <= APART_NS {
                break;
            }
            let again = read();
            if again.0 < best.0 {
                best = again;
            }
        }
        best.1
    }
}

/// CPU times of these cores, from `/proc/stat`.
fn core_times(stat: &str, cores: &[usize]) -> Option<CoreTimes> {
    let mut sum = None;
    for line in stat.lines() {
        let mut words = line.split_ascii_whitespace();
        let core = words.next().and_then(|word| word.strip_prefix("cpu"));
        let Some(core) = core.and_then(|number| number.parse().ok()) else {
            continue;
        };
        if !cores.contains(&core) {
            continue;
        }
        // User, nice, system, idle, waiting for a disk, interrupts, soft interrupts, stolen.
        let times: Vec<u64> = words.map_while(|word| word.parse().ok()).collect();
        let [user, nice, system, _, _, interrupts, soft, stolen, ..] = times[..] else {
            return None;
        };
        let sum = sum.get_or_insert_with(CoreTimes::default);
        sum.used += user + nice + system + interrupts + soft;
        sum.stolen += stolen;
    }
    sum
}

/// Counters of the group that was throttled most. A group without a quota has no such counters and is not throttled.
fn throttled(groups: &[Group]) -> Option<Throttling> {
    let stats = groups.iter().filter_map(|group| group.read("cpu.stat"));
    stats
        .map(|stat| throttled_in(&stat))
        .max_by_key(|throttled| throttled.us)
}

fn throttled_in(stat: &str) -> Throttling {
    let field = |name: &str| {
        let mut lines = stat.lines().filter_map(|line| line.split_once(' '));
        let found = lines.find(|(key, _)| *key == name)?;
        found.1.trim().parse::<u64>().ok()
    };
    // Version 2 counts in microseconds, version 1 in nanoseconds.
    let us = field("throttled_usec").or_else(|| Some(field("throttled_time")? / 1_000));
    Throttling {
        periods: field("nr_throttled").unwrap_or(0),
        us: us.unwrap_or(0),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "milliseconds of counters that do not go back"
)]
fn whole(ms: f64) -> u64 {
    ms.round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_selected_cores_count() {
        let stat = "cpu  111 0 0 9 0 0 0 30 0 0\n\
                    cpu0 100 20 30 1000 50 3 7 40 60 5\n\
                    cpu1 1 1 1 500 0 1 1 2 0 0\n\
                    cpu12 9 9 9 9 9 9 9 9 9 9\nintr 5 6\n";
        let times = |cores: &[usize]| core_times(stat, cores);
        let expected = |used, stolen| Some(CoreTimes { used, stolen });
        assert_eq!(times(&[0]), expected(160, 40));
        assert_eq!(times(&[1]), expected(5, 2));
        assert_eq!(times(&[0, 1]), expected(165, 42));
        assert_eq!(times(&[3]), None);
        assert_eq!(core_times("cpu0 1 2 3\n", &[0]), None);
        assert_eq!(core_times("", &[0]), None);
    }

    #[test]
    fn throttling_is_read_in_both_versions() {
        let two = "usage_usec 5\nnr_periods 90\nnr_throttled 7\nthrottled_usec 350000\n";
        let one = "nr_periods 90\nnr_throttled 7\nthrottled_time 350000000\n";
        let expected = Throttling {
            periods: 7,
            us: 350_000,
        };
        assert_eq!(throttled_in(two), expected);
        assert_eq!(throttled_in(one), expected);
        assert_eq!(throttled_in("usage_usec 5\n"), Throttling::default());
        assert_eq!(throttled(&[]), None);
    }

    #[test]
    fn pressure_is_the_total_of_some() {
        let text = "some avg10=11.83 avg60=8.40 avg300=4.18 total=22304910\n\
                    full avg10=0.00 avg60=0.00 avg300=0.00 total=7\n";
        assert_eq!(waited_us(text), Some(22_304_910));
        assert_eq!(waited_us("full total=3\n"), None);
    }

    fn counters(at_s: u64) -> Counters {
        Counters {
            at: Duration::from_secs(at_s),
            cores: None,
            throttled: None,
            pressure_us: None,
            group_pressure_us: None,
            clocks: Clocks {
                real_ns: 1_000_000_000,
                boot_ns: 0,
            },
        }
    }

    #[test]
    fn counters_that_cannot_be_read_do_not_affect_the_others() {
        let unknown = counters(2).since(&counters(1));
        let expected = Interference {
            clock_step_ms: Some(0),
            suspended_ms: Some(0),
            ..Interference::default()
        };
        assert_eq!(unknown, expected);
        let mut later = counters(3);
        later.pressure_us = Some(1_600_000);
        let mut before = counters(1);
        before.pressure_us = Some(600_000);
        assert_eq!(later.since(&before).pressure_percent, Some(50.0));
    }

    #[test]
    fn clock_step_and_suspend_are_distinguished() {
        let mut set_back = counters(2);
        set_back.clocks.real_ns -= 2_500_000_000;
        let interference = set_back.since(&counters(1));
        assert_eq!(
            (interference.clock_step_ms, interference.suspended_ms),
            (Some(-2_500), Some(0))
        );
        let mut slept = counters(2);
        slept.clocks.real_ns += 60_000_000_000;
        slept.clocks.boot_ns += 60_000_000_000;
        let interference = slept.since(&counters(1));
        assert_eq!(
            (interference.clock_step_ms, interference.suspended_ms),
            (Some(0), Some(60_000))
        );
    }

    #[test]
    fn second_reading_of_this_process_has_values() {
        let mut monitor = ContentionMonitor::new();
        assert_eq!(
            monitor.reading(Duration::from_secs(1)),
            Interference::default()
        );
        let second = monitor.reading(Duration::from_secs(2));
        assert!(second.stolen_ms.is_some() && second.used_ms.is_some());
        // The clock of a machine that runs tests is not set by a minute.
        let step_ms = second.clock_step_ms.expect("always known");
        assert!(step_ms.abs() < 60_000, "{step_ms}");
    }
}
