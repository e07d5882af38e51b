//! The evidence gap of an undecided target: the cause, partial knowledge, and remedies.

use crate::grading::decidability::remedy::{ADVICE_S_MAX, Remedy};
use crate::grading::evidence::{Evidence, INTERVAL_RISK, Varying};
use crate::grading::evidence_gap::{Advice, EvidenceGap, GapCause, PartialEvidence, longer};
use crate::grading::thresholds::Threshold;
use crate::number;
use crate::stats::batch_means::{Block, ProportionEstimate, Requirements};
use crate::stats::proportion_test;
use crate::window::confidence_intervals::Durations;

/// The factor of the length beyond which the value counts as equal to the threshold.
const TIMES_AT_LIMIT: f64 = 100.0;
/// The factor of the limit beyond which a bound is not worth reporting.
const TELLS_TIMES: f64 = 10.0;
/// The shortest `min_duration`, in seconds.
const MIN_DURATION_S: f64 = 2.0;

/// A proportion that does not decide a threshold.
struct UndecidedProportion<'a> {
    /// The metric, in words.
    what: String,
    seen: &'a ProportionEstimate,
    /// The proportion that may miss the threshold (0 to 1).
    limit: f64,
    requests: u64,
    /// The factor by which the run would have to be longer.
    times: f64,
    /// Predicate of the misses, in words.
    doing: String,
    /// The estimate with the fewest blocks that show a variance.
    shortest: Option<ProportionEstimate>,
}

impl Evidence<'_> {
    pub(super) fn gap_of_percentile(
        &self,
        threshold: Threshold,
        seen: &ProportionEstimate,
        requests: u64,
        times: f64,
    ) -> EvidenceGap {
        let limit = self.limit();
        let meets = |ns: u64| threshold.is_met_by(ns as f64 / 1e6, self.metric);
        let measure = self.lag.measure();
        let requirements = Requirements {
            blocks_min: 2,
            ..self.window.requirements()
        };
        let open = UndecidedProportion {
            what: format!("a {}", self.metric.name()),
            seen,
            limit,
            requests,
            times,
            doing: format!(
                "took {} or longer",
                number::chosen_in(threshold.level(), self.metric.unit())
            ),
            shortest: self
                .window
                .misses_with(requirements, self.scope, measure, meets),
        };
        let blocks = || self.window.with_starvation(self.scope, measure, meets);
        let met_ms = || {
            let durations = Durations::of(self.window, self.scope, measure)?;
            let high = durations.high_ms(1.0 - limit, proportion_test::RISK)?;
            Some(number::chosen_in(loosened(high), "ms"))
        };
        self.gap(&open, blocks, met_ms)
    }

    pub(super) fn gap_of_error_rate(
        &self,
        threshold: Threshold,
        seen: &ProportionEstimate,
        requests: u64,
        times: f64,
    ) -> EvidenceGap {
        let failed = self.window.failed(self.scope);
        let requirements = Requirements {
            blocks_min: 2,
            ..self.window.requirements()
        };
        let open = UndecidedProportion {
            what: format!("under {} %", number::chosen(threshold.level())),
            seen,
            limit: threshold.level() / 100.0,
            requests,
            times,
            doing: "failed".to_owned(),
            shortest: crate::stats::batch_means::estimate_with(&failed, requirements),
        };
        let met = || {
            let high = seen.high(proportion_test::RISK) * 100.0;
            (high < 100.0).then(|| format!("{} %", number::chosen(loosened(high))))
        };
        self.gap(&open, || (failed.clone(), Vec::new()), met)
    }

    /// The gap of an undecided proportion.
    fn gap(
        &self,
        open: &UndecidedProportion,
        blocks: impl Fn() -> (Vec<Block>, Vec<Block>),
        met: impl Fn() -> Option<String>,
    ) -> EvidenceGap {
        let load_s = self.window.seconds();
        let run_s = self.window.record.duration_s();
        let shortest_s = self.shortest_s();
        let UndecidedProportion {
            what,
            seen,
            limit,
            requests,
            times,
            ..
        } = open;
        if load_s < shortest_s - 1.0 {
            return gap_of_length(open, (load_s, run_s), shortest_s);
        }
        let needed = proportion_test::requests_needed(*limit);
        if seen.share <= 0.0 && *requests < needed {
            let gap = EvidenceGap::of(GapCause::TooFew {
                what: what.clone(),
                needed,
                seen: *requests,
            });
            return advise(gap, run_s, load_s * (times - 1.0), Some(*times), met);
        }
        if !seen.is_settled {
            let (missing, slow) = blocks();
            let gap = EvidenceGap::of(GapCause::UpsAndDowns {
                episode: self.episode(&missing, &slow),
            });
            return advise(gap, run_s, load_s * (times - 1.0).max(1.0), None, met);
        }
        let gap = EvidenceGap::of(GapCause::NearLimit {
            share: match self.metric {
                brunt_record::Metric::ErrorRate => String::new(),
                _ => format!("requests that {}: ", open.doing),
            },
            low: seen.low(INTERVAL_RISK),
            high: seen.high(INTERVAL_RISK),
            limit: *limit,
        });
        if *times > TIMES_AT_LIMIT {
            return gap_with_threshold(gap, met);
        }
        advise(gap, run_s, load_s * (times - 1.0), None, met)
    }

    pub(super) fn gap_of_varying(
        &self,
        threshold: Threshold,
        value: f64,
        varying: &Varying,
    ) -> EvidenceGap {
        let load_s = self.window.seconds();
        let run_s = self.window.record.duration_s();
        let shortest_s = self.shortest_s();
        let what = format!("a {}", self.metric.name());
        let Some(spread) = varying.enough else {
            if load_s < shortest_s - 1.0 {
                let gap = EvidenceGap::of(GapCause::TooShort {
                    what,
                    needed_s: shortest_s,
                });
                return advise(gap, run_s, shortest_s - load_s, None, || None);
            }
            let (needed, seen) = (self.window.requirements().blocks_min, varying.blocks);
            let cause = format!(
                "{what} needs requests in {needed} seconds, but there were requests in {seen}"
            );
            return EvidenceGap::new(cause).and("increase the load");
        };
        let off = spread.margin(INTERVAL_RISK) / varying.per;
        let gap = EvidenceGap::of(GapCause::NearThreshold {
            metric: self.metric,
            low: (value - off).max(0.0),
            high: value + off,
        });
        // The margin of error shrinks with the square root of the time.
        let distance = (value - threshold.level()).abs();
        let times =
            (spread.margin(proportion_test::RISK) / varying.per / distance.max(f64::MIN_POSITIVE))
                .powi(2);
        if times > TIMES_AT_LIMIT {
            return gap.and("set another threshold, since the value is at this one");
        }
        advise(gap, run_s, load_s * (times - 1.0).max(0.1), None, || None)
    }

    /// The shortest run that may pass, in seconds.
    fn shortest_s(&self) -> f64 {
        let width_s = f64::from(self.window.record.timeline.width_s());
        self.window.requirements().blocks_min as f64 * width_s
    }

    /// The proportion of requests that may take longer than a percentile's threshold.
    fn limit(&self) -> f64 {
        match self.metric {
            brunt_record::Metric::Percentile(q) => 1.0 - q,
            _ => 0.0,
        }
    }
}

