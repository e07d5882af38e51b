//! Generator signals: what kept the generator from its work, when, and the remedy, in words.

use brunt_record::{Interference, RunRecord};

use crate::convert::whole_number;
use crate::generator::cpu_starvation::CpuStarvation;
use crate::number;

/// The starvation per second from which a second is reported, in milliseconds: if it changed no result, and if it
/// did.
const NOTED_MS: f64 = 100.0;
const RELEVANT_MS: f64 = 10.0;
/// A saturated thread is late if a due event waited for it this long.
const LATE_US: u64 = 1_000;
/// The smallest change of the system clock that is reported, in milliseconds.
const STEP_MS: u64 = 100;
/// The proportion of the load's seconds from which a signal without consequences is reported.
const NOTED: f64 = 0.1;

/// Cause of a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SignalCause {
    Suspended,
    Stalled,
    Throttled,
    Stolen,
    Waited,
    Saturated,
}

/// A period in which the generator was kept from its work.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct GeneratorSignal {
    cause: SignalCause,
    first: usize,
    last: usize,
    seconds: u64,
    /// In milliseconds: lost time, or CPU time of a saturated thread.
    total_ms: f64,
    worst_ms: f64,
    /// Mean CPU pressure of the machine during that time, in percent.
    pressure: Option<f64>,
}

impl GeneratorSignal {
    /// The signal that explains a changed result.
    pub(crate) fn relevant(record: &RunRecord) -> Option<Self> {
        Self::strongest(record, RELEVANT_MS)
    }

    /// A signal that is worth a note although it changed no result.
    pub(crate) fn notable(record: &RunRecord) -> Option<Self> {
        Self::strongest(record, NOTED_MS).filter(|signal| {
            let is_stop = matches!(signal.cause, SignalCause::Suspended | SignalCause::Stalled);
            is_stop || signal.seconds as f64 >= NOTED * record.duration_s()
        })
    }

    /// The strongest signal: suspension and stalls first, then the one that took most time.
    fn strongest(record: &RunRecord, from_ms: f64) -> Option<Self> {
        let of = |cause| Self::of(record, cause, from_ms);
        let stops = [SignalCause::Suspended, SignalCause::Stalled];
        let others = [
            SignalCause::Throttled,
            SignalCause::Stolen,
            SignalCause::Waited,
            SignalCause::Saturated,
        ];
        let others = others.into_iter().filter_map(of);
        let most = others.max_by(|a, b| a.total_ms.total_cmp(&b.total_ms));
        stops.into_iter().find_map(of).or(most)
    }

    fn of(record: &RunRecord, cause: SignalCause, from_ms: f64) -> Option<Self> {
        let mut found: Option<Self> = None;
        for (at, second) in record.timeline.seconds().iter().enumerate() {
            let starvation = CpuStarvation::in_second(record, at);
            let relevant = |ms: f64| if ms >= from_ms { ms } else { 0.0 };
            let is_busy = starvation.is_saturated && second.max_wakeup_delay_us >= LATE_US;
            let ms = match cause {
                SignalCause::Suspended => relevant(starvation.suspended_ms),
                SignalCause::Stalled => second.generator_stall_ms as f64,
                SignalCause::Throttled => relevant(starvation.throttled_ms),
                SignalCause::Stolen => relevant(starvation.stolen_ms),
                SignalCause::Waited => relevant(starvation.waited_ms),
                SignalCause::Saturated if is_busy => second.busiest_thread_cpu_ms as f64,
                SignalCause::Saturated => 0.0,
            };
            if ms <= 0.0 {
                continue;
            }
            let signal = found.get_or_insert(Self {
                cause,
                first: at,
                last: at,
                seconds: 0,
                total_ms: 0.0,
                worst_ms: 0.0,
                pressure: None,
            });
            signal.last = at;
            signal.seconds += 1;
            signal.total_ms += ms;
            signal.worst_ms = signal.worst_ms.max(ms);
        }
        found.map(|signal| Self {
            pressure: signal.pressure(record),
            ..signal
        })
    }

    fn pressure(&self, record: &RunRecord) -> Option<f64> {
        let (from_ms, to_ms) = (self.first as f64 * 1e3, (self.last + 2) as f64 * 1e3);
        let within = record.readings.iter().filter(|reading| {
            let at_ms = reading.at_ms as f64;
            at_ms > from_ms && at_ms <= to_ms
        });
        let percents = within.filter_map(|reading| reading.interference?.pressure_percent);
        let percents: Vec<f64> = percents.collect();
        (!percents.is_empty()).then(|| percents.iter().sum::<f64>() / percents.len() as f64)
    }

