//! Resource statistics: CPU and memory of the service under test, brunt, the machine, and other processes.

use brunt_record::{ProcessReading, Reading, RunRecord};
use serde::Serialize;

/// Mean and maximum of a resource over the run.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Resource {
    pub(crate) mean: Option<f64>,
    pub(crate) max: Option<f64>,
}

impl Resource {
    pub(crate) fn of(values: impl Iterator<Item = f64>) -> Self {
        let values: Vec<f64> = values.collect();
        if values.is_empty() {
            return Self::default();
        }
        let sum: f64 = values.iter().sum();
        let max = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        Self {
            mean: Some(sum / values.len() as f64),
            max: Some(max),
        }
    }
}

/// CPU and memory of one monitored subject.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Usage {
    pub(crate) cpu_percent: Resource,
    pub(crate) memory_mb: Resource,
}

/// Resource use of all monitored subjects.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Resources {
    pub(crate) target: Usage,
    pub(crate) generator: Usage,
    pub(crate) machine: Usage,
    /// Additional processes.
    pub(crate) additional_targets: Vec<NamedUsage>,
    /// Data sources that could not be read.
    pub(crate) unavailable: Vec<UnavailableSource>,
}

/// Data that could not be read of one of them.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct UnavailableSource {
    /// `target`, `machine`, or the name of an additional process.
    pub(crate) subject: String,
    /// Reasons, with the file that is missing or unreadable.
    pub(crate) reasons: Vec<String>,
}

/// Resource use of a named process.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct NamedUsage {
    pub(crate) name: String,
    pub(crate) cpu_percent: Resource,
    pub(crate) memory_mb: Resource,
}

fn usage(seen: impl Iterator<Item = ProcessReading> + Clone) -> Usage {
    let megabytes = seen.clone().filter_map(|process| process.rss_bytes);
    Usage {
        cpu_percent: Resource::of(seen.filter_map(|process| process.cpu_percent)),
        memory_mb: Resource::of(megabytes.map(|bytes| bytes as f64 / 1e6)),
    }
}

/// Use of resources over the run.
pub(crate) fn resources(record: &RunRecord) -> Resources {
    let readings = &record.readings;
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    let process =
        |which: fn(Reading) -> Option<ProcessReading>| usage(readings.iter().filter_map(which));
    let additional = record
        .header
        .generator
        .additional_targets
        .iter()
        .enumerate();
    let additional = additional.map(|(number, target)| {
        let seen = readings.iter().filter_map(move |mut reading| {
            (number < reading.additional_targets.len())
                .then(|| reading.additional_targets.swap_remove(number))
        });
        let Usage {
            cpu_percent,
            memory_mb,
        } = usage(seen);
        NamedUsage {
            name: target.name.clone(),
            cpu_percent,
            memory_mb,
        }
    });
    let machine = readings.iter().map(|reading| reading.machine);
    let unavailable = record
        .unavailable()
        .map(|(subject, reasons)| UnavailableSource {
            subject: subject.name().to_owned(),
            reasons: reasons.to_vec(),
        });
    Resources {
        additional_targets: additional.collect(),
        unavailable: unavailable.collect(),
        target: process(|reading| reading.target),
        generator: process(|reading| reading.generator),
        machine: Usage {
            cpu_percent: Resource::of(machine.clone().filter_map(|machine| machine.cpu_percent)),
            memory_mb: Resource::of(
                machine
                    .filter_map(|machine| machine.memory_bytes)
                    .map(megabytes),
            ),
        },
    }
}
