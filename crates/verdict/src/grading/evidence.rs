//! Evidence: what a run measured for a target, and what that shows about a threshold.

mod episode;
mod gap;
mod shown_interval;

use brunt_record::{Measure, Metric, Outcome, PercentileValue, Reading, RunRecord, Scope, Target};

use crate::convert::whole_number;
use crate::generator::cpu_starvation::CpuStarvation;
use crate::generator::overload;
use crate::grading::decidability::question::{Obstacle, Portion, is_to_spare};
use crate::grading::decidability::{PlannedLoad, Undecidable};
use crate::grading::evidence_gap::EvidenceGap;
use crate::grading::lost_users::LostLoad;
use crate::grading::risk::risks;
use crate::grading::thresholds::{Threshold, ThresholdResult};
use crate::model::judgment::Value;
use crate::stats::batch_means::{self, ProportionEstimate, RatioEstimate};
use crate::stats::proportion_test::{self, Decision, Risks};
use crate::window::time_window::{SuccessRates, TimeWindow};
use crate::window::totals::lags;

/// The factor by which fewer requests exceed a distant bound than may exceed the threshold, …
const FEWER: f64 = 5.0;
/// … if at least this many do.
const TELLING: f64 = 20.0;
/// A bound this many times as long as the measured durations is beyond the run's fluctuations.
const FARTHER: f64 = 5.0;

/// With fewer blocks than this, a rate or a mean cannot be missed, however far off it is.
const EARLY_BLOCKS: usize = 5;

/// Risk at each end of the shown 95 % interval.
const INTERVAL_RISK: f64 = 0.025;

/// Treatment of the generator's own lateness.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LagTreatment {
    /// Included, as it was: targets are judged by this.
    Counted,
    /// Excluded, to see whether it changed a result.
    Excluded,
}

impl LagTreatment {
    pub(crate) fn measure(self) -> Measure {
        match self {
            Self::Counted => Measure::Response,
            Self::Excluded => Measure::LagCorrected,
        }
    }

    /// The time to subtract from the mean and from the longest duration of a window for CPU starvation.
    fn starvation_ms(self, window: TimeWindow, scope: Scope) -> (f64, f64) {
        match self {
            Self::Counted => (0.0, 0.0),
            Self::Excluded => window.starvation_ms(scope),
        }
    }
}

/// The measurement for a target.
pub(crate) struct Evidence<'a> {
    /// The value that is shown.
    pub(crate) value: Value,
    window: TimeWindow<'a>,
    metric: Metric,
    scope: Scope<'a>,
    lag: LagTreatment,
    risks: Risks,
    basis: Basis,
}

/// Basis of the value.
enum Basis {
    /// Nothing was measured.
    Nothing(EvidenceGap),
    /// The value is exact.
    Exact,
    /// A percentile of this many requests.
    Percentile { requests: u64, q: f64 },
    /// Failures among this many requests.
    ErrorRate { requests: u64 },
    /// A rate or a mean, which varies from block to block.
    Varying(Varying),
    /// The throughput at a level of a search; `offered` is the highest offered load, in requests per second.
    Level { offered: Option<f64> },
}

/// The variation of a rate or a mean.
struct Varying {
    /// With as many blocks as a pass needs.
    enough: Option<RatioEstimate>,
    /// With as many blocks as a miss needs.
    early: Option<RatioEstimate>,
    /// Divisor of the numerator.
    per: f64,
    /// Number of blocks with requests.
    blocks: usize,
    /// For throughput: the rates of single seconds.
    answered: Option<SuccessRates>,
    /// For throughput: the highest offered load, in requests per second; `None`: unbounded.
    offered: Option<f64>,
}

impl<'a> Evidence<'a> {
    /// Measures a target in a window of a run. Errors, the maximum and the resources of the service are those of the
    /// whole run.
    pub(crate) fn of(judged: TimeWindow<'a>, target: &'a Target, lag: LagTreatment) -> Self {
        let (record, metric) = (judged.record, target.metric);
        let scope = target.requests();
        let window = match metric {
            Metric::Percentile(_) | Metric::Mean | Metric::Throughput => judged,
            _ => TimeWindow::whole(record),
        };
        let measured = match metric {
            Metric::Cpu => cpu(record),
            Metric::Memory => memory(record),
            _ => requests_of(record, scope).and_then(|counts| match metric {
                Metric::Percentile(q) => percentile(window, scope, lag, q),
                Metric::Mean => mean(window, scope, lag),
                Metric::Max => longest(window, scope, lag),
                Metric::Throughput => Ok(throughput(window, scope, &counts, lag)),
                _ => Ok(error_rate(&counts)),
            }),
        };
        let (value, basis) = measured.unwrap_or_else(|gap| (Value::Unknown, Basis::Nothing(gap)));
        Self {
            value,
            window,
            metric,
            scope,
            lag,
            risks: risks(record, target),
            basis,
        }
    }

