//! Names: what each kind of request did over time, for the charts that its row opens.

use record::{Distribution, Histogram, Measure, NameId, Outcome, RunRecord, Scope};
use serde_json::{Value, json};

use super::chart::numbers;
use super::distribution::Spread;
use crate::bins::{self, Percentiles};

/// Points over the run, for all names together.
const POINTS: usize = 40_000;
/// Points over the run for one name: at least, and at most.
const FEWEST: usize = 40;
const MOST: usize = 600;

/// What the script draws the charts of all names from; `null` for the set-up.
pub(super) fn json(record: &RunRecord) -> Value {
    let names = record.timeline.names();
    let most = (POINTS / names.len().max(1)).clamp(FEWEST, MOST);
    let width_s = bins::width_s(record, most);
    let length_s = bins::length_s(record);
    let mut all: Vec<Name> = names.iter().map(|_| Name::default()).collect();
    for at in 0..length_s.div_ceil(width_s) {
        let part = at * width_s..(at * width_s + width_s).min(length_s);
        let seconds = f64::from(part.end - part.start);
        let intervals = bins::intervals(record, &part);
        for cell in intervals.flat_map(|interval| record.timeline.cells(interval)) {
            let (name, measure, outcome, sparse) = cell;
            all[name.index()].add(measure, outcome, &sparse);
        }
        all.iter_mut().for_each(|name| name.end_of_bin(seconds));
    }
    let rows = (0u32..).zip(names).zip(all);
    let rows = rows.map(|((id, name), columns)| {
        let spread = || Spread::of(&record.timeline, Scope::Name(NameId(id)));
        (!name.setup).then(|| columns.json(&spread()))
    });
    json!({ "width": width_s, "rows": rows.map(|row| row.unwrap_or(Value::Null)).collect::<Value>() })
}

/// One name: what was counted of the bin that is filled, and the columns of those before.
#[derive(Default)]
struct Name {
    response: Distribution,
    service: Distribution,
    answered: u64,
    failed: u64,
    columns: [Vec<Option<f64>>; 8],
}

impl Name {
    fn add(&mut self, measure: Measure, outcome: Outcome, sparse: &record::Sparse<&[u8]>) {
        let count = sparse.count();
        match (measure, outcome) {
            (Measure::Response, Outcome::Ok) => self.response.ok.merge_sparse(sparse),
            // What never came belongs to no second of completion: it stands where it was meant to start.
            (Measure::Response, Outcome::Unanswered) => {
                self.response.unanswered += count;
                self.failed += count;
            }
            (Measure::Service, Outcome::Ok) => {
                self.service.ok.merge_sparse(sparse);
                self.answered += count;
            }
            (Measure::Service, Outcome::Failed) => self.failed += count,
            _ => {}
        }
    }

    fn end_of_bin(&mut self, seconds: f64) {
        let response = Percentiles::of(&self.response);
        let service = Percentiles::of(&self.service);
        let values = [
            Some(self.answered as f64 / seconds),
            Some(self.failed as f64 / seconds),
            response.p50,
            response.p95,
            response.p99,
            service.p50,
            service.p95,
            service.p99,
        ];
        let columns = self.columns.iter_mut().zip(values);
        columns.for_each(|(column, value)| column.push(value));
        clear(&mut self.response.ok);
        clear(&mut self.service.ok);
        self.response.unanswered = 0;
        (self.answered, self.failed) = (0, 0);
    }

    fn json(self, spread: &Spread) -> Value {
        let columns = self.columns.map(numbers);
        json!([columns.to_vec(), spread.json()])
    }
}

/// Clearing touches every page: most names have nothing in most bins.
fn clear(histogram: &mut Histogram) {
    if !histogram.is_empty() {
        histogram.clear();
    }
}
