//! Checks: what a pipeline asks of a run or of two builds, one by one, with a yes or a no each; and the forms
//! in which pipelines want to hear it.

mod github;
mod junit;

use verdict::comparison::{Outcome, Row};
use verdict::{Contested, Finding, Grade, Judgement, RunResult};

pub use github::github;
pub use junit::junit;

use crate::comparison::{self, Compared};
use crate::{Judged, number, terminal};

/// When a check fails.
#[derive(Debug, Clone, Copy)]
pub struct Severity {
    /// From this grade on; `None`: no target fails.
    pub failed_from: Option<Grade>,
    /// What the data do not decide fails, too.
    pub is_strict: bool,
}

/// What is asked of one run, or of two builds.
#[derive(Debug, Clone, PartialEq)]
pub struct Checks {
    /// What was played.
    title: String,
    /// What came of it, in one sentence.
    sentence: String,
    /// How long it took, in seconds.
    seconds: f64,
    all: Vec<Check>,
}

#[derive(Debug, Clone, PartialEq)]
struct Check {
    name: String,
    standing: Standing,
    /// What was measured, and what was asked for.
    message: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Passed,
    Failed,
    /// The data do not decide.
    Undecided,
    /// Nothing can be said of the service.
    Broken,
    /// Nobody asked: what was found beside.
    Told,
}

impl Checks {
    /// What is asked of a run: that it is valid, each target, and what is tested beside a baseline; and what
    /// was found, which fails nothing by itself.
    pub fn of_run(run: &Judged, severity: Severity) -> Self {
        let mut checks = Self::beside_baseline(run, severity);
        let targets = run.verdict.judgements.iter();
        let targets = targets.map(|row| of_target(run, row, severity));
        checks.all.splice(1..1, targets);
        checks
            .all
            .extend(run.verdict.findings.iter().map(of_finding));
        checks
    }

    /// What is asked of a run beside a baseline: that it is valid, and what is tested.
    pub fn beside_baseline(run: &Judged, severity: Severity) -> Self {
        let verdict = run.verdict;
        let mut checks = vec![validity(
            verdict.result != RunResult::Invalid,
            &verdict.invalid_because.join("; "),
        )];
        if let Some(beside) = &verdict.beside {
            let title = format!("beside baseline {}", number::one_line(&beside.baseline));
            checks.extend(of_rows(&beside.into(), &title, severity));
        }
        Self {
            title: format!("brunt {}", run.record.header.profile),
            sentence: verdict.sentence.clone(),
            seconds: run.record.duration_s(),
            all: checks,
        }
    }

    /// What is asked of two builds: that the sitting is valid, and what is tested.
    pub fn of_contest(contested: &Contested, severity: Severity) -> Self {
        let compared = Compared::from(contested);
        let mut checks = vec![validity(contested.is_valid(), &contested.sentence())];
        checks.extend(of_rows(&compared, "of B beside A", severity));
        Self {
            title: "brunt compare".to_owned(),
            sentence: compared.sentence,
            seconds: contested.played.seconds,
            all: checks,
        }
    }

    fn count(&self, standing: Standing) -> usize {
        let all = self.all.iter();
        all.filter(|check| check.standing == standing).count()
    }
}

fn validity(is_valid: bool, because: &str) -> Check {
    Check {
        name: "the run is valid".to_owned(),
        standing: if is_valid {
            Standing::Passed
        } else {
            Standing::Broken
        },
        message: if is_valid {
            String::new()
        } else {
            because.to_owned()
        },
    }
}

fn of_target(run: &Judged, row: &Judgement, severity: Severity) -> Check {
    let standing = match row.grade {
        Grade::Inconclusive if severity.is_strict => Standing::Failed,
        Grade::Inconclusive => Standing::Undecided,
        grade if severity.failed_from.is_some_and(|from| grade >= from) => Standing::Failed,
        _ => Standing::Passed,
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
        row.grade.name(),
        terminal::value(row),
        bounds.join(", ")
    );
    if let Some(reason) = &row.reason {
        message += &format!("; {reason}");
    }
    Check {
        name: terminal::title(run, row),
        standing,
        message,
    }
}

/// A regression is among what is tested, too.
fn of_finding(finding: &Finding) -> Check {
    Check {
        name: format!("finding: {}", finding.kind.name().replace('_', " ")),
        standing: Standing::Told,
        message: finding.sentence.clone(),
    }
}

fn of_rows<'a>(
    compared: &Compared<'a>,
    title: &'a str,
    severity: Severity,
) -> impl Iterator<Item = Check> + use<'a> {
    let [one, other] = compared.sides;
    let check = move |row: &Row| Check {
        name: format!("{} {title}", row.measured.in_words()),
        standing: match row.outcome {
            Outcome::Worse => Standing::Failed,
            Outcome::NotEnoughData if severity.is_strict => Standing::Failed,
            Outcome::NotEnoughData => Standing::Undecided,
            Outcome::Better | Outcome::Same => Standing::Passed,
        },
        message: format!(
            "{}: {} {one}, {} {other}, {}",
            row.outcome.in_words(),
            comparison::value(row.baseline, row),
            comparison::value(row.run, row),
            row.change_in_words()
                .unwrap_or_else(|| "no interval yet".to_owned()),
        ),
    };
    compared.tested().into_iter().map(check)
}
