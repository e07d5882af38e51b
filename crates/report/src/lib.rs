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

use record::RunRecord;
use verdict::Verdict;

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
}

/// The sentence of a comparison with a baseline, unless the verdict or a finding says it already.
pub(crate) fn sentence_beside(run: &Judged) -> Option<String> {
    let verdict = run.verdict;
    let sentence = verdict.beside.as_ref()?.sentence();
    let mut findings = verdict.findings.iter();
    let is_said = verdict.sentence.contains(&sentence)
        || findings.any(|finding| finding.sentence == sentence);
    (!is_said).then_some(sentence)
}

/// The findings that the sentence on top does not say already.
pub(crate) fn findings_beside<'a>(run: &Judged<'a>) -> impl Iterator<Item = &'a verdict::Finding> {
    let verdict = run.verdict;
    let all = verdict.findings.iter();
    all.filter(|finding| finding.sentence != verdict.sentence)
}