    /// Describes the cause and the time.
    pub(crate) fn in_words(&self) -> String {
        let when = if self.first == self.last {
            format!("from second {} on", self.first)
        } else {
            format!("between seconds {} and {}", self.first, self.last)
        };
        let total = number::seconds(self.total_ms / 1e3);
        let extent = format!(
            "for up to {} ms per second, in {} s {when}",
            number::measured(self.worst_ms),
            number::count(self.seconds)
        );
        match self.cause {
            SignalCause::Suspended => format!("the machine was suspended for {total} {when}"),
            SignalCause::Stalled => {
                format!("brunt itself stalled for {total} {when} (stopped, or without a CPU)")
            }
            SignalCause::Throttled => format!(
                "brunt itself was throttled {extent} (the CPU quota of its control group was used up)"
            ),
            SignalCause::Stolen => {
                format!("brunt itself lost its CPU to the hypervisor {extent} (steal)")
            }
            SignalCause::Waited => {
                let pressure = self.pressure.map_or_else(String::new, |percent| {
                    format!("; CPU pressure {} %", number::measured(percent))
                });
                format!(
                    "brunt itself waited for a CPU {extent} (other processes ran on its cores{pressure})"
                )
            }
            SignalCause::Saturated => format!(
                "brunt itself was saturated: its busiest thread used {} % of a core in {} s {when}",
                number::measured(self.total_ms / 10.0 / self.seconds.max(1) as f64),
                number::count(self.seconds)
            ),
        }
    }

    /// The remedy.
    pub(crate) fn remedy(&self) -> &'static str {
        match self.cause {
            SignalCause::Suspended => "keep the machine awake",
            SignalCause::Stalled => "find out what stopped brunt",
            SignalCause::Throttled => "raise that quota (cpu.max), or reduce the load",
            SignalCause::Stolen => "run brunt on dedicated cores, or reduce the load",
            SignalCause::Waited => "give brunt a dedicated core",
            SignalCause::Saturated => "give brunt more cores or threads, or reduce the load",
        }
    }
}

/// Reports that the system clock was set during the run.
pub(crate) fn clock_was_set(record: &RunRecord) -> Option<String> {
    let steps = record.readings.iter().filter_map(|reading| {
        let step_ms = reading.interference?.clock_step_ms?;
        (step_ms.unsigned_abs() >= STEP_MS).then_some((reading.at_ms, step_ms))
    });
    let (at_ms, step_ms) = steps.max_by_key(|(_, step_ms)| step_ms.unsigned_abs())?;
    let way = if step_ms < 0 { "back" } else { "forward" };
    Some(format!(
        "the system clock was set {way} by {} at second {}; brunt measures with a monotonic clock, so \
         only its wall-clock times are wrong",
        number::seconds(step_ms.unsigned_abs() as f64 / 1e3),
        whole_number(at_ms as f64 / 1e3)
    ))
}

/// Names the sources of the generator's own machine that could not be read.
pub(crate) fn unavailable_sources(record: &RunRecord) -> Option<String> {
    // The first reading has no predecessor.
    let looks = record.readings.iter().skip(1);
    let looks: Vec<Interference> = looks.filter_map(|reading| reading.interference).collect();
    if looks.is_empty() {
        return None;
    }
    let never = |is_known: fn(&Interference) -> bool| !looks.iter().any(is_known);
    let seconds = record.timeline.seconds();
    let is_counted = seconds.iter().any(|second| second.timeslices > 0);
    let mut unavailable_sources = Vec::new();
    if !is_counted {
        unavailable_sources.push("its threads' wait for a CPU (schedstat)");
    }
    if never(|look| look.stolen_ms.is_some()) {
        unavailable_sources.push("steal (/proc/stat)");
    }
    if never(|look| look.throttled_ms.is_some()) {
        unavailable_sources.push("throttling (cpu.stat of its control group)");
    }
    if never(|look| {
        look.pressure_percent
            .or(look.group_pressure_percent)
            .is_some()
    }) {
        unavailable_sources.push("CPU pressure (/proc/pressure)");
    }
    (!unavailable_sources.is_empty()).then(|| {
        format!(
            "brunt could not read {} on this machine",
            unavailable_sources.join(", ")
        )
    })
}
