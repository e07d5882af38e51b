//! Trials: a level that was offered for some time, and whether the service held it.

use brunt_record::{LoadLevel, Measure, RunRecord, Scope};

use crate::convert::whole_number;
use crate::search::bound::Bound;
use crate::search::bound::BoundCounts;
use crate::search::disturbed::{disturbed, matters_ms};
use crate::stats::batch_means::{Block, ProportionEstimate};
use crate::window::time_window::TimeWindow;

/// The excess of a backlog, or of a trial without misses.
const EXCESS_MAX: f64 = 3.0;
/// The highest excess of counted misses.
const COUNTED_MAX: f64 = 4.5;
/// The proportion of relevantly late arrivals above which a trial is not used.
const LATE: f64 = 0.05;
/// The shortest time in which a growing backlog is detected, in seconds.
const BACKLOG_S: f64 = 6.0;
/// The number of standard deviations by which a backlog must grow beyond chance.
const BACKLOG_ERRORS: f64 = 3.0;
/// A level is shattered if more than this proportion of the requests misses a bound in each of the first seconds of
/// its trial (0 to 1), …
const SHATTERED: f64 = 0.8;
/// … for this many seconds: nothing is left to learn by continuing.
const SHATTERED_S: f64 = 6.0;

/// A level that was judged.
#[derive(Debug, Clone)]
pub struct Trial {
    /// Users, or arrivals a second.
    pub level: f64,
    /// Start of its judged part, in seconds since the start of the run.
    pub from_s: f64,
    /// End of its judged part.
    pub to_s: f64,
    /// Disturbed time that was excluded, in seconds.
    pub(crate) left_out_s: f64,
    /// The outcome.
    pub outcome: TrialOutcome,
    /// The logarithm of the misses relative to the limit, for the bound that is closest to broken.
    pub(crate) excess: f64,
    /// Index of that bound.
    pub(crate) nearest: usize,
    /// Its limit: the proportion that may miss it.
    pub(crate) limit: f64,
    /// Independent requests per second for that bound.
    pub(crate) effective_per_s: f64,
    /// The factor by which the trial would have to be longer for a decision.
    pub(crate) times: f64,
    /// The two-sided risk.
    pub(crate) risk: f64,
    /// Whether nearly all requests missed a bound from the first second on, because of the load or of a temporary
    /// disturbance.
    pub(crate) is_shattered: bool,
    /// Whether a second probe of the level had the same result.
    pub(crate) is_confirmed: bool,
    /// Counts of each bound.
    pub(crate) counted: Vec<BoundCounts>,
}

/// The outcome of a trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrialOutcome {
    /// The level holds.
    Holds,
    /// It breaks the service.
    Breaks(BreakCause),
    /// The trial does not decide.
    Open,
    /// The generator could not keep up, so the service did not get the load of this level.
    Late,
}

/// The reason for which a level breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakCause {
    /// A bound is broken: its index.
    Bound(usize),
    /// The backlog grew throughout.
    Backlog,
}

impl Trial {
    /// A level that was offered between two times, and not judged.
    pub(crate) fn seen(level: f64, (from_s, to_s): (f64, f64)) -> Self {
        Self {
            level,
            from_s,
            to_s,
            left_out_s: 0.0,
            outcome: TrialOutcome::Open,
            excess: -EXCESS_MAX,
            nearest: 0,
            limit: 0.01,
            effective_per_s: 0.0,
            times: 1.0,
            risk: 1.0,
            is_shattered: false,
            is_confirmed: false,
            counted: Vec::new(),
        }
    }

    /// Judges a level by its measurements between two times.
    pub(crate) fn judge(
        record: &RunRecord,
        bounds: &[Bound],
        level: &LoadLevel,
        risk: f64,
        (from_s, to_s): (f64, f64),
    ) -> Self {
        let window = TimeWindow::between(record, from_s, to_s);
        let mut trial = Self {
            outcome: TrialOutcome::Holds,
            risk,
            ..Self::seen(level.level, (from_s, to_s))
        };
        let disturbed = disturbed(window, bounds);
        let excluded = disturbed.iter().filter(|is_so| **is_so).count();
        trial.left_out_s = excluded as f64 * f64::from(record.timeline.width_s());
        if is_late(window.without(&disturbed), bounds) {
            trial.outcome = TrialOutcome::Late;
            return trial;
        }
        if record.header.load.open.is_some() && backlog_grows(window, &disturbed, level.level) {
            trial.outcome = TrialOutcome::Breaks(BreakCause::Backlog);
            trial.excess = EXCESS_MAX;
            return trial;
        }
        let kept = window.without(&disturbed);
        trial.counted = bounds.iter().map(|bound| bound.count(kept)).collect();
        trial.look();
        if let Some(bound) = shattered(&trial.counted, record.timeline.width_s().into()) {
            trial.is_shattered = true;
            if !trial.breaks() {
                trial.outcome = TrialOutcome::Breaks(BreakCause::Bound(bound));
            }
        }
        if bounds.is_empty() && window.seconds() < BACKLOG_S {
            trial.outcome = TrialOutcome::Open;
        }
        trial
    }

