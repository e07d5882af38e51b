//! Disturbed seconds: in which the machine was taken from brunt, or from whoever else is on it, for as long as
//! what is looked for; and those until what piled up meanwhile is served. A trial does without them.

use std::ops::Range;

use record::RunRecord;

use super::bound::Bound;
use crate::reading::second_told;
use crate::stretch::Stretch;

/// What is taken matters from this share of the tightest bound on.
const SHARE: f64 = 0.5;
/// So long matters whatever the bounds are, in milliseconds.
const MATTERS_MS: f64 = 250.0;
/// What piles up is served in so many seconds at most.
const AFTERMATH_MAX: usize = 10;
/// It is served once no more is under way than so many times what is usual, and so many requests.
const USUAL: f64 = 2.0;
const FEW: f64 = 5.0;
/// Where more of a trial than this share is disturbed, that is how the machine is.
const SHARE_MAX: f64 = 0.2;

/// Which intervals of a stretch were disturbed; none where too many were.
pub(super) fn disturbed(stretch: Stretch, bounds: &[Bound]) -> Vec<bool> {
    let record = stretch.record;
    let width_s = record.timeline.width_s() as usize;
    let intervals = stretch.intervals();
    let seconds = intervals.start * width_s..intervals.end * width_s;
    let matters_ms = matters_ms(bounds);
    let stolen_ms = stolen_ms(record, &seconds);
    let taken: Vec<bool> = seconds
        .clone()
        .zip(&stolen_ms)
        .map(|(second, stolen_ms)| kept_waiting_ms(record, second).max(*stolen_ms) >= matters_ms)
        .collect();
    let disturbed: Vec<bool> = with_aftermath(record, seconds, &taken)
        .chunks(width_s)
        .map(|seconds| seconds.contains(&true))
        .collect();
    let count = disturbed.iter().filter(|is_so| **is_so).count();
    if count as f64 > SHARE_MAX * disturbed.len() as f64 {
        return vec![false; disturbed.len()];
    }
    disturbed
}

fn matters_ms(bounds: &[Bound]) -> f64 {
    let tightest_s = bounds
        .iter()
        .map(Bound::patience_s)
        .filter(|bound_s| *bound_s > 0.0)
        .fold(f64::INFINITY, f64::min);
    (SHARE * tightest_s * 1e3).min(MATTERS_MS)
}

/// The longest that a thread of brunt was ready and did not run.
fn kept_waiting_ms(record: &RunRecord, second: usize) -> f64 {
    let counts = record.timeline.seconds().get(second);
    counts.map_or(0.0, |counts| counts.kept_waiting_us as f64 / 1e3)
}

/// What the hypervisor took of all cores, second by second.
fn stolen_ms(record: &RunRecord, range: &Range<usize>) -> Vec<f64> {
    let cores = f64::from(record.header.machine.cores.unwrap_or(1));
    let mut stolen_ms = vec![0.0; range.len()];
    for reading in &record.readings {
        let second = second_told(reading.at_ms);
        let within = second.and_then(|second| second.checked_sub(range.start));
        let place = within.and_then(|within| stolen_ms.get_mut(within));
        if let (Some(place), Some(percent)) = (place, reading.machine.steal_percent) {
            *place = percent / 100.0 * cores * 1e3;
        }
    }
    stolen_ms
}

/// With the seconds after them, until no more is under way than is usual.
fn with_aftermath(record: &RunRecord, range: Range<usize>, taken: &[bool]) -> Vec<bool> {
    let under_way = |second: usize| {
        let counts = record.timeline.seconds().get(second);
        counts
            .and_then(|counts| counts.in_flight)
            .map_or(0.0, f64::from)
    };
    let mut calm: Vec<f64> = range
        .clone()
        .zip(taken)
        .filter(|(_, taken)| !**taken)
        .map(|(second, _)| under_way(second))
        .collect();
    calm.sort_by(f64::total_cmp);
    let usual = calm.get(calm.len() / 2).copied().unwrap_or(0.0);
    let mut left = 0;
    range
        .zip(taken)
        .map(|(second, taken)| {
            if *taken {
                left = AFTERMATH_MAX;
                return true;
            }
            let before = second.checked_sub(1).map_or(0.0, under_way);
            left = if before > USUAL * usual + FEW {
                left.saturating_sub(1)
            } else {
                0
            };
            left > 0
        })
        .collect()
}
