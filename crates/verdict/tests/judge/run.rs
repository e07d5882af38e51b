//! Runs to judge, built like a record: from samples to seconds to a timeline.

use brunt_record::{
    Ending, FailureKind, Generator, Header, Interference, Load, LoadStage, Machine, Metric, NameId,
    ProcessReading, Reading, RequestName, RunRecord, Sample, Second, SecondRecorder, StoppedBy,
    Target, second_of,
};
use jiff::Timestamp;

pub(crate) const A: NameId = NameId(0);
pub(crate) const B: NameId = NameId(1);
pub(crate) const SEED: NameId = NameId(2);

/// Default duration of the load, in seconds.
pub(crate) const LOAD_S: f64 = 20.0;

/// A run of ten users, 20 s long, without a bound on the offered load.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    pub(crate) header: Header,
    pub(crate) samples: Vec<Sample>,
    pub(crate) users: Vec<Option<u32>>,
    still: Option<(u32, u64)>,
    /// Counts of some seconds in addition to the samples.
    more: Vec<(u32, Second)>,
    /// Whether seconds have the number of requests in flight at their end, and the age of the oldest.
    gauged: bool,
    /// Interference with the generator in each second.
    own: Option<(Second, Interference)>,
    pub(crate) readings: Vec<Reading>,
    pub(crate) ending: Option<Ending>,
}

impl Run {
    pub(crate) fn new() -> Self {
        let name = |name: &str, setup| RequestName {
            name: name.into(),
            method: "GET".into(),
            setup,
            kind: brunt_record::NameKind::Request,
        };
        let hold = LoadStage {
            seconds: LOAD_S,
            from: 10.0,
            to: 10.0,
        };
        let header = Header {
            run_id: "run".into(),
            brunt_version: "0.1.0".into(),
            scenario_file: "brunt.toml".into(),
            scenario_hash: "0".into(),
            scenario: None,
            profile: "load".into(),
            host: "http://127.0.0.1:1".into(),
            embedded: false,
            started_at: Timestamp::UNIX_EPOCH,
            seed: 1,
            names: vec![name("/a", false), name("/b", false), name("/seed", true)],
            classes: Vec::new(),
            load: Load {
                stages: vec![hold],
                open: None,
                search: None,
                warm_up_s: 0.0,
                concurrent: Vec::new(),
                iterations: None,
                until_decided_s: None,
                tasks_per_user_second: None,
                requests_per_task: 1.0,
            },
            targets: Vec::new(),
            generator: Generator::default(),
            machine: Machine::default(),
            label: None,
            commit: None,
            min_duration_s: None,
            not_requested: Vec::new(),
            planned_shares: Vec::new(),
        };
        Self {
            header,
            samples: Vec::new(),
            users: vec![Some(10); 20],
            still: None,
            more: Vec::new(),
            gauged: false,
            own: None,
            readings: Vec::new(),
            ending: Some(Ending {
                stopped_by: StoppedBy::Finished,
                load_ended_ms: 20_000,
                ended_ms: 20_000,
                stop_reason: None,
                missed_targets: Vec::new(),
                unavailable: brunt_record::Unavailable::default(),
            }),
        }
    }

    /// Limits a metric: target, acceptable, critical.
    pub(crate) fn target(mut self, metric: Metric, levels: [Option<f64>; 3]) -> Self {
        let [target, acceptable, critical] = levels;
        self.header.targets.push(Target {
            metric,
            scope: None,
            target,
            acceptable,
            critical,
            stop_at: None,
        });
        self
    }

    /// Limits a metric with all three thresholds.
    pub(crate) fn ladder(self, metric: Metric, levels: [f64; 3]) -> Self {
        self.target(metric, levels.map(Some))
    }

    /// Restricts the previous target to one name.
    pub(crate) fn of(mut self, name: NameId) -> Self {
        self.header.targets.last_mut().unwrap().scope = Some(name.into());
        self
    }

    /// Adds requests, spread over the load, with a duration and a lag.
    pub(crate) fn requests(
        mut self,
        name: NameId,
        count: u64,
        unlagged_ms: f64,
        lag_ms: f64,
        failure: Option<FailureKind>,
    ) -> Self {
        let ns = |ms: f64| std::time::Duration::from_secs_f64(ms / 1e3).as_nanos();
        let ns = |ms: f64| u64::try_from(ns(ms)).unwrap();
        for at in 0..count {
            let intended_ns = ns((at as f64 + 0.5) / count as f64 * LOAD_S * 1e3);
            let dispatched_ns = intended_ns + ns(lag_ms);
            let done_ns = dispatched_ns + ns(unlagged_ms);
            self.samples.push(Sample {
                name,
                intended_ns,
                dispatched_ns,
                sent_ns: Some(dispatched_ns),
                first_byte_ns: Some(done_ns),
                done_ns,
                connect_ns: None,
                tls_ns: None,
                generator_stall_ns: 0,
                failure,
                wire_requests: 1,
                bytes_sent: 100,
                bytes_received: 200,
            });
        }
        self
    }

    /// Adds successful responses of `/a` with a duration.
    pub(crate) fn answers(self, count: u64, ms: f64) -> Self {
        self.requests(A, count, ms, 0.0, None)
    }

    /// Adds failures of `/a`.
    pub(crate) fn failures(self, count: u64, kind: FailureKind) -> Self {
        self.requests(A, count, 1.0, 0.0, Some(kind))
    }

    /// Limits the offered load, in requests per second.
    pub(crate) fn offering(mut self, rps: f64) -> Self {
        // Ten users for 20 s, each with a task at the start.
        self.header.load.tasks_per_user_second = Some(rps / 10.0 - 1.0 / 20.0);
        self
    }

