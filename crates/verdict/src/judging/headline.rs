//! The headline: the result of a run in one sentence.

use brunt_record::{Failure, FailureKind, Metric, RunRecord, Target};

use crate::findings::stall;
use crate::grading::evidence::{Evidence, LagTreatment};
use crate::judging::ending;
use crate::judging::ending::Completion;
use crate::judging::graded_target::GradedTarget;
use crate::judging::profile_result::ProfileResult;
use crate::judging::validity::InvalidReason;
use crate::model::finding::Finding;
use crate::model::grade::{Grade, PossibleGrades};
use crate::model::judgment::Value;
use crate::model::run_result::RunResult;
use crate::number;
use crate::sentence::capitalized;
use crate::window::totals;
use crate::window::warm_up;

/// The state word of a run that was cut short before it missed a target.
const INCOMPLETE: &str = "incomplete";
/// The number of names that are listed before the rest is counted.
const NAMES_MAX: usize = 3;

/// The parts of the headline.
///
/// It begins with the result, followed by what matters most: what stopped the run, the question of the profile,
/// failures, the target that decides the result, and the number of others.
pub(crate) struct Headline<'a> {
    pub(crate) record: &'a RunRecord,
    pub(crate) result: RunResult,
    pub(crate) completion: Completion,
    pub(crate) invalid_reasons: &'a [InvalidReason],
    /// The result of a search, as a clause.
    pub(crate) search: Option<String>,
    pub(crate) rows: &'a [GradedTarget],
    pub(crate) findings: &'a [Finding],
}

