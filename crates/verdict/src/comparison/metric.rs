//! What is compared of two runs, and which way is worse.

use serde::{Deserialize, Serialize};

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ComparedMetric {
    /// Requests answered well, a second.
    Throughput,
    /// Share of the requests that failed or were never answered, in percent.
    ErrorRate,
    /// Median response time, in milliseconds.
    P50,
    /// Response time that 90 % do not exceed, in milliseconds.
    P90,
    /// Response time that 95 % do not exceed, in milliseconds.
    P95,
    /// Response time that 99 % do not exceed, in milliseconds.
    P99,
    /// CPU time that the process under test took for a request, in milliseconds.
    CpuPerRequest,
    /// Resident memory of the process under test, in megabytes (10⁶ bytes): a level, which more requests
    /// do not use up, so it is not divided by them.
    Memory,
}

impl ComparedMetric {
    /// Everything, in the order of reports.
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

    /// Its name in files and reports.
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

    /// Its name in sentences.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::ErrorRate => "error rate",
            Self::CpuPerRequest => "CPU per request",
            other => other.name(),
        }
    }

    /// The unit of its values.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::Throughput => "req/s",
            Self::ErrorRate => "%",
            Self::P50 | Self::P90 | Self::P95 | Self::P99 | Self::CpuPerRequest => "ms",
            Self::Memory => "MB",
        }
    }

    /// Whether more is better.
    pub const fn is_better_when_higher(self) -> bool {
        matches!(self, Self::Throughput)
    }

    /// The share of a percentile (0 to 1).
    pub const fn percentile(self) -> Option<f64> {
        match self {
            Self::P50 => Some(0.5),
            Self::P90 => Some(0.9),
            Self::P95 => Some(0.95),
            Self::P99 => Some(0.99),
            _ => None,
        }
    }

    /// 1 where more is worse, −1 where less is.
    pub(crate) const fn worse(self) -> f64 {
        if self.is_better_when_higher() {
            -1.0
        } else {
            1.0
        }
    }
}
