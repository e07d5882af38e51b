//! Judging: a run record in, a verdict out.

use brunt_record::RunRecord;

use crate::breaking_point::{BreakingPoint, SearchOutcome};
use crate::evidence::Lag;
use crate::result::{self, Completion, RunResult};
use crate::row::{self, Row};
use crate::sentence::Headline;
use crate::validity::Fault;
use crate::{
    Grade, Verdict, absent, degradation, finding, leak, limit, recovery, slow_request, stall,
    validity, warm_up,
};

/// The verdict on a run: its targets graded, and whether the run describes the service.
///
/// The result is good or acceptable only if every applicable target is decided and met at that grade, poor or
/// critical as soon as one target is, and inconclusive otherwise. If the run is not valid no target is
/// graded: each keeps its value, and is inconclusive.
pub fn judge(record: &RunRecord) -> Verdict {
    let mut rows = row::rows(record, Lag::Counted);
    let without_lateness = row::rows(record, Lag::TakenOut);
    let late = validity::late(record, &rows, &without_lateness);
    let notes = finding::notes(record, late.is_some());
    let invalid_reasons = validity::client_faults(record)
        .into_iter()
        .chain(validity::internal_error(record))
        .chain(late)
        .chain(validity::load_not_made(record, &without_lateness))
        .collect::<Vec<_>>();
    let breaking_point = BreakingPoint::of(record);
    let completion = Completion::of(record);
    let result = if !invalid_reasons.is_empty() {
        rows.iter_mut().for_each(Row::leave_undecided);
        RunResult::Invalid
    } else if !finding::is_answered(record) {
        RunResult::NothingAnswered
    } else {
        match &breaking_point {
            Some(found) => of_search(&rows, found, completion),
            None => result::of_rows(&rows, completion),
        }
    };
    let slow_request = slow_request::finding(record, &rows);
    let worse = degradation::findings(record);
    // What is said of its getting worse says more.
    let warm_up = warm_up::finding(record).filter(|found| found.is_steady() || worse.is_empty());
    let findings = breaking_point
        .iter()
        .flat_map(BreakingPoint::findings)
        .chain(limit::finding(record, breaking_point.as_ref()))
        .chain(absent::findings(record))
        .chain(stall::finding(record))
        .chain(recovery::finding(record))
        .chain(leak::findings(record))
        .chain(worse)
        .chain(slow_request)
        .chain(warm_up)
        .chain(finding::unfinished(record))
        .chain(finding::short_run(record))
        .chain(notes)
        .chain(finding::insecure(record))
        .chain(finding::retries(record))
        .chain(finding::cookies_dropped(record))
        .collect::<Vec<_>>();
    let headline = Headline {
        record,
        result,
        completion,
        invalid_reasons: &invalid_reasons,
        search: breaking_point.as_ref().map(BreakingPoint::clause),
        rows: &rows,
        findings: &findings,
    };
    Verdict {
        baseline: None,
        headline: headline.sentence(),
        next_step: headline.next_step(),
        result,
        invalid_reasons: invalid_reasons.iter().map(Fault::to_string).collect(),
        findings,
        judgements: rows.into_iter().map(|row| row.judgement).collect(),
    }
}

/// The result of a search: it is good if a level holds and no target is missed, since where the service breaks is
/// what it was to find out. What it is raised against until it breaks is no target of its own, unless it is missed at
/// any load. If brunt itself was the limit, or no level is known to hold, the question is open.
fn of_search(rows: &[Row], found: &BreakingPoint, completion: Completion) -> RunResult {
    let outcome = found.outcome();
    if matches!(outcome, SearchOutcome::ServiceStopped { .. }) {
        return RunResult::Graded(Grade::Critical);
    }
    if let Some(grade) = found.missed_at_any_load() {
        return RunResult::Graded(grade);
    }
    let is_limited = matches!(outcome, SearchOutcome::GeneratorLimited { .. });
    let has_broken = outcome.breaks().is_some();
    let is_open = outcome.holds().is_none()
        || is_limited
        || completion == Completion::CutShort && !has_broken;
    match result::of_rows(rows, completion) {
        RunResult::NoTargets | RunResult::Graded(Grade::NotApplicable) => {
            RunResult::Graded(Grade::Good)
        }
        // The bracket answers, whatever the user did after it was found.
        RunResult::Graded(Grade::Inconclusive) if has_broken => RunResult::Graded(Grade::Good),
        result => result,
    }
    .unless(is_open)
}
