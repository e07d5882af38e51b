//! Evidence: what a run measured of one target, and what that says of a threshold.

mod episode;
mod lacking;
mod shown;

use brunt_record::{Measure, Metric, Outcome, PercentileValue, Reading, RunRecord, Scope, Target};

use crate::convert::whole_number;
use crate::generator::cpu_starvation::Withheld;
use crate::generator::overload;
use crate::grading::decidability::question::{Obstacle, Portion, is_to_spare};
use crate::grading::decidability::{PlannedLoad, Undecidable};
use crate::grading::lost_users::Lost;
use crate::grading::missing_evidence::Lack;
use crate::grading::risk::risks;
use crate::grading::thresholds::{Answer, Threshold};
use crate::model::judgement::Value;
use crate::stats::batch_means::{self, Quotient, Sureness};
use crate::stats::proportion_test::{self, Decision, Risks};
use crate::window::time_window::{Answered, TimeWindow};
use crate::window::totals::lags;

/// A time that so many times fewer requests exceed than may exceed a threshold, …
const FEWER: f64 = 5.0;
/// … where these are so many.
const TELLING: f64 = 20.0;
/// Times that are so many times as long are of another kind than a run's ups and downs.
const FARTHER: f64 = 5.0;

/// Fewer blocks than these show no miss of a rate or a mean, however far off it is.
const EARLY_BLOCKS: usize = 5;

/// Two-sided, 95 %: what is shown.
const INTERVAL_RISK: f64 = 0.025;

/// Whether the generator's own lateness is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lag {
    /// As it was: targets judge this.
    Counted,
    /// As if there had been none, to see whether it mattered.
    TakenOut,
}

impl Lag {
    pub(crate) fn measure(self) -> Measure {
        match self {
            Self::Counted => Measure::Response,
            Self::TakenOut => Measure::LagCorrected,
        }
    }

    /// What is to be taken off the mean and the longest of a stretch for what was withheld from brunt.
    fn withheld_ms(self, stretch: TimeWindow, scope: Scope) -> (f64, f64) {
        match self {
            Self::Counted => (0.0, 0.0),
            Self::TakenOut => stretch.withheld_ms(scope),
        }
    }
}

/// What was measured of a target.
pub(crate) struct Evidence<'a> {
    /// The number that is shown.
    pub(crate) value: Value,
    stretch: TimeWindow<'a>,
    metric: Metric,
    scope: Scope<'a>,
    lag: Lag,
    risks: Risks,
    basis: Basis,
}

/// What the value rests on.
enum Basis {
    /// Nothing was measured.
    Nothing(Lack),
    /// The value says it all.
    Value,
    /// Of so many requests, the share that waited longer than the percentile allows.
    Waits { requests: u64, q: f64 },
    /// Of so many requests, those that failed.
    Errors { requests: u64 },
    /// A rate or a mean, which varies from block to block.
    Varying(Varying),
    /// The throughput at a level of a search, where this many requests a second were offered at most.
    Level { offered: Option<f64> },
}

/// How a rate or a mean varies.
struct Varying {
    /// With as many blocks as a pass takes.
    enough: Option<Quotient>,
    /// With as many as a miss takes.
    early: Option<Quotient>,
    /// What the numerator is divided by.
    per: f64,
    /// Blocks with requests.
    blocks: usize,
    /// Of a throughput: what was seen in single seconds.
    answered: Option<Answered>,
    /// Of a throughput: requests a second that were offered at most; `None`: no bound.
    offered: Option<f64>,
}

impl<'a> Evidence<'a> {
    /// What a stretch of a run says of a target. Errors, the maximum and what the service used are those
    /// of the whole run.
    pub(crate) fn of(judged: TimeWindow<'a>, target: &'a Target, lag: Lag) -> Self {
        let (record, metric) = (judged.record, target.metric);
        let scope = target.requests();
        let stretch = match metric {
            Metric::Percentile(_) | Metric::Mean | Metric::Throughput => judged,
            _ => TimeWindow::whole(record),
        };
        let gathered = match metric {
            Metric::Cpu => cpu(record),
            Metric::Memory => memory(record),
            _ => requests_of(record, scope).and_then(|counts| match metric {
                Metric::Percentile(q) => percentile(stretch, scope, lag, q),
                Metric::Mean => mean(stretch, scope, lag),
                Metric::Max => longest(stretch, scope, lag),
                Metric::Throughput => Ok(throughput(stretch, scope, &counts, lag)),
                _ => Ok(error_rate(&counts)),
            }),
        };
        let (value, basis) = gathered.unwrap_or_else(|lack| (Value::Unknown, Basis::Nothing(lack)));
        Self {
            value,
            stretch,
            metric,
            scope,
            lag,
            risks: risks(record, target),
            basis,
        }
    }

