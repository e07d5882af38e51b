//! Decisions during a run: whether to stop it early because a target is certain to be missed, and whether all targets
//! are decided.
//!
//! Early stopping predicts the verdict at the planned end, so it tests the same metrics, without the variation of
//! the load itself (`remaining_load`). A service that is only slow to start must not be mistaken for a slow one.
//! Therefore the first look is after 16 % of the planned time, the second half of the measurements must miss the
//! threshold by itself, and the run continues while the metric improves enough to meet the threshold before the end.
//!
//! Over all looks and all targets, the risk is 1 % (`sequential`).

mod remaining_load;

use brunt_record::{Header, Metric, MissedTarget, RunRecord, Scope, Target, ThresholdKind};

use crate::convert::whole_number;
use crate::grading::evidence::{Evidence, LagTreatment};
use crate::grading::risk::{self, STOPPING_RISK};
use crate::grading::thresholds::{Threshold, ThresholdResult};
use crate::judging::graded_target::graded_targets;
use crate::judging::judge::judge;
use crate::model::judgment::title_of;
use crate::model::run_result::RunResult;
use crate::number;
use crate::stats::batch_means::Block;
use crate::stats::sequential::{Looks, mean_lower_bound, proportion_lower_bound};
use crate::stats::trend;
use crate::stopping::remaining_load::RemainingLoad;
use crate::window::time_window::TimeWindow;

/// The part of the risk that is spent; the rest is a reserve, since the studentized mean of a dozen batches follows
/// Student's distribution only approximately.
const SPENT: f64 = 0.45;
/// The risk of the test of the second half.
const RISK_LATER: f64 = 0.05;
/// The p-value below which a metric improves.
const RISK_BETTER: f64 = 0.05;
/// The first look, as a proportion of the planned time, …
const FIRST: f64 = 0.16;
/// … and the smallest number of seconds, since fewer show no variance and no trend.
const SECONDS_MIN: usize = 12;
/// The factor from one look to the next.
const LOOK_AGAIN: f64 = 1.25;

/// The targets that stop a run early.
#[derive(Debug, Clone)]
pub struct EarlyStopping {
    conditions: Vec<(MissedTarget, Target)>,
    looks: Looks,
    looked: u32,
    judged_from_s: f64,
    /// Risk of one target at one look.
    risk: f64,
}

/// A run that continues until all targets are decided.
#[derive(Debug, Clone)]
pub struct UntilDecided {
    looks: Looks,
    looked: u32,
}

impl UntilDecided {
    /// Reads the header of a run; `None` if the run ends as planned.
    pub fn new(header: &Header) -> Option<Self> {
        Some(Self {
            looks: risk::looks(header)?,
            looked: 0,
        })
    }

    /// Judges a run of which this many seconds have been recorded, if a look is due. Returns the titles of the
    /// undecided targets; without any, the run may end.
    pub fn look(&mut self, record: &RunRecord, recorded_s: u32) -> Option<Vec<String>> {
        let due = self.looks.until(recorded_s.into());
        if due <= self.looked {
            return None;
        }
        self.looked = due;
        let rows = graded_targets(record, LagTreatment::Counted);
        let open = rows.into_iter().filter(|row| row.may_be_decided_later);
        Some(open.map(|row| row.title).collect())
    }
}

/// The decision to stop a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StopDecision {
    /// The targets that are missed.
    pub targets: Vec<MissedTarget>,
    /// In words: "p95 is certain to be over its critical threshold of 1 s".
    pub reason: String,
}

impl EarlyStopping {
    /// Reads the targets of a run; `None` if none of them stops it, or if the run is a search.
    pub fn new(header: &Header) -> Option<Self> {
        if header.load.search.is_some() {
            return None;
        }
        let conditions: Vec<(MissedTarget, Target)> = (0u32..)
            .zip(&header.targets)
            .filter_map(|(at, target)| {
                let limit = target.stop_at?;
                target.threshold(limit)?;
                Some((
                    MissedTarget {
                        target: at,
                        threshold: limit,
                    },
                    target.clone(),
                ))
            })
            .collect();
        if conditions.is_empty() {
            return None;
        }
        let judged_from_s = header.load.warm_up_s;
        let planned_s = header.load.duration_s() - judged_from_s;
        let longest_s = header.load.extended_to_limit().duration_s() - judged_from_s;
        let first_s = (planned_s * FIRST).max(SECONDS_MIN as f64);
        let looks = Looks::new(first_s, longest_s, LOOK_AGAIN);
        let risk = STOPPING_RISK * SPENT / f64::from(looks.count()) / conditions.len() as f64;
        Some(Self {
            conditions,
            looks,
            looked: 0,
            judged_from_s,
            risk,
        })
    }

