//! The judgement on a target: what was measured, its confidence interval, and the grade.

use brunt_record::{Metric, RunRecord, Target};

use crate::model::grade::{Grade, PossibleGrades};

/// A target with what was measured and the grade.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// What was limited, and the thresholds.
    pub target: Target,
    /// The unit of its values and thresholds; empty: they have none.
    pub unit: &'static str,
    /// What was measured.
    pub value: Value,
    /// What it may have been, with 95 % confidence; `None` where that is not known.
    pub interval: Option<Interval>,
    /// What has to be said of the interval; `None`: nothing.
    pub interval_note: Option<String>,
    /// How well the target was met.
    pub grade: Grade,
    /// The grades that the data leave possible; `None` if the target is not applicable or the run is not
    /// valid.
    pub possible: Option<PossibleGrades>,
    /// Why the grade is what it is, where the value and the thresholds do not say it: what an
    /// inconclusive row lacks, and what would decide it.
    pub reason: Option<String>,
}

/// From … to, in the metric's unit: with 95 % confidence the true value lies between.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The least.
    pub low: f64,
    /// The most; `None`: no bound, since it may lie among requests that were never answered or not made.
    pub high: Option<f64>,
}

/// What was measured for a target.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value {
    /// A number in the metric's unit.
    Known(f64),
    /// A percentile, mean or maximum that is among the requests that were never answered. It
    /// misses every threshold.
    Unanswered,
    /// Nothing was measured.
    Unknown,
}

impl Value {
    /// The number, where there is one.
    pub const fn known(self) -> Option<f64> {
        match self {
            Self::Known(value) => Some(value),
            Self::Unanswered | Self::Unknown => None,
        }
    }
}

/// What a target limits, in words.
pub(crate) fn title_of(record: &RunRecord, target: &Target) -> String {
    let name = record.header.scope_title(target);
    title(target.metric, name.as_deref())
}

pub(crate) fn title(metric: Metric, name: Option<&str>) -> String {
    let metric = match metric {
        Metric::Cpu => "CPU".into(),
        Metric::ErrorRate => "error rate".into(),
        other => other.name(),
    };
    match name {
        Some(name) => format!("{metric} of {name}"),
        None => metric,
    }
}