    /// Evaluates the counts.
    pub(crate) fn look(&mut self) {
        let counted = std::mem::take(&mut self.counted);
        let seconds = (self.to_s - self.from_s).max(1.0);
        for (at, counts) in counted.iter().enumerate() {
            let Some(seen) = counts.estimate() else {
                self.leave_open(2.0);
                continue;
            };
            self.remember_nearest(at, &seen, counts.limit, seconds);
            // If one of several bounds is broken by chance, the level is.
            let risk = self.risk / counted.len() as f64;
            if seen.is_long_enough && seen.is_over(counts.limit, risk) {
                if !self.breaks() {
                    self.outcome = TrialOutcome::Breaks(BreakCause::Bound(at));
                }
            } else if !(seen.is_long_enough && seen.is_under(counts.limit, self.risk)) {
                self.leave_open(crate::stats::proportion_test::times_longer(
                    &seen,
                    counts.limit,
                    self.risk,
                ));
            }
        }
        self.counted = counted;
    }

    fn remember_nearest(
        &mut self,
        bound: usize,
        seen: &ProportionEstimate,
        limit: f64,
        seconds: f64,
    ) {
        // A cluster of misses may have been avoided by chance.
        let unseen = if seen.is_settled {
            0.3 / seen.effective_size
        } else {
            0.0
        };
        let excess = ((seen.share + unseen) / limit).max(1e-9).ln();
        let excess = excess.clamp(-EXCESS_MAX, COUNTED_MAX);
        if excess >= self.excess {
            self.excess = excess;
            self.nearest = bound;
            self.limit = limit;
            // With fewer blocks than show a variance, the trial has no weight in the regression line.
            self.effective_per_s = if seen.is_long_enough {
                seen.effective_size / seconds
            } else {
                0.0
            };
        }
    }

    /// Returns whether a second probe is to show whether the load shattered the level, or a temporary disturbance.
    pub(crate) fn is_doubtful(&self) -> bool {
        self.is_shattered && self.breaks() && !self.is_confirmed
    }

    /// Pools two trials of one level, or of levels so close that one stands for the other.
    pub(crate) fn and(&self, other: &Self) -> Self {
        let both = self.counted.iter().zip(&other.counted);
        let mut pool = Self {
            outcome: TrialOutcome::Holds,
            excess: -EXCESS_MAX,
            times: 1.0,
            counted: both.map(|(own, other)| own.clone().and(other)).collect(),
            ..self.clone()
        };
        pool.look();
        pool
    }

    pub(crate) fn breaks(&self) -> bool {
        matches!(self.outcome, TrialOutcome::Breaks(_))
    }

    fn leave_open(&mut self, times: f64) {
        if self.outcome == TrialOutcome::Holds {
            self.outcome = TrialOutcome::Open;
        }
        self.times = self.times.max(times);
    }
}

/// The bound that nearly all requests missed from the first second on.
fn shattered(counted: &[BoundCounts], width_s: f64) -> Option<usize> {
    counted.iter().position(|counted| {
        let seen = counted.missing.iter().filter(|block| block.all > 0.0);
        let first = seen.take(whole_number((SHATTERED_S / width_s).ceil()));
        let most = SHATTERED.max(counted.limit);
        let is_missed = |block: &Block| block.missing > most * block.all;
        let missed: Vec<bool> = first.map(is_missed).collect();
        missed.len() as f64 * width_s >= SHATTERED_S
            && missed.into_iter().all(|is_missed| is_missed)
    })
}

/// Returns whether the generator was late with enough arrivals, and by enough, that the measurements say nothing
/// about this load.
pub(crate) fn is_late(window: TimeWindow, bounds: &[Bound]) -> bool {
    if window.record.header.load.open.is_none() {
        return false;
    }
    let matters_ns = matters_ms(bounds) * 1e6;
    let late = window.missing(Scope::All, Measure::Lag, |ns| ns as f64 <= matters_ns);
    let (late, all) = late.iter().fold((0.0, 0.0), |(late, all), block| {
        (late + block.missing, all + block.all)
    });
    late > LATE * all
}

