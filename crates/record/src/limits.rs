//! Limits on what a record holds. A record file is input: values that no run has are refused when it is read, so
//! that whatever judges or renders a record may add them up without checks of its own.

use jiff::SignedDuration;

use crate::clock::SECONDS_MAX;
use crate::{
    Command, Ending, Event, Header, Interference, Load, MachineReading, Metric, MetricsSnapshot,
    NameSet, Pressure, ProcessReading, Reading, Second, Target,
};

/// Largest number of request names, and of user classes and targets.
pub const NAMES_MAX: usize = 10_000;
/// Largest number of stages, commands or watched processes.
const PARTS_MAX: usize = 100_000;
/// Latest moment of a run, in milliseconds of its clock.
const RUN_MS_MAX: u64 = SECONDS_MAX as u64 * 1_000;
/// Largest sum of everything that a record counts: an exact integer in a double, and so in JSON.
const COUNT_MAX: u64 = 1 << 53;
/// Largest magnitude of a level, a threshold or a reading.
const VALUE_MAX: f64 = COUNT_MAX as f64;

/// What a record holds that no run has.
pub(crate) type Found = Result<(), String>;

/// Checks the header: names, classes, targets and planned load.
pub(crate) fn header(header: &Header) -> Found {
    let names = header.names.len();
    for (what, length) in [
        ("request names", names),
        ("user classes", header.classes.len()),
        ("targets", header.targets.len()),
        ("planned shares", header.planned_shares.len()),
        ("names without requests", header.not_requested.len()),
        (
            "watched processes",
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
        name_known(id.index(), names)?;
    }
    for limited in &header.targets {
        target(limited, names)?;
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
        optional("a timeout or a ceiling", timeout)?;
    }
    load(&header.load)?;
    let longest = SignedDuration::from_secs(SECONDS_MAX.into());
    let end = header.started_at.checked_add(longest);
    end.map(drop)
        .map_err(|_| format!("a start at {}", header.started_at))
}

fn target(target: &Target, names: usize) -> Found {
    let ids = target.scope.as_ref().map_or(&[][..], NameSet::ids);
    for id in ids {
        name_known(id.index(), names)?;
    }
    if let Metric::Percentile(q) = target.metric
        && !(0.0..=1.0).contains(&q)
    {
        return Err(format!("a percentile of {q}, where 0 to 1 is possible"));
    }
    for threshold in [target.target, target.acceptable, target.critical] {
        optional("a threshold", threshold)?;
    }
    Ok(())
}

fn name_known(id: usize, names: usize) -> Found {
    if id < names {
        return Ok(());
    }
    Err(format!(
        "request name number {id} is not among the {names} of the run"
    ))
}

fn load(load: &Load) -> Found {
    at_most(
        "loads in parallel",
        load.concurrent.len() as u64,
        NAMES_MAX as u64,
    )?;
    for part in load.parts() {
        at_most("stages", part.stages.len() as u64, PARTS_MAX as u64)?;
        for stage in &part.stages {
            level("a stage's length", stage.seconds)?;
            level("a stage's level", stage.from)?;
            level("a stage's level", stage.to)?;
        }
        level("a warm-up", part.warm_up_s)?;
        level("a plan", part.until_decided_s.unwrap_or(0.0))?;
        level("tasks of a user", part.tasks_per_user_second.unwrap_or(0.0))?;
        level("requests of a task", part.requests_per_task)?;
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
pub(crate) fn event(event: &Event) -> Found {
    moment("a command", event.at_ms)?;
    match &event.command {
        Command::Level(told) => {
            moment("a level", told.from_ms)?;
            moment("a level's ramp", told.ramp_ms)?;
            level("a level", told.level)
        }
        Command::Stop | Command::Abort => Ok(()),
    }
}

/// Checks how the run ended.
pub(crate) fn ending(ending: &Ending, header: &Header) -> Found {
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

/// Checks a resource reading.
pub(crate) fn reading(reading: &Reading) -> Found {
    moment("a reading", reading.at_ms)?;
    at_most(
        "watched processes",
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
    if let Some(told) = &reading.interference {
        interference(told)?;
    }
    of_machine(&reading.machine)
}

fn of_process(process: &ProcessReading) -> Found {
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

fn of_machine(machine: &MachineReading) -> Found {
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

fn interference(told: &Interference) -> Found {
    numbers(&[told.pressure_percent, told.group_pressure_percent])?;
    counts(&[
        told.stolen_ms,
        told.used_ms,
        told.throttled_periods,
        told.throttled_ms,
        told.clock_step_ms.map(i64::unsigned_abs),
        told.suspended_ms,
    ])
}

fn pressure(pressure: &Pressure) -> Found {
    numbers(&[
        pressure.cpu_percent,
        pressure.memory_percent,
        pressure.io_percent,
    ])
}

fn numbers(readings: &[Option<f64>]) -> Found {
    readings
        .iter()
        .try_for_each(|reading| optional("a reading", *reading))
}

fn counts(readings: &[Option<u64>]) -> Found {
    let mut readings = readings.iter().flatten();
    readings.try_for_each(|reading| at_most("a reading", *reading, COUNT_MAX))
}

/// The sum of everything that the frames of a record count.
#[derive(Debug, Default)]
pub(crate) struct Counted(u64);

impl Counted {
    /// Adds what a snapshot counts.
    pub(crate) fn snapshot(&mut self, snapshot: &MetricsSnapshot) -> Found {
        for (_, second) in &snapshot.seconds {
            self.second(second)?;
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

    /// Adds what a second counts.
    pub(crate) fn second(&mut self, second: &Second) -> Found {
        moment("a wait", second.oldest_in_flight_ms.unwrap_or(0))?;
        moment("a wait", second.generator_stall_ms)?;
        moment("a wait", second.max_wakeup_delay_us / 1_000)?;
        moment("a wait", second.cpu_wait_mean_us / 1_000)?;
        let failures = second.failures.iter().map(|(_, count)| *count);
        let mut all = second.sums().chain(failures);
        all.try_for_each(|count| self.add(count))
    }

    fn add(&mut self, count: u64) -> Found {
        self.0 = self.0.saturating_add(count);
        at_most("a sum of counts", self.0, COUNT_MAX)
    }
}

fn moment(what: &str, at_ms: u64) -> Found {
    if at_ms <= RUN_MS_MAX {
        return Ok(());
    }
    Err(format!(
        "{what} at {at_ms} ms, where {RUN_MS_MAX} ms is the end of the longest run"
    ))
}

fn at_most(what: &str, found: u64, most: u64) -> Found {
    if found <= most {
        return Ok(());
    }
    Err(format!("{what}: {found}, where {most} is the most"))
}

fn level(what: &str, found: f64) -> Found {
    if (0.0..=VALUE_MAX).contains(&found) {
        return Ok(());
    }
    Err(format!("{what} of {found}"))
}

fn value(what: &str, found: f64) -> Found {
    if found.abs() <= VALUE_MAX {
        return Ok(());
    }
    Err(format!("{what} of {found}"))
}

fn optional(what: &str, found: Option<f64>) -> Found {
    found.map_or(Ok(()), |found| value(what, found))
}