    /// Returns whether a longer run could decide what this one leaves undecided.
    pub(crate) fn is_helped_by_time(&self) -> bool {
        match self.basis {
            Basis::Percentile { .. } | Basis::ErrorRate { .. } | Basis::Varying(_) => true,
            Basis::Nothing(_) => !matches!(self.metric, Metric::Cpu | Metric::Memory),
            Basis::Exact | Basis::Level { .. } => false,
        }
    }

    /// The result for each threshold of a target.
    pub(crate) fn results(&self, target: &Target) -> Vec<(Threshold, ThresholdResult)> {
        let limits = target.target.into_iter().chain(target.acceptable);
        let limits = limits.map(Threshold::Limit);
        let thresholds = limits.chain(target.critical.map(Threshold::Critical));
        thresholds
            .map(|threshold| (threshold, self.result(threshold)))
            .collect()
    }

    /// The result for each threshold of a target after the run was stopped because one of them was certain to be
    /// missed. Nothing is left undecided: the measured value decides.
    pub(crate) fn results_after_stop(
        &self,
        missed: Threshold,
        target: &Target,
    ) -> Vec<(Threshold, ThresholdResult)> {
        let surely_missed = missed.level();
        let after = |(threshold, result): (Threshold, ThresholdResult)| {
            let level = threshold.level();
            let is_as_strict = if self.metric.is_better_when_higher() {
                level >= surely_missed
            } else {
                level <= surely_missed
            };
            let result = match result {
                _ if is_as_strict => ThresholdResult::Missed,
                ThresholdResult::Undecided(_) => self.is_met(threshold).into(),
                result => result,
            };
            (threshold, result)
        };
        self.results(target).into_iter().map(after).collect()
    }

    /// The result for a threshold.
    pub(crate) fn result(&self, threshold: Threshold) -> ThresholdResult {
        match &self.basis {
            Basis::Nothing(gap) => ThresholdResult::Undecided(gap.clone()),
            Basis::Exact => self.is_met(threshold).into(),
            Basis::Percentile { requests, q } => self.test_percentile(threshold, *requests, *q),
            Basis::ErrorRate { requests } => self.test_error_rate(threshold, *requests),
            Basis::Varying(varying) => {
                let result = self.test_varying(threshold, varying);
                unless_not_offered(result, threshold, varying.offered)
            }
            Basis::Level { offered } => {
                let result = self.is_met(threshold).into();
                unless_not_offered(result, threshold, *offered)
            }
        }
    }

    fn test_percentile(&self, threshold: Threshold, requests: u64, q: f64) -> ThresholdResult {
        let meets = |ns: u64| threshold.is_met_by(ns as f64 / 1e6, self.metric);
        let seen = |lag: LagTreatment| self.window.misses(self.scope, lag.measure(), meets);
        let gap = |seen: &ProportionEstimate, times| {
            self.gap_of_percentile(threshold, seen, requests, times)
        };
        let result = self.test_proportion(seen, 1.0 - q, gap);
        match result {
            ThresholdResult::Undecided(_)
                if self.distant_bound_ms(threshold, 1.0 - q).is_some() =>
            {
                ThresholdResult::Met
            }
            result => result,
        }
    }

    fn test_error_rate(&self, threshold: Threshold, requests: u64) -> ThresholdResult {
        let limit = threshold.level() / 100.0;
        let seen = |lag: LagTreatment| match lag {
            LagTreatment::Counted => self.window.errors(self.scope),
            LagTreatment::Excluded => self.window.errors_of_service(self.scope),
        };
        let gap = |seen: &ProportionEstimate, times| {
            self.gap_of_error_rate(threshold, seen, requests, times)
        };
        self.test_proportion(seen, limit, gap)
    }

