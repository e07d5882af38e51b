//! The interval that is shown with a value: it agrees with the grade, and a note explains it if it exceeds the
//! measured durations.
//!
//! An interval has a risk of 2.5 % at each end, a grade a one-sided risk of 5 %. If only the larger risk decides the
//! grade, the end on that side is the one that decided it.

use brunt_record::Metric;

use crate::grading::evidence::{Basis, Evidence, INTERVAL_RISK};
use crate::grading::thresholds::{Threshold, ThresholdResult};
use crate::model::judgment::Interval;
use crate::number;
use crate::window::confidence_intervals::{self, Durations};

/// A confidence interval, and a note on it.
#[derive(Debug, Default)]
pub(crate) struct ShownInterval {
    pub(crate) interval: Option<Interval>,
    pub(crate) note: Option<String>,
}

impl Evidence<'_> {
    /// The 95 % confidence interval of the value, in agreement with the results of the thresholds.
    pub(crate) fn shown_interval(&self, results: &[(Threshold, ThresholdResult)]) -> ShownInterval {
        let durations = match self.basis {
            Basis::Percentile { .. } => Durations::of(self.window, self.scope, self.lag.measure()),
            _ => None,
        };
        let Some(mut interval) = self.interval(durations.as_ref()) else {
            return ShownInterval::default();
        };
        for (threshold, result) in results {
            let agreeing = match result {
                ThresholdResult::Met => self.with_met(interval, *threshold, durations.as_ref()),
                ThresholdResult::Missed => {
                    self.with_missed(interval, *threshold, durations.as_ref())
                }
                ThresholdResult::Undecided(_) => Some(interval),
            };
            match agreeing {
                Some(agreeing) => interval = agreeing,
                None => return ShownInterval::default(),
            }
        }
        let longest_ms = durations.map(|durations| durations.longest_ms());
        let beyond = longest_ms.filter(|longest| interval.high.is_some_and(|high| high > *longest));
        ShownInterval {
            note: beyond.map(|longest| {
                format!(
                    "the interval extends beyond the longest response, {}: too few responses were slow to bound it",
                    number::measured_in(longest, self.metric.unit())
                )
            }),
            interval: Some(interval),
        }
    }

    fn interval(&self, durations: Option<&Durations>) -> Option<Interval> {
        match &self.basis {
            Basis::Percentile { q, .. } => durations?.interval(*q),
            Basis::Nothing(_) | Basis::Exact | Basis::Level { .. } | Basis::ErrorRate { .. } => {
                confidence_intervals::interval(self.window, self.scope, self.metric)
            }
            Basis::Varying(varying) => {
                let value = self.value.known()?;
                let spread = varying.enough.filter(|spread| spread.is_settled)?;
                let off = spread.margin(INTERVAL_RISK) / varying.per;
                Some(match &varying.answered {
                    Some(answered) => answered.within_seen(value, off),
                    None => Interval {
                        low: (value - off).max(0.0),
                        high: Some(value + off),
                    },
                })
            }
        }
    }

    /// An interval whose worse end meets a threshold that is met.
    fn with_met(
        &self,
        interval: Interval,
        threshold: Threshold,
        durations: Option<&Durations>,
    ) -> Option<Interval> {
        let is_met = |end: &f64| threshold.is_met_by(*end, self.metric);
        let decided = || self.end_of_met(threshold, durations).filter(is_met);
        if self.metric.is_better_when_higher() {
            let low = Some(interval.low).filter(is_met).or_else(decided)?;
            return Some(Interval { low, ..interval });
        }
        let high = interval.high.filter(is_met).or_else(decided)?;
        Some(Interval {
            low: interval.low.min(high),
            high: Some(high),
        })
    }

    /// An interval whose better end misses a threshold that is missed.
    fn with_missed(
        &self,
        interval: Interval,
        threshold: Threshold,
        durations: Option<&Durations>,
    ) -> Option<Interval> {
        let is_missed = |end: &f64| !threshold.is_met_by(*end, self.metric);
        let decided = || self.end_of_missed(durations).filter(is_missed);
        if self.metric.is_better_when_higher() {
            let high = interval.high.filter(is_missed).or_else(decided)?;
            return Some(Interval {
                high: Some(high),
                ..interval
            });
        }
        let low = Some(interval.low).filter(is_missed).or_else(decided)?;
        Some(Interval {
            low,
            high: interval.high.map(|high| high.max(low)),
        })
    }

    /// The worse end with which a threshold was found to be met.
    fn end_of_met(&self, threshold: Threshold, durations: Option<&Durations>) -> Option<f64> {
        match &self.basis {
            Basis::Percentile { q, .. } => {
                let durations = durations?;
                let meets = |ms: f64| threshold.is_met_by(ms, self.metric);
                durations
                    .upper_bound_meeting_ms(*q, self.risks.kept, meets)
                    .or_else(|| {
                        durations
                            .distant_bound_ms(*q, self.risks.kept)
                            .filter(|ms| meets(*ms))
                    })
                    .or_else(|| self.distant_bound_ms(threshold, 1.0 - q))
            }
            Basis::ErrorRate { .. } if threshold.level() > 0.0 => {
                let seen = self.window.errors(self.scope)?;
                Some(seen.high(self.risks.kept) * 100.0)
            }
            Basis::Varying(varying) => {
                let off = varying.enough?.margin(self.risks.kept) / varying.per;
                Some(self.value.known()? + self.worse() * off)
            }
            _ => None,
        }
    }

    /// The better end with which a threshold was found to be missed.
    fn end_of_missed(&self, durations: Option<&Durations>) -> Option<f64> {
        match &self.basis {
            Basis::Percentile { q, .. } => durations?.low_ms(*q, self.risks.broken),
            Basis::ErrorRate { .. } => {
                let seen = self.window.errors(self.scope)?;
                Some(seen.low(self.risks.broken) * 100.0)
            }
            Basis::Varying(varying) => {
                let off = varying.early?.margin(self.risks.broken) / varying.per;
                Some(self.value.known()? - self.worse() * off)
            }
            _ => None,
        }
    }

    /// The sign of the direction in which the metric gets worse.
    pub(super) fn worse(&self) -> f64 {
        if Metric::is_better_when_higher(self.metric) {
            -1.0
        } else {
            1.0
        }
    }
}