    /// Tests a run of which this many seconds have been recorded.
    pub fn look(&mut self, record: &RunRecord, recorded_s: u32) -> Option<StopDecision> {
        let due = self.looks.until(f64::from(recorded_s) - self.judged_from_s);
        let is_due = due > self.looked;
        self.looked = due.max(self.looked);
        let run = RunSoFar::new(record, self.judged_from_s, recorded_s.into());
        let missed: Vec<&(MissedTarget, Target)> = self
            .conditions
            .iter()
            .filter(|(missed, target)| {
                run.certainly_misses(target, missed.threshold)
                    || is_due && run.surely_misses(target, missed.threshold, self.risk)
            })
            .collect();
        // An invalid run says nothing about the service, and is not stopped.
        if missed.is_empty() || judge(record).result == RunResult::Invalid {
            return None;
        }
        let reasons: Vec<String> = missed
            .iter()
            .map(|(missed, target)| reason(record, target, missed.threshold))
            .collect();
        Some(StopDecision {
            targets: missed.into_iter().map(|(missed, _)| *missed).collect(),
            reason: reasons.join(", "),
        })
    }
}

fn reason(record: &RunRecord, target: &Target, limit: ThresholdKind) -> String {
    let title = title_of(record, target);
    let side = if target.metric.is_better_when_higher() {
        "under"
    } else {
        "over"
    };
    let level = target.threshold(limit).unwrap_or(0.0);
    let level = match record.header.unit_of(target) {
        "" => number::chosen(level),
        "ms" if level >= 1e3 => format!("{} s", number::chosen(level / 1e3)),
        unit => format!("{} {unit}", number::chosen(level)),
    };
    format!(
        "{title} is certain to be {side} its {} threshold of {level}",
        limit.name()
    )
}

/// A run that is still going on.
struct RunSoFar<'a> {
    record: &'a RunRecord,
    load: brunt_record::Load,
    from_s: f64,
    now_s: f64,
    ends_s: f64,
}

impl<'a> RunSoFar<'a> {
    fn new(record: &'a RunRecord, from_s: f64, now_s: f64) -> Self {
        // A run that continues until all targets are decided is expected to end as planned.
        let ends_s = record.header.load.duration_s().max(now_s);
        Self {
            record,
            load: record.header.load.extended_to(ends_s),
            from_s,
            now_s,
            ends_s,
        }
    }

    /// Returns whether a target is missed, whatever happens in the rest of the run.
    fn certainly_misses(&self, target: &Target, limit: ThresholdKind) -> bool {
        let is_final = match target.metric {
            Metric::Max | Metric::Memory => true,
            Metric::ErrorRate => target.threshold(limit).is_some_and(|level| level <= 0.0),
            _ => false,
        };
        is_final && misses(TimeWindow::whole(self.record), target, limit)
    }

    /// Returns whether chance, with this risk, does not explain that a target is met at the planned end.
    fn surely_misses(&self, target: &Target, limit: ThresholdKind, risk: f64) -> bool {
        let Some(threshold) = Threshold::of(target, limit) else {
            return false;
        };
        match target.metric {
            Metric::Percentile(_) | Metric::ErrorRate | Metric::Mean | Metric::Cpu => {
                self.surely_exceeds(target, threshold, risk)
            }
            Metric::Throughput => self.surely_falls_short(target, limit, risk),
            // A maximum is known for certain, or not at all.
            Metric::Max | Metric::Memory => false,
        }
    }

    fn surely_exceeds(&self, target: &Target, threshold: Threshold, risk: f64) -> bool {
        let remaining_load = RemainingLoad::new(&self.load, self.from_s, self.now_s, self.ends_s);
        let bound = match target.metric {
            Metric::Percentile(q) => 1.0 - q,
            Metric::ErrorRate => threshold.level() / 100.0,
            _ => threshold.level(),
        };
        let representative = match target.metric {
            Metric::Cpu => remaining_load.share_of_time(),
            _ => remaining_load.share_of_load(),
        };
        if representative <= 0.0 {
            return false;
        }
        // Seconds that do not represent the rest count as if nothing in them had missed.
        let bound = bound / representative;
        let low = match target.metric {
            Metric::Percentile(_) | Metric::ErrorRate => proportion_lower_bound,
            _ => mean_lower_bound,
        };
        let seen = self.blocks(target, threshold, &remaining_load);
        let blocks: Vec<Block> = seen.iter().map(|(_, block)| *block).collect();
        blocks.len() >= SECONDS_MIN
            && low(&blocks, risk) > bound
            && low(&blocks[blocks.len() / 2..], RISK_LATER) > bound
            && self.is_missed_without_lateness(target, threshold, &remaining_load, bound)
            && !self.will_meet(&self.logarithms(target, &seen), |figure| {
                figure < threshold.level().ln()
            })
    }

