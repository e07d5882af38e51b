//! A run with known values: two names and a setup, and ten seconds with a stall of two.

use brunt_record::{
    AdditionalTarget, Ending, FailureKind, Generator, Header, Interference, Load, LoadStage,
    Machine, MachineReading, Metric, MetricsSnapshot, NameId, ProcessReading, Reading, RequestName,
    RunRecord, Sample, SecondRecorder, StoppedBy, Target,
};
use brunt_report::Judged;
use brunt_verdict::{FailOn, Verdict};

pub(crate) const HOSTILE: &str = "/search?q=</script><script>alert(1)</script>";

pub(crate) struct Run {
    pub(crate) record: RunRecord,
    pub(crate) verdict: Verdict,
}

impl Run {
    pub(crate) fn judged(&self) -> Judged<'_> {
        Judged {
            record: &self.record,
            verdict: &self.verdict,
            exit_code: self.verdict.conclusion(FailOn::Poor).exit_code(),
        }
    }
}

fn machine() -> Machine {
    Machine {
        cpu_model: Some("A processor".into()),
        cores: Some(2),
        memory_bytes: Some(24_000_000_000),
        system: Some("Linux 6.18".into()),
    }
}

const SCENARIO: &str = "host = \"http://localhost\"\n\n[users.normal]\nwait = \"1s..3s\"\n";

pub(crate) fn header() -> Header {
    let name = |name: &str, method: &str, setup| RequestName {
        name: name.into(),
        method: method.into(),
        setup,
        kind: brunt_record::NameKind::Request,
    };
    let target = |metric, target, acceptable, critical| Target {
        metric,
        scope: None,
        target: Some(target),
        acceptable: Some(acceptable),
        critical: Some(critical),
        stop_at: None,
    };
    Header {
        run_id: "20261123T110000Z-load".into(),
        brunt_version: "0.1.0".into(),
        scenario_file: "brunt.toml".into(),
        scenario_hash: "0123456789abcdef".into(),
        scenario: Some(SCENARIO.into()),
        profile: "load".into(),
        host: "http://127.0.0.1:8000/".into(),
        embedded: false,
        started_at: "2026-11-23T11:00:00Z".parse().expect("a time"),
        seed: 7,
        names: vec![
            name("/orders", "POST", false),
            name(HOSTILE, "GET", false),
            name("=cmd|' /C calc'!A0", "GET", true),
        ],
        classes: vec![("visitor".into(), 1.0)],
        load: Load {
            stages: vec![LoadStage {
                seconds: 22.0,
                from: 20.0,
                to: 20.0,
            }],
            open: None,
            search: None,
            warm_up_s: 0.0,
            concurrent: Vec::new(),
            iterations: None,
            until_decided_s: None,
            tasks_per_user_second: Some(2.0),
            requests_per_task: 1.0,
        },
        targets: vec![
            target(Metric::Percentile(0.5), 100.0, 200.0, 500.0),
            target(Metric::Percentile(0.99), 500.0, 1000.0, 2000.0),
            target(Metric::Throughput, 100.0, 50.0, 20.0),
            target(Metric::ErrorRate, 0.1, 1.0, 5.0),
            target(Metric::Memory, 512.0, 1000.0, 2000.0),
        ],
        generator: generator(),
        machine: machine(),
        label: Some("v1.2".into()),
        commit: Some("0123456789abcdef".into()),
        min_duration_s: None,
        not_requested: Vec::new(),
        planned_shares: vec![Some(0.75), Some(0.25), None],
    }
}

fn generator() -> Generator {
    Generator {
        processes: 1,
        busy_wait: false,
        threads: 1,
        cores: vec![0],
        target_cores: vec![1],
        connections: "per-user".into(),
        other_hosts: Vec::new(),
        addresses: vec!["127.0.0.1:8000".into()],
        local_addresses: Vec::new(),
        insecure: false,
        tls_timeout_s: 10.0,
        first_byte_timeout_s: None,
        connect_timeout_s: 10.0,
        timeout_s: 60.0,
        stop_timeout_s: 30.0,
        watched: Some("process 4711, which listens on port 8000".into()),
        additional_targets: vec![AdditionalTarget {
            name: "db".into(),
            description: "process 4712".into(),
        }],
        capacity_rps: None,
    }
}