impl Headline<'_> {
    pub(crate) fn text(&self) -> String {
        match self.result {
            RunResult::Graded(grade) if self.search.is_some() => {
                headed(grade.in_words(), self.search.clone())
            }
            RunResult::Invalid => self.invalid(),
            RunResult::NoResponse => self.no_response(),
            RunResult::NoTargets => self.no_targets(),
            RunResult::Graded(Grade::NotApplicable) => self.not_applicable(),
            RunResult::Graded(Grade::Inconclusive) => self.inconclusive(),
            RunResult::Graded(grade @ (Grade::Poor | Grade::Critical)) => self.missed(grade),
            RunResult::Graded(grade) => self.passed(grade),
        }
    }

    fn invalid(&self) -> String {
        let more = match self.invalid_reasons.len().saturating_sub(1) {
            0 => String::new(),
            1 => " (and one more reason)".into(),
            more => format!(" (and {more} more reasons)"),
        };
        let first = self.invalid_reasons.first();
        let first = first.map_or("", |reason| reason.cause.as_str());
        format!("Invalid: {first}{more}, so the run does not describe the service.")
    }

    fn no_response(&self) -> String {
        let [.., unanswered] = totals::counts(self.record);
        let stop = ending::stop(self.record).map(|stop| format!("; {stop}"));
        let stop = stop.unwrap_or_default();
        if unanswered == 0 {
            return format!("No response: no request was sent{stop}.");
        }
        let most = self.most_common_failure();
        let most = most.map_or_else(String::new, |most| {
            format!(", most with {}", most.in_words())
        });
        let requests = match unanswered {
            1 => "the only request".to_owned(),
            _ => format!("all {}", number::requests(unanswered)),
        };
        format!("No response: {requests} failed{most}{stop}.")
    }

    /// The number of requests, all of which failed, and the most common failure.
    fn all_failed(&self) -> String {
        let [_, failed, unanswered] = totals::counts(self.record);
        let most = self.most_common_failure();
        let most = most.map_or_else(String::new, |most| {
            format!(", most with {}", most.in_words())
        });
        match failed + unanswered {
            1 => format!("the only request failed{most}"),
            count => format!("all {} failed{most}", number::requests(count)),
        }
    }

    fn most_common_failure(&self) -> Option<&Failure> {
        let kinds = FailureKind::ALL.into_iter();
        let failures = kinds.flat_map(|kind| totals::judged_failures(self.record, kind));
        failures.max_by_key(|failure| failure.count)
    }

    fn no_targets(&self) -> String {
        let measured = [self.throughput(), self.p99(), self.errors()];
        let measured = measured.into_iter().flatten();
        headed(
            self.result.in_words(),
            measured.chain(self.profile_result()),
        )
    }

    fn not_applicable(&self) -> String {
        let first = self.rows.iter().find_map(|row| {
            let gap = row.gap.as_ref()?;
            Some(format!("{}: {}", row.title, gap.cause))
        });
        let first = first.unwrap_or_default();
        let which = match self.rows.len() {
            1 => first,
            count => format!("any of {count} targets; {first}"),
        };
        let clause = format!("this load cannot decide {which}");
        headed(Grade::NotApplicable.in_words(), [clause])
    }

    fn passed(&self, grade: Grade) -> String {
        let answer = ProfileResult::of(self.record, self.findings);
        let applicable = self.rows.iter().filter(|row| row.is_applicable()).count();
        let not_applicable = self.rows.len() - applicable;
        let met = self.rows.iter().filter(|row| row.is_applicable());
        let met = met.filter(|row| !row.is_missed()).count();
        let aside = (not_applicable > 0).then(|| format!("{not_applicable} not applicable"));
        let at = self
            .throughput()
            .map_or_else(String::new, |rate| format!(" at {rate}"));
        // If nothing was missed, no better threshold than acceptable was set.
        let miss = self.rows.iter().find_map(GradedTarget::miss);
        let targets = miss
            .into_iter()
            .chain([format!("{met} of {applicable} targets met{at}")])
            .chain(self.measured_and_limits())
            .chain(self.failures_unless(self.rows.iter().any(is_error_rate_of_all)))
            .chain(aside);
        let answer = answer.map(|answer| {
            if answer.is_bad {
                format!("the targets are met, but {}", answer.clause)
            } else {
                answer.clause
            }
        });
        headed(grade.name(), answer.into_iter().chain(targets))
    }

    /// The values of the targets that were met, each with its limit.
    fn measured_and_limits(&self) -> Option<String> {
        let met: Vec<String> = self.rows.iter().filter_map(GradedTarget::met).collect();
        let met: Vec<&str> = met.iter().map(String::as_str).collect();
        (!met.is_empty()).then(|| listed(&met))
    }

    fn missed(&self, grade: Grade) -> String {
        let count = self.rows.len();
        let misses = self.rows.iter().filter(|row| row.is_missed()).count();
        let open = self.open_titles();
        let open = if open.is_empty() {
            String::new()
        } else {
            format!(", {} undecided ({})", open.len(), listed(&open))
        };
        if self.completion == Completion::AllFailed {
            let stopped = ending::stop(self.record);
            return headed(grade.name(), [self.all_failed()].into_iter().chain(stopped));
        }
        if self.completion == Completion::ServiceStopped {
            let stop = ending::stop_after_reason(self.record);
            return headed(
                grade.name(),
                stop.into_iter().chain(self.failures_unless(false)),
            );
        }
        let is_stopped_for_target = ending::is_stopped_for_target(self.record);
        let stopped = match self.completion {
            Completion::CutShort => ending::stop(self.record),
            _ if is_stopped_for_target => ending::stop(self.record),
            _ => None,
        };
        let cause = self.cause(grade);
        let failures = self.failures_unless(cause.is_some_and(is_error_rate));
        // The reason for stopping names the target.
        let miss = cause
            .and_then(GradedTarget::miss)
            .filter(|_| !is_stopped_for_target);
        let counted = format!("{misses} of {count} targets missed{open}");
        let counted = (count > 0).then_some(counted);
        headed(
            grade.name(),
            stopped
                .into_iter()
                .chain(self.profile_result())
                .chain(failures)
                .chain(miss)
                .chain(counted),
        )
    }

    /// The target that explains the grade best: failures before response times.
    fn cause(&self, grade: Grade) -> Option<&GradedTarget> {
        let of_grade = |row: &&GradedTarget| row.judgment.grade == grade && row.miss().is_some();
        let rows = self.rows.iter().filter(of_grade);
        rows.min_by_key(|row| !is_error_rate(row))
    }

    fn inconclusive(&self) -> String {
        if self.completion == Completion::CutShort {
            return self.cut_short();
        }
        let Some(first) = self.first_open() else {
            return headed(Grade::Inconclusive.name(), self.profile_result());
        };
        let gap = first.gap.as_ref();
        let gap = gap.map_or_else(String::new, |gap| format!(" ({})", gap.cause));
        let value = value_if_failing(first);
        let named = format!("{}{value} is undecided{gap}", first.title);
        let failures = self.failures_unless(is_error_rate(first));
        headed(
            Grade::Inconclusive.name(),
            self.profile_result()
                .into_iter()
                .chain(failures)
                .chain([named])
                .chain(self.grades_of_targets()),
        )
    }

    /// The number of targets with each grade, and what is known about the undecided ones.
    fn grades_of_targets(&self) -> Option<String> {
        let applicable = || self.rows.iter().filter(|row| row.is_applicable());
        let known = self.open_rows().filter_map(GradedTarget::possible);
        let known = known
            .reduce(PossibleGrades::and)
            .and_then(PossibleGrades::in_words);
        if applicable().count() < 2 {
            return known.map(|known| format!("the grade is {known}"));
        }
        let counted = [Grade::Good, Grade::Acceptable, Grade::Poor, Grade::Critical]
            .into_iter()
            .chain([Grade::Inconclusive])
            .filter_map(|grade| {
                let count = applicable()
                    .filter(|row| row.judgment.grade == grade)
                    .count();
                let known = known.map_or_else(String::new, |known| format!(" ({known})"));
                match grade {
                    _ if count == 0 => None,
                    Grade::Inconclusive => Some(format!("{count} undecided{known}")),
                    grade => Some(format!("{count} {}", grade.in_words())),
                }
            });
        let counted: Vec<String> = counted.collect();
        Some(format!("targets: {}", counted.join(", ")))
    }

    /// Describes a run that was stopped early without a missed target.
    fn cut_short(&self) -> String {
        let stop = ending::stop(self.record);
        let mut applicable = self.rows.iter().filter(|row| row.is_applicable());
        let so_far = match (applicable.next(), applicable.next()) {
            (Some(row), None) => Some(format!("{} {} so far", row.title, grade_of(row))),
            _ => self
                .grades_of_targets()
                .map(|grades| grades.replacen("targets:", "targets so far:", 1)),
        };
        let failures = self.failures_unless(false);
        headed(
            INCOMPLETE,
            stop.into_iter()
                .chain(failures)
                .chain(so_far)
                .chain(self.profile_result()),
        )
    }

    /// The next step, in one sentence.
    pub(crate) fn next_step(&self) -> String {
        match self.result {
            RunResult::Graded(Grade::Good | Grade::Acceptable) if self.search.is_some() => {
                // A search has no level of its own, and cannot be a baseline.
                "Next: run a profile that holds a level below the breaking point, such as load.".into()
            }
            RunResult::Graded(Grade::Good | Grade::Acceptable) => {
                "Next: `brunt baseline save NAME` saves this run for comparisons with later runs.".into()
            }
            RunResult::Graded(Grade::Poor | Grade::Critical) => self.after_a_miss(),
            RunResult::Graded(Grade::Inconclusive) if self.completion == Completion::CutShort => {
                format!(
                    "Next: run it again for the full {}.",
                    number::seconds(self.record.header.load.duration_s())
                )
            }
            RunResult::Graded(Grade::Inconclusive | Grade::NotApplicable) => self.what_decides(),
            RunResult::NoTargets => {
                "Next: set a limit in [targets] of the scenario, such as `p95 = { critical = \"500ms\" }`.".into()
            }
            RunResult::NoResponse => format!(
                "Next: check that the service responds at {}, then run again.",
                self.record.header.host
            ),
            RunResult::Invalid => {
                let fault = self.invalid_reasons.first();
                let remedy = fault.and_then(|fault| fault.remedy.as_deref());
                let remedy = remedy.unwrap_or("remove that cause");
                format!("Next: {remedy}; run again.")
            }
        }
    }

    fn after_a_miss(&self) -> String {
        if self.completion == Completion::ServiceStopped {
            let at_s = stall::for_good(self.record).map(|stall| stall.from_s);
            let at = number::seconds(at_s.unwrap_or_else(|| self.record.duration_s()));
            return format!(
                "Next: see Failures below, and the service's own log before {at} of the run."
            );
        }
        let [_, failed, unanswered] = totals::counts(self.record);
        if failed + unanswered > 0
            && let Some(failure) = self.most_common_failure()
        {
            let name = &self.record.timeline.names()[failure.name.index()];
            return format!(
                "Next: see Failures below; most are {} from {} {}.",
                failure.in_words(),
                name.method,
                name.title()
            );
        }
        "Next: see the slow requests below, and Over time and Resources in the HTML report.".into()
    }

    /// Advice that decides the first undecided target, or makes one applicable.
    fn what_decides(&self) -> String {
        if self.search.is_some() {
            return "Next: run the search for longer, with -t.".to_owned();
        }
        let open = self.first_open().or(self.rows.first());
        let gap = open.and_then(|row| Some((&row.title, row.gap.as_ref()?)));
        match gap {
            Some((title, gap)) if !gap.remedies.is_empty() => {
                format!("Next: to decide {title}, {}.", gap.advice())
            }
            _ => "Next: run longer, or with more load.".to_owned(),
        }
    }

    /// The most important undecided target: failures before response times.
    fn first_open(&self) -> Option<&GradedTarget> {
        self.open_rows().min_by_key(|row| !is_failing(row))
    }

    fn open_rows(&self) -> impl Iterator<Item = &GradedTarget> {
        self.rows.iter().filter(|row| row.is_open())
    }

    fn open_titles(&self) -> Vec<&str> {
        self.open_rows().map(|row| row.title.as_str()).collect()
    }

    fn profile_result(&self) -> Option<String> {
        ProfileResult::of(self.record, self.findings).map(|answer| answer.clause)
    }

    fn throughput(&self) -> Option<String> {
        let rate = overall(self.record, Metric::Throughput).known()?;
        Some(format!("{} req/s", number::measured(rate)))
    }

    fn p99(&self) -> Option<String> {
        match overall(self.record, Metric::Percentile(0.99)) {
            Value::Known(ms) => Some(format!("p99 {}", number::measured_in(ms, "ms"))),
            Value::Unanswered => Some("p99 among requests without a response".into()),
            Value::Unknown => None,
        }
    }

    fn errors(&self) -> Option<String> {
        let percent = overall(self.record, Metric::ErrorRate).known()?;
        Some(format!("errors {} %", number::measured(percent)))
    }

    /// The percentage of failed requests, unless it is 0 or another clause mentions it.
    fn failures_unless(&self, is_mentioned: bool) -> Option<String> {
        let percent = overall(self.record, Metric::ErrorRate).known()?;
        let percent = (percent > 0.0 && !is_mentioned).then(|| number::measured(percent))?;
        Some(format!("{percent} % of requests failed"))
    }
}

