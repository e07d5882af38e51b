//! Bounds: what breaks a service in a search, a threshold of each of its targets.

use record::{Limit, Measure, Metric, RunRecord, Scope, Target};

use super::trial::Counted;
use crate::ladder::Threshold;
use crate::stretch::Stretch;
use crate::{number, row};

/// A threshold that a search looks at: of a percentile or of the error rate.
#[derive(Debug, Clone)]
pub(crate) struct Bound {
    metric: Metric,
    scope: Scope,
    threshold: Threshold,
    measure: Measure,
    title: String,
}

impl Bound {
    /// Those of a run's targets, by the measure that they judge.
    pub(crate) fn all(record: &RunRecord, limit: Limit, measure: Measure) -> Vec<Self> {
        let targets = record.header.targets.iter();
        targets
            .filter(|target| matches!(target.metric, Metric::Percentile(_) | Metric::ErrorRate))
            // What a user counts of its own is no time that a service takes.
            .filter(|target| !record.header.unit_of(target).is_empty())
            .filter_map(|target| {
                Some(Self {
                    metric: target.metric,
                    scope: target.scope.map_or(Scope::All, Scope::Name),
                    threshold: threshold(target, limit)?,
                    measure,
                    title: row::title_of(record, target),
                })
            })
            .collect()
    }

    /// The share of the requests that may miss it.
    pub(crate) fn share(&self) -> f64 {
        match self.metric {
            Metric::Percentile(q) => 1.0 - q,
            _ => self.threshold.level() / 100.0,
        }
    }

    /// Counts what misses it.
    pub(crate) fn count(&self, stretch: Stretch) -> Counted {
        let (missing, slow) = match self.metric {
            Metric::Percentile(_) => stretch.missing_and_slow(self.scope, self.measure, |ns| {
                self.threshold.is_met_by(ns as f64 / 1e6, self.metric)
            }),
            _ => (stretch.failed(self.scope), Vec::new()),
        };
        Counted {
            missing,
            slow,
            limit: self.share(),
        }
    }

    /// How long a request may take until this bound knows of it, in seconds.
    pub(crate) fn patience_s(&self) -> f64 {
        match self.metric {
            Metric::Percentile(_) => self.threshold.level() / 1e3,
            _ => 0.0,
        }
    }

    /// That it is broken, in words.
    pub(crate) fn broken(&self) -> String {
        let limit = number::chosen(self.threshold.level());
        format!("{} over {limit} {}", self.title, self.metric.unit())
    }
}

/// The threshold asked for, or one that the target has.
fn threshold(target: &Target, limit: Limit) -> Option<Threshold> {
    let critical = target.critical.map(Threshold::Critical);
    let acceptable = target.acceptable.map(Threshold::Limit);
    let goal = target.target.map(Threshold::Limit);
    match limit {
        Limit::Critical => critical.or(acceptable).or(goal),
        Limit::Acceptable => acceptable.or(critical).or(goal),
        Limit::Target => goal.or(acceptable).or(critical),
    }
}