pub(crate) fn sample(
    name: u32,
    intended_ms: u64,
    took_ms: u64,
    failure: Option<FailureKind>,
) -> Sample {
    let intended_ns = intended_ms * 1_000_000;
    let sent_ns = intended_ns + 100_000;
    let done_ns = sent_ns + took_ms * 1_000_000;
    Sample {
        name: NameId(name),
        intended_ns,
        dispatched_ns: intended_ns + 50_000,
        sent_ns: Some(sent_ns),
        first_byte_ns: Some(done_ns - 1_000),
        done_ns,
        connect_ns: None,
        tls_ns: None,
        generator_stall_ns: 0,
        failure,
        wire_requests: 1,
        bytes_sent: 100,
        bytes_received: 250,
    }
}

/// Forty requests per second; no response arrives in seconds 4 and 5, and requests of second 4 are late.
fn samples() -> Vec<Sample> {
    let mut samples = vec![sample(2, 0, 3, None)];
    for second in (0..22).filter(|second| *second != 5) {
        for number in 0..40 {
            let intended_ms = second * 1000 + number * 20;
            let took_ms = if second == 4 {
                6_000 - (intended_ms - 4_000)
            } else {
                5 + number % 7
            };
            let failure = (second == 8 && number < 3).then_some(FailureKind::Status);
            samples.push(sample(
                u32::from(number % 4 == 0),
                intended_ms,
                took_ms,
                failure,
            ));
        }
    }
    samples.push(sample(0, 3_500, 4_000, Some(FailureKind::Timeout)));
    samples.sort_by_key(|sample| sample.done_ns);
    samples
}

pub(crate) fn reading(second: u64) -> Reading {
    let process = |cpu_percent: f64, megabytes: u64| ProcessReading {
        cpu_percent: (second > 0).then_some(cpu_percent),
        rss_bytes: Some(megabytes * 1_000_000),
        threads: Some(4),
        processes: 1,
        cpu_cores: (second > 0).then_some(cpu_percent / 50.0),
        run_delay_ms: (second > 0).then_some(2.5),
        ..ProcessReading::default()
    };
    Reading {
        at_ms: second * 1000,
        target: Some(process(40.0 + second as f64, 300 + second)),
        generator: Some(process(5.0, 20)),
        additional_targets: vec![process(3.0, 50)],
        interference: (second > 0).then_some(Interference {
            stolen_ms: Some(3),
            used_ms: Some(400),
            throttled_periods: Some(0),
            throttled_ms: Some(0),
            pressure_percent: Some(1.5),
            clock_step_ms: Some(0),
            suspended_ms: Some(0),
            ..Interference::default()
        }),
        machine: MachineReading {
            cpu_percent: (second > 0).then_some(30.0),
            ..MachineReading::default()
        },
    }
}

/// Snapshots of the load thread.
pub(crate) fn increments() -> Vec<MetricsSnapshot> {
    increments_of(samples())
}

/// Snapshots of other samples, in the order of completion.
pub(crate) fn increments_of(samples: Vec<Sample>) -> Vec<MetricsSnapshot> {
    let mut increments = Vec::new();
    let mut delta = SecondRecorder::new(&header().names);
    let mut hand_over = |delta: &mut SecondRecorder, next: u32| {
        delta.counts_mut().users = Some(20);
        delta.counts_mut().timeslices = 90;
        delta.counts_mut().busiest_thread_cpu_ms = 40;
        delta.counts_mut().max_wakeup_delay_us = 150;
        delta.counts_mut().in_flight = Some(if delta.second() == 4 { 40 } else { 0 });
        increments.push(delta.to_snapshot());
        delta.start(next);
    };
    for sample in samples {
        while brunt_record::second_of(sample.done_ns) > delta.second() {
            let next = delta.second() + 1;
            hand_over(&mut delta, next);
        }
        delta.record(&sample);
        if let Some(kind) = sample.failure {
            let code = if kind == FailureKind::Status { 503 } else { 0 };
            delta.record_failure(sample.name, kind, code, sample.done_ns, || {
                format!("POST /orders: {} <b>\u{1b}[31m", kind.name())
            });
        }
    }
    hand_over(&mut delta, 0);
    increments
}

pub(crate) fn known() -> Run {
    let mut record = RunRecord::new(header());
    for increment in increments() {
        record.timeline.merge(&increment).expect("known names");
    }
    record.readings = (0..22).map(reading).collect();
    record.ending = Some(Ending {
        stopped_by: StoppedBy::Finished,
        load_ended_ms: 22_000,
        ended_ms: 22_000,
        stop_reason: None,
        missed_targets: Vec::new(),
        unavailable: brunt_record::Unavailable {
            target: vec!["descriptors (/proc/4711/fd: Permission denied (os error 13))".into()],
            additional_targets: vec![vec![]],
            machine: Vec::new(),
        },
    });
    let verdict = brunt_verdict::judge(&record);
    Run { record, verdict }
}
