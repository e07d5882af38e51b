//! Coordinated omission: constant arrivals at a server that stalls. The recorded response time is the wait of each request,
//! however late it was sent, and the number of recorders does not matter.

use std::time::Duration;

use brunt_record::{
    LoadStage, Measure, MetricsSnapshot, PercentileValue, RunRecord, Sample, Scope, SecondRecorder,
    second_of, seconds_to_ns,
};
use brunt_testbed::Stall;
use brunt_testbed::queue_simulation::SimulatedRequest;

use crate::row::{Effort, Row};
use crate::simulated_run::{header, merge, record_of_samples, sample};

const PER_S: u32 = 500;
const SECONDS: u32 = 20;
/// Service time outside of stalls.
const SERVICE_S: f64 = 0.001;
const PERCENTILES: [f64; 5] = [0.5, 0.9, 0.95, 0.99, 0.999];
/// Tolerance of a percentile: this share of it, or this number of milliseconds.
const TOLERANCE_SHARE: f64 = 0.002;
const TOLERANCE_MS: f64 = 0.05;
/// Number of recorders, between which the requests alternate.
const RECORDERS: usize = 4;

/// Constant arrivals over one connection, which sends the next request when the previous one has ended.
fn samples() -> Vec<Sample> {
    let stall = Stall::new(Duration::from_secs(10), Duration::from_secs(2));
    let mut free_s: f64 = 0.0;
    let arrivals = (0..PER_S * SECONDS).map(|number| f64::from(number) / f64::from(PER_S));
    arrivals
        .map(|arrival_s| {
            let sent_s = free_s.max(arrival_s);
            let stalled = stall.left(Duration::from_secs_f64(sent_s));
            free_s = sent_s + stalled.unwrap_or_default().as_secs_f64() + SERVICE_S;
            Sample {
                sent_ns: Some(seconds_to_ns(sent_s)),
                ..sample(&SimulatedRequest {
                    arrival_s,
                    done_s: free_s,
                    failed: false,
                })
            }
        })
        .collect()
}

/// Percentiles of all durations, in milliseconds: the smallest value that the share does not exceed.
fn exact(samples: &[Sample]) -> [f64; 5] {
    let waits = samples
        .iter()
        .map(|sample| sample.done_ns - sample.intended_ns);
    let mut waits: Vec<u64> = waits.collect();
    waits.sort_unstable();
    PERCENTILES.map(|q| {
        let is_rank = |rank: &usize| (*rank + 1) as f64 >= q * waits.len() as f64;
        let rank = (0..waits.len()).find(is_rank).unwrap_or(0);
        waits[rank] as f64 / 1e6
    })
}

fn recorded(record: &RunRecord, measure: Measure) -> [f64; 5] {
    let distribution = record.timeline.distribution(Scope::All, measure);
    PERCENTILES.map(|q| {
        let percentile = distribution.percentile(q);
        percentile.and_then(PercentileValue::ms).unwrap_or(0.0)
    })
}

/// Largest error of the percentiles, as a share of the tolerance.
fn largest_error(found: [f64; 5], truth: [f64; 5]) -> f64 {
    let errors = found
        .into_iter()
        .zip(truth)
        .map(|(found, truth)| (found - truth).abs() / (TOLERANCE_SHARE * truth).max(TOLERANCE_MS));
    errors.fold(0.0, f64::max)
}

fn level() -> LoadStage {
    LoadStage {
        seconds: SECONDS.into(),
        from: PER_S.into(),
        to: PER_S.into(),
    }
}

fn percentiles_row() -> Row {
    let samples = samples();
    let truth = exact(&samples);
    let record = record_of_samples(samples, vec![level()], Vec::new());
    let error = largest_error(recorded(&record, Measure::Response), truth);
    let from_sending = recorded(&record, Measure::Service);
    let in_ms = |values: [f64; 5]| values.map(|ms| format!("{ms:.1}")).join(", ");
    Row {
        method: "coordinated omission: constant arrivals, server stalls for 2 s of 10 s".into(),
        truth: format!("p50, p90, p95, p99, p99.9: {} ms", in_ms(truth)),
        result: format!("largest error {:.0} % of the tolerance", error * 100.0),
        goal: "each within 0.2 % or 50 µs".into(),
        negative_control: format!("from the time of sending: {} ms", in_ms(from_sending)),
        holds: error <= 1.0 && largest_error(from_sending, truth) > 1.0,
    }
}

/// The merge of recorders that each record every n-th request.
fn merged(samples: &[Sample], recorders: usize) -> MetricsSnapshot {
    let mut record = RunRecord::new(header(vec![level()], Vec::new()));
    for number in 0..recorders {
        let mut recorder = SecondRecorder::new(&record.header.names);
        for sample in samples.iter().skip(number).step_by(recorders) {
            if second_of(sample.done_ns) > recorder.second() {
                merge(&mut record, &mut recorder);
                recorder.start(second_of(sample.done_ns));
            }
            recorder.record(sample);
        }
        merge(&mut record, &mut recorder);
    }
    record.timeline.to_snapshot()
}

fn merging_row() -> Row {
    let samples = samples();
    let (one, many) = (merged(&samples, 1), merged(&samples, RECORDERS));
    let lossy = merged(&samples[..samples.len() - 1], RECORDERS);
    let word = |is_equal: bool| if is_equal { "equal" } else { "not equal" };
    Row {
        method: format!("coordinated omission: {RECORDERS} merged recorders compared with one"),
        truth: "equal, bit for bit".into(),
        result: word(one == many).into(),
        goal: "equal".into(),
        negative_control: format!("one of 10,000 requests lost: {}", word(one == lossy)),
        holds: one == many && one != lossy,
    }
}

/// The rows of this validation.
pub fn rows(_: Effort) -> Vec<Row> {
    vec![percentiles_row(), merging_row()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_holds() {
        for row in rows(Effort::Reduced) {
            assert!(row.holds, "{row:#?}");
        }
    }
}
