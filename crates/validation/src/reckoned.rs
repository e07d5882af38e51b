//! Reckoned runs: visits of virtual time as a run record, through the way that an engine's samples take.

use brunt_record::{
    ArrivalProcess, Ending, FailureKind, Generator, Header, Load, LoadStage, Machine, Metric,
    NameId, OpenModel, RequestName, RunRecord, Sample, SecondRecorder, StoppedBy, Target,
    second_of, seconds_to_ns,
};
use brunt_testbed::queue_simulation::SimulatedRequest;

/// The record of a run whose requests were these, in the order of their arrival.
///
/// # Panics
/// Where the timeline does not take what was recorded, which it always does.
pub fn record(
    visits: impl Iterator<Item = SimulatedRequest>,
    seconds: f64,
    targets: Vec<Target>,
) -> RunRecord {
    let level = LoadStage {
        seconds,
        from: 1.0,
        to: 1.0,
    };
    record_of(visits, vec![level], targets)
}

/// The same with a load that changes.
///
/// # Panics
/// As [`record()`].
pub fn record_of(
    visits: impl Iterator<Item = SimulatedRequest>,
    stages: Vec<LoadStage>,
    targets: Vec<Target>,
) -> RunRecord {
    record_of_samples(
        visits.map(|visit| sample(&visit)).collect(),
        stages,
        targets,
    )
}

/// The same of requests that are known in full.
///
/// # Panics
/// As [`record()`].
pub(crate) fn record_of_samples(
    samples: Vec<Sample>,
    stages: Vec<LoadStage>,
    targets: Vec<Target>,
) -> RunRecord {
    let seconds: f64 = stages.iter().map(|stage| stage.seconds).sum();
    let record = record_watched(samples, header(stages, targets), |_, _| false);
    ended(record, seconds)
}

/// The record of a run as it grows: after each second of it somebody looks, and may stop it. What is still under
/// way then is completed. The record has no ending yet.
pub(crate) fn record_watched(
    mut samples: Vec<Sample>,
    header: Header,
    mut stops: impl FnMut(&RunRecord, u32) -> bool,
) -> RunRecord {
    let mut record = RunRecord::new(header);
    samples.sort_by_key(|sample| sample.done_ns);
    let mut delta = SecondRecorder::new(&record.header.names);
    let mut stopped_ns = u64::MAX;
    for sample in &samples {
        while stopped_ns == u64::MAX && second_of(sample.done_ns) > delta.second() {
            absorb(&mut record, &mut delta);
            let told_s = delta.second() + 1;
            if stops(&record, told_s) {
                stopped_ns = u64::from(told_s) * 1_000_000_000;
            }
            delta.start(told_s);
        }
        if sample.intended_ns < stopped_ns {
            if second_of(sample.done_ns) > delta.second() {
                absorb(&mut record, &mut delta);
                delta.start(second_of(sample.done_ns));
            }
            delta.record(sample);
        }
    }
    absorb(&mut record, &mut delta);
    record
}

fn absorb(record: &mut RunRecord, delta: &mut SecondRecorder) {
    record
        .timeline
        .merge(&delta.to_snapshot())
        .expect("names that it knows");
}

/// A record whose load ended after this long, as planned.
pub(crate) fn ended(mut record: RunRecord, seconds: f64) -> RunRecord {
    let ended_ms = seconds_to_ns(seconds) / 1_000_000;
    record.ending = Some(Ending {
        stopped_by: StoppedBy::Finished,
        load_ended_ms: ended_ms,
        ended_ms,
        stop_reason: None,
        missed_targets: Vec::new(),
        unavailable: brunt_record::Unavailable::default(),
    });
    record
}

pub(crate) fn sample(visit: &SimulatedRequest) -> Sample {
    let (arrival_ns, done_ns) = (seconds_to_ns(visit.arrival_s), seconds_to_ns(visit.done_s));
    Sample {
        sent_ns: Some(arrival_ns),
        first_byte_ns: Some(done_ns),
        failure: visit.failed.then_some(FailureKind::Status),
        wire_requests: 1,
        bytes_sent: 100,
        bytes_received: 100,
        ..Sample::unsent(NameId(0), arrival_ns, done_ns)
    }
}

/// A target of all requests: the level that is good.
pub(crate) fn target(metric: Metric, level: f64) -> Target {
    Target {
        metric,
        scope: None,
        target: Some(level),
        acceptable: None,
        critical: None,
        stop_at: None,
    }
}

/// The same with a critical threshold alone.
pub(crate) fn critical(metric: Metric, level: f64) -> Target {
    Target {
        target: None,
        critical: Some(level),
        ..target(metric, level)
    }
}

pub(crate) fn header(stages: Vec<LoadStage>, targets: Vec<Target>) -> Header {
    Header {
        run_id: "reckoned".into(),
        brunt_version: env!("CARGO_PKG_VERSION").into(),
        scenario_file: String::new(),
        scenario_hash: String::new(),
        scenario: None,
        profile: "reckoned".into(),
        host: String::new(),
        embedded: false,
        started_at: jiff::Timestamp::UNIX_EPOCH,
        seed: 0,
        names: vec![RequestName {
            name: "/".into(),
            method: "GET".into(),
            setup: false,
            kind: brunt_record::NameKind::Request,
        }],
        classes: Vec::new(),
        load: Load {
            stages,
            open: Some(OpenModel {
                arrival_process: ArrivalProcess::Poisson,
                users: 1,
            }),
            search: None,
            warm_up_s: 0.0,
            concurrent: Vec::new(),
            iterations: None,
            until_decided_s: None,
            tasks_per_user_second: None,
            requests_per_task: 1.0,
        },
        targets,
        generator: Generator::default(),
        machine: Machine::default(),
        label: None,
        commit: None,
        min_duration_s: None,
        not_requested: Vec::new(),
        planned_shares: Vec::new(),
    }
}