    /// Returns whether the service misses the threshold by itself: without lag and CPU starvation.
    fn is_missed_without_lateness(
        &self,
        target: &Target,
        threshold: Threshold,
        remaining_load: &RemainingLoad,
        bound: f64,
    ) -> bool {
        let window = TimeWindow::between(self.record, self.from_s, self.now_s);
        let left_out: Vec<bool> = window
            .intervals()
            .map(|interval| !remaining_load.is_represented_by(self.middle_s(interval)))
            .collect();
        let window = window.without(&left_out);
        let scope = target.requests();
        let seen = match target.metric {
            Metric::Percentile(_) => window.misses(scope, LagTreatment::Excluded.measure(), |ns| {
                threshold.is_met_by(ns as f64 / 1e6, target.metric)
            }),
            Metric::ErrorRate => window.errors_of_service(scope),
            Metric::Mean => {
                let evidence = Evidence::of(window, target, LagTreatment::Excluded);
                return evidence.result(threshold) == ThresholdResult::Missed;
            }
            _ => return true,
        };
        seen.is_some_and(|seen| seen.share > bound)
    }

    /// Tests throughput: the rest is expected to be like the seconds at the level that continues.
    fn surely_falls_short(&self, target: &Target, limit: ThresholdKind, risk: f64) -> bool {
        let remaining_load = RemainingLoad::new(&self.load, self.from_s, self.now_s, self.ends_s);
        let level = target.threshold(limit).unwrap_or(0.0);
        let window = TimeWindow::between(self.record, self.from_s, self.now_s);
        if !remaining_load.continues_at_level_of(self.now_s - 0.5) || !misses(window, target, limit)
        {
            return false;
        }
        let (mut before, mut before_s) = (0.0, 0.0);
        let (mut blocks, mut logarithms) = (Vec::new(), Vec::new());
        for (interval, answered) in self.successes(target) {
            let (at_s, width_s) = (self.middle_s(interval), self.width_s());
            if remaining_load.continues_at_level_of(at_s) {
                blocks.push(Block {
                    missing: -answered,
                    all: width_s,
                });
                logarithms.push((at_s, (answered / width_s).max(1e-9).ln()));
            } else {
                (before, before_s) = (before + answered, before_s + width_s);
            }
        }
        // The lowest sufficient rate of the rest.
        let judged_s = self.ends_s - self.from_s;
        let needed = (level * judged_s - before) / (judged_s - before_s);
        blocks.len() >= SECONDS_MIN
            && -mean_lower_bound(&blocks, risk) < needed
            && -mean_lower_bound(&blocks[blocks.len() / 2..], RISK_LATER) < needed
            && !self.will_meet(&negated(&logarithms), |figure| {
                -figure > needed.max(1e-9).ln()
            })
    }

    /// Successful requests in each complete interval.
    fn successes(&self, target: &Target) -> Vec<(usize, f64)> {
        let timeline = &self.record.timeline;
        let window = TimeWindow::between(self.record, self.from_s, self.now_s);
        let scope = target.requests();
        if scope == Scope::All {
            let width = timeline.width_s() as usize;
            let in_interval = |interval: usize| {
                let seconds = timeline
                    .seconds()
                    .range(interval * width..(interval + 1) * width);
                (interval, seconds.map(|second| second.ok as f64).sum())
            };
            return window.intervals().map(in_interval).collect();
        }
        // Counted by the second of their intended start; requests of the last seconds are still in flight.
        let seconds = timeline.seconds();
        let recent = seconds.recent().iter().rev().take(2);
        let oldest_in_flight_ms = recent.filter_map(|second| second.oldest_in_flight_ms).max();
        let complete_s = self.now_s - oldest_in_flight_ms.unwrap_or(0) as f64 / 1e3 - 1.0;
        let measure = LagTreatment::Counted.measure();
        window
            .intervals()
            .filter(|interval| self.middle_s(*interval) < complete_s)
            .map(|interval| {
                let seen = timeline.distribution_at(interval, scope, measure);
                (interval, seen.ok.count() as f64)
            })
            .collect()
    }

