//! Limits of the values in a record. A record file is untrusted input: impossible values are rejected when it is read, so
//! that code that judges or renders a record can add them up without checks.

use jiff::SignedDuration;

use crate::clock::SECONDS_MAX;
use crate::{
    Command, Ending, Event, Header, Interference, Load, MachineReading, Metric, MetricsSnapshot,
    NameSet, Pressure, ProcessReading, Reading, Second, Target,
};

/// Largest number of request names, user classes, targets or monitored processes.
pub const NAMES_MAX: usize = 10_000;
/// Largest number of stages.
const STAGES_MAX: usize = 100_000;
/// End of the longest run, in milliseconds of its clock.
const RUN_MS_MAX: u64 = SECONDS_MAX as u64 * 1_000;
/// Largest sum of all counts of a record: an exact integer in a double, and so in JSON.
const COUNT_MAX: u64 = 1 << 53;
/// Largest magnitude of a level, a threshold or a reading.
const VALUE_MAX: f64 = COUNT_MAX as f64;

/// Result of a check: the error describes the impossible value.
pub(crate) type LimitCheck = Result<(), String>;

/// Checks the header: names, classes, targets and planned load.
pub(crate) fn header(header: &Header) -> LimitCheck {
    let names = header.names.len();
    for (what, length) in [
        ("request names", names),
        ("user classes", header.classes.len()),
        ("targets", header.targets.len()),
        ("planned shares", header.planned_shares.len()),
        ("names without requests", header.not_requested.len()),
        (
            "monitored processes",
            header.generator.additional_targets.len(),
        ),
    ] {
        at_most(what, length as u64, NAMES_MAX as u64)?;
    }
    for (_, share) in &header.classes {
        value("a class's share", *share)?;
    }
    for share in header.planned_shares.iter().flatten() {
        value("a planned share", *share)?;
    }
    for id in &header.not_requested {
        known_name(id.index(), names)?;
    }
    for judged in &header.targets {
        target(judged, names)?;
    }
    optional("min_duration", header.min_duration_s)?;
    let generator = &header.generator;
    for timeout in [
        Some(generator.connect_timeout_s),
        Some(generator.tls_timeout_s),
        generator.first_byte_timeout_s,
        Some(generator.timeout_s),
        Some(generator.stop_timeout_s),
        generator.capacity_rps,
    ] {
        optional("a timeout or a capacity", timeout)?;
    }
    load(&header.load)?;
    let longest = SignedDuration::from_secs(SECONDS_MAX.into());
    let end = header.started_at.checked_add(longest);
    end.map(drop)
        .map_err(|_| format!("a start at {}", header.started_at))
}

fn target(target: &Target, names: usize) -> LimitCheck {
    let ids = target.scope.as_ref().map_or(&[][..], NameSet::ids);
    for id in ids {
        known_name(id.index(), names)?;
    }
    if let Metric::Percentile(q) = target.metric
        && !(0.0..=1.0).contains(&q)
    {
        return Err(format!("a percentile of {q} (must be 0 to 1)"));
    }
    for threshold in [target.target, target.acceptable, target.critical] {
        optional("a threshold", threshold)?;
    }
    Ok(())
}

fn known_name(id: usize, names: usize) -> LimitCheck {
    if id < names {
        return Ok(());
    }
    Err(format!(
        "request name number {id} is not among the {names} of the run"
    ))
}

fn load(load: &Load) -> LimitCheck {
    at_most(
        "loads in parallel",
        load.concurrent.len() as u64,
        NAMES_MAX as u64,
    )?;
    for part in load.parts() {
        at_most("stages", part.stages.len() as u64, STAGES_MAX as u64)?;
        for stage in &part.stages {
            level("a stage's length", stage.seconds)?;
            level("a stage's level", stage.from)?;
            level("a stage's level", stage.to)?;
        }
        level("a warm-up", part.warm_up_s)?;
        level("a longest duration", part.until_decided_s.unwrap_or(0.0))?;
        level("a task rate", part.tasks_per_user_second.unwrap_or(0.0))?;
        level("a number of requests per task", part.requests_per_task)?;
        if let Some(search) = part.search {
            level("the first level of a search", search.from)?;
            level("the last level of a search", search.to.unwrap_or(0.0))?;
            value("the precision of a search", search.precision)?;
        }
    }
    if load
        .concurrent
        .iter()
        .any(|part| !part.concurrent.is_empty())
    {
        return Err("loads in parallel with a load in parallel".into());
    }
    Ok(())
}

/// Checks a command.
pub(crate) fn event(event: &Event) -> LimitCheck {
    moment("a command", event.at_ms)?;
    match &event.command {
        Command::Level(set) => {
            moment("a level", set.from_ms)?;
            moment("a level's ramp", set.ramp_ms)?;
            level("a level", set.level)
        }
        Command::Stop | Command::Abort => Ok(()),
    }
}

/// Checks the ending.
pub(crate) fn ending(ending: &Ending, header: &Header) -> LimitCheck {
    moment("the end of the load", ending.load_ended_ms)?;
    moment("the end of the run", ending.ended_ms)?;
    let targets = header.targets.len();
    match ending
        .missed_targets
        .iter()
        .find(|missed| missed.target as usize >= targets)
    {
        Some(missed) => Err(format!(
            "missed target number {} is not among the {targets} of the run",
            missed.target
        )),
        None => Ok(()),
    }
}

