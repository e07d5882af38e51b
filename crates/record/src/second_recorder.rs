//! Recorder of one core during one second. The engine fills a recorder while another is read, so that the handover moves a
//! pointer and never stalls the load.

use crate::clock::second_of;
use crate::compact_histogram::CompactHistogram;
use crate::measure::{CELLS_PER_NAME, cell_index, cell_key};
use crate::snapshot::{HistogramEntry, MetricsSnapshot, NameTotals};
use crate::{
    Failure, FailureKind, Histogram, Measure, NameId, Outcome, RequestName, Sample, Second,
};

/// Recorder of the requests of one core that ended in one second.
pub struct SecondRecorder {
    second: u32,
    judged: Vec<bool>,
    /// Names of which only failures are judged.
    starts: Vec<bool>,
    cells: Vec<Option<Box<Histogram>>>,
    late: Vec<CarriedOver>,
    totals: Vec<NameTotals>,
    failures: Vec<Failure>,
    counts: Second,
    last_ok_ns: u64,
}

/// A request that ended in a later second than that of its intended start.
#[derive(Clone, Copy)]
struct CarriedOver {
    second: u32,
    name: NameId,
    outcome: Outcome,
    response_ns: u64,
    lag_ns: u64,
    lag_corrected_ns: u64,
}

type LateMeasure = (Measure, fn(&CarriedOver) -> u64);

/// The measures that belong to the second of the intended start.
const LATE_MEASURES: [LateMeasure; 3] = [
    (Measure::Response, |late| late.response_ns),
    (Measure::Lag, |late| late.lag_ns),
    (Measure::LagCorrected, |late| late.lag_corrected_ns),
];

impl SecondRecorder {
    /// An empty recorder for requests of these names.
    pub fn new(names: &[RequestName]) -> Self {
        let totals = (0u32..)
            .zip(names)
            .map(|(id, _)| NameTotals::of(NameId(id)))
            .collect();
        let mut cells = Vec::new();
        cells.resize_with(names.len() * CELLS_PER_NAME, || None);
        Self {
            second: 0,
            judged: names.iter().map(RequestName::is_judged).collect(),
            starts: names
                .iter()
                .map(|name| !name.is_judged() && name.is_judged_as(Outcome::Failed))
                .collect(),
            cells,
            late: Vec::new(),
            totals,
            failures: Vec::new(),
            counts: Second::default(),
            last_ok_ns: 0,
        }
    }

    /// The second that it covers.
    pub fn second(&self) -> u32 {
        self.second
    }

    /// Starts another second, and keeps the memory and the known failures.
    pub fn start(&mut self, second: u32) {
        self.second = second;
        self.cells
            .iter_mut()
            .flatten()
            .for_each(|cell| cell.clear());
        self.late.clear();
        self.totals.iter_mut().for_each(NameTotals::clear);
        self.failures
            .iter_mut()
            .for_each(|failure| failure.count = 0);
        self.counts.clear();
        self.last_ok_ns = 0;
    }

    /// The counts of the second that samples do not contain, such as users and connections.
    pub fn counts_mut(&mut self) -> &mut Second {
        &mut self.counts
    }

    /// Counts a request that ended in this second.
    #[inline]
    pub fn record(&mut self, sample: &Sample) {
        let outcome = sample.outcome();
        if let Some(sent_ns) = sample.sent_ns {
            self.cell(sample.name, Measure::Service, outcome)
                .record(sample.done_ns.saturating_sub(sent_ns));
            if let Some(first_byte_ns) = sample.first_byte_ns {
                self.cell(sample.name, Measure::FirstByte, outcome)
                    .record(first_byte_ns.saturating_sub(sent_ns));
            }
        }
        if let Some(connect_ns) = sample.connect_ns {
            self.cell(sample.name, Measure::Connect, outcome)
                .record(connect_ns);
        }
        if let Some(tls_ns) = sample.tls_ns {
            self.cell(sample.name, Measure::Tls, outcome).record(tls_ns);
        }
        self.record_intended(sample, outcome);
        self.totals[sample.name.index()].count(sample);
        if self.judged[sample.name.index()] {
            self.counts.count(sample);
            if outcome == Outcome::Ok {
                self.last_ok_ns = self.last_ok_ns.max(sample.done_ns);
            }
        } else if outcome != Outcome::Ok && self.starts[sample.name.index()] {
            self.counts.count_end(sample);
        }
    }

