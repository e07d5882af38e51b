//! Bounds: the thresholds that break a service in a search, one of each target.

use brunt_record::{Measure, Metric, RunRecord, Scope, Target, ThresholdKind};

use crate::grading::thresholds::Threshold;
use crate::model::grade::Grade;
use crate::model::judgment::title_of;
use crate::number;
use crate::stats::batch_means::{self, Block, ProportionEstimate};
use crate::window::time_window::TimeWindow;

/// The largest tolerated proportion: a bound that nearly all requests miss at any load is broken if all miss it.
const SHARE_MAX: f64 = 0.99;

/// Autocorrelation that is accepted by chance, since trials are short.
const CORRELATION_SETTLED: f64 = 0.5;

/// A threshold that a search tests: of a percentile or of the error rate.
#[derive(Debug, Clone)]
pub(crate) struct Bound {
    metric: Metric,
    target: Target,
    threshold: Threshold,
    measure: Measure,
    title: String,
    /// The proportion of requests that misses it at any load (0 to 1), if the load is not the cause.
    pub(super) base: Option<f64>,
}

impl Bound {
    /// The bounds of a run's targets, with the measure to judge.
    pub(crate) fn all(record: &RunRecord, limit: ThresholdKind, measure: Measure) -> Vec<Self> {
        let targets = record.header.targets.iter();
        targets
            .filter(|target| matches!(target.metric, Metric::Percentile(_) | Metric::ErrorRate))
            // A custom metric does not depend on the load.
            .filter(|target| !record.header.unit_of(target).is_empty())
            .filter_map(|target| {
                Some(Self {
                    metric: target.metric,
                    threshold: threshold(target, limit)?,
                    target: target.clone(),
                    measure,
                    title: title_of(record, target),
                    base: None,
                })
            })
            .collect()
    }

    /// The proportion of the requests that may miss it, in addition to those that miss it at any load.
    pub(crate) fn share(&self) -> f64 {
        let own = self.own_share();
        self.base.map_or(own, |base| (base + own).min(SHARE_MAX))
    }

    fn own_share(&self) -> f64 {
        match self.metric {
            Metric::Percentile(q) => 1.0 - q,
            _ => self.threshold.level() / 100.0,
        }
    }

    /// The number of requests of a scope that miss it.
    pub(super) fn missing_of(&self, window: TimeWindow, scope: Scope<'_>, measure: Measure) -> f64 {
        let missing = match self.metric {
            Metric::Percentile(_) => window.missing(scope, measure, |ns| {
                self.threshold.is_met_by(ns as f64 / 1e6, self.metric)
            }),
            _ => window.failed(scope),
        };
        missing.iter().map(|block| block.missing).sum()
    }

    /// Counts the requests that miss it.
    pub(crate) fn count(&self, window: TimeWindow) -> BoundCounts {
        let requests = self.target.requests();
        let (missing, slow) = match self.metric {
            Metric::Percentile(_) => window.missing_and_slow(requests, self.measure, |ns| {
                self.threshold.is_met_by(ns as f64 / 1e6, self.metric)
            }),
            _ => (window.failed(requests), Vec::new()),
        };
        BoundCounts {
            missing,
            slow,
            limit: self.share(),
        }
    }

    /// The time after which a request is known to miss it, in seconds.
    pub(crate) fn patience_s(&self) -> f64 {
        match self.metric {
            Metric::Percentile(_) => self.threshold.level() / 1e3,
            _ => 0.0,
        }
    }

    /// Describes that it is broken.
    pub(crate) fn broken(&self) -> String {
        let limit = number::chosen_in(self.threshold.level(), self.metric.unit());
        match self.base {
            None => format!("{} over {limit}", self.title),
            Some(base) if self.metric == Metric::ErrorRate => format!(
                "{} over {limit} more than the {} % at any load",
                self.title,
                number::measured(base * 100.0)
            ),
            Some(base) => format!(
                "{} over {limit} for {} % more than the {} % of the requests at any load",
                self.title,
                number::measured(self.own_share() * 100.0),
                number::measured(base * 100.0)
            ),
        }
    }

    /// Describes what misses it at any load.
    pub(crate) fn missed_at_any_load_in_words(&self, share: f64) -> String {
        let percent = number::measured(share * 100.0);
        let limit = number::chosen_in(self.threshold.level(), self.metric.unit());
        match self.metric {
            Metric::ErrorRate => format!("{percent} % of the requests fail"),
            _ => format!("{percent} % of the requests take over {limit}"),
        }
    }

    /// The grade of the target if it is missed.
    pub(crate) fn grade_if_missed(&self) -> Grade {
        match self.threshold {
            Threshold::Critical(_) => Grade::Critical,
            Threshold::Limit(_) => Grade::Poor,
        }
    }

    /// Title of the target.
    pub(crate) fn title(&self) -> &str {
        &self.title
    }

    /// Returns whether it limits errors.
    pub(crate) fn is_of_errors(&self) -> bool {
        self.metric == Metric::ErrorRate
    }
}