    /// Tests whether chance explains that a value is on the other side of a threshold. A run that is too short to
    /// pass can fail.
    fn test_varying(&self, threshold: Threshold, varying: &Varying) -> ThresholdResult {
        let Some(value) = self.value.known() else {
            return ThresholdResult::Missed;
        };
        let is_met_off_by = |off: f64| threshold.is_met_by(value + off, self.metric);
        let off = |spread: &RatioEstimate, risk| self.worse() * spread.margin(risk) / varying.per;
        if varying
            .enough
            .is_some_and(|spread| is_met_off_by(off(&spread, self.risks.kept)))
        {
            return ThresholdResult::Met;
        }
        if varying
            .early
            .is_some_and(|spread| !is_met_off_by(-off(&spread, self.risks.broken)))
        {
            return ThresholdResult::Missed;
        }
        ThresholdResult::Undecided(self.gap_of_varying(threshold, value, varying))
    }

    /// Why the planned load could not decide a target, whatever the service does; `None` if it could, or if more
    /// requests were sent than planned, as in loops whose iterations are not known in advance.
    pub(crate) fn never_decidable(&self, target: &Target) -> Option<Undecidable> {
        let record = self.window.record;
        let header = &record.header;
        let is_requested = target.scope.as_ref().is_none_or(|names| {
            let mut names = names.ids().iter();
            names.any(|name| !header.not_requested.contains(name))
        });
        let (portion, made) = match (self.scope, requests_of(record, self.scope)) {
            _ if !is_requested => (Portion::Nothing, 0),
            (_, Ok(counts)) => (Portion::Share(counts.share), counts.all),
            (Scope::All, Err(_)) => (Portion::Share(1.0), 0),
            (Scope::Name(_) | Scope::Names(_), Err(_)) => (Portion::Unknown, 0),
        };
        let planned = PlannedLoad {
            load: &header.load,
            min_duration_s: header.min_duration_s,
            is_watched: header.generator.watched.is_some(),
        };
        let found = planned.undecidable(target, portion)?;
        let is_known = match found.obstacle {
            Obstacle::NotOffered { offered_rps, .. } => {
                made as f64 <= offered_rps * record.duration_s().max(header.load.duration_s())
            }
            _ => true,
        };
        (is_known && !found.can_be_missed).then_some(found)
    }

    /// A bound of the percentile, in milliseconds, that is far from a threshold: a duration that enough requests
    /// exceed to show their clustering, or one that is so much longer that the run's fluctuations do not reach it.
    fn distant_bound_ms(&self, threshold: Threshold, limit: f64) -> Option<f64> {
        let measure = self.lag.measure();
        let seen = self.window.distribution(self.scope, measure);
        let shorter = seen.percentile(1.0 - limit / FEWER);
        let Some(PercentileValue::Measured(shorter_ns)) = shorter else {
            return None;
        };
        let shorter_ms = shorter_ns as f64 / 1e6;
        if !threshold.is_met_by(shorter_ms, self.metric)
            || limit / FEWER * (seen.count() as f64) < TELLING
        {
            return None;
        }
        let requirements = self.window.requirements();
        if threshold.is_met_by(shorter_ms * FARTHER, self.metric) {
            let is_long_enough = self.window.intervals().len() >= requirements.blocks_min;
            return is_long_enough.then_some(shorter_ms * FARTHER);
        }
        let over = self
            .window
            .missing(self.scope, measure, |ns| ns <= shorter_ns);
        let seen = batch_means::estimate_with(&over, requirements)?;
        (proportion_test::decide(&seen, limit, self.risks) == Decision::Kept).then_some(shorter_ms)
    }

    fn test_proportion(
        &self,
        seen: impl Fn(LagTreatment) -> Option<ProportionEstimate>,
        limit: f64,
        gap: impl Fn(&ProportionEstimate, f64) -> EvidenceGap,
    ) -> ThresholdResult {
        let Some(own) = seen(self.lag) else {
            return ThresholdResult::Undecided(EvidenceGap::new("no request was sent"));
        };
        let times = match proportion_test::decide(&own, limit, self.risks) {
            Decision::Kept => return ThresholdResult::Met,
            Decision::Broken => return ThresholdResult::Missed,
            Decision::Open { times } => times,
        };
        // Lateness is excluded generously. A threshold that is certainly missed with it, and still missed without it
        // though with less certainty, is not missed because of it.
        let is_sure =
            |counted| proportion_test::decide(&counted, limit, self.risks) == Decision::Broken;
        let is_missed = self.lag == LagTreatment::Excluded && own.share > limit;
        if is_missed && seen(LagTreatment::Counted).is_some_and(is_sure) {
            return ThresholdResult::Missed;
        }
        ThresholdResult::Undecided(gap(&own, times))
    }