    /// Adds a reading of the process under test at a time.
    pub(crate) fn reading(
        mut self,
        at_ms: u64,
        cpu_percent: Option<f64>,
        rss_bytes: Option<u64>,
    ) -> Self {
        self.readings.push(Reading {
            at_ms,
            target: Some(ProcessReading {
                cpu_percent,
                rss_bytes,
                ..ProcessReading::default()
            }),
            ..Reading::default()
        });
        self
    }

    /// Stops the load early.
    pub(crate) fn stopped(mut self, by: StoppedBy, at_ms: u64, reason: Option<&str>) -> Self {
        self.ending = Some(Ending {
            stopped_by: by,
            load_ended_ms: at_ms,
            ended_ms: at_ms,
            stop_reason: reason.map(Into::into),
            missed_targets: Vec::new(),
            unavailable: brunt_record::Unavailable::default(),
        });
        self
    }

    /// Stalls the generator from a second on; longer lags are due to it.
    pub(crate) fn stood_still(mut self, second: u32, ms: u64) -> Self {
        self.still = Some((second, ms));
        let still_ns = ms * 1_000_000;
        for sample in &mut self.samples {
            if sample.done_ns - sample.dispatched_ns > still_ns {
                sample.generator_stall_ns = still_ns;
            }
        }
        self
    }

    /// Sets counts and interference of the generator in each second.
    pub(crate) fn own(mut self, counts: Second, seen: Interference) -> Self {
        self.own = Some((counts, seen));
        self
    }

    /// Requests to `/a` at an interval in milliseconds, with a response after 5 ms, except those that meet a freeze: they
    /// get their response when it ends, or fail then.
    pub(crate) fn freezing(
        mut self,
        every_ms: u64,
        freezes_ms: &[(u64, u64)],
        failure: Option<FailureKind>,
    ) -> Self {
        self.gauged = true;
        let load_ms = self
            .ending
            .as_ref()
            .map_or(20_000, |ending| ending.load_ended_ms);
        for intended_ms in (0..load_ms).step_by(usize::try_from(every_ms).unwrap()) {
            let mut freezes = freezes_ms.iter();
            let met =
                freezes.find(|(from_ms, to_ms)| (*from_ms..*to_ms).contains(&(intended_ms + 5)));
            let done_ms = met.map_or(intended_ms + 5, |(_, to_ms)| *to_ms);
            let intended_ns = intended_ms * 1_000_000;
            self.samples.push(Sample {
                name: A,
                intended_ns,
                dispatched_ns: intended_ns,
                sent_ns: Some(intended_ns),
                first_byte_ns: Some(done_ms * 1_000_000),
                done_ns: done_ms * 1_000_000,
                connect_ns: None,
                tls_ns: None,
                generator_stall_ns: 0,
                failure: failure.filter(|_| met.is_some()),
                wire_requests: 1,
                bytes_sent: 100,
                bytes_received: 200,
            });
        }
        self
    }

    /// Adds counts to a second.
    pub(crate) fn counting(mut self, second: u32, counts: Second) -> Self {
        self.more.push((second, counts));
        self
    }

    /// Builds the record.
    pub(crate) fn record(mut self) -> RunRecord {
        self.samples.sort_by_key(|sample| sample.done_ns);
        let mut record = RunRecord::new(self.header);
        let mut delta = SecondRecorder::new(&record.header.names);
        let mut samples = self.samples.iter().peekable();
        let last = self
            .samples
            .last()
            .map_or(0, |sample| second_of(sample.done_ns));
        let made = u32::try_from(self.users.len()).unwrap();
        for second in 0..made.max(last + 1) {
            delta.start(second);
            if let Some((counts, seen)) = &self.own {
                delta.counts_mut().merge(counts);
                self.readings.push(Reading {
                    at_ms: u64::from(second) * 1_000 + 1,
                    interference: Some(*seen),
                    ..Reading::default()
                });
            }
            delta.counts_mut().users = self.users.get(second as usize).copied().flatten();
            for (_, counts) in self.more.iter().filter(|(at, _)| *at == second) {
                delta.counts_mut().merge(counts);
            }
            if self.gauged {
                let (in_flight, oldest_in_flight_ms) = gauges(&self.samples, second);
                delta.counts_mut().in_flight = Some(in_flight);
                delta.counts_mut().oldest_in_flight_ms = oldest_in_flight_ms;
            }
            if let Some((_, ms)) = self.still.filter(|(at, _)| *at == second) {
                delta.counts_mut().generator_stall_ms = ms;
            }
            while let Some(sample) = samples.next_if(|s| second_of(s.done_ns) == second) {
                delta.record(sample);
                if let Some(kind) = sample.failure {
                    delta.record_failure(sample.name, kind, 0, sample.done_ns, || "example".into());
                }
            }
            record.timeline.merge(&delta.to_snapshot()).unwrap();
        }
        record.readings = self.readings.into_iter().collect();
        record.ending = self.ending;
        record
    }
}

/// Requests in flight at the end of a second, and the age of the oldest.
fn gauges(samples: &[Sample], second: u32) -> (u32, Option<u64>) {
    let end_ns = u64::from(second + 1) * 1_000_000_000;
    let waiting = samples.iter();
    let waiting = waiting.filter(|s| s.intended_ns < end_ns && s.done_ns >= end_ns);
    let waits_ms = waiting.map(|s| (end_ns - s.intended_ns) / 1_000_000);
    let waits_ms: Vec<u64> = waits_ms.collect();
    let count = u32::try_from(waits_ms.len()).unwrap();
    (count, waits_ms.into_iter().max())
}
