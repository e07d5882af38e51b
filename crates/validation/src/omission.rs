//! Coordinated omission: even arrivals at a server that freezes now and then. What the record says of the
//! response time is what each request waited, however late it was sent; and who records it does not matter.

use std::time::Duration;

use brunt_record::{
    LoadStage, Measure, MetricsSnapshot, PercentileValue, RunRecord, Sample, Scope, SecondRecorder,
    second_of, seconds_to_ns,
};
use brunt_testbed::Stall;
use brunt_testbed::queue_simulation::SimulatedRequest;

use crate::reckoned::{header, record_of_samples, sample};
use crate::{Effort, Row};

const PER_S: u32 = 500;
const SECONDS: u32 = 20;
/// The time of an answer, outside of freezes.
const ANSWER_S: f64 = 0.001;
const PERCENTILES: [f64; 5] = [0.5, 0.9, 0.95, 0.99, 0.999];
/// How far a percentile may be off: this share of it, or these milliseconds.
const SHARE_OFF: f64 = 0.002;
const MS_OFF: f64 = 0.05;
/// So many recorders, of one request each in turn.
const RECORDERS: usize = 4;

/// Requests at even moments over one connection, which takes the next when the last is answered.
fn samples() -> Vec<Sample> {
    let stall = Stall::new(Duration::from_secs(10), Duration::from_secs(2));
    let mut free_s: f64 = 0.0;
    let arrivals = (0..PER_S * SECONDS).map(|number| f64::from(number) / f64::from(PER_S));
    arrivals
        .map(|arrival_s| {
            let sent_s = free_s.max(arrival_s);
            let frozen = stall.left(Duration::from_secs_f64(sent_s));
            free_s = sent_s + frozen.unwrap_or_default().as_secs_f64() + ANSWER_S;
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

/// The percentiles of durations that are all kept, in milliseconds: the least that the share does not exceed.
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
    let seen = record.timeline.distribution(Scope::All, measure);
    PERCENTILES.map(|q| {
        seen.percentile(q)
            .and_then(PercentileValue::ms)
            .unwrap_or(0.0)
    })
}

/// The farthest that percentiles are off, as a share of what is allowed.
fn off(found: [f64; 5], truth: [f64; 5]) -> f64 {
    let off = found
        .into_iter()
        .zip(truth)
        .map(|(found, truth)| (found - truth).abs() / (SHARE_OFF * truth).max(MS_OFF));
    off.fold(0.0, f64::max)
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
    let as_recorded = off(recorded(&record, Measure::Response), truth);
    let at_send = recorded(&record, Measure::Service);
    let in_ms = |values: [f64; 5]| values.map(|ms| format!("{ms:.1}")).join(", ");
    Row {
        method: "omission: even arrivals, a server that freezes for 2 s of 10".into(),
        truth: format!("p50 to p99.9 of {} ms", in_ms(truth)),
        reached: format!("{:.0} % of what may be off, at most", as_recorded * 100.0),
        goal: "each within 0.2 % or 50 µs".into(),
        broken: format!("stamped at send: {} ms", in_ms(at_send)),
        holds: as_recorded <= 1.0 && off(at_send, truth) > 1.0,
    }
}

/// What recorders of every n-th request come to, together.
fn merged(samples: &[Sample], recorders: usize) -> MetricsSnapshot {
    let mut record = RunRecord::new(header(vec![level()], Vec::new()));
    for recorder in 0..recorders {
        let mut delta = SecondRecorder::new(&record.header.names);
        let mine = samples.iter().skip(recorder).step_by(recorders);
        let mut hand_over = |delta: &mut SecondRecorder| {
            let increment = delta.to_snapshot();
            record
                .timeline
                .merge(&increment)
                .expect("names that it knows");
        };
        for sample in mine {
            if second_of(sample.done_ns) > delta.second() {
                hand_over(&mut delta);
                delta.start(second_of(sample.done_ns));
            }
            delta.record(sample);
        }
        hand_over(&mut delta);
    }
    record.timeline.to_snapshot()
}

fn merging_row() -> Row {
    let samples = samples();
    let (one, many) = (merged(&samples, 1), merged(&samples, RECORDERS));
    let lossy = merged(&samples[..samples.len() - 1], RECORDERS);
    let word = |same: bool| if same { "equal" } else { "not equal" };
    Row {
        method: format!("omission: {RECORDERS} recorders merged, and one"),
        truth: "equal, bit for bit".into(),
        reached: word(one == many).into(),
        goal: "equal".into(),
        broken: format!("one of 10,000 requests lost: {}", word(one == lossy)),
        holds: one == many && one != lossy,
    }
}

/// The proofs of this page.
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
