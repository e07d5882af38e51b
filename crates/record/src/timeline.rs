//! The timeline: the metrics of a run, by interval and in total.
//!
//! Its size is bounded. When the histograms exceed their bound, neighboring intervals are merged, for all names at once, so
//! that the width of the intervals doubles. Counts stay those of each second for several days.

mod stored;

use crate::clock::SECONDS_MAX;
use crate::compact_histogram::CompactHistogram;
use crate::histogram_window::{HistogramWindow, INTERVAL_BYTES, place};
use crate::measure::{CELLS_PER_NAME, cell_index};
use crate::snapshot::{HistogramEntry, MetricsSnapshot, NameTotals};
use crate::{
    Distribution, Failure, Histogram, Measure, MergeError, NameId, Outcome, RequestName, Scope,
    Seconds,
};

/// Largest size of the histograms of all intervals.
const HISTOGRAM_BYTES_MAX: usize = 32 << 20;
/// Number of intervals at the end that are not packed, since they still change.
const INTERVALS_OPEN: usize = 4;

/// The metrics of a run.
#[derive(Debug, Clone)]
pub struct Timeline {
    names: Vec<RequestName>,
    width_s: u32,
    bytes: usize,
    bytes_max: usize,
    seconds: Seconds,
    intervals: Vec<HistogramWindow>,
    /// Intervals that have changed since they were packed.
    touched: Vec<usize>,
    /// Histograms of all judged requests over the run, by measure and outcome.
    totals: Vec<Option<Box<Histogram>>>,
    name_totals: Vec<NameTotals>,
    failures: Vec<Failure>,
    last_ok_ns: u64,
}

impl Timeline {
    /// An empty timeline for requests of these names.
    pub fn new(names: Vec<RequestName>) -> Self {
        Self::bounded(names, HISTOGRAM_BYTES_MAX)
    }

    fn bounded(names: Vec<RequestName>, bytes_max: usize) -> Self {
        let name_totals = (0u32..)
            .zip(&names)
            .map(|(id, _)| NameTotals::of(NameId(id)))
            .collect();
        Self {
            names,
            width_s: 1,
            bytes: 0,
            bytes_max,
            seconds: Seconds::default(),
            intervals: Vec::new(),
            touched: Vec::new(),
            totals: vec![None; CELLS_PER_NAME],
            name_totals,
            failures: Vec::new(),
            last_ok_ns: 0,
        }
    }

    /// Adds a snapshot, or nothing of it if it does not belong to the run.
    pub fn merge(&mut self, snapshot: &MetricsSnapshot) -> Result<(), MergeError> {
        self.check(snapshot)?;
        while self.width_s < snapshot.width_s {
            self.double_width();
        }
        for (second, counts) in &snapshot.seconds {
            self.seconds.merge(*second as usize, counts);
        }
        for entry in &snapshot.histograms {
            self.merge_entry(entry);
        }
        for totals in &snapshot.totals {
            self.name_totals[totals.name.index()].merge(totals);
        }
        for failure in &snapshot.failures {
            failure.add_to(&mut self.failures);
        }
        self.last_ok_ns = self.last_ok_ns.max(snapshot.last_ok_ns);
        while self.bytes > self.bytes_max && self.intervals.len() > 1 {
            self.double_width();
        }
        self.pack();
        Ok(())
    }

    fn check(&self, snapshot: &MetricsSnapshot) -> Result<(), MergeError> {
        let histograms = snapshot.histograms.iter().map(|entry| entry.name);
        let totals = snapshot.totals.iter().map(|totals| totals.name);
        let failures = snapshot.failures.iter().map(|failure| failure.name);
        let known = self.names.len();
        let mut names = histograms.chain(totals).chain(failures);
        if let Some(NameId(id)) = names.find(|name| name.index() >= known) {
            return Err(MergeError::Name { id, known });
        }
        let of_counts = snapshot.seconds.iter().map(|(second, _)| *second);
        let mut seconds = of_counts.chain(snapshot.histograms.iter().map(|entry| entry.second));
        if let Some(second) = seconds.find(|second| *second > SECONDS_MAX) {
            return Err(MergeError::Second { second });
        }
        let width_s = snapshot.width_s;
        if !width_s.is_power_of_two() || width_s > SECONDS_MAX {
            return Err(MergeError::Width { width_s });
        }
        Ok(())
    }