    /// Whether a longer run could decide what this one leaves open.
    pub(crate) fn is_helped_by_time(&self) -> bool {
        match self.basis {
            Basis::Waits { .. } | Basis::Errors { .. } | Basis::Varying(_) => true,
            Basis::Nothing(_) => !matches!(self.metric, Metric::Cpu | Metric::Memory),
            Basis::Value | Basis::Level { .. } => false,
        }
    }

    /// What it says of each threshold of a target.
    pub(crate) fn answers(&self, target: &Target) -> Vec<(Threshold, Answer)> {
        let limits = target.target.into_iter().chain(target.acceptable);
        let limits = limits.map(Threshold::Limit);
        let thresholds = limits.chain(target.critical.map(Threshold::Critical));
        thresholds
            .map(|threshold| (threshold, self.answer(threshold)))
            .collect()
    }

    /// What it says of each threshold of a target once one of them was surely missed, for which the run was stopped.
    /// Nothing is left open: what the data do not decide is as it was measured.
    pub(crate) fn answers_after(
        &self,
        missed: Threshold,
        target: &Target,
    ) -> Vec<(Threshold, Answer)> {
        let surely_missed = missed.level();
        let after = |(threshold, answer): (Threshold, Answer)| {
            let level = threshold.level();
            let is_as_strict = if self.metric.is_better_when_higher() {
                level >= surely_missed
            } else {
                level <= surely_missed
            };
            let answer = match answer {
                _ if is_as_strict => Answer::Missed,
                Answer::Open(_) => self.is_met(threshold).into(),
                answer => answer,
            };
            (threshold, answer)
        };
        self.answers(target).into_iter().map(after).collect()
    }

    /// What it says of a threshold.
    pub(crate) fn answer(&self, threshold: Threshold) -> Answer {
        match &self.basis {
            Basis::Nothing(lack) => Answer::Open(lack.clone()),
            Basis::Value => self.is_met(threshold).into(),
            Basis::Waits { requests, q } => self.answer_of_waits(threshold, *requests, *q),
            Basis::Errors { requests } => self.answer_of_errors(threshold, *requests),
            Basis::Varying(varying) => {
                let answer = self.answer_of_varying(threshold, varying);
                unless_not_offered(answer, threshold, varying.offered)
            }
            Basis::Level { offered } => {
                let answer = self.is_met(threshold).into();
                unless_not_offered(answer, threshold, *offered)
            }
        }
    }

    fn answer_of_waits(&self, threshold: Threshold, requests: u64, q: f64) -> Answer {
        let will_do = |ns: u64| threshold.is_met_by(ns as f64 / 1e6, self.metric);
        let seen = |lag: Lag| self.stretch.misses(self.scope, lag.measure(), will_do);
        let lack = |seen: &Sureness, times| self.lack_of_waits(threshold, seen, requests, times);
        let answer = self.answer_of(seen, 1.0 - q, lack);
        match answer {
            Answer::Open(_) if self.bound_by_far_ms(threshold, 1.0 - q).is_some() => Answer::Met,
            answer => answer,
        }
    }

    fn answer_of_errors(&self, threshold: Threshold, requests: u64) -> Answer {
        let limit = threshold.level() / 100.0;
        let seen = |lag: Lag| match lag {
            Lag::Counted => self.stretch.errors(self.scope),
            Lag::TakenOut => self.stretch.errors_without_own(self.scope),
        };
        let lack = |seen: &Sureness, times| self.lack_of_errors(threshold, seen, requests, times);
        self.answer_of(seen, limit, lack)
    }

    /// Whether chance explains that a value is on the other side of a threshold. A run that is too short to pass
    /// can fail.
    fn answer_of_varying(&self, threshold: Threshold, varying: &Varying) -> Answer {
        let Some(value) = self.value.known() else {
            return Answer::Missed;
        };
        let is_met_off_by = |off: f64| threshold.is_met_by(value + off, self.metric);
        let off = |spread: &Quotient, risk| self.worse() * spread.off(risk) / varying.per;
        if varying
            .enough
            .is_some_and(|spread| is_met_off_by(off(&spread, self.risks.kept)))
        {
            return Answer::Met;
        }
        if varying
            .early
            .is_some_and(|spread| !is_met_off_by(-off(&spread, self.risks.broken)))
        {
            return Answer::Missed;
        }
        Answer::Open(self.lack_of_varying(threshold, value, varying))
    }

