//! Regressions: a run that is judged beside a baseline.

use record::RunRecord;

use crate::baseline::{Baseline, Difference};
use crate::comparison::{BetweenRuns, Comparison, Outcome, Row};
use crate::{Figure, Finding, FindingKind, Grade, RunResult, Verdict, judge};

/// A run beside a baseline.
#[derive(Debug, Clone, PartialEq)]
pub struct Beside {
    /// What the baseline is called.
    pub baseline: String,
    /// What differs in the conditions of both.
    pub differences: Vec<Difference>,
    /// What came of it.
    pub comparison: Comparison,
}

/// The verdict on a run that is compared with a baseline. A difference by less than `theta`, a share, is none.
/// `differences` are those that were found before the load, with the conditions as they were then.
pub fn judge_beside(
    record: &RunRecord,
    baseline: &Baseline,
    differences: Vec<Difference>,
    theta: Option<f64>,
) -> Verdict {
    let mut verdict = judge(record);
    let mut beside = Beside {
        baseline: baseline.name.clone(),
        differences,
        comparison: baseline.compare(record, theta),
    };
    if verdict.result == RunResult::Invalid {
        beside.comparison.leave_undecided();
    }
    if beside.comparison.is_worse() {
        let finding = beside.finding();
        // A run that misses no target is failed by this.
        if !verdict.result.is_missed() && verdict.result != RunResult::NothingAnswered {
            verdict.sentence.clone_from(&finding.sentence);
            verdict.result = RunResult::Graded(Grade::Poor);
            verdict.next_step =
                "Next: `brunt compare --ab` plays both builds in turns, and tells a change from noise."
                    .to_owned();
        }
        verdict.findings.insert(0, finding);
    } else if !beside.comparison.tells_anything()
        && matches!(
            verdict.result,
            RunResult::Graded(Grade::Good | Grade::Acceptable) | RunResult::NoTargets
        )
    {
        // Whether the run is worse was asked, and is not decided.
        verdict.sentence = format!("Inconclusive: {} {}", beside.sentence(), verdict.sentence);
        verdict.result = RunResult::Graded(Grade::Inconclusive);
        verdict.next_step =
            "Next: run longer, or with more load, to compare with the baseline.".to_owned();
    }
    verdict.beside = Some(beside);
    verdict
}

impl Beside {
    /// What came of it, in one sentence.
    pub fn sentence(&self) -> String {
        let baseline = format!("baseline `{}`", self.baseline);
        let rows = |outcome| names(self.comparison.tested(), outcome);
        match self.comparison.outcome() {
            Outcome::Worse => format!("Worse than {baseline}: {}.", self.worse_in_words()),
            Outcome::Better => format!(
                "Not worse than {baseline}; better: {}.",
                rows(Outcome::Better)
            ),
            Outcome::Same => format!("The same as {baseline}."),
            Outcome::NotEnoughData if self.comparison.tells_anything() => format!(
                "Not seen to be worse than {baseline}; not enough data for {}.",
                rows(Outcome::NotEnoughData)
            ),
            Outcome::NotEnoughData => {
                format!("Not enough data to compare this run with {baseline}.")
            }
        }
    }

    /// What makes the conclusion weaker, in words.
    pub fn caveats(&self) -> Vec<String> {
        let mut caveats = Vec::new();
        if let BetweenRuns::Unknown { runs } = self.comparison.between_runs {
            let of = if runs == 1 { "run" } else { "runs" };
            caveats.push(format!(
                "the baseline has {runs} {of}, so the noise between runs is not known, and the intervals are too \
                 narrow; save it from three runs or more"
            ));
        }
        let differences = self.differences.iter();
        let weaker = differences.filter(|it| it.weight != crate::baseline::Weight::Fine);
        caveats
            .extend(weaker.map(|it| format!("what differs may be due to the {}", it.in_words())));
        caveats
    }

    fn worse_in_words(&self) -> String {
        let worse = self.comparison.tested();
        let worse = worse.filter(|row| row.outcome == Outcome::Worse);
        let words = worse.filter_map(|row| {
            let change = row.change_in_words()?;
            Some(format!("{} {change}", row.measured.in_words()))
        });
        words.collect::<Vec<_>>().join(", ")
    }

    fn finding(&self) -> Finding {
        let worse = names(self.comparison.tested(), Outcome::Worse);
        Finding::new(FindingKind::Regression, self.sentence())
            .with("baseline", Figure::Text(self.baseline.clone()))
            .with("worse", Figure::Text(worse))
    }
}

fn names<'a>(rows: impl Iterator<Item = &'a Row>, outcome: Outcome) -> String {
    let rows = rows.filter(|row| row.outcome == outcome);
    let names = rows.map(|row| row.measured.in_words());
    names.collect::<Vec<_>>().join(", ")
}