/// The requested threshold, or another one that the target has.
fn threshold(target: &Target, limit: ThresholdKind) -> Option<Threshold> {
    let critical = target.critical.map(Threshold::Critical);
    let acceptable = target.acceptable.map(Threshold::Limit);
    let goal = target.target.map(Threshold::Limit);
    match limit {
        ThresholdKind::Critical => critical.or(acceptable).or(goal),
        ThresholdKind::Acceptable => acceptable.or(critical).or(goal),
        ThresholdKind::Target => goal.or(acceptable).or(critical),
    }
}

/// Counts of a bound, second by second.
#[derive(Debug, Clone, Default)]
pub(crate) struct BoundCounts {
    /// Requests that miss it.
    pub(crate) missing: Vec<Block>,
    /// Slow requests, whose clustering stands for that of misses.
    pub(crate) slow: Vec<Block>,
    /// The proportion that may miss it.
    pub(crate) limit: f64,
}

impl BoundCounts {
    /// Estimates the proportion that misses it.
    pub(crate) fn estimate(&self) -> Option<ProportionEstimate> {
        if self.slow.is_empty() {
            batch_means::estimate_unless_correlated(&self.missing, CORRELATION_SETTLED)
        } else {
            batch_means::estimate_with_slow_unless_correlated(
                &self.missing,
                &self.slow,
                CORRELATION_SETTLED,
            )
        }
    }

    /// Adds the counts of another trial.
    pub(crate) fn and(mut self, other: &Self) -> Self {
        // If one trial has no slow requests, its misses stand for them.
        let slow = |one: &Self| {
            let slow = if one.slow.is_empty() {
                &one.missing
            } else {
                &one.slow
            };
            slow.clone()
        };
        if !(self.slow.is_empty() && other.slow.is_empty()) {
            self.slow = [slow(&self), slow(other)].concat();
        }
        self.missing.extend(&other.missing);
        self
    }
}

#[cfg(test)]
mod tests {
    use brunt_record::{
        Generator, Header, Load, Machine, NameId, RequestName, Sample, SecondRecorder,
    };

    use super::*;
    use crate::stats::batch_means::Block;

    fn header() -> Header {
        let name = RequestName {
            name: "/".into(),
            method: "GET".into(),
            setup: false,
            kind: brunt_record::NameKind::Request,
        };
        Header {
            run_id: "run".into(),
            brunt_version: "0.1.0".into(),
            scenario_file: String::new(),
            scenario_hash: String::new(),
            scenario: None,
            profile: "stress".into(),
            host: String::new(),
            embedded: false,
            started_at: jiff::Timestamp::UNIX_EPOCH,
            seed: 0,
            names: vec![name],
            classes: Vec::new(),
            load: Load::default(),
            targets: vec![Target {
                metric: Metric::Percentile(0.99),
                scope: None,
                target: None,
                acceptable: None,
                critical: Some(55.5),
                stop_at: None,
            }],
            generator: Generator::default(),
            machine: Machine::default(),
            label: None,
            commit: None,
            min_duration_s: None,
            not_requested: Vec::new(),
            planned_shares: Vec::new(),
        }
    }

    fn sample(begins_ms: u64, ms: u64) -> Sample {
        let (begins_ns, done_ns) = (begins_ms * 1_000_000, (begins_ms + ms) * 1_000_000);
        Sample {
            name: NameId(0),
            intended_ns: begins_ns,
            dispatched_ns: begins_ns,
            sent_ns: Some(begins_ns),
            first_byte_ns: Some(done_ns),
            done_ns,
            connect_ns: None,
            tls_ns: None,
            generator_stall_ns: 0,
            failure: None,
            wire_requests: 1,
            bytes_sent: 0,
            bytes_received: 0,
        }
    }

    /// Second by second, a hundred requests that take 1, 2, … 100 ms, or 300 ms each.
    fn record(is_disturbed: &[bool]) -> RunRecord {
        let mut record = RunRecord::new(header());
        let mut delta = SecondRecorder::new(&record.header.names);
        for (second, is_disturbed) in (0..).zip(is_disturbed) {
            delta.start(second);
            for ms in 1..=100 {
                let ms = if *is_disturbed { 300 } else { ms };
                delta.record(&sample(u64::from(second) * 1_000, ms));
            }
            record.timeline.merge(&delta.to_snapshot()).unwrap();
        }
        record
    }

    #[test]
    fn excluded_seconds_do_not_define_slow_requests() {
        let disturbed: Vec<bool> = (0..25).map(|second| second < 5).collect();
        let record = record(&disturbed);
        let bounds = Bound::all(&record, ThresholdKind::Critical, Measure::Response);
        let window = TimeWindow::between(&record, 0.0, 25.0);
        let counted = bounds[0].count(window.without(&disturbed));
        let block = |missing| Block {
            missing,
            all: 100.0,
        };
        assert_eq!(counted.missing, [block(45.0); 20]);
        assert_eq!(counted.slow, [block(10.0); 20]);
    }
}
