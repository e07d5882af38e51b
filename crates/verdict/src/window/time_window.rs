//! Time windows: what was measured in a part of a run, block by block, and estimates of proportions of its requests.

use std::ops::Range;

use brunt_record::{Distribution, FailureKind, Measure, RunRecord, Scope};

use crate::convert::{in_ns, whole_number};
use crate::generator::cpu_starvation::CpuStarvation;
use crate::generator::overload;
use crate::model::judgment::Interval;
use crate::stats::batch_means::{self, Block, ProportionEstimate, Requirements};
use crate::window::totals;

/// Risk at each end of a two-sided 95 % interval.
pub(crate) const RISK_OF_END: f64 = 0.025;
/// A threshold that all responses meet or miss by this factor is far away: the autocorrelation of slow responses then
/// says nothing about the requests that miss it.
pub(crate) const FAR: f64 = 2.0;
/// The number of blocks without requests after which a run is not read any further.
const BLOCKS_WITHOUT_DATA: usize = 1_000;
/// Responses slower than this proportion are the slow ones, whose autocorrelation stands for that of misses.
pub(crate) const SLOW: f64 = 0.9;

/// A part of a run: a range of its intervals.
#[derive(Clone, Copy)]
pub(crate) struct TimeWindow<'a> {
    pub(crate) record: &'a RunRecord,
    from: usize,
    to: usize,
    is_whole: bool,
    /// Whether the requests of each interval are excluded; intervals beyond the end of the slice are not.
    excluded: &'a [bool],
}

impl<'a> TimeWindow<'a> {
    /// The whole load: every interval with intended starts.
    pub(crate) fn whole(record: &'a RunRecord) -> Self {
        let most = record.timeline.intervals().max(1) + BLOCKS_WITHOUT_DATA;
        let intervals = in_intervals(record, record.duration_s()).ceil();
        Self {
            record,
            from: 0,
            to: whole_number(intervals).clamp(1, most),
            is_whole: true,
            excluded: &[],
        }
    }

    /// The load from a time on.
    pub(crate) fn from(record: &'a RunRecord, from_s: f64) -> Self {
        let whole = Self::whole(record);
        let from = whole_number(in_intervals(record, from_s).ceil()).min(whole.to);
        Self {
            from,
            is_whole: from == 0,
            ..whole
        }
    }

    /// The intervals between two times.
    pub(crate) fn between(record: &'a RunRecord, from_s: f64, to_s: f64) -> Self {
        let from = whole_number(in_intervals(record, from_s).ceil());
        let to = whole_number(in_intervals(record, to_s).floor());
        Self {
            record,
            from,
            to: to.max(from),
            is_whole: false,
            excluded: &[],
        }
    }

    /// Excludes the requests of some of its intervals, counted from the first one.
    pub(crate) fn without(self, excluded: &'a [bool]) -> Self {
        Self {
            is_whole: false,
            excluded,
            ..self
        }
    }

    /// Requirements for a decision on its proportions.
    pub(crate) fn requirements(self) -> Requirements {
        let width_s = f64::from(self.record.timeline.width_s());
        Requirements {
            blocks_min: batch_means::blocks_min(self.record.header.min_duration_s, width_s),
            ..Requirements::default()
        }
    }

    /// Returns whether it is the whole load.
    pub(crate) fn is_whole(self) -> bool {
        self.is_whole
    }

    /// Its intervals.
    pub(crate) fn intervals(self) -> Range<usize> {
        self.from..self.to
    }

    /// Its intervals that are not excluded.
    fn kept(self) -> impl Iterator<Item = usize> {
        let is_left_out = move |interval: &usize| self.excluded.get(interval - self.from);
        self.intervals()
            .filter(move |interval| !is_left_out(interval).is_some_and(|is_so| *is_so))
    }

    /// Its length, in seconds.
    pub(crate) fn seconds(self) -> f64 {
        (self.to - self.from) as f64 * f64::from(self.record.timeline.width_s())
    }

    /// Its start, in seconds.
    pub(crate) fn begins_s(self) -> f64 {
        self.from as f64 * f64::from(self.record.timeline.width_s())
    }