    fn merge_entry(&mut self, entry: &HistogramEntry) {
        let (name, measure, outcome) = (entry.name, entry.measure, entry.outcome);
        if self.names[name.index()].is_judged_as(outcome) {
            self.totals[cell_index(NameId(0), measure, outcome)]
                .get_or_insert_default()
                .merge_compact(&entry.histogram);
        }
        self.reach(entry.second);
        let interval = (entry.second / self.width_s) as usize;
        let grown = self.intervals[interval].merge(place(name, measure, outcome), &entry.histogram);
        self.bytes = self.bytes.saturating_add_signed(grown);
        self.touch(interval);
    }

    /// Adds room for a second. If it is far away, intervals are widened first, so that the room stays bounded.
    fn reach(&mut self, second: u32) {
        let needed = |width_s: u32| (second / width_s) as usize + 1;
        while needed(self.width_s).saturating_mul(INTERVAL_BYTES) > self.bytes_max
            && needed(self.width_s) > 1
        {
            self.double_width();
        }
        let more = needed(self.width_s).saturating_sub(self.intervals.len());
        self.bytes += more * INTERVAL_BYTES;
        self.intervals
            .resize_with(self.intervals.len() + more, HistogramWindow::default);
    }

    fn touch(&mut self, interval: usize) {
        if self.touched.last() != Some(&interval) && !self.touched.contains(&interval) {
            self.touched.push(interval);
        }
    }

    /// Packs the intervals except the last ones.
    fn pack(&mut self) {
        let last = self.intervals.len().saturating_sub(INTERVALS_OPEN);
        let intervals = &mut self.intervals;
        self.touched.retain(|interval| {
            if *interval < last {
                intervals[*interval].pack();
            }
            *interval >= last
        });
    }

    fn double_width(&mut self) {
        self.width_s *= 2;
        self.bytes = 0;
        self.touched.clear();
        let mut narrow = std::mem::take(&mut self.intervals).into_iter();
        while let Some(mut wide) = narrow.next() {
            let second = narrow.next();
            for (cell, compact) in second.iter().flat_map(HistogramWindow::iter) {
                wide.merge(cell, &compact);
            }
            self.bytes += wide.size();
            wide.pack();
            self.intervals.push(wide);
        }
    }

    /// The run's names.
    pub fn names(&self) -> &[RequestName] {
        &self.names
    }

    /// The counts of each second.
    pub fn seconds(&self) -> &Seconds {
        &self.seconds
    }

    /// Width of the intervals of histograms, in seconds.
    pub fn width_s(&self) -> u32 {
        self.width_s
    }

    /// Number of intervals of histograms.
    pub fn intervals(&self) -> usize {
        self.intervals.len()
    }

    /// Counts of each name over the run, in the order of the names.
    pub fn name_totals(&self) -> &[NameTotals] {
        &self.name_totals
    }

    /// Failures over the run.
    pub fn failures(&self) -> &[Failure] {
        &self.failures
    }

    /// End of the last successful request, in nanoseconds of the run's clock.
    pub fn last_ok_ns(&self) -> u64 {
        self.last_ok_ns
    }

    /// The names that belong to a scope with any outcome.
    pub fn names_in<'a>(&'a self, scope: Scope<'a>) -> impl Iterator<Item = NameId> + use<'a> {
        let ids = (0u32..).map(NameId).zip(&self.names);
        ids.filter(move |(id, name)| match scope {
            Scope::All => name.is_judged(),
            Scope::Name(only) => *id == only,
            Scope::Names(several) => several.contains(id),
        })
        .map(|(id, _)| id)
    }

    /// The names whose requests with an outcome belong to a scope. [`Scope::All`] includes failed requests of `on_start`.
    fn names_with(&self, scope: Scope, outcome: Outcome) -> impl Iterator<Item = NameId> {
        let ids = (0u32..).map(NameId).zip(&self.names);
        ids.filter(move |(id, name)| match scope {
            Scope::All => name.is_judged_as(outcome),
            Scope::Name(only) => *id == only,
            Scope::Names(several) => several.contains(id),
        })
        .map(|(id, _)| id)
    }

    /// Durations of the requests with an outcome, over the run.
    pub fn histogram(&self, scope: Scope, measure: Measure, outcome: Outcome) -> Histogram {
        if scope == Scope::All {
            let total = &self.totals[cell_index(NameId(0), measure, outcome)];
            return total.as_deref().cloned().unwrap_or_default();
        }
        // Totals of each name would take more memory than the bound of the intervals.
        let names: Vec<NameId> = self.names_in(scope).collect();
        let mut merged = Histogram::default();
        for interval in &self.intervals {
            for name in &names {
                if let Some(compact) = interval.get(*name, measure, outcome) {
                    merged.merge_compact(&compact);
                }
            }
        }
        merged
    }

