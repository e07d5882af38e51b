//! Graded targets: the grade of a target, and what the headline needs to know about it.

use brunt_record::{Metric, RunRecord, Target};

use crate::grading::evidence::{Evidence, LagTreatment};
use crate::grading::evidence_gap::EvidenceGap;
use crate::grading::lost_users::LostLoad;
use crate::grading::thresholds::{self, Threshold, ThresholdResult, UndecidedTarget};
use crate::model::grade::{Grade, PossibleGrades};
use crate::model::judgment::{Judgment, Value, title_of};
use crate::number;
use crate::search::breaking_point::BreakingPoint;
use crate::window::time_window::TimeWindow;
use crate::window::warm_up;

/// A target with its grade.
pub(crate) struct GradedTarget {
    pub(crate) judgment: Judgment,
    /// Metric and scope in words.
    pub(crate) title: String,
    /// The evidence gap of an undecided target.
    pub(crate) gap: Option<EvidenceGap>,
    /// Whether it is undecided and a longer run could decide it.
    pub(crate) may_be_decided_later: bool,
}

/// The graded targets of a run, in the order of the scenario.
pub(crate) fn graded_targets(record: &RunRecord, lag: LagTreatment) -> Vec<GradedTarget> {
    let is_search = record.header.load.search.is_some();
    let held = held(record);
    let has_held = held.is_some();
    let judged = match held {
        Some(held) => held,
        None if is_search => TimeWindow::whole(record),
        None => warm_up::judged(record),
    };
    let not_offered = LostLoad::of(record).gap(record);
    let targets = record.header.targets.iter();
    targets
        .enumerate()
        .map(|(at, target)| {
            let evidence = Evidence::of(judged, target, lag);
            let is_limit_of_search = is_search && target.metric != Metric::Throughput;
            let results = if is_limit_of_search {
                Vec::new()
            } else {
                match missed_when_stopped(record, at) {
                    // The decision that stopped the run is final.
                    Some(missed) => evidence.results_after_stop(missed, target),
                    None => evidence.results(target),
                }
            };
            let (grade, possible, gap) = if is_limit_of_search {
                (Grade::NotApplicable, None, Some(of_a_search(has_held)))
            } else {
                graded(target, &evidence, &results)
            };
            let (grade, possible, gap) = match &not_offered {
                // A target that is missed with less than the planned load is missed with the full load, too.
                Some(not_offered) if matches!(grade, Grade::Good | Grade::Acceptable) => {
                    let possible = possible.map(with_more_load);
                    (Grade::Inconclusive, possible, Some(not_offered.clone()))
                }
                Some(_) if grade == Grade::Inconclusive => {
                    (grade, possible.map(with_more_load), gap)
                }
                _ => (grade, possible, gap),
            };
            let shown = evidence.shown_interval(&results);
            let judgment = Judgment {
                target: target.clone(),
                unit: record.header.unit_of(target),
                value: evidence.value,
                interval: shown.interval,
                interval_note: shown.note,
                grade,
                possible,
                reason: gap.as_ref().map(|gap| reason(gap, possible)),
            };
            GradedTarget {
                title: title_of(record, target),
                judgment,
                may_be_decided_later: grade == Grade::Inconclusive
                    && not_offered.is_none()
                    && !gap.as_ref().is_some_and(EvidenceGap::is_of_the_load)
                    && evidence.is_helped_by_time(),
                gap,
            }
        })
        .collect()
}

/// The grade of a target, the possible grades, and the evidence gap. A target that could not be decided under this
/// load, whatever the service does, is not applicable.
fn graded(
    target: &Target,
    evidence: &Evidence,
    results: &[(Threshold, ThresholdResult)],
) -> (Grade, Option<PossibleGrades>, Option<EvidenceGap>) {
    let ask = |threshold: Threshold| {
        let mut results = results.iter();
        let found = results.find(|(tested, _)| *tested == threshold);
        found.map_or_else(|| evidence.result(threshold), |(_, result)| result.clone())
    };
    match thresholds::grade(target, ask) {
        Ok(grade) => (grade, Some(PossibleGrades::only(grade)), None),
        Err(UndecidedTarget { gap, possible }) => match evidence.never_decidable(target) {
            Some(found) => (
                Grade::NotApplicable,
                None,
                Some(EvidenceGap::undecidable(found)),
            ),
            None => (Grade::Inconclusive, Some(possible), Some(gap)),
        },
    }
}

/// The possible grades with more load than was offered: they may be worse.
fn with_more_load(possible: PossibleGrades) -> PossibleGrades {
    PossibleGrades {
        worst: Grade::Critical,
        ..possible
    }
}

/// Why a target is undecided, and what is known about it.
fn reason(gap: &EvidenceGap, possible: Option<PossibleGrades>) -> String {
    let known = possible.and_then(PossibleGrades::in_words);
    let known = known.map_or_else(String::new, |known| format!("; the grade is {known}"));
    gap.reason() + &known
}

