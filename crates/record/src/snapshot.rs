//! Snapshots: what is added to a timeline. One form for a core's second, a record file's frame and
//! a whole timeline, since adding is all that ever happens to any of them.

use serde::{Deserialize, Serialize};

use crate::compact_histogram::CompactHistogram;
use crate::{Failure, Measure, NameId, Outcome, Sample, Second};

/// Something to add to a timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetricsSnapshot {
    /// The width of its intervals, in seconds.
    pub width_s: u32,
    /// Counts, each with its second.
    pub seconds: Vec<(u32, Second)>,
    /// Histograms, each with the second in which its interval begins.
    pub histograms: Vec<HistogramEntry>,
    /// Counts by name.
    pub totals: Vec<NameTotals>,
    /// Failures.
    pub failures: Vec<Failure>,
    /// When the last request that was answered well was done, in nanoseconds of the run's clock.
    pub last_ok_ns: u64,
}

impl MetricsSnapshot {
    /// Nothing, in intervals of a width.
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

/// A histogram and what it is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "StoredEntry", into = "StoredEntry")]
pub struct HistogramEntry {
    /// The second in which the interval begins.
    pub second: u32,
    /// The requests' name.
    pub name: NameId,
    /// What was measured.
    pub measure: Measure,
    /// How the requests ended.
    pub outcome: Outcome,
    /// The durations.
    pub histogram: CompactHistogram,
}

/// In files: `[second, name, measure, outcome, histogram]`.
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

/// What is counted for each name over a whole run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameTotals {
    /// The requests' name.
    pub name: NameId,
    /// Requests that ended, however they ended.
    pub requests: u64,
    /// Requests on the wire.
    pub wire_requests: u64,
    /// Of these, requests that were sent again.
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
