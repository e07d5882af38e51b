//! Metrics of comparisons, and their directions.

use serde::{Deserialize, Serialize};

/// A metric of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ComparedMetric {
    /// Successful requests per second.
    Throughput,
    /// Proportion of the requests that failed or got no response, in percent.
    ErrorRate,
    /// Median response time, in milliseconds.
    P50,
    /// Response time that 90 % do not exceed, in milliseconds.
    P90,
    /// Response time that 95 % do not exceed, in milliseconds.
    P95,
    /// Response time that 99 % do not exceed, in milliseconds.
    P99,
    /// CPU time of the process under test per request, in milliseconds.
    CpuPerRequest,
    /// Resident memory of the process under test, in megabytes (10⁶ bytes): a level that does not depend on the
    /// number of requests, so it is not divided by them.
    Memory,
}

impl ComparedMetric {
    /// All metrics, in the order of reports.
    pub const ALL: [Self; 8] = [
        Self::Throughput,
        Self::ErrorRate,
        Self::P50,
        Self::P90,
        Self::P95,
        Self::P99,
        Self::CpuPerRequest,
        Self::Memory,
    ];

    /// Name in files and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Throughput => "throughput",
            Self::ErrorRate => "error_rate",
            Self::P50 => "p50",
            Self::P90 => "p90",
            Self::P95 => "p95",
            Self::P99 => "p99",
            Self::CpuPerRequest => "cpu_per_request",
            Self::Memory => "memory",
        }
    }

    /// Name in sentences.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::ErrorRate => "error rate",
            Self::CpuPerRequest => "CPU per request",
            other => other.name(),
        }
    }

    /// Unit of its values.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::Throughput => "req/s",
            Self::ErrorRate => "%",
            Self::P50 | Self::P90 | Self::P95 | Self::P99 | Self::CpuPerRequest => "ms",
            Self::Memory => "MB",
        }
    }

    /// Returns whether higher values are better.
    pub const fn is_better_when_higher(self) -> bool {
        matches!(self, Self::Throughput)
    }

    /// The quantile of a percentile (0 to 1).
    pub const fn percentile(self) -> Option<f64> {
        match self {
            Self::P50 => Some(0.5),
            Self::P90 => Some(0.9),
            Self::P95 => Some(0.95),
            Self::P99 => Some(0.99),
            _ => None,
        }
    }

    /// 1 if higher values are worse, −1 if lower values are.
    pub(crate) const fn worse(self) -> f64 {
        if self.is_better_when_higher() {
            -1.0
        } else {
            1.0
        }
    }
}
