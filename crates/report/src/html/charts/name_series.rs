//! Names: requests of each name over time, for the charts that its row opens.

use brunt_record::{
    Distribution, Histogram, Measure, NameId, NameKind, Outcome, PercentileValue, RunRecord, Scope,
};
use serde_json::{Value, json};

use super::chart::numbers;
use super::distribution::TimeDistributions;
use crate::time_buckets::{self, Percentiles};

/// Points over the run, for all names together.
const POINTS: usize = 40_000;
/// Points over the run for one name: at least, and at most.
const FEWEST: usize = 40;
const MOST: usize = 600;

/// Data for the script for the charts of all names; `null` for the setup.
pub(in crate::html) fn json(record: &RunRecord) -> Value {
    let names = record.timeline.names();
    let most = (POINTS / names.len().max(1)).clamp(FEWEST, MOST);
    let width_s = time_buckets::width_s(record, most);
    let length_s = time_buckets::length_s(record);
    let mut all: Vec<Name> = names.iter().map(|name| Name::of(name.kind)).collect();
    for at in 0..length_s.div_ceil(width_s) {
        let part = at * width_s..(at * width_s + width_s).min(length_s);
        let seconds = f64::from(part.end - part.start);
        let intervals = time_buckets::intervals(record, &part);
        for cell in intervals.flat_map(|interval| record.timeline.cells(interval)) {
            let (name, measure, outcome, sparse) = cell;
            all[name.index()].add(measure, outcome, &sparse);
        }
        all.iter_mut().for_each(|name| name.end_bucket(seconds));
    }
    let rows = (0u32..).zip(names).zip(all);
    let rows = rows.map(|((id, name), over_time)| {
        let spread = || TimeDistributions::of(&record.timeline, Scope::Name(NameId(id)));
        (!name.setup).then(|| over_time.json(&spread()))
    });
    json!({ "width": width_s, "rows": rows.map(|row| row.unwrap_or(Value::Null)).collect::<Value>() })
}

/// One name: counts of the current bucket, and the columns of the buckets before.
struct Name {
    kind: NameKind,
    response: Distribution,
    service: Distribution,
    went_well: u64,
    failed: u64,
    columns: Vec<Vec<Option<f64>>>,
    /// Buckets in which p50, p95 and p99 of the response time are among requests without a response.
    unanswered_buckets: [Vec<usize>; 3],
    buckets: usize,
}

impl Name {
    fn of(kind: NameKind) -> Self {
        Self {
            kind,
            response: Distribution::default(),
            service: Distribution::default(),
            went_well: 0,
            failed: 0,
            columns: Vec::new(),
            unanswered_buckets: Default::default(),
            buckets: 0,
        }
    }

    fn add(
        &mut self,
        measure: Measure,
        outcome: Outcome,
        sparse: &brunt_record::CompactHistogram<&[u8]>,
    ) {
        let count = sparse.count();
        let is_request = matches!(self.kind, NameKind::Request | NameKind::Start);
        match (measure, outcome) {
            (Measure::Response, Outcome::Ok) => {
                self.response.ok.merge_compact(sparse);
                // Groups and metrics send nothing: they are counted at their start.
                if !is_request {
                    self.went_well += count;
                }
            }
            (Measure::Response, Outcome::Failed) if !is_request => self.failed += count,
            // Requests without a response have no second of completion: they are counted at their intended start.
            (Measure::Response, Outcome::Unanswered) => {
                self.response.unanswered += count;
                self.failed += count;
            }
            (Measure::Service, Outcome::Ok) => {
                self.service.ok.merge_compact(sparse);
                self.went_well += count;
            }
            (Measure::Service, Outcome::Failed) => self.failed += count,
            _ => {}
        }
    }

    fn end_bucket(&mut self, seconds: f64) {
        let response = Percentiles::of(&self.response);
        let response = [response.p50, response.p95, response.p99];
        let mut values = vec![
            Some(self.went_well as f64 / seconds),
            Some(self.failed as f64 / seconds),
        ];
        values.extend(response.map(|part| part.and_then(PercentileValue::ms)));
        for (buckets, part) in self.unanswered_buckets.iter_mut().zip(response) {
            if part == Some(PercentileValue::Unanswered) {
                buckets.push(self.buckets);
            }
        }
        self.buckets += 1;
        if matches!(self.kind, NameKind::Request | NameKind::Start) {
            let service = Percentiles::of(&self.service);
            let parts = [service.p50, service.p95, service.p99];
            values.extend(parts.map(|part| part.and_then(PercentileValue::ms)));
        }
        self.columns.resize(values.len(), Vec::new());
        let columns = self.columns.iter_mut().zip(values);
        columns.for_each(|(column, value)| column.push(value));
        clear(&mut self.response.ok);
        clear(&mut self.service.ok);
        self.response.unanswered = 0;
        (self.went_well, self.failed) = (0, 0);
    }

    fn json(self, spread: &TimeDistributions) -> Value {
        let columns = self.columns.into_iter().map(numbers);
        let columns = columns.collect::<Value>();
        let never = self.unanswered_buckets;
        match self.kind {
            NameKind::Request | NameKind::Start => json!([columns, spread.json(), never]),
            NameKind::Group => json!([columns, spread.json_without_service(), never, "group"]),
            NameKind::Metric => json!([columns, spread.json_without_service(), never, "metric"]),
        }
    }
}

/// Clearing touches every page: most names have nothing in most buckets.
fn clear(histogram: &mut Histogram) {
    if !histogram.is_empty() {
        histogram.clear();
    }
}