    /// Distribution of the durations over the run.
    pub fn distribution(&self, scope: Scope, measure: Measure) -> Distribution {
        Distribution {
            ok: self.histogram(scope, measure, Outcome::Ok),
            unanswered: self.histogram(scope, measure, Outcome::Unanswered).count(),
        }
    }

    /// Distribution of the durations in one interval.
    pub fn distribution_at(&self, interval: usize, scope: Scope, measure: Measure) -> Distribution {
        self.distribution_in([interval], scope, measure)
    }

    /// Distribution of the durations in several intervals.
    pub fn distribution_in(
        &self,
        intervals: impl IntoIterator<Item = usize>,
        scope: Scope,
        measure: Measure,
    ) -> Distribution {
        let mut distribution = Distribution::default();
        let known = intervals
            .into_iter()
            .filter_map(|interval| self.intervals.get(interval));
        for cells in known {
            for name in self.names_with(scope, Outcome::Ok) {
                if let Some(compact) = cells.get(name, measure, Outcome::Ok) {
                    distribution.ok.merge_compact(&compact);
                }
            }
            for name in self.names_with(scope, Outcome::Unanswered) {
                if let Some(compact) = cells.get(name, measure, Outcome::Unanswered) {
                    distribution.unanswered += compact.summary().count;
                }
            }
        }
        distribution
    }

    /// The histograms of an interval with their name, measure and outcome.
    pub fn cells(
        &self,
        interval: usize,
    ) -> impl Iterator<Item = (NameId, Measure, Outcome, CompactHistogram<&[u8]>)> {
        let interval = self.intervals.get(interval).into_iter();
        interval.flat_map(HistogramWindow::cells)
    }

    /// Numbers of the ranked requests of an interval: those whose duration does not meet a condition or that got no response,
    /// and all. Each bucket counts as its longest duration.
    pub fn missing_at(
        &self,
        interval: usize,
        scope: Scope,
        measure: Measure,
        is_met: impl Fn(u64) -> bool,
    ) -> (u64, u64) {
        let Some(cells) = self.intervals.get(interval) else {
            return (0, 0);
        };
        let (mut missing, mut all) = (0, 0);
        for name in self.names_with(scope, Outcome::Ok) {
            if let Some(compact) = cells.get(name, measure, Outcome::Ok) {
                all += compact.summary().count;
                missing += compact.count_unless(&is_met);
            }
        }
        for name in self.names_with(scope, Outcome::Unanswered) {
            if let Some(compact) = cells.get(name, measure, Outcome::Unanswered) {
                let unanswered = compact.summary().count;
                (missing, all) = (missing + unanswered, all + unanswered);
            }
        }
        (missing, all)
    }

    /// The durations that [`Self::missing_at`] counts, each with its count and in no order, and the number of requests without
    /// a response: for callers with many conditions.
    pub fn durations_at(
        &self,
        interval: usize,
        scope: Scope,
        measure: Measure,
    ) -> (Vec<(u64, u64)>, u64) {
        let (mut durations, mut unanswered) = (Vec::new(), 0);
        let Some(cells) = self.intervals.get(interval) else {
            return (durations, unanswered);
        };
        for name in self.names_with(scope, Outcome::Ok) {
            if let Some(compact) = cells.get(name, measure, Outcome::Ok) {
                durations.extend(compact.durations());
            }
        }
        for name in self.names_with(scope, Outcome::Unanswered) {
            if let Some(compact) = cells.get(name, measure, Outcome::Unanswered) {
                unanswered += compact.count();
            }
        }
        (durations, unanswered)
    }

    /// Numbers of the requests whose intended start is in an interval: those that did not succeed, and all.
    pub fn failed_at(&self, interval: usize, scope: Scope) -> (u64, u64) {
        let Some(cells) = self.intervals.get(interval) else {
            return (0, 0);
        };
        let (mut failed, mut all) = (0, 0);
        for outcome in Outcome::ALL {
            for name in self.names_with(scope, outcome) {
                if let Some(compact) = cells.get(name, Measure::Response, outcome) {
                    let count = compact.summary().count;
                    all += count;
                    failed += if outcome == Outcome::Ok { 0 } else { count };
                }
            }
        }
        (failed, all)
    }
}

#[cfg(test)]
mod tests;
