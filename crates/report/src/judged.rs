//! The input of all reports: a run, its verdict, and the exit code.

use brunt_record::RunRecord;
use brunt_verdict::{Conclusion, Grade, RunResult, Verdict};

/// A run with its verdict.
#[derive(Debug, Clone, Copy)]
pub struct Judged<'a> {
    /// Record of the run.
    pub record: &'a RunRecord,
    /// Verdict on the run.
    pub verdict: &'a Verdict,
    /// The exit code that brunt ends with.
    pub exit_code: u8,
}

impl Judged<'_> {
    /// Whether the run passed, and the exit code.
    pub(crate) fn outcome(&self) -> String {
        outcome_in_words(self.verdict.result, self.exit_code)
    }
}

/// Whether a result passes, and the exit code. A failed grade with code 0 is due to `--fail-on`; codes of other causes, such
/// as a full disk, have their own messages.
pub(crate) fn outcome_in_words(result: RunResult, exit_code: u8) -> String {
    let code = format!("exit code {exit_code}");
    let asked = [Conclusion::Missed, Conclusion::NoResponse];
    let undecided = [Conclusion::Inconclusive, Conclusion::Invalid];
    let is_one_of = |all: [Conclusion; 2]| all.iter().any(|it| it.exit_code() == exit_code);
    match result {
        RunResult::NoTargets => format!("not judged, {code}"),
        RunResult::Graded(Grade::Good | Grade::Acceptable) if exit_code == 0 => {
            format!("passed, {code}")
        }
        _ if exit_code == 0 => format!("{code} by --fail-on"),
        _ if is_one_of(asked) => format!("failed, {code}"),
        RunResult::Graded(Grade::Poor | Grade::Critical) if is_one_of(undecided) => {
            format!("undecided, {code}")
        }
        _ if is_one_of(undecided) => format!("no verdict, {code}"),
        _ => code,
    }
}

/// Sentence of a comparison with a baseline, unless the verdict or a finding contains it.
pub(crate) fn baseline_sentence(run: &Judged) -> Option<String> {
    let verdict = run.verdict;
    let sentence = verdict.baseline.as_ref()?.headline();
    let mut findings = verdict.findings.iter();
    let is_said =
        is_said(verdict, &sentence) || findings.any(|finding| finding.headline == sentence);
    (!is_said).then_some(sentence)
}

/// Findings that the headline does not contain.
pub(crate) fn further_findings<'a>(
    run: &Judged<'a>,
) -> impl Iterator<Item = &'a brunt_verdict::Finding> {
    let verdict = run.verdict;
    let all = verdict.findings.iter();
    all.filter(|finding| !is_said(verdict, &finding.headline))
}

/// Whether the headline contains a sentence, or the sentence as a clause.
fn is_said(verdict: &Verdict, sentence: &str) -> bool {
    let mut letters = sentence.trim_end_matches('.').chars();
    letters.next();
    verdict.headline.contains(letters.as_str())
}
