//! Snapshots: mergeable metrics. The second of a core, the frame of a record file and a complete timeline have the same form,
//! since all of them are only ever merged.

use serde::{Deserialize, Serialize};

use crate::compact_histogram::CompactHistogram;
use crate::{Failure, Measure, NameId, Outcome, Sample, Second};

/// Metrics that can be merged into a timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetricsSnapshot {
    /// Width of its intervals in seconds.
    pub width_s: u32,
    /// Seconds with their counts.
    pub seconds: Vec<(u32, Second)>,
    /// Histograms of intervals.
    pub histograms: Vec<HistogramEntry>,
    /// Counts by name.
    pub totals: Vec<NameTotals>,
    /// Failures.
    pub failures: Vec<Failure>,
    /// End of the last successful request, in nanoseconds of the run's clock.
    pub last_ok_ns: u64,
}

impl MetricsSnapshot {
    /// An empty snapshot.
    pub(crate) fn empty(width_s: u32) -> Self {
        Self {
            width_s,
            seconds: Vec::new(),
            histograms: Vec::new(),
            totals: Vec::new(),
            failures: Vec::new(),
            last_ok_ns: 0,
        }
    }
}

/// A histogram of the requests of one name with one outcome in an interval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "StoredEntry", into = "StoredEntry")]
pub struct HistogramEntry {
    /// The second in which the interval begins.
    pub second: u32,
    /// The requests' name.
    pub name: NameId,
    /// The measured duration.
    pub measure: Measure,
    /// The requests' outcome.
    pub outcome: Outcome,
    /// The durations.
    pub histogram: CompactHistogram,
}

/// Form in files: `[second, name, measure, outcome, histogram]`.
#[derive(Serialize, Deserialize)]
struct StoredEntry(u32, NameId, Measure, Outcome, CompactHistogram);

impl From<StoredEntry> for HistogramEntry {
    fn from(StoredEntry(second, name, measure, outcome, compact): StoredEntry) -> Self {
        Self {
            second,
            name,
            measure,
            outcome,
            histogram: compact,
        }
    }
}

impl From<HistogramEntry> for StoredEntry {
    fn from(entry: HistogramEntry) -> Self {
        Self(
            entry.second,
            entry.name,
            entry.measure,
            entry.outcome,
            entry.histogram,
        )
    }
}

macro_rules! stored_as_code {
    ($closed_set:ty, $what:literal) => {
        impl Serialize for $closed_set {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_u8(self.code())
            }
        }

        impl<'de> Deserialize<'de> for $closed_set {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let code = u8::deserialize(d)?;
                Self::from_code(code)
                    .ok_or_else(|| serde::de::Error::custom(format!("unknown {} {code}", $what)))
            }
        }
    };
}

stored_as_code!(Measure, "measure");
stored_as_code!(Outcome, "outcome");

/// Counts of a name over the complete run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameTotals {
    /// The requests' name.
    pub name: NameId,
    /// Requests that ended, with any outcome.
    pub requests: u64,
    /// Requests on the wire.
    pub wire_requests: u64,
    /// Requests that were sent again; each is part of `wire_requests`.
    pub retries: u64,
    /// Bytes sent.
    pub bytes_sent: u64,
    /// Bytes received.
    pub bytes_received: u64,
}

impl NameTotals {
    pub(crate) fn of(name: NameId) -> Self {
        Self {
            name,
            requests: 0,
            wire_requests: 0,
            retries: 0,
            bytes_sent: 0,
            bytes_received: 0,
        }
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::of(self.name);
    }

    pub(crate) fn count(&mut self, sample: &Sample) {
        self.requests += 1;
        self.wire_requests += u64::from(sample.wire_requests);
        self.bytes_sent += sample.bytes_sent;
        self.bytes_received += sample.bytes_received;
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.requests = self.requests.saturating_add(other.requests);
        self.wire_requests = self.wire_requests.saturating_add(other.wire_requests);
        self.retries = self.retries.saturating_add(other.retries);
        self.bytes_sent = self.bytes_sent.saturating_add(other.bytes_sent);
        self.bytes_received = self.bytes_received.saturating_add(other.bytes_received);
    }
}