/// The threshold of a target, by index, that was certain to be missed when the run was stopped for it.
fn missed_when_stopped(record: &RunRecord, target: usize) -> Option<Threshold> {
    let missed = record.ending.as_ref()?.missed_targets.iter();
    let mut missed = missed.filter(|missed| missed.target as usize == target);
    Threshold::of(record.header.targets.get(target)?, missed.next()?.threshold)
}

/// For a search: the part in which the highest level that holds was judged.
fn held(record: &RunRecord) -> Option<TimeWindow<'_>> {
    let (from_s, to_s) = BreakingPoint::of(record)?.held()?;
    Some(TimeWindow::between(record, from_s, to_s))
}

fn of_a_search(has_held: bool) -> EvidenceGap {
    let shown = if has_held {
        "the values are those at the highest level that holds"
    } else {
        "no level was found to hold, so the values are those of the whole run"
    };
    EvidenceGap::new("not graded in a search, which raises the load until a target is missed")
        .and(shown)
}

impl GradedTarget {
    /// Returns whether the target is applicable but undecided.
    pub(crate) fn is_open(&self) -> bool {
        self.judgment.grade == Grade::Inconclusive
    }

    /// Returns whether the load could decide it.
    pub(crate) fn is_applicable(&self) -> bool {
        self.judgment.grade != Grade::NotApplicable
    }

    /// The possible grades; `None` if it is not applicable.
    pub(crate) fn possible(&self) -> Option<PossibleGrades> {
        self.judgment.possible
    }

    /// Keeps the value and drops the grade, because the run does not describe the service.
    pub(crate) fn leave_undecided(&mut self) {
        let gap = EvidenceGap::new("the run is invalid");
        self.judgment.grade = Grade::Inconclusive;
        self.judgment.possible = None;
        self.judgment.reason = Some(gap.reason());
        self.gap = Some(gap);
    }

    /// The missed threshold that determines the grade, with its name.
    fn missed(&self) -> Option<(&'static str, f64)> {
        let target = &self.judgment.target;
        let goal = target.target.map(|level| ("target", level));
        let acceptable = target.acceptable.map(|level| ("acceptable limit", level));
        match self.judgment.grade {
            Grade::Good | Grade::Inconclusive | Grade::NotApplicable => None,
            Grade::Acceptable => goal,
            Grade::Poor => acceptable.or(goal),
            Grade::Critical => target.critical.map(|level| ("critical limit", level)),
        }
    }

    /// Returns whether one of its thresholds was missed.
    pub(crate) fn is_missed(&self) -> bool {
        self.missed().is_some()
    }

    /// Returns whether a threshold of the response time was missed.
    pub(crate) fn is_too_slow(&self) -> bool {
        let metric = self.judgment.target.metric;
        let is_of_time = matches!(metric, Metric::Percentile(_) | Metric::Mean | Metric::Max);
        is_of_time && self.is_missed()
    }

    /// The value and the threshold that determines the grade, in words.
    pub(crate) fn miss(&self) -> Option<String> {
        let (name, level) = self.missed()?;
        let metric = self.judgment.target.metric;
        let unit = self.judgment.unit;
        let title = &self.title;
        let limit = number::chosen_in(level, unit);
        if metric == Metric::ErrorRate
            && let Value::Known(percent) = self.judgment.value
        {
            return Some(self.failed(percent, name, level));
        }
        let Value::Known(value) = self.judgment.value else {
            return Some(format!(
                "{title} is among the requests without a response ({name} {limit})"
            ));
        };
        let measured = number::measured_in(value, unit);
        let (worse, not_better) = if metric.is_better_when_higher() {
            ("under", "not over")
        } else {
            ("over", "not under")
        };
        let relation = if measured == limit { not_better } else { worse };
        Some(format!(
            "{title} {measured} is {relation} the {name} of {limit}"
        ))
    }

    /// The value and the threshold that it met, in words; `None` if it missed one.
    pub(crate) fn met(&self) -> Option<String> {
        let target = &self.judgment.target;
        let thresholds = match self.judgment.grade {
            Grade::Good => [target.target, target.acceptable, target.critical],
            Grade::Acceptable if target.target.is_none() => [None, target.acceptable, None],
            _ => return None,
        };
        let limit = thresholds.into_iter().flatten().next()?;
        let bound = if target.metric.is_better_when_higher() {
            "minimum"
        } else {
            "limit"
        };
        let unit = self.judgment.unit;
        Some(format!(
            "{} {} ({bound} {})",
            self.title,
            number::measured_in(self.judgment.value.known()?, unit),
            number::chosen_in(limit, unit)
        ))
    }

    /// The percentage of failed requests, and the threshold that determines the grade.
    fn failed(&self, percent: f64, name: &str, level: f64) -> String {
        let of = self.title.strip_prefix("error rate").unwrap_or_default();
        format!(
            "{} % of requests{of} failed ({name} {} %)",
            number::measured(percent),
            number::chosen(level)
        )
    }
}