/// The gap of a run that is shorter than any that may pass: what it shows if the service does not change over longer
/// times.
fn gap_of_length(
    open: &UndecidedProportion,
    (load_s, run_s): (f64, f64),
    shortest_s: f64,
) -> EvidenceGap {
    let mut gap = EvidenceGap::of(GapCause::TooShort {
        what: open.what.clone(),
        needed_s: shortest_s,
    });
    if let Some(seen) = open.shortest.filter(|seen| seen.is_long_enough) {
        let missing = seen.share * open.requests as f64;
        let share_max = seen.high(proportion_test::RISK);
        let known = PartialEvidence {
            missing: nearest(missing),
            requests: open.requests,
            what: open.doing.clone(),
            share_max,
            run_s: load_s,
        };
        gap.known = (known.share_max <= open.limit * TELLS_TIMES).then(|| Box::new(known));
        let extra_s = (load_s * open.times).max(shortest_s) - load_s;
        let gap = advise(gap, run_s, extra_s, None, || None);
        let would_pass = share_max < open.limit && load_s >= MIN_DURATION_S;
        return if would_pass {
            gap.advise(Advice::Change(Remedy::MinDuration(load_s.floor())))
        } else {
            gap
        };
    }
    advise(
        gap,
        run_s,
        (load_s * open.times).max(shortest_s) - load_s,
        None,
        || None,
    )
}

/// Advises a longer run, or something else if that would be too long. `more_load` is the factor of the load that
/// would decide it as well.
fn advise(
    gap: EvidenceGap,
    run_s: f64,
    extra_s: f64,
    more_load: Option<f64>,
    met: impl Fn() -> Option<String>,
) -> EvidenceGap {
    if let Some(advice) = longer(run_s, extra_s) {
        return gap.advise(advice);
    }
    match more_load {
        Some(times) => gap.advise(Advice::MoreLoad(times)),
        None => gap_with_threshold(gap, met),
    }
}

fn gap_with_threshold(gap: EvidenceGap, met: impl Fn() -> Option<String>) -> EvidenceGap {
    match met() {
        Some(threshold) => gap.advise(Advice::Threshold(threshold)),
        None => gap.and(format!(
            "use a weaker target, such as a lower percentile, since even another {} of load would not decide it",
            number::roughly(ADVICE_S_MAX).trim_start_matches("about ")
        )),
    }
}

/// The next higher number with two significant digits.
fn loosened(value: f64) -> f64 {
    if value >= 10.0 {
        return number::round_up(value + value * 1e-3);
    }
    let step = 10f64.powf(value.max(1e-6).log10().floor() - 1.0);
    ((value + step * 1e-3) / step).ceil() * step
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float cast saturates, and counts are not negative"
)]
fn nearest(count: f64) -> u64 {
    count.round() as u64
}
