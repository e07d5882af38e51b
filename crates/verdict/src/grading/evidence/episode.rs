//! Episodes: the part of a run that differs most from the rest, if the run is too short for its own fluctuations.

use std::ops::Range;

use brunt_record::{Metric, PercentileValue};

use crate::grading::evidence::Evidence;
use crate::grading::evidence_gap::Episode;
use crate::number;
use crate::stats::batch_means::{self, Block};
use crate::window::time_window::SLOW;

impl Evidence<'_> {
    /// The part of the run whose misses differ most from the rest; `missing` and `slow` are the blocks that led to
    /// the result.
    pub(super) fn episode(&self, missing: &[Block], slow: &[Block]) -> Option<Episode> {
        let requirements = self.window.requirements();
        let is_own =
            batch_means::estimate_with(missing, requirements).is_some_and(|seen| !seen.is_settled);
        // If the misses do not fluctuate, the slow responses do.
        let (blocks, metric) = if is_own {
            (missing, self.metric)
        } else {
            (slow, Metric::Percentile(SLOW))
        };
        let place = unlike_the_rest(blocks)?;
        let intervals = self.window.intervals();
        let is_inside = |interval: &usize| place.contains(&(interval - intervals.start));
        let figure = |inside: bool| {
            if let Metric::Percentile(q) = metric {
                let intervals = intervals.clone();
                let of_it = intervals.filter(|interval| is_inside(interval) == inside);
                let timeline = &self.window.record.timeline;
                let seen = timeline.distribution_in(of_it, self.scope, self.lag.measure());
                return Some(match seen.percentile(q)? {
                    PercentileValue::Measured(ns) => {
                        number::measured_in(ns as f64 / 1e6, self.metric.unit())
                    }
                    PercentileValue::Unanswered => "no response".to_owned(),
                });
            }
            let parts = blocks.iter().enumerate();
            let parts = parts.filter(|(at, _)| place.contains(at) == inside);
            let (missing, all) = parts.fold((0.0, 0.0), |(missing, all), (_, block)| {
                (missing + block.missing, all + block.all)
            });
            (all > 0.0).then(|| format!("{} %", number::measured(missing / all * 100.0)))
        };
        let (inside, outside) = (figure(true)?, figure(false)?);
        let width_s = f64::from(self.window.record.timeline.width_s());
        let moment_s = |at: usize| (intervals.start + at) as f64 * width_s;
        let name = match metric {
            Metric::ErrorRate => "error rate".to_owned(),
            other => other.name(),
        };
        Some(Episode {
            from_s: moment_s(place.start),
            to_s: moment_s(place.end),
            inside: format!("{name} {inside}"),
            outside,
        })
    }
}

/// The consecutive blocks whose misses are farthest above or below the overall proportion. Of a part and the rest of
/// the run, which differ equally, the shorter one is used.
fn unlike_the_rest(blocks: &[Block]) -> Option<Range<usize>> {
    let all: f64 = blocks.iter().map(|block| block.all).sum();
    let missing: f64 = blocks.iter().map(|block| block.missing).sum();
    let share = if all > 0.0 {
        missing / all
    } else {
        return None;
    };
    let part = |sign: f64| {
        let of_block = move |block: &Block| sign * (block.missing - share * block.all);
        largest_sum(blocks.iter().map(of_block))
    };
    let (worse, better) = (part(1.0)?, part(-1.0)?);
    let is_alike = (worse.0 - better.0).abs() <= 1e-9 * worse.0;
    let is_better = if is_alike {
        better.1.len() < worse.1.len()
    } else {
        better.0 > worse.0
    };
    Some(if is_better { better.1 } else { worse.1 })
}

/// The consecutive values with the largest sum, and that sum (Kadane, 1984); `None` if no value is above 0.
fn largest_sum(values: impl Iterator<Item = f64>) -> Option<(f64, Range<usize>)> {
    let (mut sum, mut begin) = (0.0, 0);
    let mut found: Option<(f64, Range<usize>)> = None;
    for (at, value) in values.enumerate() {
        if sum <= 0.0 {
            (sum, begin) = (0.0, at);
        }
        sum += value;
        if sum > found.as_ref().map_or(0.0, |found| found.0) {
            found = Some((sum, begin..at + 1));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(missing: &[f64]) -> Vec<Block> {
        let block = |missing: &f64| Block {
            missing: *missing,
            all: 10.0,
        };
        missing.iter().map(block).collect()
    }

    #[test]
    fn consecutive_blocks_that_differ_are_found() {
        for (missing, expected) in [
            (&[0.0, 0.0, 9.0, 8.0, 0.0, 0.0, 0.0][..], Some(2..4)),
            (
                &[1.0, 0.0, 9.0, 1.0, 9.0, 0.0, 0.0, 0.0, 0.0][..],
                Some(2..5),
            ),
            // Most blocks are bad, so the good part is the one that differs.
            (&[9.0, 9.0, 9.0, 0.0, 0.0, 9.0, 9.0, 9.0][..], Some(3..5)),
            (&[5.0, 5.0, 5.0][..], None),
            (&[][..], None),
        ] {
            assert_eq!(unlike_the_rest(&blocks(missing)), expected, "{missing:?}");
        }
    }
}