    /// Durations of its requests; those without a response rank above all others.
    pub(crate) fn distribution(self, scope: Scope, measure: Measure) -> Distribution {
        let timeline = &self.record.timeline;
        if measure == Measure::LagCorrected {
            let is_overloaded = |interval: &usize| overload::in_interval(self.record, *interval);
            let (overloaded, rest): (Vec<usize>, Vec<usize>) = self.kept().partition(is_overloaded);
            if !overloaded.is_empty() {
                let own = timeline.distribution_in(overloaded, scope, Measure::Service);
                let mut all = timeline.distribution_in(rest, scope, measure);
                all.ok.merge(&own.ok);
                all.unanswered += own.unanswered;
                return all;
            }
        }
        if self.is_whole {
            timeline.distribution(scope, measure)
        } else {
            timeline.distribution_in(self.kept(), scope, measure)
        }
    }

    /// The measure to use in an interval. During an overload of the generator, only the service time is free of its
    /// lateness.
    pub(crate) fn measure_at(self, interval: usize, measure: Measure) -> Measure {
        match measure {
            Measure::LagCorrected if overload::in_interval(self.record, interval) => {
                Measure::Service
            }
            _ => measure,
        }
    }

    /// Estimates the proportion of requests whose duration does not meet a threshold. Without the generator's
    /// lateness, the effect of CPU starvation is removed as well; it is known only roughly, so it changes the
    /// proportion but not its certainty.
    pub(crate) fn misses(
        self,
        scope: Scope,
        measure: Measure,
        meets: impl Fn(u64) -> bool,
    ) -> Option<ProportionEstimate> {
        self.misses_with(self.requirements(), scope, measure, meets)
    }

    /// The same with other requirements.
    pub(crate) fn misses_with(
        self,
        requirements: Requirements,
        scope: Scope,
        measure: Measure,
        meets: impl Fn(u64) -> bool,
    ) -> Option<ProportionEstimate> {
        let (missing, slow) = self.with_starvation(scope, measure, &meets);
        let seen = if slow.is_empty() {
            batch_means::estimate_with(&missing, requirements)
        } else {
            batch_means::estimate_with_slow_and(&missing, &slow, requirements)
        }?;
        if measure != Measure::LagCorrected {
            return Some(seen);
        }
        let without_starvation =
            self.blocks(|interval| self.without_starvation_at(interval, scope, &meets));
        let (missing, all) = without_starvation
            .iter()
            .fold((0.0, 0.0), |(missing, all), block| {
                (missing + block.missing, all + block.all)
            });
        let share = if all > 0.0 { missing / all } else { seen.share };
        Some(ProportionEstimate { share, ..seen })
    }

    /// Counts, block by block, the requests whose duration does not meet a threshold; and the slow requests, unless
    /// the threshold is far away.
    pub(crate) fn missing_and_slow(
        self,
        scope: Scope,
        measure: Measure,
        meets: impl Fn(u64) -> bool,
    ) -> (Vec<Block>, Vec<Block>) {
        let (missing, slow) = self.with_starvation(scope, measure, &meets);
        if measure != Measure::LagCorrected {
            return (missing, slow);
        }
        let without_starvation =
            self.blocks(|interval| self.without_starvation_at(interval, scope, &meets));
        (without_starvation, slow)
    }

    /// The same, including the effect of CPU starvation.
    pub(crate) fn with_starvation(
        self,
        scope: Scope,
        measure: Measure,
        meets: impl Fn(u64) -> bool,
    ) -> (Vec<Block>, Vec<Block>) {
        let distribution = self.distribution(scope, measure);
        let timeline = &self.record.timeline;
        let counted = |meets: &dyn Fn(u64) -> bool| {
            self.blocks(|interval| {
                if measure == Measure::LagCorrected && self.was_suspended_near(interval) {
                    return (0.0, 0.0);
                }
                let measure = self.measure_at(interval, measure);
                let (missing, all) = timeline.missing_at(interval, scope, measure, meets);
                (missing as f64, all as f64)
            })
        };
        let Some(longest) = distribution.max() else {
            return (Vec::new(), Vec::new());
        };
        let is_far_under = longest.ms().is_some_and(|ms| meets(in_ns(ms * FAR)));
        let shortest = distribution.ok.min_ns();
        let is_far_over = shortest.is_some_and(|ns| !meets(in_ns(ns as f64 / 1e6 / FAR)));
        if is_far_under || is_far_over {
            return (counted(&meets), Vec::new());
        }
        let slow_ms = distribution
            .percentile(SLOW)
            .and_then(brunt_record::PercentileValue::ms);
        let slow = counted(&|ns| slow_ms.is_none_or(|slow_ms| ns as f64 / 1e6 <= slow_ms));
        (counted(&meets), slow)
    }

