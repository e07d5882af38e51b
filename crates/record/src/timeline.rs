//! The timeline: everything that was recorded of a run, second by second, and in all.
//!
//! Counts stay at one second. Histograms are bounded in bytes: when they are full, neighbouring
//! intervals are merged, for all names at once, and the interval's width doubles.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::delta::cell_index;
use crate::increment::{Entry, Increment, NameTotals};
use crate::sparse::Sparse;
use crate::{Distribution, Failure, Histogram, Measure, NameId, Outcome, RequestName, Second};

/// How many bytes the histograms of all intervals may take.
const HISTOGRAM_BYTES_MAX: usize = 64 << 20;
/// No run is longer: a year.
const SECONDS_MAX: u32 = 366 * 86_400;

type Cells = BTreeMap<(NameId, Measure, Outcome), Sparse>;

/// What was recorded of a run.
#[derive(Debug, Clone)]
pub struct Timeline {
    names: Vec<RequestName>,
    width_s: u32,
    bytes: usize,
    bytes_max: usize,
    seconds: Vec<Second>,
    intervals: Vec<Cells>,
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
            seconds: Vec::new(),
            intervals: Vec::new(),
            totals: Vec::new(),
            name_totals,
            failures: Vec::new(),
            last_ok_ns: 0,
        }
    }

    /// Adds what was recorded, or nothing of it where it does not fit.
    pub fn absorb(&mut self, increment: &Increment) -> Result<(), Unfit> {
        self.check(increment)?;
        for (second, counts) in &increment.seconds {
            let at = *second as usize;
            if self.seconds.len() <= at {
                self.seconds.resize_with(at + 1, Second::default);
            }
            self.seconds[at].merge(counts);
        }
        for entry in &increment.histograms {
            self.absorb_entry(entry);
        }
        for totals in &increment.totals {
            self.name_totals[totals.name.index()].merge(totals);
        }
        for failure in &increment.failures {
            failure.add_to(&mut self.failures);
        }
        self.last_ok_ns = self.last_ok_ns.max(increment.last_ok_ns);
        while self.width_s < increment.width_s
            || (self.bytes > self.bytes_max && self.intervals.len() > 1)
        {
            self.double_width();
        }
        Ok(())
    }

    fn check(&self, increment: &Increment) -> Result<(), Unfit> {
        let histograms = increment.histograms.iter().map(|entry| entry.name);
        let totals = increment.totals.iter().map(|totals| totals.name);
        let failures = increment.failures.iter().map(|failure| failure.name);
        let known = self.names.len();
        let mut names = histograms.chain(totals).chain(failures);
        if let Some(NameId(id)) = names.find(|name| name.index() >= known) {
            return Err(Unfit::Name { id, known });
        }
        let of_counts = increment.seconds.iter().map(|(second, _)| *second);
        let mut seconds = of_counts.chain(increment.histograms.iter().map(|entry| entry.second));
        if let Some(second) = seconds.find(|second| *second > SECONDS_MAX) {
            return Err(Unfit::Second { second });
        }
        let width_s = increment.width_s;
        if !width_s.is_power_of_two() || width_s > SECONDS_MAX {
            return Err(Unfit::Width { width_s });
        }
        Ok(())
    }

    fn absorb_entry(&mut self, entry: &Entry) {
        let at = cell_index(entry.name, entry.measure, entry.outcome);
        if self.totals.len() <= at {
            self.totals.resize_with(at + 1, || None);
        }
        self.totals[at]
            .get_or_insert_default()
            .merge_sparse(&entry.sparse);

        let interval = (entry.second / self.width_s) as usize;
        if self.intervals.len() <= interval {
            self.intervals.resize_with(interval + 1, Cells::new);
        }
        let key = (entry.name, entry.measure, entry.outcome);
        let cells = &mut self.intervals[interval];
        self.bytes = merge_into(cells, key, &entry.sparse, self.bytes);
    }

    fn double_width(&mut self) {
        self.width_s *= 2;
        let narrow = std::mem::take(&mut self.intervals);
        self.bytes = 0;
        for pair in narrow.chunks(2) {
            let mut wide = Cells::new();
            for (key, sparse) in pair.iter().flatten() {
                self.bytes = merge_into(&mut wide, *key, sparse, self.bytes);
            }
            self.intervals.push(wide);
        }
    }

    /// The run's names.
    pub fn names(&self) -> &[RequestName] {
        &self.names
    }

    /// The counts of each second.
    pub fn seconds(&self) -> &[Second] {
        &self.seconds
    }

    /// The width of the intervals of histograms, in seconds.
    pub fn width_s(&self) -> u32 {
        self.width_s
    }

    /// How many intervals of histograms there are.
    pub fn intervals(&self) -> usize {
        self.intervals.len()
    }

    /// Counts over the run, a row a name, in the order of the names.
    pub fn name_totals(&self) -> &[NameTotals] {
        &self.name_totals
    }

    /// Failures over the run.
    pub fn failures(&self) -> &[Failure] {
        &self.failures
    }

    /// When the last request that was answered well was done, in nanoseconds of the run's clock.
    pub fn last_ok_ns(&self) -> u64 {
        self.last_ok_ns
    }

    /// The names that a scope takes in.
    pub fn names_in(&self, scope: Scope) -> impl Iterator<Item = NameId> {
        let ids = (0u32..).map(NameId).zip(&self.names);
        ids.filter(move |(id, name)| match scope {
            Scope::All => name.is_judged(),
            Scope::Name(only) => *id == only,
        })
        .map(|(id, _)| id)
    }

    /// Durations over the run of the requests that ended one way.
    pub fn histogram(&self, scope: Scope, measure: Measure, outcome: Outcome) -> Histogram {
        let mut merged = Histogram::default();
        for name in self.names_in(scope) {
            if let Some(Some(total)) = self.totals.get(cell_index(name, measure, outcome)) {
                merged.merge(total);
            }
        }
        merged
    }

    /// Durations over the run, the unanswered above all.
    pub fn distribution(&self, scope: Scope, measure: Measure) -> Distribution {
        Distribution {
            ok: self.histogram(scope, measure, Outcome::Ok),
            unanswered: self.histogram(scope, measure, Outcome::Unanswered).count(),
        }
    }

    /// Durations in one interval, the unanswered above all.
    pub fn distribution_at(&self, interval: usize, scope: Scope, measure: Measure) -> Distribution {
        self.distribution_in(interval..interval + 1, scope, measure)
    }

    /// Durations in some intervals, the unanswered above all.
    pub fn distribution_in(
        &self,
        intervals: Range<usize>,
        scope: Scope,
        measure: Measure,
    ) -> Distribution {
        let mut distribution = Distribution::default();
        let end = intervals.end.min(self.intervals.len());
        for cells in &self.intervals[intervals.start.min(end)..end] {
            for name in self.names_in(scope) {
                if let Some(sparse) = cells.get(&(name, measure, Outcome::Ok)) {
                    distribution.ok.merge_sparse(sparse);
                }
                if let Some(sparse) = cells.get(&(name, measure, Outcome::Unanswered)) {
                    distribution.unanswered += sparse.summary().count;
                }
            }
        }
        distribution
    }

    /// Of the requests that an interval ranks: those whose duration will not do or that were never
    /// answered, and all. A duration stands for its bucket, which it is the longest of.
    pub fn missing_at(
        &self,
        interval: usize,
        scope: Scope,
        measure: Measure,
        will_do: impl Fn(u64) -> bool,
    ) -> (u64, u64) {
        let Some(cells) = self.intervals.get(interval) else {
            return (0, 0);
        };
        let (mut missing, mut all) = (0, 0);
        for name in self.names_in(scope) {
            if let Some(sparse) = cells.get(&(name, measure, Outcome::Ok)) {
                all += sparse.summary().count;
                missing += sparse.count_unless(&will_do);
            }
            if let Some(sparse) = cells.get(&(name, measure, Outcome::Unanswered)) {
                let unanswered = sparse.summary().count;
                (missing, all) = (missing + unanswered, all + unanswered);
            }
        }
        (missing, all)
    }

    /// Requests that were meant to start in an interval: those that were not answered well, and all.
    pub fn failed_at(&self, interval: usize, scope: Scope) -> (u64, u64) {
        let Some(cells) = self.intervals.get(interval) else {
            return (0, 0);
        };
        let (mut failed, mut all) = (0, 0);
        for name in self.names_in(scope) {
            for outcome in Outcome::ALL {
                if let Some(sparse) = cells.get(&(name, Measure::Response, outcome)) {
                    let count = sparse.summary().count;
                    all += count;
                    failed += if outcome == Outcome::Ok { 0 } else { count };
                }
            }
        }
        (failed, all)
    }

    /// The whole timeline as one thing to add to an empty one.
    pub fn to_increment(&self) -> Increment {
        let entries = (0u32..).zip(&self.intervals).flat_map(|(interval, cells)| {
            let second = interval * self.width_s;
            cells
                .iter()
                .map(move |(&(name, measure, outcome), sparse)| {
                    let sparse = sparse.clone();
                    Entry {
                        second,
                        name,
                        measure,
                        outcome,
                        sparse,
                    }
                })
        });
        Increment {
            width_s: self.width_s,
            seconds: (0u32..).zip(self.seconds.iter().cloned()).collect(),
            histograms: entries.collect(),
            totals: self.name_totals.clone(),
            failures: self.failures.clone(),
            last_ok_ns: self.last_ok_ns,
        }
    }
}

