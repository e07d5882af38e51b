//! Disturbed seconds: those in which the hypervisor or other processes took CPU time for as long as matters for the
//! bounds; the second before, whose requests were still in flight; and those until the backlog is served. Trials
//! exclude them.

use std::ops::Range;

use brunt_record::{RunRecord, Seconds};

use crate::search::bound::Bound;
use crate::window::time_window::TimeWindow;
use crate::window::totals::second_of_reading;

/// The proportion of the tightest bound from which lost time matters.
const SHARE: f64 = 0.5;
/// Lost time that matters for any bound, in milliseconds.
const MATTERS_MS: f64 = 250.0;
/// The longest time in which a backlog is served, in seconds.
const AFTERMATH_MAX: usize = 10;
/// It is served when the number of requests in flight is at most this many times the usual number, plus this many
/// requests.
const USUAL: f64 = 2.0;
const FEW: f64 = 5.0;
/// If the proportion of seconds with lost time, or of excluded seconds, is higher than this, that is the normal state
/// of the machine.
const TAKEN_MAX: f64 = 0.2;
const LEFT_OUT_MAX: f64 = 0.5;

/// The disturbed intervals of a window; none if there are too many.
pub(super) fn disturbed(window: TimeWindow, bounds: &[Bound]) -> Vec<bool> {
    let record = window.record;
    let width_s = record.timeline.width_s() as usize;
    let intervals = window.intervals();
    let range = intervals.start * width_s..intervals.end * width_s;
    let seconds = record.timeline.seconds();
    // Lost time shortly before or after the window affects it as well.
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

/// The lost time or lateness from which it matters, in milliseconds.
pub(super) fn matters_ms(bounds: &[Bound]) -> f64 {
    let tightest_s = bounds
        .iter()
        .map(Bound::patience_s)
        .filter(|bound_s| *bound_s > 0.0)
        .fold(f64::INFINITY, f64::min);
    (SHARE * tightest_s * 1e3).min(MATTERS_MS)
}

/// Steal of all cores, second by second.
fn stolen_ms(record: &RunRecord, range: &Range<usize>) -> Vec<f64> {
    let cores = f64::from(record.header.machine.cores.unwrap_or(1));
    let mut stolen_ms = vec![0.0; range.len()];
    // In a long search, a reading covers several seconds.
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

/// Seconds in which a thread of the generator was ready and did not run, or the hypervisor ran other machines, for as
/// long as matters.
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

/// Whether each second is excluded.
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
            .take_while(|second| in_flight_at(seconds, second - 1) > calm_in_flight);
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

/// The median number of requests in flight at the end of undisturbed seconds.
fn usual(seconds: &Seconds, range: &Range<usize>, taken: &[usize]) -> f64 {
    let calm_in_flight = range.clone().filter(|second| !taken.contains(second));
    let mut in_flight_at: Vec<f64> = calm_in_flight
        .map(|second| in_flight_at(seconds, second))
        .collect();
    in_flight_at.sort_by(f64::total_cmp);
    in_flight_at
        .get(in_flight_at.len() / 2)
        .copied()
        .unwrap_or(0.0)
}

fn in_flight_at(seconds: &Seconds, second: usize) -> f64 {
    let in_flight = seconds.get(second).and_then(|counts| counts.in_flight);
    in_flight.map_or(0.0, f64::from)
}

#[cfg(test)]
mod tests {
    use brunt_record::Second;

    use super::*;

    /// Ten requests in flight at the end of each second, with some exceptions.
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

    /// The excluded seconds of those from 40 to 59.
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
    fn disturbed_second_and_the_one_before_are_excluded() {
        assert_eq!(from_40_to_59(&[], &[50]), [49, 50]);
        assert_eq!(from_40_to_59(&[], &[40]), [40]);
        assert_eq!(from_40_to_59(&[], &[60]), [59]);
        assert!(from_40_to_59(&[], &[]).is_empty());
    }

    #[test]
    fn backlog_is_excluded_until_requests_in_flight_are_usual() {
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
            "25 are twice as many as usual, and five: later seconds are the service's"
        );
        let drains_later = [(38, 300), (39, 300), (40, 200), (41, 100)];
        assert_eq!(from_40_to_59(&drains_later, &[38]), [40, 41, 42]);
        assert!(from_40_to_59(&drains_later, &[]).is_empty());
    }

    #[test]
    fn backlog_is_excluded_for_at_most_ten_seconds() {
        let drains_late: Vec<(usize, u32)> = (35..49).map(|second| (second, 300)).collect();
        assert_eq!(from_40_to_59(&drains_late, &[35]), [40, 41, 42, 43, 44, 45]);
    }

    #[test]
    fn no_second_is_excluded_if_more_than_a_fifth_is_disturbed() {
        assert_eq!(
            from_40_to_59(&[], &[42, 46, 50, 54]),
            [41, 42, 45, 46, 49, 50, 53, 54]
        );
        assert!(from_40_to_59(&[], &[42, 43, 46, 50, 54]).is_empty());
        // Lost time before the window affects it.
        assert_eq!(from_40_to_59(&[], &[35, 42, 43, 44, 54]).len(), 6);
    }

    #[test]
    fn no_second_is_excluded_if_it_would_be_more_than_half() {
        let drains = |until: usize| -> Vec<(usize, u32)> {
            let first = (44..until).map(|second| (second, 300));
            first.chain([(54, 300), (55, 300)]).collect()
        };
        assert_eq!(from_40_to_59(&drains(48), &[44, 54]).len(), 10);
        assert!(from_40_to_59(&drains(49), &[44, 54]).is_empty());
    }

    #[test]
    fn lost_time_matters_from_half_of_the_bound_on() {
        let mut seconds = seconds(&[]);
        seconds[41].max_wakeup_delay_us = 25_000;
        seconds[42].max_wakeup_delay_us = 24_999;
        let mut stolen_ms = vec![0.0; 10];
        stolen_ms[5] = 25.0;
        let seconds = seconds.into_iter().collect();
        assert_eq!(taken(&seconds, &stolen_ms, &(40..50), 25.0), [41, 45]);
    }
}
