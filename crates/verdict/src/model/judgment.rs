//! The grade of a target with the measured value and its confidence interval.

use brunt_record::{Metric, RunRecord, Target};

use crate::model::grade::{Grade, PossibleGrades};

/// A target with its measured value and its grade.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgment {
    /// The metric and its thresholds.
    pub target: Target,
    /// Unit of the value and the thresholds; empty if they have no unit.
    pub unit: &'static str,
    /// The measured value.
    pub value: Value,
    /// 95 % confidence interval of the value; `None` if it is unknown.
    pub interval: Option<Interval>,
    /// A note about the interval, if it needs one.
    pub interval_note: Option<String>,
    /// Grade of the target.
    pub grade: Grade,
    /// The possible grades; `None` if the target is not applicable or the run is invalid.
    pub possible: Option<PossibleGrades>,
    /// The reason for the grade if the value and the thresholds do not explain it: for an inconclusive target, the
    /// missing evidence and what would decide it.
    pub reason: Option<String>,
}

/// A 95 % confidence interval, in the metric's unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end; `None` if there is no bound because the value may lie among requests that got no response or were
    /// never sent.
    pub high: Option<f64>,
}

/// The measured value of a target.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value {
    /// A number in the metric's unit.
    Known(f64),
    /// A percentile, mean or maximum that lies among the requests without a response. It misses every threshold.
    Unanswered,
    /// Nothing was measured.
    Unknown,
}

impl Value {
    /// The number, if there is one.
    pub const fn known(self) -> Option<f64> {
        match self {
            Self::Known(value) => Some(value),
            Self::Unanswered | Self::Unknown => None,
        }
    }
}

/// Title of a target: its metric and its scope.
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