    /// Why nothing that the service does could decide a target under the load that was planned; `None` if it could,
    /// or if more requests were made than the plan knew of, as loops do whose rounds are not known beforehand.
    pub(crate) fn never_decidable(&self, target: &Target) -> Option<Undecidable> {
        let record = self.stretch.record;
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

    /// A time that the percentile is surely within, and that a threshold is not near, in milliseconds: one that
    /// enough requests exceed to tell how they come, or one that is so much longer that no ups and downs of the run
    /// come near.
    fn bound_by_far_ms(&self, threshold: Threshold, limit: f64) -> Option<f64> {
        let measure = self.lag.measure();
        let seen = self.stretch.distribution(self.scope, measure);
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
        let demands = self.stretch.demands();
        if threshold.is_met_by(shorter_ms * FARTHER, self.metric) {
            let is_long_enough = self.stretch.intervals().len() >= demands.blocks_min;
            return is_long_enough.then_some(shorter_ms * FARTHER);
        }
        let over = self
            .stretch
            .missing(self.scope, measure, |ns| ns <= shorter_ns);
        let seen = batch_means::sureness_by(&over, demands)?;
        (proportion_test::decide(&seen, limit, self.risks) == Decision::Kept).then_some(shorter_ms)
    }

    fn answer_of(
        &self,
        seen: impl Fn(Lag) -> Option<Sureness>,
        limit: f64,
        lack: impl Fn(&Sureness, f64) -> Lack,
    ) -> Answer {
        let Some(own) = seen(self.lag) else {
            return Answer::Open(Lack::new("no request was made"));
        };
        let times = match proportion_test::decide(&own, limit, self.risks) {
            Decision::Kept => return Answer::Met,
            Decision::Broken => return Answer::Missed,
            Decision::Open { times } => times,
        };
        // Lateness is taken out generously: what is missed surely with it, and still missed without, is not
        // its doing, though less sure.
        let is_sure =
            |counted| proportion_test::decide(&counted, limit, self.risks) == Decision::Broken;
        let is_missed = self.lag == Lag::TakenOut && own.share > limit;
        if is_missed && seen(Lag::Counted).is_some_and(is_sure) {
            return Answer::Missed;
        }
        Answer::Open(lack(&own, times))
    }

    fn is_met(&self, threshold: Threshold) -> bool {
        self.value
            .known()
            .is_some_and(|value| threshold.is_met_by(value, self.metric))
    }
}

/// A shortfall that was not offered is not the service's.
fn unless_not_offered(answer: Answer, threshold: Threshold, offered: Option<f64>) -> Answer {
    match offered {
        Some(offered) if answer != Answer::Met && !is_to_spare(offered, threshold.level()) => {
            Answer::Open(Lack::not_offered(offered, threshold.level()))
        }
        _ => answer,
    }
}

type Gathered = Result<(Value, Basis), Lack>;

/// Requests of a scope by how they ended.
struct Counts {
    ok: u64,
    all: u64,
    /// The scope's share of the requests of the run (0 to 1).
    share: f64,
}

fn requests_of(record: &RunRecord, scope: Scope) -> Result<Counts, Lack> {
    let mut names = record.timeline.names_in(scope);
    if names.any(|id| record.timeline.names()[id.index()].setup) {
        return Err(Lack::new("set-up requests are not judged"));
    }
    let count = |scope, outcome| {
        let histogram = record.timeline.histogram(scope, Measure::Response, outcome);
        histogram.count()
    };
    let all_of = |scope| -> u64 { Outcome::ALL.iter().map(|end| count(scope, *end)).sum() };
    let (all, of_run) = (all_of(scope), all_of(Scope::All));
    if all == 0 {
        return Err(Lack::new("no request was made").and("run longer, or with more users"));
    }
    Ok(Counts {
        ok: count(scope, Outcome::Ok),
        all,
        share: all as f64 / of_run as f64,
    })
}

fn percentile(stretch: TimeWindow, scope: Scope, lag: Lag, q: f64) -> Gathered {
    let distribution = stretch.distribution(scope, lag.measure());
    let value = waited(distribution.percentile(q))?;
    let requests = distribution.count();
    Ok((value, Basis::Waits { requests, q }))
}

/// The mean of the answers; where requests waited and none was answered, it misses every threshold.
fn mean(stretch: TimeWindow, scope: Scope, lag: Lag) -> Gathered {
    let distribution = stretch.distribution(scope, lag.measure());
    let value = match distribution.ok.mean_ns() {
        Some(ns) => Value::Known(ns / 1e6),
        None => waited(distribution.max())?,
    };
    let withheld_ms = lag.withheld_ms(stretch, scope).0;
    let sums = stretch.sums(scope, lag.measure());
    let varying = Varying {
        enough: Quotient::of(&sums, stretch.demands().blocks_min),
        early: Quotient::of(&sums, EARLY_BLOCKS),
        per: sums.iter().map(|(_, count)| count).sum::<f64>().max(1.0),
        blocks: sums.len(),
        answered: None,
        offered: None,
    };
    Ok((shorter(value, withheld_ms), Basis::Varying(varying)))
}

fn longest(stretch: TimeWindow, scope: Scope, lag: Lag) -> Gathered {
    let distribution = stretch.distribution(scope, lag.measure());
    let withheld_ms = lag.withheld_ms(stretch, scope).1;
    Ok((
        shorter(waited(distribution.max())?, withheld_ms),
        Basis::Value,
    ))
}

fn shorter(value: Value, by_ms: f64) -> Value {
    value
        .known()
        .map_or(value, |ms| Value::Known((ms - by_ms).max(0.0)))
}

fn waited(waited: Option<PercentileValue>) -> Result<Value, Lack> {
    let waited = waited
        .ok_or_else(|| Lack::new("no request succeeded").and("see Failures for the cause"))?;
    Ok(waited.ms().map_or(Value::Unanswered, Value::Known))
}

fn throughput(stretch: TimeWindow, scope: Scope, counts: &Counts, lag: Lag) -> (Value, Basis) {
    let record = stretch.record;
    let (mut answered, seconds) = if stretch.is_whole() {
        (counts.ok as f64, record.throughput_s())
    } else {
        // By the second of their intended start, which for answers that are soon there is the same.
        let seen = stretch.distribution(scope, Measure::Response);
        (seen.ok.count() as f64, stretch.seconds())
    };
    if lag == Lag::TakenOut {
        answered /= 1.0 - share_lost(record);
    }
    let offered = offered(stretch).map(|offered| offered * counts.share);
    let value = Value::Known(answered / seconds);
    if record.header.load.search.is_some() {
        return (value, Basis::Level { offered });
    }
    let seen = stretch.answered(scope);
    let spread = |blocks_min| Quotient::of(&seen.as_ref()?.1, blocks_min);
    let varying = Varying {
        enough: spread(stretch.demands().blocks_min),
        early: spread(EARLY_BLOCKS),
        per: seen.as_ref().map_or(1.0, |(answered, _)| answered.seconds),
        blocks: seen.as_ref().map_or(0, |(_, blocks)| blocks.len()),
        answered: seen.as_ref().map(|(answered, _)| *answered),
        offered,
    };
    (value, Basis::Varying(varying))
}

/// Requests a second that were offered at most; `None`: no bound.
fn offered(stretch: TimeWindow) -> Option<f64> {
    let load = stretch.record.load();
    let until = |at_s: f64| match at_s {
        at_s if at_s <= 0.0 => Some(0.0),
        at_s => load.offered_rps(at_s).map(|per_s| per_s * at_s),
    };
    let (from_s, to_s) = if stretch.is_whole() {
        (0.0, stretch.record.duration_s())
    } else {
        (stretch.begins_s(), stretch.begins_s() + stretch.seconds())
    };
    let planned = (until(to_s)? - until(from_s)?) / (to_s - from_s);
    Some(planned * (1.0 - Lost::of(stretch.record).own()))
}

/// The share of the users' time that the generator's lateness, and what was withheld from it, took (0 to
/// 0.99). A user goes round wait, lag, request; without the lag the same time holds 1 / (1 − share) as many
/// rounds.
fn share_lost(record: &RunRecord) -> f64 {
    // Arrivals come when they come: lateness does not make them fewer, unless brunt does not come to send them.
    let mut parts = record.header.load.parts();
    if parts.any(|part| part.open.is_some()) {
        return overload::share_of_load(record).min(0.99);
    }
    let planned_s = record.load().integral(record.duration_s());
    if planned_s <= 0.0 {
        return 0.0;
    }
    let seconds = 0..whole_number(record.duration_s());
    let withheld = Withheld::in_seconds(record, seconds).share();
    (lags(record).sum_ns() as f64 / 1e9 / planned_s + withheld).min(0.99)
}

fn error_rate(counts: &Counts) -> (Value, Basis) {
    let requests = counts.all;
    let percent = (requests - counts.ok) as f64 / requests as f64 * 100.0;
    (Value::Known(percent), Basis::Errors { requests })
}

/// A reading describes the second before it; it counts where most of that second lies in the load.
fn cpu(record: &RunRecord) -> Gathered {
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
    Ok((Value::Known(sum / f64::from(readings)), Basis::Value))
}

fn memory(record: &RunRecord) -> Gathered {
    let targets = record.readings.iter().filter_map(|r| r.target);
    let bytes = targets.filter_map(|target| target.rss_bytes).max();
    let bytes = bytes.ok_or_else(|| not_watched(record, "memory"))?;
    Ok((Value::Known(bytes as f64 / 1e6), Basis::Value))
}

fn not_watched(record: &RunRecord, what: &str) -> Lack {
    match &record.header.generator.watched {
        None => Lack::new("no process was watched").and("name a process with --pid or --port"),
        Some(watched) => Lack::new(format!("the {what} of {watched} was never read"))
            .and("run for two seconds or more, and where it can be read"),
    }
}
