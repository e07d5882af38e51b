//! Targets: limits on one metric, with three thresholds.

use serde::{Deserialize, Serialize};

use crate::NameId;

/// What a target limits.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Response time that this share (0 to 1) of the requests does not exceed, in milliseconds.
    Percentile(f64),
    /// Mean response time of the requests answered well, in milliseconds.
    Mean,
    /// Longest response time, in milliseconds.
    Max,
    /// Requests answered well, a second.
    Throughput,
    /// Share of the requests that failed or were never answered, in percent.
    ErrorRate,
    /// Mean CPU use of the process under test, in percent of the cores it may use.
    Cpu,
    /// Largest resident memory of the process under test with its children, in megabytes (10⁶ bytes).
    Memory,
}

impl Metric {
    /// Its name in scenario files and reports.
    pub fn name(self) -> String {
        match self {
            Self::Percentile(q) => {
                let percent = format!("{:.6}", q * 100.0);
                let percent = percent.trim_end_matches('0').trim_end_matches('.');
                format!("p{percent}")
            }
            Self::Mean => "mean".into(),
            Self::Max => "max".into(),
            Self::Throughput => "throughput".into(),
            Self::ErrorRate => "error_rate".into(),
            Self::Cpu => "cpu".into(),
            Self::Memory => "memory".into(),
        }
    }

    /// The unit of its values and thresholds.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::Percentile(_) | Self::Mean | Self::Max => "ms",
            Self::Throughput => "req/s",
            Self::ErrorRate | Self::Cpu => "%",
            Self::Memory => "MB",
        }
    }

    /// Whether more is better.
    pub const fn is_better_when_higher(self) -> bool {
        matches!(self, Self::Throughput)
    }
}

/// A limit on one metric. Thresholds are in the metric's unit; any may be left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// What is limited.
    pub metric: Metric,
    /// Whose requests; `None`: all requests but the set-up.
    pub scope: Option<NameId>,
    /// Met: good.
    pub target: Option<f64>,
    /// Met: acceptable. Missed: poor.
    pub acceptable: Option<f64>,
    /// Reached: critical.
    pub critical: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_named_as_people_write_them() {
        for (q, name) in [
            (0.5, "p50"),
            (0.95, "p95"),
            (0.999, "p99.9"),
            (0.9999, "p99.99"),
        ] {
            assert_eq!(Metric::Percentile(q).name(), name);
        }
    }
}
