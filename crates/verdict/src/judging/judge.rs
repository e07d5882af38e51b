//! Judging: from a run record to a verdict.

use brunt_record::RunRecord;

use crate::findings::{degradation, dominant_request, leak, recovery, run_notes, stall};
use crate::grading::evidence::LagTreatment;
use crate::grading::lost_users;
use crate::judging::ending;
use crate::judging::ending::Completion;
use crate::judging::graded_target::{self, GradedTarget};
use crate::judging::headline::Headline;
use crate::judging::validity::{self, InvalidReason};
use crate::model::grade::Grade;
use crate::model::grade::PossibleGrades;
use crate::model::run_result::RunResult;
use crate::search::breaking_point::{BreakingPoint, SearchOutcome};
use crate::search::generator_limit;
use crate::verdict::Verdict;
use crate::window::totals;
use crate::window::warm_up;

/// Judges a run: grades its targets, and decides whether the run describes the service.
///
/// The result is good or acceptable only if every applicable target is decided and met at that grade, poor or
/// critical as soon as one target is, and inconclusive otherwise. If the run is invalid, no target is graded: each
/// keeps its value, and is inconclusive.
pub fn judge(record: &RunRecord) -> Verdict {
    let mut rows = graded_target::graded_targets(record, LagTreatment::Counted);
    let without_lateness = graded_target::graded_targets(record, LagTreatment::Excluded);
    let late = validity::late(record, &rows, &without_lateness);
    let notes = run_notes::notes(record, late.is_some());
    let invalid_reasons = validity::client_faults(record)
        .into_iter()
        .chain(validity::internal_error(record))
        .chain(late)
        .chain(validity::load_not_made(record, &without_lateness))
        .collect::<Vec<_>>();
    let breaking_point = BreakingPoint::of(record);
    let completion = Completion::of(record);
    let result = if !invalid_reasons.is_empty() {
        rows.iter_mut().for_each(GradedTarget::leave_undecided);
        RunResult::Invalid
    } else if !totals::has_response(record) {
        RunResult::NoResponse
    } else {
        match &breaking_point {
            Some(found) => of_search(&rows, found, completion),
            None => of_rows(&rows, completion),
        }
    };
    let is_unbroken_search = breaking_point.as_ref().is_some_and(|found| !found.breaks());
    let is_too_slow = rows.iter().any(GradedTarget::is_too_slow);
    let slow_request = dominant_request::finding(record, is_too_slow);
    let worse = degradation::findings(record);
    // The finding that it degrades is more specific.
    let warm_up = warm_up::finding(record).filter(|found| found.is_steady() || worse.is_empty());
    let findings = breaking_point
        .iter()
        .flat_map(BreakingPoint::findings)
        .chain(generator_limit::finding(record, is_unbroken_search))
        .chain(lost_users::findings(record))
        .chain(stall::finding(record))
        .chain(recovery::finding(record))
        .chain(leak::findings(record))
        .chain(worse)
        .chain(slow_request)
        .chain(warm_up)
        .chain(ending::unfinished(record))
        .chain(run_notes::short_run(record))
        .chain(notes)
        .chain(run_notes::insecure(record))
        .chain(run_notes::retries(record))
        .chain(run_notes::cookies_dropped(record))
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
        headline: headline.text(),
        next_step: headline.next_step(),
        result,
        invalid_reasons: invalid_reasons
            .iter()
            .map(InvalidReason::to_string)
            .collect(),
        findings,
        judgments: rows.into_iter().map(|row| row.judgment).collect(),
    }
}

/// The result of a search. It is good if a level holds and no target is missed, since the breaking point is what the
/// search was to find. The target that the load is increased against is not judged, unless it is missed at any load.
/// If the generator was the limit, or no level is known to hold, the result is inconclusive.
fn of_search(rows: &[GradedTarget], found: &BreakingPoint, completion: Completion) -> RunResult {
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
    match of_rows(rows, completion) {
        RunResult::NoTargets | RunResult::Graded(Grade::NotApplicable) => {
            RunResult::Graded(Grade::Good)
        }
        // The bracket is the result, whatever stopped the run afterwards.
        RunResult::Graded(Grade::Inconclusive) if has_broken => RunResult::Graded(Grade::Good),
        result => result,
    }
    .or_inconclusive_if(is_open)
}

/// The result of the targets of a valid run that had responses.
pub(crate) fn of_rows(rows: &[GradedTarget], completion: Completion) -> RunResult {
    if matches!(
        completion,
        Completion::ServiceStopped | Completion::AllFailed
    ) {
        return RunResult::Graded(Grade::Critical);
    }
    if rows.is_empty() {
        return RunResult::NoTargets;
    }
    let Some(possible) = possible(rows) else {
        return RunResult::Graded(Grade::NotApplicable);
    };
    let missed = decided(rows).max().filter(|grade| *grade >= Grade::Poor);
    let grade = match missed {
        Some(missed) => missed,
        None if completion == Completion::CutShort => Grade::Inconclusive,
        None => possible.decided().unwrap_or(Grade::Inconclusive),
    };
    RunResult::Graded(grade)
}

/// The possible grades of all applicable targets together; `None` if no target is applicable.
pub(crate) fn possible(rows: &[GradedTarget]) -> Option<PossibleGrades> {
    let applicable = rows.iter().filter_map(GradedTarget::possible);
    applicable.reduce(PossibleGrades::and)
}

fn decided(rows: &[GradedTarget]) -> impl Iterator<Item = Grade> {
    rows.iter().filter_map(|row| row.possible()?.decided())
}
