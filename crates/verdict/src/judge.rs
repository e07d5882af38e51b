//! Judging: a run record in, a verdict out.

use record::RunRecord;

use crate::evidence::Lag;
use crate::row::{Row, rows};
use crate::{Grade, RunResult, Verdict, finding, leak, recovery, sentence, validity};

/// The verdict on a run: its targets graded, and whether the run says anything of the service.
///
/// The result is the worst grade that was decided, and inconclusive where none was. Where the run
/// is not valid no target is graded: each keeps its value, and is inconclusive.
pub fn judge(record: &RunRecord) -> Verdict {
    let mut rows = rows(record, Lag::Counted);
    let late = validity::late(record, &rows);
    let note = if late.is_none() {
        finding::lag(record)
    } else {
        None
    };
    let invalid_because = validity::client_faults(record)
        .into_iter()
        .chain(late)
        .chain(validity::load_not_made(record))
        .collect::<Vec<_>>();
    let result = if invalid_because.is_empty() {
        RunResult::Graded(worst(&rows))
    } else {
        rows.iter_mut().for_each(Row::leave_undecided);
        RunResult::Invalid
    };
    Verdict {
        sentence: sentence::on(record, result, &invalid_because, &rows),
        result,
        invalid_because,
        findings: recovery::finding(record)
            .into_iter()
            .chain(leak::findings(record))
            .chain(finding::unfinished(record))
            .chain(note)
            .chain(finding::insecure(record))
            .collect(),
        judgements: rows.into_iter().map(|row| row.judgement).collect(),
    }
}

fn worst(rows: &[Row]) -> Grade {
    let grades = rows.iter().map(|row| row.judgement.grade);
    grades
        .filter(|grade| *grade != Grade::Inconclusive)
        .max()
        .unwrap_or(Grade::Inconclusive)
}