    fn is_met(&self, threshold: Threshold) -> bool {
        self.value
            .known()
            .is_some_and(|value| threshold.is_met_by(value, self.metric))
    }
}

/// A shortfall of throughput that was never offered is not the service's.
fn unless_not_offered(
    result: ThresholdResult,
    threshold: Threshold,
    offered: Option<f64>,
) -> ThresholdResult {
    match offered {
        Some(offered)
            if result != ThresholdResult::Met && !is_to_spare(offered, threshold.level()) =>
        {
            ThresholdResult::Undecided(EvidenceGap::not_offered(offered, threshold.level()))
        }
        _ => result,
    }
}

type Measurement = Result<(Value, Basis), EvidenceGap>;

/// Requests of a scope by outcome.
struct Counts {
    ok: u64,
    all: u64,
    /// The scope's proportion of the requests of the run (0 to 1).
    share: f64,
}

fn requests_of(record: &RunRecord, scope: Scope) -> Result<Counts, EvidenceGap> {
    let mut names = record.timeline.names_in(scope);
    if names.any(|id| record.timeline.names()[id.index()].setup) {
        return Err(EvidenceGap::new("set-up requests are not judged"));
    }
    let count = |scope, outcome| {
        let histogram = record.timeline.histogram(scope, Measure::Response, outcome);
        histogram.count()
    };
    let all_of = |scope| -> u64 { Outcome::ALL.iter().map(|end| count(scope, *end)).sum() };
    let (all, of_run) = (all_of(scope), all_of(Scope::All));
    if all == 0 {
        return Err(EvidenceGap::new("no request was sent").and("run longer, or with more users"));
    }
    Ok(Counts {
        ok: count(scope, Outcome::Ok),
        all,
        share: all as f64 / of_run as f64,
    })
}

fn percentile(window: TimeWindow, scope: Scope, lag: LagTreatment, q: f64) -> Measurement {
    let distribution = window.distribution(scope, lag.measure());
    let value = percentile_value(distribution.percentile(q))?;
    let requests = distribution.count();
    Ok((value, Basis::Percentile { requests, q }))
}

/// The mean of the successful responses; if there were requests but no response, it misses every threshold.
fn mean(window: TimeWindow, scope: Scope, lag: LagTreatment) -> Measurement {
    let distribution = window.distribution(scope, lag.measure());
    let value = match distribution.ok.mean_ns() {
        Some(ns) => Value::Known(ns / 1e6),
        None => percentile_value(distribution.max())?,
    };
    let starvation_ms = lag.starvation_ms(window, scope).0;
    let sums = window.sums(scope, lag.measure());
    let varying = Varying {
        enough: RatioEstimate::of(&sums, window.requirements().blocks_min),
        early: RatioEstimate::of(&sums, EARLY_BLOCKS),
        per: sums.iter().map(|(_, count)| count).sum::<f64>().max(1.0),
        blocks: sums.len(),
        answered: None,
        offered: None,
    };
    Ok((shorter(value, starvation_ms), Basis::Varying(varying)))
}

fn longest(window: TimeWindow, scope: Scope, lag: LagTreatment) -> Measurement {
    let distribution = window.distribution(scope, lag.measure());
    let starvation_ms = lag.starvation_ms(window, scope).1;
    Ok((
        shorter(percentile_value(distribution.max())?, starvation_ms),
        Basis::Exact,
    ))
}

fn shorter(value: Value, by_ms: f64) -> Value {
    value
        .known()
        .map_or(value, |ms| Value::Known((ms - by_ms).max(0.0)))
}

fn percentile_value(percentile_value: Option<PercentileValue>) -> Result<Value, EvidenceGap> {
    let percentile_value = percentile_value.ok_or_else(|| {
        EvidenceGap::new("no request succeeded").and("see Failures for the cause")
    })?;
    Ok(percentile_value
        .ms()
        .map_or(Value::Unanswered, Value::Known))
}

