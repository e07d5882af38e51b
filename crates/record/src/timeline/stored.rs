//! A timeline in the form of a record file: pieces that can be merged into another timeline.

use super::Timeline;
use crate::clock::SECONDS_MAX;
use crate::histogram_window::HistogramWindow;
use crate::merge_error::MergeError;
use crate::packed_rows::StoredRows;
use crate::second::Second;
use crate::snapshot::{HistogramEntry, MetricsSnapshot};

/// Approximate size of the histograms in a piece.
const PIECE_BYTES: usize = 256 << 10;

impl Timeline {
    /// The complete timeline as one snapshot.
    pub fn to_snapshot(&self) -> MetricsSnapshot {
        MetricsSnapshot {
            seconds: (0u32..).zip(self.seconds.iter()).collect(),
            histograms: self.entries().collect(),
            ..self.totals_snapshot()
        }
    }

    /// The counts of its seconds.
    pub(crate) fn stored_seconds(&self) -> impl Iterator<Item = StoredRows> {
        self.seconds.stored()
    }

    /// Everything except the counts of its seconds, in pieces of a few hundred kilobytes.
    pub(crate) fn snapshots(&self) -> impl Iterator<Item = MetricsSnapshot> {
        let mut entries = self.entries().peekable();
        let of_histograms = std::iter::from_fn(move || {
            entries.peek()?;
            let (mut histograms, mut bytes) = (Vec::new(), 0);
            while bytes < PIECE_BYTES
                && let Some(entry) = entries.next()
            {
                bytes += entry.histogram.size();
                histograms.push(entry);
            }
            Some(MetricsSnapshot {
                histograms,
                ..MetricsSnapshot::empty(self.width_s)
            })
        });
        std::iter::once(self.totals_snapshot()).chain(of_histograms)
    }

    /// A snapshot of the totals over the run.
    fn totals_snapshot(&self) -> MetricsSnapshot {
        MetricsSnapshot {
            totals: self.name_totals.clone(),
            failures: self.failures.clone(),
            last_ok_ns: self.last_ok_ns,
            ..MetricsSnapshot::empty(self.width_s)
        }
    }

    fn entries(&self) -> impl Iterator<Item = HistogramEntry> {
        let intervals = (0u32..).zip(&self.intervals);
        intervals.flat_map(|(number, interval)| {
            let second = number * self.width_s;
            let cells = HistogramWindow::cells(interval);
            cells.map(move |(name, measure, outcome, compact)| HistogramEntry {
                second,
                name,
                measure,
                outcome,
                histogram: compact.to_owned_bytes(),
            })
        })
    }

    /// Adds packed counts of seconds, or none of them if they are invalid.
    pub(crate) fn merge_seconds(&mut self, packed: &StoredRows) -> Result<(), MergeError> {
        let length = u64::from(packed.each).saturating_mul(packed.rows.into());
        let is_within = packed.from.saturating_add(length) <= u64::from(SECONDS_MAX) + 1;
        let rows = packed.read::<Second>().filter(|_| is_within);
        let rows = rows.ok_or_else(|| packed.merge_error())?;
        self.seconds.widen_to(packed.each);
        let mut second = usize::try_from(packed.from).map_err(|_| packed.merge_error())?;
        for (row, held) in rows {
            for part in 0..held {
                self.seconds.merge(second, &row.part(part, held));
                second += 1;
            }
        }
        Ok(())
    }
}