    fn record_intended(&mut self, sample: &Sample, outcome: Outcome) {
        let second = second_of(sample.intended_ns);
        let (response_ns, lag_ns) = (sample.response_ns(), sample.lag_ns());
        let lag_corrected_ns = sample.lag_corrected_ns();
        if second == self.second {
            self.cell(sample.name, Measure::Response, outcome)
                .record(response_ns);
            self.cell(sample.name, Measure::Lag, outcome).record(lag_ns);
            self.cell(sample.name, Measure::LagCorrected, outcome)
                .record(lag_corrected_ns);
        } else {
            let name = sample.name;
            self.late.push(CarriedOver {
                second,
                name,
                outcome,
                response_ns,
                lag_ns,
                lag_corrected_ns,
            });
        }
    }

    /// Counts a request that is sent again.
    pub fn count_retry(&mut self, name: NameId) {
        self.totals[name.index()].retries += 1;
        if self.judged[name.index()] {
            self.counts.retries += 1;
        }
    }

    /// Counts a failure. `example` is called if there was no failure of this kind before.
    pub fn record_failure(
        &mut self,
        name: NameId,
        kind: FailureKind,
        code: u16,
        at_ns: u64,
        example: impl FnOnce() -> String,
    ) {
        let at_ms = at_ns / 1_000_000;
        let known = self
            .failures
            .iter_mut()
            .find(|known| (known.name, known.kind, known.code) == (name, kind, code));
        match known {
            Some(known) => {
                if known.count == 0 {
                    known.first_ms = at_ms;
                }
                known.count += 1;
                known.last_ms = at_ms;
            }
            None => self.failures.push(Failure {
                name,
                kind,
                code,
                count: 1,
                first_ms: at_ms,
                last_ms: at_ms,
                example: Some(example()),
            }),
        }
    }

    #[inline]
    fn cell(&mut self, name: NameId, measure: Measure, outcome: Outcome) -> &mut Histogram {
        let at = cell_index(name, measure, outcome);
        self.cells[at].get_or_insert_default()
    }

    /// Takes a snapshot, which is stored, sent and merged into a timeline.
    pub fn to_snapshot(&mut self) -> MetricsSnapshot {
        let mut histograms = Vec::new();
        for (at, cell) in self.cells.iter().enumerate() {
            if let Some(cell) = cell.as_ref().filter(|cell| !cell.is_empty()) {
                let (name, measure, outcome) = cell_key(at);
                let second = self.second;
                let compact = CompactHistogram::from(&**cell);
                histograms.push(HistogramEntry {
                    second,
                    name,
                    measure,
                    outcome,
                    histogram: compact,
                });
            }
        }
        self.add_carried_over(&mut histograms);
        let failures = self.failures.iter_mut().filter(|failure| failure.count > 0);
        MetricsSnapshot {
            width_s: 1,
            seconds: vec![(self.second, self.counts.clone())],
            histograms,
            totals: self
                .totals
                .iter()
                .filter(|totals| totals.requests > 0 || totals.retries > 0)
                .copied()
                .collect(),
            failures: failures
                .map(|failure| Failure {
                    example: failure.example.take(),
                    ..failure.clone()
                })
                .collect(),
            last_ok_ns: self.last_ok_ns,
        }
    }

    fn add_carried_over(&mut self, histograms: &mut Vec<HistogramEntry>) {
        self.late.sort_unstable_by_key(CarriedOver::key);
        let mut scratch = Histogram::default();
        for group in self.late.chunk_by(|a, b| a.key() == b.key()) {
            let (second, name, outcome) = group[0].key();
            for (measure, duration_ns) in LATE_MEASURES {
                scratch.clear();
                for late in group {
                    scratch.record(duration_ns(late));
                }
                let compact = CompactHistogram::from(&scratch);
                histograms.push(HistogramEntry {
                    second,
                    name,
                    measure,
                    outcome,
                    histogram: compact,
                });
            }
        }
    }
}

impl CarriedOver {
    fn key(&self) -> (u32, NameId, Outcome) {
        (self.second, self.name, self.outcome)
    }
}
