//! JSON lines: one for the start of a run, one for each interval, one for its end.
//! `docs/live.md` describes them.

use std::time::Duration;

use brunt_record::{Distribution, Ending, Header, MachineReading, ProcessReading, RequestName};
use serde_json::{Map, Value, json};

use super::{Interval, NamePart, is_start, method_of};

/// Version of the lines. It increases when a field is removed or changes its meaning, not when one is added.
const SCHEMA_VERSION: u32 = 1;

/// The line with which a run begins.
pub fn json_of_run(header: &Header) -> String {
    line(&json!({
        "kind": "run",
        "schema": SCHEMA_VERSION,
        "run_id": header.run_id,
        "brunt_version": header.brunt_version,
        "profile": header.profile,
        "host": header.host,
        "scenario_hash": header.scenario_hash,
        "started_at": header.started_at.to_string(),
    }))
}

/// Line of an interval, with the number of intervals that were dropped before it.
pub fn json_of_interval(header: &Header, interval: &Interval, lost: u64) -> String {
    let part = &interval.part;
    let counts = &part.counts;
    let failures: Map<String, Value> = counts
        .failures
        .iter()
        .map(|(kind, count)| (kind.name().to_owned(), (*count).into()))
        .collect();
    let names = interval.names.iter().zip(&part.by_name);
    let requests: Vec<Value> = names
        .filter(|(name, _)| !name.setup || is_start(name))
        .filter_map(|(name, part)| of_name(name, part))
        .collect();
    let ended_at = header.started_at + Duration::from_secs(u64::from(interval.second) + 1);
    line(&json!({
        "kind": "interval",
        "second": interval.second,
        "at": ended_at.to_string(),
        "lost_before": lost,
        "users": counts.users,
        "in_flight": counts.in_flight,
        "oldest_in_flight_ms": counts.oldest_in_flight_ms,
        "ok": counts.ok,
        "failed": counts.failed,
        "unanswered": counts.unanswered,
        "wire_requests": counts.wire_requests,
        "retries": counts.retries,
        "bytes_sent": counts.bytes_sent,
        "bytes_received": counts.bytes_received,
        "failures": failures,
        "response_ms": durations(&part.response),
        "service_ms": of_answers(&part.service),
        "lag_ms": of_answers(&part.lag),
        "requests": requests,
        "resources": resources(header, interval),
    }))
}

/// The line with which a run ends.
pub fn json_of_ending(ending: &Ending, lost: u64) -> String {
    line(&json!({
        "kind": "ending",
        "stopped_by": ending.stopped_by.name(),
        "reason": ending.stop_reason,
        "load_ended_ms": ending.load_ended_ms,
        "ended_ms": ending.ended_ms,
        "lost_before": lost,
    }))
}

fn line(value: &Value) -> String {
    format!("{value}\n")
}

/// `None` without requests of the name.
fn of_name(name: &RequestName, part: &NamePart) -> Option<Value> {
    let counts = part.counts;
    (counts.ok + counts.failed + counts.unanswered > 0).then(|| {
        json!({
            "name": name.title(),
            "method": method_of(name),
            "ok": counts.ok,
            "failed": counts.failed,
            "unanswered": counts.unanswered,
            "response_ms": durations(&part.response),
        })
    })
}

fn of_answers(durations_: &brunt_record::Histogram) -> Value {
    durations(&Distribution {
        ok: durations_.clone(),
        unanswered: 0,
    })
}

/// A value; null if it is unknown, or among requests without a response.
fn durations(of: &Distribution) -> Value {
    let at = |q| of.percentile(q).and_then(brunt_record::PercentileValue::ms);
    json!({
        "p50": at(0.5),
        "p90": at(0.9),
        "p95": at(0.95),
        "p99": at(0.99),
        "max": at(1.0),
    })
}

fn resources(header: &Header, interval: &Interval) -> Value {
    let Some(reading) = &interval.reading else {
        return Value::Null;
    };
    let mut all = Map::new();
    all.insert("target".into(), process(reading.target.as_ref()));
    all.insert("generator".into(), process(reading.generator.as_ref()));
    all.insert("machine".into(), machine(&reading.machine));
    let additional = header
        .generator
        .additional_targets
        .iter()
        .zip(&reading.additional_targets);
    let additional = additional.map(|(additional, reading)| {
        let mut values = process(Some(reading));
        values["name"] = additional.name.clone().into();
        values
    });
    all.insert("additional_targets".into(), additional.collect());
    all.into()
}

fn process(of: Option<&ProcessReading>) -> Value {
    of.map_or(Value::Null, |of| {
        json!({
            "cpu_percent": of.cpu_percent,
            "cpu_cores": of.cpu_cores,
            "memory_bytes": of.rss_bytes,
            "anonymous_bytes": of.anonymous_bytes,
            "threads": of.threads,
            "descriptors": of.descriptors,
            "disk_read_bytes": of.disk_read_bytes,
            "disk_written_bytes": of.disk_written_bytes,
            "network_sent_bytes": of.network_sent_bytes,
            "network_received_bytes": of.network_received_bytes,
            "run_delay_ms": of.run_delay_ms,
            "processes": of.processes,
        })
    })
}

fn machine(of: &MachineReading) -> Value {
    json!({
        "cpu_percent": of.cpu_percent,
        "steal_percent": of.steal_percent,
        "memory_percent": of.memory_percent,
        "memory_bytes": of.memory_bytes,
        "disk_read_bytes": of.disk_read_bytes,
        "disk_written_bytes": of.disk_written_bytes,
        "network_sent_bytes": of.network_sent_bytes,
        "network_received_bytes": of.network_received_bytes,
        "cpu_pressure_percent": of.pressure.cpu_percent,
        "memory_pressure_percent": of.pressure.memory_percent,
        "io_pressure_percent": of.pressure.io_percent,
    })
}
