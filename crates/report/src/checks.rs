//! Checks of a run or an A/B comparison for CI: each passes or fails, and is written as JUnit XML or GitHub annotations.

mod github;
mod junit;

use brunt_verdict::comparison::{ComparisonRow, Outcome};
use brunt_verdict::{AbSummary, Conclusion, FailOn, Finding, Grade, Judgment, RunResult};

pub use github::github;
pub use junit::junit;

use crate::comparison::{self, ComparisonView};
use crate::judged::further_findings;
use crate::{Judged, number, wording};

/// Checks of one run, or of two builds.
#[derive(Debug, Clone, PartialEq)]
pub struct Checks {
    /// Name of the run or comparison.
    title: String,
    /// The result in one sentence.
    headline: String,
    /// Findings beyond the checks.
    findings: Vec<String>,
    /// Duration in seconds.
    seconds: f64,
    all: Vec<Check>,
}

#[derive(Debug, Clone, PartialEq)]
struct Check {
    name: String,
    status: CheckStatus,
    /// Measured value and thresholds.
    message: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CheckStatus {
    Passed,
    Failed,
    /// The data do not decide it, or this load can never decide it. The check of the verdict decides whether this fails the
    /// run.
    Undecided,
    /// The verdict is inconclusive.
    Inconclusive,
    /// The run does not describe the service.
    Broken,
}

impl Checks {
    /// Checks of a run: its verdict, each target, and each metric that is compared with a baseline.
    pub fn of_run(run: &Judged, fail_on: FailOn) -> Self {
        let rows = run.verdict.judgments.iter();
        let targets = rows.map(|row| of_target(run, row, fail_on)).collect();
        Self::of(run, fail_on, targets)
    }

    /// Checks of a run that is only compared with a baseline: its verdict, and each compared metric. Targets are ignored.
    pub fn of_baseline_comparison(run: &Judged, fail_on: FailOn) -> Self {
        let mut checks = Self::of(run, fail_on, Vec::new());
        let Some(with_baseline) = &run.verdict.baseline else {
            return checks;
        };
        let is_valid = !matches!(
            run.verdict.result,
            RunResult::Invalid | RunResult::NoResponse
        );
        if is_valid {
            checks.headline = with_baseline.headline();
            checks.all[0].message = with_baseline.headline();
            checks.all[0].status = status_of(with_baseline.comparison.outcome(), fail_on);
        }
        checks
    }

    fn of(run: &Judged, fail_on: FailOn, targets: Vec<Check>) -> Self {
        let verdict = run.verdict;
        let mut asked = targets;
        if let Some(with_baseline) = &verdict.baseline {
            let title = format!(
                "compared with baseline {}",
                number::one_line(&with_baseline.baseline)
            );
            asked.extend(of_rows(&with_baseline.into(), &title, fail_on));
        }
        let conclusion = verdict.conclusion(fail_on);
        let failed = |check: &Check| check.status == CheckStatus::Failed;
        if conclusion == Conclusion::NoResponse {
            // Each cause is one error.
            let missed = asked.iter_mut().filter(|check| failed(check));
            missed.for_each(|check| check.status = CheckStatus::Undecided);
        }
        let fails = asked.iter().any(failed);
        let status = match conclusion {
            // The failed checks contain the reasons.
            Conclusion::Missed if fails => CheckStatus::Passed,
            Conclusion::Missed => CheckStatus::Failed,
            Conclusion::Passed => CheckStatus::Passed,
            Conclusion::Inconclusive => CheckStatus::Inconclusive,
            Conclusion::Invalid | Conclusion::NoResponse => CheckStatus::Broken,
        };
        let own = Check {
            name: "verdict".to_owned(),
            status,
            message: verdict.headline.clone(),
        };
        Self {
            title: format!("brunt {}", run.record.header.profile),
            headline: verdict.headline.clone(),
            findings: further_findings(run).map(in_words).collect(),
            seconds: run.record.duration_s(),
            all: [own].into_iter().chain(asked).collect(),
        }
    }

    /// Checks of an A/B comparison: its validity, and each compared metric.
    pub fn of_ab_summary(ab_summary: &AbSummary, fail_on: FailOn) -> Self {
        let compared = ComparisonView::from(ab_summary);
        let validity = Check {
            name: "verdict".to_owned(),
            status: match compared.outcome {
                _ if !ab_summary.is_valid() && fail_on != FailOn::Never => CheckStatus::Broken,
                outcome => status_of(outcome, fail_on),
            },
            message: ab_summary.headline(),
        };
        let rows = of_rows(&compared, "of B compared with A", fail_on);
        Self {
            title: "brunt compare".to_owned(),
            all: [validity].into_iter().chain(rows).collect(),
            headline: compared.headline,
            findings: Vec::new(),
            seconds: ab_summary.measurement.seconds,
        }
    }

    fn count(&self, statuses: &[CheckStatus]) -> usize {
        let all = self.all.iter();
        all.filter(|check| statuses.contains(&check.status)).count()
    }
}

/// Status of the verdict's check in a comparison. The checks of the rows that are worse give the reasons.
fn status_of(outcome: Outcome, fail_on: FailOn) -> CheckStatus {
    match outcome {
        Outcome::NotEnoughData if fail_on != FailOn::Never => CheckStatus::Inconclusive,
        _ => CheckStatus::Passed,
    }
}

fn in_words(finding: &Finding) -> String {
    format!("{}: {}", finding.kind.name(), finding.headline)
}

fn of_target(run: &Judged, row: &Judgment, fail_on: FailOn) -> Check {
    let status = match row.grade {
        Grade::Inconclusive | Grade::NotApplicable => CheckStatus::Undecided,
        grade if fail_on.fails(grade) => CheckStatus::Failed,
        _ => CheckStatus::Passed,
    };
    let unit = row.unit;
    let bounds = [
        ("target", row.target.target),
        ("acceptable", row.target.acceptable),
        ("critical", row.target.critical),
    ];
    let bounds = bounds.into_iter().filter_map(|(name, bound)| {
        bound.map(|bound| format!("{name} {}", number::threshold(bound, unit)))
    });
    let bounds: Vec<String> = bounds.collect();
    let mut message = format!(
        "{}: {} ({})",
        row.grade.in_words(),
        wording::value(row),
        bounds.join(", ")
    );
    if let Some(reason) = &row.reason {
        message += &format!("; {reason}");
    }
    Check {
        name: wording::title(run, row),
        status,
        message,
    }
}

fn of_rows<'a>(
    compared: &ComparisonView<'a>,
    title: &'a str,
    fail_on: FailOn,
) -> impl Iterator<Item = Check> + use<'a> {
    let [one, other] = compared.sides;
    let check = move |row: &ComparisonRow| Check {
        name: format!("{} {title}", row.metric.in_words()),
        status: match row.outcome() {
            Outcome::Worse if fail_on != FailOn::Never => CheckStatus::Failed,
            Outcome::NotEnoughData => CheckStatus::Undecided,
            Outcome::Better | Outcome::Same | Outcome::NotWorse | Outcome::Worse => {
                CheckStatus::Passed
            }
        },
        message: format!(
            "{}: {} {one}, {} {other}, {}, tolerance {}",
            row.outcome().in_words(),
            comparison::value(row.baseline, row),
            comparison::value(row.run, row),
            row.change_in_words()
                .unwrap_or_else(|| "no interval yet".to_owned()),
            row.tolerance.in_words(),
        ),
    };
    compared.tested().into_iter().map(check)
}