    /// Counts the requests of an interval whose duration would not meet a threshold without the generator's lateness
    /// and CPU starvation, and all requests.
    fn without_starvation_at(
        self,
        interval: usize,
        scope: Scope,
        meets: &dyn Fn(u64) -> bool,
    ) -> (f64, f64) {
        if self.was_suspended_near(interval) {
            return (0.0, 0.0);
        }
        let measure = self.measure_at(interval, Measure::LagCorrected);
        let counted = |less_ns: u64| {
            let shorter = |ns: u64| meets(ns.saturating_sub(less_ns));
            let timeline = &self.record.timeline;
            timeline.missing_at(interval, scope, measure, shorter)
        };
        let (_, all) = counted(0);
        let starvation = CpuStarvation::in_interval(self.record, interval);
        let missing = starvation.still_missing(all, |less_ns| counted(less_ns).0);
        (missing, all as f64)
    }

    /// Returns whether the machine was suspended in an interval or next to it: requests in flight at that time show
    /// nothing.
    fn was_suspended_near(self, interval: usize) -> bool {
        let near = interval.saturating_sub(1)..=interval + 1;
        near.into_iter()
            .any(|interval| CpuStarvation::in_interval(self.record, interval).was_suspended())
    }

    /// The time that CPU starvation may have added to the mean and to the longest duration, in milliseconds.
    pub(crate) fn starvation_ms(self, scope: Scope) -> (f64, f64) {
        let timeline = &self.record.timeline;
        let (mut sum, mut requests, mut longest) = (0.0, 0.0, 0.0f64);
        for interval in self.intervals() {
            let (_, all) = timeline.missing_at(interval, scope, Measure::Response, |_| true);
            let starvation = CpuStarvation::in_interval(self.record, interval);
            sum += starvation.mean_ms() * all as f64;
            requests += all as f64;
            longest = longest.max(starvation.longest_ms());
        }
        (sum / f64::max(requests, 1.0), longest)
    }

    /// Counts the failed requests, block by block.
    pub(crate) fn failed(self, scope: Scope) -> Vec<Block> {
        let timeline = &self.record.timeline;
        self.blocks(|interval| {
            let (failed, all) = timeline.failed_at(interval, scope);
            (failed as f64, all as f64)
        })
    }

    /// Estimates the proportion of requests that the service failed. Requests that were in flight while the machine
    /// was suspended are excluded, and so are those that the generator never sent.
    pub(crate) fn errors_of_service(self, scope: Scope) -> Option<ProportionEstimate> {
        let mut blocks = self.failed(scope);
        let cut_off_share = cut_off_share(self.record);
        for (block, interval) in blocks.iter_mut().zip(self.kept()) {
            if self.was_suspended_near(interval) {
                *block = Block {
                    missing: 0.0,
                    all: 0.0,
                };
            } else if overload::in_interval(self.record, interval) {
                let timeline = &self.record.timeline;
                let unanswered = timeline.missing_at(interval, scope, Measure::Response, |_| true);
                let never_sent = unanswered.0 as f64 * cut_off_share;
                block.missing = (block.missing - never_sent).max(0.0);
                block.all = (block.all - never_sent).max(block.missing);
            }
        }
        batch_means::estimate_with(&blocks, self.requirements())
    }

    /// Estimates the proportion of failed requests.
    pub(crate) fn errors(self, scope: Scope) -> Option<ProportionEstimate> {
        batch_means::estimate_with(&self.failed(scope), self.requirements())
    }

    /// Counts, block by block, the requests whose duration does not meet a threshold.
    pub(crate) fn missing(
        self,
        scope: Scope,
        measure: Measure,
        meets: impl Fn(u64) -> bool,
    ) -> Vec<Block> {
        let timeline = &self.record.timeline;
        self.blocks(|interval| {
            let measure = self.measure_at(interval, measure);
            let (missing, all) = timeline.missing_at(interval, scope, measure, &meets);
            (missing as f64, all as f64)
        })
    }

    fn blocks(self, count: impl Fn(usize) -> (f64, f64)) -> Vec<Block> {
        self.kept()
            .map(|interval| {
                let (missing, all) = count(interval);
                Block { missing, all }
            })
            .collect()
    }