/// Checks a reading.
pub(crate) fn reading(reading: &Reading) -> LimitCheck {
    moment("a reading", reading.at_ms)?;
    at_most(
        "monitored processes",
        reading.additional_targets.len() as u64,
        NAMES_MAX as u64,
    )?;
    let processes = [&reading.target, &reading.generator];
    for process in processes
        .into_iter()
        .flatten()
        .chain(&reading.additional_targets)
    {
        of_process(process)?;
    }
    if let Some(measured) = &reading.interference {
        interference(measured)?;
    }
    of_machine(&reading.machine)
}

fn of_process(process: &ProcessReading) -> LimitCheck {
    numbers(&[
        process.cpu_percent,
        process.busiest_thread_percent,
        process.cores,
        process.cpu_cores,
        process.run_delay_ms,
    ])?;
    pressure(&process.pressure)?;
    counts(&[
        process.rss_bytes,
        process.anonymous_bytes,
        process.threads,
        process.descriptors,
        process.disk_read_bytes,
        process.disk_written_bytes,
        Some(process.processes),
        process.network_sent_bytes,
        process.network_received_bytes,
    ])
}

fn of_machine(machine: &MachineReading) -> LimitCheck {
    numbers(&[
        machine.cpu_percent,
        machine.steal_percent,
        machine.memory_percent,
    ])?;
    pressure(&machine.pressure)?;
    counts(&[
        machine.memory_bytes,
        machine.disk_read_bytes,
        machine.disk_written_bytes,
        machine.network_sent_bytes,
        machine.network_received_bytes,
    ])
}

fn interference(interference: &Interference) -> LimitCheck {
    numbers(&[
        interference.pressure_percent,
        interference.group_pressure_percent,
    ])?;
    counts(&[
        interference.stolen_ms,
        interference.used_ms,
        interference.throttled_periods,
        interference.throttled_ms,
        interference.clock_step_ms.map(i64::unsigned_abs),
        interference.suspended_ms,
    ])
}

fn pressure(pressure: &Pressure) -> LimitCheck {
    numbers(&[
        pressure.cpu_percent,
        pressure.memory_percent,
        pressure.io_percent,
    ])
}

fn numbers(readings: &[Option<f64>]) -> LimitCheck {
    readings
        .iter()
        .try_for_each(|reading| optional("a reading", *reading))
}

fn counts(readings: &[Option<u64>]) -> LimitCheck {
    let mut readings = readings.iter().flatten();
    readings.try_for_each(|reading| at_most("a reading", *reading, COUNT_MAX))
}

/// Sum of all counts in the frames of a record.
#[derive(Debug, Default)]
pub(crate) struct CountSum(u64);

impl CountSum {
    /// Adds the counts of a snapshot.
    pub(crate) fn add_snapshot(&mut self, snapshot: &MetricsSnapshot) -> LimitCheck {
        for (_, second) in &snapshot.seconds {
            self.add_second(second)?;
        }
        for entry in &snapshot.histograms {
            self.add(entry.histogram.summary().count)?;
        }
        for totals in &snapshot.totals {
            let counts = [
                totals.requests,
                totals.wire_requests,
                totals.bytes_sent,
                totals.bytes_received,
            ];
            counts.into_iter().try_for_each(|count| self.add(count))?;
        }
        let done_ms = snapshot.last_ok_ns / 1_000_000;
        moment("the last response", done_ms)?;
        snapshot.failures.iter().try_for_each(|failure| {
            moment("a failure", failure.first_ms)?;
            moment("a failure", failure.last_ms)?;
            self.add(failure.count)
        })
    }

    /// Adds the counts of a second.
    pub(crate) fn add_second(&mut self, second: &Second) -> LimitCheck {
        moment("a wait", second.oldest_in_flight_ms.unwrap_or(0))?;
        moment("a wait", second.generator_stall_ms)?;
        moment("a wait", second.max_wakeup_delay_us / 1_000)?;
        moment("a wait", second.cpu_wait_mean_us / 1_000)?;
        let failures = second.failures.iter().map(|(_, count)| *count);
        let mut all = second.sums().chain(failures);
        all.try_for_each(|count| self.add(count))
    }

    fn add(&mut self, count: u64) -> LimitCheck {
        self.0 = self.0.saturating_add(count);
        at_most("a sum of counts", self.0, COUNT_MAX)
    }
}

fn moment(what: &str, at_ms: u64) -> LimitCheck {
    if at_ms <= RUN_MS_MAX {
        return Ok(());
    }
    Err(format!(
        "{what} at {at_ms} ms (must be at most {RUN_MS_MAX}, the end of the longest run)"
    ))
}

fn at_most(what: &str, found: u64, most: u64) -> LimitCheck {
    if found <= most {
        return Ok(());
    }
    Err(format!("{what}: {found} (must be at most {most})"))
}

fn level(what: &str, found: f64) -> LimitCheck {
    if (0.0..=VALUE_MAX).contains(&found) {
        return Ok(());
    }
    Err(format!("{what} of {found} (must be 0 to {VALUE_MAX})"))
}

fn value(what: &str, found: f64) -> LimitCheck {
    if found.abs() <= VALUE_MAX {
        return Ok(());
    }
    Err(format!(
        "{what} of {found} (must be -{VALUE_MAX} to {VALUE_MAX})"
    ))
}

fn optional(what: &str, found: Option<f64>) -> LimitCheck {
    found.map_or(Ok(()), |found| value(what, found))
}