fn is_failing(row: &GradedTarget) -> bool {
    is_error_rate(row)
        && row
            .judgment
            .value
            .known()
            .is_some_and(|percent| percent > 0.0)
}

fn value_if_failing(row: &GradedTarget) -> String {
    match row.judgment.value.known() {
        Some(percent) if is_failing(row) => format!(" {} %", number::measured(percent)),
        _ => String::new(),
    }
}

fn is_error_rate(row: &GradedTarget) -> bool {
    row.judgment.target.metric == Metric::ErrorRate
}

fn is_error_rate_of_all(row: &GradedTarget) -> bool {
    is_error_rate(row) && row.judgment.target.scope.is_none()
}

/// The grade of a target as far as it is known.
fn grade_of(row: &GradedTarget) -> String {
    let known = row.possible().and_then(PossibleGrades::in_words);
    match (row.is_open(), known) {
        (true, Some(known)) => format!("undecided ({known})"),
        (true, None) => "undecided".to_owned(),
        _ => row.judgment.grade.in_words().to_owned(),
    }
}

/// Joins clauses to a sentence that begins with a result.
fn headed(result: &str, clauses: impl IntoIterator<Item = String>) -> String {
    let clauses: Vec<String> = clauses.into_iter().collect();
    format!("{}: {}.", capitalized(result), clauses.join("; "))
}

fn listed(names: &[&str]) -> String {
    if names.len() <= NAMES_MAX {
        return names.join(", ");
    }
    let shown = names[..NAMES_MAX].join(", ");
    format!("{shown} and {} more", names.len() - NAMES_MAX)
}

/// The value of a metric for all requests, whether or not a target limits it.
fn overall(record: &RunRecord, metric: Metric) -> Value {
    let target = Target {
        metric,
        scope: None,
        target: None,
        acceptable: None,
        critical: None,
        stop_at: None,
    };
    Evidence::of(warm_up::judged(record), &target, LagTreatment::Counted).value
}