    /// The counts of each interval that represents the rest, with its time.
    fn blocks(
        &self,
        target: &Target,
        threshold: Threshold,
        remaining_load: &RemainingLoad,
    ) -> Vec<(f64, Block)> {
        if target.metric == Metric::Cpu {
            return self.cpu(remaining_load);
        }
        let intervals = TimeWindow::between(self.record, self.from_s, self.now_s).intervals();
        let blocks = intervals.map(|interval| {
            let block = self.in_interval(interval, target, threshold);
            (self.middle_s(interval), block)
        });
        let is_representative =
            |at_s: &f64, block: &Block| block.all > 0.0 && remaining_load.is_represented_by(*at_s);
        blocks
            .filter(|(at_s, block)| is_representative(at_s, block))
            .collect()
    }

    /// CPU use: each reading describes the second before it.
    fn cpu(&self, remaining_load: &RemainingLoad) -> Vec<(f64, Block)> {
        let readings = self.record.readings.iter();
        let known = readings.filter_map(|reading| {
            let middle_s = reading.at_ms as f64 / 1e3 - 0.5;
            let block = Block {
                missing: reading.target?.cpu_percent?,
                all: 1.0,
            };
            Some((middle_s, block))
        });
        known
            .filter(|(at_s, _)| *at_s >= self.from_s && remaining_load.is_represented_by(*at_s))
            .collect()
    }

    /// The count of a metric of requests in an interval.
    fn in_interval(&self, interval: usize, target: &Target, threshold: Threshold) -> Block {
        let timeline = &self.record.timeline;
        let scope = target.requests();
        let measure = LagTreatment::Counted.measure();
        let (missing, all) = match target.metric {
            Metric::Percentile(_) => {
                let is_met = |ns: u64| threshold.is_met_by(ns as f64 / 1e6, target.metric);
                timeline.missing_at(interval, scope, measure, is_met)
            }
            Metric::Mean => {
                let seen = timeline.distribution_at(interval, scope, measure);
                let (count, mean_ns) = (seen.ok.count() as f64, seen.ok.mean_ns());
                return Block {
                    missing: mean_ns.unwrap_or(0.0) / 1e6 * count,
                    all: count,
                };
            }
            _ => timeline.failed_at(interval, scope),
        };
        Block {
            missing: missing as f64,
            all: all as f64,
        }
    }

    /// The logarithm of the metric in each interval.
    fn logarithms(&self, target: &Target, blocks: &[(f64, Block)]) -> Vec<trend::Point> {
        let scope = target.requests();
        let figure = |(at_s, block): &(f64, Block)| {
            let figure = match target.metric {
                Metric::Percentile(q) => {
                    let interval = whole_number(at_s / self.width_s());
                    let measure = LagTreatment::Counted.measure();
                    let seen = self
                        .record
                        .timeline
                        .distribution_at(interval, scope, measure);
                    seen.percentile(q)?.ms()?
                }
                // In percent, and above zero even if no request failed by chance.
                Metric::ErrorRate => (block.missing + 0.5) / (block.all + 1.0) * 100.0,
                _ => block.missing / block.all,
            };
            (figure > 0.0).then(|| (*at_s, figure.ln()))
        };
        blocks.iter().filter_map(figure).collect()
    }

    /// Returns whether a metric has been falling significantly, and fast enough to meet its threshold before the end.
    fn will_meet(&self, logarithms: &[trend::Point], is_met: impl Fn(f64) -> bool) -> bool {
        let late = SECONDS_MIN.max(logarithms.len() / 2).min(logarithms.len());
        let late = &logarithms[logarithms.len() - late..];
        let better: Vec<trend::Point> = negated(late);
        let Some(found) = trend::trend(&trend::means(&better)) else {
            return false;
        };
        let mean =
            |of: fn(&trend::Point) -> f64| late.iter().map(of).sum::<f64>() / late.len() as f64;
        let at_end = mean(|point| point.1) - found.slope * (self.ends_s - mean(|point| point.0));
        found.p < RISK_BETTER && is_met(at_end)
    }

    fn width_s(&self) -> f64 {
        f64::from(self.record.timeline.width_s())
    }

    fn middle_s(&self, interval: usize) -> f64 {
        (interval as f64 + 0.5) * self.width_s()
    }
}

fn negated(logarithms: &[trend::Point]) -> Vec<trend::Point> {
    logarithms
        .iter()
        .map(|(at_s, figure)| (*at_s, -figure))
        .collect()
}

/// Returns whether the measurements so far miss a target, both with and without the generator's lateness.
fn misses(window: TimeWindow, target: &Target, limit: ThresholdKind) -> bool {
    let Some(threshold) = Threshold::of(target, limit) else {
        return false;
    };
    [LagTreatment::Counted, LagTreatment::Excluded]
        .into_iter()
        .all(|lag| Evidence::of(window, target, lag).result(threshold) == ThresholdResult::Missed)
}