    /// Counts the successful requests, block by block, each with the planned number, so that a ramp does not count as
    /// variation. `None` if there is no block.
    pub(crate) fn successes(self, scope: Scope) -> Option<(SuccessRates, Vec<(f64, f64)>)> {
        let (counts, begins_s, width_s) = match scope {
            Scope::All => {
                let begins = whole_number(self.begins_s());
                let whole_s = whole_number(self.record.throughput_s().floor());
                let seconds = self.record.timeline.seconds();
                let counts = seconds.range(begins..whole_s.min(seconds.len()));
                let counts: Vec<f64> = counts.map(|second| second.ok as f64).collect();
                (counts, begins as f64, 1.0)
            }
            Scope::Name(_) | Scope::Names(_) => {
                let counts = self.kept().map(|interval| {
                    let timeline = &self.record.timeline;
                    let (durations, _) = timeline.durations_at(interval, scope, Measure::Response);
                    durations.iter().map(|(_, count)| *count as f64).sum()
                });
                let width_s = f64::from(self.record.timeline.width_s());
                (counts.collect(), self.begins_s(), width_s)
            }
        };
        let rates = || counts.iter().map(|count| count / width_s);
        let answered = SuccessRates {
            all: counts.iter().sum(),
            seconds: counts.len() as f64 * width_s,
            least: rates().fold(f64::INFINITY, f64::min),
            most: rates().fold(0.0, f64::max),
        };
        let planned = self.planned();
        let blocks = counts.iter().enumerate().map(|(at, count)| {
            let from_s = begins_s + at as f64 * width_s;
            (*count, planned(from_s + width_s) - planned(from_s))
        });
        (!counts.is_empty()).then(|| (answered, blocks.collect()))
    }

    /// Planned requests up to a time, or user seconds if the number of requests has no bound.
    fn planned(self) -> impl Fn(f64) -> f64 {
        let load = self.record.load();
        let each = |part: &brunt_record::Load| match (part.open, part.tasks_per_user_second) {
            (Some(_), _) => Some(part.requests_per_task),
            (None, rate) => rate.map(|rate| rate * part.requests_per_task),
        };
        let of_parts: Option<Vec<f64>> = load.parts().map(each).collect();
        let of_parts = of_parts.unwrap_or_else(|| vec![1.0; load.parts().count()]);
        move |until_s| {
            let parts = load.parts().zip(&of_parts);
            parts
                .map(|(part, each)| part.integral(until_s) * each)
                .sum()
        }
    }

    /// Sums for the mean duration: for each interval with successful requests, the sum of their durations (ms) and
    /// their number.
    pub(crate) fn sums(self, scope: Scope, measure: Measure) -> Vec<(f64, f64)> {
        let timeline = &self.record.timeline;
        let sums = self.kept().map(|interval| {
            let measure = self.measure_at(interval, measure);
            let (durations, _) = timeline.durations_at(interval, scope, measure);
            let sum = |part: fn(&(u64, u64)) -> f64| durations.iter().map(part).sum::<f64>();
            (
                sum(|(ns, count)| *ns as f64 / 1e6 * *count as f64),
                sum(|(_, count)| *count as f64),
            )
        });
        sums.filter(|(_, count)| *count > 0.0).collect()
    }
}

/// Successful requests in the whole seconds of a time window.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SuccessRates {
    pub(crate) all: f64,
    pub(crate) seconds: f64,
    /// Of the second with the fewest.
    least: f64,
    /// Of the second with the most.
    most: f64,
}

impl SuccessRates {
    /// The interval of a rate with a margin of error, limited to the rates of single seconds.
    pub(crate) fn within_seen(&self, mean: f64, off: f64) -> Interval {
        Interval {
            low: (mean - off).max(self.least.min(mean)),
            high: Some((mean + off).min(self.most.max(mean))),
        }
    }
}

/// The proportion of the requests without a response that the end of the run cut off (0 to 1): during an overload,
/// those were never sent.
fn cut_off_share(record: &RunRecord) -> f64 {
    let [_, _, unanswered] = totals::counts(record);
    let cut_off = totals::failures(record, FailureKind::Aborted);
    (cut_off as f64 / unanswered.max(1) as f64).min(1.0)
}

fn in_intervals(record: &RunRecord, seconds: f64) -> f64 {
    // A value that is off a whole second by a rounding error counts as that second.
    (seconds * 1e6).round() / 1e6 / f64::from(record.timeline.width_s())
}
