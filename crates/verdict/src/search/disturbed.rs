//! Disturbed seconds: in which the machine was taken from brunt, or from whoever else is on it, for as long as
//! what is looked for; the one before, whose requests were under way then; and those until what piled up
//! meanwhile is served. A trial does without them.

use std::ops::Range;

use brunt_record::{RunRecord, Seconds};

use crate::search::bound::Bound;
use crate::window::time_window::TimeWindow;
use crate::window::totals::second_of_reading;

/// What is taken matters from this share of the tightest bound on.
const SHARE: f64 = 0.5;
/// So long matters whatever the bounds are, in milliseconds.
const MATTERS_MS: f64 = 250.0;
/// What piles up is served in so many seconds at most.
const AFTERMATH_MAX: usize = 10;
/// It is served once no more is under way than so many times what is usual, and so many requests.
const USUAL: f64 = 2.0;
const FEW: f64 = 5.0;
/// Where the machine is taken in more than this share of a trial's seconds, or more than this would be left out,
/// that is how the machine is.
const TAKEN_MAX: f64 = 0.2;
const LEFT_OUT_MAX: f64 = 0.5;

/// Which intervals of a stretch were disturbed; none where too many were.
pub(super) fn disturbed(window: TimeWindow, bounds: &[Bound]) -> Vec<bool> {
    let record = window.record;
    let width_s = record.timeline.width_s() as usize;
    let intervals = window.intervals();
    let range = intervals.start * width_s..intervals.end * width_s;
    let seconds = record.timeline.seconds();
    // What was taken just before the stretch, or just after it, tells in it as well.
    let near = range.start.saturating_sub(AFTERMATH_MAX)..range.end + 1;
    let taken = taken(
        seconds,
        &stolen_ms(record, &near),
        &near,
        matters_ms(bounds),
    );
    excluded(seconds, &range, &taken)
        .chunks(width_s)
        .map(|seconds| seconds.contains(&true))
        .collect()
}

/// What is taken from brunt, or how late it is, matters from here on, in milliseconds.
pub(super) fn matters_ms(bounds: &[Bound]) -> f64 {
    let tightest_s = bounds
        .iter()
        .map(Bound::patience_s)
        .filter(|bound_s| *bound_s > 0.0)
        .fold(f64::INFINITY, f64::min);
    (SHARE * tightest_s * 1e3).min(MATTERS_MS)
}

/// What the hypervisor took of all cores, second by second.
fn stolen_ms(record: &RunRecord, range: &Range<usize>) -> Vec<f64> {
    let cores = f64::from(record.header.machine.cores.unwrap_or(1));
    let mut stolen_ms = vec![0.0; range.len()];
    // A search that is longer than readings are kept second by second is told of some seconds at once.
    let readings = &record.readings;
    let first = readings.after((range.start * 1_000) as u64);
    for reading in (first..readings.len()).filter_map(|at| readings.get(at)) {
        let second = second_of_reading(reading.at_ms);
        let within = second.and_then(|second| second.checked_sub(range.start));
        let place = within.and_then(|within| stolen_ms.get_mut(within));
        if let (Some(place), Some(percent)) = (place, reading.machine.steal_percent) {
            *place = percent / 100.0 * cores * 1e3;
        }
    }
    stolen_ms
}

/// The seconds in which a thread of brunt was ready and did not run, or others were run instead of this machine,
/// for so long.
fn taken(
    seconds: &Seconds,
    stolen_ms: &[f64],
    range: &Range<usize>,
    matters_ms: f64,
) -> Vec<usize> {
    let max_wakeup_delay_ms = |second: usize| {
        let counts = seconds.get(second);
        counts.map_or(0.0, |counts| counts.max_wakeup_delay_us as f64 / 1e3)
    };
    range
        .clone()
        .zip(stolen_ms)
        .filter(|(second, stolen_ms)| max_wakeup_delay_ms(*second).max(**stolen_ms) >= matters_ms)
        .map(|(second, _)| second)
        .collect()
}

/// Second by second: whether it is left out.
fn excluded(seconds: &Seconds, range: &Range<usize>, taken: &[usize]) -> Vec<bool> {
    let most = |share: f64| share * range.len() as f64;
    let mut excluded = vec![false; range.len()];
    let taken_within = taken.iter().filter(|second| range.contains(second));
    if taken_within.count() as f64 > most(TAKEN_MAX) {
        return excluded;
    }
    let calm_in_flight = USUAL * usual(seconds, range, taken) + FEW;
    for at in taken {
        let aftermath = (at + 1..=at + AFTERMATH_MAX)
            .take_while(|second| under_way(seconds, second - 1) > calm_in_flight);
        let before = at.saturating_sub(1);
        for second in (before..=*at).chain(aftermath) {
            let within = second.checked_sub(range.start);
            if let Some(place) = within.and_then(|within| excluded.get_mut(within)) {
                *place = true;
            }
        }
    }
    let count = excluded.iter().filter(|is_so| **is_so).count();
    if count as f64 > most(LEFT_OUT_MAX) {
        excluded.fill(false);
    }
    excluded
}

