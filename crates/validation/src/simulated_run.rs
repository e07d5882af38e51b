//! Simulated runs: requests in virtual time, recorded like the samples of an engine.

use brunt_record::{
    ArrivalProcess, Ending, FailureKind, Generator, Header, Load, LoadStage, Machine, Metric,
    NameId, OpenModel, RequestName, RunRecord, Sample, SecondRecorder, StoppedBy, Target,
    second_of, seconds_to_ns,
};
use brunt_testbed::queue_simulation::SimulatedRequest;

/// The record of a run with these requests, in the order of their arrival.
///
/// # Panics
/// If the timeline rejects a snapshot, which cannot happen.
pub fn record(
    requests: impl Iterator<Item = SimulatedRequest>,
    seconds: f64,
    targets: Vec<Target>,
) -> RunRecord {
    let level = LoadStage {
        seconds,
        from: 1.0,
        to: 1.0,
    };
    record_of(requests, vec![level], targets)
}

/// The record of a run with this load and these requests.
///
/// # Panics
/// Like [`record()`].
pub fn record_of(
    requests: impl Iterator<Item = SimulatedRequest>,
    stages: Vec<LoadStage>,
    targets: Vec<Target>,
) -> RunRecord {
    record_of_samples(
        requests.map(|request| sample(&request)).collect(),
        stages,
        targets,
    )
}

/// The record of a run with this load and these samples.
///
/// # Panics
/// Like [`record()`].
pub(crate) fn record_of_samples(
    samples: Vec<Sample>,
    stages: Vec<LoadStage>,
    targets: Vec<Target>,
) -> RunRecord {
    let seconds: f64 = stages.iter().map(|stage| stage.seconds).sum();
    let record = record_until(samples, header(stages, targets), |_, _| false);
    ended(record, seconds)
}

/// The record of a run that may be stopped after each second: `stops` gets the record so far and its number of complete
/// seconds. Requests in flight are completed. The record has no ending.
pub(crate) fn record_until(
    mut samples: Vec<Sample>,
    header: Header,
    mut stops: impl FnMut(&RunRecord, u32) -> bool,
) -> RunRecord {
    let mut record = RunRecord::new(header);
    samples.sort_by_key(|sample| sample.done_ns);
    let mut recorder = SecondRecorder::new(&record.header.names);
    let mut stopped_ns = None;
    for sample in &samples {
        while stopped_ns.is_none() && second_of(sample.done_ns) > recorder.second() {
            merge(&mut record, &mut recorder);
            let completed_s = recorder.second() + 1;
            if stops(&record, completed_s) {
                stopped_ns = Some(u64::from(completed_s) * 1_000_000_000);
            }
            recorder.start(completed_s);
        }
        if stopped_ns.is_none_or(|stopped_ns| sample.intended_ns < stopped_ns) {
            if second_of(sample.done_ns) > recorder.second() {
                merge(&mut record, &mut recorder);
                recorder.start(second_of(sample.done_ns));
            }
            recorder.record(sample);
        }
    }
    merge(&mut record, &mut recorder);
    record
}

/// Merges the second of a recorder into a record.
pub(crate) fn merge(record: &mut RunRecord, recorder: &mut SecondRecorder) {
    record
        .timeline
        .merge(&recorder.to_snapshot())
        .expect("the recorder has the names of the record");
}

/// Adds the ending of a load that ended as planned after this duration.
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

/// The sample of a request that was sent when it arrived.
pub(crate) fn sample(request: &SimulatedRequest) -> Sample {
    let arrival_ns = seconds_to_ns(request.arrival_s);
    let done_ns = seconds_to_ns(request.done_s);
    Sample {
        sent_ns: Some(arrival_ns),
        first_byte_ns: Some(done_ns),
        failure: request.failed.then_some(FailureKind::Status),
        wire_requests: 1,
        bytes_sent: 100,
        bytes_received: 100,
        ..Sample::unsent(NameId(0), arrival_ns, done_ns)
    }
}

/// A target for all requests with a threshold `target`.
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

/// A target for all requests with only a critical threshold.
pub(crate) fn critical(metric: Metric, level: f64) -> Target {
    Target {
        target: None,
        critical: Some(level),
        ..target(metric, level)
    }
}

/// The header of a run in the open model.
pub(crate) fn header(stages: Vec<LoadStage>, targets: Vec<Target>) -> Header {
    Header {
        run_id: "simulated".into(),
        brunt_version: env!("CARGO_PKG_VERSION").into(),
        scenario_file: String::new(),
        scenario_hash: String::new(),
        scenario: None,
        profile: "simulated".into(),
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