/// Merges and returns the bytes that all histograms then take.
fn merge_into(
    cells: &mut Cells,
    key: (NameId, Measure, Outcome),
    sparse: &Sparse,
    bytes: usize,
) -> usize {
    let Some(known) = cells.get_mut(&key) else {
        cells.insert(key, sparse.clone());
        return bytes + sparse.size();
    };
    let before = known.size();
    let mut merged = Histogram::default();
    merged.merge_sparse(known);
    merged.merge_sparse(sparse);
    *known = Sparse::from(&merged);
    bytes - before + known.size()
}

/// Which requests are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// All but the set-up.
    All,
    /// Those of one name.
    Name(NameId),
}

/// An increment does not fit the run: it was damaged, or made by somebody else.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// It speaks of a name that the run does not have.
    #[error("request name number {id} is not among the {known} of the run")]
    Name {
        /// The name's number.
        id: u32,
        /// How many names the run has.
        known: usize,
    },
    /// It speaks of a second that no run reaches.
    #[error("second {second} is after the longest run, {SECONDS_MAX} s")]
    Second {
        /// The second.
        second: u32,
    },
    /// Its intervals have a width that no timeline has.
    #[error("intervals of {width_s} s: a width is 1, 2, 4, 8 … s")]
    Width {
        /// The width, in seconds.
        width_s: u32,
    },
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Delta, FailureKind, Sample};

    fn names() -> Vec<RequestName> {
        let name = |name: &str, setup| RequestName {
            name: name.into(),
            method: "GET".into(),
            setup,
            kind: crate::NameKind::Request,
        };
        vec![name("/a", false), name("/b", false), name("/seed", true)]
    }

    fn samples() -> impl Strategy<Value = Vec<Sample>> {
        let sample = (
            0u32..3,
            0u64..9_000_000_000,
            0u64..50_000_000,
            0u64..3_000_000_000,
            0usize..4,
        );
        let sample = sample.prop_map(|(name, intended_ns, lag_ns, took_ns, kind)| {
            let dispatched_ns = intended_ns + lag_ns;
            let failures = [
                None,
                None,
                Some(FailureKind::Status),
                Some(FailureKind::Timeout),
            ];
            Sample {
                name: NameId(name),
                intended_ns,
                dispatched_ns,
                sent_ns: Some(dispatched_ns + 10),
                first_byte_ns: Some(dispatched_ns + took_ns / 2 + 10),
                done_ns: dispatched_ns + took_ns + 10,
                connect_ns: None,
                tls_ns: None,
                stood_still_ns: 0,
                failure: failures[kind],
                wire_requests: 1,
                bytes_sent: 100,
                bytes_received: 200,
            }
        });
        prop::collection::vec(sample, 0..200)
    }

    /// Plays the samples through one delta, second by second, as an engine's core does.
    fn increments(samples: &[Sample]) -> Vec<Increment> {
        let mut samples = samples.to_vec();
        samples.sort_by_key(|sample| sample.done_ns);
        let mut delta = Delta::new(&names());
        let mut increments = Vec::new();
        for sample in &samples {
            let second = crate::sample::second_of(sample.done_ns);
            if second != delta.second() {
                increments.push(delta.to_increment());
                delta.start(second);
            }
            delta.record(sample);
            if let Some(kind) = sample.failure {
                delta.record_failure(sample.name, kind, 0, sample.done_ns, || "an example".into());
            }
        }
        increments.push(delta.to_increment());
        increments
    }

    fn timeline_of(increments: &[Increment], bytes_max: usize) -> Timeline {
        let mut timeline = Timeline::bounded(names(), bytes_max);
        increments
            .iter()
            .for_each(|increment| timeline.absorb(increment).unwrap());
        timeline
    }

    proptest! {
        #[test]
        fn what_is_recorded_is_what_is_found(samples in samples()) {
            let timeline = timeline_of(&increments(&samples), usize::MAX);
            let judged = samples.iter().filter(|sample| sample.name != NameId(2));
            let ok = judged.clone().filter(|sample| sample.outcome() == Outcome::Ok);
            let mut expected = Histogram::default();
            ok.for_each(|sample| expected.record(sample.response_ns()));
            prop_assert_eq!(timeline.histogram(Scope::All, Measure::Response, Outcome::Ok), expected);
            let requests: u64 = timeline.seconds().iter().map(Second::requests).sum();
            prop_assert_eq!(requests, judged.count() as u64);
            let failures: u64 = timeline.failures().iter().map(|failure| failure.count).sum();
            prop_assert_eq!(failures, samples.iter().filter(|s| s.failure.is_some()).count() as u64);
        }

        #[test]
        fn a_response_belongs_to_the_second_of_its_intended_start(samples in samples()) {
            let timeline = timeline_of(&increments(&samples), usize::MAX);
            for second in 0..12u32 {
                let there = samples.iter().filter(|s| {
                    s.name != NameId(2)
                        && crate::sample::second_of(s.intended_ns) == second
                        && s.outcome() != Outcome::Failed
                });
                let found = timeline.distribution_at(second as usize, Scope::All, Measure::Response);
                prop_assert_eq!(found.count(), there.count() as u64);
            }
        }

        #[test]
        fn two_cores_merge_to_what_one_records(a in samples(), b in samples()) {
            let apart = [increments(&a), increments(&b)].concat();
            let together = increments(&[a, b].concat());
            let (apart, together) = (timeline_of(&apart, usize::MAX), timeline_of(&together, usize::MAX));
            prop_assert_eq!(apart.to_increment().histograms, together.to_increment().histograms);
            prop_assert_eq!(apart.name_totals(), together.name_totals());
        }

        #[test]
        fn widening_keeps_memory_bounded_and_loses_nothing(samples in samples()) {
            let increments = increments(&samples);
            let (narrow, wide) = (timeline_of(&increments, usize::MAX), timeline_of(&increments, 2_000));
            prop_assert!(wide.bytes <= 2_000 || wide.intervals.len() <= 1);
            for measure in Measure::ALL {
                let (a, b) = (narrow.distribution(Scope::All, measure), wide.distribution(Scope::All, measure));
                prop_assert_eq!(&a, &b);
                let mut summed = Distribution::default();
                for interval in 0..wide.intervals() {
                    let part = wide.distribution_at(interval, Scope::All, measure);
                    summed.ok.merge(&part.ok);
                    summed.unanswered += part.unanswered;
                }
                prop_assert_eq!(summed, b);
            }
        }

        #[test]
        fn a_timeline_is_its_increment(samples in samples(), bytes_max in 500usize..5_000) {
            let timeline = timeline_of(&increments(&samples), bytes_max);
            let mut again = Timeline::bounded(names(), bytes_max);
            again.absorb(&timeline.to_increment()).unwrap();
            prop_assert_eq!(again.to_increment(), timeline.to_increment());
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_whole() {
        let fine = increments(&[]).remove(0);
        let name = |id| NameTotals::of(NameId(id));
        let cases = [
            (
                Increment {
                    totals: vec![name(0), name(7)],
                    ..fine.clone()
                },
                "number 7 is not among the 3",
            ),
            (
                Increment {
                    seconds: vec![(u32::MAX, Second::default())],
                    ..fine.clone()
                },
                "after the longest",
            ),
            (
                Increment {
                    width_s: 0,
                    ..fine.clone()
                },
                "intervals of 0 s",
            ),
            (
                Increment {
                    width_s: 3,
                    ..fine.clone()
                },
                "intervals of 3 s",
            ),
            (
                Increment {
                    width_s: 1 << 31,
                    ..fine
                },
                "intervals of",
            ),
        ];
        for (increment, expected) in cases {
            let mut timeline = timeline_of(&[], usize::MAX);
            let error = timeline.absorb(&increment).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
            assert_eq!(timeline.seconds().len(), 0);
        }
    }
}
