//! Judging: a run record in, a verdict out.

use record::RunRecord;

use crate::breaking_point::BreakingPoint;
use crate::evidence::Lag;
use crate::row::{Row, rows};
use crate::{
    Grade, RunResult, Verdict, degradation, finding, leak, limit, recovery, sentence, slow_request,
    validity, warm_up,
};

/// The verdict on a run: its targets graded, and whether the run says anything of the service.
///
/// The result is the worst grade that was decided, and inconclusive where none was. Where the run
/// is not valid no target is graded: each keeps its value, and is inconclusive.
pub fn judge(record: &RunRecord) -> Verdict {
    let mut rows = rows(record, Lag::Counted);
    let late = validity::late(record, &rows);
    let notes = finding::notes(record, late.is_some());
    let invalid_because = validity::client_faults(record)
        .into_iter()
        .chain(late)
        .chain(validity::load_not_made(record))
        .collect::<Vec<_>>();
    let breaking_point = BreakingPoint::of(record);
    let result = if invalid_because.is_empty() {
        RunResult::Graded(result_of(&rows, breaking_point.as_ref()))
    } else {
        rows.iter_mut().for_each(Row::leave_undecided);
        RunResult::Invalid
    };
    let sentence = match (&breaking_point, result) {
        (Some(found), RunResult::Graded(_)) => found.sentence(),
        _ => sentence::on(record, result, &invalid_because, &rows),
    };
    let slow_request = slow_request::finding(record, &rows);
    let worse = degradation::findings(record);
    // What is said of its getting worse says more.
    let warm_up = warm_up::finding(record).filter(|found| found.is_steady() || worse.is_empty());
    Verdict {
        beside: None,
        sentence,
        result,
        invalid_because,
        findings: breaking_point
            .iter()
            .map(BreakingPoint::finding)
            .chain(limit::finding(record, breaking_point.as_ref()))
            .chain(recovery::finding(record))
            .chain(leak::findings(record))
            .chain(worse)
            .chain(slow_request)
            .chain(warm_up)
            .chain(finding::unfinished(record))
            .chain(notes)
            .chain(finding::insecure(record))
            .collect(),
        judgements: rows.into_iter().map(|row| row.judgement).collect(),
    }
}

/// The worst grade that was decided. A search is good where a level holds and nothing else was decided:
/// that it breaks somewhere is what it was to find out.
fn result_of(rows: &[Row], breaking_point: Option<&BreakingPoint>) -> Grade {
    match (worst(rows), breaking_point) {
        (Grade::Inconclusive, Some(found)) if found.holds() => Grade::Good,
        (grade, _) => grade,
    }
}

fn worst(rows: &[Row]) -> Grade {
    let grades = rows.iter().map(|row| row.judgement.grade);
    grades
        .filter(|grade| *grade != Grade::Inconclusive)
        .max()
        .unwrap_or(Grade::Inconclusive)
}
