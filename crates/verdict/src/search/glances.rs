//! Glances: seconds at a level that only tell where to look, and whether what shattered a level was a bad moment.

use brunt_record::{LoadLevel, RunRecord, SearchPhase};

use super::bracket::same;
use super::estimate::Point;
use super::trial::{self, Trial};
use super::{GLANCE_SETTLE_S, Order, Search, in_flight};

/// How long a glance is.
pub(super) const GLANCE_S: f64 = 3.0;
/// From one glance to the next.
const GLANCE_STEP: f64 = 2.0;

impl Search {
    /// Takes in what a glance showed.
    pub(super) fn take_glance(&mut self, record: &RunRecord, level: f64, judged: (f64, f64)) {
        let (is_broken, excess) = trial::glance(record, &self.bounds, level, judged);
        if self.confirm(level, judged, is_broken) {
            return;
        }
        // A second look takes the place of the first.
        self.glances.retain(|point| !same(point.level, level));
        self.glances.push(Point { level, excess });
        if excess <= 0.0 {
            self.calm = in_flight(record, judged.1);
        }
    }

    /// A second look at a level that was shattered confirms it, or shows that its trial had a bad moment, which tells
    /// nothing of the load. Whether the glance was such a look.
    pub(super) fn confirm(&mut self, level: f64, (from_s, _): (f64, f64), is_broken: bool) -> bool {
        let is_asked = |trial: &&mut Trial| {
            trial.is_doubtful() && same(trial.level, level) && trial.to_s <= from_s
        };
        let Some(trial) = self.trials.last_mut().filter(is_asked) else {
            return false;
        };
        if is_broken {
            trial.is_confirmed = true;
        } else {
            self.trials.pop();
            self.width = self.bracket().width();
        }
        true
    }

    /// What follows a glance: a higher one, or the first trial.
    pub(super) fn after_glance(&mut self, record: &RunRecord, now_s: f64) -> Order {
        let level = self.current.level;
        let is_broken = self.glances.last().is_some_and(|point| point.excess > 0.7);
        let higher = (level * GLANCE_STEP).min(self.most());
        let has_time = now_s + self.trial_s_min() < self.searches_until_s(now_s);
        let is_left_behind = trial::is_left_behind(record, level, self.judged(now_s));
        if !self.glances_rise {
            return self.drain_or_go_on(record, now_s);
        }
        let is_doubtful = is_broken && has_time && !is_left_behind;
        if is_doubtful && !std::mem::replace(&mut self.looked_again, true) {
            return self.order(now_s, SearchPhase::Probe, level);
        }
        if is_broken || higher <= level || !has_time {
            self.glances_rise = false;
            return self.drain_or_go_on(record, now_s);
        }
        self.looked_again = false;
        self.order(now_s, SearchPhase::Probe, higher)
    }

    /// The next level to look at, where something was set aside before a level was seen to break.
    pub(super) fn higher_glance(&mut self, now_s: f64) -> Option<f64> {
        let goes_on = std::mem::replace(&mut self.glances_on, false);
        let highest = self.glances.iter().map(|point| point.level);
        let highest = highest.reduce(f64::max)?;
        let higher = (highest * GLANCE_STEP).min(self.most());
        let has_time = now_s + self.trial_s_min() < self.searches_until_s(now_s);
        let rises = goes_on && has_time && higher > highest;
        self.glances_rise |= rises;
        rises.then_some(higher)
    }

    /// The level of the last trial, where it is worth a second look.
    pub(super) fn doubtful(&self, now_s: f64) -> Option<f64> {
        let has_time = now_s + 1.0 + GLANCE_S < self.ends_s;
        let trial = self.trials.last().filter(|trial| trial.is_doubtful());
        trial.filter(|_| has_time).map(|trial| trial.level)
    }

    /// What was looked at of the levels of a part.
    pub(crate) fn glanced(&self, record: &RunRecord, part: SearchPhase) -> Vec<Trial> {
        let ends = record.levels().map(|level| level.from_ms as f64 / 1e3);
        let ends: Vec<f64> = ends.chain([record.duration_s()]).collect();
        let first = LoadLevel {
            from_ms: 0,
            ramp_ms: 0,
            level: self.asked.from,
            phase: SearchPhase::Probe,
        };
        let levels = std::iter::once(&first).chain(record.levels());
        levels
            .zip(&ends)
            .filter(|(level, _)| level.phase == part)
            .map(|(level, end_s)| {
                let from_s = (level.from_ms + level.ramp_ms) as f64 / 1e3 + GLANCE_SETTLE_S;
                Trial::seen(level.level, (from_s, *end_s))
            })
            .collect()
    }
}