fn throughput(
    window: TimeWindow,
    scope: Scope,
    counts: &Counts,
    lag: LagTreatment,
) -> (Value, Basis) {
    let record = window.record;
    let (mut answered, seconds) = if window.is_whole() {
        (counts.ok as f64, record.throughput_s())
    } else {
        // Counted by the second of their intended start, which is almost the same for short responses.
        let seen = window.distribution(scope, Measure::Response);
        (seen.ok.count() as f64, window.seconds())
    };
    if lag == LagTreatment::Excluded {
        answered /= 1.0 - share_lost(record);
    }
    let offered = offered(window).map(|offered| offered * counts.share);
    let value = Value::Known(answered / seconds);
    if record.header.load.search.is_some() {
        return (value, Basis::Level { offered });
    }
    let seen = window.successes(scope);
    let spread = |blocks_min| RatioEstimate::of(&seen.as_ref()?.1, blocks_min);
    let varying = Varying {
        enough: spread(window.requirements().blocks_min),
        early: spread(EARLY_BLOCKS),
        per: seen.as_ref().map_or(1.0, |(answered, _)| answered.seconds),
        blocks: seen.as_ref().map_or(0, |(_, blocks)| blocks.len()),
        answered: seen.as_ref().map(|(answered, _)| *answered),
        offered,
    };
    (value, Basis::Varying(varying))
}

/// The highest offered load, in requests per second; `None`: unbounded.
fn offered(window: TimeWindow) -> Option<f64> {
    let load = window.record.load();
    let until = |at_s: f64| match at_s {
        at_s if at_s <= 0.0 => Some(0.0),
        at_s => load.offered_rps(at_s).map(|per_s| per_s * at_s),
    };
    let (from_s, to_s) = if window.is_whole() {
        (0.0, window.record.duration_s())
    } else {
        (window.begins_s(), window.begins_s() + window.seconds())
    };
    let planned = (until(to_s)? - until(from_s)?) / (to_s - from_s);
    Some(planned * (1.0 - LostLoad::of(window.record).by_scenario()))
}

/// The proportion of the users' time that lateness and CPU starvation took (0 to 0.99). A user's cycle is wait, lag,
/// request; without the lag, the same time holds 1 / (1 − share) times as many cycles.
fn share_lost(record: &RunRecord) -> f64 {
    // Arrivals do not depend on lateness, unless the generator never comes to send them.
    let mut parts = record.header.load.parts();
    if parts.any(|part| part.open.is_some()) {
        return overload::share_of_load(record).min(0.99);
    }
    let planned_s = record.load().integral(record.duration_s());
    if planned_s <= 0.0 {
        return 0.0;
    }
    let seconds = 0..whole_number(record.duration_s());
    let starvation = CpuStarvation::in_seconds(record, seconds).share();
    (lags(record).sum_ns() as f64 / 1e9 / planned_s + starvation).min(0.99)
}

fn error_rate(counts: &Counts) -> (Value, Basis) {
    let requests = counts.all;
    let percent = (requests - counts.ok) as f64 / requests as f64 * 100.0;
    (Value::Known(percent), Basis::ErrorRate { requests })
}

/// A reading describes the second before it; it counts if most of that second is within the load.
fn cpu(record: &RunRecord) -> Measurement {
    let load_s = record.duration_s();
    let during = |reading: &Reading| {
        let middle_s = reading.at_ms as f64 / 1e3 - 0.5;
        (0.0..=load_s).contains(&middle_s)
    };
    let (mut sum, mut readings) = (0.0, 0u32);
    for reading in record.readings.iter().filter(during) {
        if let Some(percent) = reading
            .target
            .as_ref()
            .and_then(|target| target.cpu_percent)
        {
            sum += percent;
            readings += 1;
        }
    }
    if readings == 0 {
        return Err(not_watched(record, "CPU use"));
    }
    Ok((Value::Known(sum / f64::from(readings)), Basis::Exact))
}

fn memory(record: &RunRecord) -> Measurement {
    let targets = record.readings.iter().filter_map(|r| r.target);
    let bytes = targets.filter_map(|target| target.rss_bytes).max();
    let bytes = bytes.ok_or_else(|| not_watched(record, "memory"))?;
    Ok((Value::Known(bytes as f64 / 1e6), Basis::Exact))
}

fn not_watched(record: &RunRecord, what: &str) -> EvidenceGap {
    match &record.header.generator.watched {
        None => {
            EvidenceGap::new("no process was monitored").and("name a process with --pid or --port")
        }
        Some(watched) => EvidenceGap::new(format!("the {what} of {watched} was never read"))
            .and("run for at least two seconds, on a system where it can be read"),
    }
}
