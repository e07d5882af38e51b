//! Signals: what kept brunt itself from its work, when, and what to do about it, in words.

use brunt_record::{Interference, RunRecord};

use crate::convert::whole_number;
use crate::generator::cpu_starvation::Withheld;
use crate::number;

/// A second in which so much was withheld is told of, in milliseconds: where nothing hangs on it, and where
/// something does.
const NOTED_MS: f64 = 100.0;
const MATTERED_MS: f64 = 10.0;
/// A thread that has no time to spare is late if something due waited for it for so long.
const LATE_US: u64 = 1_000;
/// The system's clock is told to have been set from so much on, in milliseconds.
const STEP_MS: u64 = 100;
/// Where nothing hangs on it, it is told of where so much of the load had it.
const NOTED: f64 = 0.1;

/// What it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    Suspended,
    StoodStill,
    Throttled,
    Stolen,
    Waited,
    Saturated,
}

/// What kept brunt from its work.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Signal {
    cause: Cause,
    first: usize,
    last: usize,
    seconds: u64,
    /// In milliseconds; of a thread that was busy, of its CPU.
    total_ms: f64,
    worst_ms: f64,
    /// The mean pressure on the machine's CPUs meanwhile, in percent.
    pressure: Option<f64>,
}

impl Signal {
    /// The one that something hangs on.
    pub(crate) fn that_mattered(record: &RunRecord) -> Option<Self> {
        Self::gravest(record, MATTERED_MS)
    }

    /// One that is worth a word where nothing hangs on it.
    pub(crate) fn to_note(record: &RunRecord) -> Option<Self> {
        Self::gravest(record, NOTED_MS).filter(|signal| {
            let is_stop = matches!(signal.cause, Cause::Suspended | Cause::StoodStill);
            is_stop || signal.seconds as f64 >= NOTED * record.duration_s()
        })
    }

    /// The gravest one: a stop before all, then what took most.
    fn gravest(record: &RunRecord, from_ms: f64) -> Option<Self> {
        let of = |cause| Self::of(record, cause, from_ms);
        let stops = [Cause::Suspended, Cause::StoodStill];
        let others = [
            Cause::Throttled,
            Cause::Stolen,
            Cause::Waited,
            Cause::Saturated,
        ];
        let others = others.into_iter().filter_map(of);
        let most = others.max_by(|a, b| a.total_ms.total_cmp(&b.total_ms));
        stops.into_iter().find_map(of).or(most)
    }

    fn of(record: &RunRecord, cause: Cause, from_ms: f64) -> Option<Self> {
        let mut found: Option<Self> = None;
        for (at, second) in record.timeline.seconds().iter().enumerate() {
            let withheld = Withheld::in_second(record, at);
            let told = |ms: f64| if ms >= from_ms { ms } else { 0.0 };
            let is_busy = withheld.is_saturated && second.max_wakeup_delay_us >= LATE_US;
            let ms = match cause {
                Cause::Suspended => told(withheld.suspended_ms),
                Cause::StoodStill => second.generator_stall_ms as f64,
                Cause::Throttled => told(withheld.throttled_ms),
                Cause::Stolen => told(withheld.stolen_ms),
                Cause::Waited => told(withheld.waited_ms),
                Cause::Saturated if is_busy => second.busiest_thread_cpu_ms as f64,
                Cause::Saturated => 0.0,
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
        let told = within.filter_map(|reading| reading.interference?.pressure_percent);
        let told: Vec<f64> = told.collect();
        (!told.is_empty()).then(|| told.iter().sum::<f64>() / told.len() as f64)
    }

    /// What it was, and when.
    pub(crate) fn in_words(&self) -> String {
        let when = if self.first == self.last {
            format!("from second {} on", self.first)
        } else {
            format!("between seconds {} and {}", self.first, self.last)
        };
        let total = number::seconds(self.total_ms / 1e3);
        let often = format!(
            "in {} s {when}, for {} ms at worst",
            number::count(self.seconds),
            number::measured(self.worst_ms)
        );
        match self.cause {
            Cause::Suspended => format!("the machine was suspended for {total} {when}"),
            Cause::StoodStill => {
                format!("brunt itself stood still for {total} {when} (stopped, or without a CPU)")
            }
            Cause::Throttled => format!(
                "brunt itself was throttled {often} (the CPU quota of its control group was used up)"
            ),
            Cause::Stolen => {
                format!("brunt itself lost its CPU to the hypervisor {often} (steal)")
            }
            Cause::Waited => {
                let pressure = self.pressure.map_or_else(String::new, |percent| {
                    format!("; CPU pressure {} %", number::measured(percent))
                });
                format!(
                    "brunt itself waited for a CPU {often} (something else ran on its cores{pressure})"
                )
            }
            Cause::Saturated => format!(
                "brunt itself was saturated: its busiest thread used {} % of a core in {} s {when}",
                number::measured(self.total_ms / 10.0 / self.seconds.max(1) as f64),
                number::count(self.seconds)
            ),
        }
    }

    /// What to do about it.
    pub(crate) fn remedy(&self) -> &'static str {
        match self.cause {
            Cause::Suspended => "keep the machine awake",
            Cause::StoodStill => "find what stopped brunt",
            Cause::Throttled => "raise that quota (cpu.max), or make less load",
            Cause::Stolen => "run brunt where its cores are its own, or make less load",
            Cause::Waited => "give brunt a core of its own",
            Cause::Saturated => "give brunt more cores or threads, or make less load",
        }
    }
}

/// That the system's clock was set meanwhile.
pub(crate) fn clock_was_set(record: &RunRecord) -> Option<String> {
    let steps = record.readings.iter().filter_map(|reading| {
        let step_ms = reading.interference?.clock_step_ms?;
        (step_ms.unsigned_abs() >= STEP_MS).then_some((reading.at_ms, step_ms))
    });
    let (at_ms, step_ms) = steps.max_by_key(|(_, step_ms)| step_ms.unsigned_abs())?;
    let way = if step_ms < 0 { "back" } else { "forward" };
    Some(format!(
        "the system's clock was set {way} by {} at second {}; brunt measures by a monotonic clock, so \
         only its times of day are wrong",
        number::seconds(step_ms.unsigned_abs() as f64 / 1e3),
        whole_number(at_ms as f64 / 1e3)
    ))
}

/// What brunt could not see of its own machine, where it looked.
pub(crate) fn unseen(record: &RunRecord) -> Option<String> {
    // The first reading has nothing to compare with.
    let looks = record.readings.iter().skip(1);
    let looks: Vec<Interference> = looks.filter_map(|reading| reading.interference).collect();
    if looks.is_empty() {
        return None;
    }
    let never = |is_known: fn(&Interference) -> bool| !looks.iter().any(is_known);
    let seconds = record.timeline.seconds();
    let is_counted = seconds.iter().any(|second| second.timeslices > 0);
    let mut unseen = Vec::new();
    if !is_counted {
        unseen.push("its threads' wait for a CPU (schedstat)");
    }
    if never(|look| look.stolen_ms.is_some()) {
        unseen.push("steal (/proc/stat)");
    }
    if never(|look| look.throttled_ms.is_some()) {
        unseen.push("throttling (cpu.stat of its control group)");
    }
    if never(|look| {
        look.pressure_percent
            .or(look.group_pressure_percent)
            .is_some()
    }) {
        unseen.push("CPU pressure (/proc/pressure)");
    }
    (!unseen.is_empty()).then(|| format!("brunt could not see {} here", unseen.join(", ")))
}
