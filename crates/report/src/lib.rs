//! A run record and its verdict as terminal text, HTML, CSV, JSON, Markdown and JUnit.
//!
//! Text is returned; writing it somewhere is left to others.

mod bins;
mod checks;
mod comparison;
mod contest;
pub mod csv;
mod figures;
mod html;
mod live;
mod markdown;
mod number;
mod past;
mod series;
pub mod stream;
mod summary;
mod terminal;

use brunt_record::RunRecord;
use brunt_verdict::{Conclusion, Grade, RunResult, Verdict};

pub use checks::{Checks, github, junit};
pub use contest::{CONTEST_SCHEMA_VERSION, Conduct, Contest, contest_json, contest_line};
pub use html::contest::html_of_contest;
pub use html::{html, html_of_past};
pub use live::{Progress, live_line};
pub use markdown::{markdown, markdown_of_contest};
pub use past::{Conditions, Past, PastRun};
pub use summary::{SCHEMA_VERSION, summary_json};
pub use terminal::baselines::{terminal_of_baseline, terminal_of_baselines};
pub use terminal::beside::{terminal_beside, terminal_of_contest};
pub use terminal::past::terminal_of_past;
pub use terminal::{UNBOUNDED, terminal, terminal_last_line, terminal_of_all};

/// A run with what was found of it.
#[derive(Debug, Clone, Copy)]
pub struct Judged<'a> {
    /// Everything that the run left.
    pub record: &'a RunRecord,
    /// What was found.
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

/// Whether a result passes, and the exit code. What fails by its grade and ends with 0 does so for `--fail-on`; codes
/// that are not of the result, such as that of a full disk, are explained by a message of their own.
pub(crate) fn outcome_in_words(result: RunResult, exit_code: u8) -> String {
    let code = format!("exit code {exit_code}");
    let asked = [Conclusion::Missed, Conclusion::NothingAnswered];
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

/// The sentence of a comparison with a baseline, unless the verdict or a finding says it already.
pub(crate) fn sentence_beside(run: &Judged) -> Option<String> {
    let verdict = run.verdict;
    let sentence = verdict.beside.as_ref()?.sentence();
    let mut findings = verdict.findings.iter();
    let is_said =
        is_said(verdict, &sentence) || findings.any(|finding| finding.sentence == sentence);
    (!is_said).then_some(sentence)
}

/// The findings that the sentence on top does not say already.
pub(crate) fn findings_beside<'a>(
    run: &Judged<'a>,
) -> impl Iterator<Item = &'a brunt_verdict::Finding> {
    let verdict = run.verdict;
    let all = verdict.findings.iter();
    all.filter(|finding| !is_said(verdict, &finding.sentence))
}

/// Whether the headline says a sentence, as it is or as a clause.
fn is_said(verdict: &Verdict, sentence: &str) -> bool {
    let mut letters = sentence.trim_end_matches('.').chars();
    letters.next();
    verdict.sentence.contains(letters.as_str())
}