/// What is under way at the end of a second in which nothing was taken: the median.
fn usual(seconds: &Seconds, range: &Range<usize>, taken: &[usize]) -> f64 {
    let calm_in_flight = range.clone().filter(|second| !taken.contains(second));
    let mut under_way: Vec<f64> = calm_in_flight
        .map(|second| under_way(seconds, second))
        .collect();
    under_way.sort_by(f64::total_cmp);
    under_way.get(under_way.len() / 2).copied().unwrap_or(0.0)
}

fn under_way(seconds: &Seconds, second: usize) -> f64 {
    let in_flight = seconds.get(second).and_then(|counts| counts.in_flight);
    in_flight.map_or(0.0, f64::from)
}

#[cfg(test)]
mod tests {
    use brunt_record::Second;

    use super::*;

    /// Ten requests are under way at the end of each second but for some.
    fn seconds(but: &[(usize, u32)]) -> Vec<Second> {
        let usual = Second {
            in_flight: Some(10),
            ..Second::default()
        };
        let mut seconds = vec![usual; 100];
        for (second, in_flight) in but {
            seconds[*second].in_flight = Some(*in_flight);
        }
        seconds
    }

    /// The seconds that are left out of those from 40 to 59.
    fn from_40_to_59(but: &[(usize, u32)], taken: &[usize]) -> Vec<usize> {
        let range = 40..60;
        let excluded = excluded(&seconds(but).into_iter().collect(), &range, taken);
        range
            .zip(excluded)
            .filter(|(_, is_left_out)| *is_left_out)
            .map(|(second, _)| second)
            .collect()
    }

    #[test]
    fn the_second_and_the_one_before_are_left_out() {
        assert_eq!(from_40_to_59(&[], &[50]), [49, 50]);
        assert_eq!(from_40_to_59(&[], &[40]), [40]);
        assert_eq!(from_40_to_59(&[], &[60]), [59]);
        assert!(from_40_to_59(&[], &[]).is_empty());
    }

    #[test]
    fn so_is_the_aftermath_until_what_is_under_way_is_usual() {
        let drains = [
            (50, 300),
            (51, 200),
            (52, 100),
            (53, 26),
            (54, 25),
            (55, 300),
        ];
        assert_eq!(
            from_40_to_59(&drains, &[50]),
            [49, 50, 51, 52, 53, 54],
            "25 are twice as many as usual, and five: what comes later is the service's"
        );
        let drains_later = [(38, 300), (39, 300), (40, 200), (41, 100)];
        assert_eq!(from_40_to_59(&drains_later, &[38]), [40, 41, 42]);
        assert!(from_40_to_59(&drains_later, &[]).is_empty());
    }

    #[test]
    fn no_aftermath_is_longer_than_ten_seconds() {
        let drains_late: Vec<(usize, u32)> = (35..49).map(|second| (second, 300)).collect();
        assert_eq!(from_40_to_59(&drains_late, &[35]), [40, 41, 42, 43, 44, 45]);
    }

    #[test]
    fn where_more_than_a_fifth_is_taken_none_is_left_out() {
        assert_eq!(
            from_40_to_59(&[], &[42, 46, 50, 54]),
            [41, 42, 45, 46, 49, 50, 53, 54]
        );
        assert!(from_40_to_59(&[], &[42, 43, 46, 50, 54]).is_empty());
        // What was taken before counts there.
        assert_eq!(from_40_to_59(&[], &[35, 42, 43, 44, 54]).len(), 6);
    }

    #[test]
    fn where_more_than_half_would_be_left_out_none_is() {
        let drains = |until: usize| -> Vec<(usize, u32)> {
            let first = (44..until).map(|second| (second, 300));
            first.chain([(54, 300), (55, 300)]).collect()
        };
        assert_eq!(from_40_to_59(&drains(48), &[44, 54]).len(), 10);
        assert!(from_40_to_59(&drains(49), &[44, 54]).is_empty());
    }

    #[test]
    fn what_is_taken_matters_from_half_of_the_bound_on() {
        let mut seconds = seconds(&[]);
        seconds[41].max_wakeup_delay_us = 25_000;
        seconds[42].max_wakeup_delay_us = 24_999;
        let mut stolen_ms = vec![0.0; 10];
        stolen_ms[5] = 25.0;
        let seconds = seconds.into_iter().collect();
        assert_eq!(taken(&seconds, &stolen_ms, &(40..50), 25.0), [41, 45]);
    }
}