/// Returns whether the number of requests in flight grows throughout, by more than the randomness of arrivals and
/// completions explains; disturbed intervals are excluded.
fn backlog_grows(window: TimeWindow, disturbed: &[bool], per_s: f64) -> bool {
    let timeline = &window.record.timeline;
    let width_s = timeline.width_s() as usize;
    let intervals = (window.intervals().start..).zip(disturbed);
    let in_flight: Vec<f64> = intervals
        .filter(|(_, is_disturbed)| !**is_disturbed)
        .flat_map(|(at, _)| timeline.seconds().range(at * width_s..(at + 1) * width_s))
        .filter_map(|second| second.in_flight.map(f64::from))
        .collect();
    if (in_flight.len() as f64) < BACKLOG_S {
        return false;
    }
    let edge = |at: usize| at * in_flight.len() / 4;
    let quarter = |at: usize| {
        let part = &in_flight[edge(at)..edge(at + 1)];
        part.iter().sum::<f64>() / part.len() as f64
    };
    let quarters = [0, 1, 2, 3].map(quarter);
    // From the middle of the first quarter to that of the last.
    let chance = (2.0 * per_s * in_flight.len() as f64 * 0.75).sqrt();
    quarters.windows(2).all(|pair| pair[0] < pair[1])
        && quarters[3] - quarters[0] > BACKLOG_ERRORS * chance
}

/// Evaluates a probe: whether the level seems broken, and the logarithm of the misses relative to the limit.
pub(crate) fn probe(
    record: &RunRecord,
    bounds: &[Bound],
    level: f64,
    (from_s, to_s): (f64, f64),
) -> (bool, f64) {
    let window = TimeWindow::between(record, from_s, to_s);
    let mut excess = -EXCESS_MAX;
    for bound in bounds {
        let missed = bound
            .count(window)
            .estimate()
            .map_or(0.0, |seen| seen.share);
        let known = (missed / bound.share()).max(1e-9).ln();
        excess = excess.max(known.min(COUNTED_MAX));
    }
    if is_left_behind(record, level, (from_s, to_s)) {
        excess = EXCESS_MAX;
    }
    (excess > PROBE_EXCESS, excess)
}

/// Twice the limit, as a logarithm.
const PROBE_EXCESS: f64 = 0.7;
/// The proportion of arrivals that, left in flight, are a backlog.
const LEFT_BEHIND: f64 = 0.2;

pub(crate) fn is_left_behind(record: &RunRecord, per_s: f64, (from_s, to_s): (f64, f64)) -> bool {
    if record.header.load.open.is_none() {
        return false;
    }
    in_flight(record, to_s) - in_flight(record, from_s)
        > LEFT_BEHIND * per_s * (to_s - from_s) + 1.0
}

/// Requests in flight at the end of a second.
pub(super) fn in_flight(record: &RunRecord, at_s: f64) -> f64 {
    let seconds = record.timeline.seconds();
    let second = seconds.get(whole_number(at_s).saturating_sub(1));
    second
        .and_then(|second| second.in_flight)
        .map_or(0.0, f64::from)
}

/// Requests per second, and the mean number in flight by Little's law, while a level was judged.
pub(crate) fn throughput_and_in_flight(record: &RunRecord, trial: &Trial) -> Option<(f64, f64)> {
    let window = TimeWindow::between(record, trial.from_s, trial.to_s);
    let seen = window.distribution(Scope::All, Measure::Response);
    let seconds = window.seconds();
    let per_s = seen.ok.count() as f64 / seconds;
    let mean_s = seen.ok.mean_ns()? / 1e9;
    (seconds > 0.0 && per_s > 0.0).then_some((per_s, per_s * mean_s))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A trial of some seconds, in each third of which one of a hundred requests misses.
    fn judged(seconds: u32) -> Trial {
        let block = |second: u32| Block {
            missing: f64::from(u32::from(second.is_multiple_of(3))),
            all: 100.0,
        };
        let mut trial = Trial::seen(100.0, (0.0, f64::from(seconds)));
        trial.outcome = TrialOutcome::Holds;
        trial.counted = vec![BoundCounts {
            missing: (0..seconds).map(block).collect(),
            slow: Vec::new(),
            limit: 0.01,
        }];
        trial.look();
        trial
    }

    #[test]
    fn trial_that_is_too_short_has_no_weight_in_the_line() {
        let short = judged(19);
        assert_eq!(short.outcome, TrialOutcome::Open);
        assert!(short.effective_per_s <= 0.0, "{short:?}");
        assert!(judged(20).effective_per_s > 0.0);
    }
}
